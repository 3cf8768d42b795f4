// SPDX-License-Identifier: GPL-3.0-or-later
/* import.c - merge and compose each addressee's letter once, and say all that
 * is wrong.
 *
 * Composing whole messages, though the store keeps only fields, is what makes
 * "imported" mean "can be sent": no letter fails later for an empty field, a
 * header that may not be, or its size. Rows go out one by one over a socket
 * that blocks when chanceryd is behind, so memory is bounded by a row.
 */
#include "import/import.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/objects.h"
#include "letter/letter.h"
#include "letter/recipients.h"

#define FLUSH_BYTES (128 * 1024)
#define FIELDS_MAX (900 * 1024) /* of a letter; a frame holds a little more */
#define LANGUAGES_MAX 8
#define SUBJECT_MAX 2000

struct import {
	struct ch_channel *channel;          /* borrowed */
	const struct ch_import_start *start; /* borrowed */
	struct ch_bundle bundle;
	struct ch_letter *letter; /* owned */
	struct ch_problems problems;
	size_t problems_told;
	struct ch_composed composed;
	struct ch_str fields;
	struct ch_str first_subject;
	struct ch_sha256_ctx digest;
	uint64_t letters;
	uint64_t in_language[LANGUAGES_MAX];
	uint64_t largest_bytes;
	bool merging; /* no fault before the first row */
	int objects_fd; /* owned; -1 until the first file is kept */
};

/* ---- talking ---------------------------------------------------------- */

static int tell(struct import *import, enum ch_message_type type,
		const void *message, struct ch_error *err)
{
	struct ch_channel *channel = import->channel;

	if (ch_message_put(channel, type, message, err) < 0)
		return -1;
	if (channel->out.len < FLUSH_BYTES)
		return 0;
	return ch_channel_flush(channel, err) < 0 ? -1 : 0;
}

/* Whether chanceryd has said anything: 1 that we are to stop, 0 nothing. */
static int listen_for_stop(struct import *import, struct ch_error *err)
{
	struct pollfd ready = { .fd = import->channel->fd, .events = POLLIN };
	struct ch_slice payload;
	uint16_t type;
	int got;

	if (poll(&ready, 1, 0) <= 0)
		return 0;
	if (ch_channel_fill(import->channel, err) < 0)
		return -1;
	got = ch_channel_next(import->channel, &type, &payload, err);
	if (got <= 0)
		return got;
	if (type == CH_MSG_STOP)
		return 1;
	return ch_error_set(err, CH_GIVE_UP, "\"%s\" in the middle of an import",
			    ch_message_name(type));
}

/* The problems that were added since. */
static int tell_problems(struct import *import, struct ch_error *err)
{
	const struct ch_problems *all = &import->problems;

	for (; import->problems_told < all->len; import->problems_told++) {
		const struct ch_problem *p =
			&all->items[import->problems_told];
		struct ch_import_problem message = {
			.kind = p->kind,
			.file = ch_slice_of(p->file),
			.line = p->line,
			.column = p->column,
			.field = ch_slice_of(p->field),
			.text = ch_slice_of(p->text),
			.hint = ch_slice_of(p->hint),
		};

		if (tell(import, CH_MSG_IMPORT_PROBLEM, &message, err) < 0)
			return -1;
	}
	return 0;
}

/* {"fr":31,"en":160} */
static void write_summary(const struct import *import, struct ch_str *out)
{
	const char *const *codes = import->letter
					   ? ch_letter_languages(import->letter)
					   : NULL;

	ch_str_add(out, "{");
	for (size_t i = 0; codes && codes[i]; i++) {
		if (import->in_language[i])
			ch_str_addf(out, "%s\"%s\":%llu",
				    out->len > 1 ? "," : "", codes[i],
				    (unsigned long long)
					    import->in_language[i]);
	}
	ch_str_add(out, "}");
}

/* What lists call the batch; where there is one letter, its own subject. */
static void write_subject(const struct import *import, struct ch_str *out)
{
	const struct ch_letter *letter = import->letter;

	if (import->letters == 1)
		ch_str_add(out, ch_str_cstr(&import->first_subject));
	else if (letter)
		ch_letter_subject(letter, ch_letter_languages(letter)[0], out);
}

