/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fiber.h - a function with a stack of its own, which stops in the middle and
 * goes on later.
 *
 * For a process that waits for many peers with code that reads as if it waited
 * for one (daemon/send). Nothing runs at the same time as anything else: a
 * fiber has the thread until it yields or its function returns.
 */
#ifndef CH_BASE_FIBER_H
#define CH_BASE_FIBER_H

#include <stdbool.h>
#include <stddef.h>

struct ch_fiber; /* opaque */

/* One that will run `function(context)` on a stack of `stack_bytes`, below
 * which there is a page that may not be touched. The caller owns it. */
struct ch_fiber *ch_fiber_new(void (*function)(void *), void *context,
			      size_t stack_bytes);
/* Of one that is not running. What its stack still holds is lost: see that its
 * function has returned, or holds nothing. NULL is fine. */
void ch_fiber_free(struct ch_fiber *fiber);

/* Run it from where it stopped until it yields or ends; from main's stack, or
 * from another fiber. It may not be running, nor have ended. */
void ch_fiber_resume(struct ch_fiber *fiber);

/* Stop the fiber that is running: ch_fiber_resume() returns. */
void ch_fiber_yield(void);

/* The one that is running; NULL on main's stack. */
struct ch_fiber *ch_fiber_current(void);
/* The `context` it was made with. */
void *ch_fiber_context(const struct ch_fiber *fiber);
bool ch_fiber_ended(const struct ch_fiber *fiber);

#endif
