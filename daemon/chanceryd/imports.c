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

#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "chanceryd/chores.h"
#include "chanceryd/detail.h"
#include "chanceryd/dispatch.h"
#include "chanceryd/room.h"
#include "chanceryd/spool.h"
#include "chanceryd/workers.h"

#define IMPORTS_MAX 4 /* at once */
#define REFERENCE_MAX 100
#define ADDRESSES_MAX 1000 /* of one letter */
#define LETTERS_AT_ONCE 1000 /* dropped in a piece: some 5 ms */
/* A worker says something with every few hundred letters. */
#define SILENCE_MAX_MS (10 * 60 * 1000)
#define LOOK_EVERY_US (30 * 1000000ULL)
/* Of what is kept for the client; the rest is only counted. */
#define PROBLEM_TEXT_MAX 2000
#define PROBLEMS_BYTES_MAX (1024 * 1024)

struct import {
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
	struct import *next;
};

struct ch_imports {
	struct ch_mailroom *room; /* borrowed */
	struct ch_spool *spool;   /* owned */
	struct import *first;
	size_t len;
	sd_event_source *look; /* owned; NULL: none is under way */
};

/* ---- life ------------------------------------------------------------- */

static void free_import(struct import *import)
{
	ch_store_batch_release(&import->batch);
	ch_problems_release(&import->problems);
	free(import->spool_dir);
	free(import);
}

/* Nobody needs it any more: its worker has ended and the client knows. */
static void forget(struct import *import)
{
	struct ch_imports *imports = import->room->imports;
	struct import **at = &imports->first;

	if (import->worker || !import->told)
		return;
	while (*at != import)
		at = &(*at)->next;
	*at = import->next;
	imports->len--;
	if (imports->len == 0)
		imports->look = sd_event_source_disable_unref(imports->look);
	free_import(import);
}

static void remove_upload(struct ch_mailroom *room, const char *dir)
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
		struct import *import = imports->first;

		imports->first = import->next;
		free_import(import);
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
	for (struct import *i = room->imports->first; i; i = i->next)
		if (i->worker && !i->over)
			ch_worker_kill(i->worker, "the mail room is stopping");
}

/* ---- the end of one --------------------------------------------------- */

/* After the commit: what was decided is on the disk. */
static void tell_client(void *context)
{
	struct import *import = context;
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
	forget(import);
}

static void tell_failure(struct import *import, int64_t now_us)
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

static void finish_failure(struct import *import)
{
	int64_t now_us = ch_turn_open(import->room);

	import->batch.id = 0;
	if (!import->dry_run)
		tell_failure(import, now_us);
	ch_mailroom_after_commit(import->room, tell_client, import);
}

