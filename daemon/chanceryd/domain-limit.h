/* SPDX-License-Identifier: GPL-3.0-or-later */
/* domain-limit.h - which domain an address has, which patterns it matches, and
 * when a letter that has to wait for its domain comes back.
 *
 * Pure functions over values; times are those of the monotonic clock.
 *
 * Letters that wait are given slots: one behind the other, as far apart as the
 * domain can take letters. So each is put off once and not over and over, and
 * they do not come back together. The slots are no reservation: where one comes
 * too early, because the domain is slower than was thought, its letter gets
 * another one at the end. Each batch has a row of slots of its own, so that a
 * small batch does not wait behind a large one.
 */
#ifndef CH_CHANCERYD_DOMAIN_LIMIT_H
#define CH_CHANCERYD_DOMAIN_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chanceryd/pace.h"

/* Behind the last @, in lower case (ASCII), into `ret`. False: there is none,
 * or it does not fit. */
#define CH_DOMAIN_MAX 256
bool ch_domain_of(const char *address, char ret[CH_DOMAIN_MAX]);

/* Whether `domain` (in lower case and A-labels) is meant: "ministry.example"
 * itself, "*.example" each below it, "*" every one. */
bool ch_domain_matches(const char *pattern, const char *domain);
/* Whether it is such a pattern at all. */
bool ch_domain_is_pattern(const char *pattern);
/* The pattern with the A-labels of a domain that is written as people do; the
 * caller's. */
char *ch_domain_pattern_fold(const char *pattern);

#define CH_SLOTS_BATCHES 4 /* that have a row of their own */
#define CH_SLOTS_AHEAD_MS (60 * 60 * 1000LL) /* what lies farther away is looked
					      at again after one or two of it */

struct ch_slots {
	struct {
		int64_t batch_id;
		int64_t last_ms; /* slot that was given last */
	} rows[CH_SLOTS_BATCHES];
	size_t oldest; /* the row that another batch takes */
};

/* The next slot of a batch: not before `from_ms`, and `step_ms` (at least 1)
 * behind the one before. Where that is too far ahead, some time after
 * CH_SLOTS_AHEAD_MS by `seed`. */
int64_t ch_slots_next(struct ch_slots *slots, int64_t batch_id, int64_t now_ms,
		      int64_t from_ms, int64_t step_ms, uint64_t seed);

/* How far apart letters may go: by the slowest of the pace's periods; 0 where
 * it has none. */
int64_t ch_domain_step_ms(const struct ch_pace *pace);

/* ---- letters of a connection ------------------------------------------- */

#define CH_SHARES_MAX 16 /* domains; for one more a new connection begins */

/* How many letters a connection was given for each of some domains. */
struct ch_shares {
	struct {
		uint64_t domain; /* ch_domain_mark() */
		uint32_t letters;
	} rows[CH_SHARES_MAX];
	size_t len;
};

uint64_t ch_domain_mark(const char *domain);
/* Whether one more letter for the domain would be more than `most` over this
 * connection. */
bool ch_shares_full(const struct ch_shares *shares, uint64_t domain,
		    uint32_t most);
/* It is given one; not where it is full. */
void ch_shares_add(struct ch_shares *shares, uint64_t domain);

#define CH_DOMAIN_REST_MAX_MS (15 * 60 * 1000LL)

/* How long a domain rests after so many refusals in a row: `first_ms`, twice
 * that, … at most CH_DOMAIN_REST_MAX_MS. */
int64_t ch_domain_rest_ms(int64_t first_ms, uint32_t refusals);

#endif
