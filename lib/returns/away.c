// SPDX-License-Identifier: GPL-3.0-or-later
/* away.c - until when the writer of an automatic answer is away (away.h).
 *
 * The text is cut into sentences, the phrases of away-rules.c are found in
 * each, and a day counts only where it stands at such a phrase at once. All
 * days that were found must say the same in the end.
 */
#include "returns/away.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "returns/away-private.h"
#include "returns/keys.h"
#include "returns/returns-private.h"

#define TEXT_MAX 8000	/* bytes that are looked at */
#define SAID_MAX 16	/* days of one mail */
#define BEHIND_BYTES 60 /* that a day and its weekday take */
#define NEXT_DAYS 304	/* a day without a year is not further away */
#define YEARS_DAYS 1830 /* nor any other */
#define AGREE_DAYS 7	/* "until Friday, back on Monday" */

/* One day, and what it is. */
struct said {
	struct ch_written_day day;
	bool back;	      /* he is there from it on */
	const char *language; /* of the phrase; static */
};

struct reading {
	const struct ch_rules *rules; /* borrowed: those of away-rules.c */
	struct said said[SAID_MAX];
	size_t len;
	bool too_much;
	enum ch_day_order shown; /* how this mail writes days in numbers, where
				    one of them shows it */
	bool disordered;	 /* two of them show it otherwise */
};

static void add(struct reading *reading, const struct ch_written_day *day,
		bool back, const char *language)
{
	if (reading->len == SAID_MAX) {
		reading->too_much = true;
		return;
	}
	reading->said[reading->len++] = (struct said){
		.day = *day,
		.back = back,
		.language = language,
	};
}

/* ---- one sentence ------------------------------------------------------ */

struct sentence {
	const char *text; /* borrowed: folded */
	size_t len;
	struct ch_matches found; /* in that */
};

static bool means(const struct sentence *s, enum ch_meaning meaning, size_t to)
{
	return ch_matches_one(&s->found, meaning, 0, to) != NULL;
}

/* Inside a word of Cyrillic or Greek letters it is another one: the engine
 * knows words of a-z alone. */
static bool begins_inside(const struct sentence *s,
			  const struct ch_match *match)
{
	const char *at = s->text + match->at;

	return match->at >= 2 && (unsigned char)*at >= 0xC3 &&
	       (unsigned char)*at < 0xD8 && ch_day_is_letter(at) &&
	       (unsigned char)at[-1] >= 0x80 && ch_day_is_letter(at - 2);
}

/* "until D"; not "there until D". */
static void read_until(struct reading *reading, const struct sentence *s,
		       const struct ch_match *match)
{
	struct ch_written_day day;

	if (means(s, CH_MEANS_AWAY_STATE, s->len) &&
	    !means(s, CH_MEANS_AWAY_BACK, match->at) &&
	    ch_day_read(s->text, match->end, false, &day))
		add(reading, &day, false, match->rule->source);
}

static void read_back(struct reading *reading, const struct sentence *s,
		      const struct ch_match *match)
{
	struct ch_written_day day;

	if (ch_day_read(s->text, match->end, false, &day))
		add(reading, &day, true, match->rule->source);
}

/* What may stand between a day and the words behind it. */
static bool is_between(const char *from, const char *to)
{
	static const char *const any[] = {
		" ", "（", "）", "(", ")", "起", ","
	};

	while (from < to) {
		size_t used = ch_day_word(&ch_weekdays, from, NULL);

		for (size_t i = 0; !used && i < CH_COUNT(any); i++)
			if (strncmp(from, any[i], strlen(any[i])) == 0)
				used = strlen(any[i]);
		if (!used)
			return false;
		from += used;
	}
	return true;
}

static bool is_known(const struct reading *reading, size_t since, size_t end)
{
	for (size_t i = since; i < reading->len; i++)
		if (reading->said[i].day.end == end)
			return true;
	return false;
}

static bool begins_number(const char *text, size_t at)
{
	return text[at] >= '0' && text[at] <= '9' &&
	       (at == 0 || text[at - 1] < '0' || text[at - 1] > '9');
}

/* "D回到办公室", "am D wieder": `since` is where this sentence's days begin. */
static void read_behind(struct reading *reading, const struct sentence *s,
			const struct ch_match *match, size_t since)
{
	size_t at = match->at > BEHIND_BYTES ? match->at - BEHIND_BYTES : 0;

	for (; at < match->at; at++) {
		struct ch_written_day day;

		if (!begins_number(s->text, at) ||
		    !ch_day_read(s->text, at, false, &day) ||
		    day.end > match->at ||
		    !is_between(s->text + day.end, s->text + match->at))
			continue;
		if (!is_known(reading, since, day.end))
			add(reading, &day, true, match->rule->source);
		return;
	}
}

static bool begins_month(const struct sentence *s, size_t at)
{
	return (at == 0 || s->text[at - 1] == ' ') &&
	       ch_day_word(&ch_months, s->text + at, NULL) > 0;
}

