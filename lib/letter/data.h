/* SPDX-License-Identifier: GPL-3.0-or-later */
/* data.h - what a template is filled in with: texts, lists, and named members.
 *
 * An addressee's fields are flat. A dot in a name gives them depth: "post.city"
 * is the member "city" of "post", and "seats.1.body", "seats.2.body" are the
 * bodies in a list of two. */
#ifndef CH_LETTER_DATA_H
#define CH_LETTER_DATA_H

#include <stddef.h>

#include "base/str.h"
#include "letter/fields.h"

enum ch_data_kind {
	CH_DATA_NONE, /* not there */
	CH_DATA_NULL,
	CH_DATA_FALSE,
	CH_DATA_TRUE,
	CH_DATA_NUMBER, /* as it is written */
	CH_DATA_TEXT,
	CH_DATA_LIST,
	CH_DATA_MAP,
};

struct ch_data {
	enum ch_data_kind kind;
	struct ch_slice text;   /* borrowed; TEXT, NUMBER */
	struct ch_data *items;  /* owned; of a LIST; members of others */
	struct ch_slice *names; /* owned array; of the members */
	size_t len;
};

void ch_data_release(struct ch_data *data);

/* The member of that name, or NULL. A text may have members too: columns "post"
 * and "post.city". */
const struct ch_data *ch_data_member(const struct ch_data *data,
				     struct ch_slice name);

/* What the fields say about `name`: its own value, and what lies below it in
 * dotted names. NONE where there is neither. Borrows from the fields. */
void ch_data_of_fields(const struct ch_fields *fields, const char *name,
		       struct ch_data *ret);

#endif
