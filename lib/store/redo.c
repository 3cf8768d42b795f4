// SPDX-License-Identifier: GPL-3.0-or-later
/* redo.c - see redo.h.
 *
 *	group     = head *statement
 *	head      = "CHREDO 1" sha256 mark turn:8 number:4 length:4
 *	statement = number:4 [length:4 sql] changed:4 count:1 *value
 *	value     = 0 integer:8 / 1 length:4 text / 2 length:4 blob
 *
 * A statement that is told for the first time since the database's turn has
 * the next number, and its SQL behind it. The SHA-256 covers all that follows
 * it; the length is that of the statements.
 */
#include "store/redo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/store-private.h"

#define MAGIC "CHREDO 1"
#define MAGIC_SIZE 8
#define SUMMED_AT (MAGIC_SIZE + CH_SHA256_SIZE)
#define PLACE_SIZE (CH_EPOCH_MARK_SIZE + 8 + 4) /* mark, turn, number */
#define HEAD_SIZE (SUMMED_AT + PLACE_SIZE + 4)
#define TEXTS_MAX 1024
#define PIECE ((size_t)64 * 1024) /* SQLite takes less than 128 KiB at once */

/* ---- the file --------------------------------------------------------- */

static int io_failed(int rc, const char *what, struct ch_error *err)
{
	return ch_error_set(err, CH_RETRY, "store: %s of the redo log: %s",
			    what, sqlite3_errstr(rc));
}

static int write_at(struct ch_redo *redo, const char *bytes, size_t len,
		    uint64_t at, struct ch_error *err)
{
	int rc = SQLITE_OK;

	for (size_t done = 0; done < len && rc == SQLITE_OK; done += PIECE)
		rc = redo->file->pMethods->xWrite(
			redo->file, bytes + done,
			(int)(len - done < PIECE ? len - done : PIECE),
			(sqlite3_int64)(at + done));
	return rc == SQLITE_OK ? 0 : io_failed(rc, "write", err);
}

static int read_at(struct ch_redo *redo, char *out, size_t len, uint64_t at,
		   struct ch_error *err)
{
	int rc = SQLITE_OK;

	for (size_t done = 0; done < len && rc == SQLITE_OK; done += PIECE)
		rc = redo->file->pMethods->xRead(
			redo->file, out + done,
			(int)(len - done < PIECE ? len - done : PIECE),
			(sqlite3_int64)(at + done));
	return rc == SQLITE_OK ? 0 : io_failed(rc, "read", err);
}

static int sync_file(struct ch_redo *redo, int flags, struct ch_error *err)
{
	int rc = redo->file->pMethods->xSync(redo->file, flags);

	return rc == SQLITE_OK ? 0 : io_failed(rc, "sync", err);
}

/* All of its size at once: a write within it is durable without the file's
 * length, and cannot find the disk full. */
int ch_redo_lay_out(struct ch_redo *redo, struct ch_error *err)
{
	char *zeros = ch_xcalloc(1, CH_REDO_FILE_BYTES);
	int result = write_at(redo, zeros, CH_REDO_FILE_BYTES, 0, err);

	free(zeros);
	if (result < 0 || sync_file(redo, SQLITE_SYNC_NORMAL, err) < 0)
		return -1;
	redo->found = true;
	return 0;
}

static int open_file(struct ch_redo *redo, struct ch_error *err)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	/* Made here for its mode. */
	CH_AUTOFD fd = open(redo->path, O_RDWR | O_CREAT | O_CLOEXEC |
			    O_NOFOLLOW | O_NONBLOCK, 0600);
	sqlite3_int64 size = 0;
	int rc;

	if (fd < 0)
		return ch_error_errno(err, errno, "%s", redo->path);
	redo->file = ch_xcalloc(1, (size_t)vfs->szOsFile);
	rc = vfs->xOpen(vfs, redo->path, redo->file,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			SQLITE_OPEN_SUPER_JOURNAL, NULL);
	if (rc == SQLITE_OK)
		rc = redo->file->pMethods->xFileSize(redo->file, &size);
	if (rc != SQLITE_OK)
		return io_failed(rc, "open", err);
	redo->found = size == CH_REDO_FILE_BYTES;
	return 0;
}

int ch_redo_open(const char *path, struct ch_redo *ret, struct ch_error *err)
{
	*ret = (struct ch_redo){ .path = ch_xstrdup(path) };
	ch_str_init(&ret->group, CH_REDO_GROUP_MAX);
	ch_redo_reset(ret);
	return open_file(ret, err);
}

void ch_redo_release(struct ch_redo *redo)
{
	if (redo->file && redo->file->pMethods)
		redo->file->pMethods->xClose(redo->file);
	free(redo->file);
	free(redo->path);
	ch_str_release(&redo->group);
	*redo = (struct ch_redo){ 0 };
}

/* ---- writing ---------------------------------------------------------- */

static void put_number(char *out, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		out[i] = (char)(value >> (8 * i));
}

static void add_number(struct ch_redo *redo, uint64_t value, size_t size)
{
	char bytes[8];

	put_number(bytes, value, size);
	ch_str_add_mem(&redo->group, bytes, size);
}

