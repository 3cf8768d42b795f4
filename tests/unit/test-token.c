// SPDX-License-Identifier: GPL-3.0-or-later
/* test-token.c - VERP tokens. The expected ones were computed with Python's
 * hmac and base64 modules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "returns/token.h"

/* 00 01 … 1f; and the same id with other bytes; and another id. */
static struct ch_token_key counting;
static struct ch_token_key counting_31;
static struct ch_token_key ones_0;
static struct ch_token_key ones_7;

static int make_keys(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < CH_TOKEN_KEY_SIZE; i++)
		counting.bytes[i] = (unsigned char)i;
	counting_31 = counting;
	counting_31.id = 31;
	memset(ones_0.bytes, 0xFF, CH_TOKEN_KEY_SIZE);
	ones_7 = ones_0;
	ones_7.id = 7;
	return 0;
}

static const struct {
	const char *name;
	const struct ch_token_key *key;
	int64_t letter_id;
	unsigned int attempt;
	const char *token;
} vectors[] = {
	{ "first", &counting, 1, 1, "aaaaaaaaaeaaaaab-apschjeob2o7jn3z6" },
	{ "second attempt", &counting, 1, 2,
	  "aaaaaaaaaeaaaaac-a76pk4jjqja4vrfkd" },
	{ "last key id", &counting_31, 1, 1,
	  "aaaaaaaaaeaaaaab-74xgbbk4yszjbs65q" },
	{ "largest", &ones_7, 281474976710655, 4294967295,
	  "7777777777777777-hxzvrdc7whx3mymfj" },
	{ "nought", &counting, 0, 0, "aaaaaaaaaaaaaaaa-aisxtbhzgmh6whxrd" },
	{ "other key bytes", &ones_0, 1, 1,
	  "aaaaaaaaaeaaaaab-app7etf3rfgormn2e" },
};

static void tokens_are_made_and_known_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < CH_COUNT(vectors); i++) {
		char token[CH_TOKEN_SIZE];
		int64_t letter_id = -1;
		unsigned int attempt = 0;

		ch_token_make(vectors[i].key, vectors[i].letter_id,
			      vectors[i].attempt, token);
		if (strcmp(token, vectors[i].token) != 0)
			fail_msg("%s: %s", vectors[i].name, token);
		if (ch_token_check(vectors[i].key, 1,
				   ch_slice_of(vectors[i].token), &letter_id,
				   &attempt) < 0 ||
		    letter_id != vectors[i].letter_id ||
		    attempt != vectors[i].attempt)
			fail_msg("%s: not known again", vectors[i].name);
	}
}

static void other_texts_are_refused(void **state)
{
	static const struct {
		const char *name, *text;
		int result;
		bool formed;
	} rows[] = {
		{ "as made", "aaaaaaaaaeaaaaab-apschjeob2o7jn3z6", 0, true },
		{ "upper case", "AAAAAAAAAEAAAAAB-APSCHJEOB2O7JN3Z6", 0, true },
		{ "mixed case", "aaaaaAAAAeaaaaAB-aPSCHjeob2o7jn3z6", 0, true },
		{ "another letter", "aaaaaaaaaiaaaaab-apschjeob2o7jn3z6", -1,
		  true },
		{ "another attempt", "aaaaaaaaaeaaaaac-apschjeob2o7jn3z6", -1,
		  true },
		{ "first digit of the HMAC",
		  "aaaaaaaaaeaaaaab-aqschjeob2o7jn3z6", -1, true },
		{ "last digit of the HMAC",
		  "aaaaaaaaaeaaaaab-apschjeob2o7jn3z7", -1, true },
		{ "a key id that we have not",
		  "aaaaaaaaaeaaaaab-bpschjeob2o7jn3z6", -1, true },
		{ "cut", "aaaaaaaaaeaaaaab-apschjeob2o7jn3z", -1, false },
		{ "longer", "aaaaaaaaaeaaaaab-apschjeob2o7jn3z6a", -1, false },
		{ "no hyphen", "aaaaaaaaaeaaaaabaapschjeob2o7jn3z6", -1,
		  false },
		{ "not base32: 1", "aaaaaaaaaeaaaa1b-apschjeob2o7jn3z6", -1,
		  false },
		{ "not base32: key", "aaaaaaaaaeaaaaab-0pschjeob2o7jn3z6", -1,
		  false },
		{ "not base32: bytes", "aaaaaaaaaeaaaaab-apschjeob2o7jn3z\xE9",
		  -1, false },
		{ "empty", "", -1, false },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		int64_t letter_id = -7;
		unsigned int attempt = 7;
		int result = ch_token_check(&counting, 1,
					    ch_slice_of(rows[i].text),
					    &letter_id, &attempt);

		if (result != rows[i].result ||
		    letter_id != (result == 0 ? 1 : -7) ||
		    attempt != (result == 0 ? 1 : 7))
			fail_msg("%s", rows[i].name);
		if (ch_token_is_formed(ch_slice_of(rows[i].text)) !=
		    rows[i].formed)
			fail_msg("%s: its form", rows[i].name);
	}
}

static void keys_are_changed_without_losing_the_old(void **state)
{
	struct ch_token_key keys[3];
	int64_t letter_id;
	unsigned int attempt;

	(void)state;
	keys[0] = ones_7;   /* new */
	keys[1] = counting; /* old */
	keys[2] = ones_0;   /* older, and its id was used again */
	for (size_t i = 0; i < CH_COUNT(vectors); i++) {
		bool known = vectors[i].key != &counting_31;
		int result = ch_token_check(keys, 3,
					    ch_slice_of(vectors[i].token),
					    &letter_id, &attempt);

		if (result != (known ? 0 : -1))
			fail_msg("%s", vectors[i].name);
	}
	assert_int_equal(ch_token_check(NULL, 0,
					ch_slice_of(vectors[0].token),
					&letter_id, &attempt), -1);
}

static void tokens_are_found_in_addresses(void **state)
{
	static const struct {
		const char *name, *address, *token;
	} rows[] = {
		{ "plain", "bounce+abc-d@mail.example", "abc-d" },
		{ "folded", "BOUNCE+ABC-D@Mail.EXAMPLE", "ABC-D" },
		{ "a plus in the token", "bounce+a+b@mail.example", "a+b" },
		{ "another prefix", "bounced+abc@mail.example", "" },
		{ "shorter prefix", "bounc+abc@mail.example", "" },
		{ "another domain", "bounce+abc@mail.example.org", "" },
		{ "a domain before it", "bounce+abc@x.mail.example", "" },
		{ "no token", "bounce+@mail.example", "" },
		{ "no plus", "bounce@mail.example", "" },
		{ "no domain", "bounce+abc", "" },
		{ "empty", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_slice found = ch_token_find(
			ch_slice_of(rows[i].address), ch_slice_of("bounce"),
			ch_slice_of("mail.example"));

		if (!ch_slice_eq(found, rows[i].token))
			fail_msg("%s: %.*s", rows[i].name, (int)found.len,
				 found.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_are_made_and_known_again),
		cmocka_unit_test(other_texts_are_refused),
		cmocka_unit_test(keys_are_changed_without_losing_the_old),
		cmocka_unit_test(tokens_are_found_in_addresses),
	};

	return cmocka_run_group_tests(tests, make_keys, NULL);
}
