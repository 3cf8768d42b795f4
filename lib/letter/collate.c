// SPDX-License-Identifier: GPL-3.0-or-later
/* collate.c - sort keys of ICU. */
#include "letter/collate.h"

#include <stdlib.h>

#include <unicode/ucol.h>
#include <unicode/ustring.h>

/* Of a name; what is behind it does not matter for its place. */
#define NAME_MAX_UNITS 1000

struct ch_collator {
	UCollator *rules; /* owned */
	UChar name[NAME_MAX_UNITS];
};

int ch_collator_new(const char *language, struct ch_collator **ret,
		    struct ch_error *err)
{
	struct ch_collator *collator = ch_xzalloc(sizeof(*collator));
	UErrorCode code = U_ZERO_ERROR;

	collator->rules = ucol_open(language, &code);
	if (U_FAILURE(code)) {
		free(collator);
		return ch_error_set(err, CH_GIVE_UP,
				    "no order of words is known for \"%s\": "
				    "%s", language, u_errorName(code));
	}
	*ret = collator;
	return 0;
}

void ch_collator_free(struct ch_collator *collator)
{
	ucol_close(collator->rules);
	free(collator);
}

void ch_collator_key(struct ch_collator *collator, struct ch_slice name,
		     struct ch_str *out)
{
	UErrorCode code = U_ZERO_ERROR;
	int32_t units = 0;
	int32_t size;
	char *room;

	/* Bytes that are not UTF-8 count as U+FFFD; a name that is too long
	 * as its beginning. */
	u_strFromUTF8WithSub(collator->name, NAME_MAX_UNITS, &units, name.data,
			     (int32_t)name.len, 0xFFFD, NULL, &code);
	if (units > NAME_MAX_UNITS)
		units = NAME_MAX_UNITS;
	size = ucol_getSortKey(collator->rules, collator->name, units, NULL,
			       0);
	room = size > 1 ? ch_str_room(out, (size_t)size) : NULL;
	if (!room)
		return;
	ucol_getSortKey(collator->rules, collator->name, units,
			(uint8_t *)room, size);
	ch_str_grew(out, (size_t)size - 1); /* without its final zero */
}
