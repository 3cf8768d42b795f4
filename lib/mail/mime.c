// SPDX-License-Identifier: GPL-3.0-or-later
/* mime.c - see mime-private.h. */
#include "mail/mime-private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define BOUNDARY_MAX 200 /* RFC 2046 allows 70 */
#define LINE_MAX_BYTES 998
#define BOUNDARY_LINE_MAX 4096 /* with the white space behind it */

struct boundary {
	char text[BOUNDARY_MAX];
	size_t len;
};

struct behind {
	const char *told; /* up to here to `passed` */
	ch_message_passed *passed;
};

struct walker {
	const char *at, *end;
	struct behind behind;
	struct boundary open[CH_MESSAGE_NESTED_MAX];
	size_t depth;
	size_t parts;
	const char *over; /* the first limit that was passed */
	const char *flaw; /* the first part whose parts cannot be told apart */
	ch_mime_each *each;
	void *context;
};

static size_t line_len(const char *bytes, const char *end)
{
	const char *lf = memchr(bytes, '\n', (size_t)(end - bytes));

	return lf ? (size_t)(lf - bytes) + 1 : (size_t)(end - bytes);
}

/* All before `at` was looked at. */
static void pass(struct behind *behind, const char *at)
{
	size_t len = (size_t)(at - behind->told);

	if (!behind->passed || len < CH_MIME_STEP)
		return;
	behind->passed(behind->told, len);
	behind->told = at;
}

/* line_len() of a line that may be very long, before which all is behind. */
static size_t long_line_len(struct behind *behind, const char *line,
			    const char *end)
{
	const char *at = line;

	pass(behind, line);
	while (end - at > CH_MIME_STEP && !memchr(at, '\n', CH_MIME_STEP)) {
		at += CH_MIME_STEP;
		pass(behind, at);
	}
	return (size_t)(at - line) + line_len(at, end);
}

static bool is_empty(const char *line, size_t len)
{
	return len == 0 || line[0] == '\n' ||
	       (len > 1 && line[0] == '\r' && line[1] == '\n');
}

/* ---- header ------------------------------------------------------------ */

/* Whether the line at these bytes may begin a field: a name, perhaps white
 * space, ":". No name is longer than a line may be (RFC 5322). */
static bool is_field(const char *line, size_t len)
{
	size_t name = 0;

	len = len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES;
	while (name < len && line[name] > 32 && line[name] < 127 &&
	       line[name] != ':')
		name++;
	while (name && name < len && (line[name] == ' ' || line[name] == '\t'))
		name++;
	return name > 0 && name < len && line[name] == ':';
}

size_t ch_mime_header(struct ch_block *block, const char *bytes, size_t len,
		      ch_message_passed *passed)
{
	struct behind behind = { bytes, passed };
	const char *end = bytes + len;
	const char *at = bytes;
	const char *from;

	if (len && !is_empty(at, len) && !is_field(at, len))
		at += line_len(at, end);
	from = at;
	while (at < end) {
		size_t line = long_line_len(&behind, at, end);
		bool last = is_empty(at, line);

		at += line;
		if (last)
			break;
	}
	ch_block_parse(block, from, (size_t)(at - from));
	return (size_t)(at - bytes);
}

void ch_mime_type(const struct ch_block *header, char out[CH_MIME_TYPE_SIZE])
{
	const char *value = ch_block_get(header, "Content-Type");
	size_t len = 0;

	while (value && value[len] && !strchr("; \t(", value[len]) &&
	       len < CH_MIME_TYPE_SIZE - 1) {
		out[len] = (char)tolower((unsigned char)value[len]);
		len++;
	}
	out[len] = '\0';
	if (len && strchr(out, '/'))
		return;
	/* "text", as some wrote before MIME, and none at all. */
	memcpy(out, "text/plain", sizeof("text/plain"));
}

static bool is_attached(const struct ch_block *header)
{
	const char *how = ch_block_get(header, "Content-Disposition");

	return how && strncasecmp(how, "attachment", 10) == 0;
}

/* ---- boundaries -------------------------------------------------------- */

enum { NONE = -1 };

/* delimiter = "--" boundary transport-padding; close-delimiter = delimiter
 * "--" (RFC 2046 section 5.1.1). The innermost of the open multiparts whose
 * line it is, or NONE. */
static int which_boundary(const struct walker *walker, const char *line,
			  size_t len, bool *ret_closes)
{
	if (len < 3 || line[0] != '-' || line[1] != '-' ||
	    len > BOUNDARY_LINE_MAX)
		return NONE;
	while (len && strchr(" \t\r\n", line[len - 1]))
		len--;
	for (size_t i = walker->depth; i-- > 0;) {
		const struct boundary *one = &walker->open[i];
		size_t whole = one->len + 2;

		if (len < whole || memcmp(line + 2, one->text, one->len) != 0)
			continue;
		*ret_closes = len >= whole + 2 && line[whole] == '-' &&
			      line[whole + 1] == '-';
		if (len == whole || *ret_closes)
			return (int)i;
	}
	return NONE;
}

