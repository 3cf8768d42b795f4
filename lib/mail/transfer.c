// SPDX-License-Identifier: GPL-3.0-or-later
/* transfer.c - Content-Transfer-Encoding undone (RFC 2045 section 6). Whatever
 * the bytes are, there is a result: what is not of the encoding is passed over.
 */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "mail/mime-private.h"

#define PIECE 16384 /* of encoded text */

enum encoding { IDENTITY, BASE64, QUOTED };

static enum encoding encoding_of(const struct ch_mime_part *part)
{
	const char *value =
	    ch_block_get(part->header, "Content-Transfer-Encoding");

	if (value && strncasecmp(value, "base64", 6) == 0)
		return BASE64;
	if (value && strncasecmp(value, "quoted-printable", 16) == 0)
		return QUOTED;
	return IDENTITY;
}

bool ch_mime_is_plain(const struct ch_mime_part *part)
{
	return encoding_of(part) == IDENTITY;
}

/* The digits of RFC 4648 section 4, each one more than it says: 0 is none. */
static const unsigned char base64_digits[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6,
	['G'] = 7, ['H'] = 8, ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12,
	['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17,
	['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22,
	['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27,
	['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
	['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37,
	['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47,
	['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52,
	['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57,
	['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62,
	['+'] = 63, ['/'] = 64,
};

static int base64_digit(char c)
{
	return base64_digits[(unsigned char)c] - 1;
}

/* The room is asked for once; there are never more bytes than digits. */
void ch_base64_feed(struct ch_base64_state *state, struct ch_str *out,
		    const char *text, size_t len)
{
	size_t most = out->max - out->len;
	size_t wanted = len / 4 * 3 + 3;
	char *to = ch_str_room(out, wanted < most ? wanted : most);
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		int digit = base64_digit(text[i]);

		if (text[i] == '=')
			*state = (struct ch_base64_state){ 0 };
		if (digit < 0)
			continue;
		state->bits =
		    (state->bits << 6 | (unsigned int)digit) & 0xFFFFFF;
		state->count += 6;
		if (state->count < 8)
			continue;
		if (used == wanted || used == most)
			break;
		state->count -= 8;
		to[used++] = (char)(state->bits >> state->count);
	}
	ch_str_grew(out, used);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "=" and a line end is no text, "=HH" a byte, another "=" itself. Returns the
 * bytes taken, and in *ret_byte the byte or -1. */
static size_t quoted_at(const char *text, size_t len, int *ret_byte)
{
	*ret_byte = -1;
	if (len >= 2 && text[1] == '\n')
		return 2;
	if (len >= 3 && text[1] == '\r' && text[2] == '\n')
		return 3;
	if (len >= 3 && hex_digit(text[1]) >= 0 && hex_digit(text[2]) >= 0) {
		*ret_byte = hex_digit(text[1]) * 16 + hex_digit(text[2]);
		return 3;
	}
	*ret_byte = '=';
	return 1;
}

void ch_quoted_decode(struct ch_str *out, const char *text, size_t len,
		      bool words)
{
	size_t most = out->max - out->len;
	size_t room = len < most ? len : most;
	char *to = ch_str_room(out, room);
	size_t used = 0;

	for (size_t i = 0; i < len && used < room;) {
		int byte = text[i];

		if (byte != '=')
			i++;
		else
			i += quoted_at(text + i, len - i, &byte);
		if (words && byte == '_')
			byte = ' ';
		if (byte != -1)
			to[used++] = (char)byte;
	}
	ch_str_grew(out, used);
}

void ch_mime_decode(struct ch_str *out, const struct ch_mime_part *part)
{
	struct ch_base64_state state = { 0 };
	size_t room = out->max - out->len;
	struct ch_slice body = part->body;

	switch (encoding_of(part)) {
	case BASE64:
		ch_base64_feed(&state, out, body.data, body.len);
		break;
	case QUOTED:
		ch_quoted_decode(out, body.data, body.len, false);
		break;
	case IDENTITY:
		ch_str_add_mem(out, body.data,
			       body.len < room ? body.len : room);
		break;
	}
}

/* quoted-printable may be cut in pieces only where no "=" is near the end: the
 * last bytes of a piece wait for the next. Returns how many of them may go. */
static size_t quoted_cut(const char *text, size_t len)
{
	for (size_t i = len; i-- > 0 && len - i < 3;)
		if (text[i] == '=')
			return i;
	return len;
}

/* Decode what is at the beginning of these bytes, which are not the last ones
 * unless `last`. Returns how many that is. */
static size_t decode_piece(enum encoding encoding,
			   struct ch_base64_state *state, struct ch_str *out,
			   struct ch_slice bytes, bool last)
{
	switch (encoding) {
	case BASE64:
		ch_base64_feed(state, out, bytes.data, bytes.len);
		break;
	case QUOTED:
		if (!last)
			bytes.len = quoted_cut(bytes.data, bytes.len);
		ch_quoted_decode(out, bytes.data, bytes.len, false);
		break;
	case IDENTITY:
		ch_str_add_mem(out, bytes.data, bytes.len);
		break;
	}
	return bytes.len;
}

uint64_t ch_mime_pieces(const struct ch_mime_part *part, ch_mime_piece *piece,
			void *context)
{
	enum encoding encoding = encoding_of(part);
	CH_AUTO(ch_str) out = CH_STR_INIT(PIECE);
	struct ch_base64_state state = { 0 };
	struct ch_slice body = part->body;
	size_t told = 0;
	uint64_t size = 0;

	if (encoding == IDENTITY && !piece)
		return body.len;
	for (size_t at = 0; at < body.len;) {
		bool last = body.len - at <= PIECE;
		struct ch_slice bytes = { body.data + at,
					  last ? body.len - at : PIECE };

		ch_str_clear(&out);
		at += decode_piece(encoding, &state, &out, bytes, last);
		size += out.len;
		if (piece && out.len > 0)
			piece(context, ch_str_cstr(&out), out.len);
		if (part->passed && at - told >= CH_MIME_STEP) {
			part->passed(body.data + told, at - told);
			told = at;
		}
	}
	return size;
}
