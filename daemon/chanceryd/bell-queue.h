/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bell-queue.h - alarms that wait to be told in one way, and when that is.
 *
 * One run at a time, and not before alarms.every after the last, so that a
 * night of alarms is some runs with many in each; what is not told for its
 * failing is told again, after 1 s, 2 s, 4 s … 5 minutes. What is more than is
 * kept is counted.
 */
#ifndef CH_CHANCERYD_BELL_QUEUE_H
#define CH_CHANCERYD_BELL_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#define CH_BELL_KEPT_MAX 200 /* alarms that wait to be told */

struct ch_mailroom;

struct ch_bell_entry {
	char *text;	  /* owned; as it is told */
	int64_t event_id; /* its event */
};

/* Embed it, with room, run and owner set. The rest is its own. */
struct ch_bell_queue {
	struct ch_mailroom *room; /* borrowed */
	void (*run)(void *owner); /* tell them: begin, and end at the end */
	void *owner;
	struct ch_bell_entry *list; /* owned; the oldest first */
	size_t len, cap;
	uint64_t more;	  /* that found no place */
	size_t under_way; /* of the list, while a run goes on */
	uint64_t more_under_way;
	bool running;
	int64_t began_ms;	/* the last run, 0: none */
	uint32_t failures;	/* in a row */
	sd_event_source *timer; /* owned; NULL: none is set */
};

void ch_bell_queue_release(struct ch_bell_queue *queue);

/* One more, which is told at its time: text is taken, and made only where there
 * is a place; see ch_bell_queue_full(). NULL: it is counted. */
void ch_bell_queue_add(struct ch_bell_queue *queue, char *text,
		       int64_t event_id);
bool ch_bell_queue_full(const struct ch_bell_queue *queue);

/* A run has begun, with all that there is. */
void ch_bell_queue_begin(struct ch_bell_queue *queue);
/* It has ended: what it had is told, or waits again. */
void ch_bell_queue_end(struct ch_bell_queue *queue, bool told);
/* Nobody is to be told any more. */
void ch_bell_queue_forget(struct ch_bell_queue *queue);

#endif
