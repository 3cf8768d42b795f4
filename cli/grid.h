/* SPDX-License-Identifier: GPL-3.0-or-later */
/* grid.h - a table for people: columns by display width.
 *
 * The first rows decide how wide the columns are; on a terminal columns that
 * may shrink do so until the line fits, and what does not fit is cut. Rows are
 * kept only until then, so a list of any length is written in bounded memory.
 */
#ifndef CH_CLI_GRID_H
#define CH_CLI_GRID_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/term.h"

#define CH_GRID_COLUMNS_MAX 12

struct ch_grid_column {
	const char *head;
	bool right;  /* numbers */
	size_t least; /* cells it may shrink to; 0: never */
};

struct ch_grid {
	const struct ch_term *term;           /* borrowed */
	const struct ch_grid_column *columns; /* borrowed */
	size_t len;                           /* columns */
	size_t widths[CH_GRID_COLUMNS_MAX];
	struct ch_grid_cell {
		char *text; /* owned; safe to show */
		enum ch_style style;
	} *cells; /* owned */
	size_t cells_len;
	size_t cells_cap;
	bool begun; /* the widths are fixed and the head is written */
};

void ch_grid_init(struct ch_grid *grid, const struct ch_term *term,
		  const struct ch_grid_column *columns, size_t len);
void ch_grid_release(struct ch_grid *grid);

/* The next cell, from left to right and row by row. `text` is made safe. */
void ch_grid_cell(struct ch_grid *grid, enum ch_style style, const char *text);
void ch_grid_cellf(struct ch_grid *grid, enum ch_style style,
		   const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A sign of term.h and a word behind it. */
void ch_grid_sign(struct ch_grid *grid, enum ch_sign sign, const char *word);

/* Write what is kept; the head also where there is no row. */
void ch_grid_end(struct ch_grid *grid);

/* Shrink widths, widest first and none under its `least`, until they and two
 * cells between any two fit `total`; 0: any total will do. */
void ch_grid_fit(size_t *widths, const struct ch_grid_column *columns,
		 size_t len, size_t total);

/* Cut text that is safe to show to `width` cells, its last ones being "…" or
 * "...". Appends to *out. Returns the cells it takes. */
size_t ch_grid_cut(const struct ch_term *term, const char *text, size_t width,
		   struct ch_str *out);

#endif
