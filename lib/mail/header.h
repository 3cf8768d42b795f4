/* SPDX-License-Identifier: GPL-3.0-or-later */
/* header.h - header fields that hold no CR, LF or NUL but those of folding.
 *
 * Everything that goes into a header passes here: encoded words where needed
 * (RFC 2047), parameters in the RFC 2231 form where needed, folded at 78
 * columns where possible and never past 998 (RFC 5322 section 2.1.1).
 */
#ifndef CH_MAIL_HEADER_H
#define CH_MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "mail/address.h"

/* Whether the text may stand in a header: valid UTF-8 without controls (TAB
 * included), NUL, CR, LF, U+2028/2029. */
bool ch_header_text_ok(const char *text, size_t len);

/* "Name: value" CRLF for unstructured text; -1 (CH_GIVE_UP) unless
 * ch_header_text_ok(). */
int ch_header_text(struct ch_str *out, const char *name, const char *value,
		   struct ch_error *err);

/* "Name: addr, addr" CRLF; display names are encoded or quoted as needed. */
int ch_header_addresses(struct ch_str *out, const char *name,
			const struct ch_address *list, size_t len,
			struct ch_error *err);

/* "; name=value" appended with RFC 2231 and folding as needed. *column is the
 * current column and is moved on. */
int ch_header_param(struct ch_str *out, size_t *column, const char *name,
		    const char *value, struct ch_error *err);

/* The letters and digits of `text` as far as ASCII has them ("é" gives "e"),
 * with one "_" for whatever is between; "-" and "." stay. Empty where there are
 * none. */
void ch_header_ascii(const char *text, size_t len, struct ch_str *out);

#endif
