// SPDX-License-Identifier: GPL-3.0-or-later
/* template.c - fill a parsed template in, and write what it gives.
 *
 * Filling in takes the decisions and gathers the values; it passes over the
 * texts. The shape, the plain text of a header and the place of a line go the
 * same way again by the decisions alone.
 */
#include "letter/template.h"

#include <stdlib.h>
#include <string.h>

#include "letter/body.h"
#include "letter/template-private.h"

#define MADE_MAX (1024 * 1024)
#define TRACE_MAX (8 * 1024 * 1024)
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

size_t ch_template_roots(const struct ch_template *tpl)
{
	return tpl->roots_len;
}

const char *ch_template_root(const struct ch_template *tpl, size_t root)
{
	return tpl->roots[root];
}

size_t ch_template_root_of(const struct ch_template *tpl, size_t name)
{
	const struct ch_template_name *n = &tpl->names[name];

	return n->parts_len > 0 ? n->root : tpl->roots_len;
}

static bool has_name(const struct ch_node *node)
{
	return node->kind != CH_NODE_TEXT && node->kind != CH_NODE_BLOCK &&
	       node->name != CH_TEMPLATE_NONE;
}

bool ch_template_root_is_plain(const struct ch_template *tpl, size_t root)
{
	for (size_t i = 0; i < tpl->nodes_len; i++) {
		const struct ch_node *node = &tpl->nodes[i];

		if (has_name(node) && node->kind != CH_NODE_VALUE &&
		    tpl->names[node->name].root == root)
			return false;
	}
	for (size_t i = 0; i < tpl->names_len; i++) {
		if (tpl->names[i].root == root && tpl->names[i].parts_len > 1)
			return false;
	}
	return true;
}

struct ch_place ch_template_place(const struct ch_template *tpl,
				  const struct ch_node *node)
{
	return (struct ch_place){ tpl->files[node->file], node->line,
				  node->column,
				  has_name(node) ? tpl->names[node->name].text
						 : NULL };
}

size_t ch_template_find_unit(const struct ch_template *tpl,
			     struct ch_slice name)
{
	for (size_t i = 1; i < tpl->units_len; i++) {
		if (ch_slice_eq(name, tpl->units[i].name))
			return i;
	}
	return CH_TEMPLATE_NONE;
}

void ch_template_free(struct ch_template *tpl)
{
	if (!tpl)
		return;
	for (size_t i = 0; i < tpl->names_len; i++) {
		free(tpl->names[i].text);
		free(tpl->names[i].parts);
	}
	for (size_t i = 0; i < tpl->roots_len; i++)
		free(tpl->roots[i]);
	for (size_t i = 0; i < tpl->blocks_len; i++)
		free(tpl->blocks[i]);
	for (size_t i = 0; i < tpl->files_len; i++)
		free(tpl->files[i]);
	for (size_t i = 0; i < tpl->units_len; i++)
		free(tpl->units[i].name);
	for (size_t i = 0; i < tpl->filters_len; i++)
		ch_filter_free(tpl->filters[i]);
	free(tpl->names);
	free(tpl->roots);
	free(tpl->blocks);
	free(tpl->files);
	free(tpl->units);
	free(tpl->filters);
	free(tpl->nodes);
	ch_str_release(&tpl->text);
	free(tpl);
}

/* ---- places ----------------------------------------------------------- */

/* Whether the field may come from a section that stands around. */
static bool may_be_member(const struct ch_template *tpl,
			  const struct ch_node *node, const bool *groups,
			  bool any)
{
	size_t i = node->around;

	for (; i != CH_TEMPLATE_NONE; i = tpl->nodes[i].around) {
		if (groups[tpl->nodes[i].name])
			return true;
	}
	return any && (size_t)(node - tpl->nodes) >= tpl->units[0].to;
}

bool ch_template_first_place(const struct ch_template *tpl, const char *field,
			     struct ch_place *ret)
{
	for (size_t i = 0; i < tpl->nodes_len; i++) {
		const struct ch_node *node = &tpl->nodes[i];

		if (has_name(node) &&
		    strcmp(tpl->names[node->name].text, field) == 0) {
			*ret = ch_template_place(tpl, node);
			return true;
		}
	}
	return false;
}

