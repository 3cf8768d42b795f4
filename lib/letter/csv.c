// SPDX-License-Identifier: GPL-3.0-or-later
/* csv.c - separated text, one character at a time, knowing line and column.
 *
 * By hand and not with libcsv: that one gives cells without places, takes a
 * stray quote or a NUL without a word in its lenient mode and stops at the
 * first in its strict one, and has no bound for a cell. The states are few:
 *
 *   row  := cell *( separator cell ) ( LF / CRLF / end )
 *   cell := DQUOTE *( any but DQUOTE / 2DQUOTE ) DQUOTE
 *         / *( any but DQUOTE, separator, CR, LF )
 *
 * The separator is a comma (RFC 4180), a semicolon (what spreadsheets write
 * where the comma is the decimal sign) or a tab: that of the three which stands
 * most often in the first row, outside quotes.
 */
#include <stdlib.h>
#include <string.h>

#include "letter/decode.h"
#include "letter/rows-private.h"

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
	struct ch_rows rows;
	struct ch_decoder *decoder; /* owned */
	char separator;             /* '\0' until the first row */
	struct ch_slice piece; /* borrowed from the decoder */
	int bad_behind;        /* a byte behind the piece, or -1 */
	unsigned int line;
	unsigned int column;
	bool ended;
	/* the row under way */
	enum state state;
	unsigned int told;
	bool cr; /* the last character was a CR */
	struct ch_cell cell;
	struct ch_problems *problems; /* borrowed for a call */
};

