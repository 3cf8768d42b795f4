// SPDX-License-Identifier: GPL-3.0-or-later
/* attempts.c - from the queue to the dot to the reply, and what happens when
 * that chain breaks.
 *
 * Each transition reads the states of the letter's addresses, changes the rows
 * under a guard in SQL (state and attempt), and moves the letter in the tally.
 * Where the guard finds no row that was just read, the store is damaged.
 */
#include "store/store-private.h"

#include <stdlib.h>

#define ANOTHER_LOOK_US (1000 * 1000) /* at a letter of which some is under way */

static int lost_row(struct ch_store *store, int64_t letter_id,
		    struct ch_error *err)
{
	store->broken = true;
	return ch_error_set(err, CH_GIVE_UP,
			    "store: letter %lld changed under our hands",
			    (long long)letter_id);
}

int ch_store_move(struct ch_store *store, int64_t letter_id,
		  struct ch_stand *stand, const struct ch_move *move,
		  int64_t now_us, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE address SET state = ?, next_at_us = ?, changed_us = ?, "
		"first_at_us = CASE WHEN ? THEN 0 ELSE first_at_us END "
		"WHERE letter_id = ? AND seq = ? AND state = ? "
		"AND attempt = ?");
	int changed;

	ch_standing_forget(store, letter_id);
	ch_query_put_int(&q, move->to);
	ch_query_put_int(&q, move->next_at_us);
	ch_query_put_int(&q, now_us);
	ch_query_put_int(&q, move->afresh);
	ch_query_put_int(&q, letter_id);
	ch_query_put_int(&q, stand->seq);
	ch_query_put_int(&q, stand->state);
	ch_query_put_int(&q, stand->attempt);
	changed = ch_query_run(&q, err);
	if (changed < 0)
		return -1;
	if (changed != 1)
		return lost_row(store, letter_id, err);
	stand->state = move->to;
	stand->next_at_us = move->next_at_us;
	return 0;
}

/* ---- claim ------------------------------------------------------------ */

/* Ids of letters that have something due, oldest due first. A letter whose
 * addresses are due at different times may come twice. */
static int due_letters(struct ch_store *store, int64_t batch_id,
		       int64_t now_us, size_t limit, int64_t *ids,
		       struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT letter_id FROM address INDEXED BY address_queued "
		"WHERE state = 0 AND batch_id = ? AND next_at_us <= ? "
		"ORDER BY next_at_us, letter_id");
	size_t len = 0;
	int got = 0;

	ch_query_put_int(&q, batch_id);
	ch_query_put_int(&q, now_us);
	while (len < limit && (got = ch_query_row(&q, err)) > 0) {
		int64_t id = ch_query_int(&q, 0);

		if (len == 0 || ids[len - 1] != id)
			ids[len++] = id;
	}
	return got < 0 ? -1 : (int)len;
}

static int claim_rows(struct ch_store *store, struct ch_standing *standing,
		      uint32_t attempt, int64_t now_us, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE address SET state = 1, attempt = ?1, changed_us = ?2, "
		"first_at_us = CASE first_at_us WHEN 0 THEN ?2 "
		"ELSE first_at_us END "
		"WHERE letter_id = ?3 AND +state = 0 AND next_at_us <= ?2");

	ch_standing_forget(store, standing->letter_id);
	ch_query_put_int(&q, attempt);
	ch_query_put_int(&q, now_us);
	ch_query_put_int(&q, standing->letter_id);
	return ch_query_run(&q, err);
}

/* 1 claimed, 0 nothing of it is due any more. */
static int claim_letter(struct ch_store *store, struct ch_standing *standing,
			int64_t now_us, struct ch_error *err)
{
	uint32_t attempt = ch_attempt_next(store, standing);
	int changed = claim_rows(store, standing, attempt, now_us, err);

	if (changed <= 0)
		return changed;
	if (ch_attempt_keep_gap(store, standing->letter_id, standing->attempt,
				attempt, err) < 0)
		return -1;
	ch_tally_leave(store, standing);
	standing->attempt = attempt;
	for (size_t i = 0; i < standing->len; i++) {
		struct ch_stand *stand = &standing->stands[i];

		if (stand->state == CH_STATE_QUEUED &&
		    stand->next_at_us <= now_us) {
			stand->state = CH_STATE_CLAIMED;
			stand->attempt = standing->attempt;
		}
	}
	ch_tally_enter(store, standing);
	return 1;
}

