/* SPDX-License-Identifier: GPL-3.0-or-later */
/* block.h - a block of header fields as somebody else wrote it.
 *
 * The header of a received mail, of the message that a bounce returns, and
 * each group of a delivery status have one form (RFC 5322 section 2.2), and
 * all are read by this: nothing in it is trusted, nothing in it recurses.
 */
#ifndef CH_MAIL_BLOCK_H
#define CH_MAIL_BLOCK_H

#include <stddef.h>

/* Fields past this number are left out, bytes of one past that, and bytes of all
 * of them past that. */
#define CH_BLOCK_FIELDS_MAX 2000
#define CH_BLOCK_FIELD_MAX 65536
#define CH_BLOCK_MAX (1024 * 1024)

struct ch_field {
	const char *name;  /* borrowed from the block, as written */
	const char *value; /* borrowed; unfolded, trimmed, any bytes but NUL */
};

struct ch_block {
	struct ch_field *fields; /* owned */
	size_t len;
	size_t cap;
	char *text;       /* owned */
	const char *over; /* which limit was passed, or NULL */
};

/* Read fields up to the first empty line or the end; lines end in CRLF or LF.
 * Lines that are no field are passed over, NUL becomes a space. Returns the
 * bytes read, the empty line included. `block` is new or released. */
size_t ch_block_parse(struct ch_block *block, const char *bytes, size_t len);
void ch_block_release(struct ch_block *block);

/* The value of the first field of that name (in any case), or NULL. */
const char *ch_block_get(const struct ch_block *block, const char *name);

/* The next one behind *at (0 at first), which is moved past it; NULL at the
 * end. */
const char *ch_block_next(const struct ch_block *block, const char *name,
			  size_t *at);

#endif
