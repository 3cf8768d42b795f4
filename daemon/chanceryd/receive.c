// SPDX-License-Identifier: GPL-3.0-or-later
/* receive.c - see receive.h.
 *
 * A worker says the mails of a group and waits until they are in the store, so
 * a few are under way per folder, a flood takes its place in the turns like
 * everything else, and a crash at any step costs reading a few again. A mail
 * that ends its reader is known by its UID: the worker says which it fetches,
 * and which it looks into. Where it ended with several, it is told to read them
 * one by one: the next end shows which it was.
 */
#include "chanceryd/receive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "base/mem.h"
#include "chanceryd/accounts.h"
#include "chanceryd/alarms.h"
#include "chanceryd/journal.h"
#include "chanceryd/keys.h"
#include "chanceryd/returned.h"
#include "chanceryd/room.h"
#include "chanceryd/workers.h"

#define DEATHS_MAX 2 /* of workers that read this mail: then it is passed by */
/* Of the connection, at this mail alone, in a row and for so long: a server that
 * is in trouble for a while fails at whatever it is asked for. */
#define FAULTS_MAX 5
#define FAULTS_US (15 * 60 * INT64_C(1000000))
#define COPIES_MAX 100 /* that may be read once more after a crash */
#define LONG_FAILURE 4 /* failures in a row, then it is an alarm */

/* One folder of a mailbox. */
struct mailbox {
	struct ch_mailroom *room; /* borrowed */
	char *name;               /* owned */
	char *folder;             /* owned; of the mailbox of that name */
	char *setup_mark; /* owned; of the setup that its worker has, NULL */
	struct ch_post post;
	bool gone; /* not in the configuration any more */
	bool connected;
	bool waits; /* its worker has no set-up: there is no password yet */
	struct ch_logins logins;  /* with its passwords */
	uint32_t password_number; /* that its worker logs in with */
	bool told_fault; /* this worker said why it ends */
	bool troubled;   /* it reads, and cannot file what was read */
	uint32_t uidvalidity;
	uint32_t last_uid;
	uint32_t copies; /* in a row that `last_uid` in the store is behind */
	uint32_t reading; /* UIDs that its worker is at, 0: none */
	uint32_t reading_to;
	/* a person wants them from this one on, 0: no */
	uint32_t reread;
	uint32_t reread_validity;
	/* the mails at which one ended before */
	uint32_t suspect_validity;
	uint32_t suspect; /* the first, 0: none */
	uint32_t suspect_to;
	unsigned int deaths;
	unsigned int faults;
	int64_t fault_us; /* when the first of them was */
	char fault[240]; /* the last one, "" when it is well */
};

struct ch_receive {
	struct mailbox **boxes; /* owned, and each */
	size_t len, cap;
	struct ch_mailbox_state *shown; /* owned */
};

static void must(struct ch_mailroom *room, int rc, const struct ch_error *err)
{
	if (rc < 0)
		ch_room_fail(room, err);
}

static bool has_folder(const struct ch_mailbox_config *config,
		       const char *folder)
{
	for (size_t i = 0; i < config->folders.len; i++)
		if (strcmp(config->folders.items[i], folder) == 0)
			return true;
	return false;
}

static const struct ch_mailbox_config *config_of(const struct mailbox *box)
{
	const struct ch_setting_list *list = &box->room->config->mailboxes;
	const struct ch_mailbox_config *configs = list->items;

	for (size_t i = 0; i < list->len; i++)
		if (strcmp(configs[i].peer.name, box->name) == 0 &&
		    has_folder(&configs[i], box->folder))
			return &configs[i];
	return NULL;
}

/* ---- alarms ----------------------------------------------------------- */

static const char *const alarm_types[] = {
	[CH_FAULT_CONNECT] = "alarm.mailbox",
	[CH_FAULT_TLS] = "alarm.tls",
	[CH_FAULT_AUTH] = "alarm.auth",
	[CH_FAULT_GREETING] = "alarm.mailbox",
	[CH_FAULT_SETUP] = "alarm.setup",
};

/* A relay may have the same name. */
static char *about(const struct mailbox *box)
{
	if (strcmp(box->folder, "INBOX") == 0)
		return ch_xasprintf("mailbox %s", box->name);
	return ch_xasprintf("mailbox %s, folder %s", box->name, box->folder);
}

