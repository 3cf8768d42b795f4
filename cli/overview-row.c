// SPDX-License-Identifier: GPL-3.0-or-later
/* overview-row.c - from chanceryd's objects to the cells of a row. */
#include "cli/overview-row.h"

#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/outcome.h"
#include "cli/overview.h"
#include "letter/country.h"
#include "letter/recipients.h"

#define CELL_MAX (1024 * 1024)
#define CAPACITIES "capacities."

static const struct {
	const char *name;
	enum ch_overview_kind kind;
} columns[] = {
	[CH_OV_KEY] = { "key", CH_OV_TEXT },
	[CH_OV_NAME] = { "name", CH_OV_TEXT },
	[CH_OV_ADDRESSEE] = { "addressee", CH_OV_TEXT },
	[CH_OV_CAPACITIES] = { "capacities", CH_OV_TEXT },
	[CH_OV_LANGUAGE] = { "language", CH_OV_TEXT },
	[CH_OV_TO] = { "to", CH_OV_ADDRESSES },
	[CH_OV_CC] = { "cc", CH_OV_ADDRESSES },
	[CH_OV_OUTCOME] = { "outcome", CH_OV_WORD },
	[CH_OV_OVERDUE] = { "overdue", CH_OV_WORD },
	[CH_OV_SENT_AT] = { "sent_at", CH_OV_TIME },
	[CH_OV_SMTP_REPLY] = { "smtp_reply", CH_OV_TEXT },
	[CH_OV_DELIVERED_AT] = { "delivered_at", CH_OV_TIME },
	[CH_OV_READ_AT] = { "read_at", CH_OV_TIME },
	[CH_OV_ANSWERED_AT] = { "answered_at", CH_OV_TIME },
	[CH_OV_ANSWERED_BY] = { "answered_by", CH_OV_ADDRESSES },
	[CH_OV_SAYS] = { "says", CH_OV_WORD },
	[CH_OV_ANSWER_ID] = { "answer_id", CH_OV_TEXT },
	[CH_OV_ATTACHMENTS] = { "attachments", CH_OV_TEXT },
	[CH_OV_RETURNED_AT] = { "returned_at", CH_OV_TIME },
	[CH_OV_RETURNED_ADDRESS] = { "returned_address", CH_OV_ADDRESSES },
	[CH_OV_RETURNED_STATUS] = { "returned_status", CH_OV_TEXT },
	[CH_OV_RETURNED_REASON] = { "returned_reason", CH_OV_WORD },
	[CH_OV_AWAY_UNTIL] = { "away_until", CH_OV_TIME },
	[CH_OV_READDRESSED_TO] = { "readdressed_to", CH_OV_ADDRESSES },
	[CH_OV_FOLLOWED_BY] = { "followed_by", CH_OV_RELATIONS },
};
_Static_assert(CH_COUNT(columns) == CH_OV_COLUMNS, "every column");

static const char *const counts[] = {
	[CH_OV_ALL] = "addressees",
	[CH_OV_SENT] = "sent",
	[CH_OV_DELIVERED] = "delivered",
	[CH_OV_READ] = "read",
	[CH_OV_ANSWERED] = "answered",
	[CH_OV_ACKNOWLEDGED] = "acknowledged",
	[CH_OV_RETURNED] = "returned",
	[CH_OV_AWAY] = "away",
	[CH_OV_IN_DOUBT] = "in_doubt",
	[CH_OV_SILENT] = "silent",
	[CH_OV_LATE] = "overdue",
};
_Static_assert(CH_COUNT(counts) == CH_OV_COUNTS, "every count");

const char *ch_overview_name(enum ch_overview_column column)
{
	return columns[column].name;
}

enum ch_overview_kind ch_overview_kind(enum ch_overview_column column)
{
	return columns[column].kind;
}

const char *ch_overview_count_name(enum ch_overview_count count)
{
	return counts[count];
}

void ch_overview_row_release(struct ch_overview_row *row)
{
	for (size_t i = 0; i < CH_OV_COLUMNS; i++)
		free(row->cells[i]);
	*row = (struct ch_overview_row){ { NULL } };
}

/* ---- records ---------------------------------------------------------- */

