/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sort.h - records in the order of their keys, more than memory holds.
 *
 * What passes the memory given goes, sorted, to a temporary file that has no
 * name; at the end these runs are merged. Few records never touch a disk.
 */
#ifndef CH_LETTER_SORT_H
#define CH_LETTER_SORT_H

#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

struct ch_sort; /* opaque */

/* `folder` is where the temporary file goes; NULL: $TMPDIR, else /var/tmp. */
struct ch_sort *ch_sort_new(const char *folder, size_t memory_bytes);
void ch_sort_free(struct ch_sort *sort);

/* Add a record; both are copied. -1 where the temporary file cannot be made or
 * written. */
int ch_sort_add(struct ch_sort *sort, struct ch_slice key,
		struct ch_slice value, struct ch_error *err);

/* After all are added: the next record in the order of the bytes of its key,
 * those of one key in the order in which they came. 1 with both, borrowed until
 * the next call; 0 at the end; -1 as above. */
int ch_sort_next(struct ch_sort *sort, struct ch_slice *ret_key,
		 struct ch_slice *ret_value, struct ch_error *err);

CH_DEFINE_AUTOPTR(ch_sort);

#endif
