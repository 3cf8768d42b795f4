// SPDX-License-Identifier: GPL-3.0-or-later
/* table.c - from rows of cells to addressees.
 *
 * Rows stream through; what is kept of those that are gone is their key and
 * their addresses, to find a ministry that stands there twice. A cell is
 * checked here for all that it could do later (in a header, on a terminal, in
 * a letter), so that a fault has the place where a person can mend it.
 */
#include "letter/table.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/utf8.h"
#include "letter/csv.h"
#include "letter/fault.h"
#include "letter/seen.h"
#include "letter/template.h"

#define KEY_MAX 64
#define NAME_MAX_CHARACTERS 200
#define ADDRESSES_MAX 50
#define NONE ((size_t)-1)

enum standard {
	COL_KEY,
	COL_LANGUAGE,
	COL_TO,
	COL_CC,
	COL_NAME,
	STANDARD_COLUMNS
};

static const char *const standard_names[STANDARD_COLUMNS] = {
	[COL_KEY] = "key", [COL_LANGUAGE] = "language", [COL_TO] = "to",
	[COL_CC] = "cc",   [COL_NAME] = "name",
};

struct ch_table {
	int fd;
	struct stat before;
	char *file; /* owned; as messages call it */
	uint64_t max_recipients;
	struct ch_csv *csv; /* owned */
	struct ch_csv_row row;
	char **columns; /* owned, as are the strings */
	size_t columns_len;
	size_t columns_cap;
	size_t standard[STANDARD_COLUMNS]; /* which column; NONE */
	struct ch_seen keys;
	bool key_is_new; /* of the row under way */
	struct ch_seen addresses; /* owner: index of the key */
	uint64_t rows;
	bool ended;
};

void ch_table_free(struct ch_table *table)
{
	if (table->csv)
		ch_csv_free(table->csv);
	ch_csv_row_release(&table->row);
	for (size_t i = 0; i < table->columns_len; i++)
		free(table->columns[i]);
	free(table->columns);
	ch_seen_release(&table->keys);
	ch_seen_release(&table->addresses);
	free(table->file);
	if (table->fd >= 0)
		ch_auto_close(&table->fd);
	free(table);
}

const char *const *ch_table_columns(const struct ch_table *table,
				    size_t *ret_len)
{
	*ret_len = table->columns_len;
	return (const char *const *)table->columns;
}

uint64_t ch_table_rows(const struct ch_table *table)
{
	return table->rows;
}

/* ---- cells ------------------------------------------------------------ */

/* Where byte `offset` of a cell stands, with its column's name. */
static struct ch_place place_in(const struct ch_table *table, size_t cell,
				size_t offset)
{
	const char *field = cell < table->columns_len ? table->columns[cell]
						      : NULL;

	return ch_csv_row_place(&table->row, cell, offset, table->file, field);
}

static struct ch_place whole_file(const struct ch_table *table)
{
	return (struct ch_place){ table->file, 0, 0, NULL };
}

/* A cell without the blanks around it; *ret_skipped: those in front. */
static struct ch_slice trimmed(const struct ch_table *table, size_t cell,
			       size_t *ret_skipped)
{
	struct ch_slice text = ch_csv_row_cell(&table->row, cell);

	*ret_skipped = 0;
	while (text.len > 0 && (*text.data == ' ' || *text.data == '\t')) {
		text.data++;
		text.len--;
		++*ret_skipped;
	}
	while (text.len > 0 && (text.data[text.len - 1] == ' ' ||
				text.data[text.len - 1] == '\t'))
		text.len--;
	return text;
}

/* Characters that turn the direction of what follows; marks and isolates are
 * needed in Arabic text, overrides never. Isolates could break out of those
 * that the letter puts around a value. */
