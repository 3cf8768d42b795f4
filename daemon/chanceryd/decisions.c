// SPDX-License-Identifier: GPL-3.0-or-later
/* decisions.c - see decisions.h. */
#include "chanceryd/decisions.h"

#include <stdlib.h>

#include "base/mem.h"
#include "chanceryd/chores.h"
#include "chanceryd/detail.h"
#include "chanceryd/dispatch.h"
#include "chanceryd/room.h"

#define AT_ONCE 1000 /* letters: some 30 ms */
#define PIECE 200    /* and of a chore, some 6 ms */
#define BATCHES_AT_ONCE 100

struct decision {
	int64_t batch_id;
	enum ch_state from;
	enum ch_state to;
	int64_t after_id;
};

static void must(struct ch_mailroom *room, int64_t rc,
		 const struct ch_error *err)
{
	if (rc < 0)
		ch_room_fail(room, err);
}

/* How many it moved: less than `limit` where there are no more. */
static int64_t move(struct ch_mailroom *room, struct decision *decision,
		    size_t limit)
{
	int64_t now_us = ch_turn_open(room);
	struct ch_error err;
	int64_t moved = ch_store_decide_some(room->store, decision->batch_id,
					     decision->from, decision->to,
					     limit, now_us,
					     &decision->after_id, &err);

	must(room, moved, &err);
	return moved;
}

/* Of the setting that tells how far a decision is. */
static char *name_of(int64_t batch_id, enum ch_state from)
{
	return ch_xasprintf("decision.%lld.%s", (long long)batch_id,
			    ch_state_name(from));
}

/* A batch may be cancelled while its letters go back to the queue. */
static bool still_so(struct ch_mailroom *room, const struct decision *decision)
{
	struct ch_store_batch batch = { 0 };
	enum ch_batch_state state;
	struct ch_error err;

	if (decision->to != CH_STATE_QUEUED)
		return true;
	must(room, ch_store_batch_by_id(room->store, decision->batch_id,
					&batch, &err), &err);
	state = batch.state;
	ch_store_batch_release(&batch);
	return state != CH_BATCH_CANCELLED;
}

/* How far it is, in the transaction that brought it there: so a start goes on
 * behind it, and no letter that has failed again meanwhile is taken twice. What
 * a cancelling has left is seen in the batch. */
static void keep(struct ch_mailroom *room, const struct decision *decision,
		 bool more)
{
	CH_AUTOCHAR name = NULL;
	CH_AUTOCHAR value = NULL;
	struct ch_error err;

	if (decision->to != CH_STATE_QUEUED)
		return;
	name = name_of(decision->batch_id, decision->from);
	value = more ? ch_xasprintf("%lld", (long long)decision->after_id)
		     : ch_xstrdup("");
	ch_turn_open(room);
	must(room, ch_store_set(room->store, name, ch_slice_of(value), &err),
	     &err);
}

static bool go_on(struct ch_mailroom *room, void *context)
{
	struct decision *decision = context;
	bool more = still_so(room, decision) &&
		    move(room, decision, PIECE) == PIECE;

	keep(room, decision, more);
	if (decision->to == CH_STATE_QUEUED)
		ch_dispatch_batch(room, decision->batch_id);
	return more;
}

static void add_chore(struct ch_mailroom *room,
		      const struct decision *decision)
{
	ch_chore_add(room, go_on, ch_xmemdup(decision, sizeof(*decision)),
		     free);
}

static int64_t count(struct ch_mailroom *room, int64_t batch_id,
		     enum ch_state state)
{
	struct ch_tally tally;
	struct ch_error err;

	must(room, ch_store_tally(room->store, batch_id, &tally, &err), &err);
	return (int64_t)tally.state[state];
}

static void tell(struct ch_mailroom *room, const struct decision *decision,
		 const char *verb, const char *who, int64_t letters)
{
	struct ch_detail detail = { NULL };
	CH_AUTOCHAR type = ch_xasprintf("batch.%s", verb);
	CH_AUTOCHAR json = NULL;
	struct ch_error err;

	ch_detail_text(&detail, "from", ch_state_name(decision->from));
	ch_detail_text(&detail, "to", ch_state_name(decision->to));
	ch_detail_int(&detail, "letters", letters);
	json = ch_detail_take(&detail);
	must(room, ch_store_event_add(room->store, type, decision->batch_id,
				      0, who, json, ch_turn_open(room), &err),
	     &err);
}

/* Who decides on doubt decides on what was in doubt then, and on no letter that
 * comes to be while a chore is on its way: it would be sent twice, or never.
 * Such letters are few. */
static size_t at_once(enum ch_state from)
{
	return from == CH_STATE_IN_DOUBT ? SIZE_MAX / 2 : AT_ONCE;
}

int64_t ch_decision(struct ch_mailroom *room, int64_t batch_id,
		    enum ch_state from, enum ch_state to, const char *verb,
		    const char *who)
{
	struct decision decision = { batch_id, from, to, 0 };
	int64_t before = count(room, batch_id, from);
	size_t limit = at_once(from);
	int64_t letters = move(room, &decision, limit);

	if ((size_t)letters == limit) {
		keep(room, &decision, true);
		add_chore(room, &decision);
		if (before > letters)
			letters = before;
	}
	if (letters > 0)
		tell(room, &decision, verb, who, letters);
	return letters;
}

/* ---- what waits ------------------------------------------------------- */

