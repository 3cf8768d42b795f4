// SPDX-License-Identifier: GPL-3.0-or-later
/* escape.c - the only code that makes foreign text safe to show. */
#include "base/escape.h"

#include <string.h>

#include "base/utf8.h"

void ch_escape_line(struct ch_str *out, const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		uint32_t cp;
		size_t n = ch_utf8_decode(text + at, len - at, &cp);

		if (n == 0) {
			ch_str_addf(out, "\\x%02X", (unsigned char)text[at]);
			at++;
			continue;
		}
		if (cp == '\\')
			ch_str_add(out, "\\\\");
		else if (cp < 0x80 && ch_utf8_is_control(cp))
			ch_str_addf(out, "\\x%02X", cp);
		else if (ch_utf8_is_control(cp) || ch_utf8_is_bidi_control(cp))
			ch_str_addf(out, "\\u{%04X}", cp);
		else
			ch_str_add_mem(out, text + at, n);
		at += n;
	}
}

static const char *entity(uint32_t cp)
{
	switch (cp) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* How many bytes of `text` HTML shows as they are; what follows them is
 * something to replace, of *ret_len bytes. */
static size_t html_run(const char *text, size_t len, const char **ret_instead,
		       size_t *ret_len)
{
	size_t at = 0;

	while (at < len) {
		uint32_t cp = (unsigned char)text[at];
		size_t n = cp < 0x80 ? 1 :
				       ch_utf8_decode(text + at, len - at, &cp);

		*ret_instead = "\xEF\xBF\xBD";
		*ret_len = n ? n : 1;
		if (n == 0)
			return at;
		if (cp < 0xA0 && cp != '\t' && cp != '\n' && cp != '\r' &&
		    ch_utf8_is_control(cp))
			return at;
		*ret_instead = entity(cp);
		if (*ret_instead)
			return at;
		at += n;
	}
	return at;
}

void ch_escape_html(struct ch_str *out, const char *text, size_t len)
{
	while (len > 0) {
		const char *instead;
		size_t more;
		size_t run = html_run(text, len, &instead, &more);

		ch_str_add_mem(out, text, run);
		if (run == len)
			return;
		ch_str_add(out, instead);
		text += run + more;
		len -= run + more;
	}
}

/* What a spreadsheet would run; those set up for Japanese or Chinese take the
 * full-width signs too. Apostrophes count as nothing, so that a guard is told
 * from an apostrophe that was there before. */
static bool is_formula(const char *text, size_t len)
{
	static const char wide[][4] = { "\xEF\xBC\x9D", "\xEF\xBC\x8B",
					"\xEF\xBC\x8D", "\xEF\xBC\xA0" };

	while (len > 0 && *text == '\'') {
		text++;
		len--;
	}
	if (len > 0 && *text && strchr("=+-@\t\r\n", *text))
		return true;
	for (size_t i = 0; len >= 3 && i < sizeof(wide) / sizeof(wide[0]); i++)
		if (memcmp(text, wide[i], 3) == 0)
			return true;
	return false;
}

void ch_escape_csv(struct ch_str *out, const char *text, size_t len)
{
	bool guard = is_formula(text, len);
	bool quote = guard;

	for (size_t i = 0; i < len && !quote; i++)
		quote = text[i] && strchr("\",;\t\r\n", text[i]);
	if (!quote) {
		ch_escape_utf8(out, text, len);
		return;
	}
	ch_str_add_char(out, '"');
	if (guard)
		ch_str_add_char(out, '\'');
	for (size_t i = 0; i < len;) {
		size_t run = 0;

		while (i + run < len && text[i + run] != '"')
			run++;
		ch_escape_utf8(out, text + i, run);
		i += run;
		if (i < len) {
			ch_str_add(out, "\"\"");
			i++;
		}
	}
	ch_str_add_char(out, '"');
}

void ch_escape_utf8(struct ch_str *out, const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		uint32_t cp;
		size_t n = ch_utf8_decode(text + at, len - at, &cp);

		if (n == 0 || cp == 0)
			ch_str_add_utf8(out, 0xFFFD);
		else
			ch_str_add_mem(out, text + at, n);
		at += n ? n : 1;
	}
}
