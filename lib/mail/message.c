// SPDX-License-Identifier: GPL-3.0-or-later
/* message.c - walk the parts of a mail and keep what matters here. */
#include "mail/message.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "mail/message-private.h"
#include "mail/mime-private.h"

#define ADDRESS_MAX 320
#define ID_MAX 998

/* What is looked at of one text or status part, decoded. */
#define STATUS_MAX 8192 /* looked at, for what it is */
#define PART_BYTES_MAX (256 * 1024)

struct walk {
	struct ch_message *message; /* borrowed */
	struct ch_str notice;
	bool has_plain; /* message->text is of a plain text */
	size_t looked;  /* bytes of texts and reports so far */
	const struct ch_message_source *source; /* borrowed */
	bool hashes; /* of what is attached */
};

/* What is attached, on its way. */
struct file_walk {
	struct ch_sha256_ctx sum;
	const struct ch_message_taker *taker; /* borrowed; NULL: nobody takes */
};

static void set_fault(struct ch_message *message, const char *what)
{
	if (!message->fault[0])
		snprintf(message->fault, sizeof(message->fault), "%s", what);
}

/* ---- values of fields ------------------------------------------------- */

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
	clean = ch_message_line(found);
	free(found);
	return clean;
}

void ch_message_ids(const char *value, ch_message_id_found *each, void *context)
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

	message->references =
	    ch_xcalloc(CH_MESSAGE_IDS_MAX, sizeof(*message->references));
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

/* Returns the bytes of the header. */
static size_t read_header(const struct ch_message_source *source,
			  struct ch_message *message)
{
	size_t header = ch_mime_header(&message->header, source->bytes,
				       source->len, source->passed);
	const char *value;

	if (message->header.over) {
		set_fault(message, message->header.over);
		message->unreadable = true;
	}
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
	return header;
}

/* ---- parts ------------------------------------------------------------ */

static char *file_name(const struct ch_mime_part *part)
{
	static const struct {
		const char *field, *name;
	} places[] = {
		{ "Content-Disposition", "filename" },
		{ "Content-Type", "name" },
	};

	for (size_t i = 0; i < CH_COUNT(places); i++) {
		const char *value = ch_block_get(part->header, places[i].field);
		CH_AUTOCHAR name =
		    value ? ch_mime_param(value, places[i].name) : NULL;

		if (name)
			return ch_message_line(name);
	}
	return NULL;
}

static void take_piece(void *context, const char *bytes, size_t len)
{
	struct file_walk *walk = context;

	ch_sha256_add(&walk->sum, bytes, len);
	if (walk->taker)
		walk->taker->piece(walk->taker->context, bytes, len);
}

/* Its size and, where that is asked for, its SHA-256 and all it has. */
static void read_file(const struct walk *walk, const struct ch_mime_part *part,
		      struct ch_message_file *file)
{
	const struct ch_message_taker *taker = walk->source->taker;
	struct file_walk pieces = { .taker = taker };

	if (!walk->hashes) {
		file->size_bytes = ch_mime_pieces(part, NULL, NULL);
		return;
	}
	if (taker)
		taker->begin(taker->context, file);
	ch_sha256_init(&pieces.sum);
	file->size_bytes = ch_mime_pieces(part, take_piece, &pieces);
	ch_sha256_final(&pieces.sum, &file->sha256);
	if (taker)
		taker->end(taker->context, file);
}

/* `name` is taken. */
static void add_file(const struct walk *walk, const struct ch_mime_part *part,
		     char *name)
{
	struct ch_message *message = walk->message;
	const char *end = walk->source->bytes + walk->source->len;
	struct ch_message_file *file;

	if (message->files_len == CH_MESSAGE_FILES_MAX) {
		set_fault(message, "more than 200 files are attached");
		free(name);
		return;
	}
	CH_GROW(message->files, message->files_len, message->files_cap);
	file = &message->files[message->files_len++];
	*file = (struct ch_message_file){
		.name = name ? name : ch_xstrdup(""),
		.type = ch_message_line(part->type),
		/* a line end before a boundary is the boundary's */
		.at_end = end - (part->body.data + part->body.len) <= 2,
	};
	read_file(walk, part, file);
}

/* One group (RFC 3464 section 2.1). Empty ones stand where a mailer wrote a
 * blank line too many. */
static void add_group(struct ch_message *message, const char *bytes, size_t len)
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
		if (bytes[at] == '\n' ||
		    (text >= 2 && bytes[at] == '\r' && bytes[at + 1] == '\n'))
			return end;
		at = end;
	}
	return len;
}

