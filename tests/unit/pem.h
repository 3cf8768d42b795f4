/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pem.h - keys and certificates of OpenSSL as PEM, for tests. */
#ifndef CH_TESTS_PEM_H
#define CH_TESTS_PEM_H

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/* What was written, as text that the caller frees; frees `bio`. */
static inline char *take(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	char *text = strndup(data, (size_t)len);

	BIO_free(bio);
	return text;
}

/* `password` NULL: it is open. The caller frees it. */
static inline char *key_pem(EVP_PKEY *key, const char *password)
{
	BIO *bio = BIO_new(BIO_s_mem());
	union {
		const char *seen;
		char *given;
	} both = { .seen = password };

	PEM_write_bio_PKCS8PrivateKey(bio, key,
				      password ? EVP_aes_256_cbc() : NULL,
				      both.given,
				      password ? (int)strlen(password) : 0,
				      NULL, NULL);
	return take(bio);
}

static inline char *x509_pem(X509 *from)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_X509(bio, from);
	return take(bio);
}

#endif
