// SPDX-License-Identifier: GPL-3.0-or-later
/* main.c - chancery-send: connections to one relay.
 *
 * The one step that counts: when a message is complete, chanceryd is asked
 * whether its final dot may follow, and nothing but a "go" for this letter and
 * attempt sends it. Whatever becomes of this process, chanceryd then knows which
 * letters may have been sent.
 *
 * One thread. Each connection is a line (line.h), whose fibers run until they
 * wait; then what they said is written, all in one, and poll() waits for all of
 * them and for chanceryd.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "send/batches.h"
#include "send/line.h"
#include "worker.h"

struct ch_sender {
	struct ch_channel channel;
	bool stopping; /* finish the letters under way */
	bool broken;   /* chanceryd is gone, or says what cannot be */
	bool results;  /* some are to be written */
	struct ch_batches *batches; /* owned */
	struct ch_connection_shared shared; /* of the lines' connections */
	struct ch_line *lines;      /* owned; NULL: the set-up has not come */
	size_t lines_len;
	size_t next_line; /* the first to begin a letter */
	struct pollfd *fds; /* owned */
};

/* ---- to chanceryd ------------------------------------------------------- */

static void break_off(struct ch_sender *s, const char *what, const char *text)
{
	fprintf(stderr, "chancery-send: %s: %s\n", what, text);
	s->broken = true;
}

static void say(struct ch_sender *s, enum ch_message_type type,
		const void *message)
{
	struct ch_error err;

	if (ch_message_put(&s->channel, type, message, &err) < 0)
		break_off(s, ch_message_name(type), err.text);
	s->results |= type == CH_MSG_SEND_RESULT;
}

const struct ch_sender_calls ch_sender_calls = { say, break_off };

struct ch_batches *ch_sender_batches(const struct ch_sender *sender)
{
	return sender->batches;
}

struct ch_connection_shared *ch_sender_shared(struct ch_sender *sender)
{
	return &sender->shared;
}

static void flush(struct ch_sender *s)
{
	struct ch_error err;

	if (!s->channel.ended && s->channel.out.len > 0 &&
	    ch_channel_flush(&s->channel, &err) < 0)
		s->broken = true;
	if (s->results)
		ch_crash_point("send-after-result");
	s->results = false;
}

/* ---- from chanceryd ----------------------------------------------------- */

static int on_setup(struct ch_sender *s, struct ch_slice payload,
		    struct ch_error *err)
{
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_send_setup setup;

	if (s->lines)
		return ch_error_set(err, CH_GIVE_UP, "a second set-up");
	if (ch_message_get(CH_MSG_SEND_SETUP, payload, &setup, &arena,
			   err) < 0)
		return -1;
	if (setup.lines == 0)
		return ch_error_set(err, CH_GIVE_UP, "no connection at all");
	s->batches = ch_batches_new(&setup);
	s->lines_len = setup.lines;
	s->lines = ch_xcalloc(s->lines_len, sizeof(*s->lines));
	s->fds = ch_xcalloc(1 + s->lines_len * CH_LINE_WATCHES,
			    sizeof(*s->fds));
	for (uint32_t i = 0; i < setup.lines; i++)
		ch_line_init(&s->lines[i], s, i, &setup);
	return 0;
}

static struct ch_line *find_line(const struct ch_sender *s, uint32_t number,
				 struct ch_error *err)
{
	if (number < s->lines_len)
		return &s->lines[number];
	ch_error_set(err, CH_GIVE_UP, "there is no connection %u", number);
	return NULL;
}

static int on_letter(struct ch_sender *s, struct ch_slice payload,
		     struct ch_error *err)
{
	CH_AUTOPTR(ch_given) given = NULL;
	struct ch_line *line;

	if (ch_given_new(payload, &given, err) < 0)
		return -1;
	line = find_line(s, given->letter.line, err);
	return line ? ch_line_add(line, CH_TAKE(given), err) : -1;
}

static int on_go(struct ch_sender *s, struct ch_slice payload,
		 struct ch_error *err)
{
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_send_go go;
	struct ch_line *line;

	if (ch_message_get(CH_MSG_SEND_GO, payload, &go, &arena, err) < 0)
		return -1;
	line = find_line(s, go.line, err);
	return line ? ch_line_answer(line, &go, err) : -1;
}

static int on_recall(struct ch_sender *s, struct ch_slice payload,
		     struct ch_error *err)
{
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_send_recall recall;
	struct ch_line *line;

	if (ch_message_get(CH_MSG_SEND_RECALL, payload, &recall, &arena,
			   err) < 0)
		return -1;
	line = find_line(s, recall.line, err);
	if (!line)
		return -1;
	ch_line_recall(line, &recall);
	return 0;
}

static int on_password(struct ch_sender *s, struct ch_slice payload,
		       struct ch_error *err)
{
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_send_password message;

	if (ch_message_get(CH_MSG_SEND_PASSWORD, payload, &message, &arena,
			   err) < 0)
		return -1;
	if (!s->lines)
		return ch_error_set(err, CH_GIVE_UP,
				    "a password before the set-up");
	for (size_t i = 0; i < s->lines_len; i++)
		ch_relay_give(&s->lines[i].relay, message.password,
			      message.number);
	return 0;
}