/* At once where a person has to do something, else when it goes on. */
static void alarm_fault(const struct mailbox *box, uint32_t fault)
{
	CH_AUTOCHAR name = about(box);
	bool ours = fault != CH_FAULT_CONNECT && fault != CH_FAULT_GREETING;

	if (ours || box->post.failures + 1 >= LONG_FAILURE)
		ch_alarm_raise(box->room, alarm_types[fault], name, "%s",
			       box->fault);
}

static void clear_alarms(const struct mailbox *box)
{
	CH_AUTOCHAR name = about(box);

	for (size_t i = 0; i < CH_COUNT(alarm_types); i++)
		ch_alarm_clear(box->room, alarm_types[i], name);
	ch_alarm_clear(box->room, "alarm.worker", name);
}

/* ---- its password ----------------------------------------------------- */

/* NULL where it has no command, or is gone. */
static struct ch_account *account_of(const struct mailbox *box)
{
	const struct ch_mailbox_config *config = config_of(box);

	return config ? ch_account_of(box->room, &config->peer) : NULL;
}

/* A refused login means little where a command gives the password: the worker
 * that is started now gets the next one. */
static bool is_excused(struct mailbox *box, uint32_t fault)
{
	struct ch_account *account =
		fault == CH_FAULT_AUTH ? account_of(box) : NULL;

	return account && ch_account_refused(account, &box->logins,
					     box->password_number);
}

/* ---- a mail that cannot be read --------------------------------------- */

/* Its worker ended while it was at `reading`: it was one of these, and where
 * one ended before, one of both. */
static void suspect(struct mailbox *box, bool died)
{
	if (box->suspect == 0 || box->suspect_validity != box->uidvalidity ||
	    box->suspect > box->reading_to || box->suspect_to < box->reading) {
		box->suspect = box->reading;
		box->suspect_to = box->reading_to;
		box->suspect_validity = box->uidvalidity;
		box->deaths = 0;
		box->faults = 0;
	}
	if (box->suspect < box->reading || box->suspect_to > box->reading_to)
		box->faults = 0;
	if (box->suspect < box->reading)
		box->suspect = box->reading;
	if (box->suspect_to > box->reading_to)
		box->suspect_to = box->reading_to;
	if (died)
		box->deaths++;
	else if (box->faults++ == 0)
		box->fault_us = ch_turn_open(box->room);
}

static bool is_unreadable(const struct mailbox *box)
{
	if (box->suspect == 0 || box->suspect != box->suspect_to)
		return false;
	return box->deaths >= DEATHS_MAX ||
	       (box->faults >= FAULTS_MAX &&
		ch_turn_open(box->room) - box->fault_us >= FAULTS_US);
}

/* What is past, was not what ended it. */
static void step_past(struct mailbox *box, uint32_t uidvalidity, uint32_t uid)
{
	box->uidvalidity = uidvalidity;
	box->last_uid = uid;
	box->reading = 0;
	if (uid >= box->suspect_to || uidvalidity != box->suspect_validity)
		box->suspect = box->suspect_to = 0;
	else if (uid >= box->suspect)
		box->suspect = uid + 1;
}

static void past(struct mailbox *box, uint32_t uidvalidity, uint32_t uid)
{
	struct ch_error err;

	step_past(box, uidvalidity, uid);
	box->copies = 0;
	must(box->room, ch_store_mailbox_set(box->room->store, box->name,
					     box->folder, uidvalidity, uid,
					     &err), &err);
}

/* None is lost by it: it stays where it is, is listed with its UID, and a
 * person is told. What comes behind it matters too. */
static void quarantine(struct mailbox *box)
{
	CH_AUTOCHAR name = about(box);
	CH_AUTOCHAR fault = NULL;
	uint32_t uid = box->suspect;

	if (!is_unreadable(box))
		return;
	fault = ch_xasprintf("not read: it ended its reader %u times (%s)",
			     box->deaths + box->faults, box->fault);
	ch_turn_open(box->room);
	ch_returned_unread(box->room, box->name, box->folder,
			   box->suspect_validity, uid, fault);
	ch_alarm_raise(box->room, "alarm.unread", name,
		       "mail %u cannot be read and was passed by: %s", uid,
		       box->fault);
	past(box, box->suspect_validity, uid);
}

/* ---- what the worker says --------------------------------------------- */

