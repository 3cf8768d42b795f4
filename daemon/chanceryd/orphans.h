/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orphans.h - mails among the objects that no row of the store names: their
 * reader was killed before it told us of them, and their mailbox is gone, or it
 * would have told us since.
 *
 * They go when they are older than CH_ORPHAN_DAYS, and this store has been the
 * room's for as long: where it was made anew, or came back from a copy, what
 * lies there may be all that is left of what it knew.
 */
#ifndef CH_CHANCERYD_ORPHANS_H
#define CH_CHANCERYD_ORPHANS_H

#define CH_ORPHAN_DAYS 30

struct ch_mailroom;

/* Look for them now: a chore (chores.h). Each that goes is in the log. */
void ch_orphans_look(struct ch_mailroom *room);

#endif
