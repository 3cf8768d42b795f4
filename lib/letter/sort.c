// SPDX-License-Identifier: GPL-3.0-or-later
/* sort.c - sorted runs in a file, and one merge.
 *
 * One merge and not several passes: runs are megabytes, so that even a table of
 * millions makes a few hundred, and each needs a small buffer.
 */
#include "letter/sort.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define RUN_BUFFER (16 * 1024)
#define HEAD (2 * sizeof(uint32_t)) /* in front of a record: both lengths */

struct run {
	uint64_t at;  /* in the file: what is not in the buffer yet */
	uint64_t end;
	char *buffer; /* owned */
	size_t cap;
	size_t from; /* the record under way, in the buffer */
	size_t len;
	size_t number; /* of one key, the older run's record is first */
};

struct ch_sort {
	char *folder; /* owned; NULL: the default */
	size_t memory;
	int fd; /* -1 until something is written */
	uint64_t written;
	char *records; /* owned; those in memory, one after the other */
	size_t records_len;
	size_t records_cap;
	size_t *order; /* owned; where each begins */
	size_t len;
	size_t cap;
	struct run *runs; /* owned */
	size_t runs_len;
	size_t runs_cap;
	size_t *heap; /* owned; numbers of runs that have a record */
	size_t heap_len;
	bool ended;    /* no more are added */
	size_t next;   /* in `order`, where nothing was written */
	bool advance;  /* the top of the heap was given out */
};

struct ch_sort *ch_sort_new(const char *folder, size_t memory_bytes)
{
	struct ch_sort *sort = ch_xzalloc(sizeof(*sort));

	sort->folder = folder ? ch_xstrdup(folder) : NULL;
	sort->memory = memory_bytes;
	sort->fd = -1;
	return sort;
}

void ch_sort_free(struct ch_sort *sort)
{
	for (size_t i = 0; i < sort->runs_len; i++)
		free(sort->runs[i].buffer);
	free(sort->runs);
	free(sort->heap);
	free(sort->records);
	free(sort->order);
	free(sort->folder);
	ch_auto_close(&sort->fd);
	free(sort);
}

/* ---- records ---------------------------------------------------------- */

static void read_record(const char *record, struct ch_slice *ret_key,
			struct ch_slice *ret_value)
{
	uint32_t lengths[2];

	memcpy(lengths, record, HEAD);
	*ret_key = (struct ch_slice){ record + HEAD, lengths[0] };
	*ret_value = (struct ch_slice){ record + HEAD + lengths[0],
					lengths[1] };
}

