// SPDX-License-Identifier: GPL-3.0-or-later
/* seen.c - a hash set that keeps its texts whole, then a sort.
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

#define SORT_MEMORY (2 * 1024 * 1024)
#define TEXT_MAX (1024 * 1024)

struct ch_seen_entry {
	size_t at; /* of the text, in `texts`; its owner stands behind */
	size_t len;
	size_t owner_len;
	unsigned int line;
	unsigned int column;
};

void ch_seen_init(struct ch_seen *seen, const char *folder)
{
	*seen = (struct ch_seen){ .folder = folder };
	ch_str_init(&seen->texts, SIZE_MAX / 4);
	ch_str_init(&seen->folded, TEXT_MAX);
	ch_str_init(&seen->value, TEXT_MAX);
	ch_random(&seen->seed, sizeof(seen->seed));
}

void ch_seen_release(struct ch_seen *seen)
{
	ch_str_release(&seen->texts);
	ch_str_release(&seen->folded);
	ch_str_release(&seen->value);
	free(seen->entries);
	free(seen->slots);
	if (seen->sort)
		ch_sort_free(seen->sort);
	*seen = (struct ch_seen){ 0 };
}

static const char *text_of(const struct ch_seen *seen,
			   const struct ch_seen_entry *entry)
{
	return ch_str_cstr(&seen->texts) + entry->at;
}

static struct ch_seen_where where_of(const struct ch_seen *seen,
				     const struct ch_seen_entry *entry)
{
	return (struct ch_seen_where){
		entry->line, entry->column,
		{ text_of(seen, entry) + entry->len, entry->owner_len }
	};
}

/* ---- in memory -------------------------------------------------------- */

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
	const struct ch_seen_entry *other = &seen->entries[entry];

	return other->len == text.len &&
	       strncasecmp(text_of(seen, other), text.data, text.len) == 0;
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
		const struct ch_seen_entry *entry = &seen->entries[i];
		struct ch_slice text = { text_of(seen, entry), entry->len };

		*find_slot(seen, text) = (uint32_t)(i + 1);
	}
}

static int add_to_memory(struct ch_seen *seen, struct ch_slice text,
			 const struct ch_seen_where *where,
			 struct ch_seen_where *ret_first)
{
	uint32_t *slot;

	grow_slots(seen);
	slot = find_slot(seen, text);
	if (*slot) {
		*ret_first = where_of(seen, &seen->entries[*slot - 1]);
		return 1;
	}
	CH_GROW(seen->entries, seen->len, seen->cap);
	seen->entries[seen->len] = (struct ch_seen_entry){
		.at = seen->texts.len,
		.len = text.len,
		.owner_len = where->owner.len,
		.line = where->line,
		.column = where->column,
	};
	ch_str_add_mem(&seen->texts, text.data, text.len);
	ch_str_add_mem(&seen->texts, where->owner.data, where->owner.len);
	*slot = (uint32_t)++seen->len;
	return 0;
}

/* ---- in the sort ------------------------------------------------------ */

/* The value of a record: line, column, length of the text as it was written,
 * the text, the owner. Its key is the text in small letters. */
struct head {
	unsigned int line;
	unsigned int column;
	size_t len;
};

static int add_to_sort(struct ch_seen *seen, struct ch_slice text,
		       const struct ch_seen_where *where, struct ch_error *err)
{
	struct head head = { where->line, where->column, text.len };

	ch_str_clear(&seen->folded);
	ch_str_clear(&seen->value);
	for (size_t i = 0; i < text.len; i++)
		ch_str_add_char(&seen->folded,
				(char)tolower((unsigned char)text.data[i]));
	ch_str_add_mem(&seen->value, &head, sizeof(head));
	ch_str_add_mem(&seen->value, text.data, text.len);
	ch_str_add_mem(&seen->value, where->owner.data, where->owner.len);
	return ch_sort_add(seen->sort,
			   (struct ch_slice){ ch_str_cstr(&seen->folded),
					      seen->folded.len },
			   (struct ch_slice){ ch_str_cstr(&seen->value),
					      seen->value.len },
			   err);
}

static void read_value(struct ch_slice value, struct ch_slice *ret_text,
		       struct ch_seen_where *ret)
{
	struct head head;
	const char *text = value.data + sizeof(head);

	memcpy(&head, value.data, sizeof(head));
	*ret_text = (struct ch_slice){ text, head.len };
	*ret = (struct ch_seen_where){
		head.line, head.column,
		{ text + head.len, value.len - sizeof(head) - head.len }
	};
}

/* What memory held goes over, in its order. */
static int spill(struct ch_seen *seen, struct ch_error *err)
{
	seen->sort = ch_sort_new(seen->folder, SORT_MEMORY);
	for (size_t i = 0; i < seen->len; i++) {
		const struct ch_seen_entry *entry = &seen->entries[i];
		struct ch_slice text = { text_of(seen, entry), entry->len };
		struct ch_seen_where where = where_of(seen, entry);

		if (add_to_sort(seen, text, &where, err) < 0)
			return -1;
	}
	free(CH_TAKE(seen->entries));
	free(CH_TAKE(seen->slots));
	ch_str_release(&seen->texts);
	seen->len = seen->cap = seen->slots_len = 0;
	return 0;
}

int ch_seen_add(struct ch_seen *seen, struct ch_slice text,
		const struct ch_seen_where *where,
		struct ch_seen_where *ret_first, struct ch_error *err)
{
	if (!seen->sort && seen->len == CH_SEEN_MAX && spill(seen, err) < 0)
		return -1;
	if (seen->sort)
		return add_to_sort(seen, text, where, err);
	return add_to_memory(seen, text, where, ret_first);
}

int ch_seen_end(struct ch_seen *seen, ch_seen_told *told, void *context,
		struct ch_error *err)
{
	CH_AUTO(ch_str) before = CH_STR_INIT(TEXT_MAX); /* of the first */
	CH_AUTO(ch_str) first = CH_STR_INIT(TEXT_MAX);
	struct ch_slice key, value;
	bool begun = false;
	int got = 0;

	while (seen->sort &&
	       (got = ch_sort_next(seen->sort, &key, &value, err)) > 0) {
		struct ch_seen_where one, two;
		struct ch_slice text;

		if (begun && key.len == before.len &&
		    memcmp(key.data, ch_str_cstr(&before), key.len) == 0) {
			read_value((struct ch_slice){ first.data, first.len },
				   &text, &one);
			read_value(value, &text, &two);
			told(context, text, &one, &two);
			continue;
		}
		begun = true;
		ch_str_clear(&before);
		ch_str_clear(&first);
		ch_str_add_mem(&before, key.data, key.len);
		ch_str_add_mem(&first, value.data, value.len);
	}
	return got;
}
