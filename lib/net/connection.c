// SPDX-License-Identifier: GPL-3.0-or-later
/* connection.c - sockets and TLS with a deadline on every step.
 *
 * The socket is non-blocking and OpenSSL works on it directly; each wait is a
 * poll() on the socket and the wake descriptor. No byte is read ahead of what
 * the caller asks for, so that a plain byte behind the answer to STARTTLS is
 * still in the socket when TLS begins, and is found there (RFC 3207 section 6).
 */
#include "net/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

struct ch_connection {
	int fd;
	int wake_fd;
	ch_connection_wait *wait;
	bool woken;
	char *host;
	char *ca_file; /* NULL: the system's */
	char *fingerprint; /* NULL: any public key */
	struct ch_connection_shared *shared; /* borrowed, or NULL */
	SSL_CTX *ctx;
	SSL *ssl;
	char tls_name[80];
};

/* ---- waiting ------------------------------------------------------------ */

/* 1 ready, 0 timeout, -1 woken or broken. */
static int wait_for(struct ch_connection *conn, short events, int timeout_ms,
		    struct ch_error *err)
{
	struct pollfd fds[2] = {
		{ .fd = conn->fd, .events = events },
		{ .fd = conn->wake_fd, .events = POLLIN },
	};
	int64_t end = ch_clock_mono_ms() + timeout_ms;

	for (;;) {
		int64_t left = timeout_ms < 0 ? -1 : end - ch_clock_mono_ms();
		int wait_ms = timeout_ms < 0 ? -1 : left > 0 ? (int)left : 0;
		nfds_t count = conn->wake_fd >= 0 ? 2 : 1;
		int n = wait_ms == 0 ? poll(fds, count, 0)
				     : conn->wait(fds, count, wait_ms);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ch_error_errno(err, errno, "poll");
		if (n == 0)
			return 0;
		if (fds[1].revents) {
			conn->woken = true;
			return ch_error_set(err, CH_RETRY, "told to stop");
		}
		return 1;
	}
}

static int timed_out(struct ch_error *err, const char *what)
{
	return ch_error_set(err, CH_RETRY, "%s: no answer in time", what);
}

/* ---- opening ------------------------------------------------------------ */

/* Bind to `source` where it is of the family of `address`; -1 where not. */
static int bind_source(int fd, const struct addrinfo *address,
		       const char *source, struct ch_error *err)
{
	struct addrinfo hints = {
		.ai_family = address->ai_family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST,
	};
	struct addrinfo *found = NULL;
	int one = 1;
	int result;

	if (getaddrinfo(source, NULL, &hints, &found) != 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "source address %s does not fit the "
				    "server's family", source);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	result = bind(fd, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	if (result < 0)
		return ch_error_errno(err, errno, "source address %s", source);
	return 0;
}

static int finish_connect(struct ch_connection *conn, int timeout_ms,
			  struct ch_error *err)
{
	int failure = 0;
	socklen_t len = sizeof(failure);
	int ready = wait_for(conn, POLLOUT, timeout_ms, err);

	if (ready < 0)
		return -1;
	if (ready == 0)
		return timed_out(err, "connect");
	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &failure, &len) < 0)
		failure = errno;
	if (failure)
		return ch_error_errno(err, failure, "connect");
	return 0;
}

