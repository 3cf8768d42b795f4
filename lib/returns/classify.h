/* SPDX-License-Identifier: GPL-3.0-or-later */
/* classify.h - what a mail that came back is, and which rule said so.
 *
 * Fields made for machines decide where there are any: message/delivery-status
 * (RFC 3464) under whatever type. Then what mail systems write for people, by
 * the table of rules.h: only where the mail shows that no person wrote it, for
 * an answer that nobody gave, or a bounce that was none, is worse than a mail
 * that is looked at by a person.
 */
#ifndef CH_RETURNS_CLASSIFY_H
#define CH_RETURNS_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/returned.h"
#include "base/str.h"
#include "mail/message.h"

#define CH_STATUS_SIZE 12
#define CH_DIAGNOSTIC_MAX 500
#define CH_REPORTED_MAX 500 /* recipients of one mail */

enum ch_reason {
	CH_REASON_UNDEFINED,
	CH_REASON_USER_UNKNOWN,
	CH_REASON_HOST_UNKNOWN,
	CH_REASON_MAILBOX_FULL,
	CH_REASON_MAILBOX_DISABLED,
	CH_REASON_TOO_LARGE,
	CH_REASON_POLICY,
	CH_REASON_SPAM,
	CH_REASON_AUTHENTICATION,
	CH_REASON_RATE,
	CH_REASON_NETWORK,
	CH_REASON_EXPIRED,
	CH_REASON_CONTENT,
	CH_REASON_LOOP,
	CH_REASON_SYSTEM,
	CH_REASON_CHALLENGE, /* an automatic answer that wants an answer */
};

/* "user unknown" and so on. */
const char *ch_reason_name(enum ch_reason reason);

/* One recipient of which a report speaks. */
struct ch_reported {
	enum ch_return_kind kind;
	enum ch_reason reason;
	char *address;	  /* owned; as we sent it where that is said */
	char *diagnostic; /* owned; UTF-8, at most CH_DIAGNOSTIC_MAX bytes */
	char status[CH_STATUS_SIZE]; /* "5.1.1" or "" */
};

struct ch_classified {
	enum ch_return_kind kind; /* the worst of the recipients' in a report */
	enum ch_reason reason;	  /* that recipient's */
	const char *rule;	  /* what decided, such as "dsn" */
	const char *phrase;	  /* the words that decided, or "" */
	bool loose;		  /* a bounce whose recipients are but likely */
	bool unread;		  /* a receipt: it was deleted, or the like */
	struct ch_reported *recipients; /* owned */
	size_t len;
	size_t cap;
};

struct ch_rules; /* see rules.h */

/* Decide. Release the result with ch_classified_release(). */
void ch_classify(const struct ch_rules *rules, const struct ch_message *message,
		 struct ch_classified *ret);
/* What the new text of a person's answer plainly is: "acknowledgement" (it was
 * received, and no more), "answer" (they come, or do not), "question"; "" where
 * it says none of these, or more than one. */
const char *ch_reply_says(const struct ch_rules *rules, const char *text);
void ch_classified_release(struct ch_classified *classified);

#endif
