/* SPDX-License-Identifier: GPL-3.0-or-later */
/* messages.h - what chanceryd and its workers say to one another.
 *
 * One struct a message, one table of fields for all (messages.c), one pair of
 * functions: ch_message_put() appends a frame to a channel, ch_message_get()
 * reads a payload back. Strings and lists of a message that was read are
 * borrowed from the frame and from the arena given; strings are UTF-8 or bytes,
 * as said, and carry their length.
 */
#ifndef CH_WIRE_MESSAGES_H
#define CH_WIRE_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/returned.h"
#include "base/str.h"
#include "wire/frame.h"

enum ch_message_type {
	/* both ways */
	CH_MSG_STOP = 1,      /* finish the letter under way, then exit 0 */
	/* chanceryd to chancery-send */
	CH_MSG_SEND_SETUP,
	CH_MSG_SEND_BATCH,
	CH_MSG_SEND_LETTER,
	CH_MSG_SEND_GO,
	CH_MSG_SEND_PASSWORD,
	CH_MSG_SEND_RECALL,
	/* chancery-send to chanceryd */
	CH_MSG_SEND_READY,
	CH_MSG_SEND_DOT,
	CH_MSG_SEND_RESULT,
	CH_MSG_SEND_FAULT,
	CH_MSG_SEND_CONNECTED,
	CH_MSG_SEND_RECALLED,
	/* chanceryd to chancery-import */
	CH_MSG_IMPORT_START,
	/* chancery-import to chanceryd */
	CH_MSG_IMPORT_FILE,
	CH_MSG_IMPORT_LETTER,
	CH_MSG_IMPORT_PROBLEM,
	CH_MSG_IMPORT_DONE,
	/* chanceryd to chancery-receive */
	CH_MSG_RECEIVE_SETUP,
	CH_MSG_RECEIVE_ACK,
	/* chancery-receive to chanceryd */
	CH_MSG_RECEIVE_STATE,
	CH_MSG_RECEIVE_MAIL,
	CH_MSG_RECEIVE_COPY,
	/* chanceryd to chancery-alarm, behind a CH_MSG_SEND_SETUP */
	CH_MSG_ALARM_MAIL,
	/* chancery-alarm to chanceryd */
	CH_MSG_ALARM_RESULT,
	CH_MSG_TYPES /* how many there are */
};

enum ch_tls_mode {
	CH_TLS_NONE,     /* loopback only */
	CH_TLS_STARTTLS, /* required: no TLS, no mail */
	CH_TLS_IMPLICIT,
};

enum ch_auth_mechanism {
	CH_AUTH_NONE,
	CH_AUTH_ANY, /* the best one offered of the three below */
	CH_AUTH_PLAIN,
	CH_AUTH_LOGIN,
	CH_AUTH_CRAM_MD5,
	CH_AUTH_XOAUTH2,
	CH_AUTH_OAUTHBEARER,
};

#define CH_SEND_LINES_MAX 64 /* of one worker */

/* How to reach a server: common to relays and mailboxes. */
struct ch_peer_setup {
	struct ch_slice name;   /* what the configuration calls it */
	struct ch_slice host;   /* name, address literal or path of a
				   UNIX socket; verified in TLS */
	uint32_t port;
	uint32_t tls;           /* enum ch_tls_mode */
	struct ch_slice ca_file; /* "" = the system's */
	struct ch_slice fingerprint; /* of public keys, as connection.h says;
					"" = none */
	struct ch_slice source;  /* local address, "" = any */
	uint32_t auth;          /* enum ch_auth_mechanism */
	struct ch_slice user;
	struct ch_slice password_file; /* absolute; read by the worker; "" = the
					  next, which is "" for none */
	struct ch_slice password;      /* what a command gave */
	uint32_t password_number;      /* which of its passwords, from 1 */
	uint32_t connect_timeout_ms;
	uint32_t command_timeout_ms; /* one reply; also TLS */
};

struct ch_dkim_setup {
	struct ch_slice domain;
	struct ch_slice selector;
	struct ch_slice key; /* file, absolute */
};

