// SPDX-License-Identifier: GPL-3.0-or-later
/* letters.c - letters come in, once, and are read. */
#include "store/store-private.h"

#include <stdlib.h>
#include <strings.h>

#define FIELDS_MAX (16 * 1024 * 1024)

int64_t ch_message_mark(const char *message_id)
{
	struct ch_sha256 sum;
	int64_t mark;

	ch_sha256_of(message_id, strlen(message_id), &sum);
	memcpy(&mark, sum.bytes, sizeof(mark));
	return mark;
}

/* ---- in --------------------------------------------------------------- */

static int add_address(struct ch_store *store, int64_t batch_id,
		       int64_t letter_id, size_t seq,
		       const struct ch_store_address *address,
		       struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO address (letter_id, seq, batch_id, role, state, "
		"attempt, next_at_us, first_at_us, changed_us, code, address, "
		"status, reply) "
		"VALUES (?, ?, ?, ?, 0, 0, 0, 0, ?, 0, ?, '', x'')");

	ch_query_put_int(&q, letter_id);
	ch_query_put_int(&q, (int64_t)seq);
	ch_query_put_int(&q, batch_id);
	ch_query_put_int(&q, address->role);
	ch_query_put_int(&q, address->changed_us);
	ch_query_put_text(&q, address->address);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

static int add_row(struct ch_store *store, int64_t batch_id,
		   const struct ch_store_letter *letter, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO letter (id, batch_id, message_mark, key, name, "
		"language, message_id, fields) VALUES (CASE WHEN ?1 > "
		"(SELECT coalesce(max(id), 0) FROM letter) THEN ?1 END, "
		"?2, ?3, ?4, ?5, ?6, ?7, ?8)");

	ch_query_put_int(&q, store->letter_floor);
	ch_query_put_int(&q, batch_id);
	ch_query_put_int(&q, ch_message_mark(letter->message_id));
	ch_query_put_text(&q, letter->key);
	ch_query_put_text(&q, letter->name);
	ch_query_put_text(&q, letter->language);
	ch_query_put_text(&q, letter->message_id);
	ch_query_put_blob(&q, letter->fields.data, letter->fields.len);
	if (ch_query_run(&q, err) >= 0)
		return 0;
	if (sqlite3_extended_errcode(store->db) == SQLITE_CONSTRAINT_UNIQUE)
		ch_error_set(err, CH_GIVE_UP,
			     "%s is there twice in this batch", letter->key);
	return -1;
}

int ch_store_letter_add(struct ch_store *store, int64_t batch_id,
			const struct ch_store_letter *letter,
			struct ch_error *err)
{
	struct ch_batch_memory *batch = ch_store_batch_memory(store, batch_id);
	int64_t letter_id;

	if (!batch || batch->state != CH_BATCH_IMPORTING)
		return ch_error_set(err, CH_GIVE_UP,
				    "batch %lld is not being imported",
				    (long long)batch_id);
	if (letter->addresses_len == 0)
		return ch_error_set(err, CH_GIVE_UP, "%s has no address",
				    letter->key);
	if (add_row(store, batch_id, letter, err) < 0)
		return -1;
	letter_id = sqlite3_last_insert_rowid(store->db);
	for (size_t i = 0; i < letter->addresses_len; i++) {
		if (add_address(store, batch_id, letter_id, i,
				&letter->addresses[i], err) < 0)
			return -1;
	}
	batch->tally.state[CH_STATE_QUEUED]++;
	batch->last_letter = letter_id;
	return 0;
}

int64_t ch_store_address_add(struct ch_store *store, int64_t letter_id,
			     uint32_t role, const char *address,
			     int64_t now_us, struct ch_error *err)
{
	CH_AUTO(ch_standing) before = { 0 };
	CH_AUTO(ch_standing) after = { 0 };
	CH_AUTOCHAR text = ch_xstrdup(address);
	const struct ch_store_address more = { .role = role, .address = text,
					       .changed_us = now_us };
	size_t seq = 0;

	if (ch_standing_read(store, letter_id, &before, err) < 0)
		return -1;
	for (size_t i = 0; i < before.len; i++)
		if (before.stands[i].seq >= seq)
			seq = before.stands[i].seq + 1;
	ch_standing_forget(store, letter_id);
	ch_tally_leave(store, &before);
	if (add_address(store, before.batch_id, letter_id, seq, &more,
			err) < 0 ||
	    ch_standing_read(store, letter_id, &after, err) < 0)
		return -1;
	ch_tally_enter(store, &after);
	return (int64_t)seq;
}

/* ---- out -------------------------------------------------------------- */

static void read_address(const struct ch_query *q,
			 struct ch_store_address *ret)
{
	ret->seq = (uint32_t)ch_query_int(q, 0);
	ret->role = (uint32_t)ch_query_int(q, 1);
	ret->address = ch_query_text(q, 2);
	ret->state = (enum ch_state)ch_query_int(q, 3);
	ret->code = (uint32_t)ch_query_int(q, 4);
	ret->status = ch_query_text(q, 5);
	ret->reply = ch_query_text(q, 6);
	ret->next_at_us = ch_query_int(q, 7);
	ret->changed_us = ch_query_int(q, 8);
	ret->relay = sqlite3_column_bytes(q->stmt, 11) > 0 ?
			     ch_query_text(q, 11) : NULL;
}

/* What the letter's attempt and age are, from one more of its addresses. */
static void count_in(struct ch_store_letter *letter, enum ch_state state,
		     uint32_t attempt, int64_t first_at_us)
{
	if (attempt > letter->attempt)
		letter->attempt = attempt;
	if (state != CH_STATE_QUEUED && state != CH_STATE_CLAIMED &&
	    state != CH_STATE_DOT)
		return;
	if (first_at_us != 0 && (letter->first_at_us == 0 ||
				 first_at_us < letter->first_at_us))
		letter->first_at_us = first_at_us;
}

static void derive_state(struct ch_store_letter *letter)
{
	enum ch_state *states = ch_xcalloc(letter->addresses_len,
					   sizeof(*states));

	for (size_t i = 0; i < letter->addresses_len; i++)
		states[i] = letter->addresses[i].state;
	letter->state = ch_state_of_letter(states, letter->addresses_len);
	free(states);
}

static int read_addresses(struct ch_store *store, int64_t letter_id,
			  struct ch_store_letter *letter, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT seq, role, address, state, code, status, reply, "
		"next_at_us, changed_us, attempt, first_at_us, relay "
		"FROM address "
		"WHERE letter_id = ? ORDER BY seq");
	size_t cap = 0;
	int got;

	ch_query_put_int(&q, letter_id);
	while ((got = ch_query_row(&q, err)) > 0) {
		struct ch_store_address *address;

		CH_GROW(letter->addresses, letter->addresses_len, cap);
		address = &letter->addresses[letter->addresses_len++];
		read_address(&q, address);
		count_in(letter, address->state,
			 (uint32_t)ch_query_int(&q, 9), ch_query_int(&q, 10));
	}
	if (got == 0)
		derive_state(letter);
	return got;
}

