// SPDX-License-Identifier: GPL-3.0-or-later
/* messages.c - one table of fields per message, one writer and one reader.
 *
 * On the wire: integers little-endian in their own width, a flag or enum as u32
 * (checked against its largest value), a string as u32 length and bytes, a
 * digest as 32 bytes, a list as u32 count and its elements. No field is
 * optional and none is skipped: what does not end exactly at the payload's end
 * is no message.
 */
#include "wire/messages.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum kind { U32, U64, I64, TEXT, DIGEST, LIST, NESTED };

struct field {
	enum kind kind;
	size_t offset;
	uint32_t max;        /* U32: largest value; 0: any */
	size_t len_offset;   /* LIST: of the uint32_t count */
	size_t size;         /* LIST: of one element */
	const struct field *members; /* LIST, NESTED */
	uint32_t min_bytes;  /* LIST: least bytes of one element on the wire */
};

/* Tables end in a field of size_t offset END. */
#define END ((size_t)-1)
#define F_END { .offset = END }
#define F_U32(s, f) { .kind = U32, .offset = offsetof(struct s, f) }
#define F_MAX(s, f, m) \
	{ .kind = U32, .offset = offsetof(struct s, f), .max = (m) }
#define F_U64(s, f) { .kind = U64, .offset = offsetof(struct s, f) }
#define F_I64(s, f) { .kind = I64, .offset = offsetof(struct s, f) }
#define F_TEXT(s, f) { .kind = TEXT, .offset = offsetof(struct s, f) }
#define F_DIGEST(s, f) { .kind = DIGEST, .offset = offsetof(struct s, f) }
#define F_NESTED(s, f, t) \
	{ .kind = NESTED, .offset = offsetof(struct s, f), .members = (t) }
#define F_LIST(s, f, n, t, least)                                      \
	{ .kind = LIST, .offset = offsetof(struct s, f),               \
	  .len_offset = offsetof(struct s, n),                         \
	  .size = sizeof(*((struct s *)0)->f), .members = (t),         \
	  .min_bytes = (least) }

/* ---- the tables --------------------------------------------------------- */

static const struct field text_list[] = {
	{ .kind = TEXT, .offset = 0 },
	F_END
};

static const struct field peer_setup[] = {
	F_TEXT(ch_peer_setup, name),
	F_TEXT(ch_peer_setup, host),
	F_MAX(ch_peer_setup, port, 65535),
	F_MAX(ch_peer_setup, tls, CH_TLS_IMPLICIT),
	F_TEXT(ch_peer_setup, ca_file),
	F_TEXT(ch_peer_setup, fingerprint),
	F_TEXT(ch_peer_setup, source),
	F_MAX(ch_peer_setup, auth, CH_AUTH_OAUTHBEARER),
	F_TEXT(ch_peer_setup, user),
	F_TEXT(ch_peer_setup, password_file),
	F_TEXT(ch_peer_setup, password),
	F_U32(ch_peer_setup, password_number),
	F_MAX(ch_peer_setup, connect_timeout_ms, INT32_MAX),
	F_MAX(ch_peer_setup, command_timeout_ms, INT32_MAX),
	F_END
};

static const struct field dkim_setup[] = {
	F_TEXT(ch_dkim_setup, domain),
	F_TEXT(ch_dkim_setup, selector),
	F_TEXT(ch_dkim_setup, key),
	F_END
};

static const struct field send_setup[] = {
	F_NESTED(ch_send_setup, relay, peer_setup),
	F_TEXT(ch_send_setup, helo),
	F_MAX(ch_send_setup, data_timeout_ms, INT32_MAX),
	F_MAX(ch_send_setup, dot_timeout_ms, INT32_MAX),
	F_MAX(ch_send_setup, attempt_timeout_ms, INT32_MAX),
	F_MAX(ch_send_setup, idle_timeout_ms, INT32_MAX),
	F_U32(ch_send_setup, letters_per_connection),
	F_MAX(ch_send_setup, lines, CH_SEND_LINES_MAX),
	F_MAX(ch_send_setup, dsn, 1),
	F_MAX(ch_send_setup, dsn_success, 1),
	F_MAX(ch_send_setup, chunking, 1),
	F_MAX(ch_send_setup, smtputf8, 1),
	F_TEXT(ch_send_setup, objects_dir),
	F_LIST(ch_send_setup, dkim, dkim_len, dkim_setup, 12),
	F_END
};

