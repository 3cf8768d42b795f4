/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imports-private.h - an import under way, for the files that share it:
 * imports.c how it ends, import-enqueue.c how it begins, import-worker.c what
 * its worker says.
 */
#ifndef CH_CHANCERYD_IMPORTS_PRIVATE_H
#define CH_CHANCERYD_IMPORTS_PRIVATE_H

#include "chanceryd/mailroom.h"
#include "chanceryd/workers.h"

struct ch_spool; /* spool.h */

struct ch_import {
	struct ch_mailroom *room;     /* borrowed */
	struct ch_worker *worker;     /* NULL once it has ended */
	struct ch_store_batch batch;  /* owned; id 0: nothing is in the store */
	char *spool_dir;              /* owned */
	bool hold;
	bool dry_run;
	struct ch_problems problems;
	size_t problems_bytes;
	uint64_t letters;
	int64_t heard_ms;
	bool over;             /* published, dropped or found good */
	bool well;             /* over, and nothing was wrong */
	bool told;             /* and the client knows, if it still waits */
	struct ch_error why;   /* over and not well */
	ch_enqueue_done *done; /* NULL: the client has gone */
	void *context;         /* borrowed */
	struct ch_import *next;
};

struct ch_imports {
	struct ch_mailroom *room; /* borrowed */
	struct ch_spool *spool;   /* owned */
	struct ch_import *first;
	size_t len;
	sd_event_source *look; /* owned; NULL: none is under way */
};

extern const struct ch_worker_role_table ch_import_role;

/* Take back whatever went into the store; import->why says why. Its reference
 * is free, and the client hears of it, when all is gone. */
void ch_import_fail(struct ch_import *import);
/* All of it is in the store, and import->batch says what: from the commit of
 * this turn on it is there, as a whole. */
void ch_import_publish(struct ch_import *import);
/* Free it once nobody needs it: its worker has ended and the client knows. */
void ch_import_forget(struct ch_import *import);
void ch_import_free(struct ch_import *import);
/* Remove a folder of the spool; what cannot be, is at the next start. */
void ch_import_remove_upload(struct ch_mailroom *room, const char *dir);

#endif
