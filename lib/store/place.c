// SPDX-License-Identifier: GPL-3.0-or-later
/* place.c - on which file systems a store may live.
 *
 * A list of those that are known to be wrong, by their magic numbers (Linux
 * statfs(2)): locks and the shared memory of the write-ahead log do not reach
 * across a network, and a file system in memory keeps no promise.
 */
#include "store/store.h"

#include <errno.h>
#include <sys/vfs.h>

static const struct {
	unsigned long magic;
	const char *name;
	const char *why;
} wrong[] = {
	{ 0x6969, "NFS", "network" },
	{ 0xFF534D42, "CIFS", "network" },
	{ 0xFE534D42, "SMB2", "network" },
	{ 0x517B, "SMB", "network" },
	{ 0x01021997, "9P", "network" },
	{ 0x65735546, "FUSE", "network or user-space" },
	{ 0x00C36400, "Ceph", "network" },
	{ 0x5346414F, "AFS", "network" },
	{ 0x6B414653, "kAFS", "network" },
	{ 0x73757245, "Coda", "network" },
	{ 0x0BD00BD0, "Lustre", "network" },
	{ 0x01161970, "GFS2", "cluster" },
	{ 0x7461636F, "OCFS2", "cluster" },
	{ 0x47504653, "GPFS", "cluster" },
	{ 0x01021994, "tmpfs", "volatile" },
	{ 0x858458F6, "ramfs", "volatile" },
	{ 0x73717368, "squashfs", "read-only" },
};

int ch_store_check_place(const char *directory, struct ch_error *err)
{
	struct statfs fs;
	unsigned long magic;

	if (statfs(directory, &fs) < 0)
		return ch_error_errno(err, errno, "%s", directory);
	magic = (unsigned long)fs.f_type & 0xFFFFFFFF;
	for (size_t i = 0; i < CH_COUNT(wrong); i++) {
		if (wrong[i].magic == magic)
			return ch_error_set(err, CH_GIVE_UP,
					    "%s is on %s, a %s file system: "
					    "letters could be lost or sent "
					    "twice; use a local disk",
					    directory, wrong[i].name,
					    wrong[i].why);
	}
	return 0;
}
