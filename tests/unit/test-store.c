// SPDX-License-Identifier: GPL-3.0-or-later
/* test-store.c - the contract of store.h, as any database must keep it.
 *
 * It knows of the database only how to open a store: struct kind, and one of them at the end.
 * After every test the tallies are compared with those that a fresh opening
 * counts from the rows.
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
#include <sqlite3.h>

#include "base/mem.h"
#include "store/store.h"

/* How a kind of database is opened, and made as it is after a crash. */
struct kind {
	int (*open)(struct ch_store **ret, struct ch_error *err);
	void (*make)(void);
	void (*remove)(void);
};
static const struct kind *database;

static struct ch_store *store;
static struct ch_error err;

#define OK(call)                                                        \
	do {                                                            \
		if ((call) < 0)                                         \
			fail_msg("%s: %s", #call, err.text);            \
	} while (0)
#define GIVES(call, expected)                                           \
	do {                                                            \
		long long got_ = (long long)(call);                     \
		if (got_ != (expected))                                 \
			fail_msg("%s: %lld %s", #call, got_,            \
				 got_ < 0 ? err.text : "");             \
	} while (0)

static void begin(void)
{
	OK(ch_store_begin(store, &err));
}

static void commit(void)
{
	OK(ch_store_commit(store, &err));
}

/* ---- small worlds ----------------------------------------------------- */

static char *word(const char *text)
{
	static char words[64][80];
	static size_t next;
	char *slot = words[next++ % CH_COUNT(words)];

	snprintf(slot, sizeof(words[0]), "%s", text);
	return slot;
}

static struct ch_store_batch batch_called(const char *reference)
{
	return (struct ch_store_batch){
		.reference = word(reference),
		.subject = word("[DM-1] Invitation"),
		.deadline = word("2026-12-07"),
		.from = word("Secretariat <office@mail.example>"),
		.reply_to = word("answers@mail.example"),
		.test_to = word(""),
		.enqueued_by = word("r.elphberg (uid 1000)"),
		.created_us = 11, .date_us = 12,
		.largest_bytes = 4711,
		.digest = { { 1, 2, 3 } },
		.summary = word("{\"en\":2}"),
	};
}

static void add_letter(int64_t batch_id, const char *key, size_t addresses)
{
	struct ch_store_address to[12] = { 0 };
	char message_id[100];
	char fields[] = "f\0g";
	struct ch_store_letter letter = {
		.key = word(key), .name = word("Ruritania"),
		.language = word("en"), .message_id = message_id,
		.fields = { fields, 3, 4, 4, false },
		.addresses = to, .addresses_len = addresses,
	};

	for (size_t i = 0; i < addresses; i++) {
		char address[80];

		snprintf(address, sizeof(address), "%s-%zu@ministry.example",
			 key, i);
		to[i].address = word(address);
		to[i].role = i > 0;
	}
	snprintf(message_id, sizeof(message_id), "%s.%lld@mail.example", key,
		 (long long)batch_id);
	OK(ch_store_letter_add(store, batch_id, &letter, &err));
}

/* A batch of letters K0, K1 … with that many addresses each. */
static int64_t batch_with(const char *reference, size_t letters,
			  size_t addresses)
{
	struct ch_store_batch batch = batch_called(reference);
	int64_t id;

	begin();
	OK(ch_store_batch_create(store, &batch, &id, &err));
	for (size_t i = 0; i < letters; i++) {
		char key[24];

		snprintf(key, sizeof(key), "K%zu", i);
		add_letter(id, key, addresses);
	}
	batch.letters = letters;
	OK(ch_store_batch_publish(store, id, &batch, CH_BATCH_OPEN, &err));
	commit();
	return id;
}

static int64_t letter_of(int64_t batch_id, const char *key)
{
	CH_AUTO(ch_store_letter) letter = { 0 };

	GIVES(ch_store_letter_by_key(store, batch_id, key, &letter, &err), 1);
	return letter.id;
}

static size_t claim(int64_t batch_id, int64_t now_us, size_t limit)
{
	struct ch_store_letter *letters;
	size_t len;

	OK(ch_store_claim(store, batch_id, now_us, limit, &letters, &len,
			  &err));
	ch_store_letters_free(letters, len);
	return len;
}

static const struct ch_sha256 bytes_1 = { { 1 } };
static const struct ch_sha256 bytes_2 = { { 2 } };

static int dot(int64_t letter_id, uint32_t attempt, size_t addresses)
{
	static const uint32_t seqs[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };

	return ch_store_dot(store, letter_id, attempt, seqs, addresses,
			    &bytes_1, 4800, NULL, 50, &err);
}

static int end(int64_t letter_id, uint32_t attempt, uint32_t seq,
	       enum ch_state to)
{
	const struct ch_store_result result = {
		.seq = seq, .to = to, .code = to == CH_STATE_QUEUED ? 450 : 250,
		.status = ch_slice_of("2.0.0"),
		.reply = ch_slice_of("250 2.0.0 \"Ok\"\xFF"),
		.next_at_us = 1000,
	};

	return ch_store_result(store, letter_id, attempt, &result, 60, &err);
}

/* Bring address 0 of the letters of a fresh batch to a state. */
static void bring_to(int64_t batch_id, int64_t letter_id, enum ch_state state)
{
	begin();
	if (state == CH_STATE_CANCELLED)
		GIVES(ch_store_decide(store, batch_id, letter_id,
				      CH_STATE_QUEUED, state, "cancel", "me",
				      1, &err), 1);
	else if (state != CH_STATE_QUEUED)
		GIVES(claim(batch_id, 5, 1), 1);
	if (state == CH_STATE_DOT || state == CH_STATE_SENT)
		GIVES(dot(letter_id, 1, 1), 1);
	if (state == CH_STATE_SENT || state == CH_STATE_FAILED ||
	    state == CH_STATE_IN_DOUBT || state == CH_STATE_HELD)
		GIVES(end(letter_id, 1, 0, state), 1);
	commit();
}

static enum ch_state state_of(int64_t letter_id, uint32_t seq)
{
	CH_AUTO(ch_store_letter) letter = { 0 };

	GIVES(ch_store_letter_by_id(store, letter_id, &letter, &err), 1);
	assert_true(seq < letter.addresses_len);
	return letter.addresses[seq].state;
}

/* "queued 2, sent 1" */
static const char *tally_text(int64_t batch_id)
{
	static char text[300];
	struct ch_tally tally;
	size_t used = 0;

	OK(ch_store_tally(store, batch_id, &tally, &err));
	text[0] = '\0';
	for (int i = 0; i < CH_STATES; i++) {
		if (tally.state[i] > 0)
			used += (size_t)snprintf(text + used,
				sizeof(text) - used, "%s%s %llu",
				used ? ", " : "",
				ch_state_name((enum ch_state)i),
				(unsigned long long)tally.state[i]);
	}
	if (tally.deferred + tally.bounced + tally.answered +
	    tally.auto_replied + tally.delayed == 0)
		return text;
	snprintf(text + used, sizeof(text) - used,
		 "; deferred %llu bounced %llu answered %llu "
		 "auto %llu delayed %llu",
		 (unsigned long long)tally.deferred,
		 (unsigned long long)tally.bounced,
		 (unsigned long long)tally.answered,
		 (unsigned long long)tally.auto_replied,
		 (unsigned long long)tally.delayed);
	return text;
}

static size_t count_events(const char *type)
{
	struct ch_store_event *events;
	size_t found = 0;
	size_t len;

	OK(ch_store_events(store, 0, 100000, &events, &len, &err));
	for (size_t i = 0; i < len; i++)
		found += strcmp(events[i].type, type) == 0;
	ch_store_events_free(events, len);
	return found;
}

static const char *last_event(void)
{
	static char text[400];
	struct ch_store_event *events;
	size_t len;

	OK(ch_store_events(store, ch_store_last_event(store) - 1, 9, &events,
			   &len, &err));
	assert_int_equal(len, 1);
	snprintf(text, sizeof(text), "%s %s", events[0].type,
		 events[0].detail);
	ch_store_events_free(events, len);
	return text;
}

static void reopen(void)
{
	ch_store_close(store);
	store = NULL;
	OK(database->open(&store, &err));
}

static int set_up(void **state)
{
	(void)state;
	database->make();
	OK(database->open(&store, &err));
	assert_false(ch_store_is_restored(store));
	return 0;
}

/* What was counted all along is what a fresh opening counts. */
static int tear_down(void **state)
{
	struct ch_tally before;
	struct ch_tally after;

	(void)state;
	OK(ch_store_tally(store, 0, &before, &err));
	reopen();
	OK(ch_store_tally(store, 0, &after, &err));
	assert_memory_equal(&before, &after, sizeof(before));
	ch_store_close(store);
	store = NULL;
	database->remove();
	return 0;
}

/* ---- names ------------------------------------------------------------ */

static void letters_state_is_read_from_its_addresses(void **state)
{
	static const struct {
		enum ch_state addresses[3];
		size_t len;
		enum ch_state letter;
	} rows[] = {
		{ { CH_STATE_SENT, CH_STATE_SENT }, 2, CH_STATE_SENT },
		{ { CH_STATE_SENT, CH_STATE_CANCELLED }, 2, CH_STATE_CANCELLED },
		{ { CH_STATE_CANCELLED, CH_STATE_FAILED }, 2, CH_STATE_FAILED },
		{ { CH_STATE_HELD, CH_STATE_FAILED }, 2, CH_STATE_HELD },
		{ { CH_STATE_HELD, CH_STATE_QUEUED }, 2, CH_STATE_QUEUED },
		{ { CH_STATE_CLAIMED, CH_STATE_QUEUED }, 2, CH_STATE_CLAIMED },
		{ { CH_STATE_CLAIMED, CH_STATE_DOT }, 2, CH_STATE_DOT },
		{ { CH_STATE_SENT, CH_STATE_IN_DOUBT, CH_STATE_DOT }, 3,
		  CH_STATE_IN_DOUBT },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++)
		assert_int_equal(ch_state_of_letter(rows[i].addresses,
						    rows[i].len),
				 rows[i].letter);
}

static void names_are_read_back(void **state)
{
	static const char *const names[CH_STATES] = {
		"queued", "claimed", "dot", "sent", "failed", "in_doubt",
		"cancelled", "held",
	};
	enum ch_state parsed;

	(void)state;
	for (int i = 0; i < CH_STATES; i++) {
		assert_string_equal(ch_state_name((enum ch_state)i), names[i]);
		assert_int_equal(ch_state_parse(names[i], &parsed), 0);
		assert_int_equal(parsed, i);
	}
	assert_int_equal(ch_state_parse("Sent", &parsed), -1);
	assert_string_equal(ch_batch_state_name(CH_BATCH_HELD), "held");
	assert_string_equal(ch_match_name(CH_MATCH_ENVELOPE_ID),
			    "envelope_id");
}

/* ---- batches ---------------------------------------------------------- */

static void a_batch_is_read_as_it_was_written(void **state)
{
	CH_AUTO(ch_store_batch) read = { 0 };
	struct ch_store_batch *all;
	struct ch_store_file *files;
	int64_t id = batch_with("A/77/12", 2, 1);
	size_t len;

	(void)state;
	GIVES(ch_store_batch_by_reference(store, "A/77/12", &read, &err), 1);
	assert_int_equal(read.id, id);
	assert_string_equal(read.reference, "A/77/12");
	assert_int_equal(read.state, CH_BATCH_OPEN);
	assert_string_equal(read.subject, "[DM-1] Invitation");
	assert_string_equal(read.deadline, "2026-12-07");
	assert_string_equal(read.from, "Secretariat <office@mail.example>");
	assert_string_equal(read.reply_to, "answers@mail.example");
	assert_string_equal(read.test_to, "");
	assert_string_equal(read.enqueued_by, "r.elphberg (uid 1000)");
	assert_string_equal(read.released_by, "");
	assert_int_equal(read.created_us, 11);
	assert_int_equal(read.date_us, 12);
	assert_int_equal(read.letters, 2);
	assert_int_equal(read.largest_bytes, 4711);
	assert_int_equal(read.digest.bytes[2], 3);
	assert_string_equal(read.summary, "{\"en\":2}");

	begin();
	OK(ch_store_batch_add_file(store, id, "letter", "fr.md", &bytes_1, 10,
				   &err));
	OK(ch_store_batch_add_file(store, id, "annex", "a.pdf", &bytes_2, 20,
				   &err));
	commit();
	OK(ch_store_batch_files(store, id, &files, &len, &err));
	assert_int_equal(len, 2);
	assert_string_equal(files[0].name, "fr.md");
	assert_string_equal(files[1].role, "annex");
	assert_int_equal(files[1].sha256.bytes[0], 2);
	assert_int_equal(files[1].size_bytes, 20);
	ch_store_files_free(files, len);

	batch_with("DM-2", 1, 1);
	OK(ch_store_batches(store, id, 10, &all, &len, &err));
	assert_int_equal(len, 1);
	assert_string_equal(all[0].reference, "DM-2");
	ch_store_batches_free(all, len);
	GIVES(ch_store_batch_by_id(store, 4711, &read, &err), 0);
}

static void an_import_is_seen_when_it_is_whole(void **state)
{
	CH_AUTO(ch_store_batch) read = { 0 };
	CH_AUTO(ch_store_letter) letter = { 0 };
	struct ch_store_batch batch = batch_called("DM-1");
	struct ch_store_letter *letters;
	int64_t due;
	int64_t id;
	size_t len;

	(void)state;
	begin();
	OK(ch_store_batch_create(store, &batch, &id, &err));
	add_letter(id, "FRA", 1);
	commit();
	GIVES(ch_store_batch_by_reference(store, "DM-1", &read, &err), 0);
	GIVES(ch_store_batch_by_id(store, id, &read, &err), 0);
	GIVES(ch_store_letter_by_key(store, id, "FRA", &letter, &err), 0);
	OK(ch_store_letters(store, id, CH_STATES, 0, 9, &letters, &len, &err));
	assert_int_equal(len, 0);
	ch_store_letters_free(letters, len);
	assert_int_equal(claim(id, 5, 9), 0);
	OK(ch_store_next_due(store, id, &due, &err));
	assert_true(due == INT64_MAX);
	assert_string_equal(tally_text(0), "");

	batch.letters = 2; /* one was lost on the way */
	begin();
	GIVES(ch_store_batch_publish(store, id, &batch, CH_BATCH_OPEN, &err),
	      -1);
	assert_int_equal(err.fate, CH_GIVE_UP);
	batch.letters = 1;
	OK(ch_store_batch_publish(store, id, &batch, CH_BATCH_HELD, &err));
	commit();
	GIVES(ch_store_batch_by_reference(store, "DM-1", &read, &err), 1);
	assert_string_equal(tally_text(id), "queued 1");
}

static void an_import_is_dropped_whole(void **state)
{
	struct ch_store_batch batch = batch_called("DM-1");
	int64_t id;

	(void)state;
	begin();
	OK(ch_store_batch_create(store, &batch, &id, &err));
	add_letter(id, "FRA", 2);
	OK(ch_store_batch_add_file(store, id, "letter", "fr.md", &bytes_1, 10,
				   &err));
	OK(ch_store_batch_drop(store, id, &err));
	commit();
	id = batch_with("DM-1", 1, 1); /* the reference is free again */
	begin();
	GIVES(ch_store_batch_drop(store, id, &err), -1);
	GIVES(ch_store_letter_add(store, id, &(struct ch_store_letter){ 0 },
				  &err), -1);
	commit();
	assert_string_equal(tally_text(0), "queued 1");
}

static void an_import_is_dropped_in_steps(void **state)
{
	struct ch_store_batch batch = batch_called("DM-1");
	struct ch_recovery found;
	int64_t other;
	int64_t id;

	(void)state;
	begin();
	OK(ch_store_batch_create(store, &batch, &id, &err));
	for (int i = 0; i < 5; i++)
		add_letter(id, (char[]){ 'K', (char)('0' + i), '\0' }, 2);
	GIVES(ch_store_batch_drop_some(store, id, 2, &err), 1);
	commit();
	/* Part of it is gone, and its reference is not free yet. */
	begin();
	GIVES(ch_store_batch_create(store, &batch, &other, &err), -1);
	GIVES(ch_store_batch_drop_some(store, id, 2, &err), 1);
	GIVES(ch_store_batch_drop_some(store, id, 2, &err), 0);
	commit();
	assert_string_equal(tally_text(0), "");
	(void)batch_with("DM-1", 1, 1);
	begin();
	OK(ch_store_recover(store, 9, &found, &err));
	commit();
	assert_int_equal(found.dropped, 0);
}

static void what_is_there_twice_is_refused_and_the_turn_goes_on(void **state)
{
	struct ch_store_batch batch = batch_called("DM-1");
	struct ch_store_address to = { .address = word("a@b.example") };
	struct ch_store_letter letter = {
		.key = word("FRA"), .message_id = word("m@mail.example"),
		.addresses = &to, .addresses_len = 1,
	};
	int64_t id;
	int64_t other;

	(void)state;
	batch_with("DM-1", 1, 1);
	begin();
	GIVES(ch_store_batch_create(store, &batch, &id, &err), -1);
	assert_int_equal(err.fate, CH_GIVE_UP);
	assert_string_equal(err.text, "DM-1 is already there");
	batch.reference = word("DM-2");
	OK(ch_store_batch_create(store, &batch, &id, &err));
	OK(ch_store_letter_add(store, id, &letter, &err));
	GIVES(ch_store_letter_add(store, id, &letter, &err), -1);
	assert_int_equal(err.fate, CH_GIVE_UP);
	assert_string_equal(err.text, "FRA is there twice in this batch");
	batch.reference = word("DM-3");
	OK(ch_store_batch_create(store, &batch, &other, &err));
	letter.message_id = word("m2@mail.example");
	OK(ch_store_letter_add(store, other, &letter, &err));
	batch.letters = 1;
	OK(ch_store_batch_publish(store, id, &batch, CH_BATCH_OPEN, &err));
	OK(ch_store_batch_publish(store, other, &batch, CH_BATCH_OPEN, &err));
	commit();
	assert_string_equal(tally_text(0), "queued 3");
}

static void a_batch_changes_from_the_state_it_is_in(void **state)
{
	CH_AUTO(ch_store_batch) read = { 0 };
	int64_t id = batch_with("DM-1", 1, 1);

	(void)state;
	begin();
	GIVES(ch_store_batch_change(store, id, CH_BATCH_HELD, CH_BATCH_OPEN,
				    "x", &err), 0);
	GIVES(ch_store_batch_change(store, id, CH_BATCH_OPEN, CH_BATCH_PAUSED,
				    "x", &err), 1);
	assert_int_equal(claim(id, 5, 9), 0);
	GIVES(ch_store_batch_change(store, id, CH_BATCH_PAUSED, CH_BATCH_HELD,
				    "x", &err), 1);
	GIVES(ch_store_batch_change(store, id, CH_BATCH_HELD, CH_BATCH_OPEN,
				    "the second person", &err), 1);
	GIVES(ch_store_batch_change(store, 4711, CH_BATCH_HELD, CH_BATCH_OPEN,
				    "x", &err), 0);
	commit();
	reopen();
	GIVES(ch_store_batch_by_id(store, id, &read, &err), 1);
	assert_string_equal(read.released_by, "the second person");
	begin();
	assert_int_equal(claim(id, 5, 9), 1);
	commit();
}

/* ---- claims ----------------------------------------------------------- */

static uint32_t deferrals_of(int64_t letter_id)
{
	uint32_t count = 4711;

	OK(ch_store_deferrals(store, letter_id, &count, &err));
	return count;
}

static void refusals_are_counted_and_their_relay_is_kept(void **state)
{
	static const struct {
		enum ch_state to;
		uint32_t code;
		const char *relay;
		uint32_t deferrals;
	} rows[] = {
		{ CH_STATE_QUEUED, 451, "main", 1 },
		{ CH_STATE_QUEUED, 0, "", 1 }, /* nothing was said of it */
		{ CH_STATE_QUEUED, 421, "spare", 2 },
		{ CH_STATE_FAILED, 550, "main", 2 },
	};
	int64_t id = batch_with("DM-1", 1, 1);
	int64_t letter_id = letter_of(id, "K0");

	(void)state;
	assert_int_equal(deferrals_of(letter_id), 0);
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_store_letter) letter = { 0 };
		struct ch_store_result result = {
			.to = rows[i].to, .code = rows[i].code,
			.relay = ch_slice_of(rows[i].relay),
		};

		begin();
		assert_int_equal(claim(id, 5, 9), 1);
		GIVES(ch_store_result(store, letter_id, (uint32_t)i + 1,
				      &result, 6, &err), 1);
		commit();
		reopen();
		assert_int_equal(deferrals_of(letter_id), rows[i].deferrals);
		GIVES(ch_store_letter_by_id(store, letter_id, &letter, &err),
		      1);
		if (rows[i].relay[0])
			assert_string_equal(letter.addresses[0].relay,
					    rows[i].relay);
		else
			assert_null(letter.addresses[0].relay);
	}
	begin();
	GIVES(ch_store_decide(store, id, letter_id, CH_STATE_FAILED,
			      CH_STATE_QUEUED, "retried", "x", 7, &err), 1);
	commit();
	assert_int_equal(deferrals_of(letter_id), 0);
}

