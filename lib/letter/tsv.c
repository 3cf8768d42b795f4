// SPDX-License-Identifier: GPL-3.0-or-later
/* tsv.c - lines of cells, each with its place. */
#include "letter/tsv.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/near.h"
#include "base/utf8.h"

#define NONE SIZE_MAX
#define NEAR_ENOUGH 3

/* A line cut into cells; those past the maximum are counted alone. */
struct line {
	struct ch_slice cells[CH_TSV_COLUMNS_MAX];
	unsigned int columns[CH_TSV_COLUMNS_MAX];
	size_t len;
	unsigned int number;
};

struct reading {
	const char *shown;
	const char *const *names;
	size_t names_len;
	ch_tsv_take *take;
	void *context;
	struct ch_problems *problems;
	bool headed;   /* the first row is read */
	bool no_header; /* and has a fault: rows mean nothing */
	size_t width;  /* cells of the first row */
	size_t order[CH_TSV_COLUMNS_MAX]; /* where each name's cell is */
};

#define FAULT(r, l, col, field, hint, ...)                                  \
	ch_problems_add((r)->problems, CH_PROBLEM_ERROR,                    \
			(struct ch_place){ (r)->shown, (l)->number, (col),  \
					   (field) },                       \
			hint, __VA_ARGS__)

struct ch_place ch_tsv_place(const struct ch_tsv_row *row, size_t cell,
			     const char *field)
{
	return (struct ch_place){ row->file, row->line, row->columns[cell],
				  field };
}

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

int ch_tsv_compare(struct ch_slice a, struct ch_slice b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		if (lower(a.data[i]) != lower(b.data[i]))
			return lower(a.data[i]) - lower(b.data[i]);
	}
	return (a.len > b.len) - (a.len < b.len);
}

/* ---- a line ----------------------------------------------------------- */

/* The first character that may not stand in a line, told at its place. */
static bool has_bad_character(struct reading *r, const struct line *line,
			      struct ch_slice text)
{
	unsigned int column = 1;
	uint32_t cp;

	for (size_t at = 0; at < text.len; column++) {
		size_t n = ch_utf8_decode(text.data + at, text.len - at, &cp);

		if (n == 0) {
			FAULT(r, line, column, NULL,
			      "Save the table as UTF-8.",
			      "byte 0x%02X is not UTF-8",
			      (unsigned char)text.data[at]);
			return true;
		}
		if (cp != '\t' && (ch_utf8_is_control(cp) ||
				   ch_utf8_is_bidi_control(cp))) {
			FAULT(r, line, column, NULL, "Take it out.",
			      "%s character U+%04X",
			      ch_utf8_is_control(cp) ? "control"
						     : "text direction",
			      cp);
			return true;
		}
		at += n;
	}
	return false;
}

static unsigned int characters(struct ch_slice text)
{
	unsigned int count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
	return count;
}

static void cut(struct ch_slice text, struct line *line)
{
	unsigned int column = 1;
	const char *tab;

	line->len = 0;
	do {
		struct ch_slice cell = text;

		tab = memchr(text.data, '\t', text.len);
		if (tab)
			cell.len = (size_t)(tab - text.data);
		if (line->len < CH_TSV_COLUMNS_MAX) {
			line->cells[line->len] = cell;
			line->columns[line->len] = column;
		}
		line->len++;
		column += characters(cell) + 1;
		text.data += cell.len + (tab != NULL);
		text.len -= cell.len + (tab != NULL);
	} while (tab);
}

/* ---- the first row ---------------------------------------------------- */

static size_t name_number(const struct reading *r, struct ch_slice name)
{
	for (size_t i = 0; i < r->names_len; i++) {
		if (ch_slice_eq(name, r->names[i]))
			return i;
	}
	return NONE;
}

static void unknown_column(struct reading *r, const struct line *line,
			   size_t cell)
{
	CH_AUTOCHAR name = ch_slice_dup(line->cells[cell]);
	CH_AUTOCHAR hint = NULL;
	size_t least = NEAR_ENOUGH;

	for (size_t i = 0; i < r->names_len; i++) {
		size_t d = ch_near_distance(name, r->names[i]);

		if (d >= least)
			continue;
		least = d;
		ch_auto_free_char(&hint);
		hint = ch_xasprintf("Did you mean \"%s\"?", r->names[i]);
	}
	FAULT(r, line, line->columns[cell], NULL, hint,
	      "\"%s\" is no column of this table", name);
}

