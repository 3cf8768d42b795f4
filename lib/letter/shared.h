/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shared.h - files that letters share: the names of countries, the salutations.
 *
 * They are installed once. A letter that uses one and has none of its own in
 * its folder is given a copy when it is checked, shown or queued, so that a
 * batch keeps the names it was merged with and every attempt gives the same
 * bytes.
 */
#ifndef CH_LETTER_SHARED_H
#define CH_LETTER_SHARED_H

#include <stdbool.h>

#include "base/problem.h"
#include "letter/bundle.h"

/* Whether a text of the letter seems to use that file; also "yes" where a text
 * merely mentions its field, which costs a file that is not needed. */
bool ch_shared_is_used(const struct ch_bundle *bundle, const char *name);

/* Add those that are used and not there, from `folder`. -1 with a problem where
 * one cannot be read. */
int ch_shared_add(struct ch_bundle *bundle, const char *folder,
		  struct ch_problems *problems);

/* Whether a letter may have a file of that name without using it. */
bool ch_shared_is_one(const char *name);

#endif
