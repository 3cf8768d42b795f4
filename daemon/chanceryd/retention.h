/* SPDX-License-Identifier: GPL-3.0-or-later */
/* retention.h - how long what came back is kept.
 *
 * An archive keeps what a mail said, whom it was about, what was attached and
 * the hashes of both, for good: a letter's state never depends on the mail that
 * proved it. What goes, after as long as chancery.conf says, is the mail itself.
 *
 *	retain     mails that are too old are about to be removed
 *	COMMIT
 *	remove     their files go; each is removed; an event says how many
 *
 * A crash between any two of these costs doing the second once more. Where a
 * mail comes once more while it goes, it goes once more: its age is that of its
 * bytes.
 */
#ifndef CH_CHANCERYD_RETENTION_H
#define CH_CHANCERYD_RETENTION_H

#include "base/error.h"

struct ch_mailroom;
struct ch_retention; /* opaque; room->retention */

/* It begins at once, and every hour; once a day also orphans.h. */
int ch_retention_new(struct ch_mailroom *room, struct ch_retention **ret,
		     struct ch_error *err);
void ch_retention_free(struct ch_retention *retention); /* NULL is fine */
/* There is another configuration: look now. */
void ch_retention_reload(struct ch_mailroom *room);

#endif
