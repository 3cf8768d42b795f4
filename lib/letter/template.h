/* SPDX-License-Identifier: GPL-3.0-or-later */
/* template.h - the merge language: parsed once, filled in for each addressee.
 *
 * Mustache as its specification says, with dynamic names and inheritance and
 * without lambdas, in two modes of one engine. Lenient is the specification's:
 * what is missing is empty, and {{x}} is escaped for HTML. Strict is that of
 * letters: a field that is not there, or that is empty where it is printed, is
 * an error; {{x}}, {{{x}}} and {{&x}} are the same, since a value is escaped
 * where it lands; and there are filters: {{deadline | date}}.
 *
 * A letter's values are not written into the text. A template with values gives
 * a shape: its text with a slot character U+F0000 + n where the n-th value goes
 * (see body.h). So a value is never read as Markdown nor expanded again. On the
 * way decisions are taken: how often a section repeats, which text a dynamic
 * name brings. A shape follows from these alone, and so addressees share it.
 */
#ifndef CH_LETTER_TEMPLATE_H
#define CH_LETTER_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/problem.h"
#include "base/str.h"
#include "letter/data.h"
#include "letter/filter.h"

#define CH_TEMPLATE_MAX (1024 * 1024) /* bytes of all texts together, and of
					 a shape */
#define CH_TEMPLATE_NAME_MAX 64       /* characters of a field's name */
#define CH_TEMPLATE_NAMES_MAX 1000    /* different fields */
#define CH_TEMPLATE_TEXTS_MAX 1000    /* different partials */
#define CH_TEMPLATE_BLOCKS_MAX 1000   /* different blocks */
#define CH_TEMPLATE_OPEN_MAX 200      /* sections and blocks of one text inside
					 one another */
#define CH_TEMPLATE_PARTIALS_MAX 16   /* inside one another; */
#define CH_TEMPLATE_LENIENT_MAX 200   /* and in the lenient mode */
#define CH_TEMPLATE_STEPS_MAX (1024 * 1024) /* tags and lines unfolded */

struct ch_template; /* opaque; never changes after parsing */

/* A text to parse, and where it stands: `line` and `column` are those of its
 * first character. UTF-8; LF and CRLF end a line. */
struct ch_template_source {
	struct ch_slice text;
	const char *file;
	unsigned int line;
	unsigned int column;
};

/* The texts that {{> name}} and {{<name}} bring. */
struct ch_template_partials {
	/* Fill *ret (borrowed as long as the parsing lasts) and return 0, or
	 * -1 with *err. */
	int (*find)(void *context, const char *name,
		    struct ch_template_source *ret, struct ch_error *err);
	/* The i-th name that {{>*field}} may bring; NULL behind the last. */
	const char *(*list)(void *context, size_t i);
	void *context;
};

enum ch_template_mode {
	CH_TEMPLATE_STRICT,
	CH_TEMPLATE_LENIENT,
};

struct ch_template_options {
	enum ch_template_mode mode;
	const char *language; /* for filters */
	const struct ch_template_partials *partials; /* NULL: none may stand
							here */
};

/* Parse. Every fault is a problem at its place; -1 if there was one. The caller
 * owns *ret. In strict mode a text may not include itself, and all texts that a
 * dynamic name could bring are parsed. */
int ch_template_parse(const struct ch_template_source *source,
		      const struct ch_template_options *options,
		      struct ch_template **ret, struct ch_problems *problems);
void ch_template_free(struct ch_template *tpl);

/* The fields it uses, each once, by number, as they are written: "post.city".
 */
size_t ch_template_names(const struct ch_template *tpl);
const char *ch_template_name(const struct ch_template *tpl, size_t name);

/* Their first parts, each once, by number: "post". Filling in needs a value for
 * each. */
size_t ch_template_roots(const struct ch_template *tpl);
const char *ch_template_root(const struct ch_template *tpl, size_t root);
/* The root of a name; the number of roots for {{.}}, which has none. */
size_t ch_template_root_of(const struct ch_template *tpl, size_t name);
/* Whether it is only printed, as it is: its value needs no members. */
bool ch_template_root_is_plain(const struct ch_template *tpl, size_t root);

