// SPDX-License-Identifier: GPL-3.0-or-later
/* http-stream.c - long answers, a piece at a time.
 *
 * Of a list, however long, a few rows are in memory at once; the next are read
 * when the client has taken these. Those who follow events are told at most
 * ten times a second, and are told the same piece: it is written once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "chanceryd/http-json.h"
#include "chanceryd/http-private.h"

#define ROWS 20
#define EVENT_ROWS 100
#define PAGE_MAX 1000
#define PAGE 100
#define EVENT_PAGE_MAX 10000
#define EVENT_PAGE 1000

/* ---- what libmicrohttpd asks for -------------------------------------- */

/* Nothing is left of the last piece: the next, or wait. Returns 0, or what the
 * server is to be told. */
static ssize_t next_piece(struct ch_request *request)
{
	struct ch_stream *stream = &request->stream;
	struct ch_error err;

	ch_str_clear(&request->out);
	request->out_told = 0;
	if (stream->ended || request->http->stopping)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (!stream->fill)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!ch_http_clean(request->http)) {
		ch_http_wait(request, CH_WAIT_PIECE);
		return 0;
	}
	if (stream->fill(request, &err) < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (request->out.len == 0 && stream->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (request->out.len == 0)
		ch_http_wait(request, CH_WAIT_EVENTS);
	return 0;
}

ssize_t ch_stream_read(void *context, uint64_t at, char *bytes, size_t max)
{
	struct ch_request *request = context;
	size_t len = request->out.len - request->out_told;

	if (len == 0) {
		ssize_t end = next_piece(request);

		if (end != 0)
			return end;
		len = request->out.len;
	}
	if (len > max)
		len = max;
	if (len > 0)
		memcpy(bytes, request->out.data + request->out_told, len);
	request->out_told += len;
	return (ssize_t)len;
}

/* ---- pages ------------------------------------------------------------ */

static int page(struct ch_request *request, int64_t most, int64_t usual,
		struct ch_error *err)
{
	struct ch_stream *stream = &request->stream;

	if (ch_target_int(&request->target, "after", 0, INT64_MAX, 0,
			  &stream->after, err) < 0)
		return -1;
	return ch_target_int(&request->target, "limit", 1, most, usual,
			     &stream->left, err);
}

static size_t rows_of(const struct ch_stream *stream, int64_t most)
{
	return (size_t)(stream->left < most ? stream->left : most);
}

/* One row of an array. */
static void add_row(struct ch_request *request, int64_t id, json_t *take)
{
	struct ch_stream *stream = &request->stream;

	if (stream->rows++ > 0)
		ch_str_add_char(&request->out, ',');
	ch_http_dump(take, &request->out);
	stream->after = id;
	stream->left--;
}

/* After a piece of `len` rows where `wanted` were asked for. */
static int end_piece(struct ch_request *request, size_t len, size_t wanted,
		     struct ch_error *err)
{
	struct ch_stream *stream = &request->stream;

	if (len < wanted || stream->left == 0) {
		stream->ended = true;
		ch_str_add(&request->out, "],\"next\":");
		if (len < wanted)
			ch_str_add(&request->out, "null}\n");
		else
			ch_str_addf(&request->out, "%lld}\n",
				    (long long)stream->after);
	}
	return request->out.full
		       ? ch_error_set(err, CH_GIVE_UP, "a row is too long")
		       : 0;
}

/* The answer starts with {"NAME":[ and its first piece. */
static int start_list(struct ch_request *request, const char *name,
		      int (*fill)(struct ch_request *, struct ch_error *),
		      struct ch_error *err)
{
	ch_str_addf(&request->out, "{\"%s\":[", name);
	if (fill(request, err) < 0)
		return -1;
	request->stream.fill = fill;
	request->type = "application/json";
	request->status = 200;
	return 0;
}

static int fill_batches(struct ch_request *request, struct ch_error *err)
{
	struct ch_store *store = ch_mailroom_store(request->http->room);
	size_t wanted = rows_of(&request->stream, ROWS);
	struct ch_store_batch *batches = NULL;
	size_t len = 0;
	int failed = ch_store_batches(store, request->stream.after, wanted,
				      &batches, &len, err);

	for (size_t i = 0; i < len && failed == 0; i++) {
		struct ch_tally tally;

		failed = ch_store_tally(store, batches[i].id, &tally, err);
		if (failed == 0)
			add_row(request, batches[i].id,
				ch_http_batch(&batches[i], &tally,
					      ch_mailroom_at_risk(
						      request->http->room,
						      batches[i].id)));
	}
	ch_store_batches_free(batches, len);
	return failed < 0 ? -1 : end_piece(request, len, wanted, err);
}

int ch_http_get_batches(struct ch_request *request, struct ch_error *err)
{
	if (page(request, PAGE_MAX, PAGE, err) < 0)
		return -1;
	return start_list(request, "batches", fill_batches, err);
}

static int fill_letters(struct ch_request *request, struct ch_error *err)
{
	struct ch_stream *stream = &request->stream;
	size_t wanted = rows_of(stream, ROWS);
	struct ch_store_letter *letters = NULL;
	size_t len = 0;

	if (ch_store_letters(ch_mailroom_store(request->http->room),
			     stream->batch_id, stream->state, stream->after,
			     wanted, &letters, &len, err) < 0)
		return -1;
	for (size_t i = 0; i < len; i++)
		add_row(request, letters[i].id,
			ch_http_letter(&letters[i], stream->reference,
				       ch_mailroom_is_at_risk(
					       request->http->room,
					       &letters[i])));
	ch_store_letters_free(letters, len);
	return end_piece(request, len, wanted, err);
}

int ch_http_get_letters(struct ch_request *request, struct ch_error *err)
{
	const char *name = ch_target_query(&request->target, "state");
	enum ch_state state = CH_STATES;
	CH_AUTO(ch_store_batch) batch = { 0 };

	if (name && ch_state_parse(name, &state) < 0)
		return ch_error_refuse(err, "4.0.0",
				       "\"%.40s\" is no state of "
				       "a letter",
				       name);
	if (page(request, PAGE_MAX, PAGE, err) < 0 ||
	    ch_http_find_batch(request, &batch, err) < 0)
		return -1;
	request->stream.state = state;
	request->stream.batch_id = batch.id;
	request->stream.reference = ch_xstrdup(batch.reference);
	return start_list(request, "letters", fill_letters, err);
}

/* With all their fields, which may be long: one at a time. */
static int fill_addressees(struct ch_request *request, struct ch_error *err)
{
	struct ch_store *store = ch_mailroom_store(request->http->room);
	struct ch_stream *stream = &request->stream;
	CH_AUTO(ch_store_letter) letter = { 0 };
	struct ch_store_letter *letters = NULL;
	json_t *row = NULL;
	size_t len = 0;
	int got;

	if (ch_store_letters(store, stream->batch_id, CH_STATES, stream->after,
			     1, &letters, &len, err) < 0)
		return -1;
	got = len == 0 ? 0 : ch_store_letter_by_id(store, letters[0].id,
						   &letter, err);
	ch_store_letters_free(letters, len);
	if (got < 0 ||
	    (got > 0 && ch_http_addressee(&letter, &row, err) < 0))
		return -1;
	if (row)
		add_row(request, letter.id, row);
	return end_piece(request, len, 1, err);
}

int ch_http_get_addressees(struct ch_request *request, struct ch_error *err)
{
	CH_AUTO(ch_store_batch) batch = { 0 };

	if (page(request, PAGE_MAX, PAGE, err) < 0 ||
	    ch_http_find_batch(request, &batch, err) < 0)
		return -1;
	request->stream.batch_id = batch.id;
	return start_list(request, "addressees", fill_addressees, err);
}

static int fill_suppressed(struct ch_request *request, struct ch_error *err)
{
	struct ch_stream *stream = &request->stream;
	size_t wanted = rows_of(stream, ROWS);
	struct ch_suppressed *items = NULL;
	size_t len = 0;

	if (ch_store_suppressed(ch_mailroom_store(request->http->room),
				stream->after, wanted, &items, &len, err) < 0)
		return -1;
	for (size_t i = 0; i < len; i++)
		add_row(request, items[i].id, ch_http_suppressed(&items[i]));
	ch_suppressed_free(items, len);
	return end_piece(request, len, wanted, err);
}

int ch_http_get_suppressed(struct ch_request *request, struct ch_error *err)
{
	if (page(request, PAGE_MAX, PAGE, err) < 0)
		return -1;
	return start_list(request, "suppressed", fill_suppressed, err);
}

/* With what is attached to its mail. */
static int add_return(struct ch_request *request,
		      const struct ch_store_return *item, struct ch_error *err)
{
	struct ch_store_attachment *files = NULL;
	json_t *object;
	size_t len = 0;

	if (item->attachments > 0 &&
	    ch_store_attachments(ch_mailroom_store(request->http->room),
				 &item->sha256, &files, &len, err) < 0)
		return -1;
	object = ch_http_return(item);
	json_object_set_new(object, "files", ch_http_attachments(files, len));
	ch_store_attachments_free(files, len);
	add_row(request, item->id, object);
	return 0;
}

static int fill_returns(struct ch_request *request, struct ch_error *err)
{
	struct ch_stream *stream = &request->stream;
	size_t wanted = rows_of(stream, ROWS);
	struct ch_store_return *items = NULL;
	size_t len = 0;
	int rc = 0;

	if (ch_store_returns(ch_mailroom_store(request->http->room),
			     stream->batch_id, stream->letter_id,
			     stream->after, wanted, &items, &len, err) < 0)
		return -1;
	for (size_t i = 0; i < len && rc == 0; i++)
		rc = add_return(request, &items[i], err);
	ch_store_returns_free(items, len);
	return rc < 0 ? -1 : end_piece(request, len, wanted, err);
}

int ch_http_get_returns(struct ch_request *request, struct ch_error *err)
{
	if (page(request, PAGE_MAX, PAGE, err) < 0)
		return -1;
	if (ch_http_star(request, 1)) {
		CH_AUTO(ch_store_letter) letter = { 0 };
		CH_AUTO(ch_store_batch) batch = { 0 };

		if (ch_http_find_letter(request, &batch, &letter, err) < 0)
			return -1;
		request->stream.letter_id = letter.id;
		request->stream.batch_id = batch.id;
	} else if (ch_http_star(request, 0)) {
		CH_AUTO(ch_store_batch) batch = { 0 };

		if (ch_http_find_batch(request, &batch, err) < 0)
			return -1;
		request->stream.batch_id = batch.id;
	}
	return start_list(request, "returns", fill_returns, err);
}

/* ---- events ----------------------------------------------------------- */

static void add_event(struct ch_request *request,
		      const struct ch_store_event *event)
{
	CH_AUTO(ch_str) json = CH_STR_INIT(CH_ANSWER_MAX);

	ch_http_dump(ch_http_event(event), &json);
	if (request->stream.follow)
		ch_str_addf(&request->out, "id: %lld\nevent: %s\ndata: %s\n\n",
			    (long long)event->id, event->type,
			    ch_str_cstr(&json));
	else
		ch_str_addf(&request->out, "%s\n", ch_str_cstr(&json));
}

static int add_events(struct ch_request *request, size_t wanted,
		      struct ch_error *err)
{
	struct ch_stream *stream = &request->stream;
	struct ch_store_event *events = NULL;
	size_t len = 0;

	if (ch_store_events(ch_mailroom_store(request->http->room),
			    stream->after, wanted, &events, &len, err) < 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		add_event(request, &events[i]);
		stream->after = events[i].id;
	}
	ch_store_events_free(events, len);
	stream->left -= (int64_t)len;
	stream->ended = !stream->follow && (len < wanted || stream->left == 0);
	return request->out.full
		       ? ch_error_set(err, CH_GIVE_UP, "an event is too long")
		       : 0;
}

static int fill_page(struct ch_request *request, struct ch_error *err)
{
	return add_events(request, rows_of(&request->stream, EVENT_ROWS), err);
}

static int fill_follower(struct ch_request *request, struct ch_error *err)
{
	struct ch_http *http = request->http;
	struct ch_stream *stream = &request->stream;
	int64_t after = stream->after;
	size_t start = request->out.len;

	if (after >= ch_store_last_event(ch_mailroom_store(http->room)))
		return 0;
	if (http->piece.len > 0 && http->piece_after == after) {
		ch_str_add_mem(&request->out, http->piece.data,
			       http->piece.len);
		stream->after = http->piece_last;
		return 0;
	}
	if (add_events(request, EVENT_ROWS, err) < 0)
		return -1;
	ch_str_clear(&http->piece);
	ch_str_add_mem(&http->piece, ch_str_cstr(&request->out) + start,
		       request->out.len - start);
	http->piece_after = after;
	http->piece_last = stream->after;
	return 0;
}

static int follow(struct ch_request *request, struct ch_error *err)
{
	const char *last = MHD_lookup_connection_value(
		request->connection, MHD_HEADER_KIND, "Last-Event-ID");
	struct ch_stream *stream = &request->stream;

	/* Some places are left for those who ask and go. */
	if (request->door->followers >=
	    (request->http->options.max_clients * 3 + 3) / 4)
		return ch_error_refuse(err, "4.2.9",
				       "too many follow the "
				       "events");
	if (last && *last &&
	    ch_digits(last, 0, INT64_MAX, &stream->after) < 0)
		return ch_error_refuse(err, "4.0.0",
				       "Last-Event-ID is no number");
	if (!(last && *last) && !ch_target_query(&request->target, "after"))
		stream->after = ch_store_last_event(
			ch_mailroom_store(request->http->room));
	stream->follow = true;
	request->door->followers++;
	ch_str_add(&request->out, "retry: 2000\n\n");
	request->type = "text/event-stream";
	return 0;
}

int ch_http_get_events(struct ch_request *request, struct ch_error *err)
{
	const char *accept = MHD_lookup_connection_value(
		request->connection, MHD_HEADER_KIND, "Accept");
	const char *wish = ch_target_query(&request->target, "follow");

	if (wish && strcmp(wish, "1") != 0 && strcmp(wish, "0") != 0)
		return ch_error_refuse(err, "4.0.0", "follow is 0 or 1");
	if (page(request, EVENT_PAGE_MAX, EVENT_PAGE, err) < 0)
		return -1;
	if (wish ? *wish == '1'
		 : accept && strstr(accept, "text/event-stream")) {
		if (follow(request, err) < 0)
			return -1;
		request->stream.fill = fill_follower;
	} else {
		request->type = "application/jsonl";
		request->stream.fill = fill_page;
	}
	if (request->stream.fill(request, err) < 0)
		return -1;
	request->status = 200;
	return 0;
}

void ch_stream_flush(struct ch_http *http, bool still_there)
{
	struct ch_request *next;

	http->flushed_ms = ch_clock_mono_ms();
	for (struct ch_request *r = http->waiting; r; r = next) {
		struct ch_error err;

		next = r->next;
		if (r->wait != CH_WAIT_EVENTS)
			continue;
		if (ch_http_clean(http) && r->stream.fill(r, &err) < 0)
			r->stream.fill = NULL;
		if (r->out.len == 0 && still_there)
			ch_str_add(&r->out, ":\n\n");
		if (r->out.len > 0 || !r->stream.fill)
			ch_http_answered(r);
	}
}
