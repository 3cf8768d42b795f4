// SPDX-License-Identifier: GPL-3.0-or-later
/* receive.c - see receive.h.
 *
 * The channel is the wake descriptor of the connection: whatever chanceryd
 * sends ends every wait for the server. In the middle of a command that costs
 * the connection, which is as well: between two acknowledgements nothing comes
 * but STOP, or the channel's end.
 */
#include "receive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/file.h"
#include "base/mem.h"
#include "net/imap.h"
#include "report.h"
#include "returns/rules.h"
#include "wire/messages.h"

#define SETUP_MS (-1)                 /* it waits for a password, perhaps */
#define LOST_MS (60 * 1000)           /* to hear what the channel has to say */
#define IDLE_MOST_MS (25 * 60 * 1000) /* servers may hang up at 30 (RFC 2177) */
#define PAUSE_MS 1000 /* between two looks at a server that cries wolf */
#define LOGOUT_MS 2000
#define PASSWORD_MAX (8192 + 2) /* a token, and its line's end */

/* Why the work ends, or that it goes on. */
enum step { GO_ON, STOPPED, FAULT, NONSENSE };

struct receiver {
	struct ch_channel *channel; /* borrowed */
	struct ch_receive_setup setup;
	char *setup_bytes; /* owned; what setup points into */
	struct ch_arena arena;
	struct ch_str password;
	struct ch_rules *rules; /* owned */
	int objects_fd;
	struct ch_imap *imap; /* NULL: not connected */
	uint32_t after;       /* UID of the last mail that is done with */
	bool found;           /* the last look at the folder found something */
	struct ch_error *err;
};

/* ---- the channel ---------------------------------------------------------- */

/* Wait `timeout_ms` for a message. STOP and the channel's end are STOPPED; GO_ON
 * is a message of `wanted`, or 0 in *ret_type for the timeout. */
static enum step wait_for(struct receiver *receiver, int timeout_ms,
			  uint16_t wanted, uint16_t *ret_type,
			  struct ch_slice *ret_payload)
{
	int result = ch_channel_wait(receiver->channel, timeout_ms, ret_type,
				     ret_payload, receiver->err);

	if (result < 0)
		return receiver->channel->ended ? STOPPED : NONSENSE;
	if (result == 0)
		*ret_type = 0;
	if (result == 0 || *ret_type == wanted)
		return GO_ON;
	if (*ret_type == CH_MSG_STOP)
		return STOPPED;
	ch_error_set(receiver->err, CH_GIVE_UP, "a %s message out of turn",
		     ch_message_name(*ret_type));
	return NONSENSE;
}

/* Nothing is expected but STOP. */
static enum step pause_for(struct receiver *receiver, int timeout_ms)
{
	struct ch_slice payload;
	uint16_t type;
	enum step step = wait_for(receiver, timeout_ms, CH_MSG_STOP, &type,
				  &payload);

	return step == GO_ON && type == CH_MSG_STOP ? STOPPED : step;
}

static enum step tell(struct receiver *receiver, enum ch_message_type type,
		      const void *message)
{
	if (ch_message_put(receiver->channel, type, message, receiver->err) <
	    0)
		return NONSENSE;
	return ch_channel_flush(receiver->channel, receiver->err) < 0
		       ? STOPPED
		       : GO_ON;
}

static enum step tell_state(struct receiver *receiver, uint32_t reading)
{
	CH_AUTOCHAR text = ch_xasprintf(
		"%s%s", ch_imap_tls_name(receiver->imap),
		ch_imap_can_idle(receiver->imap) ? " IDLE" : "");
	struct ch_receive_state state = {
		.connected = 1,
		.uidvalidity = ch_imap_uidvalidity(receiver->imap),
		.reading = reading,
		.text = ch_slice_of(text),
	};

	return tell(receiver, CH_MSG_RECEIVE_STATE, &state);
}

/* receiver->err says what is wrong. */
static enum step tell_fault(struct receiver *receiver,
			    enum ch_relay_fault fault)
{
	struct ch_error text = *receiver->err;
	struct ch_receive_state state = {
		.fault = fault,
		.text = ch_slice_of(text.text),
	};
	enum step step = tell(receiver, CH_MSG_RECEIVE_STATE, &state);

	return step == GO_ON ? FAULT : step;
}

/* The server failed, or a wait for it was cut short by the channel. */
static enum step lost(struct receiver *receiver)
{
	struct ch_error why = *receiver->err;
	enum step step = GO_ON;

	if (ch_imap_woken(receiver->imap))
		step = pause_for(receiver, LOST_MS);
	*receiver->err = step == NONSENSE ? *receiver->err : why;
	return step == GO_ON ? tell_fault(receiver, CH_FAULT_CONNECT) : step;
}

