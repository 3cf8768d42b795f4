// SPDX-License-Identifier: GPL-3.0-or-later
/* template-section.c - what opens and closes while a template is parsed. */
#include <stdlib.h>

#include "letter/template-private.h"

#define NONE CH_TEMPLATE_NONE

static const struct ch_node *node_of(const struct ch_parser *p, size_t i)
{
	return &p->tpl->nodes[p->open[i].node];
}

bool ch_parse_drops(const struct ch_scan *s)
{
	const struct ch_parser *p = s->parser;

	return p->open_len > 0 && (p->open[p->open_len - 1].dropped ||
				   node_of(p, p->open_len - 1)->kind ==
					   CH_NODE_PARENT);
}

void ch_parse_refuse_dropped(struct ch_scan *s)
{
	const struct ch_parser *p = s->parser;

	/* Said once for a section that is dropped, not for all in it. */
	if (!ch_scan_is_lenient(s) && !p->open[p->open_len - 1].dropped)
		CH_FAULT(s, "Put it into one of the blocks: "
			    "{{$name}}...{{/name}}.",
			 "what stands between the blocks of {{<...}} is not "
			 "printed");
}

struct ch_open *ch_parse_open(struct ch_scan *s, enum ch_node_kind kind,
			      struct ch_slice closed_by)
{
	struct ch_parser *p = s->parser;
	size_t filters = p->tpl->filters_len;
	bool dropped = ch_parse_drops(s) && kind != CH_NODE_BLOCK;
	struct ch_open *open;
	size_t node = p->tpl->nodes_len;

	if (p->open_len == CH_TEMPLATE_OPEN_MAX) {
		p->too_much = true;
		CH_FAULT(s, NULL, "more than %d sections inside one another",
			 CH_TEMPLATE_OPEN_MAX);
	}
	if (dropped)
		ch_parse_refuse_dropped(s);
	ch_parse_node(s, kind);
	CH_GROW(p->open, p->open_len, p->open_cap);
	open = &p->open[p->open_len++];
	*open = (struct ch_open){
		.node = node,
		.filters = filters,
		.lead = NONE,
		.dropped = dropped,
		.line = s->line,
		.name = closed_by.len ? ch_slice_dup(closed_by) : NULL,
	};
	return open;
}

void ch_parse_section(struct ch_scan *s, const struct ch_tag *tag)
{
	struct ch_template *tpl = s->parser->tpl;
	size_t id = ch_parse_name(s, tag->content);
	size_t node = tpl->nodes_len;

	/* A section with a bad name is still one to close, by any name. */
	ch_parse_open(s, tag->sigil == '#' ? CH_NODE_SECTION : CH_NODE_INVERTED,
		      id == NONE ? CH_SLICE_EMPTY : tag->content);
	tpl->nodes[node].name = id;
}

static const char *what(const struct ch_parser *p, size_t i)
{
	switch (node_of(p, i)->kind) {
	case CH_NODE_PARENT:
		return "parent";
	case CH_NODE_BLOCK:
		return "block";
	default:
		return "section";
	}
}

static const char *name_of(const struct ch_parser *p, size_t i)
{
	return p->open[i].name ? p->open[i].name : "";
}

/* Take out of the template what is not printed. */
static void drop(struct ch_template *tpl, const struct ch_open *open)
{
	tpl->nodes_len = open->node;
	while (tpl->filters_len > open->filters)
		ch_filter_free(tpl->filters[--tpl->filters_len]);
}

void ch_parse_close(struct ch_scan *s, size_t keep, bool last_is_closed)
{
	struct ch_parser *p = s->parser;
	struct ch_template *tpl = p->tpl;

	while (p->open_len > keep) {
		size_t i = p->open_len - 1;
		struct ch_open *open = &p->open[i];
		struct ch_node *node = &tpl->nodes[open->node];
		struct ch_place place = { tpl->files[node->file], node->line,
					  node->column, NULL };

		node->end = tpl->nodes_len;
		if ((i > keep || !last_is_closed) && !p->too_much)
			ch_problems_add(p->problems, CH_PROBLEM_ERROR, place,
					"Every section needs its {{/name}}.",
					"the %s \"%s\" is not closed",
					what(p, i), name_of(p, i));
		if (open->dropped)
			drop(tpl, open);
		free(open->name);
		p->open_len--;
	}
}

size_t ch_parse_closes(struct ch_scan *s, const struct ch_tag *tag)
{
	const struct ch_parser *p = s->parser;
	size_t last = p->open_len - 1;

	for (size_t i = p->open_len; i > 0; i--) {
		if (!p->open[i - 1].name ||
		    ch_slice_eq(tag->content, p->open[i - 1].name))
			return i - 1;
	}
	if (p->open_len == 0) {
		CH_FAULT(s, NULL, "{{/%.*s}} closes no section",
			 (int)tag->content.len, tag->content.data);
		return NONE;
	}
	CH_FAULT(s, NULL, "{{/%.*s}} where the %s \"%s\" of line %u is open",
		 (int)tag->content.len, tag->content.data, what(p, last),
		 name_of(p, last), p->open[last].line);
	/* Most likely the name is misspelt: take it for the innermost one. */
	return last;
}
