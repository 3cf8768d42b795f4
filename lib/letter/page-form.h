/* SPDX-License-Identifier: GPL-3.0-or-later */
/* page-form.h - a body compiled for the page: its third form, beside text and
 * HTML (body.h).
 *
 * The parts of a letter (letterhead, subject …) are told apart by comments that
 * stand alone in the Markdown, <!-- page: subject -->; each reaches to the next.
 * What no mark precedes is body. Mail drops such comments like all raw HTML.
 *
 * A list of steps: no fonts, no measures. page.c sets it.
 */
#ifndef CH_LETTER_PAGE_FORM_H
#define CH_LETTER_PAGE_FORM_H

#include <stdint.h>

#include "base/str.h"

struct ch_body;     /* letter/body.h */
struct cmark_node;  /* libcmark */

enum ch_page_zone {
	CH_ZONE_BODY,
	CH_ZONE_LETTERHEAD,
	CH_ZONE_REFERENCE,
	CH_ZONE_DATE,
	CH_ZONE_ADDRESSEE,
	CH_ZONE_SUBJECT,
	CH_ZONE_SALUTATION,
	CH_ZONE_SIGNATURE,
	CH_ZONE_ANNEXES,
	CH_ZONE_COPIES,
	CH_ZONES
};

enum ch_page_step_kind {
	CH_PAGE_ZONE,   /* `number`: enum ch_page_zone */
	CH_PAGE_BLOCK,  /* a paragraph; `number`: a heading's level, or 0 */
	CH_PAGE_BLOCK_END,
	CH_PAGE_LIST,   /* `number`: digits of its last number, 0: bullets */
	CH_PAGE_LIST_END,
	CH_PAGE_ITEM,   /* its label is the text */
	CH_PAGE_ITEM_END,
	CH_PAGE_QUOTE,
	CH_PAGE_QUOTE_END,
	CH_PAGE_RULE,
	CH_PAGE_TABLE,  /* `number`: columns; text: "l", "c", "r" for each */
	CH_PAGE_TABLE_END,
	CH_PAGE_ROW,    /* `number`: 1 for the heading row */
	CH_PAGE_ROW_END,
	CH_PAGE_CELL,   /* around one block */
	CH_PAGE_CELL_END,
	/* inside a block */
	CH_PAGE_TEXT,
	CH_PAGE_VALUE,  /* `number`: the slot */
	CH_PAGE_HARD,   /* a line break of the author's */
	CH_PAGE_STRONG,
	CH_PAGE_STRONG_END,
	CH_PAGE_EMPHASIS,
	CH_PAGE_EMPHASIS_END,
	CH_PAGE_CODE,
	CH_PAGE_CODE_END,
	CH_PAGE_LINK,   /* text: its address, slots in it */
	CH_PAGE_LINK_END,
};

struct ch_page_step {
	uint32_t kind;
	uint32_t number;
	uint32_t offset, len; /* of the text, in `bytes` */
};

struct ch_page_form {
	struct ch_page_step *steps; /* owned */
	size_t len, cap;
	struct ch_str bytes;
};

void ch_page_form_release(struct ch_page_form *form);

/* The form of a compiled body; borrowed from it. */
const struct ch_page_form *ch_body_page_form(const struct ch_body *body);

/* The zone that a block of raw HTML begins: 1 with *ret; 0 where it is no mark;
 * -1 where it is one of no such zone, *ret_name then what it says. */
int ch_page_zone_of(const char *html, enum ch_page_zone *ret,
		    struct ch_slice *ret_name);

/* Add the steps of a checked document. */
void ch_body_compile_page(struct ch_body *body, struct cmark_node *document);

/* Append a value as running text: line ends become U+2028, what may not be in
 * a text U+FFFD, isolates close where the value ends. */
void ch_page_add_value(const struct ch_body *body, struct ch_slice value,
		       struct ch_str *out);

/* Append the address of a link; -1 where it is none that may be linked. */
int ch_page_add_address(const struct ch_body *body, struct ch_slice address,
			const struct ch_slice *values, struct ch_str *out);

#endif
