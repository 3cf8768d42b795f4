// SPDX-License-Identifier: GPL-3.0-or-later
/* json.c - over jansson. */
#include "cli/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* Outside strings JSON has no such character, so all of them are in one. */
static void write_safe(FILE *file, const char *text, size_t len)
{
	size_t from = 0;

	for (size_t at = 0; at < len;) {
		uint32_t cp;
		size_t n = ch_utf8_decode(text + at, len - at, &cp);

		if (n && (ch_utf8_is_control(cp) ||
			  ch_utf8_is_bidi_control(cp))) {
			fwrite(text + from, 1, at - from, file);
			fprintf(file, "\\u%04x", cp);
			from = at + n;
		}
		at += n ? n : 1;
	}
	fwrite(text + from, 1, len - from, file);
}

void ch_json_line(const struct ch_term *term, const json_t *object)
{
	size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
	CH_AUTOCHAR text = NULL;

	if (term->tty && !term->utf8)
		flags |= JSON_ENSURE_ASCII;
	text = json_dumps(object, flags);
	if (!text)
		abort(); /* out of memory, or a value we made wrongly */
	write_safe(term->file, text, strlen(text));
	fputc('\n', term->file);
}

const char *ch_json_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

uint64_t ch_json_number(const json_t *object, const char *name)
{
	json_int_t number = json_integer_value(json_object_get(object, name));

	return number > 0 ? (uint64_t)number : 0;
}

bool ch_json_true(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

json_t *ch_json_problem(const struct ch_problem *problem)
{
	return json_pack("{s:s, s:I, s:I, s:s, s:s, s:s, s:s}", "file",
			 problem->file, "line", (json_int_t)problem->line,
			 "column", (json_int_t)problem->column, "field",
			 problem->field, "text", problem->text, "hint",
			 problem->hint, "kind",
			 problem->kind == CH_PROBLEM_ERROR ? "error"
							   : "warning");
}
