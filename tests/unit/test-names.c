// SPDX-License-Identifier: GPL-3.0-or-later
/* test-names.c - the tables of countries and of salutations: what they give,
 * and every fault of them at its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "letter/country.h"
#include "letter/fields.h"
#include "letter/salutation.h"
#include "letter/shared.h"
#include "letter/tsv.h"

/* All problems, a line each, with their hints. */
static void write_problems(const struct ch_problems *problems,
			   struct ch_str *out)
{
	for (size_t i = 0; i < problems->len; i++) {
		ch_problem_format(&problems->items[i], out);
		ch_str_addf(out, " [%s]\n", problems->items[i].hint);
	}
}

static void check_problems(const struct ch_problems *problems,
			   const char *expected, const char *text)
{
	CH_AUTO(ch_str) got = CH_STR_INIT(100000);

	write_problems(problems, &got);
	if (strcmp(ch_str_cstr(&got), expected) != 0)
		fail_msg("%s gave\n%s, expected\n%s", text, ch_str_cstr(&got),
			 expected);
}

/* A table that ships. */
static void read_shipped(const char *name, struct ch_str *text)
{
	const char *top = getenv("top_srcdir");
	CH_AUTOCHAR path = ch_xasprintf("%s/templates/%s", top ? top : ".",
					name);
	struct ch_error err;

	if (ch_file_read(path, text, &err) < 0)
		fail_msg("%s", err.text);
}

/* ---- any table -------------------------------------------------------- */

static const char *const two[] = { "a", "b", NULL };

static void take_two(void *context, const struct ch_tsv_row *row,
		     struct ch_problems *problems)
{
	struct ch_str *out = context;

	(void)problems;
	ch_str_addf(out, "%u: a=%.*s@%u b=%.*s@%u\n", row->line,
		    (int)row->cells[0].len, row->cells[0].data,
		    row->columns[0], (int)row->cells[1].len,
		    row->cells[1].data, row->columns[1]);
}

