// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-token.c - an address that somebody wrote as the envelope recipient of
 * what came back. No input may be taken for a token that we did not make. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "returns/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ch_token_key keys[2] = { { .id = 0 }, { .id = 31 } };
	struct ch_slice address = { (const char *)data, size };
	struct ch_slice token;
	int64_t letter_id;
	unsigned int attempt;

	memset(keys[1].bytes, 0xFF, sizeof(keys[1].bytes));
	token = ch_token_find(address, ch_slice_of("bounce"),
			      ch_slice_of("mail.example"));
	assert(token.len <= size);
	if (ch_token_check(keys, 2, token, &letter_id, &attempt) == 0) {
		char again[2][CH_TOKEN_SIZE];

		ch_token_make(&keys[0], letter_id, attempt, again[0]);
		ch_token_make(&keys[1], letter_id, attempt, again[1]);
		if (strncasecmp(again[0], token.data, token.len) != 0 &&
		    strncasecmp(again[1], token.data, token.len) != 0)
			abort();
	}
	return 0;
}
