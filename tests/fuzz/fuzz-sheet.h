/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz-sheet.h - read a workbook as a table: what comes out can go into a
 * header, a path and a terminal, and cells stand where their rows do.
 *
 * A fuzzer that changes the bytes of an archive breaks its checksums, and sees
 * little more. So the input is the parts and not the archive: for each part a
 * line with its name, then its bytes up to a line that is "%%". An input that
 * begins like an archive is one, and is read as it is. */
#ifndef CH_FUZZ_SHEET_H
#define CH_FUZZ_SHEET_H

#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "letter/table.h"
#include "memory-file.h"

static inline void check_sheet_line(const char *text)
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

static inline void check_sheet_problems(const struct ch_problems *problems)
{
	for (size_t i = 0; i < problems->len; i++) {
		CH_AUTO(ch_str) line = CH_STR_INIT(100000);

		assert(strncmp(problems->items[i].file, "t.x", 3) == 0);
		assert(problems->items[i].text[0]);
		ch_problem_format(&problems->items[i], &line);
		check_sheet_line(ch_str_cstr(&line));
	}
}

static inline void read_workbook(const char *path, const char *sheet)
{
	struct ch_table_options options = { .shown = "t.x", .sheet = sheet };
	CH_AUTOPTR(ch_table) table = NULL;
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_addressee a;
	unsigned int line = 0;

	if (ch_table_open(path, &options, &table, &problems) < 0) {
		assert(problems.errors > 0);
		check_sheet_problems(&problems);
		return;
	}
	check_sheet_line(ch_table_form(table));
	/* Rows that are repeated may be a million. */
	while (ch_table_rows(table) < 3000 &&
	       ch_table_next(table, &a, &problems) > 0) {
		assert(a.line > line);
		line = a.line;
		check_sheet_line(a.key);
		check_sheet_line(a.name);
		check_sheet_line(a.language);
		assert(a.addresses_len > 0);
		ch_addressee_release(&a);
	}
	check_sheet_problems(&problems);
}

/* The line up to the next line feed, and go past it. */
static inline struct ch_slice take_sheet_line(struct ch_slice *rest)
{
	const char *end = memchr(rest->data, '\n', rest->len);
	struct ch_slice line = {
		rest->data, end ? (size_t)(end - rest->data) : rest->len
	};

	rest->data += line.len + (end != NULL);
	rest->len -= line.len + (end != NULL);
	return line;
}

static inline void add_part(zip_t *zip, struct ch_slice name,
			    struct ch_slice bytes)
{
	CH_AUTOCHAR text = ch_slice_dup(name);
	zip_source_t *source =
		zip_source_buffer(zip, bytes.data, bytes.len, 0);
	zip_int64_t at = -1;

	if (name.len > 0 && !memchr(name.data, '\0', name.len))
		at = zip_file_add(zip, text, source, ZIP_FL_ENC_UTF_8);
	if (at < 0)
		zip_source_free(source);
	else
		zip_set_file_compression(zip, (zip_uint64_t)at, ZIP_CM_STORE,
					 0);
}

static inline void add_parts(zip_t *zip, struct ch_slice rest)
{
	while (rest.len > 0) {
		struct ch_slice name = take_sheet_line(&rest);
		struct ch_slice bytes = { rest.data, 0 };

		while (rest.len > 0) {
			struct ch_slice line = take_sheet_line(&rest);

			if (ch_slice_eq(line, "%%"))
				break;
			bytes.len = (size_t)(rest.data - bytes.data);
		}
		add_part(zip, name, bytes);
	}
}

/* Make the archive of these parts the content of the one file; its path. */
static inline const char *archive_file(struct ch_slice parts)
{
	zip_error_t error;
	zip_source_t *out = zip_source_buffer_create(NULL, 0, 0, &error);
	zip_t *zip = zip_open_from_source(out, ZIP_TRUNCATE, &error);
	CH_AUTOCHAR bytes = NULL;
	zip_stat_t stat;

	assert(zip);
	zip_source_keep(out);
	add_parts(zip, parts);
	if (zip_close(zip) < 0)
		zip_discard(zip);
	zip_stat_init(&stat);
	if (zip_source_open(out) == 0 && zip_source_stat(out, &stat) == 0) {
		bytes = ch_xzalloc(stat.size + 1);
		if (zip_source_read(out, bytes, stat.size) < 0)
			stat.size = 0;
		zip_source_close(out);
	}
	zip_source_free(out);
	return memory_file(bytes ? bytes : "", bytes ? stat.size : 0);
}

static inline void fuzz_workbook(const uint8_t *data, size_t size)
{
	struct ch_slice input = { (const char *)data, size };

	if (size >= 4 && memcmp(data, "PK\x03\x04", 4) == 0)
		read_workbook(memory_file(data, size), NULL);
	else
		read_workbook(archive_file(input),
			      size % 8 == 7 ? "Members" : NULL);
}

#endif
