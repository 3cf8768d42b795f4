// SPDX-License-Identifier: GPL-3.0-or-later
/* chores.c - see chores.h. One event source, below the handlers and above the
 * end of the turn; the chores take turns at it. */
#include "chanceryd/chores.h"

#include <stdlib.h>

#include "base/mem.h"
#include "chanceryd/room.h"

#define PRIORITY (CH_TURN_PRIORITY / 2)

struct chore {
	ch_chore *chore;
	void *context;
	void (*release)(void *context);
};

struct ch_chores {
	struct ch_mailroom *room;  /* borrowed */
	sd_event_source *source;   /* owned */
	struct chore *list;        /* owned */
	size_t len, cap;
	size_t next;
};

static void must(struct ch_mailroom *room, int r)
{
	struct ch_error err;

	if (r >= 0)
		return;
	(void)ch_error_errno(&err, -r, "event loop");
	ch_room_fail(room, &err);
}

static void end(struct ch_chores *chores, size_t i)
{
	struct chore chore = chores->list[i];

	chores->len--;
	for (; i < chores->len; i++)
		chores->list[i] = chores->list[i + 1];
	if (chore.release)
		chore.release(chore.context);
}

static int on_idle(sd_event_source *source, void *context)
{
	struct ch_chores *chores = context;
	size_t i = chores->next++ % chores->len;
	struct chore chore = chores->list[i];

	/* It may add another, and so move the list. */
	if (!chore.chore(chores->room, chore.context))
		end(chores, i);
	if (chores->len == 0)
		must(chores->room,
		     sd_event_source_set_enabled(source, SD_EVENT_OFF));
	return 0;
}

int ch_chores_new(struct ch_mailroom *room, struct ch_chores **ret,
		  struct ch_error *err)
{
	struct ch_chores *chores = ch_xzalloc(sizeof(*chores));
	int r = sd_event_add_defer(room->event, &chores->source, on_idle,
				   chores);

	chores->room = room;
	if (r >= 0)
		r = sd_event_source_set_enabled(chores->source, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_priority(chores->source, PRIORITY);
	if (r < 0) {
		ch_chores_free(chores);
		return ch_error_errno(err, -r, "event loop");
	}
	*ret = chores;
	return 0;
}

void ch_chores_free(struct ch_chores *chores)
{
	if (!chores)
		return;
	while (chores->len > 0)
		end(chores, chores->len - 1);
	free(chores->list);
	sd_event_source_disable_unref(chores->source);
	free(chores);
}

void ch_chore_add(struct ch_mailroom *room, ch_chore *chore, void *context,
		  void (*release)(void *context))
{
	struct ch_chores *chores = room->chores;

	CH_GROW(chores->list, chores->len, chores->cap);
	chores->list[chores->len++] =
		(struct chore){ chore, context, release };
	must(room, sd_event_source_set_enabled(chores->source, SD_EVENT_ON));
}
