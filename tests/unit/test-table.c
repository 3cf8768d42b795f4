// SPDX-License-Identifier: GPL-3.0-or-later
/* test-table.c - what a recipients' table gives, and each of its faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "letter/table.h"

static char folder[64];

static char *put_file(const char *bytes, size_t len)
{
	char *path = ch_xasprintf("%s/t.csv", folder);
	CH_AUTOFD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct ch_error err;

	assert_true(fd >= 0);
	assert_int_equal(ch_file_write_all(fd, bytes, len, &err), 0);
	return path;
}

static void add_addressee(struct ch_str *out, const struct ch_addressee *a)
{
	ch_str_addf(out, "%s %s \"%s\"", a->key, a->language, a->name);
	for (size_t i = 0; i < a->addresses_len; i++)
		ch_str_addf(out, " %s %s",
			    a->addresses[i].role == CH_ROLE_TO ? "to" : "cc",
			    a->addresses[i].address.spec);
	ch_str_add(out, "\n");
}

/* All addressees, then all problems, one a line. */
static void read_table(const char *path, const char *charset,
		       uint64_t max_recipients, struct ch_str *out)
{
	struct ch_table_options options = {
		.shown = "t.csv",
		.charset = charset,
		.max_recipients = max_recipients,
	};
	CH_AUTOPTR(ch_table) table = NULL;
	CH_AUTO(ch_problems) problems = { 0 };
	struct ch_addressee a;

	if (ch_table_open(path, &options, &table, &problems) == 0) {
		while (ch_table_next(table, &a, &problems) > 0) {
			add_addressee(out, &a);
			ch_addressee_release(&a);
		}
	}
	for (size_t i = 0; i < problems.len; i++) {
		ch_problem_format(&problems.items[i], out);
		ch_str_add(out, "\n");
	}
}

struct row {
	const char *name;
	const char *bytes;
	const char *expected;
	const char *charset;
	size_t len; /* where the bytes hold a NUL */
};

static void run_rows(const struct row *rows, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(1000000);
		CH_AUTOCHAR path =
			put_file(rows[i].bytes, rows[i].len
							? rows[i].len
							: strlen(rows[i].bytes));

		read_table(path, rows[i].charset, 0, &out);
		if (strcmp(ch_str_cstr(&out), rows[i].expected) != 0)
			print_error("row \"%s\"\n", rows[i].name);
		assert_string_equal(ch_str_cstr(&out), rows[i].expected);
	}
}

#define H "key,language,to,name\n"

