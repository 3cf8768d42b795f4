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
#include "letter/template.h"

#define S1 "\xF3\xB0\x80\x80" /* U+F0000, the first slot */
#define S2 "\xF3\xB0\x80\x81"
#define S3 "\xF3\xB0\x80\x82"
#define S4 "\xF3\xB0\x80\x83"
#define S5 "\xF3\xB0\x80\x84"
#define S6 "\xF3\xB0\x80\x85"
#define S7 "\xF3\xB0\x80\x86"
#define S8 "\xF3\xB0\x80\x87"
#define FSI "\xE2\x81\xA8"
#define PDI "\xE2\x81\xA9"

/* The partials of these tests. */
static const struct {
	const char *name, *text;
} partials[] = {
	{ "closing", "Yours,\n{{name}}\n" },
	{ "loop", "a {{> loop}}" },
	{ "ping", "{{> pong}}" },
	{ "pong", "{{> ping}}" },
	{ "half", "{{#name}}half" },
	{ "deep", "x\n  {{> closing}}\n" },
	{ "word", "word" },
	{ "bad", "one\n  {{oops" },
	{ "frame", "[{{$body}}{{name}}{{/body}}]\n{{$end}}\nEnd\n{{/end}}\n" },
	{ "line2", "<{{.}}>" },
	{ "row", "{{post}} {{name}}\n" },
	{ "p1", "{{> p2}}" }, { "p2", "{{> p3}}" }, { "p3", "{{> p4}}" },
	{ "p4", "{{> p5}}" }, { "p5", "{{> p6}}" }, { "p6", "{{> p7}}" },
	{ "p7", "{{> p8}}" }, { "p8", "{{> p9}}" }, { "p9", "{{> p10}}" },
	{ "p10", "{{> p11}}" }, { "p11", "{{> p12}}" }, { "p12", "{{> p13}}" },
	{ "p13", "{{> p14}}" }, { "p14", "{{> p15}}" }, { "p15", "{{> p16}}" },
	{ "p16", "{{> p17}}" }, { "p17", "too deep" },
};

static int find(void *context, const char *name,
		struct ch_template_source *ret, struct ch_error *err)
{
	(void)context;
	for (size_t i = 0; i < CH_COUNT(partials); i++) {
		if (strcmp(partials[i].name, name) == 0) {
			*ret = (struct ch_template_source){
				ch_slice_of(partials[i].text),
				partials[i].name, 1, 1
			};
			return 0;
		}
	}
	return ch_error_set(err, CH_GIVE_UP, "no such file");
}

/* What a dynamic name may bring. */
static const char *list(void *context, size_t i)
{
	static const char *const names[] = { "word", "closing", "row", NULL };

	(void)context;
	return names[i];
}

static int parse(const char *text, struct ch_template **ret,
		 struct ch_problems *problems)
{
	static const struct ch_template_partials from = { find, list, NULL };
	static const struct ch_template_options options = {
		.mode = CH_TEMPLATE_STRICT,
		.language = "en",
		.partials = &from,
	};
	struct ch_template_source source = { ch_slice_of(text), "en.md", 1,
					     1 };

	return ch_template_parse(&source, &options, ret, problems);
}

static struct ch_field fields[] = {
	{ (char[]){ "name" }, (char[]){ "France" } },
	{ (char[]){ "other" }, (char[]){ "B" } },
	{ (char[]){ "empty" }, (char[]){ "" } },
	{ (char[]){ "blank" }, (char[]){ " \xC2\xA0\t" } },
	{ (char[]){ "tag" }, (char[]){ "{{name}} *x* <b>" } },
	{ (char[]){ "day" }, (char[]){ "2002-12-07" } },
	{ (char[]){ "noday" }, (char[]){ "7 December" } },
	{ (char[]){ "full name" }, (char[]){ "F" } },
	{ (char[]){ "labels.to" }, (char[]){ "To" } },
	{ (char[]){ "No." }, (char[]){ "7" } },
	{ (char[]){ "one" }, (char[]){ "1" } },
	{ (char[]){ "sum" }, (char[]){ "1234567.5" } },
	{ (char[]){ "kind" }, (char[]){ "word" } },
	{ (char[]){ "nokind" }, (char[]){ "frame" } },
	{ (char[]){ "seats.1.post" }, (char[]){ "Minister" } },
	{ (char[]){ "seats.2.post" }, (char[]){ "Governor" } },
	{ (char[]){ "seats.2.name" }, (char[]){ "Fund" } },
	{ (char[]){ "seats.3.post" }, (char[2]){ "" } },
	{ (char[]){ "words.1" }, (char[]){ "a" } },
	{ (char[]){ "words.2" }, (char[]){ "b" } },
	{ (char[]){ "gap.1" }, (char[]){ "x" } },
	{ (char[]){ "gap.3" }, (char[]){ "z" } },
	{ (char[]){ "post" }, (char[]){ "Office" } },
	{ (char[]){ "post.city" }, (char[]){ "Geneva" } },
	{ (char[]){ "void.a" }, (char[]){ "" } },
};

