// SPDX-License-Identifier: GPL-3.0-or-later
/* test-cli.c - the parts of chancery(1) that only compute: its command line,
 * what a stream can show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/args.h"
#include "cli/grid.h"
#include "cli/term.h"

static const struct ch_option first[] = {
	{ "json", 0, NULL, false, "One object a line." },
	{ "socket-dir", 0, "DIR", false, "Where." },
	{ 0 },
};
static const struct ch_option second[] = {
	{ "annex", 'a', "FILE", true, "Also this file, which is one of those "
				      "that go with every letter of all." },
	{ "key", 'r', "KEY", false, "Whose." },
	{ "text", 't', NULL, false, "As text." },
	{ 0 },
};

/* "name=value" for options, the word for operands; or the mistake. */
static void show(const struct ch_args *args, struct ch_str *out)
{
	for (size_t i = 0; i < args->len; i++) {
		if (args->items[i].option)
			ch_str_addf(out, "%s=", args->items[i].option->name);
		ch_str_addf(out, "%s;", args->items[i].value);
	}
}

static void test_args(void **state)
{
	static const struct {
		const char *words[8];
		const char *expected;
	} rows[] = {
		{ { "a", "b" }, "a;b;" },
		{ { "a", "--json", "b" }, "a;json=;b;" },
		{ { "--key", "FRA" }, "key=FRA;" },
		{ { "--key=FRA" }, "key=FRA;" },
		{ { "--key=" }, "key=;" },
		{ { "-rFRA" }, "key=FRA;" },
		{ { "-r", "FRA" }, "key=FRA;" },
		{ { "-tr", "FRA" }, "text=;key=FRA;" },
		{ { "-a", "x", "-ay", "--annex=z" },
		  "annex=x;annex=y;annex=z;" },
		{ { "--key", "--json" }, "key=--json;" },
		{ { "--", "--json", "-x" }, "--json;-x;" },
		{ { "-" }, "-;" },
		{ { "--json", "--json" }, "json=;json=;" },
		{ { "--jsn" }, "no option --jsn; did you mean --json?" },
		{ { "--sock" },
		  "no option --sock; did you mean --socket-dir?" },
		{ { "--whatever" }, "no option --whatever" },
		{ { "--whatever=1" }, "no option --whatever" },
		{ { "-x" }, "no option -x" },
		{ { "-tx" }, "no option -x" },
		{ { "--key" }, "--key needs a KEY" },
		{ { "-r" }, "--key needs a KEY" },
		{ { "--json=yes" }, "--json takes no value" },
		{ { "--key", "a", "--key", "b" }, "--key is there twice" },
	};
	const struct ch_option *const tables[] = { first, second, NULL };

	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_args) args = { 0 };
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);
		struct ch_error err;
		char *words[8];
		int count = 0;

		for (; rows[i].words[count]; count++)
			words[count] = ch_xstrdup(rows[i].words[count]);
		if (ch_args_read(&args, count, words, tables, false, &err) < 0)
			ch_str_add(&out, err.text);
		else
			show(&args, &out);
		assert_string_equal(ch_str_cstr(&out), rows[i].expected);
		for (int j = 0; j < count; j++)
			free(words[j]);
	}
}

static void test_operands(void **state)
{
	static char verb[] = "show", key[] = "DM-1/FRA", json[] = "--json";
	char *words[] = { json, verb, json, key };
	const struct ch_option *const tables[] = { first, NULL };
	CH_AUTO(ch_args) args = { 0 };
	struct ch_error err;

	assert_int_equal(ch_args_read(&args, 4, words, tables, true, &err), 2);
	assert_string_equal(ch_args_operand(&args, 0), "show");
	assert_null(ch_args_operand(&args, 1));
	assert_int_equal(ch_args_read(&args, 2, words + 2, tables, true, &err),
			 2);
	assert_int_equal(ch_args_operands(&args), 2);
	assert_string_equal(ch_args_operand(&args, 1), "DM-1/FRA");
	assert_true(ch_args_has(&args, "json"));
	assert_false(ch_args_has(&args, "socket-dir"));
}

