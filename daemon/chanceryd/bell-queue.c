// SPDX-License-Identifier: GPL-3.0-or-later
/* bell-queue.c - see bell-queue.h. */
#include "chanceryd/bell-queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "chanceryd/room.h"
#include "chanceryd/schedule.h"

#define GATHER_MS 500 /* one fault raises some at once */

static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct ch_bell_queue *queue = context;

	queue->timer = sd_event_source_disable_unref(queue->timer);
	(void)ch_turn_open(queue->room);
	if (!queue->room->stopping)
		queue->run(queue->owner);
	return 0;
}

static void set_timer(struct ch_bell_queue *queue, int64_t in_ms)
{
	struct ch_error err;
	int r = sd_event_add_time_relative(
	    queue->room->event, &queue->timer, CLOCK_MONOTONIC,
	    (uint64_t)in_ms * 1000, 0, on_timer, queue);

	if (r >= 0)
		return;
	(void)ch_error_errno(&err, -r, "event loop");
	ch_room_fail(queue->room, &err);
}

/* Not before `every` after the last run, and later where that failed. */
static void tell_later(struct ch_bell_queue *queue)
{
	int64_t every_ms = queue->room->config->alarms.every_ms;
	int64_t wait_ms = GATHER_MS;

	if (queue->running || queue->timer || queue->len + queue->more == 0)
		return;
	if (queue->began_ms &&
	    queue->began_ms + every_ms - ch_clock_mono_ms() > wait_ms)
		wait_ms = queue->began_ms + every_ms - ch_clock_mono_ms();
	if (queue->failures) {
		int64_t rest_ms = ch_rest_ms(queue->failures, (uintptr_t)queue);

		wait_ms = rest_ms > wait_ms ? rest_ms : wait_ms;
	}
	set_timer(queue, wait_ms);
}

static void forget(struct ch_bell_queue *queue, size_t len, uint64_t more)
{
	for (size_t i = 0; i < len; i++)
		free(queue->list[i].text);
	queue->len -= len;
	if (queue->len)
		memmove(queue->list, queue->list + len,
			queue->len * sizeof(*queue->list));
	queue->more -= more;
}

void ch_bell_queue_release(struct ch_bell_queue *queue)
{
	sd_event_source_disable_unref(queue->timer);
	forget(queue, queue->len, queue->more);
	free(queue->list);
}

bool ch_bell_queue_full(const struct ch_bell_queue *queue)
{
	return queue->len >= CH_BELL_KEPT_MAX;
}

void ch_bell_queue_add(struct ch_bell_queue *queue, char *text,
		       int64_t event_id)
{
	if (text) {
		CH_GROW(queue->list, queue->len, queue->cap);
		queue->list[queue->len++] = (struct ch_bell_entry){
			.text = text,
			.event_id = event_id,
		};
	} else {
		queue->more++;
	}
	tell_later(queue);
}

void ch_bell_queue_begin(struct ch_bell_queue *queue)
{
	queue->running = true;
	queue->began_ms = ch_clock_mono_ms();
	queue->under_way = queue->len;
	queue->more_under_way = queue->more;
}

void ch_bell_queue_end(struct ch_bell_queue *queue, bool told)
{
	if (told) {
		queue->failures = 0;
		forget(queue, queue->under_way, queue->more_under_way);
	} else {
		queue->failures++;
	}
	queue->running = false;
	tell_later(queue);
}

void ch_bell_queue_forget(struct ch_bell_queue *queue)
{
	forget(queue, queue->len, queue->more);
}
