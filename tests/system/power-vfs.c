// SPDX-License-Identifier: GPL-3.0-or-later
/* power-vfs.c - see power-vfs.h. */
#include "system/power-vfs.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define SECTOR 512

/* What a file had before a write, a piece of a sector each. */
struct undo {
	struct undo *next; /* the write before */
	sqlite3_int64 at;
	int len;       /* of the write */
	int old_len;   /* of what was there; the rest is new */
	sqlite3_int64 old_size; /* of the file */
	bool truncated;
	unsigned char old[];
};

struct power_file {
	sqlite3_file base; /* first: SQLite sees this */
	sqlite3_file *real; /* owned */
	struct undo *undo;  /* owned; the last one first */
	struct power_file *next;
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs power_vfs;
static struct power_file *files; /* that are open */
static long operations;
static long cut_at;
static bool has_seed;
static uint64_t chance;

static struct power_file *of(sqlite3_file *file)
{
	return (struct power_file *)(void *)file;
}

/* ---- the power goes ----------------------------------------------------- */

static bool heads(void)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance & 1;
}

/* One write is taken back; what it had appended is cut off, or, where later
 * bytes stay, has never been written. */
static void take_back(sqlite3_file *real, const struct undo *undo)
{
	unsigned char zeros[SECTOR] = { 0 };
	sqlite3_int64 size = 0;

	real->pMethods->xFileSize(real, &size);
	if (undo->old_len > 0)
		real->pMethods->xWrite(real, undo->old, undo->old_len,
				       undo->at);
	if (undo->truncated)
		return;
	if (undo->at + undo->len >= size && undo->old_size < size)
		real->pMethods->xTruncate(real,
					  undo->at + undo->old_len);
	else if (undo->old_len < undo->len)
		real->pMethods->xWrite(real, zeros,
				       undo->len - undo->old_len,
				       undo->at + undo->old_len);
}

static void cut(void)
{
	for (struct power_file *file = files; file; file = file->next) {
		for (const struct undo *undo = file->undo; undo;
		     undo = undo->next) {
			if (!has_seed || heads())
				take_back(file->real, undo);
		}
	}
	_exit(POWER_CUT_STATUS);
}

static void count(void)
{
	if (++operations == cut_at)
		cut();
}

/* ---- writing ------------------------------------------------------------ */

static struct undo *add_undo(struct power_file *file, sqlite3_int64 at,
			     int len)
{
	struct undo *undo = ch_xzalloc(sizeof(*undo) + (size_t)len);
	sqlite3_file *real = file->real;

	undo->at = at;
	undo->len = len;
	real->pMethods->xFileSize(real, &undo->old_size);
	if (at < undo->old_size) {
		undo->old_len = undo->old_size - at < len
					? (int)(undo->old_size - at) : len;
		real->pMethods->xRead(real, undo->old, undo->old_len, at);
	}
	undo->next = file->undo;
	file->undo = undo;
	return undo;
}

static int power_write(sqlite3_file *file, const void *bytes, int len,
		       sqlite3_int64 at)
{
	sqlite3_file *real = of(file)->real;
	const char *from = bytes;

	count();
	while (len > 0) {
		int piece = SECTOR - (int)(at % SECTOR);
		int rc;

		if (piece > len)
			piece = len;
		add_undo(of(file), at, piece);
		rc = real->pMethods->xWrite(real, from, piece, at);
		if (rc != SQLITE_OK)
			return rc;
		from += piece;
		at += piece;
		len -= piece;
	}
	return SQLITE_OK;
}

static int power_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	sqlite3_file *real = of(file)->real;
	sqlite3_int64 old_size = 0;

	count();
	real->pMethods->xFileSize(real, &old_size);
	for (sqlite3_int64 at = size; at < old_size; at += SECTOR)
		add_undo(of(file), at,
			 old_size - at < SECTOR ? (int)(old_size - at)
						: SECTOR)->truncated = true;
	return real->pMethods->xTruncate(real, size);
}

static void forget_undo(struct power_file *file)
{
	while (file->undo) {
		struct undo *next = file->undo->next;

		free(file->undo);
		file->undo = next;
	}
}

