/* SPDX-License-Identifier: GPL-3.0-or-later */
/* http.h - the two doors: status.sock (GET only) and control.sock.
 *
 * libmicrohttpd in external-epoll mode inside the daemon's sd-event loop; no
 * thread. A client that sends half a request, never reads, or comes in
 * thousands costs a bounded amount and is dropped.
 */
#ifndef CH_CHANCERYD_HTTP_H
#define CH_CHANCERYD_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ch_mailroom;
struct ch_http; /* opaque */

enum ch_door {
	CH_DOOR_STATUS,
	CH_DOOR_CONTROL,
};

struct ch_http_options {
	unsigned int max_clients; /* per door */
	int request_timeout_ms;   /* for the whole request line and headers */
	const char *metrics_file; /* textfile for node_exporter, or NULL */
	uint64_t max_upload_bytes;
	const char *objects_dir; /* for the control door's reading of bytes */
	const unsigned int *control_uids; /* beside root and our own uid: may */
	size_t control_uids_len;          /* use the control door; empty: all
					     whom the socket's mode lets in */
};

/* Serve on two listening sockets (taken; -1 leaves a door out). */
int ch_http_start(struct ch_mailroom *room, int status_fd, int control_fd,
		  const struct ch_http_options *options, struct ch_http **ret,
		  struct ch_error *err);
/* After every commit: new events go to those who follow. */
void ch_http_committed(struct ch_http *http);
void ch_http_stop(struct ch_http *http); /* NULL is fine */

#endif