/* Go on to the next boundary line or the end; returns what was passed over. A
 * multipart that this closes, and those inside the one it is of, are left. The
 * line end before a boundary is the boundary's. */
static struct ch_slice read_body(struct walker *walker, bool *ret_opens)
{
	const char *from = walker->at;
	const char *to = walker->end;
	bool closes = false;

	*ret_opens = false;
	while (walker->at < walker->end) {
		const char *line = walker->at;
		size_t len =
		    long_line_len(&walker->behind, line, walker->end);
		int found = which_boundary(walker, line, len, &closes);

		walker->at += len;
		if (found == NONE)
			continue;
		to = line;
		walker->depth = (size_t)found + !closes;
		*ret_opens = !closes;
		break;
	}
	if (*ret_opens || closes) {
		to -= to > from && to[-1] == '\n';
		to -= to > from && to[-1] == '\r';
	}
	return (struct ch_slice){ from, (size_t)(to - from) };
}

static bool push(struct walker *walker, const struct ch_block *header)
{
	const char *value = ch_block_get(header, "Content-Type");
	CH_AUTOCHAR boundary = ch_mime_param(value ? value : "", "boundary");
	struct boundary *next;
	size_t len = boundary ? strlen(boundary) : 0;

	while (len && boundary[len - 1] == ' ')
		len--;
	if (len == 0 || len >= BOUNDARY_MAX)
		return false;
	if (walker->depth == CH_MESSAGE_NESTED_MAX) {
		walker->over = "too many nested parts";
		return false;
	}
	next = &walker->open[walker->depth++];
	memcpy(next->text, boundary, len);
	next->len = len;
	return true;
}

/* ---- parts ------------------------------------------------------------- */

/* The header of a part ends at an empty line, at a boundary, or before the
 * first line where that is no field: then there is none. */
static void part_header(struct walker *walker, struct ch_block *block)
{
	const char *at = walker->at;
	size_t left = (size_t)(walker->end - at);
	bool closes;

	if (left && !is_empty(at, left) && !is_field(at, left)) {
		*block = (struct ch_block){ 0 };
		return;
	}
	while (at < walker->end) {
		size_t len = long_line_len(&walker->behind, at, walker->end);

		if (which_boundary(walker, at, len, &closes) != NONE)
			break;
		at += len;
		if (is_empty(at - len, len))
			break;
	}
	ch_block_parse(block, walker->at, (size_t)(at - walker->at));
	walker->at = at;
}

static void give(struct walker *walker, const struct ch_block *header,
		 struct ch_slice body)
{
	struct ch_mime_part part = {
		.header = header,
		.body = body,
		.attached = is_attached(header),
		.passed = walker->behind.passed,
	};

	ch_mime_type(header, part.type);
	/* Without a boundary its parts cannot be told from each other. */
	if (strncmp(part.type, "multipart/", 10) == 0)
		memcpy(part.type, "text/plain", sizeof("text/plain"));
	walker->each(walker->context, &part);
}

/* The part at walker->at; behind it stands what follows the next boundary
 * line. Returns whether that opens a part. */
static bool read_part(struct walker *walker, const struct ch_block *header)
{
	char type[CH_MIME_TYPE_SIZE];
	size_t depth = walker->depth;
	struct ch_slice body;
	const char *flaw = NULL;
	bool opens;
	bool multipart;

	ch_mime_type(header, type);
	multipart = strncmp(type, "multipart/", 10) == 0;
	if (multipart && !push(walker, header)) {
		flaw = "parts without a boundary";
		multipart = false;
	}
	body = read_body(walker, &opens);
	/* A boundary that never comes: all of it is text. */
	if (multipart && body.len && !(opens && walker->depth > depth)) {
		flaw = "parts whose boundary never comes";
		multipart = false;
	}
	if (!walker->flaw)
		walker->flaw = flaw;
	if (!multipart)
		give(walker, header, body);
	return opens;
}

const char *ch_mime_walk(const struct ch_block *header, struct ch_slice body,
			 ch_message_passed *passed, ch_mime_each *each,
			 void *context, const char **ret_flaw)
{
	struct walker walker = {
		.at = body.data,
		.end = body.data + body.len,
		.behind = { body.data, passed },
		.each = each,
		.context = context,
	};
	bool opens = read_part(&walker, header);

	while (walker.at < walker.end && !walker.over) {
		struct ch_block block;

		if (!opens && walker.depth == 0)
			break;
		if (!opens) { /* what stands behind a multipart's end */
			read_body(&walker, &opens);
			continue;
		}
		if (++walker.parts > CH_MESSAGE_PARTS_MAX) {
			walker.over = "too many parts";
			break;
		}
		part_header(&walker, &block);
		if (block.over)
			walker.over = block.over;
		opens = read_part(&walker, &block);
		ch_block_release(&block);
	}
	*ret_flaw = walker.flaw;
	return walker.over;
}
