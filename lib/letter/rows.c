// SPDX-License-Identifier: GPL-3.0-or-later
/* rows.c - which reader a file needs, and what all readers have in common. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "letter/rows-private.h"

/* ---- a row ------------------------------------------------------------ */

void ch_row_init(struct ch_row *row)
{
	*row = (struct ch_row){ 0 };
	ch_str_init(&row->text, CH_ROW_MAX);
}

void ch_row_release(struct ch_row *row)
{
	ch_str_release(&row->text);
	free(row->cells);
	ch_row_init(row);
}

struct ch_slice ch_row_cell(const struct ch_row *row, size_t cell)
{
	return (struct ch_slice){ ch_str_cstr(&row->text) +
					  row->cells[cell].at,
				  row->cells[cell].len };
}

/* ---- a reader --------------------------------------------------------- */

void ch_rows_init(struct ch_rows *rows, const struct ch_rows_kind *kind,
		  const struct ch_rows_options *options)
{
	rows->kind = kind;
	rows->file = ch_xstrdup(options->shown);
	rows->named = ch_xstrdup(options->shown);
	rows->max_cell = options->max_cell;
	rows->max_cells = options->max_cells;
	ch_str_init(&rows->form, 1000);
}

void ch_rows_release(struct ch_rows *rows)
{
	free(rows->file);
	free(rows->named);
	ch_str_release(&rows->form);
}

void ch_rows_free(struct ch_rows *rows)
{
	rows->kind->free(rows);
}

int ch_rows_next(struct ch_rows *rows, struct ch_row *row,
		 struct ch_problems *problems)
{
	return rows->kind->next(rows, row, problems);
}

struct ch_place ch_rows_place(struct ch_rows *rows, const struct ch_row *row,
			      size_t cell, size_t offset, const char *field)
{
	return rows->kind->place(rows, row, cell, offset, field);
}

void ch_rows_note(struct ch_rows *rows, const struct ch_row *row, size_t cell,
		  size_t offset, unsigned int *ret_line,
		  unsigned int *ret_column)
{
	struct ch_place place;

	*ret_line = row->cells[cell].line;
	*ret_column = row->cells[cell].column;
	if (rows->kind->sheet || offset == 0)
		return;
	place = ch_rows_place(rows, row, cell, offset, NULL);
	*ret_line = place.line;
	*ret_column = place.column;
}

struct ch_place ch_rows_place_at(struct ch_rows *rows, unsigned int line,
				 unsigned int column, const char *field)
{
	return rows->kind->place_at(rows, line, column, field);
}

struct ch_place ch_rows_row_place(struct ch_rows *rows,
				  const struct ch_row *row)
{
	return (struct ch_place){ rows->named, row->line, 0, NULL };
}

const char *ch_rows_file(const struct ch_rows *rows)
{
	return rows->named;
}

const char *ch_rows_form(struct ch_rows *rows)
{
	ch_str_clear(&rows->form);
	rows->kind->write_form(rows, &rows->form);
	return ch_str_cstr(&rows->form);
}

bool ch_rows_is_sheet(const struct ch_rows *rows)
{
	return rows->kind->sheet;
}

/* ---- which form ------------------------------------------------------- */

#define ZIP "PK\x03\x04"
#define OLE "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"

static int refuse_ole(const struct ch_rows_options *options,
		      struct ch_problems *problems)
{
	struct ch_place place = { options->shown, 0, 0, NULL };

	ch_problems_add(problems, CH_PROBLEM_ERROR, place,
			"Save it as .xlsx without a password.",
			"it has a password, or is in the old form .xls");
	return -1;
}

int ch_rows_open(int fd, const struct ch_rows_options *options,
		 struct ch_rows **ret, struct ch_problems *problems)
{
	struct ch_place place = { options->shown, 0, 0, NULL };
	char head[8] = "";
	ssize_t got;

	do {
		got = pread(fd, head, sizeof(head), 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		ch_problems_add(problems, CH_PROBLEM_ERROR, place, NULL,
				"read: %s", strerror(errno));
		return -1;
	}
	if (memcmp(head, OLE, strlen(OLE)) == 0)
		return refuse_ole(options, problems);
	if (memcmp(head, ZIP, strlen(ZIP)) == 0)
		return ch_workbook_open(fd, options, ret, problems);
	if (options->sheet && !options->joined) {
		ch_problems_add(problems, CH_PROBLEM_ERROR, place,
				"Only .xlsx and .ods files have sheets.",
				"it is no workbook, but a sheet \"%s\" was "
				"asked for", options->sheet);
		return -1;
	}
	return ch_csv_open(fd, options, ret, problems);
}
