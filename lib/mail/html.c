// SPDX-License-Identifier: GPL-3.0-or-later
/* html.c - the words of an HTML mail.
 *
 * For the line of a list and for recognising what a mail says, not for
 * showing it: tags go, blocks become lines, quoted mail keeps a ">" so that it
 * is known as quoted.
 */
#include <strings.h>
#include <string.h>

#include "base/mem.h"
#include "mail/message-private.h"

struct reader {
	struct ch_str *out; /* borrowed */
	size_t quoted;	    /* <blockquote> that are open */
	bool line_empty;
	bool space;
	size_t gt; /* where the next ">" is, as far as it was looked for */
};

static void new_line(struct reader *reader)
{
	if (reader->line_empty)
		return;
	ch_str_add_char(reader->out, '\n');
	reader->line_empty = true;
	reader->space = false;
}

static void add_text(struct reader *reader, const char *text, size_t len)
{
	if (reader->line_empty && reader->quoted)
		ch_str_add(reader->out, "> ");
	else if (reader->space && !reader->line_empty)
		ch_str_add_char(reader->out, ' ');
	ch_str_add_mem(reader->out, text, len);
	reader->line_empty = false;
	reader->space = false;
}

static bool is_named(const char *name, size_t len, const char *wanted)
{
	return strlen(wanted) == len && strncasecmp(name, wanted, len) == 0;
}

static bool is_block(const char *name, size_t len)
{
	static const char *const blocks[] = {
		"p",  "br",    "div",	     "tr",   "li",    "ul",
		"ol", "table", "hr",	     "h1",   "h2",    "h3",
		"h4", "pre",   "blockquote", "body", "title",
	};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (is_named(name, len, blocks[i]))
			return true;
	return false;
}

/* Where `</name` begins at or after `at`, or the end. */
static size_t find_close(const char *html, size_t len, size_t at,
			 const char *name, size_t name_len)
{
	for (; at + 2 + name_len <= len; at++) {
		const char *lt = memchr(html + at, '<', len - at);

		if (!lt)
			return len;
		at = (size_t)(lt - html);
		if (at + 2 + name_len <= len && html[at + 1] == '/' &&
		    strncasecmp(html + at + 2, name, name_len) == 0)
			return at;
	}
	return len;
}

/* A comment, or something of which only the end is looked for. */
static size_t skip_declaration(const char *html, size_t len, size_t at)
{
	const char *end;

	if (len - at >= 4 && memcmp(html + at, "<!--", 4) == 0) {
		end = memmem(html + at + 4, len - at - 4, "-->", 3);
		return end ? (size_t)(end - html) + 3 : len;
	}
	end = memchr(html + at, '>', len - at);
	return end ? (size_t)(end - html) + 1 : len;
}

/* The next ">" at or after `at`, or the end; each is looked for once. */
static size_t find_gt(struct reader *reader, const char *html, size_t len,
		      size_t at)
{
	if (reader->gt < at || !reader->gt) {
		const char *gt = memchr(html + at, '>', len - at);

		reader->gt = gt ? (size_t)(gt - html) : len;
	}
	return reader->gt;
}

/* Act on the tag at html[at] == '<'; returns where the text goes on. */
static size_t read_tag(struct reader *reader, const char *html, size_t len,
		       size_t at)
{
	size_t name = at + 1;
	size_t end;
	bool closing = name < len && html[name] == '/';
	size_t gt;

	if (name < len && (html[name] == '!' || html[name] == '?'))
		return skip_declaration(html, len, at);
	if (closing)
		name++;
	for (end = name; end < len; end++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz123456",
			    html[end] | 32) ||
		    !html[end])
			break;
	gt = find_gt(reader, html, len, end);
	if (end == name || gt == len) {
		add_text(reader, "<", 1);
		return at + 1;
	}
	if (is_block(html + name, end - name))
		new_line(reader);
	if (is_named(html + name, end - name, "blockquote")) {
		if (!closing)
			reader->quoted++;
		else if (reader->quoted)
			reader->quoted--;
	}
	at = gt + 1;
	if (!closing && (is_named(html + name, end - name, "style") ||
			 is_named(html + name, end - name, "script")))
		at = find_close(html, len, at, html + name, end - name);
	return at;
}

