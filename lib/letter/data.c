// SPDX-License-Identifier: GPL-3.0-or-later
/* data.c - values with depth, out of flat fields. */
#include "letter/data.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define DEPTH_MAX 16

void ch_data_release(struct ch_data *data)
{
	for (size_t i = 0; i < data->len; i++)
		ch_data_release(&data->items[i]);
	free(data->items);
	free(data->names);
	*data = (struct ch_data){ 0 };
}

const struct ch_data *ch_data_member(const struct ch_data *data,
				     struct ch_slice name)
{
	for (size_t i = 0; data->names && i < data->len; i++) {
		if (data->names[i].len == name.len &&
		    memcmp(data->names[i].data, name.data, name.len) == 0)
			return &data->items[i];
	}
	return NULL;
}

/* Which of the fields to look at from: those before have nothing below it. */
static void read_value(const struct ch_fields *fields, struct ch_slice name,
		       size_t from, unsigned int depth, struct ch_data *ret);

/* Add the member whose name is the first part of what the i-th field has below
 * `name`, if it is new. */
static void add_member(const struct ch_fields *fields, struct ch_slice name,
		       size_t i, unsigned int depth, size_t *cap,
		       struct ch_data *data)
{
	const char *rest = fields->items[i].name + name.len + 1;
	struct ch_slice part = { rest, strcspn(rest, ".") };
	size_t names_cap = *cap;

	if (part.len == 0 || ch_data_member(data, part))
		return;
	CH_GROW(data->names, data->len, names_cap);
	CH_GROW(data->items, data->len, *cap);
	data->names[data->len++] = part;
	/* The member's whole name is in the field's own. */
	read_value(fields,
		   (struct ch_slice){ fields->items[i].name,
				      name.len + 1 + part.len },
		   i, depth + 1, &data->items[data->len - 1]);
}

/* "12" as a number; 0 where it is none, or not written so. */
static size_t number_of(struct ch_slice name)
{
	size_t number = 0;

	if (name.len > 9 || name.data[0] == '0')
		return 0;
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] < '0' || name.data[i] > '9')
			return 0;
		number = number * 10 + (size_t)(name.data[i] - '0');
	}
	return number;
}

/* Members called 1, 2, 3 … without a gap, in any order, are a list. */
static void make_list(struct ch_data *data)
{
	struct ch_data *sorted;

	/* No two have the same name: so it is enough that each is one of them.
	 */
	for (size_t i = 0; i < data->len; i++) {
		size_t number = number_of(data->names[i]);

		if (number == 0 || number > data->len)
			return;
	}
	sorted = ch_xcalloc(data->len, sizeof(*sorted));
	for (size_t i = 0; i < data->len; i++)
		sorted[number_of(data->names[i]) - 1] = data->items[i];
	free(data->items);
	free(data->names);
	data->items = sorted;
	data->names = NULL;
	data->kind = CH_DATA_LIST;
}

static void read_value(const struct ch_fields *fields, struct ch_slice name,
		       size_t from, unsigned int depth, struct ch_data *ret)
{
	size_t cap = 0;

	*ret = (struct ch_data){ 0 };
	for (size_t i = from; i < fields->len; i++) {
		const struct ch_field *field = &fields->items[i];

		if (strncmp(field->name, name.data, name.len) != 0)
			continue;
		if (field->name[name.len] == '\0') {
			ret->kind = CH_DATA_TEXT;
			ret->text = ch_slice_of(field->value);
		} else if (field->name[name.len] == '.' && depth < DEPTH_MAX) {
			add_member(fields, name, i, depth, &cap, ret);
		}
	}
	if (ret->kind == CH_DATA_NONE && ret->len > 0) {
		ret->kind = CH_DATA_MAP;
		make_list(ret);
	}
}

void ch_data_of_fields(const struct ch_fields *fields, const char *name,
		       struct ch_data *ret)
{
	read_value(fields, ch_slice_of(name), 0, 0, ret);
}
