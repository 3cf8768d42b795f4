// SPDX-License-Identifier: GPL-3.0-or-later
/* query.c - prepared statements, and what becomes of an error of SQLite.
 *
 * Any error but a broken constraint marks the store broken: from then on every
 * call fails, so that nothing is acknowledged on top of a state that nobody
 * knows. The daemon stops with 75 and starts again from the disk.
 */
#include "store/store-private.h"

#include <assert.h>
#include <string.h>

enum ch_fate ch_store_fate(int rc)
{
	switch (rc & 0xFF) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_NOMEM:
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PROTOCOL:
		return CH_RETRY;
	default:
		return CH_GIVE_UP;
	}
}

int ch_store_fail(struct ch_store *store, int rc, const char *what,
		  struct ch_error *err)
{
	int kind = rc & 0xFF;
	int errnum = sqlite3_system_errno(store->db);
	int extended = sqlite3_extended_errcode(store->db);

	store->broken = true;
	/* A misuse, say, is not the connection's last error. */
	if ((extended & 0xFF) != kind)
		extended = rc;
	if ((kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN) && errnum != 0)
		ch_error_errno(err, errnum, "store: %s: %s", what,
			       sqlite3_errstr(extended));
	else
		ch_error_set(err, CH_GIVE_UP, "store: %s: %s", what,
			     sqlite3_errstr(extended));
	err->fate = ch_store_fate(rc);
	return -1;
}

static int refuse_broken(struct ch_error *err)
{
	return ch_error_set(err, CH_RETRY,
			    "store: stopped after an earlier error");
}

int ch_store_exec(struct ch_store *store, const char *sql, const char *what,
		  struct ch_error *err)
{
	int rc;

	if (store->broken)
		return refuse_broken(err);
	rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return ch_store_fail(store, rc, what, err);
	return 0;
}

/* The slot that a statement has or gets, by the address of its text. */
static size_t slot_of(const struct ch_store *store, const char *sql)
{
	size_t slot = (size_t)(((uintptr_t)sql * 0x9E3779B97F4A7C15u) >> 40);

	slot &= CH_STATEMENTS - 1;
	while (store->statements[slot].sql &&
	       store->statements[slot].sql != sql)
		slot = (slot + 1) & (CH_STATEMENTS - 1);
	return slot;
}

static int prepare(struct ch_store *store, size_t slot, const char *sql)
{
	int rc = sqlite3_prepare_v3(store->db, sql, -1,
				    SQLITE_PREPARE_PERSISTENT,
				    &store->statements[slot].stmt, NULL);

	if (rc == SQLITE_OK) {
		store->statements[slot].sql = sql;
		store->statements[slot].writes =
			!sqlite3_stmt_readonly(store->statements[slot].stmt);
	}
	return rc;
}

struct ch_query ch_query(struct ch_store *store, const char *sql)
{
	struct ch_query query;

	/* What is put is not there yet, and need not be zeros. */
	query.store = store;
	query.slot = slot_of(store, sql);
	query.put = 0;
	query.rc = SQLITE_OK;
	if (!store->statements[query.slot].stmt)
		query.rc = prepare(store, query.slot, sql);
	query.stmt = store->statements[query.slot].stmt;
	return query;
}

void ch_query_release(struct ch_query *query)
{
	if (!query->stmt)
		return;
	sqlite3_reset(query->stmt);
	if (query->put > 0)
		sqlite3_clear_bindings(query->stmt);
}

/* One more parameter was bound. */
static void put(struct ch_query *query, int rc, enum ch_redo_type type,
		int64_t number, const void *bytes, size_t len)
{
	if (query->rc == SQLITE_OK)
		query->rc = rc;
	if (query->put <= CH_REDO_PARAMS_MAX)
		query->params[query->put - 1] =
			(struct ch_redo_param){ type, number, bytes, len };
}

void ch_query_put_int(struct ch_query *query, int64_t value)
{
	if (query->stmt)
		put(query, sqlite3_bind_int64(query->stmt, ++query->put,
					      value),
		    CH_REDO_INT, value, NULL, 0);
}

