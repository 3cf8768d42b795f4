/* SPDX-License-Identifier: GPL-3.0-or-later */
/* receive.h - one worker per folder of a mailbox, and what came back into the
 * store. */
#ifndef CH_CHANCERYD_RECEIVE_H
#define CH_CHANCERYD_RECEIVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ch_mailbox_state; /* mailroom.h */
struct ch_account; /* accounts.h */
struct ch_mailroom;
struct ch_receive; /* opaque; room->receive */

/* A worker for each folder of the mailboxes of room->config. */
int ch_receive_new(struct ch_mailroom *room, struct ch_receive **ret,
		   struct ch_error *err);
void ch_receive_free(struct ch_receive *receive); /* NULL is fine */

/* room->config is another one. */
void ch_receive_reload(struct ch_mailroom *room);
/* A person wants mails read once more, from that one on: what is known of the
 * others stays as it is. -1 (CH_GIVE_UP, "4.0.9"): that mailbox is not read, or
 * its folder has other numbers now. */
int ch_receive_reread(struct ch_mailroom *room, const char *name,
		      const char *folder, uint32_t uidvalidity, uint32_t uid,
		      struct ch_error *err);
/* There is another password in this account, or none any more. */
void ch_receive_account(struct ch_mailroom *room,
			const struct ch_account *account);
/* The room is stopping: every worker is told to stop. */
void ch_receive_stop(struct ch_mailroom *room);

/* Borrowed until the end of the turn. */
const struct ch_mailbox_state *ch_receive_state(struct ch_mailroom *room,
						size_t *ret_len);

#endif
