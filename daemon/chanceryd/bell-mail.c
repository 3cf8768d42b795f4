// SPDX-License-Identifier: GPL-3.0-or-later
/* bell-mail.c - see bell-mail.h.
 *
 * A mail that may have been sent counts as told: what else is known of the
 * alarms is in the events, and one that repeats itself every few minutes hides
 * the next. What is told again is what no relay took.
 */
#include "chanceryd/bell-mail.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"
#include "chanceryd/accounts.h"
#include "chanceryd/alarms.h"
#include "chanceryd/bell-operators.h"
#include "chanceryd/bell-queue.h"
#include "chanceryd/detail.h"
#include "chanceryd/keys.h"
#include "chanceryd/room.h"
#include "chanceryd/workers.h"
#include "mail/same.h"

#define ALARM_NOBODY "alarm.mail"
#define TEXT_MAX (256 * 1024)
#define LINE_MAX_BYTES 4000
#define SCAN_PAGE 1000
#define SCAN_PAGES_MAX 100 /* of events since that one, at the start */

struct ch_bell_mail {
	struct ch_mailroom *room; /* borrowed */
	char *name; /* owned; the setting that has the first event that is not
		       told, 0: none; and what an alarm about it names */
	size_t number;
	struct ch_bell_queue queue;
	struct ch_worker *worker; /* borrowed; NULL: none runs */
	char **to;		  /* owned; of this run */
	size_t to_len;
	char *relay; /* owned; of this run */
	bool heard;  /* the worker has said what became of it */
	bool told;
	char why[240];		  /* it was not */
	struct ch_detail outcome; /* of the event */
};

static void must(struct ch_mailroom *room, int result,
		 const struct ch_error *err)
{
	if (result < 0)
		ch_room_fail(room, err);
}

/* NULL where a reload took them away. */
static const struct ch_operators_config *
operators_of(const struct ch_bell_mail *mail)
{
	return ch_bell_operators(mail->room->config, mail->name);
}

static bool is_wanted(const struct ch_bell_mail *mail)
{
	const struct ch_operators_config *operators = operators_of(mail);

	return operators && operators->to.len > 0;
}

/* ---- which is the first that was not told ------------------------------- */

static void save(struct ch_bell_mail *mail, int64_t event_id)
{
	char text[24];
	struct ch_error err;

	(void)snprintf(text, sizeof(text), "%lld", (long long)event_id);
	must(mail->room,
	     ch_store_set(mail->room->store, mail->name, ch_slice_of(text),
			  &err),
	     &err);
}

static void save_first(struct ch_bell_mail *mail)
{
	save(mail, mail->queue.len ? mail->queue.list[0].event_id : 0);
}

static int64_t saved(struct ch_bell_mail *mail)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(24);
	struct ch_error err;

	must(mail->room,
	     ch_store_get(mail->room->store, mail->name, &text, &err), &err);
	return strtoll(ch_str_cstr(&text), NULL, 10);
}

/* ---- the text ------------------------------------------------------------ */

static void add_line(struct ch_str *out, const char *name, const char *value)
{
	CH_AUTO(ch_str) line = CH_STR_INIT(LINE_MAX_BYTES * 4);

	if (!value || !*value)
		return;
	ch_escape_line(&line, value, strnlen(value, LINE_MAX_BYTES));
	ch_str_addf(out, "    %s%s%s\n", name, *name ? ": " : "",
		    ch_str_cstr(&line));
}

static void add_list(struct ch_str *out, const char *name, const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	    add_line(out, name, json_string_value(item));
}

/* "2026-11-28T14:00:00Z alarm.auth DM-1/FRA", and below it what is known. */
static char *text_of(int64_t at_us, const char *type, const char *reference,
		     const char *key, const char *detail)
{
	static const char *const names[] = { "alarm", "about", "text",
					     "address", "status" };
	CH_AUTO(ch_str) out = CH_STR_INIT(LINE_MAX_BYTES * 16);
	json_t *object = json_loads(detail, 0, NULL);
	char at[CH_RFC3339_SIZE];

	ch_str_addf(&out, "%s %s", ch_clock_rfc3339(at_us, at), type);
	if (reference)
		ch_str_addf(&out, " %s%s%s", reference, key ? "/" : "",
			    key ? key : "");
	ch_str_add_char(&out, '\n');
	for (size_t i = 0; i < CH_COUNT(names); i++)
		add_line(&out, strcmp(names[i], "text") == 0 ? "" : names[i],
			 json_string_value(json_object_get(object, names[i])));
	add_list(&out, "other address", json_object_get(object, "others"));
	add_list(&out, "reached elsewhere at",
		 json_object_get(object, "elsewhere"));
	json_decref(object);
	return ch_str_take(&out);
}

