// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-wire.c - the bytes a worker could write: frames and their payloads. */
#include <stdint.h>
#include <string.h>

#include "wire/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	union {
		struct ch_send_setup send_setup;
		struct ch_send_batch batch;
		struct ch_send_letter letter;
		struct ch_import_start start;
		struct ch_import_letter row;
		struct ch_import_done done;
		struct ch_receive_setup receive_setup;
		struct ch_receive_mail mail;
	} message;
	struct ch_channel channel;
	struct ch_slice payload;
	struct ch_error err;
	uint16_t type;

	ch_channel_init(&channel, -1);
	ch_str_add_mem(&channel.in, data, size);
	while (ch_channel_next(&channel, &type, &payload, &err) == 1) {
		struct ch_arena arena = { 0 };

		if (type < CH_MSG_TYPES &&
		    ch_message_get(type, payload, &message, &arena, &err) ==
			    0 &&
		    ch_message_put(&channel, type, &message, &err) == 0) {
			/* what was read and written again is the same */
			if (channel.out.len != payload.len + 8 ||
			    memcmp(channel.out.data + 8, payload.data,
				   payload.len) != 0)
				__builtin_trap();
			ch_str_clear(&channel.out);
		}
		ch_arena_release(&arena);
	}
	ch_channel_release(&channel);
	return 0;
}
