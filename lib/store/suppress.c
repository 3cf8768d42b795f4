// SPDX-License-Identifier: GPL-3.0-or-later
/* suppress.c - addresses that are not written to: those a person names, and
 * where that is configured those that bounce too often.
 *
 * How many there are is known in memory, so that a claim asks nothing while
 * there is none.
 */
#include "store/store-private.h"

#include <ctype.h>
#include <stdlib.h>

static char *folded(const char *address)
{
	char *small = ch_xstrdup(address);

	for (char *c = small; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return small;
}

void ch_suppressed_release(struct ch_suppressed *suppressed)
{
	free(suppressed->address);
	free(suppressed->reason);
	free(suppressed->who);
	*suppressed = (struct ch_suppressed){ 0 };
}

void ch_suppressed_free(struct ch_suppressed *items, size_t len)
{
	for (size_t i = 0; i < len; i++)
		ch_suppressed_release(&items[i]);
	free(items);
}

int ch_suppressed_count(struct ch_store *store, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store, "SELECT count(*) FROM suppressed");

	if (ch_query_row(&q, err) < 0)
		return -1;
	store->suppressed = (uint64_t)ch_query_int(&q, 0);
	return 0;
}

/* ---- changing ----------------------------------------------------------- */

static int forget(struct ch_store *store, const char *small,
		  struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"DELETE FROM suppressed WHERE address = ?");
	int gone;

	ch_query_put_text(&q, small);
	gone = ch_query_run(&q, err);
	if (gone > 0)
		store->suppressed--;
	return gone;
}

static int insert(struct ch_store *store, const char *small,
		  const struct ch_suppressed *suppressed,
		  struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO suppressed (address, reason, return_id, who, "
		"added_us, expires_us) VALUES (?, ?, ?, ?, ?, ?)");

	ch_query_put_text(&q, small);
	ch_query_put_text(&q, suppressed->reason);
	ch_query_put_int(&q, suppressed->return_id);
	ch_query_put_text(&q, suppressed->who);
	ch_query_put_int(&q, suppressed->added_us);
	ch_query_put_int(&q, suppressed->expires_us);
	if (ch_query_run(&q, err) < 0)
		return -1;
	store->suppressed++;
	return 0;
}

static int tell(struct ch_store *store, const char *type, const char *small,
		const char *reason, int64_t return_id, const char *who,
		int64_t now_us, struct ch_error *err)
{
	CH_AUTO(ch_str) detail = CH_STR_INIT(CH_JSON_MAX);

	ch_json_text(&detail, "address", ch_slice_of(small));
	if (reason)
		ch_json_text(&detail, "reason", ch_slice_of(reason));
	if (return_id)
		ch_json_int(&detail, "return", return_id);
	return ch_store_event_add(store, type, 0, 0, who, ch_json_end(&detail),
				  now_us, err);
}

int ch_store_suppress(struct ch_store *store,
		      const struct ch_suppressed *suppressed,
		      struct ch_error *err)
{
	CH_AUTOCHAR small = folded(suppressed->address);

	if (forget(store, small, err) < 0 ||
	    insert(store, small, suppressed, err) < 0)
		return -1;
	return tell(store, "address.suppressed", small, suppressed->reason,
		    suppressed->return_id, suppressed->who,
		    suppressed->added_us, err);
}

/* Its bounces are forgotten too: it begins anew. */
static int forget_bounces(struct ch_store *store, const char *small,
			  struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"DELETE FROM bounce_count WHERE address = ?");

	ch_query_put_text(&q, small);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

int ch_store_unsuppress(struct ch_store *store, const char *address,
			const char *who, int64_t now_us, struct ch_error *err)
{
	CH_AUTOCHAR small = folded(address);
	int gone = forget(store, small, err);

	if (gone <= 0)
		return gone;
	if (forget_bounces(store, small, err) < 0 ||
	    tell(store, "address.released", small, NULL, 0, who, now_us,
		 err) < 0)
		return -1;
	return 1;
}

/* ---- asking ------------------------------------------------------------- */

#define COLUMNS \
	"SELECT id, address, reason, return_id, who, added_us, expires_us " \
	"FROM suppressed "

static void read_row(const struct ch_query *q, struct ch_suppressed *ret)
{
	*ret = (struct ch_suppressed){
		.id = ch_query_int(q, 0),
		.address = ch_query_text(q, 1),
		.reason = ch_query_text(q, 2),
		.return_id = ch_query_int(q, 3),
		.who = ch_query_text(q, 4),
		.added_us = ch_query_int(q, 5),
		.expires_us = ch_query_int(q, 6),
	};
}

int ch_store_is_suppressed(struct ch_store *store, const char *address,
			   int64_t now_us, struct ch_suppressed *ret,
			   struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		COLUMNS "WHERE address = ? AND (expires_us = 0 OR "
			"expires_us > ?)");
	CH_AUTOCHAR small = NULL;
	int got;

	if (store->suppressed == 0)
		return 0;
	small = folded(address);
	ch_query_put_text(&q, small);
	ch_query_put_int(&q, now_us);
	got = ch_query_row(&q, err);
	if (got > 0)
		read_row(&q, ret);
	return got;
}

