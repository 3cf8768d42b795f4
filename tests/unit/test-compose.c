// SPDX-License-Identifier: GPL-3.0-or-later
/* test-compose.c - whole messages, and the encodings under them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/mem.h"
#include "mail/compose.h"
#include "mail/encode.h"

#define A10 "aaaaaaaaaa"
#define A70 A10 A10 A10 A10 A10 A10 A10

static void quoted_printable(void **state)
{
	static const struct {
		const char *name, *in, *out;
	} rows[] = {
		{ "empty", "", "" },
		{ "one line", "abc\n", "abc\r\n" },
		{ "no line end at the end", "abc", "abc\r\n" },
		{ "empty lines", "\n\na\n", "\r\n\r\na\r\n" },
		{ "two bytes", "\u00E9=\n", "=C3=A9=3D\r\n" },
		{ "soft break of format=flowed", "word \nmore\n",
		  "word=20\r\nmore\r\n" },
		{ "signature", "-- \n", "--=20\r\n" },
		{ "tab", "a\tb\n", "a=09b\r\n" },
		{ "CR", "a\rb\r\n", "a=0Db=0D\r\n" },
		{ "dot", ".\n..\na.\n", "=2E\r\n=2E.\r\na.\r\n" },
		{ "From", "From \nFrom a\n>From\nFromage\n",
		  "=46rom=20\r\n=46rom a\r\n>From\r\nFromage\r\n" },
		{ "75 columns", A70 "12345\n", A70 "12345\r\n" },
		{ "76 columns", A70 "123456\n", A70 "12345=\r\n6\r\n" },
		{ "escape at the edge", A70 "123\u00E9\n",
		  A70 "123=\r\n=C3=A9\r\n" },
		{ "space as the last of 75", A70 "1234 \n",
		  A70 "1234=\r\n=20\r\n" },
		{ "space as the last of 74", A70 "123 \n",
		  A70 "123=20\r\n" },
		{ "dot behind a soft break", A70 "12345.6\n",
		  A70 "12345=\r\n=2E6\r\n" },
		{ "From behind a soft break", A70 "1234 From b\n",
		  A70 "1234 =\r\n=46rom b\r\n" },
		{ "space before a soft break", A70 "1234 67\n",
		  A70 "1234 =\r\n67\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(10000);

		ch_encode_qp(&out, rows[i].in, strlen(rows[i].in));
		if (strcmp(ch_str_cstr(&out), rows[i].out) != 0)
			fail_msg("%s: %s", rows[i].name, ch_str_cstr(&out));
	}
}

/* Text is looked at many bytes at a time: a byte to escape is found at every
 * place of it. */
static void quoted_printable_everywhere(void **state)
{
	static const struct {
		char byte;
		const char *out;
	} rows[] = {
		{ '=', "=3D" },	   { 0x7F, "=7F" },    { 0x01, "=01" },
		{ 0x1F, "=1F" },   { '\xC3', "=C3" },  { '\x80', "=80" },
		{ '\xFF', "=FF" }, { '\0', "=00" },    { '~', "~" },
		{ '<', "<" },	   { '>', ">" },       { ' ', " " },
		{ '\t', "=09" },   { '\n', "\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		for (int at = 0; at < 40; at++) {
			CH_AUTO(ch_str) out = CH_STR_INIT(1000);
			CH_AUTO(ch_str) want = CH_STR_INIT(1000);
			char text[48] = A10 A10 A10 A10 "aaa";

			text[at] = rows[i].byte;
			ch_str_addf(&want, "%.*s%s%.*s\r\n", at,
				    A10 A10 A10 A10, rows[i].out, 42 - at,
				    A10 A10 A10 A10 "aa");
			ch_encode_qp(&out, text, 43);
			assert_string_equal(ch_str_cstr(&out),
					    ch_str_cstr(&want));
		}
	}
}

/* "=" counts in both: lines of one "=" and 4 of other characters take 6 + 2
 * bytes as quoted-printable and 7 * 4 / 3 as base64. */
static void long_texts_are_counted(void **state)
{
	CH_AUTO(ch_str) shorter = CH_STR_INIT(100000);
	CH_AUTO(ch_str) longer = CH_STR_INIT(100000);

	(void)state;
	for (int i = 0; i < 5000; i++) {
		ch_str_add(&shorter, "=abcd\n");
		ch_str_add(&longer, "=ab\u00E9\n");
	}
	assert_true(ch_encode_qp_is_shorter(shorter.data, shorter.len));
	assert_false(ch_encode_qp_is_shorter(longer.data, longer.len));
}

