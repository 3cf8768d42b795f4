// SPDX-License-Identifier: GPL-3.0-or-later
/* suppress.c - chancery suppress: addresses that are not written to. */
#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/decide.h"
#include "cli/grid.h"
#include "cli/json.h"
#include "cli/outcome.h"
#include "cli/request.h"
#include "mail/address.h"

#define PAGE 1000

static const struct ch_grid_column columns[] = {
	{ "ADDRESS", false, 20 }, { "SINCE", false, 0 },
	{ "UNTIL", false, 0 },    { "WHY", false, 20 },
};

struct list {
	const struct ch_cli *cli;
	struct ch_grid grid;
	int64_t now_us;
	unsigned long long shown;
	unsigned long long over; /* of these */
};

/* Until when, as a person reads it. */
static const char *until(struct list *list, const json_t *item,
			 char at[CH_TIME_SIZE])
{
	const char *expires = ch_json_text(item, "expires_at");
	int64_t at_us;

	if (!expires[0])
		return "removed";
	if (ch_clock_parse_rfc3339(expires, &at_us) == 0 &&
	    at_us <= list->now_us) {
		list->over++;
		return "over";
	}
	ch_outcome_time(item, "expires_at", at);
	at[strcspn(at, " ")] = '\0';
	return at;
}

static int show(void *context, const json_t *item)
{
	struct list *list = context;
	unsigned long long evidence = ch_json_number(item, "return");
	CH_AUTOCHAR why = evidence ?
		ch_xasprintf("%s (return %llu)", ch_json_text(item, "reason"),
			     evidence) :
		ch_xstrdup(ch_json_text(item, "reason"));
	char at[CH_TIME_SIZE];

	list->shown++;
	if (list->cli->json) {
		ch_json_line(&list->cli->out, item);
		return EX_OK;
	}
	ch_grid_cell(&list->grid, CH_STYLE_PLAIN,
		     ch_json_text(item, "address"));
	ch_outcome_time(item, "added_at", at);
	at[strcspn(at, " ")] = '\0';
	ch_grid_cell(&list->grid, CH_STYLE_PLAIN, at);
	ch_grid_cell(&list->grid, CH_STYLE_PLAIN, until(list, item, at));
	ch_grid_cell(&list->grid, CH_STYLE_PLAIN, why);
	return EX_OK;
}

static int list_all(const struct ch_cli *cli)
{
	struct list list = { .cli = cli, .now_us = ch_clock_now_us() };
	char count[CH_COUNT_SIZE];
	int code;

	ch_grid_init(&list.grid, &cli->out, columns, CH_COUNT(columns));
	code = ch_request_pages_of(cli, CH_DOOR_CONTROL, "/v1/suppressed",
				   "suppressed", PAGE, show, &list);
	if (code == EX_OK && !cli->json) {
		if (list.shown)
			ch_grid_end(&list.grid);
		ch_term_line(&cli->out, "%s not written to.",
			     ch_outcome_count(list.shown - list.over, "address",
					      count));
	}
	ch_grid_release(&list.grid);
	return code;
}

static int change(const struct ch_cli *cli, const char *address, bool add)
{
	struct ch_address parsed;
	CH_AUTOCHAR said = NULL;
	struct ch_error err;
	json_t *body;
	int code;

	if (ch_address_parse_utf8(address, strlen(address), &parsed, &err) < 0)
		return ch_fail_usage(cli, &ch_verb_suppress, "%s", err.text);
	said = ch_xasprintf("%s: %s", parsed.spec,
			    add ? "not written to any more"
				: "written to again");
	body = json_pack("{s:s}", "address", parsed.spec);
	code = ch_decide(cli, add ? "/v1/suppress" : "/v1/unsuppress", body,
			 said, NULL);
	json_decref(body);
	return code;
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	const char *word = ch_args_operand(args, 0);
	const char *address = ch_args_operand(args, 1);
	bool add = strcmp(word, "add") == 0;

	if (strcmp(word, "list") == 0 && !address)
		return list_all(cli);
	if ((add || strcmp(word, "remove") == 0) && address)
		return change(cli, address, add);
	return ch_fail_usage(cli, &ch_verb_suppress,
			     "list, or add or remove with an address");
}

static const struct ch_option options[] = { { 0 } };

const struct ch_verb ch_verb_suppress = {
	.name = "suppress",
	.operands = "list|add|remove [ADDRESS]",
	.least = 1,
	.most = 2,
	.summary = "Addresses that are not written to.",
	.about = "What is queued for one is cancelled, and who enqueues more is "
		 "warned. Bounces\nmake entries only where chancery.conf says "
		 "so.\n",
	.options = options,
	.run = run,
};
