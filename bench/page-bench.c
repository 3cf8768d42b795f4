// SPDX-License-Identifier: GPL-3.0-or-later
/* page-bench.c - CPU time and memory of setting pages.
 *
 * usage: page-bench LETTER SHARED TABLE COUNT LANGUAGE...
 * SHARED is the folder of the files that letters share. For each language, the page of the first addressee that gets it: once to warm
 * up, then COUNT times. One line of JSON each, and one for the process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>

#include "base/mem.h"
#include "letter/letter.h"
#include "letter/shared.h"
#include "letter/table.h"

#define PDF_MAX (64 * 1024 * 1024)

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int tell(const struct ch_problems *problems)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(65536);

	for (size_t i = 0; i < problems->len; i++) {
		ch_problem_format(&problems->items[i], &text);
		ch_str_add_char(&text, '\n');
	}
	fputs(ch_str_cstr(&text), stderr);
	return EX_DATAERR;
}

static int find(const char *table_path, const struct ch_letter *letter,
		const char *language, struct ch_addressee *ret,
		struct ch_problems *problems)
{
	struct ch_table_options options = { .shown = table_path };
	CH_AUTOPTR(ch_table) table = NULL;

	if (ch_table_open(table_path, &options, &table, problems) < 0)
		return -1;
	while (ch_table_next(table, ret, problems) > 0) {
		if (strcmp(ch_letter_language(letter, ret->language),
			   language) == 0)
			return 0;
		ch_addressee_release(ret);
	}
	return -1;
}

static int measure(const struct ch_letter *letter, const char *table,
		   const char *language, int count,
		   struct ch_problems *problems)
{
	CH_AUTO(ch_addressee) addressee = { 0 };
	CH_AUTO(ch_str) pdf = CH_STR_INIT(PDF_MAX);
	double start, first;

	if (find(table, letter, language, &addressee, problems) < 0)
		return -1;
	start = cpu_ms();
	if (ch_letter_page(letter, &addressee, &pdf, problems) < 0)
		return -1;
	first = cpu_ms() - start;
	start = cpu_ms();
	for (int i = 0; i < count; i++) {
		ch_str_clear(&pdf);
		if (ch_letter_page(letter, &addressee, &pdf, problems) < 0)
			return -1;
	}
	printf("{\"language\": \"%s\", \"first_ms\": %.2f, \"ms\": %.3f, "
	       "\"bytes\": %zu}\n",
	       language, first, (cpu_ms() - start) / count, pdf.len);
	return 0;
}

int main(int argc, char **argv)
{
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_letter) letter = NULL;
	struct ch_letter_options options = {
		.reference = "DM-1276",
		.deadline = "2026-12-18",
		.from = "Office <office@secretariat.example>",
		.date_us = INT64_C(1795478400000000),
	};
	struct rusage usage;

	if (argc < 6)
		return EX_USAGE;
	if (ch_bundle_add_folder(&bundle, CH_ROLE_LETTER, argv[1], argv[1],
				 &problems) < 0 ||
	    ch_shared_add(&bundle, argv[2], &problems) < 0 ||
	    ch_letter_load(&bundle, &options, &letter, &problems) < 0)
		return tell(&problems);
	for (int i = 5; i < argc; i++) {
		if (measure(letter, argv[3], argv[i],
			    (int)strtol(argv[4], NULL, 10), &problems) < 0)
			return tell(&problems);
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"max_rss_kib\": %ld}\n", usage.ru_maxrss);
	return EX_OK;
}