static void add_bytes(struct ch_redo *redo, const void *bytes, size_t len)
{
	add_number(redo, len, 4);
	ch_str_add_mem(&redo->group, bytes, len);
}

void ch_redo_begin(struct ch_redo *redo)
{
	static const char head[HEAD_SIZE];

	ch_str_clear(&redo->group);
	ch_str_add_mem(&redo->group, head, sizeof(head));
	redo->whole = true;
}

void ch_redo_add(struct ch_redo *redo, const char *sql, uint32_t *number,
		 const struct ch_redo_param *params, size_t params_len,
		 int changed)
{
	bool known = *number > 0;

	if (!redo->whole)
		return;
	if (params_len > CH_REDO_PARAMS_MAX ||
	    (!known && redo->texts == TEXTS_MAX)) {
		redo->whole = false;
		return;
	}
	if (!known)
		*number = ++redo->texts;
	add_number(redo, *number, 4);
	if (!known)
		add_bytes(redo, sql, strlen(sql));
	add_number(redo, (uint64_t)changed, 4);
	add_number(redo, params_len, 1);
	for (size_t i = 0; i < params_len; i++) {
		add_number(redo, params[i].type, 1);
		if (params[i].type == CH_REDO_INT)
			add_number(redo, (uint64_t)params[i].number, 8);
		else
			add_bytes(redo, params[i].bytes, params[i].len);
	}
	redo->whole = !redo->group.full;
}

bool ch_redo_fits(const struct ch_redo *redo)
{
	return redo->whole &&
	       redo->size_bytes + redo->group.len <= CH_REDO_FILE_BYTES;
}

/* Where in the history of the store a group stands. */
static void put_place(char *out, const unsigned char *mark, uint64_t turn,
		      uint32_t number)
{
	memcpy(out, mark, CH_EPOCH_MARK_SIZE);
	put_number(out + CH_EPOCH_MARK_SIZE, turn, 8);
	put_number(out + CH_EPOCH_MARK_SIZE + 8, number, 4);
}

static void seal(char *group, size_t len, struct ch_sha256 *ret)
{
	ch_sha256_of(group + SUMMED_AT, len - SUMMED_AT, ret);
}

int ch_redo_write(struct ch_redo *redo,
		  const unsigned char mark[CH_EPOCH_MARK_SIZE], uint64_t turn,
		  struct ch_error *err)
{
	char *head = redo->group.data;
	size_t len = redo->group.len;
	struct ch_sha256 sum;

	memcpy(head, MAGIC, MAGIC_SIZE);
	put_place(head + SUMMED_AT, mark, turn, redo->groups);
	put_number(head + HEAD_SIZE - 4, len - HEAD_SIZE, 4);
	seal(head, len, &sum);
	memcpy(head + MAGIC_SIZE, sum.bytes, CH_SHA256_SIZE);
	if (write_at(redo, head, len, redo->size_bytes, err) < 0 ||
	    sync_file(redo, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY,
		      err) < 0) {
		err->fate = CH_IN_DOUBT;
		return -1;
	}
	redo->size_bytes += len;
	redo->groups++;
	return 0;
}

void ch_redo_reset(struct ch_redo *redo)
{
	redo->size_bytes = 0;
	redo->groups = 0;
	redo->texts = 0;
	redo->generation++;
}

/* ---- reading ---------------------------------------------------------- */

/* What is left of a group, and what was told in those before it. */
struct replay {
	sqlite3 *db; /* borrowed */
	const char *at, *end;
	bool bad; /* it asked for more than there is */
	int rc;   /* what SQLite said last */
	sqlite3_stmt *stmts[TEXTS_MAX]; /* owned; by number - 1 */
	size_t stmts_len;
};

static const char *take(struct replay *replay, size_t len)
{
	const char *at = replay->at;

	if (replay->bad || (size_t)(replay->end - at) < len) {
		replay->bad = true;
		return NULL;
	}
	replay->at += len;
	return at;
}

static uint64_t take_number(struct replay *replay, size_t size)
{
	const char *at = take(replay, size);
	uint64_t value = 0;

	for (size_t i = 0; at && i < size; i++)
		value |= (uint64_t)(unsigned char)at[i] << (8 * i);
	return value;
}

static struct ch_slice take_bytes(struct replay *replay)
{
	size_t len = (size_t)take_number(replay, 4);

	return (struct ch_slice){ take(replay, len), len };
}

/* The statement with this number; the next one is told for the first time. */
static sqlite3_stmt *statement(struct replay *replay, uint64_t number)
{
	struct ch_slice sql;

	if (number >= 1 && number <= replay->stmts_len)
		return replay->stmts[number - 1];
	if (number != replay->stmts_len + 1 || number > TEXTS_MAX)
		return NULL;
	sql = take_bytes(replay);
	if (replay->bad)
		return NULL;
	replay->rc = sqlite3_prepare_v2(replay->db, sql.data, (int)sql.len,
					&replay->stmts[number - 1], NULL);
	if (replay->rc != SQLITE_OK)
		return NULL;
	replay->stmts_len++;
	return replay->stmts[number - 1];
}

