// SPDX-License-Identifier: GPL-3.0-or-later
/* test-returned.c - whose letter a mail is about, and what it may change.
 *
 * returned.c against a real store and real keys; the turn, the alarms and the
 * journal are stood in for here.
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
#include "chanceryd/alarms.h"
#include "chanceryd/bell-mail.h"
#include "chanceryd/bell.h"
#include "chanceryd/gate.h"
#include "chanceryd/journal.h"
#include "chanceryd/keys.h"
#include "chanceryd/receive.h"
#include "chanceryd/returned.h"
#include "chanceryd/room.h"
#include "chanceryd/sending.h"
#include "wire/messages.h"

#define OK(call)                                                     \
	do {                                                         \
		if ((call) < 0)                                      \
			fail_msg("%s: %s", #call, err.text);         \
	} while (0)

#define NOW 1000000
#define S(text) { text, sizeof(text) - 1 }

/* ---- what stands in for the rest of the daemon ------------------------- */

static struct ch_error err;
static char alarm_type[40];
static int alarms;
static int cleared;

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
	return NOW;
}

void ch_turn_log(struct ch_mailroom *room, int priority,
		 const struct ch_log_fields *fields, const char *format, ...)
{
}

static uint32_t reread_uid;

int ch_receive_reread(struct ch_mailroom *room, const char *name,
		      const char *folder, uint32_t uidvalidity, uint32_t uid,
		      struct ch_error *why)
{
	if (strcmp(name, "desk") != 0 || strcmp(folder, "INBOX") != 0 ||
	    uidvalidity != 9)
		return ch_error_refuse(why, "4.0.9", "not that");
	reread_uid = uid;
	return 0;
}

/* None of the mails is about one to the operators. */
void ch_bell_mail_bounced(struct ch_mailroom *unused, struct ch_slice address,
			  int64_t return_id)
{
	fail_msg("%.*s", (int)address.len, address.data);
}

static int rung; /* alarms that were told to the operators */

void ch_bell_ring(struct ch_mailroom *unused, const char *type,
		  const char *reference, const char *key, const char *detail)
{
	assert_string_equal(type, "alarm.bounce");
	assert_non_null(reference);
	assert_non_null(key);
	rung++;
}

void ch_alarm_raise(struct ch_mailroom *room, const char *type,
		    const char *about, const char *format, ...)
{
	snprintf(alarm_type, sizeof(alarm_type), "%s", type);
	alarms++;
}

void ch_alarm_clear(struct ch_mailroom *room, const char *type,
		    const char *about)
{
	cleared++;
}

static int64_t bounced_batch; /* that was told last */

void ch_gate_bounced(struct ch_mailroom *unused, int64_t id)
{
	bounced_batch = id;
}

/* What the workers have is in test-verbs.py. */
void ch_sending_overruled(struct ch_mailroom *unused, int64_t letter_id)
{
}

/* ---- a store with some letters on their way ---------------------------- */

static char folder[] = "/tmp/ch-returned-XXXXXX";
static struct ch_config config = {
	.sending = { .journal = (char[]){ "journal@chancery.example" } },
};
static struct ch_mailroom room = { .config = &config };
static int made; /* one batch for each test */
static int64_t batch_id;
static uint32_t next_uid;

static void add_letter(const char *key, const char *other)
{
	struct ch_store_address addresses[2] = {
		{ .seq = 0, .address = ch_xasprintf("Minister@%s.example",
						    key) },
		{ .seq = 1, .address = ch_xstrdup(other ? other : "") },
	};
	struct ch_store_letter letter = {
		.key = ch_xstrdup(key),
		.name = ch_xstrdup("a minister"),
		.language = ch_xstrdup("fr"),
		.message_id = ch_xasprintf("%d.%s@chancery.example", made,
					   key),
		.addresses = addresses,
		.addresses_len = other ? 2 : 1,
	};

	ch_str_init(&letter.fields, 100);
	OK(ch_store_letter_add(room.store, batch_id, &letter, &err));
	free(addresses[0].address);
	free(addresses[1].address);
	letter.addresses = NULL;
	letter.addresses_len = 0;
	ch_store_letter_release(&letter);
}

static struct ch_store_letter letter_of(const char *key)
{
	struct ch_store_letter letter;

	assert_int_equal(ch_store_letter_by_key(room.store, batch_id, key,
						&letter, &err), 1);
	return letter;
}

static void finish(const struct ch_store_letter *letter, enum ch_state to)
{
	const uint32_t seqs[] = { 0, 1 };
	const struct ch_sha256 sum = { { 7 } };

	assert_int_equal(ch_store_dot(room.store, letter->id, letter->attempt,
				      seqs, letter->addresses_len, &sum, 100,
				      NULL, NOW, &err), 1);
	for (uint32_t seq = 0; seq < letter->addresses_len; seq++) {
		const struct ch_store_result result = {
			.seq = seq, .to = to, .code = 250,
			.status = CH_SLICE_EMPTY, .reply = CH_SLICE_EMPTY,
		};

		assert_int_equal(ch_store_result(room.store, letter->id,
						 letter->attempt, &result,
						 NOW, &err), 1);
	}
}

static const char *address_of_two = "mission@two.example"; /* address of TWO */

/* AAA and BBB were sent, TWO has a second address, DOUBT is in doubt, WAITS
 * was never tried. */