/* As due_letters(), of those from … to. There is no index for that; the letters
 * themselves are few. */
static int due_between(struct ch_store *store,
		       const struct ch_store_claim *claim, int64_t *ids,
		       struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT DISTINCT letter_id FROM address "
		"WHERE letter_id BETWEEN ? AND ? AND +batch_id = ? "
		"AND +state = 0 AND +next_at_us <= ? "
		"ORDER BY letter_id");
	size_t len = 0;
	int got = 0;

	ch_query_put_int(&q, claim->first);
	ch_query_put_int(&q, claim->last);
	ch_query_put_int(&q, claim->batch_id);
	ch_query_put_int(&q, claim->now_us);
	while (len < claim->limit && (got = ch_query_row(&q, err)) > 0)
		ids[len++] = ch_query_int(&q, 0);
	return got < 0 ? -1 : (int)len;
}

static bool may_send(const struct ch_batch_memory *batch, int64_t now_us)
{
	return batch && batch->state == CH_BATCH_OPEN &&
	       batch->not_before_us <= now_us;
}

/* It stays in the queue: no attempt, no event. */
static int put_off(struct ch_store *store, int64_t letter_id, int64_t now_us,
		   int64_t until_us, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE address SET next_at_us = ? WHERE letter_id = ? "
		"AND +state = 0 AND next_at_us <= ?");

	ch_standing_forget(store, letter_id);
	ch_query_put_int(&q, until_us);
	ch_query_put_int(&q, letter_id);
	ch_query_put_int(&q, now_us);
	return ch_query_run(&q, err);
}

int ch_store_bring_forward(struct ch_store *store, int64_t letter_id,
			   int64_t from_us, int64_t to_us,
			   struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE address SET next_at_us = ? WHERE letter_id = ? "
		"AND +state = 0 AND next_at_us = ?");
	int moved;

	ch_standing_forget(store, letter_id);
	ch_query_put_int(&q, to_us);
	ch_query_put_int(&q, letter_id);
	ch_query_put_int(&q, from_us);
	moved = ch_query_run(&q, err);
	return moved < 0 ? -1 : moved > 0;
}

static bool is_due(const struct ch_standing *standing, int64_t now_us)
{
	for (size_t i = 0; i < standing->len; i++)
		if (standing->stands[i].state == CH_STATE_QUEUED &&
		    standing->stands[i].next_at_us <= now_us)
			return true;
	return false;
}

/* Some of it was claimed before, and its end is not known yet. A second attempt
 * beside that one would be told of the first one's addresses. */
static bool is_under_way(const struct ch_standing *standing)
{
	for (size_t i = 0; i < standing->len; i++)
		if (standing->stands[i].state == CH_STATE_CLAIMED ||
		    standing->stands[i].state == CH_STATE_DOT)
			return true;
	return false;
}

/* 1 it may go, 0 it was put off, or nothing of it is due any more. */
static int ask_when(struct ch_store *store, const struct ch_store_claim *claim,
		    const struct ch_standing *standing, size_t *ret_put_off,
		    struct ch_error *err)
{
	CH_AUTO(ch_store_letter) letter = { 0 };
	int64_t until_us;

	if (!claim->when)
		return 1;
	if (!is_due(standing, claim->now_us))
		return 0;
	if (ch_store_read_letter(store, standing->letter_id, false, &letter,
				 err) < 0)
		return -1;
	until_us = claim->when(claim->context, &letter);
	if (until_us == 0)
		return 1;
	(*ret_put_off)++;
	return put_off(store, standing->letter_id, claim->now_us,
		       until_us > claim->now_us ? until_us : claim->now_us + 1,
		       err) < 0 ? -1 : 0;
}