int ch_store_suppressed(struct ch_store *store, int64_t after_id,
			size_t limit, struct ch_suppressed **ret,
			size_t *ret_len, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		COLUMNS "WHERE id > ? ORDER BY id LIMIT ?");
	struct ch_suppressed *items = NULL;
	size_t len = 0;
	size_t cap = 0;
	int got;

	ch_query_put_int(&q, after_id);
	ch_query_put_int(&q, (int64_t)limit);
	while ((got = ch_query_row(&q, err)) > 0) {
		CH_GROW(items, len, cap);
		read_row(&q, &items[len++]);
	}
	if (got < 0) {
		ch_suppressed_free(items, len);
		return -1;
	}
	*ret = items;
	*ret_len = len;
	return 0;
}

/* ---- at a claim --------------------------------------------------------- */

static int cancel(struct ch_store *store, struct ch_standing *standing,
		  uint32_t seq, const struct ch_suppressed *why,
		  int64_t now_us, struct ch_error *err)
{
	static const struct ch_move cancelled = { .to = CH_STATE_CANCELLED };
	CH_AUTO(ch_str) detail = CH_STR_INIT(CH_JSON_MAX);

	ch_json_int(&detail, "seq", seq);
	ch_json_text(&detail, "address", ch_slice_of(why->address));
	ch_json_text(&detail, "reason", ch_slice_of(why->reason));
	if (why->return_id)
		ch_json_int(&detail, "return", why->return_id);
	if (ch_store_move(store, standing->letter_id,
			  ch_standing_find(standing, seq), &cancelled, now_us,
			  err) < 0)
		return -1;
	return ch_store_event_add(store, "letter.suppressed",
				  standing->batch_id, standing->letter_id, "",
				  ch_json_end(&detail), now_us, err);
}

int ch_suppress_letter(struct ch_store *store, struct ch_standing *standing,
		       int64_t now_us, struct ch_error *err)
{
	CH_AUTO(ch_store_letter) letter = { 0 };
	int cancelled = 0;

	if (store->suppressed == 0)
		return 0;
	if (ch_store_read_letter(store, standing->letter_id, false, &letter,
				 err) < 0)
		return -1;
	for (size_t i = 0; i < letter.addresses_len; i++) {
		const struct ch_store_address *address = &letter.addresses[i];
		CH_AUTO(ch_suppressed) why = { 0 };
		int got = 0;

		if (address->state == CH_STATE_QUEUED)
			got = ch_store_is_suppressed(store, address->address,
						     now_us, &why, err);
		if (got < 0)
			return -1;
		if (got == 0)
			continue;
		ch_tally_leave(store, standing);
		if (cancel(store, standing, address->seq, &why, now_us,
			   err) < 0)
			return -1;
		ch_tally_enter(store, standing);
		cancelled = 1;
	}
	return cancelled;
}

/* ---- by its bounces ------------------------------------------------------ */

static int count(struct ch_store *store, const char *small, bool hard,
		 const struct ch_suppression *policy, int64_t now_us,
		 struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO bounce_count (address, since_us, hard, soft) "
		"VALUES (?1, ?2, ?3, ?4) ON CONFLICT (address) DO UPDATE SET "
		"hard = CASE WHEN since_us < ?5 THEN ?3 ELSE hard + ?3 END, "
		"soft = CASE WHEN since_us < ?5 THEN ?4 ELSE soft + ?4 END, "
		"since_us = CASE WHEN since_us < ?5 THEN ?2 ELSE since_us END");

	ch_query_put_text(&q, small);
	ch_query_put_int(&q, now_us);
	ch_query_put_int(&q, hard);
	ch_query_put_int(&q, !hard);
	ch_query_put_int(&q, now_us - policy->within_us);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

static int read_count(struct ch_store *store, const char *small,
		      uint32_t *ret_hard, uint32_t *ret_soft,
		      struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT hard, soft FROM bounce_count WHERE address = ?");
	int got;

	ch_query_put_text(&q, small);
	got = ch_query_row(&q, err);
	if (got > 0) {
		*ret_hard = (uint32_t)ch_query_int(&q, 0);
		*ret_soft = (uint32_t)ch_query_int(&q, 1);
	}
	return got;
}

int ch_store_count_bounce(struct ch_store *store, const char *address,
			  bool hard, const struct ch_suppression *policy,
			  int64_t return_id, int64_t now_us,
			  struct ch_error *err)
{
	CH_AUTOCHAR small = folded(address);
	CH_AUTOCHAR reason = NULL;
	char nobody[1] = "";
	uint32_t hards = 0, softs = 0;

	if (count(store, small, hard, policy, now_us, err) < 0 ||
	    read_count(store, small, &hards, &softs, err) < 0)
		return -1;
	if ((policy->hard == 0 || hards < policy->hard) &&
	    (policy->soft == 0 || softs < policy->soft))
		return 0;
	reason = ch_xasprintf("%u hard and %u soft bounces", hards, softs);
	return ch_store_suppress(store, &(struct ch_suppressed){
		.address = small,
		.reason = reason,
		.return_id = return_id,
		.who = nobody,
		.added_us = now_us,
		.expires_us = policy->expires_us ?
				      now_us + policy->expires_us : 0,
	}, err);
}