static int take(struct ch_sender *s, uint16_t type, struct ch_slice payload,
		struct ch_error *err)
{
	switch (type) {
	case CH_MSG_STOP: /* a "go" may be the next message */
		s->stopping = true;
		for (size_t i = 0; i < s->lines_len; i++)
			ch_line_stop(&s->lines[i]);
		return 0;
	case CH_MSG_SEND_SETUP:
		return on_setup(s, payload, err);
	case CH_MSG_SEND_GO:
		return on_go(s, payload, err);
	case CH_MSG_SEND_PASSWORD:
		return on_password(s, payload, err);
	case CH_MSG_SEND_RECALL:
		return on_recall(s, payload, err);
	case CH_MSG_SEND_LETTER:
		return on_letter(s, payload, err);
	case CH_MSG_SEND_BATCH:
		if (s->batches)
			return ch_batches_add(s->batches, payload, err);
		break;
	default:
		break;
	}
	return ch_error_set(err, CH_GIVE_UP, "a message \"%s\" out of place",
			    ch_message_name(type));
}

static void listen_once(struct ch_sender *s)
{
	struct ch_slice payload;
	struct ch_error err;
	uint16_t type;
	int got = ch_channel_fill(&s->channel, &err);

	if (got == 0)
		return;
	while (got > 0) {
		got = ch_channel_next(&s->channel, &type, &payload, &err);
		if (got > 0 && take(s, type, payload, &err) < 0)
			got = -1;
	}
	if (got == 0)
		return;
	if (s->channel.ended)
		s->broken = true;
	else
		break_off(s, "chanceryd", err.text);
}

/* ---- all of it ---------------------------------------------------------- */

static void run_lines(struct ch_sender *s)
{
	bool any = true;

	while (any) {
		any = false;
		for (size_t i = 0; i < s->lines_len; i++)
			any |= ch_line_run(&s->lines[i]);
	}
}

/* A line that waits for room is the first to get it, and the others begin
 * nothing until then: they might go on with a large batch for hours. */
static void begin_lines(struct ch_sender *s)
{
	size_t first = s->next_line;
	bool waits = false;

	for (size_t i = 0; i < s->lines_len; i++) {
		size_t at = (first + i) % s->lines_len;

		if (!ch_line_begin(&s->lines[at], !waits)) {
			waits = true;
			s->next_line = at;
		}
	}
}

/* What is known of a letter is said before the next one is begun: it would be
 * lost if that one killed us. chanceryd then has work for all lines, and gets the
 * processor for it before the next letters are composed: that can be done while
 * it waits for the disk. */
static void begin_letters(struct ch_sender *s)
{
	bool said = s->channel.out.len > 0;

	flush(s);
	if (said)
		(void)sched_yield();
	if (s->stopping) {
		for (size_t i = 0; i < s->lines_len; i++)
			ch_line_stop(&s->lines[i]);
	} else {
		begin_lines(s);
	}
	flush(s);
}

static bool is_done(const struct ch_sender *s)
{
	if (!s->stopping)
		return false;
	for (size_t i = 0; i < s->lines_len; i++) {
		if (!ch_line_is_idle(&s->lines[i]))
			return false;
	}
	return true;
}

static void wait_for_something(struct ch_sender *s)
{
	struct pollfd alone = { 0 };
	struct pollfd *fds = s->fds ? s->fds : &alone;
	int64_t until_ms = -1;
	int64_t now_ms;
	int timeout_ms = -1;
	nfds_t count = 1;
	nfds_t at = 1;

	fds[0] = (struct pollfd){ .fd = s->channel.fd, .events = POLLIN };
	for (size_t i = 0; i < s->lines_len; i++)
		ch_line_watch(&s->lines[i], fds, &count, &until_ms);
	if (until_ms >= 0) {
		now_ms = ch_clock_mono_ms();
		timeout_ms = until_ms > now_ms ? (int)(until_ms - now_ms) : 0;
	}
	if (poll(fds, count, timeout_ms) < 0) {
		if (errno != EINTR)
			break_off(s, "poll", strerror(errno));
		return;
	}
	now_ms = ch_clock_mono_ms();
	for (size_t i = 0; i < s->lines_len; i++)
		ch_line_watched(&s->lines[i], fds, &at, now_ms);
	if (fds[0].revents)
		listen_once(s);
}

static void serve(struct ch_sender *s)
{
	while (!s->broken) {
		run_lines(s);
		begin_letters(s);
		if (s->broken || is_done(s))
			break;
		wait_for_something(s);
	}
}

int main(void)
{
	struct ch_sender s = { 0 };
	struct ch_error err;

	if (ch_worker_enter(CH_WORKER_SEND, &s.channel, &err) < 0) {
		fprintf(stderr, "chancery-send: %s\n", err.text);
		return EX_USAGE;
	}
	serve(&s);
	if (s.broken) /* the fibers are in the middle of something */
		_exit(s.channel.ended ? EX_OK : EX_PROTOCOL);
	for (size_t i = 0; i < s.lines_len; i++)
		ch_line_release(&s.lines[i]);
	ch_connection_shared_release(&s.shared);
	free(s.lines);
	free(s.fds);
	ch_batches_free(s.batches);
	ch_channel_release(&s.channel);
	return EX_OK;
}
