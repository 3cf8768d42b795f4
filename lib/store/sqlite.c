// SPDX-License-Identifier: GPL-3.0-or-later
/* sqlite.c - open, close, and the turn's transaction.
 *
 * WAL with synchronous=FULL: in simulated power cuts NORMAL lost the dot record
 * and FULL never did. One connection writes and checkpoints. The whole file is
 * checked at opening only while that takes under a second or so; of a larger
 * one the small tables are, and counting the letters reads every page of the
 * addresses, with the checks of each page on.
 */
#include "store/store-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/schema/sqlite.h"

#define APPLICATION_ID 0x43686379 /* "Chcy" */
#define SCHEMA_VERSION 4
#define WRITE_AHEAD_LOG "write-ahead log (-wal)"
#define QUICK_CHECK_BYTES (128LL * 1024 * 1024)

/* ---- one daemon for one store ----------------------------------------- */

static int refuse_second(const char *path, int fd, struct ch_error *err)
{
	char pid[24] = "";
	ssize_t got = pread(fd, pid, sizeof(pid) - 1, 0);

	if (got > 0)
		pid[strspn(pid, "0123456789")] = '\0';
	return ch_error_set(err, CH_RETRY,
			    "%s: another chanceryd%s%s has this store open",
			    path, got > 0 ? ", process " : "",
			    got > 0 ? pid : "");
}

static int take_lock(const char *path, struct ch_error *err)
{
	CH_AUTOCHAR name = ch_xasprintf("%s.lock", path);
	CH_AUTOFD fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			    0600);
	char pid[24];
	int len;

	if (fd < 0)
		return ch_error_errno(err, errno, "%s", name);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return refuse_second(path, fd, err);
		return ch_error_errno(err, errno, "%s", name);
	}
	/* The number is there for people; the lock does not depend on it. */
	len = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)len, 0) != len)
		return ch_error_errno(err, errno, "%s", name);
	return CH_TAKE_FD(fd);
}

/* ---- the database file ------------------------------------------------ */

/* A number that a pragma or a query gives. */
static int ask(struct ch_store *store, const char *sql, int64_t *ret,
	       struct ch_error *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	if (rc == SQLITE_ROW)
		return 0;
	return ch_store_fail(store, rc, sql, err);
}

