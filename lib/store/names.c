// SPDX-License-Identifier: GPL-3.0-or-later
/* names.c - words for the numbers of store.h, and freeing its structs. */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

static const char *const state_names[CH_STATES] = {
	[CH_STATE_QUEUED] = "queued",       [CH_STATE_CLAIMED] = "claimed",
	[CH_STATE_DOT] = "dot",             [CH_STATE_SENT] = "sent",
	[CH_STATE_FAILED] = "failed",       [CH_STATE_IN_DOUBT] = "in_doubt",
	[CH_STATE_CANCELLED] = "cancelled", [CH_STATE_HELD] = "held",
};

static const char *const batch_state_names[CH_BATCH_STATES] = {
	[CH_BATCH_IMPORTING] = "importing", [CH_BATCH_HELD] = "held",
	[CH_BATCH_OPEN] = "open",           [CH_BATCH_PAUSED] = "paused",
	[CH_BATCH_CANCELLED] = "cancelled",
};

static const char *const match_names[] = {
	[CH_MATCH_NONE] = "none",
	[CH_MATCH_TOKEN] = "token",
	[CH_MATCH_ENVELOPE_ID] = "envelope_id",
	[CH_MATCH_MESSAGE_ID] = "message_id",
	[CH_MATCH_REFERENCE] = "reference",
	[CH_MATCH_PERSON] = "person",
};

const char *ch_state_name(enum ch_state state)
{
	return (unsigned int)state < CH_STATES ? state_names[state] : "unknown";
}

int ch_state_parse(const char *name, enum ch_state *ret)
{
	for (int i = 0; i < CH_STATES; i++) {
		if (strcmp(name, state_names[i]) == 0) {
			*ret = (enum ch_state)i;
			return 0;
		}
	}
	return -1;
}

const char *ch_batch_state_name(enum ch_batch_state state)
{
	return (unsigned int)state < CH_BATCH_STATES ?
		       batch_state_names[state] : "unknown";
}

const char *ch_match_name(enum ch_match match)
{
	return (size_t)match < CH_COUNT(match_names) ? match_names[match] :
						       "unknown";
}

enum ch_state ch_state_of_letter(const enum ch_state *addresses, size_t len)
{
	static const enum ch_state order[CH_STATES] = {
		CH_STATE_IN_DOUBT, CH_STATE_DOT,    CH_STATE_CLAIMED,
		CH_STATE_QUEUED,   CH_STATE_HELD,   CH_STATE_FAILED,
		CH_STATE_CANCELLED, CH_STATE_SENT,
	};
	unsigned int seen = 0;

	for (size_t i = 0; i < len; i++)
		seen |= 1u << addresses[i];
	for (size_t i = 0; i < CH_STATES; i++) {
		if (seen & 1u << order[i])
			return order[i];
	}
	return CH_STATE_CANCELLED; /* no address at all: nothing to send */
}

void ch_store_batch_release(struct ch_store_batch *batch)
{
	free(batch->reference);
	free(batch->subject);
	free(batch->deadline);
	free(batch->from);
	free(batch->reply_to);
	free(batch->test_to);
	free(batch->enqueued_by);
	free(batch->released_by);
	free(batch->summary);
	free(batch->related);
	memset(batch, 0, sizeof(*batch));
}

void ch_store_batches_free(struct ch_store_batch *batches, size_t len)
{
	for (size_t i = 0; i < len; i++)
		ch_store_batch_release(&batches[i]);
	free(batches);
}

void ch_store_files_free(struct ch_store_file *files, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		free(files[i].role);
		free(files[i].name);
	}
	free(files);
}

void ch_store_letter_release(struct ch_store_letter *letter)
{
	for (size_t i = 0; i < letter->addresses_len; i++) {
		free(letter->addresses[i].address);
		free(letter->addresses[i].status);
		free(letter->addresses[i].reply);
		free(letter->addresses[i].relay);
	}
	free(letter->addresses);
	free(letter->key);
	free(letter->name);
	free(letter->language);
	free(letter->message_id);
	free(letter->away_until);
	ch_str_release(&letter->fields);
	memset(letter, 0, sizeof(*letter));
}

void ch_store_letters_free(struct ch_store_letter *letters, size_t len)
{
	for (size_t i = 0; i < len; i++)
		ch_store_letter_release(&letters[i]);
	free(letters);
}

void ch_store_return_release(struct ch_store_return *ret)
{
	free(ret->mailbox);
	free(ret->folder);
	free(ret->rule);
	free(ret->fault);
	free(ret->message_id);
	free(ret->from);
	free(ret->subject);
	free(ret->text);
	free(ret->recipient);
	free(ret->status);
	free(ret->diagnostic);
	free(ret->reason);
	free(ret->says);
	free(ret->away_until);
	free(ret->reference);
	free(ret->key);
	memset(ret, 0, sizeof(*ret));
}

void ch_store_returns_free(struct ch_store_return *items, size_t len)
{
	for (size_t i = 0; i < len; i++)
		ch_store_return_release(&items[i]);
	free(items);
}

void ch_store_events_free(struct ch_store_event *events, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		free(events[i].type);
		free(events[i].who);
		free(events[i].detail);
		free(events[i].reference);
		free(events[i].key);
	}
	free(events);
}