static int tell_done(struct import *import, struct ch_error *err)
{
	CH_AUTO(ch_str) summary = CH_STR_INIT(1000);
	CH_AUTO(ch_str) subject = CH_STR_INIT(SUBJECT_MAX);
	struct ch_import_done done = {
		.letters = import->letters,
		.errors = import->problems.errors,
		.warnings = import->problems.warnings,
		.largest_bytes = import->largest_bytes,
	};

	if (tell_problems(import, err) < 0)
		return -1;
	write_summary(import, &summary);
	done.summary = ch_slice_of(ch_str_cstr(&summary));
	write_subject(import, &subject);
	done.subject = ch_slice_of(ch_str_cstr(&subject));
	ch_sha256_final(&import->digest, &done.digest);
	if (tell(import, CH_MSG_IMPORT_DONE, &done, err) < 0)
		return -1;
	return ch_channel_flush(import->channel, err) < 0 ? -1 : 0;
}

/* ---- the digest ------------------------------------------------------- */

/* Each piece with its length, so that no two imports have the same bytes. */
static void digest_add(struct import *import, const void *bytes, size_t len)
{
	unsigned char head[8];

	for (int i = 0; i < 8; i++)
		head[i] = (unsigned char)((uint64_t)len >> (8 * i));
	ch_sha256_add(&import->digest, head, sizeof(head));
	ch_sha256_add(&import->digest, bytes, len);
}

static void digest_add_slice(struct import *import, struct ch_slice text)
{
	digest_add(import, text.data, text.len);
}

static void digest_add_start(struct import *import)
{
	const struct ch_import_start *start = import->start;

	digest_add_slice(import, start->reference);
	digest_add_slice(import, start->deadline);
	digest_add_slice(import, start->from);
	digest_add_slice(import, start->reply_to);
	digest_add_slice(import, start->test_to);
	digest_add_slice(import, start->fallback_language);
}

/* ---- the letter ------------------------------------------------------- */

static const char *or_null(struct ch_slice text, char **ret_copy)
{
	*ret_copy = ch_slice_dup(text);
	return text.len ? *ret_copy : NULL;
}

static void load_letter(struct import *import)
{
	const struct ch_import_start *start = import->start;
	CH_AUTOCHAR reference = NULL;
	CH_AUTOCHAR deadline = NULL;
	CH_AUTOCHAR from = NULL;
	CH_AUTOCHAR reply_to = NULL;
	CH_AUTOCHAR test_to = NULL;
	CH_AUTOCHAR fallback = NULL;
	struct ch_letter_options options = {
		.reference = or_null(start->reference, &reference),
		.deadline = or_null(start->deadline, &deadline),
		.from = or_null(start->from, &from),
		.reply_to = or_null(start->reply_to, &reply_to),
		.test_to = or_null(start->test_to, &test_to),
		.fallback_language =
			or_null(start->fallback_language, &fallback),
		.date_us = start->date_us,
		.max_message_bytes = start->max_message_bytes,
	};

	ch_letter_load(&import->bundle, &options, &import->letter,
		       &import->problems);
}

static void read_letter(struct import *import)
{
	CH_AUTOCHAR spool = ch_slice_dup(import->start->spool_dir);
	CH_AUTOCHAR folder = ch_xasprintf("%s/letter", spool);
	CH_AUTOCHAR annexes = ch_xasprintf("%s/annexes", spool);
	CH_AUTOCHAR attachments = ch_xasprintf("%s/attachments", spool);

	ch_bundle_add_folder(&import->bundle, CH_ROLE_LETTER, folder, "letter",
			     &import->problems);
	if (access(annexes, F_OK) == 0)
		ch_bundle_add_folder(&import->bundle, CH_ROLE_ANNEX, annexes,
				     "annexes", &import->problems);
	if (access(attachments, F_OK) == 0)
		ch_bundle_add_folder(&import->bundle, CH_ROLE_ATTACHMENT,
				     attachments, "attachments",
				     &import->problems);
	if (import->problems.errors == 0)
		load_letter(import);
}

static int keep_file(struct import *import, const struct ch_bundle_file *f,
		     struct ch_error *err)
{
	struct ch_import_file message = { .file = {
		.role = ch_slice_of(ch_file_role_name(f->role)),
		.name = ch_slice_of(f->name),
		.size_bytes = f->bytes.len,
	} };

	if (ch_object_add(import->objects_fd, ch_str_cstr(&f->bytes),
			  f->bytes.len, &message.file.sha256, err) < 0)
		return -1;
	digest_add_slice(import, message.file.role);
	digest_add_slice(import, message.file.name);
	digest_add(import, &message.file.sha256,
		   sizeof(message.file.sha256));
	return tell(import, CH_MSG_IMPORT_FILE, &message, err);
}

static int open_objects(struct import *import, struct ch_error *err)
{
	CH_AUTOCHAR objects = ch_slice_dup(import->start->objects_dir);

	import->objects_fd = ch_objects_open(objects, err);
	return import->objects_fd < 0 ? -1 : 0;
}