/* "12月1日至7日": the month is that of the first. */
static bool read_second(const char *text, size_t at,
			const struct ch_written_day *first,
			struct ch_written_day *ret)
{
	if (ch_day_read(text, at, false, ret) ||
	    (first->month_first && ch_day_read_end(text, at, first, ret)))
		return true;
	if (!first->month || !ch_day_read(text, at, true, ret) ||
	    ret->end < 3 ||
	    (strncmp(text + ret->end - 3, "日", 3) != 0 &&
	     strncmp(text + ret->end - 3, "号", 3) != 0))
		return false;
	ret->year = first->year;
	ret->month = first->month;
	return true;
}

/* Any day in numbers tells how others of this mail are written. */
static void read_order(struct reading *reading, const struct sentence *s)
{
	for (size_t at = 0; at < s->len; at++) {
		struct ch_written_day day;

		if (!begins_number(s->text, at) ||
		    !ch_day_read(s->text, at, false, &day) ||
		    day.shows == CH_ORDER_OPEN)
			continue;
		if (reading->shown == CH_ORDER_OPEN)
			reading->shown = day.shows;
		reading->disordered |= reading->shown != day.shows;
	}
}

/* "until 12-13 December", "back on 12-13 December": one of the two. */
static bool is_led_to(const struct sentence *s, size_t at, size_t end)
{
	for (size_t i = 0; i < s->found.len; i++) {
		const struct ch_match *match = &s->found.list[i];
		struct ch_written_day day;

		if ((match->rule->means == CH_MEANS_AWAY_UNTIL ||
		     match->rule->means == CH_MEANS_AWAY_BACK) &&
		    match->end <= at && at - match->end < BEHIND_BYTES &&
		    ch_day_read(s->text, match->end, true, &day) &&
		    day.end == end)
			return true;
	}
	return false;
}

/* From one day to another: "1 to 12 December", in a sentence that says away. */
static void read_ranges(struct reading *reading, const struct sentence *s,
			const char *language, size_t since)
{
	for (size_t at = 0; at < s->len; at++) {
		struct ch_written_day first, second;
		size_t end;
		size_t used;

		if ((!begins_number(s->text, at) && !begins_month(s, at)) ||
		    !ch_day_read(s->text, at, true, &first))
			continue;
		end = first.end + strspn(s->text + first.end, " ");
		used = ch_day_word(&ch_range_to, s->text + end, NULL);
		if (!used || is_led_to(s, at, first.end) ||
		    !read_second(s->text, end + used, &first, &second))
			continue;
		if (!is_known(reading, since, second.end))
			add(reading, &second, false, language);
		at = second.end - 1;
	}
}

static void read_said(struct reading *reading, const struct sentence *s)
{
	const struct ch_match *state;
	size_t since = reading->len;

	read_order(reading, s);
	if (means(s, CH_MEANS_AWAY_UNSURE, s->len))
		return;
	for (size_t i = 0; i < s->found.len; i++) {
		const struct ch_match *match = &s->found.list[i];

		if (begins_inside(s, match))
			continue;
		if (match->rule->means == CH_MEANS_AWAY_UNTIL)
			read_until(reading, s, match);
		else if (match->rule->means == CH_MEANS_AWAY_BACK)
			read_back(reading, s, match);
		else if (match->rule->means == CH_MEANS_AWAY_BEHIND)
			read_behind(reading, s, match, since);
	}
	state = ch_matches_one(&s->found, CH_MEANS_AWAY_STATE, 0, s->len);
	if (state)
		read_ranges(reading, s, state->rule->source, since);
}

/* One sentence; or only where it is about somebody who is away. */
static void read_if(struct reading *reading, const char *text, size_t len,
		    bool about_absence)
{
	struct ch_folded folded;
	struct sentence s;

	ch_folded_make(&folded, text, len);
	s = (struct sentence){ .text = folded.text, .len = folded.len };
	ch_matches_find(reading->rules, folded.text, folded.len, &s.found);
	if (!about_absence || means(&s, CH_MEANS_AWAY_STATE, s.len) ||
	    means(&s, CH_MEANS_AWAY_BACK, s.len))
		read_said(reading, &s);
	ch_matches_release(&s.found);
	ch_folded_release(&folded);
}

static void read_sentence(struct reading *reading, const char *text, size_t len)
{
	read_if(reading, text, len, false);
}

/* ---- sentences --------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A full stop behind a short number or before a number is of a day: "7.
 * Dezember", "Dec. 12". */
static bool is_stop(const char *text, size_t at)
{
	size_t digits = 0;
	const char *behind = text + at + 1;

	if (*behind && !strchr(" \n\t", *behind))
		return false;
	while (digits < at && is_digit(text[at - 1 - digits]))
		digits++;
	behind += strspn(behind, " \n\t");
	return digits != 1 && digits != 2 && !is_digit(*behind);
}