static void good_tables(void **state)
{
	static const struct row rows[] = {
		{ .name = "plain",
		  .bytes = H "FRA,fr,a@b.example,France\n",
		  .expected = "FRA fr \"France\" to a@b.example\n" },
		{ .name = "no line end at the end, CRLF before",
		  .bytes = "key,to\r\nFRA,a@b.example\r\nDEU,c@d.example",
		  .expected = "FRA  \"FRA\" to a@b.example\n"
			      "DEU  \"DEU\" to c@d.example\n" },
		{ .name = "quotes, commas, doubled quotes",
		  .bytes = H "FRA,fr,\"\"\"X, Y\"\" <a@b.example>\","
			   "\"a \"\"b\"\", c\"\n",
		  .expected = "FRA fr \"a \"b\", c\" to a@b.example\n" },
		{ .name = "several addresses, cc",
		  .bytes = "key,to,cc\nFRA,\"a@b.example; c@d.example\","
			   "e@f.example\n",
		  .expected = "FRA  \"FRA\" to a@b.example to c@d.example "
			      "cc e@f.example\n" },
		{ .name = "semicolons",
		  .bytes = "key;to;name\nFRA;a@b.example, c@d.example;"
			   "\"x;y, z\"\n",
		  .expected = "FRA  \"x;y, z\" to a@b.example to "
			      "c@d.example\n" },
		{ .name = "tabs",
		  .bytes = "\nkey\tto\tname\nFRA\ta@b.example\tx, y; z\n",
		  .expected = "FRA  \"x, y; z\" to a@b.example\n" },
		{ .name = "the separator is said, as Excel does",
		  .bytes = "sep=;\r\nkey;to;a,b,c,d\nFRA;a@b.example;1\n",
		  .expected = "FRA  \"FRA\" to a@b.example\n" },
		{ .name = "what looks like it is a column",
		  .bytes = "sep=x,key,to\n1,FRA,a@b.example\n",
		  .expected = "FRA  \"FRA\" to a@b.example\n" },
		{ .name = "separators in quotes do not count",
		  .bytes = "key,\"a;b;c;d\",to\nFRA,1,a@b.example\n",
		  .expected = "FRA  \"FRA\" to a@b.example\n" },
		{ .name = "addresses by role, To first",
		  .bytes = "cc.copy,key,to.mission,cc,to.minister\n"
			   "a@b.example,FRA,c@b.example,d@b.example,"
			   "e@b.example\n",
		  .expected = "FRA  \"FRA\" to c@b.example to e@b.example "
			      "cc d@b.example cc a@b.example\n" },
		{ .name = "empty lines are passed over",
		  .bytes = H "\n\r\nFRA,fr,a@b.example,France\n\n",
		  .expected = "FRA fr \"France\" to a@b.example\n" },
		{ .name = "blanks around, language in capitals",
		  .bytes = H " FRA , FR , a@b.example ,  France \n",
		  .expected = "FRA fr \"France\" to a@b.example\n" },
		{ .name = "UTF-8 with a byte-order mark",
		  .bytes = "\xEF\xBB\xBF" H "FRA,fr,a@b.example,Fran\xC3\xA7"
			   "a\n",
		  .expected = "FRA fr \"Fran\xC3\xA7" "a\" to a@b.example\n" },
		{ .name = "UTF-16LE with a byte-order mark",
		  .bytes = "\xFF\xFEk\0e\0y\0,\0t\0o\0\n\0\xE9\0,\0a\0@\0"
			   "b\0.\0c\0\n\0",
		  .len = 32,
		  .expected = "\xC3\xA9  \"\xC3\xA9\" to a@b.c\n" },
		{ .name = "UTF-16BE with a byte-order mark",
		  .bytes = "\xFE\xFF\0k\0e\0y\0,\0t\0o\0\n\0\xE9\0,\0a\0@\0"
			   "b\0.\0c\0\n",
		  .len = 32,
		  .expected = "\xC3\xA9  \"\xC3\xA9\" to a@b.c\n" },
		{ .name = "windows-1252 by name",
		  .bytes = H "FRA,fr,a@b.example,Fran\xE7" "ais \x96 \x80\n",
		  .charset = "windows-1252",
		  .expected = "FRA fr \"Fran\xC3\xA7" "ais \xE2\x80\x93 "
			      "\xE2\x82\xAC\" to a@b.example\n" },
		{ .name = "a charset of several bytes a character",
		  .bytes = H "JPN,ja,a@b.example,\x93\xFA\x96\x7B\n",
		  .charset = "Shift_JIS",
		  .expected = "JPN ja \"\xE6\x97\xA5\xE6\x9C\xAC\" to "
			      "a@b.example\n" },
		{ .name = "formulas are data",
		  .bytes = H "FRA,fr,a@b.example,\"=HYPERLINK(\"\"x\"\")\"\n",
		  .expected = "FRA fr \"=HYPERLINK(\"x\")\" to "
			      "a@b.example\n" },
		{ .name = "a line break and a tab in a field of the letter",
		  .bytes = "key,to,text\nFRA,a@b.example,\"one\r\ntwo\t3\"\n",
		  .expected = "FRA  \"FRA\" to a@b.example\n" },
		{ .name = "the same address for two ministries",
		  .bytes = "key,to\nFRA,a@b.example\nDEU,A@B.example\n",
		  .expected = "FRA  \"FRA\" to a@b.example\n"
			      "DEU  \"DEU\" to A@b.example\n"
			      "t.csv:3:5: warning: to: DEU has the address "
			      "A@b.example, and so has FRA on line 2\n" },
		{ .name = "the same copy for two ministries",
		  .bytes = "key,to,cc\nFRA,a@b.example,x@y.example\n"
			   "DEU,c@d.example,x@y.example\n",
		  .expected = "FRA  \"FRA\" to a@b.example cc x@y.example\n"
			      "DEU  \"DEU\" to c@d.example cc "
			      "x@y.example\n" },
	};

	(void)state;
	run_rows(rows, CH_COUNT(rows));
}

