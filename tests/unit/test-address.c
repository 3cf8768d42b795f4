// SPDX-License-Identifier: GPL-3.0-or-later
/* test-address.c - which addresses go on the wire, and why others do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/mem.h"
#include "mail/address.h"

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define L60 "label60890123456789012345678901234567890123456789012345678901"

struct good_row {
	const char *in, *display, *spec;
};

static const struct good_row good[] = {
	{ "m.okello@lamp.example", "", "m.okello@lamp.example" },
	{ "  a@b.example ", "", "a@b.example" },
	{ "<a@b.example>", "", "a@b.example" },
	{ "A.B+c=d@Lamp.EXAMPLE", "", "A.B+c=d@lamp.example" },
	{ "Awa Diallo <a@b.example>", "Awa Diallo", "a@b.example" },
	{ "H.E. Mr. Okello<a@b.example>", "H.E. Mr. Okello", "a@b.example" },
	{ "\"Diallo, Awa\" <a@b.example>", "Diallo, Awa", "a@b.example" },
	{ "\"a\\\"b\\\\c <x@y>\" <a@b.example>", "a\"b\\c <x@y>",
	  "a@b.example" },
	{ "Министр <a@b.example>", "Министр", "a@b.example" },
	{ "معالي الوزير <a@b.example>", "معالي الوزير", "a@b.example" },
	{ "a@bücher.example", "", "a@xn--bcher-kva.example" },
	{ "a@straße.example", "", "a@xn--strae-oqa.example" },
	{ "a@пример.example", "", "a@xn--e1afmkfd.example" },
	{ "a@例え.テスト.example", "", "a@xn--r8jz45g.xn--zckzah.example" },
	{ "a@xn--bcher-kva.example", "", "a@xn--bcher-kva.example" },
	{ "a@1.example", "", "a@1.example" },
	{ X50 X10 "4444@b.example", "", X50 X10 "4444@b.example" },
};

static void good_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < CH_COUNT(good); i++) {
		struct ch_address address;
		struct ch_error err = { 0 };

		if (ch_address_parse(good[i].in, strlen(good[i].in), &address,
				     &err) < 0)
			fail_msg("%s: %s", good[i].in, err.text);
		assert_string_equal(address.display, good[i].display);
		assert_string_equal(address.spec, good[i].spec);
		assert_string_equal(ch_address_domain(&address),
				    strchr(good[i].spec, '@') + 1);
	}
}

struct bad_row {
	const char *in;
	size_t len; /* 0: to the terminator */
	const char *reason;
};

