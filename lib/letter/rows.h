/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rows.h - rows of cells out of a file, whatever its form; each cell knows
 * where it stands.
 *
 * The form is told by the bytes and not by the name: a ZIP archive with a
 * workbook in it is XLSX, one with ODF content is ODS, anything else is
 * separated text. Rows stream: what is held is one row, and of an XLSX file
 * the texts that its cells share. Empty rows are passed over.
 */
#ifndef CH_LETTER_ROWS_H
#define CH_LETTER_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/problem.h"
#include "base/str.h"

#define CH_ROW_MAX (512 * 1024) /* bytes of all cells of a row */

struct ch_cell {
	size_t at; /* in the row's text; terminated there */
	size_t len;
	unsigned int line; /* of its first character, or opening quote; of a
			      sheet, the row's number */
	unsigned int column; /* likewise; of a sheet, the column's number */
	bool quoted;
};

struct ch_row {
	struct ch_str text;
	struct ch_cell *cells; /* owned */
	size_t len;            /* also those past `max_cells` */
	size_t cap;
	unsigned int line; /* of its first cell */
	bool bad;          /* a problem was added about it */
};
void ch_row_init(struct ch_row *row);
void ch_row_release(struct ch_row *row);
struct ch_slice ch_row_cell(const struct ch_row *row, size_t cell);

struct ch_rows_options {
	const char *shown;   /* what messages call the file; borrowed */
	const char *charset; /* of separated text; NULL: UTF-8 */
	const char *sheet;   /* of a workbook; NULL: the first one */
	bool joined;         /* with others, to which `sheet` may belong */
	size_t max_cell;     /* longer ones, in bytes, are a fault */
	size_t max_cells;    /* those past it are counted, but not kept */
};

struct ch_rows; /* opaque */

/* Read from `fd`, which is borrowed and stands at the file's start. -1 with
 * problems: a charset that is not known, a workbook that is encrypted, has
 * macros, lacks that sheet or unpacks to more than it may. */
int ch_rows_open(int fd, const struct ch_rows_options *options,
		 struct ch_rows **ret, struct ch_problems *problems);
void ch_rows_free(struct ch_rows *rows);

/* The next row into *row, whose memory is used again. 1, or 0 at the end. What
 * is wrong is added to `problems` at its place, and the row is `bad`. */
int ch_rows_next(struct ch_rows *rows, struct ch_row *row,
		 struct ch_problems *problems);

/* Where the character at byte `offset` of a cell stands: "members.csv:42:7",
 * "members.xlsx:Sheet1!C42". The file's name is borrowed until the next call.
 */
struct ch_place ch_rows_place(struct ch_rows *rows, const struct ch_row *row,
			      size_t cell, size_t offset, const char *field);
/* The same as numbers, and the place again that they stand for. */
void ch_rows_note(struct ch_rows *rows, const struct ch_row *row, size_t cell,
		  size_t offset, unsigned int *ret_line,
		  unsigned int *ret_column);
struct ch_place ch_rows_place_at(struct ch_rows *rows, unsigned int line,
				 unsigned int column, const char *field);
/* Where a row stands. */
struct ch_place ch_rows_row_place(struct ch_rows *rows,
				  const struct ch_row *row);
/* What stands before a row's number in a message: "members.csv",
 * "members.xlsx:Sheet1". Borrowed. */
const char *ch_rows_file(const struct ch_rows *rows);

/* "CSV, semicolons, UTF-8", "XLSX, sheet \"Members\"": after the first row.
 * Borrowed. */
const char *ch_rows_form(struct ch_rows *rows);
/* Whether cells at the end of a row may be left out. */
bool ch_rows_is_sheet(const struct ch_rows *rows);

CH_DEFINE_AUTOPTR(ch_rows);

#endif
