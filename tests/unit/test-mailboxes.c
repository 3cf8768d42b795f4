// SPDX-License-Identifier: GPL-3.0-or-later
/* test-mailboxes.c - when a mail at which its readers end is passed by, and
 * which alarms stand.
 *
 * receive.c with a real store; its workers, the alarms and what becomes of a
 * mail are stood in for here, so that no rest between two workers is waited
 * for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "chanceryd/accounts.h"
#include "chanceryd/alarms.h"
#include "chanceryd/keys.h"
#include "chanceryd/receive.h"
#include "chanceryd/returned.h"
#include "chanceryd/room.h"
#include "chanceryd/workers.h"

#define OK(call)                                                     \
	do {                                                         \
		if ((call) < 0)                                      \
			fail_msg("%s: %s", #call, err.text);         \
	} while (0)

/* ---- what stands in for the rest of the daemon ------------------------- */

static struct ch_error err;
static struct ch_post *post;
static struct ch_receive_setup setup; /* the last one that was told */
static struct ch_receive_ack ack;
static char alarms[400];  /* those that stand, "type type " */
static uint32_t unread;   /* the last mail that was passed by */
static int64_t now_us;
static int mails;

/* The one worker there is at a time. */
static struct ch_worker *worker(void)
{
	return (struct ch_worker *)(void *)&post;
}

_Noreturn void ch_room_fail(struct ch_mailroom *room,
			    const struct ch_error *why)
{
	fprintf(stderr, "storage: %s\n", why->text);
	abort();
}

int64_t ch_turn_open(struct ch_mailroom *room)
{
	if (!ch_store_in_transaction(room->store))
		OK(ch_store_begin(room->store, &err));
	return now_us;
}

void ch_turn_log(struct ch_mailroom *room, int priority,
		 const struct ch_log_fields *fields, const char *format, ...)
{
}

void ch_alarm_raise(struct ch_mailroom *room, const char *type,
		    const char *about, const char *format, ...)
{
	size_t len = strlen(alarms);

	assert_string_equal(about, "mailbox desk");
	if (!strstr(alarms, type))
		snprintf(alarms + len, sizeof(alarms) - len, "%s ", type);
}

void ch_alarm_clear(struct ch_mailroom *room, const char *type,
		    const char *about)
{
	char *at = strstr(alarms, type);

	if (at)
		memmove(at, at + strlen(type) + 1,
			strlen(at + strlen(type) + 1) + 1);
}

struct ch_envelope ch_room_envelope(const struct ch_mailroom *room)
{
	return (struct ch_envelope){ ch_slice_of("bounces"),
				     ch_slice_of("chancery.example") };
}

/* A password command, where `command` says so. */
static bool command;
static bool has;
static uint32_t number;
static bool excuses;
static uint32_t refused; /* the last that was */

struct ch_account *ch_account_of(const struct ch_mailroom *room,
				 const struct ch_peer_config *peer)
{
	return command ? (struct ch_account *)(void *)&command : NULL;
}

bool ch_account_has(const struct ch_account *account)
{
	return has;
}

struct ch_slice ch_account_password(const struct ch_account *account,
				    uint32_t *ret_number)
{
	*ret_number = number;
	return has ? ch_slice_of("ticket") : CH_SLICE_EMPTY;
}

const char *ch_account_fault(const struct ch_account *account)
{
	return has ? "" : "password_command: exit status 1";
}

bool ch_account_refused(struct ch_account *account, struct ch_logins *logins,
			uint32_t which)
{
	refused = which;
	has = false;
	return excuses;
}

void ch_logins_worked(struct ch_logins *logins)
{
	excuses = true;
}

void *ch_worker_owner(const struct ch_worker *one)
{
	return post->owner;
}

void ch_worker_tell(struct ch_worker *one, enum ch_message_type type,
		    const void *message)
{
	if (type == CH_MSG_RECEIVE_SETUP)
		setup = *(const struct ch_receive_setup *)message;
	else if (type == CH_MSG_RECEIVE_ACK)
		ack = *(const struct ch_receive_ack *)message;
}

static bool holds; /* the old worker is there, and tells on */

void ch_post_fill(struct ch_post *filled)
{
	if (holds)
		return;
	post = filled;
	post->worker = worker();
	post->filled(post->owner);
}

void ch_post_close(struct ch_post *closed)
{
}

void ch_post_release(struct ch_post *released)
{
}

/* As if the rest were over. */
void ch_post_ended(struct ch_post *ended, const struct ch_worker_end *end)
{
	ended->failures++;
	ch_post_fill(ended);
}

