/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imap-private.h - between imap.c and its imap-*.c, those that include
 * libetpan. */
#ifndef CH_NET_IMAP_PRIVATE_H
#define CH_NET_IMAP_PRIVATE_H

#include <libetpan/libetpan.h>

#include "net/imap-guard.h"
#include "net/imap.h"

/* The bytes of a body, as they come: one piece a FETCH response. The server
 * may say after them, or never, whose they are. */
struct imap_piece {
	const void *section; /* libetpan's; compared, never looked into */
	size_t start;
	size_t len;
};

struct ch_imap {
	struct ch_connection *conn; /* owned */
	mailimap *session;          /* owned; its stream is ours too */
	struct ch_imap_guard guard;
	struct ch_str ready; /* through the guard; from `taken` on unread */
	size_t taken;
	int command_timeout_ms;
	int64_t deadline_ms; /* of the command under way, monotonic */
	bool failed;         /* nothing is read or written any more */
	struct ch_error failure; /* why, where `failed` */
	bool can_idle;
	bool idling; /* IDLE was said and DONE was not */
	unsigned int news; /* guard.news at the last search */
	uint32_t uidvalidity;
	uint64_t uidnext; /* when the folder was opened; 0: not said */
	char *folder;     /* owned; UTF-8 */
	bool writes;      /* it is opened with SELECT */
	unsigned int tag; /* of the commands that libetpan does not send */

	struct ch_str body;
	struct imap_piece *pieces; /* owned */
	size_t pieces_len;
	size_t pieces_cap;
};

/* ---- imap-stream.c: what libetpan reads and writes ----------------------- */

/* A stream over imap->conn, for mailimap_connect(). */
mailstream *ch_imap_stream_new(struct ch_imap *imap);

/* A command begins: its answer has `timeout_ms` and may hold `literals` bytes
 * of literals. */
void ch_imap_begin(struct ch_imap *imap, int64_t timeout_ms,
		   uint64_t literals);

/* The next line that libetpan will read, without its end; the caller frees it.
 * Returns 0 or -1. */
int ch_imap_peek(struct ch_imap *imap, char **ret, struct ch_error *err);

/* Nothing came that was not read. */
bool ch_imap_all_read(const struct ch_imap *imap);

/* Say one line, CRLF is added; hear one line, without its end, borrowed until
 * the next. Return 0 or -1. */
int ch_imap_say(struct ch_imap *imap, const char *line, struct ch_error *err);
int ch_imap_hear(struct ch_imap *imap, const char **ret, struct ch_error *err);

/* Say "tag command" and hear until "+" or the answer to it; untagged lines in
 * between are not looked at. `*ret_text` is what stands behind. Returns 1 for
 * "+", 0 for OK, -1 with *err and *ret_refused for NO and BAD, -1 for a
 * failure. A NULL command goes on hearing. */
int ch_imap_command(struct ch_imap *imap, const char *command,
		    const char **ret_text, bool *ret_refused,
		    struct ch_error *err);

/* "the server says: …", the first 100 bytes or so of it, escaped. CH_RETRY where
 * ch_imap_is_passing(). Returns -1. */
int ch_imap_quote(const char *words, struct ch_error *err);

/* Turn a result of libetpan into *err: "what: why". Returns -1. */
int ch_imap_explain(struct ch_imap *imap, int code, const char *what,
		    struct ch_error *err);

/* Whether the words of a server say that it is its own trouble, and passing
 * (RFC 5530). They have passed the guard: "(UNAVAILABLE) …". */
bool ch_imap_is_passing(const char *words);

/* ---- imap.c -------------------------------------------------------------- */

/* A command has been answered: is it still the same folder? */
int ch_imap_check_folder(struct ch_imap *imap, struct ch_error *err);

/* ---- imap-fetch.c -------------------------------------------------------- */

/* imap->body is ready to take what comes. */
void ch_imap_fetch_init(struct ch_imap *imap);

/* ---- imap-login.c --------------------------------------------------------- */

/* Ask for the capabilities anew; none are left from before. */
int ch_imap_ask_capabilities(struct ch_imap *imap, struct ch_error *err);
bool ch_imap_offers(const struct ch_imap *imap, const char *capability);

/* Log in by the best way of those wanted. -1 with *ret_fault. */
int ch_imap_log_in(struct ch_imap *imap, const struct ch_imap_target *target,
		   enum ch_imap_fault *ret_fault, struct ch_error *err);

/* ---- imap-oauth.c --------------------------------------------------------- */

/* By XOAUTH2 or OAUTHBEARER, as target->auth says; the server offers it. -1 with
 * *ret_refused where the server refused, and *err says why as it did. */
int ch_imap_log_in_oauth(struct ch_imap *imap,
			 const struct ch_imap_target *target,
			 bool *ret_refused, struct ch_error *err);

#endif