static void rows_and_faults_have_places(void **state)
{
	static const struct {
		const char *text, *rows, *problems;
	} rows[] = {
		{ "a\tb\n1\t2\n", "2: a=1@1 b=2@3\n", "" },
		{ "\xEF\xBB\xBF# remark\n\na\tb\r\né\t2\r\n#x\n3\t4",
		  "4: a=é@1 b=2@3\n6: a=3@1 b=4@3\n", "" },
		{ "b\ta\néé\t1\n", "2: a=1@4 b=éé@1\n", "" },
		{ "", "",
		  "t: the table is empty [The first row names the columns, "
		  "divided by tabs.]\n" },
		{ "# a\n", "",
		  "t: the table is empty [The first row names the columns, "
		  "divided by tabs.]\n" },
		{ "a\tbb\tc\n1\t2\n", "",
		  "t:1:3: \"bb\" is no column of this table [Did you mean "
		  "\"b\"?]\n"
		  "t:1:6: \"c\" is no column of this table [Did you mean "
		  "\"a\"?]\n"
		  "t:1: there is no column \"b\" [The first row names the "
		  "columns, divided by tabs.]\n" },
		{ "a\tb\ta\n", "",
		  "t:1:5: the column \"a\" is there twice []\n" },
		{ "a\tb\n1\n1\t2\t3\n4\t5\n", "4: a=4@1 b=5@3\n",
		  "t:2: 1 cell, and the first row has 2 [Cells are divided by "
		  "one tab each; none is left out.]\n"
		  "t:3: 3 cells, and the first row has 2 [Cells are divided "
		  "by one tab each; none is left out.]\n" },
		{ "a\tb\n\t2\né\t\n", "",
		  "t:2:1: a: the cell is empty [Write it, or \"-\" where there "
		  "is nothing.]\n"
		  "t:3:3: b: the cell is empty [Write it, or \"-\" where there "
		  "is nothing.]\n" },
		{ "a\tb\n1 \t 2\n", "",
		  "t:2:1: a: a space at the end of the cell [Take it out.]\n"
		  "t:2:4: b: a space at the beginning of the cell [Take it "
		  "out.]\n" },
		{ "a\tb\né\t\xFF\n", "",
		  "t:2:3: byte 0xFF is not UTF-8 [Save the table as "
		  "UTF-8.]\n" },
		{ "a\xC3\tb\n1\t2\n", "",
		  "t:1:2: byte 0xC3 is not UTF-8 [Save the table as "
		  "UTF-8.]\n" },
		{ "a\tb\n1\t2\xE2\x80\xAE" "3\n1\t2\r3\n", "",
		  "t:2:4: text direction character U+202E [Take it out.]\n"
		  "t:3:4: control character U+000D [Take it out.]\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_problems) problems = { 0 };
		CH_AUTO(ch_str) got = CH_STR_INIT(10000);
		int rc = ch_tsv_read(ch_slice_of(rows[i].text), "t", two,
				     take_two, &got, &problems);

		check_problems(&problems, rows[i].problems, rows[i].text);
		assert_int_equal(rc, rows[i].problems[0] ? -1 : 0);
		assert_string_equal(ch_str_cstr(&got), rows[i].rows);
	}
}

/* ---- countries -------------------------------------------------------- */

#define HEAD                                                          \
	"code\talpha2\ten.short\ten.formal\ten.of\tfr.short\t"        \
	"fr.formal\tfr.of\tes.short\tes.formal\tes.of\tru.short\t"    \
	"ru.formal\tru.of\tzh.short\tzh.formal\tzh.of\tar.short\t"    \
	"ar.formal\tar.of\tnote\n"
#define NAMES "a\tb\tc\td\te\tf\tg\th\ti\tj\tk\tl\tm\tn\to\tp\tq\tr\t-\n"

static void faults_of_countries_have_places(void **state)
{
	static const struct {
		const char *text, *problems;
	} rows[] = {
		{ HEAD "FRA\tFR\t" NAMES "X-EU\t-\t" NAMES, "" },
		{ HEAD "FRA\tFR\t" NAMES "DEU\tDE\t" NAMES "fra\tFR\t" NAMES,
		  "c:4:1: code: \"fra\" is also on line 2 [A code leads to one "
		  "name.]\n"
		  "c:4:5: alpha2: \"FR\" is also on line 2 [A code leads to "
		  "one name.]\n" },
		{ HEAD "FR\t-\t" NAMES "FRA\tfr\t" NAMES,
		  "c:3:5: alpha2: \"fr\" is also on line 2 [A code leads to "
		  "one name.]\n" },
		{ HEAD "F/A\tF\t" NAMES "-\t-\t" NAMES,
		  "c:2:1: code: \"F/A\" is no code [It has letters, digits and "
		  "hyphens, such as FRA or X-EU.]\n"
		  "c:2:5: alpha2: \"F\" is no alpha-2 code [It has two "
		  "letters; write \"-\" where there is none.]\n"
		  "c:3:1: code: \"-\" is no code [It has letters, digits and "
		  "hyphens, such as FRA or X-EU.]\n" },
		{ HEAD "FRA\tFR\n",
		  "c:2: 2 cells, and the first row has 21 [Cells are divided "
		  "by one tab each; none is left out.]\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_problems) problems = { 0 };
		CH_AUTOPTR(ch_countries) c = NULL;
		int rc = ch_countries_parse(ch_slice_of(rows[i].text), "c", &c,
					    &problems);

		check_problems(&problems, rows[i].problems, rows[i].text);
		assert_int_equal(rc, rows[i].problems[0] ? -1 : 0);
		assert_int_equal(c != NULL, rc == 0);
	}
}

static const struct {
	const char *code, *language;
	enum ch_country_form form;
	const char *name;
} names[] = {
	{ "FRA", "en", CH_COUNTRY_SHORT, "France" },
	{ "FRA", "en", CH_COUNTRY_FORMAL, "French Republic" },
	{ "fr", "en", CH_COUNTRY_OF, "of France" },
	{ "Bhs", "en", CH_COUNTRY_OF, "of the Bahamas" },
	{ "NLD", "en", CH_COUNTRY_SHORT, "Netherlands (Kingdom of the)" },
	{ "NLD", "en", CH_COUNTRY_OF, "of the Kingdom of the Netherlands" },
	{ "SWZ", "en", CH_COUNTRY_FORMAL, "Kingdom of Eswatini" },
	{ "DZA", "fr", CH_COUNTRY_OF, "de l’Algérie" },
	{ "HTI", "fr", CH_COUNTRY_OF, "d’Haïti" },
	{ "HND", "fr", CH_COUNTRY_OF, "du Honduras" },
	{ "HUN", "fr", CH_COUNTRY_OF, "de la Hongrie" },
	{ "CUB", "fr", CH_COUNTRY_OF, "de Cuba" },
	{ "COM", "fr", CH_COUNTRY_OF, "des Comores" },
	{ "USA", "es", CH_COUNTRY_OF, "de los Estados Unidos de América" },
	{ "PER", "es", CH_COUNTRY_OF, "del Perú" },
	{ "SLV", "es", CH_COUNTRY_OF, "de El Salvador" },
	{ "USA", "ru", CH_COUNTRY_OF, "Соединенных Штатов Америки" },
	{ "IRN", "ru", CH_COUNTRY_OF, "Исламской Республики Иран" },
	{ "COM", "ru", CH_COUNTRY_OF, "Коморских Островов" },
	{ "IRN", "zh", CH_COUNTRY_SHORT, "伊朗（伊斯兰共和国）" },
	{ "IRN", "zh", CH_COUNTRY_OF, "伊朗伊斯兰共和国" },
	{ "DEU", "zh", CH_COUNTRY_FORMAL, "德意志联邦共和国" },
	{ "SAU", "ar", CH_COUNTRY_OF, "المملكة العربية السعودية" },
	{ "JOR", "ar", CH_COUNTRY_SHORT, "الأردن" },
	{ "JOR", "ar", CH_COUNTRY_FORMAL, "المملكة الأردنية الهاشمية" },
	{ "VAT", "fr", CH_COUNTRY_OF, "du Saint-Siège" },
	{ "PSE", "es", CH_COUNTRY_OF, "del Estado de Palestina" },
	{ "x-eu", "fr", CH_COUNTRY_OF, "de l’Union européenne" },
	{ "EU", "ru", CH_COUNTRY_OF, "Европейского союза" },
};

static const struct {
	const char *code, *language, *text;
} unknown[] = {
	{ "X-SMOOM", "en", "\"X-SMOOM\" is no country's code; did you mean "
			   "\"X-SMOM\"?" },
	{ "Viet Nam", "en", "\"Viet Nam\" is no country's code; did you mean "
			    "\"VNM\"?" },
	{ "швейцария", "en", "\"швейцария\" is no country's code" },
	{ "Швейцария", "en", "\"Швейцария\" is no country's code; did you "
			     "mean \"CHE\"?" },
	{ "FRX", "en", "\"FRX\" is no country's code; did you mean \"FRA\"?" },
	{ "XXX", "en", "\"XXX\" is no country's code" },
	{ "-", "en", "\"-\" is no country's code" },
	{ "", "en", "\"\" is no country's code" },
	{ "FRA", "it", "countries have no names in \"it\"" },
};

static void the_shipped_table_gives_names(void **state)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(CH_TSV_BYTES_MAX);
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_countries) c = NULL;
	struct ch_error err;
	struct ch_slice got;

	(void)state;
	read_shipped(CH_COUNTRIES_FILE, &text);
	ch_countries_parse((struct ch_slice){ ch_str_cstr(&text), text.len },
			   CH_COUNTRIES_FILE, &c, &problems);
	check_problems(&problems, "", CH_COUNTRIES_FILE);
	for (size_t i = 0; i < CH_COUNT(names); i++) {
		CH_AUTOCHAR name = NULL;

		if (ch_country_name(c, ch_slice_of(names[i].code),
				    names[i].language, names[i].form, &got,
				    &err) < 0)
			fail_msg("%s: %s", names[i].code, err.text);
		name = ch_slice_dup(got);
		assert_string_equal(name, names[i].name);
	}
	for (size_t i = 0; i < CH_COUNT(unknown); i++) {
		assert_int_equal(
			ch_country_name(c, ch_slice_of(unknown[i].code),
					unknown[i].language, CH_COUNTRY_SHORT,
					&got, &err),
			-1);
		assert_string_equal(err.text, unknown[i].text);
		assert_int_equal(err.fate, CH_GIVE_UP);
	}
}

