// SPDX-License-Identifier: GPL-3.0-or-later
/* accounts.c - see accounts.h. */
#include "chanceryd/accounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"
#include "chanceryd/alarms.h"
#include "chanceryd/password.h"
#include "chanceryd/program.h"
#include "chanceryd/receive.h"
#include "chanceryd/relays.h"
#include "chanceryd/room.h"
#include "chanceryd/schedule.h"

#define ALARM "alarm.command"
#define ACCURACY_US 1000
#define AHEAD_MAX_MS (5 * 60 * 1000) /* a new one is asked for at most so long
					before the old one's end */
#define COMPLAINT_LINES 10 /* in the journal, of one run */
#define COMPLAINT_MAX 200  /* bytes of one line */

struct ch_account {
	struct ch_mailroom *room;   /* borrowed */
	char **words;               /* owned, as are they; NULL at the end */
	char *users;                /* owned: "main, mailbox returns" */
	int64_t timeout_ms;
	bool gone;                  /* not in the configuration any more */
	struct ch_program *program; /* owned; NULL: it does not run */
	sd_event_source *again;     /* owned: when it is to run */
	sd_event_source *end;       /* owned: of the password's time */
	char *password;             /* owned; NULL: none */
	uint32_t number;            /* of the last that there was */
	uint32_t failures;          /* in a row */
	char fault[240];
};

struct ch_accounts {
	struct ch_account **items; /* owned, and each */
	size_t len, cap;
};

static void run(struct ch_account *account);

/* ---- its password ----------------------------------------------------- */

static void forget(struct ch_account *account)
{
	if (account->password)
		explicit_bzero(account->password, strlen(account->password));
	free(CH_TAKE(account->password));
	account->end = sd_event_source_disable_unref(account->end);
}

bool ch_account_has(const struct ch_account *account)
{
	return account->password != NULL;
}

struct ch_slice ch_account_password(const struct ch_account *account,
				    uint32_t *ret_number)
{
	*ret_number = account->number;
	return ch_slice_of(account->password);
}

const char *ch_account_fault(const struct ch_account *account)
{
	return account->fault;
}

static void changed(struct ch_account *account)
{
	struct ch_mailroom *room = account->room;

	/* At the start they look by themselves. */
	if (room->relays)
		ch_relays_account(room, account);
	if (room->receive)
		ch_receive_account(room, account);
	ch_turn_due(room);
}

/* ---- when ------------------------------------------------------------- */

static int on_again(sd_event_source *source, uint64_t usec, void *context)
{
	run(context);
	return 0;
}

static int on_end(sd_event_source *source, uint64_t usec, void *context)
{
	struct ch_account *account = context;

	forget(account);
	changed(account);
	return 0;
}

static void set_timer(struct ch_account *account, sd_event_source **timer,
		      int64_t in_ms, sd_event_time_handler_t handler)
{
	struct ch_error err;
	int r;

	*timer = sd_event_source_disable_unref(*timer);
	r = sd_event_add_time_relative(account->room->event, timer,
				       CLOCK_MONOTONIC, (uint64_t)in_ms * 1000,
				       ACCURACY_US, handler, account);
	if (r < 0) {
		(void)ch_error_errno(&err, -r, "event loop");
		ch_room_fail(account->room, &err);
	}
}

/* ---- what the command said -------------------------------------------- */

static void take_password(struct ch_account *account,
			  const struct ch_password *password)
{
	struct ch_mailroom *room = account->room;
	int64_t ahead_ms = password->good_ms / 4;

	forget(account);
	account->password = ch_slice_dup(password->text);
	account->number++;
	if (ahead_ms > AHEAD_MAX_MS)
		ahead_ms = AHEAD_MAX_MS;
	if (password->good_ms > 0) {
		set_timer(account, &account->end, password->good_ms, on_end);
		set_timer(account, &account->again,
			  password->good_ms - ahead_ms, on_again);
	}
	if (account->failures > 0)
		ch_turn_log(room, LOG_NOTICE, NULL,
			    "password_command of %s works again",
			    account->users);
	account->failures = 0;
	account->fault[0] = '\0';
	ch_alarm_clear(room, ALARM, account->users);
	changed(account);
}

