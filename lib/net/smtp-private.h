/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp-private.h - what the files of the SMTP module share: the connection,
 * the transaction on it, and the socket that libesmtp takes for a relay. */
#ifndef CH_NET_SMTP_PRIVATE_H
#define CH_NET_SMTP_PRIVATE_H

#include "net/smtp-note.h"
#include "net/smtp.h"

/* What a relay offered in its answer to EHLO (RFC 1869). */
struct ch_smtp_offer {
	bool starttls;
	bool pipelining;
	bool dsn;
	bool chunking;
	bool smtputf8;
	bool size;
	uint64_t size_limit; /* 0: none named */
	bool plain;
	bool login;
	bool cram_md5;
	bool xoauth2;
	bool oauthbearer;
};

struct ch_smtp {
	const struct ch_smtp_options *options; /* borrowed */
	struct ch_connection *conn;            /* owned */
	struct ch_str raw;    /* came, and belongs to no reply yet */
	struct ch_smtp_offer offer;
	struct ch_str out;    /* for the relay, not yet written */
	struct ch_str opening; /* notes up to the login */
	bool is_open;          /* they are complete */
	int library_fds[2];   /* what libesmtp calls it by, for a letter and
				 for the next; -1: none yet */
	struct ch_smtp_transaction *first; /* borrowed; whose reply is next */
	bool cut;             /* nothing more may be said */
	bool needs_rset;      /* the last transaction ended in refusal */
	bool wants_login;
};

void ch_smtp_reply_clear(struct ch_smtp_reply *reply);

/* Read one reply, all of it within `timeout_ms`. Returns 0, or -1: CH_RETRY
 * where the relay closed or was silent, CH_GIVE_UP where what came is no reply
 * (*ret has it). */
int ch_smtp_read_reply(struct ch_smtp *smtp, int timeout_ms,
		       struct ch_smtp_reply *ret, struct ch_error *err);

/* Greeting, EHLO, STARTTLS, AUTH. */
int ch_smtp_log_in(struct ch_smtp *smtp, enum ch_smtp_fault *ret_fault,
		   unsigned int *ret_code, struct ch_error *err);
/* One command line without its end, and the reply to it. */
int ch_smtp_command(struct ch_smtp *smtp, const char *line,
		    struct ch_smtp_reply *ret, struct ch_error *err);

/* Log in with the token that is the password. *reply is the relay's last word,
 * 235 where it took it; its text begins with what it said of a refused one. -1:
 * CH_GIVE_UP the token or the user cannot be said, or as ch_smtp_command(). */
int ch_smtp_auth_xoauth2(struct ch_smtp *smtp, struct ch_smtp_reply *reply,
			 struct ch_error *err);
int ch_smtp_auth_oauthbearer(struct ch_smtp *smtp, struct ch_smtp_reply *reply,
			     struct ch_error *err);

/* ---- one transaction --------------------------------------------------- */

enum ch_smtp_phase {
	CH_PHASE_COMMANDS,
	CH_PHASE_MESSAGE, /* 354 was read: what is written stands for the
			     message */
	CH_PHASE_DOT,     /* the dot, or the last chunk, is out or about to
			     leave */
	CH_PHASE_CUT,     /* reads end, writes go nowhere */
};

enum ch_smtp_step {
	CH_STEP_MAIL,
	CH_STEP_RCPT,
	CH_STEP_DATA,
	CH_STEP_CHUNKS, /* DATA as libesmtp says it; nothing is sent */
	CH_STEP_HELD,   /* the same; it is said when an address is accepted */
	CH_STEP_DOT,    /* or BDAT with LAST */
	CH_STEP_EMPTY_DOT, /* ends a DATA that no address is behind */
};

#define CH_SMTP_COMMAND_MAX 2048

/* How many RCPTs it has. */
static inline size_t ch_smtp_recipients(const struct ch_smtp_letter *letter)
{
	return letter->to_len + (letter->journal != NULL);
}

/* What is known of the letter under way. */
struct ch_smtp_transaction {
	struct ch_smtp *smtp;                /* borrowed */
	const struct ch_smtp_letter *letter; /* borrowed */
	struct ch_smtp_transaction *next; /* borrowed; begun behind the dot */
	bool turn;   /* it is the connection's first */
	bool orphaned; /* the connection ended with the letter before */
	struct ch_smtp_transaction *before; /* borrowed; the letter whose dot
				leaves with our opening, and whose outcome
				waits for the replies to that; or NULL */
	bool before_is_judged;
	bool opening_is_answered; /* that of the next, or it never will be */
	bool miscounted; /* the replies behind the dot's do not fit */
	bool misfit;     /* ours were not those to an opening */
	bool takes_next; /* one may be begun behind it now */
	enum ch_smtp_phase phase;
	int fd;      /* what libesmtp takes for its connection; -1: not yet */
	size_t size_bytes;     /* of the message */
	int64_t deadline_ms;   /* monotonic; for all before the dot */
	struct ch_str for_library; /* replies it has not read */
	struct ch_str line;        /* of a command, not yet whole */
	enum ch_smtp_step *steps;  /* owned; commands without a reply yet, a
				      ring that never wraps: one per command */
	size_t steps_len;
	size_t steps_cap;
	size_t steps_done;
	bool utf8;             /* MAIL says SMTPUTF8 */
	bool has_dots;         /* some line of the message starts with one */
	size_t seen;           /* of the stand-in and its final dot */
	bool body_begun;       /* some of the message has left */
	bool dot_begun;        /* some byte of the dot, or of BDAT with LAST,
				  may have left */
	bool dot_written;      /* all of it has, or the connection is cut */
	struct ch_smtp_reply mail, data, dot; /* data: or of the first chunk */
	struct ch_smtp_reply *rcpt; /* owned; one for each address, and the
				       journal's behind them */
	size_t rcpt_said; /* by libesmtp */
	size_t rcpt_done; /* answered */
	size_t *accepted; /* owned; of letter->to, those with 2yz */
	size_t accepted_len;
	bool wants_login; /* the relay, at our MAIL */
	bool given;       /* libesmtp has the stand-in */
	struct ch_error why;   /* of the cut */
};

/* The opening is answered, or will not be any more: the letter before is judged
 * now. Returns when it is. */
void ch_smtp_dialogue_confirm(struct ch_smtp_transaction *transaction);

/* Run libesmtp over `transaction`. It returns when the transaction is over in
 * one way or another; the replies in it are the result. */
void ch_smtp_dialogue_run(struct ch_smtp_transaction *transaction);

#endif
