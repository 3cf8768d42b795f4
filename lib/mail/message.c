// SPDX-License-Identifier: GPL-3.0-or-later
/* message.c - walk the parts of a mail and keep what matters here. */
#include "mail/message.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <gmime/gmime.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "mail/message-private.h"

#define ADDRESS_MAX 320
#define ID_MAX 998

/* What is looked at of one text or status part, decoded. */
#define PART_BYTES_MAX (256 * 1024)

struct walk {
	struct ch_message *message;  /* borrowed */
	GMimePart *plain;            /* borrowed: the text, as text */
	GMimePart *html;             /* borrowed: or as HTML */
};

static void set_fault(struct ch_message *message, const char *what)
{
	if (!message->fault[0])
		snprintf(message->fault, sizeof(message->fault), "%s", what);
}

/* ---- values of fields ------------------------------------------------- */

/* Valid UTF-8 in one line. */
static char *one_line(const char *text)
{
	CH_AUTO(ch_str) clean = CH_STR_INIT(CH_MESSAGE_FIELD_MAX);
	char *line;

	ch_escape_utf8(&clean, text, strnlen(text, clean.max / 3));
	line = ch_str_take(&clean);
	for (char *c = line; *c; c++)
		if (*c == '\r' || *c == '\n' || *c == '\t')
			*c = ' ';
	return line;
}

/* Where the next piece begins for gmime: behind an encoded-word whose base64
 * ends in padding, where another one follows. It decodes neighbours of one
 * charset as a single text, for those who cut characters in two, and drops all
 * that comes behind the first padding. NULL: there is none. */
static const char *piece_end(const char *value)
{
	const char *end = strstr(value, "=?=");

	while (end) {
		const char *next = end + 3;

		next += strspn(next, " \t\r\n");
		if (next > end + 3 && strncmp(next, "=?", 2) == 0)
			return end + 3;
		end = strstr(end + 3, "=?=");
	}
	return NULL;
}

/* Space between two encoded-words is no text (RFC 2047 section 6.2). */
static void decode_pieces(struct ch_str *out, const char *value)
{
	const char *end;

	for (; (end = piece_end(value));
	     value = end + strspn(end, " \t\r\n")) {
		CH_AUTOCHAR piece = ch_xstrndup(value, (size_t)(end - value));
		char *decoded = g_mime_utils_header_decode_text(NULL, piece);

		ch_str_add(out, decoded ? decoded : piece);
		g_free(decoded);
	}
	if (*value) {
		char *decoded = g_mime_utils_header_decode_text(NULL, value);

		ch_str_add(out, decoded ? decoded : value);
		g_free(decoded);
	}
}

char *ch_message_decode(const char *value)
{
	CH_AUTO(ch_str) decoded = CH_STR_INIT(4 * CH_MESSAGE_FIELD_MAX);

	if (ch_utf8_valid(value, strlen(value), NULL) && !strstr(value, "=?"))
		return one_line(value);
	g_mime_init();
	decode_pieces(&decoded, value);
	return one_line(ch_str_cstr(&decoded));
}

static bool ends_address(char c)
{
	return strchr(" \t<>,;:()[]\"\\@", c) != NULL; /* and the terminator */
}

/* The run of address characters around the "@" at `at`. */
static char *address_around(const char *value, const char *at)
{
	const char *from = at;
	const char *to = at + 1;

	/* A quoted local part is taken whole. */
	if (from > value && from[-1] == '"')
		for (from--; from > value && from[-1] != '"';)
			from--;
	if (from < at && from > value)
		from--;
	else
		for (from = at; from > value && !ends_address(from[-1]);)
			from--;
	while (!ends_address(*to))
		to++;
	if (from == at || to == at + 1 || to - from > ADDRESS_MAX)
		return NULL;
	return ch_xstrndup(from, (size_t)(to - from));
}

/* "<…>" is the address where there is one (RFC 5322 section 3.4), for a
 * display name may hold another. */
char *ch_message_address(const char *value)
{
	const char *angle = strrchr(value, '<');
	const char *start = angle && strchr(angle, '@') ? angle : value;
	char *found = NULL;
	char *clean;

	for (const char *at = strchr(start, '@'); at && !found;
	     at = strchr(at + 1, '@'))
		found = address_around(start, at);
	if (!found)
		return ch_xstrdup("");
	clean = one_line(found);
	free(found);
	return clean;
}

