// SPDX-License-Identifier: GPL-3.0-or-later
/* tally.c - how many letters are in which state, kept beside every change.
 *
 * A letter's state is read from its addresses' and stored nowhere. So that
 * "how many" never needs a query, the counts are made from the rows once, at
 * opening, and then follow each transition: out as it was, in as it is.
 */
#include "store/store-private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Where the batch is, or would be, in the list. */
static size_t place_of(const struct ch_store *store, int64_t batch_id)
{
	size_t low = 0;
	size_t high = store->batches_len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (store->batches[middle].id < batch_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct ch_batch_memory *ch_store_batch_memory(struct ch_store *store,
					      int64_t batch_id)
{
	size_t place = place_of(store, batch_id);

	if (place < store->batches_len && store->batches[place].id == batch_id)
		return &store->batches[place];
	return NULL;
}

struct ch_batch_memory *ch_store_remember_batch(struct ch_store *store,
						int64_t batch_id)
{
	size_t place = place_of(store, batch_id);

	CH_GROW(store->batches, store->batches_len, store->batches_cap);
	memmove(&store->batches[place + 1], &store->batches[place],
		(store->batches_len - place) * sizeof(*store->batches));
	store->batches_len++;
	store->batches[place] = (struct ch_batch_memory){ .id = batch_id };
	return &store->batches[place];
}

void ch_store_forget_batch(struct ch_store *store, int64_t batch_id)
{
	size_t place = place_of(store, batch_id);

	if (place == store->batches_len || store->batches[place].id != batch_id)
		return;
	store->batches_len--;
	memmove(&store->batches[place], &store->batches[place + 1],
		(store->batches_len - place) * sizeof(*store->batches));
}

/* ---- one letter's addresses ------------------------------------------- */

/* Where the next address goes: in the struct, and on the heap past CH_FEW. */
static struct ch_stand *add_stand(struct ch_standing *standing)
{
	size_t len = standing->len++;

	if (len < CH_FEW) {
		standing->stands = standing->few;
		return &standing->few[len];
	}
	if (len == CH_FEW) {
		standing->stands = ch_xcalloc(CH_FEW * 2,
					      sizeof(*standing->stands));
		memcpy(standing->stands, standing->few, sizeof(standing->few));
	} else if ((len & (len - 1)) == 0) {
		standing->stands = ch_xreallocarray(standing->stands, len * 2,
						    sizeof(*standing->stands));
	}
	return &standing->stands[len];
}

static struct ch_standing *recent(struct ch_store *store, int64_t letter_id)
{
	return &store->recent[(uint64_t)letter_id & (CH_RECENT - 1)];
}

void ch_standing_keep(struct ch_store *store,
		      const struct ch_standing *standing)
{
	if (standing->len > 0 && standing->len <= CH_FEW)
		*recent(store, standing->letter_id) = *standing;
}

void ch_standing_forget(struct ch_store *store, int64_t letter_id)
{
	if (recent(store, letter_id)->letter_id == letter_id)
		recent(store, letter_id)->letter_id = 0;
}

void ch_standing_forget_all(struct ch_store *store)
{
	memset(store->recent, 0, sizeof(store->recent));
}

int ch_standing_read(struct ch_store *store, int64_t letter_id,
		     struct ch_standing *ret, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT batch_id, seq, attempt, state, next_at_us "
		"FROM address WHERE letter_id = ? ORDER BY seq");
	const struct ch_standing *kept = recent(store, letter_id);
	int got;

	if (kept->letter_id == letter_id) {
		*ret = *kept;
		ret->stands = ret->few;
		return 1;
	}
	*ret = (struct ch_standing){ .letter_id = letter_id };
	ch_query_put_int(&q, letter_id);
	while ((got = ch_query_row(&q, err)) > 0) {
		struct ch_stand *stand = add_stand(ret);

		ret->batch_id = ch_query_int(&q, 0);
		stand->seq = (uint32_t)ch_query_int(&q, 1);
		stand->attempt = (uint32_t)ch_query_int(&q, 2);
		stand->state = (enum ch_state)ch_query_int(&q, 3);
		stand->next_at_us = ch_query_int(&q, 4);
		if (stand->attempt > ret->attempt)
			ret->attempt = stand->attempt;
	}
	return got < 0 ? -1 : ret->len > 0;
}

void ch_standing_release(struct ch_standing *standing)
{
	if (standing->stands != standing->few)
		free(standing->stands);
	standing->stands = NULL;
	standing->len = 0;
}

enum ch_state ch_standing_state(const struct ch_standing *standing)
{
	enum ch_state few[CH_FEW];
	enum ch_state all = CH_STATE_SENT;

	/* The order of ch_state_of_letter() holds for parts of a whole too. */
	for (size_t from = 0; from < standing->len; from += CH_FEW - 1) {
		size_t len = 0;

		while (len < CH_FEW - 1 && from + len < standing->len) {
			few[len] = standing->stands[from + len].state;
			len++;
		}
		few[len++] = all;
		all = ch_state_of_letter(few, len);
	}
	return all;
}

struct ch_stand *ch_standing_find(struct ch_standing *standing, uint32_t seq)
{
	for (size_t i = 0; i < standing->len; i++) {
		if (standing->stands[i].seq == seq)
			return &standing->stands[i];
	}
	return NULL;
}

/* ---- counting --------------------------------------------------------- */

static void count_letter(struct ch_tally *tally,
			 const struct ch_standing *standing, uint64_t by)
{
	enum ch_state state = ch_standing_state(standing);

	tally->state[state] += by;
	if (state == CH_STATE_QUEUED && standing->attempt > 0)
		tally->deferred += by;
}

static struct ch_batch_memory *count(struct ch_store *store,
				     const struct ch_standing *standing,
				     uint64_t by)
{
	struct ch_batch_memory *batch =
		ch_store_batch_memory(store, standing->batch_id);

	assert(batch);
	count_letter(&batch->tally, standing, by);
	return batch;
}

/* Where letters that are heard of are counted, by their state. */
static uint64_t *heard_of(struct ch_batch_memory *batch,
			  const struct ch_standing *standing)
{
	enum ch_state state = ch_standing_state(standing);

	return state == CH_STATE_SENT ? &batch->tally.heard :
					&batch->heard[state];
}

/* An error breaks the store, and the turn with it. */
static bool is_heard(struct ch_store *store, int64_t letter_id)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT facts FROM letter WHERE id = ?");
	struct ch_error err;

	ch_query_put_int(&q, letter_id);
	return ch_query_row(&q, &err) > 0 &&
	       (ch_query_int(&q, 0) & CH_FACTS_HEARD) != 0;
}