static const struct field batch_file[] = {
	F_TEXT(ch_batch_file, role),
	F_TEXT(ch_batch_file, name),
	F_DIGEST(ch_batch_file, sha256),
	F_U64(ch_batch_file, size_bytes),
	F_END
};

static const struct field send_batch[] = {
	F_I64(ch_send_batch, batch_id),
	F_TEXT(ch_send_batch, reference),
	F_TEXT(ch_send_batch, deadline),
	F_TEXT(ch_send_batch, from),
	F_TEXT(ch_send_batch, reply_to),
	F_TEXT(ch_send_batch, test_to),
	F_TEXT(ch_send_batch, smime_key),
	F_TEXT(ch_send_batch, smime_certificate),
	F_TEXT(ch_send_batch, smime_password),
	F_LIST(ch_send_batch, files, files_len, batch_file, 48),
	F_END
};

static const struct field send_address[] = {
	F_U32(ch_send_address, seq),
	F_MAX(ch_send_address, role, 2),
	F_MAX(ch_send_address, pending, 1),
	F_TEXT(ch_send_address, address),
	F_END
};

static const struct field send_letter[] = {
	F_MAX(ch_send_letter, line, CH_SEND_LINES_MAX - 1),
	F_I64(ch_send_letter, letter_id),
	F_I64(ch_send_letter, batch_id),
	F_U32(ch_send_letter, attempt),
	F_U32(ch_send_letter, faults),
	F_MAX(ch_send_letter, anew, 1),
	F_TEXT(ch_send_letter, key),
	F_TEXT(ch_send_letter, language),
	F_TEXT(ch_send_letter, fields),
	F_TEXT(ch_send_letter, message_id),
	F_I64(ch_send_letter, date_us),
	F_TEXT(ch_send_letter, envelope_from),
	F_TEXT(ch_send_letter, envelope_id),
	F_TEXT(ch_send_letter, sha256),
	F_TEXT(ch_send_letter, signature),
	F_TEXT(ch_send_letter, dkim),
	F_TEXT(ch_send_letter, journal),
	F_LIST(ch_send_letter, addresses, addresses_len, send_address, 16),
	F_END
};

static const struct field send_ready[] = {
	F_MAX(ch_send_ready, line, CH_SEND_LINES_MAX - 1),
	F_U32(ch_send_ready, want),
	F_END
};

static const struct field seq_list[] = {
	{ .kind = U32, .offset = 0 },
	F_END
};

static const struct field send_dot[] = {
	F_MAX(ch_send_dot, line, CH_SEND_LINES_MAX - 1),
	F_I64(ch_send_dot, letter_id),
	F_U32(ch_send_dot, attempt),
	F_DIGEST(ch_send_dot, sha256),
	F_U64(ch_send_dot, size_bytes),
	F_LIST(ch_send_dot, seqs, seqs_len, seq_list, 4),
	F_TEXT(ch_send_dot, signature),
	F_TEXT(ch_send_dot, dkim),
	F_TEXT(ch_send_dot, notes),
	F_END
};

static const struct field send_go[] = {
	F_MAX(ch_send_go, line, CH_SEND_LINES_MAX - 1),
	F_I64(ch_send_go, letter_id),
	F_U32(ch_send_go, attempt),
	F_MAX(ch_send_go, go, 1),
	F_END
};

static const struct field send_address_result[] = {
	F_U32(ch_send_address_result, seq),
	F_MAX(ch_send_address_result, outcome, CH_OUTCOME_HELD),
	F_MAX(ch_send_address_result, code, 9999),
	F_TEXT(ch_send_address_result, status),
	F_TEXT(ch_send_address_result, reply),
	F_END
};

static const struct field send_result[] = {
	F_MAX(ch_send_result, line, CH_SEND_LINES_MAX - 1),
	F_I64(ch_send_result, letter_id),
	F_U32(ch_send_result, attempt),
	F_LIST(ch_send_result, results, results_len, send_address_result, 20),
	F_TEXT(ch_send_result, notes),
	F_MAX(ch_send_result, journal, CH_JOURNAL_REFUSED),
	F_U32(ch_send_result, journal_code),
	F_TEXT(ch_send_result, journal_reply),
	F_END
};

static const struct field send_connected[] = {
	F_MAX(ch_send_connected, line, CH_SEND_LINES_MAX - 1),
	F_TEXT(ch_send_connected, opening),
	F_END
};

