// SPDX-License-Identifier: GPL-3.0-or-later
/* overview-csv.c - for programs: CSV (RFC 4180), and JSON.
 *
 * Neither is in anybody's language but for the names of States: words are the
 * tokens that chancery-status(7) has, times RFC 3339. The counts are in JSON
 * alone, for a second table in a CSV file is none that a program reads.
 */
#include <string.h>

#include "base/escape.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/overview.h"

#define ROW_MAX (8 * 1024 * 1024)

static void put_row(FILE *out, const char *const *cells)
{
	CH_AUTO(ch_str) line = CH_STR_INIT(ROW_MAX);

	for (size_t i = 0; i < CH_OV_COLUMNS; i++) {
		if (i)
			ch_str_add_char(&line, ',');
		ch_escape_csv(&line, cells[i], strlen(cells[i]));
	}
	ch_str_add(&line, "\r\n");
	fwrite(ch_str_cstr(&line), 1, line.len, out);
}

int ch_overview_csv(struct ch_overview *o, FILE *out)
{
	const char *cells[CH_OV_COLUMNS];
	struct ch_overview_row row;
	int got;

	for (size_t i = 0; i < CH_OV_COLUMNS; i++)
		cells[i] = ch_overview_name((enum ch_overview_column)i);
	put_row(out, cells);
	while ((got = ch_overview_next(o, &row)) > 0) {
		for (size_t i = 0; i < CH_OV_COLUMNS; i++)
			cells[i] = row.cells[i];
		put_row(out, cells);
		ch_overview_row_release(&row);
	}
	return got < 0 ? ch_overview_fail(o) : EX_OK;
}

/* ---- JSON ------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

static json_t *summary_of(const struct ch_overview *o)
{
	static const char *const names[] = { "reference", "subject", "date",
					     "deadline", "test_to" };
	json_t *object = json_object();
	json_t *counts = json_object();
	uint64_t all = o->counts[CH_OV_ALL];

	for (size_t i = 0; i < CH_COUNT(names); i++)
		json_object_set_new(object, names[i],
				    text_or_null(ch_json_text(o->batch,
							      names[i])));
	json_object_set_new(object, "as_of", json_string(o->now));
	for (size_t i = 0; i < CH_OV_COUNTS; i++)
		json_object_set_new(
			counts,
			ch_overview_count_name((enum ch_overview_count)i),
			json_integer((json_int_t)o->counts[i]));
	json_object_set_new(object, "counts", counts);
	json_object_set_new(
		object, "share_of_answers",
		all ? json_real((double)o->counts[CH_OV_ANSWERED] /
				(double)all)
		    : json_null());
	return object;
}

static json_t *object_of(const struct ch_overview_row *row)
{
	json_t *object = json_object();

	for (size_t i = 0; i < CH_OV_COLUMNS; i++)
		json_object_set_new(
			object,
			ch_overview_name((enum ch_overview_column)i),
			i == CH_OV_OVERDUE ? json_boolean(row->cells[i][0])
					   : text_or_null(row->cells[i]));
	return object;
}

static void put(const struct ch_overview *o, json_t *take)
{
	ch_json_line(&o->cli->out, take);
	json_decref(take);
}

int ch_overview_json(struct ch_overview *o)
{
	struct ch_overview_row row;
	int got;

	put(o, summary_of(o));
	while ((got = ch_overview_next(o, &row)) > 0) {
		put(o, object_of(&row));
		ch_overview_row_release(&row);
	}
	return got < 0 ? ch_overview_fail(o) : EX_OK;
}
