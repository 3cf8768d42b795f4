/* SPDX-License-Identifier: GPL-3.0-or-later */
/* languages.h - the six languages, and how they are called here. */
#ifndef CH_LETTER_LANGUAGES_H
#define CH_LETTER_LANGUAGES_H

#include <stddef.h>

#include "base/str.h"

/* In the order a letter has them unless it says. */
#define CH_LANGUAGES 6
extern const char *const ch_languages[CH_LANGUAGES + 1]; /* NULL ends */

/* Which of them it is, from 0; CH_LANGUAGES where it is none. */
size_t ch_language_number(struct ch_slice code);

#endif
