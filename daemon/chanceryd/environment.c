// SPDX-License-Identifier: GPL-3.0-or-later
/* environment.c - see environment.h. */
#include "chanceryd/environment.h"

#include <stdbool.h>
#include <string.h>
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
