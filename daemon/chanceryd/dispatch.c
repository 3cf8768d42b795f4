// SPDX-License-Identifier: GPL-3.0-or-later
/* dispatch.c - see dispatch.h. */
#include "chanceryd/dispatch.h"

#include <limits.h>

#include "base/clock.h"
#include "base/mem.h"
#include "chanceryd/alarms.h"
#include "chanceryd/domains.h"
#include "chanceryd/gate.h"
#include "chanceryd/relays.h"
#include "chanceryd/room.h"
#include "chanceryd/routes.h"
#include "chanceryd/sending.h"

#define BATCHES_AT_ONCE 100 /* rows read when starting */
#define TURN_OF_A_BATCH 16  /* letters before the next one's turn */
#define PUT_OFF_MAX 256     /* letters in a turn, so that none gets long */
#define ACCURACY_US 1000

struct ch_dispatch {
	struct ch_mailroom *room;         /* borrowed */
	struct ch_active_batch **batches; /* owned, and each */
	size_t len, cap;
	size_t next; /* whose turn it is */
	bool kicked;
	bool look; /* one of them is to be looked at */
	bool fresh; /* one was, or has become due by the clock */
	int64_t now_ms; /* of this run; monotonic */
	size_t put_off; /* letters in this turn, for their domains */
	sd_event_source *timer; /* owned: the earliest that is not due yet */
};

static int on_due(sd_event_source *source, uint64_t usec, void *context)
{
	struct ch_mailroom *room = context;

	if (room->dispatch)
		room->dispatch->fresh = true;
	ch_dispatch_kick(room);
	return 0;
}

/* ---- the batches ------------------------------------------------------ */

static struct ch_active_batch *find(const struct ch_dispatch *dispatch,
				    int64_t batch_id)
{
	for (size_t i = 0; i < dispatch->len; i++)
		if (dispatch->batches[i]->id == batch_id)
			return dispatch->batches[i];
	return NULL;
}

static struct ch_active_batch *add(struct ch_dispatch *dispatch,
				   const struct ch_store_batch *row)
{
	struct ch_active_batch *batch = ch_xzalloc(sizeof(*batch));

	*batch = (struct ch_active_batch){
		.id = row->id,
		.reference = ch_xstrdup(row->reference),
		.date_us = row->date_us,
		.due_us = INT64_MAX,
	};
	CH_GROW(dispatch->batches, dispatch->len, dispatch->cap);
	dispatch->batches[dispatch->len++] = batch;
	return batch;
}

static void free_batch(struct ch_active_batch *batch)
{
	ch_gate_free(batch->gate);
	free(batch->reference);
	free(batch);
}

/* Those with nothing queued and nothing under way. */
static void drop_idle(struct ch_dispatch *dispatch)
{
	size_t kept = 0;

	for (size_t i = 0; i < dispatch->len; i++) {
		struct ch_active_batch *batch = dispatch->batches[i];

		if (batch->due_us == INT64_MAX && batch->under_way == 0 &&
		    !batch->look)
			free_batch(batch);
		else
			dispatch->batches[kept++] = batch;
	}
	dispatch->len = kept;
}

static void be(struct ch_active_batch *batch, enum ch_batch_state state)
{
	batch->look = false;
	batch->open = state == CH_BATCH_OPEN;
	batch->cancelled = state == CH_BATCH_CANCELLED;
}

/* It has paused itself, and a person has not decided yet. */
static void show_stopped(struct ch_mailroom *room,
			 const struct ch_store_batch *row)
{
	if (row->state == CH_BATCH_PAUSED && row->terms.stopped[0])
		ch_alarm_raise(room, CH_ALARM_BATCH, row->reference, "%s",
			       row->terms.stopped);
	else
		ch_alarm_clear(room, CH_ALARM_BATCH, row->reference);
}

/* One that was there at the start. */
static int look_at_row(struct ch_dispatch *dispatch,
		       const struct ch_store_batch *row, struct ch_error *err)
{
	struct ch_active_batch *batch;

	show_stopped(dispatch->room, row);
	if (row->state != CH_BATCH_OPEN)
		return 0;
	batch = add(dispatch, row);
	be(batch, row->state);
	ch_gate_use(dispatch->room, batch, &row->terms);
	if (batch->gate) { /* with what recovery did to its letters */
		batch->look = true;
		dispatch->look = true;
	}
	return ch_gate_next_due(dispatch->room, batch, &batch->due_us, err);
}

