// SPDX-License-Identifier: GPL-3.0-or-later
/* test-objects.c - files called by their SHA-256, as they are and compressed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/objects.h"
#include "base/spill.h"
#include "base/sweep.h"

struct place {
	char folder[32];
	int dir;
	struct ch_compress *compress;
};

static int make_place(void **state)
{
	struct place *place = ch_xzalloc(sizeof(*place));

	snprintf(place->folder, sizeof(place->folder),
		 "/tmp/ch-objects-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	place->dir = open(place->folder, O_RDONLY | O_DIRECTORY);
	place->compress = ch_compress_new();
	*state = place;
	return 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;
	CH_AUTOCHAR command = ch_xasprintf("rm -r %s", place->folder);

	assert_int_equal(system(command), 0);
	close(place->dir);
	ch_compress_free(place->compress);
	free(place);
	return 0;
}

static int is_hidden(const struct dirent *entry)
{
	return entry->d_name[0] == '.' && entry->d_name[1] != '.' &&
	       entry->d_name[1] != '\0';
}

/* How many temporary files are left. */
static int leftovers(const char *path)
{
	struct dirent **list = NULL;
	int len = scandir(path, &list, is_hidden, NULL);

	for (int i = 0; i < len; i++)
		free(list[i]);
	free(list);
	return len;
}

/* What lies there is other bytes from here on. */
static void change(const struct place *place, const char *path, off_t at)
{
	CH_AUTOFD fd = openat(place->dir, path, O_RDWR);
	char byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

/* ---- as they are --------------------------------------------------------- */

static void a_plain_object_is_found_by_its_hash(void **state)
{
	struct place *place = *state;
	CH_AUTO(ch_str) out = CH_STR_INIT(10);
	char path[CH_OBJECT_PATH_SIZE];
	enum ch_object_form form;
	struct ch_sha256 sum;
	struct ch_error err;
	uint64_t size;

	assert_int_equal(ch_object_add(place->dir, "abc", 3, &sum, &err), 0);
	assert_int_equal(ch_object_add(place->dir, "abc", 3, &sum, &err), 0);
	ch_object_path(&sum, CH_OBJECT_PLAIN, path);
	assert_string_equal(path, "ba/7816bf8f01cfea414140de5dae2223b00361a396"
				  "177a9cb410ff61f20015ad");
	assert_int_equal(ch_object_read(place->dir, &sum, &out, &err), 0);
	assert_string_equal(ch_str_cstr(&out), "abc");
	{
		CH_AUTOFD fd = ch_object_open(place->dir, &sum, &size, &form,
					      &err);
		char bytes[8] = "";

		assert_int_equal(size, 3);
		assert_int_equal(form, CH_OBJECT_PLAIN);
		assert_int_equal(read(fd, bytes, sizeof(bytes)), 3);
		assert_string_equal(bytes, "abc");
	}
	change(place, path, 0);
	ch_str_clear(&out);
	assert_int_equal(ch_object_read(place->dir, &sum, &out, &err), -1);
	assert_non_null(strstr(err.text, "has other bytes than its name"));
	sum.bytes[0]++;
	assert_int_equal(ch_object_open(place->dir, &sum, &size, &form, &err),
			 -1);
	assert_int_equal(err.fate, CH_GIVE_UP);
	/* what letters are made of is never removed */
	sum.bytes[0]--;
	assert_int_equal(ch_object_remove(place->dir, &sum, &size, &err), 0);
	assert_int_equal(faccessat(place->dir, path, F_OK, 0), 0);
}

/* ---- compressed ---------------------------------------------------------- */

static void keep_one(struct place *place, const char *bytes, size_t len,
		     struct ch_sha256 *ret)
{
	struct ch_objects objects;
	struct ch_error err;

	ch_objects_init(&objects, place->dir, "me", place->compress);
	assert_int_equal(ch_objects_begin(&objects, &err), 0);
	assert_int_equal(ch_objects_write(&objects, bytes, len, &err), 0);
	assert_int_equal(ch_objects_end(&objects, ret, &err), 0);
	assert_int_equal(ch_objects_keep(&objects, &err), 0);
	ch_objects_release(&objects);
}

static int add_piece(void *context, const void *bytes, size_t len,
		     struct ch_error *err)
{
	(void)err;
	ch_str_add_mem(context, bytes, len);
	return 0;
}

/* In pieces of one byte, of three, and all at once: the same comes of it. */
static int unpack_bytes(const void *bytes, size_t len, struct ch_str *out,
			struct ch_error *err)
{
	static const size_t steps[] = { 1, 3, SIZE_MAX };
	int first = 0;

	for (size_t i = 0; i < CH_COUNT(steps); i++) {
		struct ch_decompress *decompress =
			ch_decompress_new(out->max, add_piece, out);
		int rc = 0;

		ch_str_clear(out);
		for (size_t at = 0, step; at < len && rc == 0; at += step) {
			step = len - at < steps[i] ? len - at : steps[i];
			rc = ch_decompress_write(decompress,
						 (const char *)bytes + at,
						 step, err);
		}
		if (rc == 0)
			rc = ch_decompress_end(decompress, err);
		ch_decompress_free(decompress);
		if (i > 0)
			assert_int_equal(rc, first);
		first = rc;
	}
	return first;
}

/* The mail in a compressed one. */
static int unpack(const struct place *place, const struct ch_sha256 *sum,
		  struct ch_str *out, struct ch_error *err)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(1 << 20);
	char path[CH_OBJECT_PATH_SIZE];

	ch_object_path(sum, CH_OBJECT_COMPRESSED, path);
	if (ch_file_read_at(place->dir, path, &bytes, err) < 0)
		return -1;
	return unpack_bytes(ch_str_cstr(&bytes), bytes.len, out, err);
}

