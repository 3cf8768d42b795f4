// SPDX-License-Identifier: GPL-3.0-or-later
/* page-none.c - the page in a build without pango: it says that it is none. */
#include "letter/page.h"

#include "letter/page-sheet.h"

static int refuse(struct ch_error *err)
{
	return ch_error_set(err, CH_GIVE_UP,
			    "this build of Chancery sets no pages (it was "
			    "made without pango)");
}

bool ch_page_available(void)
{
	return false;
}

int ch_page_image_new(struct ch_slice bytes, struct ch_page_image **ret,
		      struct ch_error *err)
{
	return refuse(err);
}

void ch_page_image_free(struct ch_page_image *image)
{
}

int ch_page_setter_new(const struct ch_page_style *style,
		       struct ch_page_setter **ret, struct ch_error *err)
{
	return refuse(err);
}

void ch_page_setter_free(struct ch_page_setter *setter)
{
}

int ch_page_set(struct ch_page_setter *setter, const struct ch_body *body,
		const struct ch_slice *values,
		const struct ch_page_letter *letter, struct ch_str *out,
		struct ch_error *err)
{
	return refuse(err);
}

/* ---- sheets: nobody has a setter to make one of ------------------------- */

struct ch_page_sheet *ch_page_sheet_new(struct ch_page_setter *setter,
					const struct ch_page_letter *about)
{
	return NULL;
}

void ch_page_sheet_free(struct ch_page_sheet *sheet)
{
}

void ch_page_sheet_title(struct ch_page_sheet *sheet, const char *text)
{
}

void ch_page_sheet_line(struct ch_page_sheet *sheet, const char *name,
			const char *value)
{
}

void ch_page_sheet_table(struct ch_page_sheet *sheet,
			 const char *const *heads, const double *shares,
			 size_t columns)
{
}

void ch_page_sheet_row(struct ch_page_sheet *sheet, const char *const *cells,
		       const size_t *strong)
{
}

int ch_page_sheet_end(struct ch_page_sheet *sheet, struct ch_str *out,
		      struct ch_error *err)
{
	return refuse(err);
}
