// SPDX-License-Identifier: GPL-3.0-or-later
/* date.c - days in words.
 *
 * The names are a table of our own and not ICU's: a letter must read the same
 * whatever version of a library is installed, Arabic official style gives the
 * month in both traditions, and only French has its "1er". Digits are Western
 * in all six languages.
 */
#include "letter/date.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

struct language {
	const char *code;
	const char *format; /* %1$d day, %2$s month, %3$d year */
	const char *first;  /* of the first of a month; NULL: `format` */
	const char *months[12];
};

static const struct language languages[] = {
	{ "en", "%1$d %2$s %3$d", NULL,
	  { "January", "February", "March", "April", "May", "June", "July",
	    "August", "September", "October", "November", "December" } },
	{ "fr", "%1$d %2$s %3$d", "%1$der %2$s %3$d",
	  { "janvier", "février", "mars", "avril", "mai", "juin", "juillet",
	    "août", "septembre", "octobre", "novembre", "décembre" } },
	{ "es", "%1$d de %2$s de %3$d", NULL,
	  { "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio",
	    "agosto", "septiembre", "octubre", "noviembre", "diciembre" } },
	{ "ru", "%1$d %2$s %3$d года", NULL,
	  { "января", "февраля", "марта", "апреля", "мая", "июня", "июля",
	    "августа", "сентября", "октября", "ноября", "декабря" } },
	{ "zh", "%3$d年%2$s月%1$d日", NULL,
	  { "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12" } },
	{ "ar", "%1$d %2$s %3$d", NULL,
	  { "كانون الثاني/يناير", "شباط/فبراير", "آذار/مارس", "نيسان/أبريل",
	    "أيار/مايو", "حزيران/يونيه", "تموز/يوليه", "آب/أغسطس",
	    "أيلول/سبتمبر", "تشرين الأول/أكتوبر", "تشرين الثاني/نوفمبر",
	    "كانون الأول/ديسمبر" } },
};

static const struct language *find_language(const char *code)
{
	for (size_t i = 0; i < CH_COUNT(languages); i++) {
		if (strcmp(languages[i].code, code) == 0)
			return &languages[i];
	}
	return NULL;
}

static int days_in(int year, int month)
{
	static const int days[12] = { 31, 28, 31, 30, 31, 30,
				      31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* `len` digits as a number, or -1. */
static int digits(const char *text, size_t len)
{
	int number = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		number = number * 10 + (text[i] - '0');
	}
	return number;
}

static bool read_day(struct ch_slice iso, int *year, int *month, int *day)
{
	if (iso.len != 10 || iso.data[4] != '-' || iso.data[7] != '-')
		return false;
	*year = digits(iso.data, 4);
	*month = digits(iso.data + 5, 2);
	*day = digits(iso.data + 8, 2);
	return *year > 0 && *month >= 1 && *month <= 12 && *day >= 1 &&
	       *day <= days_in(*year, *month);
}

int ch_date_words(struct ch_slice iso, const char *language,
		  struct ch_str *out, struct ch_error *err)
{
	const struct language *rules = find_language(language);
	int year;
	int month;
	int day;

	if (!rules)
		return ch_error_set(err, CH_GIVE_UP,
				    "no rules for dates in \"%s\"", language);
	if (!read_day(iso, &year, &month, &day))
		return ch_error_set(err, CH_GIVE_UP,
				    "\"%.*s\" is no date such as 2026-12-07",
				    iso.len < 60 ? (int)iso.len : 60,
				    iso.data);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	ch_str_addf(out, rules->first && day == 1 ? rules->first
						  : rules->format,
		    day, rules->months[month - 1], year);
#pragma GCC diagnostic pop
	return 0;
}