static int connect_file(struct ch_store *store, const char *path,
			struct ch_error *err)
{
	/* Created here for its mode; the other files of SQLite inherit it. */
	CH_AUTOFD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return ch_error_errno(err, errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return ch_error_set(err, CH_GIVE_UP, "%s: not a regular file",
				    path);
	/* One thread uses it; refused, and no harm, where it is open already.
	 */
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	rc = sqlite3_open_v2(path, &store->db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
			     SQLITE_OPEN_EXRESCODE, NULL);
	if (rc != SQLITE_OK)
		return ch_store_fail(store, rc, "open", err);
	sqlite3_busy_timeout(store->db, 5000);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	/* Until it is known to end well, closing leaves the log where it is. */
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return 0;
}

/* 8 MiB of pages: a tenth of what 1 M letters' addresses take, and enough
 * for letters that go out in the order of their rows. */
static int set_up(struct ch_store *store, struct ch_error *err)
{
	return ch_store_exec(store,
			     "PRAGMA synchronous = FULL;"
			     "PRAGMA foreign_keys = ON;"
			     "PRAGMA cell_size_check = ON;"
			     "PRAGMA trusted_schema = OFF;"
			     "PRAGMA mmap_size = 0;"
			     "PRAGMA cache_size = -8192;"
			     "PRAGMA wal_autocheckpoint = 1000;"
			     "PRAGMA journal_size_limit = 67108864",
			     "settings", err);
}

static int create(struct ch_store *store, struct ch_error *err)
{
	CH_AUTOCHAR head = ch_xasprintf(
		"PRAGMA application_id = %d; PRAGMA user_version = %d;"
		"INSERT INTO epoch (only, mark, turn)"
		" VALUES (1, randomblob(16), 0)",
		APPLICATION_ID, SCHEMA_VERSION);

	if (ch_store_exec(store, "PRAGMA journal_mode = WAL", "journal",
			  err) < 0 ||
	    ch_store_exec(store, "BEGIN IMMEDIATE", "begin", err) < 0 ||
	    ch_store_exec(store, ch_schema_sqlite, "schema", err) < 0 ||
	    ch_store_exec(store, head, "schema", err) < 0)
		return -1;
	return ch_store_exec(store, "COMMIT", "commit", err);
}

/* The store was not closed, and what SQLite had not yet taken out of its log
 * is nowhere. */
static int refuse_lost_log(const char *log, struct ch_error *err)
{
	return ch_error_set(err, CH_GIVE_UP,
			    "its %s is gone, and with it what was done last: "
			    "letters may have been sent that it calls queued. "
			    "Put the log back, or remove the .epoch file to "
			    "start paused", log);
}

/* `had_log`: a write-ahead log with something in it was there before us. */
static int check_schema(struct ch_store *store, bool had_log,
			bool *ret_created, struct ch_error *err)
{
	int64_t application;
	int64_t version;
	int64_t tables;

	if (ask(store, "SELECT count(*) FROM sqlite_schema", &tables,
		err) < 0 ||
	    ask(store, "PRAGMA application_id", &application, err) < 0 ||
	    ask(store, "PRAGMA user_version", &version, err) < 0)
		return -1;
	*ret_created = tables == 0 && application == 0 && version == 0;
	if (*ret_created && store->epoch.found && !store->epoch.closed &&
	    !had_log)
		return refuse_lost_log(WRITE_AHEAD_LOG, err);
	if (*ret_created)
		return create(store, err);
	if (application != APPLICATION_ID)
		return ch_error_set(err, CH_GIVE_UP,
				    "not a database of Chancery");
	if (version != SCHEMA_VERSION)
		return ch_error_set(err, CH_GIVE_UP,
				    "its schema is version %lld and this "
				    "program knows version %d: use the release "
				    "that made it",
				    (long long)version, SCHEMA_VERSION);
	return ch_store_exec(store, "PRAGMA journal_mode = WAL", "journal",
			     err);
}

/* Run one of the checks; its first row says "ok". */
static int check_one(struct ch_store *store, const char *sql,
		     struct ch_error *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);
	int result = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW) {
		result = ch_store_fail(store, rc, sql, err);
	} else {
		const char *said =
			(const char *)sqlite3_column_text(stmt, 0);

		if (!said || strcmp(said, "ok") != 0)
			result = ch_error_set(err, CH_GIVE_UP,
					      "damaged: %s; restore it from "
					      "a backup", said ? said : "");
	}
	sqlite3_finalize(stmt);
	return result;
}

