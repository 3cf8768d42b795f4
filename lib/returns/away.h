/* SPDX-License-Identifier: GPL-3.0-or-later */
/* away.h - until when the writer of an automatic answer is away.
 *
 * The day that is told is always the last one on which he may be away: "until
 * 12 December", inclusive or not, is the 12th, "back on 12 December" the 11th.
 * On the day after it he is there, whichever of the two he meant.
 *
 * A wrong day is worse than none: nothing is told where the text names several
 * days that do not agree, a day that may be read in two ways (07/12/2026), one
 * whose weekday is another, one that is over, or "about" one.
 */
#ifndef CH_RETURNS_AWAY_H
#define CH_RETURNS_AWAY_H

struct ch_message;
struct ch_rules; /* see rules.h */

/* Read it in the subject and the new text of an automatic answer: "2026-12-12"
 * into `out`, or "" where that is not said plainly. A day without a year is the
 * next such one from the mail's Date field on, of the next ten months: past
 * those it is one of the last year, in an answer that was never switched
 * off. */
#define CH_AWAY_SIZE 11
void ch_away_until(const struct ch_rules *rules,
		   const struct ch_message *message, char out[CH_AWAY_SIZE]);

#endif
