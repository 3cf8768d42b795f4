// SPDX-License-Identifier: GPL-3.0-or-later
/* words.c - reports of mail systems that are written for people alone.
 *
 * What makes it a report is evidence of two kinds together: who sent it (a mail
 * system, an empty envelope sender, a field of its own) and what it says (words
 * of the table, an address in a form that mail systems use). A person who
 * writes of a bounce has but one of them.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "returns/returns-private.h"

#define AT_ONCE 16 /* bytes, less than a salutation */
#define EARLY 200 /* bytes: it says so before all else */

#define LEADS 30 /* bytes between the words and the address */

struct evidence {
	bool system;  /* a mail system, by its address or its name */
	bool address; /* by its address */
	bool null_sender;
	bool report;  /* multipart/report, not of another kind */
	bool header;  /* X-Failed-Recipients */
	bool answers; /* "Re:", or refers to a mail */
	bool forward; /* "Fwd:" */
	bool delayed; /* it says that it goes on trying */
	bool reason;
	bool refers;	 /* the same by its fields alone */
	bool original;	 /* ours is in it */
	bool in_subject; /* a word of failure, wherever it stands */
	const struct ch_match *failed, *subject;
	bool leads; /* the words of failure lead to an address on its line */
	int how_sure;
};

static bool is_report(const struct ch_message *message)
{
	const char *type = ch_block_get(&message->header, "Content-Type");

	return strcmp(message->type, "multipart/report") == 0 &&
	       !message->has_disposition && !message->has_feedback &&
	       !ch_fold_contains(type, "disposition-notification") &&
	       !ch_fold_contains(type, "feedback-report") &&
	       !ch_fold_contains(type, "tlsrpt");
}

static bool is_delayed(const struct ch_notice *notice)
{
	if (ch_matches_one(&notice->subject, CH_MEANS_DELAYED, 0, SIZE_MAX))
		return true;
	return ch_matches_one(&notice->said, CH_MEANS_DELAYED, 0,
			      notice->len) &&
	       !ch_matches_one(&notice->said, CH_MEANS_GIVEN_UP, 0,
			       notice->len);
}

static void gather(const struct ch_notice *notice,
		   const struct ch_named_list *named, struct evidence *found)
{
	const struct ch_message *message = notice->message;

	*found = (struct evidence){
		.system = ch_is_mail_system(message),
		.null_sender = ch_has_null_sender(message),
		.report = is_report(message),
		.header = ch_block_get(&message->header,
				       "X-Failed-Recipients") != NULL,
		.address = ch_is_mail_system_address(message->from,
						     strlen(message->from)),
		.answers = message->references_len > 0 ||
			   ch_is_answer_subject(message->subject),
		.forward = ch_is_forward_subject(message->subject),
		.delayed = is_delayed(notice),
		.reason = ch_matches_reason(&notice->said, 0, notice->len),
		.refers = message->references_len > 0,
		.in_subject = ch_matches_one(&notice->subject, CH_MEANS_SUBJECT,
					     0, SIZE_MAX) ||
			      ch_matches_one(&notice->subject, CH_MEANS_FAILED,
					     0, SIZE_MAX),
		.original = message->has_returned || notice->original.len > 0,
		.failed = ch_matches_one(&notice->said, CH_MEANS_FAILED, 0,
					 notice->len),
		.subject =
		    ch_matches_one(&notice->subject, CH_MEANS_SUBJECT, 0, 12),
		.how_sure = named->how_sure,
	};
	if (found->failed && named->how_sure == CH_SURE_LISTED - 1 &&
	    named->list[0].at >= found->failed->end &&
	    named->list[0].at - found->failed->end < LEADS)
		found->leads = true;
}

/* A form that no person writes: a list, a code, ours below it, a field of
 * machines. */
static bool is_formal(const struct ch_notice *notice, const struct evidence *e)
{
	const struct ch_block *header = &notice->message->header;
	const char *submitted = ch_block_get(header, "Auto-Submitted");
	const char *precedence = ch_block_get(header, "Precedence");
	char status[CH_STATUS_SIZE];

	ch_status_find(notice->text, notice->len, status);
	return e->how_sure >= CH_SURE_LISTED || e->leads || e->original ||
	       status[0] || (submitted && ch_fold_prefix(submitted, "auto-")) ||
	       (precedence && (ch_fold_prefix(precedence, "bulk") ||
			       ch_fold_prefix(precedence, "junk")));
}

/* Quoted by a person. */
static bool is_quoted(const struct ch_notice *notice,
		      const struct ch_match *match)
{
	size_t at = match->at;

	while (at > 0 && notice->text[at - 1] != '\n')
		at--;
	return notice->text[at] == '>' || notice->text[at] == '|';
}

