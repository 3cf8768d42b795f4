// SPDX-License-Identifier: GPL-3.0-or-later
/* template-parse.c - from Mustache text to nodes.
 *
 * By hand and not by a grammar tool: what matters here are the messages. A tag
 * that is not closed is found at the next opening instead of swallowing the
 * letter, and reading goes on behind every fault, so that one look shows all.
 * A partial is read once, when the text that names it has been read.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "letter/body.h"
#include "letter/template-private.h"

#define NONE CH_TEMPLATE_NONE

/* ---- nodes ------------------------------------------------------------ */

struct ch_node *ch_parse_node(struct ch_scan *s, enum ch_node_kind kind)
{
	struct ch_parser *p = s->parser;
	struct ch_template *tpl = p->tpl;
	struct ch_node *node;

	CH_GROW(tpl->nodes, tpl->nodes_len, tpl->nodes_cap);
	node = &tpl->nodes[tpl->nodes_len++];
	*node = (struct ch_node){
		.kind = kind,
		.file = s->file,
		.line = s->line,
		.column = s->column,
		.name = NONE,
		.unit = NONE,
		.around = NONE,
	};
	for (size_t i = p->open_len; i > 0; i--) {
		if (tpl->nodes[p->open[i - 1].node].kind == CH_NODE_SECTION) {
			node->around = p->open[i - 1].node;
			break;
		}
	}
	return node;
}

static bool at_line_start(const struct ch_scan *s)
{
	return s->at == 0 ? s->at_line : s->text[s->at - 1] == '\n';
}

size_t ch_parse_keep(struct ch_scan *s, struct ch_slice text)
{
	size_t at = s->parser->tpl->text.len;

	ch_str_add_mem(&s->parser->tpl->text, text.data, text.len);
	return at;
}

/* One node for what stands on one line. */
static void add_line(struct ch_scan *s, size_t to)
{
	struct ch_node *node = ch_parse_node(s, CH_NODE_TEXT);
	struct ch_slice line = { s->text + s->at, to - s->at };
	bool ends = line.len > 0 && line.data[line.len - 1] == '\n';
	bool crlf = ends && line.len > 1 && line.data[line.len - 2] == '\r' &&
		    !ch_scan_is_lenient(s);

	node->line_start = at_line_start(s);
	line.len -= crlf ? 2 : 0;
	node->at = ch_parse_keep(s, line);
	node->len = line.len + crlf;
	if (crlf)
		ch_parse_keep(s, ch_slice_of("\n"));
	ch_scan_skip_to(s, to);
	if (ends)
		s->clear = true;
	else if (ch_slice_trim(line).len > 0)
		s->clear = false;
}

/* The text up to `to`, line by line: so every node has its line. */
void ch_parse_text(struct ch_scan *s, size_t to)
{
	if (ch_parse_drops(s)) {
		struct ch_slice text = { s->text + s->at, to - s->at };

		if (ch_slice_trim(text).len > 0)
			ch_parse_refuse_dropped(s);
		for (; s->at < to; ch_scan_skip_to(s, s->at + 1))
			s->clear |= s->text[s->at] == '\n';
		return;
	}
	while (s->at < to) {
		size_t newline = ch_scan_find(s, "\n", s->at, to);

		add_line(s, newline == NONE ? to : newline + 1);
	}
}

/* Whether lines here may get or lose an indent: in a partial, and in a block.
 */
static bool may_move(const struct ch_scan *s)
{
	const struct ch_parser *p = s->parser;

	for (size_t i = 0; i < p->open_len; i++) {
		if (p->tpl->nodes[p->open[i].node].kind == CH_NODE_BLOCK)
			return true;
	}
	return s->unit > 0;
}

size_t ch_parse_lead(struct ch_scan *s)
{
	const struct ch_template *tpl = s->parser->tpl;

	if (ch_parse_drops(s) || ch_scan_line_start(s, s->at) == NONE)
		return NONE;
	if (at_line_start(s)) {
		if (!may_move(s))
			return NONE;
		add_line(s, s->at);
	}
	return tpl->nodes_len - 1;
}

/* ---- values and partials ---------------------------------------------- */

/* "|" filter *( "|" filter ) */
static int read_filters(struct ch_scan *s, struct ch_slice text)
{
	struct ch_template *tpl = s->parser->tpl;

	while (text.len > 0) {
		const char *bar = memchr(text.data, '|', text.len);
		size_t len = bar ? (size_t)(bar - text.data) : text.len;
		struct ch_slice one = { text.data, len };
		CH_AUTO(ch_str) hint = CH_STR_INIT(1000);
		struct ch_filter *filter;
		struct ch_error err;

		if (ch_filter_new(ch_slice_trim(one),
				  s->parser->options->language, &filter, &hint,
				  &err) < 0) {
			CH_FAULT(s, ch_str_cstr(&hint), "%s", err.text);
			return -1;
		}
		CH_GROW(tpl->filters, tpl->filters_len, tpl->filters_cap);
		tpl->filters[tpl->filters_len++] = filter;
		text.data += len + (bar != NULL);
		text.len -= len + (bar != NULL);
	}
	return 0;
}

