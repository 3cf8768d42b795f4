// SPDX-License-Identifier: GPL-3.0-or-later
/* domains.c - see domains.h. */
#include "chanceryd/domains.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "chanceryd/detail.h"
#include "chanceryd/dispatch.h"
#include "chanceryd/domain-limit.h"
#include "chanceryd/relay-keep.h"
#include "chanceryd/room.h"

#define CHAINS 256    /* of the table; a power of two */
#define KNOWN_MAX 512 /* domains; more only while they have letters under way */
#define SHOWN_MAX 50
#define IN_LINE 16    /* letters that go as soon as a place is free */
#define FIRST_GUESS_MS 20 /* what a letter takes */
#define LOOSE_MS 1000 /* slots that go unused for so long are no longer right */
#define FORGET_MS (60 * 60 * 1000LL)
#define PACE "domain."
#define DAY_US (24 * 3600 * 1000000LL)

/* A letter that was put off, and until when. */
struct waiting {
	int64_t batch_id;
	int64_t letter_id;
	int64_t until_us;
};

struct domain {
	struct domain *chained; /* in its chain of the table */
	struct domain *older, *newer;
	const struct ch_domain_config *config; /* of room->config, or NULL */
	struct ch_paced pace;
	uint32_t under_way;
	uint32_t refusals; /* in a row; above 0 it takes one letter at a time */
	int64_t rests_until_ms;
	int64_t took_ms;   /* when it was given its last letter; 0: never */
	int64_t letter_ms; /* what a letter takes, about; 0: not known */
	struct ch_slots slots;
	struct waiting line[IN_LINE];
	size_t line_len;
	char name[];
};

struct ch_hold {
	int64_t since_ms;
	size_t len;
	struct domain *domains[];
};

struct ch_domains {
	struct ch_mailroom *room; /* borrowed */
	struct domain *chains[CHAINS];
	struct domain *oldest, *newest; /* by use */
	size_t len;
	size_t resting;
	bool changed; /* the pace of one of them */
	/* the claim under way */
	struct ch_active_batch *batch;
	int64_t now_us;
	struct ch_hold **holds; /* owned, until taken */
	size_t holds_len, holds_cap;
	struct ch_domain_state *shown; /* owned */
};

/* ---- the table -------------------------------------------------------- */

/* FNV-1a, public domain. */
static struct domain **chain_of(struct ch_domains *domains, const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return &domains->chains[(hash ^ hash >> 16) & (CHAINS - 1)];
}

static void leave_order(struct ch_domains *domains, struct domain *domain)
{
	if (domain->older)
		domain->older->newer = domain->newer;
	else
		domains->oldest = domain->newer;
	if (domain->newer)
		domain->newer->older = domain->older;
	else
		domains->newest = domain->older;
}

static void become_newest(struct ch_domains *domains, struct domain *domain)
{
	domain->newer = NULL;
	domain->older = domains->newest;
	if (domains->newest)
		domains->newest->newer = domain;
	else
		domains->oldest = domain;
	domains->newest = domain;
}

static struct domain *find(struct ch_domains *domains, const char *name)
{
	struct domain *domain = *chain_of(domains, name);

	while (domain && strcmp(domain->name, name) != 0)
		domain = domain->chained;
	if (domain && domain != domains->newest) {
		leave_order(domains, domain);
		become_newest(domains, domain);
	}
	return domain;
}

static void forget(struct ch_domains *domains, struct domain *domain)
{
	struct domain **at = chain_of(domains, domain->name);

	while (*at != domain)
		at = &(*at)->chained;
	*at = domain->chained;
	leave_order(domains, domain);
	domains->len--;
	domains->resting -= domain->refusals > 0;
	free(domain);
}

/* The one that was not used for longest and has nothing under way; a rest that
 * is forgotten begins anew with the next refusal. */
static void make_room(struct ch_domains *domains)
{
	struct domain *domain = domains->oldest;

	while (domain && (domain->under_way > 0 || domain->pace.changed))
		domain = domain->newer;
	if (domain)
		forget(domains, domain);
}

static char *pace_name(const struct domain *domain)
{
	return ch_xasprintf(PACE "%s", domain->name);
}

static void configure(struct ch_domains *domains, struct domain *domain,
		      const struct ch_domain_config *config)
{
	static const struct ch_pace none = { .burst = 1 };
	CH_AUTOCHAR name = pace_name(domain);

	domain->config = config;
	ch_paced_use(domains->room, &domain->pace,
		     config ? ch_pace_of(&config->pace) : none, name);
}