static int make_batch(void **state)
{
	CH_AUTOCHAR reference = ch_xasprintf("DM-%d", ++made);
	struct ch_store_batch batch = {
		.reference = reference,
		.test_to = (char *)(uintptr_t)(*state ? "desk@x.example" : ""),
		.letters = 5,
	};
	struct ch_store_letter *letters = NULL;
	size_t len = 0;

	ch_turn_open(&room);
	OK(ch_store_batch_create(room.store, &batch, &batch_id, &err));
	add_letter("AAA", NULL);
	add_letter("BBB", NULL);
	add_letter("TWO", address_of_two);
	add_letter("DOUBT", NULL);
	add_letter("WAITS", NULL);
	OK(ch_store_batch_publish(room.store, batch_id, &batch, CH_BATCH_OPEN,
				  &err));
	OK(ch_store_claim(room.store, batch_id, NOW, 4, &letters, &len, &err));
	assert_int_equal(len, 4);
	for (size_t i = 0; i < len; i++)
		finish(&letters[i], i == 3 ? CH_STATE_IN_DOUBT
					   : CH_STATE_SENT);
	ch_store_letters_free(letters, len);
	OK(ch_store_commit(room.store, &err));
	alarms = 0;
	cleared = 0;
	return 0;
}

/* Another one, whose letter TWO goes there as well. */
static void batch_with_second(const char *address)
{
	const char *before = address_of_two;

	address_of_two = address;
	make_batch(&(void *){ NULL });
	address_of_two = before;
}

/* ---- mail ------------------------------------------------------------- */

static struct ch_slice token_of(const char *key, uint32_t attempt)
{
	static struct ch_str token = CH_STR_INIT(100);
	struct ch_store_letter letter = letter_of(key);

	ch_str_clear(&token);
	ch_keys_envelope_id(room.keys, letter.id, attempt, &token);
	ch_store_letter_release(&letter);
	return ch_slice_of(ch_str_cstr(&token));
}

/* What each mail of a test has in common. */
static struct ch_receive_mail a_mail(enum ch_return_kind kind)
{
	static char id[40];
	struct ch_receive_mail mail = {
		.uidvalidity = 5,
		.uid = ++next_uid,
		.size_bytes = 1000,
		.kind = kind,
		.rule = S("test"),
		.from = S("mailer-daemon@relay.example"),
		.subject = S("Undelivered"),
		.fault = CH_SLICE_EMPTY,
		.token = CH_SLICE_EMPTY,
		.envelope_id = CH_SLICE_EMPTY,
		.text = CH_SLICE_EMPTY,
	};

	snprintf(id, sizeof(id), "%u@relay.example", next_uid);
	mail.message_id = ch_slice_of(id);
	ch_sha256_of(id, strlen(id), &mail.sha256);
	return mail;
}

static void report(struct ch_receive_mail *mail,
		   struct ch_returned_recipient *recipient,
		   const char *address)
{
	*recipient = (struct ch_returned_recipient){
		.kind = mail->kind,
		.address = ch_slice_of(address),
		.status = S("5.1.1"),
		.diagnostic = S("no such minister"),
	};
	mail->recipients = recipient;
	mail->recipients_len = 1;
}

static void take(const struct ch_receive_mail *mail)
{
	ch_returned(&room, "desk", "INBOX", mail);
	OK(ch_store_commit(room.store, &err));
}

/* ---- looking ---------------------------------------------------------- */

/* The last return that was added; freed by the next call. */
static const struct ch_store_return *last(size_t *ret_count)
{
	static struct ch_store_return *list;
	static size_t len;

	ch_store_returns_free(list, len);
	OK(ch_store_returns(room.store, 0, 0, 0, 10000, &list, &len, &err));
	*ret_count = len;
	assert_true(len > 0);
	return &list[len - 1];
}

static struct ch_tally tally(void)
{
	struct ch_tally all;

	OK(ch_store_tally(room.store, batch_id, &all, &err));
	return all;
}

static void assert_nothing_changed(void)
{
	struct ch_tally t = tally();

	assert_int_equal(t.bounced, 0);
	assert_int_equal(t.delayed, 0);
	assert_int_equal(t.answered, 0);
	assert_int_equal(t.auto_replied, 0);
	assert_int_equal(t.state[CH_STATE_SENT], 3);
	assert_int_equal(t.state[CH_STATE_IN_DOUBT], 1);
	assert_int_equal(t.state[CH_STATE_QUEUED], 1);
}

/* How many of this type there are about this batch; its details in *out. */
static int events(const char *type, struct ch_str *out)
{
	struct ch_store_event *list = NULL;
	size_t len = 0;
	int count = 0;

	OK(ch_store_events(room.store, 0, 10000, &list, &len, &err));
	for (size_t i = 0; i < len; i++) {
		if (strcmp(list[i].type, type) != 0 ||
		    list[i].batch_id != batch_id)
			continue;
		count++;
		if (out)
			ch_str_add(out, list[i].detail);
	}
	ch_store_events_free(list, len);
	return count;
}

/* ---- bounces ---------------------------------------------------------- */

static void a_bounce_with_our_token_is_a_fact(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_BOUNCE_HARD);
	struct ch_returned_recipient recipient;
	size_t count;
	const struct ch_store_return *r;

	report(&mail, &recipient, "minister@aaa.example");
	mail.token = token_of("AAA", 1);
	take(&mail);
	r = last(&count);
	assert_string_equal(r->key, "AAA");
	assert_true(r->verified);
	assert_int_equal(r->match, CH_MATCH_TOKEN);
	assert_int_equal(r->address_seq, 0);
	assert_int_equal(r->attempt, 1);
	assert_string_equal(r->status, "5.1.1");
	assert_string_equal(r->fault, "");
	assert_int_equal(tally().bounced, 1);
	assert_int_equal(events("letter.bounced", NULL), 1);
	assert_int_equal(events("alarm.bounce", NULL), 1);
	assert_int_equal(bounced_batch, batch_id);
}

