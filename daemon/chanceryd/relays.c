// SPDX-License-Identifier: GPL-3.0-or-later
/* relays.c - see relays.h. */
#include "chanceryd/relays.h"

#include "base/clock.h"
#include "base/mem.h"
#include "chanceryd/accounts.h"
#include "chanceryd/alarms.h"
#include "chanceryd/dispatch.h"
#include "chanceryd/room.h"
#include "chanceryd/sending.h"

#define ACCURACY_US 1000
#define STREAK_MAX 5   /* letters without an answer and connections lost, one
			* after another: then the relay rests */
#define ROOM_PACE "room" /* what the pace of all is called in the store */
#define LOGIN_REST 5   /* a refused login rests as after so many failures more:
			* half a minute first, since servers shut out whom they
			* have refused a few times in some minutes */
#define LONG_FAILURE 4 /* failures in a row, then it is an alarm */

struct ch_relays {
	struct ch_relay **items; /* owned, and each */
	size_t len, cap;
	bool differ; /* in smtputf8 */
	struct ch_paced pace;         /* of all together */
	sd_event_source *wake;        /* owned: a rest or a pace is over */
	struct ch_relay_state *shown; /* owned */
	size_t shown_cap;
};

static int on_wake(sd_event_source *source, uint64_t usec, void *context)
{
	ch_dispatch_kick(context);
	return 0;
}

/* ---- one relay -------------------------------------------------------- */

static struct ch_relay *add_relay(struct ch_mailroom *room, const char *name)
{
	struct ch_relays *relays = room->relays;
	struct ch_relay *relay = ch_xzalloc(sizeof(*relay));

	relay->room = room;
	relay->name = ch_xstrdup(name);
	relay->paused = ch_relay_was_paused(room, name);
	CH_GROW(relays->items, relays->len, relays->cap);
	relays->items[relays->len++] = relay;
	return relay;
}

/* Its worker could not start, or died. */
static void crew_failed(void *owner)
{
	struct ch_crew *crew = owner;
	struct ch_relay *relay = crew->relay;

	(void)snprintf(relay->fault, sizeof(relay->fault), "worker: %s",
		       crew->post.fault);
	if (crew->post.failures >= LONG_FAILURE)
		ch_alarm_raise(relay->room, "alarm.worker", relay->name, "%s",
			       crew->post.fault);
}

static struct ch_crew *add_crew(struct ch_relay *relay, size_t senders)
{
	struct ch_crew *crew = ch_xzalloc(sizeof(*crew));

	crew->relay = relay;
	crew->post = (struct ch_post){
		.room = relay->room,
		.role = &ch_send_role,
		.owner = crew,
		.filled = ch_crew_filled,
		.failed = crew_failed,
	};
	crew->senders = ch_xcalloc(senders, sizeof(*crew->senders));
	crew->len = senders;
	for (size_t i = 0; i < senders; i++) {
		struct ch_sender *sender = &crew->senders[i];

		sender->relay = relay;
		sender->crew = crew;
		sender->line = (uint32_t)i;
		sender->last = &sender->first;
	}
	CH_GROW(relay->crews, relay->crews_len, relay->crews_cap);
	relay->crews[relay->crews_len++] = crew;
	return crew;
}

static void release_sender(struct ch_sender *sender)
{
	while (sender->first) {
		struct ch_under_way *letter = sender->first;

		sender->first = letter->next;
		free(letter->hold);
		free(letter);
	}
	sd_event_source_disable_unref(sender->deadline);
	free(sender->shares);
}

static void free_crew(struct ch_crew *crew)
{
	for (size_t i = 0; i < crew->len; i++)
		release_sender(&crew->senders[i]);
	ch_post_release(&crew->post);
	free(crew->senders);
	free(crew->batches);
	free(crew);
}

static void free_relay(struct ch_relay *relay)
{
	for (size_t i = 0; i < relay->crews_len; i++)
		free_crew(relay->crews[i]);
	free(relay->crews);
	free(relay->name);
	free(relay);
}

