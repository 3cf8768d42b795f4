// SPDX-License-Identifier: GPL-3.0-or-later
/* test-classify-words.c - what mail systems, responders and readers write for
 * people, in the languages of the addressees. Each row is a mail; all persons
 * and places are invented. */
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

#define PERSON "From: Ana Lima <ana.lima@mfa.example>\r\n"
#define SYSTEM "Return-Path: <>\r\nFrom: postmaster@mfa.example\r\n"
#define SYSTEM_OF(name) "Return-Path: <>\r\nFrom: " name "\r\n"
#define NULL_PATH "Return-Path: <>\r\n"
#define ANSWERS "In-Reply-To: <letter-1@chancery.example>\r\n"
#define TO "To: bureau@chancery.example\r\n"

struct row {
	const char *name;
	const char *header; /* without To, with its subject */
	const char *text;
	enum ch_return_kind kind;
	enum ch_reason reason;
	const char *address; /* "" for none */
	const char *status;
};

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

static void check_row(const struct row *row)
{
	CH_AUTOCHAR mail =
	    ch_xasprintf("%s" TO
			 "MIME-Version: 1.0\r\n"
			 "Content-Type: text/plain; charset=utf-8\r\n\r\n%s",
			 row->header, row->text);
	struct ch_message message;
	struct ch_classified found;
	const char *address;

	ch_message_read(mail, strlen(mail), &message);
	ch_classify(rules, &message, &found);
	address = found.len ? found.recipients[0].address : "";
	if (found.kind != row->kind || found.reason != row->reason ||
	    strcmp(address, row->address) != 0)
		print_error("%s: %s by %s (%s), %s, <%s>\n", row->name,
			    ch_return_kind_name(found.kind), found.rule,
			    found.phrase, ch_reason_name(found.reason),
			    address);
	assert_int_equal(found.kind, row->kind);
	assert_int_equal(found.reason, row->reason);
	assert_string_equal(address, row->address);
	if (row->status)
		assert_string_equal(found.recipients[0].status, row->status);
	assert_true(found.len <= 1);
	ch_classified_release(&found);
	ch_message_release(&message);
}

static void check_rows(const struct row *rows, size_t len)
{
	for (size_t i = 0; i < len; i++)
		check_row(&rows[i]);
}

/* ---- automatic answers ------------------------------------------------- */

#define AWAY(name, header, text)                                               \
	{                                                                      \
		name, header, text, CH_RETURN_AUTOREPLY, CH_REASON_UNDEFINED,  \
		    "", NULL                                                   \
	}

