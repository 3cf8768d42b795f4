/* SPDX-License-Identifier: GPL-3.0-or-later */
/* filter.h - how a value is written: {{deadline | date:short}}.
 *
 * filter := name [ ":" arguments ]
 */
#ifndef CH_LETTER_FILTER_H
#define CH_LETTER_FILTER_H

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

struct ch_countries;

/* What filters know beside the value. */
struct ch_filter_env {
	const char *language; /* of the text: "fr" */
	const struct ch_countries *countries; /* or NULL */
};

struct ch_filter; /* opaque: one filter of one tag; never changes */

/* Read "date:short" for a text in `language`. The caller owns *ret. -1 with
 * CH_GIVE_UP where there is no such filter, or not with these arguments, and
 * what may stand there in *hint. */
int ch_filter_new(struct ch_slice text, const char *language,
		  struct ch_filter **ret, struct ch_str *hint,
		  struct ch_error *err);
void ch_filter_free(struct ch_filter *filter); /* NULL is fine */

/* Append what it makes of the value, which is not empty. -1 with CH_GIVE_UP
 * where it is no such value. */
int ch_filter_write(const struct ch_filter *filter, struct ch_slice value,
		    const struct ch_filter_env *env, struct ch_str *out,
		    struct ch_error *err);

/* What a value has to look like, as a sentence. */
const char *ch_filter_hint(const struct ch_filter *filter);

CH_DEFINE_AUTOPTR(ch_filter);

#endif