/* Numbers as in the list of bad inputs. 66 */
static void without_a_valid_token_nothing_changes(void **state)
{
	static const char *const forged[] = {
		"",
		"x",
		"aaaaaaaaaaaaaaaa-aaaaaaaaaaaaaaaaa",
		"AAAAAAAAAAAAAAAA-bBBBBBBBBBBBBBBBB",
	};
	struct ch_returned_recipient recipient;
	struct ch_slice ids[1];
	CH_AUTOCHAR id = ch_xasprintf("%d.AAA@chancery.example", made);
	CH_AUTOCHAR own = NULL;
	size_t count;

	for (size_t i = 0; i < CH_COUNT(forged); i++) {
		struct ch_receive_mail mail = a_mail(CH_RETURN_BOUNCE_HARD);

		report(&mail, &recipient, "minister@aaa.example");
		mail.token = ch_slice_of(forged[i]);
		ids[0] = ch_slice_of(id);
		mail.references = ids;
		mail.references_len = 1;
		take(&mail);
		assert_false(last(&count)->verified);
		assert_int_equal(last(&count)->match, CH_MATCH_MESSAGE_ID);
		assert_string_equal(last(&count)->key, "AAA");
	}
	/* A good one with one digit changed. */
	own = ch_slice_dup(token_of("AAA", 1));
	own[33] = own[33] == 'a' ? 'b' : 'a';
	for (int i = 0; i < 2; i++) {
		struct ch_receive_mail mail = a_mail(CH_RETURN_BOUNCE_HARD);

		report(&mail, &recipient, "minister@aaa.example");
		if (i == 0)
			mail.token = ch_slice_of(own);
		else
			mail.envelope_id = ch_slice_of(own);
		take(&mail);
		assert_int_equal(last(&count)->match, CH_MATCH_NONE);
		assert_int_equal(last(&count)->letter_id, 0);
	}
	assert_nothing_changed();
	assert_int_equal(events("return.unverified", NULL), 4);
	assert_int_equal(events("alarm.bounce", NULL), 0);
	assert_int_not_equal(bounced_batch, batch_id);
}

/* 67 */
static void a_token_that_is_replayed_counts_once(void **state)
{
	struct ch_returned_recipient recipient;
	size_t before;
	size_t after;

	(void)last(&before);
	for (int i = 0; i < 100; i++) {
		struct ch_receive_mail mail = a_mail(CH_RETURN_BOUNCE_HARD);

		report(&mail, &recipient, "minister@aaa.example");
		mail.token = token_of("AAA", 1);
		take(&mail);
	}
	(void)last(&after);
	assert_int_equal(after, before + 1);
	assert_int_equal(tally().bounced, 1);
	assert_int_equal(events("letter.bounced", NULL), 1);
	assert_int_equal(events("alarm.bounce", NULL), 1);
}

/* 68 */
static void the_token_of_one_letter_touches_no_other(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_BOUNCE_HARD);
	struct ch_returned_recipient recipient;
	struct ch_store_letter other;
	size_t count;

	report(&mail, &recipient, "minister@bbb.example");
	mail.token = token_of("AAA", 1);
	take(&mail);
	assert_string_equal(last(&count)->key, "AAA");
	assert_int_equal(last(&count)->address_seq, -1);
	assert_string_equal(last(&count)->recipient, "minister@bbb.example");
	assert_non_null(strstr(last(&count)->fault, "none of this letter's"));
	other = letter_of("BBB");
	assert_false(other.bounced);
	ch_store_letter_release(&other);
	assert_int_equal(tally().bounced, 1);
}

/* 69 */
static void a_delay_is_no_failure(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_DELAYED);
	struct ch_returned_recipient recipient;
	struct ch_store_letter letter;

	report(&mail, &recipient, "minister@aaa.example");
	mail.token = token_of("AAA", 1);
	take(&mail);
	letter = letter_of("AAA");
	assert_true(letter.delayed);
	assert_false(letter.bounced);
	assert_int_equal(letter.state, CH_STATE_SENT);
	ch_store_letter_release(&letter);
	assert_int_equal(events("alarm.bounce", NULL), 0);
	assert_int_equal(events("letter.delayed", NULL), 1);
}

static void the_envelope_id_is_as_good_as_the_recipient(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_BOUNCE_SOFT);
	struct ch_returned_recipient recipient;
	size_t count;

	report(&mail, &recipient, "");
	mail.envelope_id = token_of("AAA", 1);
	take(&mail);
	assert_int_equal(last(&count)->match, CH_MATCH_ENVELOPE_ID);
	assert_true(last(&count)->verified);
	assert_int_equal(last(&count)->address_seq, 0); /* it has but one */
	assert_int_equal(tally().bounced, 1);
}

static void a_bounce_names_where_else_the_ministry_is(void **state)
{
	CH_AUTO(ch_str) detail = CH_STR_INIT(10000);
	struct ch_receive_mail mail = a_mail(CH_RETURN_BOUNCE_HARD);
	struct ch_returned_recipient both[2];
	size_t count;

	report(&mail, &both[0], "MINISTER@TWO.EXAMPLE");
	mail.token = token_of("TWO", 1);
	take(&mail);
	assert_int_equal(last(&count)->address_seq, 0);
	assert_int_equal(events("alarm.bounce", &detail), 1);
	assert_non_null(strstr(ch_str_cstr(&detail),
			       "\"others\":[\"mission@two.example\"]"));
	/* The other one too: it is said again, of that one. */
	mail = a_mail(CH_RETURN_BOUNCE_SOFT);
	report(&mail, &both[1], "mission@two.example");
	mail.token = token_of("TWO", 1);
	take(&mail);
	assert_int_equal(last(&count)->address_seq, 1);
	assert_int_equal(events("alarm.bounce", &detail), 2);
	assert_int_equal(tally().bounced, 1);
}

static void strangers_cannot_drown_a_bounce(void **state)
{
	CH_AUTOCHAR id = ch_xasprintf("%d.AAA@chancery.example", made);
	struct ch_returned_recipient recipient;
	struct ch_receive_mail mail;
	struct ch_slice ids[1] = { ch_slice_of(id) };

	for (int i = 0; i < 300; i++) {
		mail = a_mail(CH_RETURN_BOUNCE_HARD);
		report(&mail, &recipient, "minister@aaa.example");
		mail.references = ids;
		mail.references_len = 1;
		take(&mail);
	}
	assert_int_equal(events("alarm.bounce", NULL), 0);
	mail = a_mail(CH_RETURN_BOUNCE_HARD);
	report(&mail, &recipient, "minister@aaa.example");
	mail.token = token_of("AAA", 1);
	take(&mail);
	assert_int_equal(events("alarm.bounce", NULL), 1);
	assert_int_equal(tally().bounced, 1);
}

