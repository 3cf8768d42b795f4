// SPDX-License-Identifier: GPL-3.0-or-later
/* imap-stream.c - libetpan's stream over our connection and behind the guard.
 *
 * The first failure is kept and the stream is dead from then on: libetpan goes
 * on reading after some errors, and what it would report is not the cause.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/escape.h"
#include "net/imap-private.h"

#define READ_SIZE 16384
#define WORDS_MAX 160 /* of what a server says, in an error */

/* ---- the driver ---------------------------------------------------------- */

static int fail(struct ch_imap *imap)
{
	imap->failed = true;
	return -1;
}

/* Read once from the connection, through the guard. */
static int fill(struct ch_imap *imap)
{
	char chunk[READ_SIZE];
	int64_t left = imap->deadline_ms - ch_clock_mono_ms();
	ssize_t got;

	ch_str_clear(&imap->ready);
	imap->taken = 0;
	got = ch_connection_read(imap->conn, chunk, sizeof(chunk),
				 left > 0 ? (int)left : 0, &imap->failure);
	if (got < 0)
		return fail(imap);
	if (got == 0) {
		ch_error_set(&imap->failure, CH_RETRY,
			     "the server closed the connection");
		return fail(imap);
	}
	/* Also when it is always there in time, but never comes to an end. */
	if (left <= 0) {
		ch_error_set(&imap->failure, CH_RETRY,
			     "the answer did not end in time");
		return fail(imap);
	}
	if (ch_imap_guard_feed(&imap->guard, chunk, (size_t)got, &imap->ready,
			       &imap->failure) < 0)
		return fail(imap);
	return 0;
}

static ssize_t read_some(mailstream_low *low, void *out, size_t size)
{
	struct ch_imap *imap = low->data;
	size_t left;

	while (!imap->failed && imap->taken == imap->ready.len)
		fill(imap);
	if (imap->failed) /* libetpan takes 0 for "try again", without end */
		return -1;
	left = imap->ready.len - imap->taken;
	if (size > left)
		size = left;
	memcpy(out, imap->ready.data + imap->taken, size);
	imap->taken += size;
	return (ssize_t)size;
}

static ssize_t write_all(mailstream_low *low, const void *bytes, size_t len)
{
	struct ch_imap *imap = low->data;

	if (imap->failed)
		return -1;
	if (ch_connection_write(imap->conn, bytes, len,
				imap->command_timeout_ms,
				&imap->failure) < 0)
		return fail(imap);
	return (ssize_t)len;
}

static int close_nothing(mailstream_low *low)
{
	(void)low; /* the connection is ch_imap_free()'s to close */
	return 0;
}

static int get_fd(mailstream_low *low)
{
	const struct ch_imap *imap = low->data;

	return ch_connection_fd(imap->conn);
}

static void free_low(mailstream_low *low)
{
	free(low);
}

static void cancel_nothing(mailstream_low *low)
{
	(void)low; /* the wake descriptor does that */
}

mailstream *ch_imap_stream_new(struct ch_imap *imap)
{
	static mailstream_low_driver driver = {
		.mailstream_read = read_some,
		.mailstream_write = write_all,
		.mailstream_close = close_nothing,
		.mailstream_get_fd = get_fd,
		.mailstream_free = free_low,
		.mailstream_cancel = cancel_nothing,
	};
	mailstream_low *low = mailstream_low_new(imap, &driver);
	mailstream *stream = low ? mailstream_new(low, READ_SIZE) : NULL;

	if (!stream)
		abort();
	return stream;
}

/* ---- commands ------------------------------------------------------------ */

void ch_imap_begin(struct ch_imap *imap, int64_t timeout_ms,
		   uint64_t literals)
{
	imap->deadline_ms = ch_clock_mono_ms() + timeout_ms;
	ch_imap_guard_allow(&imap->guard, literals);
}

bool ch_imap_all_read(const struct ch_imap *imap)
{
	return imap->taken == imap->ready.len &&
	       ch_imap_guard_at_rest(&imap->guard) &&
	       imap->session->imap_stream->read_buffer_len == 0;
}

static int failed(const struct ch_imap *imap, struct ch_error *err)
{
	*err = imap->failure;
	return -1;
}

/* The guard passes whole lines on. */
int ch_imap_peek(struct ch_imap *imap, char **ret, struct ch_error *err)
{
	const char *at;

	while (!imap->failed && imap->taken == imap->ready.len)
		fill(imap);
	if (imap->failed)
		return failed(imap, err);
	at = imap->ready.data + imap->taken;
	*ret = ch_xstrndup(at, strcspn(at, "\r\n"));
	return 0;
}

