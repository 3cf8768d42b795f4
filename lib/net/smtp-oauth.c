// SPDX-License-Identifier: GPL-3.0-or-later
/* smtp-oauth.c - a login with a bearer token: OAUTHBEARER (RFC 7628), and
 * XOAUTH2 as large providers had it before.
 *
 * A token seldom fits a command line of 512 bytes. Then it comes as the answer
 * to an empty challenge, since RFC 4954 section 4 forbids a longer initial
 * response, and gives the answer 12,288 bytes.
 */
#include <string.h>

#include <openssl/evp.h>

#include "base/hash.h"
#include "base/mem.h"
#include "net/smtp-private.h"

#define COMMAND_MAX 510 /* of a command, without CRLF (RFC 5321, 4.5.3.1.4) */
#define RESPONSE_MAX 9000 /* 12,000 in base64 */
#define BASE64_MAX CH_BASE64_SIZE(RESPONSE_MAX)
#define TOKEN_MAX 8192

/* b64token, and whatever else is visible: the server knows its own. */
static int check(const struct ch_smtp_options *options, struct ch_error *err)
{
	const char *token = options->password;
	size_t len = strlen(token);

	if (len == 0 || len > TOKEN_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "the token has %zu bytes, and not between "
				    "1 and %d", len, TOKEN_MAX);
	for (size_t i = 0; i < len; i++)
		if (token[i] <= ' ' || token[i] >= 127)
			return ch_error_set(err, CH_GIVE_UP,
					    "the token has a blank or another "
					    "character that none has");
	for (const char *at = options->user; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 127)
			return ch_error_set(err, CH_GIVE_UP,
					    "the user's name has a control "
					    "character");
	return 0;
}

static void forget(struct ch_str *secret)
{
	if (secret->data)
		explicit_bzero(secret->data, secret->cap);
}

/* saslname (RFC 5801 section 4): "=" and "," have a meaning there. */
static void add_saslname(struct ch_str *out, const char *name)
{
	for (; *name; name++) {
		if (*name == '=')
			ch_str_add(out, "=3D");
		else if (*name == ',')
			ch_str_add(out, "=2C");
		else
			ch_str_add_mem(out, name, 1);
	}
}

/* What the relay says of a refused token is a challenge, in base64; it comes
 * first in the text of the refusal, where people look. */
static void explain(struct ch_str *why, struct ch_smtp_reply *reply,
		    const char *token)
{
	CH_AUTO(ch_str) all = CH_STR_INIT(4096);

	if (why->len == 0)
		return;
	ch_str_add_mem(&all, why->data, why->len);
	ch_str_add(&all, " - ");
	ch_str_add_mem(&all, ch_str_cstr(&reply->text), reply->text.len);
	ch_str_clear(&reply->text);
	/* It goes to the log, and the token may not. */
	if (memmem(all.data, all.len, token, strlen(token)))
		ch_str_add(&reply->text, "(a text that repeats the token)");
	else
		ch_str_add_mem(&reply->text, all.data, all.len);
}

static void decode(const struct ch_str *challenge, struct ch_str *ret)
{
	unsigned char bytes[2048];
	size_t len = challenge->len;
	int got;

	if (len == 0 || len > sizeof(bytes))
		return;
	got = EVP_DecodeBlock(bytes,
			      (const unsigned char *)ch_str_cstr(challenge),
			      (int)len);
	for (; len > 0 && got > 0 && challenge->data[len - 1] == '='; len--)
		got--;
	if (got > 0)
		ch_str_add_mem(ret, (const char *)bytes, (size_t)got);
}

/* `name` and the response, together where they fit; `last` ends the dialogue
 * after the relay has said why not. */
static int talk(struct ch_smtp *smtp, const char *name,
		struct ch_str *response, const char *last,
		struct ch_smtp_reply *reply, struct ch_error *err)
{
	CH_AUTO(ch_str) line = CH_STR_INIT(BASE64_MAX + 100);
	CH_AUTO(ch_str) why = CH_STR_INIT(2048);
	CH_AUTOCHAR text = ch_xzalloc(BASE64_MAX + 1);
	int result = 0;

	ch_base64(ch_str_cstr(response), response->len, text);
	ch_str_addf(&line, "AUTH %s", name);
	if (line.len + 1 + strlen(text) > COMMAND_MAX) {
		result = ch_smtp_command(smtp, ch_str_cstr(&line), reply, err);
		ch_str_clear(&line);
	} else {
		reply->code = 334;
		ch_str_add(&line, " ");
	}
	ch_str_add(&line, text);
	if (result == 0 && reply->code == 334)
		result = ch_smtp_command(smtp, ch_str_cstr(&line), reply, err);
	explicit_bzero(text, strlen(text));
	forget(&line);
	if (result < 0 || reply->code != 334)
		return result;
	decode(&reply->text, &why);
	result = ch_smtp_command(smtp, last, reply, err);
	if (result == 0)
		explain(&why, reply, smtp->options->password);
	return result;
}

int ch_smtp_auth_xoauth2(struct ch_smtp *smtp, struct ch_smtp_reply *reply,
			 struct ch_error *err)
{
	CH_AUTO(ch_str) response = CH_STR_INIT(RESPONSE_MAX);
	int result;

	if (check(smtp->options, err) < 0)
		return -1;
	ch_str_addf(&response, "user=%s\001auth=Bearer %s\001\001",
		    smtp->options->user, smtp->options->password);
	result = talk(smtp, "XOAUTH2", &response, "", reply, err);
	forget(&response);
	return result;
}

/* RFC 7628 section 3.1; the answer to an error is a lone ^A (3.2.3). */
int ch_smtp_auth_oauthbearer(struct ch_smtp *smtp, struct ch_smtp_reply *reply,
			     struct ch_error *err)
{
	const struct ch_smtp_options *options = smtp->options;
	CH_AUTO(ch_str) response = CH_STR_INIT(RESPONSE_MAX);
	int result;

	if (check(options, err) < 0)
		return -1;
	ch_str_add(&response, "n,a=");
	add_saslname(&response, options->user);
	ch_str_add(&response, ",\001");
	if (options->target.host[0] != '/')
		ch_str_addf(&response, "host=%s\001port=%u\001",
			    options->target.host, options->target.port);
	ch_str_addf(&response, "auth=Bearer %s\001\001", options->password);
	result = talk(smtp, "OAUTHBEARER", &response, "AQ==", reply, err);
	forget(&response);
	return result;
}