static bool has_workers(const struct ch_relay *relay)
{
	for (size_t i = 0; i < relay->crews_len; i++)
		if (relay->crews[i]->post.worker)
			return true;
	return false;
}

static const char *const alarms[] = { "alarm.relay", "alarm.tls", "alarm.auth",
				      "alarm.setup", "alarm.worker" };

static void clear_alarms(const struct ch_relay *relay)
{
	for (size_t i = 0; i < CH_COUNT(alarms); i++)
		ch_alarm_clear(relay->room, alarms[i], relay->name);
}

static void drop_gone(struct ch_relays *relays)
{
	size_t kept = 0;

	for (size_t i = 0; i < relays->len; i++) {
		struct ch_relay *relay = relays->items[i];

		if (relay->config || has_workers(relay)) {
			relays->items[kept++] = relay;
			continue;
		}
		clear_alarms(relay);
		free_relay(relay);
	}
	relays->len = kept;
}

/* ---- the configuration ------------------------------------------------ */

static struct ch_relay *find_relay(const struct ch_relays *relays,
				   const char *name)
{
	for (size_t i = 0; i < relays->len; i++)
		if (strcmp(relays->items[i]->name, name) == 0)
			return relays->items[i];
	return NULL;
}

/* What its pace is called in the store; the caller's. */
static char *pace_name(const struct ch_relay *relay)
{
	return ch_xasprintf("relay.%s", relay->name);
}

static void configure(struct ch_relay *relay,
		      const struct ch_relay_config *config)
{
	CH_AUTOCHAR pace = pace_name(relay);

	relay->config = config;
	relay->account = ch_account_of(relay->room, &config->peer);
	relay->logins = (struct ch_logins){ 0 };
	ch_paced_use(relay->room, &relay->pace, ch_pace_of(&config->pace),
		     pace);
	relay->opening = (struct ch_opening){ 0 };
	relay->failures = 0;
	relay->streak = 0;
	relay->rests_until_ms = 0;
}

static void read_config(struct ch_mailroom *room)
{
	const struct ch_setting_list *list = &room->config->relays;
	const struct ch_relay_config *configs = list->items;
	struct ch_relays *relays = room->relays;

	for (size_t i = 0; i < relays->len; i++) {
		relays->items[i]->config = NULL;
		relays->items[i]->account = NULL;
	}
	for (size_t i = 0; i < list->len; i++) {
		const char *name = configs[i].peer.name;
		struct ch_relay *relay = find_relay(relays, name);

		if (!relay)
			relay = add_relay(room, name);
		configure(relay, &configs[i]);
	}
	ch_paced_use(room, &relays->pace,
		     ch_pace_of(&room->config->sending.pace), ROOM_PACE);
	relays->differ = false;
	for (size_t i = 1; i < list->len; i++)
		relays->differ |= configs[i].smtputf8 != configs[0].smtputf8;
}

int ch_relays_new(struct ch_mailroom *room, struct ch_relays **ret,
		  struct ch_error *err)
{
	struct ch_relays *relays = ch_xzalloc(sizeof(*relays));
	int r = sd_event_add_time(room->event, &relays->wake, CLOCK_MONOTONIC,
				  UINT64_MAX, ACCURACY_US, on_wake, room);

	if (r < 0) {
		ch_relays_free(relays);
		return ch_error_errno(err, -r, "event loop");
	}
	(void)sd_event_source_set_enabled(relays->wake, SD_EVENT_OFF);
	*ret = relays;
	room->relays = relays;
	read_config(room);
	return 0;
}

void ch_relays_free(struct ch_relays *relays)
{
	if (!relays)
		return;
	for (size_t i = 0; i < relays->len; i++)
		free_relay(relays->items[i]);
	free(relays->items);
	free(relays->shown);
	sd_event_source_disable_unref(relays->wake);
	free(relays);
}

