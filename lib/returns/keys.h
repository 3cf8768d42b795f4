/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys.h - by what a mail that came back can be matched to a letter. */
#ifndef CH_RETURNS_KEYS_H
#define CH_RETURNS_KEYS_H

#include <stddef.h>

#include "base/str.h"
#include "mail/message.h"

#define CH_KEYS_IDS_MAX 50

struct ch_return_keys {
	char *token;	   /* owned; VERP token, not checked; "" = none */
	char *envelope_id; /* owned; Original-Envelope-Id (RFC 3464), or "" */
	char **ids;	   /* owned, as are the strings: Message-IDs without
			      <>, nearest first, none twice */
	size_t ids_len;
};

/* Collect them. Our envelope senders are prefix+token@domain; the token is
 * looked for where the mail was delivered to, then in whom it is addressed to,
 * then in what is returned with it. In a report the returned Message-ID is
 * nearest, in other mail what it answers. Release with
 * ch_return_keys_release(). */
void ch_return_keys_find(const struct ch_message *message,
			 struct ch_slice prefix, struct ch_slice domain,
			 struct ch_return_keys *ret);
void ch_return_keys_release(struct ch_return_keys *keys);

/* The token of our own copy of a letter, which came to prefix+token@domain:
 * looked for where mail systems say what it was delivered to, and not in whom it
 * names. Not checked; "" = none. The caller frees it. */
char *ch_return_copy_find(const struct ch_message *message,
			  struct ch_slice prefix, struct ch_slice domain);

/* The start of what is new in an answer: without quoted lines, what introduces
 * them, and the signature. At most out->max bytes, whole characters. */
void ch_reply_text(const char *text, struct ch_str *out);

#endif
