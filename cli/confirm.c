// SPDX-License-Identifier: GPL-3.0-or-later
/* confirm.c - chancery confirm: a person knows whose a mail is. */
#include <jansson.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/decide.h"
#include "cli/target.h"

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	const char *id = ch_args_operand(args, 1);
	CH_AUTO(ch_target) target = { 0 };
	CH_AUTOCHAR what = NULL;
	json_t *body;
	int code;

	if (ch_target_letter(ch_args_operand(args, 0), &target) < 0)
		return ch_fail_usage(cli, &ch_verb_confirm,
				     "a letter is BATCH/KEY, such as "
				     "DM-1276/FRA");
	if (!id[0] || strspn(id, "0123456789") != strlen(id))
		return ch_fail_usage(cli, &ch_verb_confirm,
				     "\"%s\" is no number; \"chancery "
				     "returns\" has them as ID", id);
	what = ch_xasprintf("return %s is about it", id);
	body = json_pack("{s:s}", "return", id);
	code = ch_decide_target(cli, &target, "confirm", body, what);
	json_decref(body);
	return code;
}

static const struct ch_option options[] = { { 0 } };

const struct ch_verb ch_verb_confirm = {
	.name = "confirm",
	.operands = "BATCH/KEY ID",
	.least = 2,
	.most = 2,
	.summary = "Say that a mail that came back is about this letter.",
	.about = "For what has no proof of it: from then on what the mail says "
		 "counts.\n",
	.options = options,
	.run = run,
};
