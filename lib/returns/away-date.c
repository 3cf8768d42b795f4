// SPDX-License-Identifier: GPL-3.0-or-later
/* away-date.c - a day as people write it, in nine languages, see
 * away-private.h.
 *
 * It reads forward from a place and never searches: what is not there at once,
 * or behind words that may stand before a day, is no day.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "returns/away-private.h"
#include "returns/returns-private.h"

#define FILLERS_MAX 8
#define YEAR_FIRST 2000
#define YEAR_LAST 2099

/* ---- the calendar ------------------------------------------------------ */

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_before(int year, int month)
{
	static const int before[] = { 0,   31,	59,  90,  120, 151,
				      181, 212, 243, 273, 304, 334 };

	return before[month - 1] + (month > 2 && is_leap(year));
}

static int days_in(int year, int month)
{
	return month == 12
		   ? 31
		   : days_before(year, month + 1) - days_before(year, month);
}

long ch_day_number(int year, int month, int day)
{
	long past = year - 1;

	if (year < 1 || month < 1 || month > 12 || day < 1 ||
	    day > days_in(year, month))
		return -1;
	past = past * 365 + past / 4 - past / 100 + past / 400;
	past += days_before(year, month) + day - 1;
	return past - 719162; /* of 1970-01-01 */
}

int ch_day_weekday(long number)
{
	return (int)((number + 4) % 7);
}

void ch_day_write(long number, char out[11])
{
	int year = 1970 + (int)(number / 366);
	int month = 12;

	while (ch_day_number(year + 1, 1, 1) <= number)
		year++;
	while (ch_day_number(year, month, 1) > number)
		month--;
	(void)snprintf(
	    out, 11, "%04u-%02u-%02u", (unsigned int)year % 10000,
	    (unsigned int)month % 100,
	    (unsigned int)(number - ch_day_number(year, month, 1) + 1) % 100);
}

long ch_day_of_field(const char *value)
{
	static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	const char *comma = strchr(value, ',');
	char name[4] = "";
	int day = 0;
	int year = 0;
	const char *found;

	if (comma)
		value = comma + 1;
	if (sscanf(value, " %2d %3[A-Za-z] %4d", &day, name, &year) != 3)
		return -1;
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	found = strlen(name) == 3 ? strstr(months, name) : NULL;
	if (!found || (found - months) % 3 != 0 || year < 1970)
		return -1;
	return ch_day_number(year, (int)(found - months) / 3 + 1, day);
}

/* ---- words and numbers ------------------------------------------------- */

bool ch_day_is_letter(const char *text)
{
	uint32_t cp;

	if (!*text || !ch_utf8_decode(text, strnlen(text, 4), &cp))
		return false;
	return (cp >= 'a' && cp <= 'z') || (cp >= 0xC0 && cp <= 0x24F) ||
	       (cp >= 0x370 && cp <= 0x52F) || (cp >= 0x620 && cp <= 0x64A);
}

size_t ch_day_word(const struct ch_day_words *words, const char *text, int *ret)
{
	for (size_t i = 0; i < words->len; i++) {
		const char *word = words->list[i].text;
		size_t len = ch_fold_prefix(text, word);

		if (!len ||
		    (ch_day_is_letter(word) && ch_day_is_letter(text + len)))
			continue;
		if (ret)
			*ret = words->list[i].value;
		return len;
	}
	return 0;
}

static size_t digit(const char *text, int *ret)
{
	const unsigned char *at = (const unsigned char *)text;

	if (*at >= '0' && *at <= '9') {
		*ret = *at - '0';
		return 1;
	}
	/* U+0660 to U+0669, U+06F0 to U+06F9 */
	if (*at == 0xD9 && at[1] >= 0xA0 && at[1] <= 0xA9) {
		*ret = at[1] - 0xA0;
		return 2;
	}
	if (*at == 0xDB && at[1] >= 0xB0 && at[1] <= 0xB9) {
		*ret = at[1] - 0xB0;
		return 2;
	}
	return 0;
}

/* 1*4DIGIT; the digits, or 0, to *ret_digits. */
static size_t number(const char *text, int *ret, int *ret_digits)
{
	size_t len = 0;
	size_t used;
	int value;

	*ret = 0;
	*ret_digits = 0;
	while ((used = digit(text + len, &value)) > 0) {
		if (++*ret_digits > 4)
			return *ret_digits = 0;
		*ret = *ret * 10 + value;
		len += used;
	}
	return len;
}

