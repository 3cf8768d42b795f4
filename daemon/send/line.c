// SPDX-License-Identifier: GPL-3.0-or-later
/* line.c - see line.h. */
#include "send/line.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/fiber.h"
#include "base/mem.h"

#define NOTES_MAX (32 * 1024) /* of what was said about one letter */
#define STACK_BYTES (1024 * 1024) /* of addresses; what is used is memory */
/* A message's memory is kept for the next one up to that size. */
#define MESSAGE_KEPT (256 * 1024)

/* ---- waiting ------------------------------------------------------------ */

static int pause_for(struct ch_clerk *clerk, const bool *flag,
		     struct pollfd *fds, nfds_t count, int timeout_ms)
{
	clerk->pause = (struct ch_pause){
		.flag = flag,
		.fds = fds,
		.count = count,
		.until_ms = timeout_ms < 0 ? -1
					   : ch_clock_mono_ms() + timeout_ms,
	};
	ch_fiber_yield();
	return clerk->pause.result;
}

/* What a connection waits with: poll(), while the other fibers go on. */
static int wait_for(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	struct ch_fiber *fiber = ch_fiber_current();

	if (!fiber)
		return poll(fds, count, timeout_ms);
	return pause_for(ch_fiber_context(fiber), NULL, fds, count,
			 timeout_ms);
}

static bool is_over(const struct ch_pause *pause)
{
	return pause->over || (pause->flag && *pause->flag);
}

/* ---- one letter --------------------------------------------------------- */

struct attempt {
	struct ch_clerk *clerk;
	const struct ch_send_letter *letter;
	struct ch_smtp_letter smtp;
	struct ch_sha256 sha256;
	uint64_t size_bytes;
	struct ch_signatures signatures;
	struct ch_loaded *batch; /* borrowed until done */
	uint32_t *seqs;  /* owned; of the pending addresses, as in smtp.to */
	char **to;       /* owned, and each */
	struct ch_smtp_result *results; /* owned; the journal's behind them */
	size_t len;
};

static void wait_turn(void *context, const bool *turn)
{
	const struct attempt *a = context;

	while (!*turn)
		pause_for(a->clerk, turn, NULL, 0, -1);
}

static void say(const struct ch_line *line, enum ch_message_type type,
		const void *message)
{
	ch_sender_calls.say(line->sender, type, message);
}

static void want(const struct ch_line *line, uint32_t letters)
{
	struct ch_send_ready ready = { line->number, letters };

	say(line, CH_MSG_SEND_READY, &ready);
}

static struct ch_clerk *other_clerk(const struct ch_clerk *clerk)
{
	struct ch_clerk *clerks = clerk->line->clerks;

	return &clerks[clerk == &clerks[0]];
}

static void attempt_release(struct attempt *a)
{
	for (size_t i = 0; i < a->len; i++)
		free(a->to[i]);
	ch_smtp_results_release(a->results, a->len + 1);
	ch_batches_done(a->batch);
	ch_signatures_release(&a->signatures);
	free(a->results);
	free(a->to);
	free(a->seqs);
}

static void choose_addresses(struct attempt *a)
{
	const struct ch_send_letter *letter = a->letter;

	a->seqs = ch_xcalloc(letter->addresses_len, sizeof(*a->seqs));
	a->to = ch_xcalloc(letter->addresses_len, sizeof(*a->to));
	a->results =
		ch_xcalloc(letter->addresses_len + 1, sizeof(*a->results));
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
	struct ch_clerk *clerk = a->clerk;
	struct ch_line *line = clerk->line;
	CH_AUTO(ch_arena) arena = { 0 };
	uint32_t *seqs = ch_arena_alloc(&arena, len * sizeof(*seqs));
	struct ch_send_dot dot = {
		.line = line->number,
		.letter_id = a->letter->letter_id,
		.attempt = a->letter->attempt,
		.sha256 = a->sha256,
		.size_bytes = a->size_bytes,
		.seqs = seqs,
		.seqs_len = (uint32_t)len,
		.signature = { ch_str_cstr(&a->signatures.smime),
			       a->signatures.smime.len },
		.dkim = { ch_str_cstr(&a->signatures.dkim),
			  a->signatures.dkim.len },
		.notes = { ch_str_cstr(&clerk->notes), clerk->notes.len },
	};

	for (size_t i = 0; i < len; i++)
		seqs[i] = a->seqs[accepted[i]];
	ch_crash_point("send-before-asking");
	clerk->asked = true;
	say(line, CH_MSG_SEND_DOT, &dot);
	pause_for(clerk, &clerk->answered, NULL, 0,
		  line->relay.options.attempt_timeout_ms);
	if (!clerk->answered)
		ch_sender_calls.broken(line->sender, "chanceryd",
				       "does not answer");
	ch_crash_point("send-before-dot");
	return clerk->go;
}

