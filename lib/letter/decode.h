/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decode.h - a file or memory as a stream of UTF-8, whatever its charset. */
#ifndef CH_LETTER_DECODE_H
#define CH_LETTER_DECODE_H

#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

struct ch_decoder; /* opaque */

/* Read from `fd` (borrowed), or from `memory` (borrowed) where fd is -1. A
 * byte-order mark is dropped and decides between UTF-8 and UTF-16; `charset`,
 * a name that ICU knows, decides where there is none; NULL: UTF-8. -1 with
 * CH_GIVE_UP: an unknown charset, one that contradicts the mark, or a read
 * error. The caller owns *ret. */
int ch_decoder_new(int fd, struct ch_slice memory, const char *charset,
		   struct ch_decoder **ret, struct ch_error *err);
void ch_decoder_free(struct ch_decoder *decoder);

/* The next piece: 1 with *ret, borrowed until the next call, 0 at the end, -1
 * for a read error. *ret is valid UTF-8 of whole characters and may be empty.
 * Where *ret_bad is not -1, it is a byte that is none in that charset, and
 * stands right behind the piece. */
int ch_decoder_next(struct ch_decoder *decoder, struct ch_slice *ret,
		    int *ret_bad, struct ch_error *err);

/* What it reads: "UTF-8", "UTF-16LE", or the name that was given. */
const char *ch_decoder_charset(const struct ch_decoder *decoder);

CH_DEFINE_AUTOPTR(ch_decoder);

#endif
