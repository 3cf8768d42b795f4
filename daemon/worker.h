/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker.h - the common start of the workers: the channel to chanceryd,
 * and what this process may never do again.
 *
 *	int main(void)
 *	{
 *		struct ch_channel channel;
 *		struct ch_error err;
 *
 *		if (ch_worker_enter(CH_WORKER_SEND, &channel, &err) < 0) {
 *			fprintf(stderr, "chancery-send: %s\n", err.text);
 *			return EX_USAGE;
 *		}
 *
 * Call it first, before any library is initialised: what a library does at its
 * start must be possible within the limits too, or fail in the first test.
 */
#ifndef CH_WORKER_H
#define CH_WORKER_H

#include "base/error.h"
#include "wire/frame.h"

#define CH_WORKER_FD 3 /* where chanceryd puts the channel */

enum ch_worker_role {
	CH_WORKER_IMPORT,  /* writes objects; no sockets */
	CH_WORKER_SEND,    /* connects; writes no file but its own stderr */
	CH_WORKER_RECEIVE, /* connects; writes objects */
};

/* Take the channel, then give up for good what a worker of this role does not
 * need:
 *   - SIGPIPE and SIGXFSZ are ignored (write() says so instead); descriptors
 *     from 4 on are closed; nobody but root may trace us or read our memory;
 *   - RLIMIT_CORE 0, _NOFILE 256, _AS and _FSIZE by role;
 *   - no new privileges, and a seccomp filter: system calls outside the role's
 *     list fail with EPERM; those that only a taken-over process would try
 *     (execve, ptrace, mount, listen, accept …) end it with SIGSYS.
 *
 * A parent's death is no signal here: the channel closes, and a worker that is
 * waiting for the reply to a final dot still hears it.
 *
 * Returns 0 and the channel, which the caller releases with
 * ch_channel_release(); -1 (CH_GIVE_UP) where descriptor 3 is no socket or the
 * kernel refuses a limit. A build with sanitizers or --disable-worker-limits
 * (for valgrind) has neither RLIMIT_AS nor the filter. */
int ch_worker_enter(enum ch_worker_role role, struct ch_channel *ret,
		    struct ch_error *err);

#endif
