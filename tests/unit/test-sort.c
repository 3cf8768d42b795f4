// SPDX-License-Identifier: GPL-3.0-or-later
/* test-sort.c - the order of records, in memory and through a file; what was
 * seen before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "letter/seen.h"
#include "letter/sort.h"

static char folder[] = "/tmp/test-sort-XXXXXX";

static void add(struct ch_sort *sort, const char *key, const char *value)
{
	struct ch_error err;

	assert_int_equal(ch_sort_add(sort, ch_slice_of(key),
				     ch_slice_of(value), &err), 0);
}

/* "key=value " for each record. */
static void drain(struct ch_sort *sort, struct ch_str *out)
{
	struct ch_slice key, value;
	struct ch_error err;
	int got;

	while ((got = ch_sort_next(sort, &key, &value, &err)) > 0) {
		ch_str_add_mem(out, key.data, key.len);
		ch_str_add_char(out, '=');
		ch_str_add_mem(out, value.data, value.len);
		ch_str_add_char(out, ' ');
	}
	assert_int_equal(got, 0);
}

static const char expected[] = "=6 a=1 a=3 a=7 ab=5 b=2 \xC3\xA9=4 ";

/* The same order, whatever goes to the file: all, some, nothing. */
static void in_the_order_of_keys(void **state)
{
	static const size_t memory[] = { 1, 25, 40, 1000 };

	for (size_t i = 0; i < CH_COUNT(memory); i++) {
		CH_AUTOPTR(ch_sort) sort = ch_sort_new(folder, memory[i]);
		CH_AUTO(ch_str) out = CH_STR_INIT(10000);

		add(sort, "a", "1");
		add(sort, "b", "2");
		add(sort, "a", "3");
		add(sort, "\xC3\xA9", "4");
		add(sort, "ab", "5");
		add(sort, "", "6");
		add(sort, "a", "7");
		drain(sort, &out);
		assert_string_equal(ch_str_cstr(&out), expected);
	}
}

static void nothing_at_all(void **state)
{
	CH_AUTOPTR(ch_sort) sort = ch_sort_new(folder, 1000);
	CH_AUTO(ch_str) out = CH_STR_INIT(100);

	drain(sort, &out);
	drain(sort, &out);
	assert_string_equal(ch_str_cstr(&out), "");
}

/* Larger than the buffer of a run, and than the memory. */
static void long_records(void **state)
{
	CH_AUTOPTR(ch_sort) sort = ch_sort_new(folder, 50000);
	CH_AUTOCHAR text = ch_xzalloc(100001);
	struct ch_slice key, value;
	struct ch_error err;

	memset(text, 'x', 100000);
	for (int i = 9; i >= 0; i--) {
		char name[2] = { (char)('0' + i), '\0' };

		text[0] = (char)('0' + i);
		add(sort, name, text);
	}
	for (int i = 0; i < 10; i++) {
		assert_int_equal(ch_sort_next(sort, &key, &value, &err), 1);
		assert_int_equal(key.data[0], '0' + i);
		assert_int_equal(value.data[0], '0' + i);
		assert_int_equal(value.len, 100000);
	}
	assert_int_equal(ch_sort_next(sort, &key, &value, &err), 0);
}

static void no_such_folder(void **state)
{
	CH_AUTOPTR(ch_sort) sort = ch_sort_new("/nonexistent", 1);
	struct ch_error err;

	add(sort, "a", "1");
	assert_int_equal(ch_sort_add(sort, ch_slice_of("b"), ch_slice_of("2"),
				     &err), -1);
	assert_non_null(strstr(err.text, "/nonexistent/"));
}

/* ---- what was seen ---------------------------------------------------- */

static int see(struct ch_seen *seen, const char *text, unsigned int line,
	       const char *owner, struct ch_seen_where *ret)
{
	struct ch_seen_where where = { line, 7, ch_slice_of(owner) };
	struct ch_error err;

	return ch_seen_add(seen, ch_slice_of(text), &where, ret, &err);
}

static void told(void *context, struct ch_slice text,
		 const struct ch_seen_where *first,
		 const struct ch_seen_where *again)
{
	ch_str_addf(context, "%.*s %u:%u %.*s, %u:%u %.*s\n", (int)text.len,
		    text.data, first->line, first->column,
		    (int)first->owner.len, first->owner.data, again->line,
		    again->column, (int)again->owner.len, again->owner.data);
}

static void told_at_once(void **state)
{
	CH_AUTO(ch_seen) seen;
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);
	struct ch_seen_where first;
	struct ch_error err;

	ch_seen_init(&seen, folder);
	assert_int_equal(see(&seen, "FRA", 2, "x", &first), 0);
	assert_int_equal(see(&seen, "DEU", 3, "y", &first), 0);
	assert_int_equal(see(&seen, "fra", 4, "z", &first), 1);
	assert_int_equal(first.line, 2);
	assert_int_equal(first.column, 7);
	assert_true(ch_slice_eq(first.owner, "x"));
	assert_int_equal(ch_seen_end(&seen, told, &out, &err), 0);
	assert_string_equal(ch_str_cstr(&out), "");
}

/* Past what memory holds: those of memory, and those behind it, at the end;
 * what was told before is not told again. */
static void told_at_the_end(void **state)
{
	CH_AUTO(ch_seen) seen;
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);
	struct ch_seen_where first;
	struct ch_error err;

	ch_seen_init(&seen, folder);
	assert_int_equal(see(&seen, "FRA", 1, "x", &first), 0);
	assert_int_equal(see(&seen, "FRA", 2, "y", &first), 1);
	for (unsigned int i = 0; i < 3 * CH_SEEN_MAX; i++) {
		CH_AUTOCHAR text = ch_xasprintf("K%u", i);

		assert_int_equal(see(&seen, text, 3 + i, "", &first), 0);
	}
	assert_int_equal(see(&seen, "k25000", 50000, "b", &first), 0);
	assert_int_equal(see(&seen, "fra", 50001, "c", &first), 0);
	assert_int_equal(see(&seen, "Fra", 50002, "d", &first), 0);
	assert_int_equal(ch_seen_end(&seen, told, &out, &err), 0);
	assert_string_equal(ch_str_cstr(&out),
			    "fra 1:7 x, 50001:7 c\n"
			    "Fra 1:7 x, 50002:7 d\n"
			    "k25000 25003:7 , 50000:7 b\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_the_order_of_keys),
		cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(long_records),
		cmocka_unit_test(no_such_folder),
		cmocka_unit_test(told_at_once),
		cmocka_unit_test(told_at_the_end),
	};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	/* Nothing may be left in it. */
	return rmdir(folder) == 0 ? failed : 1;
}