/* 1 with the letter, 0 it was not claimed. */
static int claim_one(struct ch_store *store, const struct ch_store_claim *claim,
		     int64_t id, struct ch_store_letter *ret,
		     size_t *ret_put_off, struct ch_error *err)
{
	CH_AUTO(ch_standing) standing = { 0 };
	int got = ch_standing_read(store, id, &standing, err);

	if (got >= 0)
		got = ch_suppress_letter(store, &standing, claim->now_us, err);
	/* Another one has its place. */
	if (got > 0 && !is_due(&standing, claim->now_us)) {
		(*ret_put_off)++;
		return 0;
	}
	if (got >= 0 && is_due(&standing, claim->now_us) &&
	    is_under_way(&standing)) {
		(*ret_put_off)++;
		return put_off(store, id, claim->now_us,
			       claim->now_us + ANOTHER_LOOK_US, err) < 0 ? -1
									 : 0;
	}
	if (got >= 0)
		got = ask_when(store, claim, &standing, ret_put_off, err);
	if (got > 0)
		got = claim_letter(store, &standing, claim->now_us, err);
	if (got <= 0)
		return got;
	got = ch_store_read_letter(store, id, true, ret, err);
	if (got < 0)
		return -1;
	if (got == 0)
		return lost_row(store, id, err);
	standing.unsent = ret->size_bytes == 0;
	ch_standing_keep(store, &standing);
	return 1;
}

int ch_store_claim_some(struct ch_store *store,
			const struct ch_store_claim *claim,
			struct ch_store_letter **ret, size_t *ret_len,
			size_t *ret_put_off, struct ch_error *err)
{
	struct ch_store_letter *letters;
	size_t put_off_len = 0;
	size_t len = 0;
	int64_t *ids;
	int found;
	int got = 0;

	*ret = NULL;
	*ret_len = 0;
	*ret_put_off = 0;
	if (claim->limit == 0 ||
	    !may_send(ch_store_batch_memory(store, claim->batch_id),
		      claim->now_us))
		return 0;
	ids = ch_xcalloc(claim->limit, sizeof(*ids));
	letters = ch_xcalloc(claim->limit, sizeof(*letters));
	found = claim->last ?
			due_between(store, claim, ids, err) :
			due_letters(store, claim->batch_id, claim->now_us,
				    claim->limit, ids, err);
	for (int i = 0; i < found && got >= 0; i++) {
		got = claim_one(store, claim, ids[i], &letters[len],
				&put_off_len, err);
		len += got > 0;
	}
	free(ids);
	if (found < 0 || got < 0) {
		ch_store_letters_free(letters, len);
		return -1;
	}
	*ret = letters;
	*ret_len = len;
	*ret_put_off = put_off_len;
	return 0;
}

int ch_store_claim(struct ch_store *store, int64_t batch_id, int64_t now_us,
		   size_t limit, struct ch_store_letter **ret, size_t *ret_len,
		   struct ch_error *err)
{
	const struct ch_store_claim claim = {
		.batch_id = batch_id,
		.now_us = now_us,
		.limit = limit,
	};
	size_t unused;

	return ch_store_claim_some(store, &claim, ret, ret_len, &unused, err);
}

int ch_store_next_due(struct ch_store *store, int64_t batch_id,
		      int64_t *ret_at_us, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT next_at_us FROM address INDEXED BY address_queued "
		"WHERE state = 0 AND batch_id = ? ORDER BY next_at_us LIMIT 1");
	const struct ch_batch_memory *batch =
		ch_store_batch_memory(store, batch_id);
	int64_t at_us;
	int got;

	if (!batch || batch->state != CH_BATCH_OPEN) {
		*ret_at_us = INT64_MAX;
		return 0;
	}
	ch_query_put_int(&q, batch_id);
	got = ch_query_row(&q, err);
	if (got < 0)
		return -1;
	at_us = got ? ch_query_int(&q, 0) : INT64_MAX;
	*ret_at_us = at_us > batch->not_before_us ? at_us :
						    batch->not_before_us;
	return 0;
}

/* ---- dot -------------------------------------------------------------- */

/* 1 the bytes are those of the earlier attempts, or there was none; 0 not. */
static int same_bytes(struct ch_store *store,
		      const struct ch_standing *standing,
		      const struct ch_sha256 *sha256, bool *ret_first,
		      struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT sha256 FROM message WHERE letter_id = ?");
	struct ch_sha256 kept;
	int got;

	*ret_first = standing->unsent;
	if (standing->unsent)
		return 1;
	ch_query_put_int(&q, standing->letter_id);
	got = ch_query_row(&q, err);
	if (got < 0)
		return -1;
	*ret_first = got == 0;
	return got == 0 || (ch_query_sha256(&q, 0, &kept) == 0 &&
			    ch_sha256_eq(&kept, sha256));
}

