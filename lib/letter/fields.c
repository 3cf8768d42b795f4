// SPDX-License-Identifier: GPL-3.0-or-later
/* fields.c - names and values.
 *
 * A list and not a hash: an addressee has some ten fields, and their order is
 * part of what the digest of a batch covers.
 */
#include "letter/fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void ch_fields_release(struct ch_fields *fields)
{
	for (size_t i = 0; i < fields->len; i++) {
		free(fields->items[i].name);
		free(fields->items[i].value);
	}
	free(fields->items);
	*fields = (struct ch_fields){ 0 };
}

static struct ch_field *find(const struct ch_fields *fields, const char *name)
{
	for (size_t i = 0; i < fields->len; i++) {
		if (strcmp(fields->items[i].name, name) == 0)
			return &fields->items[i];
	}
	return NULL;
}

void ch_fields_set(struct ch_fields *fields, const char *name,
		   struct ch_slice value)
{
	struct ch_field *field = find(fields, name);

	if (field) {
		char *copy = ch_slice_dup(value);

		free(field->value);
		field->value = copy;
		return;
	}
	CH_GROW(fields->items, fields->len, fields->cap);
	fields->items[fields->len++] = (struct ch_field){
		.name = ch_xstrdup(name),
		.value = ch_slice_dup(value),
	};
}

void ch_fields_append(struct ch_fields *fields, struct ch_fields *more)
{
	for (size_t i = 0; i < more->len; i++) {
		CH_GROW(fields->items, fields->len, fields->cap);
		fields->items[fields->len++] = more->items[i];
	}
	free(more->items);
	*more = (struct ch_fields){ 0 };
}

const char *ch_fields_get(const struct ch_fields *fields, const char *name)
{
	const struct ch_field *field = find(fields, name);

	return field ? field->value : NULL;
}

void ch_fields_encode(const struct ch_fields *fields, struct ch_str *out)
{
	for (size_t i = 0; i < fields->len; i++) {
		const struct ch_field *field = &fields->items[i];

		ch_str_add_mem(out, field->name, strlen(field->name) + 1);
		ch_str_add_mem(out, field->value, strlen(field->value) + 1);
	}
}

/* The text up to the next NUL, and go past it; NULL where there is none. */
static const char *take_text(struct ch_slice *rest, size_t *ret_len)
{
	const char *text = rest->data;
	const char *end = rest->len ? memchr(text, '\0', rest->len) : NULL;

	if (!end)
		return NULL;
	*ret_len = (size_t)(end - text);
	rest->data = end + 1;
	rest->len -= *ret_len + 1;
	return text;
}

int ch_fields_decode(struct ch_slice bytes, struct ch_fields *ret,
		     struct ch_error *err)
{
	CH_AUTO(ch_fields) fields = { 0 };

	while (bytes.len > 0) {
		size_t name_len;
		size_t value_len;
		const char *name = take_text(&bytes, &name_len);
		const char *value = take_text(&bytes, &value_len);

		if (!name || !value || name_len == 0)
			return ch_error_set(err, CH_GIVE_UP,
					    "fields of an addressee are cut "
					    "short or have no name");
		if (find(&fields, name))
			return ch_error_set(err, CH_GIVE_UP,
					    "field \"%s\" is there twice",
					    name);
		ch_fields_set(&fields, name,
			      (struct ch_slice){ value, value_len });
	}
	*ret = fields;
	fields = (struct ch_fields){ 0 };
	return 0;
}