/* value := name *( "|" filter ); the specification's mode has no filters. */
static void read_value(struct ch_scan *s, const struct ch_tag *tag)
{
	struct ch_template *tpl = s->parser->tpl;
	struct ch_slice name = tag->content;
	const char *bar = ch_scan_is_lenient(s)
				  ? NULL
				  : memchr(name.data, '|', name.len);
	size_t filters = tpl->filters_len;
	struct ch_node *node;
	size_t id;

	if (ch_parse_drops(s)) {
		ch_parse_refuse_dropped(s);
		return;
	}
	if (bar) {
		size_t left = (size_t)(bar - name.data);
		struct ch_slice right = { bar + 1, name.len - left - 1 };

		name = ch_slice_trim((struct ch_slice){ name.data, left });
		if (right.len == 0)
			right = ch_slice_of(" ");
		if (read_filters(s, right) < 0)
			return;
	}
	id = ch_parse_name(s, name);
	if (id == NONE)
		return;
	node = ch_parse_node(s, CH_NODE_VALUE);
	node->name = id;
	node->raw = tag->sigil == '{' || tag->sigil == '&';
	node->filters = filters;
	node->filters_len = tpl->filters_len - filters;
}

/* The text of that name: where it is new, it is found now and read later.
 * Returns NONE where there is none. */
static size_t add_unit(struct ch_parser *p, const char *name,
		       struct ch_error *err)
{
	struct ch_template *tpl = p->tpl;
	const struct ch_template_partials *partials = p->options->partials;
	size_t unit = ch_template_find_unit(tpl, ch_slice_of(name));
	struct ch_template_source source;

	if (unit != NONE)
		return unit;
	if (tpl->units_len >= CH_TEMPLATE_TEXTS_MAX) {
		ch_error_set(err, CH_GIVE_UP, "more than %d texts",
			     CH_TEMPLATE_TEXTS_MAX);
		return NONE;
	}
	if (partials->find(partials->context, name, &source, err) < 0)
		return NONE;
	unit = tpl->units_len;
	CH_GROW(p->sources, unit, p->sources_cap);
	CH_GROW(tpl->units, unit, tpl->units_cap);
	tpl->units[tpl->units_len++] = (struct ch_template_unit){
		.name = ch_xstrdup(name)
	};
	p->sources[unit] = source;
	return unit;
}

/* target := name | "*" field */
void ch_parse_target(struct ch_scan *s, const struct ch_tag *tag, size_t node)
{
	struct ch_parser *p = s->parser;
	CH_AUTOCHAR name = ch_slice_dup(tag->content);
	struct ch_error err;
	size_t found;

	if (!name[0]) {
		CH_FAULT(s, "Write the name of a file of the letter, without "
			    "its ending.", "an empty tag");
		return;
	}
	if (!p->options->partials) {
		CH_FAULT(s, NULL, "{{%c %s}} may not stand here", tag->sigil,
			 name);
		return;
	}
	if (name[0] == '*') {
		found = ch_parse_name(s, ch_slice_trim(ch_slice_of(name + 1)));
		p->tpl->nodes[node].name = found;
		p->dynamic = true;
		return;
	}
	found = add_unit(p, name, &err);
	if (found == NONE && !ch_scan_is_lenient(s))
		CH_FAULT(s, NULL, "{{%c %s}}: %s", tag->sigil, name, err.text);
	p->tpl->nodes[node].unit = found;
}

static void read_partial(struct ch_scan *s, const struct ch_tag *tag,
			 const struct ch_slice *indent)
{
	size_t at = s->parser->tpl->nodes_len;
	struct ch_node *node;

	if (ch_parse_drops(s)) {
		ch_parse_refuse_dropped(s);
		return;
	}
	node = ch_parse_node(s, CH_NODE_PARTIAL);
	if (indent) {
		node->line_start = true;
		node->len = indent->len;
		node->at = ch_parse_keep(s, *indent);
	}
	ch_parse_target(s, tag, at);
}

static bool has_space(struct ch_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (ch_scan_is_space(text.data[i]))
			return true;
	}
	return false;
}

