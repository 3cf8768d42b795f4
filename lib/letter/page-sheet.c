// SPDX-License-Identifier: GPL-3.0-or-later
/* page-sheet.c - tables into boxes, one for each row. */
#include "letter/page-sheet.h"

#include <stdlib.h>
#include <string.h>

#include "letter/page-private.h"

#define TEXT_MAX (1024 * 1024)
#define SCALE 0.76 /* of a letter's text */
#define TITLE_SCALE 1.5
#define NAMES_SHARE 0.2 /* of the page's width, before what they name */
#define GAP 6.0
#define REPLACEMENT "\xEF\xBF\xBD"
#define ELLIPSIS "\xE2\x80\xA6"

struct ch_page_sheet {
	struct page_job job;
	double shares[CH_PAGE_SHEET_COLUMNS_MAX];
	size_t columns;
	bool in_table;
	struct ch_error err;
};

struct ch_page_sheet *ch_page_sheet_new(struct ch_page_setter *setter,
					const struct ch_page_letter *about)
{
	struct ch_page_sheet *sheet = ch_xzalloc(sizeof(*sheet));

	sheet->job = (struct page_job){
		.setter = setter,
		.letter = about,
		.language = ch_page_language(setter, about->language),
		.bytes = CH_STR_INIT(PAGE_BLOCK_MAX),
		.plain = CH_STR_INIT(PAGE_BLOCK_MAX),
		.err = &sheet->err,
		.numbered = true,
	};
	return sheet;
}

void ch_page_sheet_free(struct ch_page_sheet *sheet)
{
	ch_page_job_release(&sheet->job);
	free(sheet);
}

/* ---- text ------------------------------------------------------------- */

/* The text with all those characters replaced. The caller's to free. */
static char *without(const char *text, const struct ch_str *unknown)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(TEXT_MAX);
	bool has = strstr(ch_str_cstr(unknown), REPLACEMENT) == NULL;

	for (const char *p = text; *p; p = ch_page_next(p)) {
		char c[8] = "";

		memcpy(c, p, (size_t)(ch_page_next(p) - p));
		ch_str_add(&out, !strstr(ch_str_cstr(unknown), c) ? c
				 : has ? REPLACEMENT
				       : "?");
	}
	return ch_xstrdup(ch_str_cstr(&out));
}

static struct page_text *set_text(struct page_job *job, const char *words,
				  const struct page_look *look, double width)
{
	CH_AUTO(ch_str) unknown = CH_STR_INIT(TEXT_MAX);
	CH_AUTOCHAR known = NULL;
	struct page_text *text;

	job->unknown = &unknown;
	text = ch_page_text_words(job, words, look, width);
	if (unknown.len) {
		known = without(words, &unknown);
		text = ch_page_text_words(job, known, look, width);
	}
	job->unknown = NULL;
	return text;
}

/* So that any row stands on a page, with the table's head above it. */
static int lines_max(const struct page_job *job, double leading)
{
	const struct ch_page_setter *setter = job->setter;
	double height = setter->height - setter->top - setter->bottom;

	return (int)(height * 0.7 / leading);
}

/* Not more lines than that: the last one then ends with "…". */
static struct page_text *set_cut(struct page_job *job, const char *words,
				 const struct page_look *look, double width)
{
	struct page_text *text = set_text(job, words, look, width);
	int most = lines_max(job, text->leading);
	const PangoLayoutLine *line;
	CH_AUTOCHAR cut = NULL;
	CH_AUTOCHAR shown = NULL;

	if (pango_layout_get_line_count(text->layout) <= most)
		return text;
	line = pango_layout_get_line_readonly(text->layout, most - 1);
	cut = ch_xstrndup(pango_layout_get_text(text->layout),
			  (size_t)line->start_index);
	shown = ch_xasprintf("%s" ELLIPSIS, cut);
	return set_text(job, shown, look, width);
}

static double page_width(const struct page_job *job)
{
	return job->setter->width - job->setter->left - job->setter->right;
}

/* The place of a part of the page's width, counted from where lines start. */
static double place(const struct page_job *job, double from, double width)
{
	return job->setter->left +
	       (job->language->rtl ? page_width(job) - from - width : from);
}

/* Its lines from the `from`th on, `most` of them at most. */
static double add_some(struct page_job *job, struct page_text *text, double x,
		       int from, int most)
{
	int lines = pango_layout_get_line_count(text->layout) - from;

	if (lines > most)
		lines = most;
	if (lines < 0)
		lines = 0;
	for (int i = 0; i < lines; i++)
		ch_page_add_line(job, text, from + i, x, i * text->leading);
	return lines * text->leading;
}

static double add_lines(struct page_job *job, struct page_text *text, double x)
{
	return add_some(job, text, x, 0,
			pango_layout_get_line_count(text->layout));
}

/* ---- above tables ----------------------------------------------------- */

static void end_table(struct ch_page_sheet *sheet)
{
	if (sheet->in_table)
		ch_page_add_tag(&sheet->job, PAGE_CLOSE, "Table");
	sheet->in_table = false;
}