static void a_claim_has_all_that_a_worker_needs(void **state)
{
	struct ch_store_letter *letters;
	int64_t id = batch_with("DM-1", 1, 2);
	size_t len;

	(void)state;
	begin();
	OK(ch_store_claim(store, id, 5, 9, &letters, &len, &err));
	commit();
	assert_int_equal(len, 1);
	assert_int_equal(letters[0].batch_id, id);
	assert_string_equal(letters[0].key, "K0");
	assert_string_equal(letters[0].name, "Ruritania");
	assert_string_equal(letters[0].language, "en");
	assert_int_equal(letters[0].fields.len, 3);
	assert_memory_equal(letters[0].fields.data, "f\0g", 3);
	assert_int_equal(letters[0].attempt, 1);
	assert_int_equal(letters[0].size_bytes, 0);
	assert_int_equal(letters[0].first_at_us, 5);
	assert_int_equal(letters[0].state, CH_STATE_CLAIMED);
	assert_int_equal(letters[0].addresses_len, 2);
	assert_string_equal(letters[0].addresses[1].address,
			    "K0-1@ministry.example");
	assert_int_equal(letters[0].addresses[1].role, 1);
	assert_int_equal(letters[0].addresses[1].state, CH_STATE_CLAIMED);
	ch_store_letters_free(letters, len);
}

static void what_is_due_is_claimed_once_and_in_order(void **state)
{
	int64_t id = batch_with("DM-1", 5, 1);
	struct ch_store_letter *letters;
	int64_t due;
	size_t len;

	(void)state;
	begin();
	assert_int_equal(claim(id, 5, 0), 0);
	OK(ch_store_claim(store, id, 5, 3, &letters, &len, &err));
	assert_int_equal(len, 3);
	assert_string_equal(letters[0].key, "K0");
	assert_string_equal(letters[2].key, "K2");
	assert_string_equal(tally_text(id), "queued 2, claimed 3");
	/* two come back, due at 1000 */
	GIVES(end(letters[1].id, 1, 0, CH_STATE_QUEUED), 1);
	GIVES(end(letters[0].id, 1, 0, CH_STATE_QUEUED), 1);
	ch_store_letters_free(letters, len);
	OK(ch_store_next_due(store, id, &due, &err));
	assert_int_equal(due, 0);
	assert_int_equal(claim(id, 999, 9), 2); /* the two fresh ones */
	assert_int_equal(claim(id, 999, 9), 0);
	OK(ch_store_next_due(store, id, &due, &err));
	assert_int_equal(due, 1000);
	assert_string_equal(tally_text(id),
			    "queued 2, claimed 3; deferred 2 bounced 0 "
			    "answered 0 auto 0 delayed 0");
	OK(ch_store_claim(store, id, 1000, 9, &letters, &len, &err));
	assert_int_equal(len, 2);
	assert_string_equal(letters[0].key, "K0");
	assert_int_equal(letters[0].attempt, 2);
	assert_int_equal(letters[0].first_at_us, 5);
	ch_store_letters_free(letters, len);
	OK(ch_store_next_due(store, id, &due, &err));
	assert_true(due == INT64_MAX);
	commit();
}

static void a_batch_waits_for_its_time(void **state)
{
	struct ch_store_batch batch = batch_called("DM-1");
	int64_t due;
	int64_t id;

	(void)state;
	begin();
	batch.not_before_us = 5000;
	OK(ch_store_batch_create(store, &batch, &id, &err));
	add_letter(id, "FRA", 1);
	batch.letters = 1;
	OK(ch_store_batch_publish(store, id, &batch, CH_BATCH_OPEN, &err));
	commit();
	reopen();
	begin();
	assert_int_equal(claim(id, 4999, 9), 0);
	OK(ch_store_next_due(store, id, &due, &err));
	assert_int_equal(due, 5000);
	assert_int_equal(claim(id, 5000, 9), 1);
	commit();
}

static void terms_are_kept(void **state)
{
	const struct ch_store_terms terms = {
		.priority = -1,
		.per_second = 1,
		.per_minute = 2,
		.per_hour = 3,
		.per_day = 4,
		.canary = 5,
		.canary_percent = 6,
		.canary_wait_us = 7,
		.stage = CH_CANARY_WAITING,
		.canary_first = 8,
		.canary_last = 9,
		.canary_until_us = 10,
		.seen_decided = 11,
		.seen_refused = 12,
		.stopped = "that was too much",
	};
	CH_AUTO(ch_store_batch) row = { 0 };
	struct ch_store_batch batch = batch_called("DM-2");
	struct ch_store_terms read;
	int64_t id = batch_with("DM-1", 1, 1);
	int64_t half;

	(void)state;
	OK(ch_store_terms(store, id, &read, &err));
	assert_false(ch_store_terms_any(&read));
	begin();
	OK(ch_store_terms_set(store, id, &terms, &err));
	batch.terms.priority = 1;
	OK(ch_store_batch_create(store, &batch, &half, &err));
	OK(ch_store_terms(store, half, &read, &err));
	assert_int_equal(read.priority, 1);
	OK(ch_store_batch_drop(store, half, &err));
	OK(ch_store_terms(store, half, &read, &err));
	assert_int_equal(read.priority, 0);
	commit();
	reopen();
	GIVES(ch_store_batch_by_id(store, id, &row, &err), 1);
	assert_int_equal(row.terms.priority, -1);
	assert_int_equal(row.terms.per_second, 1);
	assert_int_equal(row.terms.per_minute, 2);
	assert_int_equal(row.terms.per_hour, 3);
	assert_int_equal(row.terms.per_day, 4);
	assert_int_equal(row.terms.canary, 5);
	assert_int_equal(row.terms.canary_percent, 6);
	assert_int_equal(row.terms.canary_wait_us, 7);
	assert_int_equal(row.terms.stage, CH_CANARY_WAITING);
	assert_int_equal(row.terms.canary_first, 8);
	assert_int_equal(row.terms.canary_last, 9);
	assert_int_equal(row.terms.canary_until_us, 10);
	assert_int_equal(row.terms.seen_decided, 11);
	assert_int_equal(row.terms.seen_refused, 12);
	assert_string_equal(row.terms.stopped, "that was too much");
}

