/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dkim-private.h - the canonicalization "relaxed" (RFC 6376 section 3.4), for
 * dkim.c and its test. */
#ifndef CH_MAIL_DKIM_PRIVATE_H
#define CH_MAIL_DKIM_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/str.h"

/* Append a header field "Name: value", with its folding and with or without its
 * last CRLF: "name:value", without a CRLF. */
void ch_dkim_relaxed_field(struct ch_str *out, struct ch_slice field);

/* The hash of a body, in pieces of whole CRLF lines. Nothing is copied: what
 * the canonicalization leaves alone is hashed where it stands. */
struct ch_dkim_body {
	struct ch_sha256_ctx sha256;
	uint64_t line_ends; /* seen, and not hashed yet: they may be the last */
	bool any;           /* something was hashed */
};
void ch_dkim_body_begin(struct ch_dkim_body *body);
void ch_dkim_body_add(struct ch_dkim_body *body, const char *piece, size_t len);
void ch_dkim_body_end(struct ch_dkim_body *body, struct ch_sha256 *ret_sum);

#endif
