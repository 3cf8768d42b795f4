// SPDX-License-Identifier: GPL-3.0-or-later
/* retry.c - chancery retry: try again what failed, or waits for its time. */
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/outcome.h"
#include "cli/request.h"
#include "cli/target.h"

/* "DM-1: will be tried again: 3 letters (2 failed, 1 waiting)." */
static void show(struct ch_cli *cli, const struct ch_target *target,
		 const json_t *answer)
{
	static const char *const parts[] = { "failed", "waiting", "held" };
	CH_AUTOCHAR name = ch_target_name(target);
	CH_AUTO(ch_str) list = CH_STR_INIT(200);
	char count[CH_COUNT_SIZE];

	for (size_t i = 0; i < CH_COUNT(parts); i++) {
		unsigned long long n = ch_json_number(answer, parts[i]);

		if (n > 0)
			ch_str_addf(&list, "%s%llu %s",
				    list.len ? ", " : "", n, parts[i]);
	}
	ch_term_line(&cli->out, "%s: will be tried again: %s%s%s%s.", name,
		     ch_outcome_count(ch_json_number(answer, "touched"),
				      "letter", count),
		     list.len ? " (" : "", ch_str_cstr(&list),
		     list.len ? ")" : "");
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	CH_AUTO(ch_target) target = { 0 };
	CH_AUTOCHAR path = NULL;
	json_t *answer = NULL;
	int code = ch_target_find(cli, args, &target);

	if (code != EX_OK)
		return code;
	path = ch_request_path(target.reference, target.key, "/retry");
	code = ch_request_post(cli, path, NULL, &answer);
	if (code != EX_OK)
		return code;
	if (cli->json)
		ch_json_line(&cli->out, answer);
	else
		show(cli, &target, answer);
	json_decref(answer);
	return EX_OK;
}

static const struct ch_option options[] = { CH_TARGET_OPTION, { 0 } };

const struct ch_verb ch_verb_retry = {
	.name = "retry",
	.operands = "BATCH[/KEY]",
	.least = 1,
	.most = 1,
	.summary = "Try again at once what was refused, or waits.",
	.about = "What was refused for good, what waits for its next try, and what\n"
		 "is held; a relay that rests is tried now. Paces and hours hold.\n"
		 "Letters in doubt are not touched: resolve decides on them.\n",
	.options = options,
	.run = run,
};