static void fail(struct ch_account *account, const char *text)
{
	struct ch_mailroom *room = account->room;
	int64_t rest_ms;

	(void)snprintf(account->fault, sizeof(account->fault),
		       "password_command: %s", text);
	account->failures++;
	rest_ms = ch_rest_ms(account->failures, (uintptr_t)account);
	ch_turn_log(room, LOG_WARNING, NULL,
		    "password_command of %s: %s; again in %lld.%03lld s",
		    account->users, text, (long long)rest_ms / 1000,
		    (long long)rest_ms % 1000);
	ch_alarm_raise(room, ALARM, account->users, "%s", account->fault);
	set_timer(account, &account->again, rest_ms, on_again);
	changed(account);
}

/* A program that shows what it does may show the password, too: the new one, if
 * there is one, or the one of before. */
static bool tells(struct ch_slice line, struct ch_slice secret)
{
	return secret.len > 0 && memmem(line.data, line.len, secret.data,
					secret.len) != NULL;
}

/* What it complained of, a line each. The last one goes to *ret_last. */
static void log_complaints(struct ch_account *account, struct ch_slice rest,
			   struct ch_slice secret, int priority,
			   struct ch_str *ret_last)
{
	struct ch_slice old = ch_slice_of(account->password);

	for (int lines = 0; rest.len > 0 && lines < COMPLAINT_LINES;) {
		const char *end = memchr(rest.data, '\n', rest.len);
		struct ch_slice line = {
			rest.data, end ? (size_t)(end - rest.data) : rest.len
		};
		size_t used = line.len + (end != NULL);

		rest = (struct ch_slice){ rest.data + used, rest.len - used };
		line = ch_slice_trim(line);
		if (line.len == 0)
			continue;
		lines++;
		ch_str_clear(ret_last);
		if (tells(line, secret) || tells(line, old))
			ch_str_add(ret_last, "(a line with the password)");
		else
			ch_escape_line(ret_last, line.data,
				       line.len < COMPLAINT_MAX ?
					       line.len : COMPLAINT_MAX);
		ch_turn_log(account->room, priority, NULL,
			    "password_command of %s says: %s", account->users,
			    ch_str_cstr(ret_last));
	}
}

/* What it printed before it failed may be a password as well. */
static struct ch_slice first_line(struct ch_slice out)
{
	const char *end = memchr(out.data, '\n', out.len);

	return ch_slice_trim((struct ch_slice){
		out.data, end ? (size_t)(end - out.data) : out.len });
}

static void on_done(void *owner, const struct ch_program_end *end)
{
	struct ch_account *account = owner;
	CH_AUTO(ch_str) last = CH_STR_INIT(COMPLAINT_MAX * 8);
	struct ch_password password;
	struct ch_error err;

	account->program = NULL;
	(void)ch_turn_open(account->room);
	log_complaints(account, end->err, first_line(end->out),
		       end->well ? LOG_INFO : LOG_WARNING, &last);
	if (!end->well) {
		(void)ch_error_set(&err, CH_RETRY, "%s%s%.100s", end->text,
				   last.len ? ": " : "", ch_str_cstr(&last));
		fail(account, err.text);
	} else if (ch_password_read(end->out.data, end->out.len, &password,
				    &err) < 0) {
		fail(account, err.text);
	} else {
		take_password(account, &password);
	}
}

static void run(struct ch_account *account)
{
	struct ch_mailroom *room = account->room;
	struct ch_error err;

	account->again = sd_event_source_disable_unref(account->again);
	if (account->program || room->stopping)
		return;
	(void)ch_turn_open(room);
	if (ch_program_start(room->event, account->words, CH_SLICE_EMPTY,
			     account->timeout_ms, on_done, account, &account->program, &err) < 0)
		fail(account, err.text);
}

/* ---- what a server says of it ----------------------------------------- */

bool ch_account_refused(struct ch_account *account, struct ch_logins *logins,
			uint32_t number)
{
	if (number != account->number)
		return true;
	if (number == logins->refused)
		return logins->excused;
	logins->refused = number;
	logins->excused = !logins->doubted;
	logins->doubted = true;
	if (!account->password) /* another has refused it before */
		return logins->excused;
	forget(account);
	/* One that failed rests first. */
	if (account->failures == 0)
		run(account);
	changed(account);
	return logins->excused;
}

void ch_logins_worked(struct ch_logins *logins)
{
	logins->doubted = false;
}

