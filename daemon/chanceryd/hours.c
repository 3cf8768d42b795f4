// SPDX-License-Identifier: GPL-3.0-or-later
/* hours.c - see hours.h. */
#include "chanceryd/hours.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "chanceryd/zone.h"

#define SECOND 1000000LL /* us */
#define DAY 86400        /* s */
#define THURSDAY 3       /* 1970-01-01 */
#define DATE_LEN 10

void ch_hours_release(struct ch_hours *hours)
{
	free(hours->windows);
	free(hours->holidays);
	ch_zone_free(hours->zone);
	*hours = (struct ch_hours){ 0 };
}

/* Rounded down, below 0 too. */
static int64_t divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* ---- open or not ------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
	const int32_t *first = a;
	const int32_t *second = b;

	return (*first > *second) - (*first < *second);
}

/* Whether a window of these weekdays begins on that day. */
static bool begins(const struct ch_hours *hours, unsigned int days,
		   int64_t day)
{
	int64_t weekday = ((day + THURSDAY) % 7 + 7) % 7;
	int32_t date = (int32_t)day;

	return (days >> weekday & 1) &&
	       (hours->holidays_len == 0 ||
		!bsearch(&date, hours->holidays, hours->holidays_len,
			 sizeof(date), compare));
}

/* By what the clock shows: seconds since 1970 there. */
static bool is_open(const struct ch_hours *hours, int64_t shown_s)
{
	int64_t day = divide(shown_s, DAY);
	int64_t at_s = shown_s - day * DAY;

	for (size_t i = 0; i < hours->len; i++) {
		const struct ch_hours_window *w = &hours->windows[i];
		bool over_night = w->to_s <= w->from_s;

		if (at_s >= w->from_s && (over_night || at_s < w->to_s) &&
		    begins(hours, w->days, day))
			return true;
		if (over_night && at_s < w->to_s &&
		    begins(hours, w->days, day - 1))
			return true;
	}
	return hours->len == 0;
}

bool ch_hours_open(const struct ch_hours *hours, int64_t at_us)
{
	int64_t at_s = divide(at_us, SECOND);

	return hours->len == 0 ||
	       is_open(hours, at_s + ch_zone_offset_s(hours->zone, at_s));
}

/* ---- when it changes -------------------------------------------------- */

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The next time that the clock shows at which something may change: the
 * beginning or end of a window, midnight. */
static int64_t next_shown_s(const struct ch_hours *hours, int64_t shown_s)
{
	int64_t day_s = divide(shown_s, DAY) * DAY;
	int64_t next_s = day_s + DAY;

	for (size_t i = 0; i < hours->len; i++) {
		const struct ch_hours_window *w = &hours->windows[i];

		if (day_s + w->from_s > shown_s)
			next_s = sooner(next_s, day_s + w->from_s);
		if (day_s + w->to_s > shown_s)
			next_s = sooner(next_s, day_s + w->to_s);
	}
	return next_s;
}

/* The first second after `from_s` at which the offset is another one than
 * then; it is another one at `to_s`, less than two days later. */
static int64_t change_s(const struct ch_zone *zone, int64_t from_s,
			int64_t to_s)
{
	int32_t offset_s = ch_zone_offset_s(zone, from_s);

	while (to_s - from_s > 1) {
		int64_t middle_s = from_s + (to_s - from_s) / 2;

		if (ch_zone_offset_s(zone, middle_s) == offset_s)
			from_s = middle_s;
		else
			to_s = middle_s;
	}
	return to_s;
}

int64_t ch_hours_next_us(const struct ch_hours *hours, int64_t at_us,
			 bool open)
{
	int64_t at_s = divide(at_us, SECOND);
	int64_t end_s = at_s + (int64_t)CH_HOURS_DAYS * DAY;

	if (ch_hours_open(hours, at_us) == open)
		return at_us;
	if (hours->len == 0)
		return INT64_MAX;
	while (at_s < end_s) {
		int32_t offset_s = ch_zone_offset_s(hours->zone, at_s);
		int64_t next_s = next_shown_s(hours, at_s + offset_s) -
				 offset_s;

		if (ch_zone_offset_s(hours->zone, next_s) != offset_s)
			next_s = change_s(hours->zone, at_s, next_s);
		at_s = next_s;
		if (ch_hours_open(hours, at_s * SECOND) == open)
			return at_s * SECOND;
	}
	return INT64_MAX;
}