static void write_text(const struct ch_bell_mail *mail, struct ch_str *out)
{
	const struct ch_bell_queue *queue = &mail->queue;

	ch_str_addf(out, "The mail room at %s raises:\n\n",
		    ch_room_hostname(mail->room));
	for (size_t i = 0; i < queue->len; i++)
		ch_str_addf(out, "%s\n", queue->list[i].text);
	if (queue->more)
		ch_str_addf(out,
			    "and %llu more: \"chancery events\" has "
			    "them.\n\n",
			    (unsigned long long)queue->more);
	ch_str_add(out,
		   "\"chancery status\" shows what stands now. Nobody "
		   "reads answers to this mail.\n");
}

/* The first one's type, for whoever has many of these. */
static char *subject_of(const struct ch_bell_mail *mail)
{
	const struct ch_bell_queue *queue = &mail->queue;
	const char *first =
	    queue->len ? strchr(queue->list[0].text, ' ') + 1 : "alarms";
	uint64_t others = queue->len + queue->more - 1;
	CH_AUTOCHAR more =
	    others ? ch_xasprintf(", and %llu more", (unsigned long long)others)
		   : ch_xstrdup("");

	return ch_xasprintf("[%s] %.*s%s", ch_room_hostname(mail->room),
			    (int)strcspn(first, " \n"), first, more);
}

/* ---- what became of it --------------------------------------------------- */

static void add_event(struct ch_bell_mail *mail, const char *type,
		      struct ch_detail *detail)
{
	int64_t now_us = ch_turn_open(mail->room);
	CH_AUTOCHAR json = NULL;
	struct ch_error err;

	if (mail->relay)
		ch_detail_text(detail, "relay", mail->relay);
	ch_detail_int(detail, "alarms",
		      (int64_t)(mail->queue.len + mail->queue.more));
	json = ch_detail_take(detail);
	must(mail->room,
	     ch_store_event_add(mail->room->store, type, 0, 0, "", json, now_us,
				&err),
	     &err);
}

/* The first of several in a row is an event; each is in the journal. */
static void failed(struct ch_bell_mail *mail, const char *why)
{
	struct ch_detail detail = { NULL };

	if (mail->queue.failures == 0) {
		ch_detail_text(&detail, "text", why);
		add_event(mail, "alarms.not_mailed", &detail);
	}
	ch_turn_log(mail->room, LOG_ERR, NULL,
		    "alarms.mail: %s%s%s; the alarms are told again later",
		    mail->relay ? mail->relay : "", mail->relay ? ": " : "",
		    why);
	ch_bell_queue_end(&mail->queue, false);
}

static void told(struct ch_bell_mail *mail)
{
	add_event(mail, "alarms.mailed", &mail->outcome);
	ch_bell_queue_end(&mail->queue, true);
	save_first(mail);
}

/* RFC 3463: X.1.Z is of the address itself. */
static bool is_no_address(const struct ch_send_address_result *result)
{
	return result->outcome == CH_OUTCOME_FAILED && result->status.len > 4 &&
	       memcmp(result->status.data, "5.1.", 4) == 0;
}

static void suppress(struct ch_mailroom *room, char *address, char *reason,
		     int64_t return_id)
{
	const struct ch_suppressed entry = {
		.address = address,
		.reason = reason,
		.return_id = return_id,
		.who = (char[]){ "" },
		.added_us = ch_turn_open(room),
	};
	struct ch_error err;

	must(room, ch_store_suppress(room->store, &entry, &err), &err);
}

