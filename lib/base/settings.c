// SPDX-License-Identifier: GPL-3.0-or-later
/* settings.c - a table of keys over libconfig.
 *
 * libconfig 1.5 wraps integers past 32 bits in silence and lets an unterminated
 * comment swallow the rest of a file, so the raw text is scanned first
 * (settings-scan.c). Defaults are read by the same code as what a person wrote:
 * each is a text that libconfig parses.
 */
#include "base/settings.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libconfig.h>

#include "base/file.h"
#include "base/near.h"
#include "base/settings-private.h"

#define SETTINGS_MAX (4 * 1024 * 1024)
#define PATH_MAX_LEN 256

struct line {
	char *path;
	char *file; /* NULL: not one that was included */
	unsigned int line;
};

struct ch_setting_lines {
	struct line *items;
	size_t len, cap;
	char **wrong; /* owned, as are the paths in it */
	size_t wrong_len, wrong_cap;
};

struct reading {
	const char *shown;
	struct ch_problems *problems;
	struct ch_setting_lines lines;
	bool initial; /* reading a default: errors are our own */
	bool parsed;  /* there is something to check */
};

/* ---- places ------------------------------------------------------------- */

static void remember(struct reading *r, const char *path,
		     const config_setting_t *s)
{
	const char *file = config_setting_source_file(s);

	if (r->initial)
		return;
	CH_GROW(r->lines.items, r->lines.len, r->lines.cap);
	r->lines.items[r->lines.len++] = (struct line){
		ch_xstrdup(path), file ? ch_xstrdup(file) : NULL,
		config_setting_source_line(s)
	};
}

static const struct line *find_line(const struct ch_setting_lines *lines,
				    const char *path, size_t len)
{
	for (size_t i = 0; i < lines->len; i++)
		if (strlen(lines->items[i].path) == len &&
		    memcmp(lines->items[i].path, path, len) == 0)
			return &lines->items[i];
	return NULL;
}

unsigned int ch_settings_line(const struct ch_setting_lines *lines,
			      const char *path)
{
	const struct line *found = find_line(lines, path, strlen(path));

	return found ? found->line : 0;
}

struct ch_place ch_settings_place(const struct ch_setting_lines *lines,
				  const char *shown, const char *path)
{
	size_t len = strlen(path);
	const struct line *found = find_line(lines, path, len);

	while (!found && len > 0) {
		len--;
		if (path[len] == '.' || path[len] == '[')
			found = find_line(lines, path, len);
	}
	return (struct ch_place){
		.file = found && found->file ? found->file : shown,
		.line = found ? found->line : 0,
		.field = path,
	};
}

/* Whether the path `longer` is the other one, or of what stands in it. */
static bool is_within(const char *longer, const char *path)
{
	size_t len = strlen(path);

	return strncmp(longer, path, len) == 0 &&
	       (!longer[len] || longer[len] == '.' || longer[len] == '[');
}

bool ch_settings_wrong(const struct ch_setting_lines *lines, const char *path)
{
	for (size_t i = 0; i < lines->wrong_len; i++)
		if (is_within(lines->wrong[i], path) ||
		    is_within(path, lines->wrong[i]))
			return true;
	return false;
}

static void is_wrong(struct reading *r, const char *path)
{
	struct ch_setting_lines *lines = &r->lines;

	CH_GROW(lines->wrong, lines->wrong_len, lines->wrong_cap);
	lines->wrong[lines->wrong_len++] = ch_xstrdup(path);
}

static void lines_free(struct ch_setting_lines *lines)
{
	for (size_t i = 0; i < lines->wrong_len; i++)
		free(lines->wrong[i]);
	free(lines->wrong);
	for (size_t i = 0; i < lines->len; i++) {
		free(lines->items[i].path);
		free(lines->items[i].file);
	}
	free(lines->items);
}

