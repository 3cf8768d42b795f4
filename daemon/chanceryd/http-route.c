// SPDX-License-Identifier: GPL-3.0-or-later
/* http-route.c - which request may do what: one table. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "chanceryd/http-json.h"
#include "chanceryd/http-private.h"

#define REMARK_EVERY_MS 1000

#define GET "GET"
#define POST "POST"
#define BATCH "v1/batches/*"
#define RELAY "v1/relays/*"
#define LETTER "v1/batches/*/letters/*"

static const struct ch_route routes[] = {
	{ GET, "", "", NULL, ch_http_get_page, CH_ROUTE_OPEN },
	{ GET, "healthz", "", NULL, ch_http_get_health, CH_ROUTE_OPEN },
	{ GET, "metrics", "", NULL, ch_http_get_metrics, CH_ROUTE_OPEN },
	{ GET, "v1/status", "", NULL, ch_http_get_status, CH_ROUTE_OPEN },
	{ GET, "v1/batches", "after limit", NULL, ch_http_get_batches,
	  CH_ROUTE_OPEN },
	{ GET, BATCH, "", NULL, ch_http_get_batch, CH_ROUTE_OPEN },
	{ GET, BATCH "/letters", "state after limit", NULL,
	  ch_http_get_letters, CH_ROUTE_OPEN },
	{ GET, BATCH "/addressees", "after limit", NULL,
	  ch_http_get_addressees, CH_ROUTE_CONTROL },
	{ GET, LETTER, "", NULL, ch_http_get_letter, CH_ROUTE_OPEN },
	{ GET, LETTER "/returns", "after limit", NULL, ch_http_get_returns,
	  CH_ROUTE_OPEN },
	{ GET, BATCH "/returns", "after limit", NULL, ch_http_get_returns,
	  CH_ROUTE_OPEN },
	{ GET, "v1/returns", "after limit", NULL, ch_http_get_returns,
	  CH_ROUTE_OPEN },
	{ GET, "v1/events", "after limit follow", NULL, ch_http_get_events,
	  CH_ROUTE_OPEN },
	{ GET, LETTER "/source", "", NULL, ch_http_get_source,
	  CH_ROUTE_CONTROL },
	{ GET, LETTER "/transcript", "", NULL, ch_http_get_transcript,
	  CH_ROUTE_CONTROL },
	{ GET, "v1/objects/*", "", NULL, ch_http_get_object,
	  CH_ROUTE_CONTROL },
	{ POST, "v1/batches", "", NULL, ch_http_post_batch,
	  CH_ROUTE_CONTROL | CH_ROUTE_UPLOAD },
	{ POST, "v1/pause", "", NULL, ch_http_post_command,
	  CH_ROUTE_CONTROL },
	{ POST, "v1/resume", "at_risk", NULL, ch_http_post_command,
	  CH_ROUTE_CONTROL },
	{ GET, "v1/suppressed", "after limit", NULL, ch_http_get_suppressed,
	  CH_ROUTE_CONTROL },
	{ POST, "v1/reread", "", "return", ch_http_post_command,
	  CH_ROUTE_CONTROL },
	{ POST, "v1/suppress", "", "address", ch_http_post_command,
	  CH_ROUTE_CONTROL },
	{ POST, "v1/unsuppress", "", "address", ch_http_post_command,
	  CH_ROUTE_CONTROL },
	{ POST, RELAY "/pause", "", NULL, ch_http_post_relay,
	  CH_ROUTE_CONTROL },
	{ POST, RELAY "/resume", "", NULL, ch_http_post_relay,
	  CH_ROUTE_CONTROL },
	{ POST, BATCH "/release", "", "digest", ch_http_post_command,
	  CH_ROUTE_CONTROL },
	{ POST, BATCH "/pause", "", NULL, ch_http_post_command,
	  CH_ROUTE_CONTROL },
	{ POST, BATCH "/resume", "", NULL, ch_http_post_command,
	  CH_ROUTE_CONTROL },
	{ POST, BATCH "/cancel", "", NULL, ch_http_post_command,
	  CH_ROUTE_CONTROL },
	{ POST, BATCH "/retry", "", NULL, ch_http_post_command,
	  CH_ROUTE_CONTROL },
	{ POST, BATCH "/priority", "", "priority", ch_http_post_command,
	  CH_ROUTE_CONTROL },
	{ POST, LETTER "/cancel", "", NULL, ch_http_post_command,
	  CH_ROUTE_CONTROL },
	{ POST, LETTER "/retry", "", NULL, ch_http_post_command,
	  CH_ROUTE_CONTROL },
	{ POST, LETTER "/resolve", "", "as", ch_http_post_command,
	  CH_ROUTE_CONTROL },
	{ POST, LETTER "/confirm", "", "return", ch_http_post_command,
	  CH_ROUTE_CONTROL },
	{ POST, LETTER "/readdress", "", "address", ch_http_post_command,
	  CH_ROUTE_CONTROL },
};

const char *ch_http_star(const struct ch_request *request, size_t n)
{
	return ch_target_star(&request->target, request->route->pattern, n);
}

/* ---- errors ----------------------------------------------------------- */

