// SPDX-License-Identifier: GPL-3.0-or-later
/* letters.c - chancery letters: the letters of a batch, one a row. */
#include <string.h>

#include "base/clock.h"
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

/* What --state takes: chanceryd's states, and facts that stand beside them. */
static const char *const states[] = { "queued",	   "claimed", "dot",
				      "sent",	   "failed",  "in_doubt",
				      "cancelled", "held",    NULL };
static const char *const facts[] = { "bounced",	"delayed", "auto_replied",
				     "answered", "delivered", "read",
				     "silent",	"overdue", "at_risk", NULL };

struct list {
	const struct ch_cli *cli;
	const char *fact; /* only letters of which it is true; NULL: all */
	bool overdue;     /* the batch's deadline is over */
	struct ch_grid grid;
	unsigned long long shown;
};

/* Sent, and nobody has answered nor sent it back; a notice of absence is no
 * answer. */
static bool is_silent(const json_t *letter)
{
	return strcmp(ch_json_text(letter, "state"), "sent") == 0 &&
	       !ch_json_true(letter, "answered") &&
	       !ch_json_true(letter, "bounced");
}

static bool is_shown(const struct list *list, const json_t *letter)
{
	if (!list->fact)
		return true;
	if (strcmp(list->fact, "overdue") == 0)
		return list->overdue && is_silent(letter);
	if (strcmp(list->fact, "silent") == 0)
		return is_silent(letter);
	return ch_json_true(letter, list->fact);
}

/* The address that decides: the first one in the letter's own state. */
static const json_t *deciding(const json_t *letter)
{
	const json_t *addresses = json_object_get(letter, "addresses");
	const char *state = ch_json_text(letter, "state");
	const json_t *address;
	size_t i;

	json_array_foreach(addresses, i, address) {
		if (strcmp(ch_json_text(address, "state"), state) == 0)
			return address;
	}
	return json_array_get(addresses, 0);
}

static void add_notes(const json_t *letter, const json_t *address,
		      struct ch_str *out)
{
	char next[CH_TIME_SIZE];

	if (ch_json_true(letter, "auto_replied"))
		ch_str_add(out, "away; ");
	if (ch_json_true(letter, "delayed"))
		ch_str_add(out, "delayed; ");
	if (strcmp(ch_json_text(address, "state"), "queued") == 0 &&
	    ch_outcome_time(address, "next_at", next)[0])
		ch_str_addf(out, "again at %s; ", next + 11);
	ch_outcome_reply(address, out);
}

static int show(void *context, const json_t *letter)
{
	struct list *list = context;
	struct ch_grid *grid = &list->grid;
	struct ch_outcome outcome = ch_outcome_of_letter(letter);
	const json_t *address = deciding(letter);
	CH_AUTO(ch_str) reply = CH_STR_INIT(REPLY_MAX);
	char when[CH_TIME_SIZE];

	if (!is_shown(list, letter))
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

static bool among(const char *const *names, const char *name)
{
	for (; *names; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

/* The day after the deadline has begun, by this machine's calendar. */
static int ask_deadline(struct list *list, const char *reference)
{
	CH_AUTOCHAR path = ch_request_path(reference, NULL, "");
	char today[CH_DATE_SIZE];
	json_t *batch = NULL;
	const char *deadline;
	int code = ch_request_json(list->cli, CH_DOOR_READ, path, &batch);

	if (code != EX_OK)
		return code;
	deadline = ch_json_text(batch, "deadline");
	ch_clock_today(today);
	list->overdue = deadline[0] && strcmp(today, deadline) > 0;
	if (!deadline[0])
		code = ch_fail(list->cli, EX_DATAERR,
			       "\"chancery letters --state silent\" lists "
			       "those that have not answered.",
			       "%s has no deadline", reference);
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

static int run(struct ch_cli *cli, const struct ch_args *args)
{
	const char *state = ch_args_value(args, "state");
	struct list list = { .cli = cli };
	CH_AUTO(ch_target) target = { 0 };
	int code;

	if (state && among(facts, state)) {
		list.fact = state;
		/* Those wait; a search through all would take long. */
		state = strcmp(state, "at_risk") == 0 ? "queued" : NULL;
	} else if (state && !among(states, state)) {
		const char *near = ch_args_nearest(state, states);

		if (!near)
			near = ch_args_nearest(state, facts);
		return ch_fail_usage(cli, &ch_verb_letters,
				     "no state \"%s\"%s%s%s", state,
				     near ? "; did you mean \"" : "",
				     near ? near : "", near ? "\"?" : "");
	}
	ch_target_batch(ch_args_operand(args, 0), &target);
	ch_grid_init(&list.grid, &cli->out, columns, CH_COUNT(columns));
	code = list.fact && strcmp(list.fact, "overdue") == 0 ?
		       ask_deadline(&list, target.reference) : EX_OK;
	if (code == EX_OK)
		code = list_letters(&list, target.reference, state);
	ch_grid_release(&list.grid);
	return code;
}

static const struct ch_option options[] = {
	{ "state", 's', "STATE", false,
	  "Only those: queued, claimed, dot, sent, failed, in_doubt, "
	  "cancelled, held; or bounced, delayed, auto_replied, answered, "
	  "delivered, read, silent, overdue, at_risk." },
	{ 0 },
};

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