/* A file that was included is called by its own name. */
static struct ch_place place_of(const struct reading *r,
				const config_setting_t *s, const char *path)
{
	const char *file = s ? config_setting_source_file(s) : NULL;

	return (struct ch_place){
		.file = file ? file : r->shown,
		.line = s ? config_setting_source_line(s) : 0,
		.field = path,
	};
}

#define COMPLAIN(r, s, path, hint, ...)                                    \
	(is_wrong((r), (path)),                                            \
	 ch_problems_add((r)->problems, CH_PROBLEM_ERROR,                  \
			 place_of((r), (s), (path)), (hint), __VA_ARGS__))

/* ---- numbers with units ------------------------------------------------- */

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit duration_units[] = {
	{ "ms", 1 },	   { "s", 1000 },	 { "m", 60000 },
	{ "h", 3600000 }, { "d", 86400000 }, { "w", 604800000 },
	{ NULL, 0 },
};

static const struct unit size_units[] = {
	{ "", 1 },	       { "K", 1024 },	      { "M", 1048576 },
	{ "G", 1073741824 },   { "KiB", 1024 },	      { "MiB", 1048576 },
	{ "GiB", 1073741824 }, { NULL, 0 },
};

/* value := (digits unit)+ such as "1h30m" or "10MiB" */
static int read_units(const char *text, const struct unit *units,
		      int64_t *ret)
{
	int64_t total = 0;

	if (!*text)
		return -1;
	while (*text) {
		const struct unit *unit = units;
		char *end;
		int64_t number, part;
		size_t len;

		if (*text < '0' || *text > '9')
			return -1;
		errno = 0;
		number = strtoll(text, &end, 10);
		if (errno)
			return -1;
		len = strcspn(end, "0123456789");
		while (unit->name && (strlen(unit->name) != len ||
				      strncasecmp(unit->name, end, len) != 0))
			unit++;
		if (!unit->name ||
		    __builtin_mul_overflow(number, unit->factor, &part) ||
		    __builtin_add_overflow(total, part, &total))
			return -1;
		text = end + len;
	}
	*ret = total;
	return 0;
}

int ch_settings_duration(const char *text, int64_t *ret_ms)
{
	return read_units(text, duration_units, ret_ms);
}

/* ---- one value ---------------------------------------------------------- */

static void read_group(struct reading *r, config_setting_t *s,
		       const struct ch_setting *table, const char *path,
		       char *base);

static void read_bool(struct reading *r, config_setting_t *s,
		      const char *path, void *at)
{
	bool value = config_setting_get_bool(s);

	if (config_setting_type(s) != CONFIG_TYPE_BOOL)
		COMPLAIN(r, s, path, "write true or false, without quotes",
			 "must be true or false");
	else
		memcpy(at, &value, sizeof(value));
}

static void read_int(struct reading *r, config_setting_t *s,
		     const struct ch_setting *key, const char *path, void *at)
{
	int type = config_setting_type(s);
	int64_t value;

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) {
		COMPLAIN(r, s, path, "write it without quotes and without a "
				     "decimal point",
			 "must be a whole number");
		return;
	}
	value = config_setting_get_int64(s);
	if (value < key->min || value > key->max)
		COMPLAIN(r, s, path, NULL,
			 "must be between %lld and %lld, is %lld",
			 (long long)key->min, (long long)key->max,
			 (long long)value);
	else
		memcpy(at, &value, sizeof(value));
}

/* The text of a string setting, or NULL after a complaint. */
static const char *string_of(struct reading *r, config_setting_t *s,
			     const char *path, const char *what)
{
	if (config_setting_type(s) == CONFIG_TYPE_STRING)
		return config_setting_get_string(s);
	COMPLAIN(r, s, path, "put it in quotes", "must be %s", what);
	return NULL;
}

static void set_string(void *at, const char *text)
{
	char *copy = ch_xstrdup(text);
	char *old;

	memcpy(&old, at, sizeof(old));
	free(old);
	memcpy(at, &copy, sizeof(copy));
}

