/* SPDX-License-Identifier: GPL-3.0-or-later */
/* objects.h - several objects put into the object store (file.h) together.
 *
 * Each alone costs two waits for the disk. Of many, all are written first, then
 * the whole file system is asked once to be durable, then all get their names,
 * and it is asked again: so hundreds cost as much as two.
 *
 *	begin, write …, end     for each, under a name of its own for now
 *	keep                    all are there and durable, or -1
 *	release                 what was not kept is gone
 */
#ifndef CH_BASE_OBJECTS_H
#define CH_BASE_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/hash.h"

struct ch_object_new; /* its own */

struct ch_objects {
	int objects_fd; /* borrowed; of errors of the disk that come before it
			 * was opened nothing is known */
	const char *owner; /* borrowed */
	struct ch_object_new *items; /* owned */
	size_t len, cap;
	/* the one that is being written */
	int fd;
	struct ch_sha256_ctx ctx;
};

/* `owner` is a short word of letters and digits in the names that they have
 * until they are kept. */
void ch_objects_init(struct ch_objects *objects, int objects_fd,
		     const char *owner);
void ch_objects_release(struct ch_objects *objects);

/* After any -1 nothing but ch_objects_release() may follow. */
int ch_objects_begin(struct ch_objects *objects, struct ch_error *err);
int ch_objects_write(struct ch_objects *objects, const void *bytes, size_t len,
		     struct ch_error *err);
/* The object is whole. Its bytes can be read from *ret_fd, where that is not
 * NULL: the caller closes it. */
void ch_objects_end(struct ch_objects *objects, struct ch_sha256 *ret_sum,
		    int *ret_fd);

/* Remove what an owner that was killed has left; nobody else may have it. */
void ch_objects_sweep(int objects_fd, const char *owner);

/* Durable, under their names, those that were there before as well. The set is
 * empty then. */
int ch_objects_keep(struct ch_objects *objects, struct ch_error *err);

#endif