static const struct bad_row bad[] = {
	{ "", 0, "no address" },
	{ "Name <>", 0, "no address" },
	{ "m.okello@", 0, "no domain in \"m.okello@\"" },
	{ "okello", 0, "no \"@\" in \"okello\"" },
	{ "@lamp.example", 0, "nothing before the \"@\"" },
	{ "a@b@c.example", 0, "two \"@\" in \"a@b@c.example\"" },
	{ "a@b.example>\r\nRCPT TO:<x", 0,
	  "control character U+000D in an address" },
	{ "a\0b@c.example", 13, "control character U+0000 in an address" },
	{ "a\tb@c.example", 0, "control character U+0009 in an address" },
	{ "a@\xC2\x85" "b.example", 0,
	  "control character U+0085 in an address" },
	{ "a@b\xFF.example", 0,
	  "not UTF-8: byte 0xFF at byte 4 of the address" },
	{ "a@b\u202E.example", 0,
	  "U+202E, which turns the direction of text, in an address" },
	{ "Okello \u2067<a@b.example>", 0,
	  "U+2067, which turns the direction of text, in an address" },
	{ "a(note)@b.example", 0,
	  "a comment in parentheses in \"a(note)@b.example\"" },
	{ "Team:a@b.example", 0,
	  "\"Team:a@b.example\" is a group, not an address" },
	{ "@c.example:a@b.example", 0,
	  "\"@c.example:a@b.example\" is a route through other hosts" },
	{ "<@c.example,@d.example:a@b.example>", 0,
	  "\"@c.example,@d.example:a@b.example\" is a route through other "
	  "hosts" },
	{ "a%c.example@b.example", 0,
	  "\"%\" in \"a%c.example\" is a route through another host" },
	{ "c!a@b.example", 0,
	  "\"!\" in \"c!a\" is a route through another host" },
	{ "\"a b\"@c.example", 0, "\"\"\" may not stand in \"\"a b\"\"" },
	{ "a b@c.example", 0, "\" \" may not stand in \"a b\"" },
	{ ".a@b.example", 0,
	  "a dot at the edge, or two together, in \".a\"" },
	{ "a..b@c.example", 0,
	  "a dot at the edge, or two together, in \"a..b\"" },
	{ "jos\u00E9@b.example", 0,
	  "\"jos\u00E9\" is not ASCII; only the domain may be" },
	{ X50 X10 "55555@b.example", 0,
	  "65 bytes before the \"@\"; 64 are allowed" },
	{ "a@[192.0.2.1]", 0,
	  "\"[192.0.2.1]\" is a host's number, not a domain" },
	{ "a@localhost", 0, "the domain \"localhost\" has no dot" },
	{ "a@b..example", 0, "\"b..example\" is not a domain name" },
	{ "a@.example", 0, "\".example\" is not a domain name" },
	{ "a@b.example.", 0, "\"b.example.\" is not a domain name" },
	{ "a@-b.example", 0, "\"-b.example\" is not a domain name" },
	{ "a@b_c.example", 0, "\"b_c.example\" is not a domain name" },
	{ "a@b c.example", 0, "\"b c.example\" is not a domain name" },
	{ "a@" X50 X10 "4444.example", 0,
	  "\"" X50 X10 "4444.example\" is not a domain name" },
	{ "a@" L60 "." L60 "." L60 "." L60 "." X10 "12345.example", 0,
	  "a domain of 271 bytes; 255 are allowed" },
	{ "aaaaa@" L60 "." L60 "." L60 "." L60 ".example", 0,
	  "an address of 261 bytes; 254 are allowed" },
	/* The second letter is Cyrillic, then Greek. */
	{ "a@l\u0430mp.example", 0,
	  "letters of several scripts in the domain "
	  "\"l\u0430mp.example\"" },
	{ "a@l\u03B1mp.example", 0,
	  "letters of several scripts in the domain "
	  "\"l\u03B1mp.example\"" },
	{ "a@xn--lmp-6cd.example", 0,
	  "letters of several scripts in the domain "
	  "\"l\u0430mp.example\"" },
	{ "a@xn--\u00FC.example", 0,
	  "\"xn--\u00FC.example\" has an \"xn--\" part that is no domain" },
	{ "a@\u05D0a.example", 0,
	  "\"\u05D0a.example\" mixes directions of writing or joins letters "
	  "as no domain may" },
	{ "Awa <a@b.example", 0,
	  "\"<\" without \">\", or \">\" without \"<\", in "
	  "\"Awa <a@b.example\"" },
	{ "a@b.example>", 0,
	  "\"<\" without \">\", or \">\" without \"<\", in "
	  "\"a@b.example>\"" },
	{ "Awa <a@b.example> x", 0,
	  "text behind the \">\" in \"Awa <a@b.example> x\"" },
	{ "Diallo, Awa <a@b.example>", 0,
	  "\",\" in the name \"Diallo, Awa\"; put the name in quotes" },
	{ "\"Diallo\" Awa <a@b.example>", 0,
	  "text behind the quoted name \"Diallo\" Awa" },
};

static void bad_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < CH_COUNT(bad); i++) {
		struct ch_address address;
		struct ch_error err = { 0 };
		size_t len = bad[i].len ? bad[i].len : strlen(bad[i].in);

		if (ch_address_parse(bad[i].in, len, &address, &err) == 0)
			fail_msg("%s: taken as %s", bad[i].in, address.spec);
		assert_string_equal(err.text, bad[i].reason);
		assert_int_equal(err.fate, CH_GIVE_UP);
	}
}

