/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dispatch.h - which letters go next.
 *
 * In memory there is, of each batch that has something queued, when the next
 * of it is due: nothing of the letters. When workers want some, the batches of
 * the highest priority that are due take turns, and as many letters are claimed
 * as can be handed over at once. A timer waits for the earliest that is not due
 * yet.
 *
 * Workers hold a few letters ahead. Where a person gives a batch another
 * priority, or one of a high priority may go for the first time, they give back
 * what is to go later: after that, no more than the letter which a connection
 * has begun goes before it.
 */
#ifndef CH_CHANCERYD_DISPATCH_H
#define CH_CHANCERYD_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct ch_dispatch; /* opaque; room->dispatch */
struct ch_mailroom;

/* A batch that has letters queued or under way. */
struct ch_active_batch {
	int64_t id;
	char *reference;  /* owned */
	int64_t date_us;  /* of its letters */
	bool open;        /* letters of it may go */
	bool cancelled;   /* none will go again */
	int64_t due_us;   /* the next queued one; INT64_MAX: none */
	int64_t wait_ms;  /* its pace: none before; monotonic */
	int priority;     /* higher goes first; equal ones take turns */
	struct ch_gate *gate; /* owned; NULL: as fast as it goes (gate.h) */
	bool look;        /* ask the store again before the turn ends */
	bool fresh;       /* of another priority, or not due when it was looked
			     at; and not seen to be due since */
	unsigned int under_way; /* letters that point here */
};

/* Looks at every batch of the store once. */
int ch_dispatch_new(struct ch_mailroom *room, struct ch_dispatch **ret,
		    struct ch_error *err);
void ch_dispatch_free(struct ch_dispatch *dispatch); /* NULL is fine */

/* Something of this batch may have become due, or no longer be: it was
 * published, released, paused, resumed, cancelled, retried, resolved. Looked at
 * in this turn, before its commit; what is under way and has no "go" yet is
 * called back where the batch is no longer open. */
void ch_dispatch_batch(struct ch_mailroom *room, int64_t batch_id);
/* A worker wants letters, or the mail room was resumed: claim before the end
 * of this turn. */
void ch_dispatch_kick(struct ch_mailroom *room);
/* The same where the worker has something in hand: with the next turn. */
void ch_dispatch_want(struct ch_mailroom *room);

/* NULL where nothing of it is queued or under way. */
struct ch_active_batch *ch_dispatch_find(struct ch_mailroom *room,
					 int64_t batch_id);

/* A letter of the batch is queued again and due then. */
void ch_dispatch_due(struct ch_mailroom *room, struct ch_active_batch *batch,
		     int64_t at_us);

/* By the turn, before its commit. */
void ch_dispatch_run(struct ch_mailroom *room);

#endif