void ch_template_refuse(const struct ch_template *tpl, size_t name,
			const bool *groups, const char *hint,
			const char *text, struct ch_problems *problems)
{
	bool any = false;

	for (size_t i = 0; groups && i < tpl->nodes_len; i++)
		any |= tpl->nodes[i].kind == CH_NODE_SECTION &&
		       groups[tpl->nodes[i].name];
	for (size_t i = 0; i < tpl->nodes_len; i++) {
		const struct ch_node *node = &tpl->nodes[i];

		if (!has_name(node) || node->name != name ||
		    (groups && may_be_member(tpl, node, groups, any)))
			continue;
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				ch_template_place(tpl, node), hint, "%s",
				text);
	}
}

struct empties {
	size_t name;
	const char *hint;
	struct ch_problems *problems;
	bool *told; /* owned; by node */
};

static void refuse_value(struct ch_walk *walk, const struct ch_node *node)
{
	const struct empties *e = walk->user;
	bool *told = &e->told[node - walk->tpl->nodes];

	if (node->name == e->name && !*told)
		ch_problems_add(e->problems, CH_PROBLEM_ERROR,
				ch_template_place(walk->tpl, node), e->hint,
				"empty");
	*told = true;
}

/* All sections closed, and the inverted ones too: the walk takes what a trace
 * of no decisions says, which is that nothing is open. */
void ch_template_refuse_empty(const struct ch_template *tpl, size_t name,
			      struct ch_slice value, const char *hint,
			      struct ch_problems *problems)
{
	struct ch_str none = CH_STR_INIT(0);
	struct empties e = { name, hint, problems, NULL };
	struct ch_walk walk = {
		.tpl = tpl,
		.by = CH_WALK_TRACE,
		.value = refuse_value,
		.user = &e,
		.trace = &none,
	};

	if (!ch_template_blank(value))
		return;
	e.told = ch_xcalloc(tpl->nodes_len, sizeof(*e.told));
	ch_walk_run(&walk);
	free(e.told);
}

/* ---- filling in ------------------------------------------------------- */

void ch_filled_init(struct ch_filled *filled)
{
	*filled = (struct ch_filled){ 0 };
	ch_str_init(&filled->made, MADE_MAX);
	ch_str_init(&filled->trace, TRACE_MAX);
}

void ch_filled_release(struct ch_filled *filled)
{
	free(filled->slots);
	free(filled->made_at);
	ch_str_release(&filled->made);
	ch_str_release(&filled->trace);
	*filled = (struct ch_filled){ 0 };
}

struct fill {
	const struct ch_filter_env *env;
	const struct ch_template_whose *whose;
	struct ch_filled *filled;
	struct ch_problems *problems;
	struct ch_str scratch; /* between two filters */
	bool too_many;
};

static void fault(struct ch_walk *walk, const struct ch_node *node,
		  const char *hint, const char *text)
{
	const struct fill *f = walk->user;
	struct ch_place place = ch_template_place(walk->tpl, node);

	/* "FRA (members.csv:12)" */
	if (f->whose && f->whose->file)
		ch_problems_add(f->problems, CH_PROBLEM_ERROR, place, hint,
				"%s for %s (%s:%u)", text, f->whose->key,
				f->whose->file, f->whose->line);
	else if (f->whose)
		ch_problems_add(f->problems, CH_PROBLEM_ERROR, place, hint,
				"%s for %s", text, f->whose->key);
	else
		ch_problems_add(f->problems, CH_PROBLEM_ERROR, place, hint,
				"%s", text);
}

