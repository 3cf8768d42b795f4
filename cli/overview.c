// SPDX-License-Identifier: GPL-3.0-or-later
/* overview.c - gather a batch: letters, capacities, batches that follow on it,
 * and what came back, joined by the letters' keys.
 */
#include "cli/overview.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/overview-row.h"
#include "cli/request.h"
#include "letter/collate.h"
#include "letter/country.h"
#include "letter/sort.h"

#define SORT_MEMORY (16 * 1024 * 1024) /* of each of the two */
#define RECORD_MAX (4 * 1024 * 1024)
#define ADDRESSEES_PAGE 100

/* What a letter's record has of chanceryd's object. */
static const char *const letter_members[] = {
	"key",	     "name",	 "language",	 "state",   "addresses",
	"bounced",   "read",	 "delivered",	 "answered", "auto_replied",
	"delayed",   "at_risk",	 "away_until",
};
static const char *const return_members[] = {
	"cursor",  "kind", "verified", "match",	    "received_at", "from",
	"says",	   "status", "reason", "recipient", "attachments", "files",
};

struct gathering {
	struct ch_overview *overview;
	enum ch_overview_record mark;
	const char *reference; /* LINKED: of the other batch */
	const char *relation;
};

void ch_overview_release(struct ch_overview *overview)
{
	if (overview->joined)
		ch_sort_free(overview->joined);
	if (overview->sorted)
		ch_sort_free(overview->sorted);
	if (overview->collator)
		ch_collator_free(overview->collator);
	json_decref(overview->batch);
	*overview = (struct ch_overview){ 0 };
}

int ch_overview_fail(const struct ch_overview *overview)
{
	return ch_fail(overview->cli, EX_IOERR, NULL, "%s",
		       overview->err.text);
}

/* ---- records ---------------------------------------------------------- */

/* One letter's: its kind, then JSON. */
static int add_record(struct gathering *g, const char *key, json_t *take)
{
	struct ch_overview *o = g->overview;
	CH_AUTO(ch_str) record = CH_STR_INIT(RECORD_MAX);
	CH_AUTOCHAR text = json_dumps(take, JSON_COMPACT);

	json_decref(take);
	ch_str_add_char(&record, (char)g->mark);
	ch_str_add(&record, text ? text : "");
	if (record.full)
		return ch_fail(o->cli, EX_PROTOCOL, NULL,
			       "what chanceryd says of \"%s\" is too long",
			       key);
	if (ch_sort_add(o->joined, ch_slice_of(key),
			(struct ch_slice){ ch_str_cstr(&record), record.len },
			&o->err) < 0)
		return ch_overview_fail(o);
	return EX_OK;
}

static json_t *members_of(const json_t *object, const char *const *names,
			  size_t len)
{
	json_t *some = json_object();

	for (size_t i = 0; i < len; i++) {
		json_t *value = json_object_get(object, names[i]);

		if (value && !json_is_null(value))
			json_object_set(some, names[i], value);
	}
	return some;
}

static int add_letter(void *context, const json_t *letter)
{
	return add_record(context, ch_json_text(letter, "key"),
			  members_of(letter, letter_members,
				     CH_COUNT(letter_members)));
}

static int add_return(void *context, const json_t *item)
{
	const char *key = ch_json_text(item, "key");

	if (!key[0])
		return EX_OK;
	return add_record(context, key,
			  members_of(item, return_members,
				     CH_COUNT(return_members)));
}

/* An answer to a reminder is one to the letter that it reminds of. */
static int add_linked_return(void *context, const json_t *item)
{
	if (strcmp(ch_json_text(item, "kind"), "reply") != 0)
		return EX_OK;
	return add_return(context, item);
}

static int add_link(void *context, const json_t *letter)
{
	struct gathering *g = context;

	/* Those who answered in time were not reminded. */
	if (strcmp(ch_json_text(letter, "state"), "cancelled") == 0)
		return EX_OK;
	return add_record(g, ch_json_text(letter, "key"),
			  json_pack("{s:s, s:s}", "relation", g->relation,
				    "reference", g->reference));
}

/* Only its capacities are wanted of an addressee's fields. */
static int add_addressee(void *context, const json_t *addressee)
{
	json_t *list = ch_overview_capacities(addressee);

	if (json_array_size(json_object_get(list, "capacities")) == 0) {
		json_decref(list);
		return EX_OK;
	}
	return add_record(context, ch_json_text(addressee, "key"), list);
}

/* ---- asking ----------------------------------------------------------- */

static int ask_pages(struct gathering *g, const char *reference,
		     const char *member, ch_request_each *each)
{
	CH_AUTOCHAR rest = ch_xasprintf("/%s", member);
	CH_AUTOCHAR path = ch_request_path(reference, NULL, rest);

	return ch_request_pages(g->overview->cli, path, member, each, g);
}

static int ask_addressees(struct gathering *g, const char *reference)
{
	CH_AUTOCHAR path = ch_request_path(reference, NULL, "/addressees");

	g->mark = CH_OV_RECORD_CAPACITIES;
	return ch_request_pages_of(g->overview->cli, CH_DOOR_CONTROL, path,
				   "addressees", ADDRESSEES_PAGE,
				   add_addressee, g);
}

