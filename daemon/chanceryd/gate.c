// SPDX-License-Identifier: GPL-3.0-or-later
/* gate.c - see gate.h. */
#include "chanceryd/gate.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "chanceryd/alarms.h"
#include "chanceryd/detail.h"
#include "chanceryd/dispatch.h"
#include "chanceryd/relay-keep.h"
#include "chanceryd/room.h"

#define AT_ONCE_MAX 100 /* letters, where a pace is that high */

struct ch_gate {
	struct ch_store_terms terms;
	struct ch_paced pace;
};

/* ---- its terms -------------------------------------------------------- */

static void save(struct ch_mailroom *room, const struct ch_active_batch *batch,
		 const struct ch_store_terms *terms)
{
	struct ch_error err;

	(void)ch_turn_open(room);
	if (ch_store_terms_set(room->store, batch->id, terms, &err) < 0)
		ch_room_fail(room, &err);
}

/* What its pace is called in the store; the caller's. */
static char *pace_name(const struct ch_active_batch *batch)
{
	return ch_xasprintf("batch.%lld", (long long)batch->id);
}

/* What may go in a second goes at once, and always one letter. */
static uint32_t burst_of(const struct ch_store_terms *terms)
{
	uint32_t burst = terms->per_second ? terms->per_second :
					     terms->per_minute / 60;

	if (burst < 1)
		return 1;
	return burst < AT_ONCE_MAX ? burst : AT_ONCE_MAX;
}

static struct ch_pace pace_of(const struct ch_store_terms *terms)
{
	return (struct ch_pace){
		.per_second = terms->per_second,
		.per_minute = terms->per_minute,
		.per_hour = terms->per_hour,
		.per_day = terms->per_day,
		.burst = burst_of(terms),
	};
}

static bool is_canary_ahead(const struct ch_store_terms *terms)
{
	return terms->canary > 0 && (terms->stage == CH_CANARY_NONE ||
				     terms->stage == CH_CANARY_SENDING ||
				     terms->stage == CH_CANARY_WAITING);
}

static void begin_canary(struct ch_mailroom *room,
			 struct ch_active_batch *batch)
{
	struct ch_store_terms *terms = &batch->gate->terms;
	struct ch_error err;

	if (ch_store_canary_begin(room->store, batch->id, terms, &err) < 0)
		ch_room_fail(room, &err);
	if (terms->stage != CH_CANARY_NONE)
		save(room, batch, terms);
}

void ch_gate_use(struct ch_mailroom *room, struct ch_active_batch *batch,
		 const struct ch_store_terms *terms)
{
	struct ch_pace pace = pace_of(terms);
	CH_AUTOCHAR name = NULL;

	batch->priority = terms->priority;
	if (!ch_pace_is_set(&pace) && !is_canary_ahead(terms)) {
		ch_gate_free(CH_TAKE(batch->gate));
		batch->wait_ms = 0;
		return;
	}
	if (!batch->gate)
		batch->gate = ch_xzalloc(sizeof(*batch->gate));
	batch->gate->terms = *terms;
	batch->wait_ms = 0;
	name = pace_name(batch);
	ch_paced_use(room, &batch->gate->pace, pace, name);
}

void ch_gate_free(struct ch_gate *gate)
{
	free(gate);
}

/* ---- it stops itself -------------------------------------------------- */

static void tell(struct ch_mailroom *room, const struct ch_active_batch *batch,
		 const char *type, const char *why, const char *text)
{
	int64_t now_us = ch_turn_open(room);
	CH_AUTO(ch_detail) detail = { 0 };
	CH_AUTOCHAR json = NULL;
	struct ch_error err;

	ch_detail_text(&detail, "why", why);
	ch_detail_text(&detail, "text", text);
	json = ch_detail_take(&detail);
	if (ch_store_event_add(room->store, type, batch->id, 0, "", json,
			       now_us, &err) < 0)
		ch_room_fail(room, &err);
}

/* From here on no dot of it is allowed. */
static void stop(struct ch_mailroom *room, struct ch_active_batch *batch,
		 struct ch_store_terms *terms, const char *why)
{
	const struct ch_log_fields about = { .batch = batch->reference };
	struct ch_error err;
	int changed;

	(void)ch_turn_open(room);
	changed = ch_store_batch_change(room->store, batch->id, CH_BATCH_OPEN,
					CH_BATCH_PAUSED, "", &err);
	if (changed < 0)
		ch_room_fail(room, &err);
	batch->open = false;
	ch_dispatch_batch(room, batch->id);
	if (changed == 0) /* a person was faster, in this turn */
		return;
	save(room, batch, terms);
	tell(room, batch, "batch.paused", why, terms->stopped);
	ch_turn_log(room, LOG_ERR, &about, "paused itself: %s",
		    terms->stopped);
}

