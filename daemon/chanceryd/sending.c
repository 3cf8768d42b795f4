// SPDX-License-Identifier: GPL-3.0-or-later
/* sending.c - a letter's way through a send worker; see sending.h.
 *
 *	claimed       SEND_LETTER        crash: back to the queue, no dot was sent
 *	body is out   SEND_DOT           crash: the same
 *	dot           SEND_GO            crash: in doubt, whatever was sent
 *	reply         SEND_RESULT        crash before the commit: in doubt
 *
 * Each step is a change in the turn's transaction; what is told to the worker
 * leaves after the commit.
 */
#include "chanceryd/sending.h"

#include <assert.h>

#include "base/crash.h"
#include "base/mem.h"
#include "chanceryd/alarms.h"
#include "chanceryd/dispatch.h"
#include "chanceryd/domains.h"
#include "chanceryd/gate.h"
#include "chanceryd/journal.h"
#include "chanceryd/keys.h"
#include "chanceryd/relays.h"
#include "chanceryd/room.h"
#include "mail/dkim.h"

#define SLACK_MS 5000 /* for what is no network */
#define COMMANDS 12   /* and replies besides a letter's own: QUIT to the
		       * connection before, greeting, EHLO twice, STARTTLS and
		       * its TLS, four of a login, RSET, and an attempt over a
		       * connection that has ended meanwhile */
#define ENVELOPE_MAX 320
#define EXPIRED "4.4.7" /* RFC 3463: delivery time expired */

/* ---- what a worker is told -------------------------------------------- */

/* The worker keeps to its deadlines; this is for one that does not run any
 * more. It has other connections, whose letters come into doubt with it: so no
 * relay, however slow, may make it seem to hang. The attempt's time counts twice,
 * since a letter's outcome may wait for the opening of the next. */
static int64_t letter_limit_ms(const struct ch_relay_config *config)
{
	return config->peer.connect_timeout_ms +
	       COMMANDS * config->peer.command_timeout_ms +
	       2 * config->attempt_timeout_ms + config->data_timeout_ms +
	       config->dot_timeout_ms + SLACK_MS;
}

static uint32_t list_dkim(const struct ch_config *config,
			  struct ch_dkim_setup ret[CH_DKIM_KEYS_MAX])
{
	const struct ch_dkim_config *keys = config->secretariat.dkim.items;
	size_t len = config->secretariat.dkim.len;

	for (size_t i = 0; i < len; i++)
		ret[i] = (struct ch_dkim_setup){
			.domain = ch_slice_of(keys[i].domain),
			.selector = ch_slice_of(keys[i].selector),
			.key = ch_slice_of(keys[i].key),
		};
	return (uint32_t)len;
}

void ch_crew_filled(void *owner)
{
	struct ch_crew *crew = owner;
	const struct ch_relay_config *config = crew->relay->config;
	const struct ch_mailroom *room = crew->relay->room;
	struct ch_dkim_setup dkim[CH_DKIM_KEYS_MAX];
	const struct ch_send_setup setup = {
		.relay = ch_worker_peer(&config->peer, crew->relay->account),
		.helo = ch_slice_of(ch_room_hostname(room)),
		.data_timeout_ms = (uint32_t)config->data_timeout_ms,
		.dot_timeout_ms = (uint32_t)config->dot_timeout_ms,
		.attempt_timeout_ms = (uint32_t)config->attempt_timeout_ms,
		.idle_timeout_ms = (uint32_t)config->idle_timeout_ms,
		.letters_per_connection =
		    (uint32_t)config->letters_per_connection,
		.lines = (uint32_t)crew->len,
		.dsn = room->config->sending.dsn,
		.dsn_success = room->config->sending.dsn_success,
		.chunking = config->chunking,
		.smtputf8 = config->smtputf8,
		.objects_dir = ch_slice_of(room->objects_dir),
		.dkim = dkim,
		.dkim_len = list_dkim(room->config, dkim),
	};

	crew->letter_ms = letter_limit_ms(config);
	crew->waits = ch_relay_is_locked(crew->relay);
	if (!crew->waits)
		ch_worker_tell(crew->post.worker, CH_MSG_SEND_SETUP, &setup);
}

void ch_crew_password(struct ch_crew *crew)
{
	struct ch_send_password message = { 0 };

	if (!crew->post.worker || crew->post.asked ||
	    ch_relay_is_locked(crew->relay))
		return;
	if (crew->waits) {
		ch_crew_filled(crew);
		return;
	}
	message.password = ch_account_password(crew->relay->account,
					       &message.number);
	ch_worker_tell(crew->post.worker, CH_MSG_SEND_PASSWORD, &message);
}

