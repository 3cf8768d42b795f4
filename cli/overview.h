/* SPDX-License-Identifier: GPL-3.0-or-later */
/* overview.h - what became of a batch, one row an addressee: the matter of a
 * report, in whatever form.
 *
 * chanceryd tells letters and what came back apart from each other, both in the
 * order in which they came. They are joined by sorting, and the rows sorted by
 * the names of the States: memory does not grow with the batch (letter/sort.h).
 */
#ifndef CH_CLI_OVERVIEW_H
#define CH_CLI_OVERVIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/choice.h"

struct ch_cli;
struct ch_collator;  /* letter/collate.h */
struct ch_countries; /* letter/country.h */
struct ch_sort;      /* letter/sort.h */
struct ch_words;     /* cli/words.h */

enum ch_overview_column {
	CH_OV_KEY,
	CH_OV_NAME,      /* of the State, in the report's language */
	CH_OV_ADDRESSEE, /* as the table of addressees has it */
	CH_OV_CAPACITIES,
	CH_OV_LANGUAGE,
	CH_OV_TO, /* several: "; " between them */
	CH_OV_CC,
	CH_OV_OUTCOME, /* a word of words.h */
	CH_OV_OVERDUE, /* "yes", or "" */
	CH_OV_SENT_AT, /* this and others: RFC 3339 in UTC */
	CH_OV_SMTP_REPLY,
	CH_OV_DELIVERED_AT,
	CH_OV_READ_AT,
	CH_OV_ANSWERED_AT,
	CH_OV_ANSWERED_BY,
	CH_OV_SAYS, /* "answer", "acknowledgement", "question", or "" */
	CH_OV_ANSWER_ID,
	CH_OV_ATTACHMENTS, /* how many, or their names */
	CH_OV_RETURNED_AT,
	CH_OV_RETURNED_ADDRESS,
	CH_OV_RETURNED_STATUS,
	CH_OV_RETURNED_REASON,
	CH_OV_AWAY_UNTIL,
	CH_OV_READDRESSED_TO,
	CH_OV_FOLLOWED_BY, /* "reminds DM-1277; corrects DM-1278" */
	CH_OV_COLUMNS
};

/* "sent_at": of a header row and of JSON; also its head in words.h. */
const char *ch_overview_name(enum ch_overview_column column);

enum ch_overview_kind {
	CH_OV_TEXT,
	CH_OV_WORD,      /* of words.h */
	CH_OV_TIME,      /* RFC 3339, or a day */
	CH_OV_ADDRESSES, /* of mail */
	CH_OV_RELATIONS,
};
enum ch_overview_kind ch_overview_kind(enum ch_overview_column column);

struct ch_overview_row {
	char *cells[CH_OV_COLUMNS]; /* owned; UTF-8, never NULL once read */
};
void ch_overview_row_release(struct ch_overview_row *row);

/* What a report counts, in the order in which it says so. */
enum ch_overview_count {
	CH_OV_ALL, /* addressees */
	CH_OV_SENT,
	CH_OV_DELIVERED,
	CH_OV_READ,
	CH_OV_ANSWERED,     /* with more than an acknowledgement */
	CH_OV_ACKNOWLEDGED, /* and no more than that */
	CH_OV_RETURNED,
	CH_OV_AWAY,
	CH_OV_IN_DOUBT,
	CH_OV_SILENT,
	CH_OV_LATE, /* silent, and the deadline is over */
	CH_OV_COUNTS
};
/* "addressees", "answered": of JSON, and in words.h. */
const char *ch_overview_count_name(enum ch_overview_count count);

struct ch_overview {
	const struct ch_cli *cli;             /* borrowed, as those below */
	const struct ch_words *words;
	const struct ch_countries *countries;
	const char *language;
	const char *state; /* as --state has it, or NULL */
	struct ch_choice choice;
	json_t *batch; /* owned */
	bool late;     /* its deadline is over */
	uint64_t counts[CH_OV_COUNTS]; /* of all letters, chosen or not */
	uint64_t rows;                 /* of those that are chosen */
	bool columns[CH_OV_COLUMNS];   /* some row has something there */
	char now[CH_RFC3339_SIZE];
	struct ch_sort *joined;       /* owned */
	struct ch_sort *sorted;       /* owned; rows by name */
	struct ch_collator *collator; /* owned */
	struct ch_error err;
};
void ch_overview_release(struct ch_overview *overview);

enum ch_overview_with {
	CH_OVERVIEW_PLAIN,
	CH_OVERVIEW_CAPACITIES, /* which only the control socket tells */
};

/* Ask chanceryd for all of a batch. The borrowed members are set. An exit code;
 * what went wrong has been said. */
int ch_overview_gather(struct ch_overview *overview, const char *reference,
		       enum ch_overview_with with);

/* The next row, by the name of its State. 1, or 0 at the end; -1 with the error
 * of reading them back in overview->err. Release it. */
int ch_overview_next(struct ch_overview *overview,
		     struct ch_overview_row *ret);

/* ---- in words of the report's language (overview-text.c) --------------- */

/* What answered of all addressees, as the language writes it: "12.5%",
 * "12,5 %"; "" where there is no addressee. */
void ch_overview_share(const struct ch_overview *overview, struct ch_str *out);

/* Append the cell as people read it, on one line: its word, "2026-11-24 10:02",
 * addresses with the domains that their owners write. Controls, and characters
 * that would turn what stands beside it around, are not in it; what is longer
 * than 30,000 characters is cut. */
void ch_overview_text(const struct ch_overview *overview,
		      const struct ch_overview_row *row,
		      enum ch_overview_column column, struct ch_str *out);
/* The same for any text of others. */
void ch_overview_safe(const char *text, struct ch_str *out);

/* The number-th line of the head from 0: what it is called goes to *ret_name,
 * what it is is appended. False past the last one. */
bool ch_overview_head(const struct ch_overview *overview, size_t number,
		      struct ch_slice *ret_name, struct ch_str *out);

/* "Report on the letters: DM-1276". */
void ch_overview_title(const struct ch_overview *overview, struct ch_str *out);

/* A row in fewer cells, for paper and the screen: who, where to, how it
 * stands, when, and what there is to know. */
enum ch_overview_part {
	CH_OV_PART_WHO,
	CH_OV_PART_TO,
	CH_OV_PART_OUTCOME,
	CH_OV_PART_WHEN,
	CH_OV_PART_MORE,
	CH_OV_PARTS
};
/* The head of a part: a word of words.h. */
const char *ch_overview_part_name(enum ch_overview_part part);
/* Append its lines, '\n' between them. */
void ch_overview_part(const struct ch_overview *overview,
		      const struct ch_overview_row *row,
		      enum ch_overview_part part, struct ch_str *out);

/* ---- its forms: each an exit code, with what went wrong said ----------- */

int ch_overview_csv(struct ch_overview *overview, FILE *out);
int ch_overview_json(struct ch_overview *overview);
int ch_overview_html(struct ch_overview *overview, FILE *out);

bool ch_overview_xlsx_available(void);
/* Into the regular file at `path`, which is there. */
int ch_overview_xlsx(struct ch_overview *overview, const char *path);

/* Set on pages (letter/page-sheet.h). */
int ch_overview_pdf(struct ch_overview *overview, FILE *out);

/* Say that the rows could not be read back: EX_IOERR. */
int ch_overview_fail(const struct ch_overview *overview);

#endif
