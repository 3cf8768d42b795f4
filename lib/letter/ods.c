// SPDX-License-Identifier: GPL-3.0-or-later
/* ods.c - the sheets of an OpenDocument spreadsheet (ISO/IEC 26300).
 *
 * A cell says of what type its value is; the text that it shows depends on a
 * country, so values of days, numbers and truths are taken, and texts of texts.
 */
#include <stdlib.h>
#include <string.h>

#include "letter/sheet-private.h"

#define NAMES_MAX 50 /* of other sheets, for a message */

enum value_type {
	VALUE_TEXT,
	VALUE_NUMBER,
	VALUE_PERCENT,
	VALUE_DATE,
	VALUE_TIME,
	VALUE_BOOLEAN,
};

struct ch_ods {
	struct ch_sheet *sheet; /* borrowed */
	char *wanted;           /* owned; NULL: the first */
	struct ch_str others;   /* names of sheets that were passed over */
	bool encrypted;
	unsigned int tables; /* how many are open: some stand in a cell */
	bool found;
	bool in_sheet; /* the one that is wanted is open */
	unsigned int row_repeated;
	unsigned int number; /* of the next row */
	/* the cell under way */
	bool in_cell;
	enum value_type type;
	bool not_computed; /* a formula that has no value */
	struct ch_str value; /* of an attribute */
	unsigned int repeated;
	unsigned int paragraphs;
	unsigned int ignored;  /* how deep in an annotation or shape */
	bool in_paragraph;
	bool space; /* the text so far ends in one */
};

void ch_ods_free(struct ch_ods *ods)
{
	if (!ods)
		return;
	free(ods->wanted);
	ch_str_release(&ods->others);
	ch_str_release(&ods->value);
	free(ods);
}

/* ---- texts ------------------------------------------------------------ */

/* White space counts once (ODF 1.2 part 1, 6.1.2); more is written as an
 * element of its own. */
static void add_text(struct ch_ods *ods, const char *text, size_t len)
{
	struct ch_str *out = &ods->sheet->text;

	for (size_t i = 0; i < len; i++) {
		bool blank = text[i] == ' ' || text[i] == '\t' ||
			     text[i] == '\n' || text[i] == '\r';

		if (!blank || !ods->space)
			ch_str_add_char(out, blank ? ' ' : text[i]);
		ods->space = blank;
	}
}

static void begin_paragraph(struct ch_ods *ods)
{
	if (ods->paragraphs++ > 0)
		ch_str_add_char(&ods->sheet->text, '\n');
	ods->in_paragraph = true;
	ods->space = true;
}

static void add_spaces(struct ch_ods *ods, unsigned int count)
{
	for (unsigned int i = 0; i < count && !ods->sheet->text.full; i++)
		ch_str_add_char(&ods->sheet->text, ' ');
	ods->space = false;
}

static void in_paragraph(struct ch_ods *ods, const char *name,
			 const char **attributes)
{
	if (strcmp(name, "s") == 0)
		add_spaces(ods, ch_sheet_count(
					ch_sheet_attribute(attributes, "c"),
					1));
	else if (strcmp(name, "tab") == 0)
		ch_str_add_char(&ods->sheet->text, '\t');
	else if (strcmp(name, "line-break") == 0)
		ch_str_add_char(&ods->sheet->text, '\n');
}

