/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imap.h - read a folder over IMAP (RFC 3501) and leave no trace in it.
 *
 * libetpan speaks over a connection that we own, and reads only what
 * imap-guard.h lets through. Unless mails are to be moved or marked, the folder
 * is opened with EXAMINE, so that nothing this program could say by mistake
 * changes a mail.
 *
 * One thing at a time, blocking, each with a deadline. After any -1 the
 * connection is of no more use: close it. What is UTF-8 here is what the
 * caller gave; what a server wrote is bytes until somebody escapes it, except
 * in err->text, where it is escaped.
 */
#ifndef CH_NET_IMAP_H
#define CH_NET_IMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/connection.h"

struct ch_imap; /* opaque */

enum ch_imap_tls {
	CH_IMAP_TLS_NONE,
	CH_IMAP_TLS_STARTTLS, /* required: nothing is said without it */
	CH_IMAP_TLS_IMPLICIT,
};

enum ch_imap_auth {
	CH_IMAP_AUTH_NONE, /* the server lets us in by itself (PREAUTH) */
	CH_IMAP_AUTH_ANY,  /* under TLS PLAIN, LOGIN, CRAM-MD5, the LOGIN
			    * command; without, CRAM-MD5 first */
	CH_IMAP_AUTH_PLAIN,
	CH_IMAP_AUTH_LOGIN, /* AUTH=LOGIN, else the LOGIN command */
	CH_IMAP_AUTH_CRAM_MD5,
	CH_IMAP_AUTH_XOAUTH2, /* a token in place of the password; never by
				 CH_IMAP_AUTH_ANY */
	CH_IMAP_AUTH_OAUTHBEARER,
};

/* Where it went wrong: what an operator does about it differs. */
enum ch_imap_fault {
	CH_IMAP_FAULT_CONNECT,  /* network, deadline, what is no IMAP */
	CH_IMAP_FAULT_TLS,      /* not offered, failed, certificate, injection */
	CH_IMAP_FAULT_AUTH,     /* refused, or no way that is allowed offered */
	CH_IMAP_FAULT_GREETING, /* the server will not serve us (BYE) */
	CH_IMAP_FAULT_FOLDER,   /* it has no such folder for us */
};

struct ch_imap_target {
	struct ch_connection_target at;
	enum ch_imap_tls tls;
	enum ch_imap_auth auth;
	const char *user;     /* without control characters */
	const char *password; /* the same */
	const char *folder;   /* UTF-8 */
	bool writes;          /* mails are moved or marked (imap-file.c) */
	int command_timeout_ms; /* for one whole reply; mails have more,
				 * see CH_IMAP_BYTES_PER_MS */
};

/* Mails must come at this pace at least (16,000 bytes a second). */
#define CH_IMAP_BYTES_PER_MS 16

/* Connect, secure, log in, open the folder. Returns 0 and a reader that the
 * caller closes; -1 with *ret_fault and CH_RETRY (network, deadline, the
 * server is busy) or CH_GIVE_UP. */
int ch_imap_open(const struct ch_imap_target *target, struct ch_imap **ret,
		 enum ch_imap_fault *ret_fault, struct ch_error *err);

/* Open the same folder once more; the last mail that is done with is `after`. A
 * server may keep a folder open that was deleted meanwhile (Cyrus does), though
 * another has its name, and nothing ever comes in there. 0: it is the same; -1
 * with *ret_fault: it is not, or is not there any more. */
int ch_imap_reopen(struct ch_imap *imap, uint32_t after,
		   enum ch_imap_fault *ret_fault, struct ch_error *err);

/* Never 0. UIDs mean something only together with it. */
uint32_t ch_imap_uidvalidity(const struct ch_imap *imap);
/* All mails that were in the folder when it was opened have smaller UIDs, as the
 * server says; 0 where it does not. */
uint64_t ch_imap_uidnext(const struct ch_imap *imap);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", "" without TLS. */
const char *ch_imap_tls_name(const struct ch_imap *imap);

