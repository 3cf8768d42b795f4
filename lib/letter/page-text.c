// SPDX-License-Identifier: GPL-3.0-or-later
/* page-text.c - a block of text, laid out in lines.
 *
 * pango breaks the lines; stretching them is ours, since pango would widen the
 * one space in a line of Chinese by all that the line lacks. A line that would
 * have to stretch by more than a quarter, or its spaces to four times their
 * width, stays ragged: an address that goes to the next line leaves such a one.
 */
#include <stdlib.h>
#include <string.h>

#include "letter/page-private.h"

#define LINE_SEPARATOR "\xE2\x80\xA8"
#define STRETCH_MAX 0.25 /* of the line's width */
#define SPACE_MAX 0.7	 /* ems that a space may gain */

/* A block under way: its text goes to job->bytes. */
struct block {
	struct page_job *job;
	PangoAttrList *attrs;
	struct page_text *text;
	bool slant;
	guint strong, emphasis, link; /* where each began */
	double strong_scale;
	int whole; /* inside code or a link, or not justified: no hyphens */
	bool link_ok;
};

void ch_page_text_free(struct page_text *text)
{
	if (!text)
		return;
	for (size_t i = 0; i < text->links_len; i++)
		free(text->links[i].address);
	free(text->links);
	free(text->bookmark);
	if (text->layout)
		g_object_unref(text->layout);
	free(text);
}

static void add_attribute(struct block *block, PangoAttribute *attribute,
			  guint start)
{
	attribute->start_index = start;
	attribute->end_index = (guint)block->job->bytes.len;
	pango_attr_list_insert(block->attrs, attribute);
}

/* ---- the text --------------------------------------------------------- */

/* Words get their hyphens when the stretch they stand in is complete. */
static void flush(struct block *block)
{
	struct page_job *job = block->job;
	struct ch_str *plain = &job->plain;

	if (block->whole)
		ch_str_add_mem(&job->bytes, ch_str_cstr(plain), plain->len);
	else
		ch_page_hyphenate(job->language, ch_str_cstr(plain),
				  plain->len, &job->bytes);
	ch_str_clear(plain);
}

static PangoAttribute *strong_attribute(const struct page_language *language)
{
	return language->strong ? pango_attr_family_new(language->strong)
				: pango_attr_weight_new(PANGO_WEIGHT_BOLD);
}

static void end_emphasis(struct block *block)
{
	add_attribute(block,
		      block->slant ? pango_attr_style_new(PANGO_STYLE_ITALIC)
				   : strong_attribute(block->job->language),
		      block->emphasis);
}

static void begin_link(struct block *block, const struct ch_page_step *step)
{
	struct page_job *job = block->job;
	struct page_text *text = block->text;
	CH_AUTO(ch_str) address = CH_STR_INIT(4096);

	block->link = (guint)job->bytes.len;
	block->link_ok = ch_page_add_address(
				 job->body,
				 (struct ch_slice){
					 ch_str_cstr(&job->form->bytes) +
						 step->offset,
					 step->len },
				 job->values, &address) == 0 &&
			 !address.full;
	if (!block->link_ok)
		return;
	CH_GROW(text->links, text->links_len, text->links_cap);
	text->links[text->links_len++] = (struct page_link){
		.start = (int)job->bytes.len,
		.address = ch_str_take(&address),
	};
}

static void end_link(struct block *block)
{
	struct page_text *text = block->text;

	if (block->link_ok)
		text->links[text->links_len - 1].end =
			(int)block->job->bytes.len;
	add_attribute(block, pango_attr_insert_hyphens_new(FALSE),
		      block->link);
}

static void add_mark(struct block *block, const struct ch_page_step *step)
{
	struct page_job *job = block->job;

	flush(block);
	switch (step->kind) {
	case CH_PAGE_STRONG:
		block->strong = (guint)job->bytes.len;
		break;
	case CH_PAGE_STRONG_END:
		add_attribute(block, strong_attribute(job->language),
			      block->strong);
		if (block->strong_scale > 0)
			add_attribute(block,
				      pango_attr_scale_new(block->strong_scale),
				      block->strong);
		break;
	case CH_PAGE_EMPHASIS:
		block->emphasis = (guint)job->bytes.len;
		break;
	case CH_PAGE_EMPHASIS_END:
		end_emphasis(block);
		break;
	case CH_PAGE_LINK:
		block->whole++;
		begin_link(block, step);
		break;
	case CH_PAGE_LINK_END:
		block->whole--;
		end_link(block);
		break;
	case CH_PAGE_CODE:
		block->whole++;
		break;
	case CH_PAGE_CODE_END:
		block->whole--;
		break;
	default:
		break;
	}
}

