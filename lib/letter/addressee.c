// SPDX-License-Identifier: GPL-3.0-or-later
/* addressee.c - an addressee rebuilt from what the store keeps.
 *
 * The store keeps the fields and, of each address, what the envelope needs.
 * The names beside the addresses stand in the fields `to`, `cc` and their
 * roles: they are read again here, so that a letter is composed from the same
 * values when it is checked and when it is sent.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "letter/addressee-private.h"
#include "mail/same.h"

void ch_addressee_release(struct ch_addressee *addressee)
{
	free(addressee->key);
	free(addressee->name);
	free(addressee->language);
	free(addressee->second_language);
	ch_fields_release(&addressee->fields);
	ch_fields_release(&addressee->differing);
	free(addressee->addresses);
	*addressee = (struct ch_addressee){ 0 };
}

bool ch_addressee_column_ok(const char *column)
{
	const char *dot = column;

	if (strcmp(column, CH_FIELD_CAPACITIES) == 0)
		return false;
	while ((dot = strchr(dot, '.'))) {
		if (isdigit((unsigned char)*++dot))
			return false;
	}
	return true;
}

bool ch_addressee_is_role(const char *column, enum ch_address_role role)
{
	const char *prefix = role == CH_ROLE_TO ? "to." : "cc.";

	return strncmp(column, prefix, 3) == 0 && column[3];
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool ch_list_next(struct ch_slice *rest, struct ch_slice *ret)
{
	while (rest->len > 0) {
		struct ch_slice item = { rest->data, 0 };

		while (item.len < rest->len && item.data[item.len] != ';' &&
		       item.data[item.len] != '\n')
			item.len++;
		rest->data += item.len + (item.len < rest->len);
		rest->len -= item.len + (item.len < rest->len);
		while (item.len > 0 && is_blank(*item.data)) {
			item.data++;
			item.len--;
		}
		while (item.len > 0 && is_blank(item.data[item.len - 1]))
			item.len--;
		*ret = item;
		if (item.len > 0)
			return true;
	}
	return false;
}

int ch_addressee_check_copies(const struct ch_addressee *addressee,
			      struct ch_slice printed, struct ch_error *err)
{
	struct ch_slice name;
	size_t names = 0;
	size_t copied = 0;

	while (ch_list_next(&printed, &name))
		names++;
	for (size_t i = 0; i < addressee->addresses_len; i++)
		copied += addressee->addresses[i].role == CH_ROLE_CC;
	if (names == copied)
		return 0;
	return ch_error_set(err, CH_GIVE_UP,
			    "%zu are named as receiving a copy, but %zu "
			    "addresses do", names, copied);
}

char *ch_addressee_code(const struct ch_fields *fields, const char *field)
{
	const char *value = ch_fields_get(fields, field);
	char *code = ch_xstrdup(value ? value : "");

	for (char *c = code; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return code;
}

static bool has_address(const struct ch_addressee *addressee, const char *spec)
{
	for (size_t i = 0; i < addressee->addresses_len; i++)
		if (ch_address_same(
			    ch_slice_of(addressee->addresses[i].address.spec),
			    ch_slice_of(spec)))
			return true;
	return false;
}

static int add_addresses(struct ch_addressee *addressee,
			 const struct ch_field *field,
			 enum ch_address_role role, struct ch_error *err)
{
	struct ch_address *list = NULL;
	size_t offset;
	int len = ch_address_parse_list(field->value, strlen(field->value),
					CH_LOCAL_UTF8, &list, &offset, err);

	if (len < 0)
		return ch_error_prefix(err, "%s", field->name);
	addressee->addresses = ch_xreallocarray(
		addressee->addresses, addressee->addresses_len + (size_t)len,
		sizeof(*addressee->addresses));
	for (int i = 0; i < len; i++) {
		if (!has_address(addressee, list[i].spec))
			addressee->addresses[addressee->addresses_len++] =
				(struct ch_addressee_address){ role, list[i] };
	}
	free(list);
	return 0;
}

/* `to`, or the roles of To. */
static int add_fields(struct ch_addressee *addressee,
		      enum ch_address_role role, bool roles,
		      struct ch_error *err)
{
	const char *plain = role == CH_ROLE_TO ? "to" : "cc";

	for (size_t i = 0; i < addressee->fields.len; i++) {
		const struct ch_field *field = &addressee->fields.items[i];
		bool is_it = roles ? ch_addressee_is_role(field->name, role)
				   : strcmp(field->name, plain) == 0;

		if (is_it && add_addresses(addressee, field, role, err) < 0)
			return -1;
	}
	return 0;
}

int ch_addressee_read_addresses(struct ch_addressee *addressee,
				struct ch_error *err)
{
	addressee->addresses_len = 0;
	for (enum ch_address_role role = CH_ROLE_TO; role <= CH_ROLE_CC;
	     role++) {
		if (add_fields(addressee, role, false, err) < 0 ||
		    add_fields(addressee, role, true, err) < 0)
			return -1;
	}
	return 0;
}

int ch_addressee_from_fields(struct ch_slice key, struct ch_slice language,
			     struct ch_slice fields, struct ch_addressee *ret,
			     struct ch_error *err)
{
	CH_AUTO(ch_addressee) a = { 0 };
	const char *name;

	if (ch_fields_decode(fields, &a.fields, err) < 0 ||
	    ch_addressee_read_addresses(&a, err) < 0)
		return -1;
	a.key = ch_slice_dup(key);
	a.language = ch_slice_dup(language);
	a.second_language = ch_addressee_code(&a.fields, "second_language");
	name = ch_fields_get(&a.fields, "name");
	a.name = ch_xstrdup(name && name[0] ? name : a.key);
	*ret = a;
	a = (struct ch_addressee){ 0 };
	return 0;
}