/* Where nothing but the words and the subject speak for it. */
static const char *is_returned_by_words(const struct ch_notice *notice,
					const struct evidence *e)
{
	bool names = e->how_sure > CH_SURE_LOOSE;

	if (e->forward || !e->failed || is_quoted(notice, e->failed) ||
	    !is_formal(notice, e))
		return NULL;
	if (e->subject && !e->answers && (names || e->original))
		return "bounce-subject";
	/* A person greets before telling what came; JSON does not. */
	if (!e->answers && e->how_sure >= CH_SURE_FIELD &&
	    (e->in_subject || e->system || e->null_sender ||
	     e->failed->at < AT_ONCE || notice->text[0] == '{'))
		return "fields-in-text";
	if (e->failed->at < EARLY && names && e->in_subject && !e->refers)
		return "bounce-text";
	return NULL;
}

/* The first line whose conditions hold names the rule. */
static const char *is_returned(const struct ch_notice *notice,
			       const struct evidence *e)
{
	bool names = e->how_sure > CH_SURE_LOOSE;
	bool says = e->failed || e->subject || (e->delayed && names);

	/* A name alone is soon given: "Mail Administrator" of a fraud. */
	if (!e->address && !e->null_sender && !e->report)
		says = (e->failed || e->delayed) && (e->original || names);
	if (e->header)
		return "x-failed-recipients";
	if (e->report && (e->system || e->null_sender || says))
		return "report";
	if (e->system && (says || (names && e->reason && is_formal(notice, e))))
		return "mail-system";
	if (e->null_sender && e->failed && (names || e->reason || e->subject))
		return "null-sender";
	if (e->null_sender && e->subject && (names || e->original))
		return "null-sender";
	return is_returned_by_words(notice, e);
}

/* "no ha sido entregado": a word before it makes it the contrary. */
static bool is_denied(const char *text, size_t at)
{
	static const char *const words[] = {
		"not ",	 "never ", "no ",   "non ",    "não ", "nao ",
		"nu ",	 "nie ",   "niet ", "nicht ",  "ikke ", "inte ",
		"ei ",	 "nem ",   "ne ",   "не ",     "δεν ", "לא ",
		"لم ",	 "لم ي",   "لن ",   "لن ي",    "لا ",  "未",
		"没有",	 "没",	   "沒有",  "không ", "chưa ", "belum ",
		"tidak ", "नहीं ",
	};

	for (size_t i = 0; i < CH_COUNT(words); i++) {
		size_t len = strlen(words[i]);
		const char *before = text + at - len;

		if (at < len || strncasecmp(before, words[i], len) != 0)
			continue;
		if (at == len || (unsigned char)words[i][0] >= 0x80 ||
		    !isalpha((unsigned char)before[-1]))
			return true;
	}
	return false;
}

static bool says_delivered(const struct ch_matches *matches, const char *text,
			   size_t to)
{
	const struct ch_match *match;

	for (size_t at = 0; (match = ch_matches_one(matches,
						    CH_MEANS_DELIVERED, at,
						    to));
	     at = match->at + 1)
		if (!is_denied(text, match->at))
			return true;
	return false;
}

/* A notice of success: it says so, and of no failure. */
static bool is_delivered(const struct ch_notice *notice,
			 const struct evidence *e)
{
	return (e->how_sure >= CH_SURE_FIELD || e->system || e->null_sender ||
		e->report) &&
	       !e->failed && !e->delayed &&
	       (says_delivered(&notice->said, notice->text, notice->len) ||
		says_delivered(&notice->subject, notice->message->subject,
			       SIZE_MAX));
}

/* "Read: …" before the subject of ours, and a text that says so too. */
const char *ch_rule_read(const struct ch_notice *notice)
{
	if (!ch_matches_one(&notice->subject, CH_MEANS_READ, 0, 1) &&
	    !ch_matches_one(&notice->subject, CH_MEANS_UNREAD, 0, 1))
		return NULL;
	if (!ch_matches_one(&notice->said, CH_MEANS_READ, 0, notice->len) &&
	    !ch_matches_one(&notice->said, CH_MEANS_UNREAD, 0, notice->len))
		return NULL;
	return "receipt-text";
}

/* ---- one recipient ----------------------------------------------------- */

/* The line in which `at` stands. */
static struct ch_slice line_of(const struct ch_notice *notice, size_t at)
{
	const char *text = notice->text;
	size_t from = at;
	size_t to = at;

	while (from > 0 && text[from - 1] != '\n' && at - from < 400)
		from--;
	while (to < notice->len && text[to] != '\n' && to - at < 400)
		to++;
	return (struct ch_slice){ text + from, to - from };
}

/* Where else the text speaks of this address: the range from there to the next
 * empty line, of the first such place that has a code or a reason. */
