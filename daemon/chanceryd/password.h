/* SPDX-License-Identifier: GPL-3.0-or-later */
/* password.h - what a password command may print.
 *
 *	output = password LF [ good LF ]
 *
 * The password, or access token, is the first line. How long it is good may
 * stand on the second, in whole seconds (the "expires_in" of RFC 6749 section
 * 5.1) or as durations are written in chancery.conf. The last LF may be missing,
 * and a CR may stand before each. Anything else is a mistake: it could be a
 * message to a person, or JSON, and a server would be told it as a password.
 */
#ifndef CH_CHANCERYD_PASSWORD_H
#define CH_CHANCERYD_PASSWORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define CH_PASSWORD_MAX 8192

struct ch_password {
	struct ch_slice text; /* borrowed from what was read */
	int64_t good_ms;      /* 0: it was not said */
};

/* Read it. -1 (CH_GIVE_UP): *err says what is wrong, and has none of it. */
int ch_password_read(const char *bytes, size_t len, struct ch_password *ret,
		     struct ch_error *err);

#endif
