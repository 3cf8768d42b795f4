// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-template.c - a template with its partials: faults stand in its files,
 * shapes hold the slots they say, every line of a shape is found again, and a
 * value is data whatever it looks like.
 *
 * Input: texts divided by lines of "%%"; the first is the template, {{> 1}} the
 * second and so on. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "letter/body.h"
#include "letter/template.h"

#define TEXTS_MAX 10
#define DIVIDER "%%\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct texts {
	struct ch_slice items[TEXTS_MAX];
	size_t len;
};

static void divide(const char *data, size_t size, struct texts *ret)
{
	const char *cut;

	ret->len = 0;
	while (ret->len < TEXTS_MAX - 1 &&
	       (cut = memmem(data, size, DIVIDER, strlen(DIVIDER)))) {
		ret->items[ret->len++] = (struct ch_slice){
			data, (size_t)(cut - data)
		};
		size -= (size_t)(cut - data) + strlen(DIVIDER);
		data = cut + strlen(DIVIDER);
	}
	ret->items[ret->len++] = (struct ch_slice){ data, size };
}

static int partial(void *context, const char *name,
		   struct ch_template_source *ret, struct ch_error *err)
{
	const struct texts *texts = context;

	if (name[0] < '1' || name[0] > '9' || name[1] ||
	    (size_t)(name[0] - '0') >= texts->len)
		return ch_error_set(err, CH_GIVE_UP, "no such file");
	*ret = (struct ch_template_source){ texts->items[name[0] - '0'], "p",
					    1, 1 };
	return 0;
}

static void check_problems(const struct ch_problems *problems)
{
	for (size_t i = 0; i < problems->len; i++) {
		CH_AUTO(ch_str) line = CH_STR_INIT(100000);
		const struct ch_problem *p = &problems->items[i];

		assert(strcmp(p->file, "t") == 0 || strcmp(p->file, "p") == 0);
		assert(p->text[0]);
		ch_problem_format(p, &line);
		assert(!strpbrk(ch_str_cstr(&line), "\n\r\033"));
	}
}

/* Fill in with that value for every field but those whose name begins with an
 * "e", which are empty. */
static int fill(const struct ch_template *tpl, const char *value,
		struct ch_filled *filled, struct ch_problems *problems)
{
	static const struct ch_template_whose whose = { "KEY", "m.csv", 7 };
	size_t len = ch_template_names(tpl);
	struct ch_slice *values = ch_xcalloc(len + 1, sizeof(*values));
	int rc;

	for (size_t i = 0; i < len; i++)
		values[i] = ch_slice_of(ch_template_name(tpl, i)[0] == 'e'
						? ""
						: value);
	rc = ch_template_fill(tpl, values, "fr", &whose, filled, problems);
	free(values);
	return rc;
}

static void check_shape(const struct ch_template *tpl,
			const struct ch_filled *filled)
{
	CH_AUTO(ch_str) shape = CH_STR_INIT(16 * 1024 * 1024);
	const char *text;
	unsigned int line = 1;
	uint32_t cp;

	ch_template_shape(tpl, filled, &shape);
	text = ch_str_cstr(&shape);
	for (size_t at = 0; at < shape.len;) {
		size_t n = ch_utf8_decode(text + at, shape.len - at, &cp);

		assert(n > 0);
		assert(cp < CH_BODY_SLOT ||
		       cp - CH_BODY_SLOT < ch_template_slots(tpl));
		line += cp == '\n';
		at += n;
	}
	if (shape.len > 0 && text[shape.len - 1] != '\n')
		assert(ch_template_origin(tpl, filled, line).line > 0);
	for (unsigned int i = 1; i < line && i < 100; i++)
		assert(ch_template_origin(tpl, filled, i).line > 0);
}

/* The text with `from` written as `to`, which is as long. */
static void replace(struct ch_str *text, const char *from, const char *to)
{
	char *at = text->data;

	while (at && (at = strstr(at, from)))
		memcpy(at, to, strlen(to));
}

#define TAG "{{a}}"
#define PLAIN "QZQZQ"

static void check_values(const struct ch_template *tpl)
{
	CH_AUTO(ch_str) with_tag = CH_STR_INIT(64 * 1024 * 1024);
	CH_AUTO(ch_str) with_plain = CH_STR_INIT(64 * 1024 * 1024);
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_filled) filled = { 0 };

	ch_filled_init(&filled, tpl);
	if (fill(tpl, TAG, &filled, &problems) < 0) {
		assert(problems.errors > 0);
		check_problems(&problems);
		return;
	}
	check_shape(tpl, &filled);
	ch_template_text(tpl, &filled, false, &with_tag);
	assert(fill(tpl, PLAIN, &filled, &problems) == 0);
	ch_template_text(tpl, &filled, false, &with_plain);
	assert(with_tag.len == with_plain.len);
	replace(&with_tag, PLAIN, TAG);
	replace(&with_plain, PLAIN, TAG);
	assert(strcmp(ch_str_cstr(&with_tag), ch_str_cstr(&with_plain)) == 0);
}

static void check_dates(const struct ch_template *tpl)
{
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_filled) filled = { 0 };
	CH_AUTO(ch_str) text = CH_STR_INIT(64 * 1024 * 1024);

	ch_filled_init(&filled, tpl);
	if (fill(tpl, "2026-12-01", &filled, &problems) < 0) {
		check_problems(&problems);
		return;
	}
	ch_template_text(tpl, &filled, true, &text);
	assert(ch_utf8_valid(ch_str_cstr(&text), text.len, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct texts texts;
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_template) tpl = NULL;
	struct ch_template_source source = { CH_SLICE_EMPTY, "t", 1, 1 };

	divide((const char *)data, size, &texts);
	source.text = texts.items[0];
	if (ch_template_parse(&source, partial, &texts, &tpl, &problems) < 0) {
		assert(problems.errors > 0);
		check_problems(&problems);
		return 0;
	}
	check_values(tpl);
	check_dates(tpl);
	return 0;
}
