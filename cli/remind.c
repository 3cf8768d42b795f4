// SPDX-License-Identifier: GPL-3.0-or-later
/* remind.c - chancery remind: a letter to those who have not answered another.
 *
 * Their rows are what chanceryd keeps of the first tables, written as tables
 * again: where an addressee stood in several, so that a letter can speak of its
 * capacities, in as many. Who answers between this list and the sending is not
 * reminded: chanceryd sees to that, for it alone knows in time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/enqueue.h"
#include "cli/json.h"
#include "cli/outcome.h"
#include "cli/request.h"
#include "cli/target.h"
#include "letter/recipients.h"

#define PAGE 100
#define CAPACITIES "capacities."
#define CAPACITY "capacity" /* the column that names a table's */

/* One table of those to be written. */
struct table {
	char **columns; /* owned, and each */
	size_t columns_len, columns_cap;
	json_t *rows; /* owned array of objects */
	char *path;   /* owned; "" until it is written */
};

struct remind {
	const struct ch_cli *cli;
	struct table tables[CH_TABLES_MAX];
	size_t tables_len;
	char *folder; /* owned; of the tables' files */
	unsigned long long reminded, answered, returned, unsent;
};

static void release(struct remind *r)
{
	for (size_t i = 0; i < CH_TABLES_MAX; i++) {
		struct table *table = &r->tables[i];

		for (size_t c = 0; c < table->columns_len; c++)
			free(table->columns[c]);
		free(table->columns);
		json_decref(table->rows);
		if (table->path)
			unlink(table->path);
		free(table->path);
	}
	if (r->folder)
		rmdir(r->folder);
	free(r->folder);
}

/* ---- the rows ----------------------------------------------------------- */

static void set(struct table *table, json_t *row, const char *column,
		const char *value)
{
	size_t i = 0;

	while (i < table->columns_len &&
	       strcmp(table->columns[i], column) != 0)
		i++;
	if (i == table->columns_len) {
		CH_GROW(table->columns, table->columns_len,
			table->columns_cap);
		table->columns[table->columns_len++] = ch_xstrdup(column);
	}
	json_object_set_new(row, column, json_string(value));
}

static json_t *add_row(struct remind *r, size_t at, const json_t *addressee)
{
	struct table *table = &r->tables[at];
	json_t *row = json_object();

	if (!table->rows)
		table->rows = json_array();
	if (at >= r->tables_len)
		r->tables_len = at + 1;
	set(table, row, "key", ch_json_text(addressee, "key"));
	set(table, row, "language", ch_json_text(addressee, "language"));
	json_array_append_new(table->rows, row);
	return row;
}

/* "capacities.2.name" is "name" of the second; the number from 1, or 0. */
static size_t capacity_of(const char *field, const char **ret_column)
{
	char *end;
	unsigned long number;

	if (strncmp(field, CAPACITIES, strlen(CAPACITIES)) != 0)
		return 0;
	number = strtoul(field + strlen(CAPACITIES), &end, 10);
	if (*end != '.' || number == 0 || number > CH_TABLES_MAX)
		return 0;
	*ret_column = end + 1;
	return number;
}

/* Where a letter was sent on to: the address in the table is a bad one. */
static char *new_addresses(const json_t *addressee)
{
	CH_AUTO(ch_str) list = CH_STR_INIT(65536);
	const json_t *address;
	size_t i;

	json_array_foreach(json_object_get(addressee, "addresses"), i,
			   address) {
		if (strcmp(ch_json_text(address, "role"), "readdressed") != 0)
			continue;
		if (list.len)
			ch_str_add(&list, "; ");
		ch_str_add(&list, ch_json_text(address, "address"));
	}
	return list.len ? ch_xstrdup(ch_str_cstr(&list)) : NULL;
}

static void add_field(struct remind *r, size_t at, json_t *row,
		      const char *column, const char *value, const char *to)
{
	/* The code of the first table's row stays: it is the letter's. */
	if (strcmp(column, "key") == 0)
		return;
	if (to && strcmp(column, "to") == 0)
		value = to;
	else if (to && strncmp(column, "to.", 3) == 0)
		value = "";
	set(&r->tables[at], row, column, value);
}

static void add_addressee(struct remind *r, const json_t *addressee,
			  const char *to)
{
	json_t *rows[CH_TABLES_MAX] = { NULL };
	const json_t *fields = json_object_get(addressee, "fields");
	const json_t *field;
	bool listed = false;
	size_t i;

	json_array_foreach(fields, i, field) {
		const char *column;

		listed |= capacity_of(ch_json_text(field, "name"),
				      &column) > 0;
	}
	json_array_foreach(fields, i, field) {
		const char *column = ch_json_text(field, "name");
		size_t number = capacity_of(column, &column);

		if (listed != (number > 0))
			continue;
		if (listed && strcmp(column, "table") == 0)
			column = CAPACITY;
		number -= listed;
		if (!rows[number])
			rows[number] = add_row(r, number, addressee);
		add_field(r, number, rows[number], column,
			  ch_json_text(field, "value"), to);
	}
}

