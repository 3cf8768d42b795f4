// SPDX-License-Identifier: GPL-3.0-or-later
/* test-pace.c - letters in a second, a minute, an hour and a day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "chanceryd/pace.h"

#define MINUTE 60000LL /* ms */
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define Y2038_US 2147483648000000LL

struct step {
	const char *name;
	int64_t now_ms;
	uint32_t may, take;
	int64_t next_ms; /* after taking */
};

static void go(const struct ch_pace *pace, int64_t start_ms,
	       const struct step *steps, size_t len)
{
	struct ch_pace_state state;

	ch_pace_start(pace, start_ms, &state);
	for (size_t i = 0; i < len; i++) {
		uint32_t may = ch_pace_may(pace, &state, steps[i].now_ms);
		int64_t next_ms;

		ch_pace_took(pace, &state, steps[i].take);
		next_ms = ch_pace_next_ms(pace, &state, steps[i].now_ms);
		if (may != steps[i].may || next_ms != steps[i].next_ms)
			fail_msg("%s: %u may, next at %lld", steps[i].name,
				 may, (long long)next_ms);
	}
}

static void a_minute(void **state)
{
	static const struct ch_pace slow = { .per_minute = 30, .burst = 5 };
	static const struct step steps[] = {
		{ "the burst at once", 1000, 5, 5, 3000 },
		{ "none yet", 2999, 0, 0, 3000 },
		{ "the first one", 3000, 1, 1, 5000 },
		{ "half of one is kept", 8000, 2, 2, 9000 },
		{ "as it was promised", 9000, 1, 1, 11000 },
		{ "the clock goes back", 4000, 0, 0, 11000 },
		{ "a year later: a burst", 31536000000, 5, 4, 31536000000 },
		{ "the fifth of it", 31536000000, 1, 1, 31536002000 },
	};

	(void)state;
	go(&slow, 1000, steps, CH_COUNT(steps));
}

static void a_second(void **state)
{
	static const struct ch_pace four = { .per_second = 4, .burst = 10 };
	static const struct step steps[] = {
		{ "no more than a second's", 0, 4, 4, 250 },
		{ "one", 250, 1, 1, 500 },
		{ "two", 750, 2, 2, 1000 },
	};

	(void)state;
	go(&four, 0, steps, CH_COUNT(steps));
}

/* 100 may go at once, and come back an hour later, in parts of 2.5 minutes. */
static void an_hour(void **state)
{
	static const struct ch_pace hundred = { .per_hour = 100, .burst = 1 };
	static const struct step steps[] = {
		{ "all of them", 0, 100, 40, 0 },
		{ "what is left", 59 * MINUTE, 60, 60, 62 * MINUTE + 30000 },
		{ "the part has not ended", HOUR, 0, 0, 62 * MINUTE + 30000 },
		{ "those of the first part", 62 * MINUTE + 30000, 40, 40,
		  120 * MINUTE },
		{ "those of its end", 120 * MINUTE, 60, 0, 120 * MINUTE },
		{ "long after", 40 * DAY, 100, 100,
		  40 * DAY + 62 * MINUTE + 30000 },
	};

	(void)state;
	go(&hundred, 0, steps, CH_COUNT(steps));
}

static void all_have_to_allow(void **state)
{
	static const struct ch_pace pace = {
		.per_second = 2, .per_minute = 60, .per_hour = 5,
		.per_day = 7, .burst = 3,
	};
	static const struct step steps[] = {
		{ "the second's", 0, 2, 2, 500 },
		{ "the minute's", 1000, 2, 2, 2000 },
		{ "the hour's", MINUTE, 1, 1, 62 * MINUTE + 30000 },
		{ "the day's", 63 * MINUTE, 2, 2, 25 * HOUR },
		{ "a day later", 25 * HOUR, 2, 0, 25 * HOUR },
		{ "and two", 50 * HOUR, 2, 0, 50 * HOUR },
	};

	(void)state;
	go(&pace, 0, steps, CH_COUNT(steps));
}

static void at_the_edges(void **state)
{
	static const struct ch_pace none = { .burst = 1 };
	static const struct ch_pace most = {
		UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
	};
	static const struct ch_pace small = { .per_minute = 60, .burst = 2 };
	struct ch_pace_state bucket;

	(void)state;
	assert_false(ch_pace_is_set(&none));
	assert_true(ch_pace_is_set(&small));
	ch_pace_start(&none, 0, &bucket);
	assert_int_equal(ch_pace_may(&none, &bucket, 0), UINT32_MAX);
	ch_pace_took(&none, &bucket, 1000000);
	assert_int_equal(ch_pace_next_ms(&none, &bucket, 7), 7);

	ch_pace_start(&most, 0, &bucket);
	assert_int_equal(ch_pace_may(&most, &bucket, INT64_MAX), UINT32_MAX);
	ch_pace_took(&most, &bucket, UINT32_MAX);
	ch_pace_took(&most, &bucket, UINT32_MAX);
	assert_int_equal(ch_pace_may(&most, &bucket, INT64_MAX), 0);

	/* A smaller bucket after a reload holds no more than it can. */
	ch_pace_start(&most, 0, &bucket);
	assert_int_equal(ch_pace_may(&small, &bucket, 0), 2);
	assert_int_equal(ch_pace_may(&small, &bucket, DAY), 2);
}

