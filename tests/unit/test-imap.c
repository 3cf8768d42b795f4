// SPDX-License-Identifier: GPL-3.0-or-later
/* test-imap.c - the guard in front of libetpan, and names of folders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "net/imap-folder.h"
#include "net/imap-guard.h"

#define LITERALS 10 /* bytes of literals that may come */
#define REFUSED NULL

static const struct {
	const char *name;
	const char *in;
	const char *out; /* REFUSED */
} rows[] = {
	{ "greeting", "* OK ready\r\n", "* OK ready\r\n" },
	{ "lower case", "* ok ready\r\n", "* ok ready\r\n" },
	{ "tagged", "12 OK done\r\n", "12 OK done\r\n" },
	{ "plus", "+ idling\r\n", "+ idling\r\n" },
	{ "bare plus", "+\r\n", "+\r\n" },
	{ "flags", "* FLAGS (\\Seen)\r\n", "* FLAGS (\\Seen)\r\n" },
	{ "exists", "* 3 EXISTS\r\n", "* 3 EXISTS\r\n" },
	{ "bare line feed", "* 3 EXISTS\n", "* 3 EXISTS\r\n" },
	{ "no text", "A1 OK\r\n", "A1 OK -\r\n" },
	{ "a space for a text", "* bye \r\n", "* bye -\r\n" },
	{ "spaces at the end", "* FLAGS (A)  \r\n", "* FLAGS (A)\r\n" },
	{ "fetch", "* 1 FETCH (UID 7 BODY[] {3}\r\nabc)\r\n",
	  "* 1 FETCH (UID 7 BODY[] {3}\r\nabc)\r\n" },
	{ "two literals", "* 1 FETCH (A {3}\r\nabc B {2}\r\nde)\r\n* 2 EXISTS\r\n",
	  "* 1 FETCH (A {3}\r\nabc B {2}\r\nde)\r\n* 2 EXISTS\r\n" },
	{ "literal of nothing", "* 1 FETCH (A {0}\r\n)\r\n",
	  "* 1 FETCH (A {0}\r\n)\r\n" },
	{ "lines in a literal", "* 1 FETCH (A {9}\r\n(((\n\r\n{9})\r\n",
	  "* 1 FETCH (A {9}\r\n(((\n\r\n{9})\r\n" },
	{ "line behind a literal", "* 1 FETCH (A {1}\r\nxUNKNOWN)\r\n",
	  "* 1 FETCH (A {1}\r\nxUNKNOWN)\r\n" },
	{ "as large as allowed", "* 1 FETCH (A {10}\r\n0123456789)\r\n",
	  "* 1 FETCH (A {10}\r\n0123456789)\r\n" },
	{ "quotes", "* 1 FETCH (A \"b\" C \"\" D {1}\r\nx \"e\")\r\n",
	  "* 1 FETCH (A \"b\" C \"\" D {1}\r\nx \"e\")\r\n" },
	/* dropped */
	{ "unknown", "* VANISHED 1:3\r\n* 1 EXISTS\r\n", "* 1 EXISTS\r\n" },
	{ "unknown count", "* 1 THING\r\n", "" },
	{ "number of 11 digits", "* 12345678901 EXISTS\r\n", "" },
	{ "OK with more letters", "* OKAY\r\n", "" },
	{ "two spaces", "*  1 FETCH (x)\r\n", "" },
	{ "space first", " * 1 FETCH (x)\r\n", "" },
	{ "tab", "*\t1 FETCH (x)\r\n", "" },
	{ "no space", "*1 FETCH (x)\r\n", "" },
	{ "empty line", "\r\n", "" },
	{ "capability", "* CAPABILITY IMAP4rev1\r\n", "" },
	{ "search", "* SEARCH 1 2\r\n* 2 EXISTS\r\n", "* 2 EXISTS\r\n" },
	{ "search with spaces", "* search 1  4294967295 \r\n", "" },
	{ "nothing found", "* SEARCH\r\n", "" },
	{ "nothing found, line feed alone", "* SEARCH\n* 2 EXISTS\r\n",
	  "* 2 EXISTS\r\n" },
	{ "what is like a search", "* SEARCHED 1\r\n", "" },
	{ "list", "* LIST () \"/\" INBOX\r\n", "" },
	{ "list of another kind", "* LIST ( \"\\\\\" \"x\r\n", "" },
	/* changed */
	{ "literal in text", "* OK [BADCHARSET ({4000000000}\r\n",
	  "* OK (BADCHARSET ((4000000000)\r\n" },
	{ "literal in a tagged text", "1 NO {5}\r\n", "1 NO (5)\r\n" },
	{ "literal behind a plus", "+ {5}\r\n", "+ (5)\r\n" },
	{ "code", "1 NO [AUTHENTICATIONFAILED] who\r\n",
	  "1 NO (AUTHENTICATIONFAILED) who\r\n" },
	{ "code that is read", "* OK [UIDVALIDITY 42] [x]\r\n",
	  "* OK [UIDVALIDITY 42] (x)\r\n" },
	{ "code without number", "* OK [UIDVALIDITY \"] x\r\n",
	  "* OK (UIDVALIDITY \") x\r\n" },
	{ "code left open", "* OK [UIDVALIDITY 42\r\n",
	  "* OK (UIDVALIDITY 42\r\n" },
	{ "parentheses in text", "* OK ((((((((((((((((((((((\r\n",
	  "* OK ((((((((((((((((((((((\r\n" },
	/* refused */
	{ "too large", "* 1 FETCH (A {11}\r\n", REFUSED },
	{ "too large together", "* 1 FETCH (A {6}\r\nabcdef B {5}\r\n",
	  REFUSED },
	{ "too large in two", "* 1 FETCH (A {6}\r\nabcdef)\r\n"
	  "* 1 FETCH (A {5}\r\n", REFUSED },
	{ "4 GB", "* 1 FETCH (A {4294967295}\r\n", REFUSED },
	{ "64 bits", "* 1 FETCH (A {18446744073709551615}\r\n", REFUSED },
	{ "negative", "* 1 FETCH (A {-1}\r\n", REFUSED },
	{ "no number", "* 1 FETCH (A {}\r\n", REFUSED },
	{ "space in it", "* 1 FETCH (A { 5}\r\n", REFUSED },
	{ "space behind it", "* 1 FETCH (A {5} \r\n", REFUSED },
	{ "line feed alone", "* 1 FETCH (A {5}\n", REFUSED },
	{ "two carriage returns", "* 1 FETCH (A {5}\r\r\n", REFUSED },
	{ "not at the end", "* 1 FETCH (A {5} B)\r\n", REFUSED },
	{ "two on a line", "* 1 FETCH (A {1} {5}\r\n", REFUSED },
	{ "LITERAL+", "* 1 FETCH (A {5+}\r\n", REFUSED },
	{ "in a quoted string", "* 1 FETCH (A \"{5}\r\n", REFUSED },
	{ "in a search", "* SEARCH {5}\r\n", REFUSED },
	{ "a word in a search", "* SEARCH 1 x\r\n", REFUSED },
	{ "33 bits in a search", "* SEARCH 4294967296\r\n", REFUSED },
	{ "11 digits in a search", "* SEARCH 00000000001\r\n", REFUSED },
	{ "in a capability", "* CAPABILITY {5}\r\n", REFUSED },
	{ "in what is dropped", "* LIST () \"/\" {5}\r\n", REFUSED },
	{ "behind an escaped quote", "* 1 FETCH (A \"\\\"{5}\r\n", REFUSED },
	{ "open quote", "* 1 FETCH (A \"b)\r\n", REFUSED },
	{ "open parenthesis", "* 1 FETCH (A (b)\r\n", REFUSED },
	{ "open behind a literal", "* 1 FETCH (A {1}\r\nx\r\n", REFUSED },
	{ "closed too often", "* 1 FETCH (A))\r\n", REFUSED },
	{ "open in a search", "* SEARCH (MODSEQ 1\r\n", REFUSED },
	{ "parentheses", "* 1 FETCH (((((((((((((((((\r\n", REFUSED },
	{ "a section", "* 1 FETCH (UID 3 BODY[1[\r\n", REFUSED },
	{ "a section in small letters",
	  "* 1 FETCH (UID 3 BODY[] {1}\r\nx body[header] {1}\r\n", REFUSED },
	{ "a section behind a literal",
	  "* 1 FETCH (UID 3 BODY[] {1}\r\nx BODY[TEXT] {1}\r\n", REFUSED },
	{ "a section behind spaces", "* 1 FETCH (UID 3 BODY  [ TEXT]\r\n",
	  REFUSED },
	{ "a section without an end", "* 1 FETCH (UID 3 BODY[\r\n", REFUSED },
	{ "over two lines", "* 1 FETCH ((((((((( {1}\r\nx((((((((\r\n",
	  REFUSED },
	{ "in flags", "* FLAGS (((((((((((((((((\r\n", REFUSED },
};

