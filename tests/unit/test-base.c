// SPDX-License-Identifier: GPL-3.0-or-later
/* test-base.c - strings, errors, encodings, escaping, dates, files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/problem.h"
#include "base/str.h"
#include "base/utf8.h"

static void str_stops_at_its_maximum(void **state)
{
	CH_AUTO(ch_str) s = CH_STR_INIT(5);

	(void)state;
	assert_string_equal(ch_str_cstr(&s), "");
	ch_str_add(&s, "abc");
	ch_str_add(&s, "def"); /* would be 6 */
	assert_true(s.full);
	assert_string_equal(ch_str_cstr(&s), "abc");
	ch_str_addf(&s, "%d", 42);
	assert_string_equal(ch_str_cstr(&s), "abc42");
	ch_str_clear(&s);
	assert_false(s.full);
	assert_int_equal(s.len, 0);
}

static void integers_are_written_in_decimal(void **state)
{
	CH_AUTO(ch_str) s = CH_STR_INIT(100);

	(void)state;
	ch_str_add_int(&s, 0);
	ch_str_add_char(&s, ' ');
	ch_str_add_int(&s, -70);
	ch_str_add_char(&s, ' ');
	ch_str_add_int(&s, INT64_MIN);
	ch_str_add_char(&s, ' ');
	ch_str_add_int(&s, INT64_MAX);
	assert_string_equal(ch_str_cstr(&s), "0 -70 -9223372036854775808 "
					     "9223372036854775807");
}

static void room_that_is_not_used_stays_empty(void **state)
{
	CH_AUTO(ch_str) s = CH_STR_INIT(100000);

	(void)state;
	for (int i = 0; i < 8; i++) {
		CH_AUTO(ch_str) dirty = CH_STR_INIT(100000);

		memset(ch_str_room(&dirty, 50000), 'x', 50000);
	}
	assert_non_null(ch_str_room(&s, 50000));
	assert_string_equal(ch_str_cstr(&s), "");
}

static void error_text_is_cut_at_a_character(void **state)
{
	struct ch_error err;
	char long_text[400];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	memcpy(long_text + 238, "\xC3\xA9", 2);
	long_text[399] = '\0';
	assert_int_equal(ch_error_set(&err, CH_GIVE_UP, "%s", long_text), -1);
	assert_int_equal(strlen(err.text), 238);
	ch_error_set(&err, CH_RETRY, "b");
	ch_error_prefix(&err, "a");
	assert_string_equal(err.text, "a: b");
	ch_error_errno(&err, ETIMEDOUT, "connect");
	assert_int_equal(err.fate, CH_RETRY);
	assert_string_equal(err.text, "connect: Connection timed out");
}

static void slices_are_trimmed(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "a b", "a b" },   { " \t\r\na b\n \r\t", "a b" },
		{ " \n", "" },      { "", "" },
		{ "\xC2\xA0" "a", "\xC2\xA0" "a" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOCHAR trimmed = ch_slice_dup(
			ch_slice_trim(ch_slice_of(rows[i].text)));

		assert_string_equal(trimmed, rows[i].expected);
	}
}

