// SPDX-License-Identifier: GPL-3.0-or-later
/* plural.c - which word goes with a number.
 *
 * The rules are ICU's (CLDR). Its millions in French and Spanish ("many", which
 * want a "de" behind them) take the word of "other" where none is given, as do
 * fractions in Russian that of "few".
 */
#include "letter/plural.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/unumberformatter.h>
#include <unicode/upluralrules.h>
#include <unicode/ustring.h>

#include "letter/number.h"

#define CATEGORY_SIZE 8
#define WORDS_MAX 16

struct word {
	char *when; /* owned; "one", or "0" */
	char *text; /* owned */
};

struct ch_plural {
	UPluralRules *rules;
	char language[16];
	struct word words[WORDS_MAX];
	size_t len;
};

static const char *const categories[] = { "zero", "one",  "two",
					  "few",  "many", "other" };

void ch_plural_free(struct ch_plural *plural)
{
	if (!plural)
		return;
	for (size_t i = 0; i < plural->len; i++) {
		free(plural->words[i].when);
		free(plural->words[i].text);
	}
	uplrules_close(plural->rules);
	free(plural);
}

static const char *find_word(const struct ch_plural *plural, const char *when)
{
	for (size_t i = 0; i < plural->len; i++) {
		if (strcmp(plural->words[i].when, when) == 0)
			return plural->words[i].text;
	}
	return NULL;
}

static bool is_when(const char *text)
{
	for (size_t i = 0; i < CH_COUNT(categories); i++) {
		if (strcmp(categories[i], text) == 0)
			return true;
	}
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* word := when "=" text */
static int add_word(struct ch_plural *plural, struct ch_slice item,
		    struct ch_error *err)
{
	const char *equals = memchr(item.data, '=', item.len);
	size_t left = equals ? (size_t)(equals - item.data) : item.len;
	struct ch_slice before = { item.data, left };
	CH_AUTOCHAR when = ch_slice_dup(ch_slice_trim(before));
	struct ch_slice text = CH_SLICE_EMPTY;

	if (equals)
		text = ch_slice_trim((struct ch_slice){
			equals + 1, item.len - left - 1 });
	if (!is_when(when) || text.len == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "\"%.*s\" is not like \"one=annex\"",
				    item.len < 60 ? (int)item.len : 60,
				    item.data);
	if (find_word(plural, when))
		return ch_error_set(err, CH_GIVE_UP,
				    "\"%s=\" is there twice", when);
	if (plural->len == WORDS_MAX)
		return ch_error_set(err, CH_GIVE_UP, "more than %d words",
				    WORDS_MAX);
	plural->words[plural->len++] = (struct word){ CH_TAKE(when),
						      ch_slice_dup(text) };
	return 0;
}

static int category_of(const UPluralRules *rules, double number,
		       char ret[CATEGORY_SIZE])
{
	UChar wide[CATEGORY_SIZE];
	UErrorCode status = U_ZERO_ERROR;
	int32_t len = uplrules_select(rules, number, wide, CATEGORY_SIZE,
				      &status);

	if (U_FAILURE(status) || len >= CATEGORY_SIZE)
		return -1;
	u_UCharsToChars(wide, ret, len + 1);
	return 0;
}

/* The categories that numbers of a letter come in: 1 to 200 shows them all. */
static int check_words(const struct ch_plural *plural, const char *language,
		       struct ch_error *err)
{
	for (int i = 1; i <= 200; i++) {
		char category[CATEGORY_SIZE] = "";

		if (category_of(plural->rules, i, category) < 0)
			return ch_error_set(err, CH_GIVE_UP,
					    "no plural rules for \"%s\"",
					    language);
		if (!find_word(plural, category))
			return ch_error_set(err, CH_GIVE_UP,
					    "there is no \"%s=\" for numbers "
					    "such as %d in \"%s\"", category,
					    i, language);
	}
	return 0;
}

static int read_words(struct ch_plural *plural, struct ch_slice words,
		      struct ch_error *err)
{
	while (words.len > 0) {
		const char *comma = memchr(words.data, ',', words.len);
		size_t len = comma ? (size_t)(comma - words.data) : words.len;
		struct ch_slice item = { words.data, len };

		if (add_word(plural, ch_slice_trim(item), err) < 0)
			return -1;
		words.data += len + (comma != NULL);
		words.len -= len + (comma != NULL);
	}
	return 0;
}

int ch_plural_new(struct ch_slice words, const char *language,
		  struct ch_plural **ret, struct ch_error *err)
{
	CH_AUTOPTR(ch_plural) plural = ch_xzalloc(sizeof(*plural));
	UErrorCode status = U_ZERO_ERROR;

	snprintf(plural->language, sizeof(plural->language), "%s", language);
	plural->rules = uplrules_open(language, &status);
	if (U_FAILURE(status))
		return ch_error_set(err, CH_GIVE_UP,
				    "no plural rules for \"%s\"", language);
	if (read_words(plural, words, err) < 0 ||
	    check_words(plural, language, err) < 0)
		return -1;
	*ret = CH_TAKE(plural);
	return 0;
}

/* A fraction: the digits that are seen count, so that "1.0" is not one. */
static int category_of_fraction(const struct ch_plural *plural,
				struct ch_slice number, size_t digits,
				char ret[CATEGORY_SIZE])
{
	CH_AUTOCHAR skeleton = ch_xasprintf(".%.*s", (int)digits,
					    "000000000000000000000000000000");
	UChar wide[64];
	UChar category[CATEGORY_SIZE];
	UErrorCode status = U_ZERO_ERROR;
	UNumberFormatter *formatter;
	UFormattedNumber *formatted;

	u_charsToUChars(skeleton, wide, (int32_t)strlen(skeleton) + 1);
	formatter = unumf_openForSkeletonAndLocale(wide, -1, plural->language,
						   &status);
	formatted = unumf_openResult(&status);
	unumf_formatDecimal(formatter, number.data, (int32_t)number.len,
			    formatted, &status);
	uplrules_selectFormatted(plural->rules, formatted, category,
				 CATEGORY_SIZE, &status);
	unumf_closeResult(formatted);
	unumf_close(formatter);
	if (U_FAILURE(status) || u_strlen(category) >= CATEGORY_SIZE)
		return -1;
	u_UCharsToChars(category, ret, u_strlen(category) + 1);
	return 0;
}

static const char *word_for(const struct ch_plural *plural,
			    const char *category)
{
	static const char *const others[] = { "other", "few", "many" };
	const char *word = find_word(plural, category);

	for (size_t i = 0; !word && i < CH_COUNT(others); i++)
		word = find_word(plural, others[i]);
	return word;
}

int ch_plural_word(const struct ch_plural *plural, struct ch_slice number,
		   struct ch_str *out, struct ch_error *err)
{
	char category[CATEGORY_SIZE] = "other";
	struct ch_number parts;
	const char *word = NULL;

	if (ch_number_read(number, &parts, err) < 0)
		return -1;
	if (parts.fraction.len > 0) {
		category_of_fraction(plural, number, parts.fraction.len,
				     category);
	} else {
		CH_AUTOCHAR whole = ch_slice_dup(parts.whole);

		if (!parts.negative)
			word = find_word(plural, whole);
		category_of(plural->rules, strtod(whole, NULL), category);
	}
	ch_str_add(out, word ? word : word_for(plural, category));
	return 0;
}
