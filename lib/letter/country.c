// SPDX-License-Identifier: GPL-3.0-or-later
/* country.c - the table of names, found by code.
 *
 * Codes and alpha-2 codes are one index, in order; it is made while the table
 * is read, so that a code that is there twice is found where it stands. */
#include "letter/country.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "letter/languages.h"
#include "letter/tsv.h"

#define CODE_MAX 32
#define NOTHING "-"

/* Columns by number: two codes, then for each language its forms. */
enum {
	COLUMN_CODE,
	COLUMN_ALPHA2,
	COLUMN_NAMES,
	COLUMN_NOTE = COLUMN_NAMES + CH_LANGUAGES * CH_COUNTRY_FORMS,
};

static const char *const columns[] = {
	"code",	     "alpha2",	  "en.short", "en.formal", "en.of",
	"fr.short",  "fr.formal", "fr.of",    "es.short",  "es.formal",
	"es.of",     "ru.short",  "ru.formal", "ru.of",	   "zh.short",
	"zh.formal", "zh.of",	  "ar.short", "ar.formal", "ar.of",
	"note",	     NULL,
};
_Static_assert(CH_COUNT(columns) == COLUMN_NOTE + 2,
	       "columns follow the languages of languages.h");

struct country {
	struct ch_slice code; /* borrowed from the text, as are the names */
	struct ch_slice names[CH_LANGUAGES][CH_COUNTRY_FORMS];
	unsigned int line;
};

struct entry {
	struct ch_slice code; /* borrowed from the text */
	size_t country;
};

struct ch_countries {
	struct country *items; /* owned */
	size_t len;
	size_t cap;
	struct entry *index; /* owned; in the order of the codes */
	size_t index_len;
	size_t index_cap;
};

void ch_countries_free(struct ch_countries *countries)
{
	if (!countries)
		return;
	free(countries->items);
	free(countries->index);
	free(countries);
}

size_t ch_countries_len(const struct ch_countries *countries)
{
	return countries->len;
}

/* ---- reading ---------------------------------------------------------- */

/* Where in the index the code is, or would be. */
static size_t place_of(const struct ch_countries *c, struct ch_slice code,
		       bool *ret_there)
{
	size_t low = 0;
	size_t high = c->index_len;

	*ret_there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = ch_tsv_compare(code, c->index[middle].code);

		if (order == 0) {
			*ret_there = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Let the code lead to the last country. */
static void add_code(struct ch_countries *c, const struct ch_tsv_row *row,
		     size_t cell, struct ch_problems *problems)
{
	struct ch_slice code = row->cells[cell];
	bool there;
	size_t at = place_of(c, code, &there);

	if (there) {
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				ch_tsv_place(row, cell, columns[cell]),
				"A code leads to one name.",
				"\"%.*s\" is also on line %u", (int)code.len,
				code.data,
				c->items[c->index[at].country].line);
		return;
	}
	CH_GROW(c->index, c->index_len, c->index_cap);
	memmove(&c->index[at + 1], &c->index[at],
		(c->index_len - at) * sizeof(*c->index));
	c->index[at] = (struct entry){ code, c->len - 1 };
	c->index_len++;
}

/* code := letter *( letter / digit / "-" ) */
static bool is_code(struct ch_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

		if (!letter && (i == 0 || (c != '-' && (c < '0' || c > '9'))))
			return false;
	}
	return text.len > 0 && text.len <= CODE_MAX;
}

static bool check_codes(const struct ch_tsv_row *row,
			struct ch_problems *problems)
{
	struct ch_slice alpha2 = row->cells[COLUMN_ALPHA2];
	size_t errors = problems->errors;

	if (!is_code(row->cells[COLUMN_CODE]))
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				ch_tsv_place(row, COLUMN_CODE,
					     columns[COLUMN_CODE]),
				"It has letters, digits and hyphens, such as "
				"FRA or X-EU.",
				"\"%.*s\" is no code",
				(int)row->cells[COLUMN_CODE].len,
				row->cells[COLUMN_CODE].data);
	if (!ch_slice_eq(alpha2, NOTHING) &&
	    (alpha2.len != 2 || !is_code(alpha2)))
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				ch_tsv_place(row, COLUMN_ALPHA2,
					     columns[COLUMN_ALPHA2]),
				"It has two letters; write \"-\" where there "
				"is none.",
				"\"%.*s\" is no alpha-2 code",
				(int)alpha2.len, alpha2.data);
	return problems->errors == errors;
}

