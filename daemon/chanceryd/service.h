/* SPDX-License-Identifier: GPL-3.0-or-later */
/* service.h - what the service manager asks and is told: signals, reload, stop,
 * READY, STATUS.
 *
 * SIGTERM, SIGINT   stop: nothing new is begun, workers finish the letter under
 *                   way; those that have not after stop_timeout are killed, and
 *                   a second signal kills them at once
 * SIGHUP            reload: a configuration with a mistake changes nothing
 */
#ifndef CH_CHANCERYD_SERVICE_H
#define CH_CHANCERYD_SERVICE_H

#include "base/error.h"
#include "base/problem.h"

struct ch_log;
struct ch_mailroom;
struct ch_service; /* opaque; room->service */

/* Signals SIGTERM, SIGINT, SIGHUP and SIGCHLD are blocked already. */
int ch_service_new(struct ch_mailroom *room, struct ch_service **ret,
		   struct ch_error *err);
void ch_service_free(struct ch_service *service); /* NULL is fine */

/* Everything has started: READY=1. */
void ch_service_ready(struct ch_mailroom *room);
/* By the turn, at its very end. */
void ch_service_turned(struct ch_mailroom *room);

/* Each problem as a line on stderr, with what to do about it. */
void ch_service_print(const struct ch_problems *problems);

#endif
