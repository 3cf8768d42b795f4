/* SPDX-License-Identifier: GPL-3.0-or-later */
/* settings-private.h - between settings.c and settings-scan.c. */
#ifndef CH_BASE_SETTINGS_PRIVATE_H
#define CH_BASE_SETTINGS_PRIVATE_H

#include "base/problem.h"

/* Look through the raw text for what libconfig 1.5 gets wrong in silence:
 * integers that do not fit 32 bits, an unterminated comment or string, a NUL;
 * and, with `no_include`, @include. -1 where something was found. */
int ch_settings_scan(const char *text, size_t len, const char *shown,
		     bool no_include, struct ch_problems *problems);

#endif
