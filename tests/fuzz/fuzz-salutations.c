// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-salutations.c - any bytes as a table of salutations: where it is read,
 * everybody can be addressed in every language. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "letter/salutation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const languages[] = { "en", "fr", "es", "ru", "zh", "ar" };
static const char *const genders[] = { "f", "m", "-", "" };

static void address(const struct ch_salutations *salutations,
		    const char *language, const char *gender)
{
	CH_AUTO(ch_str) line = CH_STR_INIT(16 * 1024 * 1024);
	struct ch_salutation form;
	struct ch_error err;

	assert(ch_salutation_find(salutations, language, CH_SLICE_EMPTY,
				  ch_slice_of(gender), &form, &err) == 0);
	assert(form.salutation.len > 0 && form.mark.len > 0 &&
	       form.closing.len > 0);
	ch_salutation_line(form.salutation, form.mark, &line);
	assert(!line.full && line.len >= form.salutation.len);
	assert(ch_utf8_valid(ch_str_cstr(&line), line.len, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ch_slice text = { (const char *)data, size };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_salutations) salutations = NULL;
	struct ch_salutation form;
	struct ch_error err;

	if (ch_salutations_parse(text, "s.tsv", &salutations, &problems) < 0) {
		assert(!salutations && problems.errors > 0);
		return 0;
	}
	assert(problems.len == 0);
	for (size_t i = 0; i < CH_COUNT(languages); i++) {
		for (size_t j = 0; j < CH_COUNT(genders); j++)
			address(salutations, languages[i], genders[j]);
	}
	if (ch_salutation_find(salutations, "en", text, ch_slice_of("f"),
			       &form, &err) < 0)
		assert(err.fate == CH_GIVE_UP && err.text[0]);
	return 0;
}
