// SPDX-License-Identifier: GPL-3.0-or-later
/* page-table.c - a table into boxes, one for each row.
 *
 * Columns are as wide as they would like to be; where that is too wide together
 * the wide ones give way.
 */
#include <stdlib.h>
#include <string.h>

#include "letter/body-table.h"
#include "letter/page-private.h"

struct table {
	char columns[32]; /* "l", "c", "r" for each */
	size_t count;
	double widths[32];
	double gap;
};

static struct page_look cell_look(const struct page_column *column,
				  const struct table *table, size_t number,
				  bool head)
{
	struct page_look look = column->look;
	char c = table->columns[number];

	look.justify = false;
	look.indent = 0;
	look.scale *= 0.93;
	look.bold = head;
	/* "Right" is for numbers, whose units stand right in Arabic too. */
	look.align = c == 'c' ? PANGO_ALIGN_CENTER
		     : c == 'r' && !column->job->language->rtl
			 ? PANGO_ALIGN_RIGHT
			 : PANGO_ALIGN_LEFT;
	return look;
}

/* How wide each column would like to be. */
static void measure(struct page_column *column, struct table *table, size_t at)
{
	const struct ch_page_step *steps = column->job->form->steps;
	size_t number = 0;
	bool head = false;

	while (steps[at].kind != CH_PAGE_TABLE_END) {
		if (steps[at].kind == CH_PAGE_ROW) {
			head = steps[at].number;
			number = 0;
		}
		if (steps[at].kind == CH_PAGE_BLOCK) {
			struct page_look look =
			    cell_look(column, table, number, head);
			struct page_text *text =
			    ch_page_text_block(column->job, &at, &look, 0);
			double width = text ? ch_page_text_width(text) + 1 : 0;

			if (width > table->widths[number])
				table->widths[number] = width;
			number++;
			continue;
		}
		at++;
	}
}

/* Columns that do not fit give way, the wide ones first. */
static void fit(struct table *table, double width)
{
	double room = width - table->gap * (double)(table->count - 1);
	double sum = 0, narrow = 0;
	double share = room / (double)table->count;

	for (size_t i = 0; i < table->count; i++) {
		sum += table->widths[i];
		if (table->widths[i] <= share)
			narrow += table->widths[i];
	}
	if (sum <= room)
		return;
	for (size_t i = 0; i < table->count; i++) {
		if (table->widths[i] > share)
			table->widths[i] *= (room - narrow) / (sum - narrow);
	}
}

static double cell_x(const struct page_column *column,
		     const struct table *table, size_t number)
{
	double x = 0;

	for (size_t i = 0; i < number; i++)
		x += table->widths[i] + table->gap;
	return column->job->language->rtl
		   ? column->x + column->width - x - table->widths[number]
		   : column->x + x;
}

static double set_cell(struct page_column *column, const struct table *table,
		       size_t number, bool head, size_t *at)
{
	struct page_job *job = column->job;
	struct page_look look = cell_look(column, table, number, head);
	struct page_text *text =
	    ch_page_text_block(job, at, &look, table->widths[number]);
	int lines = text ? pango_layout_get_line_count(text->layout) : 0;

	ch_page_add_tag(job, PAGE_OPEN, head ? "TH" : "TD");
	for (int i = 0; i < lines; i++)
		ch_page_add_line(job, text, i, cell_x(column, table, number),
				 i * text->leading);
	ch_page_add_tag(job, PAGE_CLOSE, head ? "TH" : "TD");
	return lines ? lines * text->leading : 0;
}

static void set_row(struct page_column *column, const struct table *table,
		    size_t *at)
{
	struct page_job *job = column->job;
	const struct ch_page_step *steps = job->form->steps;
	bool head = steps[*at].number;
	double height = ch_page_em(job) * column->look.scale;
	size_t number = 0;

	ch_page_add_label(column);
	ch_page_add_tag(job, PAGE_OPEN, "TR");
	while (steps[*at].kind != CH_PAGE_ROW_END) {
		double cell;

		if (steps[*at].kind != CH_PAGE_BLOCK) {
			++*at;
			continue;
		}
		cell = set_cell(column, table, number++, head, at);
		height = cell > height ? cell : height;
	}
	ch_page_add_tag(job, PAGE_CLOSE, "TR");
	ch_page_add_item(job, PAGE_RULE, column->x, height + 1.5)->width =
	    column->width;
	ch_page_add_box(job, column->before, height + 2, column->keep);
	column->before = 2;
	column->keep = head || column->keep_all;
}

void ch_page_set_table(struct page_column *column, size_t *at)
{
	struct page_job *job = column->job;
	const struct ch_page_step *step = &job->form->steps[*at];
	struct table table = { .count = step->number,
			       .gap = 1.4 * ch_page_em(job) };
	double used = 0;
	double room = (job->language->wide ? 0.45 : 0.2) * ch_page_em(job);
	struct page_column inner = *column;

	memcpy(table.columns, ch_str_cstr(&job->form->bytes) + step->offset,
	       step->len);
	measure(column, &table, *at);
	fit(&table, column->width);
	for (size_t i = 0; i < table.count; i++)
		used += table.widths[i] + (i ? table.gap : 0);
	inner.x += job->language->rtl ? column->width - used : 0;
	inner.width = used;
	inner.before += room;
	ch_page_add_tag(job, PAGE_OPEN, "Table");
	while (job->form->steps[*at].kind != CH_PAGE_TABLE_END) {
		if (job->form->steps[*at].kind == CH_PAGE_ROW)
			set_row(&inner, &table, at);
		++*at;
	}
	++*at;
	ch_page_add_tag(job, PAGE_CLOSE, "Table");
	column->label = inner.label;
	column->before = column->gap + room;
	column->keep = column->keep_all;
}
