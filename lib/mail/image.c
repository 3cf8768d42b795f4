// SPDX-License-Identifier: GPL-3.0-or-later
/* image.c - read the head of a PNG, JPEG or GIF. */
#include "mail/image.h"

#include <stdbool.h>
#include <string.h>

static uint32_t big16(const unsigned char *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t big32(const unsigned char *p)
{
	return big16(p) << 16 | big16(p + 2);
}

static uint32_t little16(const unsigned char *p)
{
	return (uint32_t)p[1] << 8 | p[0];
}

/* The signature, then the chunk IHDR: width and height first (PNG, sections
 * 5.2 and 11.2.2). */
static bool read_png(const unsigned char *p, size_t len, struct ch_image *ret)
{
	if (len < 24 || memcmp(p + 12, "IHDR", 4) != 0)
		return false;
	ret->width = big32(p + 16);
	ret->height = big32(p + 20);
	return true;
}

/* The screen's size follows the signature. */
static bool read_gif(const unsigned char *p, size_t len, struct ch_image *ret)
{
	if (len < 10)
		return false;
	ret->width = little16(p + 6);
	ret->height = little16(p + 8);
	return true;
}

/* A frame header: SOF0 to SOF15, without DHT, JPG and DAC between them (ITU
 * T.81, table B.1). */
static bool is_frame(unsigned char marker)
{
	return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 &&
	       marker != 0xC8 && marker != 0xCC;
}

/* Segments, each with its length, up to the frame header. */
static bool read_jpeg(const unsigned char *p, size_t len, struct ch_image *ret)
{
	size_t at = 2;

	while (at + 4 <= len) {
		size_t segment;

		if (p[at] != 0xFF)
			return false;
		if (p[at + 1] == 0xFF) { /* filling */
			at++;
			continue;
		}
		segment = big16(p + at + 2);
		if (is_frame(p[at + 1])) {
			if (segment < 8 || len - at < 9)
				return false;
			ret->height = big16(p + at + 5);
			ret->width = big16(p + at + 7);
			return true;
		}
		if (segment < 2)
			return false;
		at += 2 + segment;
	}
	return false;
}

static const struct kind {
	const char *magic;
	size_t magic_len;
	const char *media_type;
	bool (*read)(const unsigned char *p, size_t len, struct ch_image *ret);
} kinds[] = {
	{ "\x89PNG\r\n\x1A\n", 8, "image/png", read_png },
	{ "\xFF\xD8\xFF", 3, "image/jpeg", read_jpeg },
	{ "GIF87a", 6, "image/gif", read_gif },
	{ "GIF89a", 6, "image/gif", read_gif },
};

int ch_image_read(const void *bytes, size_t len, struct ch_image *ret,
		  struct ch_error *err)
{
	const struct kind *kind = kinds;
	const struct kind *end = kinds + sizeof(kinds) / sizeof(kinds[0]);
	struct ch_image image = { 0 };

	while (kind < end && (len < kind->magic_len ||
			      memcmp(bytes, kind->magic, kind->magic_len)))
		kind++;
	if (kind == end)
		return ch_error_set(err, CH_GIVE_UP,
				    "neither a PNG nor a JPEG nor a GIF");
	if (!kind->read(bytes, len, &image))
		return ch_error_set(err, CH_GIVE_UP,
				    "a damaged %s: it does not say its size",
				    kind->media_type);
	if (image.width == 0 || image.width > CH_IMAGE_PIXELS_MAX ||
	    image.height == 0 || image.height > CH_IMAGE_PIXELS_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "a picture of %u by %u pixels; 1 to %d "
				    "are allowed",
				    image.width, image.height,
				    CH_IMAGE_PIXELS_MAX);
	image.media_type = kind->media_type;
	*ret = image;
	return 0;
}
