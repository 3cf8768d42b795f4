// SPDX-License-Identifier: GPL-3.0-or-later
/* conf.c - the table of letter.conf. */
#include "letter/conf.h"

#include "letter/page.h"

#define LABELS(code, index)                                         \
	{ .name = (code),                                           \
	  .type = CH_SETTING_MAP,                                   \
	  .offset = (index) * sizeof(struct ch_setting_map),        \
	  .initial = "{}",                                          \
	  .max = 100,                                               \
	  .help = "Texts of this letter in that language, printed " \
		  "by {{labels.NAME}}" }

static const struct ch_setting labels[] = {
	LABELS("en", 0), LABELS("fr", 1), LABELS("es", 2), LABELS("ru", 3),
	LABELS("zh", 4), LABELS("ar", 5), { .name = NULL },
};

static const char *const papers[] = { "A4", "Letter", NULL };

#define PAGE_TEXT(key, field, value, most, text)                    \
	{ .name = (key),                                            \
	  .type = CH_SETTING_STRING,                                \
	  .offset = offsetof(struct ch_letter_page_conf, field),    \
	  .initial = (value),                                       \
	  .max = (most),                                            \
	  .help = text }
#define PAGE_MARGIN(key, value)                                     \
	{ .name = #key,                                             \
	  .type = CH_SETTING_INT,                                   \
	  .offset = offsetof(struct ch_letter_page_conf, key),      \
	  .initial = (value),                                       \
	  .min = CH_PAGE_MARGIN_MIN_MM,                             \
	  .max = CH_PAGE_MARGIN_MAX_MM,                             \
	  .help = "Margin, in millimetres" }

static const struct ch_setting page[] = {
	{ .name = "attach",
	  .type = CH_SETTING_BOOL,
	  .offset = offsetof(struct ch_letter_page_conf, attach),
	  .initial = "false",
	  .help = "Whether every mail has the letter as a PDF, before its "
		  "annexes" },
	PAGE_TEXT("name", name, "\"\"", 100,
		  "What the PDF is called: \"letter.pdf\" becomes "
		  "letter.fr.pdf; where it is empty, the reference"),
	{ .name = "paper",
	  .type = CH_SETTING_ENUM,
	  .offset = offsetof(struct ch_letter_page_conf, paper),
	  .initial = "\"A4\"",
	  .names = papers,
	  .help = "A4 or Letter" },
	PAGE_MARGIN(top, "18"),
	PAGE_MARGIN(bottom, "20"),
	PAGE_MARGIN(left, "25"),
	PAGE_MARGIN(right, "25"),
	PAGE_TEXT("letterhead", letterhead, "\"\"", 120,
		  "Picture at the head of the first page, SVG or PNG"),
	PAGE_TEXT("signature", signature, "\"\"", 120,
		  "Picture above the signatory's name, SVG or PNG"),
	PAGE_TEXT("font", font, "\"Noto Serif\"", 100,
		  "Font of Latin and Cyrillic"),
	PAGE_TEXT("font_zh", font_zh, "\"Noto Serif CJK SC\"", 100,
		  "Font of Chinese"),
	PAGE_TEXT("font_zh_strong", font_zh_strong,
		  "\"WenQuanYi Micro Hei\"", 100,
		  "Font of what is strong in Chinese, which has no bold"),
	PAGE_TEXT("font_ar", font_ar, "\"Amiri\"", 100, "Font of Arabic"),
	{ .name = NULL },
};