/* ---- setting up ----------------------------------------------------------- */

/* The message is copied: it has to outlive the channel's buffer. */
static enum step take_setup(struct receiver *receiver)
{
	struct ch_slice payload;
	uint16_t type;
	enum step step = wait_for(receiver, SETUP_MS, CH_MSG_RECEIVE_SETUP,
				  &type, &payload);

	if (step != GO_ON)
		return step;
	receiver->setup_bytes = ch_slice_dup(payload);
	payload.data = receiver->setup_bytes;
	if (ch_message_get(CH_MSG_RECEIVE_SETUP, payload, &receiver->setup,
			   &receiver->arena, receiver->err) < 0)
		return NONSENSE;
	return GO_ON;
}

static bool has_control(struct ch_slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7F)
			return true;
	return false;
}

/* What a command gave, or all of the file but one line end at its end. */
static int read_password(struct receiver *receiver)
{
	CH_AUTOCHAR path =
		ch_slice_dup(receiver->setup.mailbox.password_file);
	struct ch_str *password = &receiver->password;

	ch_str_add_mem(password, receiver->setup.mailbox.password.data,
		       receiver->setup.mailbox.password.len);
	if (!*path)
		return 0;
	if (ch_file_read(path, password, receiver->err) < 0)
		return ch_error_prefix(receiver->err, "password");
	if (password->len && password->data[password->len - 1] == '\n')
		ch_str_truncate(password, password->len - 1);
	if (password->len && password->data[password->len - 1] == '\r')
		ch_str_truncate(password, password->len - 1);
	if (password->len == 0 ||
	    has_control((struct ch_slice){ password->data, password->len }))
		return ch_error_set(receiver->err, CH_GIVE_UP,
				    "password: %s is empty, or has control "
				    "characters", path);
	return 0;
}

static int open_objects(struct receiver *receiver)
{
	CH_AUTOCHAR path = ch_slice_dup(receiver->setup.objects_dir);

	receiver->objects_fd =
		open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (receiver->objects_fd < 0)
		return ch_error_errno(receiver->err, errno, "objects: %s",
				      path);
	return 0;
}

static int check_setup(struct receiver *receiver)
{
	const struct ch_peer_setup *mailbox = &receiver->setup.mailbox;

	if (has_control(mailbox->host) || has_control(mailbox->user) ||
	    has_control(receiver->setup.folder))
		return ch_error_set(receiver->err, CH_GIVE_UP,
				    "host, user or folder has a control "
				    "character");
	return read_password(receiver) < 0 || open_objects(receiver) < 0 ? -1
									 : 0;
}

/* ---- connecting ------------------------------------------------------------ */

static enum ch_relay_fault relay_fault(enum ch_imap_fault fault)
{
	static const enum ch_relay_fault faults[] = {
		[CH_IMAP_FAULT_CONNECT] = CH_FAULT_CONNECT,
		[CH_IMAP_FAULT_TLS] = CH_FAULT_TLS,
		[CH_IMAP_FAULT_AUTH] = CH_FAULT_AUTH,
		[CH_IMAP_FAULT_GREETING] = CH_FAULT_GREETING,
		[CH_IMAP_FAULT_FOLDER] = CH_FAULT_SETUP,
	};

	return faults[fault];
}

static int open_imap(struct receiver *receiver, enum ch_imap_fault *ret_fault)
{
	static const enum ch_imap_tls tls[] = {
		[CH_TLS_NONE] = CH_IMAP_TLS_NONE,
		[CH_TLS_STARTTLS] = CH_IMAP_TLS_STARTTLS,
		[CH_TLS_IMPLICIT] = CH_IMAP_TLS_IMPLICIT,
	};
	static const enum ch_imap_auth auth[] = {
		[CH_AUTH_NONE] = CH_IMAP_AUTH_NONE,
		[CH_AUTH_ANY] = CH_IMAP_AUTH_ANY,
		[CH_AUTH_PLAIN] = CH_IMAP_AUTH_PLAIN,
		[CH_AUTH_LOGIN] = CH_IMAP_AUTH_LOGIN,
		[CH_AUTH_CRAM_MD5] = CH_IMAP_AUTH_CRAM_MD5,
		[CH_AUTH_XOAUTH2] = CH_IMAP_AUTH_XOAUTH2,
		[CH_AUTH_OAUTHBEARER] = CH_IMAP_AUTH_OAUTHBEARER,
	};
	const struct ch_peer_setup *mailbox = &receiver->setup.mailbox;
	CH_AUTOCHAR host = ch_slice_dup(mailbox->host);
	CH_AUTOCHAR source = ch_slice_dup(mailbox->source);
	CH_AUTOCHAR ca_file = ch_slice_dup(mailbox->ca_file);
	CH_AUTOCHAR fingerprint = ch_slice_dup(mailbox->fingerprint);
	CH_AUTOCHAR user = ch_slice_dup(mailbox->user);
	CH_AUTOCHAR folder = ch_slice_dup(receiver->setup.folder);
	struct ch_imap_target target = {
		.at = {
			.host = host,
			.port = mailbox->port,
			.source = *source ? source : NULL,
			.ca_file = *ca_file ? ca_file : NULL,
			.fingerprint = fingerprint,
			.connect_timeout_ms = (int)mailbox->connect_timeout_ms,
			.wake_fd = receiver->channel->fd,
		},
		.tls = tls[mailbox->tls],
		.auth = auth[mailbox->auth],
		.user = user,
		.password = ch_str_cstr(&receiver->password),
		.folder = *folder ? folder : "INBOX",
		.command_timeout_ms = (int)mailbox->command_timeout_ms,
		.max_message_bytes = receiver->setup.max_message_bytes,
	};

	return ch_imap_open(&target, &receiver->imap, ret_fault,
			    receiver->err);
}

