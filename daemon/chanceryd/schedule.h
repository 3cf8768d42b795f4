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

#include "base/str.h"

/* ---- when to try a letter again --------------------------------------- */

/* Why a letter goes back to the queue: what it waits for. */
enum ch_reply_class {
	CH_REPLY_CONNECTION, /* nothing was said of this letter: the connection
				or the relay failed, and its rest is enough */
	CH_REPLY_BUSY,       /* 421: it cannot take any more just now */
	CH_REPLY_POLICY,     /* 4.7.z, greylisting: it wants us to come again */
	CH_REPLY_MAILBOX,    /* 4.2.z: a person has to empty it */
	CH_REPLY_OTHER,      /* any other 4yz */
	CH_REPLY_CLASSES
};

/* `code` 0: no reply. `status` is the enhanced code (RFC 3463) or empty,
 * `reply` the text, with or without both codes before it. A greylist is known
 * by its text, whatever code it has; then the enhanced code says more than the
 * code. */
enum ch_reply_class ch_reply_classify(uint32_t code, struct ch_slice status,
				      struct ch_slice reply);

/* Whether this refusal of one address means that its message has too many of
 * them: x.5.3 (RFC 3463 section 3.6), or 452, or 552 that says so (RFC 5321
 * section 4.5.3.1.10). A 452 without a status may mean the server's storage;
 * who asks knows that other addresses of the message were taken. */
bool ch_reply_is_too_many(uint32_t code, struct ch_slice status,
			  struct ch_slice reply);

struct ch_retry_delays {
	int64_t *ms; /* the last one goes on */
	size_t len;  /* at least 1 */
};

struct ch_retry_schedule {
	struct ch_retry_delays delays[CH_REPLY_CLASSES];
	int64_t max_age_ms; /* of a letter, from its first attempt */
};

struct ch_retry {
	enum ch_reply_class class;
	int64_t letter_id;
	uint32_t attempt;    /* the one that ended, from 1 */
	uint32_t deferrals;  /* replies of 4yz before this one: the place in the
				delays. A connection that failed is none. */
	int64_t first_at_us; /* when the first attempt began */
	int64_t now_us;
};

/* When to try again. Returns true and *ret_at_us, or false: the letter is too
 * old and has failed.
 *
 * It waits for the delay of its class and up to an eighth more, fixed by the
 * letter's id and attempt: never less than a greylist asks for, and letters that
 * were deferred together do not come back together. The last try is at the end
 * of its age, not before it; and a letter never fails by age before its second
 * attempt, so that a clock that jumped by years at the first one costs
 * nothing. */
bool ch_schedule_retry(const struct ch_retry_schedule *schedule,
		       const struct ch_retry *retry, int64_t *ret_at_us);

/* ---- how many connections a worker has -------------------------------- */

/* Of so many in all, where nobody says: a process of its own for each four of
 * them, but no more processes than there are processors, and no more than 16 in
 * one. */
size_t ch_lines_each(size_t connections, size_t processors);

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
