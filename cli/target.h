/* SPDX-License-Identifier: GPL-3.0-or-later */
/* target.h - which batch or letter a word of the command line means.
 *
 * A batch is called by its reference, a letter by BATCH/KEY: the key is what
 * follows the last slash. References may hold slashes too ("A/77/12"), so where
 * a verb takes either, chanceryd is asked which there is. A slash at the end
 * says that a batch is meant, --recipient KEY that a letter is.
 */
#ifndef CH_CLI_TARGET_H
#define CH_CLI_TARGET_H

#include "cli/cli.h"

struct ch_target {
	char *reference; /* owned */
	char *key;       /* owned; NULL: the batch */
};
void ch_target_release(struct ch_target *target);

/* The whole word, less a slash at its end, is a batch. */
void ch_target_batch(const char *word, struct ch_target *ret);
/* The key is what follows the last slash; -1 where there is none. */
int ch_target_letter(const char *word, struct ch_target *ret);

/* For verbs that take either: EX_OK with *ret, or an exit code with what is
 * wrong said. */
int ch_target_find(const struct ch_cli *cli, const struct ch_args *args,
		   struct ch_target *ret);
#define CH_TARGET_OPTION                                                   \
	{ "recipient", 'r', "KEY", false,                                  \
	  "The letter with this key; the same as BATCH/KEY." }

/* "DM-1276" or "DM-1276/FRA", the caller's to free. */
char *ch_target_name(const struct ch_target *target);

#endif
