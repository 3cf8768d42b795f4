// SPDX-License-Identifier: GPL-3.0-or-later
/* overview-xlsx.c - a workbook: what was counted, and the letters with all
 * their columns, to sort and to filter.
 *
 * Rows go to the disk as they come, so memory does not grow with them. The
 * library does not look whether its temporary files could be written: what it
 * made is read back before it is anybody's report.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <xlsxwriter.h> /* before banned.h, see local.mk */
#include <zip.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/overview.h"
#include "cli/words.h"

#define TEXT_MAX (1024 * 1024)
#define FOOTER_MAX 200 /* bytes of the reference */
#define LETTERS_PART "xl/worksheets/sheet2.xml"
#define PAPER_A4 9
#define READING_RTL 2
#define PRINT_PERCENT 70

static const struct {
	double width;
	bool always; /* also where no row has anything there */
} looks[CH_OV_COLUMNS] = {
	[CH_OV_KEY] = { 9, true },
	[CH_OV_NAME] = { 30, true },
	[CH_OV_ADDRESSEE] = { 30, false },
	[CH_OV_CAPACITIES] = { 22, false },
	[CH_OV_LANGUAGE] = { 9, false },
	[CH_OV_TO] = { 34, false },
	[CH_OV_CC] = { 30, false },
	[CH_OV_OUTCOME] = { 20, true },
	[CH_OV_OVERDUE] = { 10, false },
	[CH_OV_SENT_AT] = { 16, false },
	[CH_OV_SMTP_REPLY] = { 40, false },
	[CH_OV_DELIVERED_AT] = { 16, false },
	[CH_OV_READ_AT] = { 16, false },
	[CH_OV_ANSWERED_AT] = { 16, false },
	[CH_OV_ANSWERED_BY] = { 30, false },
	[CH_OV_SAYS] = { 24, false },
	[CH_OV_ANSWER_ID] = { 11, false },
	[CH_OV_ATTACHMENTS] = { 14, false },
	[CH_OV_RETURNED_AT] = { 16, false },
	[CH_OV_RETURNED_ADDRESS] = { 30, false },
	[CH_OV_RETURNED_STATUS] = { 11, false },
	[CH_OV_RETURNED_REASON] = { 24, false },
	[CH_OV_AWAY_UNTIL] = { 16, false },
	[CH_OV_READDRESSED_TO] = { 30, false },
	[CH_OV_FOLLOWED_BY] = { 24, false },
};

struct book {
	struct ch_overview *overview;
	lxw_workbook *workbook;
	lxw_worksheet *summary, *letters;
	lxw_format *head, *text, *time, *day, *label, *value;
	enum ch_overview_column columns[CH_OV_COLUMNS];
	size_t columns_len;
	bool failed; /* the library refused something */
};

bool ch_overview_xlsx_available(void)
{
	return true;
}

/* ---- cells ------------------------------------------------------------ */

static void took(struct book *b, lxw_error error)
{
	b->failed |= error != LXW_NO_ERROR;
}

/* "_x0041_" in a text would be read as the character "A" (ECMA-376 part 1,
 * section 22.9.2.19): the mark's own "_" is then written in that way. */
static void add_literal(struct ch_slice text, struct ch_str *out)
{
	for (size_t i = 0; i < text.len; i++) {
		const char *at = text.data + i;
		size_t digits = 0;

		if (text.len - i >= 7 && at[0] == '_' && at[1] == 'x' &&
		    at[6] == '_') {
			while (digits < 4 &&
			       isxdigit((unsigned char)at[2 + digits]))
				digits++;
		}
		if (digits == 4)
			ch_str_add(out, "_x005F");
		ch_str_add_char(out, *at);
	}
}

static void put_text(struct book *b, lxw_worksheet *sheet, lxw_row_t row,
		     lxw_col_t column, struct ch_slice text,
		     lxw_format *format)
{
	CH_AUTO(ch_str) literal = CH_STR_INIT(TEXT_MAX);

	add_literal(text, &literal);
	if (literal.len)
		took(b, worksheet_write_string(sheet, row, column,
					       ch_str_cstr(&literal),
					       format));
}

