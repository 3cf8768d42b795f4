/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli.h - what every verb of chancery(1) is given, and what it is made of.
 *
 * One file a verb; main.c lists them. stdout is data, stderr is for the person
 * who waits. A verb returns an exit code of sysexits.h.
 */
#ifndef CH_CLI_CLI_H
#define CH_CLI_CLI_H

#include <stdbool.h>
#include <sysexits.h>

#include "base/error.h"
#include "cli/args.h"
#include "cli/term.h"

struct ch_cli {
	const char *socket_dir; /* borrowed */
	bool json;              /* one object a line */
	bool quiet;             /* failures were said already */
	struct ch_term out;
	struct ch_term err;
};

struct ch_verb {
	const char *name;
	const char *operands; /* "BATCH[/KEY]", as help calls them */
	size_t least, most;   /* operands */
	const char *summary;  /* one line for the list of verbs */
	const char *about;    /* lines for the verb's own help; "" if none */
	const struct ch_option *options; /* beside those of all verbs */
	int (*run)(struct ch_cli *cli, const struct ch_args *args);
};

extern const struct ch_verb ch_verb_cancel, ch_verb_check, ch_verb_classify,
	ch_verb_confirm, ch_verb_enqueue,
	ch_verb_events, ch_verb_letters, ch_verb_pause, ch_verb_preview,
	ch_verb_priority, ch_verb_readdress, ch_verb_release, ch_verb_remind,
	ch_verb_reread,
	ch_verb_resolve, ch_verb_resume, ch_verb_retry, ch_verb_returns,
	ch_verb_reply, ch_verb_report, ch_verb_show, ch_verb_status, ch_verb_suppress;

/* Beside sysexits.h: asked on the terminal, this person said no. */
#define CH_EX_NO 1

/* "chancery: …" on stderr and, where there is a hint, one line of what to do;
 * nothing with cli->quiet. Returns `code`. Everything in it is made safe for the terminal. */
int ch_fail(const struct ch_cli *cli, int code, const char *hint,
	    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same for a mistake in the command line: EX_USAGE. */
int ch_fail_usage(const struct ch_cli *cli, const struct ch_verb *verb,
		  const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Ask on the terminal; what is not "y" or "yes" is no. */
bool ch_ask(const struct ch_cli *cli, const char *question);
/* Whether there is somebody to ask: stdin and stderr are terminals. */
bool ch_can_ask(const struct ch_cli *cli);

#endif