static off_t size_of(const struct place *place, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(place->dir, path, &st, 0), 0);
	return st.st_size;
}

static void a_compressed_one_is_called_by_what_it_holds(void **state)
{
	struct place *place = *state;
	CH_AUTO(ch_str) out = CH_STR_INIT(3000);
	CH_AUTOCHAR text = ch_xzalloc(3000);
	char path[CH_OBJECT_PATH_SIZE];
	enum ch_object_form form;
	struct ch_sha256 want;
	struct ch_sha256 sum;
	struct ch_error err;
	uint64_t size;
	int fd;

	memset(text, 'x', 3000);
	ch_sha256_of(text, 3000, &want);
	keep_one(place, text, 3000, &sum);
	assert_true(ch_sha256_eq(&sum, &want));
	ch_object_path(&sum, CH_OBJECT_COMPRESSED, path);
	assert_string_equal(path + CH_SHA256_HEX_SIZE, ".zst");
	assert_in_range(size_of(place, path), 12, 100);
	assert_int_equal(unpack(place, &sum, &out, &err), 0);
	assert_int_equal(out.len, 3000);
	assert_memory_equal(out.data, text, 3000);
	fd = ch_object_open(place->dir, &sum, &size, &form, &err);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(form, CH_OBJECT_COMPRESSED);
	assert_int_equal(size, size_of(place, path));
	assert_int_equal(ch_object_remove(place->dir, &sum, &size, &err), 1);
	assert_true(size > 0);
	assert_int_equal(ch_object_remove(place->dir, &sum, &size, &err), 0);
	ch_str_clear(&out);
	assert_int_equal(unpack(place, &sum, &out, &err), -1);
	assert_int_equal(err.fate, CH_GIVE_UP);
}

