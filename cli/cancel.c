// SPDX-License-Identifier: GPL-3.0-or-later
/* cancel.c - chancery cancel: never send what was not sent yet. */
#include "cli/cli.h"
#include "cli/decide.h"
#include "cli/target.h"

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	CH_AUTO(ch_target) target = { 0 };
	CH_AUTOCHAR question = NULL;
	int code = ch_target_find(cli, args, &target);

	if (code != EX_OK)
		return code;
	if (!target.key && !ch_args_has(args, "yes") && ch_can_ask(cli)) {
		question = ch_xasprintf("Cancel every letter of %s that was "
					"not sent yet?", target.reference);
		if (!ch_ask(cli, question)) {
			ch_term_line(&cli->err, "Nothing was cancelled.");
			return CH_EX_NO;
		}
	}
	return ch_decide_target(cli, &target, "cancel", NULL, "cancelled");
}

static const struct ch_option options[] = {
	{ "yes", 'y', NULL, false, "Do not ask." },
	CH_TARGET_OPTION,
	{ 0 },
};

const struct ch_verb ch_verb_cancel = {
	.name = "cancel",
	.operands = "BATCH[/KEY]",
	.least = 1,
	.most = 1,
	.summary = "Never send what was not sent yet.",
	.about = "On a terminal it asks before it cancels a whole batch.\n",
	.options = options,
	.run = run,
};
