// SPDX-License-Identifier: GPL-3.0-or-later
/* http-wait.c - requests that wait for the end of a turn. They are suspended:
 * the server does not look at them until they are answered. */
#include "chanceryd/http-private.h"

bool ch_http_clean(const struct ch_http *http)
{
	const struct ch_store *store = ch_mailroom_store(http->room);

	return !ch_store_in_transaction(store) || !ch_store_changed(store);
}

void ch_http_wait(struct ch_request *request, int wait)
{
	struct ch_http *http = request->http;

	if (request->wait == CH_WAIT_NOT || request->wait == CH_WAIT_BODY) {
		MHD_suspend_connection(request->connection);
		request->previous = NULL;
		request->next = http->waiting;
		if (http->waiting)
			http->waiting->previous = request;
		http->waiting = request;
	}
	request->wait = wait;
	if (wait == CH_WAIT_RUN || wait == CH_WAIT_TELL ||
	    wait == CH_WAIT_PIECE)
		ch_http_after_commit(http);
}

void ch_http_unlink(struct ch_request *request)
{
	struct ch_http *http = request->http;

	if (request->previous)
		request->previous->next = request->next;
	else
		http->waiting = request->next;
	if (request->next)
		request->next->previous = request->previous;
	request->next = request->previous = NULL;
	request->wait = CH_WAIT_NOT;
}

bool ch_http_waits(const struct ch_request *request)
{
	return request->wait != CH_WAIT_NOT && request->wait != CH_WAIT_BODY;
}

void ch_http_answered(struct ch_request *request)
{
	if (!ch_http_waits(request))
		return;
	ch_http_unlink(request);
	MHD_resume_connection(request->connection);
	/* The server of 0.9.75 does not wake its epoll for that. */
	if (request->http->again)
		sd_event_source_set_enabled(request->http->again,
					    SD_EVENT_ONESHOT);
}

/* The turn's changes are on the disk. Another caller's may have begun the next
 * turn already: then what reads the store waits for that one. */
static void after_commit(void *context)
{
	struct ch_http *http = context;
	struct ch_request *next;

	http->commit_asked = false;
	if (http->orphan) {
		ch_http_free(http);
		return;
	}
	for (struct ch_request *r = http->waiting; r; r = next) {
		struct ch_error err;

		next = r->next;
		if (r->wait == CH_WAIT_RUN) {
			ch_http_run(r);
			if (r->status != 0)
				ch_http_answered(r);
		} else if (r->wait == CH_WAIT_TELL) {
			ch_http_answered(r);
		} else if (r->wait == CH_WAIT_PIECE) {
			if (!ch_http_clean(http)) {
				ch_http_after_commit(http);
				continue;
			}
			if (r->stream.fill(r, &err) < 0)
				r->stream.fill = NULL;
			ch_http_answered(r);
		}
	}
}

void ch_http_after_commit(struct ch_http *http)
{
	if (http->commit_asked)
		return;
	http->commit_asked = true;
	ch_mailroom_after_commit(http->room, after_commit, http);
}