static struct domain *add(struct ch_domains *domains, const char *name,
			  const struct ch_domain_config *config)
{
	struct domain *domain = ch_xzalloc(sizeof(*domain) + strlen(name) + 1);
	struct domain **chain = chain_of(domains, name);

	if (domains->len >= KNOWN_MAX)
		make_room(domains);
	memcpy(domain->name, name, strlen(name) + 1);
	domain->chained = *chain;
	*chain = domain;
	become_newest(domains, domain);
	domains->len++;
	configure(domains, domain, config);
	return domain;
}

/* ---- the configuration ------------------------------------------------ */

static const struct ch_domain_config *
config_of(const struct ch_mailroom *room, const char *name)
{
	const struct ch_setting_list *list = &room->config->domains;
	const struct ch_domain_config *configs = list->items;

	for (size_t i = 0; i < list->len; i++)
		for (size_t j = 0; j < configs[i].pattern.len; j++)
			if (ch_domain_matches(configs[i].pattern.items[j],
					      name))
				return &configs[i];
	return NULL;
}

/* Domains that share a limit go under its first pattern. */
static const char *key_of(const struct ch_domain_config *config,
			  const char *name)
{
	return config && config->shared ? config->pattern.items[0] : name;
}

/* The one that an address belongs to; NULL: nothing limits it. */
static struct domain *domain_of(struct ch_domains *domains,
				const char *address)
{
	const struct ch_domain_config *config;
	char name[CH_DOMAIN_MAX];
	struct domain *domain;

	if (!ch_domain_of(address, name))
		return NULL;
	config = config_of(domains->room, name);
	domain = find(domains, key_of(config, name));
	if (!domain && config)
		domain = add(domains, key_of(config, name), config);
	return domain;
}

/* What was used a day ago counts no more. */
static void prune(struct ch_mailroom *room)
{
	struct ch_error err;

	(void)ch_turn_open(room);
	if (ch_store_forget_paces(room->store, "pace." PACE,
				  ch_clock_now_us() - DAY_US - DAY_US / 24,
				  &err) < 0)
		ch_room_fail(room, &err);
}

struct ch_domains *ch_domains_new(struct ch_mailroom *room)
{
	struct ch_domains *domains = ch_xzalloc(sizeof(*domains));

	domains->room = room;
	if (room->config->domains.len > 0)
		prune(room);
	return domains;
}

void ch_domains_free(struct ch_domains *domains)
{
	if (!domains)
		return;
	while (domains->oldest)
		forget(domains, domains->oldest);
	for (size_t i = 0; i < domains->holds_len; i++)
		free(domains->holds[i]);
	free(domains->holds);
	free(domains->shown);
	free(domains);
}

void ch_domains_reload(struct ch_mailroom *room)
{
	struct domain *domain = room->domains->oldest;

	while (domain) {
		struct domain *next = domain->newer;
		const struct ch_domain_config *config =
			config_of(room, domain->name);

		if (!config && domain->under_way == 0 &&
		    domain->refusals == 0 && !domain->pace.changed)
			forget(room->domains, domain);
		else
			configure(room->domains, domain, config);
		domain = next;
	}
}

/* ---- whether there is room -------------------------------------------- */

/* Letters at once; 0: no limit. */
static uint32_t places_of(const struct domain *domain)
{
	if (domain->refusals > 0)
		return 1;
	return domain->config ? (uint32_t)domain->config->connections : 0;
}

static bool has_place(const struct domain *domain)
{
	uint32_t places = places_of(domain);

	return places == 0 || domain->under_way < places;
}

static bool has_room(struct domain *domain, int64_t now_ms)
{
	return has_place(domain) && domain->rests_until_ms <= now_ms &&
	       ch_paced_may(&domain->pace, now_ms) > 0;
}

/* How long until a place is free again, on the average. */
static int64_t step_of(const struct domain *domain, int64_t now_ms)
{
	int64_t step_ms = ch_domain_step_ms(&domain->pace.pace);
	uint32_t places = places_of(domain);
	int64_t letter_ms =
		domain->letter_ms ? domain->letter_ms : FIRST_GUESS_MS;

	/* What is under way may take longer than those before. */
	if (domain->under_way > 0 && now_ms - domain->took_ms > letter_ms)
		letter_ms = now_ms - domain->took_ms;
	if (places > 0 && letter_ms / places > step_ms)
		step_ms = letter_ms / places;
	return step_ms > 0 ? step_ms : 1;
}