static void a_canary_is_the_first_letters(void **state)
{
	int64_t id = batch_with("DM-1", 5, 2);
	struct ch_store_terms terms = { .canary = 2 };
	struct ch_store_claim how = { .batch_id = id, .now_us = 5, .limit = 9 };
	struct ch_canary_count count;
	struct ch_store_letter *letters;
	size_t put_off, len;
	int64_t due, first;

	(void)state;
	begin();
	OK(ch_store_canary_begin(store, id, &terms, &err));
	first = terms.canary_first;
	assert_int_equal(first, letter_of(id, "K0"));
	assert_int_equal(terms.canary_last, letter_of(id, "K1"));
	assert_int_equal(terms.stage, CH_CANARY_SENDING);
	how.first = terms.canary_first;
	how.last = terms.canary_last;
	OK(ch_store_claim_some(store, &how, &letters, &len, &put_off, &err));
	assert_int_equal(len, 2);
	assert_string_equal(letters[1].key, "K1");
	ch_store_letters_free(letters, len);
	OK(ch_store_canary_next_due(store, id, &terms, &due, &err));
	assert_true(due == INT64_MAX);
	GIVES(dot(first, 1, 2), 1);
	GIVES(end(first, 1, 0, CH_STATE_SENT), 1);
	GIVES(end(first, 1, 1, CH_STATE_FAILED), 1);
	GIVES(dot(terms.canary_last, 1, 1), 1);
	GIVES(end(terms.canary_last, 1, 0, CH_STATE_SENT), 1);
	GIVES(end(terms.canary_last, 1, 1, CH_STATE_QUEUED), 1);
	OK(ch_store_canary_next_due(store, id, &terms, &due, &err));
	assert_int_equal(due, 1000);
	OK(ch_store_canary_count(store, id, &terms, &count, &err));
	assert_int_equal(count.letters, 2);
	assert_int_equal(count.refused, 1);
	assert_int_equal(count.pending, 1);
	assert_int_equal(count.sent, 0);
	assert_int_equal(count.unclear, 0);
	assert_int_equal(count.bounced, 0);
	GIVES(ch_store_decide(store, id, terms.canary_last, CH_STATE_QUEUED,
			      CH_STATE_CANCELLED, "cancel", "me", 1, &err), 1);
	OK(ch_store_canary_count(store, id, &terms, &count, &err));
	assert_int_equal(count.pending, 0);
	commit();
}

/* Imports at the same time: between its letters are another batch's. */
static void a_canary_is_of_one_batch(void **state)
{
	struct ch_store_batch batches[2] = { batch_called("DM-1"),
					     batch_called("DM-2") };
	struct ch_store_terms terms = { .canary = 2 };
	struct ch_store_claim how = { .now_us = 5, .limit = 9 };
	struct ch_store_letter *letters;
	int64_t ids[2];
	size_t put_off, len;

	(void)state;
	begin();
	for (size_t i = 0; i < 2; i++)
		OK(ch_store_batch_create(store, &batches[i], &ids[i], &err));
	for (size_t i = 0; i < 4; i++)
		add_letter(ids[i % 2], i < 2 ? "K0" : "K1", 1);
	for (size_t i = 0; i < 2; i++) {
		batches[i].letters = 2;
		OK(ch_store_batch_publish(store, ids[i], &batches[i],
					  CH_BATCH_OPEN, &err));
	}
	OK(ch_store_canary_begin(store, ids[0], &terms, &err));
	assert_in_range(letter_of(ids[1], "K0"), terms.canary_first,
			terms.canary_last);
	how.batch_id = ids[0];
	how.first = terms.canary_first;
	how.last = terms.canary_last;
	OK(ch_store_claim_some(store, &how, &letters, &len, &put_off, &err));
	ch_store_letters_free(letters, len);
	commit();
	assert_int_equal(len, 2);
	assert_string_equal(tally_text(ids[1]), "queued 2");
}

static int64_t not_k1(void *context, const struct ch_store_letter *letter)
{
	size_t *asked = context;

	(*asked)++;
	assert_int_equal(letter->addresses_len, 2);
	assert_int_equal(letter->addresses[0].state, CH_STATE_QUEUED);
	return strcmp(letter->key, "K1") == 0 ? 700 : 0;
}

static void a_letter_is_put_off(void **state)
{
	CH_AUTO(ch_store_letter) letter = { 0 };
	int64_t id = batch_with("DM-1", 3, 2);
	size_t asked = 0;
	struct ch_store_claim how = { .batch_id = id, .now_us = 5, .limit = 9,
				      .when = not_k1, .context = &asked };
	int64_t before = ch_store_last_event(store);
	struct ch_store_letter *letters;
	size_t put_off, len;
	int64_t due;

	(void)state;
	begin();
	OK(ch_store_claim_some(store, &how, &letters, &len, &put_off, &err));
	assert_int_equal(asked, 3);
	assert_int_equal(put_off, 1);
	assert_int_equal(len, 2);
	assert_string_equal(letters[1].key, "K2");
	ch_store_letters_free(letters, len);
	OK(ch_store_next_due(store, id, &due, &err));
	assert_int_equal(due, 700);
	assert_int_equal(ch_store_last_event(store), before);
	commit();
	GIVES(ch_store_letter_by_key(store, id, "K1", &letter, &err), 1);
	assert_int_equal(letter.attempt, 0);
	assert_int_equal(letter.first_at_us, 0);
	assert_int_equal(letter.addresses[1].next_at_us, 700);
	begin();
	assert_int_equal(claim(id, 699, 9), 0);
	assert_int_equal(claim(id, 700, 9), 1);
	commit();
}

static int64_t due_of(int64_t letter_id, size_t seq)
{
	CH_AUTO(ch_store_letter) letter = { 0 };

	GIVES(ch_store_letter_by_id(store, letter_id, &letter, &err), 1);
	return letter.addresses[seq].next_at_us;
}

/* As long as the end of one attempt is not known, of whichever address, there
 * is no other: what is due then waits a second more, and the rest for its own
 * time. */
static void a_letter_has_one_attempt_at_a_time(void **state)
{
	static const struct {
		const char *reference;
		bool at_dot;
		enum ch_state end;
	} rows[] = {
		{ "DM-1", false, CH_STATE_FAILED },
		{ "DM-2", true, CH_STATE_SENT },
	};
	const struct ch_store_result much_later = {
		.seq = 2, .to = CH_STATE_QUEUED, .next_at_us = 9000000,
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		int64_t id = batch_with(rows[i].reference, 1, 3);
		int64_t fra = letter_of(id, "K0");
		struct ch_store_claim how = { .batch_id = id, .now_us = 1000,
					      .limit = 9 };
		struct ch_store_letter *letters;
		size_t put_off, len;

		begin();
		assert_int_equal(claim(id, 5, 9), 1);
		if (rows[i].at_dot)
			GIVES(dot(fra, 1, 1), 1);
		GIVES(end(fra, 1, 1, CH_STATE_QUEUED), 1);
		GIVES(ch_store_result(store, fra, 1, &much_later, 60, &err), 1);
		OK(ch_store_claim_some(store, &how, &letters, &len, &put_off,
				       &err));
		ch_store_letters_free(letters, len);
		assert_int_equal(len, 0);
		assert_int_equal(put_off, 1);
		assert_int_equal(state_of(fra, 0), rows[i].at_dot ?
						   CH_STATE_DOT :
						   CH_STATE_CLAIMED);
		assert_int_equal(state_of(fra, 1), CH_STATE_QUEUED);
		assert_int_equal(due_of(fra, 0), 0);
		assert_int_equal(due_of(fra, 1), 1001000);
		assert_int_equal(due_of(fra, 2), 9000000);
		GIVES(ch_store_bring_forward(store, fra, 9000001, 7, &err), 0);
		GIVES(ch_store_bring_forward(store, fra, 9000000, 2000, &err),
		      1);
		assert_int_equal(due_of(fra, 1), 1001000);
		assert_int_equal(due_of(fra, 2), 2000);
		GIVES(end(fra, 1, 0, rows[i].end), 1);
		assert_int_equal(claim(id, 1001000, 9), 1);
		commit();
		assert_int_equal(state_of(fra, 0), rows[i].end);
		assert_int_equal(state_of(fra, 1), CH_STATE_CLAIMED);
	}
}

static void addresses_of_one_letter_go_their_own_ways(void **state)
{
	CH_AUTO(ch_store_letter) letter = { 0 };
	struct ch_store_letter *again;
	int64_t id = batch_with("DM-1", 1, 3);
	int64_t fra = letter_of(id, "K0");
	size_t len;

	(void)state;
	begin();
	assert_int_equal(claim(id, 5, 9), 1);
	GIVES(end(fra, 1, 2, CH_STATE_QUEUED), 1); /* 450 at RCPT */
	GIVES(dot(fra, 1, 2), 1);
	GIVES(end(fra, 1, 0, CH_STATE_SENT), 1);
	GIVES(end(fra, 1, 1, CH_STATE_SENT), 1);
	assert_string_equal(tally_text(id),
			    "queued 1; deferred 1 bounced 0 answered 0 "
			    "auto 0 delayed 0");
	OK(ch_store_claim(store, id, 2000, 9, &again, &len, &err));
	assert_int_equal(len, 1);
	assert_int_equal(again[0].attempt, 2);
	assert_int_equal(again[0].sha256.bytes[0], 1); /* the same bytes */
	assert_int_equal(again[0].size_bytes, 4800);
	assert_int_equal(again[0].addresses[0].state, CH_STATE_SENT);
	assert_int_equal(again[0].addresses[2].state, CH_STATE_CLAIMED);
	ch_store_letters_free(again, len);
	GIVES(dot(fra, 2, 3), 0); /* two of them are not claimed */
	GIVES(ch_store_dot(store, fra, 2, (uint32_t[]){ 2 }, 1, &bytes_1, 4800,
			   NULL, 70, &err), 1);
	GIVES(end(fra, 2, 2, CH_STATE_FAILED), 1);
	commit();
	GIVES(ch_store_letter_by_id(store, fra, &letter, &err), 1);
	assert_int_equal(letter.state, CH_STATE_FAILED);
	assert_int_equal(letter.addresses[2].code, 250);
	assert_string_equal(letter.addresses[2].status, "2.0.0");
	assert_string_equal(letter.addresses[2].reply,
			    "250 2.0.0 \"Ok\"\xFF");
	assert_int_equal(letter.addresses[2].changed_us, 60);
	assert_int_equal(letter.first_at_us, 0);
}

static void expect_signatures(int64_t letter_id, const char *expected,
			      size_t len, const char *expected_dkim)
{
	CH_AUTO(ch_str) got = CH_STR_INIT(CH_STORE_SIGNATURE_MAX);
	CH_AUTO(ch_str) dkim = CH_STR_INIT(CH_STORE_SIGNATURE_MAX);

	OK(ch_store_signatures(store, letter_id, &got, &dkim, &err));
	assert_int_equal(got.len, len);
	assert_memory_equal(ch_str_cstr(&got), expected, len);
	assert_string_equal(ch_str_cstr(&dkim), expected_dkim);
}

static void signatures_stay_with_the_first_dot(void **state)
{
	static const struct ch_slice first = { "0\x82\0\xFF;", 5 };
	static const struct ch_slice none = { "", 0 };
	static const struct ch_slice dkim = { "DKIM-Signature: a\r\n", 19 };
	static const struct ch_slice other = { "other", 5 };
	int64_t id = batch_with("DM-1", 4, 2);
	int64_t both = letter_of(id, "K0");
	int64_t smime_one = letter_of(id, "K1");
	int64_t dkim_one = letter_of(id, "K2");
	int64_t unsigned_one = letter_of(id, "K3");

	(void)state;
	begin();
	OK(ch_store_signatures_keep(store, both, first, dkim, &err));
	expect_signatures(both, "", 0, ""); /* no dot yet */
	assert_int_equal(claim(id, 5, 9), 4);
	GIVES(dot(both, 1, 1), 1);
	OK(ch_store_signatures_keep(store, both, first, dkim, &err));
	GIVES(dot(smime_one, 1, 1), 1);
	OK(ch_store_signatures_keep(store, smime_one, first, none, &err));
	GIVES(dot(dkim_one, 1, 1), 1);
	OK(ch_store_signatures_keep(store, dkim_one, none, dkim, &err));
	GIVES(dot(unsigned_one, 1, 1), 1);
	commit();
	reopen();
	begin();
	OK(ch_store_signatures_keep(store, both, other, other, &err));
	OK(ch_store_signatures_keep(store, smime_one, other, other, &err));
	OK(ch_store_signatures_keep(store, dkim_one, other, other, &err));
	expect_signatures(both, "0\x82\0\xFF;", 5, "DKIM-Signature: a\r\n");
	expect_signatures(smime_one, "0\x82\0\xFF;", 5, "");
	expect_signatures(dkim_one, "", 0, "DKIM-Signature: a\r\n");
	expect_signatures(unsigned_one, "", 0, "");
	commit();
}

static void letters_with_many_addresses(void **state)
{
	int64_t id = batch_with("DM-1", 2, 12);
	int64_t fra = letter_of(id, "K0");

	(void)state;
	begin();
	assert_int_equal(claim(id, 5, 1), 1);
	GIVES(dot(fra, 1, 12), 1);
	for (uint32_t i = 0; i < 12; i++)
		GIVES(end(fra, 1, i, i == 9 ? CH_STATE_IN_DOUBT :
					      CH_STATE_SENT), 1);
	commit();
	assert_string_equal(tally_text(id), "queued 1, in_doubt 1");
}

