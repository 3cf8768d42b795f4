// SPDX-License-Identifier: GPL-3.0-or-later
/* returned.c - see returned.h.
 *
 * What others wrote decides nothing here but by the HMAC: no address, subject
 * or Message-ID of a stranger can change what is known of a letter, and mail
 * with a good token can change but the one letter that the token was made for.
 */
#include "chanceryd/returned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chanceryd/alarms.h"
#include "chanceryd/bell-mail.h"
#include "chanceryd/bell.h"
#include "chanceryd/detail.h"
#include "chanceryd/gate.h"
#include "chanceryd/journal.h"
#include "chanceryd/keys.h"
#include "chanceryd/receive.h"
#include "chanceryd/room.h"
#include "chanceryd/sending.h"
#include "mail/same.h"
#include "returns/token.h"
#include "wire/messages.h"

/* Addresses of a batch that are compared with the sender of a mail that names
 * but the batch: some milliseconds. A flood of such mail may take so much of
 * our time, and no more. */
#define LOOKED_THROUGH_MAX 5000
#define LOOKED_A_SECOND 20000
#define BRACKETS_MAX 4
#define UNREAD "unread" /* the rule of a mail that could not be read */
/* Recipients of one report that are none of the letter's, each of them a row
 * and an event: what a stranger may make us write. */
#define STRANGERS_MAX 16

/* Whose it is. */
struct match {
	struct ch_store_letter letter; /* owned; id 0: nobody's */
	struct ch_store_batch batch;   /* owned; the letter's */
	uint32_t attempt;
	enum ch_match how;
	bool verified;
	bool own;          /* it is the letter itself */
	bool of_alarms;    /* it is about a mail to the operators, and no letter */
	const char *fault; /* what is odd about it, "" */
};

static void must(struct ch_mailroom *room, int64_t rc,
		 const struct ch_error *err)
{
	if (rc < 0)
		ch_room_fail(room, err);
}

/* ---- whose it is ------------------------------------------------------ */

/* A token of ours. Of an attempt that the letter has not had it proves that the
 * letter was sent all the same, in a time that the store has lost. */
static bool by_token(struct ch_mailroom *room, struct ch_slice token,
		     enum ch_match how, struct match *ret)
{
	const struct ch_token_key *keys;
	struct ch_error err;
	unsigned int attempt;
	int64_t letter_id;
	size_t len;
	int got;

	keys = ch_keys_all(room->keys, &len);
	if (token.len == 0 ||
	    ch_token_check(keys, len, token, &letter_id, &attempt) < 0)
		return false;
	if (letter_id == CH_BELL_MAIL_LETTER) {
		ret->of_alarms = true;
		return true;
	}
	got = ch_store_letter_by_id(room->store, letter_id, &ret->letter,
				    &err);
	must(room, got, &err);
	if (got == 0) {
		ret->fault = "its token is of a letter that is not there";
		return false;
	}
	ret->how = how;
	ret->attempt = attempt;
	ret->verified = attempt > 0;
	if (!ret->verified)
		ret->fault = "its token is of an attempt that was not made";
	return true;
}

static bool by_message_id(struct ch_mailroom *room, struct ch_slice id,
			  struct match *ret)
{
	CH_AUTOCHAR message_id = ch_slice_dup(id);
	struct ch_error err;
	int got;

	if (!message_id[0])
		return false;
	got = ch_store_letter_by_message_id(room->store, message_id,
					    &ret->letter, &err);
	must(room, got, &err);
	if (got == 0)
		return false;
	ret->how = CH_MATCH_MESSAGE_ID;
	return true;
}

/* The letter itself: no report, and called by the letter's own Message-ID. What
 * sent it on may have marked it as automatic. */
static bool is_own(struct ch_mailroom *room,
		   const struct ch_receive_mail *mail, struct match *ret)
{
	if (mail->recipients_len > 0 || (mail->kind != CH_RETURN_REPLY &&
					 mail->kind != CH_RETURN_AUTOREPLY &&
					 mail->kind != CH_RETURN_OTHER))
		return false;
	ret->own = by_message_id(room, mail->message_id, ret);
	return ret->own;
}

