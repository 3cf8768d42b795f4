/* SPDX-License-Identifier: GPL-3.0-or-later */
/* page-private.h - what setting a page is divided into.
 *
 *   page-font.c    fonts and contexts of a language
 *   page-hyphen.c  where words are divided
 *   page-text.c    a block of text into lines
 *   page-box.c     lines into boxes
 *   page-block.c   paragraphs and lists into boxes, page-table.c tables
 *   page-zone.c    the parts of a letter, each in its place
 *   page-draw.c    boxes onto pages, pages into a PDF
 *   page-archive.c that PDF into one for the archive
 *   page-sheet.c   tables of its own, which are no letter
 *
 * Lengths are points.
 */
#ifndef CH_LETTER_PAGE_PRIVATE_H
#define CH_LETTER_PAGE_PRIVATE_H

#include <hyphen.h>
#include <pango/pangocairo.h>

#include "letter/page.h"
#include "letter/page-form.h"

#define MM (72.0 / 25.4)
#define PAGES_MAX 200
#define PAGE_BLOCK_MAX (16 * 1024 * 1024)

/* The character behind the one at `p`, in valid UTF-8: g_utf8_next_char() takes
 * const away. */
static inline const char *ch_page_next(const char *p)
{
	return p + g_utf8_skip[*(const unsigned char *)p];
}

struct page_language {
	char code[16];
	PangoContext *context;      /* owned */
	PangoFontDescription *font; /* owned */
	HyphenDict *hyphens;        /* owned; NULL: words stay whole */
	const char *features;       /* of OpenType, or NULL */
	char *strong; /* owned; the families of what is strong, or NULL: bold */
	double size;
	double leading; /* of one line, in sizes */
	bool rtl;
	bool wide; /* ideographs: justified between any two, first lines
		      indented by two */
};

#define PAGE_LANGUAGES 8

struct ch_page_setter {
	double width, height;
	double left, right, top, bottom; /* margins */
	char *families[4]; /* owned: font, font_zh, font_ar, font_zh_strong */
	PangoFontMap *fonts;             /* owned */
	struct page_language languages[PAGE_LANGUAGES];
	size_t languages_len;
};

/* The language's fonts and rules, made at its first use. */
struct page_language *ch_page_language(struct ch_page_setter *setter,
				       const char *code);
void ch_page_language_release(struct page_language *language);
/* Take only the named families from what is installed. */
int ch_page_find_fonts(struct ch_page_setter *setter, struct ch_error *err);

/* Append the text with soft hyphens where its words may be divided. */
void ch_page_hyphenate(const struct page_language *language, const char *text,
		       size_t len, struct ch_str *out);
/* Give the layout its attributes, so that of the words with soft hyphens those
 * are divided that make its lines better. */
void ch_page_divide_words(PangoLayout *layout, PangoAttrList *attrs,
			  double width);

/* How text of a part is set. */
struct page_look {
	double scale; /* of the language's size */
	double grey;  /* 0: black */
	bool justify;
	bool bold;
	PangoAlignment align; /* LEFT: where lines start, also in Arabic */
	double indent;        /* of the first line */
	double strong_scale;  /* of what is strong; 0: 1 */
	size_t strong_len;    /* of ch_page_text_words(): bytes at the start
				 that are strong */
};

struct page_link {
	int start, end; /* bytes of the text */
	char *address;  /* owned */
};

/* A block, laid out. */
struct page_text {
	PangoLayout *layout; /* owned */
	struct page_link *links; /* owned */
	size_t links_len, links_cap;
	const char *tag;         /* of the document's structure */
	char *bookmark;          /* owned; or NULL */
	int bookmark_level;
	double leading;
	double width;
	double grey;
};

enum page_item_kind {
	PAGE_LINE,
	PAGE_RULE,  /* of `width` */
	PAGE_IMAGE, /* into `width` by `height` */
	PAGE_OPEN,  /* begins an element of the document's structure */
	PAGE_CLOSE,
};

struct page_item {
	enum page_item_kind kind;
	double x, y; /* from the page's left; from the box's top, a line's
			baseline */
	double width, height;
	struct page_text *text; /* LINE; borrowed from the flow */
	PangoLayoutLine *line;  /* LINE; borrowed from its layout */
	const struct ch_page_image *image;
	const char *tag; /* OPEN, CLOSE */
};

