// SPDX-License-Identifier: GPL-3.0-or-later
/* page-form.c - compile a body for the page; its values as the page has them.
 */
#include "letter/page-form.h"

#include <stdlib.h>
#include <string.h>

#include <cmark.h>

#include "base/utf8.h"
#include "letter/body-private.h"
#include "letter/body-table.h"

static const char *const zone_names[CH_ZONES] = {
	[CH_ZONE_BODY] = "body",
	[CH_ZONE_LETTERHEAD] = "letterhead",
	[CH_ZONE_REFERENCE] = "reference",
	[CH_ZONE_DATE] = "date",
	[CH_ZONE_ADDRESSEE] = "addressee",
	[CH_ZONE_SUBJECT] = "subject",
	[CH_ZONE_SALUTATION] = "salutation",
	[CH_ZONE_SIGNATURE] = "signature",
	[CH_ZONE_ANNEXES] = "annexes",
	[CH_ZONE_COPIES] = "copies",
};

void ch_page_form_release(struct ch_page_form *form)
{
	free(form->steps);
	ch_str_release(&form->bytes);
	*form = (struct ch_page_form){ 0 };
}

const struct ch_page_form *ch_body_page_form(const struct ch_body *body)
{
	return &body->page;
}

static const char *skip_blank(const char *p)
{
	return p + strspn(p, " \t\n");
}

/* mark := "<!--" "page:" name "-->", with blanks between them */
int ch_page_zone_of(const char *html, enum ch_page_zone *ret,
		    struct ch_slice *ret_name)
{
	const char *p = skip_blank(html);
	size_t len;

	if (strncmp(p, "<!--", 4) != 0)
		return 0;
	p = skip_blank(p + 4);
	if (strncmp(p, "page:", 5) != 0)
		return 0;
	p = skip_blank(p + 5);
	len = strcspn(p, " \t\n");
	if (len >= 3 && strncmp(p + len - 3, "-->", 3) == 0)
		len -= 3;
	*ret_name = (struct ch_slice){ p, len };
	if (strcmp(skip_blank(p + len), "-->") != 0 &&
	    strcmp(skip_blank(p + len), "-->\n") != 0)
		return -1;
	for (size_t i = 0; i < CH_ZONES; i++) {
		if (ch_slice_eq(*ret_name, zone_names[i])) {
			*ret = (enum ch_page_zone)i;
			return 1;
		}
	}
	return -1;
}

/* ---- compiling -------------------------------------------------------- */

static struct ch_page_step *add(struct ch_body *body,
				enum ch_page_step_kind kind, uint32_t number)
{
	struct ch_page_form *form = &body->page;
	struct ch_page_step *step;

	CH_GROW(form->steps, form->len, form->cap);
	step = &form->steps[form->len++];
	*step = (struct ch_page_step){
		.kind = kind,
		.number = number,
		.offset = (uint32_t)form->bytes.len,
	};
	return step;
}

static void add_bytes(struct ch_body *body, enum ch_page_step_kind kind,
		      uint32_t number, const char *bytes, size_t len)
{
	add(body, kind, number)->len = (uint32_t)len;
	ch_str_add_mem(&body->page.bytes, bytes, len);
}

static void flush(struct ch_body *body, struct ch_str *pending)
{
	if (pending->len)
		add_bytes(body, CH_PAGE_TEXT, 0, ch_str_cstr(pending),
			  pending->len);
	ch_str_clear(pending);
}

static void add_text(struct ch_body *body, const char *text)
{
	size_t len = strlen(text);
	CH_AUTO(ch_str) pending = CH_STR_INIT(SIZE_MAX / 2);

	if (len && text[len - 1] == '\n') /* of a code block */
		len--;
	for (size_t at = 0; at < len;) {
		uint32_t cp, slot;

		at += ch_body_decode(body, text + at, len - at, &cp, &slot);
		if (slot == UINT32_MAX && cp != '\n') {
			ch_str_add_utf8(&pending, cp == '\t' ? ' ' : cp);
			continue;
		}
		flush(body, &pending);
		if (cp == '\n')
			add(body, CH_PAGE_HARD, 0);
		else
			add(body, CH_PAGE_VALUE, slot);
	}
	flush(body, &pending);
}

