// SPDX-License-Identifier: GPL-3.0-or-later
/* resolve.c - chancery resolve: what a person decides on a letter in doubt. */
#include <jansson.h>

#include "cli/cli.h"
#include "cli/decide.h"
#include "cli/target.h"

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	bool sent = ch_args_has(args, "sent");
	CH_AUTO(ch_target) target = { 0 };
	json_t *body;
	int code;

	if (sent == ch_args_has(args, "resend"))
		return ch_fail_usage(cli, &ch_verb_resolve,
				     "either --sent or --resend");
	if (ch_target_letter(ch_args_operand(args, 0), &target) < 0)
		return ch_fail_usage(cli, &ch_verb_resolve,
				     "a letter is BATCH/KEY, such as "
				     "DM-1276/FRA");
	body = json_pack("{s:s}", "as", sent ? "sent" : "resend");
	code = ch_decide_target(cli, &target, "resolve", body,
				sent ? "resolved as sent"
				     : "will be sent once more");
	json_decref(body);
	return code;
}

static const struct ch_option options[] = {
	{ "sent", 0, NULL, false, "The relay has it: it counts as sent." },
	{ "resend", 0, NULL, false,
	  "The relay does not have it: send it again." },
	{ 0 },
};

const struct ch_verb ch_verb_resolve = {
	.name = "resolve",
	.operands = "BATCH/KEY",
	.least = 1,
	.most = 1,
	.summary = "Decide on a letter in doubt.",
	.about = "In doubt: its final dot may have reached the relay, whose "
		 "reply did not come\nback. Look into the relay's log for the "
		 "Message-ID that \"chancery show\" tells.\n",
	.options = options,
	.run = run,
};
