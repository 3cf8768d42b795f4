// SPDX-License-Identifier: GPL-3.0-or-later
/* batches.c - a batch from the import to its end, and its files. */
#include "store/store-private.h"

#include <stdlib.h>

static bool taken(const struct ch_store *store)
{
	int rc = sqlite3_extended_errcode(store->db);

	return rc == SQLITE_CONSTRAINT_UNIQUE ||
	       rc == SQLITE_CONSTRAINT_PRIMARYKEY;
}

int ch_store_batch_create(struct ch_store *store,
			  const struct ch_store_batch *batch,
			  int64_t *ret_id, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO batch (reference, state, subject, deadline, "
		"sender, reply_to, test_to, enqueued_by, released_by, "
		"created_us, not_before_us, date_us, letters, largest_bytes, "
		"digest, summary) "
		"VALUES (?, 0, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, 0, 0, ?, ?)");
	struct ch_batch_memory *memory;

	ch_query_put_text(&q, batch->reference);
	ch_query_put_text(&q, batch->subject);
	ch_query_put_text(&q, batch->deadline);
	ch_query_put_text(&q, batch->from);
	ch_query_put_text(&q, batch->reply_to);
	ch_query_put_text(&q, batch->test_to);
	ch_query_put_text(&q, batch->enqueued_by);
	ch_query_put_int(&q, batch->created_us);
	ch_query_put_int(&q, batch->not_before_us);
	ch_query_put_int(&q, batch->date_us);
	ch_query_put_blob(&q, batch->digest.bytes, CH_SHA256_SIZE);
	ch_query_put_text(&q, batch->summary);
	if (ch_query_run(&q, err) < 0) {
		if (!store->broken && taken(store))
			ch_error_set(err, CH_GIVE_UP, "%s is already there",
				     batch->reference);
		return -1;
	}
	*ret_id = sqlite3_last_insert_rowid(store->db);
	if (ch_store_terms_any(&batch->terms) &&
	    ch_store_terms_set(store, *ret_id, &batch->terms, err) < 0)
		return -1;
	if (batch->relation != CH_RELATION_NONE &&
	    ch_relation_add(store, *ret_id, batch, err) < 0)
		return -1;
	memory = ch_store_remember_batch(store, *ret_id);
	memory->state = CH_BATCH_IMPORTING;
	memory->not_before_us = batch->not_before_us;
	return 0;
}

int ch_store_batch_add_file(struct ch_store *store, int64_t batch_id,
			    const char *role, const char *name,
			    const struct ch_sha256 *sha256,
			    uint64_t size_bytes, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO batch_file (batch_id, place, role, name, sha256, "
		"size_bytes) SELECT ?1, count(*), ?2, ?3, ?4, ?5 "
		"FROM batch_file WHERE batch_id = ?1");

	ch_query_put_int(&q, batch_id);
	ch_query_put_text(&q, role);
	ch_query_put_text(&q, name);
	ch_query_put_blob(&q, sha256->bytes, CH_SHA256_SIZE);
	ch_query_put_int(&q, (int64_t)size_bytes);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

/* A column of 32 bytes that is not there would be a damaged row; the schema
 * checks its length. */
int ch_store_batch_files(struct ch_store *store, int64_t batch_id,
			 struct ch_store_file **ret, size_t *ret_len,
			 struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT role, name, sha256, size_bytes FROM batch_file "
		"WHERE batch_id = ? ORDER BY place");
	struct ch_store_file *files = NULL;
	size_t len = 0;
	size_t cap = 0;
	int got;

	ch_query_put_int(&q, batch_id);
	while ((got = ch_query_row(&q, err)) > 0) {
		CH_GROW(files, len, cap);
		files[len].role = ch_query_text(&q, 0);
		files[len].name = ch_query_text(&q, 1);
		ch_query_sha256(&q, 2, &files[len].sha256);
		files[len].size_bytes = (uint64_t)ch_query_int(&q, 3);
		len++;
	}
	if (got < 0) {
		ch_store_files_free(files, len);
		return -1;
	}
	*ret = files;
	*ret_len = len;
	return 0;
}

/* An import is under way, or why not. */
static struct ch_batch_memory *importing(struct ch_store *store,
					 int64_t batch_id,
					 struct ch_error *err)
{
	struct ch_batch_memory *memory =
		ch_store_batch_memory(store, batch_id);

