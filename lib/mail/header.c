// SPDX-License-Identifier: GPL-3.0-or-later
/* header.c - write header fields, encoded and folded.
 *
 * Words that are ASCII stay readable ("[DM-1276] " can be searched for in any
 * mailbox): only the span from the first to the last word that needs it becomes
 * encoded words. A word longer than WORD_MAX is encoded too, because an encoded
 * word can be folded and a bare one cannot.
 */
#include "mail/header.h"

#include <assert.h>
#include <string.h>

#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "base/hash.h"
#include "base/utf8.h"

#define LINE_MAX_COLUMNS 78    /* RFC 5322 section 2.1.1 */
#define ENCODED_WORD_MAX 75    /* RFC 2047 section 2 */
#define ENCODED_WORD_FRAME 12  /* "=?UTF-8?B?" and "?=" */
#define WORD_MAX 60
#define NAME_MAX_LEN 17        /* so that a bare word fits behind it */

enum context {
	UNSTRUCTURED,
	PHRASE, /* RFC 2047 section 5 (3): fewer characters stand for
		   themselves */
};

bool ch_header_text_ok(const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t cp;
		size_t n;

		if (text[at] >= 0x20 && text[at] < 0x7F) {
			at++;
			continue;
		}
		n = ch_utf8_decode(text + at, len - at, &cp);
		if (n == 0 || ch_utf8_is_control(cp))
			return false;
		at += n;
	}
	return true;
}

static int check_text(const char *name, const char *value, size_t len,
		      struct ch_error *err)
{
	if (ch_header_text_ok(value, len))
		return 0;
	return ch_error_set(err, CH_GIVE_UP,
			    "%s: a control character, or bytes that are not "
			    "UTF-8",
			    name);
}

/* A field under construction: where the text goes, and the column it is at. */
struct field {
	struct ch_str *out;
	size_t column;
};

static void put(struct field *field, const char *bytes, size_t len)
{
	ch_str_add_mem(field->out, bytes, len);
	field->column += len;
}

static void field_begin(struct field *field, const char *name)
{
	size_t len = strlen(name);

	assert(len <= NAME_MAX_LEN);
	field->column = 0;
	put(field, name, len);
	put(field, ":", 1);
}

static void fold(struct field *field)
{
	ch_str_add_mem(field->out, "\r\n", 2);
	field->column = 0;
}

/* A space and a token that cannot be broken, folded before where it would pass
 * the line and a line of its own would help. */
static void put_token(struct field *field, const char *bytes, size_t len)
{
	if (field->column + 1 + len > LINE_MAX_COLUMNS &&
	    1 + len <= LINE_MAX_COLUMNS)
		fold(field);
	put(field, " ", 1);
	put(field, bytes, len);
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/* Whether the byte stands for itself in a Q word; a space becomes "_". */
static bool q_plain(char c, enum context context)
{
	if (context == PHRASE)
		return is_alnum(c) || (c != '\0' && strchr("!*+-/", c));
	return c > 0x20 && c < 0x7F && c != '=' && c != '?' && c != '_';
}

static size_t q_size(char c, enum context context)
{
	return c == ' ' || q_plain(c, context) ? 1 : 3;
}

static size_t q_encode(const char *text, size_t len, enum context context,
		       char *out)
{
	static const char digits[] = "0123456789ABCDEF";
	char *p = out;

	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (text[i] == ' ') {
			*p++ = '_';
		} else if (q_plain(text[i], context)) {
			*p++ = text[i];
		} else {
			*p++ = '=';
			*p++ = digits[byte >> 4];
			*p++ = digits[byte & 15];
		}
	}
	return (size_t)(p - out);
}

static size_t character_size(const char *text, size_t len)
{
	uint32_t cp;
	size_t n = ch_utf8_decode(text, len, &cp);

	return n ? n : 1;
}

/* How many bytes of `text` one encoded word of at most `room` characters
 * takes; never a part of a character. */
static size_t word_take(const char *text, size_t len, size_t room, bool use_q,
			enum context context)
{
	size_t taken = 0;
	size_t size = 0;

	while (taken < len) {
		size_t n = character_size(text + taken, len - taken);
		size_t more = 0;

		for (size_t i = 0; use_q && i < n; i++)
			more += q_size(text[taken + i], context);
		if (use_q ? size + more > room :
			    CH_BASE64_SIZE(taken + n) > room)
			break;
		size += more;
		taken += n;
	}
	return taken;
}

/* The text as encoded words, each after a space. */
static void put_encoded(struct field *field, const char *text, size_t len,
			enum context context)
{
	size_t q_total = 0;
	size_t whole;
	bool use_q;

