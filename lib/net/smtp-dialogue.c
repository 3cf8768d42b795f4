// SPDX-License-Identifier: GPL-3.0-or-later
/* smtp-dialogue.c - the socket that libesmtp takes for a relay.
 *
 * libesmtp 1.1 connects, waits and reads on its own, without a deadline for an
 * attempt, and goes on where it should stop. A symbol of the program wins over
 * libc's for a shared library: socket(), connect(), poll(), read() and write()
 * are defined here, and for the one descriptor that libesmtp "connected" they are
 * this dialogue. It is greeted from memory, its commands are read and passed
 * on over our own connection, and each reply is judged before it sees a copy. The
 * message does not pass through it: it is given a stand-in, and where that ends
 * the message itself is sent. For every other descriptor they are the system
 * calls.
 *
 * Two variables are not a transaction's own: which one libesmtp is connecting
 * for, and which one each of its descriptors belongs to. A process that sends
 * has one thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <libesmtp.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "net/smtp-private.h"

#define PIECE (64 * 1024) /* of a message, between two looks at the clock */
#define WITH_DOT (16 * 1024) /* as much of its end may leave with the dot */
#define HELD_BACK 1024       /* of a message in two chunks */
#define CHUNK_LINE_MAX 40
#define LONG_SILENCE 4 /* that part of the time for a command */

#define FDS_MAX 1024

static struct ch_smtp_transaction *connecting;
static struct ch_smtp_transaction *spoken[FDS_MAX]; /* by descriptor */

static struct ch_smtp_transaction *spoken_on(int fd)
{
	return fd >= 0 && fd < FDS_MAX ? spoken[fd] : NULL;
}

/* ---- ending it ---------------------------------------------------------- */

static void cut(struct ch_smtp_transaction *t, const struct ch_error *why)
{
	if (t->phase == CH_PHASE_CUT)
		return;
	t->phase = CH_PHASE_CUT;
	t->smtp->cut = true;
	t->why = *why;
}

static void cut_with(struct ch_smtp_transaction *t, const char *why)
{
	struct ch_error err;

	ch_error_set(&err, CH_RETRY, "%s", why);
	cut(t, &err);
}

/* The shorter of a step's own time and what is left of the attempt. */
static int time_left(const struct ch_smtp_transaction *t, int timeout_ms)
{
	int64_t left = t->deadline_ms - ch_clock_mono_ms();

	if (left < 0)
		left = 0;
	return left < timeout_ms ? (int)left : timeout_ms;
}

/* The reply is none that an opening gets. If ours left behind another letter's
 * dot, that one's reply may have been swallowed, and ours taken for it. */
static void cut_misfit(struct ch_smtp_transaction *t, const char *why)
{
	t->misfit = true;
	cut_with(t, why);
}

/* ---- replies ------------------------------------------------------------ */

static struct ch_smtp_reply *slot_of(struct ch_smtp_transaction *t,
				     enum ch_smtp_step step)
{
	switch (step) {
	case CH_STEP_MAIL:
		return &t->mail;
	case CH_STEP_RCPT:
		return &t->rcpt[t->rcpt_done];
	case CH_STEP_DATA:
		return &t->data;
	default:
		return &t->dot;
	}
}

static void judge_mail(struct ch_smtp_transaction *t)
{
	unsigned int code = t->mail.code;

	if (code == 530 || code == 535 || code == 538) {
		t->wants_login = true;
		t->smtp->wants_login = true;
		cut_with(t, "the relay wants a login before it takes mail");
	} else if (code / 100 == 3) {
		cut_misfit(t, "the relay answered 3yz to MAIL");
	}
}

static void judge_rcpt(struct ch_smtp_transaction *t)
{
	size_t at = t->rcpt_done++;
	unsigned int code = t->rcpt[at].code;

	if (code / 100 == 3) {
		cut_misfit(t, "the relay answered 3yz to RCPT");
	} else if (code / 100 == 2 && t->mail.code / 100 != 2) {
		/* No relay does; but to MAIL it may: ours, that came late. */
		cut_misfit(t, "the relay took an address of a letter that it "
			      "had refused");
	} else if (code / 100 == 2 && at < t->letter->to_len) {
		t->accepted[t->accepted_len++] = at; /* the journal's is none */
	}
}

static void judge_data(struct ch_smtp_transaction *t)
{
	if (t->data.code == 354)
		t->phase = CH_PHASE_MESSAGE;
	else if (t->data.code < 400)
		cut_misfit(t, "the relay's answer to DATA is neither 354 nor "
			      "a refusal");
}

