// SPDX-License-Identifier: GPL-3.0-or-later
/* relay.c - connecting to the relay of the set-up. */
#include "send/relay.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define PASSWORD_MAX (8192 + 2) /* a token, and its line's end */

void ch_relay_init(struct ch_relay *relay, const struct ch_send_setup *setup)
{
	const struct ch_peer_setup *peer = &setup->relay;

	*relay = (struct ch_relay){
		.name = ch_slice_dup(peer->name),
		.host = ch_slice_dup(peer->host),
		.ca_file = ch_slice_dup(peer->ca_file),
		.fingerprint = ch_slice_dup(peer->fingerprint),
		.source = ch_slice_dup(peer->source),
		.user = ch_slice_dup(peer->user),
		.helo = ch_slice_dup(setup->helo),
		.password_file = ch_slice_dup(peer->password_file),
		.objects_dir = ch_slice_dup(setup->objects_dir),
		.given = ch_slice_dup(peer->password),
		.given_number = peer->password_number,
		.password = CH_STR_INIT(PASSWORD_MAX),
		.idle_timeout_ms = (int)setup->idle_timeout_ms,
		.letters_per_connection = setup->letters_per_connection,
	};
	relay->options = (struct ch_smtp_options){
		.target = {
			.host = relay->host,
			.port = peer->port,
			.source = relay->source[0] ? relay->source : NULL,
			.ca_file = relay->ca_file[0] ? relay->ca_file : NULL,
			.fingerprint = relay->fingerprint,
			.connect_timeout_ms = (int)peer->connect_timeout_ms,
			.wake_fd = -1,
		},
		/* The enums name the same choices in the same order. */
		.tls = (enum ch_smtp_tls)peer->tls,
		.auth = (enum ch_smtp_auth)peer->auth,
		.user = relay->user,
		.helo = relay->helo,
		.command_timeout_ms = (int)peer->command_timeout_ms,
		.data_timeout_ms = (int)setup->data_timeout_ms,
		.dot_timeout_ms = (int)setup->dot_timeout_ms,
		.attempt_timeout_ms = (int)setup->attempt_timeout_ms,
		.dsn = setup->dsn != 0,
		.dsn_success = setup->dsn_success != 0,
		.chunking = setup->chunking != 0,
		.smtputf8 = setup->smtputf8 != 0,
	};
}

_Static_assert((int)CH_TLS_NONE == (int)CH_SMTP_PLAIN &&
		       (int)CH_TLS_STARTTLS == (int)CH_SMTP_STARTTLS &&
		       (int)CH_TLS_IMPLICIT == (int)CH_SMTP_IMPLICIT,
	       "TLS modes");
_Static_assert((int)CH_AUTH_NONE == (int)CH_SMTP_AUTH_NONE &&
		       (int)CH_AUTH_ANY == (int)CH_SMTP_AUTH_ANY &&
		       (int)CH_AUTH_PLAIN == (int)CH_SMTP_AUTH_PLAIN &&
		       (int)CH_AUTH_LOGIN == (int)CH_SMTP_AUTH_LOGIN &&
		       (int)CH_AUTH_CRAM_MD5 == (int)CH_SMTP_AUTH_CRAM_MD5 &&
		       (int)CH_AUTH_XOAUTH2 == (int)CH_SMTP_AUTH_XOAUTH2 &&
		       (int)CH_AUTH_OAUTHBEARER ==
			       (int)CH_SMTP_AUTH_OAUTHBEARER,
	       "login mechanisms");
_Static_assert((int)CH_FAULT_CONNECT == (int)CH_SMTP_FAULT_CONNECT &&
		       (int)CH_FAULT_TLS == (int)CH_SMTP_FAULT_TLS &&
		       (int)CH_FAULT_AUTH == (int)CH_SMTP_FAULT_AUTH &&
		       (int)CH_FAULT_GREETING == (int)CH_SMTP_FAULT_GREETING,
	       "faults");

static void forget_password(struct ch_relay *relay)
{
	if (relay->password.data)
		explicit_bzero(relay->password.data, relay->password.len);
	ch_str_clear(&relay->password);
}

static void forget_given(struct ch_relay *relay)
{
	explicit_bzero(relay->given, strlen(relay->given));
	free(relay->given);
}

void ch_relay_give(struct ch_relay *relay, struct ch_slice password,
		   unsigned int number)
{
	forget_given(relay);
	relay->given = ch_slice_dup(password);
	relay->given_number = number;
}

void ch_relay_close(struct ch_relay *relay)
{
	ch_smtp_close(relay->smtp);
	relay->smtp = NULL;
	relay->carried = 0;
}

void ch_relay_release(struct ch_relay *relay)
{
	ch_relay_close(relay);
	forget_password(relay);
	ch_str_release(&relay->password);
	free(relay->name);
	free(relay->host);
	free(relay->ca_file);
	free(relay->fingerprint);
	free(relay->source);
	free(relay->user);
	free(relay->helo);
	free(relay->password_file);
	forget_given(relay);
	free(relay->objects_dir);
	*relay = (struct ch_relay){ 0 };
}

/* What was given, or the first line of the file. A copy: another may be given
 * while it connects. */
static int read_password(struct ch_relay *relay, struct ch_error *err)
{
	size_t len;

	forget_password(relay);
	relay->password_number = relay->given_number;
	ch_str_add(&relay->password, relay->given);
	if (!relay->password_file[0])
		return 0;
	if (ch_file_read(relay->password_file, &relay->password, err) < 0)
		return ch_error_prefix(err, "password");
	len = strcspn(ch_str_cstr(&relay->password), "\r\n");
	ch_str_truncate(&relay->password, len);
	if (len == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "password: %s has an empty first line",
				    relay->password_file);
	return 0;
}

int ch_relay_connect(struct ch_relay *relay, enum ch_relay_fault *ret_fault,
		     unsigned int *ret_code, struct ch_error *err)
{
	enum ch_smtp_fault fault = CH_SMTP_FAULT_CONNECT;
	int result;

	*ret_code = 0;
	if (relay->smtp && relay->carried < relay->letters_per_connection)
		return 0;
	ch_relay_close(relay);
	*ret_fault = CH_FAULT_SETUP;
	if (read_password(relay, err) < 0)
		return -1;
	relay->options.password = ch_str_cstr(&relay->password);
	result = ch_smtp_open(&relay->options, &relay->smtp, &fault, ret_code,
			      err);
	forget_password(relay);
	relay->options.password = "";
	*ret_fault = (enum ch_relay_fault)fault;
	return result;
}

static uint32_t outcome_of(enum ch_smtp_outcome outcome)
{
	switch (outcome) {
	case CH_SMTP_SENT:
		return CH_OUTCOME_SENT;
	case CH_SMTP_DEFERRED:
		return CH_OUTCOME_DEFERRED;
	case CH_SMTP_FAILED:
		return CH_OUTCOME_FAILED;
	case CH_SMTP_IN_DOUBT:
		return CH_OUTCOME_IN_DOUBT;
	case CH_SMTP_UNTRIED:
		break;
	}
	return CH_OUTCOME_UNTRIED;
}

struct ch_send_address_result
ch_relay_result(const struct ch_smtp_result *result, uint32_t seq)
{
	const struct ch_smtp_reply *reply = &result->reply;

	return (struct ch_send_address_result){
		.seq = seq,
		.outcome = outcome_of(result->outcome),
		.code = reply->code,
		.status = ch_slice_of(reply->status),
		.reply = { ch_str_cstr(&reply->text), reply->text.len },
	};
}
