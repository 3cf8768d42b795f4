// SPDX-License-Identifier: GPL-3.0-or-later
/* dkim.c - write DKIM-Signature fields.
 *
 * The body is hashed once for all keys, and so are the fields made canonical;
 * each key then adds its own field and signs.
 */
#include "mail/dkim.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "mail/compose.h"
#include "mail/dkim-key.h"
#include "mail/dkim-private.h"

#define FIELD_COLUMNS 76
#define HEADER_MAX ((size_t)4 * 1024 * 1024) /* of the fields that are signed */
#define FIELDS_LEN_MAX 100 /* fields of one message */

/* See dkim.h for what is here and what is not. */
static const char *const signed_names[] = {
	"From",
	"Reply-To",
	"To",
	"Cc",
	"Subject",
	"Date",
	"Message-ID",
	"In-Reply-To",
	"References",
	"MIME-Version",
	"Content-Type",
	"Content-Transfer-Encoding",
	"Content-Disposition",
	"Content-Language",
};

struct signer {
	char *domain;            /* owned */
	char *selector;          /* owned */
	struct ch_dkim_key *key; /* owned */
};

struct ch_dkim {
	struct signer signers[CH_DKIM_KEYS_MAX];
	size_t len;
	struct ch_str canonical; /* kept for its memory: what is signed */
	struct ch_str names;     /* the same: the value of h= */
};

struct ch_dkim *ch_dkim_new(void)
{
	struct ch_dkim *dkim = ch_xzalloc(sizeof(*dkim));

	ch_str_init(&dkim->canonical, HEADER_MAX);
	ch_str_init(&dkim->names, HEADER_MAX);
	return dkim;
}

void ch_dkim_free(struct ch_dkim *dkim)
{
	if (!dkim)
		return;
	for (size_t i = 0; i < dkim->len; i++) {
		free(dkim->signers[i].domain);
		free(dkim->signers[i].selector);
		ch_dkim_key_free(dkim->signers[i].key);
	}
	ch_str_release(&dkim->canonical);
	ch_str_release(&dkim->names);
	free(dkim);
}

void ch_dkim_add(struct ch_dkim *dkim, const char *domain, const char *selector,
		 struct ch_dkim_key *key)
{
	size_t at = dkim->len;

	assert(dkim->len < CH_DKIM_KEYS_MAX);
	while (ch_dkim_key_is_rsa(key) && at > 0 &&
	       !ch_dkim_key_is_rsa(dkim->signers[at - 1].key))
		at--;
	memmove(&dkim->signers[at + 1], &dkim->signers[at],
		(dkim->len - at) * sizeof(dkim->signers[0]));
	dkim->signers[at] = (struct signer){
		.domain = ch_xstrdup(domain),
		.selector = ch_xstrdup(selector),
		.key = key,
	};
	dkim->len++;
}

/* ---- what is signed ------------------------------------------------------ */

/* A header's fields, each whole with its folded lines and its last CRLF. */
struct header {
	struct ch_slice fields[FIELDS_LEN_MAX];
	size_t len;
	size_t bytes; /* up to the body, the empty line included */
};

static int not_a_message(struct ch_error *err)
{
	return ch_error_set(err, CH_GIVE_UP,
			    "not a message that can be signed");
}

/* Our own header: lines end in CRLF, the first is no folded one. */
static int read_header(const struct ch_composed *message, struct header *ret,
		       struct ch_error *err)
{
	const char *at = message->pieces_len ? message->pieces[0].iov_base :
					       NULL;
	const char *begin = at;
	const char *end = at ? at + message->pieces[0].iov_len : NULL;

	ret->len = ret->bytes = 0;
	while (at < end && *at != '\r') {
		const char *next = memchr(at, '\n', (size_t)(end - at));

		if (!next)
			return not_a_message(err);
		next++;
		if (*at == ' ' || *at == '\t') {
			if (ret->len == 0)
				return not_a_message(err);
			ret->fields[ret->len - 1].len += (size_t)(next - at);
		} else {
			if (ret->len == FIELDS_LEN_MAX)
				return not_a_message(err);
			ret->fields[ret->len++] =
				(struct ch_slice){ at, (size_t)(next - at) };
		}
		at = next;
	}
	if (ret->len == 0 || end - at < 2 || at[1] != '\n')
		return not_a_message(err);
	ret->bytes = (size_t)(at + 2 - begin);
	return 0;
}

static bool is_named(struct ch_slice field, const char *name)
{
	size_t len = strlen(name);

	return field.len > len && field.data[len] == ':' &&
	       strncasecmp(field.data, name, len) == 0;
}

static void add_name(struct ch_str *names, const char *name)
{
	if (names->len > 0)
		ch_str_add_char(names, ':');
	ch_str_add(names, name);
}

/* Of several with one name the last is signed first (RFC 6376 section 5.4.2),
 * and once more than there are says that there are no others. */
static void add_fields(struct ch_dkim *dkim, const struct header *header)
{
	ch_str_clear(&dkim->canonical);
	ch_str_clear(&dkim->names);
	for (size_t i = 0; i < CH_COUNT(signed_names); i++) {
		for (size_t j = header->len; j > 0; j--) {
			if (!is_named(header->fields[j - 1], signed_names[i]))
				continue;
			ch_dkim_relaxed_field(&dkim->canonical,
					      header->fields[j - 1]);
			ch_str_add(&dkim->canonical, "\r\n");
			add_name(&dkim->names, signed_names[i]);
		}
		add_name(&dkim->names, signed_names[i]);
	}
}

