/* SPDX-License-Identifier: GPL-3.0-or-later */
/* http-json.h - what the sockets say, as JSON: chancery-status(7) lists every
 * member. What others wrote becomes valid UTF-8 here; jansson escapes controls.
 *
 * Each returns a new object that the caller owns (json_decref), or fills one.
 */
#ifndef CH_CHANCERYD_HTTP_JSON_H
#define CH_CHANCERYD_HTTP_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/problem.h"
#include "base/str.h"

struct ch_mailroom_state;
struct ch_store;
struct ch_store_attachment;
struct ch_store_batch;
struct ch_store_event;
struct ch_store_file;
struct ch_store_letter;
struct ch_store_return;
struct ch_suppressed;
struct ch_store_transcript;
struct ch_tally;

/* A text, and one that is null where it is "". NULL counts as "". */
json_t *ch_http_text(const char *text);
json_t *ch_http_text_or_null(const char *text);
/* RFC 3339, null for 0. */
json_t *ch_http_time(int64_t at_us);

/* Add the numbers of a tally to an object: letters, total, bounced … */
void ch_http_put_tally(json_t *object, const struct ch_tally *tally);

/* `at_risk` as ch_mailroom_at_risk() has it; so for a letter. */
json_t *ch_http_batch(const struct ch_store_batch *batch,
		      const struct ch_tally *tally, uint64_t at_risk);
/* Into a batch's object, how far its canary is. */
int ch_http_put_canary(struct ch_store *store,
		       const struct ch_store_batch *batch, json_t *object,
		       struct ch_error *err);
/* Batches that follow on one: their references, and how. */
json_t *ch_http_followers(const struct ch_store_batch *batches, size_t len);
json_t *ch_http_files(const struct ch_store_file *files, size_t len);
json_t *ch_http_letter(const struct ch_store_letter *letter,
		       const char *reference, bool at_risk);
/* What a table says of an addressee, beside what became of the letter; -1
 * (CH_GIVE_UP) where its fields cannot be read. */
int ch_http_addressee(const struct ch_store_letter *letter, json_t **ret,
		      struct ch_error *err);
/* What composes its exact bytes; -1 (CH_GIVE_UP) where its fields cannot be
 * read. */
int ch_http_source(const struct ch_store_batch *batch,
		   const struct ch_store_letter *letter,
		   const struct ch_store_file *files, size_t files_len,
		   json_t **ret, struct ch_error *err);
/* What it was sent with: the S/MIME signature, which is DER, in base64, and the
 * DKIM-Signature fields; null: none. */
void ch_http_put_signatures(json_t *source, const struct ch_str *smime,
			    const struct ch_str *dkim);
/* What was said of the letter in its last attempt, line by line. */
json_t *ch_http_transcript(const struct ch_store_transcript *transcript,
			   const struct ch_store_letter *letter);
json_t *ch_http_return(const struct ch_store_return *item);
/* What is attached to it. */
json_t *ch_http_attachments(const struct ch_store_attachment *items,
			    size_t len);
json_t *ch_http_suppressed(const struct ch_suppressed *item);
json_t *ch_http_event(const struct ch_store_event *event);
json_t *ch_http_problems(const struct ch_problems *problems);
json_t *ch_http_state(const struct ch_mailroom_state *state);
json_t *ch_http_error(unsigned int status, const char *code, const char *text,
		      const char *hint);

/* Append it in one line, and give it up. */
void ch_http_dump(json_t *take, struct ch_str *out);

#endif
