// SPDX-License-Identifier: GPL-3.0-or-later
/* page-draw.c - boxes onto pages, pages into a PDF. */
#include <cairo-pdf.h>
#include <stdlib.h>
#include <string.h>

#include "letter/page-archive.h"
#include "letter/page-private.h"

#define RUNNING_HEAD (11 * MM)
#define PDF_MAX ((size_t)64 * 1024 * 1024)

struct drawing {
	struct page_job *job;
	cairo_surface_t *surface;
	cairo_t *cairo;
	size_t *starts; /* owned; the first box of each page */
	size_t pages, pages_cap;
	double spaces; /* what is left of the spaces between boxes */
	const struct page_text *open; /* whose tag is open */
	int headings[8]; /* the last bookmark of each level, 0: none */
	size_t page;     /* under way, from 1 */
};

/* ---- pages ------------------------------------------------------------ */

/* The box that stands on top of the page again, or NULL. */
static const struct page_box *box_again(const struct drawing *d, size_t page)
{
	size_t again = d->job->again;

	return again && d->starts[page] >= again
		       ? &d->job->flow.boxes[again - 1]
		       : NULL;
}

/* What is above the first box: reference and number, and a table's head. */
static double room_above(const struct drawing *d, size_t page)
{
	const struct page_box *again = box_again(d, page);

	return (page > 0 || d->job->numbered ? RUNNING_HEAD : 0) +
	       (again ? again->height + d->job->flow.boxes[d->job->again].before
		      : 0);
}

static double room_on(const struct drawing *d, size_t page)
{
	const struct ch_page_setter *setter = d->job->setter;

	return setter->height - setter->top - setter->bottom -
	       room_above(d, page);
}

/* The last place at or before box `at` where a page may end; `first` is the
 * page's first box. What is kept together and is longer than a page is divided
 * all the same. */
static size_t break_before(const struct page_flow *flow, size_t first,
			   size_t at)
{
	size_t i = at;

	while (i > first && flow->boxes[i].keep)
		i--;
	return i > first ? i : at;
}

static int too_high(struct page_job *job)
{
	return ch_error_set(job->err, CH_GIVE_UP,
			    "the page: a part that stays together (a row of a "
			    "table, the letterhead, an address) is higher "
			    "than a page");
}

static int start_page(struct drawing *d, size_t box)
{
	if (d->pages == PAGES_MAX)
		return ch_error_set(d->job->err, CH_GIVE_UP,
				    "the page: there are more than %d pages",
				    PAGES_MAX);
	CH_GROW(d->starts, d->pages, d->pages_cap);
	d->starts[d->pages++] = box;
	return 0;
}

static int divide(struct drawing *d, double spaces)
{
	const struct page_flow *flow = &d->job->flow;
	double y = 0;
	size_t first = 0;

	d->pages = 0;
	d->spaces = spaces;
	if (start_page(d, 0) < 0)
		return -1;
	for (size_t i = 0; i < flow->boxes_len; i++) {
		const struct page_box *box = &flow->boxes[i];
		double bottom = y + (i == first ? 0 : spaces * box->before) +
				box->height;

		if (bottom <= room_on(d, d->pages - 1) + 0.01) {
			y = bottom;
			continue;
		}
		if (i == first)
			return too_high(d->job);
		first = break_before(flow, first, i);
		i = first - 1; /* again, from the new page's first */
		y = 0;
		if (start_page(d, first) < 0)
			return -1;
	}
	return 0;
}

/* A last page of two or three lines is avoided where narrower spaces spare it.
 */
static int find_pages(struct drawing *d)
{
	size_t pages;

	if (divide(d, 1) < 0)
		return -1;
	pages = d->pages;
	for (int percent = 90; percent >= 70 && pages > 1; percent -= 10) {
		if (divide(d, percent / 100.0) < 0)
			return -1;
		if (d->pages < pages)
			return 0;
	}
	return pages > 1 ? divide(d, 1) : 0;
}

/* ---- what is drawn ---------------------------------------------------- */

static void close_text(struct drawing *d)
{
	if (d->open)
		cairo_tag_end(d->cairo, d->open->tag);
	d->open = NULL;
}

static void open_text(struct drawing *d, const struct page_text *text)
{
	if (d->open == text)
		return;
	close_text(d);
	cairo_tag_begin(d->cairo, text->tag, NULL);
	d->open = text;
}

/* Whatever the locale writes for a decimal point. */
static void add_number(struct ch_str *out, double number)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];

	ch_str_add(out, g_ascii_formatd(text, sizeof(text), "%.2f", number));
}

