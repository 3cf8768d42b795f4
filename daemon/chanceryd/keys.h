/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys.h - the keys of the tokens in our envelope senders (returns/token.h).
 *
 * They are in the text file token.key beside the database, mode 0600, made at
 * the first start from the kernel's generator. One key a line: a number from 0
 * to 31, a space, 64 hexadecimal digits; lines that begin with # are comments.
 * The last key makes new tokens and all of them are known when one comes back:
 * a new key is made by adding a line, and an old one is dropped when no bounce
 * of its time can come any more. Losing the file loses no letter: mail that
 * comes back with an older token is shown as unverified.
 */
#ifndef CH_CHANCERYD_KEYS_H
#define CH_CHANCERYD_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

struct ch_keys; /* opaque; room->keys; never changes */
struct ch_token_key;

/* Read state_dir/token.key, or make it. Made means: on the disk, and there as
 * a whole or not at all. -1: CH_GIVE_UP where others can read it, it belongs to
 * somebody else or it is no such file; CH_RETRY where it cannot be written. */
int ch_keys_open(const char *state_dir, struct ch_keys **ret,
		 struct ch_error *err);
void ch_keys_free(struct ch_keys *keys); /* NULL is fine; wipes them */
CH_DEFINE_AUTOPTR(ch_keys);

/* Whether ch_keys_open() made the file: the first start, or it was lost. */
bool ch_keys_are_new(const struct ch_keys *keys);
/* What tells the newest key from others without showing it: 16 hexadecimal
 * digits. For the store, which so notices that the file was lost. */
#define CH_KEYS_MARK_SIZE 17
const char *ch_keys_mark(const struct ch_keys *keys,
			 char out[CH_KEYS_MARK_SIZE]);

/* The one that new tokens are made with. Borrowed. */
const struct ch_token_key *ch_keys_current(const struct ch_keys *keys);
/* All that are valid, for checking. Borrowed. */
const struct ch_token_key *ch_keys_all(const struct ch_keys *keys,
				       size_t *ret_len);

/* Append the envelope id of a letter's attempt (RFC 3461 section 4.4): the
 * token itself, which needs no xtext. A report returns it, and whoever got the
 * letter never saw it. The envelope sender is prefix+token@domain. */
void ch_keys_envelope_id(const struct ch_keys *keys, int64_t letter_id,
			 uint32_t attempt, struct ch_str *out);

/* The same for our own copies: tokens under keys that are derived from those, so
 * that whoever gets a letter, and with it its envelope sender, cannot name the
 * address that its copy went to. */
void ch_keys_journal(const struct ch_keys *keys, int64_t letter_id,
		     uint32_t attempt, struct ch_str *out);
const struct ch_token_key *ch_keys_journal_all(const struct ch_keys *keys,
					       size_t *ret_len);

#endif
