/* SPDX-License-Identifier: GPL-3.0-or-later */
/* choice.h - what --state takes: a state of letters, or a fact beside it. */
#ifndef CH_CLI_CHOICE_H
#define CH_CLI_CHOICE_H

#include <stdbool.h>

#include <jansson.h>

struct ch_cli;
struct ch_verb;

/* For the help of a verb that has the option. */
#define CH_CHOICE_OPTION                                                   \
	{ "state", 's', "STATE", false,                                    \
	  "Only those: queued, claimed, dot, sent, failed, in_doubt, "     \
	  "cancelled, held; or bounced, delayed, auto_replied, answered, " \
	  "delivered, read, silent, overdue, at_risk." }

struct ch_choice {
	const char *state; /* borrowed; chanceryd lists those of one alone */
	const char *fact;  /* borrowed; else only chancery can choose */
	bool late;         /* the batch's deadline is over */
};

/* Read what was given; NULL is all. EX_OK, or EX_USAGE with the mistake said.
 */
int ch_choice_read(const struct ch_cli *cli, const struct ch_verb *verb,
		   const char *given, struct ch_choice *ret);

/* Whether it asks for what only the batch's deadline tells. */
bool ch_choice_needs_deadline(const struct ch_choice *choice);
/* Take it from the batch. EX_OK, or EX_DATAERR where it has none, said. */
int ch_choice_take_deadline(const struct ch_cli *cli, const json_t *batch,
			    struct ch_choice *choice);

/* Whether the letter is one of those. */
bool ch_choice_has(const struct ch_choice *choice, const json_t *letter);

/* Sent, and nobody has answered nor sent it back; a notice of absence is no
 * answer. */
bool ch_letter_is_silent(const json_t *letter);

/* Whether the batch has a deadline whose day is over, by this machine's
 * calendar. */
bool ch_batch_is_late(const json_t *batch);

#endif
