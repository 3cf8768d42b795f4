// SPDX-License-Identifier: GPL-3.0-or-later
/* http-json.c - the objects of the sockets. */
#include "chanceryd/http-json.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/hash.h"
#include "base/returned.h"
#include "chanceryd/mailroom.h"
#include "letter/fields.h"
#include "letter/letter.h"
#include "store/store.h"

#define TEXT_MAX (1024 * 1024)

static json_t *text_of(const char *text, size_t len)
{
	CH_AUTO(ch_str) utf8 = CH_STR_INIT(TEXT_MAX);

	ch_escape_utf8(&utf8, text, len);
	return json_stringn_nocheck(ch_str_cstr(&utf8), utf8.len);
}

json_t *ch_http_text(const char *text)
{
	return text_of(text ? text : "", text ? strlen(text) : 0);
}

json_t *ch_http_text_or_null(const char *text)
{
	return text && *text ? ch_http_text(text) : json_null();
}

json_t *ch_http_time(int64_t at_us)
{
	char text[CH_RFC3339_SIZE];

	if (at_us == 0)
		return json_null();
	return json_string(ch_clock_rfc3339(at_us, text));
}

static json_t *hash(const struct ch_sha256 *sum)
{
	char hex[CH_SHA256_HEX_SIZE];

	return json_string(ch_sha256_hex(sum, hex));
}

/* All zero: not known yet. */
static json_t *hash_or_null(const struct ch_sha256 *sum)
{
	static const struct ch_sha256 none;

	return ch_sha256_eq(sum, &none) ? json_null() : hash(sum);
}

static void put(json_t *object, const char *name, json_t *take)
{
	json_object_set_new_nocheck(object, name, take);
}

static void put_int(json_t *object, const char *name, int64_t value)
{
	put(object, name, json_integer(value));
}

static void put_text(json_t *object, const char *name, const char *text)
{
	put(object, name, ch_http_text(text));
}

void ch_http_put_tally(json_t *object, const struct ch_tally *tally)
{
	json_t *letters = json_object();
	uint64_t total = 0;

	for (int i = 0; i < CH_STATES; i++) {
		put_int(letters, ch_state_name(i), (int64_t)tally->state[i]);
		total += tally->state[i];
	}
	put_int(object, "total", (int64_t)total);
	put(object, "letters", letters);
	put_int(object, "deferred", (int64_t)tally->deferred);
	put_int(object, "bounced", (int64_t)tally->bounced);
	put_int(object, "auto_replied", (int64_t)tally->auto_replied);
	put_int(object, "answered", (int64_t)tally->answered);
	put_int(object, "delayed", (int64_t)tally->delayed);
	put_int(object, "delivered", (int64_t)tally->delivered);
	put_int(object, "read", (int64_t)tally->read);
	put_int(object, "silent",
		(int64_t)(tally->state[CH_STATE_SENT] - tally->heard));
}

