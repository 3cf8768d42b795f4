// SPDX-License-Identifier: GPL-3.0-or-later
/* test-commands.c - what a person may decide about which batch and letter.
 *
 * commands.c against a real store; the turn, the dispatch and the journal are
 * stood in for here.
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
#include "chanceryd/chores.h"
#include "chanceryd/decisions.h"
#include "chanceryd/dispatch.h"
#include "chanceryd/relays.h"
#include "chanceryd/returned.h"
#include "chanceryd/room.h"
#include "chanceryd/sending.h"
#include "store-letter.h"

#define OK(call)                                                     \
	do {                                                         \
		if ((call) < 0)                                      \
			fail_msg("%s: %s", #call, err.text);         \
	} while (0)

#define NOW 1000000
#define DIGEST \
	"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define OTHER \
	"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"

/* ---- what stands in for the rest of the daemon ------------------------- */

static struct ch_error err;
static char logged[2000];
static int looked_at;

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
	va_list args;

	va_start(args, format);
	(void)vsnprintf(logged, sizeof(logged), format, args);
	va_end(args);
}

void ch_dispatch_batch(struct ch_mailroom *room, int64_t batch_id)
{
	looked_at++;
}

bool ch_config_has_smtputf8(const struct ch_config *config)
{
	return false;
}

int ch_room_pause(struct ch_mailroom *room, bool paused, const char *who)
{
	int changed = room->paused != paused;

	room->paused = paused;
	return changed;
}

static char confirmed[200]; /* what was said last */

int ch_returned_confirm(struct ch_mailroom *where,
			const struct ch_store_batch *batch,
			const struct ch_store_letter *letter,
			int64_t return_id, const char *who,
			struct ch_error *why)
{
	if (return_id != 17)
		return ch_error_refuse(why, "4.0.4", "there is no return");
	snprintf(confirmed, sizeof(confirmed), "%s/%s %lld %s",
		 batch->reference, letter->key, (long long)return_id, who);
	return 0;
}

int ch_returned_reread(struct ch_mailroom *where, int64_t return_id,
		       const char *who, struct ch_error *why)
{
	if (return_id != 17)
		return ch_error_refuse(why, "4.0.4", "there is no return");
	snprintf(confirmed, sizeof(confirmed), "%lld %s", (long long)return_id,
		 who);
	return 0;
}

static bool relay_rests;

bool ch_relays_try(struct ch_mailroom *where)
{
	bool any = relay_rests;

	relay_rests = false;
	return any;
}

/* There is one, and it is paused or not. */
static bool relay_paused;

int ch_relays_pause(struct ch_mailroom *room, const char *name, bool paused,
		    const char *who)
{
	bool changed = relay_paused != paused;

	if (strcmp(name, "main") != 0)
		return -1;
	relay_paused = paused;
	return changed;
}

static uint64_t at_risk;

uint64_t ch_mailroom_at_risk(struct ch_mailroom *room, int64_t batch_id)
{
	return at_risk;
}

bool ch_mailroom_is_at_risk(struct ch_mailroom *room,
			    const struct ch_store_letter *letter)
{
	return at_risk > 0 && letter->state == CH_STATE_QUEUED;
}

/* The letter that its worker was told nothing of, so far. */
static int64_t overruled;

void ch_sending_overruled(struct ch_mailroom *room, int64_t letter_id)
{
	overruled = letter_id;
}

static struct {
	ch_chore *chore;
	void *context;
	void (*release)(void *context);
} chores[16];
static size_t chores_len;

void ch_chore_add(struct ch_mailroom *where, ch_chore *chore, void *context,
		  void (*release)(void *context))
{
	assert_true(chores_len < CH_COUNT(chores));
	chores[chores_len].chore = chore;
	chores[chores_len].context = context;
	chores[chores_len++].release = release;
}

/* ---- a mail room with one batch --------------------------------------- */

static char folder[] = "/tmp/ch-commands-XXXXXX";
static struct ch_config config;
static struct ch_mailroom room;
static int64_t batch_id;
static int made;

static const struct ch_asker enqueuer = {
	.uid = 1000, .name = "m.okello (uid 1000)",
};
static const struct ch_asker second = {
	.uid = 1001, .name = "a.lindqvist (uid 1001)",
};

static void add_letter(const char *key)
{
	OK(store_letter(room.store, batch_id, key, made, &err));
}

/* Send it, as far as that: what the reply to its dot said. */
static void finish(struct ch_store_letter *letter, enum ch_state to)
{
	const uint32_t seq = 0;
	const struct ch_sha256 sum = { { 7 } };
	const struct ch_store_result result = {
		.to = to, .code = 250, .status = CH_SLICE_EMPTY,
		.reply = CH_SLICE_EMPTY,
	};

	assert_int_equal(ch_store_dot(room.store, letter->id, letter->attempt,
				      &seq, 1, &sum, 100, NULL, NOW, &err), 1);
	assert_int_equal(ch_store_result(room.store, letter->id,
					 letter->attempt, &result, NOW, &err),
			 1);
}

