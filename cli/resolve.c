// SPDX-License-Identifier: GPL-3.0-or-later
/* resolve.c - chancery resolve: what a person decides on a letter in doubt. */
#include <jansson.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/decide.h"
#include "cli/json.h"
#include "cli/show.h"
#include "cli/target.h"

/* ---- what there is to decide by --------------------------------------- */

static void show_ways(const struct ch_cli *cli, const struct ch_target *target,
		      const json_t *known)
{
	const json_t *transcript = json_object_get(known, "transcript");
	const char *relay = ch_json_text(transcript, "relay");
	CH_AUTOCHAR name = ch_target_name(target);

	ch_show_letter(&cli->out, known);
	if (transcript)
		ch_show_transcript(&cli->out, transcript);
	if (strcmp(ch_json_text(known, "state"), "in_doubt") != 0) {
		ch_term_line(&cli->out, "It is not in doubt.");
		return;
	}
	ch_term_line(&cli->out, "Look for it in the log of %s%s:",
		     relay[0] ? "relay " : "the relay", relay);
	ch_term_line(&cli->out, "  grep %s",
		     ch_json_text(known, "message_id"));
	ch_term_line(&cli->out, "Then, if the relay has it:");
	ch_term_line(&cli->out, "  chancery resolve %s --sent", name);
	ch_term_line(&cli->out, "or if it does not, to send it once more:");
	ch_term_line(&cli->out, "  chancery resolve %s --resend", name);
}

static int show_known(const struct ch_cli *cli, const struct ch_target *target)
{
	json_t *transcript = NULL;
	json_t *known = NULL;
	int code = ch_show_ask(cli, target, &known);

	/* A letter in doubt had a dot, and so has a transcript. */
	if (code == EX_OK &&
	    strcmp(ch_json_text(known, "state"), "in_doubt") == 0)
		code = ch_show_ask_transcript(cli, target, &transcript);
	if (code == EX_OK) {
		if (transcript)
			json_object_set(known, "transcript", transcript);
		if (cli->json)
			ch_json_line(&cli->out, known);
		else
			show_ways(cli, target, known);
	}
	json_decref(transcript);
	json_decref(known);
	return code;
}

/* ---- the decision ----------------------------------------------------- */

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	bool sent = ch_args_has(args, "sent");
	CH_AUTO(ch_target) target = { 0 };
	json_t *body;
	int code;

	if (sent && ch_args_has(args, "resend"))
		return ch_fail_usage(cli, &ch_verb_resolve,
				     "either --sent or --resend");
	if (ch_target_letter(ch_args_operand(args, 0), &target) < 0)
		return ch_fail_usage(cli, &ch_verb_resolve,
				     "a letter is BATCH/KEY, such as "
				     "DM-1276/FRA");
	if (!sent && !ch_args_has(args, "resend"))
		return show_known(cli, &target);
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
		 "reply did not come\nback. Without --sent and --resend it "
		 "prints all that is known to decide by.\n",
	.options = options,
	.run = run,
};
