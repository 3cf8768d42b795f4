/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bundle.h - the files a letter is made of, read once and held in memory.
 *
 * A letter folder (letter.conf, en.md …, annexes) on disk for `check` and
 * `preview`, an upload's spool for the import, the object store for sending:
 * after loading they are the same.
 */
#ifndef CH_LETTER_BUNDLE_H
#define CH_LETTER_BUNDLE_H

#include <stddef.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/problem.h"
#include "base/str.h"

#define CH_BUNDLE_FILE_MAX (25 * 1024 * 1024)
#define CH_BUNDLE_MAX (64 * 1024 * 1024)

enum ch_file_role {
	CH_ROLE_LETTER, /* from the letter folder */
	CH_ROLE_ANNEX,  /* given with --annex */
	CH_ROLE_ATTACHMENT, /* from --annex-dir: goes to those whose row of the
			       table names it */
};
/* "letter", "annex", "attachment". */
const char *ch_file_role_name(enum ch_file_role role);
/* The role of that name; CH_ROLE_LETTER where it is none. */
enum ch_file_role ch_file_role_of(struct ch_slice name);

struct ch_bundle_file {
	enum ch_file_role role;
	char *name;  /* owned; flat */
	char *shown; /* owned; as messages call it: "invitation/fr.md" */
	struct ch_str bytes;
	struct ch_sha256 sha256;
};

struct ch_bundle {
	struct ch_bundle_file *files; /* owned; letter first, then annexes,
					 then attachments, each by name */
	size_t len;
	size_t cap;
};

void ch_bundle_release(struct ch_bundle *bundle);

/* Read every regular file of the folder (not hidden, not ending in ~); links
 * that leave it, devices and oversized files are problems. -1 if any. */
int ch_bundle_add_folder(struct ch_bundle *bundle, enum ch_file_role role,
			 const char *path, const char *shown,
			 struct ch_problems *problems);
/* One more file, called by the last part of its path. */
int ch_bundle_add_annex(struct ch_bundle *bundle, const char *path,
			struct ch_problems *problems);
/* The file at `path`, which messages call it by, under another name. */
int ch_bundle_add_path(struct ch_bundle *bundle, enum ch_file_role role,
		       const char *path, const char *name,
		       struct ch_error *err);
/* From the object store; -1 where its bytes are not those of `sum`. */
int ch_bundle_add_object(struct ch_bundle *bundle, int objects_fd,
			 enum ch_file_role role, const char *name,
			 const struct ch_sha256 *sum, struct ch_error *err);

/* From memory; -1 where they are not those of `sum`. */
int ch_bundle_add_bytes(struct ch_bundle *bundle, enum ch_file_role role,
			const char *name, const struct ch_sha256 *sum,
			struct ch_slice bytes, struct ch_error *err);

/* NULL where there is none. */
const struct ch_bundle_file *ch_bundle_find(const struct ch_bundle *bundle,
					    enum ch_file_role role,
					    const char *name);

/* Whether a name may be that of a file in a letter folder: 1 to 120 bytes, no
 * "/", control or bidi character, not starting with ".". */
int ch_bundle_name_ok(const char *name, struct ch_error *err);

#endif
