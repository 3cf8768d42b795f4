// SPDX-License-Identifier: GPL-3.0-or-later
/* relations.c - batches that follow on others: reminders, corrections, recalls.
 *
 * Reminders are a tree, since one may be reminded of a reminder, and a letter
 * has the same key in each of its batches. An answer anywhere in it is an answer
 * to what was first asked: it is noted up to the root, and whatever still waits
 * below it is not sent. Corrections and recalls are letters of their own.
 */
#include "store/store-private.h"

#include <assert.h>
#include <stdlib.h>

static const char *const names[CH_RELATIONS] = {
	[CH_RELATION_NONE] = "",
	[CH_RELATION_REMINDS] = "reminds",
	[CH_RELATION_CORRECTS] = "corrects",
	[CH_RELATION_RECALLS] = "recalls",
};

const char *ch_relation_name(enum ch_relation relation)
{
	assert(relation < CH_RELATIONS);
	return names[relation];
}

int ch_relation_add(struct ch_store *store, int64_t batch_id,
		    const struct ch_store_batch *batch, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO relation (batch_id, related_id, kind) "
		"VALUES (?, ?, ?)");

	ch_query_put_int(&q, batch_id);
	ch_query_put_int(&q, batch->related_id);
	ch_query_put_int(&q, batch->relation);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

/* ---- the tree ---------------------------------------------------------- */

struct ids {
	int64_t *items; /* owned */
	size_t len, cap;
};

static void ids_release(struct ids *ids)
{
	free(ids->items);
}

/* The batch that this one reminds of; 1, 0, -1. A batch is newer than what it
 * follows on, so there is an end. */
static int reminded(struct ch_store *store, int64_t *batch_id,
		    struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT related_id FROM relation WHERE batch_id = ? "
		"AND kind = ?");
	int got;

	ch_query_put_int(&q, *batch_id);
	ch_query_put_int(&q, CH_RELATION_REMINDS);
	got = ch_query_row(&q, err);
	if (got > 0)
		*batch_id = ch_query_int(&q, 0);
	return got;
}

static int add_reminders(struct ch_store *store, int64_t batch_id,
			 struct ids *ids, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT batch_id FROM relation WHERE related_id = ? "
		"AND kind = ?");
	int got;

	ch_query_put_int(&q, batch_id);
	ch_query_put_int(&q, CH_RELATION_REMINDS);
	while ((got = ch_query_row(&q, err)) > 0) {
		CH_GROW(ids->items, ids->len, ids->cap);
		ids->items[ids->len++] = ch_query_int(&q, 0);
	}
	return got;
}

/* All reminders of a batch, and of these. */
static int below(struct ch_store *store, int64_t batch_id, struct ids *ret,
		 struct ch_error *err)
{
	int got = add_reminders(store, batch_id, ret, err);

	for (size_t i = 0; got >= 0 && i < ret->len; i++)
		got = add_reminders(store, ret->items[i], ret, err);
	return got;
}

/* ---- one letter in several batches ------------------------------------- */

/* The letter of that key, with its facts; 1, 0, -1. */
static int letter_of(struct ch_store *store, int64_t batch_id, const char *key,
		     int64_t *ret_id, unsigned int *ret_facts,
		     struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT id, facts FROM letter WHERE batch_id = ? AND key = ?");
	int got;

	ch_query_put_int(&q, batch_id);
	ch_query_put_text(&q, key);
	got = ch_query_row(&q, err);
	if (got > 0) {
		*ret_id = ch_query_int(&q, 0);
		*ret_facts = (unsigned int)ch_query_int(&q, 1);
	}
	return got;
}

static int key_of(struct ch_store *store, int64_t letter_id, char **ret,
		  struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT key FROM letter WHERE id = ?");
	int got;

	ch_query_put_int(&q, letter_id);
	got = ch_query_row(&q, err);
	if (got > 0)
		*ret = ch_query_text(&q, 0);
	return got;
}

static int mark_answered(struct ch_store *store, int64_t batch_id,
			 const char *key, int64_t return_id, int64_t now_us,
			 struct ch_error *err)
{
	CH_AUTO(ch_str) detail = CH_STR_INIT(CH_JSON_MAX);
	unsigned int facts;
	int64_t id;
	int got = letter_of(store, batch_id, key, &id, &facts, err);

