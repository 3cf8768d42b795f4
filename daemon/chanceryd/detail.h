/* SPDX-License-Identifier: GPL-3.0-or-later */
/* detail.h - the JSON object that stands with an event. */
#ifndef CH_CHANCERYD_DETAIL_H
#define CH_CHANCERYD_DETAIL_H

#include <stdint.h>

#include "base/str.h"

struct ch_detail {
	struct json_t *object; /* owned */
};

void ch_detail_text(struct ch_detail *detail, const char *name,
		    const char *value); /* whatever its bytes; NULL is "" */
void ch_detail_int(struct ch_detail *detail, const char *name, int64_t value);
/* To a list of texts called `name`. */
void ch_detail_item(struct ch_detail *detail, const char *name,
		    const char *value);
/* The object as text, which the caller frees; "{}" where nothing was added. */
char *ch_detail_take(struct ch_detail *detail);
void ch_detail_release(struct ch_detail *detail);

#endif
