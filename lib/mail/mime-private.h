/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mime-private.h - a mail taken apart in one pass, for message.c alone.
 *
 * Nothing is copied but header fields, nothing recurses: what a stranger nests
 * is a stack of boundaries of a fixed height, and each line is looked at once.
 */
#ifndef CH_MAIL_MIME_PRIVATE_H
#define CH_MAIL_MIME_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "mail/block.h"
#include "mail/message.h"

#define CH_MIME_TYPE_SIZE 80

/* A part that has no parts of its own. A message inside is one too. */
struct ch_mime_part {
	const struct ch_block *header; /* borrowed for the call */
	struct ch_slice body;	       /* borrowed; still encoded */
	char type[CH_MIME_TYPE_SIZE];  /* "text/plain", in lower case */
	bool attached;		       /* Content-Disposition: attachment */
	ch_message_passed *passed;     /* NULL: it is in memory anyhow */
};

typedef void ch_mime_each(void *context, const struct ch_mime_part *part);

/* Call `each` for every such part of the mail whose header was read already
 * and whose body this is; `passed` may be NULL. Returns the limit that was
 * passed, or NULL. *ret_flaw says why a part that should have parts is taken for
 * one text, or is NULL. */
const char *ch_mime_walk(const struct ch_block *header, struct ch_slice body,
			 ch_message_passed *passed, ch_mime_each *each,
			 void *context, const char **ret_flaw);

/* Bytes that are gone through step by step: those that lie behind by so many are
 * told to `passed`. */
#define CH_MIME_STEP (1024 * 1024)

/* Read a header; a first line that is no field ("From " of an mbox) is passed
 * over. `passed` may be NULL. Returns the bytes it takes with the empty line. */
size_t ch_mime_header(struct ch_block *block, const char *bytes, size_t len,
		      ch_message_passed *passed);

/* The type in a Content-Type, in lower case; text/plain where it has none. */
void ch_mime_type(const struct ch_block *header, char out[CH_MIME_TYPE_SIZE]);

/* A parameter of a field's value as UTF-8, whichever way it was written
 * (RFC 2045, 2231, and 2047 where it should not be). The caller frees it; NULL
 * if there is none. (param.c) */
char *ch_mime_param(const char *value, const char *name);

/* The content of a part without its Content-Transfer-Encoding, appended as far
 * as there is room. (transfer.c) */
void ch_mime_decode(struct ch_str *out, const struct ch_mime_part *part);
/* The same, all of it and in pieces; `piece` NULL counts only. Returns how many
 * bytes it has. (transfer.c) */
typedef void ch_mime_piece(void *context, const char *bytes, size_t len);
uint64_t ch_mime_pieces(const struct ch_mime_part *part, ch_mime_piece *piece,
			void *context);

/* Whether it has none. (transfer.c) */
bool ch_mime_is_plain(const struct ch_mime_part *part);

/* base64 text, which may have been cut in pieces: the state goes on until
 * padding. (transfer.c) */
struct ch_base64_state {
	unsigned int bits, count;
};
void ch_base64_feed(struct ch_base64_state *state, struct ch_str *out,
		    const char *text, size_t len);
/* quoted-printable; with `words` the form of encoded words, where "_" is a
 * space. (transfer.c) */
void ch_quoted_decode(struct ch_str *out, const char *text, size_t len,
		      bool words);

#endif
