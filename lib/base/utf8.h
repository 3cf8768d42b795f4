/* SPDX-License-Identifier: GPL-3.0-or-later */
/* utf8.h - UTF-8 as RFC 3629 defines it: no surrogates, no overlong forms,
 * nothing past U+10FFFF. */
#ifndef CH_BASE_UTF8_H
#define CH_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Read one character at `text`, which has `len` > 0 bytes. Returns the bytes
 * it takes and stores it in *ret_cp, or returns 0 where they are not UTF-8. */
size_t ch_utf8_decode(const char *text, size_t len, uint32_t *ret_cp);

/* Write `cp` to `out`; returns the number of bytes, 1 to 4. A code point that
 * is no character becomes U+FFFD. */
size_t ch_utf8_encode(uint32_t cp, char out[4]);

/* Whether all of it is UTF-8; if not, *ret_bad is the offset of the first byte
 * that is not (ret_bad may be NULL). */
bool ch_utf8_valid(const char *text, size_t len, size_t *ret_bad);

/* U+202A to 202E, 2066 to 2069, 200E, 200F, 061C: characters that change the
 * direction of what stands beside them. */
bool ch_utf8_is_bidi_control(uint32_t cp);

/* C0, DEL, C1, U+2028, U+2029. */
bool ch_utf8_is_control(uint32_t cp);

/* Columns it takes on a terminal: 0 for combining and format characters, 2 for
 * East Asian wide ones (UAX #11), else 1. */
int ch_utf8_width(uint32_t cp);

/* The same for a whole text; bytes that are not UTF-8 count 1 each. */
size_t ch_utf8_text_width(const char *text, size_t len);

#endif
