// SPDX-License-Identifier: GPL-3.0-or-later
/* match.c - find all phrases of the table in a text, in one pass.
 *
 * The first four bytes of a phrase are its key in a hash table: at each byte of
 * the text that is one look, and only where the key is there are phrases
 * compared. No phrase is longer than a line, so this is linear in the text.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "returns/returns-private.h"
#include "returns/rules.h"

#define KEY_BYTES 4
#define BUCKETS 8192
#define PHRASE_MAX 300 /* bytes of a text that one may take */

struct ch_rules {
	const struct ch_rule *rows; /* borrowed: a table */
	size_t len;
	struct ch_rules *away; /* owned; NULL: it is that one */
	uint16_t head[BUCKETS]; /* index of a row + 1, 0 = none */
	uint16_t *next;		/* owned; the same */
	char **texts;		/* owned, as are the strings: levelled */
	size_t *lens;		/* owned; of those */
};

static size_t bucket_of(const char *key)
{
	uint32_t bytes;

	memcpy(&bytes, key, KEY_BYTES);
	return bytes * 2654435761U >> 19;
}

/* ---- levelling --------------------------------------------------------- */

/* A backslash before a quote is of JSON in a text; an accent that is a
 * character of its own is levelled as those of letters are. */
static bool is_noise(const char *text, size_t len, uint32_t cp)
{
	return (cp == '\\' && len > 1 && text[1] == '"') || cp == 0xAD ||
	       (cp >= 0x300 && cp <= 0x36F) ||
	       (cp >= 0x200B && cp <= 0x200F) || cp == 0xFEFF;
}

static void put(struct ch_folded *folded, const char *bytes, size_t len,
		size_t origin)
{
	for (size_t i = 0; i < len; i++) {
		folded->text[folded->len] = bytes[i];
		folded->origin[folded->len++] = (uint32_t)origin;
	}
}

void ch_folded_make(struct ch_folded *folded, const char *text, size_t len)
{
	bool space = true;

	folded->text = ch_xmalloc(len + 1);
	folded->origin = ch_xcalloc(len + 1, sizeof(*folded->origin));
	folded->len = 0;
	for (size_t at = 0; at < len;) {
		uint32_t cp = (unsigned char)text[at];
		size_t used = 1;
		char bytes[4];

		if (cp >= 0x80)
			used = ch_utf8_decode(text + at, len - at, &cp);
		if (!used) {
			at++;
			continue;
		}
		cp = ch_fold(cp);
		if (cp == ' ' || (cp >= '\t' && cp <= '\r')) {
			if (!space)
				put(folded, " ", 1, at);
			space = true;
		} else if (!is_noise(text + at, len - at, cp)) {
			put(folded, bytes, ch_utf8_encode(cp, bytes), at);
			space = false;
		}
		at += used;
	}
	folded->text[folded->len] = '\0';
	folded->origin[folded->len] = (uint32_t)len;
}

void ch_folded_release(struct ch_folded *folded)
{
	free(folded->text);
	free(folded->origin);
	*folded = (struct ch_folded){ 0 };
}

/* ---- the table ---------------------------------------------------------- */

static struct ch_rules *make_ready(const struct ch_rule *rows, size_t len)
{
	struct ch_rules *rules = ch_xzalloc(sizeof(*rules));

	rules->rows = rows;
	rules->len = len;
	rules->next = ch_xcalloc(len, sizeof(*rules->next));
	rules->texts = ch_xcalloc(len, sizeof(*rules->texts));
	rules->lens = ch_xcalloc(len, sizeof(*rules->lens));
	for (size_t i = 0; i < len; i++) {
		const char *text = rows[i].text;
		struct ch_folded folded;
		uint16_t *head;

		ch_folded_make(&folded, text, strlen(text));
		assert(folded.len >= KEY_BYTES);
		head = &rules->head[bucket_of(folded.text)];
		rules->texts[i] = CH_TAKE(folded.text);
		rules->lens[i] = folded.len;
		rules->next[i] = *head;
		*head = (uint16_t)(i + 1);
		ch_folded_release(&folded);
	}
	return rules;
}

struct ch_rules *ch_rules_new(void)
{
	struct ch_rules *rules = make_ready(ch_rules, ch_rules_len);

	rules->away = make_ready(ch_away_rules, ch_away_rules_len);
	return rules;
}

const struct ch_rules *ch_rules_away(const struct ch_rules *rules)
{
	return rules->away;
}

