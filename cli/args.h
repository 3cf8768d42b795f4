/* SPDX-License-Identifier: GPL-3.0-or-later */
/* args.h - the words of a command line, read by a table that also writes the
 * help.
 *
 * Options may stand before, between and behind the operands; "--" ends them.
 * "--name value", "--name=value", "-x value" and "-xvalue" are the same.
 * Unlike getopt_long() a mistake is told with the nearest thing there is, and
 * no abbreviation works today that a new option would make ambiguous.
 */
#ifndef CH_CLI_ARGS_H
#define CH_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

struct ch_option {
	const char *name;  /* without "--"; NULL ends a table */
	char letter;       /* 'r' for "-r"; 0: none */
	const char *value; /* what help calls its value; NULL: it has none */
	bool many;         /* may be given several times */
	const char *help;  /* one line */
};

struct ch_arg {
	const struct ch_option *option; /* borrowed; NULL: an operand */
	const char *value;              /* borrowed; "" where it has none */
};

struct ch_args {
	struct ch_arg *items; /* owned; options and operands in their order */
	size_t len;
	size_t cap;
};
void ch_args_release(struct ch_args *args);

/* Add the words to *args, which may hold others already. The words of one of
 * the tables end in that option's entry; `tables` ends with NULL. With
 * `stop_at_operand` reading ends behind the first operand. Returns how many
 * words were read, or -1 (CH_GIVE_UP) with the mistake and the nearest option.
 */
int ch_args_read(struct ch_args *args, int count, char *const *words,
		 const struct ch_option *const *tables, bool stop_at_operand,
		 struct ch_error *err);

/* The value of the last one of that name, NULL where it was not given. */
const char *ch_args_value(const struct ch_args *args, const char *name);
bool ch_args_has(const struct ch_args *args, const char *name);

/* The nth operand from 0, NULL where there are fewer. */
const char *ch_args_operand(const struct ch_args *args, size_t nth);
size_t ch_args_operands(const struct ch_args *args);

/* "  -r, --key KEY       help" for each option of a table, wrapped at 79. */
void ch_args_help(const struct ch_option *table, struct ch_str *out);

/* The entry of `names` (NULL ends) nearest to `name`, NULL if none is near. */
const char *ch_args_nearest(const char *name, const char *const *names);

#endif
