// SPDX-License-Identifier: GPL-3.0-or-later
/* test-smime.c - signed messages, checked by OpenSSL; keys that may not sign.
 *
 * Keys and certificates are made here: one in a file would run out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/cms.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "base/hash.h"
#include "mail/compose.h"
#include "mail/signed.h"
#include "mail/smime.h"
#include "pem.h"

#define DATE_US INT64_C(1796635800000000) /* 2026-12-07 09:30:00 */
#define DAY 86400L

static EVP_PKEY *rsa;
static X509 *certificate;
static char *rsa_pem, *certificate_pem;

#define MESSAGE_HEAD "Subject: Invitation\r\nMIME-Version: 1.0\r\n"
#define ENTITY                                                \
	"Content-Type: text/plain; charset=utf-8\r\n"         \
	"Content-Transfer-Encoding: quoted-printable\r\n\r\n" \
	"Excellency,=20\r\n"

static X509 *make_certificate(EVP_PKEY *key, long from_days, long to_days,
			      const char *usage)
{
	X509 *made = X509_new();
	time_t date = DATE_US / 1000000;
	X509_EXTENSION *extension;

	X509_set_version(made, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made), 7);
	X509_time_adj(X509_getm_notBefore(made), from_days * DAY, &date);
	X509_time_adj(X509_getm_notAfter(made), to_days * DAY, &date);
	X509_set_pubkey(made, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN",
				   MBSTRING_UTF8,
				   (const unsigned char *)"Registry", -1, -1,
				   0);
	X509_set_issuer_name(made, X509_get_subject_name(made));
	extension = X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, usage);
	X509_add_ext(made, extension, -1);
	X509_EXTENSION_free(extension);
	assert_true(X509_sign(made, key, EVP_sha256()) > 0);
	return made;
}

static int make_keys(void **state)
{
	(void)state;
	rsa = EVP_RSA_gen(2048);
	certificate = make_certificate(rsa, -1, 30, "emailProtection");
	rsa_pem = key_pem(rsa, NULL);
	certificate_pem = x509_pem(certificate);
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa);
	X509_free(certificate);
	free(rsa_pem);
	free(certificate_pem);
	return 0;
}

static struct ch_smime *signer(const char *key, const char *certificates,
			       const char *password)
{
	struct ch_smime *smime = NULL;
	struct ch_error err;

	if (ch_smime_new(ch_slice_of(key), ch_slice_of(certificates), password,
			 &smime, &err) < 0)
		fail_msg("%s", err.text);
	return smime;
}

/* A message of one piece, as if it were composed; signed. */
static int sign_text(const struct ch_smime *smime, const char *text, size_t max,
		     struct ch_str *out, struct ch_error *err)
{
	CH_AUTO(ch_composed) composed;
	CH_AUTO(ch_str) signature = CH_STR_INIT(CH_SIGNATURE_MAX);
	int result;

	ch_composed_init(&composed, max);
	ch_str_add(&composed.own, text);
	CH_GROW(composed.pieces, composed.pieces_len, composed.pieces_cap);
	composed.pieces[composed.pieces_len++] =
		(struct iovec){ composed.own.data, composed.own.len };
	result = ch_smime_sign(smime, "k7@lamp.example", DATE_US, &composed,
			       &signature, err);
	if (result == 0) {
		assert_int_equal(composed.pieces_len, 1);
		assert_int_equal(composed.size_bytes, composed.own.len);
		ch_str_add_mem(out, composed.pieces[0].iov_base,
			       composed.pieces[0].iov_len);
	}
	return result;
}

static void sign_sample(const struct ch_smime *smime, struct ch_str *out)
{
	struct ch_error err;

	if (sign_text(smime, MESSAGE_HEAD ENTITY, 100000, out, &err) < 0)
		fail_msg("%s", err.text);
}

/* As a mail program would: the part's bytes against the signature. */
static void verify(const char *message, bool expected)
{
	const char *body = strstr(message, "Content-Type: multipart/signed");
	BIO *bio = BIO_new_mem_buf(body, -1);
	BIO *content = NULL;
	CMS_ContentInfo *cms = SMIME_read_CMS(bio, &content);
	X509_STORE *store = X509_STORE_new();
	int result;

	assert_non_null(cms);
	X509_STORE_add_cert(store, certificate);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store),
				   DATE_US / 1000000);
	result = CMS_verify(cms, NULL, store, content, NULL, CMS_BINARY);
	assert_int_equal(result == 1, expected);
	X509_STORE_free(store);
	CMS_ContentInfo_free(cms);
	BIO_free(content);
	BIO_free(bio);
}

#define BOUNDARY "=_sn5nfstgspsnonmw5dpwwv5va"

