/* SPDX-License-Identifier: GPL-3.0-or-later */
/* connection.h - one connection by TCP or a UNIX socket, with or without TLS, in
 * which every step has a deadline.
 *
 * Under both mail libraries: neither of them opens a socket or speaks TLS here.
 * Non-blocking inside, blocking to the caller. Certificates are checked for
 * chain and name (RFC 6125; IP SANs for address literals), TLS >= 1.2, SNI.
 * The program ignores SIGPIPE: OpenSSL writes to a socket that may be reset.
 */
#ifndef CH_NET_CONNECTION_H
#define CH_NET_CONNECTION_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct ch_connection; /* opaque */

/* Wait for descriptors as poll() does, errno and all. */
typedef int ch_connection_wait(struct pollfd *fds, nfds_t count,
			       int timeout_ms);

/* What connections to one server may share: the authorities that were read, and
 * the last TLS session, with which the next handshake is a short one (RFC 8446
 * section 2.2) and the certificate that was checked then holds. Zeroed at first;
 * for targets with the same host, ca_file and fingerprint, while they are used.
 */
struct ch_connection_shared {
	struct ssl_ctx_st *ctx;         /* owned */
	struct ssl_session_st *session; /* owned */
};
void ch_connection_shared_release(struct ch_connection_shared *shared);

struct ch_connection_target {
	const char *host;   /* name or address literal, without brackets;
			     or the absolute path of a UNIX socket */
	unsigned int port;  /* not of a UNIX socket */
	const char *source; /* local address, or NULL */
	const char *ca_file; /* PEM, or NULL for the system's */
	/* SHA-256 of public keys, 64 lower-case hex digits each, separated by
	 * single spaces; NULL or "": none. One of them has to be that of the
	 * server's certificate. Where there is a ca_file the chain and the name
	 * are checked too, else this is checked in their place. */
	const char *fingerprint;
	struct ch_connection_shared *shared; /* or NULL */
	int connect_timeout_ms;
	int wake_fd; /* readable = stop waiting (eventfd), -1 = none */
	ch_connection_wait *wait; /* NULL: poll(); for a process in which
				     something else goes on meanwhile */
};

/* Resolve, connect (all addresses in turn within one deadline), set
 * TCP_NODELAY. Returns 0 and a connection that the caller owns; -1 with
 * CH_RETRY (network) or CH_GIVE_UP (target makes no sense). */
int ch_connection_open(const struct ch_connection_target *target,
		       struct ch_connection **ret, struct ch_error *err);

/* TLS from here on; -1: CH_GIVE_UP for certificate or protocol, CH_RETRY for
 * network and deadline. Plain bytes read ahead and not consumed are refused
 * (STARTTLS injection). */
int ch_connection_start_tls(struct ch_connection *conn, int timeout_ms,
			    struct ch_error *err);
bool ch_connection_is_tls(const struct ch_connection *conn);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384" or "" */
const char *ch_connection_tls_name(const struct ch_connection *conn);

/* Read what is there, at least 1 byte, at most `size`. Returns the bytes; 0 at
 * a clean or unclean end; -1 with CH_RETRY at the deadline, when woken
 * (ch_connection_woken()) or at a network error. */
ssize_t ch_connection_read(struct ch_connection *conn, void *out, size_t size,
			   int timeout_ms, struct ch_error *err);

/* Write all of it, or -1. The deadline is for progress: it starts anew with
 * each byte taken by the kernel. */
int ch_connection_write(struct ch_connection *conn, const void *bytes,
			size_t len, int timeout_ms, struct ch_error *err);

/* 1 when reading would not wait (counting bytes inside TLS), 0 at the timeout,
 * -1 when woken or broken. With a timeout of 0 nothing else goes on. */
int ch_connection_poll(struct ch_connection *conn, int timeout_ms,
		       struct ch_error *err);
bool ch_connection_woken(const struct ch_connection *conn);

int ch_connection_fd(const struct ch_connection *conn);
void ch_connection_close(struct ch_connection *conn); /* NULL is fine */

#endif
