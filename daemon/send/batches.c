// SPDX-License-Identifier: GPL-3.0-or-later
/* batches.c - from a row of the store to the bytes of a message. */
#include "send/batches.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/objects.h"
#include "letter/letter.h"
#include "mail/smime.h"
#include "send/signer.h"

#define LOADED_MAX 2 /* letters at hand, with their annexes, unless more are
			in use, or */
#define SMALL_MAX 16 /* all are small: batches take turns, and each would be
			loaded anew */
#define SMALL_BYTES ((uint64_t)256 * 1024) /* of files, theirs together */
/* Of files in use by letters of several batches; what is made of them takes up
 * to two and a half times as much. One batch may always be in use. */
#define IN_USE_MAX ((uint64_t)96 * 1024 * 1024)
#define KEY_FILE_MAX (1024 * 1024)
#define PASSWORD_MAX 512

struct batch {
	int64_t id;
	uint64_t size_bytes;   /* of its files */
	struct ch_str payload; /* the message as it came */
};

struct ch_loaded {
	struct ch_loaded *next;
	int64_t batch_id;
	uint64_t size_bytes; /* of its files */
	unsigned int users; /* messages that borrow its annexes */
	bool stale;         /* to be read anew by the next letter */
	struct ch_bundle bundle;
	struct ch_letter *letter; /* owned; borrows the bundle */
	char *test_to;            /* owned; NULL: none */
	struct ch_smime *smime;   /* owned; NULL: it is not signed */
};

struct ch_batches {
	char *objects_dir;  /* owned */
	struct batch *list; /* owned */
	size_t len;
	size_t cap;
	struct ch_loaded *loaded; /* owned list, the last used first */
	struct ch_signer *signer; /* owned */
};

struct ch_batches *ch_batches_new(const struct ch_send_setup *setup)
{
	struct ch_batches *batches = ch_xzalloc(sizeof(*batches));

	batches->objects_dir = ch_slice_dup(setup->objects_dir);
	batches->signer = ch_signer_new(setup);
	return batches;
}

static void unload(struct ch_loaded *loaded)
{
	ch_letter_free(loaded->letter);
	ch_bundle_release(&loaded->bundle);
	ch_smime_free(loaded->smime);
	free(loaded->test_to);
	free(loaded);
}

void ch_batches_done(struct ch_loaded *batch)
{
	if (batch)
		batch->users--;
}

/* With room for one more: all but the last used that nobody uses; `all`: those
 * too. */
static void unload_unused(struct ch_batches *batches, bool all)
{
	struct ch_loaded **at = &batches->loaded;
	uint64_t kept_bytes = 0;
	size_t kept = 1;

	while (*at) {
		struct ch_loaded *loaded = *at;
		bool small = kept < SMALL_MAX &&
			     kept_bytes + loaded->size_bytes <= SMALL_BYTES;

		if (!all && !loaded->stale && (kept < LOADED_MAX || small)) {
			kept++;
			kept_bytes += loaded->size_bytes;
			at = &loaded->next;
		} else if (loaded->users > 0) {
			at = &loaded->next;
		} else {
			*at = loaded->next;
			unload(loaded);
		}
	}
}

void ch_batches_free(struct ch_batches *batches)
{
	if (!batches)
		return;
	unload_unused(batches, true);
	for (size_t i = 0; i < batches->len; i++)
		ch_str_release(&batches->list[i].payload);
	free(batches->list);
	ch_signer_free(batches->signer);
	free(batches->objects_dir);
	free(batches);
}

static struct batch *find(struct ch_batches *batches, int64_t id)
{
	for (size_t i = batches->len; i > 0; i--) {
		if (batches->list[i - 1].id == id)
			return &batches->list[i - 1];
	}
	return NULL;
}

int ch_batches_add(struct ch_batches *batches, struct ch_slice payload,
		   struct ch_error *err)
{
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_send_batch message;
	struct batch *batch;

