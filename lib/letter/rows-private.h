/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rows-private.h - what a reader of one form of table gives. */
#ifndef CH_LETTER_ROWS_PRIVATE_H
#define CH_LETTER_ROWS_PRIVATE_H

#include "letter/rows.h"

struct ch_rows_kind {
	bool sheet;
	int (*next)(struct ch_rows *rows, struct ch_row *row,
		    struct ch_problems *problems);
	struct ch_place (*place)(struct ch_rows *rows,
				 const struct ch_row *row, size_t cell,
				 size_t offset, const char *field);
	struct ch_place (*place_at)(struct ch_rows *rows, unsigned int line,
				    unsigned int column, const char *field);
	void (*write_form)(const struct ch_rows *rows, struct ch_str *out);
	void (*free)(struct ch_rows *rows);
};

/* The first member of every reader. */
struct ch_rows {
	const struct ch_rows_kind *kind;
	char *file;  /* owned; as messages call it */
	char *named; /* owned; with its sheet: "members.xlsx:Members" */
	size_t max_cell;
	size_t max_cells;
	struct ch_str form;
};

void ch_rows_init(struct ch_rows *rows, const struct ch_rows_kind *kind,
		  const struct ch_rows_options *options);
void ch_rows_release(struct ch_rows *rows);

/* The readers: the descriptor is borrowed. */
int ch_csv_open(int fd, const struct ch_rows_options *options,
		struct ch_rows **ret, struct ch_problems *problems);
int ch_workbook_open(int fd, const struct ch_rows_options *options,
		     struct ch_rows **ret, struct ch_problems *problems);

#endif
