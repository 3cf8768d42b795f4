/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store-private.h - what the files of the SQLite store share.
 *
 * A statement is known by its SQL, a static string in the function that uses
 * it: ch_query() prepares it once for the life of the store and finds it by
 * its address. Parameters are put in the order of their question marks.
 */
#ifndef CH_STORE_STORE_PRIVATE_H
#define CH_STORE_STORE_PRIVATE_H

#include <sqlite3.h>

#include "store/epoch.h"
#include "store/redo.h"
#include "store/store.h"

/* Bits of letter.facts. */
enum ch_fact {
	CH_FACT_BOUNCED = 1,
	CH_FACT_DELAYED = 2,
	CH_FACT_DELIVERED = 4,
	CH_FACT_AUTO_REPLIED = 8,
	CH_FACT_ANSWERED = 16,
	CH_FACT_READ = 32,
};

/* What is kept of each batch in memory: enough to claim nothing from a paused
 * one and to answer "how many" without a query. */
struct ch_batch_memory {
	int64_t id;
	enum ch_batch_state state;
	int64_t not_before_us;
	int64_t last_letter; /* highest id of its letters: where a list ends */
	struct ch_tally tally;
	uint64_t heard[CH_STATES]; /* letters that were answered or came back,
				      by state; those sent are in the tally */
};

/* A letter's addresses as far as its state goes. Addresses of one letter are
 * few; the array is on the heap only past CH_FEW. */
#define CH_FEW 8
struct ch_standing {
	int64_t letter_id;
	int64_t batch_id;
	uint32_t attempt; /* highest of its addresses' */
	bool unsent;      /* known to have had no dot so far */
	size_t len;
	struct ch_stand {
		uint32_t seq;
		uint32_t attempt;
		enum ch_state state;
		int64_t next_at_us;
	} few[CH_FEW], *stands; /* owned unless it is `few` */
};

/* Settings that keep these two. */
#define CH_LETTER_FLOOR "letter_floor"
#define CH_ATTEMPT_FLOOR "attempt_floor"
#define CH_RECENT 256 /* a power of two */
#define CH_STATEMENTS 256 /* a power of two, well above their number */

struct ch_store {
	sqlite3 *db; /* owned */
	struct {
		const char *sql; /* a static string */
		sqlite3_stmt *stmt; /* owned */
		bool writes;
		uint32_t redo_number; /* in the redo log's generation */
		uint32_t redo_generation;
	} statements[CH_STATEMENTS];
	int lock_fd; /* owned */
	struct ch_epoch epoch;
	uint64_t db_turn; /* of the database, when it was opened */
	bool restored;
	bool epoch_due; /* restored: the file stays as it is until a commit */
	struct ch_redo redo;
	bool in_transaction;
	bool uncommitted; /* SQLite's transaction has turns that only the redo
			     log has */
	bool broken; /* an error came: nothing more is done or promised */
	int changes_before; /* of the connection, at begin */
	int64_t last_event;
	uint64_t suppressed;  /* addresses, also those that are over */
	int64_t letter_floor; /* ids of new letters are not below it */
	uint32_t attempt_floor; /* and new attempts of the others above this */
	struct ch_batch_memory *batches; /* owned; by id */
	size_t batches_len;
	size_t batches_cap;
	bool leaving_heard; /* the letter that is out of its tally */
	struct ch_standing recent[CH_RECENT]; /* by letter id; 0: none */
	int64_t *unfinished; /* owned: claimed or dot when it was opened */
	size_t unfinished_len;
	size_t unfinished_cap;
};

/* ---- queries (query.c) ------------------------------------------------ */

/* One use of a statement; CH_AUTO(ch_query) makes it ready for the next. */
struct ch_query {
	struct ch_store *store; /* borrowed */
	sqlite3_stmt *stmt;     /* the store's */
	size_t slot;            /* of the statement */
	int put; /* parameters given */
	int rc;  /* first error until the first row is asked for */
	struct ch_redo_param params[CH_REDO_PARAMS_MAX]; /* those of a
				statement that writes */
};

