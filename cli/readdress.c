// SPDX-License-Identifier: GPL-3.0-or-later
/* readdress.c - chancery readdress: the same letter to another address. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/decide.h"
#include "cli/json.h"
#include "cli/show.h"
#include "cli/target.h"
#include "mail/address.h"

/* Whose it is and where it went, before it goes elsewhere. */
static int show_and_ask(const struct ch_cli *cli,
			const struct ch_target *target, const char *address)
{
	CH_AUTOCHAR name = ch_target_name(target);
	CH_AUTOCHAR question = NULL;
	json_t *letter = NULL;
	int code;

	if (!ch_can_ask(cli))
		return ch_fail_usage(cli, &ch_verb_readdress,
				     "without a terminal it needs --yes");
	code = ch_show_ask(cli, target, &letter);
	if (code != EX_OK)
		return code;
	ch_show_letter(&cli->err, letter);
	question = ch_xasprintf("Send the letter to %s to %s as well?",
				ch_json_text(letter, "name")[0] ?
					ch_json_text(letter, "name") : name,
				address);
	json_decref(letter);
	if (ch_ask(cli, question))
		return EX_OK;
	ch_term_line(&cli->err, "Nothing was changed.");
	return CH_EX_NO;
}

/* One address, as it goes to a relay; the caller's. Whether one takes what is
 * not ASCII is known to the mail room. */
static char *read_address(const char *text, struct ch_error *err)
{
	struct ch_address *list = NULL;
	size_t offset = 0;
	char *spec = NULL;
	int len = ch_address_parse_list(text, strlen(text), CH_LOCAL_UTF8,
					&list, &offset, err);

	if (len == 1)
		spec = ch_xstrdup(list[0].spec);
	else if (len >= 0)
		ch_error_set(err, CH_GIVE_UP, "\"%s\" is not one address",
			     text);
	free(list);
	return spec;
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	const char *address = ch_args_operand(args, 1);
	CH_AUTO(ch_target) target = { 0 };
	CH_AUTO(ch_str) shown = CH_STR_INIT(2000);
	CH_AUTOCHAR spec = NULL;
	CH_AUTOCHAR what = NULL;
	struct ch_error err;
	json_t *body;
	int code = EX_OK;

	if (ch_target_letter(ch_args_operand(args, 0), &target) < 0)
		return ch_fail_usage(cli, &ch_verb_readdress,
				     "a letter is BATCH/KEY, such as "
				     "DM-1276/FRA");
	spec = read_address(address, &err);
	if (!spec)
		return ch_fail_usage(cli, &ch_verb_readdress, "%s", err.text);
	ch_address_show(spec, &shown);
	if (!ch_args_has(args, "yes"))
		code = show_and_ask(cli, &target, ch_str_cstr(&shown));
	if (code != EX_OK)
		return code;
	what = ch_xasprintf("goes to %s", ch_str_cstr(&shown));
	body = json_pack("{s:s}", "address", spec);
	code = ch_decide_target(cli, &target, "readdress", body, what);
	json_decref(body);
	return code;
}

static const struct ch_option options[] = {
	{ "yes", 'y', NULL, false, "Do not show and ask." },
	{ 0 },
};

const struct ch_verb ch_verb_readdress = {
	.name = "readdress",
	.operands = "BATCH/KEY ADDRESS",
	.least = 2,
	.most = 2,
	.summary = "Send the same letter to one more address.",
	.about = "For a letter that came back: the same message, byte for byte, "
		 "goes to another\naddress of that addressee and is followed "
		 "there.\n",
	.options = options,
	.run = run,
};
