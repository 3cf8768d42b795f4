/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store.h - batches, letters, what came back, and every event: the truth.
 *
 * One process opens it; sqlite.c is the embedded default. Changes happen inside
 * ch_store_begin() … ch_store_commit(), one pair per turn of the daemon's loop;
 * after commit they are on the disk. Any function but the reading ones may fail
 * only with a storage error: the caller stops with exit status 75 and starts
 * again from the store.
 *
 * State stands with each address of a letter (one letter, one message, several
 * addresses) and a letter's state is read from theirs. Transitions are guarded
 * in SQL by the state, attempt and owner they start from: the functions that
 * make one return how many rows it touched, and 0 means "no longer so".
 */
#ifndef CH_STORE_STORE_H
#define CH_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/returned.h"
#include "base/str.h"

struct ch_store; /* opaque */

/* State of one address, and derived state of a letter. */
enum ch_state {
	CH_STATE_QUEUED,
	CH_STATE_CLAIMED,   /* with a send worker; no dot was sent */
	CH_STATE_DOT,       /* the final dot may have been sent */
	CH_STATE_SENT,      /* the relay took responsibility: 2yz */
	CH_STATE_FAILED,    /* 5yz, or expired */
	CH_STATE_IN_DOUBT,  /* the dot may have been sent, no clear reply */
	CH_STATE_CANCELLED,
	CH_STATE_HELD,      /* bytes differ from those approved or sent */
	CH_STATES
};
const char *ch_state_name(enum ch_state state); /* "queued" "in_doubt" … */
int ch_state_parse(const char *name, enum ch_state *ret);

/* A letter's state: the first of in_doubt, dot, claimed, queued, held, failed,
 * cancelled, sent that one of its addresses has. */
enum ch_state ch_state_of_letter(const enum ch_state *addresses, size_t len);

enum ch_batch_state {
	CH_BATCH_IMPORTING, /* nobody sees it yet */
	CH_BATCH_HELD,      /* waits for release */
	CH_BATCH_OPEN,
	CH_BATCH_PAUSED,
	CH_BATCH_CANCELLED,
	CH_BATCH_STATES
};
const char *ch_batch_state_name(enum ch_batch_state state);

/* ---- opening ---------------------------------------------------------- */

/* Whether a store may live in this directory: not on a network file system
 * (NFS, CIFS, FUSE …) nor on one that a power cut empties (tmpfs, overlay in
 * memory). Returns 0, or -1 with CH_GIVE_UP and a text that names it. For the
 * check of the configuration; ch_store_open() does not ask. */
int ch_store_check_place(const char *directory, struct ch_error *err);

/* Open or create the database `path`; beside it lie path.lock, path.epoch and
 * path.redo. -1: CH_GIVE_UP for a wrong schema version, a file that is no such
 * database, is corrupt, or has lost its write-ahead log or redo log; CH_RETRY
 * for a lock held by another daemon or a full disk. */
int ch_store_open(const char *path, struct ch_store **ret,
		  struct ch_error *err);
void ch_store_close(struct ch_store *store); /* NULL is fine */

/* Whether the database is older than the epoch file beside it, is another one,
 * or came without one: a restored backup, a copied machine. Letters that it
 * calls queued may have been sent since. The caller starts paused, and says so
 * in its first transaction: from then on the store is the truth again. */
bool ch_store_is_restored(const struct ch_store *store);

/* What starting again found. */
struct ch_recovery {
	uint64_t requeued;  /* claimed: no dot was sent */
	uint64_t in_doubt;  /* dot: may have been sent */
	uint64_t dropped;   /* batches that were being imported */
};
/* Once, before the first worker starts. In a store that is restored it also
 * skips letter ids and attempts, so that no token is used twice. */
int ch_store_recover(struct ch_store *store, int64_t now_us,
		     struct ch_recovery *ret, struct ch_error *err);

/* Whether the letter was there when the store last came back from a copy; and
 * how many such letters are queued, of a batch or of all (0). They may have been
 * sent meanwhile. */
bool ch_store_is_older(const struct ch_store *store, int64_t letter_id);
uint64_t ch_store_older_waiting(struct ch_store *store, int64_t batch_id);
/* How often the letter was tried when it has this attempt, as far as is known:
 * attempts are numbered, and numbers were skipped. */
uint32_t ch_store_tries(const struct ch_store *store, int64_t letter_id,
			uint32_t attempt);

int ch_store_begin(struct ch_store *store, struct ch_error *err);
int ch_store_commit(struct ch_store *store, struct ch_error *err);
/* What is durable need not be in the database yet: after some megabytes it goes
 * there, or here, for whoever reads the file from outside, as a backup does. Not
 * inside a transaction. */
