// SPDX-License-Identifier: GPL-3.0-or-later
/* test-receive.c - what chanceryd is told of a mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "receive/report.h"
#include "receive/watch.h"
#include "returns/rules.h"

static struct ch_rules *rules; /* for all tests */

static int make_rules(void **state)
{
	(void)state;
	rules = ch_rules_new();
	return 0;
}

static int free_rules(void **state)
{
	(void)state;
	ch_rules_free(rules);
	return 0;
}

static void make(const char *bytes, size_t len, struct ch_report *ret)
{
	struct ch_report_source source = {
		.rules = rules,
		.bytes = bytes,
		.len = len,
		.size_bytes = len,
		.token_prefix = ch_slice_of("bounces"),
		.token_domain = ch_slice_of("chancery.example"),
	};

	ch_report_make(&source, ret);
}

#define ASSERT_TEXT(slice, text)                                        \
	do {                                                            \
		CH_AUTOCHAR found_ = ch_slice_dup(slice);               \
		assert_string_equal(found_, text);                      \
	} while (0)

#define TOKEN "aaaaaaaaaeaaaaab-apschjeob2o7jn3z6"

static const char bounce[] =
	"Delivered-To: bounces+" TOKEN "@chancery.example\r\n"
	"From: Mail System <MAILER-DAEMON@mx.example>\r\n"
	"Subject: =?utf-8?q?Non_remis_=C3=A0?= gone\r\n"
	"Message-ID: <r1@mx.example>\r\n"
	"Content-Type: multipart/report; boundary=b\r\n"
	"\r\n"
	"--b\r\n"
	"\r\n"
	"Sorry.\r\n"
	"--b\r\n"
	"Content-Type: message/delivery-status\r\n"
	"\r\n"
	"Reporting-MTA: dns; mx.example\r\n"
	"Original-Envelope-Id: E-1\r\n"
	"\r\n"
	"Final-Recipient: rfc822; gone@fr.members.example\r\n"
	"Action: failed\r\n"
	"Status: 5.1.1\r\n"
	"Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
	"\r\n"
	"Final-Recipient: rfc822; full@fr.members.example\r\n"
	"Action: delayed\r\n"
	"Status: 4.2.2\r\n"
	"\r\n"
	"--b\r\n"
	"Content-Type: message/rfc822\r\n"
	"\r\n"
	"Message-ID: <letter-1@chancery.example>\r\n"
	"Subject: Invitation\r\n"
	"\r\n"
	"body\r\n"
	"--b--\r\n";

static void a_bounce_is_told_with_its_recipients(void **state)
{
	CH_AUTO(ch_report) report = { 0 };
	const struct ch_receive_mail *mail = &report.mail;

	(void)state;
	make(bounce, strlen(bounce), &report);
	assert_int_equal(mail->kind, CH_RETURN_BOUNCE_HARD);
	assert_int_equal(mail->size_bytes, strlen(bounce));
	ASSERT_TEXT(mail->fault, "");
	ASSERT_TEXT(mail->from, "MAILER-DAEMON@mx.example");
	ASSERT_TEXT(mail->subject, "Non remis \u00e0 gone");
	ASSERT_TEXT(mail->message_id, "r1@mx.example");
	ASSERT_TEXT(mail->token, TOKEN);
	ASSERT_TEXT(mail->envelope_id, "E-1");
	assert_int_equal(mail->references_len, 1);
	ASSERT_TEXT(mail->references[0], "letter-1@chancery.example");
	assert_int_equal(mail->recipients_len, 2);
	assert_int_equal(mail->recipients[0].kind, CH_RETURN_BOUNCE_HARD);
	ASSERT_TEXT(mail->recipients[0].address, "gone@fr.members.example");
	ASSERT_TEXT(mail->recipients[0].status, "5.1.1");
	assert_int_equal(mail->recipients[1].kind, CH_RETURN_DELAYED);
	ASSERT_TEXT(mail->recipients[1].address, "full@fr.members.example");
}