static void put_word(struct book *b, lxw_worksheet *sheet, lxw_row_t row,
		     lxw_col_t column, const char *name, lxw_format *format)
{
	put_text(b, sheet, row, column,
		 ch_words_get(b->overview->words, name), format);
}

/* "2026-11-24" or "2026-11-24T10:02:03Z", as a day of the calendar that a
 * spreadsheet knows. */
static bool read_time(const char *text, lxw_datetime *ret)
{
	int64_t at_us;

	*ret = (lxw_datetime){ 0 };
	return ch_clock_parse_rfc3339(text, &at_us) == 0 &&
	       sscanf(text, "%4d-%2d-%2d", &ret->year, &ret->month,
		      &ret->day) == 3 &&
	       ret->year >= 1900 &&
	       (text[10] == '\0' || sscanf(text + 11, "%2d:%2d:%lf",
					   &ret->hour, &ret->min,
					   &ret->sec) == 3);
}

static bool is_number(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len < 16 && strspn(text, "0123456789") == len;
}

static void put_cell(struct book *b, const struct ch_overview_row *row,
		     enum ch_overview_column column, lxw_row_t at,
		     lxw_col_t to)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(TEXT_MAX);
	const char *cell = row->cells[column];
	lxw_datetime time;

	if (ch_overview_kind(column) == CH_OV_TIME && read_time(cell, &time)) {
		took(b, worksheet_write_datetime(
				b->letters, at, to, &time,
				cell[10] ? b->time : b->day));
		return;
	}
	if ((column == CH_OV_ANSWER_ID || column == CH_OV_ATTACHMENTS) &&
	    is_number(cell)) {
		took(b, worksheet_write_number(b->letters, at, to,
					       strtod(cell, NULL), b->text));
		return;
	}
	ch_overview_text(b->overview, row, column, &text);
	put_text(b, b->letters, at, to,
		 (struct ch_slice){ ch_str_cstr(&text), text.len }, b->text);
}

/* ---- the sheets ------------------------------------------------------- */

static void make_formats(struct book *b)
{
	bool rtl = strcmp(b->overview->language, "ar") == 0;

	b->head = workbook_add_format(b->workbook);
	format_set_bold(b->head);
	format_set_text_wrap(b->head);
	format_set_align(b->head, LXW_ALIGN_VERTICAL_TOP);
	format_set_bg_color(b->head, 0xEEEEEE);
	format_set_border(b->head, LXW_BORDER_THIN);
	b->text = workbook_add_format(b->workbook);
	format_set_text_wrap(b->text);
	format_set_align(b->text, LXW_ALIGN_VERTICAL_TOP);
	b->time = workbook_add_format(b->workbook);
	format_set_num_format(b->time, "yyyy-mm-dd hh:mm");
	format_set_align(b->time, LXW_ALIGN_VERTICAL_TOP);
	b->day = workbook_add_format(b->workbook);
	format_set_num_format(b->day, "yyyy-mm-dd");
	format_set_align(b->day, LXW_ALIGN_VERTICAL_TOP);
	b->label = workbook_add_format(b->workbook);
	format_set_bold(b->label);
	format_set_align(b->label, LXW_ALIGN_VERTICAL_TOP);
	b->value = workbook_add_format(b->workbook);
	format_set_text_wrap(b->value);
	format_set_align(b->value, LXW_ALIGN_VERTICAL_TOP);
	format_set_align(b->value, rtl ? LXW_ALIGN_RIGHT : LXW_ALIGN_LEFT);
	if (rtl)
		format_set_reading_order(b->value, READING_RTL);
}

/* "&" begins a command there. */
static void add_footer(struct book *b, struct ch_str *out)
{
	CH_AUTO(ch_str) safe = CH_STR_INIT(TEXT_MAX);

	ch_overview_safe(ch_json_text(b->overview->batch, "reference"),
			 &safe);
	ch_str_add(out, "&L");
	for (const char *c = ch_str_cstr(&safe); *c; c++) {
		ch_str_add_char(out, *c);
		if (*c == '&')
			ch_str_add_char(out, '&');
	}
	if (out->len > FOOTER_MAX)
		ch_str_truncate(out, 0); /* the summary has it */
	ch_str_add(out, "&R&P/&N");
}

