// SPDX-License-Identifier: GPL-3.0-or-later
/* render.c - the merge language as its specification has it, for its test
 * cases: {"template":"…","data":…,"partials":{"name":"…"}} on stdin, the result
 * on stdout. Problems go to stderr; the exit code is then 65. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/problem.h"
#include "letter/template.h"

#define RESULT_MAX (64 * 1024 * 1024)

/* A number as JSON writes it, in as few digits as mean the same. */
static char *number_text(const json_t *number)
{
	char *text = NULL;

	for (size_t digits = 15; digits <= 17; digits++) {
		json_t *again;
		bool same;

		free(text);
		text = json_dumps(number, JSON_ENCODE_ANY |
						  JSON_REAL_PRECISION(digits));
		again = json_loads(text, JSON_DECODE_ANY, NULL);
		same = json_equal(number, again);
		json_decref(again);
		if (same)
			break;
	}
	return text;
}

static void convert(json_t *json, struct ch_data *ret);

static void convert_list(json_t *json, struct ch_data *ret)
{
	ret->kind = CH_DATA_LIST;
	ret->items = ch_xcalloc(json_array_size(json), sizeof(*ret->items));
	for (; ret->len < json_array_size(json); ret->len++)
		convert(json_array_get(json, ret->len), &ret->items[ret->len]);
}

static void convert_map(json_t *json, struct ch_data *ret)
{
	const char *key;
	json_t *value;

	ret->kind = CH_DATA_MAP;
	ret->items = ch_xcalloc(json_object_size(json), sizeof(*ret->items));
	ret->names = ch_xcalloc(json_object_size(json), sizeof(*ret->names));
	json_object_foreach(json, key, value) {
		ret->names[ret->len] = ch_slice_of(key);
		convert(value, &ret->items[ret->len++]);
	}
}

/* Texts are borrowed from the JSON; those of numbers stay until the end. */
static void convert(json_t *json, struct ch_data *ret)
{
	*ret = (struct ch_data){ .kind = CH_DATA_NULL };
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		convert_map(json, ret);
		break;
	case JSON_ARRAY:
		convert_list(json, ret);
		break;
	case JSON_STRING:
		ret->kind = CH_DATA_TEXT;
		ret->text = (struct ch_slice){ json_string_value(json),
					       json_string_length(json) };
		break;
	case JSON_INTEGER:
	case JSON_REAL:
		ret->kind = CH_DATA_NUMBER;
		ret->text = ch_slice_of(number_text(json));
		break;
	case JSON_TRUE:
		ret->kind = CH_DATA_TRUE;
		break;
	case JSON_FALSE:
		ret->kind = CH_DATA_FALSE;
		break;
	case JSON_NULL:
		break;
	}
}

static void release(struct ch_data *data)
{
	for (size_t i = 0; i < data->len; i++)
		release(&data->items[i]);
	if (data->kind == CH_DATA_NUMBER) {
		union {
			const char *seen;
			char *own;
		} both = { .seen = data->text.data };

		free(both.own);
	}
	free(data->items);
	free(data->names);
}

static int find(void *context, const char *name,
		struct ch_template_source *ret, struct ch_error *err)
{
	json_t *text = json_object_get(context, name);

	if (!json_is_string(text))
		return ch_error_set(err, CH_GIVE_UP, "no such partial");
	*ret = (struct ch_template_source){
		{ json_string_value(text), json_string_length(text) },
		"partial", 1, 1
	};
	return 0;
}

static const char *list(void *context, size_t i)
{
	void *at = json_object_iter(context);

	while (at && i-- > 0)
		at = json_object_iter_next(context, at);
	return at ? json_object_iter_key(at) : NULL;
}

static int render(json_t *template, json_t *data, json_t *partials,
		  struct ch_str *out, struct ch_problems *problems)
{
	const struct ch_template_partials from = { find, list, partials };
	const struct ch_template_options options = {
		.mode = CH_TEMPLATE_LENIENT,
		.partials = &from,
	};
	const struct ch_template_source source = {
		{ json_string_value(template), json_string_length(template) },
		"template", 1, 1
	};
	CH_AUTOPTR(ch_template) tpl = NULL;
	struct ch_data values = { 0 };
	int result;

	if (ch_template_parse(&source, &options, &tpl, problems) < 0)
		return -1;
	if (data)
		convert(data, &values);
	result = ch_template_render(tpl, &values, out, problems);
	release(&values);
	if (out->full)
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				(struct ch_place){ "template", 0, 0, NULL },
				NULL, "more than %d bytes", RESULT_MAX);
	return out->full ? -1 : result;
}

static void print_problems(const struct ch_problems *problems)
{
	for (size_t i = 0; i < problems->len; i++) {
		CH_AUTO(ch_str) line = CH_STR_INIT(100000);

		ch_problem_format(&problems->items[i], &line);
		fprintf(stderr, "%s\n", ch_str_cstr(&line));
	}
}

int main(void)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(RESULT_MAX);
	CH_AUTO(ch_problems) problems = { 0 };
	json_error_t error;
	json_t *input = json_loadf(stdin, JSON_ALLOW_NUL, &error);
	json_t *template = json_object_get(input, "template");
	int code = EX_OK;

	if (!json_is_string(template)) {
		fprintf(stderr, "render: no object with a template: %s\n",
			error.text);
		json_decref(input);
		return EX_DATAERR;
	}
	if (render(template, json_object_get(input, "data"),
		   json_object_get(input, "partials"), &out, &problems) < 0)
		code = EX_DATAERR;
	else if (fwrite(ch_str_cstr(&out), 1, out.len, stdout) != out.len ||
		 fflush(stdout) != 0)
		code = EX_IOERR;
	print_problems(&problems);
	json_decref(input);
	return code;
}
