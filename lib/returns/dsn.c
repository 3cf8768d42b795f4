// SPDX-License-Identifier: GPL-3.0-or-later
/* dsn.c - delivery status notifications (RFC 3464, RFC 6533). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "base/mem.h"
#include "mail/alabel.h"
#include "returns/returns-private.h"

/* generic-address = address-type ";" address (RFC 3464 section 2.1.2). The
 * address, or NULL where it is of a type that is no mail address. */
static const char *address_of(const char *value)
{
	static const char *const mail[] = { "rfc822",	"utf-8",   "smtp",
					    "internet", "rfc-822", "rfc2822" };
	const char *semicolon = value ? strchr(value, ';') : NULL;
	size_t len;

	if (!semicolon)
		return value;
	len = (size_t)(semicolon - value);
	while (len && isspace((unsigned char)value[len - 1]))
		len--;
	for (size_t i = 0; i < CH_COUNT(mail); i++)
		if (strlen(mail[i]) == len &&
		    strncasecmp(value, mail[i], len) == 0)
			return semicolon + 1;
	return NULL;
}

/* A local user has no "@": his name up to white space. */
static char *bare_name(const char *value)
{
	CH_AUTO(ch_str) clean = CH_STR_INIT(400);
	size_t len;

	value += strspn(value, " \t<");
	len = strcspn(value, " \t<>");
	if (!len || len > 120 || *value == '@')
		return NULL;
	ch_escape_utf8(&clean, value, len);
	return ch_str_take(&clean);
}

/* EmbeddedUnicodeChar = "\x{" HEXPOINT "}" (RFC 6533 section 3): a character
 * that had no place in the form of a "utf-8" address. What is none stays. */
static void unescape(const char *value, struct ch_str *out)
{
	while (*value) {
		char *end = NULL;
		unsigned long cp = 0;

		if (strncmp(value, "\\x{", 3) == 0 &&
		    isxdigit((unsigned char)value[3]))
			cp = strtoul(value + 3, &end, 16);
		if (end && *end == '}' && end - value <= 9 && cp > 0x20 &&
		    cp < 0x110000 && (cp < 0xD800 || cp > 0xDFFF)) {
			ch_str_add_utf8(out, (unsigned int)cp);
			value = end + 1;
		} else {
			ch_str_add_mem(out, value++, 1);
		}
	}
}

/* As it stands in our store: with the domain in A-labels, which a server that
 * speaks SMTPUTF8 may give as people write it. */
static char *as_stored(char *found)
{
	CH_AUTO(ch_str) stored = CH_STR_INIT(1000);
	const char *at = strrchr(found, '@');

	if (!at || !ch_slice_has_utf8(ch_slice_of(at)))
		return found;
	ch_str_add_mem(&stored, found, (size_t)(at + 1 - found));
	if (ch_alabel_domain(ch_slice_of(at + 1), &stored) < 0)
		return found;
	free(found);
	return ch_str_take(&stored);
}

static char *read_address(const char *value)
{
	const char *address = address_of(value);
	CH_AUTO(ch_str) plain = CH_STR_INIT(2000);
	char *found;

	if (!address)
		return NULL;
	if (strchr(address, '\\') && ch_fold_prefix(value, "utf-8")) {
		unescape(address, &plain);
		address = ch_str_cstr(&plain);
	}
	found = ch_message_address(address);
	if (found[0])
		return as_stored(found);
	free(found);
	return bare_name(address);
}

/* An address of another type, as it stands. */
static char *read_foreign(const char *value)
{
	const char *semicolon = strchr(value, ';');

	return bare_name(semicolon ? semicolon + 1 : value);
}

/* As we sent it is best: it is in our store. */
static char *recipient_of(const struct ch_block *group)
{
	static const char *const names[] = { "Original-Recipient",
					     "Final-Recipient",
					     "X-Actual-Recipient" };

	for (size_t i = 0; i < CH_COUNT(names); i++) {
		const char *value = ch_block_get(group, names[i]);
		char *address = value ? read_address(value) : NULL;

		if (address)
			return address;
	}
	if (ch_block_get(group, "Final-Recipient"))
		return read_foreign(ch_block_get(group, "Final-Recipient"));
	return NULL;
}

enum action { FAILED, DELAYED, DELIVERED, UNSAID };

/* action-value = "failed" / "delayed" / "delivered" / "relayed" / "expanded"
 * (RFC 3464 section 2.3.3); the class of the status says it where the field
 * lacks. */
static enum action action_of(const struct ch_block *group, const char *status)
{
	static const struct {
		const char *word;
		enum action action;
	} words[] = {
		{ "fail", FAILED },	  { "delay", DELAYED },
		{ "deliver", DELIVERED }, { "relay", DELIVERED },
		{ "expand", DELIVERED },
	};
	const char *value = ch_block_get(group, "Action");

	for (size_t i = 0; value && i < CH_COUNT(words); i++)
		if (ch_fold_prefix(value, words[i].word))
			return words[i].action;
	if (status[0] == '2')
		return DELIVERED;
	if (status[0] == '4')
		return DELAYED;
	return status[0] == '5' ? FAILED : UNSAID;
}

/* The status as reported; where it says nothing, the code that the other
 * server gave with its reply, if that is of the same class. */
static void read_status(const struct ch_block *group, const char *diagnostic,
			char out[CH_STATUS_SIZE])
{
	const char *value = ch_block_get(group, "Status");
	char closer[CH_STATUS_SIZE];

	ch_status_find(value ? value : "", value ? strlen(value) : 0, out);
	if (!ch_status_is_vague(out))
		return;
	ch_status_find(diagnostic, strlen(diagnostic), closer);
	if (!ch_status_is_vague(closer) && (!out[0] || out[0] == closer[0]))
		memcpy(out, closer, CH_STATUS_SIZE);
}

