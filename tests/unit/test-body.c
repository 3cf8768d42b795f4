// SPDX-License-Identifier: GPL-3.0-or-later
/* test-body.c - Markdown to flowed text and HTML, byte for byte.
 *
 * In the rows, "{0}" to "{9}" in the Markdown are slots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/mem.h"
#include "letter/body.h"

#define FSI "\u2068"
#define PDI "\u2069"
#define P "<p style=\"margin:0 0 1em 0\">"
#define MARGIN "margin:0 0 1em 0"
#define CELL(tag, align)                                                  \
	"<" tag " style=\"padding:0.3em 0.8em 0.3em 0;vertical-align:top;" \
	"border-bottom:1px solid;text-align:" align "\">"
#define CELL_AR(tag, align)                                               \
	"<" tag " style=\"padding:0.3em 0 0.3em 0.8em;vertical-align:top;" \
	"border-bottom:1px solid;text-align:" align "\">"
#define VALUES 4

static void add_slots(const char *text, struct ch_str *out)
{
	for (; *text; text++) {
		if (text[0] == '{' && text[1] >= '0' && text[1] <= '9' &&
		    text[2] == '}') {
			ch_str_add_utf8(out, CH_BODY_SLOT +
						     (unsigned)(text[1] - '0'));
			text += 2;
		} else {
			ch_str_add_char(out, *text);
		}
	}
}

struct row {
	const char *name, *language, *markdown;
	const char *values[VALUES];
	const char *out;
};

static int compile(const char *markdown, const char *language,
		   struct ch_body **ret, struct ch_error *err)
{
	CH_AUTO(ch_str) source = CH_STR_INIT(100000);

	add_slots(markdown, &source);
	return ch_body_compile((struct ch_slice){ ch_str_cstr(&source),
						  source.len },
			       language, VALUES, ret, err);
}

static void check_row(const struct row *row, bool html)
{
	CH_AUTOPTR(ch_body) body = NULL;
	CH_AUTO(ch_str) out = CH_STR_INIT(100000);
	struct ch_slice values[VALUES];
	struct ch_error err;
	bool delsp = false;

	for (size_t i = 0; i < VALUES; i++)
		values[i] = ch_slice_of(row->values[i]);
	if (compile(row->markdown, row->language, &body, &err) < 0)
		fail_msg("%s: %s", row->name, err.text);
	if (html)
		ch_body_html(body, values, NULL, &out);
	else
		ch_body_text(body, values, &out, &delsp);
	if (strcmp(ch_str_cstr(&out), row->out) != 0)
		fail_msg("%s:\n%s--- expected:\n%s---", row->name,
			 ch_str_cstr(&out), row->out);
	assert_int_equal(delsp,
			 !html && strcmp(row->language, "zh") == 0);
}

static const struct row text_rows[] = {
	{ "marks of the page leave nothing", "en",
	  "<!-- page: subject -->\nOne\n<!-- page: body -->\n\nTwo\n"
	  "<!-- a remark -->\n", { 0 }, "One\n\nTwo\n" },
	{ "a table", "en",
	  "Before\n\n| State | Seats |\n|---|--:|\n| {0} | **4** |\n"
	  "Kenya | `a|b` | no third\n| one |\n\nAfter\n",
	  { "x | y" },
	  "Before\n\n   State | Seats\n   x | y | 4\n   Kenya | a|b\n"
	  "   one |\n\n"
	  "After\n" },
	{ "no tables", "en",
	  "a | b\n--- | - | -\n\nc | d\\\n--- | ---\n\ne\n: -- | -x\n",
	  { 0 },
	  "a | b --- | - | -\n\nc | d\n--- | ---\n\ne : -- | -x\n" },
	{ "empty", "en", "", { 0 }, "" },
	{ "one line", "en", "Excellency,\n", { 0 }, "Excellency,\n" },
	{ "paragraphs", "en", "One\n\nTwo\n", { 0 }, "One\n\nTwo\n" },
	{ "soft line ends are spaces", "en", "One\ntwo\n", { 0 },
	  "One two\n" },
	{ "hard line ends stay", "en", "One\\\ntwo  \nthree\n", { 0 },
	  "One\ntwo\nthree\n" },
	{ "no marks", "en", "# Head\n\n**Bold** and *slanted* `code`\n", { 0 },
	  "Head\n====\n\nBold and slanted code\n" },
	{ "headings", "en", "## Head {0}\n\n# {0}\n\n### c\n\n- # d\n", { "b" },
	  "Head b\n------\n\nb\n===\n\nc\n\n  - d\n" },
	{ "a long heading", "en",
	  "# aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg hhh\n", { 0 },
	  "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg \nhhh\n"
	  "======================================================="
	  "===============\n" },
	{ "a heading in Chinese", "zh", "# \u9644\u4EF6\n", { 0 },
	  "\u9644\u4EF6\n====\n" },
	{ "entities of controls", "en", "a&#127;b&#x85;c&#x2028;d&#27;e\n",
	  { 0 }, "a\uFFFDb\uFFFDc\uFFFDd\uFFFDe\n" },
	{ "a heading in Arabic", "ar", "# \u0628\n", { 0 }, "\u0628\n" },
	{ "72 cells", "en",
	  "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg hh iii\n",
	  { 0 },
	  "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg hh \niii\n" },
	{ "73 cells", "en",
	  "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg hhh\n",
	  { 0 },
	  "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg \nhhh\n" },
	{ "cells, not bytes", "fr",
	  "\u00E9\u00E9\u00E9\u00E9\u00E9\u00E9\u00E9\u00E9\u00E9 bbbbbbbbb "
	  "ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg hh iii\n",
	  { 0 },
	  "\u00E9\u00E9\u00E9\u00E9\u00E9\u00E9\u00E9\u00E9\u00E9 bbbbbbbbb "
	  "ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg hh \niii\n" },
	{ "a word in pieces stays whole", "en",
	  "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg ({0}**x**)\n",
	  { "h" },
	  "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg \n(hx)\n" },
	{ "a no-break space does not break", "fr",
	  "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg h\u00A0:\n",
	  { 0 },
	  "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg \nh\u00A0:\n" },
	{ "a word longer than a line", "en",
	  "a "
	  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	  "bbbbb c\n",
	  { 0 },
	  "a \n"
	  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	  "bbbbb \nc\n" },
	{ "stuffing", "en", "\\> a\n\nFrom here\n\nFromage\n", { 0 },
	  " > a\n\n From here\n\nFromage\n" },
	{ "stuffing behind a soft break", "en",
	  "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg h From i\n",
	  { 0 },
	  "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg h \n From i\n" },
	{ "no line is a signature's", "en",
	  "\\-- "
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  " b\n",
	  { 0 },
	  "-- "
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  " \nb\n" },
	{ "signature by hand", "en", "a\\\n--\\\nb\n", { 0 }, "a\n--\nb\n" },
	{ "values", "en", "Dear {0}, of {1}.\n",
	  { "**Mr.** <b>{{x}}</b> Okello", "Chad" },
	  "Dear **Mr.** <b>{{x}}</b> Okello, of Chad.\n" },
	{ "line ends in a value", "en", "{0}\n",
	  { "One \r\nFrom two\r  three\n\nfour" },
	  "One\n From two\nthree\n\nfour\n" },
	{ "long value is broken", "en", "aaaaaaaaa bbbbbbbbb {0}\n",
	  { "ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg hhhhhhhhh" },
	  "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg \nhhhhhhhhh\n" },
	{ "controls in a value", "en", "{0}\n", { "a\x1B[2J\tb\xFF" "c\xC2\x85" },
	  "a\uFFFD[2J b\uFFFD" "c\uFFFD\n" },
	{ "empty value leaves no gap", "en", "a\n\n{0}\n\nb\n", { "" },
	  "a\n\nb\n" },
	{ "tight list", "en", "Agenda:\n\n1. One\n2. Two\n\nEnd\n", { 0 },
	  "Agenda:\n\n  1. One\n  2. Two\n\nEnd\n" },
	{ "a list's lines keep their indent", "en",
	  "- aaaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg hhh\n",
	  { 0 },
	  "  - aaaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff\n"
	  "    ggggggggg hhh\n" },
	{ "numbers are aligned", "en", "9) a\n10) b\n", { 0 },
	  "   9) a\n  10) b\n" },
	{ "loose and nested", "en", "- a\n\n  b\n- c\n  1. d\n  2. e\n", { 0 },
	  "  - a\n\n    b\n\n  - c\n\n    1. d\n    2. e\n" },
	{ "tight and nested", "en", "- a\n  - b\n- c\n\nd\n", { 0 },
	  "  - a\n    - b\n  - c\n\nd\n" },
	{ "empty item, list in an item", "en", "- \n- - a\n", { 0 },
	  "  -\n  - - a\n" },
	{ "quote and code", "en", "> a\n> b\n\n    c  d\n    e\n", { 0 },
	  "     a b\n\n     c  d\n     e\n" },
	{ "code keeps its slots, tabs, line ends", "en",
	  "```\r\n{0}\tb \r\n  c\r```\r\nd\n", { "x  y" },
	  "     x  y    b\n       c\n\nd\n" },
	{ "a rule", "en", "a\n\n***\n\nb\n", { 0 },
	  "a\n\n--------------------\n\nb\n" },
	{ "links", "en",
	  "See [the site](https://lamp.example/a?b=c%20d), "
	  "<https://lamp.example>, "
	  "[me@lamp.example](mailto:me@lamp.example) or [us](mailto:{0}).\n",
	  { "a b@lamp.example" },
	  "See the site <https://lamp.example/a?b=c%20d>, "
	  "https://lamp.example, \n"
	  "me@lamp.example or us <a%20b@lamp.example>.\n" },
	{ "a link that is a value", "en", "[a]({0}) [b]({1}) [c]({2})\n",
	  { "https://lamp.example/?x=1&y=2", "javascript:alert(1)",
	    "mailto:me@lamp.example" },
	  "a <https://lamp.example/?x=1&y=2> b c <me@lamp.example>\n" },
	{ "HTML and images", "en", "a <b>c</b> ![d](https://x.example/y.png)\n"
	  "\n<p>gone</p>\n\ne\n", { 0 },
	  "a c d\n\ne\n" },
	{ "an entity makes no slot", "en", "a&#983049;b &amp; c\n", { 0 },
	  "a\uFFFDb & c\n" },
	/* 36 ideographs fill a line; the 37th goes on with DelSp. */
	{ "Chinese breaks between ideographs", "zh",
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E8C\u4E09\n",
	  { 0 },
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E8C \n\u4E09\n" },
	{ "no closing mark begins a line", "zh",
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E8C\u3002\u4E09\n",
	  { 0 },
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00 \n\u4E8C\u3002\u4E09\n" },
	{ "no opening mark ends one, also of a value", "zh",
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\uFF08{0}\uFF09\n",
	  { "\u7532" },
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00 \n\uFF08\u7532\uFF09\n" },
	{ "a number stays with its counter; the value's end may break", "zh",
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00{0}\u4E09\n",
	  { "12\u670815\u65E5" },
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00\u4E00"
	  "\u4E00\u4E00\u4E0012\u6708 \n15\u65E5\u4E09\n" },
	{ "Chinese source lines join without a space", "zh",
	  "\u4E00\n\u4E8C\nab\ncd\n", { 0 }, "\u4E00\u4E8Cab cd\n" },
	{ "a space where Chinese breaks is doubled", "zh",
	  "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg hh iii\n",
	  { 0 },
	  "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	  "ggggggggg hh  \niii\n" },
	{ "values in Arabic are isolated line by line", "ar",
	  "\u0633\u0644\u0627\u0645 {0}\u060C\n", { "Okello\n(Chad)" },
	  "\u0633\u0644\u0627\u0645 " FSI "Okello" PDI "\n" FSI "(Chad)" PDI
	  "\u060C\n" },
	{ "a value cannot end its isolate", "ar", "{0}\n",
	  { "a" PDI "b" FSI "c" },
	  FSI "ab" FSI "c" PDI PDI "\n" },
	{ "right-to-left values are isolated elsewhere too", "en",
	  "Dear {0}, {1}\n", { "\u0645\u0639\u0627\u0644\u064A", "b" },
	  "Dear " FSI "\u0645\u0639\u0627\u0644\u064A" PDI ", b\n" },
};

static void text_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < CH_COUNT(text_rows); i++)
		check_row(&text_rows[i], false);
}

static const struct row html_rows[] = {
	{ "a table", "en", "- a\n\n  A | B | C\n  :-- | :-: | --:\n  {0} | *b*\n",
	  { "<i>" },
	  "<ul style=\"" MARGIN ";padding:0 0 0 2em\">\n"
	  "<li style=\"margin:0 0 0.4em 0\">" P "a</p>\n"
	  "<table style=\"" MARGIN ";border-collapse:collapse\">\n<tr>\n"
	  CELL("th", "start") "A</th>\n" CELL("th", "center") "B</th>\n"
	  CELL("th", "right") "C</th>\n</tr>\n<tr>\n"
	  CELL("td", "start") "&lt;i&gt;</td>\n"
	  CELL("td", "center") "<em>b</em></td>\n"
	  CELL("td", "right") "</td>\n</tr>\n</table>\n</li>\n</ul>\n" },
	{ "paragraph", "en", "One & <two>\nthree\\\nfour\n", { 0 },
	  P "One &amp; \nthree<br>\nfour</p>\n" },
	{ "values are escaped", "en", "Dear *{0}*\n",
	  { "<script>\"'&\n\x01" },
	  P "Dear <em>&lt;script&gt;&quot;&#39;&amp;<br>\n\uFFFD</em></p>\n" },
	{ "strong", "ru", "**a**\n", { 0 }, P "<strong>a</strong></p>\n" },
	{ "no italics in Chinese", "zh", "*\u7532*\n", { 0 },
	  P "<em style=\"font-style:normal;font-weight:bold\">\u7532</em>"
	    "</p>\n" },
	{ "no italics in Arabic", "ar", "*\u0628*\n", { 0 },
	  P "<em style=\"font-style:normal;font-weight:bold\">\u0628</em>"
	    "</p>\n" },
	{ "heading", "en", "## a\n", { 0 },
	  "<h2 style=\"font-size:1.15em;line-height:1.3;"
	  "margin:0 0 0.8em 0\">a</h2>\n" },
	{ "list", "en", "3. a\n4. b\n", { 0 },
	  "<ol start=\"3\" style=\"margin:0 0 1em 0;padding:0 0 0 2em\">\n"
	  "<li style=\"margin:0 0 0.4em 0\">a</li>\n"
	  "<li style=\"margin:0 0 0.4em 0\">b</li>\n</ol>\n" },
	{ "table in Arabic: the room between columns mirrored, numbers not",
	  "ar", "\u0628 | \u062C\n---|--:\n{0} | 7\n", { "d" },
	  "<table style=\"" MARGIN ";border-collapse:collapse\">\n<tr>\n"
	  CELL_AR("th", "start") "\u0628</th>\n"
	  CELL_AR("th", "right") "\u062C</th>\n</tr>\n<tr>\n"
	  CELL_AR("td", "start") FSI "d" PDI "</td>\n"
	  CELL_AR("td", "right") "7</td>\n</tr>\n</table>\n" },
	{ "list in Arabic", "ar", "- \u0628\n", { 0 },
	  "<ul style=\"margin:0 0 1em 0;padding:0 2em 0 0\">\n"
	  "<li style=\"margin:0 0 0.4em 0\">\u0628</li>\n</ul>\n" },
	{ "link", "en", "[a](https://lamp.example/?x=\"&y=\u00E9)\n", { 0 },
	  P "<a href=\"https://lamp.example/?x=%22&amp;y=%C3%A9\" "
	    "style=\"color:inherit\">a</a></p>\n" },
	{ "slot in a link", "en", "[a](https://lamp.example/{0}/x)\n",
	  { "../\"><script>&?#\u00E9" },
	  P "<a href=\"https://lamp.example/..%2F%22%3E%3Cscript%3E%26%3F%23"
	    "%C3%A9/x\" style=\"color:inherit\">a</a></p>\n" },
	{ "a link that is a value", "en", "[a]({0}) [b]({1}) [c]({2}x)\n",
	  { "https://lamp.example/?x=1&y=\"", "javascript:alert(1)",
	    "http://lamp.example/" },
	  P "<a href=\"https://lamp.example/?x=1&amp;y=%22\" "
	    "style=\"color:inherit\">a</a> b c</p>\n" },
	{ "mail address", "ar", "<me@lamp.example>\n", { 0 },
	  P "<a href=\"mailto:me@lamp.example\" dir=\"ltr\" "
	    "style=\"color:inherit\">me@lamp.example</a></p>\n" },
	{ "HTML and images", "en",
	  "a <b onclick=\"x\">c</b> ![d](https://x.example/y.png)\n\n"
	  "<script>x</script>\n\ne\n",
	  { 0 }, P "a c d</p>\n" P "e</p>\n" },
	{ "isolates", "ar", "{0}\n", { "a<" },
	  P FSI "a&lt;" PDI "</p>\n" },
	{ "code", "en", "    a <{0}>\n    b\n", { "&" },
	  "<pre style=\"margin:0 0 1em 0;white-space:pre-wrap\">"
	  "a &lt;&amp;&gt;\nb\n</pre>\n" },
};

static void html_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < CH_COUNT(html_rows); i++)
		check_row(&html_rows[i], true);
}

