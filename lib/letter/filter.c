// SPDX-License-Identifier: GPL-3.0-or-later
/* filter.c - the filters, one row each.
 *
 * Most have a few forms, of which the first is meant where none is named. A
 * filter with arguments of its own reads them when the text is parsed, so that
 * a fault is found before the first addressee.
 */
#include "letter/filter.h"

#include <stdlib.h>
#include <string.h>

#include <unicode/ucasemap.h>

#include "letter/country.h"
#include "letter/date.h"
#include "letter/number.h"
#include "letter/plural.h"

#define FORMS_MAX 3

struct kind {
	const char *name;
	const char *forms[FORMS_MAX + 1]; /* empty: it takes none */
	/* Reads arguments that are no form; NULL: there are none. */
	int (*read)(struct ch_filter *filter, struct ch_slice arguments,
		    const char *language, struct ch_error *err);
	int (*write)(const struct ch_filter *filter, struct ch_slice value,
		     const struct ch_filter_env *env, struct ch_str *out,
		     struct ch_error *err);
	const char *usage; /* for who wrote the tag */
	const char *value; /* for who wrote the table */
};

struct ch_filter {
	const struct kind *kind;
	size_t form;              /* which of kind->forms */
	struct ch_plural *plural; /* owned; or NULL */
};

static int write_date(const struct ch_filter *filter, struct ch_slice value,
		      const struct ch_filter_env *env, struct ch_str *out,
		      struct ch_error *err)
{
	static const enum ch_date_form forms[] = { CH_DATE_LONG, CH_DATE_SHORT,
						   CH_DATE_WEEKDAY };

	return ch_date_words(value, forms[filter->form], env->language, out,
			     err);
}

static int write_number(const struct ch_filter *filter, struct ch_slice value,
			const struct ch_filter_env *env, struct ch_str *out,
			struct ch_error *err)
{
	(void)filter;
	return ch_number_grouped(value, env->language, out, err);
}

static int write_ordinal(const struct ch_filter *filter, struct ch_slice value,
			 const struct ch_filter_env *env, struct ch_str *out,
			 struct ch_error *err)
{
	static const enum ch_gender genders[] = { CH_MASCULINE, CH_FEMININE,
						  CH_NEUTER };

	return ch_number_ordinal(value, genders[filter->form], env->language,
				 out, err);
}

static int read_plural(struct ch_filter *filter, struct ch_slice arguments,
		       const char *language, struct ch_error *err)
{
	return ch_plural_new(arguments, language, &filter->plural, err);
}

static int write_plural(const struct ch_filter *filter, struct ch_slice value,
			const struct ch_filter_env *env, struct ch_str *out,
			struct ch_error *err)
{
	(void)env;
	return ch_plural_word(filter->plural, value, out, err);
}

/* In capitals as the language has them: French keeps its accents. */
static int write_upper(const struct ch_filter *filter, struct ch_slice value,
		       const struct ch_filter_env *env, struct ch_str *out,
		       struct ch_error *err)
{
	UErrorCode status = U_ZERO_ERROR;
	UCaseMap *map = ucasemap_open(env->language, 0, &status);
	/* A letter becomes three at most (UAX #21, SpecialCasing). */
	size_t room = value.len * 3 + 1;
	CH_AUTOCHAR upper = ch_xmalloc(room);
	int32_t len = 0;

	(void)filter;
	if (room < INT32_MAX)
		len = ucasemap_utf8ToUpper(map, upper, (int32_t)room,
					   value.data, (int32_t)value.len,
					   &status);
	ucasemap_close(map);
	if (U_FAILURE(status) || room >= INT32_MAX)
		return ch_error_set(err, CH_GIVE_UP, "no capitals for it");
	ch_str_add_mem(out, upper, (size_t)len);
	return 0;
}

static int write_country(const struct ch_filter *filter, struct ch_slice value,
			 const struct ch_filter_env *env, struct ch_str *out,
			 struct ch_error *err)
{
	static const enum ch_country_form forms[] = {
		CH_COUNTRY_SHORT, CH_COUNTRY_FORMAL, CH_COUNTRY_OF
	};
	struct ch_slice name;