static int check_integrity(struct ch_store *store, struct ch_error *err)
{
	static const char *const small[] = {
		"PRAGMA quick_check('setting')", "PRAGMA quick_check('epoch')",
		"PRAGMA quick_check('batch')",
		"PRAGMA quick_check('batch_file')",
		"PRAGMA quick_check('mailbox')",
	};
	int64_t pages;
	int64_t page_size;

	if (ask(store, "PRAGMA page_count", &pages, err) < 0 ||
	    ask(store, "PRAGMA page_size", &page_size, err) < 0)
		return -1;
	if (pages * page_size <= QUICK_CHECK_BYTES)
		return check_one(store, "PRAGMA quick_check(1)", err);
	for (size_t i = 0; i < CH_COUNT(small); i++) {
		if (check_one(store, small[i], err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the epoch -------------------------------------------------------- */

static int read_epoch(struct ch_store *store, unsigned char *mark,
		      uint64_t *ret_turn, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store, "SELECT mark, turn FROM epoch");
	int got = ch_query_row(&q, err);

	if (got < 0)
		return -1;
	if (got == 0 ||
	    sqlite3_column_bytes(q.stmt, 0) != CH_EPOCH_MARK_SIZE)
		return ch_error_set(err, CH_GIVE_UP,
				    "damaged: it has no epoch; restore it from "
				    "a backup");
	memcpy(mark, sqlite3_column_blob(q.stmt, 0), CH_EPOCH_MARK_SIZE);
	*ret_turn = (uint64_t)ch_query_int(&q, 1);
	return 0;
}

/* Compare the database with the file beside it. */
static int check_epoch(struct ch_store *store, bool had_log,
		       struct ch_error *err)
{
	struct ch_epoch *file = &store->epoch;
	unsigned char mark[CH_EPOCH_MARK_SIZE];
	uint64_t turn = 0;
	bool same;

	if (read_epoch(store, mark, &turn, err) < 0)
		return -1;
	store->db_turn = turn;
	same = file->found && memcmp(mark, file->mark, sizeof(mark)) == 0;
	if (same && !file->closed && !store->redo.found)
		return refuse_lost_log("redo log (.redo)", err);
	/* Before the epoch file says that the store is open, and has one. */
	if (!store->redo.found && ch_redo_lay_out(&store->redo, err) < 0)
		return -1;
	if (same && !file->closed && !had_log && turn < file->turn)
		return refuse_lost_log(WRITE_AHEAD_LOG, err);
	store->restored = file->found ? !same || turn < file->turn : turn > 0;
	store->epoch_due = store->restored;
	memcpy(file->mark, mark, sizeof(mark));
	if (!file->found || turn > file->turn) {
		file->turn = turn;
		file->redo = 0;
	}
	file->closed = false;
	return store->restored ? 0 : ch_epoch_sync(file, err);
}

static int open_epoch(struct ch_store *store, const char *path,
		      struct ch_error *err)
{
	CH_AUTOCHAR name = ch_xasprintf("%s.epoch", path);

	return ch_epoch_open(name, &store->epoch, err);
}

static int open_redo(struct ch_store *store, const char *path,
		     struct ch_error *err)
{
	CH_AUTOCHAR name = ch_xasprintf("%s.redo", path);

	return ch_redo_open(name, &store->redo, err);
}

static bool has_log(const char *path)
{
	CH_AUTOCHAR name = ch_xasprintf("%s-wal", path);
	struct stat st;

	return stat(name, &st) == 0 && st.st_size > 0;
}

/* ---- the turn --------------------------------------------------------- */

/* Statements of the turn's frame: not for the redo log. */
static int run_frame(struct ch_store *store, const char *sql,
		     struct ch_error *err)
{
	return ch_store_exec(store, sql, sql, err);
}

int ch_store_begin(struct ch_store *store, struct ch_error *err)
{
	/* At once for writing: a lock that comes later could fail halfway. */
	if (!store->uncommitted && run_frame(store, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	ch_redo_begin(&store->redo);
	store->in_transaction = true;
	store->changes_before = sqlite3_total_changes(store->db);
	return 0;
}

/* A store that came back has another history from here on, and so another mark:
 * no log of the one that it left fits it. */
static int next_turn(struct ch_store *store, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
				       "UPDATE epoch SET turn = ?, mark = ?");

	if (store->epoch_due)
		ch_random(store->epoch.mark, sizeof(store->epoch.mark));
	ch_query_put_int(&q, (int64_t)store->epoch.turn + 1);
	ch_query_put_blob(&q, store->epoch.mark, sizeof(store->epoch.mark));
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

/* After the commit: a crash between the two leaves the file behind, which says
 * nothing. */
static int note_turn(struct ch_store *store, struct ch_error *err)
{
	store->epoch.turn++;
	store->epoch.redo = 0;
	if (store->epoch_due) {
		store->epoch_due = false;
		return ch_epoch_sync(&store->epoch, err);
	}
	return ch_epoch_write(&store->epoch, err);
}

/* Into the database, with what only the redo log has. */
static int commit_all(struct ch_store *store, bool changed,
		      struct ch_error *err)
{
	if (changed && next_turn(store, err) < 0)
		return -1;
	if (run_frame(store, "COMMIT", err) < 0) {
		err->fate = CH_IN_DOUBT;
		return -1;
	}
	store->in_transaction = false;
	store->uncommitted = false;
	ch_redo_reset(&store->redo);
	if (changed && note_turn(store, err) < 0) {
		store->broken = true;
		return -1;
	}
	return 0;
}

/* Durable, and SQLite goes on with the same transaction. */
static int write_redo(struct ch_store *store, struct ch_error *err)
{
	int result = ch_redo_write(&store->redo, store->epoch.mark,
				   store->epoch.turn, err);

	if (result == 0) {
		store->in_transaction = false;
		store->uncommitted = true;
		store->epoch.redo = store->redo.groups;
		result = ch_epoch_write(&store->epoch, err);
	}
	store->broken |= result < 0;
	return result;
}

int ch_store_commit(struct ch_store *store, struct ch_error *err)
{
	bool changed = ch_store_changed(store);

	if (!changed && store->uncommitted) {
		store->in_transaction = false;
		return 0;
	}
	/* The first of all goes to the database: an empty one is a new one. */
	if (changed && store->epoch.turn > 0 && !store->epoch_due &&
	    ch_redo_fits(&store->redo))
		return write_redo(store, err);
	return commit_all(store, changed || store->uncommitted, err);
}

int ch_store_settle(struct ch_store *store, struct ch_error *err)
{
	if (!store->uncommitted || store->in_transaction)
		return 0;
	return commit_all(store, true, err);
}

bool ch_store_in_transaction(const struct ch_store *store)
{
	return store->in_transaction;
}

bool ch_store_changed(const struct ch_store *store)
{
	return store->in_transaction &&
	       sqlite3_total_changes(store->db) != store->changes_before;
}

/* ---- open and close --------------------------------------------------- */

static int load_last_event(struct ch_store *store, struct ch_error *err)
{
	return ask(store, "SELECT coalesce(max(id), 0) FROM event",
		   &store->last_event, err);
}

#define ASK_SETTING(name)                                                    \
	"SELECT coalesce(max(CAST(CAST(value AS TEXT) AS INTEGER)), 0) "     \
	"FROM setting WHERE name = '" name "'"

static int load_floors(struct ch_store *store, struct ch_error *err)
{
	int64_t attempt;

	if (ask(store, ASK_SETTING(CH_LETTER_FLOOR), &store->letter_floor,
		err) < 0 ||
	    ask(store, ASK_SETTING(CH_ATTEMPT_FLOOR), &attempt, err) < 0)
		return -1;
	store->attempt_floor = (uint32_t)attempt;
	return 0;
}

/* Turns that were durable when it stopped, and that the database does not have.
 * When they are committed, and only then, the log forgets them. An older copy has
 * its own, if they were copied with it; fewer than there were make it one. Then
 * the epoch file stays as it is. */
static int redo(struct ch_store *store, struct ch_error *err)
{
	int64_t turns;

	if (ch_store_begin(store, err) < 0)
		return -1;
	turns = ch_redo_replay(&store->redo, store->db, store->epoch.mark,
			       store->db_turn, err);
	if (turns < 0)
		return -1;
	if (!store->restored && turns < store->epoch.redo)
		store->restored = store->epoch_due = true;
	if (commit_all(store, turns > 0 && !store->restored, err) < 0)
		return -1;
	return ch_redo_forget(&store->redo, err);
}

static int open_store(struct ch_store *store, const char *path,
		      struct ch_error *err)
{
	bool had_log = has_log(path);
	bool created;

	store->lock_fd = take_lock(path, err);
	if (store->lock_fd < 0 || open_epoch(store, path, err) < 0)
		return -1;
	if (connect_file(store, path, err) < 0 || set_up(store, err) < 0 ||
	    check_schema(store, had_log, &created, err) < 0 ||
	    open_redo(store, path, err) < 0 ||
	    (!created && check_integrity(store, err) < 0) ||
	    check_epoch(store, had_log, err) < 0 || redo(store, err) < 0 ||
	    ch_store_count(store, err) < 0 ||
	    load_last_event(store, err) < 0 ||
	    load_floors(store, err) < 0)
		return ch_error_prefix(err, "%s", path);
	return 0;
}

static void discard(struct ch_store *store)
{
	ch_store_finalize(store);
	sqlite3_close(store->db);
	ch_redo_release(&store->redo);
	ch_epoch_release(&store->epoch);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	free(store->batches);
	free(store->unfinished);
	free(store);
}

int ch_store_open(const char *path, struct ch_store **ret,
		  struct ch_error *err)
{
	struct ch_store *store = ch_xzalloc(sizeof(*store));

	store->lock_fd = -1;
	store->epoch.fd = -1;
	store->epoch.dir_fd = -1;
	if (open_store(store, path, err) < 0) {
		discard(store);
		return -1;
	}
	*ret = store;
	return 0;
}

/* The log goes into the database and away, and only then the epoch file says
 * closed. A crash before that leaves "open" with the same turn in both, which
 * opens like any other. */
static void close_in_order(struct ch_store *store)
{
	struct ch_error err;

	if (store->broken || store->in_transaction || store->epoch_due ||
	    ch_store_settle(store, &err) < 0)
		return;
	if (sqlite3_wal_checkpoint_v2(store->db, NULL,
				      SQLITE_CHECKPOINT_TRUNCATE, NULL,
				      NULL) != SQLITE_OK)
		return;
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	store->epoch.closed = true;
	(void)ch_epoch_sync(&store->epoch, &err);
}

void ch_store_close(struct ch_store *store)
{
	if (!store)
		return;
	close_in_order(store);
	discard(store);
}

bool ch_store_is_restored(const struct ch_store *store)
{
	return store->restored;
}

/* ---- settings and mailboxes ------------------------------------------- */

int ch_store_get(struct ch_store *store, const char *name,
		 struct ch_str *ret, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT value FROM setting WHERE name = ?");
	int got;

	ch_str_clear(ret);
	ch_query_put_text(&q, name);
	got = ch_query_row(&q, err);
	if (got > 0)
		ch_str_add_mem(ret, sqlite3_column_blob(q.stmt, 0),
			       (size_t)sqlite3_column_bytes(q.stmt, 0));
	return got < 0 ? -1 : 0;
}

int ch_store_set(struct ch_store *store, const char *name,
		 struct ch_slice value, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO setting (name, value) VALUES (?, ?) "
		"ON CONFLICT (name) DO UPDATE SET value = excluded.value");

	ch_query_put_text(&q, name);
	ch_query_put_blob(&q, value.data, value.len);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

/* Such a value is text: the monotonic clock, the other clock, and more. */
int ch_store_forget_paces(struct ch_store *store, const char *prefix,
			  int64_t before_us, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"DELETE FROM setting WHERE substr(name, 1, length(?1)) = ?1 "
		"AND CAST(substr(CAST(value AS TEXT), "
		"instr(CAST(value AS TEXT), ' ') + 1) AS INTEGER) < ?2");

	ch_query_put_text(&q, prefix);
	ch_query_put_int(&q, before_us);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

int ch_store_mailbox(struct ch_store *store, const char *mailbox,
		     const char *folder, uint32_t *ret_uidvalidity,
		     uint32_t *ret_last_uid, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT uidvalidity, last_uid FROM mailbox WHERE name = ? "
		"AND folder = ?");
	int got;

	ch_query_put_text(&q, mailbox);
	ch_query_put_text(&q, folder);
	got = ch_query_row(&q, err);
	if (got < 0)
		return -1;
	*ret_uidvalidity = got ? (uint32_t)ch_query_int(&q, 0) : 0;
	*ret_last_uid = got ? (uint32_t)ch_query_int(&q, 1) : 0;
	return 0;
}

int ch_store_mailbox_set(struct ch_store *store, const char *mailbox,
			 const char *folder, uint32_t uidvalidity,
			 uint32_t last_uid, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO mailbox (name, folder, uidvalidity, last_uid) "
		"VALUES (?, ?, ?, ?) ON CONFLICT (name, folder) DO UPDATE SET "
		"uidvalidity = excluded.uidvalidity, "
		"last_uid = excluded.last_uid");

	ch_query_put_text(&q, mailbox);
	ch_query_put_text(&q, folder);
	ch_query_put_int(&q, uidvalidity);
	ch_query_put_int(&q, last_uid);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}