static int try_address(struct ch_connection *conn,
		       const struct addrinfo *address, const char *source,
		       int timeout_ms, struct ch_error *err)
{
	int one = 1;
	int quiet_s = 120;

	conn->fd = socket(address->ai_family,
			  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		return ch_error_errno(err, errno, "socket");
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	/* An IDLE of minutes: keeps state in routers, and finds a dead peer. */
	setsockopt(conn->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(conn->fd, IPPROTO_TCP, TCP_KEEPIDLE, &quiet_s,
		   sizeof(quiet_s));
	if (source && bind_source(conn->fd, address, source, err) < 0)
		goto failed;
	if (connect(conn->fd, address->ai_addr, address->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS) {
		ch_error_errno(err, errno, "connect");
		goto failed;
	}
	if (finish_connect(conn, timeout_ms, err) == 0)
		return 0;
failed:
	close(conn->fd);
	conn->fd = -1;
	return -1;
}

/* A UNIX socket takes us at once, or its queue is full and it never waits. */
static int try_path(struct ch_connection *conn, const char *path,
		    struct ch_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return ch_error_set(err, CH_GIVE_UP,
				    "the path of a UNIX socket has at most %zu "
				    "bytes", sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	conn->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			  0);
	if (conn->fd < 0)
		return ch_error_errno(err, errno, "socket");
	if (connect(conn->fd, (const struct sockaddr *)&address,
		    sizeof(address)) == 0)
		return 0;
	/* The server may be started in a moment: no errno is final here. */
	ch_error_set(err, CH_RETRY, "connect: %s", strerrordesc_np(errno));
	close(conn->fd);
	conn->fd = -1;
	return -1;
}

/* Other addresses of the host could not be reached from `source`, and would be a
 * reason to fail that is none. */
static int family_of(const char *source)
{
	if (!source)
		return AF_UNSPEC;
	return strchr(source, ':') ? AF_INET6 : AF_INET;
}

static struct addrinfo *resolve(const struct ch_connection_target *target,
				struct ch_error *err)
{
	struct addrinfo hints = {
		.ai_family = family_of(target->source),
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	struct addrinfo *found = NULL;
	char port[16];
	int failure;

	snprintf(port, sizeof(port), "%u", target->port);
	failure = getaddrinfo(target->host, port, &hints, &found);
	if (failure == 0)
		return found;
	ch_error_set(err, failure == EAI_NONAME ? CH_GIVE_UP : CH_RETRY,
		     "%s: %s", target->host, gai_strerror(failure));
	return NULL;
}

static struct ch_connection *new_connection(
	const struct ch_connection_target *target)
{
	struct ch_connection *conn = ch_xzalloc(sizeof(*conn));

	conn->fd = -1;
	conn->wake_fd = target->wake_fd;
	conn->wait = target->wait ? target->wait : poll;
	conn->shared = target->shared;
	conn->host = ch_xstrdup(target->host);
	if (target->ca_file && target->ca_file[0])
		conn->ca_file = ch_xstrdup(target->ca_file);
	if (target->fingerprint && target->fingerprint[0])
		conn->fingerprint = ch_xstrdup(target->fingerprint);
	return conn;
}

static int open_path(const struct ch_connection_target *target,
		     struct ch_connection **ret, struct ch_error *err)
{
	struct ch_connection *conn = new_connection(target);

	if (try_path(conn, target->host, err) < 0) {
		ch_connection_close(conn);
		return ch_error_prefix(err, "%s", target->host);
	}
	*ret = conn;
	return 0;
}

int ch_connection_open(const struct ch_connection_target *target,
		       struct ch_connection **ret, struct ch_error *err)
{
	int64_t end = ch_clock_mono_ms() + target->connect_timeout_ms;
	struct addrinfo *found;
	struct ch_connection *conn;

	if (target->host[0] == '/')
		return open_path(target, ret, err);
	found = resolve(target, err);
	if (!found)
		return -1;
	conn = new_connection(target);
	for (const struct addrinfo *a = found; a && conn->fd < 0;
	     a = a->ai_next) {
		int64_t left = end - ch_clock_mono_ms();

		if (left <= 0) {
			timed_out(err, "connect");
			break;
		}
		if (try_address(conn, a, target->source, (int)left, err) < 0 &&
		    conn->woken)
			break;
	}
	freeaddrinfo(found);
	if (conn->fd < 0) {
		ch_connection_close(conn);
		return ch_error_prefix(err, "%s port %u", target->host,
				       target->port);
	}
	*ret = conn;
	return 0;
}

/* ---- TLS ---------------------------------------------------------------- */

/* Chain and name: not where a fingerprint stands in their place. */
static bool checks_chain(const struct ch_connection *conn)
{
	return !conn->fingerprint || conn->ca_file;
}

/* The reason that a person can act on: of the certificate, or of OpenSSL. */
static int tls_error(struct ch_connection *conn, struct ch_error *err,
		     const char *what)
{
	unsigned long code = ERR_peek_error();
	long verify = conn->ssl ? SSL_get_verify_result(conn->ssl) : X509_V_OK;
	const char *reason = ERR_reason_error_string(code);

	ERR_clear_error();
	if (verify != X509_V_OK && checks_chain(conn))
		return ch_error_set(err, CH_GIVE_UP, "certificate of %s: %s",
				    conn->host,
				    X509_verify_cert_error_string(verify));
	return ch_error_set(err, CH_GIVE_UP, "%s with %s: %s", what,
			    conn->host, reason ? reason : "failed");
}

static int load_authorities(struct ch_connection *conn, struct ch_error *err)
{
	if (!checks_chain(conn) ||
	    (conn->ca_file ? SSL_CTX_load_verify_locations(
				     conn->ctx, conn->ca_file, NULL) == 1
			   : SSL_CTX_set_default_verify_paths(conn->ctx) == 1))
		return 0;
	ERR_clear_error();
	return ch_error_set(err, CH_GIVE_UP,
			    "%s: no certificates can be read from it",
			    conn->ca_file ? conn->ca_file
					  : "the system's CA store");
}

/* SNI, and the name that the certificate has to be for. */
static int expect_name(struct ch_connection *conn, struct ch_error *err)
{
	struct in6_addr literal;
	bool is_address = inet_pton(AF_INET, conn->host, &literal) == 1 ||
			  inet_pton(AF_INET6, conn->host, &literal) == 1;

	if (!checks_chain(conn) && (is_address || conn->host[0] == '/'))
		return 0;
	SSL_set_hostflags(conn->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (is_address)
		return X509_VERIFY_PARAM_set1_ip_asc(
			       SSL_get0_param(conn->ssl), conn->host) == 1
			       ? 0
			       : tls_error(conn, err, "TLS");
	if ((checks_chain(conn) &&
	     SSL_set1_host(conn->ssl, conn->host) != 1) ||
	    SSL_set_tlsext_host_name(conn->ssl, conn->host) != 1)
		return tls_error(conn, err, "TLS");
	return 0;
}

/* The session that the server offers; its owner from here on. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct ch_connection_shared *shared =
		SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	SSL_SESSION_free(shared->session);
	shared->session = session;
	return 1;
}

static void share(struct ch_connection *conn)
{
	SSL_CTX_set_app_data(conn->ctx, conn->shared);
	SSL_CTX_set_session_cache_mode(conn->ctx,
				       SSL_SESS_CACHE_CLIENT |
					       SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(conn->ctx, keep_session);
	SSL_CTX_up_ref(conn->ctx);
	conn->shared->ctx = conn->ctx;
}

void ch_connection_shared_release(struct ch_connection_shared *shared)
{
	SSL_SESSION_free(shared->session);
	SSL_CTX_free(shared->ctx);
	*shared = (struct ch_connection_shared){ 0 };
}

static int make_context(struct ch_connection *conn, struct ch_error *err)
{
	conn->ctx = SSL_CTX_new(TLS_client_method());
	if (!conn->ctx)
		return tls_error(conn, err, "TLS");
	SSL_CTX_set_min_proto_version(conn->ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(conn->ctx, checks_chain(conn) ? SSL_VERIFY_PEER
							  : SSL_VERIFY_NONE,
			   NULL);
	SSL_CTX_set_mode(conn->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(conn->ctx, SSL_SESS_CACHE_OFF);
	if (load_authorities(conn, err) < 0)
		return -1;
	if (conn->shared)
		share(conn);
	return 0;
}

static int set_up_tls(struct ch_connection *conn, struct ch_error *err)
{
	if (conn->shared && conn->shared->ctx) {
		conn->ctx = conn->shared->ctx;
		SSL_CTX_up_ref(conn->ctx);
	} else if (make_context(conn, err) < 0) {
		return -1;
	}
	conn->ssl = SSL_new(conn->ctx);
	if (!conn->ssl || SSL_set_fd(conn->ssl, conn->fd) != 1 ||
	    (conn->shared && conn->shared->session &&
	     SSL_set_session(conn->ssl, conn->shared->session) != 1))
		return tls_error(conn, err, "TLS");
	return expect_name(conn, err);
}

/* The handshake has shown that the server has the private key; of the public
 * one a renewed certificate may keep the same. */
static int check_fingerprint(struct ch_connection *conn, struct ch_error *err)
{
	X509 *certificate = SSL_get0_peer_certificate(conn->ssl);
	unsigned char *key = NULL;
	char hex[CH_SHA256_HEX_SIZE] = "none";
	struct ch_sha256 sum;
	const char *more;
	int len = 0;

	if (!conn->fingerprint)
		return 0;
	if (certificate)
		len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &key);
	if (len > 0) {
		ch_sha256_of(key, (size_t)len, &sum);
		ch_sha256_hex(&sum, hex);
	}
	OPENSSL_free(key);
	if (len > 0 && strstr(conn->fingerprint, hex))
		return 0;
	more = strlen(conn->fingerprint) > 64 ? " or another" : "";
	return ch_error_set(err, CH_GIVE_UP,
			    "the fingerprint of its public key is %s, and not "
			    "%.64s%s", hex, conn->fingerprint, more);
}

/* A server speaks in TLS only after our first flight: what is there already is
 * plain text that somebody wants taken for protected. */
static int refuse_bytes_ahead(struct ch_connection *conn, struct ch_error *err)
{
	char byte;

	if (recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "%s sent plain bytes where TLS begins",
				    conn->host);
	return 0;
}

/* Wait for what OpenSSL wants. 1 go on, -1 give up with *err set, 0 timeout. */
static int wait_for_tls(struct ch_connection *conn, int result, int timeout_ms,
			struct ch_error *err)
{
	switch (SSL_get_error(conn->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(conn, POLLIN, timeout_ms, err);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(conn, POLLOUT, timeout_ms, err);
	case SSL_ERROR_SYSCALL:
		if (ERR_peek_error() == 0)
			return errno ? ch_error_errno(err, errno, "TLS")
				     : ch_error_set(err, CH_RETRY,
						    "the connection ended");
		return tls_error(conn, err, "TLS");
	default:
		return tls_error(conn, err, "TLS");
	}
}

int ch_connection_start_tls(struct ch_connection *conn, int timeout_ms,
			    struct ch_error *err)
{
	int64_t end = ch_clock_mono_ms() + timeout_ms;

	if (refuse_bytes_ahead(conn, err) < 0 || set_up_tls(conn, err) < 0)
		return -1;
	for (;;) {
		int64_t left = end - ch_clock_mono_ms();
		int result;
		int ready;

		ERR_clear_error();
		errno = 0;
		result = SSL_connect(conn->ssl);
		if (result == 1)
			break;
		ready = wait_for_tls(conn, result, left > 0 ? (int)left : 0,
				     err);
		if (ready < 0)
			return -1;
		if (ready == 0)
			return timed_out(err, "TLS");
	}
	if (check_fingerprint(conn, err) < 0)
		return -1;
	snprintf(conn->tls_name, sizeof(conn->tls_name), "%s %s",
		 SSL_get_version(conn->ssl), SSL_get_cipher_name(conn->ssl));
	return 0;
}

bool ch_connection_is_tls(const struct ch_connection *conn)
{
	return conn->tls_name[0] != '\0';
}

const char *ch_connection_tls_name(const struct ch_connection *conn)
{
	return conn->tls_name;
}

/* ---- bytes -------------------------------------------------------------- */

static ssize_t read_tls(struct ch_connection *conn, void *out, size_t size,
			int timeout_ms, struct ch_error *err)
{
	int64_t end = ch_clock_mono_ms() + timeout_ms;
	int want = size > INT32_MAX ? INT32_MAX : (int)size;

	for (;;) {
		int64_t left = end - ch_clock_mono_ms();
		int got;
		int ready;

		ERR_clear_error();
		errno = 0;
		got = SSL_read(conn->ssl, out, want);
		if (got > 0)
			return got;
		switch (SSL_get_error(conn->ssl, got)) {
		case SSL_ERROR_ZERO_RETURN:
			return 0;
		case SSL_ERROR_SYSCALL:
			if (errno == 0 || errno == ECONNRESET)
				return 0;
			break;
		case SSL_ERROR_SSL:
			if (ERR_GET_REASON(ERR_peek_error()) ==
			    SSL_R_UNEXPECTED_EOF_WHILE_READING) {
				ERR_clear_error();
				return 0;
			}
			break;
		default:
			break;
		}
		ready = wait_for_tls(conn, got,
				     timeout_ms < 0 ? -1
				     : left > 0     ? (int)left
						    : 0,
				     err);
		if (ready < 0)
			return -1;
		if (ready == 0)
			return timed_out(err, "read");
	}
}

ssize_t ch_connection_read(struct ch_connection *conn, void *out, size_t size,
			   int timeout_ms, struct ch_error *err)
{
	if (conn->ssl)
		return read_tls(conn, out, size, timeout_ms, err);
	/* Wait first: an answer is seldom there when it is asked for. */
	for (;;) {
		int ready = wait_for(conn, POLLIN, timeout_ms, err);
		ssize_t got;

		if (ready < 0)
			return -1;
		if (ready == 0)
			return timed_out(err, "read");
		got = recv(conn->fd, out, size, 0);
		if (got >= 0)
			return got;
		if (errno == ECONNRESET)
			return 0;
		if (errno != EINTR && errno != EAGAIN)
			return ch_error_errno(err, errno, "read");
	}
}

/* Returns what was taken, 0 after waiting, or -1. */
static ssize_t write_some(struct ch_connection *conn, const char *bytes,
			  size_t len, int timeout_ms, struct ch_error *err)
{
	int ready;

	if (conn->ssl) {
		int put;

		ERR_clear_error();
		errno = 0;
		put = SSL_write(conn->ssl, bytes,
				len > INT32_MAX ? INT32_MAX : (int)len);
		if (put > 0)
			return put;
		ready = wait_for_tls(conn, put, timeout_ms, err);
	} else {
		ssize_t put = send(conn->fd, bytes, len, MSG_NOSIGNAL);

		if (put >= 0)
			return put;
		if (errno == EINTR)
			return 0;
		if (errno != EAGAIN)
			return ch_error_errno(err, errno, "write");
		ready = wait_for(conn, POLLOUT, timeout_ms, err);
	}
	if (ready == 0)
		return timed_out(err, "write");
	return ready < 0 ? -1 : 0;
}

int ch_connection_write(struct ch_connection *conn, const void *bytes,
			size_t len, int timeout_ms, struct ch_error *err)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t put = write_some(conn, at, len, timeout_ms, err);

		if (put < 0)
			return -1;
		at += put;
		len -= (size_t)put;
	}
	return 0;
}

int ch_connection_poll(struct ch_connection *conn, int timeout_ms,
		       struct ch_error *err)
{
	if (conn->ssl && SSL_has_pending(conn->ssl))
		return 1;
	return wait_for(conn, POLLIN, timeout_ms, err);
}

bool ch_connection_woken(const struct ch_connection *conn)
{
	return conn->woken;
}

int ch_connection_fd(const struct ch_connection *conn)
{
	return conn->fd;
}

void ch_connection_close(struct ch_connection *conn)
{
	if (!conn)
		return;
	if (conn->ssl && conn->tls_name[0])
		SSL_shutdown(conn->ssl);
	SSL_free(conn->ssl);
	SSL_CTX_free(conn->ctx);
	ERR_clear_error();
	if (conn->fd >= 0)
		close(conn->fd);
	free(conn->host);
	free(conn->ca_file);
	free(conn->fingerprint);
	free(conn);
}
