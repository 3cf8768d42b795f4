/* SPDX-License-Identifier: GPL-3.0-or-later */
/* returns-private.h - the rules that classify.c puts in their order. */
#ifndef CH_RETURNS_RETURNS_PRIVATE_H
#define CH_RETURNS_RETURNS_PRIVATE_H

#include <stdbool.h>

#include "returns/classify.h"

/* Read the groups of a delivery status. Returns whether any spoke of a
 * recipient; fills kind, rule and recipients if so. (dsn.c) */
bool ch_rule_dsn(const struct ch_message *message, struct ch_classified *ret);

/* Whether a final failure means that the address is no use: hard, else soft.
 * `status` as "5.1.1" or "", `text` the diagnostic. (hardness.c) */
bool ch_is_hard(const char *status, const char *text);

/* Read an enhanced status code (RFC 3463) that stands in `text` as a word of
 * its own into `out`; "" if there is none. (hardness.c) */
void ch_status_find(const char *text, char out[CH_STATUS_SIZE]);

/* What shows that a machine answered, or NULL. (autoreply.c) */
const char *ch_rule_autoreply(const struct ch_message *message);

/* Whether the envelope sender was empty, as far as it is known. (autoreply.c)
 */
bool ch_has_null_sender(const struct ch_message *message);

/* Whether the text begins with the UTF-8 `prefix`, in any case (ASCII, Latin-1
 * and Cyrillic letters). Returns the bytes of `text` that it takes, or 0.
 * (fold.c) */
size_t ch_fold_prefix(const char *text, const char *prefix);
/* Whether it stands anywhere in it. */
bool ch_fold_contains(const char *text, const char *word);

#endif
