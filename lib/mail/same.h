/* SPDX-License-Identifier: GPL-3.0-or-later */
/* same.h - whether two addresses are of one mailbox: the one place that says so.
 *
 * By RFC 5321 section 2.4 a local part may differ in the case of its letters
 * alone. No ministry's does, and reports fold them: ASCII letters are the same
 * in either case. What is not ASCII is compared in Unicode's form NFC (RFC 6532
 * section 3.1) and else as it is, for what case that has is known to its server
 * alone. A domain is compared in A-labels (RFC 5890), all letters small.
 *
 * What goes out has been through address.h and is in that form, but for the
 * case of ASCII letters before the "@". This is for what comes from elsewhere.
 */
#ifndef CH_MAIL_SAME_H
#define CH_MAIL_SAME_H

#include <stdbool.h>

#include "base/str.h"

/* Longer ones are no addresses: their ASCII letters are made small, and no
 * more. */
#define CH_FOLD_MAX 1000

/* Append an address in the form in which it is compared. The form has no other
 * form; where the address, or its domain, has none, it stays as it is but for
 * its ASCII letters. */
void ch_address_fold(struct ch_slice address, struct ch_str *out);
/* The same for a domain alone; "*" for a label is fine. */
void ch_domain_fold(struct ch_slice domain, struct ch_str *out);

bool ch_address_same(struct ch_slice a, struct ch_slice b);

#endif