static enum step connect_to_server(struct receiver *receiver)
{
	enum ch_imap_fault fault;

	if (check_setup(receiver) < 0)
		return tell_fault(receiver, CH_FAULT_SETUP);
	if (open_imap(receiver, &fault) < 0) {
		struct ch_error why = *receiver->err;
		enum step step = pause_for(receiver, 0);

		if (step != GO_ON)
			return step;
		*receiver->err = why;
		return tell_fault(receiver, relay_fault(fault));
	}
	if (ch_imap_uidvalidity(receiver->imap) == receiver->setup.uidvalidity)
		receiver->after = receiver->setup.last_uid;
	return tell_state(receiver, 0);
}

/* ---- one mail --------------------------------------------------------------- */

static enum step wait_for_ack(struct receiver *receiver, uint32_t uid,
			      bool *ret_unknown)
{
	struct ch_slice payload;
	struct ch_receive_ack ack;
	uint16_t type;
	enum step step = wait_for(receiver, CH_RECEIVE_ACK_MS,
				  CH_MSG_RECEIVE_ACK, &type, &payload);

	if (step != GO_ON)
		return step;
	if (type == 0) {
		ch_error_set(receiver->err, CH_RETRY,
			     "chanceryd does not take the mail");
		return tell_fault(receiver, CH_FAULT_SETUP);
	}
	if (ch_message_get(CH_MSG_RECEIVE_ACK, payload, &ack, &receiver->arena,
			   receiver->err) < 0)
		return NONSENSE;
	if (ack.uid != uid ||
	    ack.uidvalidity != ch_imap_uidvalidity(receiver->imap)) {
		ch_error_set(receiver->err, CH_GIVE_UP,
			     "an acknowledgement for another mail");
		return NONSENSE;
	}
	*ret_unknown = ack.unknown;
	ch_crash_point("receive-acked");
	return GO_ON;
}

static struct ch_report_source source_of(const struct receiver *receiver,
					 const struct ch_imap_mail *mail)
{
	return (struct ch_report_source){
		.rules = receiver->rules,
		.bytes = ch_str_cstr(&mail->bytes),
		.len = mail->bytes.len,
		.cut = mail->cut,
		.size_bytes = mail->size_bytes,
		.token_prefix = receiver->setup.token_prefix,
		.token_domain = receiver->setup.token_domain,
		.journal_prefix = receiver->setup.journal_prefix,
		.journal_domain = receiver->setup.journal_domain,
	};
}

/* Where it seems to be our own copy of a letter chanceryd is asked. If it is,
 * *ret_copy, and all is done with it: it is stored nowhere. */
static enum step offer_copy(struct receiver *receiver, uint32_t uid,
			    const struct ch_imap_mail *mail, bool *ret_copy)
{
	struct ch_report_source source = source_of(receiver, mail);
	CH_AUTO(ch_report) report = { 0 };
	bool unknown = true;
	enum step step;

	*ret_copy = false;
	if (!ch_report_copy(&source, &report))
		return GO_ON;
	report.copy.uidvalidity = ch_imap_uidvalidity(receiver->imap);
	report.copy.uid = uid;
	step = tell(receiver, CH_MSG_RECEIVE_COPY, &report.copy);
	if (step == GO_ON)
		step = wait_for_ack(receiver, uid, &unknown);
	*ret_copy = step == GO_ON && !unknown;
	return step;
}

