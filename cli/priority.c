// SPDX-License-Identifier: GPL-3.0-or-later
/* priority.c - chancery priority: a batch goes before the others, or after
 * them. */
#include "cli/priority.h"

#include <jansson.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/decide.h"
#include "cli/request.h"
#include "cli/target.h"

bool ch_priority_word(const char *text)
{
	return strcmp(text, "high") == 0 || strcmp(text, "normal") == 0 ||
	       strcmp(text, "low") == 0;
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	const char *word = ch_args_operand(args, 1);
	CH_AUTO(ch_target) target = { 0 };
	CH_AUTOCHAR path = NULL;
	CH_AUTOCHAR said = NULL;
	json_t *body;
	int code;

	if (!ch_priority_word(word))
		return ch_fail_usage(cli, &ch_verb_priority,
				     "a priority is high, normal or low, not "
				     "\"%s\"", word);
	ch_target_batch(ch_args_operand(args, 0), &target);
	path = ch_request_path(target.reference, NULL, "/priority");
	said = ch_xasprintf("%s: %s priority", target.reference, word);
	body = json_pack("{s:s}", "priority", word);
	code = ch_decide(cli, path, body, said, NULL);
	json_decref(body);
	return code;
}

static const struct ch_option options[] = {
	{ 0 },
};

const struct ch_verb ch_verb_priority = {
	.name = "priority",
	.operands = "BATCH high|normal|low",
	.least = 2,
	.most = 2,
	.summary = "Send a batch before the others, or after them.",
	.about = "Letters of a higher priority go first; batches of the same "
		 "one take turns.\n",
	.options = options,
	.run = run,
};
