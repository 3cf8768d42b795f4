/* SPDX-License-Identifier: GPL-3.0-or-later */
/* show.h - what chancery show prints, for whoever decides on a letter.
 *
 * Those that ask give an object that the caller owns (json_decref) and an exit
 * status; what went wrong has been printed.
 */
#ifndef CH_CLI_SHOW_H
#define CH_CLI_SHOW_H

#include <jansson.h>

struct ch_cli;
struct ch_target;
struct ch_term;

/* The letter, with what came back as "returns". */
int ch_show_ask(const struct ch_cli *cli, const struct ch_target *target,
		json_t **ret);
/* What was said about it in its last attempt. */
int ch_show_ask_transcript(const struct ch_cli *cli,
			   const struct ch_target *target, json_t **ret);

/* The letter with both, for a decision: "transcript" only where there is one, for
 * a letter may be in doubt by what came back of it alone. */
int ch_show_ask_known(const struct ch_cli *cli, const struct ch_target *target,
		      json_t **ret);

/* The same for a person. */
void ch_show_letter(const struct ch_term *out, const json_t *letter);
void ch_show_transcript(const struct ch_term *out, const json_t *transcript);

#endif