/* The next slot, or NULL where there are too many. */
static struct ch_slice *add_slot(struct ch_walk *walk,
				 const struct ch_node *node)
{
	struct fill *f = walk->user;
	struct ch_filled *filled = f->filled;

	if (filled->slots_len == CH_BODY_SLOTS_MAX) {
		if (!f->too_many)
			fault(walk, node, NULL,
			      "more than 4096 values in one text");
		f->too_many = true;
		return NULL;
	}
	if (filled->slots_len == filled->slots_cap) {
		CH_GROW(filled->slots, filled->slots_len, filled->slots_cap);
		CH_GROW(filled->made_at, filled->slots_len, filled->made_cap);
	}
	filled->made_at[filled->slots_len] = NOT_MADE;
	filled->slots[filled->slots_len] = CH_SLICE_EMPTY;
	return &filled->slots[filled->slots_len++];
}

/* One filter after the other; the last one's text stays in `made`. */
static void filter(struct ch_walk *walk, const struct ch_node *node,
		   struct ch_slice value, struct ch_slice *slot)
{
	struct fill *f = walk->user;
	struct ch_str *made = &f->filled->made;
	size_t at = made->len;

	for (size_t i = 0; i < node->filters_len; i++) {
		const struct ch_filter *one =
			walk->tpl->filters[node->filters + i];
		struct ch_error err;

		if (i > 0) {
			ch_str_clear(&f->scratch);
			ch_str_add_mem(&f->scratch, made->data + at,
				       made->len - at);
			ch_str_truncate(made, at);
			value = (struct ch_slice){ ch_str_cstr(&f->scratch),
						   f->scratch.len };
		}
		if (ch_filter_write(one, value, f->env, made, &err) < 0) {
			fault(walk, node, ch_filter_hint(one), err.text);
			return;
		}
	}
	f->filled->made_at[slot - f->filled->slots] = at;
	slot->len = made->len - at;
}

static void fill_value(struct ch_walk *walk, const struct ch_node *node)
{
	const struct ch_data *data = ch_walk_find(walk, node->name);
	struct ch_slice *slot = add_slot(walk, node);

	if (!slot)
		return;
	if (!data) {
		fault(walk, node, "The table has no such column.",
		      "no such field");
	} else if (data->kind != CH_DATA_TEXT) {
		fault(walk, node,
		      "Print one of its fields, inside a section on it.",
		      "not one value but several");
	} else if (ch_template_blank(data->text)) {
		fault(walk, node,
		      "Fill in the cell, or put the sentence inside "
		      "a section on the field.", "empty");
	} else {
		*slot = data->text;
		if (node->filters_len > 0)
			filter(walk, node, data->text, slot);
	}
}

static void fault_missing(struct ch_walk *walk, const struct ch_node *node,
			  const struct ch_data *name)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(1000);
	struct ch_slice shown = name ? name->text : CH_SLICE_EMPTY;

	if (!name)
		ch_str_add(&text, "no such field");
	else
		ch_str_addf(&text, "the letter has no text \"%.*s\"",
			    shown.len < 200 ? (int)shown.len : 200,
			    shown.data ? shown.data : "");
	fault(walk, node,
	      "The field names a file of the letter, without its ending.",
	      ch_str_cstr(&text));
}

/* `made` has stopped growing: now its pieces have an address. */
static void point_into_made(struct ch_filled *filled)
{
	for (size_t i = 0; i < filled->slots_len && filled->made.len > 0;
	     i++) {
		if (filled->made_at[i] != NOT_MADE)
			filled->slots[i].data = ch_str_cstr(&filled->made) +
						filled->made_at[i];
	}
}

static void run_fill(struct ch_walk *walk)
{
	struct fill *f = walk->user;
	struct ch_filled *filled = f->filled;

	ch_str_clear(&filled->made);
	filled->slots_len = 0;
	if (!ch_walk_run(walk))
		ch_walk_explain(walk, f->problems);
	else if (filled->made.full || filled->trace.full)
		ch_problems_add(f->problems, CH_PROBLEM_ERROR,
				(struct ch_place){ walk->tpl->files[0], 0, 0,
						   NULL },
				NULL, "the letter's values are too long");
	point_into_made(filled);
}