/* ---- the canary ------------------------------------------------------- */

static bool is_canary(const struct ch_active_batch *batch)
{
	return batch->gate && is_canary_ahead(&batch->gate->terms) &&
	       batch->gate->terms.stage != CH_CANARY_NONE;
}

static void pass_canary(struct ch_mailroom *room,
			struct ch_active_batch *batch,
			const struct ch_canary_count *count)
{
	struct ch_store_terms *terms = &batch->gate->terms;
	char text[160];

	terms->stage = CH_CANARY_PASSED;
	save(room, batch, terms);
	(void)snprintf(text, sizeof(text),
		       "of the first %u letters %u were sent, %u refused or "
		       "returned", count->letters, count->sent,
		       count->refused + count->bounced);
	tell(room, batch, "batch.canary_passed", "canary", text);
	ch_dispatch_batch(room, batch->id);
}

static void wait_for_bounces(struct ch_mailroom *room,
			     struct ch_active_batch *batch, int64_t now_us)
{
	struct ch_store_terms *terms = &batch->gate->terms;

	terms->stage = CH_CANARY_WAITING;
	terms->canary_until_us = now_us + terms->canary_wait_us;
	save(room, batch, terms);
	ch_dispatch_batch(room, batch->id);
}

/* A person has tried one of them anew. */
static void go_back_to_sending(struct ch_mailroom *room,
			       struct ch_active_batch *batch)
{
	batch->gate->terms.stage = CH_CANARY_SENDING;
	save(room, batch, &batch->gate->terms);
	ch_dispatch_batch(room, batch->id);
}

/* What has become of its letters so far; what nobody can say, a letter in doubt
 * or held, speaks against going on. */
static void judge_canary(struct ch_mailroom *room,
			 struct ch_active_batch *batch, int64_t now_us)
{
	struct ch_store_terms *terms = &batch->gate->terms;
	struct ch_canary_count count;
	struct ch_error err;
	uint64_t bad;

	/* A person may have changed something in this turn. */
	if (ch_store_terms(room->store, batch->id, terms, &err) < 0 ||
	    ch_store_canary_count(room->store, batch->id, terms, &count,
				  &err) < 0)
		ch_room_fail(room, &err);
	bad = (uint64_t)count.refused + count.unclear + count.bounced;
	if (bad * 100 > (uint64_t)terms->canary_percent * count.letters) {
		terms->stage = CH_CANARY_STOPPED;
		(void)snprintf(terms->stopped, sizeof(terms->stopped),
			       "the first %u letters, refused: %u, returned: "
			       "%u, in doubt or held: %u: more than %u %%",
			       count.letters, count.refused,
			       count.bounced, count.unclear,
			       terms->canary_percent);
		stop(room, batch, terms, "canary");
	} else if (count.pending > 0 && terms->stage == CH_CANARY_WAITING) {
		go_back_to_sending(room, batch);
	} else if (count.pending > 0) {
		return;
	} else if (terms->stage == CH_CANARY_SENDING &&
		   terms->canary_wait_us > 0) {
		wait_for_bounces(room, batch, now_us);
	} else if (terms->stage == CH_CANARY_SENDING ||
		   now_us >= terms->canary_until_us) {
		pass_canary(room, batch, &count);
	}
}

void ch_gate_look(struct ch_mailroom *room, struct ch_active_batch *batch)
{
	if (!batch->open || !batch->gate ||
	    !is_canary_ahead(&batch->gate->terms))
		return;
	if (batch->gate->terms.stage == CH_CANARY_NONE)
		begin_canary(room, batch);
	else
		judge_canary(room, batch, ch_turn_open(room));
}

/* ---- the breaker ------------------------------------------------------ */

/* Letters that a person has tried anew are refused anew, too. */
static void look_back(struct ch_mailroom *room,
		      const struct ch_active_batch *batch,
		      struct ch_store_terms *terms, uint64_t decided,
		      uint64_t refused)
{
	if (refused >= terms->seen_refused && decided >= terms->seen_decided)
		return;
	terms->seen_refused = refused;
	terms->seen_decided = decided;
	save(room, batch, terms);
	if (batch->gate)
		batch->gate->terms = *terms;
}

