/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decisions.h - a person's decision on all letters of a batch: the first ones
 * at once, the rest as a chore; those in doubt all at once.
 *
 * What a batch's cancelling has left is found again at a start. Other decisions
 * are begun anew by whoever made them: they say how many are left to move.
 */
#ifndef CH_CHANCERYD_DECISIONS_H
#define CH_CHANCERYD_DECISIONS_H

#include <stdint.h>

#include "store/store.h"

struct ch_mailroom;

/* Move all letters of the batch from `from` to `to`, with one event
 * "batch.<verb>" of `who` that counts them. Returns their number; where it is
 * a chore, the number of letters in that state. Storage errors end the daemon.
 */
int64_t ch_decision(struct ch_mailroom *room, int64_t batch_id,
		    enum ch_state from, enum ch_state to, const char *verb,
		    const char *who);

/* At the start: go on with batches that were being cancelled. */
void ch_decisions_resume(struct ch_mailroom *room);

#endif
