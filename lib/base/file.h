/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.h - read, write and place files without surprises.
 *
 * Only regular files are read (no FIFO, device or directory), and what is
 * placed is on the disk before the call returns.
 */
#ifndef CH_BASE_FILE_H
#define CH_BASE_FILE_H

#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

/* Open `name` for reading below the directory `dir_fd`: no "..", no absolute
 * path, no symbolic link that leads outside (openat2 RESOLVE_BENEATH), regular
 * files only. `dir_fd` AT_FDCWD opens any path. Returns the descriptor, which
 * the caller closes, or -1:
 *   CH_GIVE_UP  not there, not regular, outside; CH_RETRY  no descriptors left
 */
int ch_file_open(int dir_fd, const char *name, struct ch_error *err);

/* Read all of a regular file into *out, at most out->max bytes. Returns 0, or
 * -1 with CH_GIVE_UP where it is missing, unreadable, larger than that, or
 * changed while it was read. */
int ch_file_read(const char *path, struct ch_str *out, struct ch_error *err);
int ch_file_read_at(int dir_fd, const char *name, struct ch_str *out,
		    struct ch_error *err);

/* Open the folder that the file `path` is in, or would be. Returns a descriptor,
 * which the caller closes, or -1 with errno. */
int ch_file_open_folder_of(const char *path);

/* Write all of it, whatever the number of write() calls. */
int ch_file_write_all(int fd, const void *bytes, size_t len,
		      struct ch_error *err);

/* A name that nobody else uses, hidden: for 64 bytes. */
void ch_file_temporary_name(char *out, size_t size);

/* Put `bytes` at `name` below `dir_fd`: a temporary file, fsync, rename,
 * fsync of the directory. `mode` such as 0600. */
int ch_file_replace(int dir_fd, const char *name, const void *bytes,
		    size_t len, unsigned int mode, struct ch_error *err);

#endif
