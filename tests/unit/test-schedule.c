// SPDX-License-Identifier: GPL-3.0-or-later
/* test-schedule.c - retries, pace and rest, as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "chanceryd/schedule.h"

#define S 1000000LL /* µs */
#define DAY (86400 * S)
#define START (1796601600 * S)

static const int64_t delays[] = { 300000, 900000, 3600000 };
static const struct ch_retry_schedule five_days = {
	delays, CH_COUNT(delays), 5 * 86400000LL
};

static void retries(void **state)
{
	static const struct {
		const char *name;
		enum ch_retry_reason reason;
		uint32_t attempt;
		int64_t age_us;
		bool again;
		int64_t least_us, most_us; /* from now */
	} rows[] = {
		{ "first 4yz", CH_RETRY_DEFERRED, 1, 2 * S, true,
		  300 * S, 3375 * S / 10 },
		{ "second 4yz", CH_RETRY_DEFERRED, 2, 400 * S, true,
		  900 * S, 10125 * S / 10 },
		{ "the last delay goes on", CH_RETRY_DEFERRED, 40, DAY, true,
		  3600 * S, 4050 * S },
		{ "nothing was tried", CH_RETRY_UNTRIED, 7, DAY, true, 0, 0 },
		{ "the last try is at the end", CH_RETRY_DEFERRED, 90,
		  5 * DAY - 60 * S, true, 60 * S, 60 * S },
		{ "five days of 4yz", CH_RETRY_DEFERRED, 91, 5 * DAY, false,
		  0, 0 },
		{ "five days without a relay", CH_RETRY_UNTRIED, 91,
		  5 * DAY + 1, false, 0, 0 },
		{ "a clock that jumped at the first attempt",
		  CH_RETRY_DEFERRED, 1, 4000 * DAY, true, 300 * S,
		  3375 * S / 10 },
		{ "a clock that went back a day", CH_RETRY_DEFERRED, 1, -DAY,
		  true, 300 * S, 3375 * S / 10 },
		{ "attempt 0 is the first", CH_RETRY_DEFERRED, 0, 0, true,
		  300 * S, 3375 * S / 10 },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_retry retry = {
			.reason = rows[i].reason,
			.letter_id = 42,
			.attempt = rows[i].attempt,
			.first_at_us = START,
			.now_us = START + rows[i].age_us,
		};
		int64_t at_us = retry.now_us;
		bool again = ch_schedule_retry(&five_days, &retry, &at_us);

		if (again != rows[i].again ||
		    at_us - retry.now_us < rows[i].least_us ||
		    at_us - retry.now_us > rows[i].most_us)
			fail_msg("%s: %d after %lld us", rows[i].name, again,
				 (long long)(at_us - retry.now_us));
	}
}

static void retries_are_spread_and_fixed(void **state)
{
	struct ch_retry retry = {
		.attempt = 1, .first_at_us = START, .now_us = START,
	};
	unsigned int eighths[8] = { 0 };
	int64_t again_us;
	int64_t at_us;

	(void)state;
	for (retry.letter_id = 1; retry.letter_id <= 800; retry.letter_id++) {
		assert_true(ch_schedule_retry(&five_days, &retry, &at_us));
		assert_true(ch_schedule_retry(&five_days, &retry, &again_us));
		assert_int_equal(at_us, again_us);
		eighths[(at_us - START - 300 * S) * 8 / (375 * S / 10 + 1000)]++;
	}
	for (size_t i = 0; i < 8; i++)
		assert_in_range(eighths[i], 60, 140);
}

