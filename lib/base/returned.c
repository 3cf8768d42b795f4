// SPDX-License-Identifier: GPL-3.0-or-later
/* returned.c - see returned.h. */
#include "base/returned.h"

#include "base/mem.h"

const char *ch_return_kind_name(enum ch_return_kind kind)
{
	static const char *const names[] = {
		[CH_RETURN_BOUNCE_HARD] = "bounce-hard",
		[CH_RETURN_BOUNCE_SOFT] = "bounce-soft",
		[CH_RETURN_DELAYED] = "delayed",
		[CH_RETURN_DELIVERED] = "delivered",
		[CH_RETURN_MDN] = "mdn",
		[CH_RETURN_AUTOREPLY] = "autoreply",
		[CH_RETURN_ARF] = "arf",
		[CH_RETURN_REPLY] = "reply",
		[CH_RETURN_OTHER] = "other",
	};

	return (size_t)kind < CH_COUNT(names) ? names[kind] : "other";
}