int ch_store_settle(struct ch_store *store, struct ch_error *err);
bool ch_store_in_transaction(const struct ch_store *store);
/* Whether anything was written since begin. */
bool ch_store_changed(const struct ch_store *store);

/* Name-value pairs of the daemon itself (paused, token key ids …). *ret is
 * empty where there is none. */
int ch_store_get(struct ch_store *store, const char *name,
		 struct ch_str *ret, struct ch_error *err);
int ch_store_set(struct ch_store *store, const char *name, struct ch_slice value,
		 struct ch_error *err);

/* Forget settings that begin so and hold a pace (pace.h of the daemon) that was
 * written before. */
int ch_store_forget_paces(struct ch_store *store, const char *prefix,
			  int64_t before_us, struct ch_error *err);

/* ---- batches ---------------------------------------------------------- */

/* How far the first letters of a batch are, on whose outcome the others wait. */
enum ch_canary_stage {
	CH_CANARY_NONE,    /* there is none, or it has not begun */
	CH_CANARY_SENDING, /* its letters go */
	CH_CANARY_WAITING, /* they are decided; bounces may come */
	CH_CANARY_STOPPED, /* too many were refused: a person decides */
	CH_CANARY_PASSED,  /* the others go */
};
const char *ch_canary_name(enum ch_canary_stage stage);

/* "high" "normal" "low"; -1 where it is none of them. */
const char *ch_priority_name(int priority);
int ch_priority_parse(const char *name, int *ret);

/* On which terms a batch goes. All 0: like any other. */
struct ch_store_terms {
	int priority; /* above 0 goes first, below 0 last */
	/* letters in a period; 0: no limit */
	uint32_t per_second, per_minute, per_hour, per_day;
	uint32_t canary;         /* letters that go first; 0: none */
	uint32_t canary_percent; /* more of them refused: the batch stops */
	int64_t canary_wait_us;  /* for bounces */
	/* set by the daemon */
	enum ch_canary_stage stage;
	int64_t canary_first; /* ids of its letters, from … to */
	int64_t canary_last;
	int64_t canary_until_us; /* waiting: until then */
	uint64_t seen_decided; /* verdicts that a person knew of when it went */
	uint64_t seen_refused; /* on, and what of these was refused */
	char stopped[240];     /* why it has paused itself, "" = it has not */
};

/* How a batch follows on another one. */
enum ch_relation {
	CH_RELATION_NONE,
	CH_RELATION_REMINDS, /* those who have not answered it */
	CH_RELATION_CORRECTS,
	CH_RELATION_RECALLS,
	CH_RELATIONS
};
const char *ch_relation_name(enum ch_relation relation); /* "reminds" … */

struct ch_store_batch {
	int64_t id;
	char *reference; /* owned, like all char * here */
	enum ch_batch_state state;
	char *subject;
	char *deadline;  /* "2026-12-07" or "" */
	char *from;
	char *reply_to;
	char *test_to;
	char *enqueued_by; /* "name (uid 1000)" */
	char *released_by; /* "" until then */
	int64_t created_us;
	int64_t not_before_us; /* --at; 0 = now */
	int64_t date_us;       /* of the letters' Date header */
	uint64_t letters;
	uint64_t largest_bytes; /* the largest of its messages */
	struct ch_sha256 digest; /* what a release is bound to */
	char *summary;           /* JSON object: letters per language */
	struct ch_store_terms terms;
	enum ch_relation relation; /* to the batch `related_id`, if any */
	int64_t related_id;
	char *related; /* its reference; set when reading, "" where none */
};
void ch_store_batch_release(struct ch_store_batch *batch);

/* A new batch in state importing; -1 with CH_GIVE_UP, text "… is already
 * there", where the reference is taken. */
int ch_store_batch_create(struct ch_store *store,
			  const struct ch_store_batch *batch,
			  int64_t *ret_id, struct ch_error *err);

struct ch_store_file {
	char *role;
	char *name;
	struct ch_sha256 sha256;
	uint64_t size_bytes;
};
int ch_store_batch_add_file(struct ch_store *store, int64_t batch_id,
			    const char *role, const char *name,
			    const struct ch_sha256 *sha256,
			    uint64_t size_bytes, struct ch_error *err);
/* *ret: array of *ret_len, freed with ch_store_files_free(). */
int ch_store_batch_files(struct ch_store *store, int64_t batch_id,
			 struct ch_store_file **ret, size_t *ret_len,
			 struct ch_error *err);
void ch_store_files_free(struct ch_store_file *files, size_t len);

/* The import is complete: visible from the next commit on, held or open. */
int ch_store_batch_publish(struct ch_store *store, int64_t batch_id,
			   const struct ch_store_batch *facts,
			   enum ch_batch_state state, struct ch_error *err);