void ch_returned(struct ch_mailroom *room, const char *mailbox,
		 const char *name, const struct ch_receive_mail *mail)
{
	assert_string_equal(name, "INBOX");
	mails++;
}

void ch_returned_unread(struct ch_mailroom *room, const char *mailbox,
			const char *name, uint32_t uidvalidity, uint32_t uid,
			const char *fault)
{
	assert_string_equal(name, "INBOX");
	assert_int_equal(uidvalidity, 7);
	unread = uid;
}

/* ---- a room with one mailbox ------------------------------------------ */

static char folder[] = "/tmp/ch-mailboxes-XXXXXX";
static struct ch_mailbox_config box = {
	.peer = { .name = (char[]){ "desk" }, .host = (char[]){ "h" },
		  .ca_file = (char[]){ "" },
		  .fingerprint = (char[]){ "" }, .source = (char[]){ "" },
		  .user = (char[]){ "u" }, .password = (char[]){ "/p" } },
	.folders = { .items = (char *[]){ (char[]){ "INBOX" } }, .len = 1 },
	.move_reports = (char[]){ "Done" },
	.move_autoreplies = (char[]){ "" },
	.move_answers = (char[]){ "" },
	.keyword = (char[]){ "$Chancery" },
};
static struct ch_config config = {
	.mailboxes = { .items = &box, .len = 1 },
	.sending = { .journal = (char[]){ "journal@chancery.example" } },
};
static struct ch_mailroom room = { .config = &config,
				   .objects_dir = (char[]){ "/objects" } };

static void say(enum ch_message_type type, const void *message)
{
	OK(post->role->handlers[type](&room, post->worker, message, &err));
}

static void reads(uint32_t uidvalidity, uint32_t first, uint32_t last)
{
	const struct ch_receive_state state = {
		.connected = 1, .uidvalidity = uidvalidity,
		.reading = first, .reading_to = last, .text = CH_SLICE_EMPTY,
	};

	say(CH_MSG_RECEIVE_STATE, &state);
}

static void connected(uint32_t uidvalidity, uint32_t reading)
{
	reads(uidvalidity, reading, reading);
}

static void ends(bool well, const char *text)
{
	struct ch_worker_end end = { .well = well, .lived_ms = 10 };

	snprintf(end.text, sizeof(end.text), "%s", text);
	post->role->ended(&room, post->worker, &end);
}

/* It says why, and ends. */
static void faults(uint32_t fault)
{
	const struct ch_receive_state state = {
		.fault = fault, .text = ch_slice_of("no"),
	};

	say(CH_MSG_RECEIVE_STATE, &state);
	ends(false, "exit status 75");
}

static void mail(uint32_t uid)
{
	const struct ch_receive_mail message = { .uidvalidity = 7,
						 .uid = uid };

	say(CH_MSG_RECEIVE_MAIL, &message);
	assert_int_equal(ack.uid, uid);
}

/* ---- the tests -------------------------------------------------------- */

static void two_deaths_at_one_mail_pass_it_by(void **state)
{
	connected(7, 41);
	ends(false, "signal 11");
	assert_int_equal(unread, 0);
	connected(7, 41);
	ends(false, "signal 11");
	assert_int_equal(unread, 41);
	assert_int_equal(setup.last_uid, 41);
	assert_int_equal(setup.uidvalidity, 7);
	assert_string_equal(alarms, "alarm.unread ");
}

/* What the old reader tells meanwhile does not take it away again. */
static void what_was_passed_by_is_read_once_more(void **state)
{
	two_deaths_at_one_mail_pass_it_by(state);
	connected(7, 42);
	mail(42);
	assert_int_equal(ch_receive_reread(&room, "desk", "Junk", 7, 41, &err),
			 -1);
	assert_string_equal(err.status, "4.0.9");
	assert_int_equal(ch_receive_reread(&room, "desk", "INBOX", 8, 41,
					   &err), -1);
	assert_string_equal(err.status, "4.0.9");
	holds = true;
	OK(ch_receive_reread(&room, "desk", "INBOX", 7, 41, &err));
	assert_string_equal(alarms, "");
	mail(43);
	holds = false;
	ends(true, "");
	assert_int_equal(setup.last_uid, 40);
	assert_int_equal(setup.singly_validity, 7);
	assert_int_equal(setup.singly_to, 41);
	/* one death alone proves nothing again */
	unread = 0;
	connected(7, 41);
	ends(false, "signal 11");
	assert_int_equal(unread, 0);
	assert_int_equal(setup.last_uid, 40);
	connected(7, 41);
	mail(41);
	assert_int_equal(setup.singly_to, 41);
	ends(true, "");
	assert_int_equal(setup.last_uid, 41);
	assert_int_equal(setup.singly_to, 0);
}