static bool is_turning(uint32_t cp)
{
	return (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
}

/* Report what may not be in a cell. `one_line`: it lands in a header, a list
 * or a path, so nothing that breaks a line or hides. */
static void check_cell(struct ch_table *table, size_t cell, bool one_line,
		       struct ch_problems *problems)
{
	struct ch_slice text = ch_csv_row_cell(&table->row, cell);
	uint32_t cp;

	for (size_t at = 0; at < text.len;) {
		size_t n = ch_utf8_decode(text.data + at, text.len - at, &cp);
		bool bad = (ch_utf8_is_control(cp) &&
			    (one_line || (cp != '\n' && cp != '\t'))) ||
			   is_turning(cp) ||
			   (one_line && ch_utf8_is_bidi_control(cp));

		if (bad && (cp == '\n' || cp == '\t')) {
			ch_problems_add(problems, CH_PROBLEM_ERROR,
					place_in(table, cell, at),
					"Write it on one line.",
					"a %s in it",
					cp == '\n' ? "line break" : "tab");
			return;
		}
		if (bad) {
			ch_problems_add(problems, CH_PROBLEM_ERROR,
					place_in(table, cell, at),
					"Delete it; it does not show.",
					"%s character U+%04X",
					ch_utf8_is_control(cp)
						? "control"
						: "text direction", cp);
			return;
		}
		at += n ? n : 1;
	}
}

static bool is_one_line(const struct ch_table *table, size_t cell)
{
	for (size_t i = 0; i < STANDARD_COLUMNS; i++) {
		if (table->standard[i] == cell)
			return true;
	}
	return false;
}

/* ---- the header row --------------------------------------------------- */

static size_t find_column(const struct ch_table *table, const char *name)
{
	for (size_t i = 0; i < table->columns_len; i++) {
		if (strcmp(table->columns[i], name) == 0)
			return i;
	}
	return NONE;
}

static void add_column(struct ch_table *table, size_t cell,
		       struct ch_problems *problems)
{
	size_t skipped;
	struct ch_slice name = trimmed(table, cell, &skipped);
	CH_AUTOCHAR text = ch_slice_dup(name);
	size_t before = find_column(table, text);
	struct ch_place place = place_in(table, cell, skipped);
	struct ch_error err;

	place.field = NULL;
	if (name.len == 0)
		ch_problems_add(problems, CH_PROBLEM_ERROR, place,
				"Name it, or delete the column.",
				"column %zu has no name", cell + 1);
	else if (ch_template_name_ok(name, &err) < 0)
		ch_problems_add(problems, CH_PROBLEM_ERROR, place,
				"Call it something that a tag can name.",
				"column %zu: %s", cell + 1, err.text);
	else if (before != NONE)
		ch_problems_add(problems, CH_PROBLEM_ERROR, place,
				"Delete or rename one of them.",
				"column %zu is called \"%s\" like column %zu",
				cell + 1, text, before + 1);
	CH_GROW(table->columns, table->columns_len, table->columns_cap);
	table->columns[table->columns_len++] = CH_TAKE(text);
}

/* A column that must be there and is not: say what may have happened. */
static void fault_missing(struct ch_table *table, const char *name,
			  struct ch_problems *problems)
{
	const char *hint = "The first row names the columns; key and to must "
			   "be there.";
	struct ch_place place = { table->file, table->row.line, 0, NULL };

	if (table->columns_len == 1 && strpbrk(table->columns[0], ";\t"))
		hint = "Columns are separated by commas: save the table as "
		       "CSV with commas.";
	for (size_t i = 0; i < table->columns_len; i++) {
		if (strcasecmp(table->columns[i], name) == 0)
			hint = "Write its name in small letters.";
	}
	ch_problems_add(problems, CH_PROBLEM_ERROR, place, hint,
			"there is no column called \"%s\"", name);
}

static void find_standard(struct ch_table *table, struct ch_problems *problems)
{
	for (size_t i = 0; i < STANDARD_COLUMNS; i++)
		table->standard[i] = find_column(table, standard_names[i]);
	if (table->standard[COL_KEY] == NONE)
		fault_missing(table, "key", problems);
	if (table->standard[COL_TO] == NONE)
		fault_missing(table, "to", problems);
}

static int read_header(struct ch_table *table, struct ch_problems *problems)
{
	size_t errors = problems->errors;

	if (ch_csv_next(table->csv, &table->row, problems) == 0) {
		ch_problems_add(problems, CH_PROBLEM_ERROR, whole_file(table),
				"The first row names the columns.",
				"the table is empty");
		return -1;
	}
	if (table->row.len > CH_COLUMNS_MAX) {
		ch_problems_add(problems, CH_PROBLEM_ERROR, whole_file(table),
				NULL, "%zu columns; %d may be", table->row.len,
				CH_COLUMNS_MAX);
		return -1;
	}
	for (size_t i = 0; i < table->row.len && !table->row.bad; i++)
		add_column(table, i, problems);
	if (problems->errors == errors)
		find_standard(table, problems);
	return problems->errors > errors ? -1 : 0;
}

/* ---- opening ---------------------------------------------------------- */

static int open_file(struct ch_table *table, const char *path,
		     const char *charset, struct ch_error *err)
{
	struct ch_decoder *decoder;

	table->fd = ch_file_open(AT_FDCWD, path, err);
	if (table->fd < 0)
		return -1;
	if (fstat(table->fd, &table->before) < 0)
		return ch_error_errno(err, errno, "%s", path);
	if (ch_decoder_new(table->fd, CH_SLICE_EMPTY, charset, &decoder,
			   err) < 0)
		return -1;
	table->csv = ch_csv_new(decoder, table->file, CH_CELL_MAX,
				CH_COLUMNS_MAX);
	return 0;
}

int ch_table_open(const char *path, const struct ch_table_options *options,
		  struct ch_table **ret, struct ch_problems *problems)
{
	CH_AUTOPTR(ch_table) table = ch_xzalloc(sizeof(*table));
	struct ch_error err;

	table->fd = -1;
	table->file = ch_xstrdup(options->shown);
	table->max_recipients = options->max_recipients;
	ch_csv_row_init(&table->row);
	ch_seen_init(&table->keys);
	ch_seen_init(&table->addresses);
	for (size_t i = 0; i < STANDARD_COLUMNS; i++)
		table->standard[i] = NONE;
	if (open_file(table, path, options->charset, &err) < 0) {
		ch_problems_add(problems, CH_PROBLEM_ERROR, whole_file(table),
				NULL, "%s", ch_error_behind(&err, path));
		return -1;
	}
	if (read_header(table, problems) < 0)
		return -1;
	*ret = CH_TAKE(table);
	return 0;
}

/* ---- an addressee ----------------------------------------------------- */

static void read_key(struct ch_table *table, struct ch_addressee *ret,
		     struct ch_problems *problems)
{
	size_t cell = table->standard[COL_KEY];
	size_t skipped;
	struct ch_slice text = trimmed(table, cell, &skipped);
	struct ch_place place = place_in(table, cell, skipped);
	const struct ch_seen_entry *first;
	const char *slash = memchr(text.data, '/', text.len);

	ret->key = ch_slice_dup(text);
	table->key_is_new = false;
	if (text.len == 0) {
		ch_problems_add(problems, CH_PROBLEM_ERROR, place,
				"Every addressee needs one, such as FRA.",
				"empty");
		return;
	}
	if (slash)
		ch_problems_add(problems, CH_PROBLEM_ERROR, place,
				"A slash divides a batch from its letters.",
				"\"%s\" has a slash in it", ret->key);
	if (ch_utf8_text_width(text.data, text.len) > KEY_MAX ||
	    text.len > KEY_MAX * 4)
		ch_problems_add(problems, CH_PROBLEM_ERROR, place, NULL,
				"longer than %d characters", KEY_MAX);
	first = ch_seen_add(&table->keys, text, table->row.line, 0);
	table->key_is_new = !first;
	if (first)
		ch_problems_add(problems, CH_PROBLEM_ERROR, place,
				"One addressee gets one letter: put both "
				"lines together, or give one another key.",
				"\"%s\" is there twice, on lines %u and %u",
				ret->key, first->line, table->row.line);
}

/* ISO 639-1, as one text: every two letters are a code. */
static bool is_language(const char *code)
{
	static const char codes[] =
		"aaabaeafakamanarasavayazbabebgbibmbnbobrbscacechcocrcscucvcy"
		"dadedvdzeeeleneoeseteufafffifjfofrfygaglgngugvhahehihohrhthu"
		"hyhziaidieigiiikioisitiujajvkakgkikjkkklkmknkokrkskukvkwkyla"
		"lblglilnloltlulvmgmhmimkmlmnmrmsmtmynanbndnengnlnnnonrnvnyoc"
		"ojomorospapiplpsptqurmrnrorurwsascsdsesgsiskslsmsnsosqsrssst"
		"susvswtatetgthtitktltntotrtstttwtyugukuruzvevivowawoxhyiyoza"
		"zhzu";

	if (strlen(code) != 2)
		return false;
	for (size_t i = 0; codes[i]; i += 2) {
		if (memcmp(codes + i, code, 2) == 0)
			return true;
	}
	return false;
}

static void read_language(struct ch_table *table, struct ch_addressee *ret,
			  struct ch_problems *problems)
{
	size_t cell = table->standard[COL_LANGUAGE];
	size_t skipped;
	struct ch_slice text;

	if (cell == NONE) {
		ret->language = ch_xstrdup("");
		return;
	}
	text = trimmed(table, cell, &skipped);
	ret->language = ch_slice_dup(text);
	for (char *p = ret->language; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (text.len > 0 && !is_language(ret->language))
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				place_in(table, cell, skipped),
				"Write its two letters (ISO 639-1): ar, en, "
				"es, fr, ru, zh …",
				"\"%.*s\" is no language",
				text.len < 40 ? (int)text.len : 40,
				text.data);
}

static void read_name(struct ch_table *table, struct ch_addressee *ret,
		      struct ch_problems *problems)
{
	size_t cell = table->standard[COL_NAME];
	size_t skipped;
	struct ch_slice text;

	if (cell == NONE) {
		ret->name = ch_xstrdup(ret->key);
		return;
	}
	text = trimmed(table, cell, &skipped);
	ret->name = text.len ? ch_slice_dup(text) : ch_xstrdup(ret->key);
	if (text.len > NAME_MAX_CHARACTERS * 4)
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				place_in(table, cell, skipped), NULL,
				"longer than %d characters",
				NAME_MAX_CHARACTERS);
}