static void a_signed_message(void **state)
{
	static const char head[] =
		MESSAGE_HEAD
		"Content-Type: multipart/signed;\r\n"
		" protocol=\"application/pkcs7-signature\"; micalg=sha-256;"
		"\r\n boundary=\"" BOUNDARY "\"\r\n\r\n"
		"--" BOUNDARY "\r\n"
		ENTITY
		"\r\n--" BOUNDARY "\r\n"
		"Content-Type: application/pkcs7-signature; name=smime.p7s\r\n"
		"Content-Transfer-Encoding: base64\r\n"
		"Content-Disposition: attachment; filename=smime.p7s\r\n\r\n";
	static const char tail[] = "\r\n--" BOUNDARY "--\r\n";
	CH_AUTOPTR(ch_smime) smime = signer(rsa_pem, certificate_pem, "");
	CH_AUTO(ch_str) out = CH_STR_INIT(100000);
	CH_AUTO(ch_str) again = CH_STR_INIT(100000);

	(void)state;
	sign_sample(smime, &out);
	assert_memory_equal(out.data, head, sizeof(head) - 1);
	assert_string_equal(out.data + out.len - (sizeof(tail) - 1), tail);
	verify(out.data, true);
	sign_sample(smime, &again);
	assert_string_equal(again.data, out.data);
	memcpy(strstr(out.data, "Excellency"), "excellency", 10);
	verify(out.data, false);
}

/* The signature alone makes the same bytes of the same message. */
static void same_without_the_key(const struct ch_compose *message,
				 const struct ch_str *signature,
				 const struct ch_str *expected)
{
	CH_AUTO(ch_composed) composed;
	CH_AUTO(ch_str) all = CH_STR_INIT(100000);
	CH_AUTOCHAR base64 = ch_xcalloc(CH_BASE64_SIZE(signature->len) + 1, 1);
	struct ch_error err;

	assert_int_equal(signature->data[0], 0x30); /* DER, a SEQUENCE */
	ch_base64(signature->data, signature->len, base64);
	ch_composed_init(&composed, 100000);
	assert_int_equal(ch_compose(message, &composed, &err), 0);
	assert_int_equal(ch_signed_wrap(&composed, message->message_id,
					ch_slice_of(base64), &err), 0);
	for (size_t i = 0; i < composed.pieces_len; i++)
		ch_str_add_mem(&all, composed.pieces[i].iov_base,
			       composed.pieces[i].iov_len);
	assert_string_equal(all.data, expected->data);
}

/* The annex stays where it is, and is under the signature. */
static void a_message_in_pieces(void **state)
{
	static const struct ch_address from = { "Registry",
						"registry@lamp.example", 8 };
	CH_AUTOPTR(ch_smime) smime = signer(rsa_pem, certificate_pem, "");
	CH_AUTO(ch_composed) composed;
	CH_AUTO(ch_str) all = CH_STR_INIT(100000);
	CH_AUTO(ch_str) signature = CH_STR_INIT(CH_SIGNATURE_MAX);
	struct ch_attachment *annex = NULL;
	const struct ch_attachment *list[1];
	struct ch_compose message = {
		.from = &from,
		.to = &from,
		.to_len = 1,
		.subject = "[DM-1276] Invitation",
		.message_id = "k7@lamp.example",
		.date_us = DATE_US,
		.language = "en",
		.text = ch_slice_of("Excellency,\n"),
		.html = ch_slice_of("<p>Excellency,</p>\n"),
		.attachments = list,
		.attachments_len = 1,
	};
	struct ch_error err;
	const void *shared;

	(void)state;
	assert_int_equal(ch_attachment_new("annex-1.pdf", NULL, "%PDF", 4,
					   &annex, &err), 0);
	list[0] = annex;
	ch_composed_init(&composed, 100000);
	assert_int_equal(ch_compose(&message, &composed, &err), 0);
	assert_int_equal(composed.pieces_len, 3);
	shared = composed.pieces[1].iov_base;
	assert_int_equal(ch_smime_sign(smime, "k7@lamp.example", DATE_US,
				       &composed, &signature, &err), 0);
	assert_int_equal(composed.pieces_len, 3);
	assert_ptr_equal(composed.pieces[1].iov_base, shared);
	for (size_t i = 0; i < composed.pieces_len; i++)
		ch_str_add_mem(&all, composed.pieces[i].iov_base,
			       composed.pieces[i].iov_len);
	assert_int_equal(composed.size_bytes, all.len);
	verify(all.data, true);
	same_without_the_key(&message, &signature, &all);
	memcpy(strstr(all.data, "JVBERg=="), "JVBERh==", 8);
	verify(all.data, false);
	ch_attachment_free(annex);
}

/* However the key is kept, the bytes are the same. */
static void forms_of_keys(void **state)
{
	CH_AUTOCHAR both = ch_xasprintf("%s%s", rsa_pem, certificate_pem);
	CH_AUTOCHAR locked = key_pem(rsa, "open sesame");
	PKCS12 *file = PKCS12_create("open sesame", NULL, rsa, certificate,
				     NULL, 0, 0, 0, 0, 0);
	unsigned char *der = NULL;
	int der_len = i2d_PKCS12(file, &der);
	struct ch_slice p12 = { (const char *)der, (size_t)der_len };
	CH_AUTO(ch_str) first = CH_STR_INIT(100000);
	struct ch_smime *forms[4] = {
		signer(rsa_pem, certificate_pem, ""),
		signer(both, "", ""),
		signer(locked, certificate_pem, "open sesame"),
	};
	struct ch_error err;

	(void)state;
	assert_int_equal(ch_smime_new(p12, CH_SLICE_EMPTY, "open sesame",
				      &forms[3], &err), 0);
	sign_sample(forms[0], &first);
	for (size_t i = 0; i < CH_COUNT(forms); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(100000);

		sign_sample(forms[i], &out);
		assert_string_equal(out.data, first.data);
		ch_smime_free(forms[i]);
	}
	assert_int_equal(ch_smime_new(p12, CH_SLICE_EMPTY, "wrong",
				      &forms[3], &err), -1);
	assert_non_null(strstr(err.text, "the key cannot be read as PKCS #12; "
					 "is its password right?"));
	PKCS12_free(file);
	OPENSSL_free(der);
}

