/* SPDX-License-Identifier: GPL-3.0-or-later */
/* page.h - one addressee's letter set on paper: a PDF to print, sign or keep.
 *
 * Shaped as PDF/A-2u: fonts embedded as subsets, text that can be extracted,
 * XMP metadata, sRGB. The bytes depend on nothing but the arguments and the
 * fonts: no clock, no chance.
 *
 * Needs pango, librsvg and libhyphen. Without them (configure --without-page)
 * the same functions are there, and say so.
 */
#ifndef CH_LETTER_PAGE_H
#define CH_LETTER_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

struct ch_body; /* letter/body.h */

/* Whether this build can set pages. */
bool ch_page_available(void);

enum ch_paper {
	CH_PAPER_A4,
	CH_PAPER_LETTER,
};

#define CH_PAGE_MARGIN_MIN_MM 10
#define CH_PAGE_MARGIN_MAX_MM 60

struct ch_page_style {
	enum ch_paper paper;
	bool landscape;
	int top_mm, bottom_mm, left_mm, right_mm; /* margins, MIN to MAX */
	/* Families, as fontconfig calls them. A letter is set in that of its
	 * script; what it lacks is taken from the others, and nothing else. */
	const char *font;    /* Latin and Cyrillic */
	const char *font_zh;
	const char *font_zh_strong; /* in place of bold */
	const char *font_ar;
};

/* A picture of the letterhead or of a signature. */
struct ch_page_image; /* opaque */

/* SVG or PNG, told by its bytes. The caller owns *ret. -1, CH_GIVE_UP, where it
 * is neither, is damaged, or has no size. */
int ch_page_image_new(struct ch_slice bytes, struct ch_page_image **ret,
		      struct ch_error *err);
void ch_page_image_free(struct ch_page_image *image);

struct ch_page_setter; /* opaque; fonts and dictionaries, found once */

/* Find the fonts. The caller owns *ret. -1, CH_GIVE_UP, where a family is not
 * installed, or this build sets no pages. */
int ch_page_setter_new(const struct ch_page_style *style,
		       struct ch_page_setter **ret, struct ch_error *err);
void ch_page_setter_free(struct ch_page_setter *setter);

/* What is said of a letter beside its text. */
struct ch_page_letter {
	const char *language;  /* "fr" */
	const char *title;     /* of the document and of its first bookmark */
	const char *author;    /* the organisation, or "" */
	const char *reference; /* on top of the second page and on, or "" */
	int64_t date_us;       /* when it was made */
	const struct ch_page_image *letterhead; /* or NULL */
	const struct ch_page_image *signature;  /* or NULL */
};

/* Append the PDF of a body with its values (letter/body.h: the same rules). -1,
 * CH_GIVE_UP: a character that no font has, which is named; more pages than a
 * letter may have; out->max passed. */
int ch_page_set(struct ch_page_setter *setter, const struct ch_body *body,
		const struct ch_slice *values,
		const struct ch_page_letter *letter, struct ch_str *out,
		struct ch_error *err);

CH_DEFINE_AUTOPTR(ch_page_setter);
CH_DEFINE_AUTOPTR(ch_page_image);

#endif
