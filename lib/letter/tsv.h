/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tsv.h - tables that a secretariat keeps beside its letters: names of
 * countries, salutations.
 *
 * Plain text in UTF-8: a row is a line, cells are divided by one tab, and the
 * first row names the columns, which may stand in any order. Empty lines and
 * those that begin with "#" are passed over. No quotes: a cell has neither tab
 * nor line break. A cell is never empty ("-" says that there is nothing), so
 * that a tab too many or a word forgotten is found.
 */
#ifndef CH_LETTER_TSV_H
#define CH_LETTER_TSV_H

#include <stddef.h>

#include "base/problem.h"
#include "base/str.h"

#define CH_TSV_COLUMNS_MAX 32
#define CH_TSV_BYTES_MAX (4 * 1024 * 1024)

struct ch_tsv_row {
	const struct ch_slice *cells; /* in the order that was asked for */
	const unsigned int *columns;  /* where each begins, in characters */
	const char *file;
	unsigned int line;
};

/* Where a cell of the row stands; `field` is what it is called. */
struct ch_place ch_tsv_place(const struct ch_tsv_row *row, size_t cell,
			     const char *field);

/* What is done with a row; it may add problems. The cells are borrowed from the
 * text, the row from the call. */
typedef void ch_tsv_take(void *context, const struct ch_tsv_row *row,
			 struct ch_problems *problems);

/* Read `text`, whose columns are exactly `columns` (NULL ends; at most
 * CH_TSV_COLUMNS_MAX), and give each row without a fault to `take`. Every fault
 * is a problem at its place: -1 if there was one, also of `take`'s. */
int ch_tsv_read(struct ch_slice text, const char *shown,
		const char *const *columns, ch_tsv_take *take, void *context,
		struct ch_problems *problems);

/* Order two words as if ASCII had no capitals; whatever the locale. */
int ch_tsv_compare(struct ch_slice a, struct ch_slice b);

#endif
