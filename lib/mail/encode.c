// SPDX-License-Identifier: GPL-3.0-or-later
/* encode.c - quoted-printable and base64.
 *
 * Base64 is ours, not OpenSSL's, because text needs its line ends converted on
 * the way and both need a line end after each 76 characters: one pass does it.
 */
#include "mail/encode.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define LINE_BYTES (CH_ENCODED_COLUMNS / 4 * 3) /* 57 */

static char *base64_groups(const unsigned char *in, size_t len, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i + 3 <= len; i += 3) {
		uint32_t v = (uint32_t)in[i] << 16 |
			     (uint32_t)in[i + 1] << 8 | in[i + 2];

		out[0] = digits[v >> 18];
		out[1] = digits[v >> 12 & 63];
		out[2] = digits[v >> 6 & 63];
		out[3] = digits[v & 63];
		out += 4;
	}
	if (i < len) {
		uint32_t v = (uint32_t)in[i] << 16 |
			     (i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0);

		out[0] = digits[v >> 18];
		out[1] = digits[v >> 12 & 63];
		out[2] = i + 1 < len ? digits[v >> 6 & 63] : '=';
		out[3] = '=';
		out += 4;
	}
	return out;
}

static char *base64_line(const unsigned char *in, size_t len, char *out)
{
	out = base64_groups(in, len, out);
	*out++ = '\r';
	*out++ = '\n';
	return out;
}

static size_t base64_size(size_t len)
{
	return (len + 2) / 3 * 4 + (len + LINE_BYTES - 1) / LINE_BYTES * 2;
}

void ch_encode_base64(struct ch_str *out, const void *bytes, size_t len)
{
	const unsigned char *in = bytes;
	char *room = ch_str_room(out, base64_size(len));
	char *p = room;

	if (!room || len == 0)
		return;
	for (size_t at = 0; at < len; at += LINE_BYTES) {
		size_t n = len - at < LINE_BYTES ? len - at : LINE_BYTES;

		p = base64_line(in + at, n, p);
	}
	ch_str_grew(out, (size_t)(p - room));
}

/* ---- sixteen bytes at a time -------------------------------------------- */

#define STEP 16

/* As signed numbers, so that what is no ASCII is below zero. */
typedef signed char ch_bytes __attribute__((vector_size(STEP)));
/* Counts, which may pass 127. */
typedef unsigned char ch_counts __attribute__((vector_size(STEP)));

static ch_bytes load(const char *text)
{
	ch_bytes bytes;

	memcpy(&bytes, text, STEP);
	return bytes;
}

static ch_bytes all(signed char c)
{
	return (ch_bytes){ c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c };
}

/* The place of the first byte that is not zero; STEP where there is none. */
static size_t first_set(ch_bytes flags)
{
	uint64_t halves[2];

	memcpy(halves, &flags, STEP);
	if (halves[0])
		return (size_t)__builtin_ctzll(le64toh(halves[0])) / 8;
	if (halves[1])
		return 8 + (size_t)__builtin_ctzll(le64toh(halves[1])) / 8;
	return STEP;
}

/* A count in each byte, good for 255 additions. */
static size_t sum(ch_counts counts)
{
	unsigned char each[STEP];
	size_t total = 0;

	memcpy(each, &counts, STEP);
	for (size_t i = 0; i < STEP; i++)
		total += each[i];
	return total;
}

/* How many line ends, and how many bytes that quoted-printable escapes
 * wherever they stand; controls are too rare to look for. */
static void count(const char *text, size_t len, size_t *ret_lines,
		  size_t *ret_escaped)
{
	*ret_lines = *ret_escaped = 0;
	while (len > 0) {
		ch_counts lines = { 0 };
		ch_counts escaped = { 0 };

		for (int i = 0; i < 255 && len > 0; i++) {
			char last[STEP] = "";
			size_t step = len < STEP ? len : STEP;
			ch_bytes bytes;

			if (step < STEP)
				memcpy(last, text, step);
			bytes = load(step < STEP ? last : text);
			/* What is true of a byte is -1 in it. */
			lines -= (ch_counts)(bytes == all('\n'));
			escaped -= (ch_counts)(bytes < all(0)) |
				   (ch_counts)(bytes == all('=')) |
				   (ch_counts)(bytes == all(0x7F));
			text += step;
			len -= step;
		}
		*ret_lines += sum(lines);
		*ret_escaped += sum(escaped);
	}
}

/* ---- text as base64 ----------------------------------------------------- */

/* The text with CRLF line ends, read a line's worth of bytes at a time. */
struct crlf_reader {
	const char *text;
	size_t len;
	bool owes_lf; /* CR was given, LF comes next */
};

static size_t crlf_read(struct crlf_reader *reader, unsigned char *to,
			size_t want)
{
	size_t got = 0;

	while (got < want && (reader->len > 0 || reader->owes_lf)) {
		size_t max = want - got;
		const char *lf;
		size_t run;

		if (reader->owes_lf) {
			to[got++] = '\n';
			reader->owes_lf = false;
			continue;
		}
		if (max > reader->len)
			max = reader->len;
		lf = memchr(reader->text, '\n', max);
		run = lf ? (size_t)(lf - reader->text) : max;
		memcpy(to + got, reader->text, run);
		got += run;
		reader->text += run;
		reader->len -= run;
		if (lf && got < want) {
			to[got++] = '\r';
			reader->owes_lf = true;
			reader->text++;
			reader->len--;
		}
	}
	return got;
}