static bool knows_batch(const struct ch_crew *crew, int64_t batch_id)
{
	/* The newest first: most letters are of the batch before. */
	for (size_t i = crew->batches_len; i > 0; i--)
		if (crew->batches[i - 1] == batch_id)
			return true;
	return false;
}

static void tell_files(struct ch_crew *crew,
		       const struct ch_store_batch *row,
		       const struct ch_store_file *files, size_t len)
{
	struct ch_batch_file *shown = ch_xcalloc(len, sizeof(*shown));
	const struct ch_config *config = crew->relay->room->config;
	const struct ch_send_batch message = {
		.batch_id = row->id,
		.reference = ch_slice_of(row->reference),
		.deadline = ch_slice_of(row->deadline),
		.from = ch_slice_of(row->from),
		.reply_to = ch_slice_of(row->reply_to),
		.test_to = ch_slice_of(row->test_to),
		.smime_key = ch_slice_of(config->secretariat.smime.key),
		.smime_certificate =
		    ch_slice_of(config->secretariat.smime.certificate),
		.smime_password =
		    ch_slice_of(config->secretariat.smime.password),
		.files = shown,
		.files_len = (uint32_t)len,
	};

	for (size_t i = 0; i < len; i++)
		shown[i] = (struct ch_batch_file){
			.role = ch_slice_of(files[i].role),
			.name = ch_slice_of(files[i].name),
			.sha256 = files[i].sha256,
			.size_bytes = files[i].size_bytes,
		};
	ch_worker_tell(crew->post.worker, CH_MSG_SEND_BATCH, &message);
	free(shown);
}

static void tell_batch(struct ch_crew *crew, int64_t batch_id)
{
	struct ch_mailroom *room = crew->relay->room;
	CH_AUTO(ch_store_batch) row = { 0 };
	struct ch_store_file *files = NULL;
	struct ch_error err;
	size_t len = 0;

	if (knows_batch(crew, batch_id))
		return;
	if (ch_store_batch_by_id(room->store, batch_id, &row, &err) < 0 ||
	    ch_store_batch_files(room->store, batch_id, &files, &len, &err) < 0)
		ch_room_fail(room, &err);
	tell_files(crew, &row, files, len);
	ch_store_files_free(files, len);
	CH_GROW(crew->batches, crew->batches_len, crew->batches_cap);
	crew->batches[crew->batches_len++] = batch_id;
}

/* Returns how many addresses are to be tried. */
static uint32_t list_addresses(const struct ch_store_letter *letter,
			       struct ch_send_address *ret)
{
	uint32_t pending = 0;

	for (size_t i = 0; i < letter->addresses_len; i++) {
		const struct ch_store_address *address = &letter->addresses[i];
		bool claimed = address->state == CH_STATE_CLAIMED;

		pending += claimed;
		ret[i] = (struct ch_send_address){
			.seq = address->seq,
			.role = address->role,
			.pending = claimed,
			.address = ch_slice_of(address->address),
		};
	}
	return pending;
}

/* Both bear the token: a report may return one without the other. */
static void add_envelope(const struct ch_mailroom *room,
			 const struct ch_store_letter *letter,
			 struct ch_str *from, struct ch_str *id)
{
	struct ch_envelope envelope = ch_room_envelope(room);

	ch_keys_envelope_id(room->keys, letter->id, letter->attempt, id);
	ch_str_add_mem(from, envelope.prefix.data, envelope.prefix.len);
	ch_str_add_char(from, '+');
	ch_str_add_mem(from, id->data, id->len);
	ch_str_add_char(from, '@');
	ch_str_add_mem(from, envelope.domain.data, envelope.domain.len);
}

/* A letter that was at its dot before goes out with the bytes of then, whatever
 * keys there are now. */
static void add_first_bytes(struct ch_mailroom *room,
			    const struct ch_store_letter *letter,
			    struct ch_str *smime, struct ch_str *dkim,
			    struct ch_send_letter *message)
{
	struct ch_error err;

	if (letter->size_bytes == 0)
		return;
	if (ch_store_signatures(room->store, letter->id, smime, dkim, &err) < 0)
		ch_room_fail(room, &err);
	message->sha256 = (struct ch_slice){
		(const char *)letter->sha256.bytes, CH_SHA256_SIZE
	};
	message->signature =
		(struct ch_slice){ ch_str_cstr(smime), smime->len };
	message->dkim = (struct ch_slice){ ch_str_cstr(dkim), dkim->len };
}