static void judge(struct ch_smtp_transaction *t, enum ch_smtp_step step,
		  unsigned int code)
{
	switch (step) {
	case CH_STEP_MAIL:
		judge_mail(t);
		break;
	case CH_STEP_RCPT:
		judge_rcpt(t);
		break;
	case CH_STEP_DATA:
		judge_data(t);
		break;
	default:
		t->phase = CH_PHASE_COMMANDS;
		if (code / 100 == 3)
			cut_with(t, "the relay answered 3yz to the final dot");
		break;
	}
	/* RFC 5321 section 3.8: 421 comes before the relay closes. */
	if (code == 421)
		cut_with(t, "the relay is closing the connection (421)");
}

/* The replies to the letter before come first. Its time begins when they are
 * read. */
static int wait_turn(struct ch_smtp_transaction *t)
{
	if (!t->turn) {
		t->letter->calls->wait_turn(t->letter->context, &t->turn);
		t->deadline_ms = ch_clock_mono_ms() +
				 t->smtp->options->attempt_timeout_ms;
	}
	if (!t->orphaned)
		return 0;
	cut_with(t, "the connection ended with the letter before");
	return -1;
}

/* Whether the relay has said something that nobody asked for yet. */
static bool something_came(struct ch_smtp_transaction *t)
{
	struct ch_error err;

	return t->smtp->raw.len > 0 ||
	       ch_connection_poll(t->smtp->conn, 0, &err) != 0;
}

void ch_smtp_dialogue_confirm(struct ch_smtp_transaction *t)
{
	struct ch_smtp_transaction *before = CH_TAKE(t->before);

	if (!before)
		return;
	before->miscounted = t->misfit;
	before->opening_is_answered = true;
	t->letter->calls->wait_turn(t->letter->context, &t->before_is_judged);
}

/* libesmtp has said DATA, of which the relay hears nothing: the opening ends
 * here. Without anybody to send it to there is no message. */
static int begin_unsaid(struct ch_smtp_transaction *t)
{
	/* Where no 354 says that the count is right, one too many does not. */
	if (something_came(t)) {
		cut_misfit(t, "the relay said more than it was asked");
		return -1;
	}
	if (t->accepted_len > 0)
		t->phase = CH_PHASE_MESSAGE;
	ch_str_add(&t->for_library,
		   t->accepted_len > 0 ? "354 ok\r\n" : "554 nobody\r\n");
	ch_smtp_dialogue_confirm(t);
	return 0;
}

/* Where the message goes out in chunks. */
static int begin_chunks(struct ch_smtp_transaction *t)
{
	if (wait_turn(t) < 0)
		return -1;
	t->steps_done++;
	return begin_unsaid(t);
}

/* DATA's, or where that is not said the last address's. */
static bool is_last_of_opening(const struct ch_smtp_transaction *t)
{
	size_t left = t->steps_len - t->steps_done;

	return left == 1 ||
	       (left == 2 && (t->steps[t->steps_done + 1] == CH_STEP_CHUNKS ||
			      t->steps[t->steps_done + 1] == CH_STEP_HELD));
}

/* The relay ends the connection where it owes the last reply of an opening.
 * It does so at once, or it waited for us and believes that it owes none. */
static bool has_waited(const struct ch_smtp_transaction *t, int64_t since_ms)
{
	return is_last_of_opening(t) &&
	       ch_clock_mono_ms() - since_ms >=
		       t->smtp->options->command_timeout_ms / LONG_SILENCE;
}

static int read_reply(struct ch_smtp_transaction *t,
		      struct ch_smtp_reply *reply, int timeout_ms)
{
	int64_t since_ms = ch_clock_mono_ms();
	struct ch_error err;
	struct ch_error unused;

	if (ch_smtp_read_reply(t->smtp, timeout_ms, reply, &err) == 0) {
		ch_smtp_note_reply(t->letter->notes, reply);
		t->misfit = reply->code == 421 && has_waited(t, since_ms);
		return 0;
	}
	/* Where just one is missing, and the relay is still there, it may be
	 * the one to the dot before that never came. */
	t->misfit = err.fate == CH_RETRY && is_last_of_opening(t) &&
		    (has_waited(t, since_ms) ||
		     ch_connection_poll(t->smtp->conn, 0, &unused) == 0);
	cut(t, &err);
	return -1;
}

static int begin_held(struct ch_smtp_transaction *t); /* among commands */

/* Read the reply to the oldest command without one, and put a copy that
 * libesmtp cannot stumble over where it reads. */
