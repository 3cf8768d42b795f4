// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-same.c - two addresses, one a line: the form in which they are compared
 * has no other form, says which are the same, and stays within its bounds. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "mail/address.h"
#include "mail/same.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fold(struct ch_slice address, struct ch_str *out)
{
	CH_AUTO(ch_str) again = CH_STR_INIT(20 * CH_FOLD_MAX);

	ch_address_fold(address, out);
	assert(!out->full);
	/* one that was too long to be looked into may be shorter now */
	if (address.len > CH_FOLD_MAX || out->len > CH_FOLD_MAX)
		return;
	ch_address_fold((struct ch_slice){ ch_str_cstr(out), out->len },
			&again);
	assert(again.len == out->len &&
	       memcmp(ch_str_cstr(&again), ch_str_cstr(out), out->len) == 0);
	assert(ch_address_same(address, (struct ch_slice){ ch_str_cstr(out),
							   out->len }));
}

/* What may go out is in that form, but for the case of letters. */
static void check_sent(struct ch_slice text)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(20 * CH_FOLD_MAX);
	struct ch_address address;
	struct ch_error err;

	if (ch_address_parse_utf8(text.data, text.len, &address, &err) < 0)
		return;
	ch_address_fold(ch_slice_of(address.spec), &out);
	assert(strcasecmp(ch_str_cstr(&out), address.spec) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CH_AUTO(ch_str) one = CH_STR_INIT(1 << 20);
	CH_AUTO(ch_str) other = CH_STR_INIT(1 << 20);
	const char *text = (const char *)data;
	const char *end = size ? memchr(text, '\n', size) : NULL;
	struct ch_slice a = { size ? text : "",
			      end ? (size_t)(end - text) : size };
	struct ch_slice b = { end ? end + 1 : "",
			      end ? size - a.len - 1 : 0 };
	bool same;

	if (size > 100000)
		return 0;
	fold(a, &one);
	fold(b, &other);
	same = ch_address_same(a, b);
	assert(same == ch_address_same(b, a));
	if (a.len <= CH_FOLD_MAX && b.len <= CH_FOLD_MAX)
		assert(same == (one.len == other.len &&
				memcmp(ch_str_cstr(&one), ch_str_cstr(&other),
				       one.len) == 0));
	check_sent(a);
	check_sent(b);
	return 0;
}
