// SPDX-License-Identifier: GPL-3.0-or-later
/* fold.c - compare without case in the scripts that our phrases are in, and
 * without the accents of Latin letters, which many a mail system leaves out.
 *
 * Arabic and Chinese have no case; Latin-1 and Cyrillic need a line each. A
 * full case folding would bring ICU into the process that reads strangers'
 * mail. */
#include <string.h>

#include "base/utf8.h"
#include "returns/returns-private.h"

/* U+00E0 to U+00FF without their accents; æ, ð, ß and the like stay. */
static const char bases[] = "aaaaaa\0ceeeeiiii\0nooooo\0ouuuuy\0y";

uint32_t ch_fold(uint32_t cp)
{
	if (cp >= 'A' && cp <= 'Z')
		return cp + 32;
	if (cp < 0x80)
		return cp;
	if (cp >= 0xC0 && cp <= 0xDE && cp != 0xD7)
		cp += 32;
	if (cp >= 0xE0 && cp <= 0xFF)
		return bases[cp - 0xE0] ? (uint32_t)bases[cp - 0xE0] : cp;
	if (cp >= 0x410 && cp <= 0x42F)
		return cp + 32;
	if (cp >= 0x400 && cp <= 0x40F)
		return cp + 80;
	if (cp == 0xA0 || cp == 0x202F || cp == 0x3000)
		return ' ';
	if (cp == 0x2019)
		return '\'';
	return cp;
}

static uint32_t next(const char **text)
{
	uint32_t cp;
	size_t len = strnlen(*text, 4);
	size_t used;

	if (!len)
		return 0;
	used = ch_utf8_decode(*text, len, &cp);
	if (!used) {
		++*text;
		return 0xFFFD;
	}
	*text += used;
	return ch_fold(cp);
}

size_t ch_fold_prefix(const char *text, const char *prefix)
{
	const char *at = text;

	while (*prefix)
		if (next(&at) != next(&prefix))
			return 0;
	return (size_t)(at - text);
}

bool ch_fold_contains(const char *text, const char *word)
{
	for (; *text; text++)
		if (((unsigned char)*text & 0xC0) != 0x80 &&
		    ch_fold_prefix(text, word))
			return true;
	return false;
}
