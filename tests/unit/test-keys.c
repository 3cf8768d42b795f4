// SPDX-License-Identifier: GPL-3.0-or-later
/* test-keys.c - token.key: made once, kept to ourselves, old keys still read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>
#include <cmocka.h>

#include "base/file.h"
#include "chanceryd/keys.h"
#include "returns/token.h"

#define HEX_A \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
/* What another HMAC-SHA-256 makes of HEX_B, number 7, letter 42, attempt 3. */
#define TOKEN_OF_A_COPY "aaaaaaaafiaaaaad-hc3ng4la4gc6zhgsg"
#define HEX_B \
	"ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

static char folder[] = "/tmp/ch-keys-XXXXXX";

static void write_key_file(const char *text, unsigned int mode)
{
	CH_AUTOFD dir = open(folder, O_RDONLY | O_DIRECTORY);
	struct ch_error err;

	assert_int_equal(ch_file_replace(dir, "token.key", text, strlen(text),
					 0600, &err), 0);
	/* Whatever the umask. */
	assert_int_equal(fchmodat(dir, "token.key", mode, 0), 0);
}

static int empty(void **state)
{
	CH_AUTOFD dir = open(folder, O_RDONLY | O_DIRECTORY);

	(void)state;
	unlinkat(dir, "token.key", 0);
	unlinkat(dir, "token.key.new", 0);
	return 0;
}

static void the_first_start_makes_a_key(void **state)
{
	CH_AUTOPTR(ch_keys) first = NULL;
	CH_AUTOPTR(ch_keys) second = NULL;
	CH_AUTOCHAR path = ch_xasprintf("%s/token.key", folder);
	struct ch_error err;
	struct stat st;
	char a[CH_KEYS_MARK_SIZE];
	char b[CH_KEYS_MARK_SIZE];

	(void)state;
	assert_int_equal(ch_keys_open(folder, &first, &err), 0);
	assert_true(ch_keys_are_new(first));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 2 + 64 + 1);
	assert_int_equal(ch_keys_open(folder, &second, &err), 0);
	assert_false(ch_keys_are_new(second));
	assert_string_equal(ch_keys_mark(first, a), ch_keys_mark(second, b));
	assert_int_equal(strlen(a), 16);
}

static void no_two_keys_are_the_same(void **state)
{
	CH_AUTOPTR(ch_keys) first = NULL;
	CH_AUTOPTR(ch_keys) second = NULL;
	struct ch_error err;
	char a[CH_KEYS_MARK_SIZE];
	char b[CH_KEYS_MARK_SIZE];

	assert_int_equal(ch_keys_open(folder, &first, &err), 0);
	empty(state);
	assert_int_equal(ch_keys_open(folder, &second, &err), 0);
	assert_string_not_equal(ch_keys_mark(first, a),
				ch_keys_mark(second, b));
}

static void what_a_crash_left_half_made_is_made_anew(void **state)
{
	CH_AUTOFD dir = open(folder, O_RDONLY | O_DIRECTORY);
	CH_AUTOFD half = openat(dir, "token.key.new", O_CREAT | O_WRONLY, 0644);
	CH_AUTOPTR(ch_keys) keys = NULL;
	struct ch_error err;

	(void)state;
	assert_int_equal(write(half, "1 00", 4), 4);
	assert_int_equal(ch_keys_open(folder, &keys, &err), 0);
	assert_true(ch_keys_are_new(keys));
	assert_int_equal(faccessat(dir, "token.key.new", F_OK, 0), -1);
}

static void the_last_key_makes_tokens_and_all_are_known(void **state)
{
	CH_AUTOPTR(ch_keys) old = NULL;
	CH_AUTOPTR(ch_keys) keys = NULL;
	CH_AUTO(ch_str) next = CH_STR_INIT(200);
	CH_AUTO(ch_str) token = CH_STR_INIT(200);
	const struct ch_token_key *all;
	struct ch_error err;
	size_t len;
	int64_t letter_id = 0;
	unsigned int attempt = 0;

	(void)state;
	write_key_file("3 " HEX_A "\n", 0600);
	assert_int_equal(ch_keys_open(folder, &old, &err), 0);
	ch_keys_envelope_id(old, 77, 2, &token);
	write_key_file("# of this year\n3 " HEX_A "\n\n31 " HEX_B, 0400);
	assert_int_equal(ch_keys_open(folder, &keys, &err), 0);
	assert_int_equal(ch_keys_current(keys)->id, 31);
	assert_int_equal(ch_keys_current(keys)->bytes[0], 0xff);
	all = ch_keys_all(keys, &len);
	assert_int_equal(len, 2);
	assert_int_equal(ch_token_check(all, len,
					ch_slice_of(ch_str_cstr(&token)),
					&letter_id, &attempt), 0);
	assert_int_equal(letter_id, 77);
	assert_int_equal(attempt, 2);
	ch_keys_envelope_id(keys, 77, 2, &next);
	assert_int_equal(next.len, 34);
	assert_int_equal(ch_str_cstr(&next)[17], '7'); /* key 31 */
}

