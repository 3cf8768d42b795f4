// SPDX-License-Identifier: GPL-3.0-or-later
/* known.c - what mail with proof has said already. Its cost must not grow with
 * what strangers write about a letter: each question is one look into an index
 * that has no row of theirs. */
#include "store/store-private.h"

#define ANY_ATTEMPT UINT32_MAX

static int is_known(struct ch_store *store, const struct ch_store_return *item,
		    uint32_t kind, uint32_t attempt, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT 1 FROM returned INDEXED BY returned_proof "
		"WHERE verified = 1 AND letter_id = ?1 "
		"AND address_seq = ?2 AND kind = ?3 "
		"AND (?4 < 0 OR attempt = ?4) LIMIT 1");

	ch_query_put_int(&q, item->letter_id);
	ch_query_put_int(&q, item->address_seq);
	ch_query_put_int(&q, kind);
	ch_query_put_int(&q, attempt == ANY_ATTEMPT ? -1 : (int64_t)attempt);
	return ch_query_row(&q, err);
}

int ch_store_return_seen(struct ch_store *store, const char *mailbox,
			 const struct ch_sha256 *sha256, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT 1 FROM returned INDEXED BY returned_bytes "
		"WHERE mailbox = ? AND sha256 = ? LIMIT 1");

	ch_query_put_text(&q, mailbox);
	ch_query_put_blob(&q, sha256->bytes, CH_SHA256_SIZE);
	return ch_query_row(&q, err);
}

int ch_store_known(struct ch_store *store, const struct ch_store_return *item,
		   struct ch_store_known *ret, struct ch_error *err)
{
	int same = is_known(store, item, item->kind, item->attempt, err);
	int hard = 0;
	int soft = 0;

	if (same >= 0)
		hard = is_known(store, item, CH_RETURN_BOUNCE_HARD,
				ANY_ATTEMPT, err);
	if (same >= 0 && hard == 0)
		soft = is_known(store, item, CH_RETURN_BOUNCE_SOFT,
				ANY_ATTEMPT, err);
	if (same < 0 || hard < 0 || soft < 0)
		return -1;
	*ret = (struct ch_store_known){ same > 0, hard > 0 || soft > 0 };
	return 0;
}
