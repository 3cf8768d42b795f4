/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conf.h - what may stand in a letter.conf. */
#ifndef CH_LETTER_CONF_H
#define CH_LETTER_CONF_H

#include "base/settings.h"

/* The six languages, in the order a letter has them unless it says. */
#define CH_LANGUAGES 6
extern const char *const ch_languages[CH_LANGUAGES + 1]; /* NULL ends */

struct ch_letter_conf {
	char *sender;
	char *reply_to;
	char *reference;
	struct ch_setting_strings languages;
	char *fallback_language;
	struct ch_setting_strings annexes;
	char *logo;
	int64_t logo_width;
	char *courtesy_translation;
	struct ch_setting_map labels[CH_LANGUAGES];
	struct {
		unsigned int sender, reply_to, reference, languages,
			fallback_language, annexes, logo,
			courtesy_translation;
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
