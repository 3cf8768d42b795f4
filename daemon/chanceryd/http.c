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
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "chanceryd/http-private.h"

#define REQUEST_MEMORY (32 * 1024) /* request line, headers */
#define PIECE (32 * 1024)
#define UPLOAD_LEAST_PER_MS 16 /* bytes: a slower upload is dropped */
#define DROPPED_BODY_MAX (1024 * 1024)
#define STILL_THERE_MS 15000
#define FLUSH_EVERY_MS 100
#define TEXTFILE_EVERY_US (15 * 1000000ULL)

/* ---- waiting ---------------------------------------------------------- */

bool ch_http_clean(const struct ch_http *http)
{
	const struct ch_store *store = ch_mailroom_store(http->room);

	return !ch_store_in_transaction(store) || !ch_store_changed(store);
}

void ch_http_wait(struct ch_request *request, int wait)
{
	struct ch_http *http = request->http;

	if (request->wait == CH_WAIT_NOT || request->wait == CH_WAIT_BODY) {
		MHD_suspend_connection(request->connection);
		request->previous = NULL;
		request->next = http->waiting;
		if (http->waiting)
			http->waiting->previous = request;
		http->waiting = request;
	}
	request->wait = wait;
	if (wait == CH_WAIT_RUN || wait == CH_WAIT_TELL ||
	    wait == CH_WAIT_PIECE)
		ch_http_after_commit(http);
}

static void unlink_waiting(struct ch_request *request)
{
	struct ch_http *http = request->http;

	if (request->previous)
		request->previous->next = request->next;
	else
		http->waiting = request->next;
	if (request->next)
		request->next->previous = request->previous;
	request->next = request->previous = NULL;
	request->wait = CH_WAIT_NOT;
}

static bool is_waiting(const struct ch_request *request)
{
	return request->wait != CH_WAIT_NOT && request->wait != CH_WAIT_BODY;
}

void ch_http_answered(struct ch_request *request)
{
	if (!is_waiting(request))
		return;
	unlink_waiting(request);
	MHD_resume_connection(request->connection);
	/* The server of 0.9.75 does not wake its epoll for that. */
	if (request->http->again)
		sd_event_source_set_enabled(request->http->again,
					    SD_EVENT_ONESHOT);
}

static void http_free(struct ch_http *http)
{
	free(http->metrics_file);
	free(http->control_uids);
	ch_str_release(&http->piece);
	free(http->objects_dir);
	free(http);
}

/* The turn's changes are on the disk. Another caller's may have begun the next
 * turn already: then what reads the store waits for that one. */
static void after_commit(void *context)
{
	struct ch_http *http = context;
	struct ch_request *next;

	http->commit_asked = false;
	if (http->orphan) {
		http_free(http);
		return;
	}
	for (struct ch_request *r = http->waiting; r; r = next) {
		struct ch_error err;

		next = r->next;
		if (r->wait == CH_WAIT_RUN) {
			ch_http_run(r);
			if (r->status != 0)
				ch_http_answered(r);
		} else if (r->wait == CH_WAIT_TELL) {
			ch_http_answered(r);
		} else if (r->wait == CH_WAIT_PIECE) {
			if (!ch_http_clean(http)) {
				ch_http_after_commit(http);
				continue;
			}
			if (r->stream.fill(r, &err) < 0)
				r->stream.fill = NULL;
			ch_http_answered(r);
		}
	}
}

void ch_http_after_commit(struct ch_http *http)
{
	if (http->commit_asked)
		return;
	http->commit_asked = true;
	ch_mailroom_after_commit(http->room, after_commit, http);
}

/* ---- clients ---------------------------------------------------------- */

static void phase(struct ch_client *client, int now)
{
	client->phase = now;
	client->since_ms = ch_clock_mono_ms();
}

static bool admitted(const struct ch_http *http, uid_t uid)
{
	if (uid == 0 || uid == geteuid() ||
	    http->options.control_uids_len == 0)
		return true;
	for (size_t i = 0; i < http->options.control_uids_len; i++) {
		if (http->control_uids[i] == uid)
			return true;
	}
	return false;
}