static const struct field send_recall[] = {
	F_MAX(ch_send_recall, line, CH_SEND_LINES_MAX - 1),
	F_I64(ch_send_recall, letter_id),
	F_U32(ch_send_recall, attempt),
	F_END
};

static const struct field send_password[] = {
	F_TEXT(ch_send_password, password),
	F_U32(ch_send_password, number),
	F_END
};

static const struct field send_fault[] = {
	F_MAX(ch_send_fault, line, CH_SEND_LINES_MAX - 1),
	F_MAX(ch_send_fault, fault, CH_FAULT_SETUP),
	F_MAX(ch_send_fault, code, 9999),
	F_U32(ch_send_fault, password_number),
	F_TEXT(ch_send_fault, text),
	F_END
};

static const struct field import_start[] = {
	F_TEXT(ch_import_start, spool_dir),
	F_TEXT(ch_import_start, objects_dir),
	F_LIST(ch_import_start, recipients, recipients_len, text_list, 4),
	F_TEXT(ch_import_start, reference),
	F_TEXT(ch_import_start, deadline),
	F_TEXT(ch_import_start, charset),
	F_TEXT(ch_import_start, sheet),
	F_TEXT(ch_import_start, fallback_language),
	F_TEXT(ch_import_start, from),
	F_TEXT(ch_import_start, reply_to),
	F_TEXT(ch_import_start, test_to),
	F_TEXT(ch_import_start, message_id_domain),
	F_I64(ch_import_start, date_us),
	F_U64(ch_import_start, max_message_bytes),
	F_U64(ch_import_start, max_recipients),
	F_MAX(ch_import_start, smtputf8, 1),
	F_END
};

static const struct field import_file[] = {
	F_NESTED(ch_import_file, file, batch_file),
	F_END
};

static const struct field import_address[] = {
	F_MAX(ch_import_address, role, 1),
	F_TEXT(ch_import_address, address),
	F_END
};

static const struct field import_letter[] = {
	F_TEXT(ch_import_letter, key),
	F_TEXT(ch_import_letter, name),
	F_TEXT(ch_import_letter, language),
	F_TEXT(ch_import_letter, fields),
	F_TEXT(ch_import_letter, message_id),
	F_LIST(ch_import_letter, addresses, addresses_len, import_address, 8),
	F_END
};

static const struct field import_problem[] = {
	F_MAX(ch_import_problem, kind, 1),
	F_TEXT(ch_import_problem, file),
	F_U32(ch_import_problem, line),
	F_U32(ch_import_problem, column),
	F_TEXT(ch_import_problem, field),
	F_TEXT(ch_import_problem, text),
	F_TEXT(ch_import_problem, hint),
	F_END
};

static const struct field import_done[] = {
	F_U64(ch_import_done, letters),
	F_U64(ch_import_done, errors),
	F_U64(ch_import_done, warnings),
	F_U64(ch_import_done, largest_bytes),
	F_DIGEST(ch_import_done, digest),
	F_TEXT(ch_import_done, subject),
	F_TEXT(ch_import_done, summary),
	F_END
};

static const struct field receive_setup[] = {
	F_NESTED(ch_receive_setup, mailbox, peer_setup),
	F_TEXT(ch_receive_setup, folder),
	F_MAX(ch_receive_setup, poll_interval_ms, INT32_MAX),
	F_MAX(ch_receive_setup, idle_max_ms, INT32_MAX),
	F_U64(ch_receive_setup, max_message_bytes),
	F_TEXT(ch_receive_setup, objects_dir),
	F_TEXT(ch_receive_setup, token_prefix),
	F_TEXT(ch_receive_setup, token_domain),
	F_TEXT(ch_receive_setup, journal_prefix),
	F_TEXT(ch_receive_setup, journal_domain),
	F_U32(ch_receive_setup, uidvalidity),
	F_U32(ch_receive_setup, last_uid),
	F_U32(ch_receive_setup, singly_validity),
	F_U32(ch_receive_setup, singly_to),
	F_TEXT(ch_receive_setup, move_reports),
	F_TEXT(ch_receive_setup, move_autoreplies),
	F_TEXT(ch_receive_setup, move_answers),
	F_TEXT(ch_receive_setup, keyword),
	F_END
};

static const struct field receive_ack[] = {
	F_U32(ch_receive_ack, uidvalidity),
	F_U32(ch_receive_ack, uid),
	F_MAX(ch_receive_ack, unknown, 1),
	F_MAX(ch_receive_ack, seen, 1),
	F_END
};