static void out_of_office(void **state)
{
	static const struct row rows[] = {
		AWAY("Exchange, English",
		     PERSON "Subject: Automatic reply: [DM-1276] Invitation\r\n"
			    "Auto-Submitted: auto-generated\r\n"
			    "X-Auto-Response-Suppress: All\r\n" ANSWERS,
		     "I am out of the office until 7 December.\r\n"),
		AWAY("Exchange, French",
		     PERSON "Subject: =?utf-8?q?R=C3=A9ponse_automatique_:?= "
			    "Invitation\r\n",
		     "Je suis absente du bureau jusqu'au 7 d\xC3\xA9"
		     "cembre.\r\n"),
		AWAY("Exchange, Spanish",
		     PERSON "Subject: Respuesta autom\xC3\xA1tica: "
			    "Invitaci\xC3\xB3n\r\n",
		     "Estar\xC3\xA9 ausente hasta el lunes.\r\n"),
		AWAY("Exchange, Russian",
		     PERSON "Subject: Автоматический ответ: Приглашение\r\n",
		     "Меня не будет на месте до понедельника.\r\n"),
		AWAY("Exchange, Chinese",
		     PERSON "Subject: 自动答复: 邀请函\r\n",
		     "我目前不在办公室，十二月七日返回。\r\n"),
		AWAY("Exchange, Arabic", PERSON "Subject: رد تلقائي: دعوة\r\n",
		     "أنا خارج المكتب حتى يوم الاثنين.\r\n"),
		AWAY("Exchange, Greek, in capitals with their accents",
		     PERSON "Subject: ΑΥΤΌΜΑΤΗ ΑΠΆΝΤΗΣΗ: Πρόσκληση\r\n",
		     "Απουσιάζω.\r\n"),
		AWAY("it says so itself, Spanish",
		     PERSON "Subject: Re: Invitacion\r\n" ANSWERS,
		     "Esta es una respuesta automática.\r\n"),
		AWAY("no sign but the sender, English",
		     NULL_PATH PERSON "Subject: Invitation\r\n",
		     "Dear sender,\r\n\r\nI am on leave until 7 December and "
		     "will return on the 8th. Your message was not "
		     "forwarded.\r\n"),
		AWAY("no sign but the sender, French",
		     NULL_PATH PERSON "Subject: Invitation\r\n",
		     "Bonjour, je suis en mission jusqu'au 7, en mission "
		     "jusqu'au bout.\r\n"),
		AWAY("no sign but the sender, Spanish",
		     NULL_PATH PERSON "Subject: Invitacion\r\n",
		     "Estoy de vacaciones. Regresar\xC3\xA9 el lunes.\r\n"),
		AWAY("no sign but the sender, Russian",
		     NULL_PATH PERSON "Subject: Приглашение\r\n",
		     "Здравствуйте! Я в отпуске до 7 декабря.\r\n"),
		AWAY("no sign but the sender, Chinese",
		     NULL_PATH PERSON "Subject: 邀请函\r\n",
		     "您好，我正在休假，请联系办公室。\r\n"),
		AWAY("no sign but the sender, Arabic",
		     NULL_PATH PERSON "Subject: دعوة\r\n",
		     "أنا في إجازة حتى الاثنين.\r\n"),
		AWAY("vacation(1)",
		     PERSON
		     "Precedence: bulk\r\nSubject: away from my mail\r\n",
		     "I will not be reading my mail for a while.\r\n"),
		AWAY("Sieve vacation (RFC 5230)",
		     PERSON "Auto-Submitted: auto-replied (vacation)\r\n"
			    "Subject: Auto: Invitation\r\n" ANSWERS,
		     "I'm away.\r\n"),
		AWAY("Gmail",
		     PERSON "Precedence: bulk\r\nX-Autoreply: yes\r\n"
			    "Auto-Submitted: auto-replied\r\n"
			    "Subject: On leave Re: Invitation\r\n" ANSWERS,
		     "Thank you for your mail.\r\n"),
		AWAY("Lotus Notes",
		     PERSON "Subject: Ana Lima is out of the office.\r\n"
			    "Auto-Submitted: auto-generated\r\n" ANSWERS,
		     "I will be out of the office starting 24.11.2026.\r\n"),
		AWAY("GroupWise",
		     PERSON "Subject: Out of the office: Invitation\r\n",
		     "I am away.\r\n"),
		AWAY("a registry that has it, English",
		     PERSON "Auto-Submitted: auto-generated\r\n"
			    "Subject: Your correspondence\r\n",
		     "Your message has been received and registered.\r\n"),
		AWAY("a registry that has it, French",
		     NULL_PATH PERSON "Subject: Votre courrier\r\n",
		     "Nous avons bien re\xC3\xA7u votre message.\r\n"),
		AWAY("a registry that has it, Spanish",
		     NULL_PATH PERSON "Subject: Su mensaje\r\n",
		     "Acusamos recibo de su mensaje.\r\n"),
		AWAY("a registry that has it, Russian",
		     NULL_PATH PERSON "Subject: Обращение\r\n",
		     "Ваше письмо получено и зарегистрировано.\r\n"),
		AWAY("a registry that has it, Chinese",
		     NULL_PATH PERSON "Subject: 来信\r\n",
		     "您的邮件已收到，谢谢。\r\n"),
		AWAY("a registry that has it, Arabic",
		     NULL_PATH PERSON "Subject: رسالتكم\r\n",
		     "تم استلام رسالتكم وسيتم الرد عليها.\r\n"),
		{ "a filter that asks who we are",
		  PERSON "Auto-Submitted: auto-replied\r\n"
			 "Subject: Re: Invitation\r\n" ANSWERS,
		  "Your message is being held. To release it, click the link "
		  "below to prove that you are not a spammer.\r\n",
		  CH_RETURN_AUTOREPLY, CH_REASON_CHALLENGE, "", NULL },
	};

	(void)state;
	check_rows(rows, CH_COUNT(rows));
}