static void copy_fault(struct mailbox *box, struct ch_slice text)
{
	snprintf(box->fault, sizeof(box->fault), "%.*s",
		 (int)(text.len < sizeof(box->fault) ? text.len :
						       sizeof(box->fault)),
		 text.data);
}

static void on_connected(struct mailbox *box)
{
	CH_AUTOCHAR name = NULL;

	if (box->connected)
		return;
	name = about(box);
	box->connected = true;
	box->troubled = false;
	ch_logins_worked(&box->logins);
	box->fault[0] = '\0';
	clear_alarms(box);
	ch_turn_log(box->room, LOG_INFO, NULL, "%s: connected", name);
}

/* It reads, and cannot do something else that it was told to. There may be
 * several of that, and one alarm stands for all: the journal has each. */
static void on_trouble(struct mailbox *box,
		       const struct ch_receive_state *state)
{
	CH_AUTOCHAR name = about(box);

	box->troubled = true;
	ch_turn_log(box->room, LOG_WARNING, NULL, "%s: %.*s", name,
		    (int)state->text.len, state->text.data);
	ch_alarm_raise(box->room, alarm_types[state->fault], name,
		       "mail that was read stays where it is: %.*s",
		       (int)state->text.len, state->text.data);
}

static int on_state(struct ch_mailroom *room, struct ch_worker *worker,
		    const void *message, struct ch_error *err)
{
	const struct ch_receive_state *state = message;
	struct mailbox *box = ch_worker_owner(worker);
	CH_AUTOCHAR name = NULL;

	if (state->connected) {
		box->uidvalidity = state->uidvalidity;
		box->reading = state->reading;
		box->reading_to = state->reading_to > state->reading
					  ? state->reading_to
					  : state->reading;
		on_connected(box);
		if (state->fault != CH_FAULT_CONNECT)
			on_trouble(box, state);
		return 0;
	}
	box->connected = false;
	box->told_fault = true;
	copy_fault(box, state->text);
	name = about(box);
	ch_turn_log(room, LOG_WARNING, NULL, "%s: %s", name, box->fault);
	if (!is_excused(box, state->fault))
		alarm_fault(box, state->fault);
	/* A disk of ours that is full says nothing about the mail. */
	if (box->reading != 0 && state->fault == CH_FAULT_CONNECT)
		suspect(box, false);
	box->reading = 0;
	quarantine(box);
	return 0;
}

/* Of use where mails are moved: one that a person moved back stays. */
static bool is_seen(const struct mailbox *box,
		    const struct ch_receive_mail *mail)
{
	const struct ch_mailbox_config *config = config_of(box);
	struct ch_error err;
	int seen;

	if (!config || !(config->move_reports[0] || config->move_answers[0] ||
			 config->move_autoreplies[0]))
		return false;
	seen = ch_store_return_seen(box->room->store, box->name, &mail->sha256,
				    &err);
	must(box->room, seen, &err);
	return seen > 0;
}

static int on_mail(struct ch_mailroom *room, struct ch_worker *worker,
		   const void *message, struct ch_error *err)
{
	const struct ch_receive_mail *mail = message;
	struct mailbox *box = ch_worker_owner(worker);
	struct ch_receive_ack ack = { mail->uidvalidity, mail->uid, 0, 0 };

	if (!box->connected || mail->uid == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "a mail from nowhere (UID %u)", mail->uid);
	ch_turn_open(room);
	ch_crash_point("returned.mail");
	ack.seen = is_seen(box, mail);
	ch_returned(room, box->name, box->folder, mail);
	past(box, mail->uidvalidity, mail->uid);
	ch_worker_tell(worker, CH_MSG_RECEIVE_ACK, &ack);
	return 0;
}

/* Where it is no copy of ours its worker tells it once more, as a mail. There is
 * one for each letter, and nearly all change nothing: for these the store is not
 * written to each time, and after a crash some are read again. */
