// SPDX-License-Identifier: GPL-3.0-or-later
/* template.c - fill a parsed template in.
 *
 * Three walks over the same operations: which values go where (and which are
 * missing), the shape, and the plain text of a header line. A section is
 * decided by its field's value alone, so that what is open is one letter for
 * each name, and shapes can be told apart by that.
 */
#include "letter/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "letter/body.h"
#include "letter/date.h"
#include "letter/template-private.h"

#define MADE_MAX (1024 * 1024)
#define NOT_MADE ((size_t)-1)
#define FSI 0x2068
#define PDI 0x2069

size_t ch_template_names(const struct ch_template *tpl)
{
	return tpl->names_len;
}

const char *ch_template_name(const struct ch_template *tpl, size_t name)
{
	return tpl->names[name].text;
}

bool ch_template_has_section(const struct ch_template *tpl, size_t name)
{
	return tpl->names[name].section;
}

size_t ch_template_slots(const struct ch_template *tpl)
{
	return tpl->slots;
}

static struct ch_place place_of(const struct ch_template *tpl,
				const struct ch_template_op *op)
{
	return (struct ch_place){ tpl->files[op->file], op->line, op->column,
				  op->kind == CH_OP_TEXT
					  ? NULL
					  : tpl->names[op->name].text };
}

void ch_template_refuse(const struct ch_template *tpl, size_t name,
			const char *hint, const char *text,
			struct ch_problems *problems)
{
	for (size_t i = 0; i < tpl->ops_len; i++) {
		const struct ch_template_op *op = &tpl->ops[i];

		if (op->kind != CH_OP_TEXT && op->name == name)
			ch_problems_add(problems, CH_PROBLEM_ERROR,
					place_of(tpl, op), hint, "%s", text);
	}
}

void ch_filled_init(struct ch_filled *filled, const struct ch_template *tpl)
{
	*filled = (struct ch_filled){
		.open = ch_xmalloc(tpl->names_len + 1),
		.slots = ch_xcalloc(tpl->slots, sizeof(*filled->slots)),
		.made_at = ch_xcalloc(tpl->slots, sizeof(*filled->made_at)),
	};
	memset(filled->open, '-', tpl->names_len);
	filled->open[tpl->names_len] = '\0';
	ch_str_init(&filled->made, MADE_MAX);
}

void ch_filled_release(struct ch_filled *filled)
{
	free(filled->open);
	free(filled->slots);
	free(filled->made_at);
	ch_str_release(&filled->made);
	*filled = (struct ch_filled){ 0 };
}

/* Nothing to see in it: empty, or white space. */
static bool is_empty(struct ch_slice value)
{
	size_t at = 0;

	while (at < value.len) {
		uint32_t cp;
		size_t n = ch_utf8_decode(value.data + at, value.len - at,
					  &cp);

		if (n == 0 || (cp != ' ' && cp != '\t' && cp != '\n' &&
			       cp != '\r' && cp != 0xA0 && cp != 0x202F &&
			       cp != 0x3000 && cp != 0x200B))
			return false;
		at += n;
	}
	return true;
}

void ch_template_refuse_empty(const struct ch_template *tpl, size_t name,
			      struct ch_slice value, const char *hint,
			      struct ch_problems *problems)
{
	if (!is_empty(value))
		return;
	for (size_t i = 0; i < tpl->ops_len;) {
		const struct ch_template_op *op = &tpl->ops[i];
		bool section = op->kind == CH_OP_SECTION ||
			       op->kind == CH_OP_INVERTED;

		if (op->kind == CH_OP_VALUE && op->name == name)
			ch_problems_add(problems, CH_PROBLEM_ERROR,
					place_of(tpl, op), hint, "empty");
		i = section ? op->end : i + 1;
	}
}

/* The operation after `i`, past a section that is closed. */
static size_t step(const struct ch_template *tpl,
		   const struct ch_filled *filled, size_t i)
{
	const struct ch_template_op *op = &tpl->ops[i];
	char wanted = op->kind == CH_OP_SECTION ? '1' : '0';

	if (op->kind != CH_OP_SECTION && op->kind != CH_OP_INVERTED)
		return i + 1;
	return filled->open[op->name] == wanted ? i + 1 : op->end;
}

static void decide(const struct ch_template *tpl,
		   const struct ch_slice *values, struct ch_filled *filled)
{
	for (size_t i = 0; i < tpl->names_len; i++) {
		if (tpl->names[i].section)
			filled->open[i] = is_empty(values[i]) ? '0' : '1';
	}
}

/* "FRA (members.csv:12)" */
static void add_whose(struct ch_str *out, const struct ch_template_whose *whose)
{
	ch_str_add(out, whose->key);
	if (whose->file)
		ch_str_addf(out, " (%s:%u)", whose->file, whose->line);
}