	if (memory && memory->state == CH_BATCH_IMPORTING)
		return memory;
	ch_error_set(err, CH_GIVE_UP, "batch %lld is not being imported",
		     (long long)batch_id);
	return NULL;
}

static uint64_t letters_of(const struct ch_tally *tally)
{
	uint64_t sum = 0;

	for (int i = 0; i < CH_STATES; i++)
		sum += tally->state[i];
	return sum;
}

int ch_store_batch_publish(struct ch_store *store, int64_t batch_id,
			   const struct ch_store_batch *facts,
			   enum ch_batch_state state, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE batch SET state = ?, subject = ?, letters = ?, "
		"largest_bytes = ?, digest = ?, summary = ? "
		"WHERE id = ? AND state = 0");
	struct ch_batch_memory *memory = importing(store, batch_id, err);
	uint64_t letters;

	if (!memory)
		return -1;
	letters = letters_of(&memory->tally);
	if (letters != facts->letters)
		return ch_error_set(err, CH_GIVE_UP,
				    "%llu letters were imported and %llu are "
				    "in the store",
				    (unsigned long long)facts->letters,
				    (unsigned long long)letters);
	ch_query_put_int(&q, state);
	ch_query_put_text(&q, facts->subject);
	ch_query_put_int(&q, (int64_t)letters);
	ch_query_put_int(&q, (int64_t)facts->largest_bytes);
	ch_query_put_blob(&q, facts->digest.bytes, CH_SHA256_SIZE);
	ch_query_put_text(&q, facts->summary);
	ch_query_put_int(&q, batch_id);
	if (ch_query_run(&q, err) < 0)
		return -1;
	memory->state = state;
	return 0;
}

static int remove_rows(struct ch_store *store, const char *sql,
		       int64_t batch_id, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store, sql);

	ch_query_put_int(&q, batch_id);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

/* The first letters by their keys, in both statements the same. */
static int remove_letters(struct ch_store *store, int64_t batch_id,
			  size_t limit, struct ch_error *err)
{
	CH_AUTO(ch_query) addresses = ch_query(store,
		"DELETE FROM address WHERE letter_id IN "
		"(SELECT id FROM letter WHERE batch_id = ? "
		"ORDER BY key LIMIT ?)");
	CH_AUTO(ch_query) letters = ch_query(store,
		"DELETE FROM letter WHERE id IN "
		"(SELECT id FROM letter WHERE batch_id = ? "
		"ORDER BY key LIMIT ?)");

	ch_standing_forget_all(store);
	ch_query_put_int(&addresses, batch_id);
	ch_query_put_int(&addresses, (int64_t)limit);
	if (ch_query_run(&addresses, err) < 0)
		return -1;
	ch_query_put_int(&letters, batch_id);
	ch_query_put_int(&letters, (int64_t)limit);
	return ch_query_run(&letters, err);
}

int ch_store_batch_drop_some(struct ch_store *store, int64_t batch_id,
			     size_t limit, struct ch_error *err)
{
	int removed;

	if (!importing(store, batch_id, err))
		return -1;
	removed = remove_letters(store, batch_id, limit, err);
	if (removed < 0)
		return -1;
	if ((size_t)removed == limit)
		return 1;
	if (remove_rows(store, "DELETE FROM batch_file WHERE batch_id = ?",
			batch_id, err) < 0 ||
	    remove_rows(store, "DELETE FROM terms WHERE batch_id = ?", batch_id,
			err) < 0 ||
	    remove_rows(store, "DELETE FROM relation WHERE batch_id = ?",
			batch_id, err) < 0 ||
	    remove_rows(store, "DELETE FROM batch WHERE id = ?", batch_id,
			err) < 0)
		return -1;
	ch_store_forget_batch(store, batch_id);
	return 0;
}

int ch_store_batch_drop(struct ch_store *store, int64_t batch_id,
			struct ch_error *err)
{
	return ch_store_batch_drop_some(store, batch_id, INT64_MAX, err);
}

int ch_store_batch_change(struct ch_store *store, int64_t batch_id,
			  enum ch_batch_state from, enum ch_batch_state to,
			  const char *who, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE batch SET state = ?1, released_by = "
		"CASE WHEN ?4 AND ?5 <> '' THEN ?5 ELSE released_by END "
		"WHERE id = ?2 AND state = ?3");
	struct ch_batch_memory *memory =
		ch_store_batch_memory(store, batch_id);
	int changed;

	ch_query_put_int(&q, to);
	ch_query_put_int(&q, batch_id);
	ch_query_put_int(&q, from);
	ch_query_put_int(&q, from == CH_BATCH_HELD && to == CH_BATCH_OPEN);
	ch_query_put_text(&q, who);
	changed = ch_query_run(&q, err);
	if (changed > 0 && memory)
		memory->state = to;
	return changed;
}