static int next_reply(struct ch_smtp_transaction *t)
{
	enum ch_smtp_step step = t->steps[t->steps_done];
	struct ch_smtp_reply *reply = slot_of(t, step);
	const struct ch_smtp_options *options = t->smtp->options;

	if (step == CH_STEP_CHUNKS)
		return begin_chunks(t);
	if (step == CH_STEP_HELD)
		return begin_held(t);
	if (wait_turn(t) < 0 ||
	    read_reply(t, reply,
		       step == CH_STEP_DOT
			       ? options->dot_timeout_ms
			       : time_left(t, options->command_timeout_ms)) < 0)
		return -1;
	t->steps_done++;
	judge(t, step, reply->code);
	if (step == CH_STEP_MAIL && t->smtp->offer.pipelining)
		return 0; /* it has had its answer */
	ch_str_addf(&t->for_library, "%u ok\r\n", reply->code);
	if (step == CH_STEP_DATA && t->phase != CH_PHASE_CUT)
		ch_smtp_dialogue_confirm(t);
	return 0;
}

/* A command is out whose reply libesmtp may wait for. */
static bool reply_is_owed(const struct ch_smtp_transaction *t)
{
	size_t from = t->steps_done;

	if (from == 0 && t->smtp->offer.pipelining)
		from = 1; /* MAIL's: answered already */
	return from < t->steps_len;
}

static ssize_t dialogue_read(struct ch_smtp_transaction *t, void *out,
			     size_t size)
{
	size_t len;

	if (t->for_library.len == 0) {
		if (t->phase == CH_PHASE_CUT)
			return 0;
		if (!reply_is_owed(t)) {
			cut_with(t, "libesmtp waits for a reply to nothing");
			return 0;
		}
		while (t->for_library.len == 0) {
			if (next_reply(t) < 0 || t->phase == CH_PHASE_CUT)
				break;
		}
	}
	len = t->for_library.len < size ? t->for_library.len : size;
	memcpy(out, t->for_library.data, len);
	memmove(t->for_library.data, t->for_library.data + len,
		t->for_library.len - len);
	ch_str_truncate(&t->for_library, t->for_library.len - len);
	return (ssize_t)len;
}

/* ---- commands ----------------------------------------------------------- */

/* Write what is in `out`. What is begun while another letter's dot is still to
 * leave goes with that. */
static void flush(struct ch_smtp_transaction *t, int timeout_ms)
{
	struct ch_error err;

	if (t->smtp->out.len == 0 || t->phase == CH_PHASE_CUT)
		return;
	if (!t->turn && !t->smtp->first->dot_written)
		return;
	if (ch_connection_write(t->smtp->conn, t->smtp->out.data,
				t->smtp->out.len, time_left(t, timeout_ms),
				&err) < 0)
		cut(t, &err);
	ch_str_clear(&t->smtp->out);
}

static void expect(struct ch_smtp_transaction *t, enum ch_smtp_step step)
{
	if (t->steps_len == t->steps_cap) {
		cut_with(t, "libesmtp said more than a transaction has");
		return;
	}
	t->steps[t->steps_len++] = step;
}

/* The extensions that a transaction uses. Its own replies are made up: no
 * enhanced codes, which it compares, and none of what is done already. */
static void greet_library(struct ch_smtp_transaction *t)
{
	const struct ch_smtp *smtp = t->smtp;

	ch_str_add(&t->for_library, "250-relay\r\n");
	if (smtp->offer.pipelining)
		ch_str_add(&t->for_library, "250-PIPELINING\r\n");
	if (smtp->offer.dsn && smtp->options->dsn)
		ch_str_add(&t->for_library, "250-DSN\r\n");
	if (smtp->offer.size)
		ch_str_add(&t->for_library, "250-SIZE\r\n");
	ch_str_add(&t->for_library, "250 HELP\r\n");
}

static bool starts(const struct ch_str *line, const char *word)
{
	return strncmp(ch_str_cstr(line), word, strlen(word)) == 0;
}

static void pass_on(struct ch_smtp_transaction *t, enum ch_smtp_step step)
{
	ch_str_add_mem(&t->smtp->out, t->line.data, t->line.len);
	ch_smtp_note_command(t->letter->notes, t->line.data, t->line.len);
	expect(t, step);
}

/* Before the end of the line. */
static void add_words(struct ch_str *line, const char *words)
{
	ch_str_truncate(line, line->len - 2);
	ch_str_add(line, words);
	ch_str_add(line, "\r\n");
}

/* utf-8-addr-unitext (RFC 6533 section 3), the form for a server that offers
 * SMTPUTF8: "\", "+" and "=" as \x{HEX}. */