static void take_result(struct ch_bell_mail *mail,
			const struct ch_send_address_result *result)
{
	char *address = mail->to[result->seq];
	CH_AUTOCHAR reply = ch_slice_dup(result->reply);
	CH_AUTO(ch_str) text = CH_STR_INIT(LINE_MAX_BYTES * 4);

	if (result->outcome == CH_OUTCOME_SENT ||
	    result->outcome == CH_OUTCOME_IN_DOUBT) {
		mail->told = true;
		ch_detail_item(&mail->outcome, "to", address);
		return;
	}
	ch_str_addf(&text, "%s: %u ", address, result->code);
	ch_escape_line(&text, reply, strlen(reply));
	ch_detail_item(&mail->outcome, "refused", ch_str_cstr(&text));
	(void)snprintf(mail->why, sizeof(mail->why), "%s", ch_str_cstr(&text));
	if (is_no_address(result))
		suppress(mail->room, address, reply, 0);
}

static int on_result(struct ch_mailroom *room, struct ch_worker *worker,
		     const void *message, struct ch_error *err)
{
	struct ch_bell_mail *mail = ch_worker_owner(worker);
	const struct ch_alarm_result *result = message;
	CH_AUTOCHAR why = ch_slice_dup(result->text);

	if (mail->heard)
		return ch_error_set(err, CH_GIVE_UP, "a second result");
	for (uint32_t i = 0; i < result->results_len; i++)
		if (result->results[i].seq >= mail->to_len)
			return ch_error_set(err, CH_GIVE_UP,
					    "the result of no address");
	(void)ch_turn_open(room);
	mail->heard = true;
	(void)snprintf(mail->why, sizeof(mail->why), "%s", why);
	for (uint32_t i = 0; i < result->results_len; i++)
		take_result(mail, &result->results[i]);
	return 0;
}

static void on_end(struct ch_mailroom *room, struct ch_worker *worker,
		   const struct ch_worker_end *end)
{
	struct ch_bell_mail *mail = ch_worker_owner(worker);

	mail->worker = NULL;
	(void)ch_turn_open(room);
	if (mail->told)
		told(mail);
	else
		failed(mail, mail->heard ? mail->why : end->text);
}

static const struct ch_worker_role_table role = {
	.program = "chancery-alarm",
	.handlers = { [CH_MSG_ALARM_RESULT] = on_result },
	.ended = on_end,
};

/* ---- a run --------------------------------------------------------------- */

static void forget_run(struct ch_bell_mail *mail)
{
	for (size_t i = 0; i < mail->to_len; i++)
		free(mail->to[i]);
	free(CH_TAKE(mail->to));
	mail->to_len = 0;
	free(CH_TAKE(mail->relay));
	ch_detail_release(&mail->outcome);
	mail->outcome = (struct ch_detail){ NULL };
	mail->heard = false;
	mail->told = false;
	mail->why[0] = '\0';
}

/* Those that have not come back. */
static void choose_addresses(struct ch_bell_mail *mail)
{
	const struct ch_setting_strings *to = &operators_of(mail)->to;
	int64_t now_us = ch_turn_open(mail->room);
	struct ch_error err;

	mail->to = ch_xcalloc(to->len, sizeof(*mail->to));
	for (size_t i = 0; i < to->len; i++) {
		struct ch_suppressed entry = { 0 };
		int got = ch_store_is_suppressed(
		    mail->room->store, to->items[i], now_us, &entry, &err);

		must(mail->room, got, &err);
		if (got > 0)
			ch_suppressed_release(&entry);
		else
			mail->to[mail->to_len++] = ch_xstrdup(to->items[i]);
	}
}

/* The one that is named, or each in its turn. */
static const struct ch_relay_config *
choose_relay(const struct ch_bell_mail *mail)
{
	const struct ch_config *config = mail->room->config;
	const struct ch_relay_config *relays = config->relays.items;
	const char *name = config->alarms.mail.relay;

	if (!name[0])
		return &relays[mail->queue.failures % config->relays.len];
	for (size_t i = 0; i < config->relays.len; i++)
		if (strcmp(relays[i].peer.name, name) == 0)
			return &relays[i];
	return NULL; /* the configuration was checked */
}

