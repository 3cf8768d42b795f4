/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bell-mail.h - alarms told by mail to operators who are told the same: one
 * list of alarms.mail of chancery.conf (bell-operators.h).
 *
 * Each run is a process of its own, chancery-alarm, that sends one mail over a
 * relay of ours and says what became of it; the next relay has its turn where
 * one failed. Which alarm is the first that was not told is in the store: one
 * that came before an end of the daemon is told after it.
 *
 * Its sender is our envelope with a token of letter 0, which there is not: a
 * bounce of such a mail is known for what it is, and its address is put among
 * those that are not written to. Answers to it raise no alarm.
 */
#ifndef CH_CHANCERYD_BELL_MAIL_H
#define CH_CHANCERYD_BELL_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct ch_bell_mail; /* opaque */
struct ch_mailroom;

/* The letter and attempt of the token in its sender. */
#define CH_BELL_MAIL_LETTER 0
#define CH_BELL_MAIL_ATTEMPT 1

/* To the operators of that name (bell-operators.h); no other has the number.
 * What was not told before the last end is told soon. */
struct ch_bell_mail *ch_bell_mail_new(struct ch_mailroom *room,
				      const char *name, size_t number);
/* Its worker ends with the others. NULL is fine. */
void ch_bell_mail_free(struct ch_bell_mail *mail);
const char *ch_bell_mail_name(const struct ch_bell_mail *mail);

/* As ch_bell_ring(); event_id is that of its event. */
void ch_bell_mail_ring(struct ch_bell_mail *mail, int64_t event_id,
		       int64_t at_us, const char *type, const char *reference,
		       const char *key, const char *detail);

/* A mail of ours to the operators came back for good, from that address. */
void ch_bell_mail_bounced(struct ch_mailroom *room, struct ch_slice address,
			  int64_t return_id);

#endif
