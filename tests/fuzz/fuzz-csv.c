// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-csv.c - a table of addressees in any of several charsets: what comes
 * out of it can go into a header, a path and a terminal, and a table without a
 * fault that is written out again and read again gives the same addressees.
 *
 * Input: one character that chooses the charset, then the table. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "letter/table.h"
#include "memory-file.h"

#define TABLE_MAX (16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(const char *text)
{
	size_t len = strlen(text);
	uint32_t cp;

	for (size_t at = 0; at < len;) {
		size_t n = ch_utf8_decode(text + at, len - at, &cp);

		assert(n > 0);
		assert(!ch_utf8_is_control(cp));
		assert(!ch_utf8_is_bidi_control(cp));
		at += n;
	}
}

static void check_addressee(const struct ch_addressee *a)
{
	check_line(a->key);
	check_line(a->name);
	check_line(a->language);
	assert(a->key[0] && !strchr(a->key, '/'));
	assert(strlen(a->language) == 2 || !a->language[0]);
	assert(a->addresses_len > 0);
	for (size_t i = 0; i < a->addresses_len; i++) {
		const char *spec = a->addresses[i].address.spec;
		struct ch_address again;
		struct ch_error err;

		for (const char *p = spec; *p; p++)
			assert(*p > ' ' && *p < 0x7F && *p != '<' && *p != '>');
		assert(ch_address_parse(spec, strlen(spec), &again, &err) ==
		       0);
		assert(strcmp(again.spec, spec) == 0);
		check_line(a->addresses[i].address.display);
	}
}

static void add_cell(struct ch_str *out, const char *text, bool first)
{
	ch_str_add(out, first ? "\"" : ",\"");
	for (; *text; text++) {
		if (*text == '"')
			ch_str_add_char(out, '"');
		ch_str_add_char(out, *text);
	}
	ch_str_add_char(out, '"');
}

static void add_row(struct ch_str *out, const struct ch_addressee *a)
{
	for (size_t i = 0; i < a->fields.len; i++)
		add_cell(out, a->fields.items[i].value, i == 0);
	ch_str_add(out, "\n");
}

static void add_addresses(struct ch_str *out, const struct ch_addressee *a)
{
	for (size_t i = 0; i < a->addresses_len; i++)
		ch_str_addf(out, "%d %s;", (int)a->addresses[i].role,
			    a->addresses[i].address.spec);
}

static void check_problems(const struct ch_problems *problems)
{
	for (size_t i = 0; i < problems->len; i++) {
		CH_AUTO(ch_str) line = CH_STR_INIT(100000);

		assert(strcmp(problems->items[i].file, "t.csv") == 0);
		assert(problems->items[i].text[0]);
		ch_problem_format(&problems->items[i], &line);
		check_line(ch_str_cstr(&line));
	}
}

/* Read a table. *again is then a plain table of the same content, *addresses
 * whom it goes to. Returns whether it had no fault. */
static bool read_table(const char *path, const char *charset,
		       struct ch_str *again, struct ch_str *addresses)
{
	struct ch_table_options options = { .shown = "t.csv",
					    .charset = charset };
	CH_AUTOPTR(ch_table) table = NULL;
	CH_AUTO(ch_problems) problems = { 0 };
	const char *const *columns;
	struct ch_addressee a;
	size_t columns_len;
	size_t rows = 0;

	if (ch_table_open(path, &options, &table, &problems) < 0) {
		assert(problems.errors > 0);
		check_problems(&problems);
		return false;
	}
	columns = ch_table_columns(table, &columns_len);
	for (size_t i = 0; i < columns_len; i++)
		add_cell(again, columns[i], i == 0);
	ch_str_add(again, "\n");
	while (ch_table_next(table, &a, &problems) > 0) {
		rows++;
		check_addressee(&a);
		add_row(again, &a);
		add_addresses(addresses, &a);
		ch_addressee_release(&a);
	}
	check_problems(&problems);
	assert(rows <= ch_table_rows(table));
	assert(problems.errors > 0 || rows == ch_table_rows(table));
	return problems.errors == 0;
}

static const char *const charsets[] = {
	NULL,	    "windows-1252", "Shift_JIS", "GB18030",
	"UTF-16LE", "ISO-2022-JP",  "UTF-7",	 "windows-1256",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CH_AUTO(ch_str) again = CH_STR_INIT(TABLE_MAX);
	CH_AUTO(ch_str) third = CH_STR_INIT(TABLE_MAX);
	CH_AUTO(ch_str) to = CH_STR_INIT(TABLE_MAX);
	CH_AUTO(ch_str) to_again = CH_STR_INIT(TABLE_MAX);
	const char *charset;

	if (size == 0)
		return 0;
	charset = charsets[data[0] % CH_COUNT(charsets)];
	if (!read_table(memory_file(data + 1, size - 1), charset, &again, &to))
		return 0;
	assert(!again.full && !to.full);
	assert(read_table(memory_file(ch_str_cstr(&again), again.len), NULL,
			  &third, &to_again));
	assert(strcmp(ch_str_cstr(&again), ch_str_cstr(&third)) == 0);
	assert(strcmp(ch_str_cstr(&to), ch_str_cstr(&to_again)) == 0);
	return 0;
}
