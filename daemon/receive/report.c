// SPDX-License-Identifier: GPL-3.0-or-later
/* report.c - see report.h. */
#include "report.h"

#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/spill.h"
#include "returns/away.h"
#include "returns/classify.h"
#include "returns/keys.h"

#define CLEAN_MAX 65536 /* bytes of one text that are looked at */

/* A copy as UTF-8 of at most `max` bytes. */
static struct ch_slice keep(struct ch_report *report, const char *text,
			    size_t max)
{
	CH_AUTO(ch_str) clean = CH_STR_INIT(3 * CLEAN_MAX);
	size_t len;
	char *copy;

	ch_escape_utf8(&clean, text, strnlen(text, CLEAN_MAX));
	len = clean.len;
	if (len > max) {
		len = max;
		while (len > 0 && ((unsigned char)clean.data[len] & 0xC0) ==
					  0x80)
			len--;
	}
	copy = ch_arena_alloc(&report->arena, len + 1);
	memcpy(copy, ch_str_cstr(&clean), len);
	return (struct ch_slice){ copy, len };
}

static struct ch_slice keep_line(struct ch_report *report, const char *text)
{
	return keep(report, text, CH_REPORT_LINE_MAX);
}

static void keep_keys(struct ch_report *report,
		      const struct ch_return_keys *keys)
{
	struct ch_receive_mail *mail = &report->mail;

	mail->token = keep_line(report, keys->token);
	mail->envelope_id = keep_line(report, keys->envelope_id);
	mail->references = ch_arena_alloc(
		&report->arena, keys->ids_len * sizeof(*mail->references));
	for (size_t i = 0; i < keys->ids_len; i++)
		mail->references[mail->references_len++] =
			keep_line(report, keys->ids[i]);
}

static void keep_recipients(struct ch_report *report,
			    const struct ch_classified *classified)
{
	struct ch_receive_mail *mail = &report->mail;
	size_t len = classified->len < CH_REPORT_RECIPIENTS_MAX
			     ? classified->len
			     : CH_REPORT_RECIPIENTS_MAX;

	mail->recipients = ch_arena_alloc(&report->arena,
					  len * sizeof(*mail->recipients));
	for (size_t i = 0; i < len; i++) {
		const struct ch_reported *one = &classified->recipients[i];

		mail->recipients[mail->recipients_len++] =
			(struct ch_returned_recipient){
				.kind = one->kind,
				.address = keep_line(report, one->address),
				.status = keep_line(report, one->status),
				.diagnostic = keep(report, one->diagnostic,
						   CH_DIAGNOSTIC_MAX),
				.reason = keep_line(
					report, ch_reason_name(one->reason)),
			};
	}
}

/* What is attached. Of one that was cut in two nothing can be said for sure. */
static void keep_files(struct ch_report *report,
		       const struct ch_report_source *source,
		       const struct ch_message *message)
{
	struct ch_receive_mail *mail = &report->mail;
	size_t len = message->files_len < CH_REPORT_FILES_MAX
			     ? message->files_len
			     : CH_REPORT_FILES_MAX;

	mail->attachments = (uint32_t)message->files_len;
	mail->files = ch_arena_alloc(&report->arena,
				     len * sizeof(*mail->files));
	for (size_t i = 0; i < len; i++) {
		const struct ch_message_file *file = &message->files[i];
		struct ch_returned_file *told =
			&mail->files[mail->files_len++];

		told->name = keep(report, file->name, CH_REPORT_NAME_MAX);
		told->type = keep(report, file->type, CH_REPORT_NAME_MAX);
		told->size_bytes = file->size_bytes;
		told->whole = !source->cut || !file->at_end;
		if (told->whole)
			told->sha256 = file->sha256;
	}
}

/* After its kind. */
static void keep_text(struct ch_report *report,
		      const struct ch_report_source *source,
		      const struct ch_message *message)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(CH_REPORT_TEXT_MAX);
	char away[CH_AWAY_SIZE] = "";

	if (report->mail.kind == CH_RETURN_AUTOREPLY)
		ch_away_until(source->rules, message, away);
	report->mail.away_until = keep_line(report, away);
	ch_reply_text(message->text, &text);
	report->mail.text = keep(report, ch_str_cstr(&text),
				 CH_REPORT_TEXT_MAX);
	report->mail.says = keep_line(
		report, report->mail.kind == CH_RETURN_REPLY ?
				ch_reply_says(source->rules,
					      ch_str_cstr(&text)) : "");
}

/* What the reader found, and that it had not all of it. */
static void keep_fault(struct ch_report *report,
		       const struct ch_report_source *source,
		       const struct ch_message *message)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(CH_REPORT_LINE_MAX);

	ch_str_add(&text, message->fault);
	if (source->cut)
		ch_str_addf(&text,
			    "%sonly the first %zu of %llu bytes were read",
			    text.len ? "; " : "", source->len,
			    (unsigned long long)source->size_bytes);
	report->mail.fault = keep_line(report, ch_str_cstr(&text));
}

void ch_report_make(const struct ch_report_source *source,
		    struct ch_report *ret)
{
	const struct ch_message_source bytes = {
		.bytes = source->bytes,
		.len = source->len,
		.passed = source->mapped ? ch_spill_passed : NULL,
	};
	struct ch_message message;
	struct ch_classified classified;
	struct ch_return_keys keys;

	*ret = (struct ch_report){ 0 };
	ch_message_read_files(&bytes, &message);
	ch_classify(source->rules, &message, &classified);
	ch_return_keys_find(&message, source->token_prefix,
			    source->token_domain, &keys);
	ret->mail.size_bytes = source->size_bytes;
	/* That ours was thrown away unread says nothing of the letter. */
	ret->mail.kind = classified.unread ? CH_RETURN_OTHER : classified.kind;
	ret->mail.rule = keep_line(ret, classified.rule);
	ret->mail.message_id = keep_line(ret, message.message_id);
	ret->mail.from = keep_line(ret, message.from);
	ret->mail.subject = keep_line(ret, message.subject);
	keep_files(ret, source, &message);
	keep_fault(ret, source, &message);
	keep_text(ret, source, &message);
	keep_keys(ret, &keys);
	if (!classified.unread)
		keep_recipients(ret, &classified);
	ch_return_keys_release(&keys);
	ch_classified_release(&classified);
	ch_message_release(&message);
}

/* Its header, with the empty line: a copy of a large letter costs no more. */
static size_t header_len(const struct ch_report_source *source)
{
	size_t most = source->len < CH_BLOCK_MAX ? source->len : CH_BLOCK_MAX;
	const char *end = memmem(source->bytes, most, "\r\n\r\n", 4);

	return end ? (size_t)(end - source->bytes) + 4 : most;
}

bool ch_report_copy(const struct ch_report_source *source,
		    struct ch_report *ret)
{
	struct ch_message message;
	CH_AUTOCHAR token = NULL;

	*ret = (struct ch_report){ 0 };
	if (source->journal_prefix.len == 0)
		return false;
	ch_message_read(source->bytes, header_len(source), &message);
	token = ch_return_copy_find(&message, source->journal_prefix,
				    source->journal_domain);
	ret->copy.token = keep_line(ret, token);
	ret->copy.message_id = keep_line(ret, message.message_id);
	ch_message_release(&message);
	return ret->copy.token.len > 0;
}

void ch_report_release(struct ch_report *report)
{
	ch_arena_release(&report->arena);
	*report = (struct ch_report){ 0 };
}
