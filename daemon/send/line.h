/* SPDX-License-Identifier: GPL-3.0-or-later */
/* line.h - one connection of a send worker, and the letters that go over it.
 *
 * A line is served by two fibers, so that the next letter is composed while one
 * waits for the relay or for chanceryd, and its opening leaves with that one's
 * final dot. Each fiber reads as if it were alone: it composes a letter, waits
 * until the line is its, sends it, and says what became of it.
 *
 *	clerk 0   compose 1  open, dot? ......... dot  reply  compose 3 ...
 *	clerk 1              compose 2 .......... open .....  dot? ........
 *
 * At most one letter of a line is at its dot. A crash before the "go" leaves a
 * letter that was not sent; after it, one in doubt; after the result was
 * written, nothing.
 */
#ifndef CH_SEND_LINE_H
#define CH_SEND_LINE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"
#include "send/batches.h"
#include "send/relay.h"
#include "wire/messages.h"

struct ch_fiber;
struct ch_sender; /* main.c */

#define CH_LINE_CLERKS 2
#define CH_LINE_AHEAD 3    /* one under way, one composed, one waiting */
#define CH_LINE_WAITING 64 /* that may be given, whatever was asked for */

/* What a fiber waits for. */
struct ch_pause {
	const bool *flag;      /* or NULL */
	struct pollfd *fds;    /* borrowed from its stack */
	nfds_t count;
	int64_t until_ms;      /* monotonic; -1: for ever */
	int result;            /* of poll() */
	bool over;             /* of the descriptors, or of the time */
};

/* A letter as it came, and read. */
struct ch_given {
	struct ch_str payload;
	struct ch_arena arena;
	struct ch_send_letter letter; /* borrows both */
};

/* A fiber, and the letter that it has. */
struct ch_clerk {
	struct ch_line *line;
	struct ch_fiber *fiber; /* owned */
	struct ch_pause pause;
	bool busy;     /* it has something to do */
	bool hang_up;  /* to end the connection, and not a letter */
	bool composed; /* waits until the line is its */
	bool may_start;
	bool sending;  /* the line is its */
	bool dropped;  /* nobody wants to hear of this letter any more */
	struct ch_given *given; /* owned; NULL: none */
	struct ch_composed message;
	struct ch_str notes; /* of what was said about its letter */
	bool asked;    /* for its dot */
	bool answered;
	bool go;
};

struct ch_line {
	struct ch_sender *sender; /* borrowed */
	uint32_t number;
	struct ch_relay relay;
	struct ch_given *waiting[CH_LINE_WAITING]; /* owned; a ring */
	size_t first;
	size_t count;
	uint32_t faults;       /* that chanceryd was told of */
	bool anew; /* a letter that was to begin a connection was given back:
		      the next one does */
	int64_t idle_since_ms; /* 0: something is under way */
	struct ch_clerk clerks[CH_LINE_CLERKS];
};

/* What a line asks of the worker. */
struct ch_sender_calls {
	/* Put a message for chanceryd. */
	void (*say)(struct ch_sender *sender, enum ch_message_type type,
		    const void *message);
	/* chanceryd is gone or makes no sense: stop. */
	void (*broken)(struct ch_sender *sender, const char *what,
		       const char *text);
};
extern const struct ch_sender_calls ch_sender_calls;
struct ch_batches *ch_sender_batches(const struct ch_sender *sender);
/* What all of its connections share. */
struct ch_connection_shared *ch_sender_shared(struct ch_sender *sender);

/* Copies the setup, and asks for letters. */
void ch_line_init(struct ch_line *line, struct ch_sender *sender,
		  uint32_t number, const struct ch_send_setup *setup);
/* Whatever is under way is forgotten, and the connection closed without a
 * word. */
void ch_line_release(struct ch_line *line);

/* Read a SEND_LETTER, which names its line. The caller owns *ret. */
int ch_given_new(struct ch_slice payload, struct ch_given **ret,
		 struct ch_error *err);
void ch_given_free(struct ch_given *given); /* NULL is fine */
CH_DEFINE_AUTOPTR(ch_given);

/* Keep a letter, which is taken in any case, until its turn; one that crossed
 * with a fault of the line is dropped, since chanceryd has it in its queue
 * again. -1: more than may be. */
int ch_line_add(struct ch_line *line, struct ch_given *given,
		struct ch_error *err);
/* chanceryd's answer. -1: to no question of this line. */
int ch_line_answer(struct ch_line *line, const struct ch_send_go *go,
		   struct ch_error *err);
/* Give a letter back of which nothing was said on the connection; one that has
 * begun, or is no longer here, is left alone. */
void ch_line_recall(struct ch_line *line, const struct ch_send_recall *recall);

/* Run the fibers that wait for nothing any more. True: one did. */
bool ch_line_run(struct ch_line *line);
/* Begin with waiting letters, where it `may`, and hang up where nothing came
 * for long. False: one waits for other lines' letters, with which its batch's
 * files would be too much memory. */
bool ch_line_begin(struct ch_line *line, bool may);
/* Forget what was not begun, and hang up when the rest is done. */
void ch_line_stop(struct ch_line *line);
/* Nothing is under way, and nobody waits. */
bool ch_line_is_idle(const struct ch_line *line);

/* Add what it waits for to `fds`, which has room; *until_ms becomes the time at
 * which something is to be done, where that is earlier. */
void ch_line_watch(struct ch_line *line, struct pollfd *fds, nfds_t *count,
		   int64_t *until_ms);
#define CH_LINE_WATCHES (CH_LINE_CLERKS * 2)
/* After poll(): the same entries, from *at on. */
void ch_line_watched(struct ch_line *line, const struct pollfd *fds,
		     nfds_t *at, int64_t now_ms);

#endif
