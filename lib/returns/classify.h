/* SPDX-License-Identifier: GPL-3.0-or-later */
/* classify.h - what a mail that came back is, and which rule said so.
 *
 * Only what is said in fields made for machines counts as a bounce, a delay or
 * a delivery: message/delivery-status (RFC 3464), under whatever type. What
 * looks like a mail system's own writing but has no such fields is "other" and
 * named so, never an answer: an answer that nobody gave is worse than one that
 * is looked at by a person.
 */
#ifndef CH_RETURNS_CLASSIFY_H
#define CH_RETURNS_CLASSIFY_H

#include <stddef.h>

#include "base/returned.h"
#include "base/str.h"
#include "mail/message.h"

#define CH_STATUS_SIZE 12
#define CH_DIAGNOSTIC_MAX 500

/* One recipient of which a report speaks. */
struct ch_reported {
	enum ch_return_kind kind;
	char *address;    /* owned; as we sent it where that is said */
	char *diagnostic; /* owned; UTF-8, at most CH_DIAGNOSTIC_MAX bytes */
	char status[CH_STATUS_SIZE]; /* "5.1.1" or "" */
};

struct ch_classified {
	enum ch_return_kind kind; /* the worst of the recipients' in a report */
	const char *rule;         /* what decided, such as "dsn" */
	struct ch_reported *recipients; /* owned */
	size_t len;
	size_t cap;
};

/* Decide. Release the result with ch_classified_release(). */
void ch_classify(const struct ch_message *message, struct ch_classified *ret);
void ch_classified_release(struct ch_classified *classified);

#endif
