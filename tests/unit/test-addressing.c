// SPDX-License-Identifier: GPL-3.0-or-later
/* test-addressing.c - letters that print names of States and salutations, and
 * what each fault of theirs says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/mem.h"
#include "letter/country.h"
#include "letter/letter.h"
#include "letter/salutation.h"
#include "letter/shared.h"

#define FSI "\xE2\x81\xA8"
#define PDI "\xE2\x81\xA9"

static void add_file(struct ch_bundle *bundle, const char *name,
		     const char *text)
{
	struct ch_sha256 sum;
	struct ch_error err;

	ch_sha256_of(text, strlen(text), &sum);
	assert_int_equal(ch_bundle_add_bytes(bundle, CH_ROLE_LETTER, name,
					     &sum, ch_slice_of(text), &err),
			 0);
}

/* A letter in one language, with the shared tables that it uses. */
static void make_bundle(const char *language, const char *subject,
			const char *body, struct ch_bundle *ret)
{
	const char *top = getenv("top_srcdir");
	CH_AUTOCHAR folder = ch_xasprintf("%s/templates", top ? top : ".");
	CH_AUTOCHAR name = ch_xasprintf("%s.md", language);
	CH_AUTOCHAR text = ch_xasprintf("Subject: %s\n\n%s\n", subject,
					 body);
	CH_AUTO(ch_problems) problems = { 0 };

	*ret = (struct ch_bundle){ 0 };
	add_file(ret, "letter.conf", "");
	add_file(ret, name, text);
	assert_int_equal(ch_shared_add(ret, folder, &problems), 0);
}

/* "name=value;name=value" */
static void make_addressee(const char *columns, struct ch_addressee *ret)
{
	CH_AUTOCHAR copy = ch_xstrdup(columns);
	char *rest = copy;
	char *pair;

	*ret = (struct ch_addressee){ .file = "m.csv", .line = 7 };
	while ((pair = strsep(&rest, ";"))) {
		char *value = strchr(pair, '=');

		*value++ = '\0';
		ch_fields_set(&ret->fields, pair, ch_slice_of(value));
	}
	ret->key = ch_xstrdup(ch_fields_get(&ret->fields, "key"));
	ret->language = ch_xstrdup("");
	ret->second_language = ch_xstrdup("");
}

static const struct ch_letter_options options = {
	.reference = "DM-1",
	.from = "Office <office@secretariat.example>",
	.date_us = INT64_C(1795478400000000),
};

static void add_problems(struct ch_str *out,
			 const struct ch_problems *problems)
{
	for (size_t i = 0; i < problems->len; i++) {
		ch_problem_format(&problems->items[i], out);
		ch_str_addf(out, " [%s]\n", problems->items[i].hint);
	}
}