static const struct field receive_state[] = {
	F_MAX(ch_receive_state, connected, 1),
	F_MAX(ch_receive_state, fault, CH_FAULT_SETUP),
	F_U32(ch_receive_state, uidvalidity),
	F_U32(ch_receive_state, reading),
	F_U32(ch_receive_state, reading_to),
	F_TEXT(ch_receive_state, text),
	F_END
};

static const struct field returned_recipient[] = {
	F_MAX(ch_returned_recipient, kind, CH_RETURN_OTHER),
	F_TEXT(ch_returned_recipient, address),
	F_TEXT(ch_returned_recipient, status),
	F_TEXT(ch_returned_recipient, diagnostic),
	F_TEXT(ch_returned_recipient, reason),
	F_END
};

static const struct field returned_file[] = {
	F_TEXT(ch_returned_file, name),
	F_TEXT(ch_returned_file, type),
	F_U64(ch_returned_file, size_bytes),
	F_MAX(ch_returned_file, whole, 1),
	F_DIGEST(ch_returned_file, sha256),
	F_END
};

static const struct field receive_copy[] = {
	F_U32(ch_receive_copy, uidvalidity),
	F_U32(ch_receive_copy, uid),
	F_TEXT(ch_receive_copy, token),
	F_TEXT(ch_receive_copy, message_id),
	F_END
};

static const struct field receive_mail[] = {
	F_U32(ch_receive_mail, uidvalidity),
	F_U32(ch_receive_mail, uid),
	F_U64(ch_receive_mail, size_bytes),
	F_DIGEST(ch_receive_mail, sha256),
	F_I64(ch_receive_mail, received_us),
	F_MAX(ch_receive_mail, kind, CH_RETURN_OTHER),
	F_TEXT(ch_receive_mail, rule),
	F_TEXT(ch_receive_mail, fault),
	F_TEXT(ch_receive_mail, message_id),
	F_TEXT(ch_receive_mail, from),
	F_TEXT(ch_receive_mail, subject),
	F_TEXT(ch_receive_mail, token),
	F_TEXT(ch_receive_mail, envelope_id),
	F_LIST(ch_receive_mail, references, references_len, text_list, 4),
	F_TEXT(ch_receive_mail, text),
	F_TEXT(ch_receive_mail, says),
	F_TEXT(ch_receive_mail, away_until),
	F_U32(ch_receive_mail, attachments),
	F_LIST(ch_receive_mail, files, files_len, returned_file, 52),
	F_LIST(ch_receive_mail, recipients, recipients_len,
	       returned_recipient, 20),
	F_END
};

static const struct field alarm_mail[] = {
	F_TEXT(ch_alarm_mail, from),
	F_TEXT(ch_alarm_mail, envelope_from),
	F_LIST(ch_alarm_mail, to, to_len, text_list, 4),
	F_TEXT(ch_alarm_mail, message_id),
	F_I64(ch_alarm_mail, date_us),
	F_TEXT(ch_alarm_mail, subject),
	F_TEXT(ch_alarm_mail, text),
	F_END
};

static const struct field alarm_result[] = {
	F_MAX(ch_alarm_result, sent, 1),
	F_TEXT(ch_alarm_result, text),
	F_LIST(ch_alarm_result, results, results_len, send_address_result,
	       20),
	F_END
};

static const struct field nothing[] = { F_END };

