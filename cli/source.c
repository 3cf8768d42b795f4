// SPDX-License-Identifier: GPL-3.0-or-later
/* source.c - compose what was sent, and compare before showing it. */
#include "cli/source.h"

#include <string.h>

#include "base/hash.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/request.h"
#include "letter/letter.h"
#include "mail/compose.h"
#include "mail/dkim.h"
#include "mail/signed.h"

/* Whatever was sent was within the limit of its day. */
#define MESSAGE_MAX (256 * 1024 * 1024)
#define FIELDS_MAX (1024 * 1024)

struct source {
	const struct ch_cli *cli;
	json_t *object;
	struct ch_bundle bundle;
	struct ch_letter *letter; /* owned */
	struct ch_addressee addressee;
	struct ch_problems problems;
};

static void source_release(struct source *source)
{
	if (source->letter)
		ch_letter_free(source->letter);
	ch_addressee_release(&source->addressee);
	ch_bundle_release(&source->bundle);
	ch_problems_release(&source->problems);
	json_decref(source->object);
}

/* ---- fetching --------------------------------------------------------- */

static int bad_answer(const struct source *source, const char *what)
{
	return ch_fail(source->cli, EX_PROTOCOL,
		       "Are chancery and chanceryd of one version?",
		       "chanceryd's answer cannot be read: %s", what);
}

static int fetch_file(struct source *source, const json_t *file)
{
	const char *hex = ch_json_text(file, "sha256");
	const char *name = ch_json_text(file, "name");
	enum ch_file_role role =
		ch_file_role_of(ch_slice_of(ch_json_text(file, "role")));
	CH_AUTO(ch_answer) answer = { 0 };
	CH_AUTOCHAR path = NULL;
	struct ch_sha256 sum;
	struct ch_error err;
	int code;

	if (ch_sha256_parse(hex, strlen(hex), &sum) < 0)
		return bad_answer(source, "a file without its SHA-256");
	path = ch_xasprintf("/v1/objects/%s", hex);
	code = ch_request_get(source->cli, CH_DOOR_CONTROL, path,
			      CH_BUNDLE_FILE_MAX, &answer);
	if (code != EX_OK)
		return code;
	if (answer.status >= 400)
		return ch_answer_fail(source->cli, &answer);
	if (ch_bundle_add_bytes(&source->bundle, role, name, &sum,
				(struct ch_slice){
					ch_str_cstr(&answer.body),
					answer.body.len },
				&err) < 0)
		return ch_fail(source->cli, EX_SOFTWARE, NULL, "%s", err.text);
	return EX_OK;
}

static int fetch(struct source *source, const struct ch_target *target)
{
	CH_AUTOCHAR path =
		ch_request_path(target->reference, target->key, "/source");
	int code = ch_request_json(source->cli, CH_DOOR_CONTROL, path,
				   &source->object);
	const json_t *file;
	size_t i;

	if (code != EX_OK)
		return code;
	json_array_foreach(json_object_get(source->object, "files"), i, file) {
		code = fetch_file(source, file);
		if (code != EX_OK)
			return code;
	}
	return EX_OK;
}

/* ---- composing -------------------------------------------------------- */

static int load(struct source *source)
{
	const json_t *batch = json_object_get(source->object, "batch");
	struct ch_letter_options options = {
		.reference = ch_json_text(batch, "reference"),
		.deadline = ch_json_text(batch, "deadline"),
		.from = ch_json_text(batch, "from"),
		.reply_to = ch_json_text(batch, "reply_to"),
		.test_to = ch_json_text(batch, "test_to"),
		.max_message_bytes = MESSAGE_MAX,
	};

	options.date_us = json_integer_value(
		json_object_get(source->object, "date_us"));
	return ch_letter_load(&source->bundle, &options, &source->letter,
			      &source->problems);
}

static int read_addressee(struct source *source)
{
	const json_t *object = source->object;
	struct ch_fields fields = { 0 };
	CH_AUTO(ch_str) encoded = CH_STR_INIT(FIELDS_MAX);
	const json_t *field;
	struct ch_error err;
	size_t i;

	json_array_foreach(json_object_get(object, "fields"), i, field)
		ch_fields_set(&fields, ch_json_text(field, "name"),
			      ch_slice_of(ch_json_text(field, "value")));
	ch_fields_encode(&fields, &encoded);
	ch_fields_release(&fields);
	if (ch_addressee_from_fields(
		    ch_slice_of(ch_json_text(object, "key")),
		    ch_slice_of(ch_json_text(object, "language")),
		    (struct ch_slice){ ch_str_cstr(&encoded), encoded.len },
		    &source->addressee, &err) < 0)
		return bad_answer(source, err.text);
	return EX_OK;
}