static int fill(const struct ch_template *tpl, struct ch_filled *filled,
		struct ch_problems *problems)
{
	static const struct ch_template_whose whose = { "FRA", "m.csv", 7 };
	static const struct ch_filter_env env = { .language = "en" };
	const struct ch_fields all = { fields, CH_COUNT(fields),
				       CH_COUNT(fields) };
	struct ch_data roots[16] = { { 0 } };
	int result;

	assert_true(ch_template_roots(tpl) <= CH_COUNT(roots));
	for (size_t i = 0; i < ch_template_roots(tpl); i++)
		ch_data_of_fields(&all, ch_template_root(tpl, i), &roots[i]);
	result = ch_template_fill(tpl, roots, &env, &whose, filled, problems);
	for (size_t i = 0; i < ch_template_roots(tpl); i++)
		ch_data_release(&roots[i]);
	return result;
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
		ch_filled_init(&filled);
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
		{ "a filter's form",
		  "{{day | date:short}} {{day|date: weekday}}",
		  "7 Dec. 2002 Saturday, 7 December 2002" },
		{ "the other filters", "{{sum | number}} {{one | ordinal}} "
		  "{{one | plural: one=annex, other=annexes}} {{name|upper}}",
		  "1,234,567.5 1st annex FRANCE" },
		{ "one filter behind another", "{{day | date:short | upper}}",
		  "7 DEC. 2002" },
		{ "a filter on dot", "{{#day}}{{. | date}}{{/day}}",
		  "7 December 2002" },
		{ "a name that ends with a dot", "{{No.}}", "7" },
		{ "a member", "{{post}} {{post.city}}", "Office Geneva" },
		{ "a section on a field with members",
		  "{{#post}}{{.}} {{city}}{{/post}}", "Office Geneva" },
		{ "members that are all empty", "{{#void}}x{{/void}}"
		  "{{^void}}none{{/void}}", "none" },
		{ "a list", "{{#seats}}{{#post}}- {{.}} ({{name}})\n"
		  "{{/post}}{{/seats}}",
		  "- Minister (France)\n- Governor (Fund)\n" },
		{ "a list of values", "{{#words}}{{.}};{{/words}}", "a;b;" },
		{ "no list", "{{^words}}no{{/words}}{{#none}}no{{/none}}"
		  "{{^none}}yes{{/none}}", "yes" },
		{ "a list alone on lines",
		  "a\n{{#words}}\n- {{.}}\n{{/words}}\nb\n",
		  "a\n- a\n- b\nb\n" },
		{ "numbers with a gap are members", "{{gap.1}}{{gap.3}}",
		  "xz" },
		{ "dot in a partial", "{{#words}}{{> line2}}{{/words}}",
		  "<a><b>" },
		{ "a dynamic name", "{{>*kind}} {{> * kind }}", "word word" },
		{ "a frame",
		  "{{<frame}}{{$body}}Hi {{name}}{{/body}}{{/frame}}",
		  "[Hi France]\nEnd\n" },
		{ "a frame and comments",
		  "{{<frame}}\n  {{! x }}\n  {{$end}}\n  Bye\n  {{/end}}\n"
		  "{{/frame}}\nz", "[France]\nBye\nz" },
		{ "a frame in a list", "{{#words}}{{<frame}}{{$body}}{{.}}"
		  "{{/body}}{{$end}}{{/end}}{{/frame}}{{/words}}",
		  "[a]\n[b]\n" },
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
		{ "an unknown form", "{{day | date:full}} {{day|number:x}}",
		  "en.md:1:1: date has no form \"full\"\n"
		  "en.md:1:21: number has no form \"x\"\n" },
		{ "no filter behind the bar", "{{day |}}",
		  "en.md:1:1: no filter is called \"\"\n" },
		{ "plural without a word", "{{one | plural: one=annex}}",
		  "en.md:1:1: there is no \"other=\" for numbers such as 2 in "
		  "\"en\"\n" },
		{ "plural with no words", "{{one | plural}}{{one|plural: x}}",
		  "en.md:1:1: there is no \"one=\" for numbers such as 1 in "
		  "\"en\"\n"
		  "en.md:1:17: \"x\" is not like \"one=annex\"\n" },
		{ "no number", "{{name | number}}{{name | ordinal}}",
		  "en.md:1:1: name: \"France\" is no number such as 1250 or 0.5"
		  " for FRA (m.csv:7)\n"
		  "en.md:1:18: name: \"France\" is no whole number such as 21 "
		  "for FRA (m.csv:7)\n" },
		{ "a list printed", "{{words}}",
		  "en.md:1:1: words: not one value but several for FRA "
		  "(m.csv:7)\n" },
		{ "empty in a list", "{{#seats}}{{post}}{{/seats}}",
		  "en.md:1:11: post: empty for FRA (m.csv:7)\n" },
		{ "unknown in a list", "{{#words}}{{psot}}{{/words}}",
		  "en.md:1:11: psot: no such field for FRA (m.csv:7)\n"
		  "en.md:1:11: psot: no such field for FRA (m.csv:7)\n" },
		{ "a member that is not there", "{{post.zip}}{{name.x}}",
		  "en.md:1:1: post.zip: no such field for FRA (m.csv:7)\n"
		  "en.md:1:13: name.x: no such field for FRA (m.csv:7)\n" },
		{ "dot with no section around the partial", "{{> line2}}",
		  "line2:1:2: .: no such field for FRA (m.csv:7)\n" },
		{ "a dynamic name that no text has", "{{>*nokind}}{{>*nmae}}",
		  "en.md:1:1: nokind: the letter has no text \"frame\" for FRA "
		  "(m.csv:7)\n"
		  "en.md:1:13: nmae: no such field for FRA (m.csv:7)\n" },
		{ "parent not closed", "{{<frame}}{{$body}}x{{/body}}",
		  "en.md:1:1: the parent \"frame\" is not closed\n" },
		{ "block not closed", "{{<frame}}{{$body}}x{{/frame}}",
		  "en.md:1:11: the block \"body\" is not closed\n" },
		{ "a misspelt end of a block", "{{$body}}\nx\n{{/bdoy}}",
		  "en.md:3:1: {{/bdoy}} where the block \"body\" of line 1 is "
		  "open\n" },
		{ "parent that is not there", "{{<farme}}{{/farme}}",
		  "en.md:1:1: {{< farme}}: no such file\n" },
		{ "text between blocks",
		  "{{<frame}}x {{$body}}y{{/body}}{{/frame}}",
		  "en.md:1:11: what stands between the blocks of {{<...}} is "
		  "not printed\n" },
		{ "tags between blocks",
		  "{{<frame}}{{name}}{{> word}}{{#name}}x{{/name}}{{/frame}}",
		  "en.md:1:11: what stands between the blocks of {{<...}} is "
		  "not printed\n"
		  "en.md:1:19: what stands between the blocks of {{<...}} is "
		  "not printed\n"
		  "en.md:1:29: what stands between the blocks of {{<...}} is "
		  "not printed\n" },
		{ "a block that the frame has not",
		  "{{<frame}}{{$boby}}x{{/boby}}{{$end}}{{/end}}{{$end}}2"
		  "{{/end}}{{/frame}}",
		  "en.md:1:11: {{<frame}} has no block \"boby\", or is "
		  "given it twice\n"
		  "en.md:1:46: {{<frame}} has no block \"end\", or is "
		  "given it twice\n" },
		{ "an empty parent and block", "{{<}}{{$ }}{{>}}",
		  "en.md:1:1: an empty tag\nen.md:1:6: an empty tag\n"
		  "en.md:1:12: an empty tag\n" },
		{ "too many inside one another", "{{> p1}}",
		  "p16:1:1: more than 16 partials inside one another\n" },
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
		  "en.md:1:11: {{/name}} closes no section\n"
		  "half:1:1: the section \"name\" is not closed\n" },
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
	ch_filled_init(&filled);
	assert_int_equal(fill(tpl, &filled, &problems), 0);
	assert_int_equal(filled.slots_len, 3);
	assert_int_equal(filled.trace.len, 2);
	assert_memory_equal(filled.trace.data, "\0\1", 2);
	assert_int_equal(ch_template_shape(tpl, &filled, &out, &problems),
			 0);
	assert_string_equal(ch_str_cstr(&out),
			    "Dear " S1 ",\n" S2 " " S3 "\nlast\n");
	assert_memory_equal(filled.slots[0].data, "France", 6);
	assert_memory_equal(filled.slots[1].data, "B", 1);
	/* A line of the shape is found again in the file. */
	assert_int_equal(ch_template_origin(tpl, &filled, 1).line, 1);
	assert_int_equal(ch_template_origin(tpl, &filled, 2).line, 6);
	assert_int_equal(ch_template_origin(tpl, &filled, 3).line, 7);
	assert_int_equal(ch_template_origin(tpl, &filled, 9).line, 0);
}

