// SPDX-License-Identifier: GPL-3.0-or-later
/* spill.c - see spill.h. */
#include "base/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"

/* Some file systems have no files without a name (NFS). */
static int open_named(int dir_fd)
{
	char name[64];
	int fd;

	ch_file_temporary_name(name, sizeof(name));
	fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		unlinkat(dir_fd, name, 0);
	return fd;
}

int ch_spill_open(struct ch_spill *spill, int dir_fd, struct ch_error *err)
{
	*spill = (struct ch_spill)CH_SPILL_INIT;
	spill->fd = openat(dir_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (spill->fd < 0)
		spill->fd = open_named(dir_fd);
	if (spill->fd < 0)
		return ch_error_errno(err, errno, "a temporary file");
	return 0;
}

int ch_spill_write(struct ch_spill *spill, const void *bytes, size_t len,
		   struct ch_error *err)
{
	if (ch_file_write_all(spill->fd, bytes, len, err) < 0)
		return ch_error_prefix(err, "a temporary file");
	spill->len += len;
	return 0;
}

int ch_spill_map(struct ch_spill *spill, struct ch_error *err)
{
	void *bytes;

	spill->bytes = "";
	if (spill->len == 0)
		return 0;
	bytes = mmap(NULL, spill->len, PROT_READ, MAP_PRIVATE, spill->fd, 0);
	if (bytes == MAP_FAILED) {
		spill->bytes = NULL;
		return ch_error_errno(err, errno, "a temporary file: mmap");
	}
	spill->bytes = bytes;
	return 0;
}

void ch_spill_release(struct ch_spill *spill)
{
	if (spill->bytes && spill->len > 0)
		munmap((void *)(uintptr_t)spill->bytes, spill->len);
	ch_auto_close(&spill->fd);
	*spill = (struct ch_spill)CH_SPILL_INIT;
}

/* Whole pages only: what stands beside them may be in use. */
void ch_spill_passed(const char *bytes, size_t len)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)bytes + page - 1) & ~(page - 1);
	uintptr_t to = ((uintptr_t)bytes + len) & ~(page - 1);

	if (from < to)
		madvise((void *)from, to - from, MADV_DONTNEED);
}