/* Letters in the states that a batch on its way has. */
static void send_some(void)
{
	static const struct {
		const char *key;
		enum ch_state to;
	} ends[] = {
		{ "SENT", CH_STATE_SENT },     { "FAILED", CH_STATE_FAILED },
		{ "DOUBT", CH_STATE_IN_DOUBT }, { "HELD", CH_STATE_HELD },
	};
	struct ch_store_letter *letters = NULL;
	size_t len = 0;

	OK(ch_store_claim(room.store, batch_id, NOW, 4, &letters, &len, &err));
	assert_int_equal(len, 4);
	for (size_t i = 0; i < len; i++) {
		assert_string_equal(letters[i].key, ends[i].key);
		finish(&letters[i], ends[i].to);
	}
	ch_store_letters_free(letters, len);
}

static char *reference(void)
{
	static char text[40];

	snprintf(text, sizeof(text), "DM/%d", made);
	return text;
}

/* A fresh batch: letters SENT FAILED DOUBT HELD in those states, Q1 and Q2
 * queued; then the batch in `state`. */
static void make_batch_of(const char *who, enum ch_batch_state state)
{
	struct ch_store_batch batch = {
		.reference = (made++, reference()),
		.enqueued_by = ch_xstrdup(who),
		.letters = 6,
	};
	static const char *const keys[] = { "SENT", "FAILED", "DOUBT",
					    "HELD", "Q1",     "Q2" };

	memset(batch.digest.bytes, 0xdd, sizeof(batch.digest.bytes));
	OK(ch_store_begin(room.store, &err));
	OK(ch_store_batch_create(room.store, &batch, &batch_id, &err));
	for (size_t i = 0; i < CH_COUNT(keys); i++)
		add_letter(keys[i]);
	OK(ch_store_batch_publish(room.store, batch_id, &batch, CH_BATCH_OPEN,
				  &err));
	send_some();
	if (state != CH_BATCH_OPEN)
		OK(ch_store_batch_change(room.store, batch_id, CH_BATCH_OPEN,
					 state, "", &err));
	OK(ch_store_commit(room.store, &err));
	free(batch.enqueued_by);
	looked_at = 0;
}

static void make_batch(enum ch_batch_state state)
{
	make_batch_of(enqueuer.name, state);
}

static enum ch_state state_of(const char *key)
{
	struct ch_store_letter letter;
	enum ch_state state;

	assert_int_equal(ch_store_letter_by_key(room.store, batch_id, key,
						&letter, &err), 1);
	state = letter.state;
	ch_store_letter_release(&letter);
	return state;
}

static enum ch_batch_state batch_state(void)
{
	struct ch_store_batch batch;
	enum ch_batch_state state;

	assert_int_equal(ch_store_batch_by_id(room.store, batch_id, &batch,
					      &err), 1);
	state = batch.state;
	ch_store_batch_release(&batch);
	return state;
}

/* The type and the author of the newest event. */
static void assert_last_event(const char *type, const char *who)
{
	struct ch_store_event *events = NULL;
	size_t len = 0;

	OK(ch_store_events(room.store, ch_store_last_event(room.store) - 1, 2,
			   &events, &len, &err));
	assert_int_equal(len, 1);
	assert_string_equal(events[0].type, type);
	assert_string_equal(events[0].who, who);
	ch_store_events_free(events, len);
}

/* The parts of what the last one touched. */
static struct ch_touched parts;

/* As ch_mailroom_command(), with the sum alone. */
static int command_of(const struct ch_command *command, int64_t *ret_touched)
{
	if (ch_mailroom_command(&room, command, &parts, &err) < 0)
		return -1;
	*ret_touched = parts.all;
	return 0;
}

static int64_t say(enum ch_verb verb, const char *key, const char *digest,
		   const struct ch_asker *who)
{
	struct ch_command command = {
		.verb = verb,
		.reference = reference(),
		.key = key,
		.digest = digest,
		.who = *who,
	};
	int64_t touched = -2;
	int64_t before = ch_store_last_event(room.store);

	memset(&err, 0, sizeof(err));
	if (command_of(&command, &touched) == 0)
		return touched;
	/* What is refused leaves no trace but in the journal. */
	assert_int_equal(touched, -2);
	assert_int_equal(err.fate, CH_GIVE_UP);
	/* Who meets a conflict is told what to do. */
	assert_true(strcmp(err.status, "4.0.9") != 0 || err.hint);
	assert_int_equal(ch_store_last_event(room.store), before);
	assert_int_equal(looked_at, 0);
	assert_non_null(strstr(logged, "refused"));
	assert_non_null(strstr(logged, who->name));
	return -1;
}

static void commit(void)
{
	OK(ch_store_commit(room.store, &err));
}

/* ---- release ---------------------------------------------------------- */

