// SPDX-License-Identifier: GPL-3.0-or-later
/* compose.c - put a message together.
 *
 * Every part is quoted-printable or base64, also where plain ASCII would do:
 * then no relay has a reason to change a byte (RFC 3676's trailing spaces, a
 * line that starts with "From "), and a boundary that holds "=_" can occur in
 * no part. An annex is encoded once; a message only points at it.
 */
#include "mail/compose.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "mail/encode.h"
#include "mail/header.h"
#include "mail/image.h"

#define ANNEX_NAME_MAX 255
#define FALLBACK_MAX 60
#define EXTENSION_MAX 10

struct ch_attachment {
	char *name;         /* owned */
	size_t size;        /* of the file */
	struct ch_str part; /* its header and its base64, as sent */
};

#define ADD_LITERAL(out, text) ch_str_add_mem((out), (text), sizeof(text) - 1)

static int check_name(const char *name, struct ch_error *err)
{
	size_t len = strlen(name);

	if (len == 0 || len > ANNEX_NAME_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "the name of an annex has %zu bytes; 1 to "
				    "%d are allowed",
				    len, ANNEX_NAME_MAX);
	if (!ch_header_text_ok(name, len))
		return ch_error_set(err, CH_GIVE_UP,
				    "the name of an annex has a control "
				    "character or is not UTF-8");
	if (strpbrk(name, "/\\"))
		return ch_error_set(err, CH_GIVE_UP,
				    "the name of an annex has a path in it");
	for (size_t at = 0; at < len;) {
		uint32_t cp;

		at += ch_utf8_decode(name + at, len - at, &cp);
		if (ch_utf8_is_bidi_control(cp))
			return ch_error_set(err, CH_GIVE_UP,
					    "the name of an annex has U+%04X, "
					    "which turns the direction of text",
					    cp);
	}
	return 0;
}

static const char *type_of_name(const char *name)
{
	static const struct {
		const char *extension, *type;
	} types[] = {
		{ "csv", "text/csv" },
		{ "doc", "application/msword" },
		{ "docx", "application/vnd.openxmlformats-officedocument"
			  ".wordprocessingml.document" },
		{ "gif", "image/gif" },
		{ "ics", "text/calendar" },
		{ "jpeg", "image/jpeg" },
		{ "jpg", "image/jpeg" },
		{ "odp", "application/vnd.oasis.opendocument.presentation" },
		{ "ods", "application/vnd.oasis.opendocument.spreadsheet" },
		{ "odt", "application/vnd.oasis.opendocument.text" },
		{ "pdf", "application/pdf" },
		{ "png", "image/png" },
		{ "pptx", "application/vnd.openxmlformats-officedocument"
			  ".presentationml.presentation" },
		{ "rtf", "application/rtf" },
		{ "txt", "text/plain" },
		{ "xls", "application/vnd.ms-excel" },
		{ "xlsx", "application/vnd.openxmlformats-officedocument"
			  ".spreadsheetml.sheet" },
		{ "zip", "application/zip" },
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < CH_COUNT(types); i++)
		if (strcasecmp(dot + 1, types[i].extension) == 0)
			return types[i].type;
	return "application/octet-stream";
}

/* type "/" subtype, of letters, digits and "!#$&-^_.+" (RFC 6838 section
 * 4.2); not one that base64 may not encode (RFC 2045 section 6.4). */
static bool is_media_type(const char *type)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789!#$&-^_.+";
	size_t major = strspn(type, allowed);
	size_t minor = type[major] == '/' ? strspn(type + major + 1, allowed) :
					    0;

	return major > 0 && minor > 0 && type[major + 1 + minor] == '\0' &&
	       strncasecmp(type, "multipart/", 10) != 0 &&
	       strncasecmp(type, "message/", 8) != 0;
}

/* Whether a name needs the RFC 2231 form, in which some programs do not find
 * it. */
static bool is_plain_name(const char *name)
{
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p >= 0x80)
			return false;
	return strlen(name) <= FALLBACK_MAX;
}

/* The name in letters and digits of ASCII, with its extension: "reunion_1.pdf",
 * or "annex.pdf" where nothing is left of it. */
