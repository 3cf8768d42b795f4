// SPDX-License-Identifier: GPL-3.0-or-later
/* test-password.c - what a password command may print. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "chanceryd/password.h"

#define BYTES(text) text, sizeof(text) - 1

static void what_is_read(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
		int64_t good_ms;
	} rows[] = {
		{ BYTES("ya29.secret"), "ya29.secret", 0 },
		{ BYTES("ya29.secret\n"), "ya29.secret", 0 },
		{ BYTES("ya29.secret\r\n"), "ya29.secret", 0 },
		{ BYTES("ya29.secret\n3600\n"), "ya29.secret", 3600000 },
		{ BYTES("ya29.secret\r\n3599\r\n"), "ya29.secret", 3599000 },
		{ BYTES("ya29.secret\n1h"), "ya29.secret", 3600000 },
		{ BYTES("ya29.secret\n30m\n"), "ya29.secret", 1800000 },
		{ BYTES("two words\n1s\n"), "two words", 1000 },
		{ BYTES(" \n"), " ", 0 },
		{ BYTES("p\xC3\xA4ss\n"), "p\xC3\xA4ss", 0 },
		{ BYTES("x\n4000d\n"), "x", 34560000000 },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_password got;
		struct ch_error err;

		if (ch_password_read(rows[i].bytes, rows[i].len, &got,
				     &err) < 0)
			fail_msg("row %zu: %s", i, err.text);
		assert_int_equal(got.text.len, strlen(rows[i].text));
		assert_memory_equal(got.text.data, rows[i].text, got.text.len);
		assert_int_equal(got.good_ms, rows[i].good_ms);
	}
}

static void what_is_refused(void **state)
{
	static const char empty[] =
		"its first line is empty: there is no password";
	static const char control[] =
		"its first line has a control character";
	static const char good[] = "its second line does not say how long the "
				   "password is good, such as 3600 or 1h";
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
	} rows[] = {
		{ BYTES(""), empty },
		{ BYTES("\n"), empty },
		{ BYTES("\r\n3600\n"), empty },
		{ BYTES("a\tb\n"), control },
		{ BYTES("a\0b\n"), control },
		{ BYTES("a\rb\n"), control },
		{ BYTES("\x1B[1m\n"), control },
		{ BYTES("secret\n\n"), good },
		{ BYTES("secret\nsoon\n"), good },
		{ BYTES("secret\n0\n"), good },
		{ BYTES("secret\n999ms\n"), good },
		{ BYTES("secret\n-5\n"), good },
		{ BYTES("secret\n3600\0\n"), good },
		{ BYTES("secret\n123456789012345678901\n"), good },
		{ BYTES("secret\n99999999999999999999\n"), good },
		{ BYTES("secret\n3600\nmore\n"), "it prints more than two "
						"lines" },
		{ BYTES("{\n\"access_token\": \"secret\"\n}\n"), good },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_password got;
		struct ch_error err;

		if (ch_password_read(rows[i].bytes, rows[i].len, &got,
				     &err) == 0)
			fail_msg("row %zu was read", i);
		assert_string_equal(err.text, rows[i].text);
		assert_int_equal(err.fate, CH_GIVE_UP);
	}
}

static void how_long_one_may_be(void **state)
{
	static char bytes[CH_PASSWORD_MAX + 2];
	struct ch_password got;
	struct ch_error err;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	bytes[CH_PASSWORD_MAX] = '\n';
	assert_int_equal(ch_password_read(bytes, CH_PASSWORD_MAX + 1, &got,
					  &err), 0);
	assert_int_equal(got.text.len, CH_PASSWORD_MAX);
	bytes[CH_PASSWORD_MAX] = 'x';
	assert_int_equal(ch_password_read(bytes, CH_PASSWORD_MAX + 1, &got,
					  &err), -1);
	assert_string_equal(err.text, "a password of 8193 bytes; 8192 are "
				      "allowed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(how_long_one_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