/* Lists unfold: a slot for each item, and the shape of two items is another
 * than that of three. */
static void lists_unfold(void **state)
{
	static const char text[] =
		"{{#seats}}\n- {{post}}{{#name}} {{.}}{{/name}}\n{{/seats}}\n"
		"{{#words}}\n{{.}}\n{{/words}}\n{{>*kind}}";
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_template) tpl = NULL;
	CH_AUTO(ch_filled) filled = { 0 };
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);

	(void)state;
	assert_string_equal(fields[17].name, "seats.3.post");
	fields[17].value[0] = 'X'; /* not empty for once */
	assert_int_equal(parse(text, &tpl, &problems), 0);
	ch_filled_init(&filled);
	assert_int_equal(fill(tpl, &filled, &problems), 0);
	fields[17].value[0] = '\0';
	assert_int_equal(ch_template_shape(tpl, &filled, &out, &problems),
			 0);
	assert_int_equal(filled.slots_len, 8);
	assert_string_equal(ch_str_cstr(&out),
			    "- " S1 " " S2 "\n- " S3 " " S4 "\n- " S5 " " S6
			    "\n" S7 "\n" S8 "\nword");
	/* Three seats, each with a name; two words; the first listed text. */
	assert_int_equal(filled.trace.len, 6);
	assert_memory_equal(filled.trace.data, "\3\1\1\1\2\1", 6);
	assert_int_equal(ch_template_origin(tpl, &filled, 3).line, 2);
	assert_int_equal(ch_template_origin(tpl, &filled, 5).line, 5);
	assert_string_equal(ch_template_origin(tpl, &filled, 6).file, "word");
}

