// SPDX-License-Identifier: GPL-3.0-or-later
/* template-inherit.c - parents and blocks: {{<frame}}{{$body}}…{{/body}}
 * {{/frame}}.
 *
 * Their opening and closing tags need not stand on lines of their own to stand
 * alone: what counts is that nothing else does. A parent is alone if nothing
 * stands before its opening nor behind its closing, whatever is between. A
 * block's opening is alone if only such tags share its line, and so is its
 * closing, unless it closes what the same line has opened.
 */
#include <stdlib.h>

#include "letter/template-private.h"

#define NONE CH_TEMPLATE_NONE

static bool is_inheriting(const struct ch_parser *p, size_t i)
{
	enum ch_node_kind kind = p->tpl->nodes[p->open[i].node].kind;

	return kind == CH_NODE_PARENT || kind == CH_NODE_BLOCK;
}

/* Which parent or block is closed by that, or NONE. */
static size_t closes_inheriting(const struct ch_scan *s,
				const struct ch_tag *tag)
{
	const struct ch_parser *p = s->parser;

	for (size_t i = p->open_len; i > 0; i--) {
		if (!p->open[i - 1].name ||
		    ch_slice_eq(tag->content, p->open[i - 1].name))
			return is_inheriting(p, i - 1) ? i - 1 : NONE;
	}
	/* A misspelt name is taken for the innermost. */
	return p->open_len > 0 && is_inheriting(p, p->open_len - 1)
		       ? p->open_len - 1
		       : NONE;
}

bool ch_parse_inherits(const struct ch_scan *s, const struct ch_tag *tag)
{
	return tag->sigil == '<' || tag->sigil == '$' ||
	       (tag->sigil == '/' && closes_inheriting(s, tag) != NONE);
}

static size_t skip_blanks(const struct ch_scan *s, size_t at)
{
	while (at < s->len && ch_scan_is_blank(s->text[at]))
		at++;
	return at;
}

/* The next tag, if it begins at `at`. */
static bool tag_at(const struct ch_scan *s, size_t at, struct ch_tag *ret)
{
	return at < s->len && ch_scan_find(s, s->open, at, s->len) == at &&
	       ch_scan_look(s, at, ret);
}

/* Whether behind an opening only others follow on its line. */
static bool only_openings(const struct ch_scan *s, size_t at)
{
	struct ch_tag tag;

	while (ch_scan_line_end(s, at) == NONE) {
		at = skip_blanks(s, at);
		if (!tag_at(s, at, &tag) ||
		    (tag.sigil != '<' && tag.sigil != '$'))
			return false;
		at = tag.end;
	}
	return true;
}

/* Whether behind a closing, with which `left` are still open, only those follow
 * that close the ones around it, or the parent's next block. */
static bool only_closings(const struct ch_scan *s, size_t at, size_t left)
{
	const struct ch_parser *p = s->parser;
	struct ch_tag tag;

	while (ch_scan_line_end(s, at) == NONE) {
		at = skip_blanks(s, at);
		if (!tag_at(s, at, &tag) || left == 0 ||
		    !is_inheriting(p, left - 1))
			return false;
		if (tag.sigil == '$')
			return p->tpl->nodes[p->open[left - 1].node].kind ==
			       CH_NODE_PARENT;
		if (tag.sigil != '/' || !p->open[left - 1].name ||
		    !ch_slice_eq(tag.content, p->open[left - 1].name))
			return false;
		left--;
		at = tag.end;
	}
	return true;
}

/* Where to go on behind a tag that is alone: the next line, or the next tag. */
static size_t behind(const struct ch_scan *s, size_t at)
{
	size_t line = ch_scan_line_end(s, at);

	return line == NONE ? skip_blanks(s, at) : line;
}

/* The white space with which the line of `at` begins. */
static struct ch_slice line_blanks(const struct ch_scan *s, size_t at)
{
	size_t from = at;
	size_t to;

	while (from > 0 && s->text[from - 1] != '\n')
		from--;
	to = skip_blanks(s, from);
	return (struct ch_slice){ s->text + from, to - from };
}

/* The indent of a block whose opening stands alone: that of its first line
 * with something on it, or of the tag if the block is empty. */
static struct ch_slice content_blanks(const struct ch_scan *s,
				      const struct ch_tag *tag)
{
	size_t at = ch_scan_find(s, "\n", tag->end, s->len);
	struct ch_tag next;

	for (at = at == NONE ? s->len : at + 1; at < s->len;) {
		size_t to = skip_blanks(s, at);
		size_t line = ch_scan_line_end(s, at);

		if (line == NONE && !(tag_at(s, to, &next) &&
				      next.sigil == '/'))
			return (struct ch_slice){ s->text + at, to - at };
		if (line == NONE)
			break;
		at = line;
	}
	return line_blanks(s, tag->start);
}

/* The white space before a tag that is alone is not printed. */
static void take_lead(struct ch_scan *s, size_t lead)
{
	if (lead == NONE)
		return;
	s->parser->tpl->nodes[lead].len = 0;
	s->parser->tpl->nodes[lead].line_start = false;
}

static void set_indent(struct ch_scan *s, size_t node, struct ch_slice indent)
{
	size_t at = ch_parse_keep(s, indent);

	s->parser->tpl->nodes[node].at = at;
	s->parser->tpl->nodes[node].len = indent.len;
}

