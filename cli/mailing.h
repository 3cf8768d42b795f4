/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mailing.h - a letter and its table as files of the person at the keyboard.
 *
 * check, preview and the first look of enqueue merge with the code that the
 * import and the send worker use (lib/letter), so what they show is what will
 * be sent. No daemon is needed; what only its configuration knows (the sender
 * where letter.conf names none) has a stand-in at an .invalid address.
 */
#ifndef CH_CLI_MAILING_H
#define CH_CLI_MAILING_H

#include "base/problem.h"
#include "cli/cli.h"
#include "letter/bundle.h"
#include "letter/letter.h"
#include "letter/recipients.h"

struct ch_mailing {
	char *letter_path;      /* owned; without a slash at its end */
	const char **tables; /* owned array of borrowed paths */
	size_t tables_len;
	bool tables_made; /* for this run: their paths say nothing */
	const struct ch_args *args;
	struct ch_letter_options options;
	char *stand_in; /* owned; for a reference, or NULL */
	bool stand_in_sender; /* nothing here says who sends it */
	struct ch_bundle bundle;
	struct ch_letter *letter; /* owned */
	struct ch_problems problems;
};

/* What check, preview and enqueue have in common. */
#define CH_MAILING_OPTIONS                                                  \
	{ "deadline", 'd', "DATE", false,                                   \
	  "The day by which an answer is asked for, such as 2026-12-18." }, \
	{ "annex", 'a', "FILE", true,                                       \
	  "Attach this file too; may be given several times. NAME.fr.pdf "  \
	  "goes with the French letter only." },                            \
	{ "annex-dir", 0, "DIR", false,                                     \
	  "The folder of the files that the column \"attachments\" of the "  \
	  "table names." },                                                 \
	{ "charset", 0, "NAME", false,                                      \
	  "The tables are in this charset and not in UTF-8." },             \
	{ "sheet", 0, "NAME", false,                                        \
	  "The sheet of a workbook, where it is not the first." },          \
	{ "test-to", 0, "ADDRESS", false,                                   \
	  "All letters go to this address and to nobody else." }

/* The operands and the options. Reads nothing yet. */
void ch_mailing_init(struct ch_mailing *mailing, const struct ch_args *args);
/* The letter is that one; the caller sets the tables. */
void ch_mailing_init_with(struct ch_mailing *mailing,
			  const struct ch_args *args, const char *letter);
void ch_mailing_release(struct ch_mailing *mailing);

/* Where the tables are that are installed once: $CHANCERY_DATADIR, else where
 * they were installed. */
const char *ch_data_folder(void);

/* EX_NOINPUT, and says so, where the folder or a table is not there. */
int ch_mailing_look(const struct ch_cli *cli,
		    const struct ch_mailing *mailing);
/* Read the letter's files, the annexes, the folder of attachments, and the files
 * that letters share (letter/shared.h) from $CHANCERY_DATADIR, else from where
 * they are installed; -1 with problems. */
int ch_mailing_gather(struct ch_mailing *mailing);
/* Parse the letter; -1 with problems. */
int ch_mailing_load(struct ch_mailing *mailing);
/* Open the tables and compare their columns with the letter's fields. Returns
 * 0 with *ret, also where columns are missing: that is counted in
 * mailing->problems. -1 where there is no reading them. */
int ch_mailing_tables(struct ch_mailing *mailing, struct ch_recipients **ret);

/* Append an addressee's letter as text, with whom it goes to above it. -1 with
 * problems. */
int ch_mailing_write(struct ch_mailing *mailing,
		     const struct ch_addressee *addressee,
		     struct ch_str *out);

#endif
