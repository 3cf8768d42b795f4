/* SPDX-License-Identifier: GPL-3.0-or-later */
/* power-vfs.h - a disk that loses what was not synced when the power goes.
 *
 * A VFS of SQLite above the system's own. What is written is there at once, as
 * in a page cache; until its file is synced it can still be undone. At the Nth
 * write, truncation or sync the power goes: the files are put into a state that
 * a disk may be found in, and the process ends with POWER_CUT_STATUS.
 */
#ifndef CH_TESTS_POWER_VFS_H
#define CH_TESTS_POWER_VFS_H

#define POWER_CUT_STATUS 99

/* Where the environment has POWER_CUT=N or N:SEED, make it the default VFS.
 * Without a seed all that was not synced is lost; with one, each unsynced write
 * is lost or kept as it says, in sectors of 512 bytes, so that a write may be
 * torn. At the end of the process "power N" on stderr tells how many operations
 * there were. */
void power_vfs_init(void);

#endif
