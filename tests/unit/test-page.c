// SPDX-License-Identifier: GPL-3.0-or-later
/* test-page.c - what a page is made of before it has fonts: marks, values,
 * addresses, and the steps of a body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "letter/body.h"
#include "letter/page-form.h"

#define FSI "\u2068"
#define PDI "\u2069"
#define LS "\u2028"
#define SLOT0 "\U000F0000"
#define SLOT1 "\U000F0001"

static void marks(void **state)
{
	static const struct {
		const char *html;
		int result;
		enum ch_page_zone zone;
		const char *name;
	} rows[] = {
		{ "<!-- page: subject -->\n", 1, CH_ZONE_SUBJECT, "subject" },
		{ "  <!--page:copies-->", 1, CH_ZONE_COPIES, "copies" },
		{ "<!--\npage:\tbody\n-->\n", 1, CH_ZONE_BODY, "body" },
		{ "<!-- a remark -->", 0, 0, NULL },
		{ "<!-- pages: subject -->", 0, 0, NULL },
		{ "<p>page: subject</p>", 0, 0, NULL },
		{ "<!-- page: adressee -->", -1, 0, "adressee" },
		{ "<!-- page: -->", -1, 0, "" },
		{ "<!-- page: subject body -->", -1, 0, "subject" },
		{ "<!-- page: subject --> text", -1, 0, "subject" },
		{ "<!-- page: subject", -1, 0, "subject" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		enum ch_page_zone zone = CH_ZONES;
		struct ch_slice name = CH_SLICE_EMPTY;
		int result = ch_page_zone_of(rows[i].html, &zone, &name);

		if (result != rows[i].result)
			fail_msg("%s: %d", rows[i].html, result);
		if (result > 0)
			assert_int_equal(zone, rows[i].zone);
		if (rows[i].name && !ch_slice_eq(name, rows[i].name))
			fail_msg("%s: \"%.*s\"", rows[i].html, (int)name.len,
				 name.data);
	}
}

static struct ch_body *compile(const char *markdown, const char *language)
{
	struct ch_body *body = NULL;
	struct ch_error err;

	if (ch_body_compile(ch_slice_of(markdown), language, 2, &body, &err) <
	    0)
		fail_msg("%s: %s", markdown, err.text);
	return body;
}

static void values(void **state)
{
	static const struct {
		const char *language, *value, *out;
	} rows[] = {
		{ "en", "France", "France" },
		{ "en", "<b> & {{x}} *a*", "<b> & {{x}} *a*" },
		{ "en", "one\ntwo\r\nthree\rfour",
		  "one" LS "two" LS "three" LS "four" },
		{ "en", "a\tb\x01\x7F", "a b\uFFFD\uFFFD" },
		{ "en", "a\xFF\xC3", "a\uFFFD\uFFFD" },
		{ "ar", "DM-1276", FSI "DM-1276" PDI },
		{ "ar", "a" PDI "b", FSI "ab" PDI },
		{ "en", "\u05D0" FSI "x", FSI "\u05D0" FSI "x" PDI PDI },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOPTR(ch_body) body = compile("x", rows[i].language);
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);

		ch_page_add_value(body, ch_slice_of(rows[i].value), &out);
		assert_string_equal(ch_str_cstr(&out), rows[i].out);
	}
}

static void addresses(void **state)
{
	static const struct {
		const char *address, *value, *out; /* NULL: none to be linked */
	} rows[] = {
		{ "https://a.example/x", "", "https://a.example/x" },
		{ "mailto:a@b.example", "", "mailto:a@b.example" },
		{ "https://a.example/'(x)\\", "",
		  "https://a.example/%27%28x%29%5C" },
		{ "https://a.example/" SLOT0, "a b/c'",
		  "https://a.example/a%20b%2Fc%27" },
		{ SLOT0, "https://v.example/", "https://v.example/" },
		{ SLOT0, "javascript:alert(1)", NULL },
		{ SLOT0, "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOPTR(ch_body) body = compile("x", "en");
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);
		struct ch_slice filled[2] = { ch_slice_of(rows[i].value),
					      CH_SLICE_EMPTY };
		int result = ch_page_add_address(
			body, ch_slice_of(rows[i].address), filled, &out);

		if (result != (rows[i].out ? 0 : -1))
			fail_msg("%s: %d", rows[i].address, result);
		assert_string_equal(ch_str_cstr(&out),
				    rows[i].out ? rows[i].out : "");
	}
}

/* One character for each kind of step, its text or number behind it. */
static void add_step(const struct ch_page_form *form,
		     const struct ch_page_step *step, struct ch_str *out)
{
	static const char kinds[] = "ZP.L/I\\Qq-T_R,Cc'v|BbEeKkUu";

	ch_str_add_char(out, kinds[step->kind]);
	if (step->kind == CH_PAGE_ZONE || step->kind == CH_PAGE_VALUE ||
	    (step->kind == CH_PAGE_BLOCK && step->number > 0) ||
	    step->kind == CH_PAGE_LIST || step->kind == CH_PAGE_ROW)
		ch_str_addf(out, "%u", step->number);
	ch_str_add_mem(out, ch_str_cstr(&form->bytes) + step->offset,
		       step->len);
}

static void steps(void **state)
{
	static const struct {
		const char *language, *markdown, *out;
	} rows[] = {
		{ "en", "", "" },
		{ "en", "a\nb\\\nc\n", "P'a' 'b|'c." },
		{ "zh", "\u4E2D\n\u6587\n", "P'\u4E2D'\u6587." },
		{ "en", "a **b** *c* `d`\n",
		  "P'a B'bb' E'ce' K'dk." },
		{ "en", "x" SLOT0 SLOT1 "y\n", "P'xv0v1'y." },
		{ "en", "## h\n\n---\n", "P2'h.-" },
		{ "en", "9. a\n10. b\n", "L2I9.P'a.\\I10.P'b.\\/" },
		{ "en", "- a\n- b\n",
		  "L0I\u2013P'a.\\I\u2013P'b.\\/" },
		{ "en", "> a\n", "QP'a.q" },
		{ "en", "    a\tb\n    c\n", "PK'a b|'ck." },
		{ "en", "[t](https://a.example)\n",
		  "PUhttps://a.example'tu." },
		{ "en", "a\n<!-- page: subject -->\nb\n<!-- c -->\n<b>\n",
		  "P'a.Z5P'b." },
		{ "en", "a|b\n-|:-:\n" SLOT0 "|*c*\n",
		  "TlcR1CP'a.cCP'b.c,R0CPv0.cCPE'ce.c,_lc" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOPTR(ch_body) body =
			compile(rows[i].markdown, rows[i].language);
		const struct ch_page_form *form = ch_body_page_form(body);
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);

		for (size_t j = 0; j < form->len; j++)
			add_step(form, &form->steps[j], &out);
		assert_string_equal(ch_str_cstr(&out), rows[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks),
		cmocka_unit_test(values),
		cmocka_unit_test(addresses),
		cmocka_unit_test(steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
