// SPDX-License-Identifier: GPL-3.0-or-later
/* frame.c - frames in and out of a socketpair.
 *
 * Both ends use the same functions; the daemon's end is non-blocking, a
 * worker's is not. What was read stays in one buffer until its frames are
 * taken, so a payload can be borrowed and many frames come with one read().
 */
#include "wire/frame.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define HEADER_SIZE 8           /* length, type, version */
#define LENGTH_SIZE 4           /* the length does not count itself */
#define READ_SIZE (64 * 1024)
#define OUT_MAX (64 * 1024 * 1024) /* a bound on our own mistakes */

void ch_channel_init(struct ch_channel *channel, int fd)
{
	*channel = (struct ch_channel){ .fd = fd };
	ch_str_init(&channel->in, CH_FRAME_MAX + READ_SIZE + HEADER_SIZE);
	ch_str_init(&channel->out, OUT_MAX);
}

void ch_channel_release(struct ch_channel *channel)
{
	ch_str_release(&channel->in);
	ch_str_release(&channel->out);
	channel->taken = 0;
}

/* Move what is not yet taken to the start. */
static void compact(struct ch_channel *channel)
{
	struct ch_str *in = &channel->in;

	if (channel->taken == 0)
		return;
	memmove(in->data, in->data + channel->taken, in->len - channel->taken);
	ch_str_truncate(in, in->len - channel->taken);
	channel->taken = 0;
}

int ch_channel_fill(struct ch_channel *channel, struct ch_error *err)
{
	char *room;
	ssize_t got;

	compact(channel);
	room = ch_str_room(&channel->in, READ_SIZE);
	if (!room) {
		channel->in.full = false;
		return ch_error_set(err, CH_GIVE_UP,
				    "frames come faster than they are taken");
	}
	got = read(channel->fd, room, READ_SIZE);
	if (got > 0) {
		ch_str_grew(&channel->in, (size_t)got);
		return 1;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	channel->ended = true;
	if (got < 0)
		return ch_error_errno(err, errno, "channel");
	return ch_error_set(err, CH_RETRY, "the other end is closed");
}

static uint32_t get_u32(const char *bytes)
{
	const unsigned char *p = (const unsigned char *)bytes;

	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static uint16_t get_u16(const char *bytes)
{
	const unsigned char *p = (const unsigned char *)bytes;

	return (uint16_t)(p[0] | p[1] << 8);
}

int ch_channel_next(struct ch_channel *channel, uint16_t *ret_type,
		    struct ch_slice *ret_payload, struct ch_error *err)
{
	const char *at = ch_str_cstr(&channel->in) + channel->taken;
	size_t left = channel->in.len - channel->taken;
	uint32_t length;

	if (left < LENGTH_SIZE)
		return 0;
	length = get_u32(at);
	if (length < HEADER_SIZE - LENGTH_SIZE || length > CH_FRAME_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "a frame of %u bytes is none", length);
	if (left < LENGTH_SIZE + length)
		return 0;
	if (get_u16(at + 6) != CH_WIRE_VERSION)
		return ch_error_set(err, CH_GIVE_UP,
				    "a frame of version %u, not %u",
				    get_u16(at + 6), CH_WIRE_VERSION);
	*ret_type = get_u16(at + 4);
	*ret_payload = (struct ch_slice){ at + HEADER_SIZE,
					  length -
						  (HEADER_SIZE - LENGTH_SIZE) };
	channel->taken += LENGTH_SIZE + length;
	return 1;
}

int ch_channel_flush(struct ch_channel *channel, struct ch_error *err)
{
	struct ch_str *out = &channel->out;
	size_t sent = 0;

	while (sent < out->len) {
		ssize_t put = write(channel->fd, out->data + sent,
				    out->len - sent);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN)
			break;
		if (put < 0) {
			channel->ended = true;
			return ch_error_errno(err, errno, "channel");
		}
		sent += (size_t)put;
	}
	if (sent == out->len) {
		ch_str_clear(out);
		return 1;
	}
	memmove(out->data, out->data + sent, out->len - sent);
	ch_str_truncate(out, out->len - sent);
	return 0;
}

int ch_channel_wait(struct ch_channel *channel, int timeout_ms,
		    uint16_t *ret_type, struct ch_slice *ret_payload,
		    struct ch_error *err)
{
	int64_t end = ch_clock_mono_ms() + timeout_ms;

	if (ch_channel_flush(channel, err) < 0)
		return -1;
	for (;;) {
		struct pollfd ready = { .fd = channel->fd, .events = POLLIN };
		int result = ch_channel_next(channel, ret_type, ret_payload,
					     err);
		int64_t left = end - ch_clock_mono_ms();

		if (result != 0)
			return result;
		if (timeout_ms >= 0) {
			result = poll(&ready, 1, left > 0 ? (int)left : 0);
			if (result == 0)
				return 0;
			if (result < 0 && errno != EINTR)
				return ch_error_errno(err, errno, "poll");
			if (result < 0)
				continue;
		}
		if (ch_channel_fill(channel, err) < 0)
			return -1;
	}
}
