// SPDX-License-Identifier: GPL-3.0-or-later
/* shared.c - which shared files a letter uses, read off its texts' bytes.
 *
 * Not off parsed templates: the answer is wanted before the letter is parsed,
 * since the files are part of it. */
#include "letter/shared.h"

#include <string.h>

#include "base/file.h"
#include "letter/country.h"
#include "letter/fault.h"
#include "letter/salutation.h"

#define SPACES " \t\r\n"

/* "| country", as a filter is written. */
static bool has_filter(const char *text, const char *name)
{
	const char *at = text;

	while ((at = strchr(at, '|'))) {
		at++;
		at += strspn(at, SPACES);
		if (strncmp(at, name, strlen(name)) == 0)
			return true;
	}
	return false;
}

static bool uses_countries(const char *text)
{
	return has_filter(text, "country");
}

static bool uses_salutations(const char *text)
{
	return strstr(text, "salutation") != NULL;
}

static const struct {
	const char *name;
	bool (*uses)(const char *text);
} files[] = {
	{ CH_COUNTRIES_FILE, uses_countries },
	{ CH_SALUTATIONS_FILE, uses_salutations },
};

static bool is_text(const struct ch_bundle_file *file)
{
	size_t len = strlen(file->name);

	return file->role == CH_ROLE_LETTER && len > 3 &&
	       strcmp(file->name + len - 3, ".md") == 0;
}

static bool is_used(const struct ch_bundle *bundle,
		    bool (*uses)(const char *text))
{
	for (size_t i = 0; i < bundle->len; i++) {
		if (is_text(&bundle->files[i]) &&
		    uses(ch_str_cstr(&bundle->files[i].bytes)))
			return true;
	}
	return false;
}

bool ch_shared_is_one(const char *name)
{
	for (size_t i = 0; i < CH_COUNT(files); i++) {
		if (strcmp(files[i].name, name) == 0)
			return true;
	}
	return false;
}

bool ch_shared_is_used(const struct ch_bundle *bundle, const char *name)
{
	for (size_t i = 0; i < CH_COUNT(files); i++) {
		if (strcmp(files[i].name, name) == 0)
			return is_used(bundle, files[i].uses);
	}
	return false;
}

int ch_shared_add(struct ch_bundle *bundle, const char *folder,
		  struct ch_problems *problems)
{
	size_t errors = problems->errors;

	for (size_t i = 0; i < CH_COUNT(files); i++) {
		CH_AUTOCHAR path = ch_xasprintf("%s/%s", folder,
						files[i].name);
		struct ch_place place = { path, 0, 0, NULL };
		struct ch_error err;

		if (!is_used(bundle, files[i].uses) ||
		    ch_bundle_find(bundle, CH_ROLE_LETTER, files[i].name))
			continue;
		if (ch_bundle_add_path(bundle, CH_ROLE_LETTER, path,
				       files[i].name, &err) < 0)
			ch_problems_add(problems, CH_PROBLEM_ERROR, place,
					"It comes with Chancery; a letter may "
					"have one of its own in its folder.",
					"%s", ch_error_behind(&err, path));
	}
	return problems->errors > errors ? -1 : 0;
}