static void a_release_needs_a_second_person_and_the_digest(void **state)
{
	static const struct {
		const struct ch_asker *who;
		const char *digest;
		const char *status;
	} refused[] = {
		{ &enqueuer, DIGEST, "4.0.3" },
		{ &second, NULL, "4.0.9" },
		{ &second, OTHER, "4.0.9" },
		{ &second, "", "4.0.9" },
		{ &second, "dd", "4.0.9" },
		{ &second, DIGEST "00", "4.0.9" },
	};

	(void)state;
	config.release.second_person = true;
	make_batch(CH_BATCH_HELD);
	for (size_t i = 0; i < CH_COUNT(refused); i++) {
		assert_int_equal(say(CH_VERB_RELEASE, NULL, refused[i].digest,
				     refused[i].who), -1);
		assert_string_equal(err.status, refused[i].status);
		assert_int_equal(batch_state(), CH_BATCH_HELD);
	}
	assert_int_equal(say(CH_VERB_RELEASE, NULL, DIGEST, &second), 1);
	assert_int_equal(batch_state(), CH_BATCH_OPEN);
	assert_int_equal(looked_at, 1);
	assert_last_event("batch.released", second.name);
	commit();
}

static void the_enqueuer_is_known_by_uid_and_not_by_name(void **state)
{
	static const struct {
		const char *enqueued_by;
		struct ch_asker who;
		bool same;
	} rows[] = {
		{ "m.okello (uid 1000)", { .uid = 1000, .name = "x (uid 1000)" },
		  true },
		{ "m.okello (uid 1000)", { .uid = 1000, .name = "uid 1000" },
		  true },
		{ "uid 1000", { .uid = 1000, .name = "m.okello (uid 1000)" },
		  true },
		{ "m.okello (uid 1000)",
		  { .uid = 1001, .name = "m.okello (uid 1001)" }, false },
		{ "m.okello (uid 11000)", { .uid = 1000, .name = "uid 1000" },
		  false },
		{ "uid 11000", { .uid = 1000, .name = "uid 1000" }, false },
	};

	(void)state;
	config.release.second_person = true;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		make_batch_of(rows[i].enqueued_by, CH_BATCH_HELD);
		assert_int_equal(say(CH_VERB_RELEASE, NULL, DIGEST,
				     &rows[i].who), rows[i].same ? -1 : 1);
		if (rows[i].same)
			assert_string_equal(err.status, "4.0.3");
		commit();
	}
	make_batch(CH_BATCH_HELD);
	config.release.second_person = false;
	assert_int_equal(say(CH_VERB_RELEASE, NULL, DIGEST, &enqueuer), 1);
	commit();
}

static void what_is_not_held_is_not_released(void **state)
{
	static const struct {
		enum ch_batch_state state;
		const char *hint;
	} rows[] = {
		{ CH_BATCH_OPEN, "\"chancery letters\" lists how far each of "
				 "its letters is." },
		{ CH_BATCH_PAUSED, "\"chancery resume\" lets it go on, "
				   "\"chancery cancel\" ends it." },
		{ CH_BATCH_CANCELLED, "Nothing more of it is sent: queue "
				      "another batch." },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		make_batch(rows[i].state);
		assert_int_equal(say(CH_VERB_RELEASE, NULL, DIGEST, &second),
				 -1);
		assert_string_equal(err.status, "4.0.9");
		assert_string_equal(err.hint, rows[i].hint);
		assert_int_equal(batch_state(), rows[i].state);
		commit();
	}
}

static void a_letter_is_released_only_from_held(void **state)
{
	static const struct {
		const char *key, *hint;
	} others[] = {
		{ "SENT", "What was sent is not taken back: a batch of its own "
			  "may correct or recall it." },
		{ "FAILED", "\"chancery retry\" sends it again, \"chancery "
			    "readdress\" to another address." },
		{ "DOUBT", "\"chancery resolve\" says whether it was sent or "
			   "is to be sent again." },
		{ "Q1", "It goes by itself; \"chancery cancel\" stops it." },
	};

	(void)state;
	config.release.second_person = true;
	make_batch(CH_BATCH_OPEN);
	for (size_t i = 0; i < CH_COUNT(others); i++) {
		const char *key = others[i].key;
		enum ch_state before = state_of(key);

		assert_int_equal(say(CH_VERB_RELEASE, key, DIGEST, &second),
				 -1);
		assert_string_equal(err.status, "4.0.9");
		assert_string_equal(err.hint, others[i].hint);
		assert_int_equal(state_of(key), before);
	}
	assert_int_equal(say(CH_VERB_RELEASE, "HELD", DIGEST, &enqueuer), -1);
	assert_string_equal(err.status, "4.0.3");
	assert_int_equal(say(CH_VERB_RELEASE, "HELD", DIGEST, &second), 1);
	assert_int_equal(state_of("HELD"), CH_STATE_QUEUED);
	assert_last_event("letter.released", second.name);
	commit();
}

/* ---- the others ------------------------------------------------------- */

static void a_batch_pauses_and_goes_on(void **state)
{
	(void)state;
	make_batch(CH_BATCH_OPEN);
	assert_int_equal(say(CH_VERB_RESUME, NULL, NULL, &second), 0);
	assert_int_equal(say(CH_VERB_PAUSE, NULL, NULL, &second), 1);
	assert_int_equal(batch_state(), CH_BATCH_PAUSED);
	assert_last_event("batch.paused", second.name);
	assert_int_equal(say(CH_VERB_PAUSE, NULL, NULL, &second), 0);
	assert_int_equal(say(CH_VERB_RESUME, NULL, NULL, &second), 1);
	assert_int_equal(batch_state(), CH_BATCH_OPEN);
	assert_last_event("batch.resumed", second.name);
	commit();
}

