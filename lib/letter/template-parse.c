// SPDX-License-Identifier: GPL-3.0-or-later
/* template-parse.c - from Mustache text to operations.
 *
 * By hand and not by a grammar tool: what matters here are the messages. A tag
 * that is not closed is found at the next opening instead of swallowing the
 * letter, and reading goes on behind every fault, so that one look shows all.
 * Partials are read in place, once, while parsing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "letter/body.h"
#include "letter/template-private.h"

#define NONE ((size_t)-1)
#define DELIMITER_MAX 16

/* A section that is open while parsing. */
struct open_section {
	size_t op;
};

struct parser {
	struct ch_template *tpl;
	struct ch_problems *problems;
	ch_template_partial *partial;
	void *context;
	struct open_section *open; /* owned */
	size_t open_len;
	size_t open_cap;
	size_t bytes;  /* of all sources together */
	bool too_much; /* said once; what is open stays open */
};

/* One source being read: the letter, or a partial inside it. */
struct scan {
	struct parser *parser;
	const struct scan *outer; /* NULL: the letter itself */
	const char *name;         /* of the partial */
	const char *text;
	size_t len;
	size_t at;
	unsigned int line;
	unsigned int column;
	size_t file;
	bool at_line; /* the source begins at the start of a line */
	char open[DELIMITER_MAX + 1];
	char close[DELIMITER_MAX + 1];
	struct ch_slice indent; /* before each line of a partial */
	size_t open_base;       /* sections open around the partial */
	unsigned int depth;
};

struct tag {
	char sigil; /* # ^ / ! > & { = or 0 */
	struct ch_slice content; /* without white space around it */
	size_t start;
	size_t end; /* behind the closing delimiter */
};

static const char *file_name(const struct scan *s)
{
	return s->parser->tpl->files[s->file];
}

static struct ch_place here(const struct scan *s)
{
	return (struct ch_place){ file_name(s), s->line, s->column, NULL };
}

static struct ch_place place_of_op(const struct ch_template *tpl,
				   const struct ch_template_op *op)
{
	return (struct ch_place){ tpl->files[op->file], op->line, op->column,
				  NULL };
}

#define FAULT(s, hint, ...)                                            \
	ch_problems_add((s)->parser->problems, CH_PROBLEM_ERROR, here(s), \
			hint, __VA_ARGS__)

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct ch_slice trim(struct ch_slice text)
{
	while (text.len > 0 && (is_blank(text.data[0]) ||
				strchr("\r\n", text.data[0]))) {
		text.data++;
		text.len--;
	}
	while (text.len > 0 && (is_blank(text.data[text.len - 1]) ||
				strchr("\r\n", text.data[text.len - 1])))
		text.len--;
	return text;
}

/* Go forward to `to`, keeping count of line and column. */
static void skip_to(struct scan *s, size_t to)
{
	for (; s->at < to; s->at++) {
		char c = s->text[s->at];

		if (c == '\n') {
			s->line++;
			s->column = 1;
		} else if (((unsigned char)c & 0xC0) != 0x80) {
			s->column++;
		}
	}
}

static size_t find(const struct scan *s, const char *what, size_t from,
		   size_t to)
{
	const char *p = memmem(s->text + from, to - from, what, strlen(what));

	return p ? (size_t)(p - s->text) : NONE;
}

/* ---- operations ------------------------------------------------------- */

static struct ch_template_op *add_op(struct scan *s, enum ch_template_kind kind)
{
	struct ch_template *tpl = s->parser->tpl;
	struct ch_template_op *op;

	CH_GROW(tpl->ops, tpl->ops_len, tpl->ops_cap);
	op = &tpl->ops[tpl->ops_len++];
	*op = (struct ch_template_op){
		.kind = kind,
		.file = s->file,
		.line = s->line,
		.column = s->column,
	};
	return op;
}

static bool at_line_start(const struct scan *s)
{
	return s->at == 0 ? s->at_line : s->text[s->at - 1] == '\n';
}

/* One operation for what stands on one line, with the partial's indent. */
static void add_line(struct scan *s, size_t to)
{
	struct ch_template *tpl = s->parser->tpl;
	struct ch_template_op *op = add_op(s, CH_OP_TEXT);
	size_t end = to;
	bool crlf = to - s->at >= 2 && s->text[to - 1] == '\n' &&
		    s->text[to - 2] == '\r';

	op->at = tpl->text.len;
	if (at_line_start(s))
		ch_str_add_mem(&tpl->text, s->indent.data, s->indent.len);
	if (crlf)
		end -= 2;
	ch_str_add_mem(&tpl->text, s->text + s->at, end - s->at);
	if (crlf)
		ch_str_add_char(&tpl->text, '\n');
	op->len = tpl->text.len - op->at;
	skip_to(s, to);
}

