// SPDX-License-Identifier: GPL-3.0-or-later
/* smtp.c - a connection from its opening to QUIT, and what became of each
 * address of a letter.
 *
 * A letter is one libesmtp session of one message: nothing of it stays in
 * memory, and none is ever started twice.
 */
#include "net/smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "net/smtp-private.h"

#define OUT_MAX (256 * 1024)
#define OPENING_MAX (8 * 1024) /* of the notes */
#define NO_UTF8 "4.6.7" /* RFC 6531 section 3.6 */
#define LINE_BYTES_MAX 998 /* RFC 5322 section 2.1.1 */

int ch_smtp_open(const struct ch_smtp_options *options, struct ch_smtp **ret,
		 enum ch_smtp_fault *ret_fault, unsigned int *ret_code,
		 struct ch_error *err)
{
	struct ch_smtp *smtp;

	*ret_fault = CH_SMTP_FAULT_CONNECT;
	*ret_code = 0;
	smtp = ch_xzalloc(sizeof(*smtp));
	smtp->options = options;
	smtp->library_fds[0] = smtp->library_fds[1] = -1;
	ch_str_init(&smtp->out, OUT_MAX);
	ch_str_init(&smtp->opening, OPENING_MAX);
	if (ch_connection_open(&options->target, &smtp->conn, err) < 0) {
		smtp->cut = true;
		ch_smtp_close(smtp);
		return -1; /* it says where to */
	}
	if (options->tls == CH_SMTP_IMPLICIT &&
	    ch_connection_start_tls(smtp->conn, options->command_timeout_ms,
				    err) < 0) {
		if (err->fate != CH_RETRY)
			*ret_fault = CH_SMTP_FAULT_TLS;
		goto failed;
	}
	if (ch_smtp_log_in(smtp, ret_fault, ret_code, err) < 0)
		goto failed;
	smtp->is_open = true;
	*ret = smtp;
	return 0;
failed:
	smtp->cut = true;
	ch_smtp_close(smtp);
	if (options->target.host[0] == '/')
		return ch_error_prefix(err, "%s", options->target.host);
	return ch_error_prefix(err, "%s port %u", options->target.host,
			       options->target.port);
}

void ch_smtp_close(struct ch_smtp *smtp)
{
	struct ch_smtp_reply reply = CH_SMTP_REPLY_INIT;
	struct ch_error err;

	if (!smtp)
		return;
	if (!smtp->cut && ch_smtp_usable(smtp))
		ch_smtp_command(smtp, "QUIT", &reply, &err);
	ch_smtp_reply_release(&reply);
	for (size_t i = 0; i < CH_COUNT(smtp->library_fds); i++) {
		if (smtp->library_fds[i] >= 0)
			close(smtp->library_fds[i]);
	}
	ch_connection_close(smtp->conn);
	ch_str_release(&smtp->raw);
	ch_str_release(&smtp->out);
	ch_str_release(&smtp->opening);
	free(smtp);
}

bool ch_smtp_usable(struct ch_smtp *smtp)
{
	struct ch_error err;

	return !smtp->cut && smtp->raw.len == 0 &&
	       ch_connection_poll(smtp->conn, 0, &err) == 0;
}

struct ch_slice ch_smtp_opening(const struct ch_smtp *smtp)
{
	return (struct ch_slice){ ch_str_cstr(&smtp->opening),
				  smtp->opening.len };
}

bool ch_smtp_wants_login(const struct ch_smtp *smtp)
{
	return smtp->wants_login;
}

/* ---- what may go out ---------------------------------------------------- */

/* Printable ASCII, or UTF-8, without what ends a path or a command: it was
 * checked when the letter was queued, and a command is built from it here. */
static bool sendable_address(const char *address, bool *ret_utf8)
{
	size_t len = strlen(address);
	bool ascii = true;

	if (len == 0 || len > 254)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)address[i];

		if (c <= ' ' || c == 127 || c == '<' || c == '>')
			return false;
		ascii &= c < 128;
	}
	*ret_utf8 |= !ascii;
	return ascii || ch_utf8_valid(address, len, NULL);
}

/* Whether some byte is 0, or not of 7 bits: eight at a time, since every byte
 * of every letter is looked at. */
static bool has_bad_byte(const char *bytes, size_t len)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t bad = 0;
	size_t at = 0;

	for (; at + 8 <= len; at += 8) {
		uint64_t word;

		memcpy(&word, bytes + at, 8);
		bad |= word | ((word - ones) & ~word);
	}
	for (; at < len; at++)
		bad |= bytes[at] == 0 ? 0x80 : (unsigned char)bytes[at];
	return (bad & (ones << 7)) != 0;
}

