/* SPDX-License-Identifier: GPL-3.0-or-later */
/* redo.h - the turns that are on the disk before they are in the database.
 *
 * A commit of SQLite writes each page that a turn has touched, some 40 KB for
 * eight letters. Most turns are durable instead by one short write: the
 * statements they ran, with their values, go to the redo log beside the
 * database, and SQLite commits many turns at once. After a crash SQLite takes
 * back what it had not committed, and the statements are run again, in order, on
 * what it had: the same statements on the same rows make the same rows.
 *
 * The log is one file of a fixed size, written from its start after each commit
 * of the database. It is made of groups, one a turn:
 *
 *	magic, SHA-256 of what follows, mark of the store, turn of the
 *	database that it builds on, its number behind that turn, length
 *
 * and ends at the first that is not the next one. All its I/O goes through
 * SQLite's default VFS, as the database's does. Numbers are little-endian.
 */
#ifndef CH_STORE_REDO_H
#define CH_STORE_REDO_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "store/epoch.h"

#define CH_REDO_FILE_BYTES (1024 * 1024)
#define CH_REDO_GROUP_MAX (256 * 1024) /* longer turns are committed */
#define CH_REDO_PARAMS_MAX 32

enum ch_redo_type {
	CH_REDO_INT,
	CH_REDO_TEXT,
	CH_REDO_BLOB,
};

/* A value of a statement; bytes are borrowed. */
struct ch_redo_param {
	enum ch_redo_type type;
	int64_t number;
	const void *bytes;
	size_t len;
};

struct ch_redo {
	sqlite3_file *file; /* owned */
	char *path;         /* owned: SQLite keeps it */
	bool found;         /* it is there, in its size */
	struct ch_str group;     /* the turn under way, its head left open */
	bool whole;              /* every change of the turn is in it */
	uint64_t size_bytes;     /* of the groups since the database's turn */
	uint32_t groups;
	uint32_t texts;          /* statements that were given a number */
	uint32_t generation;     /* goes up when the numbers begin anew */
};

/* Open or create `path`; a new one is still empty. -1: CH_RETRY. */
int ch_redo_open(const char *path, struct ch_redo *ret, struct ch_error *err);
/* Make one that was not found CH_REDO_FILE_BYTES long, on the disk. */
int ch_redo_lay_out(struct ch_redo *redo, struct ch_error *err);
void ch_redo_release(struct ch_redo *redo); /* zeroed is fine */

/* ---- writing ---------------------------------------------------------- */

/* A turn begins. */
void ch_redo_begin(struct ch_redo *redo);
/* A statement that has just run and changed so many rows. *number is the
 * caller's to keep for this `sql` as long as the generation stays; 0: none
 * yet. */
void ch_redo_add(struct ch_redo *redo, const char *sql, uint32_t *number,
		 const struct ch_redo_param *params, size_t params_len,
		 int changed);
/* Whether the turn can be made durable by ch_redo_write(). */
bool ch_redo_fits(const struct ch_redo *redo);
/* Write the turn and sync. -1 with CH_IN_DOUBT: it may be there or not. */
int ch_redo_write(struct ch_redo *redo,
		  const unsigned char mark[CH_EPOCH_MARK_SIZE], uint64_t turn,
		  struct ch_error *err);
/* The database has all of it. */
void ch_redo_reset(struct ch_redo *redo);

/* ---- reading ---------------------------------------------------------- */

/* Run on `db`, in the transaction that is open, what the log has behind `turn`
 * of the store with this mark. Returns how many turns, or -1: CH_GIVE_UP where a
 * statement does not do what it did. */
int64_t ch_redo_replay(struct ch_redo *redo, sqlite3 *db,
		       const unsigned char mark[CH_EPOCH_MARK_SIZE],
		       uint64_t turn, struct ch_error *err);
/* What was replayed is committed: nothing of it will be found again. */
int ch_redo_forget(struct ch_redo *redo, struct ch_error *err);

#endif
