// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-compress.c - a compressed object that somebody has changed. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/compress.h"

#define MOST 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(MOST);
	struct ch_error err;

	if (ch_decompress(data, size, &out, &err) < 0 && err.text[0] == '\0')
		abort();
	if (out.len > MOST)
		abort();
	return 0;
}