static void take_row(void *context, const struct ch_tsv_row *row,
		     struct ch_problems *problems)
{
	struct ch_countries *c = context;
	struct country *country;

	if (!check_codes(row, problems))
		return;
	if (c->len == CH_COUNTRIES_MAX) {
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				ch_tsv_place(row, COLUMN_CODE, NULL), NULL,
				"the table has more than %d rows",
				CH_COUNTRIES_MAX);
		return;
	}
	CH_GROW(c->items, c->len, c->cap);
	country = &c->items[c->len++];
	country->code = row->cells[COLUMN_CODE];
	country->line = row->line;
	for (size_t i = 0; i < CH_LANGUAGES * CH_COUNTRY_FORMS; i++)
		country->names[i / CH_COUNTRY_FORMS][i % CH_COUNTRY_FORMS] =
			row->cells[COLUMN_NAMES + i];
	add_code(c, row, COLUMN_CODE, problems);
	if (!ch_slice_eq(row->cells[COLUMN_ALPHA2], NOTHING))
		add_code(c, row, COLUMN_ALPHA2, problems);
}

int ch_countries_parse(struct ch_slice text, const char *shown,
		       struct ch_countries **ret,
		       struct ch_problems *problems)
{
	CH_AUTOPTR(ch_countries) countries = ch_xzalloc(sizeof(*countries));

	if (ch_tsv_read(text, shown, columns, take_row, countries,
			problems) < 0)
		return -1;
	*ret = CH_TAKE(countries);
	return 0;
}

/* ---- finding ---------------------------------------------------------- */

static bool is_name_of(const struct country *country, struct ch_slice text)
{
	for (size_t i = 0; i < CH_LANGUAGES * CH_COUNTRY_FORMS; i++) {
		if (ch_tsv_compare(country->names[i / CH_COUNTRY_FORMS]
						 [i % CH_COUNTRY_FORMS],
				   text) == 0)
			return true;
	}
	return false;
}

/* The code somebody may have meant: of the State whose name was written, or the
 * only one that is nearest. Of several that are as near none is told: to guess
 * a State is worse than to say nothing. */
static const struct country *meant_by(const struct ch_countries *c,
				      struct ch_slice text)
{
	CH_AUTOCHAR wanted = ch_slice_dup(text);
	const struct country *best = NULL;
	size_t least = 3;

	for (size_t i = 0; i < c->len; i++) {
		CH_AUTOCHAR code = ch_slice_dup(c->items[i].code);
		size_t d = ch_near_distance(wanted, code);

		if (is_name_of(&c->items[i], text))
			return &c->items[i];
		if (d < least && d < text.len) {
			least = d;
			best = &c->items[i];
		} else if (d == least) {
			best = NULL;
		}
	}
	return best;
}

static int no_such_code(const struct ch_countries *c, struct ch_slice code,
			struct ch_error *err)
{
	const struct country *meant = meant_by(c, code);

	if (!meant)
		return ch_error_set(err, CH_GIVE_UP,
				    "\"%.*s\" is no country's code",
				    (int)code.len, code.data);
	return ch_error_set(err, CH_GIVE_UP,
			    "\"%.*s\" is no country's code; did you mean "
			    "\"%.*s\"?",
			    (int)code.len, code.data, (int)meant->code.len,
			    meant->code.data);
}

int ch_country_name(const struct ch_countries *countries, struct ch_slice code,
		    const char *language, enum ch_country_form form,
		    struct ch_slice *ret, struct ch_error *err)
{
	size_t number = ch_language_number(ch_slice_of(language));
	bool there;
	size_t at = place_of(countries, code, &there);

	if (number == CH_LANGUAGES)
		return ch_error_set(err, CH_GIVE_UP,
				    "countries have no names in \"%s\"",
				    language);
	if (!there)
		return no_such_code(countries, code, err);
	*ret = countries->items[countries->index[at].country]
		       .names[number][form];
	return 0;
}
