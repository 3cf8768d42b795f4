/* SPDX-License-Identifier: GPL-3.0-or-later */
/* message.h - a received mail, read into plain values.
 *
 * A reader of our own: it sees what strangers send, so it looks at each byte
 * once, copies what is kept and nothing else, and stops at limits. The same
 * field is the same wherever it stands: block.h reads them all.
 */
#ifndef CH_MAIL_MESSAGE_H
#define CH_MAIL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/str.h"
#include "mail/block.h"

/* What a mail may have; the rest is left out and named in `fault`. */
#define CH_MESSAGE_FIELD_MAX CH_BLOCK_FIELD_MAX
#define CH_MESSAGE_NESTED_MAX 40  /* multiparts, one in another */
#define CH_MESSAGE_PARTS_MAX 10000
#define CH_MESSAGE_TEXT_MAX 65536   /* of `text` */
#define CH_MESSAGE_FILES_MAX 200    /* of `files` */
#define CH_MESSAGE_LOOK_MAX (8 * 1024 * 1024) /* of all texts and reports, as
						 they are encoded */
#define CH_MESSAGE_IDS_MAX 100      /* of `references` */
#define CH_MESSAGE_GROUPS_MAX 500   /* of `delivery` */

struct ch_message_file {
	char *name; /* owned; UTF-8, "" if it has none: not a path to use */
	char *type; /* owned; "application/pdf" */
	uint64_t size_bytes; /* decoded */
	struct ch_sha256 sha256; /* of that; by ch_message_read_files() */
	bool at_end; /* no boundary ends it: of a mail that was cut it is not
			all there */
};

struct ch_message {
	struct ch_block header;
	char *subject;    /* owned; decoded, one line of UTF-8 */
	char *from;       /* owned; addr-spec, "" if there is none */
	char *message_id; /* owned; without <>, "" if there is none */
	char *type;       /* owned; "multipart/report", in lower case */

	/* Message-IDs this one answers, nearest first: In-Reply-To, then
	 * References from its end; without <>. */
	char **references; /* owned, as are the strings */
	size_t references_len;

	char *text; /* owned; UTF-8, lines end in LF; "" if there is none */

	/* All texts that stand beside each other, plain, HTML and the parts for
	 * machines that could not be read as such: what a mail system says may
	 * be in any of them. As `text`, of at most CH_MESSAGE_TEXT_MAX. */
	char *notice;
	struct ch_message_file *files; /* owned: what is attached */
	size_t files_len;
	size_t files_cap;

	/* The groups of message/delivery-status (RFC 3464), under whatever
	 * type they stand: by the letter of the law the first is about the
	 * message and each other about one recipient. */
	struct ch_block *delivery; /* owned */
	size_t delivery_len;
	size_t delivery_cap;
	struct ch_block disposition; /* message/disposition-notification */
	struct ch_block feedback;    /* message/feedback-report */
	struct ch_block returned;    /* header of the message sent back */
	/* All of it, where it stands as it is; borrowed from the bytes that were
	 * read. */
	struct ch_slice returned_bytes;
	bool has_disposition;
	bool has_feedback;
	bool has_returned;

	/* "" or why this is not all there was, or not as it was meant: empty,
	 * over a limit, no such charset, parts that cannot be told apart. The
	 * values hold what could be read. `unreadable` is set for the first two
	 * alone, and not for too many files or too much text. */
	char fault[120];
	bool unreadable;
};

/* Read a mail, or the first part of a long one. Cannot fail: what is not there
 * is empty, what is wrong is in `fault`. *ret is released with
 * ch_message_release(), which may be called on a zeroed one too. */
void ch_message_read(const char *bytes, size_t len, struct ch_message *ret);
void ch_message_release(struct ch_message *message);

/* What is attached, as it is read: `begin` for each in the order of `files`,
 * then the pieces of its content, then `end`, with its size and SHA-256. All of
 * it is borrowed. */
struct ch_message_taker {
	void (*begin)(void *context, const struct ch_message_file *file);
	void (*piece)(void *context, const char *bytes, size_t len);
	void (*end)(void *context, const struct ch_message_file *file);
	void *context;
};

/* Bytes that lie behind, and are read once more at most: those of a file that is
 * mapped need not stay in memory. */
typedef void ch_message_passed(const char *bytes, size_t len);

/* The same with the size and SHA-256 of all that is attached, whatever its size,
 * in the memory that a small mail takes. */
struct ch_message_source {
	const char *bytes; /* borrowed */
	size_t len;
	ch_message_passed *passed;            /* may be NULL */
	const struct ch_message_taker *taker; /* borrowed; may be NULL */
};
void ch_message_read_files(const struct ch_message_source *source,
			   struct ch_message *ret);

/* Encoded words (RFC 2047) of a field's value decoded into one line of valid
 * UTF-8; the caller frees it. */
char *ch_message_decode(const char *value);

/* The first addr-spec in a field's value, the caller's to free(); "" if it has
 * none. */
char *ch_message_address(const char *value);

/* Call `each` for every msg-id between < and > in a field's value. */
typedef void ch_message_id_found(void *context, const char *id, size_t len);
void ch_message_ids(const char *value, ch_message_id_found *each,
		    void *context);

#endif
