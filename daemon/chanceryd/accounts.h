/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accounts.h - passwords and access tokens that a command gives, for relays and
 * mailboxes with a password_command.
 *
 *	run the command --> its password, kept in memory --> to the workers
 *	   ^                        |
 *	   |                        | a while before its time is over, or refused
 *	   +--- rest, if it failed -+
 *
 * Peers with the same words share an account: the command never runs twice at
 * once for it. A command that fails is one alarm ("alarm.command") until it
 * succeeds, and is run again after 1 s, 2 s, 4 s … 5 minutes. What it prints is
 * in no log and no file; what it complains of is in the journal.
 */
#ifndef CH_CHANCERYD_ACCOUNTS_H
#define CH_CHANCERYD_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct ch_account;     /* opaque; owned by room->accounts */
struct ch_accounts;    /* opaque */
struct ch_mailroom;
struct ch_peer_config; /* config.h */

/* Read room->config, and run its commands. */
int ch_accounts_new(struct ch_mailroom *room, struct ch_accounts **ret,
		    struct ch_error *err);
void ch_accounts_free(struct ch_accounts *accounts); /* NULL is fine */

/* room->config is another one: every command is run anew, and what one gave
 * before is used until then. Accounts that are gone are freed: look yours up
 * again. */
void ch_accounts_reload(struct ch_mailroom *room);

/* The one that `peer` logs in with; NULL where it has no command. */
struct ch_account *ch_account_of(const struct ch_mailroom *room,
				 const struct ch_peer_config *peer);

/* Whether there is a password that is good now. When that changes, or another
 * one comes, ch_relays_account() and ch_receive_account() are called. */
bool ch_account_has(const struct ch_account *account);
/* The password, empty where there is none; borrowed until the loop goes on.
 * *ret_number tells one from the next, from 1. */
struct ch_slice ch_account_password(const struct ch_account *account,
				    uint32_t *ret_number);
/* Why its command failed, "" when it did not. */
const char *ch_account_fault(const struct ch_account *account);

/* What became of the logins of one relay or mailbox; embed it, zeroed. */
struct ch_logins {
	bool doubted;     /* the next password is because of a refusal */
	uint32_t refused; /* number of the last that was, 0: none */
	bool excused;     /* what was said of it */
};

/* Its server refused the password with this number, which is not used again.
 * True: that says nothing of the account yet, another is on its way, or came
 * meanwhile. False: the one that came because of the last refusal was refused
 * as well; another is on its way all the same, for when it is tried again. */
bool ch_account_refused(struct ch_account *account, struct ch_logins *logins,
			uint32_t number);
/* Its server took the password. */
void ch_logins_worked(struct ch_logins *logins);

#endif
