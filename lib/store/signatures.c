// SPDX-License-Identifier: GPL-3.0-or-later
/* signatures.c - what a letter's bytes were signed with.
 *
 * Statements of their own: the dots of letters that are not signed, most of
 * them, go without.
 */
#include "store/store-private.h"

int ch_store_signatures_keep(struct ch_store *store, int64_t letter_id,
			     struct ch_slice smime, struct ch_slice dkim,
			     struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE message SET signature = ?, dkim = ? "
		"WHERE letter_id = ? AND signature = x'' AND dkim = ''");

	ch_query_put_blob(&q, smime.data, smime.len);
	ch_query_put_slice(&q, dkim);
	ch_query_put_int(&q, letter_id);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

static void add_column(const struct ch_query *q, int column,
		       struct ch_str *out)
{
	ch_str_truncate(out, 0);
	ch_str_add_mem(out, sqlite3_column_blob(q->stmt, column),
		       (size_t)sqlite3_column_bytes(q->stmt, column));
}

int ch_store_signatures(struct ch_store *store, int64_t letter_id,
			struct ch_str *ret_smime, struct ch_str *ret_dkim,
			struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT signature, dkim FROM message WHERE letter_id = ?");
	int got;

	ch_query_put_int(&q, letter_id);
	got = ch_query_row(&q, err);
	if (got > 0) {
		add_column(&q, 0, ret_smime);
		add_column(&q, 1, ret_dkim);
	}
	return got < 0 ? -1 : 0;
}
