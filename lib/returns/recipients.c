// SPDX-License-Identifier: GPL-3.0-or-later
/* recipients.c - the addresses that a text says it could not reach.
 *
 * Every address in it is looked at once and given a form: a field for machines,
 * the beginning of a line, behind words that lead to one, beside a reason.
 * Those of the best form that occurs are meant; all others are explanation. Our
 * own address and those of postmasters are passed over.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "returns/returns-private.h"

#define OWN_MAX 16
#define LINE_MAX_BYTES 2000 /* looked at before an address */

enum form {
	NOTHING,
	HELPER, /* of somebody who helps, by its name */
	ANYWHERE,
	BESIDE_REASON, /* = CH_SURE_LOOSE */
	BEHIND_WORDS,
	LINE,
	LISTED,
	FIELD,
	HEADER, /* X-Failed-Recipients */
};

struct finder {
	const struct ch_notice *notice;
	struct ch_named_list *named;
	enum form best;
	struct ch_named_list failed;  /* owned until it is the list */
	struct ch_slice own[OWN_MAX]; /* addresses that are not meant */
	size_t own_len;
	size_t counted; /* by count_one() */
};

static bool is_local(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 ||
	       (c && strchr("!#$%&'*+-/=?^_`{|}~.", c));
}

static bool is_domain(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 ||
	       c == '-' || c == '.' || c == '_';
}

static bool has_prefix(const char *text, size_t len, const char *prefix)
{
	size_t size = strlen(prefix);

	return size < len && strncasecmp(text, prefix, size) == 0;
}

/* Full-width and typographic marks are no letters of an address: U+00A0,
 * U+2000-206F, U+3000-303F, U+FF00-FF0F, U+FF1A-FF20. How long it is, or 0. */
static size_t mark_len(const char *text, size_t len)
{
	uint32_t cp = 0;
	size_t used = ch_utf8_decode(text, len, &cp);

	if (cp == 0xA0 || (cp >= 0x2000 && cp <= 0x206F) ||
	    (cp >= 0x3000 && cp <= 0x303F) || (cp >= 0xFF00 && cp <= 0xFF0F) ||
	    (cp >= 0xFF1A && cp <= 0xFF20))
		return used;
	return 0;
}

/* Where it begins: behind such a mark, and behind the words of a language that
 * writes no spaces, where the rest is ASCII. */
static size_t begin_of_local(const char *text, size_t from, size_t at)
{
	size_t begin = from;
	size_t wide = from;

	for (size_t i = from; i < at; i++)
		if (mark_len(text + i, at - i))
			begin = wide = i + mark_len(text + i, at - i);
	for (size_t i = begin; i < at; i++)
		if ((unsigned char)text[i] >= 0x80)
			wide = i + 1;
	if (wide > begin && wide < at && (unsigned char)text[begin] >= 0xE3)
		return wide;
	return begin;
}

/* Where it ends: at such a mark, or where a last label of ASCII goes on in a
 * script that writes no spaces (from U+3000 on). */
static size_t end_of_domain(const char *text, size_t from, size_t to)
{
	size_t label = from;

	for (size_t i = from; i < to; i++)
		if (mark_len(text + i, to - i))
			to = i;
	for (size_t i = from; i < to; i++)
		if (text[i] == '.' && i + 1 < to)
			label = i + 1;
	if (label == to || (unsigned char)text[label] >= 0x80)
		return to;
	while (label < to && (unsigned char)text[label] < 0xE3)
		label++;
	return label;
}

/* The address around the "@" at text[at], or an empty slice. */
static struct ch_slice address_at(const char *text, size_t len, size_t at)
{
	size_t from = at;
	size_t to = at + 1;

