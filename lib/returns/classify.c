// SPDX-License-Identifier: GPL-3.0-or-later
/* classify.c - the rules in their order: the first that speaks decides. */
#include "returns/classify.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "returns/returns-private.h"

static void decide(struct ch_classified *ret, enum ch_return_kind kind,
		   const char *rule)
{
	ret->kind = kind;
	ret->rule = rule;
}

/* A receipt speaks of one recipient, a complaint of the one who made it. */
static void add_named(struct ch_classified *ret, const char *value)
{
	const char *semicolon = value ? strchr(value, ';') : NULL;
	char *address;

	if (!value)
		return;
	address = ch_message_address(semicolon ? semicolon + 1 : value);
	if (!address[0]) {
		free(address);
		return;
	}
	CH_GROW(ret->recipients, ret->len, ret->cap);
	ret->recipients[ret->len++] = (struct ch_reported){
		.kind = ret->kind,
		.address = address,
		.diagnostic = ch_xstrdup(""),
	};
}

static bool rule_mdn(const struct ch_message *message,
		     struct ch_classified *ret)
{
	const char *who;

	if (!message->has_disposition)
		return false;
	decide(ret, CH_RETURN_MDN, "mdn");
	who = ch_block_get(&message->disposition, "Original-Recipient");
	if (!who)
		who = ch_block_get(&message->disposition, "Final-Recipient");
	add_named(ret, who);
	return true;
}

static bool rule_arf(const struct ch_message *message,
		     struct ch_classified *ret)
{
	if (!message->has_feedback)
		return false;
	decide(ret, CH_RETURN_ARF, "arf");
	add_named(ret, ch_block_get(&message->feedback, "Original-Rcpt-To"));
	return true;
}

/* Local parts under which mail systems write. */
static bool is_mail_system(const char *from)
{
	static const char *const names[] = {
		"mailer-daemon", "mailerdaemon", "postmaster", "mail-daemon",
		"mdaemon", "maildaemon", "mail_daemon", "postmast",
		"microsoftexchange", "mailer_daemon", "mmdf",
	};
	size_t local = strcspn(from, "@");

	for (size_t i = 0; i < CH_COUNT(names); i++) {
		size_t len = strlen(names[i]);

		if (len <= local && strncasecmp(from, names[i], len) == 0 &&
		    !isalpha((unsigned char)from[len]))
			return true;
		if (strcmp(names[i], "microsoftexchange") == 0 &&
		    strncasecmp(from, names[i], len) == 0)
			return true;
	}
	return false;
}

/* Subjects of bounces without a delivery status. */
static bool is_bounce_subject(const char *subject)
{
	static const char *const phrases[] = {
		"undeliver", "non remis", "mail delivery failed",
		"delivery failure", "delivery status notification",
		"delivery notification", "failure notice", "returned mail",
		"mail system error", "delivery report", "delivery has failed",
		"message delivery", "mail could not be delivered",
		"mail delivery", "delayed mail", "no se puede entregar",
		"unzustellbar", "warning: could not send",
		"warning: message", "error sending", "returned to sender",
		"failed mail", "notification d'état de remise",
		"не доставлено", "недоставленное", "delivery error",
		"devolución de correo", "message status", "could not deliver",
		"cannot be delivered", "could not be delivered", "bounce",
		"nondeliverable", "退信", "系统退信",
	};

	for (size_t i = 0; i < CH_COUNT(phrases); i++)
		if (ch_fold_prefix(subject, phrases[i]))
			return true;
	return false;
}

/* A bounce in some form of its own, or another notice of a mail system. */
static const char *rule_mail_system(const struct ch_message *message)
{
	if (strcmp(message->type, "multipart/report") == 0 &&
	    (message->delivery_len || message->has_returned))
		return "report";
	if (ch_block_get(&message->header, "X-Failed-Recipients"))
		return "x-failed-recipients";
	if (is_mail_system(message->from))
		return "mail-system";
	if (is_bounce_subject(message->subject) &&
	    (ch_has_null_sender(message) || !message->references_len))
		return "bounce-subject";
	return NULL;
}

/* "Re:" as mailers write it in the languages of our addressees. */
static bool is_answer_subject(const char *subject)
{
	static const char *const prefixes[] = {
		"re:", "re :", "re[", "re：", "réf:", "réf :", "rép:", "rép :",
		"rif:", "aw:", "antw:", "sv:", "vs:", "odp:", "rv:", "res:",
		"ynt:", "отв:", "ответ:", "ha:", "на:", "回复:", "回复：",
		"回覆:", "回覆：", "答复:", "答复：", "答覆:", "答覆：",
		"رد:", "ردّ:", "رد :", "الرد:", "απ:", "השב:", "bls:",
		"atb:", "reply:", "réponse:", "réponse :", "respuesta:",
	};

	subject += strspn(subject, " ");
	for (size_t i = 0; i < CH_COUNT(prefixes); i++)
		if (ch_fold_prefix(subject, prefixes[i]))
			return true;
	return false;
}

/* A person's answer: to one of our Message-IDs perhaps, which is for the
 * matching to say. */
static const char *rule_reply(const struct ch_message *message)
{
	if (ch_has_null_sender(message))
		return NULL;
	if (ch_block_get(&message->header, "Auto-Submitted") &&
	    !ch_fold_prefix(ch_block_get(&message->header, "Auto-Submitted"),
			    "no"))
		return NULL;
	if (message->references_len)
		return ch_block_get(&message->header, "In-Reply-To")
			       ? "in-reply-to"
			       : "references";
	return is_answer_subject(message->subject) ? "subject-re" : NULL;
}

void ch_classify(const struct ch_message *message, struct ch_classified *ret)
{
	const char *rule;

	*ret = (struct ch_classified){ 0 };
	if (message->unreadable) {
		decide(ret, CH_RETURN_OTHER, "unreadable");
		return;
	}
	if (ch_rule_dsn(message, ret) || rule_mdn(message, ret) ||
	    rule_arf(message, ret))
		return;
	if ((rule = rule_mail_system(message)))
		decide(ret, CH_RETURN_OTHER, rule);
	else if ((rule = ch_rule_autoreply(message)))
		decide(ret, CH_RETURN_AUTOREPLY, rule);
	else if ((rule = rule_reply(message)))
		decide(ret, CH_RETURN_REPLY, rule);
	else
		decide(ret, CH_RETURN_OTHER,
		       ch_has_null_sender(message) ? "null-sender" : "none");
}

void ch_classified_release(struct ch_classified *classified)
{
	for (size_t i = 0; i < classified->len; i++) {
		free(classified->recipients[i].address);
		free(classified->recipients[i].diagnostic);
	}
	free(classified->recipients);
	*classified = (struct ch_classified){ 0 };
}
