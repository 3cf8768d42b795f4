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

const char *ch_reply_says(const struct ch_rules *rules, const char *text)
{
	size_t len = strlen(text);
	struct ch_matches said;
	bool received, answers;
	bool question = asks(text);

	ch_matches_find(rules, text, len, &said);
	received = ch_matches_one(&said, CH_MEANS_RECEIVED, 0, len);
	answers = ch_matches_one(&said, CH_MEANS_ANSWER, 0, len);
	ch_matches_release(&said);
	/* Who answers has received it, and says that too. */
	if (question)
		return received || answers ? "" : "question";
	if (answers)
		return "answer";
	return received ? "acknowledgement" : "";
}
