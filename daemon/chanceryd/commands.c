// SPDX-License-Identifier: GPL-3.0-or-later
/* commands.c - what a person decides: release, pause, resume, cancel, retry,
 * resolve. ch_mailroom_command() of mailroom.h.
 *
 * Each is one change in the turn's transaction, guarded by the state it starts
 * from, with an event that names who. What is refused changes nothing; it is
 * logged, since a refusal may be what a security officer looks for.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "chanceryd/decisions.h"
#include "chanceryd/detail.h"
#include "chanceryd/dispatch.h"
#include "chanceryd/relays.h"
#include "chanceryd/returned.h"
#include "chanceryd/room.h"
#include "chanceryd/sending.h"
#include "letter/letter.h"
#include "mail/same.h"

#define NOT_FOUND "4.0.4"
#define NOT_ALLOWED "4.0.3"
#define NOT_SO "4.0.9"
#define BAD_DATA "4.2.2"

static const char *const verb_names[] = {
	[CH_VERB_RELEASE] = "release",
	[CH_VERB_PAUSE] = "pause",
	[CH_VERB_RESUME] = "resume",
	[CH_VERB_CANCEL] = "cancel",
	[CH_VERB_RETRY] = "retry",
	[CH_VERB_RESOLVE_SENT] = "resolve",
	[CH_VERB_RESOLVE_RESEND] = "resolve",
	[CH_VERB_PRIORITY] = "priority",
	[CH_VERB_CONFIRM] = "confirm",
	[CH_VERB_REREAD] = "reread",
	[CH_VERB_READDRESS] = "readdress",
	[CH_VERB_SUPPRESS] = "suppress",
	[CH_VERB_UNSUPPRESS] = "unsuppress",
};

/* A command under way. */
struct doing {
	struct ch_mailroom *room;
	const struct ch_command *command; /* borrowed */
	struct ch_store_batch batch;      /* owned; id 0: none named */
	struct ch_store_letter letter;    /* owned; id 0: the whole batch */
	int64_t now_us;
	struct ch_touched *touched; /* borrowed */
	struct ch_error *err;
};

__attribute__((format(printf, 3, 4))) static int
refuse(const struct doing *doing, const char *status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ch_error_vrefuse(doing->err, status, format, args);
	va_end(args);
	return -1;
}

/* In a state that does not allow it, and what to do then; a state's own words
 * are not_so()'s. */
__attribute__((format(printf, 3, 4))) static int
conflict(const struct doing *doing, const char *hint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ch_error_vrefuse(doing->err, NOT_SO, format, args);
	va_end(args);
	return ch_error_hint(doing->err, hint);
}

/* A storage error ends the daemon: what the store did is not known. */
static int64_t stored(const struct doing *doing, int64_t rc)
{
	if (rc < 0)
		ch_room_fail(doing->room, doing->err);
	return rc;
}

/* ---- what it is about ------------------------------------------------- */

static int find(struct doing *doing)
{
	const struct ch_command *c = doing->command;
	struct ch_store *store = doing->room->store;

	if (!c->reference)
		return c->key ? refuse(doing, NOT_FOUND,
				       "a letter without its batch") : 0;
	if (stored(doing, ch_store_batch_by_reference(store, c->reference,
						      &doing->batch,
						      doing->err)) == 0)
		return refuse(doing, NOT_FOUND, "there is no batch %s",
			      c->reference);
	if (!c->key)
		return 0;
	if (stored(doing, ch_store_letter_by_key(store, doing->batch.id,
						 c->key, &doing->letter,
						 doing->err)) == 0)
		return refuse(doing, NOT_FOUND, "%s has no letter %s",
			      c->reference, c->key);
	return 0;
}

/* "DM-1276" or "DM-1276/FRA", for a sentence. */
static const char *named(const struct doing *doing, char out[160])
{
	const struct ch_command *c = doing->command;

	snprintf(out, 160, "%s%s%s", c->reference, c->key ? "/" : "",
		 c->key ? c->key : "");
	return out;
}