static void bad_bytes(void **state)
{
	static const struct row rows[] = {
		{ .name = "control character in an address",
		  .bytes = H "FRA,fr,a\001@b.example,France\n",
		  .expected = "t.csv:2:9: to: control character U+0001\n" },
		{ .name = "CR and LF in a key",
		  .bytes = H "\"F\r\nRA\",fr,a@b.example,France\n",
		  .expected = "t.csv:2:3: key: a line break in it\n" },
		{ .name = "tab in a name",
		  .bytes = H "FRA,fr,a@b.example,Fra\tnce\n",
		  .expected = "t.csv:2:23: name: a tab in it\n" },
		{ .name = "SMTP command in an address",
		  .bytes = H "FRA,fr,\"a@b.example>\r\nRCPT TO:<x\",F\n",
		  .expected = "t.csv:2:21: to: a line break in it\n" },
		{ .name = "lone CR in quotes",
		  .bytes = H "FRA,fr,\"a@b.example\rx\",F\n",
		  .expected = "t.csv:2:20: a carriage return that ends no "
			      "line\n" },
		{ .name = "NUL",
		  .bytes = "key,to\nF\0RA,a@b.example\n", .len = 24,
		  .expected = "t.csv:2:2: a NUL byte\n" },
		{ .name = "UTF-16 without a mark",
		  .bytes = "k\0e\0y\0\n\0", .len = 8,
		  .expected = "t.csv:1:2: a NUL byte\n" },
		{ .name = "invalid UTF-8",
		  .bytes = H "FRA,fr,a@b.example,\xC3\xA9t\xE9\n"
			     "DEU,fr,c@d.example,D\n",
		  .expected = "DEU fr \"D\" to c@d.example\n"
			      "t.csv:2:22: byte 0xE9 is not UTF-8\n" },
		{ .name = "cut short",
		  .bytes = H "FRA,fr,a@b.example,Fr\xE4\xB8",
		  .expected = "t.csv:2:22: byte 0xE4 is not UTF-8\n" },
		{ .name = "a surrogate alone",
		  .bytes = "\xFF\xFEk\0\x00\xD8,\0", .len = 8,
		  .expected = "t.csv:1:2: byte 0x00 is not UTF-16LE\n" },
		{ .name = "unknown charset", .bytes = H, .charset = "klingon",
		  .expected = "t.csv: no charset is called \"klingon\"\n" },
		{ .name = "a charset that is a path", .bytes = H,
		  .charset = "../x",
		  .expected = "t.csv: no charset is called \"../x\"\n" },
		{ .name = "a charset against the mark",
		  .bytes = "\xEF\xBB\xBF" H, .charset = "windows-1252",
		  .expected = "t.csv: it begins with the byte-order mark of "
			      "UTF-8, but the charset given is "
			      "windows-1252\n" },
		{ .name = "bidi override in a field of the letter",
		  .bytes = "key,to,text\nFRA,a@b.example,ab\xE2\x80\xAE" "cd\n",
		  .expected = "t.csv:2:19: text: text direction character "
			      "U+202E\n" },
		{ .name = "bidi mark in a key",
		  .bytes = "key,to\nF\xE2\x80\x8FRA,a@b.example\n",
		  .expected = "t.csv:2:2: key: text direction character "
			      "U+200F\n" },
		{ .name = "bidi override in an address",
		  .bytes = "key,to\nFRA,a\xE2\x80\xAE@b.example\n",
		  .expected = "t.csv:2:6: to: text direction character "
			      "U+202E\n" },
	};

	(void)state;
	run_rows(rows, CH_COUNT(rows));
}

