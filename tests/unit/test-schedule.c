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

static int64_t delays[] = { 300000, 900000, 3600000 };
static int64_t at_once[] = { 0 };
static int64_t hours[] = { 3600000, 14400000 };
static const struct ch_retry_schedule five_days = {
	.delays = {
		[CH_REPLY_CONNECTION] = { at_once, CH_COUNT(at_once) },
		[CH_REPLY_BUSY] = { delays, CH_COUNT(delays) },
		[CH_REPLY_POLICY] = { delays, CH_COUNT(delays) },
		[CH_REPLY_MAILBOX] = { hours, CH_COUNT(hours) },
		[CH_REPLY_OTHER] = { delays, CH_COUNT(delays) },
	},
	.max_age_ms = 5 * 86400000LL,
};

static void retries(void **state)
{
	static const struct {
		const char *name;
		enum ch_reply_class class;
		uint32_t attempt, deferrals;
		int64_t age_us;
		bool again;
		int64_t least_us, most_us; /* from now */
	} rows[] = {
		{ "first 4yz", CH_REPLY_OTHER, 1, 0, 2 * S, true,
		  300 * S, 3375 * S / 10 },
		{ "second 4yz", CH_REPLY_OTHER, 2, 1, 400 * S, true,
		  900 * S, 10125 * S / 10 },
		{ "first 4yz after six connections", CH_REPLY_OTHER, 7, 0, DAY,
		  true, 300 * S, 3375 * S / 10 },
		{ "a full mailbox", CH_REPLY_MAILBOX, 1, 0, 2 * S, true,
		  3600 * S, 4050 * S },
		{ "it is full after a greylist", CH_REPLY_MAILBOX, 2, 1, DAY,
		  true, 14400 * S, 16200 * S },
		{ "the last delay goes on", CH_REPLY_POLICY, 40, 39, DAY, true,
		  3600 * S, 4050 * S },
		{ "nothing was tried", CH_REPLY_CONNECTION, 7, 6, DAY, true,
		  0, 0 },
		{ "the last try is at the end", CH_REPLY_BUSY, 90, 89,
		  5 * DAY - 60 * S, true, 60 * S, 60 * S },
		{ "five days of 4yz", CH_REPLY_OTHER, 91, 90, 5 * DAY, false,
		  0, 0 },
		{ "five days without a relay", CH_REPLY_CONNECTION, 91, 0,
		  5 * DAY + 1, false, 0, 0 },
		{ "a clock that jumped at the first attempt",
		  CH_REPLY_OTHER, 1, 0, 4000 * DAY, true, 300 * S,
		  3375 * S / 10 },
		{ "a clock that went back a day", CH_REPLY_OTHER, 1, 0, -DAY,
		  true, 300 * S, 3375 * S / 10 },
		{ "attempt 0 is the first", CH_REPLY_OTHER, 0, 0, 0, true,
		  300 * S, 3375 * S / 10 },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_retry retry = {
			.class = rows[i].class,
			.letter_id = 42,
			.attempt = rows[i].attempt,
			.deferrals = rows[i].deferrals,
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
		.class = CH_REPLY_POLICY, .attempt = 1,
		.first_at_us = START, .now_us = START,
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

static void replies(void **state)
{
	static const struct {
		uint32_t code;
		const char *status, *reply;
		enum ch_reply_class class;
	} rows[] = {
		{ 0, "", "", CH_REPLY_CONNECTION },
		{ 0, "4.7.1", "closed", CH_REPLY_CONNECTION },
		{ 421, "", "421 Service not available", CH_REPLY_BUSY },
		{ 421, "4.3.2", "421 4.3.2 shutting down", CH_REPLY_BUSY },
		{ 421, "4.7.0", "421 4.7.0 unusual rate of mail",
		  CH_REPLY_POLICY },
		{ 450, "4.7.1", "450 4.7.1 come again", CH_REPLY_POLICY },
		{ 450, "4.2.0", "450 4.2.0 <a@b.example>: Recipient address "
				"rejected: Greylisted", CH_REPLY_POLICY },
		{ 451, "", "451 GreyListing in action", CH_REPLY_POLICY },
		{ 451, "4.3.2", "451 4.3.2 Please try again in 240 seconds",
		  CH_REPLY_POLICY },
		{ 451, "", "451 Temporary local problem - please try later",
		  CH_REPLY_OTHER },
		{ 452, "4.2.2", "452 4.2.2 over quota", CH_REPLY_MAILBOX },
		{ 450, "4.2.1", "450 4.2.1 receiving too fast",
		  CH_REPLY_MAILBOX },
		{ 452, "", "452 Mailbox full", CH_REPLY_MAILBOX },
		{ 452, "4.5.3", "452 4.5.3 too many recipients",
		  CH_REPLY_OTHER },
		{ 452, "4.3.1", "452 4.3.1 mailbox full of other things",
		  CH_REPLY_OTHER },
		{ 451, "4.70.1", "", CH_REPLY_OTHER },
		{ 451, "4.7", "", CH_REPLY_OTHER },
		{ 451, "", "", CH_REPLY_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		enum ch_reply_class class =
			ch_reply_classify(rows[i].code,
					  ch_slice_of(rows[i].status),
					  ch_slice_of(rows[i].reply));

		if (class != rows[i].class)
			fail_msg("%u %s: %d", rows[i].code, rows[i].reply,
				 (int)class);
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

static void connections_in_a_worker(void **state)
{
	static const struct {
		size_t connections, processors, each;
	} rows[] = {
		{ 1, 2, 1 },   { 4, 2, 4 },   { 7, 2, 4 },   { 8, 2, 4 },   { 9, 2, 5 },
		{ 16, 2, 8 },  { 16, 1, 16 }, { 32, 2, 16 }, { 32, 4, 8 },
		{ 32, 64, 4 }, { 64, 2, 16 }, { 64, 6, 11 }, { 64, 1, 16 },
		{ 5, 0, 3 },   { 0, 2, 1 },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++)
		assert_int_equal(ch_lines_each(rows[i].connections,
					       rows[i].processors),
				 rows[i].each);
}

static void too_many_addresses(void **state)
{
	static const struct {
		uint32_t code;
		const char *status, *reply;
		bool too_many;
	} rows[] = {
		{ 452, "4.5.3", "Error: too many recipients", true },
		{ 452, "", "too many recipients", true },
		{ 452, "", "", true },
		{ 452, "4.3.1", "Insufficient system storage", false },
		{ 452, "4.2.2", "Mailbox full", false },
		{ 451, "4.5.3", "later", true },
		{ 552, "5.5.3", "Too many recipients", true },
		{ 552, "", "Too MANY recipients", true },
		{ 552, "", "Quota exceeded", false },
		{ 552, "5.2.2", "too many recipients", false },
		{ 550, "5.5.3", "no more", true },
		{ 550, "", "too many recipients", false },
		{ 450, "", "too many recipients", false },
		{ 250, "2.5.3", "", false },
		{ 0, "", "", false },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++)
		assert_int_equal(
			ch_reply_is_too_many(rows[i].code,
					     ch_slice_of(rows[i].status),
					     ch_slice_of(rows[i].reply)),
			rows[i].too_many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_many_addresses),
		cmocka_unit_test(retries),
		cmocka_unit_test(retries_are_spread_and_fixed),
		cmocka_unit_test(replies),
		cmocka_unit_test(rests),
		cmocka_unit_test(connections_in_a_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
