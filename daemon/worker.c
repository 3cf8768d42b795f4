// SPDX-License-Identifier: GPL-3.0-or-later
/* worker.c - see worker.h.
 *
 * The limits are set by the worker itself and not by chanceryd between fork
 * and exec: there they would also bind the dynamic linker, and a program that
 * forgot nothing could not be told from one that was never limited.
 */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "worker-filter.h"

#define MIB ((rlim_t)1024 * 1024)

/* The largest message that chancery.conf allows is 256 MiB; a letter is held
 * as annexes, as base64 and as what is sent. Libraries take some 250 MiB of
 * addresses before the first byte of ours. */
static const struct {
	rlim_t memory;
	rlim_t file; /* the largest that may be written */
} limits[] = {
	[CH_WORKER_IMPORT] = { 2048 * MIB, 512 * MIB },
	[CH_WORKER_SEND] = { 2048 * MIB, 64 * MIB },
	[CH_WORKER_RECEIVE] = { 2048 * MIB, 512 * MIB },
};

static int check_channel(struct ch_error *err)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	if (getsockopt(CH_WORKER_FD, SOL_SOCKET, SO_DOMAIN, &domain, &len) <
		    0 ||
	    domain != AF_UNIX)
		return ch_error_set(err, CH_GIVE_UP,
				    "descriptor %d is no channel: this "
				    "program is started by chanceryd",
				    CH_WORKER_FD);
	if (fcntl(CH_WORKER_FD, F_SETFD, FD_CLOEXEC) < 0)
		return ch_error_errno(err, errno, "channel");
	return 0;
}

static int limit(int what, rlim_t most, struct ch_error *err)
{
	struct rlimit now;

	if (getrlimit(what, &now) < 0)
		return ch_error_errno(err, errno, "getrlimit");
	if (now.rlim_max < most) /* the service allows less already */
		most = now.rlim_max;
	now = (struct rlimit){ most, most };
	if (setrlimit(what, &now) < 0)
		return ch_error_errno(err, errno, "setrlimit");
	return 0;
}

static int set_limits(enum ch_worker_role role, struct ch_error *err)
{
	if (limit(RLIMIT_CORE, 0, err) < 0 ||
	    limit(RLIMIT_NOFILE, 256, err) < 0 ||
	    limit(RLIMIT_FSIZE, limits[role].file, err) < 0)
		return -1;
#ifndef CH_WORKER_UNLIMITED
	/* The sanitizers' shadow takes terabytes of addresses, and they trace
	 * themselves to look for leaks. */
	if (limit(RLIMIT_AS, limits[role].memory, err) < 0)
		return -1;
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return ch_error_errno(err, errno, "PR_SET_DUMPABLE");
#endif
	return 0;
}

static int ignore(int signal_number, struct ch_error *err)
{
	struct sigaction action = { .sa_handler = SIG_IGN };

	if (sigaction(signal_number, &action, NULL) < 0)
		return ch_error_errno(err, errno, "sigaction");
	return 0;
}

int ch_worker_enter(enum ch_worker_role role, struct ch_channel *ret,
		    struct ch_error *err)
{
	if (check_channel(err) < 0 || ignore(SIGPIPE, err) < 0 ||
	    ignore(SIGXFSZ, err) < 0 || set_limits(role, err) < 0)
		return -1;
	if (close_range(CH_WORKER_FD + 1, ~0U, 0) < 0)
		return ch_error_errno(err, errno, "close_range");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return ch_error_errno(err, errno, "PR_SET_NO_NEW_PRIVS");
#ifndef CH_WORKER_UNLIMITED
	if (ch_worker_filter(role, err) < 0)
		return -1;
#endif
	ch_channel_init(ret, CH_WORKER_FD);
	return 0;
}
