/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body.h - Markdown compiled once, rendered for each addressee as plain text
 * and as HTML.
 *
 * Where a value goes, the Markdown has a slot: the character U+F0000 + n for
 * the n-th value, n from 0. Markdown is read before values are known, so a
 * value is never Markdown, HTML or a slot itself: it is escaped for where it
 * lands. CommonMark without raw HTML (dropped) and images (their text stays).
 * A compiled body never changes; rendering allocates nothing but its output.
 */
#ifndef CH_LETTER_BODY_H
#define CH_LETTER_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

#define CH_BODY_SLOT 0xF0000u /* the first slot's character */
#define CH_BODY_SLOTS_MAX 4096
#define CH_BODY_COLUMNS 72 /* display cells of a line of text */

struct ch_body; /* opaque */

/* Compile. `language` is "en", "fr", "ar" …: it sets direction ("ar" is right
 * to left), where lines may break ("zh"), and whether emphasis may slant (not
 * in "ar" and "zh"). `slots` is how many values rendering will bring. The
 * caller owns *ret. -1, CH_GIVE_UP, with "line N: …" counted in `markdown`:
 * not UTF-8, a control character, a link that is neither https: nor mailto:,
 * a character past the slots in the private planes, nested too deep. */
int ch_body_compile(struct ch_slice markdown, const char *language,
		    size_t slots, struct ch_body **ret, struct ch_error *err);
void ch_body_free(struct ch_body *body);

/* Append plain text for text/plain; format=flowed (RFC 3676): lines end in LF,
 * space-stuffed, soft breaks after a space. *ret_delsp tells whether DelSp=yes
 * belongs to it; that depends on the language alone. `values` has at least the
 * slots of the compilation. A line feed in a value (CRLF, CR too) is a hard
 * break; other controls and bytes that are not UTF-8 become U+FFFD. In Arabic
 * each line of a value is isolated (FSI … PDI). Where out->max is too small,
 * out->full is set: ask it. */
void ch_body_text(const struct ch_body *body, const struct ch_slice *values,
		  struct ch_str *out, bool *ret_delsp);

/* Whether DelSp=yes belongs to a text in this language. */
bool ch_body_delsp(const struct ch_body *body);

/* The same where the text has company in its part: `delsp` is what the whole
 * part says, and not what this language alone would. */
void ch_body_text_among(const struct ch_body *body,
			const struct ch_slice *values, bool delsp,
			struct ch_str *out);

/* Append what stands between a letter and the same in another language below
 * it, in plain text: a rule and the label, plain text too. */
void ch_body_text_divider(struct ch_slice label, struct ch_str *out);

/* A picture above the letter. */
struct ch_body_logo {
	struct ch_slice source; /* "cid:…" or "data:…"; empty: no picture */
	struct ch_slice alt;    /* plain text; may be empty */
	unsigned int width;     /* in CSS pixels */
	unsigned int height;
};

/* What stands around the blocks in a whole HTML document. */
struct ch_body_frame {
	struct ch_slice title; /* plain text for <title>; may be empty */
	struct ch_body_logo logo;
	/* The letter in another language below it, or NULL. */
	const struct ch_body *second;
	const struct ch_slice *second_values;
	struct ch_slice second_label; /* plain text */
};

/* Append HTML: the whole document, or with `frame` NULL the blocks alone. The
 * same rules for values; a slot in a link's address is percent-encoded, and
 * where the address begins with a value that is not https: or mailto:, the
 * text stays and the link goes. Lines end in LF. */
void ch_body_html(const struct ch_body *body, const struct ch_slice *values,
		  const struct ch_body_frame *frame, struct ch_str *out);

CH_DEFINE_AUTOPTR(ch_body);

#endif