/* ---- salutations ------------------------------------------------------ */

#define SHEAD "language\toffice\tgender\tsalutation\tmark\tclosing\n"
#define OTHER(language) language "\tother\t-\ta\t,\tb\n"
#define OTHERS                                                 \
	OTHER("en") OTHER("fr") OTHER("es") OTHER("ru") OTHER("zh") \
	OTHER("ar")

static void faults_of_salutations_have_places(void **state)
{
	static const struct {
		const char *text, *problems;
	} rows[] = {
		{ SHEAD OTHERS, "" },
		{ SHEAD OTHERS "en\tother\t-\tc\t,\td\n",
		  "s:8:4: office: \"other\" is there twice [Each gender of an "
		  "office stands once in a language.]\n" },
		{ SHEAD OTHERS "it\tother\tx\tc\t,\td\n",
		  "s:8:1: language: \"it\" is none of the six languages [They "
		  "are en, fr, es, ru, zh and ar.]\n"
		  "s:8:10: gender: \"x\" is no gender of this table [Write f, "
		  "m, or - where it is not known.]\n" },
		{ SHEAD OTHERS "en\tmayor\t-\tc\t,\td\nfr\tmayor\tf\tc\t,\td\n"
			"es\tmayor\t-\tc\t,\td\nru\tmayor\t-\tc\t,\td\n"
			"zh\tmayor\t-\tc\t,\td\n",
		  "s:8:4: office: \"mayor\" has no such row in \"fr\" [Every "
		  "office has, in each of the six languages, a row whose "
		  "gender is -.]\n"
		  "s:8:4: office: \"mayor\" has no such row in \"ar\" [Every "
		  "office has, in each of the six languages, a row whose "
		  "gender is -.]\n" },
		{ SHEAD,
		  "s: there is no office \"other\" [It is for those whose "
		  "office is not known.]\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_problems) problems = { 0 };
		CH_AUTOPTR(ch_salutations) s = NULL;
		int rc = ch_salutations_parse(ch_slice_of(rows[i].text), "s",
					      &s, &problems);

		check_problems(&problems, rows[i].problems, rows[i].text);
		assert_int_equal(rc, rows[i].problems[0] ? -1 : 0);
		assert_int_equal(s != NULL, rc == 0);
	}
}

static const struct {
	const char *language, *office, *gender, *line, *closing;
} forms[] = {
	{ "en", "minister", "f", "Excellency,", "Excellency" },
	{ "en", "charge-d-affaires", "m", "Sir,", "Sir" },
	{ "en", "", "", "Madam/Sir,", "Madam/Sir" },
	{ "fr", "minister", "f", "Madame la Ministre,", "Madame la Ministre" },
	{ "fr", "Ambassador", "M", "Monsieur l’Ambassadeur,",
	  "Monsieur l’Ambassadeur" },
	{ "fr", "charge-d-affaires", "f", "Madame la Chargée d’affaires,",
	  "Madame la Chargée d’affaires" },
	{ "fr", "", "-", "Madame, Monsieur,", "Madame, Monsieur" },
	{ "es", "minister", "f", "Excelentísima señora Ministra:",
	  "Vuestra Excelencia" },
	{ "es", "other", "f", "Señora:", "usted" },
	{ "ru", "president", "m", "Ваше Превосходительство,",
	  "Ваше Превосходительство" },
	{ "ru", "charge-d-affaires", "m",
	  "Уважаемый господин Поверенный в делах!",
	  "господин Поверенный в делах" },
	{ "zh", "minister", "f", "部长女士阁下：", "阁下" },
	{ "zh", "ambassador", "", "大使阁下：", "阁下" },
	{ "ar", "minister", "m", "معالي الوزير،", "معاليكم" },
	{ "ar", "permanent-representative", "f", "سعادة الممثلة الدائمة،",
	  "سعادتكم" },
};

static const struct {
	const char *language, *office, *gender, *text;
} nobody[] = {
	{ "en", "minster", "f", "\"minster\" is no office of salutations.tsv; "
				"did you mean \"minister\"?" },
	{ "en", "gardener to the Queen", "f",
	  "\"gardener to the Queen\" is no office of salutations.tsv" },
	{ "en", "minister", "w", "gender is f, m, or - where it is not known, "
				 "and not \"w\"" },
	{ "de", "minister", "f", "there are no salutations in \"de\"" },
};

static void the_shipped_table_addresses_everybody(void **state)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(CH_TSV_BYTES_MAX);
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_salutations) s = NULL;
	struct ch_salutation form;
	struct ch_error err;

	(void)state;
	read_shipped(CH_SALUTATIONS_FILE, &text);
	ch_salutations_parse((struct ch_slice){ ch_str_cstr(&text), text.len },
			     CH_SALUTATIONS_FILE, &s, &problems);
	check_problems(&problems, "", CH_SALUTATIONS_FILE);
	for (size_t i = 0; i < CH_COUNT(forms); i++) {
		CH_AUTO(ch_str) line = CH_STR_INIT(1000);
		CH_AUTOCHAR closing = NULL;

		if (ch_salutation_find(s, forms[i].language,
				       ch_slice_of(forms[i].office),
				       ch_slice_of(forms[i].gender), &form,
				       &err) < 0)
			fail_msg("%s: %s", forms[i].office, err.text);
		ch_salutation_line(form.salutation, form.mark, &line);
		closing = ch_slice_dup(form.closing);
		assert_string_equal(ch_str_cstr(&line), forms[i].line);
		assert_string_equal(closing, forms[i].closing);
	}
	for (size_t i = 0; i < CH_COUNT(nobody); i++) {
		assert_int_equal(
			ch_salutation_find(s, nobody[i].language,
					   ch_slice_of(nobody[i].office),
					   ch_slice_of(nobody[i].gender),
					   &form, &err),
			-1);
		assert_string_equal(err.text, nobody[i].text);
	}
}

