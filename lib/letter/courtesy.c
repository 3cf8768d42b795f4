// SPDX-License-Identifier: GPL-3.0-or-later
/* courtesy.c - a letter repeated in a second language below itself. */
#include <string.h>

#include "base/mem.h"
#include "letter/letter-private.h"

#define SECOND "second"                /* in letter.conf */
#define SECOND_COLUMN "second_language" /* of the table */

struct ch_letter_language *
ch_letter_courtesy(const struct ch_letter *letter,
		   const struct ch_letter_language *language,
		   const struct ch_addressee *addressee)
{
	const char *wanted = letter->conf.courtesy_translation;
	struct ch_letter_language *second;

	if (!wanted[0])
		return NULL;
	if (strcmp(wanted, SECOND) == 0)
		wanted = addressee->second_language;
	second = ch_letter_find_language(letter, wanted);
	return second == language ? NULL : second;
}

/* A salutation in Arabic is of no use to who reads the English below it: the
 * column "salutation.en" has what stands there. To a list of capacities this
 * happens in each of its items. */
void ch_letter_translate(const struct ch_letter_language *second,
			 struct ch_data *value)
{
	const struct ch_data *own =
		ch_data_member(value, ch_slice_of(second->code));

	if (value->kind == CH_DATA_TEXT && own && own->kind == CH_DATA_TEXT &&
	    own->text.len > 0)
		value->text = own->text;
	for (size_t i = 0; i < value->len; i++)
		ch_letter_translate(second, &value->items[i]);
}

bool ch_letter_courtesy_uses(const struct ch_letter *letter,
			     const char *column)
{
	const char *wanted = letter->conf.courtesy_translation;
	const char *dot = strrchr(column, '.');
	bool second = strcmp(wanted, SECOND) == 0;
	CH_AUTOCHAR field = NULL;

	if (!wanted[0])
		return false;
	if (second && strcmp(column, SECOND_COLUMN) == 0)
		return true;
	if (!dot || !ch_letter_find_language(letter, dot + 1) ||
	    (!second && strcmp(dot + 1, wanted) != 0))
		return false;
	field = ch_xstrndup(column, (size_t)(dot - column));
	return ch_letter_uses(letter, field);
}

const char *ch_letter_courtesy_label(const struct ch_letter_language *second)
{
	static const struct {
		const char *code, *text;
	} labels[] = {
		{ "en", "Courtesy translation" },
		{ "fr", "Traduction de courtoisie" },
		{ "es", "Traducción de cortesía" },
		{ "ru", "Неофициальный перевод" },
		{ "zh", "参考译文" },
		{ "ar", "ترجمة غير رسمية" },
	};
	const char *own = ch_letter_label(second, "courtesy");

	if (own)
		return own;
	for (size_t i = 0; i < CH_COUNT(labels); i++) {
		if (strcmp(labels[i].code, second->code) == 0)
			return labels[i].text;
	}
	return "";
}

int ch_letter_check_courtesy(const struct ch_letter *letter,
			     struct ch_error *err)
{
	const char *wanted = letter->conf.courtesy_translation;

	if (!wanted[0] || strcmp(wanted, SECOND) == 0 ||
	    ch_letter_find_language(letter, wanted))
		return 0;
	return ch_error_set(err, CH_GIVE_UP,
			    "the letter has no text in \"%s\"", wanted);
}