static int look_at_page(struct ch_dispatch *dispatch, int64_t *after_id,
			size_t *ret_len, struct ch_error *err)
{
	struct ch_mailroom *room = dispatch->room;
	struct ch_store_batch *rows;
	int result = 0;

	if (ch_store_batches(room->store, *after_id, BATCHES_AT_ONCE, &rows,
			     ret_len, err) < 0)
		return -1;
	for (size_t i = 0; i < *ret_len && result == 0; i++) {
		*after_id = rows[i].id;
		result = look_at_row(dispatch, &rows[i], err);
	}
	ch_store_batches_free(rows, *ret_len);
	drop_idle(dispatch);
	return result;
}

int ch_dispatch_new(struct ch_mailroom *room, struct ch_dispatch **ret,
		    struct ch_error *err)
{
	struct ch_dispatch *dispatch = ch_xzalloc(sizeof(*dispatch));
	int64_t after_id = 0;
	size_t len = 1;
	int r;

	dispatch->room = room;
	r = sd_event_add_time(room->event, &dispatch->timer, CLOCK_REALTIME,
			      UINT64_MAX, ACCURACY_US, on_due, room);
	if (r < 0) {
		ch_dispatch_free(dispatch);
		return ch_error_errno(err, -r, "event loop");
	}
	(void)sd_event_source_set_enabled(dispatch->timer, SD_EVENT_OFF);
	while (len > 0) {
		if (look_at_page(dispatch, &after_id, &len, err) < 0) {
			ch_dispatch_free(dispatch);
			return -1;
		}
	}
	*ret = dispatch;
	return 0;
}

void ch_dispatch_free(struct ch_dispatch *dispatch)
{
	if (!dispatch)
		return;
	for (size_t i = 0; i < dispatch->len; i++)
		free_batch(dispatch->batches[i]);
	free(dispatch->batches);
	sd_event_source_disable_unref(dispatch->timer);
	free(dispatch);
}

/* ---- what changes ----------------------------------------------------- */

struct ch_active_batch *ch_dispatch_find(struct ch_mailroom *room,
					 int64_t batch_id)
{
	return find(room->dispatch, batch_id);
}

void ch_dispatch_kick(struct ch_mailroom *room)
{
	if (!room->dispatch)
		return;
	room->dispatch->kicked = true;
	ch_turn_due(room);
}

void ch_dispatch_want(struct ch_mailroom *room)
{
	room->dispatch->kicked = true;
	ch_turn_linger(room);
}

void ch_dispatch_batch(struct ch_mailroom *room, int64_t batch_id)
{
	struct ch_dispatch *dispatch = room->dispatch;
	struct ch_active_batch *batch = find(dispatch, batch_id);

	if (!batch) {
		const struct ch_store_batch unread = {
			.id = batch_id,
			.reference = (char[]){ "" },
		};

		batch = add(dispatch, &unread);
	}
	batch->look = true;
	dispatch->look = true;
	ch_dispatch_kick(room);
}

void ch_dispatch_due(struct ch_mailroom *room, struct ch_active_batch *batch,
		     int64_t at_us)
{
	if (batch->open && at_us < batch->due_us)
		batch->due_us = at_us;
	ch_dispatch_kick(room);
}

/* A person has decided on what was held. */
static void look_at_held(struct ch_mailroom *room,
			 const struct ch_active_batch *batch)
{
	struct ch_tally tally;
	struct ch_error err;

	if (ch_store_tally(room->store, batch->id, &tally, &err) < 0)
		ch_room_fail(room, &err);
	if (tally.state[CH_STATE_HELD] == 0)
		ch_alarm_clear(room, CH_ALARM_HELD, batch->reference);
}

/* The row of a batch that changed; it may be one that was not known. */
static void look_again(struct ch_dispatch *dispatch,
		       struct ch_active_batch *batch, int64_t now_us)
{
	struct ch_mailroom *room = dispatch->room;
	CH_AUTO(ch_store_batch) row = { 0 };
	bool was_due = batch->open && batch->due_us <= now_us;
	int priority = batch->priority;
	struct ch_error err;
	int got = ch_store_batch_by_id(room->store, batch->id, &row, &err);

	if (got > 0) {
		free(batch->reference);
		batch->reference = ch_xstrdup(row.reference);
		batch->date_us = row.date_us;
	}
	if (got >= 0)
		be(batch, got > 0 ? row.state : CH_BATCH_CANCELLED);
	if (got > 0) {
		ch_gate_use(room, batch, &row.terms);
		ch_gate_look(room, batch);
		show_stopped(room, &row);
		look_at_held(room, batch);
	}
	if (got < 0 ||
	    ch_gate_next_due(room, batch, &batch->due_us, &err) < 0)
		ch_room_fail(room, &err);
	if (!was_due || batch->priority != priority) {
		batch->fresh = true;
		dispatch->fresh = true;
	}
}

