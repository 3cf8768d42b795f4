// SPDX-License-Identifier: GPL-3.0-or-later
/* imports.c - see imports.h.
 *
 * What a crash leaves at each step: a folder in the spool, swept at the next
 * start; rows of a batch in state "importing", dropped at the next start; or
 * after the commit in which it is published, the whole batch. Nothing between.
 * A turn ends after some milliseconds, so a table of any size goes in over many
 * short transactions, and the import worker waits in write() meanwhile.
 */
#include "chanceryd/imports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crash.h"
#include "base/mem.h"
#include "chanceryd/chores.h"
#include "chanceryd/detail.h"
#include "chanceryd/dispatch.h"
#include "chanceryd/imports-private.h"
#include "chanceryd/room.h"
#include "chanceryd/spool.h"

#define LETTERS_AT_ONCE 1000 /* dropped in a piece: some 5 ms */

/* ---- life ------------------------------------------------------------- */

void ch_import_free(struct ch_import *import)
{
	ch_store_batch_release(&import->batch);
	ch_problems_release(&import->problems);
	free(import->spool_dir);
	free(import);
}

void ch_import_forget(struct ch_import *import)
{
	struct ch_imports *imports = import->room->imports;
	struct ch_import **at = &imports->first;

	if (import->worker || !import->told)
		return;
	while (*at != import)
		at = &(*at)->next;
	*at = import->next;
	imports->len--;
	if (imports->len == 0)
		imports->look = sd_event_source_disable_unref(imports->look);
	ch_import_free(import);
}

void ch_import_remove_upload(struct ch_mailroom *room, const char *dir)
{
	struct ch_error err;

	if (ch_spool_remove(room->imports->spool, dir, &err) < 0)
		ch_log(&room->log, LOG_WARNING, NULL, "%s", err.text);
}

static int make_folder(const char *path, struct ch_error *err)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return ch_error_errno(err, errno, "%s", path);
	return 0;
}

int ch_imports_new(struct ch_mailroom *room, struct ch_imports **ret,
		   struct ch_error *err)
{
	struct ch_imports *imports;
	struct ch_spool *spool;

	if (make_folder(room->objects_dir, err) < 0 ||
	    ch_spool_open(room->state_dir, &spool, err) < 0)
		return -1;
	imports = ch_xzalloc(sizeof(*imports));
	imports->room = room;
	imports->spool = spool;
	*ret = imports;
	return 0;
}

void ch_imports_free(struct ch_imports *imports)
{
	if (!imports)
		return;
	while (imports->first) {
		struct ch_import *import = imports->first;

		imports->first = import->next;
		ch_import_free(import);
	}
	sd_event_source_disable_unref(imports->look);
	ch_spool_close(imports->spool);
	free(imports);
}

uint64_t ch_imports_under_way(const struct ch_imports *imports)
{
	return imports->len;
}

void ch_imports_stop(struct ch_mailroom *room)
{
	for (struct ch_import *i = room->imports->first; i; i = i->next)
		if (i->worker && !i->over)
			ch_worker_kill(i->worker, "the mail room is stopping");
}

/* ---- the end of one --------------------------------------------------- */

/* After the commit: what was decided is on the disk. */
static void tell_client(void *context)
{
	struct ch_import *import = context;
	struct ch_store_batch batch = { 0 };
	struct ch_error err;

	ch_crash_point("import.kept");
	import->told = true;
	if (import->done && !import->well) {
		import->done(import->context, NULL, &import->problems,
			     &import->why);
	} else if (import->done && import->dry_run) {
		import->done(import->context, &import->batch,
			     &import->problems, NULL);
	} else if (import->done) {
		if (ch_store_batch_by_id(import->room->store, import->batch.id,
					 &batch, &err) < 0)
			ch_room_fail(import->room, &err);
		import->done(import->context, &batch, &import->problems,
			     NULL);
		ch_store_batch_release(&batch);
	}
	ch_import_forget(import);
}

