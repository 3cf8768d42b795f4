// SPDX-License-Identifier: GPL-3.0-or-later
/* sink.c - an SMTP server that takes everything as fast as it can, so that
 * what is measured is the sender.
 *
 *   sink [-p PORT] [-c] [-d MICROSECONDS] [-l LEDGER] [-t PEM]
 *
 * It prints its port on stdout and runs until SIGTERM, then prints how many
 * messages and connections it saw on stderr. One thread, one epoll; a message
 * is thrown away as it comes.
 *   -c  offer CHUNKING
 *   -d  each batch of replies comes so much later (a relay that is far away)
 *   -t  TLS from the first byte, with this certificate and its key
 *   -l  keep a ledger: before a message is answered with 250 a line
 *       "recipient TAB message-id TAB sha256" per recipient is on the disk
 *
 * Faults, by the local part of a recipient: r450… r550… at RCPT; d451… d554…
 * after the dot; dropdot… takes the message and closes without a reply;
 * droprcpt… dropdata… close there; c421… says 421 and closes; once451… is
 * refused with 451 the first time it is named.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <search.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#define RECIPIENTS_MAX 100
#define INPUT_SIZE (256 * 1024)

enum phase { PHASE_COMMAND, PHASE_DATA, PHASE_CHUNK };

struct client {
	int fd;
	enum phase phase;
	char in[INPUT_SIZE];
	size_t in_start, in_end;
	struct ch_str out;
	bool closing;
	SSL *tls;              /* owned, or NULL */
	int64_t due_us;        /* when `out` may be said; 0: at once */
	struct client *next_due;
	char *recipients[RECIPIENTS_MAX]; /* owned */
	size_t recipients_len;
	/* DATA: how much of CRLF "." CRLF has been seen */
	unsigned int dot_state;
	/* BDAT */
	uint64_t chunk_left;
	bool chunk_last;
	/* ledger only */
	struct ch_str message;
};

struct sink {
	bool chunking;
	unsigned int delay_us;
	struct client *first_due, **last_due; /* in the order of their time */
	SSL_CTX *tls; /* owned, or NULL */
	int ledger_fd;
	int epoll_fd;
	unsigned long messages, connections;
	void *seen_once; /* tsearch tree of recipients refused once */
};

static void say(struct client *c, const char *text)
{
	ch_str_add(&c->out, text);
}

static void forget_envelope(struct client *c)
{
	for (size_t i = 0; i < c->recipients_len; i++)
		free(c->recipients[i]);
	c->recipients_len = 0;
	ch_str_clear(&c->message);
}

static bool any_starts(const struct client *c, const char *prefix)
{
	for (size_t i = 0; i < c->recipients_len; i++)
		if (strncmp(c->recipients[i], prefix, strlen(prefix)) == 0)
			return true;
	return false;
}

/* ---- the ledger --------------------------------------------------------- */

static void message_id(const struct ch_str *message, char *out, size_t size)
{
	const char *at = ch_str_cstr(message);

	out[0] = '\0';
	while (*at && *at != '\r' && *at != '\n') {
		const char *end = strstr(at, "\r\n");

		if (strncasecmp(at, "Message-ID:", 11) == 0) {
			const char *open = strchr(at, '<');
			const char *close = open ? strchr(open, '>') : NULL;

			if (close)
				snprintf(out, size, "%.*s",
					 (int)(close - open - 1), open + 1);
			return;
		}
		at = end ? end + 2 : "";
	}
}

static void note(struct sink *sink, struct client *c)
{
	CH_AUTO(ch_str) lines = CH_STR_INIT(1024 * 1024);
	char id[512];
	char hex[CH_SHA256_HEX_SIZE];
	struct ch_sha256 sum;
	struct ch_error err;

	if (sink->ledger_fd < 0)
		return;
	message_id(&c->message, id, sizeof(id));
	ch_sha256_of(ch_str_cstr(&c->message), c->message.len, &sum);
	ch_sha256_hex(&sum, hex);
	for (size_t i = 0; i < c->recipients_len; i++)
		ch_str_addf(&lines, "%s\t%s\t%s\n", c->recipients[i], id, hex);
	if (ch_file_write_all(sink->ledger_fd, ch_str_cstr(&lines), lines.len,
			      &err) < 0 ||
	    fdatasync(sink->ledger_fd) < 0) {
		fprintf(stderr, "ledger: %s\n", strerror(errno));
		exit(1);
	}
}

static void message_ends(struct sink *sink, struct client *c)
{
	if (any_starts(c, "d451")) {
		say(c, "451 4.3.0 try later\r\n");
	} else if (any_starts(c, "d554")) {
		say(c, "554 5.7.1 refused\r\n");
	} else {
		note(sink, c);
		sink->messages++;
		if (any_starts(c, "dropdot"))
			c->closing = true;
		else
			say(c, "250 2.0.0 Ok\r\n");
	}
	forget_envelope(c);
	c->phase = PHASE_COMMAND;
}

