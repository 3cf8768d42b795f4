// SPDX-License-Identifier: GPL-3.0-or-later
/* domain-limit.c - see domain-limit.h. */
#include "chanceryd/domain-limit.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "mail/same.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool ch_domain_of(const char *address, char ret[CH_DOMAIN_MAX])
{
	const char *at = strrchr(address, '@');
	size_t len = at ? strlen(at + 1) : 0;

	if (len == 0 || len >= CH_DOMAIN_MAX)
		return false;
	for (size_t i = 0; i <= len; i++)
		ret[i] = lower(at[1 + i]);
	return true;
}

bool ch_domain_matches(const char *pattern, const char *domain)
{
	size_t len = strlen(domain);
	size_t tail = strlen(pattern);

	if (pattern[0] != '*')
		return strcasecmp(pattern, domain) == 0;
	if (tail == 1)
		return true;
	tail--; /* ".example" of "*.example" */
	return len > tail && strcasecmp(domain + len - tail, pattern + 1) == 0;
}

bool ch_domain_is_pattern(const char *pattern)
{
	const char *name = pattern;

	if (strcmp(pattern, "*") == 0)
		return true;
	if (strncmp(name, "*.", 2) == 0)
		name += 2;
	return name[0] && name[0] != '.' && !strpbrk(name, "*@ \t") &&
	       strlen(name) < CH_DOMAIN_MAX && !strstr(name, "..");
}

char *ch_domain_pattern_fold(const char *pattern)
{
	CH_AUTO(ch_str) folded = CH_STR_INIT(20 * CH_FOLD_MAX);

	ch_domain_fold(ch_slice_of(pattern), &folded);
	return ch_xstrdup(ch_str_cstr(&folded));
}

/* ---- slots ------------------------------------------------------------ */

/* Bits that differ for every seed (splitmix64, public domain). */
static uint64_t scatter(uint64_t seed)
{
	seed += 0x9E3779B97F4A7C15u;
	seed = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9u;
	seed = (seed ^ seed >> 27) * 0x94D049BB133111EBu;
	return seed ^ seed >> 31;
}

static int64_t *row_of(struct ch_slots *slots, int64_t batch_id)
{
	size_t place = slots->oldest;

	for (size_t i = 0; i < CH_SLOTS_BATCHES; i++)
		if (slots->rows[i].batch_id == batch_id)
			return &slots->rows[i].last_ms;
	slots->oldest = (place + 1) % CH_SLOTS_BATCHES;
	slots->rows[place].batch_id = batch_id;
	slots->rows[place].last_ms = INT64_MIN / 2;
	return &slots->rows[place].last_ms;
}

int64_t ch_slots_next(struct ch_slots *slots, int64_t batch_id, int64_t now_ms,
		      int64_t from_ms, int64_t step_ms, uint64_t seed)
{
	int64_t *last_ms = row_of(slots, batch_id);
	int64_t at_ms = *last_ms + step_ms;

	if (at_ms < from_ms)
		at_ms = from_ms;
	if (at_ms <= now_ms)
		at_ms = now_ms + 1;
	if (at_ms > now_ms + CH_SLOTS_AHEAD_MS)
		return now_ms + CH_SLOTS_AHEAD_MS +
		       (int64_t)(scatter(seed) % CH_SLOTS_AHEAD_MS);
	*last_ms = at_ms;
	return at_ms;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t step_of(int64_t period_ms, uint32_t letters)
{
	return letters ? (period_ms + letters - 1) / letters : 0;
}

int64_t ch_domain_step_ms(const struct ch_pace *pace)
{
	int64_t step_ms = step_of(1000, pace->per_second);

	step_ms = larger(step_ms, step_of(60 * 1000, pace->per_minute));
	step_ms = larger(step_ms, step_of(3600 * 1000, pace->per_hour));
	return larger(step_ms, step_of(86400 * 1000LL, pace->per_day));
}

/* ---- letters of a connection ------------------------------------------ */

/* FNV-1a, public domain. Two that look alike share what is one's: less than is
 * allowed, never more. */
uint64_t ch_domain_mark(const char *domain)
{
	uint64_t mark = 14695981039346656037u;

	for (; *domain; domain++)
		mark = (mark ^ (unsigned char)*domain) * 1099511628211u;
	return mark;
}

static size_t place_of(const struct ch_shares *shares, uint64_t domain)
{
	size_t i = 0;

	while (i < shares->len && shares->rows[i].domain != domain)
		i++;
	return i;
}

bool ch_shares_full(const struct ch_shares *shares, uint64_t domain,
		    uint32_t most)
{
	size_t place = place_of(shares, domain);

	if (place == shares->len)
		return shares->len == CH_SHARES_MAX;
	return shares->rows[place].letters >= most;
}

void ch_shares_add(struct ch_shares *shares, uint64_t domain)
{
	size_t place = place_of(shares, domain);

	if (place == shares->len) {
		shares->len++;
		shares->rows[place].domain = domain;
		shares->rows[place].letters = 0;
	}
	shares->rows[place].letters++;
}

int64_t ch_domain_rest_ms(int64_t first_ms, uint32_t refusals)
{
	int64_t rest_ms = first_ms;

	if (refusals == 0)
		return 0;
	while (--refusals > 0 && rest_ms < CH_DOMAIN_REST_MAX_MS)
		rest_ms *= 2;
	return rest_ms < CH_DOMAIN_REST_MAX_MS ? rest_ms :
						 CH_DOMAIN_REST_MAX_MS;
}
