// SPDX-License-Identifier: GPL-3.0-or-later
/* body-html.c - a body as HTML that any mail program shows.
 *
 * One table cell of at most 640 pixels, styles on the elements, nothing loaded
 * from elsewhere. No colours are set at all: the reader's own, light or dark,
 * are the only pair that is surely legible.
 */
#include <string.h>

#include <cmark.h>

#include "base/escape.h"
#include "base/utf8.h"
#include "letter/body-private.h"
#include "letter/body-table.h"

#define MARGIN "margin:0 0 1em 0"

static struct html_op *add_op(struct ch_body *body, enum html_op_kind kind)
{
	struct html_op *op;

	CH_GROW(body->html, body->html_len, body->html_cap);
	op = &body->html[body->html_len++];
	*op = (struct html_op){ .kind = (uint8_t)kind };
	return op;
}

/* Static bytes; joined with those before them, which are never of another
 * kind in between. */
static void add_bytes_kind(struct ch_body *body, enum html_op_kind kind,
			   const char *bytes, size_t len)
{
	struct html_op *last =
		body->html_len ? &body->html[body->html_len - 1] : NULL;
	size_t offset = body->html_bytes.len;

	ch_str_add_mem(&body->html_bytes, bytes, len);
	if (!last || last->kind != kind) {
		last = add_op(body, kind);
		last->offset = (uint32_t)offset;
	}
	last->len += (uint32_t)len;
}

static void add_html(struct ch_body *body, const char *html)
{
	add_bytes_kind(body, HTML_BYTES, html, strlen(html));
}

static void add_slot(struct ch_body *body, enum html_op_kind kind,
		     uint32_t slot)
{
	add_op(body, kind)->slot = slot;
}

/* Text between tags, with its slots. */
static void add_text(struct ch_body *body, const char *text)
{
	size_t len = strlen(text);
	size_t from = 0;

	for (size_t at = 0; at <= len;) {
		uint32_t cp = 0;
		uint32_t slot = 0;
		size_t n = 1;

		if (at < len)
			n = ch_body_decode(body, text + at, len - at, &cp,
					   &slot);
		if (at == len || slot != UINT32_MAX || cp == 0xFFFD) {
			CH_AUTO(ch_str) escaped = CH_STR_INIT(SIZE_MAX / 2);

			ch_escape_html(&escaped, text + from, at - from);
			if (at < len && slot == UINT32_MAX)
				ch_str_add_utf8(&escaped, 0xFFFD);
			add_bytes_kind(body, HTML_BYTES,
				       ch_str_cstr(&escaped), escaped.len);
			if (at < len && slot != UINT32_MAX)
				add_slot(body, HTML_VALUE, slot);
			from = at + n;
		}
		at += n;
	}
}

/* A byte of an address in an attribute: percent-encoded or escaped. */
static void escape_url_byte(struct ch_str *out, unsigned char c)
{
	if (c == '&')
		ch_str_add(out, "&amp;");
	else if (c > 0x20 && c < 0x7F && !strchr("\"'<>\\^`{|}", c))
		ch_str_add_char(out, (char)c);
	else
		ch_str_addf(out, "%%%02X", c);
}

static void add_url(struct ch_body *body, const char *url,
		    enum html_op_kind bytes_kind)
{
	size_t len = strlen(url);

	for (size_t at = 0; at < len;) {
		uint32_t cp, slot;
		size_t n = ch_body_decode(body, url + at, len - at, &cp, &slot);

		if (slot != UINT32_MAX) {
			struct html_op *op = add_op(body, HTML_URL_VALUE);

			op->slot = slot;
			op->url = (uint8_t)ch_body_url_slot(url, at);
		} else {
			CH_AUTO(ch_str) escaped = CH_STR_INIT(100);

			for (size_t i = 0; i < n; i++)
				escape_url_byte(&escaped,
						(unsigned char)url[at + i]);
			add_bytes_kind(body, bytes_kind, ch_str_cstr(&escaped),
				       escaped.len);
		}
		at += n;
	}
}