void ch_message_ids(const char *value, ch_message_id_found *each,
		    void *context)
{
	for (const char *lt = strchr(value, '<'); lt; lt = strchr(lt, '<')) {
		size_t len = strcspn(++lt, "<> \t");

		if (lt[len] == '>' && len && len <= ID_MAX)
			each(context, lt, len);
		lt += len;
	}
}

static void keep_reference(void *context, const char *id, size_t len)
{
	struct ch_message *message = context;

	if (message->references_len == CH_MESSAGE_IDS_MAX) {
		/* The last ones of References are the nearest. */
		free(message->references[0]);
		memmove(message->references, message->references + 1,
			(CH_MESSAGE_IDS_MAX - 1) *
				sizeof(*message->references));
		message->references_len--;
	}
	message->references[message->references_len++] = ch_xstrndup(id, len);
}

/* All of References as it stands, then In-Reply-To from its end, then turned
 * round: nearest first. */
static void read_references(struct ch_message *message)
{
	static const char *const names[] = { "References", "In-Reply-To" };

	message->references = ch_xcalloc(CH_MESSAGE_IDS_MAX,
					 sizeof(*message->references));
	for (size_t i = 0; i < CH_COUNT(names); i++) {
		const char *value;

		for (size_t at = 0;
		     (value = ch_block_next(&message->header, names[i], &at));)
			ch_message_ids(value, keep_reference, message);
	}
	for (size_t i = 0; i < message->references_len / 2; i++) {
		size_t j = message->references_len - 1 - i;
		char *other = message->references[i];

		message->references[i] = message->references[j];
		message->references[j] = other;
	}
}

static void first_id(void *context, const char *id, size_t len)
{
	char **ret = context;

	if (!*ret)
		*ret = ch_xstrndup(id, len);
}

static void read_header(struct ch_message *message, const struct ch_str *bytes)
{
	const char *value;

	ch_block_parse(&message->header, ch_str_cstr(bytes), bytes->len);
	value = ch_block_get(&message->header, "Subject");
	message->subject = ch_message_decode(value ? value : "");
	value = ch_block_get(&message->header, "From");
	if (!value)
		value = ch_block_get(&message->header, "Sender");
	message->from = ch_message_address(value ? value : "");
	value = ch_block_get(&message->header, "Message-ID");
	if (value)
		ch_message_ids(value, first_id, &message->message_id);
	if (!message->message_id)
		message->message_id = ch_xstrdup("");
	read_references(message);
}

/* ---- parts ------------------------------------------------------------ */

/* The decoded content of a part, at most `out`'s maximum of it. */
static void read_content(GMimePart *part, struct ch_str *out)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *stream;
	GByteArray *bytes;
	size_t len;

	if (!content)
		return;
	stream = g_mime_stream_mem_new();
	g_mime_data_wrapper_write_to_stream(content, stream);
	bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	len = bytes->len < out->max ? bytes->len : out->max;
	ch_str_add_mem(out, bytes->data, len);
	g_object_unref(stream);
}

static uint64_t content_size(GMimePart *part)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *stream;
	ssize_t size;

	if (!content)
		return 0;
	stream = g_mime_stream_null_new();
	size = g_mime_data_wrapper_write_to_stream(content, stream);
	g_object_unref(stream);
	return size < 0 ? 0 : (uint64_t)size;
}

static char *type_name(GMimeObject *object)
{
	GMimeContentType *type = g_mime_object_get_content_type(object);
	char *name = type ? g_mime_content_type_get_mime_type(type) : NULL;
	char *clean = one_line(name ? name : "text/plain");

	g_free(name);
	for (char *c = clean; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return clean;
}

static void add_file(struct ch_message *message, GMimeObject *object,
		     const char *type, uint64_t size_bytes)
{
	const char *name = NULL;

	if (message->files_len == CH_MESSAGE_FILES_MAX)
		return;
	if (GMIME_IS_PART(object))
		name = g_mime_part_get_filename(GMIME_PART(object));
	CH_GROW(message->files, message->files_len, message->files_cap);
	message->files[message->files_len++] = (struct ch_message_file){
		.name = one_line(name ? name : ""),
		.type = ch_xstrdup(type),
		.size_bytes = size_bytes,
	};
}

/* One group (RFC 3464 section 2.1). Empty ones stand where a mailer wrote a
 * blank line too many. */
static void add_group(struct ch_message *message, const char *bytes,
		      size_t len)
{
	struct ch_block block;

	ch_block_parse(&block, bytes, len);
	if (!block.len || message->delivery_len == CH_MESSAGE_GROUPS_MAX) {
		ch_block_release(&block);
		return;
	}
	CH_GROW(message->delivery, message->delivery_len,
		message->delivery_cap);
	message->delivery[message->delivery_len++] = block;
}

/* Where the group at `bytes` ends: at an empty line, or before a second
 * Final-Recipient where a mailer forgot it. */
static size_t group_len(const char *bytes, size_t len)
{
	static const char name[] = "Final-Recipient:";
	bool seen = false;
	size_t at = 0;

	while (at < len) {
		const char *lf = memchr(bytes + at, '\n', len - at);
		size_t end = lf ? (size_t)(lf - bytes) + 1 : len;
		size_t text = end - at;

		if (text >= sizeof(name) - 1 &&
		    strncasecmp(bytes + at, name, sizeof(name) - 1) == 0) {
			if (seen)
				return at;
			seen = true;
		}
		if (bytes[at] == '\n' || (text >= 2 && bytes[at] == '\r' &&
					  bytes[at + 1] == '\n'))
			return end;
		at = end;
	}
	return len;
}

static void read_delivery(struct ch_message *message, GMimePart *part)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(PART_BYTES_MAX);
	const char *at;
	size_t left;

	read_content(part, &bytes);
	at = ch_str_cstr(&bytes);
	for (left = bytes.len; left;) {
		size_t len = group_len(at, left);

		add_group(message, at, len);
		at += len;
		left -= len;
	}
}