/* JSON that we wrote into the store ourselves. */
static json_t *stored_object(const char *text)
{
	json_t *json = text && *text ? json_loads(text, 0, NULL) : NULL;

	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

static json_t *pace_of(const struct ch_store_terms *terms)
{
	json_t *object;

	if (!terms->per_second && !terms->per_minute && !terms->per_hour &&
	    !terms->per_day)
		return json_null();
	object = json_object();
	put_int(object, "per_second", terms->per_second);
	put_int(object, "per_minute", terms->per_minute);
	put_int(object, "per_hour", terms->per_hour);
	put_int(object, "per_day", terms->per_day);
	return object;
}

static json_t *canary_of(const struct ch_store_terms *terms)
{
	json_t *object;

	if (!terms->canary)
		return json_null();
	object = json_object();
	put_int(object, "letters", terms->canary);
	put_int(object, "percent", terms->canary_percent);
	put_int(object, "wait_s", terms->canary_wait_us / 1000000);
	put_text(object, "stage", ch_canary_name(terms->stage));
	put(object, "until",
	    ch_http_time(terms->stage == CH_CANARY_WAITING ?
				 terms->canary_until_us : 0));
	return object;
}

int ch_http_put_canary(struct ch_store *store,
		       const struct ch_store_batch *batch, json_t *object,
		       struct ch_error *err)
{
	json_t *canary = json_object_get(object, "canary");
	struct ch_canary_count count;

	if (!json_is_object(canary) || batch->terms.canary_last == 0)
		return 0;
	if (ch_store_canary_count(store, batch->id, &batch->terms, &count,
				  err) < 0)
		return -1;
	put_int(canary, "letters", count.letters);
	put_int(canary, "pending", count.pending);
	put_int(canary, "sent", count.sent);
	put_int(canary, "refused", count.refused);
	put_int(canary, "unclear", count.unclear);
	put_int(canary, "bounced", count.bounced);
	return 0;
}

json_t *ch_http_batch(const struct ch_store_batch *batch,
		      const struct ch_tally *tally, uint64_t at_risk)
{
	json_t *object = json_object();
	json_t *languages = stored_object(batch->summary);

	put_text(object, "reference", batch->reference);
	put_text(object, "state", ch_batch_state_name(batch->state));
	put_text(object, "subject", batch->subject);
	put(object, "deadline", ch_http_text_or_null(batch->deadline));
	put_text(object, "from", batch->from);
	put(object, "reply_to", ch_http_text_or_null(batch->reply_to));
	put(object, "test_to", ch_http_text_or_null(batch->test_to));
	put_text(object, "enqueued_by", batch->enqueued_by);
	put(object, "released_by", ch_http_text_or_null(batch->released_by));
	put(object, "created_at", ch_http_time(batch->created_us));
	put(object, "not_before", ch_http_time(batch->not_before_us));
	put(object, "date", ch_http_time(batch->date_us));
	put_text(object, "priority", ch_priority_name(batch->terms.priority));
	put(object, "pace", pace_of(&batch->terms));
	put(object, "canary", canary_of(&batch->terms));
	put(object, "stopped", ch_http_text_or_null(batch->terms.stopped));
	put(object, "relation",
	    ch_http_text_or_null(ch_relation_name(batch->relation)));
	put(object, "related", ch_http_text_or_null(batch->related));
	put(object, "digest", hash(&batch->digest));
	put(object, "languages", languages ? languages : json_object());
	put_int(object, "largest_bytes", (int64_t)batch->largest_bytes);
	ch_http_put_tally(object, tally);
	put_int(object, "at_risk", (int64_t)at_risk);
	put_int(object, "cursor", batch->id);
	return object;
}

json_t *ch_http_files(const struct ch_store_file *files, size_t len)
{
	json_t *array = json_array();

	for (size_t i = 0; i < len; i++) {
		json_t *object = json_object();

		put_text(object, "role", files[i].role);
		put_text(object, "name", files[i].name);
		put(object, "sha256", hash(&files[i].sha256));
		put_int(object, "size_bytes", (int64_t)files[i].size_bytes);
		json_array_append_new(array, object);
	}
	return array;
}

json_t *ch_http_followers(const struct ch_store_batch *batches, size_t len)
{
	json_t *array = json_array();

	for (size_t i = 0; i < len; i++) {
		json_t *object = json_object();

		put_text(object, "reference", batches[i].reference);
		put_text(object, "relation",
			 ch_relation_name(batches[i].relation));
		json_array_append_new(array, object);
	}
	return array;
}

static const char *role_name(uint32_t role)
{
	static const char *const names[] = {
		[CH_ROLE_TO] = "to",
		[CH_ROLE_CC] = "cc",
		[CH_ROLE_READDRESSED] = "readdressed",
	};

	return role < CH_COUNT(names) ? names[role] : "to";
}

static json_t *address_of(const struct ch_store_address *address)
{
	json_t *object = json_object();

	put_int(object, "seq", address->seq);
	put_text(object, "role", role_name(address->role));
	put_text(object, "address", address->address);
	put_text(object, "state", ch_state_name(address->state));
	put_int(object, "code", address->code);
	put_text(object, "status", address->status);
	put_text(object, "reply", address->reply);
	put(object, "relay", ch_http_text_or_null(address->relay));
	put(object, "next_at",
	    ch_http_time(address->state == CH_STATE_QUEUED
				 ? address->next_at_us : 0));
	put(object, "changed_at", ch_http_time(address->changed_us));
	return object;
}

static json_t *addresses_of(const struct ch_store_letter *letter)
{
	json_t *array = json_array();

	for (size_t i = 0; i < letter->addresses_len; i++)
		json_array_append_new(array,
				      address_of(&letter->addresses[i]));
	return array;
}

static void put_facts(json_t *object, const struct ch_store_letter *letter)
{
	put(object, "bounced", json_boolean(letter->bounced));
	put(object, "delayed", json_boolean(letter->delayed));
	put(object, "delivered", json_boolean(letter->delivered));
	put(object, "auto_replied", json_boolean(letter->auto_replied));
	put(object, "answered", json_boolean(letter->answered));
	put(object, "read", json_boolean(letter->read));
	put(object, "away_until", ch_http_text_or_null(letter->away_until));
}

json_t *ch_http_letter(const struct ch_store_letter *letter,
		       const char *reference, bool at_risk)
{
	json_t *object = json_object();

	put_text(object, "batch", reference);
	put_text(object, "key", letter->key);
	put_text(object, "name", letter->name);
	put_text(object, "language", letter->language);
	put_text(object, "state", ch_state_name(letter->state));
	put_int(object, "attempt", letter->attempt);
	put_text(object, "message_id", letter->message_id);
	put(object, "sha256", hash_or_null(&letter->sha256));
	put_int(object, "size_bytes", (int64_t)letter->size_bytes);
	put_facts(object, letter);
	put(object, "at_risk", json_boolean(at_risk));
	put(object, "first_attempt_at", ch_http_time(letter->first_at_us));
	put(object, "addresses", addresses_of(letter));
	put_int(object, "cursor", letter->id);
	return object;
}

static json_t *fields_of(const struct ch_fields *fields)
{
	json_t *array = json_array();

	for (size_t i = 0; i < fields->len; i++) {
		json_t *object = json_object();

		put_text(object, "name", fields->items[i].name);
		put_text(object, "value", fields->items[i].value);
		json_array_append_new(array, object);
	}
	return array;
}

int ch_http_addressee(const struct ch_store_letter *letter, json_t **ret,
		      struct ch_error *err)
{
	CH_AUTO(ch_fields) fields = { 0 };
	struct ch_slice bytes = { ch_str_cstr(&letter->fields),
				  letter->fields.len };
	json_t *object;

	if (ch_fields_decode(bytes, &fields, err) < 0)
		return -1;
	object = json_object();
	put_text(object, "key", letter->key);
	put_text(object, "name", letter->name);
	put_text(object, "language", letter->language);
	put_text(object, "state", ch_state_name(letter->state));
	put_facts(object, letter);
	put(object, "fields", fields_of(&fields));
	put(object, "addresses", addresses_of(letter));
	put_int(object, "cursor", letter->id);
	*ret = object;
	return 0;
}

static json_t *source_batch(const struct ch_store_batch *batch)
{
	json_t *object = json_object();

	put_text(object, "reference", batch->reference);
	put_text(object, "deadline", batch->deadline);
	put_text(object, "from", batch->from);
	put_text(object, "reply_to", batch->reply_to);
	put_text(object, "test_to", batch->test_to);
	return object;
}

static json_t *source_addresses(const struct ch_store_letter *letter)
{
	json_t *array = json_array();

	for (size_t i = 0; i < letter->addresses_len; i++) {
		const struct ch_store_address *address = &letter->addresses[i];
		json_t *object = json_object();

		put_int(object, "seq", address->seq);
		put_text(object, "role", role_name(address->role));
		put_text(object, "address", address->address);
		json_array_append_new(array, object);
	}
	return array;
}

int ch_http_source(const struct ch_store_batch *batch,
		   const struct ch_store_letter *letter,
		   const struct ch_store_file *files, size_t files_len,
		   json_t **ret, struct ch_error *err)
{
	CH_AUTO(ch_fields) fields = { 0 };
	struct ch_slice bytes = { ch_str_cstr(&letter->fields),
				  letter->fields.len };
	json_t *object;

	if (ch_fields_decode(bytes, &fields, err) < 0)
		return -1;
	object = json_object();
	put(object, "batch", source_batch(batch));
	put(object, "files", ch_http_files(files, files_len));
	put_text(object, "key", letter->key);
	put_text(object, "name", letter->name);
	put_text(object, "language", letter->language);
	put_text(object, "message_id", letter->message_id);
	put(object, "date", ch_http_time(batch->date_us));
	put_int(object, "date_us", batch->date_us);
	put(object, "fields", fields_of(&fields));
	put(object, "addresses", source_addresses(letter));
	put(object, "sha256", hash_or_null(&letter->sha256));
	put_int(object, "size_bytes", (int64_t)letter->size_bytes);
	*ret = object;
	return 0;
}

static void add_lines(json_t *lines, const struct ch_str *notes)
{
	const char *at = ch_str_cstr(notes);
	const char *end = at + notes->len;

	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((line_end ? line_end : end) - at);
		CH_AUTOCHAR line = ch_xstrndup(at, len);

		json_array_append_new(lines, ch_http_text(line));
		at += len + 1;
	}
}

