// SPDX-License-Identifier: GPL-3.0-or-later
/* test-domain-limit.c - domains, their patterns, and slots for what waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "chanceryd/domain-limit.h"

static void an_address_has_a_domain(void **state)
{
	static const struct {
		const char *address;
		const char *domain; /* NULL: none */
	} rows[] = {
		{ "minister@Ministry.Example", "ministry.example" },
		{ "\"a@b\"@ministry.example", "ministry.example" },
		{ "a@[192.0.2.1]", "[192.0.2.1]" },
		{ "a@", NULL },
		{ "nobody", NULL },
		{ "", NULL },
	};
	char domain[CH_DOMAIN_MAX];

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		assert_int_equal(ch_domain_of(rows[i].address, domain),
				 rows[i].domain != NULL);
		if (rows[i].domain)
			assert_string_equal(domain, rows[i].domain);
	}
}

static void a_domain_that_is_too_long_is_none(void **state)
{
	char address[CH_DOMAIN_MAX + 10];
	char domain[CH_DOMAIN_MAX];

	(void)state;
	memset(address, 'a', sizeof(address));
	address[1] = '@';
	address[2 + CH_DOMAIN_MAX - 1] = '\0';
	assert_true(ch_domain_of(address, domain));
	assert_int_equal(strlen(domain), CH_DOMAIN_MAX - 1);
	address[2 + CH_DOMAIN_MAX - 1] = 'a';
	address[2 + CH_DOMAIN_MAX] = '\0';
	assert_false(ch_domain_of(address, domain));
}

static void patterns_match(void **state)
{
	static const struct {
		const char *pattern;
		const char *domain;
		bool matches;
	} rows[] = {
		{ "ministry.example", "ministry.example", true },
		{ "Ministry.EXAMPLE", "ministry.example", true },
		{ "ministry.example", "a.ministry.example", false },
		{ "ministry.example", "ministry.example.org", false },
		{ "*.example", "ministry.example", true },
		{ "*.Example", "a.ministry.example", true },
		{ "*.example", "example", false },
		{ "*.example", "ministryexample", false },
		{ "*.example", ".example", false },
		{ "*.Δήμος.example", "mfa.xn--jxalzmp.example", true },
		{ "bücher.example", "xn--bcher-kva.example", true },
		{ "BÜCHER.example", "xn--bcher-kva.example", true },
		{ "bücher.example", "bucher.example", false },
		{ "*", "ministry.example", true },
		{ "*", "[192.0.2.1]", true },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOCHAR folded = ch_domain_pattern_fold(rows[i].pattern);

		assert_int_equal(ch_domain_matches(folded, rows[i].domain),
				 rows[i].matches);
		assert_true(ch_domain_is_pattern(folded));
	}
}

static void what_is_a_pattern(void **state)
{
	static const char *const good[] = { "*", "a", "*.a", "ministry.example",
					    "*.ministry.example", "[192.0.2.1]" };
	static const char *const bad[] = { "", "*.", "**", "*a", "a.*", ".a",
					   "*..a", "a..b", "a b", "x@a",
					   "*.*.a" };

	(void)state;
	for (size_t i = 0; i < CH_COUNT(good); i++)
		assert_true(ch_domain_is_pattern(good[i]));
	for (size_t i = 0; i < CH_COUNT(bad); i++)
		assert_false(ch_domain_is_pattern(bad[i]));
}

static void slots_follow_one_another(void **state)
{
	static const struct {
		int64_t batch_id, now_ms, from_ms, step_ms, at_ms;
	} rows[] = {
		{ 1, 1000, 1500, 100, 1500 }, { 1, 1000, 1500, 100, 1600 },
		{ 1, 1001, 1500, 100, 1700 }, { 2, 1001, 1500, 100, 1500 },
		{ 1, 1002, 1500, 10, 1710 },  { 1, 5000, 5000, 100, 5001 },
		{ 2, 5000, 4000, 100, 5001 }, { 2, 5000, 4000, 100, 5101 },
	};
	struct ch_slots slots = { 0 };

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++)
		assert_int_equal(ch_slots_next(&slots, rows[i].batch_id,
					       rows[i].now_ms, rows[i].from_ms,
					       rows[i].step_ms, 7),
				 rows[i].at_ms);
}

