/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table.h - the addressees' table, row by row in bounded memory.
 *
 * CSV by RFC 4180 (quotes, doubled quotes, line ends inside quotes; CRLF or LF)
 * in UTF-8, a BOM stripped; UTF-16 where a BOM says so; other charsets by name.
 * The first row names the columns: `key` and `to` must be there; `language`,
 * `cc`, `name` and any other field may. Every fault is a problem at
 * file:line:column, and reading goes on behind it.
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

struct ch_table_options {
	const char *shown;       /* what messages call the file */
	const char *charset;     /* NULL: UTF-8 */
	uint64_t max_recipients; /* 0: no limit */
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

/* Rows seen, good or not. */
uint64_t ch_table_rows(const struct ch_table *table);

CH_DEFINE_AUTOPTR(ch_table);

#endif