/* Without values: everything open once, or closed. */
static void pretends(void **state)
{
	static const char text[] =
		"{{#seats}}{{post}}{{/seats}}{{^seats}}none {{name}}{{/seats}}"
		"{{>*kind}}{{<frame}}{{$body}}{{#a}}{{b}}{{/a}}{{/body}}"
		"{{/frame}}";
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_template) tpl = NULL;
	CH_AUTO(ch_filled) filled = { 0 };
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);

	(void)state;
	assert_int_equal(parse(text, &tpl, &problems), 0);
	ch_filled_init(&filled);
	assert_int_equal(ch_template_pretend(tpl, true, &filled, &problems),
			 0);
	assert_int_equal(ch_template_shape(tpl, &filled, &out, &problems),
			 0);
	assert_string_equal(ch_str_cstr(&out), S1 "[" S2 "]\nEnd\n");
	assert_int_equal(ch_template_pretend(tpl, false, &filled, &problems),
			 0);
	ch_str_clear(&out);
	assert_int_equal(ch_template_shape(tpl, &filled, &out, &problems),
			 0);
	assert_string_equal(ch_str_cstr(&out), "none " S1 "[]\nEnd\n");
}

/* What is the same for all, and empty, is said once for each place, in partials
 * and blocks too, and not where a section stands around. */
static void empty_for_all(void **state)
{
	static const char text[] =
		"{{name}} {{#name}}{{name}}{{/name}}{{#x}}{{name}}{{/x}}\n"
		"{{> closing}}{{> closing}}{{<frame}}{{$end}}{{name}}{{/end}}"
		"{{/frame}}";
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_template) tpl = NULL;
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);

	(void)state;
	assert_int_equal(parse(text, &tpl, &problems), 0);
	assert_string_equal(ch_template_name(tpl, 0), "name");
	ch_template_refuse_empty(tpl, 0, ch_slice_of("x"), NULL, &problems);
	assert_int_equal(problems.len, 0);
	ch_template_refuse_empty(tpl, 0, ch_slice_of(" "), NULL, &problems);
	add_problems(&out, &problems);
	assert_string_equal(ch_str_cstr(&out),
			    "en.md:1:1: name: empty\n"
			    "closing:2:1: name: empty\n"
			    "frame:1:11: name: empty\n"
			    "en.md:2:45: name: empty\n");
}

/* A field that no column has is refused where it stands, but not where a list
 * may have it. */
