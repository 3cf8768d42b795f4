/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relays.h - the relays of the configuration: how many workers each has, at
 * what pace it may be used, and whether it rests after a fault.
 */
#ifndef CH_CHANCERYD_RELAYS_H
#define CH_CHANCERYD_RELAYS_H

#include <stddef.h>

#include "base/error.h"

struct ch_mailroom;
struct ch_relay_state; /* mailroom.h */
struct ch_relays;      /* opaque; room->relays */

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

#endif