/* The smallest UIDs above `after`, at most so many of them. */
#define CH_IMAP_UIDS_MAX 65536

struct ch_imap_uids {
	uint32_t *uids; /* owned; ascending, none twice */
	size_t len;
	bool more; /* there are others, above these */
};
void ch_imap_uids_release(struct ch_imap_uids *uids);

/* The UIDs above `after`; asks the server for news first. */
int ch_imap_search(struct ch_imap *imap, uint32_t after,
		   struct ch_imap_uids *ret, struct ch_error *err);

/* ---- mails (imap-fetch.c) ------------------------------------------------- */

#define CH_IMAP_GROUP_MAX 200                /* mails in one command */
#define CH_IMAP_GROUP_BYTES (1024 * 1024) /* of all of them, as they say */
#define CH_IMAP_PART_BYTES (1024 * 1024)  /* of a larger mail, at a time */

struct ch_imap_about {
	uint32_t uid;        /* by the caller */
	bool there;          /* the server knows it, and its size */
	uint64_t size_bytes; /* as the server says; Exchange guesses */
	int64_t received_us; /* INTERNALDATE, 0 where there is none */
	bool given;          /* by ch_imap_read(): these are its bytes */
	const char *bytes;   /* borrowed until the next of these three */
	size_t len;
};

/* Of `len` mails, CH_IMAP_GROUP_MAX at most, in ascending order: are they
 * there, and how large? What the server says of others is ignored. */
int ch_imap_ask(struct ch_imap *imap, struct ch_imap_about *abouts, size_t len,
		struct ch_error *err);

/* Read them (BODY.PEEK), as large as they are: all are there, and have no more
 * than CH_IMAP_GROUP_BYTES together. */
int ch_imap_read(struct ch_imap *imap, struct ch_imap_about *abouts,
		 size_t len, struct ch_error *err);

/* Read CH_IMAP_PART_BYTES of one mail, from byte `offset` on: about->bytes, and
 * fewer where it ends there. Not more of a mail is ever held, however large it
 * is and whatever the server says of its size. `given` is false where the
 * server has nothing to give. */
int ch_imap_read_part(struct ch_imap *imap, struct ch_imap_about *about,
		      uint64_t offset, struct ch_error *err);

/* ---- mails that are done with (imap-file.c) ------------------------------- */

/* Set a keyword, an atom, on these mails, CH_IMAP_GROUP_MAX at most, in ascending
 * order; move them to another folder, UTF-8. Nothing is ever deleted that is not
 * in that folder before, and no mail but these. Those that are not there any
 * more are passed over. Return 1; 0 with *err where the server refuses, or
 * offers neither MOVE nor UIDPLUS; -1 as said above. */
int ch_imap_mark(struct ch_imap *imap, const uint32_t *uids, size_t len,
		 const char *keyword, struct ch_error *err);
/* The server can move at all. */
bool ch_imap_moves(const struct ch_imap *imap);
int ch_imap_move(struct ch_imap *imap, const uint32_t *uids, size_t len,
		 const char *folder, struct ch_error *err);

/* Whether the server offers IDLE (RFC 2177) and has not refused it. */
bool ch_imap_can_idle(const struct ch_imap *imap);

/* Wait for news, `max_ms` at most, or until the wake descriptor is readable:
 * ch_imap_woken(). Returns 1 when the server said something, 0 when not (also
 * when it refused to IDLE: ask ch_imap_can_idle()), -1 as said above. */
int ch_imap_idle(struct ch_imap *imap, int max_ms, struct ch_error *err);

/* The wake descriptor was the reason of a -1, or of an end of IDLE. */
bool ch_imap_woken(const struct ch_imap *imap);

/* Say LOGOUT, waiting `timeout_ms` at most for the answer, where nothing has
 * failed so far and the wake descriptor is not readable. */
void ch_imap_logout(struct ch_imap *imap, int timeout_ms);
void ch_imap_free(struct ch_imap *imap); /* closes; NULL is fine */
CH_DEFINE_AUTOPTR(ch_imap);

#endif