/* Whether that fiber's letter may be opened behind the dot of the other one's,
 * over the same connection: one that is to begin a new one ends this. */
static bool may_overlap(const struct ch_clerk *clerk)
{
	const struct ch_line *line = clerk->line;

	return !clerk->given->letter.anew && line->relay.smtp &&
	       ch_smtp_takes_next(line->relay.smtp) &&
	       line->relay.carried < line->relay.letters_per_connection;
}

/* The dot may leave: with the opening of the next letter, if there is one. */
static void at_dot(void *context)
{
	const struct attempt *a = context;
	struct ch_clerk *next = other_clerk(a->clerk);

	if (!next->composed)
		return;
	next->may_start = true; /* it sees for itself whether it may */
	ch_fiber_resume(next->fiber);
}

/* Room for the results in `arena`; the caller fills them in. */
static struct ch_send_result begin_results(const struct attempt *a,
					   struct ch_arena *arena)
{
	struct ch_send_result message = {
		.line = a->clerk->line->number,
		.letter_id = a->letter->letter_id,
		.attempt = a->letter->attempt,
		.results =
		    ch_arena_alloc(arena, a->len * sizeof(*message.results)),
		.results_len = (uint32_t)a->len,
	};

	return message;
}

/* What the relay made of our own copy, where the letter itself was sent. */
static void add_journal(const struct attempt *a, struct ch_send_result *message)
{
	const struct ch_smtp_result *journal = &a->results[a->len];
	bool sent = false;

	for (size_t i = 0; i < a->len; i++)
		sent |= a->results[i].outcome == CH_SMTP_SENT;
	if (!sent)
		return;
	message->journal = journal->outcome == CH_SMTP_SENT
				   ? CH_JOURNAL_TAKEN
				   : CH_JOURNAL_REFUSED;
	message->journal_code = journal->reply.code;
	if (message->journal == CH_JOURNAL_REFUSED)
		message->journal_reply = (struct ch_slice){
			ch_str_cstr(&journal->reply.text),
			journal->reply.text.len
		};
}

static void say_results(struct attempt *a)
{
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_send_result message = begin_results(a, &arena);

	if (a->smtp.journal)
		add_journal(a, &message);
	for (size_t i = 0; i < a->len; i++)
		message.results[i] =
			ch_relay_result(&a->results[i], a->seqs[i]);
	/* Where there was a dot, its question had them. */
	if (!a->clerk->go)
		message.notes = (struct ch_slice){
			ch_str_cstr(&a->clerk->notes), a->clerk->notes.len
		};
	ch_crash_point("send-before-result");
	say(a->clerk->line, CH_MSG_SEND_RESULT, &message);
	want(a->clerk->line, 1);
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
	say(a->clerk->line, CH_MSG_SEND_RESULT, &message);
	want(a->clerk->line, 1);
}