static void utf8_table(void **state)
{
	static const struct {
		const char *name, *text;
		size_t len, bad;
		bool ok;
	} rows[] = {
		{ "ascii", "abc", 3, 0, true },
		{ "two, three, four bytes", "\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80",
		  9, 0, true },
		{ "overlong slash", "a\xC0\xAF", 3, 1, false },
		{ "overlong three", "\xE0\x80\xAF", 3, 0, false },
		{ "surrogate", "\xED\xA0\x80", 3, 0, false },
		{ "past U+10FFFF", "\xF4\x90\x80\x80", 4, 0, false },
		{ "cut short", "ab\xE4\xB8", 4, 2, false },
		{ "lone continuation", "\x80", 1, 0, false },
		{ "0xFF", "x\xFF", 2, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		size_t bad = 0;
		bool ok = ch_utf8_valid(rows[i].text, rows[i].len, &bad);

		if (ok != rows[i].ok || bad != rows[i].bad)
			fail_msg("%s", rows[i].name);
	}
	assert_int_equal(ch_utf8_text_width("e\xCC\x81\xE4\xB8\xADx", 7), 4);
}

static void escape_table(void **state)
{
	static const struct {
		const char *name;
		void (*escape)(struct ch_str *, const char *, size_t);
		const char *in;
		size_t len;
		const char *out;
	} rows[] = {
		{ "line: ESC", ch_escape_line, "\x1B[2J", 4, "\\x1B[2J" },
		{ "line: CR LF", ch_escape_line, "a\r\nb", 4, "a\\x0D\\x0Ab" },
		{ "line: C1", ch_escape_line, "\xC2\x9B", 2, "\\u{009B}" },
		{ "line: bidi", ch_escape_line, "\xE2\x80\xAE", 3, "\\u{202E}" },
		{ "line: bad byte", ch_escape_line, "\xFF", 1, "\\xFF" },
		{ "line: backslash", ch_escape_line, "\\", 1, "\\\\" },
		{ "line: text stays", ch_escape_line, "\xC3\xA9 %n", 5,
		  "\xC3\xA9 %n" },
		{ "html", ch_escape_html, "<a href=\"'&\">", 13,
		  "&lt;a href=&quot;&#39;&amp;&quot;&gt;" },
		{ "html: NUL", ch_escape_html, "a\0b", 3, "a\xEF\xBF\xBD" "b" },
		{ "html: bad byte behind a long character", ch_escape_html,
		  "\xE4\xB8\xAD\xFF" "b<", 6,
		  "\xE4\xB8\xAD\xEF\xBF\xBD" "b&lt;" },
		{ "html: cut short", ch_escape_html, "\xC3\xA9\xE4\xB8", 4,
		  "\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD" },
		{ "csv: plain", ch_escape_csv, "abc", 3, "abc" },
		{ "csv: formula", ch_escape_csv, "=HYPERLINK(\"x\")", 15,
		  "\"'=HYPERLINK(\"\"x\"\")\"" },
		{ "csv: at sign", ch_escape_csv, "@x", 2, "\"'@x\"" },
		{ "csv: line end", ch_escape_csv, "a\nb", 3, "\"a\nb\"" },
		{ "csv: line end first", ch_escape_csv, "\n=b", 3,
		  "\"'\n=b\"" },
		{ "csv: formula behind an apostrophe", ch_escape_csv, "'=1", 3,
		  "\"''=1\"" },
		{ "csv: apostrophes", ch_escape_csv, "'", 1, "'" },
		{ "csv: full width", ch_escape_csv, "\xEF\xBC\x9D" "1", 4,
		  "\"'\xEF\xBC\x9D" "1\"" },
		{ "csv: another full-width sign", ch_escape_csv,
		  "\xEF\xBC\x8C", 3, "\xEF\xBC\x8C" },
		{ "utf8: bad byte", ch_escape_utf8, "a\xFE", 2,
		  "a\xEF\xBF\xBD" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);

		rows[i].escape(&out, rows[i].in, rows[i].len);
		if (strcmp(ch_str_cstr(&out), rows[i].out) != 0)
			fail_msg("%s: got %s", rows[i].name,
				 ch_str_cstr(&out));
	}
}

static void dates(void **state)
{
	static const struct {
		const char *text;
		int result;
		int64_t us;
	} rows[] = {
		{ "1970-01-01", 0, 0 },
		{ "2026-12-07", 0, 1796601600000000 },
		{ "2026-12-07T09:30:00Z", 0, 1796635800000000 },
		{ "2026-12-07T10:30:00+01:00", 0, 1796635800000000 },
		{ "2038-01-20", 0, 2147558400000000 },
		{ "2026-02-29", -1, 0 },
		{ "2026-13-01", -1, 0 },
		{ "2026-12-7", -1, 0 },
		{ "2026-12-07T25:00:00Z", -1, 0 },
		{ "2026-12-07 ", -1, 0 },
		{ "7.12.2026", -1, 0 },
		{ "", -1, 0 },
	};
	char out[CH_RFC5322_DATE_SIZE];

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		int64_t us = 0;

		if (ch_clock_parse_rfc3339(rows[i].text, &us) !=
			    rows[i].result ||
		    us != rows[i].us)
			fail_msg("%s: %lld", rows[i].text, (long long)us);
	}
	assert_string_equal(ch_clock_rfc5322(1796635800000000, out),
			    "Mon, 07 Dec 2026 09:30:00 +0000");
	assert_string_equal(ch_clock_rfc3339(1796635800999999, out),
			    "2026-12-07T09:30:00Z");
}

