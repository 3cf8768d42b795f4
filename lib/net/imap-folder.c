// SPDX-License-Identifier: GPL-3.0-or-later
/* imap-folder.c - modified UTF-7: printable ASCII stands for itself, "&" is
 * "&-", and every run of other characters is "&", UTF-16 in base64 with a ","
 * for the "/" and no padding, "-". */
#include "net/imap-folder.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

struct run {
	struct ch_str *out;
	bool open;
	uint32_t bits; /* not yet written */
	unsigned int bits_len;
};

static void put_six(struct run *run, uint32_t value)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+,";

	ch_str_add_char(run->out, digits[value & 63]);
}

static void put_unit(struct run *run, uint32_t unit)
{
	run->bits = run->bits << 16 | unit;
	run->bits_len += 16;
	while (run->bits_len >= 6) {
		run->bits_len -= 6;
		put_six(run, run->bits >> run->bits_len);
	}
}

static void put_wide(struct run *run, uint32_t cp)
{
	if (!run->open) {
		ch_str_add_char(run->out, '&');
		run->open = true;
		run->bits_len = 0;
	}
	if (cp < 0x10000) {
		put_unit(run, cp);
		return;
	}
	cp -= 0x10000;
	put_unit(run, 0xD800 | cp >> 10);
	put_unit(run, 0xDC00 | (cp & 0x3FF));
}

static void end_run(struct run *run)
{
	if (!run->open)
		return;
	if (run->bits_len > 0)
		put_six(run, run->bits << (6 - run->bits_len));
	ch_str_add_char(run->out, '-');
	run->open = false;
}

int ch_imap_folder_name(const char *name, struct ch_str *out)
{
	struct run run = { .out = out };
	size_t len = strlen(name);

	while (len > 0) {
		uint32_t cp;
		size_t took = ch_utf8_decode(name, len, &cp);

		if (took == 0 || ch_utf8_is_control(cp))
			return -1;
		if (cp < 0x80) {
			end_run(&run);
			ch_str_add_char(out, (char)cp);
			if (cp == '&')
				ch_str_add_char(out, '-');
		} else {
			put_wide(&run, cp);
		}
		name += took;
		len -= took;
	}
	end_run(&run);
	return 0;
}
