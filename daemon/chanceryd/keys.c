// SPDX-License-Identifier: GPL-3.0-or-later
/* keys.c - see keys.h. */
#include "chanceryd/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "returns/token.h"

#define NAME "token.key"
#define NAME_NEW "token.key.new"
#define KEYS_MAX 32 /* one for each number */
#define FILE_MAX_BYTES (16 * 1024)
#define HEX_LEN (CH_TOKEN_KEY_SIZE * 2)

struct ch_keys {
	struct ch_token_key keys[KEYS_MAX];
	struct ch_token_key journal[KEYS_MAX]; /* derived; the same places */
	size_t len; /* at least 1; the last one makes tokens */
	bool made;
};

/* ---- reading ---------------------------------------------------------- */

/* line := number " " 64 hex digits */
static int parse_line(const char *line, size_t len, struct ch_keys *keys)
{
	struct ch_token_key *key = &keys->keys[keys->len];
	struct ch_sha256 bytes; /* 32 bytes as hex: the same shape */
	unsigned int id = 0;
	size_t i = 0;

	for (; i < len && i < 2 && line[i] >= '0' && line[i] <= '9'; i++)
		id = id * 10 + (unsigned int)(line[i] - '0');
	if (i == 0 || id >= KEYS_MAX || i >= len || line[i] != ' ' ||
	    ch_sha256_parse(line + i + 1, len - i - 1, &bytes) < 0)
		return -1;
	for (size_t k = 0; k < keys->len; k++)
		if (keys->keys[k].id == id)
			return -1;
	key->id = id;
	memcpy(key->bytes, bytes.bytes, sizeof(key->bytes));
	explicit_bzero(&bytes, sizeof(bytes));
	keys->len++;
	return 0;
}

static int parse(const struct ch_str *text, struct ch_keys *keys,
		 struct ch_error *err)
{
	const char *line = ch_str_cstr(text);
	const char *end = line + text->len;

	for (unsigned int number = 1; line < end; number++) {
		const char *lf = memchr(line, '\n', (size_t)(end - line));
		const char *stop = lf ? lf : end;

		/* A number may stand once, so there is room for each key. */
		if (stop > line && *line != '#' &&
		    parse_line(line, (size_t)(stop - line), keys) < 0)
			return ch_error_set(err, CH_GIVE_UP,
					    NAME ":%u: is no key of its own: a "
					    "number from 0 to 31, a space and "
					    "64 hexadecimal digits", number);
		line = lf ? lf + 1 : end;
	}
	if (keys->len == 0)
		return ch_error_set(err, CH_GIVE_UP, NAME ": has no key");
	return 0;
}

static int check_mode(int fd, struct ch_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ch_error_errno(err, errno, NAME);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return ch_error_set(err, CH_GIVE_UP,
				    NAME ": belongs to somebody else (uid %u)",
				    st.st_uid);
	if (st.st_mode & 077)
		return ch_error_set(err, CH_GIVE_UP,
				    NAME ": others can read it (mode %03o): "
				    "chmod 600 it, or better make a new key",
				    (unsigned int)(st.st_mode & 0777));
	return 0;
}

static int read_all(int fd, struct ch_str *text, struct ch_error *err)
{
	for (;;) {
		char *room = ch_str_room(text, 4096);
		ssize_t got;

		if (!room)
			return ch_error_set(err, CH_GIVE_UP,
					    NAME ": is too long");
		got = read(fd, room, 4096);
		if (got < 0)
			return ch_error_errno(err, errno, NAME);
		if (got == 0)
			return 0;
		ch_str_grew(text, (size_t)got);
	}
}

static int read_keys(int dir_fd, struct ch_keys *keys, struct ch_error *err)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(FILE_MAX_BYTES);
	CH_AUTOFD fd = ch_file_open(dir_fd, NAME, err);
	int rc;

	if (fd < 0 || check_mode(fd, err) < 0)
		return -1;
	rc = read_all(fd, &text, err);
	if (rc == 0)
		rc = parse(&text, keys, err);
	if (text.data)
		explicit_bzero(text.data, text.cap);
	return rc;
}

/* A key under which nobody else's tokens are. */
static void derive(struct ch_keys *keys)
{
	static const char purpose[] = "chancery journal key 1";
	struct ch_sha256 made;

	for (size_t i = 0; i < keys->len; i++) {
		ch_hmac_sha256(keys->keys[i].bytes,
			       sizeof(keys->keys[i].bytes), purpose,
			       sizeof(purpose), &made);
		keys->journal[i].id = keys->keys[i].id;
		memcpy(keys->journal[i].bytes, made.bytes, CH_TOKEN_KEY_SIZE);
	}
	explicit_bzero(&made, sizeof(made));
}