static void whole_document(void **state)
{
	CH_AUTOPTR(ch_body) body = NULL;
	CH_AUTO(ch_str) out = CH_STR_INIT(100000);
	struct ch_body_frame frame = {
		.title = ch_slice_of("A <title> & more")
	};
	struct ch_error err;

	(void)state;
	assert_int_equal(compile("\u0628\n", "ar", &body, &err), 0);
	ch_body_html(body, NULL, &frame, &out);
	assert_string_equal(ch_str_cstr(&out),
		"<!DOCTYPE html>\n<html lang=\"ar\" dir=\"rtl\">\n<head>\n"
		"<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n"
		"<title>A &lt;title&gt; &amp; more</title>\n"
		"<style>:root{color-scheme:light dark;"
		"supported-color-schemes:light dark}</style>\n</head>\n"
		"<body lang=\"ar\" dir=\"rtl\" style=\"margin:0\">\n"
		"<table role=\"presentation\" width=\"100%\" "
		"cellpadding=\"0\" cellspacing=\"0\" border=\"0\">"
		"<tr><td align=\"center\">\n"
		"<table role=\"presentation\" width=\"640\" "
		"cellpadding=\"0\" cellspacing=\"0\" border=\"0\" "
		"style=\"width:100%;max-width:640px\">\n"
		"<tr><td lang=\"ar\" dir=\"rtl\" align=\"right\" "
		"style=\"padding:24px 16px;text-align:right;"
		"font:18px/1.7 'Noto Naskh Arabic','Traditional Arabic',"
		"'Times New Roman',serif\">\n"
		P "\u0628</p>\n"
		"</td></tr></table>\n</td></tr></table>\n</body>\n</html>\n");
}