static void add_link_begin(struct ch_body *body, cmark_node *link)
{
	const char *url = cmark_node_get_url(link);
	enum html_op_kind kind = HTML_BYTES;
	/* An address reads from left to right wherever it stands. */
	const char *close = body->rtl && ch_body_link_is_plain(link) ?
		"\" dir=\"ltr\" style=\"color:inherit\">" :
		"\" style=\"color:inherit\">";
	uint32_t cp, slot = UINT32_MAX;

	if (*url)
		ch_body_decode(body, url, strlen(url), &cp, &slot);
	if (slot != UINT32_MAX) {
		add_slot(body, HTML_LINK, slot);
		kind = HTML_LINK_BYTES;
	}
	add_bytes_kind(body, kind, "<a href=\"", 9);
	add_url(body, url, kind);
	add_bytes_kind(body, kind, close, strlen(close));
}

static void add_link_end(struct ch_body *body, cmark_node *link)
{
	const char *url = cmark_node_get_url(link);
	uint32_t cp, slot = UINT32_MAX;

	if (*url)
		ch_body_decode(body, url, strlen(url), &cp, &slot);
	if (slot == UINT32_MAX) {
		add_html(body, "</a>");
		return;
	}
	add_bytes_kind(body, HTML_LINK_BYTES, "</a>", 4);
	add_op(body, HTML_LINK_END);
}

static bool in_tight_list(cmark_node *paragraph)
{
	cmark_node *item = cmark_node_parent(paragraph);

	return cmark_node_get_type(item) == CMARK_NODE_ITEM &&
	       cmark_node_get_list_tight(cmark_node_parent(item));
}

static void add_list_begin(struct ch_body *body, cmark_node *list)
{
	bool ordered = cmark_node_get_list_type(list) == CMARK_ORDERED_LIST;
	bool inner = cmark_node_get_type(cmark_node_parent(list)) ==
		     CMARK_NODE_ITEM;
	int start = cmark_node_get_list_start(list);
	CH_AUTO(ch_str) tag = CH_STR_INIT(400);

	ch_str_add(&tag, ordered ? "<ol" : "<ul");
	if (ordered && start != 1)
		ch_str_addf(&tag, " start=\"%d\"", start);
	ch_str_addf(&tag, " style=\"%s;padding:%s\">\n",
		    inner ? "margin:0" : MARGIN,
		    body->rtl ? "0 2em 0 0" : "0 0 0 2em");
	add_html(body, ch_str_cstr(&tag));
}

static void add_heading(struct ch_body *body, cmark_node *node, bool enter)
{
	int level = cmark_node_get_heading_level(node);
	CH_AUTO(ch_str) tag = CH_STR_INIT(200);

	if (enter)
		ch_str_addf(&tag,
			    "<h%d style=\"font-size:%s;line-height:1.3;"
			    "margin:0 0 0.8em 0\">",
			    level,
			    level == 1 ? "1.3em" :
			    level == 2 ? "1.15em" :
					 "1em");
	else
		ch_str_addf(&tag, "</h%d>\n", level);
	add_html(body, ch_str_cstr(&tag));
}

static void add_code_block(struct ch_body *body, cmark_node *node)
{
	add_html(body, "<pre style=\"" MARGIN ";white-space:pre-wrap\">");
	add_text(body, cmark_node_get_literal(node));
	add_html(body, "</pre>\n");
}

static bool in_cell(cmark_node *paragraph)
{
	const char *columns;

	return ch_body_table_part(cmark_node_parent(paragraph), &columns) ==
	       BODY_TABLE_CELL;
}

/* How the texts of a cell's column are aligned. "Right" is for numbers, whose
 * units stand right in Arabic too. */