/* A server that speaks SMTPUTF8 may give the domain as people write it, or the
 * accents apart: it is the letter's address all the same. */
static void an_address_in_another_form_is_the_letters(void **state)
{
	static const char *const forms[] = {
		"zo\u00EB@xn--bcher-kva.example",
		"Zoe\u0308@B\u00DCCHER.example",
		"ZO\u00EB@bu\u0308cher.Example.",
	};
	struct ch_returned_recipient recipient;
	size_t count;

	(void)state;
	batch_with_second("zo\u00EB@xn--bcher-kva.example");
	for (uint32_t i = 0; i < CH_COUNT(forms); i++) {
		struct ch_receive_mail mail = a_mail(CH_RETURN_DELAYED);

		report(&mail, &recipient, forms[i]);
		mail.token = token_of("TWO", i + 1);
		take(&mail);
		assert_string_equal(last(&count)->recipient, forms[i]);
		assert_int_equal(last(&count)->address_seq, 1);
		assert_string_equal(last(&count)->fault, "");
	}
}

/* And so may a person who answers from there by another address. */
static void a_sender_in_another_form_is_of_the_same_domain(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_REPLY);
	CH_AUTOCHAR subject = NULL;
	struct ch_store_letter two;
	size_t count;

	(void)state;
	batch_with_second("zo\u00EB@xn--bcher-kva.example");
	subject = ch_xasprintf("Re: [DM-%d] Session", made);
	mail.subject = ch_slice_of(subject);
	mail.from = ch_slice_of("cabinet@B\u00FCcher.EXAMPLE");
	take(&mail);
	two = letter_of("TWO");
	assert_int_equal(last(&count)->letter_id, two.id);
	assert_int_equal(last(&count)->match, CH_MATCH_REFERENCE);
	ch_store_letter_release(&two);
}

static void a_report_of_several_is_a_row_for_each(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_BOUNCE_HARD);
	struct ch_returned_recipient both[2];
	struct ch_store_letter letter = letter_of("TWO");
	struct ch_store_return *list = NULL;
	size_t len = 0;

	report(&mail, &both[0], "mission@two.example");
	report(&mail, &both[0], "mission@two.example");
	both[1] = both[0];
	both[1].address = ch_slice_of("minister@two.example");
	both[1].kind = CH_RETURN_DELIVERED;
	mail.recipients_len = 2;
	mail.token = token_of("TWO", 1);
	take(&mail);
	take(&mail); /* after a crash it comes again */
	OK(ch_store_returns(room.store, 0, letter.id, 0, 10, &list, &len,
			    &err));
	assert_int_equal(len, 2);
	assert_int_equal(list[0].part, 0);
	assert_int_equal(list[0].address_seq, 1);
	assert_int_equal(list[0].kind, CH_RETURN_BOUNCE_HARD);
	assert_int_equal(list[1].part, 1);
	assert_int_equal(list[1].address_seq, 0);
	assert_int_equal(list[1].kind, CH_RETURN_DELIVERED);
	ch_store_returns_free(list, len);
	ch_store_letter_release(&letter);
}

static void proof_takes_a_letter_out_of_doubt(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_BOUNCE_HARD);
	struct ch_returned_recipient recipient;

	report(&mail, &recipient, "minister@doubt.example");
	mail.token = token_of("DOUBT", 1);
	take(&mail);
	assert_int_equal(tally().state[CH_STATE_IN_DOUBT], 0);
	assert_int_equal(tally().state[CH_STATE_SENT], 4);
	assert_int_equal(tally().bounced, 1);
}

static void a_token_of_attempt_0_proves_nothing(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_BOUNCE_HARD);
	struct ch_returned_recipient recipient;
	size_t count;

	report(&mail, &recipient, "");
	mail.token = token_of("DOUBT", 0);
	take(&mail);
	assert_string_equal(last(&count)->key, "DOUBT");
	assert_false(last(&count)->verified);
	assert_non_null(strstr(last(&count)->fault, "not made"));
	assert_nothing_changed();
}

/* The store came back from a backup: the letter has gone, and does not again. */
static void a_token_of_a_lost_attempt_takes_from_the_queue(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_BOUNCE_HARD);
	struct ch_returned_recipient recipient;
	struct ch_tally before = tally();
	size_t count;

	report(&mail, &recipient, "");
	mail.token = token_of("WAITS", 3);
	take(&mail);
	assert_true(last(&count)->verified);
	assert_int_equal(tally().state[CH_STATE_QUEUED],
			 before.state[CH_STATE_QUEUED] - 1);
	assert_int_equal(tally().state[CH_STATE_SENT],
			 before.state[CH_STATE_SENT] + 1);
	assert_int_equal(tally().bounced, 1);
	/* One that was sent before is as it was. */
	mail = a_mail(CH_RETURN_BOUNCE_HARD);
	report(&mail, &recipient, "");
	mail.token = token_of("AAA", 2);
	take(&mail);
	assert_true(last(&count)->verified);
	assert_int_equal(tally().state[CH_STATE_SENT],
			 before.state[CH_STATE_SENT] + 1);
}

/* ---- answers ---------------------------------------------------------- */

static void answer(struct ch_receive_mail *mail, struct ch_slice *ids,
		   const char *nearest, const char *farther)
{
	static char first[60];
	static char second[60];

	snprintf(first, sizeof(first), "%d.%s@chancery.example", made,
		 nearest);
	snprintf(second, sizeof(second), "%d.%s@chancery.example", made,
		 farther);
	ids[0] = ch_slice_of(first);
	ids[1] = ch_slice_of(second);
	mail->references = ids;
	mail->references_len = 2;
	mail->from = ch_slice_of("cabinet@elsewhere.example");
}

