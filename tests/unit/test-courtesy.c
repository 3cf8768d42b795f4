// SPDX-License-Identifier: GPL-3.0-or-later
/* test-courtesy.c - what stands around a letter: the same in another language
 * below it, a picture above it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "letter/letter.h"

#define SENDER "sender = \"Office <o@s.example>\"; "
#define GIF "GIF89a\x2C\x01\x40\x01xx" /* 300 by 320 */
#define RULE "\n--------------------\n\n"

static const struct ch_letter_identity identity = {
	"k7@lamp.example", INT64_C(1795478400000000) /* 2026-11-24 */
};

static void add_file(struct ch_bundle *bundle, const char *name,
		     const char *text)
{
	struct ch_bundle_file file = {
		.role = CH_ROLE_LETTER,
		.name = ch_xstrdup(name),
		.shown = ch_xasprintf("l/%s", name),
	};

	ch_str_init(&file.bytes, 100000);
	ch_str_add(&file.bytes, text);
	CH_GROW(bundle->files, bundle->len, bundle->cap);
	bundle->files[bundle->len++] = file;
}

/* A letter in three languages, with this letter.conf, for an addressee. */
struct sample {
	struct ch_bundle bundle;
	struct ch_letter *letter;
	struct ch_addressee addressee;
	struct ch_problems problems;
	struct ch_str out;
};

static int load(struct sample *s, const char *conf)
{
	struct ch_letter_options options = {
		.date_us = identity.date_us,
	};

	*s = (struct sample){ .out = CH_STR_INIT(1000000) };
	add_file(&s->bundle, "letter.conf", conf);
	add_file(&s->bundle, "en.md", "Subject: Yes\n\nDear {{name}}\n");
	add_file(&s->bundle, "fr.md", "Subject: Oui\n\nMadame {{name}}\n");
	add_file(&s->bundle, "zh.md", "Subject: 是\n\n{{name}}阁下\n");
	add_file(&s->bundle, "logo.gif", GIF);
	add_file(&s->bundle, "logo.png", "<svg/>");
	return ch_letter_load(&s->bundle, &options, &s->letter, &s->problems);
}

static void release(struct sample *s)
{
	ch_letter_free(s->letter);
	ch_bundle_release(&s->bundle);
	ch_addressee_release(&s->addressee);
	ch_problems_release(&s->problems);
	ch_str_release(&s->out);
}

static void make_addressee(struct sample *s, const char *language,
			   const char *second)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(10000);
	struct ch_fields fields = { 0 };
	struct ch_error err;

	ch_fields_set(&fields, "name", ch_slice_of("Y"));
	ch_fields_set(&fields, "to", ch_slice_of("m@fr.example"));
	ch_fields_set(&fields, "name.fr", ch_slice_of("la Ministre"));
	if (second)
		ch_fields_set(&fields, "second_language",
			      ch_slice_of(second));
	ch_fields_encode(&fields, &bytes);
	ch_fields_release(&fields);
	assert_int_equal(ch_addressee_from_fields(
				 ch_slice_of("FRA"), ch_slice_of(language),
				 (struct ch_slice){ bytes.data, bytes.len },
				 &s->addressee, &err), 0);
}

static void compose(struct sample *s)
{
	CH_AUTO(ch_composed) composed;

	ch_composed_init(&composed, 1000000);
	assert_int_equal(ch_letter_compose(s->letter, &s->addressee,
					   &identity, &composed,
					   &s->problems), 0);
	for (size_t i = 0; i < composed.pieces_len; i++)
		ch_str_add_mem(&s->out, composed.pieces[i].iov_base,
			       composed.pieces[i].iov_len);
	assert_int_equal(s->out.len, composed.size_bytes);
}

static void has(const struct sample *s, const char *text)
{
	if (!strstr(ch_str_cstr(&s->out), text))
		fail_msg("\"%s\" is not in:\n%s", text, ch_str_cstr(&s->out));
}