void ch_page_sheet_title(struct ch_page_sheet *sheet, const char *text)
{
	struct page_job *job = &sheet->job;
	struct page_look look = { .scale = TITLE_SCALE, .bold = true,
				  .align = PANGO_ALIGN_LEFT };
	struct page_text *set = set_cut(job, text, &look, page_width(job));
	double height;

	end_table(sheet);
	set->tag = "H1";
	height = add_lines(job, set, job->setter->left);
	ch_page_add_box(job, 0, height + GAP, false);
}

void ch_page_sheet_line(struct ch_page_sheet *sheet, const char *name,
			const char *value)
{
	struct page_job *job = &sheet->job;
	struct page_look look = { .scale = SCALE, .bold = true,
				  .align = PANGO_ALIGN_LEFT };
	double first = NAMES_SHARE * page_width(job);
	double rest = page_width(job) - first;
	struct page_text *text = set_cut(job, name, &look, first - GAP);
	double height, second;

	end_table(sheet);
	height = add_lines(job, text, place(job, 0, first - GAP));
	look.bold = false;
	text = set_cut(job, value, &look, rest);
	second = add_lines(job, text, place(job, first, rest));
	ch_page_add_box(job, 1, second > height ? second : height, false);
}

/* ---- tables ----------------------------------------------------------- */

/* The cells of a row, and how many lines stand on a page. */
struct row {
	struct page_text *texts[CH_PAGE_SHEET_COLUMNS_MAX];
	bool head;
	int most;
	int lines; /* of the longest cell */
};

static void set_row(struct ch_page_sheet *sheet, const char *const *cells,
		    const size_t *strong, struct row *row)
{
	struct page_job *job = &sheet->job;

	for (size_t i = 0; i < sheet->columns; i++) {
		struct page_look look = { .scale = SCALE, .bold = row->head,
					  .align = PANGO_ALIGN_LEFT,
					  .strong_len = strong ? strong[i]
							       : 0 };
		double width = sheet->shares[i] * page_width(job) - GAP;
		int lines;

		row->texts[i] = row->head
			? set_cut(job, cells[i], &look, width)
			: set_text(job, cells[i], &look, width);
		row->most = lines_max(job, row->texts[i]->leading);
		lines = pango_layout_get_line_count(row->texts[i]->layout);
		row->lines = lines > row->lines ? lines : row->lines;
	}
}

/* As many lines of each cell as stand on a page. */
static void add_part(struct ch_page_sheet *sheet, const struct row *row,
		     int first)
{
	struct page_job *job = &sheet->job;
	const char *tag = row->head ? "TH" : "TD";
	double height = 0, from = 0;

	ch_page_add_tag(job, PAGE_OPEN, "TR");
	for (size_t i = 0; i < sheet->columns; i++) {
		double width = sheet->shares[i] * page_width(job);
		double cell;

		ch_page_add_tag(job, PAGE_OPEN, tag);
		cell = add_some(job, row->texts[i],
				place(job, from, width - GAP), first,
				row->most);
		ch_page_add_tag(job, PAGE_CLOSE, tag);
		height = cell > height ? cell : height;
		from += width;
	}
	ch_page_add_tag(job, PAGE_CLOSE, "TR");
	ch_page_add_item(job, PAGE_RULE, job->setter->left, height + 1.5)
		->width = page_width(job);
	ch_page_add_box(job, row->head ? 2 * GAP : 2, height + 2, false);
}

/* What is higher than a page goes on in a row below it. */
static void add_row(struct ch_page_sheet *sheet, const char *const *cells,
		    const size_t *strong, bool head)
{
	struct row row = { .head = head };
	int first = 0;

	set_row(sheet, cells, strong, &row);
	do {
		add_part(sheet, &row, first);
		first += row.most;
	} while (first < row.lines);
}

void ch_page_sheet_table(struct ch_page_sheet *sheet,
			 const char *const *heads, const double *shares,
			 size_t columns)
{
	struct page_job *job = &sheet->job;

	end_table(sheet);
	sheet->columns = columns;
	for (size_t i = 0; i < columns; i++)
		sheet->shares[i] = shares[i];
	ch_page_add_tag(job, PAGE_OPEN, "Table");
	sheet->in_table = true;
	add_row(sheet, heads, NULL, true);
	job->again = job->flow.boxes_len;
}

void ch_page_sheet_row(struct ch_page_sheet *sheet, const char *const *cells,
		       const size_t *strong)
{
	struct page_flow *flow = &sheet->job.flow;
	size_t before = flow->boxes_len;

	add_row(sheet, cells, strong, false);
	/* No head stands alone at the end of a page. */
	if (before == sheet->job.again)
		flow->boxes[before].keep = true;
}

int ch_page_sheet_end(struct ch_page_sheet *sheet, struct ch_str *out,
		      struct ch_error *err)
{
	int result;

	end_table(sheet);
	/* A table without rows has no head to repeat. */
	if (sheet->job.again == sheet->job.flow.boxes_len)
		sheet->job.again = 0;
	result = sheet->job.failed ? -1 : ch_page_draw(&sheet->job, out);
	if (result < 0)
		*err = sheet->err;
	return result;
}
