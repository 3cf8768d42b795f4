/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fields.h - an addressee's fields: names and values, in the table's order. */
#ifndef CH_LETTER_FIELDS_H
#define CH_LETTER_FIELDS_H

#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

struct ch_field {
	char *name;  /* owned */
	char *value; /* owned; UTF-8 */
};

struct ch_fields {
	struct ch_field *items; /* owned */
	size_t len;
	size_t cap;
};

void ch_fields_release(struct ch_fields *fields);
/* Copies both; a name that is there already gets the new value. */
void ch_fields_set(struct ch_fields *fields, const char *name,
		   struct ch_slice value);
/* Move all of `more` behind them; no name of it may be there. *more is empty
 * afterwards. */
void ch_fields_append(struct ch_fields *fields, struct ch_fields *more);
/* NULL where there is none. Borrowed. */
const char *ch_fields_get(const struct ch_fields *fields, const char *name);

/* The form in which the store and the workers keep them: for each field the
 * name, NUL, the value, NUL. Neither can hold a NUL. */
void ch_fields_encode(const struct ch_fields *fields, struct ch_str *out);
/* -1 (CH_GIVE_UP) where the bytes are no such list. */
int ch_fields_decode(struct ch_slice bytes, struct ch_fields *ret,
		     struct ch_error *err);

#endif