/* ---- the guards ------------------------------------------------------- */

static void a_dot_needs_its_claim(void **state)
{
	int64_t id = batch_with("DM-1", 2, 2);
	int64_t fra = letter_of(id, "K0");

	(void)state;
	begin();
	GIVES(dot(fra, 0, 1), 0); /* queued */
	assert_int_equal(claim(id, 5, 1), 1);
	GIVES(dot(4711, 1, 1), 0);
	GIVES(dot(fra, 2, 1), 0); /* another attempt */
	GIVES(dot(fra, 1, 0), 0); /* for nobody */
	GIVES(dot(fra, 1, 3), 0); /* an address that it has not */
	GIVES(ch_store_dot(store, fra, 1, (uint32_t[]){ 1, 1 }, 2, &bytes_1, 1,
			   NULL, 1, &err), 0);
	assert_int_equal(state_of(fra, 0), CH_STATE_CLAIMED);
	GIVES(dot(fra, 1, 1), 1);
	GIVES(dot(fra, 1, 1), 0); /* once */
	GIVES(dot(fra, 1, 2), 0); /* all or none */
	GIVES(ch_store_dot(store, fra, 1, (uint32_t[]){ 1 }, 1, &bytes_2, 1,
			   NULL, 1, &err), 0); /* other bytes than before */
	assert_int_equal(state_of(fra, 1), CH_STATE_CLAIMED);
	GIVES(end(fra, 1, 0, CH_STATE_QUEUED), 1);
	GIVES(end(fra, 1, 1, CH_STATE_QUEUED), 1);
	assert_int_equal(claim(id, 2000, 1), 1); /* K1 first: it is older */
	assert_int_equal(claim(id, 2000, 1), 1);
	GIVES(ch_store_dot(store, fra, 2, (uint32_t[]){ 0 }, 1, &bytes_2, 1,
			   NULL, 1, &err), 0); /* other bytes than before */
	GIVES(dot(fra, 2, 2), 1);
	commit();
}

static void a_result_needs_its_attempt(void **state)
{
	static const struct {
		enum ch_state from, to;
		int result;
	} rows[] = {
		{ CH_STATE_QUEUED, CH_STATE_SENT, 0 },
		{ CH_STATE_QUEUED, CH_STATE_FAILED, 0 },
		{ CH_STATE_CLAIMED, CH_STATE_QUEUED, 1 },
		{ CH_STATE_CLAIMED, CH_STATE_SENT, 0 }, /* without a dot */
		{ CH_STATE_CLAIMED, CH_STATE_FAILED, 1 },
		{ CH_STATE_CLAIMED, CH_STATE_IN_DOUBT, 1 },
		{ CH_STATE_CLAIMED, CH_STATE_HELD, 1 },
		{ CH_STATE_CLAIMED, CH_STATE_CANCELLED, 0 },
		{ CH_STATE_CLAIMED, CH_STATE_DOT, 0 },
		{ CH_STATE_DOT, CH_STATE_QUEUED, 1 },
		{ CH_STATE_DOT, CH_STATE_SENT, 1 },
		{ CH_STATE_DOT, CH_STATE_FAILED, 1 },
		{ CH_STATE_DOT, CH_STATE_IN_DOUBT, 1 },
		{ CH_STATE_DOT, CH_STATE_HELD, 1 },
		{ CH_STATE_DOT, CH_STATE_CLAIMED, 0 },
		{ CH_STATE_SENT, CH_STATE_QUEUED, 0 },
		{ CH_STATE_SENT, CH_STATE_FAILED, 0 },
		{ CH_STATE_FAILED, CH_STATE_SENT, 0 },
		{ CH_STATE_IN_DOUBT, CH_STATE_SENT, 0 },
		{ CH_STATE_CANCELLED, CH_STATE_SENT, 0 },
		{ CH_STATE_HELD, CH_STATE_QUEUED, 0 },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		char reference[24];
		int64_t batch;
		int64_t id;

		snprintf(reference, sizeof(reference), "DM-%zu", i);
		batch = batch_with(reference, 1, 1);
		id = letter_of(batch, "K0");
		bring_to(batch, id, rows[i].from);
		begin();
		GIVES(end(id, 2, 0, rows[i].to), 0); /* another attempt */
		GIVES(end(id, 1, 7, rows[i].to), 0); /* no such address */
		if (end(id, 1, 0, rows[i].to) != rows[i].result)
			fail_msg("%s to %s", ch_state_name(rows[i].from),
				 ch_state_name(rows[i].to));
		commit();
		assert_int_equal(state_of(id, 0), rows[i].result ?
							  rows[i].to :
							  rows[i].from);
	}
	GIVES(end(4711, 1, 0, CH_STATE_SENT), 0);
}

static void a_result_is_told(void **state)
{
	int64_t id = batch_with("DM-1", 1, 1);
	int64_t fra = letter_of(id, "K0");

	(void)state;
	bring_to(id, fra, CH_STATE_SENT);
	assert_string_equal(last_event(),
			    "letter.sent {\"seq\":0,\"attempt\":1,"
			    "\"code\":250,\"status\":\"2.0.0\",\"reply\":"
			    "\"250 2.0.0 \\\"Ok\\\"\xEF\xBF\xBD\"}");
}

static void a_worker_that_is_gone_leaves_doubt_only_after_a_dot(void **state)
{
	int64_t id = batch_with("DM-1", 2, 2);
	int64_t fra = letter_of(id, "K0");
	int64_t due;

	(void)state;
	begin();
	assert_int_equal(claim(id, 5, 9), 2);
	GIVES(ch_store_dot(store, fra, 1, (uint32_t[]){ 1 }, 1, &bytes_1, 1, NULL, 6,
			   &err), 1);
	GIVES(ch_store_abandon(store, fra, 2, "gone", 900, 7, &err), 0);
	GIVES(ch_store_abandon(store, 4711, 1, "gone", 900, 7, &err), 0);
	assert_int_equal(state_of(fra, 1), CH_STATE_DOT);
	GIVES(ch_store_abandon(store, fra, 1, "gone", 900, 7, &err), 1);
	assert_string_equal(last_event(),
			    "letter.in_doubt {\"seq\":1,\"attempt\":1,"
			    "\"why\":\"gone\"}");
	assert_int_equal(state_of(fra, 0), CH_STATE_QUEUED);
	assert_int_equal(state_of(fra, 1), CH_STATE_IN_DOUBT);
	GIVES(ch_store_abandon(store, letter_of(id, "K1"), 1, "gone", 900, 7,
			       &err), 0);
	OK(ch_store_next_due(store, id, &due, &err));
	assert_int_equal(due, 900);
	commit();
	assert_string_equal(tally_text(id),
			    "queued 1, in_doubt 1; deferred 1 bounced 0 "
			    "answered 0 auto 0 delayed 0");
}

static void a_letter_given_back_is_as_before(void **state)
{
	int64_t id = batch_with("DM-1", 2, 2);
	int64_t fra = letter_of(id, "K0");
	struct ch_store_letter *letters;
	size_t len;

	(void)state;
	begin();
	assert_int_equal(claim(id, 5, 1), 1);
	GIVES(ch_store_recall(store, fra, 2, "others first", 7, &err), 0);
	GIVES(ch_store_recall(store, 4711, 1, "others first", 7, &err), 0);
	GIVES(ch_store_recall(store, fra, 1, "others first", 7, &err), 1);
	GIVES(ch_store_recall(store, fra, 1, "others first", 7, &err), 0);
	assert_string_equal(last_event(),
			    "letter.requeued {\"attempt\":1,"
			    "\"why\":\"others first\"}");
	assert_int_equal(state_of(fra, 0), CH_STATE_QUEUED);
	assert_int_equal(state_of(fra, 1), CH_STATE_QUEUED);
	/* The first again, no older than it was, under another number. */
	OK(ch_store_claim(store, id, 50, 1, &letters, &len, &err));
	assert_int_equal(len, 1);
	assert_string_equal(letters[0].key, "K0");
	assert_int_equal(letters[0].attempt, 2);
	assert_int_equal(letters[0].first_at_us, 50);
	ch_store_letters_free(letters, len);
	GIVES(dot(fra, 1, 1), 0);
	/* What is at its dot stays there, and what was tried keeps its age. */
	GIVES(ch_store_dot(store, fra, 2, (uint32_t[]){ 0 }, 1, &bytes_1, 1,
			   NULL, 51, &err), 1);
	GIVES(end(fra, 2, 1, CH_STATE_QUEUED), 1);
	GIVES(ch_store_recall(store, fra, 2, "others first", 60, &err), 0);
	assert_int_equal(state_of(fra, 0), CH_STATE_DOT);
	GIVES(end(fra, 2, 0, CH_STATE_SENT), 1);
	OK(ch_store_claim(store, id, 2000, 2, &letters, &len, &err));
	assert_int_equal(len, 2);
	ch_store_letters_free(letters, len);
	GIVES(ch_store_recall(store, fra, 3, "others first", 2001, &err), 1);
	OK(ch_store_claim(store, id, 3000, 1, &letters, &len, &err));
	assert_string_equal(letters[0].key, "K0");
	assert_int_equal(letters[0].first_at_us, 50);
	ch_store_letters_free(letters, len);
	commit();
	assert_string_equal(tally_text(id), "claimed 2");
}

static void starting_again_requeues_claims_and_doubts_dots(void **state)
{
	struct ch_store_batch batch = batch_called("DM-9");
	struct ch_recovery found;
	int64_t id = batch_with("DM-1", 4, 1);
	int64_t half;

	(void)state;
	begin();
	assert_int_equal(claim(id, 5, 3), 3);
	GIVES(dot(letter_of(id, "K0"), 1, 1), 1);
	GIVES(dot(letter_of(id, "K1"), 1, 1), 1);
	GIVES(end(letter_of(id, "K1"), 1, 0, CH_STATE_SENT), 1);
	OK(ch_store_batch_create(store, &batch, &half, &err));
	add_letter(half, "FRA", 2);
	commit();
	reopen();
	OK(ch_store_recover(store, 77, &found, &err));
	assert_int_equal(found.requeued, 1);
	assert_int_equal(found.in_doubt, 1);
	assert_int_equal(found.dropped, 1);
	assert_string_equal(tally_text(0),
			    "queued 2, sent 1, in_doubt 1; deferred 1 "
			    "bounced 0 answered 0 auto 0 delayed 0");
	assert_int_equal(count_events("letter.in_doubt"), 1);
	assert_int_equal(count_events("letter.requeued"), 1);
	OK(ch_store_recover(store, 78, &found, &err)); /* no more */
	assert_int_equal(found.requeued + found.in_doubt + found.dropped, 0);
	batch_with("DM-9", 1, 1);
	begin(); /* also within a turn */
	OK(ch_store_recover(store, 79, &found, &err));
	commit();
}

/* ---- decisions -------------------------------------------------------- */

static void only_these_decisions_can_be_made(void **state)
{
	static const bool may[CH_STATES][CH_STATES] = {
		[CH_STATE_QUEUED] = { [CH_STATE_CANCELLED] = true,
				      [CH_STATE_SENT] = true },
		[CH_STATE_CLAIMED] = { [CH_STATE_CANCELLED] = true },
		[CH_STATE_HELD] = { [CH_STATE_CANCELLED] = true,
				    [CH_STATE_QUEUED] = true },
		[CH_STATE_FAILED] = { [CH_STATE_QUEUED] = true },
		[CH_STATE_IN_DOUBT] = { [CH_STATE_QUEUED] = true,
					[CH_STATE_SENT] = true },
	};
	int n = 0;

	(void)state;
	for (int from = 0; from < CH_STATES; from++) {
		for (int to = 0; to < CH_STATES; to++) {
			char reference[24];
			int64_t batch;
			int64_t id;

			snprintf(reference, sizeof(reference), "DM-%d", n++);
			batch = batch_with(reference, 1, 1);
			id = letter_of(batch, "K0");
			bring_to(batch, id, (enum ch_state)from);
			begin();
			if (ch_store_decide(store, batch, id,
					    (enum ch_state)from,
					    (enum ch_state)to, "verb", "me", 9,
					    &err) != (may[from][to] ? 1 : -1))
				fail_msg("%s to %s",
					 ch_state_name((enum ch_state)from),
					 ch_state_name((enum ch_state)to));
			commit();
			assert_int_equal(state_of(id, 0),
					 may[from][to] ? to : from);
		}
	}
}

