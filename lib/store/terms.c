// SPDX-License-Identifier: GPL-3.0-or-later
/* terms.c - on which terms a batch goes: its priority, its pace, its canary,
 * and what it was stopped for. Only batches that have any have a row. */
#include "store/store-private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const canary_names[] = {
	[CH_CANARY_NONE] = "none",       [CH_CANARY_SENDING] = "sending",
	[CH_CANARY_WAITING] = "waiting", [CH_CANARY_STOPPED] = "stopped",
	[CH_CANARY_PASSED] = "passed",
};

const char *ch_canary_name(enum ch_canary_stage stage)
{
	assert(stage < CH_COUNT(canary_names));
	return canary_names[stage];
}

static const struct {
	const char *name;
	int priority;
} priorities[] = { { "high", 1 }, { "normal", 0 }, { "low", -1 } };

const char *ch_priority_name(int priority)
{
	for (size_t i = 0; i < CH_COUNT(priorities); i++)
		if (priorities[i].priority == priority)
			return priorities[i].name;
	return "normal";
}

int ch_priority_parse(const char *name, int *ret)
{
	for (size_t i = 0; i < CH_COUNT(priorities); i++) {
		if (strcmp(priorities[i].name, name) == 0) {
			*ret = priorities[i].priority;
			return 0;
		}
	}
	return -1;
}

void ch_store_read_terms(const struct ch_query *q, int column,
			 struct ch_store_terms *ret)
{
	CH_AUTOCHAR stopped = ch_query_text(q, column + 14);

	*ret = (struct ch_store_terms){
		.priority = (int)ch_query_int(q, column),
		.per_second = (uint32_t)ch_query_int(q, column + 1),
		.per_minute = (uint32_t)ch_query_int(q, column + 2),
		.per_hour = (uint32_t)ch_query_int(q, column + 3),
		.per_day = (uint32_t)ch_query_int(q, column + 4),
		.canary = (uint32_t)ch_query_int(q, column + 5),
		.canary_percent = (uint32_t)ch_query_int(q, column + 6),
		.canary_wait_us = ch_query_int(q, column + 7),
		.stage = (enum ch_canary_stage)ch_query_int(q, column + 8),
		.canary_first = ch_query_int(q, column + 9),
		.canary_last = ch_query_int(q, column + 10),
		.canary_until_us = ch_query_int(q, column + 11),
		.seen_decided = (uint64_t)ch_query_int(q, column + 12),
		.seen_refused = (uint64_t)ch_query_int(q, column + 13),
	};
	(void)snprintf(ret->stopped, sizeof(ret->stopped), "%s", stopped);
}

bool ch_store_terms_any(const struct ch_store_terms *terms)
{
	return terms->priority != 0 || terms->per_second || terms->per_minute ||
	       terms->per_hour || terms->per_day || terms->canary ||
	       terms->seen_decided || terms->stopped[0];
}

