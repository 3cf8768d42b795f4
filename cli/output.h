/* SPDX-License-Identifier: GPL-3.0-or-later */
/* output.h - a file that is there whole, or not at all.
 *
 * It is written beside its place, under a name of its own, and takes its place
 * when it is on the disk. What cannot be replaced (a pipe, a device, stdout) is
 * written to as it is.
 */
#ifndef CH_CLI_OUTPUT_H
#define CH_CLI_OUTPUT_H

#include <stdio.h>

#include "base/mem.h"

struct ch_cli;

struct ch_output {
	const struct ch_cli *cli; /* borrowed */
	const char *shown;        /* borrowed: what messages call it */
	FILE *file;               /* owned, but for stdout */
	char *written;            /* owned; where the bytes are: NULL as they
				     go to `file` alone */
	char *place;              /* owned; NULL: they are copied to `target` */
	int target;               /* owned; a descriptor, or -1 */
};

enum ch_output_needs {
	CH_OUTPUT_STREAM, /* `file` is written to from its start to its end */
	CH_OUTPUT_NAMED,  /* `written` is a regular file that others write */
};

/* `path` NULL or "-" is stdout. EX_OK, or EX_CANTCREAT with it said. Release it
 * in any case. */
int ch_output_open(const struct ch_cli *cli, const char *path,
		   enum ch_output_needs needs, struct ch_output *ret);

/* All is written: bring it to its place. EX_OK, or EX_IOERR with it said, and
 * then nothing has changed there. */
int ch_output_commit(struct ch_output *output);

/* Without ch_output_commit() nothing is left of it. */
void ch_output_release(struct ch_output *output);

#endif