/* 70: anybody may write In-Reply-To; it is an answer that nobody vouches for.
 */
static void an_answer_is_found_by_the_nearest_id(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_REPLY);
	struct ch_store_letter letter;
	struct ch_slice ids[2];
	size_t count;

	answer(&mail, ids, "BBB", "AAA");
	take(&mail);
	assert_string_equal(last(&count)->key, "BBB");
	assert_int_equal(last(&count)->match, CH_MATCH_MESSAGE_ID);
	assert_false(last(&count)->verified);
	assert_int_equal(last(&count)->address_seq, -1);
	letter = letter_of("BBB");
	assert_true(letter.answered);
	assert_int_equal(letter.state, CH_STATE_SENT);
	ch_store_letter_release(&letter);
	/* An id that is nobody's is passed over. */
	mail = a_mail(CH_RETURN_REPLY);
	answer(&mail, ids, "NONE", "AAA");
	mail.from = ch_slice_of("minister@AAA.example");
	take(&mail);
	assert_string_equal(last(&count)->key, "AAA");
	assert_int_equal(last(&count)->address_seq, 0);
	assert_int_equal(events("letter.answered", NULL), 2);
}

static size_t count_returns(void)
{
	size_t count = 0;
	struct ch_store_return *list = NULL;

	OK(ch_store_returns(room.store, 0, 0, 0, 10000, &list, &count, &err));
	ch_store_returns_free(list, count);
	return count;
}

/* It came to the desk first, and with its token to the address of bounces. */
static void an_answer_that_is_proved_later_is_one(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_REPLY);
	size_t before = count_returns();
	struct ch_slice ids[2];
	struct ch_store_letter doubt;
	size_t count;
	int64_t id;

	answer(&mail, ids, "DOUBT", "AAA");
	mail.text = ch_slice_of("We shall come.");
	take(&mail);
	id = last(&count)->id;
	mail.uid = ++next_uid;
	mail.sha256.bytes[0] ^= 1;
	mail.token = token_of("DOUBT", 1);
	take(&mail);
	take(&mail);
	assert_int_equal(count_returns(), before + 1);
	assert_int_equal(last(&count)->id, id);
	assert_true(last(&count)->verified);
	assert_int_equal(last(&count)->match, CH_MATCH_TOKEN);
	assert_int_equal(last(&count)->attempt, 1);
	assert_int_equal(last(&count)->uid, mail.uid);
	assert_true(ch_sha256_eq(&last(&count)->sha256, &mail.sha256));
	assert_int_equal(events("letter.answered", NULL), 1);
	assert_int_equal(events("return.confirmed", NULL), 1);
	assert_int_equal(tally().answered, 1);
	doubt = letter_of("DOUBT");
	assert_int_equal(doubt.state, CH_STATE_SENT);
	ch_store_letter_release(&doubt);
	/* without it once more: known */
	mail.sha256.bytes[0] ^= 2;
	mail.token = CH_SLICE_EMPTY;
	take(&mail);
	assert_int_equal(count_returns(), before + 1);
}

static void a_bounce_that_is_proved_later_is_one(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_BOUNCE_HARD);
	struct ch_returned_recipient recipient;
	size_t before = count_returns();
	struct ch_slice ids[2];
	size_t count;

	answer(&mail, ids, "AAA", "BBB");
	report(&mail, &recipient, "minister@aaa.example");
	take(&mail);
	assert_int_equal(events("return.unverified", NULL), 1);
	assert_int_equal(tally().bounced, 0);
	mail.sha256.bytes[0] ^= 1;
	mail.token = token_of("AAA", 1);
	take(&mail);
	assert_int_equal(count_returns(), before + 1);
	assert_true(last(&count)->verified);
	assert_int_equal(tally().bounced, 1);
	assert_int_equal(events("letter.bounced", NULL), 1);
	assert_int_equal(events("alarm.bounce", NULL), 1);
	assert_int_equal(events("return.confirmed", NULL), 0);
}

/* Whoever wrote first with its Message-ID hides nothing of it, and is not taken
 * for it: each of these says something else. */
static void what_is_forged_is_never_proved(void **state)
{
	struct ch_returned_recipient recipient;
	struct ch_slice ids[2];
	size_t count;

	for (int i = 0; i < 6; i++) {
		struct ch_receive_mail mail = a_mail(CH_RETURN_BOUNCE_HARD);
		struct ch_receive_mail forged = mail;
		size_t before = count_returns();
		int64_t id;

		answer(&forged, ids, "AAA", "BBB");
		forged.from = mail.from;
		report(&forged, &recipient, i == 0 ? "x@aaa.example"
						   : "minister@aaa.example");
		if (i == 1)
			recipient.status = (struct ch_slice)S("5.2.2");
		if (i == 2)
			recipient.diagnostic = (struct ch_slice)S("he died");
		if (i == 3)
			forged.subject = (struct ch_slice)S("He died");
		if (i == 4)
			forged.text = (struct ch_slice)S("He died.");
		if (i == 5)
			recipient.reason = (struct ch_slice)S("spam");
		take(&forged);
		id = last(&count)->id;
		report(&mail, &recipient, "minister@aaa.example");
		mail.sha256.bytes[0] ^= 1;
		mail.token = token_of("AAA", (uint32_t)i + 1);
		take(&mail);
		assert_int_equal(count_returns(), before + 2);
		assert_true(last(&count)->verified);
		assert_int_not_equal(last(&count)->id, id);
		assert_string_equal(last(&count)->diagnostic,
				    "no such minister");
	}
	assert_int_equal(events("return.unverified", NULL), 6);
	assert_int_equal(events("letter.bounced", NULL), 6);
	assert_int_equal(tally().bounced, 1);
}

static void a_forged_answer_ends_no_doubt(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_REPLY);
	struct ch_slice ids[2];

	answer(&mail, ids, "DOUBT", "AAA");
	take(&mail);
	assert_int_equal(tally().state[CH_STATE_IN_DOUBT], 1);
	assert_int_equal(tally().answered, 1);
}