/* One of these at once, or nothing. */
static size_t skip(const char *text, const char *const *any, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strncmp(text, any[i], strlen(any[i])) == 0)
			return strlen(any[i]);
	return 0;
}

static size_t skip_space(const char *text)
{
	return strspn(text, " ");
}

/* ---- a day -------------------------------------------------------------- */

static bool is_year(int value, int digits)
{
	return digits == 4 && value >= YEAR_FIRST && value <= YEAR_LAST;
}

/* [sep] year, behind a day and month in words. */
static size_t read_year(const char *text, int *ret)
{
	static const char *const between[] = { ", ", " de ", " del ", "., ",
					       ". ", " ",    ",",     "/" };
	size_t at = skip(text, between, CH_COUNT(between));
	size_t used;
	int value;
	int digits;

	used = number(text + at, &value, &digits);
	if (!is_year(value, digits))
		return 0;
	*ret = value;
	return at + used;
}

/* A month in words, or two names of the same: "كانون الأول/ديسمبر". */
static size_t read_month(const char *text, int *ret)
{
	size_t len = ch_day_word(&ch_months, text, ret);
	size_t at = len + skip_space(text + len);
	int again;
	size_t used;

	if (!len || (text[at] != '/' && text[at] != '('))
		return len;
	at += 1 + skip_space(text + at + 1);
	used = ch_day_word(&ch_months, text + at, &again);
	if (!used)
		return len;
	if (again != *ret)
		return 0;
	at += used;
	return at + (text[at] == ')');
}

/* day [suffix] month [year] */
static bool read_day_first(const char *text, size_t at,
			   struct ch_written_day *ret)
{
	static const char *const behind[] = { "st", "nd", "rd",	 "th", "er",
					      "º",  "°",  "-го", "го", "." };
	static const char *const before[] = { " of ", " de ", " del ",
					      " d'",  " ",    "-" };
	size_t used;

	at += skip(text + at, behind, CH_COUNT(behind));
	at += skip(text + at, before, CH_COUNT(before));
	used = read_month(text + at, &ret->month);
	if (!used)
		return false;
	at += used;
	ret->end = at + read_year(text + at, &ret->year);
	return true;
}

/* A day alone: "1", "1er", "1.", "1日". */
static size_t end_of_bare(const char *text, size_t at)
{
	static const char *const behind[] = { "st",  "nd", "rd", "th", "er",
					      "-го", "日", "号", "." };

	return at + skip(text + at, behind, CH_COUNT(behind));
}

/* month day [year] */
static bool read_month_first(const char *text, size_t at,
			     struct ch_written_day *ret)
{
	static const char *const behind[] = { "st", "nd", "rd", "th" };
	size_t used = read_month(text + at, &ret->month);
	int digits;

	if (!used)
		return false;
	at += used + (text[at + used] == '.');
	at += skip_space(text + at);
	if (strncmp(text + at, "the ", 4) == 0)
		at += 4;
	used = number(text + at, &ret->day, &digits);
	if (digits < 1 || digits > 2)
		return false;
	at += used;
	at += skip(text + at, behind, CH_COUNT(behind));
	ret->end = at + read_year(text + at, &ret->year);
	ret->month_first = true;
	return true;
}

/* [year 年] month 月 day 日; the year, if any, is read. */
static bool read_chinese(const char *text, size_t at, int month,
			 struct ch_written_day *ret)
{
	static const char *const months[] = { "月", " 月" };
	static const char *const days[] = { "日", "号", "號", " 日", " 号" };
	size_t used = skip(text + at, months, CH_COUNT(months));
	int digits;

	if (!used)
		return false;
	at += used;
	at += skip_space(text + at);
	used = number(text + at, &ret->day, &digits);
	if (digits < 1 || digits > 2)
		return false;
	at += used;
	used = skip(text + at, days, CH_COUNT(days));
	ret->month = month;
	ret->end = at + used;
	return used > 0;
}

/* Behind the first of several numbers, at the sign between. */
static bool read_numbers(const char *text, size_t at, int first, int digits,
			 struct ch_written_day *ret)
{
	char sign = text[at];
	int second, second_digits;
	int third = 0;
	int third_digits = 0;
	size_t used;

