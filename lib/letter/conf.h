/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conf.h - what may stand in a letter.conf. */
#ifndef CH_LETTER_CONF_H
#define CH_LETTER_CONF_H

#include "base/settings.h"
#include "letter/languages.h"

struct ch_letter_page_conf {
	bool attach;
	char *name;
	int paper; /* enum ch_paper */
	int64_t top, bottom, left, right; /* in mm */
	char *font;
	char *font_zh;
	char *font_zh_strong;
	char *font_ar;
	char *letterhead;
	char *signature;
};

struct ch_letter_conf {
	char *sender;
	char *reply_to;
	char *reference;
	struct ch_setting_strings languages;
	char *fallback_language;
	struct ch_setting_strings annexes;
	char *annexes_fallback;
	char *logo;
	int64_t logo_width;
	char *courtesy_translation;
	struct ch_setting_map labels[CH_LANGUAGES];
	struct ch_letter_page_conf page;
	struct {
		unsigned int sender, reply_to, reference, languages,
			fallback_language, annexes, annexes_fallback, page,
			logo, courtesy_translation;
	} lines; /* where each stands; 0: nowhere */
};

/* Also for the manual. */
extern const struct ch_setting ch_letter_settings[];

/* Read the text of a letter.conf into the zeroed *ret, which is to be released
 * in any case. -1 with every problem. */
int ch_letter_conf_parse(struct ch_slice text, const char *shown,
			 struct ch_letter_conf *ret,
			 struct ch_problems *problems);
void ch_letter_conf_release(struct ch_letter_conf *conf);

#endif