static void add_orcpt(struct ch_str *line, struct ch_slice address)
{
	CH_AUTO(ch_str) words = CH_STR_INIT(CH_SMTP_COMMAND_MAX);

	ch_str_add(&words, " ORCPT=utf-8;");
	for (size_t i = 0; i < address.len; i++) {
		if (strchr("\\+=", address.data[i]))
			ch_str_addf(&words, "\\x{%02X}",
				    (unsigned int)address.data[i]);
		else
			ch_str_add_mem(&words, &address.data[i], 1);
	}
	add_words(line, ch_str_cstr(&words));
}

/* What stands between "<" and ">" in the command. */
static struct ch_slice path_of(const struct ch_str *line)
{
	const char *at = strchr(ch_str_cstr(line), '<') + 1;

	return (struct ch_slice){ at, strcspn(at, ">") };
}

/* Whom the relay hears of next; NULL: nobody else. */
static const char *next_recipient(struct ch_smtp_transaction *t)
{
	size_t at = t->rcpt_said++;

	return at < t->letter->to_len	 ? t->letter->to[at]
	       : at == t->letter->to_len ? t->letter->journal
					 : NULL;
}

/* Replies have no names: the addresses go out in the letter's own order. */
static void pass_on_rcpt(struct ch_smtp_transaction *t)
{
	struct ch_slice address = path_of(&t->line);
	const char *expected = next_recipient(t);

	if (!expected || !ch_slice_eq(address, expected)) {
		cut_with(t, "libesmtp gave an address that is not the "
			    "letter's");
		return;
	}
	if (t->utf8 && t->smtp->offer.dsn && t->smtp->options->dsn &&
	    ch_slice_has_utf8(address)) {
		CH_AUTOCHAR copy = ch_slice_dup(address);

		add_orcpt(&t->line, ch_slice_of(copy));
	}
	pass_on(t, CH_STEP_RCPT);
}

/* libesmtp waits for MAIL's reply before it goes on. Where commands may be
 * pipelined it is told "250" at once, and MAIL leaves with what follows: one
 * journey less for each letter. What the relay says of it counts all the same.
 */
static void pass_on_mail(struct ch_smtp_transaction *t)
{
	if (!ch_slice_eq(path_of(&t->line), t->letter->envelope_from)) {
		cut_with(t, "libesmtp gave a sender that is not the letter's");
		return;
	}
	if (t->utf8)
		add_words(&t->line, " SMTPUTF8");
	pass_on(t, CH_STEP_MAIL);
	if (t->smtp->offer.pipelining)
		ch_str_add(&t->for_library, "250 ok\r\n");
}

static bool goes_in_chunks(const struct ch_smtp_transaction *t)
{
	return t->smtp->offer.chunking && t->smtp->options->chunking;
}

static void pass_on_data(struct ch_smtp_transaction *t)
{
	if (goes_in_chunks(t))
		expect(t, CH_STEP_CHUNKS);
	else if (t->letter->journal)
		expect(t, CH_STEP_HELD);
	else
		pass_on(t, CH_STEP_DATA);
}

/* libesmtp has said DATA. Where the letter has a journal the relay hears it
 * when it has taken one of the addresses: behind a 354 there is no way back but
 * the end of the connection, and no message goes to the journal alone. */
static int begin_held(struct ch_smtp_transaction *t)
{
	static const char data[] = "DATA\r\n";

	if (wait_turn(t) < 0)
		return -1;
	t->steps_done++;
	if (t->accepted_len > 0) {
		ch_str_add(&t->smtp->out, data);
		ch_smtp_note_command(t->letter->notes, data, strlen(data));
		expect(t, CH_STEP_DATA);
		flush(t, t->smtp->options->command_timeout_ms);
		return t->phase == CH_PHASE_CUT ? -1 : 0;
	}
	return begin_unsaid(t);
}

static bool only_mail_is_written(const struct ch_smtp_transaction *t)
{
	return t->smtp->offer.pipelining && t->steps_len == 1;
}

static void handle_command(struct ch_smtp_transaction *t)
{
	if (t->line.full)
		cut_with(t, "a command is too long");
	else if (starts(&t->line, "EHLO "))
		greet_library(t);
	else if (starts(&t->line, "MAIL FROM:<"))
		pass_on_mail(t);
	else if (starts(&t->line, "RCPT TO:<"))
		pass_on_rcpt(t);
	else if (starts(&t->line, "DATA\r\n"))
		pass_on_data(t);
	else if (starts(&t->line, "QUIT\r\n")) /* the connection stays */
		ch_str_add(&t->for_library, "221 ok\r\n");
	else
		cut_with(t, "libesmtp gave a command that is not ours");
}

