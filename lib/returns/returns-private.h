/* SPDX-License-Identifier: GPL-3.0-or-later */
/* returns-private.h - the rules that classify.c puts in their order. */
#ifndef CH_RETURNS_RETURNS_PRIVATE_H
#define CH_RETURNS_RETURNS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "returns/classify.h"
#include "returns/rules.h"

/* What the texts of one mail say, found once. */
struct ch_notice {
	const struct ch_rules *rules;	  /* borrowed */
	const struct ch_message *message; /* borrowed */
	const char *text;		  /* borrowed: message->notice */
	size_t
	    len; /* of what was written about ours, up to where ours begins */
	struct ch_matches said;	   /* in that */
	struct ch_matches subject; /* in the subject */
	struct ch_block original; /* header of ours, as it stands in the text */
};

/* (notice.c) */
void ch_notice_read(const struct ch_rules *rules,
		    const struct ch_message *message, struct ch_notice *ret);
void ch_notice_release(struct ch_notice *notice);

/* Where a header begins that is no part of what was written here, or `len`.
 * (original.c) */
size_t ch_original_find(const char *text, size_t len);

/* The recipients that a text names, best form first; `how_sure` is 0 for none,
 * more than CH_SURE_LOOSE where the form is one of mail systems.
 * (recipients.c) */
#define CH_SURE_LOOSE 3
#define CH_SURE_LISTED 6
#define CH_SURE_FIELD 7
struct ch_named {
	struct ch_slice address; /* borrowed from the text or a header */
	size_t at;		 /* of the address; SIZE_MAX: not in the text */
	size_t from, to;	 /* the text that is about it */
};
struct ch_named_list {
	struct ch_named *list; /* owned */
	size_t len, cap;
	char *made; /* owned; an address that was put together */
	int how_sure;
};
void ch_named_find(const struct ch_notice *notice, struct ch_named_list *ret);
void ch_named_release(struct ch_named_list *named);

/* Read the groups of a delivery status. Returns whether any spoke of a
 * recipient; fills kind, rule and recipients if so. (dsn.c) */
bool ch_rule_dsn(const struct ch_notice *notice, struct ch_classified *ret);

/* A report of a mail system in words for people. (words.c) */
bool ch_rule_words(const struct ch_notice *notice, struct ch_classified *ret);

/* The worst of the recipients is what the mail is. (dsn.c) */
void ch_classified_worst(struct ch_classified *classified);
/* Add one; NULL when there are too many. Both texts are taken. (dsn.c) */
struct ch_reported *ch_classified_add(struct ch_classified *classified,
				      char *address, char *diagnostic);
/* One line of at most CH_DIAGNOSTIC_MAX bytes, the caller's. (dsn.c) */
char *ch_diagnostic(const char *text, size_t len);

/* Read an enhanced status code (RFC 3463) that stands in `text` as a word of
 * its own into `out`; "" if there is none. (reason.c) */
void ch_status_find(const char *text, size_t len, char out[CH_STATUS_SIZE]);
/* Whether it says no more than its class. (reason.c) */
bool ch_status_is_vague(const char *status);

/* Why, by the code and by what is said between two offsets. (reason.c) */
enum ch_reason ch_reason_decide(const char *status,
				const struct ch_matches *matches, size_t from,
				size_t to);
/* Whether a final failure means that the address is no use. (reason.c) */
bool ch_reason_is_hard(enum ch_reason reason, const char *status);

/* Whether a mail system wrote it, by its From. (sender.c) */
bool ch_is_mail_system(const struct ch_message *message);
/* The same of any address. (sender.c) */
bool ch_is_mail_system_address(const char *address, size_t len);
/* Whether the envelope sender was empty, as far as it is known. (sender.c) */
bool ch_has_null_sender(const struct ch_message *message);

/* How long the marks are that gateways put before a subject, "[EXTERN] " or
 * "***SPAM*** ": what was written begins behind them.
 * (sender.c) */
size_t ch_subject_marks(const char *subject);

/* "Re:", or "Fwd:", as mailers write it in the languages of our addressees.
 * (sender.c) */
bool ch_is_answer_subject(const char *subject);
bool ch_is_forward_subject(const char *subject);

/* What shows that a machine answered, or NULL. (autoreply.c) */
const char *ch_rule_autoreply(const struct ch_notice *notice);
/* The same, of what nothing but a responder has. (autoreply.c) */
const char *ch_rule_responder(const struct ch_message *message);

/* A receipt of a reader, in words for people, or NULL. (words.c) */
const char *ch_rule_read(const struct ch_notice *notice);

/* A character without its case, spaces and apostrophes levelled. (fold.c) */
uint32_t ch_fold(uint32_t cp);

/* Whether the text begins with the UTF-8 `prefix`, in any case (ASCII, Latin-1
 * and Cyrillic letters). Returns the bytes of `text` that it takes, or 0.
 * (fold.c) */
size_t ch_fold_prefix(const char *text, const char *prefix);
/* Whether it stands anywhere in it. */
bool ch_fold_contains(const char *text, const char *word);

#endif
