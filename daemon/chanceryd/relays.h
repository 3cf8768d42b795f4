/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relays.h - the relays of the configuration: how many workers each has, which
 * of them gets the next letter, at what pace it may be used, and whether it
 * rests after a fault.
 *
 * A relay that failed rests, 1 second first (half a minute where it refused the
 * login) and 5 minutes in the end, and is then tried with a single letter: the
 * rest of its workers wait until it has answered. Meanwhile letters go to the
 * others. Among those that have room each gets its share by weight; a backup
 * gets letters only while each of the others is out of order, which is: it
 * failed and has not answered since, or a person has paused it. That the others
 * are busy, have used up their pace or are outside of their hours is no reason.
 */
#ifndef CH_CHANCERYD_RELAYS_H
#define CH_CHANCERYD_RELAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ch_account;     /* accounts.h */
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
/* There is another password in this account, or none any more. */
void ch_relays_account(struct ch_mailroom *room,
		       const struct ch_account *account);
/* Every worker finishes the letter under way and ends. */
void ch_relays_stop(struct ch_mailroom *room);

/* A person pauses relay `name` or lets it go on, in this turn: kept in the
 * store, with an event of `who`. What has no "go" yet is called back. Returns 1
 * when it changed, 0 where it was so, -1 where there is no such relay. */
int ch_relays_pause(struct ch_mailroom *room, const char *name, bool paused,
		    const char *who);

/* A person wants letters tried again: a relay that rests is tried now, with one
 * letter as ever. Returns whether one did. */
bool ch_relays_try(struct ch_mailroom *room);

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
/* Whether some relays may carry addresses that are not ASCII, and others not;
 * how many letters the former can take now; and the worker of one of them that
 * does, as ch_relays_take(). */
bool ch_relays_differ(const struct ch_mailroom *room);
size_t ch_relays_room_utf8(struct ch_mailroom *room);
struct ch_sender *ch_relays_take_utf8(struct ch_mailroom *room);
/* When the first relay that is outside of its hours opens; INT64_MAX: none. */
int64_t ch_relays_opening_us(const struct ch_mailroom *room);
/* A worker that takes the next one: of the relay whose turn it is, the one with
 * fewest letters; NULL: none. Counts the letter as taken. */
struct ch_sender *ch_relays_take(struct ch_mailroom *room);
/* Ask workers to give back what they hold of batches of a lower priority and
 * have not begun with: it comes back to the queue in a later turn. */
void ch_relays_recall(struct ch_mailroom *room, int priority);
/* What was taken is written, in this turn, where a pace is configured. */
void ch_relays_keep(struct ch_mailroom *room);

#endif