/* The fields of a part that is one group; blank lines before it are passed
 * over. */
static bool read_block(struct ch_block *block, GMimePart *part)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(PART_BYTES_MAX);
	const char *text;
	size_t blank;

	read_content(part, &bytes);
	text = ch_str_cstr(&bytes);
	blank = strspn(text, "\r\n");
	ch_block_release(block);
	ch_block_parse(block, text + blank, bytes.len - blank);
	return block->len > 0;
}

/* ---- the message sent back -------------------------------------------- */

static void read_returned(struct ch_message *message, GMimeMessagePart *part)
{
	GMimeMessage *inner = g_mime_message_part_get_message(part);
	char *header;

	if (!inner || message->has_returned)
		return;
	header = g_mime_object_get_headers(GMIME_OBJECT(inner), NULL);
	ch_block_release(&message->returned);
	if (header)
		ch_block_parse(&message->returned, header, strlen(header));
	g_free(header);
	message->has_returned = message->returned.len > 0;
}

/* ---- the walk --------------------------------------------------------- */

static bool is_any(const char *type, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(type, *names) == 0)
			return true;
	return false;
}

/* Types with fields for machines (RFC 3464, 6533, 8098, 5965). Returns
 * whether it was one. */
static bool walk_report(struct ch_message *message, GMimePart *part,
			const char *type)
{
	static const char *const delivery[] = {
		"message/delivery-status", "message/global-delivery-status",
		NULL };
	static const char *const disposition[] = {
		"message/disposition-notification",
		"message/global-disposition-notification", NULL };
	static const char *const feedback[] = { "message/feedback-report",
						NULL };
	static const char *const headers[] = { "text/rfc822-headers",
					       "message/rfc822-headers",
					       "message/global-headers",
					       NULL };

	if (is_any(type, delivery))
		read_delivery(message, part);
	else if (is_any(type, disposition))
		message->has_disposition =
			read_block(&message->disposition, part);
	else if (is_any(type, feedback))
		message->has_feedback = read_block(&message->feedback, part);
	else if (is_any(type, headers) && !message->has_returned)
		message->has_returned = read_block(&message->returned, part);
	else
		return is_any(type, headers);
	return true;
}

static bool is_attached(GMimeObject *object)
{
	const char *how = g_mime_object_get_disposition(object);

	return how && strcasecmp(how, "attachment") == 0;
}

static void walk_part(struct walk *walk, GMimePart *part)
{
	GMimeObject *object = GMIME_OBJECT(part);
	CH_AUTOCHAR type = type_name(object);
	bool attached = is_attached(object);

	if (walk_report(walk->message, part, type))
		return;
	if (!attached && !walk->plain && strcmp(type, "text/plain") == 0)
		walk->plain = part;
	else if (!attached && !walk->html && strcmp(type, "text/html") == 0)
		walk->html = part;
	else if (attached || strncmp(type, "text/", 5) != 0 ||
		 g_mime_part_get_filename(part))
		add_file(walk->message, object, type, content_size(part));
}

/* A message inside: its header may be that of a letter of ours. It is not
 * looked into, for what it says it says about another mail. */