/* In the fixture one letter has failed and some were sent. */
static void a_batch_that_stopped_goes_on(void **state)
{
	struct ch_store_terms terms = { .canary = 3,
					.stage = CH_CANARY_STOPPED,
					.stopped = "too many" };
	struct ch_tally tally;

	(void)state;
	make_batch(CH_BATCH_OPEN);
	assert_int_equal(say(CH_VERB_PAUSE, NULL, NULL, &second), 1);
	OK(ch_store_terms_set(room.store, batch_id, &terms, &err));
	assert_int_equal(say(CH_VERB_RESUME, NULL, NULL, &second), 1);
	OK(ch_store_terms(room.store, batch_id, &terms, &err));
	OK(ch_store_tally(room.store, batch_id, &tally, &err));
	assert_string_equal(terms.stopped, "");
	assert_int_equal(terms.stage, CH_CANARY_PASSED);
	assert_int_equal(terms.seen_refused, tally.state[CH_STATE_FAILED]);
	assert_true(terms.seen_refused > 0);
	assert_int_equal(terms.seen_decided, tally.state[CH_STATE_FAILED] +
						     tally.state[CH_STATE_SENT]);
	commit();
}

static void a_batch_goes_before_others(void **state)
{
	static const struct {
		int priority;
		int64_t touched;
	} rows[] = { { 1, 1 }, { 1, 0 }, { -1, 1 }, { 0, 1 }, { 0, 0 } };
	struct ch_command command = { .verb = CH_VERB_PRIORITY,
				      .who = second };
	struct ch_store_terms terms;
	int64_t touched;

	(void)state;
	make_batch(CH_BATCH_OPEN);
	command.reference = reference();
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		command.priority = rows[i].priority;
		OK(command_of(&command, &touched));
		assert_int_equal(touched, rows[i].touched);
		OK(ch_store_terms(room.store, batch_id, &terms, &err));
		assert_int_equal(terms.priority, rows[i].priority);
		if (touched)
			assert_last_event("batch.priority_changed",
					  second.name);
	}
	commit();
}

/* Only of the return that is there, by its number. */
static void try_numbers(struct ch_command *command, const char *expected)
{
	static const char *const wrong[] = { "18", "-17", "17x", "",
					     "9999999999999999999999" };
	int64_t touched;

	for (size_t i = 0; i < CH_COUNT(wrong); i++) {
		command->returned = wrong[i];
		assert_int_equal(command_of(command, &touched), -1);
		assert_string_equal(err.status, "4.0.4");
	}
	command->returned = "17";
	OK(command_of(command, &touched));
	assert_int_equal(touched, 1);
	assert_string_equal(confirmed, expected);
	commit();
}

static void confirms_a_return_by_its_number(void **state)
{
	struct ch_command command = { .verb = CH_VERB_CONFIRM, .key = "SENT",
				      .who = second };
	char expected[200];

	(void)state;
	make_batch(CH_BATCH_OPEN);
	command.reference = reference();
	snprintf(expected, sizeof(expected), "%s/SENT 17 %s", reference(),
		 second.name);
	try_numbers(&command, expected);
}

static void rereads_a_return_by_its_number(void **state)
{
	struct ch_command command = { .verb = CH_VERB_REREAD, .who = second };
	char expected[200];

	(void)state;
	snprintf(expected, sizeof(expected), "17 %s", second.name);
	try_numbers(&command, expected);
}

/* A store that came back: nobody resumes it by a habit. */
static void a_copy_goes_on_when_its_risk_was_seen(void **state)
{
	static const struct {
		int64_t letters, said, touched;
	} rows[] = { { 3, -1, -1 }, { 3, 2, -1 }, { 3, 4, -1 }, { 3, 3, 1 },
		     { 0, -1, 1 } };

	(void)state;
	make_batch(CH_BATCH_OPEN);
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		const struct ch_command command = { .verb = CH_VERB_RESUME,
						    .at_risk = rows[i].said,
						    .who = second };
		int64_t touched = -1;

		at_risk = (uint64_t)rows[i].letters;
		room.paused = true;
		(void)command_of(&command, &touched);
		assert_int_equal(touched, rows[i].touched);
		assert_int_equal(room.paused, touched < 0);
	}
	/* What waits in it may have been sent, and what is sent is. */
	at_risk = 3;
	assert_int_equal(say(CH_VERB_RESOLVE_SENT, "Q1", NULL, &second), 1);
	assert_int_equal(state_of("Q1"), CH_STATE_SENT);
	looked_at = 0;
	assert_int_equal(say(CH_VERB_RESOLVE_RESEND, "Q2", NULL, &second), -1);
	at_risk = 0;
	assert_int_equal(say(CH_VERB_RESOLVE_SENT, "Q2", NULL, &second), -1);
	assert_int_equal(state_of("Q2"), CH_STATE_QUEUED);
	commit();
}

