/* SPDX-License-Identifier: GPL-3.0-or-later */
/* letter-private.h - what letter.c loads and merge.c merges. */
#ifndef CH_LETTER_LETTER_PRIVATE_H
#define CH_LETTER_LETTER_PRIVATE_H

#include "letter/body.h"
#include "letter/conf.h"
#include "letter/letter.h"
#include "letter/template.h"

/* Where a field's value comes from. */
enum ch_source {
	CH_SOURCE_COLUMN,
	CH_SOURCE_CONSTANT, /* known when the letter is loaded */
	CH_SOURCE_DATE,     /* of the letter */
	CH_SOURCE_COPIES,
};

/* A text with fields: a subject, or a body. */
struct ch_letter_part {
	struct ch_template *tpl; /* owned */
	enum ch_source *sources; /* owned; by the template's names */
	char **constants;        /* owned, as are the strings; by name */
	struct ch_slice *values; /* owned; scratch, by name */
	struct ch_filled filled; /* scratch */
};

/* Bodies compiled, by which sections are open. */
struct ch_letter_shape {
	char *open;           /* owned */
	struct ch_body *body; /* owned */
};

struct ch_letter_language {
	const char *code;
	const struct ch_bundle_file *file; /* borrowed */
	const struct ch_setting_map *labels; /* borrowed from conf */
	struct ch_slice subject_source; /* borrowed from the file */
	bool isolate; /* values stand between FSI and PDI */
	struct ch_letter_part subject;
	struct ch_letter_part body;
	const struct ch_attachment **attachments; /* owned array */
	size_t attachments_len;
	struct ch_letter_shape *shapes; /* owned */
	size_t shapes_len;
	size_t shapes_next; /* which one makes room when all are taken */
};

struct ch_letter {
	struct ch_letter_conf conf;
	const struct ch_bundle *bundle; /* borrowed */
	const char *conf_shown;         /* borrowed from the bundle */
	struct ch_letter_language *languages; /* owned */
	size_t languages_len;
	const char **codes; /* owned array; NULL ends */
	const struct ch_letter_language *fallback;
	struct ch_attachment **attachments; /* owned; by the bundle's files */
	struct ch_address from;
	struct ch_address reply_to;
	bool has_reply_to;
	struct ch_address test_to;
	bool has_test_to;
	char *reference; /* owned */
	char *deadline;  /* owned; "" */
	int64_t date_us;
	uint64_t max_bytes;
	struct ch_attachment *logo; /* owned; NULL: none */
	const struct ch_bundle_file *logo_file; /* borrowed */
	unsigned int logo_width;    /* as shown */
	unsigned int logo_height;
	/* scratch of a merge */
	struct ch_str logo_source;  /* "cid:…" */
	char content_language[8];   /* "fr", "fr, en" */
	const struct ch_letter_language *repeated; /* while it is filled in */
	char date[16];
	struct ch_str copies;
	struct ch_str subject;
	struct ch_str text;
	struct ch_str html;
	struct ch_address *to; /* owned array, for one message */
	size_t to_len;
	size_t to_cap;
	struct ch_address *cc; /* owned array */
	size_t cc_len;
	size_t cc_cap;
};

struct ch_letter_language *
ch_letter_find_language(const struct ch_letter *letter, const char *code);

/* A label of letter.conf in that language; NULL where it has none. (letter.c) */
const char *ch_letter_label(const struct ch_letter_language *language,
			    const char *name);

/* Read the picture above the letters from `file`. (logo.c) */
int ch_letter_load_logo(struct ch_letter *letter,
			const struct ch_bundle_file *file,
			struct ch_error *err);
/* What the HTML shows it by from here on: the part of that message, or all of
 * its bytes, for a preview. */
void ch_letter_refer_to_logo(struct ch_letter *letter, const char *message_id);
void ch_letter_embed_logo(struct ch_letter *letter);
struct ch_body_logo ch_letter_logo(const struct ch_letter *letter,
				   const struct ch_letter_language *language);

/* The language in which a letter in `language` is repeated for the addressee;
 * NULL: none. (courtesy.c) */
struct ch_letter_language *
ch_letter_courtesy(const struct ch_letter *letter,
		   const struct ch_letter_language *language,
		   const struct ch_addressee *addressee);
/* The value of a column, in the language that is repeated if the table has it
 * so. NULL where there is no such column. */
const char *ch_letter_column(const struct ch_letter *letter,
			     const struct ch_addressee *addressee,
			     const char *name);
/* Whether a column is there for that alone: "second_language", or a field's
 * name and a language that is repeated. */
bool ch_letter_courtesy_uses(const struct ch_letter *letter,
			     const char *column);
/* What stands above it there. */
const char *ch_letter_courtesy_label(const struct ch_letter_language *second);
/* Whether letter.conf says what can be done; else -1. */
int ch_letter_check_courtesy(const struct ch_letter *letter,
			     struct ch_error *err);

/* Compile the bodies with all sections open and with all closed, so that a
 * fault of the Markdown is found before the first addressee. */
void ch_letter_try_bodies(struct ch_letter_language *language,
			  struct ch_problems *problems);

#endif