/* When the letter may ask again. */
static int64_t put_off(struct ch_domains *domains, struct domain *domain,
		       int64_t letter_id, int64_t now_ms)
{
	int64_t from_ms = ch_paced_next_ms(&domain->pace, now_ms);

	if (domain->rests_until_ms > from_ms)
		from_ms = domain->rests_until_ms;
	return ch_slots_next(&domain->slots, domains->batch->id, now_ms,
			     from_ms, step_of(domain, now_ms),
			     (uint64_t)letter_id);
}

/* It waits for a place only: the next one that is free is its. */
static void stand_in_line(struct ch_domains *domains, struct domain *domain,
			  int64_t letter_id, int64_t until_us)
{
	if (has_place(domain) || domain->line_len == IN_LINE)
		return;
	domain->line[domain->line_len++] = (struct waiting){
		.batch_id = domains->batch->id,
		.letter_id = letter_id,
		.until_us = until_us,
	};
}

static void take(struct ch_domains *domains, struct domain *domain,
		 int64_t now_ms)
{
	/* Nothing has come for long: the slots ahead are of letters that are
	 * gone, cancelled perhaps. */
	if (now_ms - domain->took_ms > 4 * step_of(domain, now_ms) + LOOSE_MS)
		domain->slots = (struct ch_slots){ 0 };
	domain->took_ms = now_ms;
	domain->under_way++;
	ch_paced_took(&domain->pace, 1);
	domains->changed |= domain->pace.changed;
}

/* The domains of the addresses that are due, each once. */
static size_t domains_of(struct ch_domains *domains,
			 const struct ch_store_letter *letter,
			 struct ch_hold *hold)
{
	hold->len = 0;
	for (size_t i = 0; i < letter->addresses_len; i++) {
		const struct ch_store_address *address = &letter->addresses[i];
		struct domain *domain;
		size_t j = 0;

		if (address->state != CH_STATE_QUEUED ||
		    address->next_at_us > domains->now_us)
			continue;
		domain = domain_of(domains, address->address);
		while (domain && j < hold->len && hold->domains[j] != domain)
			j++;
		if (!domain || j < hold->len)
			continue;
		domain->under_way++; /* until it is known: stay in the table */
		hold->domains[hold->len++] = domain;
	}
	for (size_t i = 0; i < hold->len; i++)
		hold->domains[i]->under_way--;
	return hold->len;
}

/* When all of them have room; 0: now. */
static int64_t when_for(struct ch_domains *domains,
			const struct ch_store_letter *letter,
			const struct ch_hold *hold)
{
	int64_t now_ms = hold->since_ms;
	struct domain *last = NULL;
	int64_t until_ms = 0;
	int64_t until_us;

	for (size_t i = 0; i < hold->len; i++) {
		struct domain *domain = hold->domains[i];
		int64_t at_ms;

		if (has_room(domain, now_ms))
			continue;
		at_ms = put_off(domains, domain, letter->id, now_ms);
		if (at_ms > until_ms) {
			until_ms = at_ms;
			last = domain;
		}
	}
	if (!last)
		return 0;
	until_us = domains->now_us + (until_ms - now_ms) * 1000;
	stand_in_line(domains, last, letter->id, until_us);
	return until_us;
}

/* ch_store_claim's `when`. */
static int64_t when(void *context, const struct ch_store_letter *letter)
{
	struct ch_domains *domains = context;
	size_t size = letter->addresses_len * sizeof(struct domain *);
	struct ch_hold *hold = ch_xzalloc(sizeof(*hold) + size);
	int64_t until_us = 0;

	hold->since_ms = ch_clock_mono_ms();
	if (domains_of(domains, letter, hold) > 0)
		until_us = when_for(domains, letter, hold);
	if (until_us != 0) {
		free(hold);
		return until_us;
	}
	for (size_t i = 0; i < hold->len; i++)
		take(domains, hold->domains[i], hold->since_ms);
	if (hold->len == 0)
		free(CH_TAKE(hold));
	CH_GROW(domains->holds, domains->holds_len, domains->holds_cap);
	domains->holds[domains->holds_len++] = hold;
	return 0;
}

