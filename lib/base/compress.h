/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compress.h - bytes made smaller on their way to a file, and back (zstd,
 * RFC 8878).
 *
 * Both ways in bounded memory: some 2 MiB to write; to read a window, which
 * another program may have made larger than we do, of 8 MiB at most. What is
 * read may have been changed on the disk, or be made by somebody who wants it to
 * have no end: it is taken only to the limit that its reader sets, and is of use
 * only whole.
 */
#ifndef CH_BASE_COMPRESS_H
#define CH_BASE_COMPRESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

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

/* ---- back ------------------------------------------------------------------
 *
 * What a file of the above holds, given on as it comes. After any -1 nothing but
 * ch_decompress_free() may follow, and what was given until then is of no use:
 * CH_GIVE_UP where it is no such file, damaged, cut short, asks for a larger
 * window than that, or holds more than `max_bytes`; else as `piece` failed.
 */
struct ch_decompress; /* opaque */

typedef int ch_decompress_piece(void *context, const void *bytes, size_t len,
				struct ch_error *err);

struct ch_decompress *ch_decompress_new(uint64_t max_bytes,
					ch_decompress_piece *piece,
					void *context);
void ch_decompress_free(struct ch_decompress *decompress); /* NULL is fine */
int ch_decompress_write(struct ch_decompress *decompress, const void *bytes,
			size_t len, struct ch_error *err);
/* That was all of it. */
int ch_decompress_end(struct ch_decompress *decompress, struct ch_error *err);

#endif
