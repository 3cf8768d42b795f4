// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-dsn.c - a mail as a stranger sent it: read, classified, and told to
 * chanceryd, as a mail or as our own copy of a letter. Whatever it is, the
 * message to chanceryd fits, is UTF-8, and reads back as it was written. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "mail/message.h"
#include "receive/report.h"
#include "returns/rules.h"
#include "returns/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct ch_slice text, size_t max)
{
	assert(text.len <= max && ch_utf8_valid(text.data, text.len, NULL));
}

static void check_mail(const struct ch_receive_mail *mail)
{
	const struct ch_slice lines[] = { mail->rule, mail->fault,
					  mail->message_id, mail->from,
					  mail->subject, mail->token,
					  mail->envelope_id };

	for (size_t i = 0; i < CH_COUNT(lines); i++)
		check(lines[i], CH_REPORT_LINE_MAX);
	check(mail->text, CH_REPORT_TEXT_MAX);
	check(mail->away_until, 10);
	assert(mail->away_until.len == 0 ||
	       (mail->away_until.len == 10 &&
		mail->kind == CH_RETURN_AUTOREPLY &&
		mail->away_until.data[4] == '-' &&
		mail->away_until.data[7] == '-'));
	assert(mail->rule.len > 0);
	for (uint32_t i = 0; i < mail->references_len; i++)
		check(mail->references[i], CH_REPORT_LINE_MAX);
	assert(mail->recipients_len <= CH_REPORT_RECIPIENTS_MAX);
	for (uint32_t i = 0; i < mail->recipients_len; i++) {
		check(mail->recipients[i].address, CH_REPORT_LINE_MAX);
		check(mail->recipients[i].status, 11);
		check(mail->recipients[i].diagnostic, 500);
	}
}

/* What is attached comes whole, once, and is what was counted and hashed. */
struct taken {
	struct ch_sha256_ctx sum;
	uint64_t size_bytes;
	size_t count;
};

static void begin_file(void *context, const struct ch_message_file *file)
{
	struct taken *taken = context;

	assert(ch_utf8_valid(file->name, strlen(file->name), NULL));
	ch_sha256_init(&taken->sum);
	taken->size_bytes = 0;
}

static void take_piece(void *context, const char *bytes, size_t len)
{
	struct taken *taken = context;

	ch_sha256_add(&taken->sum, bytes, len);
	taken->size_bytes += len;
}

static void end_file(void *context, const struct ch_message_file *file)
{
	struct taken *taken = context;
	struct ch_sha256 sum;

	ch_sha256_final(&taken->sum, &sum);
	assert(ch_sha256_eq(&sum, &file->sha256) &&
	       taken->size_bytes == file->size_bytes);
	taken->count++;
}

/* Bytes that lie behind are of the mail. */
static const char *mail_begin, *mail_end;

static void passed(const char *bytes, size_t len)
{
	assert(bytes >= mail_begin && bytes + len <= mail_end);
}

static size_t take_files(const uint8_t *data, size_t size)
{
	struct taken taken = { 0 };
	const struct ch_message_taker taker = { begin_file, take_piece,
						end_file, &taken };
	const struct ch_message_source source = {
		.bytes = (const char *)data,
		.len = size,
		.passed = passed,
		.taker = &taker,
	};
	struct ch_message message;

	mail_begin = source.bytes;
	mail_end = mail_begin + size;
	ch_message_read_files(&source, &message);
	ch_message_release(&message);
	return taken.count;
}

/* Over the channel, and back. */
static void check_wire(const struct ch_receive_mail *mail)
{
	struct ch_channel channel;
	struct ch_channel again;
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_receive_mail got;
	struct ch_slice payload;
	struct ch_error err;

	ch_channel_init(&channel, -1);
	ch_channel_init(&again, -1);
	if (ch_message_put(&channel, CH_MSG_RECEIVE_MAIL, mail, &err) < 0)
		abort();
	payload = (struct ch_slice){ channel.out.data + 8,
				     channel.out.len - 8 };
	if (ch_message_get(CH_MSG_RECEIVE_MAIL, payload, &got, &arena, &err) <
		    0 ||
	    ch_message_put(&again, CH_MSG_RECEIVE_MAIL, &got, &err) < 0)
		abort();
	assert(again.out.len == channel.out.len &&
	       memcmp(again.out.data, channel.out.data, again.out.len) == 0);
	ch_channel_release(&again);
	ch_channel_release(&channel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ch_rules *rules;
	struct ch_report_source source = {
		.bytes = (const char *)data,
		.len = size,
		.size_bytes = size,
		.token_prefix = ch_slice_of("bounces"),
		.token_domain = ch_slice_of("chancery.example"),
		.journal_prefix = ch_slice_of("journal"),
		.journal_domain = ch_slice_of("chancery.example"),
	};
	CH_AUTO(ch_report) report = { 0 };
	CH_AUTO(ch_report) copy = { 0 };

	if (!rules) /* for all inputs of the run */
		rules = ch_rules_new();
	source.rules = rules;
	ch_report_make(&source, &report);
	check_mail(&report.mail);
	check_wire(&report.mail);
	assert(take_files(data, size) == report.mail.attachments);
	if (ch_report_copy(&source, &copy))
		assert(copy.copy.token.len < CH_TOKEN_SIZE);
	check(copy.copy.token, CH_REPORT_LINE_MAX);
	check(copy.copy.message_id, CH_REPORT_LINE_MAX);
	return 0;
}
