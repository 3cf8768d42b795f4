// SPDX-License-Identifier: GPL-3.0-or-later
/* words.c - the words of a report, found by what the program calls them. */
#include "cli/words.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "letter/languages.h"
#include "letter/tsv.h"

static const char *const names[] = {
	"title", "sheet_summary", "sheet_letters", "reference", "subject",
	"date", "deadline", "as_of", "test_to", "shown", "all_utc",
	"no_letter", "addressees", "share", "yes", "key", "name", "addressee",
	"capacities", "language", "to", "cc", "outcome", "overdue", "sent_at",
	"smtp_reply", "delivered_at", "read_at", "answered_at", "answered_by",
	"says", "answer_id", "attachments", "returned_at", "returned_address",
	"returned_status", "returned_reason", "away_until", "readdressed_to",
	"followed_by", "when", "more", "waiting", "sending", "held",
	"cancelled", "refused", "in_doubt", "sent", "delivered", "read",
	"away", "acknowledged", "answered", "returned", "silent", "unknown",
	"says.answer", "says.acknowledgement", "says.question",
	"relation.reminds", "relation.corrects", "relation.recalls",
	"reason.user unknown", "reason.host unknown", "reason.mailbox full",
	"reason.mailbox disabled", "reason.too large", "reason.policy",
	"reason.spam", "reason.authentication", "reason.rate",
	"reason.network", "reason.expired", "reason.content", "reason.loop",
	"reason.system", "reason.challenge", "reason.undefined",
};
#define NAMES CH_COUNT(names)

static const char *const columns[] = { "word", "en", "fr", "es",
				       "ru",   "zh", "ar", NULL };
_Static_assert(CH_COUNT(columns) == CH_LANGUAGES + 2,
	       "columns follow the languages of languages.h");

struct ch_words {
	struct ch_slice words[NAMES]; /* borrowed from the text */
	unsigned int lines[NAMES];    /* 0: not there yet */
	size_t language;
};

void ch_words_free(struct ch_words *words)
{
	free(words);
}

/* NAMES where it is none. */
static size_t number_of(struct ch_slice name)
{
	size_t i = 0;

	while (i < NAMES && !ch_slice_eq(name, names[i]))
		i++;
	return i;
}

static void take_row(void *context, const struct ch_tsv_row *row,
		     struct ch_problems *problems)
{
	struct ch_words *words = context;
	struct ch_slice name = row->cells[0];
	size_t number = number_of(name);

	if (number == NAMES) {
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				ch_tsv_place(row, 0, columns[0]), NULL,
				"\"%.*s\" is no word of a report",
				(int)name.len, name.data);
		return;
	}
	if (words->lines[number]) {
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				ch_tsv_place(row, 0, columns[0]), NULL,
				"\"%.*s\" is also on line %u", (int)name.len,
				name.data, words->lines[number]);
		return;
	}
	words->lines[number] = row->line;
	words->words[number] = row->cells[1 + words->language];
}

int ch_words_parse(struct ch_slice text, const char *shown,
		   const char *language, struct ch_words **ret,
		   struct ch_problems *problems)
{
	CH_AUTOPTR(ch_words) words = ch_xzalloc(sizeof(*words));
	struct ch_place place = { shown, 0, 0, NULL };
	size_t errors = problems->errors;

	words->language = ch_language_number(ch_slice_of(language));
	assert(words->language < CH_LANGUAGES);
	if (ch_tsv_read(text, shown, columns, take_row, words, problems) < 0)
		return -1;
	for (size_t i = 0; i < NAMES; i++) {
		if (!words->lines[i])
			ch_problems_add(problems, CH_PROBLEM_ERROR, place,
					"A report needs every word.",
					"no row \"%s\"", names[i]);
	}
	if (problems->errors > errors)
		return -1;
	*ret = CH_TAKE(words);
	return 0;
}

struct ch_slice ch_words_get(const struct ch_words *words, const char *name)
{
	size_t number = number_of(ch_slice_of(name));

	assert(number < NAMES);
	return words->words[number];
}

void ch_words_add(const struct ch_words *words, const char *kind,
		  const char *token, struct ch_str *out)
{
	CH_AUTOCHAR name = ch_xasprintf("%s%s", kind, token);
	size_t number = number_of(ch_slice_of(name));

	if (number == NAMES)
		ch_str_add(out, token);
	else
		ch_str_add_mem(out, words->words[number].data,
			       words->words[number].len);
}