/* What a letter or a batch in that state allows. */
static const char *hint_of_state(const struct doing *doing)
{
	static const char *const letters[CH_STATES] = {
		[CH_STATE_QUEUED] = "It goes by itself; \"chancery cancel\" "
				    "stops it.",
		[CH_STATE_CLAIMED] = "It is being sent: look again in a "
				     "moment.",
		[CH_STATE_DOT] = "It is being sent: look again in a moment.",
		[CH_STATE_SENT] = "What was sent is not taken back: a batch of "
				  "its own may correct or recall it.",
		[CH_STATE_FAILED] = "\"chancery retry\" sends it again, "
				    "\"chancery readdress\" to another "
				    "address.",
		[CH_STATE_IN_DOUBT] = "\"chancery resolve\" says whether it "
				      "was sent or is to be sent again.",
		[CH_STATE_CANCELLED] = "It is not sent any more: queue it in "
				       "a batch of its own.",
		[CH_STATE_HELD] = "\"chancery release\" lets it go, "
				  "\"chancery cancel\" ends it.",
	};
	static const char *const batches[CH_BATCH_STATES] = {
		[CH_BATCH_HELD] = "\"chancery release\" lets it go, "
				  "\"chancery cancel\" ends it.",
		[CH_BATCH_OPEN] = "\"chancery letters\" lists how far each of "
				  "its letters is.",
		[CH_BATCH_PAUSED] = "\"chancery resume\" lets it go on, "
				    "\"chancery cancel\" ends it.",
		[CH_BATCH_CANCELLED] = "Nothing more of it is sent: queue "
				       "another batch.",
	};

	return doing->letter.id && doing->batch.state != CH_BATCH_CANCELLED ?
		       letters[doing->letter.state] :
		       batches[doing->batch.state];
}

static int not_so(const struct doing *doing, const char *why)
{
	char name[160];

	refuse(doing, NOT_SO, "%s is %s: %s", named(doing, name),
	       doing->letter.id ? ch_state_name(doing->letter.state) :
				  ch_batch_state_name(doing->batch.state),
	       why);
	return ch_error_hint(doing->err, hint_of_state(doing));
}

/* ---- the steps -------------------------------------------------------- */

static void tell(const struct doing *doing, const char *type)
{
	stored(doing, ch_store_event_add(doing->room->store, type,
					 doing->batch.id, doing->letter.id,
					 doing->command->who.name, "",
					 doing->now_us, doing->err));
}

/* `from` was read in this transaction, by the one who writes. */
static void change(const struct doing *doing, enum ch_batch_state to,
		   const char *event)
{
	stored(doing, ch_store_batch_change(doing->room->store,
					    doing->batch.id,
					    doing->batch.state, to,
					    doing->command->who.name,
					    doing->err));
	tell(doing, event);
}

static int64_t decide(const struct doing *doing, enum ch_state from,
		      enum ch_state to, const char *verb)
{
	const char *who = doing->command->who.name;

	if (!doing->letter.id)
		return ch_decision(doing->room, doing->batch.id, from, to,
				   verb, who);
	return stored(doing, ch_store_decide(doing->room->store,
					     doing->batch.id,
					     doing->letter.id, from, to, verb,
					     who, doing->now_us, doing->err));
}

/* ---- release ---------------------------------------------------------- */

static bool ends_with(const char *text, const char *tail)
{
	size_t len = strlen(text);
	size_t tail_len = strlen(tail);

	return len >= tail_len && strcmp(text + len - tail_len, tail) == 0;
}

/* The same person: by uid, since a name can be changed, given or taken away.
 * "m.okello (uid 1000)", or "uid 1000" where it had none. */
static bool enqueued_it(const struct doing *doing)
{
	const struct ch_asker *who = &doing->command->who;
	const char *by = doing->batch.enqueued_by;
	char uid[32];

	snprintf(uid, sizeof(uid), "(uid %u)", (unsigned int)who->uid);
	if (ends_with(by, uid) || strcmp(by, who->name) == 0)
		return true;
	snprintf(uid, sizeof(uid), "uid %u", (unsigned int)who->uid);
	return strcmp(by, uid) == 0;
}

/* Whether this person may let it go, having been shown what it is. */
static int check_release(const struct doing *doing)
{
	const struct ch_command *c = doing->command;
	struct ch_sha256 shown;
	char hex[CH_SHA256_HEX_SIZE];

	if (doing->room->config->release.second_person && enqueued_it(doing))
		return refuse(doing, NOT_ALLOWED,
			      "%s was enqueued by %s: somebody else has to "
			      "release it",
			      c->reference, doing->batch.enqueued_by);
	if (!c->digest)
		return conflict(doing, "\"chancery status\" shows it.",
				"a release names the digest of what was read");
	if (ch_sha256_parse(c->digest, strlen(c->digest), &shown) < 0 ||
	    !ch_sha256_eq(&shown, &doing->batch.digest))
		return conflict(doing, "Read again what it is, then release it "
				       "by that digest.",
				"this is not the digest of %s, which is %s",
				c->reference,
				ch_sha256_hex(&doing->batch.digest, hex));
	return 0;
}

