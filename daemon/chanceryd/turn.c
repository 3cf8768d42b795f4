// SPDX-License-Identifier: GPL-3.0-or-later
/* turn.c - see turn.h. The one place of the daemon that commits.
 *
 * What a crash leaves behind:
 *   before COMMIT   the store as after the last turn; nobody was answered, and
 *                   workers that waited for a "go" have sent no dot
 *   after COMMIT    dots that no worker was told of: in doubt after the
 *                   restart, though they were not sent; answers that nobody
 *                   got: clients ask again, workers are gone
 */
#include "chanceryd/turn.h"

#include <sched.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "chanceryd/dispatch.h"
#include "chanceryd/http.h"
#include "chanceryd/room.h"
#include "chanceryd/service.h"
#include "chanceryd/workers.h"

#define LINE_MAX_BYTES 2000
#define YIELDS 3

struct line {
	int priority;
	struct ch_log_fields about; /* into the block */
	struct ch_slice text;       /* the same */
	char *block;                /* owned */
};

struct call {
	ch_after_commit *call;
	void *context; /* borrowed */
};

struct ch_turn {
	sd_event_source *end;    /* owned */
	sd_event_source *linger; /* owned: a timer; then it is due */
	bool lingering;
	sd_event_source *settle; /* owned: a timer; then the store is settled */
	bool settling;           /* it is set */
	unsigned int yields; /* times that others had the processor before its
				end */
	int64_t now_us;       /* of the transaction */
	int64_t since_ms;     /* when the turn became due; 0: it is not */
	bool hurried;         /* its end comes before anything else */
	uint64_t commits;
	struct line *lines; /* owned */
	size_t lines_len, lines_cap;
	struct ch_str written; /* scratch: lines on their way to stderr */
	struct call *calls; /* owned */
	size_t calls_len, calls_cap;
};

static void must(struct ch_mailroom *room, int r)
{
	struct ch_error err;

	if (r >= 0)
		return;
	(void)ch_error_errno(&err, -r, "event loop");
	ch_room_fail(room, &err);
}

static void start(struct ch_mailroom *room, sd_event_source *timer,
		  unsigned int after_ms)
{
	must(room, sd_event_source_set_time_relative(
			   timer, (uint64_t)after_ms * 1000));
	must(room, sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT));
}

/* Workers that are ready to run say something in a moment, and would wait for
 * the next fsync: let them, then look once more, and again. Halves the commits
 * a letter where processors are short; costs nothing where they are not. */