static void more_batches_than_rows(void **state)
{
	struct ch_slots slots = { 0 };

	(void)state;
	for (int64_t batch = 1; batch <= CH_SLOTS_BATCHES + 1; batch++)
		assert_int_equal(ch_slots_next(&slots, batch, 0, 100, 10, 7),
				 100);
	assert_int_equal(ch_slots_next(&slots, 2, 0, 100, 10, 7), 110);
	/* The first one's row is another's now. */
	assert_int_equal(ch_slots_next(&slots, 1, 0, 100, 10, 7), 100);
}

static void slots_do_not_go_on_for_ever(void **state)
{
	struct ch_slots slots = { 0 };
	int64_t hour = 3600000;
	int64_t earliest = INT64_MAX;
	int64_t latest = 0;

	(void)state;
	assert_int_equal(ch_slots_next(&slots, 1, 0, 0, hour, 1), 1);
	for (uint64_t seed = 0; seed < 1000; seed++) {
		int64_t at = ch_slots_next(&slots, 1, 0, 0, hour, seed);

		assert_true(at >= hour && at < 2 * hour);
		earliest = at < earliest ? at : earliest;
		latest = at > latest ? at : latest;
	}
	assert_true(earliest < hour + hour / 50);
	assert_true(latest > 2 * hour - hour / 50);
	/* and these took none */
	assert_int_equal(ch_slots_next(&slots, 1, 10, 0, hour - 1, 1), hour);
}

static void a_pace_has_a_step(void **state)
{
	static const struct {
		struct ch_pace pace;
		int64_t step_ms;
	} rows[] = {
		{ { 0, 0, 0, 0, 1 }, 0 },
		{ { 3, 0, 0, 0, 1 }, 334 },
		{ { 3, 30, 0, 0, 1 }, 2000 },
		{ { 0, 30, 360, 0, 1 }, 10000 },
		{ { 100, 3000, 360, 24, 1 }, 3600000 },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++)
		assert_int_equal(ch_domain_step_ms(&rows[i].pace),
				 rows[i].step_ms);
}

static void rests_get_longer(void **state)
{
	static const struct {
		int64_t first_ms;
		uint32_t refusals;
		int64_t rest_ms;
	} rows[] = {
		{ 10000, 0, 0 },      { 10000, 1, 10000 },
		{ 10000, 2, 20000 },  { 10000, 7, 640000 },
		{ 10000, 8, 900000 }, { 10000, UINT32_MAX, 900000 },
		{ 3600000, 1, 900000 },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++)
		assert_int_equal(ch_domain_rest_ms(rows[i].first_ms,
						   rows[i].refusals),
				 rows[i].rest_ms);
}

static void a_connection_has_shares(void **state)
{
	struct ch_shares shares = { .len = 0 };
	uint64_t a = ch_domain_mark("a.example");
	uint64_t b = ch_domain_mark("b.example");
	char name[20];

	(void)state;
	assert_int_not_equal(a, b);
	assert_true(ch_domain_mark("a.example") == a);
	assert_false(ch_shares_full(&shares, a, 2));
	ch_shares_add(&shares, a);
	ch_shares_add(&shares, b);
	assert_false(ch_shares_full(&shares, a, 2));
	ch_shares_add(&shares, a);
	assert_true(ch_shares_full(&shares, a, 2));
	assert_false(ch_shares_full(&shares, a, 3));
	assert_false(ch_shares_full(&shares, b, 2));
	for (int i = 2; i < CH_SHARES_MAX; i++) {
		snprintf(name, sizeof(name), "%d.example", i);
		assert_false(ch_shares_full(&shares, ch_domain_mark(name), 2));
		ch_shares_add(&shares, ch_domain_mark(name));
	}
	assert_false(ch_shares_full(&shares, b, 2));
	assert_true(ch_shares_full(&shares, ch_domain_mark("z.example"), 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_a_domain),
		cmocka_unit_test(a_domain_that_is_too_long_is_none),
		cmocka_unit_test(patterns_match),
		cmocka_unit_test(what_is_a_pattern),
		cmocka_unit_test(slots_follow_one_another),
		cmocka_unit_test(more_batches_than_rows),
		cmocka_unit_test(slots_do_not_go_on_for_ever),
		cmocka_unit_test(a_pace_has_a_step),
		cmocka_unit_test(rests_get_longer),
		cmocka_unit_test(a_connection_has_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
