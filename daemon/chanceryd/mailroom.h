/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mailroom.h - chanceryd's own middle: what its sockets may ask of it.
 *
 * http.c includes this and nothing else of the daemon's inside. All of it runs
 * in the one thread of the loop, inside a turn: changes are made in the turn's
 * transaction, and what is said to a client is said after its commit.
 */
#ifndef CH_CHANCERYD_MAILROOM_H
#define CH_CHANCERYD_MAILROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/problem.h"
#include "store/store.h"

struct ch_mailroom; /* opaque here; main.c owns it */

struct ch_store *ch_mailroom_store(struct ch_mailroom *room);
sd_event *ch_mailroom_event(struct ch_mailroom *room);

/* Call after this turn's changes are on the disk; from any handler. With no
 * changes in the turn it is called at its end all the same. */
typedef void ch_after_commit(void *context);
void ch_mailroom_after_commit(struct ch_mailroom *room, ch_after_commit *call,
			      void *context);

/* ---- what is going on now, beside the store --------------------------- */

struct ch_relay_state {
	const char *name;
	const char *state; /* "ready" "connecting" "paused" "fault" */
	const char *text;  /* last fault, "" */
	bool backup;
	int64_t next_us; /* its rest or its pace lets it take a letter then;
			    0: it does now */
	unsigned int workers;
	unsigned int under_way; /* letters claimed */
};

/* A folder of a mailbox. */
struct ch_mailbox_state {
	const char *name;
	const char *folder;
	const char *state; /* "ready" "connecting" "fault" */
	const char *text;
	uint32_t last_uid;
};

/* A recipients' domain that rests, or comes back from it. */
struct ch_domain_state {
	const char *name;
	uint32_t refusals; /* in a row, less what it has recovered */
	uint32_t under_way; /* letters */
	int64_t next_us; /* no letter before; 0: one at a time */
};

struct ch_alarm {
	const char *type; /* "alarm.auth" … as the event */
	const char *text;
	int64_t since_us;
};

struct ch_mailroom_state {
	const char *state; /* "running" "paused" "stopping" */
	int64_t started_us;
	const struct ch_relay_state *relays;
	size_t relays_len;
	const struct ch_mailbox_state *mailboxes;
	size_t mailboxes_len;
	const struct ch_domain_state *domains; /* some, where there are many */
	size_t domains_len;
	const struct ch_alarm *alarms;
	size_t alarms_len;
	uint64_t commits;         /* since the start */
	uint64_t worker_restarts;
	uint64_t imports_under_way;
	const char *time_zone;    /* of its hours; NULL: it is always open */
	bool open;                /* within its hours */
	int64_t open_until_us;    /* when that changes; INT64_MAX: not soon */
	bool restored;            /* an older copy came back */
	bool signs;               /* letters leave signed: S/MIME, DKIM */
};
/* Borrowed until the end of the turn. */
const struct ch_mailroom_state *ch_mailroom_state(struct ch_mailroom *room);

/* How many letters of a batch, or of all (0), may have been sent while another
 * copy of the store was used, and wait in this one; and whether that is so of a
 * letter. 0 and false once a person has resumed. */
uint64_t ch_mailroom_at_risk(struct ch_mailroom *room, int64_t batch_id);
bool ch_mailroom_is_at_risk(struct ch_mailroom *room,
			    const struct ch_store_letter *letter);

/* ---- commands --------------------------------------------------------- */

/* Who asks: from SO_PEERCRED. */
struct ch_asker {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	char name[64]; /* "m.okello (uid 1000)" */
};

/* A fresh folder for an upload, below the state directory; the uploader writes
 * letter/, recipients/, annexes/ and attachments/ in it. Owned by the caller,
 * who hands it to ch_mailroom_enqueue() or removes it. */
int ch_mailroom_spool(struct ch_mailroom *room, char **ret_dir,
		      struct ch_error *err);

struct ch_enqueue {
	const char *spool_dir;
	const char *const *recipients; /* file names in recipients/ */
	size_t recipients_len;
	const char *reference;
	const char *deadline;   /* or "" */
	const char *charset;    /* or "" */
	const char *sheet;      /* or "" */
	const char *test_to;    /* or "" */
	int64_t not_before_us;  /* 0 = at once */
	struct ch_store_terms terms; /* what the client may set of them */
	enum ch_relation relation; /* to the batch `related` */
	const char *related;    /* its reference; or "" */
	bool hold;
	bool dry_run;           /* check only: nothing is kept */
	struct ch_asker who;
};

/* The end of an import: *batch is NULL where it failed. */
typedef void ch_enqueue_done(void *context,
			     const struct ch_store_batch *batch,
			     const struct ch_problems *problems,
			     const struct ch_error *err);

/* Start an import; `done` is called once, after the commit that made the batch
 * visible, or when it failed. -1 (CH_GIVE_UP) and no call of `done`: the
 * reference is taken or is none, or there is no batch `related`; (CH_RETRY): too many imports at once. The spool
 * folder is the mail room's from here on. */
int ch_mailroom_enqueue(struct ch_mailroom *room,
			const struct ch_enqueue *request,
			ch_enqueue_done *done, void *context,
			struct ch_error *err);
/* The client has gone: `done` will not be called. The import goes on. */
void ch_mailroom_forget(struct ch_mailroom *room, void *context);

enum ch_verb {
	CH_VERB_RELEASE, /* a held batch; digest must match; a second person */
	CH_VERB_PAUSE,
	CH_VERB_RESUME,
	CH_VERB_CANCEL,
	CH_VERB_RETRY,
	CH_VERB_RESOLVE_SENT,
	CH_VERB_RESOLVE_RESEND,
	CH_VERB_PRIORITY,
	CH_VERB_CONFIRM,   /* that a return is about this letter */
	CH_VERB_REREAD,    /* a mail that could not be read */
	CH_VERB_SUPPRESS,  /* write to that address no more; or again */
	CH_VERB_UNSUPPRESS,
	CH_VERB_READDRESS, /* a letter: the same message to one more address */
};

struct ch_command {
	enum ch_verb verb;
	const char *relay;     /* pause, resume: not a batch but this relay */
	const char *reference; /* NULL: the whole mail room (pause, resume) */
	const char *key;       /* NULL: the whole batch */
	const char *digest;    /* release: what the person was shown (hex) */
	int priority;          /* priority: which (store.h) */
	const char *address;   /* readdress: where to; suppress: which */
	const char *returned;  /* confirm, reread: which return, digits */
	int64_t at_risk;       /* resume, everything: how many letters at risk
				  the person was told of; -1: none */
	struct ch_asker who;
};

/* What a command did. */
struct ch_touched {
	int64_t all; /* letters or batches */
	/* retry: letters that had failed, waited to be tried again, or were
	 * held */
	int64_t failed, waiting, held;
};

/* Do it in this turn's transaction. Returns 0 and what it touched; -1: CH_GIVE_UP with status "4.0.4" no such batch, letter or
 * relay, "4.0.3" this person may not, "4.0.9" not in a state for that. The
 * answer to the client is due after the commit. */
int ch_mailroom_command(struct ch_mailroom *room,
			const struct ch_command *command,
			struct ch_touched *ret_touched, struct ch_error *err);

#endif
