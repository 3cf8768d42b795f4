// SPDX-License-Identifier: GPL-3.0-or-later
/* page-font.c - the fonts of a language.
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
