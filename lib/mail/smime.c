// SPDX-License-Identifier: GPL-3.0-or-later
/* smime.c - OpenSSL's CMS around a message of ours. */
#include "mail/smime.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "base/hash.h"
#include "mail/compose.h"
#include "mail/signed.h"

#define KEY_BITS_MIN 2048
#define ABOVE_MAX 10 /* certificates beside the key's own */

struct ch_smime {
	EVP_PKEY *key;          /* owned */
	X509 *certificate;      /* owned */
	STACK_OF(X509) *above;  /* owned, as are its items */
};

void ch_smime_free(struct ch_smime *smime)
{
	if (!smime)
		return;
	EVP_PKEY_free(smime->key);
	X509_free(smime->certificate);
	sk_X509_pop_free(smime->above, X509_free);
	free(smime);
}

/* What OpenSSL says last is nearest to what happened. */
static int crypto_error(struct ch_error *err, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return ch_error_set(err, CH_GIVE_UP, "%s%s%s", what,
			    reason ? ": " : "", reason ? reason : "");
}

/* ---- keys --------------------------------------------------------------- */

static BIO *reader(struct ch_slice bytes)
{
	return BIO_new_mem_buf(bytes.data, (int)bytes.len);
}

/* Never asks the terminal, as OpenSSL's own would. */
static int give_password(char *to, int size, int writing, void *context)
{
	const char *password = context;
	size_t len = strlen(password);

	(void)writing;
	if (len > (size_t)size)
		return -1;
	memcpy(to, password, len);
	return (int)len;
}

static int read_pem_key(struct ch_smime *smime, struct ch_slice key,
			char *password, struct ch_error *err)
{
	BIO *bio = reader(key);

	smime->key = PEM_read_bio_PrivateKey(bio, NULL, give_password,
					     password);
	BIO_free(bio);
	return smime->key ? 0 :
			    crypto_error(err, "the key cannot be read; is its "
					      "password right?");
}

static int read_pem_certificates(struct ch_smime *smime,
				 struct ch_slice certificate,
				 struct ch_error *err)
{
	BIO *bio = reader(certificate);
	X509 *next;

