/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compress.h - bytes made smaller on their way to a file, and back (zstd,
 * RFC 8878).
 *
 * Both ways in bounded memory: some 2 MiB to write; to read a window, which
 * another program may have made larger than we do, of 8 MiB at most. What is read may have been changed on the
 * disk, or be made by somebody who wants it to have no end: it is taken only to
 * the limit that its reader sets, and only whole.
 */
#ifndef CH_BASE_COMPRESS_H
#define CH_BASE_COMPRESS_H

#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

struct ch_compress; /* opaque */

/* One can write any number of files, one after another. */
struct ch_compress *ch_compress_new(void);
void ch_compress_free(struct ch_compress *compress); /* NULL is fine */

/* Begin a file, at the descriptor's place; it is borrowed until the end. */
void ch_compress_begin(struct ch_compress *compress, int fd);
/* -1: the disk is full or fails; begin anew. */
int ch_compress_write(struct ch_compress *compress, const void *bytes,
		      size_t len, struct ch_error *err);
/* All of it is in the file, with a check of the content. */
int ch_compress_end(struct ch_compress *compress, struct ch_error *err);

/* What a file of the above holds, appended to *out. -1 (CH_GIVE_UP): it is none,
 * damaged, cut short, asks for a larger window than that, or holds more than out->max
 * bytes. What was appended until then is of no use. */
int ch_decompress(const void *bytes, size_t len, struct ch_str *out,
		  struct ch_error *err);

#endif
