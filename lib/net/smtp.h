/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp.h - letters over one SMTP connection (RFC 5321), for each address an
 * outcome that is never better than what the relay said.
 *
 * libesmtp speaks the mail transaction; the connection, the greeting, EHLO,
 * STARTTLS and AUTH are ours, and so is the judgement: every reply is parsed
 * here, libesmtp sees a clean copy, and the message does not pass through it
 * (docs/decisions/0003-own-smtp-opening.md).
 *
 * One thread. Where waiting lets something else go on (ch_connection_wait), any
 * number of connections may be in a transaction, and on one that offers
 * PIPELINING the next letter's opening leaves with the final dot of the one
 * before: RFC 2920 section 3.1 lets a message be the first in a group.
 */
#ifndef CH_NET_SMTP_H
#define CH_NET_SMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/error.h"
#include "base/str.h"
#include "net/connection.h"

#define CH_SMTP_REPLY_KEPT 1000 /* bytes of a reply's text */

/* One reply of the relay. */
struct ch_smtp_reply {
	unsigned int code;   /* 200 to 599; 0: none, or it was no reply */
	char status[12];     /* RFC 3463 code of its first line, or "" */
	struct ch_str text;  /* raw, without codes; lines joined by LF; where
				it was no reply, what came instead */
};

#define CH_SMTP_REPLY_INIT { 0, "", CH_STR_INIT(CH_SMTP_REPLY_KEPT) }
void ch_smtp_reply_release(struct ch_smtp_reply *reply);

/* Parse the first reply in `bytes` (RFC 5321 section 4.2; a line may end in a
 * lone LF). Returns 1 and the bytes it took, 0 where more must come, -1 where
 * this is no reply: a code outside 200 to 599, something else than a space or
 * "-" behind it, two codes in one reply, a line or a reply past all measure.
 * Then the code is 0 and the text is what came. */
int ch_smtp_reply_parse(const char *bytes, size_t len,
			struct ch_smtp_reply *ret, size_t *ret_used);

enum ch_smtp_tls {
	CH_SMTP_PLAIN,
	CH_SMTP_STARTTLS, /* required */
	CH_SMTP_IMPLICIT,
};

enum ch_smtp_auth {
	CH_SMTP_AUTH_NONE,
	CH_SMTP_AUTH_ANY, /* under TLS the plainest that is offered, else the
			     one that does not show the password */
	CH_SMTP_AUTH_PLAIN,
	CH_SMTP_AUTH_LOGIN,
	CH_SMTP_AUTH_CRAM_MD5,
	CH_SMTP_AUTH_XOAUTH2, /* a token in place of the password; never by
				 CH_SMTP_AUTH_ANY */
	CH_SMTP_AUTH_OAUTHBEARER,
};

/* All borrowed; they must outlive the connection. */
struct ch_smtp_options {
	struct ch_connection_target target;
	enum ch_smtp_tls tls;
	enum ch_smtp_auth auth;
	const char *user;
	const char *password;
	const char *helo;
	int command_timeout_ms; /* for one whole reply, and for TLS */
	int data_timeout_ms;    /* a stall while the message goes out */
	int dot_timeout_ms;     /* the reply to the final dot */
	int attempt_timeout_ms; /* a letter up to its final dot */
	bool dsn;               /* RET, ENVID, NOTIFY, ORCPT where offered */
	bool dsn_success;
	bool chunking;          /* BDAT where offered (RFC 3030) */
	bool smtputf8;          /* for letters that need it, where offered (RFC
				   6531): else those are deferred */
};

/* Why a relay cannot be used. */
enum ch_smtp_fault {
	CH_SMTP_FAULT_CONNECT,  /* DNS, refused, timeout, closed */
	CH_SMTP_FAULT_TLS,      /* not offered, certificate, injected bytes */
	CH_SMTP_FAULT_AUTH,     /* refused, or not offered */
	CH_SMTP_FAULT_GREETING, /* greeting or EHLO refused */
};

struct ch_smtp; /* opaque: connected, greeted, secured, logged in */