static void write_fallback(const char *name, char out[FALLBACK_MAX + 1])
{
	const char *dot = strrchr(name, '.');
	size_t extension = dot ? strspn(dot + 1, "abcdefghijklmnopqrstuvwxyz"
						 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
						 "0123456789") : 0;
	CH_AUTO(ch_str) plain = CH_STR_INIT(4 * ANNEX_NAME_MAX);
	size_t len;

	if (!dot || dot[1 + extension] || extension == 0 ||
	    extension > EXTENSION_MAX)
		dot = NULL;
	ch_header_ascii(name, dot ? (size_t)(dot - name) : strlen(name),
			&plain);
	len = plain.len;
	if (len > FALLBACK_MAX - EXTENSION_MAX - 1)
		len = FALLBACK_MAX - EXTENSION_MAX - 1;
	snprintf(out, FALLBACK_MAX + 1, "%.*s%s",
		 plain.len ? (int)len : (int)strlen("annex"),
		 plain.len ? plain.data : "annex", dot ? dot : "");
}

static int add_part_header(struct ch_attachment *attachment, const char *type,
			   const char *disposition, const void *bytes,
			   size_t len, struct ch_error *err)
{
	struct ch_str *out = &attachment->part;
	bool text = strncasecmp(type, "text/", 5) == 0;
	size_t column;

	if (text && !ch_utf8_valid(bytes, len, NULL)) {
		type = "application/octet-stream";
		text = false;
	}
	ADD_LITERAL(out, "Content-Type: ");
	ch_str_add(out, type);
	if (text)
		ADD_LITERAL(out, "; charset=utf-8");
	if (!is_plain_name(attachment->name)) {
		char fallback[FALLBACK_MAX + 1];

		write_fallback(attachment->name, fallback);
		column = out->len;
		if (ch_header_param(out, &column, "name", fallback, err))
			return -1;
	}
	ADD_LITERAL(out, "\r\nContent-Transfer-Encoding: base64\r\n");
	ADD_LITERAL(out, "Content-Disposition: ");
	ch_str_add(out, disposition);
	column = sizeof("Content-Disposition: ") - 1 + strlen(disposition);
	if (ch_header_param(out, &column, "filename", attachment->name, err))
		return -1;
	ADD_LITERAL(out, "\r\n\r\n");
	return 0;
}

static int new_attachment(const char *name, const char *type,
			  const char *disposition, const void *bytes,
			  size_t len, struct ch_attachment **ret,
			  struct ch_error *err)
{
	CH_AUTOPTR(ch_attachment) attachment = NULL;

	if (check_name(name, err) < 0)
		return -1;
	if (!is_media_type(type))
		return ch_error_set(err, CH_GIVE_UP,
				    "%.100s: not a media type an annex may "
				    "have",
				    type);
	attachment = ch_xzalloc(sizeof(*attachment));
	attachment->name = ch_xstrdup(name);
	attachment->size = len;
	ch_str_init(&attachment->part, SIZE_MAX / 4);
	if (add_part_header(attachment, type, disposition, bytes, len,
			    err) < 0)
		return -1;
	ch_encode_base64(&attachment->part, bytes, len);
	*ret = CH_TAKE(attachment);
	return 0;
}

int ch_attachment_new(const char *name, const char *media_type,
		      const void *bytes, size_t len,
		      struct ch_attachment **ret, struct ch_error *err)
{
	return new_attachment(name,
			      media_type ? media_type : type_of_name(name),
			      "attachment", bytes, len, ret, err);
}

int ch_attachment_new_logo(const char *name, const void *bytes, size_t len,
			   struct ch_attachment **ret, struct ch_error *err)
{
	struct ch_image image;

	if (ch_image_read(bytes, len, &image, err) < 0)
		return -1;
	return new_attachment(name, image.media_type, "inline", bytes, len,
			      ret, err);
}

void ch_attachment_free(struct ch_attachment *attachment)
{
	if (!attachment)
		return;
	free(attachment->name);
	ch_str_release(&attachment->part);
	free(attachment);
}

const char *ch_attachment_name(const struct ch_attachment *attachment)
{
	return attachment->name;
}