/* What is known of a message at some place in it. */
struct lines {
	size_t len;   /* of the line so far */
	bool cr;      /* its CR was the last byte */
	bool has_dots; /* some line starts with one */
	bool bad_byte; /* one that is 0, or not of 7 bits */
};

/* 7-bit lines of at most 998 bytes, each ended by CRLF and by nothing else:
 * a lone CR or LF is where smuggling begins (RFC 5321 section 2.3.8). */
static bool sendable_piece(struct lines *lines, const char *at, size_t len)
{
	const char *end = at + len;

	lines->bad_byte |= has_bad_byte(at, len);
	while (at < end) {
		const char *cr;
		size_t run;

		if (lines->cr) {
			if (*at++ != '\n')
				return false;
			lines->cr = false;
			lines->len = 0;
			continue;
		}
		lines->has_dots |= lines->len == 0 && *at == '.';
		cr = memchr(at, '\r', (size_t)(end - at));
		run = (size_t)((cr ? cr : end) - at);
		if (lines->len + run > LINE_BYTES_MAX ||
		    memchr(at, '\n', run))
			return false;
		lines->len += run;
		lines->cr = cr != NULL;
		at += run + (cr != NULL);
	}
	return true;
}

/* What is not of 7 bits is UTF-8 and above the first empty line: addresses of
 * the header (RFC 6532). Bodies are encoded. */
static bool is_utf8_header(const struct ch_smtp_letter *letter)
{
	bool body = false;

	for (size_t i = 0; i < letter->message_len; i++) {
		const char *at = letter->message[i].iov_base;
		size_t len = letter->message[i].iov_len;
		const char *end = body ? at : memmem(at, len, "\r\n\r\n", 4);
		size_t head = end ? (size_t)(end - at) : len;

		if (memchr(at, '\0', head) || !ch_utf8_valid(at, head, NULL) ||
		    has_bad_byte(at + head, len - head))
			return false;
		body |= end != NULL;
	}
	return true;
}

static bool sendable_message(const struct ch_smtp_letter *letter,
			     size_t *ret_bytes, bool *ret_has_dots,
			     bool *ret_utf8)
{
	struct lines lines = { 0 };

	*ret_bytes = 0;
	for (size_t i = 0; i < letter->message_len; i++) {
		const struct iovec *piece = &letter->message[i];

		*ret_bytes += piece->iov_len;
		if (*ret_bytes > INT32_MAX / 2 ||
		    !sendable_piece(&lines, piece->iov_base, piece->iov_len))
			return false;
	}
	*ret_has_dots = lines.has_dots;
	*ret_utf8 |= lines.bad_byte;
	if (lines.bad_byte && !is_utf8_header(letter))
		return false;
	return *ret_bytes > 0 && lines.len == 0 && !lines.cr;
}

static void set_result(struct ch_smtp_result *result,
		       enum ch_smtp_outcome outcome, const char *status,
		       const char *text)
{
	result->outcome = outcome;
	ch_smtp_reply_clear(&result->reply);
	snprintf(result->reply.status, sizeof(result->reply.status), "%s",
		 status);
	ch_str_add(&result->reply.text, text);
}

static void set_all(struct ch_smtp_result *results, size_t len,
		    enum ch_smtp_outcome outcome, const char *status,
		    const char *text)
{
	for (size_t i = 0; i < len; i++)
		set_result(&results[i], outcome, status, text);
}

/* Refuse here what no relay should see. Returns whether it may go. */
static bool may_go(const struct ch_smtp *smtp,
		   const struct ch_smtp_letter *letter,
		   struct ch_smtp_result *results, size_t *ret_bytes,
		   bool *ret_has_dots, bool *ret_utf8)
{
	uint64_t limit = smtp->offer.size ? smtp->offer.size_limit : 0;
	size_t len = ch_smtp_recipients(letter);
	bool good;
	char text[160];

	*ret_utf8 = false;
	good = sendable_address(letter->envelope_from, ret_utf8);
	for (size_t i = 0; i < letter->to_len; i++)
		good = good && sendable_address(letter->to[i], ret_utf8);
	if (letter->journal)
		good = good && sendable_address(letter->journal, ret_utf8);
	if (!good) {
		set_all(results, len, CH_SMTP_FAILED, "5.1.3",
			"an address that SMTP cannot carry");
		return false;
	}
	if (!sendable_message(letter, ret_bytes, ret_has_dots, ret_utf8)) {
		set_all(results, len, CH_SMTP_FAILED, "5.6.0",
			"the message is not made of 7-bit CRLF lines");
		return false;
	}
	if (*ret_utf8 && !(smtp->offer.smtputf8 && smtp->options->smtputf8)) {
		set_all(results, len, CH_SMTP_DEFERRED, NO_UTF8,
			smtp->options->smtputf8 ?
				"an address that is not ASCII, and the relay "
				"does not offer SMTPUTF8" :
				"an address that is not ASCII, and this relay "
				"is not set up to carry it (smtputf8)");
		return false;
	}
	if (limit > 0 && *ret_bytes > limit) {
		snprintf(text, sizeof(text),
			 "the relay takes messages of at most %llu bytes, and "
			 "this one has %zu",
			 (unsigned long long)limit, *ret_bytes);
		set_all(results, len, CH_SMTP_FAILED, "5.3.4", text);
		return false;
	}
	return true;
}

