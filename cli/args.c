// SPDX-License-Identifier: GPL-3.0-or-later
/* args.c - read a command line by tables. */
#include "cli/args.h"

#include <stdlib.h>
#include <string.h>

#include "base/near.h"

#define NEAR_ENOUGH 3
#define HELP_COLUMN 24
#define HELP_WIDTH 79

void ch_args_release(struct ch_args *args)
{
	free(args->items);
	*args = (struct ch_args){ 0 };
}

/* ---- what somebody may have meant ------------------------------------- */

struct nearest {
	const char *wanted;
	const char *best;
	size_t distance;
};

static void consider(struct nearest *n, const char *name)
{
	size_t d = ch_near_distance(n->wanted, name);
	size_t wanted = strlen(n->wanted);

	/* "pre" and "prev" mean "preview". */
	if (wanted >= 3 && strncmp(n->wanted, name, wanted) == 0)
		d = 1;
	if (d <= NEAR_ENOUGH && 2 * d <= strlen(name) && d < n->distance) {
		n->best = name;
		n->distance = d;
	}
}

const char *ch_args_nearest(const char *name, const char *const *names)
{
	struct nearest n = { name, NULL, NEAR_ENOUGH + 1 };

	for (; *names; names++)
		consider(&n, *names);
	return n.best;
}

static int unknown_option(const char *name,
			  const struct ch_option *const *tables,
			  struct ch_error *err)
{
	struct nearest n = { name, NULL, NEAR_ENOUGH + 1 };

	for (; *tables; tables++) {
		for (const struct ch_option *o = *tables; o->name; o++)
			consider(&n, o->name);
	}
	if (n.best)
		return ch_error_set(err, CH_GIVE_UP,
				    "no option --%s; did you mean --%s?", name,
				    n.best);
	return ch_error_set(err, CH_GIVE_UP, "no option --%s", name);
}

/* ---- reading ---------------------------------------------------------- */

struct reading {
	struct ch_args *args;
	int count;
	char *const *words;
	int at; /* the next word */
	const struct ch_option *const *tables;
	struct ch_error *err;
};

static const struct ch_option *find(const struct reading *r, const char *name,
				    size_t len, char letter)
{
	for (size_t i = 0; r->tables[i]; i++) {
		for (const struct ch_option *o = r->tables[i]; o->name; o++) {
			if (name ? strlen(o->name) == len &&
					   memcmp(o->name, name, len) == 0
				 : o->letter && o->letter == letter)
				return o;
		}
	}
	return NULL;
}

static void keep(struct ch_args *args, const struct ch_option *option,
		 const char *value)
{
	CH_GROW(args->items, args->len, args->cap);
	args->items[args->len++] = (struct ch_arg){ option, value };
}

/* `value`: what stood in the same word, or NULL. */
static int take_option(struct reading *r, const struct ch_option *option,
		       const char *value)
{
	if (!option->many && option->value &&
	    ch_args_has(r->args, option->name))
		return ch_error_set(r->err, CH_GIVE_UP,
				    "--%s is there twice", option->name);
	if (!option->value) {
		if (value)
			return ch_error_set(r->err, CH_GIVE_UP,
					    "--%s takes no value",
					    option->name);
		keep(r->args, option, "");
		return 0;
	}
	if (!value && r->at < r->count)
		value = r->words[r->at++];
	if (!value)
		return ch_error_set(r->err, CH_GIVE_UP, "--%s needs %s %s",
				    option->name,
				    strchr("AEIOU", option->value[0]) ? "an"
								      : "a",
				    option->value);
	keep(r->args, option, value);
	return 0;
}

static int read_long(struct reading *r, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct ch_option *option = find(r, word, len, 0);
	CH_AUTOCHAR name = ch_xstrndup(word, len);

	if (!option)
		return unknown_option(name, r->tables, r->err);
	return take_option(r, option, equals ? equals + 1 : NULL);
}

/* "-f", "-fr", "-r KEY", "-rKEY" */
static int read_letters(struct reading *r, const char *word)
{
	for (; *word; word++) {
		const struct ch_option *option = find(r, NULL, 0, *word);

		if (!option)
			return ch_error_set(r->err, CH_GIVE_UP,
					    "no option -%c", *word);
		if (option->value)
			return take_option(r, option,
					   word[1] ? word + 1 : NULL);
		if (take_option(r, option, NULL) < 0)
			return -1;
	}
	return 0;
}

int ch_args_read(struct ch_args *args, int count, char *const *words,
		 const struct ch_option *const *tables, bool stop_at_operand,
		 struct ch_error *err)
{
	struct reading r = { args, count, words, 0, tables, err };
	bool options = true;

	while (r.at < count) {
		const char *word = words[r.at++];

		if (options && strcmp(word, "--") == 0) {
			options = false;
			continue;
		}
		/* "-" alone is an operand, as everywhere. */
		if (options && word[0] == '-' && word[1] != '\0') {
			if ((word[1] == '-' ? read_long(&r, word + 2)
					    : read_letters(&r, word + 1)) < 0)
				return -1;
			continue;
		}
		keep(args, NULL, word);
		if (stop_at_operand)
			break;
	}
	return r.at;
}

/* ---- asking ----------------------------------------------------------- */

const char *ch_args_value(const struct ch_args *args, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < args->len; i++) {
		if (args->items[i].option &&
		    strcmp(args->items[i].option->name, name) == 0)
			value = args->items[i].value;
	}
	return value;
}

bool ch_args_has(const struct ch_args *args, const char *name)
{
	return ch_args_value(args, name) != NULL;
}

const char *ch_args_operand(const struct ch_args *args, size_t nth)
{
	for (size_t i = 0; i < args->len; i++) {
		if (!args->items[i].option && nth-- == 0)
			return args->items[i].value;
	}
	return NULL;
}

size_t ch_args_operands(const struct ch_args *args)
{
	size_t count = 0;

	for (size_t i = 0; i < args->len; i++)
		count += args->items[i].option == NULL;
	return count;
}

/* ---- help ------------------------------------------------------------- */

/* Words behind HELP_COLUMN, in lines of HELP_WIDTH. */
static void wrap(struct ch_str *out, const char *text)
{
	size_t column = HELP_COLUMN;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column > HELP_COLUMN && column + 1 + len > HELP_WIDTH) {
			ch_str_addf(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		}
		if (column > HELP_COLUMN) {
			ch_str_add_char(out, ' ');
			column++;
		}
		ch_str_add_mem(out, text, len);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	ch_str_add_char(out, '\n');
}

void ch_args_help(const struct ch_option *table, struct ch_str *out)
{
	for (; table->name; table++) {
		size_t before = out->len;
		size_t len;

		if (table->letter)
			ch_str_addf(out, "  -%c, ", table->letter);
		else
			ch_str_add(out, "      ");
		ch_str_addf(out, "--%s", table->name);
		if (table->value)
			ch_str_addf(out, " %s", table->value);
		len = out->len - before;
		if (len > HELP_COLUMN - 2) {
			ch_str_add(out, "\n");
			len = 0;
		}
		ch_str_addf(out, "%*s", (int)(HELP_COLUMN - len), "");
		wrap(out, table->help);
	}
}
