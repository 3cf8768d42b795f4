/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relays.h - the relays of the configuration: how many workers each has, at
 * what pace it may be used, and whether it rests after a fault.
 *
 * A relay that failed rests, 1 second first and 5 minutes in the end, and is
 * then tried with a single letter: the rest of its workers wait until it has
 * answered.
 */
#ifndef CH_CHANCERYD_RELAYS_H
#define CH_CHANCERYD_RELAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ch_mailroom;
struct ch_relay_state; /* mailroom.h */
struct ch_relays;      /* opaque; room->relays */
struct ch_sender;      /* sending.h */

/* Read room->config; workers start when there is something to send. */
int ch_relays_new(struct ch_mailroom *room, struct ch_relays **ret,
		  struct ch_error *err);
void ch_relays_free(struct ch_relays *relays); /* NULL is fine */

/* room->config is another one: relays that changed get new workers, once the
 * old ones have finished what they hold; those that are gone are closed. */
void ch_relays_reload(struct ch_mailroom *room);
/* Every worker finishes the letter under way and ends. */
void ch_relays_stop(struct ch_mailroom *room);

/* Borrowed until the end of the turn. */
const struct ch_relay_state *ch_relays_state(struct ch_mailroom *room,
					     size_t *ret_len);

/* ---- for dispatch ----------------------------------------------------- */

/* Whether a relay that may be used has fewer workers than connections. */
bool ch_relays_understaffed(const struct ch_mailroom *room);
/* See that there are workers for so many letters, as far as connections go. */
void ch_relays_staff(struct ch_mailroom *room, uint64_t letters);
/* How many letters can be handed over now. Where a relay rests or keeps a pace,
 * dispatch is kicked when it can take one. */
size_t ch_relays_room(struct ch_mailroom *room);
/* A worker that takes the next one: of the relay with most room, the one with
 * fewest letters; NULL: none. Counts the letter as taken. */
struct ch_sender *ch_relays_take(struct ch_mailroom *room);

#endif
