// SPDX-License-Identifier: GPL-3.0-or-later
/* http-read.c - answers that come in one piece. */
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/objects.h"
#include "chanceryd/http-json.h"
#include "chanceryd/http-page.h"
#include "chanceryd/http-private.h"

int ch_http_find_batch(struct ch_request *request, struct ch_store_batch *ret,
		       struct ch_error *err)
{
	const char *reference = ch_http_star(request, 0);
	int got = ch_store_batch_by_reference(
		ch_mailroom_store(request->http->room), reference, ret, err);

	if (got == 0)
		ch_error_refuse(err, "4.0.4", "no batch \"%.80s\"", reference);
	return got > 0 ? 0 : -1;
}

int ch_http_find_letter(struct ch_request *request,
			struct ch_store_batch *ret_batch,
			struct ch_store_letter *ret, struct ch_error *err)
{
	const char *key = ch_http_star(request, 1);
	int got;

	if (ch_http_find_batch(request, ret_batch, err) < 0)
		return -1;
	got = ch_store_letter_by_key(ch_mailroom_store(request->http->room),
				     ret_batch->id, key, ret, err);
	if (got == 0)
		ch_error_refuse(err, "4.0.4", "no letter \"%.80s\" in %.80s",
				key, ret_batch->reference);
	return got > 0 ? 0 : -1;
}

int ch_http_get_page(struct ch_request *request, struct ch_error *err)
{
	ch_str_add_mem(&request->out, ch_page, ch_page_len);
	request->type = "text/html; charset=utf-8";
	request->status = 200;
	return 0;
}

int ch_http_get_health(struct ch_request *request, struct ch_error *err)
{
	const struct ch_mailroom_state *state =
		ch_mailroom_state(request->http->room);
	bool stopping = strcmp(state->state, "stopping") == 0;

	ch_str_add(&request->out, stopping ? "stopping\n" : "ok\n");
	request->type = "text/plain; charset=utf-8";
	request->status = stopping ? 503 : 200;
	return 0;
}

int ch_http_get_status(struct ch_request *request, struct ch_error *err)
{
	struct ch_mailroom *room = request->http->room;
	struct ch_store *store = ch_mailroom_store(room);
	struct ch_tally tally;
	json_t *object;

	if (ch_store_tally(store, 0, &tally, err) < 0)
		return -1;
	object = ch_http_state(ch_mailroom_state(room));
	ch_http_put_tally(object, &tally);
	json_object_set_new(object, "at_risk",
			    json_integer((json_int_t)
					 ch_mailroom_at_risk(room, 0)));
	json_object_set_new(object, "last_event",
			    json_integer(ch_store_last_event(store)));
	ch_http_json(request, 200, object);
	return 0;
}

int ch_http_get_batch(struct ch_request *request, struct ch_error *err)
{
	struct ch_store *store = ch_mailroom_store(request->http->room);
	CH_AUTO(ch_store_batch) batch = { 0 };
	struct ch_store_batch *followers = NULL;
	struct ch_store_file *files = NULL;
	struct ch_tally tally;
	size_t len = 0;
	json_t *object;

	if (ch_http_find_batch(request, &batch, err) < 0 ||
	    ch_store_tally(store, batch.id, &tally, err) < 0 ||
	    ch_store_batch_files(store, batch.id, &files, &len, err) < 0)
		return -1;
	object = ch_http_batch(&batch, &tally,
			       ch_mailroom_at_risk(request->http->room,
						   batch.id));
	json_object_set_new(object, "files", ch_http_files(files, len));
	ch_store_files_free(files, len);
	if (ch_store_followers(store, batch.id, &followers, &len, err) < 0) {
		json_decref(object);
		return -1;
	}
	json_object_set_new(object, "followers",
			    ch_http_followers(followers, len));
	ch_store_batches_free(followers, len);
	if (ch_http_put_canary(store, &batch, object, err) < 0) {
		json_decref(object);
		return -1;
	}
	ch_http_json(request, 200, object);
	return 0;
}