/* ---- commands ----------------------------------------------------------- */

static int compare_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool first_time(struct sink *sink, const char *recipient)
{
	char *copy = ch_xstrdup(recipient);
	char **found = tsearch(copy, &sink->seen_once, compare_text);

	if (*found == copy)
		return true;
	free(copy);
	return false;
}

static void on_ehlo(struct sink *sink, struct client *c)
{
	forget_envelope(c);
	say(c, "250-sink\r\n250-PIPELINING\r\n");
	if (sink->chunking)
		say(c, "250-CHUNKING\r\n");
	say(c, "250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n"
	       "250 SIZE 50000000\r\n");
}

static void on_rcpt(struct sink *sink, struct client *c, const char *line)
{
	const char *open = strchr(line, '<');
	const char *close = open ? strchr(open, '>') : NULL;
	CH_AUTOCHAR recipient = NULL;

	if (!close || c->recipients_len == RECIPIENTS_MAX) {
		say(c, "501 5.1.3 what\r\n");
		return;
	}
	recipient = ch_xstrndup(open + 1, (size_t)(close - open - 1));
	if (strncmp(recipient, "r450", 4) == 0) {
		say(c, "450 4.2.1 busy\r\n");
	} else if (strncmp(recipient, "r550", 4) == 0) {
		say(c, "550 5.1.1 no such user\r\n");
	} else if (strncmp(recipient, "droprcpt", 8) == 0) {
		c->closing = true;
	} else if (strncmp(recipient, "c421", 4) == 0) {
		say(c, "421 4.7.0 too much\r\n");
		c->closing = true;
	} else if (strncmp(recipient, "once451", 7) == 0 &&
		   first_time(sink, recipient)) {
		say(c, "451 4.7.1 come back later\r\n");
	} else {
		c->recipients[c->recipients_len++] = CH_TAKE(recipient);
		say(c, "250 2.1.5 Ok\r\n");
	}
}

static void on_data(struct client *c)
{
	if (c->recipients_len == 0) {
		say(c, "554 5.5.1 no valid recipients\r\n");
		return;
	}
	if (any_starts(c, "dropdata")) {
		c->closing = true;
		return;
	}
	say(c, "354 go on\r\n");
	c->phase = PHASE_DATA;
	c->dot_state = 2; /* as if behind a CRLF */
}

static void on_bdat(struct client *c, const char *line)
{
	char *end = NULL;

	c->chunk_left = strtoull(line + 4, &end, 10);
	c->chunk_last = end && strcasestr(end, "LAST");
	c->phase = PHASE_CHUNK;
}

static void on_command(struct sink *sink, struct client *c, const char *line)
{
	if (strncasecmp(line, "EHLO", 4) == 0) {
		on_ehlo(sink, c);
	} else if (strncasecmp(line, "MAIL", 4) == 0) {
		forget_envelope(c);
		say(c, "250 2.1.0 Ok\r\n");
	} else if (strncasecmp(line, "RCPT", 4) == 0) {
		on_rcpt(sink, c, line);
	} else if (strncasecmp(line, "DATA", 4) == 0) {
		on_data(c);
	} else if (strncasecmp(line, "BDAT", 4) == 0 && sink->chunking) {
		on_bdat(c, line);
	} else if (strncasecmp(line, "RSET", 4) == 0 ||
		   strncasecmp(line, "NOOP", 4) == 0) {
		forget_envelope(c);
		say(c, "250 2.0.0 Ok\r\n");
	} else if (strncasecmp(line, "HELO", 4) == 0) {
		say(c, "250 sink\r\n");
	} else if (strncasecmp(line, "QUIT", 4) == 0) {
		say(c, "221 2.0.0 bye\r\n");
		c->closing = true;
	} else {
		say(c, "502 5.5.1 what\r\n");
	}
}

/* ---- bytes -------------------------------------------------------------- */

/* Keep what is in the ledger's interest; the dots of dot-stuffing go. */
static void keep(struct sink *sink, struct client *c, const char *bytes,
		 size_t len)
{
	if (sink->ledger_fd >= 0)
		ch_str_add_mem(&c->message, bytes, len);
}

/* States: 0 inside a line, 1 behind CR, 2 behind CRLF, 3 behind CRLF ".",
 * 4 behind CRLF "." CR. Returns whether the message has ended. */
