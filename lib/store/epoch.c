// SPDX-License-Identifier: GPL-3.0-or-later
/* epoch.c - five lines of text of a fixed length, written in place. */
#include "store/epoch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define EPOCH_SIZE 113 /* of the text below */

static int mark_parse(const char *hex, unsigned char *out)
{
	for (size_t i = 0; i < CH_EPOCH_MARK_SIZE; i++) {
		unsigned int byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return -1;
		out[i] = (unsigned char)byte;
	}
	return 0;
}

static void parse(const char *text, struct ch_epoch *ret)
{
	char hex[2 * CH_EPOCH_MARK_SIZE + 1];
	char state[8];

	ret->found = sscanf(text,
			    "chancery epoch 1\nstore %32[0-9a-f]\n"
			    "turn %20" SCNu64 "\nredo %10" SCNu32
			    "\nstate %7[a-z]",
			    hex, &ret->turn, &ret->redo, state) == 4 &&
		     strlen(hex) == 2 * CH_EPOCH_MARK_SIZE &&
		     mark_parse(hex, ret->mark) == 0;
	ret->closed = ret->found && strcmp(state, "closed") == 0;
}

int ch_epoch_open(const char *path, struct ch_epoch *ret,
		  struct ch_error *err)
{
	struct ch_epoch epoch = { .fd = -1, .dir_fd = -1 };
	char text[EPOCH_SIZE + 1] = "";

	epoch.dir_fd = ch_file_open_folder_of(path);
	if (epoch.dir_fd >= 0)
		epoch.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC |
				O_NOFOLLOW | O_NONBLOCK, 0600);
	if (epoch.fd < 0 || pread(epoch.fd, text, EPOCH_SIZE, 0) < 0) {
		ch_error_errno(err, errno, "%s", path);
		ch_epoch_release(&epoch);
		return -1;
	}
	parse(text, &epoch);
	*ret = epoch;
	return 0;
}

int ch_epoch_write(const struct ch_epoch *epoch, struct ch_error *err)
{
	char text[EPOCH_SIZE + 1];
	char hex[2 * CH_EPOCH_MARK_SIZE + 1];
	int len;
	ssize_t put;

	for (size_t i = 0; i < CH_EPOCH_MARK_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", epoch->mark[i]);
	len = snprintf(text, sizeof(text),
		       "chancery epoch 1\nstore %s\nturn %020" PRIu64
		       "\nredo %010" PRIu32 "\nstate %-6s\n",
		       hex, epoch->turn, epoch->redo,
		       epoch->closed ? "closed" : "open");
	put = pwrite(epoch->fd, text, (size_t)len, 0);
	if (put == len)
		return 0;
	return ch_error_errno(err, put < 0 ? errno : ENOSPC,
			      "the store's epoch file");
}

int ch_epoch_sync(const struct ch_epoch *epoch, struct ch_error *err)
{
	if (ch_epoch_write(epoch, err) < 0)
		return -1;
	if (fsync(epoch->fd) < 0 || fsync(epoch->dir_fd) < 0)
		return ch_error_errno(err, errno,
				      "fsync of the store's epoch file");
	return 0;
}

void ch_epoch_release(struct ch_epoch *epoch)
{
	if (epoch->fd >= 0)
		close(epoch->fd);
	if (epoch->dir_fd >= 0)
		close(epoch->dir_fd);
	epoch->fd = -1;
	epoch->dir_fd = -1;
}
