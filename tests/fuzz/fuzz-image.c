// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-image.c - a picture that is accepted has a size and is one of three. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "mail/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ch_image image = { 0 };
	struct ch_error err;

	if (ch_image_read(data, size, &image, &err) < 0) {
		assert(err.fate == CH_GIVE_UP && err.text[0]);
		assert(!image.media_type);
		return 0;
	}
	assert(image.width >= 1 && image.width <= CH_IMAGE_PIXELS_MAX);
	assert(image.height >= 1 && image.height <= CH_IMAGE_PIXELS_MAX);
	assert(strncmp(image.media_type, "image/", 6) == 0);
	return 0;
}
