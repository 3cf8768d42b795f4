// SPDX-License-Identifier: GPL-3.0-or-later
/* compose-bench.c - microseconds of CPU for merging and composing one letter.
 *
 *   compose-bench FOLDER LETTERS [ANNEX]
 *
 * Takes each addressee from its fields as the store has them, merges the letter
 * in FOLDER for it (in the letter's first language; columns name and to) and
 * composes the message, LETTERS times in one process; ANNEX is attached.
 * Prints one JSON object.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "letter/letter.h"

#define MESSAGE_MAX (64 * 1024 * 1024)
#define ROWS 512 /* different addressees */
#define DATE_US INT64_C(1796601600000000) /* 2026-12-07 */

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void fail(const struct ch_problems *problems, const char *text)
{
	for (size_t i = 0; i < problems->len; i++)
		fprintf(stderr, "compose-bench: %s\n",
			problems->items[i].text);
	fprintf(stderr, "compose-bench: %s\n", text);
	exit(1);
}

static void make_fields(long number, struct ch_str *encoded)
{
	struct ch_fields fields = { 0 };
	CH_AUTOCHAR name = ch_xasprintf("Ministère nº %ld", number);
	CH_AUTOCHAR to = ch_xasprintf("minister%ld@members.example", number);

	ch_fields_set(&fields, "key", CH_SLICE_EMPTY);
	ch_fields_set(&fields, "name", ch_slice_of(name));
	ch_fields_set(&fields, "to", ch_slice_of(to));
	ch_str_clear(encoded);
	ch_fields_encode(&fields, encoded);
	ch_fields_release(&fields);
}

static void one(const struct ch_letter *letter, const struct ch_str *fields,
		struct ch_composed *out)
{
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_addressee) addressee = { 0 };
	struct ch_letter_identity identity = {
		"k7qe3m2xv6l5pzra@chancery.example", DATE_US
	};
	struct ch_error err;

	if (ch_addressee_from_fields(
		    ch_slice_of("K"),
		    ch_slice_of(ch_letter_languages(letter)[0]),
		    (struct ch_slice){ fields->data, fields->len },
		    &addressee, &err) < 0)
		fail(&problems, err.text);
	if (ch_letter_compose(letter, &addressee, &identity, out,
			      &problems) < 0)
		fail(&problems, "the letter cannot be composed");
}

static void run(const struct ch_letter *letter, long letters)
{
	CH_AUTO(ch_composed) composed;
	struct ch_str fields[ROWS];
	double start;

	for (long i = 0; i < ROWS; i++) {
		ch_str_init(&fields[i], 4096);
		make_fields(i, &fields[i]);
	}
	ch_composed_init(&composed, MESSAGE_MAX);
	for (long i = 0; i < letters / 10; i++)
		one(letter, &fields[i % ROWS], &composed);
	start = cpu_us();
	for (long i = 0; i < letters; i++)
		one(letter, &fields[i % ROWS], &composed);
	printf("{\"letters\": %ld, \"size_bytes\": %" PRIu64
	       ", \"own_bytes\": %zu, \"us\": %.2f}\n",
	       letters, composed.size_bytes, composed.own.len,
	       (cpu_us() - start) / (double)letters);
	for (long i = 0; i < ROWS; i++)
		ch_str_release(&fields[i]);
}

int main(int argc, char **argv)
{
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_letter) letter = NULL;
	struct ch_letter_options options = {
		.reference = "DM-1",
		.from = "bureau@chancery.example",
		.date_us = DATE_US,
		.max_message_bytes = MESSAGE_MAX,
	};

	long letters = argc > 2 ? strtol(argv[2], NULL, 10) : 0;

	if (argc > 4 || letters < 1) {
		fprintf(stderr,
			"usage: compose-bench FOLDER LETTERS [ANNEX]\n");
		return 64;
	}
	if (ch_bundle_add_folder(&bundle, CH_ROLE_LETTER, argv[1], argv[1],
				 &problems) < 0 ||
	    (argc == 4 &&
	     ch_bundle_add_annex(&bundle, argv[3], &problems) < 0) ||
	    ch_letter_load(&bundle, &options, &letter, &problems) < 0)
		fail(&problems, "the letter cannot be loaded");
	run(letter, letters);
	return 0;
}
