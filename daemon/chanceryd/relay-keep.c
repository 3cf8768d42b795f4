// SPDX-License-Identifier: GPL-3.0-or-later
/* relay-keep.c - see relay-keep.h. */
#include "chanceryd/relay-keep.h"

#include "base/clock.h"
#include "base/mem.h"
#include "chanceryd/config.h"
#include "chanceryd/detail.h"
#include "chanceryd/room.h"

#define PACE "pace."
#define PAUSED "relay.paused."

static void set(struct ch_mailroom *room, const char *name,
		struct ch_slice value)
{
	struct ch_error err;

	if (ch_store_set(room->store, name, value, &err) < 0)
		ch_room_fail(room, &err);
}

static void get(struct ch_mailroom *room, const char *name, struct ch_str *ret)
{
	struct ch_error err;

	if (ch_store_get(room->store, name, ret, &err) < 0)
		ch_room_fail(room, &err);
}

/* ---- paces ------------------------------------------------------------ */

static struct ch_pace_moment now(void)
{
	return (struct ch_pace_moment){ .mono_ms = ch_clock_mono_ms(),
					.wall_us = ch_clock_now_us() };
}

static void begin(struct ch_mailroom *room, struct ch_paced *paced,
		  const char *name)
{
	CH_AUTOCHAR setting = ch_xasprintf(PACE "%s", name);
	CH_AUTO(ch_str) text = CH_STR_INIT(CH_PACE_TEXT_MAX);
	struct ch_pace_moment moment = now();

	get(room, setting, &text);
	ch_pace_start(&paced->pace, moment.mono_ms, &paced->state);
	if (text.len > 0 &&
	    ch_pace_decode((struct ch_slice){ text.data, text.len }, &moment,
			   &paced->state) < 0)
		ch_turn_log(room, LOG_WARNING, NULL,
			    "what was used of the pace of %s cannot be read: "
			    "it begins anew", name);
	paced->begun = true;
}

struct ch_pace ch_pace_of(const struct ch_pace_config *config)
{
	return (struct ch_pace){
		.per_second = (uint32_t)config->per_second,
		.per_minute = (uint32_t)config->per_minute,
		.per_hour = (uint32_t)config->per_hour,
		.per_day = (uint32_t)config->per_day,
		.burst = (uint32_t)config->burst,
	};
}

void ch_paced_use(struct ch_mailroom *room, struct ch_paced *paced,
		  struct ch_pace pace, const char *name)
{
	paced->pace = pace;
	if (!paced->begun && ch_pace_is_set(&paced->pace))
		begin(room, paced, name);
}

uint32_t ch_paced_may(struct ch_paced *paced, int64_t now_ms)
{
	return ch_pace_is_set(&paced->pace) ?
		       ch_pace_may(&paced->pace, &paced->state, now_ms) :
		       UINT32_MAX;
}

int64_t ch_paced_next_ms(const struct ch_paced *paced, int64_t now_ms)
{
	return ch_pace_is_set(&paced->pace) ?
		       ch_pace_next_ms(&paced->pace, &paced->state, now_ms) :
		       now_ms;
}

void ch_paced_took(struct ch_paced *paced, uint32_t letters)
{
	if (!ch_pace_is_set(&paced->pace))
		return;
	ch_pace_took(&paced->pace, &paced->state, letters);
	paced->changed = true;
}

void ch_paced_back(struct ch_paced *paced, uint32_t letters)
{
	if (!ch_pace_is_set(&paced->pace))
		return;
	ch_pace_back(&paced->pace, &paced->state, letters);
	paced->changed = true;
}

void ch_paced_keep(struct ch_mailroom *room, struct ch_paced *paced,
		   const char *name)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(CH_PACE_TEXT_MAX);
	CH_AUTOCHAR setting = NULL;
	struct ch_pace_moment moment;

	if (!paced->changed)
		return;
	paced->changed = false;
	moment = now();
	setting = ch_xasprintf(PACE "%s", name);
	ch_pace_encode(&paced->state, &moment, &text);
	(void)ch_turn_open(room);
	set(room, setting, (struct ch_slice){ text.data, text.len });
}

/* ---- paused ----------------------------------------------------------- */

bool ch_relay_was_paused(struct ch_mailroom *room, const char *name)
{
	CH_AUTOCHAR setting = ch_xasprintf(PAUSED "%s", name);
	CH_AUTO(ch_str) value = CH_STR_INIT(8);

	get(room, setting, &value);
	return strcmp(ch_str_cstr(&value), "1") == 0;
}

void ch_relay_keep_paused(struct ch_mailroom *room, const char *name,
			  bool paused, const char *who)
{
	CH_AUTOCHAR setting = ch_xasprintf(PAUSED "%s", name);
	int64_t now_us = ch_turn_open(room);
	CH_AUTO(ch_detail) detail = { 0 };
	CH_AUTOCHAR json = NULL;
	struct ch_error err;

	ch_detail_text(&detail, "relay", name);
	json = ch_detail_take(&detail);
	set(room, setting, ch_slice_of(paused ? "1" : "0"));
	if (ch_store_event_add(room->store,
			       paused ? "relay.paused" : "relay.resumed", 0, 0,
			       who, json, now_us, &err) < 0)
		ch_room_fail(room, &err);
	ch_turn_log(room, LOG_NOTICE, NULL, "relay %s is %s by %s", name,
		    paused ? "paused" : "resumed", who);
}
