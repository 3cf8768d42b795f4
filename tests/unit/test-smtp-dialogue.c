// SPDX-License-Identifier: GPL-3.0-or-later
/* test-smtp-dialogue.c - moments of a letter that no relay in another process
 * can be made to meet each time: between the question and the dot, in the
 * middle of the dot's writing, and a libesmtp that ends when it should not.
 *
 * The relay runs in here, whenever the connection waits; it is silent where it
 * has nothing to say, and a connection that waits for it then is out of time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <libesmtp.h>

#include "base/fiber.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/smtp.h"

#define STACK (1024 * 1024)
#define HEARD_MAX (1024 * 1024)
#define SMALL_BUFFER 4608 /* the kernel's least: two pieces of a UNIX socket */
#define LINE "a line of the letter, which is as long as this\r\n"
#define HEAD "Subject: test\r\n\r\n"

/* ---- the relay ---------------------------------------------------------- */

static struct {
	struct sockaddr_un address;
	int listener;
	int fd;              /* of the connection; -1: none yet */
	int its_fd;          /* the other end of it, in smtp.c's hands */
	struct ch_str heard; /* all of it */
	size_t taken;        /* of that: understood */
	bool in_message;
	bool pipelining;
	bool dsn;
	const char *to_data; /* what is said to it */
	const char *to_dot;
	bool stalls;         /* nothing is read any more */
	const char *stalled; /* and this is said in its place, or NULL */
	struct ch_smtp *smtp; /* the connection, while a letter is sent */
	int blocked;         /* times that a write had to wait */
	bool two;            /* letters are under way */
	bool took_next;      /* another might have begun in such a moment */
	bool takes_next;     /* or while the last reply was waited for */
} relay;

static void say(const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(send(relay.fd, text, len, MSG_NOSIGNAL), len);
}

