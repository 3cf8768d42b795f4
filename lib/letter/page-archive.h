/* SPDX-License-Identifier: GPL-3.0-or-later */
/* page-archive.h - make a PDF of cairo's one for the archive (ISO 19005-2,
 * level U).
 *
 * cairo embeds its fonts and gives them ToUnicode maps. What PDF/A wants beside
 * that is added by copying the file object by object: XMP metadata that agree
 * with the document information, an output intent with an sRGB profile, the
 * language, a file identifier made of the content; annotations that print,
 * fonts that say how their glyphs are numbered; no transparency group around
 * pages, no interpolated images.
 */
#ifndef CH_LETTER_PAGE_ARCHIVE_H
#define CH_LETTER_PAGE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct ch_page_facts {
	const char *language; /* "fr" */
	const char *title;    /* UTF-8, as are the others */
	const char *author;   /* "" if none */
	const char *subject;  /* "" if none */
	int64_t date_us;
	bool rtl;
};

/* Append the new file. -1, CH_GIVE_UP, where `pdf` is not as cairo 1.16 and
 * 1.18 write it, or out->max is passed. */
int ch_page_archive(struct ch_slice pdf, const struct ch_page_facts *facts,
		    struct ch_str *out, struct ch_error *err);

#endif