static void base64(void **state)
{
	/* 57 bytes fill a line: CR LF are bytes 57 and 58 of the text. */
	static const char text[] =
		"12345678901234567890123456789012345678901234567890123456\nb\n";
	CH_AUTO(ch_str) out = CH_STR_INIT(10000);

	(void)state;
	ch_encode_text_base64(&out, text, sizeof(text) - 1);
	assert_string_equal(ch_str_cstr(&out),
			    "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2"
			    "Nzg5MDEyMzQ1Njc4OTAxMjM0NTYN\r\n"
			    "CmINCg==\r\n");
	ch_str_clear(&out);
	ch_encode_base64(&out, "a\nb\r\n\0\xFF", 7);
	assert_string_equal(ch_str_cstr(&out), "YQpiDQoA/w==\r\n");
	ch_str_clear(&out);
	ch_encode_base64(&out, "", 0);
	ch_encode_text_base64(&out, "", 0);
	assert_string_equal(ch_str_cstr(&out), "");
}

static void the_shorter_encoding_is_taken(void **state)
{
	static const char french[] = "J\u2019ai l\u2019honneur de vous "
				     "inviter.\n";
	static const char russian[] = "\u0418\u043C\u0435\u044E "
				      "\u0447\u0435\u0441\u0442\u044C\n";

	(void)state;
	assert_true(ch_encode_qp_is_shorter(french, sizeof(french) - 1));
	assert_false(ch_encode_qp_is_shorter(russian, sizeof(russian) - 1));
	assert_true(ch_encode_qp_is_shorter("", 0));
}

static struct ch_compose sample(void)
{
	static const struct ch_address from = { "Registry",
						"registry@lamp.example", 8 };
	static const struct ch_address to[] = {
		{ "", "minister@aa.members.example", 8 },
	};
	static const struct ch_address cc[] = {
		{ "", "mission@aa.members.example", 7 },
	};

	return (struct ch_compose){
		.from = &from,
		.to = to,
		.to_len = 1,
		.cc = cc,
		.cc_len = 1,
		.subject = "[DM-1276] Invitation",
		.message_id = "k7@lamp.example",
		.date_us = 1796635800000000,
		.language = "en",
		.text = ch_slice_of("Excellency,\n"),
	};
}

static void join(const struct ch_composed *composed, struct ch_str *out)
{
	ch_str_clear(out);
	for (size_t i = 0; i < composed->pieces_len; i++)
		ch_str_add_mem(out, composed->pieces[i].iov_base,
			       composed->pieces[i].iov_len);
}

#define HEADER                                           \
	"Date: Mon, 07 Dec 2026 09:30:00 +0000\r\n"      \
	"From: Registry <registry@lamp.example>\r\n"     \
	"To: minister@aa.members.example\r\n"            \
	"Cc: mission@aa.members.example\r\n"             \
	"Subject: [DM-1276] Invitation\r\n"              \
	"Message-ID: <k7@lamp.example>\r\n"              \
	"MIME-Version: 1.0\r\n"                          \
	"Content-Language: en\r\n"

static void text_alone(void **state)
{
	struct ch_compose message = sample();
	struct ch_composed composed;
	CH_AUTO(ch_str) all = CH_STR_INIT(100000);
	struct ch_error err;

	(void)state;
	ch_composed_init(&composed, 100000);
	assert_int_equal(ch_compose(&message, &composed, &err), 0);
	join(&composed, &all);
	assert_string_equal(ch_str_cstr(&all),
			    HEADER
			    "Content-Type: text/plain; charset=utf-8; "
			    "format=flowed\r\n"
			    "Content-Transfer-Encoding: quoted-printable\r\n"
			    "\r\n"
			    "Excellency,\r\n");
	ch_composed_release(&composed);
}

/* The boundaries are the first 15 bytes of SHA-256("k7@lamp.example"),
 * 6f5a594c…, in base32. */