static struct ch_place place_of(struct ch_rows *rows, const struct ch_row *row,
				size_t cell, size_t offset, const char *field)
{
	const struct ch_cell *c = &row->cells[cell];
	const char *text = ch_str_cstr(&row->text) + c->at;
	struct ch_place place = { rows->file, c->line, c->column + c->quoted,
				  field };

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

static struct ch_place place_at(struct ch_rows *rows, unsigned int line,
				unsigned int column, const char *field)
{
	return (struct ch_place){ rows->file, line, column, field };
}

/* ---- faults ----------------------------------------------------------- */

/* Whether this kind is told for the first time in this row. */
static bool tell(struct ch_csv *csv, struct ch_row *row, enum told kind)
{
	bool first = !(csv->told & kind);

	csv->told |= kind;
	row->bad = true;
	return first;
}

#define FAULT(csv, line_, column_, hint, ...)                         \
	ch_problems_add((csv)->problems, CH_PROBLEM_ERROR,            \
			(struct ch_place){ (csv)->rows.file, (line_),      \
					   (column_), NULL },         \
			hint, __VA_ARGS__)

static void fault_byte(struct ch_csv *csv, struct ch_row *row, int byte)
{
	if (tell(csv, row, TOLD_BYTE))
		FAULT(csv, csv->line, csv->column,
		      "Save the table as UTF-8, or name its charset: "
		      "--charset windows-1252.",
		      "byte 0x%02X is not %s", (unsigned int)byte,
		      ch_decoder_charset(csv->decoder));
}

static void fault_after_quote(struct ch_csv *csv, struct ch_row *row)
{
	if (tell(csv, row, TOLD_QUOTE))
		FAULT(csv, csv->line, csv->column,
		      "Inside quotes, write a quote twice.",
		      "text behind the closing quote of a cell that begins at "
		      "%u:%u", csv->cell.line, csv->cell.column);
}

static void fault_quote(struct ch_csv *csv, struct ch_row *row)
{
	if (tell(csv, row, TOLD_QUOTE))
		FAULT(csv, csv->line, csv->column,
		      "Put the whole cell in quotes, and write those inside "
		      "it twice.",
		      "a quote in a cell that does not begin with one");
}

static void fault_cr(struct ch_csv *csv, struct ch_row *row)
{
	if (tell(csv, row, TOLD_CR))
		FAULT(csv, csv->line, csv->column - 1,
		      "Delete it; rows end with LF or CRLF.",
		      "a carriage return that ends no line");
}

/* ---- characters ------------------------------------------------------- */

static void add_char(struct ch_csv *csv, struct ch_row *row, char c)
{
	if (c == '\0') {
		if (tell(csv, row, TOLD_NUL))
			FAULT(csv, csv->line, csv->column,
			      "If the table is UTF-16 without a byte-order "
			      "mark, say so: --charset UTF-16LE or UTF-16BE.",
			      "a NUL byte");
		return;
	}
	if (row->text.len - csv->cell.at >= csv->rows.max_cell) {
		if (tell(csv, row, TOLD_LONG))
			FAULT(csv, csv->cell.line, csv->cell.column, NULL,
			      "the cell is longer than %zu bytes",
			      csv->rows.max_cell);
		return;
	}
	if (row->len < csv->rows.max_cells)
		ch_str_add_char(&row->text, c);
	if (row->text.full && tell(csv, row, TOLD_ROW))
		FAULT(csv, row->line, 0, NULL,
		      "the row is longer than %zu bytes", row->text.max);
}

static void begin_cell(struct ch_csv *csv, const struct ch_row *row,
		       unsigned int column)
{
	csv->state = AT_START;
	csv->cell = (struct ch_cell){
		.at = row->text.len,
		.line = csv->line,
		.column = column,
	};
}

static void end_cell(struct ch_csv *csv, struct ch_row *row)
{
	csv->cell.len = row->text.len - csv->cell.at;
	if (row->len < csv->rows.max_cells) {
		ch_str_add_mem(&row->text, "", 1);
		CH_GROW(row->cells, row->len, row->cap);
		row->cells[row->len] = csv->cell;
	}
	row->len++;
}

static bool is_blank_line(const struct ch_csv *csv,
			  const struct ch_row *row)
{
	return row->len == 0 && csv->state == AT_START;
}

/* A character that is no quote, separator or line end. */
static void take_other(struct ch_csv *csv, struct ch_row *row, char c)
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

static void take_quote(struct ch_csv *csv, struct ch_row *row)
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
static void settle_cr(struct ch_csv *csv, struct ch_row *row, char c)
{
	if (csv->cr && c != '\n')
		fault_cr(csv, row);
	csv->cr = false;
}

/* Returns whether the row is complete. */
static bool take(struct ch_csv *csv, struct ch_row *row, char c)
{
	settle_cr(csv, row, c);
	if (c == '\r') {
		csv->cr = true;
	} else if (c == '"') {
		take_quote(csv, row);
	} else if (c == csv->separator && csv->state != QUOTED) {
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

static void begin_row(struct ch_csv *csv, struct ch_row *row)
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
static bool refill(struct ch_csv *csv, struct ch_row *row)
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
static int end_of_text(struct ch_csv *csv, struct ch_row *row)
{
	settle_cr(csv, row, 0);
	if (csv->state == QUOTED) {
		FAULT(csv, csv->cell.line, csv->cell.column,
		      "Close it before the cell ends.",
		      "the quote that opens here is never closed");
		row->bad = true;
	}
	if (is_blank_line(csv, row))
		return row->bad;
	end_cell(csv, row);
	return 1;
}

/* ---- the separator ---------------------------------------------------- */

static const struct separator {
	char character;
	const char *form;
} separators[] = {
	{ ',', "commas" },
	{ ';', "semicolons" },
	{ '\t', "tabs" },
};

/* Excel may write "sep=;" above the table, and reads it so itself. */
static bool said(struct ch_csv *csv)
{
	static const char word[] = "sep=";
	const char *text = csv->piece.data;
	size_t len = csv->piece.len;
	size_t end = sizeof(word); /* behind the separator */
	bool known = false;

	if (len <= end || memcmp(text, word, sizeof(word) - 1) != 0)
		return false;
	for (size_t i = 0; i < CH_COUNT(separators); i++)
		known |= text[end - 1] == separators[i].character;
	if (text[end] == '\r')
		end++;
	if (!known || end >= len || text[end] != '\n')
		return false;
	csv->separator = text[sizeof(word) - 1];
	for (size_t i = 0; i <= end; i++)
		move(csv, text[i]);
	csv->piece.data += end + 1;
	csv->piece.len -= end + 1;
	return true;
}

/* Count in the first piece up to the end of the first row that is not empty;
 * a header that is longer than a piece has shown its separator by then. */
static void detect(struct ch_csv *csv)
{
	size_t count[CH_COUNT(separators)] = { 0 };
	size_t best = 0;
	bool quoted = false;
	bool begun = false;

	for (size_t i = 0; i < csv->piece.len; i++) {
		char c = csv->piece.data[i];

		quoted ^= c == '"';
		if (c == '\n' && !quoted && begun)
			break;
		begun |= c != '\n' && c != '\r';
		for (size_t j = 0; !quoted && j < CH_COUNT(separators); j++)
			count[j] += c == separators[j].character;
	}
	for (size_t j = 1; j < CH_COUNT(separators); j++) {
		if (count[j] > count[best])
			best = j;
	}
	csv->separator = separators[best].character;
}

static void write_form(const struct ch_rows *rows, struct ch_str *out)
{
	const struct ch_csv *csv = (const struct ch_csv *)rows;

	ch_str_add(out, "CSV, ");
	for (size_t j = 0; j < CH_COUNT(separators); j++) {
		if (separators[j].character == csv->separator)
			ch_str_addf(out, "%s, ", separators[j].form);
	}
	ch_str_add(out, ch_decoder_charset(csv->decoder));
}

/* ---- the reader ------------------------------------------------------- */

static int next(struct ch_rows *rows, struct ch_row *row,
		struct ch_problems *problems)
{
	struct ch_csv *csv = (struct ch_csv *)rows;

	csv->problems = problems;
	begin_row(csv, row);
	while (refill(csv, row)) {
		char c;
		bool complete;

		if (!csv->separator && said(csv)) {
			begin_row(csv, row);
			continue;
		}
		if (!csv->separator)
			detect(csv);
		c = *csv->piece.data++;
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

static void csv_free(struct ch_rows *rows)
{
	struct ch_csv *csv = (struct ch_csv *)rows;

	ch_decoder_free(csv->decoder);
	ch_rows_release(rows);
	free(csv);
}

static const struct ch_rows_kind kind = {
	.next = next,
	.place = place_of,
	.place_at = place_at,
	.write_form = write_form,
	.free = csv_free,
};

int ch_csv_open(int fd, const struct ch_rows_options *options,
		struct ch_rows **ret, struct ch_problems *problems)
{
	struct ch_decoder *decoder;
	struct ch_csv *csv;
	struct ch_error err;

	if (ch_decoder_new(fd, CH_SLICE_EMPTY, options->charset, &decoder,
			   &err) < 0) {
		struct ch_place place = { options->shown, 0, 0, NULL };

		ch_problems_add(problems, CH_PROBLEM_ERROR, place, NULL, "%s",
				err.text);
		return -1;
	}
	csv = ch_xzalloc(sizeof(*csv));
	ch_rows_init(&csv->rows, &kind, options);
	csv->decoder = decoder;
	csv->piece = CH_SLICE_EMPTY;
	csv->bad_behind = -1;
	csv->line = 1;
	csv->column = 1;
	*ret = &csv->rows;
	return 0;
}
