/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outcome.h - chanceryd's objects in the words of a person. */
#ifndef CH_CLI_OUTCOME_H
#define CH_CLI_OUTCOME_H

#include <jansson.h>

#include "base/str.h"
#include "cli/term.h"

struct ch_outcome {
	enum ch_sign sign;
	const char *word; /* static, ASCII */
};

/* What became of a letter. Doubt first: it waits for a person; then what came
 * back, then its state. */
struct ch_outcome ch_outcome_of_letter(const json_t *letter);
/* A state of letters or addresses: "in_doubt" is "in doubt". */
struct ch_outcome ch_outcome_of_state(const char *state);
/* The address that decides: the first one in the letter's own state. NULL where
 * it has none. */
const json_t *ch_outcome_deciding(const json_t *letter);
/* A mail that came back. */
struct ch_outcome ch_outcome_of_return(const json_t *item);

/* "2026-11-24 11:02" of an RFC 3339 time in UTC; "" of null and of what is too
 * short to be one. */
#define CH_TIME_SIZE 24
const char *ch_outcome_time(const json_t *object, const char *name,
			    char out[CH_TIME_SIZE]);

/* "24 Nov 11:02", for lists. */
const char *ch_outcome_short_time(const json_t *object, const char *name,
				  char out[CH_TIME_SIZE]);

/* An address, or a domain, of the object as people write it: with the form of
 * the DNS behind it where that is another one, "é.example (xn--9ca.example)". */
void ch_outcome_address(const json_t *object, const char *name,
			struct ch_str *out);

/* "550 5.1.1 no such user": the last reply that an address had. */
void ch_outcome_reply(const json_t *address, struct ch_str *out);

/* "1 letter", "193 letters". */
#define CH_COUNT_SIZE 48
const char *ch_outcome_count(unsigned long long count, const char *thing,
			     char out[CH_COUNT_SIZE]);

#endif