/* Forget an import that failed: batch, letters, addresses, files. */
int ch_store_batch_drop(struct ch_store *store, int64_t batch_id,
			struct ch_error *err);
/* The same, `limit` letters at most: returns 1 where more are left, and the
 * batch is then still being imported; 0 when it is gone. */
int ch_store_batch_drop_some(struct ch_store *store, int64_t batch_id,
			     size_t limit, struct ch_error *err);

/* Change state if it is `from` now. Returns 1 changed, 0 not so, -1 error.
 * `who` is kept as released_by on held to open. */
int ch_store_batch_change(struct ch_store *store, int64_t batch_id,
			  enum ch_batch_state from, enum ch_batch_state to,
			  const char *who, struct ch_error *err);

/* 1 with *ret (release it), 0 when there is none (importing ones are not
 * shown), -1 error. */
int ch_store_batch_by_reference(struct ch_store *store, const char *reference,
				struct ch_store_batch *ret,
				struct ch_error *err);
int ch_store_batch_by_id(struct ch_store *store, int64_t batch_id,
			 struct ch_store_batch *ret, struct ch_error *err);
/* All that are shown, oldest first, from `after_id` on, at most `limit`;
 * array freed with ch_store_batches_free(). */
int ch_store_batches(struct ch_store *store, int64_t after_id, size_t limit,
		     struct ch_store_batch **ret, size_t *ret_len,
		     struct ch_error *err);
void ch_store_batches_free(struct ch_store_batch *batches, size_t len);

/* ---- batches that follow on others ------------------------------------- */

/* Those that follow on a batch, oldest first: as ch_store_batches(). */
int ch_store_followers(struct ch_store *store, int64_t batch_id,
		       struct ch_store_batch **ret, size_t *ret_len,
		       struct ch_error *err);

/* An answer to a letter of a reminder answers the letters with the same key in
 * the batches it reminds of, and nobody who has answered is reminded: what waits
 * in a reminder for a letter that was answered is cancelled, with an event
 * "letter.not_reminded". ch_store_return_add() sees to both. This is for a
 * reminder that was just published: the answers that came while it was made.
 * Returns how many letters it cancelled. */
int64_t ch_store_spare_answered(struct ch_store *store, int64_t batch_id,
				int64_t now_us, struct ch_error *err);

/* Letters by derived state and by what came back; kept up to date in memory,
 * counted from the rows once at opening. batch_id 0: all batches. */
struct ch_tally {
	uint64_t state[CH_STATES];
	uint64_t deferred;      /* of queued: tried at least once */
	uint64_t bounced;       /* letters with a verified final bounce */
	uint64_t auto_replied;
	uint64_t answered;
	uint64_t delayed;
	uint64_t delivered; /* a success notice came */
	uint64_t read;      /* a receipt */
	uint64_t heard; /* of sent: answered, or came back; the rest is silent */
};
int ch_store_tally(struct ch_store *store, int64_t batch_id,
		   struct ch_tally *ret, struct ch_error *err);

/* ---- terms ------------------------------------------------------------ */

/* All 0 where the batch has none. */
int ch_store_terms(struct ch_store *store, int64_t batch_id,
		   struct ch_store_terms *ret, struct ch_error *err);
int ch_store_terms_set(struct ch_store *store, int64_t batch_id,
		       const struct ch_store_terms *terms,
		       struct ch_error *err);
/* Whether there is anything to keep. */
bool ch_store_terms_any(const struct ch_store_terms *terms);
/* A person lets it go on: what was refused so far is known, the reason for
 * which it stopped is over, and so is a canary that stopped it. */
int ch_store_terms_resume(struct ch_store *store, int64_t batch_id,
			  struct ch_error *err);
/* How many letters have a verdict, and how many of them were refused, or were
 * sent and came back for good. */
void ch_tally_verdicts(const struct ch_tally *tally, uint64_t *ret_decided,
		       uint64_t *ret_refused);

/* The canary of an open batch begins: sets stage, canary_first and canary_last
 * in *terms, which the caller keeps. Its letters are the first that are queued;
 * without any it has not begun. */
int ch_store_canary_begin(struct ch_store *store, int64_t batch_id,
			  struct ch_store_terms *terms, struct ch_error *err);

struct ch_canary_count {
	uint32_t letters; /* in all; some may be cancelled */
	uint32_t pending; /* queued or under way */
	uint32_t sent;
	uint32_t refused;
	uint32_t unclear; /* in doubt, or held */
	uint32_t bounced; /* of those sent; verified and final */
};
/* Costs as much as the canary has letters. */
int ch_store_canary_count(struct ch_store *store, int64_t batch_id,
			  const struct ch_store_terms *terms,
			  struct ch_canary_count *ret, struct ch_error *err);
