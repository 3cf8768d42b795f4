// SPDX-License-Identifier: GPL-3.0-or-later
/* test-collate.c - names in the order of each language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "letter/collate.h"

static const struct {
	const char *language;
	const char *names[6]; /* in their order; NULL ends */
} orders[] = {
	{ "fr", { "Équateur", "Estonie", "États-Unis", "Éthiopie", "Fidji" } },
	{ "es", { "Canadá", "Chile", "Dinamarca", "España", "Ñandú",
		  "Omán" } },
	{ "en", { "cote", "Côte d’Ivoire", "Cote e", "Türkiye" } },
	{ "ru", { "Египет", "Ёлка", "Замбия" } },
	{ "zh", { "埃及", "巴西", "中国" } }, /* aiji, baxi, zhongguo */
	{ "ar", { "إثيوبيا", "البرازيل", "مصر" } },
	{ "en", { "", "A", "\xFF", NULL } },
};

static void in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < CH_COUNT(orders); i++) {
		CH_AUTOPTR(ch_collator) collator = NULL;
		CH_AUTO(ch_str) before = CH_STR_INIT(10000);
		CH_AUTO(ch_str) key = CH_STR_INIT(10000);
		struct ch_error err;

		assert_int_equal(ch_collator_new(orders[i].language,
						 &collator, &err), 0);
		for (size_t n = 0; n < 6 && orders[i].names[n]; n++) {
			ch_str_clear(&key);
			ch_collator_key(collator,
					ch_slice_of(orders[i].names[n]),
					&key);
			assert_null(memchr(ch_str_cstr(&key), 0, key.len));
			if (n && strcmp(ch_str_cstr(&before),
					ch_str_cstr(&key)) >= 0)
				fail_msg("%s: %s", orders[i].language,
					 orders[i].names[n]);
			ch_str_clear(&before);
			ch_str_add(&before, ch_str_cstr(&key));
		}
	}
}

/* As long as may be: its beginning decides. */
static void long_names(void **state)
{
	CH_AUTOPTR(ch_collator) collator = NULL;
	CH_AUTO(ch_str) name = CH_STR_INIT(100000);
	CH_AUTO(ch_str) key = CH_STR_INIT(1000000);
	struct ch_error err;

	(void)state;
	assert_int_equal(ch_collator_new("ru", &collator, &err), 0);
	while (name.len < 60000)
		ch_str_add(&name, "Ж");
	ch_collator_key(collator,
			(struct ch_slice){ ch_str_cstr(&name), name.len },
			&key);
	assert_true(key.len > 100 && !key.full);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