static void walk_message(struct walk *walk, GMimeMessagePart *part)
{
	struct ch_message *message = walk->message;

	read_returned(message, part);
	if (!message->delivery_len && !message->has_disposition &&
	    !message->has_feedback)
		add_file(message, GMIME_OBJECT(part), "message/rfc822", 0);
}

/* Depth is bounded by CH_MESSAGE_NESTED_MAX. */
static void walk_object(struct walk *walk, GMimeObject *object)
{
	if (GMIME_IS_MULTIPART(object)) {
		GMimeMultipart *multipart = GMIME_MULTIPART(object);
		int count = g_mime_multipart_get_count(multipart);

		for (int i = 0; i < count; i++)
			walk_object(walk,
				    g_mime_multipart_get_part(multipart, i));
	} else if (GMIME_IS_MESSAGE_PART(object)) {
		walk_message(walk, GMIME_MESSAGE_PART(object));
	} else if (GMIME_IS_PART(object)) {
		walk_part(walk, GMIME_PART(object));
	}
}

/* ---- the text --------------------------------------------------------- */

static void read_text(struct walk *walk)
{
	GMimePart *part = walk->plain ? walk->plain : walk->html;
	CH_AUTO(ch_str) bytes = CH_STR_INIT(PART_BYTES_MAX);
	CH_AUTO(ch_str) decoded = CH_STR_INIT(PART_BYTES_MAX);
	CH_AUTO(ch_str) text = CH_STR_INIT(CH_MESSAGE_TEXT_MAX);
	const char *charset;

	if (!part)
		return;
	charset = g_mime_object_get_content_type_parameter(GMIME_OBJECT(part),
							   "charset");
	read_content(part, &bytes);
	if (ch_text_decode(&decoded, ch_str_cstr(&bytes), bytes.len,
			   charset ? charset : "") < 0)
		set_fault(walk->message, "its charset is not known");
	if (part == walk->html)
		ch_text_from_html(&text, ch_str_cstr(&decoded), decoded.len);
	else
		ch_escape_utf8(&text, ch_str_cstr(&decoded),
			       decoded.len < text.max / 3 ? decoded.len
							  : text.max / 3);
	walk->message->text = ch_str_take(&text);
}

static GMimeMessage *parse(const struct ch_str *bytes)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(
		ch_str_cstr(bytes), bytes->len);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *parsed = g_mime_parser_construct_message(parser, NULL);

	g_object_unref(parser);
	g_object_unref(stream);
	return parsed;
}

static void read_parts(struct ch_message *message, const struct ch_str *bytes)
{
	struct walk walk = { .message = message };
	GMimeMessage *parsed = parse(bytes);
	GMimeObject *top = parsed ? g_mime_message_get_mime_part(parsed) : NULL;

	if (top) {
		message->type = type_name(top);
		walk_object(&walk, top);
		read_text(&walk);
	} else {
		set_fault(message, "it cannot be read as a mail");
		message->unreadable = true;
	}
	if (parsed)
		g_object_unref(parsed);
}

void ch_message_read(const char *bytes, size_t len, struct ch_message *ret)
{
	/* Cut lines get two bytes more, and each is over 64 KiB. */
	CH_AUTO(ch_str) limited = CH_STR_INIT(len + len / 1024 + 2);
	const char *over;

	g_mime_init();
	*ret = (struct ch_message){ 0 };
	over = ch_message_limit(bytes, len, &limited);
	if (over) {
		set_fault(ret, over);
		ret->unreadable = true;
	}
	read_header(ret, &limited);
	if (!ret->header.len && !over) {
		set_fault(ret, len ? "it has no header" : "it is empty");
		ret->unreadable = true;
	}
	read_parts(ret, &limited);
	if (!ret->text)
		ret->text = ch_xstrdup("");
	if (!ret->type)
		ret->type = ch_xstrdup("");
}

void ch_message_release(struct ch_message *message)
{
	for (size_t i = 0; i < message->references_len; i++)
		free(message->references[i]);
	for (size_t i = 0; i < message->files_len; i++) {
		free(message->files[i].name);
		free(message->files[i].type);
	}
	for (size_t i = 0; i < message->delivery_len; i++)
		ch_block_release(&message->delivery[i]);
	free(message->delivery);
	free(message->files);
	free(message->references);
	ch_block_release(&message->header);
	ch_block_release(&message->disposition);
	ch_block_release(&message->feedback);
	ch_block_release(&message->returned);
	free(message->subject);
	free(message->from);
	free(message->message_id);
	free(message->type);
	free(message->text);
	*message = (struct ch_message){ 0 };
}
