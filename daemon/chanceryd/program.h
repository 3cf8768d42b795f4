/* SPDX-License-Identifier: GPL-3.0-or-later */
/* program.h - a program of the operator's, run beside the loop.
 *
 * Nothing here waits: what it prints is read as it comes, its end and its
 * deadline are events. It has a process group of its own, which ends with it:
 * what it leaves running there is killed. It is no worker of ours and says
 * nothing in our words.
 */
#ifndef CH_CHANCERYD_PROGRAM_H
#define CH_CHANCERYD_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/str.h"

#define CH_PROGRAM_OUT_MAX 16384 /* bytes of its output: more ends it */
#define CH_PROGRAM_ERR_KEPT 2000 /* of what it complains; the rest is read and
				    forgotten */

struct ch_program; /* opaque */

struct ch_program_end {
	bool well;          /* exit status 0, within its limits */
	char text[240];     /* "exit status 1" and the like */
	struct ch_slice out; /* borrowed for the call, wiped after it */
	struct ch_slice err;
};

/* It has ended; the program is freed after this call. */
typedef void ch_program_done(void *owner, const struct ch_program_end *end);

/* Run words[0], a path, with these words (NULL behind the last) and without a
 * shell: it can read `input`, and has no descriptor of ours. -1: CH_RETRY no processes
 * or descriptors left, CH_GIVE_UP it cannot be executed. */
int ch_program_start(sd_event *event, char *const *words,
		     struct ch_slice input, int64_t timeout_ms,
		     ch_program_done *done, void *owner,
		     struct ch_program **ret, struct ch_error *err);
/* Ends it, and waits for that; `done` is not called. NULL is fine. */
void ch_program_free(struct ch_program *program);

#endif
