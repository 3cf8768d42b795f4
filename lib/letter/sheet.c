// SPDX-License-Identifier: GPL-3.0-or-later
/* sheet.c - workbooks: their archive, their XML and their rows.
 *
 * The parser is stopped behind each row and resumed for the next, so that a
 * sheet streams through like text does. A stranger wrote the file: parts are
 * bounded in number, size and ratio before a byte is unpacked, and XML may
 * declare nothing, so that there is no entity to expand or fetch.
 */
#include "letter/sheet-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"

#define ENTRIES_MAX 10000
#define PART_MAX (1024ull * 1024 * 1024)
/* Real sheets pack 10 to 50 times, a bomb a thousand times. */
#define RATIO_MAX 250
#define RATIO_FREE (1024ull * 1024) /* what may be unpacked at any ratio */
#define PIECE (32 * 1024)
#define DEPTH_MAX 200

/* ---- faults ----------------------------------------------------------- */

struct ch_place ch_sheet_whole(const struct ch_sheet *sheet)
{
	return (struct ch_place){ sheet->rows.file, 0, 0, NULL };
}

static int refuse(struct ch_sheet *sheet, const char *hint, const char *text)
{
	ch_problems_add(sheet->problems, CH_PROBLEM_ERROR,
			ch_sheet_whole(sheet), hint, "%s", text);
	return -1;
}

static int refuse_part(struct ch_sheet *sheet, const char *part,
		       const char *text)
{
	ch_problems_add(sheet->problems, CH_PROBLEM_ERROR,
			ch_sheet_whole(sheet), CH_SHEET_HINT_AGAIN, "%s: %s",
			part, text);
	return -1;
}

/* ---- small things ----------------------------------------------------- */

const char *ch_sheet_local(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? colon + 1 : name;
}

const char *ch_sheet_attribute(const char **attributes, const char *name)
{
	for (; attributes[0]; attributes += 2) {
		if (strcmp(ch_sheet_local(attributes[0]), name) == 0)
			return attributes[1];
	}
	return NULL;
}

unsigned int ch_sheet_count(const char *text, unsigned int otherwise)
{
	unsigned long number;
	char *end;

	if (!text || !*text)
		return otherwise;
	number = strtoul(text, &end, 10);
	if (*end || number == 0)
		return otherwise;
	return number > CH_SHEET_ROWS_MAX ? CH_SHEET_ROWS_MAX
					  : (unsigned int)number;
}

/* ---- the archive ------------------------------------------------------ */

bool ch_sheet_has_part(const struct ch_sheet *sheet, const char *name)
{
	return zip_name_locate(sheet->zip, name, 0) >= 0;
}

static int check_part(struct ch_sheet *sheet, const char *name,
		      const zip_stat_t *stat)
{
	const zip_uint64_t wanted = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE |
				    ZIP_STAT_ENCRYPTION_METHOD;

	if ((stat->valid & wanted) != wanted)
		return refuse_part(sheet, name, "the archive is damaged");
	if (stat->encryption_method != ZIP_EM_NONE)
		return refuse(sheet, "Save it without a password.",
			      "the workbook is encrypted");
	if (stat->size > PART_MAX ||
	    (stat->size > RATIO_FREE &&
	     stat->size / RATIO_MAX > stat->comp_size))
		return refuse_part(sheet, name,
				   "unpacks to more than a sheet may");
	return 0;
}

static zip_file_t *open_part(struct ch_sheet *sheet, const char *name)
{
	zip_stat_t stat;
	zip_file_t *part;

	zip_stat_init(&stat);
	if (zip_stat(sheet->zip, name, 0, &stat) < 0) {
		refuse_part(sheet, name, "is missing in the workbook");
		return NULL;
	}
	if (check_part(sheet, name, &stat) < 0)
		return NULL;
	part = zip_fopen_index(sheet->zip, stat.index, 0);
	if (!part)
		refuse_part(sheet, name, zip_strerror(sheet->zip));
	return part;
}

