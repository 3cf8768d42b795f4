// SPDX-License-Identifier: GPL-3.0-or-later
/* spool.c - see spool.h. */
#include "chanceryd/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

#define NAME_BYTES 10 /* 80 random bits, 16 base32 digits */
#define NAME_LEN CH_BASE32_SIZE(NAME_BYTES)
#define DEPTH_MAX 8 /* an upload has two levels */

struct ch_spool {
	int fd;
	char *path; /* owned, absolute */
};

static int open_folder(int at_fd, const char *name)
{
	return openat(at_fd, name,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* ---- removing --------------------------------------------------------- */

static int remove_entry(int at_fd, const char *name, int depth,
			struct ch_error *err);

static int empty_folder(int fd, int depth, struct ch_error *err)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = own < 0 ? NULL : fdopendir(own);
	const struct dirent *entry;
	int rc = 0;

	if (!dir) {
		ch_error_errno(err, errno, "spool");
		if (own >= 0)
			close(own);
		return -1;
	}
	rewinddir(dir);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0 &&
		    remove_entry(fd, entry->d_name, depth, err) < 0)
			rc = -1;
	}
	closedir(dir);
	return rc;
}

static int remove_entry(int at_fd, const char *name, int depth,
			struct ch_error *err)
{
	CH_AUTOFD fd = -1;

	if (unlinkat(at_fd, name, 0) == 0)
		return 0;
	/* Linux says EISDIR, POSIX EPERM. */
	if (errno != EISDIR && errno != EPERM)
		return ch_error_errno(err, errno, "spool: %s", name);
	if (depth >= DEPTH_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "spool: %s lies too deep to be ours", name);
	fd = open_folder(at_fd, name);
	if (fd < 0)
		return ch_error_errno(err, errno, "spool: %s", name);
	if (empty_folder(fd, depth + 1, err) < 0)
		return -1;
	if (unlinkat(at_fd, name, AT_REMOVEDIR) < 0)
		return ch_error_errno(err, errno, "spool: %s", name);
	return 0;
}

/* ---- opening ---------------------------------------------------------- */

static int check_folder(int fd, const char *path, struct ch_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ch_error_errno(err, errno, "%s", path);
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return ch_error_set(err, CH_GIVE_UP,
				    "%s: others may write there", path);
	return 0;
}

int ch_spool_open(const char *directory, struct ch_spool **ret,
		  struct ch_error *err)
{
	CH_AUTOPTR(ch_spool) spool = ch_xzalloc(sizeof(*spool));
	CH_AUTOCHAR real = realpath(directory, NULL);

	spool->fd = -1;
	if (!real)
		return ch_error_errno(err, errno, "%s", directory);
	spool->path = ch_xasprintf("%s/spool", real);
	if (mkdir(spool->path, 0700) < 0 && errno != EEXIST)
		return ch_error_errno(err, errno, "%s", spool->path);
	spool->fd = open_folder(AT_FDCWD, spool->path);
	if (spool->fd < 0)
		return ch_error_errno(err, errno, "%s", spool->path);
	if (check_folder(spool->fd, spool->path, err) < 0 ||
	    empty_folder(spool->fd, 0, err) < 0)
		return -1;
	*ret = CH_TAKE(spool);
	return 0;
}

void ch_spool_close(struct ch_spool *spool)
{
	if (!spool)
		return;
	if (spool->fd >= 0)
		close(spool->fd);
	free(spool->path);
	free(spool);
}

/* ---- the folders ------------------------------------------------------ */

int ch_spool_add(struct ch_spool *spool, char **ret_path, struct ch_error *err)
{
	unsigned char random[NAME_BYTES];
	char name[NAME_LEN + 1] = "";

	ch_random(random, sizeof(random));
	ch_base32(random, sizeof(random), name);
	if (mkdirat(spool->fd, name, 0700) < 0)
		return ch_error_errno(err, errno, "%s/%s", spool->path, name);
	*ret_path = ch_xasprintf("%s/%s", spool->path, name);
	return 0;
}

/* Its last component, or NULL. */
static const char *name_of(const struct ch_spool *spool, const char *path)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	size_t len = strlen(spool->path);

	if (strncmp(path, spool->path, len) != 0 || path[len] != '/' ||
	    strspn(path + len + 1, digits) != NAME_LEN ||
	    path[len + 1 + NAME_LEN] != '\0')
		return NULL;
	return path + len + 1;
}

int ch_spool_check(const struct ch_spool *spool, const char *path,
		   struct ch_error *err)
{
	struct stat st;

	if (!name_of(spool, path))
		return ch_error_set(err, CH_GIVE_UP,
				    "%s is no folder of the spool", path);
	if (fstatat(spool->fd, name_of(spool, path), &st,
		    AT_SYMLINK_NOFOLLOW) < 0)
		return ch_error_errno(err, errno, "%s", path);
	if (!S_ISDIR(st.st_mode))
		return ch_error_set(err, CH_GIVE_UP, "%s is no folder", path);
	return 0;
}

int ch_spool_remove(struct ch_spool *spool, const char *path,
		    struct ch_error *err)
{
	const char *name = name_of(spool, path);

	if (!name)
		return ch_error_set(err, CH_GIVE_UP,
				    "%s is no folder of the spool", path);
	return remove_entry(spool->fd, name, 0, err);
}
