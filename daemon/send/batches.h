/* SPDX-License-Identifier: GPL-3.0-or-later */
/* batches.h - the batches that chanceryd has told a send worker about, and the
 * messages of their letters.
 *
 * Every batch's names and digests are kept, a few hundred bytes each; the files
 * themselves and the parsed letter only of the last ones used.
 */
#ifndef CH_SEND_BATCHES_H
#define CH_SEND_BATCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include "mail/compose.h"
#include "mail/dkim.h"
#include "mail/signed.h"
#include "wire/messages.h"

struct ch_batches; /* opaque */
struct ch_loaded;  /* opaque: a letter with its annexes */

#define CH_MESSAGE_MAX ((size_t)1024 * 1024 * 1024) /* what a batch may hold
						     was decided at its import */

/* Copies what the setup says of the object store and of DKIM keys. */
struct ch_batches *ch_batches_new(const struct ch_send_setup *setup);
void ch_batches_free(struct ch_batches *batches); /* NULL is fine */

/* Keep a CH_MSG_SEND_BATCH: its payload is checked and copied. -1
 * (CH_GIVE_UP): it is no such message. */
int ch_batches_add(struct ch_batches *batches, struct ch_slice payload,
		   struct ch_error *err);

/* Whether a letter of this batch may be composed now: its files are at hand, or
 * small enough beside those that other batches' letters under way are using.
 * Always where there are none of these. */
bool ch_batches_have_room(struct ch_batches *batches, int64_t batch_id);

/* What a message was signed with; each is empty where it was not. */
struct ch_signatures {
	struct ch_str smime; /* CMS in DER */
	struct ch_str dkim;  /* DKIM-Signature fields */
};
#define CH_SIGNATURES_INIT { CH_STR_INIT(CH_SIGNATURE_MAX), \
			     CH_STR_INIT(CH_DKIM_FIELDS_MAX) }
void ch_signatures_release(struct ch_signatures *signatures);

/* Compose a letter's message, as CRLF lines, and check that each address that
 * is to get it is one that the letter is addressed to. *composed, which the
 * caller has initialized, borrows the annexes of the batch: hold *ret_batch
 * until it is done with, and give it back with ch_batches_done(). It is signed,
 * and *ret_signatures, which is CH_SIGNATURES_INIT, tells with what; a letter
 * that was at its dot before gets the signatures of then instead, and nothing
 * is told. -1:
 *   CH_GIVE_UP  the batch's files or the letter's fields are not what they
 *               were when it was queued: hold it
 *   CH_RETRY    a file cannot be read at present
 */
int ch_batches_compose(struct ch_batches *batches,
		       const struct ch_send_letter *letter,
		       struct ch_composed *composed,
		       struct ch_loaded **ret_batch,
		       struct ch_sha256 *ret_sha256,
		       struct ch_signatures *ret_signatures,
		       struct ch_error *err);
void ch_batches_done(struct ch_loaded *batch); /* NULL is fine */

#endif
