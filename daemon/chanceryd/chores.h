/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chores.h - long work on the store, a piece at a time.
 *
 * To cancel a million letters takes half a minute. Nobody waits so long: a
 * chore does a piece whenever nothing else has come in, or when its turn comes,
 * and the turn's commit follows as ever. A crash leaves a chore where its last
 * commit was; who needs the rest done starts it again.
 */
#ifndef CH_CHANCERYD_CHORES_H
#define CH_CHANCERYD_CHORES_H

#include <stdbool.h>

#include "base/error.h"

struct ch_chores; /* opaque; room->chores */
struct ch_mailroom;

/* Do a piece of some milliseconds, in this turn. Returns whether there is
 * more; after a false it is not called again. */
typedef bool ch_chore(struct ch_mailroom *room, void *context);

int ch_chores_new(struct ch_mailroom *room, struct ch_chores **ret,
		  struct ch_error *err);
void ch_chores_free(struct ch_chores *chores); /* NULL is fine */

/* Begin one. `release` frees its context, once, when it is over or the room
 * closes; NULL: it is somebody else's. */
void ch_chore_add(struct ch_mailroom *room, ch_chore *chore, void *context,
		  void (*release)(void *context));

#endif
