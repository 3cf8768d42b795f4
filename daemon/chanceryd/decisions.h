/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decisions.h - a person's decision on all letters of a batch: the first ones
 * at once, the rest as a chore; those in doubt all at once.
 *
 * A start goes on with what a crash or a stop has left of them.
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

/* All letters of the batch that wait after a try are due now. Returns their
 * number; where it is a chore, that of the letters in the queue that were
 * tried. */
int64_t ch_decision_hurry(struct ch_mailroom *room, int64_t batch_id,
			  const char *verb, const char *who);

/* At the start: go on with those that were on their way. */
void ch_decisions_resume(struct ch_mailroom *room);

#endif
