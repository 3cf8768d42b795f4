// SPDX-License-Identifier: GPL-3.0-or-later
/* transcripts.c - what was said to relays and by them.
 *
 * A connection's opening is kept once. What was said of a letter goes with its
 * first dot into the row that is made there anyway; only another attempt, or one
 * without a dot, costs a row of its own, and the last one stays.
 */
#include "store/store-private.h"

#include <stdlib.h>

#define SAID_MAX ((size_t)64 * 1024)

int ch_store_connection_add(struct ch_store *store, const char *relay,
			    struct ch_slice opening, int64_t now_us,
			    int64_t *ret_id, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO connection (opened_us, relay, opening) "
		"VALUES (?, ?, ?)");

	ch_query_put_int(&q, now_us);
	ch_query_put_text(&q, relay);
	ch_query_put_blob(&q, opening.data, opening.len);
	if (ch_query_run(&q, err) < 0)
		return -1;
	*ret_id = sqlite3_last_insert_rowid(store->db);
	return 0;
}

int ch_store_notes_keep(struct ch_store *store, int64_t letter_id,
			uint32_t attempt, const struct ch_store_notes *notes,
			struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO other_attempt (letter_id, attempt, connection_id, "
		"said) VALUES (?, ?, ?, ?) ON CONFLICT (letter_id) DO UPDATE "
		"SET attempt = excluded.attempt, "
		"connection_id = excluded.connection_id, said = excluded.said");

	ch_query_put_int(&q, letter_id);
	ch_query_put_int(&q, attempt);
	ch_query_put_int(&q, notes->connection_id);
	ch_query_put_blob(&q, notes->said.data, notes->said.len);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

int ch_store_doubt_keep(struct ch_store *store, int64_t letter_id,
			const struct ch_stand *stand, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE address SET relay = coalesce((SELECT c.relay "
		"FROM (SELECT connection_id FROM message "
		"WHERE letter_id = ?1 AND attempt = ?3 UNION ALL "
		"SELECT connection_id FROM other_attempt "
		"WHERE letter_id = ?1 AND attempt = ?3) a "
		"JOIN connection c ON c.id = a.connection_id LIMIT 1), relay), "
		"code = 0, status = '', reply = x'' "
		"WHERE letter_id = ?1 AND seq = ?2");

	ch_query_put_int(&q, letter_id);
	ch_query_put_int(&q, stand->seq);
	ch_query_put_int(&q, stand->attempt);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

void ch_store_transcript_release(struct ch_store_transcript *transcript)
{
	free(transcript->relay);
	ch_str_release(&transcript->opening);
	ch_str_release(&transcript->said);
}

static void take_blob(const struct ch_query *q, int column, struct ch_str *into)
{
	ch_str_init(into, SAID_MAX);
	ch_str_add_mem(into, sqlite3_column_blob(q->stmt, column),
		       (size_t)sqlite3_column_bytes(q->stmt, column));
}

int ch_store_transcript(struct ch_store *store, int64_t letter_id,
			struct ch_store_transcript *ret, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT a.attempt, a.said, coalesce(c.relay, ''), "
		"coalesce(c.opened_us, 0), coalesce(c.opening, x'') "
		"FROM (SELECT attempt, connection_id, said FROM message "
		"WHERE letter_id = ?1 UNION ALL "
		"SELECT attempt, connection_id, said FROM other_attempt "
		"WHERE letter_id = ?1) a "
		"LEFT JOIN connection c ON c.id = a.connection_id "
		"ORDER BY a.attempt DESC LIMIT 1");
	int got;

	ch_query_put_int(&q, letter_id);
	got = ch_query_row(&q, err);
	if (got <= 0)
		return got;
	ret->attempt = (uint32_t)ch_query_int(&q, 0);
	take_blob(&q, 1, &ret->said);
	ret->relay = ch_query_text(&q, 2);
	ret->opened_us = ch_query_int(&q, 3);
	take_blob(&q, 4, &ret->opening);
	return 1;
}
