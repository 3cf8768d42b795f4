// SPDX-License-Identifier: GPL-3.0-or-later
/* page.c - set one letter.
 *
 * Its text is laid out whole before anything is drawn, since where a page ends
 * depends on what follows, and the number of pages stands on each.
 */
#include "letter/page.h"

#include <stdlib.h>

#include "letter/page-private.h"

bool ch_page_available(void)
{
	return true;
}

static void set_sizes(struct ch_page_setter *setter,
		      const struct ch_page_style *style)
{
	bool a4 = style->paper == CH_PAPER_A4;

	double narrow = a4 ? 210 * MM : 612;
	double wide = a4 ? 297 * MM : 792;

	setter->width = style->landscape ? wide : narrow;
	setter->height = style->landscape ? narrow : wide;
	setter->top = style->top_mm * MM;
	setter->bottom = style->bottom_mm * MM;
	setter->left = style->left_mm * MM;
	setter->right = style->right_mm * MM;
}

int ch_page_setter_new(const struct ch_page_style *style,
		       struct ch_page_setter **ret, struct ch_error *err)
{
	CH_AUTOPTR(ch_page_setter) setter = ch_xzalloc(sizeof(*setter));

	set_sizes(setter, style);
	setter->families[0] = ch_xstrdup(style->font);
	setter->families[1] = ch_xstrdup(style->font_zh);
	setter->families[2] = ch_xstrdup(style->font_ar);
	setter->families[3] = ch_xstrdup(style->font_zh_strong);
	if (ch_page_find_fonts(setter, err) < 0)
		return -1;
	*ret = CH_TAKE(setter);
	return 0;
}

void ch_page_setter_free(struct ch_page_setter *setter)
{
	if (!setter)
		return;
	for (size_t i = 0; i < setter->languages_len; i++)
		ch_page_language_release(&setter->languages[i]);
	if (setter->fonts)
		g_object_unref(setter->fonts);
	for (size_t i = 0; i < CH_COUNT(setter->families); i++)
		free(setter->families[i]);
	free(setter);
}

void ch_page_job_release(struct page_job *job)
{
	for (size_t i = 0; i < job->texts_len; i++)
		ch_page_text_free(job->texts[i]);
	free(job->texts);
	free(job->flow.boxes);
	free(job->flow.items);
	ch_str_release(&job->bytes);
	ch_str_release(&job->plain);
}

int ch_page_set(struct ch_page_setter *setter, const struct ch_body *body,
		const struct ch_slice *values,
		const struct ch_page_letter *letter, struct ch_str *out,
		struct ch_error *err)
{
	struct page_job job = {
		.setter = setter,
		.body = body,
		.form = ch_body_page_form(body),
		.values = values,
		.letter = letter,
		.language = ch_page_language(setter, letter->language),
		.bytes = CH_STR_INIT(PAGE_BLOCK_MAX),
		.plain = CH_STR_INIT(PAGE_BLOCK_MAX),
		.err = err,
	};
	int result = -1;

	ch_page_set_zones(&job);
	if (!job.failed)
		result = ch_page_draw(&job, out);
	ch_page_job_release(&job);
	return result;
}
