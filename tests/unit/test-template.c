// SPDX-License-Identifier: GPL-3.0-or-later
/* test-template.c - every construct of the merge language, and every fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/problem.h"
#include "base/str.h"
#include "letter/date.h"
#include "letter/template.h"

#define S1 "\xF3\xB0\x80\x80" /* U+F0000, the first slot */
#define S2 "\xF3\xB0\x80\x81"
#define FSI "\xE2\x81\xA8"
#define PDI "\xE2\x81\xA9"

/* The partials of these tests. */
static int partial(void *context, const char *name,
		   struct ch_template_source *ret, struct ch_error *err)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "closing", "Yours,\n{{name}}\n" },
		{ "loop", "a {{> loop}}" },
		{ "ping", "{{> pong}}" },
		{ "pong", "{{> ping}}" },
		{ "half", "{{#name}}half" },
		{ "deep", "x\n  {{> closing}}\n" },
		{ "word", "word" },
		{ "bad", "one\n  {{oops" },
	};

	(void)context;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		if (strcmp(rows[i].name, name) == 0) {
			*ret = (struct ch_template_source){
				ch_slice_of(rows[i].text), rows[i].name, 1, 1
			};
			return 0;
		}
	}
	return ch_error_set(err, CH_GIVE_UP, "no such file");
}

static int parse(const char *text, struct ch_template **ret,
		 struct ch_problems *problems)
{
	struct ch_template_source source = { ch_slice_of(text), "en.md", 1,
					     1 };

	return ch_template_parse(&source, partial, NULL, ret, problems);
}

static const struct {
	const char *name, *value;
} fields[] = {
	{ "name", "France" },
	{ "other", "B" },
	{ "empty", "" },
	{ "blank", " \xC2\xA0\t" },
	{ "tag", "{{name}} *x* <b>" },
	{ "day", "2002-12-07" },
	{ "noday", "7 December" },
	{ "full name", "F" },
	{ "labels.to", "To" },
};

static struct ch_slice value_of(const char *name)
{
	for (size_t i = 0; i < CH_COUNT(fields); i++) {
		if (strcmp(fields[i].name, name) == 0)
			return ch_slice_of(fields[i].value);
	}
	return (struct ch_slice){ NULL, 0 };
}

static int fill(const struct ch_template *tpl, struct ch_filled *filled,
		struct ch_problems *problems)
{
	static const struct ch_template_whose whose = { "FRA", "m.csv", 7 };
	struct ch_slice values[16];

	assert_true(ch_template_names(tpl) <= CH_COUNT(values));
	for (size_t i = 0; i < ch_template_names(tpl); i++)
		values[i] = value_of(ch_template_name(tpl, i));
	return ch_template_fill(tpl, values, "en", &whose, filled, problems);
}

static void add_problems(struct ch_str *out, const struct ch_problems *problems)
{
	for (size_t i = 0; i < problems->len; i++) {
		ch_problem_format(&problems->items[i], out);
		ch_str_add(out, "\n");
	}
}

/* The merged text, or the problems. */
static void merge(const char *text, struct ch_str *out)
{
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_template) tpl = NULL;
	CH_AUTO(ch_filled) filled = { 0 };

	if (parse(text, &tpl, &problems) == 0) {
		ch_filled_init(&filled, tpl);
		if (fill(tpl, &filled, &problems) == 0)
			ch_template_text(tpl, &filled, false, out);
	}
	add_problems(out, &problems);
}

struct row {
	const char *name, *text, *expected;
};

static void run_rows(const struct row *rows, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(100000);

		merge(rows[i].text, &out);
		if (strcmp(ch_str_cstr(&out), rows[i].expected) != 0)
			print_error("row \"%s\"\n", rows[i].name);
		assert_string_equal(ch_str_cstr(&out), rows[i].expected);
	}
}

