// SPDX-License-Identifier: GPL-3.0-or-later
/* template-walk.c - the one evaluator: goes over a template's nodes and decides
 * what is printed.
 *
 * What "printed" means is its caller's business: slots are filled, a shape is
 * written, lines are counted, HTML is made. Each decision is noted, so that the
 * same way can be gone again without data.
 *
 * Indents. A partial that stands alone on its line gives each of its lines that
 * indent, but not the lines of values: hence nodes know whether they begin a
 * line. A block's content is taken out of its own indent where it is defined
 * and put into that of the place where it is printed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "letter/template-private.h"

/* Sections and all else inside one another: this bounds our own stack. */
#define NESTED_MAX 2000

struct ch_walk_context {
	const struct ch_walk_context *up;
	const struct ch_data *data;
};

struct ch_walk_blocks {
	const struct ch_walk_blocks *up;
	size_t parent; /* the node whose blocks they are */
};

/* What is put back behind a partial or block. */
struct saved {
	size_t pad_at, pad_len, pads_len;
	struct ch_slice strip;
	const struct ch_walk_blocks *given;
};

bool ch_template_blank(struct ch_slice value)
{
	size_t at = 0;

	/* Most begin with a letter. */
	if (value.len > 0 && value.data[0] > ' ')
		return false;

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

/* ---- values ----------------------------------------------------------- */

const struct ch_data *ch_walk_find(const struct ch_walk *walk, size_t name)
{
	const struct ch_template_name *n = &walk->tpl->names[name];
	const struct ch_walk_context *c = walk->top;
	const struct ch_data *data = NULL;

	if (n->parts_len == 0)
		return c ? c->data : walk->dot;
	/* The first part may be anywhere around, the rest only below it. */
	for (; c && !data; c = c->up)
		data = ch_data_member(c->data, n->parts[0]);
	if (!data)
		data = &walk->roots[n->root];
	for (size_t i = 1; i < n->parts_len && data; i++)
		data = ch_data_member(data, n->parts[i]);
	return data && data->kind != CH_DATA_NONE ? data : NULL;
}

/* How often a section on it repeats. In a letter what has nothing to show is
 * closed; the lenient mode takes false, null, 0, "" and an empty list. */
static size_t count_of(const struct ch_data *data, bool lenient)
{
	size_t open = 0;

	if (!data)
		return 0;
	switch (data->kind) {
	case CH_DATA_NONE:
	case CH_DATA_NULL:
	case CH_DATA_FALSE:
		return 0;
	case CH_DATA_TRUE:
		return 1;
	case CH_DATA_NUMBER:
		return strtod(data->text.data, NULL) != 0;
	case CH_DATA_TEXT:
		return lenient ? data->text.len > 0
			       : !ch_template_blank(data->text);
	case CH_DATA_LIST:
		return data->len;
	case CH_DATA_MAP:
		for (size_t i = 0; i < data->len && !lenient; i++)
			open |= count_of(&data->items[i], false);
		return lenient || open;
	}
	return 0;
}

/* ---- decisions -------------------------------------------------------- */

/* Nearly always there is room: a letter has as many decisions as the last. */
static void note_byte(struct ch_str *trace, char byte)
{
	if (trace->len + 1 < trace->cap) {
		trace->data[trace->len] = byte;
		ch_str_grew(trace, 1);
	} else {
		ch_str_add_char(trace, byte);
	}
}

static void note(struct ch_walk *walk, size_t decision)
{
	if (!walk->trace || walk->by == CH_WALK_TRACE)
		return;
	for (; decision >= 0x80; decision >>= 7)
		note_byte(walk->trace, (char)(decision | 0x80));
	note_byte(walk->trace, (char)decision);
}

static size_t noted(struct ch_walk *walk)
{
	const char *trace = ch_str_cstr(walk->trace);
	size_t decision = 0;
	unsigned int shift = 0;
	unsigned char c;

	do {
		if (walk->trace_at >= walk->trace->len)
			return 0;
		c = (unsigned char)trace[walk->trace_at++];
		decision |= (size_t)(c & 0x7F) << shift;
		shift += 7;
	} while (c & 0x80 && shift < 56);
	return decision;
}

/* ---- lines ------------------------------------------------------------ */

/* How much of `text` `strip` has too, from the start. */
static size_t common(struct ch_slice text, struct ch_slice strip)
{
	size_t n = 0;

	while (n < text.len && n < strip.len && text.data[n] == strip.data[n])
		n++;
	return n;
}

static void stop(struct ch_walk *walk, enum ch_walk_stop why,
		 const struct ch_node *node)
{
	if (walk->stop == CH_WALK_ON) {
		walk->stop = why;
		walk->stopped_at = node;
	}
}

static void write_bytes(struct ch_walk *walk, const struct ch_node *node,
			struct ch_slice bytes)
{
	walk->bytes += bytes.len;
	if (walk->max_bytes > 0 && walk->bytes > walk->max_bytes)
		stop(walk, CH_WALK_TOO_LARGE, node);
	else
		walk->text(walk, node, bytes);
}

static void write_pad(struct ch_walk *walk, const struct ch_node *node)
{
	struct ch_slice pad = { ch_str_cstr(&walk->pads) + walk->pad_at,
				walk->pad_len };

	if (pad.len > 0)
		write_bytes(walk, node, pad);
}

static void write_text(struct ch_walk *walk, const struct ch_node *node)
{
	struct ch_slice text = { ch_str_cstr(&walk->tpl->text) + node->at,
				 node->len };

	if (node->line_start) {
		size_t lost = common(text, walk->strip);

		if (!walk->joined)
			write_pad(walk, node);
		walk->joined = false;
		text.data += lost;
		text.len -= lost;
	}
	write_bytes(walk, node, text);
}

static struct saved save(const struct ch_walk *walk)
{
	return (struct saved){ walk->pad_at, walk->pad_len, walk->pads.len,
			       walk->strip, walk->given };
}

static void restore(struct ch_walk *walk, const struct saved *saved)
{
	walk->pad_at = saved->pad_at;
	walk->pad_len = saved->pad_len;
	walk->strip = saved->strip;
	walk->given = saved->given;
	ch_str_truncate(&walk->pads, saved->pads_len);
}

/* From here on lines get the node's indent behind the one they have; or none
 * where the node does not begin its line. */
static void indent(struct ch_walk *walk, const struct ch_node *node)
{
	struct ch_slice more = { ch_str_cstr(&walk->tpl->text) + node->at,
				 node->len };
	size_t lost = common(more, walk->strip);
	size_t before = walk->pad_len;
	size_t len = node->line_start ? before + more.len - lost : 0;
	char *room = len ? ch_str_room(&walk->pads, len) : NULL;

	if (room) {
		memcpy(room, walk->pads.data + walk->pad_at, before);
		memcpy(room + before, more.data + lost, more.len - lost);
	}
	walk->pad_at = walk->pads.len;
	walk->pad_len = room ? len : 0;
	walk->strip = CH_SLICE_EMPTY;
	if (room)
		ch_str_grew(&walk->pads, len);
}

/* ---- nodes ------------------------------------------------------------ */

static void go(struct ch_walk *walk, size_t from, size_t to);

static void go_in_context(struct ch_walk *walk, const struct ch_data *data,
			  size_t from, size_t to)
{
	struct ch_walk_context context = { walk->top, data };

	walk->top = &context;
	go(walk, from, to);
	walk->top = context.up;
}

static size_t decide(struct ch_walk *walk, const struct ch_node *node,
		     const struct ch_data **ret_data)
{
	bool lenient = walk->tpl->mode == CH_TEMPLATE_LENIENT;
	bool inverted = node->kind == CH_NODE_INVERTED;
	size_t count = 0;

	switch (walk->by) {
	case CH_WALK_TRACE:
		return noted(walk);
	case CH_WALK_OPEN:
		count = !inverted;
		break;
	case CH_WALK_CLOSED:
		count = inverted;
		break;
	case CH_WALK_DATA:
		*ret_data = ch_walk_find(walk, node->name);
		count = count_of(*ret_data, lenient);
		if (inverted)
			count = count == 0;
	}
	note(walk, count);
	return count;
}

static void go_section(struct ch_walk *walk, const struct ch_node *node,
		       size_t from)
{
	const struct ch_data *data = NULL;
	size_t count = decide(walk, node, &data);

	if (!data || node->kind == CH_NODE_INVERTED) {
		for (size_t i = 0; i < count && walk->stop == CH_WALK_ON; i++)
			go(walk, from, node->end);
		return;
	}
	if (data->kind != CH_DATA_LIST) {
		if (count > 0)
			go_in_context(walk, data, from, node->end);
		return;
	}
	for (size_t i = 0; i < count && walk->stop == CH_WALK_ON; i++)
		go_in_context(walk, &data->items[i], from, node->end);
}

/* The text that a partial or parent brings, NONE where there is none. */
static size_t target(struct ch_walk *walk, const struct ch_node *node)
{
	const struct ch_data *name = NULL;
	size_t unit = CH_TEMPLATE_NONE;

	if (node->name == CH_TEMPLATE_NONE)
		return node->unit;
	if (walk->by == CH_WALK_TRACE) {
		size_t decision = noted(walk);

		return decision > 0 && decision < walk->tpl->units_len
			       ? decision
			       : CH_TEMPLATE_NONE;
	}
	if (walk->by == CH_WALK_DATA)
		name = ch_walk_find(walk, node->name);
	if (name && (name->kind == CH_DATA_TEXT ||
		     name->kind == CH_DATA_NUMBER))
		unit = ch_template_find_unit(walk->tpl, name->text);
	if (unit == CH_TEMPLATE_NONE && walk->missing &&
	    walk->by == CH_WALK_DATA)
		walk->missing(walk, node, name);
	/* The letter itself is 0 and included by none. */
	note(walk, unit == CH_TEMPLATE_NONE ? 0 : unit);
	return unit;
}

static void go_unit(struct ch_walk *walk, const struct ch_node *node)
{
	size_t self = (size_t)(node - walk->tpl->nodes);
	size_t unit = target(walk, node);
	unsigned int deepest = walk->tpl->mode == CH_TEMPLATE_LENIENT
				       ? CH_TEMPLATE_LENIENT_MAX
				       : CH_TEMPLATE_PARTIALS_MAX;
	struct ch_walk_blocks blocks = { walk->given, self };
	struct saved saved = save(walk);

	if (unit == CH_TEMPLATE_NONE)
		return;
	if (walk->depth >= deepest) {
		stop(walk, CH_WALK_TOO_DEEP, node);
		return;
	}
	walk->depth++;
	if (node->kind == CH_NODE_PARENT)
		walk->given = &blocks;
	if (walk->text)
		indent(walk, node);
	go(walk, walk->tpl->units[unit].from, walk->tpl->units[unit].to);
	restore(walk, &saved);
	walk->depth--;
}

/* The block of that name which a parent has been given, or NONE. */
static size_t given_by(const struct ch_template *tpl, size_t parent,
		       size_t name)
{
	size_t end = tpl->nodes[parent].end;

	for (size_t i = parent + 1; i < end; i = tpl->nodes[i].end) {
		if (tpl->nodes[i].name == name)
			return i;
	}
	return CH_TEMPLATE_NONE;
}

/* Begin a block's content where it is printed: a content of whole lines that
 * goes behind something has that line's indent already, and one that begins
 * within a line has it not where the place has a line to itself. */
static void join(struct ch_walk *walk, const struct ch_node *place,
		 const struct ch_node *block)
{
	bool empty = block + 1 == &walk->tpl->nodes[block->end];

	if (!place->alone) {
		walk->joined = block->alone;
		return;
	}
	if (block->alone || empty)
		return;
	if (!walk->joined)
		write_pad(walk, block);
	walk->joined = false;
}

/* Print a block that was given, in the place of the one that stands here. */
static void go_given(struct ch_walk *walk, const struct ch_node *place,
		     size_t given, const struct ch_walk_blocks *by)
{
	const struct ch_node *block = &walk->tpl->nodes[given];
	struct saved saved = save(walk);

	/* It is part of the text in which it is written: what that text gives
	 * to its parent is not given to the block itself. */
	walk->given = by->up;
	if (walk->text) {
		indent(walk, place);
		join(walk, place, block);
		walk->strip = (struct ch_slice){
			ch_str_cstr(&walk->tpl->text) + block->at, block->len
		};
	}
	go(walk, given + 1, block->end);
	restore(walk, &saved);
	if (!place->alone)
		walk->joined = false;
}

/* The outermost template that gives the block has the say. */
static void go_block(struct ch_walk *walk, const struct ch_node *node,
		     size_t from)
{
	const struct ch_walk_blocks *by = NULL;
	size_t given = CH_TEMPLATE_NONE;

	for (const struct ch_walk_blocks *b = walk->given; b; b = b->up) {
		size_t found = given_by(walk->tpl, b->parent, node->name);

		if (found != CH_TEMPLATE_NONE) {
			given = found;
			by = b;
		}
	}
	if (given == CH_TEMPLATE_NONE) {
		go(walk, from, node->end);
		return;
	}
	go_given(walk, node, given, by);
}

/* Returns the node to go on with. */
static size_t go_node(struct ch_walk *walk, size_t i)
{
	const struct ch_node *node = &walk->tpl->nodes[i];

	switch (node->kind) {
	case CH_NODE_TEXT:
		if (!walk->text)
			return node->end;
		write_text(walk, node);
		return i + 1;
	case CH_NODE_VALUE:
		walk->value(walk, node);
		return i + 1;
	case CH_NODE_SECTION:
	case CH_NODE_INVERTED:
		go_section(walk, node, i + 1);
		return node->end;
	case CH_NODE_PARTIAL:
		go_unit(walk, node);
		return i + 1;
	case CH_NODE_PARENT:
		go_unit(walk, node);
		return node->end;
	case CH_NODE_BLOCK:
		go_block(walk, node, i + 1);
		return node->end;
	}
	return i + 1;
}

static void go(struct ch_walk *walk, size_t from, size_t to)
{
	if (from >= to)
		return;
	if (walk->nested >= NESTED_MAX) {
		stop(walk, CH_WALK_TOO_NESTED, &walk->tpl->nodes[from]);
		return;
	}
	walk->nested++;
	for (size_t i = from; i < to && walk->stop == CH_WALK_ON;) {
		if (walk->steps++ >= CH_TEMPLATE_STEPS_MAX) {
			stop(walk, CH_WALK_TOO_LONG, &walk->tpl->nodes[i]);
			break;
		}
		i = go_node(walk, i);
	}
	walk->nested--;
}

bool ch_walk_run(struct ch_walk *walk)
{
	const struct ch_template_unit *whole = &walk->tpl->units[0];

	if (walk->trace && walk->by != CH_WALK_TRACE)
		ch_str_clear(walk->trace);
	walk->strip = CH_SLICE_EMPTY;
	ch_str_init(&walk->pads, CH_TEMPLATE_MAX);
	go(walk, whole->from, whole->to);
	ch_str_release(&walk->pads);
	return walk->stop == CH_WALK_ON;
}

void ch_walk_explain(const struct ch_walk *walk, struct ch_problems *problems)
{
	struct ch_place place = ch_template_place(walk->tpl, walk->stopped_at);

	if (walk->stop == CH_WALK_TOO_DEEP)
		ch_problems_add(problems, CH_PROBLEM_ERROR, place, NULL,
				"more than %d partials inside one another",
				walk->tpl->mode == CH_TEMPLATE_LENIENT
					? CH_TEMPLATE_LENIENT_MAX
					: CH_TEMPLATE_PARTIALS_MAX);
	else if (walk->stop == CH_WALK_TOO_NESTED)
		ch_problems_add(problems, CH_PROBLEM_ERROR, place, NULL,
				"sections stand too deep inside one another");
	else if (walk->stop == CH_WALK_TOO_LARGE)
		ch_problems_add(problems, CH_PROBLEM_ERROR, place, NULL,
				"the text is longer than %zu bytes",
				walk->max_bytes);
	else
		ch_problems_add(problems, CH_PROBLEM_ERROR, place, NULL,
				"the text with its sections and partials is "
				"too long");
}
