// SPDX-License-Identifier: GPL-3.0-or-later
/* smtp-reply.c - what a relay answers, read strictly.
 *
 * A reply decides whether a letter was sent. What is not plainly a reply is
 * none: at the final dot that means "in doubt", anywhere else "try again".
 */
#include <stdio.h>
#include <string.h>

#include "net/smtp-private.h"

#define REPLY_MAX (64 * 1024) /* all lines of one reply */
#define LINE_MAX_BYTES (8 * 1024) /* RFC 5321 section 4.5.3.1.5 says 512 */

void ch_smtp_reply_release(struct ch_smtp_reply *reply)
{
	ch_str_release(&reply->text);
}

void ch_smtp_reply_clear(struct ch_smtp_reply *reply)
{
	reply->code = 0;
	reply->status[0] = '\0';
	if (reply->text.max == 0) /* it came zeroed */
		reply->text.max = CH_SMTP_REPLY_KEPT;
	ch_str_clear(&reply->text);
}

/* What fits of it: a reply's text is kept as far as there is room. */
static void keep(struct ch_str *text, const char *bytes, size_t len)
{
	size_t room = text->max - text->len;

	ch_str_add_mem(text, bytes, len < room ? len : room);
}

static int no_reply(struct ch_smtp_reply *ret, const char *bytes, size_t len)
{
	ch_smtp_reply_clear(ret);
	keep(&ret->text, bytes, len);
	return -1;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reply-code = %x32-35 %x30-39 %x30-39; the second digit is 0 to 5 in the
 * RFC, and some relays invent more. 0 where it is none. */
static unsigned int code_of(const char *line, size_t len)
{
	if (len < 4 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) ||
	    !is_digit(line[2]) || (line[3] != ' ' && line[3] != '-'))
		return 0;
	return (unsigned int)((line[0] - '0') * 100 + (line[1] - '0') * 10 +
			      (line[2] - '0'));
}

/* status-code = class "." subject "." detail (RFC 3463 section 2), of the same
 * class as the reply. Returns its length, 0 where there is none. */
static size_t status_of(const char *text, size_t len, unsigned int code,
			char out[12])
{
	size_t at = 0;
	size_t digits = 0;
	size_t dots = 0;

	if (len < 5 || (unsigned int)(text[0] - '0') != code / 100 ||
	    text[1] != '.')
		return 0;
	for (at = 0; at < len && text[at] != ' '; at++) {
		if (text[at] == '.') {
			if (digits == 0 || ++dots > 2)
				return 0;
			digits = 0;
		} else if (!is_digit(text[at]) || ++digits > 3) {
			return 0;
		}
	}
	if (dots != 2 || digits == 0 || at >= 12)
		return 0;
	memcpy(out, text, at);
	out[at] = '\0';
	return at;
}

/* One line without its end into *ret. Returns 1 for the last line of the
 * reply, 0 for one that goes on, -1. */
static int take_line(const char *line, size_t len, bool first,
		     struct ch_smtp_reply *ret)
{
	unsigned int code = code_of(line, len);
	bool more;

	if (code == 0 || (!first && code != ret->code))
		return -1;
	more = line[3] == '-';
	line += 4;
	len -= 4;
	if (first) {
		ret->code = code;
		status_of(line, len, code, ret->status);
	} else {
		keep(&ret->text, "\n", 1);
	}
	keep(&ret->text, line, len);
	return more ? 0 : 1;
}

int ch_smtp_reply_parse(const char *bytes, size_t len,
			struct ch_smtp_reply *ret, size_t *ret_used)
{
	size_t at = 0;

	ch_smtp_reply_clear(ret);
	while (at < len) {
		const char *line = bytes + at;
		const char *end = memchr(line, '\n', len - at);
		size_t line_len = end ? (size_t)(end - line) : len - at;
		int last;

		if (line_len > LINE_MAX_BYTES || at + line_len > REPLY_MAX)
			return no_reply(ret, bytes, len);
		if (!end)
			return 0;
		if (line_len > 0 && line[line_len - 1] == '\r')
			line_len--;
		last = take_line(line, line_len, at == 0, ret);
		at = (size_t)(end - bytes) + 1;
		if (last < 0)
			return no_reply(ret, bytes, at);
		if (last > 0) {
			*ret_used = at;
			return 1;
		}
	}
	return 0;
}
