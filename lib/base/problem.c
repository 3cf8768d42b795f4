// SPDX-License-Identifier: GPL-3.0-or-later
/* problem.c - collect what is wrong in a person's file. */
#include "base/problem.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

void ch_problems_release(struct ch_problems *problems)
{
	for (size_t i = 0; i < problems->len; i++) {
		struct ch_problem *p = &problems->items[i];

		free(p->file);
		free(p->field);
		free(p->text);
		free(p->hint);
	}
	free(problems->items);
	*problems = (struct ch_problems){ 0 };
}

void ch_problems_add(struct ch_problems *problems, enum ch_problem_kind kind,
		     struct ch_place place, const char *hint,
		     const char *format, ...)
{
	struct ch_str text = CH_STR_INIT(4096);
	struct ch_problem *p;
	va_list args;

	if (kind == CH_PROBLEM_ERROR)
		problems->errors++;
	else
		problems->warnings++;
	if (problems->len >= CH_PROBLEMS_KEPT ||
	    (kind == CH_PROBLEM_WARNING &&
	     problems->warnings > CH_PROBLEMS_WARNINGS_KEPT))
		return;
	CH_GROW(problems->items, problems->len, problems->cap);
	p = &problems->items[problems->len++];
	va_start(args, format);
	ch_str_vaddf(&text, format, args);
	va_end(args);
	*p = (struct ch_problem){
		.kind = kind,
		.file = ch_xstrdup(place.file ? place.file : ""),
		.line = place.line,
		.column = place.column,
		.field = ch_xstrdup(place.field ? place.field : ""),
		.text = ch_str_take(&text),
		.hint = ch_xstrdup(hint ? hint : ""),
	};
}

void ch_problem_format(const struct ch_problem *problem, struct ch_str *out)
{
	ch_escape_line(out, problem->file, strlen(problem->file));
	if (problem->line)
		ch_str_addf(out, ":%u", problem->line);
	if (problem->line && problem->column)
		ch_str_addf(out, ":%u", problem->column);
	ch_str_add(out, ": ");
	if (problem->kind == CH_PROBLEM_WARNING)
		ch_str_add(out, "warning: ");
	if (problem->field[0]) {
		ch_escape_line(out, problem->field, strlen(problem->field));
		ch_str_add(out, ": ");
	}
	ch_escape_line(out, problem->text, strlen(problem->text));
}