size_t ch_attachment_size(const struct ch_attachment *attachment)
{
	return attachment->size;
}

/* "=_" cannot stand in quoted-printable or base64. `kind` keeps the
 * boundaries of one message apart, neither a prefix of the other. */
#define BOUNDARY_SIZE (2 + 1 + CH_BASE32_SIZE(15) + 1)

static void make_boundary(const struct ch_sha256 *sum, char kind,
			  char out[BOUNDARY_SIZE])
{
	out[0] = '=';
	out[1] = '_';
	out[2] = kind;
	ch_base32(sum->bytes, 15, out + 3);
	out[BOUNDARY_SIZE - 1] = '\0';
}

/* The multiparts that a message may have. */
struct boundaries {
	char mixed[BOUNDARY_SIZE];
	char alternative[BOUNDARY_SIZE];
	char related[BOUNDARY_SIZE];
};

static void make_boundaries(const char *message_id, struct boundaries *ret)
{
	struct ch_sha256 sum;

	ch_sha256_of(message_id, strlen(message_id), &sum);
	make_boundary(&sum, 'm', ret->mixed);
	make_boundary(&sum, 'a', ret->alternative);
	make_boundary(&sum, 'r', ret->related);
}

const char *ch_content_id(const char *message_id, char out[CH_CONTENT_ID_SIZE])
{
	const char *at = strchr(message_id, '@');
	struct ch_sha256 sum;
	size_t used = CH_BASE32_SIZE(15);

	ch_sha256_of(message_id, strlen(message_id), &sum);
	ch_base32(sum.bytes, 15, out);
	out[used++] = '@';
	for (; at && *at && used < CH_CONTENT_ID_SIZE - 1; at++) {
		bool plain = (*at >= 'a' && *at <= 'z') ||
			     (*at >= 'A' && *at <= 'Z') ||
			     (*at >= '0' && *at <= '9') || *at == '.' ||
			     *at == '-';

		if (plain)
			out[used++] = *at;
	}
	out[used] = '\0';
	return out;
}

static void add_multipart(struct ch_str *out, const char *subtype,
			  const char *boundary)
{
	ADD_LITERAL(out, "Content-Type: multipart/");
	ch_str_add(out, subtype);
	ADD_LITERAL(out, ";\r\n boundary=\"");
	ch_str_add(out, boundary);
	ADD_LITERAL(out, "\"\r\n\r\n");
}

static void add_delimiter(struct ch_str *out, const char *boundary)
{
	ADD_LITERAL(out, "--");
	ch_str_add(out, boundary);
	ADD_LITERAL(out, "\r\n");
}

static void add_close(struct ch_str *out, const char *boundary)
{
	ADD_LITERAL(out, "--");
	ch_str_add(out, boundary);
	ADD_LITERAL(out, "--\r\n");
}

/* The line end before a delimiter belongs to the delimiter (RFC 2046 section
 * 5.1.1): inside a multipart, text keeps its own last one by a second. */
static void add_text_part(struct ch_str *out, const char *type,
			  struct ch_slice text, bool inside)
{
	bool qp = ch_encode_qp_is_shorter(text.data, text.len);

	ADD_LITERAL(out, "Content-Type: ");
	ch_str_add(out, type);
	if (qp)
		ADD_LITERAL(out, "\r\nContent-Transfer-Encoding: "
				 "quoted-printable\r\n\r\n");
	else
		ADD_LITERAL(out, "\r\nContent-Transfer-Encoding: "
				 "base64\r\n\r\n");
	if (qp)
		ch_encode_qp(out, text.data, text.len);
	else
		ch_encode_text_base64(out, text.data, text.len);
	if (qp && inside)
		ADD_LITERAL(out, "\r\n");
}

static void add_piece(struct ch_composed *out, void *base, size_t len)
{
	CH_GROW(out->pieces, out->pieces_len, out->pieces_cap);
	out->pieces[out->pieces_len++] =
		(struct iovec){ .iov_base = base, .iov_len = len };
}

/* Our own text up to here, from where the last piece of it ended. Its place in
 * memory is not known before all is written: settle_pieces(). */