int ch_http_get_letter(struct ch_request *request, struct ch_error *err)
{
	CH_AUTO(ch_store_batch) batch = { 0 };
	CH_AUTO(ch_store_letter) letter = { 0 };

	if (ch_http_find_letter(request, &batch, &letter, err) < 0)
		return -1;
	ch_http_json(request, 200,
		     ch_http_letter(&letter, batch.reference,
				    ch_mailroom_is_at_risk(request->http->room,
							   &letter)));
	return 0;
}

int ch_http_get_source(struct ch_request *request, struct ch_error *err)
{
	struct ch_mailroom *room = request->http->room;
	CH_AUTO(ch_store_batch) batch = { 0 };
	CH_AUTO(ch_store_letter) letter = { 0 };
	CH_AUTO(ch_str) smime = CH_STR_INIT(CH_STORE_SIGNATURE_MAX);
	CH_AUTO(ch_str) dkim = CH_STR_INIT(CH_STORE_SIGNATURE_MAX);
	struct ch_store_file *files = NULL;
	json_t *object = NULL;
	size_t len = 0;
	int failed;

	if (ch_http_find_letter(request, &batch, &letter, err) < 0 ||
	    ch_store_signatures(ch_mailroom_store(room), letter.id, &smime,
				&dkim, err) < 0 ||
	    ch_store_batch_files(ch_mailroom_store(room), batch.id, &files,
				 &len, err) < 0)
		return -1;
	failed = ch_http_source(&batch, &letter, files, len, &object, err);
	ch_store_files_free(files, len);
	if (failed < 0)
		return -1;
	ch_http_put_signatures(object, &smime, &dkim);
	/* Before the first dot: the key is one that only send workers have. */
	json_object_set_new(object, "signed",
			    json_boolean(ch_mailroom_state(room)->signs));
	ch_http_json(request, 200, object);
	return 0;
}

int ch_http_get_transcript(struct ch_request *request, struct ch_error *err)
{
	CH_AUTO(ch_store_batch) batch = { 0 };
	CH_AUTO(ch_store_letter) letter = { 0 };
	CH_AUTO(ch_store_transcript) transcript = { 0 };
	int got;

	if (ch_http_find_letter(request, &batch, &letter, err) < 0)
		return -1;
	got = ch_store_transcript(ch_mailroom_store(request->http->room),
				  letter.id, &transcript, err);
	if (got < 0)
		return -1;
	if (got == 0)
		return ch_error_refuse(err, "4.0.4",
				       "nothing was said of it to a relay yet");
	ch_http_json(request, 200, ch_http_transcript(&transcript, &letter));
	return 0;
}

/* It goes out as it lies there: to unpack or to hash all of it would keep the
 * loop from everything else. Who reads it compares it with its name. */
static int open_object(struct ch_request *request, const struct ch_sha256 *sum,
		       enum ch_object_form *ret_form, struct ch_error *err)
{
	CH_AUTOFD dir = ch_objects_open(request->http->objects_dir, err);

	if (dir < 0)
		return -1;
	request->file_fd = ch_object_open(dir, sum, &request->file_bytes,
					  ret_form, err);
	if (request->file_fd >= 0)
		return 0;
	return err->fate == CH_GIVE_UP
		   ? ch_error_refuse(err, "4.0.4", "no such object") : -1;
}

int ch_http_get_object(struct ch_request *request, struct ch_error *err)
{
	const char *name = ch_http_star(request, 0);
	const char *accept = MHD_lookup_connection_value(
		request->connection, MHD_HEADER_KIND, "Accept-Encoding");
	enum ch_object_form form;
	struct ch_sha256 sum;

	if (ch_sha256_parse(name, strlen(name), &sum) < 0)
		return ch_error_refuse(err, "4.0.0",
				       "64 lower-case hexadecimal "
				       "digits name an object");
	if (open_object(request, &sum, &form, err) < 0)
		return -1;
	if (form == CH_OBJECT_COMPRESSED) {
		if (!ch_accepts_encoding(accept, "zstd")) {
			close(CH_TAKE_FD(request->file_fd));
			return ch_error_refuse(err, "4.0.6",
					       "it is kept compressed, and "
					       "given so");
		}
		request->encoding = "zstd";
	}
	request->type = "application/octet-stream";
	request->status = 200;
	return 0;
}
