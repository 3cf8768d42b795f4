/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alabel.h - a domain in Unicode as it goes over the wire, for one that came
 * from there.
 *
 * Punycode (RFC 3492) alone: no mapping, no rules of IDNA, no tables, since it
 * runs where strangers' mail is read, to find what we have sent among what came
 * back. What a person writes goes through address.h.
 */
#ifndef CH_MAIL_ALABEL_H
#define CH_MAIL_ALABEL_H

#include "base/str.h"

/* Append `domain`, each label that is not ASCII as "xn--…". -1, and nothing of
 * use in *out, where it is not UTF-8 or a label would be longer than 63 bytes. */
int ch_alabel_domain(struct ch_slice domain, struct ch_str *out);

#endif