static bool take_data(struct sink *sink, struct client *c)
{
	while (c->in_start < c->in_end) {
		const char *at = c->in + c->in_start;
		size_t left = c->in_end - c->in_start;
		char byte = *at;

		if (c->dot_state == 0) {
			const char *cr = memchr(at, '\r', left);
			size_t run = cr ? (size_t)(cr - at) + 1 : left;

			keep(sink, c, at, run);
			c->in_start += run;
			c->dot_state = cr ? 1 : 0;
			continue;
		}
		c->in_start++;
		if (c->dot_state == 2 && byte == '.') {
			c->dot_state = 3; /* stuffed, or the end */
			continue;
		}
		if (c->dot_state == 3 && byte == '\r') {
			c->dot_state = 4;
			continue;
		}
		if (c->dot_state == 4 && byte == '\n')
			return true;
		if (c->dot_state == 4)
			keep(sink, c, "\r", 1);
		keep(sink, c, &byte, 1);
		if (c->dot_state == 1 && byte == '\n')
			c->dot_state = 2;
		else
			c->dot_state = byte == '\r' ? 1 : 0;
	}
	return false;
}

static bool take_chunk(struct sink *sink, struct client *c)
{
	size_t left = c->in_end - c->in_start;
	size_t take = left < c->chunk_left ? left : (size_t)c->chunk_left;

	keep(sink, c, c->in + c->in_start, take);
	c->in_start += take;
	c->chunk_left -= take;
	return c->chunk_left == 0;
}

/* Returns whether a whole line was there. */
static bool take_line(struct sink *sink, struct client *c)
{
	char *at = c->in + c->in_start;
	char *end = memchr(at, '\n', c->in_end - c->in_start);

	if (!end)
		return false;
	*end = '\0';
	c->in_start += (size_t)(end - at) + 1;
	on_command(sink, c, at);
	return true;
}

static void digest_input(struct sink *sink, struct client *c)
{
	while (!c->closing) {
		if (c->phase == PHASE_COMMAND) {
			if (!take_line(sink, c))
				return;
		} else if (c->phase == PHASE_DATA) {
			if (!take_data(sink, c))
				return;
			message_ends(sink, c);
		} else {
			if (!take_chunk(sink, c))
				return;
			c->phase = PHASE_COMMAND;
			if (c->chunk_last)
				message_ends(sink, c);
			else
				say(c, "250 2.0.0 Ok\r\n");
		}
	}
}