/* 71 */
static void out_of_office_is_no_answer(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_AUTOREPLY);

	mail.token = token_of("AAA", 1);
	take(&mail);
	assert_int_equal(tally().auto_replied, 1);
	assert_int_equal(tally().answered, 0);
	assert_int_equal(events("letter.auto_replied", NULL), 1);
}

/* 72 */
static void our_own_letter_is_a_loop_and_no_answer(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_REPLY);
	CH_AUTOCHAR id = ch_xasprintf("%d.AAA@chancery.example", made);
	size_t count;

	mail.message_id = ch_slice_of(id);
	mail.token = token_of("AAA", 1);
	take(&mail);
	assert_int_equal(last(&count)->kind, CH_RETURN_OTHER);
	assert_string_equal(last(&count)->rule, "own-letter");
	assert_string_equal(last(&count)->key, "AAA");
	assert_nothing_changed();
	assert_int_equal(alarms, 1);
	assert_string_equal(alarm_type, "alarm.loop");
}

static void in_a_rehearsal_our_own_letters_may_come(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_REPLY);
	CH_AUTOCHAR id = ch_xasprintf("%d.AAA@chancery.example", made);

	mail.message_id = ch_slice_of(id);
	take(&mail);
	assert_nothing_changed();
	assert_int_equal(alarms, 0);
}

/* ---- the rest --------------------------------------------------------- */

static void mail_that_is_nobodys_is_kept_and_told(void **state)
{
	static const enum ch_return_kind kinds[] = {
		CH_RETURN_BOUNCE_HARD, CH_RETURN_REPLY, CH_RETURN_AUTOREPLY,
		CH_RETURN_ARF, CH_RETURN_OTHER,
	};
	size_t count;

	for (size_t i = 0; i < CH_COUNT(kinds); i++) {
		struct ch_receive_mail mail = a_mail(kinds[i]);

		mail.fault = ch_slice_of("broken MIME");
		take(&mail);
		assert_int_equal(last(&count)->letter_id, 0);
		assert_int_equal(last(&count)->kind, kinds[i]);
		assert_string_equal(last(&count)->fault, "broken MIME");
	}
	assert_nothing_changed();
}

static void each_mail_that_cannot_be_read_is_listed(void **state)
{
	size_t before;
	size_t after;

	(void)last(&before);
	for (uint32_t uid = 70001; uid < 70004; uid++) {
		ch_returned_unread(&room, "desk", "INBOX", 9, uid, "signal 11");
		ch_returned_unread(&room, "desk", "INBOX", 9, uid, "signal 11");
		OK(ch_store_commit(room.store, &err));
	}
	assert_string_equal(last(&after)->fault, "signal 11");
	assert_string_equal(last(&after)->rule, "unread");
	assert_int_equal(last(&after)->uid, 70003);
	assert_int_equal(after, before + 3);
	assert_nothing_changed();
}

/* How many such events there are, which are about no batch. */
static int rereads(const char *who, const char *detail)
{
	struct ch_store_event *list;
	size_t len;
	int found = 0;

	OK(ch_store_events(room.store, 0, 100000, &list, &len, &err));
	for (size_t i = 0; i < len; i++)
		found += strcmp(list[i].type, "return.reread") == 0 &&
			 strcmp(list[i].who, who) == 0 &&
			 strstr(list[i].detail, detail);
	ch_store_events_free(list, len);
	return found;
}

static void one_that_cannot_be_read_is_read_once_more(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_REPLY);
	size_t count;

	ch_returned_unread(&room, "desk", "INBOX", 9, 70009, "signal 11");
	OK(ch_returned_reread(&room, last(&count)->id, "anna", &err));
	assert_int_equal(reread_uid, 70009);
	assert_int_equal(rereads("anna", "\"uid\":70009"), 1);
	ch_returned_unread(&room, "desk", "INBOX", 8, 70009, "signal 11");
	assert_int_equal(ch_returned_reread(&room, last(&count)->id, "anna",
					    &err), -1);
	assert_string_equal(err.text, "not that");
	take(&mail);
	assert_int_equal(ch_returned_reread(&room, last(&count)->id, "anna",
					    &err), -1);
	assert_string_equal(err.status, "4.0.9");
	assert_int_equal(ch_returned_reread(&room, 987654, "anna", &err), -1);
	assert_string_equal(err.status, "4.0.4");
	assert_int_equal(rereads("anna", ""), 1);
}

/* ---- our own copies --------------------------------------------------- */

static struct ch_slice journal_token(const char *key, uint32_t attempt)
{
	static struct ch_str token = CH_STR_INIT(100);
	struct ch_store_letter letter = letter_of(key);

	ch_str_clear(&token);
	ch_keys_journal(room.keys, letter.id, attempt, &token);
	ch_store_letter_release(&letter);
	return ch_slice_of(ch_str_cstr(&token));
}

/* What comes to that token, with the Message-ID of this letter. */
static enum ch_journal_copy comes(struct ch_slice token, const char *key)
{
	struct ch_store_letter letter = letter_of(key);
	const struct ch_receive_copy copy = {
		.uidvalidity = 5, .uid = ++next_uid, .token = token,
		.message_id = ch_slice_of(letter.message_id),
	};
	enum ch_journal_copy ours = ch_journal_copy(&room, &copy);

	ch_store_letter_release(&letter);
	OK(ch_store_commit(room.store, &err));
	return ours;
}

static enum ch_journal_copy copy_comes(const char *key, uint32_t attempt)
{
	return comes(journal_token(key, attempt), key);
}

/* How many letters an event of that type with such a detail is about. */
static int count_events(const char *type, const char *detail)
{
	struct ch_store_event *list;
	size_t len;
	int found = 0;

	OK(ch_store_events(room.store, 0, 100000, &list, &len, &err));
	for (size_t i = 0; i < len; i++)
		found += list[i].batch_id == batch_id &&
			 strcmp(list[i].type, type) == 0 &&
			 strstr(list[i].detail, detail);
	ch_store_events_free(list, len);
	return found;
}

