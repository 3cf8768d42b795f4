// SPDX-License-Identifier: GPL-3.0-or-later
/* signed.c - the head and the tail of multipart/signed. */
#include "mail/signed.h"

#include <string.h>

#include "base/hash.h"
#include "mail/compose.h"
#include "mail/encode.h"

#define PARTS_MAX ((size_t)CH_SIGNATURE_MAX * 2)
#define BOUNDARY_SIZE 28

size_t ch_signed_from(const struct ch_composed *message)
{
	static const char field[] = "\r\nContent-Type: ";
	const char *first = message->pieces_len ? message->pieces[0].iov_base :
						  NULL;
	const char *end, *found;

	if (!first)
		return 0;
	end = memmem(first, message->pieces[0].iov_len, "\r\n\r\n", 4);
	found = end ? memmem(first, (size_t)(end - first), field,
			     sizeof(field) - 1) :
		      NULL;
	return found ? (size_t)(found + 2 - first) : 0;
}

static void make_boundary(const char *message_id, char out[BOUNDARY_SIZE])
{
	struct ch_sha256 sum;

	ch_sha256_of(message_id, strlen(message_id), &sum);
	memcpy(out, "=_s", 3);
	ch_base32(sum.bytes, 15, out + 3);
	out[BOUNDARY_SIZE - 1] = '\0';
}

static void write_head(struct ch_str *out, const char *boundary)
{
	ch_str_addf(out,
		    "Content-Type: multipart/signed;\r\n"
		    " protocol=\"application/pkcs7-signature\"; "
		    "micalg=sha-256;\r\n"
		    " boundary=\"%s\"\r\n\r\n--%s\r\n",
		    boundary, boundary);
}

/* The line end before a delimiter is the delimiter's: what was signed keeps
 * its own last one. */
static void write_tail(struct ch_str *out, const char *boundary,
		       struct ch_slice base64)
{
	ch_str_addf(out,
		    "\r\n--%s\r\n"
		    "Content-Type: application/pkcs7-signature; "
		    "name=smime.p7s\r\n"
		    "Content-Transfer-Encoding: base64\r\n"
		    "Content-Disposition: attachment; filename=smime.p7s\r\n"
		    "\r\n",
		    boundary);
	for (size_t at = 0; at < base64.len; at += CH_ENCODED_COLUMNS) {
		size_t len = base64.len - at;

		ch_str_add_mem(out, base64.data + at,
			       len < CH_ENCODED_COLUMNS ? len :
							  CH_ENCODED_COLUMNS);
		ch_str_add(out, "\r\n");
	}
	ch_str_addf(out, "--%s--\r\n", boundary);
}

int ch_signed_wrap(struct ch_composed *message, const char *message_id,
		   struct ch_slice base64, struct ch_error *err)
{
	CH_AUTO(ch_str) head = CH_STR_INIT(PARTS_MAX);
	CH_AUTO(ch_str) tail = CH_STR_INIT(PARTS_MAX);
	size_t from = ch_signed_from(message);
	char boundary[BOUNDARY_SIZE];

	if (from == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "not a message that can be signed");
	make_boundary(message_id, boundary);
	write_head(&head, boundary);
	write_tail(&tail, boundary, base64);
	if (tail.full)
		return ch_error_set(err, CH_GIVE_UP,
				    "the signature is larger than %d bytes",
				    CH_SIGNATURE_MAX);
	return ch_composed_wrap(message, from,
				(struct ch_slice){ head.data, head.len },
				(struct ch_slice){ tail.data, tail.len }, err);
}