static void all_parts(void **state)
{
	struct ch_compose message = sample();
	struct ch_composed composed;
	struct ch_attachment *annex = NULL;
	const struct ch_attachment *list[1];
	CH_AUTO(ch_str) all = CH_STR_INIT(100000);
	CH_AUTO(ch_str) again = CH_STR_INIT(100000);
	struct ch_address reply_to = { "", "answers@lamp.example", 7 };
	struct ch_error err;

	(void)state;
	assert_int_equal(ch_attachment_new("annex-1.pdf", NULL, "%PDF", 4,
					   &annex, &err), 0);
	list[0] = annex;
	message.attachments = list;
	message.attachments_len = 1;
	message.reply_to = &reply_to;
	message.language = "zh";
	message.text = ch_slice_of("\u90E8\u957F\u5148\u751F\u9601\u4E0B\n");
	message.text_delsp = 1;
	message.html = ch_slice_of("<p>\u9601\u4E0B</p>\n");

	ch_composed_init(&composed, 100000);
	assert_int_equal(ch_compose(&message, &composed, &err), 0);
	join(&composed, &all);
	assert_string_equal(ch_str_cstr(&all),
		"Date: Mon, 07 Dec 2026 09:30:00 +0000\r\n"
		"From: Registry <registry@lamp.example>\r\n"
		"Reply-To: answers@lamp.example\r\n"
		"To: minister@aa.members.example\r\n"
		"Cc: mission@aa.members.example\r\n"
		"Subject: [DM-1276] Invitation\r\n"
		"Message-ID: <k7@lamp.example>\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Language: zh\r\n"
		"Content-Type: multipart/mixed;\r\n"
		" boundary=\"=_mn5nfstgspsnonmw5dpwwv5va\"\r\n"
		"\r\n"
		"--=_mn5nfstgspsnonmw5dpwwv5va\r\n"
		"Content-Type: multipart/alternative;\r\n"
		" boundary=\"=_an5nfstgspsnonmw5dpwwv5va\"\r\n"
		"\r\n"
		"--=_an5nfstgspsnonmw5dpwwv5va\r\n"
		"Content-Type: text/plain; charset=utf-8; format=flowed; "
		"delsp=yes\r\n"
		"Content-Transfer-Encoding: base64\r\n"
		"\r\n"
		"6YOo6ZW/5YWI55Sf6ZiB5LiLDQo=\r\n"
		"--=_an5nfstgspsnonmw5dpwwv5va\r\n"
		"Content-Type: text/html; charset=utf-8\r\n"
		"Content-Transfer-Encoding: base64\r\n"
		"\r\n"
		"PHA+6ZiB5LiLPC9wPg0K\r\n"
		"--=_an5nfstgspsnonmw5dpwwv5va--\r\n"
		"--=_mn5nfstgspsnonmw5dpwwv5va\r\n"
		"Content-Type: application/pdf\r\n"
		"Content-Transfer-Encoding: base64\r\n"
		"Content-Disposition: attachment; filename=annex-1.pdf\r\n"
		"\r\n"
		"JVBERg==\r\n"
		"--=_mn5nfstgspsnonmw5dpwwv5va--\r\n");
	assert_int_equal(composed.size_bytes, all.len);

	/* Used again: the same bytes. */
	assert_int_equal(ch_compose(&message, &composed, &err), 0);
	join(&composed, &again);
	assert_string_equal(ch_str_cstr(&again), ch_str_cstr(&all));
	ch_composed_release(&composed);
	ch_attachment_free(annex);
}

/* A large annex is encoded when the batch begins, and a message points at it:
 * its own bytes are what they would be with a small one. */
static void an_annex_is_shared(void **state)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(300000);
	struct ch_compose message = sample();
	struct ch_attachment *annex = NULL;
	const struct ch_attachment *list[1];
	struct ch_composed one, other;
	struct ch_error err;

	(void)state;
	for (int i = 0; i < 20000; i++)
		ch_str_add(&bytes, "ten bytes.");
	assert_int_equal(ch_attachment_new("annex-1.pdf", NULL, bytes.data,
					   bytes.len, &annex, &err), 0);
	list[0] = annex;
	message.attachments = list;
	message.attachments_len = 1;
	ch_composed_init(&one, 2000);
	ch_composed_init(&other, 2000);
	assert_int_equal(ch_compose(&message, &one, &err), 0);
	message.message_id = "k8@lamp.example";
	assert_int_equal(ch_compose(&message, &other, &err), 0);
	assert_int_equal(one.pieces_len, 3);
	assert_int_equal(other.pieces_len, 3);
	assert_ptr_equal(one.pieces[1].iov_base, other.pieces[1].iov_base);
	assert_ptr_not_equal(one.pieces[0].iov_base,
			     other.pieces[0].iov_base);
	assert_true(one.size_bytes > 270000);
	ch_composed_release(&one);
	ch_composed_release(&other);
	ch_attachment_free(annex);
}

/* What one message alone has lives as long as it: also while others are
 * composed, which have their own. */