/* ---- receipts ---------------------------------------------------------- */

#define READ(name, subject, text)                                              \
	{                                                                      \
		name, PERSON ANSWERS "Subject: " subject "\r\n", text,         \
		    CH_RETURN_MDN, CH_REASON_UNDEFINED, "", NULL               \
	}

static void receipts(void **state)
{
	static const struct row rows[] = {
		READ("English", "Read: Invitation",
		     "Your message\r\n\r\n   To: Ana Lima\r\n   Subject: "
		     "Invitation\r\n\r\nwas read on 24 November 2026.\r\n"),
		READ("French", "Lu : Invitation",
		     "Votre message\r\n\r\n   Objet : Invitation\r\n\r\n"
		     "a \xC3\xA9t\xC3\xA9 lu le 24 novembre 2026.\r\n"),
		READ("Spanish",
		     "Le\xC3\xAD"
		     "do: Invitaci\xC3\xB3n",
		     "Su mensaje\r\n\r\n   Asunto: Invitaci\xC3\xB3n\r\n\r\n"
		     "se ley\xC3\xB3 el 24 de noviembre.\r\n"),
		READ("Russian", "Прочитано: Приглашение",
		     "Ваше сообщение\r\n\r\n   Тема: Приглашение\r\n\r\n"
		     "было прочитано 24 ноября.\r\n"),
		READ("Chinese", "已读: 邀请函",
		     "您的邮件\r\n\r\n   主题: 邀请函\r\n\r\n已被阅读。\r\n"),
		READ("Arabic", "مقروءة: دعوة",
		     "رسالتكم\r\n\r\nتمت قراءة الرسالة يوم الثلاثاء.\r\n"),
		READ("German", "Gelesen: Einladung",
		     "Ihre Nachricht\r\n\r\n   Betreff: Einladung\r\n\r\n"
		     "wurde am 24.11.2026 um 10:00 gelesen.\r\n"),
		READ("Lotus Notes", "Return Receipt (displayed)",
		     "Your message Invitation was opened on 24.11.2026 by Ana "
		     "Lima. This is a return receipt for the mail you "
		     "sent.\r\n"),
	};

	(void)state;
	check_rows(rows, CH_COUNT(rows));
}

/* ---- success ----------------------------------------------------------- */

#define DONE(name, subject, text)                                              \
	{                                                                      \
		name, SYSTEM "Subject: " subject "\r\n", text,                 \
		    CH_RETURN_DELIVERED, CH_REASON_UNDEFINED,                  \
		    "ana.lima@mfa.example", NULL                               \
	}

static void successes(void **state)
{
	static const struct row rows[] = {
		DONE("Exchange, English", "Relayed: Invitation",
		     "Delivery to these recipients or groups is complete, but "
		     "no delivery notification was sent by the destination "
		     "server:\r\n\r\nana.lima@mfa.example\r\n"),
		DONE("Exchange, delivered", "Delivered: Invitation",
		     "Your message has been delivered to the following "
		     "recipients:\r\n\r\nana.lima@mfa.example\r\n"),
		DONE("Exchange, French", "Remis : Invitation",
		     "Votre message a \xC3\xA9t\xC3\xA9 remis aux "
		     "destinataires suivants :\r\n\r\nana.lima@mfa.example\r\n"
		     "a \xC3\xA9t\xC3\xA9 remis.\r\n"),
		DONE("Exchange, Spanish", "Entregado: Invitacion",
		     "El mensaje se entreg\xC3\xB3 a los siguientes "
		     "destinatarios:\r\n\r\nana.lima@mfa.example\r\n"),
		DONE("Exchange, Russian", "Доставлено: Приглашение",
		     "Сообщение доставлено следующим получателям:\r\n\r\n"
		     "ana.lima@mfa.example\r\n"),
		DONE("Exchange, Chinese", "已送达: 邀请函",
		     "您的邮件已传递到以下收件人:\r\n\r\n"
		     "ana.lima@mfa.example\r\n"),
		DONE("Exchange, Arabic", "تم التسليم: دعوة",
		     "تم تسليم رسالتكم:\r\n\r\nana.lima@mfa.example\r\n"),
		DONE("Postfix", "Successful Mail Delivery Report",
		     "This is the mail system at host mx.mfa.example.\r\n\r\n"
		     "Your message was successfully delivered to the "
		     "destination(s) listed below.\r\n\r\n"
		     "<ana.lima@mfa.example>: delivery via local: delivered "
		     "to mailbox\r\n"),
		DONE("Sendmail", "Return receipt",
		     "   ----- The following addresses had successful "
		     "delivery notifications -----\r\n"
		     "<ana.lima@mfa.example>  (successfully delivered to "
		     "mailbox)\r\n"),
	};

	(void)state;
	check_rows(rows, CH_COUNT(rows));
}

