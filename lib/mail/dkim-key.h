/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dkim-key.h - a private key that signs as DKIM does (RFC 6376, RFC 8463), and
 * the public half of it as the DNS tells it to the world.
 *
 * The key says which of the two algorithms it is for: rsa-sha256 or
 * ed25519-sha256. Neither has a random part, so the same letter gives the same
 * bytes at every attempt.
 */
#ifndef CH_MAIL_DKIM_KEY_H
#define CH_MAIL_DKIM_KEY_H

#include <stdbool.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#define CH_DKIM_KEY_FILE_MAX ((size_t)64 * 1024)

/* RFC 8301 section 3.2: signers must use 1024 bits and should 2048; verifiers
 * need not know more than 4096. */
#define CH_DKIM_RSA_MIN 1024
#define CH_DKIM_RSA_GOOD 2048
#define CH_DKIM_RSA_MAX 4096
#define CH_DKIM_SIGNATURE_MAX (CH_DKIM_RSA_MAX / 8) /* bytes */

struct ch_dkim_key; /* opaque */

/* `pem` is a private key without a password. The caller owns *ret. -1,
 * CH_GIVE_UP: it cannot be read, or is neither RSA of 1024 to 4096 bits nor
 * Ed25519. */
int ch_dkim_key_new(struct ch_slice pem, struct ch_dkim_key **ret,
		    struct ch_error *err);
/* The same from a file, whose bytes are not left in memory. */
int ch_dkim_key_read(const char *path, struct ch_dkim_key **ret,
		     struct ch_error *err);
void ch_dkim_key_free(struct ch_dkim_key *key); /* NULL is fine */

bool ch_dkim_key_is_rsa(const struct ch_dkim_key *key);
int ch_dkim_key_bits(const struct ch_dkim_key *key);
/* "rsa-sha256" or "ed25519-sha256". */
const char *ch_dkim_key_algorithm(const struct ch_dkim_key *key);

/* Append what the DNS has to say: "v=DKIM1; k=rsa; p=MIIB…" (RFC 6376 section
 * 3.6.1, RFC 8463 section 4). */
void ch_dkim_key_record(const struct ch_dkim_key *key, struct ch_str *out);

/* Sign the SHA-256 of what is signed; `out` gets *ret_len bytes. -1,
 * CH_GIVE_UP: OpenSSL will not. */
int ch_dkim_key_sign(const struct ch_dkim_key *key,
		     const struct ch_sha256 *digest,
		     unsigned char out[CH_DKIM_SIGNATURE_MAX], size_t *ret_len,
		     struct ch_error *err);

CH_DEFINE_AUTOPTR(ch_dkim_key);

#endif
