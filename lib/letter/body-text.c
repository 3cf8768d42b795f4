// SPDX-License-Identifier: GPL-3.0-or-later
/* body-text.c - compile a body for its plain text form.
 *
 * Paragraphs are flowed. Lists, quotes and code are fixed lines with their
 * indents: a flowed line cannot be indented without the indent turning into
 * spaces in the middle of a sentence where the reader's program joins it.
 */
#include <string.h>

#include <cmark.h>

#include "base/utf8.h"
#include "letter/body-private.h"
#include "letter/body-table.h"

struct compiler {
	struct ch_body *body;
	uint32_t last;     /* character before, 0: not known */
	size_t indent;     /* of the block's lines, in cells */
	bool fixed;
	bool any;          /* a block was begun */
	int lists;         /* open lists */
	int least_lists;   /* fewest open since the last block */
	bool tight[BODY_DEPTH_MAX];
	size_t indents[BODY_DEPTH_MAX * 2 + 2]; /* of the enclosing blocks */
	size_t depth;
	int numbers[BODY_DEPTH_MAX]; /* of the open lists' next items */
	int widths[BODY_DEPTH_MAX];  /* … and digits of their last */
	char marker[256]; /* of the items, until their first block */
};

static struct text_op *add_op(struct compiler *c, enum text_op_kind kind)
{
	struct ch_body *body = c->body;
	struct text_op *op;

	CH_GROW(body->text, body->text_len, body->text_cap);
	op = &body->text[body->text_len++];
	*op = (struct text_op){ .kind = (uint8_t)kind };
	return op;
}

static void add_piece(struct compiler *c, const char *bytes, size_t len,
		      uint32_t first, uint32_t last, uint8_t flags)
{
	struct text_op *op = add_op(c, TEXT_PIECE);

	op->flags = flags;
	op->offset = (uint32_t)c->body->text_bytes.len;
	op->len = (uint32_t)len;
	op->width = (uint32_t)ch_utf8_text_width(bytes, len);
	op->first = first;
	op->last = last;
	ch_str_add_mem(&c->body->text_bytes, bytes, len);
}

static void add_space(struct compiler *c)
{
	add_op(c, TEXT_SPACE);
	c->last = ' ';
}

/* A piece under construction. */
struct pending {
	struct ch_str bytes;
	uint32_t first, last;
	uint8_t flags;
};

static void flush(struct compiler *c, struct pending *pending)
{
	if (pending->bytes.len)
		add_piece(c, ch_str_cstr(&pending->bytes), pending->bytes.len,
			  pending->first, pending->last, pending->flags);
	ch_str_clear(&pending->bytes);
	pending->flags = 0;
}

static void add_character(struct compiler *c, struct pending *pending,
			  uint32_t cp)
{
	bool breaks = c->body->wide && c->last && ch_body_may_break(c->last, cp);

	if (breaks)
		flush(c, pending);
	if (pending->bytes.len == 0) {
		pending->first = cp;
		pending->flags = breaks                     ? TEXT_BREAK :
				 c->body->wide && !c->last ? TEXT_JUNCTION :
							     0;
	}
	ch_str_add_utf8(&pending->bytes, cp);
	pending->last = cp;
	c->last = cp;
}

static void add_text(struct compiler *c, const char *text)
{
	size_t len = strlen(text);
	struct pending pending = { .bytes = CH_STR_INIT(SIZE_MAX / 2) };

	for (size_t at = 0; at < len;) {
		uint32_t cp, slot;

		at += ch_body_decode(c->body, text + at, len - at, &cp, &slot);
		if (slot != UINT32_MAX) {
			flush(c, &pending);
			add_op(c, TEXT_VALUE)->slot = slot;
			c->last = 0;
		} else if (cp == ' ' || cp == '\t' || cp == '\n') {
			flush(c, &pending);
			add_space(c);
		} else {
			add_character(c, &pending, cp);
		}
	}
	flush(c, &pending);
	ch_str_release(&pending.bytes);
}

/* A byte of an address that would end the "<…>" around it is encoded. */
static void add_url(struct compiler *c, const char *url)
{
	size_t len = strlen(url);
	CH_AUTO(ch_str) run = CH_STR_INIT(SIZE_MAX / 2);

	for (size_t at = 0; at < len;) {
		uint32_t cp, slot;
		size_t n = ch_body_decode(c->body, url + at, len - at, &cp,
					  &slot);

		if (slot != UINT32_MAX) {
			struct text_op *op;

			add_piece(c, ch_str_cstr(&run), run.len, 0, 0, 0);
			ch_str_clear(&run);
			op = add_op(c, TEXT_URL_VALUE);
			op->slot = slot;
			op->url = (uint8_t)ch_body_url_slot(url, at);
		} else if (cp <= ' ' || cp == '<' || cp == '>') {
			ch_str_addf(&run, "%%%02X", cp);
		} else {
			ch_str_add_utf8(&run, cp);
		}
		at += n;
	}
	add_piece(c, ch_str_cstr(&run), run.len, 0, 0, 0);
}