const struct ch_setting ch_letter_settings[] = {
	{ .name = "sender",
	  .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_letter_conf, sender),
	  .initial = "\"\"",
	  .max = 400,
	  .help = "From: an address, or a name and an address in <>; where it "
		  "is empty, that of chancery.conf" },
	{ .name = "reply_to",
	  .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_letter_conf, reply_to),
	  .initial = "\"\"",
	  .max = 400,
	  .help = "Reply-To, where answers go elsewhere than to the sender" },
	{ .name = "reference",
	  .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_letter_conf, reference),
	  .initial = "\"\"",
	  .max = 100,
	  .help = "What references of this letter look like: # stands for a "
		  "number, as in \"DM-#\" or \"A/#/#\"; anything else for "
		  "itself; where it is empty, any reference is taken" },
	{ .name = "languages",
	  .type = CH_SETTING_STRINGS,
	  .offset = offsetof(struct ch_letter_conf, languages),
	  .initial = "[]",
	  .max = CH_LANGUAGES,
	  .help = "The letter's languages, the first being shown first; where "
		  "there are none, those of en.md, fr.md, es.md, ru.md, "
		  "zh.md, ar.md that the folder has" },
	{ .name = "fallback_language",
	  .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_letter_conf, fallback_language),
	  .initial = "\"\"",
	  .max = 2,
	  .help = "What an addressee gets whose language the letter lacks; "
		  "where it is empty, en if the letter has it, else the first "
		  "language" },
	{ .name = "annexes",
	  .type = CH_SETTING_STRINGS,
	  .offset = offsetof(struct ch_letter_conf, annexes),
	  .initial = "[]",
	  .max = 50,
	  .help = "Files to attach, in this order. For \"annex-1.pdf\" the "
		  "French letter gets annex-1.fr.pdf, or annex-1.pdf where "
		  "there is none for French alone" },
	{ .name = "annexes_fallback",
	  .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_letter_conf, annexes_fallback),
	  .initial = "\"\"",
	  .max = 2,
	  .help = "The language whose annex is attached where there is none in "
		  "the letter's own; where it is empty, that is an error" },
	{ .name = "page",
	  .type = CH_SETTING_GROUP,
	  .offset = offsetof(struct ch_letter_conf, page),
	  .initial = "{}",
	  .members = page,
	  .help = "The letter on paper" },
	{ .name = "logo",
	  .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_letter_conf, logo),
	  .initial = "\"\"",
	  .max = 120,
	  .help = "A PNG, JPEG or GIF of the letter's folder, shown above the "
		  "HTML; its words are the label organisation" },
	{ .name = "logo_width",
	  .type = CH_SETTING_INT,
	  .offset = offsetof(struct ch_letter_conf, logo_width),
	  .initial = "0",
	  .max = 600,
	  .help = "How wide it is shown, in pixels of CSS; 0: as many as it "
		  "has, at most 600" },
	{ .name = "courtesy_translation",
	  .type = CH_SETTING_STRING,
	  .offset = offsetof(struct ch_letter_conf, courtesy_translation),
	  .initial = "\"\"",
	  .max = 10,
	  .help = "A language, in which every letter in another is repeated "
		  "below; or \"second\", for the one that the addressee's "
		  "column second_language names" },
	{ .name = "labels",
	  .type = CH_SETTING_GROUP,
	  .offset = offsetof(struct ch_letter_conf, labels),
	  .initial = "{}",
	  .members = labels,
	  .help = "Texts that belong to the letter and differ by language: "
		  "signatory, organisation, words such as \"Annexes\"" },
	{ .name = NULL },
};

static void note_lines(void *ret, const char *shown,
		       const struct ch_setting_lines *lines,
		       struct ch_problems *problems)
{
	struct ch_letter_conf *conf = ret;

	(void)shown;
	(void)problems;
	conf->lines.sender = ch_settings_line(lines, "sender");
	conf->lines.reply_to = ch_settings_line(lines, "reply_to");
	conf->lines.reference = ch_settings_line(lines, "reference");
	conf->lines.languages = ch_settings_line(lines, "languages");
	conf->lines.fallback_language =
		ch_settings_line(lines, "fallback_language");
	conf->lines.annexes = ch_settings_line(lines, "annexes");
	conf->lines.annexes_fallback =
		ch_settings_line(lines, "annexes_fallback");
	conf->lines.page = ch_settings_line(lines, "page");
	conf->lines.logo = ch_settings_line(lines, "logo");
	conf->lines.courtesy_translation =
		ch_settings_line(lines, "courtesy_translation");
}

int ch_letter_conf_parse(struct ch_slice text, const char *shown,
			 struct ch_letter_conf *ret,
			 struct ch_problems *problems)
{
	return ch_settings_parse_checked(text.data, text.len, shown,
					 ch_letter_settings, ret, note_lines,
					 problems);
}

void ch_letter_conf_release(struct ch_letter_conf *conf)
{
	ch_settings_release(ch_letter_settings, conf);
}
