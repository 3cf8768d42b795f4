// SPDX-License-Identifier: GPL-3.0-or-later
/* test-settings.c - a configuration read through its table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/settings.h"

enum colour { RED, GREEN };
static const char *const colours[] = { "red", "green", NULL };

struct inner {
	char *host;
	int64_t port;
};

struct outer {
	bool on;
	int64_t number;
	char *name;
	int64_t wait_ms;
	int64_t size_bytes;
	int colour;
	struct inner group;
	struct ch_setting_list list;
	struct ch_setting_strings words;
	struct ch_setting_map labels;
};

static const struct ch_setting inner_table[] = {
	{ .name = "host", .type = CH_SETTING_STRING,
	  .offset = offsetof(struct inner, host), .min = 1 },
	{ .name = "port", .type = CH_SETTING_INT,
	  .offset = offsetof(struct inner, port), .initial = "25", .min = 1,
	  .max = 65535 },
	{ 0 }
};

static const struct ch_setting group_table[] = {
	{ .name = "host", .type = CH_SETTING_STRING,
	  .offset = offsetof(struct inner, host), .initial = "\"h\"" },
	{ .name = "port", .type = CH_SETTING_INT,
	  .offset = offsetof(struct inner, port), .initial = "7", .min = 1,
	  .max = 65535 },
	{ 0 }
};

static const struct ch_setting table[] = {
	{ .name = "on", .type = CH_SETTING_BOOL,
	  .offset = offsetof(struct outer, on), .initial = "true" },
	{ .name = "number", .type = CH_SETTING_INT,
	  .offset = offsetof(struct outer, number), .initial = "3",
	  .max = 10 },
	{ .name = "name", .type = CH_SETTING_STRING,
	  .offset = offsetof(struct outer, name), .initial = "\"n\"",
	  .max = 8 },
	{ .name = "wait", .type = CH_SETTING_DURATION,
	  .offset = offsetof(struct outer, wait_ms), .initial = "\"30s\"",
	  .min = 1000, .max = 86400000 },
	{ .name = "size", .type = CH_SETTING_SIZE,
	  .offset = offsetof(struct outer, size_bytes),
	  .initial = "\"1MiB\"" },
	{ .name = "colour", .type = CH_SETTING_ENUM,
	  .offset = offsetof(struct outer, colour), .initial = "\"red\"",
	  .names = colours },
	{ .name = "group", .type = CH_SETTING_GROUP,
	  .offset = offsetof(struct outer, group), .members = group_table },
	{ .name = "list", .type = CH_SETTING_LIST,
	  .offset = offsetof(struct outer, list), .initial = "( )",
	  .members = inner_table, .size = sizeof(struct inner), .max = 3 },
	{ .name = "words", .type = CH_SETTING_STRINGS,
	  .offset = offsetof(struct outer, words),
	  .initial = "[ \"a\", \"b\" ]", .max = 3 },
	{ .name = "labels", .type = CH_SETTING_MAP,
	  .offset = offsetof(struct outer, labels), .initial = "{ }" },
	{ 0 }
};

static void an_empty_file_gives_the_defaults(void **state)
{
	CH_AUTO(ch_problems) problems = { 0 };
	struct outer o = { 0 };

	(void)state;
	assert_int_equal(ch_settings_parse("", 0, "c", table, &o, &problems),
			 0);
	assert_true(o.on);
	assert_int_equal(o.number, 3);
	assert_string_equal(o.name, "n");
	assert_int_equal(o.wait_ms, 30000);
	assert_int_equal(o.size_bytes, 1048576);
	assert_int_equal(o.colour, RED);
	assert_string_equal(o.group.host, "h");
	assert_int_equal(o.group.port, 7);
	assert_int_equal(o.list.len, 0);
	assert_int_equal(o.words.len, 2);
	ch_settings_release(table, &o);
}

static void everything_can_be_set(void **state)
{
	static const char text[] =
		"on = false; number = 10; name = \"long one\";\n"
		"wait = \"1h30m\"; size = \"2KiB1\"; colour = \"green\";\n"
		"group: { port = 9; };\n"
		"list: ( { host = \"x\"; }, { host = \"y\"; port = 1; } );\n"
		"words = [ \"z\" ];\n"
		"labels: { fr = \"Objet\"; ru = \"Тема\"; };\n";
	CH_AUTO(ch_problems) problems = { 0 };
	struct outer o = { 0 };
	struct inner *list;

	(void)state;
	assert_int_equal(ch_settings_parse(text, sizeof(text) - 1, "c", table,
					   &o, &problems), 0);
	assert_false(o.on);
	assert_int_equal(o.number, 10);
	assert_string_equal(o.name, "long one");
	assert_int_equal(o.wait_ms, 5400000);
	assert_int_equal(o.size_bytes, 2049);
	assert_int_equal(o.colour, GREEN);
	assert_string_equal(o.group.host, "h");
	assert_int_equal(o.group.port, 9);
	assert_int_equal(o.list.len, 2);
	list = o.list.items;
	assert_string_equal(list[0].host, "x");
	assert_int_equal(list[0].port, 25);
	assert_int_equal(list[1].port, 1);
	assert_int_equal(o.words.len, 1);
	assert_int_equal(o.labels.len, 2);
	assert_string_equal(o.labels.items[1].name, "ru");
	assert_string_equal(o.labels.items[1].value, "Тема");
	ch_settings_release(table, &o);
}

static void each_mistake_is_named_with_its_line(void **state)
{
	static const struct {
		const char *text;
		const char *expected; /* all problems, a line each */
	} rows[] = {
		{ "\nnumbr = 1;", "c:2: numbr: unknown setting "
				  "[did you mean \"number\"?]\n" },
		{ "zzzzzzz = 1;", "c:1: zzzzzzz: unknown setting []\n" },
		{ "on = 1;", "c:1: on: must be true or false "
			     "[write true or false, without quotes]\n" },
		{ "number = 5.0;",
		  "c:1: number: must be a whole number [write it without "
		  "quotes and without a decimal point]\n" },
		{ "number = 11;",
		  "c:1: number: must be between 0 and 10, is 11 []\n" },
		{ "number = 3000000000;",
		  "c:1: 3000000000 does not fit 32 bits [put an L behind it, "
		  "or use a quoted size or duration]\n" },
		{ "number = 3000000000L;",
		  "c:1: number: must be between 0 and 10, is 3000000000 "
		  "[]\n" },
		{ "wait = 30;", "c:1: wait: must be a duration in quotes, such "
				"as \"90s\" or \"1h30m\" [put it in quotes]\n" },
		{ "wait = \"30x\";", "c:1: wait: \"30x\" is no duration "
				     "[units are ms, s, m, h, d and w]\n" },
		{ "wait = \"2d\";", "c:1: wait: \"2d\" is out of range []\n" },
		{ "wait = \"99999999999999999999d\";",
		  "c:1: wait: \"99999999999999999999d\" is no duration "
		  "[units are ms, s, m, h, d and w]\n" },
		{ "size = \"\";",
		  "c:1: size: \"\" is no size [units are K, M and G]\n" },
		{ "colour = \"blue\";",
		  "c:1: colour: unknown value \"blue\" [one of \"red\", "
		  "\"green\"]\n" },
		{ "name = \"123456789\";",
		  "c:1: name: is longer than 8 bytes []\n" },
		{ "group = 1;", "c:1: group: must be a group: { … } []\n" },
		{ "list: ( { port = 70000; } );",
		  "c:1: list[0].port: must be between 1 and 65535, is 70000 "
		  "[]\n"
		  "c:1: list[0].host: is required and missing []\n" },
		{ "list: ( 1 );", "c:1: list[0]: must be a group: { … } []\n" },
		{ "words = \"a\";",
		  "c:1: words: must be [ \"a\", \"b\" ] []\n" },
		{ "labels: { fr = 1; };",
		  "c:1: labels.fr: must be a string [put it in quotes]\n" },
		{ "on = true;\n/* number = 5;\n",
		  "c:2: unterminated comment [close it with */]\n" },
		{ "name = \"x;\n", "c:1: unterminated string [close it with "
				   "\"]\n" },
		{ "on = true\nnumber = = 4;\n",
		  "c:2: syntax error [look for a missing \";\", quote or "
		  "brace on this or the line before]\n" },
		{ "on = true;\ngroup.flag = 4;\n",
		  "c:2: \"group.flag\" is no name: it has a dot [a group "
		  "stands in braces: group: { flag = …; };]\n" },
		{ "@include \"x\"\n",
		  "c:1: @include is not allowed here []\n" },
		{ "on = 1;\nnumber = 99;\nnam = \"\";\n",
		  "c:1: on: must be true or false [write true or false, "
		  "without quotes]\n"
		  "c:2: number: must be between 0 and 10, is 99 []\n"
		  "c:3: nam: unknown setting [did you mean \"name\"?]\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_problems) problems = { 0 };
		CH_AUTO(ch_str) got = CH_STR_INIT(10000);
		struct outer o = { 0 };
		int result = ch_settings_parse(rows[i].text,
					       strlen(rows[i].text), "c",
					       table, &o, &problems);

		for (size_t j = 0; j < problems.len; j++) {
			ch_problem_format(&problems.items[j], &got);
			ch_str_addf(&got, " [%s]\n", problems.items[j].hint);
		}
		if (result != -1 ||
		    strcmp(ch_str_cstr(&got), rows[i].expected) != 0)
			fail_msg("%s gave %s", rows[i].text,
				 ch_str_cstr(&got));
		ch_settings_release(table, &o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_gives_the_defaults),
		cmocka_unit_test(everything_can_be_set),
		cmocka_unit_test(each_mistake_is_named_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
