/* SPDX-License-Identifier: GPL-3.0-or-later */
/* escape.h - what others wrote, made safe to show.
 *
 * A reply text, a subject, a cell of a table passes one of these on its way to
 * a terminal, the journal or an export, and nothing else does that work.
 */
#ifndef CH_BASE_ESCAPE_H
#define CH_BASE_ESCAPE_H

#include <stddef.h>

#include "base/str.h"

/* One line that a terminal cannot be hurt by: controls (C0, DEL, C1, line and
 * paragraph separators), bidi controls and bytes that are not UTF-8 become
 * \xHH or \u{HHHH}; a backslash becomes two. */
void ch_escape_line(struct ch_str *out, const char *text, size_t len);

/* HTML text and attribute values: & < > " ' become entities; controls other
 * than TAB, LF, CR and bytes that are not UTF-8 become U+FFFD. */
void ch_escape_html(struct ch_str *out, const char *text, size_t len);

/* One CSV cell (RFC 4180), quoted where it must be. What begins with one of
 * = + - @ TAB CR LF or a full-width = + - @, behind any number of apostrophes,
 * gets an apostrophe before it, so that no spreadsheet runs it; taking one off
 * such a cell gives the value again. */
void ch_escape_csv(struct ch_str *out, const char *text, size_t len);

/* UTF-8 for JSON and the store: bytes that are not UTF-8, and NUL, become
 * U+FFFD. (JSON itself is written by jansson.) */
void ch_escape_utf8(struct ch_str *out, const char *text, size_t len);

#endif