static int power_sync(sqlite3_file *file, int flags)
{
	sqlite3_file *real = of(file)->real;
	int rc;

	count();
	rc = real->pMethods->xSync(real, flags);
	forget_undo(of(file));
	return rc;
}

/* ---- all else goes through ---------------------------------------------- */

static int power_close(sqlite3_file *file)
{
	struct power_file *own = of(file);
	struct power_file **at = &files;
	int rc = own->real->pMethods->xClose(own->real);

	while (*at && *at != own)
		at = &(*at)->next;
	if (*at)
		*at = own->next;
	forget_undo(own);
	free(own->real);
	return rc;
}

#define THROUGH(name, method, parameters, ...)                            \
	static int name parameters                                        \
	{                                                                 \
		return of(file)->real->pMethods->method(of(file)->real,   \
							##__VA_ARGS__);   \
	}
THROUGH(power_read, xRead,
	(sqlite3_file *file, void *out, int len, sqlite3_int64 at), out, len,
	at)
THROUGH(power_size, xFileSize, (sqlite3_file *file, sqlite3_int64 *ret), ret)
THROUGH(power_lock, xLock, (sqlite3_file *file, int level), level)
THROUGH(power_unlock, xUnlock, (sqlite3_file *file, int level), level)
THROUGH(power_reserved, xCheckReservedLock, (sqlite3_file *file, int *ret),
	ret)
THROUGH(power_control, xFileControl, (sqlite3_file *file, int op, void *arg),
	op, arg)
THROUGH(power_sector, xSectorSize, (sqlite3_file *file))
THROUGH(power_shm_map, xShmMap,
	(sqlite3_file *file, int page, int size, int extend,
	 void volatile **ret), page, size, extend, ret)
THROUGH(power_shm_lock, xShmLock,
	(sqlite3_file *file, int offset, int n, int flags), offset, n, flags)
THROUGH(power_shm_unmap, xShmUnmap, (sqlite3_file *file, int remove), remove)

static void power_shm_barrier(sqlite3_file *file)
{
	of(file)->real->pMethods->xShmBarrier(of(file)->real);
}

/* No promise that a torn sector leaves its neighbours alone. */
static int power_device(sqlite3_file *file)
{
	return of(file)->real->pMethods->xDeviceCharacteristics(
		       of(file)->real) &
	       ~SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = power_close,
	.xRead = power_read,
	.xWrite = power_write,
	.xTruncate = power_truncate,
	.xSync = power_sync,
	.xFileSize = power_size,
	.xLock = power_lock,
	.xUnlock = power_unlock,
	.xCheckReservedLock = power_reserved,
	.xFileControl = power_control,
	.xSectorSize = power_sector,
	.xDeviceCharacteristics = power_device,
	.xShmMap = power_shm_map,
	.xShmLock = power_shm_lock,
	.xShmBarrier = power_shm_barrier,
	.xShmUnmap = power_shm_unmap,
};

static int power_open(sqlite3_vfs *vfs, sqlite3_filename name,
		      sqlite3_file *file, int flags, int *ret_flags)
{
	struct power_file *own = of(file);
	int rc;

	*own = (struct power_file){
		.real = ch_xzalloc((size_t)real_vfs->szOsFile),
	};
	rc = real_vfs->xOpen(real_vfs, name, own->real, flags, ret_flags);
	if (rc != SQLITE_OK) {
		free(own->real);
		return rc;
	}
	own->base.pMethods = &methods;
	own->next = files;
	files = own;
	return SQLITE_OK;
}

static void tell(void)
{
	fprintf(stderr, "power %ld\n", operations);
}

void power_vfs_init(void)
{
	const char *text = getenv("POWER_CUT");
	char *end;

	if (!text)
		return;
	cut_at = strtol(text, &end, 10);
	has_seed = *end == ':';
	chance = 0x9E3779B97F4A7C15u;
	if (has_seed)
		chance ^= strtoull(end + 1, NULL, 10) * 2654435761u +
			  (uint64_t)cut_at;
	real_vfs = sqlite3_vfs_find(NULL);
	power_vfs = *real_vfs;
	power_vfs.zName = "power";
	power_vfs.szOsFile = sizeof(struct power_file);
	power_vfs.xOpen = power_open;
	sqlite3_vfs_register(&power_vfs, 1);
	atexit(tell);
}
