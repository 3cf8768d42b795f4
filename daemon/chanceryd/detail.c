// SPDX-License-Identifier: GPL-3.0-or-later
/* detail.c - see detail.h. */
#include "chanceryd/detail.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"

#define TEXT_MAX 4096 /* of one value; what is longer is left out */

static json_t *object_of(struct ch_detail *detail)
{
	if (!detail->object)
		detail->object = json_object();
	if (!detail->object)
		abort(); /* no memory, as everywhere */
	return detail->object;
}

static json_t *text_of(const char *value)
{
	CH_AUTO(ch_str) utf8 = CH_STR_INIT(TEXT_MAX);

	ch_escape_utf8(&utf8, value ? value : "", value ? strlen(value) : 0);
	return json_stringn(ch_str_cstr(&utf8), utf8.len);
}

void ch_detail_text(struct ch_detail *detail, const char *name,
		    const char *value)
{
	(void)json_object_set_new(object_of(detail), name, text_of(value));
}

void ch_detail_int(struct ch_detail *detail, const char *name, int64_t value)
{
	(void)json_object_set_new(object_of(detail), name,
				  json_integer(value));
}

void ch_detail_item(struct ch_detail *detail, const char *name,
		    const char *value)
{
	json_t *list = json_object_get(object_of(detail), name);

	if (!list) {
		list = json_array();
		(void)json_object_set_new(detail->object, name, list);
	}
	(void)json_array_append_new(list, text_of(value));
}

char *ch_detail_take(struct ch_detail *detail)
{
	char *text = json_dumps(object_of(detail), JSON_COMPACT);

	ch_detail_release(detail);
	return text ? text : ch_xstrdup("{}");
}

void ch_detail_release(struct ch_detail *detail)
{
	json_decref(detail->object);
	detail->object = NULL;
}
