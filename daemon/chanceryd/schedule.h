/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schedule.h - when to try again, how long a worker rests.
 *
 * Pure functions over values: the time is passed in, and so is what a clock
 * that jumps can do. Ages of letters are on the wall clock, since they outlive
 * the daemon; rests are on the monotonic one.
 */
#ifndef CH_CHANCERYD_SCHEDULE_H
#define CH_CHANCERYD_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- when to try a letter again --------------------------------------- */

struct ch_retry_schedule {
	const int64_t *delays_ms; /* borrowed; the last one goes on */
	size_t delays_len;        /* at least 1 */
	int64_t max_age_ms;       /* of a letter, from its first attempt */
};

enum ch_retry_reason {
	CH_RETRY_DEFERRED, /* the relay answered 4yz */
	CH_RETRY_UNTRIED,  /* nothing was said of this letter: the connection
			      or the relay failed, and its own rest is enough */
};

struct ch_retry {
	enum ch_retry_reason reason;
	int64_t letter_id;
	uint32_t attempt;    /* the one that ended, from 1 */
	int64_t first_at_us; /* when the first began */
	int64_t now_us;
};

/* When to try again. Returns true and *ret_at_us, or false: the letter is too
 * old and has failed.
 *
 * After a 4yz it waits for the delay of its attempt and up to an eighth more,
 * fixed by the letter's id and attempt: never less than a greylist asks for,
 * and letters that were deferred together do not come back together. The last
 * try is at the end of its age, not before it; and a letter never fails by age
 * before its second attempt, so that a clock that jumped by years at the first
 * one costs nothing. */
bool ch_schedule_retry(const struct ch_retry_schedule *schedule,
		       const struct ch_retry *retry, int64_t *ret_at_us);

/* ---- how long a worker rests ------------------------------------------ */

#define CH_REST_FIRST_MS 1000
#define CH_REST_MAX_MS (5 * 60 * 1000)
#define CH_REST_WELL_MS (60 * 1000)

/* A worker has ended, or a relay failed, `failures` times in a row, this one
 * included: wait 1 s, 2 s, 4 s … at most 5 minutes, and up to an eighth more
 * by `seed`. 0 failures: no wait. */
int64_t ch_rest_ms(uint32_t failures, uint64_t seed);
/* The failures in a row after one more: it begins anew when the worker had
 * lived for CH_REST_WELL_MS. */
uint32_t ch_rest_failures(uint32_t before, int64_t lived_ms);

#endif