static void constructs(void **state)
{
	static const struct row rows[] = {
		{ "text", "Dear all,\n\nx\n", "Dear all,\n\nx\n" },
		{ "nothing", "", "" },
		{ "interpolation", "Dear {{name}},", "Dear France," },
		{ "white space in a tag", "{{ name }}|{{\tname\n}}",
		  "France|France" },
		{ "triple and ampersand", "{{{name}}} {{& name}} {{{ name }}}",
		  "France France France" },
		{ "a name of two words", "{{full name}}", "F" },
		{ "a dotted name", "{{labels.to}}", "To" },
		{ "single braces are text", "{name} } {", "{name} } {" },
		{ "closing braces alone are text", "a }} b", "a }} b" },
		{ "section", "{{#name}}yes{{/name}}{{#empty}}no{{/empty}}",
		  "yes" },
		{ "white space is empty", "{{#blank}}no{{/blank}}."
		  "{{^blank}}yes{{/blank}}", ".yes" },
		{ "inverted", "{{^empty}}none{{/empty}}{{^name}}no{{/name}}",
		  "none" },
		{ "section on itself", "{{#empty}}Dear {{empty}},{{/empty}}x",
		  "x" },
		{ "dot", "{{#name}}Dear {{.}}{{/name}}", "Dear France" },
		{ "dot goes past an inverted section",
		  "{{#name}}{{^empty}}{{.}}{{/empty}}{{/name}}", "France" },
		{ "nested", "{{#name}}a{{#other}}b{{/other}}"
		  "{{#empty}}c{{/empty}}d{{/name}}", "abd" },
		{ "closed outer skips inner",
		  "{{#empty}}a{{#name}}b{{/name}}{{/empty}}c", "c" },
		{ "comment", "a{{! what it says }}b{{!}}c", "abc" },
		{ "comment of two lines", "a\n{{! one\ntwo }}\nb", "a\nb" },
		{ "standalone section", "a\n{{#name}}\nb\n{{/name}}\nc\n",
		  "a\nb\nc\n" },
		{ "standalone with blanks", "a\n  {{#name}}\t \nb\n "
		  "{{/name}} \nc", "a\nb\nc" },
		{ "standalone at both ends", "{{#name}}\nb\n{{/name}}",
		  "b\n" },
		{ "standalone CRLF", "a\r\n{{#name}}\r\nb\r\n{{/name}}\r\nc",
		  "a\nb\nc" },
		{ "two tags on a line stand not alone",
		  "{{#name}}{{/name}}\nx", "\nx" },
		{ "a value stands not alone", "a\n {{name}} \nb",
		  "a\n France \nb" },
		{ "set delimiters", "{{=<% %>=}}<% name %> {{name}}"
		  "<%={{ }}=%>{{name}}", "France {{name}}France" },
		{ "set delimiters alone on a line",
		  "a\n {{=| |=}} \n|name|", "a\nFrance" },
		{ "partial", "x {{> word}} y", "x word y" },
		{ "partial on its own line is indented",
		  "a\n  {{> closing}}\nb\n", "a\n  Yours,\n  France\nb\n" },
		{ "partial in a partial", " {{> deep}}\nz",
		  " x\n   Yours,\n   France\nz" },
		{ "a partial twice", "{{> word}}{{> word}}", "wordword" },
		{ "date", "{{day | date}} {{day|date}} {{ day }}",
		  "7 December 2002 7 December 2002 2002-12-07" },
		{ "date in a section on it",
		  "{{#empty}}{{empty | date}}{{/empty}}.", "." },
		{ "values are never expanded", "{{tag}}{{{tag}}}",
		  "{{name}} *x* <b>{{name}} *x* <b>" },
	};

	(void)state;
	run_rows(rows, CH_COUNT(rows));
}