static bool has_address(const struct ch_addressee *addressee, const char *spec)
{
	for (size_t i = 0; i < addressee->addresses_len; i++) {
		if (strcasecmp(addressee->addresses[i].address.spec, spec) == 0)
			return true;
	}
	return false;
}

/* Whether another addressee has it too: said, and no more. Only of `to`: half
 * of a continent may be copied to one office. */
static void look_for_other(struct ch_table *table, struct ch_place place,
			   const struct ch_addressee *addressee,
			   const char *spec, struct ch_problems *problems)
{
	const struct ch_seen_entry *first;
	uint32_t own = (uint32_t)table->keys.len - 1;

	if (!table->key_is_new)
		return;
	first = ch_seen_add(&table->addresses, ch_slice_of(spec),
			    table->row.line, own);
	if (!first || first->owner == own)
		return;
	ch_problems_add(problems, CH_PROBLEM_WARNING, place,
			"Both letters go there.",
			"%s has the address %s, and so has %s on line %u",
			addressee->key, spec,
			ch_seen_text(&table->keys,
				     &table->keys.entries[first->owner]),
			first->line);
}

static void read_addresses(struct ch_table *table, enum standard column,
			   enum ch_address_role role,
			   struct ch_addressee *ret,
			   struct ch_problems *problems)
{
	size_t cell = table->standard[column];
	size_t skipped;
	struct ch_slice text;
	struct ch_address *list = NULL;
	size_t offset = 0;
	struct ch_error err;
	int len;