/* A limit that comes or changes in the middle of a day. */
static void the_configuration_changes(void **state)
{
	static const struct ch_pace minute = { .per_minute = 600,
					       .burst = 100 };
	static const struct ch_pace day = { .per_day = 120, .burst = 1 };
	static const struct ch_pace less = { .per_day = 50, .burst = 1 };
	static const struct ch_pace second = { .per_second = 5, .burst = 5 };
	struct ch_pace_state bucket;

	(void)state;
	ch_pace_start(&minute, 0, &bucket);
	assert_int_equal(ch_pace_may(&minute, &bucket, 0), 100);
	ch_pace_took(&minute, &bucket, 100);
	assert_int_equal(ch_pace_may(&day, &bucket, 1), 20);
	assert_int_equal(ch_pace_may(&less, &bucket, 1), 0);
	assert_int_equal(ch_pace_next_ms(&less, &bucket, 1), 25 * HOUR);
	assert_int_equal(ch_pace_may(&second, &bucket, 1), 0);
	assert_int_equal(ch_pace_may(&second, &bucket, 201), 1);
}

/* Those that were taken and not tried. */
static void some_come_back(void **state)
{
	static const struct ch_pace pace = { .per_minute = 10, .per_day = 10,
					     .burst = 10 };
	struct ch_pace_state bucket;

	(void)state;
	ch_pace_start(&pace, 0, &bucket);
	ch_pace_took(&pace, &bucket, ch_pace_may(&pace, &bucket, 0));
	assert_int_equal(ch_pace_may(&pace, &bucket, 0), 0);
	ch_pace_back(&pace, &bucket, 3);
	assert_int_equal(ch_pace_may(&pace, &bucket, 0), 3);
	ch_pace_back(&pace, &bucket, 1000);
	assert_int_equal(ch_pace_may(&pace, &bucket, 0), 10);
	/* What was sent later is not forgotten with what came back. */
	ch_pace_took(&pace, &bucket, 5);
	assert_int_equal(ch_pace_may(&pace, &bucket, 12 * HOUR), 5);
	ch_pace_took(&pace, &bucket, 5);
	ch_pace_back(&pace, &bucket, 5);
	assert_int_equal(ch_pace_may(&pace, &bucket, 30 * HOUR), 5);
	assert_int_equal(ch_pace_may(&pace, &bucket, 37 * HOUR), 10);
}

/* What goes out is the pace, whatever the steps in which it is asked. */
static void over_an_hour(void **state)
{
	static const struct ch_pace pace = { .per_minute = 137, .burst = 10 };
	static const int64_t steps_ms[] = { 1, 7, 430, 999, 60000 };
	static const uint64_t sent_at_most = 137 * 60 + 10;

	(void)state;
	for (size_t i = 0; i < CH_COUNT(steps_ms); i++) {
		struct ch_pace_state bucket;
		uint64_t sent = 0;

		ch_pace_start(&pace, 0, &bucket);
		for (int64_t t = 0; t <= HOUR; t += steps_ms[i]) {
			uint32_t may = ch_pace_may(&pace, &bucket, t);

			ch_pace_took(&pace, &bucket, may);
			sent += may;
		}
		assert_true(sent <= sent_at_most);
		if (steps_ms[i] < 1000)
			assert_true(sent >= sent_at_most - 3);
	}
}

/* No hour of three has more than the limit, wherever it begins: letters of each
 * second, over a start at any place of a part. */
static void no_hour_has_more(void **state)
{
	static const struct ch_pace pace = { .per_minute = 90, .per_hour = 200,
					     .burst = 30 };
	static uint32_t sent[3 * 3600 + 1];
	struct ch_pace_state bucket;
	uint32_t in_an_hour = 0;

	(void)state;
	for (int64_t start_ms = 0; start_ms < 150000; start_ms += 17123) {
		ch_pace_start(&pace, start_ms, &bucket);
		in_an_hour = 0;
		for (size_t s = 0; s < CH_COUNT(sent); s++) {
			sent[s] = ch_pace_may(&pace, &bucket,
					      start_ms + (int64_t)s * 1000);
			ch_pace_took(&pace, &bucket, sent[s]);
			in_an_hour += sent[s];
			if (s >= 3600)
				in_an_hour -= sent[s - 3600];
			assert_true(in_an_hour <= 200);
		}
		assert_true(in_an_hour >= 190);
	}
}

/* ---- over a restart --------------------------------------------------- */

