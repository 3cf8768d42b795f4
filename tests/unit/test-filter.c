// SPDX-License-Identifier: GPL-3.0-or-later
/* test-filter.c - dates, numbers, ordinals, plurals and capitals in the six
 * languages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "letter/filter.h"

#define NBSP "\xC2\xA0"
#define NNBSP "\xE2\x80\xAF"
#define MINUS "\xE2\x88\x92"

/* `value` NULL: the filter itself is at fault. `expected` NULL: an error, and
 * `error` its text. */
struct row {
	const char *filter, *language, *value, *expected, *error;
};

static void run_row(const struct row *row)
{
	const struct ch_filter_env env = { .language = row->language };
	CH_AUTOPTR(ch_filter) filter = NULL;
	CH_AUTO(ch_str) out = CH_STR_INIT(1000);
	CH_AUTO(ch_str) hint = CH_STR_INIT(1000);
	struct ch_error err = { .text = "" };
	int result = ch_filter_new(ch_slice_of(row->filter), row->language,
				   &filter, &hint, &err);

	assert_int_equal(result, row->value ? 0 : -1);
	assert_int_equal(hint.len > 0, !row->value);
	if (row->value) {
		result = ch_filter_write(filter, ch_slice_of(row->value), &env,
					 &out, &err);
		assert_true(ch_filter_hint(filter)[0]);
	}
	if (row->expected ? strcmp(ch_str_cstr(&out), row->expected) != 0
			  : strcmp(err.text, row->error) != 0)
		print_message("%s of %s in %s\n", row->filter,
			      row->value ? row->value : "", row->language);
	assert_int_equal(result, row->expected ? 0 : -1);
	if (row->expected)
		assert_string_equal(ch_str_cstr(&out), row->expected);
	else
		assert_string_equal(err.text, row->error);
}

static void run_rows(const struct row *rows, size_t len)
{
	for (size_t i = 0; i < len; i++)
		run_row(&rows[i]);
}

static void dates(void **state)
{
	static const struct row rows[] = {
		{ "date", "en", "2002-12-07", "7 December 2002", NULL },
		{ "date", "fr", "2002-12-07", "7 décembre 2002", NULL },
		{ "date", "fr", "2002-12-01", "1er décembre 2002", NULL },
		{ "date", "fr", "2002-12-11", "11 décembre 2002", NULL },
		{ "date", "fr", "2027-08-21", "21 août 2027", NULL },
		{ "date", "es", "2002-12-07", "7 de diciembre de 2002", NULL },
		{ "date", "es", "2027-01-01", "1 de enero de 2027", NULL },
		{ "date", "ru", "2002-12-07", "7 декабря 2002 года", NULL },
		{ "date", "ru", "2027-05-09", "9 мая 2027 года", NULL },
		{ "date", "zh", "2002-12-07", "2002年12月7日", NULL },
		{ "date", "zh", "2027-01-31", "2027年1月31日", NULL },
		{ "date", "ar", "2002-12-07", "7 كانون الأول/ديسمبر 2002",
		  NULL },
		{ "date", "ar", "2027-06-30", "30 حزيران/يونيه 2027", NULL },
		{ "date", "en", "2028-02-29", "29 February 2028", NULL },
		{ "date", "en", "2000-02-29", "29 February 2000", NULL },
		{ "date:long", "en", "2002-12-07", "7 December 2002", NULL },
		{ "date: short", "en", "2002-12-07", "7 Dec. 2002", NULL },
		{ "date:short", "en", "2027-05-31", "31 May 2027", NULL },
		{ "date:short", "fr", "2002-12-07", "7 déc. 2002", NULL },
		{ "date:short", "fr", "2027-02-01", "1er févr. 2027", NULL },
		{ "date:short", "es", "2027-09-07", "7 sept. 2027", NULL },
		{ "date:short", "ru", "2002-12-07", "07.12.2002", NULL },
		{ "date:short", "zh", "2002-12-07", "2002-12-07", NULL },
		{ "date:short", "ar", "2002-12-07", "7/12/2002", NULL },
		{ "date:weekday", "en", "2002-12-07",
		  "Saturday, 7 December 2002", NULL },
		{ "date:weekday", "fr", "2002-12-01",
		  "dimanche 1er décembre 2002", NULL },
		{ "date:weekday", "es", "2026-12-09",
		  "miércoles 9 de diciembre de 2026", NULL },
		{ "date:weekday", "ru", "2026-12-11",
		  "пятница, 11 декабря 2026 года", NULL },
		{ "date:weekday", "zh", "2026-12-07",
		  "2026年12月7日星期一", NULL },
		{ "date:weekday", "ar", "2026-12-10",
		  "الخميس، 10 كانون الأول/ديسمبر 2026", NULL },
		{ "date:weekday", "en", "2000-02-29",
		  "Tuesday, 29 February 2000", NULL },
		{ "date:weekday", "en", "1900-01-01",
		  "Monday, 1 January 1900", NULL },
		{ "date", "en", "2027-02-29", NULL,
		  "\"2027-02-29\" is no date such as 2026-12-07" },
		{ "date", "en", "1900-02-29", NULL,
		  "\"1900-02-29\" is no date such as 2026-12-07" },
		{ "date", "en", "2026-13-01", NULL,
		  "\"2026-13-01\" is no date such as 2026-12-07" },
		{ "date", "en", "2026-00-01", NULL,
		  "\"2026-00-01\" is no date such as 2026-12-07" },
		{ "date", "en", "2026-04-31", NULL,
		  "\"2026-04-31\" is no date such as 2026-12-07" },
		{ "date", "en", "2026-4-3", NULL,
		  "\"2026-4-3\" is no date such as 2026-12-07" },
		{ "date", "en", "0000-01-01", NULL,
		  "\"0000-01-01\" is no date such as 2026-12-07" },
		{ "date", "en", "2026-12-07 ", NULL,
		  "\"2026-12-07 \" is no date such as 2026-12-07" },
		{ "date", "en", "07/12/2026", NULL,
		  "\"07/12/2026\" is no date such as 2026-12-07" },
		{ "date", "de", "2026-12-07", NULL,
		  "no rules for dates in \"de\"" },
		{ "date:full", "en", NULL, NULL, "date has no form \"full\"" },
	};

	(void)state;
	run_rows(rows, CH_COUNT(rows));
}