static void bad_rows(void **state)
{
	static const struct row rows[] = {
		{ .name = "a quote that is never closed",
		  .bytes = H "FRA,fr,a@b.example,\"France\nDEU,de,x,y\n",
		  .expected = "t.csv:2:20: the quote that opens here is never "
			      "closed\n" },
		{ .name = "text behind a closing quote",
		  .bytes = H "FRA,fr,\"a@b.example\"x,F\n"
			     "DEU,fr,c@d.example,D\n",
		  .expected = "DEU fr \"D\" to c@d.example\n"
			      "t.csv:2:21: text behind the closing quote of "
			      "a cell that begins at 2:8\n" },
		{ .name = "a quote inside",
		  .bytes = H "FRA,fr,a@b.example,a \"b\" c\n",
		  .expected = "t.csv:2:22: a quote in a cell that does not "
			      "begin with one\n" },
		{ .name = "too few cells",
		  .bytes = H "FRA,fr,a@b.example\n",
		  .expected = "t.csv:2: 3 cells, but there are 4 columns\n" },
		{ .name = "too many cells",
		  .bytes = H "FRA,fr,a@b.example,X, Y\n",
		  .expected = "t.csv:2:22: 5 cells, but there are 4 "
			      "columns\n" },
		{ .name = "duplicate column", .bytes = "key,to,x,to\n",
		  .expected = "t.csv:1:10: column 4 is called \"to\" like "
			      "column 2\n" },
		{ .name = "missing columns", .bytes = "a,b\n",
		  .expected = "t.csv:1: there is no column called \"key\"\n"
			      "t.csv:1: there is no column called \"to\"\n" },
		{ .name = "column without a name", .bytes = "key,to,\n",
		  .expected = "t.csv:1:8: column 3 has no name\n" },
		{ .name = "column that no tag can name",
		  .bytes = "key,to,#a,x}y\n",
		  .expected = "t.csv:1:8: column 3: a name may not begin with "
			      "\"#\" nor end with white space\n"
			      "t.csv:1:11: column 4: \"}\" in a name\n" },
		{ .name = "empty file", .bytes = "",
		  .expected = "t.csv: the table is empty\n" },
		{ .name = "header alone", .bytes = H,
		  .expected = "t.csv: there is no addressee in it\n" },
		{ .name = "ministry twice",
		  .bytes = H "FRA,fr,a@b.example,F\nDEU,,c@d.example,D\n"
			     "fra,fr,e@f.example,F\n",
		  .expected = "FRA fr \"F\" to a@b.example\n"
			      "DEU  \"D\" to c@d.example\n"
			      "t.csv:4:1: key: \"fra\" is there twice, on "
			      "lines 2 and 4\n" },
		{ .name = "no key", .bytes = H ",fr,a@b.example,F\n",
		  .expected = "t.csv:2:1: key: empty\n" },
		{ .name = "slash in a key", .bytes = H "A/B,,a@b.example,F\n",
		  .expected = "t.csv:2:1: key: \"A/B\" has a slash in it\n" },
		{ .name = "no such language",
		  .bytes = H "FRA,french,a@b.example,F\n",
		  .expected = "t.csv:2:5: language: \"french\" is no "
			      "language\n" },
		{ .name = "no address", .bytes = H "FRA,fr,,F\n",
		  .expected = "t.csv:2:8: to: no address\n" },
		{ .name = "no domain", .bytes = H "UGA,en,m.okello@,U\n",
		  .expected = "t.csv:2:8: to: no domain in \"m.okello@\"\n" },
		{ .name = "the second of two addresses",
		  .bytes = H "UGA,en,\"a@b.example, m.okello@\",U\n",
		  .expected = "t.csv:2:22: to: no domain in "
			      "\"m.okello@\"\n" },
		{ .name = "a display name's comma outside quotes",
		  .bytes = H "FRA,fr,\"\"\"X\"\" <x@y.example>, Y, Z "
			   "<a@b.example>\",F\n",
		  .expected = "t.csv:2:30: to: no \"@\" in \"Y\"\n" },
		{ .name = "an address twice",
		  .bytes = "key,to,cc\nUGA,a@b.example,A@b.example\n",
		  .expected = "t.csv:2:17: cc: A@b.example is there twice\n" },
		{ .name = "all faults at once",
		  .bytes = H "A/B,xx,a@,F\nFRA,fr\n,,,\n",
		  .expected =
			  "t.csv:2:1: key: \"A/B\" has a slash in it\n"
			  "t.csv:2:5: language: \"xx\" is no language\n"
			  "t.csv:2:8: to: no domain in \"a@\"\n"
			  "t.csv:3: 2 cells, but there are 4 columns\n"
			  "t.csv:4:1: key: empty\n"
			  "t.csv:4:3: to: no address\n" },
	};

	(void)state;
	run_rows(rows, CH_COUNT(rows));
}

