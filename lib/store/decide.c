// SPDX-License-Identifier: GPL-3.0-or-later
/* decide.c - what an operator decides about letters that stand still. */
#include "store/store-private.h"

#define IDS_AT_ONCE 256

/* The decisions there are; nobody makes another. */
static bool allowed(enum ch_state from, enum ch_state to)
{
	switch (from) {
	case CH_STATE_IN_DOUBT:
		return to == CH_STATE_SENT || to == CH_STATE_QUEUED;
	case CH_STATE_FAILED:
		return to == CH_STATE_QUEUED;
	case CH_STATE_HELD:
		return to == CH_STATE_QUEUED || to == CH_STATE_CANCELLED;
	case CH_STATE_QUEUED: /* sent: before the store came back */
		return to == CH_STATE_CANCELLED || to == CH_STATE_SENT;
	case CH_STATE_CLAIMED: /* its dot will be refused */
		return to == CH_STATE_CANCELLED;
	default:
		return false;
	}
}

struct decision {
	enum ch_state from;
	enum ch_state to;
	const char *verb;
	const char *who;
	int64_t now_us;
};

static int tell(struct ch_store *store, const struct decision *decision,
		const char *about, int64_t batch_id, int64_t letter_id,
		const char *what, int64_t count, struct ch_error *err)
{
	CH_AUTO(ch_str) detail = CH_STR_INIT(CH_JSON_MAX);
	CH_AUTOCHAR type = ch_xasprintf("%s.%s", about, decision->verb);

	ch_json_text(&detail, "from",
		     ch_slice_of(ch_state_name(decision->from)));
	ch_json_text(&detail, "to", ch_slice_of(ch_state_name(decision->to)));
	ch_json_int(&detail, what, count);
	return ch_store_event_add(store, type, batch_id, letter_id,
				  decision->who, ch_json_end(&detail),
				  decision->now_us, err);
}

/* It begins anew: its next refusal is the first. */
static int forget_deferrals(struct ch_store *store, int64_t letter_id,
			    struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"DELETE FROM deferral WHERE letter_id = ?");

	ch_query_put_int(&q, letter_id);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

/* How many of the letter's addresses were in that state. */
static int decide_letter(struct ch_store *store, int64_t letter_id,
			 const struct decision *decision, struct ch_error *err)
{
	const struct ch_move move = {
		.to = decision->to,
		.afresh = decision->to == CH_STATE_QUEUED,
	};
	CH_AUTO(ch_standing) standing = { 0 };
	int touched = 0;

	if (ch_standing_read(store, letter_id, &standing, err) < 0)
		return -1;
	if (standing.len == 0)
		return 0;
	ch_tally_leave(store, &standing);
	for (size_t i = 0; i < standing.len; i++) {
		struct ch_stand *stand = &standing.stands[i];

		if (stand->state != decision->from)
			continue;
		if (ch_store_move(store, letter_id, stand, &move,
				  decision->now_us, err) < 0)
			return -1;
		touched++;
	}
	ch_tally_enter(store, &standing);
	if (move.afresh && touched > 0 &&
	    forget_deferrals(store, letter_id, err) < 0)
		return -1;
	return touched;
}

static int64_t decide_one(struct ch_store *store, int64_t batch_id,
			  int64_t letter_id, const struct decision *decision,
			  struct ch_error *err)
{
	int touched = decide_letter(store, letter_id, decision, err);

	if (touched <= 0)
		return touched;
	if (tell(store, decision, "letter", batch_id, letter_id, "addresses",
		 touched, err) < 0)
		return -1;
	return 1;
}

static int64_t decide_some(struct ch_store *store, int64_t batch_id,
			   const struct decision *decision, size_t limit,
			   int64_t *after_id, struct ch_error *err)
{
	int64_t ids[IDS_AT_ONCE];
	size_t letters = 0;

	while (letters < limit) {
		size_t want = limit - letters < IDS_AT_ONCE ? limit - letters
							    : IDS_AT_ONCE;
		int got = ch_store_letter_ids(store, batch_id, decision->from,
					      *after_id, want, ids, err);

		if (got <= 0)
			return got < 0 ? -1 : (int64_t)letters;
		for (int i = 0; i < got; i++) {
			if (decide_letter(store, ids[i], decision, err) < 0)
				return -1;
			*after_id = ids[i];
		}
		letters += (size_t)got;
	}
	return (int64_t)letters;
}

