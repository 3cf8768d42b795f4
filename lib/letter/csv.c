// SPDX-License-Identifier: GPL-3.0-or-later
/* csv.c - one character at a time, knowing line and column.
 *
 * By hand and not with libcsv: that one gives cells without places, takes a
 * stray quote or a NUL without a word in its lenient mode and stops at the
 * first in its strict one, and has no bound for a cell. The states are few:
 *
 *   row  := cell *( "," cell ) ( LF / CRLF / end )
 *   cell := DQUOTE *( any but DQUOTE / 2DQUOTE ) DQUOTE
 *         / *( any but DQUOTE, ",", CR, LF )
 */
#include "letter/csv.h"

#include <stdlib.h>
#include <string.h>

enum state {
	AT_START, /* of a cell */
	PLAIN,
	QUOTED,
	QUOTE_SEEN, /* the end, or the first of two */
	SKIPPING,   /* behind a fault, up to the cell's end */
};

/* Faults told once a row: there may be thousands. */
enum told {
	TOLD_BYTE = 1,
	TOLD_NUL = 2,
	TOLD_CR = 4,
	TOLD_QUOTE = 8,
	TOLD_LONG = 16,
	TOLD_ROW = 32,
};

struct ch_csv {
	struct ch_decoder *decoder; /* owned */
	const char *file;           /* borrowed */
	size_t max_cell;
	size_t max_cells;
	struct ch_slice piece; /* borrowed from the decoder */
	int bad_behind;        /* a byte behind the piece, or -1 */
	unsigned int line;
	unsigned int column;
	bool ended;
	/* the row under way */
	enum state state;
	unsigned int told;
	bool cr; /* the last character was a CR */
	struct ch_csv_cell cell;
	struct ch_problems *problems; /* borrowed for a call */
};

void ch_csv_row_init(struct ch_csv_row *row)
{
	*row = (struct ch_csv_row){ 0 };
	ch_str_init(&row->text, CH_CSV_ROW_MAX);
}

void ch_csv_row_release(struct ch_csv_row *row)
{
	ch_str_release(&row->text);
	free(row->cells);
	ch_csv_row_init(row);
}

struct ch_slice ch_csv_row_cell(const struct ch_csv_row *row, size_t cell)
{
	return (struct ch_slice){ ch_str_cstr(&row->text) +
					  row->cells[cell].at,
				  row->cells[cell].len };
}

struct ch_place ch_csv_row_place(const struct ch_csv_row *row, size_t cell,
				 size_t offset, const char *file,
				 const char *field)
{
	const struct ch_csv_cell *c = &row->cells[cell];
	const char *text = ch_str_cstr(&row->text) + c->at;
	struct ch_place place = { file, c->line, c->column + c->quoted, field };

	for (size_t i = 0; i < offset && i < c->len; i++) {
		if (text[i] == '\n') {
			place.line++;
			place.column = 1;
		} else if (((unsigned char)text[i] & 0xC0) != 0x80) {
			/* A quote inside quotes was written twice. */
			place.column += c->quoted && text[i] == '"' ? 2 : 1;
		}
	}
	if (offset == 0)
		place.column = c->column;
	return place;
}

struct ch_csv *ch_csv_new(struct ch_decoder *decoder, const char *file,
			  size_t max_cell, size_t max_cells)
{
	struct ch_csv *csv = ch_xzalloc(sizeof(*csv));

	csv->decoder = decoder;
	csv->file = file;
	csv->max_cell = max_cell;
	csv->max_cells = max_cells;
	csv->piece = CH_SLICE_EMPTY;
	csv->bad_behind = -1;
	csv->line = 1;
	csv->column = 1;
	return csv;
}

void ch_csv_free(struct ch_csv *csv)
{
	ch_decoder_free(csv->decoder);
	free(csv);
}

/* ---- faults ----------------------------------------------------------- */