static void a_copy_takes_its_letter_out_of_doubt(void **state)
{
	size_t before = count_returns();

	assert_int_equal(copy_comes("DOUBT", 1), CH_COPY_TAKEN);
	assert_int_equal(tally().state[CH_STATE_IN_DOUBT], 0);
	assert_int_equal(tally().state[CH_STATE_SENT], 4);
	assert_int_equal(count_events("letter.sent",
				      "\"evidence\":\"journal copy\""), 1);
	assert_int_equal(count_returns(), before);
	assert_int_equal(copy_comes("DOUBT", 1), CH_COPY_SETTLED); /* again */
	assert_int_equal(count_events("letter.sent",
				      "\"evidence\":\"journal copy\""), 1);
}

static void a_copy_of_what_was_sent_changes_nothing(void **state)
{
	size_t before = count_returns();

	assert_int_equal(copy_comes("AAA", 1), CH_COPY_SETTLED);
	assert_int_equal(copy_comes("TWO", 1), CH_COPY_SETTLED);
	assert_nothing_changed();
	assert_int_equal(count_events("letter.sent", "journal copy"), 0);
	assert_int_equal(count_returns(), before);
	assert_int_equal(alarms, 0);
}

/* Whoever got a letter knows its envelope sender and its Message-ID. */
static void what_is_no_copy_is_read_as_mail(void **state)
{
	assert_int_equal(comes(token_of("DOUBT", 1), "DOUBT"),
			 CH_COPY_UNKNOWN);
	assert_int_equal(comes(journal_token("DOUBT", 1), "AAA"),
			 CH_COPY_UNKNOWN);
	assert_int_equal(comes(journal_token("AAA", 1), "DOUBT"),
			 CH_COPY_UNKNOWN);
	assert_int_equal(copy_comes("DOUBT", 0), CH_COPY_UNKNOWN);
	assert_int_equal(comes(ch_slice_of("x"), "DOUBT"), CH_COPY_UNKNOWN);
	assert_nothing_changed();
	/* Nor is a copy's token one of a return. */
	struct ch_receive_mail mail = a_mail(CH_RETURN_AUTOREPLY);
	size_t len;

	mail.token = journal_token("DOUBT", 1);
	take(&mail);
	assert_false(last(&len)->verified);
	assert_nothing_changed();
}

static void a_copy_of_a_lost_attempt_takes_from_the_queue(void **state)
{
	assert_int_equal(copy_comes("WAITS", 1), CH_COPY_TAKEN);
	assert_int_equal(tally().state[CH_STATE_QUEUED], 0);
	assert_int_equal(tally().state[CH_STATE_SENT], 4);
	/* Of an attempt that came after one that is known, it proves nothing of
	 * that. */
	assert_int_equal(copy_comes("DOUBT", 2), CH_COPY_TAKEN);
	assert_int_equal(tally().state[CH_STATE_IN_DOUBT], 1);
}

/* WAITS at its dot, and its copy is here before the reply. */
static void copy_overtakes_reply(void)
{
	struct ch_store_letter *letters;
	const struct ch_sha256 sum = { { 7 } };
	const uint32_t seq = 0;
	size_t len;

	ch_turn_open(&room);
	OK(ch_store_claim(room.store, batch_id, NOW, 4, &letters, &len, &err));
	assert_int_equal(len, 1);
	assert_int_equal(ch_store_dot(room.store, letters[0].id, 1, &seq, 1,
				      &sum, 100, NULL, NOW, &err), 1);
	ch_store_letters_free(letters, len);
	assert_int_equal(copy_comes("WAITS", 1), CH_COPY_TAKEN);
	assert_int_equal(tally().state[CH_STATE_DOT], 1);
}

static void a_copy_before_the_reply_is_remembered(void **state)
{
	struct ch_store_letter letter = letter_of("WAITS");
	const struct ch_store_result result = {
		.seq = 0, .to = CH_STATE_IN_DOUBT,
		.status = CH_SLICE_EMPTY, .reply = CH_SLICE_EMPTY,
	};

	copy_overtakes_reply();
	ch_turn_open(&room);
	assert_int_equal(ch_store_result(room.store, letter.id, 1, &result,
					 NOW, &err), 1);
	OK(ch_store_commit(room.store, &err));
	assert_int_equal(tally().state[CH_STATE_SENT], 4);
	assert_int_equal(count_events("letter.sent", "journal copy"), 1);
	ch_store_letter_release(&letter);
}

static void a_copy_before_the_worker_died_is_remembered(void **state)
{
	struct ch_store_letter letter = letter_of("WAITS");

	copy_overtakes_reply();
	ch_turn_open(&room);
	assert_int_equal(ch_store_abandon(room.store, letter.id, 1, "died",
					  NOW, NOW, &err), 1);
	OK(ch_store_commit(room.store, &err));
	assert_int_equal(tally().state[CH_STATE_SENT], 4);
	ch_store_letter_release(&letter);
}

static void a_copy_before_a_crash_is_remembered(void **state)
{
	CH_AUTOCHAR path = ch_xasprintf("%s/chancery.db", folder);
	struct ch_recovery recovery;

	copy_overtakes_reply();
	ch_store_close(room.store);
	OK(ch_store_open(path, &room.store, &err));
	OK(ch_store_recover(room.store, NOW, &recovery, &err));
	assert_int_equal(tally().state[CH_STATE_SENT], 4);
	assert_int_equal(tally().state[CH_STATE_IN_DOUBT], 1);
	assert_int_equal(count_events("letter.sent", "journal copy"), 1);
}

