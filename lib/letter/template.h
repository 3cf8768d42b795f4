/* SPDX-License-Identifier: GPL-3.0-or-later */
/* template.h - the merge language: parsed once, filled in for each addressee.
 *
 * Mustache (interpolation, sections, inverted sections, comments, partials, set
 * delimiters, and its rule for tags that stand alone on a line), with two
 * differences. It is strict: a field that is not there, or that is empty where
 * it is printed, is an error. And {{x}}, {{{x}}} and {{&x}} are the same, since
 * a value is escaped where it lands. Plus filters: {{deadline | date}}.
 *
 * Values are not written into the text. A template with values gives a shape:
 * its text with a slot character U+F0000 + n where the n-th value goes (see
 * body.h). So a value is never read as Markdown nor expanded again, and since
 * a shape depends only on which sections are open, addressees share shapes.
 */
#ifndef CH_LETTER_TEMPLATE_H
#define CH_LETTER_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/problem.h"
#include "base/str.h"

#define CH_TEMPLATE_MAX (1024 * 1024)  /* bytes, partials included */
#define CH_TEMPLATE_NAME_MAX 64        /* characters of a field's name */
#define CH_TEMPLATE_NAMES_MAX 1000     /* different fields */
#define CH_TEMPLATE_PARTIALS_MAX 16    /* inside one another */

struct ch_template; /* opaque; never changes after parsing */

/* A text to parse, and where it stands: `line` and `column` are those of its
 * first character. UTF-8; LF and CRLF end a line. */
struct ch_template_source {
	struct ch_slice text;
	const char *file;
	unsigned int line;
	unsigned int column;
};

/* What {{> name}} brings: fill *ret (borrowed as long as the parsing lasts) and
 * return 0, or -1 with *err. */
typedef int ch_template_partial(void *context, const char *name,
				struct ch_template_source *ret,
				struct ch_error *err);

/* Parse. `partial` NULL: partials may not stand here. Every fault is a problem
 * at its place; -1 if there was one. The caller owns *ret. */
int ch_template_parse(const struct ch_template_source *source,
		      ch_template_partial *partial, void *context,
		      struct ch_template **ret, struct ch_problems *problems);
void ch_template_free(struct ch_template *tpl);

/* The fields it uses, each once, by number. */
size_t ch_template_names(const struct ch_template *tpl);
const char *ch_template_name(const struct ch_template *tpl, size_t name);

/* Whether some section is on that field. */
bool ch_template_has_section(const struct ch_template *tpl, size_t name);

/* Add a problem at each place where the field is used. */
void ch_template_refuse(const struct ch_template *tpl, size_t name,
			const char *hint, const char *text,
			struct ch_problems *problems);

/* Where `value`, which is the same for all addressees, is empty: add a problem
 * at each place that prints the field outside all sections. */
void ch_template_refuse_empty(const struct ch_template *tpl, size_t name,
			      struct ch_slice value, const char *hint,
			      struct ch_problems *problems);

/* How many slots its shapes have. */
size_t ch_template_slots(const struct ch_template *tpl);

/* One addressee's values in a template; kept from one to the next so that its
 * memory is used again. */
struct ch_filled {
	char *open;             /* owned; for each name: '1' its sections are
				   open, '0' they are not, '-' it has none */
	struct ch_slice *slots; /* owned array; into the values given, and
				   into `made` */
	struct ch_str made;     /* what filters wrote */
	size_t *made_at;        /* owned; where in `made`, by slot */
};
void ch_filled_init(struct ch_filled *filled, const struct ch_template *tpl);
void ch_filled_release(struct ch_filled *filled);

/* Whose values they are, for messages. */
struct ch_template_whose {
	const char *key;
	const char *file; /* of the table, or NULL */
	unsigned int line;
};

/* Fill in: `values` has one for each name, borrowed as long as *filled is in
 * use; data NULL stands for a field that this addressee does not have. A value
 * of white space alone counts as empty: sections on it stay closed, and
 * printing it is an error unless a section on the same field stands around.
 * `language` is for the filters. -1 with every problem, at its place in the
 * template and naming the addressee. */
int ch_template_fill(const struct ch_template *tpl,
		     const struct ch_slice *values, const char *language,
		     const struct ch_template_whose *whose,
		     struct ch_filled *filled, struct ch_problems *problems);

/* Append the shape. It depends on filled->open alone. */
void ch_template_shape(const struct ch_template *tpl,
		       const struct ch_filled *filled, struct ch_str *out);

/* Where line `line` (from 1) of that shape stands in the source; line 0 where
 * there is no such line. The file's name is borrowed from the template. */
struct ch_place ch_template_origin(const struct ch_template *tpl,
				   const struct ch_filled *filled,
				   unsigned int line);

/* Append the text with its values in it, as data: for a header. `isolate` puts
 * each between FSI and PDI (Unicode UAX #9). */
void ch_template_text(const struct ch_template *tpl,
		      const struct ch_filled *filled, bool isolate,
		      struct ch_str *out);

/* Whether a column may be called that, so that a tag can name it: 1 to 64
 * characters, no control, bidi control, brace or "|", no white space or one of
 * # ^ / ! > & = < $ . at its start. -1 with CH_GIVE_UP and the reason. */
int ch_template_name_ok(struct ch_slice name, struct ch_error *err);

CH_DEFINE_AUTOPTR(ch_template);

#endif