/* Feed it in pieces of `step` bytes. */
static int feed(const char *in, size_t len, size_t step, struct ch_str *out,
		bool *ret_rest, unsigned int *ret_news)
{
	struct ch_imap_guard guard;
	struct ch_error err;
	int result = 0;

	ch_imap_guard_init(&guard);
	ch_imap_guard_allow(&guard, LITERALS);
	for (size_t i = 0; i < len && result == 0; i += step)
		result = ch_imap_guard_feed(&guard, in + i,
					    len - i < step ? len - i : step,
					    out, &err);
	if (result < 0)
		assert_int_equal(err.fate, CH_GIVE_UP);
	*ret_rest = ch_imap_guard_at_rest(&guard);
	*ret_news = guard.news;
	ch_imap_guard_release(&guard);
	return result;
}

static void lines_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++)
		for (size_t step = 1; step < 100; step += 7) {
			CH_AUTO(ch_str) out = CH_STR_INIT(1000);
			bool rest;
			unsigned int news;
			int result = feed(rows[i].in, strlen(rows[i].in), step,
					  &out, &rest, &news);

			if ((result < 0) != (rows[i].out == REFUSED) ||
			    (rows[i].out &&
			     strcmp(ch_str_cstr(&out), rows[i].out) != 0))
				fail_msg("%s in pieces of %zu: %d \"%s\"",
					 rows[i].name, step, result,
					 ch_str_cstr(&out));
			if (result == 0)
				assert_true(rest);
		}
}

