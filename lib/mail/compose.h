/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compose.h - one message as the bytes that go over the wire.
 *
 *   multipart/mixed            (where there are annexes)
 *     multipart/alternative    (where there is HTML)
 *       text/plain; format=flowed
 *       multipart/related      (where there is a logo)
 *         text/html
 *         image/png …
 *     annex …
 *
 * 7-bit, CRLF, no line over 998 and none over 76 in encoded parts, no bare CR
 * or LF. The bytes depend on nothing but the arguments: boundaries are derived
 * from the Message-ID, so every attempt sends the same.
 */
#ifndef CH_MAIL_COMPOSE_H
#define CH_MAIL_COMPOSE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "mail/address.h"

/* A file to attach, encoded once and used by every letter of a batch. */
struct ch_attachment; /* opaque */

/* `name` as the addressee sees it; no "/", control or bidi character (else -1,
 * CH_GIVE_UP). `media_type` such as "application/pdf"; NULL: by extension,
 * else application/octet-stream. Copies the bytes into their encoded form. The
 * caller owns it; it must outlive the messages composed with it. */
int ch_attachment_new(const char *name, const char *media_type,
		      const void *bytes, size_t len,
		      struct ch_attachment **ret, struct ch_error *err);
/* The picture that the HTML shows as "cid:" ch_content_id(). -1, CH_GIVE_UP:
 * the same, and where the bytes are no PNG, JPEG or GIF. */
int ch_attachment_new_logo(const char *name, const void *bytes, size_t len,
			   struct ch_attachment **ret, struct ch_error *err);
void ch_attachment_free(struct ch_attachment *attachment);
const char *ch_attachment_name(const struct ch_attachment *attachment);
/* Bytes of the file itself, before encoding. */
size_t ch_attachment_size(const struct ch_attachment *attachment);

struct ch_compose {
	const struct ch_address *from;
	const struct ch_address *reply_to; /* or NULL */
	const struct ch_address *to;
	size_t to_len;
	const struct ch_address *cc;
	size_t cc_len;
	const char *subject;    /* UTF-8, already with "[DM-1276] " */
	const char *message_id; /* without <> */
	int64_t date_us;
	const char *language;   /* Content-Language: "fr", "fr, en" */
	struct ch_slice text;   /* UTF-8, lines end in LF; format=flowed */
	int text_delsp;         /* 1: DelSp=yes (RFC 3676) */
	struct ch_slice html;   /* UTF-8, lines end in LF; empty: none */
	const struct ch_attachment *logo; /* goes with the HTML; NULL: none */
	const struct ch_attachment *const *attachments;
	size_t attachments_len;
};

/* The logo's Content-ID in the message with this Message-ID, without <>: letters
 * and digits, "@", and the Message-ID's domain as far as it has no others. */
#define CH_CONTENT_ID_SIZE 96
const char *ch_content_id(const char *message_id, char out[CH_CONTENT_ID_SIZE]);

/* The message in pieces: our own text and the attachments' shared bytes. */
struct ch_composed {
	struct ch_str own;     /* what is of this message alone */
	struct iovec *pieces;  /* owned array; into `own` and attachments */
	size_t pieces_len;
	size_t pieces_cap;
	uint64_t size_bytes; /* of all pieces */
	struct ch_attachment *kept; /* owned; see ch_composed_keep() */
};

/* Compose; *out may be used again for the next letter without a release. -1:
 * CH_GIVE_UP for a header value that may not be, or a message over `own`'s
 * maximum. */
int ch_compose(const struct ch_compose *message, struct ch_composed *out,
	       struct ch_error *err);
/* Take an attachment that no other message has: it lives until the next message
 * is composed into this, as the pieces that point into it do. */
void ch_composed_keep(struct ch_composed *composed,
		      struct ch_attachment *attachment);
/* Put `before` at byte `at`, which lies in the first piece, and `behind` at the
 * end. -1, CH_GIVE_UP: over `own`'s maximum, and there is no message any more.
 */
int ch_composed_wrap(struct ch_composed *composed, size_t at,
		     struct ch_slice before, struct ch_slice behind,
		     struct ch_error *err);
void ch_composed_init(struct ch_composed *composed, size_t max_own_bytes);
void ch_composed_release(struct ch_composed *composed);

CH_DEFINE_AUTOPTR(ch_attachment);

/* Upper bound of the bytes of a line on the wire, for the tests. */
#define CH_LINE_MAX 998

#endif