/* The text up to `to`, line by line: so every operation has its line. */
static void add_text(struct scan *s, size_t to)
{
	while (s->at < to) {
		size_t newline = find(s, "\n", s->at, to);

		add_line(s, newline == NONE ? to : newline + 1);
	}
}

/* Before a tag that prints: the indent, where it begins a partial's line. */
static void add_indent(struct scan *s)
{
	if (s->indent.len > 0 && at_line_start(s))
		add_line(s, s->at);
}

static size_t add_name(struct ch_template *tpl, struct ch_slice name)
{
	for (size_t i = 0; i < tpl->names_len; i++) {
		if (ch_slice_eq(name, tpl->names[i].text))
			return i;
	}
	CH_GROW(tpl->names, tpl->names_len, tpl->names_cap);
	tpl->names[tpl->names_len] = (struct ch_template_name){
		.text = ch_slice_dup(name),
	};
	return tpl->names_len++;
}

/* ---- names ------------------------------------------------------------ */

int ch_template_name_ok(struct ch_slice name, struct ch_error *err)
{
	size_t characters = 0;

	if (name.len == 0)
		return ch_error_set(err, CH_GIVE_UP, "a field without a name");
	if (strchr("#^/!>&=<$. \t", name.data[0]) ||
	    is_blank(name.data[name.len - 1]))
		return ch_error_set(err, CH_GIVE_UP,
				    "a name may not begin with \"%c\" nor end "
				    "with white space", name.data[0]);
	for (size_t at = 0; at < name.len; characters++) {
		uint32_t cp;
		size_t n = ch_utf8_decode(name.data + at, name.len - at, &cp);

		if (n == 0 || ch_utf8_is_control(cp) ||
		    ch_utf8_is_bidi_control(cp))
			return ch_error_set(err, CH_GIVE_UP,
					    "a control character in a name");
		if (cp == '{' || cp == '}' || cp == '|')
			return ch_error_set(err, CH_GIVE_UP,
					    "\"%c\" in a name", (char)cp);
		at += n;
	}
	if (characters > CH_TEMPLATE_NAME_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "a name of more than %d characters",
				    CH_TEMPLATE_NAME_MAX);
	return 0;
}

/* Read a name; NONE, with a problem, where it may not be one. */
static size_t read_name(struct scan *s, struct ch_slice text)
{
	struct ch_error err;
	size_t id;

	if (text.len == 0) {
		FAULT(s, "Write the field's name between the braces.",
		      "an empty tag");
		return NONE;
	}
	if (ch_template_name_ok(text, &err) < 0) {
		FAULT(s, NULL, "%s", err.text);
		return NONE;
	}
	id = add_name(s->parser->tpl, text);
	if (id < CH_TEMPLATE_NAMES_MAX)
		return id;
	s->parser->too_much = true;
	FAULT(s, NULL, "more than %d different fields", CH_TEMPLATE_NAMES_MAX);
	return NONE;
}

/* {{.}} is the field of the section around it. */
static size_t read_dot(struct scan *s)
{
	const struct parser *p = s->parser;

	for (size_t i = p->open_len; i > 0; i--) {
		const struct ch_template_op *op =
			&p->tpl->ops[p->open[i - 1].op];

		if (op->kind == CH_OP_SECTION)
			return op->name;
	}
	FAULT(s, "It stands for the field of the section around it.",
	      "{{.}} outside a section");
	return NONE;
}

/* Whether a section on `name` stands around. */
static bool is_guarded(const struct parser *p, size_t name)
{
	for (size_t i = 0; i < p->open_len; i++) {
		const struct ch_template_op *op = &p->tpl->ops[p->open[i].op];

		if (op->kind == CH_OP_SECTION && op->name == name)
			return true;
	}
	return false;
}

/* ---- the tags --------------------------------------------------------- */

static int read_filter(struct scan *s, struct ch_slice text,
		       enum ch_template_filter *ret)
{
	if (ch_slice_eq(text, "date")) {
		*ret = CH_FILTER_DATE;
		return 0;
	}
	FAULT(s, "There is one: {{deadline | date}}.",
	      "no filter is called \"%.*s\"", (int)text.len, text.data);
	return -1;
}