	if (from > 1 && text[from - 1] == '"')
		for (from--; from > 0 && at - from < 70 &&
			     text[--from] != '"' && text[from] != '\n';)
			;
	else
		while (from > 0 && is_local(text[from - 1]) && at - from < 300)
			from--;
	while (to < len && is_domain(text[to]) && to - at < 260)
		to++;
	while (to > at + 1 && strchr(".-_", text[to - 1]))
		to--;
	from = begin_of_local(text, from, at);
	to = end_of_domain(text, at + 1, to);
	while (from < at && strchr("'*|`.-=", text[from]))
		from++;
	/* as X.400 gateways write it, and URIs */
	if (has_prefix(text + from, at - from, "smtp="))
		from += 5;
	if (from == at || to <= at + 2 || !memchr(text + at, '.', to - at))
		return CH_SLICE_EMPTY;
	return (struct ch_slice){ text + from, to - from };
}

static bool same(struct ch_slice a, const char *b, size_t len)
{
	return a.len == len && strncasecmp(a.data, b, len) == 0;
}

static bool is_own(const struct finder *finder, struct ch_slice address)
{
	for (size_t i = 0; i < finder->own_len; i++)
		if (same(finder->own[i], address.data, address.len))
			return true;
	return false;
}

/* ---- forms ------------------------------------------------------------- */

static size_t line_start(const char *text, size_t at)
{
	size_t most = at > LINE_MAX_BYTES ? at - LINE_MAX_BYTES : 0;

	while (at > most && text[at - 1] != '\n')
		at--;
	return at;
}

static size_t line_end(const char *text, size_t len, size_t at)
{
	const char *lf = memchr(text + at, '\n', len - at);

	return lf ? (size_t)(lf - text) : len;
}

/* "rfc822;a@b", "SMTP:a@b", "mailto:a@b": how long what is before it is. */
static size_t type_len(const char *text, size_t len)
{
	static const char *const types[] = { "mailto:", "smtp:", "rfc822;",
					     "rfc822:" };

	for (size_t i = 0; i < CH_COUNT(types); i++)
		if (has_prefix(text, len + 1, types[i]))
			return strlen(types[i]);
	return 0;
}

/* Whether nothing but ornament stands between the two, or a reply code. */
static bool is_ornament(const char *text, size_t from, size_t to,
			bool *ret_code)
{
	size_t at = from;
	size_t digits = 0;

	*ret_code = false;
	while (at < to && strchr(" \t<>*-+\"'([.:#", text[at]))
		at++;
	while (at + digits < to && isdigit((unsigned char)text[at + digits]))
		digits++;
	if (digits == 3 && (text[at] == '4' || text[at] == '5')) {
		*ret_code = true;
		at += 3;
		while (at < to && strchr("0123456789. -<\t(#", text[at]))
			at++;
	}
	at += type_len(text + at, to - at);
	while (at < to && strchr(" \t<\"'[({", text[at]))
		at++;
	return at == to;
}

/* "Ana Lima <a@b>": a name, perhaps quoted, and perhaps an address too. */
static bool is_named(const char *text, size_t from, size_t to)
{
	size_t at = to;

	if (to - from < 2 || to - from > 80 || text[to - 1] != '<')
		return false;
	for (at = from; at < to - 1; at++)
		if (strchr("<>:;=()", text[at]) ||
		    isdigit((unsigned char)text[at]))
			return false;
	return text[to - 2] == ' ' || text[to - 2] == '"';
}

/* Whether such an address follows on the one that ends here. */
static bool is_name(const char *text, size_t end, size_t stop)
{
	end += end < stop && text[end] == '"';
	return end + 2 < stop && text[end] == ' ' && text[end + 1] == '<';
}

/* Whether "from", in some language, stands right before it: a sender. */
static bool is_from(const char *text, size_t from, size_t at)
{
	static const char *const words[] = { "from", "von", "mail from",
					     "sender", "envelope-from" };

	while (at > from && strchr(" \t<:\"'(", text[at - 1]))
		at--;
	for (size_t i = 0; i < CH_COUNT(words); i++) {
		size_t len = strlen(words[i]);

		if (at - from >= len &&
		    strncasecmp(text + at - len, words[i], len) == 0)
			return true;
	}
	return false;
}

