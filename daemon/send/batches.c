// SPDX-License-Identifier: GPL-3.0-or-later
/* batches.c - from a row of the store to the bytes of a message. */
#include "send/batches.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "letter/letter.h"

#define LOADED_MAX 2 /* letters at hand, with their annexes */
/* What a batch may hold was decided at its import. */
#define MESSAGE_MAX ((size_t)1024 * 1024 * 1024)

struct batch {
	int64_t id;
	struct ch_str payload; /* the message as it came */
};

struct loaded {
	int64_t batch_id; /* 0: empty */
	int64_t date_us;
	uint64_t used; /* when last */
	struct ch_bundle bundle;
	struct ch_letter *letter; /* owned; borrows the bundle */
	char *test_to;            /* owned; NULL: none */
};

struct ch_batches {
	char *objects_dir;  /* owned */
	struct batch *list; /* owned */
	size_t len;
	size_t cap;
	struct loaded loaded[LOADED_MAX];
	uint64_t uses;
	struct ch_composed composed;
	struct ch_str message;
};

struct ch_batches *ch_batches_new(const char *objects_dir)
{
	struct ch_batches *batches = ch_xzalloc(sizeof(*batches));

	batches->objects_dir = ch_xstrdup(objects_dir);
	ch_composed_init(&batches->composed, MESSAGE_MAX);
	ch_str_init(&batches->message, MESSAGE_MAX);
	return batches;
}

static void unload(struct loaded *loaded)
{
	ch_letter_free(loaded->letter);
	ch_bundle_release(&loaded->bundle);
	free(loaded->test_to);
	*loaded = (struct loaded){ 0 };
}

void ch_batches_free(struct ch_batches *batches)
{
	if (!batches)
		return;
	for (size_t i = 0; i < LOADED_MAX; i++)
		unload(&batches->loaded[i]);
	for (size_t i = 0; i < batches->len; i++)
		ch_str_release(&batches->list[i].payload);
	ch_composed_release(&batches->composed);
	ch_str_release(&batches->message);
	free(batches->list);
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
	ch_str_clear(&batch->payload);
	ch_str_add_mem(&batch->payload, payload.data, payload.len);
	for (size_t i = 0; i < LOADED_MAX; i++) {
		if (batches->loaded[i].batch_id == message.batch_id)
			unload(&batches->loaded[i]);
	}
	return 0;
}

/* ---- the letter of a batch ---------------------------------------------- */

/* From the object store, each checked against the digest of its approval. */
static int read_files(const struct ch_batches *batches,
		      const struct ch_send_batch *batch,
		      struct ch_bundle *bundle, struct ch_error *err)
{
	CH_AUTOFD objects = open(batches->objects_dir,
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (objects < 0)
		return ch_error_set(err, CH_RETRY, "%s cannot be opened",
				    batches->objects_dir);
	for (uint32_t i = 0; i < batch->files_len; i++) {
		const struct ch_batch_file *file = &batch->files[i];
		CH_AUTOCHAR name = ch_slice_dup(file->name);
		enum ch_file_role role = ch_slice_eq(file->role, "annex")
						 ? CH_ROLE_ANNEX
						 : CH_ROLE_LETTER;

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

		if (p->kind == CH_PROBLEM_ERROR)
			return ch_error_set(err, CH_GIVE_UP, "%s:%u:%u: %s",
					    p->file, p->line, p->column,
					    p->text);
	}
	return ch_error_set(err, CH_GIVE_UP, "cannot be composed");
}

static int load_letter(struct loaded *loaded,
		       const struct ch_send_batch *batch, struct ch_error *err)
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
		.date_us = loaded->date_us,
		.max_message_bytes = MESSAGE_MAX,
	};

	if (ch_letter_load(&loaded->bundle, &options, &loaded->letter,
			   &problems) < 0)
		return first_problem(&problems, err);
	return 0;
}

static struct loaded *oldest(struct ch_batches *batches)
{
	struct loaded *found = &batches->loaded[0];

	for (size_t i = 1; i < LOADED_MAX; i++) {
		if (batches->loaded[i].used < found->used)
			found = &batches->loaded[i];
	}
	return found;
}

static struct loaded *at_hand(struct ch_batches *batches, int64_t batch_id,
			      int64_t date_us)
{
	for (size_t i = 0; i < LOADED_MAX; i++) {
		struct loaded *loaded = &batches->loaded[i];

		if (loaded->batch_id == batch_id && loaded->date_us == date_us)
			return loaded;
	}
	return NULL;
}

static struct loaded *load(struct ch_batches *batches,
			   const struct ch_send_letter *letter,
			   struct ch_error *err)
{
	struct batch *batch = find(batches, letter->batch_id);
	CH_AUTO(ch_arena) arena = { 0 };
	struct ch_send_batch message;
	struct loaded *loaded;

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
	loaded = oldest(batches);
	unload(loaded);
	loaded->date_us = letter->date_us;
	if (message.test_to.len > 0)
		loaded->test_to = ch_slice_dup(message.test_to);
	if (read_files(batches, &message, &loaded->bundle, err) < 0 ||
	    load_letter(loaded, &message, err) < 0) {
		unload(loaded);
		return NULL;
	}
	loaded->batch_id = letter->batch_id;
	return loaded;
}

/* ---- one letter --------------------------------------------------------- */

/* The envelope comes from the store's addresses, the header from the fields:
 * two ways to one ministry, which must not part. */
static int check_envelope(const struct loaded *loaded,
			  const struct ch_addressee *addressee,
			  const struct ch_send_letter *letter,
			  struct ch_error *err)
{
	const struct ch_address *test_to = ch_letter_test_to(loaded->letter);

	for (uint32_t i = 0; i < letter->addresses_len; i++) {
		struct ch_slice to = letter->addresses[i].address;
		bool known = test_to && ch_slice_eq(to, test_to->spec);

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

static void flatten(struct ch_batches *batches)
{
	const struct ch_composed *composed = &batches->composed;

	ch_str_clear(&batches->message);
	for (size_t i = 0; i < composed->pieces_len; i++)
		ch_str_add_mem(&batches->message, composed->pieces[i].iov_base,
			       composed->pieces[i].iov_len);
}

int ch_batches_compose(struct ch_batches *batches,
		       const struct ch_send_letter *letter,
		       struct ch_slice *ret_message,
		       struct ch_sha256 *ret_sha256, struct ch_error *err)
{
	CH_AUTOCHAR message_id = ch_slice_dup(letter->message_id);
	struct ch_letter_identity identity = { message_id, letter->date_us };
	CH_AUTO(ch_addressee) addressee = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	struct loaded *loaded = at_hand(batches, letter->batch_id,
					letter->date_us);

	if (!loaded)
		loaded = load(batches, letter, err);
	if (!loaded)
		return -1;
	loaded->used = ++batches->uses;
	if (ch_addressee_from_fields(letter->key, letter->language,
				     letter->fields, &addressee, err) < 0 ||
	    check_envelope(loaded, &addressee, letter, err) < 0)
		return -1;
	if (ch_letter_compose(loaded->letter, &addressee, &identity,
			      &batches->composed, &problems) < 0)
		return first_problem(&problems, err);
	flatten(batches);
	*ret_message = (struct ch_slice){ batches->message.data,
					  batches->message.len };
	ch_sha256_of(ret_message->data, ret_message->len, ret_sha256);
	return 0;
}
