// SPDX-License-Identifier: GPL-3.0-or-later
/* str.c - bounded strings. */
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

void ch_str_init(struct ch_str *str, size_t max_bytes)
{
	*str = (struct ch_str)CH_STR_INIT(max_bytes);
}

void ch_str_release(struct ch_str *str)
{
	free(str->data);
	ch_str_init(str, str->max);
}

void ch_str_clear(struct ch_str *str)
{
	str->len = 0;
	str->full = false;
	if (str->data)
		str->data[0] = '\0';
}

const char *ch_str_cstr(const struct ch_str *str)
{
	return str->data ? str->data : "";
}

char *ch_str_take(struct ch_str *str)
{
	char *text = str->data ? str->data : ch_xstrdup("");

	ch_str_init(str, str->max);
	return text;
}

char *ch_str_room(struct ch_str *str, size_t len)
{
	size_t need;

	if (len > str->max - str->len) {
		str->full = true;
		return NULL;
	}
	need = str->len + len + 1;
	if (need > str->cap) {
		size_t cap = str->cap ? str->cap : 64;

		while (cap < need)
			cap += cap;
		str->data = ch_xreallocarray(str->data, cap, 1);
		str->cap = cap;
		str->data[str->len] = '\0';
	}
	return str->data + str->len;
}

void ch_str_grew(struct ch_str *str, size_t len)
{
	str->len += len;
	str->data[str->len] = '\0';
}

void ch_str_add_mem(struct ch_str *str, const void *bytes, size_t len)
{
	char *room = ch_str_room(str, len);

	if (!room)
		return;
	if (len)
		memcpy(room, bytes, len);
	ch_str_grew(str, len);
}

void ch_str_add(struct ch_str *str, const char *text)
{
	ch_str_add_mem(str, text, strlen(text));
}

void ch_str_add_char(struct ch_str *str, char c)
{
	ch_str_add_mem(str, &c, 1);
}

void ch_str_add_utf8(struct ch_str *str, unsigned int code_point)
{
	char bytes[4];

	ch_str_add_mem(str, bytes, ch_utf8_encode(code_point, bytes));
}

void ch_str_vaddf(struct ch_str *str, const char *format, va_list args)
{
	size_t left = str->cap - str->len; /* with the terminator */
	char none[1];
	va_list again;
	char *room = str->data ? str->data + str->len : none;
	int len;

	if (left > str->max - str->len + 1)
		left = str->max - str->len + 1;
	va_copy(again, args);
	len = vsnprintf(room, str->data ? left : 0, format, args);
	if (len >= 0 && str->data && (size_t)len < left) {
		ch_str_grew(str, (size_t)len);
	} else if (len >= 0) {
		if (str->data)
			str->data[str->len] = '\0';
		room = ch_str_room(str, (size_t)len);
		if (room) {
			vsnprintf(room, (size_t)len + 1, format, again);
			ch_str_grew(str, (size_t)len);
		}
	}
	va_end(again);
}

void ch_str_add_int(struct ch_str *str, long long value)
{
	unsigned long long rest = value < 0 ? 0 - (unsigned long long)value
					    : (unsigned long long)value;
	char text[24];
	char *at = text + sizeof(text);

	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (value < 0)
		*--at = '-';
	ch_str_add_mem(str, at, (size_t)(text + sizeof(text) - at));
}

void ch_str_addf(struct ch_str *str, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ch_str_vaddf(str, format, args);
	va_end(args);
}

void ch_str_truncate(struct ch_str *str, size_t len)
{
	if (len < str->len) {
		str->len = len;
		str->data[len] = '\0';
	}
}

struct ch_slice ch_slice_of(const char *text)
{
	return (struct ch_slice){ text ? text : "", text ? strlen(text) : 0 };
}

bool ch_slice_eq(struct ch_slice slice, const char *text)
{
	return slice.len == strlen(text) &&
	       memcmp(slice.data, text, slice.len) == 0;
}

char *ch_slice_dup(struct ch_slice slice)
{
	return ch_xstrndup(slice.data, slice.len);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool ch_slice_has_utf8(struct ch_slice slice)
{
	unsigned char all = 0;

	for (size_t i = 0; i < slice.len; i++)
		all |= (unsigned char)slice.data[i];
	return all >= 0x80;
}

struct ch_slice ch_slice_trim(struct ch_slice slice)
{
	while (slice.len > 0 && is_space(slice.data[0])) {
		slice.data++;
		slice.len--;
	}
	while (slice.len > 0 && is_space(slice.data[slice.len - 1]))
		slice.len--;
	return slice;
}
