// SPDX-License-Identifier: GPL-3.0-or-later
/* salutation.c - the table of salutations, found by language, office, gender.
 */
#include "letter/salutation.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "letter/fields.h"
#include "letter/languages.h"
#include "letter/tsv.h"

#define OFFICE_MAX 64
#define NEAR_ENOUGH 4

enum {
	COLUMN_LANGUAGE,
	COLUMN_OFFICE,
	COLUMN_GENDER,
	COLUMN_SALUTATION,
	COLUMN_MARK,
	COLUMN_CLOSING,
};

static const char *const columns[] = { "language",   "office", "gender",
				       "salutation", "mark",   "closing",
				       NULL };

enum gender {
	UNKNOWN,
	FEMALE,
	MALE,
	GENDERS,
};

/* An office in one language; a form whose text is NULL is not there. */
struct forms {
	struct ch_salutation by_gender[GENDERS];
	unsigned int lines[GENDERS];
};

struct office {
	struct ch_slice name; /* borrowed from the text */
	struct ch_place place; /* of its first row */
	struct forms forms[CH_LANGUAGES];
};

struct ch_salutations {
	struct office *offices; /* owned */
	size_t len;
	size_t cap;
	size_t rows;
};

void ch_salutations_free(struct ch_salutations *salutations)
{
	if (!salutations)
		return;
	free(salutations->offices);
	free(salutations);
}

/* ---- words ------------------------------------------------------------ */

static int read_gender(struct ch_slice text, enum gender *ret)
{
	static const struct {
		const char *text;
		enum gender gender;
	} words[] = { { "-", UNKNOWN }, { "", UNKNOWN }, { "f", FEMALE },
		      { "F", FEMALE },	{ "m", MALE },	 { "M", MALE } };

	for (size_t i = 0; i < CH_COUNT(words); i++) {
		if (ch_slice_eq(text, words[i].text)) {
			*ret = words[i].gender;
			return 0;
		}
	}
	return -1;
}

static struct office *find_office(const struct ch_salutations *s,
				  struct ch_slice name)
{
	for (size_t i = 0; i < s->len; i++) {
		if (ch_tsv_compare(s->offices[i].name, name) == 0)
			return &s->offices[i];
	}
	return NULL;
}

/* ---- reading ---------------------------------------------------------- */

static void fault(const struct ch_tsv_row *row, size_t cell, const char *hint,
		  const char *what, struct ch_problems *problems)
{
	ch_problems_add(problems, CH_PROBLEM_ERROR,
			ch_tsv_place(row, cell, columns[cell]), hint,
			"\"%.*s\" %s", (int)row->cells[cell].len,
			row->cells[cell].data, what);
}

static struct office *office_of(struct ch_salutations *s,
				const struct ch_tsv_row *row)
{
	struct ch_slice name = row->cells[COLUMN_OFFICE];
	struct office *office = find_office(s, name);

	if (office)
		return office;
	CH_GROW(s->offices, s->len, s->cap);
	office = &s->offices[s->len++];
	*office = (struct office){
		.name = name,
		.place = ch_tsv_place(row, COLUMN_OFFICE, "office"),
	};
	return office;
}

static void take_row(void *context, const struct ch_tsv_row *row,
		     struct ch_problems *problems)
{
	struct ch_salutations *s = context;
	size_t language = ch_language_number(row->cells[COLUMN_LANGUAGE]);
	enum gender gender = UNKNOWN;
	size_t errors = problems->errors;
	struct forms *forms;

	if (language == CH_LANGUAGES)
		fault(row, COLUMN_LANGUAGE, "They are en, fr, es, ru, zh and "
					    "ar.",
		      "is none of the six languages", problems);
	if (read_gender(row->cells[COLUMN_GENDER], &gender) < 0)
		fault(row, COLUMN_GENDER, "Write f, m, or - where it is not "
					  "known.",
		      "is no gender of this table", problems);
	if (row->cells[COLUMN_OFFICE].len > OFFICE_MAX)
		fault(row, COLUMN_OFFICE, NULL, "is a longer word than an "
						"office has", problems);
	if (s->rows++ == CH_SALUTATIONS_MAX)
		fault(row, COLUMN_OFFICE, NULL, "is one row more than such a "
						"table may have", problems);
	if (problems->errors > errors || s->rows > CH_SALUTATIONS_MAX)
		return;
	forms = &office_of(s, row)->forms[language];
	if (forms->lines[gender]) {
		fault(row, COLUMN_OFFICE, "Each gender of an office stands "
					  "once in a language.",
		      "is there twice", problems);
		return;
	}
	forms->lines[gender] = row->line;
	forms->by_gender[gender] = (struct ch_salutation){
		row->cells[COLUMN_SALUTATION], row->cells[COLUMN_MARK],
		row->cells[COLUMN_CLOSING]
	};
}

