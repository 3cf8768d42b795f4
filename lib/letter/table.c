// SPDX-License-Identifier: GPL-3.0-or-later
/* table.c - from rows of cells to addressees.
 *
 * Rows stream through; what is kept of those that are gone is their key and
 * their addresses, to find a ministry that stands there twice: see seen.h. A
 * cell is
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
#include "letter/addressee-private.h"
#include "letter/fault.h"
#include "letter/rows.h"
#include "letter/seen.h"
#include "letter/template.h"
#include "mail/same.h"

#define SHOWN_MAX 2000 /* bytes of an address, for people */
#define KEY_MAX 64
#define NAME_MAX_CHARACTERS 200
#define ADDRESSES_MAX 50
#define NONE ((size_t)-1)

enum standard {
	COL_KEY,
	COL_LANGUAGE,
	COL_SECOND_LANGUAGE,
	COL_TO,
	COL_CC,
	COL_NAME,
	COL_ATTACHMENTS,
	COL_COPIES,
	STANDARD_COLUMNS
};

static const char *const standard_names[STANDARD_COLUMNS] = {
	[COL_KEY] = "key",
	[COL_LANGUAGE] = "language",
	[COL_SECOND_LANGUAGE] = "second_language",
	[COL_TO] = "to",
	[COL_CC] = "cc",
	[COL_NAME] = "name",
	[COL_ATTACHMENTS] = CH_FIELD_ATTACHMENTS,
	[COL_COPIES] = CH_FIELD_COPIES,
};

/* A column of addresses. */
struct address_column {
	size_t column;
	enum ch_address_role role;
};

struct ch_table {
	int fd;
	struct stat before;
	char *file; /* owned; as messages call it */
	uint64_t max_recipients;
	bool joined;
	enum ch_table_utf8 utf8;
	struct ch_rows *source; /* owned */
	struct ch_row row;
	char **columns; /* owned, as are the strings */
	size_t columns_len;
	size_t columns_cap;
	size_t standard[STANDARD_COLUMNS]; /* which column; NONE */
	struct address_column *addressing; /* owned; those of To first */
	size_t addressing_len;
	struct ch_seen keys;
	bool key_is_new; /* of the row under way, as far as is known */
	bool disk_failed;
	struct ch_seen addresses; /* their owners: keys */
	uint64_t rows;
	bool ended;
};

