// SPDX-License-Identifier: GPL-3.0-or-later
/* imap-login.c - capabilities and the login (RFC 3501 sections 6.2.2 and 6.2.3,
 * RFC 4616, RFC 2195).
 *
 * The SASL dialogues are ours: libetpan hands them to Cyrus SASL, whose plugins
 * would be loaded by a process that holds a password and a stranger's bytes.
 * Capabilities are kept by the guard: libetpan reads through NULL where an OK
 * comes without them, and finds no IMAP in those of Cyrus.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/hash.h"
#include "net/imap-private.h"

#define ANSWER_MAX 4096 /* of one answer, and of a challenge */

/* ---- capabilities --------------------------------------------------------- */

int ch_imap_ask_capabilities(struct ch_imap *imap, struct ch_error *err)
{
	const char *text;
	bool refused;
	int result;

	ch_str_clear(&imap->guard.capabilities);
	ch_imap_begin(imap, imap->command_timeout_ms, 0);
	result = ch_imap_command(imap, "CAPABILITY", &text, &refused, err);
	if (result == 1)
		result = ch_error_set(err, CH_RETRY,
				      "an answer to what was not asked");
	return result < 0 ? ch_error_prefix(err, "CAPABILITY") : 0;
}

bool ch_imap_offers(const struct ch_imap *imap, const char *capability)
{
	const char *at = ch_str_cstr(&imap->guard.capabilities);
	size_t len = strlen(capability);

	while (*at) {
		size_t word = strcspn(at, " ");

		if (word == len && strncasecmp(at, capability, len) == 0)
			return true;
		at += word;
		at += strspn(at, " ");
	}
	return false;
}

/* ---- answers to challenges ------------------------------------------------ */

struct login {
	struct ch_imap *imap;
	const struct ch_imap_target *target;
	struct ch_error *err;
	bool refused;
};

static void wipe(struct ch_str *secret)
{
	if (secret->data)
		OPENSSL_cleanse(secret->data, secret->cap);
	ch_str_release(secret);
}

/* Say these bytes as base64, and hear what comes of it. */
static int say_base64(struct login *login, const struct ch_str *bytes,
		      const char **ret_text)
{
	struct ch_str line = CH_STR_INIT(2 * ANSWER_MAX);
	char *room = ch_str_room(&line, CH_BASE64_SIZE(bytes->len) + 1);
	int result;

	if (!room || bytes->full)
		return ch_error_set(login->err, CH_GIVE_UP,
				    "user or password is too long");
	ch_str_grew(&line, ch_base64(bytes->data ? bytes->data : "",
				     bytes->len, room));
	result = ch_imap_say(login->imap, ch_str_cstr(&line), login->err);
	wipe(&line);
	if (result < 0)
		return -1;
	return ch_imap_command(login->imap, NULL, ret_text, &login->refused,
			       login->err);
}

/* authzid NUL authcid NUL passwd (RFC 4616 section 2). */
static int answer_plain(struct login *login, const char *challenge,
			const char **ret_text)
{
	struct ch_str bytes = CH_STR_INIT(ANSWER_MAX);
	int result;

	(void)challenge;
	ch_str_add_char(&bytes, '\0');
	ch_str_add(&bytes, login->target->user);
	ch_str_add_char(&bytes, '\0');
	ch_str_add(&bytes, login->target->password);
	result = say_base64(login, &bytes, ret_text);
	wipe(&bytes);
	return result;
}

static int answer_login(struct login *login, const char *challenge,
			const char **ret_text)
{
	struct ch_str bytes = CH_STR_INIT(ANSWER_MAX);
	int result;

	(void)challenge; /* "Username:" in base64, or anything */
	ch_str_add(&bytes, login->target->user);
	result = say_base64(login, &bytes, ret_text);
	if (result == 1) {
		ch_str_clear(&bytes);
		ch_str_add(&bytes, login->target->password);
		result = say_base64(login, &bytes, ret_text);
	}
	wipe(&bytes);
	return result;
}

/* Decode base64 into out[ANSWER_MAX]; -1 where it is none. */
static int decode(const char *text, unsigned char *out)
{
	size_t len = strlen(text);
	int got;

	if (len == 0 || len % 4 != 0 || len > ANSWER_MAX)
		return -1;
	got = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
	if (got < 0)
		return -1;
	for (size_t i = len; i > len - 2 && text[i - 1] == '='; i--)
		got--;
	return got;
}

