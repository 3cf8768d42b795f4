// SPDX-License-Identifier: GPL-3.0-or-later
/* reason.c - why it failed, and whether the address is no use.
 *
 * The status code decides where it is precise (RFC 3463, RFC 7505). Where it
 * only says "failed" (5.0.0), or says a thing that servers say of any cause
 * (5.7.1, 5.4.1), the words behind it decide; and where they say nothing, the
 * failure is soft: somebody looks, and no address is thrown away.
 */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "returns/returns-private.h"

static size_t digits(const char *text, const char *end)
{
	size_t len = 0;

	while (text + len < end && isdigit((unsigned char)text[len]))
		len++;
	return len;
}

/* status-code = class "." subject "." detail; class = "2"/"4"/"5";
 * subject, detail = 1*3digit (RFC 3463 section 2) */
static size_t status_len(const char *text, const char *end)
{
	size_t subject, detail;

	if (end - text < 5 || text[1] != '.' ||
	    (text[0] != '2' && text[0] != '4' && text[0] != '5'))
		return 0;
	subject = digits(text + 2, end);
	if (subject < 1 || subject > 3 || text + 2 + subject >= end ||
	    text[2 + subject] != '.')
		return 0;
	detail = digits(text + 3 + subject, end);
	if (detail < 1 || detail > 3)
		return 0;
	return 3 + subject + detail;
}

bool ch_status_is_vague(const char *status)
{
	return !status[0] || strcmp(status + 1, ".0.0") == 0;
}

/* One that says more than its class is better. */
void ch_status_find(const char *text, size_t len, char out[CH_STATUS_SIZE])
{
	const char *end = text + len;

	out[0] = '\0';
	for (const char *at = text; at < end; at++) {
		size_t size = status_len(at, end);
		char before = at > text ? at[-1] : ' ';
		char after = at + size < end ? at[size] : ' ';

		if (!size || isalnum((unsigned char)before) || before == '.' ||
		    before == '-' || isalnum((unsigned char)after) ||
		    (after == '.' && at + size + 1 < end &&
		     isdigit((unsigned char)at[size + 1])))
			continue;
		if (out[0] && (at[0] == '2' || size >= CH_STATUS_SIZE))
			continue;
		memcpy(out, at, size);
		out[size] = '\0';
		if (!ch_status_is_vague(out) && out[0] != '2')
			return;
	}
}

/* What a code alone says; UNDEFINED where servers use it for anything. */
static const struct code {
	const char *code; /* subject.detail */
	enum ch_reason reason;
	bool sure; /* whatever the words say */
} codes[] = {
	{ "1.1", CH_REASON_USER_UNKNOWN, false },
	{ "1.2", CH_REASON_HOST_UNKNOWN, false },
	{ "1.3", CH_REASON_USER_UNKNOWN, false }, /* bad syntax */
	{ "1.4", CH_REASON_USER_UNKNOWN, false }, /* ambiguous */
	{ "1.6", CH_REASON_USER_UNKNOWN, false }, /* moved */
	{ "1.7", CH_REASON_POLICY, true },	  /* of the sender */
	{ "1.8", CH_REASON_POLICY, true },
	{ "1.10", CH_REASON_HOST_UNKNOWN, false }, /* null MX (RFC 7505) */
	{ "2.1", CH_REASON_MAILBOX_DISABLED, false },
	{ "2.2", CH_REASON_MAILBOX_FULL, true },
	{ "2.3", CH_REASON_TOO_LARGE, true },
	{ "3.1", CH_REASON_SYSTEM, false },
	{ "3.2", CH_REASON_NETWORK, false },
	{ "3.4", CH_REASON_TOO_LARGE, true },
	{ "4.1", CH_REASON_NETWORK, false },
	{ "4.2", CH_REASON_NETWORK, false },
	{ "4.3", CH_REASON_NETWORK, false },
	{ "4.4", CH_REASON_HOST_UNKNOWN, false }, /* unable to route */
	{ "4.6", CH_REASON_LOOP, false },
	{ "4.7", CH_REASON_EXPIRED, true },
	{ "4.14", CH_REASON_LOOP, false },
	{ "6.0", CH_REASON_CONTENT, false },
	{ "6.1", CH_REASON_CONTENT, false },
	{ "7.1", CH_REASON_POLICY, false },
	{ "7.8", CH_REASON_AUTHENTICATION, true },
	{ "7.9", CH_REASON_AUTHENTICATION, true },
	{ "7.20", CH_REASON_AUTHENTICATION, true }, /* RFC 7372 */
	{ "7.21", CH_REASON_AUTHENTICATION, true },
	{ "7.22", CH_REASON_AUTHENTICATION, true },
	{ "7.23", CH_REASON_AUTHENTICATION, true },
	{ "7.24", CH_REASON_AUTHENTICATION, true },
	{ "7.25", CH_REASON_AUTHENTICATION, true },
	{ "7.26", CH_REASON_AUTHENTICATION, true },
	{ "7.27", CH_REASON_HOST_UNKNOWN, false }, /* sender has a null MX */
	{ "7.509", CH_REASON_AUTHENTICATION, true },
	{ "7.515", CH_REASON_AUTHENTICATION, true },
};

