// SPDX-License-Identifier: GPL-3.0-or-later
/* template-scan.c - a template's text: where lines and tags begin and end. */
#include <stdio.h>
#include <string.h>

#include "letter/template-private.h"

#define NONE CH_TEMPLATE_NONE

struct ch_place ch_scan_place(const struct ch_scan *s)
{
	return (struct ch_place){ s->parser->tpl->files[s->file], s->line,
				  s->column, NULL };
}

bool ch_scan_is_lenient(const struct ch_scan *s)
{
	return s->parser->tpl->mode == CH_TEMPLATE_LENIENT;
}

bool ch_scan_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool ch_scan_is_space(char c)
{
	return ch_scan_is_blank(c) || c == '\n' || c == '\r';
}

/* Go forward to `to`, keeping count of line and column. */
void ch_scan_skip_to(struct ch_scan *s, size_t to)
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

size_t ch_scan_find(const struct ch_scan *s, const char *what, size_t from,
		    size_t to)
{
	const char *p = memmem(s->text + from, to - from, what, strlen(what));

	return p ? (size_t)(p - s->text) : NONE;
}

size_t ch_scan_line_start(const struct ch_scan *s, size_t at)
{
	while (at > 0 && ch_scan_is_blank(s->text[at - 1]))
		at--;
	if (at == 0 ? !s->at_line : s->text[at - 1] != '\n')
		return NONE;
	return at;
}

size_t ch_scan_line_end(const struct ch_scan *s, size_t at)
{
	while (at < s->len && ch_scan_is_blank(s->text[at]))
		at++;
	if (at + 1 < s->len && s->text[at] == '\r' && s->text[at + 1] == '\n')
		at++;
	if (at < s->len && s->text[at] != '\n')
		return NONE;
	return at < s->len ? at + 1 : at;
}

/* How far a tag's end is looked for: to the next opening, but for delimiters
 * that are alike, and in the lenient mode, where an opening is nothing special.
 * So no text makes the search long, however many tags in it are not closed. */
static size_t search_end(const struct ch_scan *s, size_t from, size_t close_len)
{
	size_t next;

	if (ch_scan_is_lenient(s) || strcmp(s->open, s->close) == 0)
		return s->len;
	next = ch_scan_find(s, s->open, from, s->len);
	if (next == NONE || s->len - next < close_len)
		return s->len;
	return next + close_len - 1;
}

bool ch_scan_look(const struct ch_scan *s, size_t start, struct ch_tag *ret)
{
	size_t from = start + strlen(s->open);
	char close[CH_DELIMITER_MAX + 2];
	size_t end;

	*ret = (struct ch_tag){ .start = start };
	/* White space may stand before the sigil: {{ # name }}. */
	while (from < s->len && ch_scan_is_space(s->text[from]))
		from++;
	if (from < s->len && s->text[from] &&
	    strchr("#^/!>&{=<$", s->text[from]))
		ret->sigil = s->text[from++];
	snprintf(close, sizeof(close), "%s%s",
		 ret->sigil == '{' ? "}" : ret->sigil == '=' ? "=" : "",
		 s->close);
	end = ch_scan_find(s, close, from,
			   search_end(s, from, strlen(close)));
	if (end == NONE)
		return false;
	ret->content = ch_slice_trim((struct ch_slice){ s->text + from,
							end - from });
	ret->end = end + strlen(close);
	return true;
}