static void add_own_piece(struct ch_composed *out, size_t *from)
{
	add_piece(out, NULL, out->own.len - *from);
	*from = out->own.len;
}

/* The HTML, and the picture in it (RFC 2387). */
static void add_html(const struct ch_compose *message,
		     const struct boundaries *boundaries,
		     struct ch_composed *out, size_t *own_from)
{
	const struct ch_attachment *logo = message->logo;
	char content_id[CH_CONTENT_ID_SIZE];

	if (!logo) {
		add_text_part(&out->own, "text/html; charset=utf-8",
			      message->html, true);
		return;
	}
	add_multipart(&out->own, "related; type=\"text/html\"",
		      boundaries->related);
	add_delimiter(&out->own, boundaries->related);
	add_text_part(&out->own, "text/html; charset=utf-8", message->html,
		      true);
	add_delimiter(&out->own, boundaries->related);
	ADD_LITERAL(&out->own, "Content-ID: <");
	ch_str_add(&out->own, ch_content_id(message->message_id, content_id));
	ADD_LITERAL(&out->own, ">\r\n");
	add_own_piece(out, own_from);
	add_piece(out, logo->part.data, logo->part.len);
	add_close(&out->own, boundaries->related);
}

/* The text, or text and HTML as alternatives. */
static void add_letter(const struct ch_compose *message,
		       const struct boundaries *boundaries,
		       struct ch_composed *out, size_t *own_from)
{
	const char *plain = message->text_delsp ?
		"text/plain; charset=utf-8; format=flowed; delsp=yes" :
		"text/plain; charset=utf-8; format=flowed";
	const char *alternative = boundaries->alternative;

	if (message->html.len == 0) {
		add_text_part(&out->own, plain, message->text,
			      message->attachments_len > 0);
		return;
	}
	add_multipart(&out->own, "alternative", alternative);
	add_delimiter(&out->own, alternative);
	add_text_part(&out->own, plain, message->text, true);
	add_delimiter(&out->own, alternative);
	add_html(message, boundaries, out, own_from);
	add_close(&out->own, alternative);
}

/* id-left "@" id-right in printable ASCII (RFC 5322 section 3.6.4). */
static int check_message_id(const char *id, struct ch_error *err)
{
	for (const char *p = id; *p; p++)
		if (*p <= 0x20 || *p >= 0x7F || *p == '<' || *p == '>')
			return ch_error_set(err, CH_GIVE_UP,
					    "Message-ID: a character that may "
					    "not be in one");
	if (!strchr(id, '@') || strlen(id) > CH_LINE_MAX - 20)
		return ch_error_set(err, CH_GIVE_UP,
				    "Message-ID: not of the form left@right");
	return 0;
}

/* Language tags, a comma and a space between them (RFC 3282). */
static int check_language(const char *language, struct ch_error *err)
{
	for (const char *p = language; *p; p++) {
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		    (*p >= '0' && *p <= '9') || *p == '-')
			continue;
		if (p > language && p[0] == ',' && p[1] == ' ' && p[2] > ' ')
			p++;
		else
			return ch_error_set(err, CH_GIVE_UP,
					    "Content-Language: not a language "
					    "tag");
	}
	return 0;
}

static int add_header(const struct ch_compose *message, struct ch_str *out,
		      struct ch_error *err)
{
	char date[CH_RFC5322_DATE_SIZE];

	if (check_message_id(message->message_id, err) < 0 ||
	    check_language(message->language, err) < 0)
		return -1;
	ADD_LITERAL(out, "Date: ");
	ch_str_add(out, ch_clock_rfc5322(message->date_us, date));
	ADD_LITERAL(out, "\r\n");
	if (ch_header_addresses(out, "From", message->from, 1, err) < 0 ||
	    (message->reply_to &&
	     ch_header_addresses(out, "Reply-To", message->reply_to, 1, err)) ||
	    (message->to_len &&
	     ch_header_addresses(out, "To", message->to, message->to_len,
				 err)) ||
	    (message->cc_len &&
	     ch_header_addresses(out, "Cc", message->cc, message->cc_len,
				 err)) ||
	    ch_header_text(out, "Subject", message->subject, err) < 0)
		return -1;
	ADD_LITERAL(out, "Message-ID: <");
	ch_str_add(out, message->message_id);
	ADD_LITERAL(out, ">\r\nMIME-Version: 1.0\r\n");
	if (message->language[0]) {
		ADD_LITERAL(out, "Content-Language: ");
		ch_str_add(out, message->language);
		ADD_LITERAL(out, "\r\n");
	}
	return 0;
}