static bool bind_value(struct replay *replay, sqlite3_stmt *stmt, int at)
{
	uint64_t type = take_number(replay, 1);
	struct ch_slice bytes;
	int rc;

	if (type == CH_REDO_INT) {
		rc = sqlite3_bind_int64(stmt, at,
					(int64_t)take_number(replay, 8));
		return rc == SQLITE_OK && !replay->bad;
	}
	bytes = take_bytes(replay);
	if (replay->bad)
		return false;
	rc = type == CH_REDO_TEXT ?
		     sqlite3_bind_text64(stmt, at, bytes.data, bytes.len,
					 SQLITE_STATIC, SQLITE_UTF8) :
		     sqlite3_bind_blob64(stmt, at, bytes.data, bytes.len,
					 SQLITE_STATIC);
	return rc == SQLITE_OK;
}

/* Run one, and see that it does what it did. */
static bool run_again(struct replay *replay)
{
	sqlite3_stmt *stmt = statement(replay, take_number(replay, 4));
	int changed = (int)take_number(replay, 4);
	int params = (int)take_number(replay, 1);

	if (!stmt || replay->bad)
		return false;
	for (int i = 1; i <= params; i++)
		if (!bind_value(replay, stmt, i))
			return false;
	do
		replay->rc = sqlite3_step(stmt);
	while (replay->rc == SQLITE_ROW);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return replay->rc == SQLITE_DONE &&
	       sqlite3_changes(replay->db) == changed;
}

/* A disk that fails is no log that does not fit: nobody should take a backup
 * for that. */
static int refuse(const struct replay *replay, struct ch_error *err)
{
	if (ch_store_fate(replay->rc) == CH_RETRY)
		return ch_error_set(err, CH_RETRY,
				    "its redo log cannot be brought into the "
				    "database: %s",
				    sqlite3_errstr(replay->rc));
	return ch_error_set(err, CH_GIVE_UP,
			    "its redo log does not fit the database: restore "
			    "both from the same backup");
}

/* The next group into redo->group: 1, or 0 where the log ends. */
static int next_group(struct ch_redo *redo, const unsigned char *mark,
		      uint64_t turn, struct ch_error *err)
{
	char head[HEAD_SIZE];
	char place[PLACE_SIZE];
	struct replay number = { .at = head + HEAD_SIZE - 4,
				 .end = head + HEAD_SIZE };
	struct ch_sha256 sum;
	size_t len;
	char *into;

	if (redo->size_bytes + HEAD_SIZE > CH_REDO_FILE_BYTES)
		return 0;
	if (read_at(redo, head, HEAD_SIZE, redo->size_bytes, err) < 0)
		return -1;
	put_place(place, mark, turn, redo->groups);
	len = HEAD_SIZE + (size_t)take_number(&number, 4);
	if (memcmp(head, MAGIC, MAGIC_SIZE) != 0 ||
	    memcmp(head + SUMMED_AT, place, PLACE_SIZE) != 0 ||
	    len > CH_REDO_GROUP_MAX ||
	    redo->size_bytes + len > CH_REDO_FILE_BYTES)
		return 0;
	ch_str_clear(&redo->group);
	into = ch_str_room(&redo->group, len);
	if (read_at(redo, into, len, redo->size_bytes, err) < 0)
		return -1;
	ch_str_grew(&redo->group, len);
	seal(into, len, &sum);
	return memcmp(into + MAGIC_SIZE, sum.bytes, CH_SHA256_SIZE) == 0;
}

static int64_t replay_all(struct ch_redo *redo, struct replay *replay,
			  const unsigned char *mark, uint64_t turn,
			  struct ch_error *err)
{
	int got;

	while ((got = next_group(redo, mark, turn, err)) > 0) {
		replay->at = redo->group.data + HEAD_SIZE;
		replay->end = redo->group.data + redo->group.len;
		while (replay->at < replay->end)
			if (!run_again(replay))
				return refuse(replay, err);
		redo->size_bytes += redo->group.len;
		redo->groups++;
	}
	return got < 0 ? -1 : (int64_t)redo->groups;
}

int64_t ch_redo_replay(struct ch_redo *redo, sqlite3 *db,
		       const unsigned char mark[CH_EPOCH_MARK_SIZE],
		       uint64_t turn, struct ch_error *err)
{
	struct replay *replay = ch_xzalloc(sizeof(*replay));
	int64_t turns;

	replay->db = db;
	turns = replay_all(redo, replay, mark, turn, err);
	for (size_t i = 0; i < replay->stmts_len; i++)
		sqlite3_finalize(replay->stmts[i]);
	free(replay);
	ch_redo_reset(redo);
	return turns;
}

int ch_redo_forget(struct ch_redo *redo, struct ch_error *err)
{
	static const char none[HEAD_SIZE];

	if (write_at(redo, none, sizeof(none), 0, err) < 0)
		return -1;
	return sync_file(redo, SQLITE_SYNC_NORMAL, err);
}