struct ch_send_setup {
	struct ch_peer_setup relay;
	struct ch_slice helo;            /* name for EHLO */
	uint32_t data_timeout_ms;        /* a stall while the body goes out */
	uint32_t dot_timeout_ms;         /* the reply to the final dot */
	uint32_t attempt_timeout_ms;     /* a letter up to its dot */
	uint32_t idle_timeout_ms;        /* QUIT after that long without work */
	uint32_t letters_per_connection;
	uint32_t lines;                  /* connections it has at most */
	uint32_t dsn;                    /* 1: RET, ENVID, NOTIFY, ORCPT */
	uint32_t dsn_success;            /* 1: NOTIFY=SUCCESS too */
	uint32_t chunking;               /* 1: BDAT where offered */
	uint32_t smtputf8;               /* 1: SMTPUTF8 where offered */
	struct ch_slice objects_dir;     /* the object store, absolute */
	struct ch_dkim_setup *dkim;      /* what letters are signed with */
	uint32_t dkim_len;
};

struct ch_batch_file {
	struct ch_slice role; /* "letter", "annex", "attachment" */
	struct ch_slice name; /* flat file name: "fr.md", "annex-1.en.pdf" */
	struct ch_sha256 sha256;
	uint64_t size_bytes;
};

/* Sent before the first letter of that batch to a worker, once per worker
 * process and batch. */
struct ch_send_batch {
	int64_t batch_id;
	struct ch_slice reference;
	struct ch_slice deadline; /* "2026-12-07" or "" */
	struct ch_slice from;     /* header From, as configured */
	struct ch_slice reply_to; /* "" = none */
	struct ch_slice test_to;  /* all mail goes there instead; "" = none */
	struct ch_slice smime_key; /* files, absolute; "" = not signed */
	struct ch_slice smime_certificate; /* "" = in the key's file */
	struct ch_slice smime_password;    /* "" = none */
	struct ch_batch_file *files;
	uint32_t files_len;
};

struct ch_send_address {
	uint32_t seq;            /* position in the letter, from 0 */
	uint32_t role;           /* enum ch_address_role of store.h */
	uint32_t pending;        /* 1: this attempt is to send to it */
	struct ch_slice address; /* addr-spec */
};

struct ch_send_letter {
	uint32_t line; /* the connection that it is for */
	int64_t letter_id;
	int64_t batch_id;
	uint32_t attempt;
	uint32_t faults; /* SEND_FAULTs of this line that were heard before */
	uint32_t anew;   /* 1: over a new connection, whatever the last one has
			    carried */
	struct ch_slice key;
	struct ch_slice language;
	struct ch_slice fields;     /* ch_fields_encode(): names and values */
	struct ch_slice message_id; /* without <> */
	int64_t date_us;            /* of the Date header */
	struct ch_slice envelope_from;
	struct ch_slice envelope_id; /* ENVID: the Message-ID again */
	struct ch_slice sha256;     /* 32 bytes that it must have, or "" */
	struct ch_slice signature;  /* with sha256: what its first dot had, not
				       to be made anew; as in ch_send_dot */
	struct ch_slice dkim;
	struct ch_slice journal; /* of this attempt: a copy goes there in the
				    same transaction; "" = none */
	struct ch_send_address *addresses;
	uint32_t addresses_len;
};

/* A worker has one connection or several, its lines, counted from 0; they have
 * nothing to do with one another. This line can take `want` letters more than
 * it asked for before (it may hold several claimed): 3 after the setup, then 1
 * with each letter that it has finished, keeps some waiting while another is
 * under way. A line sends letters in the order given, and a letter is finished
 * when each of its pending addresses has a result, in one message or several. */
struct ch_send_ready {
	uint32_t line;
	uint32_t want;
};