	used = number(text + at + 1, &second, &second_digits);
	if (second_digits < 1 || second_digits > 2)
		return false;
	at += 1 + used;
	used =
	    text[at] == sign ? number(text + at + 1, &third, &third_digits) : 0;
	if (is_year(first, digits)) { /* 2026-12-07 */
		if (!used || third_digits < 1 || third_digits > 2)
			return false;
		ret->year = first;
		ret->month = second;
		ret->day = third;
		ret->end = at + 1 + used;
		return true;
	}
	if (digits > 2 || (!used && sign == '-'))
		return false; /* 7-12 is from one day to another */
	if (used && third_digits != 2 && !is_year(third, third_digits))
		return false;
	ret->year = !used ? 0 : third_digits == 2 ? 2000 + third : third;
	ret->day = first;
	ret->month = second;
	ret->end = used ? at + 1 + used : at + (sign == '.' && text[at] == '.');
	if (second > 12) {
		ret->day = second;
		ret->month = first;
		ret->shows = CH_ORDER_MONTH_FIRST;
	} else if (first > 12 || sign == '.') {
		ret->shows = CH_ORDER_DAY_FIRST;
	} else {
		ret->either = first != second;
	}
	return true;
}

static bool read_number_first(const char *text, size_t at, bool bare,
			      struct ch_written_day *ret)
{
	static const char *const years[] = { "年", " 年" };
	int first, digits;
	size_t used = number(text + at, &first, &digits);

	if (!used || digits == 0)
		return false;
	at += used;
	used = skip(text + at, years, CH_COUNT(years));
	if (used && is_year(first, digits)) {
		ret->year = first;
		at += used;
		at += skip_space(text + at);
		at += number(text + at, &first, &digits);
		return read_chinese(text, at, first, ret);
	}
	if (text[at] && strchr("/.-", text[at]) &&
	    isdigit((unsigned char)text[at + 1])) {
		if (read_numbers(text, at, first, digits, ret))
			return true;
		if (!bare)
			return false;
	}
	if (digits > 2)
		return false;
	if (read_chinese(text, at, first, ret))
		return true;
	ret->day = first;
	if (read_day_first(text, at, ret))
		return true;
	ret->end = end_of_bare(text, at);
	return bare;
}

/* What goes on with a number, a letter or one more month is something else. */
static bool is_whole(const char *text, size_t end)
{
	static const char *const dashes[] = { "-",    "/",   "–",    " - ",
					      " – ",  " & ", " or ", " oder ",
					      " ou ", " o ", " или " };
	size_t dash = skip(text + end, dashes, CH_COUNT(dashes));
	int value;

	if (ch_day_word(&ch_months, text + end + skip_space(text + end), NULL))
		return false;
	return !digit(text + end, &value) && !ch_day_is_letter(text + end) &&
	       !(dash && digit(text + end + dash, &value));
}

bool ch_day_read(const char *text, size_t at, bool bare,
		 struct ch_written_day *ret)
{
	static const char *const signs[] = { " ",  ",",	 ":",  "(",
					     "（", "，", "：", "،" };
	struct ch_written_day day = { .weekday = -1 };

	for (int i = 0; i < 2 * FILLERS_MAX; i++) {
		size_t used = skip(text + at, signs, CH_COUNT(signs));

		if (!used) {
			used =
			    ch_day_word(&ch_weekdays, text + at, &day.weekday);
			used += used && text[at + used] == '.';
		}
		if (!used)
			used = ch_day_word(&ch_day_fillers, text + at, NULL);
		if (!used)
			break;
		at += used;
	}
	if (!read_number_first(text, at, bare, &day) &&
	    !read_month_first(text, at, &day))
		return false;
	if (!bare && !is_whole(text, day.end))
		return false;
	*ret = day;
	return true;
}

bool ch_day_read_end(const char *text, size_t at,
		     const struct ch_written_day *first,
		     struct ch_written_day *ret)
{
	struct ch_written_day day = *first;
	int digits;
	size_t used;

	at += skip_space(text + at);
	used = number(text + at, &day.day, &digits);
	if (digits < 1 || digits > 2 || day.day <= first->day || first->year)
		return false;
	at = end_of_bare(text, at + used);
	day.end = at + read_year(text + at, &day.year);
	if (!is_whole(text, day.end))
		return false;
	*ret = day;
	return true;
}