/* Of a mail that was cut, the attachment that was cut with it has no hash. */
static void attachments_are_told_with_their_hash(void **state)
{
	static const char mail[] =
		"From: minister@fr.members.example\r\n"
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
		"--b\r\nContent-Type: text/plain\r\n\r\nSee there.\r\n"
		"--b\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\n"
		"Content-Disposition: attachment\r\n\r\nabc\r\n"
		"--b\r\nContent-Type: image/png\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\nYWJj\r\n--b--\r\n";
	static const char sum[] = "ba7816bf8f01cfea414140de5dae2223"
				  "b00361a396177a9cb410ff61f20015ad";

	(void)state;
	for (size_t cut = 0; cut < 2; cut++) {
		CH_AUTO(ch_report) report = { 0 };
		const struct ch_returned_file *files;
		char hex[CH_SHA256_HEX_SIZE];
		struct ch_report_source source = {
			.rules = rules,
			.bytes = mail,
			.len = strlen(mail) - (cut ? strlen("\r\n--b--\r\n") : 0),
			.cut = cut,
			.size_bytes = strlen(mail),
		};

		ch_report_make(&source, &report);
		files = report.mail.files;
		assert_int_equal(report.mail.attachments, 2);
		assert_int_equal(report.mail.files_len, 2);
		ASSERT_TEXT(files[0].name, "a.pdf");
		ASSERT_TEXT(files[0].type, "application/pdf");
		assert_int_equal(files[0].size_bytes, 3);
		assert_int_equal(files[0].whole, 1);
		ch_sha256_hex(&files[0].sha256, hex);
		assert_string_equal(hex, sum);
		ASSERT_TEXT(files[1].name, "");
		assert_int_equal(files[1].whole, !cut);
		ch_sha256_hex(&files[1].sha256, hex);
		if (cut)
			assert_int_equal(strspn(hex, "0"), 64);
		else
			assert_string_equal(hex, sum);
	}
}

/* qmail sends no parts: the header of ours is in its text. */
static void ours_is_found_in_a_text(void **state)
{
	static const char mail[] =
		"Return-Path: <>\r\n"
		"From: MAILER-DAEMON@mx.example\r\n"
		"Subject: failure notice\r\n"
		"\r\n"
		"Hi. This is the qmail-send program at mx.example.\r\n"
		"I'm afraid I wasn't able to deliver your message to the\r\n"
		"following addresses.\r\n"
		"This is a permanent error; I've given up.\r\n"
		"\r\n"
		"<gone@mfa.example>:\r\n"
		"Sorry, no mailbox here by that name. (#5.1.1)\r\n"
		"\r\n"
		"--- Below this line is a copy of the message.\r\n"
		"\r\n"
		"Return-Path: <bounces+" TOKEN "@chancery.example>\r\n"
		"Received: from chancery.example by mx.example\r\n"
		"Message-ID: <letter-9@chancery.example>\r\n"
		"To: other@mfa.example\r\n"
		"\r\n"
		"Excellency,\r\n";
	CH_AUTO(ch_report) report = { 0 };

	(void)state;
	make(mail, sizeof(mail) - 1, &report);
	assert_int_equal(report.mail.kind, CH_RETURN_BOUNCE_HARD);
	ASSERT_TEXT(report.mail.token, TOKEN);
	assert_int_equal(report.mail.references_len, 1);
	ASSERT_TEXT(report.mail.references[0], "letter-9@chancery.example");
	assert_int_equal(report.mail.recipients_len, 1);
	ASSERT_TEXT(report.mail.recipients[0].address, "gone@mfa.example");
	ASSERT_TEXT(report.mail.recipients[0].status, "5.1.1");
	ASSERT_TEXT(report.mail.recipients[0].diagnostic,
		    "Sorry, no mailbox here by that name. (#5.1.1)");
}

/* What only looks like a token where the mail was delivered to hides none that
 * is returned. */
static void what_is_no_token_hides_none(void **state)
{
	static const char mail[] =
	    "Delivered-To: bounces+office@chancery.example\r\n"
	    "To: bounces+\xE9\xE9\xE9\xE9\xE9\xE9\xE9\xE9@chancery.example"
	    "\r\n"
	    "From: MAILER-DAEMON@mx.example\r\n"
	    "Content-Type: multipart/report; boundary=b\r\n"
	    "\r\n"
	    "--b\r\n"
	    "Content-Type: message/rfc822\r\n"
	    "\r\n"
	    "Return-Path: <bounces+" TOKEN
	    "@chancery.example>\r\n"
	    "Message-ID: <letter-9@chancery.example>\r\n"
	    "\r\n"
	    "--b--\r\n";
	CH_AUTO(ch_report) report = { 0 };

	(void)state;
	make(mail, sizeof(mail) - 1, &report);
	ASSERT_TEXT(report.mail.token, TOKEN);
}