/* Tell chanceryd of the mail and wait until it has it. */
static enum step report_mail(struct receiver *receiver, uint32_t uid,
			     const struct ch_imap_mail *mail,
			     const struct ch_sha256 *sum)
{
	struct ch_report_source source = source_of(receiver, mail);
	CH_AUTO(ch_report) report = { 0 };
	bool unknown;
	enum step step;

	ch_report_make(&source, &report);
	report.mail.uidvalidity = ch_imap_uidvalidity(receiver->imap);
	report.mail.uid = uid;
	report.mail.sha256 = *sum;
	report.mail.received_us = mail->received_us;
	step = tell(receiver, CH_MSG_RECEIVE_MAIL, &report.mail);
	if (step != GO_ON)
		return step;
	ch_crash_point("receive-told");
	return wait_for_ack(receiver, uid, &unknown);
}

static enum step store_mail(struct receiver *receiver, uint32_t uid,
			    const struct ch_imap_mail *mail)
{
	struct ch_sha256 sum;

	if (ch_object_add(receiver->objects_fd, ch_str_cstr(&mail->bytes),
			  mail->bytes.len, &sum, receiver->err) < 0)
		return tell_fault(receiver, CH_FAULT_SETUP);
	ch_crash_point("receive-stored");
	return report_mail(receiver, uid, mail, &sum);
}

static enum step receive_one(struct receiver *receiver, uint32_t uid)
{
	struct ch_imap_mail mail;
	enum step step = tell_state(receiver, uid);
	bool copy;
	int found;

	if (step != GO_ON)
		return step;
	ch_crash_point("receive-reading");
	found = ch_imap_fetch(receiver->imap, uid, &mail, receiver->err);
	if (found < 0)
		return lost(receiver);
	if (found == 0) /* somebody deleted it after we had its number */
		return tell_state(receiver, 0);
	step = offer_copy(receiver, uid, &mail, &copy);
	if (step == GO_ON && !copy)
		step = store_mail(receiver, uid, &mail);
	ch_imap_mail_release(&mail);
	return step;
}

/* All that is new, in the order in which it came. */
static enum step receive_new(struct receiver *receiver)
{
	CH_AUTO(ch_imap_uids) uids = { 0 };
	enum step step = GO_ON;

	if (ch_imap_search(receiver->imap, receiver->after, &uids,
			   receiver->err) < 0)
		return lost(receiver);
	receiver->found = uids.len > 0;
	for (size_t i = 0; i < uids.len && step == GO_ON; i++) {
		step = receive_one(receiver, uids.uids[i]);
		if (step == GO_ON) {
			receiver->after = uids.uids[i];
			step = pause_for(receiver, 0);
		}
	}
	if (step == GO_ON && receiver->found)
		step = tell_state(receiver, 0);
	return step;
}

/* ---- waiting ---------------------------------------------------------------- */

static int at_most(uint32_t ms, int most_ms)
{
	return ms > 0 && ms < (uint32_t)most_ms ? (int)ms : most_ms;
}

/* Until there may be something new. A server that says so all the time, and
 * has nothing, is asked once a second. */
static enum step wait_for_news(struct receiver *receiver)
{
	int64_t began_ms = ch_clock_mono_ms();
	int most_ms = at_most(receiver->setup.idle_max_ms, IDLE_MOST_MS);

	if (!ch_imap_can_idle(receiver->imap))
		return pause_for(receiver,
				 at_most(receiver->setup.poll_interval_ms,
					 IDLE_MOST_MS));
	if (ch_imap_idle(receiver->imap, most_ms, receiver->err) < 0)
		return lost(receiver);
	if (!receiver->found && ch_clock_mono_ms() - began_ms < PAUSE_MS)
		return pause_for(receiver, PAUSE_MS);
	return GO_ON;
}

static enum step work(struct receiver *receiver)
{
	enum step step = take_setup(receiver);

	if (step == GO_ON)
		step = connect_to_server(receiver);
	while (step == GO_ON) {
		step = receive_new(receiver);
		if (step == GO_ON)
			step = wait_for_news(receiver);
	}
	return step;
}

int ch_receive(struct ch_channel *channel, struct ch_error *err)
{
	static const int statuses[] = {
		[STOPPED] = EX_OK,
		[FAULT] = EX_TEMPFAIL,
		[NONSENSE] = EX_PROTOCOL,
	};
	struct receiver receiver = {
		.channel = channel,
		.password = CH_STR_INIT(PASSWORD_MAX),
		.rules = ch_rules_new(),
		.objects_fd = -1,
		.err = err,
	};
	enum step step = work(&receiver);

	if (receiver.imap && step == STOPPED)
		ch_imap_logout(receiver.imap, LOGOUT_MS);
	ch_imap_free(receiver.imap);
	ch_rules_free(receiver.rules);
	ch_auto_close(&receiver.objects_fd);
	if (receiver.password.data)
		explicit_bzero(receiver.password.data, receiver.password.cap);
	ch_str_release(&receiver.password);
	ch_arena_release(&receiver.arena);
	free(receiver.setup_bytes);
	return statuses[step];
}
