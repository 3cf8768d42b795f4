// SPDX-License-Identifier: GPL-3.0-or-later
/* utf8.c - read, write and measure UTF-8.
 *
 * The widths are a short table of our own and not wcwidth(): that one depends
 * on the locale, and a letter's line breaks may not.
 */
#include "base/utf8.h"

#include "base/mem.h"

size_t ch_utf8_decode(const char *text, size_t len, uint32_t *ret_cp)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t cp;
	uint32_t least;
	size_t need;

	if (p[0] < 0x80) {
		*ret_cp = p[0];
		return 1;
	}
	if (p[0] >= 0xC2 && p[0] <= 0xDF) {
		need = 2;
		cp = p[0] & 0x1Fu;
		least = 0x80;
	} else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
		need = 3;
		cp = p[0] & 0x0Fu;
		least = 0x800;
	} else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
		need = 4;
		cp = p[0] & 0x07u;
		least = 0x10000;
	} else {
		return 0;
	}
	if (len < need)
		return 0;
	for (size_t i = 1; i < need; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3Fu);
	}
	if (cp < least || cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
		return 0;
	*ret_cp = cp;
	return need;
}

size_t ch_utf8_encode(uint32_t cp, char out[4])
{
	if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
		cp = 0xFFFD;
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xC0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3F));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xE0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
		out[2] = (char)(0x80 | (cp & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
	out[3] = (char)(0x80 | (cp & 0x3F));
	return 4;
}

bool ch_utf8_valid(const char *text, size_t len, size_t *ret_bad)
{
	size_t at = 0;

	while (at < len) {
		uint32_t cp;
		size_t n = ch_utf8_decode(text + at, len - at, &cp);

		if (n == 0) {
			if (ret_bad)
				*ret_bad = at;
			return false;
		}
		at += n;
	}
	return true;
}

bool ch_utf8_is_bidi_control(uint32_t cp)
{
	return (cp >= 0x202A && cp <= 0x202E) ||
	       (cp >= 0x2066 && cp <= 0x2069) || cp == 0x200E ||
	       cp == 0x200F || cp == 0x061C;
}

bool ch_utf8_is_control(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x2028 ||
	       cp == 0x2029;
}

struct range {
	uint32_t first, last;
};

static const struct range zero_width[] = {
	{ 0x0300, 0x036F },   { 0x0483, 0x0489 },   { 0x0591, 0x05BD },
	{ 0x05BF, 0x05BF },   { 0x05C1, 0x05C2 },   { 0x05C4, 0x05C5 },
	{ 0x0610, 0x061A },   { 0x061C, 0x061C },   { 0x064B, 0x065F },
	{ 0x0670, 0x0670 },   { 0x06D6, 0x06DC },   { 0x06DF, 0x06E4 },
	{ 0x06E7, 0x06E8 },   { 0x06EA, 0x06ED },   { 0x08D3, 0x08E1 },
	{ 0x08E3, 0x08FF },   { 0x093C, 0x093C },   { 0x0E31, 0x0E31 },
	{ 0x0E34, 0x0E3A },   { 0x0E47, 0x0E4E },   { 0x1AB0, 0x1AFF },
	{ 0x1DC0, 0x1DFF },   { 0x200B, 0x200F },   { 0x202A, 0x202E },
	{ 0x2060, 0x2064 },   { 0x2066, 0x206F },   { 0x20D0, 0x20F0 },
	{ 0xFE00, 0xFE0F },   { 0xFE20, 0xFE2F },   { 0xFEFF, 0xFEFF },
	{ 0xE0100, 0xE01EF },
};

static const struct range double_width[] = {
	{ 0x1100, 0x115F },   { 0x2E80, 0x303E },   { 0x3041, 0x33FF },
	{ 0x3400, 0x4DBF },   { 0x4E00, 0x9FFF },   { 0xA000, 0xA4CF },
	{ 0xA960, 0xA97F },   { 0xAC00, 0xD7A3 },   { 0xF900, 0xFAFF },
	{ 0xFE10, 0xFE19 },   { 0xFE30, 0xFE6F },   { 0xFF00, 0xFF60 },
	{ 0xFFE0, 0xFFE6 },   { 0x1F300, 0x1F64F }, { 0x1F900, 0x1F9FF },
	{ 0x20000, 0x3FFFD },
};

static bool within(const struct range *table, size_t count, uint32_t cp)
{
	size_t low = 0;

	while (low < count) {
		size_t mid = low + (count - low) / 2;

		if (cp > table[mid].last)
			low = mid + 1;
		else if (cp < table[mid].first)
			count = mid;
		else
			return true;
	}
	return false;
}

int ch_utf8_width(uint32_t cp)
{
	if (cp < 0x300)
		return cp == 0xAD ? 0 : 1;
	if (within(zero_width, CH_COUNT(zero_width), cp))
		return 0;
	return within(double_width, CH_COUNT(double_width), cp) ? 2 : 1;
}

size_t ch_utf8_text_width(const char *text, size_t len)
{
	size_t width = 0;
	size_t at = 0;

	while (at < len) {
		uint32_t cp;
		size_t n = ch_utf8_decode(text + at, len - at, &cp);

		width += n ? (size_t)ch_utf8_width(cp) : 1;
		at += n ? n : 1;
	}
	return width;
}
