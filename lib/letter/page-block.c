// SPDX-License-Identifier: GPL-3.0-or-later
/* page-block.c - paragraphs, headings, lists and quotes into boxes. */
#include <stdlib.h>
#include <string.h>

#include "letter/page-private.h"

/* What the block says, in one line. */
static char *bookmark_of(const struct page_text *text)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);
	const char *p = pango_layout_get_text(text->layout);

	for (; *p; p = ch_page_next(p)) {
		gunichar c = g_utf8_get_char(p);

		if (c == 0x2028)
			c = ' ';
		if (c != 0xAD && !(c >= 0x2066 && c <= 0x2069))
			ch_str_add_utf8(&out, c);
	}
	return ch_str_take(&out);
}

static void set_block(struct page_column *column, size_t *at)
{
	static const char *const tags[] = {
		"H1", "H2", "H3", "H4", "H5", "H6"
	};
	unsigned int level = column->job->form->steps[*at].number;
	struct page_look look = column->look;
	struct page_text *text;

	if (level > 0) {
		look.bold = true;
		look.justify = false;
		look.indent = 0;
		if (level < 3)
			look.scale *= 1.1;
	}
	text = ch_page_text_block(column->job, at, &look, column->width);
	if (!text)
		return;
	if (column->zone == CH_ZONE_SUBJECT)
		level = 1;
	else if (level > 0)
		column->before += column->gap / 2;
	if (level > 0) {
		text->tag = tags[level - 1];
		text->bookmark = bookmark_of(text);
		text->bookmark_level =
		    column->zone == CH_ZONE_SUBJECT ? 0 : (int)level;
	}
	ch_page_place(column, text);
	column->keep |= level > 0;
}

/* ---- lists ------------------------------------------------------------ */

static void begin_item(struct page_column *column,
		       const struct page_column *outer, size_t at,
		       double indent)
{
	struct page_job *job = column->job;
	const struct ch_page_step *step = &job->form->steps[at];
	struct page_look look = outer->look;
	CH_AUTOCHAR label = ch_xstrndup(
	    ch_str_cstr(&job->form->bytes) + step->offset, step->len);
	double width;

	look.justify = false;
	look.indent = 0;
	column->label = ch_page_text_words(job, label, &look, 0);
	width = ch_page_text_width(column->label);
	column->label_x =
	    job->language->rtl
		? outer->x + outer->width - indent + 0.5 * ch_page_em(job)
		: outer->x + indent - 0.5 * ch_page_em(job) - width;
	ch_page_add_tag(job, PAGE_OPEN, "LI");
}

/* An item without any block still has its label. */
static void end_item(struct page_column *column)
{
	struct page_job *job = column->job;
	double leading;

	if (column->label) {
		leading = column->label->leading;
		ch_page_add_label(column);
		ch_page_add_box(job, column->before, leading, false);
		column->before = column->gap;
	}
	ch_page_add_tag(job, PAGE_CLOSE, "LBody");
	ch_page_add_tag(job, PAGE_CLOSE, "LI");
}

static void set_list(struct page_column *column, size_t *at)
{
	struct page_job *job = column->job;
	const struct ch_page_step *steps = job->form->steps;
	struct page_column inner = *column;
	double indent = ch_page_em(job) * (1.6 + 0.55 * steps[*at].number);

	if (job->language->wide && !column->in_list)
		indent += 1.2 * ch_page_em(job);
	inner.width -= indent;
	inner.x += job->language->rtl ? 0 : indent;
	inner.look.indent = 0;
	inner.gap = 0.25 * ch_page_em(job);
	inner.before = column->in_list ? inner.gap : column->before;
	inner.in_list = true;
	ch_page_add_tag(job, PAGE_OPEN, "L");
	for (++*at; steps[*at].kind != CH_PAGE_LIST_END && !job->failed;) {
		begin_item(&inner, column, (*at)++, indent);
		ch_page_set_blocks(&inner, at, SIZE_MAX);
		end_item(&inner);
	}
	++*at;
	ch_page_add_tag(job, PAGE_CLOSE, "L");
	column->before = column->gap;
	column->keep = column->keep_all;
}

static void set_quote(struct page_column *column, size_t *at)
{
	struct page_column inner = *column;

	inner.x += 2 * ch_page_em(column->job);
	inner.width -= 4 * ch_page_em(column->job);
	++*at;
	ch_page_add_tag(column->job, PAGE_OPEN, "BlockQuote");
	ch_page_set_blocks(&inner, at, SIZE_MAX);
	ch_page_add_tag(column->job, PAGE_CLOSE, "BlockQuote");
	column->before = inner.before;
	column->keep = inner.keep;
	column->label = inner.label;
}

void ch_page_add_rule(struct page_column *column, double space)
{
	ch_page_add_item(column->job, PAGE_RULE, column->x, 0)->width =
	    column->width;
	ch_page_add_box(column->job, space, 0.6, true);
	column->before = space;
}

/* ---- blocks ----------------------------------------------------------- */

void ch_page_set_blocks(struct page_column *column, size_t *at, size_t to)
{
	const struct ch_page_form *form = column->job->form;

	while (*at < to && *at < form->len && !column->job->failed) {
		switch (form->steps[*at].kind) {
		case CH_PAGE_BLOCK:
			set_block(column, at);
			break;
		case CH_PAGE_LIST:
			set_list(column, at);
			break;
		case CH_PAGE_QUOTE:
			set_quote(column, at);
			break;
		case CH_PAGE_TABLE:
			ch_page_set_table(column, at);
			break;
		case CH_PAGE_ITEM_END:
		case CH_PAGE_QUOTE_END:
			++*at;
			return;
		case CH_PAGE_RULE:
			ch_page_add_rule(column, ch_page_em(column->job));
			++*at;
			break;
		default: /* a mark inside a list or quote */
			++*at;
			break;
		}
	}
}
