// SPDX-License-Identifier: GPL-3.0-or-later
/* main.c - chancery-import: one upload, then the end.
 *
 * A process for each upload, and not one that takes many: what a stranger's
 * table did to this one, the next one's will not see, and its memory is given
 * back whole.
 */
#include <stdio.h>
#include <sysexits.h>

#include "base/mem.h"
#include "import/import.h"
#include "worker.h"

/* Retry is 75: nothing was kept, the same upload may be tried again. */
static int complain(const struct ch_error *err, int give_up)
{
	fprintf(stderr, "chancery-import: %s\n", err->text);
	return err->fate == CH_RETRY ? EX_TEMPFAIL : give_up;
}

static int import(struct ch_channel *channel, struct ch_slice payload)
{
	/* A copy: the channel's bytes move when it is read for a stop. */
	CH_AUTO(ch_str) bytes = CH_STR_INIT(CH_FRAME_MAX);
	struct ch_import_start start;
	struct ch_arena arena = { 0 };
	struct ch_error err;
	int status = EX_OK;

	ch_str_add_mem(&bytes, payload.data, payload.len);
	payload.data = ch_str_cstr(&bytes);
	if (ch_message_get(CH_MSG_IMPORT_START, payload, &start, &arena,
			   &err) < 0)
		status = complain(&err, EX_PROTOCOL);
	else if (ch_import_run(channel, &start, &err) < 0)
		status = complain(&err, EX_IOERR);
	ch_arena_release(&arena);
	return status;
}

/* Wait for the one message that says what to do. */
static int serve(struct ch_channel *channel)
{
	struct ch_slice payload;
	struct ch_error err;
	uint16_t type;

	if (ch_channel_wait(channel, -1, &type, &payload, &err) < 0)
		return channel->ended ? EX_OK : complain(&err, EX_PROTOCOL);
	if (type == CH_MSG_STOP)
		return EX_OK;
	if (type == CH_MSG_IMPORT_START)
		return import(channel, payload);
	fprintf(stderr, "chancery-import: a message \"%s\" is not for us\n",
		ch_message_name(type));
	return EX_PROTOCOL;
}

int main(void)
{
	struct ch_channel channel;
	struct ch_error err;
	int status;

	if (ch_worker_enter(CH_WORKER_IMPORT, &channel, &err) < 0)
		return complain(&err, EX_USAGE);
	status = serve(&channel);
	ch_channel_release(&channel);
	return status;
}
