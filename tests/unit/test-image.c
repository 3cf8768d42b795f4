// SPDX-License-Identifier: GPL-3.0-or-later
/* test-image.c - the heads of pictures, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "mail/compose.h"
#include "mail/image.h"

#define BYTES(text) text, sizeof(text) - 1
#define PNG "\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR"

static void pictures(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t len;
		const char *type; /* NULL: refused with `reason` */
		uint32_t width, height;
		const char *reason;
	} rows[] = {
		{ "PNG", BYTES(PNG "\0\0\x02\x58\0\0\0\x50\x08\x06"),
		  "image/png", 600, 80, NULL },
		{ "GIF", BYTES("GIF89a\x2C\x01\x40\0"), "image/gif", 300, 64,
		  NULL },
		{ "old GIF", BYTES("GIF87a\x01\0\x02\0"), "image/gif", 1, 2,
		  NULL },
		{ "JPEG",
		  BYTES("\xFF\xD8\xFF\xE0\0\x04xx\xFF\xC0\0\x11\x08\0\x50\x02"
			"\x58\x03"),
		  "image/jpeg", 600, 80, NULL },
		{ "JPEG, progressive, with filling and tables",
		  BYTES("\xFF\xD8\xFF\xFF\xDB\0\x03x\xFF\xC4\0\x02\xFF\xC2\0"
			"\x0B\x08\0\x01\0\x02\x01"),
		  "image/jpeg", 2, 1, NULL },
		{ "nothing", BYTES(""), NULL, 0, 0,
		  "neither a PNG nor a JPEG nor a GIF" },
		{ "SVG", BYTES("<svg xmlns=\"x\"/>"), NULL, 0, 0,
		  "neither a PNG nor a JPEG nor a GIF" },
		{ "PNG that line ends were changed in",
		  BYTES("\x89PNG\n\x1A\n\0\0\0\x0DIHDR\0\0\0\x01\0\0\0\x01"),
		  NULL, 0, 0, "neither a PNG nor a JPEG nor a GIF" },
		{ "PNG cut off", BYTES(PNG "\0\0\x02\x58\0\0\0"), NULL, 0, 0,
		  "a damaged image/png: it does not say its size" },
		{ "PNG of another chunk",
		  BYTES("\x89PNG\r\n\x1A\n\0\0\0\x0DIDAT\0\0\0\x01\0\0\0\x01"),
		  NULL, 0, 0,
		  "a damaged image/png: it does not say its size" },
		{ "GIF cut off", BYTES("GIF89a\x01\0\x01"), NULL, 0, 0,
		  "a damaged image/gif: it does not say its size" },
		{ "JPEG without a frame",
		  BYTES("\xFF\xD8\xFF\xE0\0\x04xx\xFF\xD9"), NULL, 0, 0,
		  "a damaged image/jpeg: it does not say its size" },
		{ "JPEG, a segment past its end",
		  BYTES("\xFF\xD8\xFF\xE0\xFF\xFFxxxxxxxx"), NULL, 0, 0,
		  "a damaged image/jpeg: it does not say its size" },
		{ "JPEG, a segment of no length",
		  BYTES("\xFF\xD8\xFF\xE0\0\0xxxxxxxx"), NULL, 0, 0,
		  "a damaged image/jpeg: it does not say its size" },
		{ "JPEG, a frame cut off",
		  BYTES("\xFF\xD8\xFF\xC0\0\x11\x08\0\x50\x02"), NULL, 0, 0,
		  "a damaged image/jpeg: it does not say its size" },
		{ "no width", BYTES(PNG "\0\0\0\0\0\0\0\x01"), NULL, 0, 0,
		  "a picture of 0 by 1 pixels; 1 to 10000 are allowed" },
		{ "too high", BYTES(PNG "\0\0\0\x01\0\0\x27\x11"), NULL, 0, 0,
		  "a picture of 1 by 10001 pixels; 1 to 10000 are allowed" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_image image = { 0 };
		struct ch_error err = { 0 };
		int result = ch_image_read(rows[i].bytes, rows[i].len, &image,
					   &err);

		if (result < 0 && rows[i].type)
			fail_msg("%s: %s", rows[i].name, err.text);
		assert_int_equal(result, rows[i].type ? 0 : -1);
		if (!rows[i].type) {
			assert_string_equal(err.text, rows[i].reason);
			assert_int_equal(err.fate, CH_GIVE_UP);
			continue;
		}
		assert_string_equal(image.media_type, rows[i].type);
		assert_int_equal(image.width, rows[i].width);
		assert_int_equal(image.height, rows[i].height);
	}
}

static void content_ids(void **state)
{
	/* The first 15 bytes of SHA-256 of each in base32. */
	static const struct {
		const char *message_id, *content_id;
	} rows[] = {
		{ "k7@lamp.example", "n5nfstgspsnonmw5dpwwv5va@lamp.example" },
		{ "k7@[127.0.0.1]", NULL },
	};
	char out[CH_CONTENT_ID_SIZE];
	char longest[400];

	(void)state;
	assert_string_equal(ch_content_id(rows[0].message_id, out),
			    rows[0].content_id);
	assert_string_equal(ch_content_id(rows[1].message_id, out) + 24,
			    "@127.0.0.1");
	memset(longest, 'a', sizeof(longest));
	longest[3] = '@';
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(strlen(ch_content_id(longest, out)),
			 CH_CONTENT_ID_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pictures),
		cmocka_unit_test(content_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