static int keep_bytes(struct ch_store *store,
		      const struct ch_standing *standing,
		      const struct ch_sha256 *sha256, uint64_t size_bytes,
		      const struct ch_store_notes *notes, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO message (letter_id, sha256, size_bytes, attempt, "
		"connection_id, said) VALUES (?, ?, ?, ?, ?, ?)");
	int64_t letter_id = standing->letter_id;

	ch_query_put_int(&q, letter_id);
	ch_query_put_blob(&q, sha256->bytes, CH_SHA256_SIZE);
	ch_query_put_int(&q, (int64_t)size_bytes);
	ch_query_put_int(&q, standing->attempt);
	ch_query_put_int(&q, notes ? notes->connection_id : 0);
	ch_query_put_blob(&q, notes ? notes->said.data : "",
			  notes ? notes->said.len : 0);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

/* Every address named is there once, claimed under this attempt. */
static bool all_claimed(struct ch_standing *standing, uint32_t attempt,
			const uint32_t *seqs, size_t seqs_len)
{
	for (size_t i = 0; i < seqs_len; i++) {
		const struct ch_stand *stand =
			ch_standing_find(standing, seqs[i]);

		if (!stand || stand->state != CH_STATE_CLAIMED ||
		    stand->attempt != attempt)
			return false;
		for (size_t j = 0; j < i; j++) {
			if (seqs[j] == seqs[i])
				return false;
		}
	}
	return seqs_len > 0;
}

static int dot_rows(struct ch_store *store, struct ch_standing *standing,
		    const uint32_t *seqs, size_t seqs_len, int64_t now_us,
		    struct ch_error *err)
{
	const struct ch_move move = { .to = CH_STATE_DOT };

	for (size_t i = 0; i < seqs_len; i++) {
		if (ch_store_move(store, standing->letter_id,
				  ch_standing_find(standing, seqs[i]), &move,
				  now_us, err) < 0)
			return -1;
	}
	return 0;
}

int ch_store_dot(struct ch_store *store, int64_t letter_id, uint32_t attempt,
		 const uint32_t *seqs, size_t seqs_len,
		 const struct ch_sha256 *sha256, uint64_t size_bytes,
		 const struct ch_store_notes *notes, int64_t now_us,
		 struct ch_error *err)
{
	CH_AUTO(ch_standing) standing = { 0 };
	bool first;
	int same;

	if (ch_standing_read(store, letter_id, &standing, err) < 0)
		return -1;
	if (!all_claimed(&standing, attempt, seqs, seqs_len))
		return 0;
	same = same_bytes(store, &standing, sha256, &first, err);
	if (same <= 0)
		return same;
	ch_tally_leave(store, &standing);
	if (dot_rows(store, &standing, seqs, seqs_len, now_us, err) < 0)
		return -1;
	ch_tally_enter(store, &standing);
	same = first ? keep_bytes(store, &standing, sha256, size_bytes, notes,
				  err) :
	       notes ? ch_store_notes_keep(store, letter_id, attempt, notes,
					   err) : 0;
	if (same < 0)
		return -1;
	standing.unsent = false;
	ch_standing_keep(store, &standing);
	return 1;
}

/* ---- result ----------------------------------------------------------- */

static const char *result_event(const struct ch_store_result *result)
{
	switch (result->to) {
	case CH_STATE_SENT:
		return "letter.sent";
	case CH_STATE_FAILED:
		return "letter.failed";
	case CH_STATE_IN_DOUBT:
		return "letter.in_doubt";
	case CH_STATE_HELD:
		return "letter.held";
	default:
		if (result->split)
			return "letter.split";
		return result->code ? "letter.deferred" : "letter.requeued";
	}
}

/* Sent only after a dot; the other ends from a claim as well. */
static bool may_end(const struct ch_stand *stand, uint32_t attempt,
		    enum ch_state to)
{
	if (!stand || stand->attempt != attempt)
		return false;
	switch (to) {
	case CH_STATE_SENT:
		return stand->state == CH_STATE_DOT;
	case CH_STATE_QUEUED:
	case CH_STATE_FAILED:
	case CH_STATE_IN_DOUBT:
	case CH_STATE_HELD:
		return stand->state == CH_STATE_CLAIMED ||
		       stand->state == CH_STATE_DOT;
	default:
		return false;
	}
}

static int result_row(struct ch_store *store, int64_t letter_id,
		      const struct ch_stand *stand,
		      const struct ch_store_result *result, int64_t now_us,
		      struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE address SET state = ?, next_at_us = ?, changed_us = ?, "
		"code = ?, status = ?, reply = ?, relay = ? "
		"WHERE letter_id = ? "
		"AND seq = ? AND state = ? AND attempt = ?");
	bool queued = result->to == CH_STATE_QUEUED;
	int changed;

	ch_standing_forget(store, letter_id);
	ch_query_put_int(&q, result->to);
	ch_query_put_int(&q, queued ? result->next_at_us : 0);
	ch_query_put_int(&q, now_us);
	ch_query_put_int(&q, result->code);
	ch_query_put_slice(&q, result->status);
	ch_query_put_blob(&q, result->reply.data, result->reply.len);
	ch_query_put_slice(&q, result->relay);
	ch_query_put_int(&q, letter_id);
	ch_query_put_int(&q, stand->seq);
	ch_query_put_int(&q, stand->state);
	ch_query_put_int(&q, stand->attempt);
	changed = ch_query_run(&q, err);
	if (changed < 0)
		return -1;
	return changed == 1 ? 0 : lost_row(store, letter_id, err);
}