/* ---- reading ---------------------------------------------------------- */

static int parse_day(const char **at, int *ret)
{
	static const char *const names[] = { "Mon", "Tue", "Wed", "Thu",
					     "Fri", "Sat", "Sun" };

	*at += strspn(*at, " \t");
	for (size_t i = 0; i < CH_COUNT(names); i++) {
		if (strncasecmp(*at, names[i], 3) == 0) {
			*at += 3;
			*at += strspn(*at, " \t");
			*ret = (int)i;
			return 0;
		}
	}
	return -1;
}

/* days = range *("," range); range = day ["-" day] */
int ch_hours_parse_days(const char *text, unsigned int *ret)
{
	const char *at = text;
	unsigned int days = 0;

	for (;;) {
		int first, last;

		if (parse_day(&at, &first) < 0)
			return -1;
		last = first;
		if (*at == '-') {
			at++;
			if (parse_day(&at, &last) < 0)
				return -1;
		}
		for (int day = first;; day = (day + 1) % 7) {
			days |= 1u << day;
			if (day == last)
				break;
		}
		if (*at == '\0')
			break;
		if (*at++ != ',')
			return -1;
	}
	*ret = days;
	return 0;
}

/* Two digits, at most `most`. */
static int parse_two(const char *at, int most)
{
	int value;

	if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
		return -1;
	value = (at[0] - '0') * 10 + at[1] - '0';
	return value <= most ? value : -1;
}

int ch_hours_parse_time(const char *text, int32_t *ret_s)
{
	size_t len = strlen(text);
	int hour, minute, second = 0;

	if ((len != 5 && len != 8) || text[2] != ':')
		return -1;
	hour = parse_two(text, 24);
	minute = parse_two(text + 3, 59);
	if (len == 8)
		second = text[5] == ':' ? parse_two(text + 6, 59) : -1;
	if (hour < 0 || minute < 0 || second < 0 ||
	    (hour == 24 && minute + second > 0))
		return -1;
	*ret_s = hour * 3600 + minute * 60 + second;
	return 0;
}

int ch_hours_add_holiday(struct ch_hours *hours, struct ch_slice text)
{
	CH_AUTOCHAR date = ch_slice_dup(text);
	int64_t at_us;

	if (strlen(date) != DATE_LEN ||
	    ch_clock_parse_rfc3339(date, &at_us) < 0)
		return -1;
	CH_GROW(hours->holidays, hours->holidays_len, hours->holidays_cap);
	hours->holidays[hours->holidays_len++] =
		(int32_t)divide(at_us, DAY * SECOND);
	return 0;
}

static void add_line(struct ch_hours *hours, struct ch_slice line,
		     struct ch_place place, struct ch_problems *problems)
{
	const char *comment = memchr(line.data, '#', line.len);
	struct ch_slice date;

	if (comment)
		line.len = (size_t)(comment - line.data);
	date = ch_slice_trim(line);
	if (date.len == 0)
		return;
	place.column = (unsigned int)(date.data - line.data) + 1;
	if (ch_hours_add_holiday(hours, date) < 0)
		ch_problems_add(problems, CH_PROBLEM_ERROR, place,
				"such as 2026-12-25, a comment behind \"#\"",
				"this is no date");
}

void ch_hours_add_file(struct ch_hours *hours, struct ch_slice text,
		       const char *shown, struct ch_problems *problems)
{
	struct ch_place place = { .file = shown };

	while (text.len > 0) {
		const char *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;
		size_t step = end ? len + 1 : len;

		place.line++;
		add_line(hours, (struct ch_slice){ text.data, len }, place,
			 problems);
		text.data += step;
		text.len -= step;
	}
}

void ch_hours_sort(struct ch_hours *hours)
{
	if (hours->holidays_len > 0)
		qsort(hours->holidays, hours->holidays_len,
		      sizeof(*hours->holidays), compare);
}
