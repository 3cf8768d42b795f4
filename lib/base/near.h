/* SPDX-License-Identifier: GPL-3.0-or-later */
/* near.h - which name somebody may have meant. */
#ifndef CH_BASE_NEAR_H
#define CH_BASE_NEAR_H

#include <stddef.h>

/* Edits between two names: a letter more, less or another, or two that changed
 * places. Names over 64 bytes are far away. */
size_t ch_near_distance(const char *a, const char *b);

#endif