static void lists(void **state)
{
	static const struct {
		const char *in;
		int count;
		size_t offset; /* of the bad one */
		const char *first, *last;
	} rows[] = {
		{ "", 0, 0, NULL, NULL },
		{ "   ", 0, 0, NULL, NULL },
		{ "a@b.example", 1, 0, "a@b.example", "a@b.example" },
		{ "a@b.example; c@d.example", 2, 0, "a@b.example",
		  "c@d.example" },
		{ "\"x, y; z\" <a@b.example>,c@d.example , e@f.example", 3, 0,
		  "a@b.example", "e@f.example" },
		{ "a@b.example,", -1, 12, NULL, NULL },
		{ "a@b.example, , c@d.example", -1, 13, NULL, NULL },
		{ "a@b.example; bad", -1, 13, NULL, NULL },
		{ "<@c.example,@d.example:a@b.example>", -1, 0, NULL, NULL },
		{ "Team: a@b.example, c@d.example;", -1, 0, NULL, NULL },
		{ "\"open <a@b.example>, c@d.example", -1, 0, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_address *list = NULL;
		size_t offset = 0;
		struct ch_error err = { 0 };
		int count = ch_address_parse_list(rows[i].in,
						  strlen(rows[i].in),
						  CH_LOCAL_ASCII, &list,
						  &offset, &err);

		if (count != rows[i].count || offset != rows[i].offset)
			fail_msg("\"%s\": %d at %zu (%s)", rows[i].in, count,
				 offset, err.text);
		if (count > 0) {
			assert_string_equal(list[0].spec, rows[i].first);
			assert_string_equal(list[count - 1].spec,
					    rows[i].last);
		}
		free(list);
	}
}

static void utf8_before_the_at(void **state)
{
	static const struct {
		const char *in;
		const char *out; /* or the error */
		bool good;
	} rows[] = {
		{ "jos\u00E9@b.example", "jos\u00E9@b.example", true },
		{ "Jos\u00E9 <jos\u00E9.o'neill+x@b\u00FCcher.example>",
		  "jos\u00E9.o'neill+x@xn--bcher-kva.example", true },
		{ "\u5916\u4EA4\u90E8@\u4F8B.example",
		  "\u5916\u4EA4\u90E8@xn--fsq.example", true },
		{ "\u0438\u0432\u0430\u043D.p@b.example",
		  "\u0438\u0432\u0430\u043D.p@b.example", true },
		{ "a@b.example", "a@b.example", true },
		/* Latin "jos" and an accent of its own; Cyrillic a in Latin. */
		{ "jose\u0301@b.example",
		  "\"jose\u0301\" is written with separate accents (not in "
		  "Unicode's form NFC)", false },
		{ "l\u0430mp@b.example",
		  "letters of several scripts before the \"@\" of "
		  "\"l\u0430mp\"", false },
		{ "a\u200Bb\u00E9@b.example",
		  "U+200B, which cannot be seen, in \"a\u200Bb\u00E9\"",
		  false },
		{ "a\u00A0b@b.example",
		  "U+00A0, which cannot be seen, in \"a\u00A0b\"", false },
		{ "a\uE000@b.example",
		  "U+E000, which cannot be seen, in \"a\uE000\"", false },
		{ "\u00E9 b@b.example",
		  "\" \" may not stand in \"\u00E9 b\"", false },
		{ "\u00E9%b@b.example",
		  "\"%\" in \"\u00E9%b\" is a route through another host",
		  false },
		{ "\u00E9\xC3@b.example",
		  "not UTF-8: byte 0xC3 at byte 3 of the address", false },
		{ "\u00E9" X50 X10 "555@b.example",
		  "65 bytes before the \"@\"; 64 are allowed", false },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct ch_address *list = NULL;
		size_t offset = 0;
		struct ch_error err = { 0 };
		int count = ch_address_parse_list(rows[i].in,
						  strlen(rows[i].in),
						  CH_LOCAL_UTF8, &list,
						  &offset, &err);

		if ((count == 1) != rows[i].good)
			fail_msg("\"%s\": %d (%s)", rows[i].in, count,
				 err.text);
		assert_string_equal(rows[i].good ? list[0].spec : err.text,
				    rows[i].out);
		free(list);
	}
	assert_true(ch_address_needs_utf8("jos\u00E9@b.example"));
	assert_false(ch_address_needs_utf8("jose@xn--bcher-kva.example"));
}

static void what_people_are_shown(void **state)
{
	static const struct {
		const char *spec, *shown;
	} rows[] = {
		{ "a@b.example", "a@b.example" },
		{ "a@xn--bcher-kva.example", "a@b\u00FCcher.example" },
		{ "jos\u00E9@xn--fsq.example", "jos\u00E9@\u4F8B.example" },
		{ "xn--bcher-kva.example", "b\u00FCcher.example" },
		{ "xn--a@b.example", "xn--a@b.example" },
		/* Of two scripts, no A-label at all, and nothing. */
		{ "a@xn--lmp-7cd.example", "a@xn--lmp-7cd.example" },
		{ "a@xn--0.example", "a@xn--0.example" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) out = CH_STR_INIT(2000);

		ch_address_show(rows[i].spec, &out);
		assert_string_equal(ch_str_cstr(&out), rows[i].shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_addresses),
		cmocka_unit_test(bad_addresses),
		cmocka_unit_test(lists),
		cmocka_unit_test(utf8_before_the_at),
		cmocka_unit_test(what_people_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
