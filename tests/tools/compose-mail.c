// SPDX-License-Identifier: GPL-3.0-or-later
/* compose-mail.c - compose messages for test-compose.py, which reads them back.
 *
 * Standard input is a list of records "NAME LENGTH\n" and that many bytes:
 * from, to, cc, reply-to, subject, id, language, value, markdown (rendered to
 * text and HTML with the values before it), annex-name, annex; "end" composes.
 * Standard output is for each message its size, LF, and its bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "letter/body.h"
#include "mail/compose.h"

#define VALUES_MAX 8
#define ANNEXES_MAX 4

struct job {
	struct ch_address from, reply_to;
	bool has_reply_to;
	struct ch_address *to, *cc; /* owned */
	size_t to_len, cc_len;
	char *subject, *id, *language, *annex_name; /* owned */
	char *values[VALUES_MAX];                   /* owned */
	size_t values_len;
	struct ch_str text, html;
	bool delsp;
	struct ch_attachment *annexes[ANNEXES_MAX]; /* owned */
	size_t annexes_len;
};

static void must(int result, const struct ch_error *err)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s\n", err->text);
	exit(1);
}

static void job_release(struct job *job)
{
	free(job->to);
	free(job->cc);
	free(job->subject);
	free(job->id);
	free(job->language);
	free(job->annex_name);
	for (size_t i = 0; i < job->values_len; i++)
		free(job->values[i]);
	for (size_t i = 0; i < job->annexes_len; i++)
		ch_attachment_free(job->annexes[i]);
	ch_str_release(&job->text);
	ch_str_release(&job->html);
}

static void job_init(struct job *job)
{
	*job = (struct job){ 0 };
	ch_str_init(&job->text, 1024 * 1024);
	ch_str_init(&job->html, 1024 * 1024);
}

static size_t take_list(const char *bytes, size_t len, struct ch_address **ret)
{
	struct ch_error err;
	size_t offset;
	int count = ch_address_parse_list(bytes, len, CH_LOCAL_UTF8, ret,
					  &offset, &err);

	must(count, &err);
	return (size_t)count;
}

static void take_address(const char *bytes, size_t len, struct ch_address *ret)
{
	struct ch_error err;

	must(ch_address_parse(bytes, len, ret, &err), &err);
}

static void take_markdown(struct job *job, const char *bytes, size_t len)
{
	CH_AUTOPTR(ch_body) body = NULL;
	struct ch_body_frame frame = { .title = ch_slice_of(job->subject) };
	struct ch_slice values[VALUES_MAX] = { { NULL, 0 } };
	struct ch_error err;

	for (size_t i = 0; i < job->values_len; i++)
		values[i] = ch_slice_of(job->values[i]);
	must(ch_body_compile((struct ch_slice){ bytes, len }, job->language,
			     job->values_len, &body, &err),
	     &err);
	ch_body_text(body, values, &job->text, &job->delsp);
	ch_body_html(body, values, &frame, &job->html);
}

static void take_annex(struct job *job, const char *bytes, size_t len)
{
	struct ch_error err;

	if (job->annexes_len == ANNEXES_MAX)
		exit(1);
	must(ch_attachment_new(job->annex_name, NULL, bytes, len,
			       &job->annexes[job->annexes_len++], &err),
	     &err);
	free(job->annex_name);
	job->annex_name = NULL;
}

static void compose(const struct job *job)
{
	const struct ch_attachment *annexes[ANNEXES_MAX] = { NULL };
	struct ch_composed composed;
	struct ch_compose message = {
		.from = &job->from,
		.reply_to = job->has_reply_to ? &job->reply_to : NULL,
		.to = job->to,
		.to_len = job->to_len,
		.cc = job->cc,
		.cc_len = job->cc_len,
		.subject = job->subject,
		.message_id = job->id,
		.date_us = 1796635800000000,
		.language = job->language,
		.text = { ch_str_cstr(&job->text), job->text.len },
		.text_delsp = job->delsp,
		.html = { ch_str_cstr(&job->html), job->html.len },
		.attachments = annexes,
		.attachments_len = job->annexes_len,
	};
	struct ch_error err;

	for (size_t i = 0; i < job->annexes_len; i++)
		annexes[i] = job->annexes[i];
	ch_composed_init(&composed, 4 * 1024 * 1024);
	must(ch_compose(&message, &composed, &err), &err);
	printf("%llu\n", (unsigned long long)composed.size_bytes);
	for (size_t i = 0; i < composed.pieces_len; i++)
		fwrite(composed.pieces[i].iov_base, 1,
		       composed.pieces[i].iov_len, stdout);
	ch_composed_release(&composed);
}

static void take(struct job *job, const char *name, const char *bytes,
		 size_t len)
{
	if (strcmp(name, "from") == 0) {
		take_address(bytes, len, &job->from);
	} else if (strcmp(name, "reply-to") == 0) {
		take_address(bytes, len, &job->reply_to);
		job->has_reply_to = true;
	} else if (strcmp(name, "to") == 0) {
		job->to_len = take_list(bytes, len, &job->to);
	} else if (strcmp(name, "cc") == 0) {
		job->cc_len = take_list(bytes, len, &job->cc);
	} else if (strcmp(name, "subject") == 0) {
		job->subject = ch_xstrndup(bytes, len);
	} else if (strcmp(name, "id") == 0) {
		job->id = ch_xstrndup(bytes, len);
	} else if (strcmp(name, "language") == 0) {
		job->language = ch_xstrndup(bytes, len);
	} else if (strcmp(name, "annex-name") == 0) {
		job->annex_name = ch_xstrndup(bytes, len);
	} else if (strcmp(name, "value") == 0 &&
		   job->values_len < VALUES_MAX) {
		job->values[job->values_len++] = ch_xstrndup(bytes, len);
	} else if (strcmp(name, "markdown") == 0) {
		take_markdown(job, bytes, len);
	} else if (strcmp(name, "annex") == 0) {
		take_annex(job, bytes, len);
	} else {
		exit(1);
	}
}

int main(void)
{
	char name[32];
	size_t len;
	struct job job;

	job_init(&job);
	while (scanf("%31s %zu", name, &len) == 2) {
		char *bytes = ch_xmalloc(len + 1);

		if (getchar() != '\n' || fread(bytes, 1, len, stdin) != len)
			return 1;
		if (strcmp(name, "end") == 0) {
			compose(&job);
			job_release(&job);
			job_init(&job);
		} else {
			take(&job, name, bytes, len);
		}
		free(bytes);
	}
	job_release(&job);
	return ferror(stdout) ? 1 : 0;
}