/* An X.400 or directory name before the address: "c=US;a= ;…;SMTP=a@b". */
static bool is_x400(const char *text, size_t from, size_t to)
{
	return to - from > 5 && strncasecmp(text + to - 5, "smtp=", 5) == 0 &&
	       memchr(text + from, ';', to - from);
}

/* Local parts of people to turn to. A letter may be for one of them, too. */
static bool is_helper(struct ch_slice address)
{
	static const char *const names[] = {
		"abuse@",    "help@",	 "helpdesk@", "hostmaster@", "noc@",
		"security@", "support@", "unblock@",  "webmaster@",
	};

	for (size_t i = 0; i < CH_COUNT(names); i++)
		if (has_prefix(address.data, address.len, names[i]))
			return true;
	return false;
}

/* Whether words that lead to an address end right before it. */
static bool is_led(const struct finder *finder, size_t at,
		   enum ch_meaning means)
{
	const struct ch_matches *said = &finder->notice->said;
	const char *text = finder->notice->text;

	for (size_t i = 0; i < said->len && said->list[i].at < at; i++) {
		size_t end = said->list[i].end;

		if (said->list[i].rule->means != means || end > at ||
		    at - end > 16)
			continue;
		while (end < at && strchr(" \t\r\n<\"'[(:=`{", text[end]))
			end++;
		end += type_len(text + end, at - end);
		if (end == at)
			return true;
	}
	return false;
}

static enum form form_of(const struct finder *finder, size_t at, size_t end)
{
	const struct ch_notice *notice = finder->notice;
	const struct ch_matches *said = &notice->said;
	size_t start = line_start(notice->text, at);
	size_t stop = line_end(notice->text, notice->len, end);
	bool code;

	if (is_led(finder, at, CH_MEANS_FIELD))
		return FIELD;
	if (is_ornament(notice->text, start, at, &code) ||
	    is_x400(notice->text, start, at)) {
		if (code)
			return BEHIND_WORDS;
		if (is_name(notice->text, end, stop))
			return NOTHING;
		return ch_matches_one(said, CH_MEANS_LIST, 0, at) ? LISTED
								  : LINE;
	}
	if (is_named(notice->text, start, at) &&
	    ch_matches_one(said, CH_MEANS_LIST, 0, at))
		return LISTED;
	if (is_from(notice->text, start, at))
		return NOTHING;
	if (ch_matches_one(said, CH_MEANS_CONTACT, start, at) &&
	    !is_led(finder, at, CH_MEANS_ADDRESS))
		return NOTHING;
	if (is_led(finder, at, CH_MEANS_ADDRESS))
		return BEHIND_WORDS;
	if (ch_matches_reason(said, start, stop))
		return BESIDE_REASON;
	return ANYWHERE;
}

/* ---- the list ---------------------------------------------------------- */

static void add(struct finder *finder, struct ch_slice address, size_t at,
		enum form form)
{
	struct ch_named_list *named = finder->named;

	if (form > finder->best) {
		named->len = 0;
		finder->best = form;
	}
	for (size_t i = 0; i < named->len; i++)
		if (same(named->list[i].address, address.data, address.len))
			return;
	if (named->len == CH_REPORTED_MAX)
		return;
	CH_GROW(named->list, named->len, named->cap);
	named->list[named->len++] = (struct ch_named){
		.address = address,
		.at = at,
	};
}

/* "(generated from a@b)" behind an address: that is where we sent it. */
static bool take_origin(struct finder *finder, struct ch_slice address,
			size_t at)
{
	struct ch_named_list *named = finder->named;

	if (!is_led(finder, at, CH_MEANS_ORIGIN))
		return false;
	if (!named->len)
		add(finder, address, at, LINE);
	else if (finder->best >= LINE && finder->best != FIELD &&
		 named->list[named->len - 1].at < at)
		named->list[named->len - 1].address = address;
	return true;
}

