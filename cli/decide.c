// SPDX-License-Identifier: GPL-3.0-or-later
/* decide.c - send a decision to chanceryd. */
#include "cli/decide.h"

#include "cli/json.h"
#include "cli/outcome.h"
#include "cli/request.h"

int ch_decide(const struct ch_cli *cli, const char *path, const json_t *body,
	      const char *what, const char *thing)
{
	json_t *answer = NULL;
	char count[CH_COUNT_SIZE];
	int code = ch_request_post(cli, path, body, &answer);

	if (code != EX_OK)
		return code;
	if (cli->json)
		ch_json_line(&cli->out, answer);
	else if (thing)
		ch_term_line(&cli->out, "%s: %s.", what,
			     ch_outcome_count(ch_json_number(answer,
							     "touched"),
					      thing, count));
	else
		ch_term_line(&cli->out, "%s.", what);
	json_decref(answer);
	return EX_OK;
}

int ch_decide_target(const struct ch_cli *cli, const struct ch_target *target,
		     const char *verb, const json_t *body, const char *what)
{
	CH_AUTOCHAR rest = ch_xasprintf("/%s", verb);
	CH_AUTOCHAR path =
		ch_request_path(target->reference, target->key, rest);
	CH_AUTOCHAR name = ch_target_name(target);
	CH_AUTOCHAR said = ch_xasprintf("%s: %s", name, what);

	return ch_decide(cli, path, body, said, "letter");
}