static uint32_t tell_letter(struct ch_sender *sender,
			    const struct ch_active_batch *batch,
			    const struct ch_store_letter *letter, bool anew)
{
	CH_AUTO(ch_str) from = CH_STR_INIT(ENVELOPE_MAX);
	CH_AUTO(ch_str) id = CH_STR_INIT(ENVELOPE_MAX);
	CH_AUTO(ch_str) smime = CH_STR_INIT(CH_STORE_SIGNATURE_MAX);
	CH_AUTO(ch_str) dkim = CH_STR_INIT(CH_STORE_SIGNATURE_MAX);
	CH_AUTO(ch_str) journal = CH_STR_INIT(ENVELOPE_MAX);
	struct ch_send_address *addresses =
		ch_xcalloc(letter->addresses_len, sizeof(*addresses));
	uint32_t pending = list_addresses(letter, addresses);
	struct ch_send_letter message = {
		.line = sender->line,
		.letter_id = letter->id,
		.batch_id = batch->id,
		.attempt = letter->attempt,
		.faults = sender->faults,
		.anew = anew,
		.key = ch_slice_of(letter->key),
		.language = ch_slice_of(letter->language),
		.fields = { ch_str_cstr(&letter->fields), letter->fields.len },
		.message_id = ch_slice_of(letter->message_id),
		.date_us = batch->date_us,
		.addresses = addresses,
		.addresses_len = (uint32_t)letter->addresses_len,
	};

	add_first_bytes(sender->relay->room, letter, &smime, &dkim, &message);
	add_envelope(sender->relay->room, letter, &from, &id);
	message.envelope_from = ch_slice_of(ch_str_cstr(&from));
	message.envelope_id = ch_slice_of(ch_str_cstr(&id));
	ch_journal_add(sender->relay->room, letter->id, letter->attempt,
		       &journal);
	message.journal = ch_slice_of(ch_str_cstr(&journal));
	ch_worker_tell(sender->crew->post.worker, CH_MSG_SEND_LETTER, &message);
	free(addresses);
	return pending;
}

/* ---- letters under way ------------------------------------------------ */

static void must(struct ch_sender *sender, int r)
{
	struct ch_error err;

	if (r >= 0)
		return;
	(void)ch_error_errno(&err, -r, "event loop");
	ch_room_fail(sender->relay->room, &err);
}

/* The timer is set when it is not, and not for every letter: where another
 * letter has become the first since, it goes on for what is left. */
static int on_deadline(sd_event_source *source, uint64_t usec, void *context)
{
	struct ch_sender *sender = context;

	if (!sender->first)
		return 0;
	if (sender->deadline_us > usec) {
		must(sender, sd_event_source_set_time(source,
						      sender->deadline_us));
		must(sender, sd_event_source_set_enabled(source,
							 SD_EVENT_ONESHOT));
		return 0;
	}
	ch_worker_kill(sender->crew->post.worker,
		       "it has not finished a letter in all of its time");
	return 0;
}

/* The first letter has just become the first: its time begins. */
static void set_deadline(struct ch_sender *sender)
{
	sd_event *event = sender->relay->room->event;
	int enabled = SD_EVENT_OFF;
	uint64_t now_us;

	if (!sender->first)
		return;
	must(sender, sd_event_now(event, CLOCK_MONOTONIC, &now_us));
	sender->deadline_us = now_us + (uint64_t)sender->crew->letter_ms * 1000;
	if (!sender->deadline) {
		must(sender, sd_event_add_time(event, &sender->deadline,
					       CLOCK_MONOTONIC,
					       sender->deadline_us, 0,
					       on_deadline, sender));
		return;
	}
	must(sender, sd_event_source_get_enabled(sender->deadline, &enabled));
	if (enabled != SD_EVENT_OFF)
		return;
	must(sender, sd_event_source_set_time(sender->deadline,
					      sender->deadline_us));
	must(sender, sd_event_source_set_enabled(sender->deadline,
						 SD_EVENT_ONESHOT));
}

void ch_sender_give(struct ch_sender *sender, struct ch_active_batch *batch,
		    const struct ch_store_letter *letter,
		    struct ch_hold *hold)
{
	struct ch_under_way *item;