/* Under the last bookmark of a higher level. */
static void add_bookmark(struct drawing *d, struct page_text *text, double y)
{
	int parent = CAIRO_PDF_OUTLINE_ROOT;
	int level = text->bookmark_level;
	CH_AUTO(ch_str) place = CH_STR_INIT(100);

	ch_str_addf(&place, "page=%zu pos=[0 ", d->page);
	add_number(&place, y - text->leading);
	ch_str_add(&place, "]");
	for (int i = 0; i < level; i++) {
		if (d->headings[i])
			parent = d->headings[i];
	}
	d->headings[level] = cairo_pdf_surface_add_outline(
		d->surface, parent, text->bookmark, ch_str_cstr(&place),
		CAIRO_PDF_OUTLINE_FLAG_OPEN);
	for (size_t i = (size_t)level + 1; i < CH_COUNT(d->headings); i++)
		d->headings[i] = 0;
}

static void draw_link(struct drawing *d, const struct page_item *item,
		      const struct page_link *link, double y)
{
	int line_end = item->line->start_index + item->line->length;
	int from = link->start > item->line->start_index
			   ? link->start
			   : item->line->start_index;
	int to = link->end < line_end ? link->end : line_end;
	int x1, x2;
	CH_AUTO(ch_str) tag = CH_STR_INIT(8192);
	double rect[4];

	if (from >= to)
		return;
	pango_layout_line_index_to_x(item->line, from, FALSE, &x1);
	pango_layout_line_index_to_x(item->line, to, FALSE, &x2);
	if (x1 > x2) {
		int swap = x1;

		x1 = x2;
		x2 = swap;
	}
	rect[0] = item->x + (double)x1 / PANGO_SCALE;
	rect[1] = y - 0.75 * item->text->leading;
	rect[2] = (double)(x2 - x1) / PANGO_SCALE;
	rect[3] = item->text->leading;
	ch_str_add(&tag, "rect=[");
	for (size_t i = 0; i < CH_COUNT(rect); i++) {
		add_number(&tag, rect[i]);
		ch_str_add(&tag, " ");
	}
	ch_str_addf(&tag, "] uri='%s'", link->address);
	cairo_tag_begin(d->cairo, CAIRO_TAG_LINK, ch_str_cstr(&tag));
	cairo_tag_end(d->cairo, CAIRO_TAG_LINK);
}

static void draw_line(struct drawing *d, const struct page_item *item,
		      double y)
{
	struct page_text *text = item->text;

	if (text->bookmark && d->open != text)
		add_bookmark(d, text, y);
	open_text(d, text);
	cairo_set_source_rgb(d->cairo, text->grey, text->grey, text->grey);
	cairo_move_to(d->cairo, item->x, y);
	pango_cairo_show_layout_line(d->cairo, item->line);
	for (size_t i = 0; i < text->links_len; i++)
		draw_link(d, item, &text->links[i], y);
}

static void draw_rule(struct drawing *d, const struct page_item *item,
		      double y)
{
	close_text(d);
	cairo_set_source_rgb(d->cairo, 0.45, 0.45, 0.45);
	cairo_set_line_width(d->cairo, 0.5);
	cairo_move_to(d->cairo, item->x, y);
	cairo_line_to(d->cairo, item->x + item->width, y);
	cairo_stroke(d->cairo);
}

static void draw_image(struct drawing *d, const struct page_item *item,
		       double y)
{
	close_text(d);
	cairo_tag_begin(d->cairo, "Figure", NULL);
	if (ch_page_image_draw(item->image, d->cairo, item->x, y, item->width,
			       item->height, d->job->err) < 0)
		d->job->failed = true;
	cairo_tag_end(d->cairo, "Figure");
}

static void draw_item(struct drawing *d, const struct page_item *item,
		      double top)
{
	switch (item->kind) {
	case PAGE_LINE:
		draw_line(d, item, top + item->y);
		break;
	case PAGE_RULE:
		draw_rule(d, item, top + item->y);
		break;
	case PAGE_IMAGE:
		draw_image(d, item, top + item->y);
		break;
	case PAGE_OPEN:
		close_text(d);
		cairo_tag_begin(d->cairo, item->tag, NULL);
		break;
	case PAGE_CLOSE:
		close_text(d);
		cairo_tag_end(d->cairo, item->tag);
		break;
	}
}

/* The reference where lines start, the number where they end. */
static void draw_running_head(struct drawing *d)
{
	struct page_job *job = d->job;
	const struct ch_page_setter *setter = job->setter;
	struct page_look look = { .scale = 0.85,
				  .grey = 0.25,
				  .align = PANGO_ALIGN_LEFT };
	CH_AUTOCHAR number = ch_xasprintf("%zu/%zu", d->page, d->pages);
	const char *words[] = { job->letter->reference, number };

	for (size_t i = 0; i < CH_COUNT(words); i++) {
		struct page_text *text =
			ch_page_text_words(job, words[i], &look, 0);
		bool at_left = (i == 0) != job->language->rtl;
		double x = at_left ? setter->left
				   : setter->width - setter->right -
					     ch_page_text_width(text);

		cairo_set_source_rgb(d->cairo, look.grey, look.grey,
				     look.grey);
		cairo_move_to(d->cairo, x, setter->top + 0.75 * text->leading);
		pango_cairo_show_layout_line(
			d->cairo, pango_layout_get_line_readonly(text->layout,
								 0));
	}
}