/* ---- the configuration ------------------------------------------------ */

static bool has_words(const struct ch_account *account,
		      const struct ch_setting_strings *words)
{
	size_t i = 0;

	while (i < words->len && account->words[i] &&
	       strcmp(account->words[i], words->items[i]) == 0)
		i++;
	return i == words->len && !account->words[i];
}

struct ch_account *ch_account_of(const struct ch_mailroom *room,
				 const struct ch_peer_config *peer)
{
	const struct ch_accounts *accounts = room->accounts;

	if (peer->password_command.len == 0)
		return NULL;
	for (size_t i = 0; i < accounts->len; i++)
		if (has_words(accounts->items[i], &peer->password_command))
			return accounts->items[i];
	return NULL;
}

static void free_account(struct ch_account *account)
{
	ch_program_free(account->program);
	sd_event_source_disable_unref(account->again);
	forget(account);
	for (char **word = account->words; *word; word++)
		free(*word);
	free(account->words);
	free(account->users);
	free(account);
}

static struct ch_account *add_account(struct ch_mailroom *room,
				      const struct ch_setting_strings *words)
{
	struct ch_accounts *accounts = room->accounts;
	struct ch_account *account = ch_xzalloc(sizeof(*account));

	account->room = room;
	account->words = ch_xcalloc(words->len + 1, sizeof(*account->words));
	for (size_t i = 0; i < words->len; i++)
		account->words[i] = ch_xstrdup(words->items[i]);
	CH_GROW(accounts->items, accounts->len, accounts->cap);
	accounts->items[accounts->len++] = account;
	return account;
}

/* `kind` is what stands before the names of mailboxes, "" for relays. */
static void use_peer(struct ch_mailroom *room,
		     const struct ch_peer_config *peer, const char *kind)
{
	struct ch_account *account = ch_account_of(room, peer);
	char *users;

	if (peer->password_command.len == 0)
		return;
	if (!account)
		account = add_account(room, &peer->password_command);
	users = account->users ?
			ch_xasprintf("%s, %s%s", account->users, kind,
				     peer->name) :
			ch_xasprintf("%s%s", kind, peer->name);
	if (account->gone || !account->users ||
	    account->timeout_ms < peer->password_timeout_ms)
		account->timeout_ms = peer->password_timeout_ms;
	account->gone = false;
	free(account->users);
	account->users = users;
}

static void read_config(struct ch_mailroom *room)
{
	const struct ch_config *config = room->config;
	const struct ch_relay_config *relays = config->relays.items;
	const struct ch_mailbox_config *boxes = config->mailboxes.items;

	for (size_t i = 0; i < config->relays.len; i++)
		use_peer(room, &relays[i].peer, "");
	for (size_t i = 0; i < config->mailboxes.len; i++)
		use_peer(room, &boxes[i].peer, "mailbox ");
}

static void run_all(const struct ch_accounts *accounts)
{
	for (size_t i = 0; i < accounts->len; i++)
		run(accounts->items[i]);
}

int ch_accounts_new(struct ch_mailroom *room, struct ch_accounts **ret,
		    struct ch_error *err)
{
	struct ch_accounts *accounts = ch_xzalloc(sizeof(*accounts));

	*ret = accounts;
	room->accounts = accounts;
	read_config(room);
	run_all(accounts);
	return 0;
}

void ch_accounts_free(struct ch_accounts *accounts)
{
	if (!accounts)
		return;
	for (size_t i = 0; i < accounts->len; i++)
		free_account(accounts->items[i]);
	free(accounts->items);
	free(accounts);
}

/* The alarm is about the users, who may be others now. */
void ch_accounts_reload(struct ch_mailroom *room)
{
	struct ch_accounts *accounts = room->accounts;
	size_t kept = 0;

	for (size_t i = 0; i < accounts->len; i++) {
		struct ch_account *account = accounts->items[i];

		ch_alarm_clear(room, ALARM, account->users);
		free(CH_TAKE(account->users));
		account->gone = true;
		account->failures = 0;
	}
	read_config(room);
	for (size_t i = 0; i < accounts->len; i++) {
		if (accounts->items[i]->gone)
			free_account(accounts->items[i]);
		else
			accounts->items[kept++] = accounts->items[i];
	}
	accounts->len = kept;
	run_all(accounts);
}
