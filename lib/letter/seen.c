// SPDX-License-Identifier: GPL-3.0-or-later
/* seen.c - a hash set that keeps its texts whole.
 *
 * Whole and not as digests: two ministries must never be taken for one because
 * of a collision. The hash has a random seed, so that no table can be written
 * to be slow.
 */
#include "letter/seen.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/mem.h"

void ch_seen_init(struct ch_seen *seen)
{
	*seen = (struct ch_seen){ 0 };
	ch_str_init(&seen->texts, SIZE_MAX / 4);
	ch_random(&seen->seed, sizeof(seen->seed));
}

void ch_seen_release(struct ch_seen *seen)
{
	ch_str_release(&seen->texts);
	free(seen->entries);
	free(seen->slots);
	ch_seen_init(seen);
}

const char *ch_seen_text(const struct ch_seen *seen,
			 const struct ch_seen_entry *entry)
{
	return ch_str_cstr(&seen->texts) + entry->at;
}

/* FNV-1a, seeded. */
static uint64_t hash(const struct ch_seen *seen, struct ch_slice text)
{
	uint64_t h = 0xCBF29CE484222325u ^ seen->seed;

	for (size_t i = 0; i < text.len; i++) {
		h ^= (unsigned char)tolower((unsigned char)text.data[i]);
		h *= 0x100000001B3u;
	}
	return h ^ h >> 32;
}

static bool same(const struct ch_seen *seen, size_t entry,
		 struct ch_slice text)
{
	const char *other = ch_seen_text(seen, &seen->entries[entry]);

	return strlen(other) == text.len &&
	       strncasecmp(other, text.data, text.len) == 0;
}

/* The slot where the text is, or would be. */
static uint32_t *find_slot(const struct ch_seen *seen, struct ch_slice text)
{
	size_t mask = seen->slots_len - 1;
	size_t i = hash(seen, text) & mask;

	while (seen->slots[i] && !same(seen, seen->slots[i] - 1, text))
		i = (i + 1) & mask;
	return &seen->slots[i];
}

static void grow_slots(struct ch_seen *seen)
{
	if (seen->len * 2 < seen->slots_len)
		return;
	free(seen->slots);
	seen->slots_len = seen->slots_len ? seen->slots_len * 2 : 64;
	seen->slots = ch_xcalloc(seen->slots_len, sizeof(*seen->slots));
	for (size_t i = 0; i < seen->len; i++) {
		const char *text = ch_seen_text(seen, &seen->entries[i]);

		*find_slot(seen, ch_slice_of(text)) = (uint32_t)(i + 1);
	}
}

const struct ch_seen_entry *ch_seen_add(struct ch_seen *seen,
					struct ch_slice text,
					unsigned int line, uint32_t owner)
{
	uint32_t *slot;

	grow_slots(seen);
	slot = find_slot(seen, text);
	if (*slot)
		return &seen->entries[*slot - 1];
	CH_GROW(seen->entries, seen->len, seen->cap);
	seen->entries[seen->len] = (struct ch_seen_entry){
		.at = seen->texts.len,
		.line = line,
		.owner = owner,
	};
	ch_str_add_mem(&seen->texts, text.data, text.len);
	ch_str_add_mem(&seen->texts, "", 1);
	*slot = (uint32_t)++seen->len;
	return NULL;
}
