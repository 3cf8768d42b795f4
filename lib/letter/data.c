// SPDX-License-Identifier: GPL-3.0-or-later
/* data.c - values with depth, out of flat fields. */
#include "letter/data.h"

#include <stdbool.h>
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

/* What stands behind `prefix` and its dot in a field's name, or NULL. */
static const char *below(const char *name, struct ch_slice prefix)
{
	if (strncmp(name, prefix.data, prefix.len) != 0 ||
	    name[prefix.len] != '.' || !name[prefix.len + 1])
		return NULL;
	return name + prefix.len + 1;
}

static void read_value(const struct ch_fields *fields, struct ch_slice name,
		       unsigned int depth, struct ch_data *ret);

/* Add the member whose name is the first part of `rest`, if it is new. */
static void add_member(const struct ch_fields *fields, struct ch_slice name,
		       const char *rest, unsigned int depth, size_t *cap,
		       struct ch_data *data)
{
	struct ch_slice part = { rest, strcspn(rest, ".") };
	size_t names_cap = *cap;

	if (part.len == 0 || ch_data_member(data, part))
		return;
	CH_GROW(data->names, data->len, names_cap);
	CH_GROW(data->items, data->len, *cap);
	data->names[data->len] = part;
	data->len++;
	/* The whole name as far as this part is in the field's own. */
	read_value(fields,
		   (struct ch_slice){ rest - name.len - 1,
				      name.len + 1 + part.len },
		   depth + 1, &data->items[data->len - 1]);
}

/* Members called 1, 2, 3 … without a gap, in any order, are a list. */
static void make_list(struct ch_data *data)
{
	struct ch_data *sorted = ch_xcalloc(data->len, sizeof(*sorted));
	bool gap = false;

	for (size_t i = 0; i < data->len && !gap; i++) {
		CH_AUTOCHAR number = ch_xasprintf("%zu", i + 1);
		const struct ch_data *item =
			ch_data_member(data, ch_slice_of(number));

		gap = !item;
		if (item)
			sorted[i] = *item;
	}
	if (gap) {
		free(sorted);
		return;
	}
	free(data->items);
	free(data->names);
	data->items = sorted;
	data->names = NULL;
	data->kind = CH_DATA_LIST;
}

static void read_value(const struct ch_fields *fields, struct ch_slice name,
		       unsigned int depth, struct ch_data *ret)
{
	size_t cap = 0;

	*ret = (struct ch_data){ 0 };
	for (size_t i = 0; i < fields->len; i++) {
		const struct ch_field *field = &fields->items[i];
		const char *rest = below(field->name, name);

		if (ch_slice_eq(name, field->name)) {
			ret->kind = CH_DATA_TEXT;
			ret->text = ch_slice_of(field->value);
		} else if (rest && depth < DEPTH_MAX) {
			add_member(fields, name, rest, depth, &cap, ret);
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
	read_value(fields, ch_slice_of(name), 0, ret);
}