int ch_template_fill(const struct ch_template *tpl,
		     const struct ch_data *roots,
		     const struct ch_filter_env *env,
		     const struct ch_template_whose *whose,
		     struct ch_filled *filled, struct ch_problems *problems)
{
	size_t errors = problems->errors;
	struct fill f = { env, whose, filled, problems,
			  CH_STR_INIT(MADE_MAX), false };
	struct ch_walk walk = {
		.tpl = tpl,
		.by = CH_WALK_DATA,
		.value = fill_value,
		.missing = fault_missing,
		.user = &f,
		.trace = &filled->trace,
		.roots = roots,
	};

	run_fill(&walk);
	ch_str_release(&f.scratch);
	return problems->errors > errors ? -1 : 0;
}

static void pretend_value(struct ch_walk *walk, const struct ch_node *node)
{
	add_slot(walk, node);
}

int ch_template_pretend(const struct ch_template *tpl, bool open,
			struct ch_filled *filled,
			struct ch_problems *problems)
{
	size_t errors = problems->errors;
	struct fill f = { .filled = filled, .problems = problems };
	struct ch_walk walk = {
		.tpl = tpl,
		.by = open ? CH_WALK_OPEN : CH_WALK_CLOSED,
		.value = pretend_value,
		.user = &f,
		.trace = &filled->trace,
	};

	run_fill(&walk);
	return problems->errors > errors ? -1 : 0;
}

/* ---- what it gives ---------------------------------------------------- */

/* Going the way again. */
struct again {
	const struct ch_filled *filled;
	struct ch_str *out;
	size_t slot;
	bool isolate;
	unsigned int line; /* which is looked for, and which it is now */
	unsigned int now;
	const struct ch_node *found;
};

static int go_again(const struct ch_template *tpl, struct again *again,
		    void (*text)(struct ch_walk *, const struct ch_node *,
				 struct ch_slice),
		    void (*value)(struct ch_walk *, const struct ch_node *),
		    struct ch_problems *problems)
{
	struct ch_str trace = again->filled->trace; /* borrowed, and read */
	struct ch_walk walk = {
		.tpl = tpl,
		.by = CH_WALK_TRACE,
		.text = text,
		.value = value,
		.user = again,
		.trace = &trace,
		.max_bytes = CH_TEMPLATE_MAX,
	};

	if (ch_walk_run(&walk))
		return 0;
	if (problems)
		ch_walk_explain(&walk, problems);
	return -1;
}

static void write_text(struct ch_walk *walk, const struct ch_node *node,
		       struct ch_slice text)
{
	struct again *again = walk->user;

	(void)node;
	ch_str_add_mem(again->out, text.data, text.len);
}

static void write_slot(struct ch_walk *walk, const struct ch_node *node)
{
	struct again *again = walk->user;

	(void)node;
	ch_str_add_utf8(again->out, CH_BODY_SLOT + (unsigned int)again->slot++);
}

int ch_template_shape(const struct ch_template *tpl,
		      const struct ch_filled *filled, struct ch_str *out,
		      struct ch_problems *problems)
{
	struct again again = { .filled = filled, .out = out };

	return go_again(tpl, &again, write_text, write_slot, problems);
}

static void write_value(struct ch_walk *walk, const struct ch_node *node)
{
	struct again *again = walk->user;
	struct ch_slice value = again->filled->slots[again->slot++];

	(void)node;
	if (again->isolate)
		ch_str_add_utf8(again->out, FSI);
	ch_str_add_mem(again->out, value.data, value.len);
	if (again->isolate)
		ch_str_add_utf8(again->out, PDI);
}

void ch_template_text(const struct ch_template *tpl,
		      const struct ch_filled *filled, bool isolate,
		      struct ch_str *out)
{
	struct again again = { .filled = filled, .out = out,
			       .isolate = isolate };

	go_again(tpl, &again, write_text, write_value, NULL);
}

static void count_text(struct ch_walk *walk, const struct ch_node *node,
		       struct ch_slice text)
{
	struct again *again = walk->user;

