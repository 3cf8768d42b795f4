// SPDX-License-Identifier: GPL-3.0-or-later
/* mails.c - the mails that came back, as objects: how long they are kept, and
 * what was attached to them.
 *
 * A mail is known by its hash alone, from the day it first came in: so it does
 * not matter how many mailboxes it came to, nor that a worker brings it once
 * more while it is being removed. It goes in two steps, since a file cannot be
 * removed within a transaction: what is about to go is on the disk first.
 */
#include "store/store-private.h"

#include <stdlib.h>

/* ---- adding ----------------------------------------------------------- */

static int add_attachment(struct ch_store *store,
			  const struct ch_sha256 *mail, size_t place,
			  const struct ch_store_attachment *item,
			  struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO attachment (mail, place, name, type, size_bytes, "
		"sha256) VALUES (?, ?, ?, ?, ?, nullif(?, x'')) "
		"ON CONFLICT DO NOTHING");

	ch_query_put_blob(&q, mail->bytes, CH_SHA256_SIZE);
	ch_query_put_int(&q, (int64_t)place);
	ch_query_put_text(&q, item->name);
	ch_query_put_text(&q, item->type);
	ch_query_put_int(&q, (int64_t)item->size_bytes);
	ch_query_put_blob(&q, item->sha256.bytes,
			  item->whole ? CH_SHA256_SIZE : 0);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

int ch_store_mail_add(struct ch_store *store, const struct ch_sha256 *sha256,
		      bool answer, const struct ch_store_attachment *items,
		      size_t len, int64_t now_us, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"INSERT INTO mail (sha256, added_us, answer, state, "
		"removed_us) VALUES (?, ?, ?, 0, 0) "
		"ON CONFLICT (sha256) DO UPDATE SET state = 1 "
		"WHERE state = 2");

	ch_query_put_blob(&q, sha256->bytes, CH_SHA256_SIZE);
	ch_query_put_int(&q, now_us);
	ch_query_put_int(&q, answer);
	if (ch_query_run(&q, err) < 0)
		return -1;
	for (size_t i = 0; i < len; i++)
		if (add_attachment(store, sha256, i, &items[i], err) < 0)
			return -1;
	return 0;
}

/* ---- what is attached ------------------------------------------------- */

void ch_store_attachments_free(struct ch_store_attachment *items, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		free(items[i].name);
		free(items[i].type);
	}
	free(items);
}

int ch_store_attachments(struct ch_store *store,
			 const struct ch_sha256 *sha256,
			 struct ch_store_attachment **ret, size_t *ret_len,
			 struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT name, type, size_bytes, sha256 FROM attachment "
		"WHERE mail = ? ORDER BY place");
	struct ch_store_attachment *items = NULL;
	size_t len = 0;
	size_t cap = 0;
	int got;

	ch_query_put_blob(&q, sha256->bytes, CH_SHA256_SIZE);
	while ((got = ch_query_row(&q, err)) > 0) {
		struct ch_store_attachment *item;

		CH_GROW(items, len, cap);
		item = &items[len++];
		*item = (struct ch_store_attachment){
			.name = ch_query_text(&q, 0),
			.type = ch_query_text(&q, 1),
			.size_bytes = (uint64_t)ch_query_int(&q, 2),
		};
		item->whole = ch_query_sha256(&q, 3, &item->sha256) == 0;
	}
	if (got < 0) {
		ch_store_attachments_free(items, len);
		return -1;
	}
	*ret = items;
	*ret_len = len;
	return 0;
}

/* ---- going ------------------------------------------------------------ */

int64_t ch_store_mails_expire(struct ch_store *store, bool answers,
			      int64_t before_us, size_t limit,
			      struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE mail SET state = 1 WHERE sha256 IN "
		"(SELECT sha256 FROM mail WHERE state = 0 AND answer = ? "
		"AND added_us < ? ORDER BY added_us, sha256 LIMIT ?)");

	ch_query_put_int(&q, answers);
	ch_query_put_int(&q, before_us);
	ch_query_put_int(&q, (int64_t)limit);
	return ch_query_run(&q, err);
}

int64_t ch_store_mails_leaving(struct ch_store *store, size_t limit,
			       struct ch_sha256 *ret, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT sha256 FROM mail WHERE state = 1 "
		"ORDER BY sha256 LIMIT ?");
	int64_t len = 0;
	int got;

	ch_query_put_int(&q, (int64_t)limit);
	while ((got = ch_query_row(&q, err)) > 0)
		if (ch_query_sha256(&q, 0, &ret[len]) == 0)
			len++;
	return got < 0 ? -1 : len;
}

int ch_store_mail_removed(struct ch_store *store,
			  const struct ch_sha256 *sha256, int64_t now_us,
			  struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"UPDATE mail SET state = 2, removed_us = ? WHERE sha256 = ?");

	ch_query_put_int(&q, now_us);
	ch_query_put_blob(&q, sha256->bytes, CH_SHA256_SIZE);
	return ch_query_run(&q, err) < 0 ? -1 : 0;
}

int ch_store_mail_is_kept(struct ch_store *store,
			  const struct ch_sha256 *sha256, struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT 1 FROM mail WHERE sha256 = ? AND state <> 2");

	ch_query_put_blob(&q, sha256->bytes, CH_SHA256_SIZE);
	return ch_query_row(&q, err);
}

/* ---- our own copies --------------------------------------------------- */

static int64_t copies_behind(struct ch_store *store, int64_t after_id,
			     size_t limit, int64_t *ret_last,
			     struct ch_error *err)
{
	CH_AUTO(ch_query) q = ch_query(store,
		"SELECT letter_id FROM copy WHERE letter_id > ? "
		"ORDER BY letter_id LIMIT ?");
	int64_t len = 0;
	int got;

	ch_query_put_int(&q, after_id);
	ch_query_put_int(&q, (int64_t)limit);
	while ((got = ch_query_row(&q, err)) > 0) {
		*ret_last = ch_query_int(&q, 0);
		len++;
	}
	return got < 0 ? -1 : len;
}

int64_t ch_store_copies_drop(struct ch_store *store, size_t limit,
			     int64_t *after_id, struct ch_error *err)
{
	int64_t last = *after_id;
	int64_t len = copies_behind(store, *after_id, limit, &last, err);
	CH_AUTO(ch_query) q = ch_query(store,
		"DELETE FROM copy WHERE letter_id > ? AND letter_id <= ? "
		"AND NOT EXISTS (SELECT 1 FROM address a "
		"WHERE a.letter_id = copy.letter_id "
		"AND a.attempt = copy.attempt AND a.state = ?)");

	if (len <= 0)
		return len;
	ch_query_put_int(&q, *after_id);
	ch_query_put_int(&q, last);
	ch_query_put_int(&q, CH_STATE_DOT);
	if (ch_query_run(&q, err) < 0)
		return -1;
	*after_id = last;
	return len;
}
