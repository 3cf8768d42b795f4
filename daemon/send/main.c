// SPDX-License-Identifier: GPL-3.0-or-later
/* main.c - chancery-send: one connection to one relay.
 *
 * One letter at a time, in the order given. The one step that counts: when the
 * relay's kernel has the whole message, chanceryd is asked whether its final
 * dot may follow, and nothing but a "go" for this letter and attempt sends it.
 * Whatever becomes of this process, chanceryd then knows which letters may have
 * been sent.
 *
 * A crash before the "go" leaves a letter that was not sent; after it, one in
 * doubt; after the result was written, nothing.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/crash.h"
#include "base/mem.h"
#include "send/batches.h"
#include "send/relay.h"
#include "worker.h"

#define LETTERS_AHEAD 2 /* one under way, one waiting */
#define WAITING_MAX 64

struct sender {
	struct ch_channel channel;
	bool ready;    /* the set-up has come */
	bool stopping; /* finish the letter under way */
	bool broken;   /* chanceryd is gone, or says what cannot be */
	struct ch_relay relay;
	struct ch_batches *batches; /* owned */
	struct ch_str waiting[WAITING_MAX]; /* letters as they came; a ring */
	size_t first;
	size_t count;
	/* of the letter under way */
	int64_t letter_id;
	uint32_t attempt;
	bool answered;
	bool go;
};

/* ---- to chanceryd ------------------------------------------------------- */

static void complain(struct sender *s, const char *what,
		     const struct ch_error *err)
{
	fprintf(stderr, "chancery-send: %s: %s\n", what, err->text);
	s->broken = true;
}

static void say(struct sender *s, enum ch_message_type type,
		const void *message)
{
	struct ch_error err;

	if (ch_message_put(&s->channel, type, message, &err) < 0)
		complain(s, ch_message_name(type), &err);
}

static void flush(struct sender *s)
{
	struct ch_error err;

	if (!s->channel.ended && ch_channel_flush(&s->channel, &err) < 0)
		s->broken = true;
}

static void want(struct sender *s, uint32_t letters)
{
	struct ch_send_ready ready = { letters };

	say(s, CH_MSG_SEND_READY, &ready);
}

static void forget_waiting(struct sender *s)
{
	for (; s->count > 0; s->count--) {
		ch_str_release(&s->waiting[s->first]);
		s->first = (s->first + 1) % WAITING_MAX;
	}
}

static void say_fault(struct sender *s, enum ch_relay_fault fault,
		      unsigned int code, const char *text)
{
	struct ch_send_fault message = { fault, code, ch_slice_of(text) };

	ch_relay_close(&s->relay);
	forget_waiting(s);
	say(s, CH_MSG_SEND_FAULT, &message);
	want(s, LETTERS_AHEAD);
}

/* ---- from chanceryd ----------------------------------------------------- */

static int on_setup(struct sender *s, struct ch_slice payload,
		    struct ch_error *err)
{
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_send_setup setup;

	if (s->ready)
		return ch_error_set(err, CH_GIVE_UP, "a second set-up");
	if (ch_message_get(CH_MSG_SEND_SETUP, payload, &setup, &arena,
			   err) < 0)
		return -1;
	ch_relay_init(&s->relay, &setup);
	s->batches = ch_batches_new(s->relay.objects_dir);
	s->ready = true;
	want(s, LETTERS_AHEAD);
	return 0;
}

static int on_letter(struct sender *s, struct ch_slice payload,
		     struct ch_error *err)
{
	struct ch_str *slot = &s->waiting[(s->first + s->count) % WAITING_MAX];

	if (s->count == WAITING_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "more letters than were asked for");
	ch_str_init(slot, CH_FRAME_MAX);
	ch_str_add_mem(slot, payload.data, payload.len);
	s->count++;
	return 0;
}

static int on_go(struct sender *s, struct ch_slice payload,
		 struct ch_error *err)
{
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_send_go go;