/* The relay took it, and then could not leave it in our mailbox. */
static void a_report_about_a_copy_is_about_no_ministry(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_BOUNCE_HARD);
	struct ch_returned_recipient recipient;
	size_t len;

	report(&mail, &recipient, "Journal+abc@chancery.example");
	mail.token = token_of("DOUBT", 1);
	bounced_batch = 0;
	take(&mail);
	assert_string_equal(last(&len)->rule, "own-journal");
	assert_int_equal(last(&len)->kind, CH_RETURN_OTHER);
	assert_int_equal(tally().bounced, 0);
	assert_int_equal(bounced_batch, 0);
	assert_int_equal(tally().state[CH_STATE_IN_DOUBT], 0);
	assert_int_equal(alarms, 1);
	assert_string_equal(alarm_type, "alarm.journal");
	/* A copy that comes is the end of that. */
	assert_int_equal(copy_comes("AAA", 1), CH_COPY_SETTLED);
	assert_int_equal(cleared, 1);
	/* The folder is read once more: that is no news. */
	mail.uidvalidity++;
	take(&mail);
	assert_int_equal(alarms, 1);
}

static void anybody_may_say_that_of_a_copy(void **state)
{
	struct ch_receive_mail mail = a_mail(CH_RETURN_BOUNCE_HARD);
	struct ch_returned_recipient recipient;
	struct ch_slice id = S("DOUBT@chancery.example");
	size_t len;

	report(&mail, &recipient, "journal@chancery.example");
	mail.references = &id;
	mail.references_len = 1;
	take(&mail);
	assert_false(last(&len)->verified);
	assert_nothing_changed();
	assert_int_equal(alarms, 0);
}

static void what_the_journals_mailbox_writes_is_no_answer(void **state)
{
	static const enum ch_return_kind kinds[] = { CH_RETURN_AUTOREPLY,
						     CH_RETURN_REPLY };
	size_t len;

	for (size_t i = 0; i < CH_COUNT(kinds); i++) {
		struct ch_receive_mail mail = a_mail(kinds[i]);

		mail.from = ch_slice_of("Journal@Chancery.example");
		mail.token = token_of("DOUBT", 1);
		take(&mail);
		assert_int_equal(last(&len)->kind, CH_RETURN_OTHER);
		assert_string_equal(last(&len)->rule, "own-journal");
		assert_nothing_changed();
	}
}

static void without_a_journal_no_address_is_its_own(void **state)
{
	char *journal = config.sending.journal;
	CH_AUTO(ch_str) address = CH_STR_INIT(300);

	ch_journal_add(&room, 1, 1, &address);
	assert_int_equal(strncmp(ch_str_cstr(&address), "journal+", 8), 0);
	assert_true(ch_journal_is(&room, (struct ch_slice){
		ch_str_cstr(&address), address.len }));
	config.sending.journal = (char[]){ "" };
	ch_str_clear(&address);
	ch_journal_add(&room, 1, 1, &address);
	assert_int_equal(address.len, 0);
	assert_false(ch_journal_is(&room, CH_SLICE_EMPTY));
	assert_false(ch_journal_is(&room, ch_slice_of("+x@")));
	config.sending.journal = journal;
}

/* ---- all of it -------------------------------------------------------- */

static int open_all(void **state)
{
	CH_AUTOCHAR path = NULL;
	struct ch_recovery recovery;

	if (!mkdtemp(folder))
		return -1;
	path = ch_xasprintf("%s/chancery.db", folder);
	OK(ch_store_open(path, &room.store, &err));
	OK(ch_store_recover(room.store, NOW, &recovery, &err));
	OK(ch_keys_open(folder, &room.keys, &err));
	return 0;
}

static int close_all(void **state)
{
	CH_AUTOCHAR rm = ch_xasprintf("rm -r %s", folder);

	ch_keys_free(room.keys);
	ch_store_close(room.store);
	return system(rm);
}

#define T(name) cmocka_unit_test_setup(name, make_batch)

int main(void)
{
	static int rehearsal;
	const struct CMUnitTest tests[] = {
		T(a_bounce_with_our_token_is_a_fact),
		T(without_a_valid_token_nothing_changes),
		T(a_token_that_is_replayed_counts_once),
		T(the_token_of_one_letter_touches_no_other),
		T(a_delay_is_no_failure),
		T(the_envelope_id_is_as_good_as_the_recipient),
		T(a_bounce_names_where_else_the_ministry_is),
		T(strangers_cannot_drown_a_bounce),
		T(an_address_in_another_form_is_the_letters),
		T(a_sender_in_another_form_is_of_the_same_domain),
		T(a_report_of_several_is_a_row_for_each),
		T(proof_takes_a_letter_out_of_doubt),
		T(a_token_of_attempt_0_proves_nothing),
		T(a_token_of_a_lost_attempt_takes_from_the_queue),
		T(an_answer_is_found_by_the_nearest_id),
		T(a_forged_answer_ends_no_doubt),
		T(an_answer_that_is_proved_later_is_one),
		T(a_bounce_that_is_proved_later_is_one),
		T(what_is_forged_is_never_proved),
		T(out_of_office_is_no_answer),
		T(our_own_letter_is_a_loop_and_no_answer),
		cmocka_unit_test_prestate_setup_teardown(
			in_a_rehearsal_our_own_letters_may_come, make_batch,
			NULL, &rehearsal),
		T(mail_that_is_nobodys_is_kept_and_told),
		T(each_mail_that_cannot_be_read_is_listed),
		T(one_that_cannot_be_read_is_read_once_more),
		T(a_copy_takes_its_letter_out_of_doubt),
		T(a_copy_of_what_was_sent_changes_nothing),
		T(what_is_no_copy_is_read_as_mail),
		T(a_copy_of_a_lost_attempt_takes_from_the_queue),
		T(a_copy_before_the_reply_is_remembered),
		T(a_copy_before_the_worker_died_is_remembered),
		T(a_copy_before_a_crash_is_remembered),
		T(a_report_about_a_copy_is_about_no_ministry),
		T(anybody_may_say_that_of_a_copy),
		T(what_the_journals_mailbox_writes_is_no_answer),
		T(without_a_journal_no_address_is_its_own),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
