// SPDX-License-Identifier: GPL-3.0-or-later
/* body-table.c - find the tables among a document's paragraphs.
 *
 * It works on the syntax tree and not on the source, so emphasis, links and
 * code in cells are what they are anywhere, and a "|" inside code is code.
 */
#include "letter/body-table.h"

#include <string.h>

#include <cmark.h>

#include "base/mem.h"
#include "base/str.h"

#define TABLE "table:"
#define HEAD "table-head"
#define ROW "table-row"
#define CELL "table-cell"

enum ch_body_table_part ch_body_table_part(cmark_node *node,
					   const char **ret_columns)
{
	const char *kind = NULL;

	*ret_columns = "";
	if (cmark_node_get_type(node) == CMARK_NODE_CUSTOM_BLOCK)
		kind = cmark_node_get_on_enter(node);
	if (!kind)
		return BODY_TABLE_NONE;
	if (strncmp(kind, TABLE, strlen(TABLE)) == 0) {
		*ret_columns = kind + strlen(TABLE);
		return BODY_TABLE;
	}
	return strcmp(kind, HEAD) == 0   ? BODY_TABLE_HEAD
	       : strcmp(kind, ROW) == 0  ? BODY_TABLE_ROW
	       : strcmp(kind, CELL) == 0 ? BODY_TABLE_CELL
					 : BODY_TABLE_NONE;
}

static cmark_node *new_part(const char *kind, cmark_node *parent)
{
	cmark_node *node = cmark_node_new(CMARK_NODE_CUSTOM_BLOCK);

	cmark_node_set_on_enter(node, kind);
	cmark_node_append_child(parent, node);
	return node;
}

/* ---- is it one? ------------------------------------------------------- */

/* The text of a line of inlines, where every "|" of its own text counts; what
 * is no text stands as "x". Returns the soft break that ends it, or NULL. */
static cmark_node *line_text(cmark_node *from, struct ch_str *out)
{
	for (; from; from = cmark_node_next(from)) {
		cmark_node_type type = cmark_node_get_type(from);

		if (type == CMARK_NODE_SOFTBREAK)
			return from;
		ch_str_add(out, type == CMARK_NODE_TEXT
					? cmark_node_get_literal(from)
					: "x");
	}
	return NULL;
}

static struct ch_slice trim(struct ch_slice s)
{
	while (s.len && (s.data[0] == ' ' || s.data[0] == '\t')) {
		s.data++;
		s.len--;
	}
	while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* A "|" at either end of a line stands around its cells and not between. */
static struct ch_slice inner(const struct ch_str *line)
{
	struct ch_slice s = trim(
		(struct ch_slice){ ch_str_cstr(line), line->len });

	if (s.len && s.data[0] == '|') {
		s.data++;
		s.len--;
	}
	if (s.len && s.data[s.len - 1] == '|')
		s.len--;
	return s;
}

static size_t count_cells(const struct ch_str *line)
{
	struct ch_slice s = inner(line);
	size_t cells = 1;

	for (size_t i = 0; i < s.len; i++)
		cells += s.data[i] == '|';
	return memchr(ch_str_cstr(line), '|', line->len) ? cells : 0;
}

/* column := [":"] 1*"-" [":"]; returns "l", "c" or "r", or NUL. */
static char column_of(struct ch_slice s)
{
	bool left, right;

	s = trim(s);
	left = s.len && s.data[0] == ':';
	right = s.len > 1 && s.data[s.len - 1] == ':';
	s = (struct ch_slice){ s.data + left, s.len - left - right };
	if (s.len == 0)
		return '\0';
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] != '-')
			return '\0';
	}
	return left && right ? 'c' : right ? 'r' : 'l';
}

/* Read "--- | :-: | --:". Returns the columns, 0 where it is no such line. */
static size_t read_columns(const struct ch_str *line,
			   char columns[BODY_COLUMNS_MAX + 1])
{
	struct ch_slice rest = inner(line);
	size_t count = 0;

	if (count_cells(line) > BODY_COLUMNS_MAX)
		return 0;
	for (size_t left = count_cells(line); left > 0; left--) {
		const char *bar = memchr(rest.data, '|', rest.len);
		size_t len = bar ? (size_t)(bar - rest.data) : rest.len;

		columns[count] =
			column_of((struct ch_slice){ rest.data, len });
		if (!columns[count++])
			return 0;
		len += bar != NULL;
		rest = (struct ch_slice){ rest.data + len, rest.len - len };
	}
	columns[count] = '\0';
	return count;
}

static bool has_hard_break(cmark_node *paragraph)
{
	for (cmark_node *node = cmark_node_first_child(paragraph); node;
	     node = cmark_node_next(node)) {
		if (cmark_node_get_type(node) == CMARK_NODE_LINEBREAK)
			return true;
	}
	return false;
}