/* A letter on its way costs no look, but where another one of its batch that is
 * heard of is in the same state. */
void ch_tally_leave(struct ch_store *store, const struct ch_standing *standing)
{
	struct ch_batch_memory *batch = count(store, standing, UINT64_MAX);
	uint64_t *heard = heard_of(batch, standing);

	store->leaving_heard = *heard > 0 &&
			       is_heard(store, standing->letter_id);
	*heard -= store->leaving_heard;
}

void ch_tally_enter(struct ch_store *store, const struct ch_standing *standing)
{
	struct ch_batch_memory *batch = count(store, standing, 1);

	if (store->leaving_heard)
		++*heard_of(batch, standing);
	store->leaving_heard = false;
}

int ch_tally_hear(struct ch_store *store, int64_t letter_id,
		  struct ch_error *err)
{
	CH_AUTO(ch_standing) standing = { 0 };
	struct ch_batch_memory *batch;

	if (ch_standing_read(store, letter_id, &standing, err) < 0)
		return -1;
	batch = ch_store_batch_memory(store, standing.batch_id);
	if (batch)
		++*heard_of(batch, &standing);
	return 0;
}

void ch_tally_facts(struct ch_tally *tally, unsigned int facts, uint64_t by)
{
	tally->bounced += facts & CH_FACT_BOUNCED ? by : 0;
	tally->auto_replied += facts & CH_FACT_AUTO_REPLIED ? by : 0;
	tally->delivered += facts & CH_FACT_DELIVERED ? by : 0;
	tally->read += facts & CH_FACT_READ ? by : 0;
	tally->answered += facts & CH_FACT_ANSWERED ? by : 0;
	tally->delayed += facts & CH_FACT_DELAYED ? by : 0;
}

static int load_batches(struct ch_store *store, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT id, state, not_before_us FROM batch ORDER BY id");
	int got;

	while ((got = ch_query_row(&q, err)) > 0) {
		struct ch_batch_memory *batch =
			ch_store_remember_batch(store, ch_query_int(&q, 0));

		batch->state = (enum ch_batch_state)ch_query_int(&q, 1);
		batch->not_before_us = ch_query_int(&q, 2);
	}
	return got;
}

static int broken_row(struct ch_store *store, int64_t letter_id,
		      struct ch_error *err)
{
	store->broken = true;
	return ch_error_set(err, CH_GIVE_UP,
			    "store: letter %lld makes no sense: the database "
			    "is damaged; restore it from a backup",
			    (long long)letter_id);
}

/* A letter is complete: the next row is of another, or there is none. */
static int count_whole(struct ch_store *store, struct ch_standing *standing,
		       struct ch_error *err)
{
	struct ch_batch_memory *batch;

