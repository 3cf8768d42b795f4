/* SPDX-License-Identifier: GPL-3.0-or-later */
/* overview-row.h - one row of an overview, out of what chanceryd said of a key:
 * shared by overview.c and its tests. */
#ifndef CH_CLI_OVERVIEW_ROW_H
#define CH_CLI_OVERVIEW_ROW_H

#include <jansson.h>

#include "base/mem.h"
#include "base/str.h"

struct ch_overview;
struct ch_overview_row;

/* What a record begins with; JSON follows. */
enum ch_overview_record {
	CH_OV_RECORD_LETTER = 'L',
	CH_OV_RECORD_CAPACITIES = 'C',
	CH_OV_RECORD_LINK = 'F',
	CH_OV_RECORD_RETURN = 'R',
};

/* What is known of a letter, its records read so far. All owned; NULL is
 * nothing. */
struct ch_overview_making {
	json_t *letter;
	json_t *capacities; /* array of texts */
	json_t *links;      /* array of {"relation", "reference"} */
	json_t *answer;     /* the last one that is more than … */
	json_t *acknowledgement;
	json_t *bounce; /* the last one that is final, else the last */
	json_t *delivery, *receipt; /* the first */
};
void ch_overview_making_release(struct ch_overview_making *making);

/* Add a record. What came back counts as chanceryd counts it: with a proof that
 * it is of this letter; answers also by the mail that they answer. */
void ch_overview_take(struct ch_overview_making *making,
		      struct ch_slice record);

/* The row of the letter, which must be there; it is counted. An answer that
 * came after chanceryd told of the letter makes it an answered one. Release
 * *ret. */
void ch_overview_make(struct ch_overview *overview,
		      struct ch_overview_making *making,
		      struct ch_overview_row *ret);

/* {"capacities":[…]}: the tables in which an addressee stands, or what their
 * column "capacity" says, out of the fields of chanceryd's object. New. */
json_t *ch_overview_capacities(const json_t *addressee);

#endif
