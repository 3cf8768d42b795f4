/* SPDX-License-Identifier: GPL-3.0-or-later */
/* term.h - what a stream can show, and text made fit for it.
 *
 * Whatever a stranger or a file wrote goes through ch_term_text(), which ends
 * in lib/base/escape.h; what is written here literally is plain ASCII. Where
 * the locale is not UTF-8 nothing but ASCII is written: bytes of UTF-8 are
 * controls to an 8-bit terminal.
 */
#ifndef CH_CLI_TERM_H
#define CH_CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/str.h"

enum ch_color {
	CH_COLOR_AUTO,
	CH_COLOR_ALWAYS,
	CH_COLOR_NEVER,
};

struct ch_term {
	FILE *file; /* borrowed */
	bool tty;
	bool color;
	bool utf8;
	bool redraw;      /* can move its cursor */
	unsigned int columns; /* 0: lines may be of any length */
};

/* Look at the stream, the locale (setlocale() was called), NO_COLOR, TERM and
 * COLUMNS. */
void ch_term_init(struct ch_term *term, FILE *file, enum ch_color color);

/* Append `text` escaped and in the characters that the stream can show. */
void ch_term_text(const struct ch_term *term, struct ch_str *out,
		  const char *text);
void ch_term_text_mem(const struct ch_term *term, struct ch_str *out,
		      const char *text, size_t len);
/* The same for text that ch_escape_line() has been over. */
void ch_term_escaped(const struct ch_term *term, struct ch_str *out,
		     const char *text);

/* Write one line: the format and what it holds, made safe as a whole. */
void ch_term_line(const struct ch_term *term, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same, and where the stream has columns a long line goes on, between words
 * where there are any, in further ones that are indented so far. `begun` columns
 * are written of the first. */
void ch_term_fold(const struct ch_term *term, unsigned int begun,
		  unsigned int indent, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Write text of several lines: each made safe on its own; a CR before the end
 * and direction isolates (our own, around values in Arabic) are left out. */
void ch_term_block(const struct ch_term *term, const char *text, size_t len);

enum ch_style {
	CH_STYLE_PLAIN,
	CH_STYLE_BOLD,
	CH_STYLE_DIM,
	CH_STYLE_GREEN,
	CH_STYLE_CYAN,
	CH_STYLE_YELLOW,
	CH_STYLE_MAGENTA,
	CH_STYLE_RED,
};
/* The sequence that begins a style, "" without colour; PLAIN ends any. */
const char *ch_term_style(const struct ch_term *term, enum ch_style style);

/* What became of a letter, by sign and by word: never by colour alone. */
enum ch_sign {
	CH_SIGN_ANSWERED,
	CH_SIGN_SENT,
	CH_SIGN_WAITING,
	CH_SIGN_IN_DOUBT,
	CH_SIGN_RETURNED,
	CH_SIGN_CANCELLED,
};
const char *ch_term_sign(const struct ch_term *term, enum ch_sign sign);
enum ch_style ch_term_sign_style(enum ch_sign sign);

/* "12.4 KiB" into `out`. */
#define CH_TERM_SIZE 16
const char *ch_term_size(unsigned long long bytes, char out[CH_TERM_SIZE]);

#endif
