// SPDX-License-Identifier: GPL-3.0-or-later
/* test-classify.c - what a mail that came back is, rule by rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "returns/classify.h"
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

static void classify_mail(const char *header, const char *text,
			  struct ch_classified *ret)
{
	CH_AUTOCHAR mail = ch_xasprintf(
		"%sContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n",
		header, text);
	struct ch_message message;

	ch_message_read(mail, strlen(mail), &message);
	ch_classify(rules, &message, ret);
	ch_message_release(&message);
}

/* A mail of a header and one line of text. */
static void classify_header(const char *header, struct ch_classified *ret)
{
	classify_mail(header, "Text.", ret);
}

struct header_row {
	const char *name, *header;
	enum ch_return_kind kind;
	const char *rule;
};

static void check_headers(const struct header_row *rows, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		struct ch_classified found;

		classify_header(rows[i].header, &found);
		if (found.kind != rows[i].kind ||
		    strcmp(found.rule, rows[i].rule) != 0)
			print_error("%s: %s by %s\n", rows[i].name,
				    ch_return_kind_name(found.kind),
				    found.rule);
		assert_int_equal(found.kind, rows[i].kind);
		assert_string_equal(found.rule, rows[i].rule);
		assert_int_equal(found.len, 0);
		ch_classified_release(&found);
	}
}

#define FROM "From: Ana Lima <ana.lima@mfa.example>\r\n"
#define NULL_PATH "Return-Path: <>\r\n"
#define PATH "Return-Path: <ana.lima@mfa.example>\r\n"
#define ANSWERS "In-Reply-To: <letter-1@chancery.example>\r\n"

static void automatic_answers(void **state)
{
	static const struct header_row rows[] = {
		{ "RFC 3834",
		  PATH FROM "Auto-Submitted: auto-replied\r\n",
		  CH_RETURN_AUTOREPLY, "auto-submitted" },
		{ "RFC 3834 with a parameter and a comment",
		  FROM "Auto-Submitted: (sieve) Auto-Replied; owner=x\r\n",
		  CH_RETURN_AUTOREPLY, "auto-submitted" },
		{ "generated, as an answer",
		  FROM ANSWERS "Auto-Submitted: auto-generated\r\n",
		  CH_RETURN_AUTOREPLY, "Auto-Submitted" },
		{ "notified, without a sender",
		  NULL_PATH FROM "Auto-Submitted: auto-notified\r\n",
		  CH_RETURN_AUTOREPLY, "Auto-Submitted" },
		{ "old vacation programs",
		  FROM "Precedence: auto_reply\r\nSubject: Re: x\r\n",
		  CH_RETURN_AUTOREPLY, "Precedence" },
		{ "X-Autoreply", FROM ANSWERS "X-Autoreply: yes\r\n",
		  CH_RETURN_AUTOREPLY, "X-Autoreply" },
		{ "X-Autorespond", FROM "X-Autorespond: Re: letter\r\n",
		  CH_RETURN_AUTOREPLY, "X-Autorespond" },
		{ "Exchange, with its path",
		  NULL_PATH FROM "X-Auto-Response-Suppress: All\r\n",
		  CH_RETURN_AUTOREPLY, "X-Auto-Response-Suppress" },
		{ "Exchange, path unknown, an answer",
		  FROM ANSWERS "X-Auto-Response-Suppress: All\r\n",
		  CH_RETURN_AUTOREPLY, "X-Auto-Response-Suppress" },
		{ "bulk without a sender",
		  NULL_PATH FROM "Precedence: bulk\r\n",
		  CH_RETURN_AUTOREPLY, "Precedence" },
		{ "an answer without a sender", NULL_PATH FROM ANSWERS,
		  CH_RETURN_AUTOREPLY, "null-sender" },
	};

	(void)state;
	check_headers(rows, CH_COUNT(rows));
}