static void write_commands(struct ch_smtp_transaction *t, const char *bytes,
			   size_t len)
{
	for (size_t i = 0; i < len && t->phase != CH_PHASE_CUT; i++) {
		ch_str_add_char(&t->line, bytes[i]);
		if (bytes[i] == '\n') {
			handle_command(t);
			ch_str_clear(&t->line);
		}
	}
	if (!only_mail_is_written(t))
		flush(t, t->smtp->options->command_timeout_ms);
}

/* ---- the message -------------------------------------------------------- */

/* The message was cut. A relay that spoke before the dot has refused it
 * half-way; anything but a refusal is no answer to a dot that it has not seen,
 * and is judged as that to DATA. */
static void look_for_refusal(struct ch_smtp_transaction *t)
{
	struct ch_error unused;

	if (t->data.code < 400 /* else the first chunk was refused */ &&
	    something_came(t))
		(void)ch_smtp_read_reply(t->smtp, time_left(t, 1000), &t->data,
					 &unused);
}

static void write_through(struct ch_smtp_transaction *t, const char *bytes,
			  size_t len)
{
	struct ch_error err;

	flush(t, t->smtp->options->data_timeout_ms);
	if (t->phase == CH_PHASE_CUT)
		return;
	if (ch_connection_write(t->smtp->conn, bytes, len,
				time_left(t, t->smtp->options->data_timeout_ms),
				&err) < 0)
		cut(t, &err);
	t->body_begun = true;
}

/* Bytes of the message as they go out: what is long straight from where it is,
 * in pieces, so that the attempt's deadline is looked at between them. */
static void send_bytes(struct ch_smtp_transaction *t, const char *at,
		       size_t len)
{
	while (len > PIECE && t->phase != CH_PHASE_CUT) {
		write_through(t, at, PIECE);
		at += PIECE;
		len -= PIECE;
	}
	if (t->smtp->out.len + len > PIECE) {
		flush(t, t->smtp->options->data_timeout_ms);
		t->body_begun = true;
	}
	ch_str_add_mem(&t->smtp->out, at, len);
}

/* One piece of the message, with "." before a line that starts with one
 * (RFC 5321 section 4.5.2). */
static void send_stuffed(struct ch_smtp_transaction *t, const char *at,
			 size_t len, bool at_line_start)
{
	if (at_line_start && len > 0 && at[0] == '.')
		send_bytes(t, ".", 1);
	while (len > 0 && t->phase != CH_PHASE_CUT) {
		const char *dot = memmem(at, len, "\n.", 2);
		size_t run = dot ? (size_t)(dot - at) + 1 : len;

		send_bytes(t, at, run);
		if (dot)
			send_bytes(t, ".", 1);
		at += run;
		len -= run;
		/* The dot itself must not be found again. */
		if (dot) {
			send_bytes(t, at, 1);
			at++;
			len--;
		}
	}
}

/* From `from` on, `len` bytes as they are. */
static void send_part(struct ch_smtp_transaction *t, size_t from, size_t len)
{
	const struct ch_smtp_letter *letter = t->letter;

	for (size_t i = 0; i < letter->message_len && len > 0; i++) {
		const char *at = letter->message[i].iov_base;
		size_t piece = letter->message[i].iov_len;
		size_t take;

		if (from >= piece) {
			from -= piece;
			continue;
		}
		take = piece - from < len ? piece - from : len;
		send_bytes(t, at + from, take);
		len -= take;
		from = 0;
	}
}

static void send_dotted(struct ch_smtp_transaction *t)
{
	const struct ch_smtp_letter *letter = t->letter;
	char last = '\n';

	for (size_t i = 0; i < letter->message_len; i++) {
		const char *at = letter->message[i].iov_base;
		size_t len = letter->message[i].iov_len;

		if (len == 0)
			continue;
		send_stuffed(t, at, len, last == '\n');
		last = at[len - 1];
	}
}

/* The whole message behind 354; a short end of it stays in `out`. */
static void send_message(struct ch_smtp_transaction *t)
{
	if (t->has_dots)
		send_dotted(t);
	else
		send_part(t, 0, t->size_bytes);
	if (t->smtp->out.len > WITH_DOT) {
		flush(t, t->smtp->options->data_timeout_ms);
		t->body_begun = true;
	}
}

/* "BDAT 4800 LAST": of a chunk of `len` bytes (RFC 3030 section 2). */
static struct ch_slice chunk_command(char line[CHUNK_LINE_MAX], size_t len,
				     bool last)
{
	int size = snprintf(line, CHUNK_LINE_MAX, "BDAT %zu%s\r\n", len,
			    last ? " LAST" : "");

	return (struct ch_slice){ line, (size_t)size };
}

