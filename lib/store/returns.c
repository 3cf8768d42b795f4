// SPDX-License-Identifier: GPL-3.0-or-later
/* returns.c - what came back, once each, and what it proves. */
#include "store/store-private.h"

#include <stdlib.h>

static unsigned int fact_of(uint32_t kind)
{
	switch (kind) {
	case CH_RETURN_BOUNCE_HARD:
	case CH_RETURN_BOUNCE_SOFT:
		return CH_FACT_BOUNCED;
	case CH_RETURN_DELAYED:
		return CH_FACT_DELAYED;
	case CH_RETURN_DELIVERED:
		return CH_FACT_DELIVERED;
	case CH_RETURN_MDN:
		return CH_FACT_READ;
	case CH_RETURN_AUTOREPLY:
		return CH_FACT_AUTO_REPLIED;
	case CH_RETURN_REPLY:
		return CH_FACT_ANSWERED;
	default: /* a complaint, or something else */
		return 0;
	}
}

/* What the mail says about its letter. Few addressees return our token, so an
 * answer counts by its references too; the rest only when verified. */
static unsigned int facts_of(const struct ch_store_return *item)
{
	unsigned int fact = fact_of(item->kind);

	if (item->verified)
		return fact;
	if (item->match == CH_MATCH_REFERENCE)
		return 0;
	return fact & (CH_FACT_ANSWERED | CH_FACT_AUTO_REPLIED);
}

static const char *evidence_name(unsigned int fact)
{
	switch (fact) {
	case CH_FACT_BOUNCED:
		return "bounce";
	case CH_FACT_DELAYED:
		return "delay";
	case CH_FACT_DELIVERED:
		return "delivery";
	case CH_FACT_READ:
		return "receipt";
	case CH_FACT_AUTO_REPLIED:
		return "auto-reply";
	default:
		return "answer";
	}
}

/* ---- what it proves --------------------------------------------------- */

/* What shows that a letter was sent. */
struct proof {
	const char *evidence; /* for people */
	int64_t letter_id;
	int64_t address_seq; /* it is about that one; -1: whichever it went to */
	uint32_t attempt;    /* 0: not said */
	int64_t return_id;   /* 0: it is kept nowhere */
	int64_t now_us;
};

/* The attempt whose message the evidence is about; 0 where it may be one of
 * several. */
static uint32_t attempt_of(struct ch_standing *standing,
			   const struct proof *proof)
{
	uint32_t attempt = 0;

	if (proof->attempt != 0)
		return proof->attempt;
	if (proof->address_seq >= 0) {
		const struct ch_stand *stand = ch_standing_find(
			standing, (uint32_t)proof->address_seq);

		return stand ? stand->attempt : 0;
	}
	for (size_t i = 0; i < standing->len; i++) {
		uint32_t other = standing->stands[i].attempt;

		if (attempt != 0 && other != 0 && other != attempt)
			return 0;
		if (other != 0)
			attempt = other;
	}
	return attempt;
}

static int tell(struct ch_store *store, const char *event,
		const struct ch_standing *standing,
		const struct ch_stand *stand, const struct proof *proof,
		const char *key, const char *text, struct ch_error *err)
{
	CH_AUTO(ch_str) detail = CH_STR_INIT(CH_JSON_MAX);

	ch_json_int(&detail, "seq", stand->seq);
	ch_json_int(&detail, "attempt", stand->attempt);
	ch_json_text(&detail, key, ch_slice_of(text));
	if (proof->return_id != 0)
		ch_json_int(&detail, "return", proof->return_id);
	return ch_store_event_add(store, event, standing->batch_id,
				  standing->letter_id, "",
				  ch_json_end(&detail), proof->now_us, err);
}

static int tell_sent(struct ch_store *store, const struct ch_standing *standing,
		     const struct ch_stand *stand, const struct proof *proof,
		     struct ch_error *err)
{
	return tell(store, "letter.sent", standing, stand, proof, "evidence",
		    proof->evidence, err);
}