static int open_zip(struct ch_sheet *sheet, int fd)
{
	int copy = dup(fd);
	int why = 0;

	if (copy >= 0)
		sheet->zip = zip_fdopen(copy, 0, &why);
	if (!sheet->zip) {
		if (copy >= 0)
			close(copy);
		return refuse(sheet, CH_SHEET_HINT_AGAIN,
			      "it begins like a ZIP archive, but is none that "
			      "can be read");
	}
	if (zip_get_num_entries(sheet->zip, 0) > ENTRIES_MAX)
		return refuse(sheet, CH_SHEET_HINT_AGAIN,
			      "the archive has too many parts");
	return 0;
}

/* ---- XML -------------------------------------------------------------- */

/* A parser, and how deep it is. */
struct ch_sheet_parser {
	XML_Parser parser; /* owned */
	struct ch_sheet_reader reader;
	unsigned int depth;
};

static void on_doctype(void *context, const char *name, const char *system,
		       const char *public, int internal)
{
	struct ch_sheet_parser *p = context;

	XML_StopParser(p->parser, XML_FALSE);
}

static void on_start(void *context, const char *name, const char **attributes)
{
	struct ch_sheet_parser *p = context;

	if (++p->depth > DEPTH_MAX)
		XML_StopParser(p->parser, XML_FALSE);
	else
		p->reader.start(p->reader.context, ch_sheet_local(name),
				attributes);
}

static void on_end(void *context, const char *name)
{
	struct ch_sheet_parser *p = context;

	p->depth--;
	if (p->reader.end)
		p->reader.end(p->reader.context, ch_sheet_local(name));
}

static void on_text(void *context, const char *text, int len)
{
	struct ch_sheet_parser *p = context;

	if (p->reader.text)
		p->reader.text(p->reader.context, text, len);
}

static struct ch_sheet_parser *
new_parser(const struct ch_sheet_reader *reader)
{
	struct ch_sheet_parser *p = ch_xzalloc(sizeof(*p));

	p->reader = *reader;
	p->parser = XML_ParserCreate("UTF-8");
	if (!p->parser)
		abort();
	XML_SetUserData(p->parser, p);
	XML_SetElementHandler(p->parser, on_start, on_end);
	XML_SetCharacterDataHandler(p->parser, on_text);
	XML_SetStartDoctypeDeclHandler(p->parser, on_doctype);
	return p;
}

static void free_parser(struct ch_sheet_parser *p)
{
	XML_ParserFree(p->parser);
	free(p);
}

static void fault_xml(struct ch_sheet *sheet, XML_Parser parser,
		      const char *part)
{
	enum XML_Error code = XML_GetErrorCode(parser);
	CH_AUTOCHAR text = NULL;

	if (code == XML_ERROR_ABORTED)
		text = ch_xstrdup("declares a document type, or is nested too "
				  "deep");
	else
		text = ch_xasprintf("line %lu: %s",
				    XML_GetCurrentLineNumber(parser),
				    XML_ErrorString(code));
	refuse_part(sheet, part, text);
}

/* A piece of the part into the parser; *ret_last where it was the last. */
static enum XML_Status feed(zip_file_t *part, XML_Parser parser,
			    bool *ret_last, bool *ret_damaged)
{
	void *buffer = XML_GetBuffer(parser, PIECE);
	zip_int64_t got = buffer ? zip_fread(part, buffer, PIECE) : -1;

	*ret_damaged = got < 0;
	*ret_last = got <= 0;
	if (got < 0)
		return XML_STATUS_ERROR;
	return XML_ParseBuffer(parser, (int)got, got == 0);
}

