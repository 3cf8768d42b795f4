// SPDX-License-Identifier: GPL-3.0-or-later
/* store-life.c - the life of a few letters in a store, for the tests that stop
 * it at each of its system calls.
 *
 *   store-life run FOLDER    open or create, import if need be, send all
 *   store-life settle FOLDER the same, every third commit into the database
 *   store-life check FOLDER  open, recover, tell what is there
 *   store-life open FOLDER   open and close: the database file has all of it
 *   store-life place FOLDER  whether a store may live there
 *
 * As the daemon, it says a thing on stdout only after the commit that made it
 * so: "import", "claim KEY", "dot KEY", "sent KEY", "deferred KEY", "end"; at
 * each CHANCERY_CRASH_AT may end it. Exit status 75: the store failed; 65: it
 * will not open as it stands.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "store/store.h"
#include "system/power-vfs.h"

#define LETTERS 6

static struct ch_error err;
static struct ch_store *store;

static unsigned int settles; /* 0: never; else how many commits there were */

static void stop(int status)
{
	fprintf(stderr, "store-life: %s\n", err.text);
	fflush(stdout);
	_Exit(status); /* as a daemon that does not trust what it has */
}

static void must(int64_t result)
{
	if (result < 0)
		stop(75);
}

static void say(const char *what, const char *key)
{
	char line[100];

	if (settles > 0 && settles++ % 3 == 0)
		must(ch_store_settle(store, &err));
	snprintf(line, sizeof(line), "%s%s%s", what, *key ? " " : "", key);
	puts(line);
	fflush(stdout);
	ch_crash_point(line);
}

static void add_letter(int64_t batch_id, int number)
{
	char key[] = { 'K', (char)('0' + number), '\0' };
	char fields[600];
	char address[] = "minister@ministry.example";
	struct ch_store_address to[2] = { { .address = address },
					  { .address = address, .role = 1 } };
	struct ch_store_letter letter = {
		.key = key, .name = key, .language = key, .message_id = key,
		.fields = { fields, sizeof(fields), 0, sizeof(fields), false },
		.addresses = to, .addresses_len = 2,
	};

	memset(fields, 'x', sizeof(fields));
	must(ch_store_letter_add(store, batch_id, &letter, &err));
}

static void import(void)
{
	char reference[] = "DM-1";
	struct ch_store_batch batch = { .reference = reference,
					.letters = LETTERS };
	int64_t id;

	must(ch_store_begin(store, &err));
	must(ch_store_batch_create(store, &batch, &id, &err));
	for (int i = 0; i < LETTERS; i++) {
		if (i == LETTERS / 2) { /* rows of an import may be on the */
			must(ch_store_commit(store, &err)); /* disk before */
			must(ch_store_begin(store, &err)); /* it is whole */
		}
		add_letter(id, i);
	}
	must(ch_store_batch_publish(store, id, &batch, CH_BATCH_OPEN, &err));
	must(ch_store_commit(store, &err));
	say("import", "");
}

static void result(const struct ch_store_letter *letter, uint32_t seq,
		   enum ch_state to)
{
	const struct ch_store_result said = {
		.seq = seq, .to = to, .code = to == CH_STATE_SENT ? 250 : 450,
		.reply = ch_slice_of("said so"), .next_at_us = 1,
	};

	if (ch_store_result(store, letter->id, letter->attempt, &said, 1,
			    &err) != 1)
		stop(75);
}

static void commit_and_say(const char *what, const char *key)
{
	must(ch_store_commit(store, &err));
	say(what, key);
	must(ch_store_begin(store, &err));
}

/* The third letter is deferred the first time. */
static void send_letter(const struct ch_store_letter *letter)
{
	static const struct ch_sha256 sum = { { 7 } };
	static const uint32_t seqs[] = { 0, 1 };
	bool deferred = strcmp(letter->key, "K2") == 0 && letter->attempt == 1;
	enum ch_state to = deferred ? CH_STATE_QUEUED : CH_STATE_SENT;

	commit_and_say("claim", letter->key);
	if (ch_store_dot(store, letter->id, letter->attempt, seqs, 2, &sum, 9,
			 NULL, 1, &err) != 1)
		stop(75);
	commit_and_say("dot", letter->key);
	result(letter, 0, to);
	result(letter, 1, to);
	commit_and_say(deferred ? "deferred" : "sent", letter->key);
}

static void send_all(int64_t batch_id)
{
	struct ch_store_letter *letters;
	size_t len;

	do {
		must(ch_store_begin(store, &err));
		must(ch_store_claim(store, batch_id, 2, 1, &letters, &len,
				    &err));
		if (len > 0)
			send_letter(&letters[0]);
		must(ch_store_commit(store, &err));
		ch_store_letters_free(letters, len);
	} while (len > 0);
}

static void open_only(const char *folder)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/store.db", folder);
	if (ch_store_open(path, &store, &err) < 0)
		stop(err.fate == CH_GIVE_UP ? 65 : 75);
}

static void open_store(const char *folder)
{
	struct ch_recovery recovery;

	open_only(folder);
	if (ch_store_is_restored(store)) {
		say("restored", "");
		must(ch_store_begin(store, &err));
		must(ch_store_set(store, "paused", ch_slice_of("yes"), &err));
		must(ch_store_commit(store, &err));
	}
	must(ch_store_recover(store, 1, &recovery, &err));
}

static int run(const char *folder)
{
	CH_AUTO(ch_store_batch) batch = { 0 };
	CH_AUTO(ch_str) paused = CH_STR_INIT(10);
	int found;

	open_store(folder);
	must(ch_store_get(store, "paused", &paused, &err));
	if (paused.len > 0) {
		say("paused", "");
		ch_store_close(store);
		return 0;
	}
	found = ch_store_batch_by_reference(store, "DM-1", &batch, &err);
	must(found);
	if (found == 0) {
		import();
		must(ch_store_batch_by_reference(store, "DM-1", &batch, &err));
	}
	send_all(batch.id);
	say("end", "");
	ch_store_close(store);
	return 0;
}

static int check(const char *folder)
{
	CH_AUTO(ch_store_batch) batch = { 0 };
	struct ch_store_letter *letters;
	size_t len;

	open_store(folder);
	must(ch_store_batch_by_reference(store, "DM-1", &batch, &err));
	must(ch_store_letters(store, batch.id, CH_STATES, 0, 99, &letters,
			      &len, &err));
	for (size_t i = 0; i < len; i++)
		say(letters[i].key, ch_state_name(letters[i].state));
	ch_store_letters_free(letters, len);
	ch_store_close(store);
	return 0;
}

int main(int argc, char **argv)
{
	power_vfs_init();
	settles = argc == 3 && strcmp(argv[1], "settle") == 0;
	if (argc == 3 && (settles > 0 || strcmp(argv[1], "run") == 0))
		return run(argv[2]);
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return check(argv[2]);
	if (argc == 3 && strcmp(argv[1], "open") == 0) {
		open_only(argv[2]);
		ch_store_close(store);
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "place") == 0) {
		if (ch_store_check_place(argv[2], &err) < 0)
			stop(err.fate == CH_GIVE_UP ? 65 : 75);
		return 0;
	}
	fprintf(stderr, "store-life run|settle|check|open|place FOLDER\n");
	return 64;
}
