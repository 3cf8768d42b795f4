// SPDX-License-Identifier: GPL-3.0-or-later
/* decode.c - bytes to UTF-8, and which byte was none.
 *
 * Other charsets are ICU's and not iconv's: its common tables are part of the
 * library, so that a worker may decode after it has given up opening files.
 */
#include "letter/decode.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ucnv.h>
#include <unistd.h>

#include "base/utf8.h"

#define PIECE 16384
/* No charset makes more than this many UTF-16 units of a byte. */
#define UNITS (PIECE * 8)

struct ch_decoder {
	int fd;
	struct ch_slice memory;
	char *charset;         /* owned */
	UConverter *converter; /* owned; NULL: UTF-8 */
	char in[PIECE + 4];
	size_t in_len;
	size_t in_at;
	bool ended; /* nothing more to read */
	UChar *units; /* owned */
	struct ch_str out;
};

/* Read more behind what is left. */
static int fill(struct ch_decoder *d, struct ch_error *err)
{
	size_t room;
	ssize_t got;

	memmove(d->in, d->in + d->in_at, d->in_len - d->in_at);
	d->in_len -= d->in_at;
	d->in_at = 0;
	room = sizeof(d->in) - d->in_len;
	if (d->ended || room == 0)
		return 0;
	if (d->fd < 0) {
		got = (ssize_t)(d->memory.len < room ? d->memory.len : room);
		if (got > 0)
			memcpy(d->in + d->in_len, d->memory.data, (size_t)got);
		d->memory.data += got;
		d->memory.len -= (size_t)got;
	} else {
		do {
			got = read(d->fd, d->in + d->in_len, room);
		} while (got < 0 && errno == EINTR);
	}
	if (got < 0)
		return ch_error_errno(err, errno, "read");
	d->ended = got == 0;
	d->in_len += (size_t)got;
	return 0;
}

/* Two names of a charset, without what is only spelling. */
static bool same_charset(const char *a, const char *b)
{
	for (;;) {
		while (*a && !isalnum((unsigned char)*a))
			a++;
		while (*b && !isalnum((unsigned char)*b))
			b++;
		if (!*a || !*b)
			return *a == *b;
		if (tolower((unsigned char)*a++) !=
		    tolower((unsigned char)*b++))
			return false;
	}
}

static const struct mark {
	const char *charset;
	const char *family; /* may be named for it too */
	const char *bytes;
	size_t len;
} marks[] = {
	{ "UTF-32LE", "UTF-32", "\xFF\xFE\0\0", 4 },
	{ "UTF-32BE", "UTF-32", "\0\0\xFE\xFF", 4 },
	{ "UTF-8", "UTF-8", "\xEF\xBB\xBF", 3 },
	{ "UTF-16LE", "UTF-16", "\xFF\xFE", 2 },
	{ "UTF-16BE", "UTF-16", "\xFE\xFF", 2 },
};

static const struct mark *find_mark(const struct ch_decoder *d)
{
	for (size_t i = 0; i < CH_COUNT(marks); i++) {
		if (d->in_len >= marks[i].len &&
		    memcmp(d->in, marks[i].bytes, marks[i].len) == 0)
			return &marks[i];
	}
	return NULL;
}