static void after_a_restart(void **state)
{
	static const struct ch_pace pace = {
		.per_minute = 60, .per_day = 1000, .burst = 500,
	};
	static const struct {
		const char *name;
		int64_t mono_ms, wall_us;
		uint32_t may;   /* a minute's credit of 100 is left */
		uint32_t today; /* of 1,000, 400 of them used */
	} rows[] = {
		{ "at once", 5000, 5000000, 100, 600 },
		{ "10 s later", 15000, 15000000, 110, 600 },
		{ "10 s later, the clock a day ahead", 15000,
		  15000000 + DAY * 1000, 110, 600 },
		{ "10 s later, the clock a day behind", 15000,
		  15000000 - DAY * 1000, 110, 600 },
		{ "10 s later, in 2038", 15000, Y2038_US, 110, 600 },
		{ "a day and an hour later", 5000 + 25 * HOUR,
		  5000000, 500, 1000 },
		{ "after a boot of 20 s", 3000, 25000000, 120, 600 },
		{ "after a boot, the clock behind", 3000, -DAY, 103, 600 },
		{ "after a boot and 23 hours", 700,
		  5000000 + 23 * HOUR * 1000, 500, 600 },
		{ "after a boot and 26 hours", 700,
		  5000000 + 26 * HOUR * 1000, 500, 1000 },
		{ "after a boot, the clock at 2038", 700, Y2038_US, 500,
		  1000 },
	};
	static const struct ch_pace only_day = { .per_day = 1000, .burst = 1 };
	CH_AUTO(ch_str) text = CH_STR_INIT(CH_PACE_TEXT_MAX);
	struct ch_pace_moment then = { 5000, 5000000 };
	struct ch_pace_state kept;

	(void)state;
	ch_pace_start(&pace, 5000, &kept);
	assert_int_equal(ch_pace_may(&pace, &kept, 5000), 500);
	ch_pace_took(&pace, &kept, 400);
	ch_pace_encode(&kept, &then, &text);
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_pace_moment now = { rows[i].mono_ms,
					      rows[i].wall_us };
		struct ch_pace_state again;
		uint32_t may, today;

		assert_int_equal(ch_pace_decode((struct ch_slice){ text.data,
								   text.len },
						&now, &again), 0);
		may = ch_pace_may(&pace, &again, now.mono_ms);
		today = ch_pace_may(&only_day, &again, now.mono_ms);
		if (may != rows[i].may || today != rows[i].today)
			fail_msg("%s: %u may, %u today", rows[i].name, may,
				 today);
	}
}

/* Kept and read after every letter, it is the same pace. */
static void kept_again_and_again(void **state)
{
	static const struct ch_pace pace = { .per_second = 3, .per_minute = 90,
					     .per_hour = 777, .burst = 4 };
	struct ch_pace_state plain, kept;

	(void)state;
	ch_pace_start(&pace, 0, &plain);
	kept = plain;
	for (int64_t t = 0; t < 2 * HOUR; t += 977) {
		CH_AUTO(ch_str) text = CH_STR_INIT(CH_PACE_TEXT_MAX);
		struct ch_pace_moment now = { t, t * 1000 };
		uint32_t may = ch_pace_may(&pace, &plain, t);

		assert_int_equal(ch_pace_may(&pace, &kept, t), may);
		ch_pace_took(&pace, &plain, may);
		ch_pace_took(&pace, &kept, may);
		ch_pace_encode(&kept, &now, &text);
		assert_false(text.full);
		assert_int_equal(ch_pace_decode((struct ch_slice){ text.data,
								   text.len },
						&now, &kept), 0);
	}
}

static void text_that_is_none(void **state)
{
	static const char *const rows[] = {
		"", " ", "a", "1 a", "1 2 3 4 5 6 7", "-1 2 3 4 5",
	};
	static const struct ch_pace pace = { .per_day = 3, .burst = 1 };
	struct ch_pace_moment now = { 0, 0 };
	CH_AUTO(ch_str) text = CH_STR_INIT(CH_PACE_TEXT_MAX);
	struct ch_pace_state kept, again = { .at_ms = 42 };

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++)
		assert_int_equal(ch_pace_decode(ch_slice_of(rows[i]), &now,
						&again), -1);
	ch_pace_start(&pace, 0, &kept);
	ch_pace_encode(&kept, &now, &text);
	/* Every shorter one, and every one with a byte that is no digit. */
	for (size_t len = 0; len < text.len; len++) {
		struct ch_slice cut = { text.data, len };
		char was = text.data[len];

		assert_int_equal(ch_pace_decode(cut, &now, &again), -1);
		if (len == 0)
			continue;
		text.data[len] = 'x';
		assert_int_equal(ch_pace_decode((struct ch_slice){ text.data,
								   text.len },
						&now, &again), -1);
		text.data[len] = was;
	}
	ch_str_add(&text, " 0");
	assert_int_equal(ch_pace_decode((struct ch_slice){ text.data,
							   text.len },
					&now, &again), -1);
	assert_int_equal(again.at_ms, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_minute),
		cmocka_unit_test(a_second),
		cmocka_unit_test(an_hour),
		cmocka_unit_test(all_have_to_allow),
		cmocka_unit_test(at_the_edges),
		cmocka_unit_test(the_configuration_changes),
		cmocka_unit_test(some_come_back),
		cmocka_unit_test(over_an_hour),
		cmocka_unit_test(no_hour_has_more),
		cmocka_unit_test(after_a_restart),
		cmocka_unit_test(kept_again_and_again),
		cmocka_unit_test(text_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
