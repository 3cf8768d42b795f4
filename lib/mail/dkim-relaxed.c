// SPDX-License-Identifier: GPL-3.0-or-later
/* dkim-relaxed.c - the canonicalization "relaxed", of fields and of a body.
 *
 * What we compose needs it in few places: a base64 part is hashed in one piece,
 * a text in those between runs of two spaces and more.
 */
#include "mail/dkim-private.h"

#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space_or_end(char c)
{
	return is_space(c) || c == '\r' || c == '\n';
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* ---- fields (section 3.4.2) ---------------------------------------------- */

void ch_dkim_relaxed_field(struct ch_str *out, struct ch_slice field)
{
	const char *at = field.data;
	const char *end = at + field.len;
	const char *colon = memchr(at, ':', field.len);
	const char *name_end = colon ? colon : end;
	char *to = ch_str_room(out, field.len);
	char *first = to;
	bool space = false;
	char *value;

	if (!to)
		return;
	while (name_end > at && is_space(name_end[-1]))
		name_end--;
	while (at < name_end)
		*to++ = to_lower(*at++);
	if (colon) {
		*to++ = ':';
		value = to;
		for (at = colon + 1; at < end; at++) {
			if (is_space_or_end(*at)) {
				space = true;
				continue;
			}
			if (space && to > value)
				*to++ = ' ';
			space = false;
			*to++ = *at;
		}
	}
	ch_str_grew(out, (size_t)(to - first));
}

/* ---- the body (section 3.4.4) -------------------------------------------- */

static void hash(struct ch_dkim_body *body, const char *bytes, size_t len)
{
	ch_sha256_add(&body->sha256, bytes, len);
	body->any = true;
}

static void hash_line_ends(struct ch_dkim_body *body)
{
	static const char sixteen[] = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"
				      "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";

	while (body->line_ends > 0) {
		uint64_t now = body->line_ends < 16 ? body->line_ends : 16;

		hash(body, sixteen, 2 * now);
		body->line_ends -= now;
	}
}

/* Bytes that stay as they are, but for their last line ends, which wait. */
static void pass(struct ch_dkim_body *body, const char *bytes, size_t len)
{
	size_t kept = len;

	while (kept >= 2 && bytes[kept - 2] == '\r' && bytes[kept - 1] == '\n')
		kept -= 2;
	if (kept > 0) {
		hash_line_ends(body);
		hash(body, bytes, kept);
	}
	body->line_ends += (len - kept) / 2;
}

static const char *find(const char *at, const char *end, char c)
{
	const char *found = memchr(at, c, (size_t)(end - at));

	return found ? found : end;
}

/* The next space of several, or at the end of a line: others stay as they are.
 * `stop` where there is none. */
static const char *find_spaces(const char *at, const char *stop,
			       const char *end)
{
	while ((at = find(at, stop, ' ')) < stop) {
		if (at + 1 == end || is_space(at[1]) || at[1] == '\r')
			break;
		at++;
	}
	return at;
}

void ch_dkim_body_begin(struct ch_dkim_body *body)
{
	*body = (struct ch_dkim_body){ 0 };
	ch_sha256_init(&body->sha256);
}

void ch_dkim_body_add(struct ch_dkim_body *body, const char *piece, size_t len)
{
	const char *at = piece;
	const char *end = piece + len;
	const char *tab = find(at, end, '\t');

	while (at < end) {
		const char *spaces = find_spaces(at, tab, end);

		pass(body, at, (size_t)(spaces - at));
		for (at = spaces; at < end && is_space(*at);)
			at++;
		if (at > spaces && at < end && *at != '\r')
			pass(body, " ", 1);
		if (tab < at)
			tab = find(at, end, '\t');
	}
}

/* A body that is not empty ends in one line end, and an empty one in none. */
void ch_dkim_body_end(struct ch_dkim_body *body, struct ch_sha256 *ret_sum)
{
	if (body->any)
		hash(body, "\r\n", 2);
	ch_sha256_final(&body->sha256, ret_sum);
}