static void judge_batch(struct ch_mailroom *room,
			struct ch_active_batch *batch)
{
	const struct ch_config *config = room->config;
	uint64_t percent = (uint64_t)config->sending.breaker_percent;
	struct ch_store_terms terms;
	struct ch_tally tally;
	uint64_t decided, refused;
	struct ch_error err;

	if (percent == 0 || !batch->open)
		return;
	if (ch_store_tally(room->store, batch->id, &tally, &err) < 0)
		ch_room_fail(room, &err);
	ch_tally_verdicts(&tally, &decided, &refused);
	if (refused < (uint64_t)config->sending.breaker_least ||
	    tally.state[CH_STATE_QUEUED] + tally.state[CH_STATE_CLAIMED] == 0)
		return;
	if (ch_store_terms(room->store, batch->id, &terms, &err) < 0)
		ch_room_fail(room, &err);
	look_back(room, batch, &terms, decided, refused);
	decided -= terms.seen_decided;
	refused -= terms.seen_refused;
	if (refused < (uint64_t)config->sending.breaker_least ||
	    refused * 100 <= percent * decided)
		return;
	(void)snprintf(terms.stopped, sizeof(terms.stopped),
		       "%llu of %llu letters were refused or returned: more "
		       "than %llu %%", (unsigned long long)refused,
		       (unsigned long long)decided,
		       (unsigned long long)percent);
	if (batch->gate)
		batch->gate->terms = terms;
	stop(room, batch, &terms, "breaker");
}

void ch_gate_result(struct ch_mailroom *room, struct ch_active_batch *batch,
		    int64_t letter_id, enum ch_state to)
{
	if (batch->open && to != CH_STATE_QUEUED && is_canary(batch) &&
	    letter_id <= batch->gate->terms.canary_last)
		judge_canary(room, batch, ch_turn_open(room));
	if (to == CH_STATE_FAILED)
		judge_batch(room, batch);
}

void ch_gate_bounced(struct ch_mailroom *room, int64_t batch_id)
{
	struct ch_active_batch *batch = ch_dispatch_find(room, batch_id);

	if (!batch)
		return;
	if (batch->open && is_canary(batch))
		judge_canary(room, batch, ch_turn_open(room));
	judge_batch(room, batch);
}

/* ---- claiming --------------------------------------------------------- */

int ch_gate_next_due(struct ch_mailroom *room,
		     const struct ch_active_batch *batch, int64_t *ret_us,
		     struct ch_error *err)
{
	const struct ch_store_terms *terms;

	if (!is_canary(batch))
		return ch_store_next_due(room->store, batch->id, ret_us, err);
	terms = &batch->gate->terms;
	if (terms->stage == CH_CANARY_SENDING)
		return ch_store_canary_next_due(room->store, batch->id, terms,
						ret_us, err);
	*ret_us = batch->open ? terms->canary_until_us : INT64_MAX;
	return 0;
}

size_t ch_gate_room(struct ch_mailroom *room, struct ch_active_batch *batch,
		    size_t limit, int64_t now_us, struct ch_store_claim *claim)
{
	int64_t now_ms = ch_clock_mono_ms();
	struct ch_gate *gate = batch->gate;
	uint32_t may;

	if (!gate)
		return limit;
	if (is_canary(batch) && gate->terms.stage == CH_CANARY_WAITING) {
		judge_canary(room, batch, now_us);
		/* Where it has passed or stopped, it is looked at again. */
		batch->due_us = gate->terms.stage == CH_CANARY_WAITING ?
					gate->terms.canary_until_us :
					INT64_MAX;
		return 0;
	}
	if (is_canary(batch)) {
		claim->first = gate->terms.canary_first;
		claim->last = gate->terms.canary_last;
	}
	may = ch_paced_may(&gate->pace, now_ms);
	if (may == 0)
		batch->wait_ms = 1 + ch_paced_next_ms(&gate->pace, now_ms);
	return may < limit ? may : limit;
}

void ch_gate_took(struct ch_active_batch *batch, size_t letters)
{
	if (batch->gate && letters > 0)
		ch_paced_took(&batch->gate->pace, (uint32_t)letters);
}

void ch_gate_untried(struct ch_active_batch *batch)
{
	if (batch->gate)
		ch_paced_back(&batch->gate->pace, 1);
}

void ch_gate_keep(struct ch_mailroom *room, struct ch_active_batch *batch)
{
	CH_AUTOCHAR name = NULL;

	if (!batch->gate || !batch->gate->pace.changed)
		return;
	name = pace_name(batch);
	ch_paced_keep(room, &batch->gate->pace, name);
}