/* value := name [ "|" filter ] */
static void read_value(struct scan *s, const struct tag *tag)
{
	const char *bar = memchr(tag->content.data, '|', tag->content.len);
	struct ch_slice name = tag->content;
	enum ch_template_filter filter = CH_FILTER_NONE;
	struct ch_template_op *op;
	size_t id;

	if (bar) {
		size_t left = (size_t)(bar - name.data);
		struct ch_slice right = { bar + 1, name.len - left - 1 };

		name = trim((struct ch_slice){ name.data, left });
		if (read_filter(s, trim(right), &filter) < 0)
			return;
	}
	id = ch_slice_eq(name, ".") ? read_dot(s) : read_name(s, name);
	if (id == NONE)
		return;
	if (s->parser->tpl->slots == CH_BODY_SLOTS_MAX) {
		s->parser->too_much = true;
		FAULT(s, NULL, "more than %d fields in one text",
		      CH_BODY_SLOTS_MAX);
		return;
	}
	add_indent(s);
	op = add_op(s, CH_OP_VALUE);
	op->name = id;
	op->filter = filter;
	op->slot = s->parser->tpl->slots++;
	op->guarded = is_guarded(s->parser, id);
}

static void open_section(struct scan *s, const struct tag *tag)
{
	struct parser *p = s->parser;
	size_t id = read_name(s, tag->content);
	struct ch_template_op *op;

	/* A section with a bad name is still one to close. */
	op = add_op(s, tag->sigil == '#' ? CH_OP_SECTION : CH_OP_INVERTED);
	op->name = id;
	if (id != NONE)
		p->tpl->names[id].section = true;
	CH_GROW(p->open, p->open_len, p->open_cap);
	p->open[p->open_len++] = (struct open_section){ p->tpl->ops_len - 1 };
}

static const char *open_name(const struct parser *p, size_t i)
{
	size_t name = p->tpl->ops[p->open[i].op].name;

	return name == NONE ? "" : p->tpl->names[name].text;
}

/* Close the sections from the innermost to the `keep`th; all but the last one
 * closed were left open. */
static void close_down_to(struct scan *s, size_t keep, bool last_is_closed)
{
	struct parser *p = s->parser;

	while (p->open_len > keep) {
		size_t i = --p->open_len;
		struct ch_template_op *op = &p->tpl->ops[p->open[i].op];

		op->end = p->tpl->ops_len;
		if (i > keep || !last_is_closed)
			ch_problems_add(p->problems, CH_PROBLEM_ERROR,
					place_of_op(p->tpl, op),
					"Every section needs its {{/name}}.",
					"the section \"%s\" is not closed",
					open_name(p, i));
	}
}

/* Whether {{/name}} is for that section; one whose own name could not be read
 * takes any. */
static bool closes(const struct parser *p, size_t i, struct ch_slice name)
{
	return p->tpl->ops[p->open[i].op].name == NONE ||
	       ch_slice_eq(name, open_name(p, i));
}

static void close_section(struct scan *s, const struct tag *tag)
{
	struct parser *p = s->parser;
	size_t i = p->open_len;

	while (i > s->open_base && !closes(p, i - 1, tag->content))
		i--;
	if (i > s->open_base) {
		close_down_to(s, i - 1, true);
		return;
	}
	if (p->open_len == s->open_base) {
		FAULT(s, NULL, "{{/%.*s}} closes no section",
		      (int)tag->content.len, tag->content.data);
		return;
	}
	FAULT(s, NULL, "{{/%.*s}} where the section \"%s\" of line %u is open",
	      (int)tag->content.len, tag->content.data,
	      open_name(p, p->open_len - 1),
	      p->tpl->ops[p->open[p->open_len - 1].op].line);
	/* Most likely the name is misspelt: take it for the innermost one. */
	close_down_to(s, p->open_len - 1, true);
}

/* set := "=" open white-space close "=" */
static void set_delimiters(struct scan *s, const struct tag *tag)
{
	struct ch_slice left = tag->content;
	struct ch_slice right;

	for (left.len = 0; left.len < tag->content.len; left.len++) {
		if (is_blank(tag->content.data[left.len]))
			break;
	}
	right = trim((struct ch_slice){ left.data + left.len,
					tag->content.len - left.len });
	if (left.len == 0 || right.len == 0 || left.len > DELIMITER_MAX ||
	    right.len > DELIMITER_MAX || memchr(left.data, '=', left.len) ||
	    memchr(right.data, '=', right.len) ||
	    memchr(right.data, ' ', right.len)) {
		FAULT(s, "Write it like {{=<% %>=}}.",
		      "these are no two delimiters");
		return;
	}
	memcpy(s->open, left.data, left.len);
	s->open[left.len] = '\0';
	memcpy(s->close, right.data, right.len);
	s->close[right.len] = '\0';
}

