// SPDX-License-Identifier: GPL-3.0-or-later
/* smtp-login.c - from the greeting to the first MAIL: EHLO, STARTTLS, AUTH.
 *
 * One command, one reply, nothing pipelined; a byte more than the reply is a
 * peer that is out of step, and under STARTTLS an attack (RFC 3207 section 6).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/hash.h"
#include "base/mem.h"
#include "net/smtp-private.h"

#define RAW_MAX (128 * 1024)
#define OFFER_MAX (16 * 1024) /* all keywords of an answer to EHLO */
#define SECRET_MAX 1024 /* a user name and a password in base64 */

/* ---- replies ------------------------------------------------------------ */

/* More bytes of the relay into smtp->raw. */
static int fill(struct ch_smtp *smtp, int timeout_ms, struct ch_error *err)
{
	char bytes[4096];
	ssize_t got = ch_connection_read(smtp->conn, bytes, sizeof(bytes),
					 timeout_ms, err);

	if (got < 0)
		return -1;
	if (got == 0)
		return ch_error_set(err, CH_RETRY,
				    "the relay closed the connection");
	smtp->raw.max = RAW_MAX;
	ch_str_add_mem(&smtp->raw, bytes, (size_t)got);
	return 0;
}

static void drop_used(struct ch_str *raw, size_t used)
{
	memmove(raw->data, raw->data + used, raw->len - used);
	ch_str_truncate(raw, raw->len - used);
}

int ch_smtp_read_reply(struct ch_smtp *smtp, int timeout_ms,
		       struct ch_smtp_reply *ret, struct ch_error *err)
{
	int64_t end = ch_clock_mono_ms() + timeout_ms;
	size_t used = 0;

	for (;;) {
		int64_t left = end - ch_clock_mono_ms();
		int whole = ch_smtp_reply_parse(ch_str_cstr(&smtp->raw),
						smtp->raw.len, ret, &used);

		if (whole > 0) {
			drop_used(&smtp->raw, used);
			if (!smtp->is_open)
				ch_smtp_note_reply(&smtp->opening, ret);
			return 0;
		}
		if (whole < 0)
			return ch_error_set(err, CH_GIVE_UP,
					    "what the relay answered is no "
					    "SMTP reply");
		if (fill(smtp, left > 0 ? (int)left : 0, err) == 0)
			continue;
		/* What came of it is kept, for a person to judge. */
		ch_smtp_reply_clear(ret);
		ch_str_add_mem(&ret->text, ch_str_cstr(&smtp->raw),
			       smtp->raw.len < ret->text.max ? smtp->raw.len
							     : ret->text.max);
		return -1;
	}
}

int ch_smtp_command(struct ch_smtp *smtp, const char *line,
		    struct ch_smtp_reply *ret, struct ch_error *err)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(strlen(line) + 3);
	int timeout_ms = smtp->options->command_timeout_ms;
	int result = 0;

	if (!smtp->is_open)
		ch_smtp_note_login(&smtp->opening, line);
	ch_str_add(&bytes, line);
	ch_str_add(&bytes, "\r\n");
	if (smtp->raw.len > 0)
		result = ch_error_set(err, CH_RETRY,
				      "the relay spoke out of turn");
	else if (ch_connection_write(smtp->conn, bytes.data, bytes.len,
				     timeout_ms, err) < 0 ||
		 ch_smtp_read_reply(smtp, timeout_ms, ret, err) < 0)
		result = -1;
	if (bytes.data)
		explicit_bzero(bytes.data, bytes.len);
	if (result < 0)
		smtp->cut = true;
	return result;
}

/* "EHLO: 550 5.7.1 text", fit to be shown. */
static int refused(struct ch_error *err, enum ch_fate fate, const char *what,
		   const struct ch_smtp_reply *reply)
{
	CH_AUTO(ch_str) shown = CH_STR_INIT(160);

	ch_escape_line(&shown, ch_str_cstr(&reply->text),
		       reply->text.len < 150 ? reply->text.len : 150);
	return ch_error_set(err, fate, "%s: the relay answered %u %s", what,
			    reply->code, ch_str_cstr(&shown));
}

/* ---- EHLO --------------------------------------------------------------- */