static void tell_setup(struct ch_bell_mail *mail,
		       const struct ch_relay_config *config)
{
	const struct ch_send_setup setup = {
		.relay = ch_worker_peer(
		    &config->peer, ch_account_of(mail->room, &config->peer)),
		.helo = ch_slice_of(ch_room_hostname(mail->room)),
		.data_timeout_ms = (uint32_t)config->data_timeout_ms,
		.dot_timeout_ms = (uint32_t)config->dot_timeout_ms,
		.attempt_timeout_ms = (uint32_t)config->attempt_timeout_ms,
		.letters_per_connection = 1,
		.lines = 1,
	};

	ch_worker_tell(mail->worker, CH_MSG_SEND_SETUP, &setup);
}

static char *envelope_of(const struct ch_mailroom *room)
{
	struct ch_envelope envelope = ch_room_envelope(room);
	CH_AUTO(ch_str) token = CH_STR_INIT(100);

	ch_keys_envelope_id(room->keys, CH_BELL_MAIL_LETTER,
			    CH_BELL_MAIL_ATTEMPT, &token);
	return ch_xasprintf("%.*s+%s@%.*s", (int)envelope.prefix.len,
			    envelope.prefix.data, ch_str_cstr(&token),
			    (int)envelope.domain.len, envelope.domain.data);
}

static void tell_mail(struct ch_bell_mail *mail)
{
	const struct ch_config *config = mail->room->config;
	int64_t now_us = ch_turn_open(mail->room);
	struct ch_slice *to = ch_xcalloc(mail->to_len, sizeof(*to));
	CH_AUTO(ch_str) text = CH_STR_INIT(TEXT_MAX);
	CH_AUTOCHAR subject = subject_of(mail);
	CH_AUTOCHAR envelope = envelope_of(mail->room);
	CH_AUTOCHAR message_id =
	    ch_xasprintf("alarms.%lld.%lld.%zu@%s", (long long)now_us,
			 (long long)ch_store_last_event(mail->room->store),
			 mail->number, ch_room_hostname(mail->room));
	const char *from = config->alarms.mail.from;
	struct ch_alarm_mail message = {
		.from = ch_slice_of(from[0] ? from : config->secretariat.from),
		.envelope_from = ch_slice_of(envelope),
		.to = to,
		.to_len = (uint32_t)mail->to_len,
		.message_id = ch_slice_of(message_id),
		.date_us = now_us,
		.subject = ch_slice_of(subject),
	};

	write_text(mail, &text);
	message.text = (struct ch_slice){ ch_str_cstr(&text), text.len };
	for (size_t i = 0; i < mail->to_len; i++)
		to[i] = ch_slice_of(mail->to[i]);
	ch_worker_tell(mail->worker, CH_MSG_ALARM_MAIL, &message);
	free(to);
}

/* Not silently: the event says it, those of the alarms are there, and whoever
 * looks at the status sees it. */
static void give_up(struct ch_bell_mail *mail)
{
	struct ch_detail detail = { NULL };

	CH_AUTOCHAR text = ch_xasprintf(
	    "every address of %s is among those that are not written to: see "
	    "\"chancery suppress\"", mail->name);

	ch_detail_text(&detail, "text", text);
	add_event(mail, "alarms.not_mailed", &detail);
	ch_alarm_raise(mail->room, ALARM_NOBODY, mail->name,
		       "nobody is left to write to");
	ch_bell_queue_forget(&mail->queue);
	save(mail, 0);
}

static void run(void *owner)
{
	struct ch_bell_mail *mail = owner;
	const struct ch_relay_config *relay;
	const struct ch_account *account;
	struct ch_error err;

	forget_run(mail);
	if (!is_wanted(mail)) { /* a reload took it away */
		ch_bell_queue_forget(&mail->queue);
		save(mail, 0);
		return;
	}
	choose_addresses(mail);
	if (mail->to_len == 0) {
		give_up(mail);
		return;
	}
	ch_alarm_clear(mail->room, ALARM_NOBODY, mail->name);
	relay = choose_relay(mail);
	mail->relay = ch_xstrdup(relay->peer.name);
	account = ch_account_of(mail->room, &relay->peer);
	ch_bell_queue_begin(&mail->queue);
	if (account && !ch_account_has(account)) {
		failed(mail, "its password is not known yet");
	} else if (ch_worker_start(mail->room, &role, mail, &mail->worker,
				   &err) < 0) {
		failed(mail, err.text);
	} else {
		tell_setup(mail, relay);
		tell_mail(mail);
	}
}

