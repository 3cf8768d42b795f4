/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plural.h - the word that goes with a number, by a language's plural rules. */
#ifndef CH_LETTER_PLURAL_H
#define CH_LETTER_PLURAL_H

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

struct ch_plural; /* opaque; never changes */

/* Read "one=annex, other=annexes": the words by plural category (CLDR: zero,
 * one, two, few, many, other), and before those by the number itself, as in
 * "0=no annex, one=annex, other=annexes". A word may have spaces and no comma.
 * Each category that whole numbers of the language come in has to be there.
 * -1 with CH_GIVE_UP and the reason; else the caller owns *ret. */
int ch_plural_new(struct ch_slice words, const char *language,
		  struct ch_plural **ret, struct ch_error *err);
void ch_plural_free(struct ch_plural *plural);

/* Append the word for `number`, such as "3" or "1.5". -1 with CH_GIVE_UP where
 * it is no number. */
int ch_plural_word(const struct ch_plural *plural, struct ch_slice number,
		   struct ch_str *out, struct ch_error *err);

CH_DEFINE_AUTOPTR(ch_plural);

#endif
