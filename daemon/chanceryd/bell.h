/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bell.h - alarms told to the operators: by a program of theirs, alarms.command
 * of chancery.conf, and by mail, alarms.mail (bell-operators.h). Each way has its
 * own queue (bell-queue.h).
 *
 * The program reads alarms as the event stream has them, one object a line. What
 * it was not told does not outlive the daemon: the events do, and what is still
 * wrong is an alarm again.
 */
#ifndef CH_CHANCERYD_BELL_H
#define CH_CHANCERYD_BELL_H

struct ch_bell; /* opaque; room->bell */
struct ch_mailroom;

struct ch_bell *ch_bell_new(struct ch_mailroom *room);
/* Ends the program, if one runs. NULL is fine. */
void ch_bell_free(struct ch_bell *bell);

/* An alarm of this turn, whose event was the last one. `detail` is a JSON
 * object; reference and key are NULL where it is about no batch or letter.
 * Nothing where nobody is to be told. */
void ch_bell_ring(struct ch_mailroom *room, const char *type,
		  const char *reference, const char *key, const char *detail);

#endif