/* The whole body is out: may the final dot follow? */
struct ch_send_dot {
	uint32_t line;
	int64_t letter_id;
	uint32_t attempt;
	struct ch_sha256 sha256; /* of the message as sent, before dot-stuffing */
	uint64_t size_bytes;
	uint32_t *seqs; /* addresses accepted at RCPT, which the dot covers */
	uint32_t seqs_len;
	struct ch_slice signature; /* S/MIME, in DER; "" = it is not signed, or
				      had it from the ch_send_letter */
	struct ch_slice dkim; /* DKIM-Signature fields with their CRLF; "" = the
				 same */
	struct ch_slice notes; /* what was said, and the dot (smtp-note.h) */
};

/* For the connections from here on, in place of the one in the set-up. */
struct ch_send_password {
	struct ch_slice password;
	uint32_t number;
};

/* Only after the dot record is durable. go 0: drop the connection instead. */
struct ch_send_go {
	uint32_t line;
	int64_t letter_id;
	uint32_t attempt;
	uint32_t go;
};

/* Give the letter back where nothing of it was said on the connection: the
 * answer is the same as SEND_RECALLED. Else it goes on, and none comes. */
struct ch_send_recall {
	uint32_t line;
	int64_t letter_id;
	uint32_t attempt;
};

enum ch_outcome {
	CH_OUTCOME_SENT,
	CH_OUTCOME_DEFERRED, /* 4yz */
	CH_OUTCOME_FAILED,   /* 5yz, or cannot be sent as it stands */
	CH_OUTCOME_IN_DOUBT,
	CH_OUTCOME_UNTRIED,  /* nothing happened: connection or relay trouble */
	CH_OUTCOME_HELD,     /* bytes differ from those approved or sent before */
};

struct ch_send_address_result {
	uint32_t seq;
	uint32_t outcome;        /* enum ch_outcome */
	uint32_t code;           /* SMTP reply code, 0 if none */
	struct ch_slice status;  /* "5.1.1" or "" */
	struct ch_slice reply;   /* raw reply text, at most 1,000 bytes */
};

/* Of our own copy, where some address has CH_OUTCOME_SENT. */
enum ch_journal_outcome {
	CH_JOURNAL_NONE, /* there was none, or nothing is to be said of it */
	CH_JOURNAL_TAKEN,
	CH_JOURNAL_REFUSED, /* the letter has gone without it */
};

struct ch_send_result {
	uint32_t line;
	int64_t letter_id;
	uint32_t attempt;
	struct ch_send_address_result *results;
	uint32_t results_len;
	struct ch_slice notes; /* what was said, where no dot was sent */
	uint32_t journal;      /* enum ch_journal_outcome */
	uint32_t journal_code; /* and its reply, where that refused it */
	struct ch_slice journal_reply;
};

/* A connection was opened: letters of this line go over it from here on. */
struct ch_send_connected {
	uint32_t line;
	struct ch_slice opening; /* what was said, without secrets */
};

enum ch_relay_fault {
	CH_FAULT_CONNECT,  /* DNS, refused, timeout, dropped before MAIL */
	CH_FAULT_TLS,      /* not offered, failed, certificate, injection */
	CH_FAULT_AUTH,     /* refused or not offered */
	CH_FAULT_GREETING, /* 4yz/5yz greeting or EHLO */
	CH_FAULT_SETUP,    /* password file, CA file: our own side */
};

/* The relay is unusable for now; all letters held by this line that have no
 * result go back to the queue. Alarm for TLS, AUTH and SETUP.
 *
 * The line forgets those letters and all that it asked for, and lives on: it
 * says READY anew at once, and gets the next letter when the relay has rested.
 * A letter that was given before the fault was heard is in the queue again, and
 * its `faults` tell the line so. Never sent between a "go" and the result of
 * that letter. */
struct ch_send_fault {
	uint32_t line;
	uint32_t fault;
	uint32_t code;
	uint32_t password_number; /* of what it had logged in with */
	struct ch_slice text;
};