static bool find_elsewhere(const struct ch_notice *notice,
			   const struct ch_named *named, size_t *ret_from,
			   size_t *ret_to)
{
	CH_AUTOCHAR address = ch_slice_dup(named->address);
	const char *text = notice->text;
	const char *at = text + named->to;
	size_t tries = 0;

	while ((at = strcasestr(at, address)) && ++tries < 20 &&
	       (size_t)(at - text) < notice->len) {
		struct ch_slice line = line_of(notice, (size_t)(at - text));
		size_t from = (size_t)(line.data - text);
		size_t to = from + line.len;

		if (ch_matches_reason(&notice->said, from, to)) {
			*ret_from = from;
			*ret_to = to;
			return true;
		}
		at += strlen(address);
	}
	return false;
}

static void set_status(const struct ch_notice *notice, size_t from, size_t to,
		       struct ch_reported *reported)
{
	char found[CH_STATUS_SIZE];

	ch_status_find(notice->text + from, to - from, found);
	if (found[0] && ch_status_is_vague(reported->status))
		memcpy(reported->status, found, CH_STATUS_SIZE);
}

/* What the text says between two offsets. */
static void set_reason(const struct ch_notice *notice, size_t from, size_t to,
		       struct ch_reported *reported)
{
	const struct ch_match *why = ch_matches_reason(&notice->said, from, to);

	set_status(notice, from, to, reported);
	reported->reason =
	    ch_reason_decide(reported->status, &notice->said, from, to);
	if (!why || reported->diagnostic[0])
		return;
	free(reported->diagnostic);
	reported->diagnostic = ch_diagnostic(line_of(notice, why->at).data,
					     line_of(notice, why->at).len);
}

static void add_one(const struct ch_notice *notice,
		    const struct ch_named *named, bool alone,
		    enum ch_return_kind kind, struct ch_classified *ret)
{
	struct ch_reported *reported = ch_classified_add(
	    ret, ch_slice_dup(named->address), ch_xstrdup(""));
	size_t from = named->from;
	size_t to = named->to;

	if (!reported)
		return;
	reported->kind = kind;
	if (kind != CH_RETURN_BOUNCE_SOFT && kind != CH_RETURN_DELAYED)
		return;
	set_reason(notice, from, to, reported);
	if ((!reported->reason || !reported->status[0]) && !alone &&
	    find_elsewhere(notice, named, &from, &to))
		set_reason(notice, from, to, reported);
	if (!reported->reason || (alone && !reported->status[0]))
		set_reason(notice, 0, notice->len, reported);
	if (kind != CH_RETURN_DELAYED &&
	    ch_reason_is_hard(reported->reason, reported->status))
		reported->kind = CH_RETURN_BOUNCE_HARD;
}

/* A report that names nobody. */
static void decide_alone(const struct ch_notice *notice,
			 enum ch_return_kind kind, struct ch_classified *ret)
{
	char status[CH_STATUS_SIZE];

	ret->kind = kind;
	if (kind != CH_RETURN_BOUNCE_SOFT && kind != CH_RETURN_DELAYED)
		return;
	ch_status_find(notice->text, notice->len, status);
	ret->reason = ch_reason_decide(status, &notice->said, 0, notice->len);
	if (kind != CH_RETURN_DELAYED && ch_reason_is_hard(ret->reason, status))
		ret->kind = CH_RETURN_BOUNCE_HARD;
}

static void fill(const struct ch_notice *notice,
		 const struct ch_named_list *named, enum ch_return_kind kind,
		 struct ch_classified *ret)
{
	ret->loose = named->how_sure <= CH_SURE_LOOSE;
	for (size_t i = 0; i < named->len; i++)
		add_one(notice, &named->list[i], named->len == 1, kind, ret);
	if (ret->len)
		ch_classified_worst(ret);
	else
		decide_alone(notice, kind, ret);
}

bool ch_rule_words(const struct ch_notice *notice, struct ch_classified *ret)
{
	struct ch_named_list named;
	struct evidence found;

	ch_named_find(notice, &named);
	gather(notice, &named, &found);
	if (found.how_sure >= CH_SURE_FIELD &&
	    ch_matches_one(&notice->said, CH_MEANS_COMPLAINT, 0, notice->len)) {
		ret->rule = "complaint-text";
		fill(notice, &named, CH_RETURN_ARF, ret);
	} else if (is_delivered(notice, &found)) {
		ret->rule = "delivered-text";
		fill(notice, &named, CH_RETURN_DELIVERED, ret);
	} else if ((ret->rule = is_returned(notice, &found))) {
		const struct ch_match *said =
		    found.failed ? found.failed : found.subject;

		if (said)
			ret->phrase = said->rule->text;
		fill(notice, &named,
		     found.delayed ? CH_RETURN_DELAYED : CH_RETURN_BOUNCE_SOFT,
		     ret);
	}
	ch_named_release(&named);
	return ret->rule != NULL;
}
