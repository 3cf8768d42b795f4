// SPDX-License-Identifier: GPL-3.0-or-later
/* test-gate.c - when a batch stops itself, and when its canary lets it go.
 *
 * gate.c against a real store; the turn, the dispatch and the journal are stood
 * in for here. What workers see of it is in test-terms.py.
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
#include "base/returned.h"
#include "chanceryd/dispatch.h"
#include "chanceryd/gate.h"
#include "chanceryd/room.h"
#include "store-letter.h"

#define OK(call)                                                     \
	do {                                                         \
		if ((call) < 0)                                      \
			fail_msg("%s: %s", #call, err.text);         \
	} while (0)

/* ---- what stands in for the rest of the daemon ------------------------- */

static struct ch_error err;
static int64_t now_us;
static struct ch_active_batch batch;
static struct ch_mailroom room;
static int looked_at;

_Noreturn void ch_room_fail(struct ch_mailroom *unused,
			    const struct ch_error *why)
{
	fprintf(stderr, "storage: %s\n", why->text);
	abort();
}

int64_t ch_turn_open(struct ch_mailroom *unused)
{
	return now_us;
}

void ch_turn_log(struct ch_mailroom *unused, int priority,
		 const struct ch_log_fields *fields, const char *format, ...)
{
}

void ch_dispatch_batch(struct ch_mailroom *unused, int64_t batch_id)
{
	assert_int_equal(batch_id, batch.id);
	looked_at++;
}

struct ch_active_batch *ch_dispatch_find(struct ch_mailroom *unused,
					 int64_t batch_id)
{
	return batch_id == batch.id ? &batch : NULL;
}

/* ---- a batch ----------------------------------------------------------- */

static char folder[] = "/tmp/ch-gate-XXXXXX";
static struct ch_config config;
static int made; /* a batch for each test */

static void add_letter(int64_t batch_id, int n)
{
	CH_AUTOCHAR key = ch_xasprintf("K%03d", n);

	OK(store_letter(room.store, batch_id, key, made, &err));
}

/* With that many letters, on these terms, as dispatch finds it. */
static void make_batch(int letters, const struct ch_store_terms *terms)
{
	CH_AUTOCHAR reference = ch_xasprintf("DM-%d", ++made);
	struct ch_store_batch row = { .reference = reference,
				      .terms = *terms };

	config.sending.breaker_percent = 10;
	config.sending.breaker_least = 3;
	room.config = &config;
	now_us = 1000;
	looked_at = 0;
	batch = (struct ch_active_batch){ .open = true,
					  .reference = ch_xstrdup(reference) };
	OK(ch_store_batch_create(room.store, &row, &batch.id, &err));
	for (int i = 0; i < letters; i++)
		add_letter(batch.id, i);
	row.letters = (uint64_t)letters;
	OK(ch_store_batch_publish(room.store, batch.id, &row, CH_BATCH_OPEN,
				  &err));
	ch_gate_use(&room, &batch, terms);
	ch_gate_look(&room, &batch);
}

static void free_batch(void)
{
	free(batch.reference);
	ch_gate_free(batch.gate);
}

/* Claim what may go, at most `limit`: how many letters that were. */
static size_t claim(size_t limit, struct ch_store_letter **ret)
{
	struct ch_store_claim how = { .batch_id = batch.id,
				      .now_us = now_us };
	size_t put_off;
	size_t len;

	how.limit = ch_gate_room(&room, &batch, limit, now_us, &how);
	OK(ch_store_claim_some(room.store, &how, ret, &len, &put_off, &err));
	ch_gate_took(&batch, len);
	return len;
}

/* The letter's end, and what the gate makes of it. */
static void finish(const struct ch_store_letter *letter, enum ch_state to)
{
	const uint32_t seq = 0;
	const struct ch_sha256 sum = { { 7 } };
	const struct ch_store_result result = {
		.to = to, .code = 250, .status = CH_SLICE_EMPTY,
		.reply = CH_SLICE_EMPTY,
	};

	if (to == CH_STATE_SENT)
		assert_int_equal(ch_store_dot(room.store, letter->id,
					      letter->attempt, &seq, 1, &sum,
					      100, NULL, now_us, &err), 1);
	assert_int_equal(ch_store_result(room.store, letter->id,
					 letter->attempt, &result, now_us,
					 &err), 1);
	ch_gate_result(&room, &batch, letter->id, to);
}