static int64_t do_release(const struct doing *doing)
{
	if (doing->letter.id) {
		if (doing->letter.state != CH_STATE_HELD ||
		    doing->batch.state == CH_BATCH_CANCELLED)
			return not_so(doing, "only what is held can be "
					     "released");
		if (check_release(doing) < 0)
			return -1;
		return decide(doing, CH_STATE_HELD, CH_STATE_QUEUED,
			      "released");
	}
	if (doing->batch.state != CH_BATCH_HELD)
		return not_so(doing, "only what is held can be released");
	if (check_release(doing) < 0)
		return -1;
	change(doing, CH_BATCH_OPEN, "batch.released");
	return 1;
}

/* ---- the others ------------------------------------------------------- */

/* A relay, or everything. */
static int64_t pause_room(const struct doing *doing, bool pause)
{
	const struct ch_command *c = doing->command;
	int changed;

	if (!c->relay)
		return ch_room_pause(doing->room, pause, c->who.name);
	changed = ch_relays_pause(doing->room, c->relay, pause, c->who.name);
	if (changed < 0)
		return refuse(doing, NOT_FOUND, "no relay \"%s\"",
			      c->relay);
	return changed;
}

/* What is so already is no error: a script may say it twice. */
static int64_t pause_or_resume(const struct doing *doing,
			       enum ch_batch_state from,
			       enum ch_batch_state to, const char *event)
{
	if (doing->letter.id)
		return conflict(doing, "Cancel it, or pause its batch.",
				"a letter is not paused alone");
	if (doing->batch.state == to)
		return 0;
	if (doing->batch.state != from)
		return not_so(doing, doing->batch.state == CH_BATCH_HELD ?
					     "it goes when it is released" :
					     "it is over");
	change(doing, to, event);
	return 1;
}

static int64_t do_pause(const struct doing *doing)
{
	if (!doing->batch.id)
		return pause_room(doing, true);
	return pause_or_resume(doing, CH_BATCH_OPEN, CH_BATCH_PAUSED,
			       "batch.paused");
}

/* Nobody is to send twice by a habit: who resumes a store that came back has been
 * told how many letters are at risk. */
static int check_risk(const struct doing *doing)
{
	uint64_t letters = ch_mailroom_at_risk(doing->room, 0);

	if (letters == 0 || doing->command->relay ||
	    (int64_t)letters == doing->command->at_risk)
		return 0;
	return conflict(doing, "\"chancery letters BATCH --state at_risk\" "
			       "lists them; a resume names how many they are.",
			"%llu letters that wait may have been sent before this "
			"store came back from a copy",
			(unsigned long long)letters);
}

/* Where the batch had paused itself, what was refused so far is known now. */
static int64_t do_resume(const struct doing *doing)
{
	int64_t touched;

	if (!doing->batch.id)
		return check_risk(doing) < 0 ? -1 : pause_room(doing, false);
	touched = pause_or_resume(doing, CH_BATCH_PAUSED, CH_BATCH_OPEN,
				  "batch.resumed");
	if (touched > 0)
		stored(doing, ch_store_terms_resume(doing->room->store,
						    doing->batch.id,
						    doing->err));
	return touched;
}

static int64_t do_priority(const struct doing *doing)
{
	struct ch_store_terms terms = doing->batch.terms;
	CH_AUTO(ch_detail) detail = { 0 };
	CH_AUTOCHAR json = NULL;

	if (terms.priority == doing->command->priority)
		return 0;
	ch_detail_text(&detail, "from", ch_priority_name(terms.priority));
	terms.priority = doing->command->priority;
	ch_detail_text(&detail, "to", ch_priority_name(terms.priority));
	json = ch_detail_take(&detail);
	stored(doing, ch_store_terms_set(doing->room->store, doing->batch.id,
					 &terms, doing->err));
	stored(doing, ch_store_event_add(doing->room->store,
					 "batch.priority_changed",
					 doing->batch.id, 0,
					 doing->command->who.name, json,
					 doing->now_us, doing->err));
	return 1;
}

