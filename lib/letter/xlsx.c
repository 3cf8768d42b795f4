// SPDX-License-Identifier: GPL-3.0-or-later
/* xlsx.c - the sheets of an XLSX workbook (ECMA-376).
 *
 * What a cell shows is put together from four parts: the workbook says which
 * sheet and from when days count, the styles which numbers are days, the shared
 * strings what most cells say. Only these strings are held; the sheet streams.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "letter/sheet-private.h"

#define STRINGS_MAX (128u * 1024 * 1024) /* bytes of all shared texts */
#define STYLES_MAX 65536
#define SHEETS_MAX 1000

enum cell_type {
	TYPE_NUMBER,
	TYPE_SHARED,
	TYPE_INLINE,
	TYPE_TEXT,
	TYPE_BOOLEAN,
	TYPE_ERROR,
	TYPE_ISO,
};

struct format {
	unsigned int id;
	enum ch_sheet_kind kind;
};

struct found_sheet {
	char *name;     /* owned */
	char *relation; /* owned */
	bool hidden;
};

struct ch_xlsx {
	struct ch_sheet *sheet; /* borrowed */
	bool since_1904;
	bool macros;
	struct found_sheet *sheets; /* owned */
	size_t sheets_len;
	size_t sheets_cap;
	/* relations: what is looked for, and where it leads */
	const char *relation_id;   /* or NULL */
	const char *relation_type; /* the end of one, or NULL */
	char *target;              /* owned */
	/* styles */
	struct format *formats; /* owned; those of this workbook */
	size_t formats_len;
	size_t formats_cap;
	enum ch_sheet_kind *styles; /* owned; by the number of a cell's */
	size_t styles_len;
	size_t styles_cap;
	bool in_styles;
	/* shared strings: each terminated */
	struct ch_str strings;
	size_t *places; /* owned */
	size_t places_len;
	size_t places_cap;
	struct ch_str string; /* the one under way */
	/* the cell under way */
	enum cell_type type;
	enum ch_sheet_kind kind;
	bool formula;     /* it has one */
	bool has_value;   /* and a value */
	bool in_text;     /* what comes is its text */
	bool in_phonetic; /* how it is pronounced: passed over */
};

void ch_xlsx_free(struct ch_xlsx *xlsx)
{
	if (!xlsx)
		return;
	for (size_t i = 0; i < xlsx->sheets_len; i++) {
		free(xlsx->sheets[i].name);
		free(xlsx->sheets[i].relation);
	}
	free(xlsx->sheets);
	free(xlsx->target);
	free(xlsx->formats);
	free(xlsx->styles);
	free(xlsx->places);
	ch_str_release(&xlsx->strings);
	ch_str_release(&xlsx->string);
	free(xlsx);
}

static int refuse(struct ch_sheet *sheet, const char *hint, const char *text)
{
	ch_problems_add(sheet->problems, CH_PROBLEM_ERROR,
			ch_sheet_whole(sheet), hint, "%s", text);
	return -1;
}

/* ---- relations -------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);
	size_t end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void on_relation(void *context, const char *name,
			const char **attributes)
{
	struct ch_xlsx *xlsx = context;
	const char *id = ch_sheet_attribute(attributes, "Id");
	const char *type = ch_sheet_attribute(attributes, "Type");
	const char *target = ch_sheet_attribute(attributes, "Target");

	if (strcmp(name, "Relationship") != 0 || !id || !type || !target ||
	    xlsx->target)
		return;
	if (xlsx->relation_id ? strcmp(id, xlsx->relation_id) == 0
			      : ends_with(type, xlsx->relation_type))
		xlsx->target = ch_xstrdup(target);
}

/* "xl/workbook.xml" gives "xl/_rels/workbook.xml.rels"; "" the archive's. */
static char *relations_of(const char *part)
{
	const char *slash = strrchr(part, '/');

	if (!*part)
		return ch_xstrdup("_rels/.rels");
	if (!slash)
		return ch_xasprintf("_rels/%s.rels", part);
	return ch_xasprintf("%.*s/_rels/%s.rels", (int)(slash - part), part,
			    slash + 1);
}

/* Where a target leads that is written in `part`: the name of a part. */
static char *resolve(const char *part, const char *target)
{
	const char *slash = strrchr(part, '/');
	size_t folder = slash ? (size_t)(slash - part) : 0;

	if (target[0] == '/')
		return ch_xstrdup(target + 1);
	while (strncmp(target, "../", 3) == 0) {
		const char *up = memrchr(part, '/', folder);

		target += 3;
		folder = up ? (size_t)(up - part) : 0;
	}
	return ch_xasprintf("%.*s%s%s", (int)folder, part, folder ? "/" : "",
			    target);
}

