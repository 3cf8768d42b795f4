// SPDX-License-Identifier: GPL-3.0-or-later
/* error.c - fill in a struct ch_error. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cut half a UTF-8 sequence off the end of a text that was truncated. */
static void trim_partial(char *text)
{
	size_t len = strlen(text);
	size_t back = 0;
	size_t need;
	unsigned char lead;

	while (back < 4 && back < len &&
	       ((unsigned char)text[len - 1 - back] & 0xC0) == 0x80)
		back++;
	if (back >= len)
		return;
	lead = (unsigned char)text[len - 1 - back];
	need = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
	if (back < need)
		text[len - 1 - back] = '\0';
}

__attribute__((format(printf, 2, 0)))
static void set_text(struct ch_error *err, const char *format, va_list args)
{
	vsnprintf(err->text, sizeof(err->text), format, args);
	trim_partial(err->text);
}

int ch_error_set(struct ch_error *err, enum ch_fate fate, const char *format,
		 ...)
{
	va_list args;

	err->fate = fate;
	err->status[0] = '\0';
	err->hint = NULL;
	va_start(args, format);
	set_text(err, format, args);
	va_end(args);
	return -1;
}

int ch_error_vrefuse(struct ch_error *err, const char *status,
		     const char *format, va_list args)
{
	err->fate = CH_GIVE_UP;
	snprintf(err->status, sizeof(err->status), "%s", status);
	err->hint = NULL;
	set_text(err, format, args);
	return -1;
}

int ch_error_refuse(struct ch_error *err, const char *status,
		    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ch_error_vrefuse(err, status, format, args);
	va_end(args);
	return -1;
}

static enum ch_fate fate_of_errno(int errnum)
{
	switch (errnum) {
	case EAGAIN:
	case EINTR:
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EBUSY:
	case ETIMEDOUT:
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENETDOWN:
	case EPIPE:
	case EIO: /* the disk: it may be there again, and whole */
	case ENOSPC:
	case EDQUOT:
	case EROFS:
		return CH_RETRY;
	default:
		return CH_GIVE_UP;
	}
}

int ch_error_errno(struct ch_error *err, int errnum, const char *format, ...)
{
	char reason[120];
	size_t len;
	va_list args;

	err->fate = fate_of_errno(errnum);
	err->status[0] = '\0';
	err->hint = NULL;
	va_start(args, format);
	set_text(err, format, args);
	va_end(args);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s",
		 strerror_r(errnum, reason, sizeof(reason)));
	return -1;
}

int ch_error_hint(struct ch_error *err, const char *hint)
{
	err->hint = hint;
	return -1;
}

int ch_error_prefix(struct ch_error *err, const char *format, ...)
{
	char old[sizeof(err->text)];
	size_t len;
	va_list args;

	memcpy(old, err->text, sizeof(old));
	va_start(args, format);
	set_text(err, format, args);
	va_end(args);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", old);
	trim_partial(err->text);
	return -1;
}