/* The bytes of the mark that ends a sentence there, or 0. */
static size_t ends_sentence(const char *text, size_t at)
{
	static const char *const marks[] = { "!",  "?", "。",	"！",
					     "？", "؟", "\n\n", "\n \n" };

	if (text[at] == '.')
		return is_stop(text, at);
	for (size_t i = 0; i < CH_COUNT(marks); i++)
		if (strncmp(text + at, marks[i], strlen(marks[i])) == 0)
			return strlen(marks[i]);
	return 0;
}

static void read_text(struct reading *reading, const char *text)
{
	size_t from = 0;
	size_t at = 0;

	while (text[at]) {
		size_t used = ends_sentence(text, at);

		if (!used) {
			at++;
			continue;
		}
		read_sentence(reading, text + from, at - from);
		at += used;
		from = at;
	}
	read_sentence(reading, text + from, at - from);
}

/* ---- all of them together ---------------------------------------------- */

/* English writes both; Chinese has the month first, or the year. */
static enum ch_day_order order_of(const struct said *said,
				  enum ch_day_order shown)
{
	if (shown != CH_ORDER_OPEN)
		return shown;
	if (strcmp(said->language, "en") == 0)
		return CH_ORDER_OPEN;
	if (strcmp(said->language, "zh") == 0)
		return said->day.year ? CH_ORDER_OPEN : CH_ORDER_MONTH_FIRST;
	return CH_ORDER_DAY_FIRST;
}

/* The day itself, or -1 where it is none. `today` is the mail's, -1 where that
 * is not known. */
static long number_of(const struct said *said, long today, bool turned)
{
	const struct ch_written_day *day = &said->day;
	int month = turned ? day->day : day->month;
	int of_month = turned ? day->month : day->day;
	char text[CH_AWAY_SIZE];
	long number;
	int year;

	if (day->year)
		return ch_day_number(day->year, month, of_month);
	if (today < 0)
		return -1;
	ch_day_write(today, text);
	year = (int)strtol(text, NULL, 10);
	number = ch_day_number(year, month, of_month);
	if (number < today)
		number = ch_day_number(year + 1, month, of_month);
	return number > today + NEXT_DAYS ? -1 : number;
}

/* The last day on which he is away by this one, or -1. */
static long last_day(const struct said *said, long today,
		     enum ch_day_order shown)
{
	enum ch_day_order order = order_of(said, shown);
	long number;

	if (said->day.either && order == CH_ORDER_OPEN)
		return -1;
	number = number_of(said, today,
			   said->day.either && order == CH_ORDER_MONTH_FIRST);
	if (number < 0 || (said->day.weekday >= 0 &&
			   ch_day_weekday(number) != said->day.weekday))
		return -1;
	return said->back ? number - 1 : number;
}

/* Away until `until`, there from the day behind `back`: where these are as near
 * as a weekend, the second is the better one. */
static bool agree(long until, long back)
{
	return back >= until - 1 && back <= until + AGREE_DAYS;
}

static long decide(const struct reading *reading, long today)
{
	enum ch_day_order shown =
	    reading->disordered ? CH_ORDER_OPEN : reading->shown;
	long days[2] = { -1, -1 }; /* until, back */
	long last;

	if (reading->too_much)
		return -1;
	for (size_t i = 0; i < reading->len; i++) {
		const struct said *said = &reading->said[i];

		last = last_day(said, today, shown);
		if (last < 0 ||
		    (days[said->back] >= 0 && days[said->back] != last))
			return -1;
		days[said->back] = last;
	}
	if (days[0] >= 0 && days[1] >= 0 && !agree(days[0], days[1]))
		return -1;
	last = days[1] >= 0 ? days[1] : days[0];
	if (today >= 0 && (last < today || last > today + YEARS_DAYS))
		return -1;
	return last;
}

/* Behind a colon stands our own subject as a rule, with days of its own: "Out of
 * office: Re: Session from 12 to 23 April". */
static void read_subject(struct reading *reading, const char *subject)
{
	size_t left = strnlen(subject, TEXT_MAX);
	bool first = true;

	while (left > 0) {
		const char *colon = memchr(subject, ':', left);
		size_t len = colon ? (size_t)(colon - subject) : left;

		read_if(reading, subject, len, !first);
		first = false;
		len += colon != NULL;
		subject += len;
		left -= len;
	}
}

void ch_away_until(const struct ch_rules *rules,
		   const struct ch_message *message, char out[CH_AWAY_SIZE])
{
	CH_AUTO(ch_str) text = CH_STR_INIT(TEXT_MAX);
	struct reading reading = { .rules = ch_rules_away(rules) };
	const char *date = ch_block_get(&message->header, "Date");
	long last;

	ch_reply_text(message->text, &text);
	read_subject(&reading, message->subject);
	read_text(&reading, ch_str_cstr(&text));
	last = decide(&reading, date ? ch_day_of_field(date) : -1);
	out[0] = '\0';
	if (last >= 0)
		ch_day_write(last, out);
}
