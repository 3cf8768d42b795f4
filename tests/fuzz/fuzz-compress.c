// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-compress.c - a compressed object that somebody has changed. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/compress.h"

#define MOST 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct made {
	char bytes[MOST];
	size_t len;
};

static int take(void *context, const void *bytes, size_t len,
		struct ch_error *err)
{
	struct made *made = context;

	(void)err;
	if (len > MOST - made->len)
		abort(); /* more than may be */
	memcpy(made->bytes + made->len, bytes, len);
	made->len += len;
	return 0;
}

/* In pieces of `step` bytes. */
static int unpack(const uint8_t *data, size_t size, size_t step,
		  struct made *ret)
{
	struct ch_decompress *decompress = ch_decompress_new(MOST, take, ret);
	struct ch_error err = { 0 };
	int rc = 0;

	ret->len = 0;
	for (size_t at = 0; at < size && rc == 0; at += step)
		rc = ch_decompress_write(decompress, data + at,
					 size - at < step ? size - at : step,
					 &err);
	if (rc == 0)
		rc = ch_decompress_end(decompress, &err);
	if (rc < 0 && err.text[0] == '\0')
		abort();
	ch_decompress_free(decompress);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct made whole;
	static struct made pieces;
	int rc = unpack(data, size, size + 1, &whole);

	if (unpack(data, size, 7, &pieces) != rc)
		abort();
	if (rc == 0 && (whole.len != pieces.len ||
			memcmp(whole.bytes, pieces.bytes, whole.len) != 0))
		abort();
	return 0;
}