static void send_chunk(struct ch_smtp_transaction *t, size_t from, size_t len,
		       bool last)
{
	char line[CHUNK_LINE_MAX];
	struct ch_slice command = chunk_command(line, len, last);

	ch_str_add_mem(&t->smtp->out, command.data, command.len);
	send_part(t, from, len);
}

/* Nothing unasked for has come. */
static bool is_undisturbed(struct ch_smtp_transaction *t)
{
	if (t->phase == CH_PHASE_CUT)
		return false;
	if (!something_came(t))
		return true;
	cut_with(t, "the relay answered before the message had ended");
	return false;
}

/* Whether the dot may be sent: nothing unasked for has come, neither before
 * the question nor while it was being answered, and the answer is yes. */
static bool may_end(struct ch_smtp_transaction *t)
{
	const struct ch_smtp_letter *letter = t->letter;

	/* Where nothing of the message is out the second look is enough. */
	if (t->phase == CH_PHASE_CUT ||
	    ((t->smtp->raw.len > 0 || t->body_begun) && !is_undisturbed(t)))
		return false;
	if (t->accepted_len > 0 &&
	    !letter->calls->before_dot(letter->context, t->accepted,
				       t->accepted_len)) {
		cut_with(t, "the letter was called back before its final dot");
		return false;
	}
	return is_undisturbed(t);
}

/* Another letter may be begun before the dot leaves, or after; not while it is
 * being written. */
static void write_dot(struct ch_smtp_transaction *t)
{
	const struct ch_smtp_letter *letter = t->letter;
	struct ch_smtp *smtp = t->smtp;
	struct ch_error err;

	if (letter->calls->at_dot) {
		t->takes_next = smtp->offer.pipelining;
		letter->calls->at_dot(letter->context);
		t->takes_next = false;
	}
	if (ch_connection_write(smtp->conn, smtp->out.data, smtp->out.len,
				smtp->options->data_timeout_ms, &err) < 0)
		cut(t, &err);
	ch_str_clear(&smtp->out);
	t->dot_written = true;
	t->takes_next = smtp->offer.pipelining;
}

static void note_chunk(const struct ch_smtp_transaction *t, size_t len,
		       bool last)
{
	char line[CHUNK_LINE_MAX];
	struct ch_slice command = chunk_command(line, len, last);

	ch_smtp_note_command(t->letter->notes, command.data, command.len);
	ch_smtp_note_bytes(t->letter->notes, len);
}

/* The end is noted before the question: if the answer is yes, that is what
 * follows, whatever happens then. */
static bool may_end_noted(struct ch_smtp_transaction *t, size_t sent)
{
	struct ch_str *notes = t->letter->notes;
	size_t before = notes ? notes->len : 0;

	if (goes_in_chunks(t)) {
		note_chunk(t, t->size_bytes - sent, true);
	} else {
		if (t->accepted_len > 0)
			ch_smtp_note_bytes(notes, t->size_bytes);
		ch_smtp_note_command(notes, ".", 1);
	}
	if (may_end(t))
		return true;
	if (notes)
		ch_str_truncate(notes, before);
	return false;
}

/* In chunks: what is short goes in one, behind the "go"; of a long message the
 * most part goes before, and is answered, so that it is in doubt for a moment
 * only. Returns how much has gone. */
static size_t send_first_chunk(struct ch_smtp_transaction *t)
{
	size_t len = t->size_bytes > WITH_DOT ? t->size_bytes - HELD_BACK : 0;
	int timeout_ms = t->smtp->options->data_timeout_ms;

	if (len == 0)
		return 0;
	note_chunk(t, len, false);
	send_chunk(t, 0, len, false);
	flush(t, timeout_ms);
	t->body_begun = true;
	if (t->phase != CH_PHASE_CUT &&
	    read_reply(t, &t->data, time_left(t, timeout_ms)) == 0 &&
	    t->data.code / 100 != 2)
		cut_with(t, "the relay refused a part of the message");
	return len;
}

/* libesmtp has come to its final dot. Send the message, ask whether the dot
 * may follow, and send that: from its first byte on, what becomes of the letter
 * is the relay's to say. The end of the message that the kernel takes at once,
 * all of most letters, leaves with the dot: a packet and a reading of the relay
 * less for each. */
