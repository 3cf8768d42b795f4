// SPDX-License-Identifier: GPL-3.0-or-later
/* events.c - chancery events: what happened, an object a line.
 *
 * Every event has a cursor; whoever keeps the last one goes on from there after
 * any interruption. Following does so itself when chanceryd restarts.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/request.h"

#define LINE_MAX_BYTES (1024 * 1024)
#define PAGE 10000
#define REST_MAX_S 10

struct reader {
	const struct ch_cli *cli;
	struct ch_str line;  /* of the body, without its end */
	json_int_t cursor;   /* of the last event; -1: none yet */
	size_t events;       /* of this answer */
	bool broken;         /* a line that is no event */
};

/* ---- lines ------------------------------------------------------------ */

static void take_event(struct reader *r, const char *text)
{
	json_t *event = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(event)) {
		r->broken = true;
		json_decref(event);
		return;
	}
	r->cursor = json_integer_value(json_object_get(event, "cursor"));
	r->events++;
	ch_json_line(&r->cli->out, event);
	json_decref(event);
}

/* A line of JSON, or "data: …" of server-sent events; what else those have
 * (id, event, comments) the object has too. */
static void take_line(struct reader *r)
{
	const char *text = ch_str_cstr(&r->line);

	if (r->line.full)
		r->broken = true;
	else if (text[0] == '{')
		take_event(r, text);
	else if (strncmp(text, "data:", 5) == 0)
		take_event(r, text + 5 + (text[5] == ' '));
	ch_str_clear(&r->line);
}

static bool on_piece(void *context, const char *bytes, size_t len)
{
	struct reader *r = context;

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n')
			take_line(r);
		else if (bytes[i] != '\r')
			ch_str_add_char(&r->line, bytes[i]);
	}
	fflush(stdout);
	return !r->broken && !ferror(stdout);
}

/* ---- asking ----------------------------------------------------------- */

static int broken(const struct reader *r)
{
	return ch_fail(r->cli, EX_PROTOCOL,
		       "Are chancery and chanceryd of one version?",
		       "chanceryd's events cannot be read");
}

static int ask(struct reader *r, bool follow, bool quiet, bool *ret_began)
{
	CH_AUTOCHAR path = NULL;
	struct ch_stream stream = {
		.accept = follow ? "text/event-stream" : "application/jsonl",
		.follows = follow,
		.quiet = quiet,
		.piece = on_piece,
		.context = r,
	};
	int code;

	if (!follow)
		path = ch_xasprintf("/v1/events?after=%lld&limit=%d",
				    (long long)r->cursor, PAGE);
	else
		path = ch_xasprintf("/v1/events?follow=1&after=%lld",
				    (long long)r->cursor);
	stream.path = path;
	ch_str_clear(&r->line);
	r->events = 0;
	code = ch_request_stream(r->cli, &stream, ret_began);
	return r->broken ? broken(r) : code;
}

static int list(struct reader *r)
{
	bool began;
	int code;

	if (r->cursor < 0)
		r->cursor = 0;
	do {
		code = ask(r, false, false, &began);
	} while (code == EX_OK && r->events == PAGE && !ferror(stdout));
	return code;
}

/* "From now on" as a cursor, so that it stays so when asked again. */
static int begin_now(struct reader *r)
{
	json_t *room = NULL;
	int code = ch_request_json(r->cli, CH_DOOR_READ, "/v1/status", &room);

	if (code == EX_OK)
		r->cursor = (json_int_t)ch_json_number(room, "last_event");
	json_decref(room);
	return code;
}

/* Until somebody ends it. What was missed while chanceryd was away comes as
 * soon as it is back. */
static int follow(struct reader *r)
{
	struct timespec rest = { .tv_sec = 1 };
	bool ever = false;
	bool began;
	int code = r->cursor < 0 ? begin_now(r) : EX_OK;

	if (code != EX_OK)
		return code;
	for (;;) {
		code = ask(r, true, ever, &began);
		if (r->broken || ferror(stdout))
			return code;
		if (began)
			rest.tv_sec = 1;
		else if (!ever)
			return code;
		else if (code != EX_OK && code != EX_TEMPFAIL &&
			 code != EX_UNAVAILABLE)
			return code;
		ever = true;
		nanosleep(&rest, NULL);
		if (rest.tv_sec < REST_MAX_S)
			rest.tv_sec++;
	}
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	const char *since = ch_args_value(args, "since");
	struct reader reader = { .cli = cli,
				 .line = CH_STR_INIT(LINE_MAX_BYTES),
				 .cursor = -1 };
	char *end;
	int code;

	if (since) {
		errno = 0;
		reader.cursor = strtoll(since, &end, 10);
		if (errno || *end || end == since || reader.cursor < 0)
			return ch_fail_usage(cli, &ch_verb_events,
					     "a cursor is a number, not "
					     "\"%s\"", since);
	}
	code = ch_args_has(args, "follow") ? follow(&reader) : list(&reader);
	ch_str_release(&reader.line);
	return code;
}

static const struct ch_option options[] = {
	{ "since", 's', "CURSOR", false,
	  "Only what came behind the event with this cursor." },
	{ "follow", 'f', NULL, false,
	  "Go on with what happens; from now on where --since is not given." },
	{ 0 },
};

const struct ch_verb ch_verb_events = {
	.name = "events",
	.operands = "",
	.least = 0,
	.most = 0,
	.summary = "What happened, a JSON object a line.",
	.about = "",
	.options = options,
	.run = run,
};