int ch_store_terms_set(struct ch_store *store, int64_t batch_id,
		       const struct ch_store_terms *terms,
		       struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT OR REPLACE INTO terms (batch_id, priority, per_second, "
		"per_minute, per_hour, per_day, canary, canary_percent, "
		"canary_wait_us, stage, canary_first, canary_last, "
		"canary_until_us, seen_decided, seen_refused, stopped) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

	ch_query_put_int(&q, batch_id);
	ch_query_put_int(&q, terms->priority);
	ch_query_put_int(&q, terms->per_second);
	ch_query_put_int(&q, terms->per_minute);
	ch_query_put_int(&q, terms->per_hour);
	ch_query_put_int(&q, terms->per_day);
	ch_query_put_int(&q, terms->canary);
	ch_query_put_int(&q, terms->canary_percent);
	ch_query_put_int(&q, terms->canary_wait_us);
	ch_query_put_int(&q, terms->stage);
	ch_query_put_int(&q, terms->canary_first);
	ch_query_put_int(&q, terms->canary_last);
	ch_query_put_int(&q, terms->canary_until_us);
	ch_query_put_int(&q, (int64_t)terms->seen_decided);
	ch_query_put_int(&q, (int64_t)terms->seen_refused);
	ch_query_put_text(&q, terms->stopped);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

int ch_store_terms(struct ch_store *store, int64_t batch_id,
		   struct ch_store_terms *ret, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT " CH_TERMS_COLUMNS " FROM terms WHERE batch_id = ?");
	int got;

	ch_query_put_int(&q, batch_id);
	got = ch_query_row(&q, err);
	if (got < 0)
		return -1;
	*ret = (struct ch_store_terms){ 0 };
	if (got > 0)
		ch_store_read_terms(&q, 0, ret);
	return 0;
}

void ch_tally_verdicts(const struct ch_tally *tally, uint64_t *ret_decided,
		       uint64_t *ret_refused)
{
	*ret_decided = tally->state[CH_STATE_SENT] +
		       tally->state[CH_STATE_FAILED];
	*ret_refused = tally->state[CH_STATE_FAILED] + tally->bounced;
}

int ch_store_terms_resume(struct ch_store *store, int64_t batch_id,
			  struct ch_error *err)
{
	struct ch_store_terms terms;
	struct ch_tally tally;
	uint64_t refused;

	if (ch_store_terms(store, batch_id, &terms, err) < 0 ||
	    ch_store_tally(store, batch_id, &tally, err) < 0)
		return -1;
	ch_tally_verdicts(&tally, &terms.seen_decided, &refused);
	terms.seen_refused = refused;
	terms.stopped[0] = '\0';
	if (terms.stage == CH_CANARY_STOPPED)
		terms.stage = CH_CANARY_PASSED;
	if (refused == 0)
		terms.seen_decided = 0; /* nothing to look over */
	return ch_store_terms_any(&terms) || terms.stage != CH_CANARY_NONE ?
		       ch_store_terms_set(store, batch_id, &terms, err) : 0;
}

/* ---- the canary's letters --------------------------------------------- */

int ch_store_canary_begin(struct ch_store *store, int64_t batch_id,
			  struct ch_store_terms *terms, struct ch_error *err)
{
	/* What was never tried comes first there, in the order of the table. */
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT letter_id FROM address INDEXED BY address_queued "
		"WHERE state = 0 AND batch_id = ? "
		"ORDER BY next_at_us, letter_id");
	uint32_t letters = 0;
	int got = 0;

	terms->canary_first = 0;
	terms->canary_last = 0;
	ch_query_put_int(&q, batch_id);
	while (letters < terms->canary && (got = ch_query_row(&q, err)) > 0) {
		int64_t id = ch_query_int(&q, 0);

		if (id == terms->canary_last)
			continue;
		if (terms->canary_first == 0 || id < terms->canary_first)
			terms->canary_first = id;
		if (id > terms->canary_last)
			terms->canary_last = id;
		letters++;
	}
	if (got < 0)
		return -1;
	terms->stage = letters > 0 ? CH_CANARY_SENDING : CH_CANARY_NONE;
	return 0;
}

/* Letters whose rows have all been read. */
static void count_whole(const enum ch_state *states, size_t len,
			struct ch_canary_count *ret)
{
	if (len == 0)
		return;
	ret->letters++;
	switch (ch_state_of_letter(states, len)) {
	case CH_STATE_SENT:
		ret->sent++;
		break;
	case CH_STATE_FAILED:
		ret->refused++;
		break;
	case CH_STATE_IN_DOUBT:
	case CH_STATE_HELD:
		ret->unclear++;
		break;
	case CH_STATE_CANCELLED:
		break;
	default:
		ret->pending++;
	}
}

static int count_bounces(struct ch_store *store, int64_t batch_id,
			 const struct ch_store_terms *terms,
			 struct ch_canary_count *ret, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT count(*) FROM letter WHERE id BETWEEN ? AND ? "
		"AND +batch_id = ? AND +facts & 1 <> 0");

	ch_query_put_int(&q, terms->canary_first);
	ch_query_put_int(&q, terms->canary_last);
	ch_query_put_int(&q, batch_id);
	if (ch_query_row(&q, err) < 0)
		return -1;
	ret->bounced = (uint32_t)ch_query_int(&q, 0);
	return 0;
}

int ch_store_canary_count(struct ch_store *store, int64_t batch_id,
			  const struct ch_store_terms *terms,
			  struct ch_canary_count *ret, struct ch_error *err)
{
	/* The letters of other imports of that moment lie between them. */
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT letter_id, state FROM address "
		"WHERE letter_id BETWEEN ? AND ? AND +batch_id = ? "
		"ORDER BY letter_id, seq");
	enum ch_state states[2];
	int64_t letter_id = 0;
	size_t len = 0;
	int got;

	*ret = (struct ch_canary_count){ 0 };
	ch_query_put_int(&q, terms->canary_first);
	ch_query_put_int(&q, terms->canary_last);
	ch_query_put_int(&q, batch_id);
	while ((got = ch_query_row(&q, err)) > 0) {
		enum ch_state state = (enum ch_state)ch_query_int(&q, 1);

		if (ch_query_int(&q, 0) != letter_id) {
			count_whole(states, len, ret);
			letter_id = ch_query_int(&q, 0);
			len = 0;
		}
		/* The order of states holds for parts of a whole too. */
		states[len > 0] = state;
		if (len > 0)
			states[0] = ch_state_of_letter(states, 2);
		len = 1;
	}
	if (got < 0)
		return -1;
	count_whole(states, len, ret);
	return count_bounces(store, batch_id, terms, ret, err);
}

int ch_store_canary_next_due(struct ch_store *store, int64_t batch_id,
			     const struct ch_store_terms *terms,
			     int64_t *ret_at_us, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT min(next_at_us), count(*) FROM address "
		"WHERE letter_id BETWEEN ? AND ? AND +batch_id = ? "
		"AND +state = 0");
	const struct ch_batch_memory *batch =
		ch_store_batch_memory(store, batch_id);
	int64_t at_us = INT64_MAX;

	ch_query_put_int(&q, terms->canary_first);
	ch_query_put_int(&q, terms->canary_last);
	ch_query_put_int(&q, batch_id);
	if (ch_query_row(&q, err) < 0)
		return -1;
	if (batch && batch->state == CH_BATCH_OPEN && ch_query_int(&q, 1) > 0)
		at_us = ch_query_int(&q, 0);
	if (batch && at_us < batch->not_before_us)
		at_us = batch->not_before_us;
	*ret_at_us = at_us;
	return 0;
}
