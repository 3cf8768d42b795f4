// SPDX-License-Identifier: GPL-3.0-or-later
/* http-metrics.c - numbers for Prometheus (text format 0.0.4).
 *
 * The names of relays and mailboxes are the configuration's; no address,
 * subject or reference ever is a label.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/file.h"
#include "chanceryd/http-private.h"

#define METRICS_MAX (1024 * 1024)

static void head(struct ch_str *out, const char *name, const char *type,
		 const char *help)
{
	ch_str_addf(out, "# HELP chancery_%s %s\n# TYPE chancery_%s %s\n",
		    name, help, name, type);
}

/* One sample; `label` NULL: without. */
static void sample(struct ch_str *out, const char *name, const char *label,
		   const char *value, uint64_t number)
{
	ch_str_addf(out, "chancery_%s", name);
	if (label) {
		CH_AUTO(ch_str) utf8 = CH_STR_INIT(1000);

		ch_escape_utf8(&utf8, value, strlen(value));
		ch_str_addf(out, "{%s=\"", label);
		for (size_t i = 0; i < utf8.len; i++) {
			char c = utf8.data[i];

			if (c == '\\' || c == '"')
				ch_str_add_char(out, '\\');
			if (c == '\n')
				ch_str_add(out, "\\n");
			else
				ch_str_add_char(out, c);
		}
		ch_str_add(out, "\"}");
	}
	ch_str_addf(out, " %llu\n", (unsigned long long)number);
}

static void alone(struct ch_str *out, const char *name, const char *type,
		  const char *help, uint64_t number)
{
	head(out, name, type, help);
	sample(out, name, NULL, NULL, number);
}

static void write_letters(struct ch_mailroom *room, struct ch_str *out)
{
	struct ch_store *store = ch_mailroom_store(room);
	struct ch_tally tally;
	struct ch_error err;

	if (ch_store_tally(store, 0, &tally, &err) < 0)
		return;
	head(out, "letters", "gauge", "Letters by state.");
	for (int i = 0; i < CH_STATES; i++)
		sample(out, "letters", "state", ch_state_name(i),
		       tally.state[i]);
	alone(out, "letters_deferred", "gauge",
	      "Queued letters that were tried at least once.",
	      tally.deferred);
	head(out, "letters_returned", "gauge",
	     "Letters by what came back; one letter may count in several.");
	sample(out, "letters_returned", "kind", "bounced", tally.bounced);
	sample(out, "letters_returned", "kind", "delayed", tally.delayed);
	sample(out, "letters_returned", "kind", "auto_replied",
	       tally.auto_replied);
	sample(out, "letters_returned", "kind", "delivered", tally.delivered);
	sample(out, "letters_returned", "kind", "read", tally.read);
	sample(out, "letters_returned", "kind", "answered", tally.answered);
	alone(out, "letters_silent", "gauge",
	      "Letters that were sent and neither answered nor returned.",
	      tally.state[CH_STATE_SENT] - tally.heard);
	alone(out, "letters_at_risk", "gauge",
	      "Letters that wait and may have been sent already: the store came "
	      "back from a copy.",
	      ch_mailroom_at_risk(room, 0));
	alone(out, "events_total", "counter",
	      "Events in the store since it was made.",
	      (uint64_t)ch_store_last_event(store));
}

/* Each mailbox once: 1 where all of its folders are open. */
static void write_mailboxes(const struct ch_mailroom_state *state,
			    struct ch_str *out)
{
	const struct ch_mailbox_state *boxes = state->mailboxes;

	head(out, "mailbox_ready", "gauge",
	     "Whether a mailbox is open for what comes back.");
	for (size_t i = 0; i < state->mailboxes_len; i++) {
		bool ready = true;
		bool said = false;

		for (size_t j = 0; j < state->mailboxes_len; j++) {
			if (strcmp(boxes[i].name, boxes[j].name) != 0)
				continue;
			said |= j < i;
			ready &= strcmp(boxes[j].state, "ready") == 0;
		}
		if (!said)
			sample(out, "mailbox_ready", "mailbox", boxes[i].name,
			       ready);
	}
}

static void write_relays(const struct ch_mailroom_state *state,
			 struct ch_str *out)
{
	head(out, "relay_ready", "gauge", "Whether a relay takes letters.");
	for (size_t i = 0; i < state->relays_len; i++)
		sample(out, "relay_ready", "relay", state->relays[i].name,
		       strcmp(state->relays[i].state, "ready") == 0);
	head(out, "relay_workers", "gauge", "Send workers of a relay.");
	for (size_t i = 0; i < state->relays_len; i++)
		sample(out, "relay_workers", "relay", state->relays[i].name,
		       state->relays[i].workers);
	head(out, "relay_letters", "gauge", "Letters with a relay's workers.");
	for (size_t i = 0; i < state->relays_len; i++)
		sample(out, "relay_letters", "relay", state->relays[i].name,
		       state->relays[i].under_way);
	write_mailboxes(state, out);
}