/* The batches that follow on this one, and the answers to their letters. */
static int ask_followers(struct gathering *g)
{
	const json_t *followers =
		json_object_get(g->overview->batch, "followers");
	const json_t *follower;
	int code = EX_OK;
	size_t i;

	json_array_foreach(followers, i, follower) {
		g->reference = ch_json_text(follower, "reference");
		g->relation = ch_json_text(follower, "relation");
		g->mark = CH_OV_RECORD_LINK;
		code = ask_pages(g, g->reference, "letters", add_link);
		if (code != EX_OK)
			return code;
		if (strcmp(g->relation, "reminds") != 0)
			continue;
		g->mark = CH_OV_RECORD_RETURN;
		code = ask_pages(g, g->reference, "returns",
				 add_linked_return);
		if (code != EX_OK)
			return code;
	}
	return code;
}

static int ask_all(struct gathering *g, const char *reference,
		   enum ch_overview_with with)
{
	int code;

	g->mark = CH_OV_RECORD_LETTER;
	code = ask_pages(g, reference, "letters", add_letter);
	if (code == EX_OK && with == CH_OVERVIEW_CAPACITIES)
		code = ask_addressees(g, reference);
	if (code == EX_OK)
		code = ask_followers(g);
	g->mark = CH_OV_RECORD_RETURN;
	if (code == EX_OK)
		code = ask_pages(g, reference, "returns", add_return);
	return code;
}

/* ---- rows ------------------------------------------------------------- */

/* Kept by name, each cell with the zero at its end. */
static int keep_row(struct ch_overview *o, const struct ch_overview_row *row)
{
	CH_AUTO(ch_str) order = CH_STR_INIT(RECORD_MAX);
	CH_AUTO(ch_str) cells = CH_STR_INIT(RECORD_MAX);

	ch_collator_key(o->collator, ch_slice_of(row->cells[CH_OV_NAME]),
			&order);
	ch_str_add_char(&order, '\0');
	ch_str_add(&order, row->cells[CH_OV_KEY]);
	for (size_t i = 0; i < CH_OV_COLUMNS; i++) {
		o->columns[i] |= row->cells[i][0] != '\0';
		ch_str_add_mem(&cells, row->cells[i],
			       strlen(row->cells[i]) + 1);
	}
	o->rows++;
	return ch_sort_add(o->sorted,
			   (struct ch_slice){ ch_str_cstr(&order), order.len },
			   (struct ch_slice){ ch_str_cstr(&cells), cells.len },
			   &o->err);
}

/* All that was said of one key is in `making`. */
static int end_row(struct ch_overview *o, struct ch_overview_making *making)
{
	struct ch_overview_row row = { { NULL } };
	int result = 0;

	if (!making->letter)
		return 0; /* only a batch that follows has it */
	ch_overview_make(o, making, &row);
	if (ch_choice_has(&o->choice, making->letter))
		result = keep_row(o, &row);
	ch_overview_row_release(&row);
	ch_overview_making_release(making);
	return result;
}

/* Row by row out of the first sort, into the second. */
static int join(struct ch_overview *o)
{
	struct ch_overview_making making = { 0 };
	CH_AUTOCHAR key = NULL;
	struct ch_slice found, record;
	int got;

	while ((got = ch_sort_next(o->joined, &found, &record, &o->err)) > 0) {
		if (!key || !ch_slice_eq(found, key)) {
			if (end_row(o, &making) < 0)
				break;
			free(key);
			key = ch_slice_dup(found);
			ch_overview_making_release(&making);
		}
		ch_overview_take(&making, record);
	}
	if (got == 0)
		got = end_row(o, &making);
	ch_overview_making_release(&making);
	ch_sort_free(CH_TAKE(o->joined));
	return got;
}

int ch_overview_gather(struct ch_overview *o, const char *reference,
		       enum ch_overview_with with)
{
	CH_AUTOCHAR path = ch_request_path(reference, NULL, "");
	struct gathering g = { .overview = o };
	int code = ch_request_json(o->cli, CH_DOOR_READ, path, &o->batch);

	if (code != EX_OK)
		return code;
	o->late = ch_batch_is_late(o->batch);
	if (ch_choice_needs_deadline(&o->choice)) {
		code = ch_choice_take_deadline(o->cli, o->batch, &o->choice);
		if (code != EX_OK)
			return code;
	}
	if (ch_collator_new(o->language, &o->collator, &o->err) < 0)
		return ch_fail(o->cli, EX_SOFTWARE, NULL, "%s", o->err.text);
	ch_clock_rfc3339(ch_clock_now_us(), o->now);
	o->joined = ch_sort_new(NULL, SORT_MEMORY);
	o->sorted = ch_sort_new(NULL, SORT_MEMORY);
	code = ask_all(&g, reference, with);
	if (code != EX_OK)
		return code;
	return join(o) < 0 ? ch_overview_fail(o) : EX_OK;
}

int ch_overview_next(struct ch_overview *o, struct ch_overview_row *ret)
{
	struct ch_slice order, cells;
	const char *at;
	int got = ch_sort_next(o->sorted, &order, &cells, &o->err);

	if (got <= 0)
		return got;
	at = cells.data;
	for (size_t i = 0; i < CH_OV_COLUMNS; i++) {
		ret->cells[i] = ch_xstrdup(at);
		at += strlen(at) + 1;
	}
	return 1;
}