static const struct {
	const char *name;
	const struct field *fields;
	size_t size;
} messages[CH_MSG_TYPES] = {
#define M(type, name, s, t) [type] = { (name), (t), sizeof(struct s) }
	[CH_MSG_STOP] = { "stop", nothing, 0 },
	M(CH_MSG_SEND_SETUP, "send-setup", ch_send_setup, send_setup),
	M(CH_MSG_SEND_BATCH, "send-batch", ch_send_batch, send_batch),
	M(CH_MSG_SEND_LETTER, "send-letter", ch_send_letter, send_letter),
	M(CH_MSG_SEND_GO, "send-go", ch_send_go, send_go),
	M(CH_MSG_SEND_PASSWORD, "send-password", ch_send_password,
	  send_password),
	M(CH_MSG_SEND_RECALL, "send-recall", ch_send_recall, send_recall),
	M(CH_MSG_SEND_READY, "send-ready", ch_send_ready, send_ready),
	M(CH_MSG_SEND_DOT, "send-dot", ch_send_dot, send_dot),
	M(CH_MSG_SEND_RESULT, "send-result", ch_send_result, send_result),
	M(CH_MSG_SEND_FAULT, "send-fault", ch_send_fault, send_fault),
	M(CH_MSG_SEND_CONNECTED, "send-connected", ch_send_connected,
	  send_connected),
	M(CH_MSG_SEND_RECALLED, "send-recalled", ch_send_recall, send_recall),
	M(CH_MSG_IMPORT_START, "import-start", ch_import_start, import_start),
	M(CH_MSG_IMPORT_FILE, "import-file", ch_import_file, import_file),
	M(CH_MSG_IMPORT_LETTER, "import-letter", ch_import_letter,
	  import_letter),
	M(CH_MSG_IMPORT_PROBLEM, "import-problem", ch_import_problem,
	  import_problem),
	M(CH_MSG_IMPORT_DONE, "import-done", ch_import_done, import_done),
	M(CH_MSG_RECEIVE_SETUP, "receive-setup", ch_receive_setup,
	  receive_setup),
	M(CH_MSG_RECEIVE_ACK, "receive-ack", ch_receive_ack, receive_ack),
	M(CH_MSG_RECEIVE_STATE, "receive-state", ch_receive_state,
	  receive_state),
	M(CH_MSG_RECEIVE_MAIL, "receive-mail", ch_receive_mail, receive_mail),
	M(CH_MSG_RECEIVE_COPY, "receive-copy", ch_receive_copy, receive_copy),
	M(CH_MSG_ALARM_MAIL, "alarm-mail", ch_alarm_mail, alarm_mail),
	M(CH_MSG_ALARM_RESULT, "alarm-result", ch_alarm_result, alarm_result),
#undef M
};

const char *ch_message_name(unsigned int type)
{
	if (type >= CH_MSG_TYPES || !messages[type].name)
		return "unknown";
	return messages[type].name;
}

/* ---- arena -------------------------------------------------------------- */

struct block {
	struct block *next;
	max_align_t bytes[];
};

void *ch_arena_alloc(struct ch_arena *arena, size_t size_bytes)
{
	struct block *block = ch_xcalloc(1, sizeof(*block) + size_bytes);

	block->next = arena->blocks;
	arena->blocks = block;
	return block->bytes;
}

void ch_arena_release(struct ch_arena *arena)
{
	struct block *block = arena->blocks;

	while (block) {
		struct block *next = block->next;

		free(block);
		block = next;
	}
	arena->blocks = NULL;
}

/* ---- writing ------------------------------------------------------------ */

static void put_int(struct ch_str *out, uint64_t value, size_t bytes)
{
	char wire[8];

	for (size_t i = 0; i < bytes; i++)
		wire[i] = (char)(value >> (8 * i) & 0xFF);
	ch_str_add_mem(out, wire, bytes);
}

static void put_fields(struct ch_str *out, const struct field *fields,
		       const char *base);

static void put_list(struct ch_str *out, const struct field *f,
		     const char *base)
{
	uint32_t count;
	const char *items;

	memcpy(&count, base + f->len_offset, sizeof(count));
	memcpy(&items, base + f->offset, sizeof(items));
	put_int(out, count, 4);
	for (uint32_t i = 0; i < count; i++)
		put_fields(out, f->members, items + i * f->size);
}

static void put_field(struct ch_str *out, const struct field *f,
		      const char *base)
{
	const char *at = base + f->offset;
	struct ch_slice text;
	uint32_t u32;
	uint64_t u64;

	switch (f->kind) {
	case U32:
		memcpy(&u32, at, sizeof(u32));
		put_int(out, u32, 4);
		break;
	case U64:
	case I64:
		memcpy(&u64, at, sizeof(u64));
		put_int(out, u64, 8);
		break;
	case TEXT:
		memcpy(&text, at, sizeof(text));
		put_int(out, text.len, 4);
		ch_str_add_mem(out, text.data, text.len);
		break;
	case DIGEST:
		ch_str_add_mem(out, at, CH_SHA256_SIZE);
		break;
	case LIST:
		put_list(out, f, base);
		break;
	case NESTED:
		put_fields(out, f->members, at);
		break;
	}
}

static void put_fields(struct ch_str *out, const struct field *fields,
		       const char *base)
{
	for (; fields->offset != END; fields++)
		put_field(out, fields, base);
}