static void look_at_changed(struct ch_dispatch *dispatch, int64_t now_us)
{
	while (dispatch->look) {
		dispatch->look = false;
		for (size_t i = 0; i < dispatch->len; i++)
			if (dispatch->batches[i]->look)
				look_again(dispatch, dispatch->batches[i],
					   now_us);
	}
}

/* ---- claiming --------------------------------------------------------- */

static bool is_due(const struct ch_dispatch *dispatch,
		   const struct ch_active_batch *batch, int64_t now_us)
{
	return batch->open && batch->due_us <= now_us &&
	       batch->wait_ms <= dispatch->now_ms;
}

static bool any_due(const struct ch_dispatch *dispatch, int64_t now_us)
{
	for (size_t i = 0; i < dispatch->len; i++)
		if (is_due(dispatch, dispatch->batches[i], now_us))
			return true;
	return false;
}

/* One is due for the first time since something changed, or has letters with
 * workers. */
static bool any_fresh(struct ch_dispatch *dispatch, int64_t now_us)
{
	bool any = false;

	for (size_t i = 0; i < dispatch->len; i++) {
		struct ch_active_batch *batch = dispatch->batches[i];

		if (!batch->fresh || (!is_due(dispatch, batch, now_us) &&
				      batch->under_way == 0))
			continue;
		batch->fresh = false;
		any = true;
	}
	return any;
}

/* What workers hold of lower priorities than the highest that is due now is
 * called back. Once for each time that a person changes something: letters that
 * are due again after a refusal, or by a pace, wait behind what is held. */
static void let_ahead(struct ch_dispatch *dispatch, int64_t now_us)
{
	int highest = INT_MIN;
	int lowest = INT_MAX;

	if (!dispatch->fresh)
		return;
	dispatch->fresh = false;
	if (!any_fresh(dispatch, now_us))
		return;
	for (size_t i = 0; i < dispatch->len; i++) {
		const struct ch_active_batch *batch = dispatch->batches[i];

		if (is_due(dispatch, batch, now_us) &&
		    batch->priority > highest)
			highest = batch->priority;
		if (batch->under_way > 0 && batch->priority < lowest)
			lowest = batch->priority;
	}
	if (lowest < highest)
		ch_relays_recall(dispatch->room, highest);
}

/* The next batch whose turn it is among those of the highest priority that have
 * something due; NULL: none. */
static struct ch_active_batch *next_due(struct ch_dispatch *dispatch,
					int64_t now_us)
{
	struct ch_active_batch *best = NULL;
	size_t next = dispatch->next;

	for (size_t i = 0; i < dispatch->len; i++) {
		size_t at = (dispatch->next + i) % dispatch->len;
		struct ch_active_batch *batch = dispatch->batches[at];

		if (is_due(dispatch, batch, now_us) &&
		    (!best || batch->priority > best->priority)) {
			best = batch;
			next = at + 1;
		}
	}
	dispatch->next = next;
	return best;
}

static void hand_over(struct ch_mailroom *room, struct ch_active_batch *batch,
		      const struct ch_store_letter *letters, size_t len)
{
	for (size_t i = 0; i < len; i++)
		ch_sender_give(ch_relays_take(room), batch, &letters[i],
			       ch_domains_hold(room, i));
}

/* Where relays differ: who needs one of the few is first. */
static void hand_over_by_route(struct ch_mailroom *room,
			       struct ch_active_batch *batch,
			       const struct ch_store_letter *letters,
			       size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (ch_route_needs_utf8(&letters[i]))
			ch_sender_give(ch_relays_take_utf8(room), batch,
				       &letters[i], ch_domains_hold(room, i));
	for (size_t i = 0; i < len; i++)
		if (!ch_route_needs_utf8(&letters[i]))
			ch_sender_give(ch_relays_take(room), batch,
				       &letters[i], ch_domains_hold(room, i));
}

/* `now_us` is what the batch was found due by: with two looks at the clock it
 * could be due by one and not by the other. */
