/* SPDX-License-Identifier: GPL-3.0-or-later */
/* seen.h - which texts have occurred, and where first: some 30 bytes each
 * beside the text, for a table of any length. */
#ifndef CH_LETTER_SEEN_H
#define CH_LETTER_SEEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct ch_seen_entry {
	size_t at; /* of the text, in `texts` */
	unsigned int line;
	uint32_t owner; /* what the caller likes to remember */
};

struct ch_seen {
	struct ch_str texts; /* each terminated */
	struct ch_seen_entry *entries; /* owned */
	size_t len;
	size_t cap;
	uint32_t *slots; /* owned; index + 1 of an entry, 0: empty */
	size_t slots_len;
	uint64_t seed;
};

void ch_seen_init(struct ch_seen *seen);
void ch_seen_release(struct ch_seen *seen);

/* Remember a text, ASCII letters in either case being the same. Returns the
 * entry of its first occurrence, NULL if this is the first. Borrowed until the
 * next call. */
const struct ch_seen_entry *ch_seen_add(struct ch_seen *seen,
					struct ch_slice text,
					unsigned int line, uint32_t owner);
const char *ch_seen_text(const struct ch_seen *seen,
			 const struct ch_seen_entry *entry);

#endif
