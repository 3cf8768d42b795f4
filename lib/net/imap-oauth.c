// SPDX-License-Identifier: GPL-3.0-or-later
/* imap-oauth.c - a login with a bearer token (oauth.h).
 *
 * Where the server has SASL-IR (RFC 4959) the response comes with the command;
 * an IMAP line has no length that it may not pass. A refusal is a challenge,
 * which has to be answered before the server says NO (RFC 7628 section 3.2.3).
 */
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/hash.h"
#include "base/mem.h"
#include "net/imap-private.h"
#include "net/oauth.h"

#define BASE64_MAX CH_BASE64_SIZE(CH_OAUTH_RESPONSE_MAX)
#define MARK 12 /* bytes by which a token is known */
#define LINE_MAX_BYTES (BASE64_MAX + 100)

static void wipe(struct ch_str *secret)
{
	if (secret->data)
		explicit_bzero(secret->data, secret->cap);
	ch_str_release(secret);
}

static int make_response(const struct ch_imap_target *target,
			 struct ch_str *out, struct ch_error *err)
{
	const char *host = target->at.host;

	if (target->auth == CH_IMAP_AUTH_XOAUTH2)
		return ch_oauth_xoauth2(target->user, target->password, out,
					err);
	return ch_oauth_bearer(target->user, target->password,
			       host[0] == '/' ? NULL : host, target->at.port,
			       out, err);
}

/* The response behind `command`, or in answer to an empty challenge. Returns
 * what ch_imap_command() does. */
static int respond(struct ch_imap *imap, const char *command,
		   const struct ch_str *response, const char **ret_text,
		   bool *ret_refused, struct ch_error *err)
{
	CH_AUTOCHAR text = ch_xzalloc(BASE64_MAX + 1);
	struct ch_str line = CH_STR_INIT(LINE_MAX_BYTES);
	int result = 1;

	ch_base64(ch_str_cstr(response), response->len, text);
	if (ch_imap_offers(imap, "SASL-IR")) {
		ch_str_addf(&line, "%s %s", command, text);
		result = ch_imap_command(imap, ch_str_cstr(&line), ret_text,
					 ret_refused, err);
	} else {
		result = ch_imap_command(imap, command, ret_text, ret_refused,
					 err);
		if (result == 1)
			result = ch_imap_say(imap, text, err) < 0 ? -1 :
				 ch_imap_command(imap, NULL, ret_text,
						 ret_refused, err);
	}
	wipe(&line);
	explicit_bzero(text, strlen(text));
	return result;
}

/* "+ …" after the response: the server says why not, and wants a last word. */
static int hear_refusal(struct ch_imap *imap,
			const struct ch_imap_target *target,
			const char *challenge, bool *ret_refused,
			struct ch_error *err)
{
	const char *last = target->auth == CH_IMAP_AUTH_XOAUTH2 ?
				   CH_OAUTH_XOAUTH2_LAST :
				   CH_OAUTH_BEARER_LAST;
	CH_AUTO(ch_str) why = CH_STR_INIT(2048);
	int result;

	ch_oauth_explain(challenge, strlen(challenge), target->password, &why);
	if (ch_imap_say(imap, last, err) < 0)
		return -1;
	result = ch_imap_command(imap, NULL, &challenge, ret_refused, err);
	if (result >= 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "the server goes on after it refused the "
				    "token");
	if (*ret_refused && why.len > 0) {
		CH_AUTO(ch_str) shown = CH_STR_INIT(2048 * 8);

		ch_escape_line(&shown, why.data, why.len);
		(void)ch_error_prefix(err, "%.120s", ch_str_cstr(&shown));
	}
	return -1;
}

/* What a server says goes to the log, and the token may not; its words may have
 * been cut in the middle of it. */
static void hide(struct ch_error *err, const char *token)
{
	char start[MARK + 1];

	(void)snprintf(start, sizeof(start), "%s", token);
	if (start[0] && strstr(err->text, start))
		(void)snprintf(err->text, sizeof(err->text),
			       "refused with a text that repeats the token");
}

int ch_imap_log_in_oauth(struct ch_imap *imap,
			 const struct ch_imap_target *target,
			 bool *ret_refused, struct ch_error *err)
{
	const char *command = target->auth == CH_IMAP_AUTH_XOAUTH2 ?
				      "AUTHENTICATE XOAUTH2" :
				      "AUTHENTICATE OAUTHBEARER";
	struct ch_str response = CH_STR_INIT(CH_OAUTH_RESPONSE_MAX);
	const char *text = "";
	int result = make_response(target, &response, err);

	if (result == 0) {
		result = respond(imap, command, &response, &text, ret_refused,
				 err);
		if (result == 1)
			result = hear_refusal(imap, target, text, ret_refused,
					      err);
		if (result < 0)
			hide(err, target->password);
	}
	wipe(&response);
	if (result < 0)
		return ch_error_prefix(err, "%s", command);
	imap->session->imap_state = MAILIMAP_STATE_AUTHENTICATED;
	return 0;
}