static void hash_body(const struct ch_composed *message, size_t from,
		      char out[CH_BASE64_SIZE(CH_SHA256_SIZE) + 1])
{
	struct ch_dkim_body body;
	struct ch_sha256 sum;

	ch_dkim_body_begin(&body);
	for (size_t i = 0; i < message->pieces_len; i++) {
		const char *bytes = message->pieces[i].iov_base;
		size_t skip = i == 0 ? from : 0;

		ch_dkim_body_add(&body, bytes + skip,
				 message->pieces[i].iov_len - skip);
	}
	ch_dkim_body_end(&body, &sum);
	ch_base64(sum.bytes, sizeof(sum.bytes), out);
}

/* ---- the field ----------------------------------------------------------- */

/* On the same line if it fits there. */
static void add_tag(struct ch_str *out, size_t *column, const char *tag,
		    const char *value)
{
	size_t len = strlen(tag) + strlen(value) + 1;

	if (*column + 1 + len > FIELD_COLUMNS) {
		ch_str_add(out, "\r\n");
		*column = 0;
	}
	ch_str_addf(out, " %s%s;", tag, value);
	*column += 1 + len;
}

/* The names of h=, in lines that break behind a colon. */
static void add_names(struct ch_str *out, const char *names)
{
	size_t column = 4;

	ch_str_add(out, "\r\n h=");
	while (*names) {
		size_t len = strcspn(names, ":");

		len += names[len] == ':';
		if (column + len > FIELD_COLUMNS) {
			ch_str_add(out, "\r\n  ");
			column = 2;
		}
		ch_str_add_mem(out, names, len);
		column += len;
		names += len;
	}
	ch_str_add(out, ";");
}

/* All of the field but the value of its last tag, b=. */
static void begin_field(const struct ch_dkim *dkim, const struct signer *signer,
			int64_t date_us, const char *body_hash,
			struct ch_str *out)
{
	CH_AUTOCHAR date = ch_xasprintf("%lld",
					(long long)(date_us / 1000000));
	size_t column = strlen("DKIM-Signature:");

	ch_str_add(out, "DKIM-Signature:");
	add_tag(out, &column, "v=", "1");
	add_tag(out, &column, "a=", ch_dkim_key_algorithm(signer->key));
	add_tag(out, &column, "c=", "relaxed/relaxed");
	add_tag(out, &column, "d=", signer->domain);
	add_tag(out, &column, "s=", signer->selector);
	add_tag(out, &column, "t=", date);
	add_names(out, ch_str_cstr(&dkim->names));
	ch_str_addf(out, "\r\n bh=%s;\r\n b=", body_hash);
}

static void end_field(struct ch_str *out, const unsigned char *signature,
		      size_t len)
{
	char base64[CH_BASE64_SIZE(CH_DKIM_SIGNATURE_MAX) + 1];
	size_t column = 3;

	ch_base64(signature, len, base64);
	for (const char *at = base64; *at;) {
		size_t left = strlen(at);
		size_t now = FIELD_COLUMNS - column;

		now = left < now ? left : now;
		ch_str_add_mem(out, at, now);
		at += now;
		ch_str_add(out, *at ? "\r\n  " : "\r\n");
		column = 2;
	}
}

/* Section 3.7: the fields, then this one, with an empty b= and without its last
 * line end. */
static int add_signature(struct ch_dkim *dkim, const struct signer *signer,
			 int64_t date_us, const char *body_hash,
			 struct ch_str *out, struct ch_error *err)
{
	unsigned char signature[CH_DKIM_SIGNATURE_MAX];
	size_t fields_len = dkim->canonical.len;
	size_t begin = out->len;
	struct ch_sha256 digest;
	size_t len;

	begin_field(dkim, signer, date_us, body_hash, out);
	if (!out->full)
		ch_dkim_relaxed_field(&dkim->canonical,
				      (struct ch_slice){ out->data + begin,
							 out->len - begin });
	if (out->full || dkim->canonical.full)
		return ch_error_set(err, CH_GIVE_UP,
				    "its fields are too long to be signed");
	ch_sha256_of(dkim->canonical.data, dkim->canonical.len, &digest);
	ch_str_truncate(&dkim->canonical, fields_len);
	if (ch_dkim_key_sign(signer->key, &digest, signature, &len, err) < 0)
		return -1;
	end_field(out, signature, len);
	return 0;
}

int ch_dkim_sign(struct ch_dkim *dkim, int64_t date_us,
		 struct ch_composed *message, struct ch_str *ret_fields,
		 struct ch_error *err)
{
	char body_hash[CH_BASE64_SIZE(CH_SHA256_SIZE) + 1];
	struct header header;

	if (read_header(message, &header, err) < 0)
		return -1;
	add_fields(dkim, &header);
	hash_body(message, header.bytes, body_hash);
	ch_str_truncate(ret_fields, 0);
	for (size_t i = 0; i < dkim->len; i++)
		if (add_signature(dkim, &dkim->signers[i], date_us, body_hash,
				  ret_fields, err) < 0)
			return -1;
	if (ret_fields->full)
		return ch_error_set(err, CH_GIVE_UP,
				    "its signatures are larger than %zu bytes",
				    CH_DKIM_FIELDS_MAX);
	return ch_dkim_put(message, (struct ch_slice){ ret_fields->data,
						       ret_fields->len }, err);
}

int ch_dkim_put(struct ch_composed *message, struct ch_slice fields,
		struct ch_error *err)
{
	return ch_composed_wrap(message, 0, fields, CH_SLICE_EMPTY, err);
}
