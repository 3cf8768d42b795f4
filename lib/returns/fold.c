// SPDX-License-Identifier: GPL-3.0-or-later
/* fold.c - compare without case in the scripts that our phrases are in, and
 * without the accents of Latin letters, which many a mail system leaves out.
 *
 * Arabic and Chinese have no case; the Latin, Greek, Cyrillic and Armenian
 * alphabets need a few lines each. A full case folding would bring ICU into the
 * process that reads strangers' mail. */
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "returns/returns-private.h"

/* U+00E0 to U+00FF without their accents; æ, ð, ß and the like stay. */
static const char bases[] = "aaaaaa\0ceeeeiiii\0nooooo\0ouuuuy\0y";

/* U+0100 to U+017F, a letter for each; digraphs and their like stay. */
static const char latin[] =
    "aaaaaaccccccccdddd"
    "eeeeeeeeeegggggggghhhhiiiiiiiiii\0\0jjkk\0"
    "llllllllllnnnnnn\0\0\0oooooo\0\0rrrrrrssssssss"
    "ttttttuuuuuuuuuuuuwwyyyzzzzzzs";
_Static_assert(sizeof(latin) == 0x80 + 1, "a letter for each");

/* U+0386 to U+038F, and U+03AC to U+03CE where they differ from themselves. */
static uint32_t fold_greek(uint32_t cp)
{
	static const struct {
		uint32_t from, to;
	} accents[] = {
		{ 0x386, 0x3B1 }, { 0x388, 0x3B5 }, { 0x389, 0x3B7 },
		{ 0x38A, 0x3B9 }, { 0x38C, 0x3BF }, { 0x38E, 0x3C5 },
		{ 0x38F, 0x3C9 }, { 0x3AC, 0x3B1 }, { 0x3AD, 0x3B5 },
		{ 0x3AE, 0x3B7 }, { 0x3AF, 0x3B9 }, { 0x3C2, 0x3C3 },
		{ 0x3CC, 0x3BF }, { 0x3CD, 0x3C5 }, { 0x3CE, 0x3C9 },
	};

	if (cp >= 0x391 && cp <= 0x3A9)
		return cp + 32;
	for (size_t i = 0; i < CH_COUNT(accents); i++)
		if (accents[i].from == cp)
			return accents[i].to;
	return cp;
}

static uint32_t fold_cyrillic(uint32_t cp)
{
	if (cp >= 0x410 && cp <= 0x42F)
		return cp + 32;
	if (cp >= 0x400 && cp <= 0x40F)
		cp += 80;
	if (cp == 0x490)
		cp = 0x491;
	return cp == 0x451 ? 0x435 : cp; /* many write it so */
}

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
	if (cp >= 0x100 && cp <= 0x17F)
		return latin[cp - 0x100] ? (uint32_t)latin[cp - 0x100] : cp;
	if (cp >= 0x386 && cp <= 0x3CE)
		return fold_greek(cp);
	if (cp >= 0x400 && cp <= 0x4FF)
		return fold_cyrillic(cp);
	if (cp >= 0x531 && cp <= 0x556) /* Armenian */
		return cp + 48;
	if (cp >= 0x218 && cp <= 0x21B) /* Romanian */
		return cp < 0x21A ? 's' : 't';
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
