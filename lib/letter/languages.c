// SPDX-License-Identifier: GPL-3.0-or-later
/* languages.c - their codes (ISO 639-1). */
#include "letter/languages.h"

const char *const ch_languages[CH_LANGUAGES + 1] = {
	"en", "fr", "es", "ru", "zh", "ar", NULL
};

size_t ch_language_number(struct ch_slice code)
{
	size_t i = 0;

	while (ch_languages[i] && !ch_slice_eq(code, ch_languages[i]))
		i++;
	return i;
}