	if (cell == NONE)
		return;
	text = trimmed(table, cell, &skipped);
	len = ch_address_parse_list(text.data, text.len, &list, &offset, &err);
	if (len < 0) {
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				place_in(table, cell, skipped + offset),
				"Write it as name@domain or "
				"Name <name@domain>; several with commas.",
				"%s", err.text);
		return;
	}
	if (len == 0 && role == CH_ROLE_TO)
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				place_in(table, cell, 0),
				"Every addressee needs an address.",
				"no address");
	if (ret->addresses_len + (size_t)len > ADDRESSES_MAX) {
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				place_in(table, cell, 0), NULL,
				"more than %d addresses", ADDRESSES_MAX);
		free(list);
		return;
	}
	ret->addresses = ch_xreallocarray(ret->addresses,
					  ret->addresses_len + (size_t)len,
					  sizeof(*ret->addresses));
	for (int i = 0; i < len; i++) {
		if (has_address(ret, list[i].spec)) {
			ch_problems_add(problems, CH_PROBLEM_ERROR,
					place_in(table, cell, skipped),
					"Delete one of them.",
					"%s is there twice", list[i].spec);
			continue;
		}
		if (role == CH_ROLE_TO)
			look_for_other(table, place_in(table, cell, skipped),
				       ret, list[i].spec, problems);
		ret->addresses[ret->addresses_len++] =
			(struct ch_addressee_address){ role, list[i] };
	}
	free(list);
}

