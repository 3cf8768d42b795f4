/* SPDX-License-Identifier: GPL-3.0-or-later */
/* number.h - numbers as a letter in one of the six languages writes them. */
#ifndef CH_LETTER_NUMBER_H
#define CH_LETTER_NUMBER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

/* Append the number `text`, "-1234567.5" (ASCII digits, a point), with groups
 * of three digits: 1,234,567.5 in English and Arabic and Chinese; with a comma
 * and no-break spaces in the others (narrow in French), where Spanish and
 * Russian leave four digits together. -1 with CH_GIVE_UP where it is no such
 * number, or a language without rules. */
int ch_number_grouped(struct ch_slice text, const char *language,
		      struct ch_str *out, struct ch_error *err);

enum ch_gender {
	CH_MASCULINE,
	CH_FEMININE,
	CH_NEUTER, /* Russian alone; elsewhere as masculine */
};

/* Append the whole number `text`, "21", as an ordinal: 21st; 21e (1er, 1re);
 * 21.º (21.ª); 21-й (21-я, 21-е); 第21; in Arabic words up to nineteen and the
 * number itself from 20 on. Errors as above. */
int ch_number_ordinal(struct ch_slice text, enum ch_gender gender,
		      const char *language, struct ch_str *out,
		      struct ch_error *err);

/* Whether it is such a number, and where its parts are. */
struct ch_number {
	bool negative;
	struct ch_slice whole;
	struct ch_slice fraction; /* without the point; may be empty */
};
int ch_number_read(struct ch_slice text, struct ch_number *ret,
		   struct ch_error *err);

#endif
