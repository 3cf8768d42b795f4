// SPDX-License-Identifier: GPL-3.0-or-later
/* test-same.c - the form in which addresses are compared. Those of UTS #46 and
 * NFC are written with escapes, so that no editor makes them the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "mail/address.h"
#include "mail/same.h"

static void each_has_one_form(void **state)
{
	static const struct {
		const char *address;
		const char *form;
	} rows[] = {
		{ "minister@ministry.example", "minister@ministry.example" },
		{ "Minister@Ministry.EXAMPLE", "minister@ministry.example" },
		{ "a@ministry.example.", "a@ministry.example" },
		{ "nobody", "nobody" },
		{ "", "" },
		{ "@", "@" },
		{ "a@b@C.example", "a@b@c.example" },
		/* a domain as people write it */
		{ "a@b\u00FCcher.example", "a@xn--bcher-kva.example" },
		{ "a@B\u00DCCHER.example", "a@xn--bcher-kva.example" },
		{ "a@bu\u0308cher.example", "a@xn--bcher-kva.example" },
		{ "a@BU\u0308CHER.Example", "a@xn--bcher-kva.example" },
		{ "a@XN--Bcher-KVA.example", "a@xn--bcher-kva.example" },
		{ "a@b\u00FCcher\u3002example", "a@xn--bcher-kva.example" },
		{ "a@stra\u00DFe.example", "a@xn--strae-oqa.example" },
		{ "a@\u0130.example", "a@xn--i-9bb.example" },
		/* before the @: letters with and without their accents apart,
		 * and only ASCII in either case */
		{ "Zoe\u0308@a.example", "zo\u00EB@a.example" },
		{ "zo\u00EB@a.example", "zo\u00EB@a.example" },
		{ "\u00C9mile@a.example", "\u00C9mile@a.example" },
		{ "W\u030A@a.example", "\u1E98@a.example" },
		{ "\u212A@a.example", "k@a.example" }, /* Kelvin */
		/* no address: as it is */
		{ "\xFF" "A@\xFF.Example", "\xFF" "a@\xFF.example" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);
		CH_AUTO(ch_str) again = CH_STR_INIT(1000);

		ch_address_fold(ch_slice_of(rows[i].address), &out);
		assert_string_equal(ch_str_cstr(&out), rows[i].form);
		ch_address_fold(ch_slice_of(rows[i].form), &again);
		assert_string_equal(ch_str_cstr(&again), rows[i].form);
		assert_true(ch_address_same(ch_slice_of(rows[i].address),
					    ch_slice_of(rows[i].form)));
	}
}

static void others_are_others(void **state)
{
	static const char *const addresses[] = {
		"a@mfa.example", "b@mfa.example", "a@mfa.example.org",
		"a@b\u00FCcher.example", "a@bucher.example",
		"zo\u00EB@a.example", "zoe@a.example", "zo\u00CB@a.example",
		"\u0430@mfa.example", /* Cyrillic */
		"a@stra\u00DFe.example", "a@strasse.example",
		"a@i.example", "a@\u0130.example", "a@\u0131.example", "",
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(addresses); i++)
		for (size_t j = 0; j < CH_COUNT(addresses); j++)
			assert_int_equal(
				ch_address_same(ch_slice_of(addresses[i]),
						ch_slice_of(addresses[j])),
				i == j);
}

/* What goes out has that form already, but for the case of letters, and what
 * people are shown of it is the same address. */
static void what_goes_out_is_folded(void **state)
{
	static const char *const addresses[] = {
		"A.Minister@MFA.Example", "Zo\u00EB@B\u00DCCHER.example",
		"\u5916\u4EA4@\u4F8B\u3048.example",
		"a@\u0394\u03AE\u03BC\u03BF\u03C2.example",
		"a@\u05D3\u05D5\u05D2\u05DE\u05D4.example",
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(addresses); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);
		CH_AUTO(ch_str) shown = CH_STR_INIT(1000);
		struct ch_address address;
		struct ch_error err;

		assert_int_equal(ch_address_parse_utf8(addresses[i],
						       strlen(addresses[i]),
						       &address, &err), 0);
		ch_address_fold(ch_slice_of(address.spec), &out);
		assert_int_equal(strcasecmp(ch_str_cstr(&out), address.spec),
				 0);
		ch_address_show(address.spec, &shown);
		assert_true(ch_address_same(ch_slice_of(address.spec),
					    ch_slice_of(ch_str_cstr(&shown))));
		assert_true(ch_address_same(ch_slice_of(addresses[i]),
					    ch_slice_of(address.spec)));
	}
}

/* 63 bytes are a label, 64 none; and past CH_FOLD_MAX nothing is looked into. */
static void long_ones_stay_as_they_are(void **state)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(3 * CH_FOLD_MAX);
	CH_AUTO(ch_str) out = CH_STR_INIT(3 * CH_FOLD_MAX);

	(void)state;
	ch_str_add(&text, "A@\u00C9");
	for (int i = 0; i < 70; i++)
		ch_str_add_char(&text, 'A');
	ch_address_fold((struct ch_slice){ text.data, text.len }, &out);
	assert_int_equal(out.len, text.len);
	assert_memory_equal(out.data, "a@\u00C9" "aaa", 7);
	ch_str_clear(&text);
	ch_str_clear(&out);
	for (int i = 0; i < CH_FOLD_MAX; i++)
		ch_str_add_char(&text, 'E');
	ch_str_add(&text, "\u0301");
	ch_address_fold((struct ch_slice){ text.data, text.len }, &out);
	assert_int_equal(out.len, text.len);
	assert_memory_equal(out.data + out.len - 3, "e\u0301", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_one_form),
		cmocka_unit_test(others_are_others),
		cmocka_unit_test(what_goes_out_is_folded),
		cmocka_unit_test(long_ones_stay_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