static void a_letter_sent_anew_is_young_again(void **state)
{
	CH_AUTO(ch_store_letter) letter = { 0 };
	int64_t id = batch_with("DM-1", 1, 2);
	int64_t fra = letter_of(id, "K0");

	(void)state;
	begin();
	assert_int_equal(claim(id, 5, 9), 1);
	GIVES(end(fra, 1, 0, CH_STATE_FAILED), 1);
	GIVES(end(fra, 1, 1, CH_STATE_QUEUED), 1);
	GIVES(ch_store_decide(store, id, fra, CH_STATE_SENT, CH_STATE_QUEUED,
			      "retry", "me", 9, &err), -1);
	GIVES(ch_store_decide(store, id, fra, CH_STATE_IN_DOUBT,
			      CH_STATE_SENT, "resolve", "me", 9, &err), 0);
	GIVES(ch_store_decide(store, id, fra, CH_STATE_FAILED,
			      CH_STATE_QUEUED, "retry", "me", 9, &err), 1);
	assert_string_equal(last_event(),
			    "letter.retry {\"from\":\"failed\",\"to\":"
			    "\"queued\",\"addresses\":1}");
	assert_int_equal(claim(id, 10, 9), 1); /* at once, alone */
	GIVES(ch_store_letter_by_id(store, fra, &letter, &err), 1);
	assert_int_equal(letter.addresses[0].state, CH_STATE_CLAIMED);
	assert_int_equal(letter.addresses[1].state, CH_STATE_QUEUED);
	assert_int_equal(letter.attempt, 2);
	assert_int_equal(letter.first_at_us, 5); /* of the other address */
	GIVES(end(fra, 1, 1, CH_STATE_FAILED), 0); /* not claimed now */
	commit();
	ch_store_letter_release(&letter);

	id = batch_with("DM-2", 1, 1);
	fra = letter_of(id, "K0");
	bring_to(id, fra, CH_STATE_FAILED);
	begin();
	GIVES(ch_store_decide(store, id, fra, CH_STATE_FAILED,
			      CH_STATE_QUEUED, "retry", "me", 9, &err), 1);
	assert_int_equal(claim(id, 10, 9), 1);
	GIVES(ch_store_letter_by_id(store, fra, &letter, &err), 1);
	assert_int_equal(letter.first_at_us, 10);
	commit();
}

static void a_whole_batch_is_decided_on(void **state)
{
	int64_t id = batch_with("DM-1", 1000, 1);
	int64_t other = batch_with("DM-2", 3, 1);

	(void)state;
	begin();
	assert_int_equal(claim(id, 5, 600), 600);
	commit();
	for (int i = 0; i < 600; i++) {
		char key[24];
		int64_t letter;

		snprintf(key, sizeof(key), "K%d", i);
		letter = letter_of(id, key);
		begin();
		if (i < 300)
			GIVES(end(letter, 1, 0, CH_STATE_FAILED), 1);
		commit();
	}
	begin();
	GIVES(ch_store_decide(store, id, 0, CH_STATE_FAILED, CH_STATE_QUEUED,
			      "retry", "me", 9, &err), 300);
	assert_string_equal(last_event(),
			    "batch.retry {\"from\":\"failed\",\"to\":"
			    "\"queued\",\"letters\":300}");
	GIVES(ch_store_decide(store, id, 0, CH_STATE_QUEUED,
			      CH_STATE_CANCELLED, "cancel", "me", 9, &err),
	      700);
	GIVES(ch_store_decide(store, id, 0, CH_STATE_QUEUED,
			      CH_STATE_CANCELLED, "cancel", "me", 9, &err), 0);
	commit();
	assert_string_equal(tally_text(id), "claimed 300, cancelled 700");
	assert_string_equal(tally_text(other), "queued 3");
}

static void a_batch_is_decided_on_in_steps(void **state)
{
	int64_t id = batch_with("DM-1", 10, 1);
	int64_t other = batch_with("DM-2", 3, 1);
	int64_t after_id = 0;

	(void)state;
	begin();
	assert_int_equal(claim(id, 5, 2), 2);
	GIVES(ch_store_decide_some(store, id, CH_STATE_QUEUED,
				   CH_STATE_CANCELLED, 5, 9, &after_id, &err),
	      5);
	commit();
	assert_string_equal(tally_text(id),
			    "queued 3, claimed 2, cancelled 5");
	begin();
	GIVES(ch_store_decide_some(store, id, CH_STATE_QUEUED,
				   CH_STATE_CANCELLED, 5, 9, &after_id, &err),
	      3);
	GIVES(ch_store_decide_some(store, id, CH_STATE_QUEUED,
				   CH_STATE_CANCELLED, 5, 9, &after_id, &err),
	      0);
	GIVES(ch_store_decide_some(store, id, CH_STATE_SENT,
				   CH_STATE_QUEUED, 5, 9, &after_id, &err),
	      -1);
	commit();
	assert_string_equal(tally_text(id), "claimed 2, cancelled 8");
	assert_string_equal(tally_text(other), "queued 3");
}

/* ---- lists ------------------------------------------------------------ */

static void letters_are_listed_by_state(void **state)
{
	static const struct {
		enum ch_state state;
		const char *keys; /* of batch DM-1 */
	} rows[] = {
		{ CH_STATES, "K0 K1 K2 K3 K4 K5 " },
		{ CH_STATE_QUEUED, "K5 " },
		{ CH_STATE_CLAIMED, "K4 " },
		{ CH_STATE_SENT, "K0 " },
		{ CH_STATE_FAILED, "K1 K3 " },
		{ CH_STATE_IN_DOUBT, "K2 " }, /* one of its two is sent */
		{ CH_STATE_HELD, "" },
	};
	int64_t id = batch_with("DM-1", 6, 2);
	static const enum ch_state ends[4][2] = {
		{ CH_STATE_SENT, CH_STATE_SENT },
		{ CH_STATE_SENT, CH_STATE_FAILED },
		{ CH_STATE_IN_DOUBT, CH_STATE_FAILED },
		{ CH_STATE_FAILED, CH_STATE_FAILED },
	};

	(void)state;
	batch_with("DM-2", 4, 1);
	begin();
	assert_int_equal(claim(id, 5, 5), 5);
	for (size_t i = 0; i < 4; i++) {
		char key[] = { 'K', (char)('0' + i), '\0' };
		int64_t letter = letter_of(id, key);

		GIVES(dot(letter, 1, 2), 1);
		GIVES(end(letter, 1, 0, ends[i][0]), 1);
		GIVES(end(letter, 1, 1, ends[i][1]), 1);
	}
	commit();
	reopen();
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) keys = CH_STR_INIT(1000);
		int64_t after = 0;

		for (;;) { /* in pages of two */
			struct ch_store_letter *letters;
			size_t len;

			OK(ch_store_letters(store, id, rows[i].state, after, 2,
					    &letters, &len, &err));
			for (size_t j = 0; j < len; j++) {
				ch_str_addf(&keys, "%s ", letters[j].key);
				assert_int_equal(letters[j].fields.len, 0);
				after = letters[j].id;
			}
			ch_store_letters_free(letters, len);
			if (len < 2)
				break;
		}
		if (strcmp(ch_str_cstr(&keys), rows[i].keys) != 0)
			fail_msg("%s: %s", ch_state_name(rows[i].state),
				 ch_str_cstr(&keys));
	}
}

static void letters_are_found(void **state)
{
	CH_AUTO(ch_store_letter) letter = { 0 };
	int64_t id = batch_with("DM-1", 2, 1);
	char message_id[80];

	(void)state;
	snprintf(message_id, sizeof(message_id), "K1.%lld@mail.example",
		 (long long)id);
	GIVES(ch_store_letter_by_message_id(store, message_id, &letter, &err),
	      1);
	assert_string_equal(letter.key, "K1");
	assert_int_equal(letter.fields.len, 3);
	GIVES(ch_store_letter_by_message_id(store, "k1@x", &letter, &err), 0);
	GIVES(ch_store_letter_by_key(store, id, "k1", &letter, &err), 0);
	GIVES(ch_store_letter_by_id(store, 4711, &letter, &err), 0);
}

/* ---- what came back --------------------------------------------------- */

static struct ch_store_return returned(uint32_t uid, uint32_t kind,
				       int64_t letter_id, bool verified)
{
	struct ch_store_return item = {
		.mailbox = word("bounces"), .folder = word("INBOX"),
		.uidvalidity = 7, .uid = uid,
		.size_bytes = 900, .received_us = 40, .kind = kind,
		.rule = word("dsn"), .from = word("mailer@ministry.example"),
		.subject = word("Undelivered"), .letter_id = letter_id,
		.address_seq = -1,
		.match = verified ? CH_MATCH_TOKEN : CH_MATCH_MESSAGE_ID,
		.verified = verified, .status = word("5.1.1"),
	};

	if (letter_id == 0)
		item.match = CH_MATCH_NONE;
	memcpy(item.sha256.bytes, &uid, sizeof(uid));
	return item;
}

static int come_back(const struct ch_store_return *item)
{
	int64_t id;
	int got;

	begin();
	got = ch_store_return_add(store, item, 90, &id, &err);
	commit();
	return got;
}

static void every_mail_counts_once(void **state)
{
	int64_t id = batch_with("DM-1", 1, 1);
	int64_t fra = letter_of(id, "K0");
	struct ch_store_return item = returned(1, CH_RETURN_BOUNCE_HARD, fra,
					       true);

	(void)state;
	bring_to(id, fra, CH_STATE_SENT);
	GIVES(come_back(&item), 1);
	GIVES(come_back(&item), 0);
	item.uidvalidity = 8; /* the mailbox was made anew */
	item.uid = 4;
	GIVES(come_back(&item), 0);
	item.part = 1; /* another recipient of the same report */
	GIVES(come_back(&item), 1);
	GIVES(come_back(&item), 0);
	item = returned(2, CH_RETURN_REPLY, fra, false);
	item.message_id = word("r1@ministry.example");
	GIVES(come_back(&item), 1);
	item = returned(3, CH_RETURN_REPLY, fra, false);
	item.message_id = word("r1@ministry.example");
	GIVES(come_back(&item), 0); /* the same mail by another way */
	item.verified = true; /* with proof */
	GIVES(come_back(&item), CH_RETURN_PROVED);
	GIVES(come_back(&item), 0);
	item.text = word("another one's"); /* a stranger's copy hides nothing */
	item.sha256.bytes[31] = 9;
	GIVES(come_back(&item), 1);
	item = returned(3, CH_RETURN_REPLY, 0, false);
	item.mailbox = word("other");
	GIVES(come_back(&item), 1);
	item = returned(3, CH_RETURN_REPLY, 0, false);
	item.folder = word("Junk"); /* somebody moved it */
	GIVES(come_back(&item), 0);
	item.sha256.bytes[31] = 1; /* another that has its numbers there */
	GIVES(come_back(&item), 1);
	GIVES(come_back(&item), 0);
	item.sha256.bytes[31] = 2; /* and one more, after a backup came back */
	GIVES(come_back(&item), 1);
	GIVES(come_back(&item), 0);
	item = returned(9, CH_RETURN_REPLY, 4711, false);
	begin();
	GIVES(ch_store_return_add(store, &item, 1, &(int64_t){ 0 }, &err), -1);
	commit();
	assert_string_equal(tally_text(id), "sent 1; deferred 0 bounced 1 "
					    "answered 1 auto 0 delayed 0");
}