static void hear(void)
{
	char bytes[4096];
	ssize_t got;

	while ((got = recv(relay.fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		ch_str_add_mem(&relay.heard, bytes, (size_t)got);
}

/* What came is a command, or the end of a message. */
static bool answer_one(void)
{
	const char *at = ch_str_cstr(&relay.heard) + relay.taken;
	const char *end = strstr(at, relay.in_message ? "\r\n.\r\n" : "\r\n");

	if (!end)
		return false;
	if (relay.in_message) {
		relay.taken += (size_t)(end - at) + 5;
		relay.in_message = false;
		say(relay.to_dot);
		return true;
	}
	relay.taken += (size_t)(end - at) + 2;
	if (strncmp(at, "EHLO", 4) == 0)
		say(relay.dsn        ? "250-relay\r\n250 DSN\r\n"
		    : relay.pipelining ? "250-relay\r\n250 PIPELINING\r\n"
				       : "250 relay\r\n");
	else if (strncmp(at, "DATA", 4) == 0)
		say(relay.to_data);
	else
		say("250 ok\r\n");
	relay.in_message = strncmp(at, "DATA", 4) == 0 &&
			   relay.to_data[0] == '3';
	return true;
}

static void serve(void)
{
	if (relay.fd < 0) {
		relay.fd = accept(relay.listener, NULL, NULL);
		assert_true(relay.fd >= 0);
		say("220 relay\r\n");
	}
	hear();
	while (answer_one())
		;
}

static int stall(void)
{
	if (relay.stalled)
		say(relay.stalled);
	relay.stalled = NULL;
	return 0;
}

/* In place of poll(). No time passes. */
static int wait_for_relay(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	(void)timeout_ms;
	relay.its_fd = fds[0].fd;
	relay.takes_next = relay.smtp && ch_smtp_takes_next(relay.smtp);
	if (relay.two || fds[0].events & POLLOUT)
		relay.took_next |= relay.takes_next;
	if (fds[0].events & POLLOUT) {
		relay.blocked++;
		if (ch_fiber_current())
			ch_fiber_yield();
		if (relay.stalls)
			return stall();
	}
	serve();
	return poll(fds, count, 0);
}

static struct ch_smtp_options options = {
	.target = { .connect_timeout_ms = 60000, .wake_fd = -1,
		    .wait = wait_for_relay },
	.user = "", .password = "", .helo = "chancery.example",
	.command_timeout_ms = 60000, .data_timeout_ms = 60000,
	.dot_timeout_ms = 60000, .attempt_timeout_ms = 60000, .dsn = true,
};

static int set_up(void **state)
{
	(void)state;
	memset(&relay, 0, sizeof(relay));
	ch_str_init(&relay.heard, HEARD_MAX);
	relay.fd = -1;
	relay.pipelining = true;
	relay.to_data = "354 go on\r\n";
	relay.to_dot = "250 2.0.0 kept\r\n";
	relay.address.sun_family = AF_UNIX;
	snprintf(relay.address.sun_path, sizeof(relay.address.sun_path),
		 "/tmp/chancery-relay.%ld", (long)getpid());
	unlink(relay.address.sun_path);
	options.target.host = relay.address.sun_path;
	relay.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	return relay.listener < 0 ||
	       bind(relay.listener, (const struct sockaddr *)&relay.address,
		    sizeof(relay.address)) < 0 ||
	       listen(relay.listener, 8) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(relay.address.sun_path);
	close(relay.listener);
	close(relay.fd);
	ch_str_release(&relay.heard);
	return 0;
}

/* ---- a letter ----------------------------------------------------------- */

/* What libesmtp does after its EHLO; NULL: what it does otherwise. */
static const char *const *rogue;

struct letter {
	struct ch_smtp_letter smtp;
	struct ch_str message;
	const char *to[2];
	struct iovec piece;
	struct ch_smtp_result result[2];
	struct ch_error err;
	const char *at_question; /* the relay says this then, or NULL */
	bool small;     /* its dot finds less room than it needs */
	int questions;
	bool goes_astray; /* libesmtp, with the one behind it */
	bool dot_takes_next; /* seen by at_dot */
	struct ch_fiber *behind; /* begun at the dot, or NULL */
	int sent;       /* of ch_smtp_send() */
};

static bool before_dot(void *context, const size_t *accepted, size_t len)
{
	struct letter *letter = context;
	int size = 1;

	assert_int_equal(len, 1);
	assert_int_equal(accepted[0], 0);
	letter->questions++;
	if (letter->at_question)
		say(letter->at_question);
	if (letter->small)
		assert_int_equal(setsockopt(relay.its_fd, SOL_SOCKET, SO_SNDBUF,
					    &size, sizeof(size)), 0);
	return true;
}

static void at_dot(void *context)
{
	struct letter *letter = context;

	letter->dot_takes_next = ch_smtp_takes_next(relay.smtp);
	if (!letter->behind)
		return;
	rogue = letter->goes_astray ? (const char *const[]){ NULL } : NULL;
	ch_fiber_resume(letter->behind);
	rogue = NULL;
	relay.two = true;
}

static void wait_turn(void *context, const bool *turn)
{
	struct letter *letter = context;

	while (!*turn) {
		if (ch_fiber_current())
			ch_fiber_yield();
		else
			ch_fiber_resume(letter->behind);
	}
}

static const struct ch_smtp_calls calls = { before_dot, at_dot, wait_turn };

static void write_letter(struct letter *letter, const char *to, size_t size)
{
	*letter = (struct letter){ .message = CH_STR_INIT(HEARD_MAX),
				   .to = { to } };
	ch_str_add(&letter->message, HEAD);
	while (letter->message.len < size)
		ch_str_add(&letter->message, LINE);
	letter->piece = (struct iovec){ letter->message.data,
					letter->message.len };
	letter->smtp = (struct ch_smtp_letter){
		.envelope_from = "bounces@chancery.example",
		.to = letter->to,
		.to_len = 1,
		.message = &letter->piece,
		.message_len = 1,
		.calls = &calls,
		.context = letter,
	};
}

static void letter_release(struct letter *letter)
{
	ch_smtp_results_release(letter->result, 2);
	ch_str_release(&letter->message);
}

static struct ch_smtp *open_relay(void)
{
	struct ch_smtp *smtp = NULL;
	enum ch_smtp_fault fault;
	struct ch_error err;
	unsigned int code;

	assert_int_equal(ch_smtp_open(&options, &smtp, &fault, &code, &err),
			 0);
	relay.smtp = smtp;
	return smtp;
}

static void send_letter(void *context)
{
	struct letter *letter = context;

	letter->sent = ch_smtp_send(relay.smtp, &letter->smtp, letter->result,
				    &letter->err);
}

static void is(const struct letter *letter, int sent,
	       enum ch_smtp_outcome outcome, unsigned int code,
	       const char *text)
{
	const struct ch_smtp_result *result = &letter->result[0];

	assert_int_equal(letter->sent, sent);
	assert_int_equal(result->outcome, outcome);
	assert_int_equal(result->reply.code, code);
	assert_string_equal(ch_str_cstr(&result->reply.text), text);
}

/* All that has been said, and how often in it `words` are. */
static size_t said(const char *words)
{
	size_t count = 0;

	hear();
	for (const char *at = ch_str_cstr(&relay.heard);
	     (at = strstr(at, words)); at++)
		count++;
	return count;
}

/* Nothing more may go over it, and no letter has ended on it. */
static void ends_without_a_dot(struct ch_smtp *smtp)
{
	assert_false(ch_smtp_usable(smtp));
	ch_smtp_close(smtp);
	assert_int_equal(said("\r\n.\r\n"), 0);
}

/* ---- between the question and the dot ----------------------------------- */

#define EARLY "the relay answered before the message had ended"

static const struct {
	const char *says;
	enum ch_smtp_outcome outcome;
	unsigned int code;
	const char *text;
} early[] = {
	/* To a dot that it has not seen. */
	{ "250 2.0.0 kept\r\n", CH_SMTP_UNTRIED, 0, EARLY },
	{ "354 go on\r\n", CH_SMTP_UNTRIED, 0, EARLY },
	{ "250", CH_SMTP_UNTRIED, 0, EARLY },
	{ "what\r\n", CH_SMTP_UNTRIED, 0, EARLY },
	/* Refused half-way. */
	{ "554 5.3.4 too much\r\n", CH_SMTP_FAILED, 554, "5.3.4 too much" },
	{ "452 4.3.1 full\r\n", CH_SMTP_DEFERRED, 452, "4.3.1 full" },
	{ "554-5.3.4 too much\r\n", CH_SMTP_UNTRIED, 0, EARLY },
	{ "554 no\r\n250 2.0.0 kept\r\n", CH_SMTP_FAILED, 554, "no" },
};

static void a_word_during_the_question_ends_it(void **state)
{
	static const size_t sizes[] = { 1000, 100000 };

	for (size_t i = 0; i < CH_COUNT(early); i++) {
		for (size_t j = 0; j < CH_COUNT(sizes); j++) {
			struct letter letter;
			struct ch_smtp *smtp = open_relay();

			write_letter(&letter, "a@members.example", sizes[j]);
			letter.at_question = early[i].says;
			send_letter(&letter);
			assert_int_equal(letter.questions, 1);
			is(&letter, -1, early[i].outcome, early[i].code,
			   early[i].text);
			ends_without_a_dot(smtp);
			letter_release(&letter);
			tear_down(state);
			set_up(state);
		}
	}
}

/* ---- in the middle of the dot ------------------------------------------- */

/* The kernel takes a part of what the dot is the end of, and the relay does not
 * read on: a "250" is none to a dot that has not left. */
static void a_dot_that_was_not_written_is_not_answered(void **state)
{
	static const char *const says[] = { "250 2.0.0 kept\r\n",
					    "554 5.7.1 no\r\n", NULL };

	for (size_t i = 0; i < CH_COUNT(says); i++) {
		struct letter letter;
		struct ch_smtp *smtp = open_relay();

		write_letter(&letter, "a@members.example", 15000);
		letter.small = true;
		relay.stalls = true;
		relay.stalled = says[i];
		send_letter(&letter);
		assert_int_equal(letter.questions, 1);
		assert_int_equal(relay.blocked, 1);
		is(&letter, -1, CH_SMTP_IN_DOUBT, 0,
		   "write: no answer in time");
		ends_without_a_dot(smtp);
		letter_release(&letter);
		tear_down(state);
		set_up(state);
	}
}

/* Nor does another letter begin where its opening would be lost. */
static void none_is_begun_while_a_dot_is_written(void **state)
{
	(void)state;
	for (int pipelining = 0; pipelining < 2; pipelining++) {
		struct letter letter;
		struct ch_smtp *smtp;

		relay.pipelining = pipelining;
		smtp = open_relay();
		write_letter(&letter, "a@members.example", 15000);
		letter.small = true;
		send_letter(&letter);
		is(&letter, 0, CH_SMTP_SENT, 250, "2.0.0 kept");
		assert_true(relay.blocked > 0);
		assert_false(relay.took_next);
		assert_int_equal(letter.dot_takes_next, pipelining);
		assert_int_equal(relay.takes_next, pipelining);
		assert_false(ch_smtp_takes_next(smtp));
		ch_smtp_close(smtp);
		letter_release(&letter);
		tear_down(state);
		set_up(state);
	}
}

/* The opening of the next one leaves with the dot, all once and in order,
 * however little of it the kernel takes at a time. */
static void what_leaves_with_the_dot_leaves_once(void **state)
{
	static const char between[] =
		".\r\nMAIL FROM:<bounces@chancery.example>\r\n"
		"RCPT TO:<b@members.example>\r\nDATA\r\n" HEAD;
	struct letter first;
	struct letter second;
	struct ch_smtp *smtp = open_relay();

	(void)state;
	write_letter(&first, "a@members.example", 15000);
	write_letter(&second, "b@members.example", 15000);
	first.small = true;
	first.behind = ch_fiber_new(send_letter, &second, STACK);
	send_letter(&first);
	assert_true(first.dot_takes_next);
	assert_true(relay.blocked > 0);
	is(&first, 0, CH_SMTP_SENT, 250, "2.0.0 kept");
	assert_false(relay.took_next);
	relay.two = false;
	while (!ch_fiber_ended(first.behind))
		ch_fiber_resume(first.behind);
	is(&second, 0, CH_SMTP_SENT, 250, "2.0.0 kept");
	assert_int_equal(said(between), 1);
	assert_int_equal(said(HEAD LINE), 2);
	assert_int_equal(said(LINE), 2 * ((first.message.len - strlen(HEAD)) /
					  strlen(LINE)));
	assert_int_equal(said("MAIL FROM"), 2);
	ch_smtp_close(smtp);
	ch_fiber_free(first.behind);
	letter_release(&first);
	letter_release(&second);
}

/* ---- what libesmtp has room for ------------------------------------------ */

/* An ENVID arrives whole, or not at all: each of its bytes may become three. */
static void an_envid_is_whole(void **state)
{
	char id[400];

	for (size_t len = 1; len < sizeof(id); len += 13) {
		struct letter letter;
		struct ch_smtp *smtp;

		relay.dsn = true;
		smtp = open_relay();
		memset(id, '+', len);
		id[len] = '\0';
		write_letter(&letter, "a@members.example", 1000);
		letter.smtp.envelope_id = id;
		send_letter(&letter);
		is(&letter, 0, CH_SMTP_SENT, 250, "2.0.0 kept");
		ch_smtp_close(smtp);
		assert_int_equal(said("RET=HDRS"), 1);
		assert_int_equal(said("ENVID="), said("+2B") > 0);
		assert_int_equal(said("+2B"), len < 80 ? len : 0);
		letter_release(&letter);
		tear_down(state);
		set_up(state);
	}
}

/* ---- a libesmtp that does not do what it does --------------------------- */

#define MAIL "MAIL FROM:<bounces@chancery.example>\r\n"
#define RCPT "RCPT TO:<a@members.example>\r\n"
#define MESSAGE "Date: Tue, 24 Nov 2026 00:00:00 +0000\r\n" \
		"From: letter@localhost\r\n" \
		"To: letter@localhost\r\n" \
		"Message-Id: <letter@localhost>\r\n\r\n"
#define READ "" /* a reply, in place of a command */

int smtp_start_session(smtp_session_t session)
{
	struct sockaddr_in nowhere = { .sin_family = AF_INET };
	int (*real)(smtp_session_t);
	char bytes[1000];
	int fd;

	if (!rogue) {
		*(void **)&real = dlsym(RTLD_NEXT, "smtp_start_session");
		return real(session);
	}
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&nowhere,
				 sizeof(nowhere)), 0);
	assert_true(read(fd, bytes, sizeof(bytes)) > 0);
	assert_int_equal(write(fd, "EHLO x\r\n", 8), 8);
	assert_true(read(fd, bytes, sizeof(bytes)) > 0);
	for (size_t i = 0; rogue[i]; i++) {
		size_t len = strlen(rogue[i]);

		if (len == 0)
			(void)!read(fd, bytes, sizeof(bytes));
		else
			assert_int_equal(write(fd, rogue[i], len), len);
	}
	close(fd);
	return 1;
}

#define WORDLESS "libesmtp ended the dialogue"
#define ADDRESS "libesmtp gave an address that is not the letter's"

static const struct {
	const char *does[12];
	enum ch_smtp_outcome outcome;
	const char *text;
	size_t dots; /* that left */
} rogues[] = {
	/* It ends without a word, while replies are still to come. */
	{ { NULL }, CH_SMTP_UNTRIED, WORDLESS, 0 },
	{ { MAIL }, CH_SMTP_UNTRIED, WORDLESS, 0 },
	{ { MAIL, READ, RCPT }, CH_SMTP_UNTRIED, WORDLESS, 0 },
	{ { MAIL, READ, RCPT, "DATA\r\n", READ }, CH_SMTP_UNTRIED, WORDLESS,
	  0 },
	/* In the middle of the message. */
	{ { MAIL, READ, RCPT, "DATA\r\n", READ, READ }, CH_SMTP_UNTRIED,
	  WORDLESS, 0 },
	{ { MAIL, READ, RCPT, "DATA\r\n", READ, READ, MESSAGE },
	  CH_SMTP_UNTRIED, WORDLESS, 0 },
	/* Behind the dot. */
	{ { MAIL, READ, RCPT, "DATA\r\n", READ, READ, MESSAGE, ".\r\n" },
	  CH_SMTP_IN_DOUBT, WORDLESS, 1 },
	/* It says something else. */
	{ { "NOOP\r\n" }, CH_SMTP_UNTRIED,
	  "libesmtp gave a command that is not ours", 0 },
	{ { "MAIL FROM:<bounces@chancery.exampl>\r\n" }, CH_SMTP_UNTRIED,
	  "libesmtp gave a sender that is not the letter's", 0 },
	{ { MAIL, READ, "RCPT TO:<b@members.example>\r\n" }, CH_SMTP_UNTRIED,
	  ADDRESS, 0 },
	{ { MAIL, READ, "RCPT TO:<a@members.example.com>\r\n" },
	  CH_SMTP_UNTRIED, ADDRESS, 0 },
	{ { MAIL, READ, RCPT, RCPT }, CH_SMTP_UNTRIED, ADDRESS, 0 },
	{ { READ }, CH_SMTP_UNTRIED, "libesmtp waits for a reply to nothing",
	  0 },
	{ { MAIL, READ, READ }, CH_SMTP_UNTRIED,
	  "libesmtp waits for a reply to nothing", 0 },
	{ { MAIL, READ, RCPT, "DATA\r\n", READ, READ, "x" }, CH_SMTP_UNTRIED,
	  "libesmtp changed the message", 0 },
	{ { MAIL, READ, RCPT, "DATA\r\n", READ, READ, ".\r\n" },
	  CH_SMTP_UNTRIED, "libesmtp changed the message", 0 },
	{ { MAIL, READ, RCPT, "DATA\r\n", READ, READ, MESSAGE, ".\r\n",
	    "QUIT\r\n" }, CH_SMTP_IN_DOUBT,
	  "libesmtp speaks before the dot is answered", 1 },
};

/* Whatever it does: nothing is sent that the relay did not take, and nothing
 * more is said on a connection whose replies might be another letter's. */
static void nothing_follows_where_libesmtp_went_astray(void **state)
{
	for (size_t i = 0; i < CH_COUNT(rogues); i++) {
		struct letter letter;
		struct letter next;
		struct ch_smtp *smtp = open_relay();

		write_letter(&letter, "a@members.example", 1000);
		rogue = rogues[i].does;
		send_letter(&letter);
		rogue = NULL;
		is(&letter, -1, rogues[i].outcome, 0, rogues[i].text);
		write_letter(&next, "b@members.example", 1000);
		send_letter(&next);
		is(&next, -1, CH_SMTP_UNTRIED, 0,
		   "the relay closed the connection");
		ch_smtp_close(smtp);
		assert_int_equal(said("b@members.example"), 0);
		assert_int_equal(said("RSET"), 0);
		assert_int_equal(said("\r\n.\r\n"), rogues[i].dots);
		letter_release(&letter);
		letter_release(&next);
		tear_down(state);
		set_up(state);
	}
}

/* An address that libesmtp forgot is not sent to, nor refused, whoever was. */
static void an_address_that_was_not_said_is_untried(void **state)
{
	static const struct {
		const char *to_data;
		const char *does[12];
		enum ch_smtp_outcome outcome;
		unsigned int code;
		const char *text;
	} rows[] = {
		{ "354 go on\r\n",
		  { MAIL, READ, RCPT, "DATA\r\n", READ, READ, MESSAGE, ".\r\n",
		    READ }, CH_SMTP_SENT, 250, "2.0.0 kept" },
		{ "554 no\r\n", { MAIL, READ, RCPT, "DATA\r\n", READ, READ },
		  CH_SMTP_FAILED, 554, "no" },
	};

	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct letter letter;
		struct ch_smtp *smtp = open_relay();

		write_letter(&letter, "a@members.example", 1000);
		letter.to[1] = "b@members.example";
		letter.smtp.to_len = 2;
		relay.to_data = rows[i].to_data;
		rogue = rows[i].does;
		send_letter(&letter);
		rogue = NULL;
		is(&letter, 0, rows[i].outcome, rows[i].code, rows[i].text);
		assert_int_equal(letter.result[1].outcome, CH_SMTP_UNTRIED);
		assert_string_equal(
			ch_str_cstr(&letter.result[1].reply.text), WORDLESS);
		ch_smtp_close(smtp);
		assert_int_equal(said("b@members.example"), 0);
		letter_release(&letter);
		tear_down(state);
		set_up(state);
	}
}

