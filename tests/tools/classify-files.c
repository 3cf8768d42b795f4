// SPDX-License-Identifier: GPL-3.0-or-later
/* classify-files.c - classify the mails in files, one line of tab-separated
 * values each: file, kind, recipients, their status codes, rule, fault, and the
 * milliseconds it took. For measuring the rules against a collection.
 *
 *   classify-files FILE...      names, or "-" to read them from stdin
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/file.h"
#include "base/mem.h"
#include "returns/classify.h"
#include "returns/rules.h"

static void print_escaped(const char *text)
{
	CH_AUTO(ch_str) line = CH_STR_INIT(65536);

	ch_escape_line(&line, text, strlen(text));
	printf("%s", ch_str_cstr(&line));
}

static void print_result(const char *path, const struct ch_classified *result,
			 const char *fault, int64_t took_ms)
{
	printf("%s\t%s\t", path, ch_return_kind_name(result->kind));
	for (size_t i = 0; i < result->len; i++) {
		printf("%s", i ? "," : "");
		print_escaped(result->recipients[i].address);
	}
	printf("\t");
	for (size_t i = 0; i < result->len; i++)
		printf("%s%s", i ? "," : "", result->recipients[i].status);
	printf("\t%s:%s:%s\t%s\t%lld\n", result->rule, result->phrase,
	       ch_reason_name(result->reason), fault, (long long)took_ms);
}

static int classify(const struct ch_rules *rules, const char *path)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(64 * 1024 * 1024);
	struct ch_message message;
	struct ch_classified result;
	struct ch_error err;
	int64_t start_ms;

	if (ch_file_read(path, &bytes, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	start_ms = ch_clock_mono_ms();
	ch_message_read(ch_str_cstr(&bytes), bytes.len, &message);
	ch_classify(rules, &message, &result);
	print_result(path, &result, message.fault,
		     ch_clock_mono_ms() - start_ms);
	ch_classified_release(&result);
	ch_message_release(&message);
	return 0;
}

int main(int argc, char **argv)
{
	struct ch_rules *rules = ch_rules_new();
	int failed = 0;
	char line[4096];

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-") != 0) {
			failed |= classify(rules, argv[i]);
			continue;
		}
		while (fgets(line, sizeof(line), stdin)) {
			line[strcspn(line, "\n")] = '\0';
			failed |= classify(rules, line);
		}
	}
	ch_rules_free(rules);
	return failed;
}
