/* SPDX-License-Identifier: GPL-3.0-or-later */
/* domains.h - what the domains of the recipients can take: letters at once, a
 * pace, and a rest where they refuse for now.
 *
 * A domain is known here while an entry of the configuration's `domains` is
 * meant for it, or while it rests: in a table of limited size, of which what
 * was not used for longest goes first. What was used of a pace is in the store.
 * Where nothing is configured and no domain rests, letters pass by.
 *
 * A letter whose domain has no room is not claimed: it gets a slot later
 * (domain-limit.h), is out of the way of those behind it, and costs one write.
 * A letter to several domains needs room at each of them, and counts at each.
 */
#ifndef CH_CHANCERYD_DOMAINS_H
#define CH_CHANCERYD_DOMAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "store/store.h"

struct ch_active_batch; /* dispatch.h */
struct ch_domain_state; /* mailroom.h */
struct ch_domains;      /* opaque; room->domains */
struct ch_mailroom;

/* The places at domains that a letter under way has; opaque. */
struct ch_hold;

struct ch_domains *ch_domains_new(struct ch_mailroom *room);
void ch_domains_free(struct ch_domains *domains); /* NULL is fine */
/* room->config is another one. */
void ch_domains_reload(struct ch_mailroom *room);

/* Ask of each letter of this claim; nothing where there is nothing to ask. */
void ch_domains_begin(struct ch_mailroom *room, struct ch_active_batch *batch,
		      struct ch_store_claim *claim);
/* The places of the letter that was claimed as the n-th, which its owner gives
 * back with ch_hold_end(); NULL: it has none. */
struct ch_hold *ch_domains_hold(struct ch_mailroom *room, size_t n);

/* A connection is given the letter of `hold`, behind those that *shares counts:
 * whether it has to be begun anew for it (letters_per_connection of a domain),
 * which then counts from the start. *shares is NULL until something is counted;
 * the caller frees it. */
struct ch_shares; /* domain-limit.h */
bool ch_hold_share(const struct ch_hold *hold, struct ch_shares **shares);

/* The letter is at its end, and the relay has heard of it or not. Frees
 * `hold`, which may be NULL. */
void ch_hold_end(struct ch_mailroom *room, struct ch_hold *hold, bool tried);
/* An address of a letter has got a verdict that is final: its domain may be
 * on its way back. */
void ch_domains_well(struct ch_mailroom *room, int64_t letter_id,
		     uint32_t seq);
/* An address of a letter was refused for now, with 421 or 4.7.z: its domain
 * rests. `reply` as it came. */
void ch_domains_refused(struct ch_mailroom *room, int64_t letter_id,
			uint32_t seq, struct ch_slice reply);

/* Write what was used of paces in this turn. */
void ch_domains_keep(struct ch_mailroom *room);

/* Those that rest, some at most; borrowed until the end of the turn. */
const struct ch_domain_state *ch_domains_state(struct ch_mailroom *room,
					       size_t *ret_len);

#endif