struct ch_query ch_query(struct ch_store *store, const char *sql);
void ch_query_release(struct ch_query *query);
/* What is put is borrowed until the release. NULL text is "". */
void ch_query_put_int(struct ch_query *query, int64_t value);
void ch_query_put_text(struct ch_query *query, const char *text);
void ch_query_put_blob(struct ch_query *query, const void *bytes, size_t len);
/* Text from outside that a column of text must hold: cut at a NUL. */
void ch_query_put_slice(struct ch_query *query, struct ch_slice text);

/* 1 a row, 0 no more, -1 error. Of a statement that only reads. */
int ch_query_row(struct ch_query *query, struct ch_error *err);
/* Run one that gives no rows: the number of rows it changed, or -1. It goes to
 * the redo log and may be run once more, on the same rows: its SQL may not ask
 * for the time or for random bytes. A broken
 * constraint is CH_GIVE_UP and leaves the store in order; every other error
 * breaks it. */
int ch_query_run(struct ch_query *query, struct ch_error *err);

int64_t ch_query_int(const struct ch_query *query, int column);
char *ch_query_text(const struct ch_query *query, int column); /* a copy */
int ch_query_sha256(const struct ch_query *query, int column,
		    struct ch_sha256 *ret);

/* Whether what SQLite said may pass: a disk that is full, say. */
enum ch_fate ch_store_fate(int rc);

/* SQL that takes nothing and is run once; `what` it does, for an error. */
int ch_store_exec(struct ch_store *store, const char *sql, const char *what,
		  struct ch_error *err);
/* Fill *err from the connection's last error, and mark the store broken.
 * Returns -1. */
int ch_store_fail(struct ch_store *store, int rc, const char *what,
		  struct ch_error *err);
void ch_store_finalize(struct ch_store *store);

/* ---- tallies (tally.c) ------------------------------------------------ */

/* NULL: no such batch. The pointer holds until a batch is added. */
struct ch_batch_memory *ch_store_batch_memory(struct ch_store *store,
					      int64_t batch_id);
struct ch_batch_memory *ch_store_remember_batch(struct ch_store *store,
						int64_t batch_id);
void ch_store_forget_batch(struct ch_store *store, int64_t batch_id);
int ch_store_count(struct ch_store *store, struct ch_error *err);

/* Letters that are on their way are read three times in a row: how they stand is
 * remembered after a change and forgotten before the next. Every change of a
 * row names the state and attempt that were read, so what is remembered wrongly
 * finds no row and stops the store; it cannot send. */

/* 1, or 0 where there is no such letter. Releasing a zeroed one is fine. */
int ch_standing_read(struct ch_store *store, int64_t letter_id,
		     struct ch_standing *ret, struct ch_error *err);
void ch_standing_release(struct ch_standing *standing);
void ch_standing_keep(struct ch_store *store,
		      const struct ch_standing *standing);
void ch_standing_forget(struct ch_store *store, int64_t letter_id);
void ch_standing_forget_all(struct ch_store *store);
enum ch_state ch_standing_state(const struct ch_standing *standing);
struct ch_stand *ch_standing_find(struct ch_standing *standing, uint32_t seq);
/* Take the letter out of its batch's tally before it changes, and put it back
 * as it then is. */
void ch_tally_leave(struct ch_store *store, const struct ch_standing *standing);
void ch_tally_enter(struct ch_store *store, const struct ch_standing *standing);
/* A letter that has one of these is heard of, and not silent. */
#define CH_FACTS_HEARD (CH_FACT_BOUNCED | CH_FACT_ANSWERED)
int ch_tally_hear(struct ch_store *store, int64_t letter_id,
		  struct ch_error *err);
/* The letter has new facts, which it had not before. */
void ch_tally_facts(struct ch_tally *tally, unsigned int facts, uint64_t by);

/* ---- events ----------------------------------------------------------- */

/* A JSON object, member by member: ch_json_end() closes it. Text from outside
 * is made UTF-8. */
#define CH_JSON_MAX 16384
void ch_json_int(struct ch_str *out, const char *name, int64_t value);
void ch_json_text(struct ch_str *out, const char *name, struct ch_slice text);
const char *ch_json_end(struct ch_str *out);

/* ---- terms (terms.c) --------------------------------------------------- */

#define CH_TERMS_COLUMNS                                                     \
	"priority, per_second, per_minute, per_hour, per_day, canary, "      \
	"canary_percent, canary_wait_us, stage, canary_first, canary_last, " \
	"canary_until_us, seen_decided, seen_refused, stopped"