static json_t *lines_of(const struct ch_str *notes)
{
	json_t *lines = json_array();

	add_lines(lines, notes);
	return lines;
}

/* Whether this attempt was for that address, too. */
static bool is_named(const struct ch_str *said, const char *address)
{
	CH_AUTOCHAR line = ch_xasprintf("C: RCPT TO:<%s>", address);

	return memmem(ch_str_cstr(said), said->len, line, strlen(line)) != NULL;
}

/* Whether no reply has followed the last line of the notes, or they were cut
 * before their end. */
static bool wants_reply(const struct ch_str *said)
{
	const char *start = ch_str_cstr(said);
	const char *line_end = memrchr(start, '\n', said->len);
	const char *before;

	if (!line_end || line_end != start + said->len - 1)
		return said->len > 0;
	before = memrchr(start, '\n', (size_t)(line_end - start));
	return strncmp(before ? before + 1 : start, "C: ", 3) == 0;
}

/* A reply as the notes have it, a "S: " line for each of its own. */
static void add_reply(struct ch_str *notes,
		      const struct ch_store_address *address)
{
	const char *at = address->reply;

	for (;;) {
		size_t len = strcspn(at, "\n");

		ch_str_addf(notes, "S: %u%c", address->code,
			    at[len] ? '-' : ' ');
		ch_str_add_mem(notes, at, len);
		ch_str_add_char(notes, '\n');
		if (!at[len])
			return;
		at += len + 1;
	}
}