/* The only letter of that batch to the sender's domain. */
static bool by_sender(struct ch_mailroom *room,
		      const struct ch_receive_mail *mail, int64_t batch_id,
		      struct match *ret)
{
	const char *at = memrchr(mail->from.data, '@', mail->from.len);
	CH_AUTO(ch_str) folded = CH_STR_INIT(20 * CH_FOLD_MAX);
	struct ch_slice domain;
	struct ch_error err;
	int64_t id;

	if (!at)
		return false;
	domain.data = at + 1;
	domain.len = (size_t)(mail->from.data + mail->from.len - domain.data);
	ch_domain_fold(domain, &folded);
	domain = (struct ch_slice){ ch_str_cstr(&folded), folded.len };
	must(room, ch_store_letter_of_domain(room->store, batch_id, domain,
					     LOOKED_THROUGH_MAX, &id, &err),
	     &err);
	if (id == 0)
		return false;
	must(room, ch_store_letter_by_id(room->store, id, &ret->letter, &err),
	     &err);
	ret->how = CH_MATCH_REFERENCE;
	ret->fault = "";
	return ret->letter.id != 0;
}

/* Whether there is time for that. */
static bool may_look_through(struct ch_mailroom *room,
			     const struct ch_store_batch *batch)
{
	int64_t second = ch_turn_open(room) / 1000000;

	if (batch->letters > LOOKED_THROUGH_MAX)
		return false;
	if (room->looked_second != second) {
		room->looked_second = second;
		room->looked_through = 0;
	}
	room->looked_through += batch->letters + 1;
	return room->looked_through <= LOOKED_A_SECOND;
}

/* "Re: [DM-1276] Session": what our letters have in brackets comes back so. */
static bool by_reference(struct ch_mailroom *room,
			 const struct ch_receive_mail *mail,
			 struct match *ret)
{
	struct ch_slice rest = mail->subject;

	if (mail->kind != CH_RETURN_REPLY && mail->kind != CH_RETURN_AUTOREPLY)
		return false;
	for (int i = 0; i < BRACKETS_MAX && rest.len > 0; i++) {
		const char *open = memchr(rest.data, '[', rest.len);
		const char *end = rest.data + rest.len;
		const char *close = open ? memchr(open, ']',
						  (size_t)(end - open)) : NULL;
		CH_AUTO(ch_store_batch) batch = { 0 };
		CH_AUTOCHAR reference = NULL;
		struct ch_error err;

		if (!close)
			return false;
		reference = ch_xstrndup(open + 1, (size_t)(close - open - 1));
		must(room, ch_store_batch_by_reference(room->store, reference,
						       &batch, &err), &err);
		if (batch.id && !may_look_through(room, &batch))
			ret->fault = "it names a batch, and that was not "
				     "looked through for its sender";
		else if (batch.id && by_sender(room, mail, batch.id, ret))
			return true;
		rest.data = close + 1;
		rest.len = (size_t)(end - rest.data);
	}
	return false;
}

static void find_letter(struct ch_mailroom *room,
			const struct ch_receive_mail *mail, struct match *ret)
{
	if (is_own(room, mail, ret) ||
	    by_token(room, mail->token, CH_MATCH_TOKEN, ret) ||
	    by_token(room, mail->envelope_id, CH_MATCH_ENVELOPE_ID, ret))
		return;
	for (uint32_t i = 0; i < mail->references_len; i++)
		if (by_message_id(room, mail->references[i], ret))
			return;
	by_reference(room, mail, ret);
}

static void find(struct ch_mailroom *room, const struct ch_receive_mail *mail,
		 struct match *ret)
{
	struct ch_error err;

	find_letter(room, mail, ret);
	if (ret->letter.id)
		must(room, ch_store_batch_by_id(room->store,
						ret->letter.batch_id,
						&ret->batch, &err), &err);
}

/* Which of the letter's addresses that is, or -1. Those are folded but for the
 * case of letters, so each is not folded anew for each that a report names. */
static int64_t seq_of(const struct ch_store_letter *letter,
		      struct ch_slice address)
{
	CH_AUTO(ch_str) folded = CH_STR_INIT(20 * CH_FOLD_MAX);