/* ---- reading ---------------------------------------------------------- */

#define BATCH_COLUMNS                                                        \
	"SELECT id, reference, state, subject, deadline, sender, reply_to, " \
	"test_to, enqueued_by, released_by, created_us, not_before_us, "     \
	"date_us, letters, largest_bytes, digest, summary, "                 \
	"(SELECT kind FROM relation r WHERE r.batch_id = batch.id), "        \
	"(SELECT related_id FROM relation r WHERE r.batch_id = batch.id), "  \
	"(SELECT o.reference FROM relation r JOIN batch o "                  \
	"ON o.id = r.related_id WHERE r.batch_id = batch.id), "              \
	CH_TERMS_COLUMNS " FROM batch LEFT JOIN terms ON batch_id = id "     \
	"WHERE state <> 0 "

static void read_batch(const struct ch_query *q, struct ch_store_batch *ret)
{
	*ret = (struct ch_store_batch){
		.id = ch_query_int(q, 0),
		.reference = ch_query_text(q, 1),
		.state = (enum ch_batch_state)ch_query_int(q, 2),
		.subject = ch_query_text(q, 3),
		.deadline = ch_query_text(q, 4),
		.from = ch_query_text(q, 5),
		.reply_to = ch_query_text(q, 6),
		.test_to = ch_query_text(q, 7),
		.enqueued_by = ch_query_text(q, 8),
		.released_by = ch_query_text(q, 9),
		.created_us = ch_query_int(q, 10),
		.not_before_us = ch_query_int(q, 11),
		.date_us = ch_query_int(q, 12),
		.letters = (uint64_t)ch_query_int(q, 13),
		.largest_bytes = (uint64_t)ch_query_int(q, 14),
		.summary = ch_query_text(q, 16),
		.relation = (enum ch_relation)ch_query_int(q, 17),
		.related_id = ch_query_int(q, 18),
		.related = ch_query_text(q, 19),
	};
	ch_query_sha256(q, 15, &ret->digest);
	ch_store_read_terms(q, 20, &ret->terms);
}

int ch_store_batch_by_reference(struct ch_store *store, const char *reference,
				struct ch_store_batch *ret,
				struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		BATCH_COLUMNS "AND reference = ?");
	int got;

	ch_query_put_text(&q, reference);
	got = ch_query_row(&q, err);
	if (got > 0)
		read_batch(&q, ret);
	return got;
}

int ch_store_batch_by_id(struct ch_store *store, int64_t batch_id,
			 struct ch_store_batch *ret, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store, BATCH_COLUMNS "AND id = ?");
	int got;

	ch_query_put_int(&q, batch_id);
	got = ch_query_row(&q, err);
	if (got > 0)
		read_batch(&q, ret);
	return got;
}

static int read_batches(struct ch_query *q, struct ch_store_batch **ret,
			size_t *ret_len, struct ch_error *err)
{
	struct ch_store_batch *batches = NULL;
	size_t len = 0;
	size_t cap = 0;
	int got;

	while ((got = ch_query_row(q, err)) > 0) {
		CH_GROW(batches, len, cap);
		read_batch(q, &batches[len++]);
	}
	if (got < 0) {
		ch_store_batches_free(batches, len);
		return -1;
	}
	*ret = batches;
	*ret_len = len;
	return 0;
}

int ch_store_batches(struct ch_store *store, int64_t after_id, size_t limit,
		     struct ch_store_batch **ret, size_t *ret_len,
		     struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		BATCH_COLUMNS "AND id > ? ORDER BY id LIMIT ?");

	ch_query_put_int(&q, after_id);
	ch_query_put_int(&q, (int64_t)limit);
	return read_batches(&q, ret, ret_len, err);
}

int ch_store_followers(struct ch_store *store, int64_t batch_id,
		       struct ch_store_batch **ret, size_t *ret_len,
		       struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		BATCH_COLUMNS "AND id IN (SELECT f.batch_id FROM relation f "
			      "WHERE f.related_id = ?) ORDER BY id");

	ch_query_put_int(&q, batch_id);
	return read_batches(&q, ret, ret_len, err);
}
