/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mem.h - memory with one owner, released on every path.
 *
 * When malloc fails the process aborts: the store is the truth, systemd
 * restarts us, and no out-of-memory branch goes untested.
 */
#ifndef CH_BASE_MEM_H
#define CH_BASE_MEM_H

#include <stddef.h>

/* Allocate like malloc, calloc(1, n), reallocarray, strdup and strndup; never
 * return NULL. The caller owns the result and frees it with free(). */
void *ch_xmalloc(size_t size_bytes);
void *ch_xzalloc(size_t size_bytes);
void *ch_xcalloc(size_t count, size_t size_bytes);
void *ch_xreallocarray(void *ptr, size_t count, size_t size_bytes);
char *ch_xstrdup(const char *text);
char *ch_xstrndup(const char *text, size_t len);
void *ch_xmemdup(const void *bytes, size_t len);
char *ch_xasprintf(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Make room for one more element in the array at *ptr, whose capacity is
 * *cap: doubles it when `len` has reached it. */
void ch_grow(void *ptr, size_t len, size_t *cap, size_t size_bytes);
#define CH_GROW(array, len, cap) \
	ch_grow(&(array), (len), &(cap), sizeof(*(array)))

/* Declare a value that is released with <type>_release(), or a pointer that is
 * freed with <type>_free(), when it goes out of scope. */
#define CH_AUTO(type) \
	__attribute__((cleanup(type##_release))) struct type
#define CH_AUTOPTR(type) \
	__attribute__((cleanup(type##_auto_free))) struct type *

/* Once per type, after <type>_free() is declared. */
#define CH_DEFINE_AUTOPTR(type)                              \
	static inline void type##_auto_free(struct type **p) \
	{                                                    \
		if (*p)                                      \
			type##_free(*p);                     \
	}                                                    \
	struct type

/* A char pointer from malloc, freed at the end of the scope. */
#define CH_AUTOCHAR __attribute__((cleanup(ch_auto_free_char))) char *
void ch_auto_free_char(char **text);

/* A file descriptor, closed at the end of the scope; -1 is none. */
#define CH_AUTOFD __attribute__((cleanup(ch_auto_close))) int
void ch_auto_close(int *fd);

/* Hand over the pointer or descriptor: it is somebody else's from here on. */
#define CH_TAKE(ptr)                        \
	({                                  \
		__typeof__(ptr) t_ = (ptr); \
		(ptr) = NULL;               \
		t_;                         \
	})
#define CH_TAKE_FD(fd)       \
	({                   \
		int t_ = (fd); \
		(fd) = -1;   \
		t_;          \
	})

#define CH_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
