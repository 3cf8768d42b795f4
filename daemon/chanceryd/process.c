// SPDX-License-Identifier: GPL-3.0-or-later
/* process.c - see process.h. */
#include "chanceryd/process.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

static bool is_ours(const char *variable, enum ch_environment whose)
{
	static const char *const names[] = {
		"NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=",
		"LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=",
		"JOURNAL_STREAM=",
	};
	static const char credentials[] = "CREDENTIALS_DIRECTORY=";

	for (size_t i = 0; i < CH_COUNT(names); i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return whose == CH_ENVIRONMENT_WORKER &&
	       strncmp(variable, credentials, strlen(credentials)) == 0;
}

char **ch_environment_new(enum ch_environment whose)
{
	char **made;
	size_t len = 0;

	while (environ[len])
		len++;
	made = ch_xcalloc(len + 1, sizeof(*made));
	len = 0;
	for (char **at = environ; *at; at++)
		if (!is_ours(*at, whose))
			made[len++] = *at;
	return made;
}

int ch_process_spawn(const char *path, char *const *words,
		     char *const *environment,
		     const posix_spawn_file_actions_t *actions,
		     pid_t *ret_pid)
{
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETPGROUP);
	r = posix_spawn(ret_pid, path, actions, &attr, words, environment);
	posix_spawnattr_destroy(&attr);
	return r;
}

void ch_process_say_end(const siginfo_t *info, const char *why, char *out,
			size_t size)
{
	int status = info->si_status;

	if (why[0])
		(void)snprintf(out, size, "%s", why);
	else if (info->si_code == CLD_EXITED)
		(void)snprintf(out, size, "exit status %d", status);
	else
		(void)snprintf(out, size, "signal %d (%s)", status,
			       sigdescr_np(status));
}
