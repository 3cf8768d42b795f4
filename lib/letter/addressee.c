// SPDX-License-Identifier: GPL-3.0-or-later
/* addressee.c - an addressee rebuilt from what the store keeps.
 *
 * The store keeps the fields and, of each address, what the envelope needs.
 * The names beside the addresses stand in the fields `to` and `cc`: they are
 * read again here, so that a letter is composed from the same values when it
 * is checked and when it is sent.
 */
#include <stdlib.h>
#include <string.h>

#include "letter/letter.h"

void ch_addressee_release(struct ch_addressee *addressee)
{
	free(addressee->key);
	free(addressee->name);
	free(addressee->language);
	ch_fields_release(&addressee->fields);
	free(addressee->addresses);
	*addressee = (struct ch_addressee){ 0 };
}

static int add_addresses(struct ch_addressee *addressee, const char *field,
			 enum ch_address_role role, struct ch_error *err)
{
	const char *cell = ch_fields_get(&addressee->fields, field);
	struct ch_address *list = NULL;
	size_t offset;
	int len;

	if (!cell)
		return 0;
	len = ch_address_parse_list(cell, strlen(cell), &list, &offset, err);
	if (len < 0)
		return ch_error_prefix(err, "%s", field);
	addressee->addresses = ch_xreallocarray(
		addressee->addresses, addressee->addresses_len + (size_t)len,
		sizeof(*addressee->addresses));
	for (int i = 0; i < len; i++)
		addressee->addresses[addressee->addresses_len++] =
			(struct ch_addressee_address){ role, list[i] };
	free(list);
	return 0;
}

int ch_addressee_from_fields(struct ch_slice key, struct ch_slice language,
			     struct ch_slice fields, struct ch_addressee *ret,
			     struct ch_error *err)
{
	CH_AUTO(ch_addressee) a = { 0 };
	const char *name;

	if (ch_fields_decode(fields, &a.fields, err) < 0 ||
	    add_addresses(&a, "to", CH_ROLE_TO, err) < 0 ||
	    add_addresses(&a, "cc", CH_ROLE_CC, err) < 0)
		return -1;
	a.key = ch_slice_dup(key);
	a.language = ch_slice_dup(language);
	name = ch_fields_get(&a.fields, "name");
	a.name = ch_xstrdup(name && name[0] ? name : a.key);
	*ret = a;
	a = (struct ch_addressee){ 0 };
	return 0;
}