/* ---- failures and delays ----------------------------------------------- */

#define LOST(name, header, text, kind, reason, status)                         \
	{                                                                      \
		name, header, text, CH_RETURN_##kind, CH_REASON_##reason,      \
		    "ana.lima@mfa.example", status                             \
	}

static enum ch_return_kind kind_of(const char *sentence)
{
	CH_AUTOCHAR mail =
	    ch_xasprintf("Return-Path: <>\r\nFrom: postmaster@mx.example\r\n"
			 "Subject: Report\r\nContent-Type: text/plain; "
			 "charset=utf-8\r\n\r\n%s\r\n\r\nfra@mfa.example\r\n",
			 sentence);
	struct ch_message message;
	struct ch_classified found;
	enum ch_return_kind kind;

	ch_message_read(mail, strlen(mail), &message);
	ch_classify(rules, &message, &found);
	kind = found.kind;
	ch_classified_release(&found);
	ch_message_release(&message);
	return kind;
}

/* A word makes a success a failure. */
static void denied_successes(void **state)
{
	static const struct {
		const char *success, *denied;
	} rows[] = {
		{ "Your message was delivered.",
		  "Your message was not successfully delivered." },
		{ "El mensaje ha sido entregado.",
		  "El mensaje no ha sido entregado." },
		{ "Se completó la entrega.", "No se completó la entrega." },
		{ "Письмо было доставлено.", "Письмо не было доставлено." },
		{ "تم التسليم.", "لم يتم التسليم." },
		{ "邮件已送达。", "邮件未已送达。" },
		{ "A été remis au destinataire.",
		  "N'a pas été remis au destinataire." },
		{ "È stato recapitato.", "Non è stato recapitato." },
		{ "Foi entregue a todos.", "Não foi entregue a todos." },
		{ "Is afgeleverd.", "Niet is afgeleverd." },
		{ "Została dostarczona.", "Nie została dostarczona." },
		{ "A fost livrat.", "Nu a fost livrat." },
		{ "Kézbesítettük.", "Nem kézbesítettük." },
		{ "Παραδόθηκε στον παραλήπτη.",
		  "Δεν παραδόθηκε στον παραλήπτη." },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		if (kind_of(rows[i].success) != CH_RETURN_DELIVERED)
			print_error("%s\n", rows[i].success);
		assert_int_equal(kind_of(rows[i].success), CH_RETURN_DELIVERED);
		if (kind_of(rows[i].denied) == CH_RETURN_DELIVERED)
			print_error("%s\n", rows[i].denied);
		assert_int_not_equal(kind_of(rows[i].denied),
				     CH_RETURN_DELIVERED);
	}
}