/* ---- the verdict -------------------------------------------------------- */

static void copy_reply(struct ch_smtp_reply *to,
		       const struct ch_smtp_reply *from)
{
	ch_smtp_reply_clear(to);
	to->code = from->code;
	memcpy(to->status, from->status, sizeof(to->status));
	ch_str_add_mem(&to->text, ch_str_cstr(&from->text), from->text.len);
}

/* A refusal decides; anything else lets the next step speak. */
static bool refusal(struct ch_smtp_result *result,
		    const struct ch_smtp_reply *reply)
{
	if (reply->code / 100 != 4 && reply->code / 100 != 5)
		return false;
	result->outcome = reply->code / 100 == 4 ? CH_SMTP_DEFERRED
						 : CH_SMTP_FAILED;
	copy_reply(&result->reply, reply);
	return true;
}

/* The dot, or the last chunk, is out. */
static void judge_end(const struct ch_smtp_transaction *t,
		      struct ch_smtp_result *result)
{
	if (!t->miscounted && refusal(result, &t->dot))
		return;
	copy_reply(&result->reply, &t->dot);
	if (!t->miscounted && t->dot.code / 100 == 2) {
		result->outcome = CH_SMTP_SENT;
		return;
	}
	result->outcome = CH_SMTP_IN_DOUBT;
	if (t->dot.text.len == 0 || t->miscounted)
		ch_str_addf(&result->reply.text, "%s%s",
			    t->dot.text.len == 0 ? "" : " - ",
			    t->miscounted ? "but the replies that followed do "
					    "not fit" : t->why.text);
}

static void judge_address(const struct ch_smtp_transaction *t, size_t at,
			  struct ch_smtp_result *result)
{
	if (t->wants_login) {
		set_result(result, CH_SMTP_UNTRIED, "", t->why.text);
		return;
	}
	if (refusal(result, &t->mail) || refusal(result, &t->rcpt[at]))
		return;
	if (t->rcpt[at].code / 100 != 2 || !t->dot_begun) {
		if (t->rcpt[at].code / 100 != 2 || !refusal(result, &t->data))
			set_result(result, CH_SMTP_UNTRIED, "", t->why.text);
		return;
	}
	judge_end(t, result);
}

/* ---- one letter --------------------------------------------------------- */

static void transaction_release(struct ch_smtp_transaction *t)
{
	for (size_t i = 0; i < ch_smtp_recipients(t->letter); i++)
		ch_smtp_reply_release(&t->rcpt[i]);
	ch_smtp_reply_release(&t->mail);
	ch_smtp_reply_release(&t->data);
	ch_smtp_reply_release(&t->dot);
	ch_str_release(&t->for_library);
	ch_str_release(&t->line);
	free(t->rcpt);
	free(t->accepted);
	free(t->steps);
}

/* Behind the one under way, or as the first. */
static void enter(struct ch_smtp *smtp, struct ch_smtp_transaction *t)
{
	t->turn = !smtp->first;
	if (t->turn) {
		smtp->first = t;
	} else {
		smtp->first->next = t;
		t->before = smtp->first;
	}
}

/* The next one has its turn, and if it was begun behind our dot ours waits for
 * the replies to its opening. */
static void leave(struct ch_smtp *smtp, struct ch_smtp_transaction *t)
{
	smtp->first = t->next;
	if (!t->next)
		return;
	t->next->turn = true;
	t->next->orphaned = smtp->cut;
	t->letter->calls->wait_turn(t->letter->context,
				    &t->opening_is_answered);
}

/* Two verdicts came at once, and no other letter's opening is out: which one is
 * the dot's nobody knows. It matters where they differ, but for a 421 behind
 * it, which says that the connection ends. */