	if (ch_message_get(CH_MSG_SEND_GO, payload, &go, &arena, err) < 0)
		return -1;
	if (s->letter_id == 0 || go.letter_id != s->letter_id ||
	    go.attempt != s->attempt)
		return ch_error_set(err, CH_GIVE_UP,
				    "a go for another letter than the one "
				    "under way");
	s->answered = true;
	s->go = go.go != 0;
	return 0;
}

static int take(struct sender *s, uint16_t type, struct ch_slice payload,
		struct ch_error *err)
{
	switch (type) {
	case CH_MSG_STOP:
		s->stopping = true;
		return 0;
	case CH_MSG_SEND_SETUP:
		return on_setup(s, payload, err);
	case CH_MSG_SEND_GO:
		return on_go(s, payload, err);
	case CH_MSG_SEND_BATCH:
	case CH_MSG_SEND_LETTER:
		if (!s->ready)
			break;
		return type == CH_MSG_SEND_BATCH
			       ? ch_batches_add(s->batches, payload, err)
			       : on_letter(s, payload, err);
	default:
		break;
	}
	return ch_error_set(err, CH_GIVE_UP, "a message \"%s\" out of place",
			    ch_message_name(type));
}

/* Wait for one message and act on it. False at the timeout, and when there is
 * nobody to wait for. */
static bool listen_once(struct sender *s, int timeout_ms)
{
	struct ch_slice payload;
	struct ch_error err;
	uint16_t type;
	int got = ch_channel_wait(&s->channel, timeout_ms, &type, &payload,
				  &err);

	if (got == 0)
		return false;
	if (got > 0 && take(s, type, payload, &err) == 0)
		return true;
	if (s->channel.ended)
		s->broken = true;
	else
		complain(s, "chanceryd", &err);
	return false;
}

/* ---- one letter --------------------------------------------------------- */

struct attempt {
	struct sender *sender;
	const struct ch_send_letter *letter;
	struct ch_smtp_letter smtp;
	struct ch_sha256 sha256;
	uint32_t *seqs;  /* owned; of the pending addresses, as in smtp.to */
	char **to;       /* owned, and each */
	struct ch_smtp_result *results; /* owned */
	size_t len;
};

static void attempt_release(struct attempt *a)
{
	for (size_t i = 0; i < a->len; i++)
		free(a->to[i]);
	ch_smtp_results_release(a->results, a->len);
	free(a->results);
	free(a->to);
	free(a->seqs);
}

static void choose_addresses(struct attempt *a)
{
	const struct ch_send_letter *letter = a->letter;

	a->seqs = ch_xcalloc(letter->addresses_len, sizeof(*a->seqs));
	a->to = ch_xcalloc(letter->addresses_len, sizeof(*a->to));
	a->results = ch_xcalloc(letter->addresses_len, sizeof(*a->results));
	for (uint32_t i = 0; i < letter->addresses_len; i++) {
		if (!letter->addresses[i].pending)
			continue;
		a->seqs[a->len] = letter->addresses[i].seq;
		a->to[a->len++] = ch_slice_dup(letter->addresses[i].address);
	}
}

/* Ask for the dot of the letter under way and wait for the answer. */
static bool before_dot(void *context, const size_t *accepted, size_t len)
{
	struct attempt *a = context;
	struct sender *s = a->sender;
	CH_AUTO(ch_arena) arena = { 0 };
	uint32_t *seqs = ch_arena_alloc(&arena, len * sizeof(*seqs));
	struct ch_send_dot dot = {
		.letter_id = a->letter->letter_id,
		.attempt = a->letter->attempt,
		.sha256 = a->sha256,
		.size_bytes = a->smtp.message_len,
		.seqs = seqs,
		.seqs_len = (uint32_t)len,
	};

	for (size_t i = 0; i < len; i++)
		seqs[i] = a->seqs[accepted[i]];
	ch_crash_point("send-before-asking");
	s->answered = false;
	say(s, CH_MSG_SEND_DOT, &dot);
	while (!s->answered && !s->broken) {
		if (!listen_once(s, s->relay.options.attempt_timeout_ms) &&
		    !s->broken) {
			fprintf(stderr, "chancery-send: chanceryd does not "
					"answer\n");
			s->broken = true;
		}
	}
	ch_crash_point("send-before-dot");
	return s->answered && s->go && !s->broken;
}

