// SPDX-License-Identifier: GPL-3.0-or-later
/* dkim-key.c - OpenSSL's keys, for DKIM. */
#include "mail/dkim-key.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/file.h"

#define ED25519_PUBLIC_BYTES 32

struct ch_dkim_key {
	EVP_PKEY *key;         /* owned */
	EVP_PKEY_CTX *rsa;     /* owned; ready to sign; NULL: Ed25519 */
	EVP_MD_CTX *ed25519;   /* owned; NULL: RSA */
};

void ch_dkim_key_free(struct ch_dkim_key *key)
{
	if (!key)
		return;
	EVP_PKEY_CTX_free(key->rsa);
	EVP_MD_CTX_free(key->ed25519);
	EVP_PKEY_free(key->key);
	free(key);
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

/* OpenSSL's own would ask the terminal. */
static int no_password(char *to, int size, int writing, void *context)
{
	(void)to;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static int check_rsa(const EVP_PKEY *key, struct ch_error *err)
{
	int bits = EVP_PKEY_get_bits(key);

	if (bits < CH_DKIM_RSA_MIN)
		return ch_error_set(err, CH_GIVE_UP,
				    "an RSA key of %d bits, which anybody can "
				    "break: 2048 are usual, at least %d are "
				    "needed",
				    bits, CH_DKIM_RSA_MIN);
	if (bits > CH_DKIM_RSA_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "an RSA key of %d bits: verifiers need not "
				    "know more than %d",
				    bits, CH_DKIM_RSA_MAX);
	return 0;
}

static int prepare_rsa(struct ch_dkim_key *key, struct ch_error *err)
{
	if (check_rsa(key->key, err) < 0)
		return -1;
	key->rsa = EVP_PKEY_CTX_new(key->key, NULL);
	if (!key->rsa || EVP_PKEY_sign_init(key->rsa) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_padding(key->rsa, RSA_PKCS1_PADDING) <= 0 ||
	    EVP_PKEY_CTX_set_signature_md(key->rsa, EVP_sha256()) <= 0)
		return crypto_error(err, "the key cannot sign");
	return 0;
}

int ch_dkim_key_new(struct ch_slice pem, struct ch_dkim_key **ret,
		    struct ch_error *err)
{
	CH_AUTOPTR(ch_dkim_key) key = ch_xzalloc(sizeof(*key));
	BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);

	key->key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	if (!key->key)
		return crypto_error(err, "it is no private key in PEM without "
					 "a password");
	switch (EVP_PKEY_get_id(key->key)) {
	case EVP_PKEY_RSA:
		if (prepare_rsa(key, err) < 0)
			return -1;
		break;
	case EVP_PKEY_ED25519:
		key->ed25519 = EVP_MD_CTX_new();
		break;
	default:
		return ch_error_set(err, CH_GIVE_UP,
				    "DKIM knows RSA and Ed25519, and this is a "
				    "key of another kind");
	}
	*ret = CH_TAKE(key);
	return 0;
}

int ch_dkim_key_read(const char *path, struct ch_dkim_key **ret,
		     struct ch_error *err)
{
	struct ch_str pem = CH_STR_INIT(CH_DKIM_KEY_FILE_MAX);
	int result = ch_file_read(path, &pem, err);

	if (result == 0)
		result = ch_dkim_key_new(
			(struct ch_slice){ ch_str_cstr(&pem), pem.len }, ret,
			err);
	if (pem.data)
		explicit_bzero(pem.data, pem.cap);
	ch_str_release(&pem);
	return result;
}

bool ch_dkim_key_is_rsa(const struct ch_dkim_key *key)
{
	return key->rsa != NULL;
}

int ch_dkim_key_bits(const struct ch_dkim_key *key)
{
	return EVP_PKEY_get_bits(key->key);
}

const char *ch_dkim_key_algorithm(const struct ch_dkim_key *key)
{
	return key->rsa ? "rsa-sha256" : "ed25519-sha256";
}

static void add_base64(struct ch_str *out, const void *bytes, size_t len)
{
	CH_AUTOCHAR base64 = ch_xcalloc(CH_BASE64_SIZE(len) + 1, 1);

	ch_base64(bytes, len, base64);
	ch_str_add(out, base64);
}

void ch_dkim_key_record(const struct ch_dkim_key *key, struct ch_str *out)
{
	unsigned char raw[ED25519_PUBLIC_BYTES];
	size_t raw_len = sizeof(raw);
	unsigned char *der = NULL;
	int der_len;

	if (!key->rsa) {
		EVP_PKEY_get_raw_public_key(key->key, raw, &raw_len);
		ch_str_add(out, "v=DKIM1; k=ed25519; p=");
		add_base64(out, raw, raw_len);
		return;
	}
	der_len = i2d_PUBKEY(key->key, &der);
	ch_str_add(out, "v=DKIM1; k=rsa; p=");
	add_base64(out, der, der_len > 0 ? (size_t)der_len : 0);
	OPENSSL_free(der);
}

/* RFC 8463 section 3: what Ed25519 signs is the SHA-256, not the bytes. */
int ch_dkim_key_sign(const struct ch_dkim_key *key,
		     const struct ch_sha256 *digest,
		     unsigned char out[CH_DKIM_SIGNATURE_MAX], size_t *ret_len,
		     struct ch_error *err)
{
	size_t len = CH_DKIM_SIGNATURE_MAX;
	bool made;

	if (key->rsa)
		made = EVP_PKEY_sign(key->rsa, out, &len, digest->bytes,
				     sizeof(digest->bytes)) > 0;
	else
		made = EVP_DigestSignInit(key->ed25519, NULL, NULL, NULL,
					  key->key) > 0 &&
		       EVP_DigestSign(key->ed25519, out, &len, digest->bytes,
				      sizeof(digest->bytes)) > 0;
	if (!made)
		return crypto_error(err, "the letter cannot be signed");
	*ret_len = len;
	return 0;
}
