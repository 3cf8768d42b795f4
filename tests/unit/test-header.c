// SPDX-License-Identifier: GPL-3.0-or-later
/* test-header.c - header fields byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "mail/header.h"

static void unstructured(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "Hello", "Subject: Hello\r\n" },
		{ "", "Subject:\r\n" },
		{ "[DM-1276] Invitation to the first session of the "
		  "Preparatory Committee of the Conference",
		  "Subject: [DM-1276] Invitation to the first session of the "
		  "Preparatory\r\n Committee of the Conference\r\n" },
		{ "[DM-1276] Travaux pr\u00E9paratoires en mai",
		  "Subject: [DM-1276] Travaux "
		  "=?UTF-8?Q?pr=C3=A9paratoires?= en mai\r\n" },
		{ "Les d\u00E9l\u00E9gations et observateurs qui sont "
		  "invit\u00E9s",
		  "Subject: Les =?UTF-8?Q?d=C3=A9l=C3=A9gations_et_"
		  "observateurs_qui_sont_invit?=\r\n =?UTF-8?Q?=C3=A9s?=\r\n" },
		/* Base64 where that is shorter. */
		{ "R\u00E9union du Comit\u00E9 de Gen\u00E8ve",
		  "Subject: =?UTF-8?B?UsOpdW5pb24gZHUgQ29taXTDqSBkZSBHZW7DqHZl"
		  "?=\r\n" },
		{ "[DM-1276] \u7B2C\u4E00\u6B21\u4F1A\u8BAE",
		  "Subject: [DM-1276] =?UTF-8?B?56ys5LiA5qyh5Lya6K6u?=\r\n" },
		/* What would be read as an encoded word is encoded. */
		{ "a =?UTF-8?Q?b?= c",
		  "Subject: a =?UTF-8?B?PT9VVEYtOD9RP2I/PQ==?= c\r\n" },
		{ "two  spaces", "Subject: =?UTF-8?Q?two__spaces?=\r\n" },
		{ " edge", "Subject: =?UTF-8?Q?_edge?=\r\n" },
		/* A word too long to fold. */
		{ "0123456789012345678901234567890123456789012345678901234567890"
		  "1234567890",
		  "Subject: =?UTF-8?Q?0123456789012345678901234567890123456789"
		  "01234567890123456?=\r\n =?UTF-8?Q?78901234567890?=\r\n" },
		/* Characters stay whole. */
		{ "\u041F\u0440\u0438\u0433\u043B\u0430\u0448\u0435\u043D\u0438"
		  "\u0435 \u043D\u0430 \u043F\u0435\u0440\u0432\u0443\u044E "
		  "\u0441\u0435\u0441\u0441\u0438\u044E "
		  "\u041A\u043E\u043C\u0438\u0442\u0435\u0442\u0430",
		  "Subject: =?UTF-8?B?0J/RgNC40LPQu9Cw0YjQtdC90LjQtSDQvdCwINC/"
		  "0LXRgNCy0YPRjiA=?=\r\n"
		  " =?UTF-8?B?0YHQtdGB0YHQuNGOINCa0L7QvNC40YLQtdGC0LA=?="
		  "\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(10000);
		struct ch_error err;

		assert_int_equal(ch_header_text(&out, "Subject", rows[i].in,
						&err), 0);
		assert_string_equal(ch_str_cstr(&out), rows[i].out);
	}
}

static void controls_are_refused(void **state)
{
	static const char *const rows[] = {
		"a\r\nBcc: x@y.example", "a\nb", "a\rb", "a\tb", "a\x7F",
		"a\x1B[2J", "a\xC2\x85", "a\u2028b", "a\u2029b", "a\xFF",
		"a\xC0\x8A",
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(10000);
		struct ch_error err;
		struct ch_address address = { .spec = "a@b.example" };
		size_t column = 0;

		assert_false(ch_header_text_ok(rows[i], strlen(rows[i])));
		assert_int_equal(ch_header_text(&out, "Subject", rows[i],
						&err), -1);
		assert_string_equal(err.text,
				    "Subject: a control character, or bytes "
				    "that are not UTF-8");
		snprintf(address.display, sizeof(address.display), "%s",
			 rows[i]);
		assert_int_equal(ch_header_addresses(&out, "To", &address, 1,
						     &err), -1);
		assert_int_equal(ch_header_param(&out, &column, "filename",
						 rows[i], &err), -1);
	}
	assert_false(ch_header_text_ok("a\0b", 3));
	assert_true(ch_header_text_ok("R\u00E9f. 1", 7));
}

