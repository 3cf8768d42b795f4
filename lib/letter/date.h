/* SPDX-License-Identifier: GPL-3.0-or-later */
/* date.h - a day as a letter in one of the six languages writes it. */
#ifndef CH_LETTER_DATE_H
#define CH_LETTER_DATE_H

#include "base/error.h"
#include "base/str.h"

enum ch_date_form {
	CH_DATE_LONG,    /* 7 December 2002 */
	CH_DATE_SHORT,   /* 7 Dec. 2002 */
	CH_DATE_WEEKDAY, /* Saturday, 7 December 2002 */
};

/* Append the day `iso`, "2002-12-07" (ISO 8601), in words. `language` is "ar",
 * "en", "es", "fr", "ru" or "zh". Returns 0, or -1 with CH_GIVE_UP where it is
 * no such day, or a language without rules. */
int ch_date_words(struct ch_slice iso, enum ch_date_form form,
		  const char *language, struct ch_str *out,
		  struct ch_error *err);

#endif