static void failures_of_exchange(void **state)
{
	static const struct row rows[] = {
		LOST("5.5, English",
		     SYSTEM "Subject: Undeliverable: Invitation\r\n",
		     "Your message\r\n\r\n  To:      office@mfa.example\r\n"
		     "  Subject: Invitation\r\n\r\n"
		     "did not reach the following recipient(s):\r\n\r\n"
		     "ana.lima@mfa.example on Tue, 24 Nov 2026 10:00:00\r\n"
		     "    The recipient name is not recognized\r\n"
		     "    MSEXCH:IMS:MFA:HQ:MX 0 (000C05A6) Unknown "
		     "Recipient\r\n",
		     BOUNCE_HARD, USER_UNKNOWN, ""),
		LOST("2007, French",
		     SYSTEM "Subject: Non remis : Invitation\r\n",
		     "\xC3\x89"
		     "chec de la remise \xC3\xA0 ces destinataires "
		     "ou listes de distribution :\r\n\r\n"
		     "ana.lima@mfa.example\r\n"
		     "L'adresse de messagerie du destinataire est introuvable "
		     "dans le syst\xC3\xA8me.\r\n\r\n"
		     "#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\r\n",
		     BOUNCE_HARD, USER_UNKNOWN, "5.1.1"),
		LOST("2003, German",
		     SYSTEM "Subject: Unzustellbar: Einladung\r\n",
		     "Ihre Nachricht hat einige oder alle Empf\xC3\xA4nger "
		     "nicht erreicht.\r\n\r\n"
		     "Folgende(r) Empf\xC3\xA4nger konnte(n) nicht erreicht "
		     "werden:\r\n\r\n"
		     "      ana.lima@mfa.example am 24.11.2026 10:01\r\n"
		     "            Das Postfach des Empf\xC3\xA4ngers ist "
		     "voll.\r\n",
		     BOUNCE_SOFT, MAILBOX_FULL, ""),
		LOST("2010, Spanish",
		     SYSTEM "Subject: No se puede entregar: x\r\n",
		     "No se pudo entregar a estos destinatarios o grupos:"
		     "\r\n\r\nana.lima@mfa.example\r\n"
		     "No se encontr\xC3\xB3 la direcci\xC3\xB3n de correo "
		     "electr\xC3\xB3nico.\r\n",
		     BOUNCE_HARD, USER_UNKNOWN, ""),
		LOST("2013, Russian",
		     SYSTEM "Subject: Недоставлено: приглашение\r\n",
		     "Не удалось доставить следующим получателям или "
		     "группам:\r\n\r\nana.lima@mfa.example\r\n"
		     "Почтовый ящик получателя переполнен.\r\n",
		     BOUNCE_SOFT, MAILBOX_FULL, ""),
		LOST("2016, Chinese", SYSTEM "Subject: 未送达: 邀请\r\n",
		     "无法将邮件传递给以下收件人或通讯组列表:\r\n\r\n"
		     "ana.lima@mfa.example\r\n"
		     "找不到您输入的电子邮件地址。\r\n",
		     BOUNCE_HARD, USER_UNKNOWN, ""),
		LOST("2016, Japanese", SYSTEM "Subject: 配信不能: 招待\r\n",
		     "次の受信者またはグループへの配信に失敗しました:\r\n\r\n"
		     "ana.lima@mfa.example\r\n"
		     "受信者のメールボックスがいっぱいです。\r\n",
		     BOUNCE_SOFT, MAILBOX_FULL, ""),
		LOST("Microsoft 365",
		     SYSTEM "Subject: Undeliverable: Invitation\r\n",
		     "Your message to ana.lima@mfa.example couldn't be "
		     "delivered.\r\n\r\nana.lima wasn't found at "
		     "mfa.example.\r\n",
		     BOUNCE_HARD, USER_UNKNOWN, ""),
	};

	(void)state;
	check_rows(rows, CH_COUNT(rows));
}

