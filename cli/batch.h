/* SPDX-License-Identifier: GPL-3.0-or-later */
/* batch.h - a batch as a person is shown it, by several verbs. */
#ifndef CH_CLI_BATCH_H
#define CH_CLI_BATCH_H

#include <jansson.h>

#include "cli/term.h"

/* What it is: reference, subject, letters per language, size, files, who and
 * when, digest. */
void ch_batch_facts(const struct ch_term *term, const json_t *batch);

/* What became of its letters, a line each. */
void ch_batch_outcome(const struct ch_term *term, const json_t *batch);

/* Whether nothing more will be sent of it by itself. */
bool ch_batch_at_rest(const json_t *batch);

#endif
