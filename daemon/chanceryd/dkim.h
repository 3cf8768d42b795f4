/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dkim.h - the names that DKIM keys have in the DNS, and what is to be
 * published under them.
 */
#ifndef CH_CHANCERYD_DKIM_H
#define CH_CHANCERYD_DKIM_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

struct ch_config;

#define CH_DKIM_NAME_MAX 253

/* Labels of letters, digits and hyphens, with dots between them: what a domain
 * and a selector are (RFC 6376 section 3.1). */
bool ch_dkim_is_name(const char *name);

/* Whether the domain of the From, which is as in the configuration ("Registry
 * <registry@chancery.example>"), is `domain` or one below it (RFC 7489 section
 * 3.1.1), in either writing of an international one. Also where the From has
 * none. */
bool ch_dkim_is_aligned(const char *domain, const char *from);

/* Print the records to publish, as a zone file has them. 0, or -1: a key cannot
 * be read (CH_GIVE_UP), or `to` takes nothing (CH_RETRY). */
int ch_dkim_print(const struct ch_config *config, FILE *to,
		  struct ch_error *err);

#endif
