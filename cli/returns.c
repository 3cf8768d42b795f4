// SPDX-License-Identifier: GPL-3.0-or-later
/* returns.c - chancery returns: what came back. */
#include <string.h>

#include "cli/cli.h"
#include "cli/grid.h"
#include "cli/json.h"
#include "cli/outcome.h"
#include "cli/request.h"
#include "cli/target.h"
#include "mail/address.h"

#define TEXT_MAX 8192

static const struct ch_grid_column columns[] = {
	{ "ID", true, 0 },
	{ "WHAT", false, 0 },	{ "LETTER", false, 22 },
	{ "WHEN", false, 0 },	{ "FROM", false, 12 },
	{ "SAYS", false, 16 },
};

struct list {
	const struct ch_cli *cli;
	struct ch_grid grid;
	unsigned long long shown;
	unsigned long long unverified;
};

/* Whose it is; what was matched without a valid token is marked. */
static void write_letter(const json_t *item, struct ch_str *out)
{
	const char *batch = ch_json_text(item, "batch");

	if (!batch[0]) {
		ch_str_add(out, "(none)");
		return;
	}
	ch_str_addf(out, "%s/%s%s", batch, ch_json_text(item, "key"),
		    ch_json_true(item, "verified") ? "" : " (?)");
}

/* A bounce says whom it is about and why; a mail of a person its subject. */
static void write_text(const json_t *item, struct ch_str *out)
{
	const char *status = ch_json_text(item, "status");
	const char *diagnostic = ch_json_text(item, "diagnostic");
	const char *fault = ch_json_text(item, "fault");
	const char *reason = ch_json_text(item, "reason");
	const char *away = ch_json_text(item, "away_until");

	/* "smtp; 550 5.1.1 …": the type is always that, and the status is in
	 * what most relays write. */
	if (strncmp(diagnostic, "smtp;", 5) == 0)
		diagnostic += 5 + strspn(diagnostic + 5, " ");
	if (fault[0])
		ch_str_addf(out, "[%s] ", fault);
	if (away[0])
		ch_str_addf(out, "until %s; ", away);
	if (reason[0] && strcmp(reason, "undefined") != 0)
		ch_str_addf(out, "%s; ", reason);
	if (status[0] && !strstr(diagnostic, status))
		ch_str_addf(out, "%s ", status);
	if (diagnostic[0])
		ch_str_add(out, diagnostic);
	else
		ch_str_add(out, ch_json_text(item, "subject"));
}

static int show(void *context, const json_t *item)
{
	struct list *list = context;
	struct ch_grid *grid = &list->grid;
	struct ch_outcome outcome = ch_outcome_of_return(item);
	const char *recipient = ch_json_text(item, "recipient");
	CH_AUTO(ch_str) letter = CH_STR_INIT(TEXT_MAX);
	CH_AUTO(ch_str) text = CH_STR_INIT(TEXT_MAX);
	CH_AUTO(ch_str) who = CH_STR_INIT(TEXT_MAX);
	char when[CH_TIME_SIZE];
	char id[24];

	list->shown++;
	if (list->cli->json) {
		ch_json_line(&list->cli->out, item);
		return EX_OK;
	}
	list->unverified += !ch_json_true(item, "verified") &&
			    ch_json_text(item, "batch")[0];
	write_letter(item, &letter);
	write_text(item, &text);
	ch_address_show(recipient[0] ? recipient : ch_json_text(item, "from"),
			&who);
	snprintf(id, sizeof(id), "%llu", (unsigned long long)
		 ch_json_number(item, "cursor"));
	ch_grid_cell(grid, CH_STYLE_PLAIN, id);
	ch_grid_sign(grid, outcome.sign, outcome.word);
	ch_grid_cell(grid, CH_STYLE_PLAIN, ch_str_cstr(&letter));
	ch_grid_cell(grid, CH_STYLE_PLAIN,
		     ch_outcome_short_time(item, "received_at", when));
	ch_grid_cell(grid, CH_STYLE_PLAIN, ch_str_cstr(&who));
	ch_grid_cell(grid, CH_STYLE_PLAIN, ch_str_cstr(&text));
	return EX_OK;
}

static int list_returns(struct list *list, const char *path)
{
	const struct ch_term *out = &list->cli->out;
	char count[CH_COUNT_SIZE];
	int code;

	code = ch_request_pages(list->cli, path, "returns", show, list);
	if (code != EX_OK || list->cli->json)
		return code;
	ch_grid_end(&list->grid);
	ch_term_line(out, "%s came back.",
		     ch_outcome_count(list->shown, "mail", count));
	if (list->unverified)
		ch_term_line(out, "(?) %llu of them without our token: matched "
				  "by what they say of themselves.",
			     list->unverified);
	if (list->unverified)
		ch_term_line(out, "\"chancery confirm\" says that one is "
				  "about its letter.");
	return EX_OK;
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	struct list list = { .cli = cli };
	CH_AUTO(ch_target) target = { 0 };
	CH_AUTOCHAR path = NULL;
	int code = EX_OK;

	if (ch_args_operands(args) == 0) {
		path = ch_xstrdup("/v1/returns");
	} else {
		code = ch_target_find(cli, args, &target);
		if (code != EX_OK)
			return code;
		path = ch_request_path(target.reference, target.key,
				       "/returns");
	}
	ch_grid_init(&list.grid, &cli->out, columns, CH_COUNT(columns));
	code = list_returns(&list, path);
	ch_grid_release(&list.grid);
	return code;
}

static const struct ch_option options[] = { CH_TARGET_OPTION, { 0 } };

const struct ch_verb ch_verb_returns = {
	.name = "returns",
	.operands = "[BATCH[/KEY]]",
	.least = 0,
	.most = 1,
	.summary = "List what came back: bounces, delays, absences, answers.",
	.about = "",
	.options = options,
	.run = run,
};