static void what_is_kept(void **state)
{
	static const char *const files[] = { "one", "other", "one more" };
	static const char *const encoded[] = { "b25l", "b3RoZXI=",
					       "b25lIG1vcmU=" };
	struct ch_compose message = sample();
	struct ch_composed composed[2];
	struct ch_error err;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		ch_composed_init(&composed[i], 2000);
	for (size_t i = 0; i < CH_COUNT(files); i++) {
		struct ch_composed *out = &composed[i % 2];
		struct ch_attachment *page = NULL;
		const struct ch_attachment *list[1];

		assert_int_equal(ch_attachment_new("page.pdf", NULL, files[i],
						   strlen(files[i]), &page,
						   &err), 0);
		list[0] = page;
		message.attachments = list;
		message.attachments_len = 1;
		assert_int_equal(ch_compose(&message, out, &err), 0);
		ch_composed_keep(out, page);
		for (size_t j = i ? i - 1 : 0; j <= i; j++) {
			CH_AUTO(ch_str) all = CH_STR_INIT(100000);

			join(&composed[j % 2], &all);
			assert_non_null(strstr(ch_str_cstr(&all), encoded[j]));
		}
	}
	for (size_t i = 0; i < 2; i++)
		ch_composed_release(&composed[i]);
}

/* The line end before a delimiter is the delimiter's: text has one more. */
static void text_keeps_its_last_line_end(void **state)
{
	struct ch_compose message = sample();
	struct ch_composed composed;
	CH_AUTO(ch_str) all = CH_STR_INIT(100000);
	struct ch_error err;

	(void)state;
	message.html = ch_slice_of("<p>\n");
	ch_composed_init(&composed, 100000);
	assert_int_equal(ch_compose(&message, &composed, &err), 0);
	join(&composed, &all);
	assert_non_null(strstr(ch_str_cstr(&all),
			       "\r\n\r\nExcellency,\r\n\r\n--=_a"));
	assert_non_null(strstr(ch_str_cstr(&all),
			       "\r\n\r\n<p>\r\n\r\n--=_a"));
	ch_composed_release(&composed);
}