	smime->certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	while (smime->certificate && sk_X509_num(smime->above) < ABOVE_MAX &&
	       (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		sk_X509_push(smime->above, next);
	BIO_free(bio);
	if (!smime->certificate)
		return crypto_error(err, "the certificate cannot be read");
	ERR_clear_error(); /* the end of the file */
	return 0;
}

static int read_pkcs12(struct ch_smime *smime, struct ch_slice bytes,
		       const char *password, struct ch_error *err)
{
	BIO *bio = reader(bytes);
	PKCS12 *file = d2i_PKCS12_bio(bio, NULL);
	STACK_OF(X509) *above = NULL;
	int read;

	BIO_free(bio);
	read = file && PKCS12_parse(file, password, &smime->key,
				    &smime->certificate, &above);
	PKCS12_free(file);
	while (above && sk_X509_num(above) > 0 &&
	       sk_X509_num(smime->above) < ABOVE_MAX)
		sk_X509_push(smime->above, sk_X509_shift(above));
	sk_X509_pop_free(above, X509_free);
	if (!read || !smime->key)
		return crypto_error(err, "the key cannot be read as PKCS #12; "
					 "is its password right?");
	return 0;
}

/* DER begins with a SEQUENCE, PEM with a hyphen or words before it. */
static bool is_der(struct ch_slice bytes)
{
	return bytes.len > 0 && bytes.data[0] == 0x30;
}

static int check_pair(const struct ch_smime *smime, struct ch_error *err)
{
	if (!smime->certificate)
		return ch_error_set(err, CH_GIVE_UP,
				    "there is no certificate with the key");
	if (EVP_PKEY_get_id(smime->key) != EVP_PKEY_RSA)
		return ch_error_set(err, CH_GIVE_UP,
				    "the key is not RSA: signatures of other "
				    "kinds differ each time, and every attempt "
				    "of a letter must have the same bytes");
	if (EVP_PKEY_get_bits(smime->key) < KEY_BITS_MIN)
		return ch_error_set(err, CH_GIVE_UP,
				    "an RSA key of %d bits; at least %d are "
				    "needed",
				    EVP_PKEY_get_bits(smime->key),
				    KEY_BITS_MIN);
	if (!X509_check_private_key(smime->certificate, smime->key))
		return crypto_error(err, "the certificate is of another key");
	if (X509_check_purpose(smime->certificate, X509_PURPOSE_SMIME_SIGN,
			       0) != 1)
		return crypto_error(err, "the certificate is not one for "
					 "signing mail");
	return 0;
}

int ch_smime_new(struct ch_slice key, struct ch_slice certificate,
		 const char *password, struct ch_smime **ret,
		 struct ch_error *err)
{
	CH_AUTOPTR(ch_smime) smime = ch_xzalloc(sizeof(*smime));
	CH_AUTOCHAR copy = ch_xstrdup(password);
	int result;

	smime->above = sk_X509_new_null();
	if (is_der(key))
		result = read_pkcs12(smime, key, copy, err);
	else
		result = read_pem_key(smime, key, copy, err);
	explicit_bzero(copy, strlen(copy));
	if (result == 0 && certificate.len > 0) {
		X509_free(CH_TAKE(smime->certificate));
		result = read_pem_certificates(smime, certificate, err);
	} else if (result == 0 && !is_der(key)) {
		result = read_pem_certificates(smime, key, err);
	}
	if (result < 0 || check_pair(smime, err) < 0)
		return -1;
	*ret = CH_TAKE(smime);
	return 0;
}

/* ---- signing ------------------------------------------------------------ */

static int check_date(const struct ch_smime *smime, time_t date,
		      struct ch_error *err)
{
	const X509 *certificate = smime->certificate;

	if (X509_cmp_time(X509_get0_notBefore(certificate), &date) > 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "the certificate that signs was not valid "
				    "yet at the letter's date");
	if (X509_cmp_time(X509_get0_notAfter(certificate), &date) < 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "the certificate that signs has run out "
				    "before the letter's date");
	return 0;
}

static bool add_signer(CMS_ContentInfo *cms, const struct ch_smime *smime,
		       time_t date)
{
	ASN1_TIME *time = ASN1_TIME_set(NULL, date);
	CMS_SignerInfo *signer =
		CMS_add1_signer(cms, smime->certificate, smime->key,
				EVP_sha256(), CMS_NOSMIMECAP);
	bool added = time && signer &&
		     CMS_signed_add1_attr_by_NID(signer,
						 NID_pkcs9_signingTime,
						 time->type, time, -1);

	ASN1_TIME_free(time);
	for (int i = 0; added && i < sk_X509_num(smime->above); i++)
		added = CMS_add1_cert(cms, sk_X509_value(smime->above, i));
	return added;
}

static bool write_entity(BIO *to, const struct ch_composed *message,
			 size_t from)
{
	for (size_t i = 0; i < message->pieces_len; i++) {
		const char *bytes = message->pieces[i].iov_base;
		size_t len = message->pieces[i].iov_len;
		size_t written;

		if (i == 0) {
			bytes += from;
			len -= from;
		}
		if (len > 0 && BIO_write_ex(to, bytes, len, &written) != 1)
			return false;
	}
	return BIO_flush(to) > 0;
}

/* The signature over the message from byte `from` on, in DER, to be freed with
 * OPENSSL_free(); its length, or -1. */
static int sign(const struct ch_smime *smime,
		const struct ch_composed *message, size_t from, time_t date,
		unsigned char **ret)
{
	CMS_ContentInfo *cms =
		CMS_sign(NULL, NULL, NULL, NULL,
			 CMS_DETACHED | CMS_BINARY | CMS_PARTIAL);
	BIO *bio = NULL;
	int len = -1;

	if (cms && add_signer(cms, smime, date))
		bio = CMS_dataInit(cms, NULL);
	if (bio && write_entity(bio, message, from) && CMS_dataFinal(cms, bio))
		len = i2d_CMS_ContentInfo(cms, ret);
	BIO_free_all(bio);
	CMS_ContentInfo_free(cms);
	return len;
}

int ch_smime_sign(const struct ch_smime *smime, const char *message_id,
		  int64_t date_us, struct ch_composed *message,
		  struct ch_str *ret_der, struct ch_error *err)
{
	CH_AUTOCHAR base64 = NULL;
	size_t from = ch_signed_from(message);
	time_t date = (time_t)(date_us / 1000000);
	unsigned char *signature = NULL;
	size_t len;
	int made;

	if (from == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "not a message that can be signed");
	if (check_date(smime, date, err) < 0)
		return -1;
	made = sign(smime, message, from, date, &signature);
	if (made < 0)
		return crypto_error(err, "the letter cannot be signed");
	len = (size_t)made;
	if (len > CH_SIGNATURE_MAX) {
		OPENSSL_free(signature);
		return ch_error_set(err, CH_GIVE_UP,
				    "the signature is larger than %d bytes",
				    CH_SIGNATURE_MAX);
	}
	base64 = ch_xcalloc(CH_BASE64_SIZE(len) + 1, 1);
	ch_base64(signature, len, base64);
	ch_str_truncate(ret_der, 0);
	ch_str_add_mem(ret_der, signature, len);
	OPENSSL_free(signature);
	return ch_signed_wrap(message, message_id, ch_slice_of(base64), err);
}