/* Each month and weekday once, in each form that names it. */
static void names(void **state)
{
	static const struct {
		const char *filter, *language, *names[12];
	} rows[] = {
		{ "date", "en",
		  { "January", "February", "March", "April", "May", "June",
		    "July", "August", "September", "October", "November",
		    "December" } },
		{ "date", "fr",
		  { "janvier", "février", "mars", "avril", "mai", "juin",
		    "juillet", "août", "septembre", "octobre", "novembre",
		    "décembre" } },
		{ "date", "es",
		  { "de enero de", "de febrero de", "de marzo de",
		    "de abril de", "de mayo de", "de junio de", "de julio de",
		    "de agosto de", "de septiembre de", "de octubre de",
		    "de noviembre de", "de diciembre de" } },
		{ "date", "ru",
		  { "января", "февраля", "марта", "апреля", "мая", "июня",
		    "июля", "августа", "сентября", "октября", "ноября",
		    "декабря" } },
		{ "date", "ar",
		  { "كانون الثاني/يناير", "شباط/فبراير", "آذار/مارس",
		    "نيسان/أبريل", "أيار/مايو", "حزيران/يونيه", "تموز/يوليه",
		    "آب/أغسطس", "أيلول/سبتمبر", "تشرين الأول/أكتوبر",
		    "تشرين الثاني/نوفمبر", "كانون الأول/ديسمبر" } },
		{ "date:short", "en",
		  { "Jan.", "Feb.", "Mar.", "Apr.", "May", "June", "July",
		    "Aug.", "Sept.", "Oct.", "Nov.", "Dec." } },
		{ "date:short", "fr",
		  { "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.",
		    "août", "sept.", "oct.", "nov.", "déc." } },
		{ "date:short", "es",
		  { "ene.", "feb.", "mar.", "abr.", "may.", "jun.", "jul.",
		    "ago.", "sept.", "oct.", "nov.", "dic." } },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		for (int m = 1; m <= 12; m++) {
			bool year = strcmp(rows[i].language, "ru") == 0;
			CH_AUTOCHAR iso = ch_xasprintf("2026-%02d-05", m);
			CH_AUTOCHAR expected = ch_xasprintf(
				"5 %s 2026%s", rows[i].names[m - 1],
				year ? " года" : "");
			struct row row = { rows[i].filter, rows[i].language,
					   iso, expected, NULL };

			run_row(&row);
		}
	}
}

static void weekdays(void **state)
{
	static const struct {
		const char *language, *before[7], *after;
	} rows[] = {
		{ "en",
		  { "Monday, ", "Tuesday, ", "Wednesday, ", "Thursday, ",
		    "Friday, ", "Saturday, ", "Sunday, " },
		  " June 2026" },
		{ "fr",
		  { "lundi ", "mardi ", "mercredi ", "jeudi ", "vendredi ",
		    "samedi ", "dimanche " },
		  " juin 2026" },
		{ "es",
		  { "lunes ", "martes ", "miércoles ", "jueves ", "viernes ",
		    "sábado ", "domingo " },
		  " de junio de 2026" },
		{ "ru",
		  { "понедельник, ", "вторник, ", "среда, ", "четверг, ",
		    "пятница, ", "суббота, ", "воскресенье, " },
		  " июня 2026 года" },
		{ "ar",
		  { "الاثنين، ", "الثلاثاء، ", "الأربعاء، ", "الخميس، ",
		    "الجمعة، ", "السبت، ", "الأحد، " },
		  " حزيران/يونيه 2026" },
	};

	(void)state;
	/* 8 June 2026 is a Monday. */
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		for (int d = 0; d < 7; d++) {
			CH_AUTOCHAR iso = ch_xasprintf("2026-06-%02d", d + 8);
			CH_AUTOCHAR expected = ch_xasprintf(
				"%s%d%s", rows[i].before[d], d + 8,
				rows[i].after);
			struct row row = { "date:weekday", rows[i].language,
					   iso, expected, NULL };

			run_row(&row);
		}
	}
}