/* A rest that has been over for long, without a letter since. */
static void forget_rests(struct ch_domains *domains, int64_t now_ms)
{
	while (domains->resting > 0 && domains->oldest->refusals > 0 &&
	       domains->oldest->under_way == 0 &&
	       !domains->oldest->pace.changed &&
	       now_ms - domains->oldest->rests_until_ms > FORGET_MS)
		forget(domains, domains->oldest);
}

void ch_domains_begin(struct ch_mailroom *room, struct ch_active_batch *batch,
		      struct ch_store_claim *claim)
{
	struct ch_domains *domains = room->domains;

	domains->holds_len = 0;
	if (domains->resting > 0)
		forget_rests(domains, ch_clock_mono_ms());
	if (room->config->domains.len == 0 && domains->resting == 0)
		return;
	domains->batch = batch;
	domains->now_us = claim->now_us;
	claim->when = when;
	claim->context = domains;
}

struct ch_hold *ch_domains_hold(struct ch_mailroom *room, size_t n)
{
	struct ch_domains *domains = room->domains;

	return n < domains->holds_len ? CH_TAKE(domains->holds[n]) : NULL;
}

/* ---- the connection that takes it ------------------------------------- */

static uint32_t share_of(const struct domain *domain)
{
	return domain->config ?
		       (uint32_t)domain->config->letters_per_connection : 0;
}

bool ch_hold_share(const struct ch_hold *hold, struct ch_shares **shares)
{
	bool anew = false;
	bool counts = false;

	for (size_t i = 0; hold && i < hold->len; i++) {
		const struct domain *domain = hold->domains[i];

		if (share_of(domain) == 0)
			continue;
		counts = true;
		if (*shares && ch_shares_full(*shares,
					      ch_domain_mark(domain->name),
					      share_of(domain)))
			anew = true;
	}
	if (!counts)
		return false;
	if (!*shares)
		*shares = ch_xzalloc(sizeof(**shares));
	if (anew)
		**shares = (struct ch_shares){ 0 };
	/* Where it goes to more domains than can be counted, the next letter to
	 * one of the others begins a new connection. */
	for (size_t i = 0; i < hold->len; i++) {
		uint64_t mark = ch_domain_mark(hold->domains[i]->name);
		uint32_t share = share_of(hold->domains[i]);

		if (share > 0 && !ch_shares_full(*shares, mark, share))
			ch_shares_add(*shares, mark);
	}
	return anew;
}

/* ---- what becomes of letters ------------------------------------------ */

/* A place is free: the first in line need not wait for its slot. Where a person
 * has decided otherwise, or a reply gave it another time, it is no longer in
 * line. */
static void call_next(struct ch_mailroom *room, struct domain *domain)
{
	int64_t now_us = ch_turn_open(room);
	struct waiting next;
	struct ch_active_batch *batch;
	struct ch_error err;
	int moved = 0;

	while (moved == 0 && domain->line_len > 0) {
		next = domain->line[0];
		domain->line_len--;
		memmove(&domain->line[0], &domain->line[1],
			domain->line_len * sizeof(domain->line[0]));
		batch = ch_dispatch_find(room, next.batch_id);
		if (!batch || !batch->open)
			continue;
		moved = ch_store_bring_forward(room->store, next.letter_id,
					       next.until_us, now_us, &err);
		if (moved < 0)
			ch_room_fail(room, &err);
		if (moved > 0)
			ch_dispatch_due(room, batch, now_us);
	}
}

void ch_hold_end(struct ch_mailroom *room, struct ch_hold *hold, bool tried)
{
	int64_t now_ms = ch_clock_mono_ms();

	for (size_t i = 0; hold && i < hold->len; i++) {
		struct domain *domain = hold->domains[i];
		int64_t took_ms = now_ms - hold->since_ms;

		domain->under_way--;
		if (tried)
			domain->letter_ms = domain->letter_ms ?
				(3 * domain->letter_ms + took_ms) / 4 :
				took_ms + 1;
		else
			ch_paced_back(&domain->pace, 1);
		room->domains->changed |= domain->pace.changed;
		if (domain->line_len > 0 && has_room(domain, now_ms))
			call_next(room, domain);
	}
	free(hold);
}

