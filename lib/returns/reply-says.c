// SPDX-License-Identifier: GPL-3.0-or-later
/* reply-says.c - an answer, an acknowledgement, or a question: only where the
 * text says so plainly. A person reads it in any case; this sorts the list. */
#include <string.h>

#include "base/mem.h"
#include "returns/returns-private.h"

/* A question mark that ends a word: not one of a link. */
static bool asks(const char *text)
{
	static const char *const marks[] = { "?", "\xEF\xBC\x9F", "\xD8\x9F" };

	for (size_t i = 0; i < CH_COUNT(marks); i++)
		for (const char *at = text; (at = strstr(at, marks[i]));) {
			at += strlen(marks[i]);
			if (!*at || strchr(" \t\r\n\"')?!", *at) || i > 0)
				return true;
		}
	return false;
}

/* Words that leave it open: "We shall inform you whether the Minister will
 * attend" is no answer yet. */
static bool leaves_open(const char *sentence)
{
	static const char *const words[] = {
		"whether ",
		"if ",
		"in due course",
		"who will ",
		"hope",
		"once ",
		" si ",
		"s'il",
		"ultérieurement",
		"temps utile",
		"qui participera",
		"espère",
		"espera",
		"oportunamente",
		"quién",
		" ли ",
		"если ",
		"надее",
		"позднее",
		"是否",
		"如果",
		"希望",
		"稍后",
		"ما إذا",
		"إذا ",
		"لاحقا",
		"نأمل",
	};

	for (size_t i = 0; i < CH_COUNT(words); i++)
		if (ch_fold_contains(sentence, words[i]))
			return true;
	return false;
}

#define SENTENCE_MAX 200 /* bytes looked at, before and behind the words */

/* A sentence ends with its mark or with an empty line. */
static bool ends_sentence(const char *text, size_t at)
{
	return strchr(".!?", text[at]) ||
	       strncmp(text + at, "。", strlen("。")) == 0 ||
	       strncmp(text + at, "\n\n", 2) == 0;
}

static char *sentence_around(const char *text, size_t at)
{
	size_t from = at;
	size_t to = at;

	while (from > 0 && at - from < SENTENCE_MAX &&
	       !ends_sentence(text, from - 1))
		from--;
	while (text[to] && to - at < SENTENCE_MAX && !ends_sentence(text, to))
		to++;
	return ch_xasprintf(" %.*s ", (int)(to - from), text + from);
}

/* Whether one of the phrases of answers stands in a sentence that is sure. */
static bool has_answer(const struct ch_matches *said, const char *text)
{
	for (size_t i = 0; i < said->len; i++) {
		CH_AUTOCHAR sentence = NULL;

		if (said->list[i].rule->means != CH_MEANS_ANSWER)
			continue;
		sentence = sentence_around(text, said->list[i].at);
		if (!leaves_open(sentence))
			return true;
	}
	return false;
}

const char *ch_reply_says(const struct ch_rules *rules, const char *text)
{
	size_t len = strlen(text);
	struct ch_matches said;
	bool received, answers;
	bool question = asks(text);

	ch_matches_find(rules, text, len, &said);
	received = ch_matches_one(&said, CH_MEANS_RECEIVED, 0, len);
	answers = has_answer(&said, text);
	ch_matches_release(&said);
	/* Who answers has received it, and says that too. */
	if (question)
		return received || answers ? "" : "question";
	if (answers)
		return "answer";
	return received ? "acknowledgement" : "";
}