static const struct {
	const char *language, *columns; /* "name=value;name=value" */
	const char *fields; /* what the three give, or what is wrong */
	bool repeated;
} addressed[] = {
	{ "fr", "office_code=minister;gender=f",
	  "Madame la Ministre|Madame la Ministre,|Madame la Ministre", false },
	{ "es", "office_code=minister;gender=m",
	  "Excelentísimo señor Ministro|Excelentísimo señor Ministro:|"
	  "Vuestra Excelencia", false },
	{ "ar", "office_code= ambassador ;gender= f ",
	  "سعادة السفيرة|سعادة السفيرة،|سعادتكم", false },
	{ "fr", "office_code=;gender=", "Madame, Monsieur|Madame, Monsieur,|"
					"Madame, Monsieur", false },
	{ "fr", "office_code=;gender=m", "Monsieur|Monsieur,|Monsieur", false },
	/* What a row says itself wins, whole or in part. */
	{ "fr", "office_code=minister;gender=m;"
		"salutation=Monsieur le Conseiller fédéral",
	  "Monsieur le Conseiller fédéral|Monsieur le Conseiller fédéral,|"
	  "Monsieur le Conseiller fédéral", false },
	{ "fr", "salutation=Monsieur le Conseiller fédéral",
	  "Monsieur le Conseiller fédéral|Monsieur le Conseiller fédéral,|"
	  "Monsieur le Conseiller fédéral", false },
	{ "en", "office_code=minister;salutation=Dear Minister:",
	  "Dear Minister:|Dear Minister:|Dear Minister:", false },
	{ "es", "office_code=minister;gender=m;"
		"salutation=Excelentísimo señor Secretario",
	  "Excelentísimo señor Secretario|Excelentísimo señor Secretario:|"
	  "Vuestra Excelencia", false },
	{ "es", "salutation=Señor Alcalde;salutation_closing=usted",
	  "Señor Alcalde|Señor Alcalde:|usted", false },
	{ "fr", "office_code=minister;gender=f;salutation_line=Chère Anne,",
	  "Madame la Ministre|Chère Anne,|Madame la Ministre", false },
	{ "fr", "office_code=minister;gender=f;salutation= ",
	  "Madame la Ministre|Madame la Ministre,|Madame la Ministre", false },
	{ "fr", "gender=f", "||", false },
	{ "fr", "salutation=;gender=f", "||", false },
	/* Faults name their column. */
	{ "es", "salutation=Excelentísimo señor Secretario",
	  "Excelentísimo señor Secretario|Excelentísimo señor Secretario:|"
	  "office_code: with a salutation of its own and no office nothing "
	  "says how the closing calls this person", false },
	{ "fr", "office_code=ministre",
	  "office_code: \"ministre\" is no office of salutations.tsv; did you "
	  "mean \"minister\"?|"
	  "office_code: \"ministre\" is no office of salutations.tsv; did you "
	  "mean \"minister\"?|"
	  "office_code: \"ministre\" is no office of salutations.tsv; did you "
	  "mean \"minister\"?", false },
	{ "fr", "office_code=minister;gender=w;salutation=A",
	  "A|"
	  "gender: gender is f, m, or - where it is not known, and not \"w\"|"
	  "gender: gender is f, m, or - where it is not known, and not \"w\"", false },
	/* In a translation below, what a row says is in another language. */
	{ "en", "office_code=minister;gender=f;salutation=معالي الوزيرة",
	  "Excellency|Excellency,|Excellency", true },
	{ "en", "office_code=minister;salutation=معالي الوزيرة;"
		"salutation.en=Minister",
	  "Minister|Minister,|Minister", true },
	{ "en", "salutation=Madame la Consule",
	  "Madame la Consule|Madame la Consule,|Madame la Consule", true },
};

