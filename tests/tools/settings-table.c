// SPDX-License-Identifier: GPL-3.0-or-later
/* settings-table.c - what may stand in chancery.conf and letter.conf, as the
 * programs know it, for option-docs.py to compare with the manual.
 *
 *	settings-table config|letter    one key a line: path, default
 *	settings-table check FILE       read a chancery.conf as chanceryd does
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "base/settings.h"
#include "chanceryd/config-private.h"
#include "chanceryd/config.h"
#include "letter/conf.h"

static void print_table(const struct ch_setting *table, const char *above)
{
	for (; table->name; table++) {
		CH_AUTOCHAR path = ch_xasprintf("%s%s%s", above,
						above[0] ? "." : "",
						table->name);

		if (table->members)
			print_table(table->members, path);
		else
			printf("%s\t%s\n", path,
			       table->initial ? table->initial : "");
	}
}

static int check(const char *path)
{
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_str) line = CH_STR_INIT(10000);
	struct ch_config *config = NULL;
	int result = ch_config_read(path, &config, &problems);

	for (size_t i = 0; i < problems.len; i++) {
		ch_str_clear(&line);
		ch_problem_format(&problems.items[i], &line);
		printf("%s\n", ch_str_cstr(&line));
	}
	ch_config_free(config);
	return result < 0 ? EX_CONFIG : 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return check(argv[2]);
	if (argc == 2 && strcmp(argv[1], "config") == 0)
		print_table(ch_config_table, "");
	else if (argc == 2 && strcmp(argv[1], "letter") == 0)
		print_table(ch_letter_settings, "");
	else
		return EX_USAGE;
	return 0;
}
