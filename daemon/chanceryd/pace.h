/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pace.h - how many letters may go in a second, a minute, an hour and a day.
 *
 * Each period that has a limit is a bucket of tokens, a letter takes one of
 * each, and all of them have to allow it. They fill in two ways:
 *
 *   second, minute   evenly: a token every 1/N of it, and at most `burst` lie
 *                    there. Letters go out smoothly.
 *   hour, day        a token comes back when its period is over: N letters may
 *                    go at once, and no hour (no day) has more than N, wherever
 *                    it begins. It is what a relay's contract says. The time is
 *                    kept in parts of 1/CH_PACE_PARTS of the period, and each
 *                    part comes back at the end of its last moment: later than
 *                    exact, never sooner.
 *
 * Pure functions over values. The time is that of the monotonic clock, so that
 * a wall clock which jumps changes nothing; the state may be kept as text, and
 * read again after a restart (ch_pace_decode). Used letters are counted, not
 * free ones: a limit may change at any time, and what was sent still counts.
 */
#ifndef CH_CHANCERYD_PACE_H
#define CH_CHANCERYD_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Letters; 0: no limit in that period. All 0: as fast as it goes. */
struct ch_pace {
	uint32_t per_second;
	uint32_t per_minute;
	uint32_t per_hour;
	uint32_t per_day;
	uint32_t burst; /* at least 1: what may lie in the buckets of second and
			   minute; of a second no more than per_second */
};

#define CH_PACE_PARTS 24 /* 2.5 minutes of an hour, an hour of a day */

/* What was used of a long period, part by part. */
struct ch_pace_used {
	int64_t part;    /* the newest, counted from the clock's 0 */
	uint32_t letters[CH_PACE_PARTS + 1]; /* of part p at p % (PARTS + 1) */
	uint64_t sum;
};

struct ch_pace_state {
	int64_t at_ms;  /* when the two credits were so */
	int64_t second; /* credit in 1/1,000 of a letter */
	int64_t minute; /* in 1/60,000 */
	struct ch_pace_used hour, day;
};

/* Whether there is a limit at all: without one no state is needed. */
bool ch_pace_is_set(const struct ch_pace *pace);

/* Nothing was used: the first `burst` letters may go at once. */
void ch_pace_start(const struct ch_pace *pace, int64_t now_ms,
		   struct ch_pace_state *ret);

/* How many letters may go now; UINT32_MAX without a limit. Where the clock goes
 * back, or `pace` has changed, it keeps what was used. */
uint32_t ch_pace_may(const struct ch_pace *pace, struct ch_pace_state *state,
		     int64_t now_ms);
/* That many went; no more than ch_pace_may() has just said. */
void ch_pace_took(const struct ch_pace *pace, struct ch_pace_state *state,
		  uint32_t letters);
/* So many that were taken did not go, and were not even tried. */
void ch_pace_back(const struct ch_pace *pace, struct ch_pace_state *state,
		  uint32_t letters);
/* When the next one may go: now_ms if one may. After ch_pace_may(). */
int64_t ch_pace_next_ms(const struct ch_pace *pace,
			const struct ch_pace_state *state, int64_t now_ms);

/* ---- kept in the store ------------------------------------------------ */

/* The moment at which a state is kept or read. */
struct ch_pace_moment {
	int64_t mono_ms;
	int64_t wall_us;
};

#define CH_PACE_TEXT_MAX 1024

/* One line of text into *out, which has room for CH_PACE_TEXT_MAX bytes. */
void ch_pace_encode(const struct ch_pace_state *state,
		    const struct ch_pace_moment *now, struct ch_str *out);

/* What ch_pace_encode() wrote, as it is now. Where the monotonic clock shows as
 * much as then, or more, it says how much time has passed, whatever the wall
 * clock did; after a boot, that is less than has passed, never more. Where it
 * shows less, there was a boot: the wall clock says how much, but at least the
 * time since the boot. Returns 0, or -1 where the text is none of ours, and
 * *ret is as it was. */
int ch_pace_decode(struct ch_slice text, const struct ch_pace_moment *now,
		   struct ch_pace_state *ret);

#endif