void ch_table_free(struct ch_table *table)
{
	if (table->source)
		ch_rows_free(table->source);
	ch_row_release(&table->row);
	for (size_t i = 0; i < table->columns_len; i++)
		free(table->columns[i]);
	free(table->columns);
	free(table->addressing);
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

const char *ch_table_file(const struct ch_table *table)
{
	return ch_rows_file(table->source);
}

const char *ch_table_form(const struct ch_table *table)
{
	return ch_rows_form(table->source);
}

/* ---- cells ------------------------------------------------------------ */

/* Where byte `offset` of a cell stands, with its column's name. */
static struct ch_place place_in(const struct ch_table *table, size_t cell,
				size_t offset)
{
	const char *field = cell < table->columns_len ? table->columns[cell]
						      : NULL;

	return ch_rows_place(table->source, &table->row, cell, offset, field);
}

static struct ch_place whole_file(const struct ch_table *table)
{
	return (struct ch_place){ table->file, 0, 0, NULL };
}

/* A cell without the blanks around it; *ret_skipped: those in front. */
static struct ch_slice trimmed(const struct ch_table *table, size_t cell,
			       size_t *ret_skipped)
{
	struct ch_slice text = ch_row_cell(&table->row, cell);

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
	struct ch_slice text = ch_row_cell(&table->row, cell);
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
	for (size_t i = 0; i < table->addressing_len; i++) {
		if (table->addressing[i].column == cell)
			return true;
	}
	if (cell == table->standard[COL_COPIES] ||
	    cell == table->standard[COL_ATTACHMENTS])
		return false; /* lists, which may have a line for each */
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
	else if (!ch_addressee_column_ok(text))
		ch_problems_add(problems, CH_PROBLEM_ERROR, place,
				"Give the column another name.",
				"column %zu: \"%s\" is what a list of several "
				"tables is called", cell + 1, text);
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
	struct ch_place place =
		ch_rows_row_place(table->source, &table->row);

	for (size_t i = 0; i < table->columns_len; i++) {
		if (strcasecmp(table->columns[i], name) == 0)
			hint = "Write its name in small letters.";
	}
	ch_problems_add(problems, CH_PROBLEM_ERROR, place, hint,
			"there is no column called \"%s\"", name);
}

static void add_addressing(struct ch_table *table, size_t column,
			   enum ch_address_role role)
{
	table->addressing[table->addressing_len++] =
		(struct address_column){ column, role };
}

/* The columns `to` and `to.ROLE`, then `cc` and `cc.ROLE`: the order in which
 * an addressee is rebuilt from its fields, see addressee.c. */
static void find_addressing(struct ch_table *table)
{
	table->addressing = ch_xcalloc(table->columns_len + 2,
				       sizeof(*table->addressing));
	for (enum ch_address_role role = CH_ROLE_TO; role <= CH_ROLE_CC;
	     role++) {
		size_t plain = table->standard[role == CH_ROLE_TO ? COL_TO
								  : COL_CC];

		if (plain != NONE)
			add_addressing(table, plain, role);
		for (size_t i = 0; i < table->columns_len; i++) {
			if (ch_addressee_is_role(table->columns[i], role))
				add_addressing(table, i, role);
		}
	}
}

static void find_standard(struct ch_table *table, struct ch_problems *problems)
{
	for (size_t i = 0; i < STANDARD_COLUMNS; i++)
		table->standard[i] = find_column(table, standard_names[i]);
	find_addressing(table);
	if (table->standard[COL_KEY] == NONE)
		fault_missing(table, "key", problems);
	if (table->addressing_len == 0 ||
	    table->addressing[0].role != CH_ROLE_TO)
		fault_missing(table, "to", problems);
}

static int read_header(struct ch_table *table, struct ch_problems *problems)
{
	size_t errors = problems->errors;

	if (ch_rows_next(table->source, &table->row, problems) == 0) {
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
		     struct ch_error *err)
{
	table->fd = ch_file_open(AT_FDCWD, path, err);
	if (table->fd < 0)
		return -1;
	if (fstat(table->fd, &table->before) < 0)
		return ch_error_errno(err, errno, "%s", path);
	return 0;
}

int ch_table_open(const char *path, const struct ch_table_options *options,
		  struct ch_table **ret, struct ch_problems *problems)
{
	CH_AUTOPTR(ch_table) table = ch_xzalloc(sizeof(*table));
	struct ch_rows_options rows = {
		.shown = options->shown,
		.charset = options->charset,
		.sheet = options->sheet,
		.joined = options->joined,
		.max_cell = CH_CELL_MAX,
		.max_cells = CH_COLUMNS_MAX,
	};
	struct ch_error err;

	table->fd = -1;
	table->file = ch_xstrdup(options->shown);
	table->max_recipients = options->max_recipients;
	table->joined = options->joined;
	table->utf8 = options->utf8;
	ch_row_init(&table->row);
	ch_seen_init(&table->keys, options->scratch_dir);
	ch_seen_init(&table->addresses, options->scratch_dir);
	for (size_t i = 0; i < STANDARD_COLUMNS; i++)
		table->standard[i] = NONE;
	if (open_file(table, path, &err) < 0) {
		ch_problems_add(problems, CH_PROBLEM_ERROR, whole_file(table),
				NULL, "%s", ch_error_behind(&err, path));
		return -1;
	}
	if (ch_rows_open(table->fd, &rows, &table->source, problems) < 0 ||
	    read_header(table, problems) < 0)
		return -1;
	*ret = CH_TAKE(table);
	return 0;
}

/* ---- an addressee ----------------------------------------------------- */

static void fault_disk(struct ch_table *table, const struct ch_error *err,
		       struct ch_problems *problems)
{
	if (!table->disk_failed)
		ch_problems_add(problems, CH_PROBLEM_ERROR, whole_file(table),
				NULL, "%s", err->text);
	table->disk_failed = true;
}

static void fault_twice(struct ch_place place, struct ch_slice key,
			unsigned int first, unsigned int again,
			struct ch_problems *problems)
{
	ch_problems_add(problems, CH_PROBLEM_ERROR, place,
			"One addressee gets one letter: put both lines "
			"together, or give one another key.",
			"\"%.*s\" is there twice, on lines %u and %u",
			(int)key.len, key.data, first, again);
}

/* Where a cell of this row stands, for later. */
static struct ch_seen_where where_is(struct ch_table *table, size_t cell,
				     size_t offset, const char *owner)
{
	struct ch_seen_where where = { .owner = ch_slice_of(owner) };

	ch_rows_note(table->source, &table->row, cell, offset, &where.line,
		     &where.column);
	return where;
}

static void note_key(struct ch_table *table, struct ch_slice key,
		     size_t skipped, struct ch_problems *problems)
{
	size_t cell = table->standard[COL_KEY];
	struct ch_seen_where where = where_is(table, cell, skipped, "");
	struct ch_seen_where first;
	struct ch_error err;
	int seen = ch_seen_add(&table->keys, key, &where, &first, &err);

	table->key_is_new = seen == 0;
	if (seen < 0)
		fault_disk(table, &err, problems);
	if (seen > 0)
		fault_twice(place_in(table, cell, skipped), key, first.line,
			    table->row.line, problems);
}

static void read_key(struct ch_table *table, struct ch_addressee *ret,
		     struct ch_problems *problems)
{
	size_t cell = table->standard[COL_KEY];
	size_t skipped;
	struct ch_slice text = trimmed(table, cell, &skipped);
	struct ch_place place = place_in(table, cell, skipped);
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
	note_key(table, text, skipped, problems);
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

/* In small letters, owned by the caller; "" where there is none. */
static char *read_language(struct ch_table *table, enum standard column,
			   struct ch_problems *problems)
{
	size_t cell = table->standard[column];
	size_t skipped;
	struct ch_slice text;
	char *code;

	if (cell == NONE)
		return ch_xstrdup("");
	text = trimmed(table, cell, &skipped);
	code = ch_slice_dup(text);
	for (char *p = code; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (text.len > 0 && !is_language(code))
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				place_in(table, cell, skipped),
				"Write its two letters (ISO 639-1): ar, en, "
				"es, fr, ru, zh …",
				"\"%.*s\" is no language",
				text.len < 40 ? (int)text.len : 40,
				text.data);
	return code;
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
	for (size_t i = 0; i < addressee->addresses_len; i++)
		if (ch_address_same(
			    ch_slice_of(addressee->addresses[i].address.spec),
			    ch_slice_of(spec)))
			return true;
	return false;
}

static void warn_of_other(struct ch_place place, struct ch_slice owner,
			  struct ch_slice spec,
			  const struct ch_seen_where *first,
			  struct ch_problems *problems)
{
	CH_AUTO(ch_str) shown = CH_STR_INIT(SHOWN_MAX);
	CH_AUTOCHAR copy = ch_slice_dup(spec);

	ch_address_show(copy, &shown);
	ch_problems_add(problems, CH_PROBLEM_WARNING, place,
			"Both letters go there.",
			"%.*s has the address %s, and so has %.*s on line "
			"%u", (int)owner.len, owner.data, ch_str_cstr(&shown),
			(int)first->owner.len, first->owner.data,
			first->line);
}

/* Whether another addressee has it too: said, and no more. Only of `to`: half
 * of a continent may be copied to one office. */
static void look_for_other(struct ch_table *table, size_t cell, size_t offset,
			   const struct ch_addressee *addressee,
			   const char *spec, struct ch_problems *problems)
{
	struct ch_slice own = ch_slice_of(addressee->key);
	struct ch_seen_where where =
		where_is(table, cell, offset, addressee->key);
	struct ch_seen_where first;
	struct ch_error err;
	int seen;

	if (!table->key_is_new || table->joined)
		return;
	seen = ch_seen_add(&table->addresses, ch_slice_of(spec), &where,
			   &first, &err);
	if (seen < 0)
		fault_disk(table, &err, problems);
	if (seen > 0)
		warn_of_other(place_in(table, cell, offset), own,
			      ch_slice_of(spec), &first, problems);
}

/* One that only SMTPUTF8 can carry, at its place in the cell: `text`, from
 * `skipped` on. */
static void judge_utf8(struct ch_table *table, size_t cell, size_t skipped,
		       struct ch_slice text, const struct ch_address *address,
		       struct ch_problems *problems)
{
	/* As it was written, since nothing in it is changed. */
	const char *at = memmem(text.data, text.len, address->spec,
				address->local_len + 1);
	size_t offset = at ? (size_t)(at - text.data) : 0;
	bool refused = table->utf8 == CH_TABLE_UTF8_REFUSED;

	if (table->utf8 == CH_TABLE_UTF8_TAKEN)
		return;
	ch_problems_add(problems,
			refused ? CH_PROBLEM_ERROR : CH_PROBLEM_WARNING,
			place_in(table, cell, skipped + offset),
			"Such a relay says smtputf8 = true in "
			"chancery.conf(5).",
			"\"%.*s\" is not ASCII: %s",
			(int)address->local_len, address->spec,
			refused ? "no relay is set up to carry it" :
				  "it needs a relay that is set up to carry it");
}

static void read_addresses(struct ch_table *table,
			   const struct address_column *column,
			   struct ch_addressee *ret,
			   struct ch_problems *problems)
{
	size_t cell = column->column;
	enum ch_address_role role = column->role;
	size_t skipped;
	struct ch_slice text;
	struct ch_address *list = NULL;
	size_t offset = 0;
	struct ch_error err;
	int len;

	text = trimmed(table, cell, &skipped);
	len = ch_address_parse_list(text.data, text.len, CH_LOCAL_UTF8, &list,
				    &offset, &err);
	if (len < 0) {
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				place_in(table, cell, skipped + offset),
				"Write it as name@domain or "
				"Name <name@domain>; several with commas.",
				"%s", err.text);
		return;
	}
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
		if (ch_address_needs_utf8(list[i].spec))
			judge_utf8(table, cell, skipped, text, &list[i],
				   problems);
		if (has_address(ret, list[i].spec)) {
			CH_AUTO(ch_str) shown = CH_STR_INIT(SHOWN_MAX);

			ch_address_show(list[i].spec, &shown);
			ch_problems_add(problems, CH_PROBLEM_ERROR,
					place_in(table, cell, skipped),
					"Delete one of them.",
					"%s is there twice",
					ch_str_cstr(&shown));
			continue;
		}
		if (role == CH_ROLE_TO)
			look_for_other(table, cell, skipped, ret,
				       list[i].spec, problems);
		ret->addresses[ret->addresses_len++] =
			(struct ch_addressee_address){ role, list[i] };
	}
	free(list);
}

/* All columns of addresses. */
static void read_all_addresses(struct ch_table *table,
			       struct ch_addressee *ret,
			       struct ch_problems *problems)
{
	size_t errors = problems->errors;

	for (size_t i = 0; i < table->addressing_len; i++) {
		const struct address_column *column = &table->addressing[i];

		read_addresses(table, column, ret, problems);
	}
	if (problems->errors == errors &&
	    (ret->addresses_len == 0 || ret->addresses[0].role != CH_ROLE_TO))
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				place_in(table, table->addressing[0].column,
					 0),
				"Every addressee needs an address.",
				"no address");
}