static const struct code *code_of(const char *status)
{
	for (size_t i = 0; status[0] && i < CH_COUNT(codes); i++)
		if (strcmp(codes[i].code, status + 2) == 0)
			return &codes[i];
	return NULL;
}

static enum ch_reason reason_of(enum ch_meaning means)
{
	static const enum ch_reason reasons[] = {
		[CH_MEANS_FULL] = CH_REASON_MAILBOX_FULL,
		[CH_MEANS_TOO_LARGE] = CH_REASON_TOO_LARGE,
		[CH_MEANS_AUTHENTICATION] = CH_REASON_AUTHENTICATION,
		[CH_MEANS_SPAM] = CH_REASON_SPAM,
		[CH_MEANS_CONTENT] = CH_REASON_CONTENT,
		[CH_MEANS_RATE] = CH_REASON_RATE,
		[CH_MEANS_LOOP] = CH_REASON_LOOP,
		[CH_MEANS_SENDER] = CH_REASON_POLICY,
		[CH_MEANS_DISABLED] = CH_REASON_MAILBOX_DISABLED,
		[CH_MEANS_LOOKUP] = CH_REASON_NETWORK,
		[CH_MEANS_NO_MAIL] = CH_REASON_HOST_UNKNOWN,
		[CH_MEANS_HOST_UNKNOWN] = CH_REASON_HOST_UNKNOWN,
		[CH_MEANS_USER_UNKNOWN] = CH_REASON_USER_UNKNOWN,
		[CH_MEANS_SPAM_WORD] = CH_REASON_SPAM,
		[CH_MEANS_CONTENT_WORD] = CH_REASON_CONTENT,
		[CH_MEANS_POLICY] = CH_REASON_POLICY,
		[CH_MEANS_NETWORK] = CH_REASON_NETWORK,
		[CH_MEANS_EXPIRED] = CH_REASON_EXPIRED,
		[CH_MEANS_SYSTEM] = CH_REASON_SYSTEM,
		[CH_MEANS_REFUSED] = CH_REASON_POLICY,
	};

	return reasons[means];
}

static bool is_gone(enum ch_reason reason)
{
	return reason == CH_REASON_USER_UNKNOWN ||
	       reason == CH_REASON_HOST_UNKNOWN;
}

enum ch_reason ch_reason_decide(const char *status,
				const struct ch_matches *matches, size_t from,
				size_t to)
{
	const struct ch_match *said = ch_matches_reason(matches, from, to);
	const struct code *code = code_of(status);
	bool gone = ch_matches_one(matches, CH_MEANS_USER_UNKNOWN, from, to) ||
		    ch_matches_one(matches, CH_MEANS_HOST_UNKNOWN, from, to);

	if (code && code->sure)
		return code->reason;
	if (!said)
		return code ? code->reason : CH_REASON_UNDEFINED;
	/* "5.1.1 over quota" is said too; "5.1.1 no such user, rejected by
	 * policy" is clear, and so is "5.1.1 rejected". */
	if (code && is_gone(code->reason) &&
	    (gone || said->rule->means > CH_MEANS_USER_UNKNOWN) &&
	    said->rule->means != CH_MEANS_FULL &&
	    said->rule->means != CH_MEANS_LOOKUP)
		return code->reason;
	return reason_of(said->rule->means);
}

/* A code of class 4 that was tried for days is no verdict on the address. */
bool ch_reason_is_hard(enum ch_reason reason, const char *status)
{
	if (status[0] == '4' && strcmp(status, "4.1.1") != 0)
		return false;
	return is_gone(reason) || reason == CH_REASON_MAILBOX_DISABLED;
}

const char *ch_reason_name(enum ch_reason reason)
{
	static const char *const names[] = {
		[CH_REASON_UNDEFINED] = "undefined",
		[CH_REASON_USER_UNKNOWN] = "user unknown",
		[CH_REASON_HOST_UNKNOWN] = "host unknown",
		[CH_REASON_MAILBOX_FULL] = "mailbox full",
		[CH_REASON_MAILBOX_DISABLED] = "mailbox disabled",
		[CH_REASON_TOO_LARGE] = "too large",
		[CH_REASON_POLICY] = "policy",
		[CH_REASON_SPAM] = "spam",
		[CH_REASON_AUTHENTICATION] = "authentication",
		[CH_REASON_RATE] = "rate",
		[CH_REASON_NETWORK] = "network",
		[CH_REASON_EXPIRED] = "expired",
		[CH_REASON_CONTENT] = "content",
		[CH_REASON_LOOP] = "loop",
		[CH_REASON_SYSTEM] = "system",
		[CH_REASON_CHALLENGE] = "challenge",
	};

	return names[reason];
}