	ch_address_fold(address, &folded);
	for (size_t i = 0; i < letter->addresses_len; i++)
		if (strcasecmp(letter->addresses[i].address,
			       ch_str_cstr(&folded)) == 0)
			return letter->addresses[i].seq;
	return -1;
}

/* ---- into the store --------------------------------------------------- */

/* One recipient of a mail, as a row. */
struct row {
	struct ch_mailroom *room;
	const struct match *match;
	struct ch_store_return item; /* owned strings */
	const char *own_fault;       /* "" */
	int64_t now_us;
};

static bool is_bounce(uint32_t kind)
{
	return kind == CH_RETURN_BOUNCE_HARD || kind == CH_RETURN_BOUNCE_SOFT;
}

static bool is_report(uint32_t kind)
{
	return is_bounce(kind) || kind == CH_RETURN_DELAYED ||
	       kind == CH_RETURN_DELIVERED || kind == CH_RETURN_MDN;
}

static const char *event_of(const struct ch_store_return *item)
{
	static const char *const events[] = {
		[CH_RETURN_BOUNCE_HARD] = "letter.bounced",
		[CH_RETURN_BOUNCE_SOFT] = "letter.bounced",
		[CH_RETURN_DELAYED] = "letter.delayed",
		[CH_RETURN_DELIVERED] = "letter.delivered",
		[CH_RETURN_MDN] = "letter.read",
		[CH_RETURN_AUTOREPLY] = "letter.auto_replied",
		[CH_RETURN_REPLY] = "letter.answered",
	};

	if (item->letter_id == 0)
		return "return.unmatched";
	if (item->kind >= CH_COUNT(events) || !events[item->kind])
		return "return.other";
	if (!item->verified && (is_report(item->kind) ||
				item->match == CH_MATCH_REFERENCE))
		return "return.unverified";
	return events[item->kind];
}

static void add_event(const struct row *row, const char *type,
		      const char *json)
{
	const struct ch_store_letter *letter = &row->match->letter;
	struct ch_error err;

	must(row->room, ch_store_event_add(row->room->store, type,
					   letter->batch_id, letter->id, "",
					   json, row->now_us, &err), &err);
}

static void tell(const struct row *row, int64_t return_id, const char *type)
{
	const struct ch_store_return *item = &row->item;
	struct ch_detail detail = { NULL };
	CH_AUTOCHAR json = NULL;

	ch_detail_int(&detail, "return", return_id);
	ch_detail_text(&detail, "kind",
		       ch_return_kind_name((enum ch_return_kind)item->kind));
	ch_detail_text(&detail, "match", ch_match_name(item->match));
	ch_detail_int(&detail, "verified", item->verified);
	if (item->recipient[0])
		ch_detail_text(&detail, "recipient", item->recipient);
	if (item->status[0])
		ch_detail_text(&detail, "status", item->status);
	if (item->away_until[0])
		ch_detail_text(&detail, "away_until", item->away_until);
	if (item->fault[0])
		ch_detail_text(&detail, "fault", item->fault);
	json = ch_detail_take(&detail);
	add_event(row, type, json);
	ch_turn_log(row->room, LOG_INFO,
		    &(struct ch_log_fields){ .batch = row->match->batch.reference,
					     .letter = row->match->letter.key,
					     .state = type },
		    "%s: %s from %s", item->mailbox, type, item->from);
}

/* Where else the ministry was reached, which `chancery readdress` takes: nowhere
 * for a rehearsal, whose letters are ours. */
static void propose(const struct row *row, struct ch_detail *detail)
{
	char *found[CH_STORE_ELSEWHERE_MAX];
	struct ch_error err;
	size_t len = 0;

	if (row->match->batch.test_to[0])
		return;
	must(row->room, ch_store_elsewhere(row->room->store,
					   &row->match->letter, row->now_us,
					   found, &len, &err), &err);
	for (size_t i = 0; i < len; i++) {
		ch_detail_item(detail, "elsewhere", found[i]);
		free(found[i]);
	}
}

/* Nobody is written to any less for it: a person decides, who wants to know
 * where else that ministry can be reached. */