static void refused(const char *key, const char *certificates,
		    const char *password, const char *reason)
{
	struct ch_smime *smime = NULL;
	struct ch_error err = { 0 };

	assert_int_equal(ch_smime_new(ch_slice_of(key),
				      ch_slice_of(certificates), password,
				      &smime, &err), -1);
	assert_int_equal(err.fate, CH_GIVE_UP);
	if (strncmp(err.text, reason, strlen(reason)) != 0)
		fail_msg("%s", err.text);
}

static void keys_that_may_not_sign(void **state)
{
	EVP_PKEY *curve = EVP_EC_gen("P-256");
	EVP_PKEY *small = EVP_RSA_gen(1024);
	EVP_PKEY *other = EVP_RSA_gen(2048);
	X509 *of_curve = make_certificate(curve, -1, 30, "emailProtection");
	X509 *of_small = make_certificate(small, -1, 30, "emailProtection");
	X509 *of_server = make_certificate(rsa, -1, 30, "serverAuth");
	CH_AUTOCHAR curve_pem = key_pem(curve, NULL);
	CH_AUTOCHAR small_pem = key_pem(small, NULL);
	CH_AUTOCHAR other_pem = key_pem(other, NULL);
	CH_AUTOCHAR locked = key_pem(rsa, "open sesame");
	CH_AUTOCHAR curve_cert = x509_pem(of_curve);
	CH_AUTOCHAR small_cert = x509_pem(of_small);
	CH_AUTOCHAR server_cert = x509_pem(of_server);

	(void)state;
	refused(curve_pem, curve_cert, "",
		"the key is not RSA: signatures of other kinds differ each "
		"time, and every attempt of a letter must have the same bytes");
	refused(small_pem, small_cert, "",
		"an RSA key of 1024 bits; at least 2048 are needed");
	refused(other_pem, certificate_pem, "",
		"the certificate is of another key");
	refused(rsa_pem, server_cert, "",
		"the certificate is not one for signing mail");
	refused(locked, certificate_pem, "wrong",
		"the key cannot be read; is its password right?");
	refused(locked, certificate_pem, "",
		"the key cannot be read; is its password right?");
	refused("", certificate_pem, "", "the key cannot be read");
	refused(rsa_pem, "", "", "the certificate cannot be read");
	refused(rsa_pem, "-----BEGIN", "", "the certificate cannot be read");
	refused("0\x82", "", "", "the key cannot be read as PKCS #12");
	EVP_PKEY_free(curve);
	EVP_PKEY_free(small);
	EVP_PKEY_free(other);
	X509_free(of_curve);
	X509_free(of_small);
	X509_free(of_server);
}

static void what_is_not_signed(void **state)
{
	X509 *old = make_certificate(rsa, -30, -1, "emailProtection");
	X509 *new = make_certificate(rsa, 1, 30, "emailProtection");
	CH_AUTOCHAR old_pem = x509_pem(old);
	CH_AUTOCHAR new_pem = x509_pem(new);
	const struct {
		const char *certificate, *message;
		size_t max;
		const char *reason;
	} rows[] = {
		{ old_pem, MESSAGE_HEAD ENTITY, 100000,
		  "the certificate that signs has run out before the letter's "
		  "date" },
		{ new_pem, MESSAGE_HEAD ENTITY, 100000,
		  "the certificate that signs was not valid yet at the "
		  "letter's date" },
		{ certificate_pem, MESSAGE_HEAD "\r\n\r\nContent-Type: a", 9999,
		  "not a message that can be signed" },
		{ certificate_pem, "a", 100000,
		  "not a message that can be signed" },
		{ certificate_pem, MESSAGE_HEAD ENTITY, 300,
		  "the message is larger than 300 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOPTR(ch_smime) smime =
			signer(rsa_pem, rows[i].certificate, "");
		CH_AUTO(ch_str) out = CH_STR_INIT(100000);
		struct ch_error err = { 0 };

		assert_int_equal(sign_text(smime, rows[i].message, rows[i].max,
					   &out, &err), -1);
		assert_string_equal(err.text, rows[i].reason);
	}
	X509_free(old);
	X509_free(new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signed_message),
		cmocka_unit_test(a_message_in_pieces),
		cmocka_unit_test(forms_of_keys),
		cmocka_unit_test(keys_that_may_not_sign),
		cmocka_unit_test(what_is_not_signed),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