/* How many stand of each type, each type once. */
static void write_alarms(const struct ch_mailroom_state *state,
			 struct ch_str *out)
{
	alone(out, "alarms", "gauge", "Alarms that stand.", state->alarms_len);
	head(out, "alarms_by_type", "gauge", "Alarms that stand, by type.");
	for (size_t i = 0; i < state->alarms_len; i++) {
		const char *type = state->alarms[i].type;
		uint64_t count = 0;
		size_t first = i;

		for (size_t j = 0; j < state->alarms_len; j++) {
			if (strcmp(state->alarms[j].type, type) != 0)
				continue;
			if (j < first)
				first = j;
			count++;
		}
		if (first == i)
			sample(out, "alarms_by_type", "type", type, count);
	}
}

/* Seconds and thousandths since 1970. */
static void write_start(const struct ch_mailroom_state *state,
			struct ch_str *out)
{
	head(out, "start_time_seconds", "gauge",
	     "When the daemon started, in seconds since 1970.");
	ch_str_addf(out, "chancery_start_time_seconds %lld.%03lld\n",
		    (long long)(state->started_us / 1000000),
		    (long long)(state->started_us / 1000 % 1000));
}

static void write_house(const struct ch_mailroom_state *state,
			struct ch_str *out)
{
	head(out, "build_info", "gauge", "The version, as a label.");
	sample(out, "build_info", "version", PACKAGE_VERSION, 1);
	write_start(state, out);
	alone(out, "sending", "gauge",
	      "1: letters go out; 0: paused, stopping or outside of the "
	      "hours.",
	      strcmp(state->state, "running") == 0 &&
		      (!state->time_zone || state->open));
	alone(out, "store_commits_total", "counter",
	      "Transactions committed since the start.", state->commits);
	alone(out, "worker_restarts_total", "counter",
	      "Workers started again after they ended by themselves.",
	      state->worker_restarts);
	alone(out, "imports", "gauge", "Imports under way.",
	      state->imports_under_way);
}

/* Resident memory in bytes (proc(5), statm). */
static uint64_t memory(void)
{
	char text[200] = "";
	char *at;
	CH_AUTOFD fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (len <= 0)
		return 0;
	strtoull(text, &at, 10);
	return strtoull(at, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void write_doors(const struct ch_http *http, struct ch_str *out)
{
	static const char *const names[] = { "status", "control" };

	head(out, "http_clients", "gauge", "Connections to a socket.");
	for (size_t i = 0; i < 2; i++)
		sample(out, "http_clients", "socket", names[i],
		       http->doors[i].clients);
	head(out, "http_requests_total", "counter", "Requests to a socket.");
	for (size_t i = 0; i < 2; i++)
		sample(out, "http_requests_total", "socket", names[i],
		       http->doors[i].requests);
	head(out, "http_errors_total", "counter",
	     "Requests answered with an error.");
	for (size_t i = 0; i < 2; i++)
		sample(out, "http_errors_total", "socket", names[i],
		       http->doors[i].refused);
	alone(out, "resident_memory_bytes", "gauge",
	      "Memory of the daemon, without its workers.", memory());
}

void ch_metrics_write(struct ch_http *http, struct ch_str *out)
{
	const struct ch_mailroom_state *state = ch_mailroom_state(http->room);

	write_house(state, out);
	write_letters(http->room, out);
	write_relays(state, out);
	write_alarms(state, out);
	write_doors(http, out);
}

int ch_http_get_metrics(struct ch_request *request, struct ch_error *err)
{
	ch_metrics_write(request->http, &request->out);
	request->type = "text/plain; version=0.0.4; charset=utf-8";
	request->status = 200;
	return 0;
}

/* A new file beside the old one, then its name: a reader never sees half. */
static int replace_file(const char *path, const struct ch_str *text,
			struct ch_error *err)
{
	const char *slash = strrchr(path, '/');
	CH_AUTOFD dir = ch_file_open_folder_of(path);

	if (dir < 0)
		return ch_error_errno(err, errno, "%.*s",
				      slash ? (int)(slash - path) : 1,
				      slash ? path : ".");
	return ch_file_replace(dir, slash ? slash + 1 : path,
			       ch_str_cstr(text), text->len, 0644, err);
}

void ch_metrics_file(struct ch_http *http)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(METRICS_MAX);
	struct ch_error err;

	http->textfile_due = !ch_http_clean(http);
	if (http->textfile_due)
		return; /* the end of the turn calls us */
	ch_metrics_write(http, &out);
	if (replace_file(http->metrics_file, &out, &err) == 0) {
		http->textfile_failed = false;
		return;
	}
	if (!http->textfile_failed)
		ch_log(&http->log, LOG_WARNING, NULL, "metrics file: %s",
		       err.text);
	http->textfile_failed = true;
}
