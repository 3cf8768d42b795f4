/* SPDX-License-Identifier: GPL-3.0-or-later */
/* str.h - text that is always terminated and has a largest size from birth.
 *
 * Nothing from outside can grow one without bound: what would pass `max` is
 * not added, and the string remembers that it is full. Ask once, at the end.
 */
#ifndef CH_BASE_STR_H
#define CH_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct ch_str {
	char *data; /* owned; NULL while empty: use ch_str_cstr() to read it */
	size_t len;
	size_t cap;
	size_t max; /* largest len, in bytes */
	bool full;  /* something was not added */
};

#define CH_STR_INIT(max_bytes) { NULL, 0, 0, (max_bytes), false }

void ch_str_init(struct ch_str *str, size_t max_bytes);
void ch_str_release(struct ch_str *str);

/* Empty it and forget that it was full; keeps the memory. */
void ch_str_clear(struct ch_str *str);

/* The text, "" when empty; borrowed until the next change. */
const char *ch_str_cstr(const struct ch_str *str);

/* The text as the caller's own, to free(); *str is empty afterwards. */
char *ch_str_take(struct ch_str *str);

/* Append. Each adds all of its argument or nothing, and then marks the string
 * full. ch_str_room() returns where `len` more bytes may be written (then call
 * ch_str_grew()), or NULL where they do not fit. */
void ch_str_add(struct ch_str *str, const char *text);
void ch_str_add_mem(struct ch_str *str, const void *bytes, size_t len);
void ch_str_add_char(struct ch_str *str, char c);
void ch_str_add_utf8(struct ch_str *str, unsigned int code_point);
void ch_str_add_int(struct ch_str *str, long long value); /* decimal */
void ch_str_addf(struct ch_str *str, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void ch_str_vaddf(struct ch_str *str, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
char *ch_str_room(struct ch_str *str, size_t len);
void ch_str_grew(struct ch_str *str, size_t len);

/* Cut to `len` bytes, if it is longer. */
void ch_str_truncate(struct ch_str *str, size_t len);

/* A borrowed piece of somebody else's text; not terminated. */
struct ch_slice {
	const char *data;
	size_t len;
};

#define CH_SLICE_EMPTY ((struct ch_slice){ "", 0 })
struct ch_slice ch_slice_of(const char *text); /* NULL gives the empty one */
bool ch_slice_eq(struct ch_slice slice, const char *text);
char *ch_slice_dup(struct ch_slice slice); /* owned by the caller */
/* Whether some byte of it is not ASCII. */
bool ch_slice_has_utf8(struct ch_slice slice);
/* Without the spaces, tabs, CR and LF around it. */
struct ch_slice ch_slice_trim(struct ch_slice slice);

#endif
