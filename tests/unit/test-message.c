// SPDX-License-Identifier: GPL-3.0-or-later
/* test-message.c - reading received mail, good and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "mail/block.h"
#include "mail/message.h"

static void block_unfolds_and_skips(void **state)
{
	static const char text[] =
		"Subject: one\r\n two\r\n\t three\r\n"
		"no field here\r\n"
		"Empty:\r\n"
		"Spaced  : value \r\n"
		"subject: second\r\n"
		"Nul: a\0b\r\n"
		"\r\n"
		"Body: not read\r\n";
	struct ch_block block;
	size_t at = 0;

	(void)state;
	assert_int_equal(ch_block_parse(&block, text, sizeof(text) - 1),
			 sizeof(text) - 1 - strlen("Body: not read\r\n"));
	assert_int_equal(block.len, 5);
	assert_string_equal(ch_block_next(&block, "SUBJECT", &at),
			    "one two three");
	assert_string_equal(ch_block_next(&block, "SUBJECT", &at), "second");
	assert_null(ch_block_next(&block, "SUBJECT", &at));
	assert_string_equal(ch_block_get(&block, "Empty"), "");
	assert_string_equal(ch_block_get(&block, "spaced"), "value");
	assert_string_equal(ch_block_get(&block, "Nul"), "a b");
	assert_null(ch_block_get(&block, "Body"));
	ch_block_release(&block);

	/* the shortest field without a line end needs both terminators */
	assert_int_equal(ch_block_parse(&block, "a:", 2), 2);
	assert_string_equal(ch_block_get(&block, "a"), "");
	ch_block_release(&block);
	assert_int_equal(ch_block_parse(&block, "", 0), 0);
	assert_int_equal(block.len, 0);
	ch_block_release(&block);
}