static const struct {
	const char *language, *body, *columns;
	const char *text; /* of the letter, or the problems */
} letters[] = {
	{ "en", "The Government {{key | country:of}}, {{key|country}}, "
		"{{key | country:formal}}.",
	  "key=COM", "The Government of the Comoros, Comoros, Union of the "
		     "Comoros.\n" },
	{ "fr", "{{key | country:of}} {{home | country: short }}",
	  "key=HND;home=ch", "du Honduras Suisse\n" },
	{ "ar", "{{key | country:of}}", "key=EGY", FSI "مصر" PDI "\n" },
	{ "fr", "{{salutation_line}}\n\nAgréez, {{salutation_closing}}.",
	  "key=SEN;office_code=minister;gender=f",
	  "Madame la Ministre,\n\nAgréez, Madame la Ministre.\n" },
	{ "es", "{{salutation_line}}\n\nA {{salutation_closing}}.",
	  "key=MEX;office_code=minister;gender=m;"
	  "salutation=Excelentísimo señor Secretario",
	  "Excelentísimo señor Secretario:\n\nA Vuestra Excelencia.\n" },
	{ "en", "{{salutation}},", "key=KEN;salutation=Excellency",
	  "Excellency,\n" },
	{ "en", "{{salutation}},", "key=KEN;salutation=",
	  "en.md:3:1: salutation: empty for KEN (m.csv:7) [Fill in the cell, "
	  "or put the sentence inside a section on the field.]\n" },
	{ "en", "{{#salutation}}{{salutation}}{{/salutation}}x", "key=KEN",
	  "x\n" },
	/* A code that is none: at its place in the text, for each row. */
	{ "en", "A\n{{key | country:of}}", "key=FRX",
	  "en.md:4:1: key: \"FRX\" is no country's code; did you mean \"FRA\"? "
	  "for FRX (m.csv:7) [Write a code of countries.tsv, such as FRA.]\n" },
	/* An office that is none: at its row, once. */
	{ "en", "{{salutation_line}} {{salutation_closing}}",
	  "key=KEN;office_code=minster",
	  "m.csv:7: office_code: \"minster\" is no office of salutations.tsv; "
	  "did you mean \"minister\"? []\n" },
	{ "fr", "{{salutation}}", "key=KEN;office_code=minister;gender=x",
	  "m.csv:7: gender: gender is f, m, or - where it is not known, and "
	  "not \"x\" []\n" },
	{ "zh", "{{salutation_closing}}", "key=KEN;salutation=部长阁下",
	  "m.csv:7: office_code: with a salutation of its own and no office "
	  "nothing says how the closing calls this person []\n" },
	/* But for a field that is not printed nothing is told. */
	{ "zh", "{{salutation_line}}", "key=KEN;salutation=部长阁下",
	  "部长阁下：\n" },
};

static void letters_print_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < CH_COUNT(letters); i++) {
		CH_AUTO(ch_bundle) bundle = { 0 };
		CH_AUTO(ch_problems) problems = { 0 };
		CH_AUTOPTR(ch_letter) letter = NULL;
		CH_AUTO(ch_addressee) addressee = { 0 };
		CH_AUTO(ch_str) text = CH_STR_INIT(100000);

		make_bundle(letters[i].language, "S", letters[i].body,
			    &bundle);
		make_addressee(letters[i].columns, &addressee);
		if (ch_letter_load(&bundle, &options, &letter,
				   &problems) == 0)
			ch_letter_merge(letter, &addressee, NULL, &text, NULL,
					&problems);
		add_problems(&text, &problems);
		assert_string_equal(ch_str_cstr(&text), letters[i].text);
	}
}

/* One after the other, in the subject too: nobody gets another's salutation. */
static void each_has_its_own(void **state)
{
	static const struct {
		const char *columns, *subject, *text;
	} rows[] = {
		{ "key=FRA;office_code=minister;gender=f",
		  "[DM-1] À Madame la Ministre",
		  "Madame la Ministre, Madame la Ministre\n" },
		{ "key=BEL;salutation=Sire", "[DM-1] À Sire", "Sire, Sire\n" },
		{ "key=CHE;office_code=chef;gender=m", "", "" },
		{ "key=LUX;office_code=ambassador;gender=m",
		  "[DM-1] À Monsieur l’Ambassadeur",
		  "Monsieur l’Ambassadeur, Monsieur l’Ambassadeur\n" },
	};
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_letter) letter = NULL;

	(void)state;
	make_bundle("fr", "À {{salutation}}",
		    "{{salutation_line}} {{salutation}}", &bundle);
	assert_int_equal(ch_letter_load(&bundle, &options, &letter, &problems),
			 0);
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_addressee) addressee = { 0 };
		CH_AUTO(ch_str) subject = CH_STR_INIT(1000);
		CH_AUTO(ch_str) text = CH_STR_INIT(1000);

		make_addressee(rows[i].columns, &addressee);
		assert_int_equal(ch_letter_merge(letter, &addressee, &subject,
						 &text, NULL, &problems),
				 rows[i].text[0] ? 0 : -1);
		assert_string_equal(ch_str_cstr(&subject), rows[i].subject);
		assert_string_equal(ch_str_cstr(&text), rows[i].text);
	}
}