static void read_fields(const struct ch_table *table, struct ch_addressee *ret)
{
	for (size_t i = 0; i < table->columns_len; i++) {
		struct ch_slice value = ch_csv_row_cell(&table->row, i);
		size_t skipped;

		if (is_one_line(table, i))
			value = trimmed(table, i, &skipped);
		ch_fields_set(&ret->fields, table->columns[i], value);
	}
}

static bool check_width(struct ch_table *table, struct ch_problems *problems)
{
	size_t len = table->row.len;
	struct ch_place place = { table->file, table->row.line, 0, NULL };

	if (len == table->columns_len)
		return true;
	if (len > table->columns_len && table->columns_len < CH_COLUMNS_MAX) {
		place = place_in(table, table->columns_len, 0);
		place.field = NULL;
	}
	ch_problems_add(problems, CH_PROBLEM_ERROR, place,
			"A cell that holds a comma or a line break goes "
			"in quotes.",
			"%zu cells, but there are %zu columns", len,
			table->columns_len);
	return false;
}

/* Read the row into *ret; -1 with problems. */
static int read_row(struct ch_table *table, struct ch_addressee *ret,
		    struct ch_problems *problems)
{
	size_t errors = problems->errors;

	if (table->row.bad || !check_width(table, problems))
		return -1;
	for (size_t i = 0; i < table->columns_len; i++)
		check_cell(table, i, is_one_line(table, i), problems);
	if (problems->errors > errors)
		return -1;
	ret->file = table->file;
	ret->line = table->row.line;
	read_key(table, ret, problems);
	read_language(table, ret, problems);
	read_name(table, ret, problems);
	read_addresses(table, COL_TO, CH_ROLE_TO, ret, problems);
	read_addresses(table, COL_CC, CH_ROLE_CC, ret, problems);
	if (problems->errors > errors)
		return -1;
	read_fields(table, ret);
	return 0;
}

/* ---- the end ---------------------------------------------------------- */

static void check_unchanged(struct ch_table *table,
			    struct ch_problems *problems)
{
	struct stat after;

	if (fstat(table->fd, &after) == 0 &&
	    after.st_size == table->before.st_size &&
	    after.st_mtim.tv_sec == table->before.st_mtim.tv_sec &&
	    after.st_mtim.tv_nsec == table->before.st_mtim.tv_nsec)
		return;
	ch_problems_add(problems, CH_PROBLEM_ERROR, whole_file(table),
			"Close it in the other program, and try again.",
			"the file was changed while it was read");
}

static int end(struct ch_table *table, struct ch_problems *problems)
{
	if (table->ended)
		return 0;
	table->ended = true;
	check_unchanged(table, problems);
	if (table->rows == 0)
		ch_problems_add(problems, CH_PROBLEM_ERROR, whole_file(table),
				NULL, "there is no addressee in it");
	return 0;
}

int ch_table_next(struct ch_table *table, struct ch_addressee *ret,
		  struct ch_problems *problems)
{
	while (!table->ended &&
	       ch_csv_next(table->csv, &table->row, problems) > 0) {
		*ret = (struct ch_addressee){ 0 };
		if (table->max_recipients &&
		    table->rows == table->max_recipients) {
			struct ch_place place = { table->file,
						  table->row.line, 0, NULL };

			ch_problems_add(problems, CH_PROBLEM_ERROR, place,
					NULL, "more than %llu addressees",
					(unsigned long long)
						table->max_recipients);
			break;
		}
		table->rows++;
		if (read_row(table, ret, problems) == 0)
			return 1;
		ch_addressee_release(ret);
	}
	return end(table, problems);
}