static void what_is_not_whole_is_not_passed(void **state)
{
	static const char *const parts[] = {
		"* OK rea", "* 1 FETCH (A {3}\r\n", "* 1 FETCH (A {3}\r\nab",
		"* 1 FETCH (A {3}\r\nabc", "* 1 FETCH (A {0}\r\n",
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(parts); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);
		bool rest;
		unsigned int news;

		assert_int_equal(feed(parts[i], strlen(parts[i]), 3, &out,
				      &rest, &news), 0);
		assert_false(rest);
	}
}

static void news_are_counted(void **state)
{
	static const char in[] = "* 3 EXISTS\r\n* 1 RECENT\r\n* OK EXISTS\r\n"
				 "* 4 exists\r\n* 1 EXPUNGE\r\n";
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);
	bool rest;
	unsigned int news;

	(void)state;
	assert_int_equal(feed(in, strlen(in), 5, &out, &rest, &news), 0);
	assert_int_equal(news, 2);
}

static const struct {
	const char *in;
	uint32_t after;
	size_t max;
	uint32_t uids[4]; /* in order, 0 after the last */
	bool more;
} searches[] = {
	{ "* SEARCH\r\n", 0, 4, { 0 }, false },
	{ "* SEARCH 3 5 9\r\n", 0, 4, { 3, 5, 9 }, false },
	{ "* SEARCH 3 5 9\r\n", 5, 4, { 9 }, false },
	{ "* SEARCH 3 5 9\r\n", 9, 4, { 0 }, false },
	{ "* SEARCH 3 5 9 11\r\n", 0, 4, { 3, 5, 9, 11 }, false },
	{ "* SEARCH 3 5 9 11 12\r\n", 0, 4, { 3, 5, 9, 11 }, true },
	{ "* SEARCH 12 11 9 5 3 1\r\n", 0, 4, { 1, 3, 5, 9 }, true },
	{ "* SEARCH 7 9 8 6 1 5 2 4 3\r\n", 2, 3, { 3, 4, 5 }, true },
	{ "* SEARCH 7 7 7 7 7\r\n", 0, 2, { 7, 7 }, false },
	{ "* SEARCH 1 2\r\n* 1 EXISTS\r\n* SEARCH 4294967295\r\n", 0, 4,
	  { 1, 2, UINT32_MAX }, false },
};

static int rising(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void the_smallest_numbers_are_kept(void **state)
{
	struct ch_error err;

	(void)state;
	for (size_t i = 0; i < CH_COUNT(searches); i++) {
		struct ch_imap_found found = { .after = searches[i].after,
					       .max = searches[i].max };
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);
		struct ch_imap_guard guard;
		size_t want = 0;

		ch_imap_guard_init(&guard);
		guard.found = &found;
		assert_int_equal(ch_imap_guard_feed(&guard, searches[i].in,
						    strlen(searches[i].in),
						    &out, &err), 0);
		while (want < 4 && searches[i].uids[want])
			want++;
		assert_int_equal(found.len, want);
		if (want > 0) {
			qsort(found.uids, want, sizeof(uint32_t), rising);
			assert_memory_equal(found.uids, searches[i].uids,
					    want * sizeof(uint32_t));
		}
		assert_int_equal(found.more, searches[i].more);
		assert_true(ch_imap_guard_at_rest(&guard));
		ch_imap_found_release(&found);
		ch_imap_guard_release(&guard);
	}
}

