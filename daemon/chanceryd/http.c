// SPDX-License-Identifier: GPL-3.0-or-later
/* http.c - the server of both doors in the daemon's loop.
 *
 * libmicrohttpd keeps its own epoll descriptor, which the loop watches. Its own
 * timeout counts from the last byte, so that a request may drip in for ever:
 * the deadline of a request is ours (on_tick). What goes out is bounded by the
 * socket's buffer and by one piece of the answer; a reader that takes nothing
 * is dropped by the server's timeout.
 */
#include "chanceryd/http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "chanceryd/http-private.h"

#define REQUEST_MEMORY (32 * 1024) /* request line, headers */
#define STILL_THERE_MS 15000
#define FLUSH_EVERY_MS 100
#define TEXTFILE_EVERY_US (15 * 1000000ULL)

/* Let the server do what there is to do, and once more where it says so. */
static void run(struct ch_http_door *door)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (!door->server)
		return;
	MHD_run(door->server);
	if (MHD_get_timeout(door->server, &ms) == MHD_YES && ms == 0)
		sd_event_source_set_enabled(door->http->again,
					    SD_EVENT_ONESHOT);
}

static int on_ready(sd_event_source *source, int fd, uint32_t events,
		    void *context)
{
	run(context);
	return 0;
}

static int on_again(sd_event_source *source, void *context)
{
	struct ch_http *http = context;

	run(&http->doors[CH_DOOR_STATUS]);
	run(&http->doors[CH_DOOR_CONTROL]);
	return 0;
}

void ch_http_tick(struct ch_http *http)
{
	int timeout = http->options.request_timeout_ms;
	int64_t ms = timeout / 4;

	ms = ms < 50 ? 50 : ms > 1000 ? 1000 : ms;
	sd_event_source_set_time_relative(http->tick, (uint64_t)ms * 1000);
	sd_event_source_set_enabled(http->tick, SD_EVENT_ONESHOT);
}

static int on_tick(sd_event_source *source, uint64_t at_us, void *context)
{
	struct ch_http *http = context;
	ch_clients_drop_late(http);
	if (ch_clock_mono_ms() - http->flushed_ms >= STILL_THERE_MS)
		ch_stream_flush(http, true);
	on_again(source, http);
	if (http->clients)
		ch_http_tick(http);
	return 0;
}

static int on_flush(sd_event_source *source, uint64_t at_us, void *context)
{
	struct ch_http *http = context;

	/* A turn is under way: its commit calls us. */
	if (ch_http_clean(http))
		ch_stream_flush(http, false);
	return 0;
}

static int on_textfile(sd_event_source *source, uint64_t at_us, void *context)
{
	struct ch_http *http = context;

	ch_metrics_file(http);
	sd_event_source_set_time_relative(source, TEXTFILE_EVERY_US);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

void ch_http_committed(struct ch_http *http)
{
	int64_t wait_ms;

	if (http->textfile_due)
		ch_metrics_file(http);
	if (http->doors[0].followers + http->doors[1].followers == 0)
		return;
	wait_ms = http->flushed_ms + FLUSH_EVERY_MS - ch_clock_mono_ms();
	if (wait_ms <= 0) {
		ch_stream_flush(http, false);
		return;
	}
	sd_event_source_set_time_relative(http->flush,
					  (uint64_t)wait_ms * 1000);
	sd_event_source_set_enabled(http->flush, SD_EVENT_ONESHOT);
}

/* ---- start and stop --------------------------------------------------- */

/* Paths are read by ch_target_parse(), which decodes them itself. */
static size_t leave_alone(void *context, struct MHD_Connection *connection,
			  char *text)
{
	return strlen(text);
}

static struct MHD_Daemon *start_server(struct ch_http_door *door, int fd)
{
	const struct ch_http_options *options = &door->http->options;
	unsigned int timeout_s =
		(unsigned int)(options->request_timeout_ms + 999) / 1000;

	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		ch_exchange_request, door,
		MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, options->max_clients,
		MHD_OPTION_CONNECTION_TIMEOUT, timeout_s,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MEMORY,
		MHD_OPTION_NOTIFY_CONNECTION, ch_client_connected, door,
		MHD_OPTION_NOTIFY_COMPLETED, ch_exchange_completed, door,
		MHD_OPTION_URI_LOG_CALLBACK, ch_exchange_target, door,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_alone, NULL,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
		MHD_OPTION_END);
}

static int open_door(struct ch_http *http, enum ch_door which, int fd,
		     struct ch_error *err)
{
	struct ch_http_door *door = &http->doors[which];
	const union MHD_DaemonInfo *info;
	int flags = fcntl(fd, F_GETFL);
	int failed;