	assert(sender);
	item = ch_xzalloc(sizeof(*item) + strlen(letter->key) + 1);
	memcpy(item->key, letter->key, strlen(letter->key) + 1);
	item->batch = batch;
	item->hold = hold;
	item->letter_id = letter->id;
	item->attempt = letter->attempt;
	item->first_at_us = letter->first_at_us;
	tell_batch(sender->crew, batch->id);
	item->pending = tell_letter(sender, batch, letter,
				    ch_hold_share(hold, &sender->shares));
	*sender->last = item;
	sender->last = &item->next;
	sender->held++;
	sender->want--;
	sender->relay->under_way++;
	batch->under_way++;
	if (sender->first == item)
		set_deadline(sender);
	ch_crash_point("sending.claimed");
}

static struct ch_under_way *find(const struct ch_sender *sender,
				 int64_t letter_id, uint32_t attempt)
{
	for (struct ch_under_way *at = sender->first; at; at = at->next)
		if (at->letter_id == letter_id && at->attempt == attempt)
			return at;
	return NULL;
}

/* It has no address left that waits for a result: forget it. */
static void finish(struct ch_sender *sender, struct ch_under_way *item)
{
	struct ch_under_way **at = &sender->first;
	bool was_first = sender->first == item;

	while (*at != item)
		at = &(*at)->next;
	*at = item->next;
	if (sender->last == &item->next)
		sender->last = at;
	item->batch->under_way--;
	sender->relay->under_way--;
	if (!item->tried) {
		ch_relay_untried(sender->relay);
		ch_gate_untried(item->batch);
	}
	ch_hold_end(sender->relay->room, item->hold, item->tried);
	sender->held--;
	free(item);
	if (was_first)
		set_deadline(sender);
}

/* Queued again; where its batch was cancelled in the meantime, so is it. */
static void queued_again(struct ch_mailroom *room,
			 const struct ch_under_way *item, int64_t at_us)
{
	struct ch_active_batch *batch = item->batch;
	struct ch_error err;

	if (batch->cancelled &&
	    ch_store_decide(room->store, batch->id, item->letter_id,
			    CH_STATE_QUEUED, CH_STATE_CANCELLED, "cancel", "",
			    ch_turn_open(room), &err) < 0)
		ch_room_fail(room, &err);
	ch_dispatch_due(room, batch, at_us);
}

static bool schedule(const struct ch_mailroom *room,
		     const struct ch_under_way *item,
		     enum ch_reply_class class, uint32_t deferrals,
		     int64_t now_us, int64_t *ret_at_us)
{
	const struct ch_retry retry = {
		.class = class,
		.letter_id = item->letter_id,
		.attempt = item->attempt,
		.deferrals = deferrals,
		.first_at_us = item->first_at_us ? item->first_at_us : now_us,
		.now_us = now_us,
	};

	return ch_schedule_retry(&room->config->sending.schedule, &retry,
				 ret_at_us);
}

static bool is_under_way(const struct ch_store_address *address)
{
	return address->state == CH_STATE_CLAIMED ||
	       address->state == CH_STATE_DOT;
}

void ch_sending_overruled(struct ch_mailroom *room, int64_t letter_id)
{
	struct ch_under_way *item = ch_relays_find(room, letter_id);
	CH_AUTO(ch_store_letter) letter = { 0 };
	uint32_t left = 0;
	struct ch_error err;

	if (!item)
		return;
	if (ch_store_letter_by_id(room->store, letter_id, &letter, &err) < 0)
		ch_room_fail(room, &err);
	for (size_t i = 0; i < letter.addresses_len; i++)
		left += is_under_way(&letter.addresses[i]);
	if (left < item->pending)
		item->taken = item->pending - left;
}

/* ---- which connection it is about ------------------------------------- */

static struct ch_sender *sender_of(const struct ch_worker *worker,
				   uint32_t line, struct ch_error *err)
{
	const struct ch_crew *crew = ch_worker_owner(worker);

	if (line < crew->len)
		return &crew->senders[line];
	ch_error_set(err, CH_GIVE_UP, "it has no connection %u", line);
	return NULL;
}

/* ---- CONNECTED -------------------------------------------------------- */

static int on_connected(struct ch_mailroom *room, struct ch_worker *worker,
			const void *message, struct ch_error *err)
{
	const struct ch_send_connected *connected = message;
	struct ch_sender *sender = sender_of(worker, connected->line, err);
	struct ch_error failure;

	if (!sender)
		return -1;
	if (ch_store_connection_add(room->store, sender->relay->name,
				    connected->opening, ch_turn_join(room),
				    &sender->connection_id, &failure) < 0)
		ch_room_fail(room, &failure);
	ch_logins_worked(&sender->relay->logins);
	return 0;
}

/* ---- READY, DOT ------------------------------------------------------- */

