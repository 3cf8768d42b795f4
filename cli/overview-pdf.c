// SPDX-License-Identifier: GPL-3.0-or-later
/* overview-pdf.c - an overview on paper: A4, its long side at the bottom. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/overview.h"
#include "cli/words.h"
#include "letter/page.h"
#include "letter/page-sheet.h"

#define TEXT_MAX (1024 * 1024)
#define PDF_MAX (64 * 1024 * 1024)
#define ROWS_MAX 2000 /* laid out in memory before the first is drawn */
#define COUNTS (CH_OV_COUNTS + 1)
_Static_assert(COUNTS <= CH_PAGE_SHEET_COLUMNS_MAX, "they are one table");

/* The usual fonts of a letter (letter/conf.c). */
static const struct ch_page_style style = {
	.paper = CH_PAPER_A4,
	.landscape = true,
	.top_mm = 12,
	.bottom_mm = 12,
	.left_mm = 14,
	.right_mm = 14,
	.font = "Noto Serif",
	.font_zh = "Noto Serif CJK SC",
	.font_zh_strong = "WenQuanYi Micro Hei",
	.font_ar = "Amiri",
};

static void put_head(const struct ch_overview *o, const char *title,
		     struct ch_page_sheet *sheet)
{
	struct ch_slice name;

	ch_page_sheet_title(sheet, title);
	for (size_t i = 0;; i++) {
		CH_AUTO(ch_str) value = CH_STR_INIT(TEXT_MAX);
		CH_AUTOCHAR label = NULL;

		if (!ch_overview_head(o, i, &name, &value))
			return;
		label = ch_slice_dup(name);
		ch_page_sheet_line(sheet, label, ch_str_cstr(&value));
	}
}

/* Acknowledgements and absences have the longest names. */
static double width_of(size_t count)
{
	double wide = 0.105;

	return count == CH_OV_ACKNOWLEDGED || count == CH_OV_AWAY
		       ? wide
		       : (1 - 2 * wide) / (COUNTS - 2);
}

/* One row under the names of all that is counted. */
static void put_counts(const struct ch_overview *o,
		       struct ch_page_sheet *sheet)
{
	CH_AUTO(ch_str) share = CH_STR_INIT(100);
	char *heads[COUNTS];
	char *cells[COUNTS];
	double shares[COUNTS];

	ch_overview_share(o, &share);
	for (size_t i = 0; i < COUNTS; i++) {
		const char *name = i < CH_OV_COUNTS
			? ch_overview_count_name((enum ch_overview_count)i)
			: "share";

		heads[i] = ch_slice_dup(ch_words_get(o->words, name));
		cells[i] = i < CH_OV_COUNTS
			? ch_xasprintf("%llu", (unsigned long long)
						       o->counts[i])
			: ch_xstrdup(ch_str_cstr(&share));
		shares[i] = width_of(i);
	}
	ch_page_sheet_table(sheet, (const char *const *)heads, shares, COUNTS);
	ch_page_sheet_row(sheet, (const char *const *)cells, NULL);
	for (size_t i = 0; i < COUNTS; i++) {
		free(heads[i]);
		free(cells[i]);
	}
}

static void begin_letters(const struct ch_overview *o,
			  struct ch_page_sheet *sheet)
{
	static const double shares[CH_OV_PARTS] = {
		[CH_OV_PART_WHO] = 0.22,     [CH_OV_PART_TO] = 0.21,
		[CH_OV_PART_OUTCOME] = 0.14, [CH_OV_PART_WHEN] = 0.19,
		[CH_OV_PART_MORE] = 0.24,
	};
	char *heads[CH_OV_PARTS];

	for (size_t i = 0; i < CH_OV_PARTS; i++)
		heads[i] = ch_slice_dup(ch_words_get(
			o->words,
			ch_overview_part_name((enum ch_overview_part)i)));
	ch_page_sheet_table(sheet, (const char *const *)heads, shares,
			    CH_OV_PARTS);
	for (size_t i = 0; i < CH_OV_PARTS; i++)
		free(heads[i]);
}

