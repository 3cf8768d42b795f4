/* SPDX-License-Identifier: GPL-3.0-or-later */
/* routes.h - letters that not every relay can carry.
 *
 * An address that is not ASCII goes only over a relay with smtputf8 = true.
 * Where some relays have that and others not, each letter is looked at before
 * it is claimed: one that needs it is claimed only if such a relay has room,
 * else it stays in the queue for a moment, without an attempt. Where all relays
 * are alike nothing is looked at: then the worker says what cannot be.
 */
#ifndef CH_CHANCERYD_ROUTES_H
#define CH_CHANCERYD_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ch_mailroom;
struct ch_store_claim;  /* store.h */
struct ch_store_letter;

/* Of one claim; lives until that is done. */
struct ch_route {
	int64_t (*when)(void *context, const struct ch_store_letter *letter);
	void *context; /* of the `when` that was there before, if any */
	int64_t now_us;
	size_t room;    /* letters that such relays can take yet */
	size_t put_off; /* that have to wait */
};

/* Have the claim ask for each letter, where relays differ; behind what others
 * ask (ch_domains_begin()). Returns whether they do. */
bool ch_route_begin(struct ch_mailroom *room, struct ch_route *route,
		    struct ch_store_claim *claim);
/* Whether it has an address that is not ASCII. */
bool ch_route_needs_utf8(const struct ch_store_letter *letter);

#endif