#define CELL_LTR(language, fonts)                                            \
	"<tr><td lang=\"" language "\" dir=\"ltr\" align=\"left\" "            \
	"style=\"padding:24px 16px;text-align:left;font:" fonts "\">\n"

/* A picture above, and the letter in another language below: each in a cell of
 * its own direction. */
static void a_frame_with_everything(void **state)
{
	CH_AUTOPTR(ch_body) body = NULL;
	CH_AUTOPTR(ch_body) second = NULL;
	CH_AUTO(ch_str) out = CH_STR_INIT(100000);
	struct ch_slice value = ch_slice_of("b & c");
	struct ch_body_frame frame = {
		.logo = { ch_slice_of("cid:a@b.example"),
			  ch_slice_of("The \"Committee\""), 120, 40 },
		.second_values = &value,
		.second_label = ch_slice_of("Courtesy <translation>"),
	};
	struct ch_error err;
	const char *cell;

	(void)state;
	assert_int_equal(compile("\u0628\n", "ar", &body, &err), 0);
	assert_int_equal(compile("a \U000F0000\n", "en", &second, &err), 0);
	frame.second = second;
	ch_body_html(body, NULL, &frame, &out);
	cell = strstr(ch_str_cstr(&out), "<tr><td lang=\"ar\" dir=\"rtl\"");
	assert_non_null(cell);
	assert_string_equal(strchr(cell, '\n') + 1,
		P "<img src=\"cid:a@b.example\" width=\"120\" height=\"40\" "
		"alt=\"The &quot;Committee&quot;\" style=\"border:0;"
		"width:120px;max-width:100%;height:auto;background:#ffffff\">"
		"</p>\n"
		P "\u0628</p>\n"
		"</td></tr>\n"
		CELL_LTR("en", "16px/1.5 Georgia,'Times New Roman',serif")
		"<hr style=\"border:0;border-top:1px solid;margin:0 0 1em 0\">"
		"\n"
		P "<strong>Courtesy &lt;translation&gt;</strong></p>\n"
		P "a b &amp; c</p>\n"
		"</td></tr></table>\n</td></tr></table>\n</body>\n</html>\n");
}

