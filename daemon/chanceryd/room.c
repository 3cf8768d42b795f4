// SPDX-License-Identifier: GPL-3.0-or-later
/* room.c - the mail room opens and closes; see room.h. */
#include "chanceryd/room.h"

#include <errno.h>
#include <sysexits.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/mem.h"
#include "chanceryd/accounts.h"
#include "chanceryd/alarms.h"
#include "chanceryd/bell.h"
#include "chanceryd/chores.h"
#include "chanceryd/decisions.h"
#include "chanceryd/dispatch.h"
#include "chanceryd/domains.h"
#include "chanceryd/http.h"
#include "chanceryd/imports.h"
#include "chanceryd/keys.h"
#include "chanceryd/receive.h"
#include "chanceryd/relays.h"
#include "chanceryd/restored.h"
#include "chanceryd/retention.h"
#include "chanceryd/service.h"
#include "chanceryd/workers.h"

#define VALUE_MAX 64

void ch_room_fail(struct ch_mailroom *room, const struct ch_error *err)
{
	ch_log(&room->log, LOG_CRIT, NULL, "stopping: %s", err->text);
	(void)sd_notifyf(0, "STATUS=stopped: %s", err->text);
	/* No exit handlers, no goodbye to anybody: the store is the truth, and
	 * what it does not hold has not happened. */
	_exit(EX_TEMPFAIL);
}

const char *ch_room_hostname(const struct ch_mailroom *room)
{
	return room->config->secretariat.hostname;
}

struct ch_envelope ch_room_envelope(const struct ch_mailroom *room)
{
	const char *envelope = room->config->secretariat.envelope;
	const char *at = strrchr(envelope, '@');

	return (struct ch_envelope){
		.prefix = { envelope, (size_t)(at - envelope) },
		.domain = ch_slice_of(at + 1),
	};
}

/* ---- paused ----------------------------------------------------------- */

static void set(struct ch_mailroom *room, const char *name, bool value)
{
	struct ch_error err;

	if (ch_store_set(room->store, name, ch_slice_of(value ? "1" : "0"),
			 &err) < 0)
		ch_room_fail(room, &err);
}

static bool get(struct ch_mailroom *room, const char *name)
{
	CH_AUTO(ch_str) value = CH_STR_INIT(VALUE_MAX);
	struct ch_error err;

	if (ch_store_get(room->store, name, &value, &err) < 0)
		ch_room_fail(room, &err);
	return strcmp(ch_str_cstr(&value), "1") == 0;
}

int ch_room_pause(struct ch_mailroom *room, bool paused, const char *who)
{
	int64_t now_us = ch_turn_open(room);
	struct ch_error err;

	if (room->paused == paused)
		return 0;
	room->paused = paused;
	set(room, "paused", paused);
	if (!paused)
		ch_restored_end(room);
	if (ch_store_event_add(room->store,
			       paused ? "mailroom.paused" : "mailroom.resumed",
			       0, 0, who, "", now_us, &err) < 0)
		ch_room_fail(room, &err);
	ch_turn_log(room, LOG_NOTICE, NULL, "%s by %s",
		    paused ? "paused" : "resumed", who[0] ? who : "chanceryd");
	ch_dispatch_kick(room);
	return 1;
}

/* ---- start ------------------------------------------------------------ */

static int find_place(struct ch_mailroom *room, struct ch_error *err)
{
	const char *path = room->config->store.path;
	const char *slash = strrchr(path, '/');
	CH_AUTOCHAR folder =
		ch_xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	char *real = realpath(folder, NULL);

	if (!real)
		return ch_error_errno(err, errno, "%s", folder);
	room->state_dir = real;
	room->objects_dir = ch_xasprintf("%s/objects", real);
	room->spool_dir = ch_xasprintf("%s/spool", real);
	return 0;
}

