// SPDX-License-Identifier: GPL-3.0-or-later
/* resolve.c - chancery resolve: what a person decides on a letter in doubt. */
#include <jansson.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/decide.h"
#include "cli/doubts.h"
#include "cli/json.h"
#include "cli/show.h"
#include "cli/target.h"

/* ---- what there is to decide by --------------------------------------- */

static void show_ways(const struct ch_cli *cli, const struct ch_target *target,
		      const json_t *known)
{
	const json_t *transcript = json_object_get(known, "transcript");
	const char *relay = ch_json_text(transcript, "relay");
	bool in_doubt = strcmp(ch_json_text(known, "state"), "in_doubt") == 0;
	CH_AUTOCHAR name = ch_target_name(target);

	ch_show_letter(&cli->out, known);
	if (ch_json_true(known, "at_risk"))
		ch_term_line(&cli->out,
			     "It may have been sent before this store came "
			     "back from a copy.");
	else if (!in_doubt)
		ch_term_line(&cli->out, "It is not in doubt.");
	if (!in_doubt && !ch_json_true(known, "at_risk"))
		return;
	if (transcript && in_doubt)
		ch_show_transcript(&cli->out, transcript);
	ch_term_line(&cli->out, "Look for it in the log of %s%s:",
		     relay[0] ? "relay " : "the relay", relay);
	ch_term_line(&cli->out, "  grep %s",
		     ch_json_text(known, "message_id"));
	ch_term_line(&cli->out, "Then, if the relay has it:");
	ch_term_line(&cli->out, "  chancery resolve %s --sent", name);
	if (!in_doubt) {
		ch_term_line(&cli->out, "If it does not, \"chancery resume\" "
					"sends it.");
		return;
	}
	ch_term_line(&cli->out, "or if it does not, to send it once more:");
	ch_term_line(&cli->out, "  chancery resolve %s --resend", name);
}

static int show_known(const struct ch_cli *cli, const struct ch_target *target)
{
	json_t *known = NULL;
	int code = ch_show_ask_known(cli, target, &known);

	if (code != EX_OK)
		return code;
	if (cli->json)
		ch_json_line(&cli->out, known);
	else
		show_ways(cli, target, known);
	json_decref(known);
	return EX_OK;
}

/* ---- the decision ----------------------------------------------------- */

static int decide(struct ch_cli *cli, const struct ch_target *target,
		  bool sent)
{
	json_t *body = json_pack("{s:s}", "as", sent ? "sent" : "resend");
	int code = ch_decide_target(cli, target, "resolve", body,
				    sent ? "resolved as sent"
					 : "will be sent once more");

	json_decref(body);
	return code;
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	bool sent = ch_args_has(args, "sent");
	bool decides = sent || ch_args_has(args, "resend");
	const char *word = ch_args_operand(args, 0);
	CH_AUTO(ch_target) target = { 0 };
	int code = EX_OK;

	if (sent && ch_args_has(args, "resend"))
		return ch_fail_usage(cli, &ch_verb_resolve,
				     "either --sent or --resend");
	if (!decides || ch_args_has(args, "recipient"))
		code = ch_target_find(cli, args, &target);
	else if (ch_target_letter(word, &target) < 0)
		return ch_fail_usage(cli, &ch_verb_resolve,
				     "a letter is BATCH/KEY, such as "
				     "DM-1276/FRA");
	if (code != EX_OK)
		return code;
	if (decides)
		return decide(cli, &target, sent);
	return target.key ? show_known(cli, &target)
			  : ch_doubts_list(cli, target.reference);
}

static const struct ch_option options[] = {
	{ "sent", 0, NULL, false, "The relay has it: it counts as sent." },
	{ "resend", 0, NULL, false,
	  "The relay does not have it: send it again." },
	CH_TARGET_OPTION,
	{ 0 },
};

const struct ch_verb ch_verb_resolve = {
	.name = "resolve",
	.operands = "BATCH[/KEY]",
	.least = 1,
	.most = 1,
	.summary = "Decide on a letter in doubt.",
	.about = "In doubt: its final dot may have reached the relay, whose "
		 "reply did not come\nback. Without --sent and --resend it "
		 "prints what is known to decide by:\nof BATCH the letters in "
		 "doubt, of BATCH/KEY all.\n",
	.options = options,
	.run = run,
};