/* Our domain as it is sent, as a person reads it, and what only looks like it. */
static void a_token_is_found_in_either_writing(void **state)
{
	static const struct {
		const char *to, *token;
	} rows[] = {
		{ "bounces+" TOKEN "@xn--bcher-kva.example", TOKEN },
		{ "Bounces+" TOKEN "@XN--BCHER-KVA.example", TOKEN },
		{ "bounces+" TOKEN "@b\xC3\xBC" "cher.example", TOKEN },
		{ "bounces+" TOKEN "@b\xC3\xB9" "cher.example", "" },
		{ "bounces+" TOKEN "@bucher.example", "" },
		{ "bounces+" TOKEN "@b\xFC" "cher.example", "" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOCHAR mail = ch_xasprintf(
			"Delivered-To: %s\r\nFrom: MAILER-DAEMON@mx.example"
			"\r\n\r\nSorry.\r\n", rows[i].to);
		struct ch_report_source source = {
			.rules = rules,
			.bytes = mail,
			.len = strlen(mail),
			.token_prefix = ch_slice_of("bounces"),
			.token_domain = ch_slice_of("xn--bcher-kva.example"),
		};
		CH_AUTO(ch_report) report = { 0 };

		ch_report_make(&source, &report);
		ASSERT_TEXT(report.mail.token, rows[i].token);
	}
}

static void an_answer_is_told_with_its_new_text(void **state)
{
	static const char answer[] =
		"From: minister@fr.members.example\r\n"
		"Subject: Re: Invitation\r\n"
		"In-Reply-To: <letter-1@chancery.example>\r\n"
		"\r\n"
		"We shall be four.\r\n"
		"\r\n"
		"> You are invited.\r\n";
	CH_AUTO(ch_report) report = { 0 };

	(void)state;
	make(answer, strlen(answer), &report);
	assert_int_equal(report.mail.kind, CH_RETURN_REPLY);
	assert_non_null(strstr(report.mail.text.data, "We shall be four."));
	assert_null(strstr(report.mail.text.data, "invited"));
	assert_int_equal(report.mail.recipients_len, 0);
	ASSERT_TEXT(report.mail.references[0], "letter-1@chancery.example");
}

static void what_is_wrong_is_told(void **state)
{
	struct ch_report_source source = {
		.rules = rules,
		.bytes = "Subject: x\r\n\r\nx\r\n",
		.len = 17,
		.cut = true,
		.size_bytes = 5000,
		.token_prefix = CH_SLICE_EMPTY,
		.token_domain = CH_SLICE_EMPTY,
	};
	CH_AUTO(ch_report) report = { 0 };
	CH_AUTO(ch_report) nothing = { 0 };

	(void)state;
	ch_report_make(&source, &report);
	ASSERT_TEXT(report.mail.fault,
		    "only the first 17 of 5000 bytes were read");
	assert_int_equal(report.mail.size_bytes, 5000);
	make("", 0, &nothing);
	assert_true(nothing.mail.fault.len > 0);
	assert_int_equal(nothing.mail.kind, CH_RETURN_OTHER);
}

/* A report on 2,000 recipients with long answers, a subject and ids without
 * end: cut at a character, and it fits into one message. */
static void what_is_too_much_is_cut(void **state)
{
	CH_AUTO(ch_str) mail = CH_STR_INIT(4 * 1024 * 1024);
	CH_AUTO(ch_report) report = { 0 };
	struct ch_channel channel;
	struct ch_error err;

	(void)state;
	ch_str_add(&mail, "Subject: x");
	for (int i = 0; i < 3000; i++)
		ch_str_add(&mail, "\u00e9");
	ch_str_add(&mail, "\r\nReferences:");
	for (int i = 0; i < 90; i++) {
		ch_str_addf(&mail, "\r\n <%d", i);
		for (int j = 0; j < 60; j++)
			ch_str_add(&mail, "0123456789");
		ch_str_add(&mail, "@x.example>");
	}
	ch_str_add(&mail, "\r\nContent-Type: message/delivery-status\r\n\r\n"
			  "Reporting-MTA: dns; mx.example\r\n\r\n");
	for (int i = 0; i < 2000; i++)
		ch_str_addf(&mail,
			    "Final-Recipient: rfc822; u%d@x.example\r\n"
			    "Action: failed\r\nStatus: 5.1.1\r\n"
			    "Diagnostic-Code: smtp; 550 %0200d\r\n\r\n",
			    i, i);
	assert_false(mail.full);
	make(ch_str_cstr(&mail), mail.len, &report);
	assert_int_equal(report.mail.subject.len, CH_REPORT_LINE_MAX - 1);
	assert_int_equal(report.mail.recipients_len,
			 CH_REPORT_RECIPIENTS_MAX);
	ASSERT_TEXT(report.mail.recipients[0].address, "u0@x.example");
	ch_channel_init(&channel, -1);
	assert_int_equal(ch_message_put(&channel, CH_MSG_RECEIVE_MAIL,
					&report.mail, &err), 0);
	ch_channel_release(&channel);
}

static void bytes_become_utf8(void **state)
{
	static const char raw[] = "From: a\xff@b.example\r\n"
				  "Message-ID: <\xe9@b.example>\r\n"
				  "Subject: a\x1b[31m\r\n\r\n";
	CH_AUTO(ch_report) report = { 0 };

	(void)state;
	make(raw, strlen(raw), &report);
	ASSERT_TEXT(report.mail.message_id, "\xef\xbf\xbd@b.example");
	/* Escaping for a terminal is for those who show it. */
	assert_non_null(strstr(report.mail.subject.data, "[31m"));
}

static bool is_copy(const char *raw, struct ch_report *ret)
{
	const struct ch_report_source source = {
		.bytes = raw,
		.len = strlen(raw),
		.size_bytes = strlen(raw),
		.journal_prefix = ch_slice_of("journal"),
		.journal_domain = ch_slice_of("chancery.example"),
	};

	return ch_report_copy(&source, ret);
}

/* By what a mail system says of its way, and by nothing that its sender did. */
static void a_copy_is_known_by_where_it_came_to(void **state)
{
	static const struct {
		const char *raw;
		const char *token; /* NULL: no copy */
	} rows[] = {
		{ "Delivered-To: Journal+" TOKEN "@Chancery.example\r\n"
		  "Message-ID: <1@x.example>\r\n\r\nbody\r\n",
		  TOKEN },
		{ "X-Original-To: journal+" TOKEN "@chancery.example\r\n"
		  "Message-ID: <1@x.example>\r\n\r\n",
		  TOKEN },
		{ "Received: from a by b for <journal+" TOKEN
		  "@chancery.example>; Tue, 24 Nov 2026 01:02:03 +0000\r\n"
		  "Message-ID: <1@x.example>\r\n\r\n",
		  TOKEN },
		{ "Delivered-To: journal+abc-d@chancery.example\r\n"
		  "X-Original-To: journal+" TOKEN "@chancery.example\r\n"
		  "Message-ID: <1@x.example>\r\n\r\n",
		  TOKEN },
		{ "To: journal+" TOKEN "@chancery.example\r\n\r\n", NULL },
		{ "Delivered-To: journal+abc-d@chancery.example\r\n\r\n",
		  NULL },
		{ "Delivered-To: journal+\x9F" TOKEN "@chancery.example\r\n"
		  "\r\n",
		  NULL },
		{ "Delivered-To: journal@chancery.example\r\n\r\n", NULL },
		{ "Delivered-To: bounces+" TOKEN "@chancery.example\r\n\r\n",
		  NULL },
		{ "Subject: x\r\n\r\n"
		  "Delivered-To: journal+" TOKEN "@chancery.example\r\n",
		  NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_report) report = { 0 };

		assert_int_equal(is_copy(rows[i].raw, &report),
				 rows[i].token != NULL);
		if (!rows[i].token)
			continue;
		ASSERT_TEXT(report.copy.token, rows[i].token);
		ASSERT_TEXT(report.copy.message_id, "1@x.example");
	}
}

/* A child that watches itself, and is busy for ever, or for no time. */
static int status_of_child(bool busy)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		ch_watch_cpu(1);
		for (volatile bool ever = busy; ever;)
			;
		ch_watch_cpu(0);
		_exit(7);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void what_does_not_end_is_ended(void **state)
{
	int status = status_of_child(true);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGPROF);
	status = status_of_child(false);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bounce_is_told_with_its_recipients),
		cmocka_unit_test(attachments_are_told_with_their_hash),
		cmocka_unit_test(ours_is_found_in_a_text),
		cmocka_unit_test(what_is_no_token_hides_none),
		cmocka_unit_test(a_token_is_found_in_either_writing),
		cmocka_unit_test(an_answer_is_told_with_its_new_text),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(what_is_too_much_is_cut),
		cmocka_unit_test(bytes_become_utf8),
		cmocka_unit_test(a_copy_is_known_by_where_it_came_to),
		cmocka_unit_test(what_does_not_end_is_ended),
	};

	return cmocka_run_group_tests(tests, make_rules, free_rules);
}
