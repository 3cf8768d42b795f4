// SPDX-License-Identifier: GPL-3.0-or-later
/* batch.c - lines about a batch. */
#include "cli/batch.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/grid.h"
#include "cli/json.h"
#include "cli/outcome.h"

#define LINE_MAX_BYTES 8192
#define WORD_COLUMNS 11

/* ---- what it is ------------------------------------------------------- */

/* "name: value", where there is one. */
static void fact(const struct ch_term *term, const char *name,
		 const char *value)
{
	CH_AUTO(ch_str) safe = CH_STR_INIT(LINE_MAX_BYTES);
	CH_AUTO(ch_str) line = CH_STR_INIT(LINE_MAX_BYTES);

	if (!value[0])
		return;
	ch_term_text(term, &safe, value);
	ch_str_addf(&line, "  %-*s ", WORD_COLUMNS, name);
	if (term->columns > WORD_COLUMNS + 20)
		ch_grid_cut(term, ch_str_cstr(&safe),
			    term->columns - WORD_COLUMNS - 3, &line);
	else
		ch_str_add(&line, ch_str_cstr(&safe));
	fprintf(term->file, "%s\n", ch_str_cstr(&line));
}

static void fact_of(const struct ch_term *term, const char *name,
		    const json_t *batch, const char *member)
{
	fact(term, name, ch_json_text(batch, member));
}

static void write_languages(const json_t *batch, struct ch_str *out)
{
	json_t *languages = json_object_get(batch, "languages");
	const char *code;
	json_t *count;
	const char *joint = ": ";

	ch_str_addf(out, "%llu",
		    (unsigned long long)ch_json_number(batch, "total"));
	json_object_foreach(languages, code, count) {
		ch_str_addf(out, "%s%s %lld", joint, code,
			    (long long)json_integer_value(count));
		joint = ", ";
	}
}

static void write_size(const json_t *batch, struct ch_str *out)
{
	char size[CH_TERM_SIZE];

	if (ch_json_number(batch, "largest_bytes"))
		ch_str_addf(out, "at most %s a letter",
			    ch_term_size(ch_json_number(batch,
							"largest_bytes"),
					 size));
}

static void write_who(const json_t *batch, struct ch_str *out)
{
	const char *by = ch_json_text(batch, "enqueued_by");
	const char *released = ch_json_text(batch, "released_by");
	char when[CH_TIME_SIZE];

	ch_outcome_time(batch, "created_at", when);
	if (when[0])
		ch_str_addf(out, "%s UTC", when);
	if (by[0])
		ch_str_addf(out, "%sby %s", out->len ? " " : "", by);
	if (released[0])
		ch_str_addf(out, ", released by %s", released);
}

/* "30 a minute, 900 a day" */
static void write_pace(const json_t *batch, struct ch_str *out)
{
	static const struct {
		const char *member;
		const char *period;
	} periods[] = { { "per_second", "second" },
			{ "per_minute", "minute" },
			{ "per_hour", "hour" },
			{ "per_day", "day" } };
	const json_t *pace = json_object_get(batch, "pace");

	for (size_t i = 0; i < CH_COUNT(periods); i++) {
		unsigned long long letters =
			ch_json_number(pace, periods[i].member);

		if (letters)
			ch_str_addf(out, "%s%llu a %s",
				    out->len ? ", " : "at most ", letters,
				    periods[i].period);
	}
}

/* "; bounces have 1h 30m" */
static void write_wait(const json_t *canary, struct ch_str *out)
{
	unsigned long long wait_s = ch_json_number(canary, "wait_s");

	if (!wait_s)
		return;
	ch_str_add(out, "; bounces have");
	if (wait_s >= 3600)
		ch_str_addf(out, " %lluh", wait_s / 3600);
	if (wait_s / 60 % 60)
		ch_str_addf(out, " %llum", wait_s / 60 % 60);
	if (wait_s % 60)
		ch_str_addf(out, " %llus", wait_s % 60);
}

