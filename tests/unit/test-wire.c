// SPDX-License-Identifier: GPL-3.0-or-later
/* test-wire.c - messages there and back, and everything that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "wire/messages.h"

static struct ch_send_address addresses[] = {
	{ 0, 0, 1, { "minister@fr.members.example", 27 } },
	{ 1, 1, 0, { "mission@fr.members.example", 26 } },
};

static const struct ch_send_letter letter = {
	.letter_id = -2,
	.batch_id = INT64_MAX,
	.attempt = 3,
	.faults = 5,
	.anew = 1,
	.key = { "FRA", 3 },
	.language = { "fr", 2 },
	.fields = { "a\0b\0", 4 },
	.message_id = { "x@y", 3 },
	.date_us = 1796635800000000,
	.envelope_from = { "b+t@y", 5 },
	.envelope_id = { "7.3", 3 },
	.sha256 = { "", 0 },
	.addresses = addresses,
	.addresses_len = 2,
};

static void a_go_has_these_bytes(void **state)
{
	static const char expected[] = "\x18\0\0\0" /* 24 bytes follow */
				       "\x05\0\x03\0"
				       "\x03\0\0\0"
				       "\x07\0\0\0\0\0\0\0"
				       "\x02\0\0\0"
				       "\x01\0\0\0";
	struct ch_send_go go = { 3, 7, 2, 1 };
	struct ch_channel channel;
	struct ch_error err;

	(void)state;
	ch_channel_init(&channel, -1);
	assert_int_equal(ch_message_put(&channel, CH_MSG_SEND_GO, &go, &err),
			 0);
	assert_int_equal(channel.out.len, sizeof(expected) - 1);
	assert_memory_equal(channel.out.data, expected, sizeof(expected) - 1);
	ch_channel_release(&channel);
}

static void a_letter_comes_back_as_it_was(void **state)
{
	int pair[2];
	struct ch_channel here, there;
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_send_letter got;
	struct ch_slice payload;
	struct ch_error err;
	uint16_t type;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ch_channel_init(&here, pair[0]);
	ch_channel_init(&there, pair[1]);
	assert_int_equal(ch_message_put(&here, CH_MSG_SEND_LETTER, &letter,
					&err), 0);
	assert_int_equal(ch_message_put(&here, CH_MSG_STOP, NULL, &err), 0);
	assert_int_equal(ch_channel_flush(&here, &err), 1);

	assert_int_equal(ch_channel_wait(&there, 1000, &type, &payload, &err),
			 1);
	assert_int_equal(type, CH_MSG_SEND_LETTER);
	assert_int_equal(ch_message_get(CH_MSG_SEND_LETTER, payload, &got,
					&arena, &err), 0);
	assert_int_equal(got.letter_id, -2);
	assert_int_equal(got.batch_id, INT64_MAX);
	assert_int_equal(got.faults, 5);
	assert_int_equal(got.anew, 1);
	assert_int_equal(got.fields.len, 4);
	assert_memory_equal(got.fields.data, "a\0b\0", 4);
	assert_int_equal(got.addresses_len, 2);
	assert_true(ch_slice_eq(got.addresses[1].address,
				"mission@fr.members.example"));
	assert_int_equal(got.addresses[1].role, 1);
	assert_int_equal(got.addresses[0].pending, 1);
	/* the second frame came with the same read */
	assert_int_equal(ch_channel_next(&there, &type, &payload, &err), 1);
	assert_int_equal(type, CH_MSG_STOP);
	assert_int_equal(ch_channel_next(&there, &type, &payload, &err), 0);
	assert_int_equal(ch_channel_wait(&there, 0, &type, &payload, &err), 0);
	close(pair[0]);
	assert_int_equal(ch_channel_wait(&there, -1, &type, &payload, &err),
			 -1);
	assert_true(there.ended);
	close(pair[1]);
	ch_channel_release(&here);
	ch_channel_release(&there);
}

static void every_shorter_payload_is_refused(void **state)
{
	struct ch_channel channel;
	struct ch_error err;
	struct ch_slice whole;

	(void)state;
	ch_channel_init(&channel, -1);
	assert_int_equal(ch_message_put(&channel, CH_MSG_SEND_LETTER, &letter,
					&err), 0);
	whole = (struct ch_slice){ channel.out.data + 8, channel.out.len - 8 };
	for (size_t len = 0; len <= whole.len + 1; len++) {
		CH_AUTO(ch_arena) arena = { 0 };
		struct ch_send_letter got;
		char *exact = ch_xzalloc(len);
		int result;

		memcpy(exact, whole.data, len < whole.len ? len : whole.len);
		result = ch_message_get(CH_MSG_SEND_LETTER,
					(struct ch_slice){ exact, len }, &got,
					&arena, &err);
		if (result != (len == whole.len ? 0 : -1))
			fail_msg("length %zu of %zu", len, whole.len);
		free(exact);
	}
	assert_string_equal(err.text, "a malformed send-letter message");
	ch_channel_release(&channel);
}

