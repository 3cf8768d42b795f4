// SPDX-License-Identifier: GPL-3.0-or-later
/* main.c - chancery-alarm: one mail about alarms to the operators, and the end.
 *
 * It knows no letter and no batch: a relay, a text and whom it goes to, of
 * chanceryd's own making. Nothing is tried again here: what became of it is
 * said once, and chanceryd decides.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/error.h"
#include "base/mem.h"
#include "mail/address.h"
#include "mail/compose.h"
#include "send/relay.h"
#include "wire/messages.h"
#include "worker.h"

#define SETUP_TIMEOUT_MS 60000
#define MAIL_MAX (1024 * 1024)
#define OWN_HEADER "Auto-Submitted: auto-generated\r\n" /* RFC 3834 */

struct job {
	struct ch_channel channel;
	struct ch_relay relay;
	struct ch_alarm_mail mail; /* points into `payload` and the arena */
	char *payload;		   /* owned */
	struct ch_arena arena;
	struct ch_composed composed;
	struct ch_address *to; /* owned; as many as mail.to_len */
	const char **specs;    /* owned; of those */
};

static void release(struct job *job)
{
	ch_relay_release(&job->relay);
	ch_composed_release(&job->composed);
	ch_arena_release(&job->arena);
	free(job->payload);
	free(job->specs);
	free(job->to);
	ch_channel_release(&job->channel);
}

/* ---- from chanceryd ------------------------------------------------------ */

static int expect(struct job *job, enum ch_message_type wanted,
		  struct ch_slice *ret, struct ch_error *err)
{
	uint16_t type;
	int got =
	    ch_channel_wait(&job->channel, SETUP_TIMEOUT_MS, &type, ret, err);

	if (got > 0 && type == wanted)
		return 0;
	if (got >= 0)
		return ch_error_set(err, CH_GIVE_UP, "%s is missing",
				    ch_message_name(wanted));
	return -1;
}

static int read_setup(struct job *job, struct ch_error *err)
{
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_send_setup setup;
	struct ch_slice payload;

	if (expect(job, CH_MSG_SEND_SETUP, &payload, err) < 0 ||
	    ch_message_get(CH_MSG_SEND_SETUP, payload, &setup, &arena, err) < 0)
		return -1;
	ch_relay_init(&job->relay, &setup);
	return 0;
}

static int read_mail(struct job *job, struct ch_error *err)
{
	struct ch_slice payload;

	if (expect(job, CH_MSG_ALARM_MAIL, &payload, err) < 0)
		return -1;
	job->payload = ch_xmemdup(payload.data, payload.len);
	payload.data = job->payload;
	return ch_message_get(CH_MSG_ALARM_MAIL, payload, &job->mail,
			      &job->arena, err);
}

/* ---- the mail ------------------------------------------------------------ */

static int read_addresses(struct job *job, struct ch_error *err)
{
	const struct ch_alarm_mail *mail = &job->mail;

	job->to = ch_xcalloc(mail->to_len, sizeof(*job->to));
	job->specs = ch_xcalloc(mail->to_len, sizeof(*job->specs));
	for (uint32_t i = 0; i < mail->to_len; i++) {
		if (ch_address_parse(mail->to[i].data, mail->to[i].len,
				     &job->to[i], err) < 0)
			return -1;
		job->specs[i] = job->to[i].spec;
	}
	return 0;
}

static int compose(struct job *job, struct ch_error *err)
{
	const struct ch_alarm_mail *mail = &job->mail;
	CH_AUTOCHAR subject = ch_slice_dup(mail->subject);
	CH_AUTOCHAR message_id = ch_slice_dup(mail->message_id);
	struct ch_address from;
	const struct ch_compose message = {
		.from = &from,
		.to = job->to,
		.to_len = mail->to_len,
		.subject = subject,
		.message_id = message_id,
		.date_us = mail->date_us,
		.language = "en",
		.text = mail->text,
	};

	if (ch_address_parse(mail->from.data, mail->from.len, &from, err) < 0)
		return -1;
	if (ch_compose(&message, &job->composed, err) < 0)
		return -1;
	return ch_composed_wrap(&job->composed, 0, ch_slice_of(OWN_HEADER),
				CH_SLICE_EMPTY, err);
}

/* ---- sending ------------------------------------------------------------- */

static bool go(void *context, const size_t *accepted, size_t accepted_len)
{
	return true;
}

static int tell(struct job *job, const struct ch_alarm_result *result,
		struct ch_error *err)
{
	if (ch_message_put(&job->channel, CH_MSG_ALARM_RESULT, result, err) < 0)
		return -1;
	return ch_channel_flush(&job->channel, err) < 0 ? -1 : 0;
}

static int tell_results(struct job *job, const struct ch_smtp_result *results,
			struct ch_error *err)
{
	size_t len = job->mail.to_len;
	struct ch_send_address_result *told = ch_xcalloc(len, sizeof(*told));
	const struct ch_alarm_result message = {
		.sent = 1,
		.results = told,
		.results_len = (uint32_t)len,
	};
	int result;

	for (size_t i = 0; i < len; i++)
		told[i] = ch_relay_result(&results[i], (uint32_t)i);
	result = tell(job, &message, err);
	free(told);
	return result;
}

static int send_it(struct job *job, struct ch_error *err)
{
	static const struct ch_smtp_calls calls = { .before_dot = go };
	size_t len = job->mail.to_len;
	struct ch_smtp_result *results = ch_xcalloc(len, sizeof(*results));
	CH_AUTOCHAR envelope = ch_slice_dup(job->mail.envelope_from);
	const struct ch_smtp_letter letter = {
		.envelope_from = envelope,
		.to = job->specs,
		.to_len = len,
		.message = job->composed.pieces,
		.message_len = job->composed.pieces_len,
		.calls = &calls,
	};
	struct ch_error cut;
	int result;

	(void)ch_smtp_send(job->relay.smtp, &letter, results, &cut);
	result = tell_results(job, results, err);
	ch_smtp_results_release(results, len);
	free(results);
	return result;
}

/* What is wrong with the mail or the relay is chanceryd's to know. */
static int run(struct job *job, struct ch_error *err)
{
	enum ch_relay_fault fault;
	unsigned int code;
	struct ch_error why;

	if (read_setup(job, err) < 0 || read_mail(job, err) < 0)
		return -1;
	if (read_addresses(job, &why) < 0 || compose(job, &why) < 0 ||
	    ch_relay_connect(&job->relay, &fault, &code, &why) < 0) {
		const struct ch_alarm_result message = {
			.text = ch_slice_of(why.text),
		};

		return tell(job, &message, err);
	}
	return send_it(job, err);
}

int main(void)
{
	struct job job = { 0 };
	struct ch_error err;
	int result;

	ch_composed_init(&job.composed, MAIL_MAX);
	if (ch_worker_enter(CH_WORKER_SEND, &job.channel, &err) < 0) {
		fprintf(stderr, "chancery-alarm: %s\n", err.text);
		return EX_USAGE;
	}
	result = run(&job, &err);
	if (result < 0)
		fprintf(stderr, "chancery-alarm: %s\n", err.text);
	release(&job);
	return result < 0 ? EX_PROTOCOL : EX_OK;
}