/* The next one ends before it has said a word: it waits for its turn all the
 * same, and the first has its end. */
static void who_ends_at_once_waits_for_its_turn(void **state)
{
	struct letter first;
	struct letter second;
	struct ch_smtp *smtp = open_relay();

	(void)state;
	write_letter(&first, "a@members.example", 1000);
	write_letter(&second, "b@members.example", 1000);
	first.behind = ch_fiber_new(send_letter, &second, STACK);
	first.goes_astray = true;
	send_letter(&first);
	is(&first, 0, CH_SMTP_SENT, 250, "2.0.0 kept");
	while (!ch_fiber_ended(first.behind))
		ch_fiber_resume(first.behind);
	is(&second, -1, CH_SMTP_UNTRIED, 0, WORDLESS);
	assert_false(ch_smtp_usable(smtp));
	ch_smtp_close(smtp);
	assert_int_equal(said("MAIL FROM"), 1);
	ch_fiber_free(first.behind);
	letter_release(&first);
	letter_release(&second);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_word_during_the_question_ends_it),
		CASE(a_dot_that_was_not_written_is_not_answered),
		CASE(none_is_begun_while_a_dot_is_written),
		CASE(what_leaves_with_the_dot_leaves_once),
		CASE(an_envid_is_whole),
		CASE(nothing_follows_where_libesmtp_went_astray),
		CASE(an_address_that_was_not_said_is_untried),
		CASE(who_ends_at_once_waits_for_its_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