static void put_row(const struct ch_overview *o,
		    const struct ch_overview_row *row,
		    struct ch_page_sheet *sheet)
{
	const char *cells[CH_OV_PARTS];
	size_t strong[CH_OV_PARTS] = { 0 };
	struct ch_str parts[CH_OV_PARTS];

	for (size_t i = 0; i < CH_OV_PARTS; i++) {
		ch_str_init(&parts[i], TEXT_MAX);
		ch_overview_part(o, row, (enum ch_overview_part)i, &parts[i]);
		cells[i] = ch_str_cstr(&parts[i]);
		if (i == CH_OV_PART_WHO || i == CH_OV_PART_OUTCOME)
			strong[i] = strcspn(cells[i], "\n");
	}
	ch_page_sheet_row(sheet, cells, strong);
	for (size_t i = 0; i < CH_OV_PARTS; i++)
		ch_str_release(&parts[i]);
}

static int put_letters(struct ch_overview *o, struct ch_page_sheet *sheet)
{
	struct ch_overview_row row;
	int got;

	begin_letters(o, sheet);
	while ((got = ch_overview_next(o, &row)) > 0) {
		put_row(o, &row, sheet);
		ch_overview_row_release(&row);
	}
	return got;
}

static void put_note(const struct ch_overview *o, const char *name,
		     struct ch_page_sheet *sheet)
{
	CH_AUTOCHAR word = ch_slice_dup(ch_words_get(o->words, name));

	ch_page_sheet_line(sheet, "", word);
}

static int set(struct ch_overview *o, struct ch_page_setter *setter,
	       struct ch_str *out)
{
	CH_AUTO(ch_str) title = CH_STR_INIT(TEXT_MAX);
	CH_AUTO(ch_str) reference = CH_STR_INIT(TEXT_MAX);
	struct ch_page_letter about = { .language = o->language,
					.author = "",
					.date_us = ch_clock_now_us() };
	CH_AUTOPTR(ch_page_sheet) sheet = NULL;

	ch_overview_title(o, &title);
	ch_overview_safe(ch_json_text(o->batch, "reference"), &reference);
	about.title = ch_str_cstr(&title);
	about.reference = ch_str_cstr(&reference);
	sheet = ch_page_sheet_new(setter, &about);
	put_head(o, about.title, sheet);
	put_note(o, "all_utc", sheet);
	put_counts(o, sheet);
	if (o->rows == 0)
		put_note(o, "no_letter", sheet);
	else if (put_letters(o, sheet) < 0)
		return ch_overview_fail(o);
	if (ch_page_sheet_end(sheet, out, &o->err) < 0)
		return ch_fail(o->cli, EX_DATAERR,
			       "html, xlsx and csv have no such limit.", "%s",
			       o->err.text);
	return EX_OK;
}

int ch_overview_pdf(struct ch_overview *o, FILE *out)
{
	CH_AUTO(ch_str) pdf = CH_STR_INIT(PDF_MAX);
	CH_AUTOPTR(ch_page_setter) setter = NULL;
	int code;

	if (o->rows > ROWS_MAX)
		return ch_fail(o->cli, EX_DATAERR,
			       "html, xlsx and csv have no such limit.",
			       "%llu letters are too many for a PDF, which "
			       "has %d at most",
			       (unsigned long long)o->rows, ROWS_MAX);
	if (ch_page_setter_new(&style, &setter, &o->err) < 0)
		return ch_fail(o->cli, EX_UNAVAILABLE,
			       "Install it, or ask for html.", "%s",
			       o->err.text);
	code = set(o, setter, &pdf);
	if (code == EX_OK)
		fwrite(ch_str_cstr(&pdf), 1, pdf.len, out);
	return code;
}