static void read_delivery(struct ch_message *message,
			  const struct ch_mime_part *part)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(PART_BYTES_MAX);
	const char *at;
	size_t left;

	ch_mime_decode(&bytes, part);
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
static bool read_block(struct ch_block *block, const struct ch_mime_part *part)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(PART_BYTES_MAX);
	const char *text;
	size_t blank;

	ch_mime_decode(&bytes, part);
	text = ch_str_cstr(&bytes);
	blank = strspn(text, "\r\n");
	ch_block_release(block);
	ch_block_parse(block, text + blank, bytes.len - blank);
	return block->len > 0;
}

/* ---- reports ---------------------------------------------------------- */

enum report { NO_REPORT, DELIVERY, DISPOSITION, FEEDBACK, HEADERS };

/* Types with fields for machines (RFC 3464, 6533, 8098, 5965). */
static enum report report_type(const char *type)
{
	static const struct {
		const char *type;
		enum report report;
	} types[] = {
		{ "message/delivery-status", DELIVERY },
		{ "message/global-delivery-status", DELIVERY },
		{ "message/disposition-notification", DISPOSITION },
		{ "message/global-disposition-notification", DISPOSITION },
		{ "message/feedback-report", FEEDBACK },
		{ "text/rfc822-headers", HEADERS },
		{ "message/rfc822-headers", HEADERS },
		{ "message/global-headers", HEADERS },
	};

	for (size_t i = 0; i < CH_COUNT(types); i++)
		if (strcmp(type, types[i].type) == 0)
			return types[i].report;
	return NO_REPORT;
}

static void read_report(struct ch_message *message,
			const struct ch_mime_part *part, enum report report)
{
	if (report == DELIVERY)
		read_delivery(message, part);
	if (report == DISPOSITION)
		message->has_disposition =
		    read_block(&message->disposition, part);
	if (report == FEEDBACK)
		message->has_feedback = read_block(&message->feedback, part);
	if (report == HEADERS && !message->has_returned)
		message->has_returned = read_block(&message->returned, part);
}

/* Whether `most` bytes of it are still looked at: a mail may be as long as it
 * likes, and what it says stands at its beginning. */
static bool has_turn(struct walk *walk, const struct ch_mime_part *part,
		     size_t most)
{
	size_t len = part->body.len;

	if (walk->looked >= CH_MESSAGE_LOOK_MAX)
		return false;
	walk->looked += len < most ? len : most;
	return true;
}

/* ---- the text --------------------------------------------------------- */

/* The text of a part as UTF-8, HTML without its markup. */
static void read_text(struct walk *walk, const struct ch_mime_part *part,
		      bool html, struct ch_str *out)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(PART_BYTES_MAX);
	CH_AUTO(ch_str) decoded = CH_STR_INIT(PART_BYTES_MAX);
	const char *type = ch_block_get(part->header, "Content-Type");
	CH_AUTOCHAR charset = ch_mime_param(type ? type : "", "charset");
	size_t len;

	ch_mime_decode(&bytes, part);
	if (ch_text_decode(&decoded, ch_str_cstr(&bytes), bytes.len,
			   charset ? charset : "") < 0)
		set_fault(walk->message, "its charset is not known");
	len = decoded.len;
	if (html) {
		ch_text_from_html(out, ch_str_cstr(&decoded), len);
		return;
	}
	if (len > out->max)
		for (len = out->max;
		     len && ((unsigned char)decoded.data[len] & 0xC0) == 0x80;)
			len--;
	ch_str_add_mem(out, ch_str_cstr(&decoded), len);
}

static void add_notice(struct walk *walk, const struct ch_str *text)
{
	size_t room = walk->notice.max - walk->notice.len;
	size_t len = text->len;

	if (room < 2)
		return;
	if (len >= room)
		for (len = room - 1;
		     len && ((unsigned char)text->data[len] & 0xC0) == 0x80;)
			len--;
	ch_str_add_mem(&walk->notice, ch_str_cstr(text), len);
	ch_str_add_char(&walk->notice, '\n');
}

/* The first plain text is what the mail says, or else the first HTML. Returns
 * whether this is it so far. */
static bool walk_text(struct walk *walk, const struct ch_mime_part *part,
		      bool html)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(CH_MESSAGE_TEXT_MAX);
	struct ch_message *message = walk->message;
	bool said = message->text && (html || walk->has_plain);

	if (said && walk->notice.max - walk->notice.len < 2)
		return false;
	read_text(walk, part, html, &text);
	add_notice(walk, &text);
	if (said)
		return false;
	free(message->text);
	message->text = ch_xstrdup(ch_str_cstr(&text));
	walk->has_plain = !html;
	return true;
}

/* ---- the walk --------------------------------------------------------- */

static bool is_message(const char *type)
{
	return strcmp(type, "message/rfc822") == 0 ||
	       strcmp(type, "message/global") == 0 ||
	       strcmp(type, "message/news") == 0;
}