/* What stays together on one page. */
struct page_box {
	double before; /* space above, but not on top of a page */
	double height;
	bool keep; /* on the page of the box before */
	size_t items_end; /* in the flow's items; they begin where those of
			     the box before end */
};

/* Boxes one below the other. */
struct page_flow {
	struct page_box *boxes; /* owned */
	size_t boxes_len, boxes_cap;
	struct page_item *items; /* owned */
	size_t items_len, items_cap;
};

/* One letter under way. */
struct page_job {
	struct ch_page_setter *setter;
	const struct ch_body *body;
	const struct ch_page_form *form;
	const struct ch_slice *values;
	const struct ch_page_letter *letter;
	struct page_language *language;
	struct page_flow flow;
	struct page_text **texts; /* owned, and each */
	size_t texts_len, texts_cap;
	struct ch_str bytes; /* scratch */
	struct ch_str plain; /* scratch */
	struct ch_error *err;
	bool failed;
	struct ch_str *unknown; /* characters that no font has go there, and
				   are no failure; or NULL */
	size_t again;  /* the number from 1 of a box that stands on top of each
			  page behind its own; 0: none */
	bool numbered; /* the first page too */
};
void ch_page_job_release(struct page_job *job);

/* Lay out the block at step *at (its BLOCK), leaving *at behind its end. NULL
 * where there is nothing in it. Says so in job->err where a character has no
 * glyph. `width` 0: as wide as it is. */
struct page_text *ch_page_text_block(struct page_job *job, size_t *at,
				     const struct page_look *look,
				     double width);
/* The same for a few words of ours. */
struct page_text *ch_page_text_words(struct page_job *job, const char *words,
				     const struct page_look *look,
				     double width);
void ch_page_text_free(struct page_text *text);
/* Its width without line breaks. */
double ch_page_text_width(const struct page_text *text);

/* Where blocks go, one below the other. */
struct page_column {
	struct page_job *job;
	enum ch_page_zone zone;
	double x, width;
	struct page_look look;
	double gap;    /* between its paragraphs */
	double before; /* space above the next box */
	bool keep;     /* the next box, with the one before */
	bool keep_all;
	bool in_list;
	struct page_text *label; /* of the item under way; or NULL */
	double label_x;
};

/* The size of the letter's text. */
double ch_page_em(const struct page_job *job);

/* Add an item at x of the page and y of its box; then make a box of those added
 * since the last one. */
struct page_item *ch_page_add_item(struct page_job *job,
				   enum page_item_kind kind, double x,
				   double y);
void ch_page_add_tag(struct page_job *job, enum page_item_kind kind,
		     const char *tag);
void ch_page_add_line(struct page_job *job, struct page_text *text, int number,
		      double x, double y);
void ch_page_add_box(struct page_job *job, double before, double height,
		     bool keep);
/* The label of the item under way, on the first line of its item. */
void ch_page_add_label(struct page_column *column);
void ch_page_add_rule(struct page_column *column, double space);
/* A text, one box for each line. */
void ch_page_place(struct page_column *column, struct page_text *text);
/* Make one box of all from `first` on; those from `second` on begin again at
 * its top. It is at least `least` high. */
void ch_page_stand_beside(struct page_job *job, size_t first, size_t second,
			  double before, double least);

/* Set all blocks up to step `to`, or to the end of what is around them. */
void ch_page_set_blocks(struct page_column *column, size_t *at, size_t to);
/* The table at step *at, leaving *at behind it. */
void ch_page_set_table(struct page_column *column, size_t *at);

/* Set all of the letter into job->flow. */
void ch_page_set_zones(struct page_job *job);

/* Draw the flow. */
int ch_page_draw(struct page_job *job, struct ch_str *out);

/* ---- images ------------------------------------------------------------- */

void ch_page_image_size(const struct ch_page_image *image, double *ret_width,
			double *ret_height);
int ch_page_image_draw(const struct ch_page_image *image, cairo_t *cairo,
		       double x, double y, double width, double height,
		       struct ch_error *err);

#endif