/* Those that are closed go once their worker has ended. */
static void drop_closed(struct ch_relay *relay)
{
	size_t kept = 0;

	for (size_t i = 0; i < relay->crews_len; i++) {
		struct ch_crew *crew = relay->crews[i];

		if (crew->post.wanted || crew->post.worker)
			relay->crews[kept++] = crew;
		else
			free_crew(crew);
	}
	relay->crews_len = kept;
}

void ch_relays_reload(struct ch_mailroom *room)
{
	struct ch_relays *relays = room->relays;

	read_config(room);
	/* All of them get new workers, since a password may be another one in
	 * the same file. */
	for (size_t i = 0; i < relays->len; i++) {
		struct ch_relay *relay = relays->items[i];

		for (size_t j = 0; j < relay->crews_len; j++)
			ch_post_close(&relay->crews[j]->post);
		drop_closed(relay);
	}
	drop_gone(relays);
	ch_dispatch_kick(room);
}

void ch_relays_account(struct ch_mailroom *room,
		       const struct ch_account *account)
{
	const struct ch_relays *relays = room->relays;

	for (size_t i = 0; i < relays->len; i++) {
		struct ch_relay *relay = relays->items[i];

		if (relay->account != account)
			continue;
		for (size_t j = 0; j < relay->crews_len; j++)
			ch_crew_password(relay->crews[j]);
	}
	ch_dispatch_kick(room);
}

void ch_relays_stop(struct ch_mailroom *room)
{
	struct ch_relays *relays = room->relays;

	for (size_t i = 0; i < relays->len; i++)
		for (size_t j = 0; j < relays->items[i]->crews_len; j++)
			ch_post_close(&relays->items[i]->crews[j]->post);
}

void ch_relay_crew_ended(struct ch_crew *crew, const struct ch_worker_end *end)
{
	struct ch_relay *relay = crew->relay;

	for (size_t i = 0; i < crew->len; i++) {
		crew->senders[i].want = 0;
		crew->senders[i].ready = false;
		crew->senders[i].faults = 0;
	}
	crew->batches_len = 0;
	ch_post_ended(&crew->post, end);
	ch_dispatch_kick(relay->room);
	drop_closed(relay);
	if (!relay->config)
		drop_gone(relay->room->relays);
}

/* ---- how it is with a relay ------------------------------------------- */

static const char *alarm_of(unsigned int fault)
{
	switch (fault) {
	case CH_FAULT_TLS:
		return "alarm.tls";
	case CH_FAULT_AUTH:
		return "alarm.auth";
	case CH_FAULT_SETUP:
		return "alarm.setup";
	default:
		return "alarm.relay";
	}
}

bool ch_relay_is_locked(const struct ch_relay *relay)
{
	return relay->account && !ch_account_has(relay->account);
}

void ch_relay_well(struct ch_relay *relay)
{
	bool rested = relay->failures > 0;

	relay->streak = 0;
	if (!rested && !relay->fault[0])
		return;
	relay->failures = 0;
	relay->rests_until_ms = 0;
	relay->fault[0] = '\0';
	clear_alarms(relay);
	if (rested)
		ch_turn_log(relay->room, LOG_NOTICE, NULL,
			    "relay %s works again", relay->name);
	ch_dispatch_kick(relay->room);
}

/* One more failure, unless it is resting already: sixteen workers that find the
 * same relay gone are one failure. */
static void rest(struct ch_relay *relay, unsigned int fault, const char *text)
{
	uint32_t more = fault == CH_FAULT_AUTH ? LOGIN_REST : 0;
	int64_t now_ms = ch_clock_mono_ms();
	int64_t rest_ms;

	(void)snprintf(relay->fault, sizeof(relay->fault), "%s", text);
	relay->streak = 0;
	if (now_ms < relay->rests_until_ms)
		return;
	relay->failures++;
	rest_ms = ch_rest_ms(relay->failures + more, (uintptr_t)relay);
	relay->rests_until_ms = now_ms + rest_ms;
	ch_turn_log(relay->room, LOG_WARNING, NULL,
		    "relay %s rests for %lld.%03lld s: %s", relay->name,
		    (long long)rest_ms / 1000, (long long)rest_ms % 1000, text);
	ch_dispatch_kick(relay->room);
}