static bool drop(struct ch_mailroom *room, void *context)
{
	struct import *import = context;
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

/* Take back whatever went into the store. import->why says why. Its reference
 * is free, and the client hears of it, when all is gone. */
static void fail(struct import *import)
{
	import->over = true;
	if (import->batch.id)
		ch_chore_add(import->room, drop, import, NULL);
	else
		finish_failure(import);
}

static void tell_enqueued(struct import *import, enum ch_batch_state state,
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

/* From the commit of this turn on it is there, as a whole. */
static int publish(struct import *import, struct ch_error *err)
{
	struct ch_mailroom *room = import->room;
	enum ch_batch_state state =
		import->hold ? CH_BATCH_HELD : CH_BATCH_OPEN;
	int64_t now_us = ch_turn_open(room);

	import->well = true;
	import->batch.state = state;
	if (!import->dry_run) {
		ch_crash_point("import.publish");
		if (ch_store_batch_publish(room->store, import->batch.id,
					   &import->batch, state, err) < 0)
			ch_room_fail(room, err);
		tell_enqueued(import, state, now_us);
		ch_dispatch_batch(room, import->batch.id);
	}
	import->over = true;
	ch_mailroom_after_commit(room, tell_client, import);
	return 0;
}

/* ---- what the worker says --------------------------------------------- */

static struct import *heard(struct ch_worker *worker, struct ch_error *err)
{
	struct import *import = ch_worker_owner(worker);

	import->heard_ms = ch_clock_mono_ms();
	if (!import->over)
		return import;
	ch_error_set(err, CH_GIVE_UP, "its import is over");
	return NULL;
}

/* A row is the worker's fault where the rest of the store is in order. */
static int row(struct import *import, int rc, struct ch_error *err)
{
	if (rc < 0 && err->fate != CH_GIVE_UP)
		ch_room_fail(import->room, err);
	return rc;
}

static int on_file(struct ch_mailroom *room, struct ch_worker *worker,
		   const void *message, struct ch_error *err)
{
	const struct ch_batch_file *f =
		&((const struct ch_import_file *)message)->file;
	struct import *import = heard(worker, err);
	CH_AUTOCHAR role = ch_slice_dup(f->role);
	CH_AUTOCHAR name = ch_slice_dup(f->name);

	if (!import)
		return -1;
	if (import->dry_run)
		return 0;
	ch_turn_open(room);
	return row(import, ch_store_batch_add_file(room->store,
						   import->batch.id, role,
						   name, &f->sha256,
						   f->size_bytes, err), err);
}

static int add_letter(struct import *import,
		      const struct ch_import_letter *message,
		      struct ch_error *err)
{
	struct ch_store_address *list =
		ch_xcalloc(message->addresses_len, sizeof(*list));
	struct ch_store_letter letter = {
		.key = ch_slice_dup(message->key),
		.name = ch_slice_dup(message->name),
		.language = ch_slice_dup(message->language),
		.message_id = ch_slice_dup(message->message_id),
		.addresses = list,
		.addresses_len = message->addresses_len,
	};
	int rc;

	ch_str_init(&letter.fields, CH_FRAME_MAX);
	ch_str_add_mem(&letter.fields, message->fields.data,
		       message->fields.len);
	for (uint32_t i = 0; i < message->addresses_len; i++) {
		list[i].seq = i;
		list[i].role = message->addresses[i].role;
		list[i].address = ch_slice_dup(message->addresses[i].address);
	}
	ch_turn_open(import->room);
	rc = ch_store_letter_add(import->room->store, import->batch.id,
				 &letter, err);
	ch_store_letter_release(&letter);
	return row(import, rc, err);
}

static int on_letter(struct ch_mailroom *room, struct ch_worker *worker,
		     const void *message, struct ch_error *err)
{
	const struct ch_import_letter *letter = message;
	struct import *import = heard(worker, err);

	if (!import)
		return -1;
	if (letter->addresses_len == 0 ||
	    letter->addresses_len > ADDRESSES_MAX)
		return ch_error_set(err, CH_GIVE_UP, "%u addresses",
				    letter->addresses_len);
	ch_crash_point("import.letter");
	import->letters++;
	if (import->dry_run || import->problems.errors > 0)
		return 0;
	return add_letter(import, letter, err);
}

/* At a character's end, as far as it is UTF-8. */
static char *cut(struct ch_slice text)
{
	if (text.len > PROBLEM_TEXT_MAX) {
		text.len = PROBLEM_TEXT_MAX;
		while (text.len > 0 && (text.data[text.len] & 0xc0) == 0x80)
			text.len--;
	}
	return ch_slice_dup(text);
}

static void keep_problem(struct import *import,
			 const struct ch_import_problem *message)
{
	CH_AUTOCHAR file = cut(message->file);
	CH_AUTOCHAR field = cut(message->field);
	CH_AUTOCHAR text = cut(message->text);
	CH_AUTOCHAR hint = cut(message->hint);
	struct ch_place place = { file, message->line, message->column,
				  field };
	enum ch_problem_kind kind = message->kind == CH_PROBLEM_ERROR ?
					    CH_PROBLEM_ERROR :
					    CH_PROBLEM_WARNING;

	if (import->problems_bytes > PROBLEMS_BYTES_MAX) {
		if (kind == CH_PROBLEM_ERROR)
			import->problems.errors++;
		else
			import->problems.warnings++;
		return;
	}
	import->problems_bytes += message->file.len + message->field.len +
				  message->text.len + message->hint.len;
	ch_problems_add(&import->problems, kind, place, hint, "%s", text);
}

static int on_problem(struct ch_mailroom *room, struct ch_worker *worker,
		      const void *message, struct ch_error *err)
{
	struct import *import = heard(worker, err);

	if (!import)
		return -1;
	keep_problem(import, message);
	return 0;
}

static int on_done(struct ch_mailroom *room, struct ch_worker *worker,
		   const void *message, struct ch_error *err)
{
	const struct ch_import_done *done = message;
	struct import *import = heard(worker, err);
	struct ch_store_batch *batch;

	if (!import)
		return -1;
	batch = &import->batch;
	if (import->problems.errors > 0 || done->errors > 0) {
		ch_error_set(&import->why, CH_GIVE_UP,
			     "%llu errors in the letter or the table",
			     (unsigned long long)(done->errors ?
				done->errors : import->problems.errors));
		fail(import);
		return 0;
	}
	if (done->letters != import->letters || done->letters == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "%llu letters came of %llu",
				    (unsigned long long)import->letters,
				    (unsigned long long)done->letters);
	batch->letters = done->letters;
	batch->largest_bytes = done->largest_bytes;
	batch->digest = done->digest;
	batch->subject = ch_slice_dup(done->subject);
	batch->summary = ch_slice_dup(done->summary);
	return publish(import, err);
}

static void on_end(struct ch_mailroom *room, struct ch_worker *worker,
		   const struct ch_worker_end *how)
{
	struct import *import = ch_worker_owner(worker);

	import->worker = NULL;
	remove_upload(room, import->spool_dir);
	if (!import->over) {
		ch_error_set(&import->why, CH_RETRY,
			     "the import ended early: %s", how->text);
		fail(import);
	}
	forget(import);
}

static const struct ch_worker_role_table import_role = {
	.program = "chancery-import",
	.handlers = {
		[CH_MSG_IMPORT_FILE] = on_file,
		[CH_MSG_IMPORT_LETTER] = on_letter,
		[CH_MSG_IMPORT_PROBLEM] = on_problem,
		[CH_MSG_IMPORT_DONE] = on_done,
	},
	.ended = on_end,
};

/* ---- the start of one ------------------------------------------------- */

/* What can be part of a path in a URL and of a subject: printable, no empty
 * component, none that a client would fold away. */
static int check_reference(const char *reference, struct ch_error *err)
{
	size_t len = strlen(reference);
	const char *at = reference;

	if (len == 0)
		return ch_error_set(err, CH_GIVE_UP, "there is no reference");
	if (len > REFERENCE_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "the reference is longer than %d bytes",
				    REFERENCE_MAX);
	if (!ch_utf8_valid(reference, len, NULL))
		return ch_error_set(err, CH_GIVE_UP,
				    "the reference is not UTF-8");
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)reference[i] < 0x20 || reference[i] == 0x7f)
			return ch_error_set(err, CH_GIVE_UP,
					    "a control character in the "
					    "reference");
	if (reference[0] == ' ' || reference[len - 1] == ' ')
		return ch_error_set(err, CH_GIVE_UP,
				    "a space at an end of the reference");
	for (;;) {
		size_t part = strcspn(at, "/");

		if (part == 0 || (part == 1 && at[0] == '.') ||
		    (part == 2 && at[0] == '.' && at[1] == '.'))
			return ch_error_set(err, CH_GIVE_UP,
					    "\"%s\" is no reference: a part "
					    "between slashes is empty or dots",
					    reference);
		if (!at[part])
			return 0;
		at += part + 1;
	}
}