/* "10 of 10 sent, waiting for bounces until …" */
static void write_canary(const json_t *batch, struct ch_str *out)
{
	const json_t *canary = json_object_get(batch, "canary");
	const char *stage = ch_json_text(canary, "stage");
	unsigned long long letters = ch_json_number(canary, "letters");
	unsigned long long bad = ch_json_number(canary, "refused") +
				 ch_json_number(canary, "bounced") +
				 ch_json_number(canary, "unclear");
	char until[CH_TIME_SIZE];

	if (!json_is_object(canary))
		return;
	if (!json_object_get(canary, "sent")) {
		ch_str_addf(out, "%llu letters go first; more than %llu%% "
				 "refused or returned stop it", letters,
			    (unsigned long long)ch_json_number(canary,
							       "percent"));
		write_wait(canary, out);
		return;
	}
	ch_str_addf(out, "%llu of %llu sent",
		    (unsigned long long)ch_json_number(canary, "sent"),
		    letters);
	if (bad)
		ch_str_addf(out, ", %llu refused, returned or unclear", bad);
	if (strcmp(stage, "waiting") == 0)
		ch_str_addf(out, "; waiting for bounces until %s UTC",
			    ch_outcome_time(canary, "until", until));
	else if (strcmp(stage, "sending") == 0)
		ch_str_add(out, "; the others wait for them");
	else if (strcmp(stage, "passed") == 0)
		ch_str_add(out, "; the others go");
	else
		ch_str_add(out, "; stopped");
}

static void show_terms(const struct ch_term *term, const json_t *batch)
{
	CH_AUTO(ch_str) pace = CH_STR_INIT(LINE_MAX_BYTES);
	CH_AUTO(ch_str) canary = CH_STR_INIT(LINE_MAX_BYTES);
	const char *priority = ch_json_text(batch, "priority");

	write_pace(batch, &pace);
	write_canary(batch, &canary);
	if (strcmp(priority, "normal") != 0)
		fact(term, "priority", priority);
	fact(term, "pace", ch_str_cstr(&pace));
	fact(term, "canary", ch_str_cstr(&canary));
	if (strcmp(ch_json_text(batch, "state"), "paused") == 0)
		fact_of(term, "PAUSED", batch, "stopped");
}

/* What it follows on, and what follows on it. */
static void show_relations(const struct ch_term *term, const json_t *batch)
{
	static const struct {
		const char *relation, *passive;
	} words[] = {
		{ "reminds", "reminder" },
		{ "corrects", "correction" },
		{ "recalls", "recall" },
	};
	const char *relation = ch_json_text(batch, "relation");
	const json_t *follower;
	size_t i;

	for (size_t w = 0; w < CH_COUNT(words); w++) {
		if (strcmp(relation, words[w].relation) == 0)
			fact_of(term, words[w].relation, batch, "related");
		json_array_foreach(json_object_get(batch, "followers"), i,
				   follower)
			if (strcmp(ch_json_text(follower, "relation"),
				   words[w].relation) == 0)
				fact_of(term, words[w].passive, follower,
					"reference");
	}
}

void ch_batch_facts(const struct ch_term *term, const json_t *batch)
{
	CH_AUTO(ch_str) languages = CH_STR_INIT(LINE_MAX_BYTES);
	CH_AUTO(ch_str) size = CH_STR_INIT(LINE_MAX_BYTES);
	CH_AUTO(ch_str) who = CH_STR_INIT(LINE_MAX_BYTES);
	CH_AUTO(ch_str) head = CH_STR_INIT(LINE_MAX_BYTES);
	char at[CH_TIME_SIZE];

	ch_str_add(&head, ch_term_style(term, CH_STYLE_BOLD));
	ch_term_text(term, &head, ch_json_text(batch, "reference"));
	ch_str_add(&head, ch_term_style(term, CH_STYLE_PLAIN));
	ch_str_add(&head, "  ");
	ch_term_text(term, &head, ch_json_text(batch, "state"));
	fprintf(term->file, "%s\n", ch_str_cstr(&head));
	write_languages(batch, &languages);
	write_size(batch, &size);
	write_who(batch, &who);
	fact_of(term, "subject", batch, "subject");
	fact(term, "letters", ch_str_cstr(&languages));
	fact(term, "size", ch_str_cstr(&size));
	fact_of(term, "from", batch, "from");
	fact_of(term, "ALL GO TO", batch, "test_to");
	fact_of(term, "deadline", batch, "deadline");
	show_relations(term, batch);
	if (ch_outcome_time(batch, "not_before", at)[0]) {
		CH_AUTOCHAR utc = ch_xasprintf("%s UTC", at);

		fact(term, "not before", utc);
	}
	show_terms(term, batch);
	fact(term, "queued", ch_str_cstr(&who));
	fact_of(term, "digest", batch, "digest");
}

