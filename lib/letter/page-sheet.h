/* SPDX-License-Identifier: GPL-3.0-or-later */
/* page-sheet.h - tables set on pages: a document of ours that is no letter.
 *
 * The same pages as a letter's (page.h): its fonts, PDF/A-2u, tagged. A table
 * goes over as many pages as it needs, with its head on each. What it says was
 * written by others in any script: a character that no font has becomes U+FFFD
 * and is no error, a row of more lines than a page has goes on in the next.
 *
 * Text is UTF-8 without controls; '\n' ends a line. It is copied.
 */
#ifndef CH_LETTER_PAGE_SHEET_H
#define CH_LETTER_PAGE_SHEET_H

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

struct ch_page_letter; /* letter/page.h */
struct ch_page_setter;
struct ch_page_sheet;  /* opaque; one document under way */

#define CH_PAGE_SHEET_COLUMNS_MAX 16

/* `about` is what is said of a letter beside its text: language, title, author,
 * reference, date. Both are borrowed until the end. The caller owns the result.
 */
struct ch_page_sheet *ch_page_sheet_new(struct ch_page_setter *setter,
					const struct ch_page_letter *about);
void ch_page_sheet_free(struct ch_page_sheet *sheet);

/* Below what is there: a heading; a line of a name and what it is. */
void ch_page_sheet_title(struct ch_page_sheet *sheet, const char *text);
void ch_page_sheet_line(struct ch_page_sheet *sheet, const char *name,
			const char *value);

/* Begin a table. `shares` of the page's width add up to 1. */
void ch_page_sheet_table(struct ch_page_sheet *sheet,
			 const char *const *heads, const double *shares,
			 size_t columns);
/* A row of the table begun last; of each cell, the first line of as many bytes
 * as `strong` says stands out. `strong` may be NULL. */
void ch_page_sheet_row(struct ch_page_sheet *sheet, const char *const *cells,
		       const size_t *strong);

/* Append the PDF. -1, CH_GIVE_UP: more pages than there may be, out->max
 * passed, or a build that sets no pages. */
int ch_page_sheet_end(struct ch_page_sheet *sheet, struct ch_str *out,
		      struct ch_error *err);

CH_DEFINE_AUTOPTR(ch_page_sheet);

#endif
