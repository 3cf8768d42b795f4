// SPDX-License-Identifier: GPL-3.0-or-later
/* token.c - see token.h.
 *
 * 48 bits of letter id and 32 of attempt are 80 bits, and so is the part of
 * the HMAC that is kept: 16 base32 digits each with no bit left over, so that
 * one token has one spelling, but for case.
 */
#include "returns/token.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"

#define BODY_SIZE 10 /* bytes of id and attempt, and of the HMAC kept */
#define BODY_DIGITS 16
#define KEY_AT (BODY_DIGITS + 1)
#define MAC_AT (KEY_AT + 1)
#define TOKEN_LEN (MAC_AT + BODY_DIGITS)

static const char purpose[] = "chancery envelope token 1";
static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

static void mac_of(const struct ch_token_key *key,
		   const unsigned char body[BODY_SIZE],
		   unsigned char ret_mac[BODY_SIZE])
{
	unsigned char signed_bytes[sizeof(purpose) + BODY_SIZE + 1];
	struct ch_sha256 mac;

	memcpy(signed_bytes, purpose, sizeof(purpose)); /* with its NUL */
	memcpy(signed_bytes + sizeof(purpose), body, BODY_SIZE);
	signed_bytes[sizeof(purpose) + BODY_SIZE] = (unsigned char)key->id;
	ch_hmac_sha256(key->bytes, sizeof(key->bytes), signed_bytes,
		       sizeof(signed_bytes), &mac);
	memcpy(ret_mac, mac.bytes, BODY_SIZE);
}

void ch_token_make(const struct ch_token_key *key, int64_t letter_id,
		   unsigned int attempt, char out[CH_TOKEN_SIZE])
{
	unsigned char body[BODY_SIZE];
	unsigned char mac[BODY_SIZE];

	assert(letter_id >= 0 && letter_id < (int64_t)1 << 48 && key->id < 32);
	for (int i = 0; i < 6; i++)
		body[i] = (unsigned char)(letter_id >> (40 - 8 * i));
	for (int i = 0; i < 4; i++)
		body[6 + i] = (unsigned char)(attempt >> (24 - 8 * i));
	mac_of(key, body, mac);
	ch_base32(body, BODY_SIZE, out);
	out[BODY_DIGITS] = '-';
	out[KEY_AT] = digits[key->id];
	ch_base32(mac, BODY_SIZE, out + MAC_AT);
	out[TOKEN_LEN] = '\0';
}

/* The number of a base32 digit of either case, or -1. */
static int digit(char c)
{
	const char *at;

	if (c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* Read the parts of a text that has the form of a token. */
static int parse(struct ch_slice token, unsigned char body[BODY_SIZE],
		 unsigned char mac[BODY_SIZE], int *ret_key)
{
	if (token.len != TOKEN_LEN || token.data[BODY_DIGITS] != '-')
		return -1;
	*ret_key = digit(token.data[KEY_AT]);
	if (*ret_key < 0 ||
	    ch_base32_decode(token.data, BODY_DIGITS, body, BODY_SIZE) !=
		    BODY_SIZE ||
	    ch_base32_decode(token.data + MAC_AT, BODY_DIGITS, mac,
			     BODY_SIZE) != BODY_SIZE)
		return -1;
	return 0;
}

bool ch_token_is_formed(struct ch_slice token)
{
	unsigned char body[BODY_SIZE];
	unsigned char mac[BODY_SIZE];
	int key_id;

	return parse(token, body, mac, &key_id) == 0;
}

int ch_token_check(const struct ch_token_key *keys, size_t keys_len,
		   struct ch_slice token, int64_t *ret_letter_id,
		   unsigned int *ret_attempt)
{
	unsigned char body[BODY_SIZE];
	unsigned char mac[BODY_SIZE];
	unsigned char ours[BODY_SIZE];
	bool made_by_us = false;
	int64_t letter_id = 0;
	unsigned int attempt = 0;
	int key_id;

	if (parse(token, body, mac, &key_id) < 0)
		return -1;
	for (size_t i = 0; i < keys_len; i++) {
		if (keys[i].id != (unsigned int)key_id)
			continue;
		mac_of(&keys[i], body, ours);
		made_by_us |= ch_same_bytes(mac, ours, BODY_SIZE);
	}
	if (!made_by_us)
		return -1;
	for (int i = 0; i < 6; i++)
		letter_id = letter_id << 8 | body[i];
	for (int i = 6; i < BODY_SIZE; i++)
		attempt = attempt << 8 | body[i];
	*ret_letter_id = letter_id;
	*ret_attempt = attempt;
	return 0;
}

/* ASCII letters of either case are the same. */
static bool same_folded(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char x = a[i];
		char y = b[i];

		if (x >= 'A' && x <= 'Z')
			x = (char)(x - 'A' + 'a');
		if (y >= 'A' && y <= 'Z')
			y = (char)(y - 'A' + 'a');
		if (x != y)
			return false;
	}
	return true;
}

struct ch_slice ch_token_find(struct ch_slice address,
			      struct ch_slice prefix, struct ch_slice domain)
{
	size_t around = prefix.len + 1 + 1 + domain.len; /* with "+", "@" */
	size_t at;

	if (address.len <= around)
		return CH_SLICE_EMPTY;
	at = address.len - domain.len - 1;
	if (address.data[prefix.len] != '+' || address.data[at] != '@' ||
	    !same_folded(address.data, prefix.data, prefix.len) ||
	    !same_folded(address.data + at + 1, domain.data, domain.len))
		return CH_SLICE_EMPTY;
	return (struct ch_slice){ address.data + prefix.len + 1,
				  at - prefix.len - 1 };
}