/* Its worker has no dot yet, and is told of none. */
static void a_letter_that_a_worker_has_is_cancelled(void **state)
{
	struct ch_store_letter *letters = NULL;
	size_t len = 0;

	(void)state;
	make_batch(CH_BATCH_OPEN);
	OK(ch_store_begin(room.store, &err));
	OK(ch_store_claim(room.store, batch_id, NOW, 1, &letters, &len, &err));
	assert_int_equal(len, 1);
	assert_int_equal(say(CH_VERB_CANCEL, letters[0].key, NULL, &second),
			 1);
	assert_true(overruled == letters[0].id);
	assert_int_equal(state_of(letters[0].key), CH_STATE_CANCELLED);
	assert_last_event("letter.cancelled", second.name);
	ch_store_letters_free(letters, len);
	commit();
}

static void resuming_is_no_way_round_a_release(void **state)
{
	static const enum ch_batch_state states[] = { CH_BATCH_HELD,
						      CH_BATCH_CANCELLED };
	static const enum ch_verb verbs[] = { CH_VERB_PAUSE, CH_VERB_RESUME };

	(void)state;
	for (size_t i = 0; i < CH_COUNT(states); i++) {
		make_batch(states[i]);
		for (size_t j = 0; j < CH_COUNT(verbs); j++) {
			assert_int_equal(say(verbs[j], NULL, NULL, &second),
					 -1);
			assert_string_equal(err.status, "4.0.9");
			assert_int_equal(batch_state(), states[i]);
		}
		commit();
	}
}

static void a_cancelled_batch_keeps_what_was_sent(void **state)
{
	(void)state;
	make_batch(CH_BATCH_OPEN);
	assert_int_equal(say(CH_VERB_CANCEL, NULL, NULL, &second), 3);
	assert_int_equal(batch_state(), CH_BATCH_CANCELLED);
	assert_int_equal(state_of("Q1"), CH_STATE_CANCELLED);
	assert_int_equal(state_of("Q2"), CH_STATE_CANCELLED);
	assert_int_equal(state_of("HELD"), CH_STATE_CANCELLED);
	assert_int_equal(state_of("SENT"), CH_STATE_SENT);
	assert_int_equal(state_of("FAILED"), CH_STATE_FAILED);
	assert_int_equal(state_of("DOUBT"), CH_STATE_IN_DOUBT);
	/* Again: nothing is left. */
	assert_int_equal(say(CH_VERB_CANCEL, NULL, NULL, &second), 0);
	looked_at = 0;
	/* Nothing of it goes out any more, but what was may be told. */
	assert_int_equal(say(CH_VERB_RETRY, NULL, NULL, &second), -1);
	assert_string_equal(err.status, "4.0.9");
	assert_int_equal(say(CH_VERB_RESOLVE_RESEND, "DOUBT", NULL, &second),
			 -1);
	assert_string_equal(err.status, "4.0.9");
	assert_int_equal(say(CH_VERB_RESOLVE_SENT, "DOUBT", NULL, &second), 1);
	assert_int_equal(state_of("DOUBT"), CH_STATE_SENT);
	commit();
}

/* What each verb does with a letter in each state. */
static void each_letter_moves_only_as_its_state_lets_it(void **state)
{
	static const struct {
		enum ch_verb verb;
		const char *key;
		enum ch_state to; /* CH_STATES: refused */
		const char *event;
	} rows[] = {
		{ CH_VERB_CANCEL, "Q1", CH_STATE_CANCELLED,
		  "letter.cancelled" },
		{ CH_VERB_CANCEL, "HELD", CH_STATE_CANCELLED,
		  "letter.cancelled" },
		{ CH_VERB_CANCEL, "SENT", CH_STATES, NULL },
		{ CH_VERB_CANCEL, "FAILED", CH_STATES, NULL },
		{ CH_VERB_CANCEL, "DOUBT", CH_STATES, NULL },
		{ CH_VERB_RETRY, "FAILED", CH_STATE_QUEUED, "letter.retried" },
		{ CH_VERB_RETRY, "HELD", CH_STATE_QUEUED, "letter.retried" },
		{ CH_VERB_RETRY, "SENT", CH_STATES, NULL },
		{ CH_VERB_RETRY, "DOUBT", CH_STATES, NULL },
		{ CH_VERB_RETRY, "Q1", CH_STATES, NULL },
		{ CH_VERB_RESOLVE_SENT, "DOUBT", CH_STATE_SENT,
		  "letter.resolved" },
		{ CH_VERB_RESOLVE_SENT, "SENT", CH_STATES, NULL },
		{ CH_VERB_RESOLVE_SENT, "FAILED", CH_STATES, NULL },
		{ CH_VERB_RESOLVE_RESEND, "DOUBT", CH_STATE_QUEUED,
		  "letter.resolved" },
		{ CH_VERB_RESOLVE_RESEND, "SENT", CH_STATES, NULL },
		{ CH_VERB_RESOLVE_RESEND, "FAILED", CH_STATES, NULL },
		{ CH_VERB_RESOLVE_RESEND, "HELD", CH_STATES, NULL },
		{ CH_VERB_PAUSE, "Q1", CH_STATES, NULL },
		{ CH_VERB_RESUME, "Q1", CH_STATES, NULL },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		enum ch_state before;
		int64_t touched;

		make_batch(CH_BATCH_OPEN);
		before = state_of(rows[i].key);
		touched = say(rows[i].verb, rows[i].key, NULL, &enqueuer);
		if (rows[i].to == CH_STATES) {
			assert_int_equal(touched, -1);
			assert_string_equal(err.status, "4.0.9");
			assert_int_equal(state_of(rows[i].key), before);
		} else {
			assert_int_equal(touched, 1);
			assert_int_equal(state_of(rows[i].key), rows[i].to);
			assert_last_event(rows[i].event, enqueuer.name);
			assert_int_equal(looked_at, 1);
		}
		commit();
	}
}