static int tell_lost(struct ch_store *store, const struct ch_standing *standing,
		     const struct ch_stand *stand, const struct proof *proof,
		     struct ch_error *err)
{
	return tell(store, "letter.in_doubt", standing, stand, proof, "why",
		    "it was sent in an attempt that this store does not know",
		    err);
}

static int take_from_queue(struct ch_store *store, struct ch_stand *stand,
			   enum ch_state to, const struct proof *proof,
			   struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE address SET state = ?, attempt = ?, next_at_us = 0, "
		"changed_us = ? WHERE letter_id = ? AND seq = ? AND state = ?");
	uint32_t attempt = proof->attempt;

	/* Numbers never go back: one that was used is not used again. */
	if (attempt < stand->attempt)
		attempt = stand->attempt;
	ch_standing_forget(store, proof->letter_id);
	ch_query_put_int(&q, to);
	ch_query_put_int(&q, attempt);
	ch_query_put_int(&q, proof->now_us);
	ch_query_put_int(&q, proof->letter_id);
	ch_query_put_int(&q, stand->seq);
	ch_query_put_int(&q, stand->state);
	if (ch_query_run(&q, err) < 0)
		return -1;
	stand->state = to;
	stand->attempt = attempt;
	return 0;
}

/* What has no dot yet, though a worker may have it: it will be refused its dot.
 */
static bool may_be_taken(const struct ch_stand *stand)
{
	return stand->state == CH_STATE_QUEUED ||
	       stand->state == CH_STATE_CLAIMED;
}

/* The attempt is one that the store does not know: it came back from a backup
 * since, or has a twin. The letter has gone all the same, and what waits of it
 * must not go once more by itself. Which of several addresses it went to is
 * known of the reported one alone. */
static int prove_lost(struct ch_store *store, const struct proof *proof,
		      struct ch_standing *standing, struct ch_error *err)
{
	ch_tally_leave(store, standing);
	for (size_t i = 0; i < standing->len; i++) {
		struct ch_stand *stand = &standing->stands[i];
		bool named = standing->len == 1 ||
			     (int64_t)stand->seq == proof->address_seq;
		int told;

		if (!may_be_taken(stand))
			continue;
		if (take_from_queue(store, stand,
				    named ? CH_STATE_SENT : CH_STATE_IN_DOUBT,
				    proof, err) < 0)
			return -1;
		told = named ? tell_sent(store, standing, stand, proof, err) :
			       tell_lost(store, standing, stand, proof, err);
		if (told < 0)
			return -1;
	}
	ch_tally_enter(store, standing);
	return 0;
}

/* Which waits to be sent once more, or is with a worker for that, and the proof
 * is about an earlier attempt: a person has said "resend", or the relay
 * has taken what it refused for now. */
static bool would_go_twice(const struct ch_standing *standing,
			   const struct ch_stand *stand,
			   const struct proof *proof)
{
	if (proof->attempt == 0 ||
	    (standing->len > 1 && (int64_t)stand->seq != proof->address_seq))
		return false;
	return stand->state == CH_STATE_QUEUED ||
	       (stand->state == CH_STATE_CLAIMED &&
		stand->attempt > proof->attempt);
}

/* One dot, one reply: what proves that the relay took the message for one
 * address proves it for all that were in doubt in the same attempt. */
static int prove(struct ch_store *store, const struct proof *proof,
		 struct ch_standing *standing, struct ch_error *err)
{
	const struct ch_move sent = { .to = CH_STATE_SENT };
	uint32_t attempt = attempt_of(standing, proof);
	int lost;

	if (attempt == 0)
		return 0;
	lost = ch_attempt_is_lost(store, standing, attempt, err);
	if (lost != 0)
		return lost < 0 ? -1 : prove_lost(store, proof, standing, err);
	ch_tally_leave(store, standing);
	for (size_t i = 0; i < standing->len; i++) {
		struct ch_stand *stand = &standing->stands[i];

		if (!would_go_twice(standing, stand, proof) &&
		    (stand->state != CH_STATE_IN_DOUBT ||
		     stand->attempt != attempt))
			continue;
		if (ch_store_move(store, proof->letter_id, stand, &sent,
				  proof->now_us, err) < 0 ||
		    tell_sent(store, standing, stand, proof, err) < 0)
			return -1;
	}
	ch_tally_enter(store, standing);
	return 0;
}

