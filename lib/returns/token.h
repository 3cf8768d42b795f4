/* SPDX-License-Identifier: GPL-3.0-or-later */
/* token.h - the VERP token in an envelope sender, and whether one that came
 * back is ours.
 *
 * local part := prefix "+" token;  token := base32(id, attempt) "-" key-id
 * base32(hmac), lower case, 80 bits of HMAC-SHA-256 over (purpose, letter id,
 * attempt, key id). The whole local part stays within 64 characters (RFC 5321
 * section 4.5.3.1.1) and survives case folding.
 */
#ifndef CH_RETURNS_TOKEN_H
#define CH_RETURNS_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define CH_TOKEN_KEY_SIZE 32
#define CH_TOKEN_SIZE 48 /* longest token with its terminator */

struct ch_token_key {
	unsigned int id; /* 0 to 31: written as one base32 digit */
	unsigned char bytes[CH_TOKEN_KEY_SIZE];
};

/* Write the token of a letter's attempt; letter_id is below 2^48. */
void ch_token_make(const struct ch_token_key *key, int64_t letter_id,
		   unsigned int attempt, char out[CH_TOKEN_SIZE]);

/* Whether `token` was made by one of the keys. Returns 0 and the letter and
 * attempt, or -1 (any other text). Takes the same time for each wrong HMAC. */
int ch_token_check(const struct ch_token_key *keys, size_t keys_len,
		   struct ch_slice token, int64_t *ret_letter_id,
		   unsigned int *ret_attempt);

/* Find what may be a token in a recipient address "prefix+token@domain" (any
 * case): the part between the first "+" and the "@". Empty slice if none. */
struct ch_slice ch_token_find(struct ch_slice address,
			      struct ch_slice prefix, struct ch_slice domain);

/* Whether it has the form of a token, whoever made it: 34 ASCII characters. */
bool ch_token_is_formed(struct ch_slice token);

#endif
