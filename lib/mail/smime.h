/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smime.h - a message signed as S/MIME does it (RFC 8551): multipart/signed,
 * with a detached CMS signature over the exact bytes of what was the message's
 * body.
 *
 * The same message gives the same bytes at every attempt: the signature is RSA
 * with PKCS #1 v1.5 padding and SHA-256, which has no random part, and its
 * signing time is the letter's date. Keys whose signatures are random (ECDSA,
 * RSA-PSS) are refused for that reason.
 */
#ifndef CH_MAIL_SMIME_H
#define CH_MAIL_SMIME_H

#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

struct ch_composed; /* compose.h */

struct ch_smime; /* opaque; a key, its certificate, those above it */

/* `key` is a private key in PEM, or PKCS #12 with its certificates.
 * `certificate` is PEM, the key's own first and then those above it; empty:
 * they are in `key`. `password` opens the key; "": it is not encrypted. All
 * are copied; the caller owns *ret. -1, CH_GIVE_UP: they cannot be read, do not
 * belong together, or are not an RSA key of 2048 bits and more. */
int ch_smime_new(struct ch_slice key, struct ch_slice certificate,
		 const char *password, struct ch_smime **ret,
		 struct ch_error *err);
void ch_smime_free(struct ch_smime *smime);

/* Sign what ch_compose() made, in its place, at `date_us`; the boundary follows
 * from `message_id`. *ret_der, which the caller has initialized with room for
 * CH_SIGNATURE_MAX bytes, gets the signature: with it ch_signed_wrap() makes
 * the same bytes. -1, CH_GIVE_UP: it is no such message, the signature does not
 * fit, or the certificate is not valid at that date. */
int ch_smime_sign(const struct ch_smime *smime, const char *message_id,
		  int64_t date_us, struct ch_composed *message,
		  struct ch_str *ret_der, struct ch_error *err);

CH_DEFINE_AUTOPTR(ch_smime);

#endif
