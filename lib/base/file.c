// SPDX-License-Identifier: GPL-3.0-or-later
/* file.c - see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#endif

#include "base/hash.h"
#include "base/mem.h"

/* openat2 has no wrapper in this C library. */
static int open_beneath(int dir_fd, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

#ifdef HAVE_VALGRIND_VALGRIND_H
	if (RUNNING_ON_VALGRIND) /* which does not know this call */
		return openat(dir_fd, name, (int)how.flags);
#endif
	return (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
}

int ch_file_open(int dir_fd, const char *name, struct ch_error *err)
{
	CH_AUTOFD fd = -1;
	struct stat st;

	if (dir_fd == AT_FDCWD)
		fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	else
		fd = open_beneath(dir_fd, name);
	if (fd < 0 && errno == EXDEV)
		return ch_error_set(err, CH_GIVE_UP,
				    "%s: leads outside its directory", name);
	if (fd < 0)
		return ch_error_errno(err, errno, "%s", name);
	if (fstat(fd, &st) < 0)
		return ch_error_errno(err, errno, "%s", name);
	if (!S_ISREG(st.st_mode))
		return ch_error_set(err, CH_GIVE_UP, "%s: not a regular file",
				    name);
	return CH_TAKE_FD(fd);
}

static bool changed(const struct stat *a, const struct stat *b)
{
	return a->st_size != b->st_size ||
	       a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
	       a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

static int read_whole(int fd, const char *name, struct ch_str *out,
		      struct ch_error *err)
{
	struct stat before;
	struct stat after;

	if (fstat(fd, &before) < 0)
		return ch_error_errno(err, errno, "%s", name);
	for (;;) {
		size_t left = out->max - out->len;
		size_t want = left < 65536 ? left : 65536;
		char probe;
		ssize_t got;

		if (want == 0)
			got = read(fd, &probe, 1);
		else
			got = read(fd, ch_str_room(out, want), want);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ch_error_errno(err, errno, "%s", name);
		if (got == 0)
			break;
		if (want == 0)
			return ch_error_set(err, CH_GIVE_UP,
					    "%s: larger than %zu bytes", name,
					    out->max);
		ch_str_grew(out, (size_t)got);
	}
	if (fstat(fd, &after) < 0)
		return ch_error_errno(err, errno, "%s", name);
	if (changed(&before, &after))
		return ch_error_set(err, CH_GIVE_UP,
				    "%s: changed while it was read", name);
	return 0;
}

int ch_file_read_at(int dir_fd, const char *name, struct ch_str *out,
		    struct ch_error *err)
{
	CH_AUTOFD fd = ch_file_open(dir_fd, name, err);

	if (fd < 0)
		return -1;
	return read_whole(fd, name, out, err);
}

int ch_file_read(const char *path, struct ch_str *out, struct ch_error *err)
{
	return ch_file_read_at(AT_FDCWD, path, out, err);
}

int ch_file_open_folder_of(const char *path)
{
	CH_AUTOCHAR folder = ch_xstrdup(path);
	char *slash = strrchr(folder, '/');

	if (slash == folder)
		slash++;
	if (slash)
		*slash = '\0';
	return open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int ch_file_write_all(int fd, const void *bytes, size_t len,
		      struct ch_error *err)
{
	const char *p = bytes;

	while (len > 0) {
		ssize_t put = write(fd, p, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return ch_error_errno(err, errno, "write");
		p += put;
		len -= (size_t)put;
	}
	return 0;
}

void ch_file_temporary_name(char *out, size_t size)
{
	unsigned char random[10];
	char text[CH_BASE32_SIZE(sizeof(random)) + 1] = "";

	ch_random(random, sizeof(random));
	ch_base32(random, sizeof(random), text);
	snprintf(out, size, ".%s.tmp", text);
}

static int sync_directory(int dir_fd, struct ch_error *err)
{
	if (fsync(dir_fd) < 0)
		return ch_error_errno(err, errno, "fsync of a directory");
	return 0;
}

static int write_durably(int dir_fd, const char *name, const void *bytes,
			 size_t len, unsigned int mode, struct ch_error *err)
{
	CH_AUTOFD fd = openat(dir_fd, name,
			      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return ch_error_errno(err, errno, "%s", name);
	if (ch_file_write_all(fd, bytes, len, err) < 0)
		return ch_error_prefix(err, "%s", name);
	if (fsync(fd) < 0)
		return ch_error_errno(err, errno, "%s: fsync", name);
	return 0;
}

int ch_file_replace(int dir_fd, const char *name, const void *bytes,
		    size_t len, unsigned int mode, struct ch_error *err)
{
	char temporary[64];

	ch_file_temporary_name(temporary, sizeof(temporary));
	if (write_durably(dir_fd, temporary, bytes, len, mode, err) < 0) {
		unlinkat(dir_fd, temporary, 0);
		return -1;
	}
	if (renameat(dir_fd, temporary, dir_fd, name) < 0) {
		ch_error_errno(err, errno, "%s", name);
		unlinkat(dir_fd, temporary, 0);
		return -1;
	}
	return sync_directory(dir_fd, err);
}
