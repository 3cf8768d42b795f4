// SPDX-License-Identifier: GPL-3.0-or-later
/* import-worker.c - what an import worker says, into the store.
 *
 * It is checked as what a stranger said: the worker has read a stranger's
 * table. What breaks a rule ends the worker, and with it the import.
 */
#include "chanceryd/imports-private.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "chanceryd/room.h"

#define ADDRESSES_MAX 1000 /* of one letter */
/* Of what is kept for the client; the rest is only counted. */
#define PROBLEM_TEXT_MAX 2000
#define PROBLEMS_BYTES_MAX (1024 * 1024)

static struct ch_import *heard(struct ch_worker *worker, struct ch_error *err)
{
	struct ch_import *import = ch_worker_owner(worker);

	import->heard_ms = ch_clock_mono_ms();
	if (!import->over)
		return import;
	ch_error_set(err, CH_GIVE_UP, "its import is over");
	return NULL;
}

/* A row is the worker's fault where the rest of the store is in order. */
static int row(struct ch_import *import, int rc, struct ch_error *err)
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
	struct ch_import *import = heard(worker, err);
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

static int add_letter(struct ch_import *import,
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

/* Nobody is left out silently: whoever enqueues it is told. */
static void warn_of_suppressed(struct ch_import *import,
			       const struct ch_import_letter *letter)
{
	struct ch_store *store = import->room->store;

	for (uint32_t i = 0; i < letter->addresses_len; i++) {
		CH_AUTOCHAR address =
			ch_slice_dup(letter->addresses[i].address);
		CH_AUTO(ch_suppressed) why = { 0 };
		struct ch_error err;
		int got = ch_store_is_suppressed(store, address,
						 import->batch.created_us,
						 &why, &err);

		if (got < 0)
			ch_room_fail(import->room, &err);
		if (got > 0)
			ch_problems_add(&import->problems, CH_PROBLEM_WARNING,
					(struct ch_place){ "recipients", 0, 0,
							   NULL },
					"\"chancery suppress remove\" takes it "
					"from the list.",
					"%.*s: %s is not written to: %s",
					(int)letter->key.len, letter->key.data,
					address, why.reason);
	}
}

static int on_letter(struct ch_mailroom *room, struct ch_worker *worker,
		     const void *message, struct ch_error *err)
{
	const struct ch_import_letter *letter = message;
	struct ch_import *import = heard(worker, err);

	if (!import)
		return -1;
	if (letter->addresses_len == 0 ||
	    letter->addresses_len > ADDRESSES_MAX)
		return ch_error_set(err, CH_GIVE_UP, "%u addresses",
				    letter->addresses_len);
	ch_crash_point("import.letter");
	import->letters++;
	warn_of_suppressed(import, letter);
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

static void keep_problem(struct ch_import *import,
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
	struct ch_import *import = heard(worker, err);

	if (!import)
		return -1;
	keep_problem(import, message);
	return 0;
}

static int on_done(struct ch_mailroom *room, struct ch_worker *worker,
		   const void *message, struct ch_error *err)
{
	const struct ch_import_done *done = message;
	struct ch_import *import = heard(worker, err);
	struct ch_store_batch *batch;

	if (!import)
		return -1;
	batch = &import->batch;
	if (import->problems.errors > 0 || done->errors > 0) {
		unsigned long long errors = done->errors ?
			done->errors : import->problems.errors;

		ch_error_set(&import->why, CH_GIVE_UP,
			     "%llu error%s in the letter or the table", errors,
			     errors == 1 ? "" : "s");
		ch_import_fail(import);
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
	ch_import_publish(import);
	return 0;
}

static void on_end(struct ch_mailroom *room, struct ch_worker *worker,
		   const struct ch_worker_end *how)
{
	struct ch_import *import = ch_worker_owner(worker);

	import->worker = NULL;
	ch_import_remove_upload(room, import->spool_dir);
	if (!import->over) {
		ch_error_set(&import->why, CH_RETRY,
			     "the import ended early: %s", how->text);
		ch_import_fail(import);
	}
	ch_import_forget(import);
}

const struct ch_worker_role_table ch_import_role = {
	.program = "chancery-import",
	.handlers = {
		[CH_MSG_IMPORT_FILE] = on_file,
		[CH_MSG_IMPORT_LETTER] = on_letter,
		[CH_MSG_IMPORT_PROBLEM] = on_problem,
		[CH_MSG_IMPORT_DONE] = on_done,
	},
	.ended = on_end,
};
