/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep.h - look for objects of mails that nobody knows of.
 *
 * A mail is put among the objects (objects.h) before it is told to anybody. Who
 * is killed in between reads it once more and tells it then, unless there is no
 * mailbox any more: its object would stay for ever. What letters are made of is
 * not looked at.
 *
 * A writer holds the folder locked, with others of its kind, from the keeping
 * until it has told what it kept; what is removed here is removed under a lock
 * that excludes them. So it does not matter how slow a writer is.
 */
#ifndef CH_BASE_SWEEP_H
#define CH_BASE_SWEEP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

struct ch_sweep; /* opaque */

/* Begin a look through that folder, a descriptor that it takes: of
 * ch_objects_open(). */
struct ch_sweep *ch_sweep_new(int objects_fd);
void ch_sweep_free(struct ch_sweep *sweep); /* NULL is fine */

/* Look at the next `limit` files: which compressed objects were written before
 * that time goes into `ret`, which has room for as many. What a writer left half
 * written then goes at once. Returns 1 where there may be more, 0 at the end. A
 * folder that cannot be read is passed by. */
int ch_sweep_look(struct ch_sweep *sweep, int64_t before_us, size_t limit,
		  struct ch_sha256 *ret, size_t *ret_len);

/* Remove one, which nobody knows of: returns 1 and its bytes on the disk; 0
 * where it is gone, was written once more since, or a writer has the folder:
 * perhaps another time. */
int ch_sweep_remove(struct ch_sweep *sweep, const struct ch_sha256 *sum,
		    int64_t before_us, uint64_t *ret_size,
		    struct ch_error *err);

#endif