/* Whether it went to one of those it is written to; copies do not count. */
static bool was_sent(const json_t *addressee)
{
	const json_t *address;
	size_t i;

	json_array_foreach(json_object_get(addressee, "addresses"), i, address)
		if (strcmp(ch_json_text(address, "role"), "cc") != 0 &&
		    strcmp(ch_json_text(address, "state"), "sent") == 0)
			return true;
	return false;
}

static int look(void *context, const json_t *addressee)
{
	struct remind *r = context;
	CH_AUTOCHAR to = new_addresses(addressee);

	if (ch_json_true(addressee, "answered"))
		r->answered++;
	else if (!was_sent(addressee))
		r->unsent++;
	else if (ch_json_true(addressee, "bounced") && !to)
		r->returned++;
	else {
		r->reminded++;
		add_addressee(r, addressee, to);
	}
	return EX_OK;
}

/* ---- the tables --------------------------------------------------------- */

/* As it is: ch_escape_csv() would change a telephone number, "+41 …", for
 * programs that calculate. */
static void put_cell(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

static void put_table(FILE *out, const struct table *table)
{
	const json_t *row;
	size_t i;

	for (size_t c = 0; c < table->columns_len; c++) {
		if (c)
			putc(',', out);
		put_cell(out, table->columns[c]);
	}
	putc('\n', out);
	json_array_foreach(table->rows, i, row) {
		for (size_t c = 0; c < table->columns_len; c++) {
			if (c)
				putc(',', out);
			put_cell(out, ch_json_text(row, table->columns[c]));
		}
		putc('\n', out);
	}
}

static int write_table(struct remind *r, size_t at)
{
	struct table *table = &r->tables[at];
	FILE *out;
	int failed;

	table->path = ch_xasprintf("%s/reminded-%zu.csv", r->folder, at + 1);
	out = fopen(table->path, "wxe");
	if (!out)
		return ch_fail(r->cli, EX_CANTCREAT, NULL, "%s: %s",
			       table->path, strerror(errno));
	put_table(out, table);
	failed = ferror(out);
	if (fclose(out) != 0 || failed)
		return ch_fail(r->cli, EX_IOERR, NULL, "%s: %s", table->path,
			       strerror(errno));
	return EX_OK;
}

static int write_tables(struct remind *r)
{
	const char *dir = getenv("TMPDIR");
	int code = EX_OK;

	r->folder = ch_xasprintf("%s/chancery-XXXXXX",
				 dir && dir[0] ? dir : "/tmp");
	if (!mkdtemp(r->folder)) {
		code = ch_fail(r->cli, EX_CANTCREAT, NULL, "%s: %s",
			       r->folder, strerror(errno));
		free(CH_TAKE(r->folder));
	}
	for (size_t i = 0; code == EX_OK && i < r->tables_len; i++)
		code = write_table(r, i);
	return code;
}

/* ---- all of it ---------------------------------------------------------- */

static void say_whom(const struct remind *r, const char *reference)
{
	const struct ch_term *err = &r->cli->err;

	ch_term_line(err, "To be reminded of %s: %llu.", reference,
		     r->reminded);
	if (r->answered)
		ch_term_line(err, "Left out, for they have answered: %llu.",
			     r->answered);
	if (r->unsent)
		ch_term_line(err, "Left out, for the letter was not sent, or "
				  "that is not known: %llu.", r->unsent);
	if (r->returned)
		ch_term_line(err, "Left out, for it came back: %llu "
				  "(\"chancery readdress\" sends it "
				  "elsewhere).", r->returned);
}

static int remind(struct remind *r, const struct ch_args *args,
		  const char *reference)
{
	CH_AUTOCHAR path = ch_request_path(reference, NULL, "/addressees");
	const char *tables[CH_TABLES_MAX];
	int code = ch_request_pages_of(r->cli, CH_DOOR_CONTROL, path,
				       "addressees", PAGE, look, r);

	if (code != EX_OK)
		return code;
	say_whom(r, reference);
	if (r->reminded == 0)
		return ch_fail(r->cli, EX_DATAERR, NULL,
			       "there is nobody to remind");
	code = write_tables(r);
	for (size_t i = 0; i < r->tables_len; i++)
		tables[i] = r->tables[i].path;
	if (code != EX_OK)
		return code;
	return ch_enqueue_reminder(r->cli, args, reference,
				   ch_args_operand(args, 1), tables,
				   r->tables_len);
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	struct remind r = { .cli = cli };
	CH_AUTO(ch_target) target = { 0 };
	int code;

	ch_target_batch(ch_args_operand(args, 0), &target);
	code = remind(&r, args, target.reference);
	release(&r);
	return code;
}

static const struct ch_option options[] = {
	CH_ENQUEUE_OPTIONS,
	{ 0 },
};

const struct ch_verb ch_verb_remind = {
	.name = "remind",
	.operands = "BATCH LETTER",
	.least = 2,
	.most = 2,
	.summary = "Write to those who have not answered a batch.",
	.about = "A batch of its own, linked to the first. An answer to either "
		 "answers both, and\nwhoever answers before his reminder goes "
		 "is not sent it.\n",
	.options = options,
	.run = run,
};