static uint32_t digits_of(cmark_node *list)
{
	int last = cmark_node_get_list_start(list) - 1;

	if (cmark_node_get_list_type(list) != CMARK_ORDERED_LIST)
		return 0;
	for (cmark_node *item = cmark_node_first_child(list); item;
	     item = cmark_node_next(item))
		last++;
	return (uint32_t)snprintf(NULL, 0, "%d", last);
}

/* "7." or "7)", or a dash: no bullet, as official letters have it. */
static void add_item(struct ch_body *body, cmark_node *item)
{
	cmark_node *list = cmark_node_parent(item);
	bool paren = cmark_node_get_list_delim(list) == CMARK_PAREN_DELIM;
	int number = cmark_node_get_list_start(list);
	char label[24] = "\xE2\x80\x93";

	for (cmark_node *node = cmark_node_previous(item); node;
	     node = cmark_node_previous(node))
		number++;
	if (cmark_node_get_list_type(list) == CMARK_ORDERED_LIST)
		snprintf(label, sizeof(label), "%d%c", number,
			 paren ? ')' : '.');
	add_bytes(body, CH_PAGE_ITEM, 0, label, strlen(label));
}

static void add_link(struct ch_body *body, cmark_node *link)
{
	const char *url = cmark_node_get_url(link);

	add_bytes(body, CH_PAGE_LINK, 0, url, strlen(url));
}

static void add_verbatim(struct ch_body *body, const char *text)
{
	add(body, CH_PAGE_BLOCK, 0);
	add(body, CH_PAGE_CODE, 0);
	add_text(body, text);
	add(body, CH_PAGE_CODE_END, 0);
	add(body, CH_PAGE_BLOCK_END, 0);
}

static void add_zone(struct ch_body *body, cmark_node *html)
{
	const char *text = cmark_node_get_literal(html);
	struct ch_slice name;
	enum ch_page_zone zone;

	if (ch_page_zone_of(text, &zone, &name) == 1)
		add(body, CH_PAGE_ZONE, zone);
}

static void add_table_part(struct ch_body *body, cmark_node *node, bool enter)
{
	const char *columns;

	switch (ch_body_table_part(node, &columns)) {
	case BODY_TABLE:
		add_bytes(body, enter ? CH_PAGE_TABLE : CH_PAGE_TABLE_END,
			  (uint32_t)strlen(columns), columns, strlen(columns));
		break;
	case BODY_TABLE_HEAD:
		add(body, enter ? CH_PAGE_ROW : CH_PAGE_ROW_END, 1);
		break;
	case BODY_TABLE_ROW:
		add(body, enter ? CH_PAGE_ROW : CH_PAGE_ROW_END, 0);
		break;
	case BODY_TABLE_CELL:
		add(body, enter ? CH_PAGE_CELL : CH_PAGE_CELL_END, 0);
		break;
	case BODY_TABLE_NONE:
		break;
	}
}