static void offer_auth(struct ch_smtp_offer *offer, const char *words,
		       size_t len)
{
	while (len > 0) {
		size_t word = 0;

		while (word < len && words[word] != ' ')
			word++;
		if (word == 5 && strncasecmp(words, "PLAIN", 5) == 0)
			offer->plain = true;
		else if (word == 5 && strncasecmp(words, "LOGIN", 5) == 0)
			offer->login = true;
		else if (word == 8 && strncasecmp(words, "CRAM-MD5", 8) == 0)
			offer->cram_md5 = true;
		else if (word == 7 && strncasecmp(words, "XOAUTH2", 7) == 0)
			offer->xoauth2 = true;
		else if (word == 11 &&
			 strncasecmp(words, "OAUTHBEARER", 11) == 0)
			offer->oauthbearer = true;
		word += word < len;
		words += word;
		len -= word;
	}
}

/* ehlo-line = ehlo-keyword *( SP ehlo-param ) (RFC 5321 section 4.1.1.1) */
static void offer_line(struct ch_smtp_offer *offer, const char *line,
		       size_t len)
{
	const char *space = memchr(line, ' ', len);
	size_t word = space ? (size_t)(space - line) : len;
	const char *rest = line + word + (space != NULL);
	size_t rest_len = len - (size_t)(rest - line);

	if (word == 8 && strncasecmp(line, "STARTTLS", 8) == 0) {
		offer->starttls = true;
	} else if (word == 10 && strncasecmp(line, "PIPELINING", 10) == 0) {
		offer->pipelining = true;
	} else if (word == 8 && strncasecmp(line, "CHUNKING", 8) == 0) {
		offer->chunking = true;
	} else if (word == 3 && strncasecmp(line, "DSN", 3) == 0) {
		offer->dsn = true;
	} else if (word == 8 && strncasecmp(line, "SMTPUTF8", 8) == 0) {
		offer->smtputf8 = true;
	} else if (word == 4 && strncasecmp(line, "AUTH", 4) == 0) {
		offer_auth(offer, rest, rest_len);
	} else if (word == 4 && strncasecmp(line, "SIZE", 4) == 0) {
		CH_AUTOCHAR limit = ch_xstrndup(rest, rest_len);

		offer->size = true;
		offer->size_limit = strtoull(limit, NULL, 10);
	}
}

/* The reply's first line is the relay's name; each of the others a keyword. */
static void read_offer(struct ch_smtp *smtp, const struct ch_smtp_reply *reply)
{
	const char *at = ch_str_cstr(&reply->text);
	const char *end = at + reply->text.len;
	bool first = true;

	memset(&smtp->offer, 0, sizeof(smtp->offer));
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((line_end ? line_end : end) - at);

		if (!first)
			offer_line(&smtp->offer, at, len);
		first = false;
		at += len + 1;
	}
}

static int say_ehlo(struct ch_smtp *smtp, struct ch_smtp_reply *reply,
		    enum ch_smtp_fault *ret_fault, struct ch_error *err)
{
	CH_AUTO(ch_str) line = CH_STR_INIT(CH_SMTP_COMMAND_MAX);

	*ret_fault = CH_SMTP_FAULT_CONNECT;
	ch_str_addf(&line, "EHLO %s", smtp->options->helo);
	if (ch_smtp_command(smtp, ch_str_cstr(&line), reply, err) < 0)
		return -1;
	*ret_fault = CH_SMTP_FAULT_GREETING;
	if (reply->code != 250)
		return refused(err, CH_RETRY, "EHLO", reply);
	read_offer(smtp, reply);
	return 0;
}

/* ---- STARTTLS ----------------------------------------------------------- */

static int start_tls(struct ch_smtp *smtp, struct ch_smtp_reply *reply,
		     enum ch_smtp_fault *ret_fault, struct ch_error *err)
{
	*ret_fault = CH_SMTP_FAULT_TLS;
	if (!smtp->offer.starttls)
		return ch_error_set(err, CH_GIVE_UP,
				    "the relay does not offer STARTTLS, and "
				    "the configuration requires it");
	if (ch_smtp_command(smtp, "STARTTLS", reply, err) < 0) {
		*ret_fault = CH_SMTP_FAULT_CONNECT;
		return -1;
	}
	if (reply->code != 220)
		return refused(err, CH_GIVE_UP, "STARTTLS", reply);
	if (smtp->raw.len > 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "the relay sent plain bytes behind its "
				    "answer to STARTTLS: somebody may be in "
				    "between");
	if (ch_connection_start_tls(smtp->conn,
				    smtp->options->command_timeout_ms,
				    err) < 0) {
		if (err->fate == CH_RETRY)
			*ret_fault = CH_SMTP_FAULT_CONNECT;
		return -1;
	}
	return say_ehlo(smtp, reply, ret_fault, err);
}