int ch_message_put(struct ch_channel *channel, enum ch_message_type type,
		   const void *message, struct ch_error *err)
{
	struct ch_str *out = &channel->out;
	size_t start = out->len;
	size_t length;

	put_int(out, 0, 4);
	put_int(out, type, 2);
	put_int(out, CH_WIRE_VERSION, 2);
	put_fields(out, messages[type].fields, message);
	length = out->len - start - 4;
	if (out->full || length > CH_FRAME_MAX) {
		out->full = false;
		ch_str_truncate(out, start);
		return ch_error_set(err, CH_GIVE_UP,
				    "a %s message is too long",
				    ch_message_name(type));
	}
	for (size_t i = 0; i < 4; i++)
		out->data[start + i] = (char)(length >> (8 * i) & 0xFF);
	return 0;
}

/* ---- reading ------------------------------------------------------------ */

struct reader {
	const char *at;
	size_t left;
	struct ch_arena *arena;
};

static int take_int(struct reader *reader, size_t bytes, uint64_t *ret)
{
	uint64_t value = 0;

	if (reader->left < bytes)
		return -1;
	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)(unsigned char)reader->at[i] << (8 * i);
	reader->at += bytes;
	reader->left -= bytes;
	*ret = value;
	return 0;
}

static int take_bytes(struct reader *reader, size_t len, const char **ret)
{
	if (reader->left < len)
		return -1;
	*ret = reader->at;
	reader->at += len;
	reader->left -= len;
	return 0;
}

static int take_fields(struct reader *reader, const struct field *fields,
		       char *base);

/* The count is checked against what is left before memory is taken for it. */
static int take_list(struct reader *reader, const struct field *f, char *base)
{
	uint64_t wide;
	uint32_t count;
	char *items;

	if (take_int(reader, 4, &wide) < 0 ||
	    wide > reader->left / f->min_bytes)
		return -1;
	count = (uint32_t)wide;
	items = ch_arena_alloc(reader->arena, count * f->size);
	memcpy(base + f->len_offset, &count, sizeof(count));
	memcpy(base + f->offset, &items, sizeof(items));
	for (uint32_t i = 0; i < count; i++)
		if (take_fields(reader, f->members, items + i * f->size) < 0)
			return -1;
	return 0;
}

static int take_text(struct reader *reader, char *at)
{
	struct ch_slice text = CH_SLICE_EMPTY;
	uint64_t len;

	if (take_int(reader, 4, &len) < 0 ||
	    take_bytes(reader, len, &text.data) < 0)
		return -1;
	text.len = len;
	memcpy(at, &text, sizeof(text));
	return 0;
}

static int take_field(struct reader *reader, const struct field *f,
		      char *base)
{
	char *at = base + f->offset;
	const char *bytes;
	uint64_t value;
	uint32_t u32;

	switch (f->kind) {
	case U32:
		if (take_int(reader, 4, &value) < 0 ||
		    (f->max && value > f->max))
			return -1;
		u32 = (uint32_t)value;
		memcpy(at, &u32, sizeof(u32));
		return 0;
	case U64:
	case I64:
		if (take_int(reader, 8, &value) < 0)
			return -1;
		memcpy(at, &value, sizeof(value));
		return 0;
	case TEXT:
		return take_text(reader, at);
	case DIGEST:
		if (take_bytes(reader, CH_SHA256_SIZE, &bytes) < 0)
			return -1;
		memcpy(at, bytes, CH_SHA256_SIZE);
		return 0;
	case LIST:
		return take_list(reader, f, base);
	case NESTED:
		return take_fields(reader, f->members, at);
	}
	return -1;
}

static int take_fields(struct reader *reader, const struct field *fields,
		       char *base)
{
	for (; fields->offset != END; fields++)
		if (take_field(reader, fields, base) < 0)
			return -1;
	return 0;
}

int ch_message_get(enum ch_message_type type, struct ch_slice payload,
		   void *ret_message, struct ch_arena *arena,
		   struct ch_error *err)
{
	struct reader reader = { payload.data, payload.len, arena };

	if ((unsigned int)type >= CH_MSG_TYPES || !messages[type].name)
		return ch_error_set(err, CH_GIVE_UP,
				    "no message has type %u",
				    (unsigned int)type);
	if (messages[type].size)
		memset(ret_message, 0, messages[type].size);
	if (take_fields(&reader, messages[type].fields, ret_message) < 0 ||
	    reader.left != 0)
		return ch_error_set(err, CH_GIVE_UP, "a malformed %s message",
				    ch_message_name(type));
	return 0;
}