	if (ch_message_get(CH_MSG_SEND_BATCH, payload, &message, &arena,
			   err) < 0)
		return -1;
	batch = find(batches, message.batch_id);
	if (!batch) {
		CH_GROW(batches->list, batches->len, batches->cap);
		batch = &batches->list[batches->len++];
		batch->id = message.batch_id;
		ch_str_init(&batch->payload, CH_FRAME_MAX);
	}
	batch->size_bytes = 0;
	for (uint32_t i = 0; i < message.files_len; i++)
		batch->size_bytes += message.files[i].size_bytes;
	ch_str_clear(&batch->payload);
	ch_str_add_mem(&batch->payload, payload.data, payload.len);
	for (struct ch_loaded *at = batches->loaded; at; at = at->next)
		at->stale |= at->batch_id == message.batch_id;
	return 0;
}

bool ch_batches_have_room(struct ch_batches *batches, int64_t batch_id)
{
	const struct batch *batch = find(batches, batch_id);
	uint64_t in_use = 0;

	for (const struct ch_loaded *at = batches->loaded; at; at = at->next) {
		if (at->batch_id == batch_id && !at->stale)
			return true;
		if (at->users > 0)
			in_use += at->size_bytes;
	}
	return !batch || in_use == 0 ||
	       in_use + batch->size_bytes <= IN_USE_MAX;
}

/* ---- the letter of a batch ---------------------------------------------- */

/* From the object store, each checked against the digest of its approval. */
static int read_files(const struct ch_batches *batches,
		      const struct ch_send_batch *batch,
		      struct ch_bundle *bundle, struct ch_error *err)
{
	CH_AUTOFD objects = ch_objects_open(batches->objects_dir, err);

	if (objects < 0) {
		err->fate = CH_RETRY;
		return -1;
	}
	for (uint32_t i = 0; i < batch->files_len; i++) {
		const struct ch_batch_file *file = &batch->files[i];
		CH_AUTOCHAR name = ch_slice_dup(file->name);
		enum ch_file_role role = ch_file_role_of(file->role);

		if (ch_bundle_add_object(bundle, objects, role, name,
					 &file->sha256, err) < 0)
			return ch_error_prefix(err, "%s", name);
	}
	return 0;
}

/* The first error that was found, in one line. */
static int first_problem(const struct ch_problems *problems,
			 struct ch_error *err)
{
	for (size_t i = 0; i < problems->len; i++) {
		const struct ch_problem *p = &problems->items[i];
		CH_AUTO(ch_str) line = CH_STR_INIT(4096);

		if (p->kind != CH_PROBLEM_ERROR)
			continue;
		ch_problem_format(p, &line);
		return ch_error_set(err, CH_GIVE_UP, "%s", ch_str_cstr(&line));
	}
	return ch_error_set(err, CH_GIVE_UP, "cannot be composed");
}

static int load_letter(struct ch_loaded *loaded,
		       const struct ch_send_batch *batch, int64_t date_us,
		       struct ch_error *err)
{
	CH_AUTOCHAR reference = ch_slice_dup(batch->reference);
	CH_AUTOCHAR deadline = ch_slice_dup(batch->deadline);
	CH_AUTOCHAR from = ch_slice_dup(batch->from);
	CH_AUTOCHAR reply_to = ch_slice_dup(batch->reply_to);
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_letter_options options = {
		.reference = reference,
		.deadline = deadline[0] ? deadline : NULL,
		.from = from,
		.reply_to = reply_to[0] ? reply_to : NULL,
		.test_to = loaded->test_to,
		.date_us = date_us,
		.max_message_bytes = CH_MESSAGE_MAX,
	};

	if (ch_letter_load(&loaded->bundle, &options, &loaded->letter,
			   &problems) < 0)
		return first_problem(&problems, err);
	return 0;
}

static int read_secret(struct ch_slice file, struct ch_str *out,
		       struct ch_error *err)
{
	CH_AUTOCHAR path = ch_slice_dup(file);

