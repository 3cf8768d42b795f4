// SPDX-License-Identifier: GPL-3.0-or-later
/* block.c - fields of a header, unfolded into one buffer that is as large as
 * what was read, so that no field can make it grow. */
#include "mail/block.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

void ch_block_release(struct ch_block *block)
{
	free(block->fields);
	free(block->text);
	*block = (struct ch_block){ 0 };
}

/* Length of the line at `bytes` with its LF. */
static size_t line_len(const char *bytes, size_t len)
{
	const char *lf = memchr(bytes, '\n', len);

	return lf ? (size_t)(lf - bytes) + 1 : len;
}

/* The same without CR and LF. */
static size_t text_len(const char *bytes, size_t len)
{
	while (len && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
		len--;
	return len;
}

/* field-name = 1*(%d33-57 / %d59-126), then perhaps white space (RFC 5322
 * section 4.5), then ":". Returns the length of the name, or 0. */
static size_t name_len(const char *line, size_t len)
{
	size_t name = 0;
	size_t colon;

	while (name < len && line[name] > 32 && line[name] < 127 &&
	       line[name] != ':')
		name++;
	for (colon = name; colon < len; colon++)
		if (line[colon] != ' ' && line[colon] != '\t')
			break;
	return colon < len && line[colon] == ':' ? name : 0;
}

static char *put(char *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		*out++ = bytes[i] ? bytes[i] : ' ';
	return out;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void trim(const char *line, size_t *from, size_t *to)
{
	while (*from < *to && is_blank(line[*from]))
		++*from;
	while (*to > *from && is_blank(line[*to - 1]))
		--*to;
}

/* The text of one line of a value goes to `out`, one space before all but the
 * first of them. */
static char *put_trimmed(char *out, const char *line, size_t from, size_t to,
			 const char *start)
{
	trim(line, &from, &to);
	if (from == to)
		return out;
	if (out > start)
		*out++ = ' ';
	return put(out, line + from, to - from);
}

/* Read the field that begins at `bytes`, whose name has `name` bytes. Returns
 * the bytes it takes with the lines that continue it. */
static size_t read_field(struct ch_block *block, const char *bytes, size_t len,
			 size_t name, char **out)
{
	size_t at = line_len(bytes, len);
	char *start = *out;
	char *value;
	const char *colon = memchr(bytes + name, ':', at - name);

	*out = put(*out, bytes, name);
	*(*out)++ = '\0';
	value = *out;
	*out = put_trimmed(value, bytes, (size_t)(colon - bytes) + 1,
			   text_len(bytes, at), value);
	while (at < len && is_blank(bytes[at])) {
		size_t line = line_len(bytes + at, len - at);

		*out = put_trimmed(*out, bytes + at, 0,
				   text_len(bytes + at, line), value);
		at += line;
	}
	if (*out - value > CH_BLOCK_FIELD_MAX) {
		*out = value + CH_BLOCK_FIELD_MAX;
		block->over = "a header field over 64 KiB";
	}
	*(*out)++ = '\0';
	if (block->len == CH_BLOCK_FIELDS_MAX) {
		*out = start;
		block->over = "too many header fields";
		return at;
	}
	CH_GROW(block->fields, block->len, block->cap);
	block->fields[block->len++] =
	    (struct ch_field){ .name = start, .value = value };
	return at;
}

size_t ch_block_parse(struct ch_block *block, const char *bytes, size_t len)
{
	size_t at = 0;
	char *out;

	*block = (struct ch_block){ 0 };
	if (len > CH_BLOCK_MAX) {
		len = CH_BLOCK_MAX;
		block->over = "a header over 1 MiB";
	}
	/* ":" and LF of a field make room for its two terminators. */
	block->text = ch_xmalloc(len + 2);
	out = block->text;
	while (at < len) {
		size_t line = line_len(bytes + at, len - at);
		size_t text = text_len(bytes + at, line);
		size_t name = name_len(bytes + at, text);

		if (!text)
			return at + line;
		if (name)
			at +=
			    read_field(block, bytes + at, len - at, name, &out);
		else
			at += line;
	}
	return at;
}

const char *ch_block_next(const struct ch_block *block, const char *name,
			  size_t *at)
{
	while (*at < block->len) {
		const struct ch_field *field = &block->fields[(*at)++];

		if (strcasecmp(field->name, name) == 0)
			return field->value;
	}
	return NULL;
}

const char *ch_block_get(const struct ch_block *block, const char *name)
{
	size_t at = 0;

	return ch_block_next(block, name, &at);
}