/* Claim and end so many. */
static void finish_some(size_t count, enum ch_state to)
{
	struct ch_store_letter *letters;
	size_t len = claim(count, &letters);

	assert_int_equal(len, count);
	for (size_t i = 0; i < len; i++)
		finish(&letters[i], to);
	ch_store_letters_free(letters, len);
}

static void bounce(int n)
{
	CH_AUTOCHAR key = ch_xasprintf("K%03d", n);
	CH_AUTO(ch_store_letter) letter = { 0 };
	static uint32_t uid;
	int64_t id;

	assert_int_equal(ch_store_letter_by_key(room.store, batch.id, key,
						&letter, &err), 1);
	uid++;
	{
		struct ch_store_return item = {
			.mailbox = (char[]){ "bureau" },
			.uidvalidity = 1,
			.uid = uid,
			.sha256 = { { (unsigned char)uid,
				      (unsigned char)made } },
			.kind = CH_RETURN_BOUNCE_HARD,
			.rule = (char[]){ "dsn" },
			.fault = (char[]){ "" },
			.message_id = ch_xasprintf("%u@x.example", uid),
			.from = (char[]){ "" },
			.subject = (char[]){ "" },
			.text = (char[]){ "" },
			.letter_id = letter.id,
			.attempt = 1,
			.match = CH_MATCH_TOKEN,
			.verified = true,
			.recipient = (char[]){ "" },
			.status = (char[]){ "5.1.1" },
			.diagnostic = (char[]){ "" },
		};

		assert_int_equal(ch_store_return_add(room.store, &item, now_us,
						     &id, &err), 1);
		free(item.message_id);
	}
	ch_gate_bounced(&room, batch.id);
}

static enum ch_batch_state state_of_batch(void)
{
	CH_AUTO(ch_store_batch) row = { 0 };

	assert_int_equal(ch_store_batch_by_id(room.store, batch.id, &row,
					      &err), 1);
	assert_int_equal(batch.open, row.state == CH_BATCH_OPEN);
	return row.state;
}

static struct ch_store_terms terms_now(void)
{
	struct ch_store_terms terms;

	OK(ch_store_terms(room.store, batch.id, &terms, &err));
	return terms;
}

/* ---- the canary -------------------------------------------------------- */

static const struct ch_store_terms canary_of_10 = {
	.canary = 10, .canary_percent = 10, .canary_wait_us = 500,
};

static void a_bounce_while_it_waits_counts(void **state)
{
	int64_t due_us;

	(void)state;
	make_batch(12, &canary_of_10);
	finish_some(10, CH_STATE_SENT);
	assert_int_equal(terms_now().stage, CH_CANARY_WAITING);
	assert_int_equal(terms_now().canary_until_us, 1500);
	OK(ch_gate_next_due(&room, &batch, &due_us, &err));
	assert_int_equal(due_us, 1500);
	bounce(3);
	assert_int_equal(state_of_batch(), CH_BATCH_OPEN); /* one is 10 % */
	bounce(4);
	assert_int_equal(state_of_batch(), CH_BATCH_PAUSED);
	assert_int_equal(terms_now().stage, CH_CANARY_STOPPED);
	assert_string_equal(terms_now().stopped,
			    "the first 10 letters, refused: 0, returned: 2, in "
			    "doubt or held: 0: more than 10 %");
	assert_true(looked_at > 0);
	free_batch();
}