static const char *alignment(cmark_node *cell)
{
	const char *columns;

	ch_body_table_part(cmark_node_parent(cmark_node_parent(cell)),
			   &columns);
	while ((cell = cmark_node_previous(cell)) != NULL)
		columns++;
	return *columns == 'c' ? ";text-align:center"
	       : *columns == 'r' ? ";text-align:right"
				 : ";text-align:start";
}

static void add_cell(struct ch_body *body, cmark_node *cell, bool enter)
{
	const char *columns;
	bool head = ch_body_table_part(cmark_node_parent(cell), &columns) ==
		    BODY_TABLE_HEAD;

	if (!enter) {
		add_html(body, head ? "</th>\n" : "</td>\n");
		return;
	}
	add_html(body, head ? "<th" : "<td");
	add_html(body, body->rtl ? " style=\"padding:0.3em 0 0.3em 0.8em;"
				 : " style=\"padding:0.3em 0.8em 0.3em 0;");
	add_html(body, "vertical-align:top;border-bottom:1px solid");
	add_html(body, alignment(cell));
	add_html(body, "\">");
}

static void add_table_part(struct ch_body *body, cmark_node *node, bool enter)
{
	const char *columns;

	switch (ch_body_table_part(node, &columns)) {
	case BODY_TABLE:
		add_html(body, enter ? "<table style=\"" MARGIN
				       ";border-collapse:collapse\">\n" :
				       "</table>\n");
		break;
	case BODY_TABLE_HEAD:
	case BODY_TABLE_ROW:
		add_html(body, enter ? "<tr>\n" : "</tr>\n");
		break;
	case BODY_TABLE_CELL:
		add_cell(body, node, enter);
		break;
	case BODY_TABLE_NONE:
		break;
	}
}

static void visit_block(struct ch_body *body, cmark_node *node, bool enter)
{
	switch (cmark_node_get_type(node)) {
	case CMARK_NODE_CUSTOM_BLOCK:
		add_table_part(body, node, enter);
		break;
	case CMARK_NODE_PARAGRAPH:
		if (in_cell(node))
			break;
		if (!in_tight_list(node))
			add_html(body, enter ? "<p style=\"" MARGIN "\">" :
					       "</p>\n");
		else if (!enter && cmark_node_next(node))
			add_html(body, "\n");
		break;
	case CMARK_NODE_HEADING:
		add_heading(body, node, enter);
		break;
	case CMARK_NODE_LIST:
		if (enter)
			add_list_begin(body, node);
		else
			add_html(body, cmark_node_get_list_type(node) ==
						       CMARK_ORDERED_LIST ?
					       "</ol>\n" :
					       "</ul>\n");
		break;
	case CMARK_NODE_ITEM:
		add_html(body, enter ? "<li style=\"margin:0 0 0.4em 0\">" :
				       "</li>\n");
		break;
	case CMARK_NODE_BLOCK_QUOTE:
		add_html(body, enter ? "<blockquote style=\"margin:0 2em 1em "
				       "2em\">\n" :
				       "</blockquote>\n");
		break;
	case CMARK_NODE_CODE_BLOCK:
		add_code_block(body, node);
		break;
	case CMARK_NODE_THEMATIC_BREAK:
		add_html(body, "<hr style=\"border:0;border-top:1px solid;"
			       "margin:0 0 1em 0\">\n");
		break;
	default: /* HTML is dropped */
		break;
	}
}