/* user SP hex(HMAC-MD5(password, challenge)) (RFC 2195 section 2). */
static int answer_cram_md5(struct login *login, const char *challenge,
			   const char **ret_text)
{
	struct ch_str bytes = CH_STR_INIT(ANSWER_MAX);
	unsigned char text[ANSWER_MAX];
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_len = 0;
	int len = decode(challenge, text);

	if (len < 0)
		return ch_error_set(login->err, CH_GIVE_UP,
				    "the challenge is no base64");
	if (!HMAC(EVP_md5(), login->target->password,
		  (int)strlen(login->target->password), text, (size_t)len, mac,
		  &mac_len))
		return ch_error_set(login->err, CH_GIVE_UP,
				    "MD5 cannot be had here");
	ch_str_add(&bytes, login->target->user);
	ch_str_add_char(&bytes, ' ');
	for (unsigned int i = 0; i < mac_len; i++)
		ch_str_addf(&bytes, "%02x", mac[i]);
	len = say_base64(login, &bytes, ret_text);
	wipe(&bytes);
	return len;
}

/* ---- which of them -------------------------------------------------------- */

typedef int answer_fn(struct login *login, const char *challenge,
		      const char **ret_text);

struct way {
	enum ch_imap_auth auth;
	const char *capability;
	const char *command;
	answer_fn *answer;
};

/* Under TLS a password is safe, and a server need not keep it readable for
 * PLAIN; without, CRAM-MD5 does not show it to those who listen. */
static const struct way ways[] = {
	{ CH_IMAP_AUTH_PLAIN, "AUTH=PLAIN", "AUTHENTICATE PLAIN",
	  answer_plain },
	{ CH_IMAP_AUTH_LOGIN, "AUTH=LOGIN", "AUTHENTICATE LOGIN",
	  answer_login },
	{ CH_IMAP_AUTH_CRAM_MD5, "AUTH=CRAM-MD5", "AUTHENTICATE CRAM-MD5",
	  answer_cram_md5 },
};

static const struct way *best_way(const struct ch_imap *imap,
				  enum ch_imap_auth wanted)
{
	const struct way *cram_md5 = &ways[CH_COUNT(ways) - 1];

	if (wanted == CH_IMAP_AUTH_ANY && !ch_connection_is_tls(imap->conn) &&
	    ch_imap_offers(imap, cram_md5->capability))
		return cram_md5;
	for (size_t i = 0; i < CH_COUNT(ways); i++)
		if ((wanted == CH_IMAP_AUTH_ANY || wanted == ways[i].auth) &&
		    ch_imap_offers(imap, ways[i].capability))
			return &ways[i];
	return NULL;
}

/* The LOGIN command, where the server has no AUTH=LOGIN. */
static int log_in_by_command(struct login *login)
{
	const struct ch_imap_target *target = login->target;
	int code = mailimap_login(login->imap->session, target->user,
				  target->password);

	if (code == MAILIMAP_NO_ERROR)
		return 0;
	login->refused = code == MAILIMAP_ERROR_LOGIN;
	return ch_imap_explain(login->imap, code, "LOGIN", login->err);
}

static int log_in_by(struct login *login, const struct way *way)
{
	const char *text = "";
	int result = ch_imap_command(login->imap, way->command, &text,
				     &login->refused, login->err);

	if (result == 1)
		result = way->answer(login, text, &text);
	else if (result == 0)
		result = ch_error_set(login->err, CH_GIVE_UP,
				      "the server let us in unasked");
	if (result == 1)
		result = ch_error_set(login->err, CH_GIVE_UP,
				      "the server asks for more than there "
				      "is to say");
	if (result < 0)
		return ch_error_prefix(login->err, "%s", way->command);
	login->imap->session->imap_state = MAILIMAP_STATE_AUTHENTICATED;
	return 0;
}

static bool offers_oauth(const struct ch_imap *imap, enum ch_imap_auth wanted)
{
	return (wanted == CH_IMAP_AUTH_XOAUTH2 &&
		ch_imap_offers(imap, "AUTH=XOAUTH2")) ||
	       (wanted == CH_IMAP_AUTH_OAUTHBEARER &&
		ch_imap_offers(imap, "AUTH=OAUTHBEARER"));
}

int ch_imap_log_in(struct ch_imap *imap, const struct ch_imap_target *target,
		   enum ch_imap_fault *ret_fault, struct ch_error *err)
{
	struct login login = { imap, target, err, false };
	const struct way *way = best_way(imap, target->auth);
	bool by_command = target->auth == CH_IMAP_AUTH_ANY ||
			  target->auth == CH_IMAP_AUTH_LOGIN;
	int result;

	ch_imap_begin(imap, imap->command_timeout_ms, 0);
	*ret_fault = CH_IMAP_FAULT_AUTH;
	if (offers_oauth(imap, target->auth))
		result = ch_imap_log_in_oauth(imap, target, &login.refused,
					      err);
	else if (way)
		result = log_in_by(&login, way);
	else if (by_command && !ch_imap_offers(imap, "LOGINDISABLED"))
		result = log_in_by_command(&login);
	else
		return ch_error_set(err, CH_GIVE_UP,
				    "the server offers no way to log in that "
				    "is wanted");
	/* A lost connection, or a server in trouble, says nothing about the
	 * password. */
	if (result < 0 && (imap->failed || err->fate == CH_RETRY))
		*ret_fault = CH_IMAP_FAULT_CONNECT;
	return result;
}