static void deaths_at_different_mails_pass_none_by(void **state)
{
	static const uint32_t at[] = { 41, 42, 41, 0, 0, 42 };

	for (size_t i = 0; i < CH_COUNT(at); i++) {
		connected(7, at[i]);
		ends(false, "signal 11");
	}
	connected(8, 42); /* another folder: not the same mail */
	ends(false, "signal 11");
	assert_int_equal(unread, 0);
	assert_int_equal(setup.last_uid, 0);
}

/* The first death is at many mails, the second shows which of them it was. */
static void a_death_at_a_group_and_one_at_a_mail_of_it(void **state)
{
	reads(7, 40, 45);
	ends(false, "signal 11");
	assert_int_equal(setup.singly_validity, 7);
	assert_int_equal(setup.singly_to, 45);
	assert_int_equal(unread, 0);
	connected(7, 40);
	mail(40);
	connected(7, 41);
	ends(false, "signal 11");
	assert_int_equal(unread, 41);
	assert_int_equal(setup.last_uid, 41);
	assert_int_equal(setup.singly_to, 0);
}

static void a_group_that_was_read_at_last_is_not_suspect(void **state)
{
	reads(7, 40, 42);
	ends(false, "signal 9");
	for (uint32_t uid = 40; uid <= 42; uid++) {
		connected(7, uid);
		mail(uid);
	}
	reads(7, 43, 99);
	ends(false, "signal 9");
	connected(7, 42);
	ends(false, "signal 9");
	assert_int_equal(unread, 0);
	assert_int_equal(setup.singly_to, 42);
}

static void what_two_groups_have_in_common_is_suspect(void **state)
{
	reads(7, 40, 60);
	ends(false, "signal 9");
	reads(7, 50, 70);
	ends(false, "signal 9");
	assert_int_equal(setup.singly_to, 60);
	assert_int_equal(unread, 0);
	reads(7, 80, 90); /* it was not that */
	ends(false, "signal 9");
	assert_int_equal(setup.singly_to, 90);
	connected(7, 85);
	ends(false, "signal 9");
	assert_int_equal(unread, 85);
}

static void a_mail_that_was_told_is_not_what_ended_it(void **state)
{
	for (int i = 0; i < 3; i++) {
		connected(7, 41);
		mail(41);
		ends(false, "signal 9");
	}
	assert_int_equal(unread, 0);
	assert_int_equal(setup.singly_to, 0);
}

static void a_mail_that_was_read_at_last_is_not_suspect(void **state)
{
	connected(7, 41);
	ends(false, "signal 11");
	connected(7, 41);
	mail(41);
	connected(7, 0);
	ends(false, "signal 11");
	assert_int_equal(unread, 0);
	assert_int_equal(setup.last_uid, 41);
	assert_int_equal(mails, 1);
}

#define MINUTE INT64_C(60000000)

static void a_connection_that_fails_five_times_at_one_mail(void **state)
{
	for (int i = 0; i < 4; i++, now_us += 5 * MINUTE) {
		connected(7, 41);
		faults(CH_FAULT_CONNECT);
		faults(CH_FAULT_CONNECT); /* and once before it was there */
		assert_int_equal(unread, 0);
	}
	connected(7, 41);
	faults(CH_FAULT_CONNECT);
	assert_int_equal(unread, 41);
	assert_int_equal(setup.last_uid, 41);
}

/* Whatever it was asked for, it failed. */
static void a_server_in_trouble_for_a_while_hides_no_mail(void **state)
{
	for (int i = 0; i < 30; i++, now_us += MINUTE) {
		reads(7, 41, 50);
		faults(CH_FAULT_CONNECT);
		assert_int_equal(unread, 0);
	}
	for (int i = 0; i < 15; i++, now_us += MINUTE) {
		connected(7, 41); /* alone, by now */
		faults(CH_FAULT_CONNECT);
		assert_int_equal(unread, 0);
	}
	connected(7, 41);
	mail(41);
	now_us += 60 * MINUTE;
	connected(7, 42);
	faults(CH_FAULT_CONNECT);
	assert_int_equal(unread, 0);
	assert_int_equal(mails, 1);
}

static void our_own_trouble_is_not_the_mails(void **state)
{
	for (int i = 0; i < 20; i++) {
		connected(7, 41);
		faults(CH_FAULT_SETUP); /* the disk is full */
	}
	assert_int_equal(unread, 0);
	assert_int_equal(setup.last_uid, 0);
	assert_string_equal(alarms, "alarm.setup ");
}

