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
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

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
	size_t mark = sizeof(BYTE_ORDER_MARK) - 1;

	if (len >= mark && memcmp(bytes, BYTE_ORDER_MARK, mark) == 0) {
		bytes += mark;
		len -= mark;
	}
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

/* What is known of the bytes past ASCII, which is enough to tell apart what is
 * sent without a name: words of Western Europe have one here and there, Cyrillic
 * ones have nothing else, and the characters of East Asia come in pairs. */
struct high_bytes {
	size_t all;
	size_t in_words;  /* in runs of four or more */
	size_t pairs;     /* of two from 0xA1 on, in runs that are all pairs */
	size_t kana;      /* such with 0xA4 or 0xA5 first: hiragana, katakana */
	size_t hangul;    /* 0xB0 to 0xC8 first: where EUC-KR has its syllables */
	size_t low;       /* 0xA1 to 0xBF: hardly a letter of Cyrillic */
	size_t upper;     /* 0xE0 to 0xFF: small letters of windows-1251, and
			     capitals of KOI8 */
};

static void count_run(const unsigned char *run, size_t len,
		      struct high_bytes *high)
{
	bool even = len % 2 == 0;

	for (size_t i = 0; i < len; i++) {
		even = even && run[i] >= 0xA1;
		high->low += run[i] >= 0xA1 && run[i] < 0xC0;
		high->upper += run[i] >= 0xE0;
	}
	high->all += len;
	high->in_words += len >= 4 ? len : 0;
	for (size_t i = 0; even && i < len; i += 2) {
		high->pairs++;
		high->kana += run[i] == 0xA4 || run[i] == 0xA5;
		high->hangul += run[i] >= 0xB0 && run[i] <= 0xC8;
	}
}

static struct high_bytes count_high(const char *bytes, size_t len)
{
	const unsigned char *at = (const unsigned char *)bytes;
	struct high_bytes high = { 0 };

	for (size_t i = 0; i < len;) {
		size_t run = 0;

		while (i + run < len && at[i + run] & 0x80)
			run++;
		count_run(at + i, run, &high);
		i += run > 0 ? run : 1;
	}
	return high;
}

/* The charset of a text that names none and is no UTF-8. */
static const char *guess(const char *bytes, size_t len)
{
	struct high_bytes high = count_high(bytes, len);

	if (high.in_words < 8 || high.in_words * 5 < high.all * 4)
		return "windows-1252";
	if (high.pairs * 2 == high.all && high.low * 8 > high.all) {
		if (high.kana * 4 > high.pairs)
			return "euc-jp";
		return high.hangul * 10 > high.pairs * 9 ? "euc-kr" : "gb18030";
	}
	return high.upper * 2 > high.all ? "windows-1251" : "koi8-r";
}

/* The escapes of ISO 2022 (RFC 1468, RFC 1557), which old mail systems send
 * without a word about it; or NULL. */
static const char *escaped(const char *bytes, size_t len)
{
	if (memmem(bytes, len, "\033$B", 3) || memmem(bytes, len, "\033$@", 3))
		return "iso-2022-jp";
	return memmem(bytes, len, "\033$)C", 4) ? "iso-2022-kr" : NULL;
}

/* Where no charset is named, or one that means nothing; NULL for UTF-8. */
static const char *unnamed(const char *bytes, size_t len)
{
	if (is_ascii(bytes, len))
		return escaped(bytes, len);
	return ch_utf8_valid(bytes, len, NULL) ? NULL : guess(bytes, len);
}

/* What mailers call UTF-8, and the names under which they send just anything:
 * UTF-8 where it is that, else the charset that such mailers most likely mean.
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
		return unnamed(bytes, len);
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
