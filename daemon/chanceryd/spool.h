/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spool.h - a fresh folder for each upload, and none left behind.
 *
 * All folders are directly below spool/ beside the database. Whatever is in
 * there at a start belongs to an import that died with its daemon. Nothing is
 * followed on the way down: a symbolic link in an upload is removed as such.
 */
#ifndef CH_CHANCERYD_SPOOL_H
#define CH_CHANCERYD_SPOOL_H

#include "base/error.h"
#include "base/mem.h"

struct ch_spool; /* opaque */

/* Open spool/ in `directory` (0700, made where it is not there) and empty it.
 * The caller frees *ret with ch_spool_close(). -1: CH_GIVE_UP where it is no
 * folder of ours; CH_RETRY where the disk is full or fails. */
int ch_spool_open(const char *directory, struct ch_spool **ret,
		  struct ch_error *err);
void ch_spool_close(struct ch_spool *spool); /* NULL is fine */
static inline void ch_spool_auto_free(struct ch_spool **spool)
{
	ch_spool_close(*spool);
}

/* Make an empty folder with a name that nobody can guess. Returns 0 and its
 * absolute path, which the caller frees. */
int ch_spool_add(struct ch_spool *spool, char **ret_path,
		 struct ch_error *err);

/* Whether `path` is what ch_spool_add() gave: nothing else is removed. */
int ch_spool_check(const struct ch_spool *spool, const char *path,
		   struct ch_error *err);

/* Remove such a folder with all that is in it. -1 where something could not be
 * removed; the next start tries again. */
int ch_spool_remove(struct ch_spool *spool, const char *path,
		    struct ch_error *err);

#endif