static void a_damaged_one_is_replaced_by_a_whole_one(void **state)
{
	struct place *place = *state;
	CH_AUTO(ch_str) out = CH_STR_INIT(100);
	char path[CH_OBJECT_PATH_SIZE];
	struct ch_sha256 sum;
	struct ch_error err;

	keep_one(place, "To: A\r\n\r\n", 9, &sum);
	ch_object_path(&sum, CH_OBJECT_COMPRESSED, path);
	change(place, path, size_of(place, path) - 1);
	assert_int_equal(unpack(place, &sum, &out, &err), -1);
	assert_non_null(strstr(err.text, "damaged: "));
	keep_one(place, "To: A\r\n\r\n", 9, &sum);
	ch_str_clear(&out);
	assert_int_equal(unpack(place, &sum, &out, &err), 0);
	assert_string_equal(ch_str_cstr(&out), "To: A\r\n\r\n");
}

/* Somebody sends us the very bytes of an annex: its letters do not read his. */
static void a_plain_one_comes_first(void **state)
{
	struct place *place = *state;
	CH_AUTO(ch_str) out = CH_STR_INIT(100);
	char path[CH_OBJECT_PATH_SIZE];
	enum ch_object_form form;
	struct ch_sha256 sum;
	struct ch_error err;
	uint64_t size;

	keep_one(place, "annex", 5, &sum);
	assert_int_equal(ch_object_add(place->dir, "annex", 5, &sum, &err), 0);
	ch_object_path(&sum, CH_OBJECT_COMPRESSED, path);
	change(place, path, size_of(place, path) - 1);
	assert_int_equal(ch_object_read(place->dir, &sum, &out, &err), 0);
	assert_string_equal(ch_str_cstr(&out), "annex");
	close(ch_object_open(place->dir, &sum, &size, &form, &err));
	assert_int_equal(form, CH_OBJECT_PLAIN);
	assert_int_equal(ch_object_remove(place->dir, &sum, &size, &err), 1);
	ch_str_clear(&out);
	assert_int_equal(ch_object_read(place->dir, &sum, &out, &err), 0);
}

/* What a file would hold, with all that ends it. */
static void compressed(struct place *place, const char *bytes, size_t len,
		       size_t times, struct ch_str *ret)
{
	struct ch_error err;
	int fd = openat(place->dir, "made", O_RDWR | O_CREAT | O_TRUNC, 0600);

	ch_compress_begin(place->compress, fd);
	for (size_t i = 0; i < times; i++)
		assert_int_equal(ch_compress_write(place->compress, bytes, len,
						   &err), 0);
	assert_int_equal(ch_compress_end(place->compress, &err), 0);
	close(fd);
	assert_int_equal(ch_file_read_at(place->dir, "made", ret, &err), 0);
}

static void all_that_is_not_whole_is_refused(void **state)
{
	struct place *place = *state;
	CH_AUTO(ch_str) whole = CH_STR_INIT(4096);
	CH_AUTO(ch_str) out = CH_STR_INIT(100);
	struct ch_error err;

	compressed(place, "Subject: a form\r\n", 17, 2, &whole);
	assert_int_equal(unpack_bytes(whole.data, whole.len, &out, &err), 0);
	assert_string_equal(ch_str_cstr(&out),
			    "Subject: a form\r\nSubject: a form\r\n");
	for (size_t len = 0; len < whole.len; len++) {
		ch_str_clear(&out);
		assert_int_equal(unpack_bytes(whole.data, len, &out, &err),
				 -1);
		assert_int_equal(err.fate, CH_GIVE_UP);
		assert_non_null(strstr(err.text, "damaged: "));
	}
	for (size_t at = 0; at < whole.len; at++) {
		CH_AUTOCHAR bytes = ch_xmemdup(whole.data, whole.len);

		bytes[at] ^= 0x55;
		ch_str_clear(&out);
		/* the window may be another, the bytes may not */
		if (unpack_bytes(bytes, whole.len, &out, &err) == 0)
			assert_int_equal(at, 5);
		if (at == 5)
			assert_string_equal(ch_str_cstr(&out),
					    "Subject: a form\r\n"
					    "Subject: a form\r\n");
	}
	ch_str_add(&whole, "x");
	ch_str_clear(&out);
	assert_int_equal(unpack_bytes(whole.data, whole.len, &out, &err), -1);
	assert_string_equal(err.text,
			    "damaged: something follows its end");
}