static void add_attachments(const struct ch_compose *message,
			    const char *boundary, struct ch_composed *out,
			    size_t *own_from)
{
	for (size_t i = 0; i < message->attachments_len; i++) {
		const struct ch_str *part = &message->attachments[i]->part;

		add_delimiter(&out->own, boundary);
		add_own_piece(out, own_from);
		add_piece(out, part->data, part->len);
	}
	add_close(&out->own, boundary);
}

static void settle_pieces(struct ch_composed *out)
{
	char *own = out->own.data;

	out->size_bytes = 0;
	for (size_t i = 0; i < out->pieces_len; i++) {
		struct iovec *piece = &out->pieces[i];

		if (!piece->iov_base) {
			piece->iov_base = own;
			own += piece->iov_len;
		}
		out->size_bytes += piece->iov_len;
	}
}

static int too_large(const struct ch_composed *out, struct ch_error *err)
{
	return ch_error_set(err, CH_GIVE_UP,
			    "the message is larger than %zu bytes",
			    out->own.max);
}

int ch_compose(const struct ch_compose *message, struct ch_composed *out,
	       struct ch_error *err)
{
	struct boundaries boundaries;
	size_t own_from = 0;

	ch_attachment_free(CH_TAKE(out->kept));
	ch_str_clear(&out->own);
	out->pieces_len = 0;
	out->size_bytes = 0;
	if (add_header(message, &out->own, err) < 0)
		return -1;
	make_boundaries(message->message_id, &boundaries);

	if (message->attachments_len) {
		add_multipart(&out->own, "mixed", boundaries.mixed);
		add_delimiter(&out->own, boundaries.mixed);
	}
	add_letter(message, &boundaries, out, &own_from);
	if (message->attachments_len)
		add_attachments(message, boundaries.mixed, out, &own_from);
	add_own_piece(out, &own_from);
	if (out->own.full)
		return too_large(out, err);
	settle_pieces(out);
	return 0;
}

/* The last piece is always our own: what closes a multipart, or the text. */
int ch_composed_wrap(struct ch_composed *composed, size_t at,
		     struct ch_slice before, struct ch_slice behind,
		     struct ch_error *err)
{
	struct ch_str *own = &composed->own;
	const char *begin = own->data;
	struct iovec *last = &composed->pieces[composed->pieces_len - 1];
	size_t len = own->len;
	char *data;

	assert(composed->pieces_len > 0 && at <= composed->pieces[0].iov_len);
	for (size_t i = 0; i < composed->pieces_len; i++) {
		const char *base = composed->pieces[i].iov_base;

		if (base >= begin && base <= begin + len)
			composed->pieces[i].iov_base = NULL;
	}
	if (!ch_str_room(own, before.len + behind.len))
		return too_large(composed, err);
	data = own->data;
	memmove(data + at + before.len, data + at, len - at);
	memcpy(data + at, before.data, before.len);
	memcpy(data + before.len + len, behind.data, behind.len);
	ch_str_grew(own, before.len + behind.len);
	composed->pieces[0].iov_len += before.len;
	last->iov_len += behind.len;
	settle_pieces(composed);
	return 0;
}

void ch_composed_init(struct ch_composed *composed, size_t max_own_bytes)
{
	*composed = (struct ch_composed){ .own = CH_STR_INIT(max_own_bytes) };
}

void ch_composed_keep(struct ch_composed *composed,
		      struct ch_attachment *attachment)
{
	ch_attachment_free(composed->kept);
	composed->kept = attachment;
}

void ch_composed_release(struct ch_composed *composed)
{
	ch_attachment_free(composed->kept);
	ch_str_release(&composed->own);
	free(composed->pieces);
	ch_composed_init(composed, composed->own.max);
}