/* Rows whose messages are address.c's: here only that they are refused, and
 * where. */
static void bad_addresses(void **state)
{
	static const char *const addresses[] = {
		"a", "@b.example", "a@b@c.example", "a b@c.example",
		"g: a@b.example;", "(comment) a@b.example",
		"<@r.example:a@b.example>", "a@b.example(c)", "a..b@c.example",
		"p\xD0\xB0ypal@b.example", "a@p\xD0\xB0ypal.example",
		"a@-b.example", "a@b.example>",
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(addresses); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(10000);
		CH_AUTOCHAR bytes = ch_xasprintf("key,to\nFRA,\"%s\"\n",
						 addresses[i]);
		CH_AUTOCHAR path = put_file(bytes, strlen(bytes));

		read_table(path, NULL, 0, &out);
		if (strncmp(ch_str_cstr(&out), "t.csv:2:", 8) != 0)
			print_error("%s: %s\n", addresses[i],
				    ch_str_cstr(&out));
		assert_memory_equal(ch_str_cstr(&out), "t.csv:2:", 8);
		assert_non_null(strstr(ch_str_cstr(&out), ": to: "));
	}
}

static void lengths(void **state)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(10000000);
	CH_AUTO(ch_str) out = CH_STR_INIT(10000);
	CH_AUTOCHAR path = NULL;

	(void)state;
	ch_str_add(&bytes, "key,to,text\n");
	for (int i = 0; i < 65; i++)
		ch_str_add_char(&bytes, 'k');
	ch_str_add(&bytes, ",a@b.example,x\n1,");
	for (int i = 0; i < 65; i++)
		ch_str_add_char(&bytes, 'l');
	ch_str_add(&bytes, "@b.example,x\n2,a@b.example,");
	for (int i = 0; i < CH_CELL_MAX; i++)
		ch_str_add_char(&bytes, 't');
	ch_str_add(&bytes, "\n3,a@c.example,");
	for (int i = 0; i < CH_CELL_MAX + 1; i++)
		ch_str_add_char(&bytes, 't');
	ch_str_add(&bytes, "\n4,a@d.example,x\n");
	path = put_file(ch_str_cstr(&bytes), bytes.len);
	read_table(path, NULL, 0, &out);
	assert_non_null(strstr(ch_str_cstr(&out), "2  \"2\" to a@b.example\n"
						  "4  \"4\" to a@d.example\n"
						  "t.csv:2:1: key: longer than "
						  "64 characters\n"
						  "t.csv:3:3: to: "));
	assert_non_null(strstr(ch_str_cstr(&out),
			       "t.csv:5:15: the cell is longer than 65536 "
			       "bytes\n"));
}

static void too_many_rows(void **state)
{
	CH_AUTO(ch_str) out = CH_STR_INIT(10000);
	static const char bytes[] = "key,to\nA,a@b.example\nB,b@b.example\n"
				    "C,c@b.example\n";
	CH_AUTOCHAR path = put_file(bytes, strlen(bytes));

	(void)state;
	read_table(path, NULL, 2, &out);
	assert_string_equal(ch_str_cstr(&out),
			    "A  \"A\" to a@b.example\nB  \"B\" to "
			    "b@b.example\nt.csv:4: more than 2 addressees\n");
}

static void only_regular_files(void **state)
{
	CH_AUTOCHAR fifo = ch_xasprintf("%s/fifo", folder);
	const char *const paths[] = { fifo, "/dev/zero", folder, "/nonexistent" };
	const char *const expected[] = {
		"t.csv: not a regular file\n", "t.csv: not a regular file\n",
		"t.csv: not a regular file\n",
		"t.csv: No such file or directory\n",
	};

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	for (size_t i = 0; i < CH_COUNT(paths); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(10000);

		read_table(paths[i], NULL, 0, &out);
		assert_string_equal(ch_str_cstr(&out), expected[i]);
	}
}