	return file.len > 0 ? ch_file_read(path, out, err) : 0;
}

static void forget_secret(struct ch_str *secret)
{
	if (secret->data)
		explicit_bzero(secret->data, secret->cap);
	ch_str_release(secret);
}

/* What it is signed with, if it is. */
static int load_smime(struct ch_loaded *loaded,
		      const struct ch_send_batch *batch, struct ch_error *err)
{
	struct ch_str key = CH_STR_INIT(KEY_FILE_MAX);
	struct ch_str password = CH_STR_INIT(PASSWORD_MAX);
	CH_AUTO(ch_str) certificate = CH_STR_INIT(KEY_FILE_MAX);
	int result = -1;

	if (batch->smime_key.len == 0)
		return 0;
	if (read_secret(batch->smime_key, &key, err) == 0 &&
	    read_secret(batch->smime_certificate, &certificate, err) == 0 &&
	    read_secret(batch->smime_password, &password, err) == 0) {
		ch_str_truncate(&password,
				strcspn(ch_str_cstr(&password), "\r\n"));
		result = ch_smime_new(
			(struct ch_slice){ ch_str_cstr(&key), key.len },
			(struct ch_slice){ ch_str_cstr(&certificate),
					   certificate.len },
			ch_str_cstr(&password), &loaded->smime, err);
	}
	forget_secret(&key);
	forget_secret(&password);
	return result < 0 ? ch_error_prefix(err, "S/MIME") : 0;
}

/* It becomes the first of the list. */
static struct ch_loaded *at_hand(struct ch_batches *batches, int64_t batch_id)
{
	struct ch_loaded **at = &batches->loaded;
	struct ch_loaded *loaded;

	while (*at && ((*at)->batch_id != batch_id || (*at)->stale))
		at = &(*at)->next;
	loaded = *at;
	if (loaded) {
		*at = loaded->next;
		loaded->next = batches->loaded;
		batches->loaded = loaded;
	}
	return loaded;
}

static struct ch_loaded *load(struct ch_batches *batches,
			      const struct ch_send_letter *letter,
			      struct ch_error *err)
{
	struct batch *batch = find(batches, letter->batch_id);
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_send_batch message;
	struct ch_loaded *loaded;

	if (!batch) {
		ch_error_set(err, CH_GIVE_UP, "batch %lld was not named",
			     (long long)letter->batch_id);
		return NULL;
	}
	if (ch_message_get(CH_MSG_SEND_BATCH,
			   (struct ch_slice){ batch->payload.data,
					      batch->payload.len },
			   &message, &arena, err) < 0)
		return NULL;
	unload_unused(batches, false);
	loaded = ch_xzalloc(sizeof(*loaded));
	if (message.test_to.len > 0)
		loaded->test_to = ch_slice_dup(message.test_to);
	if (read_files(batches, &message, &loaded->bundle, err) < 0 ||
	    load_letter(loaded, &message, letter->date_us, err) < 0 ||
	    load_smime(loaded, &message, err) < 0) {
		unload(loaded);
		return NULL;
	}
	loaded->batch_id = letter->batch_id;
	loaded->size_bytes = batch->size_bytes;
	loaded->next = batches->loaded;
	batches->loaded = loaded;
	return loaded;
}

/* ---- one letter --------------------------------------------------------- */

/* The envelope comes from the store's addresses, the header from the fields:
 * two ways to one ministry, which must not part. What a person has added later is
 * in no header. */
static int check_envelope(const struct ch_loaded *loaded,
			  const struct ch_addressee *addressee,
			  const struct ch_send_letter *letter,
			  struct ch_error *err)
{
	const struct ch_address *test_to = ch_letter_test_to(loaded->letter);