void ch_overview_making_release(struct ch_overview_making *making)
{
	json_decref(making->letter);
	json_decref(making->capacities);
	json_decref(making->links);
	json_decref(making->answer);
	json_decref(making->acknowledgement);
	json_decref(making->bounce);
	json_decref(making->delivery);
	json_decref(making->receipt);
	*making = (struct ch_overview_making){ 0 };
}

static void replace(json_t **member, json_t *value)
{
	json_decref(*member);
	*member = json_incref(value);
}

static void keep_first(json_t **member, json_t *value)
{
	if (!*member)
		*member = json_incref(value);
}

static bool is(const json_t *object, const char *name, const char *value)
{
	return strcmp(ch_json_text(object, name), value) == 0;
}

static void take_return(struct ch_overview_making *making, json_t *item)
{
	bool verified = ch_json_true(item, "verified");

	if (is(item, "kind", "reply") &&
	    (verified || !is(item, "match", "reference"))) {
		if (is(item, "says", "acknowledgement"))
			replace(&making->acknowledgement, item);
		else
			replace(&making->answer, item);
	}
	if (!verified)
		return;
	if (is(item, "kind", "bounce_hard") ||
	    (is(item, "kind", "bounce_soft") &&
	     (!making->bounce || is(making->bounce, "kind", "bounce_soft"))))
		replace(&making->bounce, item);
	else if (is(item, "kind", "delivered"))
		keep_first(&making->delivery, item);
	else if (is(item, "kind", "mdn"))
		keep_first(&making->receipt, item);
}

void ch_overview_take(struct ch_overview_making *making,
		      struct ch_slice record)
{
	json_t *object = record.len ? json_loadb(record.data + 1,
						 record.len - 1, 0, NULL)
				    : NULL;

	if (!object)
		return;
	switch (record.data[0]) {
	case CH_OV_RECORD_LETTER:
		replace(&making->letter, object);
		break;
	case CH_OV_RECORD_CAPACITIES:
		replace(&making->capacities,
			json_object_get(object, "capacities"));
		break;
	case CH_OV_RECORD_LINK:
		if (!making->links)
			making->links = json_array();
		json_array_append(making->links, object);
		break;
	case CH_OV_RECORD_RETURN:
		take_return(making, object);
		break;
	}
	json_decref(object);
}

/* "capacities.2.table": 2, or 0. */
static size_t capacity_of(const char *field)
{
	char *end;
	unsigned long number;

	if (strncmp(field, CAPACITIES, strlen(CAPACITIES)) != 0)
		return 0;
	number = strtoul(field + strlen(CAPACITIES), &end, 10);
	return strcmp(end, ".table") == 0 && number <= CH_TABLES_MAX ? number
								      : 0;
}

json_t *ch_overview_capacities(const json_t *addressee)
{
	const json_t *fields = json_object_get(addressee, "fields");
	const char *names[CH_TABLES_MAX] = { NULL };
	const char *only = "";
	const json_t *field;
	json_t *list = json_array();
	size_t i;

	json_array_foreach(fields, i, field) {
		const char *name = ch_json_text(field, "name");
		size_t number = capacity_of(name);

		if (number > 0)
			names[number - 1] = ch_json_text(field, "value");
		else if (strcmp(name, "capacity") == 0)
			only = ch_json_text(field, "value");
	}
	for (i = 0; i < CH_TABLES_MAX; i++) {
		if (names[i] && names[i][0])
			json_array_append_new(list, json_string(names[i]));
	}
	if (json_array_size(list) == 0 && only[0])
		json_array_append_new(list, json_string(only));
	return json_pack("{s:o}", "capacities", list);
}

/* ---- cells ------------------------------------------------------------ */

static void set(struct ch_overview_row *row, enum ch_overview_column column,
		const char *text)
{
	free(row->cells[column]);
	row->cells[column] = ch_xstrdup(text);
}

static void set_texts(struct ch_overview_row *row,
		      enum ch_overview_column column, const json_t *list)
{
	CH_AUTO(ch_str) cell = CH_STR_INIT(CELL_MAX);
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		const char *text = json_is_string(item)
					   ? json_string_value(item)
					   : ch_json_text(item, "name");

		ch_str_addf(&cell, "%s%s", cell.len ? "; " : "", text);
	}
	set(row, column, ch_str_cstr(&cell));
}