static void failures_of_others(void **state)
{
	static const struct row rows[] = {
		LOST("qmail", SYSTEM "Subject: failure notice\r\n",
		     "Hi. This is the qmail-send program at mx.example.\r\n"
		     "I'm afraid I wasn't able to deliver your message to the "
		     "following addresses.\r\n"
		     "This is a permanent error; I've given up. Sorry it "
		     "didn't work out.\r\n\r\n<ana.lima@mfa.example>:\r\n"
		     "192.0.2.1 does not like recipient.\r\n"
		     "Remote host said: 552 5.2.2 Mailbox full\r\n"
		     "Giving up on 192.0.2.1.\r\n",
		     BOUNCE_SOFT, MAILBOX_FULL, "5.2.2"),
		LOST("Exim, an alias",
		     SYSTEM "Subject: Mail delivery failed\r\n",
		     "This message was created automatically by mail delivery "
		     "software.\r\n\r\nA message that you sent could not be "
		     "delivered to one or more of its\r\nrecipients. The "
		     "following address(es) failed:\r\n\r\n"
		     "  al@inner.mfa.example\r\n"
		     "    (generated from ana.lima@mfa.example)\r\n"
		     "    Unrouteable address\r\n",
		     BOUNCE_HARD, USER_UNKNOWN, ""),
		LOST("OpenSMTPD",
		     SYSTEM "Subject: Delivery status notification: error\r\n",
		     "    Hi!\r\n\r\n    This is the MAILER-DAEMON, please DO "
		     "NOT REPLY to this email.\r\n\r\n"
		     "    An error has occurred while attempting to deliver a "
		     "message for\r\n    the following list of recipients:"
		     "\r\n\r\nana.lima@mfa.example: Domain does not exist"
		     "\r\n",
		     BOUNCE_HARD, HOST_UNKNOWN, ""),
		LOST("Domino", SYSTEM "Subject: DELIVERY FAILURE: x\r\n",
		     "Your message\r\n\r\n  Subject: Invitation\r\n\r\nwas not "
		     "delivered to:\r\n\r\n  ana.lima@mfa.example\r\n\r\n"
		     "because:\r\n\r\n  User ana.lima not listed in Domino "
		     "Directory\r\n",
		     BOUNCE_HARD, USER_UNKNOWN, ""),
		LOST("Google",
		     SYSTEM_OF(
			 "Mail Delivery Subsystem "
			 "<mailer-daemon@mx.example>") "Subject: Delivery "
						       "Status Notification "
						       "(Failure)\r\n",
		     "** Address not found **\r\n\r\nYour message wasn't "
		     "delivered to ana.lima@mfa.example because the address "
		     "couldn't be found.\r\n\r\nThe response was:\r\n\r\n"
		     "550 5.1.1 The email account that you tried to reach "
		     "does not exist.\r\n",
		     BOUNCE_HARD, USER_UNKNOWN, "5.1.1"),
		LOST("a telecom that is no mail system by its name",
		     SYSTEM_OF(
			 "no-reply@tel.example") "Subject: Mail Delivery\r\n",
		     "Your mail sent on: Tue, 24 Nov 2026\r\n"
		     "Could not be delivered to: <ana.lima@mfa.example>\r\n"
		     "As their mailbox is full.\r\n",
		     BOUNCE_SOFT, MAILBOX_FULL, ""),
		LOST("no accents, no case, folded in the middle",
		     SYSTEM "Subject: non remis\r\n",
		     "VOTRE MESSAGE N'A PAS PU ETRE\r\nREMIS A\r\n"
		     "<ana.lima@mfa.example>\r\nUTILISATEUR\r\nINCONNU\r\n",
		     BOUNCE_HARD, USER_UNKNOWN, ""),
		LOST("Polish, without its letters",
		     SYSTEM "Subject: Niedostarczone: Invitation\r\n",
		     "Nie mozna dostarczyc wiadomosci do "
		     "ana.lima@mfa.example.\r\nSKRZYNKA JEST PELNA\r\n",
		     BOUNCE_SOFT, MAILBOX_FULL, ""),
		LOST("Exim, still trying",
		     SYSTEM "Subject: Warning: message delayed 24 hours\r\n",
		     "A message that you sent has not yet been delivered to "
		     "one or more of its\r\nrecipients.\r\n\r\n"
		     "  ana.lima@mfa.example\r\n"
		     "    Delay reason: Connection timed out\r\n\r\n"
		     "Delivery attempts will continue for some time.\r\n",
		     DELAYED, NETWORK, ""),
		LOST("Sendmail, still trying",
		     SYSTEM "Subject: Warning: could not send message for "
			    "past 4 hours\r\n",
		     "**  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\r\n\r\n"
		     "   ----- Transcript of session follows -----\r\n"
		     "<ana.lima@mfa.example>... Deferred: Connection refused"
		     "\r\nWill keep trying until message is 5 days old\r\n",
		     DELAYED, NETWORK, ""),
	};

	(void)state;
	check_rows(rows, CH_COUNT(rows));
}

/* ---- Amazon's notices in JSON ------------------------------------------- */

#define NOTICE(name, type, more, kind, reason)                                 \
	{                                                                      \
		name,                                                          \
		    "From: no-reply@notices.example\r\nSubject: "              \
		    "Notification\r\n",                                        \
		    "{ \"Message\" : \"{\\\"notificationType\\\":\\\"" type    \
		    "\\\"," more "}\" }\r\n",                                  \
		    CH_RETURN_##kind, CH_REASON_##reason,                      \
		    "ana.lima@mfa.example", NULL                               \
	}