static void read_facts(unsigned int facts, struct ch_store_letter *letter)
{
	letter->bounced = facts & CH_FACT_BOUNCED;
	letter->delayed = facts & CH_FACT_DELAYED;
	letter->delivered = facts & CH_FACT_DELIVERED;
	letter->auto_replied = facts & CH_FACT_AUTO_REPLIED;
	letter->answered = facts & CH_FACT_ANSWERED;
	letter->read = facts & CH_FACT_READ;
}

/* Of what counts as an automatic answer to it: not what was guessed. */
static int read_away(struct ch_store *store, struct ch_store_letter *letter,
		     struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT away_until FROM returned WHERE letter_id = ? "
		"AND letter_id <> 0 AND kind = ? AND away_until <> '' "
		"AND (verified <> 0 OR match <> ?) ORDER BY id DESC LIMIT 1");
	int got;

	ch_query_put_int(&q, letter->id);
	ch_query_put_int(&q, CH_RETURN_AUTOREPLY);
	ch_query_put_int(&q, CH_MATCH_REFERENCE);
	got = ch_query_row(&q, err);
	letter->away_until = got > 0 ? ch_query_text(&q, 0) : ch_xstrdup("");
	return got < 0 ? -1 : 0;
}

static int read_row(struct ch_store *store, int64_t letter_id,
		    bool with_fields, struct ch_store_letter *letter,
		    struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT l.batch_id, l.key, l.name, l.language, l.message_id, "
		"l.facts, m.sha256, m.size_bytes, l.fields FROM letter l "
		"LEFT JOIN message m ON m.letter_id = l.id WHERE l.id = ?");
	int got;

	ch_query_put_int(&q, letter_id);
	got = ch_query_row(&q, err);
	if (got <= 0)
		return got;
	letter->id = letter_id;
	letter->batch_id = ch_query_int(&q, 0);
	letter->key = ch_query_text(&q, 1);
	letter->name = ch_query_text(&q, 2);
	letter->language = ch_query_text(&q, 3);
	letter->message_id = ch_query_text(&q, 4);
	read_facts((unsigned int)ch_query_int(&q, 5), letter);
	ch_query_sha256(&q, 6, &letter->sha256);
	letter->size_bytes = (uint64_t)ch_query_int(&q, 7);
	ch_str_init(&letter->fields, FIELDS_MAX);
	if (with_fields)
		ch_str_add_mem(&letter->fields, sqlite3_column_blob(q.stmt, 8),
			       (size_t)sqlite3_column_bytes(q.stmt, 8));
	if (letter->auto_replied && read_away(store, letter, err) < 0)
		return -1;
	return 1;
}

