// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-header.c - any text as a subject, a display name and a file's name: it
 * is refused, or stands in fields of ASCII whose lines fold where they should,
 * with no encoded word that is too long or splits a character. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "mail/header.h"

#define OUT_MAX (16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines of printable ASCII; none but the first begins without a space. */
static void check_lines(const struct ch_str *out, size_t columns)
{
	size_t column = 0;

	for (size_t i = 0; i < out->len; i++) {
		unsigned char c = (unsigned char)out->data[i];

		assert(c < 0x7F && (c >= 0x20 || c == '\r' || c == '\n'));
		if (c != '\r') {
			assert(++column <= columns);
			continue;
		}
		assert(out->data[i + 1] == '\n');
		assert(i + 2 == out->len || out->data[i + 2] == ' ');
		column = 0;
		i++;
	}
}

static int digit(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

static void decode_q(const char *p, const char *end, struct ch_str *to)
{
	for (; p < end; p++) {
		if (*p == '=') {
			ch_str_add_char(to, (char)(digit(p[1]) << 4 |
						   digit(p[2])));
			p += 2;
		} else {
			ch_str_add_char(to, *p == '_' ? ' ' : *p);
		}
	}
}

static void decode_b(const char *p, const char *end, struct ch_str *to)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	int count = 0;

	for (; p < end && *p != '='; p++) {
		const char *found = strchr(digits, *p);

		assert(found);
		bits = bits << 6 | (uint32_t)(found - digits);
		count += 6;
		if (count >= 8) {
			count -= 8;
			ch_str_add_char(to, (char)(bits >> count & 0xFF));
		}
	}
}

/* The words of a field back into its text: nothing stands between two encoded
 * words (RFC 2047 section 6.2). */
static void decode(const char *p, const char *end, struct ch_str *to)
{
	bool after_encoded = false;

	while (p < end) {
		const char *word = p;
		bool encoded;

		while (word < end && strchr(" \r\n", *word))
			word++;
		p = word;
		while (p < end && !strchr(" \r\n", *p))
			p++;
		encoded = p - word > 2 && memcmp(word, "=?", 2) == 0;
		if (word == p)
			break;
		if (to->len && !(encoded && after_encoded))
			ch_str_add_char(to, ' ');
		if (encoded) {
			size_t before = to->len;

			assert(p - word <= 75);
			assert(memcmp(word, "=?UTF-8?", 8) == 0);
			if (word[8] == 'Q')
				decode_q(word + 10, p - 2, to);
			else
				decode_b(word + 10, p - 2, to);
			assert(ch_utf8_valid(to->data + before,
					     to->len - before, NULL));
		} else {
			ch_str_add_mem(to, word, (size_t)(p - word));
		}
		after_encoded = encoded;
	}
}

static void check_subject(const char *text, size_t len)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(OUT_MAX);
	CH_AUTO(ch_str) back = CH_STR_INIT(OUT_MAX);
	struct ch_error err;

	if (ch_header_text(&out, "Subject", text, &err) < 0) {
		assert(!ch_header_text_ok(text, len));
		assert(err.fate == CH_GIVE_UP && err.text[0]);
		return;
	}
	check_lines(&out, 78);
	decode(out.data + strlen("Subject:"), out.data + out.len, &back);
	assert(back.len == len);
	assert(memcmp(ch_str_cstr(&back), text, len) == 0);
}

static void check_name(const char *text)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(OUT_MAX);
	struct ch_error err;
	size_t column = 31;

	if (ch_header_param(&out, &column, "filename", text, &err) < 0) {
		assert(!ch_header_text_ok(text, strlen(text)));
		return;
	}
	ch_str_add(&out, "\r\n");
	assert(out.data[0] == ';');
	check_lines(&out, 78);
}

static void check_ascii(const char *text, size_t len)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(OUT_MAX);

	ch_header_ascii(text, len, &out);
	assert(strspn(ch_str_cstr(&out), "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-._") == out.len);
}

static void check_display(const char *text, size_t len)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(OUT_MAX);
	struct ch_address address = { "", "a@b.example", 1 };
	struct ch_error err;

	if (len >= sizeof(address.display))
		return;
	memcpy(address.display, text, len + 1);
	if (ch_header_addresses(&out, "To", &address, 1, &err) < 0) {
		assert(!ch_header_text_ok(text, len));
		return;
	}
	check_lines(&out, 78);
	assert(strstr(out.data, " <a@b.example>\r\n") ||
	       strcmp(out.data, "To: a@b.example\r\n") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CH_AUTOCHAR text = ch_xstrndup((const char *)data, size);
	size_t len = strlen(text);

	check_subject(text, len);
	check_name(text);
	check_ascii(text, len);
	check_display(text, len);
	return 0;
}