static void facts_of_a_letter(void **state)
{
	static const struct {
		const char *name;
		uint32_t kind;
		bool verified;
		const char *tally;
	} rows[] = {
		{ "hard bounce", CH_RETURN_BOUNCE_HARD, true,
		  "sent 1; deferred 0 bounced 1 answered 0 auto 0 delayed 0" },
		{ "soft bounce", CH_RETURN_BOUNCE_SOFT, true,
		  "sent 1; deferred 0 bounced 1 answered 0 auto 0 delayed 0" },
		{ "forged bounce", CH_RETURN_BOUNCE_HARD, false, "sent 1" },
		{ "delay", CH_RETURN_DELAYED, true,
		  "sent 1; deferred 0 bounced 0 answered 0 auto 0 delayed 1" },
		{ "forged delay", CH_RETURN_DELAYED, false, "sent 1" },
		{ "auto-reply", CH_RETURN_AUTOREPLY, true,
		  "sent 1; deferred 0 bounced 0 answered 0 auto 1 delayed 0" },
		{ "auto-reply by its references", CH_RETURN_AUTOREPLY, false,
		  "sent 1; deferred 0 bounced 0 answered 0 auto 1 delayed 0" },
		{ "answer", CH_RETURN_REPLY, true,
		  "sent 1; deferred 0 bounced 0 answered 1 auto 0 delayed 0" },
		{ "answer by its references", CH_RETURN_REPLY, false,
		  "sent 1; deferred 0 bounced 0 answered 1 auto 0 delayed 0" },
		{ "delivered", CH_RETURN_DELIVERED, true, "sent 1" },
		{ "read", CH_RETURN_MDN, true, "sent 1" },
		{ "complaint", CH_RETURN_ARF, true, "sent 1" },
		{ "other", CH_RETURN_OTHER, true, "sent 1" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		char reference[24];
		struct ch_store_return item;
		int64_t batch;
		int64_t id;

		snprintf(reference, sizeof(reference), "DM-%zu", i);
		batch = batch_with(reference, 1, 1);
		id = letter_of(batch, "K0");
		bring_to(batch, id, CH_STATE_SENT);
		item = returned((uint32_t)(10 + i), rows[i].kind, id,
				rows[i].verified);
		GIVES(come_back(&item), 1);
		if (strcmp(tally_text(batch), rows[i].tally) != 0)
			fail_msg("%s: %s", rows[i].name, tally_text(batch));
		/* the state is beside the facts */
		assert_int_equal(state_of(id, 0), CH_STATE_SENT);
	}
}

static uint64_t silent_of(int64_t batch_id)
{
	struct ch_tally tally;

	OK(ch_store_tally(store, batch_id, &tally, &err));
	return tally.state[CH_STATE_SENT] - tally.heard;
}

/* Sent, not answered and not returned: however it came to be so. */
static void who_is_silent(void **state)
{
	int64_t id = batch_with("DM-1", 4, 1);
	int64_t letters[4];
	struct ch_store_return item;

	(void)state;
	for (size_t i = 0; i < CH_COUNT(letters); i++) {
		char key[24];

		snprintf(key, sizeof(key), "K%zu", i);
		letters[i] = letter_of(id, key);
	}
	assert_int_equal(silent_of(id), 0);
	/* Heard of before it is sent: somebody was told of it otherwise. */
	item = returned(1, CH_RETURN_REPLY, letters[3], false);
	GIVES(come_back(&item), 1);
	assert_int_equal(silent_of(id), 0);
	begin();
	GIVES(claim(id, 5, 4), 4);
	for (size_t i = 0; i < CH_COUNT(letters); i++) {
		GIVES(dot(letters[i], 1, 1), 1);
		GIVES(end(letters[i], 1, 0, CH_STATE_SENT), 1);
	}
	commit();
	assert_int_equal(silent_of(id), 3);
	item = returned(2, CH_RETURN_AUTOREPLY, letters[0], true);
	GIVES(come_back(&item), 1);
	assert_int_equal(silent_of(id), 3);
	item = returned(3, CH_RETURN_BOUNCE_HARD, letters[1], true);
	GIVES(come_back(&item), 1);
	assert_int_equal(silent_of(id), 2);
	item = returned(4, CH_RETURN_REPLY, letters[1], true);
	GIVES(come_back(&item), 1);
	assert_int_equal(silent_of(id), 2);
	/* One that came back, and one that did not, go elsewhere as well. */
	for (int64_t i = 1; i <= 2; i++) {
		begin();
		GIVES(ch_store_address_add(store, letters[i], 0,
					   "b@ministry.example", 9, &err), 1);
		commit();
		assert_int_equal(silent_of(id), 3 - i);
	}
	reopen();
	assert_int_equal(silent_of(id), 1);
	begin();
	GIVES(claim(id, 5, 2), 2);
	for (size_t i = 1; i <= 2; i++) {
		const uint32_t seq = 1;

		GIVES(ch_store_dot(store, letters[i], 2, &seq, 1, &bytes_1,
				   4800, NULL, 50, &err), 1);
		GIVES(end(letters[i], 2, 1, CH_STATE_SENT), 1);
	}
	commit();
	assert_int_equal(silent_of(id), 2);
	reopen();
	assert_int_equal(silent_of(id), 2);
}

static const char *away_of(int64_t letter_id)
{
	static char text[20];
	CH_AUTO(ch_store_letter) letter = { 0 };

	GIVES(ch_store_letter_by_id(store, letter_id, &letter, &err), 1);
	snprintf(text, sizeof(text), "%s",
		 letter.away_until ? letter.away_until : "none");
	return text;
}

/* As the last automatic answer has it that says so, guesses apart. */
static void until_when_somebody_is_away(void **state)
{
	int64_t id = batch_with("DM-1", 1, 1);
	int64_t fra = letter_of(id, "K0");
	struct ch_store_return *list;
	struct ch_store_return item;
	size_t len;

	(void)state;
	bring_to(id, fra, CH_STATE_SENT);
	assert_string_equal(away_of(fra), "none");
	item = returned(1, CH_RETURN_AUTOREPLY, fra, false);
	GIVES(come_back(&item), 1);
	assert_string_equal(away_of(fra), "");
	item = returned(2, CH_RETURN_AUTOREPLY, fra, false);
	item.away_until = word("2026-12-07");
	GIVES(come_back(&item), 1);
	assert_string_equal(away_of(fra), "2026-12-07");
	item = returned(3, CH_RETURN_AUTOREPLY, fra, true);
	item.away_until = word("2026-12-14");
	GIVES(come_back(&item), 1);
	item = returned(4, CH_RETURN_AUTOREPLY, fra, true);
	GIVES(come_back(&item), 1);
	item = returned(5, CH_RETURN_AUTOREPLY, fra, false);
	item.match = CH_MATCH_REFERENCE;
	item.away_until = word("2026-12-31");
	GIVES(come_back(&item), 1);
	assert_string_equal(away_of(fra), "2026-12-14");
	OK(ch_store_returns(store, 0, fra, 0, 9, &list, &len, &err));
	assert_int_equal(len, 5);
	assert_string_equal(list[0].away_until, "");
	assert_string_equal(list[2].away_until, "2026-12-14");
	ch_store_returns_free(list, len);
}

static void facts_stand_beside_one_another(void **state)
{
	static const uint32_t kinds[] = {
		CH_RETURN_DELAYED, CH_RETURN_DELIVERED, CH_RETURN_MDN,
		CH_RETURN_AUTOREPLY, CH_RETURN_REPLY, CH_RETURN_BOUNCE_SOFT,
		CH_RETURN_REPLY,
	};
	CH_AUTO(ch_store_letter) letter = { 0 };
	int64_t id = batch_with("DM-1", 1, 1);
	int64_t fra = letter_of(id, "K0");

	(void)state;
	bring_to(id, fra, CH_STATE_SENT);
	for (uint32_t i = 0; i < CH_COUNT(kinds); i++) {
		struct ch_store_return item = returned(i, kinds[i], fra, true);

		GIVES(come_back(&item), 1);
	}
	GIVES(ch_store_letter_by_id(store, fra, &letter, &err), 1);
	assert_true(letter.delayed && letter.delivered && letter.read &&
		    letter.auto_replied && letter.answered && letter.bounced);
	assert_string_equal(tally_text(id), "sent 1; deferred 0 bounced 1 "
					    "answered 1 auto 1 delayed 1");
}

static void evidence_ends_a_doubt(void **state)
{
	static const struct {
		const char *name;
		uint32_t kind;
		bool verified;
		uint32_t attempt;
		int64_t seq;
		enum ch_state after;
		const char *evidence;
	} rows[] = {
		{ "a bounce by its token", CH_RETURN_BOUNCE_HARD, true, 1, 0,
		  CH_STATE_SENT, "bounce" },
		{ "an answer by its token", CH_RETURN_REPLY, true, 1, -1,
		  CH_STATE_SENT, "answer" },
		{ "an auto-reply", CH_RETURN_AUTOREPLY, true, 1, -1,
		  CH_STATE_SENT, "auto-reply" },
		{ "a delivery", CH_RETURN_DELIVERED, true, 1, 0,
		  CH_STATE_SENT, "delivery" },
		{ "a receipt", CH_RETURN_MDN, true, 1, 0, CH_STATE_SENT,
		  "receipt" },
		{ "a delay", CH_RETURN_DELAYED, true, 1, 0, CH_STATE_SENT,
		  "delay" },
		{ "the attempt is not known", CH_RETURN_BOUNCE_HARD, true, 0,
		  0, CH_STATE_SENT, "bounce" },
		{ "nor the address", CH_RETURN_REPLY, true, 0, -1,
		  CH_STATE_SENT, "answer" },
		{ "of another attempt", CH_RETURN_BOUNCE_HARD, true, 2, 0,
		  CH_STATE_IN_DOUBT, NULL },
		{ "of an address that it has not", CH_RETURN_BOUNCE_HARD, true,
		  0, 9, CH_STATE_IN_DOUBT, NULL },
		{ "forged", CH_RETURN_BOUNCE_HARD, false, 1, 0,
		  CH_STATE_IN_DOUBT, NULL },
		{ "an answer by its references", CH_RETURN_REPLY, false, 1, -1,
		  CH_STATE_IN_DOUBT, NULL },
		{ "something else", CH_RETURN_OTHER, true, 1, -1,
		  CH_STATE_IN_DOUBT, NULL },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		char reference[24];
		struct ch_store_return item;
		int64_t batch;
		int64_t id;

		snprintf(reference, sizeof(reference), "DM-%zu", i);
		batch = batch_with(reference, 1, 1);
		id = letter_of(batch, "K0");
		bring_to(batch, id, CH_STATE_IN_DOUBT);
		item = returned((uint32_t)(10 + i), rows[i].kind, id,
				rows[i].verified);
		item.attempt = rows[i].attempt;
		item.address_seq = rows[i].seq;
		GIVES(come_back(&item), 1);
		if (state_of(id, 0) != rows[i].after)
			fail_msg("%s: %s", rows[i].name,
				 ch_state_name(state_of(id, 0)));
		if (rows[i].evidence && !strstr(last_event(), rows[i].evidence))
			fail_msg("%s: %s", rows[i].name, last_event());
	}
}

/* ---- the mails themselves --------------------------------------------- */

static struct ch_sha256 sum_of(unsigned char first)
{
	struct ch_sha256 sum = { { first, 7 } };

	return sum;
}

static void mail_came(unsigned char first, bool answer, int64_t now_us)
{
	struct ch_sha256 sum = sum_of(first);

	OK(ch_store_mail_add(store, &sum, answer, NULL, 0, now_us, &err));
}

/* The first bytes of those that are about to be removed. */
static const char *leaving(void)
{
	static char text[40];
	struct ch_sha256 sums[10];
	int64_t len = ch_store_mails_leaving(store, 10, sums, &err);

	OK(len);
	text[0] = '\0';
	for (int64_t i = 0; i < len; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%d ", sums[i].bytes[0]);
	return text;
}

static void remove_all(int64_t now_us)
{
	struct ch_sha256 sums[10];
	int64_t len = ch_store_mails_leaving(store, 10, sums, &err);

	for (int64_t i = 0; i < len; i++)
		OK(ch_store_mail_removed(store, &sums[i], now_us, &err));
}

static int is_kept(unsigned char first)
{
	struct ch_sha256 sum = sum_of(first);

	return ch_store_mail_is_kept(store, &sum, &err);
}

static void mails_go_by_their_age(void **state)
{
	(void)state;
	begin();
	mail_came(3, false, 100);
	mail_came(1, false, 200);
	mail_came(2, true, 100);
	mail_came(4, false, 300);
	mail_came(3, false, 900); /* once more: as old as it was */
	assert_string_equal(leaving(), "");
	GIVES(ch_store_mails_expire(store, false, 100, 10, &err), 0);
	GIVES(ch_store_mails_expire(store, false, 300, 1, &err), 1);
	assert_string_equal(leaving(), "3 ");
	GIVES(ch_store_mails_expire(store, false, 300, 10, &err), 1);
	assert_string_equal(leaving(), "1 3 ");
	GIVES(ch_store_mails_expire(store, true, 101, 10, &err), 1);
	assert_string_equal(leaving(), "1 2 3 ");
	mail_came(2, true, 900); /* while it goes */
	assert_string_equal(leaving(), "1 2 3 ");
	GIVES(is_kept(1), 1); /* while it goes */
	remove_all(1000);
	commit();
	assert_string_equal(leaving(), "");
	GIVES(is_kept(1), 0);
	GIVES(is_kept(4), 1);
	GIVES(is_kept(5), 0); /* never came */
	begin();
	GIVES(ch_store_mails_expire(store, false, 300, 10, &err), 0);
	mail_came(3, false, 1100); /* its bytes are there again */
	commit();
	assert_string_equal(leaving(), "3 ");
}

/* What a mail said, and that it is gone, are two things. */
static void a_removed_mail_is_still_known(void **state)
{
	int64_t id = batch_with("DM-1", 1, 1);
	int64_t fra = letter_of(id, "K0");
	struct ch_store_return item = returned(1, CH_RETURN_BOUNCE_HARD, fra,
					       true);
	struct ch_store_return *items;
	const char *before;
	size_t len;

	(void)state;
	bring_to(id, fra, CH_STATE_SENT);
	GIVES(come_back(&item), 1);
	before = word(tally_text(id));
	begin();
	OK(ch_store_mail_add(store, &item.sha256, false, NULL, 0, 50, &err));
	GIVES(ch_store_mails_expire(store, false, 51, 10, &err), 1);
	remove_all(777);
	commit();
	OK(ch_store_returns(store, 0, 0, 0, 10, &items, &len, &err));
	assert_int_equal(len, 1);
	assert_int_equal(items[0].removed_us, 777);
	assert_int_equal(items[0].letter_id, fra);
	assert_string_equal(items[0].status, "5.1.1");
	ch_store_returns_free(items, len);
	assert_string_equal(tally_text(id), before);
}

static void what_is_attached_is_known_for_good(void **state)
{
	struct ch_store_attachment told[] = {
		{ word("form.pdf"), word("application/pdf"), 900, true,
		  { { 9, 9 } } },
		{ word(""), word("image/png"), 0, false, { { 5 } } },
	};
	struct ch_sha256 sum = sum_of(1);
	struct ch_sha256 other = sum_of(2);
	struct ch_store_attachment *items;
	size_t len;

	(void)state;
	begin();
	OK(ch_store_mail_add(store, &sum, true, told, 2, 50, &err));
	told[0].size_bytes = 1; /* what was said first holds */
	OK(ch_store_mail_add(store, &sum, true, told, 2, 60, &err));
	commit();
	OK(ch_store_attachments(store, &sum, &items, &len, &err));
	assert_int_equal(len, 2);
	assert_string_equal(items[0].name, "form.pdf");
	assert_string_equal(items[0].type, "application/pdf");
	assert_int_equal(items[0].size_bytes, 900);
	assert_true(items[0].whole);
	assert_true(ch_sha256_eq(&items[0].sha256, &told[0].sha256));
	assert_string_equal(items[1].name, "");
	assert_false(items[1].whole);
	ch_store_attachments_free(items, len);
	OK(ch_store_attachments(store, &other, &items, &len, &err));
	assert_int_equal(len, 0);
	ch_store_attachments_free(items, len);
}

static int64_t drop_copies(int64_t after_id, size_t limit)
{
	int64_t looked;

	begin();
	looked = ch_store_copies_drop(store, limit, &after_id, &err);
	commit();
	return looked;
}

static void a_copy_is_of_use_as_long_as_its_letter_is_at_the_dot(void **state)
{
	int64_t id = batch_with("DM-1", 3, 1);
	int64_t at_dot = letter_of(id, "K0");
	int64_t is_sent = letter_of(id, "K1");
	int64_t other = letter_of(id, "K2");
	const int64_t all[] = { at_dot, is_sent, other };
	bool settled;

	(void)state;
	begin();
	assert_int_equal(claim(id, 5, 9), 3);
	for (size_t i = 0; i < CH_COUNT(all); i++) {
		GIVES(dot(all[i], 1, 1), 1);
		GIVES(ch_store_copy_add(store, all[i], 1, NULL, 70, &settled,
					&err), 1);
	}
	GIVES(end(is_sent, 1, 0, CH_STATE_SENT), 1);
	commit();
	GIVES(drop_copies(0, 2), 2);
	GIVES(drop_copies(is_sent, 2), 1);
	GIVES(drop_copies(0, 10), 2); /* of that which was sent no more */
	/* and it proves what it did */
	begin();
	GIVES(end(at_dot, 1, 0, CH_STATE_IN_DOUBT), 1);
	commit();
	assert_int_equal(state_of(at_dot, 0), CH_STATE_SENT);
	GIVES(drop_copies(0, 10), 2);
	GIVES(drop_copies(0, 10), 1);
	begin(); /* where its worker is gone, too */
	GIVES(ch_store_abandon(store, other, 1, "gone", 900, 80, &err), 1);
	commit();
	assert_int_equal(state_of(other, 0), CH_STATE_SENT);
}

static void evidence_is_of_one_attempt(void **state)
{
	int64_t id = batch_with("DM-1", 1, 3);
	int64_t fra = letter_of(id, "K0");
	struct ch_store_return item;

	(void)state;
	begin();
	assert_int_equal(claim(id, 5, 9), 1);
	GIVES(end(fra, 1, 2, CH_STATE_QUEUED), 1);
	GIVES(dot(fra, 1, 2), 1);
	GIVES(end(fra, 1, 0, CH_STATE_IN_DOUBT), 1);
	GIVES(end(fra, 1, 1, CH_STATE_IN_DOUBT), 1);
	assert_int_equal(claim(id, 2000, 9), 1);
	GIVES(ch_store_dot(store, fra, 2, (uint32_t[]){ 2 }, 1, &bytes_1, 4800,
			   NULL, 70, &err), 1);
	GIVES(end(fra, 2, 2, CH_STATE_IN_DOUBT), 1);
	commit();
	item = returned(1, CH_RETURN_REPLY, fra, true); /* of which? */
	GIVES(come_back(&item), 1);
	assert_int_equal(state_of(fra, 0), CH_STATE_IN_DOUBT);
	assert_int_equal(state_of(fra, 2), CH_STATE_IN_DOUBT);
	item = returned(2, CH_RETURN_BOUNCE_HARD, fra, true);
	item.attempt = 1;
	item.address_seq = 1;
	GIVES(come_back(&item), 1); /* one reply for all of that dot */
	assert_int_equal(state_of(fra, 0), CH_STATE_SENT);
	assert_int_equal(state_of(fra, 1), CH_STATE_SENT);
	assert_int_equal(state_of(fra, 2), CH_STATE_IN_DOUBT);
	assert_string_equal(tally_text(id), "in_doubt 1; deferred 0 bounced 1 "
					    "answered 1 auto 0 delayed 0");
}

/* A copy of yesterday, and evidence of today: what waits does not go again. */
static void evidence_of_a_lost_attempt_takes_from_the_queue(void **state)
{
	int64_t id = batch_with("DM-1", 2, 3);
	int64_t fra = letter_of(id, "K0");
	int64_t gbr = letter_of(id, "K1");
	struct ch_store_return item = returned(1, CH_RETURN_BOUNCE_HARD, fra,
					       true);

	(void)state;
	item.attempt = 4;
	item.address_seq = 1;
	GIVES(come_back(&item), 1);
	assert_int_equal(state_of(fra, 0), CH_STATE_IN_DOUBT);
	assert_int_equal(state_of(fra, 1), CH_STATE_SENT);
	assert_int_equal(state_of(fra, 2), CH_STATE_IN_DOUBT);
	item = returned(2, CH_RETURN_REPLY, gbr, false); /* no token */
	item.attempt = 4;
	GIVES(come_back(&item), 1);
	assert_int_equal(state_of(gbr, 0), CH_STATE_QUEUED);
	begin();
	assert_int_equal(claim(id, 5, 9), 1); /* that one alone */
	commit();
	assert_string_equal(tally_text(id),
			    "claimed 1, in_doubt 1; deferred 0 bounced 1 "
			    "answered 1 auto 0 delayed 0");
}

/* A person said "resend", or the relay "later", and then comes a proof. */
static void evidence_of_an_earlier_attempt_stops_the_next(void **state)
{
	static const struct {
		const char *name;
		bool claimed;  /* a worker has it already */
		size_t addresses;
		int64_t seq;   /* that the proof names */
		uint32_t attempt;
		enum ch_state first, second;
	} rows[] = {
		{ "waiting", false, 1, -1, 1, CH_STATE_SENT, CH_STATES },
		{ "claimed", true, 1, -1, 1, CH_STATE_SENT, CH_STATES },
		{ "one of two", true, 2, 0, 1, CH_STATE_SENT,
		  CH_STATE_CLAIMED },
		{ "which of two?", true, 2, -1, 1, CH_STATE_CLAIMED,
		  CH_STATE_CLAIMED },
		{ "of the attempt under way", true, 1, -1, 2, CH_STATE_CLAIMED,
		  CH_STATES },
		{ "of no attempt", false, 1, -1, 0, CH_STATE_QUEUED,
		  CH_STATES },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		char reference[24];
		struct ch_store_return item;
		int64_t batch, id;

		snprintf(reference, sizeof(reference), "DM-%zu", i);
		batch = batch_with(reference, 1, rows[i].addresses);
		id = letter_of(batch, "K0");
		begin();
		assert_int_equal(claim(batch, 5, 1), 1);
		GIVES(dot(id, 1, (uint32_t)rows[i].addresses), 1);
		for (uint32_t seq = 0; seq < rows[i].addresses; seq++)
			GIVES(end(id, 1, seq, CH_STATE_IN_DOUBT), 1);
		GIVES(ch_store_decide(store, batch, id, CH_STATE_IN_DOUBT,
				      CH_STATE_QUEUED, "resolved", "me", 1,
				      &err), 1);
		assert_int_equal(claim(batch, 5, 1), 1);
		if (!rows[i].claimed)
			OK(ch_store_abandon(store, id, 2, "", 5, 6, &err));
		commit();
		item = returned((uint32_t)(10 + i), CH_RETURN_DELIVERED, id,
				true);
		item.attempt = rows[i].attempt;
		item.address_seq = rows[i].seq;
		GIVES(come_back(&item), 1);
		if (state_of(id, 0) != rows[i].first ||
		    (rows[i].addresses > 1 &&
		     state_of(id, 1) != rows[i].second))
			fail_msg("%s: %s", rows[i].name,
				 ch_state_name(state_of(id, 0)));
		begin();
		GIVES(dot(id, 2, (uint32_t)rows[i].addresses),
		      rows[i].claimed && rows[i].first == CH_STATE_CLAIMED);
		commit();
	}
}

/* Given to a worker, and without a dot so far. */
static void a_claimed_letter_is_cancelled(void **state)
{
	int64_t id = batch_with("DM-1", 2, 2);
	int64_t fra = letter_of(id, "K0");

	(void)state;
	begin();
	assert_int_equal(claim(id, 5, 1), 1);
	GIVES(ch_store_decide(store, id, fra, CH_STATE_CLAIMED,
			      CH_STATE_CANCELLED, "cancelled", "me", 6, &err),
	      1);
	GIVES(dot(fra, 1, 2), 0);
	GIVES(end(fra, 1, 0, CH_STATE_QUEUED), 0);
	commit();
	reopen();
	assert_int_equal(state_of(fra, 0), CH_STATE_CANCELLED);
	assert_int_equal(state_of(fra, 1), CH_STATE_CANCELLED);
	begin();
	assert_int_equal(claim(id, 5, 1), 1); /* the other one */
	GIVES(dot(letter_of(id, "K1"), 1, 2), 1);
	GIVES(ch_store_decide(store, id, letter_of(id, "K1"), CH_STATE_CLAIMED,
			      CH_STATE_CANCELLED, "cancelled", "me", 6, &err),
	      0); /* too late */
	commit();
}

/* The last one is asked, whichever had the letter before. */
static void a_doubt_names_the_relay_of_its_attempt(void **state)
{
	static const char *const relays[] = { "one", "two", "three" };
	int64_t id = batch_with("DM-1", 1, 1);
	int64_t fra = letter_of(id, "K0");

	(void)state;
	for (uint32_t i = 0; i < CH_COUNT(relays); i++) {
		struct ch_store_notes notes = { 0, CH_SLICE_EMPTY };
		CH_AUTO(ch_store_letter) letter = { 0 };

		begin();
		OK(ch_store_connection_add(store, relays[i],
					   ch_slice_of("S: 220 hello\n"), 4,
					   &notes.connection_id, &err));
		assert_int_equal(claim(id, 5, 1), 1);
		GIVES(ch_store_dot(store, fra, i + 1, (uint32_t[]){ 0 }, 1,
				   &bytes_1, 4800, &notes, 6, &err), 1);
		GIVES(ch_store_abandon(store, fra, i + 1, "gone", 7, 7, &err),
		      1);
		commit();
		GIVES(ch_store_letter_by_id(store, fra, &letter, &err), 1);
		assert_string_equal(letter.addresses[0].relay, relays[i]);
		begin();
		GIVES(ch_store_decide(store, id, fra, CH_STATE_IN_DOUBT,
				      CH_STATE_QUEUED, "resolved", "me", 1,
				      &err), 1);
		commit();
	}
}

static void returns_are_listed(void **state)
{
	int64_t one = batch_with("DM-1", 2, 1);
	int64_t two = batch_with("DM-2", 1, 1);
	const struct {
		int64_t batch, letter;
		const char *uids;
	} rows[] = {
		{ 0, 0, "1 2 3 4 " },
		{ one, 0, "1 3 " },
		{ two, 0, "4 " },
		{ one, letter_of(one, "K0"), "1 " },
		{ 0, letter_of(one, "K1"), "3 " },
		{ 4711, 0, "" },
	};
	struct ch_store_return items[] = {
		returned(1, CH_RETURN_REPLY, letter_of(one, "K0"), true),
		returned(2, CH_RETURN_OTHER, 0, false),
		returned(3, CH_RETURN_DELAYED, letter_of(one, "K1"), true),
		returned(4, CH_RETURN_BOUNCE_HARD, letter_of(two, "K0"), true),
	};

	(void)state;
	items[0].diagnostic = word("smtp; 550 no such user");
	items[0].recipient = word("a@ministry.example");
	items[0].attachments = 3;
	for (size_t i = 0; i < CH_COUNT(items); i++)
		GIVES(come_back(&items[i]), 1);
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) uids = CH_STR_INIT(1000);
		struct ch_store_return *list;
		int64_t after = 0;
		size_t len;

		do { /* in pages of one */
			OK(ch_store_returns(store, rows[i].batch,
					    rows[i].letter, after, 1, &list,
					    &len, &err));
			if (len > 0) {
				ch_str_addf(&uids, "%u ", list[0].uid);
				after = list[0].id;
			}
			ch_store_returns_free(list, len);
		} while (len > 0);
		if (strcmp(ch_str_cstr(&uids), rows[i].uids) != 0)
			fail_msg("row %zu: %s", i, ch_str_cstr(&uids));
	}
	{
		struct ch_store_return *list;
		size_t len;

		OK(ch_store_returns(store, 0, 0, 0, 9, &list, &len, &err));
		assert_string_equal(list[0].reference, "DM-1");
		assert_string_equal(list[0].key, "K0");
		assert_string_equal(list[0].mailbox, "bounces");
		assert_string_equal(list[0].diagnostic,
				    "smtp; 550 no such user");
		assert_string_equal(list[0].recipient, "a@ministry.example");
		assert_int_equal(list[0].attachments, 3);
		assert_int_equal(list[0].match, CH_MATCH_TOKEN);
		assert_int_equal(list[0].address_seq, -1);
		assert_true(list[0].verified);
		assert_string_equal(list[1].reference, "");
		assert_int_equal(list[1].letter_id, 0);
		ch_store_returns_free(list, len);
	}
}

