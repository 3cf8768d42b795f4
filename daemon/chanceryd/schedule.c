// SPDX-License-Identifier: GPL-3.0-or-later
/* schedule.c - see schedule.h. */
#include "chanceryd/schedule.h"

#include <string.h>

#include "base/mem.h"

#define FEW_LINES 4
#define MANY_LINES 16 /* more take more than 16 MiB of memory */

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
	const struct ch_retry_delays *delays = &schedule->delays[retry->class];
	int64_t ends_us = retry->first_at_us + schedule->max_age_ms * 1000;
	size_t step = retry->deferrals;
	int64_t at_us = retry->now_us;

	if (retry->now_us >= ends_us && retry->attempt > 1)
		return false;
	if (step >= delays->len)
		step = delays->len - 1;
	at_us += 1000 * with_jitter(delays->ms[step],
				    (uint64_t)retry->letter_id << 16 ^
					    retry->attempt);
	if (at_us > ends_us && retry->now_us < ends_us)
		at_us = ends_us;
	*ret_at_us = at_us;
	return true;
}

/* ---- what a reply means ----------------------------------------------- */

/* Postgrey says 450 4.2.0, others 451 4.7.1, 451 4.3.2 or no enhanced code. */
static const char *const greylists[] = {
	"greylist", "graylist", "grey-list", "gray-list", "grey list",
	"gray list", "try again in ", "temporarily rejected",
	"temporarily deferred",
};

/* Where there is no enhanced code. */
static const char *const full[] = {
	"mailbox full", "mailbox is full", "over quota", "quota exceeded",
	"exceeded storage",
};

static bool has_any(struct ch_slice text, const char *const *words, size_t len)
{
	CH_AUTOCHAR copy = ch_slice_dup(text);

	for (size_t i = 0; i < len; i++)
		if (strcasestr(copy, words[i]))
			return true;
	return false;
}

/* Whether the enhanced code is 4.`subject`.z. */
static bool is_about(struct ch_slice status, char subject)
{
	return status.len > 3 && memcmp(status.data, "4.", 2) == 0 &&
	       status.data[2] == subject && status.data[3] == '.';
}

enum ch_reply_class ch_reply_classify(uint32_t code, struct ch_slice status,
				      struct ch_slice reply)
{
	if (code == 0)
		return CH_REPLY_CONNECTION;
	if (is_about(status, '7') ||
	    has_any(reply, greylists, CH_COUNT(greylists)))
		return CH_REPLY_POLICY;
	if (is_about(status, '2') ||
	    (status.len == 0 && has_any(reply, full, CH_COUNT(full))))
		return CH_REPLY_MAILBOX;
	return code == 421 ? CH_REPLY_BUSY : CH_REPLY_OTHER;
}

bool ch_reply_is_too_many(uint32_t code, struct ch_slice status,
			  struct ch_slice reply)
{
	static const char *const too_many[] = { "too many recipient" };

	if (code < 400)
		return false;
	if (status.len > 0)
		return status.len == 5 && memcmp(status.data + 1, ".5.3", 4) == 0;
	return code == 452 ||
	       (code == 552 && has_any(reply, too_many, CH_COUNT(too_many)));
}

/* ---- rest ------------------------------------------------------------- */

size_t ch_lines_each(size_t connections, size_t processors)
{
	size_t workers = (connections + FEW_LINES - 1) / FEW_LINES;
	size_t each;

	if (workers > processors && processors > 0)
		workers = processors;
	if (workers == 0)
		return 1;
	each = (connections + workers - 1) / workers;
	return each < MANY_LINES ? each : MANY_LINES;
}

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
