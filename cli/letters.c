// SPDX-License-Identifier: GPL-3.0-or-later
/* letters.c - chancery letters: the letters of a batch, one a row. */
#include <string.h>

#include "cli/choice.h"
#include "cli/cli.h"
#include "cli/grid.h"
#include "cli/json.h"
#include "cli/outcome.h"
#include "cli/request.h"
#include "cli/target.h"

#define REPLY_MAX 4096

static const struct ch_grid_column columns[] = {
	{ "LETTER", false, 0 },	 { "KEY", false, 16 },
	{ "LANG", false, 0 },	 { "NAME", false, 12 },
	{ "WHEN", false, 0 },	 { "LAST REPLY", false, 20 },
};

struct list {
	const struct ch_cli *cli;
	struct ch_choice choice;
	struct ch_grid grid;
	unsigned long long shown;
};

static void add_notes(const json_t *letter, const json_t *address,
		      struct ch_str *out)
{
	CH_AUTO(ch_str) reply = CH_STR_INIT(REPLY_MAX);
	const char *away = ch_json_text(letter, "away_until");
	char next[CH_TIME_SIZE];

	ch_outcome_reply(address, &reply);
	/* What to look for in the logs of the relays. */
	if (ch_json_true(letter, "at_risk"))
		ch_str_addf(out, "grep %s; ",
			    ch_json_text(letter, "message_id"));
	if (ch_json_true(letter, "auto_replied"))
		ch_str_addf(out, "away%s%s; ", away[0] ? " until " : "", away);
	if (ch_json_true(letter, "delayed"))
		ch_str_add(out, "delayed; ");
	if (ch_json_true(letter, "read"))
		ch_str_add(out, "read; ");
	else if (ch_json_true(letter, "delivered"))
		ch_str_add(out, "delivered; ");
	if (strcmp(ch_json_text(address, "state"), "queued") == 0 &&
	    ch_outcome_short_time(address, "next_at", next)[0])
		ch_str_addf(out, "%s %s; ",
			    reply.len ? "again at" : "not before", next);
	if (reply.len)
		ch_str_add(out, ch_str_cstr(&reply));
	else if (out->len > 2)
		ch_str_truncate(out, out->len - 2); /* the last "; " */
}

static int show(void *context, const json_t *letter)
{
	struct list *list = context;
	struct ch_grid *grid = &list->grid;
	struct ch_outcome outcome = ch_outcome_of_letter(letter);
	const json_t *address = ch_outcome_deciding(letter);
	CH_AUTO(ch_str) reply = CH_STR_INIT(REPLY_MAX);
	char when[CH_TIME_SIZE];

	if (!ch_choice_has(&list->choice, letter))
		return EX_OK;
	list->shown++;
	if (list->cli->json) {
		ch_json_line(&list->cli->out, letter);
		return EX_OK;
	}
	add_notes(letter, address, &reply);
	ch_grid_sign(grid, outcome.sign, outcome.word);
	ch_grid_cell(grid, CH_STYLE_PLAIN, ch_json_text(letter, "key"));
	ch_grid_cell(grid, CH_STYLE_PLAIN, ch_json_text(letter, "language"));
	ch_grid_cell(grid, CH_STYLE_PLAIN, ch_json_text(letter, "name"));
	ch_grid_cell(grid, CH_STYLE_PLAIN,
		     ch_outcome_short_time(address, "changed_at", when));
	ch_grid_cell(grid, CH_STYLE_PLAIN, ch_str_cstr(&reply));
	return EX_OK;
}

static int ask_deadline(struct list *list, const char *reference)
{
	CH_AUTOCHAR path = ch_request_path(reference, NULL, "");
	json_t *batch = NULL;
	int code = ch_request_json(list->cli, CH_DOOR_READ, path, &batch);

	if (code != EX_OK)
		return code;
	code = ch_choice_take_deadline(list->cli, batch, &list->choice);
	json_decref(batch);
	return code;
}

static int list_letters(struct list *list, const char *reference,
			const char *state)
{
	CH_AUTOCHAR rest = state ? ch_xasprintf("/letters?state=%s", state)
				 : ch_xstrdup("/letters");
	CH_AUTOCHAR path = ch_request_path(reference, NULL, rest);
	char count[CH_COUNT_SIZE];
	int code;

	code = ch_request_pages(list->cli, path, "letters", show, list);
	if (code == EX_OK && !list->cli->json) {
		ch_grid_end(&list->grid);
		ch_term_line(&list->cli->out, "%s",
			     ch_outcome_count(list->shown, "letter", count));
	}
	return code;
}

/* What chanceryd is asked for: those at risk wait, and a search through all
 * would take long. */
static const char *state_asked(const struct ch_choice *choice)
{
	if (choice->fact && strcmp(choice->fact, "at_risk") == 0)
		return "queued";
	return choice->state;
}

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	struct list list = { .cli = cli };
	CH_AUTO(ch_target) target = { 0 };
	int code = ch_choice_read(cli, &ch_verb_letters,
				  ch_args_value(args, "state"), &list.choice);

	if (code != EX_OK)
		return code;
	ch_target_batch(ch_args_operand(args, 0), &target);
	ch_grid_init(&list.grid, &cli->out, columns, CH_COUNT(columns));
	if (ch_choice_needs_deadline(&list.choice))
		code = ask_deadline(&list, target.reference);
	if (code == EX_OK)
		code = list_letters(&list, target.reference,
				    state_asked(&list.choice));
	ch_grid_release(&list.grid);
	return code;
}

static const struct ch_option options[] = { CH_CHOICE_OPTION, { 0 } };

const struct ch_verb ch_verb_letters = {
	.name = "letters",
	.operands = "BATCH",
	.least = 1,
	.most = 1,
	.summary = "List the letters of a batch.",
	.about = "",
	.options = options,
	.run = run,
};
