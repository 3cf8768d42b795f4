/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body-private.h - what the compiler and the two renderers of a body share. */
#ifndef CH_LETTER_BODY_PRIVATE_H
#define CH_LETTER_BODY_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cmark_node; /* libcmark */

#include "letter/body.h"
#include "letter/page-form.h"

/* Deeper nesting of lists and quotes is refused. */
#define BODY_DEPTH_MAX 16

/* One step of writing the plain text. */
enum text_op_kind {
	TEXT_BEGIN,      /* a block: blank line, then the prefix */
	TEXT_END,        /* … its last line ends */
	TEXT_PIECE,      /* bytes that stay together */
	TEXT_SPACE,      /* a space, at which the line may break */
	TEXT_HARD,       /* a line break of the author's */
	TEXT_VALUE,
	TEXT_LINK,       /* begins " <address>", if value `slot` is one */
	TEXT_URL_VALUE,  /* a value inside an address */
	TEXT_LINK_END,
	TEXT_BLOCK,      /* a block without values: lines as they will be */
};

enum text_op_flags {
	TEXT_FIXED = 1,    /* BEGIN: not flowed, lines keep their indent */
	TEXT_BLANK = 2,    /* BEGIN, BLOCK: a blank line before */
	TEXT_BREAK = 4,    /* PIECE: the line may break before it */
	TEXT_JUNCTION = 8, /* PIECE: so it may if the value before it allows */
};

struct text_op {
	uint8_t kind;
	uint8_t flags;
	uint8_t url;     /* URL_VALUE: enum url_slot */
	uint16_t indent; /* BEGIN: of the second line and on, in cells */
	uint32_t slot;   /* VALUE, URL_VALUE, LINK */
	uint32_t offset, len; /* PIECE, BEGIN (the prefix), BLOCK: in
				 text_bytes */
	uint32_t width;       /* PIECE, BEGIN: in cells */
	uint32_t first, last; /* PIECE: its outer characters; END: `first`
				 underlines the block, 0: nothing does */
	uint32_t delsp_offset, delsp_len; /* BLOCK: as it is with DelSp */
};

enum html_op_kind {
	HTML_BYTES,
	HTML_VALUE,
	HTML_LINK,       /* begins a link, if value `slot` is an address */
	HTML_LINK_BYTES, /* bytes that go where the link goes */
	HTML_URL_VALUE,
	HTML_LINK_END,
};

struct html_op {
	uint8_t kind;
	uint8_t url; /* URL_VALUE: enum url_slot */
	uint32_t slot;
	uint32_t offset, len; /* in html_bytes */
};

/* How a value stands in a link's address. */
enum url_slot {
	URL_WHOLE,  /* first: an address itself, its delimiters stay */
	URL_PART,   /* behind "https:…": all but unreserved is encoded */
	URL_MAILBOX /* in "mailto:…": the "@" stays */
};

struct ch_body {
	char language[16];
	bool rtl;   /* right to left; values are isolated */
	bool wide;  /* may break between ideographs: DelSp=yes */
	bool slant; /* emphasis in italics */

	struct text_op *text; /* owned */
	size_t text_len, text_cap;
	struct ch_str text_bytes;
	struct html_op *html; /* owned */
	size_t html_len, html_cap;
	struct ch_str html_bytes;
	struct ch_page_form page;
	struct ch_str html_head; /* of a whole document, up to its title … */
	struct ch_str html_body; /* … from there to the letter's cell … */
	struct ch_str html_cell; /* … which begins like this */
	size_t slots;
};

/* Fill in the operations. The document was checked. */
void ch_body_compile_text(struct ch_body *body, struct cmark_node *document);
void ch_body_compile_html(struct ch_body *body, struct cmark_node *document);

/* Write every block that has no value once and for all. */
void ch_body_settle_text(struct ch_body *body);

/* Whether a line of Chinese may end between the two characters. A number stays
 * with the counter behind it. */
bool ch_body_may_break(uint32_t before, uint32_t after);

/* Read one character; if it is a slot of this body, *ret_slot is its number,
 * else UINT32_MAX. What cannot be read counts as U+FFFD of one byte. */
size_t ch_body_decode(const struct ch_body *body, const char *text, size_t len,
		      uint32_t *ret_cp, uint32_t *ret_slot);

/* Whether a line end in the source stands for a space: not between ideographs
 * in Chinese. */
bool ch_body_soft_space(const struct ch_body *body, struct cmark_node *softbreak);

/* Whether the text of the link is its address ("mailto:" left out), so that
 * showing both would say the same twice. */
bool ch_body_link_is_plain(struct cmark_node *link);

/* "mailto:" is not shown in plain text. */
const char *ch_body_url_shown(const char *url);

/* Whether an address is one that may be in a letter: https: or mailto:. */
bool ch_body_url_ok(struct ch_slice url);

/* How a slot at byte `at` of `url` is encoded. */
enum url_slot ch_body_url_slot(const char *url, size_t at);

/* A value as part of an address, in ASCII without anything HTML would read. */
void ch_body_add_url_value(struct ch_str *out, struct ch_slice value,
			   enum url_slot how);

/* The next line of a value: LF, CRLF and CR end one. Returns false behind the
 * last. Start with *rest the value and *first true. */
bool ch_body_next_line(struct ch_slice *rest, bool *first,
		       struct ch_slice *ret_line);

/* Whether the line of a value is put between FSI and PDI: always in Arabic,
 * elsewhere where it holds right-to-left letters or bidi controls. */
bool ch_body_isolates(const struct ch_body *body, struct ch_slice line);

/* The next stretch of a line without the PDI that would end an isolate of
 * ours; *depth, from 0, is left at the isolates that need closing. */
bool ch_body_next_run(struct ch_slice *rest, unsigned int *depth,
		      struct ch_slice *ret_run);

#define BODY_RULE "--------------------" /* of plain text */

#define BODY_FSI "\xE2\x81\xA8" /* U+2068 FIRST STRONG ISOLATE */
#define BODY_PDI "\xE2\x81\xA9" /* U+2069 POP DIRECTIONAL ISOLATE */

#endif
