// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-bundle.c - a whole letter and its table: every message composed from
 * them is one message with each header once, in short 7-bit lines that end in
 * CRLF; and what the store keeps of an addressee composes the same bytes.
 *
 * Input: texts divided by lines of "%%", in this order: letter.conf, en.md,
 * ar.md, closing.md, m.csv, a.pdf, b.txt (an annex given beside). */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "letter/letter.h"
#include "letter/table.h"
#include "memory-file.h"

#define DIVIDER "%%\n"
#define MESSAGE_MAX (4 * 1024 * 1024)
#define MESSAGES_MAX 20 /* looked at in one run */
#define TABLE 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig forgets the string that it had read before a syntax error. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"), used)) const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static const char *const names[] = {
	"letter.conf", "en.md", "ar.md", "closing.md", "m.csv", "a.pdf",
	"b.txt",
};

static void divide(const char *data, size_t size, struct ch_slice *ret)
{
	for (size_t i = 0; i < CH_COUNT(names); i++) {
		const char *cut = memmem(data, size, DIVIDER, strlen(DIVIDER));
		size_t len = cut ? (size_t)(cut - data) : size;

		ret[i] = (struct ch_slice){ data, len };
		data += len;
		size -= len;
		if (cut && i + 1 < CH_COUNT(names)) {
			data += strlen(DIVIDER);
			size -= strlen(DIVIDER);
		}
	}
}

static void add_file(struct ch_bundle *bundle, const char *name,
		     enum ch_file_role role, struct ch_slice text)
{
	struct ch_bundle_file file = {
		.role = role,
		.name = ch_xstrdup(name),
		.shown = ch_xasprintf("l/%s", name),
	};

	ch_str_init(&file.bytes, MESSAGE_MAX);
	ch_str_add_mem(&file.bytes, text.data, text.len);
	CH_GROW(bundle->files, bundle->len, bundle->cap);
	bundle->files[bundle->len++] = file;
}

static void make_bundle(const struct ch_slice *texts, struct ch_bundle *ret)
{
	*ret = (struct ch_bundle){ 0 };
	for (size_t i = 0; i < CH_COUNT(names); i++) {
		if (i != TABLE && (texts[i].len > 0 || i == 0))
			add_file(ret, names[i],
				 i == 6 ? CH_ROLE_ANNEX : CH_ROLE_LETTER,
				 texts[i]);
	}
}

static void check_problems(const struct ch_problems *problems)
{
	for (size_t i = 0; i < problems->len; i++) {
		CH_AUTO(ch_str) line = CH_STR_INIT(100000);

		assert(problems->items[i].text[0]);
		ch_problem_format(&problems->items[i], &line);
		assert(!strpbrk(ch_str_cstr(&line), "\n\r\033"));
	}
}

static void check_headers(const char *text, const char *end)
{
	static const char *const once[] = {
		"From:",    "To:",	     "Date:", "Message-ID:",
		"Subject:", "MIME-Version:", "Content-Type:",
		"Content-Language:",
	};
	size_t seen[CH_COUNT(once)] = { 0 };

	for (const char *line = text; line < end;
	     line = strstr(line, "\r\n") + 2) {
		for (size_t i = 0; i < CH_COUNT(once); i++)
			seen[i] += strncasecmp(line, once[i],
					       strlen(once[i])) == 0;
		assert(strncasecmp(line, "Bcc", 3) != 0);
	}
	for (size_t i = 0; i < CH_COUNT(once); i++)
		assert(seen[i] == 1);
}

static void check_message(const struct ch_str *message)
{
	const char *text = ch_str_cstr(message);
	size_t line = 0;

	assert(strlen(text) == message->len);
	for (size_t i = 0; i < message->len; i++) {
		unsigned char c = (unsigned char)text[i];

		assert((c >= 0x20 && c < 0x7F) || c == '\t' || c == '\r' ||
		       c == '\n');
		assert((c == '\r') == (text[i + 1] == '\n'));
		if (c == '\n') {
			assert(i + 1 - line <= CH_LINE_MAX + 2);
			line = i + 1;
		}
	}
	assert(line == message->len);
	check_headers(text, strstr(text, "\r\n\r\n"));
}

