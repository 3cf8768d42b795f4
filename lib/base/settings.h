/* SPDX-License-Identifier: GPL-3.0-or-later */
/* settings.h - libconfig files read through a table that says what may stand
 * in them.
 *
 * libconfig parses; the table knows every key, its type, range and default. A
 * raw scan before it catches what libconfig 1.5 gets wrong in silence: integers
 * past 32 bits, an unterminated comment or string. All problems of a file are
 * reported at once, each with its line, unknown keys with the nearest known
 * one. The values are copied out; no libconfig object outlives the call.
 */
#ifndef CH_BASE_SETTINGS_H
#define CH_BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"

enum ch_setting_type {
	CH_SETTING_BOOL,     /* bool */
	CH_SETTING_INT,      /* int64_t */
	CH_SETTING_STRING,   /* char *, owned by the struct */
	CH_SETTING_DURATION, /* int64_t, milliseconds; "30s" "10m" "5d" "1h30m" */
	CH_SETTING_SIZE,     /* int64_t, bytes; "10MiB" "64KiB" "1G" */
	CH_SETTING_ENUM,     /* int: index into `names` */
	CH_SETTING_GROUP,    /* nested struct described by `members` */
	CH_SETTING_LIST,     /* struct ch_setting_list of such structs */
	CH_SETTING_STRINGS,  /* struct ch_setting_strings */
	CH_SETTING_MAP,      /* struct ch_setting_map: any key, string values */
};

struct ch_setting_strings {
	char **items; /* owned, as are the strings */
	size_t len;
};

struct ch_setting_map {
	struct ch_setting_pair {
		char *name;        /* owned */
		char *value;       /* owned */
		unsigned int line; /* where it stood */
	} *items; /* owned */
	size_t len;
};

struct ch_setting_list {
	void *items; /* owned: `len` structs of the table's element size */
	size_t len;
};

struct ch_setting {
	const char *name; /* NULL ends a table */
	enum ch_setting_type type;
	size_t offset;        /* of the value in the struct */
	const char *initial;  /* the default, as it would be written after "=";
				 NULL: required */
	int64_t min, max;     /* INT, DURATION (ms), SIZE (bytes), and for
				 STRING, STRINGS, LIST, MAP the length */
	const char *const *names;         /* ENUM: NULL-terminated */
	const struct ch_setting *members; /* GROUP, LIST */
	size_t size;                      /* LIST: of one element */
	const char *help;                 /* one line for the manual */
};

/* Read the file at `path` into *ret, a zeroed struct that `table` describes.
 * `shown` is what messages call the file. Returns 0 when there was no error;
 * -1 with all of them in *problems; *ret then holds what could be read. Release
 * it with ch_settings_release() in both cases. */
int ch_settings_read(const char *path, const char *shown,
		     const struct ch_setting *table, void *ret,
		     struct ch_problems *problems);

/* The same from text in memory; @include is then an error. */
int ch_settings_parse(const char *text, size_t len, const char *shown,
		      const struct ch_setting *table, void *ret,
		      struct ch_problems *problems);

/* Line on which a key was found, such as "relays[0].host"; 0 if it was not.
 * Only inside the check that follows reading: see ch_settings_read_checked. */
struct ch_setting_lines;
unsigned int ch_settings_line(const struct ch_setting_lines *lines,
			      const char *path);

/* Where to say something about a key: in the file that has it, which may be one
 * that was included, or else where the group begins that could have it. `shown`
 * and `path` are borrowed. */
struct ch_place ch_settings_place(const struct ch_setting_lines *lines,
				  const char *shown, const char *path);

/* Whether a key was wrong when it was read, or something in it or around it: it
 * is missing, of another type, out of its range, or misspelt as an unknown one
 * that is nearest to it. No rule can rest on it then. */
bool ch_settings_wrong(const struct ch_setting_lines *lines, const char *path);

/* Read, then let `check` look at the whole (keys that depend on one another)
 * and add problems with their lines. After an error it is called as well, so
 * that all are said at once, unless nothing could be read: keys that were wrong
 * have their defaults, or "" where they are required. */
typedef void ch_settings_check(void *ret, const char *shown,
			       const struct ch_setting_lines *lines,
			       struct ch_problems *problems);
int ch_settings_read_checked(const char *path, const char *shown,
			     const struct ch_setting *table, void *ret,
			     ch_settings_check *check,
			     struct ch_problems *problems);
int ch_settings_parse_checked(const char *text, size_t len, const char *shown,
			      const struct ch_setting *table, void *ret,
			      ch_settings_check *check,
			      struct ch_problems *problems);

/* Read a duration such as "1h30m" as the table does. Returns 0 and
 * milliseconds, or -1. */
int ch_settings_duration(const char *text, int64_t *ret_ms);

/* Free all that reading allocated in the struct, and zero it. */
void ch_settings_release(const struct ch_setting *table, void *values);

#endif
