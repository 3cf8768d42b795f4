/* SPDX-License-Identifier: GPL-3.0-or-later */
/* template-private.h - what template-parse.c makes and template.c runs: a flat
 * list of operations, in which a section knows where it ends. */
#ifndef CH_LETTER_TEMPLATE_PRIVATE_H
#define CH_LETTER_TEMPLATE_PRIVATE_H

#include "letter/template.h"

enum ch_template_kind {
	CH_OP_TEXT,
	CH_OP_VALUE,
	CH_OP_SECTION,
	CH_OP_INVERTED,
};

enum ch_template_filter {
	CH_FILTER_NONE,
	CH_FILTER_DATE,
};

struct ch_template_op {
	enum ch_template_kind kind;
	enum ch_template_filter filter; /* VALUE */
	bool guarded;     /* VALUE: a section on the same field is around it */
	size_t file;      /* index into `files` */
	unsigned int line;
	unsigned int column;
	size_t at;        /* TEXT: where in `text` */
	size_t len;       /* TEXT */
	size_t name;      /* the others: index into `names` */
	size_t slot;      /* VALUE */
	size_t end;       /* SECTION, INVERTED: the op behind it */
};

struct ch_template_name {
	char *text;   /* owned */
	bool section; /* some section is on it */
};

struct ch_template {
	struct ch_template_op *ops; /* owned */
	size_t ops_len;
	size_t ops_cap;
	struct ch_template_name *names; /* owned */
	size_t names_len;
	size_t names_cap;
	char **files; /* owned, as are the strings */
	size_t files_len;
	size_t files_cap;
	struct ch_str text;
	size_t slots;
};

#endif
