/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alarms.h - what a person should look at: an event, a journal entry, and a
 * line in the status until it is over.
 *
 * An alarm is known by its type and what it is about ("alarm.auth", relay
 * "main"): raising it again while it stands says nothing new, so that a relay
 * that refuses a password all night is one alarm. Alarms are kept in memory:
 * after a restart what is still wrong raises them again.
 */
#ifndef CH_CHANCERYD_ALARMS_H
#define CH_CHANCERYD_ALARMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ch_alarm;    /* mailroom.h */
struct ch_alarms;   /* opaque; room->alarms */
struct ch_mailroom;

struct ch_alarms *ch_alarms_new(void);
void ch_alarms_free(struct ch_alarms *alarms); /* NULL is fine */

/* About a batch: letters whose bytes are not those of before. Cleared when it
 * has no held letter left. */
#define CH_ALARM_HELD "alarm.held"

/* Raise it in this turn. `type` is a static string such as "alarm.auth";
 * `about` names what it is about (a relay, a mailbox, a batch), "" for the
 * house. */
void ch_alarm_raise(struct ch_mailroom *room, const char *type,
		    const char *about, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* It is over; an event "alarm.cleared" where it stood. */
void ch_alarm_clear(struct ch_mailroom *room, const char *type,
		    const char *about);

/* Those that stand, oldest first; borrowed until the end of the turn. */
const struct ch_alarm *ch_alarms_list(const struct ch_alarms *alarms,
				      size_t *ret_len);

#endif