#define WORDS10 "aaaa aaaa aaaa aaaa aaaa aaaa aaaa aaaa aaaa aaaa "

/* One part of text has one DelSp: below Chinese, each soft break of another
 * language has a space more; Chinese below another keeps its own. */
static void text_among(void **state)
{
	CH_AUTOPTR(ch_body) body = NULL;
	CH_AUTO(ch_str) out = CH_STR_INIT(100000);
	struct ch_slice value = ch_slice_of("b");
	struct ch_error err;

	(void)state;
	assert_int_equal(compile(WORDS10 "aaaa aaaa aaaa aaaa aaaa end\n\n"
				 "\U000F0000 " WORDS10 "aaaa aaaa aaaa aaaa "
				 "aaaa end\n",
				 "en", &body, &err), 0);
	ch_body_text_divider(ch_slice_of("Courtesy translation"), &out);
	ch_body_text_among(body, &value, true, &out);
	assert_string_equal(ch_str_cstr(&out),
		"\n--------------------\n\nCourtesy translation\n\n"
		WORDS10 "aaaa aaaa aaaa aaaa  \naaaa end\n\n"
		"b " WORDS10 "aaaa aaaa aaaa aaaa  \naaaa end\n");
	ch_str_clear(&out);
	ch_body_text_among(body, &value, false, &out);
	assert_string_equal(ch_str_cstr(&out),
		WORDS10 "aaaa aaaa aaaa aaaa \naaaa end\n\n"
		"b " WORDS10 "aaaa aaaa aaaa aaaa \naaaa end\n");
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *markdown, *language, *reason;
	} rows[] = {
		{ "a\n\n[b](http://lamp.example)\n", "en",
		  "line 3: a link to \"http://lamp.example\"; only https:// "
		  "and mailto: may be linked" },
		{ "[b](javascript:alert(1))\n", "en",
		  "line 1: a link to \"javascript:alert(1)\"; only https:// "
		  "and mailto: may be linked" },
		{ "a\n<!-- page: adressee -->\n", "en",
		  "line 2: \"adressee\" is no part of a page; they are "
		  "letterhead, reference, date, addressee, subject, "
		  "salutation, body, signature, annexes, copies" },
		{ "a\nb\x07\n", "en", "line 2: control character U+0007" },
		{ "a\nb\u2028\n", "en", "line 2: control character U+2028" },
		{ "a\n\xFF\n", "en", "line 2: byte 0xFF is not UTF-8" },
		{ "a\n\U000F0004\n", "en",
		  "line 2: U+F0004 is a private character" },
		{ "> > > > > > > > > > > > > > > > > a\n", "en",
		  "line 1: lists or quotes nested more than 16 deep" },
		{ "a\n", "e\"n", "\"e\"n\" is not a language" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_body *body = NULL;
		struct ch_error err;

		if (compile(rows[i].markdown, rows[i].language, &body,
			    &err) == 0)
			fail_msg("taken: %s", rows[i].markdown);
		assert_string_equal(err.text, rows[i].reason);
		assert_int_equal(err.fate, CH_GIVE_UP);
	}
}

static void output_has_a_largest_size(void **state)
{
	CH_AUTOPTR(ch_body) body = NULL;
	struct ch_slice values[VALUES] = { { "some words of a value", 21 } };
	struct ch_error err;
	bool delsp;

	(void)state;
	assert_int_equal(compile("- {0} {0} {0} {0} {0} {0}\n\n> From\n", "zh",
				 &body, &err), 0);
	for (size_t max = 0; max < 140; max++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(max);

		ch_body_text(body, values, &out, &delsp);
		assert_true(out.full);
		assert_in_range(out.len, 0, max);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_table),
		cmocka_unit_test(html_table),
		cmocka_unit_test(whole_document),
		cmocka_unit_test(a_frame_with_everything),
		cmocka_unit_test(text_among),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(output_has_a_largest_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