static void numbers(void **state)
{
	static const struct row rows[] = {
		{ "number", "en", "0", "0", NULL },
		{ "number", "en", "999", "999", NULL },
		{ "number", "en", "1000", "1,000", NULL },
		{ "number", "en", "-1234567.891", MINUS "1,234,567.891",
		  NULL },
		{ "number", "fr", "1000", "1" NNBSP "000", NULL },
		{ "number", "fr", "1234567.5", "1" NNBSP "234" NNBSP "567,5",
		  NULL },
		{ "number", "es", "1000", "1000", NULL },
		{ "number", "es", "10000.25", "10" NBSP "000,25", NULL },
		{ "number", "ru", "9999", "9999", NULL },
		{ "number", "ru", "1234567", "1" NBSP "234" NBSP "567", NULL },
		{ "number", "zh", "1234567", "1,234,567", NULL },
		{ "number", "ar", "1234567.5", "1,234,567.5", NULL },
		{ "number", "en", "007", "007", NULL },
		{ "number", "en", "1,000", NULL,
		  "\"1,000\" is no number such as 1250 or 0.5" },
		{ "number", "en", "1.", NULL,
		  "\"1.\" is no number such as 1250 or 0.5" },
		{ "number", "en", ".5", NULL,
		  "\".5\" is no number such as 1250 or 0.5" },
		{ "number", "en", "-", NULL,
		  "\"-\" is no number such as 1250 or 0.5" },
		{ "number", "en", "1e3", NULL,
		  "\"1e3\" is no number such as 1250 or 0.5" },
		{ "number", "en", "1234567890123456789012345678901", NULL,
		  "\"1234567890123456789012345678901\" is no number such as "
		  "1250 or 0.5" },
		{ "number", "de", "1", NULL, "no rules for numbers in \"de\"" },
		{ "number:x", "en", NULL, NULL, "number has no form \"x\"" },
	};

	(void)state;
	run_rows(rows, CH_COUNT(rows));
}

static void ordinals(void **state)
{
	static const struct row rows[] = {
		{ "ordinal", "en", "1", "1st", NULL },
		{ "ordinal", "en", "2", "2nd", NULL },
		{ "ordinal", "en", "3", "3rd", NULL },
		{ "ordinal", "en", "4", "4th", NULL },
		{ "ordinal", "en", "11", "11th", NULL },
		{ "ordinal", "en", "12", "12th", NULL },
		{ "ordinal", "en", "13", "13th", NULL },
		{ "ordinal", "en", "21", "21st", NULL },
		{ "ordinal:f", "en", "102", "102nd", NULL },
		{ "ordinal", "en", "111", "111th", NULL },
		{ "ordinal", "fr", "1", "1er", NULL },
		{ "ordinal:m", "fr", "1", "1er", NULL },
		{ "ordinal:f", "fr", "1", "1re", NULL },
		{ "ordinal:f", "fr", "2", "2e", NULL },
		{ "ordinal", "fr", "21", "21e", NULL },
		{ "ordinal", "es", "1", "1.º", NULL },
		{ "ordinal:f", "es", "77", "77.ª", NULL },
		{ "ordinal", "ru", "1", "1-й", NULL },
		{ "ordinal:f", "ru", "77", "77-я", NULL },
		{ "ordinal:n", "ru", "3", "3-е", NULL },
		{ "ordinal", "zh", "1", "第1", NULL },
		{ "ordinal:f", "zh", "77", "第77", NULL },
		{ "ordinal", "ar", "1", "الأول", NULL },
		{ "ordinal:f", "ar", "1", "الأولى", NULL },
		{ "ordinal:f", "ar", "12", "الثانية عشرة", NULL },
		{ "ordinal", "ar", "19", "التاسع عشر", NULL },
		{ "ordinal:f", "ar", "20", "20", NULL },
		{ "ordinal", "en", "999999", "999999th", NULL },
		{ "ordinal", "en", "0", NULL,
		  "\"0\" is no whole number such as 21" },
		{ "ordinal", "en", "1000000", NULL,
		  "\"1000000\" is no whole number such as 21" },
		{ "ordinal", "en", "-1", NULL,
		  "\"-1\" is no whole number such as 21" },
		{ "ordinal", "en", "1.5", NULL,
		  "\"1.5\" is no whole number such as 21" },
		{ "ordinal", "de", "1", NULL,
		  "no rules for numbers in \"de\"" },
		{ "ordinal:x", "en", NULL, NULL, "ordinal has no form \"x\"" },
	};

	(void)state;
	run_rows(rows, CH_COUNT(rows));
}

