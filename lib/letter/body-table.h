/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body-table.h - tables in the Markdown of a body.
 *
 * CommonMark has none. A paragraph whose second line is "--- | :-: | --:", with
 * as many columns as the first, is one: the usual pipe table. In the document
 * it becomes nested custom blocks, so that cmark's iterator and the renderers
 * walk it like anything else. A slot is no "|": values never make a table.
 */
#ifndef CH_LETTER_BODY_TABLE_H
#define CH_LETTER_BODY_TABLE_H

struct cmark_node; /* libcmark */

#define BODY_COLUMNS_MAX 12

enum ch_body_table_part {
	BODY_TABLE_NONE, /* not of a table */
	BODY_TABLE,      /* rows */
	BODY_TABLE_HEAD, /* the first row, of cells */
	BODY_TABLE_ROW,
	BODY_TABLE_CELL, /* one paragraph */
};

/* Turn the paragraphs that are tables into tables. */
void ch_body_find_tables(struct cmark_node *document);

/* What a node is; for the table itself *ret_columns is one of "l", "c", "r" for
 * each column. */
enum ch_body_table_part ch_body_table_part(struct cmark_node *node,
					   const char **ret_columns);

#endif
