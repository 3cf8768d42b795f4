/* SPDX-License-Identifier: GPL-3.0-or-later */
/* frame.h - length-prefixed frames over a socketpair, many to a read.
 *
 * frame := u32 length of what follows | u16 type | u16 version | payload
 * All integers are little-endian. A frame longer than CH_FRAME_MAX, or of a
 * version or type that is not known, is a protocol error: the reader ends the
 * peer, never itself.
 */
#ifndef CH_WIRE_FRAME_H
#define CH_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define CH_WIRE_VERSION 3
#define CH_FRAME_MAX (1024 * 1024)

/* One end of a socketpair: what has come and not been taken, what is still to
 * be written. Never closes the descriptor. */
struct ch_channel {
	int fd;            /* borrowed */
	struct ch_str in;  /* bytes from taken on are unread frames */
	size_t taken;
	struct ch_str out; /* frames not yet written */
	bool ended;        /* the peer has closed */
};

void ch_channel_init(struct ch_channel *channel, int fd);
void ch_channel_release(struct ch_channel *channel);

/* Read what is there, once. Returns 1 when something came, 0 at EAGAIN, -1 at
 * the end or an error (*err tells; `ended` is set at the end). */
int ch_channel_fill(struct ch_channel *channel, struct ch_error *err);

/* Take the next whole frame out of what was read. Returns 1 with the type and
 * the payload, borrowed until the next fill; 0 when none is whole; -1 when the
 * bytes are no frame. */
int ch_channel_next(struct ch_channel *channel, uint16_t *ret_type,
		    struct ch_slice *ret_payload, struct ch_error *err);

/* Write as much as goes now. Returns 1 when all is written, 0 when some is
 * left (wait for POLLOUT), -1 when the peer is gone. */
int ch_channel_flush(struct ch_channel *channel, struct ch_error *err);

/* For the blocking end (a worker): wait until a frame is there and take it.
 * `timeout_ms` -1 waits for ever. Flushes `out` first. Returns 1, 0 at the
 * timeout, -1 at the end or an error. */
int ch_channel_wait(struct ch_channel *channel, int timeout_ms,
		    uint16_t *ret_type, struct ch_slice *ret_payload,
		    struct ch_error *err);

#endif