static void subjects_of_responders(void **state)
{
	static const char *const rows[] = {
		"Automatic reply: [DM-1276] Preparatory committee",
		"Out of Office: [DM-1276] Preparatory committee",
		"OUT OF OFFICE AutoReply: x",
		"Out of office",
		"[Auto-Reply] Preparatory committee",
		"Auto: Preparatory committee",
		"*** Automatic reply ***",
		"R\xC3\xA9ponse automatique : [DM-1276] Comit\xC3\xA9",
		"R\xC3\x89PONSE AUTOMATIQUE\xC2\xA0: x",
		"Absence du bureau: [DM-1276]",
		("Message d\xE2\x80\x99" "absence"),
		"Respuesta autom\xC3\xA1tica: [DM-1276] Comit\xC3\xA9",
		"Fuera de la oficina - vuelvo el lunes",
		"Автоматический ответ: [DM-1276]",
		"автоответ",
		"В отпуске: до 7 декабря",
		"自动答复: [DM-1276] 筹备委员会",
		"自动回复：[DM-1276]",
		"不在办公室",
		"رد تلقائي: [DM-1276]",
		"الرد الآلي: اللجنة",
		"خارج المكتب",
		"Abwesenheitsnotiz: x",
		"=?utf-8?b?6Ieq5Yqo5Zue5aSNOiBETQ==?=",
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOCHAR header = ch_xasprintf(
			PATH FROM ANSWERS "Subject: %s\r\n", rows[i]);
		struct ch_classified found;

		classify_header(header, &found);
		if (found.kind != CH_RETURN_AUTOREPLY)
			print_error("%s: %s\n", rows[i], found.rule);
		assert_int_equal(found.kind, CH_RETURN_AUTOREPLY);
		assert_string_equal(found.rule, "subject");
		ch_classified_release(&found);
	}
}

static void answers_of_people(void **state)
{
	static const struct header_row rows[] = {
		{ "In-Reply-To", PATH FROM ANSWERS, CH_RETURN_REPLY,
		  "in-reply-to" },
		{ "References alone",
		  FROM "References: <letter-1@chancery.example>\r\n",
		  CH_RETURN_REPLY, "references" },
		{ "Re:", FROM "Subject: RE: [DM-1276] x\r\n", CH_RETURN_REPLY,
		  "subject-re" },
		{ "French", FROM "Subject: R\xC3\xA9p : x\r\n",
		  CH_RETURN_REPLY, "subject-re" },
		{ "Spanish", FROM "Subject: RV: x\r\n", CH_RETURN_REPLY,
		  "subject-re" },
		{ "Russian", FROM "Subject: ОТВ: x\r\n", CH_RETURN_REPLY,
		  "subject-re" },
		{ "Chinese", FROM "Subject: 答复：x\r\n", CH_RETURN_REPLY,
		  "subject-re" },
		{ "Arabic", FROM "Subject: رد: x\r\n", CH_RETURN_REPLY,
		  "subject-re" },
		{ "says it is no machine",
		  FROM ANSWERS "Auto-Submitted: no\r\n", CH_RETURN_REPLY,
		  "in-reply-to" },
		{ "a sentence that begins like a label",
		  FROM ANSWERS "Subject: Absence of our delegation\r\n",
		  CH_RETURN_REPLY, "in-reply-to" },
		{ "answers an automatic reply",
		  FROM ANSWERS "Subject: Re: Automatic reply: x\r\n",
		  CH_RETURN_REPLY, "in-reply-to" },
		{ "on a list, with its Precedence",
		  PATH FROM ANSWERS "Precedence: list\r\n", CH_RETURN_REPLY,
		  "in-reply-to" },
		{ "Exchange marks some of them",
		  PATH FROM ANSWERS "X-Auto-Response-Suppress: DR, OOF\r\n",
		  CH_RETURN_REPLY, "in-reply-to" },
		{ "our subject speaks of bounces",
		  PATH FROM ANSWERS "Subject: Undelivered notes\r\n",
		  CH_RETURN_REPLY, "in-reply-to" },
	};

	(void)state;
	check_headers(rows, CH_COUNT(rows));
}

/* "This is an automatic reply." at the end of what a responder says, and of what
 * a person shows of it. */