/* What stands in a cell and is not its text. */
static bool is_ignored(const char *name)
{
	static const char *const names[] = {
		"annotation", "frame",	  "shapes",  "ruby-text",
		"note",	      "custom-shape", "forms", "control",
	};

	for (size_t i = 0; i < CH_COUNT(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

/* ---- cells ------------------------------------------------------------ */

static enum value_type read_type(const char *text)
{
	static const struct {
		const char *name;
		enum value_type type;
	} types[] = {
		{ "float", VALUE_NUMBER },
		{ "currency", VALUE_NUMBER },
		{ "percentage", VALUE_PERCENT },
		{ "date", VALUE_DATE },
		{ "time", VALUE_TIME },
		{ "boolean", VALUE_BOOLEAN },
	};

	for (size_t i = 0; text && i < CH_COUNT(types); i++) {
		if (strcmp(types[i].name, text) == 0)
			return types[i].type;
	}
	return VALUE_TEXT;
}

static void begin_cell(struct ch_ods *ods, const char **attributes)
{
	static const char *const attribute[] = {
		[VALUE_TEXT] = "string-value", [VALUE_NUMBER] = "value",
		[VALUE_PERCENT] = "value",     [VALUE_DATE] = "date-value",
		[VALUE_TIME] = "time-value",
		[VALUE_BOOLEAN] = "boolean-value",
	};
	const char *value;

	ods->in_cell = true;
	ods->type = read_type(ch_sheet_attribute(attributes, "value-type"));
	ods->not_computed = ch_sheet_attribute(attributes, "formula") &&
			    !ch_sheet_attribute(attributes, "value-type");
	ods->repeated = ch_sheet_count(
		ch_sheet_attribute(attributes, "number-columns-repeated"), 1);
	ods->paragraphs = 0;
	ch_str_clear(&ods->value);
	ch_str_clear(&ods->sheet->text);
	value = ch_sheet_attribute(attributes, attribute[ods->type]);
	if (value)
		ch_str_add(&ods->value, value);
}

/* A value that is no text; false where it is not what its type says. */
static bool write_value(struct ch_ods *ods)
{
	const char *value = ch_str_cstr(&ods->value);
	struct ch_str *out = &ods->sheet->text;

	ch_str_clear(out);
	switch (ods->type) {
	case VALUE_NUMBER:
		return ch_sheet_add_number(out, value, CH_SHEET_NUMBER);
	case VALUE_PERCENT:
		return ch_sheet_add_number(out, value, CH_SHEET_PERCENT);
	case VALUE_DATE:
		return ch_sheet_add_iso(out, value);
	case VALUE_TIME:
		return ch_sheet_add_duration(out, value);
	case VALUE_BOOLEAN:
		ch_str_add(out, strcmp(value, "true") == 0 ? "TRUE" : "FALSE");
		return true;
	case VALUE_TEXT:
		return true;
	}
	return true;
}

static void end_cell(struct ch_ods *ods)
{
	struct ch_sheet *sheet = ods->sheet;

	ods->in_cell = false;
	if (ods->not_computed && ods->paragraphs == 0) {
		ch_sheet_cell_fault(sheet, CH_SHEET_HINT_AGAIN,
				    "its formula was never computed");
	} else if (ods->type == VALUE_TEXT) {
		if (ods->paragraphs == 0)
			ch_str_add_mem(&sheet->text, ch_str_cstr(&ods->value),
				       ods->value.len);
		sheet->text.full |= ods->value.full;
	} else if (!write_value(ods)) {
		ch_sheet_cell_fault(sheet, "Format it as text, or write a "
					   "date such as 2026-12-07.",
				    "its value is not what its type says");
	}
	ch_sheet_cell(sheet, ods->repeated);
}

/* ---- rows and sheets -------------------------------------------------- */

static void begin_table(struct ch_ods *ods, const char **attributes)
{
	const char *name = ch_sheet_attribute(attributes, "name");

	if (ods->tables++ > 0 || ods->found)
		return;
	if (!name)
		name = "";
	if (ods->wanted && strcmp(ods->wanted, name) != 0) {
		ch_str_addf(&ods->others, "%s\"%s\"",
			    ods->others.len ? ", " : "", name);
		return;
	}
	ods->found = true;
	ods->in_sheet = true;
	ods->sheet->name = ch_xstrdup(name);
	XML_StopParser(ch_sheet_xml(ods->sheet), XML_TRUE);
}

static void begin_row(struct ch_ods *ods, const char **attributes)
{
	const char *visible = ch_sheet_attribute(attributes, "visibility");

	ods->row_repeated = ch_sheet_count(
		ch_sheet_attribute(attributes, "number-rows-repeated"), 1);
	ch_sheet_row_begin(ods->sheet, ods->number);
	ods->sheet->hidden = visible && strcmp(visible, "visible") != 0;
	ods->number += ods->row_repeated;
	if (ods->number > CH_SHEET_ROWS_MAX)
		ods->number = CH_SHEET_ROWS_MAX;
}

static bool is_cell(const char *name)
{
	return strcmp(name, "table-cell") == 0 ||
	       strcmp(name, "covered-table-cell") == 0;
}

static void on_start(void *context, const char *name, const char **attributes)
{
	struct ch_ods *ods = context;

	if (strcmp(name, "table") == 0)
		begin_table(ods, attributes);
	if (!ods->in_sheet || ods->tables != 1)
		return;
	if (ods->ignored > 0 || is_ignored(name))
		ods->ignored++;
	else if (strcmp(name, "table-row") == 0)
		begin_row(ods, attributes);
	else if (is_cell(name))
		begin_cell(ods, attributes);
	else if (strcmp(name, "p") == 0 && ods->in_cell)
		begin_paragraph(ods);
	else if (ods->in_paragraph)
		in_paragraph(ods, name, attributes);
}

static void on_text(void *context, const char *text, int len)
{
	struct ch_ods *ods = context;

	if (ods->in_paragraph && ods->ignored == 0 && ods->tables == 1)
		add_text(ods, text, (size_t)len);
}

static void on_end(void *context, const char *name)
{
	struct ch_ods *ods = context;

	if (strcmp(name, "table") == 0) {
		ods->tables--;
		ods->in_sheet &= ods->tables > 0;
		return; /* one in a cell was never begun as anything else */
	}
	if (!ods->in_sheet || ods->tables != 1)
		return;
	if (ods->ignored > 0)
		ods->ignored--;
	else if (strcmp(name, "p") == 0)
		ods->in_paragraph = false;
	else if (is_cell(name) && ods->in_cell)
		end_cell(ods);
	else if (strcmp(name, "table-row") == 0)
		ch_sheet_row_end(ods->sheet, ods->row_repeated);
}

/* ---- opening ---------------------------------------------------------- */

static void on_manifest(void *context, const char *name,
			const char **attributes)
{
	struct ch_ods *ods = context;

	ods->encrypted |= strcmp(name, "encryption-data") == 0;
}

static int refuse(struct ch_sheet *sheet, const char *hint, const char *text)
{
	ch_problems_add(sheet->problems, CH_PROBLEM_ERROR,
			ch_sheet_whole(sheet), hint, "%s", text);
	return -1;
}

static int check_manifest(struct ch_ods *ods)
{
	static const char manifest[] = "META-INF/manifest.xml";
	struct ch_sheet *sheet = ods->sheet;
	struct ch_sheet_reader reader = { on_manifest, NULL, NULL, ods };

	if (ch_sheet_has_part(sheet, manifest) &&
	    ch_sheet_parse(sheet, manifest, &reader) < 0)
		return -1;
	if (ods->encrypted)
		return refuse(sheet, "Save it without a password.",
			      "the workbook is encrypted");
	if (ch_sheet_has_part(sheet, "Basic/script-lc.xml") ||
	    ch_sheet_has_part(sheet, "Scripts/"))
		return refuse(sheet, "Save a copy without them.",
			      "the workbook has macros");
	return 0;
}

int ch_ods_open(struct ch_sheet *sheet, const char *wanted,
		struct ch_problems *problems)
{
	struct ch_ods *ods = ch_xzalloc(sizeof(*ods));
	struct ch_sheet_reader reader = { on_start, on_end, on_text, ods };
	CH_AUTOCHAR hint = NULL;

	sheet->ods = ods;
	ods->sheet = sheet;
	ods->number = 1;
	ods->wanted = wanted ? ch_xstrdup(wanted) : NULL;
	ch_str_init(&ods->others, 1000);
	ch_str_init(&ods->value, sheet->rows.max_cell + 1);
	if (check_manifest(ods) < 0 ||
	    ch_sheet_begin(sheet, "content.xml", &reader) < 0 ||
	    ch_sheet_seek(sheet, &ods->found) < 0)
		return -1;
	if (ods->found)
		return 0;
	if (ods->others.len)
		hint = ch_xasprintf("It has %s.", ch_str_cstr(&ods->others));
	ch_problems_add(problems, CH_PROBLEM_ERROR, ch_sheet_whole(sheet),
			hint, "there is no sheet \"%s\"",
			wanted ? wanted : "");
	return -1;
}
