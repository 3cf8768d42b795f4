/* SPDX-License-Identifier: GPL-3.0-or-later */
/* http-private.h - what the files of the two doors share.
 *
 *	http.c          start and stop, the loop
 *	http-client.c   connections, and their deadlines
 *	http-exchange.c one request from its first line to its answer
 *	http-wait.c     requests that wait for a commit
 *	http-route.c    which request may do what, and who does it
 *	http-read.c     status, batches, letters, returns, objects
 *	http-stream.c   long answers, a piece at a time; those who follow events
 *	http-control.c  commands
 *	http-upload.c   a new batch
 *	http-metrics.c  for Prometheus
 *
 * A request is answered from a store that holds nothing uncommitted: what a
 * turn has changed is told after its commit. Where a turn is under way the
 * request waits, suspended, for its end.
 */
#ifndef CH_CHANCERYD_HTTP_PRIVATE_H
#define CH_CHANCERYD_HTTP_PRIVATE_H

#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "chanceryd/http-request.h"
#include "chanceryd/http.h"
#include "chanceryd/log.h"
#include "chanceryd/mailroom.h"
#include "store/store.h"

#define CH_ANSWER_MAX (16 * 1024 * 1024)
#define CH_UPLOADS_AT_ONCE 4 /* each holds a spool folder open */

struct ch_http_door {
	struct ch_http *http; /* borrowed */
	enum ch_door door;
	struct MHD_Daemon *server; /* owned; NULL: left out */
	sd_event_source *source;   /* owned */
	unsigned int clients;
	unsigned int followers;
	uint64_t requests; /* since the start */
	uint64_t refused;
};

/* One connection. */
struct ch_client {
	struct ch_client *next, *previous;
	struct ch_http_door *door; /* borrowed */
	int fd;                    /* the server's */
	struct ch_asker who;
	bool admitted; /* control: the uid may use it */
	enum {
		CH_CLIENT_READING,   /* the request comes in */
		CH_CLIENT_UPLOADING, /* files come in */
		CH_CLIENT_ANSWERING,
	} phase;
	int64_t since_ms;    /* of the phase */
	uint64_t body_bytes; /* of the upload, so far */
};

struct ch_request;
/* Answer it. Returns 0 when request->answer is filled, 1 when it will be later
 * (ch_http_answered), -1 with *err. */
typedef int ch_request_run(struct ch_request *request, struct ch_error *err);

struct ch_route {
	const char *method;  /* "GET" (and HEAD) or "POST" */
	const char *pattern; /* of the path; a star is any one segment */
	const char *query;   /* names that may stand in the query */
	const char *member;  /* of the JSON body, NULL: none */
	ch_request_run *run;
	enum {
		CH_ROUTE_OPEN = 0,
		CH_ROUTE_CONTROL = 1, /* not on the status door */
		CH_ROUTE_UPLOAD = 2,
	} flags;
};

/* Where a long answer is. */
struct ch_stream {
	/* Add a piece to request->out and go on; set `ended` with the last.
	 * -1: the answer breaks off. NULL: no stream. */
	int (*fill)(struct ch_request *request, struct ch_error *err);
	int64_t after;
	int64_t left; /* rows of this page */
	int64_t batch_id;
	int64_t letter_id;
	char *reference; /* owned */
	int state;       /* enum ch_state, CH_STATES: any */
	uint64_t rows;   /* told so far */
	bool follow;     /* has no end: events */
	bool ended;
};

struct ch_request {
	struct ch_http *http;             /* borrowed, as the next three */
	struct ch_http_door *door;
	struct ch_client *client;
	struct MHD_Connection *connection;
	const struct ch_route *route;
	struct ch_target target;
	struct ch_error fault; /* of the target; text "" = none */
	bool begun;            /* its headers were looked at */
	bool too_large;        /* body past its limit: read and dropped */
	struct ch_str body;
	struct ch_upload *upload; /* owned */
	enum {
		CH_WAIT_NOT,
		CH_WAIT_BODY,   /* libmicrohttpd will call us */
		CH_WAIT_RUN,    /* for a commit, then run it */
		CH_WAIT_TELL,   /* for a commit, then tell the answer */
		CH_WAIT_IMPORT, /* for ch_enqueue_done */
		CH_WAIT_PIECE,  /* for a commit, then the next piece */
		CH_WAIT_EVENTS, /* for something to happen */
	} wait;
	struct ch_request *next, *previous; /* of those that wait suspended */
	/* the answer */
	unsigned int status; /* 0: none yet */
	const char *type;
	const char *allow;
	const char *encoding; /* Content-Encoding; NULL = none */
	struct ch_str out;
	size_t out_told; /* of a stream's piece */
	int file_fd;     /* owned; the answer is this file, -1: none */
	uint64_t file_bytes;
	struct ch_stream stream;
};

