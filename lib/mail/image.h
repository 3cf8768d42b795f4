/* SPDX-License-Identifier: GPL-3.0-or-later */
/* image.h - what kind of picture some bytes are, and how large it is.
 *
 * Only the first bytes are read, nothing is decoded: mail programs do that.
 */
#ifndef CH_MAIL_IMAGE_H
#define CH_MAIL_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define CH_IMAGE_PIXELS_MAX 10000 /* of width, and of height */

struct ch_image {
	const char *media_type; /* "image/png", "image/jpeg", "image/gif" */
	uint32_t width;         /* in pixels, 1 to CH_IMAGE_PIXELS_MAX */
	uint32_t height;
};

/* By its bytes, whatever the file is called. -1 (CH_GIVE_UP): none of the
 * three, cut off before its size, or larger than a picture in a letter is. */
int ch_image_read(const void *bytes, size_t len, struct ch_image *ret,
		  struct ch_error *err);

#endif
