// SPDX-License-Identifier: GPL-3.0-or-later
/* hardness.c - does a failure say that the address is no use?
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

static size_t digits(const char *text)
{
	size_t len = 0;

	while (isdigit((unsigned char)text[len]))
		len++;
	return len;
}

/* status-code = class "." subject "." detail; class = "2"/"4"/"5";
 * subject, detail = 1*3digit (RFC 3463 section 2) */
static size_t status_len(const char *text)
{
	size_t subject, detail;

	if (!strchr("245", text[0]) || !text[0] || text[1] != '.')
		return 0;
	subject = digits(text + 2);
	if (subject < 1 || subject > 3 || text[2 + subject] != '.')
		return 0;
	detail = digits(text + 3 + subject);
	if (detail < 1 || detail > 3)
		return 0;
	return 3 + subject + detail;
}

void ch_status_find(const char *text, char out[CH_STATUS_SIZE])
{
	out[0] = '\0';
	for (const char *at = text; *at; at++) {
		size_t len = status_len(at);
		char before = at > text ? at[-1] : ' ';

		if (!len || isalnum((unsigned char)before) || before == '.' ||
		    before == '-' || at[len] == '.' ||
		    isalnum((unsigned char)at[len]))
			continue;
		memcpy(out, at, len);
		out[len] = '\0';
		return;
	}
}

/* Words that mean: no such mailbox, no such domain, or closed for good. */
static const char *const hard_words[] = {
	"user unknown", "unknown user", "no such user", "no such recipient",
	"no such mailbox", "no such address", "no such person", "no such account",
	"recipient unknown", "unknown recipient", "unknown address",
	"unknown mailbox", "unknown account", "unknown local", "address unknown",
	"mailbox unknown", "account unknown", "does not exist", "doesn't exist",
	"do not exist", "not exist", "nonexistent", "non-existent",
	"user not found", "recipient not found", "mailbox not found",
	"account not found", "address not found", "not found by smtp address lookup",
	"no mailbox here", "no mailbox by that name", "mailbox not available",
	"mailbox unavailable or access denied", "not our customer",
	"invalid recipient", "invalid mailbox", "invalid user", "invalid address",
	"bad destination mailbox", "unrouteable address", "unroutable address",
	"not a valid mailbox", "not a valid user", "not listed in",
	"user is unknown", "is not a known user", "isn't a known user",
	"recipient address rejected: user", "recipientnotfound",
	"has been disabled", "account disabled", "mailbox disabled",
	"account is disabled", "account has been deactivated",
	"account that you tried to reach is disabled",
	"no longer valid", "no longer available", "no longer in use",
	"no longer active", "no longer here", "has moved", "mailbox is inactive",
	"inactive user", "account is not active", "account inactive",
	"account closed", "account has been closed",
	"host not found", "host or domain name not found", "domain not found",
	"no such domain", "unknown host", "host unknown", "name or service not known",
	"domain name not found", "no mx", "null mx", "does not accept mail",
	"doesn't accept mail", "not accept email", "name service error",
	"unrouteable mail domain", "unrouteable domain",
	"user doesn't have a", "not a local user", "no account",
	"requested action not taken: mailbox unavailable",
	"recipient address rejected: access denied", "no user here", "not known here", "name not recognised",
	"not a recognised", "not a recognized", "not in directory",
	"not listed in public name", "not listed in domino", "unknown or illegal alias",
	"illegal alias", "user invalid", "mailbox does not",
};

/* Words that mean something passing or a policy, whatever else is said. */
static const char *const soft_words[] = {
	"quota", "mailbox full", "mailbox is full", "mailbox for", "over size",
	"spam", "blocked", "blacklist", "block list", "blocklist", "blocked using",
	"reputation", "policy", "dmarc", "spf", "too large", "too big",
	"message size", "exceeds", "virus", "try again", "temporar",
	"timed out", "timeout", "rate limit", "too many", "relay", "expired",
	"insufficient", "greylist", "content rejected", "sender address rejected",
	"sender rejected", "sender denied", "reverse dns", "ptr record", "mail loop",
	"too many hops", "not authorized", "not authorised", "not permitted",
	"sender domain", "banned", "spamhaus", "server reply",
};

static bool has_one(const char *text, const char *const *words, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (ch_fold_contains(text, words[i]))
			return true;
	return false;
}

/* What the code alone decides; the words do for all others. */
enum verdict { HARD, SOFT, WORDS };

static enum verdict code_verdict(const char *code)
{
	static const struct {
		const char *code; /* subject.detail */
		enum verdict verdict;
	} known[] = {
		{ "1.1", HARD }, /* no such mailbox */
		{ "1.2", HARD }, /* no such system */
		{ "1.3", HARD }, /* bad syntax */
		{ "1.6", HARD }, /* moved */
		{ "1.10", HARD }, /* null MX (RFC 7505) */
		{ "1.7", SOFT }, /* of the sender */
		{ "1.8", SOFT }, /* of the sender */
		{ "2.2", SOFT }, /* full */
		{ "2.3", SOFT }, /* too long */
		{ "2.4", SOFT }, /* list expansion */
		{ "4.4", HARD }, /* unable to route: no such domain */
	};

	for (size_t i = 0; i < CH_COUNT(known); i++)
		if (strcmp(known[i].code, code) == 0)
			return known[i].verdict;
	return WORDS;
}

bool ch_is_hard(const char *status, const char *text)
{
	bool hard = has_one(text, hard_words, CH_COUNT(hard_words));
	bool soft = has_one(text, soft_words, CH_COUNT(soft_words));
	enum verdict verdict = status[0] ? code_verdict(status + 2) : WORDS;

	if (status[0] == '4') /* tried for days, and he was not there */
		return strcmp(status, "4.1.1") == 0 && hard && !soft;
	if (verdict == WORDS)
		return hard && !soft;
	/* Servers say "5.1.1 over quota" too. */
	return verdict == HARD && (hard || !soft);
}
