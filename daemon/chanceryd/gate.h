/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate.h - how many letters of a batch may go now, and when it stops itself.
 *
 * A batch may have a pace of its own, and a canary: its first letters go, and
 * the others wait for what becomes of these. Where too many of the canary are
 * refused, or too many of the whole batch (sending.breaker), it is paused in
 * the turn of the result that says so, before any other dot is answered: what
 * is at its dot by then is finished, which is a letter for each connection.
 *
 * What must outlive a restart is in the store (struct ch_store_terms). A batch
 * without pace and canary has no gate, and costs nothing here unless a letter
 * of it is refused.
 */
#ifndef CH_CHANCERYD_GATE_H
#define CH_CHANCERYD_GATE_H

#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct ch_active_batch; /* dispatch.h */
struct ch_mailroom;

#define CH_ALARM_BATCH "alarm.batch"

struct ch_gate; /* opaque; batch->gate, NULL: no pace, no canary */

/* The batch was read from the store: its terms are these. */
void ch_gate_use(struct ch_mailroom *room, struct ch_active_batch *batch,
		 const struct ch_store_terms *terms);
/* Something has happened to it: a canary begins, or is judged anew. In a turn,
 * before ch_gate_next_due(). */
void ch_gate_look(struct ch_mailroom *room, struct ch_active_batch *batch);
void ch_gate_free(struct ch_gate *gate); /* NULL is fine */

/* When something of an open batch is due: a letter that may go, or the end of
 * the time in which a canary waits for bounces. */
int ch_gate_next_due(struct ch_mailroom *room,
		     const struct ch_active_batch *batch, int64_t *ret_us,
		     struct ch_error *err);

/* Set what a claim is bounded by. Returns how many letters may go, at most
 * `limit`; 0: not before batch->wait_ms. */
size_t ch_gate_room(struct ch_mailroom *room, struct ch_active_batch *batch,
		    size_t limit, int64_t now_us,
		    struct ch_store_claim *claim);
/* That many went; one that went was not tried after all. */
void ch_gate_took(struct ch_active_batch *batch, size_t letters);
void ch_gate_untried(struct ch_active_batch *batch);
/* Write what was used of the pace, where it changed. */
void ch_gate_keep(struct ch_mailroom *room, struct ch_active_batch *batch);

/* A letter's address has come to an end: `to` is where it is now. */
void ch_gate_result(struct ch_mailroom *room, struct ch_active_batch *batch,
		    int64_t letter_id, enum ch_state to);
/* A letter of the batch has come back for good, and that is proven. Nothing
 * where no more of it is to be sent. */
void ch_gate_bounced(struct ch_mailroom *room, int64_t batch_id);

#endif