static void client_free(struct client *c)
{
	forget_envelope(c);
	ch_str_release(&c->message);
	ch_str_release(&c->out);
	SSL_free(c->tls);
	close(c->fd);
	free(c);
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Replies are short: a blocking send never waits long. */
static bool flush_replies(struct client *c)
{
	size_t sent = 0;

	while (sent < c->out.len) {
		ssize_t n = c->tls ? SSL_write(c->tls, c->out.data + sent,
					       (int)(c->out.len - sent)) :
				     send(c->fd, c->out.data + sent,
					  c->out.len - sent, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		sent += (size_t)n;
	}
	ch_str_clear(&c->out);
	return true;
}

/* What there is to say is said, now or later. */
static void answer(struct sink *sink, struct client *c)
{
	if (c->due_us > 0)
		return; /* with what is waiting already */
	if (c->out.len > 0 && sink->delay_us > 0) {
		c->due_us = now_us() + sink->delay_us;
		c->next_due = NULL;
		*sink->last_due = c;
		sink->last_due = &c->next_due;
		return;
	}
	if (!flush_replies(c) || c->closing)
		client_free(c);
}

static void answer_due(struct sink *sink)
{
	while (sink->first_due && sink->first_due->due_us <= now_us()) {
		struct client *c = sink->first_due;

		sink->first_due = c->next_due;
		if (!sink->first_due)
			sink->last_due = &sink->first_due;
		c->due_us = 0;
		if (!flush_replies(c) || c->closing)
			client_free(c);
	}
}

/* Bytes that came; 0: none yet, -1: the end. */
static ssize_t take(struct client *c)
{
	int n;

	if (!c->tls) {
		ssize_t got = recv(c->fd, c->in + c->in_end,
				   INPUT_SIZE - c->in_end, 0);

		return got > 0 ? got : -1;
	}
	n = SSL_read(c->tls, c->in + c->in_end, (int)(INPUT_SIZE - c->in_end));
	if (n > 0)
		return n;
	return SSL_get_error(c->tls, n) == SSL_ERROR_WANT_READ ? 0 : -1;
}

static void on_readable(struct sink *sink, struct client *c)
{
	ssize_t n;

	do {
		if (c->in_start == c->in_end) {
			c->in_start = c->in_end = 0;
		} else if (c->in_end == INPUT_SIZE) {
			memmove(c->in, c->in + c->in_start,
				c->in_end - c->in_start);
			c->in_end -= c->in_start;
			c->in_start = 0;
		}
		n = take(c);
		if (n < 0) {
			/* One that is still to be answered goes then. */
			c->closing = true;
			epoll_ctl(sink->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
			if (c->due_us == 0)
				client_free(c);
			return;
		}
		c->in_end += (size_t)n;
		digest_input(sink, c);
	} while (c->tls && SSL_pending(c->tls) > 0);
	if (!c->tls || SSL_is_init_finished(c->tls))
		answer(sink, c);
}

static void on_connection(struct sink *sink, int listen_fd)
{
	int one = 1;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	struct client *c;
	struct epoll_event event = { .events = EPOLLIN };

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c = ch_xmalloc(sizeof(*c));
	memset(c, 0, offsetof(struct client, in));
	c->fd = fd;
	c->phase = PHASE_COMMAND;
	c->in_start = c->in_end = 0;
	c->closing = false;
	c->tls = NULL;
	c->due_us = 0;
	c->recipients_len = 0;
	ch_str_init(&c->out, 1024 * 1024);
	ch_str_init(&c->message, 64 * 1024 * 1024);
	if (sink->tls) {
		/* Reads do not wait, and writes are too short to. */
		fcntl(fd, F_SETFL, O_NONBLOCK);
		c->tls = SSL_new(sink->tls);
		SSL_set_fd(c->tls, fd);
		SSL_set_accept_state(c->tls);
	}
	event.data.ptr = c;
	epoll_ctl(sink->epoll_fd, EPOLL_CTL_ADD, fd, &event);
	sink->connections++;
	say(c, "220 sink ESMTP\r\n");
	/* Under TLS when the handshake is over. */
	if (!c->tls)
		answer(sink, c);
}

/* ---- start and end ------------------------------------------------------ */

static int listen_on(unsigned int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 1024) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0) {
		perror("sink");
		exit(1);
	}
	printf("%u\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Until the first answer is due; -1: there is none. */
static int wait_ms(const struct sink *sink)
{
	int64_t left_us;

	if (!sink->first_due)
		return -1;
	left_us = sink->first_due->due_us - now_us();
	return left_us > 0 ? (int)((left_us + 999) / 1000) : 0;
}

static void serve(struct sink *sink, int *listen_fd, int *signal_fd)
{
	struct epoll_event events[64];

	for (;;) {
		int n = epoll_wait(sink->epoll_fd, events, 64, wait_ms(sink));

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == signal_fd)
				return;
			if (events[i].data.ptr == listen_fd)
				on_connection(sink, *listen_fd);
			else
				on_readable(sink, events[i].data.ptr);
		}
		answer_due(sink);
	}
}

int main(int argc, char **argv)
{
	struct sink sink = { .ledger_fd = -1, .last_due = &sink.first_due };
	unsigned int port = 0;
	int option;
	int listen_fd;
	int signal_fd;
	struct epoll_event event = { .events = EPOLLIN };

	while ((option = getopt(argc, argv, "p:cd:l:t:")) != -1) {
		switch (option) {
		case 'p':
			port = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'c':
			sink.chunking = true;
			break;
		case 'd':
			sink.delay_us =
				(unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'l':
			sink.ledger_fd = open(optarg,
					      O_WRONLY | O_CREAT | O_APPEND |
						      O_CLOEXEC, 0600);
			if (sink.ledger_fd < 0) {
				perror(optarg);
				return 1;
			}
			break;
		case 't':
			sink.tls = SSL_CTX_new(TLS_server_method());
			if (SSL_CTX_use_certificate_chain_file(sink.tls,
							       optarg) != 1 ||
			    SSL_CTX_use_PrivateKey_file(
				    sink.tls, optarg, SSL_FILETYPE_PEM) != 1) {
				fprintf(stderr, "%s: no certificate and key\n",
					optarg);
				return 1;
			}
			break;
		default:
			fprintf(stderr, "usage: sink [-p PORT] [-c] "
					"[-d MICROSECONDS] [-l LEDGER] "
					"[-t PEM]\n");
			return 64;
		}
	}
	signal(SIGPIPE, SIG_IGN);
	listen_fd = listen_on(port);
	signal_fd = signals();
	sink.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	event.data.ptr = &listen_fd;
	epoll_ctl(sink.epoll_fd, EPOLL_CTL_ADD, listen_fd, &event);
	event.data.ptr = &signal_fd;
	epoll_ctl(sink.epoll_fd, EPOLL_CTL_ADD, signal_fd, &event);
	serve(&sink, &listen_fd, &signal_fd);
	fprintf(stderr, "%lu messages, %lu connections\n", sink.messages,
		sink.connections);
	return 0;
}