/* The part that `part` names by that id or type; *ret NULL where it names none.
 * The caller owns it. */
static int follow(struct ch_xlsx *xlsx, const char *part, const char *id,
		  const char *type, char **ret)
{
	CH_AUTOCHAR relations = relations_of(part);
	struct ch_sheet_reader reader = { on_relation, NULL, NULL, xlsx };

	*ret = NULL;
	xlsx->relation_id = id;
	xlsx->relation_type = type;
	free(CH_TAKE(xlsx->target));
	if (!ch_sheet_has_part(xlsx->sheet, relations))
		return 0;
	if (ch_sheet_parse(xlsx->sheet, relations, &reader) < 0)
		return -1;
	if (xlsx->target)
		*ret = resolve(part, xlsx->target);
	return 0;
}

/* ---- the workbook ----------------------------------------------------- */

static bool is_true(const char *text)
{
	return text && (strcmp(text, "1") == 0 || strcmp(text, "true") == 0);
}

static void on_workbook(void *context, const char *name,
			const char **attributes)
{
	struct ch_xlsx *xlsx = context;
	const char *called = ch_sheet_attribute(attributes, "name");
	const char *state = ch_sheet_attribute(attributes, "state");
	const char *id = NULL;

	if (strcmp(name, "workbookPr") == 0)
		xlsx->since_1904 =
			is_true(ch_sheet_attribute(attributes, "date1904"));
	/* Its relation is "r:id"; an attribute "sheetId" is another thing. */
	for (const char **a = attributes; a[0]; a += 2) {
		if (strchr(a[0], ':') && ends_with(a[0], ":id"))
			id = a[1];
	}
	if (strcmp(name, "sheet") != 0 || !called || !id ||
	    xlsx->sheets_len == SHEETS_MAX)
		return;
	CH_GROW(xlsx->sheets, xlsx->sheets_len, xlsx->sheets_cap);
	xlsx->sheets[xlsx->sheets_len++] = (struct found_sheet){
		ch_xstrdup(called), ch_xstrdup(id),
		state && strcmp(state, "visible") != 0
	};
}

static int no_such_sheet(struct ch_xlsx *xlsx, const char *wanted)
{
	CH_AUTO(ch_str) hint = CH_STR_INIT(2000);

	ch_str_add(&hint, "It has ");
	for (size_t i = 0; i < xlsx->sheets_len; i++)
		ch_str_addf(&hint, "%s\"%s\"", i ? ", " : "",
			    xlsx->sheets[i].name);
	ch_str_add(&hint, ".");
	ch_problems_add(xlsx->sheet->problems, CH_PROBLEM_ERROR,
			ch_sheet_whole(xlsx->sheet),
			xlsx->sheets_len ? ch_str_cstr(&hint) : NULL,
			"there is no sheet \"%s\"", wanted ? wanted : "");
	return -1;
}

/* The named one; else the first that is not hidden. */
static const struct found_sheet *choose(const struct ch_xlsx *xlsx,
					const char *wanted)
{
	for (size_t i = 0; i < xlsx->sheets_len; i++) {
		const struct found_sheet *sheet = &xlsx->sheets[i];

		if (wanted ? strcmp(sheet->name, wanted) == 0
			   : !sheet->hidden)
			return sheet;
	}
	return NULL;
}

/* ---- styles ----------------------------------------------------------- */

/* ECMA-376 part 1, 18.8.30: the formats that every workbook has. */
static enum ch_sheet_kind known_format(unsigned int id)
{
	if (id == 9 || id == 10)
		return CH_SHEET_PERCENT;
	if ((id >= 14 && id <= 22) || (id >= 27 && id <= 36) ||
	    (id >= 45 && id <= 47) || (id >= 50 && id <= 58))
		return CH_SHEET_DATE;
	return CH_SHEET_NUMBER;
}

static enum ch_sheet_kind kind_of(const struct ch_xlsx *xlsx, unsigned int id)
{
	for (size_t i = 0; i < xlsx->formats_len; i++) {
		if (xlsx->formats[i].id == id)
			return xlsx->formats[i].kind;
	}
	return known_format(id);
}