	for (size_t i = 0; i < len; i++)
		q_total += q_size(text[i], context);
	use_q = q_total <= CH_BASE64_SIZE(len);
	/* A name stays in one word where that fits a line: some readers put a
	 * space between the words of a name. */
	whole = ENCODED_WORD_FRAME + (use_q ? q_total : CH_BASE64_SIZE(len));
	if (context == PHRASE && whole <= ENCODED_WORD_MAX &&
	    field->column + 1 + whole > LINE_MAX_COLUMNS)
		fold(field);
	while (len > 0) {
		char word[ENCODED_WORD_MAX + 2] = "=?UTF-8?B?";
		size_t used = 10;
		size_t left = LINE_MAX_COLUMNS - 1 - field->column;
		size_t room, taken;

		if (field->column + 1 >= LINE_MAX_COLUMNS)
			left = 0;
		if (left > ENCODED_WORD_MAX)
			left = ENCODED_WORD_MAX;
		room = left > ENCODED_WORD_FRAME ? left - ENCODED_WORD_FRAME :
						   0;
		taken = word_take(text, len, room, use_q, context);
		/* No word for a few characters at the end of a line. */
		if (room < 24 && taken < len) {
			fold(field);
			taken = word_take(text, len,
					  ENCODED_WORD_MAX - ENCODED_WORD_FRAME,
					  use_q, context);
		}
		if (use_q) {
			word[8] = 'Q';
			used += q_encode(text, taken, context, word + used);
		} else {
			used += ch_base64(text, taken, word + used);
		}
		word[used++] = '?';
		word[used++] = '=';
		put_token(field, word, used);
		text += taken;
		len -= taken;
	}
}

/* Whether a word must not stand bare in unstructured text. */
static bool word_needs_encoding(const char *word, size_t len)
{
	if (len > WORD_MAX || memmem(word, len, "=?", 2))
		return true;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)word[i] >= 0x7F)
			return true;
	return false;
}

static size_t word_len(const char *text, size_t len)
{
	const char *space = memchr(text, ' ', len);

	return space ? (size_t)(space - text) : len;
}

/* Find the span to encode: from the first word that needs it to the end of the
 * last. Empty where none does. */
static void encoded_span(const char *text, size_t len, size_t *ret_from,
			 size_t *ret_to)
{
	bool any = false;

	*ret_from = *ret_to = len;
	for (size_t at = 0; at < len;) {
		size_t n = word_len(text + at, len - at);

		if (word_needs_encoding(text + at, n)) {
			if (!any)
				*ret_from = at;
			any = true;
			*ret_to = at + n;
		}
		at += n + 1;
	}
}

static void put_words(struct field *field, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t n = word_len(text + at, len - at);

		if (n)
			put_token(field, text + at, n);
		at += n + 1;
	}
}

/* Unstructured text or a phrase that needs encoding. Only single spaces can
 * stay between bare words: whatever else there is of spaces goes into the
 * encoded span. */
static void put_text(struct field *field, const char *text, size_t len,
		     enum context context)
{
	size_t from, to;

	if (len == 0)
		return;
	encoded_span(text, len, &from, &to);
	if (text[0] == ' ' || text[len - 1] == ' ' ||
	    memmem(text, len, "  ", 2)) {
		from = 0;
		to = len;
	}
	put_words(field, text, from);
	if (from < to)
		put_encoded(field, text + from, to - from, context);
	if (to < len)
		put_words(field, text + to + 1, len - to - 1);
}

int ch_header_text(struct ch_str *out, const char *name, const char *value,
		   struct ch_error *err)
{
	struct field field = { .out = out };
	size_t len = strlen(value);

	if (check_text(name, value, len, err) < 0)
		return -1;
	field_begin(&field, name);
	put_text(&field, value, len, UNSTRUCTURED);
	fold(&field);
	return 0;
}

/* atext and spaces: may stand as a phrase without quotes. */
static bool is_bare_phrase(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(text[i]) && text[i] != ' ' &&
		    !strchr("!#$%&'*+-/=?^_`{|}~", text[i]))
			return false;
	return true;
}

/* A quoted-string of at most WORD_MAX characters, or 0 where it is longer. */
static size_t quote(const char *text, size_t len, char out[WORD_MAX])
{
	size_t used = 0;

	out[used++] = '"';
	for (size_t i = 0; i < len; i++) {
		if (used + 3 > WORD_MAX)
			return 0;
		if (text[i] == '"' || text[i] == '\\')
			out[used++] = '\\';
		out[used++] = text[i];
	}
	out[used++] = '"';
	return used;
}

static void put_display(struct field *field, const char *text)
{
	size_t len = strlen(text);
	size_t from, to;
	bool odd_spaces = len && (text[0] == ' ' || text[len - 1] == ' ' ||
				  memmem(text, len, "  ", 2));
	char quoted[WORD_MAX];
	size_t quoted_len = quote(text, len, quoted);

	encoded_span(text, len, &from, &to);
	if (from == to && !odd_spaces && is_bare_phrase(text, len))
		put_words(field, text, len);
	else if (from == to && quoted_len)
		put_token(field, quoted, quoted_len);
	else
		put_encoded(field, text, len, PHRASE);
}

int ch_header_addresses(struct ch_str *out, const char *name,
			const struct ch_address *list, size_t len,
			struct ch_error *err)
{
	struct field field = { .out = out };

