// SPDX-License-Identifier: GPL-3.0-or-later
/* recall.c - letters taken back from a worker that has not begun with them:
 * another batch goes first.
 *
 * They stand in the queue as before the claim, in the same place and of the
 * same age. The attempt's number is used up: it may be on the way in a token.
 */
#include "store/store-private.h"

/* Where the claim was the first, it wrote one time into both columns. */
static int put_back(struct ch_store *store, int64_t letter_id,
		    uint32_t attempt, int64_t now_us, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE address SET state = 0, next_at_us = 0, "
		"first_at_us = CASE first_at_us WHEN changed_us THEN 0 "
		"ELSE first_at_us END, changed_us = ?1 "
		"WHERE letter_id = ?2 AND +state = 1 AND attempt = ?3");

	ch_standing_forget(store, letter_id);
	ch_query_put_int(&q, now_us);
	ch_query_put_int(&q, letter_id);
	ch_query_put_int(&q, attempt);
	return ch_query_run(&q, err);
}

static int tell(struct ch_store *store, const struct ch_standing *standing,
		uint32_t attempt, const char *why, int64_t now_us,
		struct ch_error *err)
{
	CH_AUTO(ch_str) detail = CH_STR_INIT(CH_JSON_MAX);

	ch_json_int(&detail, "attempt", attempt);
	ch_json_text(&detail, "why", ch_slice_of(why));
	return ch_store_event_add(store, "letter.requeued", standing->batch_id,
				  standing->letter_id, "",
				  ch_json_end(&detail), now_us, err);
}

int ch_store_recall(struct ch_store *store, int64_t letter_id,
		    uint32_t attempt, const char *why, int64_t now_us,
		    struct ch_error *err)
{
	CH_AUTO(ch_standing) standing = { 0 };
	int changed = ch_standing_read(store, letter_id, &standing, err);

	if (changed <= 0)
		return changed;
	changed = put_back(store, letter_id, attempt, now_us, err);
	if (changed <= 0)
		return changed;
	ch_tally_leave(store, &standing);
	for (size_t i = 0; i < standing.len; i++) {
		struct ch_stand *stand = &standing.stands[i];

		if (stand->state == CH_STATE_CLAIMED &&
		    stand->attempt == attempt)
			stand->state = CH_STATE_QUEUED;
	}
	ch_tally_enter(store, &standing);
	return tell(store, &standing, attempt, why, now_us, err) < 0 ? -1 : 1;
}