static void a_whole_batch_is_retried_and_resolved(void **state)
{
	(void)state;
	make_batch(CH_BATCH_OPEN);
	assert_int_equal(say(CH_VERB_RETRY, NULL, NULL, &second), 2);
	assert_int_equal(say(CH_VERB_RESOLVE_RESEND, NULL, NULL, &second), 1);
	assert_int_equal(state_of("FAILED"), CH_STATE_QUEUED);
	assert_int_equal(state_of("HELD"), CH_STATE_QUEUED);
	assert_int_equal(state_of("DOUBT"), CH_STATE_QUEUED);
	assert_int_equal(state_of("SENT"), CH_STATE_SENT);
	looked_at = 0;
	assert_int_equal(say(CH_VERB_RETRY, NULL, NULL, &second), -1);
	assert_int_equal(say(CH_VERB_RESOLVE_SENT, NULL, NULL, &second), -1);
	commit();
}

static void what_is_not_there_is_not_found(void **state)
{
	struct ch_command nothing = { .verb = CH_VERB_CANCEL, .who = second };
	struct ch_command other = { .verb = CH_VERB_CANCEL,
				    .reference = "DM/none", .who = second };
	int64_t touched = 0;

	(void)state;
	make_batch(CH_BATCH_OPEN);
	assert_int_equal(say(CH_VERB_CANCEL, "NONE", NULL, &second), -1);
	assert_string_equal(err.status, "4.0.4");
	assert_int_equal(command_of(&other, &touched),
			 -1);
	assert_string_equal(err.status, "4.0.4");
	assert_int_equal(command_of(&nothing, &touched),
			 -1);
	assert_string_equal(err.status, "4.0.4");
	nothing.verb = CH_VERB_PAUSE;
	nothing.key = "FRA";
	assert_int_equal(command_of(&nothing, &touched),
			 -1);
	assert_string_equal(err.status, "4.0.4");
	assert_false(room.paused);
	commit();
}

static void an_import_under_way_is_not_there_yet(void **state)
{
	struct ch_store_batch batch = { .reference = (made++, reference()) };
	int64_t id;

	(void)state;
	looked_at = 0;
	OK(ch_store_begin(room.store, &err));
	OK(ch_store_batch_create(room.store, &batch, &id, &err));
	assert_int_equal(say(CH_VERB_RELEASE, NULL, DIGEST, &second), -1);
	assert_string_equal(err.status, "4.0.4");
	commit();
}

/* One piece after another, until there is no more. */
static int work_off(void)
{
	int pieces = 0;

	while (chores_len > 0) {
		pieces++;
		if (chores[0].chore(&room, chores[0].context))
			continue;
		chores[0].release(chores[0].context);
		chores_len--;
		memmove(&chores[0], &chores[1],
			chores_len * sizeof(chores[0]));
	}
	return pieces;
}

static struct ch_tally tally(void)
{
	struct ch_tally all;

	OK(ch_store_tally(room.store, batch_id, &all, &err));
	return all;
}

static void make_large_batch(int letters)
{
	struct ch_store_batch batch = {
		.reference = (made++, reference()),
		.letters = (uint64_t)letters,
	};

	OK(ch_store_begin(room.store, &err));
	OK(ch_store_batch_create(room.store, &batch, &batch_id, &err));
	for (int i = 0; i < letters; i++) {
		char key[16];

		snprintf(key, sizeof(key), "K%d", i);
		add_letter(key);
	}
	OK(ch_store_batch_publish(room.store, batch_id, &batch, CH_BATCH_OPEN,
				  &err));
	OK(ch_store_commit(room.store, &err));
}

static void a_large_batch_is_cancelled_in_pieces(void **state)
{
	(void)state;
	/* What other tests left half cancelled. */
	ch_turn_open(&room);
	ch_decisions_resume(&room);
	work_off();
	commit();
	make_large_batch(2500);
	assert_int_equal(say(CH_VERB_CANCEL, NULL, NULL, &second), 2500);
	assert_int_equal(batch_state(), CH_BATCH_CANCELLED);
	commit();
	/* The first ones at once, and the daemon may die here. */
	assert_int_equal(tally().state[CH_STATE_CANCELLED], 1000);
	assert_int_equal(chores_len, 1);
	chores[0].release(chores[0].context);
	chores_len = 0;
	ch_decisions_resume(&room);
	assert_int_equal(chores_len, 1);
	assert_true(work_off() > 5);
	assert_int_equal(tally().state[CH_STATE_CANCELLED], 2500);
	commit();
	ch_decisions_resume(&room);
	assert_int_equal(chores_len, 0);
}

