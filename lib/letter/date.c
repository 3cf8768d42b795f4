// SPDX-License-Identifier: GPL-3.0-or-later
/* date.c - days in words.
 *
 * The names are a table of our own and not ICU's: a letter must read the same
 * whatever version of a library is installed, Arabic official style gives the
 * month in both traditions, and only French has its "1er". Digits are Western
 * in all six languages. The short form is one that nobody can read as month
 * before day: with the month's name in English, French and Spanish, as GOST R
 * 7.0.97 has it in Russian, as GB/T 7408 in Chinese.
 */
#include "letter/date.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

/* In a format %d is the day (%D: of two digits), %m the month's name, %n its
 * number (%N: of two digits), %y the year, %w the weekday, %l the long form. */
struct language {
	const char *code;
	const char *format;
	const char *first;       /* of the first of a month; NULL: `format` */
	const char *brief;       /* the short form */
	const char *brief_first; /* NULL: `brief` */
	const char *weekday;     /* the form with the weekday */
	const char *months[12];
	const char *brief_months[12]; /* where the short form has names */
	const char *weekdays[7];      /* from Monday */
};

static const struct language languages[] = {
	{ "en", "%d %m %y", NULL, "%d %m %y", NULL, "%w, %l",
	  { "January", "February", "March", "April", "May", "June", "July",
	    "August", "September", "October", "November", "December" },
	  { "Jan.", "Feb.", "Mar.", "Apr.", "May", "June", "July", "Aug.",
	    "Sept.", "Oct.", "Nov.", "Dec." },
	  { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday",
	    "Saturday", "Sunday" } },
	{ "fr", "%d %m %y", "%der %m %y", "%d %m %y",
	  "%der %m %y", "%w %l",
	  { "janvier", "février", "mars", "avril", "mai", "juin", "juillet",
	    "août", "septembre", "octobre", "novembre", "décembre" },
	  { "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août",
	    "sept.", "oct.", "nov.", "déc." },
	  { "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi",
	    "dimanche" } },
	{ "es", "%d de %m de %y", NULL, "%d %m %y", NULL,
	  "%w %l",
	  { "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio",
	    "agosto", "septiembre", "octubre", "noviembre", "diciembre" },
	  { "ene.", "feb.", "mar.", "abr.", "may.", "jun.", "jul.", "ago.",
	    "sept.", "oct.", "nov.", "dic." },
	  { "lunes", "martes", "miércoles", "jueves", "viernes", "sábado",
	    "domingo" } },
	{ "ru", "%d %m %y года", NULL, "%D.%N.%y", NULL,
	  "%w, %l",
	  { "января", "февраля", "марта", "апреля", "мая", "июня", "июля",
	    "августа", "сентября", "октября", "ноября", "декабря" },
	  { NULL },
	  { "понедельник", "вторник", "среда", "четверг", "пятница", "суббота",
	    "воскресенье" } },
	{ "zh", "%y年%n月%d日", NULL, "%y-%N-%D", NULL,
	  "%l%w", { NULL }, { NULL },
	  { "星期一", "星期二", "星期三", "星期四", "星期五", "星期六",
	    "星期日" } },
	{ "ar", "%d %m %y", NULL, "%d/%n/%y", NULL, "%w، %l",
	  { "كانون الثاني/يناير", "شباط/فبراير", "آذار/مارس", "نيسان/أبريل",
	    "أيار/مايو", "حزيران/يونيه", "تموز/يوليه", "آب/أغسطس",
	    "أيلول/سبتمبر", "تشرين الأول/أكتوبر", "تشرين الثاني/نوفمبر",
	    "كانون الأول/ديسمبر" },
	  { NULL },
	  { "الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت",
	    "الأحد" } },
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

/* The day of the week, from 0 for Monday (Sakamoto's rule). */
static int weekday_of(int year, int month, int day)
{
	static const int shift[12] = { 0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4 };

	if (month < 3)
		year--;
	return (year + year / 4 - year / 100 + year / 400 + shift[month - 1] +
		day + 6) % 7;
}

struct day {
	int year, month, day;
};

static void write_form(const struct language *rules, const char *format,
		       const char *const *months, const struct day *d,
		       struct ch_str *out);

static void write_long(const struct language *rules, const struct day *d,
		       struct ch_str *out)
{
	write_form(rules,
		   rules->first && d->day == 1 ? rules->first : rules->format,
		   rules->months, d, out);
}

static void write_item(const struct language *rules, char item,
		       const char *const *months, const struct day *d,
		       struct ch_str *out)
{
	switch (item) {
	case 'd':
		ch_str_addf(out, "%d", d->day);
		break;
	case 'D':
		ch_str_addf(out, "%02d", d->day);
		break;
	case 'm':
		ch_str_add(out, months[d->month - 1]);
		break;
	case 'n':
		ch_str_addf(out, "%d", d->month);
		break;
	case 'N':
		ch_str_addf(out, "%02d", d->month);
		break;
	case 'y':
		ch_str_addf(out, "%d", d->year);
		break;
	case 'w':
		ch_str_add(out, rules->weekdays[weekday_of(d->year, d->month,
							   d->day)]);
		break;
	default:
		write_long(rules, d, out);
	}
}

static void write_form(const struct language *rules, const char *format,
		       const char *const *months, const struct day *d,
		       struct ch_str *out)
{
	for (; *format; format++) {
		if (*format == '%')
			write_item(rules, *++format, months, d, out);
		else
			ch_str_add_char(out, *format);
	}
}

int ch_date_words(struct ch_slice iso, enum ch_date_form form,
		  const char *language, struct ch_str *out,
		  struct ch_error *err)
{
	const struct language *rules = find_language(language);
	struct day d;

	if (!rules)
		return ch_error_set(err, CH_GIVE_UP,
				    "no rules for dates in \"%s\"", language);
	if (!read_day(iso, &d.year, &d.month, &d.day))
		return ch_error_set(err, CH_GIVE_UP,
				    "\"%.*s\" is no date such as 2026-12-07",
				    iso.len < 60 ? (int)iso.len : 60,
				    iso.data);
	if (form == CH_DATE_LONG)
		write_long(rules, &d, out);
	else if (form == CH_DATE_WEEKDAY)
		write_form(rules, rules->weekday, rules->months, &d, out);
	else
		write_form(rules,
			   rules->brief_first && d.day == 1
				   ? rules->brief_first
				   : rules->brief,
			   rules->brief_months, &d, out);
	return 0;
}
