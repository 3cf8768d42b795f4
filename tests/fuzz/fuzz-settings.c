// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-settings.c - any text as a configuration with every type of key. */
#include <stdint.h>

#include "base/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct part {
	char *text;
	int64_t number;
};

struct whole {
	bool on;
	int64_t size;
	int choice;
	struct ch_setting_list list;
	struct ch_setting_strings words;
	struct ch_setting_map map;
};

static const char *const choices[] = { "a", "b", NULL };

static const struct ch_setting part[] = {
	{ .name = "text", .type = CH_SETTING_STRING,
	  .offset = offsetof(struct part, text) },
	{ .name = "number", .type = CH_SETTING_INT,
	  .offset = offsetof(struct part, number), .initial = "1",
	  .max = 100 },
	{ 0 }
};

static const struct ch_setting whole[] = {
	{ .name = "on", .type = CH_SETTING_BOOL,
	  .offset = offsetof(struct whole, on), .initial = "true" },
	{ .name = "size", .type = CH_SETTING_SIZE,
	  .offset = offsetof(struct whole, size), .initial = "\"1K\"" },
	{ .name = "choice", .type = CH_SETTING_ENUM,
	  .offset = offsetof(struct whole, choice), .initial = "\"a\"",
	  .names = choices },
	{ .name = "list", .type = CH_SETTING_LIST,
	  .offset = offsetof(struct whole, list), .initial = "( )",
	  .members = part, .size = sizeof(struct part), .max = 9 },
	{ .name = "words", .type = CH_SETTING_STRINGS,
	  .offset = offsetof(struct whole, words), .initial = "[ ]" },
	{ .name = "map", .type = CH_SETTING_MAP,
	  .offset = offsetof(struct whole, map), .initial = "{ }" },
	{ 0 }
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CH_AUTO(ch_problems) problems = { 0 };
	struct whole w = { 0 };

	ch_settings_parse((const char *)data, size, "fuzz", whole, &w,
			  &problems);
	ch_settings_release(whole, &w);
	return 0;
}
