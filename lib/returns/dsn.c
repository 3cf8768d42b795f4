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
	static const char *const mail[] = { "rfc822", "utf-8", "smtp",
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
	if (!len || len > 120)
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
		{ "fail", FAILED },	   { "delay", DELAYED },
		{ "deliver", DELIVERED },  { "relay", DELIVERED },
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

/* Whether the code says no more than its class. */
static bool is_vague(const char *status)
{
	return !status[0] || strcmp(status + 1, ".0.0") == 0;
}

/* The status as reported; where it says nothing, the code that the other
 * server gave with its reply, if that is of the same class. */
static void read_status(const struct ch_block *group, const char *diagnostic,
			char out[CH_STATUS_SIZE])
{
	const char *value = ch_block_get(group, "Status");
	char closer[CH_STATUS_SIZE];

	ch_status_find(value ? value : "", out);
	if (!is_vague(out))
		return;
	ch_status_find(diagnostic, closer);
	if (closer[0] && !is_vague(closer) && (!out[0] || out[0] == closer[0]))
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

static char *read_diagnostic(const struct ch_message *message,
			     const struct ch_block *group, const char *address)
{
	CH_AUTO(ch_str) clean = CH_STR_INIT(3 * CH_DIAGNOSTIC_MAX);
	const char *reply = reply_of(group);
	size_t len;

	if (!*reply)
		reply = line_about(message->text, address);
	len = strcspn(reply, "\n");
	ch_escape_utf8(&clean, reply,
		       len < CH_DIAGNOSTIC_MAX ? len : CH_DIAGNOSTIC_MAX);
	for (len = clean.len; len > CH_DIAGNOSTIC_MAX;)
		while (((unsigned char)clean.data[--len] & 0xC0) == 0x80)
			;
	ch_str_truncate(&clean, len);
	return ch_str_take(&clean);
}

static enum ch_return_kind kind_of(enum action action, const char *status,
				   const char *diagnostic)
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
	return ch_is_hard(status, diagnostic) ? CH_RETURN_BOUNCE_HARD
					      : CH_RETURN_BOUNCE_SOFT;
}

static void read_group(const struct ch_message *message,
		       const struct ch_block *group, struct ch_classified *ret)
{
	char *address = recipient_of(group);
	struct ch_reported *reported;
	enum action action;

	if (!address)
		return;
	CH_GROW(ret->recipients, ret->len, ret->cap);
	reported = &ret->recipients[ret->len];
	*reported = (struct ch_reported){
		.address = address,
		.diagnostic = read_diagnostic(message, group, address),
	};
	read_status(group, reported->diagnostic, reported->status);
	action = action_of(group, reported->status);
	reported->kind =
		kind_of(action, reported->status, reported->diagnostic);
	ret->len++;
}

/* A hard bounce among soft ones among delays is what has to be seen; the enum
 * has them in that order. */
static void worst_of(struct ch_classified *ret)
{
	ret->kind = CH_RETURN_DELIVERED;
	for (size_t i = 0; i < ret->len; i++)
		if (ret->recipients[i].kind < ret->kind)
			ret->kind = ret->recipients[i].kind;
}

bool ch_rule_dsn(const struct ch_message *message, struct ch_classified *ret)
{
	for (size_t i = 0; i < message->delivery_len; i++)
		read_group(message, &message->delivery[i], ret);
	if (!ret->len)
		return false;
	worst_of(ret);
	ret->rule = "dsn";
	return true;
}