static int prove_sent(struct ch_store *store,
		      const struct ch_store_return *item, int64_t return_id,
		      int64_t now_us, struct ch_error *err)
{
	const struct proof proof = {
		.evidence = evidence_name(fact_of(item->kind)),
		.letter_id = item->letter_id,
		.address_seq = item->address_seq,
		.attempt = item->attempt,
		.return_id = return_id,
		.now_us = now_us,
	};
	CH_AUTO(ch_standing) standing = { 0 };

	if (ch_standing_read(store, item->letter_id, &standing, err) < 0)
		return -1;
	return prove(store, &proof, &standing, err);
}

static int set_facts(struct ch_store *store, int64_t letter_id,
		     unsigned int facts, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE letter SET facts = ? WHERE id = ?");

	ch_query_put_int(&q, facts);
	ch_query_put_int(&q, letter_id);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

int ch_facts_add(struct ch_store *store, int64_t batch_id, int64_t letter_id,
		 unsigned int before, unsigned int facts,
		 struct ch_error *err)
{
	unsigned int fresh = facts & ~before;
	struct ch_batch_memory *batch = ch_store_batch_memory(store, batch_id);

	if (fresh == 0)
		return 0;
	if (batch)
		ch_tally_facts(&batch->tally, fresh, 1);
	if (!(before & CH_FACTS_HEARD) && fresh & CH_FACTS_HEARD &&
	    ch_tally_hear(store, letter_id, err) < 0)
		return -1;
	return set_facts(store, letter_id, before | fresh, err);
}

/* ---- adding ----------------------------------------------------------- */

/* The letter's batch and facts; 1, 0, -1. */
static int letter_of(struct ch_store *store, int64_t letter_id,
		     int64_t *ret_batch_id, unsigned int *ret_facts,
		     struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT batch_id, facts FROM letter WHERE id = ?");
	int got;

	ch_query_put_int(&q, letter_id);
	got = ch_query_row(&q, err);
	if (got > 0) {
		*ret_batch_id = ch_query_int(&q, 0);
		*ret_facts = (unsigned int)ch_query_int(&q, 1);
	}
	return got;
}

/* The same mail that came another way, or to another mailbox as well: its bytes
 * differ, its Message-ID and what it says do not. A stranger who copies a
 * Message-ID hides nothing, nor does a mail system that gives it to all:
 * another text is another mail, and the verified one is not the same as his. */
static int is_there(struct ch_store *store, const struct ch_store_return *item,
		    struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT 1 FROM returned WHERE letter_id = ? "
		"AND message_id = ? AND kind = ? AND part = ? "
		"AND verified >= ? AND sender = ? AND text = ? "
		"AND attachments = ? LIMIT 1");

	if (item->letter_id == 0 || !item->message_id || !*item->message_id)
		return 0;
	ch_query_put_int(&q, item->letter_id);
	ch_query_put_text(&q, item->message_id);
	ch_query_put_int(&q, item->kind);
	ch_query_put_int(&q, item->part);
	ch_query_put_int(&q, item->verified);
	ch_query_put_text(&q, item->from);
	ch_query_put_text(&q, item->text);
	ch_query_put_int(&q, item->attachments);
	return ch_query_row(&q, err);
}

/* Values of a row, in the order in which all statements name the columns. */
static void put_place(struct ch_query *q, const struct ch_store_return *item)
{
	ch_query_put_text(q, item->mailbox);
	ch_query_put_text(q, item->folder);
	ch_query_put_int(q, item->uidvalidity);
	ch_query_put_int(q, item->uid);
}

static void put_bytes(struct ch_query *q, const struct ch_store_return *item)
{
	ch_query_put_blob(q, item->sha256.bytes, CH_SHA256_SIZE);
	ch_query_put_int(q, (int64_t)item->size_bytes);
	ch_query_put_int(q, item->received_us);
}

static void put_words(struct ch_query *q, const struct ch_store_return *item)
{
	ch_query_put_text(q, item->from);
	ch_query_put_text(q, item->subject);
	ch_query_put_text(q, item->text);
	ch_query_put_int(q, item->attachments);
}

