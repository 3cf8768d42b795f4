// SPDX-License-Identifier: GPL-3.0-or-later
/* grid.c - lay out a table and write it. */
#include "cli/grid.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define GAP 2
#define ROWS_KEPT 500
#define CELL_MAX_BYTES (64 * 1024)

void ch_grid_init(struct ch_grid *grid, const struct ch_term *term,
		  const struct ch_grid_column *columns, size_t len)
{
	*grid = (struct ch_grid){ .term = term,
				  .columns = columns,
				  .len = len };
}

static void forget_cells(struct ch_grid *grid)
{
	for (size_t i = 0; i < grid->cells_len; i++)
		free(grid->cells[i].text);
	grid->cells_len = 0;
}

void ch_grid_release(struct ch_grid *grid)
{
	forget_cells(grid);
	free(grid->cells);
	*grid = (struct ch_grid){ 0 };
}

/* ---- layout ----------------------------------------------------------- */

void ch_grid_fit(size_t *widths, const struct ch_grid_column *columns,
		 size_t len, size_t total)
{
	size_t sum = len > 0 ? GAP * (len - 1) : 0;

	for (size_t i = 0; i < len; i++)
		sum += widths[i];
	while (total > 0 && sum > total) {
		size_t widest = len;

		for (size_t i = 0; i < len; i++) {
			if (columns[i].least > 0 &&
			    widths[i] > columns[i].least &&
			    (widest == len || widths[i] > widths[widest]))
				widest = i;
		}
		if (widest == len)
			return;
		widths[widest]--;
		sum--;
	}
}

static size_t width_of(const char *text)
{
	return ch_utf8_text_width(text, strlen(text));
}

size_t ch_grid_cut(const struct ch_term *term, const char *text, size_t width,
		   struct ch_str *out)
{
	const char *mark = term->utf8 ? "\xE2\x80\xA6" : "...";
	size_t room = term->utf8 ? 1 : 3;
	size_t len = strlen(text);
	size_t used = 0;
	size_t at = 0;

	if (width_of(text) <= width) {
		ch_str_add(out, text);
		return width_of(text);
	}
	if (room > width) {
		mark = "";
		room = 0;
	}
	while (at < len) {
		uint32_t cp;
		size_t n = ch_utf8_decode(text + at, len - at, &cp);
		size_t cells = n ? (size_t)ch_utf8_width(cp) : 1;

		if (used + cells + room > width)
			break;
		used += cells;
		at += n ? n : 1;
	}
	ch_str_add_mem(out, text, at);
	ch_str_add(out, mark);
	return used + room;
}

/* ---- writing ---------------------------------------------------------- */

static void pad(struct ch_str *out, size_t cells)
{
	ch_str_addf(out, "%*s", (int)cells, "");
}

static void add_cell(const struct ch_grid *grid, size_t column,
		     const char *text, enum ch_style style, struct ch_str *out)
{
	const struct ch_grid_column *c = &grid->columns[column];
	CH_AUTO(ch_str) cut = CH_STR_INIT(CELL_MAX_BYTES);
	size_t width = grid->widths[column];
	size_t used = ch_grid_cut(grid->term, text, width, &cut);
	bool styled = style != CH_STYLE_PLAIN && cut.len > 0;

	if (c->right)
		pad(out, width - used);
	if (styled)
		ch_str_add(out, ch_term_style(grid->term, style));
	ch_str_add(out, ch_str_cstr(&cut));
	if (styled)
		ch_str_add(out, ch_term_style(grid->term, CH_STYLE_PLAIN));
	if (!c->right && column + 1 < grid->len)
		pad(out, width - used);
	if (column + 1 < grid->len)
		pad(out, GAP);
}

static void write_line(const struct ch_grid *grid, struct ch_str *line)
{
	size_t len = line->len;

	while (len > 0 && ch_str_cstr(line)[len - 1] == ' ')
		len--;
	ch_str_truncate(line, len);
	fprintf(grid->term->file, "%s\n", ch_str_cstr(line));
}

static void begin(struct ch_grid *grid)
{
	CH_AUTO(ch_str) line = CH_STR_INIT(CELL_MAX_BYTES);

	for (size_t i = 0; i < grid->len; i++)
		grid->widths[i] = width_of(grid->columns[i].head);
	for (size_t i = 0; i < grid->cells_len; i++) {
		size_t *width = &grid->widths[i % grid->len];
		size_t wanted = width_of(grid->cells[i].text);

		if (wanted > *width)
			*width = wanted;
	}
	ch_grid_fit(grid->widths, grid->columns, grid->len,
		    grid->term->columns);
	for (size_t i = 0; i < grid->len; i++)
		add_cell(grid, i, grid->columns[i].head, CH_STYLE_BOLD, &line);
	write_line(grid, &line);
	grid->begun = true;
}

/* Later rows may be wider than those that decided: where lines may be of any
 * length nothing is cut, and the column gives way. */
static void widen(struct ch_grid *grid)
{
	if (grid->term->columns > 0)
		return;
	for (size_t i = 0; i < grid->cells_len; i++) {
		size_t *width = &grid->widths[i % grid->len];
		size_t wanted = width_of(grid->cells[i].text);

		if (wanted > *width)
			*width = wanted;
	}
}

static void write_rows(struct ch_grid *grid)
{
	if (!grid->begun)
		begin(grid);
	widen(grid);
	for (size_t row = 0; row + grid->len <= grid->cells_len;
	     row += grid->len) {
		CH_AUTO(ch_str) line =
			CH_STR_INIT(CH_GRID_COLUMNS_MAX * CELL_MAX_BYTES);

		for (size_t i = 0; i < grid->len; i++)
			add_cell(grid, i, grid->cells[row + i].text,
				 grid->cells[row + i].style, &line);
		write_line(grid, &line);
	}
	forget_cells(grid);
}

static void keep(struct ch_grid *grid, enum ch_style style, char *text)
{
	CH_GROW(grid->cells, grid->cells_len, grid->cells_cap);
	grid->cells[grid->cells_len++] = (struct ch_grid_cell){ text, style };
	if (grid->cells_len == ROWS_KEPT * grid->len)
		write_rows(grid);
}

void ch_grid_cell(struct ch_grid *grid, enum ch_style style, const char *text)
{
	CH_AUTO(ch_str) safe = CH_STR_INIT(CELL_MAX_BYTES);

	ch_term_text(grid->term, &safe, text);
	keep(grid, style, ch_xstrdup(ch_str_cstr(&safe)));
}

void ch_grid_cellf(struct ch_grid *grid, enum ch_style style,
		   const char *format, ...)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(CELL_MAX_BYTES);
	va_list args;

	va_start(args, format);
	ch_str_vaddf(&text, format, args);
	va_end(args);
	ch_grid_cell(grid, style, ch_str_cstr(&text));
}

void ch_grid_sign(struct ch_grid *grid, enum ch_sign sign, const char *word)
{
	keep(grid, ch_term_sign_style(sign),
	     ch_xasprintf("%s %s", ch_term_sign(grid->term, sign), word));
}

void ch_grid_end(struct ch_grid *grid)
{
	write_rows(grid);
}
