/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json.h - objects of the sockets, read with defaults and written a line each.
 */
#ifndef CH_CLI_JSON_H
#define CH_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/problem.h"
#include "cli/term.h"

/* One line. Controls and characters that turn the direction of text are
 * written as \uXXXX, also past ASCII: it stays the same JSON, and no terminal
 * is hurt by it. */
void ch_json_line(const struct ch_term *term, const json_t *object);

/* Members with what stands for one that is missing, null or of another type:
 * "", 0, false. Strings are borrowed. */
const char *ch_json_text(const json_t *object, const char *name);
uint64_t ch_json_number(const json_t *object, const char *name);
bool ch_json_true(const json_t *object, const char *name);

/* A problem as an object, new; and as it came from chanceryd. */
json_t *ch_json_problem(const struct ch_problem *problem);

#endif
