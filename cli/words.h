/* SPDX-License-Identifier: GPL-3.0-or-later */
/* words.h - what a report says beside its values, in the six languages.
 *
 * They are a table (report.tsv), and not in the program: a secretariat has its
 * own word for an acknowledgement. Every word that the program needs is in it,
 * once; that is seen when it is read.
 */
#ifndef CH_CLI_WORDS_H
#define CH_CLI_WORDS_H

#include "base/mem.h"
#include "base/problem.h"
#include "base/str.h"

#define CH_WORDS_FILE "report.tsv"

struct ch_words; /* opaque */

/* Parse the table, which is borrowed and must outlive *ret, for the words in
 * `language`, one of the six. -1 with every problem. The caller owns *ret. */
int ch_words_parse(struct ch_slice text, const char *shown,
		   const char *language, struct ch_words **ret,
		   struct ch_problems *problems);
void ch_words_free(struct ch_words *words);

/* The word called `name`: "sent_at". It must be one that the program needs. */
struct ch_slice ch_words_get(const struct ch_words *words, const char *name);

/* Append that of a kind, "reason." and "mailbox full"; where there is none, the
 * token as it is: it comes from a newer chanceryd. */
void ch_words_add(const struct ch_words *words, const char *kind,
		  const char *token, struct ch_str *out);

CH_DEFINE_AUTOPTR(ch_words);

#endif
