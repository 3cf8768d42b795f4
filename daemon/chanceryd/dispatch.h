/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dispatch.h - which letters go next.
 *
 * In memory there is, of each batch that has something queued, when the next
 * of it is due: nothing of the letters. When workers want some, batches that
 * are due take turns, and as many letters are claimed as can be handed over at
 * once. A timer waits for the earliest that is not due yet.
 */
#ifndef CH_CHANCERYD_DISPATCH_H
#define CH_CHANCERYD_DISPATCH_H

#include <stdint.h>

#include "base/error.h"

struct ch_dispatch; /* opaque; room->dispatch */
struct ch_mailroom;

/* Looks at every batch of the store once. */
int ch_dispatch_new(struct ch_mailroom *room, struct ch_dispatch **ret,
		    struct ch_error *err);
void ch_dispatch_free(struct ch_dispatch *dispatch); /* NULL is fine */

/* Something of this batch may have become due, or no longer be: it was
 * published, released, paused, resumed, cancelled, retried, resolved. Looked at
 * in this turn, before its commit. */
void ch_dispatch_batch(struct ch_mailroom *room, int64_t batch_id);
/* A letter of the batch is queued again and due then: no need to look. */
void ch_dispatch_due(struct ch_mailroom *room, int64_t batch_id,
		     int64_t at_us);
/* A worker wants letters, or the mail room was resumed: claim before the end
 * of this turn. */
void ch_dispatch_kick(struct ch_mailroom *room);

/* By the turn, before its commit. */
void ch_dispatch_run(struct ch_mailroom *room);

#endif