static void set_fields(const char *columns, struct ch_fields *fields)
{
	CH_AUTOCHAR copy = ch_xstrdup(columns);
	char *rest = copy;
	char *pair;

	while ((pair = strsep(&rest, ";"))) {
		char *value = strchr(pair, '=');

		*value++ = '\0';
		ch_fields_set(fields, pair, ch_slice_of(value));
	}
}

static void rows_are_addressed_by_their_columns(void **state)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(CH_TSV_BYTES_MAX);
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_salutations) s = NULL;

	(void)state;
	read_shipped(CH_SALUTATIONS_FILE, &text);
	ch_salutations_parse((struct ch_slice){ ch_str_cstr(&text), text.len },
			     CH_SALUTATIONS_FILE, &s, &problems);
	for (size_t i = 0; i < CH_COUNT(addressed); i++) {
		CH_AUTO(ch_str) got = CH_STR_INIT(10000);
		struct ch_fields fields = { 0 };

		set_fields(addressed[i].columns, &fields);
		for (int f = 0; f < CH_SALUTATION_FIELDS; f++) {
			const char *column = "";
			struct ch_error err;

			if (f > 0)
				ch_str_add(&got, "|");
			if (ch_salutation_write(
				    s, addressed[i].language, &fields,
				    addressed[i].repeated, (enum ch_salutation_field)f, &got,
				    &column, &err) < 0)
				ch_str_addf(&got, "%s: %s", column, err.text);
		}
		ch_fields_release(&fields);
		assert_string_equal(ch_str_cstr(&got), addressed[i].fields);
	}
	assert_int_equal(ch_salutation_field_of("salutation_closing"),
			 CH_SALUTATION_CLOSING);
	assert_int_equal(ch_salutation_field_of("office_code"),
			 CH_SALUTATION_FIELDS);
}

