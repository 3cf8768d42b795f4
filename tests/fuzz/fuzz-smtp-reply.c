// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-smtp-reply.c - what a relay answers. A whole reply has a code between
 * 200 and 599, takes no more than it was given, and parses the same again. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "net/smtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ch_smtp_reply reply = CH_SMTP_REPLY_INIT;
	struct ch_smtp_reply again = CH_SMTP_REPLY_INIT;
	size_t used = 0;
	size_t used_again = 0;
	int whole = ch_smtp_reply_parse((const char *)data, size, &reply,
					&used);

	assert(reply.text.len <= CH_SMTP_REPLY_KEPT);
	if (whole < 0)
		assert(reply.code == 0);
	if (whole > 0) {
		assert(used <= size && reply.code >= 200 && reply.code < 600);
		assert(ch_smtp_reply_parse((const char *)data, used, &again,
					   &used_again) == 1);
		assert(used_again == used && again.code == reply.code);
	}
	ch_smtp_reply_release(&again);
	ch_smtp_reply_release(&reply);
	return 0;
}