static void alarm_bounce(const struct row *row)
{
	const struct ch_store_return *item = &row->item;
	const struct ch_store_letter *letter = &row->match->letter;
	struct ch_detail detail = { NULL };
	CH_AUTOCHAR json = NULL;

	ch_detail_text(&detail, "address", item->recipient);
	ch_detail_text(&detail, "status", item->status);
	ch_detail_text(&detail, "text", item->diagnostic);
	for (size_t i = 0; i < letter->addresses_len; i++)
		if (letter->addresses[i].seq != item->address_seq)
			ch_detail_item(&detail, "others",
				       letter->addresses[i].address);
	propose(row, &detail);
	json = ch_detail_take(&detail);
	add_event(row, "alarm.bounce", json);
	ch_bell_ring(row->room, "alarm.bounce", row->match->batch.reference,
		     letter->key, json);
	ch_turn_log(row->room, LOG_WARNING,
		    &(struct ch_log_fields){ .batch = row->match->batch.reference,
					     .letter = letter->key,
					     .state = "bounced" },
		    "a letter to %s came back: %s %s", item->recipient,
		    item->status, item->diagnostic);
}

/* For those who want that: a newsletter, and not ministers. */
static void count_bounce(const struct row *row, int64_t return_id)
{
	const struct ch_config *config = row->room->config;
	const struct ch_store_letter *letter = &row->match->letter;
	const struct ch_store_return *item = &row->item;
	const struct ch_suppression policy = {
		.hard = (uint32_t)config->suppression.hard,
		.soft = (uint32_t)config->suppression.soft,
		.within_us = config->suppression.within_ms * 1000,
		.expires_us = config->suppression.expires_ms * 1000,
	};
	struct ch_error err;

	if (!config->suppression.automatic)
		return;
	for (size_t i = 0; i < letter->addresses_len; i++)
		if (letter->addresses[i].seq == item->address_seq)
			must(row->room,
			     ch_store_count_bounce(
				     row->room->store,
				     letter->addresses[i].address,
				     item->kind == CH_RETURN_BOUNCE_HARD,
				     &policy, return_id, row->now_us, &err),
			     &err);
}

/* Whether it is a new one. */
static bool keep(const struct row *row)
{
	const struct ch_store_return *item = &row->item;
	struct ch_store_known known = { false, false };
	struct ch_error err;
	int64_t id;
	int added;

	/* One token in many mails is one fact. Answers are not: people write
	 * more than once. */
	if (item->verified && is_report(item->kind)) {
		must(row->room,
		     ch_store_known(row->room->store, item, &known, &err),
		     &err);
		if (known.same)
			return false;
	}
	added = ch_store_return_add(row->room->store, item, row->now_us, &id,
				    &err);
	must(row->room, added, &err);
	if (added == CH_RETURN_THERE)
		return false;
	tell(row, id, added == CH_RETURN_PROVED ? "return.confirmed"
						: event_of(item));
	if (row->match->of_alarms && item->kind == CH_RETURN_BOUNCE_HARD)
		ch_bell_mail_bounced(row->room, ch_slice_of(item->recipient),
				     id);
	if (item->verified)
		ch_sending_overruled(row->room, item->letter_id);
	if (item->verified && is_bounce(item->kind))
		count_bounce(row, id);
	if (item->verified && is_bounce(item->kind) && !known.bounced) {
		alarm_bounce(row);
		ch_gate_bounced(row->room, row->match->batch.id);
	}
	return true;
}

/* ---- from a mail ------------------------------------------------------ */

/* What is no return, whatever it looks like: the letter itself, or what the
 * mailbox of our copies writes, where it answers by itself. */
static const char *rule_of_ours(const struct row *row,
				const struct ch_receive_mail *mail)
{
	if (row->match->own)
		return "own-letter";
	if (mail->recipients_len == 0 && ch_journal_is(row->room, mail->from))
		return "own-journal";
	return NULL;
}