	if (got <= 0 || facts & CH_FACT_ANSWERED)
		return got < 0 ? -1 : 0;
	ch_json_int(&detail, "return", return_id);
	ch_json_text(&detail, "by", ch_slice_of("an answer to a reminder"));
	if (ch_facts_add(store, batch_id, id, facts, CH_FACT_ANSWERED,
			 err) < 0)
		return -1;
	return ch_store_event_add(store, "letter.answered", batch_id, id, "",
				  ch_json_end(&detail), now_us, err);
}

/* What waits of it is not sent. */
static int64_t spare(struct ch_store *store, int64_t batch_id,
		     int64_t letter_id, int64_t now_us, struct ch_error *err)
{
	static const enum ch_state waiting[] = { CH_STATE_QUEUED,
						 CH_STATE_HELD };
	int64_t spared = 0;

	for (size_t i = 0; i < CH_COUNT(waiting); i++) {
		int64_t touched = ch_store_decide(store, batch_id, letter_id,
						  waiting[i],
						  CH_STATE_CANCELLED,
						  "not_reminded", "", now_us,
						  err);

		if (touched < 0)
			return -1;
		spared |= touched;
	}
	return spared;
}

static int spare_below(struct ch_store *store, int64_t root, const char *key,
		       int64_t now_us, struct ch_error *err)
{
	CH_AUTO(ids) ids = { NULL, 0, 0 };

	if (below(store, root, &ids, err) < 0)
		return -1;
	for (size_t i = 0; i < ids.len; i++) {
		unsigned int facts;
		int64_t id;
		int got = letter_of(store, ids.items[i], key, &id, &facts,
				    err);

		if (got < 0 || (got > 0 && spare(store, ids.items[i], id,
						 now_us, err) < 0))
			return -1;
	}
	return 0;
}

int ch_relations_answered(struct ch_store *store, int64_t batch_id,
			  int64_t letter_id, int64_t return_id,
			  int64_t now_us, struct ch_error *err)
{
	CH_AUTOCHAR key = NULL;
	int got = key_of(store, letter_id, &key, err);

	if (got <= 0)
		return got;
	while ((got = reminded(store, &batch_id, err)) > 0)
		if (mark_answered(store, batch_id, key, return_id, now_us,
				  err) < 0)
			return -1;
	return got < 0 ? -1 : spare_below(store, batch_id, key, now_us, err);
}

/* ---- a reminder that was just made -------------------------------------- */

/* Its letters whose key was answered in the batch `root`, which has the answers
 * to all below it. */
static int answered_in(struct ch_store *store, int64_t batch_id, int64_t root,
		       struct ids *ret, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT l.id FROM letter o INDEXED BY letter_facts "
		"JOIN letter l ON l.batch_id = ?1 AND l.key = o.key "
		"WHERE o.batch_id = ?2 AND o.facts <> 0 AND o.facts & ?3");
	int got;

	ch_query_put_int(&q, batch_id);
	ch_query_put_int(&q, root);
	ch_query_put_int(&q, CH_FACT_ANSWERED);
	while ((got = ch_query_row(&q, err)) > 0) {
		CH_GROW(ret->items, ret->len, ret->cap);
		ret->items[ret->len++] = ch_query_int(&q, 0);
	}
	return got;
}

int64_t ch_store_spare_answered(struct ch_store *store, int64_t batch_id,
				int64_t now_us, struct ch_error *err)
{
	CH_AUTO(ids) ids = { NULL, 0, 0 };
	int64_t spared = 0;
	int64_t root = batch_id;
	int got;

	/* Each step, for a letter may be in a reminder and not in what that
	 * reminds of. */
	while ((got = reminded(store, &root, err)) > 0)
		if (answered_in(store, batch_id, root, &ids, err) < 0)
			return -1;
	for (size_t i = 0; got >= 0 && i < ids.len; i++) {
		int64_t touched = spare(store, batch_id, ids.items[i], now_us,
					err);

		if (touched < 0)
			return -1;
		spared += touched;
	}
	return got < 0 ? -1 : spared;
}