	*door = (struct ch_http_door){ .http = http, .door = which };
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		ch_error_errno(err, errno, "a socket of the status");
		close(fd);
		return -1;
	}
	door->server = start_server(door, fd);
	if (!door->server) {
		close(fd);
		return ch_error_set(err, CH_RETRY,
				    "the HTTP server does not start");
	}
	info = MHD_get_daemon_info(door->server, MHD_DAEMON_INFO_EPOLL_FD);
	failed = sd_event_add_io(ch_mailroom_event(http->room), &door->source,
				 info->epoll_fd, EPOLLIN, on_ready, door);
	if (failed < 0)
		return ch_error_errno(err, -failed, "the event loop");
	return 0;
}

static int add_sources(struct ch_http *http, struct ch_error *err)
{
	sd_event *event = ch_mailroom_event(http->room);
	int failed = sd_event_add_time_relative(event, &http->tick,
						CLOCK_MONOTONIC, 0, 0,
						on_tick, http);

	if (failed >= 0)
		failed = sd_event_add_time_relative(event, &http->flush,
						    CLOCK_MONOTONIC, 0, 1000,
						    on_flush, http);
	if (failed >= 0 && *http->metrics_file)
		failed = sd_event_add_time_relative(event, &http->textfile,
						    CLOCK_MONOTONIC, 0, 0,
						    on_textfile, http);
	if (failed >= 0)
		failed = sd_event_add_defer(event, &http->again, on_again,
					    http);
	if (failed < 0)
		return ch_error_errno(err, -failed, "the event loop");
	sd_event_source_set_enabled(http->tick, SD_EVENT_OFF);
	sd_event_source_set_enabled(http->flush, SD_EVENT_OFF);
	sd_event_source_set_enabled(http->again, SD_EVENT_OFF);
	return 0;
}

static struct ch_http *http_new(struct ch_mailroom *room,
				const struct ch_http_options *options)
{
	struct ch_http *http = ch_xzalloc(sizeof(*http));

	json_set_alloc_funcs(ch_xmalloc, free);
	http->room = room;
	http->options = *options;
	http->metrics_file = ch_xstrdup(options->metrics_file
						? options->metrics_file : "");
	http->objects_dir = ch_xstrdup(options->objects_dir
					       ? options->objects_dir : "");
	http->control_uids = ch_xcalloc(options->control_uids_len + 1,
					sizeof(*http->control_uids));
	for (size_t i = 0; i < options->control_uids_len; i++)
		http->control_uids[i] = options->control_uids[i];
	ch_str_init(&http->piece, CH_ANSWER_MAX);
	http->flushed_ms = ch_clock_mono_ms();
	ch_log_init(&http->log);
	return http;
}

int ch_http_start(struct ch_mailroom *room, int status_fd, int control_fd,
		  const struct ch_http_options *options, struct ch_http **ret,
		  struct ch_error *err)
{
	struct ch_http *http = http_new(room, options);
	int failed = add_sources(http, err);

	if (status_fd >= 0) {
		if (failed == 0)
			failed = open_door(http, CH_DOOR_STATUS, status_fd,
					   err);
		else
			close(status_fd);
	}
	if (control_fd >= 0) {
		if (failed == 0)
			failed = open_door(http, CH_DOOR_CONTROL, control_fd,
					   err);
		else
			close(control_fd);
	}
	if (failed < 0) {
		ch_http_stop(http);
		return -1;
	}
	*ret = http;
	return 0;
}

void ch_http_free(struct ch_http *http)
{
	free(http->metrics_file);
	free(http->control_uids);
	ch_str_release(&http->piece);
	free(http->objects_dir);
	free(http);
}

/* The server may not be stopped while a connection is suspended. */
static void let_go(struct ch_http *http)
{
	while (http->waiting) {
		struct ch_request *request = http->waiting;

		if (request->wait == CH_WAIT_IMPORT)
			ch_mailroom_forget(http->room, request);
		ch_http_answered(request);
	}
}

void ch_http_stop(struct ch_http *http)
{
	if (!http)
		return;
	for (size_t i = 0; i < CH_COUNT(http->doors); i++)
		run(&http->doors[i]); /* answers that are there go out */
	http->stopping = true;
	let_go(http);
	for (size_t i = 0; i < CH_COUNT(http->doors); i++) {
		sd_event_source_disable_unref(http->doors[i].source);
		if (http->doors[i].server)
			MHD_stop_daemon(http->doors[i].server);
	}
	sd_event_source_disable_unref(http->tick);
	sd_event_source_disable_unref(http->again);
	sd_event_source_disable_unref(http->flush);
	sd_event_source_disable_unref(http->textfile);
	if (http->commit_asked)
		http->orphan = true;
	else
		ch_http_free(http);
}