void ch_relay_fault(struct ch_relay *relay, unsigned int fault,
		    const char *text)
{
	/* One connection that was lost says little: others go on. */
	if (fault == CH_FAULT_CONNECT && relay->failures == 0 &&
	    ++relay->streak < STREAK_MAX) {
		ch_turn_log(relay->room, LOG_INFO, NULL, "relay %s: %s",
			    relay->name, text);
		return;
	}
	rest(relay, fault, text);
	if (fault == CH_FAULT_TLS || fault == CH_FAULT_AUTH ||
	    fault == CH_FAULT_SETUP || relay->failures >= LONG_FAILURE)
		ch_alarm_raise(relay->room, alarm_of(fault), relay->name, "%s",
			       text);
}

void ch_relay_no_answer(struct ch_relay *relay, const char *text)
{
	ch_relay_fault(relay, CH_FAULT_CONNECT, text);
}

void ch_relay_untried(struct ch_relay *relay)
{
	ch_paced_back(&relay->pace, 1);
	ch_paced_back(&relay->room->relays->pace, 1);
}

static struct ch_under_way *find_letter(const struct ch_crew *crew,
					int64_t letter_id)
{
	for (size_t i = 0; i < crew->len; i++)
		for (struct ch_under_way *at = crew->senders[i].first; at;
		     at = at->next)
			if (at->letter_id == letter_id)
				return at;
	return NULL;
}

struct ch_under_way *ch_relays_find(const struct ch_mailroom *room,
				    int64_t letter_id)
{
	const struct ch_relays *relays = room->relays;
	struct ch_under_way *found = NULL;

	for (size_t i = 0; i < relays->len && !found; i++)
		for (size_t j = 0; j < relays->items[i]->crews_len && !found;
		     j++)
			found = find_letter(relays->items[i]->crews[j],
					    letter_id);
	return found;
}

bool ch_relays_try(struct ch_mailroom *room)
{
	const struct ch_relays *relays = room->relays;
	int64_t now_ms = ch_clock_mono_ms();
	bool any = false;

	for (size_t i = 0; i < relays->len; i++) {
		struct ch_relay *relay = relays->items[i];

		any |= relay->config && relay->rests_until_ms > now_ms;
		relay->rests_until_ms = 0;
	}
	ch_dispatch_kick(room);
	return any;
}

void ch_relays_recall(struct ch_mailroom *room, int priority)
{
	const struct ch_relays *relays = room->relays;

	for (size_t i = 0; i < relays->len; i++)
		for (size_t j = 0; j < relays->items[i]->crews_len; j++) {
			struct ch_crew *crew = relays->items[i]->crews[j];

			for (size_t k = 0; k < crew->len; k++)
				ch_sender_recall(&crew->senders[k], priority);
		}
}

int ch_relays_pause(struct ch_mailroom *room, const char *name, bool paused,
		    const char *who)
{
	struct ch_relay *relay = find_relay(room->relays, name);

	if (!relay || !relay->config)
		return -1;
	if (relay->paused == paused)
		return 0;
	relay->paused = paused;
	ch_relay_keep_paused(room, name, paused, who);
	ch_dispatch_kick(room);
	return 1;
}

/* What its account suffers from is said of it, too. */
static const char *text_of(const struct ch_relay *relay)
{
	return relay->fault[0] || !ch_relay_is_locked(relay) ?
		       relay->fault :
		       ch_account_fault(relay->account);
}

