// SPDX-License-Identifier: GPL-3.0-or-later
/* import-enqueue.c - an upload is asked for: check the request, reserve its
 * reference, start the worker.
 */
#include "chanceryd/imports-private.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "chanceryd/room.h"
#include "chanceryd/spool.h"
#include "letter/recipients.h"

#define IMPORTS_MAX 4 /* at once */
#define REFERENCE_MAX 100
/* A worker says something with every few hundred letters. */
#define SILENCE_MAX_MS (10 * 60 * 1000)
#define LOOK_EVERY_US (30 * 1000000ULL)

/* It is shown in many places: nothing in it may hide or turn what it says. */
static int check_characters(const char *reference, size_t len,
			    struct ch_error *err)
{
	uint32_t cp;
	size_t used;

	for (size_t i = 0; i < len; i += used) {
		used = ch_utf8_decode(reference + i, len - i, &cp);
		if (used == 0)
			return ch_error_set(err, CH_GIVE_UP,
					    "the reference is not UTF-8");
		if (ch_utf8_is_control(cp) || ch_utf8_is_bidi_control(cp))
			return ch_error_set(err, CH_GIVE_UP,
					    "a control character in the "
					    "reference");
	}
	if (reference[0] == ' ' || reference[len - 1] == ' ')
		return ch_error_set(err, CH_GIVE_UP,
				    "a space at an end of the reference");
	return 0;
}

/* It is part of a path in a URL: no empty component, none that a client would
 * fold away. */