static void each_fault_has_its_alarm(void **state)
{
	static const struct {
		uint32_t fault;
		const char *first; /* after one */
		const char *fourth;
	} rows[] = {
		{ CH_FAULT_TLS, "alarm.tls ", "alarm.tls " },
		{ CH_FAULT_AUTH, "alarm.auth ", "alarm.auth " },
		{ CH_FAULT_SETUP, "alarm.setup ", "alarm.setup " },
		{ CH_FAULT_CONNECT, "", "alarm.mailbox " },
		{ CH_FAULT_GREETING, "", "alarm.mailbox " },
	};

	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		post->failures = 0;
		faults(rows[i].fault);
		assert_string_equal(alarms, rows[i].first);
		faults(rows[i].fault);
		faults(rows[i].fault);
		faults(rows[i].fault);
		assert_string_equal(alarms, rows[i].fourth);
		connected(7, 0);
		assert_string_equal(alarms, "");
	}
}

static void a_worker_that_keeps_dying_is_an_alarm(void **state)
{
	post->failures = 0;
	for (int i = 0; i < 4; i++) {
		assert_string_equal(alarms, "");
		ends(false, "signal 31 (Bad system call)");
	}
	assert_string_equal(alarms, "alarm.worker ");
	connected(7, 0);
	assert_string_equal(alarms, "");
}

static void what_the_status_shows(void **state)
{
	const struct ch_mailbox_state *shown;
	size_t len;

	shown = ch_receive_state(&room, &len);
	assert_int_equal(len, 1);
	assert_string_equal(shown[0].name, "desk");
	assert_string_equal(shown[0].folder, "INBOX");
	assert_string_equal(shown[0].state, "connecting");
	faults(CH_FAULT_AUTH);
	shown = ch_receive_state(&room, &len);
	assert_string_equal(shown[0].state, "fault");
	assert_string_equal(shown[0].text, "no");
	connected(7, 0);
	mail(9);
	shown = ch_receive_state(&room, &len);
	assert_string_equal(shown[0].state, "ready");
	assert_string_equal(shown[0].text, "");
	assert_int_equal(shown[0].last_uid, 9);
}

/* What the command gave goes to each worker; one that waits for it gets its
 * set-up when it comes. */
static void a_command_gives_the_password(void **state)
{
	const struct ch_mailbox_state *shown;
	size_t len;

	command = true;
	has = false;
	excuses = true;
	setup = (struct ch_receive_setup){ 0 };
	ends(true, "exit status 0");
	assert_null(setup.folder.data);
	shown = ch_receive_state(&room, &len);
	assert_string_equal(shown[0].state, "fault");
	assert_string_equal(shown[0].text, "password_command: exit status 1");
	has = true;
	number = 4;
	ch_receive_account(&room, (struct ch_account *)(void *)&command);
	assert_string_equal(setup.folder.data, "INBOX");
	assert_int_equal(setup.mailbox.password.len, 6);
	assert_memory_equal(setup.mailbox.password.data, "ticket", 6);
	/* Refused: another is on its way, and nobody need know. */
	number = 5;
	faults(CH_FAULT_AUTH);
	assert_int_equal(refused, 4);
	assert_string_equal(alarms, "");
	has = true;
	excuses = false;
	ch_receive_account(&room, (struct ch_account *)(void *)&command);
	faults(CH_FAULT_AUTH);
	assert_int_equal(refused, 5);
	assert_string_equal(alarms, "alarm.auth ");
	has = true;
	ch_receive_account(&room, (struct ch_account *)(void *)&command);
	connected(7, 0);
	assert_true(excuses);
	assert_string_equal(alarms, "");
	command = false;
}

/* ---- all of it -------------------------------------------------------- */

static char *path_of(const char *name)
{
	return ch_xasprintf("%s/%s", folder, name);
}