/* The list that is printed names as many as are copied. */
static void check_copies(struct ch_table *table,
			 const struct ch_addressee *addressee,
			 struct ch_problems *problems)
{
	size_t cell = table->standard[COL_COPIES];
	struct ch_error err;

	if (cell != NONE &&
	    ch_addressee_check_copies(addressee,
				      ch_row_cell(&table->row, cell), &err) <
		    0)
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				place_in(table, cell, 0),
				CH_HINT_COPIES, "%s", err.text);
}

static void check_attachments(struct ch_table *table,
			      struct ch_problems *problems)
{
	size_t cell = table->standard[COL_ATTACHMENTS];
	struct ch_slice rest;
	struct ch_slice whole;
	struct ch_slice name;

	if (cell == NONE)
		return;
	whole = rest = ch_row_cell(&table->row, cell);
	while (ch_list_next(&rest, &name)) {
		CH_AUTOCHAR text = ch_slice_dup(name);
		struct ch_error err;

		if (ch_bundle_name_ok(text, &err) < 0)
			ch_problems_add(problems, CH_PROBLEM_ERROR,
					place_in(table, cell,
						 (size_t)(name.data -
							  whole.data)),
					CH_HINT_ATTACHMENTS, "%s", err.text);
	}
}

static void read_fields(const struct ch_table *table, struct ch_addressee *ret)
{
	for (size_t i = 0; i < table->columns_len; i++) {
		struct ch_slice value = ch_row_cell(&table->row, i);
		size_t skipped;

		if (is_one_line(table, i))
			value = trimmed(table, i, &skipped);
		ch_fields_set(&ret->fields, table->columns[i], value);
	}
}