static void on_style(void *context, const char *name, const char **attributes)
{
	struct ch_xlsx *xlsx = context;
	const char *id = ch_sheet_attribute(attributes, "numFmtId");
	const char *code = ch_sheet_attribute(attributes, "formatCode");
	unsigned int number = ch_sheet_count(id, 0);

	if (strcmp(name, "cellXfs") == 0) {
		xlsx->in_styles = true;
	} else if (strcmp(name, "numFmt") == 0 && id && code &&
		   xlsx->formats_len < STYLES_MAX) {
		CH_GROW(xlsx->formats, xlsx->formats_len, xlsx->formats_cap);
		xlsx->formats[xlsx->formats_len++] = (struct format){
			number, ch_sheet_format_kind(code)
		};
	} else if (strcmp(name, "xf") == 0 && xlsx->in_styles &&
		   xlsx->styles_len < STYLES_MAX) {
		CH_GROW(xlsx->styles, xlsx->styles_len, xlsx->styles_cap);
		xlsx->styles[xlsx->styles_len++] = kind_of(xlsx, number);
	}
}

static void on_style_end(void *context, const char *name)
{
	struct ch_xlsx *xlsx = context;

	if (strcmp(name, "cellXfs") == 0)
		xlsx->in_styles = false;
}

/* ---- texts ------------------------------------------------------------ */

/* Four hexadecimal digits and "_": a character that XML cannot hold, or an
 * underscore that would look like one (ECMA-376 part 1, 22.9.2.19). */
static bool read_escape(const char *text, uint32_t *ret)
{
	char digits[5] = "";
	char *end;

	if (strnlen(text, 7) < 7 || text[0] != '_' || text[1] != 'x' ||
	    text[6] != '_')
		return false;
	memcpy(digits, text + 2, 4);
	*ret = (uint32_t)strtoul(digits, &end, 16);
	return end == digits + 4 && isxdigit((unsigned char)digits[0]) &&
	       *ret != 0 && (*ret < 0xD800 || *ret > 0xDFFF);
}

/* Append, with such escapes replaced; a CR before a line feed goes. */
static void add_text(struct ch_str *out, const char *text, size_t max)
{
	while (*text) {
		size_t plain = strcspn(text, "_");
		uint32_t cp;

		ch_str_add_mem(out, text, plain);
		text += plain;
		if (read_escape(text, &cp)) {
			if (cp != '\r')
				ch_str_add_utf8(out, cp);
			text += 7;
		} else if (*text) {
			ch_str_add_char(out, *text++);
		}
		if (out->len > max)
			return;
	}
}

static void on_string_start(void *context, const char *name,
			    const char **attributes)
{
	struct ch_xlsx *xlsx = context;

	if (strcmp(name, "si") == 0)
		ch_str_clear(&xlsx->string);
	else if (strcmp(name, "rPh") == 0)
		xlsx->in_phonetic = true;
	else if (strcmp(name, "t") == 0)
		xlsx->in_text = !xlsx->in_phonetic;
}

static void on_string_text(void *context, const char *text, int len)
{
	struct ch_xlsx *xlsx = context;

	if (xlsx->in_text)
		ch_str_add_mem(&xlsx->string, text, (size_t)len);
}

static void on_string_end(void *context, const char *name)
{
	struct ch_xlsx *xlsx = context;

	if (strcmp(name, "t") == 0)
		xlsx->in_text = false;
	else if (strcmp(name, "rPh") == 0)
		xlsx->in_phonetic = false;
	if (strcmp(name, "si") != 0 || xlsx->strings.full)
		return;
	CH_GROW(xlsx->places, xlsx->places_len, xlsx->places_cap);
	xlsx->places[xlsx->places_len++] = xlsx->strings.len;
	ch_str_add_mem(&xlsx->strings, ch_str_cstr(&xlsx->string),
		       xlsx->string.len);
	/* One that was cut is longer than a cell may be, which is said there.
	 */
	if (xlsx->string.full)
		for (size_t i = 0; i <= xlsx->sheet->rows.max_cell; i++)
			ch_str_add_char(&xlsx->strings, 'x');
	ch_str_add_mem(&xlsx->strings, "", 1);
}

/* ---- cells ------------------------------------------------------------ */

/* The row's number and column of "C42"; 0 for what is not there. */
static void read_reference(const char *text, size_t *ret_column,
			   unsigned int *ret_row)
{
	size_t column = 0;

	for (; isalpha((unsigned char)*text); text++) {
		column = column * 26 +
			 (size_t)(toupper((unsigned char)*text) - 'A' + 1);
		if (column > CH_SHEET_COLUMNS_MAX)
			column = CH_SHEET_COLUMNS_MAX;
	}
	*ret_column = column;
	*ret_row = ch_sheet_count(text, 0);
}

static enum cell_type read_type(const char *text)
{
	static const struct {
		const char *name;
		enum cell_type type;
	} types[] = {
		{ "s", TYPE_SHARED },   { "inlineStr", TYPE_INLINE },
		{ "str", TYPE_TEXT },   { "b", TYPE_BOOLEAN },
		{ "e", TYPE_ERROR },    { "d", TYPE_ISO },
	};

