// SPDX-License-Identifier: GPL-3.0-or-later
/* test-dkim.c - canonical forms, the example of RFC 8463, whole fields, and keys
 * that may not sign. python3-dkim verifies the whole in test-dkim.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "mail/compose.h"
#include "mail/dkim-key.h"
#include "mail/dkim-private.h"
#include "mail/dkim.h"
#include "pem.h"

#define DATE_US INT64_C(1796635800999999) /* 2026-12-07 09:30:00 */

/* The Ed25519 key of RFC 8463 appendix A. */
static const char ed25519_pem[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
	"-----END PRIVATE KEY-----\n";

static EVP_PKEY *rsa;
static char *rsa_pem;

static int make_keys(void **state)
{
	(void)state;
	rsa = EVP_RSA_gen(2048);
	rsa_pem = key_pem(rsa, NULL);
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa);
	free(rsa_pem);
	return 0;
}

static struct ch_dkim_key *key_of(const char *pem)
{
	struct ch_dkim_key *key = NULL;
	struct ch_error err;

	if (ch_dkim_key_new(ch_slice_of(pem), &key, &err) < 0)
		fail_msg("%s", err.text);
	return key;
}

/* ---- canonical forms ----------------------------------------------------- */

static void fields_relaxed(void **state)
{
	static const struct {
		const char *field, *expected;
	} rows[] = {
		/* RFC 6376 section 3.4.5 */
		{ "A: X\r\n", "a:X" },
		{ "B : Y\t\r\n\tZ  \r\n", "b:Y Z" },
		{ "SUBJECT:Invitation\r\n", "subject:Invitation" },
		{ "Subject:   two  words \t and\r\n  a third\r\n",
		  "subject:two words and a third" },
		{ "Subject:\r\n Invitation\r\n", "subject:Invitation" },
		{ "Subject: \r\n", "subject:" },
		{ "Subject:\r\n", "subject:" },
		{ "Subject \t : a: b :c", "subject:a: b :c" },
		{ "To: A <a@b.example>,\r\n\tB <b@b.example>\r\n",
		  "to:A <a@b.example>, B <b@b.example>" },
		{ "Subject: \xC3\x89tat\r\n", "subject:\xC3\x89tat" },
		{ "X: a;\r\n b=", "x:a; b=" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(1000);

		ch_dkim_relaxed_field(&out, ch_slice_of(rows[i].field));
		assert_string_equal(ch_str_cstr(&out), rows[i].expected);
	}
}

static void bodies_relaxed(void **state)
{
#define FIVE "\r\n\r\n\r\n\r\n\r\n"
#define TWENTY FIVE FIVE FIVE FIVE
	static const struct {
		const char *pieces[4];
		const char *expected;
	} rows[] = {
		/* RFC 6376 section 3.4.5 */
		{ { " C \r\nD \t E\r\n\r\n\r\n" }, " C\r\nD E\r\n" },
		{ { "" }, "" },
		{ { "\r\n" }, "" },
		{ { "\r\n\r\n\r\n" }, "" },
		{ { " \t \r\n \r\n" }, "" },
		{ { "a\r\n" }, "a\r\n" },
		{ { "a b c\r\n" }, "a b c\r\n" },
		{ { "a  b\r\n" }, "a b\r\n" },
		{ { "a\tb\r\n" }, "a b\r\n" },
		{ { "\t\ta\r\n" }, " a\r\n" },
		{ { "a \t\r\nb \r\n" }, "a\r\nb\r\n" },
		{ { "\r\n\r\na\r\n" }, "\r\n\r\na\r\n" },
		{ { "a\r\n \r\nb\r\n" }, "a\r\n\r\nb\r\n" },
		{ { "a\r\n\r\n  b\r\n\r\n" }, "a\r\n\r\n b\r\n" },
		{ { "a\r\n\r\n\t\r\n" }, "a\r\n" },
		{ { ".\r\n..\r\n" }, ".\r\n..\r\n" },
		{ { "a\r\n" TWENTY, "b\r\n" TWENTY },
		  "a\r\n" TWENTY "b\r\n" },
		/* Line ends that may be the last are in several pieces. */
		{ { "a\r\n", "\r\n", "\r\n" }, "a\r\n" },
		{ { "a\r\n", "\r\n", " \r\n", "b\r\n" },
		  "a\r\n\r\n\r\nb\r\n" },
		{ { "", "a \r\n", "", " b\tc\td\r\n" }, "a\r\n b c d\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_sha256 got, expected;
		struct ch_dkim_body body;

		ch_dkim_body_begin(&body);
		for (size_t j = 0; j < 4 && rows[i].pieces[j]; j++)
			ch_dkim_body_add(&body, rows[i].pieces[j],
					 strlen(rows[i].pieces[j]));
		ch_dkim_body_end(&body, &got);
		ch_sha256_of(rows[i].expected, strlen(rows[i].expected),
			     &expected);
		if (!ch_sha256_eq(&got, &expected))
			fail_msg("row %zu", i);
	}
}

/* ---- the example of RFC 8463 appendix A ---------------------------------- */

/* Key, message and fields are the example's. The signature is what this code
 * made of them, and was verified with python3-dkim; it was not compared with the
 * one that the RFC prints. */
static const char known_signature[] =
	"/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5Os"
	"U7ZbnKELq+eXdp1Q1Dw==";

static void known_answer(void **state)
{
	static const char *const fields[] = {
		"From: Joe SixPack <joe@football.example.com>\r\n",
		"To: Suzie Q <suzie@shopping.example.net>\r\n",
		"Subject: Is dinner ready?\r\n",
		"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n",
		("Message-ID: <20030712040037.46341.5F8J@football.example.com>"
		 "\r\n"),
	};
	static const char body_bytes[] =
		"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\n"
		"Joe.\r\n";
	static const char own[] =
		"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
		" d=football.example.com; i=@football.example.com;\r\n"
		" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
		" subject : date : message-id : from : subject : date;\r\n"
		" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
		" b=";
	CH_AUTOPTR(ch_dkim_key) key = key_of(ed25519_pem);
	CH_AUTO(ch_str) data = CH_STR_INIT(4000);
	unsigned char signature[CH_DKIM_SIGNATURE_MAX];
	char base64[CH_BASE64_SIZE(CH_DKIM_SIGNATURE_MAX) + 1];
	struct ch_dkim_body body;
	struct ch_sha256 sum;
	struct ch_error err;
	size_t len;

	(void)state;
	ch_dkim_body_begin(&body);
	ch_dkim_body_add(&body, body_bytes, sizeof(body_bytes) - 1);
	ch_dkim_body_end(&body, &sum);
	ch_base64(sum.bytes, sizeof(sum.bytes), base64);
	assert_string_equal(base64,
			    "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
	for (size_t i = 0; i < CH_COUNT(fields); i++) {
		ch_dkim_relaxed_field(&data, ch_slice_of(fields[i]));
		ch_str_add(&data, "\r\n");
	}
	ch_dkim_relaxed_field(&data, ch_slice_of(own));
	ch_sha256_of(data.data, data.len, &sum);
	assert_int_equal(ch_dkim_key_sign(key, &sum, signature, &len, &err), 0);
	ch_base64(signature, len, base64);
	assert_string_equal(base64, known_signature);
}

/* ---- whole fields -------------------------------------------------------- */

#define MESSAGE                                                        \
	"Date: Mon, 07 Dec 2026 09:30:00 +0000\r\n"                    \
	"From: Registry <registry@lamp.example>\r\n"                   \
	"To: minister@aa.example,\r\n second@aa.example\r\n"           \
	"Subject: [DM-1]\r\n =?utf-8?q?Invitation?=\r\n"               \
	"X-Unsigned: yes\r\n"                                          \
	"Message-ID: <k7@lamp.example>\r\nMIME-Version: 1.0\r\n"       \
	"Content-Type: text/plain; charset=utf-8\r\n"                  \
	"Content-Transfer-Encoding: quoted-printable\r\n\r\n"

/* A message in two pieces, as if it were composed. */
static void set_message(struct ch_composed *composed, const char *first,
			const char *second)
{
	union {
		const char *seen;
		char *given;
	} both = { .seen = second };

	ch_composed_init(composed, 100000);
	ch_str_add(&composed->own, first);
	for (int i = 0; i < 2; i++)
		CH_GROW(composed->pieces, composed->pieces_len + 1,
			composed->pieces_cap);
	composed->pieces[0] = (struct iovec){ composed->own.data,
					      composed->own.len };
	composed->pieces[1] = (struct iovec){ both.given, strlen(second) };
	composed->pieces_len = 2;
}

static char *whole(const struct ch_composed *composed)
{
	CH_AUTO(ch_str) all = CH_STR_INIT(1000000);

	for (size_t i = 0; i < composed->pieces_len; i++)
		ch_str_add_mem(&all, composed->pieces[i].iov_base,
			       composed->pieces[i].iov_len);
	assert_int_equal(composed->size_bytes, all.len);
	return ch_str_take(&all);
}

static const char expected_field[] =
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; "
	"d=lamp.example;\r\n"
	" s=brisbane; t=1796635800;\r\n"
	" h=From:From:Reply-To:To:To:Cc:Subject:Subject:Date:Date:Message-ID:"
	"\r\n"
	"  Message-ID:In-Reply-To:References:MIME-Version:MIME-Version:"
	"Content-Type:\r\n"
	"  Content-Type:Content-Transfer-Encoding:Content-Transfer-Encoding:"
	"\r\n"
	"  Content-Disposition:Content-Language;\r\n"
	" bh=pvzRs04GNlLr/17FiS/vzU/v2WwQQK9XVimr6b8c2YM=;\r\n"
	" b=jZH59L9dEShQyWn3gg/KmByoZZFssWYhOalGG6swzw6WB8r0k9G0xSTO2Sf+7wB836"
	"zNl4sDQ\r\n"
	"  Y4AQ806ssK4AQ==\r\n";

static void a_signed_message(void **state)
{
	CH_AUTOPTR(ch_dkim) dkim = ch_dkim_new();
	CH_AUTO(ch_composed) composed = { 0 };
	CH_AUTO(ch_composed) again = { 0 };
	CH_AUTO(ch_str) fields = CH_STR_INIT(CH_DKIM_FIELDS_MAX);
	CH_AUTOCHAR expected = ch_xasprintf(
		"%s%s%s", expected_field, MESSAGE "Excellency,  =20\r\n",
		"shared\r\n\r\n");
	CH_AUTOCHAR got = NULL;
	CH_AUTOCHAR put = NULL;
	struct ch_error err;

	(void)state;
	ch_dkim_add(dkim, "lamp.example", "brisbane", key_of(ed25519_pem));
	for (int i = 0; i < 2; i++) { /* its memory is used again */
		ch_composed_release(&composed);
		set_message(&composed, MESSAGE "Excellency,  =20\r\n",
			    "shared\r\n\r\n");
		assert_int_equal(ch_dkim_sign(dkim, DATE_US, &composed, &fields,
					      &err), 0);
		free(got);
		got = whole(&composed);
		assert_string_equal(ch_str_cstr(&fields), expected_field);
		assert_string_equal(got, expected);
	}
	set_message(&again, MESSAGE "Excellency,  =20\r\n", "shared\r\n\r\n");
	assert_int_equal(ch_dkim_put(&again,
				     (struct ch_slice){ fields.data,
							fields.len },
				     &err), 0);
	put = whole(&again);
	assert_string_equal(put, got);
}

/* In the order of the fields, RSA first, however they were added. */
static void several_keys(void **state)
{
	CH_AUTOPTR(ch_dkim) dkim = ch_dkim_new();
	CH_AUTO(ch_composed) composed = { 0 };
	CH_AUTO(ch_str) fields = CH_STR_INIT(CH_DKIM_FIELDS_MAX);
	static const char *const order[] = { " s=r1;", " s=r2;", " s=e1;",
					     " s=e2;" };
	const char *at;
	struct ch_error err;

	(void)state;
	ch_dkim_add(dkim, "lamp.example", "e1", key_of(ed25519_pem));
	ch_dkim_add(dkim, "lamp.example", "r1", key_of(rsa_pem));
	ch_dkim_add(dkim, "other.example", "e2", key_of(ed25519_pem));
	ch_dkim_add(dkim, "lamp.example", "r2", key_of(rsa_pem));
	set_message(&composed, MESSAGE "Excellency,\r\n", "");
	assert_int_equal(ch_dkim_sign(dkim, DATE_US, &composed, &fields, &err),
			 0);
	at = ch_str_cstr(&fields);
	for (size_t i = 0; i < CH_COUNT(order); i++) {
		at = strstr(at, order[i]);
		assert_non_null(at);
	}
	for (const char *line = ch_str_cstr(&fields); *line;) {
		size_t len = strcspn(line, "\r");

		assert_true(len <= 78 && strncmp(line + len, "\r\n", 2) == 0);
		line += len + 2;
	}
}

/* The data that is signed, made by hand, against the public key. */
static void rsa_verifies(void **state)
{
	CH_AUTOPTR(ch_dkim_key) key = key_of(rsa_pem);
	unsigned char first[CH_DKIM_SIGNATURE_MAX], again[sizeof(first)];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct ch_sha256 sum;
	struct ch_error err;
	size_t len, again_len;

	(void)state;
	ch_sha256_of("from:a\r\n", 8, &sum);
	assert_int_equal(ch_dkim_key_sign(key, &sum, first, &len, &err), 0);
	assert_int_equal(len, 256);
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL,
					      rsa), 1);
	assert_int_equal(EVP_DigestVerify(ctx, first, len,
					  (const unsigned char *)"from:a\r\n",
					  8), 1);
	assert_int_equal(ch_dkim_key_sign(key, &sum, again, &again_len, &err),
			 0);
	assert_memory_equal(first, again, len);
	EVP_MD_CTX_free(ctx);
}

static void what_is_no_message(void **state)
{
	static const struct {
		const char *message, *reason;
		size_t max;
	} rows[] = {
		{ "", "not a message that can be signed", 100000 },
		{ "From: a", "not a message that can be signed", 100000 },
		{ "From: a\r\n", "not a message that can be signed", 100000 },
		{ " a\r\nFrom: a\r\n\r\n", "not a message that can be signed",
		  100000 },
		{ "\r\nbody\r\n", "not a message that can be signed", 100000 },
		{ MESSAGE, "the message is larger than 700 bytes", 700 },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOPTR(ch_dkim) dkim = ch_dkim_new();
		CH_AUTO(ch_composed) composed = { 0 };
		CH_AUTO(ch_str) fields = CH_STR_INIT(CH_DKIM_FIELDS_MAX);
		struct ch_error err = { 0 };

		ch_dkim_add(dkim, "lamp.example", "b", key_of(ed25519_pem));
		set_message(&composed, rows[i].message, "");
		composed.own.max = rows[i].max;
		assert_int_equal(ch_dkim_sign(dkim, DATE_US, &composed, &fields,
					      &err), -1);
		assert_int_equal(err.fate, CH_GIVE_UP);
		assert_string_equal(err.text, rows[i].reason);
	}
}

/* ---- keys ---------------------------------------------------------------- */

static void records(void **state)
{
	CH_AUTOPTR(ch_dkim_key) key = key_of(ed25519_pem);
	CH_AUTOPTR(ch_dkim_key) other = key_of(rsa_pem);
	CH_AUTO(ch_str) record = CH_STR_INIT(2000);
	BIO *bio = BIO_new(BIO_s_mem());
	CH_AUTOCHAR pem = NULL;
	const char *at;

	(void)state;
	assert_false(ch_dkim_key_is_rsa(key));
	assert_string_equal(ch_dkim_key_algorithm(key), "ed25519-sha256");
	ch_dkim_key_record(key, &record); /* as RFC 8463 appendix A.2 has it */
	assert_string_equal(record.data,
			    "v=DKIM1; k=ed25519; "
			    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
	assert_true(ch_dkim_key_is_rsa(other));
	assert_int_equal(ch_dkim_key_bits(other), 2048);
	ch_str_clear(&record);
	ch_dkim_key_record(other, &record);
	assert_memory_equal(record.data, "v=DKIM1; k=rsa; p=MIIB", 22);
	PEM_write_bio_PUBKEY(bio, rsa);
	pem = take(bio);
	at = record.data + 18;
	for (char *line = strchr(pem, '\n') + 1; *line != '-';
	     line = strchr(line, '\n') + 1) {
		size_t len = strcspn(line, "\n");

		assert_memory_equal(at, line, len);
		at += len;
	}
	assert_int_equal(*at, '\0');
}

static void refused(const char *pem, const char *reason)
{
	struct ch_dkim_key *key = NULL;
	struct ch_error err = { 0 };

	assert_int_equal(ch_dkim_key_new(ch_slice_of(pem), &key, &err), -1);
	assert_int_equal(err.fate, CH_GIVE_UP);
	if (strncmp(err.text, reason, strlen(reason)) != 0)
		fail_msg("%s", err.text);
}

static void keys_that_may_not_sign(void **state)
{
	EVP_PKEY *curve = EVP_EC_gen("P-256");
	EVP_PKEY *small = EVP_RSA_gen(768);
	EVP_PKEY *least = EVP_RSA_gen(1024);
	EVP_PKEY *large = EVP_RSA_gen(4104);
	CH_AUTOCHAR curve_pem = key_pem(curve, NULL);
	CH_AUTOCHAR small_pem = key_pem(small, NULL);
	CH_AUTOCHAR least_pem = key_pem(least, NULL);
	CH_AUTOCHAR large_pem = key_pem(large, NULL);
	CH_AUTOCHAR locked = key_pem(rsa, "lantern");

	(void)state;
	ch_dkim_key_free(key_of(least_pem));
	refused(curve_pem, "DKIM knows RSA and Ed25519, and this is a key of "
			   "another kind");
	refused(small_pem, "an RSA key of 768 bits, which anybody can break: "
			   "2048 are usual, at least 1024 are needed");
	refused(large_pem, "an RSA key of 4104 bits: verifiers need not know "
			   "more than 4096");
	refused(locked, "it is no private key in PEM without a password");
	refused("", "it is no private key in PEM without a password");
	refused("-----BEGIN PRIVATE KEY-----\nMC4=\n",
		"it is no private key in PEM without a password");
	EVP_PKEY_free(curve);
	EVP_PKEY_free(small);
	EVP_PKEY_free(least);
	EVP_PKEY_free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_relaxed),
		cmocka_unit_test(bodies_relaxed),
		cmocka_unit_test(known_answer),
		cmocka_unit_test(a_signed_message),
		cmocka_unit_test(several_keys),
		cmocka_unit_test(rsa_verifies),
		cmocka_unit_test(what_is_no_message),
		cmocka_unit_test(records),
		cmocka_unit_test(keys_that_may_not_sign),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