static void a_machine_that_says_so_last(void **state)
{
	static const char said[] = "Thank you for your message. It has been "
				   "received and registered. This is an "
				   "automatic reply.";
	static const struct {
		const char *before;
		bool automatic;
	} rows[] = {
		{ "", true },
		{ "Dear Sir or Madam,\r\n\r\n", true },
		{ "Dear Sir or Madam:\r\n\r\n", true },
		{ "Dear colleagues,\r\n\r\nthis is what came from you, each "
		  "time that we wrote:\r\n\r\n", false },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOCHAR text = ch_xasprintf("%s%s", rows[i].before, said);
		struct ch_classified found;

		classify_mail(FROM ANSWERS, text, &found);
		assert_string_equal(found.rule, rows[i].automatic ?
						    "text-automatic" :
						    "in-reply-to");
		ch_classified_release(&found);
	}
}

static void other_mail(void **state)
{
	static const struct header_row rows[] = {
		{ "a new mail", PATH FROM "Subject: Question\r\n",
		  CH_RETURN_OTHER, "none" },
		{ "a bounce without a status",
		  NULL_PATH "From: MAILER-DAEMON@mx.example\r\n" ANSWERS
			    "Auto-Submitted: auto-replied\r\n",
		  CH_RETURN_OTHER, "mail-system" },
		{ "the same from a postmaster",
		  "From: <Postmaster@mx.example>\r\n" ANSWERS,
		  CH_RETURN_OTHER, "mail-system" },
		{ "but not from a person called so",
		  "From: postmasters@mx.example\r\n", CH_RETURN_OTHER,
		  "none" },
		{ "by its subject",
		  NULL_PATH FROM ANSWERS
		  "Subject: Undeliverable: [DM-1276]\r\n",
		  CH_RETURN_OTHER, "bounce-subject" },
		{ "automatic, and no answer",
		  PATH FROM "Auto-Submitted: auto-generated\r\n",
		  CH_RETURN_OTHER, "none" },
		{ "no sender, and nothing else", NULL_PATH FROM,
		  CH_RETURN_OTHER, "null-sender" },
		{ "no header at all", "", CH_RETURN_OTHER, "none" },
	};

	(void)state;
	check_headers(rows, CH_COUNT(rows));
}

/* ---- delivery status notifications ------------------------------------ */

/* A DSN with these recipient groups. */
static void classify_dsn(const char *groups, const char *text,
			 struct ch_classified *ret)
{
	CH_AUTOCHAR mail = ch_xasprintf(
		"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\n"
		"Content-Type: multipart/report; "
		"report-type=delivery-status; boundary=\"x\"\r\n\r\n"
		"--x\r\n\r\n%s\r\n"
		"--x\r\nContent-Type: message/delivery-status\r\n\r\n"
		"Reporting-MTA: dns; mx.example\r\n\r\n%s\r\n--x--\r\n",
		text, groups);
	struct ch_message message;

	ch_message_read(mail, strlen(mail), &message);
	ch_classify(rules, &message, ret);
	ch_message_release(&message);
}