static bool check_width(struct ch_table *table, struct ch_problems *problems)
{
	size_t len = table->row.len;
	struct ch_place place =
		ch_rows_row_place(table->source, &table->row);
	bool sheet = ch_rows_is_sheet(table->source);

	if (len == table->columns_len)
		return true;
	if (len > table->columns_len && table->columns_len < CH_COLUMNS_MAX) {
		place = place_in(table, table->columns_len, 0);
		place.field = NULL;
	}
	ch_problems_add(problems, CH_PROBLEM_ERROR, place,
			sheet ? "Name the column, or empty the cell."
			      : "A cell that holds a separator or a line "
				"break goes in quotes.",
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
	ret->file = ch_rows_file(table->source);
	ret->line = table->row.line;
	read_key(table, ret, problems);
	ret->language = read_language(table, COL_LANGUAGE, problems);
	ret->second_language =
		read_language(table, COL_SECOND_LANGUAGE, problems);
	read_name(table, ret, problems);
	read_all_addresses(table, ret, problems);
	check_copies(table, ret, problems);
	check_attachments(table, problems);
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

struct ending {
	struct ch_table *table;
	struct ch_problems *problems;
};

static void on_key_twice(void *context, struct ch_slice key,
			 const struct ch_seen_where *first,
			 const struct ch_seen_where *again)
{
	struct ending *ending = context;

	fault_twice(ch_rows_place_at(ending->table->source, again->line,
				     again->column, "key"),
		    key, first->line, again->line, ending->problems);
}

static void on_address_twice(void *context, struct ch_slice spec,
			     const struct ch_seen_where *first,
			     const struct ch_seen_where *again)
{
	struct ending *ending = context;

	if (again->owner.len == first->owner.len &&
	    strncasecmp(again->owner.data, first->owner.data,
			first->owner.len) == 0)
		return; /* a key that is there twice, which is an error */
	warn_of_other(ch_rows_place_at(ending->table->source, again->line,
				       again->column, "to"),
		      again->owner, spec, first, ending->problems);
}

static int end(struct ch_table *table, struct ch_problems *problems)
{
	struct ending ending = { table, problems };
	struct ch_error err;

	if (table->ended)
		return 0;
	table->ended = true;
	if (ch_seen_end(&table->keys, on_key_twice, &ending, &err) < 0 ||
	    ch_seen_end(&table->addresses, on_address_twice, &ending, &err) <
		    0)
		fault_disk(table, &err, problems);
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
	       ch_rows_next(table->source, &table->row, problems) > 0) {
		*ret = (struct ch_addressee){ 0 };
		if (table->max_recipients &&
		    table->rows == table->max_recipients) {
			ch_problems_add(problems, CH_PROBLEM_ERROR,
					ch_rows_row_place(table->source,
							  &table->row),
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
