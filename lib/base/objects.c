// SPDX-License-Identifier: GPL-3.0-or-later
/* objects.c - see objects.h. */
#include "base/objects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	bool placed; /* it has its name, or one with these bytes has */
};

void ch_objects_init(struct ch_objects *objects, int objects_fd,
		     const char *owner)
{
	*objects = (struct ch_objects){
		.objects_fd = objects_fd, .owner = owner, .fd = -1
	};
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
	free(objects->items);
	ch_objects_init(objects, objects->objects_fd, objects->owner);
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
	return 0;
}

int ch_objects_write(struct ch_objects *objects, const void *bytes, size_t len,
		     struct ch_error *err)
{
	ch_sha256_add(&objects->ctx, bytes, len);
	if (ch_file_write_all(objects->fd, bytes, len, err) < 0)
		return ch_error_prefix(err, "a new object");
	return 0;
}

void ch_objects_end(struct ch_objects *objects, struct ch_sha256 *ret_sum,
		    int *ret_fd)
{
	struct ch_object_new *item = &objects->items[objects->len - 1];

	ch_sha256_final(&objects->ctx, &item->sum);
	*ret_sum = item->sum;
	if (ret_fd)
		*ret_fd = CH_TAKE_FD(objects->fd);
	else
		ch_auto_close(&objects->fd);
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

/* "ab/cdef…" */
static void name_of(const struct ch_object_new *item,
		    char ret[CH_SHA256_HEX_SIZE + 1])
{
	char hex[CH_SHA256_HEX_SIZE];

	ch_sha256_hex(&item->sum, hex);
	snprintf(ret, CH_SHA256_HEX_SIZE + 1, "%.2s/%s", hex, hex + 2);
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
		char folder[CH_SHA256_HEX_SIZE + 1];

		name_of(&objects->items[i], folder);
		folder[2] = '\0';
		if (sync_one(objects, folder, O_DIRECTORY, err) < 0)
			return -1;
	}
	return sync_one(objects, ".", O_DIRECTORY, err);
}

/* One with the same bytes may be there, durable or not yet. */
static int place(const struct ch_objects *objects, struct ch_object_new *item,
		 struct ch_error *err)
{
	char name[CH_SHA256_HEX_SIZE + 1];
	char folder[3];

	name_of(item, name);
	snprintf(folder, sizeof(folder), "%.2s", name);
	if (mkdirat(objects->objects_fd, folder, 0700) < 0 && errno != EEXIST)
		return ch_error_errno(err, errno, "object folder %s", folder);
	if (faccessat(objects->objects_fd, name, F_OK, 0) == 0)
		unlinkat(objects->objects_fd, item->temporary, 0);
	else if (renameat(objects->objects_fd, item->temporary,
			  objects->objects_fd, name) < 0)
		return ch_error_errno(err, errno, "object %s", name);
	item->placed = true;
	return 0;
}

int ch_objects_keep(struct ch_objects *objects, struct ch_error *err)
{
	if (objects->len == 0)
		return 0;
	if (sync_bytes(objects, err) < 0)
		return -1;
	for (size_t i = 0; i < objects->len; i++)
		if (place(objects, &objects->items[i], err) < 0)
			return -1;
	if (sync_names(objects, err) < 0)
		return -1;
	objects->len = 0;
	return 0;
}
