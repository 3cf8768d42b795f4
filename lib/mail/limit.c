// SPDX-License-Identifier: GPL-3.0-or-later
/* limit.c - a mail cut to what a MIME parser can be given.
 *
 * A recursive parser meets its end in a header of 400 KB of "a:a:", in 30,000
 * nested messages or in millions of parts. Which lines are a header depends on
 * the parse itself, so this does not try to know: a line and those that
 * continue it are a field wherever they stand, a line with "--" may begin a
 * part, and "multipart/" or "message/" in what may be a header may open one
 * level more. A mail that a person or a mail system wrote comes nowhere near
 * the limits, whichever way they are counted.
 */
#include "mail/message-private.h"

#include <strings.h>
#include <string.h>

#include "mail/message.h"

struct limiter {
	struct ch_str *out;    /* borrowed */
	const char *over;      /* the first limit that was passed */
	size_t field_bytes;    /* of the field so far, with what is dropped */
	size_t block_fields;   /* in this header */
	size_t fields, nested, parts;
	bool in_header;
	bool holds_message;    /* this header may be of a message/… */
	bool drop;             /* the field is one too many */
};

static void say(struct limiter *limiter, const char *what)
{
	if (!limiter->over)
		limiter->over = what;
}

static bool is_continued(const char *line, size_t len)
{
	return len && (line[0] == ' ' || line[0] == '\t');
}

static bool is_empty(const char *line, size_t len)
{
	return len == 0 || line[0] == '\n' ||
	       (len > 1 && line[0] == '\r' && line[1] == '\n');
}

static size_t count_word(const char *line, size_t len, const char *word)
{
	size_t word_len = strlen(word);
	size_t count = 0;

	for (size_t i = 0; i + word_len <= len; i++)
		if ((line[i] | 32) == word[0] &&
		    strncasecmp(line + i, word, word_len) == 0)
			count++;
	return count;
}

/* Whether the line may be taken; where a new field, part or level begins,
 * count it. Returns false when nothing more may be read. */
static bool count_line(struct limiter *limiter, const char *line, size_t len)
{
	size_t messages;

	if (len > 2 && line[0] == '-' && line[1] == '-') {
		limiter->in_header = true;
		limiter->holds_message = false;
		limiter->block_fields = 0;
		if (++limiter->parts > CH_MESSAGE_PARTS_MAX) {
			say(limiter, "too many parts");
			return false;
		}
		return true;
	}
	if (!limiter->in_header)
		return true;
	if (is_empty(line, len)) {
		limiter->in_header = limiter->holds_message;
		limiter->holds_message = false;
		limiter->block_fields = 0;
		return true;
	}
	messages = count_word(line, len, "message/");
	if (messages)
		limiter->holds_message = true;
	limiter->nested += messages + count_word(line, len, "multipart/");
	if (limiter->nested > CH_MESSAGE_NESTED_MAX) {
		say(limiter, "too many nested parts");
		return false;
	}
	return true;
}

/* A field more in this header; false where it is one too many. */
static bool count_field(struct limiter *limiter)
{
	if (!limiter->in_header)
		return true;
	if (++limiter->block_fields > CH_BLOCK_FIELDS_MAX ||
	    ++limiter->fields > CH_MESSAGE_FIELDS_MAX) {
		say(limiter, "too many header fields");
		return false;
	}
	return true;
}

/* Append what of the line the field may still have. */
static void take(struct limiter *limiter, const char *line, size_t len)
{
	size_t room = 0;

	if (limiter->field_bytes < CH_MESSAGE_FIELD_MAX)
		room = CH_MESSAGE_FIELD_MAX - limiter->field_bytes;
	limiter->field_bytes += len;
	if (len <= room) {
		ch_str_add_mem(limiter->out, line, len);
		return;
	}
	if (limiter->in_header)
		say(limiter, "a header field over 64 KiB");
	if (room) {
		ch_str_add_mem(limiter->out, line, room);
		ch_str_add(limiter->out, "\r\n");
	}
}

/* A first line that is no field, such as "From " of an mbox file. It would end
 * the header before it began. */
static bool is_stray(const char *line, size_t len)
{
	size_t name = 0;

	while (name < len && line[name] > 32 && line[name] < 127 &&
	       line[name] != ':')
		name++;
	return !is_empty(line, len) && (name == len || line[name] != ':');
}

const char *ch_message_limit(const char *bytes, size_t len, struct ch_str *out)
{
	struct limiter limiter = { .out = out, .in_header = true };
	size_t at = 0;

	while (at < len) {
		const char *line = bytes + at;
		const char *lf = memchr(line, '\n', len - at);
		size_t size = lf ? (size_t)(lf - line) + 1 : len - at;

		at += size;
		if (line == bytes && is_stray(line, size))
			continue;
		if (!count_line(&limiter, line, size))
			break;
		if (!is_continued(line, size)) {
			limiter.field_bytes = 0;
			limiter.drop = !is_empty(line, size) &&
				       !count_field(&limiter);
		}
		if (!limiter.drop)
			take(&limiter, line, size);
	}
	return limiter.over;
}