	if (!env->countries)
		return ch_error_set(err, CH_GIVE_UP, "there is no %s",
				    CH_COUNTRIES_FILE);
	if (ch_country_name(env->countries, value, env->language,
			    forms[filter->form], &name, err) < 0)
		return -1;
	ch_str_add_mem(out, name.data, name.len);
	return 0;
}

/* A filter is a row here, and its paragraph in chancery-letter(5). */
static const struct kind kinds[] = {
	{ "date", { "long", "short", "weekday" }, NULL, write_date,
	  "Write {{day | date}}, date:long, date:short or date:weekday.",
	  "Write dates as 2026-12-07." },
	{ "number", { NULL }, NULL, write_number, "Write {{sum | number}}.",
	  "Write numbers in digits, with a point before a fraction." },
	{ "ordinal", { "m", "f", "n" }, NULL, write_ordinal,
	  "Write {{session | ordinal}}, ordinal:m, ordinal:f or ordinal:n.",
	  "Write a whole number in digits." },
	{ "plural", { NULL }, read_plural, write_plural,
	  "Write {{count | plural: one=annex, other=annexes}}.",
	  "Write numbers in digits, with a point before a fraction." },
	{ "country", { "short", "formal", "of" }, NULL, write_country,
	  "Write {{key | country}}, country:short, country:formal or "
	  "country:of.",
	  "Write a code of " CH_COUNTRIES_FILE ", such as FRA." },
	{ "upper", { NULL }, NULL, write_upper, "Write {{name | upper}}.",
	  "Shorten it." },
};

static const struct kind *find_kind(struct ch_slice name)
{
	for (size_t i = 0; i < CH_COUNT(kinds); i++) {
		if (ch_slice_eq(name, kinds[i].name))
			return &kinds[i];
	}
	return NULL;
}

static int no_such_filter(struct ch_slice name, struct ch_str *hint,
			  struct ch_error *err)
{
	ch_str_add(hint, "The filters are ");
	for (size_t i = 0; i < CH_COUNT(kinds); i++)
		ch_str_addf(hint, "%s%s", kinds[i].name,
			    i + 1 < CH_COUNT(kinds) ? ", " : ".");
	return ch_error_set(err, CH_GIVE_UP, "no filter is called \"%.*s\"",
			    name.len < 60 ? (int)name.len : 60, name.data);
}

static int read_form(struct ch_filter *filter, struct ch_slice form,
		     struct ch_error *err)
{
	const struct kind *kind = filter->kind;

	for (size_t i = 0; kind->forms[i]; i++) {
		if (ch_slice_eq(form, kind->forms[i])) {
			filter->form = i;
			return 0;
		}
	}
	return ch_error_set(err, CH_GIVE_UP, "%s has no form \"%.*s\"",
			    kind->name, form.len < 60 ? (int)form.len : 60,
			    form.data);
}

int ch_filter_new(struct ch_slice text, const char *language,
		  struct ch_filter **ret, struct ch_str *hint,
		  struct ch_error *err)
{
	CH_AUTOPTR(ch_filter) filter = ch_xzalloc(sizeof(*filter));
	const char *colon = memchr(text.data, ':', text.len);
	size_t left = colon ? (size_t)(colon - text.data) : text.len;
	struct ch_slice name =
		ch_slice_trim((struct ch_slice){ text.data, left });
	struct ch_slice arguments = CH_SLICE_EMPTY;
	int result = 0;

	if (colon)
		arguments = ch_slice_trim((struct ch_slice){
			colon + 1, text.len - left - 1 });
	filter->kind = find_kind(name);
	if (!filter->kind)
		return no_such_filter(name, hint, err);
	if (filter->kind->read)
		result = filter->kind->read(filter, arguments, language, err);
	else if (colon)
		result = read_form(filter, arguments, err);
	if (result < 0) {
		ch_str_add(hint, filter->kind->usage);
		return -1;
	}
	*ret = CH_TAKE(filter);
	return 0;
}

void ch_filter_free(struct ch_filter *filter)
{
	if (!filter)
		return;
	ch_plural_free(filter->plural);
	free(filter);
}

int ch_filter_write(const struct ch_filter *filter, struct ch_slice value,
		    const struct ch_filter_env *env, struct ch_str *out,
		    struct ch_error *err)
{
	return filter->kind->write(filter, value, env, out, err);
}

const char *ch_filter_hint(const struct ch_filter *filter)
{
	return filter->kind->value;
}