/* ---- AUTH (RFC 4954) ---------------------------------------------------- */

static void add_base64(struct ch_str *out, const void *bytes, size_t len)
{
	char text[CH_BASE64_SIZE(SECRET_MAX) + 1];

	if (len > SECRET_MAX) {
		out->full = true;
		return;
	}
	ch_base64(bytes, len, text);
	ch_str_add(out, text);
	explicit_bzero(text, sizeof(text));
}

/* RFC 4616: [authzid] NUL authcid NUL passwd */
static int auth_plain(struct ch_smtp *smtp, struct ch_smtp_reply *reply,
		      struct ch_error *err)
{
	CH_AUTO(ch_str) secret = CH_STR_INIT(SECRET_MAX);
	CH_AUTO(ch_str) line = CH_STR_INIT(CH_SMTP_COMMAND_MAX);
	int result;

	ch_str_add_mem(&secret, "", 1);
	ch_str_add(&secret, smtp->options->user);
	ch_str_add_mem(&secret, "", 1);
	ch_str_add(&secret, smtp->options->password);
	ch_str_add(&line, "AUTH PLAIN ");
	add_base64(&line, ch_str_cstr(&secret), secret.len);
	result = ch_smtp_command(smtp, ch_str_cstr(&line), reply, err);
	explicit_bzero(secret.data, secret.len);
	explicit_bzero(line.data, line.len);
	return result;
}

/* A line of base64 in answer to a 334. */
static int answer(struct ch_smtp *smtp, const char *text, size_t len,
		  struct ch_smtp_reply *reply, struct ch_error *err)
{
	CH_AUTO(ch_str) line = CH_STR_INIT(CH_SMTP_COMMAND_MAX);
	int result;

	add_base64(&line, text, len);
	result = ch_smtp_command(smtp, ch_str_cstr(&line), reply, err);
	if (line.data)
		explicit_bzero(line.data, line.len);
	return result;
}

static int auth_login(struct ch_smtp *smtp, struct ch_smtp_reply *reply,
		      struct ch_error *err)
{
	const char *user = smtp->options->user;
	const char *password = smtp->options->password;

	if (ch_smtp_command(smtp, "AUTH LOGIN", reply, err) < 0)
		return -1;
	if (reply->code != 334)
		return 0;
	if (answer(smtp, user, strlen(user), reply, err) < 0)
		return -1;
	if (reply->code != 334)
		return 0;
	return answer(smtp, password, strlen(password), reply, err);
}

/* RFC 2195: user SP hex(HMAC-MD5(password, challenge)) */
static int auth_cram_md5(struct ch_smtp *smtp, struct ch_smtp_reply *reply,
			 struct ch_error *err)
{
	const char *password = smtp->options->password;
	CH_AUTO(ch_str) response = CH_STR_INIT(SECRET_MAX);
	unsigned char challenge[CH_SMTP_REPLY_KEPT];
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_len = 0;
	int len;

	if (ch_smtp_command(smtp, "AUTH CRAM-MD5", reply, err) < 0)
		return -1;
	if (reply->code != 334)
		return 0;
	if (reply->text.len == 0 || reply->text.len > sizeof(challenge))
		return ch_smtp_command(smtp, "*", reply, err);
	len = EVP_DecodeBlock(challenge,
			      (const unsigned char *)ch_str_cstr(&reply->text),
			      (int)reply->text.len);
	if (len < 0)
		return ch_smtp_command(smtp, "*", reply, err);
	/* EVP_DecodeBlock counts the padding. */
	for (size_t i = reply->text.len; i > 0 && len > 0 &&
					 reply->text.data[i - 1] == '='; i--)
		len--;
	if (!HMAC(EVP_md5(), password, (int)strlen(password), challenge,
		  (size_t)len, mac, &mac_len))
		return ch_smtp_command(smtp, "*", reply, err);
	ch_str_addf(&response, "%s ", smtp->options->user);
	for (unsigned int i = 0; i < mac_len; i++)
		ch_str_addf(&response, "%02x", mac[i]);
	return answer(smtp, ch_str_cstr(&response), response.len, reply, err);
}

