// SPDX-License-Identifier: GPL-3.0-or-later
/* retention.c - see retention.h. Chores (chores.h), one after another: letters
 * that come and go have the loop meanwhile. */
#include "chanceryd/retention.h"

#include <stdlib.h>

#include "base/crash.h"
#include "base/mem.h"
#include "base/objects.h"
#include "chanceryd/chores.h"
#include "chanceryd/detail.h"
#include "chanceryd/orphans.h"
#include "chanceryd/room.h"

#define EVERY_US (3600ULL * 1000000)
#define ACCURACY_US 1000000
#define A_DAY 24 /* times that */
#define PIECE 200       /* rows of a step */
#define FILES_PIECE 100 /* and files */

struct ch_retention {
	struct ch_mailroom *room; /* borrowed */
	sd_event_source *timer;   /* owned */
	bool busy;
	bool again; /* asked for while it was busy */
	unsigned int hours; /* how often it began */
	int64_t copy_id; /* of our copies: looked at up to this letter */
};

static void must(struct ch_mailroom *room, int64_t rc,
		 const struct ch_error *err)
{
	if (rc < 0)
		ch_room_fail(room, err);
}

static void begin(struct ch_retention *retention);

static void end(struct ch_retention *retention)
{
	retention->busy = false;
	if (retention->again)
		begin(retention);
}

/* ---- files go ---------------------------------------------------------- */

static void tell_removed(struct ch_mailroom *room, int64_t mails,
			 uint64_t size_bytes, int64_t now_us)
{
	struct ch_detail detail = { NULL };
	CH_AUTOCHAR json = NULL;
	struct ch_error err;

	ch_detail_int(&detail, "mails", mails);
	ch_detail_int(&detail, "size_bytes", (int64_t)size_bytes);
	json = ch_detail_take(&detail);
	must(room, ch_store_event_add(room->store, "return.removed", 0, 0, "",
				      json, now_us, &err), &err);
	ch_turn_log(room, LOG_INFO, NULL,
		    "%lld mails that came back were kept long enough: removed",
		    (long long)mails);
}

/* Returns how many: fewer than there are where a file cannot be removed. */
static int64_t remove_files(struct ch_mailroom *room, int dir,
			    const struct ch_sha256 *sums, int64_t len,
			    uint64_t *ret_bytes, struct ch_error *err)
{
	int64_t now_us = ch_turn_open(room);
	struct ch_error fatal;
	int64_t i;

	*ret_bytes = 0;
	for (i = 0; i < len; i++) {
		uint64_t size = 0;

		if (ch_object_remove(dir, &sums[i], &size, err) < 0)
			return i;
		ch_crash_point("retention.unlinked");
		*ret_bytes += size;
		must(room, ch_store_mail_removed(room->store, &sums[i], now_us,
						 &fatal), &fatal);
	}
	return i;
}

static bool remove_some(struct ch_mailroom *room, void *context)
{
	struct ch_sha256 sums[FILES_PIECE];
	struct ch_error err = { 0 };
	uint64_t bytes = 0;
	int64_t done = 0;
	int64_t len = ch_store_mails_leaving(room->store, FILES_PIECE, sums,
					     &err);
	CH_AUTOFD dir = -1;

	must(room, len, &err);
	if (len > 0)
		dir = ch_objects_open(room->objects_dir, &err);
	if (dir >= 0)
		done = remove_files(room, dir, sums, len, &bytes, &err);
	if (done > 0)
		tell_removed(room, done, bytes, ch_turn_open(room));
	if (done < len)
		ch_log(&room->log, LOG_WARNING, NULL,
		       "a mail cannot be removed now: %s", err.text);
	if (done == FILES_PIECE)
		return true;
	end(context);
	return false;
}

static void after_commit(void *context)
{
	struct ch_mailroom *room = context;

	ch_crash_point("retention.marked");
	if (room->retention)
		ch_chore_add(room, remove_some, room->retention, NULL);
}

/* ---- what is old ------------------------------------------------------- */

static bool expire_some(struct ch_mailroom *room, bool answers,
			int64_t kept_ms)
{
	struct ch_error err;
	int64_t expired;

	if (kept_ms == 0)
		return false;
	expired = ch_store_mails_expire(room->store, answers,
					ch_turn_open(room) - kept_ms * 1000,
					PIECE, &err);
	must(room, expired, &err);
	return expired == PIECE;
}

/* One step of the first of these that has more to do. */
static bool retain(struct ch_mailroom *room, void *context)
{
	struct ch_retention *retention = context;
	const struct ch_config *config = room->config;
	struct ch_error err;
	int64_t looked;

	ch_turn_open(room);
	looked = ch_store_copies_drop(room->store, PIECE, &retention->copy_id,
				      &err);
	must(room, looked, &err);
	if (looked == PIECE ||
	    expire_some(room, false, config->retention.reports_ms) ||
	    expire_some(room, true, config->retention.answers_ms))
		return true;
	ch_mailroom_after_commit(room, after_commit, room);
	return false;
}

static void begin(struct ch_retention *retention)
{
	retention->again = retention->busy;
	if (retention->busy)
		return;
	retention->busy = true;
	retention->copy_id = 0;
	ch_chore_add(retention->room, retain, retention, NULL);
}

/* ---- when -------------------------------------------------------------- */

static int on_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	struct ch_retention *retention = context;
	int r = sd_event_source_set_time_relative(source, EVERY_US);

	if (r >= 0)
		r = sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	begin(retention);
	if (retention->hours++ % A_DAY == 0)
		ch_orphans_look(retention->room);
	return r < 0 ? r : 0;
}

int ch_retention_new(struct ch_mailroom *room, struct ch_retention **ret,
		     struct ch_error *err)
{
	struct ch_retention *retention = ch_xzalloc(sizeof(*retention));
	int r = sd_event_add_time_relative(room->event, &retention->timer,
					   CLOCK_BOOTTIME, 0, ACCURACY_US,
					   on_timer, retention);

	retention->room = room;
	if (r < 0) {
		ch_retention_free(retention);
		return ch_error_errno(err, -r, "event loop");
	}
	*ret = retention;
	return 0;
}

void ch_retention_free(struct ch_retention *retention)
{
	if (!retention)
		return;
	sd_event_source_disable_unref(retention->timer);
	free(retention);
}

void ch_retention_reload(struct ch_mailroom *room)
{
	begin(room->retention);
}
