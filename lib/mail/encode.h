/* SPDX-License-Identifier: GPL-3.0-or-later */
/* encode.h - bodies in the two 7-bit encodings of MIME (RFC 2045 section 6).
 *
 * Both append blocks, not characters: a letter of 5 KB takes a few
 * microseconds. The result ends in CRLF, unless the input was empty.
 */
#ifndef CH_MAIL_ENCODE_H
#define CH_MAIL_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define CH_ENCODED_COLUMNS 76 /* RFC 2045 sections 6.7 (5) and 6.8 */

/* Text, its lines ending in LF, in quoted-printable: no line starts with "."
 * or "From ", none ends in a space. A CR is data ("=0D"). */
void ch_encode_qp(struct ch_str *out, const char *text, size_t len);

/* Text in base64, each LF sent as CRLF. */
void ch_encode_text_base64(struct ch_str *out, const char *text, size_t len);

/* Bytes in base64 as they are. */
void ch_encode_base64(struct ch_str *out, const void *bytes, size_t len);

/* Whether quoted-printable takes no more bytes than base64 for this text;
 * lines that have to be broken are estimated. */
bool ch_encode_qp_is_shorter(const char *text, size_t len);

#endif