static int count_deferral(struct ch_store *store, int64_t letter_id,
			  uint32_t seq, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO deferral (letter_id, seq, count) VALUES (?, ?, 1) "
		"ON CONFLICT (letter_id, seq) DO UPDATE SET count = count + 1");

	ch_query_put_int(&q, letter_id);
	ch_query_put_int(&q, seq);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

int ch_store_deferrals(struct ch_store *store, int64_t letter_id,
		       uint32_t *ret, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT coalesce(max(count), 0) FROM deferral "
		"WHERE letter_id = ?");

	ch_query_put_int(&q, letter_id);
	if (ch_query_row(&q, err) < 0)
		return -1;
	*ret = (uint32_t)ch_query_int(&q, 0);
	return 0;
}

static int tell_result(struct ch_store *store,
		       const struct ch_standing *standing, uint32_t attempt,
		       const struct ch_store_result *result, int64_t now_us,
		       struct ch_error *err)
{
	CH_AUTO(ch_str) detail = CH_STR_INIT(CH_JSON_MAX);

	ch_json_int(&detail, "seq", result->seq);
	ch_json_int(&detail, "attempt", attempt);
	ch_json_int(&detail, "code", result->code);
	ch_json_text(&detail, "status", result->status);
	ch_json_text(&detail, "reply", result->reply);
	if (result->relay.len > 0)
		ch_json_text(&detail, "relay", result->relay);
	return ch_store_event_add(store, result_event(result),
				  standing->batch_id, standing->letter_id, "",
				  ch_json_end(&detail), now_us, err);
}

int ch_store_result(struct ch_store *store, int64_t letter_id,
		    uint32_t attempt, const struct ch_store_result *result,
		    int64_t now_us, struct ch_error *err)
{
	CH_AUTO(ch_standing) standing = { 0 };
	struct ch_stand *stand;

	if (ch_standing_read(store, letter_id, &standing, err) < 0)
		return -1;
	stand = ch_standing_find(&standing, result->seq);
	if (!may_end(stand, attempt, result->to))
		return 0;
	ch_tally_leave(store, &standing);
	if (result_row(store, letter_id, stand, result, now_us, err) < 0)
		return -1;
	if (result->to == CH_STATE_QUEUED && result->code != 0 &&
	    !result->split &&
	    count_deferral(store, letter_id, result->seq, err) < 0)
		return -1;
	stand->state = result->to;
	stand->next_at_us =
		result->to == CH_STATE_QUEUED ? result->next_at_us : 0;
	ch_tally_enter(store, &standing);
	ch_standing_keep(store, &standing);
	if (tell_result(store, &standing, attempt, result, now_us, err) < 0)
		return -1;
	if (result->to == CH_STATE_IN_DOUBT &&
	    ch_store_copy_prove(store, letter_id, attempt, now_us, err) < 0)
		return -1;
	return 1;
}

/* ---- the chain breaks ------------------------------------------------- */

