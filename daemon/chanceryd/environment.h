/* SPDX-License-Identifier: GPL-3.0-or-later */
/* environment.h - what a process that we start finds in its environment: what
 * we have, less what the service manager says to us alone.
 */
#ifndef CH_CHANCERYD_ENVIRONMENT_H
#define CH_CHANCERYD_ENVIRONMENT_H

enum ch_environment {
	CH_ENVIRONMENT_WORKER,  /* not where the passwords are */
	CH_ENVIRONMENT_PROGRAM, /* the operator's, that gets a password with
				   what is a credential itself */
};

/* An array that the caller frees, of strings borrowed from our own. */
char **ch_environment_new(enum ch_environment whose);

#endif