/* ---- what is told -------------------------------------------------------- */

/* That one is over, for whoever is told of those. */
static bool is_end_of(const char *type, const char *wanted, const char *detail)
{
	json_t *object;
	bool same;

	if (strcmp(type, "alarm.cleared") != 0)
		return false;
	object = json_loads(detail, 0, NULL);
	same = json_object_get(object, "alarm") &&
	       strcmp(json_string_value(json_object_get(object, "alarm")),
		      wanted) == 0;
	json_decref(object);
	return same;
}

static bool is_chosen(const struct ch_bell_mail *mail, const char *type,
		      const char *detail)
{
	const struct ch_setting_strings *types = &operators_of(mail)->types;

	for (size_t i = 0; i < types->len; i++)
		if (strcmp(types->items[i], type) == 0 ||
		    is_end_of(type, types->items[i], detail))
			return true;
	return types->len == 0;
}

void ch_bell_mail_ring(struct ch_bell_mail *mail, int64_t event_id,
		       int64_t at_us, const char *type, const char *reference,
		       const char *key, const char *detail)
{
	bool first = mail->queue.len + mail->queue.more == 0;
	char *text = NULL;

	if (!is_wanted(mail) || !is_chosen(mail, type, detail))
		return;
	if (!ch_bell_queue_full(&mail->queue))
		text = text_of(at_us, type, reference, key, detail);
	ch_bell_queue_add(&mail->queue, text, event_id);
	if (first)
		save(mail, event_id);
}

/* Alarms among the events from that one on. */
static void look_back(struct ch_bell_mail *mail, int64_t event_id)
{
	int64_t after = event_id - 1;
	size_t len = SCAN_PAGE;

	for (int page = 0; len == SCAN_PAGE && page < SCAN_PAGES_MAX; page++) {
		struct ch_store_event *events = NULL;
		struct ch_error err;

		must(mail->room,
		     ch_store_events(mail->room->store, after, SCAN_PAGE,
				     &events, &len, &err),
		     &err);
		for (size_t i = 0; i < len; i++) {
			const struct ch_store_event *event = &events[i];

			after = event->id;
			if (strncmp(event->type, "alarm.", 6) == 0)
				ch_bell_mail_ring(mail, event->id, event->at_us,
						  event->type, event->reference,
						  event->key, event->detail);
		}
		ch_store_events_free(events, len);
	}
}

struct ch_bell_mail *ch_bell_mail_new(struct ch_mailroom *room,
				      const char *name, size_t number)
{
	struct ch_bell_mail *mail = ch_xzalloc(sizeof(*mail));
	int64_t first;

	mail->room = room;
	mail->name = ch_xstrdup(name);
	mail->number = number;
	mail->queue = (struct ch_bell_queue){
		.room = room,
		.run = run,
		.owner = mail,
	};
	first = saved(mail);
	if (first > 0)
		(void)ch_turn_open(room);
	if (first > 0 && is_wanted(mail))
		look_back(mail, first);
	if (first > 0 && mail->queue.len == 0)
		save(mail, 0);
	return mail;
}

void ch_bell_mail_free(struct ch_bell_mail *mail)
{
	if (!mail)
		return;
	forget_run(mail);
	ch_bell_queue_release(&mail->queue);
	free(mail->name);
	free(mail);
}

const char *ch_bell_mail_name(const struct ch_bell_mail *mail)
{
	return mail->name;
}

/* ---- what comes back ----------------------------------------------------- */

void ch_bell_mail_bounced(struct ch_mailroom *room, struct ch_slice address,
			  int64_t return_id)
{
	const struct ch_config *config = room->config;
	char reason[] = "a mail about alarms came back";

	for (size_t i = 0; i < ch_config_operators_len(config); i++) {
		const struct ch_setting_strings *to =
		    &ch_config_operators_at(config, i)->to;

		for (size_t j = 0; j < to->len; j++)
			if (ch_address_same(ch_slice_of(to->items[j]), address))
				suppress(room, to->items[j], reason,
					 return_id);
	}
}