static void fault(const struct ch_template *tpl,
		  const struct ch_template_op *op,
		  const struct ch_template_whose *whose, const char *hint,
		  const char *text, struct ch_problems *problems)
{
	CH_AUTO(ch_str) who = CH_STR_INIT(1024);

	add_whose(&who, whose);
	ch_problems_add(problems, CH_PROBLEM_ERROR, place_of(tpl, op), hint,
			"%s for %s", text, ch_str_cstr(&who));
}

static void fill_value(const struct ch_template *tpl,
		       const struct ch_template_op *op, struct ch_slice value,
		       const char *language,
		       const struct ch_template_whose *whose,
		       struct ch_filled *filled, struct ch_problems *problems)
{
	struct ch_error err;

	filled->slots[op->slot] = value;
	if (!value.data) {
		fault(tpl, op, whose, "The table has no such column.",
		      "no such field", problems);
		return;
	}
	if (is_empty(value)) {
		if (!op->guarded)
			fault(tpl, op, whose,
			      "Fill in the cell, or put the sentence inside "
			      "a section on the field.", "empty", problems);
		return;
	}
	if (op->filter == CH_FILTER_NONE)
		return;
	filled->made_at[op->slot] = filled->made.len;
	if (ch_date_words(value, language, &filled->made, &err) < 0)
		fault(tpl, op, whose, "Write dates as 2026-12-07.", err.text,
		      problems);
	filled->slots[op->slot].len =
		filled->made.len - filled->made_at[op->slot];
}

/* `made` has stopped growing: now its pieces have an address. */
static void point_into_made(const struct ch_template *tpl,
			    struct ch_filled *filled)
{
	for (size_t i = 0; i < tpl->slots; i++) {
		if (filled->made_at[i] != NOT_MADE)
			filled->slots[i].data = ch_str_cstr(&filled->made) +
						filled->made_at[i];
	}
}

int ch_template_fill(const struct ch_template *tpl,
		     const struct ch_slice *values, const char *language,
		     const struct ch_template_whose *whose,
		     struct ch_filled *filled, struct ch_problems *problems)
{
	size_t errors = problems->errors;

	decide(tpl, values, filled);
	ch_str_clear(&filled->made);
	for (size_t i = 0; i < tpl->slots; i++) {
		filled->slots[i] = CH_SLICE_EMPTY;
		filled->made_at[i] = NOT_MADE;
	}
	for (size_t i = 0; i < tpl->ops_len; i = step(tpl, filled, i)) {
		const struct ch_template_op *op = &tpl->ops[i];

		if (op->kind == CH_OP_VALUE)
			fill_value(tpl, op, values[op->name], language, whose,
				   filled, problems);
	}
	point_into_made(tpl, filled);
	return problems->errors > errors ? -1 : 0;
}

void ch_template_shape(const struct ch_template *tpl,
		       const struct ch_filled *filled, struct ch_str *out)
{
	for (size_t i = 0; i < tpl->ops_len; i = step(tpl, filled, i)) {
		const struct ch_template_op *op = &tpl->ops[i];

		if (op->kind == CH_OP_TEXT)
			ch_str_add_mem(out,
				       ch_str_cstr(&tpl->text) + op->at,
				       op->len);
		else if (op->kind == CH_OP_VALUE)
			ch_str_add_utf8(out,
					CH_BODY_SLOT + (uint32_t)op->slot);
	}
}

struct ch_place ch_template_origin(const struct ch_template *tpl,
				   const struct ch_filled *filled,
				   unsigned int line)
{
	const char *text = ch_str_cstr(&tpl->text);
	unsigned int now = 1;

	/* A text operation is one line or less, and only its end is a LF. */
	for (size_t i = 0; i < tpl->ops_len; i = step(tpl, filled, i)) {
		const struct ch_template_op *op = &tpl->ops[i];

		if (op->kind == CH_OP_SECTION || op->kind == CH_OP_INVERTED)
			continue;
		if (now == line)
			return (struct ch_place){ tpl->files[op->file],
						  op->line, 0, NULL };
		if (op->kind == CH_OP_TEXT && op->len > 0 &&
		    text[op->at + op->len - 1] == '\n')
			now++;
	}
	return (struct ch_place){ tpl->files[0], 0, 0, NULL };
}

void ch_template_text(const struct ch_template *tpl,
		      const struct ch_filled *filled, bool isolate,
		      struct ch_str *out)
{
	for (size_t i = 0; i < tpl->ops_len; i = step(tpl, filled, i)) {
		const struct ch_template_op *op = &tpl->ops[i];
		struct ch_slice piece;

		if (op->kind == CH_OP_TEXT) {
			ch_str_add_mem(out,
				       ch_str_cstr(&tpl->text) + op->at,
				       op->len);
		} else if (op->kind == CH_OP_VALUE) {
			piece = filled->slots[op->slot];
			if (isolate)
				ch_str_add_utf8(out, FSI);
			ch_str_add_mem(out, piece.data, piece.len);
			if (isolate)
				ch_str_add_utf8(out, PDI);
		}
	}
}