/* As ch_store_next_due(), of the canary's letters. */
int ch_store_canary_next_due(struct ch_store *store, int64_t batch_id,
			     const struct ch_store_terms *terms,
			     int64_t *ret_at_us, struct ch_error *err);

/* ---- letters ---------------------------------------------------------- */

struct ch_store_address {
	uint32_t seq;
	uint32_t role; /* enum ch_address_role */
	char *address;
	enum ch_state state;
	uint32_t code;  /* of the last reply */
	char *status;   /* "5.1.1" or "" */
	char *reply;    /* raw, unescaped */
	char *relay;    /* that it was last tried over; NULL: none */
	int64_t next_at_us; /* queued: not before */
	int64_t changed_us; /* 0: as it was imported */
};

struct ch_store_letter {
	int64_t id;
	int64_t batch_id;
	char *key;
	char *name;
	char *language;
	struct ch_str fields; /* ch_fields_encode() */
	char *message_id;
	uint32_t attempt;
	struct ch_sha256 sha256; /* of the message; all 0 before the first dot */
	uint64_t size_bytes;     /* 0 before the first dot */
	struct ch_store_address *addresses; /* owned */
	size_t addresses_len;
	enum ch_state state; /* derived; set by the reading functions */
	/* what came back, strongest evidence of each kind */
	bool bounced, delayed, delivered, auto_replied, answered, read;
	char *away_until; /* as the last automatic answer has it that says so
			     plainly; "" if none does */
	int64_t first_at_us; /* oldest queued address's first attempt, 0 none */
};
void ch_store_letter_release(struct ch_store_letter *letter);

/* Add to a batch that is importing: id, attempt and states are ignored; every
 * address starts queued, next_at_us 0, changed_us as it is. -1 CH_GIVE_UP: the key is there twice. */
int ch_store_letter_add(struct ch_store *store, int64_t batch_id,
			const struct ch_store_letter *letter,
			struct ch_error *err);

/* Claim up to `limit` letters of an open batch that are due: their due queued
 * addresses become claimed, attempt + 1. *ret_len may be 0. The array is freed
 * with ch_store_letters_free(). */
int ch_store_claim(struct ch_store *store, int64_t batch_id, int64_t now_us,
		   size_t limit, struct ch_store_letter **ret, size_t *ret_len,
		   struct ch_error *err);
void ch_store_letters_free(struct ch_store_letter *letters, size_t len);

/* A claim with more to it. */
struct ch_store_claim {
	int64_t batch_id;
	int64_t now_us;
	size_t limit;
	int64_t first, last; /* letters from … to; 0: all of the batch */
	/* Asked of each letter before it is claimed, with the addresses that it
	 * has (no fields): 0 lets it go, else it stays in the queue until that
	 * time, without an attempt. NULL: all go. */
	int64_t (*when)(void *context, const struct ch_store_letter *letter);
	void *context;
};
/* As ch_store_claim(). *ret_put_off counts letters that were not let go, or are
 * not written: with those claimed they are at most `limit`. */
int ch_store_claim_some(struct ch_store *store,
			const struct ch_store_claim *claim,
			struct ch_store_letter **ret, size_t *ret_len,
			size_t *ret_put_off, struct ch_error *err);

/* A letter that was put off until `from_us` is due at `to_us` instead: 1, or 0
 * where nothing of it waits for that time. */
int ch_store_bring_forward(struct ch_store *store, int64_t letter_id,
			   int64_t from_us, int64_t to_us,
			   struct ch_error *err);

/* When the next queued address of an open batch is due; INT64_MAX if none. */
int ch_store_next_due(struct ch_store *store, int64_t batch_id,
		      int64_t *ret_at_us, struct ch_error *err);

/* What was said on a connection about a letter: "C: " and "S: " lines, as they
 * were, and the row of the connection with its opening (0: not known). */
struct ch_store_notes {
	int64_t connection_id;
	struct ch_slice said;
};

/* claimed to dot for the addresses named, where attempt matches and sha256 is
 * the same as at earlier attempts. `notes` may be NULL. Returns 1 only if every
 * one of them was claimed under this attempt; 0 otherwise (nothing changed). */
int ch_store_dot(struct ch_store *store, int64_t letter_id, uint32_t attempt,
		 const uint32_t *seqs, size_t seqs_len,
		 const struct ch_sha256 *sha256, uint64_t size_bytes,
		 const struct ch_store_notes *notes, int64_t now_us,
		 struct ch_error *err);

/* Of an attempt that ended without a dot; those of a dot are kept with it. */
int ch_store_notes_keep(struct ch_store *store, int64_t letter_id,
			uint32_t attempt, const struct ch_store_notes *notes,
			struct ch_error *err);