/* The text of the reply; "smtp;" before it tells nobody anything. */
static const char *reply_of(const struct ch_block *group)
{
	const char *value = ch_block_get(group, "Diagnostic-Code");
	size_t type;

	if (!value)
		return "";
	type = strcspn(value, "; \t");
	if (value[type] == ';')
		value += type + 1;
	return value + strspn(value, " \t");
}

/* Where a server leaves Diagnostic-Code out (OpenSMTPD does), it often stands
 * in the text for people, on the line that begins with the address. */
static const char *line_about(const char *text, const char *address)
{
	size_t len = strlen(address);

	while (*text) {
		const char *line = text + strspn(text, " \t<");

		if (strncasecmp(line, address, len) == 0) {
			line += len;
			line += strspn(line, ">: \t");
			return line;
		}
		text += strcspn(text, "\n");
		text += strspn(text, "\n");
	}
	return "";
}

char *ch_diagnostic(const char *text, size_t len)
{
	CH_AUTO(ch_str) clean = CH_STR_INIT(3 * CH_DIAGNOSTIC_MAX);
	CH_AUTO(ch_str) line = CH_STR_INIT(CH_DIAGNOSTIC_MAX);
	bool space = false;

	for (size_t i = 0; i < len && line.len < CH_DIAGNOSTIC_MAX - 1; i++) {
		bool blank = strchr(" \t\r\n", text[i]) != NULL;

		if (!blank && space && line.len)
			ch_str_add_char(&line, ' ');
		if (!blank)
			ch_str_add_char(&line, text[i]);
		space = blank;
	}
	for (len = line.len; len < line.max && len; len--)
		if (((unsigned char)line.data[len - 1] & 0xC0) != 0xC0)
			break;
	ch_escape_utf8(&clean, ch_str_cstr(&line), line.len);
	for (len = clean.len; len > CH_DIAGNOSTIC_MAX;)
		while (((unsigned char)clean.data[--len] & 0xC0) == 0x80)
			;
	ch_str_truncate(&clean, len);
	return clean.len ? ch_str_take(&clean) : ch_xstrdup("");
}

static char *read_diagnostic(const struct ch_message *message,
			     const struct ch_block *group, const char *address)
{
	const char *reply = reply_of(group);

	if (!*reply)
		reply = line_about(message->text, address);
	return ch_diagnostic(reply, strcspn(reply, "\n"));
}

static enum ch_return_kind kind_of(enum action action, enum ch_reason reason,
				   const char *status)
{
	switch (action) {
	case DELAYED:
		return CH_RETURN_DELAYED;
	case DELIVERED:
		return CH_RETURN_DELIVERED;
	case FAILED:
	case UNSAID:
		break;
	}
	return ch_reason_is_hard(reason, status) ? CH_RETURN_BOUNCE_HARD
						 : CH_RETURN_BOUNCE_SOFT;
}

struct ch_reported *ch_classified_add(struct ch_classified *classified,
				      char *address, char *diagnostic)
{
	struct ch_reported *reported;

	if (classified->len == CH_REPORTED_MAX) {
		free(address);
		free(diagnostic);
		return NULL;
	}
	CH_GROW(classified->recipients, classified->len, classified->cap);
	reported = &classified->recipients[classified->len++];
	*reported = (struct ch_reported){
		.address = address,
		.diagnostic = diagnostic,
	};
	return reported;
}

/* By the reply, and where that tells nothing, by the text for people. */
static enum ch_reason read_reason(const struct ch_notice *notice,
				  const struct ch_reported *reported)
{
	struct ch_matches said;
	enum ch_reason reason;

	ch_matches_find(notice->rules, reported->diagnostic,
			strlen(reported->diagnostic), &said);
	reason = ch_reason_decide(reported->status, &said, 0, SIZE_MAX);
	ch_matches_release(&said);
	if (reason == CH_REASON_UNDEFINED && notice->message->delivery_len <= 2)
		reason = ch_reason_decide(reported->status, &notice->said, 0,
					  notice->len);
	return reason;
}

static void read_group(const struct ch_notice *notice,
		       const struct ch_block *group, struct ch_classified *ret)
{
	char *address = recipient_of(group);
	struct ch_reported *reported;
	enum action action;

	if (!address)
		return;
	reported = ch_classified_add(
	    ret, address, read_diagnostic(notice->message, group, address));
	if (!reported)
		return;
	read_status(group, reported->diagnostic, reported->status);
	action = action_of(group, reported->status);
	if (action != DELIVERED)
		reported->reason = read_reason(notice, reported);
	reported->kind = kind_of(action, reported->reason, reported->status);
}

/* A hard bounce among soft ones among delays is what has to be seen; the enum
 * has them in that order. */
void ch_classified_worst(struct ch_classified *classified)
{
	classified->kind = CH_RETURN_DELIVERED;
	for (size_t i = 0; i < classified->len; i++) {
		const struct ch_reported *one = &classified->recipients[i];

		if (i > 0 && one->kind >= classified->kind)
			continue;
		classified->kind = one->kind;
		classified->reason = one->reason;
	}
}

bool ch_rule_dsn(const struct ch_notice *notice, struct ch_classified *ret)
{
	const struct ch_message *message = notice->message;

	for (size_t i = 0; i < message->delivery_len; i++)
		read_group(notice, &message->delivery[i], ret);
	if (!ret->len)
		return false;
	ch_classified_worst(ret);
	ret->rule = "dsn";
	return true;
}