static void an_addressee_of_the_store_is_named(void **state)
{
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_letter) letter = NULL;
	CH_AUTO(ch_addressee) addressee = { 0 };
	CH_AUTO(ch_str) told = CH_STR_INIT(1000);

	(void)state;
	make_bundle("en", "S", "{{salutation}}", &bundle);
	make_addressee("key=KEN;office_code=x", &addressee);
	addressee.file = NULL;
	assert_int_equal(ch_letter_load(&bundle, &options, &letter,
					&problems), 0);
	assert_int_equal(ch_letter_merge(letter, &addressee, NULL, NULL, NULL,
					 &problems), -1);
	add_problems(&told, &problems);
	assert_string_equal(ch_str_cstr(&told),
			    "en.md: \"x\" is no office of salutations.tsv for "
			    "KEN []\n");
}

static void without_the_tables(void **state)
{
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_letter) letter = NULL;
	CH_AUTO(ch_str) told = CH_STR_INIT(1000);

	(void)state;
	add_file(&bundle, "letter.conf", "");
	add_file(&bundle, "en.md", "Subject: S\n\n{{key | country}}\n");
	assert_int_equal(ch_letter_load(&bundle, &options, &letter,
					&problems), -1);
	add_problems(&told, &problems);
	assert_string_equal(
		ch_str_cstr(&told),
		"letter.conf: the letter prints names of States and has no "
		"countries.tsv [chancery adds it; whoever uploads by other "
		"means does it too.]\n");
}

static void faults_of_a_table_are_faults_of_the_letter(void **state)
{
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_letter) letter = NULL;
	CH_AUTO(ch_str) told = CH_STR_INIT(1000);

	(void)state;
	add_file(&bundle, "letter.conf", "");
	add_file(&bundle, "en.md", "Subject: S\n\n{{salutation}}\n");
	add_file(&bundle, "salutations.tsv",
		 "language\toffice\tgender\tsalutation\tmark\tclosing\n"
		 "en\tother\tz\tA\t,\tB\n");
	assert_int_equal(ch_letter_load(&bundle, &options, &letter,
					&problems), -1);
	add_problems(&told, &problems);
	assert_string_equal(ch_str_cstr(&told),
			    "salutations.tsv:2:10: gender: \"z\" is no gender "
			    "of this table [Write f, m, or - where it is not "
			    "known.]\n");
}

static void columns_make_a_salutation(void **state)
{
	static const struct {
		const char *columns[3];
		size_t len;
		const char *told;
	} rows[] = {
		{ { "key", "office_code" }, 2, "" },
		{ { "key", "salutation" }, 2, "" },
		{ { "key", "salutation_line" }, 2, "" },
		{ { "key", "gender" }, 2,
		  "en.md:3:1: salutation_line: no such field [It comes from "
		  "the columns \"office_code\" and \"gender\", or from "
		  "\"salutation\".]\n" },
	};
	static const char *const files[] = { "m.csv", "m.csv" };
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) loading = { 0 };
	CH_AUTOPTR(ch_letter) letter = NULL;

	(void)state;
	make_bundle("en", "S", "{{salutation_line}}", &bundle);
	assert_int_equal(ch_letter_load(&bundle, &options, &letter, &loading),
			 0);
	assert_int_equal(loading.len, 0);
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_problems) problems = { 0 };
		CH_AUTO(ch_str) told = CH_STR_INIT(1000);

		ch_letter_check_columns(letter, rows[i].columns, files,
					rows[i].len, &problems);
		add_problems(&told, &problems);
		assert_string_equal(ch_str_cstr(&told), rows[i].told);
	}
	assert_true(ch_letter_uses(letter, "office_code"));
	assert_true(ch_letter_uses(letter, "gender"));
	assert_true(ch_letter_uses(letter, "salutation"));
	assert_false(ch_letter_uses(letter, "key"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_print_names),
		cmocka_unit_test(each_has_its_own),
		cmocka_unit_test(an_addressee_of_the_store_is_named),
		cmocka_unit_test(without_the_tables),
		cmocka_unit_test(faults_of_a_table_are_faults_of_the_letter),
		cmocka_unit_test(columns_make_a_salutation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
