// SPDX-License-Identifier: GPL-3.0-or-later
/* page-font.c - the fonts and hyphenation patterns of a language.
 *
 * fontconfig is given a configuration of our own that accepts the families of
 * letter.conf and nothing else: what the machine's configuration prefers, and
 * what a user has in ~/.fonts, then changes no letter, and a character that
 * those families lack is found out instead of being printed in some font.
 */
#include <fontconfig/fontconfig.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "letter/page-private.h"

/* Of pango/pangofc-fontmap.h, which cannot be included: the header of FreeType
 * that it includes names functions that base/banned.h bans. */
struct _PangoFcFontMap;
extern void pango_fc_font_map_set_config(struct _PangoFcFontMap *map,
					 FcConfig *config);

static void accept_family(struct ch_str *xml, const char *family)
{
	ch_str_add(xml, "<acceptfont><pattern><patelt name=\"family\">"
			"<string>");
	ch_escape_html(xml, family, strlen(family));
	ch_str_add(xml, "</string></patelt></pattern></acceptfont>");
}

static FcConfig *make_config(struct ch_page_setter *setter)
{
	CH_AUTO(ch_str) xml = CH_STR_INIT(8192);
	FcConfig *config = FcConfigCreate();

	ch_str_add(&xml, "<?xml version=\"1.0\"?><fontconfig>"
			 "<dir>/usr/share/fonts</dir>"
			 "<dir>/usr/local/share/fonts</dir>"
			 "<cachedir>/var/cache/fontconfig</cachedir>"
			 "<selectfont><rejectfont><pattern/></rejectfont>");
	for (size_t i = 0; i < CH_COUNT(setter->families); i++)
		accept_family(&xml, setter->families[i]);
	ch_str_add(&xml, "</selectfont></fontconfig>");
	FcConfigParseAndLoadFromMemory(
		config, (const FcChar8 *)ch_str_cstr(&xml), FcTrue);
	FcConfigBuildFonts(config);
	return config;
}

static bool has_family(FcConfig *config, const char *family)
{
	FcPattern *pattern = FcPatternBuild(NULL, FC_FAMILY, FcTypeString,
					    family, (char *)NULL);
	FcObjectSet *objects = FcObjectSetBuild(FC_FAMILY, (char *)NULL);
	FcFontSet *set = FcFontList(config, pattern, objects);
	bool found = set && set->nfont > 0;

	if (set)
		FcFontSetDestroy(set);
	FcObjectSetDestroy(objects);
	FcPatternDestroy(pattern);
	return found;
}

int ch_page_find_fonts(struct ch_page_setter *setter, struct ch_error *err)
{
	FcConfig *config = make_config(setter);
	int result = 0;

	for (size_t i = 0; i < CH_COUNT(setter->families) && result == 0;
	     i++) {
		if (!has_family(config, setter->families[i]))
			result = ch_error_set(err, CH_GIVE_UP,
					      "the font \"%s\" is not "
					      "installed in /usr/share/fonts",
					      setter->families[i]);
	}
	if (result == 0) {
		setter->fonts = pango_cairo_font_map_new_for_font_type(
			CAIRO_FONT_TYPE_FT);
		pango_fc_font_map_set_config(
			(struct _PangoFcFontMap *)(void *)setter->fonts,
			config);
	}
	FcConfigDestroy(config);
	return result;
}

/* ---- a language ------------------------------------------------------- */

/* Amiri is drawn small; Han stands on the full square. Leading is ours and not
 * the fonts' line gap, which differs between them by half. Arabic goes without
 * kerning and contextual swashes: they let letters overlap so far that readers
 * of the PDF's text see two words where there is one. */
static const struct rules {
	const char *code, *pango, *hyphens;
	double size, leading;
	int first; /* family */
	const char *features;
} rules[] = {
	{ "en", "en-gb", "en_GB", 10.5, 1.42, 0, NULL },
	{ "fr", "fr", "fr", 10.5, 1.42, 0, NULL },
	{ "es", "es", "es_ES", 10.5, 1.42, 0, NULL },
	{ "ru", "ru", "ru_RU", 10.5, 1.42, 0, NULL },
	{ "zh", "zh-cn", NULL, 10.5, 1.75, 1, NULL },
	{ "ar", "ar", NULL, 12.75, 1.5, 2, "kern=0,calt=0" },
};

static const struct rules *rules_of(const char *code)
{
	for (size_t i = 1; i < CH_COUNT(rules); i++) {
		if (strcmp(rules[i].code, code) == 0)
			return &rules[i];
	}
	return &rules[0];
}

static PangoContext *make_context(const struct ch_page_setter *setter,
				  const struct rules *r, bool rtl)
{
	PangoContext *context =
		pango_font_map_create_context(setter->fonts);
	cairo_font_options_t *options = cairo_font_options_create();

	/* Paper has no pixels to fit glyphs to. */
	cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
	cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
	pango_cairo_context_set_font_options(context, options);
	cairo_font_options_destroy(options);
	pango_cairo_context_set_resolution(context, 72);
	pango_context_set_round_glyph_positions(context, FALSE);
	pango_context_set_language(context,
				   pango_language_from_string(r->pango));
	pango_context_set_base_dir(context, rtl ? PANGO_DIRECTION_RTL
						: PANGO_DIRECTION_LTR);
	return context;
}

static PangoFontDescription *make_font(const struct ch_page_setter *setter,
				       const struct rules *r)
{
	PangoFontDescription *font = pango_font_description_new();
	char *const *f = setter->families;
	int first = r->first;
	CH_AUTOCHAR list = ch_xasprintf("%s,%s,%s", f[first],
					f[first == 0 ? 1 : 0],
					f[first == 2 ? 1 : 2]);

	pango_font_description_set_family(font, list);
	return font;
}

/* Chinese is not made bold but set in another face, as its printers do. */
static char *strong_of(const struct ch_page_setter *setter,
		       const struct rules *r)
{
	char *const *f = setter->families;

	if (r->first != 1)
		return NULL;
	return ch_xasprintf("%s,%s,%s,%s", f[3], f[1], f[0], f[2]);
}

struct page_language *ch_page_language(struct ch_page_setter *setter,
				       const char *code)
{
	const struct rules *r = rules_of(code);
	struct page_language *language;

	for (size_t i = 0; i < setter->languages_len; i++) {
		if (strcmp(setter->languages[i].code, r->code) == 0)
			return &setter->languages[i];
	}
	language = &setter->languages[setter->languages_len++];
	snprintf(language->code, sizeof(language->code), "%s", r->code);
	language->rtl = strcmp(r->code, "ar") == 0;
	language->wide = strcmp(r->code, "zh") == 0;
	language->size = r->size;
	language->leading = r->leading;
	language->features = r->features;
	language->context = make_context(setter, r, language->rtl);
	language->font = make_font(setter, r);
	language->strong = strong_of(setter, r);
	if (r->hyphens) {
		CH_AUTOCHAR path = ch_xasprintf(CH_HYPHENDIR "/hyph_%s.dic",
						r->hyphens);

		language->hyphens = hnj_hyphen_load(path);
	}
	return language;
}

void ch_page_language_release(struct page_language *language)
{
	if (language->context)
		g_object_unref(language->context);
	if (language->font)
		pango_font_description_free(language->font);
	free(language->strong);
	if (language->hyphens)
		hnj_hyphen_free(language->hyphens);
}

/* ---- hyphens ---------------------------------------------------------- */

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
			ch_str_add(out, "\xC2\xAD");
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