static lxw_worksheet *add_sheet(struct book *b, const char *word)
{
	CH_AUTOCHAR name = ch_slice_dup(ch_words_get(b->overview->words,
						     word));
	CH_AUTO(ch_str) footer = CH_STR_INIT(TEXT_MAX);
	bool named = workbook_validate_sheet_name(b->workbook, name) ==
		     LXW_NO_ERROR;
	lxw_worksheet *sheet =
		workbook_add_worksheet(b->workbook, named ? name : NULL);

	if (strcmp(b->overview->language, "ar") == 0)
		worksheet_right_to_left(sheet);
	worksheet_set_paper(sheet, PAPER_A4);
	add_footer(b, &footer);
	took(b, worksheet_set_footer(sheet, ch_str_cstr(&footer)));
	return sheet;
}

static void put_summary(struct book *b)
{
	const struct ch_overview *o = b->overview;
	CH_AUTO(ch_str) share = CH_STR_INIT(100);
	lxw_row_t row = 0;
	struct ch_slice name;

	worksheet_fit_to_pages(b->summary, 1, 0);
	took(b, worksheet_set_column(b->summary, 0, 0, 26, NULL));
	took(b, worksheet_set_column(b->summary, 1, 1, 60, NULL));
	for (size_t i = 0;; i++) {
		CH_AUTO(ch_str) value = CH_STR_INIT(TEXT_MAX);

		if (!ch_overview_head(o, i, &name, &value))
			break;
		put_text(b, b->summary, row, 0, name, b->label);
		put_text(b, b->summary, row++, 1,
			 (struct ch_slice){ ch_str_cstr(&value), value.len },
			 b->value);
	}
	row++;
	for (size_t i = 0; i < CH_OV_COUNTS; i++) {
		put_word(b, b->summary, row, 0,
			 ch_overview_count_name((enum ch_overview_count)i),
			 b->label);
		took(b, worksheet_write_number(b->summary, row++, 1,
					       (double)o->counts[i], b->value));
	}
	ch_overview_share(o, &share);
	put_word(b, b->summary, row, 0, "share", b->label);
	put_text(b, b->summary, row, 1,
		 (struct ch_slice){ ch_str_cstr(&share), share.len }, b->value);
	put_word(b, b->summary, row + 2, 0, "all_utc", NULL);
}

static void choose_columns(struct book *b)
{
	for (size_t i = 0; i < CH_OV_COLUMNS; i++) {
		if (looks[i].always || b->overview->columns[i])
			b->columns[b->columns_len++] =
				(enum ch_overview_column)i;
	}
}

/* All that must be known before the first row, for rows do not wait. */
static void set_letters(struct book *b)
{
	lxw_worksheet *sheet = b->letters;
	lxw_row_t last = (lxw_row_t)b->overview->rows;

	worksheet_set_landscape(sheet);
	worksheet_set_print_scale(sheet, PRINT_PERCENT);
	worksheet_freeze_panes(sheet, 1, 2);
	took(b, worksheet_repeat_rows(sheet, 0, 0));
	took(b, worksheet_repeat_columns(sheet, 0, 1));
	took(b, worksheet_autofilter(sheet, 0, 0, last,
				     (lxw_col_t)(b->columns_len - 1)));
	for (size_t i = 0; i < b->columns_len; i++)
		took(b, worksheet_set_column(sheet, (lxw_col_t)i,
					     (lxw_col_t)i,
					     looks[b->columns[i]].width,
					     NULL));
	for (size_t i = 0; i < b->columns_len; i++)
		put_word(b, sheet, 0, (lxw_col_t)i,
			 ch_overview_name(b->columns[i]), b->head);
}

static int put_letters(struct book *b)
{
	struct ch_overview_row row;
	lxw_row_t at = 1;
	int got;

	while ((got = ch_overview_next(b->overview, &row)) > 0) {
		for (size_t i = 0; i < b->columns_len; i++)
			put_cell(b, &row, b->columns[i], at, (lxw_col_t)i);
		ch_overview_row_release(&row);
		at++;
	}
	return got;
}