int ch_imap_say(struct ch_imap *imap, const char *line, struct ch_error *err)
{
	mailstream *stream = imap->session->imap_stream;

	if (mailstream_write(stream, line, strlen(line)) < 0 ||
	    mailstream_write(stream, "\r\n", 2) < 0 ||
	    mailstream_flush(stream) < 0)
		return failed(imap, err);
	return 0;
}

int ch_imap_hear(struct ch_imap *imap, const char **ret, struct ch_error *err)
{
	const char *line = mailstream_read_line_remove_eol(
		imap->session->imap_stream, imap->session->imap_stream_buffer);

	if (!line)
		return failed(imap, err);
	*ret = line;
	return 0;
}

/* "OK text", "NO text" or "BAD text" behind our tag. */
static int answer(const char *line, const char **ret_text, bool *ret_refused,
		  struct ch_error *err)
{
	*ret_text = line + strcspn(line, " ");
	*ret_text += **ret_text == ' ';
	if (strncasecmp(line, "OK", 2) == 0)
		return 0;
	*ret_refused = strncasecmp(line, "NO", 2) == 0 ||
		       strncasecmp(line, "BAD", 3) == 0;
	ch_imap_quote(line, err);
	if (ch_imap_is_passing(*ret_text))
		err->fate = CH_RETRY;
	return -1;
}

int ch_imap_command(struct ch_imap *imap, const char *command,
		    const char **ret_text, bool *ret_refused,
		    struct ch_error *err)
{
	char tag[16];
	size_t tag_len;
	const char *line;

	*ret_refused = false;
	imap->tag += command != NULL;
	snprintf(tag, sizeof(tag), "C%u ", imap->tag);
	tag_len = strlen(tag);
	if (command) {
		CH_AUTOCHAR whole = ch_xasprintf("%s%s", tag, command);

		if (ch_imap_say(imap, whole, err) < 0)
			return -1;
	}
	for (;;) {
		if (ch_imap_hear(imap, &line, err) < 0)
			return -1;
		if (line[0] == '+') {
			*ret_text = line + 1 + (line[1] == ' ');
			return 1;
		}
		if (strncasecmp(line, tag, tag_len) == 0)
			return answer(line + tag_len, ret_text, ret_refused,
				      err);
		if (strncmp(line, "* ", 2) != 0)
			return ch_error_set(err, CH_RETRY,
					    "an answer to what was not asked");
	}
}

/* ---- errors -------------------------------------------------------------- */

bool ch_imap_is_passing(const char *words)
{
	static const char *const codes[] = { "(UNAVAILABLE)", "(INUSE)",
					     "(SERVERBUG)", "(LIMIT)" };

	for (size_t i = 0; i < CH_COUNT(codes); i++)
		if (words && strncasecmp(words, codes[i], strlen(codes[i])) == 0)
			return true;
	return false;
}

int ch_imap_quote(const char *words, struct ch_error *err)
{
	CH_AUTO(ch_str) safe = CH_STR_INIT(WORDS_MAX);

	if (!words)
		words = "nothing";
	ch_escape_line(&safe, words, strnlen(words, WORDS_MAX / 2));
	return ch_error_set(err,
			    ch_imap_is_passing(words) ? CH_RETRY : CH_GIVE_UP,
			    "the server says: %s", ch_str_cstr(&safe));
}

int ch_imap_explain(struct ch_imap *imap, int code, const char *what,
		    struct ch_error *err)
{
	if (imap->failed) {
		failed(imap, err);
		return ch_error_prefix(err, "%s", what);
	}
	switch (code) {
	case MAILIMAP_ERROR_STREAM:
	case MAILIMAP_ERROR_PARSE:
	case MAILIMAP_ERROR_PROTOCOL:
	case MAILIMAP_ERROR_FATAL:
	case MAILIMAP_ERROR_MEMORY:
	case MAILIMAP_ERROR_BAD_STATE:
		fail(imap); /* libetpan has lost its place */
		ch_error_set(&imap->failure, CH_RETRY, "the answer is no IMAP");
		failed(imap, err);
		return ch_error_prefix(err, "%s", what);
	default:
		break;
	}
	ch_imap_quote(imap->session->imap_response, err);
	return ch_error_prefix(err, "%s", what);
}