struct hurry {
	int64_t batch_id;
	int64_t decided_us;
	struct ch_store_place place;
};

/* Some of the letters; whether there may be more. */
static bool hurry_some(struct ch_mailroom *room, struct hurry *hurry,
		       size_t limit, uint64_t *letters)
{
	uint64_t moved;
	struct ch_error err;
	int more;

	(void)ch_turn_open(room);
	more = ch_store_hurry_some(room->store, hurry->batch_id,
				   hurry->decided_us, limit, &hurry->place,
				   &moved, &err);
	must(room, more, &err);
	*letters += moved;
	return more > 0;
}

/* A start begins anew: what was moved is no longer found. */
static void keep_hurry(struct ch_mailroom *room, const struct hurry *hurry,
		       bool more)
{
	CH_AUTOCHAR name = name_of(hurry->batch_id, CH_STATE_QUEUED);
	CH_AUTOCHAR value = more ? ch_xasprintf("%lld",
						(long long)hurry->decided_us)
				 : ch_xstrdup("");
	struct ch_error err;

	must(room, ch_store_set(room->store, name, ch_slice_of(value), &err),
	     &err);
}

static bool hurry_on(struct ch_mailroom *room, void *context)
{
	struct hurry *hurry = context;
	uint64_t letters = 0;
	bool more = hurry_some(room, hurry, PIECE, &letters);

	if (!more)
		keep_hurry(room, hurry, false);
	if (letters > 0)
		ch_dispatch_batch(room, hurry->batch_id);
	return more;
}

static void add_hurry(struct ch_mailroom *room, const struct hurry *hurry)
{
	ch_chore_add(room, hurry_on, ch_xmemdup(hurry, sizeof(*hurry)), free);
}

static uint64_t tried_and_queued(struct ch_mailroom *room, int64_t batch_id)
{
	struct ch_tally tally;
	struct ch_error err;

	must(room, ch_store_tally(room->store, batch_id, &tally, &err), &err);
	return tally.deferred;
}

int64_t ch_decision_hurry(struct ch_mailroom *room, int64_t batch_id,
			  const char *verb, const char *who)
{
	struct hurry hurry = { .batch_id = batch_id,
			       .decided_us = ch_turn_open(room) };
	const struct decision decision = { batch_id, CH_STATE_QUEUED,
					   CH_STATE_QUEUED, 0 };
	uint64_t letters = 0;
	bool more = true;

	while (more && letters < AT_ONCE)
		more = hurry_some(room, &hurry, AT_ONCE, &letters);
	if (more) {
		uint64_t tried = tried_and_queued(room, batch_id);

		keep_hurry(room, &hurry, true);
		add_hurry(room, &hurry);
		if (tried > letters)
			letters = tried;
	}
	if (letters > 0)
		tell(room, &decision, verb, who, (int64_t)letters);
	return (int64_t)letters;
}

static void resume_hurry(struct ch_mailroom *room, int64_t batch_id)
{
	struct hurry hurry = { .batch_id = batch_id };
	CH_AUTO(ch_str) value = CH_STR_INIT(32);
	CH_AUTOCHAR name = name_of(batch_id, CH_STATE_QUEUED);
	struct ch_error err;

	must(room, ch_store_get(room->store, name, &value, &err), &err);
	hurry.decided_us = strtoll(ch_str_cstr(&value), NULL, 10);
	if (hurry.decided_us > 0)
		add_hurry(room, &hurry);
}

/* ---- at the start ----------------------------------------------------- */

static void resume_cancel(struct ch_mailroom *room, int64_t batch_id)
{
	static const enum ch_state waiting[] = { CH_STATE_QUEUED,
						 CH_STATE_HELD };

	for (size_t i = 0; i < CH_COUNT(waiting); i++) {
		const struct decision rest = { batch_id, waiting[i],
					       CH_STATE_CANCELLED, 0 };

		if (count(room, batch_id, waiting[i]) > 0)
			add_chore(room, &rest);
	}
}

static void resume_retry(struct ch_mailroom *room, int64_t batch_id)
{
	static const enum ch_state over[] = { CH_STATE_FAILED,
					      CH_STATE_HELD };

	for (size_t i = 0; i < CH_COUNT(over); i++) {
		struct decision rest = { batch_id, over[i], CH_STATE_QUEUED,
					 0 };
		CH_AUTO(ch_str) value = CH_STR_INIT(32);
		CH_AUTOCHAR name = name_of(batch_id, over[i]);
		struct ch_error err;

		must(room, ch_store_get(room->store, name, &value, &err),
		     &err);
		rest.after_id = strtoll(ch_str_cstr(&value), NULL, 10);
		if (rest.after_id > 0)
			add_chore(room, &rest);
	}
}

void ch_decisions_resume(struct ch_mailroom *room)
{
	struct ch_store_batch *batches;
	struct ch_error err;
	int64_t after_id = 0;
	size_t len;

	do {
		must(room, ch_store_batches(room->store, after_id,
					    BATCHES_AT_ONCE, &batches, &len,
					    &err), &err);
		for (size_t i = 0; i < len; i++) {
			after_id = batches[i].id;
			if (batches[i].state == CH_BATCH_CANCELLED) {
				resume_cancel(room, after_id);
			} else {
				resume_retry(room, after_id);
				resume_hurry(room, after_id);
			}
		}
		ch_store_batches_free(batches, len);
	} while (len == BATCHES_AT_ONCE);
}
