// SPDX-License-Identifier: GPL-3.0-or-later
/* choice.c - letters by state, and by what came back. */
#include "cli/choice.h"

#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/json.h"

/* chanceryd's states, and facts that stand beside them. */
static const char *const states[] = { "queued",	   "claimed", "dot",
				      "sent",	   "failed",  "in_doubt",
				      "cancelled", "held",    NULL };
static const char *const facts[] = { "bounced",	"delayed", "auto_replied",
				     "answered", "delivered", "read",
				     "silent",	"overdue", "at_risk", NULL };

static bool among(const char *const *names, const char *name)
{
	for (; *names; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

int ch_choice_read(const struct ch_cli *cli, const struct ch_verb *verb,
		   const char *given, struct ch_choice *ret)
{
	const char *all[CH_COUNT(states) + CH_COUNT(facts) - 1];
	const char *near;

	memcpy(all, states, sizeof(states));
	memcpy(all + CH_COUNT(states) - 1, facts, sizeof(facts));
	*ret = (struct ch_choice){ 0 };
	if (!given)
		return EX_OK;
	if (among(facts, given)) {
		ret->fact = given;
		return EX_OK;
	}
	if (among(states, given)) {
		ret->state = given;
		return EX_OK;
	}
	near = ch_args_nearest(given, all);
	return ch_fail_usage(cli, verb, "no state \"%s\"%s%s%s", given,
			     near ? "; did you mean \"" : "", near ? near : "",
			     near ? "\"?" : "");
}

bool ch_choice_needs_deadline(const struct ch_choice *choice)
{
	return choice->fact && strcmp(choice->fact, "overdue") == 0;
}

bool ch_batch_is_late(const json_t *batch)
{
	const char *deadline = ch_json_text(batch, "deadline");
	char today[CH_DATE_SIZE];

	ch_clock_today(today);
	return deadline[0] && strcmp(today, deadline) > 0;
}

int ch_choice_take_deadline(const struct ch_cli *cli, const json_t *batch,
			    struct ch_choice *choice)
{
	choice->late = ch_batch_is_late(batch);
	if (ch_json_text(batch, "deadline")[0])
		return EX_OK;
	return ch_fail(cli, EX_DATAERR,
		       "\"chancery letters --state silent\" lists those that "
		       "have not answered.",
		       "%s has no deadline", ch_json_text(batch, "reference"));
}

bool ch_letter_is_silent(const json_t *letter)
{
	return strcmp(ch_json_text(letter, "state"), "sent") == 0 &&
	       !ch_json_true(letter, "answered") &&
	       !ch_json_true(letter, "bounced");
}

bool ch_choice_has(const struct ch_choice *choice, const json_t *letter)
{
	if (choice->state)
		return strcmp(ch_json_text(letter, "state"), choice->state) ==
		       0;
	if (!choice->fact)
		return true;
	if (ch_choice_needs_deadline(choice))
		return choice->late && ch_letter_is_silent(letter);
	if (strcmp(choice->fact, "silent") == 0)
		return ch_letter_is_silent(letter);
	return ch_json_true(letter, choice->fact);
}
