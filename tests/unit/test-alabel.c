// SPDX-License-Identifier: GPL-3.0-or-later
/* test-alabel.c - Punycode by the samples of RFC 3492 section 7.1, and whole
 * domains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "mail/alabel.h"

static void domains(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: refused */
	} rows[] = {
		/* (A) Arabic, (B) Chinese, (D) Czech, (L), (P) Japanese */
		{ "\u0644\u064A\u0647\u0645\u0627\u0628\u062A\u0643\u0644"
		  "\u0645\u0648\u0634\u0639\u0631\u0628\u064A\u061F",
		  "xn--egbpdaj6bu4bxfgehfvwxn" },
		{ "\u4ED6\u4EEC\u4E3A\u4EC0\u4E48\u4E0D\u8BF4\u4E2D\u6587",
		  "xn--ihqwcrb4cv8a8dqg056pqjye" },
		{ "Pro\u010Dprost\u011Bnemluv\u00ED\u010Desky",
		  "xn--Proprostnemluvesky-uyb24dma41a" },
		{ "3\u5E74B\u7D44\u91D1\u516B\u5148\u751F",
		  "xn--3B-ww4c5e180e575a65lsy2b" },
		{ "Maji\u3067Koi\u3059\u308B5\u79D2\u524D",
		  "xn--MajiKoi5-783gue6qz075azm5e" },
		{ "b\u00FCcher.example", "xn--bcher-kva.example" },
		{ "a.\u4F8B.\u00E9l.example.", "a.xn--fsq.xn--l-9fa.example." },
		{ "\U0001F4EE.example", "xn--ku8h.example" },
		{ "plain.example", "plain.example" },
		{ "", "" },
		{ "\xFF.example", NULL },
		{ "\u00E9"
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(300);
		int result = ch_alabel_domain(ch_slice_of(rows[i].in), &out);

		if ((result == 0) != (rows[i].out != NULL))
			fail_msg("row %zu: %d, %s", i, result,
				 ch_str_cstr(&out));
		if (rows[i].out)
			assert_string_equal(ch_str_cstr(&out), rows[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
