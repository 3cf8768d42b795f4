/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imports.h - uploads become batches: the spool, the import workers, and
 * ch_mailroom_spool(), ch_mailroom_enqueue(), ch_mailroom_forget() of
 * mailroom.h.
 */
#ifndef CH_CHANCERYD_IMPORTS_H
#define CH_CHANCERYD_IMPORTS_H

#include <stdint.h>

#include "base/error.h"

struct ch_imports; /* opaque; room->imports */
struct ch_mailroom;

/* Make room->spool_dir and room->objects_dir (mode 0700) where they are
 * missing, and remove uploads that a crash left in the spool. */
int ch_imports_new(struct ch_mailroom *room, struct ch_imports **ret,
		   struct ch_error *err);
void ch_imports_free(struct ch_imports *imports); /* NULL is fine */

/* The room is stopping: imports under way end, and have failed. */
void ch_imports_stop(struct ch_mailroom *room);

uint64_t ch_imports_under_way(const struct ch_imports *imports);

#endif