/* From these, the first of which is `column`; where there is no row all 0. */
void ch_store_read_terms(const struct ch_query *q, int column,
			 struct ch_store_terms *ret);

/* ---- addresses that are not written to (suppress.c) --------------------- */

/* How many there are, at the opening. */
int ch_suppressed_count(struct ch_store *store, struct ch_error *err);
/* Cancel what is queued of a letter for such addresses: 1, or 0 where there was
 * nothing. */
int ch_suppress_letter(struct ch_store *store, struct ch_standing *standing,
		       int64_t now_us, struct ch_error *err);

/* ---- batches that follow on others (relations.c) ----------------------- */

/* The relation that `batch` names, as that of batch_id. */
int ch_relation_add(struct ch_store *store, int64_t batch_id,
		    const struct ch_store_batch *batch, struct ch_error *err);
/* A letter was answered, for the first time: what that says of the letters of
 * the same key in reminders, and in what they remind of. */
int ch_relations_answered(struct ch_store *store, int64_t batch_id,
			  int64_t letter_id, int64_t return_id,
			  int64_t now_us, struct ch_error *err);
/* More facts about a letter that has `before`. */
int ch_facts_add(struct ch_store *store, int64_t batch_id, int64_t letter_id,
		 unsigned int before, unsigned int facts,
		 struct ch_error *err);

/* ---- letters ---------------------------------------------------------- */

/* Read the letter's row and addresses; 1, 0, -1. */
int ch_store_read_letter(struct ch_store *store, int64_t letter_id,
			 bool with_fields, struct ch_store_letter *ret,
			 struct ch_error *err);
/* First 8 bytes of the SHA-256 of a Message-ID: what its index holds. */
int64_t ch_message_mark(const char *message_id);

/* Ids behind `after_id` of the batch's letters (with an address in `state`,
 * which CH_STATES leaves open), in order, at most `limit`; *ret has room for
 * them. Returns how many, or -1. */
int ch_store_letter_ids(struct ch_store *store, int64_t batch_id,
			enum ch_state state, int64_t after_id, size_t limit,
			int64_t *ret, struct ch_error *err);

/* ---- transitions (attempts.c) ----------------------------------------- */

/* How an address leaves the state it is in, without a reply. */
struct ch_move {
	enum ch_state to;
	int64_t next_at_us; /* queued: not before */
	bool afresh;        /* it is sent anew: its age counts from then */
};
int ch_store_move(struct ch_store *store, int64_t letter_id,
		  struct ch_stand *stand, const struct ch_move *move,
		  int64_t now_us, struct ch_error *err);

/* An address is in doubt, and no result says over which relay: the connection of
 * its attempt does. Who looks into it has to know whom to ask. What was replied
 * to an earlier attempt says nothing of this one, and is cleared.
 * (transcripts.c) */
int ch_store_doubt_keep(struct ch_store *store, int64_t letter_id,
			const struct ch_stand *stand, struct ch_error *err);

/* ---- a store that came back (older.c) --------------------------------- */

/* Skip the numbers that may have been used while it was away. */
int ch_store_skip(struct ch_store *store, struct ch_error *err);
/* The number of the letter's next attempt. */
uint32_t ch_attempt_next(const struct ch_store *store,
			 const struct ch_standing *standing);
/* The attempt after `before` is `attempt`: those between, if any, look like
 * earlier ones from now on, and are kept as ones that it does not know. */
int ch_attempt_keep_gap(struct ch_store *store, int64_t letter_id,
			uint32_t before, uint32_t attempt,
			struct ch_error *err);
/* Whether an attempt, which a good token names, is one that the store does not
 * know: 1, 0, -1. */
int ch_attempt_is_lost(struct ch_store *store,
		       const struct ch_standing *standing, uint32_t attempt,
		       struct ch_error *err);

/* Our own copy may have come while the attempt was at its dot: then what is in
 * doubt of it becomes sent. (returns.c) */
int ch_store_copy_prove(struct ch_store *store, int64_t letter_id,
			uint32_t attempt, int64_t now_us,
			struct ch_error *err);
/* Nothing is at its dot any more. */
int ch_store_copies_forget(struct ch_store *store, struct ch_error *err);

#endif
