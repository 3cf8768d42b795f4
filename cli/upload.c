// SPDX-License-Identifier: GPL-3.0-or-later
/* upload.c - gather the parts of an upload. */
#include "cli/upload.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void ch_upload_release(struct ch_upload *upload)
{
	free(upload->parts);
	*upload = (struct ch_upload){ 0 };
}

static void add(struct ch_upload *upload, struct ch_upload_part part)
{
	CH_GROW(upload->parts, upload->len, upload->cap);
	upload->parts[upload->len++] = part;
}

void ch_upload_field(struct ch_upload *upload, const char *name,
		     const char *value)
{
	add(upload, (struct ch_upload_part){ .name = name,
					     .bytes = value,
					     .len = strlen(value),
					     .fd = -1 });
}

void ch_upload_bytes(struct ch_upload *upload, const char *name,
		     const char *filename, const char *bytes, size_t len)
{
	add(upload, (struct ch_upload_part){ .name = name,
					     .filename = filename,
					     .bytes = bytes,
					     .len = len,
					     .fd = -1 });
}

void ch_upload_file(struct ch_upload *upload, const char *name,
		    const char *filename, int fd, uint64_t size_bytes)
{
	add(upload, (struct ch_upload_part){ .name = name,
					     .filename = filename,
					     .fd = fd,
					     .size_bytes = size_bytes });
}
