// SPDX-License-Identifier: GPL-3.0-or-later
/* compress.c - see compress.h. This file alone includes zstd. */
#include "base/compress.h"

#include <stdbool.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/file.h"

/* Of 976 mails that came back it makes a quarter of their bytes in 20 us each;
 * level 9 takes four times as long and six times the memory for 3 % less. */
#define LEVEL 3
#define WINDOW_LOG 19     /* 512 KiB: what is written looks so far back */
#define WINDOW_LOG_MAX 23 /* and what is read, as RFC 8878 recommends */
#define PIECE (64 * 1024)

struct ch_compress {
	ZSTD_CCtx *context; /* owned */
	int fd;             /* borrowed */
	char out[PIECE];
};

struct ch_compress *ch_compress_new(void)
{
	struct ch_compress *compress = ch_xmalloc(sizeof(*compress));

	compress->fd = -1;
	compress->context = ZSTD_createCCtx();
	if (!compress->context)
		abort(); /* out of memory */
	ZSTD_CCtx_setParameter(compress->context, ZSTD_c_compressionLevel,
			       LEVEL);
	ZSTD_CCtx_setParameter(compress->context, ZSTD_c_windowLog,
			       WINDOW_LOG);
	ZSTD_CCtx_setParameter(compress->context, ZSTD_c_checksumFlag, 1);
	return compress;
}

void ch_compress_free(struct ch_compress *compress)
{
	if (!compress)
		return;
	ZSTD_freeCCtx(compress->context);
	free(compress);
}

void ch_compress_begin(struct ch_compress *compress, int fd)
{
	ZSTD_CCtx_reset(compress->context, ZSTD_reset_session_only);
	compress->fd = fd;
}

/* Until all of `in` is taken and, with ZSTD_e_end, written. */
static int feed(struct ch_compress *compress, ZSTD_inBuffer *in,
		ZSTD_EndDirective directive, struct ch_error *err)
{
	size_t left;

	do {
		ZSTD_outBuffer out = { compress->out, PIECE, 0 };

		left = ZSTD_compressStream2(compress->context, &out, in,
					    directive);
		/* Its parameters are ours: nothing else can be wrong. */
		if (ZSTD_isError(left))
			abort(); /* out of memory */
		if (ch_file_write_all(compress->fd, out.dst, out.pos, err) < 0)
			return -1;
	} while (directive == ZSTD_e_end ? left > 0 : in->pos < in->size);
	return 0;
}

int ch_compress_write(struct ch_compress *compress, const void *bytes,
		      size_t len, struct ch_error *err)
{
	ZSTD_inBuffer in = { bytes, len, 0 };

	return feed(compress, &in, ZSTD_e_continue, err);
}

int ch_compress_end(struct ch_compress *compress, struct ch_error *err)
{
	ZSTD_inBuffer in = { NULL, 0, 0 };

	return feed(compress, &in, ZSTD_e_end, err);
}

/* ---- back ---------------------------------------------------------------- */

struct ch_decompress {
	ZSTD_DCtx *context; /* owned */
	ch_decompress_piece *piece;
	void *piece_context; /* borrowed */
	uint64_t max_bytes;
	uint64_t given;
	bool ended; /* all of it was there */
	char out[PIECE];
};

struct ch_decompress *ch_decompress_new(uint64_t max_bytes,
					ch_decompress_piece *piece,
					void *context)
{
	struct ch_decompress *decompress = ch_xmalloc(sizeof(*decompress));

	decompress->context = ZSTD_createDCtx();
	if (!decompress->context)
		abort(); /* out of memory */
	ZSTD_DCtx_setParameter(decompress->context, ZSTD_d_windowLogMax,
			       WINDOW_LOG_MAX);
	decompress->piece = piece;
	decompress->piece_context = context;
	decompress->max_bytes = max_bytes;
	decompress->given = 0;
	decompress->ended = false;
	return decompress;
}

void ch_decompress_free(struct ch_decompress *decompress)
{
	if (!decompress)
		return;
	ZSTD_freeDCtx(decompress->context);
	free(decompress);
}

/* One step. *ret_full: there may be more to come without more to read. */
static int take_piece(struct ch_decompress *decompress, ZSTD_inBuffer *in,
		      bool *ret_full, struct ch_error *err)
{
	ZSTD_outBuffer to = { decompress->out, PIECE, 0 };
	size_t left = ZSTD_decompressStream(decompress->context, &to, in);

	if (ZSTD_isError(left))
		return ch_error_set(err, CH_GIVE_UP, "damaged: %s",
				    ZSTD_getErrorName(left));
	if (to.pos > decompress->max_bytes - decompress->given)
		return ch_error_set(err, CH_GIVE_UP,
				    "it holds more than %llu bytes",
				    (unsigned long long)decompress->max_bytes);
	decompress->given += to.pos;
	decompress->ended = left == 0;
	*ret_full = to.pos == to.size && left > 0;
	return decompress->piece(decompress->piece_context, to.dst, to.pos,
				 err);
}

int ch_decompress_write(struct ch_decompress *decompress, const void *bytes,
			size_t len, struct ch_error *err)
{
	ZSTD_inBuffer in = { bytes, len, 0 };
	bool full = false;

	while (in.pos < in.size || full) {
		if (decompress->ended)
			return ch_error_set(err, CH_GIVE_UP,
					    "damaged: something follows its "
					    "end");
		if (take_piece(decompress, &in, &full, err) < 0)
			return -1;
	}
	return 0;
}

int ch_decompress_end(struct ch_decompress *decompress, struct ch_error *err)
{
	if (decompress->ended)
		return 0;
	return ch_error_set(err, CH_GIVE_UP, "damaged: it is cut short");
}