static void bring_all_to(enum ch_state to, int letters_len)
{
	ch_turn_open(&room);
	for (int i = 0; i < letters_len; i++) {
		struct ch_store_letter *letters = NULL;
		size_t len = 0;

		OK(ch_store_claim(room.store, batch_id, NOW, 1, &letters,
				  &len, &err));
		finish(&letters[0], to);
		ch_store_letters_free(letters, len);
	}
}

/* A letter that comes to be in doubt later is not decided on. */
static void all_that_is_in_doubt_is_resolved_at_once(void **state)
{
	(void)state;
	make_large_batch(1500);
	bring_all_to(CH_STATE_IN_DOUBT, 1400);
	assert_int_equal(say(CH_VERB_RESOLVE_RESEND, NULL, NULL, &second),
			 1400);
	assert_int_equal(chores_len, 0);
	assert_int_equal(tally().state[CH_STATE_QUEUED], 1500);
	assert_last_event("batch.resolved", second.name);
	commit();
}

static void a_large_retry_goes_on_where_it_was(void **state)
{
	struct ch_store_letter *letters = NULL;
	size_t len = 0;

	(void)state;
	make_large_batch(1500);
	bring_all_to(CH_STATE_FAILED, 1500);
	assert_int_equal(say(CH_VERB_RETRY, NULL, NULL, &second), 1500);
	/* One of the first has failed again, and the daemon dies. */
	OK(ch_store_claim(room.store, batch_id, NOW, 1, &letters, &len, &err));
	assert_int_equal(len, 1);
	finish(&letters[0], CH_STATE_FAILED);
	ch_store_letters_free(letters, len);
	commit();
	assert_int_equal(chores_len, 1);
	chores[0].release(chores[0].context);
	chores_len = 0;
	assert_int_equal(tally().state[CH_STATE_FAILED], 501);
	ch_decisions_resume(&room);
	assert_int_equal(chores_len, 1);
	work_off();
	assert_int_equal(tally().state[CH_STATE_FAILED], 1);
	assert_int_equal(tally().state[CH_STATE_QUEUED], 1499);
	commit();
	ch_decisions_resume(&room);
	assert_int_equal(chores_len, 0);
}

#define LATER (NOW + 3600 * 1000000LL)

/* Some letters of the batch are refused for now, at `now_us`. */
static void defer(int letters_len, int64_t now_us)
{
	const struct ch_store_result result = {
		.to = CH_STATE_QUEUED, .code = 450,
		.status = CH_SLICE_EMPTY, .reply = CH_SLICE_EMPTY,
		.next_at_us = LATER + now_us,
	};

	ch_turn_open(&room);
	for (int i = 0; i < letters_len; i++) {
		struct ch_store_letter *letters = NULL;
		size_t len = 0;

		OK(ch_store_claim(room.store, batch_id, NOW, 1, &letters,
				  &len, &err));
		assert_int_equal(len, 1);
		assert_int_equal(ch_store_result(room.store, letters[0].id,
						 letters[0].attempt, &result,
						 now_us, &err), 1);
		ch_store_letters_free(letters, len);
	}
}

static void a_retry_says_how_many_of_each(void **state)
{
	(void)state;
	make_batch(CH_BATCH_OPEN);
	defer(1, NOW);
	assert_int_equal(say(CH_VERB_RETRY, NULL, NULL, &second), 3);
	assert_int_equal(parts.failed, 1);
	assert_int_equal(parts.waiting, 1);
	assert_int_equal(parts.held, 1);
	assert_int_equal(state_of("DOUBT"), CH_STATE_IN_DOUBT);
	defer(1, NOW); /* whichever is next, the others are due */
	relay_rests = true;
	assert_int_equal(say(CH_VERB_RETRY, NULL, NULL, &second), 1);
	assert_false(relay_rests);
	/* Nothing waits for its time, but they do for a relay. */
	relay_rests = true;
	assert_int_equal(say(CH_VERB_RETRY, NULL, NULL, &second), 3);
	assert_int_equal(parts.waiting, 3);
	relay_rests = true;
	assert_int_equal(say(CH_VERB_RETRY, "FAILED", NULL, &second), 1);
	relay_rests = true;
	looked_at = 0;
	assert_int_equal(say(CH_VERB_RETRY, "Q2", NULL, &second), -1);
	assert_true(relay_rests);
	relay_rests = false;
	commit();
}

static void a_large_retry_takes_what_waited_then(void **state)
{
	struct ch_store_letter *letters = NULL;
	size_t len = 0;

	(void)state;
	make_large_batch(1500);
	defer(1400, NOW);
	assert_int_equal(say(CH_VERB_RETRY, NULL, NULL, &second), 1400);
	assert_last_event("batch.retried", second.name);
	assert_int_equal(parts.waiting, 1400);
	commit();
	/* One of them and the hundred others are refused meanwhile, and the
	 * daemon dies. */
	defer(101, NOW + 1);
	commit();
	assert_int_equal(chores_len, 1);
	chores[0].release(chores[0].context);
	chores_len = 0;
	ch_decisions_resume(&room);
	assert_int_equal(chores_len, 1);
	work_off();
	commit();
	ch_decisions_resume(&room);
	assert_int_equal(chores_len, 0);
	/* They wait on. */
	ch_turn_open(&room);
	OK(ch_store_claim(room.store, batch_id, NOW, 2000, &letters, &len,
			  &err));
	assert_int_equal(len, 1399);
	ch_store_letters_free(letters, len);
	commit();
}