/* "4.0.4" is 404; without such a status the fate decides. */
unsigned int ch_http_status_of(const struct ch_error *err)
{
	const char *s = err->status;

	if ((s[0] == '4' || s[0] == '5') && s[1] == '.' && s[2] >= '0' &&
	    s[2] <= '9' && s[3] == '.' && s[4] >= '0' && s[4] <= '9' &&
	    s[5] == '\0')
		return (unsigned int)((s[0] - '0') * 100 + (s[2] - '0') * 10 +
				      s[4] - '0');
	return err->fate == CH_RETRY ? 503 : 500;
}

const char *ch_http_code_of(unsigned int status)
{
	switch (status) {
	case 400: return "bad_request";
	case 403: return "forbidden";
	case 404: return "not_found";
	case 405: return "method_not_allowed";
	case 406: return "not_acceptable";
	case 409: return "conflict";
	case 413: case 414: return "too_large";
	case 415: return "bad_type";
	case 422: return "bad_data";
	case 429: return "busy";
	case 503: return "unavailable";
	default: return status >= 500 ? "internal" : "bad_request";
	}
}

/* Where the error itself says nothing. A conflict always does. */
static const char *hint_of(unsigned int status)
{
	switch (status) {
	case 403: return "chancery-status(7) says who may do what at which "
			 "socket.";
	case 405: return "chancery-status(7) lists the requests.";
	case 406: return "Send \"Accept-Encoding: zstd\", as \"curl "
			 "--compressed\" does.";
	case 413: return "Send less, or raise max_upload in chancery.conf.";
	case 429: return "Try again when one of them has ended.";
	case 503: return "Try again.";
	default: return "";
	}
}

void ch_http_json(struct ch_request *request, unsigned int status,
		  json_t *take)
{
	ch_str_clear(&request->out);
	ch_http_dump(take, &request->out);
	ch_str_add_char(&request->out, '\n');
	request->type = status >= 400 ? "application/problem+json"
				      : "application/json";
	request->status = status;
	if (request->out.full) {
		ch_str_clear(&request->out);
		ch_str_add(&request->out, "{}\n");
		request->status = 500;
	}
}

void ch_http_refuse(struct ch_request *request, const struct ch_error *err)
{
	unsigned int status = ch_http_status_of(err);

	request->stream.fill = NULL;
	/* Its files are gone before the answer is read. */
	ch_upload_free(CH_TAKE(request->upload));
	ch_http_json(request, status,
		     ch_http_error(status, ch_http_code_of(status), err->text,
				   err->hint ? err->hint : hint_of(status)));
}

/* ---- before the body -------------------------------------------------- */

static bool is_get(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* One line a second at most: a refusal may be repeated as fast as a program
 * can. */
static void remark(struct ch_request *request, const char *method,
		   const char *why)
{
	struct ch_http *http = request->http;
	int64_t now_ms = ch_clock_mono_ms();

	if (http->remarked_ms && now_ms - http->remarked_ms < REMARK_EVERY_MS)
		return;
	http->remarked_ms = now_ms;
	ch_log(&http->log, LOG_WARNING, NULL,
	       "%s socket: refused %.10s from uid %u, pid %d: %s",
	       request->door->door == CH_DOOR_CONTROL ? "control" : "status",
	       method, (unsigned int)request->client->who.uid,
	       (int)request->client->who.pid, why);
}

static const struct ch_route *find(const struct ch_request *request,
				   const char *method, bool *ret_other)
{
	*ret_other = false;
	for (size_t i = 0; i < CH_COUNT(routes); i++) {
		if (!ch_target_matches(&request->target, routes[i].pattern))
			continue;
		if (strcmp(is_get(method) ? GET : method,
			   routes[i].method) == 0)
			return &routes[i];
		*ret_other = true;
	}
	return NULL;
}

static const char *header(const struct ch_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection,
					   MHD_HEADER_KIND, name);
}

