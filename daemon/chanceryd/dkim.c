// SPDX-License-Identifier: GPL-3.0-or-later
/* dkim.c - see dkim.h. */
#include "chanceryd/dkim.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "chanceryd/config.h"
#include "mail/dkim-key.h"
#include "mail/same.h"

#define LABEL_MAX 63
#define RECORD_MAX 4096
/* A string of a TXT record has at most 255 bytes (RFC 1035 section 3.3.14);
 * verifiers join them (RFC 6376 section 3.6.2.2). Shorter ones fit a screen. */
#define STRING_BYTES 72

bool ch_dkim_is_name(const char *name)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-";

	if (strlen(name) > CH_DKIM_NAME_MAX)
		return false;
	for (;;) {
		size_t len = strspn(name, safe);

		if (len == 0 || len > LABEL_MAX || name[0] == '-' ||
		    name[len - 1] == '-')
			return false;
		if (!name[len])
			return true;
		if (name[len] != '.')
			return false;
		name += len + 1;
	}
}

bool ch_dkim_is_aligned(const char *domain, const char *from)
{
	CH_AUTO(ch_str) own = CH_STR_INIT(20 * CH_FOLD_MAX);
	CH_AUTO(ch_str) signs = CH_STR_INIT(20 * CH_FOLD_MAX);
	const char *at = strrchr(from, '@');
	const char *end;

	if (!at)
		return true;
	ch_domain_fold((struct ch_slice){ at + 1, strcspn(at + 1, "> \t") },
		       &own);
	ch_domain_fold(ch_slice_of(domain), &signs);
	if (own.len == 0)
		return true;
	if (own.len < signs.len)
		return false;
	end = ch_str_cstr(&own) + (own.len - signs.len);
	return strcmp(end, ch_str_cstr(&signs)) == 0 &&
	       (own.len == signs.len || end[-1] == '.');
}

/* chancery.example's key in pieces:
 *
 *	2026-rsa._domainkey.chancery.example. IN TXT (
 *		"v=DKIM1; k=rsa; p=MIIB…"
 *		"…" )
 */
static int print_key(const struct ch_dkim_config *dkim, FILE *to,
		     struct ch_error *err)
{
	CH_AUTO(ch_str) record = CH_STR_INIT(RECORD_MAX);
	CH_AUTOPTR(ch_dkim_key) key = NULL;

	if (ch_dkim_key_read(dkim->key, &key, err) < 0)
		return ch_error_prefix(err, "%s", dkim->key);
	ch_dkim_key_record(key, &record);
	fprintf(to, "%s._domainkey.%s. IN TXT (", dkim->selector,
		dkim->domain);
	for (size_t at = 0; at < record.len; at += STRING_BYTES)
		fprintf(to, "\n\t\"%.*s\"", STRING_BYTES, record.data + at);
	fputs(" )\n", to);
	return 0;
}

int ch_dkim_print(const struct ch_config *config, FILE *to,
		  struct ch_error *err)
{
	const struct ch_dkim_config *list = config->secretariat.dkim.items;

	for (size_t i = 0; i < config->secretariat.dkim.len; i++)
		if (print_key(&list[i], to, err) < 0)
			return -1;
	if (fflush(to) != 0)
		return ch_error_errno(err, errno, "stdout");
	return 0;
}
