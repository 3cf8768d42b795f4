/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sheet-private.h - what reading XLSX and ODS have in common: an archive whose
 * parts are bounded, XML without declarations, and a row that is put together
 * cell by cell while the parser runs.
 */
#ifndef CH_LETTER_SHEET_PRIVATE_H
#define CH_LETTER_SHEET_PRIVATE_H

#include <expat.h>
#include <stdint.h>
#include <zip.h>

#include "letter/rows-private.h"

#define CH_SHEET_ROWS_MAX 1048576u /* as spreadsheets have it */
#define CH_SHEET_COLUMNS_MAX 16384u

enum ch_sheet_form {
	CH_SHEET_XLSX,
	CH_SHEET_ODS,
};

#define CH_SHEET_HINT_AGAIN \
	"Open it in the program that made it, and save it again."

struct ch_xlsx; /* xlsx.c: styles and shared texts */
struct ch_ods;  /* ods.c */

struct ch_sheet {
	struct ch_rows rows;
	enum ch_sheet_form form;
	zip_t *zip;       /* owned */
	char *name;       /* owned; of the sheet */
	struct ch_xlsx *xlsx; /* owned; NULL unless it is one */
	struct ch_ods *ods;   /* owned; NULL unless it is one */
	/* the part that is read row by row */
	zip_file_t *part;  /* owned */
	struct ch_sheet_parser *parser; /* owned */
	bool suspended;    /* behind a row */
	bool all_read;
	bool ended;
	/* the row under way */
	struct ch_row *row;           /* borrowed for a call */
	struct ch_problems *problems; /* borrowed for a call */
	unsigned int number;          /* of the row, from 1 */
	unsigned int again;           /* how often it is to come once more */
	size_t column;                /* of the next cell, from 0 */
	size_t filled;                /* behind the last cell with a text */
	size_t width;                 /* of the first row; 0: not read yet */
	bool hidden;                  /* the row is */
	bool hidden_told;
	bool too_long;
	struct ch_str text;  /* of the cell under way */
	struct ch_str place; /* "members.xlsx:Members!C42" */
};

/* Where messages say that a problem is: the whole file. */
struct ch_place ch_sheet_whole(const struct ch_sheet *sheet);

/* ---- parts of the archive --------------------------------------------- */

bool ch_sheet_has_part(const struct ch_sheet *sheet, const char *name);

/* What reads a part; the names are without the prefix of a namespace. */
struct ch_sheet_reader {
	XML_StartElementHandler start;
	XML_EndElementHandler end;       /* NULL: none */
	XML_CharacterDataHandler text;   /* NULL: none */
	void *context;
};
/* Parse a whole part. -1 with a problem: not there, too large, no XML. */
int ch_sheet_parse(struct ch_sheet *sheet, const char *name,
		   const struct ch_sheet_reader *reader);
/* Read this part row by row. */
int ch_sheet_begin(struct ch_sheet *sheet, const char *name,
		   const struct ch_sheet_reader *reader);

/* Read it as far as a handler stops the parser and sets *found, or to its end.
 * -1 with a problem. */
int ch_sheet_seek(struct ch_sheet *sheet, const bool *found);
/* The parser of that part, to be stopped so that it can be resumed. */
XML_Parser ch_sheet_xml(const struct ch_sheet *sheet);

/* ---- rows ------------------------------------------------------------- */

void ch_sheet_row_begin(struct ch_sheet *sheet, unsigned int number);
/* The text of sheet->text is the cell of sheet->column, `repeated` times, and
 * that many columns on. */
void ch_sheet_cell(struct ch_sheet *sheet, unsigned int repeated);
/* A fault of the cell under way. */
void ch_sheet_cell_fault(struct ch_sheet *sheet, const char *hint,
			 const char *text);
/* The row is whole, and comes `repeated` times. */
void ch_sheet_row_end(struct ch_sheet *sheet, unsigned int repeated);

/* ---- small things ----------------------------------------------------- */

/* The name without its namespace's prefix. */
const char *ch_sheet_local(const char *name);
/* An attribute by its local name; NULL. */
const char *ch_sheet_attribute(const char **attributes, const char *name);
/* A number from 1; `otherwise` where there is none. */
unsigned int ch_sheet_count(const char *text, unsigned int otherwise);

/* ---- values (sheet-value.c) ------------------------------------------- */

enum ch_sheet_kind {
	CH_SHEET_NUMBER,
	CH_SHEET_PERCENT,
	CH_SHEET_DATE, /* a day, a time or both */
};

/* What a number format makes of a number: "dd/mm/yyyy", "0.0%". */
enum ch_sheet_kind ch_sheet_format_kind(const char *code);

/* Append a number as a person would write it: 3, 0.1, 12.5%. False where the
 * text is no number. */
bool ch_sheet_add_number(struct ch_str *out, const char *text,
			 enum ch_sheet_kind kind);
/* A serial number of days as 2026-12-07, 2026-12-07T09:30 or 09:30. False where
 * it is none. */
bool ch_sheet_add_serial(struct ch_str *out, const char *text,
			 bool since_1904);
/* 2026-12-07T00:00:00 as 2026-12-07. False where it is no date. */
bool ch_sheet_add_iso(struct ch_str *out, const char *text);
/* PT09H30M00S as 09:30. False where it is none. */
bool ch_sheet_add_duration(struct ch_str *out, const char *text);

/* ---- the two forms ---------------------------------------------------- */

int ch_xlsx_open(struct ch_sheet *sheet, const char *wanted,
		 struct ch_problems *problems);
void ch_xlsx_free(struct ch_xlsx *xlsx); /* NULL is fine */
int ch_ods_open(struct ch_sheet *sheet, const char *wanted,
		struct ch_problems *problems);
void ch_ods_free(struct ch_ods *ods); /* NULL is fine */

#endif
