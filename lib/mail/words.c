// SPDX-License-Identifier: GPL-3.0-or-later
/* words.c - encoded words in a field (RFC 2047).
 *
 * Mailers cut characters, and even groups of base64 digits, between two words:
 * neighbours of one charset and encoding are decoded as one text.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "mail/message-private.h"
#include "mail/message.h"
#include "mail/mime-private.h"

#define CHARSET_MAX 60
#define WORD_MAX 2000 /* bytes of its text; RFC 2047 allows 75 in all */

struct word {
	char charset[CHARSET_MAX];
	char encoding; /* 'b' or 'q' */
	struct ch_slice text;
	size_t len; /* of all of it */
};

struct decoder {
	struct ch_str *out;  /* borrowed; UTF-8 */
	struct ch_str bytes; /* of the words so far that are one text */
	struct ch_base64_state state;
	char charset[CHARSET_MAX];
};

char *ch_message_line(const char *text)
{
	CH_AUTO(ch_str) clean = CH_STR_INIT(CH_MESSAGE_FIELD_MAX);
	char *line;

	ch_escape_utf8(&clean, text, strnlen(text, clean.max / 3));
	line = ch_str_take(&clean);
	for (char *c = line; *c; c++)
		if (*c == '\r' || *c == '\n' || *c == '\t')
			*c = ' ';
	return line;
}

/* encoded-word = "=?" charset "?" encoding "?" encoded-text "?=" (section 2);
 * a language may follow the charset (RFC 2231 section 5). Text with spaces in
 * it is taken too, as mailers write it. */
static bool read_word(const char *at, struct word *word)
{
	const char *charset = at + 2;
	size_t len = strcspn(charset, "?");
	size_t name = strcspn(charset, "*?");
	const char *text = charset + len + 3;
	const char *end;

	if (at[0] != '=' || at[1] != '?' || charset[len] != '?' || !name ||
	    name >= CHARSET_MAX || !charset[len + 1] || charset[len + 2] != '?')
		return false;
	word->encoding = (char)(charset[len + 1] | 32);
	if (word->encoding != 'b' && word->encoding != 'q')
		return false;
	end = text;
	while (*end && end - text < WORD_MAX && !(*end == '?' && end[1] == '='))
		end++;
	if (*end != '?')
		return false;
	memcpy(word->charset, charset, name);
	word->charset[name] = '\0';
	word->text = (struct ch_slice){ text, (size_t)(end - text) };
	word->len = (size_t)(end - at) + 2;
	return true;
}

static void flush(struct decoder *decoder)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(CH_MESSAGE_FIELD_MAX);

	if (decoder->bytes.len)
		ch_text_decode(&text, ch_str_cstr(&decoder->bytes),
			       decoder->bytes.len, decoder->charset);
	ch_str_add_mem(decoder->out, ch_str_cstr(&text), text.len);
	ch_str_clear(&decoder->bytes);
	decoder->state = (struct ch_base64_state){ 0 };
}

static void take_word(struct decoder *decoder, const struct word *word)
{
	if (strcasecmp(decoder->charset, word->charset) != 0)
		flush(decoder);
	memcpy(decoder->charset, word->charset, CHARSET_MAX);
	if (word->encoding == 'b')
		ch_base64_feed(&decoder->state, &decoder->bytes,
			       word->text.data, word->text.len);
	else
		ch_quoted_decode(&decoder->bytes, word->text.data,
				 word->text.len, true);
}

static void decode_words(struct decoder *decoder, const char *value)
{
	const char *plain = value; /* not written yet */
	bool after_word = false;
	struct word word;

	for (const char *at = value; (at = strstr(at, "=?"));) {
		size_t between = (size_t)(at - plain);

		if (!read_word(at, &word)) {
			/* None begins before the next "=?" either. */
			at += 2;
			continue;
		}
		/* Space between two words is no text. */
		if (!after_word || strspn(plain, " \t\r\n") < between) {
			flush(decoder);
			ch_str_add_mem(decoder->out, plain, between);
		}
		take_word(decoder, &word);
		at += word.len;
		plain = at;
		after_word = true;
	}
	flush(decoder);
	ch_str_add(decoder->out, plain);
}

char *ch_message_decode(const char *value)
{
	CH_AUTO(ch_str) all = CH_STR_INIT(4 * CH_MESSAGE_FIELD_MAX);
	CH_AUTO(ch_str) text = CH_STR_INIT(CH_MESSAGE_FIELD_MAX);
	struct decoder decoder = {
		.out = &all,
		.bytes = CH_STR_INIT(CH_MESSAGE_FIELD_MAX),
	};
	bool has_words = strstr(value, "=?") != NULL;
	size_t len = strlen(value);

	if (!has_words && ch_utf8_valid(value, len, NULL))
		return ch_message_line(value);
	if (!has_words) {
		ch_text_decode(&text, value, len, "");
		return ch_message_line(ch_str_cstr(&text));
	}
	decode_words(&decoder, value);
	ch_str_release(&decoder.bytes);
	return ch_message_line(ch_str_cstr(&all));
}