static void refused(void **state)
{
	static const char text[] =
		"{{post}}{{#seats}}{{post}}{{#name}}{{post}}{{/name}}{{/seats}}"
		"{{#name}}{{post}}{{/name}}{{> row}}";
	static const struct {
		bool group;
		const char *expected;
	} rows[] = {
		{ false, "en.md:1:1: post: no\nen.md:1:19: post: no\n"
			 "en.md:1:36: post: no\nen.md:1:72: post: no\n"
			 "row:1:1: post: no\n" },
		{ true, "en.md:1:1: post: no\nen.md:1:72: post: no\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_problems) problems = { 0 };
		CH_AUTOPTR(ch_template) tpl = NULL;
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);
		bool groups[3] = { false, rows[i].group, false };

		assert_int_equal(parse(text, &tpl, &problems), 0);
		assert_int_equal(ch_template_names(tpl), 3);
		assert_string_equal(ch_template_name(tpl, 1), "seats");
		ch_template_refuse(tpl, 0, groups, NULL, "no", &problems);
		add_problems(&out, &problems);
		assert_string_equal(ch_str_cstr(&out), rows[i].expected);
	}
}

/* Without end: said once, and nothing loops. */
static void nesting_ends(void **state)
{
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_str) text = CH_STR_INIT(100000);
	CH_AUTO(ch_str) out = CH_STR_INIT(100000);
	CH_AUTOPTR(ch_template) tpl = NULL;

	(void)state;
	for (int i = 0; i < 1000; i++)
		ch_str_add(&text, "{{#name}}");
	assert_int_equal(parse(ch_str_cstr(&text), &tpl, &problems), -1);
	add_problems(&out, &problems);
	assert_string_equal(ch_str_cstr(&out),
			    "en.md:1:1801: more than 200 sections inside one "
			    "another\n");
}

/* A list unfolds to no more values than a body can hold. */
static void values_end(void **state)
{
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_str) text = CH_STR_INIT(100000);
	CH_AUTO(ch_str) out = CH_STR_INIT(100000);
	CH_AUTOPTR(ch_template) tpl = NULL;
	CH_AUTO(ch_filled) filled = { 0 };

	(void)state;
	ch_str_add(&text, "{{#words}}");
	for (int i = 0; i < 2049; i++)
		ch_str_add(&text, "{{.}}");
	ch_str_add(&text, "{{/words}}");
	assert_int_equal(parse(ch_str_cstr(&text), &tpl, &problems), 0);
	ch_filled_init(&filled);
	assert_int_equal(fill(tpl, &filled, &problems), -1);
	add_problems(&out, &problems);
	assert_string_equal(ch_str_cstr(&out),
			    "en.md:1:10246: .: more than 4096 values in one "
			    "text for FRA (m.csv:7)\n");
}

/* A short text that a list makes long. */
static void shapes_end(void **state)
{
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_str) text = CH_STR_INIT(1000000);
	CH_AUTO(ch_str) shape = CH_STR_INIT(2000000);
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);
	CH_AUTOPTR(ch_template) tpl = NULL;
	CH_AUTO(ch_filled) filled = { 0 };

	(void)state;
	ch_str_add(&text, "{{#words}}\n");
	for (int i = 0; i < 600; i++)
		ch_str_addf(&text, "%0999d\n", i);
	ch_str_add(&text, "{{/words}}\n");
	assert_int_equal(parse(ch_str_cstr(&text), &tpl, &problems), 0);
	ch_filled_init(&filled);
	assert_int_equal(fill(tpl, &filled, &problems), 0);
	assert_int_equal(ch_template_shape(tpl, &filled, &shape, &problems),
			 -1);
	add_problems(&out, &problems);
	/* 1048 lines of 1000 bytes; the next is too much. */
	assert_string_equal(ch_str_cstr(&out),
			    "en.md:450:1: the text is longer than 1048576 "
			    "bytes\n");
	assert_false(shape.full);
}

static void isolates(void **state)
{
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_template) tpl = NULL;
	CH_AUTO(ch_filled) filled = { 0 };
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);

	(void)state;
	assert_int_equal(parse("a {{name}}", &tpl, &problems), 0);
	ch_filled_init(&filled);
	assert_int_equal(fill(tpl, &filled, &problems), 0);
	ch_template_text(tpl, &filled, true, &out);
	assert_string_equal(ch_str_cstr(&out), "a " FSI "France" PDI);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constructs), cmocka_unit_test(faults),
		cmocka_unit_test(shapes),     cmocka_unit_test(lists_unfold),
		cmocka_unit_test(pretends),   cmocka_unit_test(empty_for_all),
		cmocka_unit_test(refused),    cmocka_unit_test(isolates),
		cmocka_unit_test(nesting_ends), cmocka_unit_test(values_end),
		cmocka_unit_test(shapes_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