static void fill_mail(struct row *row, const char *mailbox,
		      const char *folder, const struct ch_receive_mail *mail)
{
	const struct match *match = row->match;
	const char *ours = rule_of_ours(row, mail);

	row->item = (struct ch_store_return){
		.mailbox = ch_xstrdup(mailbox),
		.folder = ch_xstrdup(folder),
		.uidvalidity = mail->uidvalidity,
		.uid = mail->uid,
		.sha256 = mail->sha256,
		.size_bytes = mail->size_bytes,
		.received_us = mail->received_us ? mail->received_us
						 : row->now_us,
		.kind = ours ? CH_RETURN_OTHER : mail->kind,
		.rule = ours ? ch_xstrdup(ours) : ch_slice_dup(mail->rule),
		.message_id = ch_slice_dup(mail->message_id),
		.from = ch_slice_dup(mail->from),
		.subject = ch_slice_dup(mail->subject),
		.text = ch_slice_dup(mail->text),
		.says = ch_slice_dup(mail->says),
		.away_until = ch_slice_dup(mail->away_until),
		.attachments = mail->attachments,
		.letter_id = match->letter.id,
		.address_seq = seq_of(&match->letter, mail->from),
		.attempt = match->attempt,
		.match = match->how,
		.verified = match->verified,
		.recipient = ch_xstrdup(""),
		.status = ch_xstrdup(""),
		.diagnostic = ch_xstrdup(""),
		.reason = ch_xstrdup(""),
	};
}

static void set(char **text, char *value)
{
	free(*text);
	*text = value;
}

/* What became of our own copy of a letter is nothing about the letter. */
static bool is_of_journal(const struct ch_mailroom *room,
			  const struct match *match,
			  const struct ch_returned_recipient *recipient)
{
	return match->verified && ch_journal_is(room, recipient->address);
}

/* What the report says of one recipient. An address that is none of the
 * letter's may be where the mail was forwarded to, or an invention: the letter
 * is marked, nobody else's is, and it is said. */
static void fill_recipient(struct row *row, const struct ch_receive_mail *mail,
			   uint32_t part)
{
	const struct ch_returned_recipient *r = &mail->recipients[part];
	const struct ch_store_letter *letter = &row->match->letter;
	struct ch_store_return *item = &row->item;

	item->part = part;
	item->kind = r->kind;
	item->address_seq = seq_of(letter, r->address);
	set(&item->recipient, ch_slice_dup(r->address));
	set(&item->status, ch_slice_dup(r->status));
	set(&item->diagnostic, ch_slice_dup(r->diagnostic));
	set(&item->reason, ch_slice_dup(r->reason));
	if (letter->id == 0 || item->address_seq >= 0)
		return;
	if (is_of_journal(row->room, row->match, r)) {
		item->kind = CH_RETURN_OTHER;
		set(&item->rule, ch_xstrdup("own-journal"));
	} else if (r->address.len == 0 && letter->addresses_len == 1)
		item->address_seq = letter->addresses[0].seq;
	else if (r->address.len > 0)
		row->own_fault = "it reports an address that is none of this "
				 "letter's";
}

static char *join_faults(const struct row *row,
			 const struct ch_receive_mail *mail)
{
	CH_AUTOCHAR told = ch_slice_dup(mail->fault);
	const char *mine = row->own_fault[0] ? row->own_fault
					     : row->match->fault;

	if (told[0] && mine[0])
		return ch_xasprintf("%s; %s", told, mine);
	return ch_xstrdup(told[0] ? told : mine);
}

/* `part` UINT32_MAX: the mail speaks of no recipients. Returns whether it is
 * new. */
static bool take_part(struct ch_mailroom *room, const char *mailbox,
		      const char *folder, const struct ch_receive_mail *mail,
		      const struct match *match, uint32_t part)
{
	struct row row = {
		.room = room,
		.match = match,
		.own_fault = "",
		.now_us = ch_turn_open(room),
	};
	bool fresh;

	fill_mail(&row, mailbox, folder, mail);
	if (part != UINT32_MAX)
		fill_recipient(&row, mail, part);
	row.item.fault = join_faults(&row, mail);
	fresh = keep(&row);
	ch_store_return_release(&row.item);
	return fresh;
}

/* Two mail systems that send it to and fro, or a mailbox of ours among the
 * addressees. In a rehearsal all letters go to one of ours. */
