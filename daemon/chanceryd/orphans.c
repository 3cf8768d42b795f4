// SPDX-License-Identifier: GPL-3.0-or-later
/* orphans.c - see orphans.h. */
#include "chanceryd/orphans.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/objects.h"
#include "base/sweep.h"
#include "chanceryd/chores.h"
#include "chanceryd/room.h"

#define PIECE 200 /* files of a step */
#define SETTING "objects_since"
#define AGE_US (CH_ORPHAN_DAYS * 86400 * INT64_C(1000000))

struct look {
	struct ch_sweep *sweep; /* owned */
	int64_t before_us;
};

static void release(void *context)
{
	struct look *look = context;

	ch_sweep_free(look->sweep);
	free(look);
}

static void remove_one(struct ch_mailroom *room, const struct look *look,
		       const struct ch_sha256 *sum)
{
	char hex[CH_SHA256_HEX_SIZE];
	struct ch_error err;
	uint64_t size = 0;
	int removed = ch_sweep_remove(look->sweep, sum, look->before_us, &size,
				      &err);

	if (removed < 0)
		ch_log(&room->log, LOG_WARNING, NULL,
		       "a mail that nothing is known of cannot be removed "
		       "now: %s", err.text);
	if (removed > 0)
		ch_log(&room->log, LOG_INFO, NULL,
		       "object %s, %llu bytes: a mail of which nothing is "
		       "known, older than %d days: removed",
		       ch_sha256_hex(sum, hex), (unsigned long long)size,
		       CH_ORPHAN_DAYS);
}

static bool look_on(struct ch_mailroom *room, void *context)
{
	struct look *look = context;
	struct ch_sha256 sums[PIECE];
	struct ch_error err;
	size_t len;
	int more = ch_sweep_look(look->sweep, look->before_us, PIECE, sums,
				 &len);

	for (size_t i = 0; i < len; i++) {
		int kept = ch_store_mail_is_kept(room->store, &sums[i], &err);

		if (kept < 0)
			ch_room_fail(room, &err);
		if (kept == 0)
			remove_one(room, look, &sums[i]);
	}
	return more;
}

/* Since when this store has been the room's. */
static int64_t store_since(struct ch_mailroom *room, int64_t now_us)
{
	CH_AUTO(ch_str) since = CH_STR_INIT(24);
	struct ch_error err;
	int64_t known_us;

	if (ch_store_get(room->store, SETTING, &since, &err) < 0)
		ch_room_fail(room, &err);
	known_us = strtoll(ch_str_cstr(&since), NULL, 10);
	if (known_us > 0 && !room->restored)
		return known_us;
	ch_str_clear(&since);
	ch_str_addf(&since, "%lld", (long long)now_us);
	if (ch_store_set(room->store, SETTING,
			 ch_slice_of(ch_str_cstr(&since)), &err) < 0)
		ch_room_fail(room, &err);
	return now_us;
}

void ch_orphans_look(struct ch_mailroom *room)
{
	int64_t before_us = ch_turn_open(room) - AGE_US;
	struct look *look;
	struct ch_error err;
	int objects_fd;

	if (store_since(room, before_us + AGE_US) >= before_us)
		return;
	objects_fd = ch_objects_open(room->objects_dir, &err);
	if (objects_fd < 0) {
		ch_log(&room->log, LOG_WARNING, NULL, "%s", err.text);
		return;
	}
	look = ch_xzalloc(sizeof(*look));
	look->sweep = ch_sweep_new(objects_fd);
	look->before_us = before_us;
	ch_chore_add(room, look_on, look, release);
}
