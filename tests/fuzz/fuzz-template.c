// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-template.c - a template with its partials, in both modes: faults stand
 * in its files, shapes hold the slots they say, every line of a shape is found
 * again, a value is data whatever it looks like, and the lenient mode escapes.
 *
 * Input: texts divided by lines of "%%"; the first is the template, {{> 1}} the
 * second and so on. What a field is follows from its name: one that begins with
 * an "e" is empty, with an "l" a list, with an "m" a map, with an "n" a
 * number, with a "d" a date, with a "p" the name of a text. */
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

static int find(void *context, const char *name,
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

static const char *list(void *context, size_t i)
{
	static const char *const names[] = { "1", "2", "3", "4", "5",
					     "6", "7", "8", "9", NULL };

	(void)context;
	return names[i];
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

#define DEPTH_MAX 3

static struct ch_data text_data(const char *text)
{
	return (struct ch_data){ .kind = CH_DATA_TEXT,
				 .text = ch_slice_of(text) };
}

static void make_value(struct ch_slice name, const char *value,
		       unsigned int depth, struct ch_data *ret);

/* Members, or items, which are as their names say. */
static void make_below(const char *value, bool named, unsigned int depth,
		       struct ch_data *ret)
{
	static const char *const names[] = { "a", "e", "l", "m", "n" };

	ret->kind = named ? CH_DATA_MAP : CH_DATA_LIST;
	ret->len = named ? CH_COUNT(names) : 3 - depth % 2;
	ret->items = ch_xcalloc(ret->len, sizeof(*ret->items));
	ret->names = named ? ch_xcalloc(ret->len, sizeof(*ret->names)) : NULL;
	for (size_t i = 0; i < ret->len; i++) {
		/* A list has a text, a map and a list in it. */
		struct ch_slice name =
			ch_slice_of(names[named ? i : i == 0 ? 0 : 4 - i]);

		if (named)
			ret->names[i] = name;
		make_value(name, value, depth + 1, &ret->items[i]);
	}
}

static void make_value(struct ch_slice name, const char *value,
		       unsigned int depth, struct ch_data *ret)
{
	char first = name.len > 0 ? name.data[0] : 'a';

	*ret = text_data(value);
	if (first == 'e')
		*ret = text_data("");
	else if (first == 'n')
		*ret = text_data("21");
	else if (first == 'd')
		*ret = text_data("2026-12-01");
	else if (first == 'p')
		*ret = text_data("1");
	else if ((first == 'l' || first == 'm') && depth < DEPTH_MAX)
		make_below(value, first == 'm', depth, ret);
}

static int fill(const struct ch_template *tpl, const char *value,
		struct ch_filled *filled, struct ch_problems *problems)
{
	static const struct ch_template_whose whose = { "KEY", "m.csv", 7 };
	static const struct ch_filter_env env = { .language = "fr" };
	size_t len = ch_template_roots(tpl);
	struct ch_data *roots = ch_xcalloc(len + 1, sizeof(*roots));
	int rc;

	for (size_t i = 0; i < len; i++)
		make_value(ch_slice_of(ch_template_root(tpl, i)), value, 0,
			   &roots[i]);
	rc = ch_template_fill(tpl, roots, &env, &whose, filled, problems);
	for (size_t i = 0; i < len; i++)
		ch_data_release(&roots[i]);
	free(roots);
	return rc;
}

static void check_shape(const struct ch_template *tpl,
			const struct ch_filled *filled)
{
	CH_AUTO(ch_str) shape = CH_STR_INIT(16 * 1024 * 1024);
	CH_AUTO(ch_problems) problems = { 0 };
	const char *text;
	unsigned int line = 1;
	uint32_t cp;

	if (ch_template_shape(tpl, filled, &shape, &problems) < 0)
		return;
	assert(!shape.full);
	text = ch_str_cstr(&shape);
	for (size_t at = 0; at < shape.len;) {
		size_t n = ch_utf8_decode(text + at, shape.len - at, &cp);

		assert(n > 0);
		assert(cp < CH_BODY_SLOT ||
		       cp - CH_BODY_SLOT < filled->slots_len);
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

#define TAG "{{1}}"
#define PLAIN "QZXJV" /* no two of them overlap */

static void check_values(const struct ch_template *tpl)
{
	CH_AUTO(ch_str) with_tag = CH_STR_INIT(64 * 1024 * 1024);
	CH_AUTO(ch_str) with_plain = CH_STR_INIT(64 * 1024 * 1024);
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_filled) filled = { 0 };

	ch_filled_init(&filled);
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

/* The same decisions give the same shape, and all open or closed is one too. */
static void check_pretended(const struct ch_template *tpl)
{
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_filled) filled = { 0 };

	ch_filled_init(&filled);
	for (int open = 0; open < 2; open++) {
		if (ch_template_pretend(tpl, open, &filled, &problems) == 0)
			check_shape(tpl, &filled);
	}
	check_problems(&problems);
}

static void check_strict(struct texts *texts)
{
	const struct ch_template_partials from = { find, list, texts };
	const struct ch_template_options options = {
		.mode = CH_TEMPLATE_STRICT,
		.language = "fr",
		.partials = &from,
	};
	struct ch_template_source source = { texts->items[0], "t", 1, 1 };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_template) tpl = NULL;

	if (ch_template_parse(&source, &options, &tpl, &problems) < 0) {
		assert(problems.errors > 0);
		check_problems(&problems);
		return;
	}
	check_values(tpl);
	check_pretended(tpl);
	for (size_t i = 0; i < ch_template_names(tpl); i++) {
		ch_template_refuse(tpl, i, NULL, NULL, "no", &problems);
		ch_template_refuse_empty(tpl, i, CH_SLICE_EMPTY, NULL,
					 &problems);
	}
	check_problems(&problems);
}

/* A text that holds no markup itself: then all that is escaped is the value's.
 */
static bool is_plain(const struct texts *texts)
{
	for (size_t i = 0; i < texts->len; i++) {
		if (memchr(texts->items[i].data, '&', texts->items[i].len) ||
		    memchr(texts->items[i].data, '<', texts->items[i].len) ||
		    memmem(texts->items[i].data, texts->items[i].len, "{{{",
			   3) ||
		    memchr(texts->items[i].data, '=', texts->items[i].len))
			return false;
	}
	return true;
}

static void check_lenient(struct texts *texts)
{
	const struct ch_template_partials from = { find, list, texts };
	const struct ch_template_options options = {
		.mode = CH_TEMPLATE_LENIENT,
		.partials = &from,
	};
	struct ch_template_source source = { texts->items[0], "t", 1, 1 };
	CH_AUTO(ch_str) out = CH_STR_INIT(64 * 1024 * 1024);
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_template) tpl = NULL;
	struct ch_data data = { 0 };

	if (ch_template_parse(&source, &options, &tpl, &problems) == 0) {
		make_value(ch_slice_of("m"), "<&{{a}}>", 0, &data);
		ch_template_render(tpl, &data, &out, &problems);
		ch_data_release(&data);
		if (is_plain(texts))
			assert(!memchr(ch_str_cstr(&out), '<', out.len));
	}
	check_problems(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct texts texts;

	divide((const char *)data, size, &texts);
	check_strict(&texts);
	check_lenient(&texts);
	return 0;
}