/* ---- making ----------------------------------------------------------- */

static int write_new(int dir_fd, struct ch_error *err)
{
	CH_AUTOFD fd = openat(dir_fd, NAME_NEW,
			      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
				      O_CLOEXEC,
			      0600);
	struct ch_sha256 key;
	char hex[CH_SHA256_HEX_SIZE];
	char line[HEX_LEN + 8];
	int len;
	int rc;

	if (fd < 0)
		return ch_error_errno(err, errno, NAME_NEW);
	ch_random(key.bytes, sizeof(key.bytes));
	len = snprintf(line, sizeof(line), "1 %s\n", ch_sha256_hex(&key, hex));
	rc = ch_file_write_all(fd, line, (size_t)len, err);
	explicit_bzero(&key, sizeof(key));
	explicit_bzero(hex, sizeof(hex));
	explicit_bzero(line, sizeof(line));
	if (rc == 0 && fsync(fd) < 0)
		rc = ch_error_errno(err, errno, NAME_NEW);
	return rc;
}

/* Under another name first: a key file that a crash cut short would otherwise
 * stop every later start. What was half made before is of no use to anybody. */
static int make_keys(int dir_fd, struct ch_error *err)
{
	if (unlinkat(dir_fd, NAME_NEW, 0) < 0 && errno != ENOENT)
		return ch_error_errno(err, errno, NAME_NEW);
	if (write_new(dir_fd, err) < 0)
		return -1;
	if (renameat2(dir_fd, NAME_NEW, dir_fd, NAME, RENAME_NOREPLACE) < 0)
		return ch_error_errno(err, errno, NAME);
	if (fsync(dir_fd) < 0)
		return ch_error_errno(err, errno, NAME);
	return 0;
}

int ch_keys_open(const char *state_dir, struct ch_keys **ret,
		 struct ch_error *err)
{
	CH_AUTOFD dir_fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CH_AUTOPTR(ch_keys) keys = ch_xzalloc(sizeof(*keys));

	if (dir_fd < 0)
		return ch_error_errno(err, errno, "%s", state_dir);
	if (faccessat(dir_fd, NAME, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return ch_error_errno(err, errno, NAME);
		if (make_keys(dir_fd, err) < 0)
			return -1;
		keys->made = true;
	}
	if (read_keys(dir_fd, keys, err) < 0)
		return -1;
	derive(keys);
	*ret = CH_TAKE(keys);
	return 0;
}

void ch_keys_free(struct ch_keys *keys)
{
	if (!keys)
		return;
	explicit_bzero(keys, sizeof(*keys));
	free(keys);
}

bool ch_keys_are_new(const struct ch_keys *keys)
{
	return keys->made;
}

const char *ch_keys_mark(const struct ch_keys *keys,
			 char out[CH_KEYS_MARK_SIZE])
{
	const struct ch_token_key *key = ch_keys_current(keys);
	struct ch_sha256 sum;
	char hex[CH_SHA256_HEX_SIZE];

	ch_sha256_of(key->bytes, sizeof(key->bytes), &sum);
	memcpy(out, ch_sha256_hex(&sum, hex), CH_KEYS_MARK_SIZE - 1);
	out[CH_KEYS_MARK_SIZE - 1] = '\0';
	return out;
}

/* ---- tokens ----------------------------------------------------------- */

const struct ch_token_key *ch_keys_current(const struct ch_keys *keys)
{
	return &keys->keys[keys->len - 1];
}

const struct ch_token_key *ch_keys_all(const struct ch_keys *keys,
				       size_t *ret_len)
{
	*ret_len = keys->len;
	return keys->keys;
}

void ch_keys_envelope_id(const struct ch_keys *keys, int64_t letter_id,
			 uint32_t attempt, struct ch_str *out)
{
	char token[CH_TOKEN_SIZE];

	ch_token_make(ch_keys_current(keys), letter_id, attempt, token);
	ch_str_add(out, token);
}

const struct ch_token_key *ch_keys_journal_all(const struct ch_keys *keys,
					       size_t *ret_len)
{
	*ret_len = keys->len;
	return keys->journal;
}

void ch_keys_journal(const struct ch_keys *keys, int64_t letter_id,
		     uint32_t attempt, struct ch_str *out)
{
	char token[CH_TOKEN_SIZE];

	ch_token_make(&keys->journal[keys->len - 1], letter_id, attempt,
		      token);
	ch_str_add(out, token);
}