static void scan_source(struct parser *parser, const struct scan *outer,
			const char *name, const struct ch_template_source *src,
			struct ch_slice indent);

static bool is_loop(const struct scan *s, const char *name)
{
	for (; s; s = s->outer) {
		if (s->name && strcmp(s->name, name) == 0)
			return true;
	}
	return false;
}

static void read_partial(struct scan *s, const struct tag *tag,
			 struct ch_slice indent)
{
	struct parser *p = s->parser;
	CH_AUTOCHAR name = ch_slice_dup(tag->content);
	struct ch_template_source src;
	struct ch_error err;

	if (!p->partial) {
		FAULT(s, NULL, "{{> %s}} may not stand here", name);
		return;
	}
	if (is_loop(s, name)) {
		FAULT(s, NULL, "{{> %s}} includes itself", name);
		return;
	}
	if (s->depth >= CH_TEMPLATE_PARTIALS_MAX) {
		FAULT(s, NULL, "more than %d partials inside one another",
		      CH_TEMPLATE_PARTIALS_MAX);
		return;
	}
	if (p->partial(p->context, name, &src, &err) < 0) {
		FAULT(s, NULL, "{{> %s}}: %s", name, err.text);
		return;
	}
	scan_source(p, s, name, &src, indent);
}

static void run_tag(struct scan *s, const struct tag *tag,
		    struct ch_slice indent)
{
	switch (tag->sigil) {
	case '#':
	case '^':
		open_section(s, tag);
		break;
	case '/':
		close_section(s, tag);
		break;
	case '>':
		read_partial(s, tag, indent);
		break;
	case '=':
		set_delimiters(s, tag);
		break;
	case '!':
		break;
	case '<':
	case '$':
		FAULT(s, NULL, "tags that begin with \"%c\" are not known",
		      tag->sigil);
		break;
	default:
		read_value(s, tag);
	}
}

/* Look at the tag that opens at `start`, without going there. Returns false
 * where it is not closed before the next one opens. */
static bool look_at_tag(const struct scan *s, size_t start, struct tag *ret)
{
	size_t from = start + strlen(s->open);
	char close[DELIMITER_MAX + 2];
	size_t end;
	size_t next;

	*ret = (struct tag){ .start = start };
	if (from < s->len && strchr("#^/!>&{=<$", s->text[from]))
		ret->sigil = s->text[from++];
	snprintf(close, sizeof(close), "%s%s",
		 ret->sigil == '{' ? "}" : ret->sigil == '=' ? "=" : "",
		 s->close);
	end = find(s, close, from, s->len);
	next = find(s, s->open, from, s->len);
	/* "{{{" inside is the same opening found one byte on. */
	if (end == NONE || (next != NONE && next < end &&
			    strcmp(s->open, s->close) != 0))
		return false;
	ret->content = trim((struct ch_slice){ s->text + from, end - from });
	ret->end = end + strlen(close);
	return true;
}

/* Where the line of a tag that stands alone on it begins and where it ends,
 * line end included; false where the tag does not stand alone. */
static bool stands_alone(const struct scan *s, const struct tag *tag,
			 size_t *ret_from, size_t *ret_to)
{
	size_t from = tag->start;
	size_t to = tag->end;

	if (tag->sigil == 0 || tag->sigil == '&' || tag->sigil == '{')
		return false;
	while (from > 0 && is_blank(s->text[from - 1]))
		from--;
	if (from == 0 ? !s->at_line : s->text[from - 1] != '\n')
		return false;
	while (to < s->len && is_blank(s->text[to]))
		to++;
	if (to + 1 < s->len && s->text[to] == '\r' && s->text[to + 1] == '\n')
		to++;
	if (to < s->len && s->text[to] != '\n')
		return false;
	*ret_from = from;
	*ret_to = to < s->len ? to + 1 : to;
	return true;
}