	if (again->now == again->line && !again->found && text.len > 0)
		again->found = node;
	/* A text is one line or less, and only its end is a LF. */
	if (text.len > 0 && text.data[text.len - 1] == '\n')
		again->now++;
}

static void count_value(struct ch_walk *walk, const struct ch_node *node)
{
	struct again *again = walk->user;

	if (again->now == again->line && !again->found)
		again->found = node;
}

struct ch_place ch_template_origin(const struct ch_template *tpl,
				   const struct ch_filled *filled,
				   unsigned int line)
{
	struct again again = { .filled = filled, .line = line, .now = 1 };

	go_again(tpl, &again, count_text, count_value, NULL);
	if (!again.found)
		return (struct ch_place){ tpl->files[0], 0, 0, NULL };
	return (struct ch_place){ tpl->files[again.found->file],
				  again.found->line, 0, NULL };
}

/* ---- for nobody --------------------------------------------------------- */

struct outline {
	const struct ch_data *known;
	const struct ch_filter_env *env;
	struct ch_str *out;
};

static void outline_text(struct ch_walk *walk, const struct ch_node *node,
			 struct ch_slice text)
{
	const struct outline *o = walk->user;

	(void)node;
	ch_str_add_mem(o->out, text.data, text.len);
}

/* -1 where it cannot be written so. */
static int outline_known(const struct ch_walk *walk,
			 const struct ch_node *node, struct ch_slice value)
{
	const struct outline *o = walk->user;
	CH_AUTO(ch_str) text = CH_STR_INIT(MADE_MAX);
	CH_AUTO(ch_str) next = CH_STR_INIT(MADE_MAX);
	struct ch_error err;

	ch_str_add_mem(&text, value.data, value.len);
	for (size_t i = 0; i < node->filters_len; i++) {
		struct ch_str was;

		ch_str_clear(&next);
		if (ch_filter_write(walk->tpl->filters[node->filters + i],
				    (struct ch_slice){ ch_str_cstr(&text),
						       text.len },
				    o->env, &next, &err) < 0)
			return -1;
		was = text;
		text = next;
		next = was;
	}
	ch_str_add_mem(o->out, ch_str_cstr(&text), text.len);
	return 0;
}

static void outline_value(struct ch_walk *walk, const struct ch_node *node)
{
	const struct outline *o = walk->user;
	const struct ch_template_name *name = &walk->tpl->names[node->name];
	const struct ch_data *data = ch_walk_find(walk, node->name);
	bool whole = name->parts_len == 0; /* {{.}}: what the section is on */

	if (data && data->kind == CH_DATA_TEXT &&
	    (whole || o->known[name->root].kind != CH_DATA_NONE) &&
	    outline_known(walk, node, data->text) == 0)
		return;
	ch_str_addf(o->out, "[%s]", name->text);
}

void ch_template_outline(const struct ch_template *tpl,
			 const struct ch_data *known,
			 const struct ch_filter_env *env, struct ch_str *out)
{
	struct ch_data *roots = ch_xcalloc(tpl->roots_len, sizeof(*roots));
	char **names = ch_xcalloc(tpl->roots_len, sizeof(*names));
	struct outline o = { known, env, out };
	struct ch_walk walk = {
		.tpl = tpl,
		.by = CH_WALK_DATA,
		.text = outline_text,
		.value = outline_value,
		.user = &o,
		.roots = roots,
		.max_bytes = CH_TEMPLATE_MAX,
	};

	for (size_t i = 0; i < tpl->roots_len; i++) {
		roots[i] = known[i]; /* borrowed */
		if (known[i].kind != CH_DATA_NONE)
			continue;
		names[i] = ch_xasprintf("[%s]", tpl->roots[i]);
		roots[i] = (struct ch_data){ .kind = CH_DATA_TEXT,
					     .text = ch_slice_of(names[i]) };
	}
	(void)ch_walk_run(&walk); /* what there is of it, then */
	for (size_t i = 0; i < tpl->roots_len; i++)
		free(names[i]);
	free(names);
	free(roots);
}
