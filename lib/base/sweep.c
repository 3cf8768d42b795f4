// SPDX-License-Identifier: GPL-3.0-or-later
/* sweep.c - see sweep.h. One folder after another stays open between two calls:
 * each costs as much as it looks at, however many there are. */
#include "base/sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/objects.h"

#define TOP (-1) /* where what is half written lies */
#define FOLDERS 256
#define NAME_LEN 62 /* of an object, without the two digits of its folder */

struct ch_sweep {
	int objects_fd; /* owned */
	int folder;     /* TOP, or 0 to FOLDERS */
	DIR *dir;       /* owned; of that folder, NULL: not opened yet */
};

struct ch_sweep *ch_sweep_new(int objects_fd)
{
	struct ch_sweep *sweep = ch_xzalloc(sizeof(*sweep));

	sweep->objects_fd = objects_fd;
	sweep->folder = TOP;
	return sweep;
}

static void close_folder(struct ch_sweep *sweep)
{
	if (sweep->dir)
		closedir(sweep->dir);
	sweep->dir = NULL;
}

void ch_sweep_free(struct ch_sweep *sweep)
{
	if (!sweep)
		return;
	close_folder(sweep);
	ch_auto_close(&sweep->objects_fd);
	free(sweep);
}

static void open_folder(struct ch_sweep *sweep)
{
	char name[12] = ".";
	int fd;

	if (sweep->folder != TOP)
		snprintf(name, sizeof(name), "%02x",
			 (unsigned int)sweep->folder);
	fd = openat(sweep->objects_fd, name,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	sweep->dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!sweep->dir)
		ch_auto_close(&fd);
}

/* The next name; NULL at the end of a folder, and the next one follows. */
static const char *next_name(struct ch_sweep *sweep)
{
	const struct dirent *entry;

	if (!sweep->dir)
		open_folder(sweep);
	entry = sweep->dir ? readdir(sweep->dir) : NULL;
	if (entry)
		return entry->d_name;
	close_folder(sweep);
	sweep->folder++;
	return NULL;
}

static bool is_older(int dir_fd, const char *name, int64_t before_us,
		     struct stat *ret)
{
	if (fstatat(dir_fd, name, ret, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(ret->st_mode))
		return false;
	return (int64_t)ret->st_mtim.tv_sec * 1000000 +
		       ret->st_mtim.tv_nsec / 1000 < before_us;
}

/* "cdef….zst", in the folder "ab" */
static bool is_object(const struct ch_sweep *sweep, const char *name,
		      struct ch_sha256 *ret)
{
	char hex[CH_SHA256_HEX_SIZE];

	if (strlen(name) != NAME_LEN + 4 ||
	    strcmp(name + NAME_LEN, ".zst") != 0)
		return false;
	snprintf(hex, sizeof(hex), "%02x%.62s", (unsigned int)sweep->folder,
		 name);
	return ch_sha256_parse(hex, strlen(hex), ret) == 0;
}

/* ".owner.…": no writer has it open for so long. */
static void look_at_half(const struct ch_sweep *sweep, const char *name,
			 int64_t before_us)
{
	struct stat st;

	if (name[0] == '.' && is_older(sweep->objects_fd, name, before_us, &st))
		unlinkat(sweep->objects_fd, name, 0);
}

int ch_sweep_look(struct ch_sweep *sweep, int64_t before_us, size_t limit,
		  struct ch_sha256 *ret, size_t *ret_len)
{
	struct stat st;

	*ret_len = 0;
	while (limit-- > 0 && sweep->folder < FOLDERS) {
		const char *name = next_name(sweep);

		if (!name)
			continue;
		if (sweep->folder == TOP)
			look_at_half(sweep, name, before_us);
		else if (is_object(sweep, name, &ret[*ret_len]) &&
			 is_older(dirfd(sweep->dir), name, before_us, &st))
			(*ret_len)++;
	}
	return sweep->folder < FOLDERS;
}

int ch_sweep_remove(struct ch_sweep *sweep, const struct ch_sha256 *sum,
		    int64_t before_us, uint64_t *ret_size,
		    struct ch_error *err)
{
	char path[CH_OBJECT_PATH_SIZE];
	struct stat st;
	int removed = 0;

	if (flock(sweep->objects_fd, LOCK_EX | LOCK_NB) < 0)
		return 0;
	ch_object_path(sum, CH_OBJECT_COMPRESSED, path);
	if (is_older(sweep->objects_fd, path, before_us, &st))
		removed = ch_object_remove(sweep->objects_fd, sum, ret_size,
					   err);
	flock(sweep->objects_fd, LOCK_UN);
	return removed;
}