static void read_string(struct reading *r, config_setting_t *s,
			const struct ch_setting *key, const char *path,
			void *at)
{
	const char *text = string_of(r, s, path, "a string");

	if (!text)
		return;
	if (key->max && (int64_t)strlen(text) > key->max) {
		COMPLAIN(r, s, path, NULL, "is longer than %lld bytes",
			 (long long)key->max);
		return;
	}
	if ((int64_t)strlen(text) < key->min) {
		COMPLAIN(r, s, path, key->help, key->min == 1
						? "must not be empty"
						: "is too short");
		return;
	}
	set_string(at, text);
}

static void read_measure(struct reading *r, config_setting_t *s,
			 const struct ch_setting *key, const char *path,
			 void *at)
{
	bool size = key->type == CH_SETTING_SIZE;
	const char *text =
		string_of(r, s, path,
			  size ? "a size in quotes, such as \"25MiB\""
			       : "a duration in quotes, such as \"90s\" or "
				 "\"1h30m\"");
	int64_t value;

	if (!text)
		return;
	if (read_units(text, size ? size_units : duration_units, &value) < 0)
		COMPLAIN(r, s, path,
			 size ? "units are K, M and G"
			      : "units are ms, s, m, h, d and w",
			 "\"%s\" is no %s", text, size ? "size" : "duration");
	else if (value < key->min || (key->max && value > key->max))
		COMPLAIN(r, s, path, key->help, "\"%s\" is out of range",
			 text);
	else
		memcpy(at, &value, sizeof(value));
}

static void read_enum(struct reading *r, config_setting_t *s,
		      const struct ch_setting *key, const char *path, void *at)
{
	CH_AUTO(ch_str) choice = CH_STR_INIT(1000);
	const char *text = string_of(r, s, path, "one of a few words");

	if (!text)
		return;
	for (int i = 0; key->names[i]; i++) {
		if (strcmp(text, key->names[i]) == 0) {
			memcpy(at, &i, sizeof(i));
			return;
		}
		ch_str_addf(&choice, "%s\"%s\"", i ? ", " : "one of ",
			    key->names[i]);
	}
	COMPLAIN(r, s, path, ch_str_cstr(&choice), "unknown value \"%s\"",
		 text);
}

static void read_strings(struct reading *r, config_setting_t *s,
			 const struct ch_setting *key, const char *path,
			 void *at)
{
	int type = config_setting_type(s);
	struct ch_setting_strings list = { 0 };
	int count;

	if (type != CONFIG_TYPE_ARRAY && type != CONFIG_TYPE_LIST) {
		COMPLAIN(r, s, path, NULL, "must be [ \"a\", \"b\" ]");
		return;
	}
	count = config_setting_length(s);
	if (key->max && count > key->max) {
		COMPLAIN(r, s, path, NULL, "has more than %lld entries",
			 (long long)key->max);
		return;
	}
	if (count < key->min) {
		COMPLAIN(r, s, path, NULL, "needs at least %lld",
			 (long long)key->min);
		return;
	}
	list.items = ch_xcalloc((size_t)count, sizeof(*list.items));
	for (int i = 0; i < count; i++) {
		config_setting_t *e = config_setting_get_elem(
			s, (unsigned int)i);
		const char *text = string_of(r, e, path, "a list of strings");

		if (text)
			list.items[list.len++] = ch_xstrdup(text);
	}
	memcpy(at, &list, sizeof(list));
}