static void name_asker(struct ch_asker *who)
{
	char buffer[4096];
	struct passwd entry;
	struct passwd *found = NULL;

	getpwuid_r(who->uid, &entry, buffer, sizeof(buffer), &found);
	if (found)
		snprintf(who->name, sizeof(who->name), "%.40s (uid %u)",
			 found->pw_name, (unsigned int)who->uid);
	else
		snprintf(who->name, sizeof(who->name), "uid %u",
			 (unsigned int)who->uid);
}

/* Who is at the other end; nobody where the kernel does not say. */
static void look_at_peer(struct ch_client *client)
{
	struct ucred peer = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	socklen_t len = sizeof(peer);

	client->admitted = client->door->door == CH_DOOR_STATUS;
	if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return;
	client->who.uid = peer.uid;
	client->who.gid = peer.gid;
	client->who.pid = peer.pid;
	if (client->door->door == CH_DOOR_CONTROL) {
		name_asker(&client->who);
		client->admitted = admitted(client->door->http, peer.uid);
	}
}

static void start_tick(struct ch_http *http)
{
	int timeout = http->options.request_timeout_ms;
	int64_t ms = timeout / 4;

	ms = ms < 50 ? 50 : ms > 1000 ? 1000 : ms;
	sd_event_source_set_time_relative(http->tick, (uint64_t)ms * 1000);
	sd_event_source_set_enabled(http->tick, SD_EVENT_ONESHOT);
}

static void client_new(struct ch_http_door *door,
		       struct MHD_Connection *connection, void **context)
{
	struct ch_http *http = door->http;
	struct ch_client *client = ch_xzalloc(sizeof(*client));
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	client->door = door;
	client->fd = info ? info->connect_fd : -1;
	look_at_peer(client);
	phase(client, CH_CLIENT_READING);
	client->next = http->clients;
	if (client->next)
		client->next->previous = client;
	else
		start_tick(http);
	http->clients = client;
	door->clients++;
	*context = client;
}

static void client_free(struct ch_client *client)
{
	struct ch_http *http = client->door->http;

	if (client->previous)
		client->previous->next = client->next;
	else
		http->clients = client->next;
	if (client->next)
		client->next->previous = client->previous;
	client->door->clients--;
	free(client);
}

static void on_connection(void *context, struct MHD_Connection *connection,
			  void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		client_new(context, connection, socket_context);
	else if (*socket_context)
		client_free(*socket_context);
}

/* Whether a request takes too long to come in. */
static bool is_late(const struct ch_http *http, const struct ch_client *client,
		    int64_t now_ms)
{
	int64_t allowed = http->options.request_timeout_ms;

	if (client->phase == CH_CLIENT_ANSWERING)
		return false;
	if (client->phase == CH_CLIENT_UPLOADING)
		allowed += (int64_t)(client->body_bytes / UPLOAD_LEAST_PER_MS);
	return now_ms - client->since_ms > allowed;
}

/* ---- requests --------------------------------------------------------- */

/* The first that is known of a request: its target as it came. */
static void *on_target(void *context, const char *target,
		       struct MHD_Connection *connection)
{
	struct ch_http_door *door = context;
	struct ch_request *request = ch_xzalloc(sizeof(*request));
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	request->http = door->http;
	request->door = door;
	request->client = info->socket_context;
	request->connection = connection;
	request->wait = CH_WAIT_BODY;
	request->file_fd = -1;
	ch_str_init(&request->body, CH_JSON_BODY_MAX);
	ch_str_init(&request->out, CH_ANSWER_MAX);
	request->fault.text[0] = '\0';
	ch_target_parse(target, &request->target, &request->fault);
	door->requests++;
	return request;
}

static void on_completed(void *context, struct MHD_Connection *connection,
			 void **request_context,
			 enum MHD_RequestTerminationCode code)
{
	struct ch_request *request = *request_context;

	if (!request)
		return;
	if (is_waiting(request))
		unlink_waiting(request);
	if (request->stream.follow)
		request->door->followers--;
	if (request->client)
		phase(request->client, CH_CLIENT_READING);
	ch_auto_close(&request->file_fd);
	ch_upload_free(request->upload);
	ch_target_release(&request->target);
	ch_str_release(&request->body);
	ch_str_release(&request->out);
	free(request->stream.reference);
	free(request);
	*request_context = NULL;
}

static void add_header(struct MHD_Response *response, const char *name,
		       const char *value)
{
	MHD_add_response_header(response, name, value);
}

