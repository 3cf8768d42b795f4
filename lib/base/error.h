/* SPDX-License-Identifier: GPL-3.0-or-later */
/* error.h - what went wrong, and what the caller may do about it. */
#ifndef CH_BASE_ERROR_H
#define CH_BASE_ERROR_H

#include <stdarg.h>

/* What the caller may do after a failure. */
enum ch_fate {
	CH_RETRY,    /* nothing happened: try later (4yz, SQLITE_BUSY) */
	CH_GIVE_UP,  /* will fail again as it stands (5yz, bad input) */
	CH_IN_DOUBT, /* may have happened: look before repeating */
};

struct ch_error {
	enum ch_fate fate;
	char status[12]; /* RFC 3463 code such as "5.1.1", or "" */
	char text[240];  /* one line of English, without secrets */
	const char *hint; /* a literal: what to do about it; or NULL */
};

/* Fill *err; text past its size is cut at a character. Always returns -1, so
 * that `return ch_error_set(err, …)` reads as one step. */
int ch_error_set(struct ch_error *err, enum ch_fate fate, const char *format,
		 ...) __attribute__((format(printf, 3, 4)));

/* The same with the text of `errnum` behind it. EAGAIN, EINTR, EMFILE, ENFILE,
 * ENOBUFS, ENOMEM, ETIMEDOUT and the like, and what a disk answers that is full
 * or fails (ENOSPC, EDQUOT, EIO, EROFS), are CH_RETRY, the rest CH_GIVE_UP. */
int ch_error_errno(struct ch_error *err, int errnum, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* CH_GIVE_UP with a status such as "4.0.4". Returns -1. */
int ch_error_refuse(struct ch_error *err, const char *status,
		    const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int ch_error_vrefuse(struct ch_error *err, const char *status,
		     const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* Say what to do about it, in a sentence that is a literal. Returns -1. */
int ch_error_hint(struct ch_error *err, const char *hint);

/* Put "prefix: " before the text. Returns -1. */
int ch_error_prefix(struct ch_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
