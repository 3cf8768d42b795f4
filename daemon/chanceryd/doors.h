/* SPDX-License-Identifier: GPL-3.0-or-later */
/* doors.h - the two listening sockets: handed over by systemd, or our own.
 */
#ifndef CH_CHANCERYD_DOORS_H
#define CH_CHANCERYD_DOORS_H

#include "base/error.h"
#include "chanceryd/config.h"
#include "chanceryd/log.h"

struct ch_doors {
	int status_fd;  /* owned until taken; -1 none */
	int control_fd; /* the same */
	char *made[2];  /* owned: paths of those that we made, to be removed */
};

/* Take the sockets that systemd calls "status" and "control"; make those that
 * it does not give at the paths of the configuration, mode 0660 and with its
 * groups. A socket that nobody listens at is left from a crash and replaced;
 * a symbolic link or any other file is refused, as is a socket that somebody
 * listens at. -1: CH_GIVE_UP, or CH_RETRY for what may pass. */
int ch_doors_open(const struct ch_config *config, const struct ch_log *log,
		  struct ch_doors *ret, struct ch_error *err);
/* Close what was not taken, and remove what we made. */
void ch_doors_release(struct ch_doors *doors);

#endif
