// SPDX-License-Identifier: GPL-3.0-or-later
/* returns-bench.c - reading and classifying mails that came back, in memory.
 *
 *   returns-bench ROUNDS FILE...
 *
 * Prints one JSON object: how many, how large, CPU and the longest of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "returns/classify.h"
#include "returns/rules.h"

static double cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void classify(const struct ch_rules *rules, const struct ch_str *bytes)
{
	struct ch_message message;
	struct ch_classified found;

	ch_message_read(ch_str_cstr(bytes), bytes->len, &message);
	ch_classify(rules, &message, &found);
	ch_classified_release(&found);
	ch_message_release(&message);
}

int main(int argc, char **argv)
{
	CH_AUTOPTR(ch_rules) rules = ch_rules_new();
	size_t files = argc > 2 ? (size_t)argc - 2 : 0;
	struct ch_str *mails = ch_xcalloc(files + 1, sizeof(*mails));
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	double longest = 0;
	double took = 0;
	size_t size = 0;
	struct rusage usage;
	struct ch_error err;

	for (size_t i = 0; i < files; i++) {
		ch_str_init(&mails[i], (size_t)256 * 1024 * 1024);
		if (ch_file_read(argv[i + 2], &mails[i], &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		size += mails[i].len;
	}
	for (long round = 0; round < rounds; round++)
		for (size_t i = 0; i < files; i++) {
			double start = cpu_us();
			double one;

			classify(rules, &mails[i]);
			one = cpu_us() - start;
			took += one;
			if (round > 0 && one > longest)
				longest = one;
		}
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"mails\":%zu,\"bytes\":%zu,\"us\":%.2f,\"longest_us\":%.0f,"
	       "\"max_rss_kib\":%ld}\n",
	       files, size, took / ((double)rounds * (double)files), longest,
	       usage.ru_maxrss);
	for (size_t i = 0; i < files; i++)
		ch_str_release(&mails[i]);
	free(mails);
	return 0;
}