static void open_block(struct ch_scan *s, const struct ch_tag *tag)
{
	struct ch_template *tpl = s->parser->tpl;
	size_t lead = ch_parse_lead(s);
	bool begins = ch_scan_line_start(s, tag->start) != NONE;
	bool alone = s->clear && only_openings(s, tag->end);
	size_t node = tpl->nodes_len;

	ch_parse_open(s, CH_NODE_BLOCK, tag->content);
	tpl->nodes[node].name = ch_parse_intern(
		&tpl->blocks, &tpl->blocks_len, &tpl->blocks_cap,
		tag->content);
	if (tpl->blocks_len > CH_TEMPLATE_BLOCKS_MAX) {
		s->parser->too_much = true;
		CH_FAULT(s, NULL, "more than %d different blocks",
			 CH_TEMPLATE_BLOCKS_MAX);
	}
	tpl->nodes[node].alone = alone;
	tpl->nodes[node].line_start = alone || begins;
	if (alone)
		set_indent(s, node, content_blanks(s, tag));
	else if (begins)
		set_indent(s, node, line_blanks(s, tag->start));
	if (alone)
		take_lead(s, lead);
	ch_scan_skip_to(s, alone ? behind(s, tag->end) : tag->end);
}

static void open_parent(struct ch_scan *s, const struct ch_tag *tag)
{
	size_t lead = ch_parse_lead(s);
	size_t node = s->parser->tpl->nodes_len;
	struct ch_open *open = ch_parse_open(s, CH_NODE_PARENT, tag->content);

	open->lead = lead;
	open->clear = s->clear;
	ch_parse_target(s, tag, node);
	if (s->clear)
		set_indent(s, node, line_blanks(s, tag->start));
	ch_scan_skip_to(s, tag->end);
}

static void close_parent(struct ch_scan *s, const struct ch_tag *tag, size_t i)
{
	struct ch_parser *p = s->parser;
	const struct ch_open open = p->open[i];
	bool alone = open.clear && only_closings(s, tag->end, i);

	ch_parse_close(s, i, true);
	if (open.dropped) {
		ch_scan_skip_to(s, tag->end);
		return;
	}
	p->tpl->nodes[open.node].line_start = alone;
	if (!alone)
		p->tpl->nodes[open.node].len = 0;
	else
		take_lead(s, open.lead);
	ch_scan_skip_to(s, alone ? behind(s, tag->end) : tag->end);
	s->clear = alone;
}

static void close_block(struct ch_scan *s, const struct ch_tag *tag, size_t i)
{
	const struct ch_parser *p = s->parser;
	size_t lead = ch_parse_lead(s);
	bool same_line = p->open[i].line == s->line;
	bool alone = s->clear && !same_line && only_closings(s, tag->end, i);

	if (alone)
		take_lead(s, lead);
	ch_parse_close(s, i, true);
	ch_scan_skip_to(s, alone ? behind(s, tag->end) : tag->end);
	if (!ch_parse_drops(s))
		s->clear = alone;
}

void ch_parse_inherit(struct ch_scan *s, const struct ch_tag *tag)
{
	const struct ch_parser *p = s->parser;
	size_t i;

	ch_parse_text(s, tag->start);
	if (tag->content.len == 0) {
		CH_FAULT(s, NULL, "an empty tag");
		ch_scan_skip_to(s, tag->end);
	} else if (tag->sigil == '$') {
		open_block(s, tag);
	} else if (tag->sigil == '<') {
		open_parent(s, tag);
	} else {
		i = ch_parse_closes(s, tag);
		if (p->tpl->nodes[p->open[i].node].kind == CH_NODE_PARENT)
			close_parent(s, tag, i);
		else
			close_block(s, tag, i);
	}
}

/* ---- afterwards ------------------------------------------------------- */

/* Note which blocks a text has, with all that it includes. Returns false where
 * a dynamic name makes that unknown. */
static bool note_blocks(const struct ch_template *tpl, size_t unit, bool *seen,
			bool *has)
{
	bool known = true;

	seen[unit] = true;
	for (size_t i = tpl->units[unit].from; i < tpl->units[unit].to; i++) {
		const struct ch_node *node = &tpl->nodes[i];

		if (node->kind == CH_NODE_BLOCK)
			has[node->name] = true;
		if (node->kind != CH_NODE_PARTIAL &&
		    node->kind != CH_NODE_PARENT)
			continue;
		if (node->name != NONE)
			known = false;
		else if (node->unit != NONE && !seen[node->unit])
			known &= note_blocks(tpl, node->unit, seen, has);
	}
	return known;
}

/* `has` starts with the blocks that the parent's text has; each that is given
 * is taken out of it, so that the second of a name is seen. */
static void check_blocks(struct ch_parser *p, size_t parent, bool *has)
{
	const struct ch_template *tpl = p->tpl;
	const struct ch_node *node = &tpl->nodes[parent];

	for (size_t i = parent + 1; i < node->end; i = tpl->nodes[i].end) {
		const struct ch_node *block = &tpl->nodes[i];

		if (!has[block->name])
			ch_problems_add(p->problems, CH_PROBLEM_ERROR,
					ch_template_place(tpl, block),
					"It would be printed nowhere.",
					"{{<%s}} has no block \"%s\", or is "
					"given it twice",
					tpl->units[node->unit].name,
					tpl->blocks[block->name]);
		has[block->name] = false;
	}
}

void ch_parse_check_given(struct ch_parser *p)
{
	const struct ch_template *tpl = p->tpl;

	for (size_t i = 0; i < tpl->nodes_len; i++) {
		const struct ch_node *node = &tpl->nodes[i];
		bool *seen;
		bool *has;

		if (node->kind != CH_NODE_PARENT || node->unit == NONE ||
		    node->end == i + 1)
			continue;
		seen = ch_xcalloc(tpl->units_len, sizeof(*seen));
		has = ch_xcalloc(tpl->blocks_len, sizeof(*has));
		if (note_blocks(tpl, node->unit, seen, has))
			check_blocks(p, i, has);
		free(seen);
		free(has);
	}
}