static void set_addresses(struct ch_overview_row *row,
			  enum ch_overview_column column, const char *role,
			  const json_t *letter)
{
	CH_AUTO(ch_str) cell = CH_STR_INIT(CELL_MAX);
	const json_t *address;
	size_t i;

	json_array_foreach(json_object_get(letter, "addresses"), i, address) {
		if (is(address, "role", role))
			ch_str_addf(&cell, "%s%s", cell.len ? "; " : "",
				    ch_json_text(address, "address"));
	}
	set(row, column, ch_str_cstr(&cell));
}

/* When it first went to one of those it is written to. */
static void set_sent(struct ch_overview_row *row, const json_t *letter)
{
	const char *first = "";
	const json_t *address;
	size_t i;

	json_array_foreach(json_object_get(letter, "addresses"), i, address) {
		const char *at = ch_json_text(address, "changed_at");

		if (is(address, "state", "sent") &&
		    !is(address, "role", "cc") &&
		    (!first[0] || strcmp(at, first) < 0))
			first = at;
	}
	set(row, CH_OV_SENT_AT, first);
}

static void set_reply(struct ch_overview_row *row, const json_t *letter)
{
	CH_AUTO(ch_str) reply = CH_STR_INIT(CELL_MAX);
	const json_t *address = ch_outcome_deciding(letter);

	/* Where there is none, that is no reply either. */
	if (ch_json_number(address, "code") ||
	    ch_json_text(address, "status")[0] ||
	    ch_json_text(address, "reply")[0])
		ch_outcome_reply(address, &reply);
	set(row, CH_OV_SMTP_REPLY, ch_str_cstr(&reply));
}

static void set_answer(struct ch_overview_row *row, const json_t *answer)
{
	const json_t *files = json_object_get(answer, "files");
	char number[24];

	if (!answer)
		return;
	set(row, CH_OV_ANSWERED_AT, ch_json_text(answer, "received_at"));
	set(row, CH_OV_ANSWERED_BY, ch_json_text(answer, "from"));
	set(row, CH_OV_SAYS, ch_json_text(answer, "says"));
	snprintf(number, sizeof(number), "%llu",
		 (unsigned long long)ch_json_number(answer, "cursor"));
	set(row, CH_OV_ANSWER_ID, number);
	if (json_array_size(files) > 0) {
		set_texts(row, CH_OV_ATTACHMENTS, files);
		return;
	}
	snprintf(number, sizeof(number), "%llu",
		 (unsigned long long)ch_json_number(answer, "attachments"));
	set(row, CH_OV_ATTACHMENTS, strcmp(number, "0") == 0 ? "" : number);
}

static void set_return(struct ch_overview_row *row, const json_t *bounce)
{
	if (!bounce)
		return;
	set(row, CH_OV_RETURNED_AT, ch_json_text(bounce, "received_at"));
	set(row, CH_OV_RETURNED_ADDRESS, ch_json_text(bounce, "recipient"));
	set(row, CH_OV_RETURNED_STATUS, ch_json_text(bounce, "status"));
	set(row, CH_OV_RETURNED_REASON, ch_json_text(bounce, "reason"));
}

/* The table's name of the State; its own, where the key is no State's. */
static void set_name(const struct ch_overview *o, struct ch_overview_row *row,
		     const json_t *letter)
{
	const char *own = ch_json_text(letter, "name");
	struct ch_error ignored;
	struct ch_slice name;

	set(row, CH_OV_ADDRESSEE, own);
	if (ch_country_name(o->countries,
			    ch_slice_of(ch_json_text(letter, "key")),
			    o->language, CH_COUNTRY_SHORT, &name,
			    &ignored) == 0) {
		free(row->cells[CH_OV_NAME]);
		row->cells[CH_OV_NAME] = ch_slice_dup(name);
	} else {
		set(row, CH_OV_NAME,
		    own[0] ? own : ch_json_text(letter, "key"));
	}
}

static void set_links(struct ch_overview_row *row, const json_t *links)
{
	CH_AUTO(ch_str) cell = CH_STR_INIT(CELL_MAX);
	const json_t *link;
	size_t i;

	json_array_foreach(links, i, link)
		ch_str_addf(&cell, "%s%s %s", cell.len ? "; " : "",
			    ch_json_text(link, "relation"),
			    ch_json_text(link, "reference"));
	set(row, CH_OV_FOLLOWED_BY, ch_str_cstr(&cell));
}

/* ---- how it stands ---------------------------------------------------- */