static void mailboxes_are_read_on_where_they_were(void **state)
{
	uint32_t uidvalidity;
	uint32_t uid;

	(void)state;
	OK(ch_store_mailbox(store, "bounces", "INBOX", &uidvalidity, &uid,
			    &err));
	assert_int_equal(uidvalidity, 0);
	assert_int_equal(uid, 0);
	begin();
	OK(ch_store_mailbox_set(store, "bounces", "INBOX", 7, 4294967295u,
				&err));
	OK(ch_store_mailbox_set(store, "answers", "INBOX", 1, 1, &err));
	OK(ch_store_mailbox_set(store, "bounces", "Junk", 1, 2, &err));
	OK(ch_store_mailbox_set(store, "bounces", "INBOX", 8, 4294967294u,
				&err));
	commit();
	reopen();
	OK(ch_store_mailbox(store, "bounces", "INBOX", &uidvalidity, &uid,
			    &err));
	assert_int_equal(uidvalidity, 8);
	assert_int_equal(uid, 4294967294u);
}

/* ---- events, settings, turns ------------------------------------------ */

static void events_come_in_order(void **state)
{
	struct ch_store_event *events;
	int64_t id = batch_with("DM-1", 1, 1);
	int64_t fra = letter_of(id, "K0");
	size_t len;

	(void)state;
	assert_int_equal(ch_store_last_event(store), 0);
	begin();
	OK(ch_store_event_add(store, "batch.created", id, 0, "me", "{\"n\":1}",
			      5, &err));
	OK(ch_store_event_add(store, "letter.sent", id, fra, NULL, NULL, 4,
			      &err));
	assert_int_equal(ch_store_last_event(store), 2);
	commit();
	reopen();
	assert_int_equal(ch_store_last_event(store), 2);
	begin();
	OK(ch_store_event_add(store, "alarm.auth", 0, 0, "", "", 6, &err));
	commit();
	OK(ch_store_events(store, 0, 9, &events, &len, &err));
	assert_int_equal(len, 3);
	assert_int_equal(events[0].id, 1);
	assert_int_equal(events[0].at_us, 5);
	assert_string_equal(events[0].type, "batch.created");
	assert_string_equal(events[0].who, "me");
	assert_string_equal(events[0].detail, "{\"n\":1}");
	assert_string_equal(events[0].reference, "DM-1");
	assert_string_equal(events[0].key, "");
	assert_string_equal(events[1].key, "K0");
	assert_string_equal(events[1].detail, "");
	assert_string_equal(events[2].reference, "");
	ch_store_events_free(events, len);
	OK(ch_store_events(store, 1, 1, &events, &len, &err));
	assert_int_equal(len, 1);
	assert_int_equal(events[0].id, 2);
	ch_store_events_free(events, len);
	OK(ch_store_events(store, 3, 9, &events, &len, &err));
	assert_int_equal(len, 0);
	ch_store_events_free(events, len);
}