static void tell_failure(struct ch_import *import, int64_t now_us)
{
	struct ch_mailroom *room = import->room;
	struct ch_detail detail = { NULL };
	CH_AUTOCHAR json = NULL;
	struct ch_error err;

	ch_detail_text(&detail, "reference", import->batch.reference);
	ch_detail_int(&detail, "errors", (int64_t)import->problems.errors);
	ch_detail_text(&detail, "text", import->why.text);
	json = ch_detail_take(&detail);
	if (ch_store_event_add(room->store, "import.failed", 0, 0,
			       import->batch.enqueued_by, json, now_us,
			       &err) < 0)
		ch_room_fail(room, &err);
	ch_turn_log(room, LOG_WARNING,
		    &(struct ch_log_fields){ .batch = import->batch.reference },
		    "import for %s failed: %s", import->batch.enqueued_by,
		    import->why.text);
}

static void finish_failure(struct ch_import *import)
{
	int64_t now_us = ch_turn_open(import->room);

	import->batch.id = 0;
	if (!import->dry_run)
		tell_failure(import, now_us);
	ch_mailroom_after_commit(import->room, tell_client, import);
}

static bool drop(struct ch_mailroom *room, void *context)
{
	struct ch_import *import = context;
	struct ch_error err;
	int more;

	ch_turn_open(room);
	more = ch_store_batch_drop_some(room->store, import->batch.id,
					LETTERS_AT_ONCE, &err);
	if (more < 0)
		ch_room_fail(room, &err);
	if (more > 0)
		return true;
	ch_crash_point("import.dropped");
	finish_failure(import);
	return false;
}

void ch_import_fail(struct ch_import *import)
{
	import->over = true;
	if (import->batch.id)
		ch_chore_add(import->room, drop, import, NULL);
	else
		finish_failure(import);
}

static void tell_enqueued(struct ch_import *import, enum ch_batch_state state,
			  int64_t now_us)
{
	struct ch_mailroom *room = import->room;
	const struct ch_store_batch *batch = &import->batch;
	struct ch_detail detail = { NULL };
	CH_AUTOCHAR json = NULL;
	char hex[CH_SHA256_HEX_SIZE];
	struct ch_error err;

	ch_detail_int(&detail, "letters", (int64_t)batch->letters);
	ch_detail_text(&detail, "state", ch_batch_state_name(state));
	if (batch->relation != CH_RELATION_NONE)
		ch_detail_text(&detail, ch_relation_name(batch->relation),
			       batch->related);
	ch_detail_text(&detail, "digest",
		       ch_sha256_hex(&batch->digest, hex));
	json = ch_detail_take(&detail);
	if (ch_store_event_add(room->store, "batch.enqueued", batch->id, 0,
			       batch->enqueued_by, json, now_us, &err) < 0)
		ch_room_fail(room, &err);
	ch_turn_log(room, LOG_NOTICE,
		    &(struct ch_log_fields){ .batch = batch->reference },
		    "%llu letters enqueued by %s, %s",
		    (unsigned long long)batch->letters, batch->enqueued_by,
		    ch_batch_state_name(state));
}

/* Some may have answered since the table of those who had not was made. */
static void spare_answered(struct ch_import *import, int64_t now_us)
{
	struct ch_mailroom *room = import->room;
	struct ch_error err;
	int64_t spared;

	if (import->batch.relation != CH_RELATION_REMINDS)
		return;
	spared = ch_store_spare_answered(room->store, import->batch.id, now_us,
					 &err);
	if (spared < 0)
		ch_room_fail(room, &err);
	if (spared > 0)
		ch_turn_log(room, LOG_NOTICE,
			    &(struct ch_log_fields){
				    .batch = import->batch.reference },
			    "%lld have answered %s and are not reminded",
			    (long long)spared, import->batch.related);
}

void ch_import_publish(struct ch_import *import)
{
	struct ch_mailroom *room = import->room;
	enum ch_batch_state state =
		import->hold ? CH_BATCH_HELD : CH_BATCH_OPEN;
	int64_t now_us = ch_turn_open(room);
	struct ch_error err;

	import->well = true;
	import->batch.state = state;
	if (!import->dry_run) {
		ch_crash_point("import.publish");
		if (ch_store_batch_publish(room->store, import->batch.id,
					   &import->batch, state, &err) < 0)
			ch_room_fail(room, &err);
		tell_enqueued(import, state, now_us);
		spare_answered(import, now_us);
		ch_dispatch_batch(room, import->batch.id);
	}
	import->over = true;
	ch_mailroom_after_commit(room, tell_client, import);
}