static void addresses(void **state)
{
	static const struct {
		const char *value, *expected;
	} rows[] = {
		{ "a@b.example", "a@b.example" },
		{ "Ana <a@b.example>", "a@b.example" },
		{ "\"x@y.example\" <a@b.example>", "a@b.example" },
		{ "a@b.example (Ana, \"x\")", "a@b.example" },
		{ "<a@b.example>, <c@d.example>", "c@d.example" },
		{ "\"two words\"@b.example", "\"two words\"@b.example" },
		{ "Ana", "" },
		{ "", "" },
		{ "@", "" },
		{ "<@b.example>", "" },
		{ "a@", "" },
		{ "\"@b", "" },
		{ "<<<<@@@@>>>>", "" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOCHAR found = ch_message_address(rows[i].value);

		assert_string_equal(found, rows[i].expected);
	}
}

static void subjects_are_decoded(void **state)
{
	static const struct {
		const char *value, *expected;
	} rows[] = {
		{ "plain", "plain" },
		{ "=?utf-8?q?Conf=C3=A9rence?=", "Conférence" },
		{ "=?utf-8?B?5Lit?= =?utf-8?B?5paH?=", "中文" },
		{ "=?utf-8?b?0YHQtQ==?=\r\n =?utf-8?b?0YHRgdC40Y8=?= 2027",
		  "сессия 2027" },
		{ "=?utf-8?b?5L?= =?utf-8?b?it?= x", "中 x" },
		{ "=?iso-8859-1?Q?R=E9ponse?= : x", "Réponse : x" },
		{ "=?koi8-r?B?79TXxdQ=?=", "Ответ" },
		{ "raw \xC3\xA9", "raw é" },
		{ "line=?utf-8?q?=0D=0ABcc=3A_x?=", "line Bcc: x" },
		{ "=?nonsense?q?x?=", "x" },
		{ "=?utf-8?q?broken", "=?utf-8?q?broken" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOCHAR decoded = ch_message_decode(rows[i].value);

		if (strcmp(decoded, rows[i].expected) != 0)
			print_error("%s\n", rows[i].value);
		assert_string_equal(decoded, rows[i].expected);
	}
}

static void any_bytes_become_utf8(void **state)
{
	char *decoded = ch_message_decode("bad \xFF\xC0 bytes");

	(void)state;
	assert_true(ch_utf8_valid(decoded, strlen(decoded), NULL));
	free(decoded);
}

#define ANSWER                                                             \
	"Return-Path: <ministre@fr.example>\r\n"                           \
	"From: Cabinet <ministre@fr.example>\r\n"                          \
	"To: bureau@chancery.example\r\n"                                  \
	"Subject: =?utf-8?q?R=C3=A9=3A_Invitation?=\r\n"                   \
	"Message-ID: <answer-1@fr.example>\r\n"                            \
	"In-Reply-To: <letter-9@chancery.example>\r\n"                     \
	"References: <oldest@x.example> <letter-9@chancery.example>\r\n"   \
	"MIME-Version: 1.0\r\n"                                            \
	"Content-Type: multipart/mixed; boundary=\"b\"\r\n"                \
	"\r\n"                                                             \
	"--b\r\n"                                                          \
	"Content-Type: text/plain; charset=iso-8859-1\r\n"                 \
	"Content-Transfer-Encoding: quoted-printable\r\n"                  \
	"\r\n"                                                             \
	"Notre d=E9l=E9gation.\r\n"                                        \
	"--b\r\n"                                                          \
	"Content-Type: application/pdf\r\n"                                \
	"Content-Disposition: attachment; filename=\"../liste.pdf\"\r\n"   \
	"Content-Transfer-Encoding: base64\r\n"                            \
	"\r\n"                                                             \
	"SGVsbG8=\r\n"                                                     \
	"--b--\r\n"

static void an_answer_is_read(void **state)
{
	struct ch_message message;

	(void)state;
	ch_message_read(ANSWER, sizeof(ANSWER) - 1, &message);
	assert_string_equal(message.fault, "");
	assert_string_equal(message.type, "multipart/mixed");
	assert_string_equal(message.from, "ministre@fr.example");
	assert_string_equal(message.subject, "Ré: Invitation");
	assert_string_equal(message.message_id, "answer-1@fr.example");
	assert_int_equal(message.references_len, 3);
	assert_string_equal(message.references[0],
			    "letter-9@chancery.example");
	assert_string_equal(message.references[1],
			    "letter-9@chancery.example");
	assert_string_equal(message.references[2], "oldest@x.example");
	assert_string_equal(message.text, "Notre délégation.");
	assert_int_equal(message.files_len, 1);
	assert_string_equal(message.files[0].name, "../liste.pdf");
	assert_string_equal(message.files[0].type, "application/pdf");
	assert_int_equal(message.files[0].size_bytes, 5);
	ch_message_release(&message);
}

static void texts_of_all_charsets(void **state)
{
	static const struct {
		const char *name, *type, *body, *expected;
		bool fault;
	} rows[] = {
		{ "no charset, UTF-8", "text/plain", "\xD8\xB1\xD8\xAF", "رد",
		  false },
		{ "no charset, Latin-1", "text/plain", "Fran\xE7" "ais",
		  "Français", false },
		{ "no charset, French", "text/plain",
		  "cr\xE9\xE9" "e \xE0 Gen\xE8ve, d\xE9j\xE0",
		  "créée à Genève, déjà", false },
		{ "no charset, windows-1251", "text/plain",
		  "\xEF\xEE\xF7\xF2\xEE\xE2\xFB\xE9\x20\xFF\xF9\xE8\xEA",
		  "почтовый ящик", false },
		{ "no charset, KOI8", "text/plain",
		  "\xD0\xCF\xDE\xD4\xCF\xD7\xD9\xCA\x20\xD1\xDD\xC9\xCB",
		  "почтовый ящик", false },
		{ "no charset, GB 2312", "text/plain",
		  "\xD3\xC3\xBB\xA7\xB2\xBB\xB4\xE6\xD4\xDA",
		  "用户不存在", false },
		{ "no charset, EUC-JP", "text/plain",
		  "\xA5\xE6\xA1\xBC\xA5\xB6\xA1\xBC\xA4\xAC\xA4\xA2\xA4\xEA"
		  "\xA4\xDE\xA4\xBB\xA4\xF3",
		  "ユーザーがありません", false },
		{ "no charset, EUC-KR", "text/plain",
		  "\xB8\xDE\xC0\xCF\xC7\xD4\xC0\xCC\xB0\xA1\xB5\xE6",
		  "메일함이가득", false },
		{ "no charset, ISO 2022", "text/plain",
		  "\x1B\x24\x42\x49\x54\x4C\x40\x1B\x28\x42",
		  "不明", false },
		{ "windows-1251", "text/plain; charset=windows-1251",
		  "\xCE\xF2\xE2\xE5\xF2", "Ответ", false },
		{ "windows-1256", "text/plain; charset=windows-1256",
		  "\xD1\xCF", "رد", false },
		{ "gb2312", "text/plain; charset=gb2312",
		  "\xB4\xF0\xB8\xB4", "答复", false },
		{ "big5", "text/plain; charset=big5", "\xB5\xAA", "答", false },
		{ "cut character", "text/plain; charset=gb2312",
		  "\xB4\xF0\xB8", "答\xEF\xBF\xBD", false },
		{ "says UTF-8, is not", "text/plain; charset=utf-8",
		  "a\xE9z", "a\xEF\xBF\xBDz", false },
		{ "unheard of", "text/plain; charset=x-klingon-9", "plain",
		  "plain", true },
		{ "HTML", "text/html; charset=utf-8",
		  "<html><head><style>p {}</style></head><body><p>Nous "
		  "<b>serons</b> l&agrave; &amp; pr&#233;s&#xE9;nts<br>\r\n"
		  "demain</p><!-- x --><blockquote>vieux</blockquote>"
		  "<script>1<2</script></body>",
		  "Nous serons là & présénts\ndemain\n> vieux\n", false },
		{ "HTML that ends nowhere", "text/html", "a <b", "a <b\n",
		  false },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTOCHAR mail = ch_xasprintf(
			"From: a@b.example\r\nContent-Type: %s\r\n\r\n%s",
			rows[i].type, rows[i].body);
		struct ch_message message;

		ch_message_read(mail, strlen(mail), &message);
		if (strcmp(message.text, rows[i].expected) != 0)
			print_error("%s\n", rows[i].name);
		assert_string_equal(message.text, rows[i].expected);
		assert_int_equal(message.fault[0] != '\0', rows[i].fault);
		assert_false(message.unreadable);
		ch_message_release(&message);
	}
}

static void a_status_is_found_under_any_type(void **state)
{
	static const char *const tops[] = { "multipart/report",
					    "multipart/mixed",
					    "multipart/alternative" };

	(void)state;
	for (size_t i = 0; i < CH_COUNT(tops); i++) {
		CH_AUTOCHAR mail = ch_xasprintf(
			"From: x@mx.example\n"
			"Content-Type: %s; boundary=q\n\n"
			"--q\n\nIt failed.\n"
			"--q\nContent-Type: message/delivery-status\n\n"
			"\nReporting-MTA: dns; mx.example\n"
			"Original-Envelope-Id: DM1\n\n"
			"Final-Recipient: rfc822; a@b.example\n"
			"Final-Recipient: rfc822; c@d.example\n\n"
			"--q\nContent-Type: text/rfc822-headers\n\n"
			"Message-ID: <ours@chancery.example>\n\n"
			"--q--\n",
			tops[i]);
		struct ch_message message;

		ch_message_read(mail, strlen(mail), &message);
		assert_string_equal(message.type, tops[i]);
		assert_int_equal(message.delivery_len, 3);
		assert_string_equal(ch_block_get(&message.delivery[0],
						 "Original-Envelope-Id"),
				    "DM1");
		assert_string_equal(ch_block_get(&message.delivery[2],
						 "final-recipient"),
				    "rfc822; c@d.example");
		assert_true(message.has_returned);
		assert_string_equal(
			ch_block_get(&message.returned, "Message-ID"),
			"<ours@chancery.example>");
		assert_string_equal(message.text, "It failed.");
		assert_int_equal(message.files_len, 0);
		ch_message_release(&message);
	}
}

/* ---- mails that were made to hurt ------------------------------------- */

static void add_times(struct ch_str *out, const char *text, size_t times)
{
	while (times--)
		ch_str_add(out, text);
}

static void open_parens(struct ch_str *out)
{
	ch_str_add(out, "From: ");
	add_times(out, "(", 300000);
	ch_str_add(out, "\r\n\r\nx\r\n");
}

static void nested_groups(struct ch_str *out)
{
	ch_str_add(out, "To: ");
	add_times(out, "a:", 2000000);
	ch_str_add(out, "\r\n\r\nx\r\n");
}

static void nested_groups_folded(struct ch_str *out)
{
	ch_str_add(out, "To: ");
	add_times(out, "a:a:a:a:\r\n ", 400000);
	ch_str_add(out, "\r\n\r\nx\r\n");
}

static void nested_messages(struct ch_str *out)
{
	add_times(out, "Content-Type: message/rfc822\r\n\r\n", 30000);
	ch_str_add(out, "Subject: x\r\n\r\nx\r\n");
}

static void nested_multiparts(struct ch_str *out)
{
	ch_str_add(out, "From: a@b.example\r\n");
	for (int i = 0; i < 20000; i++)
		ch_str_addf(out,
			    "Content-Type: multipart/mixed; boundary=b%d\r\n"
			    "\r\n--b%d\r\n",
			    i, i);
}

static void nested_in_a_part(struct ch_str *out)
{
	ch_str_add(out, "From: a@b.example\r\n"
			"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
			"--b\r\nContent-Type: text/plain\r\nTo: ");
	add_times(out, "a:", 2000000);
	ch_str_add(out, "\r\n\r\nx\r\n--b--\r\n");
}

static void many_parts(struct ch_str *out)
{
	ch_str_add(out, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	add_times(out, "--b\r\n\r\n", 500000);
}

static void many_fields(struct ch_str *out)
{
	add_times(out, "a:b\r\n", 1000000);
	ch_str_add(out, "\r\nx\r\n");
}

static void words_without_end(struct ch_str *out)
{
	ch_str_add(out, "From: a@b.example\r\nSubject: ");
	add_times(out, "=?utf-8?q?a", 300000);
	ch_str_add(out, "\r\n\r\nx\r\n");
}

static void same_boundary(struct ch_str *out)
{
	ch_str_add(out, "From: a@b.example\r\n");
	add_times(out,
		  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
		  20000);
}

static void hostile_mail_is_quarantined(void **state)
{
	static const struct {
		const char *name;
		void (*make)(struct ch_str *out);
		const char *fault;
	} rows[] = {
		{ "300,000 (", open_parens, "a header field over 64 KiB" },
		{ "4 MB of a:", nested_groups, "a header field over 64 KiB" },
		{ "4 MB of a:, folded", nested_groups_folded,
		  "a header field over 64 KiB" },
		{ "20,000 multiparts", nested_multiparts,
		  "too many nested parts" },
		{ "in the header of a part", nested_in_a_part,
		  "a header field over 64 KiB" },
		{ "500,000 parts", many_parts, "too many parts" },
		{ "1,000,000 fields", many_fields, "too many header fields" },
		{ "300,000 words without an end", words_without_end,
		  "a header field over 64 KiB" },
		{ "one boundary for all", same_boundary,
		  "too many nested parts" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) mail = CH_STR_INIT(16 * 1024 * 1024);
		struct ch_message message;

		rows[i].make(&mail);
		ch_message_read(ch_str_cstr(&mail), mail.len, &message);
		if (strcmp(message.fault, rows[i].fault) != 0)
			print_error("%s\n", rows[i].name);
		assert_string_equal(message.fault, rows[i].fault);
		assert_true(message.unreadable);
		ch_message_release(&message);
	}
}

/* A message inside is not looked into, whatever stands in it. */
static void nested_messages_are_one(void **state)
{
	CH_AUTO(ch_str) mail = CH_STR_INIT(16 * 1024 * 1024);
	struct ch_message message;

	(void)state;
	nested_messages(&mail);
	ch_message_read(ch_str_cstr(&mail), mail.len, &message);
	assert_string_equal(message.fault, "");
	assert_true(message.has_returned);
	assert_string_equal(ch_block_get(&message.returned, "Content-Type"),
			    "message/rfc822");
	ch_message_release(&message);
}

static void little_is_no_crash(void **state)
{
	static const char *const rows[] = {
		"", "\n", "\r\n\r\n", "x", "\0\0\0", ":", "a:", ": b\n\nc",
		"Content-Type:\n\n", "Content-Type: multipart/mixed\n\n--\n",
		"Content-Type: message/rfc822\n\n",
		"Content-Type: multipart/mixed; boundary=\"\\\"\"\n\n--\"\n",
		"Content-Type: message/delivery-status\n\n",
		"From \n", "From x\n\n", "\xFF\xFE\n\n",
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_message message;

		ch_message_read(rows[i], strlen(rows[i]), &message);
		assert_non_null(message.subject);
		assert_non_null(message.from);
		assert_non_null(message.message_id);
		assert_non_null(message.text);
		assert_non_null(message.type);
		ch_message_release(&message);
	}
}

/* All of it is text then, and somebody who wonders is told. */
static void parts_that_cannot_be_told_apart(void **state)
{
	static const struct {
		const char *mail, *fault, *text;
	} rows[] = {
		{ "Content-Type: multipart/mixed\n\n--b\n\nHello\n--b--\n",
		  "parts without a boundary", "--b\n\nHello\n--b--\n" },
		{ "Content-Type: multipart/mixed; boundary=b\n\nHello\n",
		  "parts whose boundary never comes", "Hello\n" },
		{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
		  "Content-Type: multipart/mixed; boundary=c\n\nHello\n--b--\n",
		  "parts whose boundary never comes", "Hello" },
		{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n",
		  "", "Hello\n" },
		{ "Content-Type: multipart/mixed; boundary=b\n\n", "", "" },
		{ "Content-Type: text/plain; boundary=b\n\nHello\n", "",
		  "Hello\n" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_message message;

		ch_message_read(rows[i].mail, strlen(rows[i].mail), &message);
		assert_string_equal(message.fault, rows[i].fault);
		assert_string_equal(message.text, rows[i].text);
		assert_false(message.unreadable);
		ch_message_release(&message);
	}
}

static void empty_is_a_fault(void **state)
{
	struct ch_message message;

	(void)state;
	ch_message_read("", 0, &message);
	assert_string_equal(message.fault, "it is empty");
	assert_true(message.unreadable);
	ch_message_release(&message);
	ch_message_release(&message); /* and twice is fine */
}

/* A long line of a body is no field: the mail is read as it is. */
static void a_long_body_is_no_fault(void **state)
{
	CH_AUTO(ch_str) mail = CH_STR_INIT(4 * 1024 * 1024);
	struct ch_message message;

	(void)state;
	ch_str_add(&mail, "From: a@b.example\r\nContent-Type: "
			  "application/octet-stream\r\n"
			  "Content-Transfer-Encoding: base64\r\n\r\n");
	add_times(&mail, "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\r\n",
		  50000);
	ch_message_read(ch_str_cstr(&mail), mail.len, &message);
	assert_string_equal(message.fault, "");
	assert_int_equal(message.files_len, 1);
	assert_int_equal(message.files[0].size_bytes, 50000 * 30);
	ch_message_release(&message);
}

static void hash_of(const char *encoding, const char *body, size_t len,
		    const char *end, struct ch_message *ret,
		    struct ch_sha256 *ret_sum)
{
	CH_AUTO(ch_str) mail = CH_STR_INIT(4 * 1024 * 1024);
	struct ch_message_source source;

	ch_str_addf(&mail, "From: a@b.example\r\n"
			   "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
			   "--b\r\nContent-Type: application/pdf\r\n"
			   "Content-Transfer-Encoding: %s\r\n\r\n", encoding);
	ch_str_add_mem(&mail, body, len);
	ch_str_add(&mail, end);
	source = (struct ch_message_source){ .bytes = ch_str_cstr(&mail),
					     .len = mail.len };
	ch_message_read_files(&source, ret);
	assert_int_equal(ret->files_len, 1);
	*ret_sum = ret->files[0].sha256;
}

/* In whatever pieces, and however they are encoded, the same bytes. */
static void attachments_are_hashed(void **state)
{
	static const struct {
		const char *encoding, *line, *content;
	} rows[] = {
		{ "base64", "QUJD\r\n", "ABC" },
		{ "base64", "QUJ\r\nD QUJD\r\n", "ABCABC" },
		{ "base64", "QQ==\r\nQkM=\r\n", "ABC" },
		{ "quoted-printable", "A=42=\r\nC", "ABC" },
		{ "binary", "ABC", "ABC" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) body = CH_STR_INIT(2 * 1024 * 1024);
		CH_AUTO(ch_str) content = CH_STR_INIT(2 * 1024 * 1024);
		struct ch_message message;
		struct ch_sha256 want;
		struct ch_sha256 sum;

		add_times(&body, rows[i].line, 50000);
		add_times(&content, rows[i].content, 50000);
		ch_sha256_of(content.data, content.len, &want);
		hash_of(rows[i].encoding, body.data, body.len, "\r\n--b--\r\n",
			&message, &sum);
		assert_int_equal(message.files[0].size_bytes, content.len);
		assert_true(ch_sha256_eq(&sum, &want));
		assert_false(message.files[0].at_end);
		ch_message_release(&message);
		hash_of(rows[i].encoding, body.data, body.len, "", &message,
			&sum);
		assert_true(message.files[0].at_end);
		ch_message_release(&message);
	}
}

static const char *passed_to;
static size_t passed_ways;

/* In order, each time from where the last one ended or from a new beginning. */
static void note_passed(const char *bytes, size_t len)
{
	passed_ways += bytes != passed_to;
	passed_to = bytes + len;
}

struct taken {
	struct ch_str text;
	size_t most; /* bytes at a time */
};

static void begin_taken(void *context, const struct ch_message_file *file)
{
	struct taken *taken = context;

	ch_str_addf(&taken->text, "%s:", file->name);
}

static void take_piece(void *context, const char *bytes, size_t len)
{
	struct taken *taken = context;

	(void)bytes;
	taken->most = len > taken->most ? len : taken->most;
}

static void end_taken(void *context, const struct ch_message_file *file)
{
	struct taken *taken = context;

	ch_str_addf(&taken->text, "%llu;",
		    (unsigned long long)file->size_bytes);
}

/* A line of 5 MiB and one of 3: piece by piece, with all but the last of it told
 * as passed, once for the search of its end and once for its content. */
static void large_files_are_taken_in_pieces(void **state)
{
	CH_AUTO(ch_str) mail = CH_STR_INIT(16 * 1024 * 1024);
	struct taken taken = { .text = CH_STR_INIT(1000) };
	const struct ch_message_taker taker = { begin_taken, take_piece,
						end_taken, &taken };
	struct ch_message_source source = { .passed = note_passed,
					    .taker = &taker };
	struct ch_message message;

	(void)state;
	ch_str_add(&mail, "From: a@b.example\r\n"
			  "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
			  "--b\r\nContent-Type: application/pdf; name=a\r\n"
			  "Content-Transfer-Encoding: base64\r\n\r\n");
	add_times(&mail, "QUJD", 5 * 1024 * 1024 / 4);
	ch_str_add(&mail, "\r\n--b\r\nContent-Type: image/png; name=b"
			  "\r\n\r\n");
	add_times(&mail, "QUJD", 3 * 1024 * 1024 / 4);
	ch_str_add(&mail, "\r\n--b--\r\n");
	source.bytes = ch_str_cstr(&mail);
	source.len = mail.len;
	ch_message_read_files(&source, &message);
	assert_string_equal(ch_str_cstr(&taken.text),
			    "a:3932160;b:3145728;");
	assert_in_range(taken.most, 1, 16384);
	/* to the end of a; a once more, and on to the end of b; b once more */
	assert_int_equal(passed_ways, 3);
	ch_message_release(&message);
	ch_str_release(&taken.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attachments_are_hashed),
		cmocka_unit_test(large_files_are_taken_in_pieces),
		cmocka_unit_test(block_unfolds_and_skips),
		cmocka_unit_test(addresses),
		cmocka_unit_test(subjects_are_decoded),
		cmocka_unit_test(any_bytes_become_utf8),
		cmocka_unit_test(an_answer_is_read),
		cmocka_unit_test(texts_of_all_charsets),
		cmocka_unit_test(a_status_is_found_under_any_type),
		cmocka_unit_test(hostile_mail_is_quarantined),
		cmocka_unit_test(nested_messages_are_one),
		cmocka_unit_test(little_is_no_crash),
		cmocka_unit_test(parts_that_cannot_be_told_apart),
		cmocka_unit_test(empty_is_a_fault),
		cmocka_unit_test(a_long_body_is_no_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
