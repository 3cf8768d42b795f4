// SPDX-License-Identifier: GPL-3.0-or-later
/* mem.c - allocation that aborts instead of failing. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *checked(void *ptr)
{
	if (!ptr) {
		static const char message[] = "out of memory\n";

		if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
			abort();
		abort();
	}
	return ptr;
}

void *ch_xmalloc(size_t size_bytes)
{
	return checked(malloc(size_bytes ? size_bytes : 1));
}

void *ch_xzalloc(size_t size_bytes)
{
	return ch_xcalloc(1, size_bytes);
}

void *ch_xcalloc(size_t count, size_t size_bytes)
{
	return checked(calloc(count ? count : 1, size_bytes ? size_bytes : 1));
}

void *ch_xreallocarray(void *ptr, size_t count, size_t size_bytes)
{
	return checked(reallocarray(ptr, count ? count : 1,
				    size_bytes ? size_bytes : 1));
}

char *ch_xstrdup(const char *text)
{
	return checked(strdup(text));
}

char *ch_xstrndup(const char *text, size_t len)
{
	char *copy = ch_xmalloc(len + 1);

	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

void *ch_xmemdup(const void *bytes, size_t len)
{
	void *copy = ch_xmalloc(len);

	if (len)
		memcpy(copy, bytes, len);
	return copy;
}

char *ch_xasprintf(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	return checked(len < 0 ? NULL : text);
}

void ch_grow(void *ptr, size_t len, size_t *cap, size_t size_bytes)
{
	void *old;
	void *grown;

	if (len < *cap)
		return;
	memcpy(&old, ptr, sizeof(old));
	*cap = *cap ? *cap * 2 : 8;
	grown = ch_xreallocarray(old, *cap, size_bytes);
	memcpy(ptr, &grown, sizeof(grown));
}

void ch_auto_free_char(char **text)
{
	free(*text);
}

void ch_auto_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