/* Whether this kind is told for the first time in this row. */
static bool tell(struct ch_csv *csv, struct ch_csv_row *row, enum told kind)
{
	bool first = !(csv->told & kind);

	csv->told |= kind;
	row->bad = true;
	return first;
}

#define FAULT(csv, line_, column_, hint, ...)                         \
	ch_problems_add((csv)->problems, CH_PROBLEM_ERROR,            \
			(struct ch_place){ (csv)->file, (line_),      \
					   (column_), NULL },         \
			hint, __VA_ARGS__)

static void fault_byte(struct ch_csv *csv, struct ch_csv_row *row, int byte)
{
	if (tell(csv, row, TOLD_BYTE))
		FAULT(csv, csv->line, csv->column,
		      "Save the table as UTF-8, or name its charset: "
		      "--charset windows-1252.",
		      "byte 0x%02X is not %s", (unsigned int)byte,
		      ch_decoder_charset(csv->decoder));
}

static void fault_after_quote(struct ch_csv *csv, struct ch_csv_row *row)
{
	if (tell(csv, row, TOLD_QUOTE))
		FAULT(csv, csv->line, csv->column,
		      "Inside quotes, write a quote twice.",
		      "text behind the closing quote of a cell that begins at "
		      "%u:%u", csv->cell.line, csv->cell.column);
}

static void fault_quote(struct ch_csv *csv, struct ch_csv_row *row)
{
	if (tell(csv, row, TOLD_QUOTE))
		FAULT(csv, csv->line, csv->column,
		      "Put the whole cell in quotes, and write those inside "
		      "it twice.",
		      "a quote in a cell that does not begin with one");
}

static void fault_cr(struct ch_csv *csv, struct ch_csv_row *row)
{
	if (tell(csv, row, TOLD_CR))
		FAULT(csv, csv->line, csv->column - 1,
		      "Delete it; rows end with LF or CRLF.",
		      "a carriage return that ends no line");
}

/* ---- characters ------------------------------------------------------- */

static void add_char(struct ch_csv *csv, struct ch_csv_row *row, char c)
{
	if (c == '\0') {
		if (tell(csv, row, TOLD_NUL))
			FAULT(csv, csv->line, csv->column,
			      "If the table is UTF-16 without a byte-order "
			      "mark, say so: --charset UTF-16LE.",
			      "a NUL byte");
		return;
	}
	if (row->text.len - csv->cell.at >= csv->max_cell) {
		if (tell(csv, row, TOLD_LONG))
			FAULT(csv, csv->cell.line, csv->cell.column, NULL,
			      "the cell is longer than %zu bytes",
			      csv->max_cell);
		return;
	}
	if (row->len < csv->max_cells)
		ch_str_add_char(&row->text, c);
	if (row->text.full && tell(csv, row, TOLD_ROW))
		FAULT(csv, row->line, 0, NULL,
		      "the row is longer than %zu bytes", row->text.max);
}

static void begin_cell(struct ch_csv *csv, const struct ch_csv_row *row,
		       unsigned int column)
{
	csv->state = AT_START;
	csv->cell = (struct ch_csv_cell){
		.at = row->text.len,
		.line = csv->line,
		.column = column,
	};
}

static void end_cell(struct ch_csv *csv, struct ch_csv_row *row)
{
	csv->cell.len = row->text.len - csv->cell.at;
	if (row->len < csv->max_cells) {
		ch_str_add_mem(&row->text, "", 1);
		CH_GROW(row->cells, row->len, row->cap);
		row->cells[row->len] = csv->cell;
	}
	row->len++;
}

static bool is_blank_line(const struct ch_csv *csv,
			  const struct ch_csv_row *row)
{
	return row->len == 0 && csv->state == AT_START;
}

/* A character that is no quote, comma or line end. */
static void take_other(struct ch_csv *csv, struct ch_csv_row *row, char c)
{
	if (csv->state == QUOTE_SEEN) {
		fault_after_quote(csv, row);
		csv->state = SKIPPING;
	}
	if (csv->state == AT_START)
		csv->state = PLAIN;
	if (csv->state != SKIPPING)
		add_char(csv, row, c);
}