static void read_header(struct reading *r, const struct line *line)
{
	size_t errors = r->problems->errors;

	r->headed = true;
	r->width = line->len;
	for (size_t i = 0; i < r->names_len; i++)
		r->order[i] = NONE;
	for (size_t i = 0; i < line->len && i < CH_TSV_COLUMNS_MAX; i++) {
		size_t name = name_number(r, line->cells[i]);

		if (name == NONE)
			unknown_column(r, line, i);
		else if (r->order[name] != NONE)
			FAULT(r, line, line->columns[i], NULL, NULL,
			      "the column \"%s\" is there twice",
			      r->names[name]);
		else
			r->order[name] = i;
	}
	for (size_t i = 0; i < r->names_len; i++) {
		if (r->order[i] == NONE)
			FAULT(r, line, 0, NULL,
			      "The first row names the columns, divided by "
			      "tabs.",
			      "there is no column \"%s\"", r->names[i]);
	}
	r->no_header = r->problems->errors > errors;
}

/* ---- the others ------------------------------------------------------- */

static bool check_cell(struct reading *r, const struct line *line, size_t cell,
		       const char *name)
{
	struct ch_slice text = line->cells[cell];
	unsigned int column = line->columns[cell];

	if (text.len == 0) {
		FAULT(r, line, column, name,
		      "Write it, or \"-\" where there is nothing.",
		      "the cell is empty");
		return false;
	}
	if (text.data[0] == ' ' || text.data[text.len - 1] == ' ') {
		FAULT(r, line, column, name, "Take it out.",
		      "a space at the %s of the cell",
		      text.data[0] == ' ' ? "beginning" : "end");
		return false;
	}
	return true;
}

static void read_row(struct reading *r, const struct line *line)
{
	struct ch_slice cells[CH_TSV_COLUMNS_MAX];
	unsigned int columns[CH_TSV_COLUMNS_MAX];
	struct ch_tsv_row row = { cells, columns, r->shown, line->number };
	bool good = true;

	if (line->len != r->width) {
		FAULT(r, line, 0, NULL,
		      "Cells are divided by one tab each; none is left out.",
		      "%zu cell%s, and the first row has %zu", line->len,
		      line->len == 1 ? "" : "s", r->width);
		return;
	}
	for (size_t i = 0; i < r->names_len; i++) {
		cells[i] = line->cells[r->order[i]];
		columns[i] = line->columns[r->order[i]];
		good &= check_cell(r, line, r->order[i], r->names[i]);
	}
	if (good)
		r->take(r->context, &row, r->problems);
}

static void read_line(struct reading *r, struct ch_slice text,
		      unsigned int number)
{
	struct line line = { .number = number };

	if (text.len > 0 && text.data[text.len - 1] == '\r')
		text.len--;
	if (has_bad_character(r, &line, text)) {
		/* Without its first row a table says nothing. */
		r->no_header |= !r->headed;
		r->headed = true;
		return;
	}
	if (text.len == 0 || text.data[0] == '#')
		return;
	cut(text, &line);
	if (!r->headed)
		read_header(r, &line);
	else if (!r->no_header)
		read_row(r, &line);
}

static void read_lines(struct reading *r, struct ch_slice text)
{
	unsigned int number = 0;

	if (text.len >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0) {
		text.data += 3;
		text.len -= 3;
	}
	while (text.len > 0) {
		const char *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;

		read_line(r, (struct ch_slice){ text.data, len }, ++number);
		text.data += len + (end != NULL);
		text.len -= len + (end != NULL);
	}
}

int ch_tsv_read(struct ch_slice text, const char *shown,
		const char *const *columns, ch_tsv_take *take, void *context,
		struct ch_problems *problems)
{
	struct reading r = { .shown = shown, .names = columns, .take = take,
			     .context = context, .problems = problems };
	struct ch_place place = { shown, 0, 0, NULL };
	size_t errors = problems->errors;

	while (columns[r.names_len])
		r.names_len++;
	if (text.len > CH_TSV_BYTES_MAX) {
		ch_problems_add(problems, CH_PROBLEM_ERROR, place, NULL,
				"the table is larger than %d bytes",
				CH_TSV_BYTES_MAX);
		return -1;
	}
	read_lines(&r, text);
	if (!r.headed)
		ch_problems_add(problems, CH_PROBLEM_ERROR, place,
				"The first row names the columns, divided by "
				"tabs.",
				"the table is empty");
	return problems->errors > errors ? -1 : 0;
}
