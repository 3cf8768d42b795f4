/* SPDX-License-Identifier: GPL-3.0-or-later */
/* receive.h - chancery-receive: what comes back to one folder of a mailbox.
 *
 *	chanceryd                        chancery-receive
 *	    RECEIVE_SETUP ------------->     connects, opens the folder
 *	    <----- RECEIVE_STATE connected
 *	    <----- RECEIVE_STATE reading 7 to 9  fetches them, stores their bytes
 *	    <----- RECEIVE_STATE reading 7   looks into it
 *	    <----- RECEIVE_MAIL  7           and on to 8, and 9
 *	    (commits)
 *	    RECEIVE_ACK 7 ------------->     waits for that of each of them
 *	    STOP ---------------------->     leaves off, exit 0
 *
 * What seems to be our own copy of a letter is told as RECEIVE_COPY first, and
 * as a mail only where chanceryd does not know it as one.
 *
 * A mail is in the object store before chanceryd hears of it, and is gone past
 * only when chanceryd says that it has it: a worker that dies at any step has
 * read a few mails too much at most, and chanceryd counts each mail once.
 *
 * Where the folder's UIDVALIDITY is not that of the last mail, all of it is
 * read again. Mails of the folder are never deleted, and marked or moved only
 * after their acknowledgement, and where the setup says so.
 */
#ifndef CH_RECEIVE_RECEIVE_H
#define CH_RECEIVE_RECEIVE_H

#include "wire/frame.h"

/* chanceryd has this long to take a mail into the store. */
#define CH_RECEIVE_ACK_MS (5 * 60 * 1000)

/* Do the work that the channel brings, until it ends. Returns the status to
 * exit with:
 *   0   told to stop, or chanceryd is gone
 *   75  (EX_TEMPFAIL) a fault, which chanceryd was told of as RECEIVE_STATE
 *       with connected 0; to be started again after a while
 *   76  (EX_PROTOCOL) what came over the channel makes no sense; *err tells */
int ch_receive(struct ch_channel *channel, struct ch_error *err);

#endif