static void add_headers(const struct ch_request *request,
			struct MHD_Response *response)
{
	add_header(response, "Content-Type", request->type);
	add_header(response, "Cache-Control", "no-store");
	add_header(response, "X-Content-Type-Options", "nosniff");
	add_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	add_header(response, "Referrer-Policy", "no-referrer");
	add_header(response, "Content-Security-Policy",
		   "default-src 'none'; script-src 'unsafe-inline'; "
		   "style-src 'unsafe-inline'; img-src data:; "
		   "connect-src 'self'; base-uri 'none'; form-action 'none'; "
		   "frame-ancestors 'none'");
	if (request->allow)
		add_header(response, "Allow", request->allow);
	if (request->status == 400 || request->status == 413)
		add_header(response, "Connection", "close");
}

static enum MHD_Result reply(struct ch_request *request)
{
	struct MHD_Response *response;
	enum MHD_Result result;
	size_t len = request->out.len;

	if (request->status >= 400)
		request->door->refused++;
	if (request->stream.fill)
		response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
			PIECE, ch_stream_read, request, NULL);
	else if (request->file_fd >= 0)
		response = MHD_create_response_from_fd64(request->file_bytes,
			CH_TAKE_FD(request->file_fd));
	else
		response = MHD_create_response_from_buffer(len,
			ch_str_take(&request->out), MHD_RESPMEM_MUST_FREE);
	if (!response)
		return MHD_NO;
	add_headers(request, response);
	result = MHD_queue_response(request->connection, request->status,
				    response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result take_body(struct ch_request *request, const char *bytes,
				 size_t len)
{
	request->client->body_bytes += len;
	if (request->upload && request->status == 0) {
		ch_upload_read(request, bytes, len);
		return request->client->body_bytes <=
				       request->http->options.max_upload_bytes
			       ? MHD_YES : MHD_NO;
	}
	if (request->client->body_bytes > DROPPED_BODY_MAX)
		return MHD_NO;
	if (!request->too_large && request->status == 0)
		ch_str_add_mem(&request->body, bytes, len);
	request->too_large = request->body.full;
	return MHD_YES;
}

/* The Content-Length, which the server has read as a number already. */
static int64_t declared(struct MHD_Connection *connection)
{
	const char *text = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, "Content-Length");
	int64_t bytes = 0;

	if (text && ch_digits(text, 0, INT64_MAX, &bytes) < 0)
		return INT64_MAX;
	return bytes;
}

/* A refusal waits until a small body is in: a client that is still writing
 * when the connection is closed does not hear why. */
static enum MHD_Result on_request(void *context,
				  struct MHD_Connection *connection,
				  const char *url, const char *method,
				  const char *version, const char *bytes,
				  size_t *len, void **request_context)
{
	struct ch_request *request = *request_context;

	if (!request || !request->client || request->http->stopping)
		return MHD_NO;
	if (!request->begun) {
		request->begun = true;
		request->client->body_bytes = 0;
		if (ch_http_begin(request, method) < 0 &&
		    declared(connection) > DROPPED_BODY_MAX) {
			phase(request->client, CH_CLIENT_ANSWERING);
			return reply(request);
		}
		if (request->upload && request->status == 0)
			phase(request->client, CH_CLIENT_UPLOADING);
		return MHD_YES;
	}
	if (*len > 0) {
		size_t taken = *len;

		*len = 0;
		return take_body(request, bytes, taken);
	}
	phase(request->client, CH_CLIENT_ANSWERING);
	if (request->status == 0)
		ch_http_run(request);
	return request->status == 0 || is_waiting(request) ? MHD_YES
							   : reply(request);
}

/* ---- the loop --------------------------------------------------------- */

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

static int on_tick(sd_event_source *source, uint64_t at_us, void *context)
{
	struct ch_http *http = context;
	int64_t now_ms = ch_clock_mono_ms();

	for (struct ch_client *client = http->clients; client;
	     client = client->next) {
		if (is_late(http, client, now_ms))
			shutdown(client->fd, SHUT_RDWR);
	}
	if (now_ms - http->flushed_ms >= STILL_THERE_MS)
		ch_stream_flush(http, true);
	on_again(source, http);
	if (http->clients)
		start_tick(http);
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
		on_request, door,
		MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, options->max_clients,
		MHD_OPTION_CONNECTION_TIMEOUT, timeout_s,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MEMORY,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, door,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, door,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, door,
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
		http_free(http);
}