static void alarm_loop(struct ch_mailroom *room, const char *mailbox,
		       const struct match *match)
{
	if (!match->batch.test_to[0])
		ch_alarm_raise(room, "alarm.loop", mailbox,
			       "our own letter %s/%s came back to us",
			       match->batch.reference, match->letter.key);
}

static uint32_t count_strangers(const struct ch_receive_mail *mail,
				const struct match *match)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < mail->recipients_len; i++)
		count += seq_of(&match->letter,
				mail->recipients[i].address) < 0;
	return count;
}

/* All that are the letter's, and of others no more than STRANGERS_MAX. */
static void take_parts(struct ch_mailroom *room, const char *mailbox,
		       const char *folder, const struct ch_receive_mail *mail,
		       struct match *match)
{
	uint32_t strangers = 0;

	if (!match->fault[0] && count_strangers(mail, match) > STRANGERS_MAX)
		match->fault = "it reports more recipients than are listed";
	for (uint32_t i = 0; i < mail->recipients_len; i++) {
		const struct ch_returned_recipient *r = &mail->recipients[i];

		if (seq_of(&match->letter, r->address) < 0 &&
		    ++strangers > STRANGERS_MAX)
			continue;
		if (take_part(room, mailbox, folder, mail, match, i) &&
		    is_of_journal(room, match, r))
			ch_journal_reported(room, &match->letter,
					    match->attempt, r);
	}
}

static void take(struct ch_mailroom *room, const char *mailbox,
		 const char *folder, const struct ch_receive_mail *mail)
{
	struct match match = { .how = CH_MATCH_NONE, .fault = "" };

	ch_turn_open(room);
	find(room, mail, &match);
	if (mail->recipients_len > 0)
		take_parts(room, mailbox, folder, mail, &match);
	else if (take_part(room, mailbox, folder, mail, &match, UINT32_MAX) &&
		 match.own)
		alarm_loop(room, mailbox, &match);
	ch_store_batch_release(&match.batch);
	ch_store_letter_release(&match.letter);
}

/* The bytes are in the object store: how long they stay there, and what is
 * attached to them. */
static void keep_mail(struct ch_mailroom *room,
		      const struct ch_receive_mail *mail)
{
	struct ch_store_attachment *items =
		ch_xcalloc(mail->files_len + 1, sizeof(*items));
	struct ch_error err;

	for (uint32_t i = 0; i < mail->files_len; i++)
		items[i] = (struct ch_store_attachment){
			.name = ch_slice_dup(mail->files[i].name),
			.type = ch_slice_dup(mail->files[i].type),
			.size_bytes = mail->files[i].size_bytes,
			.whole = mail->files[i].whole,
			.sha256 = mail->files[i].sha256,
		};
	must(room, ch_store_mail_add(room->store, &mail->sha256,
				     mail->kind == CH_RETURN_REPLY, items,
				     mail->files_len, ch_turn_open(room),
				     &err), &err);
	ch_store_attachments_free(items, mail->files_len);
}

void ch_returned(struct ch_mailroom *room, const char *mailbox,
		 const char *folder, const struct ch_receive_mail *mail)
{
	keep_mail(room, mail);
	take(room, mailbox, folder, mail);
}

/* Its bytes are not known; what stands for them is made of where it lies. */
void ch_returned_unread(struct ch_mailroom *room, const char *mailbox,
			const char *folder, uint32_t uidvalidity, uint32_t uid,
			const char *fault)
{
	CH_AUTOCHAR place = ch_xasprintf("unread mail %u of %u in %s, %s",
					 uid, uidvalidity, mailbox, folder);
	CH_AUTOCHAR why = ch_xstrdup(fault);
	struct ch_receive_mail mail = {
		.uidvalidity = uidvalidity,
		.uid = uid,
		.kind = CH_RETURN_OTHER,
		.rule = ch_slice_of(UNREAD),
		.fault = ch_slice_of(why),
		.message_id = CH_SLICE_EMPTY,
		.from = CH_SLICE_EMPTY,
		.subject = CH_SLICE_EMPTY,
		.text = CH_SLICE_EMPTY,
	};

	ch_sha256_of(place, strlen(place), &mail.sha256);
	take(room, mailbox, folder, &mail);
}