static const char *state_of(const struct ch_relay *relay)
{
	bool any = false;

	if (relay->paused)
		return "paused";
	if (relay->failures > 0)
		return "fault";
	if (ch_relay_is_locked(relay))
		return text_of(relay)[0] ? "fault" : "connecting";
	if (relay->room->paused)
		return "paused";
	for (size_t i = 0; i < relay->crews_len; i++) {
		const struct ch_crew *crew = relay->crews[i];

		if (crew->post.worker && crew->senders[0].ready)
			return "ready";
		any = any || crew->post.wanted;
	}
	if (any && relay->fault[0])
		return "fault";
	return any ? "connecting" : "ready";
}

/* Within its hours, if it has any. */
static bool is_open(struct ch_relay *relay)
{
	bool changed;
	bool open;

	if (!relay->config || relay->config->hours.len == 0)
		return true;
	open = ch_opening_of(&relay->config->hours, &relay->opening,
			     ch_clock_now_us(), &changed);
	if (changed)
		ch_opening_say(relay->room, &relay->opening, relay->name);
	return open;
}

#define SOON_MS 1000 /* nobody needs to be told */

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* When its rest is over, it is open and the paces allow a letter; 0: now, or
 * soon. */
static int64_t next_us(struct ch_relay *relay)
{
	int64_t open_us = is_open(relay) ? 0 : relay->opening.until_us;
	int64_t now_ms = ch_clock_mono_ms();
	int64_t next_ms = ch_paced_next_ms(&relay->pace, now_ms);
	int64_t all_ms = ch_paced_next_ms(&relay->room->relays->pace, now_ms);

	next_ms = later(later(next_ms, all_ms), relay->rests_until_ms);
	if (next_ms - now_ms < SOON_MS)
		return open_us;
	return later(ch_clock_now_us() + (next_ms - now_ms) * 1000, open_us);
}

const struct ch_relay_state *ch_relays_state(struct ch_mailroom *room,
					     size_t *ret_len)
{
	struct ch_relays *relays = room->relays;

	if (relays->shown_cap < relays->len) {
		relays->shown = ch_xreallocarray(relays->shown, relays->len,
						 sizeof(*relays->shown));
		relays->shown_cap = relays->len;
	}
	for (size_t i = 0; i < relays->len; i++) {
		struct ch_relay *relay = relays->items[i];
		struct ch_relay_state *shown = &relays->shown[i];

		*shown = (struct ch_relay_state){
			.name = relay->name,
			.state = state_of(relay),
			.text = text_of(relay),
			.backup = relay->config && relay->config->backup,
			.next_us = next_us(relay),
			.under_way = (unsigned int)relay->under_way,
		};
		for (size_t j = 0; j < relay->crews_len; j++)
			if (relay->crews[j]->post.worker)
				shown->workers +=
					(unsigned int)relay->crews[j]->len;
	}
	*ret_len = relays->len;
	return relays->shown;
}

/* ---- for dispatch ----------------------------------------------------- */

/* It has a worker that is not about to stop. */
static bool is_there(const struct ch_sender *sender)
{
	return sender->crew->post.worker && !sender->crew->post.asked;
}

/* Connections that there are or will be in a moment. One whose worker was told
 * to stop counts until it has: the relay is never given more than it may have.
 */
static size_t staff_of(const struct ch_relay *relay)
{
	size_t there = 0;

	for (size_t i = 0; i < relay->crews_len; i++)
		there += relay->crews[i]->len;
	return there;
}

/* Letters may go there: it is neither out of order nor gone. */
static bool in_order(const struct ch_relay *relay)
{
	return relay->config && !relay->paused && relay->failures == 0 &&
	       !ch_relay_is_locked(relay);
}

static bool needs_backups(const struct ch_relays *relays)
{
	for (size_t i = 0; i < relays->len; i++)
		if (in_order(relays->items[i]) &&
		    !relays->items[i]->config->backup)
			return false;
	return true;
}

/* One that rests is tried again, so it counts here. */
static bool is_used(struct ch_relay *relay, bool backups)
{
	return relay->config && !relay->paused && !ch_relay_is_locked(relay) &&
	       (backups || !relay->config->backup) && is_open(relay);
}

