// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-password.c - what a password command prints. What is read holds nothing
 * that a line of a login could not. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "chanceryd/password.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ch_password got;
	struct ch_error err;

	if (ch_password_read((const char *)data, size, &got, &err) < 0)
		return 0;
	assert(got.text.data == (const char *)data);
	assert(got.text.len > 0 && got.text.len <= CH_PASSWORD_MAX);
	assert(got.text.len <= size);
	assert(!memchr(got.text.data, '\n', got.text.len));
	assert(!memchr(got.text.data, '\0', got.text.len));
	assert(got.good_ms == 0 || got.good_ms >= 1000);
	return 0;
}