static int check_request(struct ch_mailroom *room,
			 const struct ch_enqueue *request,
			 struct ch_error *err)
{
	if (check_reference(request->reference, err) < 0)
		return -1;
	if (!request->recipients[0] || strchr(request->recipients, '/'))
		return ch_error_set(err, CH_GIVE_UP,
				    "there is no table of recipients");
	if (room->stopping)
		return ch_error_set(err, CH_RETRY,
				    "the mail room is stopping");
	if (room->imports->len >= IMPORTS_MAX)
		return ch_error_set(err, CH_RETRY,
				    "%d imports are under way already",
				    IMPORTS_MAX);
	return ch_spool_check(room->imports->spool, request->spool_dir, err);
}

static struct import *new_import(struct ch_mailroom *room,
				 const struct ch_enqueue *request,
				 int64_t now_us)
{
	const struct ch_config *config = room->config;
	struct import *import = ch_xzalloc(sizeof(*import));

	*import = (struct import){
		.room = room,
		.spool_dir = ch_xstrdup(request->spool_dir),
		.hold = request->hold || config->release.hold,
		.dry_run = request->dry_run,
		.heard_ms = ch_clock_mono_ms(),
	};
	import->batch = (struct ch_store_batch){
		.reference = ch_xstrdup(request->reference),
		.deadline = ch_xstrdup(request->deadline),
		.from = ch_xstrdup(config->secretariat.from),
		.reply_to = ch_xstrdup(config->secretariat.reply_to),
		.test_to = ch_xstrdup(request->test_to),
		.enqueued_by = ch_xstrdup(request->who.name),
		.released_by = ch_xstrdup(""),
		.created_us = now_us,
		.not_before_us = request->not_before_us,
		/* A letter for next week bears next week's date. */
		.date_us = request->not_before_us > now_us ?
				   request->not_before_us : now_us,
	};
	return import;
}