static void take_quote(struct ch_csv *csv, struct ch_csv_row *row)
{
	switch (csv->state) {
	case AT_START:
		csv->state = QUOTED;
		csv->cell.quoted = true;
		break;
	case PLAIN:
		fault_quote(csv, row);
		csv->state = SKIPPING;
		break;
	case QUOTED:
		csv->state = QUOTE_SEEN;
		break;
	case QUOTE_SEEN:
		add_char(csv, row, '"');
		csv->state = QUOTED;
		break;
	case SKIPPING:
		break;
	}
}

/* A carriage return was no part of a line end. */
static void settle_cr(struct ch_csv *csv, struct ch_csv_row *row, char c)
{
	if (csv->cr && c != '\n')
		fault_cr(csv, row);
	csv->cr = false;
}

/* Returns whether the row is complete. */
static bool take(struct ch_csv *csv, struct ch_csv_row *row, char c)
{
	settle_cr(csv, row, c);
	if (c == '\r') {
		csv->cr = true;
	} else if (c == '"') {
		take_quote(csv, row);
	} else if (c == ',' && csv->state != QUOTED) {
		end_cell(csv, row);
		begin_cell(csv, row, csv->column + 1);
	} else if (c == '\n' && csv->state != QUOTED) {
		if (is_blank_line(csv, row) && !row->bad)
			return false;
		end_cell(csv, row);
		return true;
	} else {
		take_other(csv, row, c);
	}
	return false;
}

/* Go past it, keeping count. */
static void move(struct ch_csv *csv, char c)
{
	if (c == '\n') {
		csv->line++;
		csv->column = 1;
	} else if (((unsigned char)c & 0xC0) != 0x80) {
		csv->column++;
	}
}

/* ---- rows ------------------------------------------------------------- */

static void begin_row(struct ch_csv *csv, struct ch_csv_row *row)
{
	ch_str_clear(&row->text);
	row->len = 0;
	row->bad = false;
	row->line = csv->line;
	csv->told = 0;
	csv->cr = false;
	begin_cell(csv, row, csv->column);
}

/* Make `piece` not empty; false at the end. */
static bool refill(struct ch_csv *csv, struct ch_csv_row *row)
{
	struct ch_error err;
	int got;

	while (csv->piece.len == 0) {
		if (csv->bad_behind >= 0) {
			fault_byte(csv, row, csv->bad_behind);
			csv->column++;
			csv->bad_behind = -1;
		}
		if (csv->ended)
			return false;
		got = ch_decoder_next(csv->decoder, &csv->piece,
				      &csv->bad_behind, &err);
		if (got < 0) {
			FAULT(csv, 0, 0, NULL, "%s", err.text);
			row->bad = true;
		}
		if (got <= 0) {
			csv->piece = CH_SLICE_EMPTY;
			csv->bad_behind = -1;
			csv->ended = true;
		}
	}
	return true;
}

/* The text has ended: what stands of a row is one. */
static int end_of_text(struct ch_csv *csv, struct ch_csv_row *row)
{
	settle_cr(csv, row, 0);
	if (csv->state == QUOTED) {
		FAULT(csv, csv->cell.line, csv->cell.column,
		      "Close it before the next comma.",
		      "the quote that opens here is never closed");
		row->bad = true;
	}
	if (is_blank_line(csv, row))
		return row->bad;
	end_cell(csv, row);
	return 1;
}

int ch_csv_next(struct ch_csv *csv, struct ch_csv_row *row,
		struct ch_problems *problems)
{
	csv->problems = problems;
	begin_row(csv, row);
	while (refill(csv, row)) {
		char c = *csv->piece.data++;
		bool complete;

		csv->piece.len--;
		complete = take(csv, row, c);
		move(csv, c);
		if (complete)
			return 1;
		if (c == '\n' && is_blank_line(csv, row))
			begin_row(csv, row);
	}
	return end_of_text(csv, row);
}