static void pace(void **state)
{
	static const struct ch_pace slow = { 30, 5 }; /* one in 2 s */
	static const struct {
		const char *name;
		int64_t now_ms;
		uint32_t may, take;
		int64_t next_ms; /* after taking */
	} rows[] = {
		{ "the burst at once", 1000, 5, 5, 3000 },
		{ "none yet", 2999, 0, 0, 3000 },
		{ "the first one", 3000, 1, 1, 5000 },
		{ "half of one is kept", 8000, 2, 2, 9000 },
		{ "as it was promised", 9000, 1, 1, 11000 },
		{ "the clock goes back", 4000, 0, 0, 6000 },
		{ "a year later: a burst", 31536000000, 5, 4, 31536000000 },
		{ "the fifth of it", 31536000000, 1, 1, 31536002000 },
	};
	struct ch_pace_state bucket;

	(void)state;
	ch_pace_start(&slow, 1000, &bucket);
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		uint32_t may = ch_pace_may(&slow, &bucket, rows[i].now_ms);
		int64_t next_ms;

		ch_pace_took(&slow, &bucket, rows[i].take);
		next_ms = ch_pace_next_ms(&slow, &bucket, rows[i].now_ms);
		if (may != rows[i].may || next_ms != rows[i].next_ms)
			fail_msg("%s: %u may, next at %lld", rows[i].name, may,
				 (long long)next_ms);
	}
}

static void pace_at_its_edges(void **state)
{
	static const struct ch_pace none = { 0, 1 };
	static const struct ch_pace most = { UINT32_MAX, UINT32_MAX };
	static const struct ch_pace small = { 60, 2 };
	struct ch_pace_state bucket;

	(void)state;
	ch_pace_start(&none, 0, &bucket);
	assert_int_equal(ch_pace_may(&none, &bucket, 0), UINT32_MAX);
	ch_pace_took(&none, &bucket, 1000000);
	assert_int_equal(ch_pace_next_ms(&none, &bucket, 7), 7);

	ch_pace_start(&most, 0, &bucket);
	assert_int_equal(ch_pace_may(&most, &bucket, INT64_MAX), UINT32_MAX);

	/* A smaller bucket after a reload holds no more than it can. */
	assert_int_equal(ch_pace_may(&small, &bucket, INT64_MAX), 2);
}

/* What goes out in an hour is the pace, whatever the steps of the clock. */
static void pace_over_an_hour(void **state)
{
	static const struct ch_pace pace = { 137, 10 };
	static const int64_t steps_ms[] = { 1, 7, 430, 999, 60000 };
	static const uint64_t sent_at_most = 137 * 60 + 10;

	(void)state;
	for (size_t i = 0; i < CH_COUNT(steps_ms); i++) {
		struct ch_pace_state bucket;
		uint64_t sent = 0;

		ch_pace_start(&pace, 0, &bucket);
		for (int64_t t = 0; t <= 3600000; t += steps_ms[i]) {
			uint32_t may = ch_pace_may(&pace, &bucket, t);

			ch_pace_took(&pace, &bucket, may);
			sent += may;
		}
		assert_true(sent <= sent_at_most);
		if (steps_ms[i] < 1000)
			assert_true(sent >= sent_at_most - 3);
	}
}

static void rests(void **state)
{
	static const struct {
		uint32_t failures;
		int64_t least_ms, most_ms;
	} rows[] = {
		{ 0, 0, 0 },
		{ 1, 1000, 1125 },
		{ 2, 2000, 2250 },
		{ 5, 16000, 18000 },
		{ 9, 256000, 288000 },
		{ 10, 300000, 337500 },
		{ UINT32_MAX, 300000, 337500 },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		for (uint64_t seed = 0; seed < 50; seed++) {
			int64_t rest_ms = ch_rest_ms(rows[i].failures, seed);

			if (rest_ms < rows[i].least_ms ||
			    rest_ms > rows[i].most_ms)
				fail_msg("%u failures: %lld ms",
					 rows[i].failures, (long long)rest_ms);
		}
	}
	assert_int_equal(ch_rest_failures(0, 10), 1);
	assert_int_equal(ch_rest_failures(4, 59999), 5);
	assert_int_equal(ch_rest_failures(4, 60000), 1);
	assert_int_equal(ch_rest_failures(UINT32_MAX, 0), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(retries),
		cmocka_unit_test(retries_are_spread_and_fixed),
		cmocka_unit_test(pace),
		cmocka_unit_test(pace_at_its_edges),
		cmocka_unit_test(pace_over_an_hour),
		cmocka_unit_test(rests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
