// SPDX-License-Identifier: GPL-3.0-or-later
/* body.c - compile a letter's Markdown; what both renderers need.
 *
 * The syntax tree is walked twice at compile time, once for each form, into
 * flat lists of operations; after that neither cmark nor any search for slots
 * is needed for an addressee.
 */
#include "letter/body.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmark.h>

#include "base/utf8.h"
#include "letter/body-private.h"
#include "letter/body-table.h"

#define SOURCE_MAX (16 * 1024 * 1024)
#define HEAD_MAX 4096

static size_t line_of(struct ch_slice text, size_t at)
{
	size_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += text.data[i] == '\n';
	return line;
}

static int check_language(const char *language, struct ch_error *err)
{
	size_t len = strspn(language, "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-");

	if (len > 0 && len < sizeof(((struct ch_body *)NULL)->language) &&
	    language[len] == '\0')
		return 0;
	return ch_error_set(err, CH_GIVE_UP, "\"%.40s\" is not a language",
			    language);
}

static bool is_private_plane(uint32_t cp)
{
	return cp >= CH_BODY_SLOT;
}

static int check_source(struct ch_slice text, size_t slots,
			struct ch_error *err)
{
	for (size_t at = 0; at < text.len;) {
		uint32_t cp;
		size_t n = ch_utf8_decode(text.data + at, text.len - at, &cp);

		if (n == 0)
			return ch_error_set(err, CH_GIVE_UP,
					    "line %zu: byte 0x%02X is not "
					    "UTF-8",
					    line_of(text, at),
					    (unsigned char)text.data[at]);
		if (cp != '\t' && cp != '\n' && cp != '\r' &&
		    ch_utf8_is_control(cp))
			return ch_error_set(err, CH_GIVE_UP,
					    "line %zu: control character "
					    "U+%04X",
					    line_of(text, at), cp);
		if (is_private_plane(cp) && cp - CH_BODY_SLOT >= slots)
			return ch_error_set(err, CH_GIVE_UP,
					    "line %zu: U+%04X is a private "
					    "character",
					    line_of(text, at), cp);
		at += n;
	}
	return 0;
}

bool ch_body_url_ok(struct ch_slice url)
{
	return (url.len > 8 && strncasecmp(url.data, "https://", 8) == 0) ||
	       (url.len > 7 && strncasecmp(url.data, "mailto:", 7) == 0);
}

static bool starts_with_slot(const char *url)
{
	uint32_t cp = 0;

	return *url && ch_utf8_decode(url, strlen(url), &cp) &&
	       is_private_plane(cp);
}

/* Links are the one thing in a letter that leads elsewhere. */
static int check_link(cmark_node *link, struct ch_error *err)
{
	const char *url = cmark_node_get_url(link);

	if (starts_with_slot(url) || ch_body_url_ok(ch_slice_of(url)))
		return 0;
	return ch_error_set(err, CH_GIVE_UP,
			    "line %d: a link to \"%.100s\"; only https:// and "
			    "mailto: may be linked",
			    cmark_node_get_start_line(link), url);
}

/* Comments are dropped, but those that mark a part of the page must be ones. */
static int check_mark(cmark_node *html, struct ch_error *err)
{
	struct ch_slice name;
	enum ch_page_zone zone;

	if (ch_page_zone_of(cmark_node_get_literal(html), &zone, &name) >= 0)
		return 0;
	return ch_error_set(err, CH_GIVE_UP,
			    "line %d: \"%.*s\" is no part of a page; they are "
			    "letterhead, reference, date, addressee, subject, "
			    "salutation, body, signature, annexes, copies",
			    cmark_node_get_start_line(html),
			    name.len > 40 ? 40 : (int)name.len, name.data);
}

