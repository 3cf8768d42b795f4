/* SPDX-License-Identifier: GPL-3.0-or-later */
/* opening.h - whether the mail room is within its hours (hours.h), and until
 * when. Outside of them nothing is claimed; what is under way finishes.
 */
#ifndef CH_CHANCERYD_OPENING_H
#define CH_CHANCERYD_OPENING_H

#include <stdbool.h>
#include <stdint.h>

struct ch_hours; /* hours.h */
struct ch_mailroom;

/* Worked out once, and true from `from_us` until before `until_us`. */
struct ch_opening {
	bool known;
	bool open;
	int64_t from_us;
	int64_t until_us; /* INT64_MAX: no change in sight */
};

/* Whether it is open by `hours` at `now_us`; true where there are none. *opening
 * is what was worked out before, and false in *ret_changed that it still holds.
 */
bool ch_opening_of(const struct ch_hours *hours, struct ch_opening *opening,
		   int64_t now_us, bool *ret_changed);
/* In the journal: letters may go, or wait, until when; of a relay, or of all
 * (NULL). */
void ch_opening_say(struct ch_mailroom *room, const struct ch_opening *opening,
		    const char *relay);

/* Whether letters may go at `now_us`. A change is logged. */
bool ch_opening_is(struct ch_mailroom *room, int64_t now_us);
/* When that changes, after ch_opening_is(); INT64_MAX: not in sight. */
int64_t ch_opening_until_us(const struct ch_mailroom *room);
/* room->config is another one. */
void ch_opening_forget(struct ch_mailroom *room);

#endif