static void changed_while_read(void **state)
{
	static const char bytes[] = "key,to\nA,a@b.example\n";
	CH_AUTOCHAR path = put_file(bytes, strlen(bytes));
	struct ch_table_options options = { .shown = "t.csv" };
	CH_AUTOPTR(ch_table) table = NULL;
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_str) out = CH_STR_INIT(10000);
	struct ch_addressee a;

	(void)state;
	assert_int_equal(ch_table_open(path, &options, &table, &problems), 0);
	assert_int_equal(ch_table_next(table, &a, &problems), 1);
	ch_addressee_release(&a);
	{
		CH_AUTOFD fd = open(path, O_WRONLY | O_APPEND);

		assert_int_equal(write(fd, "\n", 1), 1);
	}
	assert_int_equal(ch_table_next(table, &a, &problems), 0);
	assert_int_equal(problems.len, 1);
	ch_problem_format(&problems.items[0], &out);
	assert_string_equal(ch_str_cstr(&out), "t.csv: the file was changed "
					       "while it was read");
	/* And it stays at the end. */
	assert_int_equal(ch_table_next(table, &a, &problems), 0);
	assert_int_equal(problems.len, 1);
}

static void fields_are_columns(void **state)
{
	static const char bytes[] = "key,to,salutation,text\n"
				    "FRA, a@b.example ,\" Sir\",\"a\nb\"\n";
	CH_AUTOCHAR path = put_file(bytes, strlen(bytes));
	struct ch_table_options options = { .shown = "t.csv" };
	CH_AUTOPTR(ch_table) table = NULL;
	CH_AUTO(ch_problems) problems = { 0 };
	CH_AUTO(ch_addressee) a = { 0 };
	size_t len;

	(void)state;
	assert_int_equal(ch_table_open(path, &options, &table, &problems), 0);
	ch_table_columns(table, &len);
	assert_int_equal(len, 4);
	assert_int_equal(ch_table_next(table, &a, &problems), 1);
	assert_int_equal(a.line, 2);
	assert_string_equal(ch_fields_get(&a.fields, "to"), "a@b.example");
	assert_string_equal(ch_fields_get(&a.fields, "salutation"), " Sir");
	assert_string_equal(ch_fields_get(&a.fields, "text"), "a\nb");
	assert_null(ch_fields_get(&a.fields, "name"));
	assert_int_equal(ch_table_rows(table), 1);
}

/* Rows longer than a piece of the file, characters cut by its end. */
static void pieces(void **state)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(10000000);
	CH_AUTO(ch_str) out = CH_STR_INIT(10000000);
	CH_AUTO(ch_str) expected = CH_STR_INIT(10000000);
	CH_AUTOCHAR path = NULL;

	(void)state;
	ch_str_add(&bytes, "key,to,name\n");
	for (int i = 0; i < 3000; i++) {
		ch_str_addf(&bytes, "K%d,a%d@b.example,\"\xE4\xB8\xAD\xC3\xA9"
			    "\xF0\x9F\x98\x80\"\n", i, i);
		ch_str_addf(&expected, "K%d  \"\xE4\xB8\xAD\xC3\xA9"
			    "\xF0\x9F\x98\x80\" to a%d@b.example\n", i, i);
	}
	path = put_file(ch_str_cstr(&bytes), bytes.len);
	read_table(path, NULL, 0, &out);
	assert_string_equal(ch_str_cstr(&out), ch_str_cstr(&expected));
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/chancery-test-table-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	CH_AUTOCHAR table = ch_xasprintf("%s/t.csv", folder);
	CH_AUTOCHAR fifo = ch_xasprintf("%s/fifo", folder);

	(void)state;
	unlink(table);
	unlink(fifo);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_tables),
		cmocka_unit_test(bad_bytes),
		cmocka_unit_test(bad_rows),
		cmocka_unit_test(bad_addresses),
		cmocka_unit_test(lengths),
		cmocka_unit_test(too_many_rows),
		cmocka_unit_test(only_regular_files),
		cmocka_unit_test(changed_while_read),
		cmocka_unit_test(fields_are_columns),
		cmocka_unit_test(pieces),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
