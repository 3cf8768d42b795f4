/* SPDX-License-Identifier: GPL-3.0-or-later */
/* upload.h - the parts of a multipart body, some of them files. */
#ifndef CH_CLI_UPLOAD_H
#define CH_CLI_UPLOAD_H

#include <stddef.h>
#include <stdint.h>

struct ch_upload_part {
	const char *name;
	const char *filename; /* NULL: a field */
	const char *bytes;    /* NULL: read from the descriptor */
	size_t len;
	int fd;               /* regular file, read from its beginning */
	uint64_t size_bytes;  /* of it */
};

/* All borrowed. */
struct ch_upload {
	struct ch_upload_part *parts; /* owned array */
	size_t len;
	size_t cap;
};
void ch_upload_release(struct ch_upload *upload);

void ch_upload_field(struct ch_upload *upload, const char *name,
		     const char *value);
void ch_upload_bytes(struct ch_upload *upload, const char *name,
		     const char *filename, const char *bytes, size_t len);
void ch_upload_file(struct ch_upload *upload, const char *name,
		    const char *filename, int fd, uint64_t size_bytes);

#endif
