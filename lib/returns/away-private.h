/* SPDX-License-Identifier: GPL-3.0-or-later */
/* away-private.h - days as people write them, for away.c. */
#ifndef CH_RETURNS_AWAY_PRIVATE_H
#define CH_RETURNS_AWAY_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

/* A word that may stand beside a day. `value` is 1 to 12 for a month, 0
 * (Sunday) to 6 for a weekday. (away-rules.c) */
struct ch_day_word {
	const char *text;
	int value;
};
struct ch_day_words {
	const struct ch_day_word *list;
	size_t len;
};
extern const struct ch_day_words ch_months, ch_weekdays;
extern const struct ch_day_words ch_day_fillers; /* "the", "le" … */
extern const struct ch_day_words ch_range_to;	 /* "to", "au" … */

/* In which order numbers stand: 7/12, and 12/7. */
enum ch_day_order { CH_ORDER_OPEN, CH_ORDER_DAY_FIRST, CH_ORDER_MONTH_FIRST };

/* A day as it was written. */
struct ch_written_day {
	int year;	  /* 0: not written */
	int month;	  /* 0: not written */
	int day;	  /* of two numbers that may be either, the first */
	int weekday;	  /* -1: not written */
	bool either;	  /* month and day may change places */
	bool month_first; /* the month is a word before the day */
	enum ch_day_order shows; /* how it is written, where that is plain */
	size_t end;		 /* behind it in the text */
};

/* Read a day that begins at `at` of a folded text, behind words that may stand
 * before it and its weekday. `bare`: one without a month is one as well. */
bool ch_day_read(const char *text, size_t at, bool bare,
		 struct ch_written_day *ret);
/* The end of "December 1-11, 2026", behind its dash: a day of the same month.
 */
bool ch_day_read_end(const char *text, size_t at,
		     const struct ch_written_day *first,
		     struct ch_written_day *ret);

/* The bytes of `text` that one of the words takes, which ends there; 0 for
 * none. Its value goes to *ret, which may be NULL. */
size_t ch_day_word(const struct ch_day_words *words, const char *text,
		   int *ret);
/* Whether a letter of a script with letters begins there. */
bool ch_day_is_letter(const char *text);

/* Days since 1970-01-01; -1 where there is no such day. */
long ch_day_number(int year, int month, int day);
/* "2026-12-12" of it. */
void ch_day_write(long number, char out[11]);
/* 0: Sunday. */
int ch_day_weekday(long number);

/* The day of a Date field (RFC 5322 section 3.3), as its writer's calendar has
 * it; -1 where it is none. */
long ch_day_of_field(const char *value);

#endif
