/* SPDX-License-Identifier: GPL-3.0-or-later */
/* problem.h - every error of a file at once, each where it stands.
 *
 * Parsers of what a person wrote (a table, a letter, a configuration) add to
 * such a list and go on; the program prints it whole. A problem is a sentence
 * that says what is wrong and, in `hint`, one that says what to do.
 */
#ifndef CH_BASE_PROBLEM_H
#define CH_BASE_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/str.h"

enum ch_problem_kind {
	CH_PROBLEM_ERROR,   /* nothing is queued */
	CH_PROBLEM_WARNING, /* said, and no more */
};

struct ch_problem {
	enum ch_problem_kind kind;
	char *file;          /* owned */
	unsigned int line;   /* from 1; 0: the whole file */
	unsigned int column; /* in characters from 1; 0: the whole line */
	char *field;         /* owned; column or key, "" if none */
	char *text;          /* owned */
	char *hint;          /* owned; "" if none */
};

/* Past these all are counted but no longer kept; warnings have the smaller
 * part, so that no number of them hides an error. */
#define CH_PROBLEMS_KEPT 1000
#define CH_PROBLEMS_WARNINGS_KEPT 500

struct ch_problems {
	struct ch_problem *items; /* owned */
	size_t len;
	size_t cap;
	size_t errors;   /* all, kept or not */
	size_t warnings; /* all, kept or not */
};

void ch_problems_release(struct ch_problems *problems);

/* Where it is; `field` may be NULL. */
struct ch_place {
	const char *file;
	unsigned int line;
	unsigned int column;
	const char *field;
};

/* Add one. `hint` may be NULL. Copies all it is given. */
void ch_problems_add(struct ch_problems *problems, enum ch_problem_kind kind,
		     struct ch_place place, const char *hint,
		     const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* "members.csv:42:7: to: no domain in \"m.okello@\"", escaped for a terminal.
 */
void ch_problem_format(const struct ch_problem *problem, struct ch_str *out);

#endif
