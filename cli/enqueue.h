/* SPDX-License-Identifier: GPL-3.0-or-later */
/* enqueue.h - queueing a letter, for the verbs that do: enqueue, remind. */
#ifndef CH_CLI_ENQUEUE_H
#define CH_CLI_ENQUEUE_H

#include "cli/cli.h"
#include "cli/mailing.h"

/* The letter to those in these tables, as a reminder of the batch `reminds`,
 * with the options of `enqueue`. Shows it and asks, as that does. */
int ch_enqueue_reminder(const struct ch_cli *cli, const struct ch_args *args,
			const char *reminds, const char *letter,
			const char *const *tables, size_t tables_len);

/* What both have. */
#define CH_ENQUEUE_OPTIONS \
	{ "reference", 'R', "REFERENCE", false, \
	  "What the batch is called, such as DM-1276; each only once." }, \
	CH_MAILING_OPTIONS, \
	{ "at", 0, "TIME", false, \
	  "Send nothing before then, such as 2026-12-07T09:00:00+01:00." }, \
	{ "priority", 0, "WORD", false, \
	  "high goes before other batches, low after them; else normal." }, \
	{ "per-second", 0, "N", false, "At most so many letters a second." }, \
	{ "per-minute", 0, "N", false, "At most so many letters a minute." }, \
	{ "per-hour", 0, "N", false, "No hour has more letters." }, \
	{ "per-day", 0, "N", false, "No 24 hours have more letters." }, \
	{ "canary", 0, "N", false, \
	  "Send N letters, and the others only when these were sent; where " \
	  "more than 10% of them were refused, or with N,5% than 5%, it " \
	  "pauses." }, \
	{ "canary-wait", 0, "TIME", false, \
	  "Then wait so long for bounces, such as 1h." }, \
	{ "hold", 0, NULL, false, "Queue it, and wait for its release." }, \
	{ "dry-run", 'n', NULL, false, \
	  "Show what would be queued, and queue nothing." }, \
	{ "yes", 'y', NULL, false, "Do not show and ask." }

#endif