static void visit_inline(struct ch_body *body, cmark_node *node, bool enter)
{
	switch (cmark_node_get_type(node)) {
	case CMARK_NODE_TEXT:
		add_text(body, cmark_node_get_literal(node));
		break;
	case CMARK_NODE_CODE:
		add_html(body, "<code>");
		add_text(body, cmark_node_get_literal(node));
		add_html(body, "</code>");
		break;
	case CMARK_NODE_SOFTBREAK:
		if (ch_body_soft_space(body, node))
			add_html(body, "\n");
		break;
	case CMARK_NODE_LINEBREAK:
		add_html(body, "<br>\n");
		break;
	case CMARK_NODE_STRONG:
		add_html(body, enter ? "<strong>" : "</strong>");
		break;
	case CMARK_NODE_EMPH:
		if (!enter)
			add_html(body, "</em>");
		else
			add_html(body, body->slant ?
					       "<em>" :
					       "<em style=\"font-style:normal;"
					       "font-weight:bold\">");
		break;
	case CMARK_NODE_LINK:
		if (enter)
			add_link_begin(body, node);
		else
			add_link_end(body, node);
		break;
	default: /* an image leaves its text, HTML nothing */
		break;
	}
}

static const char *fonts(const struct ch_body *body)
{
	if (body->rtl)
		return "18px/1.7 'Noto Naskh Arabic','Traditional Arabic',"
		       "'Times New Roman',serif";
	if (body->wide)
		return "16px/1.7 'Noto Serif CJK SC','Songti SC',SimSun,serif";
	return "16px/1.5 Georgia,'Times New Roman',serif";
}

/* The parts of a whole document that no value changes. */
static void compile_head(struct ch_body *body)
{
	const char *dir = body->rtl ? "rtl" : "ltr";
	const char *side = body->rtl ? "right" : "left";

	ch_str_addf(&body->html_head,
		    "<!DOCTYPE html>\n<html lang=\"%s\" dir=\"%s\">\n<head>\n"
		    "<meta charset=\"utf-8\">\n"
		    "<meta name=\"viewport\" content=\"width=device-width\">\n"
		    "<meta name=\"color-scheme\" content=\"light dark\">\n"
		    "<title>",
		    body->language, dir);
	ch_str_addf(&body->html_body,
		    "</title>\n"
		    /* For those that heed no meta. */
		    "<style>:root{color-scheme:light dark;"
		    "supported-color-schemes:light dark}</style>\n"
		    "</head>\n"
		    "<body lang=\"%s\" dir=\"%s\" style=\"margin:0\">\n"
		    "<table role=\"presentation\" width=\"100%%\" "
		    "cellpadding=\"0\" cellspacing=\"0\" border=\"0\">"
		    "<tr><td align=\"center\">\n"
		    "<table role=\"presentation\" width=\"640\" "
		    "cellpadding=\"0\" cellspacing=\"0\" border=\"0\" "
		    "style=\"width:100%%;max-width:640px\">\n",
		    body->language, dir);
	ch_str_addf(&body->html_cell,
		    "<tr><td lang=\"%s\" dir=\"%s\" align=\"%s\" "
		    "style=\"padding:24px 16px;text-align:%s;font:%s\">\n",
		    body->language, dir, side, side, fonts(body));
}

void ch_body_compile_html(struct ch_body *body, cmark_node *document)
{
	cmark_iter *iter = cmark_iter_new(document);
	cmark_event_type event;

	compile_head(body);
	while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
		cmark_node *node = cmark_iter_get_node(iter);
		bool enter = event == CMARK_EVENT_ENTER;

		if (cmark_node_get_type(node) <= CMARK_NODE_LAST_BLOCK)
			visit_block(body, node, enter);
		else
			visit_inline(body, node, enter);
	}
	cmark_iter_free(iter);
}

static void render_value(const struct ch_body *body, struct ch_slice value,
			 struct ch_str *out)
{
	struct ch_slice line, run;
	bool first = true;
	bool again = false;

	while (ch_body_next_line(&value, &first, &line)) {
		bool isolate = ch_body_isolates(body, line);
		unsigned int depth = 0;

		if (again)
			ch_str_add_mem(out, "<br>\n", 5);
		again = true;
		if (isolate)
			ch_str_add_mem(out, BODY_FSI, 3);
		while (ch_body_next_run(&line, &depth, &run))
			ch_escape_html(out, run.data, run.len);
		for (; depth > 0; depth--)
			ch_str_add_mem(out, BODY_PDI, 3);
		if (isolate)
			ch_str_add_mem(out, BODY_PDI, 3);
	}
}

