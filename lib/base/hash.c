// SPDX-License-Identifier: GPL-3.0-or-later
/* hash.c - digests by OpenSSL, encodings by hand. */
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/mem.h"

/* One fetched digest for the whole process: looking it up costs more than
 * hashing a letter. It is never changed after its first use. */
static const EVP_MD *sha256(void)
{
	static const EVP_MD *md;

	if (!md)
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!md)
		abort();
	return md;
}

void ch_sha256_init(struct ch_sha256_ctx *ctx)
{
	EVP_MD_CTX *state = EVP_MD_CTX_new();

	if (!state || EVP_DigestInit_ex(state, sha256(), NULL) != 1)
		abort();
	ctx->state = state;
}

void ch_sha256_add(struct ch_sha256_ctx *ctx, const void *bytes, size_t len)
{
	if (EVP_DigestUpdate(ctx->state, bytes, len) != 1)
		abort();
}

void ch_sha256_final(struct ch_sha256_ctx *ctx, struct ch_sha256 *ret_sum)
{
	unsigned int len = 0;

	if (EVP_DigestFinal_ex(ctx->state, ret_sum->bytes, &len) != 1)
		abort();
	ch_sha256_ctx_release(ctx);
}

void ch_sha256_ctx_release(struct ch_sha256_ctx *ctx)
{
	EVP_MD_CTX_free(ctx->state);
	ctx->state = NULL;
}

void ch_sha256_of(const void *bytes, size_t len, struct ch_sha256 *ret_sum)
{
	struct ch_sha256_ctx ctx;

	ch_sha256_init(&ctx);
	ch_sha256_add(&ctx, bytes, len);
	ch_sha256_final(&ctx, ret_sum);
}

bool ch_sha256_eq(const struct ch_sha256 *a, const struct ch_sha256 *b)
{
	return memcmp(a->bytes, b->bytes, CH_SHA256_SIZE) == 0;
}

const char *ch_sha256_hex(const struct ch_sha256 *sum,
			  char out[CH_SHA256_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < CH_SHA256_SIZE; i++) {
		out[2 * i] = digits[sum->bytes[i] >> 4];
		out[2 * i + 1] = digits[sum->bytes[i] & 15];
	}
	out[2 * CH_SHA256_SIZE] = '\0';
	return out;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int ch_sha256_parse(const char *hex, size_t len, struct ch_sha256 *ret_sum)
{
	struct ch_sha256 sum;

	if (len != 2 * CH_SHA256_SIZE)
		return -1;
	for (size_t i = 0; i < CH_SHA256_SIZE; i++) {
		int high = hex_value(hex[2 * i]);
		int low = hex_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		sum.bytes[i] = (unsigned char)(high << 4 | low);
	}
	*ret_sum = sum;
	return 0;
}

/* One for the whole process, which is given the key anew each time: making one
 * looks up the digest, for longer than it then takes. */
static EVP_MAC_CTX *hmac_sha256(void)
{
	static EVP_MAC_CTX *ctx;
	char name[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name,
						 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac;

	if (ctx)
		return ctx;
	mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	if (!ctx || EVP_MAC_CTX_set_params(ctx, params) != 1)
		abort();
	EVP_MAC_free(mac);
	return ctx;
}

void ch_hmac_sha256(const void *key, size_t key_len, const void *bytes,
		    size_t len, struct ch_sha256 *ret_mac)
{
	EVP_MAC_CTX *ctx = hmac_sha256();
	size_t mac_len = 0;

	if (EVP_MAC_init(ctx, key, key_len, NULL) != 1 ||
	    EVP_MAC_update(ctx, bytes, len) != 1 ||
	    EVP_MAC_final(ctx, ret_mac->bytes, &mac_len, CH_SHA256_SIZE) != 1)
		abort();
}

bool ch_same_bytes(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void ch_base32(const void *bytes, size_t len, char *out)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	const unsigned char *p = bytes;
	unsigned int bits = 0;
	unsigned int value = 0;

	for (size_t i = 0; i < len; i++) {
		value = (value << 8 | p[i]) & 0xFFFF;
		bits += 8;
		while (bits >= 5) {
			bits -= 5;
			*out++ = digits[value >> bits & 31];
		}
	}
	if (bits)
		*out++ = digits[value << (5 - bits) & 31];
}

static int base32_value(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= '2' && c <= '7')
		return c - '2' + 26;
	return -1;
}

int ch_base32_decode(const char *text, size_t len, void *out, size_t size)
{
	unsigned char *p = out;
	unsigned int bits = 0;
	unsigned int value = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int digit = base32_value(text[i]);

		if (digit < 0)
			return -1;
		value = (value << 5 | (unsigned int)digit) & 0xFFFF;
		bits += 5;
		if (bits >= 8) {
			if (n == size)
				return -1;
			bits -= 8;
			p[n++] = (unsigned char)(value >> bits);
		}
	}
	return (int)n;
}

size_t ch_base64(const void *bytes, size_t len, char *out)
{
	return (size_t)EVP_EncodeBlock((unsigned char *)out, bytes, (int)len);
}

void ch_random(void *out, size_t len)
{
	unsigned char *p = out;

	while (len > 0) {
		ssize_t got = getrandom(p, len, 0);

		if (got < 0) {
			if (errno == EINTR)
				continue;
			abort();
		}
		p += got;
		len -= (size_t)got;
	}
}
