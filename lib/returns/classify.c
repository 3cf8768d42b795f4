// SPDX-License-Identifier: GPL-3.0-or-later
/* classify.c - the rules in their order: the first that speaks decides. */
#include "returns/classify.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "returns/returns-private.h"

#define REPORT_MAX (1024 * 1024) /* of one in another, looked at */

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
	ch_classified_add(ret, address, ch_xstrdup(""))->kind = ret->kind;
}

/* A report of this type by its Content-Type, though the part that makes it one
 * is missing or of another name. */
static bool says_report(const struct ch_message *message, const char *type)
{
	const char *value = ch_block_get(&message->header, "Content-Type");

	return strcmp(message->type, "multipart/report") == 0 && value &&
	       ch_fold_contains(value, type);
}

/* A filter that refuses (RFC 5429) says so in a receipt: "automatic-action/…;
 * deleted", and why in words. */
static bool is_refusal(const struct ch_notice *notice)
{
	const char *how =
	    ch_block_get(&notice->message->disposition, "Disposition");

	return how && ch_fold_contains(how, "automatic-action") &&
	       ch_fold_contains(how, "deleted") &&
	       ch_matches_one(&notice->said, CH_MEANS_FAILED, 0, notice->len);
}

/* disposition-type = "displayed" / "deleted" / "dispatched" / "processed" (RFC
 * 8098 section 3.2.6, RFC 3798): only the first of them says that a person may
 * have read it. */
static bool is_unread(const struct ch_message *message)
{
	const char *how = ch_block_get(&message->disposition, "Disposition");

	return how && !ch_fold_contains(how, "displayed");
}

static bool rule_mdn(const struct ch_notice *notice, struct ch_classified *ret)
{
	const struct ch_message *message = notice->message;
	const char *who;

	if (!message->has_disposition) {
		if (!says_report(message, "disposition-notification"))
			return false;
		decide(ret, CH_RETURN_MDN, "report-type");
		return true;
	}
	ret->unread = is_unread(message);
	decide(ret, CH_RETURN_MDN, ret->unread ? "mdn-unread" : "mdn");
	if (is_refusal(notice)) {
		ret->unread = false;
		decide(ret, CH_RETURN_BOUNCE_SOFT, "mdn-refusal");
		ret->reason =
		    ch_reason_decide("", &notice->said, 0, notice->len);
	}
	who = ch_block_get(&message->disposition, "Original-Recipient");
	if (!who)
		who = ch_block_get(&message->disposition, "Final-Recipient");
	add_named(ret, who);
	return true;
}

static bool rule_arf(const struct ch_message *message,
		     struct ch_classified *ret)
{
	const char *outlook =
	    ch_block_get(&message->returned, "X-HmXmrOriginalRecipient");

	if (!message->has_feedback) {
		/* Outlook.com sends back the mail alone, marked. */
		if (!outlook && !says_report(message, "feedback-report"))
			return false;
		decide(ret, CH_RETURN_ARF, outlook ? "outlook" : "report-type");
		add_named(ret, outlook);
		return true;
	}
	decide(ret, CH_RETURN_ARF, "arf");
	add_named(ret, ch_block_get(&message->feedback, "Original-Rcpt-To"));
	return true;
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
	return ch_is_answer_subject(message->subject) ? "subject-re" : NULL;
}

/* A mail system's notice of which nothing is known is no answer. */
static const char *rule_notice(const struct ch_notice *notice)
{
	const struct ch_message *message = notice->message;

	if (ch_is_mail_system_address(message->from, strlen(message->from)))
		return "mail-system";
	if (ch_matches_one(&notice->subject, CH_MEANS_SUBJECT, 0, 1) &&
	    (ch_has_null_sender(message) || !message->references_len))
		return "bounce-subject";
	return NULL;
}

/* A challenge is sent by what calls itself mail delivery software, too; but it
 * has no code, and no recipient that failed. */