static int on_copy(struct ch_mailroom *room, struct ch_worker *worker,
		   const void *message, struct ch_error *err)
{
	const struct ch_receive_copy *copy = message;
	struct mailbox *box = ch_worker_owner(worker);
	struct ch_receive_ack ack = { copy->uidvalidity, copy->uid, 0, 0 };
	enum ch_journal_copy known;

	if (!box->connected || copy->uid == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "a copy from nowhere (UID %u)", copy->uid);
	ch_turn_open(room);
	ch_crash_point("returned.copy");
	known = ch_journal_copy(room, copy);
	ack.unknown = known == CH_COPY_UNKNOWN;
	if (known == CH_COPY_SETTLED && ++box->copies < COPIES_MAX)
		step_past(box, copy->uidvalidity, copy->uid);
	else if (known != CH_COPY_UNKNOWN)
		past(box, copy->uidvalidity, copy->uid);
	ch_worker_tell(worker, CH_MSG_RECEIVE_ACK, &ack);
	return 0;
}

static void free_mailbox(struct ch_receive *receive, struct mailbox *box);

/* What it was at when it died, is what may have killed it. */
static void on_end(struct ch_mailroom *room, struct ch_worker *worker,
		   const struct ch_worker_end *end)
{
	struct mailbox *box = ch_worker_owner(worker);
	bool died = !end->well && !box->told_fault;

	if (died) {
		CH_AUTOCHAR name = about(box);

		snprintf(box->fault, sizeof(box->fault), "%s", end->text);
		if (box->post.failures + 1 >= LONG_FAILURE)
			ch_alarm_raise(room, "alarm.worker", name, "%s",
				       end->text);
	}
	if (died && box->reading != 0 && !room->stopping)
		suspect(box, true);
	box->connected = false;
	box->told_fault = false;
	box->reading = 0;
	quarantine(box);
	ch_post_ended(&box->post, end);
	if (box->gone && !box->post.worker)
		free_mailbox(room->receive, box);
}

static const struct ch_worker_role_table receive_role = {
	.program = "chancery-receive",
	.handlers = {
		[CH_MSG_RECEIVE_STATE] = on_state,
		[CH_MSG_RECEIVE_MAIL] = on_mail,
		[CH_MSG_RECEIVE_COPY] = on_copy,
	},
	.ended = on_end,
};

/* ---- what it is told -------------------------------------------------- */

static struct ch_receive_setup setup_of(const struct mailbox *box,
					const struct ch_mailbox_config *config,
					const struct ch_account *account)
{
	const struct ch_mailroom *room = box->room;
	struct ch_envelope envelope = ch_room_envelope(room);
	struct ch_envelope journal = ch_journal_address(room);

	return (struct ch_receive_setup){
		.mailbox = ch_worker_peer(&config->peer, account),
		.folder = ch_slice_of(box->folder),
		.poll_interval_ms = (uint32_t)config->poll_ms,
		.idle_max_ms = (uint32_t)config->idle_max_ms,
		.max_message_bytes = (uint64_t)config->max_message_bytes,
		.objects_dir = ch_slice_of(room->objects_dir),
		.token_prefix = envelope.prefix,
		.token_domain = envelope.domain,
		.journal_prefix = journal.prefix,
		.journal_domain = journal.domain,
		.move_reports = ch_slice_of(config->move_reports),
		.move_autoreplies = ch_slice_of(config->move_autoreplies),
		.move_answers = ch_slice_of(config->move_answers),
		.keyword = ch_slice_of(config->keyword),
	};
}

/* The setup as the bytes that a worker would get: equal where nothing that it
 * depends on has changed. What a command gives is not part of it. */
static char *mark_of(const struct ch_receive_setup *setup)
{
	struct ch_channel channel;
	struct ch_sha256 sum;
	struct ch_error err;
	char hex[CH_SHA256_HEX_SIZE];

	ch_channel_init(&channel, -1);
	(void)ch_message_put(&channel, CH_MSG_RECEIVE_SETUP, setup, &err);
	ch_sha256_of(ch_str_cstr(&channel.out), channel.out.len, &sum);
	ch_channel_release(&channel);
	return ch_xstrdup(ch_sha256_hex(&sum, hex));
}

static void remember(struct mailbox *box)
{
	struct ch_receive_setup setup = setup_of(box, config_of(box), NULL);

	free(box->setup_mark);
	box->setup_mark = mark_of(&setup);
}

/* What the worker before this one was at has moved it on meanwhile. The mail is
 * read alone, as one that has ended its reader. */
static void go_back(struct mailbox *box)
{
	struct ch_error err;

	if (box->reread == 0)
		return;
	ch_turn_open(box->room);
	must(box->room,
	     ch_store_mailbox_set(box->room->store, box->name, box->folder,
				  box->reread_validity, box->reread - 1, &err),
	     &err);
	box->suspect = box->suspect_to = box->reread;
	box->suspect_validity = box->reread_validity;
	box->deaths = 0;
	box->faults = 0;
	box->reread = 0;
}