static size_t staff_wanted(struct ch_relay *relay, bool backups)
{
	if (!is_used(relay, backups))
		return 0;
	return relay->failures > 0 ? 1 : (size_t)relay->config->connections;
}

bool ch_relays_understaffed(const struct ch_mailroom *room)
{
	const struct ch_relays *relays = room->relays;
	bool backups = needs_backups(relays);

	for (size_t i = 0; i < relays->len; i++)
		if (staff_of(relays->items[i]) <
		    staff_wanted(relays->items[i], backups))
			return true;
	return false;
}

static size_t lines_each(const struct ch_relay_config *config)
{
	long processors;

	if (config->connections_per_worker > 0)
		return (size_t)config->connections_per_worker;
	processors = sysconf(_SC_NPROCESSORS_ONLN);
	return ch_lines_each((size_t)config->connections,
			     processors > 0 ? (size_t)processors : 1);
}

/* A crew is never larger than what is left of the connections, so that two that
 * are begun at different times are not too many. */
static void staff(struct ch_relay *relay, bool backups, uint64_t letters)
{
	size_t wanted = staff_wanted(relay, backups);
	size_t have = staff_of(relay);
	size_t at_once;

	if (wanted > letters)
		wanted = (size_t)letters;
	if (have >= wanted)
		return;
	at_once = lines_each(relay->config);
	while (have < wanted) {
		size_t left = (size_t)relay->config->connections - have;
		size_t len = left < at_once ? left : at_once;

		ch_post_fill(&add_crew(relay, len)->post);
		have += len;
	}
}

void ch_relays_staff(struct ch_mailroom *room, uint64_t letters)
{
	struct ch_relays *relays = room->relays;
	bool backups = needs_backups(relays);

	for (size_t i = 0; i < relays->len; i++)
		staff(relays->items[i], backups, letters);
}

static size_t room_of(const struct ch_sender *sender)
{
	size_t room = CH_SENDER_HOLDS - sender->held;

	if (!is_there(sender))
		return 0;
	return sender->want < room ? sender->want : room;
}

/* How many letters this relay can take now; where it is the time that is
 * missing, *wake_ms becomes when it will be over, if that is earlier. */
static size_t room_at(struct ch_relay *relay, bool backups, int64_t now_ms,
		      int64_t *wake_ms)
{
	int64_t next_ms = relay->rests_until_ms;
	size_t room = 0;
	uint32_t may;

	if (!is_used(relay, backups))
		return 0;
	for (size_t i = 0; i < relay->crews_len; i++)
		for (size_t j = 0; j < relay->crews[i]->len; j++)
			room += room_of(&relay->crews[i]->senders[j]);
	if (relay->failures > 0 && room > 0)
		room = relay->under_way == 0;
	if (room == 0)
		return 0;
	may = ch_paced_may(&relay->pace, now_ms);
	if (next_ms <= now_ms && may > 0)
		return room < may ? room : may;
	if (next_ms <= now_ms)
		next_ms = ch_paced_next_ms(&relay->pace, now_ms);
	if (next_ms < *wake_ms)
		*wake_ms = next_ms;
	return 0;
}

/* What all of them together may still take. */
static size_t within_pace(struct ch_paced *pace, size_t room, int64_t now_ms,
			  int64_t *wake_ms)
{
	uint32_t may = ch_paced_may(pace, now_ms);

	if (room > 0 && may == 0)
		*wake_ms = ch_paced_next_ms(pace, now_ms);
	return room < may ? room : may;
}

int64_t ch_relays_opening_us(const struct ch_mailroom *room)
{
	const struct ch_relays *relays = room->relays;
	int64_t first_us = INT64_MAX;

	for (size_t i = 0; i < relays->len; i++) {
		struct ch_relay *relay = relays->items[i];

		if (!is_open(relay) && relay->opening.until_us < first_us)
			first_us = relay->opening.until_us;
	}
	return first_us;
}

