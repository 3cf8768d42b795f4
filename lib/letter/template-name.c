// SPDX-License-Identifier: GPL-3.0-or-later
/* template-name.c - the names of fields, and what they may be. */
#include <string.h>

#include "base/utf8.h"
#include "letter/template-private.h"

#define NONE CH_TEMPLATE_NONE

size_t ch_parse_intern(char ***list, size_t *len, size_t *cap,
		       struct ch_slice text)
{
	for (size_t i = 0; i < *len; i++) {
		if (ch_slice_eq(text, (*list)[i]))
			return i;
	}
	CH_GROW(*list, *len, *cap);
	(*list)[*len] = ch_slice_dup(text);
	return (*len)++;
}

int ch_template_name_ok(struct ch_slice name, struct ch_error *err)
{
	size_t characters = 0;

	if (name.len == 0)
		return ch_error_set(err, CH_GIVE_UP, "a field without a name");
	if (strchr("#^/!>&=<$. \t", name.data[0]) ||
	    ch_scan_is_blank(name.data[name.len - 1]))
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

static size_t find_name(const struct ch_template *tpl, struct ch_slice text)
{
	for (size_t i = 0; i < tpl->names_len; i++) {
		if (ch_slice_eq(text, tpl->names[i].text))
			return i;
	}
	return NONE;
}

/* How many parts a dotted name has: one, where a part would be empty. */
static size_t count_parts(const char *text)
{
	size_t parts = 1;

	for (const char *c = text; *c; c++) {
		if (*c == '.' && (c == text || c[1] == '.' || !c[1]))
			return 1;
		parts += *c == '.';
	}
	return parts;
}

/* name := part *( "." part ) | "." */
static size_t add_name(struct ch_template *tpl, struct ch_slice text)
{
	struct ch_template_name *name;
	size_t parts;
	const char *part;

	CH_GROW(tpl->names, tpl->names_len, tpl->names_cap);
	name = &tpl->names[tpl->names_len];
	*name = (struct ch_template_name){ .text = ch_slice_dup(text) };
	if (ch_slice_eq(text, ".")) {
		name->root = NONE;
		return tpl->names_len++;
	}
	parts = count_parts(name->text);
	name->parts = ch_xcalloc(parts, sizeof(*name->parts));
	part = name->text;
	for (; name->parts_len < parts; name->parts_len++) {
		size_t len = parts == 1 ? strlen(part) : strcspn(part, ".");

		name->parts[name->parts_len] = (struct ch_slice){ part, len };
		part += len + 1;
	}
	name->root = ch_parse_intern(&tpl->roots, &tpl->roots_len,
				     &tpl->roots_cap, name->parts[0]);
	return tpl->names_len++;
}

/* In the letter itself there must be a section for {{.}} to stand for; a
 * partial may be brought by one. */
static bool check_dot(struct ch_scan *s)
{
	const struct ch_parser *p = s->parser;

	for (size_t i = p->open_len; i > 0; i--) {
		if (p->tpl->nodes[p->open[i - 1].node].kind ==
		    CH_NODE_SECTION)
			return true;
	}
	if (s->unit > 0)
		return true;
	CH_FAULT(s, "It stands for the field of the section around it.",
		 "{{.}} outside a section");
	return false;
}

size_t ch_parse_name(struct ch_scan *s, struct ch_slice text)
{
	struct ch_template *tpl = s->parser->tpl;
	struct ch_error err;
	size_t id;

	if (text.len == 0) {
		CH_FAULT(s, "Write the field's name between the braces.",
			 "an empty tag");
		return NONE;
	}
	if (!ch_scan_is_lenient(s)) {
		bool dot = ch_slice_eq(text, ".");

		if (dot && !check_dot(s))
			return NONE;
		if (!dot && ch_template_name_ok(text, &err) < 0) {
			CH_FAULT(s, NULL, "%s", err.text);
			return NONE;
		}
	}
	id = find_name(tpl, text);
	if (id != NONE)
		return id;
	if (tpl->names_len < CH_TEMPLATE_NAMES_MAX)
		return add_name(tpl, text);
	s->parser->too_much = true;
	CH_FAULT(s, NULL, "more than %d different fields",
		 CH_TEMPLATE_NAMES_MAX);
	return NONE;
}
