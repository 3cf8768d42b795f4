/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store-letter.h - a letter to one address into a store, for tests. */
#ifndef CH_TESTS_STORE_LETTER_H
#define CH_TESTS_STORE_LETTER_H

#include <stdlib.h>

#include "base/mem.h"
#include "store/store.h"

/* Into a batch that is being imported. `round` makes its Message-ID another one
 * than that of the same key in an earlier batch. As ch_store_letter_add(). */
static inline int store_letter(struct ch_store *store, int64_t batch_id,
			       const char *key, int round,
			       struct ch_error *err)
{
	struct ch_store_address address = {
		.address = ch_xasprintf("%s@members.example", key),
	};
	struct ch_store_letter letter = {
		.key = ch_xstrdup(key),
		.name = ch_xstrdup("a minister"),
		.language = ch_xstrdup("fr"),
		.message_id = ch_xasprintf("%d.%s@chancery.example", round,
					   key),
		.addresses = &address,
		.addresses_len = 1,
	};
	int failed;

	ch_str_init(&letter.fields, 100);
	failed = ch_store_letter_add(store, batch_id, &letter, err);
	free(address.address);
	letter.addresses = NULL;
	letter.addresses_len = 0;
	ch_store_letter_release(&letter);
	return failed;
}

#endif
