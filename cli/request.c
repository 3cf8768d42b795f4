// SPDX-License-Identifier: GPL-3.0-or-later
/* request.c - HTTP over a UNIX socket, by libcurl. */
#include "cli/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "cli/json.h"
#include "cli/upload.h"

#define ANSWER_MAX (64 * 1024 * 1024)
#define ERROR_MAX 65536 /* of the body of a refusal, while streaming */
#define READ_TIMEOUT_S 60L
#define CONNECT_TIMEOUT_S 10L
#define PAGE 1000
#define HOST "http://chancery"

/* One request, and what becomes of it. */
struct request {
	const struct ch_cli *cli;
	CURL *curl;
	const char *path;
	bool changes;                   /* not a GET */
	struct ch_answer *answer;
	const struct ch_stream *stream; /* NULL: the body is gathered */
	bool *ret_began;
	bool ended; /* by the one who reads the stream */
	bool too_long;
};

void ch_answer_release(struct ch_answer *answer)
{
	ch_str_release(&answer->body);
	json_decref(answer->json);
	*answer = (struct ch_answer){ 0 };
}

/* ---- paths ------------------------------------------------------------ */

/* RFC 3986 section 2.3: all but unreserved characters. */
static void add_encoded(struct ch_str *out, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";

	for (; *text; text++) {
		if (strchr(plain, *text))
			ch_str_add_char(out, *text);
		else
			ch_str_addf(out, "%%%02X", (unsigned char)*text);
	}
}

char *ch_request_path(const char *reference, const char *key, const char *rest)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(65536);

	ch_str_add(&out, "/v1/batches/");
	add_encoded(&out, reference);
	if (key) {
		ch_str_add(&out, "/letters/");
		add_encoded(&out, key);
	}
	ch_str_add(&out, rest);
	return ch_xstrdup(ch_str_cstr(&out));
}

char *ch_request_relay_path(const char *name, const char *rest)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(65536);

	ch_str_add(&out, "/v1/relays/");
	add_encoded(&out, name);
	ch_str_add(&out, rest);
	return ch_xstrdup(ch_str_cstr(&out));
}

/* ---- one request ------------------------------------------------------ */

static bool is_zstd(CURL *curl)
{
	struct curl_header *header;

	return curl_easy_header(curl, "Content-Encoding", 0, CURLH_HEADER, -1,
				&header) == CURLHE_OK &&
	       strcmp(header->value, "zstd") == 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct request *r = context;
	size_t len = size * count;
	long status = 0;

	curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	if (r->stream && status == 200) {
		if (!*r->ret_began)
			r->answer->zstd = is_zstd(r->curl);
		*r->ret_began = true;
		r->ended = !r->stream->piece(r->stream->context, bytes, len);
		return r->ended ? 0 : len;
	}
	ch_str_add_mem(&r->answer->body, bytes, len);
	r->too_long = r->answer->body.full;
	return r->too_long ? 0 : len;
}

