/* SPDX-License-Identifier: GPL-3.0-or-later */
/* restored.h - a store that came back from a copy, until a person has said what
 * is to become of the letters that wait in it.
 *
 * What it calls queued may have been sent after the copy was made: such letters
 * are at risk of being sent twice. The mail room is paused meanwhile, whatever
 * was said before; a restart changes nothing. A person who looks into the logs of
 * the relays may say of each that it was sent (resolve), and ends it by
 * `resume`, naming how many are left: as many as were shown.
 */
#ifndef CH_CHANCERYD_RESTORED_H
#define CH_CHANCERYD_RESTORED_H

struct ch_mailroom;

/* At the start, in the turn of the recovery and behind it: whether it is so. The
 * caller pauses the room where room->restored is set. */
void ch_restored_start(struct ch_mailroom *room);
/* The room is resumed, in this turn. */
void ch_restored_end(struct ch_mailroom *room);

#endif
