// SPDX-License-Identifier: GPL-3.0-or-later
/* page-box.c - what stands together, line by line. */
#include "letter/page-private.h"

double ch_page_em(const struct page_job *job)
{
	return job->language->size;
}

struct page_item *ch_page_add_item(struct page_job *job,
				   enum page_item_kind kind, double x, double y)
{
	struct page_flow *flow = &job->flow;
	struct page_item *item;

	CH_GROW(flow->items, flow->items_len, flow->items_cap);
	item = &flow->items[flow->items_len++];
	*item = (struct page_item){ .kind = kind, .x = x, .y = y };
	return item;
}

void ch_page_add_tag(struct page_job *job, enum page_item_kind kind,
		     const char *tag)
{
	ch_page_add_item(job, kind, 0, 0)->tag = tag;
}

/* A box of the items added since the last one. */
void ch_page_add_box(struct page_job *job, double before, double height,
		     bool keep)
{
	struct page_flow *flow = &job->flow;

	CH_GROW(flow->boxes, flow->boxes_len, flow->boxes_cap);
	flow->boxes[flow->boxes_len++] = (struct page_box){
		.before = before,
		.height = height,
		.keep = keep,
		.items_end = flow->items_len,
	};
}

static size_t items_start(const struct page_flow *flow, size_t box)
{
	return box ? flow->boxes[box - 1].items_end : 0;
}

void ch_page_stand_beside(struct page_job *job, size_t first, size_t second,
			  double before, double least)
{
	struct page_flow *flow = &job->flow;
	double y = 0;
	double height = least;

	for (size_t i = first; i < flow->boxes_len; i++) {
		const struct page_box *box = &flow->boxes[i];

		y = i == second ? 0 : y + (i == first ? 0 : box->before);
		for (size_t j = items_start(flow, i); j < box->items_end; j++)
			flow->items[j].y += y;
		y += box->height;
		height = y > height ? y : height;
	}
	flow->boxes_len = first;
	ch_page_add_box(job, before, height, false);
}

/* ---- lines ------------------------------------------------------------ */

static double line_x(const struct page_text *text, PangoLayoutLine *line,
		     bool first)
{
	PangoAlignment align = pango_layout_get_alignment(text->layout);
	double indent =
	    first ? (double)pango_layout_get_indent(text->layout) / PANGO_SCALE
		  : 0;
	PangoRectangle extents;
	double rest;

	pango_layout_line_get_extents(line, NULL, &extents);
	rest = text->width - (double)extents.width / PANGO_SCALE;
	if (text->width <= 0)
		return 0;
	return align == PANGO_ALIGN_LEFT    ? indent
	       : align == PANGO_ALIGN_RIGHT ? rest - indent
					    : rest / 2;
}

/* Lines stand in the middle of their leading. */
#define BASELINE 0.745

void ch_page_add_line(struct page_job *job, struct page_text *text, int number,
		      double x, double y)
{
	PangoLayoutLine *line =
	    pango_layout_get_line_readonly(text->layout, number);
	struct page_item *item = ch_page_add_item(
	    job, PAGE_LINE, x + line_x(text, line, number == 0),
	    y + BASELINE * text->leading);

	item->text = text;
	item->line = line;
}

/* The label stands on the first line of its item. */
void ch_page_add_label(struct page_column *column)
{
	struct page_job *job = column->job;

	if (!column->label)
		return;
	column->label->tag = "Lbl";
	ch_page_add_line(job, column->label, 0, column->label_x, 0);
	ch_page_add_tag(job, PAGE_OPEN, "LBody");
	column->label = NULL;
}

/* One box for each line. Two lines at least stay together at either end of a
 * paragraph, so three are never divided. */
void ch_page_place(struct page_column *column, struct page_text *text)
{
	int lines = pango_layout_get_line_count(text->layout);

	ch_page_add_label(column);
	for (int i = 0; i < lines; i++) {
		bool keep = i == 0 ? column->keep
				   : lines <= 3 || i == 1 || i == lines - 1;

		ch_page_add_line(column->job, text, i, column->x, 0);
		ch_page_add_box(column->job, i == 0 ? column->before : 0,
				text->leading, keep);
	}
	column->before = column->gap;
	column->keep = column->keep_all;
}
