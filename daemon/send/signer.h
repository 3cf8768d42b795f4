/* SPDX-License-Identifier: GPL-3.0-or-later */
/* signer.h - the DKIM keys of a send worker.
 *
 * Their files are read when the first letter is to be signed: a letter that was
 * at its dot before has its signatures already.
 */
#ifndef CH_SEND_SIGNER_H
#define CH_SEND_SIGNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "wire/messages.h"

struct ch_composed; /* mail/compose.h */

struct ch_signer; /* opaque */

/* Copies what the setup says of keys. */
struct ch_signer *ch_signer_new(const struct ch_send_setup *setup);
void ch_signer_free(struct ch_signer *signer); /* NULL is fine */

/* Sign with all keys, as ch_dkim_sign() does; nothing where there are none. -1,
 * CH_GIVE_UP: the same, or a key cannot be read. */
int ch_signer_sign(struct ch_signer *signer, int64_t date_us,
		   struct ch_composed *message, struct ch_str *ret_fields,
		   struct ch_error *err);

#endif