static void notices_in_json(void **state)
{
	static const struct row rows[] = {
		NOTICE("bounce", "Bounce",
		       "\\\"bouncedRecipients\\\":[{\\\"emailAddress\\\":"
		       "\\\"ana.lima@mfa.example\\\",\\\"diagnosticCode\\\":"
		       "\\\"smtp; 550 5.1.1 user unknown\\\"}]",
		       BOUNCE_HARD, USER_UNKNOWN),
		NOTICE("complaint", "Complaint",
		       "\\\"complainedRecipients\\\":[{\\\"emailAddress\\\":"
		       "\\\"ana.lima@mfa.example\\\"}]",
		       ARF, UNDEFINED),
		NOTICE("delivery", "Delivery",
		       "\\\"recipients\\\":[\\\"ana.lima@mfa.example\\\"]",
		       DELIVERED, UNDEFINED),
	};

	(void)state;
	check_rows(rows, CH_COUNT(rows));
}

/* ---- people who write of mail ------------------------------------------ */

#define WRITES(name, header, text, kind)                                       \
	{                                                                      \
		name, header, text, CH_RETURN_##kind, CH_REASON_UNDEFINED, "", \
		    NULL                                                       \
	}

static void people(void **state)
{
	static const struct row rows[] = {
		WRITES("quotes a bounce in an answer",
		       PERSON "Subject: Re: Undeliverable: Invitation\r\n",
		       "I got this from your server:\r\n\r\n"
		       "> Your message could not be delivered to\r\n"
		       "> bo.ek@mfa.example: user unknown\r\n",
		       REPLY),
		WRITES("tells of one",
		       PERSON "Subject: Mail delivery problems\r\n",
		       "Mail to bo.ek@mfa.example could not be delivered last "
		       "week; the mailbox was full.\r\n",
		       OTHER),
		WRITES("tells of documents",
		       PERSON ANSWERS "Subject: Re: Delivery status\r\n",
		       "The documents were delivered to bo.ek@mfa.example. "
		       "The address is unknown to me.\r\n",
		       REPLY),
		WRITES("says that the post went wrong",
		       PERSON ANSWERS "Subject: Returned mail\r\n",
		       "Your letter was returned to us, undelivered: no such "
		       "address. Please send it to\r\n\r\n"
		       "bo.ek@mfa.example\r\n",
		       REPLY),
		WRITES("confirms, and is no machine",
		       PERSON ANSWERS "Subject: Re: Invitation\r\n",
		       "Please confirm your receipt. I will return on Monday "
		       "and am out of the office today.\r\n",
		       REPLY),
		WRITES("quotes what said so itself",
		       PERSON ANSWERS "Subject: Re: Invitation\r\n",
		       "Please ignore it.\r\n\r\n> This is an automatic "
		       "reply.\r\n",
		       REPLY),
		WRITES("puts it below, without marks",
		       PERSON ANSWERS "Subject: Re: Invitation\r\n",
		       "We come.\r\n\r\nFrom: Ana\r\nSent: Monday\r\n"
		       "To: Bo\r\nSubject: Away\r\n\r\n"
		       "This is an automatic reply.\r\n",
		       REPLY),
		WRITES("a mail system, and of nothing that is ours",
		       "From: postmaster@mfa.example\r\n"
		       "Subject: Quarantine summary\r\n",
		       "These messages were held as spam in the last day:"
		       "\r\n\r\nsales@shop.example  Great offer\r\n"
		       "news@paper.example  Weekly news\r\n",
		       OTHER),
	};

	(void)state;
	check_rows(rows, CH_COUNT(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(out_of_office),
		cmocka_unit_test(receipts),
		cmocka_unit_test(successes),
		cmocka_unit_test(denied_successes),
		cmocka_unit_test(failures_of_exchange),
		cmocka_unit_test(failures_of_others),
		cmocka_unit_test(notices_in_json),
		cmocka_unit_test(people),
	};

	return cmocka_run_group_tests(tests, make_rules, free_rules);
}