/* The reply to the dot came when the notes were kept already: it is with the
 * addresses that it was about. Those that were refused before it have another,
 * which stands in the notes; that of an address which was sent is the dot's,
 * whatever else was answered in the same words. */
static void add_last_reply(json_t *lines,
			   const struct ch_store_transcript *transcript,
			   const struct ch_store_letter *letter)
{
	const struct ch_str *said = &transcript->said;

	if (letter->attempt != transcript->attempt || !wants_reply(said))
		return;
	for (size_t i = 0; i < letter->addresses_len; i++) {
		const struct ch_store_address *address = &letter->addresses[i];
		CH_AUTO(ch_str) reply = CH_STR_INIT(TEXT_MAX);

		if (address->code == 0 || !is_named(said, address->address))
			continue;
		add_reply(&reply, address);
		if (address->state != CH_STATE_SENT &&
		    memmem(ch_str_cstr(said), said->len, ch_str_cstr(&reply),
			   reply.len))
			continue;
		add_lines(lines, &reply);
		return;
	}
}

json_t *ch_http_transcript(const struct ch_store_transcript *transcript,
			   const struct ch_store_letter *letter)
{
	json_t *object = json_object();
	json_t *lines = lines_of(&transcript->said);

	add_last_reply(lines, transcript, letter);
	put_int(object, "attempt", transcript->attempt);
	put(object, "relay", ch_http_text_or_null(transcript->relay));
	put(object, "connected_at", ch_http_time(transcript->opened_us));
	put(object, "opening", lines_of(&transcript->opening));
	put(object, "lines", lines);
	return object;
}

void ch_http_put_signatures(json_t *source, const struct ch_str *smime,
			    const struct ch_str *dkim)
{
	CH_AUTOCHAR base64 = ch_xcalloc(CH_BASE64_SIZE(smime->len) + 1, 1);

	ch_base64(ch_str_cstr(smime), smime->len, base64);
	put(source, "signature", ch_http_text_or_null(base64));
	put(source, "dkim", ch_http_text_or_null(ch_str_cstr(dkim)));
}