int ch_store_read_letter(struct ch_store *store, int64_t letter_id,
			 bool with_fields, struct ch_store_letter *ret,
			 struct ch_error *err)
{
	CH_AUTO(ch_store_letter) letter = { 0 };
	int got = read_row(store, letter_id, with_fields, &letter, err);

	if (got <= 0)
		return got;
	if (read_addresses(store, letter_id, &letter, err) < 0)
		return -1;
	*ret = letter;
	letter = (struct ch_store_letter){ 0 };
	return 1;
}

/* Letters of a batch that is being imported are nobody's to see. */
static bool shown(struct ch_store *store, int64_t batch_id)
{
	const struct ch_batch_memory *batch =
		ch_store_batch_memory(store, batch_id);

	return batch && batch->state != CH_BATCH_IMPORTING;
}

int ch_store_letter_by_id(struct ch_store *store, int64_t letter_id,
			  struct ch_store_letter *ret, struct ch_error *err)
{
	struct ch_store_letter letter = { 0 };
	int got = ch_store_read_letter(store, letter_id, true, &letter, err);

	if (got > 0 && !shown(store, letter.batch_id)) {
		ch_store_letter_release(&letter);
		return 0;
	}
	if (got > 0)
		*ret = letter;
	return got;
}

int ch_store_letter_by_key(struct ch_store *store, int64_t batch_id,
			   const char *key, struct ch_store_letter *ret,
			   struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT id FROM letter WHERE batch_id = ? AND key = ?");
	int got;

	ch_query_put_int(&q, batch_id);
	ch_query_put_text(&q, key);
	got = ch_query_row(&q, err);
	if (got <= 0)
		return got;
	return ch_store_letter_by_id(store, ch_query_int(&q, 0), ret, err);
}

int ch_store_letter_by_message_id(struct ch_store *store,
				  const char *message_id,
				  struct ch_store_letter *ret,
				  struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT id FROM letter WHERE message_mark = ? "
		"AND message_id = ?");
	int got;

	ch_query_put_int(&q, ch_message_mark(message_id));
	ch_query_put_text(&q, message_id);
	got = ch_query_row(&q, err);
	if (got <= 0)
		return got;
	return ch_store_letter_by_id(store, ch_query_int(&q, 0), ret, err);
}

static bool is_in(struct ch_slice domain, const char *address)
{
	const char *at = strrchr(address, '@');

	return at && strlen(at + 1) == domain.len &&
	       strncasecmp(at + 1, domain.data, domain.len) == 0;
}

int ch_store_letter_of_domain(struct ch_store *store, int64_t batch_id,
			      struct ch_slice domain, uint64_t most,
			      int64_t *ret_letter_id, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT a.letter_id, a.address FROM letter l JOIN address a "
		"ON a.letter_id = l.id WHERE l.batch_id = ? LIMIT ?");
	int64_t found = 0;
	bool several = false;
	uint64_t rows = 0;
	int got;

	ch_query_put_int(&q, batch_id);
	ch_query_put_int(&q, (int64_t)most + 1);
	while ((got = ch_query_row(&q, err)) > 0) {
		CH_AUTOCHAR address = ch_query_text(&q, 1);
		int64_t id = ch_query_int(&q, 0);

		rows++;
		if (!is_in(domain, address))
			continue;
		several |= found != 0 && found != id;
		found = id;
	}
	*ret_letter_id = several || rows > most ? 0 : found;
	return got < 0 ? -1 : 0;
}