static void addresses(void **state)
{
	static const struct {
		struct ch_address list[3];
		size_t len;
		const char *out;
	} rows[] = {
		{ { { "", "a@b.example", 1 } }, 1, "To: a@b.example\r\n" },
		{ { { "Awa Diallo", "a@b.example", 1 } }, 1,
		  "To: Awa Diallo <a@b.example>\r\n" },
		{ { { "Diallo, A.", "a@b.example", 1 } }, 1,
		  "To: \"Diallo, A.\" <a@b.example>\r\n" },
		{ { { "a\"b\\c", "a@b.example", 1 } }, 1,
		  "To: \"a\\\"b\\\\c\" <a@b.example>\r\n" },
		{ { { "Andr\u00E9 Diallo-Traore M.", "a@b.example", 1 } }, 1,
		  "To: =?UTF-8?Q?Andr=C3=A9_Diallo-Traore_M=2E?= "
		  "<a@b.example>\r\n" },
		{ { { "\u5916\u4EA4\u90E8", "a@b.example", 1 } }, 1,
		  "To: =?UTF-8?B?5aSW5Lqk6YOo?= <a@b.example>\r\n" },
		/* RFC 6532: as it is; the name is encoded all the same. */
		{ { { "Andr\u00E9", "andr\u00E9@b.example", 6 },
		    { "", "\u5C40@c.example", 3 } }, 2,
		  "To: =?UTF-8?B?QW5kcsOp?= <andr\u00E9@b.example>, "
		  "\u5C40@c.example\r\n" },
		/* A name is not cut where it fits a line of its own. */
		{ { { "", "minister@aa.members.example", 8 },
		    { "\u0421\u0435\u043A\u0440\u0435\u0442\u0430\u0440"
		      "\u0438\u0430\u0442 \u0411\u044E\u0440\u043E",
		      "b@c.example", 1 } },
		  2,
		  "To: minister@aa.members.example,\r\n "
		  "=?UTF-8?B?0KHQtdC60YDQtdGC0LDRgNC40LDRgiDQkdGO0YDQvg==?= "
		  "<b@c.example>\r\n" },
		{ { { "=?UTF-8?Q?x?=", "a@b.example", 1 } }, 1,
		  "To: =?UTF-8?B?PT9VVEYtOD9RP3g/PQ==?= "
		  "<a@b.example>\r\n" },
		{ { { "", "minister@aa.members.example", 8 },
		    { "Permanent Mission", "mission@aa.members.example", 7 },
		    { "", "registry@aa.members.example", 8 } },
		  3,
		  "To: minister@aa.members.example, Permanent Mission\r\n"
		  " <mission@aa.members.example>, "
		  "registry@aa.members.example\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(10000);
		struct ch_error err;

		assert_int_equal(ch_header_addresses(&out, "To", rows[i].list,
						     rows[i].len, &err), 0);
		assert_string_equal(ch_str_cstr(&out), rows[i].out);
	}
}

static void ascii(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "", "" }, { "annex-1.fr", "annex-1.fr" },
		{ "R\u00E9union \u00E0 Gen\u00E8ve", "Reunion_a_Geneve" },
		{ " a \"b\" ", "a_b" },
		{ "\u9644\u4EF6 2 \u4E00", "2" },
		{ "\u2116 \uFF11\u00BD", "No_11_2" },
		{ "\xFF", "" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);

		ch_header_ascii(rows[i].in, strlen(rows[i].in), &out);
		assert_string_equal(ch_str_cstr(&out), rows[i].out);
	}
}

static void params(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "annex-1.fr.pdf", "; filename=annex-1.fr.pdf" },
		{ "annex 1.pdf", "; filename=\"annex 1.pdf\"" },
		{ "a\"b.pdf", "; filename=\"a\\\"b.pdf\"" },
		{ "8'b%*.pdf", "; filename=\"8'b%*.pdf\"" },
		{ "r\u00E9union.pdf",
		  "; filename*=UTF-8''r%C3%A9union.pdf" },
		{ "provisional agenda of the first session.pdf",
		  ";\r\n filename=\"provisional agenda of the first "
		  "session.pdf\"" },
		{ "\u041F\u0440\u0438\u043B\u043E\u0436\u0435\u043D\u0438\u0435 "
		  "1.pdf",
		  ";\r\n filename*0*=UTF-8''%D0%9F%D1%80%D0%B8%D0%BB%D0%BE%D0%"
		  "B6%D0%B5%D0%BD%D0%B8;\r\n filename*1*=%D0%B5%201.pdf" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(10000);
		struct ch_error err;
		size_t column = 31; /* Content-Disposition: attachment */

		assert_int_equal(ch_header_param(&out, &column, "filename",
						 rows[i].in, &err), 0);
		assert_string_equal(ch_str_cstr(&out), rows[i].out);
	}
}

static size_t longest_line(const char *text)
{
	size_t longest = 0;

	while (*text) {
		size_t len = strcspn(text, "\r");

		if (len > longest)
			longest = len;
		text += len + (text[len] ? 2 : 0);
	}
	return longest;
}

/* Every length of text in one, two, three and four bytes a character. */
static void lines_stay_short(void **state)
{
	static const char *const pieces[] = {
		"a", "ab ", "\u00E9", "\u00E9 b", "\u4E2D", "\U0001F600",
		"\" ", "=?", "\u0436\u0437 ",
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(pieces); i++) {
		char text[CH_DISPLAY_MAX + 1] = "";
		size_t len = strlen(pieces[i]);

		for (size_t used = 0; used + len < sizeof(text); used += len) {
			CH_AUTO(ch_str) out = CH_STR_INIT(10000);
			struct ch_address to = { .spec = "a@b.example" };
			struct ch_error err;
			size_t column = 31;

			memcpy(text + used, pieces[i], len + 1);
			memcpy(to.display, text, sizeof(text));
			ch_header_text(&out, "Subject", text, &err);
			ch_header_addresses(&out, "Reply-To", &to, 1, &err);
			assert_in_range(longest_line(ch_str_cstr(&out)), 1, 78);
			ch_str_clear(&out);
			ch_header_param(&out, &column, "filename", text, &err);
			ch_str_add(&out, "\r\n");
			assert_in_range(longest_line(ch_str_cstr(&out)), 1, 78);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unstructured),
		cmocka_unit_test(controls_are_refused),
		cmocka_unit_test(addresses),
		cmocka_unit_test(params),
		cmocka_unit_test(ascii),
		cmocka_unit_test(lines_stay_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
