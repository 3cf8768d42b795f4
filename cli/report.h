/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.h - problems of a letter and its table, told as they are found. */
#ifndef CH_CLI_REPORT_H
#define CH_CLI_REPORT_H

#include "base/problem.h"
#include "cli/cli.h"

/* What was told already, so that the same advice is given once. */
struct ch_report {
	const struct ch_cli *cli;   /* borrowed */
	const struct ch_term *term; /* borrowed: where to */
	char **hints;               /* owned */
	size_t hints_len;
	size_t hints_cap;
	size_t told; /* problems */
};
void ch_report_release(struct ch_report *report);

/* Tell all problems that are kept and take them off the list, whose counts
 * stay: so a table of any length is told in bounded memory. Each is
 * "file:line:column: field: reason" and, indented, what to do; with --json an
 * object a line. */
void ch_report_tell(struct ch_report *report, struct ch_problems *problems);

#endif
