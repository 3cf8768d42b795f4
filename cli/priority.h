/* SPDX-License-Identifier: GPL-3.0-or-later */
/* priority.h - the words for a batch's place before or behind others. */
#ifndef CH_CLI_PRIORITY_H
#define CH_CLI_PRIORITY_H

#include <stdbool.h>

/* "high", "normal" or "low". */
bool ch_priority_word(const char *text);

#endif