/* set := "=" open white-space close "=" */
static void set_delimiters(struct ch_scan *s, const struct ch_tag *tag)
{
	struct ch_slice left = tag->content;
	struct ch_slice right;

	for (left.len = 0; left.len < tag->content.len; left.len++) {
		if (ch_scan_is_space(tag->content.data[left.len]))
			break;
	}
	right = ch_slice_trim((struct ch_slice){
		left.data + left.len, tag->content.len - left.len });
	if (left.len == 0 || right.len == 0 || left.len > CH_DELIMITER_MAX ||
	    right.len > CH_DELIMITER_MAX || memchr(left.data, '=', left.len) ||
	    memchr(right.data, '=', right.len) ||
	    memchr(left.data, '\0', left.len) ||
	    memchr(right.data, '\0', right.len) ||
	    has_space(right)) {
		CH_FAULT(s, "Write it like {{=<% %>=}}.",
		      "these are no two delimiters");
		return;
	}
	memcpy(s->open, left.data, left.len);
	s->open[left.len] = '\0';
	memcpy(s->close, right.data, right.len);
	s->close[right.len] = '\0';
}

static void run_tag(struct ch_scan *s, const struct ch_tag *tag,
		    const struct ch_slice *indent)
{
	size_t closes;

	switch (tag->sigil) {
	case '#':
	case '^':
		ch_parse_section(s, tag);
		break;
	case '/':
		closes = ch_parse_closes(s, tag);
		if (closes != NONE)
			ch_parse_close(s, closes, true);
		break;
	case '>':
		read_partial(s, tag, indent);
		break;
	case '=':
		set_delimiters(s, tag);
		break;
	case '!':
		break;
	default:
		read_value(s, tag);
	}
}

/* Whether a tag stands alone on its line; then where that begins and ends. */
static bool stands_alone(const struct ch_scan *s, const struct ch_tag *tag,
			 size_t *ret_from, size_t *ret_to)
{
	size_t from = ch_scan_line_start(s, tag->start);
	size_t to = ch_scan_line_end(s, tag->end);

	if (tag->sigil == 0 || tag->sigil == '&' || tag->sigil == '{' ||
	    from == NONE || to == NONE)
		return false;
	*ret_from = from;
	*ret_to = to;
	return true;
}

static void read_tag(struct ch_scan *s, size_t start)
{
	struct ch_slice indent;
	struct ch_tag tag;
	size_t from;
	size_t to;

	if (!ch_scan_look(s, start, &tag)) {
		ch_parse_text(s, start);
		CH_FAULT(s, "A tag ends with the same number of braces that "
			    "it begins with.", "the tag is not closed");
		/* In the lenient mode there is no end for any other either. */
		ch_scan_skip_to(s, ch_scan_is_lenient(s)
					   ? s->len
					   : start + strlen(s->open));
		s->clear = false;
	} else if (ch_parse_inherits(s, &tag)) {
		ch_parse_inherit(s, &tag);
	} else if (stands_alone(s, &tag, &from, &to)) {
		indent = (struct ch_slice){ s->text + from, tag.start - from };
		ch_parse_text(s, from);
		ch_scan_skip_to(s, tag.start);
		run_tag(s, &tag, &indent);
		ch_scan_skip_to(s, to);
		s->clear = true;
	} else {
		ch_parse_text(s, tag.start);
		ch_parse_lead(s);
		run_tag(s, &tag, NULL);
		ch_scan_skip_to(s, tag.end);
		s->clear = false;
	}
}

/* ---- a source --------------------------------------------------------- */

/* Say what may not be in a text at all. */
static void check_characters(struct ch_scan *s)
{
	while (s->at < s->len) {
		uint32_t cp = 0;
		size_t n = ch_utf8_decode(s->text + s->at, s->len - s->at,
					  &cp);

		if (n == 0)
			CH_FAULT(s, "Save the file as UTF-8.",
			      "byte 0x%02X is not UTF-8",
			      (unsigned char)s->text[s->at]);
		else if (cp == '\r' && s->at + 1 < s->len &&
			 s->text[s->at + 1] == '\n')
			; /* ends a line */
		else if (cp != '\n' && cp != '\t' && ch_utf8_is_control(cp))
			CH_FAULT(s, "Delete it.",
				 "control character U+%04X", cp);
		else if (cp >= CH_BODY_SLOT)
			CH_FAULT(s, "Delete it.",
			      "private character U+%04X", cp);
		ch_scan_skip_to(s, s->at + (n ? n : 1));
	}
}

static size_t add_file(struct ch_template *tpl, const char *name)
{
	CH_GROW(tpl->files, tpl->files_len, tpl->files_cap);
	tpl->files[tpl->files_len] = ch_xstrdup(name);
	return tpl->files_len++;
}

