// SPDX-License-Identifier: GPL-3.0-or-later
/* bundle.c - gather a letter's files.
 *
 * The folder is read through its descriptor and never by a path that is put
 * together, so that no link and no name leads out of it.
 */
#include "letter/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/objects.h"
#include "base/utf8.h"
#include "letter/fault.h"

#define NAME_BYTES_MAX 120
#define FILES_MAX 1000

static const char *const role_names[] = {
	[CH_ROLE_LETTER] = "letter",
	[CH_ROLE_ANNEX] = "annex",
	[CH_ROLE_ATTACHMENT] = "attachment",
};

const char *ch_file_role_name(enum ch_file_role role)
{
	return role_names[role];
}

enum ch_file_role ch_file_role_of(struct ch_slice name)
{
	for (size_t i = 0; i < CH_COUNT(role_names); i++) {
		if (ch_slice_eq(name, role_names[i]))
			return (enum ch_file_role)i;
	}
	return CH_ROLE_LETTER;
}

static void file_release(struct ch_bundle_file *file)
{
	free(file->name);
	free(file->shown);
	ch_str_release(&file->bytes);
}

void ch_bundle_release(struct ch_bundle *bundle)
{
	for (size_t i = 0; i < bundle->len; i++)
		file_release(&bundle->files[i]);
	free(bundle->files);
	*bundle = (struct ch_bundle){ 0 };
}

int ch_bundle_name_ok(const char *name, struct ch_error *err)
{
	size_t len = strlen(name);
	uint32_t cp;

	if (len == 0 || len > NAME_BYTES_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "a file's name has 1 to %d bytes",
				    NAME_BYTES_MAX);
	if (name[0] == '.')
		return ch_error_set(err, CH_GIVE_UP,
				    "a file's name may not begin with a dot");
	for (size_t at = 0; at < len;) {
		size_t n = ch_utf8_decode(name + at, len - at, &cp);

		if (n == 0)
			return ch_error_set(err, CH_GIVE_UP,
					    "a file's name is not UTF-8");
		if (cp == '/' || cp == '\\')
			return ch_error_set(err, CH_GIVE_UP,
					    "a slash in a file's name");
		if (ch_utf8_is_control(cp) || ch_utf8_is_bidi_control(cp))
			return ch_error_set(err, CH_GIVE_UP,
					    "%s character U+%04X in a file's "
					    "name",
					    ch_utf8_is_control(cp)
						    ? "control"
						    : "text direction", cp);
		at += n;
	}
	return 0;
}

const struct ch_bundle_file *ch_bundle_find(const struct ch_bundle *bundle,
					    enum ch_file_role role,
					    const char *name)
{
	for (size_t i = 0; i < bundle->len; i++) {
		if (bundle->files[i].role == role &&
		    strcmp(bundle->files[i].name, name) == 0)
			return &bundle->files[i];
	}
	return NULL;
}

static bool goes_before(const struct ch_bundle_file *a,
			const struct ch_bundle_file *b)
{
	if (a->role != b->role)
		return a->role < b->role;
	return strcmp(a->name, b->name) < 0;
}

static size_t bytes_of(const struct ch_bundle *bundle)
{
	size_t bytes = 0;

	for (size_t i = 0; i < bundle->len; i++)
		bytes += bundle->files[i].bytes.len;
	return bytes;
}

/* Takes the file, at its place in the order. On -1 it is released. */
static int add(struct ch_bundle *bundle, struct ch_bundle_file *file,
	       struct ch_error *err)
{
	size_t at = bundle->len;

	if (ch_bundle_find(bundle, file->role, file->name)) {
		ch_error_set(err, CH_GIVE_UP, "there are two files of that "
					      "name");
		file_release(file);
		return -1;
	}
	if (bundle->len == FILES_MAX ||
	    bytes_of(bundle) + file->bytes.len > CH_BUNDLE_MAX) {
		ch_error_set(err, CH_GIVE_UP,
			     "all files together are more than %d, or %d "
			     "bytes", FILES_MAX, CH_BUNDLE_MAX);
		file_release(file);
		return -1;
	}
	CH_GROW(bundle->files, bundle->len, bundle->cap);
	while (at > 0 && goes_before(file, &bundle->files[at - 1])) {
		bundle->files[at] = bundle->files[at - 1];
		at--;
	}
	bundle->files[at] = *file;
	bundle->len++;
	return 0;
}

/* Read a file whose bytes decide its sum, and add it. `name` is what it is
 * called; `path` is below dir_fd. */
