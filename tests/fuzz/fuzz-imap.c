// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-imap.c - what an IMAP server says, from its greeting on. The input is
 * all of it; a connection of our own hands it over, and ends with it.
 *
 * First the guard alone: what it passes on must not depend on how the bytes
 * were cut into reads, what it keeps of SEARCH neither, and it can pass no
 * literal that was not allowed. Then all of imap.c and imap-fetch.c with
 * libetpan behind the guard: nothing may crash, and a part never has more bytes
 * than were asked for.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "net/connection.h"
#include "net/imap-guard.h"
#include "net/imap.h"

#define MOST_BYTES 4096
#define MOST_MAILS 4
#define MOST_UIDS 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- a connection that reads the input ----------------------------------- */

static const char *at;
static size_t left;
static bool in_tls;

struct ch_connection {
	char nothing;
};
static struct ch_connection connection;

int ch_connection_open(const struct ch_connection_target *target,
		       struct ch_connection **ret, struct ch_error *err)
{
	(void)target;
	(void)err;
	in_tls = false;
	*ret = &connection;
	return 0;
}

int ch_connection_start_tls(struct ch_connection *conn, int timeout_ms,
			    struct ch_error *err)
{
	(void)conn;
	(void)timeout_ms;
	(void)err;
	in_tls = true;
	return 0;
}

bool ch_connection_is_tls(const struct ch_connection *conn)
{
	(void)conn;
	return in_tls;
}

const char *ch_connection_tls_name(const struct ch_connection *conn)
{
	(void)conn;
	return "";
}

/* A line at a time, or what is behind STARTTLS would be read with it. */
ssize_t ch_connection_read(struct ch_connection *conn, void *out, size_t size,
			   int timeout_ms, struct ch_error *err)
{
	const char *end = left ? memchr(at, '\n', left) : NULL;
	size_t len = end ? (size_t)(end - at) + 1 : left;

	(void)conn;
	(void)timeout_ms;
	(void)err;
	if (len > size)
		len = size;
	if (len == 0)
		return 0;
	memcpy(out, at, len);
	at += len;
	left -= len;
	return (ssize_t)len;
}

int ch_connection_write(struct ch_connection *conn, const void *bytes,
			size_t len, int timeout_ms, struct ch_error *err)
{
	(void)conn;
	(void)bytes;
	(void)len;
	(void)timeout_ms;
	(void)err;
	return 0;
}

int ch_connection_poll(struct ch_connection *conn, int timeout_ms,
		       struct ch_error *err)
{
	(void)conn;
	(void)timeout_ms;
	(void)err;
	return left > 0;
}

bool ch_connection_woken(const struct ch_connection *conn)
{
	(void)conn;
	return false;
}

int ch_connection_fd(const struct ch_connection *conn)
{
	(void)conn;
	return -1;
}

void ch_connection_close(struct ch_connection *conn)
{
	(void)conn;
}

/* ---- the guard ------------------------------------------------------------ */

/* Feed it in pieces of `step` bytes; returns what it said of the whole. */
static int guard(const char *bytes, size_t len, size_t step,
		 struct ch_str *out, struct ch_imap_found *found)
{
	struct ch_imap_guard guard;
	struct ch_error err;
	int result = 0;

	ch_imap_guard_init(&guard);
	guard.found = found;
	ch_imap_guard_allow(&guard, MOST_BYTES);
	for (size_t i = 0; i < len && result == 0; i += step)
		result = ch_imap_guard_feed(&guard, bytes + i,
					    len - i < step ? len - i : step,
					    out, &err);
	assert(guard.literals_left <= MOST_BYTES);
	assert(found->len <= found->max);
	ch_imap_guard_release(&guard);
	return result;
}

static void check_guard(const char *bytes, size_t len)
{
	CH_AUTO(ch_str) whole = CH_STR_INIT(1 << 24);
	CH_AUTO(ch_str) cut = CH_STR_INIT(1 << 24);
	struct ch_imap_found found[2] = { { .max = MOST_UIDS },
					  { .max = MOST_UIDS } };

	if (len == 0)
		return;
	assert(guard(bytes, len, len, &whole, &found[0]) ==
	       guard(bytes, len, 1, &cut, &found[1]));
	assert(found[0].len == found[1].len && found[0].more == found[1].more);
	if (found[0].len > 0)
		assert(memcmp(found[0].uids, found[1].uids,
			      found[0].len * sizeof(uint32_t)) == 0);
	ch_imap_found_release(&found[0]);
	ch_imap_found_release(&found[1]);
	/* To a line come a CR and a text at most. */
	assert(whole.len <= 4 * len && whole.len == cut.len);
	if (whole.len > 0)
		assert(memcmp(whole.data, cut.data, whole.len) == 0);
}

/* ---- all of it ------------------------------------------------------------ */

static int read_parts(struct ch_imap *imap, struct ch_imap_about *about)
{
	uint64_t offset = 0;
	struct ch_error err;

	do {
		if (ch_imap_read_part(imap, about, offset, &err) < 0)
			return -1;
		assert(about->len <= CH_IMAP_PART_BYTES);
		assert(about->given || about->len == 0);
		offset += about->len;
	} while (about->len > 0 && offset < MOST_BYTES);
	return 0;
}

static int read_mails(struct ch_imap *imap, const struct ch_imap_uids *uids)
{
	struct ch_imap_about abouts[MOST_MAILS] = { 0 };
	size_t len = 0;
	struct ch_error err;

	for (; len < uids->len && len < MOST_MAILS; len++)
		abouts[len].uid = uids->uids[len];
	if (len == 0)
		return 0;
	if (ch_imap_ask(imap, abouts, len, &err) < 0 ||
	    ch_imap_read(imap, abouts, len, &err) < 0)
		return -1;
	for (size_t i = 0; i < len; i++)
		for (size_t j = 0; j < abouts[i].len; j++)
			assert(abouts[i].bytes[j] || true); /* can be read */
	return read_parts(imap, &abouts[0]);
}

static void read_folder(struct ch_imap *imap)
{
	CH_AUTO(ch_imap_uids) uids = { 0 };
	struct ch_error err;

	if (ch_imap_search(imap, 1, &uids, &err) < 0)
		return;
	for (size_t i = 0; i < uids.len; i++) {
		assert(uids.uids[i] > 1);
		assert(i == 0 || uids.uids[i] > uids.uids[i - 1]);
	}
	if (read_mails(imap, &uids) == 0 &&
	    ch_imap_idle(imap, 0, &err) >= 0)
		ch_imap_logout(imap, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ch_imap_target target = {
		.at = { .host = "localhost", .port = 143, .wake_fd = -1 },
		.user = "bureau",
		.password = "word",
		.folder = "INBOX",
		.command_timeout_ms = 60000,
	};
	CH_AUTOPTR(ch_imap) imap = NULL;
	enum ch_imap_fault fault;
	struct ch_error err;

	if (size < 1)
		return 0;
	/* The first byte chooses how to secure and to log in. */
	target.tls = data[0] % 3;
	target.auth = data[0] / 3 % 5;
	at = (const char *)data + 1;
	left = size - 1;
	check_guard(at, left);
	if (ch_imap_open(&target, &imap, &fault, &err) == 0)
		read_folder(imap);
	return 0;
}