/* A connection to a relay was opened, and this was said up to the login. */
int ch_store_connection_add(struct ch_store *store, const char *relay,
			    struct ch_slice opening, int64_t now_us,
			    int64_t *ret_id, struct ch_error *err);

/* The last attempt of a letter of which something is known. */
struct ch_store_transcript {
	uint32_t attempt;
	char *relay; /* owned, like all char * here; "" = not known */
	int64_t opened_us;  /* when the connection was opened; 0 = not known */
	struct ch_str opening; /* owned; what was said then */
	struct ch_str said;    /* owned; what was said of the letter */
};
void ch_store_transcript_release(struct ch_store_transcript *transcript);
/* 1 with *ret (release it), 0 none, -1 error. */
int ch_store_transcript(struct ch_store *store, int64_t letter_id,
			struct ch_store_transcript *ret, struct ch_error *err);

/* Keep what the bytes that a dot has just covered were signed with, in the same
 * transaction: the S/MIME signature in DER and the DKIM-Signature fields, each
 * empty where there is none. The first ones stay, for the later ones are the
 * same. A letter that is not signed needs no call. */
int ch_store_signatures_keep(struct ch_store *store, int64_t letter_id,
			     struct ch_slice smime, struct ch_slice dkim,
			     struct ch_error *err);
/* Into *ret_smime and *ret_dkim, which are initialized with room for
 * CH_STORE_SIGNATURE_MAX bytes each and empty: they stay so where the letter
 * was not signed so, or not sent yet. */
#define CH_STORE_SIGNATURE_MAX ((size_t)64 * 1024)
int ch_store_signatures(struct ch_store *store, int64_t letter_id,
			struct ch_str *ret_smime, struct ch_str *ret_dkim,
			struct ch_error *err);

/* The end of an attempt for one address: claimed or dot to `to` (queued with
 * next_at_us, sent, failed, in_doubt, held). Returns 1, or 0 where the address
 * is not claimed or dot under this attempt. An event goes with it. */
struct ch_store_result {
	uint32_t seq;
	enum ch_state to;
	uint32_t code;
	struct ch_slice status;
	struct ch_slice reply;
	struct ch_slice relay; /* it was tried over; "" where it was not */
	int64_t next_at_us;
	bool split; /* queued: the message had too many addresses. No refusal of
		       this one, and the event is "letter.split" */
};
int ch_store_result(struct ch_store *store, int64_t letter_id,
		    uint32_t attempt, const struct ch_store_result *result,
		    int64_t now_us, struct ch_error *err);

/* How many replies of 4yz an address of the letter got before, as results that
 * went to queued with a code: the most of any one. */
int ch_store_deferrals(struct ch_store *store, int64_t letter_id,
		       uint32_t *ret, struct ch_error *err);

/* A worker is gone: claimed under this attempt to queued (due at next_at_us),
 * dot to in_doubt. Returns the number of addresses in doubt, or -1. */
int ch_store_abandon(struct ch_store *store, int64_t letter_id,
		     uint32_t attempt, const char *why, int64_t next_at_us,
		     int64_t now_us, struct ch_error *err);

/* A worker has given a letter back with which it had not begun: claimed under
 * this attempt to queued, as it was before. Returns 1 with an event
 * "letter.requeued", or 0 where nothing of it is claimed so. */
int ch_store_recall(struct ch_store *store, int64_t letter_id,
		    uint32_t attempt, const char *why, int64_t now_us,
		    struct ch_error *err);

/* An operator's decision on addresses of one letter, or of all letters of a
 * batch (letter_id 0), that are in state `from`. Returns how many letters were
 * touched. resolve: in_doubt to sent or queued; retry: failed, held to queued;
 * cancel: queued, held to cancelled. An event names `who`. */
int64_t ch_store_decide(struct ch_store *store, int64_t batch_id,
			int64_t letter_id, enum ch_state from,
			enum ch_state to, const char *verb, const char *who,
			int64_t now_us, struct ch_error *err);

/* What is queued of a letter and is not due yet is due now: 1 with an event, 0
 * there is no such address. */
int ch_store_hurry(struct ch_store *store, int64_t batch_id, int64_t letter_id,
		   const char *verb, const char *who, int64_t now_us,
		   struct ch_error *err);

/* The same for some letters of a batch that wait after a try that was before
 * `decided_us`, in the order of their times behind *place, which moves on and
 * is all 0 at first; without an event. How many there were is in *ret_letters.
 * Returns 1 where there may be more, 0 where there are none. */
struct ch_store_place {
	int64_t at_us;
	int64_t letter_id;
};
int ch_store_hurry_some(struct ch_store *store, int64_t batch_id,
			int64_t decided_us, size_t limit,
			struct ch_store_place *place, uint64_t *ret_letters,
			struct ch_error *err);