static void on_filled(void *owner)
{
	struct mailbox *box = owner;
	const struct ch_account *account = account_of(box);
	struct ch_receive_setup setup = setup_of(box, config_of(box),
						 account);
	struct ch_error err;

	remember(box);
	box->waits = account && !ch_account_has(account);
	if (box->waits)
		return;
	box->password_number = setup.mailbox.password_number;
	go_back(box);
	must(box->room, ch_store_mailbox(box->room->store, box->name,
					 box->folder, &box->uidvalidity,
					 &box->last_uid, &err), &err);
	setup.uidvalidity = box->uidvalidity;
	setup.last_uid = box->last_uid;
	setup.singly_validity = box->suspect_validity;
	setup.singly_to = box->suspect_to;
	ch_worker_tell(box->post.worker, CH_MSG_RECEIVE_SETUP, &setup);
}

/* ---- all of them ------------------------------------------------------ */

static void free_mailbox(struct ch_receive *receive, struct mailbox *box)
{
	size_t i = 0;

	while (receive->boxes[i] != box)
		i++;
	receive->len--;
	memmove(&receive->boxes[i], &receive->boxes[i + 1],
		(receive->len - i) * sizeof(struct mailbox *));
	ch_post_release(&box->post);
	free(box->setup_mark);
	free(box->name);
	free(box->folder);
	free(box);
}

static void add_folder(struct ch_mailroom *room, struct ch_receive *receive,
		       const char *name, const char *folder)
{
	struct mailbox *box = ch_xzalloc(sizeof(*box));

	*box = (struct mailbox){
		.room = room,
		.name = ch_xstrdup(name),
		.folder = ch_xstrdup(folder),
		.post = {
			.room = room,
			.role = &receive_role,
			.owner = box,
			.filled = on_filled,
		},
	};
	CH_GROW(receive->boxes, receive->len, receive->cap);
	receive->boxes[receive->len++] = box;
	ch_post_fill(&box->post);
}

static struct mailbox *find_box(const struct ch_receive *receive,
				const char *name, const char *folder)
{
	for (size_t i = 0; i < receive->len; i++)
		if (strcmp(receive->boxes[i]->name, name) == 0 &&
		    strcmp(receive->boxes[i]->folder, folder) == 0)
			return receive->boxes[i];
	return NULL;
}

/* Those of the configuration that are not there yet. */
static void add_folders(struct ch_mailroom *room, struct ch_receive *receive)
{
	const struct ch_setting_list *list = &room->config->mailboxes;
	const struct ch_mailbox_config *configs = list->items;

	for (size_t i = 0; i < list->len; i++) {
		const char *name = configs[i].peer.name;

		for (size_t j = 0; j < configs[i].folders.len; j++) {
			const char *folder = configs[i].folders.items[j];

			if (!find_box(receive, name, folder))
				add_folder(room, receive, name, folder);
		}
	}
}

/* The file of the keys was lost: what comes back to the letters of before is
 * only shown as unverified, and somebody should know. */
static void check_keys(struct ch_mailroom *room)
{
	CH_AUTO(ch_str) known = CH_STR_INIT(100);
	char mark[CH_KEYS_MARK_SIZE];
	struct ch_error err;

	ch_turn_open(room);
	ch_keys_mark(room->keys, mark);
	must(room, ch_store_get(room->store, "token_key", &known, &err), &err);
	if (strcmp(ch_str_cstr(&known), mark) == 0)
		return;
	if (known.len > 0 && ch_keys_are_new(room->keys))
		ch_alarm_raise(room, "alarm.token_key", "",
			       "token.key was lost and made anew: put the old "
			       "one back, or bounces of earlier letters stay "
			       "unverified");
	must(room, ch_store_set(room->store, "token_key", ch_slice_of(mark),
				&err), &err);
}

int ch_receive_new(struct ch_mailroom *room, struct ch_receive **ret,
		   struct ch_error *err)
{
	struct ch_receive *receive = ch_xzalloc(sizeof(*receive));

	check_keys(room);
	add_folders(room, receive);
	*ret = receive;
	return 0;
}

