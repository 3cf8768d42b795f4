// SPDX-License-Identifier: GPL-3.0-or-later
/* test-spool.c - folders for uploads: fresh, ours, and gone afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>
#include <cmocka.h>

#include "base/mem.h"
#include "chanceryd/spool.h"

static char folder[] = "/tmp/ch-spool-XXXXXX";

static void put_file(const char *at, const char *name)
{
	CH_AUTOCHAR path = ch_xasprintf("%s/%s", at, name);
	CH_AUTOFD fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0400);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
}

static void put_folder(const char *at, const char *name)
{
	CH_AUTOCHAR path = ch_xasprintf("%s/%s", at, name);

	assert_int_equal(mkdir(path, 0700), 0);
}

static bool there(const char *at, const char *name)
{
	CH_AUTOCHAR path = ch_xasprintf("%s/%s", at, name);
	struct stat st;

	return lstat(path, &st) == 0;
}

static void an_upload(const char *at)
{
	put_folder(at, "letter");
	put_folder(at, "recipients");
	put_file(at, "letter/fr.md");
	put_file(at, "recipients/members.csv");
}

static void a_folder_is_fresh_private_and_removed_whole(void **state)
{
	CH_AUTOPTR(ch_spool) spool = NULL;
	CH_AUTOCHAR a = NULL;
	CH_AUTOCHAR b = NULL;
	struct ch_error err;
	struct stat st;

	(void)state;
	assert_int_equal(ch_spool_open(folder, &spool, &err), 0);
	assert_int_equal(ch_spool_add(spool, &a, &err), 0);
	assert_int_equal(ch_spool_add(spool, &b, &err), 0);
	assert_string_not_equal(a, b);
	assert_int_equal(stat(a, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(ch_spool_check(spool, a, &err), 0);
	an_upload(a);
	an_upload(b);
	assert_int_equal(ch_spool_remove(spool, a, &err), 0);
	assert_false(there(a, "."));
	assert_true(there(b, "letter/fr.md"));
	assert_int_equal(ch_spool_check(spool, a, &err), -1);
}

static void a_start_sweeps_what_a_crash_left(void **state)
{
	CH_AUTOPTR(ch_spool) before = NULL;
	CH_AUTOPTR(ch_spool) after = NULL;
	CH_AUTOCHAR path = NULL;
	struct ch_error err;

	(void)state;
	assert_int_equal(ch_spool_open(folder, &before, &err), 0);
	assert_int_equal(ch_spool_add(before, &path, &err), 0);
	an_upload(path);
	assert_int_equal(ch_spool_open(folder, &after, &err), 0);
	assert_false(there(path, "."));
	assert_true(there(folder, "spool"));
}

static void a_link_is_removed_and_not_followed(void **state)
{
	CH_AUTOPTR(ch_spool) spool = NULL;
	CH_AUTOCHAR path = NULL;
	CH_AUTOCHAR link_path = NULL;
	struct ch_error err;

	(void)state;
	put_folder(folder, "elsewhere");
	put_file(folder, "elsewhere/kept");
	assert_int_equal(ch_spool_open(folder, &spool, &err), 0);
	assert_int_equal(ch_spool_add(spool, &path, &err), 0);
	link_path = ch_xasprintf("%s/letter", path);
	assert_int_equal(symlink("../../elsewhere", link_path), 0);
	assert_int_equal(ch_spool_remove(spool, path, &err), 0);
	assert_true(there(folder, "elsewhere/kept"));
}

static void nothing_else_can_be_removed(void **state)
{
	static const char *const tails[] = {
		"", "/", "/spool", "/spool/", "/spool/..", "/spool/../elsewhere",
		"/spool/aaaaaaaaaaaaaaa", "/spool/aaaaaaaaaaaaaaaa/letter",
		"/spool/aaaaaaaaaaaaaa..", "/elsewhere",
	};
	CH_AUTOPTR(ch_spool) spool = NULL;
	struct ch_error err;

	(void)state;
	assert_int_equal(ch_spool_open(folder, &spool, &err), 0);
	for (size_t i = 0; i < CH_COUNT(tails); i++) {
		CH_AUTOCHAR path = ch_xasprintf("%s%s", folder, tails[i]);

		assert_int_equal(ch_spool_remove(spool, path, &err), -1);
		assert_int_equal(err.fate, CH_GIVE_UP);
		assert_int_equal(ch_spool_check(spool, path, &err), -1);
	}
	assert_true(there(folder, "elsewhere/kept"));
	assert_true(there(folder, "spool"));
}

static void what_others_may_write_is_no_spool(void **state)
{
	CH_AUTOPTR(ch_spool) spool = NULL;
	CH_AUTOCHAR path = ch_xasprintf("%s/spool", folder);
	struct ch_error err;

	(void)state;
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(ch_spool_open(folder, &spool, &err), -1);
	assert_int_equal(err.fate, CH_GIVE_UP);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(ch_spool_open(folder, &spool, &err), -1);
	assert_int_equal(err.fate, CH_GIVE_UP);
	assert_true(there(folder, "elsewhere/kept"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_is_fresh_private_and_removed_whole),
		cmocka_unit_test(a_start_sweeps_what_a_crash_left),
		cmocka_unit_test(a_link_is_removed_and_not_followed),
		cmocka_unit_test(nothing_else_can_be_removed),
		cmocka_unit_test(what_others_may_write_is_no_spool),
	};
	CH_AUTOCHAR rm = NULL;
	int failed;

	if (!mkdtemp(folder))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rm = ch_xasprintf("rm -r %s", folder);
	return system(rm) != 0 || failed;
}
