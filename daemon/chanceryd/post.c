// SPDX-License-Identifier: GPL-3.0-or-later
/* post.c - a place that is filled again when its worker ends: see workers.h. */
#include "chanceryd/room.h"
#include "chanceryd/schedule.h"
#include "chanceryd/workers.h"

#define ACCURACY_US 1000

static void start(struct ch_post *post);

static int on_rested(sd_event_source *source, uint64_t usec, void *context)
{
	struct ch_post *post = context;

	post->rest = sd_event_source_disable_unref(post->rest);
	start(post);
	return 0;
}

/* One more failure: the next start comes after a rest. */
static void fail(struct ch_post *post, const char *why, int64_t lived_ms)
{
	struct ch_error err;
	int64_t rest_ms;
	int r;

	(void)snprintf(post->fault, sizeof(post->fault), "%s", why);
	post->failures = ch_rest_failures(post->failures, lived_ms);
	if (post->failed)
		post->failed(post->owner);
	if (!post->wanted || post->room->stopping)
		return;
	rest_ms = ch_rest_ms(post->failures, (uintptr_t)post);
	r = sd_event_add_time_relative(post->room->event, &post->rest,
				       CLOCK_MONOTONIC,
				       (uint64_t)rest_ms * 1000, ACCURACY_US,
				       on_rested, post);
	if (r < 0) {
		(void)ch_error_errno(&err, -r, "event loop");
		ch_room_fail(post->room, &err);
	}
}

static void start(struct ch_post *post)
{
	struct ch_mailroom *room = post->room;
	struct ch_error err;

	if (post->worker || post->rest || !post->wanted || room->stopping)
		return;
	post->asked = false;
	if (ch_worker_start(room, post->role, post->owner, &post->worker,
			    &err) < 0) {
		ch_turn_log(room, LOG_ERR, NULL, "cannot start a worker: %s",
			    err.text);
		fail(post, err.text, 0);
		return;
	}
	if (post->failures > 0)
		ch_workers_restarted(room->workers);
	post->filled(post->owner);
}

void ch_post_fill(struct ch_post *post)
{
	post->wanted = true;
	start(post);
}

void ch_post_close(struct ch_post *post)
{
	post->wanted = false;
	post->rest = sd_event_source_disable_unref(post->rest);
	if (post->worker && !post->asked) {
		post->asked = true;
		ch_worker_tell(post->worker, CH_MSG_STOP, NULL);
	}
}

void ch_post_ended(struct ch_post *post, const struct ch_worker_end *end)
{
	post->worker = NULL;
	if (end->well && post->asked)
		start(post);
	else
		fail(post, end->text, end->lived_ms);
}

void ch_post_release(struct ch_post *post)
{
	post->rest = sd_event_source_disable_unref(post->rest);
}
