/* SPDX-License-Identifier: GPL-3.0-or-later */
/* workers.h - processes of ours at the other end of a socketpair.
 *
 * The same for all three roles: started by posix_spawn from libexecdir with the
 * channel at descriptor 3 and nothing else open; what they say is read, checked
 * (wire/messages.h) and given to the handler of its type; what is said to them
 * leaves after the commit of the turn. A frame that is no message, a type that
 * the role may not send, or a handler that objects ends the worker with
 * SIGKILL; nothing that it said after that is read. A worker's end costs its
 * own task: `ended` is called once, after everything that it had said.
 */
#ifndef CH_CHANCERYD_WORKERS_H
#define CH_CHANCERYD_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/error.h"
#include "chanceryd/config.h"
#include "wire/messages.h"

struct ch_account; /* accounts.h */
struct ch_mailroom;
struct ch_worker;  /* opaque; owned by room->workers */
struct ch_workers; /* opaque */

/* `message` is the struct that the type names, borrowed for the call, as is all
 * that it points to. Returns 0, or -1 with *err: the worker broke the protocol
 * and is ended. */
typedef int ch_worker_handler(struct ch_mailroom *room,
			      struct ch_worker *worker, const void *message,
			      struct ch_error *err);

struct ch_worker_end {
	bool well;      /* exit status 0, and it kept to the protocol */
	int64_t lived_ms;
	char text[240]; /* "exit status 70", "signal 9 (Killed)", "bad frame …" */
};

/* What a role is: a constant table, one per role. */
struct ch_worker_role_table {
	const char *program; /* "chancery-send", in libexecdir */
	ch_worker_handler *handlers[CH_MSG_TYPES]; /* NULL: may not be sent */
	/* It has ended; the pointer is not valid after this call. */
	void (*ended)(struct ch_mailroom *room, struct ch_worker *worker,
		      const struct ch_worker_end *end);
};

int ch_workers_new(struct ch_mailroom *room, struct ch_workers **ret,
		   struct ch_error *err);
/* Ends those that are left with SIGKILL and waits for them; `ended` is not
 * called. NULL is fine. */
void ch_workers_free(struct ch_workers *workers);

/* By the turn, after its commit: write what workers were told in it. */
void ch_workers_flush(struct ch_workers *workers);

/* How many there are; how many were started again after they had failed. */
size_t ch_workers_count(const struct ch_workers *workers);
uint64_t ch_workers_restarts(const struct ch_workers *workers);
void ch_workers_restarted(struct ch_workers *workers); /* by posts */

/* Start one. `owner` is what ch_worker_owner() gives back; `role` outlives it.
 * -1: CH_RETRY no descriptors or processes left; CH_GIVE_UP there is no such
 * program. */
int ch_worker_start(struct ch_mailroom *room,
		    const struct ch_worker_role_table *role, void *owner,
		    struct ch_worker **ret, struct ch_error *err);
void *ch_worker_owner(const struct ch_worker *worker);

/* How a worker reaches its server, as the configuration says, and with what it
 * logs in where a command gives that; borrowed from both. A NULL account: none,
 * or not yet. */
struct ch_peer_setup ch_worker_peer(const struct ch_peer_config *peer,
				    const struct ch_account *account);

/* Say something to it, after the commit of this turn. What has no room (more
 * than 64 MiB unread) ends it. CH_MSG_STOP has no message: NULL. */
void ch_worker_tell(struct ch_worker *worker, enum ch_message_type type,
		    const void *message);
/* End them all: those that did not stop in time. */
void ch_workers_kill(struct ch_workers *workers, const char *why);
/* End it with SIGKILL; `why` is what `ended` gets as text. */
void ch_worker_kill(struct ch_worker *worker, const char *why);

/* ---- a post: a place that is filled again when its worker ends --------- */

/* Embed it in what owns the worker. `role`, `owner` and `filled` are set by the
 * owner; the owner's role table calls ch_post_ended() in its `ended`. */
struct ch_post {
	struct ch_mailroom *room;
	const struct ch_worker_role_table *role;
	void *owner;
	void (*filled)(void *owner); /* a worker has started: send its setup */
	void (*failed)(void *owner); /* it could not, or ended: `fault` tells;
					NULL is fine */
	struct ch_worker *worker;    /* NULL: none now */
	char fault[240];             /* why the last one failed, "" */
	uint32_t failures;           /* in a row */
	/* its own */
	bool wanted;
	bool asked; /* its worker was told to stop */
	sd_event_source *rest; /* owned */
};

/* Keep a worker at this post from now on: started at once, when the one that
 * was told to stop has ended, or when the rest after its last failures is over
 * (schedule.h). */
void ch_post_fill(struct ch_post *post);
/* Start no other. The one that is there is told to stop. */
void ch_post_close(struct ch_post *post);
/* Its worker has ended: rest, then start another, if one is still wanted and
 * the room is not stopping. An end that was asked for is no failure. */
void ch_post_ended(struct ch_post *post, const struct ch_worker_end *end);
/* After ch_post_close() and the end of its worker: frees its timer. */
void ch_post_release(struct ch_post *post);

#endif
