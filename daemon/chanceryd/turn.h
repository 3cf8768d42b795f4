/* SPDX-License-Identifier: GPL-3.0-or-later */
/* turn.h - one transaction a turn, and nothing leaves before its commit.
 *
 *	handler, handler, handler …   each opens the turn before its first change
 *	    dispatch                  new letters for workers that want some
 *	    COMMIT                    one fsync for all of them
 *	    out                       frames to workers, then what was to be
 *	                              logged, callbacks, events to those who follow
 *
 * The end of a turn is an event source of the lowest priority: as long as
 * something has come in that can be read, it is drained first, so many letters
 * share an fsync and nobody waits for a timer. What nobody waits for (a result,
 * while its worker has another letter in hand) joins the turn of the next one
 * who does; CH_TURN_LINGER_MS later it has one of its own. A turn that has lasted for
 * CH_TURN_MAX_MS ends before anything else is read, so that a worker that never
 * stops talking cannot keep the others waiting.
 *
 * Where a storage error comes, ch_room_fail() ends the process: what was
 * appended to a channel in that turn is never written.
 */
#ifndef CH_CHANCERYD_TURN_H
#define CH_CHANCERYD_TURN_H

#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "chanceryd/log.h"
#include "chanceryd/mailroom.h"

#define CH_TURN_MAX_MS 20
#define CH_TURN_LINGER_MS 5
#define CH_TURN_SETTLE_MS 1000 /* then the database file has it, too */
#define CH_TURN_PRIORITY 1000 /* of its end; handlers have 0 */

struct ch_turn; /* opaque; room->turn */

int ch_turn_new(struct ch_mailroom *room, struct ch_turn **ret,
		struct ch_error *err);
void ch_turn_free(struct ch_turn *turn); /* NULL is fine */

/* Call before the first change of a handler: begins the turn's transaction
 * where none is open. Cheap when one is. Returns the time to write into rows,
 * the same in the whole turn (µs since 1970). */
int64_t ch_turn_open(struct ch_mailroom *room);

/* The same for a change that nobody waits for. */
int64_t ch_turn_join(struct ch_mailroom *room);
/* What was asked for in this turn is wanted, but not at once. */
void ch_turn_linger(struct ch_mailroom *room);

/* See that the turn ends soon, whether or not it changes anything: for what was
 * appended to a channel, or a callback. */
void ch_turn_due(struct ch_mailroom *room);

/* A line of the journal about what this turn does; written after its commit.
 */
void ch_turn_log(struct ch_mailroom *room, int priority,
		 const struct ch_log_fields *fields, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* End it now: what the loop does by itself. For the end of the program. */
void ch_turn_end(struct ch_mailroom *room);

uint64_t ch_turn_commits(const struct ch_turn *turn);

#endif