static int open_room(void **state)
{
	CH_AUTOCHAR path = NULL;
	struct ch_recovery recovery;

	snprintf(folder, sizeof(folder), "/tmp/ch-mailboxes-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	path = path_of("chancery.db");
	alarms[0] = '\0';
	unread = 0;
	now_us = 1;
	mails = 0;
	OK(ch_store_open(path, &room.store, &err));
	OK(ch_store_recover(room.store, 1, &recovery, &err));
	OK(ch_keys_open(folder, &room.keys, &err));
	OK(ch_receive_new(&room, &room.receive, &err));
	assert_int_equal(setup.last_uid, 0);
	return 0;
}

static int close_room(void **state)
{
	CH_AUTOCHAR rm = ch_xasprintf("rm -r %s", folder);

	ch_receive_free(room.receive);
	ch_keys_free(room.keys);
	ch_store_close(room.store);
	return system(rm);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_room, close_room)

/* It is asked for as a mail, and not gone past before. */
static void a_copy_that_is_unknown_is_told_as_a_mail(void **state)
{
	const struct ch_receive_copy copy = {
		.uidvalidity = 7, .uid = 3, .token = ch_slice_of("x"),
		.message_id = CH_SLICE_EMPTY,
	};

	connected(7, 3);
	assert_int_equal(setup.journal_prefix.len, strlen("journal"));
	say(CH_MSG_RECEIVE_COPY, &copy);
	assert_int_equal(ack.uid, 3);
	assert_int_equal(ack.unknown, 1);
	ends(false, "died");
	assert_int_equal(setup.last_uid, 0);
	connected(7, 3);
	mail(3);
	assert_int_equal(ack.unknown, 0);
	assert_int_equal(mails, 1);
}

/* AAA is sent. */
static int64_t sent_letter(void)
{
	struct ch_store_address address = {
		.address = (char[]){ "minister@aaa.example" },
	};
	struct ch_store_batch batch = { .reference = (char[]){ "DM-1" },
					.test_to = (char[]){ "" },
					.letters = 1 };
	struct ch_store_letter letter = {
		.key = (char[]){ "AAA" }, .name = (char[]){ "" },
		.language = (char[]){ "en" },
		.message_id = (char[]){ "1@chancery.example" },
		.addresses = &address, .addresses_len = 1,
	};
	const struct ch_sha256 sum = { { 7 } };
	const struct ch_store_result result = { .to = CH_STATE_SENT,
						.code = 250 };
	struct ch_store_letter *claimed;
	const uint32_t seq = 0;
	int64_t id;
	size_t len;

	OK(ch_store_batch_create(room.store, &batch, &id, &err));
	OK(ch_store_letter_add(room.store, id, &letter, &err));
	OK(ch_store_batch_publish(room.store, id, &batch, CH_BATCH_OPEN,
				  &err));
	OK(ch_store_claim(room.store, id, 1, 1, &claimed, &len, &err));
	id = claimed[0].id;
	assert_int_equal(ch_store_dot(room.store, id, 1, &seq, 1, &sum, 100,
				      NULL, 1, &err), 1);
	assert_int_equal(ch_store_result(room.store, id, 1, &result, 1, &err),
			 1);
	ch_store_letters_free(claimed, len);
	return id;
}

/* There is one for each letter: the place in the mailbox is written down with
 * the hundredth. */
static void copies_that_change_nothing_cost_no_write(void **state)
{
	CH_AUTO(ch_str) token = CH_STR_INIT(100);
	struct ch_receive_copy copy = {
		.uidvalidity = 7,
		.message_id = ch_slice_of("1@chancery.example"),
	};
	uint32_t uidvalidity;
	uint32_t last_uid;

	connected(7, 0);
	ch_keys_journal(room.keys, sent_letter(), 1, &token);
	copy.token = ch_slice_of(ch_str_cstr(&token));
	for (uint32_t uid = 1; uid <= 150; uid++) {
		copy.uid = uid;
		say(CH_MSG_RECEIVE_COPY, &copy);
		assert_int_equal(ack.uid, uid);
		assert_int_equal(ack.unknown, 0);
	}
	OK(ch_store_mailbox(room.store, "desk", "INBOX", &uidvalidity,
			    &last_uid, &err));
	assert_int_equal(last_uid, 100);
	mail(151);
	OK(ch_store_mailbox(room.store, "desk", "INBOX", &uidvalidity,
			    &last_uid, &err));
	assert_int_equal(last_uid, 151);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(two_deaths_at_one_mail_pass_it_by),
		T(deaths_at_different_mails_pass_none_by),
		T(a_death_at_a_group_and_one_at_a_mail_of_it),
		T(a_group_that_was_read_at_last_is_not_suspect),
		T(what_two_groups_have_in_common_is_suspect),
		T(what_was_passed_by_is_read_once_more),
		T(a_mail_that_was_told_is_not_what_ended_it),
		T(a_mail_that_was_read_at_last_is_not_suspect),
		T(a_connection_that_fails_five_times_at_one_mail),
		T(a_server_in_trouble_for_a_while_hides_no_mail),
		T(our_own_trouble_is_not_the_mails),
		T(each_fault_has_its_alarm),
		T(a_worker_that_keeps_dying_is_an_alarm),
		T(what_the_status_shows),
		T(a_command_gives_the_password),
		T(a_copy_that_is_unknown_is_told_as_a_mail),
		T(copies_that_change_nothing_cost_no_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
