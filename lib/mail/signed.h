/* SPDX-License-Identifier: GPL-3.0-or-later */
/* signed.h - multipart/signed (RFC 8551 section 3.5.3) around a message of
 * ours, from its signature: no key is needed, so whoever has the signature that
 * was sent can write the bytes that were sent.
 */
#ifndef CH_MAIL_SIGNED_H
#define CH_MAIL_SIGNED_H

#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

struct ch_composed; /* compose.h */

/* Bytes in DER; some 1,500 and as many again for each certificate above. It goes
 * with the fields of a letter in one message to a worker. */
#define CH_SIGNATURE_MAX (64 * 1024)

/* Where what is signed begins: the fields of the body, which are the last ones
 * of the header. 0: it is no such message. */
size_t ch_signed_from(const struct ch_composed *message);

/* Put the two parts around what ch_compose() made, in its place. `base64` is
 * the signature in base64 without line ends; the boundary follows from
 * `message_id`. -1, CH_GIVE_UP: it is no such message, or does not fit. */
int ch_signed_wrap(struct ch_composed *message, const char *message_id,
		   struct ch_slice base64, struct ch_error *err);

#endif