static void a_line_has_one_mark(void **state)
{
	static const struct {
		const char *salutation, *mark, *line;
	} rows[] = {
		{ "Excellency", ",", "Excellency," },
		{ "Excellency,", ",", "Excellency," },
		{ "Excelentísimo Señor:", ",", "Excelentísimo Señor:" },
		{ "部长阁下：", "，", "部长阁下：" },
		{ "معالي الوزير،", "،", "معالي الوزير،" },
		{ "Уважаемый господин", "!", "Уважаемый господин!" },
		{ "Excellency", "-", "Excellency" },
		{ "", ",", "," },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) line = CH_STR_INIT(1000);

		ch_salutation_line(ch_slice_of(rows[i].salutation),
				   ch_slice_of(rows[i].mark), &line);
		assert_string_equal(ch_str_cstr(&line), rows[i].line);
	}
}

/* ---- as files of a letter --------------------------------------------- */

static void add_text(struct ch_bundle *bundle, const char *name,
		     const char *text)
{
	struct ch_sha256 sum;
	struct ch_error err;

	ch_sha256_of(text, strlen(text), &sum);
	assert_int_equal(ch_bundle_add_bytes(bundle, CH_ROLE_LETTER, name,
					     &sum, ch_slice_of(text), &err),
			 0);
}