static int on_ready(struct ch_mailroom *room, struct ch_worker *worker,
		    const void *message, struct ch_error *err)
{
	const struct ch_send_ready *ready = message;
	struct ch_sender *sender = sender_of(worker, ready->line, err);

	if (!sender)
		return -1;
	sender->ready = true;
	if (ready->want > CH_SENDER_HOLDS ||
	    sender->want + ready->want > CH_SENDER_HOLDS)
		sender->want = CH_SENDER_HOLDS;
	else
		sender->want += ready->want;
	if (sender->held > 0)
		ch_dispatch_want(room);
	else
		ch_dispatch_kick(room);
	return 0;
}

/* Whether the dot may follow: the letter is still to be sent. */
static bool may_go(const struct ch_sender *sender,
		   const struct ch_under_way *item)
{
	return item->batch->open && !sender->relay->room->paused &&
	       !sender->relay->paused;
}

/* As ch_store_dot(), with the signatures of a letter that has some. */
static int record_dot(const struct ch_sender *sender,
		      const struct ch_send_dot *dot, int64_t now_us,
		      struct ch_error *err)
{
	struct ch_store *store = sender->relay->room->store;
	const struct ch_store_notes notes = { sender->connection_id,
					      dot->notes };
	int changed = ch_store_dot(store, dot->letter_id, dot->attempt,
				   dot->seqs, dot->seqs_len, &dot->sha256,
				   dot->size_bytes, &notes, now_us, err);

	if (changed > 0 && (dot->signature.len > 0 || dot->dkim.len > 0) &&
	    ch_store_signatures_keep(store, dot->letter_id, dot->signature,
				     dot->dkim, err) < 0)
		return -1;
	return changed;
}

static int on_dot(struct ch_mailroom *room, struct ch_worker *worker,
		  const void *message, struct ch_error *err)
{
	const struct ch_send_dot *dot = message;
	const struct ch_sender *sender = sender_of(worker, dot->line, err);
	struct ch_under_way *item =
		sender ? find(sender, dot->letter_id, dot->attempt) : NULL;
	struct ch_send_go go = { .line = dot->line,
				 .letter_id = dot->letter_id,
				 .attempt = dot->attempt };
	int64_t now_us = ch_turn_open(room);
	int changed = 0;

	if (!sender)
		return -1;
	if (!item || item->told || item->called_back)
		return ch_error_set(err, CH_GIVE_UP, "letter %lld is not here",
				    (long long)dot->letter_id);
	ch_crash_point("sending.dot-asked");
	if (may_go(sender, item)) {
		struct ch_error failure;

		changed = record_dot(sender, dot, now_us, &failure);
		if (changed < 0)
			ch_room_fail(room, &failure);
		item->differs = changed == 0 && item->taken == 0;
	}
	item->told = changed > 0;
	item->called_back = !item->told;
	go.go = item->told;
	ch_worker_tell(worker, CH_MSG_SEND_GO, &go);
	ch_crash_point("sending.dot-recorded");
	return 0;
}

/* ---- RECALL, RECALLED ------------------------------------------------- */

/* Which of them it has begun with, the worker knows. */
void ch_sender_recall(struct ch_sender *sender, int priority)
{
	struct ch_worker *worker = sender->crew->post.worker;

	for (struct ch_under_way *at = sender->first; at && worker;
	     at = at->next) {
		const struct ch_send_recall recall = { sender->line,
						       at->letter_id,
						       at->attempt };

		if (at->batch->priority >= priority || at->recalled ||
		    at->told || at->called_back)
			continue;
		at->recalled = true;
		ch_worker_tell(worker, CH_MSG_SEND_RECALL, &recall);
	}
}

static int on_recalled(struct ch_mailroom *room, struct ch_worker *worker,
		       const void *message, struct ch_error *err)
{
	const struct ch_send_recall *recall = message;
	struct ch_sender *sender = sender_of(worker, recall->line, err);
	struct ch_under_way *item;
	int64_t now_us = ch_turn_open(room);
	struct ch_error failure;

	if (!sender)
		return -1;
	item = find(sender, recall->letter_id, recall->attempt);
	if (!item || !item->recalled || item->told || item->called_back)
		return ch_error_set(err, CH_GIVE_UP, "letter %lld was not "
				    "called back",
				    (long long)recall->letter_id);
	if (ch_store_recall(room->store, item->letter_id, item->attempt,
			    "another batch goes first", now_us, &failure) < 0)
		ch_room_fail(room, &failure);
	queued_again(room, item, now_us);
	finish(sender, item);
	return 0;
}

/* ---- RESULT ----------------------------------------------------------- */