	for (size_t i = 0; text && i < CH_COUNT(types); i++) {
		if (strcmp(types[i].name, text) == 0)
			return types[i].type;
	}
	return TYPE_NUMBER;
}

static void begin_cell(struct ch_xlsx *xlsx, const char **attributes)
{
	const char *reference = ch_sheet_attribute(attributes, "r");
	const char *style = ch_sheet_attribute(attributes, "s");
	struct ch_sheet *sheet = xlsx->sheet;
	unsigned int number = ch_sheet_count(style, 0);
	size_t column;
	unsigned int row;

	/* A cell may say where it stands; never further back. */
	read_reference(reference ? reference : "", &column, &row);
	if (column > sheet->column)
		sheet->column = column - 1;
	xlsx->type = read_type(ch_sheet_attribute(attributes, "t"));
	xlsx->kind = number < xlsx->styles_len ? xlsx->styles[number]
					       : CH_SHEET_NUMBER;
	xlsx->formula = xlsx->has_value = false;
	ch_str_clear(&sheet->text);
	ch_str_clear(&xlsx->string);
}

static void on_start(void *context, const char *name, const char **attributes)
{
	struct ch_xlsx *xlsx = context;
	struct ch_sheet *sheet = xlsx->sheet;

	if (strcmp(name, "row") == 0) {
		unsigned int number =
			ch_sheet_count(ch_sheet_attribute(attributes, "r"), 0);

		ch_sheet_row_begin(sheet, number > sheet->number
						  ? number
						  : sheet->number + 1);
		sheet->hidden =
			is_true(ch_sheet_attribute(attributes, "hidden"));
	} else if (strcmp(name, "c") == 0) {
		begin_cell(xlsx, attributes);
	} else if (strcmp(name, "rPh") == 0) {
		xlsx->in_phonetic = true;
	} else if (strcmp(name, "f") == 0) {
		xlsx->formula = true;
	} else if (strcmp(name, "v") == 0) {
		xlsx->has_value = true;
		xlsx->in_text = xlsx->type != TYPE_INLINE;
	} else if (strcmp(name, "t") == 0) {
		xlsx->in_text = xlsx->type == TYPE_INLINE &&
				!xlsx->in_phonetic;
	}
}

static void write_shared(struct ch_xlsx *xlsx, const char *text)
{
	struct ch_sheet *sheet = xlsx->sheet;
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (end == text || *end || number >= xlsx->places_len) {
		ch_sheet_cell_fault(sheet, CH_SHEET_HINT_AGAIN,
				    "its text is missing in the workbook");
		return;
	}
	add_text(&sheet->text,
		 ch_str_cstr(&xlsx->strings) + xlsx->places[number],
		 sheet->rows.max_cell);
}

static void write_number(struct ch_xlsx *xlsx, const char *text)
{
	struct ch_sheet *sheet = xlsx->sheet;
	bool good = xlsx->kind == CH_SHEET_DATE
			    ? ch_sheet_add_serial(&sheet->text, text,
						  xlsx->since_1904)
			    : ch_sheet_add_number(&sheet->text, text,
						  xlsx->kind);

	if (!good)
		ch_sheet_cell_fault(sheet, "Format it as text, or write a "
					   "date such as 2026-12-07.",
				    xlsx->kind == CH_SHEET_DATE
					    ? "it is no date of a calendar"
					    : "it is no number");
}

/* The value was read: what it says, as text. */
static void end_cell(struct ch_xlsx *xlsx)
{
	struct ch_sheet *sheet = xlsx->sheet;
	const char *text = ch_str_cstr(&xlsx->string);

	if (xlsx->string.len == 0 && !xlsx->string.full) {
		/* Empty would be taken for an answer. */
		if (xlsx->formula && !xlsx->has_value)
			ch_sheet_cell_fault(sheet, CH_SHEET_HINT_AGAIN,
					    "its formula was never computed");
		ch_sheet_cell(sheet, 1);
		return;
	}
	switch (xlsx->type) {
	case TYPE_SHARED:
		write_shared(xlsx, text);
		break;
	case TYPE_NUMBER:
		write_number(xlsx, text);
		break;
	case TYPE_BOOLEAN:
		ch_str_add(&sheet->text, is_true(text) ? "TRUE" : "FALSE");
		break;
	case TYPE_ERROR:
		ch_sheet_cell_fault(sheet, "Correct its formula.",
				    "its formula has no value but an error");
		break;
	case TYPE_ISO:
		if (!ch_sheet_add_iso(&sheet->text, text))
			ch_str_add(&sheet->text, text);
		break;
	case TYPE_INLINE:
	case TYPE_TEXT:
		add_text(&sheet->text, text, sheet->rows.max_cell);
		sheet->text.full |= xlsx->string.full;
		break;
	}
	ch_sheet_cell(sheet, 1);
}