static void what_may_not_be_in_a_header(void **state)
{
	static const struct {
		const char *subject, *message_id, *language, *reason;
	} rows[] = {
		{ "a\r\nBcc: b@c.example", "k7@lamp.example", "en",
		  "Subject: a control character, or bytes that are not "
		  "UTF-8" },
		{ "a", "k7@lamp.example>\r\nX: y", "en",
		  "Message-ID: a character that may not be in one" },
		{ "a", "k7", "en", "Message-ID: not of the form left@right" },
		{ "a", "k7@lamp.example", "en\r\nX: y",
		  "Content-Language: not a language tag" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_compose message = sample();
		struct ch_composed composed;
		struct ch_error err;

		message.subject = rows[i].subject;
		message.message_id = rows[i].message_id;
		message.language = rows[i].language;
		ch_composed_init(&composed, 100000);
		assert_int_equal(ch_compose(&message, &composed, &err), -1);
		assert_string_equal(err.text, rows[i].reason);
		assert_int_equal(err.fate, CH_GIVE_UP);
		ch_composed_release(&composed);
	}
}

static void a_message_has_a_largest_size(void **state)
{
	struct ch_compose message = sample();
	struct ch_composed composed;
	struct ch_error err;

	(void)state;
	ch_composed_init(&composed, 300);
	assert_int_equal(ch_compose(&message, &composed, &err), -1);
	assert_string_equal(err.text,
			    "the message is larger than 300 bytes");
	ch_composed_release(&composed);
}

static void names_of_annexes(void **state)
{
	static const struct {
		const char *name, *type, *reason;
	} rows[] = {
		{ "a\r\nX: y.pdf", NULL,
		  "the name of an annex has a control character or is not "
		  "UTF-8" },
		{ "../a.pdf", NULL, "the name of an annex has a path in it" },
		{ "a\\b.pdf", NULL, "the name of an annex has a path in it" },
		{ "a\u202Efdp.exe", NULL,
		  "the name of an annex has U+202E, which turns the direction "
		  "of text" },
		{ "", NULL,
		  "the name of an annex has 0 bytes; 1 to 255 are allowed" },
		{ "a.pdf", "application/pdf\r\nX: y",
		  "application/pdf\r\nX: y: not a media type an annex may "
		  "have" },
		{ "a.eml", "message/rfc822",
		  "message/rfc822: not a media type an annex may have" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_attachment *annex = NULL;
		struct ch_error err;

		assert_int_equal(ch_attachment_new(rows[i].name, rows[i].type,
						   "x", 1, &annex, &err), -1);
		assert_string_equal(err.text, rows[i].reason);
		assert_null(annex);
	}
}

static void types_of_annexes(void **state)
{
	static const struct {
		const char *name, *type, *bytes, *header;
	} rows[] = {
		{ "a.PDF", NULL, "x", "Content-Type: application/pdf\r\n" },
		{ "a.txt", NULL, "\u00E9",
		  "Content-Type: text/plain; charset=utf-8\r\n" },
		{ "a.txt", NULL, "\xE9",
		  "Content-Type: application/octet-stream\r\n" },
		{ "a", NULL, "x", "Content-Type: application/octet-stream\r\n" },
		{ "a.bin", "image/png", "x", "Content-Type: image/png\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_compose message = sample();
		struct ch_attachment *annex = NULL;
		const struct ch_attachment *list[1];
		struct ch_composed composed;
		CH_AUTO(ch_str) all = CH_STR_INIT(100000);
		struct ch_error err;

		assert_int_equal(ch_attachment_new(rows[i].name, rows[i].type,
						   rows[i].bytes,
						   strlen(rows[i].bytes),
						   &annex, &err), 0);
		assert_string_equal(ch_attachment_name(annex), rows[i].name);
		assert_int_equal(ch_attachment_size(annex),
				 strlen(rows[i].bytes));
		list[0] = annex;
		message.attachments = list;
		message.attachments_len = 1;
		ch_composed_init(&composed, 100000);
		assert_int_equal(ch_compose(&message, &composed, &err), 0);
		join(&composed, &all);
		assert_non_null(strstr(ch_str_cstr(&all), rows[i].header));
		ch_composed_release(&composed);
		ch_attachment_free(annex);
	}
}

/* For programs that do not read RFC 2231: a name in ASCII beside the type. */
static void fallback_names(void **state)
{
	static const struct {
		const char *name, *fallback; /* "": none is needed */
	} rows[] = {
		{ "annex-1.pdf", "" },
		{ "annex 2 (final).docx", "" },
		{ "Réunion à Genève.pdf", "; name=Reunion_a_Geneve.pdf" },
		{ "Приложение № 1.pdf", "; name=No_1.pdf" },
		{ "附件一.pdf", "; name=annex.pdf" },
		{ "ملحق", "; name=annex" },
		{ "é.tar.gz", "; name=e.tar.gz" },
		{ "é.b c", "; name=e.b_c" },
		{ A70 ".pdf",
		  ";\r\n name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		  ".pdf" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_compose message = sample();
		struct ch_attachment *annex = NULL;
		const struct ch_attachment *list[1];
		CH_AUTO(ch_composed) composed;
		CH_AUTO(ch_str) all = CH_STR_INIT(100000);
		CH_AUTO(ch_str) want = CH_STR_INIT(1000);
		struct ch_error err;

		assert_int_equal(ch_attachment_new(rows[i].name, "image/png",
						   "x", 1, &annex, &err), 0);
		list[0] = annex;
		message.attachments = list;
		message.attachments_len = 1;
		ch_composed_init(&composed, 100000);
		assert_int_equal(ch_compose(&message, &composed, &err), 0);
		join(&composed, &all);
		ch_str_addf(&want, "\r\nContent-Type: image/png%s\r\n",
			    rows[i].fallback);
		if (!strstr(ch_str_cstr(&all), ch_str_cstr(&want)))
			fail_msg("no %s in %s", ch_str_cstr(&want),
				 ch_str_cstr(&all));
		ch_attachment_free(annex);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoted_printable),
		cmocka_unit_test(quoted_printable_everywhere),
		cmocka_unit_test(long_texts_are_counted),
		cmocka_unit_test(base64),
		cmocka_unit_test(the_shorter_encoding_is_taken),
		cmocka_unit_test(text_alone),
		cmocka_unit_test(all_parts),
		cmocka_unit_test(an_annex_is_shared),
		cmocka_unit_test(what_is_kept),
		cmocka_unit_test(text_keeps_its_last_line_end),
		cmocka_unit_test(what_may_not_be_in_a_header),
		cmocka_unit_test(a_message_has_a_largest_size),
		cmocka_unit_test(names_of_annexes),
		cmocka_unit_test(types_of_annexes),
		cmocka_unit_test(fallback_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