static void it_goes_on_when_its_time_is_over(void **state)
{
	struct ch_store_letter *letters;

	(void)state;
	make_batch(12, &canary_of_10);
	finish_some(10, CH_STATE_SENT);
	now_us = 1499;
	assert_int_equal(claim(5, &letters), 0);
	assert_int_equal(terms_now().stage, CH_CANARY_WAITING);
	now_us = 1500;
	assert_int_equal(claim(5, &letters), 0);
	assert_int_equal(terms_now().stage, CH_CANARY_PASSED);
	assert_int_equal(claim(5, &letters), 2);
	ch_store_letters_free(letters, 2);
	free_batch();
}

static void a_letter_tried_anew_is_waited_for(void **state)
{
	struct ch_store_letter *letters;

	(void)state;
	make_batch(12, &canary_of_10);
	finish_some(9, CH_STATE_SENT);
	finish_some(1, CH_STATE_FAILED);
	assert_int_equal(terms_now().stage, CH_CANARY_WAITING);
	OK(ch_store_decide(room.store, batch.id, 0, CH_STATE_FAILED,
			   CH_STATE_QUEUED, "retried", "me", now_us, &err));
	ch_gate_look(&room, &batch);
	assert_int_equal(terms_now().stage, CH_CANARY_SENDING);
	assert_int_equal(claim(5, &letters), 1);
	finish(&letters[0], CH_STATE_SENT);
	ch_store_letters_free(letters, 1);
	assert_int_equal(terms_now().stage, CH_CANARY_WAITING);
	free_batch();
}

/* ---- the breaker ------------------------------------------------------- */

static void what_a_batch_bears(void **state)
{
	static const struct {
		size_t sent, failed;
		int bounced;
		bool stops;
	} rows[] = {
		{ 0, 2, 0, false },  { 0, 3, 0, true },
		{ 27, 3, 0, false }, { 26, 3, 0, true },
		{ 30, 0, 3, false }, { 29, 0, 3, true },
		{ 20, 1, 2, true },  { 1, 0, 1, false },
	};
	static const struct ch_store_terms none;

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		make_batch(60, &none);
		assert_null(batch.gate);
		finish_some(rows[i].sent, CH_STATE_SENT);
		for (int n = 0; n < rows[i].bounced; n++)
			bounce(n);
		finish_some(rows[i].failed, CH_STATE_FAILED);
		assert_int_equal(state_of_batch(), rows[i].stops ?
							   CH_BATCH_PAUSED :
							   CH_BATCH_OPEN);
		free_batch();
	}
}

static void what_is_known_does_not_stop_it_again(void **state)
{
	static const struct ch_store_terms none;

	(void)state;
	make_batch(60, &none);
	finish_some(3, CH_STATE_FAILED);
	assert_int_equal(state_of_batch(), CH_BATCH_PAUSED);
	assert_string_equal(terms_now().stopped,
			    "3 of 3 letters were refused or returned: more "
			    "than 10 %");
	OK(ch_store_batch_change(room.store, batch.id, CH_BATCH_PAUSED,
				 CH_BATCH_OPEN, "me", &err));
	OK(ch_store_terms_resume(room.store, batch.id, &err));
	batch.open = true;
	finish_some(2, CH_STATE_FAILED);
	assert_int_equal(state_of_batch(), CH_BATCH_OPEN);
	finish_some(26, CH_STATE_SENT);
	finish_some(1, CH_STATE_FAILED);
	assert_int_equal(state_of_batch(), CH_BATCH_PAUSED); /* 3 of 29 */
	free_batch();
}

/* ---- the room ---------------------------------------------------------- */

static int set_up(void **state)
{
	char path[100];

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/store.db", folder);
	OK(ch_store_open(path, &room.store, &err));
	return ch_store_begin(room.store, &err);
}

static int tear_down(void **state)
{
	CH_AUTOCHAR command = ch_xasprintf("rm -r %s", folder);

	(void)state;
	OK(ch_store_commit(room.store, &err));
	ch_store_close(room.store);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bounce_while_it_waits_counts),
		cmocka_unit_test(it_goes_on_when_its_time_is_over),
		cmocka_unit_test(a_letter_tried_anew_is_waited_for),
		cmocka_unit_test(what_a_batch_bears),
		cmocka_unit_test(what_is_known_does_not_stop_it_again),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
