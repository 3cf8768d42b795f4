// SPDX-License-Identifier: GPL-3.0-or-later
/* keys.c - find what can tell whose letter a mail is about. */
#include "returns/keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mail/alabel.h"
#include "returns/returns-private.h"
#include "returns/token.h"

#define ADDRESS_MAX 1000 /* bytes */

struct finder {
	struct ch_slice prefix, domain; /* borrowed */
	struct ch_return_keys *keys;	/* borrowed */
};

static bool ends_address(char c)
{
	return strchr(" \t<>,;:()[]\"", c) != NULL; /* and the terminator */
}

/* The token in an address; ours has a domain in A-labels, and some write those
 * as a person reads them. What is in neither form is not ours. */
static void look_at(struct finder *finder, struct ch_slice address)
{
	const char *at = memrchr(address.data, '@', address.len);
	CH_AUTO(ch_str) ascii = CH_STR_INIT(ADDRESS_MAX);
	struct ch_slice domain;
	struct ch_slice token;

	if (!at)
		return;
	domain = (struct ch_slice){
		at + 1, address.len - (size_t)(at + 1 - address.data)
	};
	if (ch_slice_has_utf8(domain)) {
		ch_str_add_mem(&ascii, address.data,
			       (size_t)(at + 1 - address.data));
		if (ch_alabel_domain(domain, &ascii) < 0 || ascii.full)
			return;
		address = (struct ch_slice){ ascii.data, ascii.len };
	}
	token = ch_token_find(address, finder->prefix, finder->domain);
	if (ch_token_is_formed(token))
		finder->keys->token = ch_slice_dup(token);
}

/* Look at each run of address characters with an "@" in it. What has not the
 * form of a token is not one, and hides none that stands elsewhere. */
static void look_for_token(struct finder *finder, const char *value)
{
	while (value && *value && !finder->keys->token) {
		struct ch_slice run = { value, 0 };

		while (!ends_address(value[run.len]))
			run.len++;
		value += run.len;
		value += *value != '\0';
		look_at(finder, run);
	}
}

static void look_in(struct finder *finder, const struct ch_block *block,
		    const char *const *names, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const char *value;

		for (size_t at = 0;
		     (value = ch_block_next(block, names[i], &at));)
			look_for_token(finder, value);
	}
}

static void find_token(struct finder *finder, const struct ch_message *message,
		       const struct ch_block *original)
{
	/* Where it was delivered, before whom it names. */
	static const char *const header[] = {
		"Delivered-To",
		"X-Original-To",
		"Envelope-To",
		"X-Envelope-To",
		"X-Delivered-To",
		"X-Forwarded-To",
		"Resent-To",
		"To",
		"Cc",
		"Received",
	};
	static const char *const report[] = { "X-Postfix-Sender",
					      "X-Original-Sender",
					      "Original-Mail-From" };
	static const char *const returned[] = { "Return-Path", "Envelope-From",
						"X-Envelope-From", "Received",
						"Errors-To" };

	look_in(finder, &message->header, header, CH_COUNT(header));
	for (size_t i = 0; i < message->delivery_len; i++)
		look_in(finder, &message->delivery[i], report,
			CH_COUNT(report));
	look_in(finder, &message->feedback, report, CH_COUNT(report));
	look_in(finder, &message->returned, returned, CH_COUNT(returned));
	look_in(finder, original, returned, CH_COUNT(returned));
	if (!finder->keys->token)
		finder->keys->token = ch_xstrdup("");
}

static char *find_envelope_id(const struct ch_message *message)
{
	const char *value = NULL;

	for (size_t i = 0; i < message->delivery_len && !value; i++)
		value =
		    ch_block_get(&message->delivery[i], "Original-Envelope-Id");
	if (!value)
		value =
		    ch_block_get(&message->feedback, "Original-Envelope-Id");
	if (!value)
		return ch_xstrdup("");
	return ch_xstrndup(value, strcspn(value, " \t"));
}

static void keep_id(void *context, const char *id, size_t len)
{
	struct ch_return_keys *keys = context;

	if (keys->ids_len == CH_KEYS_IDS_MAX)
		return;
	for (size_t i = 0; i < keys->ids_len; i++)
		if (strlen(keys->ids[i]) == len &&
		    memcmp(keys->ids[i], id, len) == 0)
			return;
	keys->ids[keys->ids_len++] = ch_xstrndup(id, len);
}

static void keep_field(struct ch_return_keys *keys,
		       const struct ch_block *block, const char *name)
{
	const char *value = ch_block_get(block, name);

	if (value)
		ch_message_ids(value, keep_id, keys);
}

static void keep_answered(struct ch_return_keys *keys,
			  const struct ch_message *message)
{
	for (size_t i = 0; i < message->references_len; i++)
		keep_id(keys, message->references[i],
			strlen(message->references[i]));
}

static void find_ids(struct ch_return_keys *keys,
		     const struct ch_message *message,
		     const struct ch_block *original)
{
	bool report = message->delivery_len || message->has_disposition ||
		      message->has_feedback;

	keys->ids = ch_xcalloc(CH_KEYS_IDS_MAX, sizeof(*keys->ids));
	keep_field(keys, &message->disposition, "Original-Message-ID");
	if (!report)
		keep_answered(keys, message);
	keep_field(keys, &message->returned, "Message-ID");
	keep_field(keys, original, "Message-ID");
	keep_answered(keys, message);
	keep_field(keys, &message->header, "X-MS-Exchange-Parent-Message-Id");
}

/* The header of ours that a mail system wrote into its text. */
static void read_original(struct ch_block *original,
			  const struct ch_message *message)
{
	size_t len = strlen(message->notice);
	size_t at = ch_original_find(message->notice, len);

	ch_block_parse(original, message->notice + at, len - at);
}

void ch_return_keys_find(const struct ch_message *message,
			 struct ch_slice prefix, struct ch_slice domain,
			 struct ch_return_keys *ret)
{
	struct finder finder = { prefix, domain, ret };
	struct ch_block original;

	*ret = (struct ch_return_keys){ 0 };
	read_original(&original, message);
	find_token(&finder, message, &original);
	ret->envelope_id = find_envelope_id(message);
	find_ids(ret, message, &original);
	ch_block_release(&original);
}

void ch_return_keys_release(struct ch_return_keys *keys)
{
	for (size_t i = 0; i < keys->ids_len; i++)
		free(keys->ids[i]);
	free(keys->ids);
	free(keys->token);
	free(keys->envelope_id);
	*keys = (struct ch_return_keys){ 0 };
}

char *ch_return_copy_find(const struct ch_message *message,
			  struct ch_slice prefix, struct ch_slice domain)
{
	static const char *const header[] = {
		"Delivered-To", "X-Original-To", "Envelope-To",
		"X-Envelope-To", "X-Delivered-To", "Received",
	};
	struct ch_return_keys keys = { 0 };
	struct finder finder = { prefix, domain, &keys };

	look_in(&finder, &message->header, header, CH_COUNT(header));
	return keys.token ? keys.token : ch_xstrdup("");
}