static void test_nearest(void **state)
{
	static const char *const verbs[] = { "check", "preview", "status",
					     "show", NULL };
	static const struct {
		const char *word, *expected;
	} rows[] = {
		{ "chek", "check" },	 { "prevew", "preview" },
		{ "stats", "status" },	 { "prev", "preview" },
		{ "frobnicate", NULL },	 { "x", NULL },
		{ "shwo", "show" },	 { "CHECK", NULL },
		{ "tsatus", "status" },	 { "hsow", "show" },
		{ "help", NULL },
	};

	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		const char *nearest = ch_args_nearest(rows[i].word, verbs);

		if (rows[i].expected)
			assert_string_equal(nearest, rows[i].expected);
		else
			assert_null(nearest);
	}
}

static void test_help(void **state)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);

	ch_args_help(second, &out);
	assert_string_equal(
		ch_str_cstr(&out),
		"  -a, --annex FILE      Also this file, which is one of those "
		"that go with\n"
		"                        every letter of all.\n"
		"  -r, --key KEY         Whose.\n"
		"  -t, --text            As text.\n");
}

static void test_text(void **state)
{
	static const struct {
		bool utf8;
		const char *text, *expected;
	} rows[] = {
		{ true, "C\xC3\xB4te", "C\xC3\xB4te" },
		{ false, "C\xC3\xB4te", "C\\u{00F4}te" },
		{ false, "a\xE2\x80\xA6 l\xE2\x80\x99un", "a... l'un" },
		{ true, "\033[2J", "\\x1B[2J" },
		{ false, "\033[2J", "\\x1B[2J" },
		{ true, "\xE2\x80\xAE" "abc", "\\u{202E}abc" },
		{ true, "\xC2\x9B" "2J", "\\u{009B}2J" },
		{ true, "\xFF", "\\xFF" },
		{ false, "\xFF", "\\xFF" },
		{ true, "two\nlines", "two\\x0Alines" },
		{ true, "back\\slash", "back\\\\slash" },
	};

	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_term term = { .utf8 = rows[i].utf8 };
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);

		ch_term_text(&term, &out, rows[i].text);
		assert_string_equal(ch_str_cstr(&out), rows[i].expected);
	}
}

static void test_size(void **state)
{
	static const struct {
		unsigned long long bytes;
		const char *expected;
	} rows[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1048524, "1023.9 KiB" },
		{ 1048575, "1.0 MiB" },
		{ 26214400, "25.0 MiB" },
		{ 18446744073709551615ull, "16777216.0 TiB" },
	};
	char out[CH_TERM_SIZE];

	for (size_t i = 0; i < CH_COUNT(rows); i++)
		assert_string_equal(ch_term_size(rows[i].bytes, out),
				    rows[i].expected);
}

static void test_fit(void **state)
{
	static const struct ch_grid_column columns[] = {
		{ "A", false, 0 }, { "B", false, 4 }, { "C", false, 6 },
	};
	static const struct {
		size_t total;
		size_t widths[3], expected[3];
	} rows[] = {
		{ 0, { 9, 50, 60 }, { 9, 50, 60 } },   /* any line will do */
		{ 80, { 9, 20, 30 }, { 9, 20, 30 } },  /* fits: 63 */
		{ 63, { 9, 20, 30 }, { 9, 20, 30 } },
		{ 62, { 9, 20, 30 }, { 9, 20, 29 } },  /* the widest first */
		{ 50, { 9, 20, 30 }, { 9, 18, 19 } },
		{ 24, { 9, 20, 30 }, { 9, 5, 6 } },
		{ 10, { 9, 20, 30 }, { 9, 4, 6 } },    /* no further */
		{ 10, { 9, 2, 3 }, { 9, 2, 3 } },      /* less than least */
	};

	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		size_t widths[3];

		memcpy(widths, rows[i].widths, sizeof(widths));
		ch_grid_fit(widths, columns, 3, rows[i].total);
		assert_memory_equal(widths, rows[i].expected, sizeof(widths));
	}
}