void ch_receive_free(struct ch_receive *receive)
{
	if (!receive)
		return;
	while (receive->len > 0)
		free_mailbox(receive, receive->boxes[0]);
	free(receive->boxes);
	free(receive->shown);
	free(receive);
}

/* A worker with another setup is told to stop, and its post filled again; so is
 * one that a folder was missing for, for it may be there now. */
static void reload_mailbox(struct mailbox *box)
{
	const struct ch_mailbox_config *config = config_of(box);
	struct ch_receive_setup setup;
	CH_AUTOCHAR mark = NULL;

	box->gone = !config;
	box->logins = (struct ch_logins){ 0 };
	if (!config) {
		clear_alarms(box);
		ch_post_close(&box->post);
		return;
	}
	setup = setup_of(box, config, NULL);
	mark = mark_of(&setup);
	if (!box->setup_mark || strcmp(mark, box->setup_mark) != 0 ||
	    box->troubled)
		ch_post_close(&box->post);
	ch_post_fill(&box->post);
}

void ch_receive_reload(struct ch_mailroom *room)
{
	struct ch_receive *receive = room->receive;

	for (size_t i = receive->len; i-- > 0;) {
		struct mailbox *box = receive->boxes[i];

		reload_mailbox(box);
		if (box->gone && !box->post.worker)
			free_mailbox(receive, box);
	}
	add_folders(room, receive);
}

int ch_receive_reread(struct ch_mailroom *room, const char *name,
		      const char *folder, uint32_t uidvalidity, uint32_t uid,
		      struct ch_error *err)
{
	struct mailbox *box = find_box(room->receive, name, folder);
	CH_AUTOCHAR alarm = NULL;
	uint32_t validity;
	uint32_t last_uid;

	if (!box || box->gone) {
		ch_error_refuse(err, "4.0.9",
				"chancery.conf has no mailbox %s with a folder "
				"%s", name, folder);
		return ch_error_hint(err, "Add it again and reload chanceryd, "
					  "or read the mail in the mailbox.");
	}
	must(room, ch_store_mailbox(room->store, name, folder, &validity,
				    &last_uid, err), err);
	if (validity != uidvalidity) {
		ch_error_refuse(err, "4.0.9", "the folder was numbered anew "
					      "since, and all of it read");
		return ch_error_hint(err, "\"chancery returns\" lists it, "
					  "under another number.");
	}
	alarm = about(box);
	ch_alarm_clear(room, "alarm.unread", alarm); /* a person knows */
	box->reread = uid;
	box->reread_validity = validity;
	if (uid <= last_uid)
		must(room, ch_store_mailbox_set(room->store, name, folder,
						validity, uid - 1, err), err);
	ch_post_close(&box->post);
	ch_post_fill(&box->post);
	return 0;
}

void ch_receive_account(struct ch_mailroom *room,
			const struct ch_account *account)
{
	const struct ch_receive *receive = room->receive;

	for (size_t i = 0; i < receive->len; i++) {
		struct mailbox *box = receive->boxes[i];

		if (box->waits && box->post.worker && !box->post.asked &&
		    account_of(box) == account)
			on_filled(box);
	}
}

void ch_receive_stop(struct ch_mailroom *room)
{
	for (size_t i = 0; i < room->receive->len; i++)
		ch_post_close(&room->receive->boxes[i]->post);
}

/* What its account suffers from is said of it, too, while it waits for it. */
static const char *fault_of(const struct mailbox *box)
{
	const struct ch_account *account = account_of(box);

	return box->waits && account ? ch_account_fault(account) : box->fault;
}

const struct ch_mailbox_state *ch_receive_state(struct ch_mailroom *room,
						size_t *ret_len)
{
	struct ch_receive *receive = room->receive;

	free(receive->shown);
	receive->shown = ch_xcalloc(receive->len + 1,
				    sizeof(*receive->shown));
	for (size_t i = 0; i < receive->len; i++) {
		const struct mailbox *box = receive->boxes[i];
		const char *fault = fault_of(box);

		receive->shown[i] = (struct ch_mailbox_state){
			.name = box->name,
			.folder = box->folder,
			.state = box->connected ? "ready" :
				 fault[0]	? "fault" :
						  "connecting",
			.text = fault,
			.last_uid = box->last_uid,
		};
	}
	*ret_len = receive->len;
	return receive->shown;
}
