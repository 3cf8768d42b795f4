// SPDX-License-Identifier: GPL-3.0-or-later
/* test-connection.c - a server that speaks before TLS begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/connection.h"

static const struct {
	const char *bytes;
	size_t len;
} ahead[] = {
	{ "250 ok\r\n", 8 },
	{ "\0", 1 },
	/* Records that a handshake would pass over: of an alert that is a
	 * warning, and of the change of ciphers. */
	{ "\25\3\3\0\2\1\132", 7 },
	{ "\24\3\3\0\1\1", 6 },
};

static int listen_here(struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	*address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (const struct sockaddr *)address, len),
			 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)address,
				     &len), 0);
	return listener;
}

/* It is there before we have said anything: whoever has sent it, it is not what
 * TLS protects. Nothing is said to it. */
static void plain_bytes_where_tls_begins(void **state)
{
	struct sockaddr_in address;
	int listener = listen_here(&address);
	const struct ch_connection_target target = {
		.host = "127.0.0.1",
		.port = ntohs(address.sin_port),
		.connect_timeout_ms = 60000,
		.wake_fd = -1,
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(ahead); i++) {
		struct ch_connection *conn = NULL;
		struct pollfd there = { .events = POLLIN };
		struct ch_error err;
		char byte;
		int fd;

		assert_int_equal(ch_connection_open(&target, &conn, &err), 0);
		fd = accept(listener, NULL, NULL);
		assert_int_equal(send(fd, ahead[i].bytes, ahead[i].len, 0),
				 ahead[i].len);
		there.fd = ch_connection_fd(conn);
		assert_int_equal(poll(&there, 1, 60000), 1);
		assert_int_equal(ch_connection_start_tls(conn, 0, &err), -1);
		assert_int_equal(err.fate, CH_GIVE_UP);
		assert_string_equal(err.text, "127.0.0.1 sent plain bytes "
					      "where TLS begins");
		assert_false(ch_connection_is_tls(conn));
		ch_connection_close(conn);
		/* The end, or the reset that unread bytes make of it. */
		assert_true(recv(fd, &byte, 1, 0) <= 0);
		close(fd);
	}
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_bytes_where_tls_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