static void claim(struct ch_mailroom *room, struct ch_active_batch *batch,
		  size_t limit, int64_t now_us)
{
	struct ch_store_claim how = { .batch_id = batch->id, .now_us = now_us };
	struct ch_store_letter *letters = NULL;
	struct ch_route route;
	struct ch_error err;
	bool differ;
	size_t put_off;
	size_t len;

	(void)ch_turn_open(room);
	how.limit = ch_gate_room(room, batch, limit, now_us, &how);
	if (how.limit == 0)
		return;
	ch_domains_begin(room, batch, &how);
	differ = ch_route_begin(room, &route, &how);
	if (ch_store_claim_some(room->store, &how, &letters, &len, &put_off,
				&err) < 0)
		ch_room_fail(room, &err);
	if (differ)
		hand_over_by_route(room, batch, letters, len);
	else
		hand_over(room, batch, letters, len);
	ch_store_letters_free(letters, len);
	ch_gate_took(batch, len);
	room->dispatch->put_off += put_off;
	/* Fewer than there was room for: the rest is not due yet. */
	if (len + put_off < how.limit &&
	    ch_gate_next_due(room, batch, &batch->due_us, &err) < 0)
		ch_room_fail(room, &err);
	if (len + put_off == 0 && batch->due_us <= now_us)
		batch->due_us = INT64_MAX; /* it is not what we thought */
}

/* When it may go on: it is due, and its pace lets it. */
static int64_t next_of(const struct ch_dispatch *dispatch,
		       const struct ch_active_batch *batch, int64_t now_us)
{
	int64_t wait_us = now_us + (batch->wait_ms - dispatch->now_ms) * 1000;

	return batch->due_us > wait_us ? batch->due_us : wait_us;
}

static void set_timer(struct ch_dispatch *dispatch, int64_t now_us)
{
	int64_t next_us = ch_opening_until_us(dispatch->room);
	int64_t relay_us = ch_relays_opening_us(dispatch->room);

	if (relay_us < next_us)
		next_us = relay_us;
	for (size_t i = 0; i < dispatch->len; i++) {
		const struct ch_active_batch *batch = dispatch->batches[i];
		int64_t at_us = next_of(dispatch, batch, now_us);

		if (batch->open && at_us > now_us && at_us < next_us)
			next_us = at_us;
	}
	(void)sd_event_source_set_enabled(dispatch->timer, SD_EVENT_OFF);
	if (next_us == INT64_MAX)
		return;
	(void)sd_event_source_set_time(dispatch->timer, (uint64_t)next_us);
	(void)sd_event_source_set_enabled(dispatch->timer, SD_EVENT_ONESHOT);
}

/* How many letters wait, due or not: for so many there may be work. */
static uint64_t waiting(struct ch_mailroom *room)
{
	struct ch_tally tally;
	struct ch_error err;

	if (ch_store_tally(room->store, 0, &tally, &err) < 0)
		ch_room_fail(room, &err);
	return tally.state[CH_STATE_QUEUED];
}

static void go_on(void *room)
{
	ch_dispatch_kick(room);
}

/* A turn that finds no room is not used up. */
static void claim_for_all(struct ch_dispatch *dispatch, int64_t now_us)
{
	struct ch_mailroom *room = dispatch->room;
	struct ch_active_batch *batch;
	size_t limit;

	dispatch->put_off = 0;
	if (!any_due(dispatch, now_us))
		return;
	if (ch_relays_understaffed(room))
		ch_relays_staff(room, waiting(room));
	while (dispatch->put_off < PUT_OFF_MAX &&
	       (limit = ch_relays_room(room)) > 0 &&
	       (batch = next_due(dispatch, now_us)))
		claim(room, batch, limit < TURN_OF_A_BATCH ? limit :
							     TURN_OF_A_BATCH,
		      now_us);
	if (dispatch->put_off >= PUT_OFF_MAX)
		ch_mailroom_after_commit(room, go_on, room);
}

static void keep_paces(struct ch_dispatch *dispatch)
{
	for (size_t i = 0; i < dispatch->len; i++)
		ch_gate_keep(dispatch->room, dispatch->batches[i]);
}

void ch_dispatch_run(struct ch_mailroom *room)
{
	struct ch_dispatch *dispatch = room->dispatch;
	int64_t now_us;

	if (!dispatch->kicked)
		return;
	dispatch->kicked = false;
	dispatch->now_ms = ch_clock_mono_ms();
	now_us = ch_store_in_transaction(room->store) ? ch_turn_open(room) :
							ch_clock_now_us();
	do {
		look_at_changed(dispatch, now_us);
		if (!room->paused && !room->stopping &&
		    ch_opening_is(room, now_us)) {
			let_ahead(dispatch, now_us);
			claim_for_all(dispatch, now_us);
		}
	} while (dispatch->look); /* a canary was judged */
	keep_paces(dispatch);
	ch_domains_keep(room);
	ch_relays_keep(room);
	drop_idle(dispatch);
	set_timer(dispatch, now_us);
}
