// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-rows.c - rows of a table as a stranger might write them, through merge
 * and composition: a message has the lines that its structure has, and no more.
 *
 *	fuzz-rows ROWS SEED
 *
 * Cells are put together from pieces that would break out of a header, a
 * command, a part, a quotation, a tag or a line. A row is refused, or makes a
 * message whose header has the fields of any other, each once, whose parts are
 * as many, and whose every line ends in CRLF and has 7-bit characters that show.
 * The last line says how many there were of each.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../fuzz/memory-file.h"
#include "base/mem.h"
#include "letter/letter.h"
#include "letter/table.h"

#define ROWS_AT_ONCE 2000
#define TABLE_MAX (64 * 1024 * 1024)

static const struct ch_slice pieces[] = {
#define P(text) { text, sizeof(text) - 1 }
	P("\r"), P("\n"), P("\r\n"), P("\0"), P("\r\n\r\n"), P("\r\n.\r\n"),
	P("\r\nRCPT TO:<x@evil.example>"), P("\r\nBcc: x@evil.example"),
	P("\n.\nMAIL FROM:<>\n"), P("\x0B"), P("\x0C"), P("\x1B[2J"),
	P("\x7F"), P("\xC2\x85"), P("\xE2\x80\xA8"), P("\xE2\x80\xA9"),
	P("\xE2\x80\xAE"), P("\xE2\x81\xA6"), P("\xE2\x80\x8F"),
	P("\xEF\xBB\xBF"), P("\xFF"), P("\xC3"), P("\xED\xA0\x80"),
	P("\xF3\xB0\x80\x80"), P("\xF0\x9F\x87\xAB\xF0\x9F\x87\xB7"),
	P("{{name}}"), P("{{#x}}"), P("{{> y}}"), P("{{{"), P("}}"),
	P("<script>"), P("</body>"), P("&#13;"), P("](https://evil.example)"),
	P("=?utf-8?q?=0D=0ABcc:_x?="), P("=0D=0A"), P("%0D%0A"), P("--m"),
	P("\n--a"), P("From x"), P("\nFrom x"), P("."), P("\n."), P("\""),
	P("\\\""), P("'"), P(","), P(";"), P("<"), P(">"), P("@"), P("("),
	P(")"), P(":"), P("`"), P("*"), P("_"), P("#"), P("|"), P("\\"), P("="),
	P(" "), P("  "), P("\t"), P("a"), P("Z"), P("0"), P("word"),
	P("\xC3\xA9t\xC3\xA9"), P("\xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7"),
	P("\xE4\xB8\xAD\xE5\x9B\xBD"), P("\xCC\x81"), P("2026-12-07"),
	P("a@b.example"), P("N <a@b.example>"), P("a@b.example, c@d.example"),
	P("\"N, M\" <a@b.example>"), P("@r.example:a@b.example"),
	P("a@[127.0.0.1]"), P("\"a b\"@c.example"), P("a@b\xC3\xA9.example"),
	P("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
#undef P
};

/* ---- chance ----------------------------------------------------------- */

static uint64_t state; /* splitmix64: the seed gives the same rows again */

static uint64_t chance(uint64_t below)
{
	uint64_t z = state += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return (z ^ z >> 31) % below;
}

/* ---- a table ---------------------------------------------------------- */

/* In quotes, as its own bytes; now and then without. */
static void add_cell(struct ch_str *out, const struct ch_str *cell)
{
	if (chance(50) == 0) {
		ch_str_add_mem(out, ch_str_cstr(cell), cell->len);
		return;
	}
	ch_str_add_char(out, '"');
	for (size_t i = 0; i < cell->len; i++) {
		if (cell->data[i] == '"')
			ch_str_add_char(out, '"');
		ch_str_add_char(out, cell->data[i]);
	}
	ch_str_add_char(out, '"');
}

static void add_pieces(struct ch_str *cell, uint64_t most)
{
	for (uint64_t n = chance(most + 1); n > 0; n--) {
		/* Half of them from those that no rule refuses. */
		size_t from = chance(2) ? 25 : 0;
		const struct ch_slice *piece =
			&pieces[from + chance(CH_COUNT(pieces) - from)];

		ch_str_add_mem(cell, piece->data, piece->len);
	}
}

/* One that is good most of the time, so that most rows become a letter. */
static void add_column(struct ch_str *out, const char *good, uint64_t bad_in)
{
	CH_AUTO(ch_str) cell = CH_STR_INIT(TABLE_MAX);

	if (bad_in && chance(bad_in) == 0)
		add_pieces(&cell, 3);
	ch_str_add(&cell, good);
	if (bad_in && chance(bad_in) == 0)
		add_pieces(&cell, 3);
	add_cell(out, &cell);
}

static void add_row(struct ch_str *out, uint64_t number)
{
	static const char *const languages[] = { "en", "fr", "ar", "zh", "" };
	CH_AUTOCHAR key = ch_xasprintf("K%" PRIu64, number);
	CH_AUTOCHAR to = ch_xasprintf("a%" PRIu64 "@b.example", number);
	CH_AUTO(ch_str) remark = CH_STR_INIT(TABLE_MAX);

	add_column(out, key, 40);
	ch_str_add_char(out, ',');
	add_column(out, languages[chance(CH_COUNT(languages))], 200);
	ch_str_add_char(out, ',');
	add_column(out, to, 20);
	ch_str_add_char(out, ',');
	add_column(out, chance(2) ? "Copy <c@d.example>" : "", 20);
	ch_str_add_char(out, ',');
	add_column(out, "Name", 3);
	ch_str_add_char(out, ',');
	add_pieces(&remark, 4);
	add_cell(out, &remark);
	ch_str_add(out, "\n");
}

/* ---- the letter ------------------------------------------------------- */

static void add_file(struct ch_bundle *bundle, const char *name,
		     const char *text)
{
	struct ch_sha256 sum;
	struct ch_error err;

	ch_sha256_of(text, strlen(text), &sum);
	assert(ch_bundle_add_bytes(bundle, CH_ROLE_LETTER, name, &sum,
				   ch_slice_of(text), &err) == 0);
}

static const char text[] =
	"Subject: Session, {{name}}\n\nDear {{name}},\n\n- {{key}}\n- "
	"**{{name}}**\n\n{{#remark}}> {{remark}}\n\n{{/remark}}"
	"{{#copies}}Copy: {{copies}}{{/copies}}\n";

static struct ch_letter *load(struct ch_bundle *bundle,
			      struct ch_problems *problems)
{
	static const char *const names[] = { "en.md", "fr.md", "ar.md",
					     "zh.md" };
	struct ch_letter_options options = {
		.reference = "DM-1",
		.from = "Registry <registry@secretariat.example>",
		.date_us = INT64_C(1795478400000000),
	};
	struct ch_letter *letter = NULL;

	add_file(bundle, "letter.conf", "");
	for (size_t i = 0; i < CH_COUNT(names); i++)
		add_file(bundle, names[i], text);
	assert(ch_letter_load(bundle, &options, &letter, problems) == 0);
	return letter;
}

/* ---- what must hold --------------------------------------------------- */

static void check(bool holds, const char *what, const struct ch_str *message,
		  const struct ch_addressee *a)
{
	if (holds)
		return;
	fprintf(stderr, "%s, in the message for line %u:\n", what, a->line);
	fwrite(ch_str_cstr(message), 1, message->len, stderr);
	abort();
}

/* Every line ends in CRLF, and no other character breaks or hides. */
static void check_lines(const struct ch_str *message,
			const struct ch_addressee *a)
{
	size_t line = 0;

	for (size_t i = 0; i < message->len; i++) {
		char c = message->data[i];

		if (c == '\r')
			check(i + 1 < message->len &&
				      message->data[i + 1] == '\n',
			      "a CR without LF", message, a);
		else if (c == '\n')
			check(i > 0 && message->data[i - 1] == '\r',
			      "an LF without CR", message, a);
		else
			check((c >= ' ' && c < 0x7F) || c == '\t',
			      "a character that is not of 7 bits", message, a);
		line = c == '\n' ? 0 : line + 1;
		check(line <= 998, "a line too long", message, a);
	}
}

/* The names of the fields, in their order: what they are for every letter. */
static void check_header(const struct ch_str *message,
			 const struct ch_addressee *a)
{
	static const char *const expected[] = {
		"From",	      "To",		  "Cc",
		"Subject",    "Date",		  "Message-ID",
		"MIME-Version", "Content-Language", "Content-Type",
	};
	unsigned int seen = 0;
	const char *at = ch_str_cstr(message);
	bool known = true;

	while (strncmp(at, "\r\n", 2) != 0 && known) {
		const char *end = strstr(at, "\r\n");

		check(end != NULL, "a header without an end", message, a);
		known = *at == ' ' || *at == '\t';
		for (size_t i = 0; i < CH_COUNT(expected) && !known; i++) {
			size_t len = strlen(expected[i]);

			if (strncmp(at, expected[i], len) != 0 ||
			    at[len] != ':')
				continue;
			known = true;
			check(!(seen & 1u << i), "a field twice", message, a);
			seen |= 1u << i;
		}
		at = end + 2;
	}
	check(known, "a field that no letter has", message, a);
	check((seen | 1u << 2) == (1u << CH_COUNT(expected)) - 1,
	      "a field is missing", message, a);
}

static size_t count(const struct ch_str *message, const char *what)
{
	size_t found = 0;
	const char *at = ch_str_cstr(message);

	while ((at = strstr(at, what))) {
		found++;
		at += strlen(what);
	}
	return found;
}

/* Text and HTML, and the end of them. */
static void check_parts(const struct ch_str *message,
			const struct ch_addressee *a)
{
	const char *head = strstr(ch_str_cstr(message), "boundary=\"");
	CH_AUTOCHAR boundary = NULL;
	CH_AUTOCHAR line = NULL;

	check(head != NULL, "no boundary", message, a);
	head += strlen("boundary=\"");
	boundary = ch_xstrndup(head, strcspn(head, "\""));
	line = ch_xasprintf("\r\n--%s", boundary);
	check(count(message, line) == 3, "a part more or less", message, a);
	check(count(message, "\r\nContent-Type: text/") == 2,
	      "a part more or less", message, a);
}

static void check_addresses(const struct ch_addressee *a,
			    const struct ch_str *message)
{
	for (size_t i = 0; i < a->addresses_len; i++) {
		const char *spec = a->addresses[i].address.spec;

		for (const char *c = spec; *c; c++)
			check(*c > ' ' && *c < 0x7F && *c != '<' && *c != '>',
			      "an address that says more", message, a);
	}
}

/* ---- all of it -------------------------------------------------------- */

struct run {
	struct ch_letter *letter;
	struct ch_composed composed;
	struct ch_str message;
	uint64_t rows;
	uint64_t letters;
};

static void try_row(struct run *run, const struct ch_addressee *a)
{
	struct ch_letter_identity identity = {
		"k7@chancery.example", INT64_C(1795478400000000)
	};
	CH_AUTO(ch_problems) problems = { 0 };

	if (ch_letter_compose(run->letter, a, &identity, &run->composed,
			      &problems) < 0) {
		assert(problems.errors > 0);
		return;
	}
	run->letters++;
	ch_str_clear(&run->message);
	for (size_t i = 0; i < run->composed.pieces_len; i++)
		ch_str_add_mem(&run->message,
			       run->composed.pieces[i].iov_base,
			       run->composed.pieces[i].iov_len);
	check_lines(&run->message, a);
	check_header(&run->message, a);
	check_parts(&run->message, a);
	check_addresses(a, &run->message);
}

static void try_table(struct run *run, uint64_t rows)
{
	struct ch_table_options options = { .shown = "t.csv" };
	CH_AUTO(ch_str) bytes = CH_STR_INIT(TABLE_MAX);
	CH_AUTOPTR(ch_table) table = NULL;
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_addressee a;

	ch_str_add(&bytes, "key,language,to,cc,name,remark\n");
	for (uint64_t i = 0; i < rows; i++)
		add_row(&bytes, run->rows + i);
	assert(!bytes.full);
	assert(ch_table_open(memory_file(bytes.data, bytes.len), &options,
			     &table, &problems) == 0);
	while (ch_table_next(table, &a, &problems) > 0) {
		try_row(run, &a);
		ch_addressee_release(&a);
	}
	run->rows += rows;
}

int main(int argc, char **argv)
{
	struct run run = { .message = CH_STR_INIT(TABLE_MAX) };
	struct ch_bundle bundle = { 0 };
	struct ch_problems problems = { 0 };
	uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000;

	state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	ch_composed_init(&run.composed, TABLE_MAX);
	run.letter = load(&bundle, &problems);
	while (run.rows < rows)
		try_table(&run, rows - run.rows < ROWS_AT_ONCE
					? rows - run.rows
					: ROWS_AT_ONCE);
	printf("{\"rows\": %" PRIu64 ", \"letters\": %" PRIu64
	       ", \"refused\": %" PRIu64 "}\n",
	       run.rows, run.letters, run.rows - run.letters);
	ch_composed_release(&run.composed);
	ch_str_release(&run.message);
	ch_letter_free(run.letter);
	ch_bundle_release(&bundle);
	ch_problems_release(&problems);
	/* Neither all nor none may be refused, or nothing was tried. */
	return run.letters > rows / 10 && run.letters < rows ? 0 : 1;
}