struct ch_import_start {
	struct ch_slice spool_dir;   /* letter/ recipients/ annexes/
					attachments/ below it */
	struct ch_slice objects_dir;
	struct ch_slice *recipients; /* file names in recipients/ */
	uint32_t recipients_len;
	struct ch_slice reference;
	struct ch_slice deadline;
	struct ch_slice charset;     /* "" = UTF-8 */
	struct ch_slice sheet;       /* of a workbook; "" = the first */
	struct ch_slice fallback_language;
	struct ch_slice from;
	struct ch_slice reply_to;
	struct ch_slice test_to;
	struct ch_slice message_id_domain;
	int64_t date_us;
	uint64_t max_message_bytes;
	uint64_t max_recipients;
	uint32_t smtputf8; /* 1: some relay takes addresses that are not ASCII */
};

struct ch_import_file {
	struct ch_batch_file file;
};

struct ch_import_address {
	uint32_t role;
	struct ch_slice address;
};

struct ch_import_letter {
	struct ch_slice key;
	struct ch_slice name;
	struct ch_slice language;
	struct ch_slice fields;
	struct ch_slice message_id;
	struct ch_import_address *addresses;
	uint32_t addresses_len;
};

struct ch_import_problem {
	uint32_t kind; /* enum ch_problem_kind */
	struct ch_slice file;
	uint32_t line;
	uint32_t column;
	struct ch_slice field;
	struct ch_slice text;
	struct ch_slice hint;
};

struct ch_import_done {
	uint64_t letters;
	uint64_t errors;
	uint64_t warnings;
	uint64_t largest_bytes;   /* of one composed message */
	struct ch_sha256 digest;  /* over letter, annexes and every row */
	struct ch_slice subject;  /* of the letter in its first language */
	struct ch_slice summary;  /* JSON object: letters per language */
};

struct ch_receive_setup {
	struct ch_peer_setup mailbox;
	struct ch_slice folder;
	uint32_t poll_interval_ms; /* where IDLE is not offered */
	uint32_t idle_max_ms;      /* re-issue IDLE after that, <= 29 min */
	uint64_t max_message_bytes; /* larger ones: the first part is read */
	struct ch_slice objects_dir;
	struct ch_slice token_prefix; /* our envelope senders are */
	struct ch_slice token_domain; /* prefix+token@domain */
	struct ch_slice journal_prefix; /* our own copies come to */
	struct ch_slice journal_domain; /* prefix+token@domain; "" = to none */
	uint32_t uidvalidity; /* of the last acknowledged mail, 0 = none */
	uint32_t last_uid;
	uint32_t singly_validity; /* mails of these numbers up to this UID are */
	uint32_t singly_to; /* read one by one: among them one has ended its
			     * reader. 0 = none */
	/* folders for mail that is acknowledged, "" = it stays where it is */
	struct ch_slice move_reports;
	struct ch_slice move_autoreplies;
	struct ch_slice move_answers;
	struct ch_slice keyword; /* to set on it, "" = none */
};

/* The mail is in the store (or was there already): go on past it. Where it was
 * said to be a copy it may be `unknown`: then it is to be told like any other
 * mail. `seen`: the mailbox had it before, maybe in another folder; where it is
 * now is where somebody wants it. */
struct ch_receive_ack {
	uint32_t uidvalidity;
	uint32_t uid;
	uint32_t unknown;
	uint32_t seen;
};

/* While connected it is told before each fetch as well, with the UIDs of those
 * that are fetched, and before each mail is looked into, so that a mail that
 * kills the worker is known by its number. */
struct ch_receive_state {
	uint32_t connected; /* 1: logged in and the folder is open */
	uint32_t fault;     /* enum ch_relay_fault while not connected; while
			     * it is, CH_FAULT_SETUP: mails cannot be filed */
	uint32_t uidvalidity;
	uint32_t reading;   /* first UID that is being read, 0 = none */
	uint32_t reading_to; /* the last one */
	struct ch_slice text;
};

struct ch_returned_recipient {
	uint32_t kind;             /* enum ch_return_kind for this recipient */
	struct ch_slice address;   /* original or final recipient */
	struct ch_slice status;    /* "5.1.1" or "" */
	struct ch_slice diagnostic; /* cut at 500 bytes */
	struct ch_slice reason;     /* "user unknown", "undefined" … */
};