/* What the last run left behind, in one turn of its own. */
static void settle(struct ch_mailroom *room)
{
	int64_t now_us = ch_turn_open(room);
	struct ch_recovery found;
	struct ch_error err;

	if (ch_store_recover(room->store, now_us, &found, &err) < 0)
		ch_room_fail(room, &err);
	room->paused = get(room, "paused");
	ch_restored_start(room);
	if (room->restored)
		(void)ch_room_pause(room, true, "");
	if (found.requeued || found.dropped)
		ch_turn_log(room, LOG_NOTICE, NULL,
			    "%llu letters that were under way are queued "
			    "again, %llu imports that were are forgotten",
			    (unsigned long long)found.requeued,
			    (unsigned long long)found.dropped);
	if (found.in_doubt)
		ch_turn_log(room, LOG_WARNING, NULL,
			    "%llu letters were at their dot: they are in doubt",
			    (unsigned long long)found.in_doubt);
	ch_turn_end(room);
}

static int start_parts(struct ch_mailroom *room, struct ch_error *err)
{
	room->domains = ch_domains_new(room);
	if (ch_keys_open(room->state_dir, &room->keys, err) < 0 ||
	    ch_chores_new(room, &room->chores, err) < 0 ||
	    ch_workers_new(room, &room->workers, err) < 0 ||
	    ch_accounts_new(room, &room->accounts, err) < 0 ||
	    ch_relays_new(room, &room->relays, err) < 0 ||
	    ch_imports_new(room, &room->imports, err) < 0 ||
	    ch_receive_new(room, &room->receive, err) < 0 ||
	    ch_retention_new(room, &room->retention, err) < 0 ||
	    ch_dispatch_new(room, &room->dispatch, err) < 0)
		return -1;
	if (room->config->relays.len == 0)
		ch_log(&room->log, LOG_WARNING, NULL,
		       "no relay is configured: letters stay in the queue");
	ch_decisions_resume(room);
	ch_dispatch_kick(room);
	return 0;
}

int ch_room_start(struct ch_mailroom *room, struct ch_config *config,
		  struct ch_error *err)
{
	int r;

	room->config = config;
	room->started_us = ch_clock_now_us();
	if (find_place(room, err) < 0 ||
	    ch_store_open(config->store.path, &room->store, err) < 0)
		return -1;
	r = sd_event_default(&room->event);
	if (r >= 0)
		r = sd_event_set_watchdog(room->event, true);
	if (r < 0)
		return ch_error_errno(err, -r, "event loop");
	if (ch_turn_new(room, &room->turn, err) < 0)
		return -1;
	room->bell = ch_bell_new(room);
	room->alarms = ch_alarms_new();
	settle(room);
	return start_parts(room, err);
}

void ch_room_free(struct ch_mailroom *room)
{
	ch_http_stop(CH_TAKE(room->http));
	ch_service_free(CH_TAKE(room->service));
	ch_dispatch_free(CH_TAKE(room->dispatch));
	ch_domains_free(CH_TAKE(room->domains));
	ch_chores_free(CH_TAKE(room->chores));
	ch_retention_free(CH_TAKE(room->retention));
	ch_receive_free(CH_TAKE(room->receive));
	ch_imports_free(CH_TAKE(room->imports));
	ch_workers_free(room->workers);
	room->workers = NULL;
	ch_relays_free(CH_TAKE(room->relays));
	ch_accounts_free(CH_TAKE(room->accounts));
	ch_keys_free(CH_TAKE(room->keys));
	ch_alarms_free(CH_TAKE(room->alarms));
	ch_bell_free(CH_TAKE(room->bell));
	ch_turn_free(CH_TAKE(room->turn));
	sd_event_unref(CH_TAKE(room->event));
	ch_store_close(CH_TAKE(room->store));
	ch_config_free(CH_TAKE(room->config));
	free(CH_TAKE(room->state_dir));
	free(CH_TAKE(room->objects_dir));
	free(CH_TAKE(room->spool_dir));
}