static void put_text(struct ch_query *query, const char *text, size_t len)
{
	if (query->stmt)
		put(query, sqlite3_bind_text64(query->stmt, ++query->put, text,
					       len, SQLITE_STATIC,
					       SQLITE_UTF8),
		    CH_REDO_TEXT, 0, text, len);
}

void ch_query_put_text(struct ch_query *query, const char *text)
{
	put_text(query, text ? text : "", text ? strlen(text) : 0);
}

void ch_query_put_slice(struct ch_query *query, struct ch_slice text)
{
	size_t len = text.len ? strnlen(text.data, text.len) : 0;

	put_text(query, len ? text.data : "", len);
}

void ch_query_put_blob(struct ch_query *query, const void *bytes, size_t len)
{
	if (query->stmt)
		put(query, sqlite3_bind_blob64(query->stmt, ++query->put,
					       len ? bytes : "", len,
					       SQLITE_STATIC),
		    CH_REDO_BLOB, 0, bytes, len);
}

/* The first words of a statement, to say what failed. */
static int failed(struct ch_query *query, int rc, struct ch_error *err)
{
	char what[48] = "prepare";

	if (query->stmt)
		snprintf(what, sizeof(what), "%s", sqlite3_sql(query->stmt));
	what[strcspn(what, "(,=")] = '\0';
	return ch_store_fail(query->store, rc, what, err);
}

static int step(struct ch_query *query, struct ch_error *err)
{
	int rc = query->rc;

	if (query->store->broken)
		return refuse_broken(err);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(query->stmt);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	if ((rc & 0xFF) == SQLITE_CONSTRAINT) {
		ch_error_set(err, CH_GIVE_UP, "store: %s",
			     sqlite3_errmsg(query->store->db));
		return -1;
	}
	return failed(query, rc, err);
}

int ch_query_row(struct ch_query *query, struct ch_error *err)
{
	assert(!query->stmt || !query->store->statements[query->slot].writes);
	return step(query, err);
}

/* For the redo log: what a statement that writes has changed. */
static void tell(const struct ch_query *query, int changed)
{
	struct ch_store *store = query->store;
	uint32_t generation = store->redo.generation;

	if (store->statements[query->slot].redo_generation != generation) {
		store->statements[query->slot].redo_generation = generation;
		store->statements[query->slot].redo_number = 0;
	}
	ch_redo_add(&store->redo, store->statements[query->slot].sql,
		    &store->statements[query->slot].redo_number,
		    query->params, (size_t)query->put, changed);
}

int ch_query_run(struct ch_query *query, struct ch_error *err)
{
	int changed;
	int got;

	do
		got = step(query, err);
	while (got > 0);
	if (got < 0)
		return -1;
	changed = sqlite3_changes(query->store->db);
	if (query->store->statements[query->slot].writes)
		tell(query, changed);
	return changed;
}

int64_t ch_query_int(const struct ch_query *query, int column)
{
	return sqlite3_column_int64(query->stmt, column);
}

char *ch_query_text(const struct ch_query *query, int column)
{
	const void *bytes = sqlite3_column_blob(query->stmt, column);
	int len = sqlite3_column_bytes(query->stmt, column);

	return ch_xstrndup(bytes ? bytes : "", (size_t)len);
}

int ch_query_sha256(const struct ch_query *query, int column,
		    struct ch_sha256 *ret)
{
	const void *bytes = sqlite3_column_blob(query->stmt, column);

	if (!bytes ||
	    sqlite3_column_bytes(query->stmt, column) != CH_SHA256_SIZE)
		return -1;
	memcpy(ret->bytes, bytes, CH_SHA256_SIZE);
	return 0;
}

void ch_store_finalize(struct ch_store *store)
{
	for (size_t i = 0; i < CH_STATEMENTS; i++)
		sqlite3_finalize(store->statements[i].stmt);
	memset(store->statements, 0, sizeof(store->statements));
}