/* The character of "&#…;" without its ends; 0 if it is none. */
static unsigned int numeric(const char *digits, size_t len)
{
	unsigned int base = 10;
	unsigned int value = 0;

	if (len && (*digits | 32) == 'x') {
		base = 16;
		digits++;
		len--;
	}
	for (; len; digits++, len--) {
		static const char hex[] = "0123456789abcdef";
		const char *digit =
		    *digits
			? strchr(hex, *digits >= 'A' ? *digits | 32 : *digits)
			: NULL;

		if (!digit || (unsigned int)(digit - hex) >= base)
			return 0;
		value = value * base + (unsigned int)(digit - hex);
		if (value > 0x10FFFF)
			return 0;
	}
	return value;
}

static unsigned int named(const char *name, size_t len)
{
	static const struct {
		const char *name;
		unsigned int code;
	} names[] = {
		{ "amp", '&' },	     { "lt", '<' },	  { "gt", '>' },
		{ "quot", '"' },     { "apos", '\'' },	  { "nbsp", ' ' },
		{ "eacute", 0xE9 },  { "egrave", 0xE8 },  { "agrave", 0xE0 },
		{ "ccedil", 0xE7 },  { "ecirc", 0xEA },	  { "ocirc", 0xF4 },
		{ "icirc", 0xEE },   { "acirc", 0xE2 },	  { "ucirc", 0xFB },
		{ "ugrave", 0xF9 },  { "aacute", 0xE1 },  { "iacute", 0xED },
		{ "oacute", 0xF3 },  { "uacute", 0xFA },  { "ntilde", 0xF1 },
		{ "Eacute", 0xC9 },  { "Agrave", 0xC0 },  { "ouml", 0xF6 },
		{ "auml", 0xE4 },    { "uuml", 0xFC },	  { "szlig", 0xDF },
		{ "laquo", 0xAB },   { "raquo", 0xBB },	  { "rsquo", 0x2019 },
		{ "lsquo", 0x2018 }, { "ldquo", 0x201C }, { "rdquo", 0x201D },
		{ "ndash", 0x2013 }, { "mdash", 0x2014 }, { "hellip", 0x2026 },
		{ "deg", 0xB0 },     { "iquest", 0xBF },  { "iexcl", 0xA1 },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].name) == len &&
		    memcmp(names[i].name, name, len) == 0)
			return names[i].code;
	return 0;
}

/* The entity at html[at] == '&', or the "&" itself. */
static size_t read_entity(struct reader *reader, const char *html, size_t len,
			  size_t at)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(4);
	size_t longest = len - at < 12 ? len - at : 12;
	const char *end = memchr(html + at, ';', longest);
	unsigned int code = 0;

	if (end && html[at + 1] == '#')
		code = numeric(html + at + 2, (size_t)(end - html) - at - 2);
	else if (end)
		code = named(html + at + 1, (size_t)(end - html) - at - 1);
	if (!code) {
		add_text(reader, "&", 1);
		return at + 1;
	}
	if (code <= ' ' || code == 0xA0) {
		reader->space = true;
	} else {
		ch_str_add_utf8(&text, code);
		add_text(reader, ch_str_cstr(&text), text.len);
	}
	return (size_t)(end - html) + 1;
}

void ch_text_from_html(struct ch_str *out, const char *html, size_t len)
{
	struct reader reader = { .out = out, .line_empty = true };
	size_t at = 0;

	while (at < len && !out->full) {
		size_t word = at;

		while (word < len && !strchr(" \t\r\n<&", html[word]))
			word++;
		if (word > at)
			add_text(&reader, html + at, word - at);
		else if (html[at] == '<')
			word = read_tag(&reader, html, len, at);
		else if (html[at] == '&')
			word = read_entity(&reader, html, len, at);
		else if (++word)
			reader.space = true;
		at = word;
	}
	new_line(&reader);
}
