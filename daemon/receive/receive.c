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
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/objects.h"
#include "receive-private.h"
#include "returns/rules.h"

#define SETUP_MS (-1)                 /* it waits for a password, perhaps */
#define LOST_MS (60 * 1000)           /* to hear what the channel has to say */
#define IDLE_MOST_MS (29 * 60 * 1000) /* servers may hang up at 30 (RFC 2177) */
#define PAUSE_MS 1000 /* between two looks at a server that cries wolf */
#define LOGOUT_MS 2000
#define PASSWORD_MAX (8192 + 2) /* a token, and its line's end */

/* ---- the channel ---------------------------------------------------------- */

enum step ch_receive_wait(struct receiver *receiver, int timeout_ms,
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
	enum step step = ch_receive_wait(receiver, timeout_ms, CH_MSG_STOP,
					 &type, &payload);

	return step == GO_ON && type == CH_MSG_STOP ? STOPPED : step;
}

enum step ch_receive_tell(struct receiver *receiver, enum ch_message_type type,
			  const void *message)
{
	struct pollfd room = { receiver->channel->fd, POLLOUT, 0 };
	int result;

	if (ch_message_put(receiver->channel, type, message, receiver->err) <
	    0)
		return NONSENSE;
	while ((result = ch_channel_flush(receiver->channel,
					  receiver->err)) == 0)
		if (poll(&room, 1, -1) < 0 && errno != EINTR)
			return STOPPED;
	return result < 0 ? STOPPED : GO_ON;
}

enum step ch_receive_tell_state(struct receiver *receiver, uint32_t reading,
				uint32_t reading_to)
{
	CH_AUTOCHAR text = ch_xasprintf(
		"%s%s", ch_imap_tls_name(receiver->imap),
		ch_imap_can_idle(receiver->imap) ? " IDLE" : "");
	struct ch_receive_state state = {
		.connected = 1,
		.uidvalidity = ch_imap_uidvalidity(receiver->imap),
		.reading = reading,
		.reading_to = reading_to,
		.text = ch_slice_of(text),
	};

	return ch_receive_tell(receiver, CH_MSG_RECEIVE_STATE, &state);
}

enum step ch_receive_tell_fault(struct receiver *receiver,
				enum ch_relay_fault fault)
{
	struct ch_error text = *receiver->err;
	struct ch_receive_state state = {
		.fault = fault,
		.text = ch_slice_of(text.text),
	};
	enum step step = ch_receive_tell(receiver, CH_MSG_RECEIVE_STATE,
					 &state);

	return step == GO_ON ? FAULT : step;
}

enum step ch_receive_tell_trouble(struct receiver *receiver)
{
	struct ch_error text = *receiver->err;
	struct ch_receive_state state = {
		.connected = 1,
		.fault = CH_FAULT_SETUP,
		.uidvalidity = ch_imap_uidvalidity(receiver->imap),
		.text = ch_slice_of(text.text),
	};

	return ch_receive_tell(receiver, CH_MSG_RECEIVE_STATE, &state);
}

enum step ch_receive_lost(struct receiver *receiver)
{
	struct ch_error why = *receiver->err;
	enum step step = GO_ON;

	if (ch_imap_woken(receiver->imap))
		step = pause_for(receiver, LOST_MS);
	*receiver->err = step == NONSENSE ? *receiver->err : why;
	return step == GO_ON ? ch_receive_tell_fault(receiver,
						     CH_FAULT_CONNECT)
			     : step;
}

/* ---- setting up ----------------------------------------------------------- */

/* The message is copied: it has to outlive the channel's buffer. */
static enum step take_setup(struct receiver *receiver)
{
	struct ch_slice payload;
	uint16_t type;
	enum step step = ch_receive_wait(receiver, SETUP_MS,
					 CH_MSG_RECEIVE_SETUP, &type,
					 &payload);

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

/* There is one of us for each folder of each mailbox. */
static void name_owner(struct receiver *receiver)
{
	CH_AUTOCHAR mailbox = ch_slice_dup(receiver->setup.mailbox.name);
	CH_AUTOCHAR folder = ch_slice_dup(receiver->setup.folder);
	CH_AUTOCHAR both = ch_xasprintf("%s\n%s", mailbox, folder);
	char hex[CH_SHA256_HEX_SIZE];
	struct ch_sha256 sum;

	ch_sha256_of(both, strlen(both), &sum);
	ch_sha256_hex(&sum, hex);
	snprintf(receiver->owner, sizeof(receiver->owner), "%.16s", hex);
}

static int open_objects(struct receiver *receiver)
{
	CH_AUTOCHAR path = ch_slice_dup(receiver->setup.objects_dir);

	receiver->objects_fd = ch_objects_open(path, receiver->err);
	if (receiver->objects_fd < 0)
		return -1;
	name_owner(receiver);
	ch_objects_sweep(receiver->objects_fd, receiver->owner);
	return 0;
}

static int check_setup(struct receiver *receiver)
{
	const struct ch_peer_setup *mailbox = &receiver->setup.mailbox;

	if (has_control(mailbox->host) || has_control(mailbox->user) ||
	    has_control(receiver->setup.folder) ||
	    has_control(receiver->setup.keyword))
		return ch_error_set(receiver->err, CH_GIVE_UP,
				    "host, user, folder or keyword has a "
				    "control character");
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
		.writes = ch_receive_files(receiver),
		.command_timeout_ms = (int)mailbox->command_timeout_ms,
	};

	return ch_imap_open(&target, &receiver->imap, ret_fault,
			    receiver->err);
}

