// SPDX-License-Identifier: GPL-3.0-or-later
/* objects.c - see objects.h. */
#include "base/objects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

/* So many or fewer are made durable one by one: others may have much on the
 * same disk that is not yet written, and need not be waited for. */
#define FEW 4

struct ch_object_new {
	char temporary[128];
	struct ch_sha256 sum;
	bool placed; /* it has its name */
};

/* ---- one ------------------------------------------------------------------ */

void ch_object_path(const struct ch_sha256 *sum, enum ch_object_form form,
		    char out[CH_OBJECT_PATH_SIZE])
{
	char hex[CH_SHA256_HEX_SIZE];

	ch_sha256_hex(sum, hex);
	snprintf(out, CH_OBJECT_PATH_SIZE, "%.2s/%s%s", hex, hex + 2,
		 form == CH_OBJECT_COMPRESSED ? ".zst" : "");
}

int ch_objects_open(const char *path, struct ch_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? ch_error_errno(err, errno, "objects: %s", path) : fd;
}

/* Its folder is there: 1 where it was made now. */
static int make_folder(int objects_fd, const char *path, struct ch_error *err)
{
	char folder[3];

	snprintf(folder, sizeof(folder), "%.2s", path);
	if (mkdirat(objects_fd, folder, 0700) == 0)
		return 1;
	if (errno != EEXIST)
		return ch_error_errno(err, errno, "object folder %s", folder);
	return 0;
}

int ch_object_add(int objects_fd, const void *bytes, size_t len,
		  struct ch_sha256 *ret_sum, struct ch_error *err)
{
	char path[CH_OBJECT_PATH_SIZE];
	char folder[3];
	struct ch_sha256 sum;
	CH_AUTOFD folder_fd = -1;
	int made;

	ch_sha256_of(bytes, len, &sum);
	ch_object_path(&sum, CH_OBJECT_PLAIN, path);
	made = make_folder(objects_fd, path, err);
	if (made < 0)
		return -1;
	if (made && fsync(objects_fd) < 0)
		return ch_error_errno(err, errno, "fsync of a directory");
	snprintf(folder, sizeof(folder), "%.2s", path);
	folder_fd = openat(objects_fd, folder,
			   O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (folder_fd < 0)
		return ch_error_errno(err, errno, "object folder %s", folder);
	if (faccessat(folder_fd, path + 3, F_OK, 0) < 0 &&
	    ch_file_replace(folder_fd, path + 3, bytes, len, 0600, err) < 0)
		return -1;
	*ret_sum = sum;
	return 0;
}

int ch_object_open(int objects_fd, const struct ch_sha256 *sum,
		   uint64_t *ret_size, enum ch_object_form *ret_form,
		   struct ch_error *err)
{
	char path[CH_OBJECT_PATH_SIZE];
	enum ch_object_form form = CH_OBJECT_PLAIN;
	struct ch_error other;
	struct stat st;
	CH_AUTOFD fd = -1;

	ch_object_path(sum, form, path);
	fd = ch_file_open(objects_fd, path, err);
	if (fd < 0) {
		form = CH_OBJECT_COMPRESSED;
		ch_object_path(sum, form, path);
		fd = ch_file_open(objects_fd, path, &other);
	}
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return ch_error_errno(err, errno, "object %s", path);
	*ret_size = (uint64_t)st.st_size;
	*ret_form = form;
	return CH_TAKE_FD(fd);
}

int ch_object_read(int objects_fd, const struct ch_sha256 *sum,
		   struct ch_str *out, struct ch_error *err)
{
	char path[CH_OBJECT_PATH_SIZE];
	struct ch_sha256 found;

