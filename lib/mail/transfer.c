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

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
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

size_t ch_mime_size(const struct ch_mime_part *part)
{
	struct ch_slice body = part->body;
	size_t digits = 0;
	size_t size = 0;

	switch (encoding_of(part)) {
	case BASE64:
		for (size_t i = 0; i < body.len; i++)
			digits += base64_digit(body.data[i]) >= 0;
		return digits / 4 * 3 + digits % 4 * 6 / 8;
	case QUOTED:
		for (size_t i = 0; i < body.len;) {
			int byte = body.data[i];

			if (byte != '=')
				i++;
			else
				i += quoted_at(body.data + i, body.len - i,
					       &byte);
			size += byte != -1;
		}
		return size;
	case IDENTITY:
		break;
	}
	return body.len;
}

static void hash_base64(struct ch_sha256_ctx *ctx, struct ch_slice body)
{
	CH_AUTO(ch_str) piece = CH_STR_INIT(PIECE);
	struct ch_base64_state state = { 0 };

	for (size_t at = 0; at < body.len; at += PIECE) {
		size_t left = body.len - at;

		ch_str_clear(&piece);
		ch_base64_feed(&state, &piece, body.data + at,
			       left < PIECE ? left : PIECE);
		ch_sha256_add(ctx, ch_str_cstr(&piece), piece.len);
	}
}

static void hash_quoted(struct ch_sha256_ctx *ctx, struct ch_slice body)
{
	char piece[4096];
	size_t used = 0;

	for (size_t i = 0; i < body.len;) {
		int byte = body.data[i];

		if (byte != '=')
			i++;
		else
			i += quoted_at(body.data + i, body.len - i, &byte);
		if (byte != -1)
			piece[used++] = (char)byte;
		if (used == sizeof(piece)) {
			ch_sha256_add(ctx, piece, used);
			used = 0;
		}
	}
	ch_sha256_add(ctx, piece, used);
}

void ch_mime_hash(const struct ch_mime_part *part, struct ch_sha256 *ret)
{
	struct ch_sha256_ctx ctx;

	ch_sha256_init(&ctx);
	switch (encoding_of(part)) {
	case BASE64:
		hash_base64(&ctx, part->body);
		break;
	case QUOTED:
		hash_quoted(&ctx, part->body);
		break;
	case IDENTITY:
		ch_sha256_add(&ctx, part->body.data, part->body.len);
		break;
	}
	ch_sha256_final(&ctx, ret);
}
