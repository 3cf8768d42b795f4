/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hash.h - SHA-256, HMAC, hexadecimal, lower-case base32, random bytes. */
#ifndef CH_BASE_HASH_H
#define CH_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CH_SHA256_SIZE 32
#define CH_SHA256_HEX_SIZE 65 /* with the terminator */

struct ch_sha256 {
	unsigned char bytes[CH_SHA256_SIZE];
};

/* SHA-256 of what is added between _init and _final (which also frees). */
struct ch_sha256_ctx {
	void *state; /* owned */
};
void ch_sha256_init(struct ch_sha256_ctx *ctx);
void ch_sha256_add(struct ch_sha256_ctx *ctx, const void *bytes, size_t len);
void ch_sha256_final(struct ch_sha256_ctx *ctx, struct ch_sha256 *ret_sum);
void ch_sha256_ctx_release(struct ch_sha256_ctx *ctx);

void ch_sha256_of(const void *bytes, size_t len, struct ch_sha256 *ret_sum);
bool ch_sha256_eq(const struct ch_sha256 *a, const struct ch_sha256 *b);
const char *ch_sha256_hex(const struct ch_sha256 *sum,
			  char out[CH_SHA256_HEX_SIZE]);
/* 64 lower-case hex digits; returns -1 for anything else. */
int ch_sha256_parse(const char *hex, size_t len, struct ch_sha256 *ret_sum);

/* HMAC-SHA-256 (RFC 2104). */
void ch_hmac_sha256(const void *key, size_t key_len, const void *bytes,
		    size_t len, struct ch_sha256 *ret_mac);

/* Compare without telling by the time taken where they differ. */
bool ch_same_bytes(const void *a, const void *b, size_t len);

/* RFC 4648 base32 with lower-case letters and no padding. _size gives the
 * characters for `len` bytes, without a terminator. */
#define CH_BASE32_SIZE(len) (((len) * 8 + 4) / 5)
void ch_base32(const void *bytes, size_t len, char *out);
/* Either case; returns the bytes written, or -1 where it is not base32 or does
 * not fit `size`. */
int ch_base32_decode(const char *text, size_t len, void *out, size_t size);

/* Standard base64 with padding, no line ends; `out` takes
 * CH_BASE64_SIZE(len) + 1 bytes and is terminated. */
#define CH_BASE64_SIZE(len) (((len) + 2) / 3 * 4)
size_t ch_base64(const void *bytes, size_t len, char *out);

/* Fill from the kernel's generator; never fails. */
void ch_random(void *out, size_t len);

#endif