static void faults(void **state)
{
	static const struct row rows[] = {
		{ "unknown field", "Dear {{name}}\n  and {{nmae}},",
		  "en.md:2:7: nmae: no such field for FRA (m.csv:7)\n" },
		{ "unknown section", "{{#nmae}}x{{/nmae}}{{nmae}}",
		  "en.md:1:20: nmae: no such field for FRA (m.csv:7)\n" },
		{ "empty where it is printed", "Dear {{empty}},",
		  "en.md:1:6: empty: empty for FRA (m.csv:7)\n" },
		{ "white space where it is printed", "Dear {{blank}},",
		  "en.md:1:6: blank: empty for FRA (m.csv:7)\n" },
		{ "a section on another field does not excuse",
		  "{{#name}}{{empty}}{{/name}}",
		  "en.md:1:10: empty: empty for FRA (m.csv:7)\n" },
		{ "an inverted section does not excuse",
		  "{{^empty}}{{empty}}{{/empty}}",
		  "en.md:1:11: empty: empty for FRA (m.csv:7)\n" },
		{ "no date", "by {{noday | date}}",
		  "en.md:1:4: noday: \"7 December\" is no date such as "
		  "2026-12-07 for FRA (m.csv:7)\n" },
		{ "empty date", "by {{empty | date}}",
		  "en.md:1:4: empty: empty for FRA (m.csv:7)\n" },
		{ "tag not closed", "Dear {{name},\nx",
		  "en.md:1:6: the tag is not closed\n" },
		{ "tag not closed before the next",
		  "\303\251 {{name\n{{other}} {{name}}",
		  "en.md:1:3: the tag is not closed\n" },
		{ "triple not closed", "{{{name}}",
		  "en.md:1:1: the tag is not closed\n" },
		{ "comment not closed", "{{! x", "en.md:1:1: the tag is not "
		  "closed\n" },
		{ "section not closed", "a\n{{#name}}b",
		  "en.md:2:1: the section \"name\" is not closed\n" },
		{ "inner section not closed",
		  "{{#name}}{{^other}}{{/name}}",
		  "en.md:1:10: the section \"other\" is not closed\n" },
		{ "close without open", "a{{/name}}",
		  "en.md:1:2: {{/name}} closes no section\n" },
		{ "mismatched close", "{{#name}}\nx{{/nmae}}",
		  "en.md:2:2: {{/nmae}} where the section \"name\" of line 1 "
		  "is open\n" },
		{ "empty tag", "{{}} {{ }} {{#}}{{/}}",
		  "en.md:1:1: an empty tag\nen.md:1:6: an empty tag\n"
		  "en.md:1:12: an empty tag\n" },
		{ "bad names", "{{.x}}{{a{b}}",
		  "en.md:1:1: a name may not begin with \".\" nor end with "
		  "white space\nen.md:1:7: \"{\" in a name\n" },
		{ "name of two lines", "{{na\nme}}",
		  "en.md:1:1: a control character in a name\n" },
		{ "dot outside", "{{.}}", "en.md:1:1: {{.}} outside a "
		  "section\n" },
		{ "unknown filter", "{{day | dat}}",
		  "en.md:1:1: no filter is called \"dat\"\n" },
		{ "filter on a section", "{{#day | date}}{{/day | date}}",
		  "en.md:1:1: \"|\" in a name\n" },
		{ "inheritance", "{{<x}}{{$y}}",
		  "en.md:1:1: tags that begin with \"<\" are not known\n"
		  "en.md:1:7: tags that begin with \"$\" are not known\n" },
		{ "bad delimiters", "{{=x=}}", "en.md:1:1: these are no two "
		  "delimiters\n" },
		{ "partial that is not there", "a\n {{> nothing}}",
		  "en.md:2:2: {{> nothing}}: no such file\n" },
		{ "include loop", "{{> loop}}",
		  "loop:1:3: {{> loop}} includes itself\n" },
		{ "include loop of two", "{{> ping}}",
		  "pong:1:1: {{> ping}} includes itself\n" },
		{ "a section does not end in another file",
		  "{{> half}}{{/name}}",
		  "half:1:1: the section \"name\" is not closed\n"
		  "en.md:1:11: {{/name}} closes no section\n" },
		{ "fault in a partial", "{{> bad}}",
		  "bad:2:3: the tag is not closed\n" },
		{ "not UTF-8", "ab\xE9 {{name}}",
		  "en.md:1:3: byte 0xE9 is not UTF-8\n" },
		{ "control character", "a\n\033[2J",
		  "en.md:2:1: control character U+001B\n" },
		{ "a lone carriage return", "a\rb",
		  "en.md:1:2: control character U+000D\n" },
		{ "a slot of its own", "ab " S1,
		  "en.md:1:4: private character U+F0000\n" },
		{ "all at once", "{{x\n{{name}}{{/a}}\n{{#b}}{{day|d}}",
		  "en.md:1:1: the tag is not closed\n"
		  "en.md:2:9: {{/a}} closes no section\n"
		  "en.md:3:7: no filter is called \"d\"\n"
		  "en.md:3:1: the section \"b\" is not closed\n" },
	};

	(void)state;
	run_rows(rows, CH_COUNT(rows));
}

static void shapes(void **state)
{
	static const char text[] =
		"Dear {{name}},\n{{#empty}}\nno {{other}}\n{{/empty}}\n"
		"{{^empty}}\n{{other}} {{name}}\nlast\n{{/empty}}\n";
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_template) tpl = NULL;
	CH_AUTO(ch_filled) filled = { 0 };
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);

	(void)state;
	assert_int_equal(parse(text, &tpl, &problems), 0);
	ch_filled_init(&filled, tpl);
	assert_int_equal(fill(tpl, &filled, &problems), 0);
	assert_int_equal(ch_template_slots(tpl), 4);
	assert_string_equal(filled.open, "-0-"); /* name empty other */
	ch_template_shape(tpl, &filled, &out);
	assert_string_equal(ch_str_cstr(&out),
			    "Dear " S1 ",\n\xF3\xB0\x80\x82 \xF3\xB0\x80\x83"
			    "\nlast\n");
	assert_int_equal(filled.slots[0].len, 6);
	assert_int_equal(filled.slots[1].len, 0);
	assert_memory_equal(filled.slots[2].data, "B", 1);
	/* A line of the shape is found again in the file. */
	assert_int_equal(ch_template_origin(tpl, &filled, 1).line, 1);
	assert_int_equal(ch_template_origin(tpl, &filled, 2).line, 6);
	assert_int_equal(ch_template_origin(tpl, &filled, 3).line, 7);
	assert_int_equal(ch_template_origin(tpl, &filled, 9).line, 0);
}

