// SPDX-License-Identifier: GPL-3.0-or-later
/* schedule.c - see schedule.h. */
#include "chanceryd/schedule.h"

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