static void tell(struct ch_mailroom *room, const char *type,
		 const struct domain *domain, struct ch_slice reply)
{
	int64_t now_us = ch_turn_open(room);
	CH_AUTOCHAR text = ch_slice_dup(reply);
	CH_AUTO(ch_detail) detail = { 0 };
	CH_AUTOCHAR json = NULL;
	struct ch_error err;

	ch_detail_text(&detail, "domain", domain->name);
	if (text[0])
		ch_detail_text(&detail, "reply", text);
	json = ch_detail_take(&detail);
	if (ch_store_event_add(room->store, type, 0, 0, "", json, now_us,
			       &err) < 0)
		ch_room_fail(room, &err);
}

/* The domain of an address of the letter, which is added where `wanted`. */
static struct domain *domain_at(struct ch_mailroom *room, int64_t letter_id,
				uint32_t seq, bool wanted)
{
	struct ch_domains *domains = room->domains;
	CH_AUTO(ch_store_letter) letter = { 0 };
	const char *address = "";
	char name[CH_DOMAIN_MAX];
	struct domain *domain;
	struct ch_error err;

	if (ch_store_letter_by_id(room->store, letter_id, &letter, &err) < 0)
		ch_room_fail(room, &err);
	for (size_t i = 0; i < letter.addresses_len; i++)
		if (letter.addresses[i].seq == seq)
			address = letter.addresses[i].address;
	domain = domain_of(domains, address);
	if (!domain && wanted && ch_domain_of(address, name))
		domain = add(domains, name, NULL);
	return domain;
}

void ch_domains_well(struct ch_mailroom *room, int64_t letter_id, uint32_t seq)
{
	struct domain *domain;

	if (room->domains->resting == 0)
		return;
	domain = domain_at(room, letter_id, seq, false);
	/* What was under way when a rest began says nothing of its end. */
	if (!domain || domain->refusals == 0 ||
	    domain->rests_until_ms > ch_clock_mono_ms())
		return;
	domain->refusals /= 2;
	if (domain->refusals > 0)
		return;
	room->domains->resting--;
	tell(room, "domain.recovered", domain, CH_SLICE_EMPTY);
}

static void rest(struct ch_mailroom *room, struct domain *domain,
		 struct ch_slice reply)
{
	int64_t first_ms = room->config->sending.domain_rest_ms;
	int64_t now_ms = ch_clock_mono_ms();

	/* Those that were under way when it began say the same. */
	if (domain->rests_until_ms > now_ms)
		return;
	if (domain->refusals++ == 0) {
		room->domains->resting++;
		tell(room, "domain.slowed", domain, reply);
	}
	domain->rests_until_ms =
		now_ms + ch_domain_rest_ms(first_ms, domain->refusals);
}

void ch_domains_refused(struct ch_mailroom *room, int64_t letter_id,
			uint32_t seq, struct ch_slice reply)
{
	struct domain *domain;

	if (room->config->sending.domain_rest_ms == 0)
		return;
	domain = domain_at(room, letter_id, seq, true);
	if (domain)
		rest(room, domain, reply);
}

/* ---- kept and shown --------------------------------------------------- */

void ch_domains_keep(struct ch_mailroom *room)
{
	struct domain *domain = room->domains->newest;

	if (!room->domains->changed)
		return;
	room->domains->changed = false;
	for (; domain; domain = domain->older) {
		CH_AUTOCHAR name = NULL;

		if (!domain->pace.changed)
			continue;
		name = pace_name(domain);
		ch_paced_keep(room, &domain->pace, name);
	}
}

const struct ch_domain_state *ch_domains_state(struct ch_mailroom *room,
					       size_t *ret_len)
{
	struct ch_domains *domains = room->domains;
	int64_t now_ms = ch_clock_mono_ms();
	size_t len = 0;

	forget_rests(domains, now_ms);
	if (!domains->shown)
		domains->shown = ch_xcalloc(SHOWN_MAX, sizeof(*domains->shown));
	for (const struct domain *domain = domains->newest;
	     domain && len < SHOWN_MAX; domain = domain->older) {
		int64_t left_ms = domain->rests_until_ms - now_ms;

		if (domain->refusals == 0)
			continue;
		domains->shown[len++] = (struct ch_domain_state){
			.name = domain->name,
			.refusals = domain->refusals,
			.under_way = domain->under_way,
			.next_us = left_ms > 0 ?
				ch_clock_now_us() + left_ms * 1000 : 0,
		};
	}
	*ret_len = len;
	return domains->shown;
}
