// SPDX-License-Identifier: GPL-3.0-or-later
/* text.c - the text of a mail, from whatever charset it says, as UTF-8. */
#include <errno.h>
#include <iconv.h>
#include <strings.h>
#include <string.h>

#include "base/escape.h"
#include "base/utf8.h"
#include "base/mem.h"
#include "mail/message-private.h"

#define REPLACEMENT "\xEF\xBF\xBD"

/* Append with CRLF and lone CR as LF. */
static void add_lines(struct ch_str *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len && !out->full; i++) {
		if (text[i] != '\r')
			ch_str_add_char(out, text[i]);
		else if (i + 1 == len || text[i + 1] != '\n')
			ch_str_add_char(out, '\n');
	}
}

static void add_utf8(struct ch_str *out, const char *bytes, size_t len)
{
	CH_AUTO(ch_str) clean = CH_STR_INIT(out->max);

	ch_escape_utf8(&clean, bytes, len);
	add_lines(out, ch_str_cstr(&clean), clean.len);
}

/* Convert until the end or until `out` is full; a byte that has no meaning in
 * the charset becomes U+FFFD. */
static void convert(iconv_t cd, struct ch_str *out, char *bytes, size_t len)
{
	while (len && !out->full) {
		char buffer[4096];
		char *to = buffer;
		size_t room = sizeof(buffer);
		size_t result = iconv(cd, &bytes, &len, &to, &room);
		int failure = errno;

		ch_str_add_mem(out, buffer, (size_t)(to - buffer));
		if (result != (size_t)-1 || failure == E2BIG)
			continue;
		ch_str_add(out, REPLACEMENT);
		if (failure != EILSEQ)
			return; /* cut inside a character */
		bytes++;
		len--;
	}
}

static bool is_one_of(const char *charset, const char *const *names)
{
	for (; *names; names++)
		if (strcasecmp(charset, *names) == 0)
			return true;
	return false;
}

static bool is_ascii(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] & 0x80)
			return false;
	return true;
}

/* Charsets in which ASCII bytes may mean something else. */
static bool is_shifting(const char *charset)
{
	static const char *const names[] = { "utf-7",  "utf7",	 "unicode",
					     "utf-16", "utf-32", "iso-2022",
					     "hz",     "ucs",	 "csiso2022",
					     "ibm",    "cp037",	 "ebcdic",
					     "x-",     NULL };

	for (const char *const *name = names; *name; name++)
		if (strncasecmp(charset, *name, strlen(*name)) == 0)
			return true;
	return false;
}

/* What mailers call UTF-8, and the names under which they send just anything:
 * UTF-8 where it is that, else the charset that such mailers most often mean.
 */
static const char *real_charset(const char *charset, const char *bytes,
				size_t len)
{
	static const char *const utf8[] = { "utf-8", "utf8", NULL };
	static const char *const unsaid[] = { "",
					      "us-ascii",
					      "ascii",
					      "ansi_x3.4-1968",
					      "ansi_x3.110-1983",
					      "unknown-8bit",
					      "8bit",
					      "x-unknown",
					      "default",
					      NULL };

	if (is_one_of(charset, utf8))
		return NULL;
	if (is_one_of(charset, unsaid))
		return ch_utf8_valid(bytes, len, NULL) ? NULL : "windows-1252";
	if (is_ascii(bytes, len) && !is_shifting(charset))
		return NULL;
	if (strcasecmp(charset, "unicode-1-1-utf-7") == 0)
		return "utf-7"; /* of Exchange's reports */
	if (strcasecmp(charset, "iso-8859-1") == 0)
		return "windows-1252"; /* which it is, with fewer controls */
	return charset;
}

int ch_text_decode(struct ch_str *out, const char *bytes, size_t len,
		   const char *charset)
{
	const char *real = real_charset(charset, bytes, len);
	CH_AUTO(ch_str) raw = CH_STR_INIT(len);
	CH_AUTO(ch_str) text = CH_STR_INIT(out->max + 8192);
	iconv_t cd;

	if (!real) {
		add_utf8(out, bytes, len);
		return 0;
	}
	cd = iconv_open("UTF-8", real);
	if (cd == (iconv_t)-1) {
		add_utf8(out, bytes, len);
		return -1;
	}
	ch_str_add_mem(&raw, bytes, len);
	if (len)
		convert(cd, &text, raw.data, len);
	iconv_close(cd);
	add_utf8(out, ch_str_cstr(&text), text.len);
	return 0;
}
