/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth.h - what a client says that logs in with a bearer token: OAUTHBEARER
 * (RFC 7628), and XOAUTH2 as large providers had it before. The same for SMTP
 * and IMAP; how it gets onto the line is theirs.
 */
#ifndef CH_NET_OAUTH_H
#define CH_NET_OAUTH_H

#include "base/error.h"
#include "base/str.h"

#define CH_OAUTH_TOKEN_MAX 8192
#define CH_OAUTH_RESPONSE_MAX 9000 /* 12,000 in base64 */

/* The last word after a challenge that told of an error (section 3.2.3), in
 * base64: XOAUTH2 wants an empty one, OAUTHBEARER a lone ^A. */
#define CH_OAUTH_XOAUTH2_LAST ""
#define CH_OAUTH_BEARER_LAST "AQ=="

/* Append the response, not in base64, to *out, which holds at most
 * CH_OAUTH_RESPONSE_MAX bytes. `host` is NULL where there is none to say. -1
 * (CH_GIVE_UP): the token or the user's name cannot be said. */
int ch_oauth_xoauth2(const char *user, const char *token, struct ch_str *out,
		     struct ch_error *err);
int ch_oauth_bearer(const char *user, const char *token, const char *host,
		    unsigned int port, struct ch_str *out,
		    struct ch_error *err);

/* What the server says of a token that it refused is a challenge in base64:
 * append that, and " - ", to *out, without the token. Nothing where it is
 * none. */
void ch_oauth_explain(const char *challenge, size_t len, const char *token,
		      struct ch_str *out);

#endif
