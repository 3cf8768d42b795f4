// SPDX-License-Identifier: GPL-3.0-or-later
/* release.c - chancery release: let a held batch go, as it was shown.
 *
 * The release carries the digest that this person saw: had the batch become
 * another one in between, chanceryd refuses.
 */
#include <string.h>

#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/decide.h"
#include "cli/json.h"
#include "cli/request.h"
#include "cli/target.h"

static int send_release(const struct ch_cli *cli,
			const struct ch_target *target, const char *digest)
{
	json_t *body = json_pack("{s:s}", "digest", digest);
	CH_AUTOCHAR path =
		ch_request_path(target->reference, NULL, "/release");
	CH_AUTOCHAR said = ch_xasprintf("%s: released", target->reference);
	int code = ch_decide(cli, path, body, said, NULL);

	json_decref(body);
	return code;
}

static int show_and_ask(const struct ch_cli *cli,
			const struct ch_target *target, char **ret_digest)
{
	CH_AUTOCHAR path = ch_request_path(target->reference, NULL, "");
	CH_AUTOCHAR question =
		ch_xasprintf("Release %s just so?", target->reference);
	json_t *batch = NULL;
	int code = ch_request_json(cli, CH_DOOR_READ, path, &batch);

	if (code != EX_OK)
		return code;
	ch_batch_facts(&cli->err, batch);
	*ret_digest = ch_xstrdup(ch_json_text(batch, "digest"));
	json_decref(batch);
	if (ch_ask(cli, question))
		return EX_OK;
	ch_term_line(&cli->err, "It stays held.");
	return CH_EX_NO;
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	const char *digest = ch_args_value(args, "digest");
	CH_AUTO(ch_target) target = { 0 };
	CH_AUTOCHAR seen = NULL;
	int code;

	ch_target_batch(ch_args_operand(args, 0), &target);
	if (digest)
		return send_release(cli, &target, digest);
	if (!ch_can_ask(cli))
		return ch_fail_usage(cli, &ch_verb_release,
				     "without a terminal it needs --digest: "
				     "what is released must have been seen");
	code = show_and_ask(cli, &target, &seen);
	return code == EX_OK ? send_release(cli, &target, seen) : code;
}

static const struct ch_option options[] = {
	{ "digest", 0, "DIGEST", false,
	  "Do not show and ask: release it if this is still its digest, which "
	  "\"status BATCH\" shows." },
	{ 0 },
};

const struct ch_verb ch_verb_release = {
	.name = "release",
	.operands = "BATCH",
	.least = 1,
	.most = 1,
	.summary = "Let a held batch go; by a second person.",
	.about = "It shows what would go out and asks.\n",
	.options = options,
	.run = run,
};