/* ---- what became of it ------------------------------------------------ */

static void outcome(const struct ch_term *term, enum ch_sign sign,
		    const char *word, unsigned long long count,
		    const char *more)
{
	enum ch_style style = count ? ch_term_sign_style(sign)
				    : CH_STYLE_PLAIN;

	fprintf(term->file, "  %s%s %-*s%s %8llu", ch_term_style(term, style),
		ch_term_sign(term, sign), WORD_COLUMNS, word,
		ch_term_style(term, CH_STYLE_PLAIN), count);
	fprintf(term->file, "%s%s\n", more[0] ? "   " : "", more);
}

/* Of mail systems that tell it, which few do. */
static void optional_outcome(const struct ch_term *term, const char *fact,
			     const json_t *batch)
{
	unsigned long long count = ch_json_number(batch, fact);

	if (count)
		outcome(term, CH_SIGN_SENT, fact, count, "");
}

void ch_batch_outcome(const struct ch_term *term, const json_t *batch)
{
	const json_t *letters = json_object_get(batch, "letters");
	unsigned long long deferred = ch_json_number(batch, "deferred");
	unsigned long long held = ch_json_number(letters, "held");
	unsigned long long cancelled = ch_json_number(letters, "cancelled");
	unsigned long long doubt = ch_json_number(letters, "in_doubt");
	CH_AUTOCHAR waiting =
		deferred ? ch_xasprintf("%llu of them tried before", deferred)
			 : ch_xstrdup("");

	outcome(term, CH_SIGN_WAITING, "waiting",
		ch_json_number(letters, "queued") +
			ch_json_number(letters, "claimed") +
			ch_json_number(letters, "dot"),
		waiting);
	outcome(term, CH_SIGN_SENT, "sent", ch_json_number(letters, "sent"),
		"");
	outcome(term, CH_SIGN_IN_DOUBT, "in doubt", doubt,
		doubt ? "chancery resolve decides" : "");
	outcome(term, CH_SIGN_RETURNED, "refused",
		ch_json_number(letters, "failed"), "");
	if (held)
		outcome(term, CH_SIGN_WAITING, "held", held,
			"not the bytes that were sent before");
	if (cancelled)
		outcome(term, CH_SIGN_CANCELLED, "cancelled", cancelled, "");
	fprintf(term->file, "  Of these:\n");
	outcome(term, CH_SIGN_ANSWERED, "answered",
		ch_json_number(batch, "answered"), "");
	outcome(term, CH_SIGN_SENT, "away",
		ch_json_number(batch, "auto_replied"), "");
	optional_outcome(term, "delivered", batch);
	optional_outcome(term, "read", batch);
	outcome(term, CH_SIGN_WAITING, "delayed",
		ch_json_number(batch, "delayed"), "");
	outcome(term, CH_SIGN_RETURNED, "returned",
		ch_json_number(batch, "bounced"), "");
	outcome(term, CH_SIGN_SENT, "silent", ch_json_number(batch, "silent"),
		"");
}

bool ch_batch_at_rest(const json_t *batch)
{
	const json_t *letters = json_object_get(batch, "letters");

	return ch_json_number(letters, "claimed") == 0 &&
	       ch_json_number(letters, "dot") == 0 &&
	       (ch_json_number(letters, "queued") == 0 ||
		strcmp(ch_json_text(batch, "state"), "cancelled") == 0);
}