static void prepare(struct request *r)
{
	CH_AUTOCHAR url = ch_xasprintf(HOST "%s", r->path);

	curl_easy_setopt(r->curl, CURLOPT_URL, url);
	curl_easy_setopt(r->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(r->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(r->curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(r->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(r->curl, CURLOPT_USERAGENT,
			 "chancery/" PACKAGE_VERSION);
}

/* Try one socket. EX_OK, EX_UNAVAILABLE: nobody there, EX_NOPERM: closed to
 * this person, else -1 and *ret_code tells. */
static int try_socket(struct request *r, const char *name, CURLcode *ret_code)
{
	CH_AUTOCHAR path = ch_xasprintf("%s/%s", r->cli->socket_dir, name);
	struct sockaddr_un address;
	long error = 0;

	*ret_code = CURLE_OK;
	/* curl's own message for this is about a host name. */
	if (strlen(path) >= sizeof(address.sun_path))
		return EX_UNAVAILABLE;
	if (access(path, F_OK) < 0)
		return errno == EACCES ? EX_NOPERM : EX_UNAVAILABLE;
	curl_easy_setopt(r->curl, CURLOPT_UNIX_SOCKET_PATH, path);
	*ret_code = curl_easy_perform(r->curl);
	if (*ret_code == CURLE_OK)
		return EX_OK;
	if (*ret_code != CURLE_COULDNT_CONNECT)
		return -1;
	curl_easy_getinfo(r->curl, CURLINFO_OS_ERRNO, &error);
	return error == EACCES || error == EPERM ? EX_NOPERM : EX_UNAVAILABLE;
}

static int closed(const struct request *r, int code, const char *door)
{
	if (r->stream && r->stream->quiet)
		return code;
	if (code == EX_NOPERM)
		return ch_fail(r->cli, code,
			       strcmp(door, "control") == 0
				       ? "It is for the group "
					 "chancery-secretariat: ask whoever "
					 "runs this machine."
				       : "It is for the group "
					 "chancery-operators: ask whoever "
					 "runs this machine.",
			       "%s/%s.sock is closed to you",
			       r->cli->socket_dir, door);
	return ch_fail(r->cli, code,
		       "Start it with \"systemctl start chanceryd\", or say "
		       "with --socket-dir where it is.",
		       "no chanceryd answers at %s/%s.sock",
		       r->cli->socket_dir, door);
}

/* The connection was there and failed. */
static int broken(const struct request *r, CURLcode code)
{
	const char *hint = r->changes
				   ? "It may have been done all the same: look "
				     "with \"chancery status\" first."
				   : "Try again.";

	long status = 0;

	if (r->ended)
		return EX_OK;
	curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	if (r->stream && status == 200)
		*r->ret_began = true;
	if (r->stream && (r->stream->quiet ||
			  (r->stream->follows && *r->ret_began)))
		return EX_TEMPFAIL;
	if (r->too_long)
		return ch_fail(r->cli, EX_PROTOCOL, NULL,
			       "chanceryd's answer is longer than %d bytes",
			       ANSWER_MAX);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return ch_fail(r->cli, EX_TEMPFAIL, hint,
			       "chanceryd did not answer in time");
	return ch_fail(r->cli, EX_TEMPFAIL, hint,
		       "the connection to chanceryd ended: %s",
		       curl_easy_strerror(code));
}

static int perform(struct request *r, enum ch_door door)
{
	CURLcode code;
	int first = EX_UNAVAILABLE;
	int rc;

	if (door == CH_DOOR_READ) {
		first = try_socket(r, "status.sock", &code);
		if (first == EX_OK)
			return EX_OK;
		if (first < 0)
			return broken(r, code);
	}
	rc = try_socket(r, "control.sock", &code);
	if (rc == EX_OK)
		return EX_OK;
	if (rc < 0)
		return broken(r, code);
	if (door == CH_DOOR_READ)
		return closed(r, first, "status");
	return closed(r, rc, "control");
}

static int request(struct request *r, enum ch_door door)
{
	int code;

	ch_str_init(&r->answer->body,
		    r->answer->body.max ? r->answer->body.max : ANSWER_MAX);
	code = perform(r, door);
	curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &r->answer->status);
	r->answer->zstd = is_zstd(r->curl);
	curl_easy_cleanup(r->curl);
	r->curl = NULL;
	if (code == EX_OK && !r->ended)
		r->answer->json = json_loadb(
			ch_str_cstr(&r->answer->body), r->answer->body.len,
			JSON_REJECT_DUPLICATES, NULL);
	return code;
}

static CURL *new_curl(void)
{
	CURL *curl = curl_easy_init();

	if (!curl)
		abort(); /* out of memory */
	return curl;
}

/* ---- what chanceryd refuses ------------------------------------------- */

static const struct {
	const char *code;
	int exit;
} refusals[] = {
	{ "bad_request", EX_USAGE },
	{ "method_not_allowed", EX_USAGE },
	{ "bad_json", EX_DATAERR },
	{ "bad_data", EX_DATAERR },
	{ "conflict", EX_DATAERR },
	{ "too_large", EX_DATAERR },
	{ "not_found", EX_NOINPUT },
	{ "forbidden", EX_NOPERM },
	{ "busy", EX_TEMPFAIL },
	{ "timeout", EX_TEMPFAIL },
	{ "unavailable", EX_TEMPFAIL },
	{ "internal", EX_SOFTWARE },
};

int ch_answer_fail(const struct ch_cli *cli, const struct ch_answer *answer)
{
	const json_t *error = json_object_get(answer->json, "error");
	const char *code = ch_json_text(error, "code");
	const char *text = ch_json_text(error, "text");
	const char *hint = ch_json_text(error, "hint");

	if (!hint[0] && strcmp(code, "not_found") == 0 &&
	    (strncmp(text, "no ", 3) == 0 ||
	     strncmp(text, "there is no batch", 17) == 0))
		hint = "\"chancery status\" lists relays and batches, "
		       "\"chancery letters BATCH\" letters.";
	if (!text[0])
		return ch_fail(cli, answer->status >= 500 ? EX_TEMPFAIL
							  : EX_PROTOCOL,
			       NULL, "chanceryd answered with status %ld",
			       answer->status);
	for (size_t i = 0; i < CH_COUNT(refusals); i++) {
		if (strcmp(refusals[i].code, code) == 0)
			return ch_fail(cli, refusals[i].exit,
				       hint, "%s", text);
	}
	return ch_fail(cli, EX_PROTOCOL, hint, "%s", text);
}

/* ---- asking ----------------------------------------------------------- */

int ch_request_get(const struct ch_cli *cli, enum ch_door door,
		   const char *path, size_t max_bytes, struct ch_answer *ret)
{
	struct request r = { .cli = cli,
			     .curl = new_curl(),
			     .path = path,
			     .answer = ret };
	struct curl_slist *headers =
		curl_slist_append(NULL, "Accept-Encoding: zstd");
	int code;

	*ret = (struct ch_answer){ .body = CH_STR_INIT(max_bytes) };
	prepare(&r);
	curl_easy_setopt(r.curl, CURLOPT_TIMEOUT, READ_TIMEOUT_S);
	curl_easy_setopt(r.curl, CURLOPT_HTTPHEADER, headers);
	code = request(&r, door);
	curl_slist_free_all(headers);
	return code;
}

/* The object of an answer that is none of the refusals. */
static int take_object(const struct ch_cli *cli, struct ch_answer *answer,
		       json_t **ret)
{
	if (answer->status >= 400)
		return ch_answer_fail(cli, answer);
	if (!json_is_object(answer->json))
		return ch_fail(cli, EX_PROTOCOL,
			       "Are chancery and chanceryd of one version?",
			       "chanceryd's answer cannot be read");
	*ret = json_incref(answer->json);
	return EX_OK;
}

int ch_request_json(const struct ch_cli *cli, enum ch_door door,
		    const char *path, json_t **ret)
{
	CH_AUTO(ch_answer) answer = { 0 };
	int code = ch_request_get(cli, door, path, ANSWER_MAX, &answer);

	return code == EX_OK ? take_object(cli, &answer, ret) : code;
}

int ch_request_post(const struct ch_cli *cli, const char *path,
		    const json_t *body, json_t **ret)
{
	CH_AUTO(ch_answer) answer = { 0 };
	CH_AUTOCHAR text = body ? json_dumps(body, JSON_COMPACT)
				: ch_xstrdup("{}");
	struct curl_slist *headers =
		curl_slist_append(NULL, "Content-Type: application/json");
	struct request r = { .cli = cli,
			     .curl = new_curl(),
			     .path = path,
			     .changes = true,
			     .answer = &answer };
	int code;

	prepare(&r);
	curl_easy_setopt(r.curl, CURLOPT_TIMEOUT, READ_TIMEOUT_S);
	curl_easy_setopt(r.curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(r.curl, CURLOPT_POSTFIELDS, text);
	code = request(&r, CH_DOOR_CONTROL);
	curl_slist_free_all(headers);
	return code == EX_OK ? take_object(cli, &answer, ret) : code;
}

/* ---- lists ------------------------------------------------------------ */

static int each_of(const json_t *list, ch_request_each *each, void *context)
{
	const json_t *object;
	size_t i;
	int code;

	json_array_foreach(list, i, object) {
		code = each(context, object);
		if (code != EX_OK)
			return code;
	}
	return EX_OK;
}

int ch_request_pages(const struct ch_cli *cli, const char *path,
		     const char *member, ch_request_each *each, void *context)
{
	return ch_request_pages_of(cli, CH_DOOR_READ, path, member, PAGE, each,
				   context);
}

int ch_request_pages_of(const struct ch_cli *cli, enum ch_door door,
			const char *path, const char *member, int page_rows,
			ch_request_each *each, void *context)
{
	const char *joint = strchr(path, '?') ? "&" : "?";
	json_int_t after = 0;
	bool more = true;

	while (more) {
		CH_AUTOCHAR page = ch_xasprintf(
			"%s%slimit=%d&after=%lld", path, joint, page_rows,
			(long long)after);
		json_t *answer = NULL;
		const json_t *next;
		int code = ch_request_json(cli, door, page, &answer);

		if (code != EX_OK)
			return code;
		code = each_of(json_object_get(answer, member), each, context);
		next = json_object_get(answer, "next");
		/* A cursor that does not move would have us ask for ever. */
		more = json_is_integer(next) &&
		       json_integer_value(next) > after;
		after = json_integer_value(next);
		json_decref(answer);
		if (code != EX_OK)
			return code;
	}
	return EX_OK;
}

/* An answer that takes as long as it likes, while the server says something every
 * 15 s. `headers` are freed. */
static int request_long(struct request *r, enum ch_door door,
			struct curl_slist *headers)
{
	int code;

	prepare(r);
	curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(r->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(r->curl, CURLOPT_LOW_SPEED_TIME, READ_TIMEOUT_S);
	code = request(r, door);
	curl_slist_free_all(headers);
	return code;
}

int ch_request_stream(const struct ch_cli *cli, const struct ch_stream *stream,
		      bool *ret_began)
{
	CH_AUTO(ch_answer) answer = { .body = CH_STR_INIT(ERROR_MAX) };
	CH_AUTOCHAR accept = ch_xasprintf("Accept: %s", stream->accept);
	struct curl_slist *headers = curl_slist_append(NULL, accept);
	struct request r = { .cli = cli,
			     .curl = new_curl(),
			     .path = stream->path,
			     .answer = &answer,
			     .stream = stream,
			     .ret_began = ret_began };
	int code;

	*ret_began = false;
	code = request_long(&r, CH_DOOR_READ, headers);
	if (code == EX_OK && answer.status >= 400)
		return ch_answer_fail(cli, &answer);
	return code;
}

int ch_request_object(const struct ch_cli *cli, const char *path,
		      ch_request_piece *piece, void *context,
		      struct ch_answer *ret)
{
	struct curl_slist *headers =
		curl_slist_append(NULL, "Accept-Encoding: zstd");
	const struct ch_stream stream = { .path = path, .piece = piece,
					  .context = context };
	bool began = false;
	struct request r = { .cli = cli,
			     .curl = new_curl(),
			     .path = path,
			     .answer = ret,
			     .stream = &stream,
			     .ret_began = &began };

	*ret = (struct ch_answer){ .body = CH_STR_INIT(ERROR_MAX) };
	return request_long(&r, CH_DOOR_CONTROL, headers);
}

/* ---- uploads ---------------------------------------------------------- */

/* A file on its way up. */
struct file_part {
	int fd;
	uint64_t at;
	uint64_t size_bytes;
};

static size_t on_read(char *buffer, size_t size, size_t count, void *context)
{
	struct file_part *part = context;
	uint64_t left = part->size_bytes - part->at;
	size_t len = size * count < left ? size * count : (size_t)left;
	ssize_t n;

	if (len == 0)
		return 0;
	n = pread(part->fd, buffer, len, (off_t)part->at);
	if (n <= 0) /* shorter than it was */
		return CURL_READFUNC_ABORT;
	part->at += (uint64_t)n;
	return (size_t)n;
}

static int on_seek(void *context, curl_off_t offset, int origin)
{
	struct file_part *part = context;

	if (origin != SEEK_SET || offset < 0 ||
	    (uint64_t)offset > part->size_bytes)
		return CURL_SEEKFUNC_FAIL;
	part->at = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static void add_part(curl_mime *mime, const struct ch_upload_part *from)
{
	curl_mimepart *part = curl_mime_addpart(mime);
	struct file_part *file;

	curl_mime_name(part, from->name);
	if (from->bytes) {
		curl_mime_data(part, from->bytes, from->len);
	} else {
		file = ch_xzalloc(sizeof(*file));
		*file = (struct file_part){ from->fd, 0, from->size_bytes };
		curl_mime_data_cb(part, (curl_off_t)from->size_bytes, on_read,
				  on_seek, free, file);
	}
	if (from->filename) {
		curl_mime_filename(part, from->filename);
		curl_mime_type(part, "application/octet-stream");
	}
}

/* Progress on a terminal, for uploads that take their time. */
struct progress {
	const struct ch_cli *cli;
	int64_t begun_ms;
	int told; /* per cent; -1: nothing yet; 100: only waiting is left */
};

static int on_progress(void *context, curl_off_t down_total, curl_off_t down,
		       curl_off_t up_total, curl_off_t up)
{
	struct progress *p = context;
	int percent = up_total > 0 ? (int)(up * 100 / up_total) : 0;

	if (percent == p->told || ch_clock_mono_ms() - p->begun_ms < 1000)
		return 0;
	p->told = percent;
	if (percent < 100)
		fprintf(stderr, "\r\033[Kuploading: %d %%", percent);
	else
		fprintf(stderr, "\r\033[Kchanceryd merges every letter ...");
	fflush(stderr);
	return 0;
}

int ch_request_upload(const struct ch_cli *cli, const char *path,
		      const struct ch_upload *upload, struct ch_answer *ret)
{
	struct request r = { .cli = cli,
			     .curl = new_curl(),
			     .path = path,
			     .changes = true,
			     .answer = ret };
	struct progress progress = { cli, ch_clock_mono_ms(), -1 };
	curl_mime *mime = curl_mime_init(r.curl);
	int code;

	*ret = (struct ch_answer){ 0 };
	prepare(&r);
	for (size_t i = 0; i < upload->len; i++)
		add_part(mime, &upload->parts[i]);
	curl_easy_setopt(r.curl, CURLOPT_MIMEPOST, mime);
	if (cli->err.redraw) {
		curl_easy_setopt(r.curl, CURLOPT_NOPROGRESS, 0L);
		curl_easy_setopt(r.curl, CURLOPT_XFERINFOFUNCTION,
				 on_progress);
		curl_easy_setopt(r.curl, CURLOPT_XFERINFODATA, &progress);
	}
	code = request(&r, CH_DOOR_CONTROL);
	if (progress.told >= 0)
		fputs("\r\033[K", stderr);
	curl_mime_free(mime);
	return code;
}