static void read_map(struct reading *r, config_setting_t *s,
		     const struct ch_setting *key, const char *path, void *at)
{
	struct ch_setting_map map = { 0 };
	int count;

	if (config_setting_type(s) != CONFIG_TYPE_GROUP) {
		COMPLAIN(r, s, path, NULL, "must be { name = \"text\"; }");
		return;
	}
	count = config_setting_length(s);
	if (key->max && count > key->max) {
		COMPLAIN(r, s, path, NULL, "has more than %lld entries",
			 (long long)key->max);
		return;
	}
	map.items = ch_xcalloc((size_t)count, sizeof(*map.items));
	for (int i = 0; i < count; i++) {
		config_setting_t *e = config_setting_get_elem(
			s, (unsigned int)i);
		CH_AUTOCHAR below = ch_xasprintf("%s.%s", path,
						 config_setting_name(e));
		const char *text = string_of(r, e, below, "a string");

		if (text)
			map.items[map.len++] = (struct ch_setting_pair){
				ch_xstrdup(config_setting_name(e)),
				ch_xstrdup(text),
				config_setting_source_line(e)
			};
	}
	memcpy(at, &map, sizeof(map));
}

static void read_list(struct reading *r, config_setting_t *s,
		      const struct ch_setting *key, const char *path, void *at)
{
	struct ch_setting_list list = { 0 };
	int count;

	if (config_setting_type(s) != CONFIG_TYPE_LIST) {
		COMPLAIN(r, s, path, NULL,
			 "must be a list of groups: ( { … }, { … } )");
		return;
	}
	count = config_setting_length(s);
	if ((key->max && count > key->max) || count < key->min) {
		COMPLAIN(r, s, path, NULL,
			 "must have between %lld and %lld groups",
			 (long long)key->min, (long long)key->max);
		return;
	}
	list.len = (size_t)count;
	list.items = ch_xcalloc(list.len, key->size);
	memcpy(at, &list, sizeof(list));
	for (int i = 0; i < count; i++) {
		config_setting_t *e = config_setting_get_elem(
			s, (unsigned int)i);
		CH_AUTOCHAR below = ch_xasprintf("%s[%d]", path, i);

		remember(r, below, e);
		read_group(r, e, key->members, below,
			   (char *)list.items + (size_t)i * key->size);
	}
}

static void release_value(const struct ch_setting *key, char *base);

static void read_value(struct reading *r, config_setting_t *s,
		       const struct ch_setting *key, const char *path,
		       char *base)
{
	void *at = base + key->offset;

	remember(r, path, s);
	if (key->type == CH_SETTING_STRINGS || key->type == CH_SETTING_MAP ||
	    key->type == CH_SETTING_LIST)
		release_value(key, base); /* the default */
	switch (key->type) {
	case CH_SETTING_BOOL:
		read_bool(r, s, path, at);
		break;
	case CH_SETTING_INT:
		read_int(r, s, key, path, at);
		break;
	case CH_SETTING_STRING:
		read_string(r, s, key, path, at);
		break;
	case CH_SETTING_DURATION:
	case CH_SETTING_SIZE:
		read_measure(r, s, key, path, at);
		break;
	case CH_SETTING_ENUM:
		read_enum(r, s, key, path, at);
		break;
	case CH_SETTING_STRINGS:
		read_strings(r, s, key, path, at);
		break;
	case CH_SETTING_MAP:
		read_map(r, s, key, path, at);
		break;
	case CH_SETTING_LIST:
		read_list(r, s, key, path, at);
		break;
	case CH_SETTING_GROUP:
		read_group(r, s, key->members, path, at);
		break;
	}
}

/* ---- defaults ----------------------------------------------------------- */

static void set_default(struct reading *r, const struct ch_setting *key,
			const char *path, char *base)
{
	CH_AUTOCHAR text = ch_xasprintf("v = %s;", key->initial);
	bool outer = r->initial;
	config_t config;

	config_init(&config);
	if (config_read_string(&config, text) != CONFIG_TRUE) {
		COMPLAIN(r, NULL, path, NULL, "our own default %s is wrong",
			 key->initial);
	} else {
		r->initial = true;
		read_value(r, config_lookup(&config, "v"), key, path, base);
		r->initial = outer;
	}
	config_destroy(&config);
}

/* Give every key its default, before anything is read over it. A required one
 * has none, but a string that is missing is no NULL. */