static void visit_block(struct ch_body *body, cmark_node *node, bool enter)
{
	switch (cmark_node_get_type(node)) {
	case CMARK_NODE_PARAGRAPH:
		add(body, enter ? CH_PAGE_BLOCK : CH_PAGE_BLOCK_END, 0);
		break;
	case CMARK_NODE_HEADING:
		add(body, enter ? CH_PAGE_BLOCK : CH_PAGE_BLOCK_END,
		    (uint32_t)cmark_node_get_heading_level(node));
		break;
	case CMARK_NODE_LIST:
		add(body, enter ? CH_PAGE_LIST : CH_PAGE_LIST_END,
		    digits_of(node));
		break;
	case CMARK_NODE_ITEM:
		if (enter)
			add_item(body, node);
		else
			add(body, CH_PAGE_ITEM_END, 0);
		break;
	case CMARK_NODE_BLOCK_QUOTE:
		add(body, enter ? CH_PAGE_QUOTE : CH_PAGE_QUOTE_END, 0);
		break;
	case CMARK_NODE_CODE_BLOCK:
		add_verbatim(body, cmark_node_get_literal(node));
		break;
	case CMARK_NODE_HTML_BLOCK:
		add_zone(body, node);
		break;
	case CMARK_NODE_THEMATIC_BREAK:
		add(body, CH_PAGE_RULE, 0);
		break;
	case CMARK_NODE_CUSTOM_BLOCK:
		add_table_part(body, node, enter);
		break;
	default:
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
		add(body, CH_PAGE_CODE, 0);
		add_text(body, cmark_node_get_literal(node));
		add(body, CH_PAGE_CODE_END, 0);
		break;
	case CMARK_NODE_SOFTBREAK:
		if (ch_body_soft_space(body, node))
			add_bytes(body, CH_PAGE_TEXT, 0, " ", 1);
		break;
	case CMARK_NODE_LINEBREAK:
		add(body, CH_PAGE_HARD, 0);
		break;
	case CMARK_NODE_STRONG:
		add(body, enter ? CH_PAGE_STRONG : CH_PAGE_STRONG_END, 0);
		break;
	case CMARK_NODE_EMPH:
		add(body, enter ? CH_PAGE_EMPHASIS : CH_PAGE_EMPHASIS_END, 0);
		break;
	case CMARK_NODE_LINK:
		if (enter)
			add_link(body, node);
		else
			add(body, CH_PAGE_LINK_END, 0);
		break;
	default: /* an image leaves its text */
		break;
	}
}

void ch_body_compile_page(struct ch_body *body, cmark_node *document)
{
	cmark_iter *iter = cmark_iter_new(document);
	cmark_event_type event;

	ch_str_init(&body->page.bytes, UINT32_MAX / 2);
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

/* ---- values ----------------------------------------------------------- */

static void add_run(struct ch_slice run, struct ch_str *out)
{
	for (size_t at = 0; at < run.len;) {
		uint32_t cp;
		size_t n = ch_utf8_decode(run.data + at, run.len - at, &cp);

		if (n == 0 || (cp != '\t' && ch_utf8_is_control(cp)))
			cp = 0xFFFD;
		ch_str_add_utf8(out, cp == '\t' ? ' ' : cp);
		at += n ? n : 1;
	}
}

void ch_page_add_value(const struct ch_body *body, struct ch_slice value,
		       struct ch_str *out)
{
	struct ch_slice line, run;
	bool first = true;
	bool again = false;

	while (ch_body_next_line(&value, &first, &line)) {
		bool isolate = ch_body_isolates(body, line);
		unsigned int depth = 0;

		if (again)
			ch_str_add(out, "\xE2\x80\xA8");
		again = true;
		if (isolate)
			ch_str_add(out, BODY_FSI);
		while (ch_body_next_run(&line, &depth, &run))
			add_run(run, out);
		for (; depth > 0; depth--)
			ch_str_add(out, BODY_PDI);
		if (isolate)
			ch_str_add(out, BODY_PDI);
	}
}

int ch_page_add_address(const struct ch_body *body, struct ch_slice address,
			const struct ch_slice *values, struct ch_str *out)
{
	CH_AUTOCHAR url = ch_slice_dup(address);
	size_t start = out->len;

	for (size_t at = 0; at < address.len;) {
		uint32_t cp, slot;
		size_t n = ch_body_decode(body, url + at, address.len - at, &cp,
					  &slot);

		if (slot != UINT32_MAX)
			ch_body_add_url_value(out, values[slot],
					      ch_body_url_slot(url, at));
		for (size_t i = at; slot == UINT32_MAX && i < at + n; i++) {
			unsigned char c = (unsigned char)url[i];

			if (c <= ' ' || c >= 0x7F || strchr("\"'()<>\\", c))
				ch_str_addf(out, "%%%02X", c);
			else
				ch_str_add_char(out, (char)c);
		}
		at += n;
	}
	if (ch_body_url_ok((struct ch_slice){ ch_str_cstr(out) + start,
					      out->len - start }))
		return 0;
	ch_str_truncate(out, start);
	return -1;
}