static void look_at(struct finder *finder, size_t at)
{
	const struct ch_notice *notice = finder->notice;
	struct ch_slice address = address_at(notice->text, notice->len, at);
	size_t from;
	enum form form;

	if (!address.len)
		return;
	from = (size_t)(address.data - notice->text);
	if (take_origin(finder, address, from))
		return;
	form = form_of(finder, from, from + address.len);
	if (form > HELPER && form <= BESIDE_REASON && is_helper(address))
		form = HELPER;
	if (form == NOTHING || form < finder->best)
		return;
	if (form < LISTED && is_own(finder, address))
		return;
	if (form < FIELD &&
	    same(address, notice->message->from, strlen(notice->message->from)))
		return;
	if (form < LISTED &&
	    ch_is_mail_system_address(address.data, address.len))
		return;
	add(finder, address, from, form);
}

static void look_at_text(struct finder *finder)
{
	const struct ch_notice *notice = finder->notice;
	const char *text = notice->text;

	for (size_t at = 0; at < notice->len; at++) {
		const char *found = memchr(text + at, '@', notice->len - at);

		if (!found)
			return;
		at = (size_t)(found - text);
		look_at(finder, at);
	}
}

/* Call add() or the like for each address in a field's value. */
typedef void take_address(struct finder *finder, struct ch_slice address);

static bool each_address(struct finder *finder, const char *value,
			 take_address *take)
{
	size_t len = value ? strlen(value) : 0;
	bool found = false;

	for (size_t at = 0; at < len; at++) {
		struct ch_slice address;

		if (value[at] != '@')
			continue;
		address = address_at(value, len, at);
		if (address.len)
			take(finder, address);
		found = found || address.len;
	}
	return found;
}

static void take_addressee(struct finder *finder, struct ch_slice address)
{
	add(finder, address, SIZE_MAX, BESIDE_REASON);
}

static void count_one(struct finder *finder, struct ch_slice address)
{
	(void)address;
	finder->counted++;
}

/* Received: … "for" address ";" (RFC 5321 section 4.4): the envelope's. */
static bool look_at_received(struct finder *finder,
			     const struct ch_block *header)
{
	const char *value;
	size_t next = 0;

	while ((value = ch_block_next(header, "Received", &next))) {
		const char *clause = strstr(value, " for ");
		const char *at = clause ? strchr(clause, '@') : NULL;
		struct ch_slice address;

		if (!at || at - clause > 300)
			continue;
		address =
		    address_at(clause, strlen(clause), (size_t)(at - clause));
		if (!address.len)
			continue;
		add(finder, address, SIZE_MAX, BESIDE_REASON);
		return true;
	}
	return false;
}

/* Whom ours was addressed to, where the text does not say: To where that is
 * one, for it is as we wrote it. */
static void look_at_original(struct finder *finder,
			     const struct ch_block *header)
{
	static const char *const names[] = { "X-Failed-Recipients",
					     "X-Actual-Recipient",
					     "X-Envelope-To", "Delivered-To" };
	const char *to = ch_block_get(header, "To");

	for (size_t i = 0; i < CH_COUNT(names); i++)
		if (each_address(finder, ch_block_get(header, names[i]),
				 take_addressee))
			return;
	finder->counted = 0;
	each_address(finder, to, count_one);
	if (finder->counted == 1 || !look_at_received(finder, header))
		each_address(finder, to, take_addressee);
}

/* With what the text says of it. */
static void take_failed(struct finder *finder, struct ch_slice address)
{
	const char *text = finder->notice->text;
	struct ch_named one = { address, SIZE_MAX, 0, 0 };

	for (size_t i = 0; i < finder->named->len; i++) {
		const struct ch_named *said = &finder->named->list[i];

		if (said->at != SIZE_MAX &&
		    finder->notice->len - said->at >= address.len &&
		    same(address, text + said->at, address.len))
			one = *said;
	}
	if (finder->failed.len == CH_REPORTED_MAX)
		return;
	CH_GROW(finder->failed.list, finder->failed.len, finder->failed.cap);
	finder->failed.list[finder->failed.len++] = one;
}

