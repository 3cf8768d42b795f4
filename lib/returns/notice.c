// SPDX-License-Identifier: GPL-3.0-or-later
/* notice.c - what the texts of a mail say, by the table of rules. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "returns/returns-private.h"

/* Whether it stands in a line of its own: no words before it. */
static bool begins_line(const char *text, size_t at)
{
	while (at > 0 && text[at - 1] != '\n') {
		at--;
		if (isalnum((unsigned char)text[at]) ||
		    (unsigned char)text[at] >= 0x80)
			return false;
	}
	return true;
}

/* "The attached message had permanent errors" is no heading: what failed, or
 * why, is told in its own line. */
static bool tells_failure(const char *text, const struct ch_matches *said,
			  size_t heading)
{
	const struct ch_match *match = &said->list[heading];
	const char *lf = strchr(text + match->end, '\n');

	for (size_t i = heading + 1; i < said->len; i++) {
		enum ch_meaning means = said->list[i].rule->means;

		if (lf && said->list[i].at >= (size_t)(lf - text))
			return false;
		if (means < CH_MEANS_REASONS || means == CH_MEANS_FAILED ||
		    means == CH_MEANS_DELAYED)
			return true;
	}
	return false;
}

/* The phrases that say so are looked for first, for what is ours must not be
 * taken for what was written about it. */
static size_t end_of_notice(const char *text, size_t len,
			    const struct ch_matches *said)
{
	size_t end = ch_original_find(text, len);

	for (size_t i = 0; i < said->len; i++) {
		const struct ch_match *match = &said->list[i];

		if (match->rule->means == CH_MEANS_ORIGINAL && match->at > 0 &&
		    match->at < end && begins_line(text, match->at) &&
		    !tells_failure(text, said, i))
			return match->at;
	}
	return end;
}

void ch_notice_read(const struct ch_rules *rules,
		    const struct ch_message *message, struct ch_notice *ret)
{
	size_t len = strlen(message->notice);
	size_t original;

	*ret = (struct ch_notice){
		.rules = rules,
		.message = message,
		.text = message->notice,
	};
	ch_matches_find(rules, message->subject, strlen(message->subject),
			&ret->subject);
	ch_matches_find(rules, ret->text, len, &ret->said);
	ret->len = end_of_notice(ret->text, len, &ret->said);
	while (ret->said.len &&
	       ret->said.list[ret->said.len - 1].at >= ret->len)
		ret->said.len--;
	original =
	    ret->len + ch_original_find(ret->text + ret->len, len - ret->len);
	if (original < len)
		ch_block_parse(&ret->original, ret->text + original,
			       len - original);
}

void ch_notice_release(struct ch_notice *notice)
{
	ch_matches_release(&notice->said);
	ch_matches_release(&notice->subject);
	ch_block_release(&notice->original);
}