static void end_message(struct ch_smtp_transaction *t)
{
	bool chunks = goes_in_chunks(t);
	bool any = t->accepted_len > 0;
	size_t sent = 0;

	if (chunks)
		sent = send_first_chunk(t);
	else if (any)
		send_message(t);
	if (!may_end_noted(t, sent))
		return;
	if (chunks)
		send_chunk(t, sent, t->size_bytes - sent, true);
	else
		ch_str_add(&t->smtp->out, ".\r\n");
	expect(t, any ? CH_STEP_DOT : CH_STEP_EMPTY_DOT);
	t->dot_begun = any;
	t->phase = CH_PHASE_DOT;
	write_dot(t);
	ch_crash_point("smtp-dot-is-out");
}

/* What libesmtp takes for the message: all that it would add is there. */
static const char stand_in[] = "Date: Tue, 24 Nov 2026 00:00:00 +0000\r\n"
			       "From: letter@localhost\r\n"
			       "To: letter@localhost\r\n"
			       "Message-Id: <letter@localhost>\r\n"
			       "\r\n";

/* The stand-in goes by, and nothing else may; where no address was accepted,
 * DATA is ended at once (RFC 2920 section 3.1). */
static void write_message(struct ch_smtp_transaction *t, const char *bytes,
			  size_t len)
{
	const char *expected = t->accepted_len > 0 ? stand_in : "";
	size_t first = strlen(expected);

	for (size_t i = 0; i < len && t->phase == CH_PHASE_MESSAGE; i++) {
		size_t at = t->seen++;

		if (bytes[i] != (at < first ? expected[at]
					    : ".\r\n"[at - first]))
			cut_with(t, "libesmtp changed the message");
		else if (t->seen == first + 3)
			end_message(t);
	}
	if (t->phase == CH_PHASE_CUT && !t->dot_begun)
		look_for_refusal(t);
}

static ssize_t dialogue_write(struct ch_smtp_transaction *t, const void *bytes,
			      size_t len)
{
	switch (t->phase) {
	case CH_PHASE_COMMANDS:
		write_commands(t, bytes, len);
		break;
	case CH_PHASE_MESSAGE:
		write_message(t, bytes, len);
		break;
	case CH_PHASE_DOT:
		cut_with(t, "libesmtp speaks before the dot is answered");
		break;
	case CH_PHASE_CUT:
		break; /* it must see the end by reading, not by an error */
	}
	return (ssize_t)len;
}

/* Readable where a reply is there or owed. Not while it has something to
 * write: it would read first, and wait for the reply to what it holds. After a
 * cut an error is what ends it: at the end of a stream it goes on reading the
 * replies that it still counts on, past its own last state. */
static int dialogue_poll(const struct ch_smtp_transaction *t,
			 struct pollfd *fds, nfds_t count)
{
	bool there = t->for_library.len > 0;
	bool writes = false;
	int ready = 0;

	if (t->phase == CH_PHASE_CUT && !there) {
		errno = ECONNRESET;
		return -1;
	}
	for (nfds_t i = 0; i < count; i++)
		writes |= (fds[i].events & POLLOUT) != 0;
	for (nfds_t i = 0; i < count; i++) {
		fds[i].revents = fds[i].events & POLLOUT;
		if (!writes && (there || reply_is_owed(t)))
			fds[i].revents |= fds[i].events & POLLIN;
		ready += fds[i].revents != 0;
	}
	return ready;
}

/* ---- libc's names ------------------------------------------------------- */

/* Under other names in C, since the headers may define inline versions. */
#define EXPORTED __attribute__((visibility("default")))
EXPORTED int ch_libc_socket(int domain, int type,
			    int protocol) __asm__("socket");
EXPORTED int ch_libc_connect(int fd, const struct sockaddr *address,
			     socklen_t len) __asm__("connect");
EXPORTED int ch_libc_poll(struct pollfd *fds, nfds_t count,
			  int timeout_ms) __asm__("poll");
EXPORTED ssize_t ch_libc_read(int fd, void *out, size_t size) __asm__("read");
EXPORTED ssize_t ch_libc_write(int fd, const void *bytes,
			       size_t len) __asm__("write");

EXPORTED int ch_libc_close(int fd) __asm__("close");

/* A descriptor to be called by: a second one of our own connection costs less
 * than a socket that is never used. It is there as long as the connection. */
static int library_fd(struct ch_smtp *smtp)
{
	int *fd = &smtp->library_fds[0];

	if (spoken_on(*fd)) /* by the letter that is under way */
		fd = &smtp->library_fds[1];
	if (*fd < 0)
		*fd = fcntl(ch_connection_fd(smtp->conn), F_DUPFD_CLOEXEC, 0);
	return *fd;
}

int ch_libc_socket(int domain, int type, int protocol)
{
	if (connecting && (domain == AF_INET || domain == AF_INET6))
		return library_fd(connecting->smtp);
	return (int)syscall(SYS_socket, domain, type, protocol);
}