/* The route, if this door and this asker have it. */
static int choose(struct ch_request *request, const char *method,
		  struct ch_error *err)
{
	bool control = request->door->door == CH_DOOR_CONTROL;
	const char *host = header(request, "Host");
	bool other;

	if (host && !ch_is_local_host(host))
		return ch_error_refuse(err, "4.0.3",
				       "ask for localhost, and "
				       "not for \"%.80s\"",
				       host);
	request->route = find(request, method, &other);
	if (!request->client->admitted) {
		remark(request, method, "this uid may not use it");
		return ch_error_refuse(err, "4.0.3",
				       "uid %u may not use the "
				       "control socket",
				       (unsigned int)request->client->who.uid);
	}
	if (!control && (request->route ? request->route->flags
					: other && strcmp(method, POST) == 0)) {
		remark(request, method, "only the control socket has it");
		return ch_error_refuse(err, "4.0.3",
				       "the status socket is for reading");
	}
	if (!request->route && other) {
		request->allow = is_get(method) ? "POST"
				 : control ? "GET, HEAD, POST" : "GET, HEAD";
		return ch_error_refuse(err, "4.0.5",
				       "%.10s is not for this "
				       "path",
				       method);
	}
	if (!request->route && !is_get(method) && strcmp(method, POST) != 0) {
		request->allow = control ? "GET, HEAD, POST" : "GET, HEAD";
		return ch_error_refuse(err, "4.0.5", "%.10s is not known here",
				       method);
	}
	if (!request->route)
		return ch_error_refuse(err, "4.0.4", "no such path");
	return ch_target_check_query(&request->target, request->route->query,
				     err);
}

/* Whether a body of that kind and length may come. */
static int check_body(struct ch_request *request, struct ch_error *err)
{
	const char *length = header(request, "Content-Length");
	const char *type = header(request, "Content-Type");
	bool upload = (request->route->flags & CH_ROUTE_UPLOAD) != 0;
	int64_t most = upload ? (int64_t)request->http->options.max_upload_bytes
			      : CH_JSON_BODY_MAX;
	int64_t bytes = 0;

	if (length && ch_digits(length, 0, INT64_MAX, &bytes) < 0)
		return ch_error_refuse(err, "4.0.0",
				       "Content-Length is no "
				       "number");
	if (bytes > most)
		return ch_error_refuse(err, "4.1.3",
				       "a body of %lld bytes; at "
				       "most %lld",
				       (long long)bytes, (long long)most);
	if (strcmp(request->route->method, GET) == 0)
		return bytes > 0 || header(request, "Transfer-Encoding")
			   ? ch_error_refuse(err, "4.0.0", "GET has no body")
			   : 0;
	/* A page of somebody else's in a browser on the other end of ssh -L. */
	if (header(request, "Origin") || header(request, "Sec-Fetch-Site"))
		return ch_error_refuse(err, "4.0.3",
				       "no changes from a web "
				       "page");
	if (upload)
		return ch_is_multipart(type)
			   ? 0
			   : ch_error_refuse(err, "4.1.5",
					     "a batch comes as "
					     "multipart/form-data");
	if (type && bytes > 0 &&
	    strncasecmp(type, "application/json", 16) != 0)
		return ch_error_refuse(err, "4.1.5",
				       "a command comes as "
				       "application/json");
	return 0;
}

int ch_http_begin(struct ch_request *request, const char *method)
{
	struct ch_error err = request->fault;
	int failed = err.text[0] ? -1 : choose(request, method, &err);

	if (failed == 0)
		failed = check_body(request, &err);
	if (failed == 0 && request->route->flags & CH_ROUTE_UPLOAD)
		failed = ch_upload_begin(request, &err);
	if (failed < 0)
		ch_http_refuse(request, &err);
	return failed;
}

/* ---- the whole request is here ---------------------------------------- */

void ch_http_run(struct ch_request *request)
{
	struct ch_error err = { 0 };
	bool get = strcmp(request->route->method, GET) == 0;

	if (get && !ch_http_clean(request->http)) {
		ch_http_wait(request, CH_WAIT_RUN);
		return;
	}
	if (request->route->run(request, &err) < 0)
		ch_http_refuse(request, &err);
}
