// SPDX-License-Identifier: GPL-3.0-or-later
/* test-schedule.c - retries and rests, as tables. */
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
		cmocka_unit_test(rests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