static void put_report(struct ch_query *q, const struct ch_store_return *item)
{
	ch_query_put_text(q, item->recipient);
	ch_query_put_text(q, item->status);
	ch_query_put_text(q, item->diagnostic);
	ch_query_put_text(q, item->reason);
	ch_query_put_text(q, item->says);
	ch_query_put_text(q, item->away_until);
}

/* The same mail without proof, which came before: its id and how it was matched.
 * All that people are shown is compared. The row that has these very bytes comes
 * first: with a key that was put back they are proof. */
static int find_unproved(struct ch_store *store,
			 const struct ch_store_return *item, int64_t *ret_id,
			 enum ch_match *ret_match, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT id, match FROM returned WHERE letter_id = ? "
		"AND message_id = ? AND kind = ? AND part = ? "
		"AND verified = 0 AND sender = ? AND subject = ? "
		"AND text = ? AND attachments = ? AND recipient = ? "
		"AND status = ? AND diagnostic = ? AND reason = ? "
		"AND says = ? AND away_until = ? "
		"ORDER BY sha256 = ? DESC, id LIMIT 1");
	int got;

	if (!item->verified || item->letter_id == 0 || !item->message_id ||
	    !*item->message_id)
		return 0;
	ch_query_put_int(&q, item->letter_id);
	ch_query_put_text(&q, item->message_id);
	ch_query_put_int(&q, item->kind);
	ch_query_put_int(&q, item->part);
	put_words(&q, item);
	put_report(&q, item);
	ch_query_put_blob(&q, item->sha256.bytes, CH_SHA256_SIZE);
	got = ch_query_row(&q, err);
	if (got > 0) {
		*ret_id = ch_query_int(&q, 0);
		*ret_match = (enum ch_match)ch_query_int(&q, 1);
	}
	return got;
}

/* The row is of the mail with proof from here on: what proves it are its bytes.
 * 0: another row has them. */
static int put_proof(struct ch_store *store,
		     const struct ch_store_return *item, int64_t id,
		     struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE OR IGNORE returned SET mailbox = ?, folder = ?, "
		"uidvalidity = ?, uid = ?, sha256 = ?, size_bytes = ?, "
		"received_us = ?, rule = ?, fault = ?, address_seq = ?, "
		"attempt = ?, match = ?, verified = 1 WHERE id = ?");

	put_place(&q, item);
	put_bytes(&q, item);
	ch_query_put_text(&q, item->rule);
	ch_query_put_text(&q, item->fault);
	ch_query_put_int(&q, item->address_seq);
	ch_query_put_int(&q, item->attempt);
	ch_query_put_int(&q, item->match);
	ch_query_put_int(&q, id);
	return ch_query_run(&q, err);
}

static int insert(struct ch_store *store, const struct ch_store_return *item,
		  int64_t batch_id, int64_t now_us, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO returned (mailbox, folder, uidvalidity, uid, part, "
		"sha256, size_bytes, received_us, added_us, kind, rule, "
		"fault, message_id, sender, subject, text, attachments, "
		"batch_id, letter_id, address_seq, attempt, match, verified, "
		"recipient, status, diagnostic, reason, says, away_until) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
		"?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
		"ON CONFLICT DO NOTHING");

	put_place(&q, item);
	ch_query_put_int(&q, item->part);
	put_bytes(&q, item);
	ch_query_put_int(&q, now_us);
	ch_query_put_int(&q, item->kind);
	ch_query_put_text(&q, item->rule);
	ch_query_put_text(&q, item->fault);
	ch_query_put_text(&q, item->message_id);
	put_words(&q, item);
	ch_query_put_int(&q, batch_id);
	ch_query_put_int(&q, item->letter_id);
	ch_query_put_int(&q, item->address_seq);
	ch_query_put_int(&q, item->attempt);
	ch_query_put_int(&q, item->match);
	ch_query_put_int(&q, item->verified);
	put_report(&q, item);
	return ch_query_run(&q, err);
}

