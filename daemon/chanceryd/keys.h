/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys.h - the keys of the tokens in our envelope senders (returns/token.h).
 *
 * They are in the file token.key beside the database, mode 0600, made at the
 * first start from the kernel's generator. Losing it loses no letter: mail that
 * comes back with an older token is shown as unverified.
 */
#ifndef CH_CHANCERYD_KEYS_H
#define CH_CHANCERYD_KEYS_H

#include <stddef.h>

#include "base/error.h"

struct ch_keys; /* opaque; room->keys */
struct ch_token_key;

/* Read state_dir/token.key, or make it. -1: CH_GIVE_UP where others can read
 * it or it is no such file; CH_RETRY where it cannot be written. */
int ch_keys_open(const char *state_dir, struct ch_keys **ret,
		 struct ch_error *err);
void ch_keys_free(struct ch_keys *keys); /* NULL is fine; wipes them */

/* The one that new tokens are made with. Borrowed. */
const struct ch_token_key *ch_keys_current(const struct ch_keys *keys);
/* All that are valid, for checking. Borrowed. */
const struct ch_token_key *ch_keys_all(const struct ch_keys *keys,
				       size_t *ret_len);

#endif
