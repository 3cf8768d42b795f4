/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dkim.h - DKIM-Signature fields on top of a message of ours (RFC 6376, RFC
 * 8463), by one key or several.
 *
 * Relaxed canonicalization of header and body, for relays fold fields anew and
 * drop spaces at the ends of lines. The whole body is signed (no l=: whatever
 * were put behind it would count as ours), for ever (no x=: a letter in an
 * archive should not turn bad), at the letter's date (t=). i= is left to its
 * default, the domain: that a letter is the secretariat's is all we vouch for.
 *
 * Signed is a fixed list of fields, each named once more than it occurs, so
 * that none of them can be added or taken away: what a reader sees of a letter
 * (From, Reply-To, To, Cc, Subject, Date), what threads it (Message-ID,
 * In-Reply-To, References), and what says how its body is to be read
 * (MIME-Version, Content-Type, Content-Transfer-Encoding, Content-Disposition,
 * Content-Language). Not signed is what those after us may add: Received and
 * Return-Path, Sender (a submission server's, RFC 6409 section 8.1), Resent-*
 * and List-*.
 */
#ifndef CH_MAIL_DKIM_H
#define CH_MAIL_DKIM_H

#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

struct ch_composed; /* compose.h */
struct ch_dkim_key; /* dkim-key.h */

struct ch_dkim; /* opaque: keys, with their domains and selectors */

#define CH_DKIM_KEYS_MAX 4
#define CH_DKIM_FIELDS_MAX ((size_t)16 * 1024) /* bytes of all of them */

struct ch_dkim *ch_dkim_new(void);
void ch_dkim_free(struct ch_dkim *dkim); /* NULL is fine */

/* Sign with this key too: `key` is taken, the names are copied. RSA signatures
 * stand above those of Ed25519 whatever the order here, since a verifier that
 * does not know Ed25519 may look at the first one only. */
void ch_dkim_add(struct ch_dkim *dkim, const char *domain, const char *selector,
		 struct ch_dkim_key *key);

/* Sign a finished message, in its place, as of `date_us`. *ret_fields, which
 * the caller has initialized with room for CH_DKIM_FIELDS_MAX bytes, gets the
 * fields, each with its CRLF: ch_dkim_put() makes the same bytes of them. -1,
 * CH_GIVE_UP: it is no message, or does not fit. */
int ch_dkim_sign(struct ch_dkim *dkim, int64_t date_us,
		 struct ch_composed *message, struct ch_str *ret_fields,
		 struct ch_error *err);
/* Put the fields that a message was signed with on top of it. -1: the same. */
int ch_dkim_put(struct ch_composed *message, struct ch_slice fields,
		struct ch_error *err);

CH_DEFINE_AUTOPTR(ch_dkim);

#endif