/* ---- reading it back -------------------------------------------------- */

/* What is found in one part: the rows that begin in it, and its last bytes. */
struct part {
	uint64_t rows;
	char last[2];
	size_t matched; /* of "<row " */
};

static void look(struct part *part, const char *bytes, size_t len)
{
	static const char row[] = "<row ";

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == row[part->matched])
			part->matched++;
		else
			part->matched = bytes[i] == row[0];
		if (row[part->matched] == '\0') {
			part->rows++;
			part->matched = 0;
		}
		if (bytes[i] != '\n' && bytes[i] != '\r')
			part->last[0] = bytes[i];
	}
}

/* Whether the part is whole: its checksum is right, which libzip sees at its
 * end, and its last element is closed. */
static bool check_part(zip_t *zip, zip_uint64_t number, uint64_t *ret_rows)
{
	CH_AUTOCHAR bytes = ch_xmalloc(65536);
	zip_file_t *file = zip_fopen_index(zip, number, 0);
	struct part part = { 0 };
	zip_int64_t n = -1;

	while (file && (n = zip_fread(file, bytes, 65536)) > 0)
		look(&part, bytes, (size_t)n);
	if (file)
		zip_fclose(file);
	*ret_rows = part.rows;
	return n == 0 && part.last[0] == '>';
}

static bool is_whole(const char *path, uint64_t rows)
{
	zip_t *zip = zip_open(path, ZIP_RDONLY, NULL);
	zip_int64_t len = zip ? zip_get_num_entries(zip, 0) : 0;
	bool whole = zip != NULL;
	bool letters = false;
	uint64_t found;

	for (zip_int64_t i = 0; i < len && whole; i++) {
		const char *name = zip_get_name(zip, (zip_uint64_t)i, 0);

		whole = check_part(zip, (zip_uint64_t)i, &found);
		if (name && strcmp(name, LETTERS_PART) == 0)
			letters = found == rows;
	}
	if (zip)
		zip_discard(zip);
	return whole && letters;
}

/* ---- all of it -------------------------------------------------------- */

static int cannot_write(const struct ch_overview *o, const char *why)
{
	return ch_fail(o->cli, EX_IOERR,
		       "Is the disk full, or that of $TMPDIR?",
		       "the workbook cannot be written%s%s",
		       why[0] ? ": " : "", why);
}

static int write_book(struct book *b, const char *path)
{
	const char *folder = getenv("TMPDIR");
	CH_AUTOCHAR tmpdir = ch_xstrdup(folder && folder[0] ? folder : "/tmp");
	lxw_workbook_options options = { .constant_memory = LXW_TRUE,
					 .tmpdir = tmpdir,
					 .use_zip64 = LXW_TRUE };
	lxw_error error;
	int got;

	b->workbook = workbook_new_opt(path, &options);
	if (!b->workbook)
		return cannot_write(b->overview, "");
	make_formats(b);
	b->summary = add_sheet(b, "sheet_summary");
	b->letters = add_sheet(b, "sheet_letters");
	put_summary(b);
	choose_columns(b);
	set_letters(b);
	got = put_letters(b);
	error = workbook_close(b->workbook);
	if (got < 0)
		return ch_overview_fail(b->overview);
	if (error != LXW_NO_ERROR)
		return cannot_write(b->overview, lxw_strerror(error));
	if (b->failed)
		return ch_fail(b->overview->cli, EX_SOFTWARE, NULL,
			       "the workbook lacks a cell");
	if (!is_whole(path, b->overview->rows + 1))
		return cannot_write(b->overview, "it is not whole");
	return EX_OK;
}

int ch_overview_xlsx(struct ch_overview *o, const char *path)
{
	struct book book = { .overview = o };

	if (o->rows >= LXW_ROW_MAX)
		return ch_fail(o->cli, EX_DATAERR,
			       "CSV has no such limit: --format csv.",
			       "a sheet has %d rows, and %llu letters need "
			       "more", LXW_ROW_MAX,
			       (unsigned long long)o->rows);
	return write_book(&book, path);
}
