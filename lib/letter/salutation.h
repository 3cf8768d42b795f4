/* SPDX-License-Identifier: GPL-3.0-or-later */
/* salutation.h - how a letter addresses the person it goes to.
 *
 * By office and gender, in the six languages, from a table that a secretariat
 * edits (salutations.tsv): it may change forms and add offices of its own. A
 * letter needs three forms. The salutation itself, "Monsieur le Ministre"; the
 * line above the letter, which has the language's own mark behind it,
 * "Monsieur le Ministre,"; and what the courtesy at the end calls the person,
 * which is another in some languages: "Vuestra Excelencia".
 */
#ifndef CH_LETTER_SALUTATION_H
#define CH_LETTER_SALUTATION_H

#include "base/error.h"
#include <stdbool.h>

#include "base/mem.h"
#include "base/problem.h"
#include "base/str.h"

struct ch_fields;

#define CH_SALUTATIONS_FILE "salutations.tsv"
#define CH_SALUTATIONS_MAX 2000 /* rows */

/* Who is addressed where no office is known: "Madame, Monsieur". */
#define CH_OFFICE_UNKNOWN "other"

struct ch_salutation {
	struct ch_slice salutation; /* "Excelentísimo señor Ministro" */
	struct ch_slice mark;       /* ":" */
	struct ch_slice closing;    /* "Vuestra Excelencia" */
};

struct ch_salutations; /* opaque; never changes after parsing */

/* Parse the table, which is borrowed: it must outlive *ret. `shown` is what
 * messages call it. -1 with every problem (tsv.h; a language that is none of
 * the six, a gender that is neither f, m nor "-", a row that is there twice, an
 * office that lacks its row with "-" in some language). The caller owns *ret.
 */
int ch_salutations_parse(struct ch_slice text, const char *shown,
			 struct ch_salutations **ret,
			 struct ch_problems *problems);
void ch_salutations_free(struct ch_salutations *salutations); /* NULL is fine */

/* How to address somebody. `office` empty: CH_OFFICE_UNKNOWN; `gender` is "f",
 * "m", or "-" or empty where it is not known. Where the table has no row for
 * the gender, the one with "-" counts. *ret is borrowed from the table's text.
 * -1 (CH_GIVE_UP) where there is no such office or gender; the message says
 * which one may have been meant. */
int ch_salutation_find(const struct ch_salutations *salutations,
		       const char *language, struct ch_slice office,
		       struct ch_slice gender, struct ch_salutation *ret,
		       struct ch_error *err);

/* Write the line above the letter: `salutation` and the mark that such a line
 * ends with, unless it ends with one already. */
void ch_salutation_line(struct ch_slice salutation, struct ch_slice mark,
			struct ch_str *out);

/* ---- as fields of a letter -------------------------------------------- */

/* The columns that say whom a row addresses. */
#define CH_COLUMN_OFFICE "office_code"
#define CH_COLUMN_GENDER "gender"

enum ch_salutation_field {
	CH_SALUTATION,         /* {{salutation}} */
	CH_SALUTATION_LINE,    /* {{salutation_line}} */
	CH_SALUTATION_CLOSING, /* {{salutation_closing}} */
	CH_SALUTATION_FIELDS,
};
const char *ch_salutation_field_name(enum ch_salutation_field field);
/* CH_SALUTATION_FIELDS where it is none. */
enum ch_salutation_field ch_salutation_field_of(const char *name);

/* Append a field of an addressee, whose columns are `fields`.
 *
 * What a row says itself always wins: a column of the field's name that is
 * filled in, as it stands. A column "salutation" gives the other two as well:
 * the line, with the table's mark behind it; and the closing, in a language
 * where that is the salutation again ("Madame la Ministre"). Where the closing
 * is another word ("Vuestra Excelencia"), the table gives it by the office.
 * Where there is no column "office_code" at all, a row without a salutation
 * gives nothing, and then a letter that prints it has a fault.
 *
 * Where the letter is `repeated` below itself in `language`, what a row says is
 * in another one: there a column such as "salutation.en" stands for it, else
 * the office speaks, if there is such a column.
 *
 * -1 (CH_GIVE_UP) where office or gender are unknown to the table, or the
 * closing cannot be told; *ret_column is then the column at fault. */
int ch_salutation_write(const struct ch_salutations *salutations,
			const char *language, const struct ch_fields *fields,
			bool repeated, enum ch_salutation_field field,
			struct ch_str *out, const char **ret_column,
			struct ch_error *err);

CH_DEFINE_AUTOPTR(ch_salutations);

#endif
