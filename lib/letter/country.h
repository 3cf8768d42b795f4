/* SPDX-License-Identifier: GPL-3.0-or-later */
/* country.h - what States and other addressees are called in the six languages.
 *
 * The names are a table that people have reviewed (countries.tsv), and not
 * ICU's: a letter writes "Côte d’Ivoire" and "Iran (Islamic Republic of)", and
 * needs the form that follows "Government": "of the Comoros", "des Comores",
 * "Коморских Островов". A secretariat may put its own table into a letter.
 */
#ifndef CH_LETTER_COUNTRY_H
#define CH_LETTER_COUNTRY_H

#include "base/error.h"
#include "base/mem.h"
#include "base/problem.h"
#include "base/str.h"

#define CH_COUNTRIES_FILE "countries.tsv"
#define CH_COUNTRIES_MAX 5000 /* rows */

enum ch_country_form {
	CH_COUNTRY_SHORT,  /* "France" */
	CH_COUNTRY_FORMAL, /* "French Republic" */
	CH_COUNTRY_OF,     /* "of France" */
};
#define CH_COUNTRY_FORMS 3

struct ch_countries; /* opaque; never changes after parsing */

/* Parse the table, which is borrowed: it must outlive *ret. `shown` is what
 * messages call it. -1 with every problem (tsv.h; a code that is none or is
 * there twice). The caller owns *ret. */
int ch_countries_parse(struct ch_slice text, const char *shown,
		       struct ch_countries **ret,
		       struct ch_problems *problems);
void ch_countries_free(struct ch_countries *countries); /* NULL is fine */

/* How many rows it has. */
size_t ch_countries_len(const struct ch_countries *countries);

/* The name of `code`, a code of the table or its alpha-2, in capitals or not,
 * in one of the six languages. *ret is borrowed from the table's text. -1
 * (CH_GIVE_UP) where there is no such code: the message then says which one
 * may have been meant. */
int ch_country_name(const struct ch_countries *countries, struct ch_slice code,
		    const char *language, enum ch_country_form form,
		    struct ch_slice *ret, struct ch_error *err);

CH_DEFINE_AUTOPTR(ch_countries);

#endif
