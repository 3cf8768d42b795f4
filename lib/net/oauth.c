// SPDX-License-Identifier: GPL-3.0-or-later
/* oauth.c - see oauth.h. */
#include "net/oauth.h"

#include <string.h>

#include <openssl/evp.h>

#define CHALLENGE_MAX 2048

/* b64token, and whatever else is visible: the server knows its own. */
static int check(const char *user, const char *token, struct ch_error *err)
{
	size_t len = strlen(token);

	if (len == 0 || len > CH_OAUTH_TOKEN_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "the token has %zu bytes, and not between "
				    "1 and %d", len, CH_OAUTH_TOKEN_MAX);
	for (size_t i = 0; i < len; i++)
		if (token[i] <= ' ' || token[i] >= 127)
			return ch_error_set(err, CH_GIVE_UP,
					    "the token has a blank or another "
					    "character that none has");
	for (const char *at = user; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 127)
			return ch_error_set(err, CH_GIVE_UP,
					    "the user's name has a control "
					    "character");
	return 0;
}

int ch_oauth_xoauth2(const char *user, const char *token, struct ch_str *out,
		     struct ch_error *err)
{
	if (check(user, token, err) < 0)
		return -1;
	ch_str_addf(out, "user=%s\001auth=Bearer %s\001\001", user, token);
	return 0;
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

/* RFC 7628 section 3.1. */
int ch_oauth_bearer(const char *user, const char *token, const char *host,
		    unsigned int port, struct ch_str *out,
		    struct ch_error *err)
{
	if (check(user, token, err) < 0)
		return -1;
	ch_str_add(out, "n,a=");
	add_saslname(out, user);
	ch_str_add(out, ",\001");
	if (host)
		ch_str_addf(out, "host=%s\001port=%u\001", host, port);
	ch_str_addf(out, "auth=Bearer %s\001\001", token);
	return 0;
}

void ch_oauth_explain(const char *challenge, size_t len, const char *token,
		      struct ch_str *out)
{
	unsigned char bytes[CHALLENGE_MAX];
	int got;

	if (len == 0 || len > sizeof(bytes))
		return;
	got = EVP_DecodeBlock(bytes, (const unsigned char *)challenge,
			      (int)len);
	for (; len > 0 && got > 0 && challenge[len - 1] == '='; len--)
		got--;
	if (got <= 0)
		return;
	/* It goes to the log, and the token may not. */
	if (memmem(bytes, (size_t)got, token, strlen(token)))
		ch_str_add(out, "(a text that repeats the token)");
	else
		ch_str_add_mem(out, bytes, (size_t)got);
	ch_str_add(out, " - ");
}