/* 1 GiB in some 30 KB: no more of it is made than may be, and at the limit it
 * is not yet too much. */
static void what_expands_without_end_is_refused(void **state)
{
	struct place *place = *state;
	CH_AUTO(ch_str) bomb = CH_STR_INIT(1 << 20);
	CH_AUTO(ch_str) out = CH_STR_INIT(100000);
	CH_AUTO(ch_str) just = CH_STR_INIT(1 << 20);
	CH_AUTOCHAR zeroes = ch_xzalloc(1 << 20);
	struct ch_error err;

	compressed(place, zeroes, 1 << 20, 1024, &bomb);
	assert_in_range(bomb.len, 100, 200000);
	assert_int_equal(unpack_bytes(bomb.data, bomb.len, &out, &err), -1);
	assert_string_equal(err.text, "it holds more than 100000 bytes");
	assert_in_range(out.len, 0, 100000);
	assert_in_range(out.cap, 0, 300000);
	ch_str_clear(&bomb);
	compressed(place, zeroes, 1 << 20, 1, &bomb);
	assert_int_equal(unpack_bytes(bomb.data, bomb.len, &just, &err), 0);
	assert_int_equal(just.len, 1 << 20);
}

/* RFC 8878: magic, a frame header that asks for a window of 128 MiB, and a
 * block of one byte repeated. */
static void a_large_window_is_refused(void **state)
{
	static const unsigned char frame[] = {
		0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x88, 0x0B, 0x00, 0x00, 'a'
	};
	CH_AUTO(ch_str) out = CH_STR_INIT(100);
	struct ch_error err;

	(void)state;
	assert_int_equal(unpack_bytes(frame, sizeof(frame), &out, &err), -1);
	assert_non_null(strstr(err.text, "memory"));
}

/* ---- what is too much for the memory -------------------------------------- */

/* What was passed is there when it is read once more. */
static void a_spill_is_read_as_memory(void **state)
{
	struct place *place = *state;
	CH_AUTO(ch_spill) spill = CH_SPILL_INIT;
	CH_AUTO(ch_spill) empty = CH_SPILL_INIT;
	struct ch_error err;
	DIR *dir;
	int files = 0;

	assert_int_equal(ch_spill_open(&empty, place->dir, &err), 0);
	assert_int_equal(ch_spill_map(&empty, &err), 0);
	assert_string_equal(empty.bytes, "");
	assert_int_equal(ch_spill_open(&spill, place->dir, &err), 0);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(ch_spill_write(&spill, "a form", 6, &err), 0);
	assert_int_equal(ch_spill_map(&spill, &err), 0);
	assert_int_equal(spill.len, 600000);
	for (int way = 0; way < 2; way++) {
		for (size_t i = 0; i < spill.len; i += 6)
			assert_memory_equal(spill.bytes + i, "a form", 6);
		ch_spill_passed(spill.bytes + 1, spill.len - 1);
		ch_spill_passed(spill.bytes + 7, 3);
	}
	dir = opendir(place->folder);
	while (readdir(dir))
		files++;
	closedir(dir);
	assert_int_equal(files, 2); /* "." and ".." */
}

/* ---- in sets ------------------------------------------------------------- */

static void add_new(struct ch_objects *objects, unsigned int number,
		    struct ch_sha256 *ret)
{
	char text[40];
	struct ch_error err;

	snprintf(text, sizeof(text), "object %u", number);
	assert_int_equal(ch_objects_begin(objects, &err), 0);
	assert_int_equal(ch_objects_write(objects, text, 3, &err), 0);
	assert_int_equal(ch_objects_write(objects, text + 3,
					  strlen(text) - 3, &err), 0);
	assert_int_equal(ch_objects_end(objects, ret, &err), 0);
}