static int not_composed(struct source *source)
{
	struct ch_report report = { .cli = source->cli,
				    .term = &source->cli->err };

	ch_report_tell(&report, &source->problems);
	ch_report_release(&report);
	return ch_fail(source->cli, EX_SOFTWARE, NULL,
		       "this release cannot compose that letter");
}

/* ---- printing --------------------------------------------------------- */

static void digest_of(const struct ch_composed *composed,
		      char out[CH_SHA256_HEX_SIZE])
{
	struct ch_sha256_ctx ctx;
	struct ch_sha256 sum;

	ch_sha256_init(&ctx);
	for (size_t i = 0; i < composed->pieces_len; i++)
		ch_sha256_add(&ctx, composed->pieces[i].iov_base,
			      composed->pieces[i].iov_len);
	ch_sha256_final(&ctx, &sum);
	ch_sha256_hex(&sum, out);
}

static int not_the_bytes(const struct source *source, const char *why)
{
	return ch_fail(source->cli, EX_SOFTWARE,
		       "Another release of Chancery sent it and composes "
		       "otherwise: use that one.",
		       "these would not be the bytes that were sent: %s", why);
}

/* The signatures that it was sent with, if it was: S/MIME around its body, DKIM
 * above all. */
static int put_signatures(const struct source *source, const char *message_id,
			  struct ch_composed *composed)
{
	const char *base64 = ch_json_text(source->object, "signature");
	const char *dkim = ch_json_text(source->object, "dkim");
	struct ch_error err;

	if (base64[0] && ch_signed_wrap(composed, message_id,
					ch_slice_of(base64), &err) < 0)
		return not_the_bytes(source, err.text);
	if (dkim[0] && ch_dkim_put(composed, ch_slice_of(dkim), &err) < 0)
		return not_the_bytes(source, err.text);
	return EX_OK;
}

static int compare(const struct source *source,
		   const struct ch_composed *composed)
{
	const char *sent = ch_json_text(source->object, "sha256");
	CH_AUTOCHAR why = NULL;
	char hex[CH_SHA256_HEX_SIZE];

	if (!sent[0]) {
		ch_term_line(&source->cli->err, "%s",
			     ch_json_true(source->object, "signed") ?
				     "It was not sent yet: this is what will "
				     "be signed and sent." :
				     "It was not sent yet: this is what will "
				     "be.");
		return EX_OK;
	}
	digest_of(composed, hex);
	if (strcmp(hex, sent) == 0)
		return EX_OK;
	why = ch_xasprintf("composed %s, sent %s", hex, sent);
	return not_the_bytes(source, why);
}

static void print(const struct ch_cli *cli, const struct ch_composed *composed)
{
	CH_AUTO(ch_str) whole = CH_STR_INIT(MESSAGE_MAX);

	for (size_t i = 0; i < composed->pieces_len; i++) {
		if (cli->out.tty)
			ch_str_add_mem(&whole, composed->pieces[i].iov_base,
				       composed->pieces[i].iov_len);
		else
			fwrite(composed->pieces[i].iov_base, 1,
			       composed->pieces[i].iov_len, stdout);
	}
	if (cli->out.tty)
		ch_term_block(&cli->out, ch_str_cstr(&whole), whole.len);
}

static int compose(struct source *source)
{
	CH_AUTO(ch_composed) composed;
	struct ch_letter_identity identity = {
		.message_id = ch_json_text(source->object, "message_id"),
		.date_us = json_integer_value(
			json_object_get(source->object, "date_us")),
	};
	int code;

	ch_composed_init(&composed, MESSAGE_MAX);
	if (ch_letter_compose(source->letter, &source->addressee, &identity,
			      &composed, &source->problems) < 0)
		return not_composed(source);
	code = put_signatures(source, identity.message_id, &composed);
	if (code == EX_OK)
		code = compare(source, &composed);
	if (code == EX_OK)
		print(source->cli, &composed);
	return code;
}

int ch_source_print(const struct ch_cli *cli, const struct ch_target *target)
{
	struct source source = { .cli = cli };
	int code = fetch(&source, target);

	if (code == EX_OK && load(&source) < 0)
		code = not_composed(&source);
	if (code == EX_OK)
		code = read_addressee(&source);
	if (code == EX_OK)
		code = compose(&source);
	source_release(&source);
	return code;
}