static void encodings(void **state)
{
	struct ch_sha256 sum;
	char hex[CH_SHA256_HEX_SIZE];
	char text[20] = "";
	unsigned char back[8];

	(void)state;
	/* FIPS 180-2 appendix B.1 */
	ch_sha256_of("abc", 3, &sum);
	assert_string_equal(ch_sha256_hex(&sum, hex),
			    "ba7816bf8f01cfea414140de5dae2223"
			    "b00361a396177a9cb410ff61f20015ad");
	/* RFC 4231 section 4.3 */
	ch_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, &sum);
	assert_string_equal(ch_sha256_hex(&sum, hex),
			    "5bdcc146bf60754e6a042426089575c7"
			    "5a003f089d2739839dec58b964ec3843");
	/* RFC 4648 section 10, in lower case */
	ch_base32("foobar", 6, text);
	assert_string_equal(text, "mzxw6ytboi");
	assert_int_equal(ch_base32_decode("MZXW6ytboi", 10, back, 8), 6);
	assert_memory_equal(back, "foobar", 6);
	assert_int_equal(ch_base32_decode("m!", 2, back, 8), -1);
	assert_int_equal(ch_base64("fooba", 5, text), 8);
	assert_string_equal(text, "Zm9vYmE=");
}

static void problem_is_shown_with_its_place(void **state)
{
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);
	struct ch_place place = { "members.csv", 42, 7, "to" };

	(void)state;
	ch_problems_add(&problems, CH_PROBLEM_ERROR, place, "write one",
			"no domain in \"%s\"", "m.okello@\n");
	assert_int_equal(problems.errors, 1);
	ch_problem_format(&problems.items[0], &out);
	assert_string_equal(ch_str_cstr(&out),
			    "members.csv:42:7: to: no domain in "
			    "\"m.okello@\\x0A\"");
}

static void files_stay_below_their_folder(void **state)
{
	char folder[] = "/tmp/ch-test-XXXXXX";
	CH_AUTO(ch_str) out = CH_STR_INIT(10);
	struct ch_error err;
	CH_AUTOFD dir = -1;

	(void)state;
	assert_non_null(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY);
	assert_int_equal(ch_file_replace(dir, "a", "hello", 5, 0600, &err), 0);
	assert_int_equal(ch_file_read_at(dir, "a", &out, &err), 0);
	assert_string_equal(ch_str_cstr(&out), "hello");

	assert_int_equal(symlinkat("/etc/passwd", dir, "out"), 0);
	assert_int_equal(ch_file_open(dir, "out", &err), -1);
	assert_string_equal(err.text, "out: leads outside its directory");
	assert_int_equal(ch_file_open(dir, "../a", &err), -1);
	assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
	assert_int_equal(ch_file_open(dir, "fifo", &err), -1);
	assert_string_equal(err.text, "fifo: not a regular file");

	assert_int_equal(ch_file_replace(dir, "b", "12345678901", 11, 0600,
					 &err), 0);
	ch_str_clear(&out);
	assert_int_equal(ch_file_read_at(dir, "b", &out, &err), -1);
	assert_string_equal(err.text, "b: larger than 10 bytes");
	{
		CH_AUTOCHAR command = ch_xasprintf("rm -r %s", folder);

		assert_int_equal(system(command), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(str_stops_at_its_maximum),
		cmocka_unit_test(integers_are_written_in_decimal),
		cmocka_unit_test(room_that_is_not_used_stays_empty),
		cmocka_unit_test(error_text_is_cut_at_a_character),
		cmocka_unit_test(slices_are_trimmed),
		cmocka_unit_test(utf8_table),
		cmocka_unit_test(escape_table),
		cmocka_unit_test(dates),
		cmocka_unit_test(encodings),
		cmocka_unit_test(problem_is_shown_with_its_place),
		cmocka_unit_test(files_stay_below_their_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