/* Whether the folder's numbers are those of the last mail. Where the next one
 * is to be smaller, the server came back from a backup and did not say so, and
 * new mail gets numbers that were there before. */
static bool goes_on(const struct receiver *receiver)
{
	const struct ch_receive_setup *setup = &receiver->setup;
	uint64_t next = ch_imap_uidnext(receiver->imap);

	return ch_imap_uidvalidity(receiver->imap) == setup->uidvalidity &&
	       (next == 0 || next > setup->last_uid);
}

static enum step connect_to_server(struct receiver *receiver)
{
	enum ch_imap_fault fault;

	if (check_setup(receiver) < 0)
		return ch_receive_tell_fault(receiver, CH_FAULT_SETUP);
	if (open_imap(receiver, &fault) < 0) {
		struct ch_error why = *receiver->err;
		enum step step = pause_for(receiver, 0);

		if (step != GO_ON)
			return step;
		*receiver->err = why;
		return ch_receive_tell_fault(receiver, relay_fault(fault));
	}
	receiver->opened_ms = ch_clock_mono_ms();
	if (goes_on(receiver))
		receiver->after = receiver->setup.last_uid;
	return ch_receive_tell_state(receiver, 0, 0);
}

/* ---- what is new ------------------------------------------------------------ */

bool ch_receive_is_suspect(const struct receiver *receiver, uint32_t uid)
{
	return ch_imap_uidvalidity(receiver->imap) ==
		       receiver->setup.singly_validity &&
	       uid <= receiver->setup.singly_to;
}

/* How many of these are read together. */
static size_t group_len(const struct receiver *receiver,
			const struct ch_imap_uids *uids, size_t begin)
{
	size_t left = uids->len - begin;

	if (ch_receive_is_suspect(receiver, uids->uids[begin]))
		return 1;
	return left < CH_IMAP_GROUP_MAX ? left : CH_IMAP_GROUP_MAX;
}

static enum step receive_these(struct receiver *receiver,
			       const struct ch_imap_uids *uids)
{
	enum step step = GO_ON;
	size_t len;

	for (size_t i = 0; i < uids->len && step == GO_ON; i += len) {
		len = group_len(receiver, uids, i);
		step = ch_receive_group(receiver, &uids->uids[i], len);
		if (step == GO_ON)
			step = pause_for(receiver, 0);
	}
	return step;
}

/* All that is new, in the order in which it came. What the server names and has
 * not is no mail: a number that is far too large hides none. */
static enum step receive_new(struct receiver *receiver)
{
	enum step step = GO_ON;
	uint32_t after = receiver->after;
	bool more = true;

	receiver->found = false;
	if (after == UINT32_MAX) {
		ch_error_set(receiver->err, CH_GIVE_UP,
			     "the folder's last UID, 4294967295, is used: no "
			     "mail can come until the server numbers it anew");
		return ch_receive_tell_fault(receiver, CH_FAULT_SETUP);
	}
	while (more && step == GO_ON) {
		CH_AUTO(ch_imap_uids) uids = { 0 };

		if (ch_imap_search(receiver->imap, after, &uids,
				   receiver->err) < 0)
			return ch_receive_lost(receiver);
		more = uids.more;
		if (uids.len > 0)
			after = uids.uids[uids.len - 1];
		step = receive_these(receiver, &uids);
	}
	if (step == GO_ON && receiver->found)
		step = ch_receive_tell_state(receiver, 0, 0);
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
	/* What was read together with another message wakes nobody. */
	enum step step = pause_for(receiver, 0);

	if (step != GO_ON)
		return step;
	if (!ch_imap_can_idle(receiver->imap))
		return pause_for(receiver,
				 at_most(receiver->setup.poll_interval_ms,
					 IDLE_MOST_MS));
	if (ch_imap_idle(receiver->imap, most_ms, receiver->err) < 0)
		return ch_receive_lost(receiver);
	if (!receiver->found && ch_clock_mono_ms() - began_ms < PAUSE_MS)
		return pause_for(receiver, PAUSE_MS);
	return GO_ON;
}

/* Once in the time of an IDLE: is it still the folder of that name? */
static enum step look_at_folder(struct receiver *receiver)
{
	int most_ms = at_most(receiver->setup.idle_max_ms, IDLE_MOST_MS);
	enum ch_imap_fault fault;

	if (ch_clock_mono_ms() - receiver->opened_ms < most_ms)
		return GO_ON;
	receiver->opened_ms = ch_clock_mono_ms();
	if (ch_imap_reopen(receiver->imap, receiver->after, &fault,
			   receiver->err) == 0)
		return GO_ON;
	if (fault == CH_IMAP_FAULT_CONNECT)
		return ch_receive_lost(receiver);
	return ch_receive_tell_fault(receiver, relay_fault(fault));
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
		if (step == GO_ON)
			step = look_at_folder(receiver);
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
		.compress = ch_compress_new(),
		.err = err,
	};
	enum step step = work(&receiver);

	if (receiver.imap && step == STOPPED)
		ch_imap_logout(receiver.imap, LOGOUT_MS);
	ch_imap_free(receiver.imap);
	ch_rules_free(receiver.rules);
	ch_compress_free(receiver.compress);
	ch_auto_close(&receiver.objects_fd);
	if (receiver.password.data)
		explicit_bzero(receiver.password.data, receiver.password.cap);
	ch_str_release(&receiver.password);
	ch_arena_release(&receiver.arena);
	free(receiver.setup_bytes);
	return statuses[step];
}