/* It waits after a refusal for now, and goes at once. Its age counts on. */
static int hurry(struct ch_store *store, int64_t letter_id, int64_t now_us,
		 struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE address SET next_at_us = ?1 WHERE letter_id = ?2 "
		"AND +state = 0 AND next_at_us > ?1");

	ch_standing_forget(store, letter_id);
	ch_query_put_int(&q, now_us);
	ch_query_put_int(&q, letter_id);
	return ch_query_run(&q, err);
}

int ch_store_hurry(struct ch_store *store, int64_t batch_id, int64_t letter_id,
		   const char *verb, const char *who, int64_t now_us,
		   struct ch_error *err)
{
	const struct decision decision = { CH_STATE_QUEUED, CH_STATE_QUEUED,
					   verb, who, now_us };
	int touched = hurry(store, letter_id, now_us, err);

	if (touched <= 0)
		return touched;
	return tell(store, &decision, "letter", batch_id, letter_id,
		    "addresses", touched, err) < 0 ? -1 : 1;
}

/* Letters whose addresses wait after a try. Those that came to wait since the
 * decision are not meant: who decided did not know of them. A letter whose
 * addresses wait for different times may come twice. */
static int waiting_letters(struct ch_store *store, int64_t batch_id,
			   int64_t decided_us, size_t limit,
			   struct ch_store_place *place, int64_t *ids,
			   struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT letter_id, next_at_us FROM address "
		"INDEXED BY address_queued WHERE state = 0 AND batch_id = ?1 "
		"AND next_at_us > ?2 AND (next_at_us, letter_id) > (?3, ?4) "
		"AND attempt > 0 AND changed_us <= ?2 "
		"ORDER BY next_at_us, letter_id");
	size_t len = 0;
	int got = 0;

	ch_query_put_int(&q, batch_id);
	ch_query_put_int(&q, decided_us);
	ch_query_put_int(&q, place->at_us);
	ch_query_put_int(&q, place->letter_id);
	while (len < limit && (got = ch_query_row(&q, err)) > 0) {
		ids[len++] = ch_query_int(&q, 0);
		place->letter_id = ch_query_int(&q, 0);
		place->at_us = ch_query_int(&q, 1);
	}
	return got < 0 ? -1 : (int)len;
}

int ch_store_hurry_some(struct ch_store *store, int64_t batch_id,
			int64_t decided_us, size_t limit,
			struct ch_store_place *place, uint64_t *ret_letters,
			struct ch_error *err)
{
	int64_t ids[IDS_AT_ONCE];
	size_t want = limit < IDS_AT_ONCE ? limit : IDS_AT_ONCE;
	int got = waiting_letters(store, batch_id, decided_us, want, place,
				  ids, err);

	*ret_letters = 0;
	for (int i = 0; i < got; i++) {
		int moved = hurry(store, ids[i], decided_us, err);

		if (moved < 0)
			return -1;
		*ret_letters += moved > 0;
	}
	return got < 0 ? -1 : (size_t)got == want;
}

static int64_t decide_all(struct ch_store *store, int64_t batch_id,
			  const struct decision *decision, struct ch_error *err)
{
	int64_t after_id = 0;
	int64_t letters = decide_some(store, batch_id, decision, SIZE_MAX / 2,
				      &after_id, err);

	if (letters > 0 && tell(store, decision, "batch", batch_id, 0,
				"letters", letters, err) < 0)
		return -1;
	return letters;
}

static int check(const struct decision *decision, struct ch_error *err)
{
	if (allowed(decision->from, decision->to))
		return 0;
	return ch_error_set(err, CH_GIVE_UP,
			    "a letter that is %s cannot become %s",
			    ch_state_name(decision->from),
			    ch_state_name(decision->to));
}

int64_t ch_store_decide_some(struct ch_store *store, int64_t batch_id,
			     enum ch_state from, enum ch_state to,
			     size_t limit, int64_t now_us, int64_t *after_id,
			     struct ch_error *err)
{
	const struct decision decision = { .from = from, .to = to,
					   .now_us = now_us };

	if (check(&decision, err) < 0)
		return -1;
	return decide_some(store, batch_id, &decision, limit, after_id, err);
}

int64_t ch_store_decide(struct ch_store *store, int64_t batch_id,
			int64_t letter_id, enum ch_state from,
			enum ch_state to, const char *verb, const char *who,
			int64_t now_us, struct ch_error *err)
{
	const struct decision decision = { from, to, verb, who, now_us };

	if (check(&decision, err) < 0)
		return -1;
	if (letter_id != 0)
		return decide_one(store, batch_id, letter_id, &decision, err);
	return decide_all(store, batch_id, &decision, err);
}
