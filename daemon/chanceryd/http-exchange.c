// SPDX-License-Identifier: GPL-3.0-or-later
/* http-exchange.c - one request from its first line to the end of its answer,
 * as libmicrohttpd calls for it. */
#include <stdlib.h>

#include "chanceryd/http-private.h"

#define PIECE (32 * 1024)
#define DROPPED_BODY_MAX (1024 * 1024)

/* The first that is known of a request: its target as it came. */
void *ch_exchange_target(void *context, const char *target,
			 struct MHD_Connection *connection)
{
	struct ch_http_door *door = context;
	struct ch_request *request = ch_xzalloc(sizeof(*request));
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	request->http = door->http;
	request->door = door;
	request->client = info->socket_context;
	request->connection = connection;
	request->wait = CH_WAIT_BODY;
	request->file_fd = -1;
	ch_str_init(&request->body, CH_JSON_BODY_MAX);
	ch_str_init(&request->out, CH_ANSWER_MAX);
	request->fault.text[0] = '\0';
	ch_target_parse(target, &request->target, &request->fault);
	door->requests++;
	return request;
}

void ch_exchange_completed(void *context, struct MHD_Connection *connection,
			   void **request_context,
			   enum MHD_RequestTerminationCode code)
{
	struct ch_request *request = *request_context;

	if (!request)
		return;
	if (ch_http_waits(request))
		ch_http_unlink(request);
	if (request->stream.follow)
		request->door->followers--;
	if (request->client)
		ch_client_phase(request->client, CH_CLIENT_READING);
	ch_auto_close(&request->file_fd);
	ch_upload_free(request->upload);
	ch_target_release(&request->target);
	ch_str_release(&request->body);
	ch_str_release(&request->out);
	free(request->stream.reference);
	free(request);
	*request_context = NULL;
}

static void add_header(struct MHD_Response *response, const char *name,
		       const char *value)
{
	MHD_add_response_header(response, name, value);
}

static void add_headers(const struct ch_request *request,
			struct MHD_Response *response)
{
	add_header(response, "Content-Type", request->type);
	add_header(response, "Cache-Control", "no-store");
	add_header(response, "X-Content-Type-Options", "nosniff");
	add_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	add_header(response, "Referrer-Policy", "no-referrer");
	add_header(response, "Content-Security-Policy",
		   "default-src 'none'; script-src 'unsafe-inline'; "
		   "style-src 'unsafe-inline'; img-src data:; "
		   "connect-src 'self'; base-uri 'none'; form-action 'none'; "
		   "frame-ancestors 'none'");
	if (request->encoding)
		add_header(response, "Content-Encoding", request->encoding);
	if (request->allow)
		add_header(response, "Allow", request->allow);
	if (request->status == 400 || request->status == 413)
		add_header(response, "Connection", "close");
}

static enum MHD_Result reply(struct ch_request *request)
{
	struct MHD_Response *response;
	enum MHD_Result result;
	size_t len = request->out.len;

	if (request->status >= 400)
		request->door->refused++;
	if (request->stream.fill)
		response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
			PIECE, ch_stream_read, request, NULL);
	else if (request->file_fd >= 0)
		response = MHD_create_response_from_fd64(request->file_bytes,
			CH_TAKE_FD(request->file_fd));
	else
		response = MHD_create_response_from_buffer(len,
			ch_str_take(&request->out), MHD_RESPMEM_MUST_FREE);
	if (!response)
		return MHD_NO;
	add_headers(request, response);
	result = MHD_queue_response(request->connection, request->status,
				    response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result take_body(struct ch_request *request, const char *bytes,
				 size_t len)
{
	request->client->body_bytes += len;
	if (request->upload && request->status == 0) {
		ch_upload_read(request, bytes, len);
		return request->client->body_bytes <=
				       request->http->options.max_upload_bytes
			       ? MHD_YES : MHD_NO;
	}
	if (request->client->body_bytes > DROPPED_BODY_MAX)
		return MHD_NO;
	if (!request->too_large && request->status == 0)
		ch_str_add_mem(&request->body, bytes, len);
	request->too_large = request->body.full;
	return MHD_YES;
}

/* The Content-Length, which the server has read as a number already. */
static int64_t declared(struct MHD_Connection *connection)
{
	const char *text = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, "Content-Length");
	int64_t bytes = 0;

	if (text && ch_digits(text, 0, INT64_MAX, &bytes) < 0)
		return INT64_MAX;
	return bytes;
}

/* A refusal waits until a small body is in: a client that is still writing
 * when the connection is closed does not hear why. */
enum MHD_Result ch_exchange_request(void *context,
				    struct MHD_Connection *connection,
				    const char *url, const char *method,
				    const char *version, const char *bytes,
				    size_t *len, void **request_context)
{
	struct ch_request *request = *request_context;

	if (!request || !request->client || request->http->stopping)
		return MHD_NO;
	if (!request->begun) {
		request->begun = true;
		request->client->body_bytes = 0;
		if (ch_http_begin(request, method) < 0 &&
		    declared(connection) > DROPPED_BODY_MAX) {
			ch_client_phase(request->client, CH_CLIENT_ANSWERING);
			return reply(request);
		}
		if (request->upload && request->status == 0)
			ch_client_phase(request->client, CH_CLIENT_UPLOADING);
		return MHD_YES;
	}
	if (*len > 0) {
		size_t taken = *len;

		*len = 0;
		return take_body(request, bytes, taken);
	}
	ch_client_phase(request->client, CH_CLIENT_ANSWERING);
	if (request->status == 0)
		ch_http_run(request);
	return request->status == 0 || ch_http_waits(request) ? MHD_YES
							   : reply(request);
}
