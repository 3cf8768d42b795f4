// SPDX-License-Identifier: GPL-3.0-or-later
/* page-hyphen.c - where words are divided.
 *
 * Soft hyphens stand wherever the patterns allow one, but pango, which fills
 * line after line, would use far too many. So at first all words stay whole;
 * then, from the top, the word behind each line that is too loose may be
 * divided, and never on three lines in a row.
 */
#include <stdlib.h>
#include <string.h>

#include "letter/page-private.h"

#define SHY "\xC2\xAD"
#define LOOSE 0.045 /* of its width that a line may lack */
/* In a longer paragraph none is divided: each division lays it out again. */
#define WORDS_MAX 500

/* ---- where they may be ------------------------------------------------ */
#define WORD_MIN 7 /* letters of a word that may be divided */
#define WORD_MAX 60
#define BEFORE_MIN 3 /* letters before and behind the hyphen */
#define BEHIND_MIN 3

/* A word in the dictionary's charset, lower case. False where it has none. */
static bool encode_word(const HyphenDict *dict, const char *word, size_t len,
			char out[WORD_MAX * 4 + 8])
{
	CH_AUTOCHAR lower = g_utf8_strdown(word, (gssize)len);
	char *encoded = NULL;
	bool fits;

	if (dict->utf8)
		encoded = g_strdup(lower);
	else
		encoded = g_convert(lower, -1, dict->cset, "UTF-8", NULL, NULL,
				    NULL);
	fits = encoded && strlen(encoded) < WORD_MAX * 4;
	if (fits)
		snprintf(out, WORD_MAX * 4 + 8, "%s", encoded);
	g_free(encoded);
	return fits;
}

static void hyphenate_word(const struct page_language *language,
			   const char *word, size_t len, struct ch_str *out)
{
	long letters = g_utf8_strlen(word, (gssize)len);
	char encoded[WORD_MAX * 4 + 8];
	char hyphens[WORD_MAX * 4 + 8];
	char **rep = NULL;
	int *pos = NULL, *cut = NULL;
	const char *p = word;

	if (letters < WORD_MIN || letters > WORD_MAX ||
	    !encode_word(language->hyphens, word, len, encoded) ||
	    hnj_hyphen_hyphenate2(language->hyphens, encoded,
				  (int)strlen(encoded), hyphens, NULL, &rep,
				  &pos, &cut)) {
		ch_str_add_mem(out, word, len);
		return;
	}
	/* One mark for each character, whatever the charset. */
	for (long i = 0; i < letters; i++) {
		const char *next = ch_page_next(p);

		ch_str_add_mem(out, p, (size_t)(next - p));
		p = next;
		if (i + 1 >= BEFORE_MIN && letters - i - 1 >= BEHIND_MIN &&
		    (hyphens[i] & 1))
			ch_str_add(out, SHY);
	}
	free(rep);
	free(pos);
	free(cut);
}

/* Whether what stands between two spaces is made of words: an address, a
 * number or a symbol of a document is not, and stays whole. */
static bool is_words(const char *token, const char *end)
{
	for (const char *p = token; p < end; p = ch_page_next(p)) {
		gunichar c = g_utf8_get_char(p);

		if (g_unichar_isdigit(c) || c == '@' || c == '/' || c == '_' ||
		    (c == '.' && p + 1 < end && g_ascii_isalnum(p[1])))
			return false;
	}
	return true;
}

static void hyphenate_token(const struct page_language *language,
			    const char *token, const char *end,
			    struct ch_str *out)
{
	while (token < end) {
		const char *p = token;

		while (p < end && g_unichar_isalpha(g_utf8_get_char(p)))
			p = ch_page_next(p);
		hyphenate_word(language, token, (size_t)(p - token), out);
		token = p;
		while (p < end && !g_unichar_isalpha(g_utf8_get_char(p)))
			p = ch_page_next(p);
		ch_str_add_mem(out, token, (size_t)(p - token));
		token = p;
	}
}