int ch_sheet_parse(struct ch_sheet *sheet, const char *name,
		   const struct ch_sheet_reader *reader)
{
	zip_file_t *part = open_part(sheet, name);
	struct ch_sheet_parser *p;
	bool last = false, damaged = false;
	enum XML_Status status = XML_STATUS_OK;

	if (!part)
		return -1;
	p = new_parser(reader);
	while (!last && status == XML_STATUS_OK)
		status = feed(part, p->parser, &last, &damaged);
	if (damaged)
		refuse_part(sheet, name, "the archive is damaged");
	else if (status != XML_STATUS_OK)
		fault_xml(sheet, p->parser, name);
	free_parser(p);
	zip_fclose(part);
	return status == XML_STATUS_OK ? 0 : -1;
}

int ch_sheet_begin(struct ch_sheet *sheet, const char *name,
		   const struct ch_sheet_reader *reader)
{
	sheet->part = open_part(sheet, name);
	if (!sheet->part)
		return -1;
	sheet->parser = new_parser(reader);
	return 0;
}

XML_Parser ch_sheet_xml(const struct ch_sheet *sheet)
{
	return sheet->parser->parser;
}

int ch_sheet_seek(struct ch_sheet *sheet, const bool *found)
{
	bool damaged = false;

	while (!*found && !sheet->all_read) {
		enum XML_Status status = feed(sheet->part, ch_sheet_xml(sheet),
					      &sheet->all_read, &damaged);

		if (damaged)
			return refuse_part(sheet, "content.xml",
					   "the archive is damaged");
		if (status == XML_STATUS_ERROR) {
			fault_xml(sheet, ch_sheet_xml(sheet), "content.xml");
			return -1;
		}
	}
	sheet->suspended = *found;
	return 0;
}

/* ---- rows ------------------------------------------------------------- */

static void write_column(size_t column, struct ch_str *out)
{
	char text[8];
	size_t at = sizeof(text);

	for (size_t c = column; c > 0; c = (c - 1) / 26)
		text[--at] = (char)('A' + (c - 1) % 26);
	ch_str_add_mem(out, text + at, sizeof(text) - at);
}

static struct ch_place place_at(struct ch_rows *rows, unsigned int line,
				unsigned int column, const char *field)
{
	struct ch_sheet *sheet = (struct ch_sheet *)rows;

	ch_str_clear(&sheet->place);
	ch_str_addf(&sheet->place, "%s!", sheet->rows.named);
	write_column(column, &sheet->place);
	ch_str_addf(&sheet->place, "%u", line);
	return (struct ch_place){ ch_str_cstr(&sheet->place), 0, 0, field };
}

static struct ch_place place_of(struct ch_rows *rows, const struct ch_row *row,
				size_t cell, size_t offset, const char *field)
{
	return place_at(rows, row->cells[cell].line, row->cells[cell].column,
			field);
}

static void clear_row(struct ch_sheet *sheet)
{
	struct ch_row *row = sheet->row;

	ch_str_clear(&row->text);
	row->len = 0;
	row->bad = false;
	row->line = sheet->number;
	sheet->column = 0;
	sheet->filled = 0;
	sheet->too_long = false;
}

void ch_sheet_row_begin(struct ch_sheet *sheet, unsigned int number)
{
	sheet->number = number;
	sheet->hidden = false;
	clear_row(sheet);
}

void ch_sheet_cell_fault(struct ch_sheet *sheet, const char *hint,
			 const char *text)
{
	sheet->row->bad = true;
	ch_problems_add(sheet->problems, CH_PROBLEM_ERROR,
			place_at(&sheet->rows, sheet->number,
				 (unsigned int)sheet->column + 1, NULL),
			hint, "%s", text);
}

/* One more cell of the row; it is kept as far as cells are. */
static void add_cell(struct ch_sheet *sheet, struct ch_slice text)
{
	struct ch_row *row = sheet->row;

	if (row->len < sheet->rows.max_cells) {
		CH_GROW(row->cells, row->len, row->cap);
		row->cells[row->len] = (struct ch_cell){
			.at = row->text.len,
			.len = text.len,
			.line = sheet->number,
			.column = (unsigned int)row->len + 1,
		};
		ch_str_add_mem(&row->text, text.data, text.len);
		ch_str_add_mem(&row->text, "", 1);
		if (row->text.full)
			row->cells[row->len].len = 0;
	}
	row->len++;
}

