// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-hours.c - weekdays, times and files of holidays, as a person writes
 * them: the first line is read as each of the words, the rest as a file. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "chanceryd/hours.h"
#include "chanceryd/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US 1796601600000000LL

static void read_words(const char *text, struct ch_hours_window *window)
{
	if (ch_hours_parse_days(text, &window->days) == 0)
		assert(window->days > 0 && window->days < 128);
	if (ch_hours_parse_time(text, &window->from_s) == 0)
		assert(window->from_s >= 0 && window->from_s <= 86400);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_hours) hours = { 0 };
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	size_t len = end ? (size_t)(end - data) : size;
	CH_AUTOCHAR line = ch_xstrndup((const char *)data, len);
	struct ch_slice rest = { (const char *)data + len, size - len };

	hours.windows = ch_xzalloc(sizeof(*hours.windows));
	hours.windows[0] = (struct ch_hours_window){ 127, 0, 86400 };
	hours.len = 1;
	hours.zone = ch_zone_new("UTC");
	read_words(line, &hours.windows[0]);
	ch_hours_add_file(&hours, rest, "fuzz", &problems);
	ch_hours_sort(&hours);
	assert(ch_hours_next_us(&hours, NOW_US, true) >= NOW_US);
	return 0;
}
