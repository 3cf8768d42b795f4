// SPDX-License-Identifier: GPL-3.0-or-later
/* compose-bench.c - microseconds of CPU for merging and composing one letter.
 *
 *   compose-bench [-k KEY] FOLDER LETTERS [ANNEX]
 *
 * Takes each addressee from its fields as the store has them, merges the letter
 * in FOLDER for it (in the letter's first language; columns name and to) and
 * composes the message, LETTERS times in one process; ANNEX is attached. With
 * KEY, of RSA or Ed25519 in PEM, each is signed with DKIM too, and in turn with
 * it OpenSSL signs as many bytes alone: so both see the same machine. Prints
 * one JSON object.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "letter/letter.h"
#include "mail/dkim-key.h"
#include "mail/dkim.h"

#define MESSAGE_MAX (64 * 1024 * 1024)
#define ROWS 512 /* different addressees */
#define DATE_US INT64_C(1796601600000000) /* 2026-12-07 */

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void fail(const struct ch_problems *problems, const char *text)
{
	for (size_t i = 0; i < problems->len; i++)
		fprintf(stderr, "compose-bench: %s\n",
			problems->items[i].text);
	fprintf(stderr, "compose-bench: %s\n", text);
	exit(1);
}

static void make_fields(long number, struct ch_str *encoded)
{
	struct ch_fields fields = { 0 };
	CH_AUTOCHAR name = ch_xasprintf("Ministère nº %ld", number);
	CH_AUTOCHAR to = ch_xasprintf("minister%ld@members.example", number);

	ch_fields_set(&fields, "key", CH_SLICE_EMPTY);
	ch_fields_set(&fields, "name", ch_slice_of(name));
	ch_fields_set(&fields, "to", ch_slice_of(to));
	ch_str_clear(encoded);
	ch_fields_encode(&fields, encoded);
	ch_fields_release(&fields);
}

static void one(const struct ch_letter *letter, const struct ch_str *fields,
		struct ch_composed *out)
{
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_addressee) addressee = { 0 };
	struct ch_letter_identity identity = {
		"k7qe3m2xv6l5pzra@chancery.example", DATE_US
	};
	struct ch_error err;

	if (ch_addressee_from_fields(
		    ch_slice_of("K"),
		    ch_slice_of(ch_letter_languages(letter)[0]),
		    (struct ch_slice){ fields->data, fields->len },
		    &addressee, &err) < 0)
		fail(&problems, err.text);
	if (ch_letter_compose(letter, &addressee, &identity, out,
			      &problems) < 0)
		fail(&problems, "the letter cannot be composed");
}

/* ---- DKIM ---------------------------------------------------------------- */

#define SIGNED_BYTES 1200 /* about what the fields of a letter are */

struct alone {
	EVP_PKEY *key;
	EVP_MD_CTX *ctx;
	const EVP_MD *md; /* NULL: Ed25519 has its own */
};

static struct ch_dkim *signer(const char *path, struct alone *alone)
{
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_dkim *dkim = ch_dkim_new();
	struct ch_dkim_key *key = NULL;
	struct ch_error err;
	BIO *bio = BIO_new_file(path, "r");

	if (!bio || ch_dkim_key_read(path, &key, &err) < 0)
		fail(&problems, "the key cannot be read");
	*alone = (struct alone){
		.key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL),
		.ctx = EVP_MD_CTX_new(),
		.md = ch_dkim_key_is_rsa(key) ? EVP_sha256() : NULL,
	};
	ch_dkim_add(dkim, "chancery.example", "2026", key);
	BIO_free(bio);
	return dkim;
}

static void sign_alone(const struct alone *alone)
{
	static const unsigned char bytes[SIGNED_BYTES];
	CH_AUTO(ch_problems) problems = { 0 };
	unsigned char out[CH_DKIM_SIGNATURE_MAX];
	size_t len = sizeof(out);

	if (EVP_DigestSignInit(alone->ctx, NULL, alone->md, NULL,
			       alone->key) <= 0 ||
	    EVP_DigestSign(alone->ctx, out, &len, bytes, sizeof(bytes)) <= 0)
		fail(&problems, "OpenSSL does not sign");
}

