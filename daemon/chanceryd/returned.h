/* SPDX-License-Identifier: GPL-3.0-or-later */
/* returned.h - a mail that came back: whose letter it is about, and what that
 * changes.
 *
 * Only a token with a valid HMAC, in the envelope recipient or in the original
 * envelope id, is proof. A Message-ID that somebody names is shown as not
 * verified: it was in the letter for all to read. Least is a batch's reference
 * in the subject, with the sender's domain: that is a guess and changes nothing
 * until a person confirms it.
 */
#ifndef CH_CHANCERYD_RETURNED_H
#define CH_CHANCERYD_RETURNED_H

#include <stdint.h>

#include "store/store.h"

struct ch_mailroom;
struct ch_receive_mail; /* wire/messages.h */

/* Put it into the store in this turn, once however often it comes; an event
 * for each fact that is new, an alarm for a bounce and for a letter of ours
 * that came back whole. `mailbox` is its name, `folder` that in it. */
void ch_returned(struct ch_mailroom *room, const char *mailbox,
		 const char *folder, const struct ch_receive_mail *mail);

/* A mail that ends whoever reads it: list it with this fault, unread. */
void ch_returned_unread(struct ch_mailroom *room, const char *mailbox,
			const char *folder, uint32_t uidvalidity, uint32_t uid,
			const char *fault);

/* A person says that the return with that id is about this letter, and it
 * counts as one with proof does; `who` is in the event. -1 with status "4.0.4"
 * where there is none, "4.0.9" where it has proof already or is about another
 * letter. */
int ch_returned_confirm(struct ch_mailroom *room,
			const struct ch_store_batch *batch,
			const struct ch_store_letter *letter,
			int64_t return_id, const char *who,
			struct ch_error *err);

/* A person wants that return, a mail that could not be read, to be read once
 * more, with an event of `who`. -1 with status "4.0.4" where there is none,
 * "4.0.9" where it was read, or as ch_receive_reread() says. */
int ch_returned_reread(struct ch_mailroom *room, int64_t return_id,
		       const char *who, struct ch_error *err);

#endif