static void check_kept(const struct place *place, const struct ch_sha256 *sum,
		       unsigned int number)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(40);
	struct ch_error err;
	char want[40];

	snprintf(want, sizeof(want), "object %u", number);
	assert_int_equal(unpack(place, sum, &out, &err), 0);
	assert_string_equal(ch_str_cstr(&out), want);
}

/* In sets of each of these sizes: made durable one by one, or all together. */
static void objects_are_kept_in_sets(void **state)
{
	static const unsigned int sizes[] = { 0, 1, 4, 5, 100 };
	struct place *place = *state;
	struct ch_objects objects;
	struct ch_sha256 sums[100];
	struct ch_error err;

	for (size_t i = 0; i < CH_COUNT(sizes); i++) {
		ch_objects_init(&objects, place->dir, "me", place->compress);
		for (unsigned int j = 0; j < sizes[i]; j++)
			add_new(&objects, j, &sums[j]); /* some are there */
		if (sizes[i] > 0)
			assert_int_not_equal(leftovers(place->folder), 0);
		assert_int_equal(ch_objects_keep(&objects, &err), 0);
		assert_int_equal(objects.len, 0);
		assert_int_equal(leftovers(place->folder), 0);
		ch_objects_release(&objects);
		for (unsigned int j = 0; j < sizes[i]; j++)
			check_kept(place, &sums[j], j);
	}
}

static void objects_that_are_not_kept_are_gone(void **state)
{
	struct place *place = *state;
	struct ch_objects objects;
	struct ch_sha256 sum;
	struct ch_error err;

	ch_objects_init(&objects, place->dir, "me", place->compress);
	add_new(&objects, 1, &sum);
	assert_int_equal(ch_objects_begin(&objects, &err), 0);
	assert_int_equal(ch_objects_write(&objects, "half", 4, &err), 0);
	assert_int_equal(leftovers(place->folder), 2);
	ch_objects_sweep(place->dir, "m");
	ch_objects_sweep(place->dir, "me2");
	assert_int_equal(leftovers(place->folder), 2);
	ch_objects_release(&objects);
	assert_int_equal(leftovers(place->folder), 0);
	/* half a mail is in the compressor: the next one is none the worse */
	ch_objects_init(&objects, place->dir, "me", place->compress);
	add_new(&objects, 2, &sum);
	assert_int_equal(ch_objects_keep(&objects, &err), 0);
	check_kept(place, &sum, 2);
	add_new(&objects, 1, &sum);
	ch_objects_sweep(place->dir, "me");
	assert_int_equal(leftovers(place->folder), 0);
	assert_int_equal(ch_objects_keep(&objects, &err), -1);
	ch_objects_release(&objects);
}

/* ---- what nobody knows of ------------------------------------------------ */

#define A_TIME 1700000000

static void written_at(const struct place *place, const char *path,
		       time_t at_s)
{
	const struct timespec times[2] = { { at_s, 0 }, { at_s, 0 } };

	assert_int_equal(utimensat(place->dir, path, times, 0), 0);
}

/* Compressed ones of before A_TIME, looked for in pieces of that size. */
static size_t old_ones(const struct place *place, size_t piece,
		       struct ch_sha256 *ret, size_t most)
{
	struct ch_sweep *sweep = ch_sweep_new(dup(place->dir));
	size_t len = 0;
	size_t got;
	int more = 1;

	while (more) {
		struct ch_sha256 sums[100];

		more = ch_sweep_look(sweep, A_TIME * INT64_C(1000000), piece,
				     sums, &got);
		assert_in_range(got, 0, piece);
		for (size_t i = 0; i < got && len < most; i++)
			ret[len++] = sums[i];
	}
	ch_sweep_free(sweep);
	return len;
}

static void keep_dated(struct place *place, const char *text, time_t at_s,
		       struct ch_sha256 *ret)
{
	char path[CH_OBJECT_PATH_SIZE];

	keep_one(place, text, strlen(text), ret);
	ch_object_path(ret, CH_OBJECT_COMPRESSED, path);
	written_at(place, path, at_s);
}