static void isolates(void **state)
{
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_template) tpl = NULL;
	CH_AUTO(ch_filled) filled = { 0 };
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);

	(void)state;
	assert_int_equal(parse("a {{name}}", &tpl, &problems), 0);
	ch_filled_init(&filled, tpl);
	assert_int_equal(fill(tpl, &filled, &problems), 0);
	ch_template_text(tpl, &filled, true, &out);
	assert_string_equal(ch_str_cstr(&out), "a " FSI "France" PDI);
}

static void dates(void **state)
{
	static const struct {
		const char *language, *iso, *expected;
	} rows[] = {
		{ "en", "2002-12-07", "7 December 2002" },
		{ "fr", "2002-12-07", "7 décembre 2002" },
		{ "fr", "2002-12-01", "1er décembre 2002" },
		{ "fr", "2002-12-11", "11 décembre 2002" },
		{ "fr", "2027-08-21", "21 août 2027" },
		{ "es", "2002-12-07", "7 de diciembre de 2002" },
		{ "es", "2027-01-01", "1 de enero de 2027" },
		{ "ru", "2002-12-07", "7 декабря 2002 года" },
		{ "ru", "2027-05-09", "9 мая 2027 года" },
		{ "zh", "2002-12-07", "2002年12月7日" },
		{ "zh", "2027-01-31", "2027年1月31日" },
		{ "ar", "2002-12-07", "7 كانون الأول/ديسمبر 2002" },
		{ "ar", "2027-06-30", "30 حزيران/يونيه 2027" },
		{ "en", "2028-02-29", "29 February 2028" },
		{ "en", "2027-02-29", NULL },
		{ "en", "1900-02-29", NULL },
		{ "en", "2000-02-29", "29 February 2000" },
		{ "en", "2026-13-01", NULL },
		{ "en", "2026-00-01", NULL },
		{ "en", "2026-04-31", NULL },
		{ "en", "2026-4-3", NULL },
		{ "en", "0000-01-01", NULL },
		{ "en", "2026-12-07 ", NULL },
		{ "en", "07/12/2026", NULL },
		{ "de", "2026-12-07", NULL },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(200);
		struct ch_error err;
		int rc = ch_date_words(ch_slice_of(rows[i].iso),
				       rows[i].language, &out, &err);

		assert_int_equal(rc, rows[i].expected ? 0 : -1);
		assert_string_equal(ch_str_cstr(&out),
				    rows[i].expected ? rows[i].expected : "");
	}
}

static void months(void **state)
{
	static const struct {
		const char *language, *names[12];
	} rows[] = {
		{ "en", { "January", "February", "March", "April", "May",
			  "June", "July", "August", "September", "October",
			  "November", "December" } },
		{ "fr", { "janvier", "février", "mars", "avril", "mai", "juin",
			  "juillet", "août", "septembre", "octobre",
			  "novembre", "décembre" } },
		{ "es", { "de enero de", "de febrero de", "de marzo de",
			  "de abril de", "de mayo de", "de junio de",
			  "de julio de", "de agosto de", "de septiembre de",
			  "de octubre de", "de noviembre de",
			  "de diciembre de" } },
		{ "ru", { "января", "февраля", "марта", "апреля", "мая",
			  "июня", "июля", "августа", "сентября", "октября",
			  "ноября", "декабря" } },
		{ "ar", { "كانون الثاني/يناير", "شباط/فبراير", "آذار/مارس",
			  "نيسان/أبريل", "أيار/مايو", "حزيران/يونيه",
			  "تموز/يوليه", "آب/أغسطس", "أيلول/سبتمبر",
			  "تشرين الأول/أكتوبر", "تشرين الثاني/نوفمبر",
			  "كانون الأول/ديسمبر" } },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		for (int m = 1; m <= 12; m++) {
			CH_AUTO(ch_str) out = CH_STR_INIT(200);
			char iso[16];
			char expected[120];
			struct ch_error err;

			snprintf(iso, sizeof(iso), "2026-%02d-05", m);
			snprintf(expected, sizeof(expected), "5 %s 2026%s",
				 rows[i].names[m - 1],
				 strcmp(rows[i].language, "ru") == 0 ? " года"
								     : "");
			assert_int_equal(ch_date_words(ch_slice_of(iso),
						       rows[i].language, &out,
						       &err), 0);
			assert_string_equal(ch_str_cstr(&out), expected);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constructs), cmocka_unit_test(faults),
		cmocka_unit_test(shapes),     cmocka_unit_test(isolates),
		cmocka_unit_test(dates),      cmocka_unit_test(months),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