/* "bounce_hard": names in JSON have no hyphen. */
static json_t *kind_of(uint32_t kind)
{
	char name[20];

	snprintf(name, sizeof(name), "%s", ch_return_kind_name(kind));
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	return json_string(name);
}

/* Which letter, and what was reported of it. */
static void put_report(json_t *object, const struct ch_store_return *item)
{
	put(object, "batch", ch_http_text_or_null(item->reference));
	put(object, "key", ch_http_text_or_null(item->key));
	put(object, "verified", json_boolean(item->verified));
	put_text(object, "match", ch_match_name(item->match));
	put(object, "kind", kind_of(item->kind));
	put_text(object, "recipient", item->recipient);
	put_text(object, "status", item->status);
	put_text(object, "diagnostic", item->diagnostic);
	put(object, "reason", ch_http_text_or_null(item->reason));
	put(object, "address_seq", item->address_seq < 0
		    ? json_null() : json_integer(item->address_seq));
	put(object, "attempt", item->attempt == 0
		    ? json_null() : json_integer(item->attempt));
}

json_t *ch_http_return(const struct ch_store_return *item)
{
	json_t *object = json_object();

	put_int(object, "cursor", item->id);
	put_report(object, item);
	put(object, "received_at", ch_http_time(item->received_us));
	put_text(object, "mailbox", item->mailbox);
	put_text(object, "folder", item->folder);
	put_int(object, "uidvalidity", item->uidvalidity);
	put_int(object, "uid", item->uid);
	put_int(object, "part", item->part);
	put_text(object, "from", item->from);
	put_text(object, "subject", item->subject);
	put_text(object, "text", item->text);
	put(object, "says", ch_http_text_or_null(item->says));
	put(object, "away_until", ch_http_text_or_null(item->away_until));
	put_text(object, "message_id", item->message_id);
	put_int(object, "attachments", item->attachments);
	put_text(object, "rule", item->rule);
	put_text(object, "fault", item->fault);
	put(object, "sha256", hash(&item->sha256));
	put_int(object, "size_bytes", (int64_t)item->size_bytes);
	put(object, "removed_at", ch_http_time(item->removed_us));
	return object;
}

json_t *ch_http_attachments(const struct ch_store_attachment *items,
			    size_t len)
{
	json_t *array = json_array();

	for (size_t i = 0; i < len; i++) {
		json_t *object = json_object();

		put_text(object, "name", items[i].name);
		put_text(object, "type", items[i].type);
		put_int(object, "size_bytes", (int64_t)items[i].size_bytes);
		put(object, "sha256", items[i].whole ? hash(&items[i].sha256)
						     : json_null());
		json_array_append_new(array, object);
	}
	return array;
}

json_t *ch_http_suppressed(const struct ch_suppressed *item)
{
	json_t *object = json_object();

	put_text(object, "address", item->address);
	put_text(object, "reason", item->reason);
	put(object, "return", item->return_id == 0
		    ? json_null() : json_integer(item->return_id));
	put(object, "who", ch_http_text_or_null(item->who));
	put(object, "added_at", ch_http_time(item->added_us));
	put(object, "expires_at", ch_http_time(item->expires_us));
	put_int(object, "cursor", item->id);
	return object;
}

json_t *ch_http_event(const struct ch_store_event *event)
{
	json_t *object = json_object();
	json_t *detail = stored_object(event->detail);

	put_int(object, "cursor", event->id);
	put(object, "at", ch_http_time(event->at_us));
	put_text(object, "type", event->type);
	put(object, "batch", ch_http_text_or_null(event->reference));
	put(object, "key", ch_http_text_or_null(event->key));
	put(object, "who", ch_http_text_or_null(event->who));
	put(object, "detail", detail ? detail : json_null());
	return object;
}

