// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-request.c - what of a request our own code reads. The first byte says
 * which: a target, the JSON of a command, a name or a value of an upload. */
#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "chanceryd/http-request.h"
#include "letter/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_text(const char *text)
{
	uint32_t cp;

	for (size_t at = 0, len = strlen(text); at < len;) {
		size_t n = ch_utf8_decode(text + at, len - at, &cp);

		assert(n > 0 && !ch_utf8_is_control(cp) &&
		       !ch_utf8_is_bidi_control(cp));
		at += n;
	}
}

static void target_of(const char *text)
{
	static const char *const patterns[] = {
		"", "v1/batches/*", "v1/batches/*/letters/*/returns", "*/*",
	};
	CH_AUTO(ch_target) target = { 0 };
	struct ch_error err;
	int64_t limit;

	if (ch_target_parse(text, &target, &err) < 0) {
		assert(err.text[0] && strlen(err.status) == 5);
		return;
	}
	for (size_t i = 0; i < target.segments_len; i++) {
		assert(target.segments[i][0]);
		must_be_text(target.segments[i]);
	}
	for (size_t i = 0; i < CH_COUNT(patterns); i++) {
		if (ch_target_matches(&target, patterns[i])) {
			const char *star = ch_target_star(&target, patterns[i],
							  0);

			assert(!star == !strchr(patterns[i], '*'));
			assert(!ch_target_star(&target, patterns[i], 2) ||
			       i > 3);
		}
	}
	for (size_t i = 0; i < target.pairs_len; i++) {
		must_be_text(target.pairs[i].value);
		assert(ch_target_query(&target, target.pairs[i].name) ==
		       target.pairs[i].value);
	}
	if (ch_target_check_query(&target, "after limit", &err) == 0)
		assert(target.pairs_len <= 2);
	if (ch_target_int(&target, "limit", 1, 1000, 100, &limit, &err) == 0)
		assert(limit >= 1 && limit <= 1000);
}

static void body_of(struct ch_slice body)
{
	static const char *const names[] = { NULL, "digest", "as" };

	for (size_t i = 0; i < CH_COUNT(names); i++) {
		struct ch_error err;
		char *value = NULL;

		if (ch_body_member(body, names[i], &value, &err) == 0) {
			assert(!value == !names[i]);
			if (value)
				must_be_text(value);
		} else {
			assert(err.text[0] && !value);
		}
		free(value);
	}
}

static void upload_of(const char *text, struct ch_slice bytes)
{
	struct ch_error err;

	if (ch_bundle_name_ok(text, &err) == 0) {
		assert(*text && *text != '.' && !strchr(text, '/'));
		must_be_text(text);
	}
	if (ch_upload_value_ok(bytes, &err) == 0)
		assert(ch_utf8_valid(bytes.data, bytes.len, NULL));
	(void)ch_is_multipart(text);
	(void)ch_is_local_host(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CH_AUTOCHAR text = NULL;
	struct ch_slice bytes;

	if (size == 0)
		return 0;
	bytes = (struct ch_slice){ (const char *)data + 1, size - 1 };
	text = ch_xstrndup(bytes.data, bytes.len);
	switch (data[0] % 3) {
	case 0:
		target_of(text);
		break;
	case 1:
		body_of(bytes);
		break;
	default:
		upload_of(text, bytes);
	}
	return 0;
}