/* " <address>" behind the text of a link. */
static void add_link(struct compiler *c, cmark_node *link)
{
	const char *url = cmark_node_get_url(link);
	const char *open = c->body->rtl ? "<" BODY_FSI : "<";
	const char *close = c->body->rtl ? BODY_PDI ">" : ">";
	uint32_t cp, slot = UINT32_MAX;

	if (ch_body_link_is_plain(link))
		return;
	if (*url)
		ch_body_decode(c->body, url, strlen(url), &cp, &slot);
	add_op(c, TEXT_LINK)->slot = slot;
	add_space(c);
	add_piece(c, open, strlen(open), '<', '<', 0);
	add_url(c, ch_body_url_shown(url));
	add_piece(c, close, strlen(close), '>', '>', 0);
	add_op(c, TEXT_LINK_END);
	c->last = 0;
}

static bool blank_before(const struct compiler *c)
{
	return c->any && !(c->least_lists > 0 && c->tight[c->least_lists - 1]);
}

static void begin_block(struct compiler *c)
{
	struct text_op *op = add_op(c, TEXT_BEGIN);
	size_t marker = strlen(c->marker);
	size_t offset = c->body->text_bytes.len;

	op->flags = (uint8_t)((c->fixed ? TEXT_FIXED : 0) |
			      (blank_before(c) ? TEXT_BLANK : 0));
	op->indent = (uint16_t)c->indent;
	op->offset = (uint32_t)offset;
	op->len = (uint32_t)c->indent;
	op->width = (uint32_t)c->indent;
	for (size_t i = marker; i < c->indent; i++)
		ch_str_add_char(&c->body->text_bytes, ' ');
	ch_str_add(&c->body->text_bytes, c->marker);
	c->marker[0] = '\0';
	c->last = ' ';
	c->any = true;
	c->least_lists = c->lists;
}

static void end_block(struct compiler *c)
{
	add_op(c, TEXT_END);
}

/* Underlined as people do it, but inside a list. Not in Arabic: a line of
 * hyphens alone would be shown at the left. */
static void end_heading(struct compiler *c, cmark_node *heading)
{
	int level = cmark_node_get_heading_level(heading);
	struct text_op *op = add_op(c, TEXT_END);

	if (level <= 2 && c->depth == 0 && !c->body->rtl)
		op->first = level == 1 ? '=' : '-';
}

/* Code, whose spaces and line ends stay; a tab is four spaces. */
static void add_verbatim(struct compiler *c, const char *text)
{
	size_t len = strlen(text);
	struct pending pending = { .bytes = CH_STR_INIT(SIZE_MAX / 2) };

	if (len && text[len - 1] == '\n')
		len--;
	begin_block(c);
	for (size_t at = 0; at < len;) {
		uint32_t cp, slot;

		at += ch_body_decode(c->body, text + at, len - at, &cp, &slot);
		if (slot == UINT32_MAX && cp != '\n') {
			ch_str_add(&pending.bytes, cp == '\t' ? "    " : "");
			if (cp != '\t')
				ch_str_add_utf8(&pending.bytes, cp);
			continue;
		}
		flush(c, &pending);
		if (cp == '\n')
			add_op(c, TEXT_HARD);
		else
			add_op(c, TEXT_VALUE)->slot = slot;
	}
	flush(c, &pending);
	ch_str_release(&pending.bytes);
	end_block(c);
}

/* Go in by `more` cells; what is inside keeps its line ends. */
static void push_indent(struct compiler *c, size_t more)
{
	c->indents[c->depth++] = c->indent;
	c->indent += more;
	c->fixed = true;
}

static void pop_indent(struct compiler *c)
{
	c->indent = c->indents[--c->depth];
	c->fixed = c->depth > 0;
}

static void begin_list(struct compiler *c, cmark_node *list)
{
	int last = cmark_node_get_list_start(list) - 1;

	for (cmark_node *item = cmark_node_first_child(list); item;
	     item = cmark_node_next(item))
		last++;
	c->numbers[c->lists] = cmark_node_get_list_start(list);
	c->widths[c->lists] = snprintf(NULL, 0, "%d", last);
	c->tight[c->lists++] = cmark_node_get_list_tight(list);
}