/* ICU takes a name for that of a file too: only let names through. */
static bool is_name(const char *charset)
{
	size_t len = strlen(charset);

	return len > 0 && len < 60 &&
	       strspn(charset, "abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "0123456789-_:+") == len;
}

static int open_converter(struct ch_decoder *d, struct ch_error *err)
{
	UErrorCode status = U_ZERO_ERROR;

	if (same_charset(d->charset, "UTF-8"))
		return 0;
	if (is_name(d->charset))
		d->converter = ucnv_open(d->charset, &status);
	if (!d->converter)
		return ch_error_set(err, CH_GIVE_UP,
				    "no charset is called \"%s\"", d->charset);
	ucnv_setToUCallBack(d->converter, UCNV_TO_U_CALLBACK_STOP, NULL, NULL,
			    NULL, &status);
	d->units = ch_xcalloc(UNITS, sizeof(*d->units));
	return 0;
}

static int choose(struct ch_decoder *d, const char *charset,
		  struct ch_error *err)
{
	const struct mark *mark = find_mark(d);

	if (mark && charset && !same_charset(charset, mark->charset) &&
	    !same_charset(charset, mark->family))
		return ch_error_set(err, CH_GIVE_UP,
				    "it begins with the byte-order mark of %s, "
				    "but the charset given is %s",
				    mark->charset, charset);
	d->charset = ch_xstrdup(mark ? mark->charset
				     : charset ? charset : "UTF-8");
	d->in_at = mark ? mark->len : 0;
	return open_converter(d, err);
}

int ch_decoder_new(int fd, struct ch_slice memory, const char *charset,
		   struct ch_decoder **ret, struct ch_error *err)
{
	CH_AUTOPTR(ch_decoder) d = ch_xzalloc(sizeof(*d));

	d->fd = fd;
	d->memory = memory;
	ch_str_init(&d->out, (size_t)UNITS * 4);
	while (!d->ended && d->in_len < 4) {
		if (fill(d, err) < 0)
			return -1;
	}
	if (choose(d, charset, err) < 0)
		return -1;
	*ret = CH_TAKE(d);
	return 0;
}

void ch_decoder_free(struct ch_decoder *d)
{
	if (d->converter)
		ucnv_close(d->converter);
	free(d->charset);
	free(d->units);
	ch_str_release(&d->out);
	free(d);
}

const char *ch_decoder_charset(const struct ch_decoder *d)
{
	return d->charset;
}

/* How many bytes a character that begins with `lead` has. */
static size_t length_of(unsigned char lead)
{
	return lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3
			   : lead < 0xF5 ? 4 : 1;
}

static int next_utf8(struct ch_decoder *d, struct ch_slice *ret, int *ret_bad)
{
	const char *from = d->in + d->in_at;
	size_t len = d->in_len - d->in_at;
	size_t good = len;

	*ret_bad = -1;
	if (ch_utf8_valid(from, len, &good)) {
		d->in_at = d->in_len;
	} else if (!d->ended && len - good < 4 &&
		   length_of((unsigned char)from[good]) > len - good) {
		d->in_at += good; /* the rest may be still to come */
	} else {
		*ret_bad = (unsigned char)from[good];
		d->in_at += good + 1;
	}
	ch_str_clear(&d->out);
	ch_str_add_mem(&d->out, from, good);
	*ret = (struct ch_slice){ ch_str_cstr(&d->out), good };
	return 1;
}

static void add_units(struct ch_str *out, const UChar *units, size_t len)
{
	for (size_t i = 0; i < len;) {
		UChar32 cp;

		U16_NEXT(units, i, len, cp);
		ch_str_add_utf8(out, (unsigned int)cp);
	}
}

/* The byte that ICU stopped at. */
static int bad_byte(UConverter *converter)
{
	UErrorCode status = U_ZERO_ERROR;
	char bytes[32];
	int8_t len = sizeof(bytes);

	ucnv_getInvalidChars(converter, bytes, &len, &status);
	return U_SUCCESS(status) && len > 0 ? (unsigned char)bytes[0] : 0;
}

static int next_converted(struct ch_decoder *d, struct ch_slice *ret,
			  int *ret_bad, struct ch_error *err)
{
	UErrorCode status = U_ZERO_ERROR;
	const char *from = d->in + d->in_at;
	UChar *to = d->units;

	ucnv_toUnicode(d->converter, &to, d->units + UNITS, &from,
		       d->in + d->in_len, NULL, (UBool)d->ended, &status);
	*ret_bad = -1;
	if (status == U_BUFFER_OVERFLOW_ERROR)
		return ch_error_set(err, CH_GIVE_UP, "%s grows without bound",
				    d->charset);
	if (U_FAILURE(status))
		*ret_bad = bad_byte(d->converter);
	d->in_at = (size_t)(from - d->in);
	ch_str_clear(&d->out);
	add_units(&d->out, d->units, (size_t)(to - d->units));
	*ret = (struct ch_slice){ ch_str_cstr(&d->out), d->out.len };
	return 1;
}

int ch_decoder_next(struct ch_decoder *d, struct ch_slice *ret, int *ret_bad,
		    struct ch_error *err)
{
	if (d->in_len - d->in_at < 4 && fill(d, err) < 0)
		return -1;
	if (d->ended && d->in_at == d->in_len && !d->converter)
		return 0;
	if (!d->converter)
		return next_utf8(d, ret, ret_bad);
	if (next_converted(d, ret, ret_bad, err) < 0)
		return -1;
	/* At the end it is asked once more: half a character may be left. */
	return ret->len > 0 || *ret_bad >= 0 || !d->ended;
}
