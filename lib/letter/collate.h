/* SPDX-License-Identifier: GPL-3.0-or-later */
/* collate.h - names in the order that readers of a language look for them.
 *
 * ICU's order (CLDR): "Éthiopie" stands beside "Estonie", Chinese goes by
 * pinyin. Bytes of UTF-8 have the order of no language.
 */
#ifndef CH_LETTER_COLLATE_H
#define CH_LETTER_COLLATE_H

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

struct ch_collator; /* opaque */

/* For "ar", "en", "es", "fr", "ru" or "zh". The caller owns *ret. -1 with
 * CH_GIVE_UP where ICU has no rules for it. */
int ch_collator_new(const char *language, struct ch_collator **ret,
		    struct ch_error *err);
void ch_collator_free(struct ch_collator *collator);

/* Append bytes, with no zero among them, whose order is that of the names:
 * those of one collator may be compared by memcmp(). */
void ch_collator_key(struct ch_collator *collator, struct ch_slice name,
		     struct ch_str *out);

CH_DEFINE_AUTOPTR(ch_collator);

#endif