/* A letter that a worker has, and that may not be sent before we say so. */
static int64_t recall(const struct doing *doing, const char *verb)
{
	int64_t touched = decide(doing, CH_STATE_CLAIMED, CH_STATE_CANCELLED,
				 verb);

	if (touched > 0)
		ch_sending_overruled(doing->room, doing->letter.id);
	return touched;
}

/* Of a cancelled batch no dot is allowed, and what comes back to its queue is
 * cancelled as well. */
static int64_t do_cancel(const struct doing *doing)
{
	bool one = doing->letter.id != 0;
	const char *verb = one ? "cancelled" : "letters_cancelled";
	int64_t touched;

	if (!one && doing->batch.state != CH_BATCH_CANCELLED)
		change(doing, CH_BATCH_CANCELLED, "batch.cancelled");
	touched = decide(doing, CH_STATE_QUEUED, CH_STATE_CANCELLED, verb);
	touched += decide(doing, CH_STATE_HELD, CH_STATE_CANCELLED, verb);
	if (one)
		touched += recall(doing, verb);
	if (one && touched == 0)
		return not_so(doing, "only what waits can be cancelled");
	return one ? 1 : touched;
}

/* Back to the queue, or out of doubt. */
static int64_t move(const struct doing *doing, enum ch_state from,
		    enum ch_state to, const char *verb)
{
	if (to == CH_STATE_QUEUED && doing->batch.state == CH_BATCH_CANCELLED)
		return not_so(doing, "nothing more of it is sent");
	return decide(doing, from, to, verb);
}

/* What waits after a try goes at once, and a letter that is in doubt stays. */
static int64_t hurry(const struct doing *doing)
{
	const char *who = doing->command->who.name;

	if (doing->batch.state == CH_BATCH_CANCELLED)
		return 0;
	if (!doing->letter.id)
		return ch_decision_hurry(doing->room, doing->batch.id,
					 "retried", who);
	return stored(doing, ch_store_hurry(doing->room->store,
					    doing->batch.id, doing->letter.id,
					    "retried", who, doing->now_us,
					    doing->err));
}

/* Letters that are due again, and for which only a relay is missing. */
static int64_t due_again(const struct doing *doing)
{
	struct ch_tally tally;

	if (doing->letter.id)
		return doing->letter.state == CH_STATE_QUEUED &&
		       doing->letter.attempt > 0;
	stored(doing, ch_store_tally(doing->room->store, doing->batch.id,
				     &tally, doing->err));
	return (int64_t)tally.deferred;
}

/* Whoever says it has reason to think that it works now. */
static int64_t do_retry(const struct doing *doing)
{
	struct ch_touched *touched = doing->touched;
	int64_t all;

	touched->waiting = hurry(doing);
	touched->failed = move(doing, CH_STATE_FAILED, CH_STATE_QUEUED,
			       "retried");
	if (touched->failed < 0)
		return -1;
	touched->held = move(doing, CH_STATE_HELD, CH_STATE_QUEUED, "retried");
	all = touched->failed + touched->waiting + touched->held;
	if (all == 0)
		touched->waiting = due_again(doing);
	if (all == 0 &&
	    (touched->waiting == 0 || !ch_relays_try(doing->room)))
		return not_so(doing, "nothing of it has failed or waits to be "
				     "tried again");
	if (all == 0)
		return touched->waiting;
	(void)ch_relays_try(doing->room);
	return doing->letter.id ? 1 : all;
}

static int64_t do_resolve(const struct doing *doing, enum ch_state to)
{
	int64_t touched = move(doing, CH_STATE_IN_DOUBT, to, "resolved");

	/* It went before the store came back. */
	if (to == CH_STATE_SENT && doing->letter.id &&
	    ch_mailroom_is_at_risk(doing->room, &doing->letter))
		touched |= decide(doing, CH_STATE_QUEUED, to, "resolved");
	if (touched == 0)
		return not_so(doing, "nothing of it is in doubt");
	return touched;
}

/* ---- readdress -------------------------------------------------------- */

#define ADDRESSES_MAX 100

static bool goes_to(const struct ch_store_letter *letter, const char *address)
{
	for (size_t i = 0; i < letter->addresses_len; i++)
		if (ch_address_same(ch_slice_of(letter->addresses[i].address),
				    ch_slice_of(address)))
			return true;
	return false;
}

