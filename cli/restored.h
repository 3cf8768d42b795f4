/* SPDX-License-Identifier: GPL-3.0-or-later */
/* restored.h - a store that came back from a copy: which letters that wait in it
 * may have been sent since.
 */
#ifndef CH_CLI_RESTORED_H
#define CH_CLI_RESTORED_H

#include <jansson.h>

struct ch_cli;
struct ch_term;

/* Each of the batches that has such letters, and what to do. Nothing where there
 * are none. */
void ch_restored_show(const struct ch_term *term, const json_t *room,
		      const json_t *batches);

/* Resume the mail room. Where letters are at risk they are shown, and it asks;
 * `at_risk`, a number that was shown before, or NULL, takes the place of that.
 * Returns an exit code. */
int ch_restored_resume(const struct ch_cli *cli, const char *at_risk,
		       const char *said);

#endif