static int add_file(struct ch_bundle *bundle, enum ch_file_role role,
		    int dir_fd, const char *path, const char *name,
		    const char *shown, struct ch_error *err)
{
	struct ch_bundle_file file = {
		.role = role,
		.name = ch_xstrdup(name),
		.shown = ch_xstrdup(shown),
	};

	ch_str_init(&file.bytes, CH_BUNDLE_FILE_MAX);
	if (ch_bundle_name_ok(name, err) < 0 ||
	    ch_file_read_at(dir_fd, path, &file.bytes, err) < 0) {
		file_release(&file);
		return -1;
	}
	ch_sha256_of(ch_str_cstr(&file.bytes), file.bytes.len, &file.sha256);
	return add(bundle, &file, err);
}

static bool is_passed_over(const char *name)
{
	size_t len = strlen(name);

	return name[0] == '.' || (len > 0 && name[len - 1] == '~');
}

static bool is_folder(int dir_fd, const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static void add_entry(struct ch_bundle *bundle, enum ch_file_role role,
		      int dir_fd, const char *name, const char *folder_shown,
		      struct ch_problems *problems)
{
	CH_AUTOCHAR shown = ch_xasprintf("%s/%s", folder_shown, name);
	struct ch_place place = { shown, 0, 0, NULL };
	struct ch_error err;

	if (is_passed_over(name))
		return;
	if (is_folder(dir_fd, name)) {
		ch_problems_add(problems, CH_PROBLEM_WARNING, place,
				"Its files stand side by side.",
				role == CH_ROLE_LETTER
					? "a folder inside a letter is not read"
					: "a folder inside is not read");
		return;
	}
	if (add_file(bundle, role, dir_fd, name, name, shown, &err) < 0)
		ch_problems_add(problems, CH_PROBLEM_ERROR, place, NULL, "%s",
				ch_error_behind(&err, name));
}

int ch_bundle_add_folder(struct ch_bundle *bundle, enum ch_file_role role,
			 const char *path, const char *shown,
			 struct ch_problems *problems)
{
	struct ch_place place = { shown, 0, 0, NULL };
	size_t errors = problems->errors;
	const struct dirent *entry;
	DIR *dir;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		ch_problems_add(problems, CH_PROBLEM_ERROR, place,
				role == CH_ROLE_LETTER
					? "A letter is a folder with "
					  "letter.conf and a file such as "
					  "en.md for each language."
					: NULL,
				"%s", strerror(errno));
		ch_auto_close(&fd);
		return -1;
	}
	while ((entry = readdir(dir)))
		add_entry(bundle, role, fd, entry->d_name, shown, problems);
	closedir(dir);
	return problems->errors > errors ? -1 : 0;
}

int ch_bundle_add_path(struct ch_bundle *bundle, enum ch_file_role role,
		       const char *path, const char *name,
		       struct ch_error *err)
{
	return add_file(bundle, role, AT_FDCWD, path, name, path, err);
}

int ch_bundle_add_annex(struct ch_bundle *bundle, const char *path,
			struct ch_problems *problems)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	struct ch_place place = { path, 0, 0, NULL };
	struct ch_error err;

	if (add_file(bundle, CH_ROLE_ANNEX, AT_FDCWD, path, name, path,
		     &err) == 0)
		return 0;
	ch_problems_add(problems, CH_PROBLEM_ERROR, place, NULL, "%s",
			ch_error_behind(&err, path));
	return -1;
}

int ch_bundle_add_object(struct ch_bundle *bundle, int objects_fd,
			 enum ch_file_role role, const char *name,
			 const struct ch_sha256 *sum, struct ch_error *err)
{
	struct ch_bundle_file file = {
		.role = role,
		.name = ch_xstrdup(name),
		.shown = ch_xstrdup(name),
		.sha256 = *sum,
	};

	ch_str_init(&file.bytes, CH_BUNDLE_FILE_MAX);
	if (ch_bundle_name_ok(name, err) < 0 ||
	    ch_object_read(objects_fd, sum, &file.bytes, err) < 0) {
		file_release(&file);
		return -1;
	}
	return add(bundle, &file, err);
}

int ch_bundle_add_bytes(struct ch_bundle *bundle, enum ch_file_role role,
			const char *name, const struct ch_sha256 *sum,
			struct ch_slice bytes, struct ch_error *err)
{
	struct ch_bundle_file file = {
		.role = role,
		.name = ch_xstrdup(name),
		.shown = ch_xstrdup(name),
	};

	ch_str_init(&file.bytes, CH_BUNDLE_FILE_MAX);
	ch_str_add_mem(&file.bytes, bytes.data, bytes.len);
	ch_sha256_of(bytes.data, bytes.len, &file.sha256);
	if (ch_bundle_name_ok(name, err) < 0) {
		file_release(&file);
		return -1;
	}
	if (file.bytes.full || !ch_sha256_eq(&file.sha256, sum)) {
		file_release(&file);
		return ch_error_set(err, CH_GIVE_UP,
				    "%s: not the bytes that it had", name);
	}
	return add(bundle, &file, err);
}