/* Whether the text may stand in a row; a fault, once in a row, if not. */
static bool fits(struct ch_sheet *sheet)
{
	if (sheet->text.len > sheet->rows.max_cell || sheet->text.full) {
		CH_AUTOCHAR text =
			ch_xasprintf("the cell is longer than %zu bytes",
				     sheet->rows.max_cell);

		if (!sheet->too_long)
			ch_sheet_cell_fault(sheet, NULL, text);
		sheet->too_long = true;
		return false;
	}
	return true;
}

void ch_sheet_cell(struct ch_sheet *sheet, unsigned int repeated)
{
	struct ch_slice text = { ch_str_cstr(&sheet->text), sheet->text.len };
	size_t end = sheet->column + repeated;

	if (end > CH_SHEET_COLUMNS_MAX)
		end = CH_SHEET_COLUMNS_MAX;
	if (text.len > 0 && fits(sheet)) {
		while (sheet->row->len < sheet->column)
			add_cell(sheet, CH_SLICE_EMPTY);
		while (sheet->row->len < end)
			add_cell(sheet, text);
		sheet->filled = end;
	}
	sheet->column = end;
	ch_str_clear(&sheet->text);
}

/* Rows as wide as the first; what is wider has a cell of its own there. */
static void pad(struct ch_sheet *sheet)
{
	struct ch_row *row = sheet->row;

	if (sheet->width == 0)
		sheet->width = sheet->filled;
	while (row->len < sheet->width)
		add_cell(sheet, CH_SLICE_EMPTY);
	if (row->text.full && !row->bad) {
		row->bad = true;
		ch_problems_add(sheet->problems, CH_PROBLEM_ERROR,
				ch_rows_row_place(&sheet->rows, row),
				NULL, "the row is longer than %zu bytes",
				row->text.max);
	}
}

static void tell_hidden(struct ch_sheet *sheet)
{
	if (!sheet->hidden || sheet->hidden_told)
		return;
	sheet->hidden_told = true;
	ch_problems_add(sheet->problems, CH_PROBLEM_WARNING,
			ch_rows_row_place(&sheet->rows, sheet->row),
			"Delete the rows that no letter goes to, or show them "
			"all to see whom it goes to.",
			"the row is hidden, perhaps by a filter, and is read "
			"all the same");
}

void ch_sheet_row_end(struct ch_sheet *sheet, unsigned int repeated)
{
	unsigned int left = CH_SHEET_ROWS_MAX - sheet->number;

	if (sheet->filled == 0 && !sheet->row->bad) {
		sheet->number += repeated - 1 < left ? repeated - 1 : left;
		return;
	}
	pad(sheet);
	tell_hidden(sheet);
	sheet->again = repeated - 1 < left ? repeated - 1 : left;
	sheet->suspended = true;
	XML_StopParser(sheet->parser->parser, XML_TRUE);
}

/* The same row once more, one further down. */
static int repeat_row(struct ch_sheet *sheet, struct ch_row *row)
{
	sheet->again--;
	sheet->number++;
	row->line = sheet->number;
	for (size_t i = 0; i < row->len && i < sheet->rows.max_cells; i++)
		row->cells[i].line = sheet->number;
	return 1;
}

static void fail(struct ch_sheet *sheet, bool damaged)
{
	sheet->ended = true;
	sheet->row->bad = true;
	if (damaged)
		refuse_part(sheet, sheet->name, "the archive is damaged");
	else
		fault_xml(sheet, sheet->parser->parser, sheet->name);
}

static int next(struct ch_rows *rows, struct ch_row *row,
		struct ch_problems *problems)
{
	struct ch_sheet *sheet = (struct ch_sheet *)rows;