	ch_object_path(sum, CH_OBJECT_PLAIN, path);
	if (ch_file_read_at(objects_fd, path, out, err) < 0)
		return -1;
	ch_sha256_of(ch_str_cstr(out), out->len, &found);
	if (!ch_sha256_eq(sum, &found))
		return ch_error_set(err, CH_GIVE_UP,
				    "object %s has other bytes than its name",
				    path);
	return 0;
}

int ch_object_remove(int objects_fd, const struct ch_sha256 *sum,
		     uint64_t *ret_size, struct ch_error *err)
{
	char path[CH_OBJECT_PATH_SIZE];
	struct stat st;

	ch_object_path(sum, CH_OBJECT_COMPRESSED, path);
	if (fstatat(objects_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    unlinkat(objects_fd, path, 0) == 0) {
		*ret_size = (uint64_t)st.st_size;
		return 1;
	}
	if (errno == ENOENT)
		return 0;
	return ch_error_errno(err, errno, "object %s", path);
}

/* ---- several -------------------------------------------------------------- */

void ch_objects_init(struct ch_objects *objects, int objects_fd,
		     const char *owner, struct ch_compress *compress)
{
	*objects = (struct ch_objects){ .objects_fd = objects_fd,
					.owner = owner,
					.compress = compress,
					.fd = -1 };
}

static void forget(struct ch_objects *objects)
{
	for (size_t i = 0; i < objects->len; i++)
		if (!objects->items[i].placed)
			unlinkat(objects->objects_fd,
				 objects->items[i].temporary, 0);
	objects->len = 0;
}

void ch_objects_release(struct ch_objects *objects)
{
	if (objects->fd >= 0) {
		ch_sha256_ctx_release(&objects->ctx);
		ch_auto_close(&objects->fd);
	}
	forget(objects);
	if (objects->locked)
		flock(objects->objects_fd, LOCK_UN);
	free(objects->items);
	ch_objects_init(objects, objects->objects_fd, objects->owner,
			objects->compress);
}

int ch_objects_begin(struct ch_objects *objects, struct ch_error *err)
{
	struct ch_object_new *item;
	char name[64];

	CH_GROW(objects->items, objects->len, objects->cap);
	item = &objects->items[objects->len];
	*item = (struct ch_object_new){ .placed = false };
	ch_file_temporary_name(name, sizeof(name));
	snprintf(item->temporary, sizeof(item->temporary), ".%.40s%s",
		 objects->owner, name);
	objects->fd = openat(objects->objects_fd, item->temporary,
			     O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (objects->fd < 0)
		return ch_error_errno(err, errno, "a new object");
	objects->len++;
	ch_sha256_init(&objects->ctx);
	ch_compress_begin(objects->compress, objects->fd);
	return 0;
}

int ch_objects_write(struct ch_objects *objects, const void *bytes, size_t len,
		     struct ch_error *err)
{
	ch_sha256_add(&objects->ctx, bytes, len);
	if (ch_compress_write(objects->compress, bytes, len, err) < 0)
		return ch_error_prefix(err, "a new object");
	return 0;
}

int ch_objects_end(struct ch_objects *objects, struct ch_sha256 *ret_sum,
		   struct ch_error *err)
{
	struct ch_object_new *item = &objects->items[objects->len - 1];

	if (ch_compress_end(objects->compress, err) < 0)
		return ch_error_prefix(err, "a new object");
	ch_sha256_final(&objects->ctx, &item->sum);
	*ret_sum = item->sum;
	close(CH_TAKE_FD(objects->fd));
	return 0;
}

/* ".owner.…" */
static bool is_of(const char *name, const char *owner)
{
	size_t len = strlen(owner);

	return name[0] == '.' && strncmp(name + 1, owner, len) == 0 &&
	       name[1 + len] == '.';
}

void ch_objects_sweep(int objects_fd, const char *owner)
{
	int fd = openat(objects_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!dir) {
		ch_auto_close(&fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (is_of(entry->d_name, owner))
			unlinkat(objects_fd, entry->d_name, 0);
	closedir(dir);
}

/* ---- durable -------------------------------------------------------------- */

static int sync_all(const struct ch_objects *objects, struct ch_error *err)
{
	if (syncfs(objects->objects_fd) < 0)
		return ch_error_errno(err, errno, "objects: syncfs");
	return 0;
}

/* What was written by a descriptor that is closed is synced by another, and so
 * are its errors told. */
static int sync_one(const struct ch_objects *objects, const char *path,
		    int flags, struct ch_error *err)
{
	CH_AUTOFD fd = openat(objects->objects_fd, path,
			      O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags);

	if (fd < 0 || fsync(fd) < 0)
		return ch_error_errno(err, errno, "objects: fsync of %s",
				      path);
	return 0;
}

static int sync_bytes(const struct ch_objects *objects, struct ch_error *err)
{
	if (objects->len > FEW)
		return sync_all(objects, err);
	for (size_t i = 0; i < objects->len; i++)
		if (sync_one(objects, objects->items[i].temporary, 0, err) < 0)
			return -1;
	return 0;
}

static int sync_names(const struct ch_objects *objects, struct ch_error *err)
{
	if (objects->len > FEW)
		return sync_all(objects, err);
	for (size_t i = 0; i < objects->len; i++) {
		char folder[CH_OBJECT_PATH_SIZE];

		ch_object_path(&objects->items[i].sum, CH_OBJECT_COMPRESSED,
			       folder);
		folder[2] = '\0';
		if (sync_one(objects, folder, O_DIRECTORY, err) < 0)
			return -1;
	}
	return sync_one(objects, ".", O_DIRECTORY, err);
}

/* One with the same bytes may be there: it may be damaged, and this is not. */
static int place(const struct ch_objects *objects, struct ch_object_new *item,
		 struct ch_error *err)
{
	char path[CH_OBJECT_PATH_SIZE];

	ch_object_path(&item->sum, CH_OBJECT_COMPRESSED, path);
	if (make_folder(objects->objects_fd, path, err) < 0)
		return -1;
	if (renameat(objects->objects_fd, item->temporary, objects->objects_fd,
		     path) < 0)
		return ch_error_errno(err, errno, "object %s", path);
	item->placed = true;
	return 0;
}

/* With other writers, and not with who removes what nobody tells of. On a disk
 * that knows no locks he removes nothing. */
static void lock(struct ch_objects *objects)
{
	int got;

	do
		got = flock(objects->objects_fd, LOCK_SH);
	while (got < 0 && errno == EINTR);
	objects->locked = got == 0;
}

int ch_objects_keep(struct ch_objects *objects, struct ch_error *err)
{
	if (objects->len == 0)
		return 0;
	if (sync_bytes(objects, err) < 0)
		return -1;
	lock(objects);
	for (size_t i = 0; i < objects->len; i++)
		if (place(objects, &objects->items[i], err) < 0)
			return -1;
	if (sync_names(objects, err) < 0)
		return -1;
	objects->len = 0;
	return 0;
}