static void add_step(struct block *block, const struct ch_page_step *step)
{
	struct page_job *job = block->job;

	switch (step->kind) {
	case CH_PAGE_TEXT:
		ch_str_add_mem(&job->plain,
			       ch_str_cstr(&job->form->bytes) + step->offset,
			       step->len);
		break;
	case CH_PAGE_VALUE: /* names above all: they stay whole */
		flush(block);
		ch_page_add_value(job->body, job->values[step->number],
				  &job->bytes);
		break;
	case CH_PAGE_HARD:
		ch_str_add(&job->plain, LINE_SEPARATOR);
		break;
	default:
		add_mark(block, step);
		break;
	}
}

/* ---- lines ------------------------------------------------------------ */

static bool stretches(gunichar c, bool wide)
{
	return c == ' ' || (wide && g_unichar_iswide(c));
}

/* Call it for each place where a line may be stretched: with `add` NULL they
 * are counted, else each is widened by *add. */
static int each_place(PangoLayoutLine *line, const char *text, bool wide,
		      const int *add)
{
	int count = 0;

	for (GSList *l = line->runs; l; l = l->next) {
		PangoGlyphItem *run = l->data;
		PangoGlyphItemIter iter;
		gboolean more = pango_glyph_item_iter_init_start(&iter, run,
								 text);

		for (; more; more = pango_glyph_item_iter_next_cluster(&iter)) {
			gunichar c = g_utf8_get_char(text + iter.start_index);
			int last = run->item->analysis.level % 2
					   ? iter.end_glyph + 1
					   : iter.end_glyph - 1;

			if (!stretches(c, wide) ||
			    iter.end_index >= line->start_index + line->length)
				continue;
			count++;
			if (add)
				run->glyphs->glyphs[last].geometry.width +=
					*add;
		}
	}
	return count;
}

static void stretch(PangoLayoutLine *line, const char *text, bool wide,
		    double width, double em)
{
	PangoRectangle extents;
	double lack;
	int places, add;

	pango_layout_line_get_extents(line, NULL, &extents);
	lack = width - (double)extents.width / PANGO_SCALE;
	places = each_place(line, text, wide, NULL);
	if (lack <= 0 || lack > width * STRETCH_MAX || places == 0 ||
	    lack > places * em * SPACE_MAX)
		return;
	add = (int)(lack * PANGO_SCALE / places);
	each_place(line, text, wide, &add);
}

/* Whether the line ends where its author ended it. */
static bool ends_hard(const PangoLayoutLine *line, const char *text)
{
	size_t end = (size_t)(line->start_index + line->length);

	return text[end] == '\0' ||
	       strncmp(text + end, LINE_SEPARATOR, 3) == 0 ||
	       (end >= 3 && strncmp(text + end - 3, LINE_SEPARATOR, 3) == 0);
}

static void justify(struct page_text *text, bool wide, double indent,
		    double em)
{
	const char *bytes = pango_layout_get_text(text->layout);
	PangoLayoutIter *iter = pango_layout_get_iter(text->layout);
	bool first = true;

	do {
		PangoLayoutLine *line = pango_layout_iter_get_line(iter);

		if (!ends_hard(line, bytes))
			stretch(line, bytes, wide,
				text->width - (first ? indent : 0), em);
		first = false;
	} while (pango_layout_iter_next_line(iter));
	pango_layout_iter_free(iter);
}

/* ---- characters that no font has -------------------------------------- */

static void refuse_character(struct page_job *job, gunichar c)
{
	char utf8[8] = "";

	utf8[g_unichar_to_utf8(c, utf8)] = '\0';
	if (job->unknown) {
		ch_str_add(job->unknown, utf8);
		return;
	}
	if (!job->failed)
		ch_error_set(job->err, CH_GIVE_UP,
			     "the page: none of its fonts has \"%s\" (U+%04X)",
			     utf8, c);
	job->failed = true;
}

