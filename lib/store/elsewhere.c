// SPDX-License-Identifier: GPL-3.0-or-later
/* elsewhere.c - where else an addressee was reached. A key is the same
 * organisation in each batch: what other letters to it were sent to, and has
 * not come back from there, may be an address for this one. A person decides.
 * Looking through all batches could take long, so it is the newest alone. */
#include "store/store-private.h"

#define BATCHES_MAX 20

static int ask(struct ch_query *q, char *ret[CH_STORE_ELSEWHERE_MAX],
	       size_t *ret_len, struct ch_error *err)
{
	int got = 0;

	while (*ret_len < CH_STORE_ELSEWHERE_MAX &&
	       (got = ch_query_row(q, err)) > 0)
		ret[(*ret_len)++] = ch_query_text(q, 0);
	return got < 0 ? -1 : 0;
}

int ch_store_elsewhere(struct ch_store *store,
		       const struct ch_store_letter *letter, int64_t now_us,
		       char *ret[CH_STORE_ELSEWHERE_MAX], size_t *ret_len,
		       struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT max(a.address) FROM "
		"(SELECT id FROM batch WHERE id <> ?2 AND test_to = '' "
		"ORDER BY id DESC LIMIT ?4) b "
		"JOIN letter l ON l.batch_id = b.id AND l.key = ?3 "
		"JOIN address a ON a.letter_id = l.id AND a.state = ?5 "
		"WHERE NOT EXISTS (SELECT 1 FROM address o "
		"WHERE o.letter_id = ?1 AND lower(o.address) = "
		"lower(a.address)) "
		"AND lower(a.address) NOT IN (SELECT address FROM suppressed "
		"WHERE expires_us = 0 OR expires_us > ?8) "
		"GROUP BY lower(a.address) "
		"HAVING NOT max(EXISTS (SELECT 1 FROM returned r "
		"INDEXED BY returned_proof WHERE r.verified = 1 "
		"AND r.letter_id = a.letter_id AND r.address_seq = a.seq "
		"AND r.kind IN (?6, ?7))) "
		"ORDER BY max(l.batch_id) DESC, min(a.seq)");

	*ret_len = 0;
	ch_query_put_int(&q, letter->id);
	ch_query_put_int(&q, letter->batch_id);
	ch_query_put_text(&q, letter->key);
	ch_query_put_int(&q, BATCHES_MAX);
	ch_query_put_int(&q, CH_STATE_SENT);
	ch_query_put_int(&q, CH_RETURN_BOUNCE_HARD);
	ch_query_put_int(&q, CH_RETURN_BOUNCE_SOFT);
	ch_query_put_int(&q, now_us);
	return ask(&q, ret, ret_len, err);
}