static int check_document(cmark_node *document, struct ch_error *err)
{
	cmark_iter *iter = cmark_iter_new(document);
	cmark_event_type event;
	int depth = 0;
	int result = 0;

	while (result == 0 &&
	       (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
		cmark_node *node = cmark_iter_get_node(iter);
		cmark_node_type type = cmark_node_get_type(node);

		if (type == CMARK_NODE_LIST || type == CMARK_NODE_BLOCK_QUOTE)
			depth += event == CMARK_EVENT_ENTER ? 1 : -1;
		if (depth > BODY_DEPTH_MAX)
			result = ch_error_set(err, CH_GIVE_UP,
					      "line %d: lists or quotes nested "
					      "more than %d deep",
					      cmark_node_get_start_line(node),
					      BODY_DEPTH_MAX);
		else if (event == CMARK_EVENT_ENTER &&
			 type == CMARK_NODE_LINK)
			result = check_link(node, err);
		else if (event == CMARK_EVENT_ENTER &&
			 type == CMARK_NODE_HTML_BLOCK)
			result = check_mark(node, err);
	}
	cmark_iter_free(iter);
	return result;
}

/* The source with LF for each CRLF and CR: cmark leaves them in code. */
static void normalise(struct ch_slice markdown, struct ch_str *out)
{
	struct ch_slice line;
	bool first = true;

	while (ch_body_next_line(&markdown, &first, &line)) {
		ch_str_add_mem(out, line.data, line.len);
		ch_str_add_char(out, '\n');
	}
}

int ch_body_compile(struct ch_slice markdown, const char *language,
		    size_t slots, struct ch_body **ret, struct ch_error *err)
{
	CH_AUTO(ch_str) source = CH_STR_INIT(SOURCE_MAX + 1);
	struct ch_body *body;
	cmark_node *document;

	if (markdown.len > SOURCE_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "a text of %zu bytes; %d are allowed",
				    markdown.len, SOURCE_MAX);
	if (slots > CH_BODY_SLOTS_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "%zu values; %d are allowed", slots,
				    CH_BODY_SLOTS_MAX);
	if (check_language(language, err) < 0 ||
	    check_source(markdown, slots, err) < 0)
		return -1;
	normalise(markdown, &source);
	document = cmark_parse_document(ch_str_cstr(&source), source.len,
					CMARK_OPT_VALIDATE_UTF8);
	if (check_document(document, err) < 0) {
		cmark_node_free(document);
		return -1;
	}
	body = ch_xzalloc(sizeof(*body));
	snprintf(body->language, sizeof(body->language), "%s", language);
	body->rtl = strcmp(language, "ar") == 0;
	body->wide = strcmp(language, "zh") == 0;
	body->slant = !body->rtl && !body->wide;
	body->slots = slots;
	ch_body_find_tables(document);
	ch_str_init(&body->text_bytes, UINT32_MAX / 2);
	ch_str_init(&body->html_bytes, UINT32_MAX / 2);
	ch_str_init(&body->html_head, HEAD_MAX);
	ch_str_init(&body->html_body, HEAD_MAX);
	ch_str_init(&body->html_cell, HEAD_MAX);
	ch_body_compile_text(body, document);
	ch_body_settle_text(body);
	ch_body_compile_html(body, document);
	ch_body_compile_page(body, document);
	cmark_node_free(document);
	*ret = body;
	return 0;
}

void ch_body_free(struct ch_body *body)
{
	if (!body)
		return;
	free(body->text);
	free(body->html);
	ch_str_release(&body->text_bytes);
	ch_str_release(&body->html_bytes);
	ch_page_form_release(&body->page);
	ch_str_release(&body->html_head);
	ch_str_release(&body->html_body);
	ch_str_release(&body->html_cell);
	free(body);
}

size_t ch_body_decode(const struct ch_body *body, const char *text, size_t len,
		      uint32_t *ret_cp, uint32_t *ret_slot)
{
	size_t n = ch_utf8_decode(text, len, ret_cp);

	*ret_slot = UINT32_MAX;
	if (n == 0 || (ch_utf8_is_control(*ret_cp) && *ret_cp != '\t' &&
		       *ret_cp != '\n'))
		*ret_cp = 0xFFFD;
	else if (is_private_plane(*ret_cp) &&
		 *ret_cp - CH_BODY_SLOT < body->slots)
		*ret_slot = *ret_cp - CH_BODY_SLOT;
	else if (is_private_plane(*ret_cp))
		*ret_cp = 0xFFFD; /* written as an entity */
	return n ? n : 1;
}

/* Whether a node is text that begins (or ends) with a narrow character. */
static bool is_narrow_text(cmark_node *node, bool at_end)
{
	const char *text = node ? cmark_node_get_literal(node) : NULL;
	size_t len = text ? strlen(text) : 0;
	size_t at = 0;
	uint32_t cp = 0;

	if (len == 0)
		return false;
	if (at_end)
		for (at = len - 1; at > 0 && (text[at] & 0xC0) == 0x80;)
			at--;
	return ch_utf8_decode(text + at, len - at, &cp) && cp < 0x2000;
}

bool ch_body_soft_space(const struct ch_body *body, cmark_node *softbreak)
{
	return !body->wide ||
	       (is_narrow_text(cmark_node_previous(softbreak), true) &&
		is_narrow_text(cmark_node_next(softbreak), false));
}

const char *ch_body_url_shown(const char *url)
{
	return strncasecmp(url, "mailto:", 7) == 0 ? url + 7 : url;
}

bool ch_body_link_is_plain(cmark_node *link)
{
	const char *shown = ch_body_url_shown(cmark_node_get_url(link));

	for (cmark_node *child = cmark_node_first_child(link); child;
	     child = cmark_node_next(child)) {
		const char *text = cmark_node_get_literal(child);
		size_t len = text ? strlen(text) : 0;

		if (cmark_node_get_type(child) != CMARK_NODE_TEXT ||
		    strncmp(shown, text, len) != 0)
			return false;
		shown += len;
	}
	return *shown == '\0';
}

enum url_slot ch_body_url_slot(const char *url, size_t at)
{
	if (at == 0)
		return URL_WHOLE;
	return strncasecmp(url, "mailto:", 7) == 0 &&
			       !memchr(url, '?', at) ?
		URL_MAILBOX :
		URL_PART;
}

/* unreserved, and reserved where the value is a whole address (RFC 3986
 * section 2). The apostrophe is legal there and encoded all the same. */
static bool url_keeps(unsigned char c, enum url_slot how)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || (c && strchr("-._~", c)))
		return true;
	if (how == URL_MAILBOX)
		return c == '@';
	return how == URL_WHOLE && c && strchr(":/?#[]@!$&()*+,;=%", c);
}