static void settings_are_kept(void **state)
{
	CH_AUTO(ch_str) value = CH_STR_INIT(100);

	(void)state;
	OK(ch_store_get(store, "paused", &value, &err));
	assert_int_equal(value.len, 0);
	begin();
	OK(ch_store_set(store, "paused", ch_slice_of("no"), &err));
	OK(ch_store_set(store, "paused",
			(struct ch_slice){ "y\0s", 3 }, &err));
	commit();
	reopen();
	OK(ch_store_get(store, "paused", &value, &err));
	assert_int_equal(value.len, 3);
	assert_memory_equal(value.data, "y\0s", 3);
}

static void a_turn_knows_whether_it_changed_anything(void **state)
{
	(void)state;
	assert_false(ch_store_in_transaction(store));
	assert_false(ch_store_changed(store));
	begin();
	assert_true(ch_store_in_transaction(store));
	assert_false(ch_store_changed(store));
	assert_int_equal(claim(4711, 5, 9), 0);
	assert_false(ch_store_changed(store));
	OK(ch_store_set(store, "paused", ch_slice_of("no"), &err));
	assert_true(ch_store_changed(store));
	commit();
	assert_false(ch_store_in_transaction(store));
	assert_false(ch_store_changed(store));
	begin();
	commit();
}

static void what_was_not_committed_is_not_there(void **state)
{
	int64_t id = batch_with("DM-1", 2, 1);

	(void)state;
	begin();
	assert_int_equal(claim(id, 5, 9), 2);
	reopen();
	assert_false(ch_store_is_restored(store));
	assert_string_equal(tally_text(0), "queued 2");
}

static void a_second_opening_is_refused(void **state)
{
	struct ch_store *second = NULL;

	(void)state;
	GIVES(database->open(&second, &err), -1);
	assert_int_equal(err.fate, CH_RETRY);
	assert_non_null(strstr(err.text, "another chanceryd"));
	assert_null(second);
}

/* ---- SQLite ----------------------------------------------------------- */

static char folder[64];

static int sqlite_open(struct ch_store **ret, struct ch_error *error)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/store.db", folder);
	return ch_store_open(path, ret, error);
}

static void sqlite_make(void)
{
	snprintf(folder, sizeof(folder), "/tmp/ch-store-XXXXXX");
	assert_non_null(mkdtemp(folder));
}

static void sqlite_remove(void)
{
	static const char *const names[] = { "", "-wal", "-shm", ".lock",
					     ".epoch", ".redo" };
	char path[100];

	for (size_t i = 0; i < CH_COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/store.db%s", folder,
			 names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(folder), 0);
}

/* A row that somebody else changed: what is remembered of it must not send. */
static void behind_our_back(const char *sql)
{
	char path[80];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/store.db", folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A copy has no epoch file beside it. */
static void come_back_from_a_copy(void)
{
	struct ch_recovery found;
	char path[100];

	ch_store_close(store);
	store = NULL;
	snprintf(path, sizeof(path), "%s/store.db.epoch", folder);
	assert_int_equal(unlink(path), 0);
	OK(database->open(&store, &err));
	assert_true(ch_store_is_restored(store));
	OK(ch_store_recover(store, 7, &found, &err));
}

static uint32_t attempt_of(int64_t letter_id)
{
	CH_AUTO(ch_store_letter) letter = { 0 };

	GIVES(ch_store_letter_by_id(store, letter_id, &letter, &err), 1);
	return letter.attempt;
}

static void a_store_that_came_back_uses_no_number_twice(void **state)
{
	int64_t id = batch_with("DM-1", 3, 1);
	int64_t fra = letter_of(id, "K0");
	int64_t fresh;
	struct ch_store_return item;
	uint32_t first, second;

	(void)state;
	assert_false(ch_store_is_older(store, fra));
	assert_int_equal(ch_store_older_waiting(store, 0), 0);
	begin();
	assert_int_equal(claim(id, 5, 3), 3);
	GIVES(end(fra, 1, 0, CH_STATE_QUEUED), 1);
	assert_int_equal(attempt_of(fra), 1);
	commit();
	come_back_from_a_copy();
	assert_true(ch_store_is_older(store, fra));
	assert_int_equal(ch_store_older_waiting(store, 0), 3);
	assert_int_equal(ch_store_older_waiting(store, id), 3);
	fresh = batch_with("DM-2", 1, 1);
	assert_false(ch_store_is_older(store, letter_of(fresh, "K0")));
	assert_int_equal(ch_store_older_waiting(store, fresh), 0);
	assert_int_equal(ch_store_older_waiting(store, 0), 3);
	begin();
	assert_int_equal(claim(fresh, 5, 1), 1);
	assert_int_equal(attempt_of(letter_of(fresh, "K0")), 1);
	assert_int_equal(claim(id, 2000, 3), 3);
	first = attempt_of(fra);
	assert_in_range(first, 0x20001, 0x40000);
	assert_int_equal(ch_store_tries(store, fra, first), 1);
	assert_int_equal(ch_store_tries(store, fra, 1), 1);
	GIVES(end(fra, first, 0, CH_STATE_QUEUED), 1);
	assert_int_equal(claim(id, 3000, 3), 1);
	assert_int_equal(attempt_of(fra), first + 1);
	GIVES(end(fra, first + 1, 0, CH_STATE_QUEUED), 1);
	commit();
	come_back_from_a_copy();
	begin();
	assert_int_equal(claim(id, 4000, 1), 1);
	commit();
	second = attempt_of(letter_of(id, "K1"));
	assert_in_range(second, first + 0x20000, first + 0x3ffff);
	/* What a worker has was sent while the store was away. */
	item = returned(1, CH_RETURN_DELIVERED, letter_of(id, "K1"), true);
	item.attempt = second + 1 - 0x10000;
	GIVES(come_back(&item), 1);
	assert_int_equal(state_of(letter_of(id, "K1"), 0), CH_STATE_SENT);
	assert_int_equal(attempt_of(letter_of(id, "K1")), second);
}

/* To which of its addresses it went in an attempt that the store does not know,
 * only the reported one is known: no other goes once more by itself. */
static void a_lost_attempt_leaves_the_others_in_doubt(void **state)
{
	int64_t id = batch_with("DM-1", 1, 3);
	int64_t fra = letter_of(id, "K0");
	struct ch_store_return item = returned(1, CH_RETURN_DELIVERED, fra,
					       true);

	(void)state;
	come_back_from_a_copy();
	begin();
	assert_int_equal(claim(id, 5, 1), 1);
	commit();
	item.address_seq = 1;
	item.attempt = attempt_of(fra) - 0x10000;
	GIVES(come_back(&item), 1);
	assert_int_equal(state_of(fra, 0), CH_STATE_IN_DOUBT);
	assert_int_equal(state_of(fra, 1), CH_STATE_SENT);
	assert_int_equal(state_of(fra, 2), CH_STATE_IN_DOUBT);
	begin();
	GIVES(dot(fra, attempt_of(fra), 1), 0);
	commit();
}

static void a_row_that_changed_behind_our_back_stops_the_store(void **state)
{
	int64_t id = batch_with("DM-1", 1, 1);
	int64_t fra = letter_of(id, "K0");

	(void)state;
	begin();
	assert_int_equal(claim(id, 5, 1), 1);
	commit();
	OK(ch_store_settle(store, &err)); /* it holds no lock then */
	behind_our_back("UPDATE address SET state = 6");
	begin();
	GIVES(dot(fra, 1, 1), -1);
	assert_non_null(strstr(err.text, "changed under our hands"));
	assert_int_equal(ch_store_commit(store, &err), -1);
	ch_store_close(store); /* without that turn */
	behind_our_back("UPDATE address SET state = 1");
	OK(database->open(&store, &err));
}

static void nor_is_a_result_put_on_a_row_that_changed(void **state)
{
	static const struct {
		const char *change, *back;
	} rows[] = {
		{ "UPDATE address SET state = 6 WHERE state = 2",
		  "UPDATE address SET state = 2 WHERE state = 6" },
		{ "UPDATE address SET attempt = 2 WHERE attempt = 1",
		  "UPDATE address SET attempt = 1 WHERE attempt = 2" },
	};
	int64_t id = batch_with("DM-1", CH_COUNT(rows), 1);

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		int64_t letter_id = letter_of(id, i == 0 ? "K0" : "K1");

		begin();
		assert_int_equal(claim(id, 5, 1), 1);
		GIVES(dot(letter_id, 1, 1), 1);
		commit();
		OK(ch_store_settle(store, &err));
		behind_our_back(rows[i].change);
		begin();
		GIVES(end(letter_id, 1, 0, CH_STATE_SENT), -1);
		assert_non_null(strstr(err.text, "changed under our hands"));
		assert_int_equal(ch_store_commit(store, &err), -1);
		ch_store_close(store);
		behind_our_back(rows[i].back);
		OK(database->open(&store, &err));
	}
}

static const struct kind sqlite = { sqlite_open, sqlite_make, sqlite_remove };

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest contract[] = {
		cmocka_unit_test(letters_state_is_read_from_its_addresses),
		cmocka_unit_test(names_are_read_back),
		CASE(a_batch_is_read_as_it_was_written),
		CASE(an_import_is_seen_when_it_is_whole),
		CASE(an_import_is_dropped_whole),
		CASE(an_import_is_dropped_in_steps),
		CASE(what_is_there_twice_is_refused_and_the_turn_goes_on),
		CASE(a_batch_changes_from_the_state_it_is_in),
		CASE(refusals_are_counted_and_their_relay_is_kept),
		CASE(a_claim_has_all_that_a_worker_needs),
		CASE(what_is_due_is_claimed_once_and_in_order),
		CASE(a_batch_waits_for_its_time),
		CASE(terms_are_kept),
		CASE(a_canary_is_the_first_letters),
		CASE(a_canary_is_of_one_batch),
		CASE(a_letter_is_put_off),
		CASE(a_letter_has_one_attempt_at_a_time),
		CASE(addresses_of_one_letter_go_their_own_ways),
		CASE(signatures_stay_with_the_first_dot),
		CASE(letters_with_many_addresses),
		CASE(a_dot_needs_its_claim),
		CASE(a_result_needs_its_attempt),
		CASE(a_result_is_told),
		CASE(a_worker_that_is_gone_leaves_doubt_only_after_a_dot),
		CASE(a_letter_given_back_is_as_before),
		CASE(starting_again_requeues_claims_and_doubts_dots),
		CASE(only_these_decisions_can_be_made),
		CASE(a_letter_sent_anew_is_young_again),
		CASE(a_whole_batch_is_decided_on),
		CASE(a_batch_is_decided_on_in_steps),
		CASE(letters_are_listed_by_state),
		CASE(letters_are_found),
		CASE(every_mail_counts_once),
		CASE(mails_go_by_their_age),
		CASE(a_removed_mail_is_still_known),
		CASE(what_is_attached_is_known_for_good),
		CASE(a_copy_is_of_use_as_long_as_its_letter_is_at_the_dot),
		CASE(facts_of_a_letter),
		CASE(who_is_silent),
		CASE(until_when_somebody_is_away),
		CASE(facts_stand_beside_one_another),
		CASE(evidence_ends_a_doubt),
		CASE(evidence_is_of_one_attempt),
		CASE(evidence_of_a_lost_attempt_takes_from_the_queue),
		CASE(evidence_of_an_earlier_attempt_stops_the_next),
		CASE(a_claimed_letter_is_cancelled),
		CASE(a_doubt_names_the_relay_of_its_attempt),
		CASE(a_store_that_came_back_uses_no_number_twice),
		CASE(a_lost_attempt_leaves_the_others_in_doubt),
		CASE(returns_are_listed),
		CASE(mailboxes_are_read_on_where_they_were),
		CASE(events_come_in_order),
		CASE(settings_are_kept),
		CASE(a_turn_knows_whether_it_changed_anything),
		CASE(what_was_not_committed_is_not_there),
		CASE(a_second_opening_is_refused),
		CASE(a_row_that_changed_behind_our_back_stops_the_store),
		CASE(nor_is_a_result_put_on_a_row_that_changed),
	};

	database = &sqlite;
	return cmocka_run_group_tests_name("SQLite", contract, NULL, NULL);
}