static uint32_t outcome_of(enum ch_smtp_outcome outcome)
{
	switch (outcome) {
	case CH_SMTP_SENT:
		return CH_OUTCOME_SENT;
	case CH_SMTP_DEFERRED:
		return CH_OUTCOME_DEFERRED;
	case CH_SMTP_FAILED:
		return CH_OUTCOME_FAILED;
	case CH_SMTP_IN_DOUBT:
		return CH_OUTCOME_IN_DOUBT;
	case CH_SMTP_UNTRIED:
		break;
	}
	return CH_OUTCOME_UNTRIED;
}

/* Room for the results in `arena`; the caller fills them in. */
static struct ch_send_result begin_results(const struct attempt *a,
					   struct ch_arena *arena)
{
	struct ch_send_result message = {
		.letter_id = a->letter->letter_id,
		.attempt = a->letter->attempt,
		.results =
		    ch_arena_alloc(arena, a->len * sizeof(*message.results)),
		.results_len = (uint32_t)a->len,
	};

	return message;
}

static void say_results(struct attempt *a)
{
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_send_result message = begin_results(a, &arena);

	for (size_t i = 0; i < a->len; i++) {
		const struct ch_smtp_reply *reply = &a->results[i].reply;

		message.results[i] = (struct ch_send_address_result){
			.seq = a->seqs[i],
			.outcome = outcome_of(a->results[i].outcome),
			.code = reply->code,
			.status = ch_slice_of(reply->status),
			.reply = { ch_str_cstr(&reply->text), reply->text.len },
		};
	}
	ch_crash_point("send-before-result");
	say(a->sender, CH_MSG_SEND_RESULT, &message);
	want(a->sender, 1);
}

/* The same for all pending addresses, and nothing was said to a relay. */
static void say_outcome(struct attempt *a, enum ch_outcome outcome,
			const char *text)
{
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_send_result message = begin_results(a, &arena);

	for (size_t i = 0; i < a->len; i++)
		message.results[i] = (struct ch_send_address_result){
			.seq = a->seqs[i],
			.outcome = outcome,
			.status = CH_SLICE_EMPTY,
			.reply = ch_slice_of(text),
		};
	say(a->sender, CH_MSG_SEND_RESULT, &message);
	want(a->sender, 1);
}

/* Compose it. False where it cannot be sent: that has been said. */
static bool compose(struct attempt *a)
{
	const struct ch_send_letter *letter = a->letter;
	struct ch_slice message;
	struct ch_error err;

	if (ch_batches_compose(a->sender->batches, letter, &message, &a->sha256,
			       &err) < 0) {
		say_outcome(a, err.fate == CH_RETRY ? CH_OUTCOME_UNTRIED
						    : CH_OUTCOME_HELD,
			    err.text);
		return false;
	}
	if (letter->sha256.len > 0 &&
	    (letter->sha256.len != CH_SHA256_SIZE ||
	     memcmp(letter->sha256.data, a->sha256.bytes, CH_SHA256_SIZE))) {
		say_outcome(a, CH_OUTCOME_HELD,
			    "its bytes are no longer those of an earlier "
			    "attempt");
		return false;
	}
	a->smtp.message = message.data;
	a->smtp.message_len = message.len;
	return true;
}

static bool all_untried(const struct attempt *a)
{
	for (size_t i = 0; i < a->len; i++) {
		if (a->results[i].outcome != CH_SMTP_UNTRIED)
			return false;
	}
	return true;
}