static int compare_keys(const char *record_a, const char *record_b)
{
	struct ch_slice a, b, value;
	int order;

	read_record(record_a, &a, &value);
	read_record(record_b, &b, &value);
	order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_places(const void *a, const void *b, void *context)
{
	const struct ch_sort *sort = context;
	size_t at_a = *(const size_t *)a;
	size_t at_b = *(const size_t *)b;
	int order = compare_keys(sort->records + at_a, sort->records + at_b);

	return order ? order : (at_a > at_b) - (at_a < at_b);
}

static void sort_memory(struct ch_sort *sort)
{
	if (sort->len > 1)
		qsort_r(sort->order, sort->len, sizeof(*sort->order),
			compare_places, sort);
}

/* ---- writing runs ----------------------------------------------------- */

static int make_file(struct ch_sort *sort, struct ch_error *err)
{
	const char *tmpdir = getenv("TMPDIR");
	const char *folder = sort->folder		   ? sort->folder
			     : tmpdir && tmpdir[0] == '/' ? tmpdir
							   : "/var/tmp";
	CH_AUTOCHAR path = ch_xasprintf("%s/.chancery-sort-XXXXXX", folder);

	sort->fd = mkostemp(path, O_CLOEXEC);
	if (sort->fd < 0 || unlink(path) < 0)
		return ch_error_errno(err, errno, "%s", path);
	return 0;
}

static size_t size_of(const char *record)
{
	struct ch_slice key, value;

	read_record(record, &key, &value);
	return HEAD + key.len + value.len;
}

static int write_run(struct ch_sort *sort, struct ch_error *err)
{
	CH_AUTO(ch_str) block = CH_STR_INIT(SIZE_MAX / 2);
	uint64_t start = sort->written;

	if (sort->len == 0)
		return 0;
	if (sort->fd < 0 && make_file(sort, err) < 0)
		return -1;
	sort_memory(sort);
	for (size_t i = 0; i < sort->len; i++) {
		const char *record = sort->records + sort->order[i];

		ch_str_add_mem(&block, record, size_of(record));
		if (block.len < RUN_BUFFER * 8 && i + 1 < sort->len)
			continue;
		if (ch_file_write_all(sort->fd, block.data, block.len, err) <
		    0)
			return ch_error_prefix(err, "sorting the table");
		sort->written += block.len;
		ch_str_clear(&block);
	}
	CH_GROW(sort->runs, sort->runs_len, sort->runs_cap);
	sort->runs[sort->runs_len] = (struct run){
		.at = start, .end = sort->written, .number = sort->runs_len,
	};
	sort->runs_len++;
	sort->len = 0;
	sort->records_len = 0;
	return 0;
}

int ch_sort_add(struct ch_sort *sort, struct ch_slice key,
		struct ch_slice value, struct ch_error *err)
{
	uint32_t lengths[2] = { (uint32_t)key.len, (uint32_t)value.len };
	size_t size = HEAD + key.len + value.len;

	if (sort->records_len + size > sort->memory &&
	    write_run(sort, err) < 0)
		return -1;
	while (sort->records_len + size > sort->records_cap)
		ch_grow(&sort->records, sort->records_cap, &sort->records_cap,
			1);
	CH_GROW(sort->order, sort->len, sort->cap);
	sort->order[sort->len++] = sort->records_len;
	memcpy(sort->records + sort->records_len, lengths, HEAD);
	sort->records_len += HEAD;
	if (key.len)
		memcpy(sort->records + sort->records_len, key.data, key.len);
	sort->records_len += key.len;
	if (value.len)
		memcpy(sort->records + sort->records_len, value.data,
		       value.len);
	sort->records_len += value.len;
	return 0;
}

/* ---- merging them ----------------------------------------------------- */

/* Have at least `want` bytes of the run in its buffer. */
static int fill(const struct ch_sort *sort, struct run *run, size_t want,
		struct ch_error *err)
{
	memmove(run->buffer, run->buffer + run->from, run->len - run->from);
	run->len -= run->from;
	run->from = 0;
	if (run->cap < want) {
		run->buffer = ch_xreallocarray(run->buffer, want, 1);
		run->cap = want;
	}
	while (run->len < want) {
		size_t room = run->cap - run->len;
		uint64_t left = run->end - run->at;
		ssize_t got = pread(sort->fd, run->buffer + run->len,
				    left < room ? (size_t)left : room,
				    (off_t)run->at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return ch_error_errno(err, got < 0 ? errno : EIO,
					      "sorting the table");
		run->len += (size_t)got;
		run->at += (uint64_t)got;
	}
	return 0;
}

/* Have a whole record in front: 1, or 0 at the run's end. */
static int load(const struct ch_sort *sort, struct run *run,
		struct ch_error *err)
{
	if (run->from == run->len && run->at == run->end)
		return 0;
	if (run->len - run->from < HEAD && fill(sort, run, HEAD, err) < 0)
		return -1;
	if (run->len - run->from < size_of(run->buffer + run->from) &&
	    fill(sort, run, size_of(run->buffer + run->from), err) < 0)
		return -1;
	return 1;
}

static bool goes_before(const struct ch_sort *sort, size_t a, size_t b)
{
	const struct run *one = &sort->runs[a];
	const struct run *two = &sort->runs[b];
	int order = compare_keys(one->buffer + one->from,
				 two->buffer + two->from);

	return order ? order < 0 : one->number < two->number;
}

static void sink_down(struct ch_sort *sort, size_t at)
{
	for (;;) {
		size_t child = 2 * at + 1;
		size_t run = sort->heap[at];

		if (child >= sort->heap_len)
			return;
		if (child + 1 < sort->heap_len &&
		    goes_before(sort, sort->heap[child + 1],
				sort->heap[child]))
			child++;
		if (!goes_before(sort, sort->heap[child], run))
			return;
		sort->heap[at] = sort->heap[child];
		sort->heap[child] = run;
		at = child;
	}
}

static int begin_merge(struct ch_sort *sort, struct ch_error *err)
{
	sort->ended = true;
	if (sort->fd < 0) {
		sort_memory(sort);
		return 0;
	}
	if (write_run(sort, err) < 0)
		return -1;
	free(CH_TAKE(sort->records));
	sort->records_cap = 0;
	sort->heap = ch_xcalloc(sort->runs_len, sizeof(*sort->heap));
	for (size_t i = 0; i < sort->runs_len; i++) {
		sort->runs[i].buffer = ch_xmalloc(RUN_BUFFER);
		sort->runs[i].cap = RUN_BUFFER;
		if (load(sort, &sort->runs[i], err) < 0)
			return -1;
		sort->heap[sort->heap_len++] = i;
	}
	for (size_t i = sort->heap_len; i > 0; i--)
		sink_down(sort, i - 1);
	return 0;
}

/* Go past the record that was given out last. */
static int step(struct ch_sort *sort, struct ch_error *err)
{
	struct run *run = &sort->runs[sort->heap[0]];
	int got;

	run->from += size_of(run->buffer + run->from);
	got = load(sort, run, err);
	if (got < 0)
		return -1;
	if (got == 0)
		sort->heap[0] = sort->heap[--sort->heap_len];
	sink_down(sort, 0);
	return 0;
}

int ch_sort_next(struct ch_sort *sort, struct ch_slice *ret_key,
		 struct ch_slice *ret_value, struct ch_error *err)
{
	const struct run *run;

	if (!sort->ended && begin_merge(sort, err) < 0)
		return -1;
	if (sort->fd < 0) {
		if (sort->next == sort->len)
			return 0;
		read_record(sort->records + sort->order[sort->next++], ret_key,
			    ret_value);
		return 1;
	}
	if (sort->advance && sort->heap_len > 0 && step(sort, err) < 0)
		return -1;
	sort->advance = sort->heap_len > 0;
	if (sort->heap_len == 0)
		return 0;
	run = &sort->runs[sort->heap[0]];
	read_record(run->buffer + run->from, ret_key, ret_value);
	return 1;
}