void ch_rules_free(struct ch_rules *rules)
{
	if (!rules)
		return;
	ch_rules_free(rules->away);
	for (size_t i = 0; i < rules->len; i++)
		free(rules->texts[i]);
	free(rules->texts);
	free(rules->next);
	free(rules->lens);
	free(rules);
}

/* ---- searching --------------------------------------------------------- */

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* A phrase that begins with a letter begins a word; it may end inside one. None
 * begins inside a character. */
static bool begins_phrase(const struct ch_folded *folded, size_t at)
{
	const char *text = folded->text + at;

	if (((unsigned char)*text & 0xC0) == 0x80)
		return false;
	return at == 0 || !is_word(*text) || !is_word(text[-1]);
}

/* Whether a longer reason that was found before it has all of it. */
static bool is_inside_reason(const struct ch_matches *matches, size_t from,
			     size_t to)
{
	for (size_t i = matches->len; i > 0; i--) {
		const struct ch_match *match = &matches->list[i - 1];

		if (from - match->at > PHRASE_MAX)
			return false;
		if (match->rule->means < CH_MEANS_REASONS &&
		    match->at <= from && match->end >= to)
			return true;
	}
	return false;
}

/* Drop the reasons that begin there too and are shorter. */
static void drop_shorter(struct ch_matches *matches, size_t from, size_t to)
{
	size_t kept = matches->len;

	while (kept > 0 && matches->list[kept - 1].at == from)
		kept--;
	for (size_t i = kept; i < matches->len; i++) {
		const struct ch_match *match = &matches->list[i];

		if (match->rule->means >= CH_MEANS_REASONS || match->end >= to)
			matches->list[kept++] = *match;
	}
	matches->len = kept;
}

static void add_match(struct ch_matches *matches, const struct ch_rule *rule,
		      size_t at, size_t len)
{
	const uint32_t *origin = matches->folded.origin;

	/* "command does not exist" is not "does not exist" of an address */
	if (rule->means < CH_MEANS_REASONS &&
	    is_inside_reason(matches, origin[at], origin[at + len]))
		return;
	if (rule->means < CH_MEANS_REASONS)
		drop_shorter(matches, origin[at], origin[at + len]);
	if (matches->len == CH_MATCHES_MAX)
		return;
	CH_GROW(matches->list, matches->len, matches->cap);
	matches->list[matches->len++] = (struct ch_match){
		.rule = rule,
		.at = origin[at],
		.end = origin[at + len],
	};
}

void ch_matches_find(const struct ch_rules *rules, const char *text, size_t len,
		     struct ch_matches *ret)
{
	const struct ch_folded *folded = &ret->folded;

	*ret = (struct ch_matches){ 0 };
	ch_folded_make(&ret->folded, text, len);
	for (size_t at = 0; at + KEY_BYTES <= folded->len; at++) {
		size_t i;

		/* most bytes of most texts stand inside a word */
		if (!begins_phrase(folded, at))
			continue;
		i = rules->head[bucket_of(folded->text + at)];
		for (; i; i = rules->next[i - 1]) {
			const struct ch_rule *rule = &rules->rows[i - 1];
			size_t size = rules->lens[i - 1];

			if (size <= folded->len - at &&
			    memcmp(folded->text + at, rules->texts[i - 1],
				   size) == 0)
				add_match(ret, rule, at, size);
		}
	}
}

void ch_matches_release(struct ch_matches *matches)
{
	free(matches->list);
	ch_folded_release(&matches->folded);
	*matches = (struct ch_matches){ 0 };
}

const struct ch_match *ch_matches_one(const struct ch_matches *matches,
				      enum ch_meaning means, size_t from,
				      size_t to)
{
	for (size_t i = 0; i < matches->len; i++) {
		const struct ch_match *match = &matches->list[i];

		if (match->rule->means == means && match->at >= from &&
		    match->at < to)
			return match;
	}
	return NULL;
}

const struct ch_match *ch_matches_reason(const struct ch_matches *matches,
					 size_t from, size_t to)
{
	const struct ch_match *best = NULL;

	for (size_t i = 0; i < matches->len; i++) {
		const struct ch_match *match = &matches->list[i];

		if (match->rule->means < CH_MEANS_REASONS &&
		    match->at >= from && match->at < to &&
		    (!best || match->rule->means < best->rule->means))
			best = match;
	}
	return best;
}