/* The same as ch_store_decide() for at most `limit` letters of a whole batch, in the order of their
 * ids behind *after_id, which moves on; without an event. Returns how many were
 * touched: fewer than `limit` where there are no more. For batches so large
 * that one transaction would keep everybody waiting. */
int64_t ch_store_decide_some(struct ch_store *store, int64_t batch_id,
			     enum ch_state from, enum ch_state to,
			     size_t limit, int64_t now_us, int64_t *after_id,
			     struct ch_error *err);

/* One more address for a letter: the same message goes there as well, from the
 * queue. Returns its seq. */
int64_t ch_store_address_add(struct ch_store *store, int64_t letter_id,
			     uint32_t role, const char *address,
			     int64_t now_us, struct ch_error *err);

/* 1 with *ret, 0 none, -1 error. */
int ch_store_letter_by_key(struct ch_store *store, int64_t batch_id,
			   const char *key, struct ch_store_letter *ret,
			   struct ch_error *err);
int ch_store_letter_by_id(struct ch_store *store, int64_t letter_id,
			  struct ch_store_letter *ret, struct ch_error *err);
int ch_store_letter_by_message_id(struct ch_store *store,
				  const char *message_id,
				  struct ch_store_letter *ret,
				  struct ch_error *err);
/* In id order behind `after_id`; `state` CH_STATES: any. Fields are left
 * empty. */
int ch_store_letters(struct ch_store *store, int64_t batch_id,
		     enum ch_state state, int64_t after_id, size_t limit,
		     struct ch_store_letter **ret, size_t *ret_len,
		     struct ch_error *err);

/* ---- what came back --------------------------------------------------- */

enum ch_match {
	CH_MATCH_NONE,
	CH_MATCH_TOKEN,       /* in the envelope recipient, valid HMAC */
	CH_MATCH_ENVELOPE_ID, /* the same token, as original envelope id */
	CH_MATCH_MESSAGE_ID,  /* whoever read the letter can name it */
	CH_MATCH_REFERENCE,   /* the batch in its subject, and the one letter of
				 that to the sender's domain: a guess */
	CH_MATCH_PERSON,      /* somebody said so */
};
const char *ch_match_name(enum ch_match match);

struct ch_store_return {
	int64_t id;
	char *mailbox;
	char *folder;
	uint32_t uidvalidity;
	uint32_t uid;
	uint32_t part; /* which of the recipients it reports, from 0 */
	struct ch_sha256 sha256; /* of the raw mail, in the object store */
	uint64_t size_bytes;
	int64_t received_us;
	uint32_t kind; /* enum ch_return_kind, for this recipient */
	char *rule;
	char *fault;
	char *message_id;
	char *from;
	char *subject;
	char *text;
	uint32_t attachments;
	int64_t letter_id;   /* 0: no letter found */
	int64_t address_seq; /* -1: not about one address */
	uint32_t attempt;    /* of the token; 0: not known */
	enum ch_match match;
	bool verified;
	char *recipient; /* as reported; "" if none */
	char *status;
	char *diagnostic;
	char *reason; /* "user unknown" …; "" if none */
	char *says;   /* "answer" "acknowledgement" "question"; "" if that is
			 not plain */
	char *away_until; /* "2026-12-12", the last day on which the writer of
			     an automatic answer is away; "" if that is not
			     plain */
	/* set when reading, for lists */
	int64_t removed_us; /* the mail itself was; 0 = it is kept */
	char *reference;
	char *key;
};
void ch_store_return_release(struct ch_store_return *ret);

enum ch_return_added {
	CH_RETURN_THERE = 0,
	CH_RETURN_NEW = 1,
	CH_RETURN_PROVED,     /* what it says counted before */
	CH_RETURN_PROVED_NOW, /* it did not, and does now */
};

/* Add once. CH_RETURN_THERE: in that mailbox the same raw bytes and part are
 * there already, whatever their number; or, in whichever, the same Message-ID,
 * sender and text with the same kind and part about the same letter. A mail that
 * reports several recipients is added once for each, with its `part`.
 *
 * Where a copy without proof came before one with proof, it is one return: the
 * row is the proved one's from then on, with its bytes. So it is only where all
 * that is shown of them is the same; what says anything else stays beside it,
 * whoever wrote it.
 *
 * A bounce, delay, delivery or receipt is a fact about its letter (tally,
 * flags) only when verified; an answer or auto-reply also where it names the
 * letter's Message-ID, since few addressees return our token; nothing that was
 * guessed is. A verified one of any of these
 * is proof that an address in doubt was sent in that attempt: it becomes sent,
 * with an event "letter.sent" that names the evidence. So does the address that
 * it names, or the only one, where that waits to be sent once more. Where the
 * store knows of no such attempt, for it came back from a backup, what is
 * queued of the letter is taken from the queue, and from a worker that has it
 * and was not allowed its dot yet: sent where it is known of that address, else
 * in doubt. A fact never deletes another. */
