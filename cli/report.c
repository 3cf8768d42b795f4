// SPDX-License-Identifier: GPL-3.0-or-later
/* report.c - tell problems, and each advice once. */
#include "cli/report.h"

#include <stdlib.h>
#include <string.h>

#include "cli/json.h"

#define HINTS_MAX 200
#define LINE_MAX_BYTES 65536

void ch_report_release(struct ch_report *report)
{
	for (size_t i = 0; i < report->hints_len; i++)
		free(report->hints[i]);
	free(report->hints);
	*report = (struct ch_report){ 0 };
}

static bool is_new(struct ch_report *report, const char *hint)
{
	for (size_t i = 0; i < report->hints_len; i++) {
		if (strcmp(report->hints[i], hint) == 0)
			return false;
	}
	if (report->hints_len == HINTS_MAX)
		return false;
	CH_GROW(report->hints, report->hints_len, report->hints_cap);
	report->hints[report->hints_len++] = ch_xstrdup(hint);
	return true;
}

static void tell_line(struct ch_report *report,
		      const struct ch_problem *problem)
{
	const struct ch_term *term = report->term;
	CH_AUTO(ch_str) safe = CH_STR_INIT(LINE_MAX_BYTES);
	CH_AUTO(ch_str) line = CH_STR_INIT(4 * LINE_MAX_BYTES);

	ch_problem_format(problem, &safe);
	ch_term_escaped(term, &line, ch_str_cstr(&safe));
	fprintf(term->file, "%s\n", ch_str_cstr(&line));
	if (problem->hint[0] && is_new(report, problem->hint))
		ch_term_line(term, "    %s", problem->hint);
}

static void tell_json(struct ch_report *report,
		      const struct ch_problem *problem)
{
	json_t *object = ch_json_problem(problem);

	ch_json_line(report->term, object);
	json_decref(object);
}

void ch_report_tell(struct ch_report *report, struct ch_problems *problems)
{
	struct ch_problems told = *problems;

	for (size_t i = 0; i < problems->len; i++) {
		if (report->cli->json)
			tell_json(report, &problems->items[i]);
		else
			tell_line(report, &problems->items[i]);
	}
	report->told += problems->len;
	ch_problems_release(problems);
	problems->errors = told.errors;
	problems->warnings = told.warnings;
}
