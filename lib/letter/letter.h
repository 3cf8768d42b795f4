/* SPDX-License-Identifier: GPL-3.0-or-later */
/* letter.h - a letter in up to six languages, ready to be merged.
 *
 * The fields of its texts: every column of the table; {{reference}}, {{date}},
 * {{deadline}}, {{language}} (the one it is written in); {{annexes}}, how many
 * files are attached, empty where there are none; {{copies}}, the names or
 * addresses it is copied to, empty where there are none; {{labels.NAME}}, from
 * letter.conf for that language; {{salutation}} and its like (salutation.h),
 * if salutations.tsv is among the letter's files (shared.h), else columns.
 *
 * Loading parses letter.conf and every language's template once; after that a
 * struct ch_letter never changes, and merging one addressee allocates little.
 */
#ifndef CH_LETTER_LETTER_H
#define CH_LETTER_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"
#include "letter/bundle.h"
#include "letter/fields.h"
#include "mail/address.h"
#include "mail/compose.h"

struct ch_letter; /* opaque */
struct ch_addressee;

/* What the batch adds to the letter's own files. All borrowed for the call. */
struct ch_letter_options {
	const char *reference;         /* "DM-1276"; field {{reference}} */
	const char *deadline;          /* "2026-12-07" or NULL; {{deadline}} */
	const char *from;              /* used where letter.conf has no sender */
	const char *reply_to;          /* or NULL */
	const char *test_to;           /* all mail goes there; or NULL */
	const char *fallback_language; /* where the addressee's is lacking and
					  letter.conf names none; or NULL */
	int64_t date_us;               /* of the letter: {{date}}, Date: */
	uint64_t max_message_bytes;    /* 0: 25 MiB */
};

/* Parse all of it. -1 with every problem where there is an error; the bundle is
 * borrowed and must outlive the letter. */
int ch_letter_load(const struct ch_bundle *bundle,
		   const struct ch_letter_options *options,
		   struct ch_letter **ret, struct ch_problems *problems);
void ch_letter_free(struct ch_letter *letter); /* NULL is fine */

/* Where all mail goes; NULL unless the options said so. */
const struct ch_address *ch_letter_test_to(const struct ch_letter *letter);

/* The languages it has ("en", "fr" …, NULL ends) in letter.conf's order. */
const char *const *ch_letter_languages(const struct ch_letter *letter);
/* The one an addressee who wants `wanted` gets: that, or the fallback. */
const char *ch_letter_language(const struct ch_letter *letter,
			       const char *wanted);
/* The same by the addressee: its own language, else the second that it reads,
 * else the fallback. */
const char *ch_letter_language_of(const struct ch_letter *letter,
				  const struct ch_addressee *addressee);
/* Append what a list calls the letter, in one of its languages: the subject
 * without the reference, with what is the same for all filled in and "[name]"
 * for a field of the addressee. */
void ch_letter_subject(const struct ch_letter *letter, const char *language,
		       struct ch_str *out);
/* The same of the one letter that was composed last, with the fields of its
 * addressee, who is still there. */
void ch_letter_subject_composed(const struct ch_letter *letter,
				struct ch_str *out);
size_t ch_letter_annexes(const struct ch_letter *letter, const char *language);

enum ch_address_role {
	CH_ROLE_TO,
	CH_ROLE_CC,
	CH_ROLE_READDRESSED, /* only of the envelope: the same message, sent
				to an address that it does not name */
};

struct ch_addressee_address {
	enum ch_address_role role;
	struct ch_address address;
};

struct ch_addressee {
	char *key;      /* owned; "FRA" */
	char *name;     /* owned; for lists: "France" */
	char *language; /* owned; what it wants: "fr" */
	char *second_language; /* owned; what it reads too, "" if not known */
	struct ch_fields fields; /* every column, with the above */
	struct ch_fields differing; /* columns in which several tables do not
		agree, and so are no field; and what each says, for messages */
	struct ch_addressee_address *addresses; /* owned; to first */
	size_t addresses_len;
	const char *file;  /* borrowed; where it stands, for messages */
	unsigned int line;
};
void ch_addressee_release(struct ch_addressee *addressee);

/* The addressee of a letter in the store, from its fields (ch_fields_encode())
 * and the language it was queued in: what composing needs, exactly as it was
 * when it was imported. -1 (CH_GIVE_UP) where the bytes are not such fields. */
int ch_addressee_from_fields(struct ch_slice key, struct ch_slice language,
			     struct ch_slice fields, struct ch_addressee *ret,
			     struct ch_error *err);

/* What is fixed for a letter when it is queued. */
struct ch_letter_identity {
	const char *message_id; /* without <> */
	int64_t date_us;
};

/* Merge and compose the whole message for one addressee; with test_to its To is
 * that and it has no Cc, and the rest is as it would be. *out may be used
 * again. -1 with problems (unknown or empty field, message too large), each at
 * file:line:column of the template and naming the addressee's key. */
int ch_letter_compose(const struct ch_letter *letter,
		      const struct ch_addressee *addressee,
		      const struct ch_letter_identity *identity,
		      struct ch_composed *out, struct ch_problems *problems);

/* The parts alone, for preview: any of the three may be NULL. The HTML has its
 * logo in itself. */
int ch_letter_merge(const struct ch_letter *letter,
		    const struct ch_addressee *addressee,
		    struct ch_str *ret_subject, struct ch_str *ret_text,
		    struct ch_str *ret_html, struct ch_problems *problems);

/* How many files go with the letter of this addressee: those of its language,
 * and those that its column `attachments` names. */
size_t ch_letter_annexes_of(const struct ch_letter *letter,
			    const struct ch_addressee *addressee);
/* Whether a letter that was composed had this file of the bundle attached. */
bool ch_letter_attached(const struct ch_letter *letter, size_t file);

/* The page as PDF (page.h), whether mails have it or not. The same errors, and
 * CH_GIVE_UP's of the page: a font or a character that is not there. */
int ch_letter_page(const struct ch_letter *letter,
		   const struct ch_addressee *addressee,
		   struct ch_str *ret_pdf, struct ch_problems *problems);

/* Whether some language's text uses the field, or a courtesy translation would.
 */
bool ch_letter_uses(const struct ch_letter *letter, const char *field);

/* Fields that some language's template uses, and addressees do not have as a
 * column, are problems before the first row is merged. `files` says by column
 * in which table it stands, as messages call it. */
int ch_letter_check_columns(const struct ch_letter *letter,
			    const char *const *columns,
			    const char *const *files, size_t len,
			    struct ch_problems *problems);

/* A Message-ID that is unique, and fixed with the letter: 80 random bits and
 * the domain, "k7…@chancery.example". Owned by the caller. */
char *ch_letter_message_id(const char *domain);

CH_DEFINE_AUTOPTR(ch_letter);

#endif