	if (standing->len == 0)
		return 0;
	batch = ch_store_batch_memory(store, standing->batch_id);
	if (!batch)
		return broken_row(store, standing->letter_id, err);
	count_letter(&batch->tally, standing, 1);
	batch->last_letter = standing->letter_id;
	for (size_t i = 0; i < standing->len; i++) {
		enum ch_state state = standing->stands[i].state;

		if (state != CH_STATE_CLAIMED && state != CH_STATE_DOT)
			continue;
		CH_GROW(store->unfinished, store->unfinished_len,
			store->unfinished_cap);
		store->unfinished[store->unfinished_len++] =
			standing->letter_id;
		break;
	}
	ch_standing_release(standing);
	return 0;
}

/* One pass in the order of the rows: narrow ones, 0.2 µs each. */
static int count_letters(struct ch_store *store, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT letter_id, batch_id, state, attempt FROM address "
		"ORDER BY letter_id, seq");
	CH_AUTO(ch_standing) standing = { 0 };
	int got;

	while ((got = ch_query_row(&q, err)) > 0) {
		int64_t letter_id = ch_query_int(&q, 0);
		int64_t state = ch_query_int(&q, 2);
		struct ch_stand *stand;

		if (state < 0 || state >= CH_STATES)
			return broken_row(store, letter_id, err);
		if (letter_id != standing.letter_id) {
			if (count_whole(store, &standing, err) < 0)
				return -1;
			standing = (struct ch_standing){
				.letter_id = letter_id
			};
		}
		stand = add_stand(&standing);
		standing.batch_id = ch_query_int(&q, 1);
		stand->state = (enum ch_state)state;
		stand->attempt = (uint32_t)ch_query_int(&q, 3);
		if (stand->attempt > standing.attempt)
			standing.attempt = stand->attempt;
	}
	return got < 0 ? -1 : count_whole(store, &standing, err);
}

/* Letters that are heard of and not sent, or not everywhere: a few, so that
 * each is looked at. */
static int move_unsent(struct ch_store *store, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT id FROM letter WHERE facts <> 0 AND facts & ?1 "
		"AND EXISTS (SELECT 1 FROM address WHERE letter_id = id "
		"AND state <> ?2)");
	int got;

	ch_query_put_int(&q, CH_FACTS_HEARD);
	ch_query_put_int(&q, CH_STATE_SENT);
	while ((got = ch_query_row(&q, err)) > 0) {
		CH_AUTO(ch_standing) standing = { 0 };
		struct ch_batch_memory *batch;

		if (ch_standing_read(store, ch_query_int(&q, 0), &standing,
				     err) < 0)
			return -1;
		batch = ch_store_batch_memory(store, standing.batch_id);
		if (!batch)
			return broken_row(store, standing.letter_id, err);
		batch->tally.heard--;
		++*heard_of(batch, &standing);
	}
	return got;
}

static int count_facts(struct ch_store *store, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT batch_id, facts, count(*) FROM letter "
		"WHERE facts <> 0 GROUP BY batch_id, facts");
	int got;

	while ((got = ch_query_row(&q, err)) > 0) {
		struct ch_batch_memory *batch =
			ch_store_batch_memory(store, ch_query_int(&q, 0));
		unsigned int facts = (unsigned int)ch_query_int(&q, 1);
		uint64_t letters = (uint64_t)ch_query_int(&q, 2);

		if (!batch)
			return broken_row(store, 0, err);
		ch_tally_facts(&batch->tally, facts, letters);
		batch->tally.heard += facts & CH_FACTS_HEARD ? letters : 0;
	}
	return got < 0 ? -1 : move_unsent(store, err);
}

int ch_store_count(struct ch_store *store, struct ch_error *err)
{
	if (load_batches(store, err) < 0 || count_letters(store, err) < 0)
		return -1;
	if (count_facts(store, err) < 0)
		return -1;
	return ch_suppressed_count(store, err);
}

static void add_up(struct ch_tally *sum, const struct ch_tally *part)
{
	for (int i = 0; i < CH_STATES; i++)
		sum->state[i] += part->state[i];
	sum->deferred += part->deferred;
	sum->bounced += part->bounced;
	sum->auto_replied += part->auto_replied;
	sum->delivered += part->delivered;
	sum->read += part->read;
	sum->answered += part->answered;
	sum->delayed += part->delayed;
	sum->heard += part->heard;
}

int ch_store_tally(struct ch_store *store, int64_t batch_id,
		   struct ch_tally *ret, struct ch_error *err)
{
	struct ch_tally sum = { 0 };
	bool found = batch_id == 0;

	for (size_t i = 0; i < store->batches_len; i++) {
		const struct ch_batch_memory *batch = &store->batches[i];

		if (batch->state == CH_BATCH_IMPORTING ||
		    (batch_id != 0 && batch->id != batch_id))
			continue;
		add_up(&sum, &batch->tally);
		found = true;
	}
	if (!found)
		return ch_error_set(err, CH_GIVE_UP, "there is no batch %lld",
				    (long long)batch_id);
	*ret = sum;
	return 0;
}
