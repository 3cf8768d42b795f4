// SPDX-License-Identifier: GPL-3.0-or-later
/* test-sheet.c - numbers, days and times of a sheet as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "letter/sheet-private.h"

enum how { NUMBER, PERCENT, SERIAL, SERIAL_1904, ISO, DURATION };

static const struct {
	enum how how;
	const char *text;
	const char *expected; /* NULL: refused */
} values[] = {
	{ NUMBER, "3", "3" },
	{ NUMBER, "3.0", "3" },
	{ NUMBER, "-0", "0" },
	{ NUMBER, "0.10000000000000001", "0.1" },
	{ NUMBER, "33612345678", "33612345678" },
	{ NUMBER, "123456789012345", "123456789012345" },
	{ NUMBER, "1E+20", "1e+20" },
	{ NUMBER, "1.5e3", "1500" },
	{ NUMBER, "", NULL },
	{ NUMBER, "12a", NULL },
	{ NUMBER, "inf", NULL },
	{ NUMBER, "nan", NULL },
	{ PERCENT, "0.125", "12.5%" },
	{ PERCENT, "7.0000000000000007E-2", "7%" },
	{ SERIAL, "46363", "2026-12-07" },
	{ SERIAL, "46363.395833333336", "2026-12-07T09:30" },
	{ SERIAL, "46363.999999999", "2026-12-08" },
	{ SERIAL, "0.39583333333333331", "09:30" },
	{ SERIAL, "0.99998842592592589", "23:59:59" },
	{ SERIAL, "1", "1900-01-01" },
	{ SERIAL, "59", "1900-02-28" },
	{ SERIAL, "61", "1900-03-01" },
	{ SERIAL, "36585", "2000-02-29" },
	{ SERIAL, "2958465", "9999-12-31" },
	{ SERIAL, "2958466", NULL },
	{ SERIAL, "-1", NULL },
	{ SERIAL, "x", NULL },
	{ SERIAL_1904, "44901", "2026-12-07" },
	{ SERIAL_1904, "1", "1904-01-02" },
	{ SERIAL_1904, "0.5", "12:00" },
	{ ISO, "2026-12-07", "2026-12-07" },
	{ ISO, "2026-12-07Z", "2026-12-07" },
	{ ISO, "2026-12-07T00:00:00", "2026-12-07" },
	{ ISO, "2026-12-07T09:30:00", "2026-12-07T09:30" },
	{ ISO, "2026-12-07T09:30:05.5", "2026-12-07T09:30:05" },
	{ ISO, "2026-12-7", NULL },
	{ ISO, "2026-13-07", NULL },
	{ ISO, "26-12-07", NULL },
	{ ISO, "", NULL },
	{ DURATION, "PT09H30M00S", "09:30" },
	{ DURATION, "PT09H30M05.0S", "09:30:05" },
	{ DURATION, "PT36H00M00S", "36:00" },
	{ DURATION, "P1D", NULL },
	{ DURATION, "PT09H61M00S", NULL },
};

static bool convert(enum how how, const char *text, struct ch_str *out)
{
	switch (how) {
	case NUMBER:
		return ch_sheet_add_number(out, text, CH_SHEET_NUMBER);
	case PERCENT:
		return ch_sheet_add_number(out, text, CH_SHEET_PERCENT);
	case SERIAL:
		return ch_sheet_add_serial(out, text, false);
	case SERIAL_1904:
		return ch_sheet_add_serial(out, text, true);
	case ISO:
		return ch_sheet_add_iso(out, text);
	case DURATION:
		return ch_sheet_add_duration(out, text);
	}
	return false;
}

static void values_as_text(void **state)
{
	for (size_t i = 0; i < CH_COUNT(values); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);
		bool good = convert(values[i].how, values[i].text, &out);

		if (good != (values[i].expected != NULL))
			print_error("\"%s\"\n", values[i].text);
		assert_int_equal(good, values[i].expected != NULL);
		if (good)
			assert_string_equal(ch_str_cstr(&out),
					    values[i].expected);
	}
}

static const struct {
	const char *code;
	enum ch_sheet_kind kind;
} formats[] = {
	{ "General", CH_SHEET_NUMBER },
	{ "0.00", CH_SHEET_NUMBER },
	{ "#,##0 \"days\"", CH_SHEET_NUMBER },
	{ "[Red]0;[Blue]-0", CH_SHEET_NUMBER },
	{ "[$\xE2\x82\xAC-40C] #,##0.00", CH_SHEET_NUMBER },
	{ "0\\d", CH_SHEET_NUMBER },
	{ "_(* #,##0_)", CH_SHEET_NUMBER },
	{ "\"unclosed", CH_SHEET_NUMBER },
	{ "[unclosed", CH_SHEET_NUMBER },
	{ "0%", CH_SHEET_PERCENT },
	{ "0.0 %", CH_SHEET_PERCENT },
	{ "dd/mm/yyyy", CH_SHEET_DATE },
	{ "[$-40C]d mmmm yyyy;@", CH_SHEET_DATE },
	{ "YYYY\\-MM\\-DD", CH_SHEET_DATE },
	{ "h:mm", CH_SHEET_DATE },
	{ "[h]:mm", CH_SHEET_DATE },
	{ "[hh]", CH_SHEET_DATE },
};

static void formats_of_numbers(void **state)
{
	for (size_t i = 0; i < CH_COUNT(formats); i++) {
		if (ch_sheet_format_kind(formats[i].code) != formats[i].kind)
			print_error("\"%s\"\n", formats[i].code);
		assert_int_equal(ch_sheet_format_kind(formats[i].code),
				 formats[i].kind);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_as_text),
		cmocka_unit_test(formats_of_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
