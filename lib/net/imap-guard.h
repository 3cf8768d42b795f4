/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imap-guard.h - what a server says, looked at before libetpan reads it.
 *
 * libetpan can be crashed by a literal of 4 GB or by 300,000 parentheses, loses
 * its place at a response that it does not know, and reads for as long as a
 * server likes to talk. So each line is held here until it is whole and then
 * passed on, changed, dropped, or taken for the end of the connection:
 *
 *   tagged, "+", * OK NO BAD BYE PREAUTH    passed as mere text: braces and
 *                                           brackets become parentheses, but
 *                                           for those of [UIDVALIDITY n]
 *   * FLAGS                                 passed
 *   * CAPABILITY                            kept here, and not passed: libetpan
 *                                           cannot read what Cyrus offers
 *   * SEARCH                                read here, number by number, and
 *                                           not passed: a folder may have
 *                                           millions of mails
 *   * n EXISTS RECENT EXPUNGE FETCH         passed; FETCH alone may have literals,
 *                                           and of a body but all, BODY[]
 *   a parenthesis or a quote left open      the end, as are those too deep
 *   * anything else                         dropped: we never asked for it
 *
 * Small liberties are put right: a space at the end of a line, an OK without a
 * text. A pure function over bytes: no I/O, no libetpan.
 */
#ifndef CH_NET_IMAP_GUARD_H
#define CH_NET_IMAP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define CH_IMAP_LINE_MAX 65536             /* bytes of one line */
#define CH_IMAP_LINES_MAX (1024 * 1024)    /* of all lines of one command */
#define CH_IMAP_SEARCH_MAX (64 * 1024 * 1024) /* of SEARCH: 6 million UIDs */
#define CH_IMAP_DEPTH_MAX 16               /* parentheses in one another */

/* The smallest numbers that SEARCH names, above `after`, `max` of them at
 * most, in no order, and some perhaps twice. */
struct ch_imap_found {
	uint32_t after;
	size_t max;     /* > 0 */
	uint32_t *uids; /* owned */
	size_t len, cap;
	bool more; /* there are larger ones */
};
void ch_imap_found_release(struct ch_imap_found *found);

struct ch_imap_guard {
	struct ch_str line;    /* what came of the line */
	uint64_t literal_left; /* bytes of a literal to be passed on */
	unsigned int depth;    /* parentheses that are open */
	bool within;           /* a literal stood in this response */
	size_t lines_left;     /* bytes that may still come in lines */
	size_t search_left;    /* the same for SEARCH */
	uint64_t literals_left; /* the same for literals */
	unsigned int news;      /* how many EXISTS were passed on */
	unsigned int dropped;   /* how many lines were not */
	uint32_t uidvalidity;   /* the last that was said; 0: none */
	uint64_t uidnext;       /* the same */
	struct ch_str capabilities; /* the last that were said: "A B" */
	struct ch_imap_found *found; /* borrowed: where SEARCH's numbers go;
				      * NULL: nowhere */
	bool in_search;      /* within a line of SEARCH */
	uint64_t number;     /* of it: what came of the number */
	unsigned int digits; /* of that */
};

void ch_imap_guard_init(struct ch_imap_guard *guard);
void ch_imap_guard_release(struct ch_imap_guard *guard);

/* A command is about to be sent to which the server may answer `literals`
 * bytes of literals. The other limits begin anew. */
void ch_imap_guard_allow(struct ch_imap_guard *guard, uint64_t literals);

/* Look at the next bytes and append to *out what may be read. Returns 0, or -1
 * with CH_GIVE_UP: the server does not behave; nothing of these bytes was
 * appended that stands behind the place where it stopped to. */
int ch_imap_guard_feed(struct ch_imap_guard *guard, const char *bytes,
		       size_t len, struct ch_str *out, struct ch_error *err);

/* No line, literal or response is begun and not ended. */
bool ch_imap_guard_at_rest(const struct ch_imap_guard *guard);

#endif