/* So that a letter in any language finds what to write for everybody. */
static void check_whole(const struct ch_salutations *s, const char *shown,
			struct ch_problems *problems)
{
	struct ch_place place = { shown, 0, 0, NULL };

	for (size_t i = 0; i < s->len; i++) {
		const struct office *office = &s->offices[i];

		for (size_t j = 0; j < CH_LANGUAGES; j++) {
			if (office->forms[j].lines[UNKNOWN])
				continue;
			ch_problems_add(problems, CH_PROBLEM_ERROR,
					office->place,
					"Every office has, in each of the six "
					"languages, a row whose gender is -.",
					"\"%.*s\" has no such row in \"%s\"",
					(int)office->name.len,
					office->name.data, ch_languages[j]);
		}
	}
	if (!find_office(s, ch_slice_of(CH_OFFICE_UNKNOWN)))
		ch_problems_add(problems, CH_PROBLEM_ERROR, place,
				"It is for those whose office is not known.",
				"there is no office \"%s\"",
				CH_OFFICE_UNKNOWN);
}

int ch_salutations_parse(struct ch_slice text, const char *shown,
			 struct ch_salutations **ret,
			 struct ch_problems *problems)
{
	CH_AUTOPTR(ch_salutations) s = ch_xzalloc(sizeof(*s));
	size_t errors = problems->errors;

	if (ch_tsv_read(text, shown, columns, take_row, s, problems) < 0)
		return -1;
	check_whole(s, shown, problems);
	if (problems->errors > errors)
		return -1;
	*ret = CH_TAKE(s);
	return 0;
}

/* ---- finding ---------------------------------------------------------- */

static int no_such_office(const struct ch_salutations *s,
			  struct ch_slice wanted, struct ch_error *err)
{
	CH_AUTOCHAR word = ch_slice_dup(wanted);
	CH_AUTOCHAR meant = NULL;
	size_t least = NEAR_ENOUGH;

	for (size_t i = 0; i < s->len; i++) {
		CH_AUTOCHAR name = ch_slice_dup(s->offices[i].name);
		size_t d = ch_near_distance(word, name);

		if (d >= least)
			continue;
		least = d;
		ch_auto_free_char(&meant);
		meant = CH_TAKE(name);
	}
	if (!meant)
		return ch_error_set(err, CH_GIVE_UP,
				    "\"%s\" is no office of %s", word,
				    CH_SALUTATIONS_FILE);
	return ch_error_set(err, CH_GIVE_UP,
			    "\"%s\" is no office of %s; did you mean \"%s\"?",
			    word, CH_SALUTATIONS_FILE, meant);
}

int ch_salutation_find(const struct ch_salutations *s, const char *language,
		       struct ch_slice office, struct ch_slice gender,
		       struct ch_salutation *ret, struct ch_error *err)
{
	size_t number = ch_language_number(ch_slice_of(language));
	const struct office *found;
	enum gender g;

	if (number == CH_LANGUAGES)
		return ch_error_set(err, CH_GIVE_UP,
				    "there are no salutations in \"%s\"",
				    language);
	if (read_gender(gender, &g) < 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "gender is f, m, or - where it is not "
				    "known, and not \"%.*s\"",
				    (int)gender.len, gender.data);
	found = find_office(s, office.len
				       ? office
				       : ch_slice_of(CH_OFFICE_UNKNOWN));
	if (!found)
		return no_such_office(s, office, err);
	if (!found->forms[number].lines[g])
		g = UNKNOWN;
	*ret = found->forms[number].by_gender[g];
	return 0;
}

/* ---- writing ---------------------------------------------------------- */

