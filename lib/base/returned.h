/* SPDX-License-Identifier: GPL-3.0-or-later */
/* returned.h - the kinds of mail that come back, for the rooms that may not
 * include one another: returns decides which it is, wire carries the number,
 * store keeps it. The numbers are in databases: add at the end. */
#ifndef CH_BASE_RETURNED_H
#define CH_BASE_RETURNED_H

enum ch_return_kind {
	CH_RETURN_BOUNCE_HARD,
	CH_RETURN_BOUNCE_SOFT,
	CH_RETURN_DELAYED,
	CH_RETURN_DELIVERED,
	CH_RETURN_MDN,
	CH_RETURN_AUTOREPLY,
	CH_RETURN_ARF,
	CH_RETURN_REPLY,
	CH_RETURN_OTHER,
};

/* "bounce-hard" and so on; "other" for a number that is none. */
const char *ch_return_kind_name(enum ch_return_kind kind);

#endif
