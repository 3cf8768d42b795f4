/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decide.h - the verbs that change something: ask, do it, say what it was. */
#ifndef CH_CLI_DECIDE_H
#define CH_CLI_DECIDE_H

#include <jansson.h>

#include "cli/cli.h"
#include "cli/target.h"

/* POST `body` (borrowed, may be NULL) to `path` and say `what` was done and to
 * how many: "what: 3 letters." where `thing` is "letter"; NULL: without a
 * number. With --json chanceryd's own answer. */
int ch_decide(const struct ch_cli *cli, const char *path, const json_t *body,
	      const char *what, const char *thing);

/* The same for `verb` on a batch or a letter. */
int ch_decide_target(const struct ch_cli *cli, const struct ch_target *target,
		     const char *verb, const json_t *body, const char *what);

#endif