static void scan_unit(struct ch_parser *parser, size_t unit)
{
	const struct ch_template_source *src = &parser->sources[unit];
	struct ch_template *tpl = parser->tpl;
	struct ch_scan s = {
		.parser = parser,
		.unit = unit,
		.text = src->text.data,
		.len = src->text.len,
		.line = src->line,
		.column = src->column,
		.file = add_file(tpl, src->file),
		.at_line = src->column == 1,
		.clear = src->column == 1,
		.open = "{{",
		.close = "}}",
	};
	struct ch_scan look = s;
	size_t next;

	tpl->units[unit].from = tpl->units[unit].to = tpl->nodes_len;
	if (src->text.len > CH_TEMPLATE_MAX - parser->bytes) {
		parser->too_much = true;
		CH_FAULT(&s, NULL, "the text is longer than %d bytes",
			 CH_TEMPLATE_MAX);
		return;
	}
	parser->bytes += src->text.len;
	if (tpl->mode == CH_TEMPLATE_STRICT)
		check_characters(&look);
	while (!parser->too_much &&
	       (next = ch_scan_find(&s, s.open, s.at, s.len)) != NONE)
		read_tag(&s, next);
	if (!parser->too_much)
		ch_parse_text(&s, s.len);
	ch_parse_close(&s, 0, false);
	tpl->units[unit].to = tpl->nodes_len;
}

/* All that a dynamic name could bring. */
static void add_listed(struct ch_parser *p)
{
	const struct ch_template_partials *partials = p->options->partials;
	struct ch_error err;
	const char *name;

	for (size_t i = 0;
	     (name = partials->list(partials->context, i)) != NULL; i++)
		add_unit(p, name, &err);
	p->dynamic = false;
}

static void scan_all(struct ch_parser *p, const struct ch_template_source *src)
{
	CH_GROW(p->sources, 0, p->sources_cap);
	CH_GROW(p->tpl->units, 0, p->tpl->units_cap);
	p->sources[0] = *src;
	p->tpl->units[0] = (struct ch_template_unit){ 0 };
	p->tpl->units_len = 1;
	for (size_t i = 0; i < p->tpl->units_len && !p->too_much; i++) {
		scan_unit(p, i);
		if (p->dynamic)
			add_listed(p);
	}
}

/* ---- afterwards ------------------------------------------------------- */

/* Each text node knows the next node that is none. */
static void link_texts(struct ch_template *tpl)
{
	for (size_t u = 0; u < tpl->units_len; u++) {
		size_t next = tpl->units[u].to;

		for (size_t i = next; i > tpl->units[u].from; i--) {
			struct ch_node *node = &tpl->nodes[i - 1];

			if (node->kind == CH_NODE_TEXT)
				node->end = next;
			else
				next = i - 1;
		}
	}
}

/* In a letter a text that includes itself is a mistake. */
static void check_loops(struct ch_parser *p, char *seen, size_t unit)
{
	const struct ch_template *tpl = p->tpl;

	seen[unit] = 'o'; /* open: being looked at */
	for (size_t i = tpl->units[unit].from; i < tpl->units[unit].to; i++) {
		const struct ch_node *node = &tpl->nodes[i];

		if ((node->kind != CH_NODE_PARTIAL &&
		     node->kind != CH_NODE_PARENT) || node->unit == NONE)
			continue;
		if (seen[node->unit] == 'o')
			ch_problems_add(p->problems, CH_PROBLEM_ERROR,
					ch_template_place(tpl, node), NULL,
					"{{%c %s}} includes itself",
					node->kind == CH_NODE_PARENT ? '<'
								     : '>',
					tpl->units[node->unit].name);
		else if (seen[node->unit] == 0)
			check_loops(p, seen, node->unit);
	}
	seen[unit] = 'd';
}

static void finish(struct ch_parser *p)
{
	struct ch_template *tpl = p->tpl;
	char *seen;

	link_texts(tpl);
	if (tpl->text.full)
		ch_problems_add(p->problems, CH_PROBLEM_ERROR,
				(struct ch_place){ tpl->files[0], 0, 0, NULL },
				NULL, "the text with its partials is too long");
	if (tpl->mode == CH_TEMPLATE_LENIENT)
		return;
	seen = ch_xcalloc(tpl->units_len, 1);
	check_loops(p, seen, 0);
	free(seen);
	if (!p->too_much)
		ch_parse_check_given(p);
}

int ch_template_parse(const struct ch_template_source *source,
		      const struct ch_template_options *options,
		      struct ch_template **ret, struct ch_problems *problems)
{
	CH_AUTOPTR(ch_template) tpl = ch_xzalloc(sizeof(*tpl));
	struct ch_parser parser = {
		.tpl = tpl,
		.problems = problems,
		.options = options,
	};
	size_t errors = problems->errors;

	tpl->mode = options->mode;
	/* Indents are kept beside the texts: hence the room. */
	ch_str_init(&tpl->text, (size_t)CH_TEMPLATE_MAX * 4);
	scan_all(&parser, source);
	finish(&parser);
	free(parser.sources);
	free(parser.open);
	if (problems->errors > errors)
		return -1;
	*ret = CH_TAKE(tpl);
	return 0;
}
