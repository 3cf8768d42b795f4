/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory-file.h - bytes as a regular file with a path, without a disk. */
#ifndef CH_FUZZ_MEMORY_FILE_H
#define CH_FUZZ_MEMORY_FILE_H

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* Make the bytes the content of the one file; returns its path. */
static inline const char *memory_file(const void *bytes, size_t len)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", 0);
		assert(fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	assert(ftruncate(fd, 0) == 0);
	assert(pwrite(fd, bytes, len, 0) == (ssize_t)len);
	return path;
}

#endif
