/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relay-keep.h - what of a relay outlives a restart: what was used of its pace,
 * and whether a person paused it.
 *
 * Both are settings of the store, by the relay's name, and stay there where a
 * relay goes from the configuration: it may come back on the same day. What a
 * claim used of a pace is written in the transaction of the claim, so that no
 * crash gives a letter back; where no pace is configured nothing is written.
 */
#ifndef CH_CHANCERYD_RELAY_KEEP_H
#define CH_CHANCERYD_RELAY_KEEP_H

#include <stdbool.h>

#include "chanceryd/pace.h"

struct ch_mailroom;
struct ch_pace_config; /* config.h */

/* A pace and what was used of it. */
struct ch_paced {
	struct ch_pace pace;
	struct ch_pace_state state;
	bool begun;   /* `state` holds something */
	bool changed; /* since it was written */
};

/* The same as values of a pace. */
struct ch_pace ch_pace_of(const struct ch_pace_config *config);

/* From now on `pace` is that of `name` ("relay.main", "room"): read what
 * was used of it, the first time that there is a limit. */
void ch_paced_use(struct ch_mailroom *room, struct ch_paced *paced,
		  struct ch_pace pace, const char *name);
uint32_t ch_paced_may(struct ch_paced *paced, int64_t now_ms);
int64_t ch_paced_next_ms(const struct ch_paced *paced, int64_t now_ms);
void ch_paced_took(struct ch_paced *paced, uint32_t letters);
void ch_paced_back(struct ch_paced *paced, uint32_t letters);
/* Write it, where it changed, in this turn. */
void ch_paced_keep(struct ch_mailroom *room, struct ch_paced *paced,
		   const char *name);

/* Whether relay `name` was paused; and that it is, or no longer, in this turn,
 * with an event "relay.paused" or "relay.resumed" of `who`. */
bool ch_relay_was_paused(struct ch_mailroom *room, const char *name);
void ch_relay_keep_paused(struct ch_mailroom *room, const char *name,
			  bool paused, const char *who);

#endif