/* What a letter waits for that goes back to the queue. */
static enum ch_reply_class class_of(const struct ch_send_address_result *result)
{
	if (result->outcome == CH_OUTCOME_UNTRIED)
		return CH_REPLY_CONNECTION;
	/* A 4yz without a reply of its own has a delay all the same. */
	if (result->code == 0)
		return CH_REPLY_OTHER;
	return ch_reply_classify(result->code, result->status, result->reply);
}

static uint32_t deferrals_of(struct ch_mailroom *room,
			     const struct ch_under_way *item)
{
	uint32_t deferrals;
	struct ch_error err;

	if (ch_store_deferrals(room->store, item->letter_id, &deferrals,
			       &err) < 0)
		ch_room_fail(room, &err);
	return deferrals;
}

/* The relay took the message for some addresses, and these are more than it
 * takes at once: they go now, and not when the schedule says. Each time at least
 * one is sent, so that has an end. */
static bool is_split(const struct ch_under_way *item,
		     const struct ch_send_address_result *result)
{
	return item->some_sent && (result->outcome == CH_OUTCOME_DEFERRED ||
				   result->outcome == CH_OUTCOME_FAILED) &&
	       ch_reply_is_too_many(result->code, result->status,
				    result->reply);
}

/* What an outcome makes of the address. */
static enum ch_state state_after(struct ch_mailroom *room,
				 const struct ch_under_way *item,
				 const struct ch_send_address_result *result,
				 int64_t now_us, int64_t *ret_at_us,
				 bool *ret_expired)
{
	bool untried = result->outcome == CH_OUTCOME_UNTRIED;

	*ret_at_us = now_us;
	*ret_expired = false;
	if (is_split(item, result))
		return CH_STATE_QUEUED;
	*ret_at_us = 0;
	switch (result->outcome) {
	case CH_OUTCOME_SENT:
		return CH_STATE_SENT;
	case CH_OUTCOME_FAILED:
		return CH_STATE_FAILED;
	case CH_OUTCOME_IN_DOUBT:
		return CH_STATE_IN_DOUBT;
	case CH_OUTCOME_HELD:
		return CH_STATE_HELD;
	default:
		break;
	}
	if (untried && item->differs)
		return CH_STATE_HELD;
	if (schedule(room, item, class_of(result),
		     untried ? 0 : deferrals_of(room, item), now_us,
		     ret_at_us))
		return CH_STATE_QUEUED;
	*ret_expired = true;
	return CH_STATE_FAILED;
}

static void log_result(struct ch_mailroom *room,
		       const struct ch_under_way *item,
		       const struct ch_send_address_result *result,
		       enum ch_state state, bool expired)
{
	const struct ch_log_fields fields = {
		.batch = item->batch->reference,
		.letter = item->key,
		.state = ch_state_name(state),
		.smtp_code = result->code,
	};
	int priority = state == CH_STATE_SENT || state == CH_STATE_QUEUED ?
			       LOG_INFO : LOG_WARNING;

	ch_turn_log(room, priority, &fields, "%s%s: %.*s",
		    state == CH_STATE_QUEUED ? "deferred" : fields.state,
		    expired ? " (too old to be tried again)" : "",
		    (int)result->reply.len, result->reply.data);
}

/* What the outcome says of the relay. */
static void judge_relay(struct ch_relay *relay,
			const struct ch_under_way *item,
			const struct ch_send_address_result *result)
{
	char text[200];

	switch (result->outcome) {
	case CH_OUTCOME_SENT:
	case CH_OUTCOME_DEFERRED:
	case CH_OUTCOME_FAILED:
		if (result->code)
			ch_relay_well(relay);
		return;
	case CH_OUTCOME_UNTRIED:
	case CH_OUTCOME_IN_DOUBT:
		if (item->called_back)
			return;
		(void)snprintf(text, sizeof(text), "%.*s",
			       (int)result->reply.len, result->reply.data);
		ch_relay_no_answer(relay, text[0] ? text : "no answer");
		return;
	default:
		return;
	}
}

/* And of the address's domain. */
static void judge_domain(struct ch_mailroom *room,
			 const struct ch_under_way *item,
			 const struct ch_send_address_result *result)
{
	enum ch_reply_class class;

	switch (result->outcome) {
	case CH_OUTCOME_DEFERRED:
		class = class_of(result);
		if (class == CH_REPLY_BUSY || class == CH_REPLY_POLICY)
			ch_domains_refused(room, item->letter_id, result->seq,
					   result->reply);
		return;
	case CH_OUTCOME_SENT:
	case CH_OUTCOME_FAILED:
		if (item->hold)
			ch_domains_well(room, item->letter_id, result->seq);
		return;
	default:
		return;
	}
}

