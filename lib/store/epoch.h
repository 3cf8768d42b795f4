/* SPDX-License-Identifier: GPL-3.0-or-later */
/* epoch.h - the small file beside the database that tells how far it had come.
 *
 * It names the store, counts the transactions that changed it and the turns in
 * the redo log behind the last, and says whether it was closed. A database that
 * has fewer is an old copy; one that was not closed and has no write-ahead log
 * or no redo log has lost letters' dots. The counts are written after each
 * commit without fsync: a power cut may leave them behind the store, which says
 * nothing, and never ahead of it.
 */
#ifndef CH_STORE_EPOCH_H
#define CH_STORE_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define CH_EPOCH_MARK_SIZE 16

struct ch_epoch {
	int fd;       /* owned; of the file, -1: none */
	int dir_fd;   /* owned; of the folder it is in */
	bool found;   /* there was one, and it could be read */
	bool closed;  /* the store was closed in order */
	unsigned char mark[CH_EPOCH_MARK_SIZE];
	uint64_t turn;
	uint32_t redo; /* turns in the redo log that build on it */
};

/* Open the file at `path`, creating an empty one. A file that cannot be read
 * as one of ours counts as not found. */
int ch_epoch_open(const char *path, struct ch_epoch *ret,
		  struct ch_error *err);
/* Write it. _sync also makes it durable, and the folder's entries with it. */
int ch_epoch_write(const struct ch_epoch *epoch, struct ch_error *err);
int ch_epoch_sync(const struct ch_epoch *epoch, struct ch_error *err);
void ch_epoch_release(struct ch_epoch *epoch);

#endif
