/* SPDX-License-Identifier: GPL-3.0-or-later */
/* objects.h - the object store: a directory in which each file is called by the
 * SHA-256 of its bytes, "ab/cdef…" (64 hex digits, the first two a folder).
 *
 * What letters are made of lies there as it is. What came back lies there
 * compressed (compress.h), as "ab/cdef….zst": the name is that of the bytes
 * that came. Objects never change, and who reads one compares it with its name.
 */
#ifndef CH_BASE_OBJECTS_H
#define CH_BASE_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compress.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"

enum ch_object_form { CH_OBJECT_PLAIN, CH_OBJECT_COMPRESSED };

/* Where it lies below the store. */
#define CH_OBJECT_PATH_SIZE (CH_SHA256_HEX_SIZE + 5)
void ch_object_path(const struct ch_sha256 *sum, enum ch_object_form form,
		    char out[CH_OBJECT_PATH_SIZE]);

/* Open the folder of them; the caller closes it. -1: as errno says. */
int ch_objects_open(const char *path, struct ch_error *err);

/* Put bytes in as they are; where they are already, nothing changes. Durable
 * when it returns 0. */
int ch_object_add(int objects_fd, const void *bytes, size_t len,
		  struct ch_sha256 *ret_sum, struct ch_error *err);

/* Read an object that lies there as it is, and check it against its name.
 * CH_GIVE_UP: missing, larger than out->max, or its bytes are no longer those
 * it is called by. */
int ch_object_read(int objects_fd, const struct ch_sha256 *sum,
		   struct ch_str *out, struct ch_error *err);

/* Open an object of either form, without a look into it: what is read may be
 * damaged. Returns a descriptor, which the caller closes, with the bytes of the
 * file and its form, or -1 (CH_GIVE_UP) where there is none. */
int ch_object_open(int objects_fd, const struct ch_sha256 *sum,
		   uint64_t *ret_size, enum ch_object_form *ret_form,
		   struct ch_error *err);

/* Remove a compressed one. Returns 1 and its bytes on the disk; 0: it was not
 * there. */
int ch_object_remove(int objects_fd, const struct ch_sha256 *sum,
		     uint64_t *ret_size, struct ch_error *err);

/* ---- several together --------------------------------------------------
 *
 * Each alone costs two waits for the disk. Of many, all are written first, then
 * the whole file system is asked once to be durable, then all get their names,
 * and it is asked again: so hundreds cost as much as two. They are compressed.
 *
 *	begin, write …, end     for each, under a name of its own for now
 *	keep                    all are there and durable, or -1
 *	release                 what was not kept is gone
 *
 * From the keeping to the release nobody removes one (sweep.h): who tells others
 * of what was kept does so before the release.
 */

struct ch_object_new; /* its own */

struct ch_objects {
	int objects_fd; /* borrowed; of errors of the disk that come before it
			 * was opened nothing is known */
	const char *owner; /* borrowed */
	struct ch_compress *compress; /* borrowed */
	struct ch_object_new *items; /* owned */
	size_t len, cap;
	bool locked; /* some were kept */
	/* the one that is being written */
	int fd;
	struct ch_sha256_ctx ctx;
};

/* `owner` is a short word of letters and digits in the names that they have
 * until they are kept. */
void ch_objects_init(struct ch_objects *objects, int objects_fd,
		     const char *owner, struct ch_compress *compress);
void ch_objects_release(struct ch_objects *objects);

/* After any -1 nothing but ch_objects_release() may follow. */
int ch_objects_begin(struct ch_objects *objects, struct ch_error *err);
int ch_objects_write(struct ch_objects *objects, const void *bytes, size_t len,
		     struct ch_error *err);
/* The object is whole: its name is that of all that was written. */
int ch_objects_end(struct ch_objects *objects, struct ch_sha256 *ret_sum,
		   struct ch_error *err);

/* Remove what an owner that was killed has left; nobody else may have it. */
void ch_objects_sweep(int objects_fd, const char *owner);

/* Durable, under their names, in the place of those that were there before. The
 * set is empty then. */
int ch_objects_keep(struct ch_objects *objects, struct ch_error *err);

#endif