static int apply(const struct ch_relay *relay, struct ch_under_way *item,
		 const struct ch_send_address_result *result, int64_t now_us,
		 struct ch_error *err)
{
	struct ch_mailroom *room = relay->room;
	int64_t at_us;
	bool expired;
	enum ch_state to = state_after(room, item, result, now_us, &at_us,
				       &expired);
	const struct ch_store_result change = {
		.seq = result->seq,
		.to = to,
		.code = result->code,
		.status = expired ? ch_slice_of(EXPIRED) : result->status,
		.reply = result->reply,
		.relay = result->outcome == CH_OUTCOME_UNTRIED ?
				 CH_SLICE_EMPTY : ch_slice_of(relay->name),
		.next_at_us = at_us,
		.split = is_split(item, result),
	};
	struct ch_error failure;
	int changed = ch_store_result(room->store, item->letter_id,
				      item->attempt, &change, now_us,
				      &failure);

	if (changed < 0)
		ch_room_fail(room, &failure);
	if (changed == 0 && item->taken > 0) {
		item->taken--;
		item->pending--;
		item->tried |= result->outcome != CH_OUTCOME_UNTRIED;
		return 0;
	}
	if (changed == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "address %u of letter %lld is not at its "
				    "end", result->seq,
				    (long long)item->letter_id);
	item->pending--;
	item->tried |= result->outcome != CH_OUTCOME_UNTRIED;
	log_result(room, item, result, to, expired);
	if (to == CH_STATE_QUEUED)
		queued_again(room, item, at_us);
	if (to == CH_STATE_HELD)
		ch_alarm_raise(room, CH_ALARM_HELD, item->batch->reference,
			       "%s: its bytes are not those that were sent or "
			       "approved before", item->key);
	ch_gate_result(room, item->batch, item->letter_id, to);
	judge_domain(room, item, result);
	return 0;
}

/* Of an attempt that had no dot. */
static void keep_notes(const struct ch_sender *sender,
		       const struct ch_send_result *results)
{
	struct ch_mailroom *room = sender->relay->room;
	const struct ch_store_notes notes = { sender->connection_id,
					      results->notes };
	struct ch_error err;

	if (results->notes.len > 0 &&
	    ch_store_notes_keep(room->store, results->letter_id,
				results->attempt, &notes, &err) < 0)
		ch_room_fail(room, &err);
}

static bool any_sent(const struct ch_send_result *results)
{
	for (uint32_t i = 0; i < results->results_len; i++)
		if (results->results[i].outcome == CH_OUTCOME_SENT)
			return true;
	return false;
}

static bool any_split(const struct ch_under_way *item,
		      const struct ch_send_result *results)
{
	for (uint32_t i = 0; i < results->results_len; i++)
		if (is_split(item, &results->results[i]))
			return true;
	return false;
}

static int on_result(struct ch_mailroom *room, struct ch_worker *worker,
		     const void *message, struct ch_error *err)
{
	const struct ch_send_result *results = message;
	struct ch_sender *sender = sender_of(worker, results->line, err);
	struct ch_under_way *item =
		sender ? find(sender, results->letter_id, results->attempt)
		       : NULL;
	int64_t now_us = ch_turn_join(room);

	if (!sender)
		return -1;
	if (!item)
		return ch_error_set(err, CH_GIVE_UP, "letter %lld is not here",
				    (long long)results->letter_id);
	ch_crash_point("sending.result");
	keep_notes(sender, results);
	item->some_sent = any_sent(results);
	for (uint32_t i = 0; i < results->results_len; i++) {
		if (apply(sender->relay, item, &results->results[i], now_us,
			  err) < 0)
			return -1;
		judge_relay(sender->relay, item, &results->results[i]);
	}
	if (results->journal != CH_JOURNAL_NONE)
		ch_journal_result(room, sender->relay->name, results,
				  any_split(item, results));
	ch_crash_point("sending.result-recorded");
	if (item->pending == 0)
		finish(sender, item);
	return 0;
}

/* ---- the chain breaks ------------------------------------------------- */

