/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spill.h - bytes that are too many for the memory: a file without a name, which
 * is gone with its descriptor, written once and then read as if it were memory.
 */
#ifndef CH_BASE_SPILL_H
#define CH_BASE_SPILL_H

#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"

struct ch_spill {
	int fd;            /* owned; -1: none */
	size_t len;        /* written so far */
	const char *bytes; /* owned, a mapping; NULL before ch_spill_map() */
};

#define CH_SPILL_INIT { -1, 0, NULL }

/* A new one on the disk of that folder, for nobody else to read. Release it in
 * any case. -1: as errno says. */
int ch_spill_open(struct ch_spill *spill, int dir_fd, struct ch_error *err);
/* -1: the disk is full or fails. */
int ch_spill_write(struct ch_spill *spill, const void *bytes, size_t len,
		   struct ch_error *err);
/* All is written: spill->bytes has spill->len of them, "" where there are none.
 * They may only be read. */
int ch_spill_map(struct ch_spill *spill, struct ch_error *err);
void ch_spill_release(struct ch_spill *spill);

/* These bytes of a mapping need not be in memory any more; who reads them once
 * more gets them from the file. */
void ch_spill_passed(const char *bytes, size_t len);

#endif