static void read_tag(struct scan *s, size_t start)
{
	struct ch_slice indent = CH_SLICE_EMPTY;
	struct tag tag;
	size_t from;
	size_t to;

	if (!look_at_tag(s, start, &tag)) {
		add_text(s, start);
		FAULT(s, "A tag ends with the same number of braces that it "
			 "begins with.", "the tag is not closed");
		skip_to(s, start + strlen(s->open));
		return;
	}
	if (!stands_alone(s, &tag, &from, &to)) {
		from = tag.start;
		to = tag.end;
	} else {
		indent = (struct ch_slice){ s->text + from, tag.start - from };
	}
	add_text(s, from);
	skip_to(s, tag.start);
	run_tag(s, &tag, indent);
	skip_to(s, to);
}

/* ---- a source --------------------------------------------------------- */

/* Say what may not be in a text at all. */
static void check_characters(struct scan *s)
{
	while (s->at < s->len) {
		uint32_t cp = 0;
		size_t n = ch_utf8_decode(s->text + s->at, s->len - s->at,
					  &cp);

		if (n == 0)
			FAULT(s, "Save the file as UTF-8.",
			      "byte 0x%02X is not UTF-8",
			      (unsigned char)s->text[s->at]);
		else if (cp == '\r' && s->at + 1 < s->len &&
			 s->text[s->at + 1] == '\n')
			; /* ends a line */
		else if (cp != '\n' && cp != '\t' && ch_utf8_is_control(cp))
			FAULT(s, "Delete it.", "control character U+%04X", cp);
		else if (cp >= CH_BODY_SLOT)
			FAULT(s, "Delete it.",
			      "private character U+%04X", cp);
		skip_to(s, s->at + (n ? n : 1));
	}
}

static size_t add_file(struct ch_template *tpl, const char *name)
{
	CH_GROW(tpl->files, tpl->files_len, tpl->files_cap);
	tpl->files[tpl->files_len] = ch_xstrdup(name);
	return tpl->files_len++;
}

static void scan_source(struct parser *parser, const struct scan *outer,
			const char *name, const struct ch_template_source *src,
			struct ch_slice indent)
{
	CH_AUTOCHAR both = NULL;
	struct scan s = {
		.parser = parser,
		.outer = outer,
		.name = name,
		.text = src->text.data,
		.len = src->text.len,
		.line = src->line,
		.column = src->column,
		.file = add_file(parser->tpl, src->file),
		.at_line = src->column == 1,
		.open = "{{",
		.close = "}}",
		.open_base = parser->open_len,
		.depth = outer ? outer->depth + 1 : 0,
	};
	struct scan look = s;
	size_t next;

	if (src->text.len > CH_TEMPLATE_MAX - parser->bytes) {
		parser->too_much = true;
		FAULT(&s, NULL, "the text is longer than %d bytes",
		      CH_TEMPLATE_MAX);
		return;
	}
	parser->bytes += src->text.len;
	if (outer) {
		both = ch_xasprintf("%.*s%.*s", (int)outer->indent.len,
				    outer->indent.data ? outer->indent.data
						       : "",
				    (int)indent.len, indent.data);
		s.indent = ch_slice_of(both);
	}
	check_characters(&look);
	while ((next = find(&s, s.open, s.at, s.len)) != NONE) {
		read_tag(&s, next);
		if (parser->too_much)
			return;
	}
	add_text(&s, s.len);
	close_down_to(&s, s.open_base, false);
}

int ch_template_parse(const struct ch_template_source *source,
		      ch_template_partial *partial, void *context,
		      struct ch_template **ret, struct ch_problems *problems)
{
	CH_AUTOPTR(ch_template) tpl = ch_xzalloc(sizeof(*tpl));
	struct parser parser = {
		.tpl = tpl,
		.problems = problems,
		.partial = partial,
		.context = context,
	};
	size_t errors = problems->errors;

	/* Each line of a partial may get an indent: hence the room. */
	ch_str_init(&tpl->text, (size_t)CH_TEMPLATE_MAX * 4);
	scan_source(&parser, NULL, NULL, source, CH_SLICE_EMPTY);
	free(parser.open);
	if (tpl->text.full)
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				(struct ch_place){ source->file, 0, 0, NULL },
				NULL, "the text with its partials is too long");
	if (problems->errors > errors)
		return -1;
	*ret = CH_TAKE(tpl);
	return 0;
}

void ch_template_free(struct ch_template *tpl)
{
	for (size_t i = 0; i < tpl->names_len; i++)
		free(tpl->names[i].text);
	for (size_t i = 0; i < tpl->files_len; i++)
		free(tpl->files[i]);
	free(tpl->names);
	free(tpl->files);
	free(tpl->ops);
	ch_str_release(&tpl->text);
	free(tpl);
}
