/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table.h - the addressees' table, row by row in bounded memory.
 *
 * CSV (RFC 4180, also with semicolons or tabs) in UTF-8, in UTF-16 where a BOM
 * says so, or in another charset by its name; XLSX; ODS. The first row names
 * the columns: `key` and `to` (or `to.ROLE`) must be there; `cc`, `cc.ROLE`,
 * `language`, `second_language`, `name`, `attachments`, `copies_printed` and
 * any other field may. Every fault is a problem at its place, and reading goes
 * on behind it. Memory does not grow with the table.
 */
#ifndef CH_LETTER_TABLE_H
#define CH_LETTER_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"
#include "letter/letter.h"

#define CH_CELL_MAX (64 * 1024)
#define CH_COLUMNS_MAX 200

struct ch_table; /* opaque */

/* Addresses whose local part is not ASCII. */
enum ch_table_utf8 {
	CH_TABLE_UTF8_REFUSED, /* no relay takes them */
	CH_TABLE_UTF8_WARNED,  /* it is not known whether one does */
	CH_TABLE_UTF8_TAKEN,
};

struct ch_table_options {
	const char *shown;       /* what messages call the file */
	const char *charset;     /* NULL: UTF-8 */
	uint64_t max_recipients; /* 0: no limit */
	const char *sheet;       /* of a workbook; NULL: the first */
	const char *scratch_dir; /* for a temporary file; NULL: $TMPDIR */
	enum ch_table_utf8 utf8;
	bool joined; /* several tables are: who joins them looks for addresses
			that two addressees share */
};

/* Open and read the header row. -1 with problems: not a regular file, empty,
 * unknown charset, duplicate or missing column. */
int ch_table_open(const char *path, const struct ch_table_options *options,
		  struct ch_table **ret, struct ch_problems *problems);
void ch_table_free(struct ch_table *table);

const char *const *ch_table_columns(const struct ch_table *table,
				    size_t *ret_len);

/* The next addressee whose row has no fault; rows with faults are skipped and
 * reported. Returns 1 with *ret (release it), 0 at the end. At the end also:
 * keys that occurred twice (both lines named), the same address under two keys
 * (a warning), the file having changed while it was read. */
int ch_table_next(struct ch_table *table, struct ch_addressee *ret,
		  struct ch_problems *problems);

/* What stands before a row's number in messages: with a sheet's name. Borrowed.
 */
const char *ch_table_file(const struct ch_table *table);

/* "CSV, semicolons, UTF-8", "ODS, sheet \"Members\"". Borrowed. */
const char *ch_table_form(const struct ch_table *table);

/* Rows seen, good or not. */
uint64_t ch_table_rows(const struct ch_table *table);

CH_DEFINE_AUTOPTR(ch_table);

#endif