static int on_end(sd_event_source *source, void *context)
{
	struct ch_mailroom *room = context;
	struct ch_turn *turn = room->turn;

	if (turn->yields == YIELDS || turn->hurried) {
		ch_turn_end(room);
		return 0;
	}
	turn->yields++;
	(void)sched_yield();
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void settle_later(struct ch_mailroom *room)
{
	if (room->turn->settling)
		return;
	room->turn->settling = true;
	start(room, room->turn->settle, CH_TURN_SETTLE_MS);
}

static int on_settle(sd_event_source *source, uint64_t usec, void *context)
{
	struct ch_mailroom *room = context;
	struct ch_error err;

	room->turn->settling = false;
	if (ch_store_in_transaction(room->store))
		settle_later(room); /* a turn is under way */
	else if (ch_store_settle(room->store, &err) < 0)
		ch_room_fail(room, &err);
	return 0;
}

static int on_linger(sd_event_source *source, uint64_t usec, void *context)
{
	ch_turn_due(context);
	return 0;
}

static int add_timer(struct ch_mailroom *room, sd_event_source **ret,
		     sd_event_time_handler_t handler)
{
	int r = sd_event_add_time(room->event, ret, CLOCK_MONOTONIC, UINT64_MAX,
				  1000, handler, room);

	return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

int ch_turn_new(struct ch_mailroom *room, struct ch_turn **ret,
		struct ch_error *err)
{
	struct ch_turn *turn = ch_xzalloc(sizeof(*turn));
	int r;

	ch_str_init(&turn->written, CH_LOG_LINES_MAX);
	r = sd_event_add_defer(room->event, &turn->end, on_end, room);
	if (r >= 0)
		r = add_timer(room, &turn->linger, on_linger);
	if (r >= 0)
		r = add_timer(room, &turn->settle, on_settle);
	if (r >= 0)
		r = sd_event_source_set_enabled(turn->end, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_priority(turn->end, CH_TURN_PRIORITY);
	if (r < 0) {
		ch_turn_free(turn);
		return ch_error_errno(err, -r, "event loop");
	}
	*ret = turn;
	return 0;
}

void ch_turn_free(struct ch_turn *turn)
{
	if (!turn)
		return;
	sd_event_source_disable_unref(turn->end);
	sd_event_source_disable_unref(turn->linger);
	sd_event_source_disable_unref(turn->settle);
	for (size_t i = 0; i < turn->lines_len; i++)
		free(turn->lines[i].block);
	free(turn->lines);
	ch_str_release(&turn->written);
	free(turn->calls);
	free(turn);
}

/* ---- during the turn -------------------------------------------------- */

void ch_turn_due(struct ch_mailroom *room)
{
	struct ch_turn *turn = room->turn;
	int64_t now_ms = ch_clock_mono_ms();

	if (turn->since_ms == 0) {
		turn->since_ms = now_ms;
		must(room, sd_event_source_set_enabled(turn->end,
						       SD_EVENT_ONESHOT));
	} else if (!turn->hurried &&
		   now_ms - turn->since_ms >= CH_TURN_MAX_MS) {
		turn->hurried = true;
		must(room, sd_event_source_set_priority(turn->end,
							-CH_TURN_PRIORITY));
	}
}

void ch_turn_linger(struct ch_mailroom *room)
{
	struct ch_turn *turn = room->turn;

	if (turn->since_ms != 0 || turn->lingering)
		return;
	turn->lingering = true;
	start(room, turn->linger, CH_TURN_LINGER_MS);
}

static int64_t begin(struct ch_mailroom *room)
{
	struct ch_error err;

	if (ch_store_in_transaction(room->store))
		return room->turn->now_us;
	if (ch_store_begin(room->store, &err) < 0)
		ch_room_fail(room, &err);
	room->turn->now_us = ch_clock_now_us();
	return room->turn->now_us;
}

int64_t ch_turn_open(struct ch_mailroom *room)
{
	ch_turn_due(room);
	return begin(room);
}

int64_t ch_turn_join(struct ch_mailroom *room)
{
	ch_turn_linger(room);
	return begin(room);
}

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Where `text` was copied to at *at, which moves behind it. */
static const char *keep(char **at, const char *text)
{
	size_t size = size_of(text);
	char *kept = size ? memcpy(*at, text, size) : NULL;

	*at += size;
	return kept;
}

void ch_turn_log(struct ch_mailroom *room, int priority,
		 const struct ch_log_fields *fields, const char *format, ...)
{
	static const struct ch_log_fields none;
	struct ch_turn *turn = room->turn;
	char text[LINE_MAX_BYTES + 1];
	struct line *line;
	va_list args;
	char *at;

	if (priority > room->log.least)
		return;
	ch_turn_linger(room);
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!fields)
		fields = &none;
	CH_GROW(turn->lines, turn->lines_len, turn->lines_cap);
	line = &turn->lines[turn->lines_len++];
	at = ch_xmalloc(size_of(text) + size_of(fields->batch) +
			size_of(fields->letter) + size_of(fields->state));
	*line = (struct line){ .priority = priority, .block = at };
	line->text = ch_slice_of(keep(&at, text));
	line->about = (struct ch_log_fields){
		.batch = keep(&at, fields->batch),
		.letter = keep(&at, fields->letter),
		.state = keep(&at, fields->state),
		.smtp_code = fields->smtp_code,
	};
}

void ch_mailroom_after_commit(struct ch_mailroom *room, ch_after_commit *call,
			      void *context)
{
	struct ch_turn *turn = room->turn;

	ch_turn_due(room);
	CH_GROW(turn->calls, turn->calls_len, turn->calls_cap);
	turn->calls[turn->calls_len++] = (struct call){ call, context };
}

/* ---- its end ---------------------------------------------------------- */

static void commit(struct ch_mailroom *room)
{
	struct ch_error err;
	bool changed = ch_store_changed(room->store);

	if (changed)
		ch_crash_point("turn.before-commit");
	if (ch_store_commit(room->store, &err) < 0)
		ch_room_fail(room, &err);
	if (changed) {
		room->turn->commits++;
		settle_later(room);
		ch_crash_point("turn.after-commit");
	}
}

static void write_lines(struct ch_mailroom *room)
{
	struct ch_turn *turn = room->turn;

	for (size_t i = 0; i < turn->lines_len; i++) {
		struct line *line = &turn->lines[i];

		ch_log_add(&room->log, line->priority, &line->about,
			   line->text, &turn->written);
		free(line->block);
	}
	turn->lines_len = 0;
	ch_log_write(&turn->written);
}

/* Each may ask for another turn, and for a call at the end of that one. */
static void run_calls(struct ch_turn *turn)
{
	struct call *calls = CH_TAKE(turn->calls);
	size_t len = turn->calls_len;

	turn->calls_len = 0;
	turn->calls_cap = 0;
	for (size_t i = 0; i < len; i++)
		calls[i].call(calls[i].context);
	free(calls);
}

void ch_turn_end(struct ch_mailroom *room)
{
	struct ch_turn *turn = room->turn;

	if (room->dispatch)
		ch_dispatch_run(room);
	if (ch_store_in_transaction(room->store))
		commit(room);
	/* From here on another turn may begin. */
	turn->since_ms = 0;
	turn->yields = 0;
	must(room, sd_event_source_set_enabled(turn->end, SD_EVENT_OFF));
	if (turn->lingering) {
		turn->lingering = false;
		must(room, sd_event_source_set_enabled(turn->linger,
						       SD_EVENT_OFF));
	}
	if (turn->hurried) {
		turn->hurried = false;
		must(room, sd_event_source_set_priority(turn->end,
							CH_TURN_PRIORITY));
	}
	if (room->workers)
		ch_workers_flush(room->workers);
	ch_crash_point("turn.flushed");
	write_lines(room);
	run_calls(turn);
	if (room->http)
		ch_http_committed(room->http);
	if (room->service)
		ch_service_turned(room);
}

uint64_t ch_turn_commits(const struct ch_turn *turn)
{
	return turn->commits;
}
