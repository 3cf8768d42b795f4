// SPDX-License-Identifier: GPL-3.0-or-later
/* overview-xlsx-none.c - workbooks in a build without libxlsxwriter: there are
 * none. */
#include "cli/cli.h"
#include "cli/overview.h"

bool ch_overview_xlsx_available(void)
{
	return false;
}

int ch_overview_xlsx(struct ch_overview *o, const char *path)
{
	return ch_fail(o->cli, EX_UNAVAILABLE, NULL,
		       "this build of Chancery writes no workbooks");
}