void ch_page_hyphenate(const struct page_language *language, const char *text,
		       size_t len, struct ch_str *out)
{
	const char *end = text + len;

	while (text < end) {
		const char *space = memchr(text, ' ', (size_t)(end - text));
		const char *p = space ? space : end;

		if (language->hyphens && is_words(text, p))
			hyphenate_token(language, text, p, out);
		else
			ch_str_add_mem(out, text, (size_t)(p - text));
		if (space)
			ch_str_add_char(out, ' ');
		text = space ? space + 1 : end;
	}
}

/* ---- which are divided ------------------------------------------------ */

struct word {
	guint start, end;
	bool divided; /* it may be */
};

struct words {
	struct word *items; /* owned; in their order */
	size_t len, cap;
};

static void find_words(const char *text, struct words *words)
{
	const char *p = text;

	while (*p) {
		const char *end = strchr(p, ' ');
		size_t len = end ? (size_t)(end - p) : strlen(p);

		if (memmem(p, len, SHY, 2)) {
			CH_GROW(words->items, words->len, words->cap);
			words->items[words->len++] = (struct word){
				(guint)(p - text), (guint)(p - text + len),
				false
			};
		}
		p += len + (end != NULL);
	}
}

/* The line may end before a word, but not inside. */
static void set_attributes(PangoLayout *layout, PangoAttrList *attrs,
			   const struct words *words)
{
	PangoAttrList *all = pango_attr_list_copy(attrs);
	const char *text = pango_layout_get_text(layout);

	for (size_t i = 0; i < words->len; i++) {
		const struct word *word = &words->items[i];
		PangoAttribute *attribute;

		if (word->divided)
			continue;
		attribute = pango_attr_allow_breaks_new(FALSE);
		attribute->start_index =
			(guint)(ch_page_next(text + word->start) - text);
		attribute->end_index = word->end;
		pango_attr_list_insert(all, attribute);
	}
	pango_layout_set_attributes(layout, all);
	pango_attr_list_unref(all);
}

static bool ends_divided(const PangoLayoutLine *line, const char *text)
{
	int end = line->start_index + line->length;

	return end >= 2 && strncmp(text + end - 2, SHY, 2) == 0;
}

static bool is_loose(PangoLayoutLine *line, double width)
{
	PangoRectangle extents;

	pango_layout_line_get_extents(line, NULL, &extents);
	return (double)extents.width / PANGO_SCALE < width * (1 - LOOSE);
}

/* The word with which a line begins, if it is whole. */
static struct word *word_at(const struct words *words, int start)
{
	for (size_t i = 0; i < words->len; i++) {
		if ((int)words->items[i].start == start)
			return words->items[i].divided ? NULL
						       : &words->items[i];
	}
	return NULL;
}

/* The next word that should be divided, from line *from on. */
static struct word *next_word(PangoLayout *layout, const struct words *words,
			      double width, int *from)
{
	const char *text = pango_layout_get_text(layout);
	int lines = pango_layout_get_line_count(layout);

	for (; *from + 1 < lines; ++*from) {
		PangoLayoutLine *line =
			pango_layout_get_line_readonly(layout, *from);
		PangoLayoutLine *next =
			pango_layout_get_line_readonly(layout, *from + 1);
		struct word *word = word_at(words, next->start_index);
		bool row = *from >= 2;

		for (int i = 1; row && i <= 2; i++)
			row = ends_divided(pango_layout_get_line_readonly(
						   layout, *from - i),
					   text);
		if (word && !row && is_loose(line, width) &&
		    !ends_divided(line, text))
			return word;
	}
	return NULL;
}

void ch_page_divide_words(PangoLayout *layout, PangoAttrList *attrs,
			  double width)
{
	struct words words = { 0 };
	struct word *word;
	int from = 0;

	find_words(pango_layout_get_text(layout), &words);
	set_attributes(layout, attrs, &words);
	while (words.len <= WORDS_MAX &&
	       (word = next_word(layout, &words, width, &from))) {
		word->divided = true;
		set_attributes(layout, attrs, &words);
	}
	free(words.items);
}