/* Compose it. False where it cannot be sent: that has been said. */
static bool compose(struct attempt *a)
{
	const struct ch_send_letter *letter = a->letter;
	struct ch_composed *message = &a->clerk->message;
	struct ch_error err;

	if (ch_batches_compose(ch_sender_batches(a->clerk->line->sender),
			       letter, message, &a->batch, &a->sha256,
			       &a->signatures, &err) < 0) {
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
	a->smtp.message = message->pieces;
	a->smtp.message_len = message->pieces_len;
	a->size_bytes = message->size_bytes;
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

/* ---- the line is one letter's ------------------------------------------- */

/* Until the other letter is done, or its dot may leave with our opening. */
static void wait_for_line(struct ch_clerk *clerk)
{
	const struct ch_clerk *other = other_clerk(clerk);

	while (!clerk->dropped && other->sending && !may_overlap(clerk)) {
		clerk->composed = true;
		clerk->may_start = false;
		pause_for(clerk, &clerk->may_start, NULL, 0, -1);
	}
	clerk->composed = false;
	clerk->sending = true;
}

static void leave_line(struct ch_clerk *clerk)
{
	clerk->sending = false;
	other_clerk(clerk)->may_start = true;
}

static void forget_waiting(struct ch_line *line)
{
	for (; line->count > 0; line->count--) {
		ch_given_free(line->waiting[line->first]);
		line->first = (line->first + 1) % CH_LINE_WAITING;
	}
}

/* Its letter goes back to chanceryd's queue: let it leave the connection, and
 * say nothing. It cannot be at its dot. */
static void drop(struct ch_clerk *clerk)
{
	clerk->dropped = true;
	clerk->may_start = true;
	while (clerk->busy)
		ch_fiber_resume(clerk->fiber);
}

static void drop_other(const struct ch_clerk *clerk)
{
	struct ch_clerk *other = other_clerk(clerk);

	if (other->busy)
		drop(other);
}

static void say_fault(struct ch_clerk *clerk, enum ch_relay_fault fault,
		      unsigned int code, const char *text)
{
	struct ch_line *line = clerk->line;
	struct ch_send_fault message = {
		.line = line->number,
		.fault = fault,
		.code = code,
		.password_number = line->relay.password_number,
		.text = ch_slice_of(text),
	};

	drop_other(clerk);
	ch_relay_close(&line->relay);
	forget_waiting(line);
	line->faults++;
	say(line, CH_MSG_SEND_FAULT, &message);
	want(line, CH_LINE_AHEAD);
}

static void say_connected(const struct ch_line *line)
{
	const struct ch_send_connected message = {
		line->number, ch_smtp_opening(line->relay.smtp)
	};

	say(line, CH_MSG_SEND_CONNECTED, &message);
}

/* Connect and send; a connection that had carried letters and fails at once,
 * before anything was said of this one, is tried anew once: most likely it had
 * ended since. Says what became of it. */
static void transmit(struct attempt *a)
{
	struct ch_clerk *clerk = a->clerk;
	struct ch_relay *relay = &clerk->line->relay;
	enum ch_relay_fault fault;
	unsigned int code;
	int64_t begun_ms;
	struct ch_error err;
	bool worn;
	int sent;

	if (a->letter->anew)
		ch_relay_close(relay);
	do {
		if (ch_relay_connect(relay, &fault, &code, &err) < 0) {
			say_fault(clerk, fault, code, err.text);
			return;
		}
		if (relay->carried == 0)
			say_connected(clerk->line);
		ch_str_clear(&clerk->notes);
		worn = relay->carried++ > 0; /* it may have ended since */
		begun_ms = ch_clock_mono_ms();
		ch_crash_point("send-connected");
		sent = ch_smtp_send(relay->smtp, &a->smtp, a->results, &err);
		if (clerk->dropped)
			return; /* the other one closes the connection */
		if (sent == 0) {
			say_results(a);
			return;
		}
		fault = ch_smtp_wants_login(relay->smtp) ? CH_FAULT_AUTH
							 : CH_FAULT_CONNECT;
		if (worn && !clerk->asked && all_untried(a) &&
		    ch_clock_mono_ms() - begun_ms <
			    relay->options.command_timeout_ms)
			ch_relay_close(relay);
		else
			break;
	} while (true);
	say_results(a);
	say_fault(clerk, fault, 0, err.text);
}

static void send_letter(struct ch_clerk *clerk)
{
	static const struct ch_smtp_calls calls = { before_dot, at_dot,
						    wait_turn };
	const struct ch_send_letter *letter = &clerk->given->letter;
	struct attempt a = { .clerk = clerk, .letter = letter,
			     .signatures = CH_SIGNATURES_INIT };
	CH_AUTOCHAR from = NULL;
	CH_AUTOCHAR envelope_id = NULL;
	CH_AUTOCHAR journal = NULL;

	choose_addresses(&a);
	from = ch_slice_dup(letter->envelope_from);
	envelope_id = ch_slice_dup(letter->envelope_id);
	if (letter->journal.len > 0)
		journal = ch_slice_dup(letter->journal);
	a.smtp = (struct ch_smtp_letter){
		.envelope_from = from,
		.envelope_id = envelope_id[0] ? envelope_id : NULL,
		.to = (const char *const *)a.to,
		.to_len = a.len,
		.journal = journal,
		.calls = &calls,
		.context = &a,
		.notes = &clerk->notes,
	};
	clerk->asked = clerk->answered = clerk->go = false;
	if (a.len == 0) {
		ch_sender_calls.broken(clerk->line->sender, "letter",
				       "nobody to send it to");
	} else if (compose(&a)) {
		wait_for_line(clerk);
		if (!clerk->dropped)
			transmit(&a);
		leave_line(clerk);
	}
	attempt_release(&a);
}

/* ---- a fiber ------------------------------------------------------------ */

static void work(void *context)
{
	struct ch_clerk *clerk = context;

	for (;;) {
		if (clerk->hang_up)
			ch_relay_close(&clerk->line->relay);
		else
			send_letter(clerk);
		ch_given_free(CH_TAKE(clerk->given));
		if (clerk->message.own.cap > MESSAGE_KEPT) {
			ch_composed_release(&clerk->message);
			ch_composed_init(&clerk->message, CH_MESSAGE_MAX);
		}
		clerk->busy = false;
		clerk->hang_up = false;
		clerk->dropped = false;
		ch_fiber_yield();
	}
}

static void begin(struct ch_clerk *clerk)
{
	clerk->busy = true;
	clerk->line->idle_since_ms = 0;
	ch_fiber_resume(clerk->fiber);
}

/* ---- the line ----------------------------------------------------------- */

void ch_line_init(struct ch_line *line, struct ch_sender *sender,
		  uint32_t number, const struct ch_send_setup *setup)
{
	*line = (struct ch_line){ .sender = sender, .number = number };
	ch_relay_init(&line->relay, setup);
	line->relay.options.target.wait = wait_for;
	line->relay.options.target.shared = ch_sender_shared(sender);
	for (size_t i = 0; i < CH_LINE_CLERKS; i++) {
		struct ch_clerk *clerk = &line->clerks[i];

		clerk->line = line;
		clerk->fiber = ch_fiber_new(work, clerk, STACK_BYTES);
		ch_composed_init(&clerk->message, CH_MESSAGE_MAX);
		ch_str_init(&clerk->notes, NOTES_MAX);
	}
	want(line, CH_LINE_AHEAD);
}

void ch_line_release(struct ch_line *line)
{
	forget_waiting(line);
	for (size_t i = 0; i < CH_LINE_CLERKS; i++) {
		struct ch_clerk *clerk = &line->clerks[i];

		ch_fiber_free(clerk->fiber);
		ch_given_free(clerk->given);
		ch_composed_release(&clerk->message);
		ch_str_release(&clerk->notes);
	}
	ch_relay_release(&line->relay);
}

int ch_given_new(struct ch_slice payload, struct ch_given **ret,
		 struct ch_error *err)
{
	CH_AUTOPTR(ch_given) given = ch_xzalloc(sizeof(*given));

	ch_str_init(&given->payload, CH_FRAME_MAX);
	ch_str_add_mem(&given->payload, payload.data, payload.len);
	payload.data = ch_str_cstr(&given->payload);
	if (ch_message_get(CH_MSG_SEND_LETTER, payload, &given->letter,
			   &given->arena, err) < 0)
		return -1;
	*ret = CH_TAKE(given);
	return 0;
}

void ch_given_free(struct ch_given *given)
{
	if (!given)
		return;
	ch_str_release(&given->payload);
	ch_arena_release(&given->arena);
	free(given);
}

int ch_line_add(struct ch_line *line, struct ch_given *given,
		struct ch_error *err)
{
	if (given->letter.faults != line->faults) {
		ch_given_free(given);
		return 0;
	}
	if (line->count == CH_LINE_WAITING) {
		ch_given_free(given);
		return ch_error_set(err, CH_GIVE_UP,
				    "more letters than were asked for");
	}
	if (line->anew) {
		given->letter.anew = 1;
		line->anew = false;
	}
	line->waiting[(line->first + line->count) % CH_LINE_WAITING] = given;
	line->count++;
	return 0;
}

/* ---- given back --------------------------------------------------------- */

static bool is_named(const struct ch_send_letter *letter,
		     const struct ch_send_recall *recall)
{
	return letter->letter_id == recall->letter_id &&
	       letter->attempt == recall->attempt;
}

/* What followed on it at this connection begins the new one in its place. */
static void hand_on(struct ch_line *line, const struct ch_given *given,
		    size_t next)
{
	struct ch_given *heir = NULL;

	if (!given->letter.anew)
		return;
	if (next < line->count)
		heir = line->waiting[(line->first + next) % CH_LINE_WAITING];
	if (heir)
		heir->letter.anew = 1;
	else
		line->anew = true;
}

static bool take_from_waiting(struct ch_line *line,
			      const struct ch_send_recall *recall)
{
	struct ch_given *found = NULL;

	for (size_t i = 0; i < line->count; i++) {
		size_t at = (line->first + i) % CH_LINE_WAITING;

		if (found) {
			line->waiting[(at + CH_LINE_WAITING - 1) %
				      CH_LINE_WAITING] = line->waiting[at];
		} else if (is_named(&line->waiting[at]->letter, recall)) {
			found = line->waiting[at];
			hand_on(line, found, i + 1);
		}
	}
	if (!found)
		return false;
	line->count--;
	ch_given_free(found);
	return true;
}

/* It is composed, and the line is the other one's. */
static bool take_from_clerk(struct ch_line *line,
			    const struct ch_send_recall *recall)
{
	for (size_t i = 0; i < CH_LINE_CLERKS; i++) {
		struct ch_clerk *clerk = &line->clerks[i];

		if (!clerk->composed || !is_named(&clerk->given->letter, recall))
			continue;
		hand_on(line, clerk->given, 0);
		drop(clerk);
		return true;
	}
	return false;
}

void ch_line_recall(struct ch_line *line, const struct ch_send_recall *recall)
{
	if (!take_from_waiting(line, recall) && !take_from_clerk(line, recall))
		return;
	say(line, CH_MSG_SEND_RECALLED, recall);
	want(line, 1);
}

/* ---- what goes on ------------------------------------------------------- */

int ch_line_answer(struct ch_line *line, const struct ch_send_go *go,
		   struct ch_error *err)
{
	for (size_t i = 0; i < CH_LINE_CLERKS; i++) {
		struct ch_clerk *clerk = &line->clerks[i];

		if (!clerk->asked || clerk->answered ||
		    go->letter_id != clerk->given->letter.letter_id ||
		    go->attempt != clerk->given->letter.attempt)
			continue;
		clerk->answered = true;
		clerk->go = go->go != 0;
		return 0;
	}
	return ch_error_set(err, CH_GIVE_UP,
			    "a go that answers no question");
}

bool ch_line_run(struct ch_line *line)
{
	bool any = false;

	for (size_t i = 0; i < CH_LINE_CLERKS; i++) {
		struct ch_clerk *clerk = &line->clerks[i];

		if (!clerk->busy || !is_over(&clerk->pause))
			continue;
		ch_fiber_resume(clerk->fiber);
		any = true;
	}
	return any;
}

bool ch_line_is_idle(const struct ch_line *line)
{
	for (size_t i = 0; i < CH_LINE_CLERKS; i++) {
		if (line->clerks[i].busy)
			return false;
	}
	return line->count == 0;
}

static struct ch_clerk *free_clerk(struct ch_line *line)
{
	for (size_t i = 0; i < CH_LINE_CLERKS; i++) {
		if (!line->clerks[i].busy)
			return &line->clerks[i];
	}
	return NULL;
}

/* By a fiber, since it waits for the relay's "221". */
static void hang_up(struct ch_line *line)
{
	struct ch_clerk *clerk = &line->clerks[0];

	clerk->hang_up = true;
	begin(clerk);
}

static bool has_room(const struct ch_line *line)
{
	return ch_batches_have_room(
		ch_sender_batches(line->sender),
		line->waiting[line->first]->letter.batch_id);
}

bool ch_line_begin(struct ch_line *line, bool may)
{
	struct ch_clerk *clerk;

	while (may && line->count > 0 && (clerk = free_clerk(line)) &&
	       !other_clerk(clerk)->hang_up) {
		if (!has_room(line))
			return false;
		clerk->given = line->waiting[line->first];
		line->first = (line->first + 1) % CH_LINE_WAITING;
		line->count--;
		begin(clerk);
	}
	if (!ch_line_is_idle(line))
		return true;
	if (line->idle_since_ms == 0)
		line->idle_since_ms = ch_clock_mono_ms();
	else if (line->relay.smtp &&
		 ch_clock_mono_ms() - line->idle_since_ms >=
			 line->relay.idle_timeout_ms)
		hang_up(line);
	return true;
}

void ch_line_stop(struct ch_line *line)
{
	forget_waiting(line);
	for (size_t i = 0; i < CH_LINE_CLERKS; i++) {
		struct ch_clerk *clerk = &line->clerks[i];

		if (clerk->composed)
			drop(clerk);
	}
	if (ch_line_is_idle(line) && line->relay.smtp)
		hang_up(line);
}

/* ---- for poll() --------------------------------------------------------- */

static bool waits_for_descriptors(const struct ch_clerk *clerk)
{
	return clerk->busy && clerk->pause.count > 0 && !clerk->pause.over;
}

static void earlier(int64_t *until_ms, int64_t at_ms)
{
	if (at_ms >= 0 && (*until_ms < 0 || at_ms < *until_ms))
		*until_ms = at_ms;
}

void ch_line_watch(struct ch_line *line, struct pollfd *fds, nfds_t *count,
		   int64_t *until_ms)
{
	for (size_t i = 0; i < CH_LINE_CLERKS; i++) {
		const struct ch_clerk *clerk = &line->clerks[i];
		const struct ch_pause *pause = &clerk->pause;

		if (!clerk->busy)
			continue;
		earlier(until_ms, is_over(pause) ? 0 : pause->until_ms);
		if (!waits_for_descriptors(clerk))
			continue;
		assert(pause->count <= CH_LINE_WATCHES / CH_LINE_CLERKS);
		memcpy(fds + *count, pause->fds, pause->count * sizeof(*fds));
		*count += pause->count;
	}
	if (line->relay.smtp && ch_line_is_idle(line))
		earlier(until_ms, line->idle_since_ms +
					  line->relay.idle_timeout_ms);
}

void ch_line_watched(struct ch_line *line, const struct pollfd *fds,
		     nfds_t *at, int64_t now_ms)
{
	for (size_t i = 0; i < CH_LINE_CLERKS; i++) {
		struct ch_clerk *clerk = &line->clerks[i];
		struct ch_pause *pause = &clerk->pause;

		if (!clerk->busy)
			continue;
		if (waits_for_descriptors(clerk)) {
			memcpy(pause->fds, fds + *at,
			       pause->count * sizeof(*fds));
			for (nfds_t j = 0; j < pause->count; j++)
				pause->result += pause->fds[j].revents != 0;
			*at += pause->count;
		}
		pause->over = pause->result > 0 ||
			      (pause->until_ms >= 0 &&
			       now_ms >= pause->until_ms);
	}
}
