// SPDX-License-Identifier: GPL-3.0-or-later
/* alarms.c - see alarms.h. */
#include "chanceryd/alarms.h"

#include <stdarg.h>

#include <jansson.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/str.h"
#include "chanceryd/bell.h"
#include "chanceryd/room.h"

#define TEXT_MAX 500

struct alarm {
	char *about; /* owned */
	char *text;  /* owned: about and text, as shown */
};

struct ch_alarms {
	struct ch_alarm *shown; /* owned; borrows from `owned` */
	struct alarm *owned;    /* owned; the same indices */
	size_t len;
	size_t shown_cap, owned_cap;
};

struct ch_alarms *ch_alarms_new(void)
{
	return ch_xzalloc(sizeof(struct ch_alarms));
}

static void forget(struct ch_alarms *alarms, size_t i)
{
	free(alarms->owned[i].about);
	free(alarms->owned[i].text);
	alarms->len--;
	memmove(&alarms->owned[i], &alarms->owned[i + 1],
		(alarms->len - i) * sizeof(*alarms->owned));
	memmove(&alarms->shown[i], &alarms->shown[i + 1],
		(alarms->len - i) * sizeof(*alarms->shown));
}

void ch_alarms_free(struct ch_alarms *alarms)
{
	if (!alarms)
		return;
	while (alarms->len > 0)
		forget(alarms, alarms->len - 1);
	free(alarms->owned);
	free(alarms->shown);
	free(alarms);
}

static size_t find(const struct ch_alarms *alarms, const char *type,
		   const char *about)
{
	size_t i = 0;

	while (i < alarms->len &&
	       (strcmp(alarms->shown[i].type, type) != 0 ||
		strcmp(alarms->owned[i].about, about) != 0))
		i++;
	return i;
}

/* {"about": …, "text": …}; both may hold what a peer said. */
static char *detail(const char *about, const char *text, const char *type)
{
	CH_AUTO(ch_str) safe = CH_STR_INIT(TEXT_MAX * 3);
	CH_AUTO(ch_str) name = CH_STR_INIT(TEXT_MAX * 3);
	json_t *object;
	char *dump;

	ch_escape_utf8(&safe, text, strlen(text));
	ch_escape_utf8(&name, about, strlen(about));
	object = json_pack("{s:s, s:s}", "about", ch_str_cstr(&name), "text",
			   ch_str_cstr(&safe));
	if (object && type)
		(void)json_object_set_new(object, "alarm", json_string(type));
	dump = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	return dump ? dump : ch_xstrdup("{}");
}

static void tell(struct ch_mailroom *room, const char *event,
		 const char *about, const char *text, const char *type)
{
	int64_t now_us = ch_turn_open(room);
	CH_AUTOCHAR json = detail(about, text, type);
	struct ch_error err;

	if (ch_store_event_add(room->store, event, 0, 0, "", json, now_us,
			       &err) < 0)
		ch_room_fail(room, &err);
	ch_bell_ring(room, event, NULL, NULL, json);
}

void ch_alarm_raise(struct ch_mailroom *room, const char *type,
		    const char *about, const char *format, ...)
{
	struct ch_alarms *alarms = room->alarms;
	int64_t now_us = ch_turn_open(room);
	char text[TEXT_MAX];
	struct alarm *alarm;
	va_list args;

	if (find(alarms, type, about) < alarms->len)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	CH_GROW(alarms->owned, alarms->len, alarms->owned_cap);
	CH_GROW(alarms->shown, alarms->len, alarms->shown_cap);
	alarm = &alarms->owned[alarms->len];
	alarm->about = ch_xstrdup(about);
	alarm->text = about[0] ? ch_xasprintf("%s: %s", about, text) :
				 ch_xstrdup(text);
	alarms->shown[alarms->len++] = (struct ch_alarm){
		.type = type,
		.text = alarm->text,
		.since_us = now_us,
	};
	tell(room, type, about, text, NULL);
	ch_turn_log(room, LOG_ERR, NULL, "%s: %s", type, alarm->text);
}

void ch_alarm_clear(struct ch_mailroom *room, const char *type,
		    const char *about)
{
	struct ch_alarms *alarms = room->alarms;
	size_t i = find(alarms, type, about);

	if (i == alarms->len)
		return;
	tell(room, "alarm.cleared", about, alarms->owned[i].text, type);
	ch_turn_log(room, LOG_NOTICE, NULL, "%s is over: %s", type,
		    alarms->owned[i].text);
	forget(alarms, i);
}

const struct ch_alarm *ch_alarms_list(const struct ch_alarms *alarms,
				      size_t *ret_len)
{
	*ret_len = alarms->len;
	return alarms->shown;
}