/* The columns of a paragraph that is a table; 0 for any other. */
static size_t table_columns(cmark_node *paragraph,
			    char columns[BODY_COLUMNS_MAX + 1])
{
	CH_AUTO(ch_str) first = CH_STR_INIT(65536);
	CH_AUTO(ch_str) second = CH_STR_INIT(65536);
	cmark_node *end = line_text(cmark_node_first_child(paragraph), &first);
	size_t count;

	if (!end || count_cells(&first) == 0 || has_hard_break(paragraph))
		return 0;
	line_text(cmark_node_next(end), &second);
	count = read_columns(&second, columns);
	return !first.full && !second.full && count == count_cells(&first)
		       ? count
		       : 0;
}

/* ---- making it -------------------------------------------------------- */

struct row {
	cmark_node *node;
	cmark_node *cell; /* the paragraph of the cell under way */
	size_t cells, most;
};

static void next_cell(struct row *row)
{
	row->cell = NULL;
	if (row->cells++ >= row->most)
		return;
	row->cell = cmark_node_new(CMARK_NODE_PARAGRAPH);
	cmark_node_append_child(new_part(CELL, row->node), row->cell);
}

static void add_text(struct row *row, const char *text, size_t len)
{
	cmark_node *node;
	CH_AUTOCHAR own = ch_xstrndup(text, len);

	if (len == 0 || !row->cell)
		return;
	node = cmark_node_new(CMARK_NODE_TEXT);
	cmark_node_set_literal(node, own);
	cmark_node_append_child(row->cell, node);
}

static void split_text(struct row *row, const char *text)
{
	const char *bar;

	for (; (bar = strchr(text, '|')); text = bar + 1) {
		add_text(row, text, (size_t)(bar - text));
		next_cell(row);
	}
	add_text(row, text, strlen(text));
}

static void trim_end(cmark_node *node, bool at_end)
{
	const char *text = node ? cmark_node_get_literal(node) : NULL;
	struct ch_slice s;
	CH_AUTOCHAR own = NULL;

	if (!text || cmark_node_get_type(node) != CMARK_NODE_TEXT)
		return;
	s = trim(ch_slice_of(text));
	if (at_end)
		own = ch_xstrndup(text, (size_t)(s.data + s.len - text));
	else
		own = ch_xstrdup(s.data);
	cmark_node_set_literal(node, own);
}

static void trim_cells(cmark_node *row)
{
	for (cmark_node *cell = cmark_node_first_child(row); cell;
	     cell = cmark_node_next(cell)) {
		cmark_node *paragraph = cmark_node_first_child(cell);

		trim_end(cmark_node_last_child(paragraph), true);
		trim_end(cmark_node_first_child(paragraph), false);
	}
}

static bool starts_with_bar(cmark_node *node)
{
	return node && cmark_node_get_type(node) == CMARK_NODE_TEXT &&
	       cmark_node_get_literal(node)[0] == '|';
}

/* Move one line's inlines into a row. Returns what follows its soft break. */
static cmark_node *make_row(cmark_node *table, cmark_node *from,
			    const char *kind, size_t columns)
{
	struct row row = { .node = new_part(kind, table), .most = columns };
	cmark_node *next = from;

	if (!starts_with_bar(from))
		next_cell(&row);
	while (next && cmark_node_get_type(next) != CMARK_NODE_SOFTBREAK) {
		cmark_node *node = next;

		next = cmark_node_next(node);
		if (cmark_node_get_type(node) == CMARK_NODE_TEXT) {
			split_text(&row, cmark_node_get_literal(node));
		} else if (row.cell) {
			cmark_node_unlink(node);
			cmark_node_append_child(row.cell, node);
		}
	}
	while (row.cells < columns)
		next_cell(&row);
	trim_cells(row.node);
	return next ? cmark_node_next(next) : NULL;
}

static cmark_node *skip_line(cmark_node *node)
{
	while (node && cmark_node_get_type(node) != CMARK_NODE_SOFTBREAK)
		node = cmark_node_next(node);
	return node ? cmark_node_next(node) : NULL;
}

/* Put the table in the paragraph's place; returns it. */
static cmark_node *make_table(cmark_node *paragraph, const char *columns)
{
	CH_AUTOCHAR kind = ch_xasprintf(TABLE "%s", columns);
	cmark_node *table = cmark_node_new(CMARK_NODE_CUSTOM_BLOCK);
	size_t count = strlen(columns);
	cmark_node *line;

	cmark_node_set_on_enter(table, kind);
	cmark_node_insert_before(paragraph, table);
	line = make_row(table, cmark_node_first_child(paragraph), HEAD, count);
	line = skip_line(line);
	while (line)
		line = make_row(table, line, ROW, count);
	cmark_node_unlink(paragraph);
	cmark_node_free(paragraph);
	return table;
}

void ch_body_find_tables(cmark_node *document)
{
	cmark_iter *iter = cmark_iter_new(document);
	cmark_event_type event;

	while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
		cmark_node *node = cmark_iter_get_node(iter);
		char columns[BODY_COLUMNS_MAX + 1];

		if (event != CMARK_EVENT_ENTER ||
		    cmark_node_get_type(node) != CMARK_NODE_PARAGRAPH ||
		    table_columns(node, columns) == 0)
			continue;
		node = make_table(node, columns);
		cmark_iter_reset(iter, node, CMARK_EVENT_EXIT);
	}
	cmark_iter_free(iter);
}