static void translations(void **state)
{
	static const struct {
		const char *name, *conf, *language, *second;
		const char *text, *languages;
	} rows[] = {
		{ "not asked for", SENDER, "fr", "en", "Madame Y\n", "fr" },
		{ "in one language for all",
		  SENDER "courtesy_translation = \"en\";", "fr", NULL,
		  "Madame Y\n" RULE "Courtesy translation\n\nDear Y\n",
		  "fr, en" },
		{ "not below itself", SENDER "courtesy_translation = \"en\";",
		  "en", NULL, "Dear Y\n", "en" },
		{ "nor below the one it fell back to",
		  SENDER "courtesy_translation = \"en\";", "es", NULL,
		  "Dear Y\n", "en" },
		{ "the addressee's second",
		  SENDER "courtesy_translation = \"second\";", "en", "fr",
		  "Dear Y\n" RULE
		  "Traduction de courtoisie\n\nMadame la Ministre\n",
		  "en, fr" },
		{ "the addressee has no second",
		  SENDER "courtesy_translation = \"second\";", "en", NULL,
		  "Dear Y\n", "en" },
		{ "the letter does not have the second",
		  SENDER "courtesy_translation = \"second\";", "en", "ru",
		  "Dear Y\n", "en" },
		{ "words of the letter's own",
		  SENDER "courtesy_translation = \"en\"; "
			 "labels: { en: { courtesy = \"In English\"; }; };",
		  "zh", NULL, "Y阁下\n" RULE "In English\n\nDear Y\n",
		  "zh, en" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		CH_AUTO(ch_str) text = CH_STR_INIT(10000);
		CH_AUTOCHAR header = ch_xasprintf("\r\nContent-Language: %s\r\n",
						  rows[i].languages);
		struct sample s;

		if (load(&s, rows[i].conf) < 0)
			fail_msg("%s: %s", rows[i].name,
				 s.problems.items[0].text);
		make_addressee(&s, rows[i].language, rows[i].second);
		assert_int_equal(ch_letter_merge(s.letter, &s.addressee, NULL,
						 &text, NULL, &s.problems), 0);
		if (strcmp(ch_str_cstr(&text), rows[i].text) != 0)
			fail_msg("%s: %s", rows[i].name, ch_str_cstr(&text));
		compose(&s);
		has(&s, header);
		release(&s);
	}
}

/* DelSp is one for the part, whichever language is first. */
static void delsp(void **state)
{
	static const char *const languages[] = { "zh", "en" };

	(void)state;
	for (size_t i = 0; i < CH_COUNT(languages); i++) {
		struct sample s;

		assert_int_equal(load(&s, SENDER "courtesy_translation = "
						 "\"second\";"), 0);
		make_addressee(&s, languages[i], languages[1 - i]);
		compose(&s);
		has(&s, "; format=flowed; delsp=yes\r\n");
		release(&s);
	}
}

static void columns(void **state)
{
	static const struct {
		const char *conf, *column;
		bool used;
	} rows[] = {
		{ SENDER, "second_language", false },
		{ SENDER, "name.fr", false },
		{ SENDER "courtesy_translation = \"second\";",
		  "second_language", true },
		{ SENDER "courtesy_translation = \"second\";", "name.fr",
		  true },
		{ SENDER "courtesy_translation = \"second\";", "name.es",
		  false },
		{ SENDER "courtesy_translation = \"second\";", "other.fr",
		  false },
		{ SENDER "courtesy_translation = \"en\";", "name.en", true },
		{ SENDER "courtesy_translation = \"en\";", "name.fr", false },
		{ SENDER "courtesy_translation = \"en\";",
		  "second_language", false },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct sample s;

		assert_int_equal(load(&s, rows[i].conf), 0);
		if (ch_letter_uses(s.letter, rows[i].column) != rows[i].used)
			fail_msg("%s, %s", rows[i].conf, rows[i].column);
		release(&s);
	}
}

static void a_logo(void **state)
{
	struct sample s;
	CH_AUTO(ch_str) html = CH_STR_INIT(10000);

	(void)state;
	assert_int_equal(load(&s, SENDER "logo = \"logo.gif\"; logo_width = "
					 "150; labels: { fr: { organisation = "
					 "\"Comité\"; }; };"), 0);
	make_addressee(&s, "fr", NULL);
	compose(&s);
	has(&s, "--=_an5nfstgspsnonmw5dpwwv5va\r\n"
		"Content-Type: multipart/related; type=\"text/html\";\r\n"
		" boundary=\"=_rn5nfstgspsnonmw5dpwwv5va\"\r\n\r\n"
		"--=_rn5nfstgspsnonmw5dpwwv5va\r\n"
		"Content-Type: text/html; charset=utf-8\r\n");
	has(&s, "src=3D\"cid:n5nfstgspsnonmw5dpwwv5va@");
	has(&s, "--=_rn5nfstgspsnonmw5dpwwv5va\r\n"
		"Content-ID: <n5nfstgspsnonmw5dpwwv5va@lamp.example>\r\n"
		"Content-Type: image/gif\r\n"
		"Content-Transfer-Encoding: base64\r\n"
		"Content-Disposition: inline; filename=logo.gif\r\n\r\n"
		"R0lGODlhLAFAAXh4\r\n"
		"--=_rn5nfstgspsnonmw5dpwwv5va--\r\n"
		"--=_an5nfstgspsnonmw5dpwwv5va--\r\n");

	/* A preview has it inside. */
	assert_int_equal(ch_letter_merge(s.letter, &s.addressee, NULL, NULL,
					 &html, &s.problems), 0);
	assert_non_null(strstr(ch_str_cstr(&html),
			       "<img src=\"data:image/gif;base64,"
			       "R0lGODlhLAFAAXh4\" width=\"150\" "
			       "height=\"160\" alt=\"Comité\" "));
	release(&s);
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *conf, *problem;
	} rows[] = {
		{ SENDER "\nlogo = \"logo.jpg\";",
		  "l/letter.conf:2: logo: there is no logo.jpg" },
		{ SENDER "logo = \"logo.png\";",
		  "l/letter.conf:1: logo: logo.png: neither a PNG nor a JPEG "
		  "nor a GIF" },
		{ SENDER "\n\ncourtesy_translation = \"es\";",
		  "l/letter.conf:3: courtesy_translation: the letter has no "
		  "text in \"es\"" },
	};

	(void)state;
	for (size_t i = 0; i < CH_COUNT(rows); i++) {
		struct sample s;

		assert_int_equal(load(&s, rows[i].conf), -1);
		ch_problem_format(&s.problems.items[0], &s.out);
		assert_string_equal(ch_str_cstr(&s.out), rows[i].problem);
		release(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(translations),
		cmocka_unit_test(delsp),
		cmocka_unit_test(columns),
		cmocka_unit_test(a_logo),
		cmocka_unit_test(what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
