/* SPDX-License-Identifier: GPL-3.0-or-later */
/* csv.h - rows of cells (RFC 4180), each cell knowing where it stands.
 *
 * Commas; cells in quotes may hold commas, line ends and doubled quotes; LF or
 * CRLF ends a row. Empty lines are passed over.
 */
#ifndef CH_LETTER_CSV_H
#define CH_LETTER_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/problem.h"
#include "base/str.h"
#include "letter/decode.h"

#define CH_CSV_ROW_MAX (512 * 1024) /* bytes of all cells of a row */

struct ch_csv_cell {
	size_t at; /* in the row's text; terminated there */
	size_t len;
	unsigned int line; /* of its first character, or opening quote */
	unsigned int column;
	bool quoted;
};

struct ch_csv_row {
	struct ch_str text;
	struct ch_csv_cell *cells; /* owned */
	size_t len;                /* also those past `max_cells` */
	size_t cap;
	unsigned int line; /* of its first cell */
	bool bad;          /* a problem was added about it */
};
void ch_csv_row_init(struct ch_csv_row *row);
void ch_csv_row_release(struct ch_csv_row *row);
struct ch_slice ch_csv_row_cell(const struct ch_csv_row *row, size_t cell);

/* Where the character at byte `offset` of a cell stands in the file. */
struct ch_place ch_csv_row_place(const struct ch_csv_row *row, size_t cell,
				 size_t offset, const char *file,
				 const char *field);

struct ch_csv; /* opaque */

/* Takes the decoder. `file` is what messages call it, borrowed. Cells longer
 * than `max_cell` bytes are a fault; cells past `max_cells` are counted but not
 * kept. */
struct ch_csv *ch_csv_new(struct ch_decoder *decoder, const char *file,
			  size_t max_cell, size_t max_cells);
void ch_csv_free(struct ch_csv *csv);

/* The next row into *row, whose memory is used again. 1, or 0 at the end. What
 * is wrong is added to `problems` at its place, and the row is `bad`. */
int ch_csv_next(struct ch_csv *csv, struct ch_csv_row *row,
		struct ch_problems *problems);

CH_DEFINE_AUTOPTR(ch_csv);

#endif