/* X-Failed-Recipients = address *("," address), of Exim and its friends. */
static void look_at_header(struct finder *finder)
{
	const struct ch_block *header = &finder->notice->message->header;
	const char *value;
	size_t next = 0;

	while ((value = ch_block_next(header, "X-Failed-Recipients", &next)))
		each_address(finder, value, take_failed);
	if (!finder->failed.len)
		return;
	free(finder->named->list);
	finder->failed.made = finder->named->made;
	*finder->named = finder->failed;
	finder->best = HEADER;
}

/* What is said of one reaches to the next of them. */
static void set_ranges(struct finder *finder)
{
	const struct ch_notice *notice = finder->notice;
	struct ch_named_list *named = finder->named;

	for (size_t i = 0; i < named->len; i++) {
		struct ch_named *one = &named->list[i];

		one->to = notice->len;
		if (one->at == SIZE_MAX)
			continue;
		one->from = line_start(notice->text, one->at);
		for (size_t j = 0; j < named->len; j++)
			if (named->list[j].at != SIZE_MAX &&
			    named->list[j].at > one->at &&
			    named->list[j].at < one->to)
				one->to = named->list[j].at;
	}
}

static void take_own(struct finder *finder, struct ch_slice address)
{
	if (finder->own_len < OWN_MAX)
		finder->own[finder->own_len++] = address;
}

static void find_own(struct finder *finder)
{
	static const char *const names[] = { "To",	     "From",
					     "Reply-To",     "Sender",
					     "Delivered-To", "X-Original-To",
					     "Errors-To" };
	const struct ch_block *header = &finder->notice->message->header;

	for (size_t i = 0; i < CH_COUNT(names); i++)
		each_address(finder, ch_block_get(header, names[i]), take_own);
}

/* A local user has no "@" in the list of his own mail system: his domain is
 * the one that wrote. */
static void look_at_names(struct finder *finder)
{
	const struct ch_notice *notice = finder->notice;
	const struct ch_match *list =
	    ch_matches_one(&notice->said, CH_MEANS_LIST, 0, notice->len);
	const char *domain = strchr(notice->message->from, '@');
	const char *text = notice->text;
	const char *end = text + notice->len;
	const char *line = list ? text + list->end : end;
	size_t len;
	struct ch_named_list *named = finder->named;

	line = memchr(line, '\n', (size_t)(end - line));
	while (line && line < end && strchr(" \t\n<", *line))
		line++;
	if (!line || !domain)
		return;
	for (len = 0; line + len < end && is_local(line[len]);)
		len++;
	if (len < 2 || len > 64 || line + len + 1 >= end ||
	    !strchr("\n>", line[len]) || !isalpha((unsigned char)*line))
		return;
	named->made = ch_xasprintf("%.*s%s", (int)len, line, domain);
	add(finder, ch_slice_of(named->made), (size_t)(line - text), LISTED);
}

void ch_named_find(const struct ch_notice *notice, struct ch_named_list *ret)
{
	struct finder finder = { .notice = notice, .named = ret };

	*ret = (struct ch_named_list){ 0 };
	find_own(&finder);
	look_at_text(&finder);
	if (finder.best < BEHIND_WORDS)
		look_at_names(&finder);
	if (finder.best < BEHIND_WORDS) {
		look_at_original(&finder, &notice->message->returned);
		if (finder.best < BESIDE_REASON || !ret->len)
			look_at_original(&finder, &notice->original);
	}
	look_at_header(&finder);
	set_ranges(&finder);
	ret->how_sure = (int)finder.best;
}

void ch_named_release(struct ch_named_list *named)
{
	free(named->list);
	free(named->made);
	*named = (struct ch_named_list){ 0 };
}
