/* SPDX-License-Identifier: GPL-3.0-or-later */
/* room.h - the mail room itself: what the files of chanceryd share.
 *
 * http*.c see mailroom.h only. Each part owns its own memory and has a header;
 * main.c makes and frees them in order. One thread: no locks.
 */
#ifndef CH_CHANCERYD_ROOM_H
#define CH_CHANCERYD_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/error.h"
#include "chanceryd/config.h"
#include "chanceryd/log.h"
#include "chanceryd/mailroom.h"
#include "chanceryd/opening.h"
#include "chanceryd/turn.h"
#include "store/store.h"

struct ch_accounts; /* accounts.h */
struct ch_alarms;   /* alarms.h */
struct ch_bell;     /* bell.h */
struct ch_chores;   /* chores.h */
struct ch_dispatch; /* dispatch.h */
struct ch_domains;  /* domains.h */
struct ch_http;     /* http.h */
struct ch_imports;  /* imports.h */
struct ch_keys;     /* keys.h */
struct ch_receive;  /* receive.h */
struct ch_relays;   /* relays.h */
struct ch_retention; /* retention.h */
struct ch_service;  /* service.h */
struct ch_workers;  /* workers.h */

struct ch_mailroom {
	struct ch_log log;
	const char *config_path;
	struct ch_config *config; /* owned; another one after a reload: keep
				     no pointer into it */
	sd_event *event;                /* owned */
	struct ch_store *store;         /* owned */
	char *state_dir;   /* owned; folder of the database, absolute */
	char *objects_dir; /* owned; state_dir/objects */
	char *spool_dir;   /* owned; state_dir/spool */

	/* owned, each by its part; NULL until it has started */
	struct ch_turn *turn;
	struct ch_chores *chores;
	struct ch_workers *workers;
	struct ch_bell *bell;
	struct ch_alarms *alarms;
	struct ch_keys *keys;
	struct ch_accounts *accounts;
	struct ch_relays *relays;
	struct ch_domains *domains;
	struct ch_dispatch *dispatch;
	struct ch_imports *imports;
	struct ch_receive *receive;
	struct ch_retention *retention;
	struct ch_http *http;
	struct ch_service *service;

	int64_t started_us;
	struct ch_opening opening;
	bool paused;   /* nothing is claimed; kept in the store */
	bool restored; /* an older copy came back (restored.h) */
	bool stopping; /* workers were told to stop: start no other */
	/* of returned.c: addresses that were looked through in that second */
	int64_t looked_second;
	uint64_t looked_through;
	struct ch_mailroom_state shown; /* for ch_mailroom_state() */
};

/* Open the store and start every part but the doors (http.h) and the service,
 * in order: what a crash left is settled and on the disk before the first
 * worker starts. `config` becomes the room's; ch_room_free() is due in both
 * cases. -1: as ch_store_open() and the parts say. */
int ch_room_start(struct ch_mailroom *room, struct ch_config *config,
		  struct ch_error *err);
/* Free every part; the store is closed in order. NULL parts are fine. */
void ch_room_free(struct ch_mailroom *room);

/* A storage error: say so once, and end with exit status 75. Nothing more is
 * written to anybody; workers find their channel closed. The service manager
 * starts us again from the store. Does not return. */
_Noreturn void ch_room_fail(struct ch_mailroom *room,
			    const struct ch_error *err);

/* Pause or resume the whole mail room, in this turn: kept in the store, with
 * an event "mailroom.paused" or "mailroom.resumed" of `who` ("" = the daemon).
 * Returns 1 when it changed, 0 where it was so. Resuming also ends the alarm of
 * a restored database. */
int ch_room_pause(struct ch_mailroom *room, bool paused, const char *who);

/* The domain of Message-IDs and the name for EHLO: secretariat.hostname, else
 * the domain of secretariat.envelope. Borrowed from the configuration. */
const char *ch_room_hostname(const struct ch_mailroom *room);

/* secretariat.envelope as (prefix, domain), both borrowed. */
struct ch_envelope {
	struct ch_slice prefix; /* "bounces" */
	struct ch_slice domain; /* "chancery.example" */
};
struct ch_envelope ch_room_envelope(const struct ch_mailroom *room);

#endif
