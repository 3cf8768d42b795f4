// SPDX-License-Identifier: GPL-3.0-or-later
/* smtp-oauth.c - a login with a bearer token (oauth.h).
 *
 * A token seldom fits a command line of 512 bytes. Then it comes as the answer
 * to an empty challenge, since RFC 4954 section 4 forbids a longer initial
 * response, and gives the answer 12,288 bytes.
 */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "net/oauth.h"
#include "net/smtp-private.h"

#define COMMAND_MAX 510 /* of a command, without CRLF (RFC 5321, 4.5.3.1.4) */
#define BASE64_MAX CH_BASE64_SIZE(CH_OAUTH_RESPONSE_MAX)

static void forget(struct ch_str *secret)
{
	if (secret->data)
		explicit_bzero(secret->data, secret->cap);
}

/* What the relay says of a refused token comes first in the text of the
 * refusal, where people look. */
static void explain(const struct ch_str *why, struct ch_smtp_reply *reply,
		    const char *token)
{
	CH_AUTO(ch_str) all = CH_STR_INIT(4096);

	if (why->len == 0)
		return;
	ch_str_add_mem(&all, why->data, why->len);
	ch_str_add_mem(&all, ch_str_cstr(&reply->text), reply->text.len);
	ch_str_clear(&reply->text);
	/* It goes to the log, and the token may not. */
	if (memmem(all.data, all.len, token, strlen(token)))
		ch_str_add(&reply->text, "(a text that repeats the token)");
	else
		ch_str_add_mem(&reply->text, all.data, all.len);
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
	ch_oauth_explain(ch_str_cstr(&reply->text), reply->text.len,
			 smtp->options->password, &why);
	result = ch_smtp_command(smtp, last, reply, err);
	if (result == 0)
		explain(&why, reply, smtp->options->password);
	return result;
}

int ch_smtp_auth_xoauth2(struct ch_smtp *smtp, struct ch_smtp_reply *reply,
			 struct ch_error *err)
{
	const struct ch_smtp_options *options = smtp->options;
	CH_AUTO(ch_str) response = CH_STR_INIT(CH_OAUTH_RESPONSE_MAX);
	int result = ch_oauth_xoauth2(options->user, options->password,
				      &response, err);

	if (result == 0)
		result = talk(smtp, "XOAUTH2", &response,
			      CH_OAUTH_XOAUTH2_LAST, reply, err);
	forget(&response);
	return result;
}

int ch_smtp_auth_oauthbearer(struct ch_smtp *smtp, struct ch_smtp_reply *reply,
			     struct ch_error *err)
{
	const struct ch_smtp_options *options = smtp->options;
	const char *host = options->target.host;
	CH_AUTO(ch_str) response = CH_STR_INIT(CH_OAUTH_RESPONSE_MAX);
	int result = ch_oauth_bearer(options->user, options->password,
				     host[0] == '/' ? NULL : host,
				     options->target.port, &response, err);

	if (result == 0)
		result = talk(smtp, "OAUTHBEARER", &response,
			      CH_OAUTH_BEARER_LAST, reply, err);
	forget(&response);
	return result;
}