json_t *ch_http_problems(const struct ch_problems *problems)
{
	json_t *array = json_array();

	for (size_t i = 0; i < problems->len; i++) {
		const struct ch_problem *problem = &problems->items[i];
		json_t *object = json_object();

		put_text(object, "file", problem->file);
		put_int(object, "line", problem->line);
		put_int(object, "column", problem->column);
		put_text(object, "field", problem->field);
		put_text(object, "text", problem->text);
		put_text(object, "hint", problem->hint);
		put_text(object, "kind", problem->kind == CH_PROBLEM_WARNING
				 ? "warning" : "error");
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *relays_of(const struct ch_mailroom_state *state)
{
	json_t *array = json_array();

	for (size_t i = 0; i < state->relays_len; i++) {
		const struct ch_relay_state *relay = &state->relays[i];
		json_t *object = json_object();

		put_text(object, "name", relay->name);
		put_text(object, "state", relay->state);
		put_text(object, "text", relay->text);
		put(object, "backup", json_boolean(relay->backup));
		put(object, "next_at", ch_http_time(relay->next_us));
		put_int(object, "workers", relay->workers);
		put_int(object, "under_way", relay->under_way);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *domains_of(const struct ch_mailroom_state *state)
{
	json_t *array = json_array();

	for (size_t i = 0; i < state->domains_len; i++) {
		const struct ch_domain_state *domain = &state->domains[i];
		json_t *object = json_object();

		put_text(object, "name", domain->name);
		put_int(object, "refusals", domain->refusals);
		put_int(object, "under_way", domain->under_way);
		put(object, "next_at", ch_http_time(domain->next_us));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *mailboxes_of(const struct ch_mailroom_state *state)
{
	json_t *array = json_array();

	for (size_t i = 0; i < state->mailboxes_len; i++) {
		const struct ch_mailbox_state *mailbox = &state->mailboxes[i];
		json_t *object = json_object();

		put_text(object, "name", mailbox->name);
		put_text(object, "folder", mailbox->folder);
		put_text(object, "state", mailbox->state);
		put_text(object, "text", mailbox->text);
		put_int(object, "last_uid", mailbox->last_uid);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *alarms_of(const struct ch_mailroom_state *state)
{
	json_t *array = json_array();

	for (size_t i = 0; i < state->alarms_len; i++) {
		const struct ch_alarm *alarm = &state->alarms[i];
		json_t *object = json_object();

		put_text(object, "type", alarm->type);
		put_text(object, "text", alarm->text);
		put(object, "since", ch_http_time(alarm->since_us));
		json_array_append_new(array, object);
	}
	return array;
}

/* null where it is always open. */
static json_t *hours_of(const struct ch_mailroom_state *state)
{
	json_t *object = json_object();

	if (!state->time_zone) {
		json_decref(object);
		return json_null();
	}
	put(object, "open", json_boolean(state->open));
	put(object, "until", state->open_until_us == INT64_MAX ?
				     json_null() :
				     ch_http_time(state->open_until_us));
	put_text(object, "time_zone", state->time_zone);
	return object;
}

json_t *ch_http_state(const struct ch_mailroom_state *state)
{
	json_t *object = json_object();

	put_text(object, "version", PACKAGE_VERSION);
	put_text(object, "state", state->state);
	put(object, "started_at", ch_http_time(state->started_us));
	put(object, "now", ch_http_time(ch_clock_now_us()));
	put(object, "restored", json_boolean(state->restored));
	put(object, "hours", hours_of(state));
	put(object, "relays", relays_of(state));
	put(object, "domains", domains_of(state));
	put(object, "mailboxes", mailboxes_of(state));
	put(object, "alarms", alarms_of(state));
	put_int(object, "imports_under_way",
		(int64_t)state->imports_under_way);
	put_int(object, "worker_restarts", (int64_t)state->worker_restarts);
	put_int(object, "commits", (int64_t)state->commits);
	return object;
}

json_t *ch_http_error(unsigned int status, const char *code, const char *text,
		      const char *hint)
{
	json_t *error = json_object();
	json_t *object = json_object();

	put_int(error, "status", status);
	put_text(error, "code", code);
	put_text(error, "text", text);
	put_text(error, "hint", hint);
	put(object, "error", error);
	return object;
}

static int append(const char *bytes, size_t len, void *context)
{
	ch_str_add_mem(context, bytes, len);
	return 0;
}

void ch_http_dump(json_t *take, struct ch_str *out)
{
	json_dump_callback(take, append, out, JSON_COMPACT);
	json_decref(take);
}
