// SPDX-License-Identifier: GPL-3.0-or-later
/* test-smtp-reply.c - what is a reply, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "net/smtp.h"

struct row {
	const char *name;
	const char *bytes;
	int whole;
	unsigned int code;
	const char *status;
	const char *text;
	size_t left; /* bytes behind the reply */
};

static const struct row rows[] = {
	{ "plain", "250 ok\r\n", 1, 250, "", "ok", 0 },
	{ "enhanced", "550 5.1.1 no such user\r\n", 1, 550, "5.1.1",
	  "5.1.1 no such user", 0 },
	{ "enhanced alone", "250 2.1.5\r\n", 1, 250, "2.1.5", "2.1.5", 0 },
	{ "enhanced of another class", "250 5.1.1 what\r\n", 1, 250, "",
	  "5.1.1 what", 0 },
	{ "not quite enhanced", "250 2.1 x\r\n", 1, 250, "", "2.1 x", 0 },
	{ "many lines", "250-a\r\n250-b\r\n250 c\r\n", 1, 250, "", "a\nb\nc",
	  0 },
	{ "codes differ in enhancement",
	  "550-5.1.1 one\r\n550 5.7.1 two\r\n", 1, 550, "5.1.1",
	  "5.1.1 one\n5.7.1 two", 0 },
	{ "two replies", "250 a\r\n354 b\r\n", 1, 250, "", "a", 7 },
	{ "line ends in LF", "250 ok\n", 1, 250, "", "ok", 0 },
	{ "empty text", "250 \r\n", 1, 250, "", "", 0 },
	{ "controls are kept for escaping", "451 \033[2J\r\n", 1, 451, "",
	  "\033[2J", 0 },
	{ "nothing yet", "", 0, 0, "", "", 0 },
	{ "half a line", "250 o", 0, 0, "", "", 0 },
	{ "half a reply", "250-a\r\n", 0, 0, "", "", 0 },
	{ "bare code", "250\r\n", -1, 0, "", "250\r\n", 0 },
	{ "no code", "hello\r\n", -1, 0, "", "hello\r\n", 0 },
	{ "below", "199 x\r\n", -1, 0, "", "199 x\r\n", 0 },
	{ "above", "999 x\r\n", -1, 0, "", "999 x\r\n", 0 },
	{ "four digits", "2500 x\r\n", -1, 0, "", "2500 x\r\n", 0 },
	{ "two codes", "250-a\r\n451 b\r\n", -1, 0, "", "250-a\r\n451 b\r\n",
	  0 },
	{ "empty line", "\r\n", -1, 0, "", "\r\n", 0 },
	{ "no separator", "250ok\r\n", -1, 0, "", "250ok\r\n", 0 },
	{ "a space before", " 250 ok\r\n", -1, 0, "", " 250 ok\r\n", 0 },
};

static void replies(void **state)
{
	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		const struct row *row = &rows[i];
		size_t len = strlen(row->bytes);
		struct ch_smtp_reply reply = CH_SMTP_REPLY_INIT;
		size_t used = 0;
		int whole = ch_smtp_reply_parse(row->bytes, len, &reply,
						&used);

		if (whole != row->whole)
			fail_msg("%s: %d", row->name, whole);
		if (whole != 0) {
			assert_int_equal(reply.code, row->code);
			assert_string_equal(reply.status, row->status);
			assert_string_equal(ch_str_cstr(&reply.text),
					    row->text);
		}
		if (whole > 0)
			assert_int_equal(len - used, row->left);
		ch_smtp_reply_release(&reply);
	}
}

/* Measures: a line of 5,000 bytes is read, its text cut; 9,000 are none. */
static void long_lines(void **state)
{
	static const struct {
		size_t len;
		int whole;
	} lines[] = { { 5000, 1 }, { 9000, -1 } };

	(void)state;
	for (size_t i = 0; i < CH_COUNT(lines); i++) {
		struct ch_smtp_reply reply = CH_SMTP_REPLY_INIT;
		char *bytes = ch_xmalloc(lines[i].len);
		size_t used = 0;

		memset(bytes, 'x', lines[i].len);
		memcpy(bytes, "250 ", 4);
		memcpy(bytes + lines[i].len - 2, "\r\n", 2);
		assert_int_equal(ch_smtp_reply_parse(bytes, lines[i].len,
						     &reply, &used),
				 lines[i].whole);
		assert_int_equal(reply.text.len, CH_SMTP_REPLY_KEPT);
		free(bytes);
		ch_smtp_reply_release(&reply);
	}
}

/* A reply of lines that never ends is given up. */
static void endless(void **state)
{
	struct ch_smtp_reply reply = CH_SMTP_REPLY_INIT;
	CH_AUTO(ch_str) bytes = CH_STR_INIT(128 * 1024);
	size_t used = 0;

	(void)state;
	while (bytes.len < 60 * 1024)
		ch_str_add(&bytes, "250-more\r\n");
	assert_int_equal(ch_smtp_reply_parse(bytes.data, bytes.len, &reply,
					     &used), 0);
	while (bytes.len < 70 * 1024)
		ch_str_add(&bytes, "250-more\r\n");
	assert_int_equal(ch_smtp_reply_parse(bytes.data, bytes.len, &reply,
					     &used), -1);
	ch_smtp_reply_release(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