/* Where the field is first used; false, and *ret as it was, where it is not. */
bool ch_template_first_place(const struct ch_template *tpl, const char *field,
			     struct ch_place *ret);

/* Add a problem at each place where the field is used. `groups`, if not NULL,
 * tells for each name whether it is a list or has members: a place inside a
 * section on such a one is left alone, since the field may be a member, and so
 * is one in a partial if there is such a section. */
void ch_template_refuse(const struct ch_template *tpl, size_t name,
			const bool *groups, const char *hint,
			const char *text, struct ch_problems *problems);

/* Where `value`, which is the same for all addressees, is empty: add a problem
 * at each place that prints the field outside all sections. */
void ch_template_refuse_empty(const struct ch_template *tpl, size_t name,
			      struct ch_slice value, const char *hint,
			      struct ch_problems *problems);

/* One addressee's values in a template; kept from one to the next so that its
 * memory is used again. */
struct ch_filled {
	struct ch_str trace;    /* the decisions; equal ones, equal shapes */
	struct ch_slice *slots; /* owned array; into the values given, and
				   into `made` */
	size_t slots_len;       /* how many slots the shape has */
	size_t slots_cap;
	struct ch_str made;     /* what filters wrote */
	size_t *made_at;        /* owned; where in `made`, by slot */
	size_t made_cap;
};
void ch_filled_init(struct ch_filled *filled);
void ch_filled_release(struct ch_filled *filled);

/* Whose values they are, for messages. */
struct ch_template_whose {
	const char *key;
	const char *file; /* of the table, or NULL */
	unsigned int line;
};

/* Fill a strict template in: `roots` has a value for each of its roots,
 * borrowed as long as *filled is in use; CH_DATA_NONE stands for a field that
 * this addressee does not have. A text of white space alone counts as empty:
 * sections on it stay closed, and printing it is an error. A section on a list
 * repeats, and one on a field with members looks there first. -1 with every
 * problem, at its place in the template and naming the addressee. */
int ch_template_fill(const struct ch_template *tpl,
		     const struct ch_data *roots,
		     const struct ch_filter_env *env,
		     const struct ch_template_whose *whose,
		     struct ch_filled *filled, struct ch_problems *problems);

/* Without values: with all sections open once, or all of them closed. The slots
 * are empty. -1 with a problem where it unfolds to too much. */
int ch_template_pretend(const struct ch_template *tpl, bool open,
			struct ch_filled *filled,
			struct ch_problems *problems);

/* Append the shape. It depends on filled->trace alone. -1 with a problem where
 * it has more than CH_TEMPLATE_MAX bytes, slots not counted. */
int ch_template_shape(const struct ch_template *tpl,
		      const struct ch_filled *filled, struct ch_str *out,
		      struct ch_problems *problems);

/* Where line `line` (from 1) of that shape stands in the source; line 0 where
 * there is no such line. The file's name is borrowed from the template. */
struct ch_place ch_template_origin(const struct ch_template *tpl,
				   const struct ch_filled *filled,
				   unsigned int line);

/* Append the text for nobody: with the values that are known, by their root, and
 * "[name]" for a field of which `known` has nothing (CH_DATA_NONE). Sections on
 * those are open. */
void ch_template_outline(const struct ch_template *tpl,
			 const struct ch_data *known,
			 const struct ch_filter_env *env, struct ch_str *out);

/* Append the text with its values in it, as data: for a header. `isolate` puts
 * each between FSI and PDI (Unicode UAX #9). */
void ch_template_text(const struct ch_template *tpl,
		      const struct ch_filled *filled, bool isolate,
		      struct ch_str *out);

/* Append what the specification says a lenient template gives for this data:
 * values escaped for HTML, but for {{{x}}} and {{&x}}. -1 with a problem where
 * it unfolds to too much. */
int ch_template_render(const struct ch_template *tpl,
		       const struct ch_data *data, struct ch_str *out,
		       struct ch_problems *problems);

/* Whether a column may be called that, so that a tag can name it: 1 to 64
 * characters, no control, bidi control, brace or "|", no white space or one of
 * # ^ / ! > & = < $ . at its start. -1 with CH_GIVE_UP and the reason. */
int ch_template_name_ok(struct ch_slice name, struct ch_error *err);

CH_DEFINE_AUTOPTR(ch_template);

#endif