static void letters_get_the_files_they_use(void **state)
{
	static const struct {
		const char *name, *text;
		const char *added; /* beside that */
	} rows[] = {
		{ "en.md", "Government {{key | country:of}}",
		  "countries.tsv " },
		{ "en.md", "{{key|country}}", "countries.tsv " },
		{ "en.md", "{{key |\n country}}", "countries.tsv " },
		{ "en.md", "{{country}} | table | countr", "" },
		{ "en.md", "{{salutation}},", "salutations.tsv " },
		{ "close.en.md", "{{salutation_closing}} {{key|country}}",
		  "countries.tsv salutations.tsv " },
		{ "note.txt", "{{salutation}} {{key|country}}", "" },
		{ "en.md", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		const char *top = getenv("top_srcdir");
		CH_AUTOCHAR folder = ch_xasprintf("%s/templates",
						  top ? top : ".");
		CH_AUTO(ch_problems) problems = { 0 };
		CH_AUTO(ch_bundle) bundle = { 0 };
		CH_AUTO(ch_str) added = CH_STR_INIT(1000);

		add_text(&bundle, rows[i].name, rows[i].text);
		assert_int_equal(ch_shared_add(&bundle, folder, &problems),
				 0);
		check_problems(&problems, "", rows[i].text);
		for (size_t f = 0; f < bundle.len; f++) {
			if (strcmp(bundle.files[f].name, rows[i].name) != 0)
				ch_str_addf(&added, "%s ",
					    bundle.files[f].name);
		}
		assert_string_equal(ch_str_cstr(&added), rows[i].added);
	}
}

static void a_copy_of_its_own_stays(void **state)
{
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_bundle) bundle = { 0 };

	(void)state;
	add_text(&bundle, "en.md", "{{salutation}} {{key | country}}");
	add_text(&bundle, "salutations.tsv", "own");
	assert_int_equal(ch_shared_add(&bundle, "/nowhere", &problems), -1);
	check_problems(&problems,
		       "/nowhere/countries.tsv: No such file or directory [It "
		       "comes with Chancery; a letter may have one of its own "
		       "in its folder.]\n",
		       "no folder");
	assert_int_equal(bundle.len, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_and_faults_have_places),
		cmocka_unit_test(faults_of_countries_have_places),
		cmocka_unit_test(the_shipped_table_gives_names),
		cmocka_unit_test(faults_of_salutations_have_places),
		cmocka_unit_test(the_shipped_table_addresses_everybody),
		cmocka_unit_test(rows_are_addressed_by_their_columns),
		cmocka_unit_test(a_line_has_one_mark),
		cmocka_unit_test(letters_get_the_files_they_use),
		cmocka_unit_test(a_copy_of_its_own_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
