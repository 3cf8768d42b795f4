// SPDX-License-Identifier: GPL-3.0-or-later
/* journal.c - see journal.h. */
#include "chanceryd/journal.h"

#include <string.h>

#include "base/mem.h"
#include "chanceryd/alarms.h"
#include "chanceryd/keys.h"
#include "mail/same.h"
#include "returns/token.h"
#include "wire/messages.h"

/* About a relay that refuses it, or the house, where it does not arrive. */
#define ALARM "alarm.journal"

/* ---- the address ------------------------------------------------------ */

struct ch_envelope ch_journal_address(const struct ch_mailroom *room)
{
	const char *journal = room->config->sending.journal;
	const char *at = strrchr(journal, '@');

	if (!at)
		return (struct ch_envelope){ CH_SLICE_EMPTY, CH_SLICE_EMPTY };
	return (struct ch_envelope){
		.prefix = { journal, (size_t)(at - journal) },
		.domain = ch_slice_of(at + 1),
	};
}

void ch_journal_add(const struct ch_mailroom *room, int64_t letter_id,
		    uint32_t attempt, struct ch_str *out)
{
	struct ch_envelope address = ch_journal_address(room);

	if (address.prefix.len == 0)
		return;
	ch_str_add_mem(out, address.prefix.data, address.prefix.len);
	ch_str_add_char(out, '+');
	ch_keys_journal(room->keys, letter_id, attempt, out);
	ch_str_add_char(out, '@');
	ch_str_add_mem(out, address.domain.data, address.domain.len);
}

bool ch_journal_is(const struct ch_mailroom *room, struct ch_slice address)
{
	struct ch_envelope ours = ch_journal_address(room);

	if (ours.prefix.len == 0)
		return false;
	if (ch_address_same(ch_slice_of(room->config->sending.journal),
			    address))
		return true;
	return ch_token_find(address, ours.prefix, ours.domain).len > 0;
}

/* ---- on its way out --------------------------------------------------- */

void ch_journal_result(struct ch_mailroom *room, const char *relay,
		       const struct ch_send_result *result, bool crowded)
{
	if (result->journal == CH_JOURNAL_TAKEN)
		ch_alarm_clear(room, ALARM, relay);
	else if (result->journal == CH_JOURNAL_REFUSED && !crowded)
		ch_alarm_raise(room, ALARM, relay,
			       "refuses our own copy, and letters go without "
			       "it: %u %.*s", result->journal_code,
			       (int)result->journal_reply.len,
			       result->journal_reply.data);
}

/* ---- what comes ------------------------------------------------------- */

static enum ch_journal_copy add(struct ch_mailroom *room, int64_t letter_id,
				uint32_t attempt, const char *message_id)
{
	struct ch_error err;
	bool settled;
	int known = ch_store_copy_add(room->store, letter_id, attempt,
				      message_id, ch_turn_open(room), &settled,
				      &err);

	if (known < 0)
		ch_room_fail(room, &err);
	if (known == 0)
		return CH_COPY_UNKNOWN;
	return settled ? CH_COPY_SETTLED : CH_COPY_TAKEN;
}

enum ch_journal_copy ch_journal_copy(struct ch_mailroom *room,
				     const struct ch_receive_copy *copy)
{
	CH_AUTOCHAR message_id = ch_slice_dup(copy->message_id);
	const struct ch_token_key *keys;
	enum ch_journal_copy known;
	unsigned int attempt;
	int64_t letter_id;
	size_t len;

	keys = ch_keys_journal_all(room->keys, &len);
	if (ch_token_check(keys, len, copy->token, &letter_id, &attempt) < 0 ||
	    attempt == 0)
		return CH_COPY_UNKNOWN;
	known = add(room, letter_id, attempt, message_id);
	if (known != CH_COPY_UNKNOWN)
		ch_alarm_clear(room, ALARM, "");
	return known;
}

/* Whatever is said of it, the relay had taken the message to say it. */
void ch_journal_reported(struct ch_mailroom *room,
			 const struct ch_store_letter *letter, uint32_t attempt,
			 const struct ch_returned_recipient *recipient)
{
	(void)add(room, letter->id, attempt, NULL);
	if (recipient->kind == CH_RETURN_BOUNCE_HARD ||
	    recipient->kind == CH_RETURN_BOUNCE_SOFT)
		ch_alarm_raise(room, ALARM, "",
			       "our own copies do not arrive: %.*s %.*s",
			       (int)recipient->status.len,
			       recipient->status.data,
			       (int)recipient->diagnostic.len,
			       recipient->diagnostic.data);
}