static void test_cut(void **state)
{
	static const struct {
		bool utf8;
		const char *text;
		size_t width;
		const char *expected;
		size_t cells;
	} rows[] = {
		{ true, "France", 6, "France", 6 },
		{ true, "France", 5, "Fran\xE2\x80\xA6", 5 },
		{ false, "France", 5, "Fr...", 5 },
		{ false, "France", 2, "Fr", 2 },
		{ true, "France", 0, "", 0 },
		/* China, in cells of two: the cut falls before a half */
		{ true, "\xE4\xB8\xAD\xE5\x9B\xBD", 4,
		  "\xE4\xB8\xAD\xE5\x9B\xBD", 4 },
		{ true, "\xE4\xB8\xAD\xE5\x9B\xBD", 3,
		  "\xE4\xB8\xAD\xE2\x80\xA6", 3 },
		{ true, "\xE4\xB8\xAD\xE5\x9B\xBD", 2, "\xE2\x80\xA6", 1 },
		/* a combining accent takes none */
		{ true, "e\xCC\x81te\xCC\x81", 3, "e\xCC\x81te\xCC\x81", 3 },
	};

	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_term term = { .utf8 = rows[i].utf8 };
		CH_AUTO(ch_str) out = CH_STR_INIT(100);

		assert_int_equal(ch_grid_cut(&term, rows[i].text,
					     rows[i].width, &out),
				 rows[i].cells);
		assert_string_equal(ch_str_cstr(&out), rows[i].expected);
	}
}

/* What a grid writes, through a stream in memory. */
static char *write_grid(struct ch_term *term, size_t count)
{
	static const struct ch_grid_column columns[] = {
		{ "KEY", false, 0 }, { "N", true, 0 }, { "NAME", false, 6 },
	};
	char *text = NULL;
	size_t len = 0;
	struct ch_grid grid;

	term->file = open_memstream(&text, &len);
	assert_non_null(term->file);
	ch_grid_init(&grid, term, columns, CH_COUNT(columns));
	for (size_t i = 0; i < count; i++) {
		ch_grid_cellf(&grid, CH_STYLE_PLAIN, "K%zu", i);
		ch_grid_cellf(&grid, CH_STYLE_RED, "%zu", i * 10);
		ch_grid_cell(&grid, CH_STYLE_PLAIN, "a \033[2J name");
	}
	ch_grid_end(&grid);
	ch_grid_release(&grid);
	fclose(term->file);
	return text;
}

static void test_grid(void **state)
{
	struct ch_term plain = { .utf8 = true };
	struct ch_term narrow = { .columns = 18, .color = true };
	CH_AUTOCHAR wide = write_grid(&plain, 2);
	CH_AUTOCHAR cut = write_grid(&narrow, 2);
	CH_AUTOCHAR none = write_grid(&plain, 0);
	CH_AUTOCHAR many = write_grid(&plain, 1201);
	size_t lines = 0;

	assert_string_equal(wide, "KEY   N  NAME\n"
				  "K0    0  a \\x1B[2J name\n"
				  "K1   10  a \\x1B[2J name\n");
	assert_string_equal(cut, "\033[1mKEY\033[0m   \033[1mN\033[0m  "
				 "\033[1mNAME\033[0m\n"
				 "K0    \033[31m0\033[0m  a \\x1B...\n"
				 "K1   \033[31m10\033[0m  a \\x1B...\n");
	assert_string_equal(none, "KEY  N  NAME\n");
	for (const char *c = many; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 1202);
	assert_non_null(strstr(many, "\nK1200  12000  a \\x1B[2J name\n"));
}

static void test_fold(void **state)
{
	static const struct {
		unsigned int columns, begun;
		const char *text, *expected;
	} rows[] = {
		{ 0, 0, "a line of any length at all",
		  "a line of any length at all\n" },
		{ 20, 0, "12345678901234567890", "12345678901234567890\n" },
		{ 20, 0, "1234567890 234567890 2345",
		  "1234567890 234567890\n  2345\n" },
		{ 20, 0, "one two three four  five",
		  "one two three four\n  five\n" },
		{ 20, 6, "one two three four five",
		  "one two three\n  four five\n" },
		{ 20, 0, "a 1234567890123456789012345",
		  "a\n  123456789012345678\n  9012345\n" },
		{ 20, 0, "\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD"
			 "\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD"
			 "\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD",
		  "\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD"
		  "\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD"
		  "\xE4\xB8\xAD\xE4\xB8\xAD\n  \xE4\xB8\xAD\n" },
		{ 20, 0, "a\nb \x1b[2J", "a\\x0Ab \\x1B[2J\n" },
		{ 20, 0, "", "\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_term term = { .utf8 = true,
					.columns = rows[i].columns };
		CH_AUTOCHAR text = NULL;
		size_t len = 0;

		term.file = open_memstream(&text, &len);
		ch_term_fold(&term, rows[i].begun, 2, "%s", rows[i].text);
		fclose(term.file);
		assert_string_equal(text, rows[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_args),
		cmocka_unit_test(test_operands),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_grid),
		cmocka_unit_test(test_fold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
