// SPDX-License-Identifier: GPL-3.0-or-later
/* reread.c - chancery reread: a mail that could not be read, once more. */
#include <jansson.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/decide.h"

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	const char *id = ch_args_operand(args, 0);
	CH_AUTOCHAR what = NULL;
	json_t *body;
	int code;

	if (!id[0] || strspn(id, "0123456789") != strlen(id))
		return ch_fail_usage(cli, &ch_verb_reread,
				     "\"%s\" is no number; \"chancery "
				     "returns\" has them as ID", id);
	what = ch_xasprintf("return %s: the mailbox is read from there on", id);
	body = json_pack("{s:s}", "return", id);
	code = ch_decide(cli, "/v1/reread", body, what, NULL);
	json_decref(body);
	return code;
}

static const struct ch_option options[] = { { 0 } };

const struct ch_verb ch_verb_reread = {
	.name = "reread",
	.operands = "ID",
	.least = 1,
	.most = 1,
	.summary = "Read a mail that could not be read once more.",
	.about = "After an upgrade, say. What was read since is not counted "
		 "twice.\n",
	.options = options,
	.run = run,
};
