/* SPDX-License-Identifier: GPL-3.0-or-later */
/* process.h - what all processes that we start have in common: their signals,
 * their environment, and how their end is called.
 */
#ifndef CH_CHANCERYD_PROCESS_H
#define CH_CHANCERYD_PROCESS_H

#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/types.h>

/* What we have in our environment, less what the service manager says to us
 * alone. */
enum ch_environment {
	CH_ENVIRONMENT_WORKER,  /* not where the passwords are */
	CH_ENVIRONMENT_PROGRAM, /* the operator's, that gets a password with
				   what is a credential itself */
};

/* An array that the caller frees, of strings borrowed from our own. */
char **ch_environment_new(enum ch_environment whose);

/* posix_spawn(), with signals as at a login and a process group of its own: a
 * Ctrl-C at our terminal is for us alone. Returns 0, or an errno. */
int ch_process_spawn(const char *path, char *const *words,
		     char *const *environment,
		     const posix_spawn_file_actions_t *actions,
		     pid_t *ret_pid);

/* "exit status 1", "signal 9 (Killed)"; or `why` we ended it, where that is not
 * "". */
void ch_process_say_end(const siginfo_t *info, const char *why, char *out,
			size_t size);

#endif