/* ---- lists ------------------------------------------------------------ */

/* Which rows to walk for letters that have an address in `state`: the index of
 * what a person looks for, or the addresses as they lie (the plus keeps the
 * planner from walking the batch's queue instead). */
static const char *ids_query(enum ch_state state)
{
	switch (state) {
	case CH_STATES:
		return "SELECT id FROM letter WHERE +batch_id = ?1 "
		       "AND id > ?2 AND id <= ?3 ORDER BY id";
	case CH_STATE_FAILED:
	case CH_STATE_IN_DOUBT:
	case CH_STATE_HELD:
		return "SELECT letter_id FROM address "
		       "INDEXED BY address_trouble "
		       "WHERE (state = 4 OR state = 5 OR state = 7) "
		       "AND batch_id = ?1 AND state = ?4 "
		       "AND letter_id > ?2 AND letter_id <= ?3 "
		       "ORDER BY letter_id";
	default:
		return "SELECT letter_id FROM address WHERE +batch_id = ?1 "
		       "AND +state = ?4 AND letter_id > ?2 AND letter_id <= ?3 "
		       "ORDER BY letter_id, seq";
	}
}

int ch_store_letter_ids(struct ch_store *store, int64_t batch_id,
			enum ch_state state, int64_t after_id, size_t limit,
			int64_t *ret, struct ch_error *err)
{
	const struct ch_batch_memory *batch =
		ch_store_batch_memory(store, batch_id);
	CH_AUTO(ch_query) q = ch_query(store, ids_query(state));
	size_t len = 0;
	int got = 0;

	ch_query_put_int(&q, batch_id);
	ch_query_put_int(&q, after_id);
	ch_query_put_int(&q, batch ? batch->last_letter : 0);
	if (state != CH_STATES)
		ch_query_put_int(&q, state);
	while (len < limit && (got = ch_query_row(&q, err)) > 0) {
		int64_t id = ch_query_int(&q, 0);

		if (len == 0 || ret[len - 1] != id)
			ret[len++] = id;
	}
	return got < 0 ? -1 : (int)len;
}

/* Read those of the ids whose own state is the one asked for. */
static int read_some(struct ch_store *store, const int64_t *ids, size_t ids_len,
		     enum ch_state state, struct ch_store_letter *letters,
		     size_t *len, size_t limit, struct ch_error *err)
{
	for (size_t i = 0; i < ids_len && *len < limit; i++) {
		struct ch_store_letter letter = { 0 };

		if (ch_store_read_letter(store, ids[i], false, &letter,
					 err) < 0)
			return -1;
		if (state == CH_STATES || letter.state == state)
			letters[(*len)++] = letter;
		else
			ch_store_letter_release(&letter);
	}
	return 0;
}

#define IDS_AT_ONCE 256

int ch_store_letters(struct ch_store *store, int64_t batch_id,
		     enum ch_state state, int64_t after_id, size_t limit,
		     struct ch_store_letter **ret, size_t *ret_len,
		     struct ch_error *err)
{
	struct ch_store_letter *letters = NULL;
	size_t cap = 0;
	size_t len = 0;
	int64_t ids[IDS_AT_ONCE];
	int got = shown(store, batch_id) ? IDS_AT_ONCE : 0;

	while (got == IDS_AT_ONCE && len < limit) {
		got = ch_store_letter_ids(store, batch_id, state, after_id,
					  IDS_AT_ONCE, ids, err);
		if (got <= 0)
			break;
		after_id = ids[got - 1];
		while (cap < len + IDS_AT_ONCE) {
			cap += IDS_AT_ONCE;
			letters = ch_xreallocarray(letters, cap,
						   sizeof(*letters));
		}
		if (read_some(store, ids, (size_t)got, state, letters, &len,
			      limit, err) < 0)
			got = -1;
	}
	if (got < 0) {
		ch_store_letters_free(letters, len);
		return -1;
	}
	*ret = letters;
	*ret_len = len;
	return 0;
}
