/* SPDX-License-Identifier: GPL-3.0-or-later */
/* doubts.h - the letters of a batch that are in doubt, with what there is to
 * decide by.
 */
#ifndef CH_CLI_DOUBTS_H
#define CH_CLI_DOUBTS_H

struct ch_cli;

/* Of each: since when, over which relay, in which attempt, what the end of the
 * conversation was, what came back, and what to look for in the relay's log.
 * In JSON the objects that `resolve BATCH/KEY` prints. An exit code; what went
 * wrong has been printed. */
int ch_doubts_list(const struct ch_cli *cli, const char *reference);

#endif
