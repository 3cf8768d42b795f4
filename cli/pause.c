// SPDX-License-Identifier: GPL-3.0-or-later
/* pause.c - chancery pause and resume: of a batch, or of the mail room. */
#include "cli/cli.h"
#include "cli/decide.h"
#include "cli/request.h"
#include "cli/target.h"

static int change(const struct ch_cli *cli, const struct ch_args *args,
		  const char *verb, const char *done)
{
	const char *word = ch_args_operand(args, 0);
	CH_AUTO(ch_target) target = { 0 };
	CH_AUTOCHAR path = NULL;
	CH_AUTOCHAR rest = ch_xasprintf("/%s", verb);
	CH_AUTOCHAR said = NULL;

	if (!word) {
		path = ch_xasprintf("/v1/%s", verb);
		said = ch_xasprintf("The mail room: %s", done);
	} else {
		ch_target_batch(word, &target);
		path = ch_request_path(target.reference, NULL, rest);
		said = ch_xasprintf("%s: %s", target.reference, done);
	}
	return ch_decide(cli, path, NULL, said, NULL);
}

static int run_pause(struct ch_cli *cli, const struct ch_args *args)
{
	return change(cli, args, "pause",
		      "paused; letters under way will be finished");
}

static int run_resume(struct ch_cli *cli, const struct ch_args *args)
{
	return change(cli, args, "resume", "goes on");
}

static const struct ch_option options[] = { { 0 } };

const struct ch_verb ch_verb_pause = {
	.name = "pause",
	.operands = "[BATCH]",
	.least = 0,
	.most = 1,
	.summary = "Send no more of a batch, or nothing at all.",
	.about = "Without BATCH the whole mail room is paused.\n",
	.options = options,
	.run = run_pause,
};

const struct ch_verb ch_verb_resume = {
	.name = "resume",
	.operands = "[BATCH]",
	.least = 0,
	.most = 1,
	.summary = "Go on with a batch, or the mail room, that was paused.",
	.about = "",
	.options = options,
	.run = run_resume,
};