static int tell_why(struct ch_store *store, const struct ch_standing *standing,
		    const struct ch_stand *stand, const char *why,
		    int64_t now_us, struct ch_error *err)
{
	CH_AUTO(ch_str) detail = CH_STR_INIT(CH_JSON_MAX);

	ch_json_int(&detail, "seq", stand->seq);
	ch_json_int(&detail, "attempt", stand->attempt);
	ch_json_text(&detail, "why", ch_slice_of(why));
	return ch_store_event_add(store,
				  stand->state == CH_STATE_IN_DOUBT ?
					  "letter.in_doubt" : "letter.requeued",
				  standing->batch_id, standing->letter_id, "",
				  ch_json_end(&detail), now_us, err);
}

/* Claimed to queued, dot to in doubt; of one attempt, or of any (0). Returns
 * the addresses in doubt, and counts the others in *ret_requeued. */
static int give_back(struct ch_store *store, struct ch_standing *standing,
		     uint32_t attempt, const char *why, int64_t next_at_us,
		     int64_t now_us, uint64_t *ret_requeued,
		     struct ch_error *err)
{
	const struct ch_move queued = { .to = CH_STATE_QUEUED,
					.next_at_us = next_at_us };
	const struct ch_move in_doubt = { .to = CH_STATE_IN_DOUBT };
	int doubtful = 0;

	ch_tally_leave(store, standing);
	for (size_t i = 0; i < standing->len; i++) {
		struct ch_stand *stand = &standing->stands[i];
		bool dot = stand->state == CH_STATE_DOT;

		if ((!dot && stand->state != CH_STATE_CLAIMED) ||
		    (attempt != 0 && stand->attempt != attempt))
			continue;
		if (ch_store_move(store, standing->letter_id, stand,
				  dot ? &in_doubt : &queued, now_us, err) < 0 ||
		    (dot && ch_store_doubt_keep(store, standing->letter_id,
						stand, err) < 0) ||
		    tell_why(store, standing, stand, why, now_us, err) < 0)
			return -1;
		doubtful += dot;
		*ret_requeued += !dot;
	}
	ch_tally_enter(store, standing);
	return doubtful;
}

int ch_store_abandon(struct ch_store *store, int64_t letter_id,
		     uint32_t attempt, const char *why, int64_t next_at_us,
		     int64_t now_us, struct ch_error *err)
{
	CH_AUTO(ch_standing) standing = { 0 };
	uint64_t requeued = 0;
	int got = ch_standing_read(store, letter_id, &standing, err);

	if (got <= 0)
		return got;
	got = give_back(store, &standing, attempt, why, next_at_us, now_us,
			&requeued, err);
	if (got > 0 &&
	    ch_store_copy_prove(store, letter_id, attempt, now_us, err) < 0)
		return -1;
	return got;
}

static int recover_letters(struct ch_store *store, int64_t now_us,
			   struct ch_recovery *found, struct ch_error *err)
{
	for (size_t i = 0; i < store->unfinished_len; i++) {
		CH_AUTO(ch_standing) standing = { 0 };
		int doubtful = ch_standing_read(store, store->unfinished[i],
						&standing, err);

		if (doubtful > 0)
			doubtful = give_back(store, &standing, 0, "restart",
					     now_us, now_us, &found->requeued,
					     err);
		if (doubtful < 0)
			return -1;
		found->in_doubt += (uint64_t)doubtful;
		if (doubtful > 0 &&
		    ch_store_copy_prove(store, standing.letter_id,
					standing.attempt, now_us, err) < 0)
			return -1;
	}
	store->unfinished_len = 0;
	return ch_store_copies_forget(store, err);
}

static int drop_imports(struct ch_store *store, struct ch_recovery *found,
			struct ch_error *err)
{
	for (size_t i = store->batches_len; i > 0; i--) {
		const struct ch_batch_memory *batch = &store->batches[i - 1];

		if (batch->state != CH_BATCH_IMPORTING)
			continue;
		if (ch_store_batch_drop(store, batch->id, err) < 0)
			return -1;
		found->dropped++;
	}
	return 0;
}

int ch_store_recover(struct ch_store *store, int64_t now_us,
		     struct ch_recovery *ret, struct ch_error *err)
{
	struct ch_recovery found = { 0 };
	bool own = !store->in_transaction;

	if (own && ch_store_begin(store, err) < 0)
		return -1;
	if (recover_letters(store, now_us, &found, err) < 0 ||
	    drop_imports(store, &found, err) < 0 ||
	    (store->restored && ch_store_skip(store, err) < 0))
		return -1;
	if (own && ch_store_commit(store, err) < 0)
		return -1;
	*ret = found;
	return 0;
}
