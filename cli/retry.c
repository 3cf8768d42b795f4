// SPDX-License-Identifier: GPL-3.0-or-later
/* retry.c - chancery retry: try again what failed, or waits for its time. */
#include "cli/cli.h"
#include "cli/decide.h"
#include "cli/target.h"

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	CH_AUTO(ch_target) target = { 0 };
	int code = ch_target_find(cli, args, &target);

	if (code != EX_OK)
		return code;
	return ch_decide_target(cli, &target, "retry", NULL,
				"will be tried again");
}

static const struct ch_option options[] = { CH_TARGET_OPTION, { 0 } };

const struct ch_verb ch_verb_retry = {
	.name = "retry",
	.operands = "BATCH[/KEY]",
	.least = 1,
	.most = 1,
	.summary = "Try again what was refused.",
	.about = "Of one letter also at once what waits to be tried again.\n"
		 "Letters in doubt are not touched: resolve decides on them.\n",
	.options = options,
	.run = run,
};