/* A message inside: its header may be that of a letter of ours. It is not
 * looked into, for what it says it says about another mail. */
static void walk_message(struct walk *walk, const struct ch_mime_part *part)
{
	struct ch_message *message = walk->message;

	if (!message->has_returned) {
		message->has_returned = read_block(&message->returned, part);
		if (ch_mime_is_plain(part))
			message->returned_bytes = part->body;
	}
	if (!message->delivery_len && !message->has_disposition &&
	    !message->has_feedback)
		add_file(walk, part, file_name(part));
}

/* A part behind the text that has the fields of a delivery status under another
 * type: gateways and archives make text/plain of what they do not know. */
static bool is_status(const struct walk *walk, const struct ch_mime_part *part)
{
	static const char *const first[] = {
		"Reporting-MTA:",    "Original-Envelope-Id:",
		"Received-From-MTA:", "Arrival-Date:",
		"Final-Recipient:",  "Original-Recipient:",
	};
	CH_AUTO(ch_str) bytes = CH_STR_INIT(STATUS_MAX);
	const char *text;
	bool begins = false;

	if (!walk->has_plain || walk->message->delivery_len)
		return false;
	ch_mime_decode(&bytes, part);
	text = ch_str_cstr(&bytes);
	text += strspn(text, "\r\n");
	for (size_t i = 0; i < CH_COUNT(first) && !begins; i++)
		begins = strncasecmp(text, first[i], strlen(first[i])) == 0;
	return begins && strcasestr(text, "Final-Recipient:") &&
	       strcasestr(text, "\nAction:");
}

/* A text that is shown, or a status. Returns whether it is that. */
static bool walk_words(struct walk *walk, const struct ch_mime_part *part)
{
	bool html = strcmp(part->type, "text/html") == 0;

	if (!html && has_turn(walk, part, STATUS_MAX) && is_status(walk, part)) {
		read_delivery(walk->message, part);
		return true;
	}
	if (part->attached)
		return false;
	if (has_turn(walk, part, PART_BYTES_MAX))
		return walk_text(walk, part, html);
	set_fault(walk->message, "more than 8 MiB of text");
	return false;
}

static void walk_part(void *context, const struct ch_mime_part *part)
{
	struct walk *walk = context;
	enum report report = report_type(part->type);
	bool text = strcmp(part->type, "text/html") == 0 ||
		    strcmp(part->type, "text/plain") == 0;
	CH_AUTOCHAR name = NULL;

	if (is_message(part->type)) {
		walk_message(walk, part);
		return;
	}
	if (report != NO_REPORT) {
		if (has_turn(walk, part, PART_BYTES_MAX))
			read_report(walk->message, part, report);
		return;
	}
	if (text && walk_words(walk, part))
		return;
	name = file_name(part);
	if (part->attached || strncmp(part->type, "text/", 5) != 0 || name)
		add_file(walk, part, CH_TAKE(name));
}

static void read_parts(struct walk *walk, struct ch_slice body)
{
	struct ch_message *message = walk->message;
	char type[CH_MIME_TYPE_SIZE];
	const char *flaw;
	const char *over =
	    ch_mime_walk(&message->header, body, walk->source->passed,
			 walk_part, walk, &flaw);

	if (over) {
		set_fault(message, over);
		message->unreadable = true;
	} else if (flaw) {
		set_fault(message, flaw);
	}
	ch_mime_type(&message->header, type);
	message->type = ch_message_line(type);
	message->notice = ch_xstrdup(ch_str_cstr(&walk->notice));
	ch_str_release(&walk->notice);
	if (!message->text)
		message->text = ch_xstrdup("");
}

static void read_mail(const struct ch_message_source *source, bool hashes,
		      struct ch_message *message)
{
	struct walk walk = { .message = message, .source = source,
			     .hashes = hashes };
	const char *bytes = source->bytes;
	size_t len = source->len;
	size_t header;

	*message = (struct ch_message){ 0 };
	ch_str_init(&walk.notice, CH_MESSAGE_TEXT_MAX);
	header = read_header(source, message);
	if (!message->header.len) {
		set_fault(message, len ? "it has no header" : "it is empty");
		message->unreadable = true;
	}
	read_parts(&walk, (struct ch_slice){ bytes + header, len - header });
}

void ch_message_read(const char *bytes, size_t len, struct ch_message *ret)
{
	const struct ch_message_source source = { .bytes = bytes, .len = len };

	read_mail(&source, false, ret);
}

void ch_message_read_files(const struct ch_message_source *source,
			   struct ch_message *ret)
{
	read_mail(source, true, ret);
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
	free(message->notice);
	*message = (struct ch_message){ 0 };
}