static int check_components(const char *reference, struct ch_error *err)
{
	const char *at = reference;

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

static int check_reference(const char *reference, struct ch_error *err)
{
	size_t len = strlen(reference);

	if (len == 0)
		return ch_error_set(err, CH_GIVE_UP, "there is no reference");
	if (len > REFERENCE_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "the reference is longer than %d bytes",
				    REFERENCE_MAX);
	if (check_characters(reference, len, err) < 0)
		return -1;
	return check_components(reference, err);
}

static int check_tables(const struct ch_enqueue *request, struct ch_error *err)
{
	if (request->recipients_len == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "there is no table of recipients");
	if (request->recipients_len > CH_TABLES_MAX)
		return ch_error_set(err, CH_GIVE_UP, "more than %d tables",
				    CH_TABLES_MAX);
	for (size_t i = 0; i < request->recipients_len; i++) {
		const char *name = request->recipients[i];

		if (!name[0] || strchr(name, '/'))
			return ch_error_set(err, CH_GIVE_UP,
					    "a table has no name");
	}
	return 0;
}

static int check_request(struct ch_mailroom *room,
			 const struct ch_enqueue *request,
			 struct ch_error *err)
{
	if (check_reference(request->reference, err) < 0)
		return -1;
	if (check_tables(request, err) < 0)
		return -1;
	if (room->stopping)
		return ch_error_set(err, CH_RETRY,
				    "the mail room is stopping");
	if (room->imports->len >= IMPORTS_MAX)
		return ch_error_set(err, CH_RETRY,
				    "%d imports are under way already",
				    IMPORTS_MAX);
	return ch_spool_check(room->imports->spool, request->spool_dir, err);
}

static struct ch_import *new_import(struct ch_mailroom *room,
				 const struct ch_enqueue *request,
				 int64_t now_us)
{
	const struct ch_config *config = room->config;
	struct ch_import *import = ch_xzalloc(sizeof(*import));

	*import = (struct ch_import){
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
		.terms = request->terms,
		.relation = request->relation,
		.related = ch_xstrdup(request->related),
		/* A letter for next week bears next week's date. */
		.date_us = request->not_before_us > now_us ?
				   request->not_before_us : now_us,
	};
	return import;
}

/* The batch that this one follows on. */
static int find_related(struct ch_import *import, struct ch_error *err)
{
	struct ch_mailroom *room = import->room;
	CH_AUTO(ch_store_batch) other = { 0 };
	int got;

	if (import->batch.relation == CH_RELATION_NONE)
		return 0;
	got = ch_store_batch_by_reference(room->store, import->batch.related,
					  &other, err);
	if (got < 0)
		ch_room_fail(room, err);
	if (got == 0)
		return ch_error_refuse(err, "4.0.4", "there is no batch %s",
				       import->batch.related);
	/* Nobody but the one who rehearses has the first letter. */
	if (other.test_to[0] && !import->batch.test_to[0] &&
	    import->batch.relation == CH_RELATION_REMINDS)
		return ch_error_refuse(err, "4.2.2",
				       "%s was a rehearsal, all of it went to "
				       "%s: a reminder of it goes to a test "
				       "address too", other.reference,
				       other.test_to);
	import->batch.related_id = other.id;
	return 0;
}

/* Reserve the reference: nobody sees the batch, and nobody else gets it. */
static int create(struct ch_import *import, struct ch_error *err)
{
	struct ch_mailroom *room = import->room;
	struct ch_store_batch other = { 0 };
	int got;

	if (find_related(import, err) < 0)
		return -1;
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

static int start_worker(struct ch_import *import,
			const struct ch_enqueue *request, struct ch_error *err)
{
	struct ch_mailroom *room = import->room;
	const struct ch_config *config = room->config;
	struct ch_slice tables[CH_TABLES_MAX];
	struct ch_import_start start = {
		.spool_dir = ch_slice_of(import->spool_dir),
		.objects_dir = ch_slice_of(room->objects_dir),
		.recipients = tables,
		.recipients_len = (uint32_t)request->recipients_len,
		.reference = ch_slice_of(request->reference),
		.deadline = ch_slice_of(request->deadline),
		.charset = ch_slice_of(request->charset),
		.sheet = ch_slice_of(request->sheet),
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
		.smtputf8 = ch_config_has_smtputf8(config),
	};
	struct ch_error drop;

	for (size_t i = 0; i < request->recipients_len; i++)
		tables[i] = ch_slice_of(request->recipients[i]);
	if (ch_worker_start(room, &ch_import_role, import, &import->worker,
			    err) == 0) {
		ch_worker_tell(import->worker, CH_MSG_IMPORT_START, &start);
		return 0;
	}
	if (import->batch.id &&
	    ch_store_batch_drop(room->store, import->batch.id, &drop) < 0)
		ch_room_fail(room, &drop);
	/* The house's fault; the reference is a good one. */
	if (!err->status[0])
		snprintf(err->status, sizeof(err->status), "5.0.0");
	return -1;
}

static int on_look(sd_event_source *source, uint64_t usec, void *context)
{
	struct ch_imports *imports = context;
	int64_t now_ms = ch_clock_mono_ms();

	for (struct ch_import *i = imports->first; i; i = i->next)
		if (i->worker && now_ms - i->heard_ms > SILENCE_MAX_MS)
			ch_worker_kill(i->worker, "it said nothing for long");
	(void)sd_event_source_set_time_relative(source, LOOK_EVERY_US);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static void watch(struct ch_imports *imports)
{
	struct ch_error err;
	int r = 0;

	if (!imports->look)
		r = sd_event_add_time_relative(imports->room->event,
					       &imports->look, CLOCK_MONOTONIC,
					       LOOK_EVERY_US, 0, on_look,
					       imports);
	if (r >= 0)
		return;
	(void)ch_error_errno(&err, -r, "event loop");
	ch_room_fail(imports->room, &err);
}

static int start(struct ch_mailroom *room, const struct ch_enqueue *request,
		 ch_enqueue_done *done, void *context, struct ch_error *err)
{
	struct ch_imports *imports = room->imports;
	struct ch_import *import;

	if (check_request(room, request, err) < 0)
		return -1;
	import = new_import(room, request, ch_turn_open(room));
	if (create(import, err) < 0 ||
	    start_worker(import, request, err) < 0) {
		ch_import_free(import);
		return -1;
	}
	import->done = done;
	import->context = context;
	import->next = imports->first;
	imports->first = import;
	imports->len++;
	watch(imports);
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
	ch_import_remove_upload(room, request->spool_dir);
	return -1;
}

void ch_mailroom_forget(struct ch_mailroom *room, void *context)
{
	for (struct ch_import *i = room->imports->first; i; i = i->next)
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
