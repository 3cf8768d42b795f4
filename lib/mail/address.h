/* SPDX-License-Identifier: GPL-3.0-or-later */
/* address.h - one mail address that is safe on the wire.
 *
 * A struct ch_address cannot hold CR, LF, NUL or any other control character,
 * no source route, group, comment or quoted local part with specials that a
 * relay could read otherwise (RFC 5321 section 4.1.2; RFC 5322 section 3.4).
 * What a person wrote is refused with a reason, not repaired.
 */
#ifndef CH_MAIL_ADDRESS_H
#define CH_MAIL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

#define CH_LOCAL_MAX 64
#define CH_DOMAIN_MAX 255
#define CH_DISPLAY_MAX 256

struct ch_address {
	char display[CH_DISPLAY_MAX + 1]; /* UTF-8 display name, or "" */
	char spec[CH_LOCAL_MAX + 1 + CH_DOMAIN_MAX + 1]; /* local@domain; the
		domain is in lower case and, where it was not ASCII, in
		A-labels (IDNA 2008, UTS #46 non-transitional) */
	size_t local_len;
};

/* What may stand before the "@". UTF-8 (RFC 6531) goes only where a relay takes
 * it: in NFC, of one script in each word, without what does not show. */
enum ch_address_local { CH_LOCAL_ASCII, CH_LOCAL_UTF8 };

/* Read "a@b" or "Name <a@b>", the local part in ASCII. Returns 0, or -1 with
 * CH_GIVE_UP and a text such as: no domain in "m.okello@". Domains of mixed
 * scripts and bidi controls are refused. */
int ch_address_parse(const char *text, size_t len, struct ch_address *ret,
		     struct ch_error *err);

/* The same with whatever local part is one. */
int ch_address_parse_utf8(const char *text, size_t len, struct ch_address *ret,
			  struct ch_error *err);

/* Split a cell that holds several addresses, at "," or ";" outside quotes, and
 * parse each. Returns how many, and an array that the caller frees; -1 with
 * *ret_offset at the byte where the bad one starts. An empty cell gives 0. */
int ch_address_parse_list(const char *text, size_t len,
			  enum ch_address_local may,
			  struct ch_address **ret_list, size_t *ret_offset,
			  struct ch_error *err);

/* Whether local@domain has a local part that is not ASCII: only SMTPUTF8 can
 * carry it. */
bool ch_address_needs_utf8(const char *spec);

/* Append local@domain, or a domain alone, as people write it: with U-labels in
 * place of A-labels (RFC 5890), unless that could be read as another domain. */
void ch_address_show(const char *spec, struct ch_str *out);

const char *ch_address_domain(const struct ch_address *address);

#endif
