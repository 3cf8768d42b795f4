// SPDX-License-Identifier: GPL-3.0-or-later
/* pause.c - chancery pause and resume: of a batch, of a relay, or of the mail
 * room. */
#include <string.h>

#include "cli/cli.h"
#include "cli/decide.h"
#include "cli/request.h"
#include "cli/restored.h"
#include "cli/target.h"

static int change(const struct ch_cli *cli, const struct ch_args *args,
		  const struct ch_verb *verb, const char *done)
{
	const char *word = ch_args_operand(args, 0);
	const char *relay = ch_args_value(args, "relay");
	CH_AUTO(ch_target) target = { 0 };
	CH_AUTOCHAR path = NULL;
	CH_AUTOCHAR rest = ch_xasprintf("/%s", verb->name);
	CH_AUTOCHAR said = NULL;

	if (word && relay)
		return ch_fail_usage(cli, verb,
				     "a batch or a relay, not both");
	if (relay) {
		path = ch_request_relay_path(relay, rest);
		said = ch_xasprintf("Relay %s: %s", relay, done);
	} else if (!word) {
		path = ch_xasprintf("/v1/%s", verb->name);
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
	return change(cli, args, &ch_verb_pause,
		      "paused; letters under way will be finished");
}

static bool is_number(const char *text)
{
	return text[0] && strspn(text, "0123456789") == strlen(text);
}

static int run_resume(struct ch_cli *cli, const struct ch_args *args)
{
	const char *at_risk = ch_args_value(args, "at-risk");
	bool all = !ch_args_operand(args, 0) && !ch_args_has(args, "relay");

	if (at_risk && (!all || !is_number(at_risk)))
		return ch_fail_usage(cli, &ch_verb_resume,
				     "--at-risk has a number, and goes with "
				     "the whole mail room");
	if (all)
		return ch_restored_resume(cli, at_risk,
					  "The mail room: goes on");
	return change(cli, args, &ch_verb_resume, "goes on");
}

static const struct ch_option options[] = {
	{ "relay", 0, "NAME", false, "Not a batch: this relay." },
	{ 0 },
};

static const struct ch_option resume_options[] = {
	{ "relay", 0, "NAME", false, "Not a batch: this relay." },
	{ "at-risk", 0, "NUMBER", false,
	  "After a restore, do not show and ask: go on if this many letters may "
	  "have been sent before, as \"status\" shows." },
	{ 0 },
};

const struct ch_verb ch_verb_pause = {
	.name = "pause",
	.operands = "[BATCH]",
	.least = 0,
	.most = 1,
	.summary = "Send no more of a batch, over a relay, or at all.",
	.about = "Without BATCH and --relay the whole mail room is paused.\n",
	.options = options,
	.run = run_pause,
};

const struct ch_verb ch_verb_resume = {
	.name = "resume",
	.operands = "[BATCH]",
	.least = 0,
	.most = 1,
	.summary = "Go on with what was paused.",
	.about = "A store that came back from a copy is paused: what may have "
		 "been sent since is\nshown, and it asks.\n",
	.options = resume_options,
	.run = run_resume,
};