static bool is_acknowledged(const struct ch_overview_making *making)
{
	return making->acknowledgement && !making->answer;
}

static const char *outcome_of_state(const char *state)
{
	static const struct {
		const char *state, *word;
	} words[] = {
		{ "queued", "waiting" },     { "claimed", "waiting" },
		{ "dot", "sending" },	     { "failed", "refused" },
		{ "in_doubt", "in_doubt" },  { "held", "held" },
		{ "cancelled", "cancelled" }, { "sent", "sent" },
	};

	for (size_t i = 0; i < CH_COUNT(words); i++) {
		if (strcmp(words[i].state, state) == 0)
			return words[i].word;
	}
	return "unknown";
}

/* Doubt first: it waits for a person; then what came back, the most telling
 * first; then the letter's state. */
static const char *outcome_of(const struct ch_overview_making *making)
{
	const json_t *letter = making->letter;
	const char *state = ch_json_text(letter, "state");

	if (strcmp(state, "in_doubt") == 0)
		return "in_doubt";
	if (ch_json_true(letter, "answered"))
		return is_acknowledged(making) ? "acknowledged" : "answered";
	if (ch_json_true(letter, "bounced"))
		return "returned";
	if (strcmp(state, "sent") != 0)
		return outcome_of_state(state);
	if (ch_json_true(letter, "auto_replied"))
		return "away";
	if (ch_json_true(letter, "read"))
		return "read";
	return ch_json_true(letter, "delivered") ? "delivered" : "sent";
}

static void count(struct ch_overview *o,
		  const struct ch_overview_making *making)
{
	const json_t *letter = making->letter;
	bool answered = ch_json_true(letter, "answered");
	bool acknowledged = answered && is_acknowledged(making);
	bool silent = ch_letter_is_silent(letter);

	o->counts[CH_OV_ALL]++;
	o->counts[CH_OV_SENT] += is(letter, "state", "sent");
	o->counts[CH_OV_DELIVERED] += ch_json_true(letter, "delivered");
	o->counts[CH_OV_READ] += ch_json_true(letter, "read");
	o->counts[CH_OV_ANSWERED] += answered && !acknowledged;
	o->counts[CH_OV_ACKNOWLEDGED] += acknowledged;
	o->counts[CH_OV_RETURNED] += ch_json_true(letter, "bounced");
	o->counts[CH_OV_AWAY] += ch_json_true(letter, "auto_replied");
	o->counts[CH_OV_IN_DOUBT] += is(letter, "state", "in_doubt");
	o->counts[CH_OV_SILENT] += silent;
	o->counts[CH_OV_LATE] += silent && o->late;
}

/* ---- the row ---------------------------------------------------------- */

void ch_overview_make(struct ch_overview *o,
		      struct ch_overview_making *making,
		      struct ch_overview_row *ret)
{
	json_t *letter = making->letter;

	if (making->answer || making->acknowledgement)
		json_object_set_new(letter, "answered", json_true());
	for (size_t i = 0; i < CH_OV_COLUMNS; i++)
		ret->cells[i] = ch_xstrdup("");
	count(o, making);
	set(ret, CH_OV_KEY, ch_json_text(letter, "key"));
	set_name(o, ret, letter);
	set_texts(ret, CH_OV_CAPACITIES, making->capacities);
	set(ret, CH_OV_LANGUAGE, ch_json_text(letter, "language"));
	set_addresses(ret, CH_OV_TO, "to", letter);
	set_addresses(ret, CH_OV_CC, "cc", letter);
	set_addresses(ret, CH_OV_READDRESSED_TO, "readdressed", letter);
	set(ret, CH_OV_OUTCOME, outcome_of(making));
	set(ret, CH_OV_OVERDUE,
	    o->late && ch_letter_is_silent(letter) ? "yes" : "");
	set_sent(ret, letter);
	set_reply(ret, letter);
	set(ret, CH_OV_DELIVERED_AT,
	    ch_json_text(making->delivery, "received_at"));
	set(ret, CH_OV_READ_AT, ch_json_text(making->receipt, "received_at"));
	set_answer(ret, making->answer ? making->answer
				       : making->acknowledgement);
	set_return(ret, making->bounce);
	set(ret, CH_OV_AWAY_UNTIL, ch_json_text(letter, "away_until"));
	set_links(ret, making->links);
}