/* Connect and send; a connection that had carried letters and fails before
 * anything was said of this one is tried anew once. Says what became of it. */
static void transmit(struct attempt *a)
{
	struct sender *s = a->sender;
	enum ch_relay_fault fault;
	unsigned int code;
	struct ch_error err;
	bool worn;

	do {
		if (ch_relay_connect(&s->relay, &fault, &code, &err) < 0) {
			say_fault(s, fault, code, err.text);
			return;
		}
		worn = s->relay.carried++ > 0; /* it may have ended since */
		ch_crash_point("send-connected");
		if (ch_smtp_send(s->relay.smtp, &a->smtp, a->results,
				 &err) == 0) {
			say_results(a);
			return;
		}
		fault = ch_smtp_wants_login(s->relay.smtp) ? CH_FAULT_AUTH
							   : CH_FAULT_CONNECT;
		ch_relay_close(&s->relay);
	} while (worn && !s->broken && !s->answered && all_untried(a));
	say_results(a);
	say_fault(s, fault, 0, err.text);
}

static void send_letter(struct sender *s, struct ch_slice payload)
{
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_send_letter letter;
	struct attempt a = { .sender = s, .letter = &letter };
	CH_AUTOCHAR from = NULL;
	CH_AUTOCHAR envelope_id = NULL;
	struct ch_error err;

	if (ch_message_get(CH_MSG_SEND_LETTER, payload, &letter, &arena,
			   &err) < 0) {
		complain(s, "letter", &err);
		return;
	}
	choose_addresses(&a);
	from = ch_slice_dup(letter.envelope_from);
	envelope_id = ch_slice_dup(letter.envelope_id);
	a.smtp = (struct ch_smtp_letter){
		.envelope_from = from,
		.envelope_id = envelope_id[0] ? envelope_id : NULL,
		.to = (const char *const *)a.to,
		.to_len = a.len,
		.before_dot = before_dot,
		.context = &a,
	};
	s->letter_id = letter.letter_id;
	s->attempt = letter.attempt;
	s->answered = false;
	if (a.len == 0) {
		ch_error_set(&err, CH_GIVE_UP, "nobody to send it to");
		complain(s, "letter", &err);
	} else if (compose(&a)) {
		transmit(&a);
	}
	s->letter_id = 0;
	attempt_release(&a);
}

static void next_letter(struct sender *s)
{
	struct ch_str letter = s->waiting[s->first];

	s->waiting[s->first] = (struct ch_str){ 0 };
	s->first = (s->first + 1) % WAITING_MAX;
	s->count--;
	send_letter(s, (struct ch_slice){ ch_str_cstr(&letter), letter.len });
	ch_str_release(&letter);
	/* Now, and not with the next message: what is known of a letter is
	 * lost if the next one kills us. */
	flush(s);
}

/* ---- all of it ---------------------------------------------------------- */

static void serve(struct sender *s)
{
	while (!s->broken && !s->stopping) {
		if (s->count > 0) {
			next_letter(s);
			ch_crash_point("send-after-result");
		} else if (!listen_once(s, s->relay.smtp
						  ? s->relay.idle_timeout_ms
						  : -1)) {
			ch_relay_close(&s->relay);
		}
	}
}

int main(void)
{
	struct sender s = { 0 };
	struct ch_error err;

	if (ch_worker_enter(CH_WORKER_SEND, &s.channel, &err) < 0) {
		fprintf(stderr, "chancery-send: %s\n", err.text);
		return EX_USAGE;
	}
	serve(&s);
	flush(&s);
	forget_waiting(&s);
	ch_relay_release(&s.relay);
	ch_batches_free(s.batches);
	ch_channel_release(&s.channel);
	return s.broken && !s.channel.ended ? EX_PROTOCOL : EX_OK;
}