int ch_store_return_add(struct ch_store *store,
			const struct ch_store_return *item, int64_t now_us,
			int64_t *ret_id, struct ch_error *err);

/* Whether that mail is listed already, from whatever folder of the mailbox: 1,
 * 0, -1. */
int ch_store_return_seen(struct ch_store *store, const char *mailbox,
			 const struct ch_sha256 *sha256, struct ch_error *err);

/* What mail with proof has said before of the same address of the same letter:
 * item's letter_id and address_seq. */
struct ch_store_known {
	bool same;    /* just this: kind and attempt */
	bool bounced; /* that it bounced, in whatever attempt */
};
int ch_store_known(struct ch_store *store, const struct ch_store_return *item,
		   struct ch_store_known *ret, struct ch_error *err);

/* Addresses of letters with the same key in the newest other batches, none of
 * them a rehearsal, that these were sent to and did not come back from; not
 * those of the letter itself, nor those that are not written to. The newest
 * first, owned by the caller. On -1 those in *ret_len are the caller's too. */
#define CH_STORE_ELSEWHERE_MAX 5
int ch_store_elsewhere(struct ch_store *store,
		       const struct ch_store_letter *letter, int64_t now_us,
		       char *ret[CH_STORE_ELSEWHERE_MAX], size_t *ret_len,
		       struct ch_error *err);

/* A person says that a return without proof is about that letter, and what it
 * says is true: it counts as a verified one does. `item` is as it was read, with
 * letter_id and address_seq as they are to be. Returns 1, or 0 where it has
 * proof already, or another letter. The event "return.confirmed" names `who`. */
int ch_store_return_confirm(struct ch_store *store,
			    const struct ch_store_return *item,
			    const char *who, int64_t now_us,
			    struct ch_error *err);

/* The only letter of a batch that goes to an address in that domain, given in
 * the form in which they go out: its id, or 0 where there is none, several, or
 * the batch has more than `most` addresses. */
int ch_store_letter_of_domain(struct ch_store *store, int64_t batch_id,
			      struct ch_slice domain, uint64_t most,
			      int64_t *ret_letter_id, struct ch_error *err);

/* Our own copy of an attempt of a letter, in the message that the relay took:
 * what is in doubt of that attempt becomes sent, with an event "letter.sent"
 * and the evidence "journal copy"; where the store knows of no such attempt, or
 * the letter waits to go once more, it is taken from the queue as above. For any
 * other it changes nothing, but that one at its dot is remembered, in case it
 * comes into doubt. `message_id` is the copy's, NULL where what came is no copy
 * but tells of one. Returns 0 where no such letter has that Message-ID, else 1;
 * and in *ret_settled whether nothing of the letter waited for proof, and nothing
 * was written. */
int ch_store_copy_add(struct ch_store *store, int64_t letter_id,
		      uint32_t attempt, const char *message_id, int64_t now_us,
		      bool *ret_settled, struct ch_error *err);
/* Newest last, behind `after_id`; batch_id 0: all, also unmatched. */
int ch_store_returns(struct ch_store *store, int64_t batch_id,
		     int64_t letter_id, int64_t after_id, size_t limit,
		     struct ch_store_return **ret, size_t *ret_len,
		     struct ch_error *err);
void ch_store_returns_free(struct ch_store_return *items, size_t len);

/* What was attached to a mail. */
struct ch_store_attachment {
	char *name; /* owned, like all char * here; "" if it has none */
	char *type;
	uint64_t size_bytes;
	bool whole; /* all of it was read; else there is no SHA-256 */
	struct ch_sha256 sha256;
};
void ch_store_attachments_free(struct ch_store_attachment *items, size_t len);

/* A mail is in the object store, with what is attached to it; `answer`: a person
 * wrote it. One that is known is left as it is, but for one whose bytes were
 * removed: they have come once more, and are to be removed once more. */
int ch_store_mail_add(struct ch_store *store, const struct ch_sha256 *sha256,
		      bool answer, const struct ch_store_attachment *items,
		      size_t len, int64_t now_us, struct ch_error *err);
/* What is attached to it, in its order; none: 0. */
int ch_store_attachments(struct ch_store *store,
			 const struct ch_sha256 *sha256,
			 struct ch_store_attachment **ret, size_t *ret_len,
			 struct ch_error *err);

/* Mails that came in before that time are about to be removed: at most `limit`
 * of them. Returns how many. What is known of them stays, and no letter's state
 * depends on them. */
