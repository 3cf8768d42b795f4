// SPDX-License-Identifier: GPL-3.0-or-later
/* mailroom.c - what the sockets ask of the room; see mailroom.h. */
#include "chanceryd/mailroom.h"

#include "base/clock.h"
#include "chanceryd/alarms.h"
#include "chanceryd/domains.h"
#include "chanceryd/imports.h"
#include "chanceryd/receive.h"
#include "chanceryd/relays.h"
#include "chanceryd/room.h"
#include "chanceryd/workers.h"

struct ch_store *ch_mailroom_store(struct ch_mailroom *room)
{
	return room->store;
}

sd_event *ch_mailroom_event(struct ch_mailroom *room)
{
	return room->event;
}

const struct ch_mailroom_state *ch_mailroom_state(struct ch_mailroom *room)
{
	struct ch_mailroom_state *shown = &room->shown;

	shown->state = room->stopping ? "stopping" :
		       room->paused   ? "paused" :
					"running";
	shown->started_us = room->started_us;
	shown->relays = ch_relays_state(room, &shown->relays_len);
	shown->mailboxes = ch_receive_state(room, &shown->mailboxes_len);
	shown->domains = ch_domains_state(room, &shown->domains_len);
	shown->alarms = ch_alarms_list(room->alarms, &shown->alarms_len);
	shown->commits = ch_turn_commits(room->turn);
	shown->worker_restarts = ch_workers_restarts(room->workers);
	shown->imports_under_way = ch_imports_under_way(room->imports);
	shown->time_zone = room->config->sending.hours.len > 0 ?
				   room->config->sending.time_zone : NULL;
	shown->open = ch_opening_is(room, ch_clock_now_us());
	shown->open_until_us = ch_opening_until_us(room);
	shown->restored = room->restored;
	shown->signs = room->config->secretariat.smime.key[0] != '\0' ||
		       room->config->secretariat.dkim.len > 0;
	return shown;
}