static void expire(struct ch_mailroom *room, const struct ch_under_way *item,
		   const char *why, int64_t now_us)
{
	CH_AUTO(ch_store_letter) letter = { 0 };
	struct ch_error err;
	int changed = ch_store_letter_by_id(room->store, item->letter_id,
					    &letter, &err);

	for (size_t i = 0; changed >= 0 && i < letter.addresses_len; i++) {
		const struct ch_store_result change = {
			.seq = letter.addresses[i].seq,
			.to = CH_STATE_FAILED,
			.status = ch_slice_of(EXPIRED),
			.reply = ch_slice_of(why),
		};

		if (letter.addresses[i].state == CH_STATE_CLAIMED)
			changed = ch_store_result(room->store, item->letter_id,
						  item->attempt, &change,
						  now_us, &err);
	}
	if (changed < 0)
		ch_room_fail(room, &err);
}

static uint32_t tries_of(const struct ch_mailroom *room,
			 const struct ch_under_way *item)
{
	return ch_store_tries(room->store, item->letter_id, item->attempt);
}

/* What is claimed goes back to the queue, what is at its dot is in doubt. The
 * letter that a worker died of waits like one that was deferred; the others
 * have nothing to do with it. */
static void abandon(struct ch_mailroom *room, struct ch_under_way *item,
		    const char *why, enum ch_reply_class class)
{
	struct ch_log_fields fields = { .batch = item->batch->reference,
					.letter = item->key };
	int64_t now_us = ch_turn_open(room);
	int64_t at_us = now_us;
	struct ch_error err;
	int doubtful;

	/* There is no reply to count by: attempts do. */
	if (!schedule(room, item, class, tries_of(room, item) - 1, now_us,
		      &at_us)) {
		expire(room, item, why, now_us);
		ch_gate_result(room, item->batch, item->letter_id,
			       CH_STATE_FAILED);
	}
	doubtful = ch_store_abandon(room->store, item->letter_id,
				    item->attempt, why, at_us, now_us, &err);
	if (doubtful < 0)
		ch_room_fail(room, &err);
	if (doubtful > 0) {
		item->tried = true;
		fields.state = ch_state_name(CH_STATE_IN_DOUBT);
		ch_turn_log(room, LOG_WARNING, &fields, "in doubt: %s", why);
		ch_gate_result(room, item->batch, item->letter_id,
			       CH_STATE_IN_DOUBT);
	}
	queued_again(room, item, at_us);
}

static void abandon_all(struct ch_sender *sender, const char *why,
			enum ch_reply_class class_of_first)
{
	enum ch_reply_class class = class_of_first;

	while (sender->first) {
		abandon(sender->relay->room, sender->first, why, class);
		finish(sender, sender->first);
		class = CH_REPLY_CONNECTION;
	}
}

/* A refused login means little where a command gives the password: it had run
 * out, and the relay waits for the next. */
static bool is_excused(struct ch_relay *relay,
		       const struct ch_send_fault *fault)
{
	if (fault->fault != CH_FAULT_AUTH || !relay->account ||
	    !ch_account_refused(relay->account, &relay->logins,
				fault->password_number))
		return false;
	ch_turn_log(relay->room, LOG_INFO, NULL,
		    "relay %s refused the password: another is asked for",
		    relay->name);
	return true;
}

static int on_fault(struct ch_mailroom *room, struct ch_worker *worker,
		    const void *message, struct ch_error *err)
{
	const struct ch_send_fault *fault = message;
	struct ch_sender *sender = sender_of(worker, fault->line, err);
	char text[240];

	if (!sender)
		return -1;
	(void)ch_turn_open(room);
	(void)snprintf(text, sizeof(text), "%.*s", (int)fault->text.len,
		       fault->text.data);
	abandon_all(sender, text, CH_REPLY_CONNECTION);
	sender->want = 0;
	sender->faults++;
	if (!is_excused(sender->relay, fault))
		ch_relay_fault(sender->relay, fault->fault, text);
	return 0;
}

static void on_ended(struct ch_mailroom *room, struct ch_worker *worker,
		     const struct ch_worker_end *end)
{
	struct ch_crew *crew = ch_worker_owner(worker);

	ch_crash_point("sending.worker-ended");
	for (size_t i = 0; i < crew->len; i++)
		abandon_all(&crew->senders[i], end->text,
			    end->well ? CH_REPLY_CONNECTION : CH_REPLY_OTHER);
	ch_relay_crew_ended(crew, end);
}

const struct ch_worker_role_table ch_send_role = {
	.program = "chancery-send",
	.handlers = {
		[CH_MSG_SEND_READY] = on_ready,
		[CH_MSG_SEND_DOT] = on_dot,
		[CH_MSG_SEND_RESULT] = on_result,
		[CH_MSG_SEND_FAULT] = on_fault,
		[CH_MSG_SEND_CONNECTED] = on_connected,
		[CH_MSG_SEND_RECALLED] = on_recalled,
	},
	.ended = on_ended,
};