/* What it says becomes known of its letter, which has the facts `before`. */
static int conclude(struct ch_store *store, const struct ch_store_return *item,
		    int64_t return_id, int64_t batch_id, unsigned int before,
		    int64_t now_us, struct ch_error *err)
{
	unsigned int facts = facts_of(item);

	if (facts == 0)
		return 0;
	if (ch_facts_add(store, batch_id, item->letter_id, before, facts,
			 err) < 0)
		return -1;
	if (facts & ~before & CH_FACT_ANSWERED &&
	    ch_relations_answered(store, batch_id, item->letter_id, return_id,
				  now_us, err) < 0)
		return -1;
	return item->verified ?
		       prove_sent(store, item, return_id, now_us, err) : 0;
}

/* As what it goes in: a row of its own, or that of its copy without proof. */
static int put(struct ch_store *store, const struct ch_store_return *item,
	       int64_t batch_id, int64_t now_us, int64_t *ret_id,
	       struct ch_error *err)
{
	struct ch_store_return before = *item; /* borrows */
	int got = find_unproved(store, item, ret_id, &before.match, err);

	if (got > 0)
		got = put_proof(store, item, *ret_id, err);
	if (got > 0) {
		before.verified = false;
		return facts_of(&before) ? CH_RETURN_PROVED
					 : CH_RETURN_PROVED_NOW;
	}
	if (got == 0)
		got = insert(store, item, batch_id, now_us, err);
	if (got > 0)
		*ret_id = sqlite3_last_insert_rowid(store->db);
	return got;
}

int ch_store_return_add(struct ch_store *store,
			const struct ch_store_return *item, int64_t now_us,
			int64_t *ret_id, struct ch_error *err)
{
	unsigned int before = 0;
	int64_t batch_id = 0;
	int64_t id = 0;
	int got = 0;

	if (item->letter_id != 0)
		got = letter_of(store, item->letter_id, &batch_id, &before,
				err);
	if (got < 0)
		return -1;
	if (got == 0 && item->letter_id != 0)
		return ch_error_set(err, CH_GIVE_UP, "there is no letter %lld",
				    (long long)item->letter_id);
	got = is_there(store, item, err);
	if (got != 0)
		return got < 0 ? -1 : 0;
	got = put(store, item, batch_id, now_us, &id, err);
	if (got <= 0)
		return got;
	if (item->letter_id != 0 &&
	    conclude(store, item, id, batch_id, before, now_us, err) < 0)
		return -1;
	*ret_id = id;
	return got;
}

/* ---- what a person says of it ------------------------------------------ */

static int mark_confirmed(struct ch_store *store,
			  const struct ch_store_return *item, int64_t batch_id,
			  struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE returned SET verified = 1, match = ?, batch_id = ?, "
		"letter_id = ?, address_seq = ? WHERE id = ? AND verified = 0 "
		"AND (letter_id = 0 OR letter_id = ?)");

	ch_query_put_int(&q, CH_MATCH_PERSON);
	ch_query_put_int(&q, batch_id);
	ch_query_put_int(&q, item->letter_id);
	ch_query_put_int(&q, item->address_seq);
	ch_query_put_int(&q, item->id);
	ch_query_put_int(&q, item->letter_id);
	return ch_query_run(&q, err);
}

static int tell_confirmed(struct ch_store *store,
			  const struct ch_store_return *item, int64_t batch_id,
			  const char *who, int64_t now_us,
			  struct ch_error *err)
{
	CH_AUTO(ch_str) detail = CH_STR_INIT(CH_JSON_MAX);

	ch_json_int(&detail, "return", item->id);
	ch_json_text(&detail, "kind",
		     ch_slice_of(ch_return_kind_name(
			     (enum ch_return_kind)item->kind)));
	ch_json_text(&detail, "match", ch_slice_of(ch_match_name(item->match)));
	return ch_store_event_add(store, "return.confirmed", batch_id,
				  item->letter_id, who, ch_json_end(&detail),
				  now_us, err);
}

