/* SPDX-License-Identifier: GPL-3.0-or-later */
/* returned.h - a mail that came back: whose letter it is about, and what that
 * changes.
 *
 * Only a token with a valid HMAC, in the envelope recipient or in the original
 * envelope id, is proof. A Message-ID that somebody names is shown as not
 * verified: it was in the letter for all to read.
 */
#ifndef CH_CHANCERYD_RETURNED_H
#define CH_CHANCERYD_RETURNED_H

#include <stdint.h>

struct ch_mailroom;
struct ch_receive_mail; /* wire/messages.h */

/* Put it into the store in this turn, once however often it comes; an event
 * for each fact that is new, an alarm for a bounce and for a letter of ours
 * that came back whole. `mailbox` is its name. */
void ch_returned(struct ch_mailroom *room, const char *mailbox,
		 const struct ch_receive_mail *mail);

/* A mail that ends whoever reads it: list it with this fault, unread. */
void ch_returned_unread(struct ch_mailroom *room, const char *mailbox,
			uint32_t uidvalidity, uint32_t uid,
			const char *fault);

#endif