static void set_defaults(struct reading *r, const struct ch_setting *table,
			 const char *path, char *base)
{
	for (const struct ch_setting *key = table; key->name; key++) {
		CH_AUTOCHAR below = ch_xasprintf("%s%s%s", path,
						 *path ? "." : "", key->name);

		if (key->type == CH_SETTING_GROUP)
			set_defaults(r, key->members, below,
				     base + key->offset);
		else if (key->initial)
			set_default(r, key, below, base);
		else if (key->type == CH_SETTING_STRING)
			set_string(base + key->offset, "");
	}
}

/* ---- groups ------------------------------------------------------------- */

static const struct ch_setting *find(const struct ch_setting *table,
				     const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

static void unknown_key(struct reading *r, config_setting_t *s,
			const struct ch_setting *table, const char *path)
{
	const char *name = config_setting_name(s);
	const char *best = NULL;
	CH_AUTOCHAR hint = NULL;
	CH_AUTOCHAR meant = NULL;
	size_t least = 4;

	for (; table->name; table++) {
		size_t d = ch_near_distance(name, table->name);

		if (d < least) {
			least = d;
			best = table->name;
		}
	}
	if (best) {
		hint = ch_xasprintf("did you mean \"%s\"?", best);
		meant = ch_xasprintf("%.*s%s",
				     (int)(strlen(path) - strlen(name)), path,
				     best);
		is_wrong(r, meant);
	}
	COMPLAIN(r, s, path, hint, "unknown setting");
}

/* A required key of a group that is not there is missing as well. */
static void check_required(struct reading *r, const config_setting_t *s,
			   const struct ch_setting *table, const char *path)
{
	for (; table->name; table++) {
		const config_setting_t *found =
			s ? config_setting_get_member(s, table->name) : NULL;
		CH_AUTOCHAR below = ch_xasprintf("%s%s%s", path,
						 *path ? "." : "",
						 table->name);

		if (found)
			continue;
		if (table->type == CH_SETTING_GROUP)
			check_required(r, NULL, table->members, below);
		else if (!table->initial)
			COMPLAIN(r, s, below, table->help,
				 "is required and missing");
	}
}

static void read_group(struct reading *r, config_setting_t *s,
		       const struct ch_setting *table, const char *path,
		       char *base)
{
	int count;

	if (strchr(path, '['))
		set_defaults(r, table, path, base);
	if (config_setting_type(s) != CONFIG_TYPE_GROUP) {
		COMPLAIN(r, s, path, NULL, "must be a group: { … }");
		return;
	}
	count = config_setting_length(s);
	for (int i = 0; i < count; i++) {
		config_setting_t *e = config_setting_get_elem(
			s, (unsigned int)i);
		const char *name = config_setting_name(e);
		const struct ch_setting *key = find(table, name);
		CH_AUTOCHAR below = ch_xasprintf("%s%s%s", path,
						 *path ? "." : "", name);

		if (key)
			read_value(r, e, key, below, base);
		else
			unknown_key(r, e, table, below);
	}
	check_required(r, s, table, path);
}

/* ---- files -------------------------------------------------------------- */

static void complain_of_syntax(struct reading *r, const config_t *config)
{
	const char *file = config_error_file(config);
	struct ch_place place = {
		.file = file ? file : r->shown,
		.line = (unsigned int)config_error_line(config),
	};

	ch_problems_add(r->problems, CH_PROBLEM_ERROR, place,
			"look for a missing \";\", quote or brace on this or "
			"the line before",
			"%s", config_error_text(config));
}

static void read_text(struct reading *r, const char *text, size_t len,
		      const char *folder, const struct ch_setting *table,
		      void *ret)
{
	config_t config;

	if (ch_settings_scan(text, len, r->shown, !folder, r->problems) < 0)
		return;
	config_init(&config);
	if (folder)
		config_set_include_dir(&config, folder);
	if (config_read_string(&config, text) != CONFIG_TRUE)
		complain_of_syntax(r, &config);
	else
		read_group(r, config_root_setting(&config), table, "", ret);
	r->parsed = config_error_type(&config) == CONFIG_ERR_NONE;
	config_destroy(&config);
}

static int read_all(struct ch_slice text, const char *shown,
		    const char *folder, const struct ch_setting *table,
		    void *ret, ch_settings_check *check,
		    struct ch_problems *problems)
{
	struct reading r = { .shown = shown, .problems = problems };
	size_t before = problems->errors;

	set_defaults(&r, table, "", ret);
	read_text(&r, text.data, text.len, folder, table, ret);
	if (r.parsed && check)
		check(ret, shown, &r.lines, problems);
	lines_free(&r.lines);
	return problems->errors == before ? 0 : -1;
}

int ch_settings_parse_checked(const char *text, size_t len, const char *shown,
			      const struct ch_setting *table, void *ret,
			      ch_settings_check *check,
			      struct ch_problems *problems)
{
	CH_AUTOCHAR copy = ch_xstrndup(text, len);

	return read_all((struct ch_slice){ copy, len }, shown, NULL, table,
			ret, check, problems);
}

int ch_settings_parse(const char *text, size_t len, const char *shown,
		      const struct ch_setting *table, void *ret,
		      struct ch_problems *problems)
{
	return ch_settings_parse_checked(text, len, shown, table, ret, NULL,
					 problems);
}

int ch_settings_read_checked(const char *path, const char *shown,
			     const struct ch_setting *table, void *ret,
			     ch_settings_check *check,
			     struct ch_problems *problems)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(SETTINGS_MAX);
	CH_AUTOCHAR copy = ch_xstrdup(path);
	struct ch_error err;

	if (ch_file_read(path, &text, &err) < 0) {
		size_t named = strlen(path); /* before what is wrong */

		ch_problems_add(problems, CH_PROBLEM_ERROR,
				(struct ch_place){ .file = shown }, NULL,
				"%s",
				strncmp(err.text, path, named) == 0 &&
						strncmp(err.text + named, ": ",
							2) == 0
					? err.text + named + 2
					: err.text);
		return -1;
	}
	return read_all((struct ch_slice){ ch_str_cstr(&text), text.len },
			shown, dirname(copy), table, ret, check, problems);
}

