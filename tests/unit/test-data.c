// SPDX-License-Identifier: GPL-3.0-or-later
/* test-data.c - values with depth, out of the flat fields of an addressee. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "letter/data.h"

/* As a line: text, [list], {name:member}; a text with members as both. */
static void write_data(const struct ch_data *data, struct ch_str *out)
{
	if (data->kind == CH_DATA_NONE)
		ch_str_add(out, "-");
	if (data->kind == CH_DATA_TEXT)
		ch_str_addf(out, "'%.*s'", (int)data->text.len,
			    data->text.data);
	if (data->kind == CH_DATA_LIST)
		ch_str_add(out, "[");
	else if (data->len > 0)
		ch_str_add(out, "{");
	for (size_t i = 0; i < data->len; i++) {
		if (data->names)
			ch_str_addf(out, "%.*s:", (int)data->names[i].len,
				    data->names[i].data);
		write_data(&data->items[i], out);
		if (i + 1 < data->len)
			ch_str_add(out, " ");
	}
	if (data->kind == CH_DATA_LIST)
		ch_str_add(out, "]");
	else if (data->len > 0)
		ch_str_add(out, "}");
}

static void depth(void **state)
{
	static const struct {
		const char *fields[8]; /* name=value */
		const char *name, *expected;
	} rows[] = {
		{ { "a=x" }, "a", "'x'" },
		{ { "a=x" }, "b", "-" },
		{ { "ab=x", "a b=y" }, "a", "-" },
		{ { "a=" }, "a", "''" },
		{ { "a.b=x", "a.c=y" }, "a", "{b:'x' c:'y'}" },
		{ { "a.b.c=x" }, "a", "{b:{c:'x'}}" },
		{ { "a=x", "a.b=y" }, "a", "'x'{b:'y'}" },
		{ { "a.b=y", "a=x" }, "a", "'x'{b:'y'}" },
		{ { "a.1=x", "a.2=y" }, "a", "['x' 'y']" },
		{ { "a.2=y", "a.1=x" }, "a", "['x' 'y']" },
		{ { "a.1.b=x", "c=z", "a.2.b=y", "a.1.d=w" }, "a",
		  "[{b:'x' d:'w'} {b:'y'}]" },
		{ { "a.1.1=x", "a.1.2=y" }, "a", "[['x' 'y']]" },
		{ { "a.1=x", "a.3=y" }, "a", "{1:'x' 3:'y'}" },
		{ { "a.0=x", "a.1=y" }, "a", "{0:'x' 1:'y'}" },
		{ { "a.01=x" }, "a", "{01:'x'}" },
		{ { "a.1=x", "a.b=y" }, "a", "{1:'x' b:'y'}" },
		{ { "a.=x" }, "a", "-" },
		{ { "a.=x" }, "a.", "'x'" },
		{ { "a..b=x" }, "a", "-" },
		{ { "a.b.=x" }, "a", "{b:-}" },
		{ { "a.99999999999=x" }, "a", "{99999999999:'x'}" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_fields) fields = { 0 };
		CH_AUTO(ch_data) data = { 0 };
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);

		for (size_t f = 0; rows[i].fields[f]; f++) {
			const char *text = rows[i].fields[f];
			const char *value = strchr(text, '=');
			CH_AUTOCHAR name = ch_xstrndup(
				text, (size_t)(value - text));

			ch_fields_set(&fields, name, ch_slice_of(value + 1));
		}
		ch_data_of_fields(&fields, rows[i].name, &data);
		write_data(&data, &out);
		assert_string_equal(ch_str_cstr(&out), rows[i].expected);
	}
}

static void members(void **state)
{
	CH_AUTO(ch_fields) fields = { 0 };
	CH_AUTO(ch_data) data = { 0 };

	(void)state;
	ch_fields_set(&fields, "a.b", ch_slice_of("x"));
	ch_data_of_fields(&fields, "a", &data);
	assert_memory_equal(
		ch_data_member(&data, ch_slice_of("b"))->text.data, "x", 1);
	assert_null(ch_data_member(&data, ch_slice_of("bc")));
	assert_null(ch_data_member(&data, ch_slice_of("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(depth),
		cmocka_unit_test(members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