int ch_libc_connect(int fd, const struct sockaddr *address, socklen_t len)
{
	if (connecting && fd >= 0 && fd < FDS_MAX &&
	    (address->sa_family == AF_INET || address->sa_family == AF_INET6)) {
		connecting->fd = fd;
		spoken[fd] = connecting;
		ch_str_add(&connecting->for_library, "220 relay\r\n");
		connecting = NULL;
		return 0;
	}
	return (int)syscall(SYS_connect, fd, address, len);
}

int ch_libc_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	struct timespec limit = {
		.tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000L,
	};
	struct ch_smtp_transaction *t =
		count > 0 ? spoken_on(fds[0].fd) : NULL;

	if (t)
		return dialogue_poll(t, fds, count);
	return ppoll(fds, count, timeout_ms < 0 ? NULL : &limit, NULL);
}

ssize_t ch_libc_read(int fd, void *out, size_t size)
{
	struct ch_smtp_transaction *t = spoken_on(fd);

	if (t)
		return dialogue_read(t, out, size);
	return syscall(SYS_read, fd, out, size);
}

ssize_t ch_libc_write(int fd, const void *bytes, size_t len)
{
	struct ch_smtp_transaction *t = spoken_on(fd);

	if (t)
		return dialogue_write(t, bytes, len);
	return syscall(SYS_write, fd, bytes, len);
}

int ch_libc_close(int fd)
{
	struct ch_smtp_transaction *t = spoken_on(fd);

	if (t) { /* the next letter calls it by that again */
		spoken[fd] = NULL;
		return 0;
	}
	return (int)syscall(SYS_close, fd);
}

/* ---- libesmtp ----------------------------------------------------------- */

/* The stand-in, whole, at the first call. errno decides at its end whether
 * libesmtp closes the message with a dot. */
static const char *message_source(void **context, int *len, void *arg)
{
	struct ch_smtp_transaction *t = arg;
	bool first = !t->given;

	errno = 0;
	t->given = len != NULL; /* NULL: from the start again */
	if (!len)
		return NULL;
	*len = first ? (int)sizeof(stand_in) - 1 : 0;
	return first ? stand_in : NULL;
}

static void add_recipient(smtp_message_t message, const char *address,
			  const struct ch_smtp_options *options)
{
	smtp_recipient_t recipient = smtp_add_recipient(message, address);
	unsigned int notify = Notify_FAILURE | Notify_DELAY;

	if (options->dsn_success)
		notify |= Notify_SUCCESS;
	smtp_dsn_set_notify(recipient, (enum notify_flags)notify);
	/* It builds these in 256 bytes, and each may grow to three. One that is
	 * not ASCII is none of "rfc822": see pass_on_rcpt(). */
	if (strlen(address) < 80 && !ch_slice_has_utf8(ch_slice_of(address)))
		smtp_dsn_set_orcpt(recipient, "rfc822", address);
}

/* Nobody reads what is reported of it. */
static void add_journal(smtp_message_t message, const char *address)
{
	smtp_dsn_set_notify(smtp_add_recipient(message, address),
			    Notify_NEVER);
}

static void set_up(struct ch_smtp_transaction *t, smtp_session_t session)
{
	const struct ch_smtp_letter *letter = t->letter;
	smtp_message_t message = smtp_add_message(session);

	smtp_set_server(session, "127.0.0.1:25"); /* never reached */
	smtp_set_hostname(session, "localhost");
	smtp_set_reverse_path(message, letter->envelope_from);
	smtp_set_messagecb(message, message_source, t);
	smtp_size_set_estimate(message, t->size_bytes);
	smtp_dsn_set_ret(message, Ret_HDRS);
	if (letter->envelope_id && strlen(letter->envelope_id) < 80)
		smtp_dsn_set_envid(message, letter->envelope_id);
	for (size_t i = 0; i < letter->to_len; i++)
		add_recipient(message, letter->to[i], t->smtp->options);
	if (letter->journal)
		add_journal(message, letter->journal);
}

void ch_smtp_dialogue_run(struct ch_smtp_transaction *t)
{
	smtp_session_t session = smtp_create_session();

	if (!session) {
		cut_with(t, "libesmtp made no session");
		return;
	}
	set_up(t, session);
	t->fd = -1;
	connecting = t;
	smtp_start_session(session); /* its verdict is not asked for */
	connecting = connecting == t ? NULL : connecting;
	smtp_destroy_session(session);
	if (spoken_on(t->fd) == t)
		spoken[t->fd] = NULL;
}
