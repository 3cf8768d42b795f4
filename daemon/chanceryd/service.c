// SPDX-License-Identifier: GPL-3.0-or-later
/* service.c - see service.h. */
#include "chanceryd/service.h"

#include <inttypes.h>
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/mem.h"
#include "chanceryd/accounts.h"
#include "chanceryd/imports.h"
#include "chanceryd/receive.h"
#include "chanceryd/relays.h"
#include "chanceryd/retention.h"
#include "chanceryd/room.h"
#include "chanceryd/domains.h"
#include "chanceryd/workers.h"

#define STATUS_EVERY_US 1000000
#define STATUS_MAX 200

struct ch_service {
	struct ch_mailroom *room; /* borrowed */
	sd_event_source *signals[3]; /* owned */
	sd_event_source *timeout;    /* owned: of a stop */
	sd_event_source *status;     /* owned: the next STATUS= is due */
	bool notifies;               /* somebody wants to know */
	char said[STATUS_MAX];
};

/* ---- stop ------------------------------------------------------------- */

static int on_timeout(sd_event_source *source, uint64_t usec, void *context)
{
	struct ch_mailroom *room = context;

	ch_log(&room->log, LOG_WARNING, NULL,
	       "%zu workers did not stop in time",
	       ch_workers_count(room->workers));
	ch_workers_kill(room->workers, "it did not stop in time");
	return 0;
}

static void stop(struct ch_mailroom *room)
{
	struct ch_service *service = room->service;

	if (room->stopping) {
		ch_workers_kill(room->workers, "told to stop at once");
		return;
	}
	room->stopping = true;
	(void)sd_notify(0, "STOPPING=1\nSTATUS=letters under way finish");
	ch_log(&room->log, LOG_NOTICE, NULL, "stopping");
	if (sd_event_add_time_relative(
		    room->event, &service->timeout, CLOCK_MONOTONIC,
		    (uint64_t)room->config->stop_timeout_ms * 1000, 0,
		    on_timeout, room) < 0)
		ch_workers_kill(room->workers, "no time to stop in");
	ch_relays_stop(room);
	ch_imports_stop(room);
	ch_receive_stop(room);
	ch_turn_due(room);
}

/* ---- reload ----------------------------------------------------------- */

void ch_service_print(const struct ch_problems *problems)
{
	for (size_t i = 0; i < problems->len; i++) {
		const struct ch_problem *problem = &problems->items[i];
		CH_AUTO(ch_str) line = CH_STR_INIT(64 * 1024);

		ch_problem_format(problem, &line);
		fprintf(stderr, "%s\n", ch_str_cstr(&line));
		if (problem->hint[0])
			fprintf(stderr, "    %s\n", problem->hint);
	}
}