static void one_recipient(void **state)
{
	static const struct {
		const char *name, *group;
		enum ch_return_kind kind;
		const char *address, *status, *diagnostic;
	} rows[] = {
		{ "no such user",
		  "Final-Recipient: rfc822; gone@mfa.example\r\n"
		  "Action: failed\r\nStatus: 5.1.1\r\n"
		  "Diagnostic-Code: smtp; 550 5.1.1 <gone@mfa.example>:\r\n"
		  "    no such user\r\n",
		  CH_RETURN_BOUNCE_HARD, "gone@mfa.example", "5.1.1",
		  "550 5.1.1 <gone@mfa.example>: no such user" },
		{ "the address that we used, not where it went",
		  "Original-Recipient: rfc822;minister@mfa.example\r\n"
		  "Final-Recipient: rfc822; m.okello@inner.mfa.example\r\n"
		  "Action: failed\r\nStatus: 5.2.2\r\n",
		  CH_RETURN_BOUNCE_SOFT, "minister@mfa.example", "5.2.2", "" },
		{ "full, whatever its code says",
		  "Final-Recipient: rfc822; a@mfa.example\r\n"
		  "Action: failed\r\nStatus: 5.1.1\r\n"
		  "Diagnostic-Code: smtp; 552 5.2.2 over quota\r\n",
		  CH_RETURN_BOUNCE_SOFT, "a@mfa.example", "5.1.1",
		  "552 5.2.2 over quota" },
		{ "the closer code of the reply",
		  "Final-Recipient: rfc822; a@mfa.example\r\n"
		  "Action: failed\r\nStatus: 5.0.0\r\n"
		  "Diagnostic-Code: smtp; 550 5.7.1 blocked by policy\r\n",
		  CH_RETURN_BOUNCE_SOFT, "a@mfa.example", "5.7.1",
		  "550 5.7.1 blocked by policy" },
		{ "words where there is no code",
		  "Final-Recipient: rfc822; a@mfa.example\r\n"
		  "Action: failed\r\nStatus: 5.0.0\r\n"
		  "Diagnostic-Code: smtp; 550 User unknown\r\n",
		  CH_RETURN_BOUNCE_HARD, "a@mfa.example", "5.0.0",
		  "550 User unknown" },
		{ "no words either",
		  "Final-Recipient: rfc822; a@mfa.example\r\n"
		  "Action: failed\r\nStatus: 5.0.0\r\n",
		  CH_RETURN_BOUNCE_SOFT, "a@mfa.example", "5.0.0", "" },
		{ "given up after days",
		  "Final-Recipient: rfc822; a@mfa.example\r\n"
		  "Action: failed\r\nStatus: 4.4.1\r\n"
		  "Diagnostic-Code: smtp; connection timed out\r\n",
		  CH_RETURN_BOUNCE_SOFT, "a@mfa.example", "4.4.1",
		  "connection timed out" },
		{ "domain without mail",
		  "Final-Recipient: rfc822; a@nomail.example\r\n"
		  "Action: failed\r\nStatus: 5.1.10\r\n",
		  CH_RETURN_BOUNCE_HARD, "a@nomail.example", "5.1.10", "" },
		{ "delayed is no failure",
		  "Final-Recipient: rfc822; a@mfa.example\r\n"
		  "Action: delayed\r\nStatus: 4.4.1\r\n"
		  "Will-Retry-Until: Mon, 30 Nov 2026 00:00:00 +0000\r\n",
		  CH_RETURN_DELAYED, "a@mfa.example", "4.4.1", "" },
		{ "delayed with a code that says failed",
		  "Final-Recipient: rfc822; a@mfa.example\r\n"
		  "Action: delayed\r\nStatus: 5.1.1\r\n",
		  CH_RETURN_DELAYED, "a@mfa.example", "5.1.1", "" },
		{ "delivered",
		  "Final-Recipient: RFC822;<a@mfa.example>\r\n"
		  "Action: Delivered\r\nStatus: 2.0.0\r\n",
		  CH_RETURN_DELIVERED, "a@mfa.example", "2.0.0", "" },
		{ "relayed",
		  "Final-Recipient: rfc822; a@mfa.example\r\n"
		  "Action: relayed (to a system without DSN)\r\n"
		  "Status: 2.1.9\r\n",
		  CH_RETURN_DELIVERED, "a@mfa.example", "2.1.9", "" },
		{ "expanded",
		  "Final-Recipient: rfc822; list@mfa.example\r\n"
		  "Action: expanded\r\nStatus: 2.0.0\r\n",
		  CH_RETURN_DELIVERED, "list@mfa.example", "2.0.0", "" },
		{ "no action: the status says it",
		  "Final-Recipient: rfc822; a@mfa.example\r\n"
		  "Status: 4.2.1 (busy)\r\n",
		  CH_RETURN_DELAYED, "a@mfa.example", "4.2.1", "" },
		{ "RFC 6533",
		  "Final-Recipient: utf-8; \xD0\xB0@mfa.example\r\n"
		  "Action: failed\r\nStatus: 5.1.1\r\n",
		  CH_RETURN_BOUNCE_HARD, "а@mfa.example", "5.1.1", "" },
		{ "RFC 6533, as we asked for it, with the domain as people do",
		  "Original-Recipient: utf-8;jos\u00E9\\x{2B}x@"
		  "B\u00FCcher.\u00E9l.example\r\n"
		  "Action: failed\r\nStatus: 5.1.1\r\n",
		  CH_RETURN_BOUNCE_HARD, "jos\u00E9+x@xn--Bcher-kva.xn--l-9fa"
		  ".example", "5.1.1", "" },
		{ "RFC 6533, in ASCII",
		  "Original-Recipient: utf-8;jos\\x{E9}@mfa.example\r\n"
		  "Action: failed\r\nStatus: 5.1.1\r\n",
		  CH_RETURN_BOUNCE_HARD, "jos\u00E9@mfa.example", "5.1.1", "" },
		{ "RFC 6533, and none of its escapes",
		  "Original-Recipient: utf-8;a\\x{0A}\\x{D800}\\x{zz}b@"
		  "mfa.example\r\n"
		  "Action: failed\r\nStatus: 5.1.1\r\n",
		  CH_RETURN_BOUNCE_HARD, "x{zz}b@mfa.example", "5.1.1", "" },
		{ "an address of another world",
		  "Final-Recipient: x400; /G=Ana/S=Lima/\r\n"
		  "Action: failed\r\nStatus: 5.1.1\r\n",
		  CH_RETURN_BOUNCE_HARD, "/G=Ana/S=Lima/", "5.1.1", "" },
		{ "no status that is one",
		  "Final-Recipient: rfc822; a@mfa.example\r\n"
		  "Action: failed\r\nStatus: 5.1.1111\r\n",
		  CH_RETURN_BOUNCE_SOFT, "a@mfa.example", "", "" },
		{ "controls and bad bytes",
		  "Final-Recipient: rfc822; a@mfa.example\r\n"
		  "Action: failed\r\nStatus: 5.1.1\r\n"
		  "Diagnostic-Code: smtp; 550 \xFF user unknown\r\n",
		  CH_RETURN_BOUNCE_HARD, "a@mfa.example", "5.1.1",
		  "550 \xEF\xBF\xBD user unknown" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_classified found;

		classify_dsn(rows[i].group, "It failed.", &found);
		if (found.kind != rows[i].kind)
			print_error("%s: %s\n", rows[i].name,
				    ch_return_kind_name(found.kind));
		assert_int_equal(found.kind, rows[i].kind);
		assert_string_equal(found.rule, "dsn");
		assert_int_equal(found.len, 1);
		assert_int_equal(found.recipients[0].kind, rows[i].kind);
		assert_string_equal(found.recipients[0].address,
				    rows[i].address);
		assert_string_equal(found.recipients[0].status,
				    rows[i].status);
		assert_string_equal(found.recipients[0].diagnostic,
				    rows[i].diagnostic);
		ch_classified_release(&found);
	}
}

static void several_recipients(void **state)
{
	struct ch_classified found;

	(void)state;
	classify_dsn("Final-Recipient: rfc822; a@x.example\r\n"
		     "Action: delivered\r\nStatus: 2.0.0\r\n\r\n"
		     "Final-Recipient: rfc822; b@x.example\r\n"
		     "Action: delayed\r\nStatus: 4.4.1\r\n\r\n"
		     "Final-Recipient: rfc822; c@x.example\r\n"
		     "Action: failed\r\nStatus: 5.2.2\r\n",
		     "", &found);
	assert_int_equal(found.kind, CH_RETURN_BOUNCE_SOFT);
	assert_int_equal(found.len, 3);
	assert_int_equal(found.recipients[0].kind, CH_RETURN_DELIVERED);
	assert_int_equal(found.recipients[1].kind, CH_RETURN_DELAYED);
	assert_int_equal(found.recipients[2].kind, CH_RETURN_BOUNCE_SOFT);
	ch_classified_release(&found);
}

/* A server that leaves Diagnostic-Code out says it to people. */
static void the_text_explains(void **state)
{
	struct ch_classified found;

	(void)state;
	classify_dsn("Final-Recipient: rfc822; gone@x.example\r\n"
		     "Action: failed\r\nStatus: 5.0.0\r\n",
		     "Hello,\r\n\r\ngone@x.example: 550 5.1.1 No such user\r\n",
		     &found);
	assert_int_equal(found.kind, CH_RETURN_BOUNCE_HARD);
	assert_string_equal(found.recipients[0].status, "5.1.1");
	assert_string_equal(found.recipients[0].diagnostic,
			    "550 5.1.1 No such user");
	ch_classified_release(&found);
}

/* Exim's field alone is enough. */
static void failed_recipients(void **state)
{
	struct ch_classified found;

	(void)state;
	classify_header(FROM "X-Failed-Recipients: a@b.example,\r\n"
			     " c@d.example\r\n" ANSWERS, &found);
	assert_int_equal(found.kind, CH_RETURN_BOUNCE_SOFT);
	assert_string_equal(found.rule, "x-failed-recipients");
	assert_int_equal(found.len, 2);
	assert_string_equal(found.recipients[0].address, "a@b.example");
	assert_string_equal(found.recipients[1].address, "c@d.example");
	ch_classified_release(&found);
}

static void a_report_of_nobody(void **state)
{
	struct ch_classified found;

	(void)state;
	classify_dsn("", "It failed.", &found);
	assert_int_equal(found.kind, CH_RETURN_BOUNCE_SOFT);
	assert_string_equal(found.rule, "report");
	assert_int_equal(found.len, 0);
	ch_classified_release(&found);
}

static void long_diagnostics_are_cut_at_a_character(void **state)
{
	CH_AUTO(ch_str) group = CH_STR_INIT(8192);
	struct ch_classified found;

	(void)state;
	ch_str_add(&group, "Final-Recipient: rfc822; a@x.example\r\n"
			   "Action: failed\r\nDiagnostic-Code: smtp; x");
	for (int i = 0; i < 900; i++)
		ch_str_add(&group, "é");
	classify_dsn(ch_str_cstr(&group), "", &found);
	assert_int_equal(strlen(found.recipients[0].diagnostic), 499);
	ch_classified_release(&found);
}

/* ---- other reports ---------------------------------------------------- */

static void receipts_and_complaints(void **state)
{
	static const char receipt[] =
		"From: ana.lima@mfa.example\r\n"
		"In-Reply-To: <letter-1@chancery.example>\r\n"
		"Content-Type: multipart/report; "
		"report-type=disposition-notification; boundary=x\r\n\r\n"
		"--x\r\n\r\nIt was shown.\r\n--x\r\n"
		"Content-Type: message/disposition-notification\r\n\r\n"
		"Final-Recipient: rfc822; ana.lima@mfa.example\r\n"
		"Disposition: manual-action/MDN-sent-manually; displayed\r\n"
		"--x--\r\n";
	static const char complaint[] =
		"From: fbl@isp.example\r\n"
		"Content-Type: multipart/report; report-type=feedback-report; "
		"boundary=x\r\n\r\n"
		"--x\r\n\r\nA complaint.\r\n--x\r\n"
		"Content-Type: message/feedback-report\r\n\r\n"
		"Feedback-Type: abuse\r\nOriginal-Rcpt-To: <a@isp.example>\r\n"
		"--x--\r\n";
	struct ch_message message;
	struct ch_classified found;

	(void)state;
	ch_message_read(receipt, sizeof(receipt) - 1, &message);
	ch_classify(rules, &message, &found);
	assert_int_equal(found.kind, CH_RETURN_MDN);
	assert_string_equal(found.recipients[0].address,
			    "ana.lima@mfa.example");
	ch_classified_release(&found);
	ch_message_release(&message);

	ch_message_read(complaint, sizeof(complaint) - 1, &message);
	ch_classify(rules, &message, &found);
	assert_int_equal(found.kind, CH_RETURN_ARF);
	assert_string_equal(found.recipients[0].address, "a@isp.example");
	ch_classified_release(&found);
	ch_message_release(&message);
}

/* A receipt of what was deleted is no sign that anybody read it. */
static void receipts_of_what_was_not_read(void **state)
{
	static const struct {
		const char *mail, *rule;
		bool unread;
	} rows[] = {
		{ "From: ana.lima@mfa.example\r\n"
		  "Content-Type: multipart/report; "
		  "report-type=disposition-notification; boundary=x\r\n\r\n"
		  "--x\r\n\r\nIt is gone.\r\n--x\r\n"
		  "Content-Type: message/disposition-notification\r\n\r\n"
		  "Final-Recipient: rfc822; ana.lima@mfa.example\r\n"
		  "Disposition: manual-action/MDN-sent-manually; deleted\r\n"
		  "--x--\r\n",
		  "mdn-unread", true },
		{ "From: ana.lima@mfa.example\r\n"
		  "Subject: Not read: Invitation\r\n\r\n"
		  "Your message was deleted without being read.\r\n",
		  "receipt-unread", true },
		{ "From: ana.lima@mfa.example\r\n"
		  "Subject: Read: Invitation\r\n\r\n"
		  "Your message was read on Tuesday.\r\n",
		  "receipt-text", false },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_message message;
		struct ch_classified found;

		ch_message_read(rows[i].mail, strlen(rows[i].mail), &message);
		ch_classify(rules, &message, &found);
		assert_int_equal(found.kind, CH_RETURN_MDN);
		assert_string_equal(found.rule, rows[i].rule);
		assert_int_equal(found.unread, rows[i].unread);
		ch_classified_release(&found);
		ch_message_release(&message);
	}
}

/* The Content-Type says it, and the part has another name. */
static void reports_by_their_type(void **state)
{
	static const struct {
		const char *type;
		enum ch_return_kind kind;
	} rows[] = {
		{ "disposition-notification", CH_RETURN_MDN },
		{ "feedback-report", CH_RETURN_ARF },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOCHAR mail = ch_xasprintf(
			FROM "Content-Type: multipart/report; report-type=%s; "
			     "boundary=x\r\n\r\n--x\r\n\r\nText.\r\n--x\r\n"
			     "Content-Type: text/plain\r\n\r\nx: y\r\n--x--",
			rows[i].type);
		struct ch_message message;
		struct ch_classified found;

		ch_message_read(mail, strlen(mail), &message);
		ch_classify(rules, &message, &found);
		assert_int_equal(found.kind, rows[i].kind);
		assert_string_equal(found.rule, "report-type");
		ch_classified_release(&found);
		ch_message_release(&message);
	}
}

/* What a forwarded mail says is about that mail. */
static void a_forwarded_bounce_is_none(void **state)
{
	static const char mail[] =
		PATH FROM ANSWERS
		"Content-Type: multipart/mixed; boundary=y\r\n\r\n"
		"--y\r\n\r\nSee what I got.\r\n"
		"--y\r\nContent-Type: message/rfc822\r\n\r\n"
		"Content-Type: multipart/report; boundary=x\r\n\r\n"
		"--x\r\nContent-Type: message/delivery-status\r\n\r\n"
		"Final-Recipient: rfc822; a@x.example\r\n"
		"Action: failed\r\nStatus: 5.1.1\r\n\r\n--x--\r\n--y--\r\n";
	struct ch_message message;
	struct ch_classified found;

	(void)state;
	ch_message_read(mail, sizeof(mail) - 1, &message);
	ch_classify(rules, &message, &found);
	assert_int_equal(found.kind, CH_RETURN_REPLY);
	assert_int_equal(found.len, 0);
	ch_classified_release(&found);
	ch_message_release(&message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(automatic_answers),
		cmocka_unit_test(subjects_of_responders),
		cmocka_unit_test(answers_of_people),
		cmocka_unit_test(a_machine_that_says_so_last),
		cmocka_unit_test(other_mail),
		cmocka_unit_test(one_recipient),
		cmocka_unit_test(several_recipients),
		cmocka_unit_test(the_text_explains),
		cmocka_unit_test(failed_recipients),
		cmocka_unit_test(a_report_of_nobody),
		cmocka_unit_test(long_diagnostics_are_cut_at_a_character),
		cmocka_unit_test(receipts_and_complaints),
		cmocka_unit_test(receipts_of_what_was_not_read),
		cmocka_unit_test(reports_by_their_type),
		cmocka_unit_test(a_forwarded_bounce_is_none),
	};

	return cmocka_run_group_tests(tests, make_rules, free_rules);
}