struct ch_http {
	struct ch_mailroom *room; /* borrowed */
	struct ch_http_options options;
	char *metrics_file; /* owned, "" = none */
	char *objects_dir;  /* owned */
	unsigned int *control_uids; /* owned */
	struct ch_log log;
	struct ch_http_door doors[2];
	struct ch_client *clients;
	struct ch_request *waiting; /* all that are suspended */
	sd_event_source *tick;      /* owned: deadlines */
	sd_event_source *again;     /* owned: the server has more to do */
	sd_event_source *flush;     /* owned: events to those who follow */
	sd_event_source *textfile;  /* owned: metrics */
	int64_t flushed_ms;
	int64_t remarked_ms; /* a refusal was logged */
	bool commit_asked;   /* after_commit() will be called */
	bool stopping;
	bool orphan; /* stopped: after_commit() frees it */
	bool textfile_failed;
	bool textfile_due; /* at the end of the turn */
	unsigned int uploads;
	/* The last piece of events that a follower was told: events never
	 * change, so others who stand at the same place get a copy. */
	struct ch_str piece;
	int64_t piece_after;
	int64_t piece_last;
};

/* ---- http.c ----------------------------------------------------------- */

/* Look after deadlines again in a while. */
void ch_http_tick(struct ch_http *http);
void ch_http_free(struct ch_http *http);

/* ---- http-wait.c ------------------------------------------------------ */

/* Whether what the store says is on the disk. */
bool ch_http_clean(const struct ch_http *http);
/* Suspend it until something of `wait` comes. */
void ch_http_wait(struct ch_request *request, int wait);
bool ch_http_waits(const struct ch_request *request);
/* It is gone: nobody waits any more. */
void ch_http_unlink(struct ch_request *request);
/* Its answer is there, or its next piece: go on with it. */
void ch_http_answered(struct ch_request *request);
/* See that all that wait for the end of the turn are told. */
void ch_http_after_commit(struct ch_http *http);

/* ---- http-client.c ---------------------------------------------------- */

/* libmicrohttpd: a connection is made or closed; `context` is the door. */
void ch_client_connected(void *context, struct MHD_Connection *connection,
			 void **socket_context,
			 enum MHD_ConnectionNotificationCode code);
void ch_client_phase(struct ch_client *client, int phase);
/* End the connections whose request takes too long to come in. */
void ch_clients_drop_late(struct ch_http *http);

/* ---- http-exchange.c -------------------------------------------------- */

/* libmicrohttpd: the target is known, the request goes on, it is over;
 * `context` is the door. */
void *ch_exchange_target(void *context, const char *target,
			 struct MHD_Connection *connection);
enum MHD_Result ch_exchange_request(void *context,
				    struct MHD_Connection *connection,
				    const char *url, const char *method,
				    const char *version, const char *bytes,
				    size_t *len, void **request_context);
void ch_exchange_completed(void *context, struct MHD_Connection *connection,
			   void **request_context,
			   enum MHD_RequestTerminationCode code);

/* ---- http-route.c ----------------------------------------------------- */

/* Look at the headers. 0: read the body; -1: refused, the answer is there. */
int ch_http_begin(struct ch_request *request, const char *method);
/* The whole request is here. */
void ch_http_run(struct ch_request *request);
/* Put an error in as the answer. */
void ch_http_refuse(struct ch_request *request, const struct ch_error *err);
/* The HTTP status of an error: what "4.0.4" says, else by its fate. */
unsigned int ch_http_status_of(const struct ch_error *err);
const char *ch_http_code_of(unsigned int status);
/* An answer in JSON; takes the object. */
void ch_http_json(struct ch_request *request, unsigned int status,
		  json_t *take);
/* What a star of the route's pattern stands for. */
const char *ch_http_star(const struct ch_request *request, size_t n);

/* ---- the parts -------------------------------------------------------- */

ch_request_run ch_http_get_page;
ch_request_run ch_http_get_health;
ch_request_run ch_http_get_status;
ch_request_run ch_http_get_batches;
ch_request_run ch_http_get_batch;
ch_request_run ch_http_get_letters;
ch_request_run ch_http_get_suppressed;
ch_request_run ch_http_get_addressees;
ch_request_run ch_http_get_letter;
ch_request_run ch_http_get_source;
ch_request_run ch_http_get_transcript;
ch_request_run ch_http_get_returns;
ch_request_run ch_http_get_object;
ch_request_run ch_http_get_events;
ch_request_run ch_http_get_metrics;
ch_request_run ch_http_post_batch;
ch_request_run ch_http_post_command;
ch_request_run ch_http_post_relay;

/* ---- http-read.c ------------------------------------------------------ */

/* The batch that the first star names, the letter that the second does. -1:
 * "4.0.4", or the store's error. */
int ch_http_find_batch(struct ch_request *request, struct ch_store_batch *ret,
		       struct ch_error *err);
int ch_http_find_letter(struct ch_request *request,
			struct ch_store_batch *ret_batch,
			struct ch_store_letter *ret, struct ch_error *err);

/* ---- http-stream.c ---------------------------------------------------- */

/* libmicrohttpd asks for more of the answer. */
ssize_t ch_stream_read(void *context, uint64_t at, char *bytes, size_t max);
/* Tell all that follow what has happened, or that we are still there. */
void ch_stream_flush(struct ch_http *http, bool still_there);

/* ---- http-upload.c ---------------------------------------------------- */

int ch_upload_begin(struct ch_request *request, struct ch_error *err);
void ch_upload_read(struct ch_request *request, const char *bytes, size_t len);
void ch_upload_free(struct ch_upload *upload); /* NULL is fine */

/* ---- http-metrics.c --------------------------------------------------- */

void ch_metrics_write(struct ch_http *http, struct ch_str *out);
/* To the file, where there is one. */
void ch_metrics_file(struct ch_http *http);

#endif