#define EN "plural: one=annex, other=annexes"
#define FR "plural:one=pièce jointe,other=pièces jointes"
#define RU "plural: one=приложение, few=приложения, many=приложений"
#define AR "plural: zero=0ف, one=1ف, two=2ف, few=3ف, many=4ف, other=5ف"

static void plurals(void **state)
{
	static const struct row rows[] = {
		{ EN, "en", "1", "annex", NULL },
		{ EN, "en", "0", "annexes", NULL },
		{ EN, "en", "2", "annexes", NULL },
		{ EN, "en", "1.0", "annexes", NULL },
		{ EN, "en", "-1", "annex", NULL },
		{ "plural:0=no annex,one=annex,other=annexes", "en", "0",
		  "no annex", NULL },
		{ "plural: 12 = a dozen , one=annex, other=annexes", "en",
		  "12", "a dozen", NULL },
		{ FR, "fr", "0", "pièce jointe", NULL },
		{ FR, "fr", "1", "pièce jointe", NULL },
		{ FR, "fr", "1.5", "pièce jointe", NULL },
		{ FR, "fr", "2", "pièces jointes", NULL },
		{ FR, "fr", "1000000", "pièces jointes", NULL },
		{ "plural:one=euro,many=d'euros,other=euros", "fr", "1000000",
		  "d'euros", NULL },
		{ "plural:one=anexo,other=anexos", "es", "21", "anexos",
		  NULL },
		{ RU, "ru", "1", "приложение", NULL },
		{ RU, "ru", "3", "приложения", NULL },
		{ RU, "ru", "11", "приложений", NULL },
		{ RU, "ru", "21", "приложение", NULL },
		{ RU, "ru", "25", "приложений", NULL },
		{ RU, "ru", "1.5", "приложения", NULL },
		{ "plural:other=附件", "zh", "1", "附件", NULL },
		{ AR, "ar", "0", "0ف", NULL },
		{ AR, "ar", "1", "1ف", NULL },
		{ AR, "ar", "2", "2ف", NULL },
		{ AR, "ar", "10", "3ف", NULL },
		{ AR, "ar", "11", "4ف", NULL },
		{ AR, "ar", "100", "5ف", NULL },
		{ EN, "en", "two", NULL,
		  "\"two\" is no number such as 1250 or 0.5" },
		{ "plural:one=a", "en", NULL, NULL,
		  "there is no \"other=\" for numbers such as 2 in \"en\"" },
		{ "plural:one=a,few=b,other=c", "ru", NULL, NULL,
		  "there is no \"many=\" for numbers such as 5 in \"ru\"" },
		{ "plural:uno=a", "es", NULL, NULL,
		  "\"uno=a\" is not like \"one=annex\"" },
		{ "plural:one=,other=b", "en", NULL, NULL,
		  "\"one=\" is not like \"one=annex\"" },
		{ "plural:one=a,one=b,other=c", "en", NULL, NULL,
		  "\"one=\" is there twice" },
	};

	(void)state;
	run_rows(rows, CH_COUNT(rows));
}

static void capitals(void **state)
{
	static const struct row rows[] = {
		{ "upper", "en", "France", "FRANCE", NULL },
		{ "upper", "fr", "Côte d’Ivoire", "CÔTE D’IVOIRE", NULL },
		{ "upper", "fr", "États-Unis", "ÉTATS-UNIS", NULL },
		{ "upper", "ru", "Россия", "РОССИЯ", NULL },
		{ "upper", "en", "straße ﬁ", "STRASSE FI", NULL },
		{ "upper", "en", "\xCE\x90", "\xCE\x99\xCC\x88\xCC\x81", NULL },
		{ "upper", "zh", "日本", "日本", NULL },
		{ "upper", "ar", "مصر", "مصر", NULL },
		{ "upper:x", "en", NULL, NULL, "upper has no form \"x\"" },
		{ "shout", "en", NULL, NULL,
		  "no filter is called \"shout\"" },
	};

	(void)state;
	run_rows(rows, CH_COUNT(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates),    cmocka_unit_test(names),
		cmocka_unit_test(weekdays), cmocka_unit_test(numbers),
		cmocka_unit_test(ordinals), cmocka_unit_test(plurals),
		cmocka_unit_test(capitals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
