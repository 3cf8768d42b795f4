// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-address.c - a cell of addresses: what is accepted holds no byte that
 * could end a header line or an SMTP command, and reads back as itself. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "mail/address.h"
#include "mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_wire(const struct ch_address *address)
{
	size_t len = strlen(address->spec);

	assert(len >= 5 && len <= 254);
	assert(address->local_len >= 1 && address->local_len <= CH_LOCAL_MAX);
	assert(address->spec[address->local_len] == '@');
	assert(strchr(ch_address_domain(address), '.'));
	for (const char *p = address->spec; *p; p++)
		assert((unsigned char)*p > 0x20 && *p != 0x7F &&
		       !strchr("<>()[],;:\\\"%", *p));
	for (const char *p = ch_address_domain(address); *p; p++)
		assert((unsigned char)*p < 0x7F);
	assert(ch_header_text_ok(address->display, strlen(address->display)));
}

static void check_again(const struct ch_address *address)
{
	size_t len = strlen(address->spec);
	CH_AUTO(ch_str) shown = CH_STR_INIT(2000);
	struct ch_address *again = NULL;
	struct ch_address strict;
	struct ch_error err;
	size_t offset;

	assert(ch_address_parse_list(address->spec, len, CH_LOCAL_UTF8, &again,
				     &offset, &err) == 1);
	assert(strcmp(again->spec, address->spec) == 0);
	free(again);
	assert((ch_address_parse(address->spec, len, &strict, &err) < 0) ==
	       ch_address_needs_utf8(address->spec));
	/* What people are shown is this address and no other. */
	ch_address_show(address->spec, &shown);
	again = NULL;
	assert(ch_address_parse_list(ch_str_cstr(&shown), shown.len,
				     CH_LOCAL_UTF8, &again, &offset, &err) ==
	       1);
	assert(strcmp(again->spec, address->spec) == 0);
	free(again);
}

/* Nothing in the field but folding ends a line, and no line is long. */
static void check_header(const struct ch_address *list, size_t len)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(16 * 1024 * 1024);
	struct ch_error err;
	size_t column = 0;

	assert(ch_header_addresses(&out, "To", list, len, &err) == 0);
	for (size_t i = 0; i < out.len; i++) {
		unsigned char c = (unsigned char)out.data[i];

		assert(c != 0x7F && (c >= 0x20 || c == '\r' || c == '\n'));
		if (c == '\r') {
			assert(out.data[i + 1] == '\n');
			assert(i + 2 == out.len || out.data[i + 2] == ' ');
			column = 0;
			i++;
			continue;
		}
		assert(++column <= 998);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ch_address *list = NULL;
	size_t offset = 0;
	struct ch_error err;
	int count = ch_address_parse_list((const char *)data, size,
					  CH_LOCAL_UTF8, &list, &offset, &err);

	if (count < 0) {
		assert(offset <= size);
		assert(err.fate == CH_GIVE_UP && err.text[0]);
		return 0;
	}
	for (int i = 0; i < count; i++) {
		check_wire(&list[i]);
		check_again(&list[i]);
	}
	check_header(list, (size_t)count);
	free(list);
	return 0;
}