/* Put the files where sending finds them: those of every letter. */
static int keep_files(struct import *import, struct ch_error *err)
{
	if (open_objects(import, err) < 0)
		return -1;
	for (size_t i = 0; i < import->bundle.len; i++) {
		const struct ch_bundle_file *f = &import->bundle.files[i];

		if (f->role != CH_ROLE_ATTACHMENT &&
		    keep_file(import, f, err) < 0)
			return -1;
	}
	return 0;
}

/* After the rows: those that go with some letters, and no others. */
static int keep_attachments(struct import *import, struct ch_error *err)
{
	for (size_t i = 0; i < import->bundle.len; i++) {
		const struct ch_bundle_file *f = &import->bundle.files[i];

		if (f->role != CH_ROLE_ATTACHMENT)
			continue;
		if (!ch_letter_attached(import->letter, i))
			ch_problems_add(&import->problems, CH_PROBLEM_WARNING,
					(struct ch_place){ f->shown, 0, 0,
							   NULL },
					NULL, "no row of the table names this "
					      "file");
		else if (keep_file(import, f, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the rows --------------------------------------------------------- */

static void count_language(struct import *import, const char *language)
{
	const char *const *codes = ch_letter_languages(import->letter);

	for (size_t i = 0; codes[i] && i < LANGUAGES_MAX; i++)
		import->in_language[i] += strcmp(codes[i], language) == 0;
}

static void fill_addresses(const struct import *import,
			   const struct ch_addressee *a,
			   struct ch_import_address *list,
			   struct ch_import_letter *ret)
{
	const struct ch_address *test_to = ch_letter_test_to(import->letter);

	ret->addresses = list;
	if (test_to) {
		list[0] = (struct ch_import_address){
			CH_ROLE_TO, ch_slice_of(test_to->spec)
		};
		ret->addresses_len = 1;
		return;
	}
	for (size_t i = 0; i < a->addresses_len; i++)
		list[i] = (struct ch_import_address){
			a->addresses[i].role,
			ch_slice_of(a->addresses[i].address.spec)
		};
	ret->addresses_len = (uint32_t)a->addresses_len;
}

static void digest_add_letter(struct import *import,
			      const struct ch_import_letter *letter)
{
	digest_add_slice(import, letter->key);
	digest_add_slice(import, letter->language);
	digest_add_slice(import, letter->fields);
	for (uint32_t i = 0; i < letter->addresses_len; i++) {
		unsigned char role =
			(unsigned char)letter->addresses[i].role;

		digest_add(import, &role, 1);
		digest_add_slice(import, letter->addresses[i].address);
	}
}

static int tell_letter(struct import *import, const struct ch_addressee *a,
		       const char *message_id, struct ch_error *err)
{
	struct ch_import_address *list =
		ch_xcalloc(a->addresses_len + 1, sizeof(*list));
	struct ch_import_letter letter = {
		.key = ch_slice_of(a->key),
		.name = ch_slice_of(a->name),
		.language = ch_slice_of(
			ch_letter_language_of(import->letter, a)),
		.message_id = ch_slice_of(message_id),
	};
	int rc;

	ch_str_clear(&import->fields);
	ch_fields_encode(&a->fields, &import->fields);
	assert(!import->fields.full); /* ch_recipients_next() saw to it */
	letter.fields = (struct ch_slice){ ch_str_cstr(&import->fields),
					   import->fields.len };
	fill_addresses(import, a, list, &letter);
	digest_add_letter(import, &letter);
	rc = tell(import, CH_MSG_IMPORT_LETTER, &letter, err);
	free(list);
	return rc;
}

static int import_row(struct import *import, const struct ch_addressee *a,
		      const char *domain, struct ch_error *err)
{
	CH_AUTOCHAR message_id = ch_letter_message_id(domain);
	struct ch_letter_identity identity = { message_id,
					       import->start->date_us };

	if (ch_letter_compose(import->letter, a, &identity, &import->composed,
			      &import->problems) < 0)
		return tell_problems(import, err);
	if (import->letters++ == 0)
		ch_letter_subject_composed(import->letter,
					   &import->first_subject);
	count_language(import, ch_letter_language_of(import->letter, a));
	if (import->composed.size_bytes > import->largest_bytes)
		import->largest_bytes = import->composed.size_bytes;
	/* Behind an error nothing will be kept: only the count goes on. */
	if (import->problems.errors > 0)
		return 0;
	return tell_letter(import, a, message_id, err);
}

static int import_rows(struct import *import,
		       struct ch_recipients *recipients, struct ch_error *err)
{
	CH_AUTOCHAR domain = ch_slice_dup(import->start->message_id_domain);
	struct ch_addressee a;
	int rc = 0;

	while (rc == 0 &&
	       ch_recipients_next(recipients, &a, &import->problems) > 0) {
		if (import->merging)
			rc = import_row(import, &a, domain, err);
		ch_addressee_release(&a);
		if (rc == 0)
			rc = tell_problems(import, err);
		if (rc == 0)
			rc = listen_for_stop(import, err);
	}
	return rc;
}

/* The tables in the spool, by their names. */
static int open_tables(struct import *import, const char *spool,
		       const struct ch_recipients_options *options,
		       struct ch_recipients **ret, struct ch_error *err)
{
	const struct ch_import_start *start = import->start;
	struct ch_recipients_table tables[CH_TABLES_MAX];
	char *names[CH_TABLES_MAX];
	char *paths[CH_TABLES_MAX];
	size_t len = 0;
	int rc = 0;

	if (start->recipients_len == 0 ||
	    start->recipients_len > CH_TABLES_MAX)
		return ch_error_set(err, CH_GIVE_UP, "%u tables",
				    start->recipients_len);
	for (; rc == 0 && len < start->recipients_len; len++) {
		names[len] = ch_slice_dup(start->recipients[len]);
		paths[len] = ch_xasprintf("%s/recipients/%s", spool,
					  names[len]);
		tables[len] = (struct ch_recipients_table){ paths[len],
							    names[len] };
		rc = ch_bundle_name_ok(names[len], err);
	}
	if (rc < 0)
		ch_error_prefix(err, "recipients");
	else
		ch_recipients_open(tables, len, options, ret,
				   &import->problems);
	while (len-- > 0) {
		free(names[len]);
		free(paths[len]);
	}
	return rc;
}

static int read_tables(struct import *import, struct ch_error *err)
{
	CH_AUTOPTR(ch_recipients) recipients = NULL;
	CH_AUTOCHAR spool = ch_slice_dup(import->start->spool_dir);
	CH_AUTOCHAR charset = NULL;
	CH_AUTOCHAR sheet = NULL;
	struct ch_recipients_options options = {
		.charset = or_null(import->start->charset, &charset),
		.sheet = or_null(import->start->sheet, &sheet),
		.scratch_dir = spool,
		.max_recipients = import->start->max_recipients,
		.utf8 = import->start->smtputf8 ? CH_TABLE_UTF8_TAKEN :
						  CH_TABLE_UTF8_REFUSED,
		.capacities = import->letter &&
			      ch_letter_uses(import->letter, "capacities"),
	};
	const char *const *columns;
	size_t len;
	int rc;

	if (open_tables(import, spool, &options, &recipients, err) < 0)
		return -1;
	if (!recipients)
		return 0;
	columns = ch_recipients_columns(recipients, &len);
	if (import->letter)
		ch_letter_check_columns(import->letter, columns,
					ch_recipients_column_files(recipients),
					len, &import->problems);
	/* Behind such a fault the rows are still checked, but not merged: each
	 * would say it again. */
	import->merging = import->problems.errors == 0;
	rc = import_rows(import, recipients, err);
	if (rc == 0 && import->problems.errors == 0)
		rc = keep_attachments(import, err);
	return rc;
}

/* ---- all of it -------------------------------------------------------- */

static int run(struct import *import, struct ch_error *err)
{
	int rc;

	digest_add_start(import);
	read_letter(import);
	if (import->problems.errors == 0 && keep_files(import, err) < 0)
		return -1;
	rc = read_tables(import, err);
	return rc != 0 ? rc : tell_done(import, err);
}

int ch_import_run(struct ch_channel *channel,
		  const struct ch_import_start *start, struct ch_error *err)
{
	struct import import = {
		.channel = channel, .start = start, .objects_fd = -1,
	};
	size_t max = start->max_message_bytes ? start->max_message_bytes
					      : CH_BUNDLE_FILE_MAX;
	int rc;

	ch_composed_init(&import.composed, max);
	ch_str_init(&import.fields, FIELDS_MAX);
	ch_str_init(&import.first_subject, SUBJECT_MAX);
	ch_sha256_init(&import.digest);
	rc = run(&import, err);
	ch_sha256_ctx_release(&import.digest);
	ch_str_release(&import.fields);
	ch_str_release(&import.first_subject);
	ch_composed_release(&import.composed);
	ch_problems_release(&import.problems);
	if (import.letter)
		ch_letter_free(import.letter);
	ch_bundle_release(&import.bundle);
	ch_auto_close(&import.objects_fd);
	return rc;
}
