// SPDX-License-Identifier: GPL-3.0-or-later
/* events.c - what happened, in order; and the JSON of an event's detail. */
#include "store/store-private.h"

#include <stdlib.h>

#include "base/escape.h"

/* Printable ASCII that JSON has no mark for: most of what is said. */
static bool is_plain(struct ch_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			return false;
	}
	return true;
}

/* RFC 8259 section 7. */
static void json_escaped(struct ch_str *out, struct ch_slice text)
{
	CH_AUTO(ch_str) utf8 = CH_STR_INIT(CH_JSON_MAX / 4);

	ch_escape_utf8(&utf8, text.data, text.len);
	for (size_t i = 0; i < utf8.len; i++) {
		unsigned char c = (unsigned char)utf8.data[i];

		if (c == '"' || c == '\\')
			ch_str_addf(out, "\\%c", c);
		else if (c < 0x20)
			ch_str_addf(out, "\\u%04x", c);
		else
			ch_str_add_char(out, (char)c);
	}
}

static void json_name(struct ch_str *out, const char *name)
{
	ch_str_add(out, out->len ? ",\"" : "{\"");
	ch_str_add(out, name);
	ch_str_add(out, "\":");
}

void ch_json_int(struct ch_str *out, const char *name, int64_t value)
{
	json_name(out, name);
	ch_str_add_int(out, value);
}

void ch_json_text(struct ch_str *out, const char *name, struct ch_slice text)
{
	json_name(out, name);
	ch_str_add_char(out, '"');
	if (is_plain(text))
		ch_str_add_mem(out, text.data, text.len);
	else
		json_escaped(out, text);
	ch_str_add_char(out, '"');
}

const char *ch_json_end(struct ch_str *out)
{
	ch_str_add_char(out, '}');
	return out->full ? "{}" : ch_str_cstr(out);
}

int ch_store_event_add(struct ch_store *store, const char *type,
		       int64_t batch_id, int64_t letter_id, const char *who,
		       const char *detail, int64_t now_us,
		       struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO event (id, at_us, type, batch_id, letter_id, who, "
		"detail) VALUES (?, ?, ?, ?, ?, ?, ?)");

	ch_query_put_int(&q, store->last_event + 1);
	ch_query_put_int(&q, now_us);
	ch_query_put_text(&q, type);
	ch_query_put_int(&q, batch_id);
	ch_query_put_int(&q, letter_id);
	ch_query_put_text(&q, who);
	ch_query_put_text(&q, detail);
	if (ch_query_run(&q, err) < 0)
		return -1;
	store->last_event++;
	return 0;
}

static void read_event(const struct ch_query *q, struct ch_store_event *ret)
{
	ret->id = ch_query_int(q, 0);
	ret->at_us = ch_query_int(q, 1);
	ret->type = ch_query_text(q, 2);
	ret->batch_id = ch_query_int(q, 3);
	ret->letter_id = ch_query_int(q, 4);
	ret->who = ch_query_text(q, 5);
	ret->detail = ch_query_text(q, 6);
	ret->reference = ch_query_text(q, 7);
	ret->key = ch_query_text(q, 8);
}

int ch_store_events(struct ch_store *store, int64_t after_id, size_t limit,
		    struct ch_store_event **ret, size_t *ret_len,
		    struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT e.id, e.at_us, e.type, e.batch_id, e.letter_id, e.who, "
		"e.detail, b.reference, l.key FROM event e "
		"LEFT JOIN batch b ON b.id = e.batch_id "
		"LEFT JOIN letter l ON l.id = e.letter_id "
		"WHERE e.id > ? ORDER BY e.id LIMIT ?");
	struct ch_store_event *events = NULL;
	size_t len = 0;
	size_t cap = 0;
	int got;

	ch_query_put_int(&q, after_id);
	ch_query_put_int(&q, (int64_t)limit);
	while ((got = ch_query_row(&q, err)) > 0) {
		CH_GROW(events, len, cap);
		read_event(&q, &events[len++]);
	}
	if (got < 0) {
		ch_store_events_free(events, len);
		return -1;
	}
	*ret = events;
	*ret_len = len;
	return 0;
}

int64_t ch_store_last_event(const struct ch_store *store)
{
	return store->last_event;
}