static void find_unknown(struct page_job *job, PangoLayout *layout)
{
	PangoLayoutIter *iter;

	if (pango_layout_get_unknown_glyphs_count(layout) == 0)
		return;
	iter = pango_layout_get_iter(layout);
	do {
		PangoLayoutRun *run = pango_layout_iter_get_run_readonly(iter);

		for (int i = 0; run && i < run->glyphs->num_glyphs; i++) {
			PangoGlyph glyph = run->glyphs->glyphs[i].glyph;

			if (glyph != PANGO_GLYPH_EMPTY &&
			    (glyph & PANGO_GLYPH_UNKNOWN_FLAG))
				refuse_character(
					job,
					glyph & ~PANGO_GLYPH_UNKNOWN_FLAG);
		}
	} while (pango_layout_iter_next_run(iter));
	pango_layout_iter_free(iter);
}

/* ---- all of it -------------------------------------------------------- */

static struct page_text *new_text(struct page_job *job,
				  const struct page_look *look, double width)
{
	struct page_text *text = ch_xzalloc(sizeof(*text));

	CH_GROW(job->texts, job->texts_len, job->texts_cap);
	job->texts[job->texts_len++] = text;
	text->tag = "P";
	text->grey = look->grey;
	text->width = width;
	text->leading = job->language->size * look->scale *
			job->language->leading;
	return text;
}

/* pango's alignment is of the page and not of the script. */
static PangoAlignment alignment(const struct page_job *job,
				const struct page_look *look)
{
	if (look->align == PANGO_ALIGN_CENTER || !job->language->rtl)
		return look->align;
	return look->align == PANGO_ALIGN_LEFT ? PANGO_ALIGN_RIGHT
					       : PANGO_ALIGN_LEFT;
}

static void add_features(const struct page_language *language,
			 PangoAttrList *attrs)
{
	PangoAttribute *attribute;

	if (!language->features)
		return;
	attribute = pango_attr_font_features_new(language->features);
	attribute->start_index = PANGO_ATTR_INDEX_FROM_TEXT_BEGINNING;
	attribute->end_index = PANGO_ATTR_INDEX_TO_TEXT_END;
	pango_attr_list_insert(attrs, attribute);
}

/* Signs that fill the left half of their square, and those that fill the
 * right. */
static bool is_closing(gunichar c)
{
	return c && g_utf8_strchr("\u3001\u3002\u3009\u300B\u300D\u300F"
				  "\u3011\u3015\uFF01\uFF09\uFF0C\uFF1A"
				  "\uFF1B\uFF1F",
				  -1, c);
}

static bool is_opening(gunichar c)
{
	return c && g_utf8_strchr("\u3008\u300A\u300C\u300E\u3010\u3014"
				  "\uFF08",
				  -1, c);
}

/* Where two such signs meet, or one meets a quotation mark, which is narrow
 * already, only half a square stands between their ink: the font has narrow
 * forms of them. */
static void squeeze(const struct ch_str *bytes, PangoAttrList *attrs)
{
	const char *text = ch_str_cstr(bytes);
	gunichar before = 0;

	for (const char *p = text; *p; p = ch_page_next(p)) {
		gunichar c = g_utf8_get_char(p);
		const char *next = ch_page_next(p);
		gunichar after = *next ? g_utf8_get_char(next) : 0;
		PangoAttribute *attribute;

		if ((is_closing(c) &&
		     (is_closing(after) || is_opening(after) ||
		      after == 0x201C)) ||
		    (is_opening(c) &&
		     (is_opening(before) || before == 0x201D))) {
			attribute = pango_attr_font_features_new("halt=1");
			attribute->start_index = (guint)(p - text);
			attribute->end_index = (guint)(next - text);
			pango_attr_list_insert(attrs, attribute);
		}
		before = c;
	}
}

/* No line ends between `from` and the character at `to`. */
static void keep(const char *text, const char *from, const char *to,
		 PangoAttrList *attrs)
{
	PangoAttribute *attribute = pango_attr_allow_breaks_new(FALSE);

	attribute->start_index = (guint)(from - text);
	attribute->end_index = (guint)((*to ? ch_page_next(to) : to) - text);
	pango_attr_list_insert(attrs, attribute);
}

/* An address may be divided, but not behind its "https://". */
static void keep_schemes(const char *text, PangoAttrList *attrs)
{
	for (const char *p = text; (p = strstr(p, "://")) != NULL; p += 3)
		keep(text, p, p + 3, attrs);
}

/* The day stays with its month: so does any number of one or two digits with
 * the word behind it. */