int ch_store_return_confirm(struct ch_store *store,
			    const struct ch_store_return *item,
			    const char *who, int64_t now_us,
			    struct ch_error *err)
{
	struct ch_store_return proof = *item; /* borrows */
	unsigned int before = 0;
	int64_t batch_id = 0;
	int done = letter_of(store, item->letter_id, &batch_id, &before, err);

	if (done <= 0)
		return done;
	done = mark_confirmed(store, item, batch_id, err);
	if (done <= 0)
		return done;
	proof.verified = true;
	if (tell_confirmed(store, item, batch_id, who, now_us, err) < 0 ||
	    conclude(store, &proof, item->id, batch_id, before, now_us,
		     err) < 0)
		return -1;
	return 1;
}

/* ---- our own copies --------------------------------------------------- */

/* As most are: it was sent, and its reply came. */
static bool is_settled(const struct ch_standing *standing)
{
	for (size_t i = 0; i < standing->len; i++)
		if (may_be_taken(&standing->stands[i]) ||
		    standing->stands[i].state == CH_STATE_DOT ||
		    standing->stands[i].state == CH_STATE_IN_DOUBT)
			return false;
	return true;
}

static bool at_its_dot(const struct ch_standing *standing, uint32_t attempt)
{
	for (size_t i = 0; i < standing->len; i++)
		if (standing->stands[i].state == CH_STATE_DOT &&
		    standing->stands[i].attempt == attempt)
			return true;
	return false;
}

/* The copy is here before the relay's reply. Should that never come, the letter
 * comes into doubt, and the copy is not read again. */
static int keep_copy(struct ch_store *store, int64_t letter_id,
		     uint32_t attempt, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO copy (letter_id, attempt) VALUES (?, ?) "
		"ON CONFLICT (letter_id) DO UPDATE SET "
		"attempt = excluded.attempt");

	ch_query_put_int(&q, letter_id);
	ch_query_put_int(&q, attempt);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

static int prove_by_copy(struct ch_store *store, int64_t letter_id,
			 uint32_t attempt, struct ch_standing *standing,
			 int64_t now_us, struct ch_error *err)
{
	const struct proof proof = {
		.evidence = "journal copy",
		.letter_id = letter_id,
		.address_seq = -1,
		.attempt = attempt,
		.now_us = now_us,
	};

	return prove(store, &proof, standing, err);
}

static int is_of(struct ch_store *store, int64_t letter_id,
		 const char *message_id, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT 1 FROM letter WHERE id = ? AND message_id = ?");

	ch_query_put_int(&q, letter_id);
	ch_query_put_text(&q, message_id);
	return ch_query_row(&q, err);
}

int ch_store_copy_add(struct ch_store *store, int64_t letter_id,
		      uint32_t attempt, const char *message_id, int64_t now_us,
		      bool *ret_settled, struct ch_error *err)
{
	CH_AUTO(ch_standing) standing = { 0 };
	int got = message_id ? is_of(store, letter_id, message_id, err) : 1;

	if (got <= 0)
		return got;
	if (ch_standing_read(store, letter_id, &standing, err) < 0)
		return -1;
	*ret_settled = is_settled(&standing);
	if (*ret_settled)
		return 1;
	if (at_its_dot(&standing, attempt) &&
	    keep_copy(store, letter_id, attempt, err) < 0)
		return -1;
	return prove_by_copy(store, letter_id, attempt, &standing, now_us,
			     err) < 0 ? -1 : 1;
}

int ch_store_copy_prove(struct ch_store *store, int64_t letter_id,
			uint32_t attempt, int64_t now_us, struct ch_error *err)
{
	CH_AUTO(ch_standing) standing = { 0 };
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT 1 FROM copy WHERE letter_id = ? AND attempt = ?");
	int got;

	ch_query_put_int(&q, letter_id);
	ch_query_put_int(&q, attempt);
	got = ch_query_row(&q, err);
	if (got <= 0)
		return got;
	if (ch_standing_read(store, letter_id, &standing, err) < 0)
		return -1;
	return prove_by_copy(store, letter_id, attempt, &standing, now_us,
			     err);
}

int ch_store_copies_forget(struct ch_store *store, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store, "DELETE FROM copy");

	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

/* ---- reading ---------------------------------------------------------- */