/* Reserve the reference: nobody sees the batch, and nobody else gets it. */
static int create(struct import *import, struct ch_error *err)
{
	struct ch_mailroom *room = import->room;
	struct ch_store_batch other = { 0 };
	int got;

	if (!import->dry_run) {
		if (ch_store_batch_create(room->store, &import->batch,
					  &import->batch.id, err) == 0)
			return 0;
		if (err->fate != CH_GIVE_UP)
			ch_room_fail(room, err);
		return -1;
	}
	got = ch_store_batch_by_reference(room->store, import->batch.reference,
					  &other, err);
	if (got < 0)
		ch_room_fail(room, err);
	if (got > 0) {
		ch_store_batch_release(&other);
		return ch_error_set(err, CH_GIVE_UP, "%s is already there",
				    import->batch.reference);
	}
	return 0;
}

static int start_worker(struct import *import,
			const struct ch_enqueue *request, struct ch_error *err)
{
	struct ch_mailroom *room = import->room;
	const struct ch_config *config = room->config;
	struct ch_import_start start = {
		.spool_dir = ch_slice_of(import->spool_dir),
		.objects_dir = ch_slice_of(room->objects_dir),
		.recipients = ch_slice_of(request->recipients),
		.reference = ch_slice_of(request->reference),
		.deadline = ch_slice_of(request->deadline),
		.charset = ch_slice_of(request->charset),
		.fallback_language =
			ch_slice_of(config->secretariat.language),
		.from = ch_slice_of(import->batch.from),
		.reply_to = ch_slice_of(import->batch.reply_to),
		.test_to = ch_slice_of(import->batch.test_to),
		.message_id_domain = ch_slice_of(ch_room_hostname(room)),
		.date_us = import->batch.date_us,
		.max_message_bytes =
			(uint64_t)config->import.max_message_bytes,
		.max_recipients = (uint64_t)config->import.max_recipients,
	};

	struct ch_error drop;

	if (ch_worker_start(room, &import_role, import, &import->worker,
			    err) == 0) {
		ch_worker_tell(import->worker, CH_MSG_IMPORT_START, &start);
		return 0;
	}
	if (import->batch.id &&
	    ch_store_batch_drop(room->store, import->batch.id, &drop) < 0)
		ch_room_fail(room, &drop);
	return -1;
}

static int on_look(sd_event_source *source, uint64_t usec, void *context)
{
	struct ch_imports *imports = context;
	int64_t now_ms = ch_clock_mono_ms();

	for (struct import *i = imports->first; i; i = i->next)
		if (i->worker && now_ms - i->heard_ms > SILENCE_MAX_MS)
			ch_worker_kill(i->worker, "it said nothing for long");
	(void)sd_event_source_set_time_relative(source, LOOK_EVERY_US);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static int watch(struct ch_imports *imports, struct ch_error *err)
{
	int r = 0;

	if (!imports->look)
		r = sd_event_add_time_relative(imports->room->event,
					       &imports->look, CLOCK_MONOTONIC,
					       LOOK_EVERY_US, 0, on_look,
					       imports);
	return r < 0 ? ch_error_errno(err, -r, "event loop") : 0;
}

static int start(struct ch_mailroom *room, const struct ch_enqueue *request,
		 ch_enqueue_done *done, void *context, struct ch_error *err)
{
	struct ch_imports *imports = room->imports;
	struct import *import;

	if (check_request(room, request, err) < 0 || watch(imports, err) < 0)
		return -1;
	import = new_import(room, request, ch_turn_open(room));
	if (create(import, err) < 0 ||
	    start_worker(import, request, err) < 0) {
		free_import(import);
		return -1;
	}
	import->done = done;
	import->context = context;
	import->next = imports->first;
	imports->first = import;
	imports->len++;
	ch_crash_point("import.created");
	return 0;
}

int ch_mailroom_enqueue(struct ch_mailroom *room,
			const struct ch_enqueue *request,
			ch_enqueue_done *done, void *context,
			struct ch_error *err)
{
	if (start(room, request, done, context, err) == 0)
		return 0;
	remove_upload(room, request->spool_dir);
	return -1;
}

void ch_mailroom_forget(struct ch_mailroom *room, void *context)
{
	for (struct import *i = room->imports->first; i; i = i->next)
		if (i->context == context) {
			i->done = NULL;
			i->context = NULL;
		}
}

int ch_mailroom_spool(struct ch_mailroom *room, char **ret_dir,
		      struct ch_error *err)
{
	return ch_spool_add(room->imports->spool, ret_dir, err);
}