static void touch(const struct place *place, const char *path, time_t at_s)
{
	close(openat(place->dir, path, O_CREAT | O_WRONLY, 0600));
	written_at(place, path, at_s);
}

static void old_mails_are_found_and_nothing_else(void **state)
{
	static const size_t pieces[] = { 1, 2, 100 };
	struct place *place = *state;
	struct ch_sha256 old, young, annex;
	struct ch_sha256 found[10];
	char path[CH_OBJECT_PATH_SIZE];
	struct ch_error err;

	keep_dated(place, "old", A_TIME - 1, &old);
	keep_dated(place, "young", A_TIME, &young);
	assert_int_equal(ch_object_add(place->dir, "annex", 5, &annex, &err),
			 0);
	ch_object_path(&annex, CH_OBJECT_PLAIN, path);
	written_at(place, path, 1);
	memcpy(path + 3, "not-an-object", 14);
	touch(place, path, 1);
	touch(place, "README", 1);
	touch(place, ".me.old", A_TIME - 1);
	touch(place, ".me.young", A_TIME);
	for (size_t i = 0; i < CH_COUNT(pieces); i++) {
		assert_int_equal(old_ones(place, pieces[i], found, 10), 1);
		assert_true(ch_sha256_eq(&found[0], &old));
	}
	assert_int_equal(leftovers(place->folder), 1);
	assert_int_equal(faccessat(place->dir, ".me.young", F_OK, 0), 0);
	assert_int_equal(faccessat(place->dir, "README", F_OK, 0), 0);
	assert_int_equal(faccessat(place->dir, path, F_OK, 0), 0);
}

static int remove_if_old(const struct place *place,
			 const struct ch_sha256 *sum)
{
	struct ch_sweep *sweep = ch_sweep_new(
		openat(place->dir, ".", O_RDONLY | O_DIRECTORY));
	struct ch_error err;
	uint64_t size = 0;
	int removed = ch_sweep_remove(sweep, sum, A_TIME * INT64_C(1000000),
				      &size, &err);

	ch_sweep_free(sweep);
	assert_int_equal(removed > 0, size > 0);
	return removed;
}

/* From the keeping on, until it has told somebody and releases them. */
static void no_mail_goes_while_a_writer_has_one_to_tell(void **state)
{
	struct place *place = *state;
	struct ch_objects objects;
	struct ch_sha256 old, other;
	struct ch_error err;

	keep_dated(place, "old", A_TIME - 1, &old);
	ch_objects_init(&objects, place->dir, "me", place->compress);
	add_new(&objects, 1, &other);
	assert_int_equal(ch_objects_keep(&objects, &err), 0);
	assert_int_equal(remove_if_old(place, &old), 0);
	add_new(&objects, 2, &other);
	assert_int_equal(ch_objects_keep(&objects, &err), 0);
	assert_int_equal(remove_if_old(place, &old), 0);
	ch_objects_release(&objects);
	assert_int_equal(remove_if_old(place, &old), 1);
	assert_int_equal(remove_if_old(place, &old), 0);
	/* written once more since it was found */
	keep_dated(place, "old", A_TIME + 1, &old);
	assert_int_equal(remove_if_old(place, &old), 0);
	check_kept(place, &other, 2);
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_plain_object_is_found_by_its_hash),
		TEST(a_compressed_one_is_called_by_what_it_holds),
		TEST(a_damaged_one_is_replaced_by_a_whole_one),
		TEST(a_plain_one_comes_first),
		TEST(all_that_is_not_whole_is_refused),
		TEST(what_expands_without_end_is_refused),
		TEST(a_large_window_is_refused),
		TEST(a_spill_is_read_as_memory),
		TEST(objects_are_kept_in_sets),
		TEST(objects_that_are_not_kept_are_gone),
		TEST(old_mails_are_found_and_nothing_else),
		TEST(no_mail_goes_while_a_writer_has_one_to_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
