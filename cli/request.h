/* SPDX-License-Identifier: GPL-3.0-or-later */
/* request.h - ask chanceryd over its sockets: HTTP by libcurl.
 *
 * Reading goes to the status door, and where that is closed to this person to
 * the control door, which can be read as well. Every function that returns an
 * int returns an exit code, and has said why where it is not EX_OK.
 */
#ifndef CH_CLI_REQUEST_H
#define CH_CLI_REQUEST_H

#include <jansson.h>

#include "base/str.h"
#include "cli/cli.h"

struct ch_upload; /* upload.h */

enum ch_door {
	CH_DOOR_READ,    /* the status socket, else the control socket */
	CH_DOOR_CONTROL,
};

struct ch_answer {
	long status; /* of HTTP */
	struct ch_str body;
	bool zstd; /* the body is compressed so */
	json_t *json; /* owned; NULL where the body is no JSON object */
};
void ch_answer_release(struct ch_answer *answer);

/* EX_OK for any answer, also a refusal: look at ret->status. */
int ch_request_get(const struct ch_cli *cli, enum ch_door door,
		   const char *path, size_t max_bytes, struct ch_answer *ret);
/* Upload the parts. */
int ch_request_upload(const struct ch_cli *cli, const char *path,
		      const struct ch_upload *upload, struct ch_answer *ret);

/* Say what chanceryd refused, and return the exit code for it. */
int ch_answer_fail(const struct ch_cli *cli, const struct ch_answer *answer);

/* An object, which the caller releases with json_decref(). Refusals are said.
 * `body` NULL is an empty one, and borrowed. */
int ch_request_json(const struct ch_cli *cli, enum ch_door door,
		    const char *path, json_t **ret);
int ch_request_post(const struct ch_cli *cli, const char *path,
		    const json_t *body, json_t **ret);

/* Every object of a list that comes in pages: `member` of the answer is an
 * array, "next" the cursor of the next page. Ends when `each` returns another
 * code than EX_OK. */
typedef int ch_request_each(void *context, const json_t *object);
int ch_request_pages(const struct ch_cli *cli, const char *path,
		     const char *member, ch_request_each *each,
		     void *context);

/* The same at that door, so many a page: for objects that may be long. */
int ch_request_pages_of(const struct ch_cli *cli, enum ch_door door,
			const char *path, const char *member, int page_rows,
			ch_request_each *each, void *context);

/* A body as it comes. `piece` returns false to end it, which is EX_OK.
 * `accept` is the type asked for. *ret_began tells whether it began, for those
 * who try again: with `follows` nothing is said of an end behind that, with
 * `quiet` nor of a door that is closed. */
typedef bool ch_request_piece(void *context, const char *bytes, size_t len);
struct ch_stream {
	const char *path;
	const char *accept;
	bool follows;
	bool quiet;
	ch_request_piece *piece;
	void *context;
};
int ch_request_stream(const struct ch_cli *cli, const struct ch_stream *stream,
		      bool *ret_began);

/* An object, which may be too long for the memory: where the answer's status is
 * 200 its bytes go to `piece` as they come, and ret->zstd is known before the
 * first. EX_OK also where `piece` ended it. */
int ch_request_object(const struct ch_cli *cli, const char *path,
		      ch_request_piece *piece, void *context,
		      struct ch_answer *ret);

/* "/v1/batches/A%2F77/letters/FRA" and `rest`; key NULL: of the batch. The
 * caller frees it. */
char *ch_request_path(const char *reference, const char *key,
		      const char *rest);
/* "/v1/relays/main" and `rest`, in the same way. */
char *ch_request_relay_path(const char *name, const char *rest);

#endif