	field_begin(&field, name);
	for (size_t i = 0; i < len; i++) {
		const char *display = list[i].display;
		char token[sizeof(list[i].spec) + 3];
		size_t used = strlen(list[i].spec);

		if (check_text(name, display, strlen(display), err) < 0 ||
		    check_text(name, list[i].spec, used, err) < 0)
			return -1;
		if (display[0]) {
			put_display(&field, display);
			token[0] = '<';
			memcpy(token + 1, list[i].spec, used);
			token[++used] = '>';
			used++;
		} else {
			memcpy(token, list[i].spec, used);
		}
		if (i + 1 < len)
			token[used++] = ',';
		put_token(&field, token, used);
	}
	fold(&field);
	return 0;
}

/* attribute-char of RFC 2231 section 7: of a token, not "*", "'", "%". */
static bool is_attribute_char(char c)
{
	return is_alnum(c) || (c != '\0' && strchr("!#$&+-.^_`{|}~", c));
}

/* May stand without quotes. "*", "'" and "%" may too, in a token, but some
 * readers take them for the RFC 2231 form. */
static bool is_bare_value(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_attribute_char(text[i]))
			return false;
	return len > 0;
}

/* One character as it stands in an extended value; returns its size. */
static size_t percent_encode(const char *text, size_t len, char *out)
{
	static const char digits[] = "0123456789ABCDEF";
	char *p = out;

	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (is_attribute_char(text[i])) {
			*p++ = text[i];
			continue;
		}
		*p++ = '%';
		*p++ = digits[byte >> 4];
		*p++ = digits[byte & 15];
	}
	return (size_t)(p - out);
}

/* Leaves a column for the ";" of a parameter behind it. */
static void put_param(struct field *field, const char *bytes, size_t len)
{
	put(field, ";", 1);
	if (field->column + 2 + len > LINE_MAX_COLUMNS)
		fold(field);
	put(field, " ", 1);
	put(field, bytes, len);
}

/* name*=UTF-8''… where it fits a line, else name*0*=…; name*1*=… (RFC 2231
 * sections 3 and 4). */
static void put_extended(struct field *field, const char *name,
			 const char *value, size_t len)
{
	size_t whole = 0;
	char line[LINE_MAX_COLUMNS];
	char one[12];
	size_t at = 0;

	for (size_t i = 0; i < len; i++)
		whole += is_attribute_char(value[i]) ? 1 : 3;
	for (unsigned int section = 0; at < len; section++) {
		bool split = strlen(name) + 9 + whole > LINE_MAX_COLUMNS - 2;
		int head = split ? snprintf(line, sizeof(line), "%s*%u*=%s",
					    name, section,
					    section ? "" : "UTF-8''") :
				   snprintf(line, sizeof(line), "%s*=UTF-8''",
					    name);
		size_t used = (size_t)head;

		while (at < len) {
			size_t n = character_size(value + at, len - at);
			size_t size = percent_encode(value + at, n, one);

			if (used + size > LINE_MAX_COLUMNS - 2)
				break;
			memcpy(line + used, one, size);
			used += size;
			at += n;
		}
		put_param(field, line, used);
	}
}

int ch_header_param(struct ch_str *out, size_t *column, const char *name,
		    const char *value, struct ch_error *err)
{
	struct field field = { .out = out, .column = *column };
	size_t name_len = strlen(name);
	size_t len = strlen(value);
	char text[NAME_MAX_LEN + 1 + WORD_MAX];
	size_t quoted_len;

	assert(name_len <= NAME_MAX_LEN);
	if (check_text(name, value, len, err) < 0)
		return -1;
	memcpy(text, name, name_len);
	text[name_len] = '=';
	if (len <= WORD_MAX && is_bare_value(value, len)) {
		memcpy(text + name_len + 1, value, len);
		put_param(&field, text, name_len + 1 + len);
	} else if (!word_needs_encoding(value, len) &&
		   (quoted_len = quote(value, len, text + name_len + 1))) {
		put_param(&field, text, name_len + 1 + quoted_len);
	} else {
		put_extended(&field, name, value, len);
	}
	*column = field.column;
	return 0;
}

#define ASCII_UNITS_MAX 1024 /* of what is taken apart; the rest is left out */

void ch_header_ascii(const char *text, size_t len, struct ch_str *out)
{
	UChar units[ASCII_UNITS_MAX], apart[ASCII_UNITS_MAX];
	UErrorCode status = U_ZERO_ERROR;
	const UNormalizer2 *letters = unorm2_getNFKDInstance(&status);
	int32_t count = 0;
	bool gap = false;

	u_strFromUTF8(units, ASCII_UNITS_MAX, &count, text, (int32_t)len,
		      &status);
	count = unorm2_normalize(letters, units, count, apart, ASCII_UNITS_MAX,
				 &status);
	if (U_FAILURE(status))
		return;
	for (int32_t i = 0; i < count; i++) {
		char c = apart[i] < 0x80 ? (char)apart[i] : '\0';

		if (c && (is_alnum(c) || c == '-' || c == '.')) {
			if (gap && out->len)
				ch_str_add_char(out, '_');
			gap = false;
			ch_str_add_char(out, c);
		} else if (!(apart[i] >= 0x300 && apart[i] <= 0x36F)) {
			gap = true; /* no mark on the letter before */
		}
	}
}