static bool is_challenge(const struct ch_notice *notice)
{
	const struct ch_message *message = notice->message;
	const char *submitted =
	    ch_block_get(&message->header, "Auto-Submitted");

	return submitted && ch_fold_prefix(submitted, "auto-replied") &&
	       !message->has_returned &&
	       !ch_block_get(&message->header, "X-Failed-Recipients") &&
	       !ch_matches_one(&notice->subject, CH_MEANS_SUBJECT, 0,
			       SIZE_MAX) &&
	       ch_matches_one(&notice->said, CH_MEANS_CHALLENGE, 0,
			      notice->len);
}

static void decide_automatic(const struct ch_notice *notice,
			     struct ch_classified *ret, const char *rule)
{
	decide(ret, CH_RETURN_AUTOREPLY, rule);
	if (ch_matches_one(&notice->said, CH_MEANS_CHALLENGE, 0, notice->len))
		ret->reason = CH_REASON_CHALLENGE;
}

static void decide_receipt(const struct ch_notice *notice,
			   struct ch_classified *ret, const char *rule)
{
	ret->unread =
	    ch_matches_one(&notice->subject, CH_MEANS_UNREAD, 0, SIZE_MAX) ||
	    ch_matches_one(&notice->said, CH_MEANS_UNREAD, 0, notice->len);
	decide(ret, CH_RETURN_MDN, ret->unread ? "receipt-unread" : rule);
}

static void decide_among(const struct ch_notice *notice,
			 struct ch_classified *ret)
{
	const struct ch_message *message = notice->message;
	const char *rule;

	if (ch_rule_dsn(notice, ret) || rule_mdn(notice, ret) ||
	    rule_arf(message, ret))
		return;
	/* Before what a mail system says: a responder may speak of mail that
	 * it did not deliver to somebody. */
	if ((rule = ch_rule_responder(message)))
		decide_automatic(notice, ret, rule);
	else if ((rule = ch_rule_read(notice)))
		decide_receipt(notice, ret, rule);
	else if (is_challenge(notice))
		decide_automatic(notice, ret, "challenge");
	else if (ch_rule_words(notice, ret))
		return;
	else if ((rule = rule_notice(notice)))
		decide(ret, CH_RETURN_OTHER, rule);
	else if ((rule = ch_rule_autoreply(notice)))
		decide_automatic(notice, ret, rule);
	else if ((rule = rule_reply(message)))
		decide(ret, CH_RETURN_REPLY, rule);
	else
		decide(ret, CH_RETURN_OTHER,
		       ch_has_null_sender(message) ? "null-sender" : "none");
}

static void classify(const struct ch_rules *rules,
		     const struct ch_message *message,
		     struct ch_classified *ret)
{
	struct ch_message written = *message; /* its parts are borrowed */
	struct ch_notice notice;

	*ret = (struct ch_classified){ .phrase = "" };
	if (message->unreadable) {
		decide(ret, CH_RETURN_OTHER, "unreadable");
		return;
	}
	written.subject += ch_subject_marks(written.subject);
	ch_notice_read(rules, &written, &notice);
	decide_among(&notice, ret);
	ch_notice_release(&notice);
}

/* A gateway that got a bounce and bounces it: what it says itself tells
 * nothing, and what it returns is the report. */
static void look_inside(const struct ch_rules *rules,
			const struct ch_message *outer,
			struct ch_classified *ret)
{
	const char *type = ch_block_get(&outer->returned, "Content-Type");
	struct ch_message inner;
	struct ch_classified found;

	if (!type || !ch_fold_prefix(type, "multipart/report"))
		return;
	ch_message_read(outer->returned_bytes.data,
			outer->returned_bytes.len < REPORT_MAX ?
				outer->returned_bytes.len : REPORT_MAX,
			&inner);
	classify(rules, &inner, &found);
	if (found.kind <= CH_RETURN_DELAYED && found.len) {
		ch_classified_release(ret);
		*ret = found;
	} else {
		ch_classified_release(&found);
	}
	ch_message_release(&inner);
}

void ch_classify(const struct ch_rules *rules, const struct ch_message *message,
		 struct ch_classified *ret)
{
	classify(rules, message, ret);
	if (ret->loose && message->returned_bytes.len)
		look_inside(rules, message, ret);
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
