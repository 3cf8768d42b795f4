// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-away.c - until when somebody is away, in whatever text: nothing, or a
 * day of this century that the mail's date allows. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "mail/message.h"
#include "returns/away.h"
#include "returns/rules.h"

#define HEADER                                                                 \
	"Date: Sat, 28 Nov 2026 09:15:00 +0100\n"                              \
	"Subject: Automatic reply: out of office\n"                            \
	"Content-Type: text/plain; charset=utf-8\n"                            \
	"Content-Transfer-Encoding: 8bit\n\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ch_rules *rules;
	CH_AUTO(ch_str) mail = CH_STR_INIT(1 << 20);
	struct ch_message message;
	char out[CH_AWAY_SIZE];
	int64_t at_us;

	if (!rules) /* for all inputs of the run */
		rules = ch_rules_new();
	ch_str_add(&mail, HEADER);
	ch_str_add_mem(&mail, data, size);
	ch_message_read(mail.data, mail.len, &message);
	ch_away_until(rules, &message, out);
	ch_message_release(&message);
	if (!out[0])
		return 0;
	assert(strlen(out) == 10 && ch_clock_parse_rfc3339(out, &at_us) == 0);
	assert(strcmp(out, "2026-11-28") >= 0 && strcmp(out, "2032") < 0);
	return 0;
}