size_t ch_relays_room(struct ch_mailroom *room)
{
	struct ch_relays *relays = room->relays;
	bool backups = needs_backups(relays);
	int64_t now_ms = ch_clock_mono_ms();
	int64_t wake_ms = INT64_MAX;
	size_t sum = 0;

	for (size_t i = 0; i < relays->len; i++)
		sum += room_at(relays->items[i], backups, now_ms, &wake_ms);
	sum = within_pace(&relays->pace, sum, now_ms, &wake_ms);
	if (wake_ms < INT64_MAX) {
		(void)sd_event_source_set_time(relays->wake,
					       (uint64_t)wake_ms * 1000);
		(void)sd_event_source_set_enabled(relays->wake,
						  SD_EVENT_ONESHOT);
	}
	return sum;
}

static struct ch_sender *least_busy(const struct ch_relay *relay)
{
	struct ch_sender *best = NULL;

	for (size_t i = 0; i < relay->crews_len; i++) {
		struct ch_crew *crew = relay->crews[i];

		for (size_t j = 0; j < crew->len; j++) {
			struct ch_sender *sender = &crew->senders[j];

			if (room_of(sender) > 0 &&
			    (!best || sender->held < best->held))
				best = sender;
		}
	}
	return best;
}

/* Each that could take it comes nearer to its turn by its weight; whose turn it
 * is goes back by the weight of all. So the shares are exact, and spread. */
static struct ch_relay *next_relay(struct ch_relays *relays, bool utf8)
{
	bool backups = needs_backups(relays);
	int64_t now_ms = ch_clock_mono_ms();
	struct ch_relay *best = NULL;
	int64_t unused = INT64_MAX;
	int64_t sum = 0;

	for (size_t i = 0; i < relays->len; i++) {
		struct ch_relay *relay = relays->items[i];

		if (utf8 && relay->config && !relay->config->smtputf8)
			continue;
		if (room_at(relay, backups, now_ms, &unused) == 0)
			continue;
		relay->turn += relay->config->weight;
		sum += relay->config->weight;
		if (!best || relay->turn > best->turn)
			best = relay;
	}
	if (best)
		best->turn -= sum;
	return best;
}

bool ch_relays_differ(const struct ch_mailroom *room)
{
	return room->relays->differ;
}

size_t ch_relays_room_utf8(struct ch_mailroom *room)
{
	struct ch_relays *relays = room->relays;
	bool backups = needs_backups(relays);
	int64_t now_ms = ch_clock_mono_ms();
	int64_t unused = INT64_MAX;
	size_t sum = 0;

	for (size_t i = 0; i < relays->len; i++)
		if (relays->items[i]->config &&
		    relays->items[i]->config->smtputf8)
			sum += room_at(relays->items[i], backups, now_ms,
				       &unused);
	return sum;
}

static struct ch_sender *take(struct ch_mailroom *room, bool utf8)
{
	struct ch_relays *relays = room->relays;
	struct ch_relay *relay = next_relay(relays, utf8);

	if (!relay)
		return NULL;
	ch_paced_took(&relay->pace, 1);
	ch_paced_took(&relays->pace, 1);
	return least_busy(relay);
}

struct ch_sender *ch_relays_take(struct ch_mailroom *room)
{
	return take(room, false);
}

struct ch_sender *ch_relays_take_utf8(struct ch_mailroom *room)
{
	return take(room, true);
}

void ch_relays_keep(struct ch_mailroom *room)
{
	struct ch_relays *relays = room->relays;

	for (size_t i = 0; i < relays->len; i++) {
		struct ch_relay *relay = relays->items[i];

		if (relay->pace.changed) {
			CH_AUTOCHAR name = pace_name(relay);

			ch_paced_keep(room, &relay->pace, name);
		}
	}
	ch_paced_keep(room, &relays->pace, ROOM_PACE);
}