/* UTF-8 without what does not show. */
static bool is_plain_text(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len;) {
		uint32_t cp;
		size_t n = ch_utf8_decode(text + i, len - i, &cp);

		if (n == 0 || ch_utf8_is_control(cp) ||
		    ch_utf8_is_bidi_control(cp))
			return false;
		i += n;
	}
	return true;
}

/* As the store has addresses: chancery(1) has read what a person wrote, and
 * with it the rules for domains, which need more memory than the daemon has. */
static bool is_plain_address(const char *text)
{
	CH_AUTO(ch_str) folded = CH_STR_INIT(20 * CH_FOLD_MAX);
	const char *at = strrchr(text, '@');

	if (!at || at == text || at - text > 64 || strlen(text) > 254 ||
	    !at[1] || at[1] == '.' || at[1] == '-' || !is_plain_text(text))
		return false;
	for (const char *c = text; *c; c++)
		if (*c == ' ' || strchr("<>()[],;:\\\"", *c) ||
		    (*c == '@' && c != at))
			return false;
	ch_address_fold(ch_slice_of(text), &folded);
	return strspn(at + 1, "abcdefghijklmnopqrstuvwxyz0123456789.-") ==
		       strlen(at + 1) &&
	       strcasecmp(ch_str_cstr(&folded), text) == 0;
}

static int check_readdress(const struct doing *doing, const char *address)
{
	if (!is_plain_address(address))
		return refuse(doing, BAD_DATA, "\"%s\" is not an address as it "
			      "goes to a relay", address);
	if (ch_slice_has_utf8(ch_slice_of(address)) &&
	    !ch_config_has_smtputf8(doing->room->config))
		return refuse(doing, BAD_DATA, "\"%s\" is not ASCII: no relay "
			      "is set up to carry it (smtputf8)", address);
	if (doing->batch.test_to[0])
		return conflict(doing, "Queue the batch without --test-to.",
				"%s is a rehearsal: all of it goes to %s",
				doing->batch.reference, doing->batch.test_to);
	if (doing->batch.state == CH_BATCH_CANCELLED)
		return not_so(doing, "nothing more of it is sent");
	if (goes_to(&doing->letter, address))
		return conflict(doing, "\"chancery show\" tells what became of "
				       "it there.",
				"%s is an address of that letter already",
				address);
	if (doing->letter.addresses_len >= ADDRESSES_MAX)
		return conflict(doing, "Queue it for others in a batch of its "
				       "own.",
				"it has %d addresses already", ADDRESSES_MAX);
	return 0;
}

/* The same message, byte for byte, to one more address of that addressee. */
static int64_t do_readdress(const struct doing *doing)
{
	const char *address = doing->command->address;
	CH_AUTO(ch_detail) detail = { 0 };
	CH_AUTOCHAR json = NULL;
	int64_t seq;

	if (check_readdress(doing, address) < 0)
		return -1;
	seq = stored(doing, ch_store_address_add(doing->room->store,
						 doing->letter.id,
						 CH_ROLE_READDRESSED, address,
						 doing->now_us, doing->err));
	ch_detail_int(&detail, "seq", seq);
	ch_detail_text(&detail, "address", address);
	json = ch_detail_take(&detail);
	stored(doing, ch_store_event_add(doing->room->store,
					 "letter.readdressed",
					 doing->batch.id, doing->letter.id,
					 doing->command->who.name, json,
					 doing->now_us, doing->err));
	return 1;
}

/* The number of a return, or -1 with it said. */
static int64_t return_id(const struct doing *doing)
{
	const char *digits = doing->command->returned;

	if (strspn(digits, "0123456789") != strlen(digits) ||
	    strlen(digits) > 18)
		return refuse(doing, NOT_FOUND, "there is no return %.40s",
			      digits);
	return strtoll(digits, NULL, 10);
}

/* What came back and has no proof. */
static int64_t do_confirm(const struct doing *doing)
{
	int64_t id = return_id(doing);

	if (id < 0 ||
	    ch_returned_confirm(doing->room, &doing->batch, &doing->letter, id,
				doing->command->who.name, doing->err) < 0)
		return -1;
	return 1;
}