	sheet->row = row;
	sheet->problems = problems;
	if (sheet->again > 0)
		return repeat_row(sheet, row);
	while (!sheet->ended) {
		bool damaged = false;
		enum XML_Status status;

		if (sheet->suspended) {
			sheet->suspended = false;
			status = XML_ResumeParser(sheet->parser->parser);
		} else if (sheet->all_read) {
			sheet->ended = true;
			break;
		} else {
			status = feed(sheet->part, sheet->parser->parser,
				      &sheet->all_read, &damaged);
		}
		if (sheet->suspended)
			return 1;
		if (status == XML_STATUS_ERROR)
			fail(sheet, damaged);
	}
	return 0;
}

/* ---- the reader ------------------------------------------------------- */

static void write_form(const struct ch_rows *rows, struct ch_str *out)
{
	const struct ch_sheet *sheet = (const struct ch_sheet *)rows;

	ch_str_addf(out, "%s, sheet \"%s\"",
		    sheet->form == CH_SHEET_XLSX ? "XLSX" : "ODS",
		    sheet->name);
}

static void sheet_free(struct ch_rows *rows)
{
	struct ch_sheet *sheet = (struct ch_sheet *)rows;

	if (sheet->parser)
		free_parser(sheet->parser);
	if (sheet->part)
		zip_fclose(sheet->part);
	if (sheet->zip)
		zip_discard(sheet->zip);
	ch_xlsx_free(sheet->xlsx);
	ch_ods_free(sheet->ods);
	ch_str_release(&sheet->text);
	ch_str_release(&sheet->place);
	free(sheet->name);
	ch_rows_release(rows);
	free(sheet);
}

static const struct ch_rows_kind kind = {
	.sheet = true,
	.next = next,
	.place = place_of,
	.place_at = place_at,
	.write_form = write_form,
	.free = sheet_free,
};

/* A sheet's name lands in messages: without what turns or hides them. */
static void take_name(struct ch_sheet *sheet)
{
	CH_AUTO(ch_str) shown = CH_STR_INIT(1000);
	const char *name = sheet->name;
	size_t len = strlen(name);
	uint32_t cp;

	for (size_t at = 0; at < len;) {
		size_t n = ch_utf8_decode(name + at, len - at, &cp);

		if (n > 0 && !ch_utf8_is_control(cp) &&
		    !ch_utf8_is_bidi_control(cp))
			ch_str_add_mem(&shown, name + at, n);
		at += n ? n : 1;
	}
	free(sheet->name);
	sheet->name = ch_xstrdup(ch_str_cstr(&shown));
	free(sheet->rows.named);
	sheet->rows.named =
		ch_xasprintf("%s:%s", sheet->rows.file, sheet->name);
}

static int open_form(struct ch_sheet *sheet, const char *wanted,
		     struct ch_problems *problems)
{
	if (ch_sheet_has_part(sheet, "content.xml")) {
		sheet->form = CH_SHEET_ODS;
		return ch_ods_open(sheet, wanted, problems);
	}
	if (ch_sheet_has_part(sheet, "[Content_Types].xml"))
		return ch_xlsx_open(sheet, wanted, problems);
	return refuse(sheet, "A table is CSV, .xlsx or .ods.",
		      "it is an archive, but no workbook");
}

int ch_workbook_open(int fd, const struct ch_rows_options *options,
		     struct ch_rows **ret, struct ch_problems *problems)
{
	struct ch_sheet *sheet = ch_xzalloc(sizeof(*sheet));

	ch_rows_init(&sheet->rows, &kind, options);
	sheet->problems = problems;
	ch_str_init(&sheet->text, options->max_cell + 1);
	ch_str_init(&sheet->place, 2000);
	if (open_zip(sheet, fd) < 0 ||
	    open_form(sheet, options->sheet, problems) < 0) {
		sheet_free(&sheet->rows);
		return -1;
	}
	take_name(sheet);
	*ret = &sheet->rows;
	return 0;
}
