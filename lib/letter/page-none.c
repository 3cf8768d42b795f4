// SPDX-License-Identifier: GPL-3.0-or-later
/* page-none.c - the page in a build without pango: it says that it is none. */
#include "letter/page.h"

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