static void uidvalidity_is_remembered(void **state)
{
	static const char in[] = "* OK [UIDVALIDITY 4711] yes\r\n"
				 "* OK [UIDVALIDITY x] no\r\n";
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);
	struct ch_imap_guard guard;
	struct ch_error err;

	(void)state;
	ch_imap_guard_init(&guard);
	assert_int_equal(guard.uidvalidity, 0);
	assert_int_equal(ch_imap_guard_feed(&guard, in, strlen(in), &out,
					    &err), 0);
	assert_int_equal(guard.uidvalidity, 4711);
	ch_imap_guard_release(&guard);
}

static void the_last_capabilities_are_kept(void **state)
{
	static const char in[] = "* CAPABILITY A\r\n"
				 "* capability  IMAP4rev1 X=y  IDLE \r\n";
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);
	struct ch_imap_guard guard;
	struct ch_error err;

	(void)state;
	ch_imap_guard_init(&guard);
	assert_string_equal(ch_str_cstr(&guard.capabilities), "");
	assert_int_equal(ch_imap_guard_feed(&guard, in, strlen(in), &out,
					    &err), 0);
	assert_string_equal(ch_str_cstr(&guard.capabilities),
			    "IMAP4rev1 X=y  IDLE ");
	assert_int_equal(guard.dropped, 2);
	ch_imap_guard_release(&guard);
}

static void a_nul_is_refused(void **state)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);
	bool rest;
	unsigned int news;

	(void)state;
	assert_int_equal(feed("* 3\0EXISTS\r\n", 12, 12, &out, &rest, &news),
			 -1);
}

/* How much of `line`, over and over, comes through before it is too much. */
static size_t flood(const char *line)
{
	struct ch_imap_guard guard;
	struct ch_error err;
	size_t total = 0;

	ch_imap_guard_init(&guard);
	for (;;) {
		CH_AUTO(ch_str) out = CH_STR_INIT(2 * CH_IMAP_LINE_MAX);

		if (ch_imap_guard_feed(&guard, line, strlen(line), &out,
				       &err) < 0)
			break;
		total += strlen(line);
		assert_true(total < 2 * CH_IMAP_SEARCH_MAX);
	}
	ch_imap_guard_release(&guard);
	return total;
}

static void floods_end(void **state)
{
	(void)state;
	assert_in_range(flood("* 3 EXISTS\r\n"), CH_IMAP_LINES_MAX - 100,
			CH_IMAP_LINES_MAX);
	assert_in_range(flood("* NOTHING\r\n"), CH_IMAP_LINES_MAX - 100,
			CH_IMAP_LINES_MAX);
	assert_in_range(flood("no end "), CH_IMAP_LINE_MAX - 100,
			CH_IMAP_LINE_MAX);
	assert_in_range(flood("* SEARCH 1 2 3 4 5 6 7 8 9 10 11 12 13\r\n"),
			CH_IMAP_SEARCH_MAX - 100, CH_IMAP_SEARCH_MAX);
}

static const struct {
	const char *utf8;
	const char *imap; /* NULL: refused */
} folders[] = {
	{ "INBOX", "INBOX" },
	{ "~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e",
	  "~peter/mail/&U,BTFw-/&ZeVnLIqe-" }, /* RFC 3501 section 5.1.3 */
	{ "Entw\u00fcrfe", "Entw&APw-rfe" },
	{ "a & b", "a &- b" },
	{ "\u00fc&\u00fc", "&APw-&-&APw-" },
	{ "\U0001F4EC", "&2D3c7A-" },
	{ "\u0627\u0644", "&BicGRA-" },
	{ "", "" },
	{ "a\nb", NULL },
	{ "a\x7f", NULL },
	{ "\xff", NULL },
	{ "\xed\xa0\x80", NULL },
};

static void folders_are_named_in_modified_utf7(void **state)
{
	(void)state;
	for (size_t i = 0; i < CH_COUNT(folders); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(200);
		int result = ch_imap_folder_name(folders[i].utf8, &out);

		assert_int_equal(result, folders[i].imap ? 0 : -1);
		if (folders[i].imap)
			assert_string_equal(ch_str_cstr(&out),
					    folders[i].imap);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_judged),
		cmocka_unit_test(what_is_not_whole_is_not_passed),
		cmocka_unit_test(news_are_counted),
		cmocka_unit_test(the_smallest_numbers_are_kept),
		cmocka_unit_test(uidvalidity_is_remembered),
		cmocka_unit_test(the_last_capabilities_are_kept),
		cmocka_unit_test(a_nul_is_refused),
		cmocka_unit_test(floods_end),
		cmocka_unit_test(folders_are_named_in_modified_utf7),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