/* A table's head on a later page; readers of the PDF's text have it once. */
static void draw_again(const struct drawing *d, double top)
{
	const struct page_flow *flow = &d->job->flow;
	size_t box = d->job->again - 1;
	size_t item = box ? flow->boxes[box - 1].items_end : 0;

	for (; item < flow->boxes[box].items_end; item++) {
		const struct page_item *it = &flow->items[item];

		cairo_set_source_rgb(d->cairo, 0, 0, 0);
		cairo_set_line_width(d->cairo, 0.5);
		cairo_move_to(d->cairo, it->x, top + it->y);
		if (it->kind == PAGE_LINE)
			pango_cairo_show_layout_line(d->cairo, it->line);
		if (it->kind != PAGE_RULE)
			continue;
		cairo_line_to(d->cairo, it->x + it->width, top + it->y);
		cairo_stroke(d->cairo);
	}
}

static void draw_page(struct drawing *d, size_t page)
{
	const struct page_flow *flow = &d->job->flow;
	size_t first = d->starts[page];
	size_t end = page + 1 < d->pages ? d->starts[page + 1]
					 : flow->boxes_len;
	size_t item = first ? flow->boxes[first - 1].items_end : 0;
	double y = d->job->setter->top + room_above(d, page);

	d->page = page + 1;
	if (page > 0 || d->job->numbered)
		draw_running_head(d);
	if (box_again(d, page))
		draw_again(d, d->job->setter->top + RUNNING_HEAD);
	for (size_t i = first; i < end; i++) {
		const struct page_box *box = &flow->boxes[i];

		y += i == first ? 0 : d->spaces * box->before;
		for (; item < box->items_end; item++)
			draw_item(d, &flow->items[item], y);
		y += box->height;
	}
	if (page + 1 == d->pages) /* what ends behind the last box */
		for (; item < flow->items_len; item++)
			draw_item(d, &flow->items[item], y);
	close_text(d);
}

static cairo_status_t write_bytes(void *context, const unsigned char *bytes,
				  unsigned int len)
{
	struct ch_str *out = context;

	ch_str_add_mem(out, bytes, len);
	return out->full ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

/* A fixed date: cairo would ask the clock. The document's own one is written
 * by ch_page_archive(). */
static void draw_all(struct drawing *d, struct ch_str *pdf)
{
	const struct ch_page_setter *setter = d->job->setter;

	d->surface = cairo_pdf_surface_create_for_stream(
		write_bytes, pdf, setter->width, setter->height);
	cairo_pdf_surface_set_metadata(d->surface,
				       CAIRO_PDF_METADATA_CREATE_DATE,
				       "2000-01-01T00:00:00Z");
	d->cairo = cairo_create(d->surface);
	cairo_tag_begin(d->cairo, "Document", NULL);
	for (size_t i = 0; i < d->pages; i++) {
		draw_page(d, i);
		if (i + 1 < d->pages)
			cairo_show_page(d->cairo);
	}
	cairo_tag_end(d->cairo, "Document");
	cairo_show_page(d->cairo);
	cairo_destroy(d->cairo);
	cairo_surface_finish(d->surface);
}

static int archive(struct page_job *job, const struct ch_str *pdf,
		   struct ch_str *out)
{
	const struct ch_page_letter *letter = job->letter;
	struct ch_page_facts facts = {
		.language = letter->language,
		.title = letter->title,
		.author = letter->author,
		.subject = letter->reference,
		.date_us = letter->date_us,
		.rtl = job->language->rtl,
	};

	return ch_page_archive((struct ch_slice){ ch_str_cstr(pdf), pdf->len },
			       &facts, out, job->err);
}

int ch_page_draw(struct page_job *job, struct ch_str *out)
{
	struct drawing d = { .job = job };
	CH_AUTO(ch_str) pdf = CH_STR_INIT(PDF_MAX);
	cairo_status_t status = CAIRO_STATUS_SUCCESS;
	int result = find_pages(&d);

	if (result == 0) {
		draw_all(&d, &pdf);
		status = cairo_surface_status(d.surface);
		cairo_surface_destroy(d.surface);
	}
	free(d.starts);
	if (result < 0 || job->failed)
		return -1;
	if (status != CAIRO_STATUS_SUCCESS)
		return ch_error_set(job->err, CH_GIVE_UP, "the page: %s",
				    cairo_status_to_string(status));
	return archive(job, &pdf, out);
}