typedef int mechanism(struct ch_smtp *smtp, struct ch_smtp_reply *reply,
		      struct ch_error *err);

/* The one to use; NULL where none that may be used is offered. */
static mechanism *choose(const struct ch_smtp *smtp)
{
	const struct ch_smtp_offer *offer = &smtp->offer;
	enum ch_smtp_auth wanted = smtp->options->auth;
	bool any = wanted == CH_SMTP_AUTH_ANY;
	bool tls = ch_connection_is_tls(smtp->conn);

	if (any && !tls && offer->cram_md5)
		return auth_cram_md5;
	if (offer->plain && (any || wanted == CH_SMTP_AUTH_PLAIN))
		return auth_plain;
	if (offer->login && (any || wanted == CH_SMTP_AUTH_LOGIN))
		return auth_login;
	if (offer->cram_md5 && (any || wanted == CH_SMTP_AUTH_CRAM_MD5))
		return auth_cram_md5;
	if (offer->xoauth2 && wanted == CH_SMTP_AUTH_XOAUTH2)
		return ch_smtp_auth_xoauth2;
	if (offer->oauthbearer && wanted == CH_SMTP_AUTH_OAUTHBEARER)
		return ch_smtp_auth_oauthbearer;
	return NULL;
}

static int authenticate(struct ch_smtp *smtp, struct ch_smtp_reply *reply,
			enum ch_smtp_fault *ret_fault, struct ch_error *err)
{
	mechanism *use = choose(smtp);

	*ret_fault = CH_SMTP_FAULT_AUTH;
	if (smtp->options->auth < CH_SMTP_AUTH_XOAUTH2 &&
	    strlen(smtp->options->user) + strlen(smtp->options->password) >
		    SECRET_MAX / 2)
		return ch_error_set(err, CH_GIVE_UP,
				    "user name and password are longer than "
				    "%d bytes", SECRET_MAX / 2);
	if (!use)
		return ch_error_set(err, CH_GIVE_UP,
				    "the relay offers no login that the "
				    "configuration allows");
	if (use(smtp, reply, err) < 0) {
		if (smtp->cut)
			*ret_fault = CH_SMTP_FAULT_CONNECT;
		return -1;
	}
	if (reply->code == 235)
		return 0;
	if (reply->code / 100 == 4) {
		*ret_fault = CH_SMTP_FAULT_GREETING;
		return refused(err, CH_RETRY, "login", reply);
	}
	return refused(err, CH_GIVE_UP, "login", reply);
}

/* ---- all of it ---------------------------------------------------------- */

static int log_in(struct ch_smtp *smtp, struct ch_smtp_reply *reply,
		  enum ch_smtp_fault *ret_fault, struct ch_error *err)
{
	*ret_fault = CH_SMTP_FAULT_CONNECT;
	if (ch_smtp_read_reply(smtp, smtp->options->command_timeout_ms, reply,
			       err) < 0)
		return -1;
	*ret_fault = CH_SMTP_FAULT_GREETING;
	if (reply->code != 220)
		return refused(err, CH_RETRY, "greeting", reply);
	if (say_ehlo(smtp, reply, ret_fault, err) < 0)
		return -1;
	if (smtp->options->tls == CH_SMTP_STARTTLS &&
	    start_tls(smtp, reply, ret_fault, err) < 0)
		return -1;
	if (smtp->options->auth != CH_SMTP_AUTH_NONE &&
	    authenticate(smtp, reply, ret_fault, err) < 0)
		return -1;
	return 0;
}

int ch_smtp_log_in(struct ch_smtp *smtp, enum ch_smtp_fault *ret_fault,
		   unsigned int *ret_code, struct ch_error *err)
{
	struct ch_smtp_reply reply = { .text = CH_STR_INIT(OFFER_MAX) };
	int result = log_in(smtp, &reply, ret_fault, err);

	/* An earlier "250" is not why. */
	*ret_code = reply.code >= 400 ? reply.code : 0;
	ch_smtp_reply_release(&reply);
	return result;
}