static void on_end(void *context, const char *name)
{
	struct ch_xlsx *xlsx = context;

	if (strcmp(name, "v") == 0 || strcmp(name, "t") == 0)
		xlsx->in_text = false;
	else if (strcmp(name, "rPh") == 0)
		xlsx->in_phonetic = false;
	else if (strcmp(name, "c") == 0 && xlsx->sheet->row)
		end_cell(xlsx);
	else if (strcmp(name, "row") == 0)
		ch_sheet_row_end(xlsx->sheet, 1);
}

/* ---- opening ---------------------------------------------------------- */

static void on_type(void *context, const char *name, const char **attributes)
{
	struct ch_xlsx *xlsx = context;
	const char *type = ch_sheet_attribute(attributes, "ContentType");

	if (type && (strstr(type, "macroEnabled") || strstr(type,
							    "vbaProject")))
		xlsx->macros = true;
}

static int check_macros(struct ch_xlsx *xlsx)
{
	struct ch_sheet_reader reader = { on_type, NULL, NULL, xlsx };

	if (ch_sheet_parse(xlsx->sheet, "[Content_Types].xml", &reader) < 0)
		return -1;
	if (!xlsx->macros)
		return 0;
	return refuse(xlsx->sheet, "Save it as .xlsx, which has none.",
		      "the workbook has macros");
}

/* Parse the part of that type, if the workbook has one. */
static int read_part(struct ch_xlsx *xlsx, const char *workbook,
		     const char *type, const struct ch_sheet_reader *reader)
{
	CH_AUTOCHAR part = NULL;

	if (follow(xlsx, workbook, NULL, type, &part) < 0)
		return -1;
	return part ? ch_sheet_parse(xlsx->sheet, part, reader) : 0;
}

static int read_strings(struct ch_xlsx *xlsx, const char *workbook)
{
	struct ch_sheet_reader reader = { on_string_start, on_string_end,
					  on_string_text, xlsx };

	if (read_part(xlsx, workbook, "/sharedStrings", &reader) < 0)
		return -1;
	if (!xlsx->strings.full)
		return 0;
	return refuse(xlsx->sheet, "Save the sheet as CSV.",
		      "the texts of the workbook are longer than a table's "
		      "may be");
}

static int open_sheet(struct ch_xlsx *xlsx, const char *workbook,
		      const char *wanted)
{
	struct ch_sheet_reader reader = { on_start, on_end, on_string_text,
					  xlsx };
	const struct found_sheet *found = choose(xlsx, wanted);
	CH_AUTOCHAR part = NULL;

	if (!found)
		return no_such_sheet(xlsx, wanted);
	xlsx->sheet->name = ch_xstrdup(found->name);
	if (follow(xlsx, workbook, found->relation, NULL, &part) < 0)
		return -1;
	if (!part)
		return no_such_sheet(xlsx, found->name);
	return ch_sheet_begin(xlsx->sheet, part, &reader);
}

int ch_xlsx_open(struct ch_sheet *sheet, const char *wanted,
		 struct ch_problems *problems)
{
	struct ch_xlsx *xlsx = ch_xzalloc(sizeof(*xlsx));
	struct ch_sheet_reader of_workbook = { on_workbook, NULL, NULL, xlsx };
	struct ch_sheet_reader of_styles = { on_style, on_style_end, NULL,
					     xlsx };
	CH_AUTOCHAR workbook = NULL;

	sheet->xlsx = xlsx;
	sheet->form = CH_SHEET_XLSX;
	xlsx->sheet = sheet;
	ch_str_init(&xlsx->strings, STRINGS_MAX);
	ch_str_init(&xlsx->string, sheet->rows.max_cell * 8);
	if (check_macros(xlsx) < 0 ||
	    follow(xlsx, "", NULL, "/officeDocument", &workbook) < 0)
		return -1;
	if (!workbook)
		return refuse(sheet, "A table is CSV, .xlsx or .ods.",
			      "it is an archive, but no workbook");
	if (ch_sheet_parse(sheet, workbook, &of_workbook) < 0 ||
	    read_part(xlsx, workbook, "/styles", &of_styles) < 0 ||
	    read_strings(xlsx, workbook) < 0)
		return -1;
	xlsx->in_text = xlsx->in_phonetic = false;
	return open_sheet(xlsx, workbook, wanted);
}