static void run_signed(const struct ch_letter *letter, long letters,
		       const struct ch_str *fields, const char *key)
{
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_str) signature = CH_STR_INIT(CH_DKIM_FIELDS_MAX);
	CH_AUTO(ch_composed) composed;
	double alone_us = 0, composed_us = 0, dkim_us = 0;
	struct alone alone;
	struct ch_dkim *dkim = signer(key, &alone);
	struct ch_error err;

	ch_composed_init(&composed, MESSAGE_MAX);
	for (long i = -letters / 10; i < letters; i++) {
		double t[4];

		t[0] = cpu_us();
		sign_alone(&alone);
		t[1] = cpu_us();
		one(letter, &fields[(i + ROWS * letters) % ROWS], &composed);
		t[2] = cpu_us();
		if (ch_dkim_sign(dkim, DATE_US, &composed, &signature,
				 &err) < 0)
			fail(&problems, err.text);
		t[3] = cpu_us();
		if (i < 0)
			continue;
		alone_us += t[1] - t[0];
		composed_us += t[2] - t[1];
		dkim_us += t[3] - t[2];
	}
	printf("{\"letters\": %ld, \"size_bytes\": %" PRIu64
	       ", \"sign_us\": %.2f, \"compose_us\": %.2f"
	       ", \"dkim_us\": %.2f, \"above_sign_us\": %.2f}\n",
	       letters, composed.size_bytes, alone_us / (double)letters,
	       composed_us / (double)letters, dkim_us / (double)letters,
	       (composed_us + dkim_us - alone_us) / (double)letters);
	ch_dkim_free(dkim);
	EVP_MD_CTX_free(alone.ctx);
	EVP_PKEY_free(alone.key);
}

/* ---- composing alone ----------------------------------------------------- */

static void run(const struct ch_letter *letter, long letters,
		const struct ch_str *fields)
{
	CH_AUTO(ch_composed) composed;
	double start;

	ch_composed_init(&composed, MESSAGE_MAX);
	for (long i = 0; i < letters / 10; i++)
		one(letter, &fields[i % ROWS], &composed);
	start = cpu_us();
	for (long i = 0; i < letters; i++)
		one(letter, &fields[i % ROWS], &composed);
	printf("{\"letters\": %ld, \"size_bytes\": %" PRIu64
	       ", \"own_bytes\": %zu, \"us\": %.2f}\n",
	       letters, composed.size_bytes, composed.own.len,
	       (cpu_us() - start) / (double)letters);
}

static void run_all(const struct ch_letter *letter, long letters,
		    const char *key)
{
	struct ch_str fields[ROWS];

	for (long i = 0; i < ROWS; i++) {
		ch_str_init(&fields[i], 4096);
		make_fields(i, &fields[i]);
	}
	if (key)
		run_signed(letter, letters, fields, key);
	else
		run(letter, letters, fields);
	for (long i = 0; i < ROWS; i++)
		ch_str_release(&fields[i]);
}

int main(int argc, char **argv)
{
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_letter) letter = NULL;
	struct ch_letter_options options = {
		.reference = "DM-1",
		.from = "bureau@chancery.example",
		.date_us = DATE_US,
		.max_message_bytes = MESSAGE_MAX,
	};

	const char *key = NULL;
	long letters;

	if (argc > 2 && strcmp(argv[1], "-k") == 0) {
		key = argv[2];
		argv += 2;
		argc -= 2;
	}
	letters = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
	if (argc > 4 || letters < 1) {
		fprintf(stderr, "usage: compose-bench [-k KEY] FOLDER LETTERS "
				"[ANNEX]\n");
		return 64;
	}
	if (ch_bundle_add_folder(&bundle, CH_ROLE_LETTER, argv[1], argv[1],
				 &problems) < 0 ||
	    (argc == 4 &&
	     ch_bundle_add_annex(&bundle, argv[3], &problems) < 0) ||
	    ch_letter_load(&bundle, &options, &letter, &problems) < 0)
		fail(&problems, "the letter cannot be loaded");
	run_all(letter, letters, key);
	return 0;
}
