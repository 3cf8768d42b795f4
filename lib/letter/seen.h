/* SPDX-License-Identifier: GPL-3.0-or-later */
/* seen.h - which texts have occurred, and where first, in bounded memory.
 *
 * The first CH_SEEN_MAX are looked up as they come, and one that comes again is
 * told at once. Past that all go to a sort, and those that came twice are told
 * at the end.
 */
#ifndef CH_LETTER_SEEN_H
#define CH_LETTER_SEEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "letter/sort.h"

#define CH_SEEN_MAX 10000

/* Where a text stood, and whose it was. */
struct ch_seen_where {
	unsigned int line;
	unsigned int column;
	struct ch_slice owner;
};

struct ch_seen {
	const char *folder;   /* borrowed; see ch_sort_new() */
	struct ch_str texts;  /* of each entry its text, then its owner */
	struct ch_seen_entry *entries; /* owned */
	size_t len;
	size_t cap;
	uint32_t *slots; /* owned; index + 1 of an entry, 0: empty */
	size_t slots_len;
	uint64_t seed;
	struct ch_sort *sort; /* owned; NULL: all are in memory */
	struct ch_str folded; /* scratch */
	struct ch_str value;  /* scratch */
};

void ch_seen_init(struct ch_seen *seen, const char *folder);
void ch_seen_release(struct ch_seen *seen);

/* Remember a text, ASCII letters in either case being the same: for addresses
 * that went through address.h, that is what same.h says. 1 where it was
 * there before, with *ret_first, borrowed until the next call; 0 where it was
 * not, or that is known at the end only; -1 where the disk fails. */
int ch_seen_add(struct ch_seen *seen, struct ch_slice text,
		const struct ch_seen_where *where,
		struct ch_seen_where *ret_first, struct ch_error *err);

/* Tell of each that came again and was not told yet, by the order of texts. */
typedef void ch_seen_told(void *context, struct ch_slice text,
			  const struct ch_seen_where *first,
			  const struct ch_seen_where *again);
int ch_seen_end(struct ch_seen *seen, ch_seen_told *told, void *context,
		struct ch_error *err);

#endif