#define RETURN_COLUMNS                                                       \
	"SELECT r.id, r.mailbox, r.uidvalidity, r.uid, r.part, r.sha256, "   \
	"r.size_bytes, r.received_us, r.kind, r.rule, r.fault, "             \
	"r.message_id, r.sender, r.subject, r.text, r.attachments, "         \
	"r.letter_id, r.address_seq, r.attempt, r.match, r.verified, "       \
	"r.recipient, r.status, r.diagnostic, b.reference, l.key, r.folder, " \
	"r.reason, r.says, r.away_until, coalesce(m.removed_us, 0) "         \
	"FROM returned r LEFT JOIN mail m ON m.sha256 = r.sha256 "           \
	"LEFT JOIN batch b ON b.id = r.batch_id "                            \
	"LEFT JOIN letter l ON l.id = r.letter_id "

static void read_return(const struct ch_query *q, struct ch_store_return *ret)
{
	*ret = (struct ch_store_return){
		.id = ch_query_int(q, 0),
		.mailbox = ch_query_text(q, 1),
		.uidvalidity = (uint32_t)ch_query_int(q, 2),
		.uid = (uint32_t)ch_query_int(q, 3),
		.part = (uint32_t)ch_query_int(q, 4),
		.size_bytes = (uint64_t)ch_query_int(q, 6),
		.received_us = ch_query_int(q, 7),
		.kind = (uint32_t)ch_query_int(q, 8),
		.rule = ch_query_text(q, 9),
		.fault = ch_query_text(q, 10),
		.message_id = ch_query_text(q, 11),
		.from = ch_query_text(q, 12),
		.subject = ch_query_text(q, 13),
		.text = ch_query_text(q, 14),
		.attachments = (uint32_t)ch_query_int(q, 15),
		.letter_id = ch_query_int(q, 16),
		.address_seq = ch_query_int(q, 17),
		.attempt = (uint32_t)ch_query_int(q, 18),
		.match = (enum ch_match)ch_query_int(q, 19),
		.verified = ch_query_int(q, 20) != 0,
		.recipient = ch_query_text(q, 21),
		.status = ch_query_text(q, 22),
		.diagnostic = ch_query_text(q, 23),
		.reference = ch_query_text(q, 24),
		.key = ch_query_text(q, 25),
		.folder = ch_query_text(q, 26),
		.reason = ch_query_text(q, 27),
		.says = ch_query_text(q, 28),
		.away_until = ch_query_text(q, 29),
		.removed_us = ch_query_int(q, 30),
	};
	ch_query_sha256(q, 5, &ret->sha256);
}

static const char *returns_query(int64_t batch_id, int64_t letter_id)
{
	if (letter_id != 0)
		return RETURN_COLUMNS "WHERE r.letter_id = ?1 "
				      "AND r.letter_id <> 0 AND r.id > ?2 "
				      "ORDER BY r.id LIMIT ?3";
	if (batch_id != 0)
		return RETURN_COLUMNS "WHERE r.batch_id = ?1 "
				      "AND r.batch_id <> 0 AND r.id > ?2 "
				      "ORDER BY r.id LIMIT ?3";
	return RETURN_COLUMNS "WHERE ?1 = 0 AND r.id > ?2 "
			      "ORDER BY r.id LIMIT ?3";
}

int ch_store_returns(struct ch_store *store, int64_t batch_id,
		     int64_t letter_id, int64_t after_id, size_t limit,
		     struct ch_store_return **ret, size_t *ret_len,
		     struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
				       returns_query(batch_id, letter_id));
	struct ch_store_return *items = NULL;
	size_t len = 0;
	size_t cap = 0;
	int got;

	ch_query_put_int(&q, letter_id ? letter_id : batch_id);
	ch_query_put_int(&q, after_id);
	ch_query_put_int(&q, (int64_t)limit);
	while ((got = ch_query_row(&q, err)) > 0) {
		CH_GROW(items, len, cap);
		read_return(&q, &items[len++]);
	}
	if (got < 0) {
		ch_store_returns_free(items, len);
		return -1;
	}
	*ret = items;
	*ret_len = len;
	return 0;
}
