/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bell.h - alarms told to the operators by a program of theirs: alarms.command
 * of chancery.conf.
 *
 * It reads alarms as the event stream has them, one object a line. One runs at
 * a time, and not before a while after the last, so that a night of alarms is
 * some runs with many lines each; what is not told for its failing is told
 * again. What is more than is kept is counted. Nothing of this outlives the
 * daemon: the events do, and what is still wrong is an alarm again.
 */
#ifndef CH_CHANCERYD_BELL_H
#define CH_CHANCERYD_BELL_H

struct ch_bell; /* opaque; room->bell */
struct ch_mailroom;

struct ch_bell *ch_bell_new(struct ch_mailroom *room);
/* Ends the program, if one runs. NULL is fine. */
void ch_bell_free(struct ch_bell *bell);

/* An alarm of this turn. `detail` is a JSON object; reference and key are NULL
 * where it is about no batch or letter. Nothing where no command is
 * configured. */
void ch_bell_ring(struct ch_mailroom *room, const char *type,
		  const char *reference, const char *key, const char *detail);

#endif
