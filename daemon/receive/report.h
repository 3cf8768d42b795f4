/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.h - what chanceryd is told of one mail: read, classified, with what it
 * can be matched by. A pure function over bytes. */
#ifndef CH_RECEIVE_REPORT_H
#define CH_RECEIVE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "mail/message.h"
#include "wire/messages.h"

/* What one mail may put into a message to chanceryd; the rest is cut, at a
 * character, or left out. All of it together stays below CH_FRAME_MAX. */
#define CH_REPORT_LINE_MAX 998    /* bytes: Message-ID, address, subject … */
#define CH_REPORT_TEXT_MAX 2000   /* bytes of the start of an answer */
#define CH_REPORT_RECIPIENTS_MAX 300
#define CH_REPORT_FILES_MAX CH_MESSAGE_FILES_MAX
#define CH_REPORT_NAME_MAX 255    /* bytes of the name of a file */

struct ch_rules;

/* Where the bytes are from. */
struct ch_report_source {
	const struct ch_rules *rules; /* borrowed; of returns/rules.h */
	const char *bytes; /* borrowed: the mail, or its first part */
	size_t len;
	bool mapped; /* they are of a file, of base/spill.h */
	bool cut;            /* it is the first part */
	uint64_t size_bytes; /* of all of it */
	struct ch_slice token_prefix; /* see ch_return_keys_find() */
	struct ch_slice token_domain;
	struct ch_slice journal_prefix; /* see ch_return_copy_find(); "" = no
					   copies come */
	struct ch_slice journal_domain;
};

struct ch_report {
	struct ch_receive_mail mail; /* what it points to is in the arena */
	struct ch_receive_copy copy; /* the same */
	struct ch_arena arena;
};

/* Read the mail and fill ret->mail, but for uidvalidity, uid, sha256 and
 * received_us. All text is UTF-8. Cannot fail: what is wrong with the mail
 * stands in mail.fault. Release with ch_report_release(). */
void ch_report_make(const struct ch_report_source *source,
		    struct ch_report *ret);
/* Whether the mail seems to be our own copy of a letter: then fill ret->copy,
 * but for uidvalidity and uid. To be released in any case. */
bool ch_report_copy(const struct ch_report_source *source,
		    struct ch_report *ret);
void ch_report_release(struct ch_report *report);

#endif