/* Connect and log in. Returns 0 and a connection that the caller owns. -1:
 * *ret_fault and *ret_code (of the relay's refusal, 0 if none); CH_RETRY where
 * waiting may help, CH_GIVE_UP for TLS and AUTH. Nothing was sent of any
 * letter. */
int ch_smtp_open(const struct ch_smtp_options *options, struct ch_smtp **ret,
		 enum ch_smtp_fault *ret_fault, unsigned int *ret_code,
		 struct ch_error *err);
/* QUIT, where the dialogue is in order; NULL is fine. */
void ch_smtp_close(struct ch_smtp *smtp);

/* Whether another letter may be sent over it: not cut, and nothing has come
 * unasked (a 421, the end). Does not wait. */
bool ch_smtp_usable(struct ch_smtp *smtp);
/* What was said up to the login, without its secrets; borrowed. */
struct ch_slice ch_smtp_opening(const struct ch_smtp *smtp);

enum ch_smtp_outcome {
	CH_SMTP_SENT,     /* this address 2yz, and the final dot 2yz */
	CH_SMTP_DEFERRED, /* 4yz */
	CH_SMTP_FAILED,   /* 5yz, or it cannot be sent as it stands */
	CH_SMTP_IN_DOUBT, /* the dot went out and no clear reply came */
	CH_SMTP_UNTRIED,  /* no verdict on it, and no dot: connection trouble */
};

struct ch_smtp_result {
	enum ch_smtp_outcome outcome;
	struct ch_smtp_reply reply; /* the one that decided; text of our own
				       where none did */
};

/* What is asked of the caller while a letter is sent. All get
 * letter->context. */
struct ch_smtp_calls {
	/* Once, when the message is complete and before its final dot: the
	 * addresses (positions in letter->to) that were accepted. True: the dot
	 * may follow; false ends the connection instead. */
	bool (*before_dot)(void *context, const size_t *accepted,
			   size_t accepted_len);
	/* The dot may follow and has not left yet: ch_smtp_takes_next() may
	 * be true now. NULL is fine. */
	void (*at_dot)(void *context);
	/* Come back when *turn is true. NULL where no letter is begun while
	 * another is under way. */
	void (*wait_turn)(void *context, const bool *turn);
};

struct ch_smtp_letter {
	const char *envelope_from;
	const char *envelope_id; /* ENVID, or NULL */
	const char *const *to;   /* addr-specs; UTF-8 before the "@" */
	size_t to_len;
	const char *journal; /* addr-spec of our own that gets it too, or NULL:
				named last, and no message goes to it alone */
	const struct iovec *message; /* in pieces: CRLF lines; the last one
					ended */
	size_t message_len;          /* pieces */
	const struct ch_smtp_calls *calls;
	void *context;
	struct ch_str *notes; /* what is said is appended (smtp-note.h), before
				 the dot up to the dot; or NULL */
};

/* Whether ch_smtp_send() may be called for another letter while one is under
 * way: its dot is allowed, and the relay takes commands behind it. What is
 * written of the other leaves at once, or with the dot. Should the connection
 * break, the other one's addresses are CH_SMTP_UNTRIED. */
bool ch_smtp_takes_next(const struct ch_smtp *smtp);

/* Send one letter. Where the next one was begun behind its dot, its own outcome
 * waits until the relay has answered that one's opening: replies have no names,
 * only an order, and where their number is wrong the letter is in doubt. Fills
 * results[0 … to_len - 1], and results[to_len] where there is a journal, which
 * the caller has zeroed and releases with ch_smtp_results_release(). Returns 0
 * where the connection is still in order, -1 where it is not: *err says why, and
 * the results are what is known all the same. */
int ch_smtp_send(struct ch_smtp *smtp, const struct ch_smtp_letter *letter,
		 struct ch_smtp_result *results, struct ch_error *err);
void ch_smtp_results_release(struct ch_smtp_result *results, size_t len);

/* After a -1: whether the relay asked for a login in mid-dialogue (530, 535,
 * 538 to MAIL): the relay is at fault and not the letter. */
bool ch_smtp_wants_login(const struct ch_smtp *smtp);

#endif