/* Only a whole address keeps its "&", which HTML escapes; the rest of an
 * encoded value is nothing that HTML would read. */
static void render_url_value(struct ch_slice value, enum url_slot how,
			     struct ch_str *out)
{
	const char *amp;

	while (how == URL_WHOLE && (amp = memchr(value.data, '&', value.len))) {
		size_t len = (size_t)(amp - value.data);

		ch_body_add_url_value(out, (struct ch_slice){ value.data, len },
				      how);
		ch_str_add_mem(out, "&amp;", 5);
		value.data += len + 1;
		value.len -= len + 1;
	}
	ch_body_add_url_value(out, value, how);
}

static void render_blocks(const struct ch_body *body,
			  const struct ch_slice *values, struct ch_str *out)
{
	bool linked = true; /* the link under way has an address */

	for (size_t i = 0; i < body->html_len; i++) {
		const struct html_op *op = &body->html[i];
		const char *bytes =
			ch_str_cstr(&body->html_bytes) + op->offset;

		switch (op->kind) {
		case HTML_BYTES:
			ch_str_add_mem(out, bytes, op->len);
			break;
		case HTML_VALUE:
			render_value(body, values[op->slot], out);
			break;
		case HTML_LINK:
			linked = ch_body_url_ok(values[op->slot]);
			break;
		case HTML_LINK_BYTES:
			if (linked)
				ch_str_add_mem(out, bytes, op->len);
			break;
		case HTML_URL_VALUE:
			if (linked)
				render_url_value(values[op->slot], op->url,
						 out);
			break;
		case HTML_LINK_END:
			linked = true;
			break;
		}
	}
}

static void add_str(struct ch_str *out, const struct ch_str *text)
{
	ch_str_add_mem(out, ch_str_cstr(text), text->len);
}

/* A logo is made for paper: it stands on white where the page is dark. */
static void add_logo(struct ch_str *out, const struct ch_body_logo *logo)
{
	ch_str_add(out, "<p style=\"" MARGIN "\"><img src=\"");
	ch_escape_html(out, logo->source.data, logo->source.len);
	ch_str_addf(out, "\" width=\"%u\" height=\"%u\" alt=\"", logo->width,
		    logo->height);
	ch_escape_html(out, logo->alt.data, logo->alt.len);
	ch_str_addf(out,
		    "\" style=\"border:0;width:%upx;max-width:100%%;"
		    "height:auto;background:#ffffff\"></p>\n",
		    logo->width);
}

static void add_second(struct ch_str *out, const struct ch_body_frame *frame)
{
	const char *line = "border:0;border-top:1px solid;margin:0 0 1em 0";

	ch_str_add(out, "</td></tr>\n");
	add_str(out, &frame->second->html_cell);
	ch_str_addf(out,
		    "<hr style=\"%s\">\n<p style=\"" MARGIN "\"><strong>",
		    line);
	ch_escape_html(out, frame->second_label.data,
		       frame->second_label.len);
	ch_str_add(out, "</strong></p>\n");
	render_blocks(frame->second, frame->second_values, out);
}

void ch_body_html(const struct ch_body *body, const struct ch_slice *values,
		  const struct ch_body_frame *frame, struct ch_str *out)
{
	if (!frame) {
		render_blocks(body, values, out);
		return;
	}
	add_str(out, &body->html_head);
	ch_escape_html(out, frame->title.data, frame->title.len);
	add_str(out, &body->html_body);
	add_str(out, &body->html_cell);
	if (frame->logo.source.len > 0)
		add_logo(out, &frame->logo);
	render_blocks(body, values, out);
	if (frame->second)
		add_second(out, frame);
	ch_str_add(out, "</td></tr></table>\n</td></tr></table>\n"
			"</body>\n</html>\n");
}