void ch_body_add_url_value(struct ch_str *out, struct ch_slice value,
			   enum url_slot how)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];

		if (url_keeps(c, how))
			ch_str_add_char(out, (char)c);
		else if (c >= 0x20 && c != 0x7F)
			ch_str_addf(out, "%%%02X", c);
	}
}

bool ch_body_next_line(struct ch_slice *rest, bool *first,
		       struct ch_slice *ret_line)
{
	size_t len = 0;
	size_t end;

	if (!*first && rest->data == NULL)
		return false;
	*first = false;
	while (len < rest->len && rest->data[len] != '\n' &&
	       rest->data[len] != '\r')
		len++;
	*ret_line = (struct ch_slice){ rest->data, len };
	if (len == rest->len) {
		*rest = (struct ch_slice){ NULL, 0 };
		return true;
	}
	end = len + 1;
	if (rest->data[len] == '\r' && end < rest->len &&
	    rest->data[end] == '\n')
		end++;
	*rest = (struct ch_slice){ rest->data + end, rest->len - end };
	return true;
}

/* Hebrew to Arabic Extended-A, their presentation forms, and the right-to-left
 * scripts of plane 1. */
static bool is_rtl(uint32_t cp)
{
	return (cp >= 0x590 && cp <= 0x8FF) || (cp >= 0xFB1D && cp <= 0xFDFF) ||
	       (cp >= 0xFE70 && cp <= 0xFEFE) ||
	       (cp >= 0x10800 && cp <= 0x10FFF) ||
	       (cp >= 0x1E800 && cp <= 0x1EFFF);
}

bool ch_body_isolates(const struct ch_body *body, struct ch_slice line)
{
	if (body->rtl)
		return line.len > 0;
	for (size_t at = 0; at < line.len;) {
		uint32_t cp;
		size_t n = 1;

		if ((unsigned char)line.data[at] >= 0xD6) {
			n = ch_utf8_decode(line.data + at, line.len - at, &cp);
			if (n && (is_rtl(cp) || ch_utf8_is_bidi_control(cp)))
				return true;
		}
		at += n ? n : 1;
	}
	return false;
}

bool ch_body_next_run(struct ch_slice *rest, unsigned int *depth,
		      struct ch_slice *ret_run)
{
	size_t at = 0;

	while (rest->len >= 3 && *depth == 0 &&
	       memcmp(rest->data, BODY_PDI, 3) == 0)
		*rest = (struct ch_slice){ rest->data + 3, rest->len - 3 };
	if (rest->len == 0)
		return false;
	while (at < rest->len) {
		const char *p = memchr(rest->data + at, '\xE2', rest->len - at);

		at = p ? (size_t)(p - rest->data) : rest->len;
		if (rest->len - at < 3 || rest->data[at + 1] != '\x81') {
			at += at < rest->len;
			continue;
		}
		if (memcmp(p, BODY_PDI, 3) == 0) {
			if (*depth == 0)
				break;
			--*depth;
		} else if (p[2] >= '\xA6' && p[2] <= '\xA8') {
			++*depth;
		}
		at += 3;
	}
	*ret_run = (struct ch_slice){ rest->data, at };
	*rest = (struct ch_slice){ rest->data + at, rest->len - at };
	return true;
}