void ch_encode_text_base64(struct ch_str *out, const char *text, size_t len)
{
	struct crlf_reader reader = { text, len, false };
	size_t lines, escaped;
	size_t total;
	char *room, *p;
	unsigned char line[LINE_BYTES];
	size_t n;

	count(text, len, &lines, &escaped);
	total = len + lines;
	room = p = ch_str_room(out, base64_size(total));
	if (!room || len == 0)
		return;
	while ((n = crlf_read(&reader, line, sizeof(line))) > 0)
		p = base64_line(line, n, p);
	ch_str_grew(out, (size_t)(p - room));
}

/* ---- quoted-printable --------------------------------------------------- */

/* Bytes that stand for themselves wherever they are in a line, save "." and
 * "F" at its start: printable ASCII but "=", and the space, which is looked at
 * again before a line ends. */
static bool qp_plain(char c)
{
	return c >= 0x20 && c < 0x7F && c != '=';
}

/* Copy bytes that stand for themselves until one does not, at most `max`;
 * returns how many. `readable` are there, `max` or more: beyond the line they
 * are looked at and not counted. What lies up to STEP bytes behind the copy in
 * `to` may be written as well. */
static size_t qp_copy(const char *text, size_t readable, size_t max, char *to)
{
	size_t at = 0;

	while (at < max && readable - at >= STEP) {
		ch_bytes bytes = load(text + at);
		size_t run = first_set((ch_bytes)(bytes < all(0x20)) |
				       (ch_bytes)(bytes == all('=')) |
				       (ch_bytes)(bytes == all(0x7F)));

		memcpy(to + at, &bytes, STEP);
		at += run;
		if (run < STEP)
			return at < max ? at : max;
	}
	for (; at < max && qp_plain(text[at]); at++)
		to[at] = text[at];
	return at < max ? at : max;
}

static char *qp_escape(char *p, char c)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char byte = (unsigned char)c;

	p[0] = '=';
	p[1] = digits[byte >> 4];
	p[2] = digits[byte & 15];
	return p + 3;
}

/* The line's text so far may not end in a space once the line ends. */
static char *qp_protect_end(char *p, const char *line)
{
	if (p > line && (p[-1] == ' ' || p[-1] == '\t'))
		p = qp_escape(p - 1, p[-1]);
	return p;
}

static bool starts_with_from(const char *text, size_t len)
{
	return len >= 5 && memcmp(text, "From ", 5) == 0;
}

/* One line of text without its line end, as lines of at most 76 columns. Each
 * of them keeps a column for the "=" of a soft break. `readable` is the line
 * and what follows it. */
static char *qp_line(const char *text, size_t len, size_t readable, char *p)
{
	char *line = p;
	size_t at = 0;

	while (at < len) {
		size_t column = (size_t)(p - line);
		bool escape = !qp_plain(text[at]);
		size_t run;

		if (column == 0 && (text[at] == '.' ||
				    starts_with_from(text + at, len - at)))
			escape = true;
		if (column + (escape ? 3 : 1) > CH_ENCODED_COLUMNS - 1) {
			memcpy(p, "=\r\n", 3);
			line = p += 3;
			continue;
		}
		if (escape) {
			p = qp_escape(p, text[at++]);
			continue;
		}
		run = CH_ENCODED_COLUMNS - 1 - column;
		if (run > len - at)
			run = len - at;
		run = qp_copy(text + at, readable - at, run, p);
		p += run;
		at += run;
	}
	/* "=20" for the last space may pass the line by two columns. */
	if (p > line && p[-1] == ' ' &&
	    (size_t)(p - line) + 2 > CH_ENCODED_COLUMNS) {
		memcpy(p - 1, "=\r\n", 3);
		p += 2;
		line = p;
		*p++ = ' ';
	}
	return qp_protect_end(p, line);
}

/* Each byte as "=XX", "=\r\n" after each 25 of those, the line end, and what
 * qp_copy() may write too far. */
static size_t qp_size(size_t len)
{
	return len * 3 + len / 8 + 16 + STEP;
}

void ch_encode_qp(struct ch_str *out, const char *text, size_t len)
{
	while (len > 0) {
		const char *lf = memchr(text, '\n', len);
		size_t run = lf ? (size_t)(lf - text) : len;
		char *room = ch_str_room(out, qp_size(run));
		char *p;

		if (!room)
			return;
		p = qp_line(text, run, len, room);
		*p++ = '\r';
		*p++ = '\n';
		ch_str_grew(out, (size_t)(p - room));
		text += run + (lf ? 1 : 0);
		len -= run + (lf ? 1 : 0);
	}
}

bool ch_encode_qp_is_shorter(const char *text, size_t len)
{
	size_t lines, escaped;
	size_t qp;

	count(text, len, &lines, &escaped);
	qp = len + 2 * escaped + lines;
	qp += (len + 2 * escaped) / (CH_ENCODED_COLUMNS - 1) * 3;
	return qp <= base64_size(len + lines);
}
