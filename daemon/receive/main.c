// SPDX-License-Identifier: GPL-3.0-or-later
/* main.c - chancery-receive, started by chanceryd: one for each folder of
 * a mailbox. */
#include <stdio.h>
#include <sysexits.h>

#include "receive.h"
#include "worker.h"

int main(void)
{
	struct ch_channel channel;
	struct ch_error err = { 0 };
	int status;

	if (ch_worker_enter(CH_WORKER_RECEIVE, &channel, &err) < 0) {
		fprintf(stderr, "chancery-receive: %s\n", err.text);
		return EX_USAGE;
	}
	status = ch_receive(&channel, &err);
	if (status == EX_PROTOCOL)
		fprintf(stderr, "chancery-receive: %s\n", err.text);
	ch_channel_release(&channel);
	return status;
}
