/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hours.h - when letters may go: weekdays, hours and holidays in a time zone.
 *
 * What counts is what the clock on the wall shows there. When an hour comes
 * twice, in autumn, a window within it is open twice; one within the hour that
 * is left out in spring does not open on that day, and one that begins in it
 * opens when the clock goes on. No local time is ever turned into UTC, which
 * could be done in two ways or none: moments are, with the offset that holds
 * there.
 */
#ifndef CH_CHANCERYD_HOURS_H
#define CH_CHANCERYD_HOURS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"
#include "base/str.h"

struct ch_zone; /* zone.h */

struct ch_hours_window {
	unsigned int days; /* bit 0 Monday … bit 6 Sunday: when it begins */
	int32_t from_s;    /* of the day; 0 to 86400 */
	int32_t to_s;      /* not after from_s: of the day after */
};

struct ch_hours {
	struct ch_hours_window *windows; /* owned; none: always open */
	size_t len;
	int32_t *holidays; /* owned: days since 1970 on which no window
			      begins, in order */
	size_t holidays_len, holidays_cap;
	struct ch_zone *zone; /* owned */
};
void ch_hours_release(struct ch_hours *hours);

bool ch_hours_open(const struct ch_hours *hours, int64_t at_us);
/* The first moment from `at_us` on at which it is open, or is not: `at_us`
 * where it is so then. INT64_MAX: not within CH_HOURS_DAYS. */
#define CH_HOURS_DAYS 800
int64_t ch_hours_next_us(const struct ch_hours *hours, int64_t at_us,
			 bool open);

/* ---- read what a person wrote ----------------------------------------- */

/* "Mon-Fri", "Mon,Wed,Sat-Sun". Returns 0, or -1. */
int ch_hours_parse_days(const char *text, unsigned int *ret);
/* "08:00", "08:00:30", "24:00": seconds of the day. Returns 0, or -1. */
int ch_hours_parse_time(const char *text, int32_t *ret_s);
/* "2026-12-25". Returns 0 and adds it, or -1. */
int ch_hours_add_holiday(struct ch_hours *hours, struct ch_slice text);
/* A date on each line, a comment behind "#". What is wrong goes to *problems
 * with its line and column in the file called `shown`. */
void ch_hours_add_file(struct ch_hours *hours, struct ch_slice text,
		       const char *shown, struct ch_problems *problems);
/* Once all of them are there. */
void ch_hours_sort(struct ch_hours *hours);

#endif
