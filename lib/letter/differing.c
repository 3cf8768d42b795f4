// SPDX-License-Identifier: GPL-3.0-or-later
/* differing.c - what may not stand in a letter because two tables say different
 * things of it.
 *
 * Such a column is no field of the addressee. That alone would not do: a
 * section on it would stay closed without a word, a member would be looked for
 * outside its group and found there as something else, and a salutation would
 * be that of nobody in particular.
 */
#include <stdlib.h>
#include <string.h>

#include "letter/addressee-private.h"
#include "letter/letter-private.h"

struct refusal {
	const struct ch_letter_language *language;
	const struct ch_addressee *addressee;
	bool repeated; /* as a courtesy translation */
};

/* Whether the row says by itself what that salutation is. */
static bool has_own(const struct refusal *r, enum ch_salutation_field field)
{
	const char *name = ch_salutation_field_name(field);
	CH_AUTOCHAR translated =
		ch_xasprintf("%s.%s", name, r->language->code);
	const char *value = ch_fields_get(&r->addressee->fields,
					  r->repeated ? translated : name);

	return value && value[strspn(value, " \t\r\n")];
}

/* Whether a salutation is made of that column. */
static bool is_made_of(const struct refusal *r, enum ch_salutation_field field,
		       const char *column)
{
	if (strcmp(column, CH_COLUMN_OFFICE) == 0 ||
	    strcmp(column, CH_COLUMN_GENDER) == 0)
		return !has_own(r, field) && !has_own(r, CH_SALUTATION);
	return ch_salutation_field_of(column) == CH_SALUTATION &&
	       !has_own(r, field);
}

static bool name_uses(const struct refusal *r,
		      const struct ch_letter_part *part, size_t name,
		      const char *column)
{
	size_t root = ch_template_root_of(part->tpl, name);
	enum ch_source source;

	if (ch_letter_name_uses(part, name, column))
		return true;
	if (root == ch_template_roots(part->tpl))
		return false;
	source = part->sources[root];
	return source >= CH_SOURCE_SALUTATION &&
	       source <= CH_SOURCE_SALUTATION_CLOSING &&
	       is_made_of(r, (enum ch_salutation_field)(source -
							CH_SOURCE_SALUTATION),
			  column);
}

/* "salutation" for "salutation.en", where that is what stands there. Owned by
 * the caller. */
static char *column_for(const struct refusal *r, const char *column)
{
	const char *dot = strrchr(column, '.');

	if (!r->repeated || !dot || strcmp(dot + 1, r->language->code) != 0)
		return ch_xstrdup(column);
	return ch_xstrndup(column, (size_t)(dot - column));
}

/* At each place where the text uses the column. */
static void refuse_column(const struct refusal *r,
			  const struct ch_letter_part *part,
			  const struct ch_field *differing, const bool *lists,
			  struct ch_problems *problems)
{
	CH_AUTOCHAR column = column_for(r, differing->name);

	for (size_t i = 0; i < ch_template_names(part->tpl); i++) {
		const char *name = ch_template_name(part->tpl, i);
		bool is_it = strcmp(name, differing->name) == 0;
		CH_AUTOCHAR text = NULL;

		if (!name_uses(r, part, i, column) &&
		    !name_uses(r, part, i, differing->name))
			continue;
		text = ch_xasprintf("the tables differ for %s%s%s: %s",
				    r->addressee->key, is_it ? "" : " in ",
				    is_it ? "" : differing->name,
				    differing->value);
		ch_template_refuse(part->tpl, i, lists,
				   "Write the same in both, or print it inside "
				   "{{#capacities}} ... {{/capacities}}.",
				   text, problems);
	}
}

static void refuse_in(const struct refusal *r,
		      const struct ch_letter_part *part,
		      struct ch_problems *problems)
{
	const struct ch_fields *differing = &r->addressee->differing;
	size_t names = ch_template_names(part->tpl);
	bool *lists = ch_xcalloc(names, sizeof(*lists));

	for (size_t i = 0; i < names; i++)
		lists[i] = strcmp(ch_template_name(part->tpl, i),
				  CH_FIELD_CAPACITIES) == 0;
	for (size_t i = 0; i < differing->len; i++)
		refuse_column(r, part, &differing->items[i], lists, problems);
	free(lists);
}

int ch_letter_refuse_differing(const struct ch_letter_language *language,
			       const struct ch_addressee *addressee,
			       bool repeated, struct ch_problems *problems)
{
	struct refusal refusal = { language, addressee, repeated };
	size_t errors = problems->errors;

	if (addressee->differing.len == 0)
		return 0;
	if (!repeated) /* which is a body alone */
		refuse_in(&refusal, &language->subject, problems);
	refuse_in(&refusal, &language->body, problems);
	return problems->errors > errors ? -1 : 0;
}
