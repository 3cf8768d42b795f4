// SPDX-License-Identifier: GPL-3.0-or-later
/* older.c - a store that came back from a copy: what it does not know.
 *
 * What was done after the copy was made, and before it came back, is lost to the
 * store, not to the world: letters have gone, and mail about them comes back
 * with good tokens. So no number that may have been used is used again. Letters
 * that came after the copy had ids above the last one, attempts at those it
 * has had numbers above their last: both go on behind a gap. Two stores that
 * come from one copy differ in its width.
 *
 * The gaps are wide enough for what happens between a backup and its use, and
 * narrow enough for some 20,000 returns of one store: ids stay below 2^48 and
 * attempts below 2^32, as tokens hold them.
 */
#include "store/store-private.h"

#define LETTERS_LEAST ((int64_t)1 << 32)
#define ATTEMPTS_LEAST 0x20000u /* some weeks of one a second come near */

static int keep(struct ch_store *store, const char *name, int64_t value,
		struct ch_error *err)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(32);

	ch_str_addf(&text, "%lld", (long long)value);
	return ch_store_set(store, name,
			    (struct ch_slice){ text.data, text.len }, err);
}

static int skip_letters(struct ch_store *store, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT coalesce(max(id), 0) FROM letter");
	uint32_t random;
	int64_t last;

	if (ch_query_row(&q, err) < 0)
		return -1;
	last = ch_query_int(&q, 0);
	if (last < store->letter_floor)
		last = store->letter_floor;
	ch_random(&random, sizeof(random));
	store->letter_floor = last + LETTERS_LEAST + random;
	return keep(store, CH_LETTER_FLOOR, store->letter_floor, err);
}

/* No attempt that it knows is as high: they begin behind the last gap, and are
 * fewer than the next one is wide. */
static int skip_attempts(struct ch_store *store, struct ch_error *err)
{
	uint32_t random;

	ch_random(&random, sizeof(random));
	store->attempt_floor += ATTEMPTS_LEAST + random % ATTEMPTS_LEAST;
	return keep(store, CH_ATTEMPT_FLOOR, store->attempt_floor, err);
}

int ch_store_skip(struct ch_store *store, struct ch_error *err)
{
	if (skip_letters(store, err) < 0)
		return -1;
	return skip_attempts(store, err);
}

/* ---- attempts --------------------------------------------------------- */

uint32_t ch_attempt_next(const struct ch_store *store,
			 const struct ch_standing *standing)
{
	if (standing->letter_id >= store->letter_floor ||
	    standing->attempt >= store->attempt_floor)
		return standing->attempt + 1;
	return store->attempt_floor + 1;
}

int ch_attempt_keep_gap(struct ch_store *store, int64_t letter_id,
			uint32_t before, uint32_t attempt, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO attempt_gap (letter_id, first, last) "
		"VALUES (?, ?, ?)");

	if (attempt == before + 1)
		return 0;
	ch_query_put_int(&q, letter_id);
	ch_query_put_int(&q, before + 1);
	ch_query_put_int(&q, attempt - 1);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

int ch_attempt_is_lost(struct ch_store *store,
		       const struct ch_standing *standing, uint32_t attempt,
		       struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT 1 FROM attempt_gap WHERE letter_id = ? "
		"AND first <= ? AND last >= ?");

	if (attempt > standing->attempt)
		return 1;
	if (standing->letter_id >= store->letter_floor)
		return 0;
	ch_query_put_int(&q, standing->letter_id);
	ch_query_put_int(&q, attempt);
	ch_query_put_int(&q, attempt);
	return ch_query_row(&q, err);
}

uint32_t ch_store_tries(const struct ch_store *store, int64_t letter_id,
			uint32_t attempt)
{
	if (letter_id >= store->letter_floor || attempt <= store->attempt_floor)
		return attempt;
	return attempt - store->attempt_floor;
}

/* ---- letters ---------------------------------------------------------- */

bool ch_store_is_older(const struct ch_store *store, int64_t letter_id)
{
	return letter_id < store->letter_floor;
}

/* All letters of a batch came at once, so its last one tells. */
static uint64_t waiting(const struct ch_store *store,
			const struct ch_batch_memory *batch)
{
	return batch->last_letter < store->letter_floor ?
		       batch->tally.state[CH_STATE_QUEUED] : 0;
}

uint64_t ch_store_older_waiting(struct ch_store *store, int64_t batch_id)
{
	const struct ch_batch_memory *batch;
	uint64_t letters = 0;

	if (batch_id != 0) {
		batch = ch_store_batch_memory(store, batch_id);
		return batch ? waiting(store, batch) : 0;
	}
	for (size_t i = 0; i < store->batches_len; i++)
		letters += waiting(store, &store->batches[i]);
	return letters;
}