static void each_bad_file_is_refused(void **state)
{
	static const struct {
		const char *text;
		unsigned int mode;
		const char *says;
	} rows[] = {
		{ "1 " HEX_A "\n", 0640, "others can read it (mode 640)" },
		{ "1 " HEX_A "\n", 0604, "others can read it (mode 604)" },
		{ "1 " HEX_A "\n", 0620, "others can read it (mode 620)" },
		{ "", 0600, "has no key" },
		{ "# none yet\n", 0600, "has no key" },
		{ "1 00\n", 0600, "token.key:1: " },
		{ "1 " HEX_A "00\n", 0600, "token.key:1: " },
		{ "1\t" HEX_A "\n", 0600, "token.key:1: " },
		{ "32 " HEX_A "\n", 0600, "token.key:1: " },
		{ "-1 " HEX_A "\n", 0600, "token.key:1: " },
		{ " " HEX_A "\n", 0600, "token.key:1: " },
		{ HEX_A "\n", 0600, "token.key:1: " },
		{ "1 " HEX_A "\r\n", 0600, "token.key:1: " },
		{ "1 " HEX_A "\n1 " HEX_B "\n", 0600, "token.key:2: " },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOPTR(ch_keys) keys = NULL;
		struct ch_error err = { 0 };

		write_key_file(rows[i].text, rows[i].mode);
		assert_int_equal(ch_keys_open(folder, &keys, &err), -1);
		assert_int_equal(err.fate, CH_GIVE_UP);
		if (!strstr(err.text, rows[i].says))
			fail_msg("row %zu: %s", i, err.text);
	}
}

/* Derived, and so the same at every start; and no key of a return. */
static void copies_have_keys_of_their_own(void **state)
{
	CH_AUTO(ch_str) token = CH_STR_INIT(100);
	CH_AUTOPTR(ch_keys) keys = NULL;
	const struct ch_token_key *known;
	struct ch_error err = { 0 };
	unsigned int attempt;
	int64_t id;
	size_t len;

	(void)state;
	write_key_file("1 " HEX_A "\n7 " HEX_B "\n", 0600);
	assert_int_equal(ch_keys_open(folder, &keys, &err), 0);
	ch_keys_journal(keys, 42, 3, &token);
	assert_string_equal(ch_str_cstr(&token), TOKEN_OF_A_COPY);
	known = ch_keys_journal_all(keys, &len);
	assert_int_equal(len, 2);
	assert_int_equal(ch_token_check(known, len,
					ch_slice_of(ch_str_cstr(&token)), &id,
					&attempt), 0);
	assert_int_equal(id, 42);
	assert_int_equal(attempt, 3);
	known = ch_keys_all(keys, &len);
	assert_int_equal(ch_token_check(known, len,
					ch_slice_of(ch_str_cstr(&token)), &id,
					&attempt), -1);
}

static void a_link_that_leads_away_is_no_key(void **state)
{
	CH_AUTOFD dir = open(folder, O_RDONLY | O_DIRECTORY);
	CH_AUTOPTR(ch_keys) keys = NULL;
	struct ch_error err = { 0 };

	(void)state;
	assert_int_equal(symlinkat("/etc/hostname", dir, "token.key"), 0);
	assert_int_equal(ch_keys_open(folder, &keys, &err), -1);
	assert_int_equal(err.fate, CH_GIVE_UP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_first_start_makes_a_key, empty),
		cmocka_unit_test_setup(no_two_keys_are_the_same, empty),
		cmocka_unit_test_setup(what_a_crash_left_half_made_is_made_anew,
				       empty),
		cmocka_unit_test_setup(
			the_last_key_makes_tokens_and_all_are_known, empty),
		cmocka_unit_test_setup(each_bad_file_is_refused, empty),
		cmocka_unit_test_setup(copies_have_keys_of_their_own, empty),
		cmocka_unit_test_setup(a_link_that_leads_away_is_no_key, empty),
	};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	empty(NULL);
	rmdir(folder);
	return failed;
}