/* What ended its readers, for a reader that is another one now. */
static int64_t do_reread(const struct doing *doing)
{
	int64_t id = return_id(doing);

	if (id < 0 ||
	    ch_returned_reread(doing->room, id, doing->command->who.name,
			       doing->err) < 0)
		return -1;
	return 1;
}

/* ---- addresses that are not written to -------------------------------- */

static int64_t do_suppress(const struct doing *doing)
{
	CH_AUTOCHAR address = ch_xstrdup(doing->command->address);
	CH_AUTOCHAR who = ch_xstrdup(doing->command->who.name);
	CH_AUTOCHAR reason = ch_xasprintf("%s said so", who);
	const struct ch_suppressed entry = {
		.address = address,
		.reason = reason,
		.who = who,
		.added_us = doing->now_us,
	};

	if (!is_plain_address(address))
		return refuse(doing, BAD_DATA, "\"%s\" is not an address as it "
			      "goes to a relay", address);
	stored(doing, ch_store_suppress(doing->room->store, &entry,
					doing->err));
	return 1;
}

static int64_t do_unsuppress(const struct doing *doing)
{
	const char *address = doing->command->address;

	if (stored(doing, ch_store_unsuppress(doing->room->store, address,
					      doing->command->who.name,
					      doing->now_us,
					      doing->err)) == 0)
		return refuse(doing, NOT_FOUND, "%s is not suppressed",
			      address);
	return 1;
}

static bool is_of_the_room(enum ch_verb verb)
{
	return verb == CH_VERB_PAUSE || verb == CH_VERB_RESUME ||
	       verb == CH_VERB_REREAD || verb == CH_VERB_SUPPRESS ||
	       verb == CH_VERB_UNSUPPRESS;
}

static int64_t run(const struct doing *doing)
{
	const struct ch_command *c = doing->command;

	if (!c->reference && !is_of_the_room(c->verb))
		return refuse(doing, NOT_FOUND, "which batch?");
	switch (c->verb) {
	case CH_VERB_RELEASE:
		return do_release(doing);
	case CH_VERB_PAUSE:
		return do_pause(doing);
	case CH_VERB_RESUME:
		return do_resume(doing);
	case CH_VERB_CANCEL:
		return do_cancel(doing);
	case CH_VERB_RETRY:
		return do_retry(doing);
	case CH_VERB_RESOLVE_SENT:
		return do_resolve(doing, CH_STATE_SENT);
	case CH_VERB_RESOLVE_RESEND:
		return do_resolve(doing, CH_STATE_QUEUED);
	case CH_VERB_PRIORITY:
		return do_priority(doing);
	case CH_VERB_CONFIRM:
		return do_confirm(doing);
	case CH_VERB_REREAD:
		return do_reread(doing);
	case CH_VERB_READDRESS:
		return do_readdress(doing);
	case CH_VERB_SUPPRESS:
		return do_suppress(doing);
	case CH_VERB_UNSUPPRESS:
		return do_unsuppress(doing);
	}
	return refuse(doing, NOT_FOUND, "there is no such command");
}

static void note(const struct doing *doing, int64_t touched)
{
	const struct ch_command *c = doing->command;
	const struct ch_log_fields about = { .batch = c->reference,
					     .letter = c->key };

	if (touched < 0)
		ch_turn_log(doing->room, LOG_WARNING, &about,
			    "%s by %s refused: %s", verb_names[c->verb],
			    c->who.name, doing->err->text);
	else
		ch_turn_log(doing->room, LOG_NOTICE, &about,
			    "%s by %s: %lld", verb_names[c->verb],
			    c->who.name, (long long)touched);
}

int ch_mailroom_command(struct ch_mailroom *room,
			const struct ch_command *command,
			struct ch_touched *ret_touched, struct ch_error *err)
{
	struct ch_touched parts = { 0 };
	struct doing doing = { .room = room, .command = command,
			       .touched = &parts, .err = err };
	int64_t touched = -1;

	doing.now_us = ch_turn_open(room);
	if (find(&doing) == 0)
		touched = run(&doing);
	note(&doing, touched);
	if (touched >= 0 && doing.batch.id)
		ch_dispatch_batch(room, doing.batch.id);
	ch_store_letter_release(&doing.letter);
	ch_store_batch_release(&doing.batch);
	if (touched < 0)
		return -1;
	parts.all = touched;
	*ret_touched = parts;
	return 0;
}