int ch_settings_read(const char *path, const char *shown,
		     const struct ch_setting *table, void *ret,
		     struct ch_problems *problems)
{
	return ch_settings_read_checked(path, shown, table, ret, NULL,
					problems);
}

/* ---- release ------------------------------------------------------------ */

static void release_value(const struct ch_setting *key, char *base)
{
	void *at = base + key->offset;
	struct ch_setting_strings strings;
	struct ch_setting_map map;
	struct ch_setting_list list;
	char *text;

	switch (key->type) {
	case CH_SETTING_STRING:
		memcpy(&text, at, sizeof(text));
		free(text);
		memset(at, 0, sizeof(text));
		break;
	case CH_SETTING_STRINGS:
		memcpy(&strings, at, sizeof(strings));
		for (size_t i = 0; i < strings.len; i++)
			free(strings.items[i]);
		free(strings.items);
		memset(at, 0, sizeof(strings));
		break;
	case CH_SETTING_MAP:
		memcpy(&map, at, sizeof(map));
		for (size_t i = 0; i < map.len; i++) {
			free(map.items[i].name);
			free(map.items[i].value);
		}
		free(map.items);
		memset(at, 0, sizeof(map));
		break;
	case CH_SETTING_LIST:
		memcpy(&list, at, sizeof(list));
		for (size_t i = 0; i < list.len; i++)
			ch_settings_release(key->members,
					    (char *)list.items +
						    i * key->size);
		free(list.items);
		memset(at, 0, sizeof(list));
		break;
	case CH_SETTING_GROUP:
		ch_settings_release(key->members, at);
		break;
	default:
		break;
	}
}

void ch_settings_release(const struct ch_setting *table, void *values)
{
	for (; table->name; table++)
		release_value(table, values);
}
