/* SPDX-License-Identifier: GPL-3.0-or-later */
/* journal.h - our own copy of each letter, which shows that it was sent.
 *
 * Where sending.journal names an address of ours, every attempt names it as one
 * more recipient, prefix+token@domain with the token of that attempt. What the
 * relay accepts it accepts for all of them, so a copy that comes proves that
 * its attempt was sent, though the reply to its dot was lost. It is nobody's
 * answer, and no recipient: it counts nowhere.
 */
#ifndef CH_CHANCERYD_JOURNAL_H
#define CH_CHANCERYD_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "chanceryd/room.h"

struct ch_mailroom;
struct ch_receive_copy;        /* wire/messages.h */
struct ch_returned_recipient;
struct ch_send_result;
struct ch_store_letter;

/* sending.journal as (prefix, domain), borrowed; both empty where it is "". */
struct ch_envelope ch_journal_address(const struct ch_mailroom *room);
/* Append where the copy of an attempt goes to; nothing where there is none. */
void ch_journal_add(const struct ch_mailroom *room, int64_t letter_id,
		    uint32_t attempt, struct ch_str *out);
/* Whether it is that address, of whichever attempt. */
bool ch_journal_is(const struct ch_mailroom *room, struct ch_slice address);

/* What a relay made of the copy, where a letter was sent: one that refuses it
 * is an alarm, until it takes one again. `crowded`: it refused addresses of the
 * letter for their number, and so the last. */
void ch_journal_result(struct ch_mailroom *room, const char *relay,
		       const struct ch_send_result *result, bool crowded);

enum ch_journal_copy {
	CH_COPY_UNKNOWN, /* none of ours: to be read like any mail */
	CH_COPY_SETTLED, /* of a letter that needs none: nothing was written */
	CH_COPY_TAKEN,
};

/* A copy came: take it into the store. */
enum ch_journal_copy ch_journal_copy(struct ch_mailroom *room,
				     const struct ch_receive_copy *copy);
/* A report with a token of this attempt is about the copy: the relay took the
 * message, and it went no further. */
void ch_journal_reported(struct ch_mailroom *room,
			 const struct ch_store_letter *letter, uint32_t attempt,
			 const struct ch_returned_recipient *recipient);

#endif