static void tell_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
			 (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

/* What is fixed at the start cannot follow. */
static void compare(const struct ch_mailroom *room,
		    const struct ch_config *fresh)
{
	const struct ch_config *old = room->config;

	if (strcmp(old->store.path, fresh->store.path) != 0 ||
	    strcmp(old->status.socket, fresh->status.socket) != 0 ||
	    strcmp(old->status.control_socket,
		   fresh->status.control_socket) != 0 ||
	    strcmp(old->status.group, fresh->status.group) != 0 ||
	    strcmp(old->status.control_group,
		   fresh->status.control_group) != 0 ||
	    strcmp(old->status.metrics_file,
		   fresh->status.metrics_file) != 0 ||
	    old->status.max_clients != fresh->status.max_clients ||
	    old->status.request_timeout_ms != fresh->status.request_timeout_ms)
		ch_log(&room->log, LOG_WARNING, NULL,
		       "store and status are as they were until a restart");
}

static void use(struct ch_mailroom *room, struct ch_config *fresh)
{
	struct ch_config *old = room->config;

	compare(room, fresh);
	room->config = fresh;
	ch_opening_forget(room);
	ch_accounts_reload(room);
	ch_relays_reload(room);
	ch_domains_reload(room);
	ch_receive_reload(room);
	ch_retention_reload(room);
	ch_config_free(old);
	ch_log(&room->log, LOG_NOTICE, NULL, "the configuration was read again");
}

static void reload(struct ch_mailroom *room)
{
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_config *fresh;

	if (room->stopping)
		return;
	tell_reloading();
	if (ch_config_read(room->config_path, &fresh, &problems) == 0) {
		use(room, fresh);
		ch_service_print(&problems);
	} else {
		ch_service_print(&problems);
		ch_log(&room->log, LOG_ERR, NULL,
		       "%zu mistakes in %s: the old configuration stays",
		       problems.errors, room->config_path);
	}
	(void)sd_notify(0, "READY=1");
}

static int on_signal(sd_event_source *source,
		     const struct signalfd_siginfo *info, void *context)
{
	if (info->ssi_signo == SIGHUP)
		reload(context);
	else
		stop(context);
	return 0;
}

/* ---- STATUS= ---------------------------------------------------------- */

static void say_status(struct ch_mailroom *room)
{
	struct ch_service *service = room->service;
	const struct ch_mailroom_state *state = ch_mailroom_state(room);
	struct ch_tally tally;
	char text[STATUS_MAX];
	struct ch_error err;

	if (ch_store_tally(room->store, 0, &tally, &err) < 0)
		ch_room_fail(room, &err);
	(void)snprintf(text, sizeof(text),
		       "%s: %" PRIu64 " queued, %" PRIu64 " under way, %" PRIu64
		       " sent, %" PRIu64 " failed, %" PRIu64
		       " in doubt; %zu alarms",
		       state->state, tally.state[CH_STATE_QUEUED],
		       tally.state[CH_STATE_CLAIMED] +
			       tally.state[CH_STATE_DOT],
		       tally.state[CH_STATE_SENT], tally.state[CH_STATE_FAILED],
		       tally.state[CH_STATE_IN_DOUBT], state->alarms_len);
	if (strcmp(text, service->said) == 0)
		return;
	memcpy(service->said, text, sizeof(text));
	(void)sd_notifyf(0, "STATUS=%s", text);
}

static int on_status(sd_event_source *source, uint64_t usec, void *context)
{
	say_status(context);
	return 0;
}

void ch_service_turned(struct ch_mailroom *room)
{
	struct ch_service *service = room->service;
	uint64_t now_us;
	int enabled;

	if (room->stopping && ch_workers_count(room->workers) == 0 &&
	    !ch_store_in_transaction(room->store)) {
		(void)sd_event_exit(room->event, EX_OK);
		return;
	}
	if (!service->notifies || room->stopping ||
	    sd_event_source_get_enabled(service->status, &enabled) < 0 ||
	    enabled != SD_EVENT_OFF)
		return;
	(void)sd_event_now(room->event, CLOCK_MONOTONIC, &now_us);
	(void)sd_event_source_set_time(service->status,
				       now_us + STATUS_EVERY_US);
	(void)sd_event_source_set_enabled(service->status, SD_EVENT_ONESHOT);
}

/* ---- the whole -------------------------------------------------------- */

static int add_sources(struct ch_service *service)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct ch_mailroom *room = service->room;
	int r = sd_event_add_time(room->event, &service->status,
				  CLOCK_MONOTONIC, UINT64_MAX, 0, on_status,
				  room);

	if (r >= 0)
		r = sd_event_source_set_enabled(service->status, SD_EVENT_OFF);
	for (size_t i = 0; r >= 0 && i < CH_COUNT(signals); i++)
		r = sd_event_add_signal(room->event, &service->signals[i],
					signals[i], on_signal, room);
	return r;
}

int ch_service_new(struct ch_mailroom *room, struct ch_service **ret,
		   struct ch_error *err)
{
	struct ch_service *service = ch_xzalloc(sizeof(*service));
	int r;

	service->room = room;
	service->notifies = getenv("NOTIFY_SOCKET") != NULL;
	r = add_sources(service);
	if (r < 0) {
		ch_service_free(service);
		return ch_error_errno(err, -r, "event loop");
	}
	*ret = service;
	return 0;
}

void ch_service_free(struct ch_service *service)
{
	if (!service)
		return;
	for (size_t i = 0; i < CH_COUNT(service->signals); i++)
		sd_event_source_disable_unref(service->signals[i]);
	sd_event_source_disable_unref(service->timeout);
	sd_event_source_disable_unref(service->status);
	free(service);
}

void ch_service_ready(struct ch_mailroom *room)
{
	(void)sd_notify(0, "READY=1");
	ch_log(&room->log, LOG_NOTICE, NULL, "ready");
	ch_turn_due(room);
}
