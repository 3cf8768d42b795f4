// SPDX-License-Identifier: GPL-3.0-or-later
/* opening.c - see opening.h. */
#include "chanceryd/opening.h"

#include "base/clock.h"
#include "chanceryd/dispatch.h"
#include "chanceryd/room.h"

void ch_opening_say(struct ch_mailroom *room, const struct ch_opening *opening,
		    const char *relay)
{
	const char *over = relay ? " over relay " : "";
	char until[CH_RFC3339_SIZE];

	if (!relay)
		relay = "";
	if (opening->until_us == INT64_MAX)
		ch_turn_log(room, opening->open ? LOG_NOTICE : LOG_WARNING,
			    NULL, opening->open ?
				    "letters may go%s%s" :
				    "no letters go%s%s, and no hours are near "
				    "in which they may", over, relay);
	else
		ch_turn_log(room, LOG_NOTICE, NULL, "letters %s%s%s until %s",
			    opening->open ? "may go" : "wait", over, relay,
			    ch_clock_rfc3339(opening->until_us, until));
}

bool ch_opening_of(const struct ch_hours *hours, struct ch_opening *opening,
		   int64_t now_us, bool *ret_changed)
{
	bool said = opening->known;
	bool was = opening->open;

	*ret_changed = false;
	if (hours->len == 0)
		return true;
	if (opening->known && now_us >= opening->from_us &&
	    now_us < opening->until_us)
		return opening->open;
	opening->known = true;
	opening->open = ch_hours_open(hours, now_us);
	opening->from_us = now_us;
	opening->until_us = ch_hours_next_us(hours, now_us, !opening->open);
	*ret_changed = !said || was != opening->open;
	return opening->open;
}

/* A clock that goes back behind the last change makes it unknown. Then the timer
 * of dispatch waits for a time that is too late: whoever sees it first, such as
 * the metrics, wakes dispatch. */
bool ch_opening_is(struct ch_mailroom *room, int64_t now_us)
{
	struct ch_opening *opening = &room->opening;
	bool said = opening->known;
	bool changed;
	bool open = ch_opening_of(&room->config->sending.hours, opening,
				  now_us, &changed);

	if (changed)
		ch_opening_say(room, opening, NULL);
	if (changed && said)
		ch_dispatch_kick(room);
	return open;
}

int64_t ch_opening_until_us(const struct ch_mailroom *room)
{
	return room->config->sending.hours.len > 0 && room->opening.known ?
		       room->opening.until_us : INT64_MAX;
}

void ch_opening_forget(struct ch_mailroom *room)
{
	room->opening = (struct ch_opening){ 0 };
}