/* Compose for one addressee; whether it went. */
static bool compose(const struct ch_letter *letter,
		    const struct ch_addressee *addressee, struct ch_str *out)
{
	static const struct ch_letter_identity identity = {
		"k7@chancery.example", INT64_C(1795478400000000)
	};
	CH_AUTO(ch_composed) composed;
	CH_AUTO(ch_problems) problems = { 0 };
	bool went;

	ch_composed_init(&composed, MESSAGE_MAX);
	went = ch_letter_compose(letter, addressee, &identity, &composed,
				 &problems) == 0;
	assert(went == (problems.errors == 0));
	check_problems(&problems);
	for (size_t i = 0; went && i < composed.pieces_len; i++)
		ch_str_add_mem(out, composed.pieces[i].iov_base,
			       composed.pieces[i].iov_len);
	return went;
}

static void check_addressee(const struct ch_letter *letter,
			    const struct ch_addressee *addressee)
{
	CH_AUTO(ch_str) message = CH_STR_INIT(2 * MESSAGE_MAX);
	CH_AUTO(ch_str) again = CH_STR_INIT(2 * MESSAGE_MAX);
	CH_AUTO(ch_str) fields = CH_STR_INIT(MESSAGE_MAX);
	CH_AUTO(ch_addressee) stored = { 0 };
	const char *language = ch_letter_language(letter, addressee->language);
	struct ch_error err;

	if (!compose(letter, addressee, &message))
		return;
	assert(!message.full);
	check_message(&message);
	ch_fields_encode(&addressee->fields, &fields);
	assert(ch_addressee_from_fields(
		       ch_slice_of(addressee->key), ch_slice_of(language),
		       (struct ch_slice){ ch_str_cstr(&fields), fields.len },
		       &stored, &err) == 0);
	assert(stored.addresses_len == addressee->addresses_len);
	assert(compose(letter, &stored, &again));
	assert(strcmp(ch_str_cstr(&message), ch_str_cstr(&again)) == 0);
}

/* What lists call it has no NUL, whatever the subject does. */
static void check_subjects(const struct ch_letter *letter)
{
	const char *const *codes = ch_letter_languages(letter);

	for (size_t i = 0; codes[i]; i++) {
		CH_AUTO(ch_str) subject = CH_STR_INIT(2000);

		ch_letter_subject(letter, codes[i], &subject);
		assert(strlen(ch_str_cstr(&subject)) == subject.len);
	}
}

static void check_table(const struct ch_letter *letter, struct ch_slice text)
{
	struct ch_table_options options = { .shown = "m.csv",
					    .max_recipients = MESSAGES_MAX };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_table) table = NULL;
	struct ch_addressee addressee;
	const char *const *columns;
	const char **files;
	size_t len;

	if (ch_table_open(memory_file(text.data, text.len), &options, &table,
			  &problems) < 0)
		return;
	columns = ch_table_columns(table, &len);
	files = ch_xcalloc(len, sizeof(*files));
	for (size_t i = 0; i < len; i++)
		files[i] = "m.csv";
	ch_letter_check_columns(letter, columns, files, len, &problems);
	free(files);
	while (ch_table_next(table, &addressee, &problems) > 0) {
		check_addressee(letter, &addressee);
		ch_addressee_release(&addressee);
	}
	check_problems(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ch_letter_options options = {
		.reference = "DM-1276",
		.deadline = "2026-12-01",
		.from = "Registry <registry@secretariat.example>",
		.date_us = INT64_C(1795478400000000),
		.max_message_bytes = MESSAGE_MAX,
	};
	struct ch_slice texts[CH_COUNT(names)];
	CH_AUTO(ch_bundle) bundle = { 0 };
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTOPTR(ch_letter) letter = NULL;

	divide((const char *)data, size, texts);
	make_bundle(texts, &bundle);
	if (ch_letter_load(&bundle, &options, &letter, &problems) == 0) {
		check_subjects(letter);
		check_table(letter, texts[TABLE]);
	} else {
		assert(problems.errors > 0);
	}
	check_problems(&problems);
	return 0;
}