/* ---- what a person says of it ------------------------------------------ */

/* 1 with *ret, 0 none. */
static int read_return(struct ch_mailroom *room, int64_t id,
		       struct ch_store_return *ret)
{
	struct ch_store_return *items = NULL;
	struct ch_error err;
	size_t len = 0;
	int found;

	if (id <= 0)
		return 0;
	must(room, ch_store_returns(room->store, 0, 0, id - 1, 1, &items, &len,
				    &err), &err);
	found = len == 1 && items[0].id == id;
	if (found) {
		*ret = items[0];
		free(items);
	} else {
		ch_store_returns_free(items, len);
	}
	return found;
}

static void tell_reread(struct ch_mailroom *room,
			const struct ch_store_return *item, const char *who)
{
	struct ch_detail detail = { NULL };
	CH_AUTOCHAR json = NULL;
	struct ch_error err;

	ch_detail_int(&detail, "return", item->id);
	ch_detail_text(&detail, "mailbox", item->mailbox);
	ch_detail_text(&detail, "folder", item->folder);
	ch_detail_int(&detail, "uid", item->uid);
	json = ch_detail_take(&detail);
	must(room, ch_store_event_add(room->store, "return.reread", 0, 0, who,
				      json, ch_turn_open(room), &err), &err);
}

static int no_return(int64_t return_id, struct ch_error *err)
{
	ch_error_refuse(err, "4.0.4", "there is no return %lld",
			(long long)return_id);
	return ch_error_hint(err, "\"chancery returns\" lists them by their "
				  "numbers.");
}

int ch_returned_reread(struct ch_mailroom *room, int64_t return_id,
		       const char *who, struct ch_error *err)
{
	struct ch_store_return item;
	int done;

	if (!read_return(room, return_id, &item))
		return no_return(return_id, err);
	if (strcmp(item.rule, UNREAD) != 0) {
		ch_error_refuse(err, "4.0.9", "return %lld was read",
				(long long)return_id);
		done = ch_error_hint(err, "\"chancery reply\" shows what it "
					  "says.");
	} else {
		done = ch_receive_reread(room, item.mailbox, item.folder,
					 item.uidvalidity, item.uid, err);
	}
	if (done == 0)
		tell_reread(room, &item, who);
	ch_store_return_release(&item);
	return done;
}

static int check_confirm(const struct ch_store_return *item,
			 const struct ch_store_letter *letter,
			 struct ch_error *err)
{
	if (item->verified) {
		ch_error_refuse(err, "4.0.9",
				"return %lld is known to be about %s/%s",
				(long long)item->id, item->reference,
				item->key);
		return ch_error_hint(err, "There is nothing to confirm.");
	}
	if (item->letter_id && item->letter_id != letter->id) {
		ch_error_refuse(err, "4.0.9", "return %lld is about %s/%s",
				(long long)item->id, item->reference,
				item->key);
		return ch_error_hint(err, "Confirm it for that letter.");
	}
	return 0;
}

int ch_returned_confirm(struct ch_mailroom *room,
			const struct ch_store_batch *batch,
			const struct ch_store_letter *letter,
			int64_t return_id, const char *who,
			struct ch_error *err)
{
	const struct match match = { .letter = *letter, .batch = *batch,
				     .how = CH_MATCH_PERSON, .verified = true,
				     .fault = "" };
	struct row row = { .room = room, .match = &match, .own_fault = "",
			   .now_us = ch_turn_open(room) };
	int done = -1;

	if (!read_return(room, return_id, &row.item))
		return no_return(return_id, err);
	if (check_confirm(&row.item, letter, err) == 0) {
		row.item.letter_id = letter->id;
		if (row.item.address_seq < 0)
			row.item.address_seq = seq_of(
				letter, ch_slice_of(row.item.recipient));
		done = ch_store_return_confirm(room->store, &row.item, who,
					       row.now_us, err);
		must(room, done, err);
		if (is_bounce(row.item.kind) && !letter->bounced) {
			alarm_bounce(&row);
			ch_gate_bounced(room, batch->id);
		}
	}
	ch_store_return_release(&row.item);
	return done < 0 ? -1 : 0;
}