int64_t ch_store_mails_expire(struct ch_store *store, bool answers,
			      int64_t before_us, size_t limit,
			      struct ch_error *err);
/* Which are about to be removed: at most `limit`, into `ret`. Returns how many.
 * Once that is on the disk their bytes may go; then each is told as removed. */
int64_t ch_store_mails_leaving(struct ch_store *store, size_t limit,
			       struct ch_sha256 *ret, struct ch_error *err);
int ch_store_mail_removed(struct ch_store *store,
			  const struct ch_sha256 *sha256, int64_t now_us,
			  struct ch_error *err);
/* Whether its bytes are to be there, 1 or 0: a mail of this store that was not
 * removed yet. */
int ch_store_mail_is_kept(struct ch_store *store,
			  const struct ch_sha256 *sha256,
			  struct ch_error *err);

/* Forget copies whose letter is no more at that dot, of at most `limit` behind
 * *after_id, which moves on. Returns how many were looked at: fewer than `limit`
 * where there are no more. */
int64_t ch_store_copies_drop(struct ch_store *store, size_t limit,
			     int64_t *after_id, struct ch_error *err);

/* ---- addresses that are not written to --------------------------------- */

/* What is queued for one of them is cancelled when it would be claimed, with an
 * event "letter.suppressed". Addresses are given in the form in which they go
 * out (mail/address.h), kept in small letters and so compared. */
struct ch_suppressed {
	int64_t id;
	char *address; /* owned, like all char * here */
	char *reason;
	int64_t return_id; /* what shows it; 0: a person says so */
	char *who;         /* "" = the daemon */
	int64_t added_us;
	int64_t expires_us; /* 0: never */
};
void ch_suppressed_release(struct ch_suppressed *suppressed);
void ch_suppressed_free(struct ch_suppressed *items, size_t len);

/* In the place of an entry that is there; an event "address.suppressed". */
int ch_store_suppress(struct ch_store *store,
		      const struct ch_suppressed *suppressed,
		      struct ch_error *err);
/* 1, with an event "address.released"; 0 where it was not there. */
int ch_store_unsuppress(struct ch_store *store, const char *address,
			const char *who, int64_t now_us, struct ch_error *err);
/* 1 with *ret, where it holds now; 0. Costs nothing while there is none. */
int ch_store_is_suppressed(struct ch_store *store, const char *address,
			   int64_t now_us, struct ch_suppressed *ret,
			   struct ch_error *err);
/* In the order of their ids, also those that are over. */
int ch_store_suppressed(struct ch_store *store, int64_t after_id,
			size_t limit, struct ch_suppressed **ret,
			size_t *ret_len, struct ch_error *err);

/* When bounces suppress an address by themselves. */
struct ch_suppression {
	uint32_t hard, soft; /* so many … */
	int64_t within_us;   /* … in that time */
	int64_t expires_us;  /* after the entry; 0: never */
};
/* A verified bounce of that address: it counts, and may be one too many. */
int ch_store_count_bounce(struct ch_store *store, const char *address,
			  bool hard, const struct ch_suppression *policy,
			  int64_t return_id, int64_t now_us,
			  struct ch_error *err);

/* Where a folder of a mailbox was read to; 0, 0 at first. */
int ch_store_mailbox(struct ch_store *store, const char *mailbox,
		     const char *folder, uint32_t *ret_uidvalidity,
		     uint32_t *ret_last_uid, struct ch_error *err);
int ch_store_mailbox_set(struct ch_store *store, const char *mailbox,
			 const char *folder, uint32_t uidvalidity,
			 uint32_t last_uid, struct ch_error *err);

/* ---- events ----------------------------------------------------------- */

/* What happened, in order, for `chancery events`, the event stream and the
 * journal. Never changed, never deleted. */
struct ch_store_event {
	int64_t id; /* the cursor */
	int64_t at_us;
	char *type; /* "letter.sent" "batch.released" "alarm.auth" … */
	int64_t batch_id;  /* 0 = none */
	int64_t letter_id; /* 0 = none */
	char *who;    /* "" = the daemon */
	char *detail; /* JSON object, or "" */
	char *reference; /* set when reading */
	char *key;       /* set when reading */
};
int ch_store_event_add(struct ch_store *store, const char *type,
		       int64_t batch_id, int64_t letter_id, const char *who,
		       const char *detail, int64_t now_us,
		       struct ch_error *err);
int ch_store_events(struct ch_store *store, int64_t after_id, size_t limit,
		    struct ch_store_event **ret, size_t *ret_len,
		    struct ch_error *err);
void ch_store_events_free(struct ch_store_event *events, size_t len);
/* Id of the newest event, committed or not; 0 when there is none. */
int64_t ch_store_last_event(const struct ch_store *store);

#endif