static bool has_two_verdicts(const struct ch_smtp_transaction *t)
{
	const struct ch_str *raw = &t->smtp->raw;

	return t->dot_begun && !t->next && t->dot.code > 0 && raw->len > 0 &&
	       raw->data[0] != (char)('0' + t->dot.code / 100) &&
	       !(raw->len >= 3 && memcmp(raw->data, "421", 3) == 0);
}

static int transact(struct ch_smtp *smtp, const struct ch_smtp_letter *letter,
		    size_t size_bytes, bool has_dots, bool utf8,
		    struct ch_smtp_result *results, struct ch_error *why)
{
	size_t recipients = ch_smtp_recipients(letter);
	/* MAIL, an RCPT for each, DATA, held and said, and the dot. */
	size_t steps = recipients + 4;
	struct ch_smtp_transaction t = {
		.smtp = smtp,
		.letter = letter,
		.size_bytes = size_bytes,
		.has_dots = has_dots,
		.utf8 = utf8,
		.deadline_ms = ch_clock_mono_ms() +
			       smtp->options->attempt_timeout_ms,
		.for_library = CH_STR_INIT(64 * 1024),
		.line = CH_STR_INIT(CH_SMTP_COMMAND_MAX),
		.steps = ch_xcalloc(steps, sizeof(*t.steps)),
		.steps_cap = steps,
		.rcpt = ch_xcalloc(recipients, sizeof(*t.rcpt)),
		.accepted = ch_xcalloc(letter->to_len, sizeof(*t.accepted)),
	};
	bool in_order;

	ch_error_set(&t.why, CH_RETRY, "libesmtp ended the dialogue");
	enter(smtp, &t);
	ch_smtp_dialogue_run(&t);
	/* It may have ended before it waited for anything. */
	if (!t.turn)
		letter->calls->wait_turn(letter->context, &t.turn);
	/* Where libesmtp went away without a word, or in the middle of one. */
	if (t.steps_done < t.steps_len || t.steps_len == 0 ||
	    t.phase != CH_PHASE_COMMANDS)
		smtp->cut = true;
	ch_smtp_dialogue_confirm(&t);
	t.miscounted = has_two_verdicts(&t);
	smtp->needs_rset = t.dot.code / 100 != 2;
	in_order = !smtp->cut;
	leave(smtp, &t);
	for (size_t i = 0; i < recipients; i++)
		judge_address(&t, i, &results[i]);
	if (t.next)
		t.next->before_is_judged = true;
	if (t.miscounted)
		ch_error_set(&t.why, CH_RETRY,
			     "the relay's replies do not fit what was said");
	*why = t.why;
	in_order = in_order && !t.miscounted;
	transaction_release(&t);
	return in_order ? 0 : -1;
}

static int reset(struct ch_smtp *smtp, struct ch_error *err)
{
	struct ch_smtp_reply reply = CH_SMTP_REPLY_INIT;
	int result = ch_smtp_command(smtp, "RSET", &reply, err);

	if (result == 0 && reply.code / 100 != 2) {
		smtp->cut = true;
		result = ch_error_set(err, CH_RETRY,
				      "the relay answered %u to RSET",
				      reply.code);
	}
	ch_smtp_reply_release(&reply);
	return result;
}

bool ch_smtp_takes_next(const struct ch_smtp *smtp)
{
	const struct ch_smtp_transaction *first = smtp->first;

	return first && first->takes_next && !first->next;
}

/* Nothing is under way: see that the connection is still there and in order. */
static int make_ready(struct ch_smtp *smtp, struct ch_error *err)
{
	if (!ch_smtp_usable(smtp)) {
		smtp->cut = true;
		return ch_error_set(err, CH_RETRY,
				    "the relay closed the connection");
	}
	return smtp->needs_rset ? reset(smtp, err) : 0;
}

int ch_smtp_send(struct ch_smtp *smtp, const struct ch_smtp_letter *letter,
		 struct ch_smtp_result *results, struct ch_error *err)
{
	size_t size_bytes;
	bool has_dots;
	bool utf8;

	if (!may_go(smtp, letter, results, &size_bytes, &has_dots, &utf8))
		return 0;
	if (!smtp->first && make_ready(smtp, err) < 0) {
		set_all(results, ch_smtp_recipients(letter), CH_SMTP_UNTRIED,
			"", err->text);
		return -1;
	}
	return transact(smtp, letter, size_bytes, has_dots, utf8, results,
			err);
}

void ch_smtp_results_release(struct ch_smtp_result *results, size_t len)
{
	for (size_t i = 0; i < len; i++)
		ch_smtp_reply_release(&results[i].reply);
}
