// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-countries.c - any bytes as a table of countries: what is read of it is
 * found again, and what is told of it can be shown. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "letter/country.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const languages[] = { "en", "fr", "es", "ru", "zh", "ar" };

static void check_name(struct ch_slice name)
{
	uint32_t cp;

	assert(name.len > 0);
	for (size_t at = 0; at < name.len;) {
		size_t n = ch_utf8_decode(name.data + at, name.len - at, &cp);

		assert(n > 0);
		assert(!ch_utf8_is_control(cp));
		assert(!ch_utf8_is_bidi_control(cp));
		at += n;
	}
}

/* Look a word up in every language and form. */
static void look_up(const struct ch_countries *countries, struct ch_slice code)
{
	struct ch_error err;

	for (size_t i = 0; i < CH_COUNT(languages); i++) {
		for (int form = 0; form < CH_COUNTRY_FORMS; form++) {
			struct ch_slice name;

			if (ch_country_name(countries, code, languages[i],
					    (enum ch_country_form)form, &name,
					    &err) == 0)
				check_name(name);
			else
				assert(err.fate == CH_GIVE_UP && err.text[0]);
		}
	}
}

static void check_problems(const struct ch_problems *problems)
{
	assert(problems->errors > 0);
	for (size_t i = 0; i < problems->len; i++) {
		CH_AUTO(ch_str) line = CH_STR_INIT(1000000);

		assert(strcmp(problems->items[i].file, "c.tsv") == 0);
		assert(problems->items[i].text[0]);
		ch_problem_format(&problems->items[i], &line);
		assert(ch_utf8_valid(ch_str_cstr(&line), line.len, NULL));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ch_slice text = { (const char *)data, size };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_countries) countries = NULL;

	if (ch_countries_parse(text, "c.tsv", &countries, &problems) < 0) {
		assert(!countries);
		check_problems(&problems);
		return 0;
	}
	assert(problems.len == 0);
	assert(ch_countries_len(countries) <= CH_COUNTRIES_MAX);
	look_up(countries, (struct ch_slice){ text.data,
					      size < 40 ? size : 40 });
	look_up(countries, ch_slice_of("FRA"));
	look_up(countries, ch_slice_of("fr"));
	look_up(countries, ch_slice_of("X-Ee"));
	look_up(countries, CH_SLICE_EMPTY);
	return 0;
}