static void end_list(struct compiler *c)
{
	c->lists--;
	if (c->lists < c->least_lists)
		c->least_lists = c->lists;
}

/* "- ", or "9. " as wide as the list's last number. The outermost list goes in
 * by a cell more, so that all its lines are stuffed and stay aligned. */
static void begin_item(struct compiler *c, cmark_node *item)
{
	cmark_node *list = cmark_node_parent(item);
	size_t used = strlen(c->marker);
	char *marker = c->marker + used;
	size_t room = sizeof(c->marker) - used;
	bool paren = cmark_node_get_list_delim(list) == CMARK_PAREN_DELIM;

	if (c->depth == 0 && room > 1) {
		*marker++ = ' ';
		room--;
	}
	if (cmark_node_get_list_type(list) == CMARK_ORDERED_LIST)
		snprintf(marker, room, "%*d%c ", c->widths[c->lists - 1],
			 c->numbers[c->lists - 1]++, paren ? ')' : '.');
	else
		snprintf(marker, room, "- ");
	push_indent(c, strlen(c->marker + used));
}

/* An item without any block still has its number. */
static void end_item(struct compiler *c)
{
	if (c->marker[0]) {
		begin_block(c);
		end_block(c);
	}
	pop_indent(c);
}

static bool in_cell(cmark_node *paragraph)
{
	const char *columns;

	return ch_body_table_part(cmark_node_parent(paragraph), &columns) ==
	       BODY_TABLE_CELL;
}

/* A row is a line of its own, "  Cell | Cell". Columns cannot be aligned: how
 * wide values are is not known here. */
static void visit_table(struct compiler *c, cmark_node *node, bool enter)
{
	const char *columns;
	enum ch_body_table_part part = ch_body_table_part(node, &columns);

	if (part == BODY_TABLE_CELL && !enter && cmark_node_next(node)) {
		add_space(c);
		add_piece(c, "|", 1, '|', '|', 0);
		add_space(c);
	}
	if (part != BODY_TABLE_HEAD && part != BODY_TABLE_ROW)
		return;
	if (!enter) {
		end_block(c);
		pop_indent(c);
		return;
	}
	push_indent(c, 2);
	begin_block(c);
	if (part == BODY_TABLE_ROW)
		c->body->text[c->body->text_len - 1].flags &=
			(uint8_t)~TEXT_BLANK;
}

static void visit(struct compiler *c, cmark_node *node, bool enter)
{
	switch (cmark_node_get_type(node)) {
	case CMARK_NODE_CUSTOM_BLOCK:
		visit_table(c, node, enter);
		break;
	case CMARK_NODE_PARAGRAPH:
		if (in_cell(node))
			break;
		/* fall through */
	case CMARK_NODE_HEADING:
		if (enter)
			begin_block(c);
		else if (cmark_node_get_type(node) == CMARK_NODE_HEADING)
			end_heading(c, node);
		else
			end_block(c);
		break;
	case CMARK_NODE_LIST:
		if (enter)
			begin_list(c, node);
		else
			end_list(c);
		break;
	case CMARK_NODE_ITEM:
		if (enter)
			begin_item(c, node);
		else
			end_item(c);
		break;
	case CMARK_NODE_BLOCK_QUOTE:
		if (enter)
			push_indent(c, 4);
		else
			pop_indent(c);
		break;
	case CMARK_NODE_CODE_BLOCK:
		push_indent(c, 4);
		add_verbatim(c, cmark_node_get_literal(node));
		pop_indent(c);
		break;
	case CMARK_NODE_THEMATIC_BREAK:
		add_verbatim(c, BODY_RULE);
		break;
	case CMARK_NODE_TEXT:
	case CMARK_NODE_CODE:
		add_text(c, cmark_node_get_literal(node));
		break;
	case CMARK_NODE_SOFTBREAK:
		if (ch_body_soft_space(c->body, node))
			add_space(c);
		break;
	case CMARK_NODE_LINEBREAK:
		add_op(c, TEXT_HARD);
		c->last = ' ';
		break;
	case CMARK_NODE_LINK:
		if (!enter)
			add_link(c, node);
		break;
	default: /* emphasis leaves no marks, an image its text */
		break;
	}
}

void ch_body_compile_text(struct ch_body *body, cmark_node *document)
{
	struct compiler c = { .body = body };
	cmark_iter *iter = cmark_iter_new(document);
	cmark_event_type event;

	while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE)
		visit(&c, cmark_iter_get_node(iter),
		      event == CMARK_EVENT_ENTER);
	cmark_iter_free(iter);
}