/* What is attached to a mail. */
struct ch_returned_file {
	struct ch_slice name; /* as its sender calls it, UTF-8; "" = not at all */
	struct ch_slice type; /* "application/pdf" */
	uint64_t size_bytes;  /* decoded, as far as it was read */
	uint32_t whole;       /* flag: all of it was; else no SHA-256 */
	struct ch_sha256 sha256;
};

/* One mail of the mailbox, read and classified. Its raw bytes are already in
 * the object store. */
struct ch_receive_mail {
	uint32_t uidvalidity;
	uint32_t uid;
	uint64_t size_bytes;
	struct ch_sha256 sha256;
	int64_t received_us;          /* INTERNALDATE, else 0 */
	uint32_t kind;                /* enum ch_return_kind */
	struct ch_slice rule;         /* what decided */
	struct ch_slice fault;        /* malformed, quarantined: why; else "" */
	struct ch_slice message_id;   /* without <> */
	struct ch_slice from;         /* addr-spec */
	struct ch_slice subject;      /* decoded UTF-8 */
	struct ch_slice token;        /* VERP token found, "" = none */
	struct ch_slice envelope_id;  /* Original-Envelope-Id */
	struct ch_slice *references;  /* message ids, nearest first, no <> */
	uint32_t references_len;
	struct ch_slice text;         /* start of the new text, for the list */
	struct ch_slice says;         /* "answer" "acknowledgement" "question",
					 "" where that is not plain */
	struct ch_slice away_until;   /* "2026-12-12", as returns/away.h has it;
					 "" where that is not plain */
	uint32_t attachments; /* how many; of some more is known: */
	struct ch_returned_file *files;
	uint32_t files_len;
	struct ch_returned_recipient *recipients;
	uint32_t recipients_len;
};

/* A mail about alarms, to be composed and sent at once. */
struct ch_alarm_mail {
	struct ch_slice from;          /* as configured: "Name <a@b>" */
	struct ch_slice envelope_from; /* addr-spec */
	struct ch_slice *to;           /* addr-specs */
	uint32_t to_len;
	struct ch_slice message_id; /* without <> */
	int64_t date_us;
	struct ch_slice subject;
	struct ch_slice text; /* lines end in LF */
};

/* What became of it; then the worker ends. */
struct ch_alarm_result {
	uint32_t sent; /* 1: every address has its outcome; 0: `text` says why
			  there was no connection, or no mail */
	struct ch_slice text;
	struct ch_send_address_result *results; /* seq: the place in `to` */
	uint32_t results_len;
};

/* A mail that seems to be our own copy of a letter. It is not in the object
 * store. */
struct ch_receive_copy {
	uint32_t uidvalidity;
	uint32_t uid;
	struct ch_slice token;      /* of the address it came to */
	struct ch_slice message_id; /* without <> */
};

/* Memory for the lists of messages that were read; freed as a whole. */
struct ch_arena {
	void *blocks; /* owned */
};
void ch_arena_release(struct ch_arena *arena);
void *ch_arena_alloc(struct ch_arena *arena, size_t size_bytes);

/* Append one message as a frame to channel->out; `message` is the struct that
 * `type` names, NULL for CH_MSG_STOP. Returns 0, or -1 (CH_GIVE_UP) when it
 * would be longer than CH_FRAME_MAX. */
int ch_message_put(struct ch_channel *channel, enum ch_message_type type,
		   const void *message, struct ch_error *err);

/* Read the payload of a frame of `type` into *ret_message. Checks every length
 * and that enums, counts and flags are in range; -1 (CH_GIVE_UP) otherwise. */
int ch_message_get(enum ch_message_type type, struct ch_slice payload,
		   void *ret_message, struct ch_arena *arena,
		   struct ch_error *err);

/* "send-dot" and the like, for logs. */
const char *ch_message_name(unsigned int type);

#endif
