/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recipients.h - the addressees of a batch: of one table, or of several.
 *
 * Who stands in several tables is one addressee, and gets one letter to all its
 * addresses. What each table says of it is kept as a list, for the letter to
 * print: `capacities.1.table` is the first table's name, or what its column
 * `capacity` says; `capacities.1.COLUMN` is what it has in that column.
 *
 * One table streams. Several are read to their ends first, sorted by their
 * keys, and give addressees in the order of their keys; memory does not grow
 * with them.
 */
#ifndef CH_LETTER_RECIPIENTS_H
#define CH_LETTER_RECIPIENTS_H

#include "letter/table.h"

#define CH_TABLES_MAX 20

struct ch_recipients; /* opaque */

struct ch_recipients_table {
	const char *path;  /* borrowed for the call */
	const char *shown; /* what messages call it; borrowed for the call */
};

struct ch_recipients_options {
	const char *charset;     /* see struct ch_table_options */
	const char *sheet;
	const char *scratch_dir; /* borrowed, and in use until the end */
	uint64_t max_recipients; /* 0: no limit */
	enum ch_table_utf8 utf8; /* table.h */
	bool capacities; /* the letter prints the list, so that it is wanted of
			    one table too */
};

/* Open all and read their header rows. -1 with the problems of all. */
int ch_recipients_open(const struct ch_recipients_table *tables, size_t len,
		       const struct ch_recipients_options *options,
		       struct ch_recipients **ret,
		       struct ch_problems *problems);
void ch_recipients_free(struct ch_recipients *recipients);

/* The columns of all tables, each once; and by column the first table that has
 * it, as messages call it. Borrowed. */
const char *const *ch_recipients_columns(const struct ch_recipients *recipients,
					 size_t *ret_len);
const char *const *
ch_recipients_column_files(const struct ch_recipients *recipients);
/* "CSV, commas, UTF-8"; borrowed. */
const char *ch_recipients_form(const struct ch_recipients *recipients,
			       size_t table);

/* The next addressee, as ch_table_next() gives them. Problems of several tables
 * are those of each, then those of rows that do not fit together: another
 * language or name in each. A column that says one thing in one table and
 * another in the next is no field outside the list. */
int ch_recipients_next(struct ch_recipients *recipients,
		       struct ch_addressee *ret, struct ch_problems *problems);

CH_DEFINE_AUTOPTR(ch_recipients);

#endif
