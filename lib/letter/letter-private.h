/* SPDX-License-Identifier: GPL-3.0-or-later */
/* letter-private.h - what letter.c loads and merge.c merges. */
#ifndef CH_LETTER_LETTER_PRIVATE_H
#define CH_LETTER_LETTER_PRIVATE_H

#include "letter/body.h"
#include "letter/conf.h"
#include "letter/country.h"
#include "letter/letter.h"
#include "letter/salutation.h"
#include "letter/template.h"

/* Where a field's value comes from. */
enum ch_source {
	CH_SOURCE_COLUMN,
	CH_SOURCE_CONSTANT, /* known when the letter is loaded */
	CH_SOURCE_DATE,     /* of the letter */
	CH_SOURCE_COPIES,
	CH_SOURCE_SALUTATION, /* and the others of ch_salutation_field */
	CH_SOURCE_SALUTATION_LINE,
	CH_SOURCE_SALUTATION_CLOSING,
	CH_SOURCE_ANNEXES, /* some addressees have their own */
};

/* A text with fields: a subject, or a body. Arrays go by the template's roots,
 * the first parts of its fields' names. */
struct ch_letter_part {
	struct ch_template *tpl; /* owned */
	enum ch_source *sources; /* owned */
	char **constants;        /* owned, as are the strings */
	struct ch_data *values;  /* owned; but for constants: scratch */
	bool *plain;             /* owned; the value needs no members */
	size_t *hints;           /* owned; scratch: which of the fields it was
				    the last time */
	struct ch_filled filled; /* scratch */
};

/* Bodies compiled, by the decisions that they follow from. */
struct ch_letter_shape {
	char *trace; /* owned */
	size_t trace_len;
	struct ch_body *body; /* owned */
};

struct ch_letter_language {
	const char *code;
	const struct ch_bundle_file *file; /* borrowed */
	const struct ch_setting_map *labels; /* borrowed from conf */
	bool isolate; /* values stand between FSI and PDI */
	struct ch_letter_part subject;
	struct ch_letter_part body;
	bool salutes; /* its texts print a salutation */
	struct ch_str salutation[CH_SALUTATION_FIELDS]; /* scratch */
	struct ch_str copies; /* scratch */
	bool salutation_told; /* scratch: what is wrong with them is said */
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
	struct ch_countries *countries;     /* owned; or NULL */
	struct ch_salutations *salutations; /* owned; or NULL */
	bool has_own_attachments; /* the bundle has such as one addressee gets
				     and another does not */
	struct ch_address from;
	struct ch_address reply_to;
	bool has_reply_to;
	struct ch_address test_to;
	bool has_test_to;
	char *reference; /* owned */
	char *deadline;  /* owned; "" */
	int64_t date_us;
	uint64_t max_bytes;
	struct ch_letter_page *page; /* owned; see letter-page.c */
	struct ch_attachment *logo; /* owned; NULL: none */
	const struct ch_bundle_file *logo_file; /* borrowed */
	unsigned int logo_width;    /* as shown */
	unsigned int logo_height;
	/* scratch of a merge */
	bool page_wanted;
	int64_t page_date_us;
	struct ch_str logo_source;  /* "cid:…" */
	char content_language[8];   /* "fr", "fr, en" */
	const struct ch_letter_language *repeated; /* while it is filled in */
	const struct ch_letter_language *composed; /* the last one's */
	char date[16];
	char annexes[16];
	const struct ch_attachment **attached; /* owned array */
	size_t attached_len;
	size_t attached_cap;
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

/* "annex-1.pdf" and "fr" give "annex-1.fr.pdf". Owned by the caller. */
char *ch_letter_name_in(const char *name, const char *code);

/* The file of that name in that language, else the one for all. Borrowed; NULL:
 * there is neither. */
const struct ch_bundle_file *
ch_letter_find_file(const struct ch_letter *letter, enum ch_file_role role,
		    const char *name, const char *code);

/* Add an error of one addressee's letter, at that line of its text (0: none),
 * which names its key, and its row where that is known. (merge.c) */
void ch_letter_fault(const struct ch_letter_language *language,
		     const struct ch_addressee *addressee, unsigned int line,
		     const char *hint, const char *text,
		     struct ch_problems *problems);

/* Gather what goes with the letter of this addressee into `attached`, and how
 * many these are into `annexes`. -1 with problems (attach.c). */
int ch_letter_attach(struct ch_letter *letter,
		     const struct ch_letter_language *language,
		     const struct ch_addressee *addressee,
		     struct ch_problems *problems);

/* Whether that name of the text, or any of them, prints the column or asks for
 * it: by itself, by a member of it, or as a member in a section. (letter.c) */
bool ch_letter_name_uses(const struct ch_letter_part *part, size_t name,
			 const char *field);
bool ch_letter_part_uses(const struct ch_letter_part *part, const char *field);

/* A text that uses a column in which several tables differ, outside of the list
 * of what each says, is an error: -1 with each place. What a salutation is made
 * of is used where it is printed; `repeated` is said of a courtesy translation,
 * which uses the columns in its language. (differing.c) */
int ch_letter_refuse_differing(const struct ch_letter_language *language,
			       const struct ch_addressee *addressee,
			       bool repeated, struct ch_problems *problems);

/* Find the pictures of the page, marking the files in `used`, and its fonts
 * where every mail has it. */
void ch_letter_page_load(struct ch_letter *letter, bool *used,
			 struct ch_problems *problems);
void ch_letter_page_free(struct ch_letter_page *page, size_t files);

/* Set the page of what was merged; its date is letter->page_date_us. */
void ch_letter_page_write(struct ch_letter *letter,
			  const struct ch_letter_language *language,
			  const struct ch_addressee *addressee,
			  const struct ch_body *body,
			  const struct ch_slice *values,
			  struct ch_problems *problems);
/* Its bytes; borrowed until the next one. */
struct ch_slice ch_letter_page_pdf(const struct ch_letter *letter);

/* What is attached: the page where letter.conf says so, then the annexes. The
 * array is borrowed until the next call; *ret_page, which is left alone where
 * there is no page, is the caller's and has to live as long as the message.
 * NULL with *err. */
const struct ch_attachment *const *
ch_letter_page_parts(const struct ch_letter *letter,
		     const struct ch_letter_language *language,
		     size_t *ret_len, struct ch_attachment **ret_page,
		     struct ch_error *err);

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
/* Put in the place of each text of a value, and of what is below it, what the
 * table has in that language: "post.en" for "post". (courtesy.c) */
void ch_letter_translate(const struct ch_letter_language *second,
			 struct ch_data *value);
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