static void keep_numbers(const char *text, PangoAttrList *attrs)
{
	for (const char *p = text; *p;) {
		size_t digits = strspn(p, "0123456789");
		const char *word = p + digits + 1;

		if ((digits == 1 || digits == 2) && p[digits] == ' ' &&
		    (p == text || !g_ascii_isalnum(p[-1])) &&
		    g_unichar_isalpha(g_utf8_get_char(word)))
			keep(text, p, word, attrs);
		p = digits > 0 ? p + digits : ch_page_next(p);
	}
}

static void lay_out(struct page_job *job, struct page_text *text,
		    PangoAttrList *attrs, const struct page_look *look)
{
	PangoFontDescription *font =
		pango_font_description_copy(job->language->font);
	PangoLayout *layout = pango_layout_new(job->language->context);

	pango_font_description_set_absolute_size(
		font, job->language->size * look->scale * PANGO_SCALE);
	if (look->bold && job->language->strong)
		pango_font_description_set_family(font,
						  job->language->strong);
	else if (look->bold)
		pango_font_description_set_weight(font, PANGO_WEIGHT_BOLD);
	pango_layout_set_font_description(layout, font);
	pango_font_description_free(font);
	pango_layout_set_auto_dir(layout, FALSE);
	pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
	pango_layout_set_alignment(layout, alignment(job, look));
	pango_layout_set_indent(layout, (int)(look->indent * PANGO_SCALE));
	if (text->width > 0)
		pango_layout_set_width(layout,
				       (int)(text->width * PANGO_SCALE));
	add_features(job->language, attrs);
	keep_schemes(ch_str_cstr(&job->bytes), attrs);
	keep_numbers(ch_str_cstr(&job->bytes), attrs);
	if (job->language->wide)
		squeeze(&job->bytes, attrs);
	pango_layout_set_text(layout, ch_str_cstr(&job->bytes),
			      (int)job->bytes.len);
	if (look->justify && job->language->hyphens)
		ch_page_divide_words(layout, attrs, text->width);
	else
		pango_layout_set_attributes(layout, attrs);
	text->layout = layout;
	find_unknown(job, layout);
	if (look->justify)
		justify(text, job->language->wide, look->indent,
			job->language->size * look->scale);
}

static bool is_blank(const struct ch_str *bytes)
{
	const char *p = ch_str_cstr(bytes);

	for (; *p; p = ch_page_next(p)) {
		gunichar c = g_utf8_get_char(p);

		if (!g_unichar_isspace(c) && !g_unichar_iszerowidth(c) &&
		    c != 0x2028)
			return false;
	}
	return true;
}

struct page_text *ch_page_text_block(struct page_job *job, size_t *at,
				     const struct page_look *look,
				     double width)
{
	struct block block = {
		.job = job,
		.attrs = pango_attr_list_new(),
		.slant = !job->language->rtl && !job->language->wide,
		.strong_scale = look->strong_scale,
		.whole = !look->justify,
	};
	const struct ch_page_step *steps = job->form->steps;

	ch_str_clear(&job->bytes);
	ch_str_clear(&job->plain);
	block.text = new_text(job, look, width);
	for (++*at; steps[*at].kind != CH_PAGE_BLOCK_END; ++*at)
		add_step(&block, &steps[*at]);
	flush(&block);
	++*at;
	if (!is_blank(&job->bytes))
		lay_out(job, block.text, block.attrs, look);
	pango_attr_list_unref(block.attrs);
	return block.text->layout ? block.text : NULL;
}

struct page_text *ch_page_text_words(struct page_job *job, const char *words,
				     const struct page_look *look,
				     double width)
{
	struct page_text *text = new_text(job, look, width);
	PangoAttrList *attrs = pango_attr_list_new();

	ch_str_clear(&job->bytes);
	ch_str_add(&job->bytes, words);
	/* A hyphen in an address would be taken for a part of it. */
	pango_attr_list_insert(attrs, pango_attr_insert_hyphens_new(FALSE));
	if (look->strong_len) {
		PangoAttribute *strong = strong_attribute(job->language);

		strong->start_index = 0;
		strong->end_index = (guint)look->strong_len;
		pango_attr_list_insert(attrs, strong);
	}
	lay_out(job, text, attrs, look);
	pango_attr_list_unref(attrs);
	return text;
}

double ch_page_text_width(const struct page_text *text)
{
	int width;

	pango_layout_get_size(text->layout, &width, NULL);
	return (double)width / PANGO_SCALE;
}
