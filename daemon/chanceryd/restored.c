// SPDX-License-Identifier: GPL-3.0-or-later
/* restored.c - see restored.h. */
#include "chanceryd/restored.h"

#include "chanceryd/alarms.h"
#include "chanceryd/room.h"

#define SETTING "restored"
#define ALARM "alarm.restored"

static void set(struct ch_mailroom *room, const char *value)
{
	struct ch_error err;

	if (ch_store_set(room->store, SETTING, ch_slice_of(value), &err) < 0)
		ch_room_fail(room, &err);
}

static bool is_set(struct ch_mailroom *room)
{
	CH_AUTO(ch_str) value = CH_STR_INIT(8);
	struct ch_error err;

	if (ch_store_get(room->store, SETTING, &value, &err) < 0)
		ch_room_fail(room, &err);
	return strcmp(ch_str_cstr(&value), "1") == 0;
}

void ch_restored_start(struct ch_mailroom *room)
{
	bool now = ch_store_is_restored(room->store);

	if (now)
		set(room, "1");
	room->restored = now || is_set(room);
	if (!room->restored)
		return;
	ch_alarm_raise(room, ALARM, "",
		       "the database is an older copy: %llu letters that wait "
		       "in it may have been sent since; look, then resume",
		       (unsigned long long)ch_mailroom_at_risk(room, 0));
}

void ch_restored_end(struct ch_mailroom *room)
{
	if (!room->restored)
		return;
	room->restored = false;
	set(room, "0");
	ch_alarm_clear(room, ALARM, "");
}

uint64_t ch_mailroom_at_risk(struct ch_mailroom *room, int64_t batch_id)
{
	return room->restored ? ch_store_older_waiting(room->store, batch_id)
			      : 0;
}

bool ch_mailroom_is_at_risk(struct ch_mailroom *room,
			    const struct ch_store_letter *letter)
{
	bool waits = false;

	for (size_t i = 0; i < letter->addresses_len; i++)
		if (letter->addresses[i].state == CH_STATE_QUEUED)
			waits = true;
	return waits && room->restored &&
	       ch_store_is_older(room->store, letter->id);
}
