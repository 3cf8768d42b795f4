/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fault.h - an error about a file, as a problem whose place names it. */
#ifndef CH_LETTER_FAULT_H
#define CH_LETTER_FAULT_H

#include <string.h>

#include "base/error.h"

/* The error's text without the "name: " in front that the place says too. */
static inline const char *ch_error_behind(const struct ch_error *err,
					  const char *name)
{
	size_t len = strlen(name);

	if (strncmp(err->text, name, len) == 0 &&
	    strncmp(err->text + len, ": ", 2) == 0)
		return err->text + len + 2;
	return err->text;
}

#endif