	for (uint32_t i = 0; i < letter->addresses_len; i++) {
		struct ch_slice to = letter->addresses[i].address;
		bool known = test_to ?
				     ch_slice_eq(to, test_to->spec) :
				     letter->addresses[i].role ==
					     CH_ROLE_READDRESSED;

		for (size_t j = 0; j < addressee->addresses_len && !test_to;
		     j++)
			known |= ch_slice_eq(
				to, addressee->addresses[j].address.spec);
		if (!known)
			return ch_error_set(err, CH_GIVE_UP,
					    "an address of the envelope is "
					    "none of the letter's");
	}
	return 0;
}

static void digest(const struct ch_composed *composed,
		   struct ch_sha256 *ret_sha256)
{
	struct ch_sha256_ctx ctx;

	ch_sha256_init(&ctx);
	for (size_t i = 0; i < composed->pieces_len; i++)
		ch_sha256_add(&ctx, composed->pieces[i].iov_base,
			      composed->pieces[i].iov_len);
	ch_sha256_final(&ctx, ret_sha256);
}

void ch_signatures_release(struct ch_signatures *signatures)
{
	ch_str_release(&signatures->smime);
	ch_str_release(&signatures->dkim);
}

/* The signatures that it had at its first dot. A key may have gone or come
 * since: made anew, its bytes would be others, and nobody would know whether
 * those before arrived. */
static int sign_as_before(const struct ch_send_letter *letter,
			  const char *message_id, struct ch_composed *composed,
			  struct ch_error *err)
{
	size_t len = letter->signature.len;
	CH_AUTOCHAR base64 = ch_xcalloc(CH_BASE64_SIZE(len) + 1, 1);

	ch_base64(letter->signature.data, len, base64);
	if (len > 0 && ch_signed_wrap(composed, message_id,
				      ch_slice_of(base64), err) < 0)
		return ch_error_prefix(err, "S/MIME");
	if (letter->dkim.len > 0 &&
	    ch_dkim_put(composed, letter->dkim, err) < 0)
		return ch_error_prefix(err, "DKIM");
	return 0;
}

/* S/MIME first: DKIM covers what leaves. */
static int sign(struct ch_batches *batches, const struct ch_loaded *loaded,
		const struct ch_send_letter *letter, const char *message_id,
		struct ch_composed *composed, struct ch_signatures *ret,
		struct ch_error *err)
{
	if (letter->sha256.len > 0)
		return sign_as_before(letter, message_id, composed, err);
	if (loaded->smime &&
	    ch_smime_sign(loaded->smime, message_id, letter->date_us, composed,
			  &ret->smime, err) < 0)
		return ch_error_prefix(err, "S/MIME");
	return ch_signer_sign(batches->signer, letter->date_us, composed,
			      &ret->dkim, err);
}

int ch_batches_compose(struct ch_batches *batches,
		       const struct ch_send_letter *letter,
		       struct ch_composed *composed,
		       struct ch_loaded **ret_batch,
		       struct ch_sha256 *ret_sha256,
		       struct ch_signatures *ret_signatures,
		       struct ch_error *err)
{
	CH_AUTOCHAR message_id = ch_slice_dup(letter->message_id);
	struct ch_letter_identity identity = { message_id, letter->date_us };
	CH_AUTO(ch_addressee) addressee = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_loaded *loaded = at_hand(batches, letter->batch_id);

	if (!loaded)
		loaded = load(batches, letter, err);
	if (!loaded)
		return -1;
	if (ch_addressee_from_fields(letter->key, letter->language,
				     letter->fields, &addressee, err) < 0 ||
	    check_envelope(loaded, &addressee, letter, err) < 0)
		return -1;
	if (ch_letter_compose(loaded->letter, &addressee, &identity, composed,
			      &problems) < 0)
		return first_problem(&problems, err);
	if (sign(batches, loaded, letter, message_id, composed, ret_signatures,
		 err) < 0)
		return -1;
	digest(composed, ret_sha256);
	loaded->users++;
	*ret_batch = loaded;
	return 0;
}