static void what_goes_back_to_the_queue_stops_at_a_cancel(void **state)
{
	(void)state;
	make_large_batch(1500);
	bring_all_to(CH_STATE_FAILED, 1500);
	assert_int_equal(say(CH_VERB_RETRY, NULL, NULL, &second), 1500);
	assert_int_equal(tally().state[CH_STATE_QUEUED], 1000);
	assert_last_event("batch.retried", second.name);
	assert_int_equal(say(CH_VERB_CANCEL, NULL, NULL, &second), 1000);
	work_off();
	assert_int_equal(tally().state[CH_STATE_FAILED], 500);
	assert_int_equal(tally().state[CH_STATE_CANCELLED], 1000);
	commit();
}

static void a_relay_pauses_and_goes_on(void **state)
{
	static const struct {
		enum ch_verb verb;
		const char *relay;
		int64_t touched;
		bool paused;
	} rows[] = {
		{ CH_VERB_RESUME, "main", 0, false },
		{ CH_VERB_PAUSE, "main", 1, true },
		{ CH_VERB_PAUSE, "main", 0, true },
		{ CH_VERB_RESUME, "other", -1, true },
		{ CH_VERB_CANCEL, "main", -1, true },
		{ CH_VERB_RESUME, "main", 1, false },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_command command = { .verb = rows[i].verb,
					      .relay = rows[i].relay,
					      .who = second };
		int64_t touched = -1;
		int done = command_of(&command, &touched);

		assert_int_equal(done, rows[i].touched < 0 ? -1 : 0);
		if (done < 0)
			assert_string_equal(err.status, "4.0.4");
		assert_int_equal(touched, rows[i].touched);
		assert_int_equal(relay_paused, rows[i].paused);
		assert_false(room.paused);
	}
	commit();
}

static void the_whole_room_pauses_and_goes_on(void **state)
{
	struct ch_command command = { .verb = CH_VERB_PAUSE, .who = second };
	int64_t touched = -1;

	(void)state;
	assert_int_equal(command_of(&command, &touched),
			 0);
	assert_int_equal(touched, 1);
	assert_true(room.paused);
	assert_int_equal(command_of(&command, &touched),
			 0);
	assert_int_equal(touched, 0);
	command.verb = CH_VERB_RESUME;
	assert_int_equal(command_of(&command, &touched),
			 0);
	assert_int_equal(touched, 1);
	assert_false(room.paused);
	commit();
}

/* ---- all of it -------------------------------------------------------- */

static int open_store(void **state)
{
	CH_AUTOCHAR path = NULL;
	struct ch_recovery recovery;

	if (!mkdtemp(folder))
		return -1;
	path = ch_xasprintf("%s/chancery.db", folder);
	room.config = &config;
	OK(ch_store_open(path, &room.store, &err));
	OK(ch_store_recover(room.store, NOW, &recovery, &err));
	return 0;
}

static int close_store(void **state)
{
	CH_AUTOCHAR rm = ch_xasprintf("rm -r %s", folder);

	ch_store_close(room.store);
	return system(rm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_release_needs_a_second_person_and_the_digest),
		cmocka_unit_test(the_enqueuer_is_known_by_uid_and_not_by_name),
		cmocka_unit_test(what_is_not_held_is_not_released),
		cmocka_unit_test(a_letter_is_released_only_from_held),
		cmocka_unit_test(a_batch_pauses_and_goes_on),
		cmocka_unit_test(a_batch_that_stopped_goes_on),
		cmocka_unit_test(a_batch_goes_before_others),
		cmocka_unit_test(confirms_a_return_by_its_number),
		cmocka_unit_test(rereads_a_return_by_its_number),
		cmocka_unit_test(a_copy_goes_on_when_its_risk_was_seen),
		cmocka_unit_test(a_letter_that_a_worker_has_is_cancelled),
		cmocka_unit_test(resuming_is_no_way_round_a_release),
		cmocka_unit_test(a_cancelled_batch_keeps_what_was_sent),
		cmocka_unit_test(each_letter_moves_only_as_its_state_lets_it),
		cmocka_unit_test(a_whole_batch_is_retried_and_resolved),
		cmocka_unit_test(what_is_not_there_is_not_found),
		cmocka_unit_test(an_import_under_way_is_not_there_yet),
		cmocka_unit_test(a_large_batch_is_cancelled_in_pieces),
		cmocka_unit_test(all_that_is_in_doubt_is_resolved_at_once),
		cmocka_unit_test(a_large_retry_goes_on_where_it_was),
		cmocka_unit_test(a_retry_says_how_many_of_each),
		cmocka_unit_test(a_large_retry_takes_what_waited_then),
		cmocka_unit_test(
			what_goes_back_to_the_queue_stops_at_a_cancel),
		cmocka_unit_test(a_relay_pauses_and_goes_on),
		cmocka_unit_test(the_whole_room_pauses_and_goes_on),
	};

	return cmocka_run_group_tests(tests, open_store, close_store);
}
