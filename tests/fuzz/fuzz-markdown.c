// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-markdown.c - a body in every language with hostile values: the text is
 * UTF-8 whose flowed lines a reader can join, the HTML is UTF-8 with no tag or
 * address but ours.
 *
 * Input: the Markdown, a NUL, the value of all four slots. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "letter/body.h"

#define VALUES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct ch_slice text)
{
	size_t line = 0;

	assert(ch_utf8_valid(text.data, text.len, NULL));
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		assert(c >= 0x20 || c == '\n');
		assert(c != 0x7F);
		if (c != '\n')
			continue;
		assert(text.data[line] != '>');
		assert(i - line < 5 || memcmp(text.data + line, "From ", 5));
		assert(i - line != 3 || memcmp(text.data + line, "-- ", 3));
		line = i + 1;
	}
	assert(line == text.len);
}

/* The text as its reader joins it (RFC 3676 section 4.2). */
static void join(struct ch_slice text, bool delsp, struct ch_str *out)
{
	while (text.len > 0) {
		const char *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;
		const char *line = text.data;
		bool flowed;

		text.data += len + 1;
		text.len -= len + 1;
		if (len > 0 && line[0] == ' ') {
			line++;
			len--;
		}
		flowed = len > 0 && line[len - 1] == ' ';
		ch_str_add_mem(out, line, flowed && delsp ? len - 1 : len);
		if (!flowed)
			ch_str_add_char(out, '\n');
	}
}

/* With DelSp or without, the reader of a text that breaks at spaces gets the
 * same. */
static void check_delsp(const struct ch_body *body,
			const struct ch_slice *values)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(4 * 1024 * 1024);
	CH_AUTO(ch_str) with = CH_STR_INIT(4 * 1024 * 1024);
	CH_AUTO(ch_str) without = CH_STR_INIT(4 * 1024 * 1024);

	ch_body_text_among(body, values, true, &text);
	check_text((struct ch_slice){ ch_str_cstr(&text), text.len });
	if (text.full || ch_body_delsp(body))
		return;
	join((struct ch_slice){ ch_str_cstr(&text), text.len }, true, &with);
	ch_str_clear(&text);
	ch_body_text_among(body, values, false, &text);
	join((struct ch_slice){ ch_str_cstr(&text), text.len }, false,
	     &without);
	assert(text.full ||
	       strcmp(ch_str_cstr(&with), ch_str_cstr(&without)) == 0);
}

static bool is_ours(const char *tag)
{
	static const char *const tags[] = {
		"p ",	 "/p>",	   "h1 ",   "/h1>",  "h2 ",
		"/h2>",	 "h3 ",	   "/h3>",  "h4 ",   "/h4>",
		"h5 ",	 "/h5>",   "h6 ",   "/h6>",  "ol ",
		"/ol>",	 "ul ",	   "/ul>",  "li ",   "/li>",
		"pre ",	 "/pre>",  "br>",   "hr ",   "strong>",
		"em>",	 "em ",	   "/em>",  "/strong>", "code>",
		"/code>", "blockquote ", "/blockquote>", "/a>",
		"a href=\"https://", "a href=\"mailto:",
		"a href=\"HTTPS://", "a href=\"MAILTO:",
		"table ", "/table>", "tr>", "/tr>", "th ", "/th>", "td ",
		"/td>",
	};

	for (size_t i = 0; i < CH_COUNT(tags); i++)
		if (strncasecmp(tag, tags[i], strlen(tags[i])) == 0)
			return true;
	return false;
}

static void check_html(struct ch_slice html)
{
	assert(ch_utf8_valid(html.data, html.len, NULL));
	for (size_t i = 0; i < html.len; i++) {
		unsigned char c = (unsigned char)html.data[i];

		assert(c >= 0x20 || c == '\n' || c == '\t');
		if (c == '<')
			assert(is_ours(html.data + i + 1));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const languages[] = { "en", "zh", "ar" };
	const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
	size_t len = nul ? (size_t)(nul - data) : size;
	struct ch_slice markdown = { (const char *)data, len };
	struct ch_slice value = CH_SLICE_EMPTY;
	struct ch_slice values[VALUES];

	if (nul)
		value = (struct ch_slice){ (const char *)nul + 1,
					   size - len - 1 };
	for (size_t i = 0; i < VALUES; i++)
		values[i] = value;
	for (size_t i = 0; i < CH_COUNT(languages); i++) {
		CH_AUTOPTR(ch_body) body = NULL;
		CH_AUTO(ch_str) text = CH_STR_INIT(4 * 1024 * 1024);
		CH_AUTO(ch_str) html = CH_STR_INIT(4 * 1024 * 1024);
		struct ch_error err;
		bool delsp;

		if (ch_body_compile(markdown, languages[i], VALUES, &body,
				    &err) < 0) {
			assert(err.fate == CH_GIVE_UP && err.text[0]);
			return 0;
		}
		ch_body_text(body, values, &text, &delsp);
		check_delsp(body, values);
		ch_body_html(body, values, NULL, &html);
		if (!text.full)
			check_text((struct ch_slice){ ch_str_cstr(&text),
						      text.len });
		if (!html.full)
			check_html((struct ch_slice){ ch_str_cstr(&html),
						      html.len });
	}
	return 0;
}
