// SPDX-License-Identifier: GPL-3.0-or-later
/* signer.c - see signer.h. */
#include "send/signer.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mail/dkim-key.h"
#include "mail/dkim.h"

struct entry {
	char *domain;   /* owned, as are the others */
	char *selector;
	char *path;
};

struct ch_signer {
	struct entry entries[CH_DKIM_KEYS_MAX];
	size_t len;
	struct ch_dkim *dkim; /* owned; NULL: not read yet */
};

struct ch_signer *ch_signer_new(const struct ch_send_setup *setup)
{
	struct ch_signer *signer = ch_xzalloc(sizeof(*signer));

	for (uint32_t i = 0; i < setup->dkim_len; i++) {
		if (i == CH_DKIM_KEYS_MAX)
			break; /* chanceryd reads no more */
		signer->entries[i] = (struct entry){
			.domain = ch_slice_dup(setup->dkim[i].domain),
			.selector = ch_slice_dup(setup->dkim[i].selector),
			.path = ch_slice_dup(setup->dkim[i].key),
		};
		signer->len++;
	}
	return signer;
}

void ch_signer_free(struct ch_signer *signer)
{
	if (!signer)
		return;
	for (size_t i = 0; i < signer->len; i++) {
		free(signer->entries[i].domain);
		free(signer->entries[i].selector);
		free(signer->entries[i].path);
	}
	ch_dkim_free(signer->dkim);
	free(signer);
}

/* All of them, or none: a letter never leaves with a part of its signatures. */
static int read_keys(struct ch_signer *signer, struct ch_error *err)
{
	CH_AUTOPTR(ch_dkim) dkim = ch_dkim_new();

	for (size_t i = 0; i < signer->len; i++) {
		const struct entry *entry = &signer->entries[i];
		struct ch_dkim_key *key;

		if (ch_dkim_key_read(entry->path, &key, err) < 0)
			return ch_error_prefix(err, "key %s of %s",
					       entry->selector, entry->domain);
		ch_dkim_add(dkim, entry->domain, entry->selector, key);
	}
	signer->dkim = CH_TAKE(dkim);
	return 0;
}

int ch_signer_sign(struct ch_signer *signer, int64_t date_us,
		   struct ch_composed *message, struct ch_str *ret_fields,
		   struct ch_error *err)
{
	if (signer->len == 0)
		return 0;
	if ((!signer->dkim && read_keys(signer, err) < 0) ||
	    ch_dkim_sign(signer->dkim, date_us, message, ret_fields, err) < 0)
		return ch_error_prefix(err, "DKIM");
	return 0;
}