static void values_out_of_range_are_refused(void **state)
{
	static const struct {
		const char *name;
		enum ch_message_type type;
		const char *payload;
		size_t len;
	} rows[] = {
		{ "go is 2", CH_MSG_SEND_GO,
		  "\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0", 20 },
		{ "line 64", CH_MSG_SEND_GO,
		  "\x40\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0", 20 },
		{ "fault 5", CH_MSG_SEND_FAULT,
		  "\0\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20 },
		{ "reply code 10000", CH_MSG_SEND_FAULT,
		  "\0\0\0\0\0\0\0\0\x10\x27\0\0\0\0\0\0\0\0\0\0", 20 },
		{ "four thousand million results", CH_MSG_SEND_RESULT,
		  "\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0"
		  "\xFF\xFF\xFF\xFF", 20 },
		{ "text longer than all", CH_MSG_SEND_FAULT,
		  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		  "\xFF\xFF\xFF\xFF", 20 },
		{ "a byte behind the end", CH_MSG_STOP, "x", 1 },
		{ "no such type", CH_MSG_TYPES, "", 0 },
		{ "type 0", 0, "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_arena) arena = { 0 };
		union {
			struct ch_send_go go;
			struct ch_send_fault fault;
			struct ch_send_result result;
		} got;
		struct ch_error err;

		if (ch_message_get(rows[i].type,
				   (struct ch_slice){ rows[i].payload,
						      rows[i].len },
				   &got, &arena, &err) != -1)
			fail_msg("%s", rows[i].name);
	}
}

static void what_is_no_frame(void **state)
{
	static const struct {
		const char *name;
		const char *bytes;
		size_t len;
		int result;
	} rows[] = {
		{ "half a length", "\x04\0\0", 3, 0 },
		{ "half a frame", "\x04\0\0\0\x01\0", 6, 0 },
		{ "a whole one", "\x04\0\0\0\x01\0\x03\0", 8, 1 },
		{ "length 3", "\x03\0\0\0\x01\0\x03\0", 8, -1 },
		{ "length over the limit", "\x01\0\x10\0\x01\0\x03\0", 8, -1 },
		{ "version 1", "\x04\0\0\0\x01\0\x01\0", 8, -1 },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_channel channel;
		struct ch_slice payload;
		struct ch_error err;
		uint16_t type;
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		ch_channel_init(&channel, pair[0]);
		assert_int_equal(write(pair[1], rows[i].bytes, rows[i].len),
				 (ssize_t)rows[i].len);
		assert_int_equal(ch_channel_fill(&channel, &err), 1);
		if (ch_channel_next(&channel, &type, &payload, &err) !=
		    rows[i].result)
			fail_msg("%s", rows[i].name);
		ch_channel_release(&channel);
		close(pair[0]);
		close(pair[1]);
	}
}

static void a_peer_that_does_not_read_fills_nothing_but_its_pipe(void **state)
{
	struct ch_channel channel;
	struct ch_error err;
	struct ch_send_fault fault = { .text = { "", 0 } };
	CH_AUTOCHAR text = ch_xzalloc(100000);
	int pair[2];

	(void)state;
	fault.text = (struct ch_slice){ text, 100000 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
				    pair), 0);
	ch_channel_init(&channel, pair[0]);
	for (int i = 0; i < 20; i++)
		assert_int_equal(ch_message_put(&channel, CH_MSG_SEND_FAULT,
						&fault, &err), 0);
	assert_int_equal(ch_channel_flush(&channel, &err), 0);
	assert_true(channel.out.len > 0 && channel.out.len < 20 * 100020);
	ch_channel_release(&channel);
	close(pair[0]);
	close(pair[1]);
}

static void a_message_over_the_limit_is_not_written(void **state)
{
	struct ch_channel channel;
	struct ch_error err;
	CH_AUTOCHAR text = ch_xzalloc(CH_FRAME_MAX);
	struct ch_send_fault fault = {
		.text = { text, CH_FRAME_MAX },
	};

	(void)state;
	ch_channel_init(&channel, -1);
	assert_int_equal(ch_message_put(&channel, CH_MSG_SEND_FAULT, &fault,
					&err), -1);
	assert_string_equal(err.text, "a send-fault message is too long");
	assert_int_equal(channel.out.len, 0);
	ch_channel_release(&channel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_go_has_these_bytes),
		cmocka_unit_test(a_letter_comes_back_as_it_was),
		cmocka_unit_test(every_shorter_payload_is_refused),
		cmocka_unit_test(values_out_of_range_are_refused),
		cmocka_unit_test(what_is_no_frame),
		cmocka_unit_test(
			a_peer_that_does_not_read_fills_nothing_but_its_pipe),
		cmocka_unit_test(a_message_over_the_limit_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
