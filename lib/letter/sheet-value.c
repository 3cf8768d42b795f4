// SPDX-License-Identifier: GPL-3.0-or-later
/* sheet-value.c - numbers, days and times of a sheet as text.
 *
 * Days are ISO 8601, so that {{field | date}} reads them, and not what the
 * cell's format shows, which depends on the country of the program.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "letter/sheet-private.h"

/* Days from 1899-12-30 to 1970-01-01, and from 1904-01-01. */
#define DAYS_1900 25569
#define DAYS_1904 24107
#define SERIAL_MAX 2958466.0 /* 9999-12-31 and a day */
#define DAY_S 86400L

static bool read_number(const char *text, double *ret)
{
	char *end;

	errno = 0;
	*ret = strtod(text, &end);
	while (*end == ' ')
		end++;
	return end != text && *end == '\0' && isfinite(*ret);
}

/* Whether a format code names a part of a day, outside quotes and brackets. */
enum ch_sheet_kind ch_sheet_format_kind(const char *code)
{
	enum ch_sheet_kind kind = CH_SHEET_NUMBER;

	for (const char *c = code; *c && *c != ';'; c++) {
		if (*c == '"') {
			c += 1 + strcspn(c + 1, "\"");
		} else if (*c == '[') {
			/* [h] counts hours; [Red] and [$-409] are no time */
			if (strchr("hms", tolower((unsigned char)c[1])) &&
			    c[1] && strchr("]hms",
					   tolower((unsigned char)c[2])))
				return CH_SHEET_DATE;
			c += strcspn(c, "]");
		} else if (*c == '\\' || *c == '_' || *c == '*') {
			c += c[1] != '\0';
		} else if (strncasecmp(c, "General", 7) == 0) {
			c += 6;
		} else if (strchr("ymdhs", tolower((unsigned char)*c))) {
			return CH_SHEET_DATE;
		} else if (*c == '%') {
			kind = CH_SHEET_PERCENT;
		}
		if (!*c)
			break;
	}
	return kind;
}

bool ch_sheet_add_number(struct ch_str *out, const char *text,
			 enum ch_sheet_kind kind)
{
	double number;
	bool whole;

	if (!read_number(text, &number))
		return false;
	if (kind == CH_SHEET_PERCENT)
		number *= 100;
	whole = fabs(number) < 1e15 && floor(number) == number;
	/* 15 digits are what these programs themselves compute with; -0 is 0 */
	if (whole)
		ch_str_addf(out, "%.0f", number + 0.0);
	else
		ch_str_addf(out, "%.*g", kind == CH_SHEET_PERCENT ? 12 : 15,
			    number);
	if (kind == CH_SHEET_PERCENT)
		ch_str_add_char(out, '%');
	return true;
}

/* Year, month and day of so many days after 1970-01-01. */
static void civil(long days, long *ret_year, long *ret_month, long *ret_day)
{
	long z = days + 719468; /* from 0000-03-01, in eras of 400 years */
	long era = z / 146097;
	long of_era = z - era * 146097;
	long year = (of_era - of_era / 1460 + of_era / 36524 -
		     of_era / 146096) / 365;
	long of_year = of_era - (365 * year + year / 4 - year / 100);
	long month = (5 * of_year + 2) / 153;

	*ret_day = of_year - (153 * month + 2) / 5 + 1;
	*ret_month = month < 10 ? month + 3 : month - 9;
	*ret_year = year + era * 400 + (*ret_month <= 2);
}

static void add_time(struct ch_str *out, long seconds)
{
	ch_str_addf(out, "%02ld:%02ld", seconds / 3600, seconds / 60 % 60);
	if (seconds % 60)
		ch_str_addf(out, ":%02ld", seconds % 60);
}

bool ch_sheet_add_serial(struct ch_str *out, const char *text,
			 bool since_1904)
{
	double serial;
	long day, seconds, year, month, of_month;

	if (!read_number(text, &serial) || serial < 0 || serial >= SERIAL_MAX)
		return false;
	day = (long)floor(serial);
	seconds = lround((serial - (double)day) * (double)DAY_S);
	if (seconds == DAY_S) {
		seconds = 0;
		day++;
	}
	if (day == 0) { /* of 1904 too: a letter of its first day is rarer */
		add_time(out, seconds);
		return true;
	}
	/* The first spreadsheets took 1900 for a leap year: their day 60 never
	 * was, and days before it count from a day later. */
	if (!since_1904 && day < 60)
		day++;
	civil(day - (since_1904 ? DAYS_1904 : DAYS_1900), &year, &month,
	      &of_month);
	ch_str_addf(out, "%04ld-%02ld-%02ld", year, month, of_month);
	if (seconds) {
		ch_str_add_char(out, 'T');
		add_time(out, seconds);
	}
	return true;
}

/* Two digits below `limit` at *at, and go past them. */
static bool two(const char **at, long limit, long *ret)
{
	const char *c = *at;

	if (!isdigit((unsigned char)c[0]) || !isdigit((unsigned char)c[1]))
		return false;
	*ret = (c[0] - '0') * 10 + (c[1] - '0');
	*at += 2;
	return *ret < limit;
}

bool ch_sheet_add_iso(struct ch_str *out, const char *text)
{
	long month, day, hour, minute, second = 0;
	const char *at = text + 4;

	if (strspn(text, "0123456789") != 4 || *at++ != '-' ||
	    !two(&at, 13, &month) || *at++ != '-' || !two(&at, 32, &day))
		return false;
	ch_str_add_mem(out, text, 10);
	if (!*at || strcmp(at, "Z") == 0)
		return true;
	if (*at++ != 'T' || !two(&at, 25, &hour) || *at++ != ':' ||
	    !two(&at, 60, &minute))
		return false;
	if (*at == ':') {
		at++;
		if (!two(&at, 61, &second))
			return false;
	}
	if (hour || minute || second) {
		ch_str_add_char(out, 'T');
		add_time(out, hour * 3600 + minute * 60 + second);
	}
	return true;
}

bool ch_sheet_add_duration(struct ch_str *out, const char *text)
{
	int hours = 0, minutes = 0, used = 0;
	double seconds = 0;

	if (sscanf(text, "PT%5dH%2dM%lfS%n", &hours, &minutes, &seconds,
		   &used) != 3 ||
	    text[used] || hours < 0 || minutes < 0 || minutes > 59 ||
	    !(seconds >= 0 && seconds < 60))
		return false;
	add_time(out, hours * 3600L + minutes * 60L + lround(seconds));
	return true;
}