static bool ends_with_mark(struct ch_slice text)
{
	static const char *const marks[] = { ",", ":", ";", "!", ".",
					     "，", "：", "；", "！", "。",
					     "،", "؛" };

	for (size_t i = 0; i < CH_COUNT(marks); i++) {
		size_t len = strlen(marks[i]);

		if (text.len >= len && memcmp(text.data + text.len - len,
					      marks[i], len) == 0)
			return true;
	}
	return false;
}

void ch_salutation_line(struct ch_slice salutation, struct ch_slice mark,
			struct ch_str *out)
{
	ch_str_add_mem(out, salutation.data, salutation.len);
	if (!ends_with_mark(salutation) && !ch_slice_eq(mark, "-"))
		ch_str_add_mem(out, mark.data, mark.len);
}

/* ---- fields ----------------------------------------------------------- */

static const char *const field_names[CH_SALUTATION_FIELDS] = {
	"salutation", "salutation_line", "salutation_closing"
};

const char *ch_salutation_field_name(enum ch_salutation_field field)
{
	return field_names[field];
}

enum ch_salutation_field ch_salutation_field_of(const char *name)
{
	int field = CH_SALUTATION;

	while (field < CH_SALUTATION_FIELDS &&
	       strcmp(field_names[field], name) != 0)
		field++;
	return (enum ch_salutation_field)field;
}

/* A column without the blanks around it; empty where it is not there. */
static struct ch_slice column_of(const struct ch_fields *fields,
				 const char *name)
{
	struct ch_slice text = ch_slice_of(ch_fields_get(fields, name));

	while (text.len > 0 && strchr(" \t\r\n", text.data[0])) {
		text.data++;
		text.len--;
	}
	while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]))
		text.len--;
	return text;
}

/* What a row says itself, in the language of the text. */
static struct ch_slice own_of(const struct ch_fields *fields,
			      const char *language, bool repeated,
			      enum ch_salutation_field field)
{
	CH_AUTOCHAR translated =
		ch_xasprintf("%s.%s", field_names[field], language);
	struct ch_slice text;

	if (!repeated)
		return column_of(fields, field_names[field]);
	text = column_of(fields, translated);
	if (text.len > 0 || ch_fields_get(fields, CH_COLUMN_OFFICE))
		return text;
	return column_of(fields, field_names[field]);
}

static bool same(struct ch_slice a, struct ch_slice b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static void add(struct ch_str *out, struct ch_slice text)
{
	ch_str_add_mem(out, text.data, text.len);
}

int ch_salutation_write(const struct ch_salutations *salutations,
			const char *language, const struct ch_fields *fields,
			bool repeated, enum ch_salutation_field field,
			struct ch_str *out, const char **ret_column,
			struct ch_error *err)
{
	struct ch_slice written = own_of(fields, language, repeated, field);
	struct ch_slice salutation =
		own_of(fields, language, repeated, CH_SALUTATION);
	struct ch_slice office = column_of(fields, CH_COLUMN_OFFICE);
	struct ch_slice gender = column_of(fields, CH_COLUMN_GENDER);
	struct ch_salutation form;
	enum gender ignored;

	if (written.len > 0) {
		add(out, written);
		return 0;
	}
	if (salutation.len == 0 && !ch_fields_get(fields, CH_COLUMN_OFFICE))
		return 0;
	*ret_column = read_gender(gender, &ignored) < 0 ? CH_COLUMN_GENDER
							: CH_COLUMN_OFFICE;
	if (ch_salutation_find(salutations, language, office, gender, &form,
			       err) < 0)
		return -1;
	if (field == CH_SALUTATION_CLOSING && salutation.len > 0 &&
	    office.len == 0 && !same(form.closing, form.salutation))
		return ch_error_set(err, CH_GIVE_UP,
				    "with a salutation of its own and no "
				    "office nothing says how the closing "
				    "calls this person");
	if (salutation.len > 0 && same(form.closing, form.salutation))
		form.closing = salutation;
	if (salutation.len > 0)
		form.salutation = salutation;
	if (field == CH_SALUTATION_LINE)
		ch_salutation_line(form.salutation, form.mark, out);
	else
		add(out, field == CH_SALUTATION ? form.salutation
						: form.closing);
	return 0;
}
