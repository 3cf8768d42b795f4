// SPDX-License-Identifier: GPL-3.0-or-later
/* schedule.c - see schedule.h. */
#include "chanceryd/schedule.h"

#define UNIT 60000 /* credit of one letter: per_minute a millisecond fills it */

/* Bits that differ for every seed (splitmix64, public domain). */
static uint64_t scatter(uint64_t seed)
{
	seed += 0x9E3779B97F4A7C15u;
	seed = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9u;
	seed = (seed ^ seed >> 27) * 0x94D049BB133111EBu;
	return seed ^ seed >> 31;
}

/* `delay` and up to an eighth more. */
static int64_t with_jitter(int64_t delay, uint64_t seed)
{
	return delay + (int64_t)(scatter(seed) % (uint64_t)(delay / 8 + 1));
}

bool ch_schedule_retry(const struct ch_retry_schedule *schedule,
		       const struct ch_retry *retry, int64_t *ret_at_us)
{
	int64_t ends_us = retry->first_at_us + schedule->max_age_ms * 1000;
	size_t step = retry->attempt > 0 ? retry->attempt - 1 : 0;
	int64_t at_us = retry->now_us;

	if (retry->now_us >= ends_us && retry->attempt > 1)
		return false;
	if (step >= schedule->delays_len)
		step = schedule->delays_len - 1;
	if (retry->reason == CH_RETRY_DEFERRED)
		at_us += 1000 * with_jitter(schedule->delays_ms[step],
					    (uint64_t)retry->letter_id << 16 ^
						    retry->attempt);
	if (at_us > ends_us && retry->now_us < ends_us)
		at_us = ends_us;
	*ret_at_us = at_us;
	return true;
}

/* ---- pace ------------------------------------------------------------- */

static int64_t full(const struct ch_pace *pace)
{
	return (int64_t)pace->burst * UNIT;
}

void ch_pace_start(const struct ch_pace *pace, int64_t now_ms,
		   struct ch_pace_state *ret)
{
	ret->credit = full(pace);
	ret->at_ms = now_ms;
}

uint32_t ch_pace_may(const struct ch_pace *pace, struct ch_pace_state *state,
		     int64_t now_ms)
{
	int64_t passed_ms = now_ms - state->at_ms;

	if (pace->per_minute == 0)
		return UINT32_MAX;
	if (passed_ms > 0) {
		/* Past what fills the bucket more time adds nothing. */
		if (passed_ms > full(pace) / pace->per_minute)
			passed_ms = full(pace) / pace->per_minute + 1;
		state->credit += passed_ms * pace->per_minute;
		state->at_ms = now_ms;
	}
	if (state->credit > full(pace))
		state->credit = full(pace);
	return (uint32_t)(state->credit / UNIT);
}

void ch_pace_took(const struct ch_pace *pace, struct ch_pace_state *state,
		  uint32_t letters)
{
	if (pace->per_minute > 0)
		state->credit -= (int64_t)letters * UNIT;
}

int64_t ch_pace_next_ms(const struct ch_pace *pace,
			const struct ch_pace_state *state, int64_t now_ms)
{
	int64_t missing = UNIT - state->credit;

	if (pace->per_minute == 0 || missing <= 0)
		return now_ms;
	return now_ms + (missing + pace->per_minute - 1) / pace->per_minute;
}

/* ---- rest ------------------------------------------------------------- */

int64_t ch_rest_ms(uint32_t failures, uint64_t seed)
{
	int64_t rest_ms = CH_REST_FIRST_MS;

	if (failures == 0)
		return 0;
	while (--failures > 0 && rest_ms < CH_REST_MAX_MS)
		rest_ms *= 2;
	if (rest_ms > CH_REST_MAX_MS)
		rest_ms = CH_REST_MAX_MS;
	return with_jitter(rest_ms, seed);
}

uint32_t ch_rest_failures(uint32_t before, int64_t lived_ms)
{
	if (lived_ms >= CH_REST_WELL_MS)
		return 1;
	return before < UINT32_MAX ? before + 1 : before;
}
